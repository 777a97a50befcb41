// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runtime power management of a bound device.
 *
 * vfio_pci_core_register_device() sets driver->pm to its own callbacks at every
 * probe, so a pci_driver of ours cannot have any. They are put around the PCI
 * bus's callbacks instead, with a PM domain for each device, as vga_switcheroo
 * does. That is the better place, too: it sees the whole transition.
 *
 *	open, access, EXIT, close, host ...
 *	      |
 *	rpm_resume --> parent port: power on, link up
 *	      |
 *	rtd3_runtime_resume
 *	      +--> resume.c: waits, checks, restores
 *	      |       +--> pci_pm_runtime_resume
 *	      |              +--> vfio_pci_core: INTx unmasked, wakeup eventfd
 *	      +--> counted, with the state it came from and the cause
 *	      +--> health.c: well, or not
 *	      +--> rtd3_pm_idle_work: may it sleep again?
 *
 *	last reference dropped, autosuspend delay over
 *	      |
 *	rtd3_runtime_suspend
 *	      +--> ats.c: translations blocked
 *	      +--> pci_pm_runtime_suspend: config space saved, to D3hot
 *	      |       +--> vfio_pci_core: INTx masked
 *	      +--> resume.c: remembers what it shall be like
 *	rpm_suspend of the parent port --> power off; the PCI core then sets
 *	      the device's current_state to D3cold
 *
 * Who woke it: the PM core runs the resume callback in the task that asked for
 * it, or, where the port's resume got there first, in a work item that wakes
 * everything below the port. An access through the device's file registers
 * itself before it asks (struct rtd3_waker); the callback looks for its own
 * task and then for any access that waits. The VFIO core takes its reference
 * for an ioctl before it calls the driver: such a wake finds no waker and stays
 * unclaimed until the ioctl arrives and claims it. What nobody claims came from
 * the host.
 */

#include <linux/pm_domain.h>
#include <linux/pm_runtime.h>
#include <linux/sched.h>

#include "compat.h"
#include "core.h"
#include "device.h"
#include "pm.h"
#include "sleep.h"
#include "trace.h"

/* An idle device is asleep so long after its autosuspend delay, or somebody has dropped that. */
#define RTD3_AGAIN_MS	500

/* A device that is just being reset may be silent for so long. */
#define RTD3_SILENT_MS	100

/* More wakes by the host than that within a minute are worth a line in its log. */
#define RTD3_HOST_WAKES		10
#define RTD3_HOST_WINDOW_MS	(60 * MSEC_PER_SEC)
#define RTD3_HOST_QUIET_MS	(3600 * MSEC_PER_SEC)

unsigned int rtd3_default_autosuspend_ms = 1000;

/*
 * One that has failed (PCI_UNKNOWN) may be without power. One that cannot leave D0 may
 * be suspended nevertheless.
 */
static enum rtd3_depth rtd3_suspended_power(struct pci_dev *pdev)
{
	pci_power_t state = pdev->current_state;

	return state == PCI_D3cold || state == PCI_UNKNOWN ? RTD3_POWER_D3COLD :
							     RTD3_POWER_D3HOT;
}

/* What its time counts as: one that keeps its power is not in D3cold. */
static enum rtd3_depth rtd3_counted_power(struct rtd3_device *rdev,
					  enum rtd3_depth power)
{
	lockdep_assert_held(&rdev->pm.lock);

	if (!rdev->pm.suspended)
		return RTD3_POWER_D0;

	return power == RTD3_POWER_D3COLD && READ_ONCE(rdev->member.set->not_cut) ?
	       RTD3_POWER_D3HOT : power;
}

/* Close the account of the present state, which was @power, and open one. */
static void rtd3_pm_turn(struct rtd3_pm *pm, enum rtd3_depth power, ktime_t now)
{
	lockdep_assert_held(&pm->lock);

	if (!pm->lost)
		pm->stats.time_ns[power] += ktime_to_ns(ktime_sub(now, pm->since));
	pm->since = now;
}

