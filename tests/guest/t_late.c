// SPDX-License-Identifier: GPL-2.0-only
/* A slot that takes a link that is down for an empty slot, and a link that takes its time. */
#include <string.h>

#include "dut.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define LATE_MS		700
#define ROUNDS		3

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
