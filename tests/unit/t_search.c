// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots of all kinds, exhaustive and random, against a second opinion. */
#include <stdio.h>

#include "blockers_test.h"

#define ROUNDS		300000

/* A second opinion: how deep, without a word about why. */

static bool allows_d3cold(const struct rtd3_snap_fn *fn)
{
	return fn->d3cold_allowed && !fn->no_d3cold;
}

static bool port_sleeps(const struct rtd3_snapshot *snap)
{
	const struct rtd3_snap_port *port = &snap->port;
	unsigned int i;

	if (!port->present || !port->pcie || !port->has_pr3 ||
	    !port->bridge_d3 || port->control_on || port->no_d3cold ||
	    !port->d3cold_allowed ||
	    (port->hotplug && !(port->native_hotplug && port->native_pme)))
		return false;
	for (i = 0; i < snap->nr_bridges && i < RTD3_SNAP_BRIDGES; i++) {
		const struct rtd3_snap_port *bridge = &snap->bridge[i];

		if (!bridge->pcie || !bridge->bridge_d3 || bridge->control_on ||
		    bridge->no_d3cold || !bridge->d3cold_allowed ||
		    (bridge->hotplug && !(bridge->native_hotplug && bridge->native_pme)))
			return false;
	}
	for (i = 0; i < snap->nr_siblings && i < RTD3_SNAP_SIBLINGS; i++) {
		const struct rtd3_snap_fn *fn = &snap->sibling[i];

		if (!fn->has_pm || !allows_d3cold(fn))
			return false;
		if (!fn->suspended && (fn->bound || fn->control_on))
			return false;
	}
	return true;
}

static bool card_is_lost(const struct rtd3_snapshot *snap)
{
	const struct rtd3_snap_port *port = &snap->port;

	return port->present && port->hotplug && port->native_hotplug && !port->native_pme;
}

static enum rtd3_depth deepest(const struct rtd3_snapshot *snap)
{
	if (!snap->works || snap->policy == RTD3_POWER_D0 ||
	    snap->fallback == RTD3_POWER_D0 || (snap->open && !snap->engaged) ||
	    snap->core_awake || snap->ats || snap->vfs || snap->fn.control_on || !snap->fn.has_pm)
		return RTD3_POWER_D0;
	if (snap->policy == RTD3_POWER_D3HOT || snap->not_cut ||
	    snap->fallback == RTD3_POWER_D3HOT ||
	    (snap->engaged && snap->entry_limit == RTD3_POWER_D3HOT) ||
	    !allows_d3cold(&snap->fn))
		return RTD3_POWER_D3HOT;
	/* Of a port wakeup matters through bridge_d3 alone. */
	if (snap->has_pr3 && snap->fn.wakeup && !snap->fn.pme_d3cold)
		return RTD3_POWER_D3HOT;
	if (snap->has_pr3)
		return card_is_lost(snap) ? RTD3_POWER_D3HOT : RTD3_POWER_D3COLD;
	return port_sleeps(snap) ? RTD3_POWER_D3COLD : RTD3_POWER_D3HOT;
}

static bool device_is_right(const struct rtd3_snapshot *snap,
			    const struct rtd3_blocker *blocker)
{
	unsigned int i;

	if (blocker->id < RTD3_BLOCKER_PORT_CONTROL)
		return blocker->device == snap->fn.name;
	if (blocker->id < RTD3_BLOCKER_SIBLING_CONTROL) {
		for (i = 0; i < snap->nr_bridges && i < RTD3_SNAP_BRIDGES; i++)
			if (blocker->device == snap->bridge[i].name)
				return true;
		return blocker->device == snap->port.name;
	}
	for (i = 0; i < snap->nr_siblings && i < RTD3_SNAP_SIBLINGS; i++)
		if (blocker->device == snap->sibling[i].name)
			return true;
	return false;
}

/*
 * Nobody can do more than what the list says: after a few rounds of that it has
 * to be empty. A round more is due where a fact was hidden behind another one:
 * a sibling behind the driver it had; the port behind what explained it; the
 * firmware behind hotplug, the command line behind the firmware; and all that for
 * each bridge once more.
 */
