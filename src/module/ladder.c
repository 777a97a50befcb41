// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is tried, step by step, with a device that does not work:
 *
 *	wait		look again for a while: it may be slow
 *	power-cycle	through the port, twice, if nobody holds the device awake
 *			and every function below the port sleeps; those that do
 *			not work, either, are taken along
 *	reset		of bus or slot, if the device is the only function there
 *
 * It runs from a work item or for somebody who has asked, as a runtime PM
 * callback may not suspend its own port.
 */

#include <linux/delay.h>
#include <linux/pm_runtime.h>

#include "device.h"
#include "ladder.h"
#include "trace.h"

#define RTD3_AGAIN_MS		1000	/* wait for the device */
#define RTD3_POLL_MS		20
#define RTD3_IDLE_MS		500	/* wait until nobody holds it awake */
#define RTD3_SILENT_MS		500	/* a sibling that is reset is silent */
#define RTD3_OFF_MS		250	/* power is off in a power cycle */
#define RTD3_SETTLE_MS		100	/* before and after a bus reset */
#define RTD3_CYCLES		2

/*
 * Protects the list of all devices, and keeps those in it that do not work from
 * being brought up where they are while a power cycle takes them along. Order:
 * rtd3_recovery.attempt -> this -> rtd3_policy.lock. Held over runtime PM calls,
 * for up to two seconds, but only if some device does not work.
 */
static DEFINE_MUTEX(rtd3_ladder_lock);
static LIST_HEAD(rtd3_ladder_devices);

/**
 * rtd3_ladder_unpin - the device may suspend
 * @rdev: device; works, or is going to lose power or its driver
 *
 * Context: process. Unless it is being unbound, rtd3_ladder_lock is held.
 */
void rtd3_ladder_unpin(struct rtd3_device *rdev)
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

/* Somebody waits for the device to be let go. */
static bool rtd3_ladder_hurried(struct rtd3_device *rdev)
{
	return atomic_read(&rdev->recovery.impatient) ||
	       READ_ONCE(rdev->recovery.stopped);
}

/**
 * rtd3_ladder_in_place - bring the device up where it is
 * @rdev: device that does not work: held active, it has no runtime PM callbacks
 *
 * Context: process, sleeps; rtd3_recovery.attempt held.
 * Return: does it work?
 */
bool rtd3_ladder_in_place(struct rtd3_device *rdev)
{
	lockdep_assert_held(&rdev->recovery.attempt);

	mutex_lock(&rtd3_ladder_lock);
	if (rdev->recovery.pinned)
		rtd3_pm_wake(rdev);
	mutex_unlock(&rtd3_ladder_lock);

	return rtd3_health_usable(rdev);
}

static bool rtd3_ladder_step_wait(struct rtd3_device *rdev)
{
	ktime_t end = ktime_add_ms(ktime_get(), RTD3_AGAIN_MS);

	while (!rtd3_wake_answers(rdev)) {
		if (rtd3_ladder_hurried(rdev) || ktime_after(ktime_get(), end))
			return false;
		msleep(RTD3_POLL_MS);
	}

	return rtd3_ladder_in_place(rdev);
}

/* Does a power cycle for @rdev concern @other? It and the broken ones. */
static bool rtd3_ladder_goes_along(struct rtd3_device *other,
				   struct rtd3_device *rdev)
{
	return other->core.pdev->bus == rdev->core.pdev->bus &&
	       !rtd3_health_usable(other);
}

/* A sibling that is awake may have lost its power without having been missed. */
static void rtd3_ladder_ask_siblings(struct rtd3_device *rdev)
{
	struct rtd3_device *other;

	lockdep_assert_held(&rtd3_ladder_lock);

	list_for_each_entry(other, &rtd3_ladder_devices, recovery.node)
		if (other->core.pdev->bus == rdev->core.pdev->bus &&
		    rtd3_health_usable(other) &&
		    pm_runtime_active(&other->core.pdev->dev) &&
		    !rtd3_wake_poll(other, RTD3_SILENT_MS))
			rtd3_health_lost(other);
}

static bool rtd3_ladder_suspend_all(struct rtd3_device *rdev)
{
	struct pci_dev *port = pci_upstream_bridge(rdev->core.pdev);
	struct rtd3_device *other;

	lockdep_assert_held(&rtd3_ladder_lock);

	list_for_each_entry(other, &rtd3_ladder_devices, recovery.node)
		if (rtd3_ladder_goes_along(other, rdev) &&
		    pm_runtime_suspend(&other->core.pdev->dev) < 0)
			return false;

	return pm_runtime_suspend(&port->dev) >= 0;
}

/* Siblings that work may be about to sleep. */
static void rtd3_ladder_power_off(struct rtd3_device *rdev)
{
	ktime_t end = ktime_add_ms(ktime_get(), RTD3_IDLE_MS);

	while (!rtd3_ladder_suspend_all(rdev)) {
		if (rtd3_ladder_hurried(rdev) || ktime_after(ktime_get(), end))
			return;
		msleep(RTD3_POLL_MS);
	}
	msleep(RTD3_OFF_MS);
}

