// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when a device does not come back. What is tried, step by step, from a
 * work item or for somebody who has asked, as a runtime PM callback may not suspend
 * its own port; the least violent first:
 *
 *	wait		look again for a while: it may be slow. As long as it asks for a
 *			retry it is alive, and is waited for as the PCI core does
 *	power-cycle	of its power set, twice, if nobody holds the device awake and
 *			every other function of the set sleeps; those that do not work,
 *			either, are taken along
 *	reset		of its bus or slot, then of the bus above, up to the power port
 *	link		off and on, at each port on the same way
 *
 * For the last two see busreset.c. The power cycle is what the device did not come back
 * from, and repeats what it is made for; more firmware is hurt by a reset.
 * Nothing but the wait is done to one that asks for a retry: it would begin anew.
 *
 * At the end of it mmaps fault, the wakeup and the error eventfd are signalled, a
 * uevent is sent. From then on the device is looked at when it is opened, or when
 * somebody writes to rtd3/recover. Once it works again, by whatever means, all that
 * is undone.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>
#include <linux/sched/signal.h>

#include "busreset.h"
#include "device.h"
#include "event.h"
#include "powerset.h"
#include "recovery.h"
#include "trace.h"
#include "verify.h"

#define RTD3_TRY_MS		5000	/* between attempts started by open */
#define RTD3_AGAIN_MS		1000	/* wait for a device that is silent */
#define RTD3_TELL_MS		10000	/* and say so of one that is not */
#define RTD3_POLL_MS		20
#define RTD3_SILENT_MS		500	/* a sibling that is reset is silent */
#define RTD3_CYCLES		2

static struct rtd3_device *rtd3_from_work(struct work_struct *work)
{
	return container_of(to_delayed_work(work), struct rtd3_device,
			    recovery.work);
}

/* The device may suspend: it works, or is going to lose power or its driver. */
static void rtd3_recovery_unpin(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	bool pinned;

	spin_lock(&rec->lock);
	pinned = rec->pinned;
	rec->pinned = false;
	spin_unlock(&rec->lock);

	if (pinned)
		pm_runtime_put(&rdev->core.pdev->dev);
}

/* Somebody waits for the device to be let go, or for the system to sleep. */
static bool rtd3_recovery_must_end(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	lockdep_assert_held(&rec->attempt);

	/* Who writes to recover gives way to unbind; the work goes on for a user. */
	if (atomic_read(&rec->waiters) || READ_ONCE(rec->stopped) ||
	    READ_ONCE(rtd3_freeze_by) || signal_pending(current) ||
	    (READ_ONCE(rec->leaving) && !(current->flags & PF_WQ_WORKER)))
		rec->interrupted = true;

	return rec->interrupted;
}

/*
 * Bring the device up where it is: held active, it has no runtime PM callbacks. Tells
 * whether it works.
 */
static bool rtd3_recovery_in_place_locked(struct rtd3_device *rdev)
{
	lockdep_assert_held(&rdev->recovery.attempt);
	lockdep_assert_held(&rdev->member.set->lock);

	if (rdev->recovery.pinned)
		rtd3_pm_wake(rdev);

	return rtd3_health_usable(rdev);
}

static bool rtd3_recovery_in_place(struct rtd3_device *rdev)
{
	bool works;

	mutex_lock(&rdev->member.set->lock);
	works = rtd3_recovery_in_place_locked(rdev);
	mutex_unlock(&rdev->member.set->lock);

	return works;
}

static bool rtd3_recovery_wait(struct rtd3_device *rdev)
{
	ktime_t start = ktime_get();
	ktime_t heard = start;
	ktime_t told = start;
	ktime_t now;

	while (!rtd3_path_reachable(rdev)) {
		now = ktime_get();
		if (rtd3_path_asks_retry(rdev))
			heard = now;
		if (rtd3_recovery_must_end(rdev) ||
		    ktime_ms_delta(now, heard) > RTD3_AGAIN_MS ||
		    ktime_ms_delta(now, start) > RTD3_RETRY_MS)
			return false;
		if (ktime_ms_delta(now, told) > RTD3_TELL_MS) {
			pci_info(rdev->core.pdev,
				 "alive, but not ready after %lld ms; waiting up to %u ms\n",
				 ktime_ms_delta(now, rdev->recovery.since),
				 RTD3_RETRY_MS);
			told = now;
		}
		msleep(RTD3_POLL_MS);
	}

	return rtd3_recovery_in_place(rdev);
}

