// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations that fail, one after the other: the first of a call, the second, and so on until the
 * call gets through without one having failed. After each the device has to be what it was: bound
 * or not, with no reference too many, and fit for the next user.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "failnth.h"
#include "fault.h"
#include "iommufd.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define SPARSE		40	/* from the how manieth on not every one is tried */
#define LAST		2000
#define HEAL_MS		20000
#define SHOWN		8
#define DELAY		"power/autosuspend_delay_ms"
#define MEMORY		PCI_COMMAND_MEMORY
#define MASTER		PCI_COMMAND_MASTER

/**
 * struct phase - a call in which allocations fail
 * @name: of it
 * @before: prepares it
 * @run: makes it; 0 or -errno
 * @after: looks whether it has left what its result says, and undoes it
 * @also: an errno that is right besides ENOMEM
 */
struct phase {
	const char *name;
	void (*before)(void);
	int (*run)(void);
	bool (*after)(int ret);
	int also;
};

static const struct pci_fn *pf;
static struct vfio_group group;
static struct iommufd io;
static struct vfio_dev d;
static struct power p;
static uint32_t command;
static void *page;
static int efd, all_hits;

static bool is_acpica(const char *name, const char *module)
{
	return !*module && (!strncmp(name, "acpi_ds_", 8) || !strncmp(name, "acpi_ut_", 8));
}

static bool is_group(const char *name, const char *module)
{
	return !strcmp(module, "[vfio]") && !strcmp(name, "vfio_create_group");
}

static bool is_driver(const char *name, const char *module)
{
	return !strcmp(module, "[rtd3_vfio_pci]") && strncmp(name, "__", 2);
}

static void inject_setup(void)
{
	fail_setup();
	/* ACPI's interpreter does not get over it, and uses what it has freed. */
	failslab_range("reject", is_acpica);
}

static unsigned long long usage(void)
{
	return pci_get_num(pf, "power/runtime_usage");
}

static long refs(void)
{
	char path[96], text[24];
	int ret;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", rig.module);
	ret = __rig_read(path, text, sizeof(text));
	if (ret < 0)
		die("%s: %s", path, strerror(-ret));
	return atol(text);
}

static void inject(const struct phase *ph)
{
	int hits = 0, refused = 0, bad = 0, nth, ret = 0;
	bool hit = true;

	for (nth = 1; hit && nth < LAST; nth += 1 + (nth > SPARSE ? nth / 8 : 0)) {
		bool good;

		ph->before();
		fail_nth(nth);
		ret = ph->run();
		hit = fail_hit();
		good = ret >= 0 || (hit && (ret == -ENOMEM || (ph->also && ret == ph->also)));
		good &= ph->after(ret);
		hits += hit;
		all_hits += hit;
		refused += hit && ret < 0;
		if (!good && bad++ < SHOWN)
			diag("%s, allocation %d: %s", ph->name, nth,
			     ret < 0 ? strerrorname_np(-ret) : "success");
	}
	check(!hit && ret >= 0, "%s: gets through when nothing fails", ph->name);
	check(!bad, "%s: each failed allocation: right errno, nothing left (%d of %d bad)",
	      ph->name, bad, hits);
	figure("inject", "%s %d failed, %d refused", ph->name, hits, refused);
}

static void nothing(void)
{
}

/* Probe and remove: by the driver's own files, which give its errno. */
static int run_probe(void)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", rig.driver);
	return __rig_write(path, pf->name);
}

static bool after_probe(int ret)
{
	bool good = !strcmp(pci_driver(pf), ret ? "" : rig.driver);

	if (!ret && __pci_unbind(pf))
		die("%s: unbind", pf->name);
	return good && !pci_has(pf, "vfio-dev") && !pci_has(pf, "rtd3") && refs() == 0;
}

static void before_unbind(void)
{
	if (!*pci_driver(pf))
		pci_bind(pf, rig.driver);
}

static int run_unbind(void)
{
	return __pci_unbind(pf);
}

/* What it could not do it must not have begun. */
static bool after_unbind(int ret)
{
	return !strcmp(pci_driver(pf), ret ? rig.driver : "") &&
	       (ret || (!pci_has(pf, "rtd3") && refs() == 0));
}

static int run_open(void)
{
	int fd = ioctl(group.fd, VFIO_GROUP_GET_DEVICE_FD, pf->name);

	d.fd = fd;
	return fd < 0 ? -errno : 0;
}

static bool after_open(int ret)
{
	if (!ret)
		close(d.fd);
	return usage() == 1;
}

static void before_bind(void)
{
	if (__cdev_open(&d, pf))
		die("%s: open the cdev", pf->name);
}

static int run_bind(void)
{
	uint32_t id;

	return __cdev_bind(&d, io.fd, NULL, &id);
}

static bool after_bind(int ret)
{
	(void)ret;
	vfio_close(&d);
	return usage() == 1;
}

static int run_entry(void)
{
	return __vfio_entry(&d);
}

static int run_entry_wakeup(void)
{
	return __vfio_entry_wakeup(&d, efd);
}

