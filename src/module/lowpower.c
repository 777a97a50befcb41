// SPDX-License-Identifier: GPL-2.0-only
/*
 * Low power of an open device. The core knows one entry, made through feature 3
 * or 4 and left through 5; there can be three who want one: the user, his guest,
 * and a device that does not work. The core's is made for the first of them and
 * left for the last:
 *
 *	                         the core's entry
 *	holders          eventfd  none            mappings
 *	none                -      -              reach the device
 *	user, plain         no     plain          SIGBUS
 *	user, wakeup        yes    with wakeup    the same
 *	others              no     plain          the same
 *	others, and user    his    his            the same
 *
 * A user's entry that has a wakeup eventfd is ended by the core itself when the
 * device wakes. Whoever is left then gets the core's entry back, from a work
 * item: the wake is made in a runtime PM callback.
 */

#include <linux/pm_runtime.h>

#include "device.h"
#include "lowpower.h"
#include "trace.h"

static int rtd3_lowpower_core(struct rtd3_device *rdev, u32 feature,
			      void __user *arg, size_t argsz)
{
	return vfio_pci_core_ioctl_feature(&rdev->core.vdev,
					   VFIO_DEVICE_FEATURE_SET | feature,
					   arg, argsz);
}

static void rtd3_lowpower_core_exit(struct rtd3_device *rdev)
{
	rtd3_lowpower_core(rdev, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL, 0);
}

static int rtd3_lowpower_core_entry(struct rtd3_device *rdev)
{
	return rtd3_lowpower_core(rdev, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
				  NULL, 0);
}

static bool rtd3_lowpower_core_engaged(struct rtd3_device *rdev)
{
	bool engaged;

	down_read(&rdev->core.memory_lock);
	engaged = rdev->core.pm_runtime_engaged;
	up_read(&rdev->core.memory_lock);

	return engaged;
}

static void rtd3_lowpower_set_holders(struct rtd3_device *rdev,
				      unsigned int holders)
{
	lockdep_assert_held(&rdev->policy.lock);

	WRITE_ONCE(rdev->lowpower.holders, holders);
}

/* Take notice of an entry that the core has ended; the device is held awake. */
static unsigned int rtd3_lowpower_settle(struct rtd3_device *rdev)
{
	unsigned int holders = rdev->lowpower.holders;

	lockdep_assert_held(&rdev->policy.lock);

	if (!holders || rtd3_lowpower_core_engaged(rdev))
		return holders;

	holders &= ~RTD3_HELD_USER;
	rtd3_policy_set_entry(rdev, RTD3_POWER_D3COLD);
	if (holders)
		rtd3_lowpower_core_entry(rdev);
	rtd3_lowpower_set_holders(rdev, holders);

	return holders;
}

static void rtd3_lowpower_work(struct work_struct *work)
{
	struct rtd3_device *rdev = container_of(work, struct rtd3_device,
						lowpower.settle);
	struct device *dev = &rdev->core.pdev->dev;

	pm_runtime_get_noresume(dev);
	mutex_lock(&rdev->policy.lock);
	rtd3_lowpower_settle(rdev);
	mutex_unlock(&rdev->policy.lock);
	pm_runtime_put(dev);
}

/**
 * rtd3_lowpower_woken - the device has resumed
 * @rdev: device
 *
 * Context: runtime resume callback.
 */
void rtd3_lowpower_woken(struct rtd3_device *rdev)
{
	if (READ_ONCE(rdev->lowpower.holders) & RTD3_HELD_USER &&
	    READ_ONCE(rdev->open))
		rtd3_recovery_run(&rdev->lowpower.settle);
}

/* The core takes one entry at a time: the others' makes room for the user's. */
static int rtd3_lowpower_replace(struct rtd3_device *rdev, u32 feature,
				 void __user *arg, size_t argsz)
{
	int ret;

	if (feature == VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY)
		return 0;

	rtd3_lowpower_core_exit(rdev);
	ret = rtd3_lowpower_core(rdev, feature, arg, argsz);
	if (ret)
		rtd3_lowpower_core_entry(rdev);

	return ret;
}

/**
 * rtd3_lowpower_enter - the user enters low power
 * @rdev: device, awake for the ioctl
 * @feature: VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY or its form with wakeup
 * @arg: payload of that feature, in user memory
 * @argsz: its size
 * @limit: how deep the device may go
 *
 * Context: process; takes rtd3_policy.lock.
 * Return: what the core's feature returns: 0; -EINVAL where the user has entered
 * low power already.
 */
