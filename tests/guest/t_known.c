// SPDX-License-Identifier: GPL-2.0-only
/* What keeps a device from D3cold before it has shown anything: its slot. */
#include <string.h>

#include "dut.h"
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
