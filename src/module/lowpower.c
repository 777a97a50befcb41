// SPDX-License-Identifier: GPL-2.0-only
/*
 * Low power of an open device. Three can want it: the user, its guest, and a device
 * that does not work. The core knows one entry, which lets the device suspend and
 * takes mappings and dma-bufs away; it is made by feature 3 for the first who wants
 * it, and left by feature 5 for the last.
 *
 * The wakeup eventfd of feature 4 is kept here, and the core is never asked for
 * that feature: it would end its entry by itself, whoever else still wants it, and
 * read the user's memory while we hold a lock.
 *
 *	user enters, with an eventfd or without     user leaves, closes
 *	     |                                           |
 *	     v          the device wakes, eventfd        v
 *	RTD3_OWNER_USER ------------------------------> not held
 */

#include <linux/eventfd.h>
#include <linux/pm_runtime.h>

#include "compat.h"
#include "core.h"
#include "device.h"
#include "lowpower.h"
#include "trace.h"

static int rtd3_lowpower_core(struct rtd3_device *rdev, u32 feature)
{
	lockdep_assert_held(&rdev->lowpower.lock);

	return vfio_pci_core_ioctl_feature(&rdev->core.vdev,
					   VFIO_DEVICE_FEATURE_SET | feature,
					   NULL, 0);
}

