// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"

#define FEATURE_ROOM	8192
#define STATE_MS	5000
#define LOOK_MS		1500
#define SETTLE_MS	1500
#define SYSFS_PCI	"/sys/bus/pci/devices/"
#define MAX_FILES	96
#define FILES		19	/* that can be read in rtd3/, at least */
#define COUNTERS	26	/* in rtd3/stats/ */

static int call(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

/**
 * __rtd3_feature() - VFIO_DEVICE_FEATURE whose payload is also copied back
 * @d: the device
 * @flags: feature number and VFIO_DEVICE_FEATURE_GET, SET, PROBE
 * @data: payload or NULL
 * @len: of @data
 * @argsz: what to claim, or -1 for the true size
 *
 * Return: 0 or -errno.
 */
int __rtd3_feature(struct vfio_dev *d, uint32_t flags, void *data, size_t len, long argsz)
{
	union {
		struct vfio_device_feature f;
		uint8_t room[FEATURE_ROOM];
	} buf = {};
	int ret;

	buf.f.argsz = argsz < 0 ? sizeof(buf.f) + len : (uint32_t)argsz;
	buf.f.flags = flags;
	if (len)
		memcpy(buf.f.data, data, len);
	ret = call(d->fd, VFIO_DEVICE_FEATURE, &buf);
	if (len)
		memcpy(data, buf.f.data, len);
	return ret;
}

static int power_set(struct vfio_dev *d, struct rtd3_power set)
{
	return __rtd3_feature(d, VFIO_DEVICE_FEATURE_SET | RTD3_FEATURE_POWER, &set, sizeof(set),
			      -1);
}

/** __rtd3_enter() - RTD3_FEATURE_POWER: enter with a limit; 0 or -errno */
int __rtd3_enter(struct vfio_dev *d, uint32_t deepest)
{
	return power_set(d, (struct rtd3_power){
		.low_power_state = RTD3_LOW_POWER_ENTER,
		.deepest_state = deepest,
	});
}

/** __rtd3_enter_wakeup() - RTD3_FEATURE_POWER: enter with limit and eventfd; 0 or -errno */
int __rtd3_enter_wakeup(struct vfio_dev *d, uint32_t deepest, int efd)
{
	return power_set(d, (struct rtd3_power){
		.low_power_state = RTD3_LOW_POWER_ENTER,
		.deepest_state = deepest,
		.flags = RTD3_POWER_WAKEUP,
		.wakeup_eventfd = efd,
	});
}

/** __rtd3_exit() - RTD3_FEATURE_POWER: leave; 0 or -errno */
int __rtd3_exit(struct vfio_dev *d)
{
	return power_set(d, (struct rtd3_power){ .low_power_state = RTD3_LOW_POWER_EXIT });
}

/** rtd3_power_get() - RTD3_FEATURE_POWER: ask; wakes the device; must work */
void rtd3_power_get(struct vfio_dev *d, struct rtd3_power *get)
{
	int ret;

	memset(get, 0x5a, sizeof(*get));
	ret = __rtd3_feature(d, VFIO_DEVICE_FEATURE_GET | RTD3_FEATURE_POWER, get, sizeof(*get),
			     -1);
	if (ret)
		die("%s: RTD3_FEATURE_POWER GET: %s", d->pf->name, strerror(-ret));
}

/** __rtd3_info() - RTD3_FEATURE_INFO; wakes the device; 0 or -errno */
int __rtd3_info(struct vfio_dev *d, struct rtd3_info *info)
{
	memset(info, 0x5a, sizeof(*info));
	return __rtd3_feature(d, VFIO_DEVICE_FEATURE_GET | RTD3_FEATURE_INFO, info, sizeof(*info),
			      -1);
}

static bool is_ours(const struct vfio_region_info *info, size_t room)
{
	const struct vfio_region_info_cap_type *type;
	uint32_t off = info->cap_offset;

	if (!(info->flags & VFIO_REGION_INFO_FLAG_CAPS))
		return false;
	for (int i = 0; off >= sizeof(*info) && off + sizeof(*type) <= room && i < 16; i++) {
		type = (const void *)((const uint8_t *)info + off);
		if (type->header.id == VFIO_REGION_INFO_CAP_TYPE)
			return type->type == RTD3_REGION_TYPE &&
			       type->subtype == RTD3_REGION_SUBTYPE_INFO;
		off = type->header.next;
	}
	return false;
}

/**
 * __rtd3_region_find() - find the region with struct rtd3_info as a VMM does; wakes the device
 * @d: the device
 * @r: filled in
 *
 * Return: 0 or -errno.
 */
int __rtd3_region_find(struct vfio_dev *d, struct rtd3_region *r)
{
	struct vfio_device_info dev = { .argsz = sizeof(dev) };
	int ret;

	ret = call(d->fd, VFIO_DEVICE_GET_INFO, &dev);
	if (ret < 0)
		return ret;
	for (uint32_t i = VFIO_PCI_NUM_REGIONS; i < dev.num_regions; i++) {
		union {
			struct vfio_region_info i;
			uint8_t room[1024];
		} buf = {};

		buf.i.argsz = sizeof(buf);
		buf.i.index = i;
		ret = call(d->fd, VFIO_DEVICE_GET_REGION_INFO, &buf);
		if (ret < 0)
			return ret;
		if (!is_ours(&buf.i, sizeof(buf)))
			continue;
		*r = (struct rtd3_region){
			.index = i, .flags = buf.i.flags, .size = buf.i.size,
			.offset = buf.i.offset,
		};
		return 0;
	}
	return -ENOENT;
}

/** rtd3_region_find() - __rtd3_region_find() that must work */
void rtd3_region_find(struct vfio_dev *d, struct rtd3_region *r)
{
	int ret = __rtd3_region_find(d, r);

	if (ret)
		die("%s: a region of type 0x%x, subtype %d: %s", d->pf->name, RTD3_REGION_TYPE,
		    RTD3_REGION_SUBTYPE_INFO, strerror(-ret));
}

/** rtd3_region_info() - read struct rtd3_info from the region; wakes nothing; must work */
void rtd3_region_info(struct vfio_dev *d, const struct rtd3_region *r, struct rtd3_info *info)
{
	ssize_t n = pread(d->fd, info, sizeof(*info), r->offset);

	if (n != sizeof(*info))
		die("%s: read of region %d: %zd, %s", d->pf->name, r->index, n,
		    n < 0 ? strerror(errno) : "short");
}

/** rtd3_engaged() - whether low power is engaged, without a wake */
bool rtd3_engaged(struct vfio_dev *d, const struct rtd3_region *r)
{
	struct rtd3_info info;

	rtd3_region_info(d, r, &info);
	return info.flags & RTD3_INFO_ENGAGED;
}

/* Adds what is in @folder, and in those below it. */
static int list(const struct pci_fn *pf, const char *folder, struct rtd3_file *files, int n,
		int max)
{
	char path[160];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), SYSFS_PCI "%s/%s", pf->name, folder);
	dir = opendir(path);
	while (dir && (e = readdir(dir)) && n < max) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.20s/%.40s", folder, e->d_name);
		if (e->d_type == DT_DIR)
			n = list(pf, path, files, n, max);
		else
			snprintf(files[n++].path, sizeof(files[0].path), "%.63s", path);
	}
	if (dir)
		closedir(dir);
	return n;
}

