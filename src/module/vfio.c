// SPDX-License-Identifier: GPL-2.0-only
/* The VFIO device: operations, registration and release. */

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/pm_runtime.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "core.h"
#include "device.h"
#include "event.h"
#include "feature.h"
#include "hotreset.h"
#include "info.h"

#define RTD3_FIRST_TRIES	5

static int rtd3_init_dev(struct vfio_device *vdev)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	int ret;

	ret = vfio_pci_core_init_dev(vdev);
	if (ret)
		return ret;

	rtd3_compat_allow_idle_d3(&rdev->core);
	rtd3_compat_set_params(&rdev->core);
	rtd3_compat_set_dmabuf_ops(&rdev->core);
	rtd3_pm_init(rdev);
	rtd3_policy_init(rdev);
	rtd3_lowpower_init(rdev);
	rtd3_config_init(rdev);
	rtd3_bar_init(rdev);
	rtd3_recovery_init(rdev);
	rtd3_close_init(rdev);
	rtd3_event_init(rdev);

	return 0;
}

/* Undoes vfio_pci_core_enable(), of a device that may be dead by now. */
static void rtd3_disable(struct rtd3_device *rdev)
{
	bool locked = false;

	if (rtd3_health_check(rdev))
		locked = rtd3_close_forbid_resets(rdev);
	else
		rtd3_close_await_resets(rdev);
	vfio_pci_core_disable(&rdev->core);
	rtd3_close_allow_resets(rdev, locked);
}

/* Firmware may still be on its way since power-on. */
static int rtd3_await_reset(struct rtd3_device *rdev)
{
	unsigned int ms = rtd3_resume_reset_in_ms(rdev);

	return ms && msleep_interruptible(ms) ? -EINTR : 0;
}

/* The core resets what it enables, and learns whether it can. */
static int rtd3_enable_with_reset(struct rtd3_device *rdev)
{
	int ret = rtd3_await_reset(rdev) ?: vfio_pci_core_enable(&rdev->core);

	if (!ret)
		rdev->resettable = rtd3_core_can_reset(&rdev->core);

	return ret;
}

/*
 * What has just been without power is as after a reset, and another one so soon after
 * power-on can hang its firmware, or has to be waited for. Whoever has the device's lock
 * may be about to reset it: then as ever. So it is where no reset was seen to work: what
 * is said to be one need not be.
 */
static int rtd3_enable(struct rtd3_device *rdev, bool was_reset)
{
	struct pci_dev *pdev = rdev->core.pdev;
	u8 first;
	int ret;

	if (!was_reset || !rdev->resettable || !device_trylock(&pdev->dev))
		return rtd3_enable_with_reset(rdev);

	first = rtd3_core_hide_resets(pdev);
	ret = vfio_pci_core_enable(&rdev->core);
	rtd3_core_show_resets(pdev, first);
	device_unlock(&pdev->dev);
	if (!ret && first)
		rtd3_core_allow_reset(&rdev->core);

	return ret;
}

static int rtd3_open_device(struct vfio_device *vdev)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	struct rtd3_waker waker;
	ktime_t start;
	int ret;

	ret = rtd3_close_wait_settled(rdev);
	if (ret)
		return ret;
	ret = rtd3_recovery_open(rdev);
	if (ret)
		return ret;
	ret = rtd3_powerset_hold_for_user(rdev);
	if (ret)
		return ret;
	start = ktime_get();
	/* It may have been awake all the time. */
	ret = rtd3_pm_access_checked(rdev, &waker, RTD3_WAKE_OPEN);
	if (ret)
		goto out_let_go;
	rtd3_resume_repair(rdev);
	ret = rtd3_enable(rdev, rtd3_resume_was_reset(rdev, start));
	if (ret)
		goto out_end;
	ret = rtd3_health_check(rdev);
	if (ret)
		goto out_disable;
	ret = rtd3_info_add_region(rdev);
	if (ret)
		goto out_disable;
	ret = rtd3_config_open(rdev);
	if (ret)
		goto out_disable;

	vfio_pci_core_finish_enable(&rdev->core);
	rtd3_lowpower_opened(rdev);
	WRITE_ONCE(rdev->open, true);
	rtd3_pm_access_end(rdev, &waker);

	return 0;

out_disable:
	rtd3_disable(rdev);
out_end:
	rtd3_pm_access_end(rdev, &waker);
out_let_go:
	rtd3_powerset_let_go(rdev);
	return ret;
}

static void rtd3_close(struct vfio_device *vdev)
{
	rtd3_close_device(rtd3_from_vfio(vdev));
}

/*
 * Up to 6.12 the core maps a BAR at its first access, without a lock: of two that
 * come at the same time one gets EBUSY.
 */
