// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the device works: who says so, and who has to know before touching it.
 *
 *	    a wake fails,                    all was tried
 *	    no answer in D0
 *	ok -----------------> recovering ---------------------> failed
 *	^ degraded                |                               |
 *	+-------------------------+-------------------------------+
 *	              it answers, and is what it was
 *
 * While it is not well the device is held active for the runtime PM core, so
 * that its port keeps power and nobody tries again by accident. Accesses wait for
 * the recovery steps, not long, or get EIO. One that has failed for good has the PCI
 * core's mark for disconnected devices, so that nothing in the kernel waits for it;
 * not before, as AER would give its siblings up for such a device.
 */

#include <linux/jiffies.h>
#include <linux/pm_runtime.h>
#include <linux/suspend.h>
#include <linux/uaccess.h>

#include "core.h"
#include "device.h"
#include "event.h"
#include "health.h"
#include "verify.h"

#define RTD3_FREEZE_MS		5000	/* the freezer waits for 20 s */
#define RTD3_SILENT_MS		500	/* a device that is reset is silent */
#define RTD3_GLANCE_MS		100	/* between two looks at one that is in use */

static struct workqueue_struct *rtd3_health_wq;

unsigned int rtd3_fallback_cycles;

/**
 * rtd3_health_queue - let the recovery look after the device
 * @rdev: device that is not being unbound
 *
 * Context: any.
 */
void rtd3_health_queue(struct rtd3_device *rdev)
{
	mod_delayed_work(rtd3_health_wq, &rdev->recovery.work, 0);
}

/**
 * rtd3_health_queue_later - the same, once there is time for it
 * @rdev: device that is not being unbound
 *
 * Context: any.
 */
void rtd3_health_queue_later(struct rtd3_device *rdev)
{
	queue_delayed_work(rtd3_health_wq, &rdev->recovery.work, HZ);
}

/**
 * rtd3_health_get - how the device is, for those who ask
 * @rdev: device
 * @reason: why, if it is not ok; may be NULL
 *
 * Until it may be used again a device that came back is recovering.
 */
enum rtd3_health rtd3_health_get(struct rtd3_device *rdev,
				 enum rtd3_reason *reason)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_health health;

	spin_lock(&rec->lock);
	health = rec->health;
	if (health <= RTD3_HEALTH_DEGRADED && rec->unfinished)
		health = RTD3_HEALTH_RECOVERING;
	if (reason)
		*reason = rec->reason;
	spin_unlock(&rec->lock);

	return health;
}

/**
 * rtd3_health_report - the device does not work
 * @rdev: device
 * @reason: why
 * @from: the state that it did not come back from, D0 if it was awake
 *
 * Starts its recovery, unless the device is known not to be well.
 *
 * Context: process; takes rtd3_recovery.lock. Runtime PM callbacks may call it.
 */
void rtd3_health_report(struct rtd3_device *rdev, enum rtd3_reason reason,
			enum rtd3_depth from)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	struct pci_dev *pdev = rdev->core.pdev;
	bool started = false;

	rtd3_core_set_state(pdev, PCI_UNKNOWN);

	spin_lock(&rec->lock);
	if (rec->health <= RTD3_HEALTH_DEGRADED) {
		started = true;
		WRITE_ONCE(rec->health, RTD3_HEALTH_RECOVERING);
		rec->since = ktime_get();
		rec->from = from;
		rtd3_recovery_anew(rec);
		rec->cut_short = READ_ONCE(rtd3_freeze_by);
		rec->told = false;
		WRITE_ONCE(rec->unfinished, true);
	}
	rec->reason = reason;
	rec->clean = 0;
	if (!rec->pinned) {
		pm_runtime_get_noresume(&pdev->dev);
		rec->pinned = true;
	}
	if (started && !rec->stopped)
		rtd3_health_queue(rdev);
	spin_unlock(&rec->lock);

	if (started)
		pci_warn(pdev, "%s %s (%s)%s\n",
			 from == RTD3_POWER_D0 ? "no answer in" :
						 "did not come back from",
			 rtd3_power_names[from], rtd3_reason_names[reason],
			 rec->stopped || reason == RTD3_REASON_REMOVED ?
			 "" : "; trying to get it back");
}

/**
 * rtd3_health_lost - a device in D0 does not answer
 * @rdev: device
 *
 * Context: as rtd3_health_report().
 */
