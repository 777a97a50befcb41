// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a device's use: close, with resets kept away from a device that
 * does not answer, the power cycle that stands in for a reset where there is
 * none, and the time that some devices need before somebody touches them again.
 */

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/pm_runtime.h>

#include "ats.h"
#include "close.h"
#include "core.h"
#include "device.h"
#include "powerset.h"

/**
 * rtd3_close_forbid_resets - no reset may be sent to a device without an answer
 * @rdev: device that does not work
 *
 * The core would reset it in close, and the PCI core then wait for it, for
 * minutes in all. Both take the device's lock for it with trylock: we have it.
 * If somebody else has, the core does not get it either.
 *
 * Context: dev_set->lock held.
 * Return: what rtd3_close_allow_resets() has to be told.
 */
bool rtd3_close_forbid_resets(struct rtd3_device *rdev)
{
	rtd3_core_forbid_reset(&rdev->core);

	return device_trylock(&rdev->core.pdev->dev);
}

/**
 * rtd3_close_allow_resets - the core has ended with the device
 * @rdev: device
 * @locked: what rtd3_close_forbid_resets() has returned
 */
void rtd3_close_allow_resets(struct rtd3_device *rdev, bool locked)
{
	if (locked)
		device_unlock(&rdev->core.pdev->dev);
	/* The core has asked it for D0, and believes what it likes. */
	if (!rtd3_health_usable(rdev))
		rtd3_core_set_state(rdev->core.pdev, PCI_UNKNOWN);
}

/**
 * rtd3_close_await_resets - until the core may reset whatever it likes
 * @rdev: device, held awake, that is being closed
 *
 * With the last user of its set gone the core resets them all. Who is killed does not
 * hurry that.
 *
 * Context: dev_set->lock held; sleeps up to RTD3_RESET_DELAY_MAX_MS.
 */
void rtd3_close_await_resets(struct rtd3_device *rdev)
{
	struct vfio_device_set *dev_set = rdev->core.vdev.dev_set;
	struct vfio_pci_core_device *cur;
	unsigned int ms = 0;

	lockdep_assert_held(&dev_set->lock);

	list_for_each_entry(cur, &dev_set->device_list, vdev.dev_set_list)
		if (cur->vdev.ops == rdev->core.vdev.ops)
			ms = max(ms, rtd3_resume_reset_in_ms(rtd3_from_core(cur)));
	msleep(ms);
}

/*
 * The caller's reference stands against it, and is had again afterwards. The device
 * is woken to see whether it has been without power: else this is no reset.
 */
static void rtd3_close_power_cycle(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	struct rtd3_waker waker;
	bool cut;

	pm_runtime_put_noidle(&pdev->dev);
	cut = rtd3_powerset_cut(&rdev, 1, NULL);
	rtd3_pm_expect_wake(rdev, &waker, RTD3_WAKE_CLOSE);
	pm_runtime_get_noresume(&pdev->dev);
	if (cut)
		pm_runtime_resume(&pdev->dev);
	rtd3_pm_forget_waker(rdev, &waker);
	/* The log has said what is wrong with it. */
	if (!rtd3_health_usable(rdev))
		return;
	if (!cut || READ_ONCE(rdev->member.set->not_cut)) {
		pci_warn(pdev, "no power cycle: its power %s; see rtd3/blockers\n",
			 cut ? "was not cut" : "cannot be cut now");
		return;
	}
	rdev->close.power_cycles++;
	pci_info(pdev, "reset by a power cycle\n");
}

static void rtd3_close_work(struct work_struct *work)
{
	struct rtd3_device *rdev = container_of(to_delayed_work(work),
						struct rtd3_device, close.work);

	/* An open that has waited for this moment shall find it awake. */
	rtd3_pm_mark_busy(rdev);
	pm_runtime_put(&rdev->core.pdev->dev);
}

/* Takes over the reference that the caller holds. */
static void rtd3_close_settle(struct rtd3_device *rdev)
{
	unsigned int ms = READ_ONCE(rdev->close.settle_ms);

	rdev->close.until = ktime_add_ms(ktime_get(), ms);
	/* Work that is pending has the reference of an earlier close. */
	if (!ms || mod_delayed_work(system_wq, &rdev->close.work,
				    msecs_to_jiffies(ms)))
		pm_runtime_put(&rdev->core.pdev->dev);
}

/**
 * rtd3_close_wait_settled - wait until the settle time after the last close is over
 * @rdev: device that is going to be opened
 *
 * Context: open, dev_set->lock held; sleeps up to RTD3_SETTLE_MAX_MS.
 * Return: 0 or -EINTR.
 */
int rtd3_close_wait_settled(struct rtd3_device *rdev)
{
	ktime_t now = ktime_get();
	s64 ms = ktime_ms_delta(rdev->close.until, now);

	if (!ktime_before(now, rdev->close.until))
		return 0;

	return msleep_interruptible(ms + 1) ? -EINTR : 0;
}

/**
 * rtd3_close_device - the last user closes the device
 * @rdev: device
 *
 * Context: dev_set->lock held; takes rtd3_recovery.attempt: nothing is tried
 * with the device while the core lets it go.
 */
void rtd3_close_device(struct rtd3_device *rdev)
{
	struct device *dev = &rdev->core.pdev->dev;
	struct rtd3_waker waker;
	bool cycle, dead;
	bool locked = false;

	rtd3_recovery_hold(rdev);
	rtd3_pm_expect_wake(rdev, &waker, RTD3_WAKE_CLOSE);
	pm_runtime_get_sync(dev);
	rtd3_pm_forget_waker(rdev, &waker);
	dead = rtd3_health_check(rdev);
	/* The core may still reset the bus; not every GPU takes notice of that. */
	cycle = READ_ONCE(rdev->close.power_cycle) && !dead &&
		!rtd3_core_can_reset(&rdev->core);

	rtd3_lowpower_closed(rdev);
	if (!dead)
		rtd3_close_await_resets(rdev);
	else
		locked = rtd3_close_forbid_resets(rdev);
	vfio_pci_core_close_device(&rdev->core.vdev);
	rtd3_close_allow_resets(rdev, locked);
	/* Its group can be attached to somebody else, who finds out what is wrong. */
	if (dead)
		rtd3_ats_unblock(rdev);

	rdev->open = false;
	rtd3_resume_forget_user(rdev);
	rtd3_config_close(rdev);
	rtd3_pm_mark_busy(rdev);
	if (cycle)
		rtd3_close_power_cycle(rdev);
	rtd3_powerset_let_go(rdev);
	rtd3_close_settle(rdev);
	rtd3_recovery_release(rdev);
}

/**
 * rtd3_close_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_close_init(struct rtd3_device *rdev)
{
	INIT_DELAYED_WORK(&rdev->close.work, rtd3_close_work);
}

/**
 * rtd3_close_stop - the device is being unbound: its settle time is over
 * @rdev: device that has no user any more
 */
void rtd3_close_stop(struct rtd3_device *rdev)
{
	if (cancel_delayed_work_sync(&rdev->close.work))
		pm_runtime_put(&rdev->core.pdev->dev);
}
