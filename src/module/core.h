/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What we touch of the PCI and VFIO cores that is theirs: each field, why, and the
 * core's own rule for it. All of them are there from 6.1 on. tests/style finds them in
 * other files.
 */
#ifndef RTD3_CORE_H
#define RTD3_CORE_H

#include <linux/atomic.h>
#include <linux/lockdep.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
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

/**
 * rtd3_core_unmark - the device answers
 * @pdev: PCI device
 * @there: rtd3_core_mark() has returned true, or its slot is not empty
 *
 * The core marks what did not answer within its own wait, in a port's resume
 * (pci_pm_bridge_power_up_actions()), and nobody takes that back. That
 * of an empty slot is pciehp's.
 *
 * Context: any.
 * Return: whether the kernel lets us reach the device now.
 */
static inline bool rtd3_core_unmark(struct pci_dev *pdev, bool there)
{
	if (there)
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
	BUILD_BUG_ON(sizeof(pdev->saved_config_space) < PCI_STD_HEADER_SIZEOF);

	return pdev->saved_config_space;
}

/**
 * rtd3_core_has_saved - would pci_restore_state() do something?
 * @pdev: PCI device
 *
 * pci_dev.state_saved.
 */
static inline bool rtd3_core_has_saved(struct pci_dev *pdev)
{
	return pdev->state_saved;
}

/**
 * rtd3_core_forget_saved - what was saved is for us alone
 * @pdev: PCI device, between pci_save_state() and any power transition
 *
 * Otherwise the PCI core takes it for a driver's that is to be restored.
 */
static inline void rtd3_core_forget_saved(struct pci_dev *pdev)
{
	pdev->state_saved = false;
}

/**
 * rtd3_core_store_saved - a copy of what the PCI core has saved last
 * @pdev: PCI device, active
 *
 * Also where the core has restored it already, which clears pci_dev.state_saved.
 *
 * Return: the copy, freed with kfree(), or NULL without memory.
 */
static inline struct pci_saved_state *rtd3_core_store_saved(struct pci_dev *pdev)
{
	bool was_saved = pdev->state_saved;
	struct pci_saved_state *saved;

	pdev->state_saved = true;
	saved = pci_store_saved_state(pdev);
	pdev->state_saved = was_saved;

	return saved;
}

/**
 * rtd3_core_delay - how long the PCI core waits for the device after a power-on, in ms
 * @pdev: PCI device
 *
 * pci_dev.d3cold_delay. The core takes the greatest of a bus when a port resumes, and
 * sets it itself from firmware's _DSM when it finds the device.
 */
static inline unsigned int rtd3_core_delay(struct pci_dev *pdev)
{
	return pdev->d3cold_delay;
}

/**
 * rtd3_core_set_delay - let it wait, or not
 * @pdev: PCI device
 * @ms: 0: not, and what waits is ours
 *
 * Context: rtd3_resume.lock held.
 */
static inline void rtd3_core_set_delay(struct pci_dev *pdev, unsigned int ms)
{
	pdev->d3cold_delay = ms;
}

/**
 * rtd3_core_link_reports - does a port say when its link is up?
 * @port: PCI Express port
 *
 * pci_dev.link_active_reporting.
 */
static inline bool rtd3_core_link_reports(struct pci_dev *port)
{
	return port->link_active_reporting;
}

/**
 * rtd3_core_bridge_d3 - may the PCI core put a bridge into D3?
 * @port: bridge
 *
 * pci_dev.bridge_d3.
 */
static inline bool rtd3_core_bridge_d3(struct pci_dev *port)
{
	return port->bridge_d3;
}

/**
 * rtd3_core_control_on - is power/control "on"?
 * @dev: device
 *
 * dev_pm_info.runtime_auto.
 */
static inline bool rtd3_core_control_on(struct device *dev)
{
	return !dev->power.runtime_auto;
}

