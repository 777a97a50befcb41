// SPDX-License-Identifier: GPL-2.0-only
/* How each reason comes about alone, and what its remedy does. */
#include <stdio.h>
#include <stdlib.h>

#include "blockers_test.h"

void policy_off(struct rtd3_snapshot *snap)
{
	snap->policy = RTD3_POWER_D0;
}

static void policy_d3hot(struct rtd3_snapshot *snap)
{
	snap->policy = RTD3_POWER_D3HOT;
}

void failed(struct rtd3_snapshot *snap)
{
	snap->works = false;
}

void fallback_off(struct rtd3_snapshot *snap)
{
	snap->fallback = RTD3_POWER_D0;
}

static void fallback_d3hot(struct rtd3_snapshot *snap)
{
	snap->fallback = RTD3_POWER_D3HOT;
}

void entry_d3hot(struct rtd3_snapshot *snap)
{
	snap->open = true;
	snap->engaged = true;
	snap->entry_limit = RTD3_POWER_D3HOT;
}

void in_use(struct rtd3_snapshot *snap)
{
	snap->open = true;
}

void core_awake(struct rtd3_snapshot *snap)
{
	snap->core_awake = true;
}

void ats(struct rtd3_snapshot *snap)
{
	snap->ats = true;
}

void not_cut(struct rtd3_snapshot *snap)
{
	snap->not_cut = true;
}

void vfs(struct rtd3_snapshot *snap)
{
	snap->vfs = 4;
}

void control(struct rtd3_snapshot *snap)
{
	snap->fn.control_on = true;
}

void no_pm(struct rtd3_snapshot *snap)
{
	snap->fn.has_pm = false;
}

void not_allowed(struct rtd3_snapshot *snap)
{
	snap->fn.d3cold_allowed = false;
}

void no_d3cold(struct rtd3_snapshot *snap)
{
	snap->fn.no_d3cold = true;
}

void wakeup(struct rtd3_snapshot *snap)
{
	snap->fn.wakeup = true;
	snap->port.bridge_d3 = false;
}

void no_pr3(struct rtd3_snapshot *snap)
{
	snap->port.has_pr3 = false;
}

void port_control(struct rtd3_snapshot *snap)
{
	snap->port.control_on = true;
}

void port_not_allowed(struct rtd3_snapshot *snap)
{
	snap->port.d3cold_allowed = false;
}

void port_no_d3cold(struct rtd3_snapshot *snap)
{
	snap->port.no_d3cold = true;
}

void port_not_pcie(struct rtd3_snapshot *snap)
{
	snap->port.pcie = false;
	snap->port.bridge_d3 = false;
}

void port_hotplug(struct rtd3_snapshot *snap)
{
	snap->port.hotplug = true;
	snap->port.bridge_d3 = false;
}

static void port_no_pme(struct rtd3_snapshot *snap)
{
	snap->port.hotplug = true;
	snap->port.native_hotplug = true;
	snap->port.native_pme = false;
	snap->port.bridge_d3 = false;
}

void port_native_hotplug(struct rtd3_snapshot *snap)
{
	port_hotplug(snap);
	snap->port.native_hotplug = true;
}

static void port_firmware(struct rtd3_snapshot *snap)
{
	snap->port.bridge_d3 = false;
	snap->bios_year = 2014;
}

void port_no_d3(struct rtd3_snapshot *snap)
{
	snap->port.bridge_d3 = false;
}

static struct rtd3_snap_port *middle(struct rtd3_snapshot *snap)
{
	if (!snap->nr_bridges)
		bridges(snap, 1);
	return &snap->bridge[0];
}

static void bridge_control(struct rtd3_snapshot *snap)
{
	middle(snap)->control_on = true;
}

static void bridge_not_allowed(struct rtd3_snapshot *snap)
{
	middle(snap)->d3cold_allowed = false;
}

static void bridge_not_pcie(struct rtd3_snapshot *snap)
{
	middle(snap)->pcie = false;
	middle(snap)->bridge_d3 = false;
}

static void bridge_no_d3(struct rtd3_snapshot *snap)
{
	middle(snap)->bridge_d3 = false;
}

static void sibling_control(struct rtd3_snapshot *snap)
{
	snap->sibling[0].suspended = false;
	snap->sibling[0].control_on = true;
}

/* Behind another port of the card's switch. */
static void sibling_elsewhere(struct rtd3_snapshot *snap)
{
	snap->sibling[0].wakeup = true;
	snap->sibling[0].elsewhere = true;
}

