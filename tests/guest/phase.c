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

struct fault_case fcase = { .efd = -1 };

static void begin_nothing(void)
{
}

/**
 * phase_asleep() - TAP result: the device sleeps, as the hypervisor sees it
 * @before: the counts before what is to put it to sleep
 */
bool phase_asleep(const struct power *before)
{
	const struct pci_fn port = { .name = RIG_PORT1 };
	const struct pci_fn *pf = &rig.fn[0];
	uint64_t start = now_us();
	bool good;

	/* Its port is in D3hot all the same, and nothing below it can be read. */
	if (fcase.refused)
		while (!(good = power_get(1).off > before->off && model_power() == MODEL_UP) &&
		       since_ms(start) < ASLEEP_TIMEOUT_MS)
			sleep_ms(5);
	else
		good = __wait_asleep(pf, before, ASLEEP_TIMEOUT_MS) >= 0;
	/* The host sees _OFF before the kernel has finished with the port. */
	good &= pci_wait(&port, "power/runtime_status", "suspended", ASLEEP_TIMEOUT_MS);
	return check(good, "%s: before: %s", fcase.name,
		     fcase.refused ? "_OFF was called" : "asleep");
}

static void begin_open(void)
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p;

	vfio_open(&fcase.d, pf);
	fcase.is_open = true;
	fcase.efd = vfio_eventfd();
	if (__vfio_irq_trigger(&fcase.d, VFIO_PCI_ERR_IRQ_INDEX, 1, &fcase.efd))
		diag("%s: no error eventfd", fcase.name);
	fcase.map = dut_map(&fcase.d, &dut_locate(&fcase.d)->known);
	if (fcase.awake)
		return;
	p = power_get(1);
	vfio_entry(&fcase.d);
	phase_asleep(&p);
}

/** phase_look() - what lspci does; for the host a dead device reads as ones */
int phase_look(void)
{
	uint32_t id;

	return __pci_sysfs_config32(&rig.fn[0], PCI_VENDOR_ID, &id);
}

/** phase_open() - open the device of the case; 0 or -errno */
int phase_open(void)
{
	int ret = __vfio_open(&fcase.d, &rig.fn[0]);

	fcase.is_open = !ret;
	return ret;
}

/*
 * Of a device in use that has just gone only what it answers itself tells at once; ids are the
 * kernel's to answer.
 */
static int call_access(void)
{
	unsigned int pos = fcase.awake ? PCI_CLASS_REVISION : PCI_VENDOR_ID;
	uint64_t id = 0;
	int ret = __vfio_read(&fcase.d, VFIO_PCI_CONFIG_REGION_INDEX, pos, &id, 4);

	if (!rig.ours || fcase.awake)
		return ret;
	check(ret || id == pci_id(&rig.fn[0]), "%s: what is read is the id (%08llx)", fcase.name,
	      (unsigned long long)id);
	return ret;
}

static int call_close(void)
{
	phase_end();
	return 0;
}

static int call_hot_reset(void)
{
	return __vfio_hot_reset(&fcase.d, 1, &fcase.d.group->fd);
}

static int call_unbind(void)
{
	return __pci_unbind(&rig.fn[0]);
}

static int call_unload(void)
{
	return rig_modprobe_remove(rig.driver) ? -EBUSY : 0;
}

const struct phase phases[] = {
	{ "idle", begin_nothing, phase_look, 0 },
	{ "engaged", begin_open, call_access, PHASE_FAILS },
	{ "open", begin_nothing, phase_open, PHASE_FAILS },
	{ "close", begin_open, call_close, 0 },
	{ "hotreset", begin_open, call_hot_reset, PHASE_FAILS | PHASE_IOCTL },
	{ "unbind", begin_nothing, call_unbind, PHASE_LEAVES },
	{ "unload", begin_nothing, call_unload, PHASE_LEAVES },
};

const int nr_phases = sizeof(phases) / sizeof(phases[0]);

/** phase_of() - the phase of that name */
const struct phase *phase_of(const char *name)
{
	for (int i = 0; i < nr_phases; i++)
		if (!strcmp(phases[i].name, name))
			return &phases[i];
	die("a phase of the name '%s'", name);
}

/**
 * phase_new() - begin a new case
 * @phase: its phase
 * @fault: what is going to be injected
 * @awake: as in struct fault_case
 */
void phase_new(const struct phase *phase, const char *fault, bool awake)
{
	fcase = (struct fault_case){ .efd = -1, .awake = awake };
	snprintf(fcase.name, sizeof(fcase.name), "%s %s", fault, phase->name);
}

/** phase_call() - the call of the phase, measured */
void phase_call(int (*call)(void))
{
	uint64_t start = now_us();

	fcase.ret = call();
	fcase.ms = since_ms(start);
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
 * phase_call_stock() - phase_call() with stock vfio-pci, which may take minutes
 * @call: the call
 * @release: lets it end; called after STOCK_MS
 */
void phase_call_stock(int (*call)(void), void (*release)(void))
{
	struct watch w = { release, STOCK_MS };
	pthread_t thread;

	pthread_create(&thread, NULL, stock_watch, &w);
	phase_call(call);
	w.left_ms = -1;
	pthread_join(thread, NULL);
}

/** phase_end() - whoever has the device open goes */
void phase_end(void)
{
	if (fcase.map)
		munmap(fcase.map, DUT_PAGE);
	fcase.map = NULL;
	if (fcase.efd >= 0)
		close(fcase.efd);
	fcase.efd = -1;
	if (fcase.is_open)
		vfio_close(&fcase.d);
	fcase.is_open = false;
}
