// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of crosvm, the one VMM that uses the features 3, 4 and 5, in its order. google/crosvm
 * has them (f1e797a68dad, August 2026) in devices/src/pci/vfio_pci.rs where no file is named:
 * - For a PCI device no feature is probed: supports_pm_low_power() of devices/src/vfio.rs, ENTRY
 *   and then EXIT, both with PROBE alone, is asked for platform devices.
 * - The guest's first write to configuration space takes the request interrupt, and one eventfd for
 *   all wakes: start_work_thread(). Memory decoding maps the BARs, for as long as the VM lives.
 * - PMCSR is kept by crosvm, with No_Soft_Reset clear and PME from D3cold, but each read and write
 *   of the guest goes to the device, too: read_config_register(), write_config_register().
 * - A virtual _PR3 (PowerResourceMethod of devices/src/pci/acpi.rs) calls ENTRY_WITH_WAKEUP in its
 *   _OFF, after D3hot, and EXIT in its _ON, before D0: write_virtual_config_register(). Errors of
 *   both are dropped.
 * - A signal between these, with the guest in D3hot and PME_En set, makes PME_Status of crosvm's
 *   PMCSR and a PME of the root port: VfioPciWorker::run(), should_trigger_pme() of
 *   devices/src/pci/pm.rs, inject_pme() of devices/src/pci/pcie/pcie_port.rs. No call is made for
 *   it; the guest clears PME_Status, then calls _ON.
 * - close() takes back the mappings, then closes the group, remove_group() of devices/src/vfio.rs;
 *   the device's file goes after it, and before the eventfd: the fields of struct VfioPciDevice.
 *   No EXIT, no reset.
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define CYCLES		3
#define SIGNAL_MS	5000
#define AWAKE_MS	1500
#define GUEST_BAR	0xe8000000u
#define PME		PCI_PM_CTRL_PME_ENABLE
#define PME_STATUS	PCI_PM_CTRL_PME_STATUS

#define PROBE_ENTRY	(VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY)
#define PROBE_EXIT	(VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT)

/**
 * struct crosvm - a device as crosvm has it
 * @d: the device
 * @request: eventfd of the request interrupt
 * @pm: eventfd of all wakes
 * @page: a page of a BAR, mapped all the time
 * @pmcsr: the guest's, which crosvm answers from
 * @in_low_power: between _OFF and _ON
 * @pmes: how often the guest got a PME
 */
struct crosvm {
	struct vfio_dev d;
	int request;
	int pm;
	void *page;
	unsigned int pmcsr;
	bool in_low_power;
	int pmes;
};

static void start(struct crosvm *c)
{
	const struct dut *t = dut_of(&rig.fn[0]);
	unsigned int bar = PCI_BASE_ADDRESS_0 + 4 * t->known.bar;

	*c = (struct crosvm){};
	vfio_open(&c->d, &rig.fn[0]);
	c->request = vfio_eventfd();
	check_err(__vfio_irq_trigger(&c->d, VFIO_PCI_REQ_IRQ_INDEX, 1, &c->request), 0,
		  "start: request interrupt");
	c->pm = vfio_eventfd();
	vfio_cfg_write(&c->d, bar, GUEST_BAR, 4);
	dut_prepare(&c->d);
	c->page = dut_map(&c->d, &t->known);
	check_known(&c->d, "start");
}

static void stop(struct crosvm *c)
{
	munmap(c->page, DUT_PAGE);
	close(c->d.own.fd);
	close(c->d.fd);
	close(c->pm);
	close(c->request);
	close(c->d.own.container);
}

static void write_pmcsr(struct crosvm *c, unsigned int val)
{
	vfio_cfg_write(&c->d, guest_pmcsr(&c->d), val, 2);
	c->pmcsr = (c->pmcsr & val & PME_STATUS ? 0 : c->pmcsr & PME_STATUS) |
		   (val & (PME | PCI_PM_CTRL_STATE_MASK));
}

/* crosvm reads the device, and answers with its own. */
static unsigned int read_pmcsr(struct crosvm *c)
{
	vfio_cfg(&c->d, guest_pmcsr(&c->d), 2);
	return c->pmcsr;
}

static void off(struct crosvm *c, const char *when)
{
	check_eq(vfio_eventfd_count(c->pm, 0), 0, "%s: eventfd before _OFF", when);
	c->in_low_power = true;
	check_err(__vfio_entry_wakeup(&c->d, c->pm), 0, "%s: _OFF: ENTRY_WITH_WAKEUP", when);
}

static void on(struct crosvm *c, const char *when)
{
	c->in_low_power = false;
	check_err(__vfio_exit(&c->d), 0, "%s: _ON: EXIT", when);
}

