// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses against ENTRY and EXIT: no read ever sees a device without power. Two threads read in
 * bursts; the pauses between let real power cycles happen, which are counted by the host.
 */
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define RUN_MS		10000
/* On a slow machine, longer, until what is to be seen was. */
#define RUN_MAX_MS	120000
#define BURST_MS	40
#define PAUSE_MS	200
#define MIN_CYCLES	5
#define MIN_READS	100
#define READERS		2

struct reader {
	pthread_t thread;
	struct vfio_dev *d;
	unsigned int seed;
	uint32_t exp_off, exp_val;
	atomic_ulong reads;
	unsigned long wrong, errors;
	uint64_t last_wrong;
	int last_error;
};

static atomic_bool stop;

static void look(struct reader *r, int ret, uint64_t val, uint64_t want)
{
	r->reads++;
	if (ret) {
		r->errors++;
		r->last_error = ret;
	} else if (val != want) {
		r->wrong++;
		r->last_wrong = val;
	}
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	const struct dut *t = dut_of(r->d->pf);

	while (!stop) {
		uint64_t start = now_us();
		long ms = rand_r(&r->seed) % BURST_MS;
		uint64_t val;
		int ret;

		do {
			ret = __vfio_read(r->d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID,
					  &val, 4);
			look(r, ret, val, pci_id(r->d->pf));
			/* vfio keeps no copy of this one. */
			ret = __vfio_read(r->d, VFIO_PCI_CONFIG_REGION_INDEX, r->exp_off,
					  &val, 4);
			look(r, ret, val, r->exp_val);
			ret = __dut_read(r->d, &t->known, &val);
			look(r, ret, val, t->known_val);
		} while (since_ms(start) < ms);
		sleep_ms(rand_r(&r->seed) % PAUSE_MS);
	}
	return NULL;
}

static bool enough(const struct reader *reader, const struct power *first)
{
	struct power p = power_get(1);

	for (int i = 0; i < READERS; i++)
		if (reader[i].reads < MIN_READS)
			return false;
	return p.off - first->off >= MIN_CYCLES && p.on - first->on >= MIN_CYCLES;
}

RIG_TEST(race, "accesses against ENTRY and EXIT")
{
	struct reader reader[READERS] = {};
	unsigned long entries = 0, bad = 0;
	struct power first, last;
	unsigned int seed = 1;
	struct vfio_dev d;
	uint64_t start;
	unsigned int cap;

	rig_load();
	rig_bind_all();
	/* As many cycles as can be had: the port's own delay is 100 ms. */
	rig_autosuspend("0");
	vfio_open(&d, &rig.fn[0]);
	check_known(&d, "before");
	cap = vfio_find_cap(&d, PCI_CAP_ID_EXP, 0);
	if (!cap)
		die("a PCI Express capability");
	first = power_get(1);

	for (int i = 0; i < READERS; i++) {
		reader[i] = (struct reader){
			.d = &d, .seed = i + 2, .exp_off = cap + PCI_EXP_DEVCAP,
		};
		reader[i].exp_val = vfio_cfg(&d, reader[i].exp_off, 4);
		if (pthread_create(&reader[i].thread, NULL, reader_main, &reader[i]))
			die("start a thread");
	}
	start = now_us();
	while (since_ms(start) < (enough(reader, &first) ? RUN_MS : RUN_MAX_MS)) {
		bad += __vfio_entry(&d) != 0;
		sleep_ms(rand_r(&seed) % (2 * PAUSE_MS));
		bad += __vfio_exit(&d) != 0;
		sleep_ms(rand_r(&seed) % BURST_MS);
		entries++;
	}
	stop = true;
	for (int i = 0; i < READERS; i++)
		pthread_join(reader[i].thread, NULL);
	last = power_get(1);

	check(!bad, "%lu ENTRY and EXIT, %lu failed", entries, bad);
	for (int i = 0; i < READERS; i++) {
		const struct reader *r = &reader[i];

		check(!r->wrong, "reader %d: %lu reads, %lu wrong (last %llx)", i, r->reads,
		      r->wrong, (unsigned long long)r->last_wrong);
		check(!r->errors, "reader %d: %lu errors (last %d)", i, r->errors, r->last_error);
		check(r->reads >= MIN_READS, "reader %d: did read (%lu)", i, r->reads);
	}
	check(last.off - first.off >= MIN_CYCLES && last.on - first.on >= MIN_CYCLES,
	      "power really went: %u _OFF, %u _ON", last.off - first.off, last.on - first.on);
	figure("race_reads", "%lu", reader[0].reads + reader[1].reads);
	figure("race_power_cycles", "%u", last.off - first.off);
	check_known(&d, "after");
	last = power_get(1);
	vfio_close(&d);
	check_asleep(&rig.fn[0], &last, "close");
}
