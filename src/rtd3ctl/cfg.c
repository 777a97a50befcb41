// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space. To read it through sysfs wakes a device that sleeps: so it is
 * read only where the device is awake, and never of one that this project's driver has.
 */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "cfg.h"
#include "sys.h"

#define CFG_CAPS	48	/* no list is longer than what fits into 192 bytes */
#define CFG_EXT_CAPS	480

static unsigned int cfg_word(const unsigned char *space, size_t at)
{
	return space[at] | space[at + 1] << 8;
}

static void cfg_parse_cap(const unsigned char *space, size_t at, struct cfg *cfg)
{
	unsigned int flags;

	switch (space[at]) {
	case PCI_CAP_ID_PM:
		cfg->pm = true;
		cfg->pme_d3cold = cfg_word(space, at + PCI_PM_PMC) & PCI_PM_CAP_PME_D3cold;
		break;
	case PCI_CAP_ID_EXP:
		flags = cfg_word(space, at + PCI_EXP_FLAGS);
		cfg->pcie = true;
		cfg->type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;
		if (at + PCI_EXP_SLTCAP + 1 < PCI_CFG_SPACE_SIZE && flags & PCI_EXP_FLAGS_SLOT)
			cfg->hotplug = space[at + PCI_EXP_SLTCAP] & PCI_EXP_SLTCAP_HPC;
		break;
	}
}

/**
 * cfg_parse - find the capabilities
 * @space: configuration space as it was read, which may be anything
 * @len: how much of it there is
 * @cfg: filled
 */
void cfg_parse(const unsigned char *space, size_t len, struct cfg *cfg)
{
	unsigned int steps;
	size_t at;

	memset(cfg, 0, sizeof(*cfg));
	if (len < PCI_CFG_SPACE_SIZE || !(space[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return;

	at = space[PCI_CAPABILITY_LIST] & ~3U;
	for (steps = 0; steps < CFG_CAPS && at >= PCI_STD_HEADER_SIZEOF && at < 0xfc; steps++) {
		cfg_parse_cap(space, at, cfg);
		at = space[at + PCI_CAP_LIST_NEXT] & ~3U;
	}

	at = PCI_CFG_SPACE_SIZE;
	for (steps = 0; steps < CFG_EXT_CAPS && at >= PCI_CFG_SPACE_SIZE && at + 4 <= len;
	     steps++) {
		cfg->ats |= cfg_word(space, at) == PCI_EXT_CAP_ID_ATS;
		at = cfg_word(space, at + 2) >> 4 & ~3U;
	}
}

/**
 * cfg_read - the capabilities of a device that is awake
 * @dev: device
 * @cfg: filled
 *
 * Return: NULL, or why they are unknown.
 */
const char *cfg_read(const struct dev *dev, struct cfg *cfg)
{
	unsigned char space[CFG_SIZE];
	char path[PATH_MAX], runtime[DEV_WORD];
	ssize_t len;
	int fd;

	memset(cfg, 0, sizeof(*cfg));
	if (dev_is_vfio_driver(dev->driver))
		return "the device may be asleep, and is not woken for this";
	/* Now, not when the device was looked at first. */
	dev_attr(dev, "power/runtime_status", runtime, sizeof(runtime));
	if (strcmp(runtime, "active"))
		return "the device sleeps, and is not woken for this";
	if (sys_text(path, sizeof(path), "%s/config", dev->dir))
		return "its path is too long";
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return "its configuration space cannot be read";
	len = pread(fd, space, sizeof(space), 0);
	close(fd);
	if (len < PCI_CFG_SPACE_SIZE)
		return "only root sees its capabilities";
	cfg_parse(space, len, cfg);

	return NULL;
}

/* The kinds of bridge that the PCI core may put to sleep. */
bool cfg_is_port(const struct cfg *cfg)
{
	return cfg->pcie && (cfg->type == PCI_EXP_TYPE_ROOT_PORT ||
			     cfg->type == PCI_EXP_TYPE_UPSTREAM ||
			     cfg->type == PCI_EXP_TYPE_DOWNSTREAM);
}
