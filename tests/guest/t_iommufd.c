// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that is used by its own character device and iommufd, as new VMMs do it: whatever comes
 * of group and container has to come of these, and no call may be different from stock vfio-pci's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "iommufd.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define LOOK_MS		1000
#define MEM		(16 * DUT_PAGE)
#define IOVA		0x10000000ull
#define CLOSED_FD	1000
#define NO_ID		0xfffffu

/* Whoever opens it and does not bind it can do nothing, and does not wake it. */
static void unbound(const struct pci_fn *pf, struct power *p)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	uint32_t id = 0, val;
	struct vfio_dev d;

	check_err(__cdev_open(&d, pf), 0, "open of the cdev");
	check_err(__cdev_ioctl(&d, VFIO_DEVICE_GET_INFO, &info), -EINVAL, "not bound: GET_INFO");
	check_err(__cdev_attach(&d, &id), -EINVAL, "not bound: ATTACH");
	check_err(__cdev_detach(&d), -EINVAL, "not bound: DETACH");
	check_err(__vfio_reset(&d), -EINVAL, "not bound: RESET");
	check_err(__vfio_entry(&d), -EINVAL, "not bound: ENTRY");
	check_err(pread(d.fd, &val, sizeof(val), 0) < 0 ? -errno : 0, -EINVAL,
		  "not bound: read()");
	check_err(pwrite(d.fd, &val, sizeof(val), 0) < 0 ? -errno : 0, -EINVAL,
		  "not bound: write()");
	check_err(mmap(NULL, DUT_PAGE, PROT_READ, MAP_SHARED, d.fd, 0) == MAP_FAILED ? -errno : 0,
		  -EINVAL, "not bound: mmap()");
	vfio_close(&d);
	check_no_on(p, LOOK_MS, "a cdev that is not bound");
}

static int bind_raw(struct vfio_dev *d, uint32_t argsz, uint32_t flags, int fd, uint64_t token)
{
	struct {
		struct cdev_bind bind;
		uint64_t tail;
	} arg = {
		.bind = { .argsz = argsz, .flags = flags, .iommufd = fd, .token = token },
		.tail = 1,
	};

	return __cdev_ioctl(d, CDEV_BIND, &arg);
}

