// SPDX-License-Identifier: GPL-2.0-only
/*
 * How deep a device may sleep: the host's policy, what the device has shown that
 * it can do, and the user's low power entries, which together give one limit.
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
#include "policy.h"

unsigned int rtd3_default_policy = RTD3_POWER_D3COLD;
unsigned int rtd3_fallback_cycles;

static enum rtd3_depth rtd3_policy_min(struct rtd3_policy *policy)
{
	lockdep_assert_held(&policy->lock);

	if (policy->cycling)
		return RTD3_POWER_D3COLD;

	return min3(policy->host, policy->fallback, policy->entry);
}

/*
 * Bring what holds the limit in line with it. A limit that has become shallower
 * needs a device that is awake, and held so by the caller.
 */
static void rtd3_policy_apply(struct rtd3_device *rdev)
{
	struct rtd3_policy *policy = &rdev->policy;
	struct pci_dev *pdev = rdev->core.pdev;
	struct pci_dev *port = pci_upstream_bridge(pdev);
	enum rtd3_depth limit = rtd3_policy_min(policy);

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

/*
 * Change one of the limits and make it effective. A limit that is shallower
 * wakes a sleeping device; that ends an entry with a wakeup eventfd, as every
 * wake by the host does. A deeper one wakes it only where the device's own power
 * resources, and not its port's, have to be turned off.
 */
static int rtd3_policy_change(struct rtd3_device *rdev, enum rtd3_depth *which,
			      enum rtd3_depth limit)
{
	struct device *dev = &rdev->core.pdev->dev;
	bool wake = limit < *which || pci_pr3_present(rdev->core.pdev);
	struct rtd3_policy *policy = &rdev->policy;
	enum rtd3_depth old = min(policy->host, policy->fallback);
	enum rtd3_depth new;
	int ret;

	lockdep_assert_held(&rdev->policy.lock);

	if (wake) {
		ret = pm_runtime_resume_and_get(dev);
		if (ret)
			return ret;
	}
	*which = limit;
	rtd3_policy_apply(rdev);
	if (wake)
		pm_runtime_put(dev);
	new = min(policy->host, policy->fallback);
	if (new != old)
		rtd3_event_limit(rdev, new);

	return 0;
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
	struct rtd3_policy *policy = &rdev->policy;
	int ret = 0;

	mutex_lock(&policy->lock);
	if (limit != policy->host)
		ret = rtd3_policy_change(rdev, &policy->host, limit);
	mutex_unlock(&policy->lock);

	return ret;
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

	mutex_lock(&policy->lock);
	if (limit < policy->fallback &&
	    !rtd3_policy_change(rdev, &policy->fallback, limit)) {
		policy->fallback_reason = reason;
		pci_warn(rdev->core.pdev,
			 "no deeper than %s from now on; write none to rtd3/fallback to lift this\n",
			 rtd3_power_names[limit]);
	}
	mutex_unlock(&policy->lock);
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
	struct rtd3_policy *policy = &rdev->policy;
	enum rtd3_depth limit;
	int ret = 0;

	mutex_lock(&policy->lock);
	limit = min_t(unsigned int, policy->fallback + steps, RTD3_POWER_D3COLD);
	if (limit != policy->fallback)
		ret = rtd3_policy_change(rdev, &policy->fallback, limit);
	if (limit == RTD3_POWER_D3COLD && !ret)
		policy->fallback_reason = RTD3_REASON_NONE;
	mutex_unlock(&policy->lock);

	return ret;
}

/**
 * rtd3_policy_cycle - no limit stands against a power cycle
 * @rdev: device, held awake when the cycle is over
 * @begin: it begins
 *
 * The limits are about sleep. This is for a device that does not work.
 *
 * Context: process; takes rtd3_policy.lock.
 */
void rtd3_policy_cycle(struct rtd3_device *rdev, bool begin)
{
	mutex_lock(&rdev->policy.lock);
	rdev->policy.cycling = begin;
	rtd3_policy_apply(rdev);
	mutex_unlock(&rdev->policy.lock);
}

/**
 * rtd3_policy_set_entry - the limit of the user's low power entry
 * @rdev: device
 * @limit: D3cold where there is none
 *
 * Context: rtd3_policy.lock held. A shallower limit needs a device that is held
 * awake.
 * Return: the limit until now.
 */
enum rtd3_depth rtd3_policy_set_entry(struct rtd3_device *rdev,
				      enum rtd3_depth limit)
{
	struct rtd3_policy *policy = &rdev->policy;
	enum rtd3_depth old = policy->entry;

	lockdep_assert_held(&policy->lock);

	policy->entry = limit;
	rtd3_policy_apply(rdev);

	return old;
}

/**
 * rtd3_policy_limit - the limit in force
 * @rdev: device
 *
 * Context: process; takes rtd3_policy.lock and memory_lock.
 */
enum rtd3_depth rtd3_policy_limit(struct rtd3_device *rdev)
{
	struct rtd3_policy *policy = &rdev->policy;
	enum rtd3_depth limit;

	mutex_lock(&policy->lock);
	limit = rtd3_lowpower_engaged(rdev) ? rtd3_policy_min(policy) :
					    min(policy->host, policy->fallback);
	mutex_unlock(&policy->lock);

	return limit;
}

/**
 * rtd3_policy_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_policy_init(struct rtd3_device *rdev)
{
	mutex_init(&rdev->policy.lock);
	rdev->policy.host = READ_ONCE(rtd3_default_policy);
	rdev->policy.fallback = RTD3_POWER_D3COLD;
	rdev->policy.entry = RTD3_POWER_D3COLD;
}

/**
 * rtd3_policy_start - put the policy into force
 * @rdev: device, held awake
 */
void rtd3_policy_start(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->policy.lock);
	rtd3_policy_apply(rdev);
	mutex_unlock(&rdev->policy.lock);
}

/**
 * rtd3_policy_release - give back whatever holds the limit
 * @rdev: device that is going to be unbound
 */
void rtd3_policy_release(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->policy.lock);
	rdev->policy.host = RTD3_POWER_D3COLD;
	rdev->policy.fallback = RTD3_POWER_D3COLD;
	rdev->policy.entry = RTD3_POWER_D3COLD;
	rtd3_policy_apply(rdev);
	mutex_unlock(&rdev->policy.lock);
}
