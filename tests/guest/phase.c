// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "model.h"
#include "phase.h"
#include "pci.h"
#include "rig.h"
#include "tap.h"

struct cell cell = { .efd = -1 };

static void begin_nothing(void)
{
}

/**
 * moment_asleep() - TAP result: the device sleeps, as the hypervisor sees it
 * @before: the counts before what is to put it to sleep
 */
bool moment_asleep(const struct power *before)
{
	const struct pci_fn port = { .name = RIG_PORT1 };
	const struct pci_fn *pf = &rig.fn[0];
	uint64_t start = now_us();
	bool good;

	/* Its port is in D3hot all the same, and nothing below it can be read. */
	if (cell.refused)
		while (!(good = power_get(1).off > before->off && model_power() == MODEL_UP) &&
		       since_ms(start) < ASLEEP_TIMEOUT_MS)
			sleep_ms(5);
	else
		good = __wait_asleep(pf, before, ASLEEP_TIMEOUT_MS) >= 0;
	/* The host sees _OFF before the kernel has finished with the port. */
	good &= pci_wait(&port, "power/runtime_status", "suspended", ASLEEP_TIMEOUT_MS);
	return check(good, "%s: before: %s", cell.name,
		     cell.refused ? "_OFF was called" : "asleep");
}

static void begin_open(void)
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p;

	vfio_open(&cell.d, pf);
	cell.is_open = true;
	cell.efd = vfio_eventfd();
	if (__vfio_irq_trigger(&cell.d, VFIO_PCI_ERR_IRQ_INDEX, 1, &cell.efd))
		diag("%s: no error eventfd", cell.name);
	cell.map = dut_map(&cell.d, &dut_locate(&cell.d)->known);
	if (cell.awake)
		return;
	p = power_get(1);
	vfio_entry(&cell.d);
	moment_asleep(&p);
}

/** moment_look() - what lspci does; for the host a dead device reads as ones */
int moment_look(void)
{
	uint32_t id;

	return __pci_sysfs_config32(&rig.fn[0], PCI_VENDOR_ID, &id);
}

/** moment_open() - open the device of the cell; 0 or -errno */
int moment_open(void)
{
	int ret = __vfio_open(&cell.d, &rig.fn[0]);

	cell.is_open = !ret;
	return ret;
}

static int strike_access(void)
{
	uint64_t id = 0;
	int ret = __vfio_read(&cell.d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &id, 4);

	if (!rig.ours)
		return ret;
	check(ret || id == pci_id(&rig.fn[0]), "%s: what is read is the id (%08llx)", cell.name,
	      (unsigned long long)id);
	return ret;
}

static int strike_close(void)
{
	moment_end();
	return 0;
}

static int strike_hot_reset(void)
{
	return __vfio_hot_reset(&cell.d, 1, &cell.d.group->fd);
}

static int strike_unbind(void)
{
	return __pci_unbind(&rig.fn[0]);
}

static int strike_unload(void)
{
	return rig_modprobe_remove(rig.driver) ? -EBUSY : 0;
}

const struct moment moments[] = {
	{ "idle", begin_nothing, moment_look, 0 },
	{ "engaged", begin_open, strike_access, MOMENT_FAILS },
	{ "open", begin_nothing, moment_open, MOMENT_FAILS },
	{ "close", begin_open, strike_close, 0 },
	{ "hotreset", begin_open, strike_hot_reset, MOMENT_FAILS | MOMENT_IOCTL },
	{ "unbind", begin_nothing, strike_unbind, MOMENT_LEAVES },
	{ "unload", begin_nothing, strike_unload, MOMENT_LEAVES },
};

const int nr_moments = sizeof(moments) / sizeof(moments[0]);

/** moment_of() - the moment of that name */
const struct moment *moment_of(const char *name)
{
	for (int i = 0; i < nr_moments; i++)
		if (!strcmp(moments[i].name, name))
			return &moments[i];
	die("a moment of the name '%s'", name);
}

/**
 * moment_new() - begin a new cell
 * @m: its moment
 * @fault: what is going to strike
 * @awake: as in struct cell
 */
void moment_new(const struct moment *m, const char *fault, bool awake)
{
	cell = (struct cell){ .efd = -1, .awake = awake };
	snprintf(cell.name, sizeof(cell.name), "%s %s", fault, m->name);
}

/** moment_strike() - the call of the moment, measured */
void moment_strike(int (*strike)(void))
{
	uint64_t start = now_us();

	cell.ret = strike();
	cell.ms = since_ms(start);
}

/* A call that does not end by itself. */
struct watch {
	void (*release)(void);
	volatile int left_ms;
};

static void *stock_watch(void *arg)
{
	struct watch *w = arg;

	for (; w->left_ms > 0; w->left_ms -= 100)
		sleep_ms(100);
	if (!w->left_ms)
		w->release();
	return NULL;
}

/**
 * moment_strike_stock() - moment_strike() with stock vfio-pci, which may take minutes
 * @strike: the call
 * @release: lets it end; called after STOCK_MS
 */
void moment_strike_stock(int (*strike)(void), void (*release)(void))
{
	struct watch w = { release, STOCK_MS };
	pthread_t thread;

	pthread_create(&thread, NULL, stock_watch, &w);
	moment_strike(strike);
	w.left_ms = -1;
	pthread_join(thread, NULL);
}

/** moment_end() - whoever has the device open goes */
void moment_end(void)
{
	if (cell.map)
		munmap(cell.map, DUT_PAGE);
	cell.map = NULL;
	if (cell.efd >= 0)
		close(cell.efd);
	cell.efd = -1;
	if (cell.is_open)
		vfio_close(&cell.d);
	cell.is_open = false;
}