/* What observers were told while it slept was too much, if it has had power. */
static void rtd3_pm_take_back(struct rtd3_pm *pm)
{
	u64 *time_ns = pm->stats.time_ns;

	lockdep_assert_held(&pm->lock);

	if (pm->from == RTD3_POWER_D3COLD)
		return;
	time_ns[pm->from] += time_ns[RTD3_POWER_D3COLD] - pm->cold_ns;
	time_ns[RTD3_POWER_D3COLD] = pm->cold_ns;
}

/* Since it stopped to work it is in no state that could be accounted for. */
static void rtd3_pm_note_loss(struct rtd3_device *rdev, enum rtd3_depth power)
{
	ktime_t lost = READ_ONCE(rdev->recovery.since);
	struct rtd3_pm *pm = &rdev->pm;

	lockdep_assert_held(&pm->lock);

	if (pm->lost || rtd3_health_usable(rdev))
		return;
	pm->from = rtd3_counted_power(rdev, power);
	if (ktime_after(lost, pm->since))
		rtd3_pm_turn(pm, pm->from, lost);
	pm->lost = true;
}

static void rtd3_pm_count_wake(struct rtd3_pm *pm, enum rtd3_wake_cause cause)
{
	lockdep_assert_held(&pm->lock);

	pm->stats.wakes[cause]++;
	pm->stats.last_wake = cause;
	pm->unclaimed = false;
}

/* Does the host wake it again and again? That is told once in an hour. */
static bool rtd3_pm_polled(struct rtd3_pm *pm, ktime_t now)
{
	lockdep_assert_held(&pm->lock);

	if (ktime_ms_delta(now, pm->host_since) > RTD3_HOST_WINDOW_MS) {
		pm->host_since = now;
		pm->host_wakes = 0;
	}
	if (++pm->host_wakes != RTD3_HOST_WAKES + 1)
		return false;
	pm->host_since = ktime_add_ms(now, RTD3_HOST_QUIET_MS);

	return true;
}

static int rtd3_runtime_suspend(struct device *dev)
{
	struct rtd3_device *rdev = rtd3_from_dev(dev);
	struct rtd3_pm *pm = &rdev->pm;
	ktime_t start = ktime_get();
	bool polled = false;
	ktime_t now;
	int ret;

	/* In a power cycle of a device that does not work: nothing to save. */
	if (!rtd3_health_usable(rdev)) {
		rtd3_resume_take_delay(rdev, true);
		return 0;
	}
	/* Nor must what a dead device reads as be saved, or what a reset has left. */
	if (!rtd3_resume_poll(rdev, RTD3_SILENT_MS)) {
		rtd3_health_lost(rdev);
		return -EBUSY;
	}
	rtd3_resume_repair(rdev);

	ret = rtd3_ats_block(rdev);
	if (ret) {
		/* Nobody tells when that is over. */
		queue_delayed_work(pm_wq, &pm->idle_work, HZ);
		return -EBUSY;
	}
	ret = dev->bus->pm->runtime_suspend(dev);
	if (ret) {
		rtd3_ats_unblock(rdev);
		return ret;
	}
	rtd3_resume_remember(rdev);
	rtd3_resume_take_delay(rdev, true);
	if (!rdev->open)
		WRITE_ONCE(rdev->core_awake, false);

	now = ktime_get();
	spin_lock(&pm->lock);
	if (pm->unclaimed) {
		rtd3_pm_count_wake(pm, RTD3_WAKE_HOST);
		polled = rtd3_pm_polled(pm, now);
	}
	rtd3_pm_turn(pm, RTD3_POWER_D0, now);
	pm->turned = now;
	pm->suspended = true;
	pm->cold_ns = pm->stats.time_ns[RTD3_POWER_D3COLD];
	pm->stats.suspends++;
	pm->stats.suspend_ns = ktime_to_ns(ktime_sub(now, start));
	spin_unlock(&pm->lock);

	if (polled)
		pci_info(rdev->core.pdev,
			 "woken more than %u times within a minute by the host, last by %s\n",
			 RTD3_HOST_WAKES,
			 pm->stats.task[0] ? pm->stats.task : "a work item");
	trace_rtd3_suspend(rdev->core.pdev,
			   rtd3_suspended_power(rdev->core.pdev),
			   ktime_to_ns(ktime_sub(now, start)));

	return 0;
}