/* A guest's runtime suspend: PME armed, D3hot, _OFF. */
static void suspend(struct crosvm *c, struct power *p, const char *when)
{
	*p = power_get(1);
	dut_mark(&c->d);
	write_pmcsr(c, PME_STATUS | PME);
	write_pmcsr(c, PME | PCI_D3HOT);
	off(c, when);
	check_asleep(c->d.pf, p, when);
	check_eq(vfio_eventfd_count(c->pm, 0), 0, "%s: eventfd while asleep", when);
}

/* Its resume: _ON, D0, and what it has saved. */
static void resume(struct crosvm *c, const char *when)
{
	const struct dut *t = dut_of(c->d.pf);

	on(c, when);
	write_pmcsr(c, PCI_D0);
	check_guest(&c->d, PCI_D0, when);
	vfio_cfg_write(&c->d, PCI_BASE_ADDRESS_0 + 4 * t->known.bar, GUEST_BAR, 4);
	dut_prepare(&c->d);
	check_known(&c->d, when);
	check_eq(dut_load(c->page, &t->known), t->known_val, "%s: %s through the old mapping", when,
		 t->known.what);
	check_mark_gone(&c->d, when);
	check_rtd3(c->d.pf, "health", "ok", when);
}

/* What the worker thread does about a signal. */
static void signalled(struct crosvm *c)
{
	if (!c->in_low_power || (c->pmcsr & PCI_PM_CTRL_STATE_MASK) != PCI_D3HOT ||
	    !(c->pmcsr & PME))
		return;
	c->pmcsr |= PME_STATUS;
	c->pmes++;
}

/* Somebody on the host wakes it: the guest gets a PME, looks who it was, and resumes. */
static void woken(struct crosvm *c, const char *when)
{
	struct power p;
	int pmes = c->pmes;

	suspend(c, &p, when);
	pci_sysfs_config32(c->d.pf, 0);
	check_woken(c->d.pf, &p, when);
	check_eq(vfio_eventfd_count(c->pm, SIGNAL_MS), 1, "%s: eventfd", when);
	signalled(c);
	check_eq(c->pmes, pmes + 1, "%s: PMEs of the guest", when);
	check(read_pmcsr(c) & PME_STATUS, "%s: the guest sees PME_Status", when);
	write_pmcsr(c, PME_STATUS | PCI_D3HOT);
	check_eq(read_pmcsr(c), PCI_D3HOT, "%s: PME_Status and PME_En cleared", when);
	resume(c, when);
	check_no_off(&p, AWAKE_MS, when);
	check_eq(vfio_eventfd_count(c->pm, 0), 0, "%s: eventfd after that", when);
}

/* The guest resumes by itself: EXIT's wake is signalled, too, and nobody takes it for a PME. */
static void by_guest(struct crosvm *c, const char *when)
{
	struct power p;
	int pmes = c->pmes;

	suspend(c, &p, when);
	resume(c, when);
	check_woken(c->d.pf, &p, when);
	check_eq(vfio_eventfd_count(c->pm, SIGNAL_MS), 1, "%s: eventfd", when);
	signalled(c);
	check_eq(c->pmes, pmes, "%s: PMEs of the guest", when);
	check_no_off(&p, AWAKE_MS, when);
}

/* The VM goes away in its guest's sleep: with crosvm, nobody calls EXIT. */
static void leave(struct crosvm *c, const char *when)
{
	struct power p;

	suspend(c, &p, when);
	stop(c);
	/* With vfio-pci it may sleep again by now. */
	check(power_get(1).on > p.on, "%s: _ON called", when);
	check_asleep(&rig.fn[0], &p, when);
	start(c);
	check_guest(&c->d, PCI_D0, "next VM");
	check_mark_gone(&c->d, "next VM");
}

static void vm(const char *promote)
{
	struct crosvm c;
	char when[48];

	if (rig.ours)
		pci_set(&rig.fn[0], "rtd3/promote", promote);
	start(&c);
	check_err(__vfio_feature(&c.d, PROBE_ENTRY, NULL, 0, -1), 0, "PROBE of ENTRY");
	check_err(__vfio_feature(&c.d, PROBE_EXIT, NULL, 0, -1), 0, "PROBE of EXIT");
	for (int i = 0; i < CYCLES; i++) {
		snprintf(when, sizeof(when), "promote %s: woken by the host, %d", promote, i);
		woken(&c, when);
		snprintf(when, sizeof(when), "promote %s: woken by the guest, %d", promote, i);
		by_guest(&c, when);
	}
	snprintf(when, sizeof(when), "promote %s: VM stopped asleep", promote);
	leave(&c, when);
	stop(&c);
}

RIG_TEST(crosvm, "crosvm's calls: _OFF, a wake as PME, _ON")
{
	rig_load();
	rig_bind_all();
	vm("safe");
	if (rig.ours)
		vm("always");
}
