// SPDX-License-Identifier: GPL-2.0-only
/* LOW_POWER_ENTRY, D3cold and EXIT with the fd open; what must survive, and what must not. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define CYCLES		5
#define VECTORS		2
#define GUEST_BAR	0xe8000000u

#define ENTRY		VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY
#define ENTRY_WAKE	VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP
#define EXIT		VFIO_DEVICE_FEATURE_LOW_POWER_EXIT
#define GET		VFIO_DEVICE_FEATURE_GET
#define SET		VFIO_DEVICE_FEATURE_SET
#define PROBE		VFIO_DEVICE_FEATURE_PROBE

/* None of these changes anything. */
static void check_requests(struct vfio_dev *d, struct power *p)
{
	static const struct {
		const char *what;
		uint32_t flags;
		int argsz;
		int want;
	} req[] = {
		{ "PROBE ENTRY", PROBE | ENTRY, -1, 0 },
		{ "PROBE|SET ENTRY", PROBE | SET | ENTRY, -1, 0 },
		{ "PROBE|GET ENTRY", PROBE | GET | ENTRY, -1, -EINVAL },
		{ "PROBE|SET ENTRY_WITH_WAKEUP", PROBE | SET | ENTRY_WAKE, -1, 0 },
		{ "PROBE|GET ENTRY_WITH_WAKEUP", PROBE | GET | ENTRY_WAKE, -1, -EINVAL },
		{ "PROBE|SET EXIT", PROBE | SET | EXIT, -1, 0 },
		{ "PROBE|GET EXIT", PROBE | GET | EXIT, -1, -EINVAL },
		{ "GET ENTRY", GET | ENTRY, -1, -EINVAL },
		{ "GET ENTRY_WITH_WAKEUP", GET | ENTRY_WAKE, -1, -EINVAL },
		{ "GET EXIT", GET | EXIT, -1, -EINVAL },
		{ "GET|SET ENTRY", GET | SET | ENTRY, -1, -EINVAL },
		{ "neither GET nor SET ENTRY", ENTRY, -1, -EINVAL },
		{ "neither GET nor SET EXIT", EXIT, -1, -EINVAL },
		{ "ENTRY with an unknown flag", 1u << 19 | SET | ENTRY, -1, -EINVAL },
		{ "ENTRY with the highest flag", 1u << 31 | SET | ENTRY, -1, -EINVAL },
		{ "ENTRY with argsz 0", SET | ENTRY, 0, -EINVAL },
		{ "ENTRY with argsz 7", SET | ENTRY, 7, -EINVAL },
		{ "EXIT with argsz 4", SET | EXIT, 4, -EINVAL },
		{ "ENTRY_WITH_WAKEUP without its struct", SET | ENTRY_WAKE, 8, -EINVAL },
		{ "an unknown feature", SET | 0xeffe, -1, -ENOTTY },
		{ "PROBE of an unknown feature", PROBE | SET | 0xeffe, -1, -ENOTTY },
		{ "EXIT without ENTRY", SET | EXIT, -1, 0 },
	};

	for (size_t i = 0; i < sizeof(req) / sizeof(req[0]); i++)
		check_err(__vfio_feature(d, req[i].flags, NULL, 0, req[i].argsz), req[i].want,
			  "%s", req[i].what);
	check_no_off(p, 1500, "after those requests");
}

struct config {
	uint32_t command, bar[6], bar_phys[6], pmcsr, msix, devctl, line;
};

