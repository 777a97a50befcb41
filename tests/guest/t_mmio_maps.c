// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a sleeping BAR that are moved, copied, cut, shared, given to the IOMMU, or used as
 * the buffer of a call for the very device: none of them reaches a device that sleeps, each reaches
 * one that is awake, and no call waits for itself.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "touch.h"
#include "vfio.h"

#define HANG_MS		20000
#define QUIET_MS	300
#define IOVA		0x10000000ull

enum look { SEES_BUS = 10, SEES_REAL, SEES_ELSE };

static struct maps {
	struct vfio_dev d;
	const struct dut *t;
	unsigned int pmcsr;
	struct power p;
	bool guest;	/* goes to sleep, else the user */
	bool wake;	/* rtd3/mmio, else sigbus */
} m;

static void go(void)
{
	m.p = power_get(1);
	if (m.guest)
		guest_set(&m.d, PCI_D3HOT);
	else
		vfio_entry(&m.d);
	wait_asleep(m.d.pf, &m.p);
}

static void back(void)
{
	if (m.guest)
		guest_set(&m.d, PCI_D0);
	else
		vfio_exit(&m.d);
	dut_prepare(&m.d);
}

static enum look look(const void *page)
{
	const struct dut_reg *k = &m.t->known;
	uint64_t val;

	if (!touch_read(page, k, &val))
		return SEES_BUS;
	return val == m.t->known_val ? SEES_REAL : SEES_ELSE;
}

/* Of the second page nothing is known but that it is not ones. */
static enum look look_second(const char *page)
{
	const struct dut_reg *k = &m.t->known;
	uint64_t val;

	if (!touch_read(page + DUT_PAGE, k, &val))
		return SEES_BUS;
	return val != reg_ones(k) ? SEES_REAL : SEES_ELSE;
}

static void check_sees(enum look got, enum look want, const char *when)
{
	check_eq(got, want, "%s: what it sees (%d SIGBUS, %d the device)", when, SEES_BUS,
		 SEES_REAL);
}

/* What was seen of a device that slept. It sleeps afterwards, too: mode wake has woken it. */
static void check_sleeping(enum look got, const char *when)
{
	check_sees(got, m.wake ? SEES_REAL : SEES_BUS, when);
	if (!m.wake)
		return;
	check_woken(m.d.pf, &m.p, when);
	back();
	go();
}

/* @pages: from that of the known register */
static void *map(int pages)
{
	const struct dut_reg *k = &m.t->known;
	void *page = vfio_mmap(&m.d, k->bar, k->off & ~(DUT_PAGE - 1), pages * DUT_PAGE);

	if (page == MAP_FAILED)
		die("map %d pages: %s", pages, strerror(errno));
	return page;
}

static void moved(void)
{
	void *page = map(1), *other = map(1), *to;

	check_sees(look(page), SEES_REAL, "moved, before");
	to = mremap(page, DUT_PAGE, DUT_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);
	if (to != other)
		die("mremap: %s", strerror(errno));
	check_sees(look(to), SEES_REAL, "moved awake");
	go();
	check_sleeping(look(to), "moved awake, asleep");
	page = map(1);
	to = mremap(other, DUT_PAGE, DUT_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page);
	if (to != page)
		die("mremap: %s", strerror(errno));
	check_sleeping(look(to), "moved asleep");
	other = map(1);
	check_sleeping(look(other), "moved asleep: a new one");
	check(mremap(to, DUT_PAGE, 2 * DUT_PAGE, 0) == MAP_FAILED, "moved asleep: cannot grow");
	check_no_on(&m.p, QUIET_MS, "moved asleep");
	back();
	check_sees(look(to), SEES_REAL, "moved asleep, awake");
	check_sees(look(other), SEES_REAL, "moved asleep, awake: the new one");
	munmap(to, DUT_PAGE);
	munmap(other, DUT_PAGE);
}

static void cut(void)
{
	char *page = map(2), *low = map(2), *ro = map(2);

	look(page);
	go();
	check_sleeping(look(page), "cut, before");
	check_sleeping(look_second(page), "cut, before: the second page");
	look_second(low);
	check_sees(look(ro), m.wake ? SEES_REAL : SEES_BUS, "protected, before");
	back();
	go();
	munmap(page + DUT_PAGE, DUT_PAGE);
	munmap(low, DUT_PAGE);
	mprotect(ro + DUT_PAGE, DUT_PAGE, PROT_READ);
	check_no_on(&m.p, QUIET_MS, "cut");
	check_sleeping(look(page), "cut behind");
	check_sleeping(look_second(low), "cut before: the second page");
	check_sleeping(look(ro), "half of it protected");
	check_sleeping(look_second(ro), "half of it protected: that half");
	back();
	check_sees(look(page), SEES_REAL, "cut behind, awake");
	check_sees(look(ro), SEES_REAL, "half of it protected, awake");
	check_sees(look_second(low), SEES_REAL, "cut before, awake: the second page");
	munmap(page, DUT_PAGE);
	munmap(low + DUT_PAGE, DUT_PAGE);
	munmap(ro, 2 * DUT_PAGE);
}

