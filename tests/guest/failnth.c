// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failnth.h"
#include "rig.h"
#include "tap.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

static int nth_fd;

static void set(const char *path, const char *val)
{
	int ret = __rig_write(path, val);

	if (ret)
		die("%s: %s", path, strerror(-ret));
}

/** failslab() - set an attribute of it */
void failslab(const char *attr, const char *val)
{
	char path[96];

	snprintf(path, sizeof(path), DEBUGFS "failslab/%s", attr);
	set(path, val);
}

/** failslab_num() - an attribute of it that is a number */
int failslab_num(const char *attr)
{
	char path[96], text[24];
	int ret;

	snprintf(path, sizeof(path), DEBUGFS "failslab/%s", attr);
	ret = __rig_read(path, text, sizeof(text));
	if (ret < 0)
		die("%s: %s", path, strerror(-ret));
	return atoi(text);
}

/**
 * failslab_range() - let calls decide which allocations may fail
 * @what: "require": those that are made below these functions; "reject": all others
 * @is: whether a function is meant; what lies between the first and the last one is, too
 */
void failslab_range(const char *what, bool (*is)(const char *name, const char *module))
{
	unsigned long long start = ~0ull, end = 0, at;
	char line[256], name[128], attr[24], text[24];
	FILE *f = fopen("/proc/kallsyms", "re");

	while (f && fgets(line, sizeof(line), f)) {
		char type, module[64] = "";

		/* What the compiler has split off is elsewhere. */
		if (sscanf(line, "%llx %c %127s %63s", &at, &type, name, module) < 3 ||
		    (type | 0x20) != 't' || strchr(name, '.') || !is(name, module))
			continue;
		start = at < start ? at : start;
		end = at > end ? at : end;
	}
	if (f)
		fclose(f);
	if (end < start)
		die("functions to %s in /proc/kallsyms", what);
	snprintf(attr, sizeof(attr), "%s-start", what);
	snprintf(text, sizeof(text), "%#llx", start);
	failslab(attr, text);
	/* The last one is a function, too. */
	snprintf(attr, sizeof(attr), "%s-end", what);
	snprintf(text, sizeof(text), "%#llx", end + 2048);
	failslab(attr, text);
}

/** fail_setup() - be ready to let allocations fail; the kernel does not say so each time */
void fail_setup(void)
{
	failslab("verbose", "0");
	failslab("ignore-gfp-wait", "N");
	failslab("stacktrace-depth", "32");
	set(DEBUGFS "fail_page_alloc/verbose", "0");
	nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		die(FAIL_NTH ": %s", strerror(errno));
}

/** fail_nth() - the nth allocation of this task from here on fails; 0: none does */
void fail_nth(int nth)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(nth_fd, text, len, 0) != len)
		die(FAIL_NTH ": %s", strerror(errno));
}

/** fail_hit() - whether it came to that; from here on none fails */
bool fail_hit(void)
{
	char text[12] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) < 0)
		die(FAIL_NTH ": %s", strerror(errno));
	fail_nth(0);
	return !atoi(text);
}
