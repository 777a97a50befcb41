/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_POLICY_H
#define RTD3_POLICY_H

#include <linux/mutex.h>
#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

#include "types.h"

/**
 * struct rtd3_policy - how deep a device may sleep
 * @lock: protects all below but @entry and @cycle_on_failure, and makes what holds
 *	the limit fit. Order: rtd3_recovery.attempt -> this -> pci_bus_sem. Never
 *	held over a wake or over user memory. As it is taken before pci_bus_sem,
 *	which AER holds while it waits for resumes, no runtime PM callback may
 *	take it. Observers read without.
 * @host: the host's limit, rtd3/policy
 * @fallback: the limit that the device has shown to need; D3cold while it has not
 * @fallback_reason: what was wrong then
 * @slot: the limit that its hot-plug slot sets, see rtd3_policy_look_at_slot(); written
 *	before the device is registered
 * @cycling: the recovery cuts the power: what the device and its user have shown or
 *	asked for does not count
 * @no_d3cold: we have called pci_d3cold_disable() and owe pci_d3cold_enable()
 * @awake: we hold a runtime PM reference, because the limit is D0
 * @entry: the limit of the user's low power entry; D3cold while there is none.
 *	Written under rtd3_lowpower.lock, in force when the policy is applied
 * @cycle_on_failure: rtd3/power_cycle_on_failure: the recovery may cut the power
 *	though the host's limit forbids it
 */
struct rtd3_policy {
	struct mutex lock; /* see above */
	enum rtd3_depth host;
	enum rtd3_depth fallback;
	enum rtd3_reason fallback_reason;
	enum rtd3_depth slot;
	bool cycling;
	bool no_d3cold;
	bool awake;
	enum rtd3_depth entry;
	bool cycle_on_failure;
};

struct rtd3_device;

extern unsigned int rtd3_default_policy; /* enum rtd3_depth */

void rtd3_policy_init(struct rtd3_device *rdev);
void rtd3_policy_look_at_slot(struct rtd3_device *rdev);
void rtd3_policy_apply(struct rtd3_device *rdev);
void rtd3_policy_release(struct rtd3_device *rdev);
int rtd3_policy_set(struct rtd3_device *rdev, enum rtd3_depth limit);
void rtd3_policy_fall_back(struct rtd3_device *rdev, enum rtd3_depth limit,
			   enum rtd3_reason reason);
int rtd3_policy_lift_fallback(struct rtd3_device *rdev, unsigned int steps);
void rtd3_policy_cycle(struct rtd3_device *rdev, bool begin);
enum rtd3_depth rtd3_policy_limit(struct rtd3_device *rdev);

#endif /* RTD3_POLICY_H */
