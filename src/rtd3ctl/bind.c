// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which driver has a device. driver_override, which binds it to ours, may have been
 * somebody else's before: that, and the driver that had the device, is kept in
 * /run/rtd3ctl/ until the device is given back. After a reboot nothing of it is true.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "bind.h"
#include "host.h"
#include "module.h"
#include "out.h"
#include "set.h"
#include "sys.h"
#include "verb.h"

#define BIND_STATE	"/run/rtd3ctl"
#define BIND_WAIT_MS	2000	/* some drivers probe, or go, in the background */
#define BIND_POLL_MS	10

/* For argp: input is a struct bind_args. */
error_t bind_parse(int key, char *arg, struct argp_state *state)
{
	struct bind_args *args = state->input;

	switch (key) {
	case 'o':
		args->only = true;
		return 0;
	case 'f':
		args->force = true;
		return 0;
	case 'n':
		args->dry = true;
		return 0;
	case 'p':
		args->persist = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->nr == BIND_ARGS)
			return out_error(CTL_USAGE, "too many devices: use several commands");
		args->bdf[args->nr++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return out_error(CTL_USAGE, "%s", args->missing);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* One at a time; let go at the end of the program. */
int bind_lock(void)
{
	char path[PATH_MAX];
	int fd, ret;

	sys_path(path, BIND_STATE "/override");
	ret = sys_mkdir(path);
	if (ret)
		return out_error(out_status(ret), "cannot make " BIND_STATE ": %s%s",
				 strerror(-ret),
				 out_status(ret) == CTL_PERMISSION ? ": use sudo" : "");
	sys_path(path, BIND_STATE "/lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return out_error(out_status(-errno), "cannot open %s: %s: use sudo", path,
				 strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB))
		return out_error(CTL_REFUSED, "another rtd3ctl binds or tests: wait for it");

	return 0;
}

static bool bind_has(const struct bind_list *list, const char *bdf)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (!strcmp(list->dev[i].bdf, bdf))
			return true;

	return false;
}