static int run_entry_shadow(void)
{
	struct rtd3_power set = {
		.low_power_state = RTD3_LOW_POWER_ENTER,
		.deepest_state = RTD3_STATE_D3COLD,
		.flags = RTD3_POWER_SHADOW,
	};

	return __rtd3_feature(&d, VFIO_DEVICE_FEATURE_SET | RTD3_FEATURE_POWER, &set, sizeof(set),
			      -1);
}

/* power/control has one reference, and the user's is given up by an entry. */
static bool after_entry(int ret)
{
	bool good = usage() == (ret ? 2 : 1);

	return !__vfio_exit(&d) && good && usage() == 2;
}

static int run_exit(void)
{
	return __vfio_exit(&d);
}

static void before_exit(void)
{
	vfio_entry(&d);
}

static bool after_exit(int ret)
{
	return (!ret || !__vfio_exit(&d)) && usage() == 2;
}

static int run_map(void)
{
	const struct dut_reg *r = &dut_of(pf)->known;

	page = vfio_mmap(&d, r->bar, r->off & ~(DUT_PAGE - 1), DUT_PAGE);
	return page == MAP_FAILED ? -errno : 0;
}

/* To unmap it may need memory, too. */
static bool after_map(int ret)
{
	return (ret || !munmap(page, DUT_PAGE)) && usage() == 2;
}

static void before_reset(void)
{
	dut_mark(&d);
}

static int run_reset(void)
{
	return __vfio_reset(&d);
}

static bool after_reset(int ret)
{
	const struct dut *t = dut_locate(&d);

	return dut_read(&d, &t->loses) == (ret ? t->loses_val : t->reset_val) && usage() == 2;
}

static int run_hot_reset(void)
{
	return __vfio_hot_reset(&d, 1, &d.group->fd);
}

/*
 * A suspend that is made by the task that asks for it: the delay that keeps the device awake is
 * taken away. Each time with another command register, so that an older one would show.
 */
static void before_suspend(void)
{
	pci_set(pf, DELAY, "-1");
	command = command == MEMORY ? MEMORY | MASTER : MEMORY;
	vfio_cfg_write(&d, PCI_COMMAND, command, 2);
	p = power_get(1);
}

static int run_suspend(void)
{
	return __pci_set(pf, DELAY, "0");
}

static bool as_before(void)
{
	const struct dut *t = dut_of(pf);
	uint32_t id = 0, now;

	pci_set(pf, DELAY, "-1");
	now = power_cfg(pf, PCI_COMMAND) & (MEMORY | MASTER);
	if (now != command)
		diag("command %#x, was %#x", now, command);
	id = vfio_cfg(&d, PCI_VENDOR_ID, 4);
	return now == command && id == pci_id(pf) && dut_read(&d, &t->known) == t->known_val;
}

static bool after_suspend(int ret)
{
	if (ret)
		pci_set(pf, DELAY, "0");
	if (__wait_asleep(pf, &p, ASLEEP_TIMEOUT_MS) < 0) {
		diag("does not sleep: usage %llu", usage());
		return false;
	}
	return as_before();
}

static bool healthy(void)
{
	return !rig.ours || !strcmp(fault_health(pf, HEAL_MS), "ok");
}

static void tell_health(void)
{
	diag("health %s", pci_get(pf, "rtd3/health"));
	diag("reason %s", pci_get(pf, "rtd3/health_reason"));
}

static void before_resume(void)
{
	before_suspend();
	pci_set(pf, DELAY, "0");
	wait_asleep(pf, &p);
}

static int run_resume(void)
{
	uint64_t val;

	return __vfio_read(&d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &val, 4);
}

static bool after_resume(int ret)
{
	(void)ret;
	if (!healthy()) {
		tell_health();
		__pci_set(pf, "rtd3/recover", "1");
		return false;
	}
	return as_before();
}

static void before_close(void)
{
	vfio_dev_open(&d, &group, pf);
	dut_prepare(&d);
	p = power_get(1);
	vfio_entry(&d);
	wait_asleep(pf, &p);
}

/* close() has no result: what counts is what is left. */
static int run_close(void)
{
	close(d.fd);
	return 0;
}

static bool after_close(int ret)
{
	(void)ret;
	return healthy() && __wait_asleep(pf, &p, ASLEEP_TIMEOUT_MS) >= 0 && usage() == 0;
}

static void next_user(const char *when)
{
	vfio_open(&d, pf);
	check_known(&d, when);
	p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, &p, when);
	check_eq(usage(), 0, "%s: references of the device", when);
	check_eq(refs(), 0, "%s: references of the module", when);
}

/* Awake all the time: what the opens do by themselves. */
static void opens(void)
{
	static const struct phase open_group = {
		"open", nothing, run_open, after_open, 0
	}, open_cdev = {
		"open by cdev", before_bind, run_bind, after_bind, 0
	};

	pci_set(pf, "power/control", "on");
	vfio_group_open(&group, pci_iommu_group(pf));
	inject(&open_group);
	vfio_group_close(&group);
	inject(&open_cdev);
	pci_set(pf, "power/control", "auto");
	next_user("after the opens");
}

