// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that keeps translations of its own (ATS): the IOMMU driver tells it whenever one ends,
 * and a device without power cannot answer. Real IOMMUs wait for the answer. The host counts what
 * was sent, and what of that while the port's power was off.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chan.h"
#include "dut.h"
#include "guest.h"
#include "iommufd.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define CHUNK		(16ul << 20)
#define CHUNKS		64	/* 1 GiB in all: the same memory at many addresses */
#define IOVA(n)		((uint64_t)((n) + 16) * CHUNK)
#define BALLOON		64

static const struct pci_fn *pf;
static struct vfio_dev d;
static struct power p;
static void *memory;

static void invalidations(unsigned int *total, unsigned int *off)
{
	char reply[64];

	chan_query(reply, sizeof(reply), "invalidations %s", pf->name + 5);
	if (sscanf(reply, "total=%u off=%u", total, off) != 2)
		die("host answers: '%s'", reply);
}

static bool ats_enabled(void)
{
	unsigned int pos = PCI_CFG_SPACE_SIZE;
	uint32_t cap;

	for (int i = 0; pos && i < 64; i++) {
		cap = power_cfg(pf, pos);
		if (PCI_EXT_CAP_ID(cap) == PCI_EXT_CAP_ID_ATS)
			return power_cfg(pf, pos + PCI_ATS_CAP) >> 16 & PCI_ATS_CTRL_ENABLE;
		pos = PCI_EXT_CAP_NEXT(cap);
	}
	return false;
}

static int map(uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	return ioctl(d.own.container, VFIO_IOMMU_MAP_DMA, &arg) ? -errno : 0;
}

static int unmap(uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.size = size,
	};

	return ioctl(d.own.container, VFIO_IOMMU_UNMAP_DMA, &arg) ? -errno : 0;
}

static void map_all(void)
{
	for (int i = 0; i < CHUNKS; i++)
		if (map(IOVA(i), CHUNK))
			die("MAP_DMA of %lu MiB, piece %d: %s", CHUNK >> 20, i, strerror(errno));
}

/* From 7.2.12 and 7.3.4 on. */
static bool kernel_blocks(void)
{
	return rig.major >= 7;
}

/* It would sleep, but for its translations. */
static void stays_awake(const char *when)
{
	uint64_t start = now_us();

	while (!strstr(pci_get(pf, "rtd3/blockers"), "ats ") && since_ms(start) < ASLEEP_TIMEOUT_MS)
		sleep_ms(10);
	check(strstr(pci_get(pf, "rtd3/blockers"), "ats "), "%s: rtd3/blockers: %s", when,
	      pci_get(pf, "rtd3/blockers"));
	/* In the guest's D3hot, for one. */
	check_str(pci_get(pf, "power/runtime_status"), "active", "%s: stays awake", when);
}

static void asleep_or_not(const char *when)
{
	if (kernel_blocks())
		wait_asleep(pf, &p);
	else
		stays_awake(when);
}

static void asleep(const char *what)
{
	p = power_get(1);
	vfio_entry(&d);
	asleep_or_not(what);
}

static void unmap_one(void)
{
	check_err(unmap(IOVA(0), CHUNK), 0, "UNMAP_DMA in low power");
}

/* As a balloon, or a guest's memory that is unplugged: many small pieces. */
static void balloon(void)
{
	uint64_t iova = IOVA(CHUNKS);
	int bad = 0;

	for (int i = 0; i < BALLOON; i++)
		bad += map(iova, DUT_PAGE) || unmap(iova, DUT_PAGE);
	check(!bad, "map and unmap in low power, %d times (%d bad)", BALLOON, bad);
}

static void close_all(void)
{
	vfio_close(&d);
}

/* The VMM closes the device first: it may sleep by the time the memory goes. */
static void close_later(void)
{
	close(d.fd);
	d.fd = -1;
	stays_awake("the device is closed, its memory is mapped");
	vfio_group_close(&d.own);
}

/*
 * Older kernels tell a device, too, when a user attaches to its group, before anybody asks the
 * driver: that cannot be helped.
 */
static unsigned int attached_dark;

static unsigned int sent_dark(void)
{
	unsigned int total, off;

	invalidations(&total, &off);
	return off;
}

static void attached(unsigned int before)
{
	if (!kernel_blocks())
		attached_dark += sent_dark() - before;
}

static int enter(void *arg)
{
	(void)arg;
	vfio_open(&d, pf);
	map_all();
	vfio_entry(&d);
	return 0;
}

static void killed(void)
{
	unsigned int before;
	pid_t pid;

	vfio_close(&d);
	wait_asleep(pf, &p);
	before = sent_dark();
	pid = rig_holder(enter, NULL, NULL);
	attached(before);
	asleep_or_not("a user in low power");
	rig_kill(pid, "a user in low power");
}

