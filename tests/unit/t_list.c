// SPDX-License-Identifier: GPL-2.0-only
/* The list: with many siblings, cut short, printed. */
#include <stdlib.h>
#include <string.h>

#include "blockers_test.h"

void test_many_siblings(void)
{
	static const unsigned int nrs[] = {
		0, 1, RTD3_SNAP_SIBLINGS - 1, RTD3_SNAP_SIBLINGS,
		RTD3_SNAP_SIBLINGS + 1, 255, -1U
	};
	struct rtd3_snapshot *snap = malloc(sizeof(*snap));
	struct found found;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(nrs); i++) {
		unsigned int seen = nrs[i] < RTD3_SNAP_SIBLINGS ?
				    nrs[i] : RTD3_SNAP_SIBLINGS;
		bool good;

		*snap = ideal();
		siblings(snap, nrs[i]);
		find(snap, &found);
		good = !found.nr;
		for (j = 0; j < seen; j++)
			snap->sibling[j].wakeup = true;
		snap->port.bridge_d3 = !seen;
		find(snap, &found);
		good &= found.nr == seen;
		for (j = 0; j < seen; j++)
			good &= found.list[j].device == snap->sibling[j].name;
		check(good, "%u siblings: %u lines", nrs[i], seen);
	}

	/* The last one that is seen explains the port as the first one does. */
	*snap = ideal();
	siblings(snap, RTD3_SNAP_SIBLINGS);
	snap->port.bridge_d3 = false;
	snap->sibling[RTD3_SNAP_SIBLINGS - 1].no_d3cold = true;
	find(snap, &found);
	check(is_only(&found, RTD3_BLOCKER_SIBLING_NO_D3COLD,
		      snap->sibling[RTD3_SNAP_SIBLINGS - 1].name),
	      "the last sibling explains the port");

	/* What lies in the array behind nr_siblings does not count. */
	*snap = ideal();
	siblings(snap, 2);
	snap->nr_siblings = 1;
	snap->port.bridge_d3 = false;
	snap->sibling[1].no_d3cold = true;
	find(snap, &found);
	check(is_only(&found, RTD3_BLOCKER_PORT_NO_D3, ABOVE),
	      "no sibling behind nr_siblings counts");
	free(snap);
}

/* A worst case: more reasons than RTD3_BLOCKERS_MAX. */
static void worst(struct rtd3_snapshot *snap)
{
	struct rtd3_snapshot ideals = ideal();
	unsigned int i;

	memset(snap, 0, sizeof(*snap));
	siblings(snap, RTD3_SNAP_SIBLINGS);
	for (i = 0; i < RTD3_SNAP_SIBLINGS; i++) {
		struct rtd3_snap_fn *fn = &snap->sibling[i];

		fn->suspended = false;
		fn->has_pm = false;
		fn->d3cold_allowed = false;
		fn->no_d3cold = true;
		fn->wakeup = true;
	}
	snap->fn = snap->sibling[0];
	memcpy(snap->fn.name, ideals.fn.name, sizeof(snap->fn.name));
	snap->fn.control_on = true;
	snap->open = true;
	snap->vfs = 1;
	snap->core_awake = true;
	snap->ats = true;
	snap->not_cut = true;
	memcpy(snap->port.name, ideals.port.name, sizeof(snap->port.name));
	snap->port.present = true;
	snap->port.control_on = true;
	snap->port.no_d3cold = true;
	snap->port.hotplug = true;
}

void test_short_list(void)
{
	struct rtd3_snapshot snap;
	struct found found;
	size_t max, i;
	bool good = true;

	worst(&snap);
	find(&snap, &found);
	check(found.nr > RTD3_BLOCKERS_MAX && found.nr < LIST_MAX,
	      "the worst case has %zu reasons", found.nr);
	for (max = 0; max <= found.nr + 1; max++) {
		struct rtd3_blocker *list = malloc(max * sizeof(*list) + !max);
		size_t nr = rtd3_blockers_find(&snap, list, max);

		good &= nr == (max < found.nr ? max : found.nr);
		for (i = 0; i < nr; i++)
			good &= same(&list[i], &found.list[i]);
		if (max == RTD3_BLOCKERS_MAX)
			check(rtd3_blockers_predict(list, nr) ==
			      rtd3_blockers_predict(found.list, found.nr) &&
			      rtd3_blockers_parties(list, nr) ==
			      rtd3_blockers_parties(found.list, found.nr),
			      "a full list of RTD3_BLOCKERS_MAX says who and how deep");
		free(list);
	}
	check(good, "a shorter list has the first reasons");
}

static void print_sizes(const struct found *found, const char *what)
{
	size_t size = 0, length, whole = LIST_MAX * 256;
	char *all = malloc(whole);
	bool good = true;

	length = rtd3_blockers_print(found->list, found->nr, all, whole);
	good = length == strlen(all) && (!length || all[length - 1] == '\n');
	for (size = 0; size <= length + 2; size++) {
		/* Exactly that size: the sanitizer sees a byte too many. */
		char *buf = malloc(size + !size);
		int len;

		memset(buf, 0x55, size + !size);
		len = rtd3_blockers_print(found->list, found->nr, buf, size);
		if (!size)
			good &= !len && *buf == 0x55;
		else
			good &= len == (int)(size <= length ? size - 1 : length) &&
				!buf[len] && !memcmp(buf, all, len);
		free(buf);
	}
	check(good, "%s: printed into buffers of 0 to %zu bytes", what,
	      length + 2);
	free(all);
}

void test_print(void)
{
	struct rtd3_snapshot snap = ideal();
	struct found found;

	find(&snap, &found);
	print_sizes(&found, "no reason");
	control(&snap);
	find(&snap, &found);
	print_sizes(&found, "one reason");
	port_no_d3(&snap);
	sibling_unbound(&snap);
	find(&snap, &found);
	print_sizes(&found, "three reasons");
	worst(&snap);
	find(&snap, &found);
	print_sizes(&found, "the worst case");
	check(!rtd3_blockers_print(found.list, found.nr, NULL, 0),
	      "no buffer at all");
}
