// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folder rtd3/ of a bound device, one value a file, counters in rtd3/stats/, each
 * described in include/ABI/sysfs-bus-pci-rtd3. Reading any of them never wakes the
 * device, and waits for none.
 */

#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "device.h"
#include "snapshot.h"
#include "sysfs.h"

/**
 * struct rtd3_sysfs - the folder
 * @kobj: its kobject, below the PCI device's
 * @rdev: the device; no file is shown any more when it goes
 */
struct rtd3_sysfs {
	struct kobject kobj;
	struct rtd3_device *rdev;
};

/**
 * struct rtd3_attr - a file
 * @attr: as sysfs knows it
 * @show: what a read gets; NULL: write only
 * @store: what a write does; NULL: read only
 * @offset: where the value is: in struct rtd3_device, or in struct rtd3_pm_stats
 * @names: words for the value, in its order
 * @min: the words, or the smallest number
 * @max: how many words there are, or the greatest number
 * @unit: what the value is divided by
 */
struct rtd3_attr {
	struct attribute attr;
	ssize_t (*show)(struct rtd3_device *rdev, const struct rtd3_attr *attr,
			char *buf);
	int (*store)(struct rtd3_device *rdev, const struct rtd3_attr *attr,
		     const char *buf);
	size_t offset;
	const char * const *names;
	unsigned int min;
	unsigned int max;
	u32 unit;
};

#define RTD3_ATTR(_name, _mode, ...)					\
	static struct rtd3_attr rtd3_attr_##_name = {			\
		.attr = { .name = #_name, .mode = (_mode) },		\
		__VA_ARGS__						\
	}