static void rtd3_ladder_cycle_begin(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;

	/* An ioctl that waits for us holds the device awake: send it away. */
	WRITE_ONCE(rec->cycling, true);
	wake_up_all(&rec->done);
	rec->cycles++;
	rtd3_policy_cycle(rdev, true);
	rtd3_ladder_unpin(rdev);
}

/* The resume callback tries, and pins the device again if it fails. */
static void rtd3_ladder_cycle_end(struct rtd3_device *rdev)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	struct device *dev = &rdev->core.pdev->dev;

	pm_runtime_get_sync(dev);
	rtd3_policy_cycle(rdev, false);
	WRITE_ONCE(rec->cycling, false);
	if (!rtd3_health_usable(rdev))
		rtd3_health_report(rdev, rec->reason, rec->from);
	else
		rtd3_recovery_queue(rdev);
	pm_runtime_put(dev);
}

static bool rtd3_ladder_step_cycle(struct rtd3_device *rdev)
{
	struct pci_dev *port = pci_upstream_bridge(rdev->core.pdev);
	struct rtd3_device *other, *cycled[RTD3_SNAP_SIBLINGS];
	unsigned int i, nr = 0;

	if (!port || !(pci_pr3_present(port) || pci_pr3_present(rdev->core.pdev)))
		return false;

	mutex_lock(&rtd3_ladder_lock);
	/* A sibling may have taken it along meanwhile. */
	if (rtd3_health_usable(rdev) || rdev->recovery.cycles >= RTD3_CYCLES)
		goto out_unlock;

	rtd3_ladder_ask_siblings(rdev);
	list_for_each_entry(other, &rtd3_ladder_devices, recovery.node) {
		if (!rtd3_ladder_goes_along(other, rdev))
			continue;
		if (nr == ARRAY_SIZE(cycled))
			break;
		cycled[nr++] = other;
		rtd3_ladder_cycle_begin(other);
	}
	rtd3_ladder_power_off(rdev);
	for (i = 0; i < nr; i++)
		rtd3_ladder_cycle_end(cycled[i]);

out_unlock:
	mutex_unlock(&rtd3_ladder_lock);
	return rtd3_health_usable(rdev);
}

static int rtd3_ladder_count(struct pci_dev *pdev, void *data)
{
	++*(unsigned int *)data;

	return 0;
}

static bool rtd3_ladder_step_reset(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	unsigned int functions = 0;
	int ret;

	pci_walk_bus(pdev->bus, rtd3_ladder_count, &functions);
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
	       rtd3_ladder_in_place(rdev);
}

static const struct rtd3_ladder_step {
	const char *name;
	bool (*run)(struct rtd3_device *rdev);
} rtd3_ladder_steps[] = {
	{ "wait", rtd3_ladder_step_wait },
	{ "power-cycle", rtd3_ladder_step_cycle },
	{ "power-cycle", rtd3_ladder_step_cycle },
	{ "reset", rtd3_ladder_step_reset },
};

/**
 * rtd3_ladder_climb - try all there is, until the device works
 * @rdev: device that does not work
 * @wait: with the first step, which only takes time
 *
 * Ends early for a task that waits for rtd3_recovery.attempt, and for a device
 * that is gone from its slot.
 *
 * Context: process, sleeps; rtd3_recovery.attempt held.
 * Return: the name of the step after which it works, or NULL.
 */
const char *rtd3_ladder_climb(struct rtd3_device *rdev, bool wait)
{
	struct rtd3_recovery *rec = &rdev->recovery;
	size_t i;

	lockdep_assert_held(&rec->attempt);

	for (i = wait ? 0 : 1; i < ARRAY_SIZE(rtd3_ladder_steps); i++) {
		const struct rtd3_ladder_step *step = &rtd3_ladder_steps[i];
		bool good;

		if (rtd3_ladder_hurried(rdev) ||
		    READ_ONCE(rec->reason) == RTD3_REASON_REMOVED)
			break;
		good = step->run(rdev);
		trace_rtd3_recover(rdev->core.pdev, step->name, good);
		if (good)
			return step->name;
	}

	return NULL;
}

/**
 * rtd3_ladder_add - power cycles may take a device along from now on
 * @rdev: device
 */
void rtd3_ladder_add(struct rtd3_device *rdev)
{
	mutex_lock(&rtd3_ladder_lock);
	list_add_tail(&rdev->recovery.node, &rtd3_ladder_devices);
	mutex_unlock(&rtd3_ladder_lock);
}

/**
 * rtd3_ladder_remove - and not any more
 * @rdev: device
 *
 * Waits for a power cycle that has taken it along.
 */
void rtd3_ladder_remove(struct rtd3_device *rdev)
{
	mutex_lock(&rtd3_ladder_lock);
	list_del(&rdev->recovery.node);
	mutex_unlock(&rtd3_ladder_lock);
}
