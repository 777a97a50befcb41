// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_PCI_HOT_RESET. It is of all devices of the set: the core wakes them,
 * and the PCI core waits for the first of them. So whoever does not own all of them
 * is refused before anybody is woken, and nothing is reset unless all answer.
 */

#include <linux/delay.h>
#include <linux/file.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "device.h"
#include "hotreset.h"

#define RTD3_MEMBER_MS	300	/* for another function that does not work */
#define RTD3_FILES_MAX	256	/* functions of a bus */

/**
 * struct rtd3_owner_files - what the caller shows to own the devices
 * @nr: how many; 0: its iommufd is what counts
 * @file: the groups
 */
struct rtd3_owner_files {
	u32 nr;
	struct file *file[];
};

static void rtd3_put_files(struct rtd3_owner_files *files)
{
	while (files->nr)
		fput(files->file[--files->nr]);
	kfree(files);
}

/* NULL: the request is not well formed, and the core knows in which way. */
static struct rtd3_owner_files *rtd3_get_files(void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_pci_hot_reset, count);
	struct vfio_pci_hot_reset hdr;
	struct rtd3_owner_files *files;
	struct file *file;
	s32 fd;

	if (copy_from_user(&hdr, arg, minsz) || hdr.argsz < minsz || hdr.flags ||
	    hdr.count > RTD3_FILES_MAX)
		return NULL;
	files = kzalloc(struct_size(files, file, hdr.count), GFP_KERNEL_ACCOUNT);
	if (!files)
		return NULL;

	while (files->nr < hdr.count) {
		file = NULL;
		if (!copy_from_user(&fd, arg + minsz + files->nr * sizeof(fd),
				    sizeof(fd)))
			file = fget(fd);
		if (!file) {
			rtd3_put_files(files);
			return NULL;
		}
		files->file[files->nr++] = file;
	}

	return files;
}

static bool rtd3_owns(struct rtd3_device *rdev, struct vfio_device *vdev,
		      const struct rtd3_owner_files *files)
{
	u32 i;

	if (!files->nr)
		return rtd3_compat_same_iommufd(&rdev->core.vdev, vdev);

	for (i = 0; i < files->nr; i++)
		if (vfio_file_has_dev(files->file[i], vdev))
			return true;

	return false;
}

/* As the core decides it, but only after it has woken all. */
static bool rtd3_owns_all(struct rtd3_device *rdev,
			  const struct rtd3_owner_files *files)
{
	struct vfio_device_set *dev_set = rdev->core.vdev.dev_set;
	struct vfio_pci_core_device *cur;
	bool all = true;

	mutex_lock(&dev_set->lock);
	list_for_each_entry(cur, &dev_set->device_list, vdev.dev_set_list)
		all = all && rtd3_owns(rdev, &cur->vdev, files);
	mutex_unlock(&dev_set->lock);

	return all;
}

static bool rtd3_can_reset(struct pci_dev *pdev)
{
	return !pci_probe_reset_slot(pdev->slot) || !pci_probe_reset_bus(pdev->bus);
}

static int rtd3_hot_reset_begin(struct rtd3_device *rdev)
{
	struct vfio_device_set *dev_set = rdev->core.vdev.dev_set;
	struct vfio_pci_core_device *cur;
	int ret = rtd3_health_enter(rdev, RTD3_GATE_MS);

	if (ret)
		return ret;

	mutex_lock(&dev_set->lock);
	list_for_each_entry(cur, &dev_set->device_list, vdev.dev_set_list) {
		if (cur->vdev.ops != rdev->core.vdev.ops)
			continue;
		pm_runtime_get_sync(&cur->pdev->dev);
		/* Its recovery has begun with ours, and is about to end with it. */
		ret = rtd3_health_enter(rtd3_from_core(cur), RTD3_MEMBER_MS);
		if (!ret)
			msleep(rtd3_resume_reset_in_ms(rtd3_from_core(cur)));
		rtd3_pm_mark_busy(rtd3_from_core(cur));
		pm_runtime_put(&cur->pdev->dev);
		if (ret)
			break;
	}
	mutex_unlock(&dev_set->lock);

	return ret;
}

/* What was reset is in D0, for its guest, too; dma-bufs came back in any case. */
static void rtd3_hot_reset_end(struct rtd3_device *rdev, bool reset)
{
	struct vfio_device_set *dev_set = rdev->core.vdev.dev_set;
	struct vfio_pci_core_device *cur;

	mutex_lock(&dev_set->lock);
	list_for_each_entry(cur, &dev_set->device_list, vdev.dev_set_list) {
		if (cur->vdev.ops != rdev->core.vdev.ops)
			continue;
		rtd3_lowpower_refresh(rtd3_from_core(cur));
		if (!reset)
			continue;
		pm_runtime_get_sync(&cur->pdev->dev);
		rtd3_guest_was_reset(rtd3_from_core(cur));
		pm_runtime_put(&cur->pdev->dev);
	}
	mutex_unlock(&dev_set->lock);
}

/**
 * rtd3_hot_reset - reset all devices of the set
 * @rdev: one of them, awake for the ioctl
 * @arg: struct vfio_pci_hot_reset, in user memory
 *
 * Context: process; takes dev_set->lock.
 * Return: 0; -EINVAL where the caller does not own all of them; -EIO where one of
 * them does not work; or what the core returns.
 */
int rtd3_hot_reset(struct rtd3_device *rdev, void __user *arg)
{
	struct rtd3_owner_files *files = rtd3_get_files(arg);
	bool all;
	int ret;

	/* What is not well formed, or cannot be reset, the core refuses before it wakes. */
	if (files && !rtd3_can_reset(rdev->core.pdev)) {
		rtd3_put_files(files);
	} else if (files) {
		all = rtd3_owns_all(rdev, files);
		rtd3_put_files(files);
		ret = all ? rtd3_hot_reset_begin(rdev) : -EINVAL;
		if (ret)
			return ret;
	}
	ret = vfio_pci_core_ioctl(&rdev->core.vdev, VFIO_DEVICE_PCI_HOT_RESET,
				  (unsigned long)arg);
	rtd3_hot_reset_end(rdev, !ret);

	return ret;
}
