// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a device cannot reach D3cold. Of a device that the driver has, the driver is
 * asked. Of any other the same snapshot is taken as the driver would take, from sysfs:
 * as if the driver had it, nobody had it open and nothing had been set.
 *
 * What sysfs does not show is concluded as the PCI core does it, or taken for good and
 * listed as unknown. Nothing here wakes a device.
 */

#include <stdio.h>
#include <string.h>

#include "cfg.h"
#include "host.h"
#include "snap.h"
#include "sys.h"

#define SNAP_SERVICE_PME	0x1
#define SNAP_SERVICE_HOTPLUG	0x4

static void snap_not_known(struct snap *snap, const struct dev *dev, const char *fact,
			   const char *why)
{
	struct snap_unknown *unknown = &snap->unknown[snap->nr_unknown];

	if (snap->nr_unknown == SNAP_UNKNOWN_MAX)
		return;
	memcpy(unknown->device, dev->bdf, sizeof(unknown->device));
	unknown->fact = fact;
	unknown->why = why;
	snap->nr_unknown++;
}

static bool snap_wakeup(const struct dev *dev)
{
	char wakeup[DEV_WORD];

	dev_attr(dev, "power/wakeup", wakeup, sizeof(wakeup));

	return !strcmp(wakeup, "enabled");
}

/* Has it been asleep, or can it wake the host? Then it can change its power state. */
static bool snap_shows_pm(const struct dev *dev)
{
	return dev_has(dev, "power/wakeup") || dev->pr3 ||
	       dev_has(dev, "firmware_node/power_resources_D0") ||
	       dev_number(dev, "power/runtime_suspended_time", 0) > 0;
}

static void snap_function(struct snap *snap, const struct dev *dev, struct rtd3_snap_fn *fn)
{
	const char *why;
	struct cfg cfg;

	memcpy(fn->name, dev->bdf, sizeof(fn->name));
	fn->bound = *dev->driver;
	fn->ours = dev->ours;
	fn->control_on = !strcmp(dev->control, "on");
	fn->suspended = !strcmp(dev->runtime, "suspended");
	fn->d3cold_allowed = dev_number(dev, "d3cold_allowed", 1);
	fn->wakeup = snap_wakeup(dev);

	why = cfg_read(dev, &cfg);
	fn->has_pm = cfg.pm || snap_shows_pm(dev);
	if (why && !fn->has_pm) {
		fn->has_pm = true;
		snap_not_known(snap, dev, "pm-capability", why);
	}
	fn->pme_d3cold = cfg.pme_d3cold;
	if (why && fn->wakeup) {
		fn->pme_d3cold = true;
		snap_not_known(snap, dev, "pme-d3cold", why);
	}
}

/*
 * Bits of the port's services that drivers of the kernel handle: each is a device
 * 0000:00:1c.0:pcie004 below the port. 0 if there is none.
 */
static unsigned int snap_services(const struct dev *port)
{
	char **names = sys_list(port->dir), **name;
	size_t len = strlen(port->bdf);
	unsigned int services = 0, one;

	for (name = names; name && *name; name++)
		if (!strncmp(*name, port->bdf, len) &&
		    sscanf(*name + len, ":pcie%3x", &one) == 1)
			services |= one & 0xff;
	sys_list_free(names);

	return services;
}

/* Is there a slot of any driver on the bus below? */
static bool snap_has_slot(const struct dev *port)
{
	char path[PATH_MAX], address[DEV_WORD];
	char **slots, **slot, **buses = NULL;
	bool found = false;

	if (!sys_text(path, sizeof(path), "%s/pci_bus", port->dir))
		buses = sys_list(path);
	sys_path(path, "/sys/bus/pci/slots");
	slots = buses && *buses ? sys_list(path) : NULL;
	for (slot = slots; slot && *slot && !found; slot++) {
		sys_path(path, "/sys/bus/pci/slots/%s/address", *slot);
		sys_read(path, address, sizeof(address));
		found = !strncmp(address, *buses, strlen(*buses)) &&
			address[strlen(*buses)] == ':';
	}
	sys_list_free(slots);
	sys_list_free(buses);

	return found;
}

/* Can devices below this port come and go? */
bool snap_is_hotplug(const struct dev *port)
{
	return snap_services(port) & SNAP_SERVICE_HOTPLUG || snap_has_slot(port);
}

/*
 * May the PCI core put such a port to sleep at all? In a hot-plug slot that hangs on a
 * property of the firmware, which sysfs does not show. But the port's driver writes
 * auto to power/control of ports that may sleep, and of no other.
 */
static bool snap_port_may_sleep(const struct dev *dev, const struct rtd3_snap_port *port)
{
	int year = host_bios_year();

	if (!port->pcie || (port->hotplug && !port->native_hotplug))
		return false;
	if (!strcmp(dev->runtime, "suspended"))
		return true;
	if (host_cmdline_has("pcie_port_pm=off"))
		return false;
	if (host_cmdline_has("pcie_port_pm=force"))
		return true;
	if (port->hotplug || (year > 0 && year < 2015))
		return !port->control_on && !strcmp(dev->driver, "pcieport");

	return true;
}

