// SPDX-License-Identifier: GPL-2.0-only
/*
 * nointxmask and disable_vga of each device, which vfio-pci sets for its own alone.
 * Not in 6.1, in 7.2.12 and 7.3; before, its parameters were those of the core.
 */
#include <linux/vfio_pci_core.h>

static void __maybe_unused probe(struct vfio_pci_core_device *vdev)
{
	vdev->nointxmask = true;
	vdev->disable_vga = true;
}
