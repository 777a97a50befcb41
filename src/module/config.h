/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_CONFIG_H
#define RTD3_CONFIG_H

#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/types.h>

#include "blockers.h"
#include "guest.h"
#include "pr3.h"
#include "shadow.h"

/**
 * struct rtd3_config - configuration space as the user of a device sees it
 * @lock: protects all below but the attributes, and makes the guest's changes of
 *	the power state one after the other. Order: dev_set->lock ->
 *	rtd3_recovery.attempt -> this -> rtd3_lowpower.lock, rtd3_policy.lock,
 *	memory_lock. User memory is touched
 *	under it with page faults disabled only, and no wake is waited for; but
 *	a reset of the device can be, so no runtime PM callback may take it.
 * @state: the power state that the guest has put the device in, see guest.c;
 *	observers read it without the lock
 * @cold_ns: how long the device had been without power when low power was last
 *	entered for the guest
 * @lost: it has been without power since, in the guest's present D3hot
 * @user_shadow: the user's present entry has RTD3_POWER_SHADOW
 * @shadow: what a sleeping device reads as
 * @pr3: the virtual _PR3
 * @promotions: how often low power was entered for the guest
 * @shadow_reads: reads that were answered without the device
 * @promote: rtd3/promote
 * @virtual_pr3: rtd3/virtual_pr3, for the next open
 */
struct rtd3_config {
	struct mutex lock; /* see above */
	enum rtd3_guest_state state;
	u64 cold_ns;
	bool lost;
	bool user_shadow;
	struct rtd3_shadow shadow;
	struct rtd3_pr3 pr3;
	u64 promotions;
	u64 shadow_reads;
	enum rtd3_promote promote;
	bool virtual_pr3;
};

struct eventfd_ctx;
struct rtd3_device;

extern bool rtd3_default_virtual_pr3;

void rtd3_config_init(struct rtd3_device *rdev);
int rtd3_config_open(struct rtd3_device *rdev);
void rtd3_config_close(struct rtd3_device *rdev);
ssize_t rtd3_config_read(struct rtd3_device *rdev, char __user *buf,
			 size_t count, loff_t *ppos);
ssize_t rtd3_config_write(struct rtd3_device *rdev, const char __user *buf,
			  size_t count, loff_t *ppos);
void rtd3_config_irqs_set(struct rtd3_device *rdev);
int rtd3_config_enter(struct rtd3_device *rdev, struct eventfd_ctx *wakeup,
		      enum rtd3_depth limit, bool shadow);

#endif /* RTD3_CONFIG_H */
