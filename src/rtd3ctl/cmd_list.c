// SPDX-License-Identifier: GPL-2.0-only
/* rtd3ctl list: devices and how they sleep. */

#include <stdio.h>
#include <stdlib.h>

#include "out.h"
#include "sys.h"
#include "verb.h"
#include "view.h"

struct list_args {
	bool all;
	bool json;
};

static const struct argp_option list_options[] = {
	{ .name = "all", .key = 'a', .doc = "All PCI devices, not only displays and the driver's" },
	{ .name = "json", .key = 'j', .doc = "As JSON" },
	{ }
};

static error_t list_parse(int key, char *arg, struct argp_state *state)
{
	struct list_args *args = state->input;

	switch (key) {
	case 'a':
		args->all = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		return out_error(CTL_USAGE, "list takes no device: rtd3ctl status %s does",
				 arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp list_argp = {
	.options = list_options,
	.parser = list_parse,
	.doc = "List display devices, and all that the driver has: how deep they sleep, for how "
	       "long, for how much of the time, and who woke them last. No device is woken for "
	       "this.",
};

static bool list_wants(const struct list_args *args, const struct dev *dev)
{
	return args->all || dev->ours || dev_is_display(dev);
}

/* One format for the head and the lines. */
#define LIST_FORMAT	"%s%-13s %-14s %-7s %-10s %-12s %6s  %-16s %-10s %s%s\n"

static void list_stay(const struct dev *dev, char *stay, size_t size)
{
	long long ms = view_stay(dev);

	if (ms < 0)
		sys_text(stay, size, "-");
	else
		view_duration(ms, stay, size);
}

static void list_line(const struct dev *dev)
{
	char policy[DEV_WORD] = "", wake[DEV_WORD] = "", health[DEV_WORD] = "", share[16] = "";
	struct view_times times;
	char stay[64];

	if (dev->ours) {
		dev_attr(dev, "rtd3/policy", policy, sizeof(policy));
		dev_attr(dev, "rtd3/last_wake", wake, sizeof(wake));
		dev_attr(dev, "rtd3/health", health, sizeof(health));
		view_times(dev, &times);
		snprintf(share, sizeof(share), "%d%%", view_percent(&times, RTD3_POWER_D3COLD));
	}
	list_stay(dev, stay, sizeof(stay));
	printf(LIST_FORMAT, "", dev->bdf, *dev->driver ? dev->driver : "-",
	       *policy ? policy : "-", view_state(dev), stay, *share ? share : "-",
	       *wake ? wake : "-", *health ? health : "-", dev_name(dev), "");
}

static void list_text(const struct list_args *args, const struct dev *dev, size_t nr)
{
	size_t i, shown = 0;

	for (i = 0; i < nr; i++) {
		if (!list_wants(args, &dev[i]))
			continue;
		if (!shown++)
			printf(LIST_FORMAT, out_on(OUT_BOLD), "DEVICE", "DRIVER", "POLICY",
			       "STATE", "FOR", "D3COLD", "LAST WAKE", "HEALTH", "NAME", out_off());
		list_line(&dev[i]);
	}
	if (!shown)
		puts("No display device, and none that rtd3_vfio_pci has: --all lists the others.");
	else
		puts("No device was woken for this.");
}

static void list_json(const struct list_args *args, const struct dev *dev, size_t nr)
{
	struct json_object *json = out_json(), *list = json_object_new_array();
	size_t i;

	for (i = 0; i < nr; i++)
		if (list_wants(args, &dev[i]))
			json_object_array_add(list, view_device_json(&dev[i]));
	json_object_object_add(json, "devices", list);
	out_print_json(json);
}

int cmd_list(int argc, char **argv)
{
	struct list_args args = { };
	struct dev *dev;
	size_t nr;
	int ret;

	ret = verb_parse(&list_argp, argc, argv, 0, NULL, &args);
	if (ret)
		return ret;
	ret = dev_all(&dev, &nr);
	if (ret)
		return out_error(CTL_FAILED, "cannot list devices: is /sys mounted?");
	if (args.json)
		list_json(&args, dev, nr);
	else
		list_text(&args, dev, nr);
	free(dev);

	return CTL_OK;
}
