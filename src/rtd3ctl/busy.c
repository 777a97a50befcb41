// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a device should not be taken from the driver that has it: the host shows its
 * console there, or somebody has it open, in which case drivers wait for that one, often
 * for ever and with the device's lock held.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "busy.h"
#include "sys.h"

#define BUSY_NODES	64
#define BUSY_NODE	64

/* Files in /dev that lead to a device. */
struct busy_nodes {
	char node[BUSY_NODES][BUSY_NODE];
	size_t nr;
};

static void busy_add(struct busy_nodes *nodes, const char *prefix, const char *name)
{
	if (nodes->nr < BUSY_NODES &&
	    !sys_text(nodes->node[nodes->nr], BUSY_NODE, "%s%s", prefix, name))
		nodes->nr++;
}

/* Each name in a folder of the device that begins so is a file in /dev. */
static void busy_add_all(struct busy_nodes *nodes, const struct dev *dev, const char *folder,
			 const char *begin, const char *prefix)
{
	char path[PATH_MAX];
	char **names = NULL, **name;

	if (!sys_text(path, sizeof(path), "%s/%s", dev->dir, folder))
		names = sys_list(path);
	for (name = names; name && *name; name++)
		if (!strncmp(*name, begin, strlen(begin)))
			busy_add(nodes, prefix, *name);
	sys_list_free(names);
}

/* Sound: who plays or records. A mixer that is open is let go when the card goes. */
static void busy_add_sound(struct busy_nodes *nodes, const struct dev *dev)
{
	char path[PATH_MAX], folder[64];
	char **names = NULL, **name;

	if (!sys_text(path, sizeof(path), "%s/sound", dev->dir))
		names = sys_list(path);
	for (name = names; name && *name; name++)
		if (!sys_text(folder, sizeof(folder), "sound/%s", *name))
			busy_add_all(nodes, dev, folder, "pcm", "/dev/snd/");
	sys_list_free(names);
}

/* NVIDIA's own driver says which of its files a card is. */
static void busy_add_nvidia(struct busy_nodes *nodes, const struct dev *dev)
{
	char path[PATH_MAX], text[SYS_TEXT], name[16];
	const char *line;
	unsigned int number;

	if (strcmp(dev->driver, "nvidia"))
		return;
	sys_path(path, "/proc/driver/nvidia/gpus/%s/information", dev->bdf);
	sys_read(path, text, sizeof(text));
	line = strstr(text, "Device Minor:");
	if (line && sscanf(line, "Device Minor: %3u", &number) == 1) {
		snprintf(name, sizeof(name), "nvidia%u", number);
		busy_add(nodes, "/dev/", name);
	}
}

static void busy_find_nodes(struct busy_nodes *nodes, const struct dev *dev)
{
	memset(nodes, 0, sizeof(*nodes));
	busy_add_all(nodes, dev, "drm", "card", "/dev/dri/");
	busy_add_all(nodes, dev, "drm", "renderD", "/dev/dri/");
	busy_add_all(nodes, dev, "graphics", "fb", "/dev/");
	busy_add_all(nodes, dev, "vfio-dev", "vfio", "/dev/vfio/devices/");
	busy_add_sound(nodes, dev);
	busy_add_nvidia(nodes, dev);
	if (dev_is_vfio_driver(dev->driver) && *dev->group)
		busy_add(nodes, "/dev/vfio/", dev->group);
}

static const char *busy_is_node(const struct busy_nodes *nodes, const char *target)
{
	size_t i;

	for (i = 0; i < nodes->nr; i++)
		if (!strcmp(nodes->node[i], target))
			return nodes->node[i];

	return NULL;
}

static const char *busy_process(const struct busy_nodes *nodes, const char *pid)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *found = NULL;
	char **fds, **fd;
	ssize_t len;

	sys_path(path, "/proc/%s/fd", pid);
	fds = sys_list(path);
	for (fd = fds; fd && *fd && !found; fd++) {
		sys_path(path, "/proc/%s/fd/%s", pid, *fd);
		len = readlink(path, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		found = busy_is_node(nodes, target);
	}
	sys_list_free(fds);

	return found;
}

/**
 * busy_open - has a process the device open?
 * @dev: device
 * @why: filled with who and what, BUSY_TEXT bytes
 *
 * Who is not root sees his own processes only.
 */
bool busy_open(const struct dev *dev, char *why)
{
	char path[PATH_MAX], name[64];
	struct busy_nodes nodes;
	const char *node = NULL;
	char **pids, **pid;

	busy_find_nodes(&nodes, dev);
	if (!nodes.nr)
		return false;
	sys_path(path, "/proc");
	pids = sys_list(path);
	for (pid = pids; pid && *pid && !node; pid++) {
		node = isdigit((unsigned char)**pid) ? busy_process(&nodes, *pid) : NULL;
		if (!node)
			continue;
		sys_path(path, "/proc/%s/comm", *pid);
		sys_read_word(path, name, sizeof(name));
		sys_text(why, BUSY_TEXT, "%s[%s] has %s open: end it first", name, *pid, node);
	}
	sys_list_free(pids);

	return node;
}

