/* SPDX-License-Identifier: GPL-2.0-only */
/* What our driver adds: private features, its region, policy. foo() asserts, __foo() does not. */
#ifndef RIGTEST_RTD3_H
#define RIGTEST_RTD3_H

#include <linux/rtd3_vfio_pci.h>
#include <stdbool.h>
#include <stdint.h>

#include "power.h"
#include "vfio.h"

/**
 * struct rtd3_region - the device's region with struct rtd3_info
 * @index: its number
 * @flags: VFIO_REGION_INFO_FLAG_*
 * @size: of the region
 * @offset: in the device's file
 */
struct rtd3_region {
	int index;
	uint32_t flags;
	uint64_t size;
	uint64_t offset;
};

/**
 * struct rtd3_file - a file of our driver in sysfs
 * @path: below the function's folder
 */
struct rtd3_file {
	char path[64];
};

int __rtd3_feature(struct vfio_dev *d, uint32_t flags, void *data, size_t len, long argsz);
int __rtd3_enter(struct vfio_dev *d, uint32_t deepest);
int __rtd3_enter_wakeup(struct vfio_dev *d, uint32_t deepest, int efd);
int __rtd3_exit(struct vfio_dev *d);
void rtd3_power_get(struct vfio_dev *d, struct rtd3_power *get);
int __rtd3_info(struct vfio_dev *d, struct rtd3_info *info);

int __rtd3_region_find(struct vfio_dev *d, struct rtd3_region *r);
void rtd3_region_find(struct vfio_dev *d, struct rtd3_region *r);
void rtd3_region_info(struct vfio_dev *d, const struct rtd3_region *r, struct rtd3_info *info);
bool rtd3_engaged(struct vfio_dev *d, const struct rtd3_region *r);

int rtd3_files(const struct pci_fn *pf, struct rtd3_file *files, int max);
void check_reads(const struct pci_fn *pf, struct power *p, const char *when);
void set_d3cold_allowed(const struct pci_fn *pf, const char *val);
bool check_state(const struct pci_fn *pf, const char *want, const char *when);
void check_hot(const struct pci_fn *pf, struct power *p, const char *when);
void check_up(const struct pci_fn *pf, struct power *p, const char *when);

#endif
