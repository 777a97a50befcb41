// SPDX-License-Identifier: GPL-2.0-only
/* What a reason against D3cold means, and a command against it. */

#include <string.h>

#include "remedy.h"
#include "sys.h"

#define ATTR(name)	"/sys/bus/pci/devices/@/" name

/* @: the device that the reason names. */
static const struct remedy {
	const char *means;
	const char *advice;
	const char *command;
	enum remedy_weight weight;
} remedies[RTD3_BLOCKER_NR] = {
	[RTD3_BLOCKER_POLICY_OFF] = {
		"its policy keeps it awake",
		"write d3cold to rtd3/policy",
		"rtd3ctl set @ policy=d3cold", REMEDY_PASSING },
	[RTD3_BLOCKER_POLICY_D3HOT] = {
		"its policy keeps its power on",
		"write d3cold to rtd3/policy",
		"rtd3ctl set @ policy=d3cold", REMEDY_PASSING },
	[RTD3_BLOCKER_FAILED] = {
		"it does not work",
		"restore its power, then write 1 to rtd3/recover",
		"echo 1 > " ATTR("rtd3/recover"), REMEDY_COMMAND },
	[RTD3_BLOCKER_FALLBACK_OFF] = {
		"it once did not come back from D3hot",
		"it did not come back from D3hot; write none to rtd3/fallback to try again",
		"rtd3ctl set @ fallback=none --persist", REMEDY_COMMAND },
	[RTD3_BLOCKER_FALLBACK_D3HOT] = {
		"it once did not come back from D3cold",
		"it did not come back from D3cold; write none to rtd3/fallback to try again",
		"rtd3ctl set @ fallback=none --persist", REMEDY_COMMAND },
	[RTD3_BLOCKER_ENTRY_D3HOT] = {
		"its user asked to keep its power on",
		"leave low power, or enter it with D3cold as the limit",
		NULL, REMEDY_PASSING },
	[RTD3_BLOCKER_IN_USE] = {
		"somebody uses it",
		"close the device, enter low power, or let its guest put it into D3hot; see rtd3/promote",
		NULL, REMEDY_PASSING },
	[RTD3_BLOCKER_CORE_AWAKE] = {
		"a parameter of vfio-pci keeps all devices of VFIO awake",
		"vfio_pci's parameter disable_idle_d3 counts for all drivers on this kernel: write N to it, then bind the device again",
		"echo N > /sys/module/vfio_pci/parameters/disable_idle_d3", REMEDY_COMMAND },
	[RTD3_BLOCKER_ATS] = {
		"it keeps address translations that it cannot be told of while it sleeps",
		"let go of its IOMMU group once it is closed; while it is open, use Linux 7.2.12 or later, or boot with pci=noats",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_VFS] = {
		"it has virtual functions",
		"write 0 to sriov_numvfs",
		"echo 0 > " ATTR("sriov_numvfs"), REMEDY_COMMAND },
	[RTD3_BLOCKER_CONTROL] = {
		"runtime power management is turned off for it",
		"write auto to power/control",
		"echo auto > " ATTR("power/control"), REMEDY_COMMAND },
	[RTD3_BLOCKER_NO_PM] = {
		"it cannot change its power state",
		"none: neither it nor the firmware can change its power state",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_NOT_ALLOWED] = {
		"D3cold is not allowed for it",
		"write 1 to d3cold_allowed",
		"echo 1 > " ATTR("d3cold_allowed"), REMEDY_COMMAND },
	[RTD3_BLOCKER_NO_D3COLD] = {
		"a driver or the kernel forbids D3cold for it",
		"remove and rescan it; if this stays, a kernel quirk forbids D3cold",
		"echo 1 > " ATTR("remove") "; echo 1 > /sys/bus/pci/rescan", REMEDY_COMMAND },
	[RTD3_BLOCKER_WAKEUP] = {
		"it may wake the host, which it cannot do from D3cold",
		"write disabled to power/wakeup, then 0 and 1 to d3cold_allowed: it has no PME from D3cold",
		"echo disabled > " ATTR("power/wakeup") "; echo 0 > " ATTR("d3cold_allowed")
		"; echo 1 > " ATTR("d3cold_allowed"),
		REMEDY_COMMAND },
	[RTD3_BLOCKER_NO_PR3] = {
		"the firmware cannot cut its power (no ACPI _PR3): it gets no deeper than D3hot",
		"use firmware that has _PR3 for the device or for its port",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_NOT_CUT] = {
		"it kept its power the last time that it was to be cut",
		"it kept its power the last time that it was to be cut: let what shares the power sleep, too, or update the firmware",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_CONTROL] = {
		"runtime power management is turned off for the port",
		"write auto to power/control",
		"echo auto > " ATTR("power/control"), REMEDY_COMMAND },
	[RTD3_BLOCKER_PORT_NOT_ALLOWED] = {
		"D3cold is not allowed for the port",
		"write 1 to d3cold_allowed",
		"echo 1 > " ATTR("d3cold_allowed"), REMEDY_COMMAND },
	[RTD3_BLOCKER_PORT_NO_D3COLD] = {
		"the kernel forbids D3cold for the port",
		"none: a kernel quirk forbids D3cold for the port",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_NOT_PCIE] = {
		"it is below a bridge that is not PCI Express",
		"move the device below a PCI Express root port or switch port",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_HOTPLUG] = {
		"the slot can hot-plug, and nothing says that it may sleep all the same",
		"turn hotplug of the slot off in the firmware, or try pcie_port_pm=force",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_NO_PME] = {
		"the firmware keeps the slot's wake-up signal to itself, and Linux would lose the card",
		"use firmware that gives Linux the PME of hotplug ports (_OSC): without it, pciehp takes a slot without power for an empty one",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_FIRMWARE] = {
		"the kernel does not trust ports of firmware that is older than 2015",
		"update the firmware to 2015 or later, or try pcie_port_pm=force",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_NO_D3] = {
		"the kernel does not let the port sleep",
		"write 0 and 1 to d3cold_allowed of the device; if this stays, remove pcie_port_pm=off from the kernel command line, or use firmware that has _PR3 and HotPlugSupportInD3",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_SIBLING_CONTROL] = {
		"runtime power management is turned off for it, and it loses power with the device",
		"write auto to its power/control",
		"echo auto > " ATTR("power/control"), REMEDY_COMMAND },
	[RTD3_BLOCKER_SIBLING_UNBOUND] = {
		"it is awake without a driver, and loses power with the device",
		"bind it to rtd3_vfio_pci, or write auto to its power/control",
		"rtd3ctl bind @ --only", REMEDY_BIND },
	[RTD3_BLOCKER_SIBLING_DRIVER] = {
		"another driver keeps it awake, and it loses power with the device",
		"bind it to rtd3_vfio_pci",
		"rtd3ctl bind @ --only", REMEDY_BIND },
	[RTD3_BLOCKER_SIBLING_ACTIVE] = {
		"it is awake, and loses power with the device",
		"close it, or enter low power, or write d3cold to its rtd3/policy",
		"rtd3ctl status @", REMEDY_PASSING },
	[RTD3_BLOCKER_SIBLING_NO_PM] = {
		"it cannot change its power state, and loses power with the device",
		"none: neither it nor the firmware can change its power state",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_SIBLING_NOT_ALLOWED] = {
		"D3cold is not allowed for it, and it loses power with the device",
		"write 1 to its d3cold_allowed",
		"echo 1 > " ATTR("d3cold_allowed"), REMEDY_COMMAND },
	[RTD3_BLOCKER_SIBLING_NO_D3COLD] = {
		"D3cold is forbidden for it, and it loses power with the device",
		"bind it to rtd3_vfio_pci and write d3cold to its rtd3/policy; if this stays, remove and rescan it",
		"rtd3ctl bind @ --only && rtd3ctl set @ policy=d3cold", REMEDY_COMMAND },
	[RTD3_BLOCKER_SIBLING_WAKEUP] = {
		"it may wake the host, which it cannot do from D3cold",
		"write disabled to its power/wakeup, then 0 and 1 to its d3cold_allowed: it has no PME from D3cold",
		"echo disabled > " ATTR("power/wakeup") "; echo 0 > " ATTR("d3cold_allowed")
		"; echo 1 > " ATTR("d3cold_allowed"),
		REMEDY_COMMAND },
};

enum remedy_weight remedy_weight(enum rtd3_blocker_id id)
{
	return remedies[id].weight;
}

/* Why it is in the way, in words that say what to do only where no command does. */
const char *remedy_means(enum rtd3_blocker_id id)
{
	return remedies[id].means;
}

/* What a person can do. */
const char *remedy_advice(enum rtd3_blocker_id id)
{
	return remedies[id].advice;
}

/**
 * remedy_command - what can be pasted into root's shell
 * @blocker: reason
 * @buf: filled; empty where no command helps
 * @size: of @buf
 */
void remedy_command(const struct rtd3_blocker *blocker, char *buf, size_t size)
{
	const char *from = remedies[blocker->id].command;
	size_t len = strlen(blocker->device), to = 0;

	*buf = '\0';
	if (!from)
		return;
	for (; *from; from++) {
		if (to + len + 1 >= size) {
			*buf = '\0';
			return;
		}
		if (*from == '@') {
			memcpy(buf + to, blocker->device, len);
			to += len;
		} else {
			buf[to++] = *from;
		}
	}
	buf[to] = '\0';
}