static bool rtd3_try_again(ssize_t ret, unsigned int *tries)
{
	return ret == -EBUSY && (*tries)++ < RTD3_FIRST_TRIES &&
	       !msleep_interruptible(1);
}

/* The device is awake, or the core wakes it. */
static ssize_t rtd3_read_awake(struct rtd3_device *rdev, char __user *buf,
			       size_t count, loff_t *ppos)
{
	unsigned int tries = 0;
	loff_t pos = *ppos;
	ssize_t ret;

	do {
		ret = vfio_pci_core_read(&rdev->core.vdev, buf, count, ppos);
	} while (rtd3_try_again(ret, &tries));
	if (ret > 0 && rtd3_health_check_read(rdev, buf, ret)) {
		*ppos = pos;
		ret = -EIO;
	}

	return ret;
}

/* A region of ours, or a device that may be asleep. */
static noinline ssize_t rtd3_read_other(struct rtd3_device *rdev,
					char __user *buf, size_t count,
					loff_t *ppos)
{
	struct rtd3_waker waker;
	ssize_t ret;

	if (rtd3_info_owns(rdev, *ppos))
		return rtd3_info_read(rdev, buf, count, ppos);
	ret = rtd3_bar_rw(rdev, *ppos);
	if (ret)
		return ret;

	ret = rtd3_pm_access_checked(rdev, &waker, RTD3_WAKE_BAR);
	if (ret)
		return ret;
	ret = rtd3_read_awake(rdev, buf, count, ppos);
	rtd3_pm_access_end(rdev, &waker);

	return ret;
}

static ssize_t rtd3_read(struct vfio_device *vdev, char __user *buf,
			 size_t count, loff_t *ppos)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	unsigned int index = VFIO_PCI_OFFSET_TO_INDEX(*ppos);

	if (!count)
		return 0;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return rtd3_config_read(rdev, buf, count, ppos);
	if (likely(index < VFIO_PCI_NUM_REGIONS && rtd3_in_use(rdev)))
		return rtd3_read_awake(rdev, buf, count, ppos);

	return rtd3_read_other(rdev, buf, count, ppos);
}

/* As rtd3_read_awake(). */
static ssize_t rtd3_write_awake(struct rtd3_device *rdev,
				const char __user *buf, size_t count,
				loff_t *ppos)
{
	unsigned int tries = 0;
	loff_t pos = *ppos;
	ssize_t ret;

	do {
		ret = vfio_pci_core_write(&rdev->core.vdev, buf, count, ppos);
	} while (rtd3_try_again(ret, &tries));
	if (ret > 0 && rtd3_health_glance(rdev)) {
		*ppos = pos;
		ret = -EIO;
	}

	return ret;
}

/* As rtd3_read_other(). */
static noinline ssize_t rtd3_write_other(struct rtd3_device *rdev,
					 const char __user *buf, size_t count,
					 loff_t *ppos)
{
	struct rtd3_waker waker;
	ssize_t ret;

	if (rtd3_info_owns(rdev, *ppos))
		return -EINVAL;
	ret = rtd3_bar_rw(rdev, *ppos);
	if (ret)
		return ret;

	ret = rtd3_pm_access_checked(rdev, &waker, RTD3_WAKE_BAR);
	if (ret)
		return ret;
	ret = rtd3_write_awake(rdev, buf, count, ppos);
	rtd3_pm_access_end(rdev, &waker);

	return ret;
}

static ssize_t rtd3_write(struct vfio_device *vdev, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	unsigned int index = VFIO_PCI_OFFSET_TO_INDEX(*ppos);

	if (!count)
		return 0;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return rtd3_config_write(rdev, buf, count, ppos);
	if (likely(index < VFIO_PCI_NUM_REGIONS && rtd3_in_use(rdev)))
		return rtd3_write_awake(rdev, buf, count, ppos);

	return rtd3_write_other(rdev, buf, count, ppos);
}

/* Interrupts of a dead device can be taken down, but not set up. */
static bool rtd3_sets_up_irqs(unsigned long arg)
{
	struct vfio_irq_set set;

	if (copy_from_user(&set, (void __user *)arg, sizeof(set)))
		return false;

	return set.count && set.index <= VFIO_PCI_MSIX_IRQ_INDEX &&
	       set.flags & VFIO_IRQ_SET_DATA_EVENTFD;
}

