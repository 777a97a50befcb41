// SPDX-License-Identifier: GPL-2.0-only
/* RTD3_FEATURE_POWER: entries with a limit, mixed with features 3, 4 and 5. */
#include <errno.h>
#include <linux/pci_regs.h>
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

#define SIGNAL_MS	5000
#define CHILD_MS	20000
#define CYCLES		3

static void check_get(struct vfio_dev *d, uint32_t engaged, uint32_t limit, const char *when)
{
	struct rtd3_power get;

	rtd3_power_get(d, &get);
	check(get.low_power_state == engaged && get.deepest_state == limit,
	      "%s: GET says %s with limit %u (want %u with %u)", when,
	      get.low_power_state ? "entered" : "not entered", get.deepest_state, engaged, limit);
	check(!get.flags && !get.reserved && get.wakeup_eventfd == -1 && !get.reserved2,
	      "%s: GET leaves the rest 0, eventfd -1", when);
}

static void one_limit(struct vfio_dev *d, struct power *p, uint32_t limit)
{
	bool hot = limit == RTD3_STATE_D3HOT;
	const char *when = hot ? "entry with D3hot" : "entry with D3cold";
	const struct dut *t = dut_locate(d);

	vfio_write(d, t->loses.bar, t->loses.off, t->loses_val, t->loses.width);
	*p = power_get(1);
	check_err(__rtd3_enter(d, limit), 0, "%s", when);
	if (hot)
		check_hot(d->pf, p, when);
	else
		check_asleep(d->pf, p, when);
	check_get(d, RTD3_LOW_POWER_ENTER, limit, when);
	if (hot)
		check_hot(d->pf, p, when);
	else
		check_asleep(d->pf, p, when);
	check_err(__rtd3_exit(d), 0, "%s: EXIT", when);
	if (!hot)
		check_woken(d->pf, p, when);
	check_rtd3(d->pf, "last_state", hot ? "D3hot" : "D3cold", when);
	check_rtd3(d->pf, "last_wake", "exit", when);
	check_get(d, RTD3_LOW_POWER_EXIT, RTD3_STATE_D3COLD, "after EXIT");
	/* Without a power cycle QEMU loses nothing. */
	if (hot)
		check_eq(dut_read(d, &t->loses), t->loses_val, "%s: %s", when, t->loses.what);
	else
		check_eq(dut_read(d, &t->loses), t->reset_val, "%s: %s", when, t->loses.what);
	check_known(d, when);
	check_err(__rtd3_exit(d), 0, "%s: EXIT again", when);
	check_err(__vfio_exit(d), 0, "%s: feature 5 again", when);
}

/* The ways to enter and to leave. */
static int enter_hot(struct vfio_dev *d)
{
	return __rtd3_enter(d, RTD3_STATE_D3HOT);
}

static int enter_cold(struct vfio_dev *d)
{
	return __rtd3_enter(d, RTD3_STATE_D3COLD);
}

static const struct {
	const char *what;
	int (*enter)(struct vfio_dev *d);
	uint32_t limit;
} ways[] = {
	{ "feature 3", __vfio_entry, RTD3_STATE_D3COLD },
	{ "POWER D3hot", enter_hot, RTD3_STATE_D3HOT },
	{ "POWER D3cold", enter_cold, RTD3_STATE_D3COLD },
};

#define WAYS	(sizeof(ways) / sizeof(ways[0]))