void rtd3_health_lost(struct rtd3_device *rdev)
{
	rtd3_health_report(rdev, rtd3_verify_slot_empty(rdev->core.pdev) ?
			     RTD3_REASON_REMOVED : RTD3_REASON_LOST,
			     RTD3_POWER_D0);
}

/**
 * rtd3_health_well - the device works
 * @rdev: device, just brought to D0 and checked
 * @degraded: what is worse than it was, though it works
 *
 * Whoever made a device work that was not well has to tell, and to lift what
 * the failure brought about, by rtd3_recovery_finish().
 *
 * Context: process; takes rtd3_recovery.lock. Runtime PM callbacks may call it.
 */
void rtd3_health_well(struct rtd3_device *rdev, enum rtd3_reason degraded)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	unsigned int cycles = READ_ONCE(rtd3_fallback_cycles);
	bool news, again;

	spin_lock(&rec->lock);
	news = rec->reason != degraded && rec->health <= RTD3_HEALTH_DEGRADED;
	again = rec->health > RTD3_HEALTH_DEGRADED;
	WRITE_ONCE(rec->health, degraded ? RTD3_HEALTH_DEGRADED :
					   RTD3_HEALTH_OK);
	rec->reason = degraded;
	rec->recoveries += again;
	if (!again)
		rec->clean++;
	/* Lifting the fallback limit needs a lock that only the work may take. */
	if (cycles && rec->clean >= cycles && !rec->stopped)
		rtd3_health_queue(rdev);
	spin_unlock(&rec->lock);

	if (degraded && (news || again))
		pci_warn(rdev->core.pdev, "works, but not as before: %s\n",
			 rtd3_reason_names[degraded]);
	if (news)
		rtd3_event_health(rdev, degraded ? RTD3_HEALTH_DEGRADED :
						   RTD3_HEALTH_OK, degraded);
	wake_up_all(&rec->done);
}

/*
 * rtd3_health_wait_ms - let an access through, or not
 * @rdev: device
 * @held_awake: the caller holds a runtime PM reference that stands against a
 *	power cycle
 * @ms: how long to wait for its recovery
 *
 * Context: process, sleeps; rtd3_recovery.attempt not held.
 * Return: 0; -EIO if the device does not work; -EINTR.
 */
static int rtd3_health_wait_ms(struct rtd3_device *rdev, bool held_awake,
			       unsigned int ms)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	long ret;

	if (likely(rtd3_health_ready(rdev)))
		return 0;

	ret = wait_event_killable_timeout(rec->done, rtd3_health_ready(rdev) ||
					  READ_ONCE(rec->health) ==
						  RTD3_HEALTH_FAILED ||
					  (held_awake && READ_ONCE(rec->cycling)),
					  msecs_to_jiffies(ms));
	if (ret < 0)
		return -EINTR;

	return rtd3_health_ready(rdev) ? 0 : -EIO;
}

/* Alive, or even back, it is worth waiting for, unless it goes, or the system sleeps. */
static bool rtd3_health_slow(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	return (rtd3_health_usable(rdev) ||
		(READ_ONCE(rec->health) == RTD3_HEALTH_RECOVERING &&
		 READ_ONCE(rec->reason) == RTD3_REASON_NOT_READY)) &&
	       !READ_ONCE(rec->leaving) && !READ_ONCE(rtd3_freeze_by);
}

/**
 * rtd3_health_wait - let an access through, or not
 * @rdev: device, not held awake by the caller
 * @patient: the outcome is worth waiting for, if the device is alive and only slow
 *
 * Context: process, sleeps up to RTD3_GATE_MS, or RTD3_RETRY_MS and that;
 * rtd3_recovery.attempt not held.
 * Return: 0; -EIO if the device does not work; -EINTR.
 */
int rtd3_health_wait(struct rtd3_device *rdev, bool patient)
{
	ktime_t end = ktime_add_ms(ktime_get(), RTD3_RETRY_MS);
	int ret;

	do {
		ret = rtd3_health_wait_ms(rdev, false, RTD3_GATE_MS);
	} while (ret == -EIO && patient && rtd3_health_slow(rdev) &&
		 ktime_before(ktime_get(), end));

	return ret;
}

/**
 * rtd3_health_check - is the device, which is awake, still there?
 * @rdev: device, held awake
 *
 * Return: 0 or -EIO; then its recovery has been started.
 */
