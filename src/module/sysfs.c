// SPDX-License-Identifier: GPL-2.0-only
/*
 * Group rtd3/ of a bound device, one value a file, each described in
 * include/ABI/sysfs-bus-pci-rtd3. Reading any of them never wakes the device.
 */

#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "device.h"
#include "snapshot.h"
#include "sysfs.h"

/**
 * rtd3_from_sysfs - the device of an attribute
 * @dev: as the attribute has it
 */
struct rtd3_device *rtd3_from_sysfs(struct device *dev)
{
	return rtd3_from_core(dev_get_drvdata(dev));
}

static const char *rtd3_state_name(pci_power_t state)
{
	switch (state) {
	case PCI_D0:
	case PCI_D1:
	case PCI_D2:
	case PCI_D3hot:
	case PCI_D3cold:
		return pci_power_name(state);
	default:
		return "unknown";
	}
}

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  rtd3_state_name(to_pci_dev(dev)->current_state));
}
static DEVICE_ATTR_RO(state);

static ssize_t last_state_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct rtd3_pm_stats stats;

	rtd3_pm_get_stats(rtd3_from_sysfs(dev), &stats);

	return sysfs_emit(buf, "%s\n", stats.resumes ?
			  rtd3_power_names[stats.last_state] : "none");
}
static DEVICE_ATTR_RO(last_state);

static ssize_t last_wake_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct rtd3_pm_stats stats;

	rtd3_pm_get_stats(rtd3_from_sysfs(dev), &stats);

	return sysfs_emit(buf, "%s\n", rtd3_cause_names[stats.last_wake]);
}
static DEVICE_ATTR_RO(last_wake);

static ssize_t policy_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%s\n",
			  rtd3_policy_names[READ_ONCE(rdev->policy.host)]);
}

static ssize_t policy_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	int limit = sysfs_match_string(rtd3_policy_names, buf);
	int ret;

	if (limit < 0)
		return limit;

	ret = rtd3_policy_set(rtd3_from_sysfs(dev), limit);

	return ret ? ret : count;
}
static DEVICE_ATTR_RW(policy);

static ssize_t limit_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	enum rtd3_depth limit = rtd3_policy_limit(rtd3_from_sysfs(dev));

	return sysfs_emit(buf, "%s\n", rtd3_policy_names[limit]);
}
static DEVICE_ATTR_RO(limit);

static ssize_t predicted_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct rtd3_prediction *pred = rtd3_predict(rtd3_from_sysfs(dev));
	ssize_t ret;

	if (!pred)
		return -ENOMEM;
	ret = sysfs_emit(buf, "%s\n",
			 rtd3_power_names[rtd3_blockers_predict(pred->list,
								pred->nr)]);
	kfree(pred);

	return ret;
}
static DEVICE_ATTR_RO(predicted);

static ssize_t blockers_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct rtd3_prediction *pred = rtd3_predict(rtd3_from_sysfs(dev));
	ssize_t ret;

	if (!pred)
		return -ENOMEM;
	ret = rtd3_blockers_print(pred->list, pred->nr, buf, PAGE_SIZE);
	kfree(pred);

	return ret;
}
static DEVICE_ATTR_RO(blockers);

static ssize_t entries_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(rdev->lowpower.entries));
}
static DEVICE_ATTR_RO(entries);

static ssize_t health_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	enum rtd3_health health = rtd3_health_get(rtd3_from_sysfs(dev),
						       NULL);

	return sysfs_emit(buf, "%s\n", rtd3_health_names[health]);
}
static DEVICE_ATTR_RO(health);

static ssize_t health_reason_show(struct device *dev,
				  struct device_attribute *attr, char *buf)
{
	enum rtd3_reason reason;

	rtd3_health_get(rtd3_from_sysfs(dev), &reason);

	return sysfs_emit(buf, "%s\n", rtd3_reason_names[reason]);
}
static DEVICE_ATTR_RO(health_reason);

static ssize_t recover_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	bool yes;
	int ret;

	ret = kstrtobool(buf, &yes);
	if (ret)
		return ret;
	if (!yes)
		return -EINVAL;
	ret = rtd3_recovery_now(rtd3_from_sysfs(dev));

	return ret ? ret : count;
}
static DEVICE_ATTR_WO(recover);

static ssize_t recoveries_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(rdev->recovery.recoveries));
}
static DEVICE_ATTR_RO(recoveries);