static long rtd3_ioctl(struct vfio_device *vdev, unsigned int cmd,
		       unsigned long arg)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	bool reset = false;
	long ret = 0;

	switch (cmd) {
	case VFIO_DEVICE_RESET:
		reset = true;
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_RESET);
		ret = rtd3_health_enter(rdev, RTD3_GATE_MS) ?:
		      rtd3_await_reset(rdev);
		break;
	case VFIO_DEVICE_PCI_HOT_RESET:
		reset = true;
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_RESET);
		break;
	case VFIO_DEVICE_SET_IRQS:
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_IOCTL);
		if (rtd3_sets_up_irqs(arg))
			ret = rtd3_health_enter(rdev, RTD3_GATE_MS);
		break;
	default:
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_IOCTL);
		break;
	}
	rtd3_pm_mark_busy(rdev);
	if (ret)
		return ret;

	if (cmd == VFIO_DEVICE_PCI_HOT_RESET)
		ret = rtd3_hot_reset(rdev, (void __user *)arg);
	else
		ret = vfio_pci_core_ioctl(vdev, cmd, arg);
	if (cmd == VFIO_DEVICE_RESET)
		rtd3_lowpower_refresh(rdev);
	if (!ret && cmd == VFIO_DEVICE_RESET)
		rtd3_guest_was_reset(rdev);
	else if (!ret && cmd == VFIO_DEVICE_SET_IRQS)
		rtd3_config_irqs_set(rdev);
	/* A device that does not come back from a reset is not handed out. */
	if (reset && rtd3_health_check(rdev))
		ret = -EIO;

	return ret;
}

/*
 * The name is also the driver_override that the core gives to the virtual
 * functions of a device of ours: it has to be the name of the PCI driver.
 */
static const struct vfio_device_ops rtd3_vfio_ops = {
	.name = KBUILD_MODNAME,
	.init = rtd3_init_dev,
	.release = vfio_pci_core_release_dev,
	.open_device = rtd3_open_device,
	.close_device = rtd3_close,
	.read = rtd3_read,
	.write = rtd3_write,
	.ioctl = rtd3_ioctl,
	.mmap = rtd3_bar_map,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
	.device_feature = rtd3_device_feature,
	RTD3_OPS_IOMMUFD
	RTD3_OPS_DETACH
	RTD3_OPS_PASID
	RTD3_OPS_MATCH_TOKEN
	RTD3_OPS_REGION_INFO
};

/**
 * rtd3_device_alloc - a device that is not registered yet
 * @pdev: PCI device that is being probed
 *
 * Return: the device, released with vfio_put_device(), or an ERR_PTR.
 */
struct rtd3_device *rtd3_device_alloc(struct pci_dev *pdev)
{
	return vfio_alloc_device(rtd3_device, core.vdev, &pdev->dev,
				 &rtd3_vfio_ops);
}

/**
 * rtd3_device_register - put a device into service; it may suspend at once
 * @rdev: device; the PCI device's drvdata points to its core
 *
 * The core starts runtime PM before it returns. A reference of our own keeps
 * the device awake until the registration has succeeded, so that a failure
 * finds no callback of ours under way.
 *
 * Context: probe, device_lock held.
 * Return: 0 or a negative error.
 */
int rtd3_device_register(struct rtd3_device *rdev)
{
	struct device *dev = &rdev->core.pdev->dev;
	int ret, usage;

	ret = rtd3_powerset_get(rdev);
	if (ret)
		return ret;
	ret = rtd3_pm_attach(rdev);
	if (ret)
		goto out_put_set;

	pm_runtime_get_noresume(dev);
	/* No sibling's reset comes between the core and what it reads of the device. */
	rtd3_powerset_hold(rdev, RTD3_HELD_BY_USER);
	rtd3_powerset_join(rdev);
	rtd3_policy_look_at_slot(rdev);
	rtd3_policy_apply(rdev);
	/* The core writes auto to power/control, and that drops one. */
	usage = rtd3_core_usage(dev) - rtd3_core_control_on(dev);
	ret = vfio_pci_core_register_device(&rdev->core);
	/* It drops another, unless vfio_pci's disable_idle_d3 counts for us, too. */
	WRITE_ONCE(rdev->core_awake, rtd3_core_usage(dev) >= usage);
	if (ret)
		goto out_detach;
	rtd3_powerset_let_go(rdev);
	pm_runtime_put(dev);

	return 0;

out_detach:
	rtd3_recovery_stop(rdev);
	rtd3_policy_release(rdev);
	rtd3_event_stop(rdev);
	rtd3_pm_detach(rdev);
	pm_runtime_put(dev);
out_put_set:
	rtd3_powerset_put(rdev);
	return ret;
}

/**
 * rtd3_device_unregister - take a device out of service
 * @rdev: device
 *
 * Waits until its last user is gone.
 *
 * Context: remove, device_lock held.
 */
void rtd3_device_unregister(struct rtd3_device *rdev)
{
	vfio_pci_core_unregister_device(&rdev->core);
	rtd3_close_stop(rdev);
	rtd3_recovery_stop(rdev);
	rtd3_lowpower_stop(rdev);
	rtd3_policy_release(rdev);
	rtd3_event_stop(rdev);
	rtd3_pm_detach(rdev);
	rtd3_powerset_put(rdev);
}