void sibling_unbound(struct rtd3_snapshot *snap)
{
	sibling_control(snap);
	snap->sibling[0].bound = false;
	snap->sibling[0].ours = false;
}

static void sibling_driver(struct rtd3_snapshot *snap)
{
	snap->sibling[0].suspended = false;
	snap->sibling[0].ours = false;
}

static void sibling_driver_control(struct rtd3_snapshot *snap)
{
	sibling_control(snap);
	snap->sibling[0].ours = false;
}

static void sibling_active(struct rtd3_snapshot *snap)
{
	snap->sibling[0].suspended = false;
}

static void sibling_no_pm(struct rtd3_snapshot *snap)
{
	snap->sibling[0].has_pm = false;
}

static void sibling_not_allowed(struct rtd3_snapshot *snap)
{
	snap->sibling[0].d3cold_allowed = false;
}

static void sibling_no_d3cold(struct rtd3_snapshot *snap)
{
	snap->sibling[0].no_d3cold = true;
}

static void sibling_wakeup(struct rtd3_snapshot *snap)
{
	snap->sibling[0].wakeup = true;
	snap->port.bridge_d3 = false;
}

const struct reason reasons[] = {
	{ RTD3_BLOCKER_POLICY_OFF, "policy-off", SELF,
	  RTD3_POWER_D0, USER, policy_off },
	{ RTD3_BLOCKER_POLICY_D3HOT, "policy-d3hot", SELF,
	  RTD3_POWER_D3HOT, USER, policy_d3hot },
	{ RTD3_BLOCKER_FAILED, "failed", SELF,
	  RTD3_POWER_D0, DRIVER, failed },
	{ RTD3_BLOCKER_FALLBACK_OFF, "fallback-off", SELF,
	  RTD3_POWER_D0, DRIVER, fallback_off },
	{ RTD3_BLOCKER_FALLBACK_D3HOT, "fallback-d3hot", SELF,
	  RTD3_POWER_D3HOT, DRIVER, fallback_d3hot },
	{ RTD3_BLOCKER_ENTRY_D3HOT, "entry-d3hot", SELF,
	  RTD3_POWER_D3HOT, USER, entry_d3hot },
	{ RTD3_BLOCKER_IN_USE, "in-use", SELF,
	  RTD3_POWER_D0, DRIVER, in_use },
	{ RTD3_BLOCKER_CORE_AWAKE, "disable-idle-d3", SELF,
	  RTD3_POWER_D0, DRIVER, core_awake },
	{ RTD3_BLOCKER_ATS, "ats", SELF,
	  RTD3_POWER_D0, DRIVER, ats },
	{ RTD3_BLOCKER_VFS, "vfs-enabled", SELF,
	  RTD3_POWER_D0, DRIVER, vfs },
	{ RTD3_BLOCKER_CONTROL, "control-on", SELF,
	  RTD3_POWER_D0, USER, control },
	{ RTD3_BLOCKER_NO_PM, "no-pm-capability", SELF,
	  RTD3_POWER_D0, PLATFORM, no_pm },
	{ RTD3_BLOCKER_NOT_ALLOWED, "d3cold-not-allowed", SELF,
	  RTD3_POWER_D3HOT, USER, not_allowed },
	{ RTD3_BLOCKER_NO_D3COLD, "no-d3cold", SELF,
	  RTD3_POWER_D3HOT, DRIVER, no_d3cold },
	{ RTD3_BLOCKER_WAKEUP, "wakeup-armed", SELF,
	  RTD3_POWER_D3HOT, DRIVER, wakeup },
	{ RTD3_BLOCKER_NO_PR3, "no-pr3", SELF,
	  RTD3_POWER_D3HOT, PLATFORM, no_pr3 },
	{ RTD3_BLOCKER_NOT_CUT, "power-not-cut", SELF,
	  RTD3_POWER_D3HOT, PLATFORM, not_cut },
	{ RTD3_BLOCKER_PORT_CONTROL, "port-control-on", ABOVE,
	  RTD3_POWER_D3HOT, PORT, port_control },
	{ RTD3_BLOCKER_PORT_NOT_ALLOWED, "port-d3cold-not-allowed", ABOVE,
	  RTD3_POWER_D3HOT, PORT, port_not_allowed },
	{ RTD3_BLOCKER_PORT_NO_D3COLD, "port-no-d3cold", ABOVE,
	  RTD3_POWER_D3HOT, PORT, port_no_d3cold },
	{ RTD3_BLOCKER_PORT_NOT_PCIE, "port-not-pcie", ABOVE,
	  RTD3_POWER_D3HOT, PLATFORM, port_not_pcie },
	{ RTD3_BLOCKER_PORT_HOTPLUG, "port-hotplug", ABOVE,
	  RTD3_POWER_D3HOT, PORT, port_hotplug },
	{ RTD3_BLOCKER_PORT_HOTPLUG, "port-hotplug", ABOVE,
	  RTD3_POWER_D3HOT, PORT, port_native_hotplug },
	{ RTD3_BLOCKER_PORT_NO_PME, "port-no-native-pme", ABOVE,
	  RTD3_POWER_D3HOT, PLATFORM, port_no_pme },
	{ RTD3_BLOCKER_PORT_FIRMWARE, "port-old-firmware", ABOVE,
	  RTD3_POWER_D3HOT, PLATFORM, port_firmware },
	{ RTD3_BLOCKER_PORT_NO_D3, "port-no-d3", ABOVE,
	  RTD3_POWER_D3HOT, PORT, port_no_d3 },
	{ RTD3_BLOCKER_PORT_CONTROL, "port-control-on", MIDDLE,
	  RTD3_POWER_D3HOT, PORT, bridge_control },
	{ RTD3_BLOCKER_PORT_NOT_ALLOWED, "port-d3cold-not-allowed", MIDDLE,
	  RTD3_POWER_D3HOT, PORT, bridge_not_allowed },
	{ RTD3_BLOCKER_PORT_NOT_PCIE, "port-not-pcie", MIDDLE,
	  RTD3_POWER_D3HOT, PLATFORM, bridge_not_pcie },
	{ RTD3_BLOCKER_PORT_NO_D3, "port-no-d3", MIDDLE,
	  RTD3_POWER_D3HOT, PORT, bridge_no_d3 },
	{ RTD3_BLOCKER_SIBLING_CONTROL, "sibling-control-on", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_control },
	{ RTD3_BLOCKER_SIBLING_UNBOUND, "sibling-unbound", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_unbound },
	{ RTD3_BLOCKER_SIBLING_DRIVER, "sibling-other-driver", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_driver },
	{ RTD3_BLOCKER_SIBLING_DRIVER, "sibling-other-driver", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_driver_control },
	{ RTD3_BLOCKER_SIBLING_ACTIVE, "sibling-active", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_active },
	{ RTD3_BLOCKER_SIBLING_NO_PM, "sibling-no-pm-capability", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_no_pm },
	{ RTD3_BLOCKER_SIBLING_NOT_ALLOWED, "sibling-d3cold-not-allowed", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_not_allowed },
	{ RTD3_BLOCKER_SIBLING_NO_D3COLD, "sibling-no-d3cold", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_no_d3cold },
	{ RTD3_BLOCKER_SIBLING_WAKEUP, "sibling-wakeup-armed", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_wakeup },
	{ RTD3_BLOCKER_SIBLING_WAKEUP, "sibling-wakeup-armed", OTHER,
	  RTD3_POWER_D3HOT, PORT, sibling_elsewhere },
};

