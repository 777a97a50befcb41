// SPDX-License-Identifier: GPL-2.0-only
/* rtd3ctl bind: give a device, and all that loses power with it, to the driver. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "busy.h"
#include "keep.h"
#include "out.h"
#include "sys.h"
#include "verb.h"

static const struct argp_option bind_options[] = {
	{ .name = "only", .key = 'o',
	  .doc = "These devices alone, not all that loses power with them" },
	{ .name = "force", .key = 'f', .doc = "Even if that hangs, or takes the console away" },
	{ .name = "dry-run", .key = 'n', .doc = "Say what would be done, and do nothing" },
	{ .name = "persist", .key = 'p', .doc = "Bind them at each boot, too" },
	{ }
};

static const struct argp bind_argp = {
	.options = bind_options,
	.parser = bind_parse,
	.args_doc = "DEVICE...",
	.doc = "Give devices to rtd3_vfio_pci, with all that loses power with them. It lasts until "
	       "unbind or the next boot, with --persist for good.",
};

static bool bind_refuses(const struct bind_list *list, const struct dev *dev, char *why)
{
	if (!*dev->group) {
		sys_text(why, BUSY_TEXT,
			 "it has no IOMMU group, and VFIO takes none without: turn the IOMMU on, see rtd3ctl doctor");
		return true;
	}

	return busy_console(dev, why) || busy_open(dev, why) || busy_mounted(dev, why) ||
	       busy_network(dev, why) || busy_group(dev, list->dev, list->nr, why);
}

/* All are looked at before any is touched. */
static int bind_check(const struct bind_list *list, bool force)
{
	char why[BUSY_TEXT];
	int ret = 0;
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (!bind_is_done(&list->dev[i]) && bind_refuses(list, &list->dev[i], why))
			ret = out_error(CTL_REFUSED, "%s: %s%s", list->dev[i].bdf, why,
					force ? " (forced)" : ", or --force");

	return force ? 0 : ret;
}

static void bind_say(const struct dev *dev, bool dry)
{
	if (bind_is_done(dev))
		printf("%s is bound already\n", dev->bdf);
	else
		printf("%s %s from %s to %s\n", dev->bdf, dry ? "would go" : "goes",
		       *dev->driver ? dev->driver : "no driver", DEV_DRIVER);
	fflush(stdout);
}

static int bind_failed(const struct dev *dev, int error)
{
	if (out_status(error) == CTL_PERMISSION)
		return out_error(CTL_PERMISSION, "only root may bind %s: use sudo", dev->bdf);

	return out_error(CTL_FAILED, "%s cannot be bound: %s; it is as it was: dmesg may say why",
			 dev->bdf, strerror(-error));
}

static int bind_all(const struct bind_list *list, bool dry)
{
	size_t i, k;
	int ret = 0;

	/* Audio goes before the display device that it is a part of. */
	for (i = list->nr; i-- && !ret;) {
		bind_say(&list->dev[i], dry);
		if (!dry && !bind_is_done(&list->dev[i]))
			ret = bind_take(&list->dev[i]);
	}
	if (!ret)
		return 0;

	/* The set is bound as a whole, or not at all. */
	i++;
	ret = bind_failed(&list->dev[i], ret);
	for (k = i + 1; k < list->nr; k++)
		if (strcmp(list->dev[k].driver, DEV_DRIVER))
			bind_give_back(&list->dev[k]);

	return ret;
}

static int bind_run(const struct bind_args *args, const struct bind_list *list)
{
	int ret = args->persist ? keep_can_bind() : 0;

	if (!ret)
		ret = bind_check(list, args->force);
	if (!ret && !args->dry)
		ret = bind_lock();
	if (!ret && !args->dry)
		ret = bind_module();

	if (!ret)
		ret = bind_all(list, args->dry);
	if (!ret && args->persist && !args->dry)
		ret = keep_bound(list->dev, list->nr, true);

	return ret;
}

int cmd_bind(int argc, char **argv)
{
	struct bind_args args = { .missing = "bind which device? rtd3ctl list --all shows them" };
	struct bind_list list;
	int ret;

	ret = verb_parse(&bind_argp, argc, argv, 0, NULL, &args);
	if (ret)
		return ret;
	ret = bind_list(&list, args.bdf, args.nr, args.only);
	if (!ret)
		ret = bind_run(&args, &list);
	bind_list_free(&list);

	return ret;
}
