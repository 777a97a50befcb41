/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_PM_H
#define RTD3_PM_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <linux/rtd3_vfio_pci.h>

#include "types.h"

/**
 * struct rtd3_pm_stats - what happened to a device since it was bound
 * @suspends: runtime suspends that succeeded
 * @resumes: runtime resumes that succeeded, be it in the end
 * @failures: attempts to bring it to D0 after which it did not work
 * @wakes: resumes by cause; they add up to @resumes
 * @time_ns: time spent in each state; a suspend that ends in D3cold counts
 *	as D3cold from its beginning, the port follows within milliseconds; one
 *	that has kept its power meanwhile counts as D3hot
 * @state_ns: time since the last suspend or resume that succeeded; filled in by
 *	rtd3_pm_get_stats()
 * @suspend_ns: duration of the last suspend, of the device itself
 * @resume_ns: duration of the last resume, of the device itself
 * @resume_max_ns: the longest of them
 * @wake_ns: how long the last access that woke the device waited for it: the
 *	port's resume and the device's. Open, close, read() and write(); an
 *	ioctl has waited before the driver hears of it
 * @wake_max_ns: the longest of them
 * @ready_ns: how long the last resume waited for an answer of the device, beyond
 *	what the specification allows it
 * @verify_ns: what the checks of the last resume cost
 * @last_wake: cause of the last resume
 * @last_state: state that the last completed suspend had reached
 * @task: of the last resume that nobody has claimed when it was made: its name, empty
 *	for a work item
 * @pid: and its number
 */
struct rtd3_pm_stats {
	u64 suspends;
	u64 resumes;
	u64 failures;
	u64 wakes[RTD3_WAKE_NR];
	u64 time_ns[RTD3_POWER_NR];
	u64 state_ns;
	u64 suspend_ns;
	u64 resume_ns;
	u64 resume_max_ns;
	u64 wake_ns;
	u64 wake_max_ns;
	u64 ready_ns;
	u64 verify_ns;
	enum rtd3_wake_cause last_wake;
	enum rtd3_depth last_state;
	char task[TASK_COMM_LEN];
	pid_t pid;
};

/**
 * struct rtd3_pm - runtime power management of one device
 * @domain: encloses the PCI bus's callbacks, see pm.c
 * @saved_delay_ms: the device's autosuspend delay before we were bound
 * @idle_work: asks again, after each resume, whether the device may sleep, and
 *	while it may not because of its translations
 * @others: resumes that were not for an access of the device's user
 * @lock: protects all below. Order: innermost, nothing is taken under it;
 *	taken in process context only.
 * @wakers: accesses under way that may wake the device, oldest first
 * @stats: counters; those of the present state are brought up to date by
 *	rtd3_pm_get_stats()
 * @since: until when the present state is counted
 * @turned: when it began
 * @lost: the device does not work: it is in no state that could be accounted for
 * @from: the state that it was in before its first attempt to wake
 * @suspended: the bus's suspend callback has run, its resume callback not yet
 * @cold_ns: what had been counted as D3cold before it was suspended
 * @unclaimed: the last resume has no known cause yet
 * @resumer: the task that did it; compared, never dereferenced
 * @host_since: when the count of @host_wakes began; in the future: not to be told before
 * @host_wakes: wakes by the host since
 */
struct rtd3_pm {
	struct dev_pm_domain domain;
	int saved_delay_ms;
	struct delayed_work idle_work;
	atomic_t others;

	spinlock_t lock; /* see above */
	struct list_head wakers;
	struct rtd3_pm_stats stats;
	ktime_t since;
	ktime_t turned;
	bool lost;
	enum rtd3_depth from;
	bool suspended;
	u64 cold_ns;
	bool unclaimed;
	struct task_struct *resumer;
	ktime_t host_since;
	unsigned int host_wakes;
};

/**
 * struct rtd3_waker - an access under way; lives on the stack of its task
 * @node: in rtd3_pm.wakers
 * @task: who
 * @cause: what a wake by it is counted as
 * @start: when it began
 */
struct rtd3_waker {
	struct list_head node;
	struct task_struct *task;
	enum rtd3_wake_cause cause;
	ktime_t start;
};

struct rtd3_device;

/* Autosuspend delay of a device that is bound, until the user changes it. */
extern unsigned int rtd3_default_autosuspend_ms;

void rtd3_pm_init(struct rtd3_device *rdev);
int rtd3_pm_attach(struct rtd3_device *rdev);
void rtd3_pm_detach(struct rtd3_device *rdev);
void rtd3_pm_wake(struct rtd3_device *rdev);
void rtd3_pm_expect_wake(struct rtd3_device *rdev, struct rtd3_waker *waker,
			 enum rtd3_wake_cause cause);
void rtd3_pm_forget_waker(struct rtd3_device *rdev, struct rtd3_waker *waker);
int rtd3_pm_access_begin(struct rtd3_device *rdev, struct rtd3_waker *waker,
			 enum rtd3_wake_cause cause);
int rtd3_pm_access_checked(struct rtd3_device *rdev, struct rtd3_waker *waker,
			   enum rtd3_wake_cause cause);
void rtd3_pm_access_end(struct rtd3_device *rdev, struct rtd3_waker *waker);
void rtd3_pm_access_drop(struct rtd3_device *rdev, struct rtd3_waker *waker);
void rtd3_pm_claim_wake(struct rtd3_device *rdev, enum rtd3_wake_cause cause);
void rtd3_pm_mark_busy(struct rtd3_device *rdev);
pci_power_t rtd3_pm_state(struct rtd3_device *rdev);
void rtd3_pm_get_stats(struct rtd3_device *rdev, struct rtd3_pm_stats *stats);

#endif /* RTD3_PM_H */