/* Root ports have that service, if the firmware lets Linux have it. */
static bool snap_native_pme(const struct dev *port)
{
	struct dev up = *port, next;
	unsigned int services;
	char bdf[DEV_BDF];

	while (dev_parent(&up, bdf) && !dev_load(&next, bdf))
		up = next;
	services = snap_services(&up);

	return !services || services & SNAP_SERVICE_PME;
}

static void snap_port_kind(struct snap *snap, const struct dev *dev,
			   struct rtd3_snap_port *port)
{
	unsigned int services = snap_services(dev);
	const char *why = NULL;
	struct cfg cfg = { };

	port->pcie = services || !strcmp(dev->driver, "pcieport");
	port->native_hotplug = services & SNAP_SERVICE_HOTPLUG;
	port->hotplug = port->native_hotplug || snap_has_slot(dev);
	port->native_pme = snap_native_pme(dev);
	if (port->pcie)
		return;

	why = cfg_read(dev, &cfg);
	port->pcie = why || cfg_is_port(&cfg);
	if (why)
		snap_not_known(snap, dev, "port-kind", why);
}

/* All but bridge_d3, which takes the devices below. */
static void snap_port(struct snap *snap, const struct dev *dev, struct rtd3_snap_port *port)
{
	struct dev up = *dev, next;
	char bdf[DEV_BDF];

	memcpy(port->name, dev->bdf, sizeof(port->name));
	port->present = true;
	port->control_on = !strcmp(dev->control, "on");
	port->d3cold_allowed = dev_number(dev, "d3cold_allowed", 1);
	snap_port_kind(snap, dev, port);
	port->bridge_d3 = snap_port_may_sleep(dev, port);
	/* Behind a switch it can be a port further up that cuts the power. */
	for (port->has_pr3 = up.pr3; !port->has_pr3; port->has_pr3 = up.pr3) {
		if (!dev_parent(&up, bdf) || dev_load(&next, bdf))
			break;
		up = next;
	}
}

static bool snap_is_below(const struct dev *dev, const struct dev *bridge)
{
	size_t len = strlen(bridge->dir);

	return !strncmp(dev->dir, bridge->dir, len) && dev->dir[len] == '/';
}

static bool snap_forbids(const struct rtd3_snap_fn *fn)
{
	return !fn->d3cold_allowed || (fn->wakeup && !fn->pme_d3cold);
}

static const struct rtd3_snap_fn *snap_find_fn(const struct rtd3_snapshot *shot, const char *bdf)
{
	size_t i;

	if (!strcmp(shot->fn.name, bdf))
		return &shot->fn;
	for (i = 0; i < shot->nr_siblings && i < RTD3_SNAP_SIBLINGS; i++)
		if (!strcmp(shot->sibling[i].name, bdf))
			return &shot->sibling[i];

	return NULL;
}

static struct rtd3_snap_port *snap_find_port(struct rtd3_snapshot *shot, const char *bdf)
{
	size_t i;

	if (shot->port.present && !strcmp(shot->port.name, bdf))
		return &shot->port;
	for (i = 0; i < shot->nr_bridges; i++)
		if (!strcmp(shot->bridge[i].name, bdf))
			return &shot->bridge[i];

	return NULL;
}

/* Each function and each bridge can keep the bridges above it from sleeping. */
static void snap_bridge_d3(struct snap *snap, const struct set *set)
{
	const struct rtd3_snap_fn *fn;
	struct rtd3_snap_port *port, *lower;
	size_t i, k;

	/* From the lowest up: what is below a bridge comes after it. */
	for (i = set->nr; i--;) {
		port = snap_find_port(&snap->shot, set->dev[i].bdf);
		for (k = i + 1; port && k < set->nr; k++) {
			if (!snap_is_below(&set->dev[k], &set->dev[i]))
				continue;
			fn = snap_find_fn(&snap->shot, set->dev[k].bdf);
			lower = snap_find_port(&snap->shot, set->dev[k].bdf);
			if ((fn && snap_forbids(fn)) ||
			    (lower && (!lower->bridge_d3 || !lower->d3cold_allowed)))
				port->bridge_d3 = false;
		}
	}
}

static void snap_member(struct snap *snap, const struct dev *dev, const char *port)
{
	struct rtd3_snapshot *shot = &snap->shot;
	struct rtd3_snap_fn *fn;
	char bdf[DEV_BDF] = "";

	if (dev_is_bridge(dev)) {
		if (shot->nr_bridges < RTD3_SNAP_BRIDGES)
			snap_port(snap, dev, &shot->bridge[shot->nr_bridges++]);
		return;
	}
	if (shot->nr_siblings++ >= RTD3_SNAP_SIBLINGS)
		return;
	fn = &shot->sibling[shot->nr_siblings - 1];
	snap_function(snap, dev, fn);
	dev_parent(dev, bdf);
	fn->elsewhere = strcmp(bdf, port);
}

