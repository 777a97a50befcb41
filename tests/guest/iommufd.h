/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VFIO user: the device's own character device, and iommufd. foo() asserts, __foo() returns
 * -errno. The headers of the oldest distribution that builds this know none of it.
 */
#ifndef RIGTEST_IOMMUFD_H
#define RIGTEST_IOMMUFD_H

#include <linux/types.h>
#include <linux/vfio.h>
#include <stdint.h>

#include "vfio.h"

#define CDEV_BIND	_IO(VFIO_TYPE, VFIO_BASE + 18)
#define CDEV_ATTACH	_IO(VFIO_TYPE, VFIO_BASE + 19)
#define CDEV_DETACH	_IO(VFIO_TYPE, VFIO_BASE + 20)

/* What VFIO_DEVICE_GET_PCI_HOT_RESET_INFO says of a device that was opened by its cdev. */
#define HOT_RESET_DEV_ID	(1u << 0)
#define HOT_RESET_OWNED		(1u << 1)
#define DEVID_OWNED		0u
#define DEVID_NOT_OWNED		(~0u)

/**
 * struct cdev_bind - VFIO_DEVICE_BIND_IOMMUFD
 * @argsz: of this
 * @flags: CDEV_BIND_TOKEN or 0
 * @iommufd: fd
 * @devid: the device's number in iommufd
 * @token: where 16 bytes are
 */
struct cdev_bind {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 devid;
	__u64 token;
};

#define CDEV_BIND_TOKEN	(1u << 0)

/**
 * struct cdev_attach - VFIO_DEVICE_ATTACH_IOMMUFD_PT
 * @argsz: of this
 * @flags: CDEV_PASID or 0
 * @pt: number of the address space, and then of what it was attached to
 * @pasid: with CDEV_PASID
 */
struct cdev_attach {
	__u32 argsz;
	__u32 flags;
	__u32 pt;
	__u32 pasid;
};

/**
 * struct cdev_detach - VFIO_DEVICE_DETACH_IOMMUFD_PT
 * @argsz: of this
 * @flags: CDEV_PASID or 0
 * @pasid: with CDEV_PASID
 */
struct cdev_detach {
	__u32 argsz;
	__u32 flags;
	__u32 pasid;
};

#define CDEV_PASID	(1u << 0)

/**
 * struct iommufd - an open /dev/iommu
 * @fd: of it
 * @ioas: an address space in it
 */
struct iommufd {
	int fd;
	uint32_t ioas;
};

void iommufd_open(struct iommufd *io);
void iommufd_close(struct iommufd *io);
int __ioas_alloc(struct iommufd *io, uint32_t *ioas);
int __iommufd_destroy(struct iommufd *io, uint32_t id);
int __ioas_map(struct iommufd *io, void *mem, uint64_t len, uint64_t iova);
int __ioas_map_file(struct iommufd *io, int file, uint64_t len, uint64_t iova);
int __ioas_unmap(struct iommufd *io, uint64_t iova, uint64_t len);

int __cdev_open(struct vfio_dev *d, const struct pci_fn *pf);
int __cdev_ioctl(struct vfio_dev *d, unsigned long cmd, void *arg);
int __cdev_bind(struct vfio_dev *d, int iommufd, const uint8_t *token, uint32_t *devid);
int __cdev_attach(struct vfio_dev *d, uint32_t *pt);
int __cdev_detach(struct vfio_dev *d);
int __iommufd_dev_open(struct vfio_dev *d, struct iommufd *io, const struct pci_fn *pf);
void iommufd_dev_open(struct vfio_dev *d, struct iommufd *io, const struct pci_fn *pf);

#endif
