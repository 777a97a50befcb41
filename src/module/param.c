// SPDX-License-Identifier: GPL-2.0-only
/* Module parameters: defaults for devices that are bound later. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "compat.h"
#include "config.h"
#include "health.h"
#include "bar.h"
#include "param.h"
#include "pm.h"
#include "policy.h"
#include "resume.h"

#define RTD3_AUTOSUSPEND_MAX_MS	3600000

/**
 * struct rtd3_choice - a parameter that is one of some words
 * @param: its name
 * @words: the words, for a message
 * @names: the words, in the order of the enum
 * @nr: how many
 * @value: the enum
 */
struct rtd3_choice {
	const char *param;
	const char *words;
	const char * const *names;
	size_t nr;
	unsigned int *value;
};

static int rtd3_choice_set(const char *val, const struct kernel_param *kp)
{
	const struct rtd3_choice *choice = kp->arg;
	int index = __sysfs_match_string(choice->names, choice->nr, val);

	if (index < 0) {
		pr_err("%s=%s: not one of %s\n", choice->param, val,
		       choice->words);
		return index;
	}
	WRITE_ONCE(*choice->value, index);

	return 0;
}

static int rtd3_choice_get(char *buf, const struct kernel_param *kp)
{
	const struct rtd3_choice *choice = kp->arg;

	return sysfs_emit(buf, "%s\n", choice->names[READ_ONCE(*choice->value)]);
}

static const struct kernel_param_ops rtd3_choice_ops = {
	.set = rtd3_choice_set,
	.get = rtd3_choice_get,
};

