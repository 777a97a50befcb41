// SPDX-License-Identifier: GPL-2.0-only
/* What keeps a device from D3cold before it has shown anything: its slot, or others' experience. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "kmsg.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define STAYS_MS	5000
#define LOST_MS		20000

static bool goes(const struct pci_fn *pf, long timeout_ms)
{
	uint64_t start = now_us();

	while (pci_has(pf, "vendor") && since_ms(start) < timeout_ms)
		sleep_ms(50);
	return !pci_has(pf, "vendor");
}

RIG_TEST(nopme, "a card stays in a hot-plug slot whose PME the firmware keeps to itself")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;

	if (!rig.hotplug)
		die("a hot-plug slot");
	rig_load();
	p = power_get(1);
	pci_bind(pf, rig.driver);
	if (!rig.ours) {
		/* This is why. */
		check(goes(pf, LOST_MS), "its driver takes the slot for empty");
		return;
	}
	pci_wait(pf, "rtd3/state", "D3hot", ASLEEP_TIMEOUT_MS);
	check_rtd3(pf, "state", "D3hot", "bound");
	check_no_off(&p, STAYS_MS, "bound");
	check_str(pci_driver(pf), rig.driver, "bound: driver");
	check(strstr(pci_get(pf, "rtd3/blockers"), "port-no-native-pme " RIG_PORT1),
	      "rtd3/blockers: %s", pci_get(pf, "rtd3/blockers"));
	check_rtd3(pf, "predicted", "D3hot", "bound");
	check_rtd3(pf, "limit", "d3hot", "bound");
	check_rtd3(pf, "policy", "d3cold", "bound");
	vfio_open(&d, pf);
	check_known(&d, "opened");
	vfio_close(&d);
	pci_set(pf, "rtd3/policy", "d3hot");
	pci_set(pf, "rtd3/policy", "d3cold");
	pci_wait(pf, "rtd3/state", "D3hot", ASLEEP_TIMEOUT_MS);
	check_no_off(&p, STAYS_MS, "policy written");
	check_str(pci_driver(pf), rig.driver, "policy written: driver");
}

static void check_limited(const char *source, const char *when)
{
	char last[512];
	int log = kmsg_open();

	/* Who has been bound before is bound by that. */
	rig_load();
	rig_bind_all();
	check_eq(kmsg_count(log, source, last, sizeof(last)), rig.nr_fns,
		 "%s: lines in the log with the source: %s", when, last);
	close(log);
	for (int i = 0; i < rig.nr_fns; i++) {
		const struct pci_fn *pf = &rig.fn[i];

		check_rtd3(pf, "fallback", "d3hot", when);
		check_rtd3(pf, "fallback_reason", "known-bad", when);
		pci_wait(pf, "rtd3/state", "D3hot", ASLEEP_TIMEOUT_MS);
		check_rtd3(pf, "state", "D3hot", when);
		check(strstr(pci_get(pf, "rtd3/blockers"), "fallback-d3hot"), "%s: rtd3/blockers",
		      when);
	}
}

static void unbind_all(void)
{
	for (int i = 0; i < rig.nr_fns; i++)
		pci_unbind(&rig.fn[i]);
}

RIG_TEST(known, "a device that others have seen not to come back from D3cold")
{
	const char *source = rig.fn[0].vendor == 0x10de ? "205623" : "bb36170d959f";
	struct power p;

	check_limited(source, "bound");

	p = power_get(1);
	for (int i = 0; i < rig.nr_fns; i++)
		check_err(__pci_set(&rig.fn[i], "rtd3/fallback", "none"), 0, "fallback none");
	check_asleep(&rig.fn[0], &p, "fallback none");
	unbind_all();
	rig_bind_all();
	check_rtd3(&rig.fn[0], "fallback", "none", "bound again");

	unbind_all();
	check_err(rig_modprobe_remove(rig.module), 0, "modprobe -r");
	check_limited(source, "loaded again");
}
