// SPDX-License-Identifier: GPL-2.0-only
/*
 * RTD3_FEATURE_INFO, and the region with the same content. The VFIO core wakes
 * a device before every ioctl, but not before read(): the region is for those
 * who want to look at a sleeping device.
 */

#include <linux/acpi.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "device.h"
#include "feature.h"
#include "info.h"
#include "snapshot.h"

static u32 rtd3_uapi_state(pci_power_t state)
{
	switch (state) {
	case PCI_D0:
		return RTD3_STATE_D0;
	case PCI_D3hot:
		return RTD3_STATE_D3HOT;
	case PCI_D3cold:
		return RTD3_STATE_D3COLD;
	default:
		return RTD3_STATE_UNKNOWN;
	}
}

static u32 rtd3_info_flags(struct rtd3_device *rdev,
			   const struct rtd3_prediction *pred)
{
	const struct rtd3_snapshot *snap = &pred->snap;
	struct pci_dev *pdev = rdev->core.pdev;
	u32 flags = 0;

	if (snap->has_pr3)
		flags |= RTD3_INFO_PR3_DEVICE;
	if (snap->port.has_pr3)
		flags |= RTD3_INFO_PR3_PORT;
	/* The core has read No_Soft_Reset when the device was bound. */
	if (pdev->pm_cap && !rdev->core.needs_pm_restore)
		flags |= RTD3_INFO_NO_SOFT_RESET;
	if (pci_pme_capable(pdev, PCI_D3hot))
		flags |= RTD3_INFO_PME_D3HOT;
	if (pci_pme_capable(pdev, PCI_D3cold))
		flags |= RTD3_INFO_PME_D3COLD;
	if (ACPI_COMPANION(&pdev->dev))
		flags |= RTD3_INFO_FIRMWARE_NODE;
	if (!pred->nr)
		flags |= RTD3_INFO_D3COLD;
	if (rtd3_lowpower_entered(rdev))
		flags |= RTD3_INFO_ENGAGED;
	if (rtd3_lowpower_owned(rdev, RTD3_OWNER_GUEST))
		flags |= RTD3_INFO_PROMOTED;

	return flags;
}

static int rtd3_info_fill(struct rtd3_device *rdev, struct rtd3_info *info)
{
	struct rtd3_prediction *pred = rtd3_predict(rdev);
	enum rtd3_reason reason;
	enum rtd3_health health;
	struct rtd3_pm_stats stats;
	unsigned int i;

	BUILD_BUG_ON(RTD3_WAKE_NR > RTD3_INFO_WAKES);

	if (!pred)
		return -ENOMEM;

	rtd3_pm_get_stats(rdev, &stats);
	health = rtd3_health_get(rdev, &reason);
	*info = (struct rtd3_info) {
		.size = sizeof(*info),
		.flags = rtd3_info_flags(rdev, pred),
		.blocked_by = rtd3_blockers_parties(pred->list, pred->nr),
		.policy = rtd3_to_uapi(pred->snap.policy),
		.limit = rtd3_to_uapi(rtd3_policy_limit(rdev)),
		.predicted = rtd3_to_uapi(rtd3_blockers_predict(pred->list,
								   pred->nr)),
		.state = rtd3_uapi_state(rtd3_pm_state(rdev)),
		.last_state = stats.resumes ? rtd3_to_uapi(stats.last_state) :
					      RTD3_STATE_UNKNOWN,
		.last_wake = stats.last_wake,
		.entries = READ_ONCE(rdev->lowpower.entries),
		.exits = READ_ONCE(rdev->lowpower.exits),
		.suspends = stats.suspends,
		.resumes = stats.resumes,
		.failures = stats.failures,
		.time_d0_ns = stats.time_ns[RTD3_POWER_D0],
		.time_d3hot_ns = stats.time_ns[RTD3_POWER_D3HOT],
		.time_d3cold_ns = stats.time_ns[RTD3_POWER_D3COLD],
		.suspend_ns = stats.suspend_ns,
		.resume_ns = stats.resume_ns,
		.resume_max_ns = stats.resume_max_ns,
		.wake_ns = stats.wake_ns,
		.wake_max_ns = stats.wake_max_ns,
		.ready_ns = stats.ready_ns,
		.verify_ns = stats.verify_ns,
		.recoveries = READ_ONCE(rdev->recovery.recoveries),
		.health = health,
		.reason = reason,
		.fallback = rtd3_to_uapi(pred->snap.fallback),
		.fallback_reason = READ_ONCE(rdev->policy.fallback_reason),
	};
	for (i = 0; i < RTD3_WAKE_NR; i++)
		info->wakes[i] = stats.wakes[i];
	kfree(pred);

	return 0;
}