const unsigned int nr_reasons = ARRAY_SIZE(reasons);

const struct reason *reason_of(enum rtd3_blocker_id id)
{
	const struct reason *reason = reasons;

	while (reason->id != id)
		reason++;
	return reason;
}

static struct rtd3_snap_port *port_of(struct rtd3_snapshot *snap,
				      const struct rtd3_blocker *blocker)
{
	unsigned int i;

	for (i = 0; i < RTD3_SNAP_BRIDGES; i++)
		if (blocker->device == snap->bridge[i].name)
			return &snap->bridge[i];
	return &snap->port;
}

static struct rtd3_snap_fn *sibling_of(struct rtd3_snapshot *snap,
				       const struct rtd3_blocker *blocker)
{
	unsigned int i;

	for (i = 0; i < RTD3_SNAP_SIBLINGS; i++)
		if (blocker->device == snap->sibling[i].name)
			return &snap->sibling[i];
	printf("Bail out! %s is about no sibling\n",
	       rtd3_blocker_texts[blocker->id].token);
	exit(1);
}

static void fix_sibling(struct rtd3_snap_fn *fn, enum rtd3_blocker_id id)
{
	switch (id) {
	case RTD3_BLOCKER_SIBLING_CONTROL:
		fn->control_on = false;
		break;
	case RTD3_BLOCKER_SIBLING_UNBOUND:
		fn->control_on = false;
		break;
	case RTD3_BLOCKER_SIBLING_DRIVER:
		fn->ours = true;
		break;
	case RTD3_BLOCKER_SIBLING_ACTIVE:
		fn->suspended = true;
		break;
	case RTD3_BLOCKER_SIBLING_NO_PM:
		fn->has_pm = true;
		break;
	case RTD3_BLOCKER_SIBLING_NOT_ALLOWED:
		fn->d3cold_allowed = true;
		break;
	case RTD3_BLOCKER_SIBLING_NO_D3COLD:
		fn->no_d3cold = false;
		break;
	default:
		printf("Bail out! no fix for reason %d\n", id);
		exit(1);
	}
}

