/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_CLOSE_H
#define RTD3_CLOSE_H

#include <linux/ktime.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#define RTD3_SETTLE_MAX_MS	60000

/**
 * struct rtd3_close - between one user of a device and the next
 * @settle_ms: rtd3/settle_ms: after a close the device is neither suspended nor
 *	opened, and so not reset, for so long
 * @power_cycle: rtd3/power_cycle_on_close: a device that cannot be reset loses
 *	power instead
 * @until: end of the settle time; dev_set->lock
 * @work: releases the reference that keeps the device from being suspended
 * @power_cycles: power cycles made in place of a reset; dev_set->lock
 */
struct rtd3_close {
	unsigned int settle_ms;
	bool power_cycle;
	ktime_t until;
	struct delayed_work work;
	u64 power_cycles;
};

struct rtd3_device;

void rtd3_close_init(struct rtd3_device *rdev);
void rtd3_close_stop(struct rtd3_device *rdev);
int rtd3_close_wait_settled(struct rtd3_device *rdev);
void rtd3_close_await_resets(struct rtd3_device *rdev);
bool rtd3_close_forbid_resets(struct rtd3_device *rdev);
void rtd3_close_allow_resets(struct rtd3_device *rdev, bool locked);
void rtd3_close_device(struct rtd3_device *rdev);

#endif /* RTD3_CLOSE_H */
