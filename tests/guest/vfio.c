// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"
#include "vfio.h"

static int call(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/**
 * __vfio_group_open() - open a group and put it into a new container
 * @g: filled in
 * @nr: its number
 *
 * Return: 0 or -errno.
 */
int __vfio_group_open(struct vfio_group *g, int nr)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[32];
	int ret;

	*g = (struct vfio_group){ .container = -1, .fd = -1, .nr = nr };
	g->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (g->container < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/vfio/%d", nr);
	g->fd = open(path, O_RDWR | O_CLOEXEC);
	if (g->fd < 0) {
		ret = -errno;
		goto err;
	}
	ret = call(g->fd, VFIO_GROUP_GET_STATUS, &status);
	if (ret < 0)
		goto err;
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		ret = -EBUSY;
		goto err;
	}
	ret = call(g->fd, VFIO_GROUP_SET_CONTAINER, &g->container);
	if (ret < 0)
		goto err;
	ret = ioctl(g->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0 ? -errno : 0;
	if (ret < 0)
		goto err;
	return 0;
err:
	vfio_group_close(g);
	return ret;
}

/** vfio_group_open() - __vfio_group_open() that must work */
void vfio_group_open(struct vfio_group *g, int nr)
{
	int ret = __vfio_group_open(g, nr);

	if (ret)
		die("open vfio group %d: %s", nr, strerror(-ret));
}

/** vfio_group_close() - close a group and its container */
void vfio_group_close(struct vfio_group *g)
{
	if (g->fd >= 0)
		close(g->fd);
	if (g->container >= 0)
		close(g->container);
	g->fd = -1;
	g->container = -1;
}

/**
 * __vfio_dev_look() - ask an open device for its flags and regions
 * @d: the device; its fd is there
 *
 * Return: 0 or -errno.
 */
int __vfio_dev_look(struct vfio_dev *d)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int ret;

	ret = call(d->fd, VFIO_DEVICE_GET_INFO, &info);
	if (ret < 0)
		return ret;
	d->flags = info.flags;
	for (unsigned int i = 0; i < VFIO_REGIONS; i++) {
		struct vfio_region_info *r = &d->region[i];

		*r = (struct vfio_region_info){ .argsz = sizeof(*r), .index = i };
		/* Not every region is there, VGA for one. */
		call(d->fd, VFIO_DEVICE_GET_REGION_INFO, r);
	}
	return 0;
}

/**
 * __vfio_dev_open() - get the fd of a device and look at its regions
 * @d: filled in
 * @g: its group, open
 * @pf: the function
 *
 * Return: 0 or -errno.
 */
int __vfio_dev_open(struct vfio_dev *d, struct vfio_group *g, const struct pci_fn *pf)
{
	int ret, fd;

	fd = ioctl(g->fd, VFIO_GROUP_GET_DEVICE_FD, pf->name);
	if (fd < 0)
		return -errno;
	d->pf = pf;
	d->group = g;
	d->fd = fd;
	ret = __vfio_dev_look(d);
	if (ret) {
		close(fd);
		d->fd = -1;
	}
	return ret;
}

/** vfio_dev_open() - __vfio_dev_open() that must work */
void vfio_dev_open(struct vfio_dev *d, struct vfio_group *g, const struct pci_fn *pf)
{
	int ret = __vfio_dev_open(d, g, pf);

	d->own = (struct vfio_group){ .container = -1, .fd = -1 };
	if (ret)
		die("%s: open: %s", pf->name, strerror(-ret));
}

/**
 * __vfio_open() - open a function, its group and a container
 * @d: filled in
 * @pf: the function
 *
 * Return: 0 or -errno.
 */
int __vfio_open(struct vfio_dev *d, const struct pci_fn *pf)
{
	int ret;

	ret = __vfio_group_open(&d->own, pci_iommu_group(pf));
	if (ret)
		return ret;
	ret = __vfio_dev_open(d, &d->own, pf);
	if (ret)
		vfio_group_close(&d->own);
	return ret;
}

/** vfio_open() - __vfio_open() that must work */
void vfio_open(struct vfio_dev *d, const struct pci_fn *pf)
{
	int ret = __vfio_open(d, pf);

	if (ret)
		die("%s: open through vfio: %s", pf->name, strerror(-ret));
}

/** vfio_close() - close a device, and its group when vfio_open() opened that */
void vfio_close(struct vfio_dev *d)
{
	close(d->fd);
	d->fd = -1;
	vfio_group_close(&d->own);
}

/**
 * __vfio_read() - read a register of a region
 * @d: the device
 * @region: VFIO_PCI_*_REGION_INDEX
 * @off: in the region
 * @val: the value; untouched bits are 0
 * @width: 1, 2, 4 or 8 bytes
 *
 * Return: 0 or -errno.
 */
