// SPDX-License-Identifier: GPL-2.0-only
/*
 * How deep a device may sleep: the host's policy, what the device has shown that
 * it can do, its slot, and the user's low power entry, which together give one limit.
 *
 *	limit	what holds it
 *	D3cold	nothing
 *	D3hot	pci_d3cold_disable(): the port may not suspend then, so it
 *		cannot cut the power, and the platform may not do it either
 *	D0	a runtime PM reference, in addition
 */

#include <linux/pm_runtime.h>

#include "compat.h"
#include "device.h"
#include "event.h"
#include "known.h"
#include "learnt.h"
#include "policy.h"

unsigned int rtd3_default_policy = RTD3_POWER_D3COLD;

/**
 * rtd3_policy_limit - the limit for sleep
 * @rdev: device
 *
 * Context: any.
 */
enum rtd3_depth rtd3_policy_limit(struct rtd3_device *rdev)
{
	const struct rtd3_policy *policy = &rdev->policy;

	return min(min(READ_ONCE(policy->host), READ_ONCE(policy->fallback)),
		   min(READ_ONCE(policy->entry), policy->slot));
}

/* For a power cycle nothing counts but what the administrator has said, and the slot. */
static enum rtd3_depth rtd3_policy_in_force(struct rtd3_device *rdev)
{
	const struct rtd3_policy *policy = &rdev->policy;

	lockdep_assert_held(&policy->lock);

	if (!policy->cycling)
		return rtd3_policy_limit(rdev);

	return READ_ONCE(policy->cycle_on_failure) ? policy->slot :
						      min(policy->host, policy->slot);
}

/*
 * Bring what holds the limit in line with it. A limit that has become shallower
 * needs a device that is awake, and held so by the caller.
 */
static void rtd3_policy_apply_locked(struct rtd3_device *rdev)
{
	enum rtd3_depth limit = rtd3_policy_in_force(rdev);
	struct rtd3_policy *policy = &rdev->policy;
	struct pci_dev *pdev = rdev->core.pdev;
	struct pci_dev *port = pci_upstream_bridge(pdev);

	lockdep_assert_held(&policy->lock);

	if (limit < RTD3_POWER_D3COLD && !pdev->no_d3cold) {
		pci_d3cold_disable(pdev);
		policy->no_d3cold = true;
	} else if (limit == RTD3_POWER_D3COLD && policy->no_d3cold) {
		policy->no_d3cold = false;
		pci_d3cold_enable(pdev);
		/* The device may sleep already: let the port look again. */
		if (port)
			pm_request_idle(&port->dev);
	}

	if (limit == RTD3_POWER_D0 && !policy->awake) {
		pm_runtime_get_noresume(&pdev->dev);
		policy->awake = true;
	} else if (limit > RTD3_POWER_D0 && policy->awake) {
		policy->awake = false;
		pm_runtime_put(&pdev->dev);
	}
}

/**
 * rtd3_policy_apply - put the limit in force as it is now
 * @rdev: device; held awake unless the limit has only become deeper
 *
 * Context: process; takes rtd3_policy.lock.
 */
void rtd3_policy_apply(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->policy.lock);
	rtd3_policy_apply_locked(rdev);
	mutex_unlock(&rdev->policy.lock);
}

/* Whoever lets a limit fall or lifts it changes nothing that has been changed since. */
enum rtd3_policy_way {
	RTD3_POLICY_ANY,
	RTD3_POLICY_FALL,
	RTD3_POLICY_LIFT,
};

static bool rtd3_policy_goes(enum rtd3_depth old, enum rtd3_depth limit,
			     enum rtd3_policy_way way)
{
	switch (way) {
	case RTD3_POLICY_FALL:
		return limit < old;
	case RTD3_POLICY_LIFT:
		return limit > old;
	default:
		return true;
	}
}

/*
 * Change one of the limits and make it effective. A limit that is shallower wakes
 * a sleeping device; that ends an entry with a wakeup eventfd, as every wake by the
 * host does. A deeper one wakes it only where the device's own power resources, and
 * not its port's, have to be turned off. The wake is waited for without the lock.
 * Tells whether it has changed anything, or the error of the wake.
 */
static int rtd3_policy_change(struct rtd3_device *rdev, enum rtd3_depth *which,
			      enum rtd3_depth limit, enum rtd3_policy_way way,
			      enum rtd3_reason reason)
{
	struct device *dev = &rdev->core.pdev->dev;
	struct rtd3_policy *policy = &rdev->policy;
	enum rtd3_depth old, new;
	bool awake = false;
	bool changes;
	int ret;

	mutex_lock(&policy->lock);
	if (limit < *which ||
	    (limit > *which && pci_pr3_present(rdev->core.pdev))) {
		mutex_unlock(&policy->lock);
		ret = pm_runtime_resume_and_get(dev);
		if (ret)
			return ret;
		awake = true;
		mutex_lock(&policy->lock);
	}
	old = min(policy->host, policy->fallback);
	changes = rtd3_policy_goes(*which, limit, way);
	if (changes) {
		WRITE_ONCE(*which, limit);
		if (reason)
			WRITE_ONCE(policy->fallback_reason, reason);
	}
	if (policy->fallback == RTD3_POWER_D3COLD)
		WRITE_ONCE(policy->fallback_reason, RTD3_REASON_NONE);
	rtd3_policy_apply_locked(rdev);
	new = min(policy->host, policy->fallback);
	if (new != old)
		rtd3_event_limit(rdev, new);
	mutex_unlock(&policy->lock);
	if (awake)
		pm_runtime_put(dev);

	return changes;
}

