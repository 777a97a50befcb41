// SPDX-License-Identifier: GPL-2.0-only
/* Function reset and hot reset while some of the devices concerned are suspended. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define SUSPEND_MS	10000

static void check_reset_state(struct vfio_dev *d, const char *when)
{
	check_mark_gone(d, when);
	check_known(d, when);
}

static bool wait_suspended(const struct pci_fn *pf)
{
	return pci_wait(pf, "power/runtime_status", "suspended", SUSPEND_MS);
}

static void function_reset(struct vfio_dev *d, struct power *p)
{
	/* A device without a reset of its own says so in its flags, and then the ioctl does. */
	int want = d->flags & VFIO_DEVICE_FLAGS_RESET ? 0 : -EINVAL;
	unsigned long long wakes = rig.ours ? rtd3_num(d->pf, "wakes_reset") : 0;
	int efd = vfio_eventfd();

	diag("%s: VFIO_DEVICE_FLAGS_RESET is %s", d->pf->name, want ? "clear" : "set");
	dut_locate(d);
	check_err(__vfio_reset(d), want, "RESET in D0");
	check_known(d, "after RESET in D0");

	dut_mark(d);
	*p = power_get(1);
	vfio_entry(d);
	wait_asleep(d->pf, p);
	check_err(__vfio_reset(d), want, "RESET in D3cold");
	check(power_get(1).on > p->on, "RESET in D3cold: _ON called");
	check_rtd3(d->pf, "last_wake", "reset", "RESET in D3cold");
	check_rtd3_grew(d->pf, "wakes_reset", wakes, "RESET in D3cold");
	check_asleep(d->pf, p, "low power goes on after RESET");
	check_err(__vfio_exit(d), 0, "EXIT after RESET in D3cold");
	check_woken(d->pf, p, "EXIT after RESET in D3cold");
	check_reset_state(d, "EXIT after RESET in D3cold");

	dut_mark(d);
	vfio_entry(d);
	check_err(__vfio_reset(d), want, "RESET right after ENTRY");
	check_err(__vfio_exit(d), 0, "EXIT after RESET right after ENTRY");
	check_known(d, "RESET right after ENTRY");

	*p = power_get(1);
	check_err(__vfio_entry_wakeup(d, efd), 0, "ENTRY_WITH_WAKEUP before RESET");
	wait_asleep(d->pf, p);
	check_err(__vfio_reset(d), want, "RESET with a wakeup eventfd");
	check_eq(vfio_eventfd_count(efd, 2000), 1, "RESET with a wakeup eventfd: signals");
	*p = power_get(1);
	check_no_off(p, 1500, "RESET with a wakeup eventfd: low power is over");
	check_known(d, "RESET with a wakeup eventfd");
	close(efd);
}

static void hot_reset_info(struct vfio_dev *d)
{
	struct vfio_pci_dependent_device devs[RIG_MAX_FNS];
	int n, seen = 0;

	n = __vfio_hot_reset_info(d, devs, RIG_MAX_FNS);
	check(n == rig.nr_fns, "GET_PCI_HOT_RESET_INFO: %d devices of %d", n, rig.nr_fns);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < rig.nr_fns; j++) {
			const struct pci_fn *pf = &rig.fn[j];

			seen += devs[i].segment == 0 && devs[i].bus == pf->bus &&
				devs[i].devfn == (pf->dev << 3 | pf->fn) &&
				devs[i].group_id == (unsigned int)pci_iommu_group(pf);
		}
	check(seen == rig.nr_fns, "GET_PCI_HOT_RESET_INFO: %d named with their groups", seen);
	check_err(__vfio_hot_reset_info(d, devs, 0), -ENOSPC, "GET_PCI_HOT_RESET_INFO: no room");
}

static void hot_reset_errors(struct vfio_dev *d)
{
	int fds[RIG_MAX_FNS + 1], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct vfio_group other;

	check_err(__vfio_hot_reset(d, 0, fds), -EINVAL, "PCI_HOT_RESET without a group");
	for (int i = 0; i <= rig.nr_fns; i++)
		fds[i] = d->group->fd;
	check_err(__vfio_hot_reset(d, rig.nr_fns + 1, fds), -EINVAL,
		  "PCI_HOT_RESET with more groups than devices");
	fds[0] = 1000;
	check_err(__vfio_hot_reset(d, 1, fds), -EBADF, "PCI_HOT_RESET with a closed fd");
	fds[0] = null;
	check_err(__vfio_hot_reset(d, 1, fds), -EINVAL, "PCI_HOT_RESET with no group fd");
	close(null);

	if (!rig.has_other)
		die("a device on the other port");
	pci_bind(&rig.other, rig.driver);
	vfio_group_open(&other, pci_iommu_group(&rig.other));
	fds[0] = other.fd;
	check_err(__vfio_hot_reset(d, 1, fds), -EINVAL,
		  "PCI_HOT_RESET with a group of another device");
	vfio_group_close(&other);
	pci_unbind(&rig.other);
}

