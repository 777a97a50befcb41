// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host with libvirt and a card, from before the packages are installed until they are purged.
 * The machine has been booted by an initramfs of the host's own (see tests/rig/packaged).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ctl.h"
#include "dut.h"
#include "libvirt.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "root.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define OURS		"rtd3_vfio_pci"
#define CYCLES		"50"
#define DAY		"/out/day.jsonl"
#define START		"/out/start.jsonl"
#define SVG		"/out/timeline.svg"
#define PNG		"/out/timeline.png"
/* Of a picture, in bytes */
#define SIZE		(1 << 20)
/* As in src/rtd3ctl/chart.c: red of D0, green of D3cold, in percent */
#define AWAKE		"(90."
#define CUT		" 44.7"
#define BEGIN_MS	60000
#define END_MS		60000
#define NAP_MS		700
/* The hook lets a device sleep again by then, see src/libvirt/hook. */
#define HOOK_MS		30000

static char said[65536];

static int run(const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	return root_run(said, sizeof(said), argv);
}

static void check_run(const char *script, const char *what)
{
	int ret = run(script);

	check(!ret, "%s", what);
	if (ret)
		diag("exit %d: %s", ret, said);
}

/* As a user does it who has built it, see README.md. */
static void before(const struct pci_fn *pf)
{
	root_mount_bare();
	ctl(CTL_WARNED, "doctor", pf->name, NULL, NULL);
	ctl_warnings();
	ctl_said("_PR3", "doctor, nothing installed");
	ctl_said("module-installed: the module is not installed", "doctor, nothing installed");
	check(!rig_module_loaded(OURS), "doctor loads nothing");
}

static void binds(const struct pci_fn *pf, struct power *p)
{
	ctl(CTL_WARNED, "doctor", pf->name, NULL, NULL);
	ctl_warnings();
	ctl_said("the module is built for this kernel", "doctor, installed");
	ctl_said("rtd3ctl bind", "doctor, installed");
	*p = power_get(1);
	ctl(0, "bind", "--persist", pf->name, NULL);
	ctl_drivers(OURS, "bind");
	for (int i = 0; i < rig.nr_fns; i++) {
		check(!run("cat /etc/rtd3/bind") && strstr(said, rig.fn[i].name),
		      "bind --persist: /etc/rtd3/bind names %s", rig.fn[i].name);
		pci_set(&rig.fn[i], "rtd3/reset_delay_ms", "0");
	}
	ctl_asleep(p, "bind");
	ctl(0, "set", pf->name, "wake_timeout_ms=1500", "--persist");
	__ctl("doctor", pf->name, NULL, NULL);
	ctl_warnings();
	ctl_said("it can reach D3cold", "doctor, bound");
	check_no_on(p, NAP_MS, "doctor, bound");
	ctl(0, "selftest", pf->name, "--cycles=" CYCLES, NULL);
	ctl_said("pass", "selftest");
	ctl_asleep(p, "selftest");
}

/* Some of what wakes a device. */
static void day(struct power *p)
{
	const struct pci_fn *last = &rig.fn[rig.nr_fns - 1];
	struct vfio_dev d;

	sleep_ms(NAP_MS);
	pci_sysfs_config32(&rig.fn[0], 0);
	ctl_asleep(p, "a look at its configuration space");
	sleep_ms(NAP_MS);
	vfio_open(&d, &rig.fn[0]);
	sleep_ms(3 * NAP_MS);
	vfio_close(&d);
	ctl_asleep(p, "a user");
	sleep_ms(2 * NAP_MS);
	ctl(0, "wake", "--hold=1", last->name, NULL);
	ctl_asleep(p, "wake");
	sleep_ms(3 * NAP_MS);
	pci_set(&rig.fn[0], "rtd3/policy", "d3hot");
	sleep_ms(3 * NAP_MS);
	pci_set(&rig.fn[0], "rtd3/policy", "d3cold");
	ctl_asleep(p, "policy d3cold again");
	sleep_ms(NAP_MS);
}