int rtd3_health_check(struct rtd3_device *rdev)
{
	if (unlikely(!rtd3_health_usable(rdev)))
		return -EIO;
	if (likely(rtd3_resume_answers(rdev))) {
		WRITE_ONCE(rdev->recovery.looked, jiffies);
		return 0;
	}

	/* Resets by the user are made under it. Others take their time, too. */
	down_read(&rdev->core.memory_lock);
	up_read(&rdev->core.memory_lock);
	if (rtd3_resume_poll(rdev, RTD3_SILENT_MS))
		return 0;
	/* Somebody else may have found out first, and be about to help. */
	if (rtd3_health_usable(rdev))
		rtd3_health_lost(rdev);

	return -EIO;
}

static bool rtd3_health_looked(struct rtd3_device *rdev)
{
	return time_before(jiffies, READ_ONCE(rdev->recovery.looked) +
				    msecs_to_jiffies(RTD3_GLANCE_MS));
}

/*
 * What is in use is awake, but nobody holds it: its user may enter low power just now.
 * Whoever does that has a reference until others can see it, and then ours counts.
 */
static int rtd3_health_check_in_use(struct rtd3_device *rdev)
{
	struct device *dev = &rdev->core.pdev->dev;
	int ret = 0;

	pm_runtime_get_noresume(dev);
	/* Owners are told before whoever enters lets go. */
	smp_mb__after_atomic();
	if (rtd3_in_use(rdev) && pm_runtime_active(dev)) {
		ret = rtd3_health_check(rdev);
		pm_runtime_mark_last_busy(dev);
	}
	pm_runtime_put(dev);

	return ret;
}

/**
 * rtd3_health_glance - rtd3_health_check() for what is done all the time
 * @rdev: device, open; not asked if it is not in use
 *
 * The device is asked if it was not within the last RTD3_GLANCE_MS: its answer takes as long
 * as many an access.
 *
 * Return: as rtd3_health_check().
 */
int rtd3_health_glance(struct rtd3_device *rdev)
{
	return rtd3_health_looked(rdev) ? 0 : rtd3_health_check_in_use(rdev);
}

/**
 * rtd3_health_check_read - has the device answered, or was there nobody?
 * @rdev: device, open; not asked if it is not in use
 * @buf: what was read, user memory
 * @count: how much, more than 0
 *
 * All ones are what a device reads as that is not there.
 *
 * Context: process.
 * Return: as rtd3_health_check().
 */
int rtd3_health_check_read(struct rtd3_device *rdev, const char __user *buf,
			   size_t count)
{
	u8 last;

	if (rtd3_health_looked(rdev) &&
	    !get_user(last, (const u8 __user *)buf + count - 1) && last != 0xff)
		return 0;

	return rtd3_health_check_in_use(rdev);
}

/**
 * rtd3_health_enter - may an ioctl reach the device?
 * @rdev: device, held awake by the VFIO core or by the caller
 * @ms: how long to wait for its recovery, no longer than RTD3_GATE_MS
 *
 * Context: as rtd3_health_wait().
 * Return: 0; -EIO if the device does not work; -EINTR.
 */
int rtd3_health_enter(struct rtd3_device *rdev, unsigned int ms)
{
	return rtd3_health_wait_ms(rdev, true, ms) ?: rtd3_health_check(rdev);
}

/* Before tasks are frozen, and after they are thawed. */
static int rtd3_health_pm_event(struct notifier_block *nb, unsigned long event,
				void *data)
{
	bool sleeps = event == PM_SUSPEND_PREPARE ||
		      event == PM_HIBERNATION_PREPARE ||
		      event == PM_RESTORE_PREPARE;

	WRITE_ONCE(rtd3_freeze_by,
		   sleeps ? ktime_add_ms(ktime_get(), RTD3_FREEZE_MS) : 0);

	return NOTIFY_DONE;
}

static struct notifier_block rtd3_health_pm_nb = {
	.notifier_call = rtd3_health_pm_event,
};

/**
 * rtd3_health_module_init - what all devices share
 *
 * Freezable: nobody is brought up while the system sleeps.
 *
 * Return: 0 or a negative error.
 */
int rtd3_health_module_init(void)
{
	int ret;

	rtd3_health_wq = alloc_workqueue("rtd3_recovery",
					 WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!rtd3_health_wq)
		return -ENOMEM;

	ret = register_pm_notifier(&rtd3_health_pm_nb);
	if (ret)
		destroy_workqueue(rtd3_health_wq);

	return ret;
}

/**
 * rtd3_health_module_exit - the opposite
 */
void rtd3_health_module_exit(void)
{
	unregister_pm_notifier(&rtd3_health_pm_nb);
	destroy_workqueue(rtd3_health_wq);
}
