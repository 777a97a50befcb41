// SPDX-License-Identifier: GPL-2.0-only
/* rtd3/policy: how deep the host lets a device sleep, changed in every state. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define CHILD_MS	20000

static void policy(const struct pci_fn *pf, const char *val)
{
	pci_set(pf, "rtd3/policy", val);
}

static int write_policy(void *val)
{
	return -__pci_set(&rig.fn[0], "rtd3/policy", val);
}

/* As an administrator's shell does, while another process holds the device. */
static void policy_by_other(const char *val)
{
	char when[64];

	snprintf(when, sizeof(when), "policy %s written by a second process", val);
	check_child(rig_child(write_policy, (void *)val), CHILD_MS, when);
}

static void values(const struct pci_fn *pf, struct power *p)
{
	static const char *const bad[] = {
		"\n", "D3cold", "d3", "d3hotter", "d3cold off", "0", "-1", "on", "auto",
	};
	char room[5000];

	check_rtd3(pf, "policy", "d3cold", "bound");
	check_asleep(pf, p, "policy d3cold, the default");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_err(__pci_set(pf, "rtd3/policy", bad[i]), -EINVAL, "policy '%s'",
			  bad[i][0] == '\n' ? "\\n" : bad[i]);
	memset(room, 'd', sizeof(room) - 1);
	room[sizeof(room) - 1] = '\0';
	check(__pci_set(pf, "rtd3/policy", room) < 0, "policy of 4999 letters refused");
	check_rtd3(pf, "policy", "d3cold", "after refused values");
	check_no_on(p, 500, "after refused values");
	policy(pf, "d3cold\n");
	check_rtd3(pf, "policy", "d3cold", "the same value again");
	check_no_on(p, 500, "the same value again");
}

/* All changes, with nobody but the host there. */
static void idle(const struct pci_fn *pf, struct power *p)
{
	uint64_t start = now_us();

	policy(pf, "d3hot");
	diag("idle, d3hot: written in %ld ms", since_ms(start));
	check_rtd3(pf, "policy", "d3hot", "idle, d3hot");
	check_woken(pf, p, "idle, d3cold to d3hot");
	check_hot(pf, p, "idle, d3cold to d3hot");
	check_rtd3(pf, "predicted", "D3hot", "idle, d3hot");

	policy(pf, "off");
	check_up(pf, p, "idle, d3hot to off");
	check_rtd3(pf, "policy", "off", "idle, off");
	check_rtd3(pf, "predicted", "D0", "idle, off");
	policy(pf, "d3hot");
	check_hot(pf, p, "idle, off to d3hot");
	policy(pf, "d3cold");
	check_asleep(pf, p, "idle, d3hot to d3cold");
	check_rtd3(pf, "state", "D3cold", "idle, d3hot to d3cold");
	check_no_on(p, 500, "idle, d3hot to d3cold");

	policy(pf, "off");
	check_woken(pf, p, "idle, d3cold to off");
	check_up(pf, p, "idle, d3cold to off");
	policy(pf, "d3cold");
	check_asleep(pf, p, "idle, off to d3cold");
	check_rtd3(pf, "predicted", "D3cold", "idle, d3cold");
}

/* Changes while a user has it open and awake: they count from close on. */
static void over_open(const struct pci_fn *pf, struct power *p)
{
	struct vfio_dev d;

	vfio_open(&d, pf);
	check_woken(pf, p, "open");
	policy_by_other("d3hot");
	check_known(&d, "open, d3hot");
	check_up(pf, p, "open, d3hot");
	vfio_close(&d);
	check_hot(pf, p, "closed, d3hot");

	vfio_open(&d, pf);
	check_known(&d, "open from D3hot");
	policy_by_other("off");
	vfio_close(&d);
	check_up(pf, p, "closed, off");
	vfio_open(&d, pf);
	check_known(&d, "open from D0");
	policy_by_other("d3cold");
	check_up(pf, p, "open, d3cold");
	check_known(&d, "open, d3cold");
	vfio_close(&d);
	check_asleep(pf, p, "closed, d3cold");
}

static void check_engaged(struct vfio_dev *d, const struct rtd3_region *r, const char *when)
{
	check(rtd3_engaged(d, r), "%s: low power stays entered", when);
}

