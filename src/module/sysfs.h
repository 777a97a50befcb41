/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_SYSFS_H
#define RTD3_SYSFS_H

#include <linux/sysfs.h>

extern const struct attribute_group *rtd3_sysfs_groups[];

#endif /* RTD3_SYSFS_H */