/**
 * rtd3_files() - the files in rtd3/ and below it
 * @pf: the function
 * @files: filled in
 * @max: room in @files
 *
 * Return: how many there are.
 */
int rtd3_files(const struct pci_fn *pf, struct rtd3_file *files, int max)
{
	return list(pf, "rtd3", files, 0, max);
}

/**
 * check_reads() - TAP results: all of rtd3/ can be read, but what is there to be written only,
 * and nothing of it wakes
 * @pf: the function, without power
 * @p: the counts before; updated
 * @when: after what
 */
void check_reads(const struct pci_fn *pf, struct power *p, const char *when)
{
	static struct rtd3_file files[MAX_FILES];
	int all = rtd3_files(pf, files, MAX_FILES), n = 0, counters = 0, bad = 0;
	char path[160], buf[4096];
	struct stat st;

	for (int i = 0; i < all; i++) {
		const char *file = files[i].path;

		snprintf(path, sizeof(path), SYSFS_PCI "%s/%.63s", pf->name, file);
		if (stat(path, &st) || !(st.st_mode & 0444))
			continue;
		n++;
		counters += !strncmp(file, "rtd3/stats/", 11);
		/* Only the list of blockers may be empty. */
		if (__pci_get(pf, file, buf, sizeof(buf)) < !!strcmp(file, "rtd3/blockers")) {
			diag("%s cannot be read", file);
			bad++;
		}
		if (power_get(1).on != p->on)
			diag("%s wakes", file);
	}
	check(n - counters >= FILES && counters >= COUNTERS && !bad,
	      "%s: %d files in rtd3/, %d in rtd3/stats/ read, %d bad", when, n - counters,
	      counters, bad);
	check_no_on(p, 500, when);
}

/**
 * set_d3cold_allowed() - write d3cold_allowed of a device that nobody uses
 * @pf: the function
 * @val: 0 or 1
 *
 * The kernel resumes the device for it. If that happens while the idle request of a resume just
 * before is still queued, the request is dropped and the device stays awake, with any driver. So
 * let it fall asleep first.
 */
void set_d3cold_allowed(const struct pci_fn *pf, const char *val)
{
	pci_wait(pf, "power/runtime_status", "suspended", SETTLE_MS);
	pci_set(pf, "d3cold_allowed", val);
}

/**
 * check_state() - TAP result: our driver gets the device into a state
 * @pf: the function
 * @want: text of rtd3/state
 * @when: after what
 */
bool check_state(const struct pci_fn *pf, const char *want, const char *when)
{
	uint64_t start = now_us();
	bool good = pci_wait(pf, "rtd3/state", want, STATE_MS);

	check_str(pci_get(pf, "rtd3/state"), want, "%s: rtd3/state", when);
	diag("%s: %s after %ld ms", when, want, since_ms(start));
	return good;
}

/**
 * check_hot() - TAP results: suspended, and power stays
 * @pf: the function
 * @p: the counts before; updated
 * @when: after what
 */
void check_hot(const struct pci_fn *pf, struct power *p, const char *when)
{
	check_state(pf, "D3hot", when);
	check_no_off(p, LOOK_MS, when);
	check_rtd3(pf, "state", "D3hot", when);
	/* Not before: the driver's state is there while the kernel still calls it suspending. */
	check_str(pci_get(pf, "power/runtime_status"), "suspended", "%s: runtime_status", when);
	check_eq(power_cfg(pf, 0), pci_id(pf), "%s: id from outside", when);
}

/**
 * check_up() - TAP results: awake, and stays so
 * @pf: the function
 * @p: the counts before; updated
 * @when: after what
 */
void check_up(const struct pci_fn *pf, struct power *p, const char *when)
{
	check_state(pf, "D0", when);
	check_no_off(p, LOOK_MS, when);
	check_rtd3(pf, "state", "D0", when);
	check_str(pci_get(pf, "power/runtime_status"), "active", "%s: runtime_status", when);
	check_eq(power_cfg(pf, 0), pci_id(pf), "%s: id from outside", when);
}
