// SPDX-License-Identifier: GPL-2.0-only
/* One line of result: JSON, so that it can come from another process. */

#include <stdarg.h>

#include "check.h"
#include "out.h"

const char * const check_names[CHECK_NR] = {
	[CHECK_PASS] = "pass",
	[CHECK_WARN] = "warn",
	[CHECK_FAIL] = "fail",
	[CHECK_UNKNOWN] = "unknown",
};

/**
 * check_say - a result
 * @out: where to
 * @id: stable name
 * @device: of which device; NULL: of the machine
 * @status: how it is
 * @command: what can be pasted into root's shell; NULL or empty: nothing can
 * @fmt: what was seen and what it means, as printf()'s
 */
void check_say(FILE *out, const char *id, const char *device, enum check_status status,
	       const char *command, const char *fmt, ...)
{
	struct json_object *line = json_object_new_object();
	struct json_object *check = json_object_new_object();
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	out_put(check, "id", id);
	out_put(check, "device", device);
	out_put(check, "status", check_names[status]);
	out_put(check, "text", text);
	out_put(check, "command", command);
	json_object_object_add(line, "check", check);
	fprintf(out, "%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	fflush(out);
	json_object_put(line);
}
