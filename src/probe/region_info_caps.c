// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_GET_REGION_INFO as an operation of its own instead of a case of
 * the ioctl operation. Not in 6.12, in 7.3.
 */
#include <linux/vfio_pci_core.h>

const struct vfio_device_ops probe = {
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
};
