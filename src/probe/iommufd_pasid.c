// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID attach through iommufd. Not in 6.12; upstream commit
 * "vfio-iommufd: Support pasid [at|de]tach for physical VFIO devices".
 */
#include <linux/vfio_pci_core.h>

const struct vfio_device_ops probe = {
	.pasid_attach_ioas = vfio_iommufd_physical_pasid_attach_ioas,
	.pasid_detach_ioas = vfio_iommufd_physical_pasid_detach_ioas,
};
