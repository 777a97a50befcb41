/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel log, from a moment on. */
#ifndef RIGTEST_KMSG_H
#define RIGTEST_KMSG_H

#include <stdbool.h>
#include <stddef.h>

int kmsg_open_all(void);
int kmsg_open(void);
bool kmsg_next(int fd, char *line, size_t size);
int kmsg_count(int fd, const char *word, char *last, size_t size);

#endif
