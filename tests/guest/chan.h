/* SPDX-License-Identifier: GPL-2.0-only */
/* The control channel: a serial line to the host, one line a message. */
#ifndef RIGTEST_CHAN_H
#define RIGTEST_CHAN_H

#include <stdbool.h>
#include <stddef.h>

int chan_open(const char *tty);
void chan_line(const char *line);
void chan_spin(void);
void chan_query(char *reply, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool chan_read(char *line, size_t size);
void chan_drain(void);

#endif
