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
 *	ones	a page of ones, which	ones; dropped
 *		takes writes and
 *		forgets them at wake
 *
 * A mapping gets SIGBUS in any mode if the device does not work, and in mode ones
 * if the device is not in low power (a D3hot that is not promoted) or if it is
 * with a wakeup eventfd: then the core ends low power by itself, where the page
 * cannot be taken away. Where the guest has turned memory decoding off it gets
 * SIGBUS from an awake device; mode ones does not look at that bit, and what
 * nobody decodes reads as ones anyhow.
 */

#include <linux/file.h>
#include <linux/minmax.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "device.h"
#include "mmio.h"

const char * const rtd3_mmio_names[RTD3_MMIO_NR] = {
	[RTD3_MMIO_SIGBUS] = "sigbus",
	[RTD3_MMIO_WAKE] = "wake",
	[RTD3_MMIO_ONES] = "ones",
};

unsigned int rtd3_default_mmio = RTD3_MMIO_SIGBUS;

/**
 * struct rtd3_mmio_vma - a mapping that has the page
 * @node: in rtd3_mmio.vmas
 * @vma: the mapping
 */
struct rtd3_mmio_vma {
	struct list_head node;
	struct vm_area_struct *vma;
};

static struct rtd3_device *rtd3_from_vma(struct vm_area_struct *vma)
{
	return rtd3_from_core(vma->vm_private_data);
}

static void rtd3_mmio_forget(struct rtd3_mmio_vma *entry)
{
	list_del(&entry->node);
	kfree(entry);
}

/*
 * Takes the page away from all mappings of one process; drops the lock for it.
 * With mmap_lock for writing: munmap() holds it for reading while it frees the
 * page tables of mappings that it has not closed yet.
 */
static void rtd3_mmio_zap_first(struct rtd3_mmio *mmio)
{
	struct rtd3_mmio_vma *entry, *next;
	struct mm_struct *mm;

	lockdep_assert_held(&mmio->lock);

	entry = list_first_entry(&mmio->vmas, struct rtd3_mmio_vma, node);
	mm = entry->vma->vm_mm;
	if (!mmget_not_zero(mm)) {
		/* It is exiting, and its page tables with it. */
		rtd3_mmio_forget(entry);
		return;
	}

	mutex_unlock(&mmio->lock);
	mmap_write_lock(mm);
	mutex_lock(&mmio->lock);
	list_for_each_entry_safe(entry, next, &mmio->vmas, node) {
		if (entry->vma->vm_mm != mm)
			continue;
		rtd3_compat_zap(entry->vma);
		rtd3_mmio_forget(entry);
	}
	mutex_unlock(&mmio->lock);
	mmap_write_unlock(mm);
	mmput(mm);
	mutex_lock(&mmio->lock);
}

/**
 * rtd3_mmio_stand_in - may the page stand in for BARs from now on?
 * @rdev: device
 * @yes: it may, in mode ones. Otherwise no mapping has it when this returns,
 *	which has to be before the core lets a mapping reach the device
 *
 * Context: process, rtd3_policy.lock held; takes the mmap_lock of users.
 */
void rtd3_mmio_stand_in(struct rtd3_device *rdev, bool yes)
{
	struct rtd3_mmio *mmio = &rdev->mmio;

	lockdep_assert_held(&rdev->policy.lock);

	yes = yes && READ_ONCE(mmio->mode) == RTD3_MMIO_ONES;
	mutex_lock(&mmio->lock);
	if (yes && !mmio->standing) {
		if (!mmio->page)
			mmio->page = alloc_page(GFP_KERNEL_ACCOUNT);
		if (mmio->page)
			memset(page_address(mmio->page), 0xff, PAGE_SIZE);
	}
	mmio->standing = yes && mmio->page;
	mmio->turns++;
	while (!yes && !list_empty(&mmio->vmas))
		rtd3_mmio_zap_first(mmio);
	mutex_unlock(&mmio->lock);
}

static struct rtd3_mmio_vma *rtd3_mmio_find(struct rtd3_mmio *mmio,
					    struct vm_area_struct *vma)
{
	struct rtd3_mmio_vma *entry;

	lockdep_assert_held(&mmio->lock);

	list_for_each_entry(entry, &mmio->vmas, node)
		if (entry->vma == vma)
			return entry;

	return NULL;
}

