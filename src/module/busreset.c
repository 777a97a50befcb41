// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets of all that is below a bridge, for the sake of a device that does not work.
 *
 * They strike every function there. So each has to be ours, and to be one that does not
 * work, either, or that nobody uses: that is held awake meanwhile, kept from being
 * opened, and gets back what it has lost.
 *
 * The PCI core's own pci_bridge_secondary_bus_reset() waits up to a minute for what does
 * not come back. Here the caller looks, bridge by bridge. Only in a hot-plug slot is it the
 * core's: the slot's driver has to be told that its card is still there.
 */

#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "busreset.h"
#include "device.h"
#include "powerset.h"
#include "verify.h"

#define RTD3_RESET_MS		100	/* before and after it */
#define RTD3_BUS_RESET_MS	2	/* PCI 3.0, 4.3.2: for 1 ms at least */
#define RTD3_LINK_OFF_MS	20
#define RTD3_GIVE_BACK_MS	2000	/* until those that were struck answer again */

/**
 * struct rtd3_claim - those below a bridge that work, and are not in use
 * @dev: held awake
 * @nr: how many
 */
struct rtd3_claim {
	struct rtd3_device *dev[RTD3_SNAP_SIBLINGS];
	unsigned int nr;
};

/*
 * A reset hangs some devices (quirks); of a hot-plug port, or one that leads to nothing of
 * ours, nobody knows what it had; virtual functions are lost with a reset.
 */
static bool rtd3_must_not_be_reset(struct pci_dev *pdev)
{
	if (pdev->dev_flags & PCI_DEV_FLAGS_NO_BUS_RESET || pci_num_vf(pdev))
		return true;

	return pci_is_bridge(pdev) &&
	       (pdev->is_hotplug_bridge || !pdev->subordinate ||
		list_empty(&pdev->subordinate->devices));
}

static int rtd3_count_function(struct pci_dev *pdev, void *data)
{
	unsigned int *functions = data;

	if (rtd3_must_not_be_reset(pdev)) {
		*functions = UINT_MAX;
		return 1;
	}
	*functions += !pci_is_bridge(pdev);

	return 0;
}

/* Without virtual functions as many are the same ones. */
static bool rtd3_all_are_ours(struct rtd3_device *rdev, struct pci_dev *bridge)
{
	struct rtd3_powerset *set = rdev->member.set;
	unsigned int functions = 0, ours = 0;
	struct rtd3_device *other;

	lockdep_assert_held(&set->lock);

	if (bridge->dev_flags & PCI_DEV_FLAGS_NO_BUS_RESET)
		return false;
	pci_walk_bus(bridge->subordinate, rtd3_count_function, &functions);
	list_for_each_entry(other, &set->members, member.node)
		ours += rtd3_powerset_leads_to(bridge, other->core.pdev);

	return ours == functions;
}

static void rtd3_claim_release(struct rtd3_claim *claim)
{
	struct rtd3_device *other;

	while (claim->nr) {
		other = claim->dev[--claim->nr];
		rtd3_powerset_let_go(other);
		pm_runtime_put(&other->core.pdev->dev);
	}
}

/* All or none: whether nobody else is struck by a reset below @bridge. */
static bool rtd3_claim_below(struct rtd3_device *rdev, struct pci_dev *bridge,
			     struct rtd3_claim *claim)
{
	struct rtd3_powerset *set = rdev->member.set;
	struct rtd3_device *other;

	lockdep_assert_held(&set->lock);

	if (!rtd3_all_are_ours(rdev, bridge))
		return false;
	list_for_each_entry(other, &set->members, member.node) {
		if (!rtd3_powerset_leads_to(bridge, other->core.pdev) ||
		    !rtd3_health_usable(other))
			continue;
		if (claim->nr == ARRAY_SIZE(claim->dev) ||
		    READ_ONCE(other->recovery.leaving) ||
		    !rtd3_powerset_hold(other, RTD3_HELD_BY_RESET))
			goto out_release;
		pm_runtime_get_sync(&other->core.pdev->dev);
		claim->dev[claim->nr++] = other;
	}

