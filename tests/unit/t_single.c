// SPDX-License-Identifier: GPL-2.0-only
/* Each reason alone, in pairs, and all of them at once. */
#include <stdio.h>
#include <string.h>

#include "blockers_test.h"

/* What tokens are made of. */
#define CHARACTERS	"abcdefghijklmnopqrstuvwxyz0123456789-"

void test_texts(void)
{
	unsigned int i, j;

	check(nr_reasons == RTD3_BLOCKER_NR + 7,
	      "every reason has a case here, some have two");
	for (i = 0; i < RTD3_BLOCKER_NR; i++) {
		const struct rtd3_blocker_text *text = &rtd3_blocker_texts[i];
		bool good = text->token && *text->token &&
			    strspn(text->token, CHARACTERS) ==
			    strlen(text->token);

		for (j = 0; good && j < i; j++)
			good = strcmp(text->token, rtd3_blocker_texts[j].token);
		check(good, "reason %u: a token of its own, of a-z, 0-9, -: %s",
		      i, text->token);
		check(text->allows < RTD3_POWER_D3COLD,
		      "%s: stands against D3cold", text->token);
		check(text->party && !(text->party & (text->party - 1)),
		      "%s: one party", text->token);
	}
}

void test_alone(const struct reason *reason)
{
	const struct rtd3_blocker_text *text = &rtd3_blocker_texts[reason->id];
	struct rtd3_snapshot snap = ideal();
	struct found found;
	char want[400], line[400];

	reason->break_it(&snap);
	find(&snap, &found);
	if (!check(is_only(&found, reason->id, reason->device),
		   "%s: the only reason, about %s", reason->token,
		   reason->device))
		show(&found);
	check(!strcmp(text->token, reason->token), "%s: token", reason->token);
	check(rtd3_blockers_predict(found.list, found.nr) == reason->allows,
	      "%s: leaves state %d", reason->token, reason->allows);
	check(rtd3_blockers_parties(found.list, found.nr) == reason->party,
	      "%s: party 0x%x", reason->token, reason->party);
	snprintf(want, sizeof(want), "%s %s\n", reason->token, reason->device);
	rtd3_blockers_print(found.list, found.nr, line, sizeof(line));
	check(!strcmp(line, want), "%s: its line", reason->token);

	/* What the port is shows in two fields: bridge_d3 follows the other. */
	fix_all(&snap, &found);
	if (reason->id == RTD3_BLOCKER_PORT_NOT_PCIE ||
	    reason->id == RTD3_BLOCKER_PORT_HOTPLUG ||
	    reason->id == RTD3_BLOCKER_PORT_FIRMWARE) {
		snap.port.bridge_d3 = true;
		snap.bridge[0].bridge_d3 = true;
	}
	/* A sibling that may suspend now does. */
	snap.sibling[0].suspended = true;
	find(&snap, &found);
	if (!check(!found.nr, "%s: goes", reason->token))
		show(&found);
}

void test_none(void)
{
	struct rtd3_snapshot snap = ideal();
	struct found found;

	find(&snap, &found);
	check(!found.nr, "nothing stands against the ideal device");
	check(rtd3_blockers_predict(found.list, 0) == RTD3_POWER_D3COLD,
	      "no reason: D3cold");
	check(!rtd3_blockers_parties(found.list, 0), "no reason: no party");

	snap.open = true;
	snap.engaged = true;
	find(&snap, &found);
	check(!found.nr, "open and in low power: no reason");

	snap = ideal();
	snap.entry_limit = RTD3_POWER_D3HOT;
	find(&snap, &found);
	check(!found.nr, "an entry's limit means nothing while not engaged");

	/* What it needs does not depend on whether it works now. */
	snap = ideal();
	snap.works = false;
	snap.fallback = RTD3_POWER_D3HOT;
	find(&snap, &found);
	check(found.nr == 2 && has(&found, RTD3_BLOCKER_FAILED, SELF) &&
	      has(&found, RTD3_BLOCKER_FALLBACK_D3HOT, SELF),
	      "failed, with a limit for later: both reasons");

	snap = ideal();
	snap.fn.wakeup = true;
	snap.fn.pme_d3cold = true;
	snap.sibling[0].wakeup = true;
	snap.sibling[0].pme_d3cold = true;
	find(&snap, &found);
	check(!found.nr, "wakeup with PME from D3cold: no reason");
	snap.fn.pme_d3cold = false;
	snap.sibling[0].pme_d3cold = false;
	find(&snap, &found);
	check(!found.nr, "wakeup that the port does not know of: no reason");

	snap = ideal();
	snap.sibling[0].bound = false;
	snap.sibling[0].ours = false;
	snap.sibling[0].suspended = false;
	find(&snap, &found);
	check(!found.nr, "a sibling without driver, control auto: no reason");

	snap = ideal();
	snap.sibling[0].ours = false;
	find(&snap, &found);
	check(!found.nr, "a sibling that its own driver suspends: no reason");

	snap = ideal();
	snap.port.hotplug = true;
	snap.port.native_hotplug = true;
	find(&snap, &found);
	check(!found.nr, "a hotplug port that the core lets sleep: no reason");

	snap = ideal();
	snap.bios_year = 2010;
	find(&snap, &found);
	check(!found.nr, "old firmware, but the core lets the port sleep: no reason");
}

