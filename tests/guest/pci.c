// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#include "pci.h"
#include "rig.h"
#include "tap.h"

#define SYSFS_PCI	"/sys/bus/pci/devices/"
#define CONF1_ADDR	0xcf8
#define CONF1_DATA	0xcfc

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pci_fn *)a)->name, ((const struct pci_fn *)b)->name);
}

/** pci_is_bridge() - whether something may be below it */
bool pci_is_bridge(const struct pci_fn *pf)
{
	return pf->class >> 8 == 0x0604;
}

/* Adds the functions that have a link or a folder in one of sysfs' to @fns. */
static int list(const char *path, struct pci_fn *fns, int n, int max)
{
	unsigned int dom, bus, dev, fn;
	struct dirent *e;
	DIR *d;

	d = opendir(path);
	if (!d)
		return n;
	while (n < max && (e = readdir(d))) {
		struct pci_fn *pf = &fns[n];
		char more;

		if (strlen(e->d_name) != 12 ||
		    sscanf(e->d_name, "%x:%x:%x.%x%c", &dom, &bus, &dev, &fn, &more) != 4)
			continue;
		*pf = (struct pci_fn){ .bus = bus, .dev = dev, .fn = fn };
		snprintf(pf->name, sizeof(pf->name), "%.12s", e->d_name);
		pf->vendor = pci_get_num(pf, "vendor");
		pf->device = pci_get_num(pf, "device");
		pf->class = pci_get_num(pf, "class");
		n++;
	}
	closedir(d);
	return n;
}

/* Adds what is right below a port, and then what is below that, to @fns. */
static int scan(const char *port, struct pci_fn *fns, int n, int max)
{
	char path[128];
	int first = n, end;

	snprintf(path, sizeof(path), SYSFS_PCI "%s", port);
	n = list(path, fns, n, max);
	end = n;
	for (int i = first; i < end; i++)
		if (pci_is_bridge(&fns[i]))
			n = scan(fns[i].name, fns, n, max);
	return n;
}

static int pick(const char *port, bool bridges, struct pci_fn *fns, int max)
{
	struct pci_fn all[32];
	int n = 0, nr = scan(port, all, 0, 32);

	qsort(all, nr, sizeof(*all), by_name);
	for (int i = 0; i < nr && n < max; i++)
		if (pci_is_bridge(&all[i]) == bridges)
			fns[n++] = all[i];
	return n;
}

/**
 * pci_below() - the functions below a port, however deep, in order
 * @port: name of the port
 * @fns: filled in
 * @max: room in @fns
 *
 * Reads only what the kernel has cached, so it wakes nothing.
 *
 * Return: how many were found.
 */
int pci_below(const char *port, struct pci_fn *fns, int max)
{
	return pick(port, false, fns, max);
}

/** pci_bridges_below() - pci_below() for the bridges in between */
int pci_bridges_below(const char *port, struct pci_fn *fns, int max)
{
	return pick(port, true, fns, max);
}

/**
 * pci_bound() - the functions that a driver has, in order
 * @driver: its name
 * @fns: filled in
 * @max: room in @fns
 *
 * Wakes nothing. Return: how many were found.
 */
int pci_bound(const char *driver, struct pci_fn *fns, int max)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", driver);
	max = list(path, fns, 0, max);
	qsort(fns, max, sizeof(*fns), by_name);
	return max;
}

/**
 * __pci_get() - read an attribute of a function
 * @pf: the function
 * @attr: path below its folder
 * @buf: gets the text without the newline
 * @size: of @buf
 *
 * Return: length or -errno.
 */
int __pci_get(const struct pci_fn *pf, const char *attr, char *buf, size_t size)
{
	char path[160];

	buf[0] = '\0';
	snprintf(path, sizeof(path), SYSFS_PCI "%s/%s", pf->name, attr);
	return __rig_read(path, buf, size);
}