/* @turns: from before the core has said SIGBUS. */
static vm_fault_t rtd3_mmio_insert_ones(struct vm_fault *vmf,
					struct rtd3_device *rdev,
					unsigned int turns)
{
	struct vm_area_struct *vma = vmf->vma;
	struct rtd3_mmio *mmio = &rdev->mmio;
	struct rtd3_mmio_vma *entry;
	vm_fault_t ret;

	mutex_lock(&mmio->lock);
	/* Things may have changed: the core shall look again. */
	ret = mmio->turns == turns ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
	if (!mmio->standing || mmio->turns != turns)
		goto out_unlock;
	if (!rtd3_mmio_find(mmio, vma)) {
		entry = kmalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
		ret = VM_FAULT_OOM;
		if (!entry)
			goto out_unlock;
		entry->vma = vma;
		list_add(&entry->node, &mmio->vmas);
	}
	ret = vmf_insert_pfn(vma, vmf->address & PAGE_MASK,
			     page_to_pfn(mmio->page));

out_unlock:
	mutex_unlock(&mmio->lock);
	return ret;
}

/* Is somebody just putting the device to sleep, or waking it? */
static bool rtd3_mmio_changes(struct rtd3_device *rdev)
{
	return mutex_is_locked(&rdev->config.lock) ||
	       mutex_is_locked(&rdev->policy.lock);
}

/*
 * A device is blocked a moment before the page may stand in for it, and a moment
 * after: whoever brings that about is waited for.
 */
static vm_fault_t rtd3_mmio_fault_ones(struct vm_fault *vmf,
				       struct rtd3_device *rdev,
				       unsigned int turns)
{
	vm_fault_t ret = rtd3_mmio_insert_ones(vmf, rdev, turns);
	struct file *file;

	if (ret != VM_FAULT_SIGBUS || !(vmf->flags & FAULT_FLAG_ALLOW_RETRY) ||
	    READ_ONCE(rdev->config.owner) == current)
		return ret;
	if (vmf->flags & FAULT_FLAG_TRIED)
		return rtd3_mmio_changes(rdev) ? VM_FAULT_NOPAGE : ret;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;

	file = get_file(vmf->vma->vm_file);
	mmap_read_unlock(vmf->vma->vm_mm);
	if (!mutex_lock_killable(&rdev->config.lock))
		mutex_unlock(&rdev->config.lock);
	fput(file);

	return VM_FAULT_RETRY;
}

/* Is sleep the reason why the core has refused? It may be over by now. */
static bool rtd3_mmio_sleeps(struct rtd3_device *rdev)
{
	/* In the guest's D3hot alone, after a wake, the core refuses nothing. */
	return READ_ONCE(rdev->lowpower.holders) ||
	       (__force int)rdev->core.pdev->current_state >=
	       (__force int)PCI_D3hot;
}

/* Low power ends for an access to a BAR. */
static int rtd3_mmio_wake(struct rtd3_device *rdev)
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
 * by the time of the second fault is woken by a third.
 */
static vm_fault_t rtd3_mmio_fault_wake(struct vm_fault *vmf,
				       struct rtd3_device *rdev)
{
	struct file *file;
	int ret;

	if (!rtd3_mmio_sleeps(rdev))
		return rdev->mmio.core_ops->fault(vmf);
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY) ||
	    READ_ONCE(rdev->config.owner) == current)
		return VM_FAULT_SIGBUS;
	if (vmf->flags & FAULT_FLAG_TRIED)
		return VM_FAULT_NOPAGE;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;

	/* Without mmap_lock only the file keeps the device open. */
	file = get_file(vmf->vma->vm_file);
	mmap_read_unlock(vmf->vma->vm_mm);
	ret = rtd3_mmio_wake(rdev);
	if (ret)
		pci_dbg(rdev->core.pdev, "no wake for a mapping (%d)\n", ret);
	fput(file);

	return VM_FAULT_RETRY;
}

static vm_fault_t rtd3_mmio_fault(struct vm_fault *vmf)
{
	struct rtd3_device *rdev = rtd3_from_vma(vmf->vma);
	unsigned int turns = READ_ONCE(rdev->mmio.turns);
	vm_fault_t ret;

	ret = rdev->mmio.core_ops->fault(vmf);
	if (ret != VM_FAULT_SIGBUS || !rtd3_health_usable(rdev))
		return ret;

	switch (READ_ONCE(rdev->mmio.mode)) {
	case RTD3_MMIO_WAKE:
		return rtd3_mmio_fault_wake(vmf, rdev);
	case RTD3_MMIO_ONES:
		return rtd3_mmio_fault_ones(vmf, rdev, turns);
	default:
		return ret;
	}
}

/* What cannot be had as one large page is asked for page by page. */
static vm_fault_t __maybe_unused rtd3_mmio_huge_fault(struct vm_fault *vmf,
						      unsigned int order)
{
	const struct vm_operations_struct *core_ops =
		rtd3_from_vma(vmf->vma)->mmio.core_ops;
	vm_fault_t ret = VM_FAULT_FALLBACK;

	if (core_ops->huge_fault)
		ret = core_ops->huge_fault(vmf, order);

	return ret == VM_FAULT_SIGBUS ? VM_FAULT_FALLBACK : ret;
}

