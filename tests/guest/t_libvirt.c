// SPDX-License-Identifier: GPL-2.0-only
/* An unmodified libvirt: which driver it picks, and what a device does between its users. */
#include <errno.h>
#include <linux/major.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "root.h"
#include "tap.h"
#include "tests.h"

#define START_MS	60000
#define NATIVE_MS	10000
#define KILL_MS		10000
#define OURS		"rtd3_vfio_pci"
#define STOCK		"vfio-pci"
#define VFIO_MINOR	196
#define TIMEOUT		"1500"

/* What virsh said last */
static char said[4096];

/* Of the functions under test libvirt picks our driver for these by itself. */
static bool display(const struct pci_fn *pf)
{
	return pf->class >> 16 == 0x03;
}

/* virsh with up to three arguments; 0 or its exit status */
static int __virsh(const char *command, const char *a, const char *b, const char *c)
{
	const char *const argv[] = {
		"virsh", "-q", "-c", "qemu:///system", command, a, b, c, NULL
	};

	return root_run(said, sizeof(said), argv);
}

static void virsh(const char *command, const char *a, const char *b, const char *c)
{
	int ret = __virsh(command, a, b, c);

	check(!ret, "virsh %s %s%s%s%s%s", command, a, b ? " " : "", b ? b : "", c ? " " : "",
	      c ? c : "");
	if (ret)
		diag("exit %d: %s", ret, said);
}

/* As systemd makes it on each host, from modules.devname: its first user loads vfio. */
static void make_node(void)
{
	mkdir("/dev/vfio", 0755);
	if (mknod("/dev/vfio/vfio", S_IFCHR | 0666, makedev(MISC_MAJOR, VFIO_MINOR)))
		die("mknod /dev/vfio/vfio: %s", strerror(errno));
}

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

/* Without the daemons that systemd would start, and without confinement of QEMU. */
static void configure(void)
{
	/* libvirt asks each QEMU what it can do; this one is not used. */
	root_remove("/usr/bin/qemu-system-i386");
	/* It warns when its device is taken away (7.3), and at power off (6.12). */
	root_write("/etc/modprobe.d/rig.conf", "blacklist virtio_gpu\n");
	root_write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	root_write("/etc/libvirt/libvirtd.conf",
		   "host_uuid = \"6d1c2c1e-7a55-4d6c-9d0b-0a4c1f9a2b10\"\n"
		   "auth_unix_rw = \"none\"\n");
	root_write("/etc/libvirt/qemu.conf",
		   "security_driver = \"none\"\n"
		   "user = \"root\"\n"
		   "group = \"root\"\n"
		   "cgroup_controllers = []\n"
		   "namespaces = []\n"
		   "stdio_handler = \"file\"\n");
}

static pid_t start(void)
{
	static const char *const udevd[] = { "/usr/lib/systemd/systemd-udevd", "--daemon", NULL };
	/* What the machine had before udev: it loads the host's own drivers. */
	static const char *const trigger[] = {
		"udevadm", "trigger", "--action=add", "--subsystem-match=pci", NULL
	};
	static const char *const settle[] = { "udevadm", "settle", NULL };
	static const char *const daemon[] = { "libvirtd", NULL };
	uint64_t begin = now_us();
	pid_t pid;
	int ret;

	ret = root_run(said, sizeof(said), udevd);
	if (!ret)
		ret = root_run(said, sizeof(said), trigger);
	if (!ret)
		ret = root_run(said, sizeof(said), settle);
	if (ret)
		die("udev: exit %d: %s", ret, said);
	diag("udev settled after %ld ms", since_ms(begin));
	begin = now_us();
	pid = root_start(daemon);
	do {
		sleep_ms(100);
		if (waitpid(pid, NULL, WNOHANG) == pid)
			die("libvirtd runs");
		ret = __virsh("version", NULL, NULL, NULL);
	} while (ret && since_ms(begin) < START_MS);
	if (ret)
		die("libvirtd answers: %s", said);
	diag("libvirtd answers after %ld ms", since_ms(begin));
	for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
		diag("%s", line);
	return pid;
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

/*
 * A domain with all functions under test. Nothing in it runs, so its machine is the emulated one.
 * Without a model, libvirt chooses for display devices and is told ours for others.
 */
static void define(const char *name, const char *managed, const char *model)
{
	char xml[2048];
	int n;

	n = snprintf(xml, sizeof(xml),
		     "<domain type='qemu'>\n"
		     "<name>%s</name>\n"
		     "<memory unit='MiB'>64</memory>\n"
		     "<os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
		     "<devices>\n"
		     "<controller type='usb' model='none'/>\n"
		     "<memballoon model='none'/>\n", name);
	for (int i = 0; i < rig.nr_fns; i++) {
		const struct pci_fn *pf = &rig.fn[i];
		char driver[64] = "";

		if (model || !display(pf))
			snprintf(driver, sizeof(driver), "<driver model='%s'/>",
				 model ? model : OURS);
		n += snprintf(xml + n, sizeof(xml) - n,
			      "<hostdev mode='subsystem' type='pci' managed='%s'>%s\n"
			      "<source>\n"
			      "<address domain='0' bus='%u' slot='%u' function='%u'/>\n"
			      "</source>\n"
			      "</hostdev>\n", managed, driver, pf->bus, pf->dev, pf->fn);
	}
	snprintf(xml + n, sizeof(xml) - n, "</devices>\n</domain>\n");
	root_write("/tmp/domain.xml", xml);
	virsh("define", "/tmp/domain.xml", NULL, NULL);
}

static void run(const char *name)
{
	uint64_t begin = now_us();

	virsh("start", name, "--paused", NULL);
	diag("%s: started after %ld ms", name, since_ms(begin));
	if (__virsh("domstate", name, NULL, NULL))
		said[0] = '\0';
	check_str(said, "paused", "%s: domstate", name);
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
	define(name, "yes", model);
	run(name);
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
		detach(&rig.fn[i], display(&rig.fn[i]) ? NULL : OURS, OURS);
	check_asleep(pf, &p, "detached");
	define("parked", "no", NULL);
	/* libvirt reads config space to find a slot for each device. From then on it knows. */
	check_asleep(pf, &p, "domain defined");
	virsh("nodedev-dumpxml", node_of(pf), NULL, NULL);
	virsh("domstats", "parked", NULL, NULL);
	check_no_on(&p, 200, "looked at");
	run("parked");
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
	make_node();
	configure();
	write_rule(pf);
	libvirtd = start();

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
