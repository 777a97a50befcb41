// SPDX-License-Identifier: GPL-2.0-only
/* doctor's look at a device and its power set. */

#include <stdlib.h>
#include <string.h>

#include "busy.h"
#include "cfg.h"
#include "check.h"
#include "host.h"
#include "module.h"
#include "out.h"
#include "remedy.h"
#include "snap.h"
#include "sys.h"
#include "view.h"

#define CHECK_TABLE_MAX	(4 << 20)

static void check_blockers(FILE *out, const struct dev *dev, const struct snap *snap)
{
	static const enum check_status by_weight[] = {
		[REMEDY_PASSING] = CHECK_WARN,
		[REMEDY_BIND] = CHECK_WARN,
		[REMEDY_COMMAND] = CHECK_FAIL,
		[REMEDY_NONE] = CHECK_FAIL,
	};
	const struct rtd3_blocker *blocker;
	const struct rtd3_blocker_text *text;
	char command[SYS_TEXT];
	size_t i;

	for (i = 0; i < snap->nr; i++) {
		blocker = &snap->list[i];
		text = &rtd3_blocker_texts[blocker->id];
		remedy_command(blocker, command, sizeof(command));
		/* Before it is bound the whole set is bound at once. */
		if (!snap->from_driver && remedy_weight(blocker->id) == REMEDY_BIND)
			sys_text(command, sizeof(command), "rtd3ctl bind %s", dev->bdf);
		check_say(out, text->token, dev->bdf, by_weight[remedy_weight(blocker->id)],
			  command, "%s: %s%s%s", blocker->device, remedy_means(blocker->id),
			  *command ? "" : ": ", *command ? "" : remedy_advice(blocker->id));
	}
	for (i = 0; i < snap->nr_unknown; i++)
		check_say(out, snap->unknown[i].fact, dev->bdf, CHECK_UNKNOWN, NULL, "%s: %s",
			  snap->unknown[i].device, snap->unknown[i].why);
}

static void check_verdict(FILE *out, const struct dev *dev, const struct snap *snap)
{
	const char *depth = rtd3_power_names[snap->predicted];
	char bind[64];
	bool cured = true;
	size_t i;

	for (i = 0; i < snap->nr; i++)
		cured = cured && remedy_weight(snap->list[i].id) < REMEDY_COMMAND;
	sys_text(bind, sizeof(bind), "rtd3ctl bind %s", dev->bdf);
	if (snap->predicted == RTD3_POWER_D3COLD)
		check_say(out, "depth", dev->bdf, CHECK_PASS, dev->ours ? NULL : bind, "%s",
			  dev->ours ? "it can reach D3cold" : "nothing stands against D3cold");
	else if (cured && !dev->ours)
		check_say(out, "depth", dev->bdf, CHECK_WARN, bind,
			  "it can reach D3cold once all of its power set are bound");
	else
		check_say(out, "depth", dev->bdf, cured ? CHECK_WARN : CHECK_FAIL, NULL,
			  "it gets no deeper than %s now", depth);
}

static void check_port(FILE *out, const struct dev *dev, const struct set *set)
{
	if (set->port.pr3)
		check_say(out, "power-port", dev->bdf, CHECK_PASS, NULL,
			  "its power is cut at %s%s", set->port.bdf,
			  set->has_port ? "" : ", by itself");
}

/* Does any table of the firmware know this property? -1: they cannot be read. */
static int check_tables_have(const char *name)
{
	char path[PATH_MAX];
	char **tables, **table;
	int found = -1;
	char *data;
	size_t len;

	sys_path(path, "/sys/firmware/acpi/tables");
	tables = sys_list(path);
	for (table = tables; table && *table && found < 1; table++) {
		if (strncmp(*table, "DSDT", 4) && strncmp(*table, "SSDT", 4))
			continue;
		sys_path(path, "/sys/firmware/acpi/tables/%s", *table);
		data = sys_slurp(path, CHECK_TABLE_MAX, &len);
		if (data)
			found = !!memmem(data, len, name, strlen(name));
		free(data);
	}
	sys_list_free(tables);

	return found;
}

static void check_hotplug(FILE *out, const struct dev *dev, const struct set *set)
{
	static const char property[] = "HotPlugSupportInD3";
	const char *slot = NULL;
	int known;
	size_t i;

	for (i = 0; i < set->nr && !slot; i++)
		if (dev_is_bridge(&set->dev[i]) && snap_is_hotplug(&set->dev[i]))
			slot = set->dev[i].bdf;
	if (!slot) {
		check_say(out, "hot-plug", dev->bdf, CHECK_PASS, NULL, "it is in no hot-plug slot");
		return;
	}
	known = check_tables_have(property);
	check_say(out, "hot-plug", dev->bdf, known < 0 ? CHECK_UNKNOWN : CHECK_WARN, NULL,
		  "%s is a hot-plug slot, which sleeps only where the firmware says %s: %s", slot,
		  property, known < 0 ? "only root sees whether it does" :
		  known ? "it does so for some slot" :
			  "it does so nowhere; turn hot-plug of the slot off in its setup");
}