static void double_entry(struct vfio_dev *d, const struct rtd3_region *r)
{
	int efd = vfio_eventfd();

	for (size_t i = 0; i < WAYS; i++) {
		bool by_power = i % 2;

		check_err(ways[i].enter(d), 0, "enter by %s", ways[i].what);
		for (size_t j = 0; j < WAYS; j++)
			check_err(ways[j].enter(d), -EINVAL, "%s, then %s", ways[i].what,
				  ways[j].what);
		check_err(__vfio_entry_wakeup(d, efd), -EINVAL, "%s, then feature 4",
			  ways[i].what);
		check_err(__rtd3_enter_wakeup(d, RTD3_STATE_D3HOT, efd), -EINVAL,
			  "%s, then POWER with wakeup", ways[i].what);
		check_get(d, RTD3_LOW_POWER_ENTER, ways[i].limit, ways[i].what);
		check(rtd3_engaged(d, r), "%s: still entered", ways[i].what);
		check_err(by_power ? __vfio_exit(d) : __rtd3_exit(d), 0, "%s left by %s",
			  ways[i].what, by_power ? "feature 5" : "POWER");
		check(!rtd3_engaged(d, r), "%s: left", ways[i].what);
		check_get(d, RTD3_LOW_POWER_EXIT, RTD3_STATE_D3COLD, ways[i].what);
	}
	check_eq(vfio_eventfd_count(efd, 0), 0, "eventfd of the refused entries");
	close(efd);
}

/* One feature's entry is really left by the other, from the real state. */
static void crossed(struct vfio_dev *d, struct power *p)
{
	*p = power_get(1);
	check_err(enter_cold(d), 0, "enter by POWER");
	check_asleep(d->pf, p, "entered by POWER");
	check_err(__vfio_exit(d), 0, "leave by feature 5");
	check_woken(d->pf, p, "left by feature 5");
	check_up(d->pf, p, "left by feature 5");
	check_err(enter_hot(d), 0, "enter by POWER with D3hot");
	check_hot(d->pf, p, "entered by POWER with D3hot");
	check_err(__vfio_exit(d), 0, "leave by feature 5");
	/* The limit was that entry's only. */
	check_err(__vfio_entry(d), 0, "enter by feature 3");
	check_asleep(d->pf, p, "entered by feature 3, after one with D3hot");
	check_err(__rtd3_exit(d), 0, "leave by POWER");
	check_woken(d->pf, p, "left by POWER");
	check_up(d->pf, p, "left by POWER");
	check_known(d, "left by POWER");
}

static void wakeup(struct vfio_dev *d, const struct rtd3_region *r, struct power *p,
		   uint32_t limit)
{
	const char *when = limit == RTD3_STATE_D3HOT ? "wakeup from D3hot" : "wakeup from D3cold";
	int efd = vfio_eventfd();

	*p = power_get(1);
	check_err(__rtd3_enter_wakeup(d, limit, efd), 0, "%s: enter", when);
	if (limit == RTD3_STATE_D3HOT)
		check_hot(d->pf, p, when);
	else
		check_asleep(d->pf, p, when);
	check_eq(vfio_eventfd_count(efd, 0), 0, "%s: eventfd while asleep", when);
	/* To look at config space in D3hot needs no wake. */
	check_eq(pci_sysfs_config32(d->pf, PCI_VENDOR_ID), pci_id(d->pf), "%s: the host looks",
		 when);
	if (limit == RTD3_STATE_D3HOT) {
		check_rtd3(d->pf, "state", "D3hot", when);
		pci_set(d->pf, "power/control", "on");
		pci_set(d->pf, "power/control", "auto");
	}
	check_eq(vfio_eventfd_count(efd, SIGNAL_MS), 1, "%s: eventfd", when);
	check_up(d->pf, p, when);
	check(!rtd3_engaged(d, r), "%s: low power is over", when);
	check_get(d, RTD3_LOW_POWER_EXIT, RTD3_STATE_D3COLD, when);
	check_err(__rtd3_exit(d), 0, "%s: EXIT", when);
	check_eq(vfio_eventfd_count(efd, 0), 0, "%s: eventfd after that", when);

	/* The next entry has its own limit. */
	*p = power_get(1);
	check_err(__vfio_entry(d), 0, "%s: plain ENTRY", when);
	check_asleep(d->pf, p, "plain ENTRY after one with wakeup");
	vfio_exit(d);
	check_known(d, when);
	close(efd);
}

