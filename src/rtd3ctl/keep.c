// SPDX-License-Identifier: GPL-2.0-only
/* What verbs keep over a reboot, with the messages for when that does not work. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "boot.h"
#include "keep.h"
#include "out.h"
#include "run.h"
#include "sys.h"

#define KEEP_UDEV_MS	3000	/* by then udev would have looked by itself */

/*
 * One after the other: udev starts one rtd3ctl for each function of a card. Who may not
 * make the file may not write what is kept, either. Let go at the end of the program.
 */
static void keep_lock(void)
{
	char path[PATH_MAX];
	int fd;

	sys_path(path, "/run/rtd3ctl");
	sys_mkdir(path);
	sys_path(path, "/run/rtd3ctl/rules");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		flock(fd, LOCK_EX);
}

static int keep_unread(const char *file, int error)
{
	return out_error(error == -EINVAL ? CTL_FAILED : out_status(error),
			 "cannot read %s: %s: move it away, and set anew", file,
			 error == -EINVAL ? "that is no text file" : strerror(-error));
}

static int keep_unwritten(const char *file, int error)
{
	return out_error(out_status(error), "cannot write %s: %s: %s", file, strerror(-error),
			 out_status(error) == CTL_PERMISSION ? "only root may, use sudo" :
							       "make room for it");
}

/**
 * keep_load - settings that are kept
 * @rules: filled; freed with rules_free(), also after an error
 *
 * Return: 0 or an exit status, after a message.
 */
int keep_load(struct rules *rules)
{
	int ret;

	keep_lock();
	ret = rules_load(rules);

	return ret ? keep_unread(RULE_FILE, ret) : 0;
}

/* Who binds a device next wants its settings then: udev reads new rules seconds later. */
static void keep_tell_udev(void)
{
	char udevadm[PATH_MAX], control[PATH_MAX];
	const char *const argv[] = { udevadm, "control", "--reload", NULL };

	sys_path(udevadm, "/usr/bin/udevadm");
	sys_path(control, "/run/udev/control");
	if (sys_exists(udevadm) && sys_exists(control))
		run_program(argv, NULL, 0, KEEP_UDEV_MS);
}

/* Write them, and have udev read them. 0 or an exit status, after a message. */
int keep_save(const struct rules *rules)
{
	int ret = rules_save(rules);

	if (ret)
		return keep_unwritten(RULE_FILE, ret);
	keep_tell_udev();

	return 0;
}

/* Can devices be bound at boot? 0 or an exit status, after a message. */
int keep_can_bind(void)
{
	char path[PATH_MAX];

	sys_path(path, "/usr/lib/udev/rtd3-bind");
	if (sys_exists(path))
		return 0;

	return out_error(CTL_FAILED,
			 "what binds devices at boot is not installed: apt-get install rtd3-vfio-pci-dkms, or make early-install");
}

static int keep_save_boot(const char *text)
{
	int ret = boot_save(text);
	char path[PATH_MAX];

	if (ret)
		return keep_unwritten(BOOT_FILE, ret);
	sys_path(path, "/usr/sbin/update-initramfs");
	printf(BOOT_FILE " has changed: if the host's own driver is in the initramfs, run \"%s\"\n",
	       sys_exists(path) ? "update-initramfs -u" : "dracut --force");

	return 0;
}

/* What the admin has written is theirs to take out. */
static int keep_tell_named(const char *text, const struct dev *dev, size_t nr)
{
	unsigned int line;
	size_t len, i;
	int ret = 0;

	for (line = 1; *text; line++) {
		len = strcspn(text, "\n");
		for (i = 0; i < nr && !boot_names(text, len, &dev[i]); i++)
			;
		if (i < nr)
			ret = out_error(CTL_FAILED,
					"line %u of " BOOT_FILE ", \"%.*s\", still binds %s: "
					"change it by hand",
					line, (int)len, text, dev[i].bdf);
		text += len + !!text[len];
	}

	return ret;
}

/**
 * keep_bound - have devices bound at boot, or no longer
 * @dev: devices
 * @nr: how many
 * @bound: which of both
 *
 * Return: 0 or an exit status, after a message.
 */
int keep_bound(const struct dev *dev, size_t nr, bool bound)
{
	int ret, changed = 0;
	char *text;
	size_t i;

	keep_lock();
	ret = boot_load(&text);
	if (ret)
		return keep_unread(BOOT_FILE, ret);
	for (i = 0; i < nr && ret >= 0; i++) {
		ret = bound ? boot_add(&text, &dev[i]) : boot_remove(text, &dev[i]);
		changed |= ret;
	}
	if (ret < 0)
		ret = out_no_memory();
	else
		ret = changed ? keep_save_boot(text) : 0;
	if (!ret && !bound)
		ret = keep_tell_named(text, dev, nr);
	free(text);

	return ret;
}
