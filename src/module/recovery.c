// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when a device does not come back: the ladder is climbed from a
 * work item. At its end mmaps fault, the wakeup and the error eventfd are
 * signalled, a uevent is sent. From then on the device is looked at when it is
 * opened, or when somebody writes to rtd3/recover. Once it works again, by
 * whatever means, all that is undone.
 */

#include <linux/eventfd.h>
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>

#include "compat.h"
#include "device.h"
#include "event.h"
#include "ladder.h"
#include "recovery.h"

#define RTD3_KICK_MS		5000	/* between ladders started by open */

static struct workqueue_struct *rtd3_recovery_wq;

static struct rtd3_device *rtd3_from_work(struct work_struct *work)
{
	return container_of(work, struct rtd3_device, recovery.work);
}

/**
 * rtd3_recovery_queue - let the work look after the device
 * @rdev: device that is not being unbound
 *
 * Context: any.
 */
void rtd3_recovery_queue(struct rtd3_device *rdev)
{
	queue_work(rtd3_recovery_wq, &rdev->recovery.work);
}

/**
 * rtd3_recovery_run - let another work of a device run where this one does
 * @work: to be cancelled before the device is unbound
 *
 * Context: any.
 */
void rtd3_recovery_run(struct work_struct *work)
{
	queue_work(rtd3_recovery_wq, work);
}

/* Nothing that has been promised to the user is kept back when all is lost. */
static void rtd3_recovery_signal(struct rtd3_device *rdev)
{
	struct vfio_pci_core_device *core = &rdev->core;

	down_write(&core->memory_lock);
	if (core->pm_wake_eventfd_ctx) {
		rtd3_compat_eventfd_signal(core->pm_wake_eventfd_ctx);
		eventfd_ctx_put(core->pm_wake_eventfd_ctx);
		core->pm_wake_eventfd_ctx = NULL;
	}
	up_write(&core->memory_lock);
	vfio_pci_core_aer_err_detected(core->pdev, pci_channel_io_perm_failure);
}

static const char *rtd3_recovery_remedy(enum rtd3_reason reason)
{
	switch (reason) {
	case RTD3_REASON_REMOVED:
		return "plug it in again";
	case RTD3_REASON_REPLACED:
		return "remove and rescan it, or put the old one back and write 1 to rtd3/recover";
	default:
		return "restore its power, then write 1 to rtd3/recover or open it again";
	}
}

/*
 * After a device was not well, and is: undo what that had brought about. Accesses
 * wait for that: a mapping would get SIGBUS until then.
 */
static void rtd3_recovery_finish(struct rtd3_device *rdev, const char *step)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	s64 ms = ktime_ms_delta(ktime_get(), rec->since);
	enum rtd3_health health;
	enum rtd3_reason reason;
	bool pinned;

	lockdep_assert_held(&rec->attempt);

	if (!READ_ONCE(rec->unfinished) || !rtd3_health_usable(rdev))
		return;

	rtd3_lowpower_release(rdev, RTD3_HELD_DEAD);

	spin_lock(&rec->lock);
	health = rec->health;
	reason = rec->reason;
	if (health > RTD3_HEALTH_DEGRADED) {
		/* It has failed again meanwhile: that has a ladder of its own. */
		spin_unlock(&rec->lock);
		return;
	}
	WRITE_ONCE(rec->unfinished, false);
	pinned = rec->pinned;
	rec->pinned = false;
	spin_unlock(&rec->lock);
	wake_up_all(&rec->done);
	if (pinned)
		pm_runtime_put(&rdev->core.pdev->dev);

	pci_info(rdev->core.pdev, "works again after %lld ms (%s)\n", ms, step);
	rtd3_event_health(rdev, health, reason);
}

