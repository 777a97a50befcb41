// SPDX-License-Identifier: GPL-2.0-only
/*
 * What decides how deep a device can sleep, read from the kernel's structures.
 * Nothing here touches a device, so nothing wakes one.
 */

#include <linux/acpi.h>
#include <linux/dmi.h>
#include <linux/pm_runtime.h>
#include <linux/pm_wakeup.h>
#include <linux/slab.h>

#include "core.h"
#include "device.h"
#include "snapshot.h"

static void rtd3_snap_fn(struct pci_dev *pdev, struct rtd3_snap_fn *fn)
{
	struct device *dev = &pdev->dev;

	strscpy(fn->name, pci_name(pdev), sizeof(fn->name));
	fn->bound = READ_ONCE(pdev->driver);
	fn->control_on = rtd3_core_control_on(dev);
	fn->suspended = pm_runtime_status_suspended(dev);
	fn->has_pm = pdev->pm_cap || acpi_bus_power_manageable(ACPI_HANDLE(dev));
	fn->d3cold_allowed = pdev->d3cold_allowed;
	fn->no_d3cold = pdev->no_d3cold;
	fn->wakeup = device_may_wakeup(dev);
	fn->pme_d3cold = pci_pme_capable(pdev, PCI_D3cold);
}

/* The kinds of bridge that the PCI core may put to sleep. */
static bool rtd3_is_pcie_port(struct pci_dev *port)
{
	if (!pci_is_pcie(port))
		return false;

	switch (pci_pcie_type(port)) {
	case PCI_EXP_TYPE_ROOT_PORT:
	case PCI_EXP_TYPE_UPSTREAM:
	case PCI_EXP_TYPE_DOWNSTREAM:
		return true;
	default:
		return false;
	}
}

/* @self: the device that it is looked at for, if its slot must not lose its power */
static void rtd3_snap_port(struct pci_dev *port, struct pci_dev *self,
			   struct rtd3_snap_port *snap)
{
	struct pci_dev *up;

	strscpy(snap->name, pci_name(port), sizeof(snap->name));
	snap->present = true;
	snap->pcie = rtd3_is_pcie_port(port);
	/* Where a quirk of the kernel's keeps it in D0, the core pretends. */
	snap->bridge_d3 = rtd3_core_bridge_d3(port) &&
			  !(port->dev_flags & PCI_DEV_FLAGS_NO_D3);
	snap->control_on = rtd3_core_control_on(&port->dev);
	snap->d3cold_allowed = port->d3cold_allowed;
	snap->no_d3cold = port->no_d3cold;
	snap->hotplug = port->is_hotplug_bridge;
	snap->native_hotplug =
		pci_find_host_bridge(port->bus)->native_pcie_hotplug;
	snap->native_pme = !self || !rtd3_powerset_leads_to(port, self);
	/* Behind a switch it can be a port further up that cuts the power. */
	for (up = port; up && !snap->has_pr3; up = pci_upstream_bridge(up))
		snap->has_pr3 = pci_pr3_present(up);
}

struct rtd3_snap_walk {
	struct pci_dev *self;
	struct pci_dev *slot_of;
	struct pci_dev *port;
	struct rtd3_snapshot *snap;
};

static void rtd3_snap_bridge(struct pci_dev *bridge, struct rtd3_snap_walk *walk)
{
	struct rtd3_snapshot *snap = walk->snap;

	if (snap->nr_bridges < RTD3_SNAP_BRIDGES)
		rtd3_snap_port(bridge, walk->slot_of,
			       &snap->bridge[snap->nr_bridges++]);
}

/* Somebody else of the power set. */
static int rtd3_snap_member(struct pci_dev *pdev, void *data)
{
	struct rtd3_snap_walk *walk = data;
	struct pci_dev *port = pci_upstream_bridge(pdev);
	struct rtd3_snapshot *snap = walk->snap;
	struct rtd3_snap_fn *fn;

	if (pdev == walk->self || pdev == walk->port)
		return 0;
	if (pci_is_bridge(pdev)) {
		rtd3_snap_bridge(pdev, walk);
		return 0;
	}
	if (snap->nr_siblings++ >= RTD3_SNAP_SIBLINGS)
		return 0;

	fn = &snap->sibling[snap->nr_siblings - 1];
	rtd3_snap_fn(pdev, fn);
	/* Another device's driver may go at any time: compare, do not look. */
	fn->ours = fn->bound && READ_ONCE(pdev->driver) == walk->self->driver;
	fn->elsewhere = port != walk->port;
	fn->elsewhere_d3 = fn->elsewhere && rtd3_core_bridge_d3(port);

	return 0;
}

static void rtd3_snap(struct rtd3_device *rdev, struct rtd3_snapshot *snap)
{
	struct pci_dev *pdev = rdev->core.pdev;
	struct pci_dev *port = pci_upstream_bridge(pdev);
	struct rtd3_snap_walk walk = { .self = pdev, .port = port, .snap = snap };
	struct pci_dev *top = rdev->member.set->port;

	rtd3_snap_fn(pdev, &snap->fn);
	snap->fn.ours = true;
	snap->has_pr3 = pci_pr3_present(pdev);
	snap->not_cut = READ_ONCE(rdev->member.set->not_cut);
	snap->vfs = pci_num_vf(pdev);
	snap->open = READ_ONCE(rdev->open);
	snap->engaged = rtd3_lowpower_idle(rdev);
	snap->ats = READ_ONCE(rdev->ats.awake);
	snap->core_awake = READ_ONCE(rdev->core_awake);
	snap->works = rtd3_health_usable(rdev);
	dmi_get_date(DMI_BIOS_DATE, &snap->bios_year, NULL, NULL);

	snap->policy = READ_ONCE(rdev->policy.host);
	snap->fallback = READ_ONCE(rdev->policy.fallback);
	snap->entry_limit = READ_ONCE(rdev->policy.entry);
	if (READ_ONCE(rdev->policy.no_d3cold))
		snap->fn.no_d3cold = false;

	if (!port)
		return;
	if (rdev->policy.slot < RTD3_POWER_D3COLD)
		walk.slot_of = pdev;
	rtd3_snap_port(port, walk.slot_of, &snap->port);
	/* Its own power resources are nobody else's business. */
	if (top == pdev)
		return;
	if (top != port)
		rtd3_snap_bridge(top, &walk);
	pci_walk_bus(top->subordinate, rtd3_snap_member, &walk);
}

/**
 * rtd3_predict - how deep could the device sleep now, and if not, why?
 * @rdev: device
 *
 * Never wakes a device, and waits for none. What it sees may have changed when it
 * returns.
 *
 * Context: process; takes pci_bus_sem.
 * Return: the answer, freed with kfree(), or NULL without memory.
 */
struct rtd3_prediction *rtd3_predict(struct rtd3_device *rdev)
{
	struct rtd3_prediction *pred = kzalloc(sizeof(*pred), GFP_KERNEL);

	if (!pred)
		return NULL;

	rtd3_snap(rdev, &pred->snap);
	pred->nr = rtd3_blockers_find(&pred->snap, pred->list,
				      ARRAY_SIZE(pred->list));

	return pred;
}
