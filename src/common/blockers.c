// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a device cannot reach D3cold.
 *
 * Where the device itself has _PR3, the platform cuts its power when it
 * suspends, and nobody else is asked. Everywhere else the port above it has to
 * suspend. It does so when
 *
 *	- all functions below it are suspended. One without a driver counts as
 *	  suspended once its power/control is auto;
 *	- its own power/control is auto;
 *	- the PCI core lets it: bridge_d3. That flag follows from what the port is
 *	  (PCI Express, hotplug, firmware's year, pcie_port_pm=) and from every
 *	  function below it, any of which can forbid D3cold;
 *
 * and it cuts the power, instead of going to D3hot, when it has _PR3 and is
 * itself allowed to be in D3cold.
 *
 * Why the core does not let a port sleep cannot be read from outside, so it is
 * concluded: bridge_d3 is clear and no function explains that. It can also be
 * out of date: the core works it out anew when d3cold_allowed is written, and not
 * when a wakeup is disarmed.
 */

#include "blockers.h"

const struct rtd3_blocker_text rtd3_blocker_texts[RTD3_BLOCKER_NR] = {
	[RTD3_BLOCKER_POLICY_OFF] = {
		"policy-off", RTD3_POWER_D0, RTD3_BLOCKED_BY_USER
	},
	[RTD3_BLOCKER_POLICY_D3HOT] = {
		"policy-d3hot", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_USER
	},
	[RTD3_BLOCKER_FAILED] = {
		"failed", RTD3_POWER_D0, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_FALLBACK_OFF] = {
		"fallback-off", RTD3_POWER_D0, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_FALLBACK_D3HOT] = {
		"fallback-d3hot", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_ENTRY_D3HOT] = {
		"entry-d3hot", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_USER
	},
	[RTD3_BLOCKER_IN_USE] = {
		"in-use", RTD3_POWER_D0, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_CORE_AWAKE] = {
		"disable-idle-d3", RTD3_POWER_D0, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_ATS] = {
		"ats", RTD3_POWER_D0, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_VFS] = {
		"vfs-enabled", RTD3_POWER_D0, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_CONTROL] = {
		"control-on", RTD3_POWER_D0, RTD3_BLOCKED_BY_USER
	},
	[RTD3_BLOCKER_NO_PM] = {
		"no-pm-capability", RTD3_POWER_D0, RTD3_BLOCKED_BY_PLATFORM
	},
	[RTD3_BLOCKER_NOT_ALLOWED] = {
		"d3cold-not-allowed", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_USER
	},
	[RTD3_BLOCKER_NO_D3COLD] = {
		"no-d3cold", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_WAKEUP] = {
		"wakeup-armed", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_DRIVER
	},
	[RTD3_BLOCKER_NO_PR3] = {
		"no-pr3", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PLATFORM
	},
	[RTD3_BLOCKER_NOT_CUT] = {
		"power-not-cut", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PLATFORM
	},
	[RTD3_BLOCKER_PORT_CONTROL] = {
		"port-control-on", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_PORT_NOT_ALLOWED] = {
		"port-d3cold-not-allowed", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_PORT_NO_D3COLD] = {
		"port-no-d3cold", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_PORT_NOT_PCIE] = {
		"port-not-pcie", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PLATFORM
	},
	[RTD3_BLOCKER_PORT_HOTPLUG] = {
		"port-hotplug", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_PORT_NO_PME] = {
		"port-no-native-pme", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PLATFORM
	},
	[RTD3_BLOCKER_PORT_FIRMWARE] = {
		"port-old-firmware", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PLATFORM
	},
	[RTD3_BLOCKER_PORT_NO_D3] = {
		"port-no-d3", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_SIBLING_CONTROL] = {
		"sibling-control-on", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_SIBLING_UNBOUND] = {
		"sibling-unbound", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_SIBLING_DRIVER] = {
		"sibling-other-driver", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_SIBLING_ACTIVE] = {
		"sibling-active", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_SIBLING_NO_PM] = {
		"sibling-no-pm-capability", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_SIBLING_NOT_ALLOWED] = {
		"sibling-d3cold-not-allowed", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_SIBLING_NO_D3COLD] = {
		"sibling-no-d3cold", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
	[RTD3_BLOCKER_SIBLING_WAKEUP] = {
		"sibling-wakeup-armed", RTD3_POWER_D3HOT, RTD3_BLOCKED_BY_PORT
	},
};

/* The list that is being filled. */
struct rtd3_finder {
	struct rtd3_blocker *list;
	size_t nr;
	size_t max;
};

static void rtd3_add(struct rtd3_finder *find, enum rtd3_blocker_id id,
		     const char *device)
{
	if (find->nr == find->max)
		return;
	find->list[find->nr].id = id;
	find->list[find->nr].device = device;
	find->nr++;
}

static void rtd3_add_if(struct rtd3_finder *find, bool cond,
			enum rtd3_blocker_id id, const char *device)
{
	if (cond)
		rtd3_add(find, id, device);
}

/*
 * Would D3cold lose a wakeup that is armed? Of a port the PCI core asks this only
 * when it works out bridge_d3 anew, and arming a wakeup is no reason for that: as
 * long as bridge_d3 is set, the wakeup is lost and nothing is in the way.
 */
static bool rtd3_wakeup_lost(const struct rtd3_snapshot *snap,
			     const struct rtd3_snap_fn *fn)
{
	if (!snap->has_pr3 && snap->port.present &&
	    (fn->elsewhere ? fn->elsewhere_d3 : snap->port.bridge_d3))
		return false;

	return fn->wakeup && !fn->pme_d3cold;
}

/* Does this function make the PCI core clear bridge_d3 of the port above? */
static bool rtd3_holds_port(const struct rtd3_snapshot *snap,
			    const struct rtd3_snap_fn *fn)
{
	return !fn->d3cold_allowed || fn->no_d3cold ||
	       rtd3_wakeup_lost(snap, fn);
}

static size_t rtd3_nr_siblings(const struct rtd3_snapshot *snap)
{
	return snap->nr_siblings < RTD3_SNAP_SIBLINGS ? snap->nr_siblings :
							RTD3_SNAP_SIBLINGS;
}

/*
 * Does any function below a bridge, the device's port or one above, explain that its
 * bridge_d3 is clear? A limit of ours does: it is held with no_d3cold, which the
 * snapshot leaves out. The entry's limit lasts until the user's next request, even if low power has
 * ended: the device is in use then.
 */
static bool rtd3_port_held_from_below(const struct rtd3_snapshot *snap,
				      const struct rtd3_snap_port *port)
{
	bool entry_limit = (snap->open || snap->engaged) &&
			   snap->entry_limit == RTD3_POWER_D3HOT;
	size_t i;

	if (snap->policy < RTD3_POWER_D3COLD || entry_limit ||
	    snap->fallback < RTD3_POWER_D3COLD ||
	    rtd3_holds_port(snap, &snap->fn))
		return true;

	for (i = 0; i < rtd3_nr_siblings(snap); i++)
		if (!(port == &snap->port && snap->sibling[i].elsewhere) &&
		    rtd3_holds_port(snap, &snap->sibling[i]))
			return true;

	return false;
}

static void rtd3_find_own(struct rtd3_finder *find,
			  const struct rtd3_snapshot *snap)
{
	const struct rtd3_snap_fn *fn = &snap->fn;
	bool port_pr3 = snap->port.present && snap->port.has_pr3;

	rtd3_add_if(find, snap->policy == RTD3_POWER_D0,
		    RTD3_BLOCKER_POLICY_OFF, fn->name);
	rtd3_add_if(find, snap->policy == RTD3_POWER_D3HOT,
		    RTD3_BLOCKER_POLICY_D3HOT, fn->name);
	rtd3_add_if(find, !snap->works, RTD3_BLOCKER_FAILED, fn->name);
	rtd3_add_if(find, snap->fallback == RTD3_POWER_D0,
		    RTD3_BLOCKER_FALLBACK_OFF, fn->name);
	rtd3_add_if(find, snap->fallback == RTD3_POWER_D3HOT,
		    RTD3_BLOCKER_FALLBACK_D3HOT, fn->name);
	rtd3_add_if(find,
		    snap->engaged && snap->entry_limit == RTD3_POWER_D3HOT,
		    RTD3_BLOCKER_ENTRY_D3HOT, fn->name);
	rtd3_add_if(find, snap->open && !snap->engaged, RTD3_BLOCKER_IN_USE,
		    fn->name);
	rtd3_add_if(find, snap->core_awake, RTD3_BLOCKER_CORE_AWAKE, fn->name);
	rtd3_add_if(find, snap->ats, RTD3_BLOCKER_ATS, fn->name);
	rtd3_add_if(find, snap->vfs, RTD3_BLOCKER_VFS, fn->name);
	rtd3_add_if(find, fn->control_on, RTD3_BLOCKER_CONTROL, fn->name);
	rtd3_add_if(find, !fn->has_pm, RTD3_BLOCKER_NO_PM, fn->name);
	rtd3_add_if(find, !fn->d3cold_allowed, RTD3_BLOCKER_NOT_ALLOWED,
		    fn->name);
	rtd3_add_if(find, fn->no_d3cold, RTD3_BLOCKER_NO_D3COLD, fn->name);
	rtd3_add_if(find, rtd3_wakeup_lost(snap, fn), RTD3_BLOCKER_WAKEUP,
		    fn->name);
	rtd3_add_if(find, !snap->has_pr3 && !port_pr3, RTD3_BLOCKER_NO_PR3,
		    fn->name);
	rtd3_add_if(find, snap->not_cut, RTD3_BLOCKER_NOT_CUT, fn->name);
}

/* bridge_d3 is clear, and neither a function nor a plain fact explains it. */
static enum rtd3_blocker_id
rtd3_conclude_port(const struct rtd3_snapshot *snap,
		   const struct rtd3_snap_port *port)
{
	/* The PCI core looks at hotplug before it looks at the year. */
	if (port->hotplug)
		return RTD3_BLOCKER_PORT_HOTPLUG;
	if (snap->bios_year > 0 && snap->bios_year < 2015)
		return RTD3_BLOCKER_PORT_FIRMWARE;
	return RTD3_BLOCKER_PORT_NO_D3;
}

static bool rtd3_firmware_hotplug(const struct rtd3_snap_port *port)
{
	return port->hotplug && !port->native_hotplug;
}

/* pciehp then goes on listening to a port that sleeps: its slot would seem to be empty. */
static bool rtd3_loses_card(const struct rtd3_snap_port *port)
{
	return port->hotplug && port->native_hotplug && !port->native_pme;
}

/* Does a plain fact about a bridge make the PCI core clear bridge_d3 of those above? */
static bool rtd3_bridge_holds(const struct rtd3_snap_port *port)
{
	return !port->pcie || rtd3_firmware_hotplug(port) ||
	       !port->d3cold_allowed || port->no_d3cold;
}

static size_t rtd3_nr_bridges(const struct rtd3_snapshot *snap)
{
	return snap->nr_bridges < RTD3_SNAP_BRIDGES ? snap->nr_bridges :
						      RTD3_SNAP_BRIDGES;
}

static void rtd3_find_port_facts(struct rtd3_finder *find,
				 const struct rtd3_snap_port *port)
{
	rtd3_add_if(find, port->control_on, RTD3_BLOCKER_PORT_CONTROL,
		    port->name);
	rtd3_add_if(find, !port->d3cold_allowed, RTD3_BLOCKER_PORT_NOT_ALLOWED,
		    port->name);
	rtd3_add_if(find, port->no_d3cold, RTD3_BLOCKER_PORT_NO_D3COLD,
		    port->name);
	rtd3_add_if(find, !port->pcie, RTD3_BLOCKER_PORT_NOT_PCIE, port->name);
	rtd3_add_if(find, rtd3_firmware_hotplug(port), RTD3_BLOCKER_PORT_HOTPLUG,
		    port->name);
	rtd3_add_if(find, rtd3_loses_card(port), RTD3_BLOCKER_PORT_NO_PME,
		    port->name);
}

/* The lowest bridge that the PCI core does not let sleep: those above follow from it. */
static const struct rtd3_snap_port *
rtd3_lowest_held(const struct rtd3_snapshot *snap)
{
	size_t i;

	if (!snap->port.bridge_d3)
		return &snap->port;
	for (i = rtd3_nr_bridges(snap); i--;)
		if (!snap->bridge[i].bridge_d3)
			return &snap->bridge[i];

	return NULL;
}

static void rtd3_find_ports(struct rtd3_finder *find,
			    const struct rtd3_snapshot *snap)
{
	const struct rtd3_snap_port *held = rtd3_lowest_held(snap);
	bool lowest = held == &snap->port;
	bool explained = rtd3_port_held_from_below(snap, held) ||
			 rtd3_loses_card(&snap->port) ||
			 (!lowest && rtd3_bridge_holds(&snap->port));
	size_t i;

	rtd3_find_port_facts(find, &snap->port);
	for (i = 0; i < rtd3_nr_bridges(snap); i++) {
		rtd3_find_port_facts(find, &snap->bridge[i]);
		/* Of that it is this driver that keeps the device out of D3cold. */
		explained |= rtd3_loses_card(&snap->bridge[i]);
		explained |= !lowest && held < &snap->bridge[i] &&
			     rtd3_bridge_holds(&snap->bridge[i]);
	}

	if (held && !explained && held->pcie && !rtd3_firmware_hotplug(held))
		rtd3_add(find, rtd3_conclude_port(snap, held), held->name);
}

/* Who keeps a sibling awake that is not suspended? */
static void rtd3_find_awake(struct rtd3_finder *find,
			    const struct rtd3_snap_fn *fn)
{
	if (!fn->bound)
		rtd3_add_if(find, fn->control_on, RTD3_BLOCKER_SIBLING_UNBOUND,
			    fn->name);
	else if (!fn->ours)
		rtd3_add(find, RTD3_BLOCKER_SIBLING_DRIVER, fn->name);
	else if (fn->control_on)
		rtd3_add(find, RTD3_BLOCKER_SIBLING_CONTROL, fn->name);
	else
		rtd3_add(find, RTD3_BLOCKER_SIBLING_ACTIVE, fn->name);
}

static void rtd3_find_sibling(struct rtd3_finder *find,
			      const struct rtd3_snapshot *snap,
			      const struct rtd3_snap_fn *fn)
{
	if (!fn->suspended)
		rtd3_find_awake(find, fn);
	rtd3_add_if(find, !fn->has_pm, RTD3_BLOCKER_SIBLING_NO_PM, fn->name);
	rtd3_add_if(find, !fn->d3cold_allowed, RTD3_BLOCKER_SIBLING_NOT_ALLOWED,
		    fn->name);
	rtd3_add_if(find, fn->no_d3cold, RTD3_BLOCKER_SIBLING_NO_D3COLD,
		    fn->name);
	rtd3_add_if(find, rtd3_wakeup_lost(snap, fn),
		    RTD3_BLOCKER_SIBLING_WAKEUP, fn->name);
}

/**
 * rtd3_blockers_find - every reason why a device cannot reach D3cold
 * @snap: what is known; must outlive @list, which points to its names
 * @list: filled with the reasons: the device's, its port's and other bridges', its
 *	siblings'
 * @max: length of @list; reasons beyond it are left out. The device's own and
 *	the port's are fewer than RTD3_BLOCKERS_MAX, so what
 *	rtd3_blockers_predict() and rtd3_blockers_parties() say is right even
 *	for a list of that length which is full.
 *
 * Return: the number of reasons in @list.
 */
size_t rtd3_blockers_find(const struct rtd3_snapshot *snap,
			  struct rtd3_blocker *list, size_t max)
{
	struct rtd3_finder find = { .list = list, .max = max };
	size_t i;

	rtd3_find_own(&find, snap);
	if (!snap->port.present)
		return find.nr;
	if (snap->has_pr3) {
		rtd3_add_if(&find, rtd3_loses_card(&snap->port),
			    RTD3_BLOCKER_PORT_NO_PME, snap->port.name);
		return find.nr;
	}

	rtd3_find_ports(&find, snap);
	for (i = 0; i < rtd3_nr_siblings(snap); i++)
		rtd3_find_sibling(&find, snap, &snap->sibling[i]);

	return find.nr;
}

/**
 * rtd3_blockers_predict - the deepest state that the reasons leave
 * @list: reasons
 * @nr: how many
 *
 * Return: the minimum of what each allows; D3cold where there is none.
 */
enum rtd3_depth rtd3_blockers_predict(const struct rtd3_blocker *list,
				      size_t nr)
{
	enum rtd3_depth deepest = RTD3_POWER_D3COLD;
	size_t i;

	for (i = 0; i < nr; i++)
		if (rtd3_blocker_texts[list[i].id].allows < deepest)
			deepest = rtd3_blocker_texts[list[i].id].allows;

	return deepest;
}

/**
 * rtd3_blockers_parties - who stands against D3cold
 * @list: reasons
 * @nr: how many
 *
 * Return: RTD3_BLOCKED_BY_* of all of them; 0 where there is none.
 */
unsigned int rtd3_blockers_parties(const struct rtd3_blocker *list, size_t nr)
{
	unsigned int parties = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		parties |= rtd3_blocker_texts[list[i].id].party;

	return parties;
}

/* A text that is being written, of which @len characters fit. */
struct rtd3_text {
	char *buf;
	size_t size;
	size_t len;
};

static void rtd3_append(struct rtd3_text *text, const char *what)
{
	for (; *what && text->len + 1 < text->size; what++)
		text->buf[text->len++] = *what;
}

/**
 * rtd3_blockers_print - the reasons as text
 * @list: reasons
 * @nr: how many
 * @buf: filled with one line for each: "token device\n"
 * @size: of @buf; what does not fit is cut off
 *
 * Return: the length of the text in @buf, without the NUL that ends it.
 */
size_t rtd3_blockers_print(const struct rtd3_blocker *list, size_t nr, char *buf,
			   size_t size)
{
	struct rtd3_text text = { .buf = buf, .size = size };
	size_t i;

	if (!size)
		return 0;

	for (i = 0; i < nr; i++) {
		rtd3_append(&text, rtd3_blocker_texts[list[i].id].token);
		rtd3_append(&text, " ");
		rtd3_append(&text, list[i].device);
		rtd3_append(&text, "\n");
	}
	buf[text.len] = '\0';

	return text.len;
}
