// SPDX-License-Identifier: GPL-2.0-only
/* rtd3ctl unbind: give a device back to the driver that had it before. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bind.h"
#include "busy.h"
#include "keep.h"
#include "out.h"
#include "verb.h"

static const struct argp_option unbind_options[] = {
	{ .name = "only", .key = 'o',
	  .doc = "These devices alone, not all that loses power with them" },
	{ .name = "force", .key = 'f', .doc = "Even if that hangs: it waits for who has it open" },
	{ .name = "dry-run", .key = 'n', .doc = "Say what would be done, and do nothing" },
	{ .name = "persist", .key = 'p', .doc = "Do not bind them at boot any more, either" },
	{ }
};

static const struct argp unbind_argp = {
	.options = unbind_options,
	.parser = bind_parse,
	.args_doc = "DEVICE...",
	.doc = "Give devices back to the drivers that had them before, with all that was bound "
	       "together with them.",
};

/* Ours has it, or would get it with the next rescan. */
static bool unbind_wants(const struct dev *dev)
{
	return !strcmp(dev->driver, DEV_DRIVER) || bind_is_saved(dev);
}

static int unbind_check(const struct bind_list *list, bool force)
{
	char why[BUSY_TEXT];
	int ret = 0;
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (unbind_wants(&list->dev[i]) && busy_open(&list->dev[i], why))
			ret = out_error(CTL_REFUSED, "%s: %s%s", list->dev[i].bdf, why,
					force ? " (forced)" : ", or --force");

	return force ? 0 : ret;
}

static int unbind_one(const struct dev *dev, bool dry)
{
	char override[DEV_WORD], driver[DEV_WORD];
	int ret;

	bind_before(dev, override, driver);
	printf("%s %s from %s to %s\n", dev->bdf, dry ? "would go" : "goes",
	       *dev->driver ? dev->driver : "no driver",
	       *driver ? driver : "whatever driver the kernel finds");
	fflush(stdout);
	ret = dry ? 0 : bind_give_back(dev);
	if (out_status(ret) == CTL_PERMISSION)
		return out_error(CTL_PERMISSION, "only root may unbind %s: use sudo", dev->bdf);

	return ret ? out_error(CTL_FAILED, "%s cannot be unbound: %s: rtd3ctl status %s",
			       dev->bdf, strerror(-ret), dev->bdf) : 0;
}

static int unbind_all(const struct bind_list *list, bool dry)
{
	int ret = 0, one;
	size_t i;

	/* As many as can be, also after one that cannot. */
	for (i = 0; i < list->nr; i++) {
		if (!unbind_wants(&list->dev[i])) {
			printf("%s is not bound to %s\n", list->dev[i].bdf, DEV_DRIVER);
			continue;
		}
		one = unbind_one(&list->dev[i], dry);
		ret = ret ?: one;
	}

	return ret;
}

int cmd_unbind(int argc, char **argv)
{
	struct bind_args args = { .missing = "unbind which device? rtd3ctl list shows them" };
	struct bind_list list;
	int ret;

	ret = verb_parse(&unbind_argp, argc, argv, 0, NULL, &args);
	if (ret)
		return ret;
	ret = bind_list(&list, args.bdf, args.nr, args.only);
	if (!ret)
		ret = unbind_check(&list, args.force);
	if (!ret && !args.dry)
		ret = bind_lock();
	if (!ret)
		ret = unbind_all(&list, args.dry);
	if (!ret && args.persist && !args.dry)
		ret = keep_bound(list.dev, list.nr, false);
	bind_list_free(&list);

	return ret;
}