int __vfio_read(struct vfio_dev *d, int region, uint64_t off, uint64_t *val, int width)
{
	ssize_t n;

	*val = 0;
	n = pread(d->fd, val, width, d->region[region].offset + off);
	if (n == width)
		return 0;
	return n < 0 ? -errno : -EIO;
}

/** __vfio_write() - write a register of a region; as __vfio_read() */
int __vfio_write(struct vfio_dev *d, int region, uint64_t off, uint64_t val, int width)
{
	ssize_t n;

	n = pwrite(d->fd, &val, width, d->region[region].offset + off);
	if (n == width)
		return 0;
	return n < 0 ? -errno : -EIO;
}

/** vfio_read() - __vfio_read() that must work */
uint64_t vfio_read(struct vfio_dev *d, int region, uint64_t off, int width)
{
	uint64_t val;
	int ret = __vfio_read(d, region, off, &val, width);

	if (ret)
		die("%s: read region %d at 0x%llx: %s", d->pf->name, region,
		    (unsigned long long)off, strerror(-ret));
	return val;
}

/** vfio_write() - __vfio_write() that must work */
void vfio_write(struct vfio_dev *d, int region, uint64_t off, uint64_t val, int width)
{
	int ret = __vfio_write(d, region, off, val, width);

	if (ret)
		die("%s: write region %d at 0x%llx: %s", d->pf->name, region,
		    (unsigned long long)off, strerror(-ret));
}

/** vfio_cfg() - read config space through vfio */
uint32_t vfio_cfg(struct vfio_dev *d, unsigned int off, int width)
{
	return vfio_read(d, VFIO_PCI_CONFIG_REGION_INDEX, off, width);
}

/** vfio_cfg_write() - write config space through vfio */
void vfio_cfg_write(struct vfio_dev *d, unsigned int off, uint32_t val, int width)
{
	vfio_write(d, VFIO_PCI_CONFIG_REGION_INDEX, off, val, width);
}

/**
 * vfio_find_cap() - find a capability in config space as vfio shows it
 * @d: the device
 * @id: PCI_CAP_ID_*
 * @after: 0, or where the one before was found
 *
 * Return: its offset, 0 when there is none.
 */
unsigned int vfio_find_cap(struct vfio_dev *d, int id, unsigned int after)
{
	unsigned int pos, n;

	pos = vfio_cfg(d, after ? after + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST, 1) & ~3u;
	for (n = 0; pos && n < 48; n++) {
		if (vfio_cfg(d, pos, 1) == (uint32_t)id)
			return pos;
		pos = vfio_cfg(d, pos + PCI_CAP_LIST_NEXT, 1) & ~3u;
	}
	return 0;
}

/** vfio_mmap() - map a part of a region; MAP_FAILED with errno set on failure */
void *vfio_mmap(struct vfio_dev *d, int region, uint64_t off, size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd,
		    d->region[region].offset + off);
}

/**
 * __vfio_feature() - VFIO_DEVICE_FEATURE
 * @d: the device
 * @flags: feature number and VFIO_DEVICE_FEATURE_GET, SET, PROBE
 * @data: payload or NULL
 * @len: of @data
 * @argsz: what to claim, or -1 for the true size
 *
 * Return: 0 or -errno.
 */
int __vfio_feature(struct vfio_dev *d, uint32_t flags, const void *data, size_t len, int argsz)
{
	union {
		struct vfio_device_feature f;
		uint8_t room[64];
	} buf = {};

	buf.f.argsz = argsz < 0 ? sizeof(buf.f) + len : (uint32_t)argsz;
	buf.f.flags = flags;
	if (len)
		memcpy(buf.f.data, data, len);
	return call(d->fd, VFIO_DEVICE_FEATURE, &buf);
}

/** __vfio_entry() - LOW_POWER_ENTRY; 0 or -errno */
int __vfio_entry(struct vfio_dev *d)
{
	return __vfio_feature(d, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
			      NULL, 0, -1);
}

/** __vfio_entry_wakeup() - LOW_POWER_ENTRY_WITH_WAKEUP; 0 or -errno */
int __vfio_entry_wakeup(struct vfio_dev *d, int efd)
{
	struct vfio_device_low_power_entry_with_wakeup w = { .wakeup_eventfd = efd };

	return __vfio_feature(d, VFIO_DEVICE_FEATURE_SET |
			      VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, &w, sizeof(w), -1);
}

/** __vfio_exit() - LOW_POWER_EXIT; 0 or -errno */
int __vfio_exit(struct vfio_dev *d)
{
	return __vfio_feature(d, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
			      NULL, 0, -1);
}

