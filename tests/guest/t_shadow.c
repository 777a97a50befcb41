// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads of the configuration space of a device that its guest has put to sleep: every byte is what
 * it was, they cost no wake, and next to nothing beside stock's, which turn the power on and off.
 */
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define CONFIG_SIZE	4096
#define READS		1000
#define STOCK_READS	3
#define FASTER		100

static void read_all(struct vfio_dev *d, uint8_t *buf, size_t step)
{
	const struct vfio_region_info *r = &d->region[VFIO_PCI_CONFIG_REGION_INDEX];

	for (size_t off = 0; off < r->size; off += step)
		if (pread(d->fd, buf + off, step, r->offset + off) != (ssize_t)step)
			die("%s: %zu bytes of config space at %zu", d->pf->name, step, off);
}

/* What may differ: the power state itself, and the table of volatile bits in shadow.c. */
static uint8_t may_differ(struct vfio_dev *d, unsigned int off)
{
	unsigned int exp = vfio_find_cap(d, PCI_CAP_ID_EXP, 0);

	if (off == vfio_find_cap(d, PCI_CAP_ID_PM, 0) + PCI_PM_CTRL)
		return PCI_PM_CTRL_STATE_MASK;
	if (off == PCI_STATUS)
		return PCI_STATUS_INTERRUPT;
	if (exp && off == exp + PCI_EXP_DEVSTA)
		return PCI_EXP_DEVSTA_TRPND;
	return 0;
}

static void compare(struct vfio_dev *d, const uint8_t *a, const uint8_t *b, const char *when)
{
	size_t size = d->region[VFIO_PCI_CONFIG_REGION_INDEX].size;
	int differ = 0;

	for (size_t i = 0; i < size; i++)
		if ((a[i] ^ b[i]) & ~may_differ(d, i)) {
			differ++;
			if (differ < 20)
				diag("%s: byte 0x%zx: %02x, was %02x", when, i, b[i], a[i]);
		}
	check_eq(differ, 0, "%s: all %zu bytes are what they were", when, size);
}

static void same_bytes(struct vfio_dev *d, struct power *p)
{
	static uint8_t before[CONFIG_SIZE], asleep[CONFIG_SIZE];
	static const size_t steps[] = { 1, 2, 4, 8, 64, 256 };
	unsigned long long n = rtd3_num(d->pf, "shadow_reads");

	unsigned int msi = vfio_find_cap(d, PCI_CAP_ID_MSI, 0);

	/* Something of the user's in what is not in the device. */
	if (msi)
		vfio_cfg_write(d, msi + PCI_MSI_ADDRESS_LO, 0xfee01000, 4);
	vfio_cfg_write(d, PCI_BASE_ADDRESS_0 + 4 * dut_of(d->pf)->known.bar, 0xe8000000, 4);
	vfio_cfg_write(d, PCI_INTERRUPT_LINE, 0x2b, 1);
	read_all(d, before, 4);
	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	read_all(d, asleep, 4);
	compare(d, before, asleep, "before it is suspended");
	check_asleep(d->pf, p, "D3hot");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		memset(asleep, 0x5a, sizeof(asleep));
		read_all(d, asleep, steps[i]);
		compare(d, before, asleep, "in D3cold");
	}
	check_no_on(p, 300, "all of config space read in D3cold");
	check(rtd3_num(d->pf, "shadow_reads") > n + 1000, "rtd3/stats/shadow_reads counts them");
	guest_set(d, PCI_D0);
	dut_prepare(d);
	check_known(d, "awake again");
}

static void refused(struct vfio_dev *d, struct power *p)
{
	const struct vfio_region_info *r = &d->region[VFIO_PCI_CONFIG_REGION_INDEX];
	void *volatile nowhere = (void *)8;
	uint8_t buf[8];

	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	wait_asleep(d->pf, p);
	check(pread(d->fd, buf, 4, r->offset + r->size) < 0, "read behind the end fails");
	check(pread(d->fd, buf, 8, r->offset + r->size - 4) < 0, "read over the end fails");
	check(pread(d->fd, buf, 4, r->offset + (1ull << 32)) < 0, "read 4 GiB behind it fails");
	check(pread(d->fd, nowhere, 4, r->offset) < 0, "read to a bad address fails");
	check(pwrite(d->fd, nowhere, 4, r->offset + PCI_COMMAND) < 0,
	      "write from a bad address fails");
	check_no_on(p, 300, "none of these wakes it");
	guest_set(d, PCI_D0);
	dut_prepare(d);
}

static double stock_us(const struct pci_fn *pf, struct power *p)
{
	struct vfio_dev d;
	uint64_t us = 0;

	vfio_open(&d, pf);
	for (int i = 0; i < STOCK_READS; i++) {
		uint64_t start;

		*p = power_get(1);
		if (i)
			vfio_cfg(&d, 0, 4);
		else
			vfio_entry(&d);
		wait_asleep(pf, p);
		start = now_us();
		vfio_cfg(&d, 0, 4);
		us += now_us() - start;
		check(power_get(1).on > p->on, "stock: a read turns the power on");
	}
	vfio_close(&d);
	return (double)us / STOCK_READS;
}

static double ours_us(const struct pci_fn *pf, struct power *p)
{
	struct vfio_dev d;
	uint64_t start, us;

	vfio_open(&d, pf);
	*p = power_get(1);
	guest_set(&d, PCI_D3HOT);
	wait_asleep(pf, p);
	start = now_us();
	for (int i = 0; i < READS; i++)
		vfio_cfg(&d, 0, 4);
	us = now_us() - start;
	check_no_on(p, 300, "ours: reads leave the power off");
	vfio_close(&d);
	return (double)us / READS;
}

RIG_TEST(shadow, "configuration reads of a sleeping device")
{
	const struct pci_fn *pf = &rig.fn[0];
	double stock, ours;
	struct vfio_dev d;
	struct power p;

	rig_load();
	pci_bind(pf, rig.driver);
	pci_set(pf, "rtd3/promote", "always");
	vfio_open(&d, pf);
	dut_prepare(&d);
	same_bytes(&d, &p);
	refused(&d, &p);
	vfio_close(&d);

	ours = ours_us(pf, &p);
	pci_unbind(pf);
	rig_modprobe("vfio-pci");
	pci_bind(pf, "vfio-pci");
	stock = stock_us(pf, &p);
	pci_unbind(pf);
	figure("shadow_read_us", "%.2f", ours);
	figure("stock_read_us", "%.0f", stock);
	figure("shadow_read_ratio", "%.0f", stock / ours);
	check(ours * FASTER <= stock, "a read asleep is %d times faster than stock's", FASTER);
}
