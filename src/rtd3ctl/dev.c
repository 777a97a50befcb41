// SPDX-License-Identifier: GPL-2.0-only
/* A PCI device as sysfs shows it. dev.h says what is not read, and why. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pci/pci.h>

#include "dev.h"
#include "sys.h"

/* Up to @max hexadecimal digits, then @end; NULL if it is something else. */
static const char *dev_hex(const char *text, size_t max, char end, unsigned int *value)
{
	size_t len = 0;

	for (*value = 0; isxdigit((unsigned char)text[len]); len++) {
		if (len == max)
			return NULL;
		*value = *value * 16 + (isdigit((unsigned char)text[len]) ? text[len] - '0' :
					(text[len] | 0x20) - 'a' + 10);
	}

	return len && text[len] == end ? text + len + !!end : NULL;
}

/**
 * dev_parse_bdf - the address of a PCI device
 * @text: as lspci writes it: 01:00.0, 0000:01:00.0
 * @bdf: DEV_BDF bytes, filled with the address as sysfs writes it
 *
 * Return: 0 or -EINVAL.
 */
int dev_parse_bdf(const char *text, char *bdf)
{
	unsigned int domain = 0, bus, slot, function;
	const char *rest = text;

	if (strchr(text, ':') != strrchr(text, ':'))
		rest = dev_hex(text, 8, ':', &domain);
	if (rest)
		rest = dev_hex(rest, 2, ':', &bus);
	if (rest)
		rest = dev_hex(rest, 2, '.', &slot);
	if (rest)
		rest = dev_hex(rest, 1, '\0', &function);
	if (!rest || slot > 31 || function > 7)
		return -EINVAL;

	return sys_text(bdf, DEV_BDF, "%04x:%02x:%02x.%x", domain, bus, slot, function) ?
		-EINVAL : 0;
}

int dev_attr(const struct dev *dev, const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];

	*buf = '\0';
	if (sys_text(path, sizeof(path), "%s/%s", dev->dir, name))
		return -ENAMETOOLONG;

	return sys_read(path, buf, size);
}

long long dev_number(const struct dev *dev, const char *name, long long otherwise)
{
	char path[PATH_MAX];

	if (sys_text(path, sizeof(path), "%s/%s", dev->dir, name))
		return otherwise;

	return sys_read_number(path, otherwise);
}

int dev_set_attr(const struct dev *dev, const char *name, const char *text)
{
	char path[PATH_MAX];

	if (sys_text(path, sizeof(path), "%s/%s", dev->dir, name))
		return -ENAMETOOLONG;

	return sys_write(path, text);
}

bool dev_has(const struct dev *dev, const char *name)
{
	char path[PATH_MAX];

	return !sys_text(path, sizeof(path), "%s/%s", dev->dir, name) && sys_exists(path);
}

static void dev_link(const struct dev *dev, const char *name, char *buf)
{
	char path[PATH_MAX];

	*buf = '\0';
	if (!sys_text(path, sizeof(path), "%s/%s", dev->dir, name))
		sys_link(path, buf, DEV_WORD);
}

static void dev_load_power(struct dev *dev)
{
	dev_attr(dev, "power/control", dev->control, sizeof(dev->control));
	dev_attr(dev, "power/runtime_status", dev->runtime, sizeof(dev->runtime));
	dev_attr(dev, dev->ours ? "rtd3/state" : "power_state", dev->state, sizeof(dev->state));
	/* What has resources for _PR3 shows them: that is how the PCI core knows it, too. */
	dev->pr3 = dev_has(dev, "firmware_node/power_resources_D3hot");
}

/**
 * dev_load - look at a device
 * @dev: filled
 * @bdf: its address, as dev_parse_bdf() writes it
 *
 * Return: 0, or -ENODEV if there is none.
 */
int dev_load(struct dev *dev, const char *bdf)
{
	char path[PATH_MAX];

	memset(dev, 0, sizeof(*dev));
	if (sys_text(dev->bdf, sizeof(dev->bdf), "%s", bdf) ||
	    sys_path(path, "/sys/bus/pci/devices/%s", bdf) || !realpath(path, dev->dir))
		return -ENODEV;

	dev->vendor = dev_number(dev, "vendor", 0xffff);
	dev->device = dev_number(dev, "device", 0xffff);
	dev->subvendor = dev_number(dev, "subsystem_vendor", 0);
	dev->subdevice = dev_number(dev, "subsystem_device", 0);
	dev->class = dev_number(dev, "class", 0);
	dev_link(dev, "driver", dev->driver);
	dev_link(dev, "iommu_group", dev->group);
	dev->ours = !strcmp(dev->driver, DEV_DRIVER) && dev_has(dev, "rtd3");
	dev_load_power(dev);

	return 0;
}