#define RTD3_ATTR_RO(_name)						\
	RTD3_ATTR(_name, 0444, .show = rtd3_##_name##_show)
#define RTD3_ATTR_WO(_name)						\
	RTD3_ATTR(_name, 0200, .store = rtd3_##_name##_store)
#define RTD3_ATTR_RW(_name)						\
	RTD3_ATTR(_name, 0644, .show = rtd3_##_name##_show,		\
		  .store = rtd3_##_name##_store)

static void *rtd3_attr_value(struct rtd3_device *rdev,
			     const struct rtd3_attr *attr)
{
	return (char *)rdev + attr->offset;
}

static ssize_t rtd3_bool_show(struct rtd3_device *rdev,
			      const struct rtd3_attr *attr, char *buf)
{
	bool *value = rtd3_attr_value(rdev, attr);

	return sysfs_emit(buf, "%d\n", READ_ONCE(*value));
}

static int rtd3_bool_store(struct rtd3_device *rdev,
			   const struct rtd3_attr *attr, const char *buf)
{
	bool *value = rtd3_attr_value(rdev, attr);
	bool yes;
	int ret = kstrtobool(buf, &yes);

	if (!ret)
		WRITE_ONCE(*value, yes);

	return ret;
}

#define RTD3_ATTR_BOOL(_name, _member)					\
	RTD3_ATTR(_name, 0644, .show = rtd3_bool_show,			\
		  .store = rtd3_bool_store,				\
		  .offset = offsetof(struct rtd3_device, _member))

static ssize_t rtd3_ms_show(struct rtd3_device *rdev,
			    const struct rtd3_attr *attr, char *buf)
{
	unsigned int *value = rtd3_attr_value(rdev, attr);

	return sysfs_emit(buf, "%u\n", READ_ONCE(*value));
}

static int rtd3_ms_store(struct rtd3_device *rdev, const struct rtd3_attr *attr,
			 const char *buf)
{
	unsigned int *value = rtd3_attr_value(rdev, attr);
	unsigned int ms;
	int ret = kstrtouint(buf, 10, &ms);

	if (ret)
		return ret;
	if (ms < attr->min || ms > attr->max)
		return -ERANGE;
	WRITE_ONCE(*value, ms);

	return 0;
}

#define RTD3_ATTR_MS(_name, _member, _min, _max)			\
	RTD3_ATTR(_name, 0644, .show = rtd3_ms_show,			\
		  .store = rtd3_ms_store,				\
		  .offset = offsetof(struct rtd3_device, _member),	\
		  .min = (_min), .max = (_max))

static ssize_t rtd3_word_show(struct rtd3_device *rdev,
			      const struct rtd3_attr *attr, char *buf)
{
	unsigned int *value = rtd3_attr_value(rdev, attr);

	return sysfs_emit(buf, "%s\n", attr->names[READ_ONCE(*value)]);
}

static int rtd3_word_store(struct rtd3_device *rdev,
			   const struct rtd3_attr *attr, const char *buf)
{
	unsigned int *value = rtd3_attr_value(rdev, attr);
	int index = __sysfs_match_string(attr->names, attr->max, buf);

	if (index < 0)
		return index;
	WRITE_ONCE(*value, index);

	return 0;
}

/* For an enum. */
#define RTD3_WORD(_member, _names, _nr)					\
	.offset = offsetof(struct rtd3_device, _member),		\
	.names = (_names), .max = (_nr)

#define RTD3_ATTR_WORD_RO(_name, _member, _names, _nr)			\
	RTD3_ATTR(_name, 0444, .show = rtd3_word_show,			\
		  RTD3_WORD(_member, _names, _nr))
#define RTD3_ATTR_WORD(_name, _member, _names, _nr)			\
	RTD3_ATTR(_name, 0644, .show = rtd3_word_show,			\
		  .store = rtd3_word_store, RTD3_WORD(_member, _names, _nr))

static ssize_t rtd3_count_show(struct rtd3_device *rdev,
			       const struct rtd3_attr *attr, char *buf)
{
	u64 *value = rtd3_attr_value(rdev, attr);

	return sysfs_emit(buf, "%llu\n", READ_ONCE(*value));
}

#define RTD3_COUNT(_name, _member)					\
	RTD3_ATTR(_name, 0444, .show = rtd3_count_show,			\
		  .offset = offsetof(struct rtd3_device, _member))

static ssize_t rtd3_stat_show(struct rtd3_device *rdev,
			      const struct rtd3_attr *attr, char *buf)
{
	struct rtd3_pm_stats stats;
	u64 value;

	rtd3_pm_get_stats(rdev, &stats);
	value = *(u64 *)((char *)&stats + attr->offset);

	return sysfs_emit(buf, "%llu\n", div_u64(value, attr->unit));
}

#define RTD3_STAT(_name, _member, _unit)				\
	RTD3_ATTR(_name, 0444, .show = rtd3_stat_show,			\
		  .offset = offsetof(struct rtd3_pm_stats, _member),	\
		  .unit = (_unit))

static ssize_t rtd3_state_show(struct rtd3_device *rdev,
			       const struct rtd3_attr *attr, char *buf)
{
	pci_power_t state = rtd3_pm_state(rdev);

	return sysfs_emit(buf, "%s\n",
			  (__force int)state > (__force int)PCI_D3cold ?
			  "unknown" : pci_power_name(state));
}

static ssize_t rtd3_last_state_show(struct rtd3_device *rdev,
				    const struct rtd3_attr *attr, char *buf)
{
	struct rtd3_pm_stats stats;

	rtd3_pm_get_stats(rdev, &stats);

	return sysfs_emit(buf, "%s\n", stats.resumes ?
			  rtd3_power_names[stats.last_state] : "none");
}

static ssize_t rtd3_last_wake_show(struct rtd3_device *rdev,
				   const struct rtd3_attr *attr, char *buf)
{
	struct rtd3_pm_stats stats;

	rtd3_pm_get_stats(rdev, &stats);

	if (stats.last_wake != RTD3_WAKE_HOST || !stats.task[0])
		return sysfs_emit(buf, "%s\n", rtd3_cause_names[stats.last_wake]);

	/* Anybody names a task as he likes. */
	return sysfs_emit(buf, "%s %*pE[%d]\n", rtd3_cause_names[stats.last_wake],
			  (int)strlen(stats.task), stats.task, stats.pid);
}

static int rtd3_policy_store(struct rtd3_device *rdev,
			     const struct rtd3_attr *attr, const char *buf)
{
	int limit = sysfs_match_string(rtd3_policy_names, buf);

	return limit < 0 ? limit : rtd3_policy_set(rdev, limit);
}

static ssize_t rtd3_limit_show(struct rtd3_device *rdev,
			       const struct rtd3_attr *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  rtd3_policy_names[rtd3_policy_limit(rdev)]);
}

static ssize_t rtd3_predicted_show(struct rtd3_device *rdev,
				   const struct rtd3_attr *attr, char *buf)
{
	struct rtd3_prediction *pred = rtd3_predict(rdev);
	enum rtd3_depth deepest;

	if (!pred)
		return -ENOMEM;
	deepest = rtd3_blockers_predict(pred->list, pred->nr);
	kfree(pred);

	return sysfs_emit(buf, "%s\n", rtd3_power_names[deepest]);
}

static ssize_t rtd3_blockers_show(struct rtd3_device *rdev,
				  const struct rtd3_attr *attr, char *buf)
{
	struct rtd3_prediction *pred = rtd3_predict(rdev);
	ssize_t len;

	if (!pred)
		return -ENOMEM;
	len = rtd3_blockers_print(pred->list, pred->nr, buf, PAGE_SIZE);
	kfree(pred);

	return len;
}

static ssize_t rtd3_health_show(struct rtd3_device *rdev,
				const struct rtd3_attr *attr, char *buf)
{
	enum rtd3_health health = rtd3_health_get(rdev, NULL);

	return sysfs_emit(buf, "%s\n", rtd3_health_names[health]);
}

static ssize_t rtd3_health_reason_show(struct rtd3_device *rdev,
				       const struct rtd3_attr *attr, char *buf)
{
	enum rtd3_reason reason;

	rtd3_health_get(rdev, &reason);

	return sysfs_emit(buf, "%s\n", rtd3_reason_names[reason]);
}

static int rtd3_recover_store(struct rtd3_device *rdev,
			      const struct rtd3_attr *attr, const char *buf)
{
	bool yes;
	int ret = kstrtobool(buf, &yes);

	if (ret)
		return ret;

	return yes ? rtd3_recovery_now(rdev) : -EINVAL;
}

static ssize_t rtd3_fallback_show(struct rtd3_device *rdev,
				  const struct rtd3_attr *attr, char *buf)
{
	enum rtd3_depth limit = READ_ONCE(rdev->policy.fallback);

	return sysfs_emit(buf, "%s\n", limit == RTD3_POWER_D3COLD ?
			  "none" : rtd3_policy_names[limit]);
}

/* It follows from what the device does; a user can only lift it. */
static int rtd3_fallback_store(struct rtd3_device *rdev,
			       const struct rtd3_attr *attr, const char *buf)
{
	return sysfs_streq(buf, "none") ?
	       rtd3_policy_lift_fallback(rdev, RTD3_POWER_NR) : -EINVAL;
}

RTD3_ATTR_RO(state);
RTD3_ATTR_RO(last_state);
RTD3_ATTR_RO(last_wake);
RTD3_ATTR(policy, 0644, .show = rtd3_word_show, .store = rtd3_policy_store,
	  RTD3_WORD(policy.host, rtd3_policy_names, RTD3_POWER_NR));
RTD3_ATTR_RO(limit);
RTD3_ATTR_RO(predicted);
RTD3_ATTR_RO(blockers);
RTD3_ATTR_RO(health);
RTD3_ATTR_RO(health_reason);
RTD3_ATTR_WO(recover);
RTD3_ATTR_RW(fallback);
RTD3_ATTR_WORD_RO(fallback_reason, policy.fallback_reason, rtd3_reason_names,
		  RTD3_REASON_NR);
RTD3_ATTR_MS(wake_timeout_ms, resume.timeout_ms, RTD3_RESUME_TIMEOUT_MIN_MS,
	     RTD3_RESUME_TIMEOUT_MAX_MS);
RTD3_ATTR_MS(reset_delay_ms, resume.reset_delay_ms, 0,
	     RTD3_RESET_DELAY_MAX_MS);
RTD3_ATTR_MS(settle_ms, close.settle_ms, 0, RTD3_SETTLE_MAX_MS);
RTD3_ATTR_BOOL(power_cycle_on_close, close.power_cycle);
RTD3_ATTR_BOOL(power_cycle_on_failure, policy.cycle_on_failure);
RTD3_ATTR_WORD(promote, config.promote, rtd3_promote_names, RTD3_PROMOTE_NR);
RTD3_ATTR_WORD_RO(guest_state, config.state, rtd3_guest_names, RTD3_GUEST_NR);
RTD3_ATTR_BOOL(virtual_pr3, config.virtual_pr3);
RTD3_ATTR_WORD(mmio, bar.mode, rtd3_bar_names, RTD3_BAR_NR);

static struct attribute *rtd3_attrs[] = {
	&rtd3_attr_state.attr,
	&rtd3_attr_last_state.attr,
	&rtd3_attr_last_wake.attr,
	&rtd3_attr_policy.attr,
	&rtd3_attr_limit.attr,
	&rtd3_attr_predicted.attr,
	&rtd3_attr_blockers.attr,
	&rtd3_attr_health.attr,
	&rtd3_attr_health_reason.attr,
	&rtd3_attr_recover.attr,
	&rtd3_attr_fallback.attr,
	&rtd3_attr_fallback_reason.attr,
	&rtd3_attr_wake_timeout_ms.attr,
	&rtd3_attr_reset_delay_ms.attr,
	&rtd3_attr_settle_ms.attr,
	&rtd3_attr_power_cycle_on_close.attr,
	&rtd3_attr_power_cycle_on_failure.attr,
	&rtd3_attr_promote.attr,
	&rtd3_attr_guest_state.attr,
	&rtd3_attr_virtual_pr3.attr,
	&rtd3_attr_mmio.attr,
	NULL
};

static const struct attribute_group rtd3_group = {
	.attrs = rtd3_attrs,
};

RTD3_STAT(suspends, suspends, 1);
RTD3_STAT(resumes, resumes, 1);
RTD3_STAT(failures, failures, 1);
RTD3_STAT(wakes_open, wakes[RTD3_WAKE_OPEN], 1);
RTD3_STAT(wakes_exit, wakes[RTD3_WAKE_EXIT], 1);
RTD3_STAT(wakes_config, wakes[RTD3_WAKE_CONFIG], 1);
RTD3_STAT(wakes_bar, wakes[RTD3_WAKE_BAR], 1);
RTD3_STAT(wakes_ioctl, wakes[RTD3_WAKE_IOCTL], 1);
RTD3_STAT(wakes_reset, wakes[RTD3_WAKE_RESET], 1);
RTD3_STAT(wakes_close, wakes[RTD3_WAKE_CLOSE], 1);
RTD3_STAT(wakes_host, wakes[RTD3_WAKE_HOST], 1);
RTD3_STAT(time_d0_ms, time_ns[RTD3_POWER_D0], NSEC_PER_MSEC);
RTD3_STAT(time_d3hot_ms, time_ns[RTD3_POWER_D3HOT], NSEC_PER_MSEC);
RTD3_STAT(time_d3cold_ms, time_ns[RTD3_POWER_D3COLD], NSEC_PER_MSEC);
RTD3_STAT(state_ms, state_ns, NSEC_PER_MSEC);
RTD3_STAT(suspend_latency_us, suspend_ns, NSEC_PER_USEC);
RTD3_STAT(resume_latency_us, resume_ns, NSEC_PER_USEC);
RTD3_STAT(resume_latency_max_us, resume_max_ns, NSEC_PER_USEC);
RTD3_STAT(wake_latency_us, wake_ns, NSEC_PER_USEC);
RTD3_STAT(wake_latency_max_us, wake_max_ns, NSEC_PER_USEC);
RTD3_STAT(ready_latency_us, ready_ns, NSEC_PER_USEC);
RTD3_STAT(verify_latency_us, verify_ns, NSEC_PER_USEC);
RTD3_COUNT(entries, lowpower.entries);
RTD3_COUNT(recoveries, recovery.recoveries);
RTD3_COUNT(power_cycles, close.power_cycles);
RTD3_COUNT(promotions, config.promotions);
RTD3_COUNT(shadow_reads, config.shadow_reads);

static struct attribute *rtd3_stats_attrs[] = {
	&rtd3_attr_suspends.attr,
	&rtd3_attr_resumes.attr,
	&rtd3_attr_failures.attr,
	&rtd3_attr_wakes_open.attr,
	&rtd3_attr_wakes_exit.attr,
	&rtd3_attr_wakes_config.attr,
	&rtd3_attr_wakes_bar.attr,
	&rtd3_attr_wakes_ioctl.attr,
	&rtd3_attr_wakes_reset.attr,
	&rtd3_attr_wakes_close.attr,
	&rtd3_attr_wakes_host.attr,
	&rtd3_attr_time_d0_ms.attr,
	&rtd3_attr_time_d3hot_ms.attr,
	&rtd3_attr_time_d3cold_ms.attr,
	&rtd3_attr_state_ms.attr,
	&rtd3_attr_suspend_latency_us.attr,
	&rtd3_attr_resume_latency_us.attr,
	&rtd3_attr_resume_latency_max_us.attr,
	&rtd3_attr_wake_latency_us.attr,
	&rtd3_attr_wake_latency_max_us.attr,
	&rtd3_attr_ready_latency_us.attr,
	&rtd3_attr_verify_latency_us.attr,
	&rtd3_attr_entries.attr,
	&rtd3_attr_recoveries.attr,
	&rtd3_attr_power_cycles.attr,
	&rtd3_attr_promotions.attr,
	&rtd3_attr_shadow_reads.attr,
	NULL
};

static const struct attribute_group rtd3_stats_group = {
	.name = "stats",
	.attrs = rtd3_stats_attrs,
};

static const struct attribute_group *rtd3_groups[] = {
	&rtd3_group,
	&rtd3_stats_group,
	NULL
};

static ssize_t rtd3_attr_show(struct kobject *kobj, struct attribute *attr,
			      char *buf)
{
	struct rtd3_sysfs *sysfs = container_of(kobj, struct rtd3_sysfs, kobj);
	struct rtd3_attr *file = container_of(attr, struct rtd3_attr, attr);

	return file->show ? file->show(sysfs->rdev, file, buf) : -EIO;
}

static ssize_t rtd3_attr_store(struct kobject *kobj, struct attribute *attr,
			       const char *buf, size_t count)
{
	struct rtd3_sysfs *sysfs = container_of(kobj, struct rtd3_sysfs, kobj);
	struct rtd3_attr *file = container_of(attr, struct rtd3_attr, attr);
	int ret = file->store ? file->store(sysfs->rdev, file, buf) : -EIO;

	return ret ? ret : count;
}

static const struct sysfs_ops rtd3_sysfs_ops = {
	.show = rtd3_attr_show,
	.store = rtd3_attr_store,
};

static void rtd3_sysfs_free(struct kobject *kobj)
{
	kfree(container_of(kobj, struct rtd3_sysfs, kobj));
}

static const struct kobj_type rtd3_ktype = {
	.release = rtd3_sysfs_free,
	.sysfs_ops = &rtd3_sysfs_ops,
	.default_groups = rtd3_groups,
};

/**
 * rtd3_sysfs_add - show the files
 * @rdev: device, registered
 *
 * Context: probe.
 * Return: 0 or a negative error.
 */
int rtd3_sysfs_add(struct rtd3_device *rdev)
{
	struct rtd3_sysfs *sysfs = kzalloc(sizeof(*sysfs), GFP_KERNEL);
	int ret;

	if (!sysfs)
		return -ENOMEM;

	sysfs->rdev = rdev;
	ret = kobject_init_and_add(&sysfs->kobj, &rtd3_ktype,
				   &rdev->core.pdev->dev.kobj, "rtd3");
	if (ret) {
		kobject_put(&sysfs->kobj);
		return ret;
	}
	rdev->sysfs = sysfs;

	return 0;
}

/**
 * rtd3_sysfs_remove - the files go; waits for those who are in one of them
 * @rdev: device
 *
 * Context: remove, device_lock held.
 */
void rtd3_sysfs_remove(struct rtd3_device *rdev)
{
	kobject_del(&rdev->sysfs->kobj);
	kobject_put(&rdev->sysfs->kobj);
}
