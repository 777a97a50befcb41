// SPDX-License-Identifier: GPL-2.0-only
/* Times of what a VMM does, with our driver and then with stock vfio-pci; for tests/bench. */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define ROUNDS		5
#define ACCESSES	20000
#define SHADOWED	2000
#define ASLEEP		3
#define CHANGES		20
/* A host that looks at a device now and then, as programs do that list hardware. */
#define BURSTS		3
#define LOOKS		8
#define LOOK_MS		400
#define QUIET_MS	4000

static double each(uint64_t start, unsigned int n)
{
	return (double)(now_us() - start) / n;
}

/* The best of some rounds: what else runs on the machine only adds. */
static double best(struct vfio_dev *d, void (*access)(struct vfio_dev *d))
{
	double least = 0;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = now_us();
		double us;

		for (int n = 0; n < ACCESSES; n++)
			access(d);
		us = each(start, ACCESSES);
		if (!i || us < least)
			least = us;
	}
	return least;
}

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

static void bar(struct vfio_dev *d)
{
	dut_read(d, &dut_of(d->pf)->known);
}

static void d3hot_and_d0(struct vfio_dev *d, const char *who)
{
	uint64_t down = 0, up = 0, start;
	char key[64];

	for (int i = 0; i < CHANGES; i++) {
		start = now_us();
		guest_set(d, PCI_D3HOT);
		down += now_us() - start;
		start = now_us();
		guest_set(d, PCI_D0);
		up += now_us() - start;
		dut_prepare(d);
	}
	snprintf(key, sizeof(key), "%s_d3hot_us", who);
	figure(key, "%.0f", (double)down / CHANGES);
	snprintf(key, sizeof(key), "%s_d0_us", who);
	figure(key, "%.0f", (double)up / CHANGES);
}

static void asleep(struct vfio_dev *d, const char *who, bool ours)
{
	unsigned int n = ours ? SHADOWED : ASLEEP;
	struct power p = power_get(1);
	uint64_t start, us = 0;
	char key[64];

	if (ours)
		guest_set(d, PCI_D3HOT);
	else
		vfio_entry(d);
	for (unsigned int i = 0; i < n; i++) {
		if (!ours || !i)
			wait_asleep(d->pf, &p);
		start = now_us();
		vfio_cfg(d, 0, 4);
		us += now_us() - start;
	}
	snprintf(key, sizeof(key), "%s_config_asleep_us", who);
	figure(key, "%.2f", (double)us / n);
}

/* How long it was not suspended in the next @ms. */
static long awake_for(const struct pci_fn *pf, long ms)
{
	uint64_t start = now_us();
	long awake = 0;

	while (since_ms(start) < ms) {
		uint64_t step = now_us();
		bool asleep = !strcmp(pci_get(pf, "power/runtime_status"), "suspended");

		sleep_ms(10);
		if (!asleep)
			awake += since_ms(step);
	}
	return awake;
}

/* What a delay before D3cold is worth: power cycles saved, and the time awake that it costs. */
static void host_looks(const struct pci_fn *pf, const char *who, const char *delay_ms)
{
	struct power before, after;
	long awake = 0;
	char key[64];

	if (!strcmp(who, "ours"))
		pci_set(pf, "power/autosuspend_delay_ms", delay_ms);
	awake_for(pf, QUIET_MS);
	before = power_get(1);
	for (int i = 0; i < BURSTS; i++) {
		for (int n = 0; n < LOOKS; n++) {
			pci_sysfs_config32(pf, 0);
			awake += awake_for(pf, LOOK_MS);
		}
		awake += awake_for(pf, QUIET_MS);
	}
	after = power_get(1);
	snprintf(key, sizeof(key), "%s_cycles_%sms", who, delay_ms);
	figure(key, "%u", after.off - before.off);
	snprintf(key, sizeof(key), "%s_awake_%sms_us", who, delay_ms);
	figure(key, "%ld", awake * 1000);
}

static void measure(const struct pci_fn *pf, const char *driver, const char *who)
{
	static const struct {
		const char *what;
		void (*access)(struct vfio_dev *d);
	} kinds[] = {
		{ "config_virtual", config_virtual },
		{ "config_device", config_device },
		{ "config_write", config_write },
		{ "bar", bar },
	};
	bool ours = !strcmp(who, "ours");
	struct vfio_dev d;
	char key[64];

	pci_bind(pf, driver);
	if (ours)
		pci_set(pf, "rtd3/promote", "always");
	vfio_open(&d, pf);
	dut_prepare(&d);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(key, sizeof(key), "%s_%s_us", who, kinds[i].what);
		figure(key, "%.2f", best(&d, kinds[i].access));
	}
	d3hot_and_d0(&d, who);
	asleep(&d, who, ours);
	if (ours)
		guest_set(&d, PCI_D0);
	else
		vfio_exit(&d);
	dut_prepare(&d);
	check_known(&d, who);
	vfio_close(&d);
	/* Stock vfio-pci has no delay: its figures are the same but for chance. */
	host_looks(pf, who, "200");
	host_looks(pf, who, "1000");
	pci_unbind(pf);
}

RIG_TEST(bench, "times, with stock vfio-pci beside them")
{
	rig_load();
	measure(&rig.fn[0], rig.driver, "ours");
	rig_modprobe("vfio-pci");
	measure(&rig.fn[0], "vfio-pci", "stock");
}
