// SPDX-License-Identifier: GPL-2.0-only
/* rtd3ctl status: all about one device. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "remedy.h"
#include "slot.h"
#include "sys.h"
#include "verb.h"
#include "view.h"

struct status_args {
	const char *bdf;
	bool json;
};

static const struct argp_option status_options[] = {
	{ .name = "json", .key = 'j', .doc = "As JSON" },
	{ }
};

static error_t status_parse(int key, char *arg, struct argp_state *state)
{
	struct status_args *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->bdf)
			return out_error(CTL_USAGE,
					 "status takes one device: rtd3ctl list shows all");
		args->bdf = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return out_error(CTL_USAGE, "status of which device? rtd3ctl list shows them");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp status_argp = {
	.options = status_options,
	.parser = status_parse,
	.args_doc = "DEVICE",
	.doc = "Show all about one device: state, for how long, who woke it, its health, what "
	       "stands against D3cold, and what loses power with it. It is not woken for this.",
};

static void status_word(const struct dev *dev, const char *name, const char *attr)
{
	char value[SYS_TEXT];

	if (dev_attr(dev, attr, value, sizeof(value)) > 0)
		printf("  %-12s %s\n", name, value);
}

static void status_state(const struct dev *dev)
{
	char duration[64];
	long long ms = view_stay(dev);

	printf("  %-12s %s", "state", view_state(dev));
	if (ms >= 0) {
		view_duration(ms, duration, sizeof(duration));
		printf(", for %s", duration);
	}
	putchar('\n');
}

static void status_times(const struct dev *dev)
{
	struct view_times times;
	char duration[64];
	int depth;

	view_times(dev, &times);
	if (!times.known)
		return;
	printf("  %-12s", "time");
	for (depth = RTD3_POWER_NR; depth--;) {
		view_duration(times.ms[depth], duration, sizeof(duration));
		printf(" %s %s (%d%%)%s", rtd3_power_names[depth], duration,
		       view_percent(&times, depth), depth ? "," : "\n");
	}
}

static void status_wakes(const struct dev *dev)
{
	char attr[64];
	long long nr;
	int cause;

	printf("  %-12s %lld sleeps, %lld wakes, %lld failures", "count",
	       dev_number(dev, "rtd3/stats/suspends", 0), dev_number(dev, "rtd3/stats/resumes", 0),
	       dev_number(dev, "rtd3/stats/failures", 0));
	for (cause = RTD3_WAKE_OPEN; cause < RTD3_WAKE_NR; cause++) {
		sys_text(attr, sizeof(attr), "rtd3/stats/wakes_%s", rtd3_cause_names[cause]);
		nr = dev_number(dev, attr, 0);
		if (nr)
			printf("; %s %lld", rtd3_cause_names[cause], nr);
	}
	putchar('\n');
}

static void status_managed(const struct dev *dev)
{
	status_word(dev, "policy", "rtd3/policy");
	status_word(dev, "limit", "rtd3/limit");
	status_word(dev, "fallback", "rtd3/fallback");
	status_times(dev);
	status_wakes(dev);
	status_word(dev, "last wake", "rtd3/last_wake");
	status_word(dev, "health", "rtd3/health");
	status_word(dev, "reason", "rtd3/health_reason");
	status_word(dev, "guest", "rtd3/guest_state");
}

static void status_blockers(const struct snap *snap)
{
	char command[SYS_TEXT];
	size_t i;

	printf("  %-12s %s\n", "can reach", rtd3_power_names[snap->predicted]);
	for (i = 0; i < snap->nr; i++) {
		printf("    %s%s%s %s: %s\n", out_on(OUT_YELLOW),
		       rtd3_blocker_texts[snap->list[i].id].token, out_off(),
		       snap->list[i].device, remedy_means(snap->list[i].id));
		remedy_command(&snap->list[i], command, sizeof(command));
		if (*command)
			printf("        # %s\n", command);
		else
			printf("        %s\n", remedy_advice(snap->list[i].id));
	}
	for (i = 0; i < snap->nr_unknown; i++)
		printf("    %sunknown%s %s: %s: %s\n", out_on(OUT_BLUE), out_off(),
		       snap->unknown[i].device, snap->unknown[i].fact, snap->unknown[i].why);
}

/* Not said of one that sleeps. It is no defect that it is slow: GPUs that idle are. */
static void status_link(const struct dev *dev, const struct set *set)
{
	struct slot slot;

	if (slot_load(&slot, dev, set))
		printf("  %-12s x%ld at %.1f GT/s; both ends can x%ld at %.1f GT/s; slot of %s\n",
		       "link", slot.width, slot.speed / 1e3, slot.max_width, slot.max_speed / 1e3,
		       slot.port);
}