void test_own_pr3(void)
{
	struct rtd3_snapshot snap = ideal();
	struct found found;
	unsigned int i;

	for (i = 0; i < nr_reasons; i++) {
		const struct reason *reason = &reasons[i];
		/* Its slot is there, whoever cuts the power. */
		bool own = (!strcmp(reason->device, SELF) &&
			    reason->id != RTD3_BLOCKER_NO_PR3) ||
			   reason->id == RTD3_BLOCKER_PORT_NO_PME;

		snap = ideal();
		snap.has_pr3 = true;
		reason->break_it(&snap);
		find(&snap, &found);
		check(own ? is_only(&found, reason->id, reason->device) : !found.nr,
		      "with _PR3 of the device's own: %s %s", reason->token,
		      own ? "counts" : "does not count");
	}
}

void test_no_port(void)
{
	struct rtd3_snapshot snap = ideal();
	struct found found;

	memset(&snap.port, 0, sizeof(snap.port));
	snap.sibling[0].d3cold_allowed = false;
	find(&snap, &found);
	check(is_only(&found, RTD3_BLOCKER_NO_PR3, SELF),
	      "no port: no-pr3 alone, whatever the port and siblings are");
	snap.has_pr3 = true;
	find(&snap, &found);
	check(!found.nr, "no port, but _PR3 of the device's own: no reason");
}