static void calls(void)
{
	static const struct phase phases[] = {
		{ "ENTRY", nothing, run_entry, after_entry, 0 },
		{ "ENTRY_WITH_WAKEUP", nothing, run_entry_wakeup, after_entry, 0 },
		{ "EXIT", before_exit, run_exit, after_exit, 0 },
		{ "mmap", nothing, run_map, after_map, 0 },
		{ "RESET", before_reset, run_reset, after_reset, 0 },
		{ "PCI_HOT_RESET", before_reset, run_hot_reset, after_reset, 0 },
	}, shadow = { "POWER, shadow", nothing, run_entry_shadow, after_entry, 0 };

	pci_set(pf, "power/control", "on");
	vfio_open(&d, pf);
	dut_prepare(&d);
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		inject(&phases[i]);
	if (rig.ours) {
		inject(&shadow);
		pci_set(pf, "rtd3/mmio", "wake");
		inject(&phases[3]);
		pci_set(pf, "rtd3/mmio", "sigbus");
	}
	vfio_close(&d);
	pci_set(pf, "power/control", "auto");
	next_user("after the calls");
}

/* Stock has no delay that could be taken away, and a failed resume is for ever there. */
static void transitions(void)
{
	static const struct phase phases[] = {
		{ "suspend", before_suspend, run_suspend, after_suspend, 0 },
		{ "resume", before_resume, run_resume, after_resume, -EIO },
	};
	char delay[32];

	snprintf(delay, sizeof(delay), "%s", pci_get(pf, DELAY));
	vfio_open(&d, pf);
	dut_prepare(&d);
	vfio_entry(&d);
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		inject(&phases[i]);
	pci_set(pf, DELAY, delay);
	vfio_close(&d);
	next_user("after suspend and resume");
}

static void closes(void)
{
	static const struct phase phase = { "close", before_close, run_close, after_close, 0 };

	vfio_group_open(&group, pci_iommu_group(pf));
	inject(&phase);
	vfio_group_close(&group);
	next_user("after the closes");
}

RIG_TEST(inject, "each allocation of probe, open, entry, suspend, resume, close, unbind fails once")
{
	static const struct phase probe = {
		"probe", nothing, run_probe, after_probe, 0
	}, unbind = {
		"unbind", before_unbind, run_unbind, after_unbind, 0
	};

	pf = &rig.fn[0];
	rig_load();
	iommufd_open(&io);
	efd = vfio_eventfd();
	inject_setup();
	pci_bind(pf, rig.driver);
	/* So that the registers are located. */
	next_user("before");
	pci_unbind(pf);

	/* This one warns of its own way out. */
	failslab_range("reject", is_group);
	inject(&probe);
	failslab_range("reject", is_acpica);
	pci_bind(pf, rig.driver);
	next_user("after the probes");
	opens();
	calls();
	if (rig.ours) {
		transitions();
		closes();
	}
	inject(&unbind);
	before_unbind();
	next_user("after the unbinds");
	check(all_hits > 0, "%d allocations have failed", all_hits);
}

/*
 * Recovery runs in work items: there is no task to give a number to. One allocation below the
 * module's functions fails, the first after so many bytes.
 */
RIG_TEST(inject_recovery, "allocations of the recovery fail, one at a time")
{
	int hits = 0, refused = 0, bad = 0, tries = 0, space;
	bool hit = true;
	char text[16];

	pf = &rig.fn[0];
	if (!model_present())
		die("a power model");
	rig_load();
	rig_bind_all();
	inject_setup();
	failslab_range("require", is_driver);
	vfio_open(&d, pf);
	dut_prepare(&d);
	command = vfio_cfg(&d, PCI_COMMAND, 2) & (MEMORY | MASTER);
	vfio_entry(&d);
	for (space = 0; hit && tries < 60; space += 32 + space / 8, tries++) {
		int ret;
		bool good;

		before_resume();
		model_fault(MODEL_ON_IGNORED, 1);
		snprintf(text, sizeof(text), "%d", space);
		failslab("space", text);
		failslab("times", "1");
		failslab("probability", "100");
		ret = run_resume();
		good = (!ret || ret == -EIO) && healthy();
		failslab("probability", "0");
		hit = !failslab_num("times");
		model_clear();
		hits += hit;
		refused += ret < 0;
		if (!good) {
			diag("after %d bytes: %d", space, ret);
			tell_health();
			__pci_set(pf, "rtd3/recover", "1");
		}
		good &= healthy() && as_before();
		bad += !good;
		/* A device that failed is not sent so deep again. */
		pci_set(pf, "rtd3/fallback", "none");
	}
	check(!hit, "recovery: gets through when nothing fails");
	check(hits > 0 && !bad, "recovery: the device comes back (%d of %d times it did not)", bad,
	      hits);
	figure("inject", "recovery %d failed, %d refused", hits, refused);
	pci_set(pf, DELAY, "200");
	vfio_close(&d);
	next_user("after the recoveries");
}