static ssize_t fallback_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);
	enum rtd3_depth limit = READ_ONCE(rdev->policy.fallback);

	return sysfs_emit(buf, "%s\n", limit == RTD3_POWER_D3COLD ?
			  "none" : rtd3_policy_names[limit]);
}

static ssize_t fallback_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	int ret;

	/* It follows from what the device does; a user can only lift it. */
	if (!sysfs_streq(buf, "none"))
		return -EINVAL;
	ret = rtd3_policy_lift_fallback(rtd3_from_sysfs(dev), RTD3_POWER_NR);

	return ret ? ret : count;
}
static DEVICE_ATTR_RW(fallback);

static ssize_t fallback_reason_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%s\n",
			  rtd3_reason_names[READ_ONCE(rdev->policy.fallback_reason)]);
}
static DEVICE_ATTR_RO(fallback_reason);

static ssize_t rtd3_store_ms(const char *buf, size_t count, unsigned int min,
			     unsigned int max, unsigned int *value)
{
	unsigned int ms;
	int ret;

	ret = kstrtouint(buf, 10, &ms);
	if (ret)
		return ret;
	if (ms < min || ms > max)
		return -ERANGE;
	WRITE_ONCE(*value, ms);

	return count;
}

static ssize_t wake_timeout_ms_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(rdev->wake.timeout_ms));
}

static ssize_t wake_timeout_ms_store(struct device *dev,
				     struct device_attribute *attr,
				     const char *buf, size_t count)
{
	return rtd3_store_ms(buf, count, RTD3_WAKE_TIMEOUT_MIN_MS,
			     RTD3_WAKE_TIMEOUT_MAX_MS,
			     &rtd3_from_sysfs(dev)->wake.timeout_ms);
}
static DEVICE_ATTR_RW(wake_timeout_ms);

static ssize_t settle_ms_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(rdev->close.settle_ms));
}

static ssize_t settle_ms_store(struct device *dev,
			       struct device_attribute *attr, const char *buf,
			       size_t count)
{
	return rtd3_store_ms(buf, count, 0, RTD3_SETTLE_MAX_MS,
			     &rtd3_from_sysfs(dev)->close.settle_ms);
}
static DEVICE_ATTR_RW(settle_ms);

static ssize_t power_cycle_on_close_show(struct device *dev,
					 struct device_attribute *attr,
					 char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%d\n", READ_ONCE(rdev->close.power_cycle));
}

static ssize_t power_cycle_on_close_store(struct device *dev,
					  struct device_attribute *attr,
					  const char *buf, size_t count)
{
	bool yes;
	int ret;

	ret = kstrtobool(buf, &yes);
	if (ret)
		return ret;
	WRITE_ONCE(rtd3_from_sysfs(dev)->close.power_cycle, yes);

	return count;
}
static DEVICE_ATTR_RW(power_cycle_on_close);

static ssize_t power_cycles_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	struct rtd3_device *rdev = rtd3_from_sysfs(dev);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(rdev->close.cycles));
}
static DEVICE_ATTR_RO(power_cycles);

/**
 * struct rtd3_counter - a file that shows one number of struct rtd3_pm_stats
 * @attr: the file
 * @offset: where the u64 is in struct rtd3_pm_stats
 * @unit: what the number is divided by
 */
struct rtd3_counter {
	struct device_attribute attr;
	size_t offset;
	u32 unit;
};

static ssize_t rtd3_counter_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	struct rtd3_counter *counter = container_of(attr, struct rtd3_counter,
						    attr);
	struct rtd3_pm_stats stats;
	u64 value;

	rtd3_pm_get_stats(rtd3_from_sysfs(dev), &stats);
	value = *(u64 *)((char *)&stats + counter->offset);

	return sysfs_emit(buf, "%llu\n", div_u64(value, counter->unit));
}

#define RTD3_COUNTER(_name, _member, _unit)				\
	static struct rtd3_counter rtd3_counter_##_name = {		\
		.attr = __ATTR(_name, 0444, rtd3_counter_show, NULL),	\
		.offset = offsetof(struct rtd3_pm_stats, _member),	\
		.unit = (_unit),					\
	}