static void config_read(struct vfio_dev *d, struct config *c)
{
	unsigned int pm = vfio_find_cap(d, PCI_CAP_ID_PM, 0);
	unsigned int msix = vfio_find_cap(d, PCI_CAP_ID_MSIX, 0);
	unsigned int exp = vfio_find_cap(d, PCI_CAP_ID_EXP, 0);

	*c = (struct config){ .command = vfio_cfg(d, PCI_COMMAND, 2) };
	for (int i = 0; i < 6; i++) {
		c->bar[i] = vfio_cfg(d, PCI_BASE_ADDRESS_0 + 4 * i, 4);
		c->bar_phys[i] = power_cfg(d->pf, PCI_BASE_ADDRESS_0 + 4 * i);
	}
	if (pm)
		c->pmcsr = vfio_cfg(d, pm + PCI_PM_CTRL, 2);
	if (msix)
		c->msix = vfio_cfg(d, msix + PCI_MSIX_FLAGS, 2);
	if (exp)
		c->devctl = vfio_cfg(d, exp + PCI_EXP_DEVCTL, 2);
	c->line = vfio_cfg(d, PCI_INTERRUPT_LINE, 1);
}

static void config_compare(const struct config *a, const struct config *b, const char *when)
{
	bool same = true, same_phys = true;

	check_eq(b->command, a->command, "%s: command", when);
	for (int i = 0; i < 6; i++) {
		same = same && a->bar[i] == b->bar[i];
		same_phys = same_phys && a->bar_phys[i] == b->bar_phys[i];
	}
	check(same, "%s: BARs as the user wrote them (BAR0 %08x)", when, b->bar[0]);
	check(same_phys, "%s: physical BARs as before (BAR0 %08x)", when, b->bar_phys[0]);
	check_eq(b->pmcsr, a->pmcsr, "%s: PMCSR", when);
	check_eq(b->msix, a->msix, "%s: MSI-X control", when);
	check_eq(b->devctl, a->devctl, "%s: PCIe device control", when);
	check_eq(b->line, a->line, "%s: interrupt line", when);
}

/* The user's side of a driver's start: sizes and places BAR0, turns on decoding and MSI-X. */
static void config_setup(struct vfio_dev *d, int *efd)
{
	uint32_t size, want, low;
	int ret;

	vfio_cfg_write(d, PCI_BASE_ADDRESS_0, ALL_ONES, 4);
	size = vfio_cfg(d, PCI_BASE_ADDRESS_0, 4);
	/* virtio-gpu has no BAR0. */
	low = size & 0xf;
	if (size) {
		check_eq(~(size & ~0xfu) + 1, d->region[0].size, "BAR0 sized through vfio");
		want = GUEST_BAR | low;
	} else {
		skip("no BAR0", "BAR0 sized through vfio");
		want = 0;
	}
	vfio_cfg_write(d, PCI_BASE_ADDRESS_0, GUEST_BAR, 4);
	check_eq(vfio_cfg(d, PCI_BASE_ADDRESS_0, 4), want, "BAR0 placed through vfio");
	vfio_cfg_write(d, PCI_INTERRUPT_LINE, 0x0b, 1);
	dut_prepare(d);
	check_eq(vfio_cfg(d, PCI_COMMAND, 2) & 6, 6, "memory and master on");
	for (int i = 0; i < VECTORS; i++)
		efd[i] = vfio_eventfd();
	ret = __vfio_irq_trigger(d, VFIO_PCI_MSIX_IRQ_INDEX, VECTORS, efd);
	check_err(ret, 0, "SET_IRQS: %d MSI-X vectors", VECTORS);
}

