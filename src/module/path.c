// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way down to a device: a card with a switch on it loses that, too. The PCI core
 * brings the bridges back as it does devices: it restores what it has saved into one
 * that does not answer yet, reports success, and marks all below as disconnected, for
 * ever. So before a device is looked at, each bridge on the way is, from the port down.
 * One that is well costs two reads.
 */

#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "core.h"
#include "device.h"
#include "path.h"
#include "verify.h"

#define RTD3_HOP_MS	100	/* PCI Express 6.0, 6.6.1: after its link is up */

/* It is awake, and leads to where the kernel believes. */
static bool rtd3_hop_well(const struct rtd3_hop *hop)
{
	struct pci_dev *bridge = hop->bridge;
	struct resource *buses = &bridge->subordinate->busn_res;
	u32 value;

	if (rtd3_verify_read_id(bridge) != hop->id ||
	    pci_dev_is_disconnected(bridge) || bridge->current_state != PCI_D0 ||
	    pci_bus_read_config_dword(bridge->bus, bridge->devfn,
				      PCI_PRIMARY_BUS, &value))
		return false;

	return (value >> 8 & 0xff) == buses->start &&
	       (value >> 16 & 0xff) == buses->end;
}

/* What the core has saved is newer than ours, if it was not read from a dead bridge. */
static void rtd3_hop_keep(struct rtd3_hop *hop)
{
	struct pci_saved_state *saved;

	if (rtd3_core_saved_header(hop->bridge)[0] != hop->id)
		return;
	saved = rtd3_core_store_saved(hop->bridge);
	if (!saved)
		return;
	kfree(hop->saved);
	hop->saved = saved;
}

static enum rtd3_reason rtd3_hop_up(struct rtd3_hop *hop, unsigned int timeout_ms)
{
	struct pci_dev *bridge = hop->bridge;
	enum rtd3_reason reason;
	bool late;

	rtd3_hop_keep(hop);
	reason = rtd3_verify_await(bridge, timeout_ms);
	if (reason)
		return reason;
	if (rtd3_verify_read_id(bridge) != hop->id)
		return RTD3_REASON_REPLACED;
	if (!rtd3_core_unmark(bridge, !rtd3_verify_slot_empty(bridge)))
		return RTD3_REASON_REMOVED;
	reason = rtd3_verify_to_d0(bridge, bridge->d3hot_delay * USEC_PER_MSEC,
				   timeout_ms, &late);
	if (reason)
		return reason;
	if (hop->saved)
		pci_load_saved_state(bridge, hop->saved);
	pci_restore_state(bridge);
	if (!rtd3_hop_well(hop))
		return RTD3_REASON_CONFIG;
	pci_info(bridge, "did not come back by itself; restored\n");
	msleep(RTD3_HOP_MS);

	return RTD3_REASON_NONE;
}

/**
 * rtd3_path_up - bring the bridges above a device up
 * @rdev: device; its power port is in D0
 * @timeout_ms: how long to wait for each of them
 *
 * Context: as rtd3_resume_bring_up(); takes rtd3_powerset.path_lock, which only those
 * need that have to wait for the same bridges.
 * Return: RTD3_REASON_NONE, or what is wrong with the first that does not come back.
 */
enum rtd3_reason rtd3_path_up(struct rtd3_device *rdev, unsigned int timeout_ms)
{
	struct mutex *lock = &rdev->member.set->path_lock;
	enum rtd3_reason reason = RTD3_REASON_NONE;
	struct rtd3_path *path = &rdev->path;
	unsigned int i;

	for (i = 0; i < path->nr && !reason; i++) {
		if (rtd3_hop_well(&path->hop[i]))
			continue;
		mutex_lock(lock);
		if (!rtd3_hop_well(&path->hop[i]))
			reason = rtd3_hop_up(&path->hop[i], timeout_ms);
		mutex_unlock(lock);
	}

	return reason;
}

/* The first bridge that is not well, or the device. */
static struct pci_dev *rtd3_path_next(struct rtd3_device *rdev)
{
	struct rtd3_path *path = &rdev->path;
	unsigned int i;

	for (i = 0; i < path->nr; i++)
		if (!rtd3_hop_well(&path->hop[i]))
			return path->hop[i].bridge;

	return rdev->core.pdev;
}

/**
 * rtd3_path_reachable - is there something that could be brought up?
 * @rdev: device that does not work; its power port is in D0
 *
 * Context: any.
 */
bool rtd3_path_reachable(struct rtd3_device *rdev)
{
	return rtd3_verify_answers(rtd3_path_next(rdev));
}

/**
 * rtd3_path_asks_retry - is what should come up alive, and not ready yet?
 * @rdev: as rtd3_path_reachable()
 *
 * Context: any.
 */
bool rtd3_path_asks_retry(struct rtd3_device *rdev)
{
	return rtd3_verify_asks_retry(rtd3_path_next(rdev));
}

/* One that its last driver could not bring back is, from what the core has saved. */
static bool rtd3_hop_init(struct rtd3_hop *hop, unsigned int timeout_ms)
{
	struct pci_dev *bridge = hop->bridge;
	bool had_saved;

	hop->id = (u32)bridge->device << 16 | bridge->vendor;
	if (!rtd3_hop_well(hop) && rtd3_hop_up(hop, timeout_ms))
		return false;
	had_saved = rtd3_core_has_saved(bridge);
	pci_save_state(bridge);
	rtd3_hop_keep(hop);
	if (!had_saved)
		rtd3_core_forget_saved(bridge);

	return true;
}

/**
 * rtd3_path_init - learn which bridges lose power with a device
 * @rdev: device, held awake, in its power set
 * @timeout_ms: how long to wait for each that does not answer
 *
 * Context: probe, device_lock held.
 */
void rtd3_path_init(struct rtd3_device *rdev, unsigned int timeout_ms)
{
	struct pci_dev *port = rdev->member.set->port;
	struct rtd3_path *path = &rdev->path;
	struct pci_dev *bridge;
	unsigned int i, nr = 0;

	if (port == rdev->core.pdev)
		return;
	for (bridge = pci_upstream_bridge(rdev->core.pdev);
	     bridge && bridge != port; bridge = pci_upstream_bridge(bridge))
		nr++;
	if (nr > RTD3_PATH_HOPS) {
		pci_warn(rdev->core.pdev, "too many bridges to watch over\n");
		return;
	}
	path->nr = nr;
	for (bridge = pci_upstream_bridge(rdev->core.pdev); nr--;
	     bridge = pci_upstream_bridge(bridge))
		path->hop[nr].bridge = bridge;

	mutex_lock(&rdev->member.set->path_lock);
	for (i = 0; i < path->nr && rtd3_hop_init(&path->hop[i], timeout_ms); i++)
		;
	mutex_unlock(&rdev->member.set->path_lock);
}

/**
 * rtd3_path_release - the opposite
 * @rdev: device, no runtime PM callback can run any more
 */
void rtd3_path_release(struct rtd3_device *rdev)
{
	while (rdev->path.nr)
		kfree(rdev->path.hop[--rdev->path.nr].saved);
}
