/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_LOWPOWER_H
#define RTD3_LOWPOWER_H

#include <linux/bits.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "types.h"

struct eventfd_ctx;
struct rtd3_device;

/**
 * enum rtd3_owner - who wants an open device to be in low power
 * @RTD3_OWNER_USER: the user, with feature 3, 4 or RTD3_FEATURE_POWER
 * @RTD3_OWNER_GUEST: its guest has put the device to sleep, see guest.c
 * @RTD3_OWNER_DEAD: the device does not work: nobody may reach it
 */
enum rtd3_owner {
	RTD3_OWNER_USER = BIT(0),
	RTD3_OWNER_GUEST = BIT(1),
	RTD3_OWNER_DEAD = BIT(2),
};

/**
 * struct rtd3_lowpower - low power of an open device
 * @lock: protects all below, and rtd3_policy.entry, and makes the core's entry
 *	fit. Order: rtd3_config.lock, rtd3_recovery.attempt -> this -> the
 *	mmap_lock of the user, which the core of 6.1 takes to zap mappings ->
 *	memory_lock. Never held over a wake or over user memory: the runtime
 *	resume callback takes it.
 * @open: the device has a user, and the core's entry can be made
 * @owners: enum rtd3_owner, any of them; observers read it without the lock
 * @wakeup: signalled when the device wakes; of the user's entry, or NULL
 * @work: what the end of an entry brings with it, for those who may not wait
 * @entries: successful entries of users
 * @exits: requests that left it
 */
struct rtd3_lowpower {
	struct mutex lock; /* see above */
	bool open;
	unsigned int owners;
	struct eventfd_ctx *wakeup;
	struct work_struct work;
	u64 entries;
	u64 exits;
};

void rtd3_lowpower_init(struct rtd3_device *rdev);
void rtd3_lowpower_stop(struct rtd3_device *rdev);
void rtd3_lowpower_opened(struct rtd3_device *rdev);
int rtd3_lowpower_enter(struct rtd3_device *rdev, struct eventfd_ctx *wakeup,
			enum rtd3_depth limit);
void rtd3_lowpower_exit(struct rtd3_device *rdev);
int rtd3_lowpower_get(struct rtd3_device *rdev, enum rtd3_owner who);
void rtd3_lowpower_put(struct rtd3_device *rdev, enum rtd3_owner who);
void rtd3_lowpower_refresh(struct rtd3_device *rdev);
void rtd3_lowpower_woken(struct rtd3_device *rdev);
void rtd3_lowpower_closed(struct rtd3_device *rdev);
bool rtd3_lowpower_owned(struct rtd3_device *rdev, unsigned int by);
bool rtd3_lowpower_entered(struct rtd3_device *rdev);
bool rtd3_lowpower_idle(struct rtd3_device *rdev);

#endif /* RTD3_LOWPOWER_H */