/* Every flip while the user is in low power: the state follows, the entry stays. */
static void engaged(const struct pci_fn *pf, struct power *p)
{
	unsigned long long exits;
	struct rtd3_region r;
	struct vfio_dev d;

	vfio_open(&d, pf);
	rtd3_region_find(&d, &r);
	*p = power_get(1);
	vfio_entry(&d);
	check_asleep(d.pf, p, "ENTRY");
	exits = rtd3_num(pf, "wakes_exit");

	policy_by_other("d3hot");
	check_woken(pf, p, "ENTRY, d3cold to d3hot");
	check_hot(pf, p, "ENTRY, d3cold to d3hot");
	check_engaged(&d, &r, "ENTRY, d3hot");
	check_err(__vfio_entry(&d), -EINVAL, "ENTRY, d3hot: second ENTRY");
	check_hot(pf, p, "ENTRY, d3hot, after a second one");

	policy(pf, "off");
	check_up(pf, p, "ENTRY, d3hot to off");
	check_engaged(&d, &r, "ENTRY, off");
	check_err(__vfio_entry(&d), -EINVAL, "ENTRY, off: second ENTRY");
	check_eq(vfio_cfg(&d, 0, 4), pci_id(pf), "ENTRY, off: id");

	policy_by_other("d3cold");
	check_asleep(pf, p, "ENTRY, off to d3cold");
	check_engaged(&d, &r, "ENTRY, d3cold");
	policy(pf, "off");
	check_woken(pf, p, "ENTRY, d3cold to off");
	policy(pf, "d3hot");
	check_hot(pf, p, "ENTRY, off to d3hot");
	policy(pf, "d3cold");
	check_asleep(pf, p, "ENTRY, d3hot to d3cold");
	check_engaged(&d, &r, "ENTRY, d3cold again");
	check_eq(rtd3_num(pf, "wakes_exit"), exits, "no wake of all these counts as exit");

	check_err(__vfio_exit(&d), 0, "EXIT");
	check_woken(pf, p, "EXIT");
	check(!rtd3_engaged(&d, &r), "EXIT: low power left");
	check_rtd3_grew(pf, "wakes_exit", exits, "EXIT");
	check_known(&d, "EXIT");

	/* Left while off. */
	vfio_entry(&d);
	policy(pf, "off");
	check_err(__vfio_exit(&d), 0, "EXIT while off");
	policy(pf, "d3cold");
	*p = power_get(1);
	check_up(pf, p, "EXIT while off, then d3cold");
	vfio_close(&d);
	check_asleep(pf, p, "close");
}

/* The user's own knob has its say, but cannot lift our limit. */
static void with_d3cold_allowed(const struct pci_fn *pf, struct power *p)
{
	policy(pf, "d3hot");
	check_hot(pf, p, "policy d3hot");
	set_d3cold_allowed(pf, "0");
	set_d3cold_allowed(pf, "1");
	check_hot(pf, p, "policy d3hot, d3cold_allowed 0 and 1");
	set_d3cold_allowed(pf, "0");
	policy(pf, "d3cold");
	check_hot(pf, p, "policy d3cold, d3cold_allowed 0");
	policy(pf, "d3hot");
	set_d3cold_allowed(pf, "1");
	check_hot(pf, p, "policy d3hot, d3cold_allowed 1 later");
	check_str(pci_get(pf, "d3cold_allowed"), "1", "d3cold_allowed as the user wrote it");
	policy(pf, "d3cold");
	check_asleep(pf, p, "policy d3cold, d3cold_allowed 1");
	check_str(pci_get(pf, "power/control"), "auto", "power/control as it was");
}

static void stock_sleeps(const struct pci_fn *pf, struct power *p, const char *when)
{
	pci_unbind(pf);
	check_str(pci_get(pf, "power/runtime_status"), "active", "%s, unbound", when);
	*p = power_get(1);
	pci_bind(pf, "vfio-pci");
	check_asleep(pf, p, when);
	pci_unbind(pf);
	*p = power_get(1);
	pci_bind(pf, rig.driver);
	check_rtd3(pf, "policy", "d3cold", when);
	check_asleep(pf, p, "bound to ours again");
}

/* Nothing of a limit is left for the next driver. */
static void unbind(const struct pci_fn *pf, struct power *p)
{
	rig_modprobe("vfio-pci");
	policy(pf, "d3hot");
	check_hot(pf, p, "d3hot before unbind");
	stock_sleeps(pf, p, "vfio-pci after policy d3hot");
	policy(pf, "off");
	check_up(pf, p, "off before unbind");
	stock_sleeps(pf, p, "vfio-pci after policy off");
}

RIG_TEST(policy, "rtd3/policy, idle and in low power")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p;

	rig_load();
	p = power_get(1);
	rig_bind_all();
	values(pf, &p);
	idle(pf, &p);
	over_open(pf, &p);
	engaged(pf, &p);
	with_d3cold_allowed(pf, &p);
	unbind(pf, &p);
	check_eq(rtd3_num(pf, "failures"), 0, "rtd3/stats/failures");
}