/* The ladder has come to its end; most likely without a device. */
static void rtd3_recovery_give_up(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_reason reason;
	enum rtd3_depth from;
	bool works, first;

	lockdep_assert_held(&rec->attempt);

	spin_lock(&rec->lock);
	from = rec->from;
	reason = rec->reason;
	works = rec->health <= RTD3_HEALTH_DEGRADED;
	first = rec->health == RTD3_HEALTH_RECOVERING;
	if (!works)
		WRITE_ONCE(rec->health, RTD3_HEALTH_FAILED);
	spin_unlock(&rec->lock);

	/* Somebody else's power cycle has brought it back at the last moment. */
	if (works)
		rtd3_recovery_finish(rdev, "with a sibling");

	if (first) {
		pci_err(rdev->core.pdev, "failed: %s after %s; %s\n",
			rtd3_reason_names[reason], rtd3_power_names[from],
			rtd3_recovery_remedy(reason));
		rtd3_recovery_signal(rdev);
		rtd3_event_health(rdev, RTD3_HEALTH_FAILED, reason);
	}
	wake_up_all(&rec->done);
}

static void rtd3_recovery_climb(struct rtd3_device *rdev, bool wait)
{
	const char *step = rtd3_ladder_climb(rdev, wait);

	if (step)
		rtd3_recovery_finish(rdev, step);
	else if (!atomic_read(&rdev->recovery.impatient))
		rtd3_recovery_give_up(rdev);
	/* Else a task that closes the device has only interrupted us. */
}

/* A device that was taken away or exchanged says nothing against sleeping. */
static bool rtd3_recovery_blames_sleep(struct rtd3_recovery *rec)
{
	return rec->from != RTD3_POWER_D0 &&
	       rec->reason != RTD3_REASON_REMOVED &&
	       rec->reason != RTD3_REASON_REPLACED;
}

static void rtd3_recovery_work(struct work_struct *work)
{
	struct rtd3_device *rdev = rtd3_from_work(work);
	struct rtd3_recovery *rec = &rdev->recovery;
	unsigned int cycles = READ_ONCE(rtd3_fallback_cycles);

	mutex_lock(&rec->attempt);
	if (rtd3_health_usable(rdev)) {
		rtd3_recovery_finish(rdev, "with a sibling");
		if (cycles && READ_ONCE(rec->clean) >= cycles) {
			rtd3_policy_lift_fallback(rdev, 1);
			WRITE_ONCE(rec->clean, 0);
		}
	} else {
		rtd3_lowpower_hold(rdev, RTD3_HELD_DEAD);
		if (rtd3_recovery_blames_sleep(rec))
			rtd3_policy_fall_back(rdev, rec->from - 1, rec->reason);
		rtd3_recovery_climb(rdev, true);
	}
	mutex_unlock(&rec->attempt);
}

/**
 * rtd3_recovery_hold - no attempt from now on
 * @rdev: device
 *
 * Ends a ladder that runs after its present step.
 *
 * Context: process, sleeps up to 2 s; takes rtd3_recovery.attempt.
 */
void rtd3_recovery_hold(struct rtd3_device *rdev)
{
	atomic_inc(&rdev->recovery.impatient);
	mutex_lock(&rdev->recovery.attempt);
	atomic_dec(&rdev->recovery.impatient);
}

/**
 * rtd3_recovery_release - attempts may go on
 * @rdev: device
 *
 * Releases rtd3_recovery.attempt, and takes a ladder up again that was ended.
 */
void rtd3_recovery_release(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	spin_lock(&rec->lock);
	if (rec->health == RTD3_HEALTH_RECOVERING && !rec->stopped)
		rtd3_recovery_queue(rdev);
	spin_unlock(&rec->lock);
	mutex_unlock(&rec->attempt);
}

/**
 * rtd3_recovery_open - may the device be opened?
 * @rdev: device
 *
 * A failed device that answers is brought to health. One that does not is
 * refused at once; the ladder is run for the next open, if it is long ago.
 *
 * Context: open, dev_set->lock held.
 * Return: 0; -EIO, after a message.
 */
