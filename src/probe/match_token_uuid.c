// SPDX-License-Identifier: GPL-2.0-only
/*
 * VF token over the cdev. Not in 6.12; where it is, vfio calls the operation
 * without a test for NULL. Upstream commit
 * "vfio/pci: Do vf_token checks for VFIO_DEVICE_BIND_IOMMUFD".
 */
#include <linux/vfio_pci_core.h>

const struct vfio_device_ops probe = {
	.match_token_uuid = vfio_pci_core_match_token_uuid,
};
