/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_INFO_H
#define RTD3_INFO_H

#include <linux/types.h>

struct rtd3_device;

int rtd3_info_get(struct rtd3_device *rdev, u32 flags, void __user *arg,
		  size_t argsz);
int rtd3_info_add_region(struct rtd3_device *rdev);
bool rtd3_info_owns(struct rtd3_device *rdev, loff_t pos);
ssize_t rtd3_info_read(struct rtd3_device *rdev, char __user *buf, size_t count,
		       loff_t *ppos);

#endif /* RTD3_INFO_H */
