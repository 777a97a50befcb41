// SPDX-License-Identifier: GPL-2.0-only
/*
 * disable_idle_d3 latched for each device. A stable update brought it, so the
 * version tells nothing: absent in 6.12.95, present in 6.12.107.
 */
#include <linux/vfio_pci_core.h>

static void __maybe_unused probe(struct vfio_pci_core_device *vdev)
{
	vdev->disable_idle_d3 = false;
}