static void reopen(void)
{
	unsigned int before;

	vfio_close(&d);
	wait_asleep(pf, &p);
	before = sent_dark();
	vfio_open(&d, pf);
	attached(before);
}

static void promoted(void)
{
	vfio_exit(&d);
	p = power_get(1);
	guest_set(&d, PCI_D3HOT);
	asleep_or_not("promoted D3hot");
	check_err(unmap(IOVA(0), CHUNK), 0, "UNMAP_DMA in a promoted D3hot");
}

struct dark {
	const char *what;
	void (*run)(void);
};

static const struct dark by_container[] = {
	{ "UNMAP_DMA in low power", unmap_one },
	{ "balloon in low power", balloon },
	{ "promoted D3hot", promoted },
	{ "close in low power with 1 GiB mapped", close_all },
	{ "close, then the memory goes", close_later },
	{ "killed in low power with 1 GiB mapped", killed },
	{ "opened while asleep", reopen },
};

static struct iommufd io;

static void iommufd_unmap(void)
{
	check_err(__ioas_unmap(&io, IOVA(0), CHUNK), 0, "IOAS_UNMAP in low power");
	check_err(__ioas_map(&io, memory, CHUNK, IOVA(0)), 0, "IOAS_MAP in low power");
}

static void detach(void)
{
	check_err(__cdev_detach(&d), 0, "detach in low power");
}

static void attach_anew(void)
{
	uint32_t pt = io.ioas;

	detach();
	check_err(__cdev_attach(&d, &pt), 0, "attach in low power");
	check_err(__vfio_exit(&d), 0, "EXIT, attached anew");
	check(ats_enabled(), "attached anew, awake: ATS is enabled");
	check_known(&d, "attached anew, awake");
}

static const struct dark by_iommufd[] = {
	{ "IOAS_UNMAP in low power", iommufd_unmap },
	{ "detach in low power", detach },
	{ "detach and attach in low power", attach_anew },
	{ "close in low power, bound to iommufd", close_all },
};

static void open_container(void)
{
	vfio_open(&d, pf);
	map_all();
}

static void open_cdev(void)
{
	iommufd_dev_open(&d, &io, pf);
}

/* While it is awake, the count goes up: the host sees what is sent. */
static void awake(void (*end)(void))
{
	unsigned int before, after, off, off_before;

	check(ats_enabled(), "the kernel has enabled ATS");
	invalidations(&before, &off_before);
	end();
	invalidations(&after, &off);
	check(after > before, "awake: the device is told (%u -> %u)", before, after);
	check_eq(off, off_before, "awake: none without power");
	vfio_close(&d);
}

static void unmap_awake(void)
{
	check_err(unmap(IOVA(0), CHUNK), 0, "UNMAP_DMA, awake");
}

static void detach_awake(void)
{
	check_err(__cdev_detach(&d), 0, "detach, awake");
}

static void each(const struct dark *dark, size_t nr, void (*open)(void))
{
	unsigned int before, after, total;

	for (size_t i = 0; i < nr; i++) {
		open();
		asleep(dark[i].what);
		invalidations(&total, &before);
		attached_dark = 0;
		dark[i].run();
		if (d.fd >= 0)
			vfio_close(&d);
		check(pci_wait(pf, "power_state", "D3cold", ASLEEP_TIMEOUT_MS),
		      "%s: in D3cold again", dark[i].what);
		invalidations(&total, &after);
		after -= attached_dark;
		check(after == before, "%s: no invalidation without power (%u)", dark[i].what,
		      after - before);
	}
}

static void setup(void)
{
	rig_load();
	pf = &rig.fn[0];
	rig_bind_all();
	memory = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
}

static void check_end(void)
{
	check(ats_enabled(), "at the end ATS is enabled");
	check_known(&d, "at the end");
	vfio_close(&d);
}

RIG_TEST(ats, "no invalidation is sent to a device without power")
{
	setup();
	pci_set(pf, "rtd3/promote", "always");
	open_container();
	awake(unmap_awake);
	each(by_container, sizeof(by_container) / sizeof(by_container[0]), open_container);
	vfio_open(&d, pf);
	check_end();
}

RIG_TEST(ats_iommufd, "nor by iommufd")
{
	setup();
	iommufd_open(&io);
	if (__ioas_map(&io, memory, CHUNK, IOVA(0)))
		die("IOAS_MAP: %s", strerror(errno));
	open_cdev();
	awake(detach_awake);
	each(by_iommufd, sizeof(by_iommufd) / sizeof(by_iommufd[0]), open_cdev);
	open_cdev();
	check_end();
	iommufd_close(&io);
}
