// SPDX-License-Identifier: GPL-2.0-only
/* What verbs keep over a reboot, with the messages for when that does not work. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "keep.h"
#include "out.h"
#include "sys.h"

/*
 * One after the other: udev starts one rtd3ctl for each function of a card. Who may not
 * make the file may not write the rules, either. Let go at the end of the program.
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

/**
 * keep_load - what is kept
 * @rules: filled; freed with rules_free(), also after an error
 *
 * Return: 0 or an exit status, after a message.
 */
int keep_load(struct rules *rules)
{
	int ret;

	keep_lock();
	ret = rules_load(rules);

	if (ret)
		return out_error(ret == -EINVAL ? CTL_FAILED : out_status(ret),
				 "cannot read " RULE_FILE ": %s: move it away, and set anew",
				 ret == -EINVAL ? "that is no text file" : strerror(-ret));

	return 0;
}

/* Write it. 0 or an exit status, after a message. */
int keep_save(const struct rules *rules)
{
	int ret = rules_save(rules);

	if (ret)
		return out_error(out_status(ret), "cannot write " RULE_FILE ": %s: %s",
				 strerror(-ret), out_status(ret) == CTL_PERMISSION ?
				 "only root may, use sudo" : "make room for it");

	return 0;
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
	struct rules rules;
	size_t i, gone = 0;
	int ret;

	ret = keep_load(&rules);
	for (i = 0; i < nr && !ret; i++) {
		if (!bound)
			gone += rules_forget(&rules, dev[i].bdf, RULE_BOUND);
		else if (rules_set(&rules, &dev[i], RULE_BOUND, "yes"))
			ret = out_error(CTL_FAILED, "out of memory: close something");
	}
	if (!ret && (bound || gone))
		ret = keep_save(&rules);
	rules_free(&rules);

	return ret;
}
