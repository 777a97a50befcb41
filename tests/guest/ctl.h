/* SPDX-License-Identifier: GPL-2.0-only */
/* rtd3ctl, in a Debian root file system (root.h). */
#ifndef RIGTEST_CTL_H
#define RIGTEST_CTL_H

#include "power.h"

/* As in src/rtd3ctl/out.h. */
#define CTL_USAGE	2
#define CTL_NODEV	3
#define CTL_REFUSED	4
#define CTL_WARNED	6

int __ctl(const char *verb, const char *a, const char *b, const char *c);
void ctl(int want, const char *verb, const char *a, const char *b, const char *c);
void ctl_said(const char *text, const char *when);
void ctl_warnings(void);
void ctl_drivers(const char *want, const char *when);
void ctl_asleep(struct power *p, const char *when);

#endif
