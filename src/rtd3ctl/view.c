// SPDX-License-Identifier: GPL-2.0-only
/* Devices as people and programs want to see them. */

#include <stdio.h>
#include <string.h>

#include "out.h"
#include "sys.h"
#include "view.h"

static const char * const view_time_files[RTD3_POWER_NR] = {
	[RTD3_POWER_D0] = "rtd3/stats/time_d0_ms",
	[RTD3_POWER_D3HOT] = "rtd3/stats/time_d3hot_ms",
	[RTD3_POWER_D3COLD] = "rtd3/stats/time_d3cold_ms",
};

void view_times(const struct dev *dev, struct view_times *times)
{
	int depth;

	memset(times, 0, sizeof(*times));
	times->known = dev->ours;
	for (depth = 0; depth < RTD3_POWER_NR; depth++) {
		times->ms[depth] = dev_number(dev, view_time_files[depth], -1);
		if (times->ms[depth] < 0)
			times->known = false;
		else
			times->total += times->ms[depth];
	}
}

/* The share of a state, in percent; 0 if nothing was counted. */
int view_percent(const struct view_times *times, enum rtd3_depth depth)
{
	return times->known && times->total ? times->ms[depth] * 100 / times->total : 0;
}

/**
 * view_stay - how long has a device been in its present state?
 * @dev: device
 *
 * The D3hot of its guest is no state of the driver's account: it is awake.
 *
 * Return: milliseconds; -1 if nothing is known.
 */
long long view_stay(const struct dev *dev)
{
	bool asleep = !strcmp(dev->runtime, "suspended");
	int depth;

	for (depth = RTD3_POWER_NR - 1; depth >= 0; depth--)
		if (!strcmp(dev->state, rtd3_power_names[depth]) && asleep == !!depth)
			return dev_number(dev, "rtd3/stats/state_ms", -1);

	return -1;
}

/* The power state, as well as it is known. */
const char *view_state(const struct dev *dev)
{
	if (*dev->state)
		return dev->state;
	return *dev->runtime ? dev->runtime : "unknown";
}

void view_duration(long long ms, char *buf, size_t size)
{
	long long s = ms / 1000;

	if (ms < 1000)
		sys_text(buf, size, "%lld ms", ms);
	else if (s < 120)
		sys_text(buf, size, "%lld s", s);
	else if (s < 7200)
		sys_text(buf, size, "%lld min", s / 60);
	else if (s < 172800)
		sys_text(buf, size, "%lld h %lld min", s / 3600, s / 60 % 60);
	else
		sys_text(buf, size, "%lld days %lld h", s / 86400, s / 3600 % 24);
}

static void view_json_words(struct json_object *to, const struct dev *dev)
{
	static const char * const words[] = {
		"policy", "limit", "predicted", "health", "health_reason", "fallback",
		"fallback_reason", "last_state", "last_wake", "promote", "guest_state", "mmio",
	};
	char path[64], value[SYS_TEXT];
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		sys_text(path, sizeof(path), "rtd3/%s", words[i]);
		if (dev_attr(dev, path, value, sizeof(value)) > 0)
			out_put(to, words[i], value);
	}
}

static struct json_object *view_json_stats(const struct dev *dev)
{
	struct json_object *stats = json_object_new_object();
	char path[PATH_MAX], attr[PATH_MAX];
	char **names = NULL, **name;
	long long value;

	if (!sys_text(path, sizeof(path), "%s/rtd3/stats", dev->dir))
		names = sys_list(path);
	for (name = names; name && *name; name++) {
		if (sys_text(attr, sizeof(attr), "rtd3/stats/%s", *name))
			continue;
		value = dev_number(dev, attr, -1);
		if (value >= 0)
			out_put_number(stats, *name, value);
	}
	sys_list_free(names);

	return stats;
}

/**
 * view_device_json - all that is known about a device and wakes nobody
 * @dev: device
 *
 * Return: an object that the caller puts somewhere or frees.
 */
struct json_object *view_device_json(const struct dev *dev)
{
	struct json_object *to = json_object_new_object();
	long long ms;
	char ids[32];

	out_put(to, "address", dev->bdf);
	sys_text(ids, sizeof(ids), "%04x:%04x", dev->vendor, dev->device);
	out_put(to, "ids", ids);
	out_put(to, "name", dev_name(dev));
	out_put(to, "class", dev_kind(dev));
	out_put(to, "driver", dev->driver);
	out_put(to, "iommu_group", dev->group);
	out_put_bool(to, "managed", dev->ours);
	out_put_bool(to, "pr3", dev->pr3);
	out_put(to, "state", view_state(dev));
	ms = view_stay(dev);
	if (ms >= 0)
		out_put_number(to, "state_ms", ms);
	out_put(to, "runtime_status", dev->runtime);
	out_put(to, "control", dev->control);
	if (dev->ours) {
		view_json_words(to, dev);
		json_object_object_add(to, "stats", view_json_stats(dev));
	}

	return to;
}

/**
 * view_set_json - a power set
 * @set: power set
 *
 * Return: an array: the port first, each bridge before what is below it.
 */
struct json_object *view_set_json(const struct set *set)
{
	struct json_object *list = json_object_new_array(), *one;
	size_t i;

	for (i = 0; i < set->nr; i++) {
		one = json_object_new_object();
		out_put(one, "address", set->dev[i].bdf);
		out_put(one, "name", dev_name(&set->dev[i]));
		out_put(one, "class", dev_kind(&set->dev[i]));
		out_put(one, "driver", set->dev[i].driver);
		out_put_bool(one, "bridge", dev_is_bridge(&set->dev[i]));
		out_put_bool(one, "pr3", set->dev[i].pr3);
		out_put_number(one, "level", set_level(set, &set->dev[i]));
		out_put(one, "state", view_state(&set->dev[i]));
		json_object_array_add(list, one);
	}

	return list;
}

/**
 * view_tree - a power set as a tree
 * @set: power set
 * @self: marked in it; may be NULL
 * @indent: before each line
 */
void view_tree(const struct set *set, const struct dev *self, const char *indent)
{
	const struct dev *dev;
	size_t i;

	for (i = 0; i < set->nr; i++) {
		dev = &set->dev[i];
		printf("%s%*s%s%s%s%s  %s, %s%s  %s\n", indent,
		       (int)set_level(set, dev) * 2, "", i ? "+-" : "",
		       self && !strcmp(self->bdf, dev->bdf) ? out_on(OUT_BOLD) : "", dev->bdf,
		       out_off(), *dev->driver ? dev->driver : "no driver", view_state(dev),
		       !dev->pr3 ? "" : i ? ", _PR3" : ", power is cut here (_PR3)",
		       dev_name(dev));
	}
}
