// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card of three functions behind a switch loses its power again and again, and comes back each
 * time.
 */
#include <stdint.h>

#include "dut.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define CYCLES	200

RIG_TEST(cycles, "200 power cycles in low power, each wake looked at")
{
	unsigned long long failures = 0, resumes;
	const struct pci_fn *pf = &rig.fn[0];
	const struct dut *t;
	int bad = 0, kept = 0;
	struct vfio_dev d;
	struct power p;
	uint64_t start;
	uint16_t offs;

	if (!model_present() || rig.nr_fns < 3)
		die("the power model, and a card of three functions");
	rig_load();
	rig_bind_all();
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "power/autosuspend_delay_ms", "0");
	vfio_open(&d, pf);
	t = dut_locate(&d);
	offs = model_counts().offs;
	resumes = rtd3_num(pf, "resumes");
	start = now_us();
	for (int i = 0; i < CYCLES; i++) {
		dut_mark(&d);
		p = power_get(1);
		vfio_entry(&d);
		wait_asleep(pf, &p);
		vfio_exit(&d);
		bad += dut_read(&d, &t->known) != t->known_val;
		kept += dut_read(&d, &t->loses) != t->reset_val;
	}
	figure("cycle_ms", "%ld", since_ms(start) / CYCLES);
	check(!bad && !kept, "%d cycles: %d times another device, %d times with its old state",
	      CYCLES, bad, kept);
	check((uint16_t)(model_counts().offs - offs) >= CYCLES, "power-offs: %d",
	      (uint16_t)(model_counts().offs - offs));
	resumes = rtd3_num(pf, "resumes") - resumes;
	check(resumes >= CYCLES, "resumes: %llu", resumes);
	vfio_close(&d);
	for (int i = 0; i < rig.nr_fns; i++) {
		failures += rtd3_num(&rig.fn[i], "failures");
		check_str(pci_get(&rig.fn[i], "rtd3/health"), "ok", "rtd3/health of %s",
			  rig.fn[i].name);
	}
	check_eq(failures, 0, "failures of all functions");
}
