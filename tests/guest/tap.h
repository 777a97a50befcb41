/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts: TAP lines on the control channel, unnumbered (the host numbers them). */
#ifndef RIGTEST_TAP_H
#define RIGTEST_TAP_H

#include <stdbool.h>
#include <stdint.h>

#define __printf(a, b) __attribute__((format(printf, a, b)))

bool check(bool cond, const char *fmt, ...) __printf(2, 3);
bool check_eq(uint64_t got, uint64_t want, const char *fmt, ...) __printf(3, 4);
bool check_err(int got, int want, const char *fmt, ...) __printf(3, 4);
bool check_str(const char *got, const char *want, const char *fmt, ...) __printf(3, 4);
void skip(const char *why, const char *fmt, ...) __printf(2, 3);
void diag(const char *fmt, ...) __printf(1, 2);
void figure(const char *key, const char *fmt, ...) __printf(2, 3);
void die(const char *fmt, ...) __printf(1, 2) __attribute__((noreturn));
void tap_done(void);
int tap_failures(void);

#endif
