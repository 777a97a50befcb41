/* SPDX-License-Identifier: GPL-2.0-only */
/* Verbs that run for long, and leave all as it was when they are told to stop. */
#ifndef RTD3CTL_STOP_H
#define RTD3CTL_STOP_H

#include <stdbool.h>

void stop_catch(void);
void stop_release(void);
bool stop_wait(int fd, long ms);
bool stop_asked(void);
bool stop_reader_gone(int fd);
long long stop_now_us(void);

#endif /* RTD3CTL_STOP_H */
