// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to BARs at the wrong moment: while the device is in low power, or in
 * the D3hot of its guest. rtd3/mmio says what they get:
 *
 *	mode	mapping			read(), write()
 *	sigbus	SIGBUS			user's low power: wakes, as the core
 *					guest's D3: EIO
 *	wake	low power ends, as if	the same
 *		left by request
 *
 * A mapping gets SIGBUS in any mode if the device does not work. Where the guest has
 * turned memory decoding off it gets SIGBUS from an awake device.
 */

#include <linux/file.h>
#include <linux/sched/mm.h>

#include "compat.h"
#include "device.h"
#include "bar.h"

unsigned int rtd3_default_bar_mode = RTD3_BAR_SIGBUS;

static struct rtd3_device *rtd3_from_vma(struct vm_area_struct *vma)
{
	return rtd3_from_core(vma->vm_private_data);
}

/* Is sleep the reason why the core has refused? It may be over by now. */
static bool rtd3_bar_sleeps(struct rtd3_device *rdev)
{
	/* In the guest's D3hot alone, after a wake, the core refuses nothing. */
	return rtd3_lowpower_owned(rdev, ~0U) ||
	       (__force int)rdev->core.pdev->current_state >=
	       (__force int)PCI_D3hot;
}

/* Low power ends for an access to a BAR. */
static int rtd3_bar_wake(struct rtd3_device *rdev)
{
	struct rtd3_waker waker;
	int ret;

	ret = rtd3_pm_access_begin(rdev, &waker, RTD3_WAKE_BAR);
	if (ret)
		return ret;
	ret = rtd3_guest_wake(rdev);
	if (!ret)
		rtd3_lowpower_exit(rdev);
	rtd3_pm_access_end(rdev, &waker);

	return ret;
}

/*
 * The wake takes locks that come before mmap_lock, and time: without mmap_lock.
 * Whoever faults in a way that forbids that gets SIGBUS. A device that sleeps again
 * by the time of the second fault is woken by a third; one that could not be woken
 * is not tried for ever.
 */
static vm_fault_t rtd3_bar_fault_wake(struct vm_fault *vmf,
				      struct rtd3_device *rdev)
{
	struct file *file;
	int ret;

	if (!rtd3_bar_sleeps(rdev))
		return rdev->bar.core_ops->fault(vmf);
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_TRIED)
		return READ_ONCE(rdev->bar.error) ? VM_FAULT_SIGBUS :
						     VM_FAULT_NOPAGE;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;

	/* Without mmap_lock only the file keeps the device open. */
	file = get_file(vmf->vma->vm_file);
	mmap_read_unlock(vmf->vma->vm_mm);
	ret = rtd3_bar_wake(rdev);
	/* Who is killed says nothing of the device. */
	if (ret != -EINTR)
		WRITE_ONCE(rdev->bar.error, ret);
	if (ret)
		pci_dbg(rdev->core.pdev, "no wake for a mapping (%d)\n", ret);
	fput(file);

	return VM_FAULT_RETRY;
}

static vm_fault_t rtd3_bar_fault(struct vm_fault *vmf)
{
	struct rtd3_device *rdev = rtd3_from_vma(vmf->vma);
	vm_fault_t ret;

	ret = rdev->bar.core_ops->fault(vmf);
	if (ret != VM_FAULT_SIGBUS || !rtd3_health_usable(rdev) ||
	    READ_ONCE(rdev->bar.mode) != RTD3_BAR_WAKE)
		return ret;

	return rtd3_bar_fault_wake(vmf, rdev);
}

/* What cannot be had as one large page is asked for page by page. */
static vm_fault_t __maybe_unused rtd3_bar_huge_fault(struct vm_fault *vmf,
						     unsigned int order)
{
	const struct vm_operations_struct *core_ops =
		rtd3_from_vma(vmf->vma)->bar.core_ops;
	vm_fault_t ret = VM_FAULT_FALLBACK;

	if (core_ops->huge_fault)
		ret = core_ops->huge_fault(vmf, order);

	return ret == VM_FAULT_SIGBUS ? VM_FAULT_FALLBACK : ret;
}