/* What explains a clear bridge_d3, so that port-no-d3 would only mislead. */
void test_explained(void)
{
	static const struct {
		enum rtd3_blocker_id id;
		bool explains;
	} causes[] = {
		{ RTD3_BLOCKER_POLICY_OFF, true },
		{ RTD3_BLOCKER_POLICY_D3HOT, true },
		{ RTD3_BLOCKER_FALLBACK_OFF, true },
		{ RTD3_BLOCKER_FALLBACK_D3HOT, true },
		{ RTD3_BLOCKER_ENTRY_D3HOT, true },
		{ RTD3_BLOCKER_NOT_ALLOWED, true },
		{ RTD3_BLOCKER_NO_D3COLD, true },
		{ RTD3_BLOCKER_WAKEUP, true },
		{ RTD3_BLOCKER_PORT_NOT_PCIE, true },
		{ RTD3_BLOCKER_PORT_HOTPLUG, true },
		{ RTD3_BLOCKER_PORT_NO_PME, true },
		{ RTD3_BLOCKER_PORT_FIRMWARE, true },
		{ RTD3_BLOCKER_SIBLING_NOT_ALLOWED, true },
		{ RTD3_BLOCKER_SIBLING_NO_D3COLD, true },
		{ RTD3_BLOCKER_SIBLING_WAKEUP, true },
		{ RTD3_BLOCKER_FAILED, false },
		{ RTD3_BLOCKER_IN_USE, false },
		{ RTD3_BLOCKER_VFS, false },
		{ RTD3_BLOCKER_CONTROL, false },
		{ RTD3_BLOCKER_NO_PM, false },
		{ RTD3_BLOCKER_NO_PR3, false },
		{ RTD3_BLOCKER_PORT_CONTROL, false },
		{ RTD3_BLOCKER_PORT_NOT_ALLOWED, false },
		{ RTD3_BLOCKER_PORT_NO_D3COLD, false },
		{ RTD3_BLOCKER_SIBLING_CONTROL, false },
		{ RTD3_BLOCKER_SIBLING_UNBOUND, false },
		{ RTD3_BLOCKER_SIBLING_DRIVER, false },
		{ RTD3_BLOCKER_SIBLING_ACTIVE, false },
		{ RTD3_BLOCKER_SIBLING_NO_PM, false },
	};
	const struct reason *reason;
	struct rtd3_snapshot snap;
	struct found found;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(causes); i++) {
		reason = reason_of(causes[i].id);
		snap = ideal();
		reason->break_it(&snap);
		snap.port.bridge_d3 = false;
		find(&snap, &found);
		check(found.nr == (causes[i].explains ? 1 : 2) &&
		      has(&found, causes[i].id, reason->device) &&
		      has(&found, RTD3_BLOCKER_PORT_NO_D3, ABOVE) ==
		      !causes[i].explains,
		      "%s %s why the port may not sleep", reason->token,
		      causes[i].explains ? "explains" : "does not explain");
	}

	snap = ideal();
	snap.port.bridge_d3 = false;
	snap.fn.has_pm = false;
	snap.fn.d3cold_allowed = false;
	find(&snap, &found);
	check(found.nr == 2 && !has(&found, RTD3_BLOCKER_PORT_NO_D3, ABOVE),
	      "no PM capability: the core allows no D3cold, which explains it");

	/* Low power ended by a wake, and the limit of that entry still holds. */
	snap = ideal();
	snap.port.bridge_d3 = false;
	snap.open = true;
	snap.entry_limit = RTD3_POWER_D3HOT;
	find(&snap, &found);
	check(is_only(&found, RTD3_BLOCKER_IN_USE, SELF),
	      "the limit of an entry that has ended explains it");

	snap = ideal();
	port_native_hotplug(&snap);
	snap.bios_year = 2014;
	find(&snap, &found);
	check(is_only(&found, RTD3_BLOCKER_PORT_HOTPLUG, ABOVE),
	      "native hotplug comes before the firmware's year");
	snap.sibling[0].wakeup = true;
	find(&snap, &found);
	check(is_only(&found, RTD3_BLOCKER_SIBLING_WAKEUP, OTHER),
	      "a sibling explains it: neither native hotplug nor firmware");
	snap.port.native_hotplug = false;
	find(&snap, &found);
	check(found.nr == 2 && has(&found, RTD3_BLOCKER_PORT_HOTPLUG, ABOVE),
	      "firmware's hotplug is a reason whatever else explains it");

	for (i = 0; i < 4; i++) {
		static const int years[] = { 0, -1, 2014, 2015 };

		snap = ideal();
		snap.port.bridge_d3 = false;
		snap.bios_year = years[i];
		find(&snap, &found);
		check(is_only(&found, i == 2 ? RTD3_BLOCKER_PORT_FIRMWARE :
					       RTD3_BLOCKER_PORT_NO_D3, ABOVE),
		      "port may not sleep, firmware of year %d: %s", years[i],
		      i == 2 ? "firmware" : "port-no-d3");
	}
}

