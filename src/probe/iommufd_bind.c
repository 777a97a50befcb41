// SPDX-License-Identifier: GPL-2.0-only
/*
 * iommufd backend. Not in 6.1; upstream commit
 * "vfio-iommufd: Support iommufd for physical VFIO devices".
 */
#include <linux/vfio_pci_core.h>

const struct vfio_device_ops probe = {
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
};
