// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "tap.h"

static int failures;

static void say(const char *line)
{
	chan_line(line);
	/* Also on the console, between the kernel's own lines. */
	printf("| %s\n", line);
	fflush(stdout);
}

static bool result(bool cond, const char *text, const char *more)
{
	char line[700];

	snprintf(line, sizeof(line), "%s - %s%s", cond ? "ok" : "not ok", text, more);
	say(line);
	failures += !cond;
	return cond;
}

static const char *err_name(int err, char *buf, size_t size)
{
	const char *name = err < 0 ? strerrorname_np(-err) : NULL;

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%d", err);
	return buf;
}

#define FORMAT(text, fmt)					\
do {								\
	va_list ap;						\
								\
	va_start(ap, fmt);					\
	vsnprintf(text, sizeof(text), fmt, ap);			\
	va_end(ap);						\
} while (0)

/**
 * check() - one TAP result
 * @cond: what must be true
 * @fmt: names what was seen
 *
 * Return: @cond, so that a caller can leave out what depends on it.
 */
bool check(bool cond, const char *fmt, ...)
{
	char text[512];

	FORMAT(text, fmt);
	return result(cond, text, "");
}

/**
 * check_eq() - one TAP result: two values are equal
 * @got: what was seen, printed in the result
 * @want: what it must be
 * @fmt: names the value
 */
bool check_eq(uint64_t got, uint64_t want, const char *fmt, ...)
{
	char text[512], more[80];

	FORMAT(text, fmt);
	if (got == want)
		snprintf(more, sizeof(more), ": 0x%llx", (unsigned long long)got);
	else
		snprintf(more, sizeof(more), ": got 0x%llx, want 0x%llx",
			 (unsigned long long)got, (unsigned long long)want);
	return result(got == want, text, more);
}

/**
 * check_err() - one TAP result: a call's result, by errno name
 * @got: 0 or -errno
 * @want: 0 or -errno
 * @fmt: names the call
 */
bool check_err(int got, int want, const char *fmt, ...)
{
	char text[512], more[80], a[24], b[24];

	FORMAT(text, fmt);
	err_name(got, a, sizeof(a));
	err_name(want, b, sizeof(b));
	if (got == want)
		snprintf(more, sizeof(more), ": %s", a);
	else
		snprintf(more, sizeof(more), ": got %s, want %s", a, b);
	return result(got == want, text, more);
}

/**
 * check_str() - one TAP result: two strings are equal
 * @got: what was seen
 * @want: what it must be
 * @fmt: names the string
 */
bool check_str(const char *got, const char *want, const char *fmt, ...)
{
	char text[512], more[160];
	bool same = !strcmp(got, want);

	FORMAT(text, fmt);
	if (same)
		snprintf(more, sizeof(more), ": %.60s", got);
	else
		snprintf(more, sizeof(more), ": got '%.60s', want '%.60s'", got, want);
	return result(same, text, more);
}

/**
 * skip() - one TAP result that says what was not looked at
 * @why: the reason
 * @fmt: names the check
 */
void skip(const char *why, const char *fmt, ...)
{
	char text[512], more[160];

	FORMAT(text, fmt);
	snprintf(more, sizeof(more), " # SKIP %s", why);
	result(true, text, more);
}

/**
 * diag() - a TAP diagnostic
 * @fmt: the text
 */
void diag(const char *fmt, ...)
{
	char text[512], line[520];

	FORMAT(text, fmt);
	snprintf(line, sizeof(line), "# %s", text);
	say(line);
}

/**
 * figure() - a figure for the demo and the reports
 * @key: its name
 * @fmt: its value
 */
void figure(const char *key, const char *fmt, ...)
{
	char text[256], line[400];

	FORMAT(text, fmt);
	snprintf(line, sizeof(line), "D %s=%s", key, text);
	say(line);
}

/**
 * die() - a failure after which the test cannot go on
 * @fmt: what went wrong
 */
void die(const char *fmt, ...)
{
	char text[512];

	FORMAT(text, fmt);
	result(false, text, "");
	exit(2);
}

/** tap_done() - the last line; without it the host takes the run for failed */
void tap_done(void)
{
	say("DONE");
	chan_drain();
}

/** tap_failures() - how many results of this process were bad */
int tap_failures(void)
{
	return failures;
}