static bool remedies_help(const struct rtd3_snapshot *start)
{
	struct rtd3_snapshot snap = *start;
	struct found found, after;
	unsigned int round;
	size_t i;

	for (round = 0; round < 6 + 4 * RTD3_SNAP_BRIDGES; round++) {
		find(&snap, &found);
		if (!found.nr)
			return true;
		fix_all(&snap, &found);
		find(&snap, &after);
		for (i = 0; i < found.nr; i++)
			if (has(&after, found.list[i].id, found.list[i].device) &&
			    found.list[i].id != RTD3_BLOCKER_PORT_HOTPLUG)
				return false;
	}
	return false;
}

/* What is true of every snapshot. */
static bool holds(const struct rtd3_snapshot *snap)
{
	struct found found;
	enum rtd3_depth depth;
	unsigned int blocked;
	size_t i, j;

	find(snap, &found);
	depth = rtd3_blockers_predict(found.list, found.nr);
	blocked = rtd3_blockers_parties(found.list, found.nr);
	if (found.nr == LIST_MAX || depth != deepest(snap) ||
	    !found.nr != !blocked || !found.nr != !(depth < RTD3_POWER_D3COLD))
		return false;
	for (i = 0; i < found.nr; i++) {
		if (found.list[i].id >= RTD3_BLOCKER_NR ||
		    !device_is_right(snap, &found.list[i]))
			return false;
		for (j = 0; j < i; j++)
			if (same(&found.list[i], &found.list[j]))
				return false;
	}
	return remedies_help(snap);
}

static bool complain(const struct rtd3_snapshot *snap)
{
	struct found found;

	find(snap, &found);
	printf("# predicted %d, should be %d, with these reasons:\n",
	       rtd3_blockers_predict(found.list, found.nr), deepest(snap));
	show(&found);
	return false;
}

static bool take(unsigned int *bits)
{
	bool bit = *bits & 1;

	*bits >>= 1;
	return bit;
}

static void fn_from_bits(struct rtd3_snap_fn *fn, unsigned int bits)
{
	fn->bound = take(&bits);
	fn->ours = take(&bits) && fn->bound;
	fn->control_on = take(&bits);
	fn->suspended = take(&bits);
	fn->has_pm = take(&bits);
	fn->d3cold_allowed = take(&bits);
	fn->no_d3cold = take(&bits);
	fn->wakeup = take(&bits);
	fn->pme_d3cold = take(&bits);
}

static void port_from_bits(struct rtd3_snap_port *port, unsigned int bits)
{
	port->present = take(&bits);
	port->pcie = take(&bits);
	port->has_pr3 = take(&bits);
	port->bridge_d3 = take(&bits);
	port->control_on = take(&bits);
	port->d3cold_allowed = take(&bits);
	port->no_d3cold = take(&bits);
	port->hotplug = take(&bits);
	port->native_hotplug = take(&bits);
	port->native_pme = take(&bits);
}

static const int some_years[] = { 0, 2014, 2015, 2024 };

/* Every state of the device, of the port, of a sibling, the rest ideal. */
void test_exhaustive(void)
{
	struct rtd3_snapshot snap = ideal();
	unsigned int bits, i;
	bool good = true;

	for (bits = 0; good && bits < 1 << 21; bits++) {
		unsigned int rest = bits >> 9;

		fn_from_bits(&snap.fn, bits);
		snap.policy = rest % 3;
		snap.entry_limit = 1 + rest / 4 % 2;
		snap.open = rest & 8;
		snap.engaged = rest & 16;
		snap.vfs = rest >> 5 & 1;
		snap.ats = rest >> 1 & rest >> 5 & 1;
		snap.core_awake = rest >> 2 & rest >> 5 & 1;
		snap.not_cut = rest >> 3 & rest >> 5 & 1;
		snap.has_pr3 = rest & 64;
		snap.port.has_pr3 = rest & 128;
		snap.port.bridge_d3 = rest & 256;
		snap.works = !(rest & 512);
		snap.fallback = 2 - (rest >> 10) % 3;
		good = holds(&snap) || complain(&snap);
	}
	check(good, "all states of the device");

	snap = ideal();
	for (bits = 0; good && bits < 1 << 14; bits++) {
		port_from_bits(&snap.port, bits);
		snap.bios_year = some_years[bits >> 10 & 3];
		snap.has_pr3 = bits >> 12 & 1;
		snap.sibling[0].no_d3cold = bits >> 13 & 1;
		good = holds(&snap) || complain(&snap);
	}
	check(good, "all states of the port");

	for (bits = 0; good && bits < 1 << 18; bits++) {
		snap = ideal();
		siblings(&snap, 2);
		for (i = 0; i < 2; i++)
			fn_from_bits(&snap.sibling[i], bits >> 9 * i);
		snap.port.bridge_d3 = (bits ^ bits >> 9) & 1;
		good = holds(&snap) || complain(&snap);
	}
	check(good, "all states of two siblings");
}