static void check_ats(FILE *out, const struct dev *dev)
{
	const char *why;
	struct cfg cfg;

	if (host_kernel() >= HOST_VERSION(7, 2, 12) || host_cmdline_has("pci=noats"))
		return;
	why = cfg_read(dev, &cfg);
	/* Of one that it has the driver says so itself, when it matters. */
	if (dev->ours)
		return;
	if (why)
		check_say(out, "ats", dev->bdf, CHECK_UNKNOWN, NULL, "whether it has ATS: %s", why);
	else if (cfg.ats)
		check_say(out, "ats", dev->bdf, CHECK_WARN, NULL,
			  "it has ATS: on kernels before 7.2.12 it stays awake while a VM has it; update the kernel, or boot with pci=noats");
	else
		check_say(out, "ats", dev->bdf, CHECK_PASS, NULL, "it has no ATS");
}

static void check_early(FILE *out, const struct dev *dev)
{
	char value[MODULE_OPTION], ids[16];

	sys_text(ids, sizeof(ids), "%04x:%04x", dev->vendor, dev->device);
	if (module_option("vfio_pci", "ids=", value) && strcasestr(value, ids))
		check_say(out, "early-binding", dev->bdf, CHECK_WARN,
			  "grep -rn 'vfio.pci.*ids=' /etc/modprobe.d",
			  "modprobe.d gives %s to vfio-pci, which may have it before rtd3_vfio_pci: take it out there",
			  ids);
	else if (host_cmdline_has("vfio-pci.ids=") || host_cmdline_has("vfio_pci.ids="))
		check_say(out, "early-binding", dev->bdf, CHECK_WARN, NULL,
			  "vfio-pci.ids= is on the kernel's command line: if it names %s, take it out",
			  ids);
}

static void check_group(FILE *out, const struct dev *dev, const struct set *set)
{
	char why[BUSY_TEXT];

	if (!*dev->group)
		check_say(out, "iommu-group", dev->bdf, CHECK_FAIL, NULL,
			  "it has no IOMMU group: VFIO takes no device without");
	else if (busy_group(dev, set->dev, set->nr, why))
		check_say(out, "iommu-group", dev->bdf, CHECK_WARN, NULL, "%s", why);
	else
		check_say(out, "iommu-group", dev->bdf, CHECK_PASS, NULL,
			  "nobody else is in its IOMMU group, %s", dev->group);
}

static void check_busy(FILE *out, const struct dev *dev, const struct set *set)
{
	char why[BUSY_TEXT];
	size_t i;

	if (busy_console(dev, why))
		check_say(out, "console", dev->bdf, CHECK_WARN, NULL, "%s", why);
	for (i = 0; i < set->nr; i++)
		if (busy_open(&set->dev[i], why) && !set->dev[i].ours)
			check_say(out, "open", dev->bdf, CHECK_WARN, NULL, "%s: %s",
				  set->dev[i].bdf, why);
}

/* What the driver has seen: a health that is not ok, and somebody who wakes it. */
static void check_driver(FILE *out, const struct dev *dev)
{
	char health[DEV_WORD], reason[DEV_WORD], wake[DEV_WORD];

	dev_attr(dev, "rtd3/health", health, sizeof(health));
	dev_attr(dev, "rtd3/health_reason", reason, sizeof(reason));
	dev_attr(dev, "rtd3/last_wake", wake, sizeof(wake));
	if (!strcmp(health, "ok"))
		check_say(out, "health", dev->bdf, CHECK_PASS, NULL, "it works");
	else
		check_say(out, "health", dev->bdf,
			  strcmp(health, "failed") ? CHECK_WARN : CHECK_FAIL, NULL,
			  "its health is %s: %s", health, reason);
	if (!strncmp(wake, "host ", 5))
		check_say(out, "wakes", dev->bdf, CHECK_WARN, NULL,
			  "%s woke it the last time, and all on the host have done so %lld times: if that goes on, stop it",
			  wake + 5, dev_number(dev, "rtd3/stats/wakes_host", 0));
}

static void check_put_device(FILE *out, const struct dev *dev, const struct set *set)
{
	struct json_object *line = json_object_new_object(), *device = view_device_json(dev);

	json_object_object_add(device, "power_set", view_set_json(set));
	json_object_object_add(line, "device", device);
	fprintf(out, "%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	fflush(out);
	json_object_put(line);
}

/**
 * check_device - all there is to say about a device
 * @out: where to
 * @dev: device
 */
void check_device(FILE *out, const struct dev *dev)
{
	struct snap *snap = malloc(sizeof(*snap));
	struct set set;

	if (set_load(&set, dev) || !snap) {
		free(snap);
		set_free(&set);
		return;
	}
	check_put_device(out, dev, &set);
	snap_take(snap, dev, &set);
	check_verdict(out, dev, snap);
	check_port(out, dev, &set);
	check_blockers(out, dev, snap);
	check_hotplug(out, dev, &set);
	check_ats(out, dev);
	check_group(out, dev, &set);
	if (dev->ours) {
		check_driver(out, dev);
	} else {
		check_early(out, dev);
		check_busy(out, dev, &set);
	}
	set_free(&set);
	free(snap);
}
