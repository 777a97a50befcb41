/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What we touch of the PCI and VFIO cores that is theirs. Each field, why, and the
 * core's own rule for it; no other file writes them.
 */
#ifndef RTD3_CORE_H
#define RTD3_CORE_H

#include <linux/atomic.h>
#include <linux/pci.h>
#include <linux/vfio_pci_core.h>

/*
 * pci_dev.error_state. The PCI core waits for no device that has the mark for
 * disconnected ones (pci_channel_io_perm_failure), so one that has failed for good gets
 * it. The core's rule is pci_dev_set_io_state() of drivers/pci/pci.h: frozen (AER or
 * DPC are at work) is left to who has set it, and the mark of pciehp is for ever.
 */

/**
 * rtd3_core_mark - nothing in the kernel shall wait for this device
 * @pdev: PCI device
 *
 * Context: any.
 * Return: whether the mark is ours, and rtd3_core_unmark() may take it back.
 */
static inline bool rtd3_core_mark(struct pci_dev *pdev)
{
	return cmpxchg(&pdev->error_state, pci_channel_io_normal,
		       pci_channel_io_perm_failure) == pci_channel_io_normal;
}

/* Whose slot can lose it for ever. */
static inline bool rtd3_core_hotplug(struct pci_dev *pdev)
{
	while ((pdev = pci_upstream_bridge(pdev)))
		if (pdev->is_hotplug_bridge)
			return true;

	return false;
}

/**
 * rtd3_core_unmark - the device answers
 * @pdev: PCI device
 * @ours: rtd3_core_mark() has returned true
 *
 * The core marks what did not answer within its own wait, in a port's resume
 * (pci_pm_bridge_power_up_actions()), and nobody takes that back. Below a hot-plug
 * bridge it cannot be told from pciehp's.
 *
 * Context: any.
 * Return: whether the kernel lets us reach the device now.
 */
static inline bool rtd3_core_unmark(struct pci_dev *pdev, bool ours)
{
	if (ours || !rtd3_core_hotplug(pdev))
		cmpxchg(&pdev->error_state, pci_channel_io_perm_failure,
			pci_channel_io_normal);

	return READ_ONCE(pdev->error_state) != pci_channel_io_perm_failure;
}

/**
 * rtd3_core_set_state - say in which power state the device was found
 * @pdev: PCI device, no power transition of the PCI core under way
 * @state: PCI_D0, or PCI_UNKNOWN for one that does not answer
 *
 * pci_dev.current_state. pci_set_power_state() would do, but it takes pci_bus_sem,
 * which no runtime PM callback may: AER holds it while it waits for resumes.
 */
static inline void rtd3_core_set_state(struct pci_dev *pdev, pci_power_t state)
{
	pdev->current_state = state;
}

/**
 * rtd3_core_saved_header - the header that the PCI core has saved last
 * @pdev: PCI device
 *
 * pci_dev.saved_config_space: it is read only, to be compared with.
 */
static inline const u32 *rtd3_core_saved_header(struct pci_dev *pdev)
{
	return pdev->saved_config_space;
}

#endif /* RTD3_CORE_H */
