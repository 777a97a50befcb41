// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's low power (U: features 3, 4, 5, RTD3_FEATURE_POWER) and its guest's D3hot, promoted
 * (P): whoever comes second does not break the first, and neither ends the other.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define EVENT_MS	2000

static struct rtd3_region region;

static void check_info(struct vfio_dev *d, bool user, bool guest, const char *when)
{
	struct rtd3_info info;

	rtd3_region_info(d, &region, &info);
	check_eq(!!(info.flags & RTD3_INFO_ENGAGED), user, "%s: RTD3_INFO_ENGAGED", when);
	check_eq(!!(info.flags & RTD3_INFO_PROMOTED), guest, "%s: RTD3_INFO_PROMOTED", when);
}

static void awake(struct vfio_dev *d, struct power *p, const char *when)
{
	check_info(d, false, false, when);
	check_guest(d, PCI_D0, when);
	dut_prepare(d);
	check_known(d, when);
	check_no_off(p, 500, when);
}

static void sleep_guest(struct vfio_dev *d, struct power *p)
{
	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	wait_asleep(d->pf, p);
}

/* P, then U and its end: P stays. */
static void guest_first(struct vfio_dev *d, struct power *p)
{
	struct rtd3_power get;

	sleep_guest(d, p);
	check_info(d, false, true, "P");
	rtd3_power_get(d, &get);
	check_eq(get.low_power_state, RTD3_LOW_POWER_EXIT, "P: GET tells of the user's alone");
	check_err(__vfio_exit(d), 0, "P: EXIT without ENTRY");
	check_asleep(d->pf, p, "P, after EXIT without ENTRY");

	check_err(__vfio_entry(d), 0, "P: ENTRY");
	check_err(__vfio_entry(d), -EINVAL, "P and U: second ENTRY");
	check_err(__vfio_entry_wakeup(d, vfio_eventfd()), -EINVAL, "P and U: ENTRY_WITH_WAKEUP");
	check_asleep(d->pf, p, "P and U");
	check_info(d, true, true, "P and U");
	rtd3_power_get(d, &get);
	check_eq(get.low_power_state, RTD3_LOW_POWER_ENTER, "P and U: GET");
	check_guest(d, PCI_D3HOT, "P and U");
	check_err(__vfio_exit(d), 0, "P and U: EXIT");
	check_info(d, false, true, "P and U, after EXIT");
	check_asleep(d->pf, p, "P and U, after EXIT");
	check_guest(d, PCI_D3HOT, "P and U, after EXIT");
	guest_set(d, PCI_D0);
	check_woken(d->pf, p, "P ends");
	awake(d, p, "P ends");
}

/* P, then U; P ends: U stays, and reads wake as they do in U. */
static void guest_leaves(struct vfio_dev *d, struct power *p)
{
	sleep_guest(d, p);
	check_err(__vfio_entry(d), 0, "P: ENTRY");
	check_asleep(d->pf, p, "P and U");
	guest_set(d, PCI_D0);
	check_woken(d->pf, p, "P ends, U stays");
	check_info(d, true, false, "P ends, U stays");
	check_asleep(d->pf, p, "P ends, U stays");
	check_guest(d, PCI_D0, "P ends, U stays");
	check_woken(d->pf, p, "read of PMCSR in U");
	check_err(__vfio_exit(d), 0, "U ends");
	*p = power_get(1);
	awake(d, p, "U ends");
}