/**
 * dev_parent - the bridge above
 * @dev: device
 * @bdf: filled with its address, of DEV_BDF bytes
 *
 * Return: false on a root bus.
 */
bool dev_parent(const struct dev *dev, char *bdf)
{
	char dir[PATH_MAX];
	char *slash;

	memcpy(dir, dev->dir, sizeof(dir));
	slash = strrchr(dir, '/');
	if (!slash)
		return false;
	*slash = '\0';
	slash = strrchr(dir, '/');

	return slash && !dev_parse_bdf(slash + 1, bdf) && !strcmp(slash + 1, bdf);
}

static int dev_append(struct dev **list, size_t *nr, const char *bdf)
{
	struct dev *more = realloc(*list, (*nr + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*list = more;
	/* One that has gone meanwhile is none. */
	if (!dev_load(&more[*nr], bdf))
		++*nr;

	return 0;
}

/**
 * dev_all - all PCI devices, by address
 * @list: an array, freed with free()
 * @nr: its length
 *
 * Return: 0 or a negative error.
 */
int dev_all(struct dev **list, size_t *nr)
{
	char path[PATH_MAX], bdf[DEV_BDF];
	char **names, **name;
	int ret = 0;

	*list = NULL;
	*nr = 0;
	sys_path(path, "/sys/bus/pci/devices");
	names = sys_list(path);
	for (name = names; name && *name && !ret; name++)
		if (!dev_parse_bdf(*name, bdf))
			ret = dev_append(list, nr, bdf);
	sys_list_free(names);

	return ret;
}

/**
 * dev_below - what is below a bridge, each before what is below that
 * @port: bridge
 * @list: an array that grows
 * @nr: its length
 *
 * Return: 0 or a negative error.
 */
int dev_below(const struct dev *port, struct dev **list, size_t *nr)
{
	char **names = sys_list(port->dir), **name;
	char bdf[DEV_BDF];
	struct dev child;
	size_t before;
	int ret = 0;

	for (name = names; name && *name && !ret; name++) {
		if (dev_parse_bdf(*name, bdf) || strcmp(*name, bdf))
			continue;
		before = *nr;
		ret = dev_append(list, nr, bdf);
		if (ret || *nr == before)
			continue;
		/* The array moves while it grows. */
		child = (*list)[before];
		if (dev_is_bridge(&child))
			ret = dev_below(&child, list, nr);
	}
	sys_list_free(names);

	return ret;
}

bool dev_is_bridge(const struct dev *dev)
{
	return dev->class >> 8 == DEV_CLASS_BRIDGE;
}

bool dev_is_display(const struct dev *dev)
{
	return dev->class >> 16 == DEV_CLASS_DISPLAY;
}

/* Drivers that leave a device to VFIO: a group can be used beside them. */
bool dev_is_vfio_driver(const char *driver)
{
	return strstr(driver, "vfio") || !strcmp(driver, "pci-stub");
}

static struct pci_access *dev_names;

/* It has nothing to say that matters more than the number it gives instead of a name. */
static void dev_names_say(char *fmt, ...)
{
	(void)fmt;
}

/* For names alone: it is never initialised, and so never looks at a device. */
static struct pci_access *dev_names_get(void)
{
	if (!dev_names) {
		dev_names = pci_alloc();
		/* pci.ids has the same names, and libpci loses memory there. */
		pci_set_param(dev_names, (char *)"hwdb.disable", (char *)"1");
		/* Only pci_init() gives it these, and it calls them all the same. */
		dev_names->warning = dev_names_say;
		dev_names->debug = dev_names_say;
	}

	return dev_names;
}

/**
 * dev_name - what pci.ids calls a device
 * @dev: device
 *
 * Return: vendor and device; valid until the next call.
 */
const char *dev_name(const struct dev *dev)
{
	static char name[256];

	return pci_lookup_name(dev_names_get(), name, sizeof(name),
			       PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
			       (int)dev->vendor, (int)dev->device);
}

/* The same of its class. */
const char *dev_kind(const struct dev *dev)
{
	static char name[128];

	return pci_lookup_name(dev_names_get(), name, sizeof(name), PCI_LOOKUP_CLASS,
			       (int)(dev->class >> 8));
}

void dev_names_free(void)
{
	if (dev_names)
		pci_cleanup(dev_names);
	dev_names = NULL;
}
