/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_POLICY_H
#define RTD3_POLICY_H

#include <linux/mutex.h>
#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

#include "blockers.h"

/**
 * struct rtd3_policy - how deep a device may sleep
 * @lock: protects all below, and struct rtd3_lowpower. Order: dev_set->lock ->
 *	rtd3_config.lock -> rtd3_recovery.attempt -> this -> the mmap_lock of a
 *	user, which the core of 6.1 takes to zap mappings -> memory_lock ->
 *	rtd3_pm.lock, rtd3_recovery.lock. It is held over a wake of the device,
 *	so no runtime PM callback may take it.
 * @host: the host's limit, rtd3/policy
 * @fallback: the limit that the device has shown to need; D3cold while it has not
 * @fallback_reason: what was wrong then
 * @cycling: the ladder cuts the power: no limit counts
 * @entry: the limit of the user's low power entry; D3cold while there is none.
 *	An entry that the core ended by itself, because the device woke with a
 *	wakeup eventfd, leaves its limit here until the next request or close:
 *	the device cannot suspend until then anyway.
 * @no_d3cold: we have called pci_d3cold_disable() and owe pci_d3cold_enable()
 * @awake: we hold a runtime PM reference, because the limit is D0
 */
struct rtd3_policy {
	struct mutex lock; /* see above */
	enum rtd3_depth host;
	enum rtd3_depth fallback;
	enum rtd3_reason fallback_reason;
	bool cycling;
	enum rtd3_depth entry;
	bool no_d3cold;
	bool awake;
};

struct rtd3_device;

extern unsigned int rtd3_default_policy; /* enum rtd3_depth */
/* After so many clean wakes the fallback limit goes one state deeper; 0: never. */
extern unsigned int rtd3_fallback_cycles;

void rtd3_policy_init(struct rtd3_device *rdev);
void rtd3_policy_start(struct rtd3_device *rdev);
void rtd3_policy_release(struct rtd3_device *rdev);
int rtd3_policy_set(struct rtd3_device *rdev, enum rtd3_depth limit);
void rtd3_policy_fall_back(struct rtd3_device *rdev, enum rtd3_depth limit,
			   enum rtd3_reason reason);
int rtd3_policy_lift_fallback(struct rtd3_device *rdev, unsigned int steps);
void rtd3_policy_cycle(struct rtd3_device *rdev, bool begin);
enum rtd3_depth rtd3_policy_set_entry(struct rtd3_device *rdev,
				      enum rtd3_depth limit);
enum rtd3_depth rtd3_policy_limit(struct rtd3_device *rdev);

#endif /* RTD3_POLICY_H */