/**
 * rtd3_info_get - RTD3_FEATURE_INFO
 * @rdev: device
 * @flags: of VFIO_DEVICE_FEATURE
 * @arg: payload, in user memory
 * @argsz: its size; what is beyond struct rtd3_info is filled with zero
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL, -EFAULT, -ENOMEM.
 */
int rtd3_info_get(struct rtd3_device *rdev, u32 flags, void __user *arg,
		  size_t argsz)
{
	struct rtd3_info info;
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET,
				 sizeof(info));
	if (ret != 1)
		return ret;
	if (argsz > RTD3_PAYLOAD_MAX)
		return -EINVAL;

	ret = rtd3_info_fill(rdev, &info);
	if (ret)
		return ret;
	if (copy_to_user(arg, &info, sizeof(info)) ||
	    clear_user(arg + sizeof(info), argsz - sizeof(info)))
		return -EFAULT;

	return 0;
}

/**
 * rtd3_info_owns - is this file position in the info region?
 * @rdev: device, open
 * @pos: position in the device's file
 */
bool rtd3_info_owns(struct rtd3_device *rdev, loff_t pos)
{
	return VFIO_PCI_OFFSET_TO_INDEX(pos) == rdev->info_region;
}

/**
 * rtd3_info_read - read() of the info region
 * @rdev: device, open
 * @buf: user memory
 * @count: how much
 * @ppos: from where; moved on
 *
 * What one call returns is of one moment. Never wakes the device.
 *
 * Context: process, may sleep.
 * Return: bytes read; -EINVAL beyond the end, -EFAULT, -ENOMEM.
 */
ssize_t rtd3_info_read(struct rtd3_device *rdev, char __user *buf, size_t count,
		       loff_t *ppos)
{
	loff_t pos = *ppos & VFIO_PCI_OFFSET_MASK;
	struct rtd3_info info;
	int ret;

	if (pos >= sizeof(info))
		return -EINVAL;

	ret = rtd3_info_fill(rdev, &info);
	if (ret)
		return ret;
	count = min_t(size_t, count, sizeof(info) - pos);
	if (copy_to_user(buf, (char *)&info + pos, count))
		return -EFAULT;
	*ppos += count;

	return count;
}

/* vfio.c takes accesses to the region before the core does. */
static ssize_t rtd3_info_region_rw(struct vfio_pci_core_device *core,
				   char __user *buf, size_t count, loff_t *ppos,
				   bool iswrite)
{
	return -EINVAL;
}

static void rtd3_info_region_release(struct vfio_pci_core_device *core,
				     struct vfio_pci_region *region)
{
}

/**
 * rtd3_info_add_region - give an open device its info region
 * @rdev: device, after vfio_pci_core_enable()
 *
 * Return: 0 or -ENOMEM.
 */
int rtd3_info_add_region(struct rtd3_device *rdev)
{
	static const struct vfio_pci_regops ops = {
		.rw = rtd3_info_region_rw,
		.release = rtd3_info_region_release,
	};

	rdev->info_region = VFIO_PCI_NUM_REGIONS + rdev->core.num_regions;

	return vfio_pci_core_register_dev_region(&rdev->core, RTD3_REGION_TYPE,
						 RTD3_REGION_SUBTYPE_INFO, &ops,
						 sizeof(struct rtd3_info),
						 VFIO_REGION_INFO_FLAG_READ,
						 NULL);
}
