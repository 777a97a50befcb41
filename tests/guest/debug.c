// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#include "debug.h"
#include "rig.h"
#include "tap.h"

#define LEAKS		"/sys/kernel/debug/kmemleak"
#define LEAK_AGE_MS	5100		/* the kernel does not suspect what is younger than 5 s */
#define LEAK_LINES	100

#define COVERAGE	"/sys/kernel/debug/gcov"
#define COVERAGE_IO	0x4e3		/* as in vm.py */
#define COVERAGE_MAX	(1 << 20)

/**
 * debug_leaks() - what was allocated and is lost, if this kernel looks for that
 *
 * An object has to be found lost twice, unchanged.
 */
void debug_leaks(void)
{
	uint64_t start = now_us();
	int lines = 0, leaks = 0;
	long left;
	char line[256];
	FILE *f;

	if (access(LEAKS, F_OK))
		return;
	if (!check(!__rig_write(LEAKS, "scan"), "kmemleak looks for lost memory"))
		return;
	left = LEAK_AGE_MS - since_ms(start);
	if (left > 0)
		sleep_ms(left);
	__rig_write(LEAKS, "scan");
	f = fopen(LEAKS, "re");
	if (!f) {
		check(false, "%s: %s", LEAKS, strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		leaks += !strncmp(line, "unreferenced", strlen("unreferenced"));
		line[strcspn(line, "\n")] = '\0';
		if (lines++ < LEAK_LINES)
			diag("%s", line);
	}
	fclose(f);
	check(!leaks, "no memory is lost (%d objects)", leaks);
}

static int send_counts(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + at->base;
	size_t len = strlen(name);
	char head[128];
	FILE *f;

	(void)st;
	if (type != FTW_F || len < 5 || strcmp(name + len - 5, ".gcda"))
		return 0;
	f = fopen(path, "re");
	if (f) {
		static char data[COVERAGE_MAX];

		len = fread(data, 1, sizeof(data), f);
		fclose(f);
		snprintf(head, sizeof(head), "%s %zu\n", name, len);
		outsb(COVERAGE_IO, head, strlen(head));
		outsb(COVERAGE_IO, data, len);
	}
	return 0;
}

/** debug_coverage() - tell the host which lines of the module have run, if they are counted */
void debug_coverage(void)
{
	if (!ioperm(COVERAGE_IO, 1, 1))
		nftw(COVERAGE, send_counts, 16, FTW_PHYS);
}