static int rtd3_lowpower_add(struct rtd3_device *rdev, enum rtd3_owner who)
{
	struct rtd3_lowpower *low = &rdev->lowpower;
	int ret = 0;

	lockdep_assert_held(&low->lock);

	if (!low->owners)
		ret = rtd3_lowpower_core(rdev, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	if (!ret)
		WRITE_ONCE(low->owners, low->owners | who);

	return ret;
}

static void rtd3_lowpower_drop(struct rtd3_device *rdev, enum rtd3_owner who)
{
	struct rtd3_lowpower *low = &rdev->lowpower;

	lockdep_assert_held(&low->lock);

	if (low->owners == who)
		rtd3_lowpower_core(rdev, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	WRITE_ONCE(low->owners, low->owners & ~who);
}

/*
 * As rtd3_lowpower_drop(), where nobody may wait: to hand dma-bufs out again the core
 * waits for their users. So it is done as in the core's own resume callback, and the
 * rest from a work item.
 */
static void rtd3_lowpower_drop_now(struct rtd3_device *rdev, enum rtd3_owner who)
{
	struct vfio_pci_core_device *core = &rdev->core;
	struct rtd3_lowpower *low = &rdev->lowpower;

	lockdep_assert_held(&low->lock);

	down_write(&core->memory_lock);
	if (low->owners == who)
		rtd3_core_leave_low_power(core);
	up_write(&core->memory_lock);
	WRITE_ONCE(low->owners, low->owners & ~who);
	queue_work(system_freezable_wq, &low->work);
}

/* The user's entry is over: its eventfd and its limit go with it. */
static void rtd3_lowpower_forget_user(struct rtd3_device *rdev)
{
	struct rtd3_lowpower *low = &rdev->lowpower;

	lockdep_assert_held(&low->lock);

	if (low->wakeup)
		eventfd_ctx_put(low->wakeup);
	low->wakeup = NULL;
	WRITE_ONCE(rdev->policy.entry, RTD3_POWER_D3COLD);
}

/*
 * The device has been woken, or will not wake any more: what has been promised to
 * the user is kept. Nobody shall reach a device that does not work.
 */
static void rtd3_lowpower_signal(struct rtd3_device *rdev)
{
	struct rtd3_lowpower *low = &rdev->lowpower;

	lockdep_assert_held(&low->lock);

	if (!low->wakeup)
		return;
	rtd3_compat_eventfd_signal(low->wakeup);
	if (!rtd3_health_usable(rdev))
		rtd3_lowpower_add(rdev, RTD3_OWNER_DEAD);
	rtd3_lowpower_drop_now(rdev, RTD3_OWNER_USER);
	rtd3_lowpower_forget_user(rdev);
}

/**
 * rtd3_lowpower_enter - the user enters low power
 * @rdev: device, awake for the ioctl
 * @wakeup: signalled when the device wakes, which ends the entry; or NULL. Ours
 *	on success
 * @limit: how deep the device may go
 *
 * Context: process; takes rtd3_lowpower.lock and rtd3_policy.lock.
 * Return: 0; -EINVAL where the user has entered low power already.
 */
int rtd3_lowpower_enter(struct rtd3_device *rdev, struct eventfd_ctx *wakeup,
			enum rtd3_depth limit)
{
	struct rtd3_lowpower *low = &rdev->lowpower;
	int ret = -EINVAL;

	mutex_lock(&low->lock);
	if (!(low->owners & RTD3_OWNER_USER))
		ret = rtd3_lowpower_add(rdev, RTD3_OWNER_USER);
	if (!ret) {
		low->wakeup = wakeup;
		WRITE_ONCE(rdev->policy.entry, limit);
		low->entries++;
		trace_rtd3_entry(rdev->core.pdev, limit, wakeup);
	}
	mutex_unlock(&low->lock);
	/* The ioctl keeps the device awake until the limit is in force. */
	if (!ret)
		rtd3_policy_apply(rdev);

	return ret;
}

/**
 * rtd3_lowpower_exit - the user leaves low power, if it has entered it
 * @rdev: device, awake for the ioctl
 *
 * Context: process; takes rtd3_lowpower.lock and rtd3_policy.lock.
 */
void rtd3_lowpower_exit(struct rtd3_device *rdev)
{
	struct rtd3_lowpower *low = &rdev->lowpower;
	bool engaged;

	mutex_lock(&low->lock);
	engaged = low->owners & RTD3_OWNER_USER;
	if (engaged) {
		rtd3_lowpower_drop(rdev, RTD3_OWNER_USER);
		rtd3_lowpower_forget_user(rdev);
		low->exits++;
	}
	trace_rtd3_exit(rdev->core.pdev, engaged);
	mutex_unlock(&low->lock);
	if (engaged)
		rtd3_policy_apply(rdev);
}

/**
 * rtd3_lowpower_get - low power for another reason than the user's request
 * @rdev: device, held awake
 * @who: the reason
 *
 * No mapping of the device reaches it from now on. Nothing to do for a device
 * that is not open.
 *
 * Context: process; takes rtd3_lowpower.lock.
 * Return: 0, or what the core's feature returns.
 */
int rtd3_lowpower_get(struct rtd3_device *rdev, enum rtd3_owner who)
{
	int ret = 0;

	mutex_lock(&rdev->lowpower.lock);
	if (rdev->lowpower.open)
		ret = rtd3_lowpower_add(rdev, who);
	if (who == RTD3_OWNER_DEAD)
		rtd3_lowpower_signal(rdev);
	mutex_unlock(&rdev->lowpower.lock);

	return ret;
}

/**
 * rtd3_lowpower_put - the opposite of rtd3_lowpower_get()
 * @rdev: device; woken, as it is in use when nobody wants low power any more
 * @who: the reason that is none any more
 *
 * Context: process; takes rtd3_lowpower.lock.
 */
void rtd3_lowpower_put(struct rtd3_device *rdev, enum rtd3_owner who)
{
	struct device *dev = &rdev->core.pdev->dev;

	pm_runtime_get_sync(dev);
	mutex_lock(&rdev->lowpower.lock);
	rtd3_lowpower_drop(rdev, who);
	mutex_unlock(&rdev->lowpower.lock);
	pm_runtime_put(dev);
}

/**
 * rtd3_lowpower_refresh - let dma-bufs be as low power is, whatever has happened
 * @rdev: device; nothing to do for one that is not open
 *
 * The core gives them back when a reset or a write to the command register lets the
 * device decode, in low power, too; it does not when we leave the guest's D3hot. It
 * takes them away at each request for low power, also at one that it refuses, and
 * gives them back at each request to leave it, also if it is not entered.
 *
 * Context: process; takes rtd3_lowpower.lock.
 */
void rtd3_lowpower_refresh(struct rtd3_device *rdev)
{
	struct rtd3_lowpower *low = &rdev->lowpower;

	mutex_lock(&low->lock);
	if (low->open)
		rtd3_lowpower_core(rdev, low->owners ?
					 VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY :
					 VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	mutex_unlock(&low->lock);
}

static void rtd3_lowpower_work(struct work_struct *work)
{
	struct rtd3_device *rdev = container_of(work, struct rtd3_device,
						lowpower.work);

	rtd3_lowpower_refresh(rdev);
	rtd3_policy_apply(rdev);
}

/**
 * rtd3_lowpower_woken - the device has been resumed, though it may not work
 * @rdev: device
 *
 * A user's entry with a wakeup eventfd ends here. The limit of that entry is
 * lifted from a work item: it takes pci_bus_sem.
 *
 * Context: runtime resume callback; takes rtd3_lowpower.lock and memory_lock.
 */
void rtd3_lowpower_woken(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->lowpower.lock);
	rtd3_lowpower_signal(rdev);
	mutex_unlock(&rdev->lowpower.lock);
}

/**
 * rtd3_lowpower_opened - the device has a user from now on
 * @rdev: device, held awake
 *
 * Context: open, dev_set->lock held; takes rtd3_lowpower.lock.
 */
void rtd3_lowpower_opened(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->lowpower.lock);
	rdev->lowpower.open = true;
	mutex_unlock(&rdev->lowpower.lock);
}

/**
 * rtd3_lowpower_closed - the user is going, and all that with it
 * @rdev: device, held awake; the core is about to end its entry
 *
 * Context: close, dev_set->lock held; takes rtd3_lowpower.lock and
 * rtd3_policy.lock.
 */
void rtd3_lowpower_closed(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->lowpower.lock);
	rdev->lowpower.open = false;
	WRITE_ONCE(rdev->lowpower.owners, 0);
	rtd3_lowpower_forget_user(rdev);
	mutex_unlock(&rdev->lowpower.lock);
	rtd3_policy_apply(rdev);
}

