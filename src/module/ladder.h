/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_LADDER_H
#define RTD3_LADDER_H

#include <linux/types.h>

struct rtd3_device;

void rtd3_ladder_add(struct rtd3_device *rdev);
void rtd3_ladder_remove(struct rtd3_device *rdev);
void rtd3_ladder_unpin(struct rtd3_device *rdev);
bool rtd3_ladder_in_place(struct rtd3_device *rdev);
const char *rtd3_ladder_climb(struct rtd3_device *rdev, bool wait);

#endif /* RTD3_LADDER_H */