/* Do two cases touch different things, so that both must show? */
static bool independent(const struct reason *a, const struct reason *b)
{
	static const struct {
		enum rtd3_blocker_id first, last;
	} one_of[] = {
		{ RTD3_BLOCKER_POLICY_OFF, RTD3_BLOCKER_POLICY_D3HOT },
		{ RTD3_BLOCKER_FALLBACK_OFF, RTD3_BLOCKER_FALLBACK_D3HOT },
		{ RTD3_BLOCKER_PORT_NOT_PCIE, RTD3_BLOCKER_PORT_NO_D3 },
		{ RTD3_BLOCKER_SIBLING_CONTROL, RTD3_BLOCKER_SIBLING_ACTIVE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(one_of); i++)
		if (a->id >= one_of[i].first && a->id <= one_of[i].last &&
		    b->id >= one_of[i].first && b->id <= one_of[i].last)
			return false;

	return true;
}

/* Cases that only show while nothing else explains that bridge_d3 is clear. */
static bool concluded(const struct reason *reason)
{
	return reason->id == RTD3_BLOCKER_PORT_FIRMWARE ||
	       reason->id == RTD3_BLOCKER_PORT_NO_D3 ||
	       reason->break_it == port_native_hotplug;
}

static bool pair_shows(const struct reason *a, const struct reason *b)
{
	struct rtd3_snapshot snap = ideal();
	struct found found;
	enum rtd3_depth depth;
	bool both;

	a->break_it(&snap);
	b->break_it(&snap);
	find(&snap, &found);
	depth = a->allows < b->allows ? a->allows : b->allows;
	both = found.nr == 2 && has(&found, a->id, a->device) &&
	       has(&found, b->id, b->device) &&
	       rtd3_blockers_predict(found.list, 2) == depth &&
	       rtd3_blockers_parties(found.list, 2) == (a->party | b->party);
	/* in-use and entry-d3hot: open; the second one is engaged, too */
	if (a->break_it == entry_d3hot && b->break_it == in_use)
		return is_only(&found, a->id, a->device);
	if (b->break_it == entry_d3hot && a->break_it == in_use)
		return is_only(&found, b->id, b->device);
	if (concluded(a))
		return both || is_only(&found, b->id, b->device);
	if (concluded(b))
		return both || is_only(&found, a->id, a->device);
	return both;
}

void test_pairs(void)
{
	unsigned int i, j, bad = 0, pairs = 0;

	for (i = 0; i < nr_reasons; i++) {
		for (j = 0; j < nr_reasons; j++) {
			if (!independent(&reasons[i], &reasons[j]) || i == j)
				continue;
			pairs++;
			if (pair_shows(&reasons[i], &reasons[j]))
				continue;
			printf("# %s and %s\n", reasons[i].token,
			       reasons[j].token);
			bad++;
		}
	}
	check(!bad, "%u pairs of reasons show together", pairs);
}

void test_all_at_once(void)
{
	struct rtd3_snapshot snap = ideal();
	unsigned int i, missing = 0;
	struct found found;

	policy_off(&snap);
	failed(&snap);
	fallback_off(&snap);
	entry_d3hot(&snap);
	core_awake(&snap);
	ats(&snap);
	vfs(&snap);
	control(&snap);
	no_pm(&snap);
	not_allowed(&snap);
	no_d3cold(&snap);
	wakeup(&snap);
	no_pr3(&snap);
	not_cut(&snap);
	port_control(&snap);
	port_not_allowed(&snap);
	port_no_d3cold(&snap);
	port_not_pcie(&snap);
	port_hotplug(&snap);
	siblings(&snap, 4);
	snap.sibling[0].control_on = true;
	snap.sibling[1].control_on = true;
	snap.sibling[1].bound = false;
	snap.sibling[2].ours = false;
	for (i = 0; i < 4; i++) {
		snap.sibling[i].suspended = false;
		snap.sibling[i].has_pm = false;
		snap.sibling[i].d3cold_allowed = false;
		snap.sibling[i].no_d3cold = true;
		snap.sibling[i].wakeup = true;
	}
	find(&snap, &found);
	check(found.nr == 14 + 5 + 4 * 5, "everything is wrong: %zu reasons",
	      found.nr);
	for (i = 0; i < RTD3_BLOCKER_NR; i++) {
		size_t j;

		for (j = 0; j < found.nr && found.list[j].id != i; j++)
			;
		missing += j == found.nr;
	}
	check(missing == 6,
	      "all but policy-d3hot, fallback-d3hot, in-use, port-no-native-pme, port-old-firmware, port-no-d3");
	check(rtd3_blockers_predict(found.list, found.nr) == RTD3_POWER_D0,
	      "everything is wrong: D0");
	check(rtd3_blockers_parties(found.list, found.nr) ==
	      (USER | DRIVER | PORT | PLATFORM),
	      "everything is wrong: by all parties");
}
