// SPDX-License-Identifier: GPL-2.0-only
/* What the tests of src/common/blockers.c share: TAP, lists, the ideal snapshot. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "blockers_test.h"

static int tests;
static int failures;

bool check(bool cond, const char *fmt, ...)
{
	va_list args;

	tests++;
	failures += !cond;
	printf("%s %d - ", cond ? "ok" : "not ok", tests);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	return cond;
}

int finish(void)
{
	printf("1..%d\n", tests);
	return failures != 0;
}

void show(const struct found *found)
{
	static char text[LIST_MAX * 256];
	char *line;

	rtd3_blockers_print(found->list, found->nr, text, sizeof(text));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		printf("#   %s\n", line);
}

void find(const struct rtd3_snapshot *snap, struct found *found)
{
	found->nr = rtd3_blockers_find(snap, found->list, LIST_MAX);
}

bool has(const struct found *found, enum rtd3_blocker_id id,
	 const char *device)
{
	size_t i;

	for (i = 0; i < found->nr; i++)
		if (found->list[i].id == id &&
		    !strcmp(found->list[i].device, device))
			return true;
	return false;
}

bool is_only(const struct found *found, enum rtd3_blocker_id id,
	     const char *device)
{
	return found->nr == 1 && has(found, id, device);
}

bool same(const struct rtd3_blocker *a, const struct rtd3_blocker *b)
{
	return a->id == b->id && a->device == b->device;
}

static struct rtd3_snap_fn ideal_fn(unsigned int function)
{
	struct rtd3_snap_fn fn = {
		.bound = true,
		.ours = true,
		.suspended = true,
		.has_pm = true,
		.d3cold_allowed = true,
	};

	snprintf(fn.name, sizeof(fn.name), "0000:01:%02x.%u", function / 8,
		 function % 8);
	return fn;
}

struct rtd3_snapshot ideal(void)
{
	return (struct rtd3_snapshot) {
		.fn = ideal_fn(0),
		.port = {
			.name = "0000:00:02.0",
			.present = true,
			.pcie = true,
			.has_pr3 = true,
			.bridge_d3 = true,
			.d3cold_allowed = true,
			.native_pme = true,
		},
		.policy = RTD3_POWER_D3COLD,
		.fallback = RTD3_POWER_D3COLD,
		.works = true,
		.entry_limit = RTD3_POWER_D3COLD,
		.bios_year = 2023,
		.nr_siblings = 1,
		.sibling = { ideal_fn(1) },
	};
}

void bridges(struct rtd3_snapshot *snap, unsigned int nr)
{
	unsigned int i;

	snap->nr_bridges = nr;
	for (i = 0; i < nr && i < RTD3_SNAP_BRIDGES; i++) {
		snap->bridge[i] = ideal().port;
		snprintf(snap->bridge[i].name, sizeof(snap->bridge[i].name), "0000:02:%02x.0", i);
	}
}

void siblings(struct rtd3_snapshot *snap, unsigned int nr)
{
	unsigned int i;

	snap->nr_siblings = nr;
	for (i = 0; i < nr && i < RTD3_SNAP_SIBLINGS; i++)
		snap->sibling[i] = ideal_fn(i + 1);
}
