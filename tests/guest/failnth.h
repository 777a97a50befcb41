/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocations that fail: the nth of this task's, or what failslab picks. */
#ifndef RIGTEST_FAILNTH_H
#define RIGTEST_FAILNTH_H

#include <stdbool.h>

void failslab(const char *attr, const char *val);
int failslab_num(const char *attr);
void failslab_range(const char *what, bool (*is)(const char *name, const char *module));
void fail_setup(void);
void fail_nth(int nth);
bool fail_hit(void);

#endif