/* A sibling that is awake may have lost its power without having been missed. */
static void rtd3_recovery_ask_siblings(struct rtd3_device *rdev)
{
	struct rtd3_powerset *set = rdev->member.set;
	struct rtd3_device *other;

	lockdep_assert_held(&set->lock);

	list_for_each_entry(other, &set->members, member.node)
		if (rtd3_health_usable(other) &&
		    pm_runtime_active(&other->core.pdev->dev) &&
		    !rtd3_resume_poll(other, RTD3_SILENT_MS))
			rtd3_health_lost(other);
}

static void rtd3_recovery_cycle_begin(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	/* An ioctl that waits for us holds the device awake: send it away. */
	WRITE_ONCE(rec->cycling, true);
	wake_up_all(&rec->done);
	rtd3_policy_cycle(rdev, true);
	rtd3_recovery_unpin(rdev);
}

/* The resume callback tries, and pins the device again if it fails. */
static void rtd3_recovery_cycle_end(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	struct device *dev = &rdev->core.pdev->dev;

	pm_runtime_get_sync(dev);
	rtd3_policy_cycle(rdev, false);
	WRITE_ONCE(rec->cycling, false);
	if (!rtd3_health_usable(rdev))
		rtd3_health_report(rdev, rec->reason, rec->from);
	else
		rtd3_health_queue(rdev);
	pm_runtime_put(dev);
}

/* Take the set's lock once nothing stands against the next step; not if there is no time. */
static bool rtd3_recovery_lock_set(struct rtd3_device *rdev,
				   bool (*too_soon)(struct rtd3_device *rdev))
{
	struct mutex *lock = &rdev->member.set->lock;

	mutex_lock(lock);
	while (too_soon(rdev)) {
		mutex_unlock(lock);
		if (rtd3_recovery_must_end(rdev))
			return false;
		msleep(RTD3_POLL_MS);
		mutex_lock(lock);
	}

	return true;
}

/* Nobody is taken along while it is alive, and only slow. That has an end: its own recovery's. */
static bool rtd3_recovery_slow_sibling(struct rtd3_device *rdev)
{
	struct rtd3_powerset *set = rdev->member.set;
	struct rtd3_device *other;
	bool slow = false;

	lockdep_assert_held(&set->lock);

	list_for_each_entry(other, &set->members, member.node)
		slow |= other != rdev && rtd3_path_asks_retry(other) &&
			READ_ONCE(other->recovery.health) == RTD3_HEALTH_RECOVERING;

	return slow;
}

/* Nor is anybody reset whose firmware is still on its way. */
static bool rtd3_recovery_too_early(struct rtd3_device *rdev)
{
	struct rtd3_powerset *set = rdev->member.set;
	struct rtd3_device *other;

	lockdep_assert_held(&set->lock);

	list_for_each_entry(other, &set->members, member.node)
		if (rtd3_resume_reset_in_ms(other))
			return true;

	return rtd3_recovery_slow_sibling(rdev);
}