static int bind_add(struct bind_list *list, const struct dev *dev)
{
	struct dev *more;

	if (dev_is_bridge(dev) || bind_has(list, dev->bdf))
		return 0;
	more = realloc(list->dev, (list->nr + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	list->dev = more;
	more[list->nr++] = *dev;

	return 0;
}

static int bind_add_set(struct bind_list *list, const struct dev *dev)
{
	struct set set;
	int ret;
	size_t i;

	ret = set_load(&set, dev);
	for (i = 0; i < set.nr && !ret; i++)
		ret = bind_add(list, &set.dev[i]);
	set_free(&set);

	return ret;
}

/**
 * bind_list - what is meant by addresses on the command line
 * @list: filled; freed with bind_list_free(), also after an error
 * @bdf: addresses
 * @nr: how many
 * @only: these alone, and not what loses power with them
 *
 * Return: 0 or an exit status, after a message.
 */
int bind_list(struct bind_list *list, char * const *bdf, unsigned int nr, bool only)
{
	struct dev dev;
	unsigned int i;
	int ret = 0;

	memset(list, 0, sizeof(*list));
	for (i = 0; i < nr; i++) {
		ret = verb_device(bdf[i], &dev);
		if (ret)
			return ret;
		if (dev_is_bridge(&dev))
			return out_error(CTL_USAGE,
					 "%s is a bridge: name a device below it, see rtd3ctl status %s",
					 dev.bdf, dev.bdf);
		ret = only ? bind_add(list, &dev) : bind_add_set(list, &dev);
		if (ret)
			return out_no_memory();
	}

	return 0;
}

void bind_list_free(struct bind_list *list)
{
	free(list->dev);
	memset(list, 0, sizeof(*list));
}

static void bind_override(const struct dev *dev, char *override)
{
	dev_attr(dev, "driver_override", override, DEV_WORD);
	if (!strcmp(override, "(null)"))
		*override = '\0';
}

/* Has ours it, and would have it again after a rescan? */
bool bind_is_done(const struct dev *dev)
{
	char override[DEV_WORD];

	bind_override(dev, override);

	return !strcmp(dev->driver, DEV_DRIVER) && !strcmp(override, DEV_DRIVER);
}

static void bind_state_path(const struct dev *dev, char *path)
{
	sys_path(path, BIND_STATE "/override/%s", dev->bdf);
}

bool bind_is_saved(const struct dev *dev)
{
	char path[PATH_MAX];

	bind_state_path(dev, path);

	return sys_exists(path);
}

/* Take "name=" off a line of the state. */
static void bind_state_word(const char *text, const char *name, char *word)
{
	const char *at = strstr(text, name);

	*word = '\0';
	if (at)
		sys_text(word, DEV_WORD, "%.*s", (int)strcspn(at + strlen(name), "\n"),
			 at + strlen(name));
}

/**
 * bind_before - how a device was before it was bound
 * @dev: device
 * @override: its driver_override, DEV_WORD bytes; empty if it had none
 * @driver: its driver, DEV_WORD bytes; empty if it had none
 */
void bind_before(const struct dev *dev, char *override, char *driver)
{
	char path[PATH_MAX], text[SYS_TEXT];

	bind_state_path(dev, path);
	sys_read(path, text, sizeof(text));
	bind_state_word(text, "override=", override);
	bind_state_word(text, "driver=", driver);
}

/* What is kept already is how it was before: a second bind does not change that. */
static int bind_save(const struct dev *dev)
{
	char path[PATH_MAX], text[4 * DEV_WORD], override[DEV_WORD];

	if (bind_is_saved(dev))
		return 0;
	bind_override(dev, override);
	/* Bound by other means: there is nothing to go back to. */
	if (!strcmp(override, DEV_DRIVER))
		*override = '\0';
	bind_state_path(dev, path);
	sys_text(text, sizeof(text), "override=%s\ndriver=%s\n", override,
		 strcmp(dev->driver, DEV_DRIVER) ? dev->driver : "");

	return sys_replace(path, text);
}

static void bind_forget(const struct dev *dev)
{
	char path[PATH_MAX];

	bind_state_path(dev, path);
	unlink(path);
}

/* Wait until a driver has the device; "" stands for none. */
static bool bind_wait(const struct dev *dev, const char *driver)
{
	const struct timespec poll = { .tv_nsec = BIND_POLL_MS * 1000000L };
	char path[PATH_MAX], now[DEV_WORD];
	int waited;

	if (sys_text(path, sizeof(path), "%s/driver", dev->dir))
		return false;
	for (waited = 0; waited < BIND_WAIT_MS; waited += BIND_POLL_MS) {
		sys_link(path, now, sizeof(now));
		if (!strcmp(now, driver))
			return true;
		nanosleep(&poll, NULL);
	}

	return false;
}

static int bind_release(const struct dev *dev)
{
	char path[PATH_MAX], now[DEV_WORD];
	int ret;

	if (sys_text(path, sizeof(path), "%s/driver", dev->dir) ||
	    sys_link(path, now, sizeof(now)))
		return 0;
	ret = dev_set_attr(dev, "driver/unbind", dev->bdf);
	if (ret)
		return ret;

	return bind_wait(dev, "") ? 0 : -EBUSY;
}

static int bind_probe(const struct dev *dev)
{
	char path[PATH_MAX];

	sys_path(path, "/sys/bus/pci/drivers_probe");

	return sys_write(path, dev->bdf);
}

/* As it was before: its driver_override, and a driver that the kernel finds for it. */
static int bind_restore(const struct dev *dev, const char *override)
{
	char text[DEV_WORD + 1];
	int ret, probed;

	sys_text(text, sizeof(text), "%s\n", override);
	ret = dev_set_attr(dev, "driver_override", text);
	if (!ret)
		ret = bind_release(dev);
	if (ret)
		return ret;
	/* That no driver wants it is no error: nobody may have had it before. */
	probed = bind_probe(dev);

	return probed == -EACCES || probed == -EPERM ? probed : 0;
}

/**
 * bind_module - have the driver loaded
 *
 * Return: 0 or an exit status, after a message.
 */
int bind_module(void)
{
	char path[PATH_MAX];
	int ret;

	sys_path(path, "/sys/module/%s", DEV_DRIVER);
	if (sys_exists(path))
		return 0;
	ret = module_insert(DEV_DRIVER);
	if (!ret)
		return 0;
	if (ret == -ENOENT)
		return out_error(CTL_FAILED,
				 DEV_DRIVER " is not installed for %s: make dkms-install",
				 host_release());

	return out_error(out_status(ret), DEV_DRIVER " cannot be loaded: %s: rtd3ctl doctor",
			 strerror(-ret));
}

/**
 * bind_take - give a device to our driver
 * @dev: device
 *
 * After an error it is as it was before.
 *
 * Return: 0 or a negative error.
 */
int bind_take(const struct dev *dev)
{
	char override[DEV_WORD], driver[DEV_WORD];
	bool saved = bind_is_saved(dev);
	int ret;

	ret = bind_save(dev);
	if (ret)
		return ret;
	ret = dev_set_attr(dev, "driver_override", DEV_DRIVER);
	if (!ret && strcmp(dev->driver, DEV_DRIVER)) {
		ret = bind_release(dev);
		if (!ret)
			ret = bind_probe(dev);
		if (!ret && !bind_wait(dev, DEV_DRIVER))
			ret = -ENODEV;
	}
	if (!ret)
		return 0;
	bind_before(dev, override, driver);
	bind_restore(dev, override);
	if (!saved)
		bind_forget(dev);

	return ret;
}

/**
 * bind_give_back - give a device to the driver that had it before
 * @dev: device
 *
 * Return: 0 or a negative error.
 */
int bind_give_back(const struct dev *dev)
{
	char override[DEV_WORD], driver[DEV_WORD], now[DEV_WORD];
	int ret;

	bind_override(dev, now);
	bind_before(dev, override, driver);
	/* Somebody else has written another one meanwhile: that stays. */
	if (*now && strcmp(now, DEV_DRIVER))
		sys_text(override, sizeof(override), "%s", now);
	ret = bind_restore(dev, override);
	if (!ret)
		bind_forget(dev);
	if (!ret && *driver)
		bind_wait(dev, driver);

	return ret;
}
