// SPDX-License-Identifier: GPL-2.0-only
/* rtd3ctl in a Debian root file system, with the driver, udev and a card as they are. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "dut.h"
#include "fault.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "root.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define OURS		"rtd3_vfio_pci"
#define RULES		"/etc/udev/rules.d/79-rtd3.rules"
#define STAYS_MS	1000
#define CYCLES		"5"
#define RULE_MS		60000	/* a busy machine's udev */

/* What udev's programs said last */
static char said[1024];

/* What only looks leaves it asleep. */
static void looks(struct power *p)
{
	const char *bdf = rig.fn[0].name;

	ctl(0, "list", NULL, NULL, NULL);
	ctl_said(bdf, "list");
	ctl_said("D3cold", "list");
	ctl(0, "status", bdf, NULL, NULL);
	ctl_said("D3cold", "status");
	ctl_said(RIG_PORT1, "status");
	ctl(0, "status", bdf, "--json", NULL);
	ctl(0, "metrics", NULL, NULL, NULL);
	ctl_said(bdf, "metrics");
	__ctl("doctor", bdf, NULL, NULL);
	ctl_said("it can reach D3cold", "doctor");
	ctl_said("health: it works", "doctor");
	__ctl("doctor", bdf, "--json", NULL);
	ctl_said("\"depth\"", "doctor --json");
	check_no_on(p, STAYS_MS, "all that only looks");
}

/* Real rules, read by a real udev. */
static void keeps(const struct pci_fn *pf)
{
	static const char *const udevd[] = { "/usr/lib/systemd/systemd-udevd", "--daemon", NULL };

	if (root_run(said, sizeof(said), udevd))
		die("udevd: %s", said);
	ctl(0, "set", pf->name, "policy=d3hot", "--persist");
	check_rtd3(pf, "policy", "d3hot", "set --persist");
	ctl(CTL_USAGE, "set", pf->name, "policy=d4", NULL);
	check_rtd3(pf, "policy", "d3hot", "set to something else");
	ctl(0, "unbind", pf->name, NULL, NULL);
	ctl(0, "bind", pf->name, NULL, NULL);
	check(pci_wait(pf, "rtd3/policy", "d3hot", RULE_MS), "bound again: rtd3/policy: %s",
	      pci_get(pf, "rtd3/policy"));
	ctl(0, "set", pf->name, "--forget", NULL);
	ctl(0, "set", pf->name, "policy=d3cold", NULL);
}

/* udev runs rtd3ctl for that, and has read the rule when that has ended. */
static bool remembered(const struct pci_fn *pf)
{
	static const char *const settle[] = { "udevadm", "settle", NULL };
	const char *const grep[] = { "grep", pf->name, RULES, NULL };
	uint64_t start = now_us();
	int ret;

	do {
		ret = root_run(said, sizeof(said), grep);
		if (ret)
			sleep_ms(200);
	} while (ret && since_ms(start) < RULE_MS);
	diag("%s", said);
	return !ret && !root_run(said, sizeof(said), settle);
}

/* What a device has learnt is its rule's by the time it is bound again, by a new module, too. */
static void learns(const struct pci_fn *pf, struct power *p)
{
	ctl_asleep(p, "before a failure");
	model_fault(MODEL_ON_IGNORED, 1);
	pci_sysfs_config32(pf, 0);
	check_str(fault_health(pf, RULE_MS), "ok", "dead once: rtd3/health");
	model_clear();
	check_rtd3(pf, "fallback", "d3hot", "dead once");
	check(remembered(pf), "dead once: the rule for %s", pf->name);
	ctl(0, "unbind", pf->name, NULL, NULL);
	check(!rig_modprobe_remove(OURS), "modprobe -r");
	ctl(0, "bind", pf->name, NULL, NULL);
	check(pci_wait(pf, "rtd3/limit", "d3hot", RULE_MS), "a new module: rtd3/limit: %s",
	      pci_get(pf, "rtd3/limit"));
	ctl(0, "set", pf->name, "fallback=none", "--persist");
	for (int i = 0; i < rig.nr_fns; i++)
		ctl(0, "set", rig.fn[i].name, "--forget", NULL);
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "rtd3/policy", "d3cold");
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "rtd3/fallback", "none");
}

/* Power cycles, counted from outside; what it has changed for them is as before. */
static void tests_itself(const struct pci_fn *pf, struct power *p)
{
	char delay[32];
	unsigned int offs;

	snprintf(delay, sizeof(delay), "%s", pci_get(pf, "power/autosuspend_delay_ms"));
	offs = power_get(1).off;
	ctl(0, "selftest", pf->name, "--cycles=" CYCLES, NULL);
	ctl_said("99%", "selftest");
	check(power_get(1).off - offs >= 5, "selftest: power-offs: %u", power_get(1).off - offs);
	check_str(pci_get(pf, "power/autosuspend_delay_ms"), delay, "selftest: autosuspend delay");
	pci_set(pf, "rtd3/policy", "d3hot");
	ctl(CTL_REFUSED, "selftest", pf->name, NULL, NULL);
	pci_set(pf, "rtd3/policy", "d3cold");
	ctl_asleep(p, "after selftest");
	*p = power_get(1);
	ctl(0, "watch", "--once", NULL, NULL);
	ctl_said(pf->name, "watch --once");
	check_no_on(p, STAYS_MS, "watch --once");
}

RIG_TEST(ctl, "rtd3ctl on a card")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;

	if (!model_present())
		die("the power model");
	root_mount();
	__ctl("doctor", pf->name, NULL, NULL);
	ctl_said("_PR3", "doctor, nothing loaded");
	ctl_said("rtd3ctl bind", "doctor, nothing loaded");
	check(!rig_module_loaded(OURS), "doctor loads nothing");

	p = power_get(1);
	ctl(0, "bind", pf->name, "--dry-run", NULL);
	ctl_drivers("", "bind --dry-run");
	ctl(0, "bind", pf->name, NULL, NULL);
	ctl_drivers(OURS, "bind");
	ctl_asleep(&p, "bind");
	ctl(0, "bind", pf->name, NULL, NULL);
	ctl_said("bound already", "bind again");
	looks(&p);
	tests_itself(pf, &p);

	ctl(0, "wake", pf->name, NULL, NULL);
	check_woken(pf, &p, "wake");
	vfio_open(&d, pf);
	check_known(&d, "after wake");
	ctl(CTL_REFUSED, "unbind", pf->name, NULL, NULL);
	ctl_drivers(OURS, "unbind of an open device");
	vfio_close(&d);
	ctl(CTL_NODEV, "status", "0000:7f:00.0", NULL, NULL);

	keeps(pf);
	learns(pf, &p);
	ctl(0, "unbind", pf->name, NULL, NULL);
	ctl_drivers("", "unbind");
}