/** pci_get() - read an attribute that must be readable; valid until the next call */
const char *pci_get(const struct pci_fn *pf, const char *attr)
{
	static char buf[256];
	int ret = __pci_get(pf, attr, buf, sizeof(buf));

	if (ret < 0)
		die("%s: read %s: %s", pf->name, attr, strerror(-ret));
	return buf;
}

/** pci_get_num() - read a number, decimal or 0x */
unsigned long long pci_get_num(const struct pci_fn *pf, const char *attr)
{
	return strtoull(pci_get(pf, attr), NULL, 0);
}

/** __pci_set() - write an attribute; 0 or -errno */
int __pci_set(const struct pci_fn *pf, const char *attr, const char *val)
{
	char path[160];

	snprintf(path, sizeof(path), SYSFS_PCI "%s/%s", pf->name, attr);
	return __rig_write(path, val);
}

/**
 * pci_wait() - wait until an attribute has a value
 * @pf: the function
 * @attr: its attribute
 * @val: the value
 * @timeout_ms: how long
 *
 * Return: whether it has.
 */
bool pci_wait(const struct pci_fn *pf, const char *attr, const char *val, long timeout_ms)
{
	uint64_t start = now_us();
	bool has;

	while (!(has = !strcmp(pci_get(pf, attr), val)) && since_ms(start) < timeout_ms)
		sleep_ms(2);
	return has;
}

/** pci_set() - write an attribute that must be writable */
void pci_set(const struct pci_fn *pf, const char *attr, const char *val)
{
	int ret = __pci_set(pf, attr, val);

	if (ret)
		die("%s: write '%s' to %s: %s", pf->name, val, attr, strerror(-ret));
}

/** pci_has() - whether a file or folder is there below the function */
bool pci_has(const struct pci_fn *pf, const char *attr)
{
	char path[160];

	snprintf(path, sizeof(path), SYSFS_PCI "%s/%s", pf->name, attr);
	return !access(path, F_OK);
}

static const char *link_name(const struct pci_fn *pf, const char *link)
{
	static char target[256];
	char path[160], *slash;
	ssize_t n;

	snprintf(path, sizeof(path), SYSFS_PCI "%s/%s", pf->name, link);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return "";
	target[n] = '\0';
	slash = strrchr(target, '/');
	return slash ? slash + 1 : target;
}

/** pci_driver() - name of the driver, "" without one; valid until the next call */
const char *pci_driver(const struct pci_fn *pf)
{
	return link_name(pf, "driver");
}

/** pci_iommu_group() - number of the IOMMU group, -1 without one */
int pci_iommu_group(const struct pci_fn *pf)
{
	const char *name = link_name(pf, "iommu_group");

	return *name ? atoi(name) : -1;
}

/**
 * __pci_bind() - bind a function to a driver by driver_override
 * @pf: the function
 * @driver: the driver's name
 *
 * Return: 0, -errno, or -ENODEV when the driver did not take it.
 */
int __pci_bind(const struct pci_fn *pf, const char *driver)
{
	int ret;

	ret = __pci_set(pf, "driver_override", driver);
	if (ret)
		return ret;
	if (*pci_driver(pf) && strcmp(pci_driver(pf), driver)) {
		ret = __pci_unbind(pf);
		if (ret)
			return ret;
	}
	ret = __rig_write("/sys/bus/pci/drivers_probe", pf->name);
	if (ret)
		return ret;
	return strcmp(pci_driver(pf), driver) ? -ENODEV : 0;
}

/** pci_bind() - __pci_bind() that must work */
void pci_bind(const struct pci_fn *pf, const char *driver)
{
	int ret = __pci_bind(pf, driver);

	if (ret)
		die("%s: bind to %s: %s", pf->name, driver, strerror(-ret));
}

/** __pci_unbind() - take a function from its driver; 0 or -errno */
int __pci_unbind(const struct pci_fn *pf)
{
	return __pci_set(pf, "driver/unbind", pf->name);
}