static int count(const char *text, const char *word)
{
	int n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

static unsigned int big_endian(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

/* People look at the pictures; here, that there is something in them. */
static void check_pictures(void)
{
	static char buf[SIZE];
	long n;

	ctl(0, "timeline", DAY, "--output=" SVG, NULL);
	n = root_read(SVG, buf, sizeof(buf));
	check(n > 0, "an SVG");
	/* Once in the legend. */
	check(count(buf, AWAKE) > rig.nr_fns, "bands of D0 in it: %d", count(buf, AWAKE));
	check(count(buf, CUT) > rig.nr_fns, "bands of D3cold in it: %d", count(buf, CUT));
	ctl(0, "timeline", DAY, "--output=" PNG, NULL);
	n = root_read(PNG, buf, sizeof(buf));
	check(n > 20000 && !memcmp(buf, "\x89PNG\r\n\x1a\n", 8), "a PNG, %ld bytes", n);
	diag("%u x %u", big_endian(buf + 16), big_endian(buf + 20));
	check(big_endian(buf + 16) >= 1000 && big_endian(buf + 20) >= 400, "of a size to look at");
}

/* record_start() - write down what happens from now on; root_start()'s process */
static pid_t record_start(const char *file)
{
	const char *const record[] = { "rtd3ctl", "record", "--output", file, NULL };
	uint64_t start = now_us();
	char script[64];
	pid_t pid;

	pid = root_start(record);
	snprintf(script, sizeof(script), "grep -q present %s", file);
	while (run(script) && since_ms(start) < BEGIN_MS)
		sleep_ms(50);
	check(!run(script), "%s has begun", file);
	return pid;
}

static void record_end(pid_t pid)
{
	int ret, status = -1;

	kill(pid, SIGINT);
	ret = wait_child(pid, END_MS, &status);
	check(!ret && !status, "record ends by Ctrl-C: %d", status);
}

static void draws(struct power *p)
{
	pid_t pid = record_start(DAY);

	day(p);
	record_end(pid);
	check_run("! grep -v '^{.*}$' " DAY, "a recording, in lines");
	check(!run("grep -c '\"resume\"' " DAY) && atoi(said) >= 3 * rig.nr_fns, "wakes in it: %s",
	      said);
	check_pictures();
}

/* The hook wakes the card, and QEMU gets it, also where libvirt needs long to start that. */
static void starts(const struct pci_fn *pf, struct power *p)
{
	pid_t libvirtd = libvirt_start(), record;
	uint64_t start;

	libvirt_define("vm", "no", NULL);
	/* libvirt reads config space to find a slot for each device. */
	ctl_asleep(p, "domain defined");
	record = record_start(START);
	start = now_us();
	libvirt_run("vm");
	check_woken(pf, p, "domain started");
	record_end(record);
	check_run("grep '\"resume\".*\"task\":\"rtd3ctl\"' " START, "the hook has woken it");
	diag("%s; now: %s", said, pci_get(pf, "rtd3/last_wake"));
	check_no_off(p, NAP_MS, "a domain has it");
	virsh("destroy", "vm", NULL, NULL);
	if (since_ms(start) < HOOK_MS)
		sleep_ms(HOOK_MS - since_ms(start));
	ctl_asleep(p, "domain destroyed");
	for (int i = 0; i < rig.nr_fns; i++)
		check_str(pci_get(&rig.fn[i], "power/control"), "auto", "power/control of %s",
			  rig.fn[i].name);
	virsh("undefine", "vm", NULL, NULL);
	kill(libvirtd, SIGTERM);
	check(!wait_child(libvirtd, END_MS, NULL), "libvirtd ends");
}

static void purges(const struct pci_fn *pf)
{
	ctl(0, "unbind", "--persist", pf->name, NULL);
	ctl_drivers("", "unbind");
	check_run("modprobe -r " OURS, "modprobe -r");
	check_run("dpkg --purge rtd3-vfio-pci-dkms rtd3ctl", "dpkg --purge");
	check_run("! dpkg-query -W 'rtd3*' 2>/dev/null", "no package is left");
	check_run("[ -z \"$(dkms status)\" ] && ! modinfo " OURS, "no module");
	check_run("! find / -xdev -name '*rtd3*' | grep . && [ ! -e /run/rtd3ctl ]", "no file");
	check_run("! grep -rlI rtd3 /etc /usr/lib/modules/*/modules.*", "no word of it");
}

RIG_TEST(installed, "a host, from before the packages are installed until they are purged")
{
	static const char *const udevd[] = { "/usr/lib/systemd/systemd-udevd", "--daemon", NULL };
	const struct pci_fn *pf = &rig.fn[0];
	struct power p;

	if (!model_present())
		die("the power model");
	before(pf);
	root_install();
	if (root_run(said, sizeof(said), udevd))
		die("udevd: %s", said);
	/* The kernel asks for it where it has booted from, which has not got it. */
	check_run("modprobe vfio_iommu_type1", "modprobe vfio_iommu_type1");
	binds(pf, &p);
	draws(&p);
	starts(pf, &p);
	purges(pf);
}
