// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens when a device does not come back.
 *
 *	    a wake fails,                    ladder at its end
 *	    no answer in D0
 *	ok -----------------> recovering ---------------------> failed
 *	^ degraded                |                               |
 *	+-------------------------+-------------------------------+
 *	              it answers, and is what it was
 *
 * While it is not well the device is held active for the runtime PM core, so
 * that its port keeps power and nobody tries again by accident, and has the PCI
 * core's mark for disconnected devices, so that nothing in the kernel waits for
 * it. Accesses wait for the ladder, not long, or get EIO. The ladder runs from a
 * work item, as a runtime PM callback may not suspend its own port:
 *
 *	wait		look again for a while: it may be slow
 *	power-cycle	through the port, twice, if nobody holds the device awake
 *			and every function below the port sleeps; those that do
 *			not work, either, are taken along
 *	reset		of bus or slot, if the device is the only function there
 *
 * After it: mmaps fault, the wakeup and the error eventfd are signalled, a uevent
 * is sent. From then on the device is looked at when it is opened or when
 * somebody writes to rtd3/recover.
 */

#include <linux/delay.h>
#include <linux/eventfd.h>
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>

#include "compat.h"
#include "device.h"
#include "event.h"
#include "recovery.h"
#include "trace.h"

#define RTD3_SILENT_MS		500	/* a device that is reset is silent */
#define RTD3_GATE_MS		2000	/* an access waits for the ladder */
#define RTD3_AGAIN_MS		1200	/* the ladder waits for the device */
#define RTD3_POLL_MS		20
#define RTD3_IDLE_MS		500	/* it waits until nobody holds it awake */
#define RTD3_OFF_MS		250	/* power is off in a power cycle */
#define RTD3_SETTLE_MS		100	/* before and after a bus reset */
#define RTD3_CYCLES		2
#define RTD3_KICK_MS		5000	/* between ladders started by open */

const char * const rtd3_health_names[RTD3_HEALTH_NR] = {
	[RTD3_HEALTH_OK] = "ok",
	[RTD3_HEALTH_DEGRADED] = "degraded",
	[RTD3_HEALTH_RECOVERING] = "recovering",
	[RTD3_HEALTH_FAILED] = "failed",
};

const char * const rtd3_reason_names[RTD3_REASON_NR] = {
	[RTD3_REASON_NONE] = "none",
	[RTD3_REASON_LINK_DOWN] = "link-down",
	[RTD3_REASON_ABSENT] = "no-answer",
	[RTD3_REASON_NOT_READY] = "not-ready",
	[RTD3_REASON_REPLACED] = "replaced",
	[RTD3_REASON_POWER_STATE] = "power-state",
	[RTD3_REASON_CONFIG] = "config-lost",
	[RTD3_REASON_LOST] = "power-lost",
	[RTD3_REASON_REMOVED] = "removed",
	[RTD3_REASON_LINK] = "link-slower",
	[RTD3_REASON_SIBLING] = "sibling-dead",
};

static struct workqueue_struct *rtd3_recovery_wq;

/*
 * Protects the list of all devices, and keeps those in it that do not work from
 * being brought up where they are while a power cycle takes them along. Order:
 * rtd3_recovery.attempt -> this -> rtd3_policy.lock. Held over runtime PM calls,
 * for up to two seconds, but only if some device does not work.
 */
static DEFINE_MUTEX(rtd3_recovery_all_lock);
static LIST_HEAD(rtd3_recovery_all);

static struct rtd3_device *rtd3_from_work(struct work_struct *work)
{
	return container_of(work, struct rtd3_device, recovery.work);
}

/**
 * rtd3_recovery_health - how the device is
 * @rdev: device
 * @reason: why, if it is not ok; may be NULL
 */
enum rtd3_health rtd3_recovery_health(struct rtd3_device *rdev,
				      enum rtd3_reason *reason)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_health health;

	spin_lock(&rec->lock);
	health = rec->health;
	if (reason)
		*reason = rec->reason;
	spin_unlock(&rec->lock);

	return health;
}

/**
 * rtd3_recovery_usable - may somebody touch the device?
 * @rdev: device
 */
