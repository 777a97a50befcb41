// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card of three functions behind a switch loses its power again and again, and comes back each
 * time; what the kernel holds for it does not grow. tests/endurance has 10,000 of them.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "dut.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define CYCLES		200
#define WARM_UP		20
#define REPORT		1000
#define POLL_MS		5
/* What is left over in the slabs, and less than the least leak in each cycle. */
#define SLACK_BYTES	65536
#define CYCLE_BYTES	8

/* Each with its count, and the bridges; all are asleep. */
static void usage(char *text, size_t size)
{
	const struct pci_fn port = { .name = RIG_PORT1 };
	size_t len = 0;
	char count[16];

	__pci_get(&port, "power/runtime_usage", count, sizeof(count));
	len += snprintf(text + len, size - len, "port %s", count);
	for (int i = 0; i < rig.nr_bridges; i++) {
		__pci_get(&rig.bridge[i], "power/runtime_usage", count, sizeof(count));
		len += snprintf(text + len, size - len, ", bridge %s", count);
	}
	for (int i = 0; i < rig.nr_fns; i++) {
		__pci_get(&rig.fn[i], "power/runtime_usage", count, sizeof(count));
		len += snprintf(text + len, size - len, ", %s %s", rig.fn[i].name, count);
	}
}

/**
 * struct seen - what went wrong
 * @bad: it was not the device
 * @kept: it had not lost its power
 */
struct seen {
	int bad;
	int kept;
};

/* It is no measurement: to look seldom is enough. */
static void wait_off(void)
{
	uint64_t start = now_us();

	while (model_power() & MODEL_POWER) {
		if (since_ms(start) > ASLEEP_TIMEOUT_MS)
			die("D3cold within %d ms", ASLEEP_TIMEOUT_MS);
		sleep_ms(POLL_MS);
	}
}

static void cycle(struct vfio_dev *d, struct seen *seen)
{
	const struct dut *t = dut_of(d->pf);

	dut_mark(d);
	vfio_entry(d);
	wait_off();
	vfio_exit(d);
	seen->bad += dut_read(d, &t->known) != t->known_val;
	seen->kept += dut_read(d, &t->loses) != t->reset_val;
}

RIG_TEST(cycles, "power cycles in low power, each wake looked at")
{
	char before[256], after[256];
	unsigned long long failures = 0, resumes;
	const struct pci_fn *pf = &rig.fn[0];
	int cycles = rig_cycles(CYCLES);
	struct seen seen = {};
	struct vfio_dev d;
	struct power p;
	uint64_t start;
	uint16_t offs;
	long slab;

	if (!model_present() || rig.nr_fns < 3)
		die("the power model, and a card of three functions");
	rig_load();
	rig_bind_all();
	rig_autosuspend("0");
	bench_ports_at_once();
	wait_off();
	usage(before, sizeof(before));
	vfio_open(&d, pf);
	dut_locate(&d);
	for (int i = 0; i < WARM_UP; i++)
		cycle(&d, &seen);
	slab = slab_bytes();
	offs = model_counts().offs;
	resumes = rtd3_num(pf, "resumes");
	start = now_us();
	for (int i = 1; i <= cycles; i++) {
		cycle(&d, &seen);
		if (i % REPORT == 0)
			diag("%d cycles: %d bad, %d kept", i, seen.bad, seen.kept);
	}
	figure("cycle_ms", "%ld", since_ms(start) / cycles);
	check(!seen.bad && !seen.kept,
	      "%d cycles: %d times another device, %d times with its old state", cycles, seen.bad,
	      seen.kept);
	offs = model_counts().offs - offs;
	check(offs == (uint16_t)cycles, "power-offs: %d", offs);
	resumes = rtd3_num(pf, "resumes") - resumes;
	check(resumes >= (unsigned int)cycles, "resumes: %llu", resumes);
	slab = slab_bytes() - slab;
	check(slab < SLACK_BYTES + CYCLE_BYTES * cycles, "slabs grew by %ld bytes", slab);
	p = power_get(1);
	vfio_close(&d);
	wait_asleep(pf, &p);
	usage(after, sizeof(after));
	check(!strcmp(before, after), "usage counts: %s; before: %s", after, before);
	for (int i = 0; i < rig.nr_fns; i++) {
		failures += rtd3_num(&rig.fn[i], "failures");
		check_str(pci_get(&rig.fn[i], "rtd3/health"), "ok", "rtd3/health of %s",
			  rig.fn[i].name);
	}
	check_eq(failures, 0, "failures of all functions");
}
