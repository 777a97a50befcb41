// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-buf export of BARs asks the variant driver for the physical ranges. Not
 * in 6.12, in 7.3; upstream commit
 * "vfio/pci: Add dma-buf export support for MMIO regions".
 */
#include <linux/vfio_pci_core.h>

const struct vfio_pci_device_ops probe = {
	.get_dmabuf_phys = vfio_pci_core_get_dmabuf_phys,
};

static void __maybe_unused probe_member(struct vfio_pci_core_device *vdev)
{
	vdev->pci_ops = &probe;
}
