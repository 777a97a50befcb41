// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of group rtd3/ that are about the guest of an open device: what of its
 * requests is honoured, and how.
 */

#include <linux/device.h>
#include <linux/kstrtox.h>

#include "device.h"
#include "sysfs.h"

static ssize_t promote_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%s\n",
			  rtd3_promote_names[READ_ONCE(rdev->config.promote)]);
}

static ssize_t promote_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	int promote = sysfs_match_string(rtd3_promote_names, buf);

	if (promote < 0)
		return promote;
	WRITE_ONCE(rtd3_from_sysfs(dev)->config.promote, promote);

	return count;
}

struct device_attribute rtd3_attr_promote = __ATTR_RW(promote);

static ssize_t guest_state_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%s\n",
			  rtd3_guest_names[READ_ONCE(rdev->config.state)]);
}

struct device_attribute rtd3_attr_guest_state = __ATTR_RO(guest_state);

static ssize_t promotions_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(rdev->config.promotions));
}

struct device_attribute rtd3_attr_promotions = __ATTR_RO(promotions);

static ssize_t shadow_reads_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(rdev->config.shadow_reads));
}

struct device_attribute rtd3_attr_shadow_reads = __ATTR_RO(shadow_reads);

static ssize_t virtual_pr3_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%d\n", READ_ONCE(rdev->config.virtual_pr3));
}

static ssize_t virtual_pr3_store(struct device *dev,
				 struct device_attribute *attr, const char *buf,
				 size_t count)
{
	bool yes;
	int ret;

	ret = kstrtobool(buf, &yes);
	if (ret)
		return ret;
	WRITE_ONCE(rtd3_from_sysfs(dev)->config.virtual_pr3, yes);

	return count;
}

struct device_attribute rtd3_attr_virtual_pr3 = __ATTR_RW(virtual_pr3);

static ssize_t mmio_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%s\n",
			  rtd3_bar_names[READ_ONCE(rdev->mmio.mode)]);
}

static ssize_t mmio_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	int mode = sysfs_match_string(rtd3_bar_names, buf);

	if (mode < 0)
		return mode;
	WRITE_ONCE(rtd3_from_sysfs(dev)->mmio.mode, mode);

	return count;
}

struct device_attribute rtd3_attr_mmio = __ATTR_RW(mmio);