static bool rtd3_recovery_power_cycle(struct rtd3_device *rdev)
{
	struct rtd3_device *other, *cycled[RTD3_SNAP_SIBLINGS];
	struct rtd3_powerset *set = rdev->member.set;
	unsigned int i, nr = 0;
	bool cut;

	if (!rtd3_powerset_can_cut(rdev) ||
	    !rtd3_recovery_lock_set(rdev, rtd3_recovery_slow_sibling))
		return false;

	/* A sibling may have taken it along meanwhile. */
	if (rtd3_health_usable(rdev) || rdev->recovery.power_cycles >= RTD3_CYCLES)
		goto out_unlock;

	rtd3_recovery_ask_siblings(rdev);
	cycled[nr++] = rdev;
	list_for_each_entry(other, &set->members, member.node)
		if (other != rdev && nr < ARRAY_SIZE(cycled) &&
		    !rtd3_health_usable(other))
			cycled[nr++] = other;
	for (i = 0; i < nr; i++)
		rtd3_recovery_cycle_begin(cycled[i]);
	cut = rtd3_powerset_cut(cycled, nr, rtd3_recovery_must_end);
	for (i = 0; i < nr; i++) {
		cycled[i]->recovery.power_cycles += cut;
		rtd3_recovery_cycle_end(cycled[i]);
	}

out_unlock:
	mutex_unlock(&set->lock);
	return rtd3_health_usable(rdev);
}

/* Is it back, now that it has been reset? */
static bool rtd3_recovery_after_reset(struct rtd3_device *rdev)
{
	unsigned int ms = max(READ_ONCE(rdev->resume.timeout_ms), RTD3_AGAIN_MS + 0U);
	ktime_t end = ktime_add_ms(ktime_get(), ms);

	lockdep_assert_held(&rdev->member.set->lock);

	/* Its firmware begins anew. */
	rtd3_resume_has_power(rdev);
	while (!rtd3_path_reachable(rdev)) {
		if (rtd3_recovery_must_end(rdev) || ktime_after(ktime_get(), end))
			return false;
		msleep(RTD3_POLL_MS);
	}

	return rtd3_recovery_in_place_locked(rdev);
}

/**
 * struct rtd3_reset - a step that strikes all below a bridge
 * @run: does it, see busreset.c
 * @bit: of rtd3_recovery.in_vain
 */
struct rtd3_reset {
	bool (*run)(struct rtd3_device *rdev, struct pci_dev *bridge);
	unsigned int bit;
};

/* The device, and those next to it, which were struck as often and need not begin anew. */
static void rtd3_recovery_was_in_vain(struct rtd3_device *rdev, unsigned int bit)
{
	struct rtd3_powerset *set = rdev->member.set;
	struct rtd3_device *other;

	lockdep_assert_held(&set->lock);

	list_for_each_entry(other, &set->members, member.node)
		if (other->core.pdev->bus == rdev->core.pdev->bus &&
		    !rtd3_health_usable(other))
			other->recovery.in_vain |= bit;
}

static bool rtd3_recovery_by_bridge(struct rtd3_device *rdev, struct pci_dev *bridge,
				    const struct rtd3_reset *reset)
{
	struct rtd3_powerset *set = rdev->member.set;

	if (!rtd3_recovery_lock_set(rdev, rtd3_recovery_too_early))
		return false;
	if (rtd3_health_usable(rdev) || rdev->recovery.in_vain & reset->bit)
		goto out_unlock;
	/* A sibling's reset may have brought it back. */
	if (rtd3_path_reachable(rdev) && rtd3_recovery_in_place_locked(rdev))
		goto out_unlock;
	/* A bridge that does not answer resets nobody. */
	if (rtd3_verify_answers(bridge) && reset->run(rdev, bridge) &&
	    rtd3_recovery_after_reset(rdev))
		goto out_unlock;
	if (bridge == rtd3_powerset_top(rdev))
		rtd3_recovery_was_in_vain(rdev, reset->bit);

out_unlock:
	mutex_unlock(&set->lock);
	return rtd3_health_usable(rdev);
}

/* By each bridge on the way, until it is of use. */
static bool rtd3_recovery_upwards(struct rtd3_device *rdev, const struct rtd3_reset *reset)
{
	struct pci_dev *bridge = pci_upstream_bridge(rdev->core.pdev);
	struct pci_dev *top = rtd3_powerset_top(rdev);

	while (bridge && !rtd3_recovery_must_end(rdev) && !rtd3_path_asks_retry(rdev)) {
		if (rtd3_recovery_by_bridge(rdev, bridge, reset))
			return true;
		bridge = bridge == top ? NULL : pci_upstream_bridge(bridge);
	}

	return false;
}

