/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs of others, and what they say. */
#ifndef RTD3CTL_RUN_H
#define RTD3CTL_RUN_H

#include <stddef.h>

int run_program(const char *const argv[], char *said, size_t size, long ms);

#endif /* RTD3CTL_RUN_H */
