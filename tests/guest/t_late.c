// SPDX-License-Identifier: GPL-2.0-only
/* A slot that takes a link that is down for an empty slot, and a link that takes its time. */
#include "dut.h"
#include "fault.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define LATE_MS		700
#define ROUNDS		3
#define WELL_MS		90000

RIG_TEST(late, "presence that follows a late link does not lose the card")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;
	int ret;

	if (!model_present())
		die("a machine with the power model");
	rig_load();
	check_bind_asleep(&p, "bind");
	model_fault(MODEL_ON_LATE, LATE_MS);
	for (int i = 0; i < ROUNDS; i++) {
		ret = __vfio_open(&d, pf);
		check_err(ret, 0, "late: open");
		check_str(pci_driver(pf), rig.driver, "late: driver");
		if (ret)
			break;
		check_known(&d, "late");
		p = power_get(1);
		vfio_close(&d);
		check_asleep(pf, &p, "late, closed");
	}
	model_clear();
	/* A card that was lost and found again would have no driver, or new counters. */
	if (rig.ours)
		check(rtd3_num(pf, "resumes") >= ROUNDS, "late: rtd3/stats/resumes: %llu",
		      rtd3_num(pf, "resumes"));
}

/* The PCI core gives up what does not come back in its own wait; its slot is not empty for that. */
RIG_TEST(late_dead, "a card in a hot-plug slot that does not come back at once is not lost")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;
	int ret;

	if (!model_present() || !rig.hotplug)
		die("a hot-plug slot with the power model");
	rig_load();
	check_bind_asleep(&p, "bind");
	model_fault(MODEL_ON_IGNORED, 1);
	ret = __vfio_open(&d, pf);
	diag("dead once: open: %d", ret);
	if (!ret)
		vfio_close(&d);
	check_str(fault_health(pf, WELL_MS), "ok", "dead once: rtd3/health");
	model_clear();
	check_str(pci_driver(pf), rig.driver, "dead once: driver");
	check_err(__vfio_open(&d, pf), 0, "then: open");
	check_known(&d, "then");
	vfio_close(&d);
}