RTD3_COUNTER(suspends, suspends, 1);
RTD3_COUNTER(resumes, resumes, 1);
RTD3_COUNTER(failures, failures, 1);
RTD3_COUNTER(wakes_open, wakes[RTD3_WAKE_OPEN], 1);
RTD3_COUNTER(wakes_exit, wakes[RTD3_WAKE_EXIT], 1);
RTD3_COUNTER(wakes_config, wakes[RTD3_WAKE_CONFIG], 1);
RTD3_COUNTER(wakes_bar, wakes[RTD3_WAKE_BAR], 1);
RTD3_COUNTER(wakes_ioctl, wakes[RTD3_WAKE_IOCTL], 1);
RTD3_COUNTER(wakes_reset, wakes[RTD3_WAKE_RESET], 1);
RTD3_COUNTER(wakes_close, wakes[RTD3_WAKE_CLOSE], 1);
RTD3_COUNTER(wakes_host, wakes[RTD3_WAKE_HOST], 1);
RTD3_COUNTER(time_d0_ms, time_ns[RTD3_POWER_D0], NSEC_PER_MSEC);
RTD3_COUNTER(time_d3hot_ms, time_ns[RTD3_POWER_D3HOT], NSEC_PER_MSEC);
RTD3_COUNTER(time_d3cold_ms, time_ns[RTD3_POWER_D3COLD], NSEC_PER_MSEC);
RTD3_COUNTER(suspend_latency_us, suspend_ns, NSEC_PER_USEC);
RTD3_COUNTER(resume_latency_us, resume_ns, NSEC_PER_USEC);
RTD3_COUNTER(resume_latency_max_us, resume_max_ns, NSEC_PER_USEC);
RTD3_COUNTER(wake_latency_us, wake_ns, NSEC_PER_USEC);
RTD3_COUNTER(wake_latency_max_us, wake_max_ns, NSEC_PER_USEC);
RTD3_COUNTER(ready_latency_us, ready_ns, NSEC_PER_USEC);
RTD3_COUNTER(verify_latency_us, verify_ns, NSEC_PER_USEC);

static struct attribute *rtd3_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_last_state.attr,
	&dev_attr_last_wake.attr,
	&dev_attr_policy.attr,
	&dev_attr_limit.attr,
	&dev_attr_predicted.attr,
	&dev_attr_blockers.attr,
	&dev_attr_entries.attr,
	&dev_attr_health.attr,
	&dev_attr_health_reason.attr,
	&dev_attr_recover.attr,
	&dev_attr_recoveries.attr,
	&dev_attr_fallback.attr,
	&dev_attr_fallback_reason.attr,
	&dev_attr_wake_timeout_ms.attr,
	&dev_attr_settle_ms.attr,
	&dev_attr_power_cycle_on_close.attr,
	&dev_attr_power_cycles.attr,
	&rtd3_attr_promote.attr,
	&rtd3_attr_guest_state.attr,
	&rtd3_attr_promotions.attr,
	&rtd3_attr_shadow_reads.attr,
	&rtd3_attr_virtual_pr3.attr,
	&rtd3_attr_mmio.attr,
	&rtd3_counter_suspends.attr.attr,
	&rtd3_counter_resumes.attr.attr,
	&rtd3_counter_failures.attr.attr,
	&rtd3_counter_wakes_open.attr.attr,
	&rtd3_counter_wakes_exit.attr.attr,
	&rtd3_counter_wakes_config.attr.attr,
	&rtd3_counter_wakes_bar.attr.attr,
	&rtd3_counter_wakes_ioctl.attr.attr,
	&rtd3_counter_wakes_reset.attr.attr,
	&rtd3_counter_wakes_close.attr.attr,
	&rtd3_counter_wakes_host.attr.attr,
	&rtd3_counter_time_d0_ms.attr.attr,
	&rtd3_counter_time_d3hot_ms.attr.attr,
	&rtd3_counter_time_d3cold_ms.attr.attr,
	&rtd3_counter_suspend_latency_us.attr.attr,
	&rtd3_counter_resume_latency_us.attr.attr,
	&rtd3_counter_resume_latency_max_us.attr.attr,
	&rtd3_counter_wake_latency_us.attr.attr,
	&rtd3_counter_wake_latency_max_us.attr.attr,
	&rtd3_counter_ready_latency_us.attr.attr,
	&rtd3_counter_verify_latency_us.attr.attr,
	NULL
};

static const struct attribute_group rtd3_group = {
	.name = "rtd3",
	.attrs = rtd3_attrs,
};

const struct attribute_group *rtd3_sysfs_groups[] = {
	&rtd3_group,
	NULL
};
