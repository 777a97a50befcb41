// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time and memory that it takes to bind 1, 8 and 64 functions. For tests/bench; figures are
 * nanoseconds and bytes a function.
 */
#include <stdbool.h>
#include <stdio.h>

#include "bench.h"
#include "pci.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

#define ROUNDS		1
#define FIRST_SLOT	4
#define MAX_PORTS	16
#define MAX_FNS		64

static void measure(const struct pci_fn *fns, int n, const struct bench_driver *by, bool counts)
{
	long before = slab_bytes();
	uint64_t start = now_ns(), ns;
	char key[64];

	for (int i = 0; i < n; i++)
		pci_bind(&fns[i], by->name);
	ns = now_ns() - start;
	before = slab_bytes() - before;
	if (counts) {
		snprintf(key, sizeof(key), "probe_%d", n);
		bench_figure(by, key, ns / n);
		snprintf(key, sizeof(key), "memory_%d", n);
		bench_figure(by, key, before > 0 ? before / n : 0);
	}
	for (int i = 0; i < n; i++)
		pci_unbind(&fns[i]);
}

RIG_TEST(bench_probe, "time and memory of binding, with stock vfio-pci beside it")
{
	struct pci_fn fns[MAX_FNS];
	int rounds = rig_cycles(ROUNDS), nr = 0;
	char port[16];

	for (int i = 0; i < MAX_PORTS && nr < MAX_FNS; i++) {
		snprintf(port, sizeof(port), "0000:00:%02x.0", FIRST_SLOT + i);
		nr += pci_below(port, fns + nr, MAX_FNS - nr);
	}
	diag("%d functions", nr);
	bench_load();
	/* The first time, some of what is made stays for the next. */
	for (int n = 0; n < BENCH_DRIVERS; n++)
		measure(fns, nr, &bench_drivers[n], false);
	for (int i = 0; i < rounds; i++)
		for (int fn = 1; fn <= nr; fn *= 8)
			for (int n = 0; n < BENCH_DRIVERS; n++)
				measure(fns, fn, &bench_drivers[n], true);
}