struct looker {
	void *page;
	int up[2], down[2];
};

/* Looks whenever it gets a byte, and answers with what it sees. */
static int look_when_told(void *arg)
{
	const struct looker *l = arg;
	void *page = l->page ?: map(1);
	char c;

	close(l->down[1]);
	while (read(l->down[0], &c, 1) == 1) {
		c = look(page);
		if (write(l->up[1], &c, 1) != 1)
			return 1;
	}
	return 0;
}

static pid_t looker(void *page, int *to, int *from)
{
	struct looker l = { .page = page };
	pid_t pid;

	if (pipe(l.up) || pipe(l.down))
		die("pipe: %s", strerror(errno));
	pid = rig_child(look_when_told, &l);
	close(l.up[1]);
	close(l.down[0]);
	*to = l.down[1];
	*from = l.up[0];
	return pid;
}

static enum look look_there(int to, int from, const char *when)
{
	char c = 0;

	if (write(to, &c, 1) != 1 || read(from, &c, 1) != 1)
		die("%s: the other process answers", when);
	return c;
}

/* @own: the other process makes a mapping for itself; @kill_it: and is gone before the wake */
static void shared(bool own, bool forked_asleep, bool kill_it)
{
	void *page = map(1);
	int to = -1, from = -1;
	char when[64], there[96];
	pid_t pid = 0;

	snprintf(when, sizeof(when), "%s %s", own ? "another process, forked" : "forked",
		 forked_asleep ? "asleep" : "awake");
	snprintf(there, sizeof(there), "%s: in the other process", when);
	look(page);
	if (!forked_asleep) {
		pid = looker(own ? NULL : page, &to, &from);
		check_sees(look_there(to, from, when), SEES_REAL, there);
	}
	for (int i = 0; i < 2; i++) {
		go();
		check_sleeping(look(page), when);
		if (!pid)
			pid = looker(own ? NULL : page, &to, &from);
		check_sleeping(look_there(to, from, when), there);
		if (kill_it)
			rig_kill(pid, when);
		check_no_on(&m.p, QUIET_MS, when);
		back();
		check_sees(look(page), SEES_REAL, "both, awake");
		if (kill_it)
			break;
		check_sees(look_there(to, from, when), SEES_REAL, there);
	}
	close(to);
	close(from);
	if (!kill_it)
		check_child(pid, HANG_MS, when);
	munmap(page, DUT_PAGE);
}

/* The IOMMU gets what a process gets: an error, or the device, which has to be awake for it. */
static void check_dma(void *page, const char *when)
{
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page, .iova = IOVA, .size = DUT_PAGE,
	};
	struct vfio_iommu_type1_dma_unmap undo = {
		.argsz = sizeof(undo), .iova = IOVA, .size = DUT_PAGE,
	};
	int ret = ioctl(m.d.own.container, VFIO_IOMMU_MAP_DMA, &dma) ? -errno : 0;

	check_err(ret, m.wake ? 0 : -EFAULT, "%s", when);
	if (!ret) {
		check_woken(m.d.pf, &m.p, when);
		ioctl(m.d.own.container, VFIO_IOMMU_UNMAP_DMA, &undo);
		back();
		go();
	}
}

static void dma(void)
{
	void *page = map(1);

	go();
	check_dma(page, "the IOMMU asks for a mapping before its first fault");
	check_sleeping(look(page), "before the IOMMU asks");
	check_dma(page, "the IOMMU asks for a mapping that was touched");
	check_no_on(&m.p, QUIET_MS, "the IOMMU asks");
	back();
	check_sees(look(page), SEES_REAL, "after the IOMMU has asked");
	munmap(page, DUT_PAGE);
}

static bool allowed(long ret, long len)
{
	if (ret >= 0)
		return ret == len;
	return errno == EFAULT || errno == EIO || errno == EINVAL;
}

/*
 * Each one in a process of its own: it may wait for ever. @arg: which call, twice, and whether its
 * mapping is fresh. Exits 0 if the result is documented.
 */