bool rtd3_recovery_usable(struct rtd3_device *rdev)
{
	return READ_ONCE(rdev->recovery.health) <= RTD3_HEALTH_DEGRADED;
}

/**
 * rtd3_recovery_report - the device does not work
 * @rdev: device
 * @reason: why
 * @from: the state that it did not come back from, D0 if it was awake
 *
 * Starts the ladder, unless the device is known not to be well.
 *
 * Context: process; takes rtd3_recovery.lock. Runtime PM callbacks may call it.
 */
void rtd3_recovery_report(struct rtd3_device *rdev, enum rtd3_reason reason,
			  enum rtd3_depth from)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	struct pci_dev *pdev = rdev->core.pdev;
	bool started = false;

	pdev->error_state = pci_channel_io_perm_failure;
	pdev->current_state = PCI_D3cold;

	spin_lock(&rec->lock);
	if (rec->health <= RTD3_HEALTH_DEGRADED) {
		started = true;
		WRITE_ONCE(rec->health, RTD3_HEALTH_RECOVERING);
		rec->since = ktime_get();
		rec->from = from;
		rec->cycles = 0;
		rec->unfinished = true;
	}
	rec->reason = reason;
	rec->clean = 0;
	if (!rec->pinned) {
		pm_runtime_get_noresume(&pdev->dev);
		rec->pinned = true;
	}
	if (started && !rec->stopped)
		queue_work(rtd3_recovery_wq, &rec->work);
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
 * rtd3_recovery_lost - a device in D0 does not answer
 * @rdev: device
 *
 * Context: as rtd3_recovery_report().
 */
void rtd3_recovery_lost(struct rtd3_device *rdev)
{
	rtd3_recovery_report(rdev, rtd3_wake_slot_empty(rdev->core.pdev) ?
			     RTD3_REASON_REMOVED : RTD3_REASON_LOST,
			     RTD3_POWER_D0);
}

/**
 * rtd3_recovery_well - the device works
 * @rdev: device, just brought to D0 and checked
 * @degraded: what is worse than it was, though it works
 *
 * Whoever made a device work that was not well has to tell, and to lift what
 * the failure brought about, by rtd3_recovery_finish().
 *
 * Context: process; takes rtd3_recovery.lock. Runtime PM callbacks may call it.
 */
void rtd3_recovery_well(struct rtd3_device *rdev, enum rtd3_reason degraded)
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
	if (cycles && rec->clean >= cycles && !rec->stopped &&
	    READ_ONCE(rdev->policy.fallback) != RTD3_POWER_D3COLD)
		queue_work(rtd3_recovery_wq, &rec->work);
	spin_unlock(&rec->lock);

	if (degraded && (news || again))
		pci_warn(rdev->core.pdev, "works, but not as before: %s\n",
			 rtd3_reason_names[degraded]);
	if (news)
		rtd3_event_health(rdev, degraded ? RTD3_HEALTH_DEGRADED :
						   RTD3_HEALTH_OK, degraded);
	wake_up_all(&rec->done);
}

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

static bool rtd3_recovery_hurried(struct rtd3_device *rdev)
{
	return atomic_read(&rdev->recovery.impatient) ||
	       READ_ONCE(rdev->recovery.stopped);
}

/* Bring it up where it is: held active, it has no runtime PM callbacks. */
static bool rtd3_recovery_in_place(struct rtd3_device *rdev)
{
	lockdep_assert_held(&rdev->recovery.attempt);

	mutex_lock(&rtd3_recovery_all_lock);
	if (rdev->recovery.pinned)
		rtd3_pm_wake(rdev);
	mutex_unlock(&rtd3_recovery_all_lock);

	return rtd3_recovery_usable(rdev);
}

static bool rtd3_recovery_step_wait(struct rtd3_device *rdev)
{
	ktime_t end = ktime_add_ms(ktime_get(), RTD3_AGAIN_MS);

	while (!rtd3_wake_poll(rdev, 0)) {
		if (rtd3_recovery_hurried(rdev) || ktime_after(ktime_get(), end))
			return false;
		msleep(RTD3_POLL_MS);
	}

	return rtd3_recovery_in_place(rdev);
}

