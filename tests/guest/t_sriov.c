// SPDX-License-Identifier: GPL-2.0-only
/* SR-IOV: virtual functions only on request, captured by the driver, and the PF awake for them. */
#include <errno.h>
#include <string.h>

#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

#define LOOK_MS	1500

static void check_vf(const struct pci_fn *pf, struct power *p)
{
	struct pci_fn vf;

	check_err(__pci_set(pf, "sriov_numvfs", "1"), 0, "one VF enabled");
	check_woken(pf, p, "VF enabled");
	if (!check(rig_find_vf(pf, &vf), "the VF is there"))
		return;
	check_str(pci_get(&vf, "driver_override"), rig.driver, "%s: driver_override", vf.name);
	check_str(pci_driver(&vf), rig.driver, "%s: driver", vf.name);
	check_no_off(p, LOOK_MS, "VF enabled");
	check_str(pci_get(pf, "power/runtime_status"), "active", "VF enabled: PF");
	if (rig.ours) {
		check(!!strstr(pci_get(pf, "rtd3/blockers"), "vfs-enabled"),
		      "VF enabled: rtd3/blockers has vfs-enabled");
		check_rtd3(pf, "predicted", "D0", "VF enabled");
	}
}

RIG_TEST(sriov, "virtual functions")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct pci_fn vf;
	struct power p;

	rig_load();
	p = power_get(1);
	pci_bind(pf, rig.driver);
	check_asleep(pf, &p, "bound");
	check_err(__pci_set(pf, "sriov_numvfs", "1"), -ENOENT, "VF without enable_sriov");
	check(!rig_find_vf(pf, &vf), "and there is none");
	/* The attribute itself may have woken it. */
	p = power_get(1);
	if (power_cfg(pf, 0) != ALL_ONES)
		check_asleep(pf, &p, "VF refused");

	rig_param_set("enable_sriov", "Y");
	check_vf(pf, &p);
	check_err(__pci_set(pf, "sriov_numvfs", "0"), 0, "VF disabled");
	check(!rig_find_vf(pf, &vf), "VF disabled: it is gone");
	check_asleep(pf, &p, "VF disabled");

	check_err(__pci_set(pf, "sriov_numvfs", "1"), 0, "VF enabled once more");
	check(!rig_modprobe_remove(rig.driver), "modprobe -r with a VF enabled");
	check(!rig_find_vf(pf, &vf), "modprobe -r: the VF is gone");
	check_eq(power_cfg(pf, 0), pci_id(pf), "modprobe -r: id of the PF from outside");
}