#define RTD3_CHOICE(_name, _words, _names, _nr, _value)			\
	static struct rtd3_choice rtd3_choice_##_name = {		\
		.param = #_name,					\
		.words = (_words),					\
		.names = (_names),					\
		.nr = (_nr),						\
		.value = &(_value),					\
	};								\
	module_param_cb(_name, &rtd3_choice_ops, &rtd3_choice_##_name, 0644)

RTD3_CHOICE(policy, "off, d3hot, d3cold", rtd3_policy_names,
	    RTD3_POWER_NR, rtd3_default_policy);
MODULE_PARM_DESC(policy,
		 "Deepest state of a newly bound device: off, d3hot or d3cold (default: d3cold)");

RTD3_CHOICE(promote, "never, safe, always", rtd3_promote_names,
	    RTD3_PROMOTE_NR, rtd3_default_promote);
MODULE_PARM_DESC(promote,
		 "rtd3/promote of a newly bound device: whose D3hot becomes low power: never, safe or always (default: safe)");

RTD3_CHOICE(mmio, "sigbus, wake", rtd3_bar_names, RTD3_BAR_NR,
	    rtd3_default_bar_mode);
MODULE_PARM_DESC(mmio,
		 "rtd3/mmio of a newly bound device: what an access to a sleeping device's BAR gets: sigbus or wake (default: sigbus)");

module_param_named(virtual_pr3, rtd3_default_virtual_pr3, bool, 0644);
MODULE_PARM_DESC(virtual_pr3,
		 "rtd3/virtual_pr3 of a newly bound device: a capability by which the guest's firmware turns its power off (default: N)");

static int rtd3_autosuspend_param_set(const char *val,
				      const struct kernel_param *kp)
{
	int ret;

	ret = param_set_uint_minmax(val, kp, 0, RTD3_AUTOSUSPEND_MAX_MS);
	if (ret)
		pr_err("autosuspend_ms=%s: not a number from 0 to %u\n", val,
		       RTD3_AUTOSUSPEND_MAX_MS);

	return ret;
}

static const struct kernel_param_ops rtd3_autosuspend_param_ops = {
	.set = rtd3_autosuspend_param_set,
	.get = param_get_uint,
};
module_param_cb(autosuspend_ms, &rtd3_autosuspend_param_ops,
		&rtd3_default_autosuspend_ms, 0644);
MODULE_PARM_DESC(autosuspend_ms,
		 "power/autosuspend_delay_ms of a newly bound device (default: 1000)");

static int rtd3_resume_timeout_param_set(const char *val,
					 const struct kernel_param *kp)
{
	int ret;

	ret = param_set_uint_minmax(val, kp, RTD3_RESUME_TIMEOUT_MIN_MS,
				    RTD3_RESUME_TIMEOUT_MAX_MS);
	if (ret)
		pr_err("wake_timeout_ms=%s: not a number from %u to %u\n", val,
		       RTD3_RESUME_TIMEOUT_MIN_MS, RTD3_RESUME_TIMEOUT_MAX_MS);

	return ret;
}

static const struct kernel_param_ops rtd3_resume_timeout_param_ops = {
	.set = rtd3_resume_timeout_param_set,
	.get = param_get_uint,
};
module_param_cb(wake_timeout_ms, &rtd3_resume_timeout_param_ops,
		&rtd3_default_wake_timeout_ms, 0644);
MODULE_PARM_DESC(wake_timeout_ms,
		 "rtd3/wake_timeout_ms of a newly bound device: how long a wake waits for it (default: 1000)");

module_param_named(fallback_cycles, rtd3_fallback_cycles, uint, 0644);
MODULE_PARM_DESC(fallback_cycles,
		 "Clean wakes after which rtd3/fallback is lifted by one state (default: 0, never)");

RTD3_VDEV_PARAM(nointxmask,
		"As vfio-pci's, for a newly bound device: INTx is masked at the interrupt controller (default: N)");
RTD3_VDEV_PARAM(disable_vga,
		"As vfio-pci's, for a newly bound device: no access to VGA ranges (default: N)");

static char ids[1024];
module_param_string(ids, ids, sizeof(ids), 0);
MODULE_PARM_DESC(ids,
		 "Devices to bind without driver_override: vendor:device[:subvendor[:subdevice[:class[:class_mask]]]],... in hexadecimal");

/* An id of 16 bits, or any. */
static bool rtd3_param_good_id(unsigned int id)
{
	return id <= U16_MAX || id == PCI_ANY_ID;
}

/* As vfio-pci reads it, but nothing may be left over or out of range. */
static bool rtd3_param_parse_id(const char *text, struct pci_device_id *id)
{
	int fields, end = 0;

	*id = (struct pci_device_id) {
		.subvendor = PCI_ANY_ID,
		.subdevice = PCI_ANY_ID,
	};
	fields = sscanf(text, "%x:%x%n:%x%n:%x%n:%x%n:%x%n", &id->vendor,
			&id->device, &end, &id->subvendor, &end,
			&id->subdevice, &end, &id->class, &end,
			&id->class_mask, &end);

	return fields >= 2 && !text[end] && rtd3_param_good_id(id->vendor) &&
	       rtd3_param_good_id(id->device) &&
	       rtd3_param_good_id(id->subvendor) &&
	       rtd3_param_good_id(id->subdevice) && id->class <= 0xffffff &&
	       (id->class_mask <= 0xffffff || id->class_mask == ~0U);
}

/* Adds each of the ids to @driver; a NULL driver only looks at them. */
static int rtd3_param_walk_ids(struct pci_driver *driver)
{
	char list[sizeof(ids)], *rest = list, *text;
	struct pci_device_id id;
	int ret;

	strscpy(list, ids, sizeof(list));
	while ((text = strsep(&rest, ","))) {
		if (!*text)
			continue;
		if (!rtd3_param_parse_id(text, &id)) {
			pr_err("ids: '%s' is not vendor:device[:subvendor[:subdevice[:class[:class_mask]]]] in hexadecimal\n",
			       text);
			return -EINVAL;
		}
		if (!driver)
			continue;

		ret = pci_add_dynid(driver, id.vendor, id.device, id.subvendor,
				    id.subdevice, id.class, id.class_mask, 0);
		if (ret) {
			pr_err("ids: cannot add '%s' (%d)\n", text, ret);
			return ret;
		}
	}

	return 0;
}

/**
 * rtd3_param_check_ids - is the parameter ids well formed?
 *
 * Return: 0, or -EINVAL after a message that says what is wrong.
 */
int rtd3_param_check_ids(void)
{
	return rtd3_param_walk_ids(NULL);
}

/**
 * rtd3_param_add_ids - let a driver bind the devices of the parameter ids
 * @driver: registered driver
 *
 * Return: 0 or a negative error, after a message.
 */
int rtd3_param_add_ids(struct pci_driver *driver)
{
	return rtd3_param_walk_ids(driver);
}