/* The access that the resume in this task is made for, if there is one. */
static struct rtd3_waker *rtd3_pm_find_waker(struct rtd3_pm *pm)
{
	struct rtd3_waker *waker;

	lockdep_assert_held(&pm->lock);

	list_for_each_entry(waker, &pm->wakers, node)
		if (waker->task == current)
			return waker;

	return list_first_entry_or_null(&pm->wakers, struct rtd3_waker, node);
}

/* Does an access through the device's file wait for the resume? */
static bool rtd3_pm_expected(struct rtd3_pm *pm)
{
	bool expected;

	spin_lock(&pm->lock);
	expected = rtd3_pm_find_waker(pm);
	spin_unlock(&pm->lock);

	return expected;
}

/* @waker: who waits for this resume, if it is known. */
static enum rtd3_wake_cause rtd3_pm_count_resume(struct rtd3_pm *pm,
						 struct rtd3_waker *waker,
						 ktime_t now)
{
	lockdep_assert_held(&pm->lock);

	if (!waker) {
		pm->unclaimed = true;
		pm->resumer = current->flags & PF_WQ_WORKER ? NULL : current;
		pm->stats.task[0] = '\0';
		pm->stats.pid = task_pid_nr(current);
		if (pm->resumer)
			get_task_comm(pm->stats.task, current);
		return RTD3_WAKE_NONE;
	}
	pm->stats.wake_ns = ktime_to_ns(ktime_sub(now, waker->start));
	pm->stats.wake_max_ns = max(pm->stats.wake_max_ns, pm->stats.wake_ns);
	rtd3_pm_count_wake(pm, waker->cause);

	return waker->cause;
}

/**
 * rtd3_pm_wake - bring the device to D0, check it, account for it
 * @rdev: device; its port is in D0
 *
 * Context: the runtime resume callback; or the device is held active although it
 * is not in D0, and rtd3_recovery.attempt and rtd3_powerset.lock are held. Sleeps.
 */
void rtd3_pm_wake(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	struct rtd3_pm *pm = &rdev->pm;
	enum rtd3_depth power = rtd3_suspended_power(pdev);
	enum rtd3_wake_cause cause = RTD3_WAKE_NONE;
	struct rtd3_resume_result result;
	ktime_t start = ktime_get();
	ktime_t now;

	spin_lock(&pm->lock);
	rtd3_pm_note_loss(rdev, power);
	spin_unlock(&pm->lock);
	rtd3_resume_bring_up(rdev, power, pm->suspended, &result);

	now = ktime_get();
	spin_lock(&pm->lock);
	if (!pm->lost)
		pm->from = rtd3_counted_power(rdev, power);
	rtd3_pm_turn(pm, pm->from, now);
	pm->lost = result.reason;
	if (!result.reason && pm->suspended) {
		rtd3_pm_take_back(pm);
		pm->turned = now;
		pm->suspended = false;
		pm->stats.last_state = pm->from;
		pm->stats.resumes++;
		pm->stats.resume_ns = ktime_to_ns(ktime_sub(now, start));
		pm->stats.resume_max_ns = max(pm->stats.resume_max_ns,
					      pm->stats.resume_ns);
		cause = rtd3_pm_count_resume(pm, rtd3_pm_find_waker(pm), now);
	}
	pm->stats.failures += !!result.reason;
	pm->stats.ready_ns = result.ready_ns;
	pm->stats.verify_ns = result.verify_ns;
	spin_unlock(&pm->lock);

	trace_rtd3_resume(pdev, power, cause, ktime_to_ns(ktime_sub(now, start)),
			  !result.reason);
	if (result.reason) {
		rtd3_health_report(rdev, result.reason, power);
	} else {
		rtd3_ats_unblock(rdev);
		rtd3_health_well(rdev, result.degraded);
	}
}