static void one_cycle(struct vfio_dev *d, struct power *p, int nr)
{
	const struct dut *t = dut_locate(d);
	unsigned long long wakes = rig.ours ? rtd3_num(d->pf, "wakes_exit") : 0;
	struct config before, after;
	char when[32];
	long ms;

	snprintf(when, sizeof(when), "cycle %d", nr);
	config_read(d, &before);
	vfio_write(d, t->loses.bar, t->loses.off, t->loses_val, t->loses.width);
	check_eq(dut_read(d, &t->loses), t->loses_val, "%s: %s set", when, t->loses.what);
	*p = power_get(1);
	check_err(__vfio_entry(d), 0, "%s: ENTRY", when);
	ms = check_asleep(d->pf, p, when);
	if (!nr)
		figure("entry_asleep_ms", "%ld", ms);
	check_str(pci_get(d->pf, "power_state"), "D3cold", "%s: power_state", when);
	check_rtd3(d->pf, "state", "D3cold", when);
	check_err(__vfio_exit(d), 0, "%s: EXIT", when);
	check_woken(d->pf, p, when);
	check_rtd3(d->pf, "last_wake", "exit", when);
	check_rtd3(d->pf, "last_state", "D3cold", when);
	check_rtd3_grew(d->pf, "wakes_exit", wakes, when);
	config_read(d, &after);
	config_compare(&before, &after, when);
	check_eq(power_cfg(d->pf, PCI_COMMAND) & 6, 6, "%s: physical command", when);
	check_eq(dut_read(d, &t->loses), t->reset_val, "%s: %s as after a power cycle", when,
		 t->loses.what);
	check_eq(dut_read(d, &t->known), t->known_val, "%s: %s", when, t->known.what);
}

static void double_calls(struct vfio_dev *d, struct power *p)
{
	struct vfio_device_low_power_entry_with_wakeup w = { .wakeup_eventfd = vfio_eventfd() };

	*p = power_get(1);
	vfio_entry(d);
	check_err(__vfio_entry(d), -EINVAL, "second ENTRY at once");
	wait_asleep(d->pf, p);
	check_err(__vfio_entry(d), -EINVAL, "second ENTRY in D3cold");
	*p = power_get(1);
	check_err(__vfio_feature(d, SET | ENTRY_WAKE, &w, sizeof(w), -1), -EINVAL,
		  "ENTRY_WITH_WAKEUP in low power");
	check_asleep(d->pf, p, "refused entries leave it in low power");
	check_err(__vfio_exit(d), 0, "EXIT");
	check_err(__vfio_exit(d), 0, "second EXIT");
	check_eq(vfio_eventfd_count(w.wakeup_eventfd, 0), 0, "refused eventfd was not signalled");
	close(w.wakeup_eventfd);
	*p = power_get(1);
	check_no_off(p, 1500, "after EXIT twice");
}

/* An access in low power wakes the device for itself; low power goes on. */
static void access_in_low_power(struct vfio_dev *d, struct power *p)
{
	const struct dut *t = dut_locate(d);

	*p = power_get(1);
	vfio_entry(d);
	wait_asleep(d->pf, p);
	check_eq(vfio_cfg(d, PCI_VENDOR_ID, 4), pci_id(d->pf), "config read in low power");
	check_rtd3(d->pf, "last_wake", "config", "config read in low power");
	check(power_get(1).on > p->on, "config read in low power: _ON called");
	check_asleep(d->pf, p, "after a config read in low power");
	check_eq(dut_read(d, &t->known), t->known_val, "BAR read in low power: %s",
		 t->known.what);
	check_rtd3(d->pf, "last_wake", "bar", "BAR read in low power");
	check_asleep(d->pf, p, "after a BAR read in low power");
	check_err(__vfio_irq_disable(d, VFIO_PCI_MSIX_IRQ_INDEX), 0, "SET_IRQS in low power");
	check_rtd3(d->pf, "last_wake", "ioctl", "SET_IRQS in low power");
	check_asleep(d->pf, p, "after SET_IRQS in low power");
	vfio_exit(d);
	check_woken(d->pf, p, "EXIT after accesses in low power");
}

RIG_TEST(lowpower, "LOW_POWER_ENTRY, D3cold, EXIT with the fd open")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;
	int efd[VECTORS];

	rig_load();
	rig_bind_all();
	vfio_open(&d, pf);
	p = power_get(1);
	check_requests(&d, &p);
	config_setup(&d, efd);
	for (int i = 0; i < CYCLES; i++)
		one_cycle(&d, &p, i);
	check_known(&d, "after the cycles");
	double_calls(&d, &p);
	access_in_low_power(&d, &p);
	check_known(&d, "at the end");
	vfio_close(&d);
}
