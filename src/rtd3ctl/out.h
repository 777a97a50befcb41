/* SPDX-License-Identifier: GPL-2.0-only */
/* How results are shown: colours, trees, JSON; and what verbs return. */
#ifndef RTD3CTL_OUT_H
#define RTD3CTL_OUT_H

#include <stdbool.h>

#include <json-c/json.h>

/* Exit statuses; documented in the manual page, never changed. */
#define CTL_OK		0
#define CTL_FAILED	1	/* it was tried; doctor: something has to be done first */
#define CTL_USAGE	2	/* wrong words on the command line */
#define CTL_NODEV	3	/* no such device, or not one of the driver's */
#define CTL_REFUSED	4	/* it would hang or hurt; --force does it all the same */
#define CTL_PERMISSION	5	/* only root may */
#define CTL_WARN	6	/* doctor: nothing in the way, but something to know */

/* The number at the head of all JSON: larger when a name changes its meaning or goes. */
#define OUT_JSON_VERSION	1

enum out_colour {
	OUT_PLAIN,
	OUT_RED,
	OUT_GREEN,
	OUT_YELLOW,
	OUT_BLUE,
	OUT_BOLD,
	OUT_COLOURS,
};

void out_init(void);
const char *out_on(enum out_colour colour);
const char *out_off(void);
int out_error(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int out_no_memory(void);
int out_status(int error);
struct json_object *out_json(void);
void out_put(struct json_object *to, const char *key, const char *value);
void out_put_number(struct json_object *to, const char *key, long long value);
void out_put_bool(struct json_object *to, const char *key, bool value);
void out_print_json(struct json_object *object);

#endif /* RTD3CTL_OUT_H */
