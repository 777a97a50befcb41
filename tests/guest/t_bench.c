// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMM pays for: accesses, the guest's D3hot and D0, low power and the way back, with our
 * driver and with stock vfio-pci in turns. For tests/bench; figures are nanoseconds.
 */
#include <linux/pci_regs.h>
#include <stdio.h>

#include "bench.h"
#include "dut.h"
#include "guest.h"
#include "model.h"
#include "pci.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define ROUNDS		1
/* Several series: in some the kernel has something else to do, too. */
#define SERIES		11
#define ACCESSES	200
#define SHADOWED	200
#define CHANGES		4
#define WAKES		4

static void config_virtual(struct vfio_dev *d)
{
	vfio_cfg(d, PCI_INTERRUPT_LINE, 1);
}

static void config_device(struct vfio_dev *d)
{
	vfio_cfg(d, PCI_STATUS, 2);
}

static void config_write(struct vfio_dev *d)
{
	vfio_cfg_write(d, PCI_INTERRUPT_LINE, 0x0b, 1);
}

static void bar_read(struct vfio_dev *d)
{
	dut_read(d, &dut_of(d->pf)->known);
}

static void bar_write(struct vfio_dev *d)
{
	const struct dut *t = dut_of(d->pf);

	vfio_write(d, t->loses.bar, t->loses.off, t->loses_val, t->loses.width);
}

static void accesses(struct vfio_dev *d, const struct bench_driver *by)
{
	static const struct {
		const char *what;
		void (*access)(struct vfio_dev *d);
	} kinds[] = {
		{ "config_virtual", config_virtual },
		{ "config_device", config_device },
		{ "config_write", config_write },
		{ "bar_read", bar_read },
		{ "bar_write", bar_write },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (int s = 0; s < SERIES; s++) {
			uint64_t start = now_ns();

			for (int n = 0; n < ACCESSES; n++)
				kinds[i].access(d);
			bench_figure(by, kinds[i].what, (now_ns() - start) / ACCESSES);
		}
	}
}

static void d3hot_and_d0(struct vfio_dev *d, const struct bench_driver *by)
{
	for (int i = 0; i < CHANGES; i++) {
		uint64_t start;

		bench_phase();
		start = now_ns();
		guest_set(d, PCI_D3HOT);
		bench_figure(by, "d3hot", now_ns() - start);
		bench_phase();
		start = now_ns();
		guest_set(d, PCI_D0);
		bench_figure(by, "d0", now_ns() - start);
		dut_prepare(d);
	}
}

/* With ours its guest has put it into D3hot; stock needs a VMM that calls the ioctl. */
static void config_asleep(struct vfio_dev *d, const struct bench_driver *by)
{
	unsigned int n = by->ours ? SHADOWED : 1;
	uint64_t start;

	if (by->ours)
		guest_set(d, PCI_D3HOT);
	else
		vfio_entry(d);
	bench_off();
	start = now_ns();
	for (unsigned int i = 0; i < n; i++)
		vfio_cfg(d, PCI_VENDOR_ID, 4);
	bench_figure(by, "config_asleep", (now_ns() - start) / n);
	if (by->ours)
		guest_set(d, PCI_D0);
	else
		vfio_exit(d);
	dut_prepare(d);
}

/* The wake ends with an answer of the device itself. */
static void wait_known(struct vfio_dev *d, const struct bench_driver *by, const char *what,
		       uint64_t start)
{
	const struct dut *t = dut_of(d->pf);
	uint64_t val = dut_read(d, &t->known), ns = now_ns() - start;

	if (val != t->known_val)
		die("%s, %s: %s", by->who, what, t->known.what);
	bench_figure(by, what, ns);
}

static void entry_and_exit(struct vfio_dev *d, const struct bench_driver *by)
{
	for (int i = 0; i < WAKES; i++) {
		uint64_t start;

		bench_phase();
		start = now_ns();
		vfio_entry(d);
		bench_figure(by, "entry", bench_off() - start);
		bench_phase();
		start = now_ns();
		vfio_exit(d);
		wait_known(d, by, "exit", start);
	}
}

static void open_cold(const struct pci_fn *pf, const struct bench_driver *by, const char *what)
{
	for (int i = 0; i < WAKES; i++) {
		struct vfio_group g;
		struct vfio_dev d;
		uint64_t start;

		bench_off();
		vfio_group_open(&g, pci_iommu_group(pf));
		bench_phase();
		start = now_ns();
		vfio_dev_open(&d, &g, pf);
		dut_prepare(&d);
		wait_known(&d, by, what, start);
		vfio_close(&d);
		vfio_group_close(&g);
	}
}

static void measure(const struct pci_fn *pf, const struct bench_driver *by)
{
	struct vfio_dev d;

	bench_bind(pf, by, "0");
	if (by->ours)
		pci_set(pf, "rtd3/promote", "always");
	vfio_open(&d, pf);
	dut_locate(&d);
	accesses(&d, by);
	config_asleep(&d, by);
	entry_and_exit(&d, by);
	/* While it is not the port's power that goes, too. */
	if (by->ours)
		pci_set(pf, "power/autosuspend_delay_ms", "1000");
	d3hot_and_d0(&d, by);
	if (by->ours)
		pci_set(pf, "power/autosuspend_delay_ms", "0");
	check_known(&d, by->who);
	vfio_close(&d);
	open_cold(pf, by, "open");
	/* For firmware that is touchy, which stock vfio-pci knows nothing of. */
	if (by->ours) {
		pci_set(pf, "rtd3/reset_delay_ms", "0");
		open_cold(pf, by, "open_no_delay");
	}
	pci_unbind(pf);
}

RIG_TEST(bench, "what accesses and wakes cost, with stock vfio-pci beside it")
{
	int rounds = rig_cycles(ROUNDS);

	if (!model_present())
		die("the power model");
	bench_load();
	bench_ports_at_once();
	for (int i = 0; i < rounds; i++)
		for (int n = 0; n < BENCH_DRIVERS; n++)
			measure(&rig.fn[0], &bench_drivers[n]);
}
