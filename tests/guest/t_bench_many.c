// SPDX-License-Identifier: GPL-2.0-only
/*
 * 1, 2, 4, 8, 16 devices, each below a port of its own, all of which wake at once: by open and by
 * LOW_POWER_EXIT. For tests/bench; figures are nanoseconds until all of them work.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define FIRST_SLOT	4
#define MAX_SETS	16
#define ROUNDS		1

/**
 * struct set - a device that loses power with nobody else
 * @port: its port
 * @pf: the device
 * @group: its IOMMU group
 * @dev: it, open
 * @by_open: it wakes as it is opened
 * @works: when it did, as now_ns()
 * @thread: of its user
 */
struct set {
	struct pci_fn port;
	struct pci_fn pf;
	struct vfio_group group;
	struct vfio_dev dev;
	bool by_open;
	uint64_t works;
	pthread_t thread;
};

static struct set sets[MAX_SETS];
static int nr_sets;
static pthread_barrier_t at_once;

static void find(void)
{
	for (int i = 0; i < MAX_SETS; i++) {
		struct set *s = &sets[nr_sets];

		snprintf(s->port.name, sizeof(s->port.name), "0000:00:%02x.0", FIRST_SLOT + i);
		if (pci_below(s->port.name, &s->pf, 1) != 1)
			break;
		pci_set(&s->port, "d3cold_allowed", "1");
		pci_set(&s->port, "power/autosuspend_delay_ms", "0");
		nr_sets++;
	}
	diag("%d sets", nr_sets);
}

/* In sysfs, as the hypervisor counts for two ports only; that power was lost the device shows. */
static void wait_cold(int n)
{
	for (int i = 0; i < n; i++)
		if (!pci_wait(&sets[i].pf, "power_state", "D3cold", ASLEEP_TIMEOUT_MS))
			die("%s: D3cold within %d ms", sets[i].pf.name, ASLEEP_TIMEOUT_MS);
}

static void *wake_one(void *arg)
{
	struct set *s = arg;
	const struct dut *t = dut_of(&s->pf);

	pthread_barrier_wait(&at_once);
	if (s->by_open) {
		vfio_dev_open(&s->dev, &s->group, &s->pf);
		dut_prepare(&s->dev);
	} else {
		vfio_exit(&s->dev);
	}
	if (dut_read(&s->dev, &t->known) != t->known_val)
		die("%s: %s", s->pf.name, t->known.what);
	s->works = now_ns();
	return NULL;
}

static void wake_all(const struct bench_driver *by, int n, bool by_open)
{
	uint64_t start, last = 0;
	char key[64];

	wait_cold(n);
	pthread_barrier_init(&at_once, NULL, n + 1);
	for (int i = 0; i < n; i++) {
		sets[i].by_open = by_open;
		if (pthread_create(&sets[i].thread, NULL, wake_one, &sets[i]))
			die("a thread");
	}
	start = now_ns();
	pthread_barrier_wait(&at_once);
	for (int i = 0; i < n; i++) {
		pthread_join(sets[i].thread, NULL);
		if (sets[i].works > last)
			last = sets[i].works;
	}
	pthread_barrier_destroy(&at_once);
	snprintf(key, sizeof(key), "many_%s_%d", by_open ? "open" : "exit", n);
	bench_figure(by, key, last - start);
}

static void measure(const struct bench_driver *by, int n)
{
	int kept = 0;

	wait_cold(n);
	for (int i = 0; i < n; i++)
		vfio_group_open(&sets[i].group, pci_iommu_group(&sets[i].pf));
	wake_all(by, n, true);
	for (int i = 0; i < n; i++) {
		dut_mark(&sets[i].dev);
		vfio_entry(&sets[i].dev);
	}
	wake_all(by, n, false);
	for (int i = 0; i < n; i++) {
		const struct dut *t = dut_of(&sets[i].pf);

		kept += dut_read(&sets[i].dev, &t->loses) != t->reset_val;
		vfio_close(&sets[i].dev);
		vfio_group_close(&sets[i].group);
	}
	check(!kept, "%s, %d sets: all have lost power (%d not)", by->who, n, kept);
}

RIG_TEST(bench_many, "devices of several power sets wake at once, with stock vfio-pci beside it")
{
	int rounds = rig_cycles(ROUNDS);

	find();
	bench_load();
	for (int i = 0; i < rounds * BENCH_DRIVERS; i++) {
		const struct bench_driver *by = &bench_drivers[i % BENCH_DRIVERS];

		for (int n = 0; n < nr_sets; n++)
			bench_bind(&sets[n].pf, by, "0");
		for (int n = 1; n <= nr_sets; n *= 2)
			measure(by, n);
		for (int n = 0; n < nr_sets; n++)
			pci_unbind(&sets[n].pf);
	}
}
