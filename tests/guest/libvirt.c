// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "libvirt.h"
#include "rig.h"
#include "root.h"
#include "tap.h"

#define START_MS	180000
#define OURS		"rtd3_vfio_pci"
#define VFIO_MINOR	196

/* What virsh said last */
static char said[4096];

/** libvirt_picks_ours() - whether libvirt picks our driver for a function by itself */
bool libvirt_picks_ours(const struct pci_fn *pf)
{
	return pf->class >> 16 == 0x03;
}

/** __virsh() - virsh with up to three arguments; 0 or its exit status */
int __virsh(const char *command, const char *a, const char *b, const char *c)
{
	const char *const argv[] = {
		"virsh", "-q", "-c", "qemu:///system", command, a, b, c, NULL
	};

	return root_run(said, sizeof(said), argv);
}

/** virsh() - the same, as a TAP result */
void virsh(const char *command, const char *a, const char *b, const char *c)
{
	int ret = __virsh(command, a, b, c);

	check(!ret, "virsh %s %s%s%s%s%s", command, a, b ? " " : "", b ? b : "", c ? " " : "",
	      c ? c : "");
	if (ret)
		diag("exit %d: %s", ret, said);
}

/*
 * As systemd makes it on each host, from modules.devname: its first user loads vfio. It is there
 * already if vfio is.
 */
static void make_node(void)
{
	mkdir("/dev/vfio", 0755);
	if (mknod("/dev/vfio/vfio", S_IFCHR | 0666, makedev(MISC_MAJOR, VFIO_MINOR)) &&
	    errno != EEXIST)
		die("mknod /dev/vfio/vfio: %s", strerror(errno));
}

/* Without the daemons that systemd would start, and without confinement of QEMU. */
static void configure(void)
{
	/* libvirt asks each QEMU what it can do; this one is not used. */
	root_remove("/usr/bin/qemu-system-i386");
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

/** libvirt_start() - start libvirtd; returns when it answers, its process */
pid_t libvirt_start(void)
{
	static const char *const daemon[] = { "libvirtd", NULL };
	uint64_t begin = now_us();
	pid_t pid;
	int ret;

	make_node();
	configure();
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

/**
 * libvirt_define() - define a domain with all functions under test
 * @name: of the domain
 * @managed: yes or no
 * @model: driver; NULL: libvirt chooses for display devices and is told ours for others
 *
 * Nothing in it runs, so its machine is the emulated one.
 */
void libvirt_define(const char *name, const char *managed, const char *model)
{
	char xml[4096];
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

		if (model || !libvirt_picks_ours(pf))
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

/** libvirt_run() - start a domain, paused */
void libvirt_run(const char *name)
{
	uint64_t begin = now_us();

	virsh("start", name, "--paused", NULL);
	diag("%s: started after %ld ms", name, since_ms(begin));
	if (__virsh("domstate", name, NULL, NULL))
		said[0] = '\0';
	check_str(said, "paused", "%s: domstate", name);
}