/* Until it has had the time to suspend. */
static void rtd3_pm_look_again(struct rtd3_device *rdev)
{
	int delay_ms = READ_ONCE(rdev->core.pdev->dev.power.autosuspend_delay);

	queue_delayed_work(pm_wq, &rdev->pm.idle_work,
			   msecs_to_jiffies(max(delay_ms, 0) + RTD3_AGAIN_MS));
}

/*
 * The port's resume wakes all devices below it from a work item, which may come first.
 * Whoever had asked for the resume then finds the device active, drops the idle check
 * that its resume has queued, and asks for no other: without a reference of somebody,
 * it would never sleep again. What is asked for here is no request that could be
 * dropped, but done: the device suspends, or its autosuspend timer runs. What that timer
 * asks for can be dropped, too, and the idle check of whoever lets the device go, by a
 * host that looks at the configuration just then (pci_config_pm_runtime_get() and its
 * pm_runtime_barrier()). So one that nobody uses is looked at again.
 */
static void rtd3_pm_idle_work(struct work_struct *work)
{
	struct rtd3_device *rdev = container_of(to_delayed_work(work),
						struct rtd3_device, pm.idle_work);
	struct device *dev = &rdev->core.pdev->dev;

	pm_runtime_get_noresume(dev);
	/* The resume that has queued this is over then. */
	pm_runtime_barrier(dev);
	pm_runtime_put_sync_autosuspend(dev);
	if (pm_runtime_active(dev) && !(READ_ONCE(rdev->open) && rtd3_core_usage(dev)))
		rtd3_pm_look_again(rdev);
}

static int rtd3_runtime_idle(struct device *dev)
{
	rtd3_pm_look_again(rtd3_from_dev(dev));

	return dev->bus->pm->runtime_idle(dev);
}

/*
 * Never an error: the PM core would then refuse all calls for the device, and
 * let its port suspend. health.c keeps everybody away from a device that has
 * not come back.
 */
static int rtd3_runtime_resume(struct device *dev)
{
	struct rtd3_device *rdev = rtd3_from_dev(dev);
	bool expected = rtd3_pm_expected(&rdev->pm);

	rtd3_pm_wake(rdev);
	if (!expected)
		atomic_inc(&rdev->pm.others);
	rtd3_lowpower_woken(rdev);
	mod_delayed_work(pm_wq, &rdev->pm.idle_work, 0);

	return 0;
}

/**
 * rtd3_pm_expect_wake - say that a wake from now on would be ours
 * @rdev: device
 * @waker: memory of the caller, until rtd3_pm_forget_waker()
 * @cause: what a wake by it counts as
 *
 * Context: process; takes rtd3_pm.lock.
 */
void rtd3_pm_expect_wake(struct rtd3_device *rdev, struct rtd3_waker *waker,
			 enum rtd3_wake_cause cause)
{
	waker->task = current;
	waker->cause = cause;
	waker->start = ktime_get();

	spin_lock(&rdev->pm.lock);
	list_add_tail(&waker->node, &rdev->pm.wakers);
	spin_unlock(&rdev->pm.lock);
}

/**
 * rtd3_pm_forget_waker - the opposite of rtd3_pm_expect_wake()
 * @rdev: device
 * @waker: as given there
 */
void rtd3_pm_forget_waker(struct rtd3_device *rdev, struct rtd3_waker *waker)
{
	spin_lock(&rdev->pm.lock);
	list_del(&waker->node);
	spin_unlock(&rdev->pm.lock);
}

/**
 * rtd3_pm_access_begin - wake the device for an access, and keep it awake
 * @rdev: device
 * @waker: memory of the caller, until rtd3_pm_access_end()
 * @cause: what a wake by it counts as
 *
 * A device that does not come back is waited for as rtd3_health_wait() says.
 *
 * Context: process, sleeps; rtd3_recovery.attempt not held.
 * Return: 0; then rtd3_pm_access_end() is due. -EIO or -EINTR.
 */
int rtd3_pm_access_begin(struct rtd3_device *rdev, struct rtd3_waker *waker,
			 enum rtd3_wake_cause cause)
{
	struct device *dev = &rdev->core.pdev->dev;
	unsigned int tries;
	int ret = 0;

