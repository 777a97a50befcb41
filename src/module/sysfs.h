/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_SYSFS_H
#define RTD3_SYSFS_H

struct rtd3_device;

int rtd3_sysfs_add(struct rtd3_device *rdev);
void rtd3_sysfs_remove(struct rtd3_device *rdev);

#endif /* RTD3_SYSFS_H */