/** pci_unbind() - __pci_unbind() that must work */
void pci_unbind(const struct pci_fn *pf)
{
	int ret = __pci_unbind(pf);

	if (ret || *pci_driver(pf))
		die("%s: unbind: %s", pf->name, ret ? strerror(-ret) : "still bound");
}

/** __pci_sysfs_config32() - read config space as a host tool does: wakes a device; 0 or -errno */
int __pci_sysfs_config32(const struct pci_fn *pf, unsigned int off, uint32_t *val)
{
	char path[160];
	ssize_t n;
	int fd, ret;

	snprintf(path, sizeof(path), SYSFS_PCI "%s/config", pf->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pread(fd, val, sizeof(*val), off);
	ret = n < 0 ? -errno : n == sizeof(*val) ? 0 : -EIO;
	close(fd);
	return ret;
}

/** pci_sysfs_config32() - __pci_sysfs_config32() that must work */
uint32_t pci_sysfs_config32(const struct pci_fn *pf, unsigned int off)
{
	uint32_t val = 0;
	int ret = __pci_sysfs_config32(pf, off, &val);

	if (ret)
		die("%s: read config: %s", pf->name, strerror(-ret));
	return val;
}

/** pci_sysfs_config_write() - write config space as a host tool does; must work */
void pci_sysfs_config_write(const struct pci_fn *pf, unsigned int off, uint32_t val, int width)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), SYSFS_PCI "%s/config", pf->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, &val, width, off) != width)
		die("%s: write config: %s", pf->name, strerror(errno));
	close(fd);
}

/**
 * pci_raw_config32() - read config space by the I/O ports, past the kernel
 * @pf: the function
 * @off: below 256
 *
 * Wakes nothing. The kernel uses the same ports: only for moments in which nothing else in the
 * machine touches config space.
 */
uint32_t pci_raw_config32(const struct pci_fn *pf, unsigned int off)
{
	uint32_t addr, save, val;

	if (iopl(3))
		die("iopl: %s", strerror(errno));
	addr = 1u << 31 | pf->bus << 16 | pf->dev << 11 | pf->fn << 8 | (off & 0xfc);
	save = inl(CONF1_ADDR);
	do {
		outl(addr, CONF1_ADDR);
		val = inl(CONF1_DATA);
	} while (inl(CONF1_ADDR) != addr);
	outl(save, CONF1_ADDR);
	return val;
}

/** pci_raw_cap() - where a capability is, read past the kernel; it must be there */
unsigned int pci_raw_cap(const struct pci_fn *pf, unsigned int id)
{
	unsigned int pos = pci_raw_config32(pf, PCI_CAPABILITY_LIST) & 0xfc;

	for (int i = 0; pos && i < 48; i++) {
		uint32_t head = pci_raw_config32(pf, pos);

		if ((head & 0xff) == id)
			return pos;
		pos = head >> 8 & 0xfc;
	}
	die("%s: capability %#x", pf->name, id);
}

/** pci_raw_exp16() - a register of the PCI Express capability, read past the kernel */
unsigned int pci_raw_exp16(const struct pci_fn *pf, unsigned int reg)
{
	unsigned int off = pci_raw_cap(pf, PCI_CAP_ID_EXP) + reg;

	return pci_raw_config32(pf, off & ~3u) >> (off & 2) * 8 & 0xffff;
}

/**
 * pci_set_reset() - choose how the kernel may reset a function, from its next open on
 * @pf: the function; awake meanwhile, as some kernels look at it for that
 * @methods: as reset_method takes them; a newline is none
 */
void pci_set_reset(const struct pci_fn *pf, const char *methods)
{
	pci_set(pf, "power/control", "on");
	pci_set(pf, "reset_method", methods);
	if (methods[0] == '\n')
		check_str(pci_get(pf, "reset_method"), "", "reset_method of %s", pf->name);
	pci_set(pf, "power/control", "auto");
}

/** pci_id() - what the first config word must read */
uint32_t pci_id(const struct pci_fn *pf)
{
	return pf->device << 16 | pf->vendor;
}
