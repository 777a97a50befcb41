// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a device is without power that somebody looks at each second, how often a burst of
 * accesses wakes it, and what a delay before D3cold is worth. For tests/bench.
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

#define MINUTES		1
#define POLL_US		5000
#define MONITOR_US	1000000ull
#define BURST		100
#define BURST_MS	10
/* A host that looks at a device now and then, as programs do that list hardware. */
#define BURSTS		3
#define LOOKS		8
#define LOOK_US		400000
#define QUIET_US	4000000

/* By the fd of a VMM, or by a host's file in sysfs where nobody has it open. */
static void look(const struct pci_fn *pf, struct vfio_dev *d)
{
	if (d)
		vfio_cfg(d, PCI_VENDOR_ID, 4);
	else
		pci_sysfs_config32(pf, PCI_VENDOR_ID);
}

/* How long there is no power from now to some time, in microseconds. */
static uint64_t off_until(uint64_t end)
{
	uint64_t start = now_us();
	uint16_t ons;

	while (model_power() & MODEL_POWER) {
		if (start >= end)
			return 0;
		sleep_us(POLL_US);
		start = now_us();
	}
	ons = model_counts().ons;
	if (start < end)
		sleep_ms((end - start) / 1000);
	if (model_counts().ons != ons)
		die("nobody looks, and the device sleeps");
	return now_us() - start;
}

/* A figure of parts of a thousand. */
static void monitored(const struct bench_driver *by, const char *what, const struct pci_fn *pf,
		      struct vfio_dev *d)
{
	uint64_t start, next, off = 0;
	int looks = rig_cycles(MINUTES) * 60;

	bench_off();
	start = now_us();
	next = start;
	for (int i = 0; i < looks; i++) {
		look(pf, d);
		next += MONITOR_US;
		off += off_until(next);
	}
	bench_figure(by, what, off * 1000 / (now_us() - start));
}

static void burst(const struct bench_driver *by, const char *what, const struct pci_fn *pf,
		  struct vfio_dev *d)
{
	uint16_t ons;

	bench_off();
	ons = model_counts().ons;
	for (int i = 0; i < BURST; i++) {
		look(pf, d);
		sleep_ms(BURST_MS);
	}
	bench_figure(by, what, (uint16_t)(model_counts().ons - ons));
}

/* What a delay before D3cold is worth: power cycles saved, and the time with power it costs. */
static void host_looks(const struct bench_driver *by, const struct pci_fn *pf, const char *delay)
{
	uint64_t start, off = 0;
	char key[64];
	uint16_t offs;

	if (by->ours)
		pci_set(pf, "power/autosuspend_delay_ms", delay);
	bench_off();
	offs = model_counts().offs;
	start = now_us();
	for (int i = 0; i < BURSTS; i++) {
		for (int n = 0; n < LOOKS; n++) {
			look(pf, NULL);
			off += off_until(now_us() + LOOK_US);
		}
		off += off_until(now_us() + QUIET_US);
	}
	snprintf(key, sizeof(key), "cycles_%sms", delay);
	bench_figure(by, key, (uint16_t)(model_counts().offs - offs));
	snprintf(key, sizeof(key), "awake_%sms", delay);
	bench_figure(by, key, (now_us() - start - off) * 1000);
}

static void measure(const struct pci_fn *pf, const struct bench_driver *by, const char *delay_ms)
{
	struct vfio_dev d;
	char key[64];

	snprintf(key, sizeof(key), "residency_host_%sms", delay_ms);
	monitored(by, key, pf, NULL);
	snprintf(key, sizeof(key), "burst_host_%sms", delay_ms);
	burst(by, key, pf, NULL);
	host_looks(by, pf, delay_ms);

	vfio_open(&d, pf);
	vfio_entry(&d);
	snprintf(key, sizeof(key), "residency_entry_%sms", delay_ms);
	monitored(by, key, pf, &d);
	snprintf(key, sizeof(key), "burst_entry_%sms", delay_ms);
	burst(by, key, pf, &d);
	vfio_exit(&d);
	/* Stock vfio-pci has no way from the guest's D3hot to here. */
	if (by->ours) {
		dut_prepare(&d);
		guest_set(&d, PCI_D3HOT);
		snprintf(key, sizeof(key), "residency_guest_%sms", delay_ms);
		monitored(by, key, pf, &d);
		snprintf(key, sizeof(key), "burst_guest_%sms", delay_ms);
		burst(by, key, pf, &d);
		guest_set(&d, PCI_D0);
	}
	dut_locate(&d);
	check_known(&d, by->who);
	vfio_close(&d);
}

RIG_TEST(bench_residency, "time without power, with stock vfio-pci beside it")
{
	static const char *const delays[] = { "0", "1000" };
	const struct bench_driver *ours = &bench_drivers[0], *stock = &bench_drivers[1];
	const struct pci_fn *pf = &rig.fn[0];

	if (!model_present())
		die("the power model");
	bench_load();
	bench_ports_at_once();
	bench_bind(pf, ours, "0");
	pci_set(pf, "rtd3/promote", "always");
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		pci_set(pf, "power/autosuspend_delay_ms", delays[i]);
		measure(pf, ours, delays[i]);
	}
	host_looks(ours, pf, "200");
	pci_unbind(pf);
	bench_bind(pf, stock, "0");
	measure(pf, stock, "0");
	pci_unbind(pf);
}
