// SPDX-License-Identifier: GPL-2.0-only
/*
 * An attached device can be detached again. Not in 6.1; upstream commit
 * "vfio-iommufd: Add detach_ioas support for physical VFIO devices".
 */
#include <linux/vfio_pci_core.h>

const struct vfio_device_ops probe = {
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
};