/* An entry never goes deeper than the host allows, nor the host deeper than the entry. */
static void capped(struct vfio_dev *d, struct power *p)
{
	pci_set(d->pf, "rtd3/policy", "d3hot");
	check_get(d, RTD3_LOW_POWER_EXIT, RTD3_STATE_D3HOT, "policy d3hot");
	*p = power_get(1);
	check_err(enter_cold(d), 0, "policy d3hot: entry with D3cold");
	check_hot(d->pf, p, "policy d3hot, entry with D3cold");
	check_get(d, RTD3_LOW_POWER_ENTER, RTD3_STATE_D3HOT, "policy d3hot, entry with D3cold");
	pci_set(d->pf, "rtd3/policy", "d3cold");
	check_asleep(d->pf, p, "policy d3cold, entry with D3cold");
	check_err(__rtd3_exit(d), 0, "EXIT");

	*p = power_get(1);
	check_err(enter_hot(d), 0, "policy d3cold: entry with D3hot");
	check_hot(d->pf, p, "policy d3cold, entry with D3hot");
	pci_set(d->pf, "rtd3/policy", "off");
	check_up(d->pf, p, "policy off, entry with D3hot");
	check_get(d, RTD3_LOW_POWER_ENTER, RTD3_STATE_D0, "policy off, entry with D3hot");
	pci_set(d->pf, "rtd3/policy", "d3cold");
	check_hot(d->pf, p, "policy d3cold again, entry with D3hot");
	check_err(__rtd3_exit(d), 0, "EXIT");
}

static int open_and_enter(void *arg)
{
	static struct vfio_dev d;

	return __vfio_open(&d, arg) || enter_hot(&d);
}

static int unbind(void *arg)
{
	return -__pci_unbind(arg);
}

/* However the user goes, its limit goes with it. */
static void gone(const struct pci_fn *pf, struct power *p)
{
	struct vfio_dev d;
	pid_t user, unbinder;

	for (int i = 0; i < CYCLES; i++) {
		vfio_open(&d, pf);
		check_err(enter_hot(&d), 0, "entry with D3hot");
		*p = power_get(1);
		if (!i)
			check_hot(pf, p, "before close");
		vfio_close(&d);
		check_asleep(pf, p, i ? "closed at once" : "closed in D3hot");
	}

	user = rig_holder(open_and_enter, NULL, (void *)pf);
	*p = power_get(1);
	check_hot(pf, p, "before kill -9");
	rig_kill(user, "in D3hot");
	check_asleep(pf, p, "killed in D3hot");

	user = rig_holder(open_and_enter, NULL, (void *)pf);
	*p = power_get(1);
	check_hot(pf, p, "before unbind");
	unbinder = rig_child(unbind, (void *)pf);
	check(child_in(unbinder, "vfio_unregister_group_dev", CHILD_MS), "unbind waits");
	rig_kill(user, "while the device is being unbound");
	check_child(unbinder, CHILD_MS, "unbind");
	check_str(pci_driver(pf), "", "unbound");
	rig_modprobe("vfio-pci");
	*p = power_get(1);
	pci_bind(pf, "vfio-pci");
	check_asleep(pf, p, "vfio-pci after an entry with D3hot");
	pci_unbind(pf);
	*p = power_get(1);
	pci_bind(pf, rig.driver);
	check_asleep(pf, p, "ours again");
}

RIG_TEST(power, "RTD3_FEATURE_POWER and the limit of an entry")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct rtd3_region r;
	struct vfio_dev d;
	struct power p;

	rig_load();
	rig_bind_all();
	vfio_open(&d, pf);
	rtd3_region_find(&d, &r);
	check_err(__rtd3_exit(&d), 0, "EXIT while not entered");
	check_get(&d, RTD3_LOW_POWER_EXIT, RTD3_STATE_D3COLD, "open");
	one_limit(&d, &p, RTD3_STATE_D3HOT);
	one_limit(&d, &p, RTD3_STATE_D3COLD);
	one_limit(&d, &p, RTD3_STATE_D3HOT);
	double_entry(&d, &r);
	crossed(&d, &p);
	wakeup(&d, &r, &p, RTD3_STATE_D3HOT);
	wakeup(&d, &r, &p, RTD3_STATE_D3COLD);
	capped(&d, &p);
	p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, &p, "close");
	gone(pf, &p);
	check_eq(rtd3_num(pf, "failures"), 0, "rtd3/stats/failures");
}