/* U, then P, and their ends in either order. */
static void user_first(struct vfio_dev *d, struct power *p, bool guest_ends_first)
{
	const char *when = guest_ends_first ? "U, P, P ends" : "U, P, U ends";

	*p = power_get(1);
	vfio_entry(d);
	wait_asleep(d->pf, p);
	guest_set(d, PCI_D3HOT);
	check_woken(d->pf, p, "U: D3hot written");
	check_info(d, true, true, "U, then P");
	check_asleep(d->pf, p, "U, then P");
	check_guest(d, PCI_D3HOT, "U, then P");
	check_no_on(p, 300, "U, then P: read of PMCSR");
	if (guest_ends_first) {
		guest_set(d, PCI_D0);
		check_info(d, true, false, when);
		check_asleep(d->pf, p, when);
		check_err(__vfio_exit(d), 0, "U ends");
	} else {
		check_err(__vfio_exit(d), 0, "U ends");
		check_info(d, false, true, when);
		check_asleep(d->pf, p, when);
		guest_set(d, PCI_D0);
	}
	*p = power_get(1);
	awake(d, p, when);
}

/* A user's wakeup eventfd ends U at a wake, by whomever; P is taken up again. */
static void wakeup(struct vfio_dev *d, struct power *p)
{
	int efd = vfio_eventfd();

	check_err(__vfio_entry_wakeup(d, efd), 0, "ENTRY_WITH_WAKEUP");
	check_asleep(d->pf, p, "U with wakeup");
	guest_set(d, PCI_D3HOT);
	check_eq(vfio_eventfd_count(efd, EVENT_MS), 1, "U with wakeup: D3hot written: eventfd");
	check_info(d, false, true, "U with wakeup: D3hot written");
	check_asleep(d->pf, p, "U with wakeup: D3hot written");

	check_err(__vfio_entry_wakeup(d, efd), 0, "P: ENTRY_WITH_WAKEUP");
	check_asleep(d->pf, p, "P and U with wakeup");
	check_info(d, true, true, "P and U with wakeup");
	check_guest(d, PCI_D3HOT, "P and U with wakeup");
	check_eq(vfio_eventfd_count(efd, 300), 0, "P and U with wakeup: a read is no wake");
	check_no_on(p, 300, "P and U with wakeup: a read");
	pci_sysfs_config32(d->pf, 0);
	check_eq(vfio_eventfd_count(efd, EVENT_MS), 1, "host looks at it: eventfd");
	check_asleep(d->pf, p, "host has looked at it: P is left");
	check_info(d, false, true, "host has looked at it");
	check_guest(d, PCI_D3HOT, "host has looked at it");

	check_err(__vfio_entry_wakeup(d, -1), -EINVAL, "P: ENTRY_WITH_WAKEUP, eventfd -1");
	check_err(__vfio_entry_wakeup(d, d->fd), -EINVAL, "P: ENTRY_WITH_WAKEUP, no eventfd");
	check_err(__vfio_entry_wakeup(d, 999), -EBADF, "P: ENTRY_WITH_WAKEUP, no fd");
	check_asleep(d->pf, p, "refused entries leave P");
	check_info(d, false, true, "refused entries leave P");

	check_err(__vfio_entry_wakeup(d, efd), 0, "P: ENTRY_WITH_WAKEUP");
	wait_asleep(d->pf, p);
	guest_set(d, PCI_D0);
	check_eq(vfio_eventfd_count(efd, EVENT_MS), 1, "P ends: eventfd");
	*p = power_get(1);
	awake(d, p, "P ends, and U with wakeup by that");
	close(efd);
}

/* The limit of U counts while U lasts. */
static void limit(struct vfio_dev *d, struct power *p)
{
	sleep_guest(d, p);
	check_err(__rtd3_enter(d, RTD3_STATE_D3HOT), 0, "P: ENTER with D3hot");
	*p = power_get(1);
	check(pci_wait(d->pf, "power/runtime_status", "suspended", ASLEEP_TIMEOUT_MS),
	      "P and U with D3hot: suspended");
	check_hot(d->pf, p, "P and U with D3hot");
	check_guest(d, PCI_D3HOT, "P and U with D3hot");
	check_err(__vfio_exit(d), 0, "P and U with D3hot: EXIT");
	check_asleep(d->pf, p, "the limit went with U");
	guest_set(d, PCI_D0);
	*p = power_get(1);
	awake(d, p, "the limit went with U");
}

