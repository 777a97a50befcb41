// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs that are exported as dma-bufs. One that may be reached can be mapped into an address space
 * of iommufd; one that has been taken back, because the device does not decode or may lose its
 * power, cannot: that is what is looked at. What stock vfio-pci forgets to take back is asked of
 * ours only.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "iommufd.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "touch.h"
#include "vfio.h"

#define DMA_BUF		11
#define GET		VFIO_DEVICE_FEATURE_GET
#define SET		VFIO_DEVICE_FEATURE_SET
#define PROBE		VFIO_DEVICE_FEATURE_PROBE
#define FLAGS		(O_RDWR | O_CLOEXEC)
#define IOVA		0x10000000ull
#define LOOK_MS		1000
#define ROM		6
#define CONFIG		7

/* VFIO_DEVICE_FEATURE_DMA_BUF, which older headers do not have, with room for two ranges. */
struct request {
	uint32_t region;
	uint32_t open_flags;
	uint32_t flags;
	uint32_t nr;
	struct { uint64_t offset, len; } range[2];
};

static const struct pci_fn *pf;
static struct iommufd io;
static struct vfio_dev d;
static struct power p;
static int bar;

/* A new buffer of the first page; its fd or -errno. */
static int export(void)
{
	const struct request req = { bar, FLAGS, 0, 1, { { 0, DUT_PAGE } } };

	return __vfio_feature(&d, GET | DMA_BUF, &req, sizeof(req), -1);
}

static int must_export(void)
{
	int buf = export();

	if (buf < 0)
		die("%s: export of region %d: %s", pf->name, bar, strerror(-buf));
	return buf;
}

/* Whether a buffer can be reached: 0, or the errno of an attempt to map it. */
static int reach(int buf)
{
	int ret = __ioas_map_file(&io, buf, DUT_PAGE, IOVA);

	if (!ret)
		ret = __ioas_unmap(&io, IOVA, DUT_PAGE);
	return ret;
}

static void check_live(int buf, const char *when)
{
	check_err(reach(buf), 0, "%s: the buffer is live", when);
}

static void check_revoked(int buf, const char *when)
{
	check_err(reach(buf), -ENODEV, "%s: the buffer is taken back", when);
}

/* Stock's answer is kept for comparison. */
static void check_revoked_by_ours(int buf, const char *when)
{
	int ret = reach(buf);

	if (rig.ours)
		check_err(ret, -ENODEV, "%s: the buffer is taken back", when);
	else
		diag("%s: %s", when, ret ? strerrorname_np(-ret) : "live");
}

static void arguments(void)
{
	const uint64_t size = d.region[bar].size, page = DUT_PAGE, high = 1ull << 63;
	const size_t head = offsetof(struct request, range);
	const struct {
		const char *what;
		uint32_t op;
		struct request req;
		int argsz;
		int want;
	} req[] = {
		{ "PROBE", PROBE, { 0 }, -1, 0 },
		{ "PROBE|GET", PROBE | GET, { 0 }, -1, 0 },
		{ "PROBE|SET", PROBE | SET, { 0 }, -1, -EINVAL },
		{ "SET", SET, { bar, FLAGS, 0, 1, { { 0, page } } }, -1, -EINVAL },
		{ "argsz of the header", GET, { 0 }, 8, -EINVAL },
		{ "argsz one too small", GET, { 0 }, 8 + head - 1, -EINVAL },
		{ "flags 1", GET, { bar, FLAGS, 1, 1, { { 0, page } } }, -1, -EINVAL },
		{ "no range", GET, { bar, FLAGS, 0, 0, { { 0, page } } }, -1, -EINVAL },
		{ "2^32-1 ranges", GET, { bar, FLAGS, 0, ~0u, { { 0, page } } }, -1, -ENOMEM },
		{ "the ROM", GET, { ROM, FLAGS, 0, 1, { { 0, page } } }, -1, -ENODEV },
		{ "config space", GET, { CONFIG, FLAGS, 0, 1, { { 0, page } } }, -1, -ENODEV },
		{ "region 2^32-1", GET, { ~0u, FLAGS, 0, 1, { { 0, page } } }, -1, -ENODEV },
		{ "length 0", GET, { bar, FLAGS, 0, 1, { { 0, 0 } } }, -1, -EINVAL },
		{ "half a page", GET, { bar, FLAGS, 0, 1, { { 0, page / 2 } } }, -1, -EINVAL },
		{ "offset 8", GET, { bar, FLAGS, 0, 1, { { 8, page } } }, -1, -EINVAL },
		{ "behind the BAR", GET, { bar, FLAGS, 0, 1, { { size, page } } }, -1, -EINVAL },
		{ "over the end", GET, { bar, FLAGS, 0, 1, { { page, size } } }, -1, -EINVAL },
		{ "page -1", GET, { bar, FLAGS, 0, 1, { { -page, page } } }, -1, -EOVERFLOW },
		{ "2^63 bytes", GET, { bar, FLAGS, 0, 1, { { 0, high } } }, -1, -EINVAL },
		{ "2 * 2^63 bytes", GET, { bar, FLAGS, 0, 2, { { 0, high }, { 0, high } } }, -1,
		  -EINVAL },
		{ "second range bad", GET, { bar, FLAGS, 0, 2, { { 0, page }, { size, page } } },
		  -1, -EINVAL },
	};
	struct request two = { bar, FLAGS, 0, 2, { { 0, DUT_PAGE }, { DUT_PAGE, DUT_PAGE } } };
	int buf;

	for (size_t i = 0; i < sizeof(req) / sizeof(req[0]); i++)
		check_err(__vfio_feature(&d, req[i].op | DMA_BUF, &req[i].req, sizeof(req[i].req),
					 req[i].argsz), req[i].want, "%s", req[i].what);
	for (int i = 0; i < ROM; i++) {
		struct request none = { i, FLAGS, 0, 1, { { 0, DUT_PAGE } } };

		if (d.region[i].size)
			continue;
		check_err(__vfio_feature(&d, GET | DMA_BUF, &none, sizeof(none), -1), -ENODEV,
			  "BAR %d, which it does not have", i);
		break;
	}
	if (size < 2 * DUT_PAGE)
		two.range[1].offset = 0;
	buf = __vfio_feature(&d, GET | DMA_BUF, &two, sizeof(two), -1);
	check(buf >= 0, "two ranges can be exported");
	check_eq(lseek(buf, 0, SEEK_END), 2 * DUT_PAGE, "two ranges: size");
	check_err(reach(buf), -EOPNOTSUPP, "two ranges into iommufd");
	close(buf);
}