/* What is refused wakes nobody, either. */
static void bind_errors(const struct pci_fn *pf, struct iommufd *io, struct power *p)
{
	const uint32_t size = sizeof(struct cdev_bind);
	const uint8_t token[16] = { 1 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct vfio_dev d;

	if (__cdev_open(&d, pf))
		die("%s: open the cdev", pf->name);
	check_err(bind_raw(&d, 0, 0, io->fd, 0), -EINVAL, "BIND with argsz 0");
	check_err(bind_raw(&d, 15, 0, io->fd, 0), -EINVAL, "BIND with argsz 15");
	check_err(bind_raw(&d, size + 8, 0, io->fd, 0), -E2BIG, "BIND with a tail");
	check_err(bind_raw(&d, size, 2, io->fd, 0), -EINVAL, "BIND with an unknown flag");
	check_err(bind_raw(&d, size, 0, -1, 0), -EINVAL, "BIND to fd -1");
	check_err(bind_raw(&d, size, 0, CLOSED_FD, 0), -EBADF, "BIND to a closed fd");
	check_err(bind_raw(&d, size, 0, null, 0), -EBADFD, "BIND to no iommufd");
	check_err(bind_raw(&d, size, CDEV_BIND_TOKEN, io->fd, 8), -EFAULT,
		  "BIND with a token in bad memory");
	if (!pci_has(pf, "sriov_numvfs"))
		check_err(bind_raw(&d, size, CDEV_BIND_TOKEN, io->fd, (uintptr_t)token), -EINVAL,
			  "BIND with the token of a device that has none");
	check_err(__cdev_ioctl(&d, CDEV_BIND, NULL), -EFAULT, "BIND with no memory");
	vfio_close(&d);
	close(null);
	check_no_on(p, LOOK_MS, "refused BINDs");
}

/* One of the two ways at a time, and one user. */
static void exclusive(const struct pci_fn *pf, struct iommufd *io)
{
	struct vfio_dev group, d, again;
	struct vfio_group g;
	uint32_t id;

	vfio_open(&group, pf);
	check_err(__cdev_bind(&group, io->fd, NULL, &id), -EINVAL, "BIND of a group's fd");
	check_err(__cdev_open(&d, pf), 0, "open of the cdev while the group is open");
	check_err(__cdev_bind(&d, io->fd, NULL, &id), -EBUSY, "BIND while the group is open");
	vfio_close(&group);

	check_err(__cdev_bind(&d, io->fd, NULL, &id), 0, "BIND");
	check(id > 0, "BIND gives a number (%u)", id);
	check_err(__cdev_bind(&d, io->fd, NULL, &id), -EINVAL, "second BIND");
	check_err(__cdev_open(&again, pf), 0, "second open of the cdev");
	check_err(__cdev_bind(&again, io->fd, NULL, &id), -EINVAL, "BIND of the second");
	check_err(__vfio_group_open(&g, pci_iommu_group(pf)), -EBUSY, "open of the group");
	vfio_close(&again);
	vfio_close(&d);
}

static int attach_raw(struct vfio_dev *d, uint32_t argsz, uint32_t flags, uint32_t pt)
{
	struct cdev_attach attach = { .argsz = argsz, .flags = flags, .pt = pt, .pasid = 1 };

	return __cdev_ioctl(d, CDEV_ATTACH, &attach);
}

static int detach_raw(struct vfio_dev *d, uint32_t argsz, uint32_t flags)
{
	struct cdev_detach detach = { .argsz = argsz, .flags = flags, .pasid = 1 };

	return __cdev_ioctl(d, CDEV_DETACH, &detach);
}

static void attach(const struct pci_fn *pf, struct iommufd *io)
{
	const uint32_t size = sizeof(struct cdev_attach), size0 = sizeof(struct cdev_detach);
	uint32_t id, pt = io->ioas, other, other_pt;
	struct vfio_dev d;

	if (__cdev_open(&d, pf) || __cdev_bind(&d, io->fd, NULL, &id) || __vfio_dev_look(&d))
		die("%s: bind to iommufd", pf->name);
	check_known(&d, "bound, not attached");
	check_err(attach_raw(&d, 8, 0, io->ioas), -EINVAL, "ATTACH with argsz 8");
	check_err(attach_raw(&d, size, 2, io->ioas), -EINVAL, "ATTACH with an unknown flag");
	check_err(attach_raw(&d, size, 0, NO_ID), -ENOENT, "ATTACH to what there is not");
	check_err(attach_raw(&d, size, 0, id), -EINVAL, "ATTACH to a device");
	check_err(attach_raw(&d, 12, CDEV_PASID, io->ioas), -EINVAL,
		  "ATTACH of a PASID that is not given");
	check_err(attach_raw(&d, size, CDEV_PASID, io->ioas), -EINVAL,
		  "ATTACH of a PASID to a device that has none");
	check_err(detach_raw(&d, 4, 0), -EINVAL, "DETACH with argsz 4");
	check_err(detach_raw(&d, size0, 2), -EINVAL, "DETACH with an unknown flag");
	check_err(detach_raw(&d, 8, CDEV_PASID), -EINVAL, "DETACH of a PASID that is not given");
	check_err(detach_raw(&d, size0, CDEV_PASID), 0, "DETACH of a PASID that is not attached");
	check_err(__cdev_detach(&d), 0, "DETACH before ATTACH");

	check_err(__cdev_attach(&d, &pt), 0, "ATTACH");
	check(pt != io->ioas, "ATTACH gives the number of a page table (%u)", pt);
	check_err(attach_raw(&d, size, CDEV_PASID, io->ioas), -EINVAL,
		  "ATTACH of a PASID to an attached device");
	check_err(__iommufd_destroy(io, io->ioas), -EBUSY, "the address space is in use");
	check_err(__cdev_attach(&d, &pt), 0, "ATTACH to the same again");
	if (__ioas_alloc(io, &other))
		die("a second address space");
	other_pt = other;
	check_err(__cdev_attach(&d, &other_pt), 0, "ATTACH to another one");
	check(other_pt != pt, "it has a page table of its own (%u)", other_pt);
	check_err(__cdev_detach(&d), 0, "DETACH");
	check_err(__cdev_detach(&d), 0, "second DETACH");
	check_err(__iommufd_destroy(io, other), 0, "the second address space is free again");
	pt = io->ioas;
	check_err(__cdev_attach(&d, &pt), 0, "ATTACH after DETACH");
	check_known(&d, "attached again");
	vfio_close(&d);
}

/* The address space is the user's to change, whatever state the device is in. */
static void low_power(const struct pci_fn *pf, struct iommufd *io, struct power *p)
{
	uint8_t *mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t pt = io->ioas;
	struct vfio_dev d;

	if (mem == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	iommufd_dev_open(&d, io, pf);
	dut_mark(&d);
	check_err(__ioas_map(io, mem, MEM / 2, IOVA), 0, "MAP before ENTRY");
	*p = power_get(1);
	check_err(__vfio_entry(&d), 0, "ENTRY");
	check_asleep(pf, p, "ENTRY");
	check_str(pci_get(pf, "power_state"), "D3cold", "ENTRY: power_state");
	check_err(__ioas_map(io, mem + MEM / 2, MEM / 2, IOVA + MEM / 2), 0, "MAP in D3cold");
	check_err(__ioas_unmap(io, IOVA, MEM / 2), 0, "UNMAP in D3cold");
	check_err(__ioas_map(io, mem, MEM / 2, IOVA), 0, "MAP again in D3cold");
	check_no_on(p, LOOK_MS, "MAP and UNMAP in D3cold");

	/* These are the device's own: it is awake for them, and sleeps again. */
	check_err(__cdev_detach(&d), 0, "DETACH in D3cold");
	check_asleep(pf, p, "DETACH in D3cold");
	check_err(__cdev_attach(&d, &pt), 0, "ATTACH in D3cold");
	check_asleep(pf, p, "ATTACH in D3cold");
	check_err(__vfio_exit(&d), 0, "EXIT");
	check_woken(pf, p, "EXIT");
	check_mark_gone(&d, "EXIT");
	check_known(&d, "EXIT");
	check_err(__ioas_unmap(io, IOVA, MEM), 0, "UNMAP after EXIT");
	check_no_off(p, LOOK_MS, "after EXIT");
	vfio_close(&d);
	check_asleep(pf, p, "close");
	munmap(mem, MEM);
}

static void next_user(const struct pci_fn *pf, struct power *p, const char *when)
{
	struct iommufd io;
	struct vfio_dev d;
	int ret;

	iommufd_open(&io);
	ret = __iommufd_dev_open(&d, &io, pf);
	check_err(ret, 0, "%s: next open", when);
	if (!ret) {
		check_known(&d, when);
		*p = power_get(1);
		vfio_close(&d);
		check_asleep(pf, p, when);
	}
	iommufd_close(&io);
}

enum closed { AT_BIND, AT_ATTACH, AT_DETACH, AT_ENTRY, AT_D3COLD, AT_EXIT, IOMMUFD_FIRST, CLOSES };

static void close_at(const struct pci_fn *pf, struct power *p, enum closed at)
{
	static const char * const names[CLOSES] = {
		"closed bound", "closed attached", "closed detached", "closed right after ENTRY",
		"closed in D3cold", "closed right after EXIT", "iommufd closed first"
	};
	struct iommufd io;
	struct vfio_dev d;
	uint32_t id, pt;

	iommufd_open(&io);
	pt = io.ioas;
	if (__cdev_open(&d, pf) || __cdev_bind(&d, io.fd, NULL, &id) || __vfio_dev_look(&d))
		die("%s: bind to iommufd", pf->name);
	if (at > AT_BIND && __cdev_attach(&d, &pt))
		die("%s: attach", pf->name);
	if (at == AT_DETACH)
		check_err(__cdev_detach(&d), 0, "%s: DETACH", names[at]);
	if (at == IOMMUFD_FIRST)
		iommufd_close(&io);
	*p = power_get(1);
	if (at >= AT_ENTRY)
		vfio_entry(&d);
	if (at >= AT_D3COLD)
		wait_asleep(pf, p);
	if (at == AT_EXIT)
		vfio_exit(&d);
	vfio_close(&d);
	if (at != IOMMUFD_FIRST)
		iommufd_close(&io);
	next_user(pf, p, names[at]);
}

static int hold_asleep(void *pf)
{
	struct iommufd io;
	struct vfio_dev d;

	iommufd_open(&io);
	return __iommufd_dev_open(&d, &io, pf) || __vfio_entry(&d);
}

static void killed(const struct pci_fn *pf, struct power *p)
{
	pid_t pid;

	*p = power_get(1);
	pid = rig_holder(hold_asleep, NULL, (void *)pf);
	wait_asleep(pf, p);
	rig_kill(pid, "kill -9 in D3cold");
	next_user(pf, p, "kill -9 in D3cold");
}

/* The number of the functions that a reset of @d takes, with what it says of them. */
static int hot_reset_info(struct vfio_dev *d, struct vfio_pci_dependent_device *devs,
			  uint32_t *flags)
{
	union {
		struct vfio_pci_hot_reset_info i;
		uint8_t room[512];
	} buf = { .i.argsz = sizeof(buf) };
	int ret = __cdev_ioctl(d, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &buf);

	if (ret)
		return ret;
	*flags = buf.i.flags;
	memcpy(devs, buf.i.devices, buf.i.count * sizeof(*devs));
	return buf.i.count;
}

/* @ids: by function; what a group's number was is a device's number here. */
static void check_info(struct vfio_dev *d, const uint32_t *ids, const char *when)
{
	struct vfio_pci_dependent_device devs[RIG_MAX_FNS];
	uint32_t flags = 0;
	int n = hot_reset_info(d, devs, &flags), good = 0;

	check(n == rig.nr_fns, "%s: hot reset takes %d devices of %d", when, n, rig.nr_fns);
	check_eq(flags, HOT_RESET_DEV_ID | HOT_RESET_OWNED, "%s: flags", when);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < rig.nr_fns; j++)
			good += devs[i].devfn == (rig.fn[j].dev << 3 | rig.fn[j].fn) &&
				devs[i].group_id == ids[j];
	check(good == n, "%s: %d with their numbers", when, good);
}

static void hot_reset(struct iommufd *io, struct power *p)
{
	const struct pci_fn *pf = &rig.fn[0];
	uint32_t ids[RIG_MAX_FNS] = { DEVID_OWNED }, pt = io->ioas;
	struct vfio_dev d;
	int fd = io->fd;

	if (__cdev_open(&d, pf) || __cdev_bind(&d, io->fd, NULL, &ids[0]) ||
	    __cdev_attach(&d, &pt) || __vfio_dev_look(&d))
		die("%s: attach", pf->name);
	/* The other functions are in its group, and so its user's. */
	check_info(&d, ids, "one open");
	check_err(__vfio_hot_reset(&d, 1, &fd), -EINVAL, "PCI_HOT_RESET with a group");
	dut_mark(&d);
	check_err(__vfio_hot_reset(&d, 0, &fd), 0, "PCI_HOT_RESET");
	check_mark_gone(&d, "PCI_HOT_RESET");
	check_known(&d, "PCI_HOT_RESET");
	dut_mark(&d);
	*p = power_get(1);
	vfio_entry(&d);
	wait_asleep(pf, p);
	check_err(__vfio_hot_reset(&d, 0, &fd), 0, "PCI_HOT_RESET in D3cold");
	check(power_get(1).on > p->on, "PCI_HOT_RESET in D3cold: _ON called");
	check_asleep(pf, p, "low power goes on after PCI_HOT_RESET");
	check_err(__vfio_exit(&d), 0, "EXIT after PCI_HOT_RESET");
	check_mark_gone(&d, "EXIT after PCI_HOT_RESET");
	check_known(&d, "EXIT after PCI_HOT_RESET");
	vfio_close(&d);
	check_asleep(pf, p, "close");
}

/* Both functions of a group are one user's, through one iommufd. */
static void siblings(struct iommufd *io, struct power *p)
{
	const struct pci_fn *a = &rig.fn[0], *b = &rig.fn[1];
	uint32_t ids[RIG_MAX_FNS] = { 0 }, id, pt = io->ioas, other;
	struct iommufd io2;
	struct vfio_dev da, db;

	if (pci_iommu_group(a) != pci_iommu_group(b)) {
		skip("the functions have groups of their own", "both through one iommufd");
		return;
	}
	if (__cdev_open(&da, a) || __cdev_bind(&da, io->fd, NULL, &ids[0]) ||
	    __cdev_attach(&da, &pt) || __vfio_dev_look(&da))
		die("%s: attach", a->name);
	iommufd_open(&io2);
	check_err(__cdev_open(&db, b), 0, "open of the second function");
	check_err(__cdev_bind(&db, io2.fd, NULL, &id), -EPERM, "BIND to another iommufd");
	iommufd_close(&io2);
	check_err(__cdev_bind(&db, io->fd, NULL, &ids[1]), 0, "BIND to the same");
	check(ids[0] != ids[1], "each has its own number (%u, %u)", ids[0], ids[1]);
	if (__ioas_alloc(io, &other))
		die("a second address space");
	id = other;
	check_err(__cdev_attach(&db, &id), -EINVAL, "ATTACH to another address space");
	check_err(__iommufd_destroy(io, other), 0, "that one is free again");
	pt = io->ioas;
	check_err(__cdev_attach(&db, &pt), 0, "ATTACH to the same");
	if (__vfio_dev_look(&db))
		die("%s: look", b->name);
	check_info(&da, ids, "both open");
	check_info(&db, ids, "both open");
	check_known(&da, "both open");
	check_known(&db, "both open");
	dut_mark(&da);
	dut_mark(&db);
	check_err(__vfio_hot_reset(&db, 0, &io->fd), 0, "PCI_HOT_RESET of both");
	check_mark_gone(&da, "PCI_HOT_RESET of both");
	check_mark_gone(&db, "PCI_HOT_RESET of both");

	*p = power_get(1);
	vfio_entry(&da);
	check_no_off(p, LOOK_MS, "ENTRY of one");
	vfio_entry(&db);
	check_asleep(a, p, "ENTRY of both");
	check_err(__vfio_hot_reset(&da, 0, &io->fd), 0, "PCI_HOT_RESET of both in D3cold");
	check_asleep(a, p, "PCI_HOT_RESET of both in D3cold");
	vfio_exit(&db);
	check_woken(b, p, "EXIT of one");
	check_known(&db, "EXIT of one");
	/* The one that stays has to live with it. */
	vfio_close(&da);
	check_known(&db, "the other one closed");
	check_no_off(p, LOOK_MS, "the other one closed");
	vfio_close(&db);
	check_asleep(a, p, "both closed");
}

static void unbind(const struct pci_fn *pf, struct power *p)
{
	struct vfio_dev d;

	check(pci_has(pf, "vfio-dev"), "bound: a cdev is there");
	pci_unbind(pf);
	check(!pci_has(pf, "vfio-dev"), "unbound: the cdev is gone");
	check_err(__cdev_open(&d, pf), -ENOENT, "unbound: open of the cdev");
	pci_bind(pf, rig.driver);
	check_asleep(pf, p, "bound again");
	next_user(pf, p, "bound again");
}

RIG_TEST(iommufd, "cdev and iommufd in place of group and container")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct iommufd io;
	struct power p;

	rig_load();
	iommufd_open(&io);
	p = power_get(1);
	rig_bind_all();
	wait_asleep(pf, &p);
	unbound(pf, &p);
	bind_errors(pf, &io, &p);
	exclusive(pf, &io);
	attach(pf, &io);
	low_power(pf, &io, &p);
	for (enum closed at = 0; at < CLOSES; at++)
		close_at(pf, &p, at);
	killed(pf, &p);
	hot_reset(&io, &p);
	if (rig.nr_fns > 1)
		siblings(&io, &p);
	unbind(pf, &p);
	iommufd_close(&io);
}

