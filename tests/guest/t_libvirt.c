// SPDX-License-Identifier: GPL-2.0-only
/* An unmodified libvirt: which driver it picks, and what a device does between its users. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "dut.h"
#include "libvirt.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "root.h"
#include "tap.h"
#include "tests.h"

#define NATIVE_MS	10000
#define KILL_MS		10000
#define OURS		"rtd3_vfio_pci"
#define STOCK		"vfio-pci"
#define TIMEOUT		"1500"

/* As rtd3_vfio_pci(4) has it. */
static void write_rule(const struct pci_fn *pf)
{
	char rule[256];

	snprintf(rule, sizeof(rule), "ACTION==\"%s\", KERNEL==\"%s\", DRIVER==\"%s\", %s=\"%s\"\n",
		 "bind", pf->name, OURS, "ATTR{rtd3/wake_timeout_ms}", TIMEOUT);
	root_write("/etc/udev/rules.d/90-rtd3.rules", rule);
}

/* A uevent's way through udev. */
static void check_rule(const struct pci_fn *pf)
{
	pci_wait(pf, "rtd3/wake_timeout_ms", TIMEOUT, NATIVE_MS);
	check_str(pci_get(pf, "rtd3/wake_timeout_ms"), TIMEOUT,
		  "set by a udev rule: rtd3/wake_timeout_ms of %s", pf->name);
}

static void start_udev(void)
{
	static const char *const udevd[] = { "/usr/lib/systemd/systemd-udevd", "--daemon", NULL };
	/* What the machine had before udev: it loads the host's own drivers. */
	static const char *const trigger[] = {
		"udevadm", "trigger", "--action=add", "--subsystem-match=pci", NULL
	};
	static const char *const settle[] = { "udevadm", "settle", NULL };
	uint64_t begin = now_us();
	char said[1024];
	int ret;

	ret = root_run(said, sizeof(said), udevd);
	if (!ret)
		ret = root_run(said, sizeof(said), trigger);
	if (!ret)
		ret = root_run(said, sizeof(said), settle);
	if (ret)
		die("udev: exit %d: %s", ret, said);
	diag("udev settled after %ld ms", since_ms(begin));
}

/* The host's own driver may take its time, and a uevent's way through udev. */
static void check_native(const struct pci_fn *pf, const char *when)
{
	uint64_t begin = now_us();
	const char *native = dut_of(pf)->native;

	while (strcmp(pci_driver(pf), native) && since_ms(begin) < NATIVE_MS)
		sleep_ms(10);
	check_str(pci_driver(pf), native, "%s: driver of %s", when, pf->name);
}

static void check_drivers(const char *want, const char *when)
{
	for (int i = 0; i < rig.nr_fns; i++)
		check_str(pci_driver(&rig.fn[i]), want, "%s: driver of %s", when, rig.fn[i].name);
}

static void check_natives(const char *when)
{
	for (int i = 0; i < rig.nr_fns; i++)
		check_native(&rig.fn[i], when);
}

/* managed='yes': libvirt picks a driver, and gives the device back afterwards. */
static void managed(const char *name, const char *model, const char *want)
{
	check_natives(name);
	libvirt_define(name, "yes", model);
	libvirt_run(name);
	check_drivers(want, name);
	if (!strcmp(want, OURS))
		check_rule(&rig.fn[0]);
	virsh("destroy", name, NULL, NULL);
	check_natives("destroyed");
}

static const char *node_of(const struct pci_fn *pf)
{
	static char node[32];

	snprintf(node, sizeof(node), "pci_%s", pf->name);
	for (char *c = node; *c; c++)
		if (*c == ':' || *c == '.')
			*c = '_';
	return node;
}

/* Take a device from the host, with a driver by name or NULL. */
static void detach(const struct pci_fn *pf, const char *driver, const char *want)
{
	virsh("nodedev-detach", node_of(pf), driver ? "--driver" : NULL, driver);
	check_str(pci_driver(pf), want, "detached: driver of %s", pf->name);
}

static void reattach(const struct pci_fn *pf)
{
	virsh("nodedev-reattach", node_of(pf), NULL, NULL);
	check_native(pf, "reattached");
}

/* managed='no': detached once, asleep whenever no domain has it. */
static void parked(const struct pci_fn *pf, pid_t libvirtd)
{
	struct power p = power_get(1);

	for (int i = 0; i < rig.nr_fns; i++)
		detach(&rig.fn[i], libvirt_picks_ours(&rig.fn[i]) ? NULL : OURS, OURS);
	check_asleep(pf, &p, "detached");
	libvirt_define("parked", "no", NULL);
	/* libvirt reads config space to find a slot for each device. From then on it knows. */
	check_asleep(pf, &p, "domain defined");
	virsh("nodedev-dumpxml", node_of(pf), NULL, NULL);
	virsh("domstats", "parked", NULL, NULL);
	check_no_on(&p, 200, "looked at");
	libvirt_run("parked");
	check_woken(pf, &p, "parked");
	check_drivers(OURS, "parked");
	virsh("destroy", "parked", NULL, NULL);
	check_asleep(pf, &p, "destroyed");
	check_drivers(OURS, "destroyed");

	check(!kill(libvirtd, SIGKILL) && !wait_child(libvirtd, KILL_MS, NULL), "libvirtd dies");
	check_no_on(&p, 500, "without libvirtd");
	check_drivers(OURS, "without libvirtd");
}

RIG_TEST(libvirt, "the drivers that libvirt picks, its domains")
{
	const struct pci_fn *pf = &rig.fn[0];
	pid_t libvirtd;

	root_mount();
	/* It warns when its device is taken away (7.3), and at power off (6.12). */
	root_write("/etc/modprobe.d/rig.conf", "blacklist virtio_gpu\n");
	/* This is about libvirt alone: with it, see t_installed.c. */
	root_remove("/etc/libvirt/hooks/qemu.d/rtd3");
	write_rule(pf);
	start_udev();
	libvirtd = libvirt_start();

	check(!rig_module_loaded(OURS), OURS " is not loaded");
	managed("gpu", NULL, OURS);
	managed("stock", STOCK, STOCK);

	/* Of another class: ours only when it is asked for. */
	detach(&rig.other, NULL, STOCK);
	reattach(&rig.other);
	detach(&rig.other, OURS, OURS);
	reattach(&rig.other);
	detach(pf, STOCK, STOCK);
	reattach(pf);
	parked(pf, libvirtd);
}