/*
 * A copy of a mapping begins without a page: of ours the list does not tell, and
 * of its own the core of 6.1 does not know. fork() copies the pages after this
 * call, so it must not find any. mremap() calls it for a place where nothing is
 * yet, and rtd3_mmio_mremap() when it has moved the pages.
 */
static void rtd3_mmio_open(struct vm_area_struct *vma)
{
	const struct vm_operations_struct *core_ops =
		rtd3_from_vma(vma)->mmio.core_ops;
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

static int rtd3_mmio_mremap(struct vm_area_struct *vma)
{
	rtd3_compat_zap(vma);

	return 0;
}

static void rtd3_mmio_close(struct vm_area_struct *vma)
{
	struct rtd3_mmio *mmio = &rtd3_from_vma(vma)->mmio;
	struct rtd3_mmio_vma *entry;

	mutex_lock(&mmio->lock);
	entry = rtd3_mmio_find(mmio, vma);
	if (entry)
		rtd3_mmio_forget(entry);
	mutex_unlock(&mmio->lock);
	if (mmio->core_ops->close)
		mmio->core_ops->close(vma);
}

static const struct vm_operations_struct rtd3_mmio_ops = {
	.open = rtd3_mmio_open,
	.close = rtd3_mmio_close,
	.mremap = rtd3_mmio_mremap,
	.fault = rtd3_mmio_fault,
	RTD3_VM_OPS_HUGE_FAULT(rtd3_mmio_huge_fault)
};

/**
 * rtd3_mmio_map - mmap() of a region
 * @vdev: device, open
 * @vma: the mapping
 *
 * Context: mmap_lock held for writing.
 * Return: what the core returns.
 */
int rtd3_mmio_map(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct rtd3_device *rdev = rtd3_from_vfio(vdev);
	loff_t pos = (loff_t)vma->vm_pgoff << PAGE_SHIFT;
	int ret;

	ret = vfio_pci_core_mmap(vdev, vma);
	/* What is not a BAR has operations of its own. */
	if (!ret && VFIO_PCI_OFFSET_TO_INDEX(pos) < VFIO_PCI_ROM_REGION_INDEX) {
		/* The same for every BAR. */
		WRITE_ONCE(rdev->mmio.core_ops, vma->vm_ops);
		vma->vm_ops = &rtd3_mmio_ops;
	}

	return ret;
}

static ssize_t rtd3_mmio_rw_ones(char __user *buf, size_t count, loff_t *ppos,
				 bool write)
{
	size_t i;

	for (i = 0; i < count && !write; i++)
		if (put_user(0xff, (u8 __user *)buf + i))
			return -EFAULT;
	*ppos += count;

	return count;
}

/**
 * rtd3_mmio_rw - read() or write() of a BAR while the device may be asleep
 * @rdev: device, open
 * @buf: user memory
 * @count: how much
 * @ppos: where; moved on where it is answered here
 * @write: write() or read()
 *
 * Context: process.
 * Return: 0: the device shall be asked; bytes done without it; or an error.
 */
ssize_t rtd3_mmio_rw(struct rtd3_device *rdev, char __user *buf, size_t count,
		     loff_t *ppos, bool write)
{
	unsigned int index = VFIO_PCI_OFFSET_TO_INDEX(*ppos);
	loff_t pos = *ppos & VFIO_PCI_OFFSET_MASK;
	bool asleep = rtd3_guest_asleep(rdev);
	resource_size_t len;

	if (index >= VFIO_PCI_ROM_REGION_INDEX || !rtd3_health_usable(rdev) ||
	    !(asleep || rtd3_lowpower_engaged(rdev)))
		return 0;

	switch (READ_ONCE(rdev->mmio.mode)) {
	case RTD3_MMIO_WAKE:
		return rtd3_mmio_wake(rdev);
	case RTD3_MMIO_ONES:
		len = pci_resource_len(rdev->core.pdev, index);
		if (pos >= len)
			return -EINVAL;
		return rtd3_mmio_rw_ones(buf, min_t(u64, count, len - pos), ppos,
					 write);
	default:
		/* Not so for the user's own entry, in which the core wakes it. */
		return asleep ? -EIO : 0;
	}
}

/**
 * rtd3_mmio_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_mmio_init(struct rtd3_device *rdev)
{
	mutex_init(&rdev->mmio.lock);
	INIT_LIST_HEAD(&rdev->mmio.vmas);
	rdev->mmio.mode = READ_ONCE(rtd3_default_mmio);
}

/**
 * rtd3_mmio_release - the device goes away
 * @rdev: device, without any mapping
 */
void rtd3_mmio_release(struct rtd3_device *rdev)
{
	if (rdev->mmio.page)
		__free_page(rdev->mmio.page);
}
