// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_DEVICE_FEATURE: features 3, 4 and 5 as documented in linux/vfio.h. */

#include "device.h"
#include "feature.h"

/**
 * rtd3_device_feature - VFIO_DEVICE_FEATURE
 * @vdev: device, awake: the VFIO core holds a runtime PM reference
 * @flags: VFIO_DEVICE_FEATURE_GET, SET, PROBE and the feature's number
 * @arg: the payload
 * @argsz: its size
 *
 * An entry must not restart the autosuspend delay: the user says that the
 * device is idle. Everything else counts as use.
 *
 * Return: 0, or what the feature's own handler returns; -ENOTTY for a feature
 * that there is not.
 */
int rtd3_device_feature(struct vfio_device *vdev, u32 flags, void __user *arg,
			size_t argsz)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);

	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_IOCTL);
		break;
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_EXIT);
		rtd3_pm_mark_busy(rdev);
		break;
	default:
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_IOCTL);
		rtd3_pm_mark_busy(rdev);
		break;
	}

	return vfio_pci_core_ioctl_feature(vdev, flags, arg, argsz);
}