/**
 * rtd3_policy_set - change the host's limit
 * @rdev: device
 * @limit: the new one
 *
 * Effective when it returns, whatever the device does meanwhile.
 *
 * Context: process; takes rtd3_policy.lock.
 * Return: 0, or the error of the wake: then nothing has changed.
 */
int rtd3_policy_set(struct rtd3_device *rdev, enum rtd3_depth limit)
{
	int ret = rtd3_policy_change(rdev, &rdev->policy.host, limit,
				     RTD3_POLICY_ANY, RTD3_REASON_NONE);

	return min(ret, 0);
}

/**
 * rtd3_policy_fall_back - the device has not come back from a deeper state
 * @rdev: device, held awake
 * @limit: how deep it may go from now on
 * @reason: what was wrong
 *
 * Context: process; takes rtd3_policy.lock.
 */
void rtd3_policy_fall_back(struct rtd3_device *rdev, enum rtd3_depth limit,
			   enum rtd3_reason reason)
{
	struct rtd3_policy *policy = &rdev->policy;

	if (limit >= READ_ONCE(policy->fallback) ||
	    rtd3_policy_change(rdev, &policy->fallback, limit, RTD3_POLICY_FALL,
			       reason) <= 0)
		return;
	pci_warn(rdev->core.pdev,
		 "no deeper than %s until the module is unloaded; write none to rtd3/fallback to lift this, or rtd3/policy by a udev rule to keep it\n",
		 rtd3_power_names[limit]);
}

/**
 * rtd3_policy_lift_fallback - trust the device again
 * @rdev: device
 * @steps: how many states deeper than now
 *
 * Context: process; takes rtd3_policy.lock.
 * Return: 0, or the error of a wake: then nothing has changed.
 */
int rtd3_policy_lift_fallback(struct rtd3_device *rdev, unsigned int steps)
{
	unsigned int limit = READ_ONCE(rdev->policy.fallback) + steps;
	int ret = rtd3_policy_change(rdev, &rdev->policy.fallback,
				     min_t(unsigned int, limit, RTD3_POWER_D3COLD),
				     RTD3_POLICY_LIFT, RTD3_REASON_NONE);

	return min(ret, 0);
}

/**
 * rtd3_policy_cycle - no limit but the host's stands against a power cycle
 * @rdev: device, held awake when the cycle is over
 * @begin: it begins
 *
 * The other limits are about sleep. This is for a device that does not work. The
 * host's counts, unless rtd3/power_cycle_on_failure says that it does not.
 *
 * Context: process; takes rtd3_policy.lock.
 */
void rtd3_policy_cycle(struct rtd3_device *rdev, bool begin)
{
	mutex_lock(&rdev->policy.lock);
	rdev->policy.cycling = begin;
	rtd3_policy_apply_locked(rdev);
	mutex_unlock(&rdev->policy.lock);
}

/**
 * rtd3_policy_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_policy_init(struct rtd3_device *rdev)
{
	const char *known = NULL;

	mutex_init(&rdev->policy.lock);
	rdev->policy.host = READ_ONCE(rtd3_default_policy);
	rdev->policy.fallback = rtd3_learnt_get(rdev->core.pdev,
						&rdev->policy.fallback_reason);
	rdev->policy.entry = RTD3_POWER_D3COLD;
	rdev->policy.slot = RTD3_POWER_D3COLD;
	if (rdev->policy.fallback_reason == RTD3_REASON_KNOWN_BAD)
		known = rtd3_known_bad(rdev->core.pdev);
	if (rdev->policy.fallback < RTD3_POWER_D3COLD)
		pci_info(rdev->core.pdev,
			 "no deeper than %s, as it %s%s; write none to rtd3/fallback to lift this\n",
			 rtd3_power_names[rdev->policy.fallback],
			 known ? "would not come back: see " : "did not come back before",
			 known ?: "");
}

/* By _OSC, or by pcie_ports=native: that shows by a service of the root port. */
static bool rtd3_pme_is_native(struct pci_dev *pdev)
{
	struct pci_dev *root = pcie_find_root_port(pdev);
	struct device *service;
	char name[32];

	if (pci_find_host_bridge(pdev->bus)->native_pme)
		return true;
	if (!root)
		return false;
	snprintf(name, sizeof(name), "%s:pcie001", pci_name(root));
	service = device_find_child_by_name(&root->dev, name);
	put_device(service);

	return service;
}

/**
 * rtd3_policy_look_at_slot - may the port above the device lose its power?
 * @rdev: device, in its power set
 *
 * A hot-plug port that sleeps wakes up by PME when its card is pulled. Without native
 * PME (_OSC) pciehp goes on listening to it instead (pciehp_disable_interrupt() of
 * drivers/pci/hotplug/pciehp_core.c): it takes the link that goes down with the power for
 * the end of the card.
 *
 * Context: probe, device_lock held.
 */
void rtd3_policy_look_at_slot(struct rtd3_device *rdev)
{
	if (rtd3_powerset_hotplug(rdev) && !rtd3_pme_is_native(rdev->core.pdev))
		rdev->policy.slot = RTD3_POWER_D3HOT;
}

/**
 * rtd3_policy_release - give back whatever holds the limit
 * @rdev: device that is going to be unbound
 */
void rtd3_policy_release(struct rtd3_device *rdev)
{
	rtd3_learnt_put(rdev->core.pdev, rdev->policy.fallback,
			rdev->policy.fallback_reason);
	rdev->policy.host = RTD3_POWER_D3COLD;
	rdev->policy.fallback = RTD3_POWER_D3COLD;
	rdev->policy.entry = RTD3_POWER_D3COLD;
	rdev->policy.slot = RTD3_POWER_D3COLD;
	rtd3_policy_apply(rdev);
}