	rtd3_pm_expect_wake(rdev, waker, cause);
	for (tries = 0; tries < 2; tries++) {
		ret = rtd3_health_wait(rdev, cause == RTD3_WAKE_OPEN);
		if (!ret)
			ret = pm_runtime_resume_and_get(dev);
		if (ret)
			break;
		if (rtd3_health_ready(rdev))
			return 0;
		/* Not held while it is waited for: it may need a power cycle. */
		pm_runtime_put(dev);
	}
	rtd3_pm_forget_waker(rdev, waker);

	return ret == -EINTR ? ret : -EIO;
}

/**
 * rtd3_pm_access_checked - rtd3_pm_access_begin(), and the device has answered
 * @rdev: device
 * @waker: memory of the caller, until rtd3_pm_access_end()
 * @cause: what a wake by it counts as
 *
 * For what would not tell that it is dead: an open, reads of virtual registers, writes.
 *
 * Context: as rtd3_pm_access_begin().
 * Return: as rtd3_pm_access_begin().
 */
int rtd3_pm_access_checked(struct rtd3_device *rdev, struct rtd3_waker *waker,
			   enum rtd3_wake_cause cause)
{
	int ret = rtd3_pm_access_begin(rdev, waker, cause);

	if (ret)
		return ret;
	ret = rtd3_health_check(rdev);
	if (ret)
		rtd3_pm_access_end(rdev, waker);

	return ret;
}

/**
 * rtd3_pm_access_end - the access is over
 * @rdev: device
 * @waker: as given to rtd3_pm_access_begin()
 *
 * Restarts the autosuspend delay.
 */
void rtd3_pm_access_end(struct rtd3_device *rdev, struct rtd3_waker *waker)
{
	rtd3_pm_forget_waker(rdev, waker);
	rtd3_pm_mark_busy(rdev);
	pm_runtime_put(&rdev->core.pdev->dev);
}

/**
 * rtd3_pm_access_drop - the access is over, and says nothing about the next
 * @rdev: device
 * @waker: as given to rtd3_pm_access_begin()
 *
 * Does not restart the autosuspend delay.
 */
void rtd3_pm_access_drop(struct rtd3_device *rdev, struct rtd3_waker *waker)
{
	rtd3_pm_forget_waker(rdev, waker);
	pm_runtime_put(&rdev->core.pdev->dev);
}

/**
 * rtd3_pm_claim_wake - say that the last wake was made for this ioctl
 * @rdev: device
 * @cause: what it counts as
 *
 * Does nothing where the last wake has an owner, or was made by another task.
 * A wake by a work item is given to the first ioctl that comes while it lasts:
 * that can be a wake by the host a moment earlier.
 *
 * Context: process, in the ioctl's task; takes rtd3_pm.lock.
 */
void rtd3_pm_claim_wake(struct rtd3_device *rdev, enum rtd3_wake_cause cause)
{
	struct rtd3_pm *pm = &rdev->pm;
	bool claimed;

	spin_lock(&pm->lock);
	claimed = pm->unclaimed && (!pm->resumer || pm->resumer == current);
	if (claimed)
		rtd3_pm_count_wake(pm, cause);
	spin_unlock(&pm->lock);

	if (claimed)
		trace_rtd3_wake(rdev->core.pdev, cause);
}

/**
 * rtd3_pm_mark_busy - restart the autosuspend delay
 * @rdev: device
 */
void rtd3_pm_mark_busy(struct rtd3_device *rdev)
{
	pm_runtime_mark_last_busy(&rdev->core.pdev->dev);
}

/**
 * rtd3_pm_state - the device's power state, as far as it is known
 * @rdev: device
 *
 * Context: any; never wakes the device.
 */
pci_power_t rtd3_pm_state(struct rtd3_device *rdev)
{
	pci_power_t state = rdev->core.pdev->current_state;

	return state == PCI_D3cold && READ_ONCE(rdev->member.set->not_cut) ?
	       PCI_D3hot : state;
}

