// SPDX-License-Identifier: GPL-2.0-only
/* The VFIO device: operations, registration and release. */

#include <linux/err.h>
#include <linux/pm_runtime.h>

#include "compat.h"
#include "device.h"
#include "event.h"
#include "feature.h"
#include "info.h"

static int rtd3_init_dev(struct vfio_device *vdev)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	int ret;

	ret = vfio_pci_core_init_dev(vdev);
	if (ret)
		return ret;

	rtd3_compat_allow_idle_d3(&rdev->core);
	rtd3_compat_set_dmabuf_ops(&rdev->core);
	rtd3_pm_init(rdev);
	rtd3_policy_init(rdev);
	rtd3_event_init(rdev);

	return 0;
}

static int rtd3_open_device(struct vfio_device *vdev)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	struct rtd3_waker waker;
	int ret;

	rtd3_pm_access_begin(rdev, &waker, RTD3_WAKE_OPEN);
	ret = vfio_pci_core_enable(&rdev->core);
	rtd3_pm_access_end(rdev, &waker);
	if (ret)
		return ret;

	ret = rtd3_info_add_region(rdev);
	if (ret) {
		vfio_pci_core_disable(&rdev->core);
		return ret;
	}

	vfio_pci_core_finish_enable(&rdev->core);
	WRITE_ONCE(rdev->open, true);

	return 0;
}

static void rtd3_close_device(struct vfio_device *vdev)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	struct rtd3_waker waker;

	rtd3_pm_access_begin(rdev, &waker, RTD3_WAKE_CLOSE);
	vfio_pci_core_close_device(vdev);
	rtd3_pm_access_end(rdev, &waker);

	WRITE_ONCE(rdev->open, false);
	rtd3_policy_closed(rdev);
}

static enum rtd3_wake_cause rtd3_region_cause(loff_t pos)
{
	return VFIO_PCI_OFFSET_TO_INDEX(pos) == VFIO_PCI_CONFIG_REGION_INDEX ?
	       RTD3_WAKE_CONFIG : RTD3_WAKE_BAR;
}

static ssize_t rtd3_read(struct vfio_device *vdev, char __user *buf,
			 size_t count, loff_t *ppos)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	struct rtd3_waker waker;
	ssize_t ret;

	if (rtd3_info_owns(rdev, *ppos))
		return rtd3_info_read(rdev, buf, count, ppos);

	rtd3_pm_access_begin(rdev, &waker, rtd3_region_cause(*ppos));
	ret = vfio_pci_core_read(vdev, buf, count, ppos);
	rtd3_pm_access_end(rdev, &waker);

	return ret;
}

static ssize_t rtd3_write(struct vfio_device *vdev, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	struct rtd3_waker waker;
	ssize_t ret;

	if (rtd3_info_owns(rdev, *ppos))
		return -EINVAL;

	rtd3_pm_access_begin(rdev, &waker, rtd3_region_cause(*ppos));
	ret = vfio_pci_core_write(vdev, buf, count, ppos);
	rtd3_pm_access_end(rdev, &waker);

	return ret;
}

static long rtd3_ioctl(struct vfio_device *vdev, unsigned int cmd,
		       unsigned long arg)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);

	switch (cmd) {
	case VFIO_DEVICE_RESET:
	case VFIO_DEVICE_PCI_HOT_RESET:
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_RESET);
		break;
	default:
		rtd3_pm_claim_wake(rdev, RTD3_WAKE_IOCTL);
		break;
	}
	rtd3_pm_mark_busy(rdev);

	return vfio_pci_core_ioctl(vdev, cmd, arg);
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
	.close_device = rtd3_close_device,
	.read = rtd3_read,
	.write = rtd3_write,
	.ioctl = rtd3_ioctl,
	.mmap = vfio_pci_core_mmap,
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
	int ret;

	ret = rtd3_pm_attach(rdev);
	if (ret)
		return ret;

	pm_runtime_get_noresume(dev);
	rtd3_policy_start(rdev);
	ret = vfio_pci_core_register_device(&rdev->core);
	if (ret) {
		rtd3_policy_release(rdev);
		rtd3_pm_detach(rdev);
	}
	pm_runtime_put(dev);

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
	rtd3_policy_release(rdev);
	rtd3_pm_detach(rdev);
}
