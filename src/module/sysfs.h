/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_SYSFS_H
#define RTD3_SYSFS_H

#include <linux/sysfs.h>

struct device;
struct rtd3_device;

/* Of sysfs_guest.c. */
extern struct device_attribute rtd3_attr_promote;
extern struct device_attribute rtd3_attr_guest_state;
extern struct device_attribute rtd3_attr_promotions;
extern struct device_attribute rtd3_attr_shadow_reads;
extern struct device_attribute rtd3_attr_virtual_pr3;
extern struct device_attribute rtd3_attr_mmio;

extern const struct attribute_group *rtd3_sysfs_groups[];

struct rtd3_device *rtd3_from_sysfs(struct device *dev);

#endif /* RTD3_SYSFS_H */