static int one_call(void *arg)
{
	const int nr = (uintptr_t)arg / 2;
	const bool fresh = (uintptr_t)arg % 2;
	uint64_t cfg = m.d.region[VFIO_PCI_CONFIG_REGION_INDEX].offset;
	const struct dut_reg *k = &m.t->known, *l = &m.t->loses;
	uint8_t *page = map(1), *at = page + (l->off & (DUT_PAGE - 1));
	uint64_t bar = m.d.region[k->bar].offset;
	long ret;

	if (!fresh)
		look(page);
	errno = 0;
	switch (nr) {
	case 0: /* config space to a BAR */
		return !allowed(pread(m.d.fd, at, 4, cfg), 4);
	case 1:
		return !allowed(pread(m.d.fd, at, 2, cfg + m.pmcsr), 2);
	case 2: /* a BAR to itself */
		return !allowed(pread(m.d.fd, at, 4, bar + k->off), 4);
	case 3:
		return !allowed(pwrite(m.d.fd, at, 4, bar + l->off), 4);
	case 4: /* a BAR to config space: a plain register, PMCSR */
		return !allowed(pwrite(m.d.fd, at, 1, cfg + PCI_INTERRUPT_LINE), 1);
	case 5:
		return !allowed(pwrite(m.d.fd, at, 2, cfg + PCI_COMMAND), 2);
	case 6:
		return !allowed(pwrite(m.d.fd, at, 2, cfg + m.pmcsr), 2);
	case 7: /* whatever a BAR makes of it, as an argument */
		return !allowed(ioctl(m.d.fd, VFIO_DEVICE_FEATURE, at), 0);
	case 8:
		return !allowed(ioctl(m.d.fd, VFIO_DEVICE_GET_INFO, at), 0);
	case 9: { /* the payload alone lies in it: it is copied under the driver's locks */
		uint8_t *two = mmap(NULL, 2 * DUT_PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct vfio_device_feature *f;

		if (mremap(page, DUT_PAGE, DUT_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   two + DUT_PAGE) == MAP_FAILED)
			return 2;
		f = (void *)(two + DUT_PAGE - sizeof(*f));
		f->argsz = sizeof(*f) + 8;
		f->flags = VFIO_DEVICE_FEATURE_SET |
			   VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP;
		ret = ioctl(m.d.fd, VFIO_DEVICE_FEATURE, f);
		/* What it reads there is no eventfd; the kernel says which error that is. */
		return !allowed(ret, 0) && errno != EBADF;
	}
	case 10:
		return !allowed(ioctl(m.d.fd, VFIO_DEVICE_SET_IRQS, at), 0);
	default: { /* from one mapping across its end, to where there is none */
		uint8_t *two = mmap(NULL, 2 * DUT_PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mremap(page, DUT_PAGE, DUT_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, two) ==
		    MAP_FAILED || munmap(two + DUT_PAGE, DUT_PAGE))
			return 2;
		ret = pread(m.d.fd, two + DUT_PAGE - 2, 8, cfg);
		return ret >= 0 || !allowed(ret, 8);
	}
	}
}

#define CALLS	12

static void set_mode(bool wake)
{
	m.wake = wake;
	pci_set(m.d.pf, "rtd3/mmio", wake ? "wake" : "sigbus");
	diag("rtd3/mmio is %s", wake ? "wake" : "sigbus");
}

static void buffers(bool sleeps)
{
	int bad = 0, status;
	char when[64];

	snprintf(when, sizeof(when), "%s, %s", m.wake ? "wake" : "sigbus",
		 !sleeps ? "awake" : m.guest ? "promoted" : "low power");
	for (int nr = 0; nr < 2 * CALLS; nr++) {
		if (sleeps)
			go();
		if (wait_child(rig_child(one_call, (void *)(uintptr_t)nr), HANG_MS, &status))
			die("%s: call %d with a mapping as its buffer returns", when, nr / 2);
		if (status) {
			bad++;
			diag("%s: call %d, %s: status 0x%x", when, nr / 2,
			     nr % 2 ? "fresh" : "touched", status);
		}
		/* It may have reached the device in any way. */
		__vfio_exit(&m.d);
		guest_set(&m.d, PCI_D0);
		dut_prepare(&m.d);
	}
	check(!bad, "%s: a mapping as the buffer of %d calls (%d bad)", when, 2 * CALLS, bad);
}

RIG_TEST(mmio_maps, "mappings of a sleeping BAR, copied, moved and as buffers")
{
	const struct pci_fn *pf = &rig.fn[0];

	rig_load();
	rig_bind_all();
	rig_autosuspend("20");
	pci_set(pf, "rtd3/promote", "always");
	vfio_open(&m.d, pf);
	m.t = dut_locate(&m.d);
	m.pmcsr = guest_pmcsr(&m.d);
	touch_setup();
	for (int i = 0; i < 4; i++) {
		m.guest = i / 2;
		set_mode(i % 2);
		moved();
		cut();
		shared(false, false, false);
		shared(false, true, false);
		shared(true, false, false);
		shared(true, true, false);
		shared(false, false, true);
		shared(false, true, true);
		dma();
		buffers(true);
	}
	buffers(false);
	check_known(&m.d, "at the end");
	vfio_close(&m.d);
}