/* RESET ends P, and not U. */
static void reset(struct vfio_dev *d, struct power *p)
{
	sleep_guest(d, p);
	check_err(__vfio_entry(d), 0, "P: ENTRY");
	check_err(__vfio_reset(d), 0, "P and U: RESET");
	check_info(d, true, false, "P and U: RESET");
	check_asleep(d->pf, p, "P and U: RESET");
	check_err(__vfio_exit(d), 0, "U ends");
	*p = power_get(1);
	awake(d, p, "RESET");
}

static int enter_shadow(struct vfio_dev *d, uint32_t flags, int efd)
{
	struct rtd3_power set = {
		.low_power_state = RTD3_LOW_POWER_ENTER,
		.deepest_state = RTD3_STATE_D3COLD,
		.flags = flags,
		.wakeup_eventfd = efd,
	};

	return __rtd3_feature(d, VFIO_DEVICE_FEATURE_SET | RTD3_FEATURE_POWER, &set, sizeof(set),
			      -1);
}

/* RTD3_POWER_SHADOW: U whose reads do not wake; by default they do. */
static void shadow(struct vfio_dev *d, struct power *p)
{
	uint32_t id = vfio_cfg(d, 0, 4);
	int efd = vfio_eventfd();

	check_err(enter_shadow(d, RTD3_POWER_SHADOW, 0), 0, "ENTER with SHADOW");
	check_asleep(d->pf, p, "U with SHADOW");
	check_eq(vfio_cfg(d, 0, 4), id, "U with SHADOW: id");
	check_guest(d, PCI_D0, "U with SHADOW");
	check_no_on(p, 300, "U with SHADOW: reads");
	vfio_cfg_write(d, PCI_COMMAND, vfio_cfg(d, PCI_COMMAND, 2), 2);
	check_woken(d->pf, p, "U with SHADOW: a write");
	check_asleep(d->pf, p, "U with SHADOW: a write");
	check_err(__vfio_exit(d), 0, "U with SHADOW ends");
	check_err(__vfio_entry(d), 0, "U without SHADOW");
	wait_asleep(d->pf, p);
	check_eq(vfio_cfg(d, 0, 4), id, "U without SHADOW: id");
	check_woken(d->pf, p, "U without SHADOW: a read");
	check_err(__vfio_exit(d), 0, "U without SHADOW ends");

	check_err(enter_shadow(d, RTD3_POWER_SHADOW | RTD3_POWER_WAKEUP, efd), 0,
		  "ENTER with SHADOW and WAKEUP");
	wait_asleep(d->pf, p);
	check_eq(vfio_cfg(d, 0, 4), id, "U with SHADOW and WAKEUP: id");
	check_no_on(p, 300, "U with SHADOW and WAKEUP: reads");
	pci_sysfs_config32(d->pf, 0);
	check_eq(vfio_eventfd_count(efd, EVENT_MS), 1, "U with SHADOW and WAKEUP: woken");
	*p = power_get(1);
	awake(d, p, "U with SHADOW and WAKEUP: woken");
	check_err(enter_shadow(d, 4, 0), -EINVAL, "ENTER with an unknown flag");
	close(efd);
}

RIG_TEST(owners, "low power of the user and of its guest")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;

	rig_load();
	pci_bind(pf, rig.driver);
	pci_set(pf, "rtd3/promote", "always");
	vfio_open(&d, pf);
	rtd3_region_find(&d, &region);
	dut_prepare(&d);
	guest_first(&d, &p);
	guest_leaves(&d, &p);
	user_first(&d, &p, true);
	user_first(&d, &p, false);
	wakeup(&d, &p);
	limit(&d, &p);
	reset(&d, &p);
	shadow(&d, &p);
	vfio_close(&d);
	pci_unbind(pf);
}