static void hot_reset(struct vfio_dev *d, struct power *p)
{
	int fd = d->group->fd;

	dut_mark(d);
	check_err(__vfio_hot_reset(d, 1, &fd), 0, "PCI_HOT_RESET in D0");
	check_reset_state(d, "PCI_HOT_RESET in D0");

	dut_mark(d);
	*p = power_get(1);
	vfio_entry(d);
	wait_asleep(d->pf, p);
	check_err(__vfio_hot_reset(d, 1, &fd), 0, "PCI_HOT_RESET in D3cold");
	check(power_get(1).on > p->on, "PCI_HOT_RESET in D3cold: _ON called");
	check_rtd3(d->pf, "last_wake", "reset", "PCI_HOT_RESET in D3cold");
	check_asleep(d->pf, p, "low power goes on after PCI_HOT_RESET");
	hot_reset_errors(d);
	check_asleep(d->pf, p, "low power goes on after refused resets");
	check_err(__vfio_exit(d), 0, "EXIT after PCI_HOT_RESET");
	check_woken(d->pf, p, "EXIT after PCI_HOT_RESET");
	check_reset_state(d, "EXIT after PCI_HOT_RESET");
}

/* Who does not own all functions is refused before any of them is woken; the core wakes first. */
static void hot_reset_not_owned(struct vfio_dev *d, const struct pci_fn *sib)
{
	struct vfio_group other;
	unsigned long long n;

	pci_bind(&rig.other, rig.driver);
	vfio_group_open(&other, pci_iommu_group(&rig.other));
	n = rtd3_num(sib, "resumes");
	check_err(__vfio_hot_reset(d, 1, &other.fd), -EINVAL, "PCI_HOT_RESET without the group");
	check_eq(rtd3_num(sib, "resumes"), n, "PCI_HOT_RESET without the group: wakes nobody");
	check(wait_suspended(sib), "the sibling is suspended still");
	vfio_group_close(&other);
	pci_unbind(&rig.other);
}

/* The one that asks is awake, the other one is suspended: bound only, or open and in low power. */
static void hot_reset_sibling(struct vfio_dev *d, const struct pci_fn *sib, struct power *p)
{
	int fd = d->group->fd;
	struct vfio_dev s;

	if (!check_eq(pci_iommu_group(sib), d->group->nr, "the functions share a group"))
		return;
	check(wait_suspended(sib), "unused sibling is suspended, %s", pci_get(sib, "power_state"));
	if (rig.ours)
		hot_reset_not_owned(d, sib);
	dut_mark(d);
	check_err(__vfio_hot_reset(d, 1, &fd), 0, "PCI_HOT_RESET with an unused sibling");
	check_reset_state(d, "PCI_HOT_RESET with an unused sibling");
	check(wait_suspended(sib), "unused sibling is suspended again");

	vfio_dev_open(&s, d->group, sib);
	dut_mark(&s);
	vfio_entry(&s);
	check(wait_suspended(sib), "sibling in low power is suspended, %s",
	      pci_get(sib, "power_state"));
	*p = power_get(1);
	check_err(__vfio_hot_reset(d, 1, &fd), 0, "PCI_HOT_RESET with a sibling in low power");
	check_known(d, "PCI_HOT_RESET with a sibling in low power");
	check(wait_suspended(sib), "sibling in low power is suspended again");
	check_no_off(p, 1000, "the one that asked is awake");
	check_err(__vfio_exit(&s), 0, "sibling: EXIT");
	check_reset_state(&s, "sibling: EXIT");

	*p = power_get(1);
	vfio_entry(d);
	vfio_entry(&s);
	wait_asleep(sib, p);
	check_err(__vfio_hot_reset(&s, 1, &fd), 0, "PCI_HOT_RESET with both in D3cold");
	check_asleep(sib, p, "PCI_HOT_RESET with both in D3cold");
	vfio_exit(&s);
	vfio_exit(d);
	check_known(&s, "sibling: at the end");
	check_known(d, "first function: at the end");
	vfio_close(&s);
}

RIG_TEST(reset, "function reset and hot reset with suspended members")
{
	struct vfio_dev d;
	struct power p;

	rig_load();
	rig_bind_all();
	vfio_open(&d, &rig.fn[0]);
	function_reset(&d, &p);
	hot_reset_info(&d);
	hot_reset(&d, &p);
	if (rig.nr_fns > 1)
		hot_reset_sibling(&d, &rig.fn[1], &p);
	p = power_get(1);
	vfio_close(&d);
	check_asleep(&rig.fn[0], &p, "close");
}