/* Does a power cycle for @rdev concern @other? It and the broken ones. */
static bool rtd3_recovery_goes_along(struct rtd3_device *other,
				     struct rtd3_device *rdev)
{
	return other->core.pdev->bus == rdev->core.pdev->bus &&
	       !rtd3_recovery_usable(other);
}

/* A sibling that is awake may have lost its power without having been missed. */
static void rtd3_recovery_ask_siblings(struct rtd3_device *rdev)
{
	struct rtd3_device *other;

	lockdep_assert_held(&rtd3_recovery_all_lock);

	list_for_each_entry(other, &rtd3_recovery_all, recovery.node)
		if (other->core.pdev->bus == rdev->core.pdev->bus &&
		    rtd3_recovery_usable(other) &&
		    pm_runtime_active(&other->core.pdev->dev) &&
		    !rtd3_wake_poll(other, RTD3_SILENT_MS))
			rtd3_recovery_lost(other);
}

static bool rtd3_recovery_suspend_all(struct rtd3_device *rdev)
{
	struct pci_dev *port = pci_upstream_bridge(rdev->core.pdev);
	struct rtd3_device *other;

	lockdep_assert_held(&rtd3_recovery_all_lock);

	list_for_each_entry(other, &rtd3_recovery_all, recovery.node)
		if (rtd3_recovery_goes_along(other, rdev) &&
		    pm_runtime_suspend(&other->core.pdev->dev) < 0)
			return false;

	return pm_runtime_suspend(&port->dev) >= 0;
}

/* Siblings that work may be about to sleep. */
static void rtd3_recovery_power_off(struct rtd3_device *rdev)
{
	ktime_t end = ktime_add_ms(ktime_get(), RTD3_IDLE_MS);

	while (!rtd3_recovery_suspend_all(rdev)) {
		if (rtd3_recovery_hurried(rdev) || ktime_after(ktime_get(), end))
			return;
		msleep(RTD3_POLL_MS);
	}
	msleep(RTD3_OFF_MS);
}

static void rtd3_recovery_cycle_begin(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	/* An ioctl that waits for us holds the device awake: send it away. */
	WRITE_ONCE(rec->cycling, true);
	wake_up_all(&rec->done);
	rec->cycles++;
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
	if (!rtd3_recovery_usable(rdev))
		rtd3_recovery_report(rdev, rec->reason, rec->from);
	else
		queue_work(rtd3_recovery_wq, &rec->work);
	pm_runtime_put(dev);
}

static bool rtd3_recovery_step_cycle(struct rtd3_device *rdev)
{
	struct pci_dev *port = pci_upstream_bridge(rdev->core.pdev);
	struct rtd3_device *other, *cycled[RTD3_SNAP_SIBLINGS];
	unsigned int i, nr = 0;

	if (!port || !(pci_pr3_present(port) || pci_pr3_present(rdev->core.pdev)))
		return false;

	mutex_lock(&rtd3_recovery_all_lock);
	/* A sibling may have taken it along meanwhile. */
	if (rtd3_recovery_usable(rdev) || rdev->recovery.cycles >= RTD3_CYCLES)
		goto out_unlock;

	rtd3_recovery_ask_siblings(rdev);
	list_for_each_entry(other, &rtd3_recovery_all, recovery.node) {
		if (!rtd3_recovery_goes_along(other, rdev))
			continue;
		if (nr == ARRAY_SIZE(cycled))
			break;
		cycled[nr++] = other;
		rtd3_recovery_cycle_begin(other);
	}
	rtd3_recovery_power_off(rdev);
	for (i = 0; i < nr; i++)
		rtd3_recovery_cycle_end(cycled[i]);

out_unlock:
	mutex_unlock(&rtd3_recovery_all_lock);
	return rtd3_recovery_usable(rdev);
}

static int rtd3_recovery_count(struct pci_dev *pdev, void *data)
{
	++*(unsigned int *)data;

	return 0;
}

