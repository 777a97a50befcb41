/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_RECOVERY_H
#define RTD3_RECOVERY_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <linux/rtd3_vfio_pci.h>

#include "types.h"

/**
 * struct rtd3_recovery - is the device well, and what is done if it is not
 * @attempt: one attempt to bring the device back at a time, and none while it
 *	is closed. Order: dev_set->lock -> this -> rtd3_policy.lock ->
 *	memory_lock. Held over runtime PM calls, so no runtime PM callback may
 *	take it.
 * @work: tries to get the device back, see recovery.c
 * @done: woken when the health changes
 * @waiters: tasks that wait for @attempt and want what is tried to end early
 * @lock: protects all below. Innermost, as rtd3_pm.lock.
 * @health: how it is
 * @reason: why it is not ok
 * @pinned: we hold a runtime PM reference, so that the device, and its port with
 *	it, is not suspended and resumed again and again while it does not
 *	answer. Given back by whoever may let the device suspend
 * @power_cycles: power cycles since it failed; counted under rtd3_powerset.lock, too
 * @in_vain: steps that have struck it since it failed, though they were a sibling's on the
 *	same bus; written under rtd3_powerset.lock, too
 * @unfinished: what the failure brought about is not undone yet: no access is let
 *	through, though the device may work
 * @cycling: a power cycle needs a device that nobody holds awake
 * @stopped: the device is being unbound
 * @leaving: and nobody shall wait long for it; written without @lock
 * @interrupted: what was tried has ended early; written under @attempt
 * @told: its user has been told of the failure; written under @attempt, or before it
 *	is not well
 * @cut_short: its wake was not waited for as long as it should be
 * @from: the state that it did not come back from
 * @since: when it stopped being well
 * @tried: when a failed open last started an attempt, jiffies
 * @looked: when rtd3_health_check() last had its answer at once, jiffies; without @lock
 * @recoveries: how often it came back after all
 * @clean: wakes since the last failure
 */
struct rtd3_recovery {
	struct mutex attempt; /* see above */
	struct delayed_work work;
	wait_queue_head_t done;
	atomic_t waiters;

	spinlock_t lock; /* see above */
	enum rtd3_health health;
	enum rtd3_reason reason;
	bool pinned;
	unsigned int power_cycles;
	unsigned int in_vain;
	bool unfinished;
	bool cycling;
	bool stopped;
	bool leaving;
	bool interrupted;
	bool told;
	bool cut_short;
	enum rtd3_depth from;
	ktime_t since;
	unsigned long tried;
	unsigned long looked;
	u64 recoveries;
	u64 clean;
};

/* All steps may be tried again. */
static inline void rtd3_recovery_anew(struct rtd3_recovery *rec)
{
	rec->power_cycles = 0;
	rec->in_vain = 0;
}

struct rtd3_device;

void rtd3_recovery_init(struct rtd3_device *rdev);
void rtd3_recovery_stop(struct rtd3_device *rdev);
int rtd3_recovery_open(struct rtd3_device *rdev);
int rtd3_recovery_now(struct rtd3_device *rdev);
void rtd3_recovery_hold(struct rtd3_device *rdev);
void rtd3_recovery_release(struct rtd3_device *rdev);

#endif /* RTD3_RECOVERY_H */