int rtd3_recovery_open(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_reason reason;
	bool kick = false;

	if (rtd3_health_get(rdev, &reason) != RTD3_HEALTH_FAILED)
		return rtd3_health_wait(rdev);

	if (rtd3_wake_answers(rdev) && reason != RTD3_REASON_REPLACED) {
		rtd3_recovery_hold(rdev);
		if (!rtd3_health_usable(rdev) && rtd3_ladder_in_place(rdev))
			rtd3_recovery_finish(rdev, "open");
		rtd3_recovery_release(rdev);
		if (rtd3_health_usable(rdev))
			return 0;
	}

	spin_lock(&rec->lock);
	if (!rec->stopped && (!rec->kicked ||
			      time_after(jiffies, rec->kicked +
					 msecs_to_jiffies(RTD3_KICK_MS)))) {
		rec->kicked = jiffies ?: 1;
		rec->cycles = 0;
		kick = true;
		rtd3_recovery_queue(rdev);
	}
	spin_unlock(&rec->lock);
	if (kick)
		pci_err(rdev->core.pdev, "open refused, the device has failed (%s); %s\n",
			rtd3_reason_names[reason], rtd3_recovery_remedy(reason));

	return -EIO;
}

/**
 * rtd3_recovery_now - rtd3/recover: do all there is to bring the device back
 * @rdev: device
 *
 * Context: process, sleeps up to some seconds; takes rtd3_recovery.attempt.
 * Return: 0 if the device works; -ENODEV if it is gone from its slot; -EIO.
 */
int rtd3_recovery_now(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_reason reason;

	rtd3_recovery_hold(rdev);
	if (rtd3_health_usable(rdev)) {
		rtd3_recovery_finish(rdev, "with a sibling");
	} else {
		/* A hot-plug driver may not have taken the device away yet. */
		if (rec->reason == RTD3_REASON_REMOVED &&
		    !rtd3_wake_slot_empty(rdev->core.pdev))
			WRITE_ONCE(rec->reason, RTD3_REASON_LOST);
		rec->cycles = 0;
		if (rtd3_wake_answers(rdev) && rtd3_ladder_in_place(rdev))
			rtd3_recovery_finish(rdev, "recover");
		else
			rtd3_recovery_climb(rdev, false);
	}
	rtd3_recovery_release(rdev);

	if (rtd3_health_get(rdev, &reason) <= RTD3_HEALTH_DEGRADED)
		return 0;

	return reason == RTD3_REASON_REMOVED ? -ENODEV : -EIO;
}

/**
 * rtd3_recovery_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_recovery_init(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	mutex_init(&rec->attempt);
	INIT_WORK(&rec->work, rtd3_recovery_work);
	init_waitqueue_head(&rec->done);
	spin_lock_init(&rec->lock);
}

/**
 * rtd3_recovery_stop - no attempt any more
 * @rdev: device that has no user any more
 *
 * Leaves the mark for disconnected devices only to one that is gone.
 *
 * Context: remove, device_lock held.
 */
void rtd3_recovery_stop(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	spin_lock(&rec->lock);
	WRITE_ONCE(rec->stopped, true);
	spin_unlock(&rec->lock);
	rtd3_ladder_remove(rdev);
	cancel_work_sync(&rec->work);

	/* It may have lost its power without anybody having seen it. */
	rtd3_health_check(rdev);
	if (rec->health > RTD3_HEALTH_DEGRADED &&
	    rec->reason != RTD3_REASON_REMOVED)
		rdev->core.pdev->error_state = pci_channel_io_normal;
	rtd3_ladder_unpin(rdev);
}

/**
 * rtd3_recovery_module_init - what all devices share
 *
 * Freezable: nobody is brought up while the system sleeps.
 *
 * Return: 0 or -ENOMEM.
 */
int rtd3_recovery_module_init(void)
{
	rtd3_recovery_wq = alloc_workqueue("rtd3_recovery",
					   WQ_UNBOUND | WQ_FREEZABLE, 0);

	return rtd3_recovery_wq ? 0 : -ENOMEM;
}

/**
 * rtd3_recovery_module_exit - the opposite
 */
void rtd3_recovery_module_exit(void)
{
	destroy_workqueue(rtd3_recovery_wq);
}
