/* SPDX-License-Identifier: GPL-2.0-only */
/* What doctor looks at: one line of result each. */
#ifndef RTD3CTL_CHECK_H
#define RTD3CTL_CHECK_H

#include <stdio.h>

#include "dev.h"

enum check_status {
	CHECK_PASS,
	CHECK_WARN,
	CHECK_FAIL,
	CHECK_UNKNOWN,
	CHECK_NR,
};

extern const char * const check_names[CHECK_NR];

void check_say(FILE *out, const char *id, const char *device, enum check_status status,
	       const char *command, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void check_host(FILE *out);
void check_device(FILE *out, const struct dev *dev);

#endif /* RTD3CTL_CHECK_H */