/* The end of the request is in a page that there is not. */
static void bad_memory(void)
{
	const struct request one = { bar, FLAGS, 0, 2, { { 0, DUT_PAGE } } };
	const size_t cut = sizeof(struct vfio_device_feature) + offsetof(struct request, range[1]);
	struct vfio_device_feature *f;
	uint8_t *mem;

	mem = mmap(NULL, 2 * DUT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED || munmap(mem + DUT_PAGE, DUT_PAGE))
		die("mmap: %s", strerror(errno));
	f = (void *)(mem + DUT_PAGE - cut);
	f->argsz = sizeof(*f) + sizeof(one);
	f->flags = GET | DMA_BUF;
	memcpy(f->data, &one, offsetof(struct request, range[1]));
	check_err(__cdev_ioctl(&d, VFIO_DEVICE_FEATURE, f), -EFAULT, "a range in bad memory");
	munmap(mem, DUT_PAGE);
}

/* Decoding and resets: the core's own business, and as stock does it. */
static void awake(void)
{
	unsigned int exp = vfio_find_cap(&d, PCI_CAP_ID_EXP, 0);
	int buf = must_export(), off, reset;
	uint32_t ctl;

	check_eq(lseek(buf, 0, SEEK_END), DUT_PAGE, "size");
	check_live(buf, "exported in D0");
	vfio_cfg_write(&d, PCI_COMMAND, 0, 2);
	check_revoked(buf, "decoding off");
	off = must_export();
	check_revoked(off, "exported with decoding off");
	dut_prepare(&d);
	check_live(buf, "decoding on again");
	check_live(off, "exported with decoding off, then on");
	close(off);

	reset = __vfio_reset(&d);
	check_err(reset, d.flags & VFIO_DEVICE_FLAGS_RESET ? 0 : -EINVAL, "RESET");
	check_live(buf, "RESET");
	check_err(__vfio_hot_reset(&d, 0, &io.fd), 0, "PCI_HOT_RESET");
	check_live(buf, "PCI_HOT_RESET");
	dut_prepare(&d);
	if (exp && vfio_cfg(&d, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR) {
		ctl = vfio_cfg(&d, exp + PCI_EXP_DEVCTL, 2);
		vfio_cfg_write(&d, exp + PCI_EXP_DEVCTL, ctl | PCI_EXP_DEVCTL_BCR_FLR, 2);
		check_live(buf, "FLR by its register");
	} else {
		skip("the device has none", "FLR by its register");
	}
	dut_prepare(&d);
	check_known(&d, "after resets with a buffer out");
	close(buf);
}

/* What the guest's PMCSR does to a buffer, however deep that lets the device sleep. */
static void pmcsr(const char *promote)
{
	int buf = must_export(), in;
	char when[64];

	if (rig.ours)
		pci_set(pf, "rtd3/promote", promote);
	p = power_get(1);
	guest_set(&d, PCI_D3HOT);
	snprintf(when, sizeof(when), "promote %s: D3hot in PMCSR", promote);
	check_revoked(buf, when);
	if (rig.ours && !strcmp(promote, "always")) {
		check_asleep(pf, &p, when);
		check_revoked(buf, when);
	}
	in = export();
	snprintf(when, sizeof(when), "promote %s: exported in D3hot", promote);
	/* Low power for the guest may be a reason to refuse it. */
	if (in >= 0)
		check_revoked(in, when);
	else
		check(rig.ours && !strcmp(promote, "always"), "%s: refused (%d)", when, in);
	guest_set(&d, PCI_D0);
	snprintf(when, sizeof(when), "promote %s: D0 in PMCSR", promote);
	check_live(buf, when);
	if (in >= 0) {
		check_live(in, when);
		close(in);
	}
	dut_prepare(&d);
	close(buf);
	if (rig.ours)
		pci_set(pf, "rtd3/promote", "safe");
}

static void low_power(void)
{
	int buf = must_export(), in;

	p = power_get(1);
	vfio_entry(&d);
	check_revoked(buf, "right after ENTRY");
	wait_asleep(pf, &p);
	check_revoked(buf, "in D3cold");
	check_no_on(&p, LOOK_MS, "a buffer touched in D3cold");
	check_eq(vfio_cfg(&d, 0, 4), pci_id(pf), "config read in low power");
	check_asleep(pf, &p, "config read in low power");
	check_revoked(buf, "config read in low power");

	in = export();
	check_asleep(pf, &p, "export in low power");
	if (rig.ours)
		check(in < 0, "export in low power is refused (%d)", in);
	if (in >= 0)
		check_revoked_by_ours(in, "exported in low power");
	vfio_exit(&d);
	check_live(buf, "EXIT");
	if (in >= 0) {
		check_live(in, "exported in low power, then EXIT");
		close(in);
	}
	close(buf);
}

/* Each of these wakes the device for itself; low power goes on, and so does what it means. */
static void accesses_in_low_power(void)
{
	int buf = must_export();

	p = power_get(1);
	vfio_entry(&d);
	wait_asleep(pf, &p);
	dut_prepare(&d);
	check_asleep(pf, &p, "COMMAND written in low power");
	check_revoked_by_ours(buf, "COMMAND written in low power");
	__vfio_reset(&d);
	check_asleep(pf, &p, "RESET in low power");
	check_revoked_by_ours(buf, "RESET in low power");
	check_err(__vfio_hot_reset(&d, 0, &io.fd), 0, "PCI_HOT_RESET in low power");
	check_asleep(pf, &p, "PCI_HOT_RESET in low power");
	check_revoked_by_ours(buf, "PCI_HOT_RESET in low power");
	guest_set(&d, PCI_D3HOT);
	check_revoked(buf, "D3hot in PMCSR in low power");
	guest_set(&d, PCI_D0);
	check_asleep(pf, &p, "D0 in PMCSR in low power");
	check_revoked_by_ours(buf, "D0 in PMCSR in low power");
	vfio_exit(&d);
	dut_prepare(&d);
	check_live(buf, "EXIT after all those");
	check_known(&d, "EXIT after all those");
	close(buf);
}

/* A wake by an access ends the entry; the user's EXIT comes when all is over. */
static void wakeup(void)
{
	int buf = must_export(), efd = vfio_eventfd();

	p = power_get(1);
	check_err(__vfio_entry_wakeup(&d, efd), 0, "ENTRY_WITH_WAKEUP");
	wait_asleep(pf, &p);
	check_revoked(buf, "ENTRY_WITH_WAKEUP");
	check_eq(vfio_cfg(&d, 0, 4), pci_id(pf), "config read");
	check_eq(vfio_eventfd_count(efd, 2000), 1, "config read: signals");
	vfio_exit(&d);
	check_live(buf, "woken, then EXIT");
	check_no_off(&p, LOOK_MS, "woken, then EXIT");
	/* Where it was not, this is what brings it back. */
	dut_prepare(&d);
	check_live(buf, "woken, EXIT, COMMAND");
	close(efd);
	close(buf);
}

/* Power changes that only our driver makes. */
static void ours(void)
{
	const struct dut *t = dut_locate(&d);
	int buf = must_export();
	unsigned int pr3;
	uint64_t val;
	void *page;

	p = power_get(1);
	check_err(__rtd3_enter(&d, RTD3_STATE_D3HOT), 0, "POWER, not deeper than D3hot");
	check_revoked(buf, "POWER, not deeper than D3hot");
	check_err(__rtd3_exit(&d), 0, "POWER, exit");
	check_live(buf, "POWER, exit");

	/* The host leaves the guest's D3hot by itself, for an access. */
	pci_set(pf, "rtd3/promote", "never");
	pci_set(pf, "rtd3/mmio", "wake");
	touch_setup();
	page = dut_map(&d, &t->known);
	guest_set(&d, PCI_D3HOT);
	check_revoked(buf, "mmio wake: D3hot in PMCSR");
	check(touch_read(page, &t->known, &val) && val == t->known_val,
	      "mmio wake: a mapped access in D3hot");
	check_live(buf, "mmio wake: in D0 for that");
	guest_set(&d, PCI_D0);
	check_live(buf, "mmio wake: D0 in PMCSR");
	munmap(page, DUT_PAGE);
	pci_set(pf, "rtd3/mmio", "sigbus");
	pci_set(pf, "rtd3/promote", "safe");
	dut_prepare(&d);

	pr3 = guest_pr3(&d);
	if (!pr3)
		die("a virtual _PR3");
	vfio_cfg_write(&d, pr3 + RTD3_PR3_REQUEST, RTD3_PR3_D3COLD, 1);
	check_revoked(buf, "virtual _PR3 off");
	check_asleep(pf, &p, "virtual _PR3 off");
	check_revoked(buf, "virtual _PR3 off, in D3cold");
	vfio_cfg_write(&d, pr3 + RTD3_PR3_REQUEST, RTD3_PR3_D0, 1);
	check_live(buf, "virtual _PR3 on");
	dut_prepare(&d);
	close(buf);
}

/* One that stays mapped where the device's own DMA goes. */
static void mapped(void)
{
	int buf = must_export();

	check_err(__ioas_map_file(&io, buf, DUT_PAGE, IOVA), 0, "mapped for the device itself");
	p = power_get(1);
	vfio_entry(&d);
	wait_asleep(pf, &p);
	vfio_exit(&d);
	check_err(__ioas_unmap(&io, IOVA, DUT_PAGE), 0, "unmapped after low power");
	check_err(__ioas_map_file(&io, buf, DUT_PAGE, IOVA), 0, "mapped again");
	__vfio_reset(&d);
	check_err(__ioas_map_file(&io, buf, DUT_PAGE, IOVA + DUT_PAGE), 0, "mapped twice");
	check_err(__cdev_detach(&d), 0, "DETACH with a buffer mapped");
	check_err(__cdev_attach(&d, &(uint32_t){ io.ioas }), 0, "ATTACH with a buffer mapped");
	check_known(&d, "with a buffer mapped");
	vfio_entry(&d);
	check_err(__ioas_unmap(&io, IOVA, DUT_PAGE), 0, "unmapped in low power");
	/* The other one stays until the device, and then iommufd, has gone. */
	close(buf);
	check_asleep(pf, &p, "with a buffer mapped");
}

/* The fd of a buffer outlives the device's, and its driver. */
static void outlives(void)
{
	int buf = must_export(), low;

	p = power_get(1);
	vfio_entry(&d);
	wait_asleep(pf, &p);
	vfio_close(&d);
	check_revoked(buf, "closed in D3cold");
	check_asleep(pf, &p, "closed with a buffer out");
	iommufd_dev_open(&d, &io, pf);
	dut_prepare(&d);
	check_revoked(buf, "the next user");
	low = must_export();
	check_live(low, "the next user's own");
	check_known(&d, "the next user");
	vfio_close(&d);
	check_asleep(pf, &p, "the next user closed");
	for (int i = 0; i < rig.nr_fns; i++)
		pci_unbind(&rig.fn[i]);
	check_revoked(low, "unbound");
	check(!rig_modprobe_remove(rig.driver), "modprobe -r with buffers out");
	check_revoked(buf, "modprobe -r");
	close(buf);
	close(low);
	check(!rig_modprobe(rig.driver), "modprobe");
	rig_bind_all();
	iommufd_dev_open(&d, &io, pf);
	check_known(&d, "after modprobe");
	buf = must_export();
	dut_prepare(&d);
	check_live(buf, "after modprobe");
	close(buf);
	vfio_close(&d);
}

RIG_TEST(dmabuf, "BARs exported as dma-bufs, and power")
{
	pf = &rig.fn[0];
	rig_load();
	rig_bind_all();
	if (rig.ours)
		pci_set(pf, "rtd3/virtual_pr3", "1");
	iommufd_open(&io);
	iommufd_dev_open(&d, &io, pf);
	bar = dut_locate(&d)->known.bar;
	arguments();
	bad_memory();
	awake();
	pmcsr("never");
	if (rig.ours)
		pmcsr("always");
	low_power();
	accesses_in_low_power();
	wakeup();
	if (rig.ours)
		ours();
	mapped();
	vfio_close(&d);
	iommufd_close(&io);

	iommufd_open(&io);
	iommufd_dev_open(&d, &io, pf);
	dut_prepare(&d);
	check_known(&d, "the next user");
	outlives();
	iommufd_close(&io);
}
