// SPDX-License-Identifier: GPL-2.0-only
/* Bound and unused means without power; open wakes the device. */
#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define ROUNDS	3

static void one_round(const struct pci_fn *pf, struct power *p, int round)
{
	unsigned long long wakes = 0, resumes = 0, suspends = 0;
	struct vfio_dev d;
	uint64_t start;
	long ms;

	if (rig.ours) {
		wakes = rtd3_num(pf, "wakes_open");
		resumes = rtd3_num(pf, "resumes");
		suspends = rtd3_num(pf, "suspends");
	}
	start = now_us();
	vfio_open(&d, pf);
	ms = since_ms(start);
	check_woken(pf, p, "open");
	if (!round)
		figure("open_ms", "%ld", ms);
	check_known(&d, "open");
	check_str(pci_get(pf, "power_state"), "D0", "open: power_state");
	check_rtd3(pf, "state", "D0", "open");
	check_rtd3(pf, "last_state", "D3cold", "open");
	check_rtd3(pf, "last_wake", "open", "open");
	check_rtd3_grew(pf, "wakes_open", wakes, "open");
	check_rtd3_grew(pf, "resumes", resumes, "open");
	if (!round)
		check_no_off(p, 1500, "open and in D0");

	vfio_close(&d);
	ms = check_asleep(pf, p, "close");
	if (!round)
		figure("close_asleep_ms", "%ld", ms);
	check_eq(pci_raw_config32(pf, 0), ALL_ONES, "close: id by CF8/CFC");
	check_rtd3_grew(pf, "suspends", suspends, "close");
}

RIG_TEST(idle, "bound and unused: D3cold; open wakes it")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p, first;
	unsigned int ons, most;
	unsigned long long in_state;
	uint64_t start;
	long ms;

	rig_load();
	check_eq(power_cfg(pf, 0), pci_id(pf), "before bind: id from outside");
	check_eq(pci_raw_config32(pf, 0), pci_id(pf), "before bind: id by CF8/CFC");
	ms = check_bind_asleep(&p, "bind");
	figure("asleep_ms", "%ld", ms);
	check_eq(pci_raw_config32(pf, 0), ALL_ONES, "asleep: id by CF8/CFC");
	check_eq(power_cfg(pf, 0x10), ALL_ONES, "asleep: BAR0 from outside");
	check_str(pci_get(pf, "power_state"), "D3cold", "asleep: power_state");
	check_str(pci_get(pf, "power/runtime_status"), "suspended", "asleep: runtime_status");
	if (rig.ours) {
		check_reads(pf, &p, "asleep, all of rtd3/ read");
		check_rtd3(pf, "state", "D3cold", "asleep");
	}
	check_no_on(&p, 2000, "left alone");
	if (rig.ours)
		check(rtd3_num(pf, "state_ms") >= 2000, "rtd3/stats/state_ms: %llu",
		      rtd3_num(pf, "state_ms"));
	start = now_us();
	/* A card of four functions, on a slow machine, may have slept once between two of them. */
	first = power_get(1);

	for (int i = 0; i < ROUNDS; i++)
		one_round(pf, &p, i);
	ons = p.on - first.on;
	/*
	 * Old kernels poll bridges for PME without keeping what is above them awake: one that is
	 * just losing its power reads as one that wants to be woken.
	 */
	most = ROUNDS * (rig.nr_bridges && rig.major == 6 && rig.minor < 9 ? 2 : 1);
	check(ons >= ROUNDS && ons <= most && p.off - first.off == ons, "%d opens: %u _ON, %u _OFF",
	      ROUNDS, ons, p.off - first.off);
	if (rig.ours) {
		check_eq(rtd3_num(pf, "failures"), 0, "rtd3/stats/failures");
		check(rtd3_num(pf, "time_d3cold_ms") > 1000, "rtd3/stats/time_d3cold_ms: %llu",
		      rtd3_num(pf, "time_d3cold_ms"));
		in_state = rtd3_num(pf, "state_ms");
		check(in_state <= (unsigned long long)since_ms(start),
		      "rtd3/stats/state_ms: %llu, since the last open", in_state);
		figure("suspend_latency_us", "%llu", rtd3_num(pf, "suspend_latency_us"));
		figure("resume_latency_us", "%llu", rtd3_num(pf, "resume_latency_us"));
		figure("resume_latency_max_us", "%llu", rtd3_num(pf, "resume_latency_max_us"));
	}
}
