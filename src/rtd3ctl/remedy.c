// SPDX-License-Identifier: GPL-2.0-only
/* What a reason against D3cold means, and a command against it. */

#include <string.h>

#include "remedy.h"
#include "sys.h"

#define ATTR(name)	"/sys/bus/pci/devices/@/" name

/* @: the device that the reason names. */
static const struct remedy {
	const char *means;
	const char *command;
	enum remedy_weight weight;
} remedies[RTD3_BLOCKER_NR] = {
	[RTD3_BLOCKER_POLICY_OFF] = {
		"its policy keeps it awake", "rtd3ctl set @ policy=d3cold", REMEDY_PASSING },
	[RTD3_BLOCKER_POLICY_D3HOT] = {
		"its policy keeps its power on", "rtd3ctl set @ policy=d3cold", REMEDY_PASSING },
	[RTD3_BLOCKER_FAILED] = {
		"it does not work", "echo 1 > " ATTR("rtd3/recover"), REMEDY_COMMAND },
	[RTD3_BLOCKER_FALLBACK_OFF] = {
		"it once did not come back from D3hot", "rtd3ctl set @ fallback=none --persist",
		REMEDY_COMMAND },
	[RTD3_BLOCKER_FALLBACK_D3HOT] = {
		"it once did not come back from D3cold", "rtd3ctl set @ fallback=none --persist",
		REMEDY_COMMAND },
	[RTD3_BLOCKER_ENTRY_D3HOT] = {
		"its user asked to keep its power on", NULL, REMEDY_PASSING },
	[RTD3_BLOCKER_IN_USE] = {
		"somebody uses it", NULL, REMEDY_PASSING },
	[RTD3_BLOCKER_CORE_AWAKE] = {
		"a parameter of vfio-pci keeps all devices of VFIO awake",
		"echo N > /sys/module/vfio_pci/parameters/disable_idle_d3", REMEDY_COMMAND },
	[RTD3_BLOCKER_ATS] = {
		"it keeps address translations that it cannot be told of while it sleeps", NULL,
		REMEDY_NONE },
	[RTD3_BLOCKER_VFS] = {
		"it has virtual functions", "echo 0 > " ATTR("sriov_numvfs"), REMEDY_COMMAND },
	[RTD3_BLOCKER_CONTROL] = {
		"runtime power management is turned off for it",
		"echo auto > " ATTR("power/control"), REMEDY_COMMAND },
	[RTD3_BLOCKER_NO_PM] = {
		"it cannot change its power state", NULL, REMEDY_NONE },
	[RTD3_BLOCKER_NOT_ALLOWED] = {
		"D3cold is not allowed for it", "echo 1 > " ATTR("d3cold_allowed"),
		REMEDY_COMMAND },
	[RTD3_BLOCKER_NO_D3COLD] = {
		"a driver or the kernel forbids D3cold for it",
		"echo 1 > " ATTR("remove") "; echo 1 > /sys/bus/pci/rescan", REMEDY_COMMAND },
	[RTD3_BLOCKER_WAKEUP] = {
		"it may wake the host, which it cannot do from D3cold",
		"echo disabled > " ATTR("power/wakeup") "; echo 0 > " ATTR("d3cold_allowed")
		"; echo 1 > " ATTR("d3cold_allowed"), REMEDY_COMMAND },
	[RTD3_BLOCKER_NO_PR3] = {
		"the firmware cannot cut its power (no ACPI _PR3): it gets no deeper than D3hot",
		NULL, REMEDY_NONE },
	[RTD3_BLOCKER_NOT_CUT] = {
		"it kept its power the last time that it was to be cut", NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_CONTROL] = {
		"runtime power management is turned off for the port",
		"echo auto > " ATTR("power/control"), REMEDY_COMMAND },
	[RTD3_BLOCKER_PORT_NOT_ALLOWED] = {
		"D3cold is not allowed for the port", "echo 1 > " ATTR("d3cold_allowed"),
		REMEDY_COMMAND },
	[RTD3_BLOCKER_PORT_NO_D3COLD] = {
		"the kernel forbids D3cold for the port", NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_NOT_PCIE] = {
		"it is below a bridge that is not PCI Express", NULL, REMEDY_NONE },
	[RTD3_BLOCKER_PORT_HOTPLUG] = {
		"the slot can hot-plug, and nothing says that it may sleep all the same", NULL,
		REMEDY_NONE },
	[RTD3_BLOCKER_PORT_FIRMWARE] = {
		"the kernel does not trust ports of firmware that is older than 2015", NULL,
		REMEDY_NONE },
	[RTD3_BLOCKER_PORT_NO_D3] = {
		"the kernel does not let the port sleep", NULL, REMEDY_NONE },
	[RTD3_BLOCKER_SIBLING_CONTROL] = {
		"runtime power management is turned off for it, and it loses power with the device",
		"echo auto > " ATTR("power/control"), REMEDY_COMMAND },
	[RTD3_BLOCKER_SIBLING_UNBOUND] = {
		"it is awake without a driver, and loses power with the device",
		"rtd3ctl bind @ --only", REMEDY_BIND },
	[RTD3_BLOCKER_SIBLING_DRIVER] = {
		"another driver keeps it awake, and it loses power with the device",
		"rtd3ctl bind @ --only", REMEDY_BIND },
	[RTD3_BLOCKER_SIBLING_ACTIVE] = {
		"it is awake, and loses power with the device", "rtd3ctl status @",
		REMEDY_PASSING },
	[RTD3_BLOCKER_SIBLING_NO_PM] = {
		"it cannot change its power state, and loses power with the device", NULL,
		REMEDY_NONE },
	[RTD3_BLOCKER_SIBLING_NOT_ALLOWED] = {
		"D3cold is not allowed for it, and it loses power with the device",
		"echo 1 > " ATTR("d3cold_allowed"), REMEDY_COMMAND },
	[RTD3_BLOCKER_SIBLING_NO_D3COLD] = {
		"D3cold is forbidden for it, and it loses power with the device",
		"rtd3ctl bind @ --only && rtd3ctl set @ policy=d3cold", REMEDY_COMMAND },
	[RTD3_BLOCKER_SIBLING_WAKEUP] = {
		"it may wake the host, which it cannot do from D3cold",
		"echo disabled > " ATTR("power/wakeup") "; echo 0 > " ATTR("d3cold_allowed")
		"; echo 1 > " ATTR("d3cold_allowed"), REMEDY_COMMAND },
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
