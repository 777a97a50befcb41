// SPDX-License-Identifier: GPL-2.0-only
/* A short run through everything, for the variants of the machine. */
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

RIG_TEST(smoke, "a short run through everything")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;

	rig_load();
	p = power_get(1);
	rig_bind_all();
	check_str(pci_driver(pf), rig.driver, "driver");
	check_asleep(pf, &p, "bind");
	/* How the README finds it. */
	check(!access("/sys/bus/pci/devices/" RIG_PORT1 "/firmware_node/power_resources_D3hot",
		      F_OK), "the power resources of the port in sysfs");

	vfio_open(&d, pf);
	check_woken(pf, &p, "open");
	check_known(&d, "open");
	check_err(__vfio_entry(&d), 0, "LOW_POWER_ENTRY");
	check_asleep(pf, &p, "ENTRY");
	check_err(__vfio_exit(&d), 0, "LOW_POWER_EXIT");
	check_woken(pf, &p, "EXIT");
	check_known(&d, "EXIT");
	vfio_close(&d);
	check_asleep(pf, &p, "close");

	for (int i = 0; i < rig.nr_fns; i++)
		pci_unbind(&rig.fn[i]);
	check_woken(pf, &p, "unbind");
	check_str(pci_driver(pf), "", "driver after unbind");
}