static bool rtd3_recovery_step_reset(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	unsigned int functions = 0;
	int ret;

	pci_walk_bus(pdev->bus, rtd3_recovery_count, &functions);
	if (functions != 1 || !pci_upstream_bridge(pdev))
		return false;

	/* Some devices hang if a reset follows a step from D3hot to D0 at once. */
	msleep(RTD3_SETTLE_MS);
	rtd3_wake_own_delay(rdev, true);
	ret = pci_reset_bus(pdev);
	rtd3_wake_own_delay(rdev, false);
	if (ret)
		return false;
	msleep(RTD3_SETTLE_MS);

	return rtd3_wake_poll(rdev, RTD3_AGAIN_MS) &&
	       rtd3_recovery_in_place(rdev);
}

static const struct rtd3_recovery_step {
	const char *name;
	bool (*run)(struct rtd3_device *rdev);
} rtd3_recovery_steps[] = {
	{ "wait", rtd3_recovery_step_wait },
	{ "power-cycle", rtd3_recovery_step_cycle },
	{ "power-cycle", rtd3_recovery_step_cycle },
	{ "reset", rtd3_recovery_step_reset },
};

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

/* The ladder has come to its end without a device. */
static void rtd3_recovery_give_up(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	enum rtd3_reason reason;
	enum rtd3_depth from;
	bool first;

	spin_lock(&rec->lock);
	from = rec->from;
	first = rec->health == RTD3_HEALTH_RECOVERING;
	WRITE_ONCE(rec->health, RTD3_HEALTH_FAILED);
	reason = rec->reason;
	spin_unlock(&rec->lock);

	if (first) {
		pci_err(rdev->core.pdev, "failed: %s after %s; %s\n",
			rtd3_reason_names[reason], rtd3_power_names[from],
			rtd3_recovery_remedy(reason));
		rtd3_recovery_signal(rdev);
		rtd3_event_health(rdev, RTD3_HEALTH_FAILED, reason);
	}
	wake_up_all(&rec->done);
}

/* After a device was not well, and is: undo what that had brought about. */
static void rtd3_recovery_finish(struct rtd3_device *rdev, const char *step)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	s64 ms = ktime_ms_delta(ktime_get(), rec->since);
	enum rtd3_health health;
	enum rtd3_reason reason;

	lockdep_assert_held(&rec->attempt);

	if (!rec->unfinished)
		return;
	rec->unfinished = false;

	rtd3_policy_unblock(rdev);
	rtd3_recovery_unpin(rdev);
	pci_info(rdev->core.pdev, "works again after %lld ms (%s)\n", ms, step);
	health = rtd3_recovery_health(rdev, &reason);
	rtd3_event_health(rdev, health, reason);
}

/* Up the ladder; @wait: with the first step, which only takes time. */
static void rtd3_recovery_climb(struct rtd3_device *rdev, bool wait)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	size_t i;

	lockdep_assert_held(&rec->attempt);

	for (i = wait ? 0 : 1; i < ARRAY_SIZE(rtd3_recovery_steps); i++) {
		const struct rtd3_recovery_step *step = &rtd3_recovery_steps[i];
		bool good;

		if (rtd3_recovery_hurried(rdev) ||
		    READ_ONCE(rec->reason) == RTD3_REASON_REMOVED)
			break;
		good = step->run(rdev);
		trace_rtd3_recover(rdev->core.pdev, step->name, good);
		if (good) {
			rtd3_recovery_finish(rdev, step->name);
			return;
		}
	}
	/* A task that closes the device has only interrupted us. */
	if (!atomic_read(&rec->impatient))
		rtd3_recovery_give_up(rdev);
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
	if (rtd3_recovery_usable(rdev)) {
		rtd3_recovery_finish(rdev, "with a sibling");
		if (cycles && READ_ONCE(rec->clean) >= cycles) {
			rtd3_policy_lift_fallback(rdev, 1);
			WRITE_ONCE(rec->clean, 0);
		}
	} else {
		rtd3_policy_block(rdev);
		if (rtd3_recovery_blames_sleep(rec))
			rtd3_policy_fall_back(rdev, rec->from - 1, rec->reason);
		rtd3_recovery_climb(rdev, true);
	}
	mutex_unlock(&rec->attempt);
}