static unsigned int rnd(void)
{
	static unsigned long long state = 0x3d3c01dULL;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33;
}

/* Mostly ideal, or D3cold would never be reached. */
static unsigned int rnd_bits(unsigned int ideal_bits, unsigned int rarity)
{
	unsigned int bits = rnd(), i;

	for (i = 0; i < rarity; i++)
		bits &= rnd();
	return ideal_bits ^ bits;
}

static void rnd_snapshot(struct rtd3_snapshot *snap)
{
	unsigned int rarity = rnd() % 6, i;

	*snap = ideal();
	siblings(snap, rnd() % (RTD3_SNAP_SIBLINGS + 4));
	fn_from_bits(&snap->fn, rnd_bits(0x3b, rarity));
	port_from_bits(&snap->port, rnd_bits(0x22f, rarity));
	for (i = 0; i < RTD3_SNAP_SIBLINGS; i++)
		fn_from_bits(&snap->sibling[i], rnd_bits(0x3b, rarity + 2));
	bridges(snap, rnd() % (RTD3_SNAP_BRIDGES + 2));
	for (i = 0; i < RTD3_SNAP_BRIDGES; i++)
		port_from_bits(&snap->bridge[i], rnd_bits(0x22f, rarity + 3));
	snap->policy = 2 - rnd_bits(0, rarity) % 3;
	snap->fallback = 2 - rnd_bits(0, rarity + 1) % 3;
	snap->works = !(rnd_bits(0, rarity + 1) & 1);
	snap->entry_limit = 2 - rnd_bits(0, rarity) % 2;
	snap->open = rnd_bits(0, rarity) & 1;
	snap->engaged = snap->open && rnd() & 1;
	snap->vfs = rnd_bits(0, rarity + 1) & 1;
	snap->ats = rnd_bits(0, rarity + 1) & 1;
	snap->core_awake = rnd_bits(0, rarity + 1) & 1;
	snap->not_cut = rnd_bits(0, rarity + 1) & 1;
	snap->has_pr3 = rnd_bits(0, 2) & 1;
	snap->bios_year = some_years[rnd() % ARRAY_SIZE(some_years)];
}

void test_random(void)
{
	unsigned int i, reached[RTD3_POWER_NR] = { 0 };
	bool named[RTD3_BLOCKER_NR] = { 0 };
	struct rtd3_snapshot snap;
	struct found found;
	bool good = true;
	size_t j;

	for (i = 0; good && i < ROUNDS; i++) {
		rnd_snapshot(&snap);
		good = holds(&snap) || complain(&snap);
		reached[deepest(&snap)]++;
		find(&snap, &found);
		for (j = 0; j < found.nr; j++)
			named[found.list[j].id] = true;
	}
	check(good, "%u random devices", i);
	printf("# D0 %u, D3hot %u, D3cold %u\n", reached[RTD3_POWER_D0],
	       reached[RTD3_POWER_D3HOT], reached[RTD3_POWER_D3COLD]);
	check(reached[RTD3_POWER_D0] > ROUNDS / 50 &&
	      reached[RTD3_POWER_D3HOT] > ROUNDS / 50 &&
	      reached[RTD3_POWER_D3COLD] > ROUNDS / 50,
	      "among them enough of each depth");
	for (i = 0; i < RTD3_BLOCKER_NR && named[i]; i++)
		;
	check(i == RTD3_BLOCKER_NR, "among them every reason");
}
