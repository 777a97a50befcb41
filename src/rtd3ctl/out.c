// SPDX-License-Identifier: GPL-2.0-only
/* How results are shown: colours, trees, JSON; and what verbs return. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"

static bool out_coloured;

/* Colours are for terminals, and not for those who do not want them (no-color.org). */
void out_init(void)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	out_coloured = isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

const char *out_on(enum out_colour colour)
{
	static const char * const codes[OUT_COLOURS] = {
		[OUT_PLAIN] = "",
		[OUT_RED] = "\033[31m",
		[OUT_GREEN] = "\033[32m",
		[OUT_YELLOW] = "\033[33m",
		[OUT_BLUE] = "\033[34m",
		[OUT_BOLD] = "\033[1m",
	};

	return out_coloured ? codes[colour] : "";
}

const char *out_off(void)
{
	return out_coloured ? "\033[0m" : "";
}

/**
 * out_error - say in one line what is wrong, and what to do
 * @status: exit status
 * @fmt: as printf()'s, without a line end
 *
 * Return: @status.
 */
int out_error(int status, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("rtd3ctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);

	return status;
}

int out_no_memory(void)
{
	return out_error(CTL_FAILED, "out of memory: close something");
}

/* The exit status for what the kernel said. */
int out_status(int error)
{
	switch (error) {
	case 0:
		return CTL_OK;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return CTL_PERMISSION;
	case -ENODEV:
		return CTL_NODEV;
	default:
		return CTL_FAILED;
	}
}

struct json_object *out_json(void)
{
	struct json_object *object = json_object_new_object();

	out_put_number(object, "version", OUT_JSON_VERSION);

	return object;
}

/* Nothing is put where nothing is known. */
void out_put(struct json_object *to, const char *key, const char *value)
{
	if (value && *value)
		json_object_object_add(to, key, json_object_new_string(value));
}

void out_put_number(struct json_object *to, const char *key, long long value)
{
	json_object_object_add(to, key, json_object_new_int64(value));
}

void out_put_bool(struct json_object *to, const char *key, bool value)
{
	json_object_object_add(to, key, json_object_new_boolean(value));
}

/* Print and free. */
void out_print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