/**
 * rtd3_lowpower_owned - does one of these want low power now?
 * @rdev: device
 * @by: enum rtd3_owner, any of them
 *
 * Context: any.
 */
bool rtd3_lowpower_owned(struct rtd3_device *rdev, unsigned int by)
{
	return READ_ONCE(rdev->lowpower.owners) & by;
}

/**
 * rtd3_lowpower_entered - has the user entered low power?
 * @rdev: device
 *
 * Context: any.
 */
bool rtd3_lowpower_entered(struct rtd3_device *rdev)
{
	return rtd3_lowpower_owned(rdev, RTD3_OWNER_USER);
}

/**
 * rtd3_lowpower_idle - does nobody need an open device now?
 * @rdev: device
 *
 * Context: any.
 */
bool rtd3_lowpower_idle(struct rtd3_device *rdev)
{
	return rtd3_lowpower_owned(rdev, RTD3_OWNER_USER | RTD3_OWNER_GUEST);
}

/**
 * rtd3_lowpower_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_lowpower_init(struct rtd3_device *rdev)
{
	mutex_init(&rdev->lowpower.lock);
	INIT_WORK(&rdev->lowpower.work, rtd3_lowpower_work);
}

/**
 * rtd3_lowpower_stop - the device is being unbound
 * @rdev: device that has no user any more
 */
void rtd3_lowpower_stop(struct rtd3_device *rdev)
{
	cancel_work_sync(&rdev->lowpower.work);
}