static void status_text(const struct dev *dev, const struct set *set, const struct snap *snap)
{
	printf("%s%s%s %s [%04x:%04x]\n", out_on(OUT_BOLD), dev->bdf, out_off(), dev_name(dev),
	       dev->vendor, dev->device);
	printf("  %-12s %s\n", "driver", *dev->driver ? dev->driver : "none");
	status_state(dev);
	if (dev->ours)
		status_managed(dev);
	else
		printf("  %-12s rtd3_vfio_pci has not got it: rtd3ctl bind %s\n", "policy",
		       dev->bdf);
	status_link(dev, set);
	status_blockers(snap);
	puts("  loses power with");
	view_tree(set, dev, "    ");
	puts("No device was woken for this.");
}

static struct json_object *status_blockers_json(const struct snap *snap)
{
	struct json_object *list = json_object_new_array(), *one;
	char command[SYS_TEXT];
	size_t i;

	for (i = 0; i < snap->nr; i++) {
		one = json_object_new_object();
		out_put(one, "id", rtd3_blocker_texts[snap->list[i].id].token);
		out_put(one, "device", snap->list[i].device);
		out_put(one, "means", remedy_means(snap->list[i].id));
		out_put(one, "remedy", remedy_advice(snap->list[i].id));
		remedy_command(&snap->list[i], command, sizeof(command));
		out_put(one, "command", command);
		json_object_array_add(list, one);
	}

	return list;
}

static void status_link_json(struct json_object *to, const struct dev *dev,
			     const struct set *set)
{
	struct json_object *link;
	struct slot slot;

	if (!slot_load(&slot, dev, set))
		return;
	link = json_object_new_object();
	out_put(link, "port", slot.port);
	out_put_number(link, "width", slot.width);
	out_put_number(link, "speed_mts", slot.speed);
	out_put_number(link, "max_width", slot.max_width);
	out_put_number(link, "max_speed_mts", slot.max_speed);
	json_object_object_add(to, "link", link);
}

static struct json_object *status_unknown_json(const struct snap *snap)
{
	struct json_object *list = json_object_new_array(), *one;
	size_t i;

	for (i = 0; i < snap->nr_unknown; i++) {
		one = json_object_new_object();
		out_put(one, "device", snap->unknown[i].device);
		out_put(one, "fact", snap->unknown[i].fact);
		out_put(one, "why", snap->unknown[i].why);
		json_object_array_add(list, one);
	}

	return list;
}

static void status_json(const struct dev *dev, const struct set *set, const struct snap *snap)
{
	struct json_object *json = out_json(), *device = view_device_json(dev);

	out_put(device, "predicted", rtd3_power_names[snap->predicted]);
	status_link_json(device, dev, set);
	json_object_object_add(device, "blockers", status_blockers_json(snap));
	json_object_object_add(device, "unknown", status_unknown_json(snap));
	json_object_object_add(device, "power_set", view_set_json(set));
	json_object_object_add(json, "device", device);
	out_print_json(json);
}

int cmd_status(int argc, char **argv)
{
	struct status_args args = { };
	struct snap *snap;
	struct dev dev;
	struct set set;
	int ret;

	ret = verb_parse(&status_argp, argc, argv, 0, NULL, &args);
	if (!ret)
		ret = verb_device(args.bdf, &dev);
	if (ret)
		return ret;

	snap = malloc(sizeof(*snap));
	if (!snap || set_load(&set, &dev)) {
		free(snap);
		return out_no_memory();
	}
	snap_take(snap, &dev, &set);
	if (args.json)
		status_json(&dev, &set, snap);
	else
		status_text(&dev, &set, snap);
	set_free(&set);
	free(snap);

	return CTL_OK;
}
