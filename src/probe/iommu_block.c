// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's translations can be blocked, and its user's attachments stay. For resets,
 * in stable updates of 7.2 and in 7.3.
 */
#include <linux/iommu.h>
#include <linux/pci.h>

static int __maybe_unused probe(struct pci_dev *pdev)
{
	int ret = pci_dev_reset_iommu_prepare(pdev);

	pci_dev_reset_iommu_done(pdev);

	return ret;
}
