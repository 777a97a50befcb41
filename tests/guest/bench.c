// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "model.h"
#include "power.h"
#include "rig.h"
#include "tap.h"

#define POLL_US		100
/* More than the ticks of Debian's kernels are apart. */
#define TICK_US		4000
#define PHASE_US	1237
#define SETTLE_MS	1000

const struct bench_driver bench_drivers[BENCH_DRIVERS] = {
	{ "rtd3_vfio_pci", "ours", true },
	{ "vfio-pci", "stock", false },
};

/** bench_load() - both drivers */
void bench_load(void)
{
	rig_load();
	if (rig_modprobe("vfio-pci"))
		die("modprobe vfio-pci");
}

/**
 * bench_bind() - bind a function
 * @pf: the function
 * @by: the driver
 * @delay_ms: how soon it is to sleep; stock vfio-pci has no delay
 */
void bench_bind(const struct pci_fn *pf, const struct bench_driver *by, const char *delay_ms)
{
	pci_bind(pf, by->name);
	if (by->ours)
		pci_set(pf, "power/autosuspend_delay_ms", delay_ms);
}

/** bench_ports_at_once() - port 1 and the ports below it sleep as soon as they may */
void bench_ports_at_once(void)
{
	const struct pci_fn port = { .name = RIG_PORT1 };

	pci_set(&port, "power/autosuspend_delay_ms", "0");
	for (int i = 0; i < rig.nr_bridges; i++)
		pci_set(&rig.bridge[i], "power/autosuspend_delay_ms", "0");
}

/** bench_figure() - one measurement; tests/rig/bench-table makes something of all of them */
void bench_figure(const struct bench_driver *by, const char *what, uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", by->who, what);
	figure(key, "%llu", (unsigned long long)value);
}

/**
 * bench_phase() - wait for some part of a tick, another one each time
 *
 * What waits for ticks takes longer or shorter by up to one, and a machine that counts
 * instructions always meets the same.
 */
void bench_phase(void)
{
	static unsigned int n;

	sleep_us(++n * PHASE_US % TICK_US + 1);
}

/** bench_off() - wait until the power of port 1 is off; when it was, as now_ns() */
uint64_t bench_off(void)
{
	uint64_t start = now_us();

	while (model_power() & MODEL_POWER) {
		if (since_ms(start) > ASLEEP_TIMEOUT_MS)
			die("D3cold within %d ms", ASLEEP_TIMEOUT_MS);
		sleep_us(POLL_US);
	}
	return now_ns();
}

/** now_ns() - monotonic time of the guest */
uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/** sleep_us() - sleep for less than a second */
void sleep_us(long us)
{
	const struct timespec ts = { 0, us * 1000 };

	nanosleep(&ts, NULL);
}

/* Of a page that a CPU allocates from the kernel counts all objects, until it has to give it up. */
static void shrink_slabs(void)
{
	struct dirent *e;
	char path[320];
	DIR *d;

	d = opendir("/sys/kernel/slab");
	if (!d)
		die("/sys/kernel/slab");
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", e->d_name);
		if (*e->d_name != '.')
			__rig_write(path, "1");
	}
	closedir(d);
}

/** slab_bytes() - what the kernel's objects take, without what it keeps as long as there is room */
long slab_bytes(void)
{
	unsigned long active, all, size;
	char line[256], name[64];
	long sum = 0;
	FILE *f;

	/* Freed behind RCU, or in work items, by then. */
	sleep_ms(SETTLE_MS);
	if (__rig_write("/proc/sys/vm/drop_caches", "2"))
		die("write drop_caches");
	sleep_ms(SETTLE_MS);
	shrink_slabs();
	f = fopen("/proc/slabinfo", "re");
	if (!f)
		die("/proc/slabinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %lu %lu %lu", name, &active, &all, &size) == 4)
			sum += active * size;
	fclose(f);
	return sum;
}