static void bind_with(const struct pci_fn *pf, struct iommufd *io, const uint8_t *token, int want,
		      const char *what)
{
	struct vfio_dev d;
	uint32_t id;

	if (__cdev_open(&d, pf))
		die("%s: open the cdev", pf->name);
	check_err(__cdev_bind(&d, io->fd, token, &id), want, "%s", what);
	vfio_close(&d);
}

/* Who has a virtual function has to know what the user of the physical one has set, and back. */
RIG_TEST(iommufd_sriov, "tokens of virtual functions at BIND")
{
	const uint8_t good[16] = { 1, 2, 3, 4 }, bad[16] = { 4, 3, 2, 1 };
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev dp, dv;
	struct iommufd io;
	struct pci_fn vf;
	struct power p;
	uint32_t id;

	rig_load();
	iommufd_open(&io);
	p = power_get(1);
	pci_bind(pf, rig.driver);
	wait_asleep(pf, &p);
	rig_param_set("enable_sriov", "Y");
	if (__cdev_open(&dp, pf))
		die("%s: open the cdev", pf->name);
	check_err(__cdev_bind(&dp, io.fd, good, &id), 0, "BIND of the PF sets the token");
	check_err(__pci_set(pf, "sriov_numvfs", "1"), 0, "one VF enabled");
	if (!rig_find_vf(pf, &vf))
		die("the VF is there");
	check_str(pci_driver(&vf), rig.driver, "driver of the VF");
	bind_with(&vf, &io, NULL, -EACCES, "BIND of the VF without a token");
	bind_with(&vf, &io, bad, -EACCES, "BIND of the VF with another token");
	check_err(__cdev_open(&dv, &vf), 0, "open of the VF's cdev");
	check_err(__cdev_bind(&dv, io.fd, good, &id), 0, "BIND of the VF with the token");
	if (__vfio_dev_look(&dv))
		die("%s: look", vf.name);
	check_eq(vfio_cfg(&dv, 0, 4), pci_id(&vf), "the VF's id through vfio");

	vfio_close(&dp);
	bind_with(pf, &io, NULL, -EACCES, "BIND of the PF without a token, the VF in use");
	bind_with(pf, &io, bad, -EACCES, "BIND of the PF with another token, the VF in use");
	bind_with(pf, &io, good, 0, "BIND of the PF with the token, the VF in use");
	vfio_close(&dv);
	bind_with(pf, &io, bad, 0, "BIND of the PF sets another token");
	bind_with(&vf, &io, good, -EACCES, "BIND of the VF with the old token");
	bind_with(&vf, &io, bad, 0, "BIND of the VF with the new token");
	p = power_get(1);
	check_err(__pci_set(pf, "sriov_numvfs", "0"), 0, "VF disabled");
	check_asleep(pf, &p, "VF disabled");
	iommufd_close(&io);
}