/** vfio_entry() - __vfio_entry() that must work */
void vfio_entry(struct vfio_dev *d)
{
	int ret = __vfio_entry(d);

	if (ret)
		die("%s: LOW_POWER_ENTRY: %s", d->pf->name, strerror(-ret));
}

/** vfio_exit() - __vfio_exit() that must work */
void vfio_exit(struct vfio_dev *d)
{
	int ret = __vfio_exit(d);

	if (ret)
		die("%s: LOW_POWER_EXIT: %s", d->pf->name, strerror(-ret));
}

/**
 * __vfio_irq_trigger() - give interrupts to eventfds
 * @d: the device
 * @index: VFIO_PCI_*_IRQ_INDEX
 * @count: how many vectors, from 0
 * @fds: their eventfds
 *
 * Return: 0 or -errno; more than 0 when fewer vectors could be had.
 */
int __vfio_irq_trigger(struct vfio_dev *d, int index, int count, const int *fds)
{
	union {
		struct vfio_irq_set s;
		uint8_t room[sizeof(struct vfio_irq_set) + 16 * sizeof(int)];
	} set = {};

	set.s.argsz = sizeof(set.s) + count * sizeof(int);
	set.s.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set.s.index = index;
	set.s.count = count;
	memcpy(set.s.data, fds, count * sizeof(int));
	return call(d->fd, VFIO_DEVICE_SET_IRQS, &set);
}

/** __vfio_irq_action() - mask or unmask vector 0: VFIO_IRQ_SET_ACTION_*; 0 or -errno */
int __vfio_irq_action(struct vfio_dev *d, int index, uint32_t action)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action,
		.index = index,
		.count = 1,
	};

	return call(d->fd, VFIO_DEVICE_SET_IRQS, &set);
}

/** __vfio_irq_disable() - give up all interrupts of an index; 0 or -errno */
int __vfio_irq_disable(struct vfio_dev *d, int index)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
	};

	return call(d->fd, VFIO_DEVICE_SET_IRQS, &set);
}

/** vfio_eventfd() - a new eventfd that does not block */
int vfio_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		die("eventfd: %s", strerror(errno));
	return fd;
}

/** vfio_error_eventfd() - a new one that tells of the device's errors */
int vfio_error_eventfd(struct vfio_dev *d)
{
	int fd = vfio_eventfd();

	if (__vfio_irq_trigger(d, VFIO_PCI_ERR_IRQ_INDEX, 1, &fd))
		die("error eventfd");
	return fd;
}

/**
 * vfio_eventfd_count() - how often an eventfd was signalled; takes the count
 * @efd: the eventfd
 * @timeout_ms: how long to wait for the first
 */
uint64_t vfio_eventfd_count(int efd, int timeout_ms)
{
	struct pollfd pfd = { .fd = efd, .events = POLLIN };
	uint64_t n = 0;

	if (poll(&pfd, 1, timeout_ms) != 1 || read(efd, &n, sizeof(n)) != sizeof(n))
		return 0;
	return n;
}

/** __vfio_reset() - VFIO_DEVICE_RESET; 0 or -errno */
int __vfio_reset(struct vfio_dev *d)
{
	return call(d->fd, VFIO_DEVICE_RESET, NULL);
}

/**
 * __vfio_hot_reset_info() - which devices a hot reset takes
 * @d: the device
 * @devs: filled in
 * @max: room in @devs
 *
 * Return: how many, or -errno.
 */
int __vfio_hot_reset_info(struct vfio_dev *d, struct vfio_pci_dependent_device *devs, int max)
{
	union {
		struct vfio_pci_hot_reset_info i;
		uint8_t room[512];
	} buf = {};
	int ret;

	buf.i.argsz = sizeof(buf.i) + max * sizeof(*devs);
	ret = call(d->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &buf);
	if (ret < 0)
		return ret;
	memcpy(devs, buf.i.devices, buf.i.count * sizeof(*devs));
	return buf.i.count;
}

/** __vfio_hot_reset() - VFIO_DEVICE_PCI_HOT_RESET with some groups; 0 or -errno */
int __vfio_hot_reset(struct vfio_dev *d, int count, const int *group_fds)
{
	union {
		struct vfio_pci_hot_reset r;
		uint8_t room[64];
	} buf = {};

	buf.r.argsz = sizeof(buf.r) + count * sizeof(int);
	buf.r.count = count;
	memcpy(buf.r.group_fds, group_fds, count * sizeof(int));
	return call(d->fd, VFIO_DEVICE_PCI_HOT_RESET, &buf);
}
