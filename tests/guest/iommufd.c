// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "iommufd.h"
#include "rig.h"
#include "tap.h"

#define IOMMUFD_IO(nr)	_IO(';', nr)
#define DESTROY		IOMMUFD_IO(0x80)
#define IOAS_ALLOC	IOMMUFD_IO(0x81)
#define IOAS_MAP	IOMMUFD_IO(0x85)
#define IOAS_UNMAP	IOMMUFD_IO(0x86)
#define IOAS_MAP_FILE	IOMMUFD_IO(0x8f)

/* Place, writable, readable. */
#define MAP_ALL		7

static int call(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/** iommufd_open() - open /dev/iommu and make an address space; must work */
void iommufd_open(struct iommufd *io)
{
	int ret;

	/* Where it is built in there is nothing to load. */
	rig_modprobe("iommufd");
	io->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (io->fd < 0)
		die("/dev/iommu: %s", strerror(errno));
	ret = __ioas_alloc(io, &io->ioas);
	if (ret)
		die("IOMMU_IOAS_ALLOC: %s", strerror(-ret));
}

/** iommufd_close() - close it; it stays as long as a device is bound to it */
void iommufd_close(struct iommufd *io)
{
	close(io->fd);
	io->fd = -1;
}

/** __ioas_alloc() - make another address space; 0 or -errno */
int __ioas_alloc(struct iommufd *io, uint32_t *ioas)
{
	struct { __u32 size, flags, id; } alloc = { .size = sizeof(alloc) };
	int ret = call(io->fd, IOAS_ALLOC, &alloc);

	*ioas = alloc.id;
	return ret;
}

/** __iommufd_destroy() - destroy an address space; 0 or -errno */
int __iommufd_destroy(struct iommufd *io, uint32_t id)
{
	struct { __u32 size, id; } destroy = { sizeof(destroy), id };

	return call(io->fd, DESTROY, &destroy);
}

/**
 * __ioas_map() - map memory into the first address space
 * @io: iommufd
 * @mem: the memory
 * @len: bytes
 * @iova: where the device sees it
 *
 * Return: 0 or -errno.
 */
int __ioas_map(struct iommufd *io, void *mem, uint64_t len, uint64_t iova)
{
	struct {
		__u32 size, flags, ioas, reserved;
		__u64 mem, len, iova;
	} map = { sizeof(map), MAP_ALL, io->ioas, 0, (uintptr_t)mem, len, iova };

	return call(io->fd, IOAS_MAP, &map);
}

/**
 * __ioas_map_file() - map a file, from its begin, into the first address space
 * @io: iommufd
 * @file: fd of a memfd or a dma-buf
 * @len: bytes
 * @iova: where the device sees it
 *
 * Return: 0 or -errno.
 */
int __ioas_map_file(struct iommufd *io, int file, uint64_t len, uint64_t iova)
{
	struct {
		__u32 size, flags, ioas;
		__s32 fd;
		__u64 start, len, iova;
	} map = { sizeof(map), MAP_ALL, io->ioas, file, 0, len, iova };

	return call(io->fd, IOAS_MAP_FILE, &map);
}

/** __ioas_unmap() - undo one of these; 0 or -errno */
int __ioas_unmap(struct iommufd *io, uint64_t iova, uint64_t len)
{
	struct {
		__u32 size, ioas;
		__u64 iova, len;
	} unmap = { sizeof(unmap), io->ioas, iova, len };

	return call(io->fd, IOAS_UNMAP, &unmap);
}

/**
 * __cdev_open() - open the character device of a function, and no more
 * @d: filled in, but for what only a bound device tells; closed with vfio_close()
 * @pf: the function
 *
 * Return: 0 or -errno.
 */
int __cdev_open(struct vfio_dev *d, const struct pci_fn *pf)
{
	char path[300] = "";
	struct dirent *e;
	DIR *dir;

	*d = (struct vfio_dev){ .pf = pf, .fd = -1, .own = { .container = -1, .fd = -1 } };
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", pf->name);
	dir = opendir(path);
	if (!dir)
		return -errno;
	path[0] = '\0';
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, "vfio", 4))
			snprintf(path, sizeof(path), "/dev/vfio/devices/%s", e->d_name);
	closedir(dir);
	d->fd = open(path, O_RDWR | O_CLOEXEC);
	return d->fd < 0 ? -errno : 0;
}

/** __cdev_ioctl() - any ioctl of a device; at least 0, or -errno */
int __cdev_ioctl(struct vfio_dev *d, unsigned long cmd, void *arg)
{
	return call(d->fd, cmd, arg);
}

/**
 * __cdev_bind() - bind a device to iommufd
 * @d: the device, opened by its character device
 * @iommufd: fd
 * @token: 16 bytes, or NULL
 * @devid: gets its number in iommufd
 *
 * Return: 0 or -errno.
 */
int __cdev_bind(struct vfio_dev *d, int iommufd, const uint8_t *token, uint32_t *devid)
{
	struct cdev_bind bind = {
		.argsz = sizeof(bind),
		.flags = token ? CDEV_BIND_TOKEN : 0,
		.iommufd = iommufd,
		.token = (uintptr_t)token,
	};
	int ret = call(d->fd, CDEV_BIND, &bind);

	*devid = bind.devid;
	return ret;
}

/** __cdev_attach() - let a bound device see an address space; 0 or -errno */
int __cdev_attach(struct vfio_dev *d, uint32_t *pt)
{
	struct cdev_attach attach = { .argsz = sizeof(attach), .pt = *pt };
	int ret = call(d->fd, CDEV_ATTACH, &attach);

	*pt = attach.pt;
	return ret;
}

/** __cdev_detach() - the opposite; 0 or -errno */
int __cdev_detach(struct vfio_dev *d)
{
	struct cdev_detach detach = { .argsz = sizeof(detach) };

	return call(d->fd, CDEV_DETACH, &detach);
}

/**
 * __iommufd_dev_open() - open a function, bind it, attach it to the first address space
 * @d: filled in; closed with vfio_close()
 * @io: iommufd
 * @pf: the function
 *
 * Return: 0 or -errno.
 */
int __iommufd_dev_open(struct vfio_dev *d, struct iommufd *io, const struct pci_fn *pf)
{
	uint32_t devid, pt = io->ioas;
	int ret;

	ret = __cdev_open(d, pf);
	if (!ret)
		ret = __cdev_bind(d, io->fd, NULL, &devid);
	if (!ret)
		ret = __cdev_attach(d, &pt);
	if (!ret)
		ret = __vfio_dev_look(d);
	if (ret && d->fd >= 0)
		vfio_close(d);
	return ret;
}

/** iommufd_dev_open() - __iommufd_dev_open() that must work */
void iommufd_dev_open(struct vfio_dev *d, struct iommufd *io, const struct pci_fn *pf)
{
	int ret = __iommufd_dev_open(d, io, pf);

	if (ret)
		die("%s: open by its cdev: %s", pf->name, strerror(-ret));
}
