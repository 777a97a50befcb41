/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_LOWPOWER_H
#define RTD3_LOWPOWER_H

#include <linux/bits.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "blockers.h"

/**
 * enum rtd3_holder - who wants an open device to be in low power
 * @RTD3_HELD_USER: the user, with feature 3, 4 or RTD3_FEATURE_POWER
 * @RTD3_HELD_GUEST: his guest has put the device to sleep, see guest.c
 * @RTD3_HELD_DEAD: the device does not work: nobody may reach it
 */
enum rtd3_holder {
	RTD3_HELD_USER = BIT(0),
	RTD3_HELD_GUEST = BIT(1),
	RTD3_HELD_DEAD = BIT(2),
};

/**
 * struct rtd3_lowpower - low power of an open device
 * @holders: enum rtd3_holder, any of them. The user's bit stays until the next
 *	rtd3_lowpower call after the core has ended his entry by itself
 * @entries: successful entries of users
 * @exits: requests that left it
 * @settle: takes low power up again for those who are left
 *
 * Protected by rtd3_policy.lock; observers read without.
 */
struct rtd3_lowpower {
	unsigned int holders;
	u64 entries;
	u64 exits;
	struct work_struct settle;
};

struct rtd3_device;

void rtd3_lowpower_init(struct rtd3_device *rdev);
void rtd3_lowpower_stop(struct rtd3_device *rdev);
int rtd3_lowpower_enter(struct rtd3_device *rdev, u32 feature, void __user *arg,
			size_t argsz, enum rtd3_depth limit);
void rtd3_lowpower_exit(struct rtd3_device *rdev);
int rtd3_lowpower_hold(struct rtd3_device *rdev, enum rtd3_holder who);
void rtd3_lowpower_release(struct rtd3_device *rdev, enum rtd3_holder who);
void rtd3_lowpower_woken(struct rtd3_device *rdev);
void rtd3_lowpower_closed(struct rtd3_device *rdev);
bool rtd3_lowpower_engaged(struct rtd3_device *rdev);
bool rtd3_lowpower_idle(struct rtd3_device *rdev);

#endif /* RTD3_LOWPOWER_H */
