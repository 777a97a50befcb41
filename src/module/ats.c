// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device with ATS keeps translations. When its user's mappings change the IOMMU
 * driver tells it, and waits for the answer, VT-d's with interrupts off. A device
 * without power does not answer, and one in D3hot need not (PCI Express 6.0, 5.3.1.4).
 * So its translations are blocked before it sleeps while it is open; where the kernel
 * cannot do that, and while the device is closed but its user still has its group,
 * as an attachment would get EBUSY then, it stays awake.
 */

#include <linux/iommu.h>
#include <linux/pci.h>

#include "ats.h"
#include "compat.h"
#include "device.h"

static bool rtd3_ats_owned(struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);
	bool owned = group && iommu_group_dma_owner_claimed(group);

	iommu_group_put(group);

	return owned;
}

/**
 * rtd3_ats_block - the device is going to sleep
 * @rdev: device in D0: it is told for the last time
 *
 * Context: runtime suspend callback; takes the mutex of the IOMMU group.
 * Return: 0; then rtd3_ats_unblock() is due. -EBUSY: it has to stay awake; or another
 * error of the IOMMU driver.
 */
int rtd3_ats_block(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	struct rtd3_ats *ats = &rdev->ats;
	int ret = 0;

	if (pdev->ats_enabled && rtd3_ats_owned(pdev)) {
		ret = rdev->open ? rtd3_compat_block_iommu(pdev) : -EBUSY;
		ats->blocked = !ret;
	}
	WRITE_ONCE(ats->awake, ret);

	return ret;
}

/**
 * rtd3_ats_unblock - the device is awake again, or given up
 * @rdev: device
 *
 * Context: runtime PM callback, or those are kept away; takes the mutex of the IOMMU
 * group.
 */
void rtd3_ats_unblock(struct rtd3_device *rdev)
{
	if (!rdev->ats.blocked)
		return;
	rdev->ats.blocked = false;
	rtd3_compat_unblock_iommu(rdev->core.pdev);
}