static bool rtd3_recovery_bus_reset(struct rtd3_device *rdev)
{
	static const struct rtd3_reset bus = { rtd3_busreset_bus, BIT(0) };

	return rtd3_recovery_upwards(rdev, &bus);
}

static bool rtd3_recovery_link(struct rtd3_device *rdev)
{
	static const struct rtd3_reset link = { rtd3_busreset_link, BIT(1) };

	return rtd3_recovery_upwards(rdev, &link);
}

static const struct rtd3_recovery_step {
	const char *name;
	bool (*run)(struct rtd3_device *rdev);
} rtd3_recovery_steps[] = {
	{ "wait", rtd3_recovery_wait },
	{ "power-cycle", rtd3_recovery_power_cycle },
	{ "power-cycle", rtd3_recovery_power_cycle },
	{ "reset", rtd3_recovery_bus_reset },
	{ "link", rtd3_recovery_link },
};

static bool rtd3_recovery_try(struct rtd3_device *rdev, size_t i)
{
	const struct rtd3_recovery_step *step = &rtd3_recovery_steps[i];
	bool good = step->run(rdev);

	trace_rtd3_recover(rdev->core.pdev, step->name, good);

	return good;
}

/* The name of the step after which the device works, or NULL: in vain, or cut short. */
static const char *rtd3_recovery_try_steps(struct rtd3_device *rdev, size_t first)
{
	size_t i;

	lockdep_assert_held(&rdev->recovery.attempt);

	for (i = first; i < ARRAY_SIZE(rtd3_recovery_steps); i++) {
		if (READ_ONCE(rdev->recovery.reason) == RTD3_REASON_REMOVED ||
		    rtd3_recovery_must_end(rdev))
			return NULL;
		if (rtd3_recovery_try(rdev, i))
			return rtd3_recovery_steps[i].name;
		if (rtd3_path_asks_retry(rdev))
			return i && rtd3_recovery_try(rdev, 0) ?
			       rtd3_recovery_steps[0].name : NULL;
	}

	return NULL;
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

/* By the error eventfd (VFIO_PCI_ERR_IRQ_INDEX): what the user had set is lost. */
static void rtd3_recovery_tell_user(struct rtd3_device *rdev)
{
	rdev->recovery.told = true;
	vfio_pci_core_aer_err_detected(rdev->core.pdev, pci_channel_io_frozen);
}

/* Whoever has put the device into low power knows that it comes back without its context. */
static bool rtd3_recovery_surprised_user(struct rtd3_device *rdev)
{
	return !rdev->recovery.told && rdev->recovery.from == RTD3_POWER_D0 &&
	       READ_ONCE(rdev->open) && !rtd3_lowpower_idle(rdev);
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

	rtd3_lowpower_put(rdev, RTD3_OWNER_DEAD);

	spin_lock(&rec->lock);
	health = rec->health;
	reason = rec->reason;
	if (health > RTD3_HEALTH_DEGRADED) {
		/* It has failed again meanwhile: the work is queued for that. */
		spin_unlock(&rec->lock);
		return;
	}
	WRITE_ONCE(rec->unfinished, false);
	pinned = rec->pinned;
	rec->pinned = false;
	spin_unlock(&rec->lock);
	/* Who has waited for it shall find it awake. */
	rtd3_pm_mark_busy(rdev);
	wake_up_all(&rec->done);
	if (pinned)
		pm_runtime_put(&rdev->core.pdev->dev);

	pci_info(rdev->core.pdev, "works again after %lld ms (%s)\n", ms, step);
	if (rtd3_recovery_surprised_user(rdev))
		rtd3_recovery_tell_user(rdev);
	rtd3_event_health(rdev, health, reason);
}

/*
 * It may not sleep so deep any more. A device that was taken away or exchanged says
 * nothing against sleeping, nor does one that is slow, unless it is too slow.
 */
static void rtd3_recovery_learn(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	if (rec->from != RTD3_POWER_D0 && !rec->cut_short &&
	    rec->reason != RTD3_REASON_REMOVED &&
	    rec->reason != RTD3_REASON_REPLACED &&
	    (rec->reason != RTD3_REASON_NOT_READY ||
	     rec->health == RTD3_HEALTH_FAILED))
		rtd3_policy_fall_back(rdev, rec->from - 1, rec->reason);
}

/* All has been tried; most likely in vain. */
static void rtd3_recovery_give_up(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_reason reason;
	enum rtd3_depth from;
	bool works, first;

	lockdep_assert_held(&rec->attempt);

	/* No sibling's power cycle brings it back while it is marked. */
	mutex_lock(&rdev->member.set->lock);
	spin_lock(&rec->lock);
	from = rec->from;
	reason = rec->reason;
	works = rec->health <= RTD3_HEALTH_DEGRADED;
	first = rec->health == RTD3_HEALTH_RECOVERING;
	if (!works)
		WRITE_ONCE(rec->health, RTD3_HEALTH_FAILED);
	spin_unlock(&rec->lock);
	if (!works)
		rtd3_resume_mark(rdev);
	mutex_unlock(&rdev->member.set->lock);

	/* Somebody else's power cycle has brought it back at the last moment. */
	if (works)
		rtd3_recovery_finish(rdev, "with a sibling");
	else
		rtd3_recovery_learn(rdev);

	if (first) {
		pci_err(rdev->core.pdev, "failed: %s after %s; %s\n",
			rtd3_reason_names[reason], rtd3_power_names[from],
			rtd3_recovery_remedy(reason));
		rtd3_recovery_tell_user(rdev);
		rtd3_event_health(rdev, RTD3_HEALTH_FAILED, reason);
	}
	wake_up_all(&rec->done);
}

static void rtd3_recovery_run_steps(struct rtd3_device *rdev, size_t first)
{
	const char *step;

	rdev->recovery.interrupted = false;
	step = rtd3_recovery_try_steps(rdev, first);
	if (step)
		rtd3_recovery_finish(rdev, step);
	else if (!rtd3_recovery_must_end(rdev))
		rtd3_recovery_give_up(rdev);
}

/* It was cut short, and goes on when there is time: the queue sleeps with the system. */
static void rtd3_recovery_postpone(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	spin_lock(&rec->lock);
	if (!rec->stopped && rec->health == RTD3_HEALTH_RECOVERING)
		rtd3_health_queue_later(rdev);
	spin_unlock(&rec->lock);
}

static void rtd3_recovery_work(struct work_struct *work)
{
	struct rtd3_device *rdev = rtd3_from_work(work);
	struct rtd3_recovery *rec = &rdev->recovery;
	unsigned int cycles = READ_ONCE(rtd3_fallback_cycles);

	mutex_lock(&rec->attempt);
	if (rtd3_health_usable(rdev)) {
		rtd3_recovery_finish(rdev, "with a sibling");
		/* Clean wakes from D3hot say nothing against what others have seen. */
		if (cycles && READ_ONCE(rec->clean) >= cycles &&
		    READ_ONCE(rdev->policy.fallback_reason) != RTD3_REASON_KNOWN_BAD) {
			rtd3_policy_lift_fallback(rdev, 1);
			WRITE_ONCE(rec->clean, 0);
		}
	} else {
		rtd3_lowpower_get(rdev, RTD3_OWNER_DEAD);
		rtd3_recovery_learn(rdev);
		rtd3_recovery_run_steps(rdev, 0);
		rtd3_recovery_postpone(rdev);
	}
	mutex_unlock(&rec->attempt);
}

/**
 * rtd3_recovery_hold - no attempt from now on
 * @rdev: device
 *
 * Ends what is being tried, after its present step.
 *
 * Context: process, sleeps for the rest of a step, rtd3/wake_timeout_ms for one; takes
 * rtd3_recovery.attempt.
 */
void rtd3_recovery_hold(struct rtd3_device *rdev)
{
	atomic_inc(&rdev->recovery.waiters);
	mutex_lock(&rdev->recovery.attempt);
	atomic_dec(&rdev->recovery.waiters);
}

/**
 * rtd3_recovery_release - attempts may go on
 * @rdev: device
 *
 * Releases rtd3_recovery.attempt, and takes up again what rtd3_recovery_hold() has
 * ended.
 */
void rtd3_recovery_release(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	spin_lock(&rec->lock);
	if (rec->health == RTD3_HEALTH_RECOVERING && !rec->stopped)
		rtd3_health_queue(rdev);
	spin_unlock(&rec->lock);
	mutex_unlock(&rec->attempt);
}

/**
 * rtd3_recovery_open - may the device be opened?
 * @rdev: device
 *
 * A failed device that answers is brought to health. One that does not is
 * refused at once; for the next open all is tried, if that is long ago.
 *
 * Context: open, dev_set->lock held.
 * Return: 0; -EIO, after a message.
 */
int rtd3_recovery_open(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_reason reason;
	bool again = false;

	if (rtd3_health_get(rdev, &reason) != RTD3_HEALTH_FAILED)
		return rtd3_health_wait(rdev, true);

	if (rtd3_path_reachable(rdev) && reason != RTD3_REASON_REPLACED) {
		rtd3_recovery_hold(rdev);
		if (!rtd3_health_usable(rdev) && rtd3_recovery_in_place(rdev))
			rtd3_recovery_finish(rdev, "open");
		rtd3_recovery_release(rdev);
		if (rtd3_health_usable(rdev))
			return 0;
	}

	spin_lock(&rec->lock);
	if (!rec->stopped && (!rec->tried ||
			      time_after(jiffies, rec->tried +
					 msecs_to_jiffies(RTD3_TRY_MS)))) {
		rec->tried = jiffies ?: 1;
		rtd3_recovery_anew(rec);
		again = true;
		rtd3_health_queue(rdev);
	}
	spin_unlock(&rec->lock);
	if (again)
		pci_err(rdev->core.pdev, "open refused, the device has failed (%s); %s\n",
			rtd3_reason_names[reason], rtd3_recovery_remedy(reason));

	return -EIO;
}

/**
 * rtd3_recovery_now - rtd3/recover: do all there is to bring the device back
 * @rdev: device
 *
 * Context: process, sleeps up to some seconds, or RTD3_RETRY_MS, a signal ends it; takes
 * rtd3_recovery.attempt.
 * Return: 0 if the device works; -ENODEV if it is gone from its slot; -EINTR; -EIO.
 */
int rtd3_recovery_now(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_reason reason;
	bool slow;
	int ret;

	atomic_inc(&rec->waiters);
	ret = mutex_lock_interruptible(&rec->attempt);
	atomic_dec(&rec->waiters);
	if (ret)
		return ret;
	if (rtd3_health_usable(rdev)) {
		rtd3_recovery_finish(rdev, "with a sibling");
	} else {
		/* A hot-plug driver may not have taken the device away yet. */
		if (rec->reason == RTD3_REASON_REMOVED &&
		    !rtd3_verify_slot_empty(rdev->core.pdev))
			WRITE_ONCE(rec->reason, RTD3_REASON_LOST);
		rtd3_recovery_anew(rec);
		/* Failed, it has been waited for. */
		slow = rec->health == RTD3_HEALTH_RECOVERING &&
		       rtd3_path_asks_retry(rdev);
		if (rtd3_path_reachable(rdev) && rtd3_recovery_in_place(rdev))
			rtd3_recovery_finish(rdev, "recover");
		else
			rtd3_recovery_run_steps(rdev, slow ? 0 : 1);
	}
	rtd3_recovery_release(rdev);

	if (rtd3_health_get(rdev, &reason) <= RTD3_HEALTH_DEGRADED)
		return 0;
	if (signal_pending(current))
		return -EINTR;

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
	INIT_DELAYED_WORK(&rec->work, rtd3_recovery_work);
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
	rtd3_powerset_leave(rdev);
	cancel_delayed_work_sync(&rec->work);

	/* It may have lost its power without anybody having seen it. */
	if (!rtd3_health_check(rdev))
		rtd3_resume_repair(rdev);
	else if (rec->reason != RTD3_REASON_REMOVED)
		rtd3_resume_unmark(rdev);
	rtd3_recovery_unpin(rdev);
}