int rtd3_lowpower_enter(struct rtd3_device *rdev, u32 feature, void __user *arg,
			size_t argsz, enum rtd3_depth limit)
{
	struct rtd3_lowpower *low = &rdev->lowpower;
	enum rtd3_depth old;
	unsigned int holders;
	int ret;

	mutex_lock(&rdev->policy.lock);
	holders = rtd3_lowpower_settle(rdev);
	/* First the limit: the device may sleep before the core returns. */
	old = rtd3_policy_set_entry(rdev, limit);
	if (holders && !(holders & RTD3_HELD_USER))
		ret = rtd3_lowpower_replace(rdev, feature, arg, argsz);
	else
		ret = rtd3_lowpower_core(rdev, feature, arg, argsz);
	if (ret) {
		rtd3_policy_set_entry(rdev, old);
	} else {
		rtd3_lowpower_set_holders(rdev, holders | RTD3_HELD_USER);
		low->entries++;
		trace_rtd3_entry(rdev->core.pdev, limit,
				 feature != VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	}
	mutex_unlock(&rdev->policy.lock);

	return ret;
}

/**
 * rtd3_lowpower_exit - the user leaves low power, if he has entered it
 * @rdev: device, awake for the ioctl
 *
 * Context: process; takes rtd3_policy.lock.
 */
void rtd3_lowpower_exit(struct rtd3_device *rdev)
{
	struct rtd3_lowpower *low = &rdev->lowpower;
	unsigned int holders;
	bool engaged;

	rtd3_pm_claim_wake(rdev, RTD3_WAKE_EXIT);
	rtd3_pm_mark_busy(rdev);

	mutex_lock(&rdev->policy.lock);
	holders = rtd3_lowpower_settle(rdev);
	engaged = holders & RTD3_HELD_USER;
	if (engaged) {
		holders &= ~RTD3_HELD_USER;
		/* His eventfd, if there is one, goes with his entry. */
		rtd3_lowpower_core_exit(rdev);
		if (holders)
			rtd3_lowpower_core_entry(rdev);
		rtd3_lowpower_set_holders(rdev, holders);
	}
	rtd3_policy_set_entry(rdev, RTD3_POWER_D3COLD);
	low->exits += engaged;
	trace_rtd3_exit(rdev->core.pdev, engaged);
	mutex_unlock(&rdev->policy.lock);
}

/**
 * rtd3_lowpower_hold - low power for another reason than the user's request
 * @rdev: device, held awake
 * @who: the reason
 *
 * No mapping of the device reaches it from now on. Nothing to do for a device
 * that is not open.
 *
 * Context: process; takes rtd3_policy.lock.
 * Return: 0, or what the core's feature returns.
 */
int rtd3_lowpower_hold(struct rtd3_device *rdev, enum rtd3_holder who)
{
	unsigned int holders;
	int ret = 0;

	mutex_lock(&rdev->policy.lock);
	holders = rtd3_lowpower_settle(rdev);
	if (!holders && READ_ONCE(rdev->open))
		ret = rtd3_lowpower_core_entry(rdev);
	if (!ret && READ_ONCE(rdev->open))
		rtd3_lowpower_set_holders(rdev, holders | who);
	mutex_unlock(&rdev->policy.lock);

	return ret;
}

/**
 * rtd3_lowpower_release - the opposite of rtd3_lowpower_hold()
 * @rdev: device, held awake
 * @who: the reason that is none any more
 *
 * Context: process; takes rtd3_policy.lock.
 */
void rtd3_lowpower_release(struct rtd3_device *rdev, enum rtd3_holder who)
{
	unsigned int holders;

	mutex_lock(&rdev->policy.lock);
	holders = rtd3_lowpower_settle(rdev);
	if (holders == who)
		rtd3_lowpower_core_exit(rdev);
	rtd3_lowpower_set_holders(rdev, holders & ~who);
	mutex_unlock(&rdev->policy.lock);
}

/**
 * rtd3_lowpower_closed - the user is going, and all that with him
 * @rdev: device, held awake; the core is about to end its entry
 *
 * Context: close, dev_set->lock held; takes rtd3_policy.lock.
 */
void rtd3_lowpower_closed(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->policy.lock);
	rtd3_lowpower_set_holders(rdev, 0);
	rtd3_policy_set_entry(rdev, RTD3_POWER_D3COLD);
	mutex_unlock(&rdev->policy.lock);
}

/**
 * rtd3_lowpower_engaged - has the user entered low power?
 * @rdev: device
 *
 * Context: process; takes memory_lock for reading.
 */
bool rtd3_lowpower_engaged(struct rtd3_device *rdev)
{
	return READ_ONCE(rdev->lowpower.holders) & RTD3_HELD_USER &&
	       rtd3_lowpower_core_engaged(rdev);
}

/**
 * rtd3_lowpower_idle - does nobody need an open device now?
 * @rdev: device
 *
 * Context: as rtd3_lowpower_engaged().
 */
bool rtd3_lowpower_idle(struct rtd3_device *rdev)
{
	return READ_ONCE(rdev->lowpower.holders) &
	       (RTD3_HELD_USER | RTD3_HELD_GUEST) &&
	       rtd3_lowpower_core_engaged(rdev);
}

/**
 * rtd3_lowpower_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_lowpower_init(struct rtd3_device *rdev)
{
	INIT_WORK(&rdev->lowpower.settle, rtd3_lowpower_work);
}

/**
 * rtd3_lowpower_stop - the device is being unbound
 * @rdev: device that has no user any more
 */
void rtd3_lowpower_stop(struct rtd3_device *rdev)
{
	cancel_work_sync(&rdev->lowpower.settle);
}
