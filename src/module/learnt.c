// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devices have shown that they cannot do, from one bind to the next, as long as the
 * module is loaded. Known by address and ids. For some, others have seen it before.
 */

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "known.h"
#include "learnt.h"

/* Who has more devices that do not come back has other worries. */
#define RTD3_LEARNT_MAX	64

/**
 * struct rtd3_learnt - of one device
 * @node: in the list of all, the newest first
 * @domain: address
 * @bus: address
 * @devfn: address
 * @vendor: id
 * @device: id
 * @limit: rtd3_policy.fallback; D3cold where somebody has lifted what others say
 * @reason: why
 */
struct rtd3_learnt {
	struct list_head node;
	int domain;
	u8 bus;
	u8 devfn;
	u16 vendor;
	u16 device;
	enum rtd3_depth limit;
	enum rtd3_reason reason;
};

/* Protects the list and its length. Innermost. */
static DEFINE_MUTEX(rtd3_learnt_lock);
static LIST_HEAD(rtd3_learnt_list);
static unsigned int rtd3_learnt_nr;

static struct rtd3_learnt *rtd3_learnt_find(struct pci_dev *pdev)
{
	struct rtd3_learnt *learnt;

	lockdep_assert_held(&rtd3_learnt_lock);

	list_for_each_entry(learnt, &rtd3_learnt_list, node)
		if (learnt->domain == pci_domain_nr(pdev->bus) &&
		    learnt->bus == pdev->bus->number &&
		    learnt->devfn == pdev->devfn &&
		    learnt->vendor == pdev->vendor &&
		    learnt->device == pdev->device)
			return learnt;

	return NULL;
}

static void rtd3_learnt_drop(struct rtd3_learnt *learnt)
{
	lockdep_assert_held(&rtd3_learnt_lock);

	list_del(&learnt->node);
	rtd3_learnt_nr--;
	kfree(learnt);
}

/**
 * rtd3_learnt_get - how deep may a device sleep, as far as is known?
 * @pdev: PCI device that is being bound
 * @reason: set to why, if that is less than D3cold; RTD3_REASON_KNOWN_BAD: see
 *	rtd3_known_bad()
 *
 * Context: process.
 */
enum rtd3_depth rtd3_learnt_get(struct pci_dev *pdev, enum rtd3_reason *reason)
{
	enum rtd3_depth limit = RTD3_POWER_D3COLD;
	struct rtd3_learnt *learnt;

	mutex_lock(&rtd3_learnt_lock);
	learnt = rtd3_learnt_find(pdev);
	if (learnt) {
		limit = learnt->limit;
		*reason = learnt->reason;
	} else if (rtd3_known_bad(pdev)) {
		limit = RTD3_POWER_D3HOT;
		*reason = RTD3_REASON_KNOWN_BAD;
	}
	mutex_unlock(&rtd3_learnt_lock);

	return limit;
}

/**
 * rtd3_learnt_put - remember it
 * @pdev: PCI device that is being unbound
 * @limit: how deep it may sleep; D3cold: there is nothing to remember, unless others
 *	say that there is
 * @reason: why
 *
 * Where there is no memory it has to be learnt again.
 *
 * Context: process.
 */
void rtd3_learnt_put(struct pci_dev *pdev, enum rtd3_depth limit,
		     enum rtd3_reason reason)
{
	struct rtd3_learnt *learnt;

	mutex_lock(&rtd3_learnt_lock);
	learnt = rtd3_learnt_find(pdev);
	if (learnt)
		rtd3_learnt_drop(learnt);
	learnt = limit < RTD3_POWER_D3COLD || rtd3_known_bad(pdev) ?
		 kzalloc(sizeof(*learnt), GFP_KERNEL) : NULL;
	if (!learnt)
		goto out_unlock;
	if (rtd3_learnt_nr == RTD3_LEARNT_MAX)
		rtd3_learnt_drop(list_last_entry(&rtd3_learnt_list,
						 struct rtd3_learnt, node));
	*learnt = (struct rtd3_learnt) {
		.domain = pci_domain_nr(pdev->bus),
		.bus = pdev->bus->number,
		.devfn = pdev->devfn,
		.vendor = pdev->vendor,
		.device = pdev->device,
		.limit = limit,
		.reason = reason,
	};
	list_add(&learnt->node, &rtd3_learnt_list);
	rtd3_learnt_nr++;

out_unlock:
	mutex_unlock(&rtd3_learnt_lock);
}

/**
 * rtd3_learnt_module_exit - forget it all
 *
 * Context: no device is bound.
 */
void rtd3_learnt_module_exit(void)
{
	struct rtd3_learnt *learnt, *next;

	mutex_lock(&rtd3_learnt_lock);
	list_for_each_entry_safe(learnt, next, &rtd3_learnt_list, node)
		rtd3_learnt_drop(learnt);
	mutex_unlock(&rtd3_learnt_lock);
}