static void snap_elsewhere(struct rtd3_snapshot *shot, const struct set *set)
{
	const struct rtd3_snap_port *port;
	struct rtd3_snap_fn *fn;
	char bdf[DEV_BDF];
	size_t i, k;

	for (i = 0; i < shot->nr_siblings && i < RTD3_SNAP_SIBLINGS; i++) {
		fn = &shot->sibling[i];
		for (k = 0; fn->elsewhere && k < set->nr; k++) {
			if (strcmp(set->dev[k].bdf, fn->name) || !dev_parent(&set->dev[k], bdf))
				continue;
			port = snap_find_port(shot, bdf);
			fn->elsewhere_d3 = port && port->bridge_d3;
		}
	}
}

static unsigned int snap_vfs(const struct dev *dev)
{
	char **names = sys_list(dev->dir), **name;
	unsigned int nr = 0;

	for (name = names; name && *name; name++)
		nr += !strncmp(*name, "virtfn", 6);
	sys_list_free(names);

	return nr;
}

/* On these kernels the parameter of vfio-pci counts for every driver. */
static bool snap_core_awake(void)
{
	return host_kernel() < HOST_VERSION(7, 2, 12) &&
	       (host_parameter_on("vfio_pci", "disable_idle_d3") ||
		host_parameter_on("vfio_pci_core", "disable_idle_d3"));
}

static void snap_self(struct snap *snap, const struct dev *dev)
{
	struct rtd3_snapshot *shot = &snap->shot;

	snap_function(snap, dev, &shot->fn);
	/* To bind it does this. */
	shot->fn.bound = true;
	shot->fn.ours = true;
	shot->fn.control_on = false;
	shot->has_pr3 = dev->pr3;
	shot->policy = RTD3_POWER_D3COLD;
	shot->fallback = RTD3_POWER_D3COLD;
	shot->entry_limit = RTD3_POWER_D3COLD;
	shot->works = true;
	shot->vfs = snap_vfs(dev);
	shot->core_awake = snap_core_awake();
	shot->bios_year = host_bios_year();
}

static void snap_conclude(struct snap *snap, const struct dev *dev, const struct set *set)
{
	struct dev port;
	char bdf[DEV_BDF];
	size_t i;

	snap_self(snap, dev);
	if (dev_parent(dev, bdf) && !dev_load(&port, bdf)) {
		snap_port(snap, &port, &snap->shot.port);
		for (i = 0; set->has_port && i < set->nr; i++)
			if (strcmp(set->dev[i].bdf, dev->bdf) && strcmp(set->dev[i].bdf, bdf))
				snap_member(snap, &set->dev[i], bdf);
		snap_bridge_d3(snap, set);
		snap_elsewhere(&snap->shot, set);
	}
	snap->nr = rtd3_blockers_find(&snap->shot, snap->list, RTD3_BLOCKERS_MAX);
}

static int snap_token(const char *token)
{
	int id;

	for (id = 0; id < RTD3_BLOCKER_NR; id++)
		if (!strcmp(rtd3_blocker_texts[id].token, token))
			return id;

	return -1;
}

/**
 * snap_parse - rtd3/blockers
 * @snap: its list is filled
 * @text: what the file says: lines "token device"; is taken apart
 *
 * Return: how many lines were not understood: those of a newer driver.
 */
int snap_parse(struct snap *snap, char *text)
{
	char *save, *line, *device;
	int strange = 0, id;

	snap->nr = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		device = strchr(line, ' ');
		if (!device || snap->nr == RTD3_BLOCKERS_MAX) {
			strange++;
			continue;
		}
		*device++ = '\0';
		id = snap_token(line);
		if (id < 0 || dev_parse_bdf(device, snap->names[snap->nr])) {
			strange++;
			continue;
		}
		snap->list[snap->nr].id = id;
		snap->list[snap->nr].device = snap->names[snap->nr];
		snap->nr++;
	}

	return strange;
}

/**
 * snap_take - what stands against D3cold
 * @snap: filled; not to be copied, it points into itself
 * @dev: device
 * @set: its power set
 */
void snap_take(struct snap *snap, const struct dev *dev, const struct set *set)
{
	char text[SYS_TEXT];
	int depth;

	memset(snap, 0, sizeof(*snap));
	if (dev->ours && dev_attr(dev, "rtd3/blockers", text, sizeof(text)) >= 0) {
		snap->from_driver = true;
		if (snap_parse(snap, text))
			snap_not_known(snap, dev, "blockers",
				       "the driver gives reasons that rtd3ctl does not know: update it");
	} else {
		snap_conclude(snap, dev, set);
	}
	snap->predicted = rtd3_blockers_predict(snap->list, snap->nr);
	if (!snap->from_driver || dev_attr(dev, "rtd3/predicted", text, sizeof(text)) <= 0)
		return;
	for (depth = 0; depth < RTD3_POWER_NR; depth++)
		if (!strcmp(rtd3_power_names[depth], text))
			snap->predicted = depth;
}