/* Do what the remedy says. */
static void fix(struct rtd3_snapshot *snap, const struct rtd3_blocker *blocker)
{
	struct rtd3_snap_port *port = port_of(snap, blocker);
	struct rtd3_snap_fn *fn = &snap->fn;

	switch (blocker->id) {
	case RTD3_BLOCKER_POLICY_OFF:
	case RTD3_BLOCKER_POLICY_D3HOT:
		snap->policy = RTD3_POWER_D3COLD;
		break;
	case RTD3_BLOCKER_FAILED:
		snap->works = true;
		break;
	case RTD3_BLOCKER_FALLBACK_OFF:
	case RTD3_BLOCKER_FALLBACK_D3HOT:
		snap->fallback = RTD3_POWER_D3COLD;
		break;
	case RTD3_BLOCKER_ENTRY_D3HOT:
		snap->entry_limit = RTD3_POWER_D3COLD;
		break;
	case RTD3_BLOCKER_IN_USE:
		snap->open = false;
		break;
	case RTD3_BLOCKER_CORE_AWAKE:
		snap->core_awake = false;
		break;
	case RTD3_BLOCKER_ATS:
		snap->ats = false;
		break;
	case RTD3_BLOCKER_NOT_CUT:
		snap->not_cut = false;
		break;
	case RTD3_BLOCKER_VFS:
		snap->vfs = 0;
		break;
	case RTD3_BLOCKER_CONTROL:
		fn->control_on = false;
		break;
	case RTD3_BLOCKER_NO_PM:
		fn->has_pm = true;
		break;
	case RTD3_BLOCKER_NOT_ALLOWED:
		fn->d3cold_allowed = true;
		break;
	case RTD3_BLOCKER_NO_D3COLD:
		fn->no_d3cold = false;
		break;
	case RTD3_BLOCKER_WAKEUP:
		fn->wakeup = false;
		port->bridge_d3 = true;
		break;
	case RTD3_BLOCKER_SIBLING_WAKEUP:
		sibling_of(snap, blocker)->wakeup = false;
		port->bridge_d3 = true;
		break;
	case RTD3_BLOCKER_NO_PR3:
		if (port->present)
			port->has_pr3 = true;
		else
			snap->has_pr3 = true;
		break;
	case RTD3_BLOCKER_PORT_CONTROL:
		port->control_on = false;
		break;
	case RTD3_BLOCKER_PORT_NOT_ALLOWED:
		port->d3cold_allowed = true;
		break;
	case RTD3_BLOCKER_PORT_NO_D3COLD:
		port->no_d3cold = false;
		break;
	case RTD3_BLOCKER_PORT_NOT_PCIE:
		port->pcie = true;
		break;
	case RTD3_BLOCKER_PORT_HOTPLUG:
		port->hotplug = false;
		break;
	case RTD3_BLOCKER_PORT_NO_PME:
		port->native_pme = true;
		port->bridge_d3 = true;
		break;
	case RTD3_BLOCKER_PORT_FIRMWARE:
		snap->bios_year = 2015;
		break;
	case RTD3_BLOCKER_PORT_NO_D3:
		port->bridge_d3 = true;
		break;
	default:
		fix_sibling(sibling_of(snap, blocker), blocker->id);
	}
}

void fix_all(struct rtd3_snapshot *snap, const struct found *found)
{
	size_t i;

	for (i = 0; i < found->nr; i++)
		fix(snap, &found->list[i]);
}