/* A frame buffer of the device itself, or one of the firmware's, which has no PCI device. */
static bool busy_shows(const struct dev *dev, const char *fb)
{
	char path[PATH_MAX], real[PATH_MAX], bdf[DEV_BDF];
	struct dev on = { };
	size_t len = strlen(dev->dir);

	sys_path(path, "/sys/class/graphics/%s/device", fb);
	if (!realpath(path, real))
		return true;
	if (!strncmp(real, dev->dir, len) && (!real[len] || real[len] == '/'))
		return true;
	/* Is it a child of another PCI device? */
	memcpy(on.dir, real, sizeof(on.dir));
	return !strrchr(real, '/') ||
	       (dev_parse_bdf(strrchr(real, '/') + 1, bdf) && !dev_parent(&on, bdf));
}

/**
 * busy_console - does the host show its console on the device?
 * @dev: device
 * @why: filled with why it is thought so, BUSY_TEXT bytes
 */
bool busy_console(const struct dev *dev, char *why)
{
	char path[PATH_MAX];
	char **names, **name;
	bool found = false;

	if (dev_number(dev, "boot_vga", 0) != 1 || dev_is_vfio_driver(dev->driver))
		return false;
	sys_path(path, "/sys/class/graphics");
	names = sys_list(path);
	for (name = names; name && *name && !found; name++) {
		if (strncmp(*name, "fb", 2) || !isdigit((unsigned char)(*name)[2]))
			continue;
		found = busy_shows(dev, *name);
		if (found)
			sys_text(why, BUSY_TEXT,
				 "the host's console is on it (boot VGA, %s): use another card or a serial console",
				 *name);
	}
	sys_list_free(names);

	return found;
}

/* Does a block device, or a part of one, belong to this device and is in use? */
static bool busy_block(const struct dev *dev, const char *name, const char *mounts)
{
	char path[PATH_MAX], real[PATH_MAX], source[64], *found;
	size_t len = strlen(dev->dir);

	sys_path(path, "/sys/class/block/%s", name);
	if (!realpath(path, real) || strncmp(real, dev->dir, len) || real[len] != '/' ||
	    sys_text(source, sizeof(source), "/dev/%s ", name))
		return false;
	found = strstr(mounts, source);

	return found && (found == mounts || found[-1] == '\n');
}

/**
 * busy_mounted - is a file system mounted from the device?
 * @dev: device
 * @why: filled with which one, BUSY_TEXT bytes
 */
bool busy_mounted(const struct dev *dev, char *why)
{
	char path[PATH_MAX], *mounts;
	char **names, **name;
	bool found = false;

	sys_path(path, "/proc/mounts");
	mounts = sys_slurp(path, 1 << 20, NULL);
	sys_path(path, "/sys/class/block");
	names = mounts ? sys_list(path) : NULL;
	for (name = names; name && *name && !found; name++) {
		found = busy_block(dev, *name, mounts);
		if (found)
			sys_text(why, BUSY_TEXT, "/dev/%s is mounted: unmount it first", *name);
	}
	sys_list_free(names);
	free(mounts);

	return found;
}

/**
 * busy_network - is the device a network interface that is up?
 * @dev: device
 * @why: filled with which one, BUSY_TEXT bytes
 */
bool busy_network(const struct dev *dev, char *why)
{
	char path[PATH_MAX], attr[PATH_MAX], state[DEV_WORD];
	char **names = NULL, **name;
	bool found = false;

	if (!sys_text(path, sizeof(path), "%s/net", dev->dir))
		names = sys_list(path);
	for (name = names; name && *name && !found; name++) {
		if (sys_text(attr, sizeof(attr), "net/%s/operstate", *name))
			continue;
		dev_attr(dev, attr, state, sizeof(state));
		found = !strcmp(state, "up");
		if (found)
			sys_text(why, BUSY_TEXT, "network interface %s is up: take it down first",
				 *name);
	}
	sys_list_free(names);

	return found;
}

/**
 * busy_group - does another driver have a device of the same IOMMU group?
 * @dev: device
 * @with: devices that are bound together with it
 * @nr: how many
 * @why: filled with which one, BUSY_TEXT bytes
 *
 * Nobody can open the device as long as that is so.
 */
bool busy_group(const struct dev *dev, const struct dev *with, size_t nr, char *why)
{
	char path[PATH_MAX];
	char **names, **name;
	bool found = false;
	struct dev other;
	size_t i;

	sys_path(path, "/sys/kernel/iommu_groups/%s/devices", dev->group);
	names = *dev->group ? sys_list(path) : NULL;
	for (name = names; name && *name && !found; name++) {
		if (!strcmp(*name, dev->bdf) || dev_load(&other, *name) || !*other.driver)
			continue;
		found = !dev_is_bridge(&other) && !dev_is_vfio_driver(other.driver);
		for (i = 0; i < nr; i++)
			if (!strcmp(with[i].bdf, other.bdf))
				found = false;
		if (found)
			sys_text(why, BUSY_TEXT,
				 "%s has %s of the same IOMMU group: bind that, too",
				 other.driver, other.bdf);
	}
	sys_list_free(names);

	return found;
}
