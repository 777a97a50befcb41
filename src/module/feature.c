// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE: features 3, 4 and 5 as documented in linux/vfio.h, and
 * the private ones of linux/rtd3_vfio_pci.h.
 */

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "device.h"
#include "feature.h"
#include "info.h"

static int rtd3_power_get(struct rtd3_device *rdev, void __user *arg,
			  size_t argsz)
{
	struct rtd3_power req = {
		.low_power_state = rtd3_lowpower_entered(rdev) ?
				   RTD3_LOW_POWER_ENTER : RTD3_LOW_POWER_EXIT,
		.deepest_state = rtd3_to_uapi(rtd3_policy_limit(rdev)),
		.wakeup_eventfd = -1,
	};

	if (copy_to_user(arg, &req, sizeof(req)) ||
	    clear_user(arg + sizeof(req), argsz - sizeof(req)))
		return -EFAULT;

	return 0;
}

/* @fd: negative: none */
static int rtd3_enter(struct rtd3_device *rdev, int fd, enum rtd3_depth limit,
		      bool shadow)
{
	struct eventfd_ctx *wakeup = NULL;
	int ret;

	if (fd >= 0)
		wakeup = eventfd_ctx_fdget(fd);
	if (IS_ERR(wakeup))
		return PTR_ERR(wakeup);

	ret = rtd3_config_enter(rdev, wakeup, limit, shadow);
	if (ret && wakeup)
		eventfd_ctx_put(wakeup);

	return ret;
}

static int rtd3_power_enter(struct rtd3_device *rdev,
			    const struct rtd3_power *req)
{
	bool wakeup = req->flags & RTD3_POWER_WAKEUP;
	enum rtd3_depth limit;

	switch (req->deepest_state) {
	case RTD3_STATE_D3HOT:
		limit = RTD3_POWER_D3HOT;
		break;
	case RTD3_STATE_D3COLD:
		limit = RTD3_POWER_D3COLD;
		break;
	default:
		return -EINVAL;
	}
	if (wakeup ? req->wakeup_eventfd < 0 : req->wakeup_eventfd != 0)
		return -EINVAL;

	return rtd3_enter(rdev, wakeup ? req->wakeup_eventfd : -1, limit,
			  req->flags & RTD3_POWER_SHADOW);
}

static void rtd3_leave(struct rtd3_device *rdev)
{
	rtd3_pm_claim_wake(rdev, RTD3_WAKE_EXIT);
	rtd3_pm_mark_busy(rdev);
	rtd3_lowpower_exit(rdev);
}

static int rtd3_power_set(struct rtd3_device *rdev, void __user *arg,
			  size_t argsz)
{
	struct rtd3_power req;
	int ret;

	ret = copy_struct_from_user(&req, sizeof(req), arg, argsz);
	if (ret)
		return ret == -E2BIG ? -EINVAL : ret;
	if ((req.flags & ~(RTD3_POWER_WAKEUP | RTD3_POWER_SHADOW)) || req.reserved || req.reserved2)
		return -EINVAL;

	switch (req.low_power_state) {
	case RTD3_LOW_POWER_ENTER:
		return rtd3_power_enter(rdev, &req);
	case RTD3_LOW_POWER_EXIT:
		if (req.deepest_state || req.flags || req.wakeup_eventfd)
			return -EINVAL;
		rtd3_leave(rdev);
		return 0;
	default:
		return -EINVAL;
	}
}

static int rtd3_power(struct rtd3_device *rdev, u32 flags, void __user *arg,
		      size_t argsz)
{
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_SET,
				 sizeof(struct rtd3_power));
	if (ret != 1)
		return ret;
	if (argsz > RTD3_PAYLOAD_MAX)
		return -EINVAL;

	return flags & VFIO_DEVICE_FEATURE_GET ?
	       rtd3_power_get(rdev, arg, argsz) :
	       rtd3_power_set(rdev, arg, argsz);
}

static int rtd3_entry(struct rtd3_device *rdev, u32 flags, size_t argsz)
{
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, 0);
	if (ret != 1)
		return ret;

	return rtd3_enter(rdev, -1, RTD3_POWER_D3COLD, false);
}

static int rtd3_entry_with_wakeup(struct rtd3_device *rdev, u32 flags,
				  void __user *arg, size_t argsz)
{
	struct vfio_device_low_power_entry_with_wakeup entry;
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET,
				 sizeof(entry));
	if (ret != 1)
		return ret;
	if (copy_from_user(&entry, arg, sizeof(entry)))
		return -EFAULT;
	if (entry.wakeup_eventfd < 0)
		return -EINVAL;

	return rtd3_enter(rdev, entry.wakeup_eventfd, RTD3_POWER_D3COLD, false);
}

static int rtd3_exit(struct rtd3_device *rdev, u32 flags, size_t argsz)
{
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, 0);
	if (ret != 1)
		return ret;

	rtd3_leave(rdev);

	return 0;
}

/* Whoever only asks is answered, however the device is. */
static bool rtd3_feature_reaches_device(u32 flags)
{
	return flags & VFIO_DEVICE_FEATURE_SET &&
	       !(flags & VFIO_DEVICE_FEATURE_PROBE);
}

/**
 * rtd3_device_feature - VFIO_DEVICE_FEATURE
 * @vdev: device, awake: the VFIO core holds a runtime PM reference
 * @flags: VFIO_DEVICE_FEATURE_GET, SET, PROBE and the feature's number
 * @arg: the payload
 * @argsz: its size
 *
 * An entry must not restart the autosuspend delay: the user says that the
 * device is idle. Nor does a look at the state. Everything else counts as use.
 *
 * Return: 0, or what the feature's own handler returns; -ENOTTY for a feature
 * that there is not; -EIO for a request to a device that does not work.
 */
int rtd3_device_feature(struct vfio_device *vdev, u32 flags, void __user *arg,
			size_t argsz)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	int ret;

	if (rtd3_feature_reaches_device(flags)) {
		ret = rtd3_health_enter(rdev, RTD3_GATE_MS);
		if (ret)
			return ret;
	}

	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
		ret = rtd3_entry(rdev, flags, argsz);
		break;
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
		ret = rtd3_entry_with_wakeup(rdev, flags, arg, argsz);
		break;
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		ret = rtd3_exit(rdev, flags, argsz);
		break;
	case RTD3_FEATURE_POWER:
		ret = rtd3_power(rdev, flags, arg, argsz);
		break;
	case RTD3_FEATURE_INFO:
		/* What it tells includes this very wake. */
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_IOCTL);
		ret = rtd3_info_get(rdev, flags, arg, argsz);
		break;
	default:
		rtd3_pm_mark_busy(rdev);
		/* Who gets a buffer counts on being able to reach it. */
		if (rtd3_compat_exports(flags) && rtd3_lowpower_owned(rdev, ~0U))
			ret = -EBUSY;
		else
			ret = vfio_pci_core_ioctl_feature(vdev, flags, arg, argsz);
		/* Low power may have been entered meanwhile. */
		if (rtd3_compat_exports(flags))
			rtd3_lowpower_refresh(rdev);
		break;
	}
	/* Whoever is for EXIT has claimed the wake already. */
	rtd3_pm_claim_wake(rdev, RTD3_WAKE_IOCTL);

	return ret;
}
