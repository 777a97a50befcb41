// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load and unload, bind and unbind, open and close, and a host that looks, all against each other.
 * Most calls fail, and may. What counts: everything ends, and then the device works.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define RUN_MS		10000
/* On a slow machine it takes longer until each worker has had its chances. */
#define RUN_MAX_MS	300000
#define MAKE_WAY_MS	1000
#define END_MS		400000
#define UNLOAD_TRIES	20
#define ERRORS		134

/* How often each worker got what it asked for; shared by the processes. */
static struct score {
	unsigned long loads, unloads, binds, unbinds, opens, entries, looks;
	unsigned long refused[ERRORS];
} *score;

static bool enough_loads(void)
{
	return score->loads >= 3 && score->unloads >= 3;
}

static bool enough_binds(void)
{
	return score->binds >= 3 && score->unbinds >= 3;
}

static bool enough_opens(void)
{
	return score->opens >= 3 && score->entries;
}

static bool enough_looks(void)
{
	return score->looks >= 100;
}

static bool enough(void)
{
	return enough_loads() && enough_binds() && enough_opens() && enough_looks();
}

static void reload(const struct pci_fn *pf, unsigned int *seed)
{
	int ret = -1;

	(void)pf;
	/* Refused while somebody has the device open. */
	for (int i = 0; i < UNLOAD_TRIES && ret; i++) {
		ret = rig_modprobe_remove(rig.driver);
		if (ret)
			sleep_ms(rand_r(seed) % 30);
	}
	score->unloads += !ret;
	sleep_ms(rand_r(seed) % 100);
	score->loads += !rig_modprobe(rig.driver);
	sleep_ms(rand_r(seed) % 800);
}

static void rebind(const struct pci_fn *pf, unsigned int *seed)
{
	score->unbinds += !__pci_unbind(pf);
	sleep_ms(rand_r(seed) % 50);
	score->binds += !__pci_bind(pf, rig.driver);
	__pci_set(pf, "power/autosuspend_delay_ms", rand_r(seed) % 2 ? "0" : "50");
	sleep_ms(rand_r(seed) % 400);
}

static void reopen(const struct pci_fn *pf, unsigned int *seed)
{
	struct vfio_dev d;
	uint64_t val;
	int ret = __vfio_open(&d, pf);

	if (ret) {
		score->refused[-ret % ERRORS]++;
	} else {
		score->opens++;
		__vfio_read(&d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &val, 4);
		if (rand_r(seed) % 2 && !__vfio_entry(&d)) {
			score->entries++;
			sleep_ms(rand_r(seed) % 250);
			if (rand_r(seed) % 2)
				__vfio_exit(&d);
		}
		vfio_close(&d);
	}
	sleep_ms(rand_r(seed) % 250);
}

static void look(const struct pci_fn *pf, unsigned int *seed)
{
	static const char *const attrs[] = {
		"rtd3/state", "rtd3/last_wake", "rtd3/stats/time_d3cold_ms", "rtd3/stats/suspends",
		"power/runtime_status", "power_state", "config", "resource",
	};
	char buf[256];

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		score->looks += __pci_get(pf, attrs[i], buf, sizeof(buf)) >= 0;
	sleep_ms(rand_r(seed) % 60);
}

static const struct {
	const char *what;
	void (*step)(const struct pci_fn *pf, unsigned int *seed);
	bool (*enough)(void);
} workers[] = {
	{ "load and unload", reload, enough_loads },
	{ "bind and unbind", rebind, enough_binds },
	{ "open and close", reopen, enough_opens },
	{ "a host that looks", look, enough_looks },
};

#define WORKERS	(sizeof(workers) / sizeof(workers[0]))

static int work(void *arg)
{
	const size_t nr = (uintptr_t)arg;
	unsigned int seed = nr + 1;
	uint64_t start = now_us();

	while (since_ms(start) < (enough() ? RUN_MS : RUN_MAX_MS)) {
		/*
		 * Makes way for those who have got less. They need the driver, and a device that
		 * somebody binds after its last load.
		 */
		if (since_ms(start) > RUN_MS && workers[nr].enough()) {
			if (workers[nr].step == reload)
				break;
			sleep_ms(MAKE_WAY_MS);
		}
		workers[nr].step(&rig.fn[0], &seed);
	}
	return 0;
}

RIG_TEST(churn, "load, bind and open against each other")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p, first;
	pid_t pid[WORKERS];
	struct vfio_dev d;

	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (score == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	rig_load();
	rig_bind_all();
	first = power_get(1);

	for (size_t i = 0; i < WORKERS; i++)
		pid[i] = rig_child(work, (void *)i);
	for (size_t i = 0; i < WORKERS; i++)
		if (!check_child(pid[i], END_MS, workers[i].what))
			die("%s: ended well", workers[i].what);
	p = power_get(1);
	for (int i = 0; i < ERRORS; i++)
		if (score->refused[i])
			diag("opens refused with %s: %lu", strerrorname_np(i), score->refused[i]);
	check(enough_loads(), "%lu loads, %lu unloads", score->loads, score->unloads);
	check(enough_binds(), "%lu binds, %lu unbinds", score->binds, score->unbinds);
	check(enough_opens(), "%lu opens, %lu ENTRY", score->opens, score->entries);
	check(enough_looks(), "%lu attributes read", score->looks);
	check(p.off > first.off && p.on > first.on, "power went and came (%u _OFF, %u _ON)",
	      p.off - first.off, p.on - first.on);

	check(!rig_modprobe(rig.driver), "load at the end");
	pci_bind(pf, rig.driver);
	vfio_open(&d, pf);
	check_known(&d, "open at the end");
	p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, &p, "close at the end");
	check(!rig_modprobe_remove(rig.driver), "unload at the end");
	check_woken(pf, &p, "unload at the end");
}
