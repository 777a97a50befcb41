/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_GUEST_H
#define RTD3_GUEST_H

#include "types.h"

struct rtd3_piece;
struct rtd3_device;

extern unsigned int rtd3_default_promote; /* enum rtd3_promote */

bool rtd3_guest_needs_device(struct rtd3_device *rdev,
			     const struct rtd3_piece *wr);
int rtd3_guest_write_pmcsr(struct rtd3_device *rdev,
			   struct rtd3_piece *wr);
int rtd3_guest_power_off(struct rtd3_device *rdev);
int rtd3_guest_power_on(struct rtd3_device *rdev);
int rtd3_guest_wake(struct rtd3_device *rdev);
void rtd3_guest_reset(struct rtd3_device *rdev);
void rtd3_guest_was_reset(struct rtd3_device *rdev);
bool rtd3_guest_asleep(struct rtd3_device *rdev);

#endif /* RTD3_GUEST_H */
