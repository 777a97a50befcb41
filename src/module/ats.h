/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_ATS_H
#define RTD3_ATS_H

#include <linux/types.h>

struct rtd3_device;

/**
 * struct rtd3_ats - translations that the device itself keeps
 * @blocked: the IOMMU translates nothing for the device, and tells it nothing
 * @awake: they keep the device awake; observers read it
 *
 * Written by runtime PM callbacks, and by others while those are kept away.
 */
struct rtd3_ats {
	bool blocked;
	bool awake;
};

int rtd3_ats_block(struct rtd3_device *rdev);
void rtd3_ats_unblock(struct rtd3_device *rdev);

#endif /* RTD3_ATS_H */