/**
 * rtd3_core_usage - how many hold a device awake
 * @dev: device
 *
 * dev_pm_info.usage_count.
 */
static inline int rtd3_core_usage(struct device *dev)
{
	return atomic_read(&dev->power.usage_count);
}

/**
 * rtd3_core_can_reset - does the VFIO core reset the device when it is closed?
 * @core: VFIO device, open
 *
 * vfio_pci_core_device.reset_works, set by vfio_pci_core_enable().
 */
static inline bool rtd3_core_can_reset(struct vfio_pci_core_device *core)
{
	return core->reset_works;
}

/**
 * rtd3_core_forbid_reset - no reset when it is closed this time
 * @core: VFIO device, open
 *
 * Context: dev_set->lock held.
 */
static inline void rtd3_core_forbid_reset(struct vfio_pci_core_device *core)
{
	core->reset_works = false;
}

/**
 * rtd3_core_hide_resets - have the core think that nothing can reset a device
 * @pdev: PCI device, open for nobody
 *
 * pci_dev.reset_methods: a list that ends with 0, so a 0 at its beginning is what
 * pci_reset_supported() takes for "none". Who has begun a reset waits for the device's lock,
 * who begins one meanwhile gets ENOTTY. reset_method in sysfs is written without any lock:
 * a list that somebody writes meanwhile stays, but that there shall be none cannot be told
 * from what is done here, and is lost.
 *
 * Context: device_lock held.
 * Return: what rtd3_core_show_resets() has to be told; 0: nothing can.
 */
static inline u8 rtd3_core_hide_resets(struct pci_dev *pdev)
{
	device_lock_assert(&pdev->dev);

	return xchg(&pdev->reset_methods[0], 0);
}

/**
 * rtd3_core_show_resets - the opposite
 * @pdev: PCI device
 * @first: from rtd3_core_hide_resets()
 *
 * Context: device_lock held.
 */
static inline void rtd3_core_show_resets(struct pci_dev *pdev, u8 first)
{
	device_lock_assert(&pdev->dev);

	cmpxchg(&pdev->reset_methods[0], 0, first);
}

/**
 * rtd3_core_allow_reset - it can be reset, although that was not tried this time
 * @core: VFIO device, just enabled
 *
 * vfio_pci_core_device.reset_works, which says how the reset at open went. By it the core
 * resets the device when it is closed, and tells the user that it can.
 *
 * Context: dev_set->lock held.
 */
static inline void rtd3_core_allow_reset(struct vfio_pci_core_device *core)
{
	core->reset_works = true;
}

/**
 * rtd3_core_leave_low_power - end the core's low power entry
 * @core: VFIO device
 *
 * vfio_pci_core_device.pm_runtime_engaged: what the core's own resume callback does
 * for an entry with a wakeup eventfd. Feature 5 would wait for the users of dma-bufs.
 *
 * Context: memory_lock held for writing.
 */
static inline void rtd3_core_leave_low_power(struct vfio_pci_core_device *core)
{
	lockdep_assert_held_write(&core->memory_lock);

	if (!core->pm_runtime_engaged)
		return;
	core->pm_runtime_engaged = false;
	pm_runtime_get_noresume(&core->pdev->dev);
}

/**
 * rtd3_core_restore_d3hot - give back what the guest's D3hot has taken
 * @core: VFIO device, just brought to D0
 *
 * vfio_pci_core_device.pm_save: what vfio_pci_set_power_state() has saved on the way
 * to D3hot, and would restore.
 *
 * Context: memory_lock held for writing.
 */
static inline void rtd3_core_restore_d3hot(struct vfio_pci_core_device *core)
{
	lockdep_assert_held_write(&core->memory_lock);

	if (!core->needs_pm_restore || !core->pm_save)
		return;
	pci_load_and_free_saved_state(core->pdev, &core->pm_save);
	pci_restore_state(core->pdev);
}

#endif /* RTD3_CORE_H */