	return true;

out_release:
	rtd3_claim_release(claim);
	return false;
}

static void rtd3_claim_give_back(struct rtd3_claim *claim)
{
	ktime_t end = ktime_add_ms(ktime_get(), RTD3_GIVE_BACK_MS);
	struct rtd3_device *other;
	unsigned int i, ms;

	for (i = 0; i < claim->nr; i++) {
		other = claim->dev[i];
		ms = max(ktime_ms_delta(end, ktime_get()), 0LL);
		ms = min(ms, READ_ONCE(other->resume.timeout_ms));
		if (rtd3_path_up(other, ms) || !rtd3_resume_poll(other, ms) ||
		    !rtd3_resume_give_back(other))
			rtd3_health_lost(other);
	}
	rtd3_claim_release(claim);
}

static void rtd3_reset_bus(struct pci_dev *bridge)
{
	u16 control;

	pci_read_config_word(bridge, PCI_BRIDGE_CONTROL, &control);
	pci_write_config_word(bridge, PCI_BRIDGE_CONTROL,
			      control | PCI_BRIDGE_CTL_BUS_RESET);
	msleep(RTD3_BUS_RESET_MS);
	pci_write_config_word(bridge, PCI_BRIDGE_CONTROL, control);
}

/**
 * rtd3_busreset_bus - reset all that is below a bridge
 * @rdev: device that does not work, and has had its time since power-on
 * @bridge: one above it, up to the power port, in D0
 *
 * Context: process, sleeps until those below answer again, RTD3_GIVE_BACK_MS at most, and
 * for their wakes before; rtd3_powerset.lock held, takes pci_bus_sem.
 * Return: whether it was done; not where somebody else would be struck.
 */
bool rtd3_busreset_bus(struct rtd3_device *rdev, struct pci_dev *bridge)
{
	struct pci_dev *pdev = rdev->core.pdev;
	struct rtd3_claim claim = { };
	bool done = true;

	lockdep_assert_held(&rdev->member.set->lock);

	if (!rtd3_claim_below(rdev, bridge, &claim))
		return false;
	/* Some devices hang if a reset follows a step from D3hot to D0 at once. */
	msleep(RTD3_RESET_MS);
	if (!bridge->is_hotplug_bridge)
		rtd3_reset_bus(bridge);
	else
		done = bridge == pci_upstream_bridge(pdev) && !pci_reset_bus(pdev);
	msleep(RTD3_RESET_MS);
	rtd3_claim_give_back(&claim);

	return done;
}

static bool rtd3_has_link_below(struct pci_dev *bridge)
{
	return pci_is_pcie(bridge) &&
	       (pci_pcie_type(bridge) == PCI_EXP_TYPE_ROOT_PORT ||
		pci_pcie_type(bridge) == PCI_EXP_TYPE_DOWNSTREAM);
}

/**
 * rtd3_busreset_link - turn the link below a port off and on
 * @rdev: device that does not work, and has had its time since power-on
 * @bridge: one above it, up to the power port, in D0
 *
 * PCI Express 6.0, 7.5.3.7: Link Disable. To what is below that is a reset. A hot-plug
 * driver takes it for the end of its card.
 *
 * Context: as rtd3_busreset_bus().
 * Return: as that.
 */
bool rtd3_busreset_link(struct rtd3_device *rdev, struct pci_dev *bridge)
{
	struct rtd3_claim claim = { };

	lockdep_assert_held(&rdev->member.set->lock);

	if (!rtd3_has_link_below(bridge) || rtd3_powerset_hotplug(rdev) ||
	    !rtd3_claim_below(rdev, bridge, &claim))
		return false;
	pcie_capability_set_word(bridge, PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);
	msleep(RTD3_LINK_OFF_MS);
	pcie_capability_clear_word(bridge, PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);
	msleep(RTD3_RESET_MS);
	rtd3_claim_give_back(&claim);

	return true;
}
