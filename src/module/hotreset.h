/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_HOTRESET_H
#define RTD3_HOTRESET_H

struct rtd3_device;

int rtd3_hot_reset(struct rtd3_device *rdev, void __user *arg);

#endif /* RTD3_HOTRESET_H */