/**
 * rtd3_recovery_wait - let an access through, or not
 * @rdev: device
 * @held_awake: the caller holds a runtime PM reference that stands against a
 *	power cycle
 *
 * Waits for the ladder, but no longer than 2 s.
 *
 * Context: process, sleeps; none of our locks held.
 * Return: 0; -EIO if the device does not work; -EINTR.
 */
int rtd3_recovery_wait(struct rtd3_device *rdev, bool held_awake)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	long ret;

	if (likely(rtd3_recovery_usable(rdev)))
		return 0;

	ret = wait_event_killable_timeout(rec->done,
					  READ_ONCE(rec->health) !=
						  RTD3_HEALTH_RECOVERING ||
					  (held_awake && READ_ONCE(rec->cycling)),
					  msecs_to_jiffies(RTD3_GATE_MS));
	if (ret < 0)
		return -EINTR;

	return rtd3_recovery_usable(rdev) ? 0 : -EIO;
}

/**
 * rtd3_recovery_check - is the device, which is awake, still there?
 * @rdev: device, held awake
 *
 * Return: 0 or -EIO; then the ladder has been started.
 */
int rtd3_recovery_check(struct rtd3_device *rdev)
{
	if (unlikely(!rtd3_recovery_usable(rdev)))
		return -EIO;
	if (likely(rtd3_wake_answers(rdev)))
		return 0;

	/* Resets by the user are made under it. Others take their time, too. */
	down_read(&rdev->core.memory_lock);
	up_read(&rdev->core.memory_lock);
	if (rtd3_wake_poll(rdev, RTD3_SILENT_MS))
		return 0;

	rtd3_recovery_lost(rdev);

	return -EIO;
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
		queue_work(rtd3_recovery_wq, &rec->work);
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

	if (rtd3_recovery_health(rdev, &reason) != RTD3_HEALTH_FAILED)
		return rtd3_recovery_wait(rdev, false);

	if (rtd3_wake_answers(rdev) && reason != RTD3_REASON_REPLACED) {
		rtd3_recovery_hold(rdev);
		if (!rtd3_recovery_usable(rdev) && rtd3_recovery_in_place(rdev))
			rtd3_recovery_finish(rdev, "open");
		rtd3_recovery_release(rdev);
		if (rtd3_recovery_usable(rdev))
			return 0;
	}

	spin_lock(&rec->lock);
	if (!rec->stopped && (!rec->kicked ||
			      time_after(jiffies, rec->kicked +
					 msecs_to_jiffies(RTD3_KICK_MS)))) {
		rec->kicked = jiffies ?: 1;
		rec->cycles = 0;
		kick = true;
		queue_work(rtd3_recovery_wq, &rec->work);
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
	if (!rtd3_recovery_usable(rdev)) {
		/* A hot-plug driver may not have taken the device away yet. */
		if (rec->reason == RTD3_REASON_REMOVED &&
		    !rtd3_wake_slot_empty(rdev->core.pdev))
			WRITE_ONCE(rec->reason, RTD3_REASON_LOST);
		rec->cycles = 0;
		if (rtd3_wake_answers(rdev) && rtd3_recovery_in_place(rdev))
			rtd3_recovery_finish(rdev, "recover");
		else
			rtd3_recovery_climb(rdev, false);
	}
	rtd3_recovery_release(rdev);

	if (rtd3_recovery_health(rdev, &reason) <= RTD3_HEALTH_DEGRADED)
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

	mutex_lock(&rtd3_recovery_all_lock);
	list_add_tail(&rec->node, &rtd3_recovery_all);
	mutex_unlock(&rtd3_recovery_all_lock);
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
	mutex_lock(&rtd3_recovery_all_lock);
	list_del_init(&rec->node);
	mutex_unlock(&rtd3_recovery_all_lock);
	cancel_work_sync(&rec->work);

	/* It may have lost its power without anybody having seen it. */
	rtd3_recovery_check(rdev);
	if (rec->health > RTD3_HEALTH_DEGRADED &&
	    rec->reason != RTD3_REASON_REMOVED)
		rdev->core.pdev->error_state = pci_channel_io_normal;
	rtd3_recovery_unpin(rdev);
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