/**
 * rtd3_pm_get_stats - a consistent copy of the counters
 * @rdev: device
 * @stats: filled; the present state is counted up to now, as what the last one like
 *	it has proved to be, and a wake that nobody has claimed yet counts as the host's.
 *	Time in D3cold goes back only where the wake proves that it was none
 *
 * Never wakes the device. Context: process; takes rtd3_pm.lock.
 */
void rtd3_pm_get_stats(struct rtd3_device *rdev, struct rtd3_pm_stats *stats)
{
	struct rtd3_pm *pm = &rdev->pm;
	enum rtd3_depth power;
	ktime_t now;

	spin_lock(&pm->lock);
	now = ktime_get();
	power = rtd3_suspended_power(rdev->core.pdev);
	rtd3_pm_note_loss(rdev, power);
	rtd3_pm_turn(pm, rtd3_counted_power(rdev, power), now);
	*stats = pm->stats;
	stats->state_ns = ktime_to_ns(ktime_sub(now, pm->turned));
	if (pm->unclaimed) {
		stats->wakes[RTD3_WAKE_HOST]++;
		stats->last_wake = RTD3_WAKE_HOST;
	}
	spin_unlock(&pm->lock);
}

/**
 * rtd3_pm_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_pm_init(struct rtd3_device *rdev)
{
	struct rtd3_pm *pm = &rdev->pm;

	spin_lock_init(&pm->lock);
	INIT_LIST_HEAD(&pm->wakers);
	INIT_DELAYED_WORK(&pm->idle_work, rtd3_pm_idle_work);
	pm->since = ktime_get();
	pm->turned = pm->since;
}

/**
 * rtd3_pm_attach - put our callbacks around the PCI bus's
 * @rdev: device, not registered with vfio yet
 *
 * The caller must keep the device awake until it is registered.
 *
 * Context: probe, device_lock held.
 * Return: 0; -EBUSY where another PM domain owns the device; -ENODEV where it
 * does not answer.
 */
int rtd3_pm_attach(struct rtd3_device *rdev)
{
	struct device *dev = &rdev->core.pdev->dev;
	struct rtd3_pm *pm = &rdev->pm;
	int ret;

	device_lock_assert(dev);

	if (dev->pm_domain) {
		pci_err(rdev->core.pdev,
			"power is managed by another PM domain; unload its driver (vga_switcheroo?) first\n");
		return -EBUSY;
	}

	ret = rtd3_resume_init(rdev);
	if (ret)
		return ret;

	pm->domain.ops = *dev->bus->pm;
	pm->domain.ops.runtime_suspend = rtd3_runtime_suspend;
	pm->domain.ops.runtime_resume = rtd3_runtime_resume;
	pm->domain.ops.runtime_idle = rtd3_runtime_idle;
	rtd3_sleep_set_ops(&pm->domain);
	dev_pm_domain_set(dev, &pm->domain);

	pm->saved_delay_ms = dev->power.autosuspend_delay;
	pm_runtime_set_autosuspend_delay(dev, rtd3_default_autosuspend_ms);
	pm_runtime_use_autosuspend(dev);

	return 0;
}

/**
 * rtd3_pm_detach - leave the device as the PCI bus gave it to us
 * @rdev: device, no longer registered with vfio
 *
 * Context: probe or remove, device_lock held, device awake and held awake by
 * the PCI bus, so that no callback of ours can start any more.
 */
void rtd3_pm_detach(struct rtd3_device *rdev)
{
	struct device *dev = &rdev->core.pdev->dev;

	device_lock_assert(dev);

	/* A queued resume request may still be on its way to our callback. */
	pm_runtime_barrier(dev);
	cancel_delayed_work_sync(&rdev->pm.idle_work);
	rtd3_ats_unblock(rdev);
	pm_runtime_dont_use_autosuspend(dev);
	pm_runtime_set_autosuspend_delay(dev, rdev->pm.saved_delay_ms);
	dev_pm_domain_set(dev, NULL);
	rtd3_resume_release(rdev, rtd3_health_usable(rdev));
}