/*
 * The core of 6.1 keeps a list of the mappings that have pages, and a copy or a
 * moved one is not in it: it has to begin without. fork() copies the pages after
 * this call, so it must not find any. mremap() calls it for a place where nothing
 * is yet, and rtd3_bar_mremap() when it has moved the pages.
 */
static void rtd3_bar_open(struct vm_area_struct *vma)
{
	const struct vm_operations_struct *core_ops =
		rtd3_from_vma(vma)->bar.core_ops;
	struct vm_area_struct *from = vma_lookup(current->mm, vma->vm_start);

	if (!from || from->vm_ops != vma->vm_ops)
		return;

	if (from->vm_mm != vma->vm_mm) {
		rtd3_compat_zap(from);
		/* The core of 6.1 takes this for a mapping with pages, else. */
		if (core_ops->close)
			core_ops->close(from);
	}
	rtd3_compat_zap(vma);
}

static int rtd3_bar_mremap(struct vm_area_struct *vma)
{
	rtd3_compat_zap(vma);

	return 0;
}

static void rtd3_bar_close(struct vm_area_struct *vma)
{
	const struct vm_operations_struct *core_ops =
		rtd3_from_vma(vma)->bar.core_ops;

	if (core_ops->close)
		core_ops->close(vma);
}

static const struct vm_operations_struct rtd3_bar_ops = {
	.open = rtd3_bar_open,
	.close = rtd3_bar_close,
	.mremap = rtd3_bar_mremap,
	.fault = rtd3_bar_fault,
	RTD3_VM_OPS_HUGE_FAULT(rtd3_bar_huge_fault)
};

/**
 * rtd3_bar_map - mmap() of a region
 * @vdev: device, open
 * @vma: the mapping
 *
 * Context: mmap_lock held for writing.
 * Return: what the core returns.
 */
int rtd3_bar_map(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	loff_t pos = (loff_t)vma->vm_pgoff << PAGE_SHIFT;
	int ret;

	ret = vfio_pci_core_mmap(vdev, vma);
	/* What is not a BAR has operations of its own. */
	if (ret || VFIO_PCI_OFFSET_TO_INDEX(pos) >= VFIO_PCI_ROM_REGION_INDEX)
		return ret;
	/* Later cores may map BARs as dma-bufs. */
	if (vma->vm_private_data != &rdev->core) {
		dev_info_once(&rdev->core.pdev->dev,
			      "mappings get SIGBUS in low power, whatever rtd3/mmio says: this kernel maps in a way of its own\n");
		return 0;
	}
	/* The same for every BAR. */
	WRITE_ONCE(rdev->bar.core_ops, vma->vm_ops);
	vma->vm_ops = &rtd3_bar_ops;

	return 0;
}

/**
 * rtd3_bar_rw - read() or write() of a BAR while the device may be asleep
 * @rdev: device, open
 * @pos: position in the device's file
 *
 * Context: process; sleeps over a wake of the device.
 * Return: 0: the device shall be asked; -EIO, -EINTR.
 */
int rtd3_bar_rw(struct rtd3_device *rdev, loff_t pos)
{
	bool asleep = rtd3_guest_asleep(rdev);

	if (VFIO_PCI_OFFSET_TO_INDEX(pos) >= VFIO_PCI_ROM_REGION_INDEX ||
	    !rtd3_health_usable(rdev) ||
	    !(asleep || rtd3_lowpower_entered(rdev)))
		return 0;
	if (READ_ONCE(rdev->bar.mode) == RTD3_BAR_WAKE)
		return rtd3_bar_wake(rdev);

	/* Not so for the user's own entry, in which the core wakes it. */
	return asleep ? -EIO : 0;
}

/**
 * rtd3_bar_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_bar_init(struct rtd3_device *rdev)
{
	rdev->bar.mode = READ_ONCE(rtd3_default_bar_mode);
}
