// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest does with PMCSR, through an fd as any VMM has it: D3hot becomes low power where it
 * may, D0 ends it, and what the guest sees is what hardware would show. t_owners.c has what comes
 * of it together with the user's own low power.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
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

#define GUEST_BAR	0xe8000000u
#define LEAVE_MS	20000

static unsigned int mem_bar(struct vfio_dev *d)
{
	/* The first memory BAR of each device of the rig that has registers to look at. */
	return PCI_BASE_ADDRESS_0 + 4 * dut_of(d->pf)->known.bar;
}

/* A guest's device: BAR, interrupt line and command set up, MSI written, a register changed. */
static void set_up(struct vfio_dev *d)
{
	unsigned int msi = vfio_find_cap(d, PCI_CAP_ID_MSI, 0);

	vfio_cfg_write(d, mem_bar(d), GUEST_BAR, 4);
	vfio_cfg_write(d, PCI_INTERRUPT_LINE, 0x2b, 1);
	dut_prepare(d);
	if (msi)
		vfio_cfg_write(d, msi + PCI_MSI_ADDRESS_LO, 0xfee00000, 4);
	dut_mark(d);
}

/* D3hot to D0 of a device with No_Soft_Reset clear, or of one that was off: as after a reset. */
static void check_reset_view(struct vfio_dev *d, const char *when)
{
	unsigned int msi = vfio_find_cap(d, PCI_CAP_ID_MSI, 0);
	unsigned int msix = vfio_find_cap(d, PCI_CAP_ID_MSIX, 0);

	check_eq(vfio_cfg(d, PCI_COMMAND, 2), 0, "%s: command", when);
	check_eq(vfio_cfg(d, mem_bar(d), 4) & ~0xfu, 0, "%s: BAR", when);
	check_eq(vfio_cfg(d, PCI_INTERRUPT_LINE, 1), 0, "%s: interrupt line", when);
	if (msi) {
		check_eq(vfio_cfg(d, msi + PCI_MSI_ADDRESS_LO, 4), 0, "%s: MSI address", when);
		check_eq(vfio_cfg(d, msi + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE, 0,
			 "%s: MSI enable", when);
	}
	if (msix)
		check_eq(vfio_cfg(d, msix + PCI_MSIX_FLAGS, 2) &
			 (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL), 0, "%s: MSI-X", when);
	check_eq(power_cfg(d->pf, PCI_COMMAND) & PCI_COMMAND_MASTER, 0,
		 "%s: it does not master the bus", when);
	vfio_cfg_write(d, mem_bar(d), GUEST_BAR, 4);
	check_eq(vfio_cfg(d, mem_bar(d), 4) & ~0xfu, GUEST_BAR, "%s: BAR written again", when);
	dut_prepare(d);
	check_known(d, when);
}

static void check_context_view(struct vfio_dev *d, const char *when)
{
	check_eq(vfio_cfg(d, PCI_COMMAND, 2) & 6, 6, "%s: command", when);
	check_eq(vfio_cfg(d, mem_bar(d), 4) & ~0xfu, GUEST_BAR, "%s: BAR", when);
	check_eq(vfio_cfg(d, PCI_INTERRUPT_LINE, 1), 0x2b, "%s: interrupt line", when);
	check_known(d, when);
}

/* One sleep by promotion, and back. */
static void promoted(struct vfio_dev *d, struct power *p, const char *when)
{
	unsigned long long n = rtd3_num(d->pf, "promotions");
	uint32_t bar = power_cfg(d->pf, mem_bar(d));

	set_up(d);
	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	check_guest(d, PCI_D3HOT, when);
	check_asleep(d->pf, p, when);
	check_guest(d, PCI_D3HOT, when);
	check_rtd3(d->pf, "guest_state", "D3hot", when);
	check_eq(rtd3_num(d->pf, "promotions"), n + 1, "%s: rtd3/stats/promotions", when);
	check_rtd3(d->pf, "blockers", "", when);
	check_no_on(p, 300, when);

	guest_set(d, PCI_D0);
	check_woken(d->pf, p, when);
	check_guest(d, PCI_D0, when);
	check_rtd3(d->pf, "guest_state", "D0", when);
	check_rtd3(d->pf, "health", "ok", when);
	check_eq(power_cfg(d->pf, mem_bar(d)), bar, "%s: the host's BAR", when);
	check_reset_view(d, when);
	check_mark_gone(d, when);
	check_no_off(p, 600, when);
}

/* A D3hot that is not promoted: power stays, and so does the context where hardware keeps it. */
static void not_promoted(struct vfio_dev *d, struct power *p, const char *when)
{
	unsigned int pm = vfio_find_cap(d, PCI_CAP_ID_PM, 0);

	set_up(d);
	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	check_no_off(p, 1000, when);
	check_guest(d, PCI_D3HOT, when);
	check_eq(power_cfg(d->pf, pm + PCI_PM_CTRL) & 3, 3, "%s: D3hot from outside", when);
	check_rtd3(d->pf, "guest_state", "D3hot", when);
	guest_set(d, PCI_D0);
	check_guest(d, PCI_D0, when);
	if (guest_loses(d)) {
		check_reset_view(d, when);
		return;
	}
	check_context_view(d, when);
	check_eq(dut_read(d, &dut_of(d->pf)->loses), dut_of(d->pf)->loses_val,
		 "%s: the device has kept %s", when, dut_of(d->pf)->loses.what);
}

static void modes(struct vfio_dev *d, struct power *p)
{
	check_rtd3(d->pf, "promote", "safe", "default");
	if (guest_loses(d))
		promoted(d, p, "safe, No_Soft_Reset clear");
	else
		not_promoted(d, p, "safe, No_Soft_Reset set");
	pci_set(d->pf, "rtd3/promote", "never");
	not_promoted(d, p, "never");
	check_eq(!(vfio_cfg(d, guest_pmcsr(d), 2) & PCI_PM_CTRL_NO_SOFT_RESET), guest_loses(d),
		 "never: No_Soft_Reset as the device has it");
	pci_set(d->pf, "rtd3/promote", "always");
	check_eq(vfio_cfg(d, guest_pmcsr(d), 2) & PCI_PM_CTRL_NO_SOFT_RESET, 0,
		 "always: No_Soft_Reset reads as clear");
	promoted(d, p, "always");
	promoted(d, p, "always, again");

	check_err(__pci_set(d->pf, "rtd3/promote", "perhaps"), -EINVAL, "promote=perhaps");
	check_rtd3(d->pf, "promote", "always", "after that");
}

/* promote is looked at when the guest writes D3hot. */
static void changed_asleep(struct vfio_dev *d, struct power *p)
{
	pci_set(d->pf, "rtd3/promote", "never");
	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	pci_set(d->pf, "rtd3/promote", "always");
	check_no_off(p, 600, "promote set in D3hot");
	guest_set(d, PCI_D3HOT);
	check_asleep(d->pf, p, "D3hot written again");
	pci_set(d->pf, "rtd3/promote", "never");
	check_no_on(p, 600, "promote reset in D3hot");
	guest_set(d, PCI_D0);
	check_woken(d->pf, p, "D0 after that");
	pci_set(d->pf, "rtd3/promote", "always");
	dut_prepare(d);
}

/* Writes in D3hot: what only the host knows of wakes nobody, the rest reaches the device. */
static void writes_asleep(struct vfio_dev *d, struct power *p)
{
	unsigned int pm = vfio_find_cap(d, PCI_CAP_ID_PM, 0);
	uint32_t line = vfio_cfg(d, PCI_CACHE_LINE_SIZE, 1) ^ 0x10;

	set_up(d);
	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	wait_asleep(d->pf, p);

	guest_set(d, PCI_D3HOT);
	guest_set(d, PCI_D1);
	check_guest(d, PCI_D3HOT, "D1 from D3hot");
	guest_set(d, PCI_D2);
	check_guest(d, PCI_D3HOT, "D2 from D3hot");
	vfio_cfg_write(d, pm + PCI_PM_CTRL, 0x8103, 2);
	check_eq(vfio_cfg(d, pm + PCI_PM_CTRL, 2) & 0x8103, 3, "PME bits stay the host's");
	vfio_cfg_write(d, mem_bar(d), 0xffffffff, 4);
	check_eq(vfio_cfg(d, mem_bar(d), 4),
		 ~(uint32_t)(d->region[dut_of(d->pf)->known.bar].size - 1) |
		 (vfio_cfg(d, mem_bar(d), 1) & 0xf), "BAR sized in D3hot");
	vfio_cfg_write(d, mem_bar(d), GUEST_BAR, 4);
	check_eq(vfio_cfg(d, mem_bar(d), 4) & ~0xfu, GUEST_BAR, "BAR set in D3hot");
	vfio_cfg_write(d, PCI_INTERRUPT_LINE, 0x11, 1);
	check_eq(vfio_cfg(d, PCI_INTERRUPT_LINE, 1), 0x11, "interrupt line set in D3hot");
	vfio_cfg_write(d, PCI_INTERRUPT_LINE, 0x2b, 1);
	check_no_on(p, 500, "none of these wakes it");

	vfio_cfg_write(d, PCI_CACHE_LINE_SIZE, line, 1);
	check_woken(d->pf, p, "a register of the device written in D3hot");
	check_guest(d, PCI_D3HOT, "after that");
	check_eq(vfio_cfg(d, PCI_CACHE_LINE_SIZE, 1), line, "it is what was written");
	check_asleep(d->pf, p, "after that");
	check_eq(vfio_cfg(d, PCI_CACHE_LINE_SIZE, 1), line, "it is what was written, asleep");

	guest_set(d, PCI_D0);
	check_woken(d->pf, p, "D0 after those writes");
	check_reset_view(d, "D0 after those writes");
}

/* D3hot and D0 within the autosuspend delay: no power cycle, and no other view. */
static void quickly(struct vfio_dev *d, struct power *p)
{
	set_up(d);
	*p = power_get(1);
	for (int i = 0; i < 20; i++) {
		guest_set(d, PCI_D3HOT);
		guest_set(d, PCI_D0);
	}
	check_guest(d, PCI_D0, "D3hot and D0 at once");
	check_no_off(p, 600, "D3hot and D0 at once");
	if (guest_loses(d))
		check_reset_view(d, "D3hot and D0 at once");
	else
		check_known(d, "D3hot and D0 at once");
}

static void policy(struct vfio_dev *d, struct power *p)
{
	pci_set(d->pf, "rtd3/policy", "d3hot");
	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	/* rtd3/state says D3hot at once: the guest's own. */
	check(pci_wait(d->pf, "power/runtime_status", "suspended", ASLEEP_TIMEOUT_MS),
	      "policy d3hot: suspended");
	check_hot(d->pf, p, "policy d3hot");
	check_guest(d, PCI_D3HOT, "policy d3hot");
	pci_set(d->pf, "rtd3/policy", "d3cold");
	check_asleep(d->pf, p, "policy d3cold again");
	guest_set(d, PCI_D0);
	check_woken(d->pf, p, "policy d3cold again");
	dut_prepare(d);
}

static void host_wake(struct vfio_dev *d, struct power *p)
{
	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	wait_asleep(d->pf, p);
	pci_sysfs_config32(d->pf, 0);
	check_woken(d->pf, p, "host looks at it");
	check_guest(d, PCI_D3HOT, "host looks at it");
	check_asleep(d->pf, p, "host has looked at it");
	guest_set(d, PCI_D0);
	dut_prepare(d);
	check_known(d, "host has looked at it");
}

static void resets(struct vfio_dev *d, struct power *p)
{
	unsigned int exp = vfio_find_cap(d, PCI_CAP_ID_EXP, 0);
	int ret;

	*p = power_get(1);
	guest_set(d, PCI_D3HOT);
	wait_asleep(d->pf, p);
	ret = __vfio_reset(d);
	check_err(ret, 0, "RESET in D3hot");
	check_woken(d->pf, p, "RESET in D3hot");
	check_guest(d, PCI_D0, "RESET in D3hot");
	dut_prepare(d);
	check_known(d, "RESET in D3hot");
	check_no_off(p, 600, "RESET in D3hot");

	if (!exp || !(vfio_cfg(d, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR)) {
		skip("the device has none", "function level reset in D3hot");
		return;
	}
	guest_set(d, PCI_D3HOT);
	wait_asleep(d->pf, p);
	vfio_cfg_write(d, exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
	check_woken(d->pf, p, "FLR in D3hot");
	check_guest(d, PCI_D0, "FLR in D3hot");
	dut_prepare(d);
	check_known(d, "FLR in D3hot");
	check_no_off(p, 600, "FLR in D3hot");
}

static struct user {
	int stays[2];
	struct vfio_dev d;
} user;

static int open_and_sleep(void *arg)
{
	struct user *u = arg;
	int ret = __vfio_open(&u->d, &rig.fn[0]);

	close(u->stays[1]);
	return ret ? 1 : __guest_set(&u->d, PCI_D3HOT);
}

static int close_when_told(void *arg)
{
	struct user *u = arg;
	char c;

	/* The other end is closed. */
	while (read(u->stays[0], &c, 1) == 1)
		;
	vfio_close(&u->d);
	return 0;
}

/* A user that goes away while its guest sleeps; the next one finds D0. */
static void leave(const struct pci_fn *pf, struct power *p, bool killed)
{
	const char *when = killed ? "killed in D3hot" : "closed in D3hot";
	struct vfio_dev d;
	pid_t pid;

	*p = power_get(1);
	if (pipe(user.stays))
		die("pipe: %s", strerror(errno));
	pid = rig_holder(open_and_sleep, close_when_told, &user);
	wait_asleep(pf, p);
	if (killed)
		rig_kill(pid, when);
	close(user.stays[1]);
	close(user.stays[0]);
	if (!killed)
		check_child(pid, LEAVE_MS, when);
	check(power_get(1).on > p->on, "%s: woken", when);
	check_asleep(pf, p, when);
	check_rtd3(pf, "guest_state", "D0", when);
	vfio_open(&d, pf);
	check_guest(&d, PCI_D0, when);
	check_known(&d, when);
	vfio_close(&d);
}

RIG_TEST(guest, "D3hot and D0 of a guest, through PMCSR")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;

	rig_load();
	pci_bind(pf, rig.driver);
	vfio_open(&d, pf);
	modes(&d, &p);
	changed_asleep(&d, &p);
	writes_asleep(&d, &p);
	quickly(&d, &p);
	policy(&d, &p);
	host_wake(&d, &p);
	resets(&d, &p);
	vfio_close(&d);
	leave(pf, &p, false);
	leave(pf, &p, true);
	pci_unbind(pf);
}
