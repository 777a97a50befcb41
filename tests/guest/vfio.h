/* SPDX-License-Identifier: GPL-2.0-only */
/* A VFIO user: legacy container and group. foo() asserts, __foo() returns -errno. */
#ifndef RIGTEST_VFIO_H
#define RIGTEST_VFIO_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci.h"

#define VFIO_REGIONS	VFIO_PCI_NUM_REGIONS

/**
 * struct vfio_group - an IOMMU group in a container of its own
 * @container: fd
 * @fd: of the group
 * @nr: its number
 */
struct vfio_group {
	int container;
	int fd;
	int nr;
};

/**
 * struct vfio_dev - an open device
 * @pf: the function
 * @group: whose device it is
 * @own: the group when vfio_open() opened it, too
 * @fd: of the device
 * @flags: VFIO_DEVICE_FLAGS_*
 * @region: VFIO_DEVICE_GET_REGION_INFO of every region
 */
struct vfio_dev {
	const struct pci_fn *pf;
	struct vfio_group *group;
	struct vfio_group own;
	int fd;
	uint32_t flags;
	struct vfio_region_info region[VFIO_REGIONS];
};

int __vfio_group_open(struct vfio_group *g, int nr);
void vfio_group_open(struct vfio_group *g, int nr);
void vfio_group_close(struct vfio_group *g);
int __vfio_dev_look(struct vfio_dev *d);
int __vfio_dev_open(struct vfio_dev *d, struct vfio_group *g, const struct pci_fn *pf);
void vfio_dev_open(struct vfio_dev *d, struct vfio_group *g, const struct pci_fn *pf);
int __vfio_open(struct vfio_dev *d, const struct pci_fn *pf);
void vfio_open(struct vfio_dev *d, const struct pci_fn *pf);
void vfio_close(struct vfio_dev *d);

int __vfio_read(struct vfio_dev *d, int region, uint64_t off, uint64_t *val, int width);
int __vfio_write(struct vfio_dev *d, int region, uint64_t off, uint64_t val, int width);
uint64_t vfio_read(struct vfio_dev *d, int region, uint64_t off, int width);
void vfio_write(struct vfio_dev *d, int region, uint64_t off, uint64_t val, int width);
uint32_t vfio_cfg(struct vfio_dev *d, unsigned int off, int width);
void vfio_cfg_write(struct vfio_dev *d, unsigned int off, uint32_t val, int width);
unsigned int vfio_find_cap(struct vfio_dev *d, int id, unsigned int after);
void *vfio_mmap(struct vfio_dev *d, int region, uint64_t off, size_t len);

int __vfio_feature(struct vfio_dev *d, uint32_t flags, const void *data, size_t len, int argsz);
int __vfio_entry(struct vfio_dev *d);
int __vfio_entry_wakeup(struct vfio_dev *d, int efd);
int __vfio_exit(struct vfio_dev *d);
void vfio_entry(struct vfio_dev *d);
void vfio_exit(struct vfio_dev *d);

int __vfio_irq_trigger(struct vfio_dev *d, int index, int count, const int *fds);
int __vfio_irq_action(struct vfio_dev *d, int index, uint32_t action);
int __vfio_irq_disable(struct vfio_dev *d, int index);
int vfio_eventfd(void);
int vfio_error_eventfd(struct vfio_dev *d);
uint64_t vfio_eventfd_count(int efd, int timeout_ms);

int __vfio_reset(struct vfio_dev *d);
int __vfio_hot_reset_info(struct vfio_dev *d, struct vfio_pci_dependent_device *devs, int max);
int __vfio_hot_reset(struct vfio_dev *d, int count, const int *group_fds);

#endif
