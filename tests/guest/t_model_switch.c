// SPDX-License-Identifier: GPL-2.0-only
/* The power model with a switch below the port: what each port loses, who can fail alone. */
#include <linux/pci_regs.h>

#include "dut.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"
#include "wake.h"

#define DELAY_MS	700
#define LOOK_MS		2000
#define RETRY_ID	0xffff0001u
#define PORT_PMC	0xc803

static const struct pci_fn port = { .name = RIG_PORT1, .dev = 4 };
/* The switch's upstream port, and the one above the first function. */
static const struct pci_fn *up, *down;

static unsigned int buses(const struct pci_fn *bridge)
{
	return pci_raw_config32(bridge, PCI_PRIMARY_BUS) & 0xffffff;
}

static unsigned int pmcsr(const struct pci_fn *pf)
{
	return pci_raw_config32(pf, pci_raw_cap(pf, PCI_CAP_ID_PM) + PCI_PM_CTRL) & 0xffff;
}

static void check_id(const struct pci_fn *pf, uint32_t want, const char *when)
{
	check_eq(pci_raw_config32(pf, 0), want, "%s: id of %s by CF8/CFC", when, pf->name);
	check_eq(power_cfg(pf, 0), want, "%s: id of %s from outside", when, pf->name);
}

static void check_ids(bool alive, const char *when)
{
	for (int i = 0; i < rig.nr_bridges; i++)
		check_id(&rig.bridge[i], alive ? pci_id(&rig.bridge[i]) : ALL_ONES, when);
	for (int i = 0; i < rig.nr_fns; i++)
		check_id(&rig.fn[i], alive ? pci_id(&rig.fn[i]) : ALL_ONES, when);
}

static void equipment(void)
{
	for (int i = 0; i < rig.nr_bridges; i++) {
		const struct pci_fn *b = &rig.bridge[i];

		check_eq(pci_raw_config32(b, pci_raw_cap(b, PCI_CAP_ID_PM)) >> 16, PORT_PMC,
			 "%s: PM capabilities", b->name);
		if (b == up)
			continue;
		check(pci_raw_exp16(b, PCI_EXP_LNKSTA) & PCI_EXP_LNKSTA_DLLLA, "%s: Link Active",
		      b->name);
	}
	check_ids(true, "boot");
}

/* The kernel brings all of it to D3cold, and back. */
static void normal(struct power *p)
{
	struct vfio_dev d;

	check_ids(false, "asleep");
	for (int i = 0; i < rig.nr_bridges; i++)
		check_str(pci_get(&rig.bridge[i], "power_state"), "D3cold", "asleep: %s",
			  rig.bridge[i].name);
	vfio_open(&d, &rig.fn[0]);
	check_woken(&rig.fn[0], p, "open");
	check_known(&d, "open");
	dut_mark(&d);
	vfio_entry(&d);
	check_asleep(&rig.fn[0], p, "low power");
	vfio_exit(&d);
	check_mark_gone(&d, "after low power");
	vfio_close(&d);
	check_asleep(&rig.fn[0], p, "closed");
}

/* What a port has lost: bus numbers, decoding, what its driver has set. */
static void check_forgotten(const struct pci_fn *b, const char *when)
{
	check_eq(pci_raw_config32(b, 0), pci_id(b), "%s: id of %s", when, b->name);
	check_eq(buses(b), 0, "%s: bus numbers of %s", when, b->name);
	check_eq(pci_raw_config32(b, PCI_COMMAND) & 0x7, 0, "%s: command of %s", when, b->name);
	check_eq(pmcsr(b) & PCI_PM_CTRL_STATE_MASK, 0, "%s: power state of %s", when, b->name);
}

/* Power goes and comes while everything is in D0, and nobody tells the kernel. */
static void cut(struct power *p)
{
	wake("cut");
	check_ids(true, "before the cut");
	check(buses(up), "before the cut: bus numbers of %s", up->name);
	model_cut();
	check_ids(false, "cut");
	model_force_on();
	check_forgotten(up, "forced on");
	check_eq(pci_raw_exp16(up, PCI_EXP_DEVCTL) & PCI_EXP_DEVCTL_CERE, 0,
		 "forced on: Device Control of %s", up->name);
	check_id(down, ALL_ONES, "forced on");
	check_id(&rig.fn[0], ALL_ONES, "forced on");
	wake_recover(p, "cut, recovered");
}

static void bus_reset(struct power *p)
{
	unsigned int ctl;

	wake("bus reset");
	ctl = pci_sysfs_config32(&port, PCI_BRIDGE_CONTROL & ~3) >> 16;
	pci_sysfs_config_write(&port, PCI_BRIDGE_CONTROL, ctl | PCI_BRIDGE_CTL_BUS_RESET, 2);
	sleep_ms(2);
	pci_sysfs_config_write(&port, PCI_BRIDGE_CONTROL, ctl, 2);
	sleep_ms(100);
	check_forgotten(up, "bus reset");
	check_id(down, ALL_ONES, "bus reset");
	wake_recover(p, "bus reset, recovered");
}

/* As on hardware: no request gets through a port that is not in D0. */
static void d3hot(struct power *p)
{
	const struct pci_fn *pf = &rig.fn[0];
	unsigned int pm;

	wake("D3hot");
	pm = pci_raw_cap(down, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	pci_sysfs_config_write(down, pm, PCI_PM_CTRL_STATE_MASK, 2);
	check_id(down, pci_id(down), "D3hot");
	check_id(pf, ALL_ONES, "below D3hot");
	pci_sysfs_config_write(down, pm, 0, 2);
	check_id(pf, pci_id(pf), "below D0 again");
	fall_asleep(p, "D3hot");
}

/* The kernel gets as far as it can. It would try for a minute or more. */
static void dead(struct power *p, const struct pci_fn *who, const char *when)
{
	const struct pci_fn *pf = &rig.fn[0];
	struct model_counts was = model_counts();
	uint64_t start = now_us();
	pid_t pid;

	model_fault_at(who, MODEL_DEAD_FN, 0);
	pid = wake_begin(&was, when);
	sleep_ms(LOOK_MS);
	check_eq(model_power(), MODEL_UP, "%s: power, link, answers", when);
	check_id(who, ALL_ONES, when);
	check_id(pf, ALL_ONES, when);
	if (who != up)
		check_eq(pci_raw_config32(up, 0), pci_id(up), "%s: id of %s", when, up->name);
	if (who == pf) {
		check_id(down, pci_id(down), when);
		check(!(pci_raw_exp16(down, PCI_EXP_LNKSTA) & PCI_EXP_LNKSTA_DLLLA),
		      "%s: no link below %s", when, down->name);
	}
	for (int i = 1; who == pf && i < rig.nr_fns; i++)
		check_id(&rig.fn[i], pci_id(&rig.fn[i]), when);
	model_clear();
	model_force_on();
	wake_end(pid, start, when);
	wake_recover(p, when);
	wake(when);
	check_ids(true, when);
	fall_asleep(p, when);
}

/* It says by itself that it is not ready yet, and the kernel waits for it. */
static void not_ready(struct power *p, const struct pci_fn *who, const char *when)
{
	struct model_counts was = model_counts();
	uint64_t start = now_us();
	uint32_t id, other;
	pid_t pid;
	long ms;

	model_fault_at(who, MODEL_NOT_READY, DELAY_MS);
	pid = wake_begin(&was, when);
	do {
		id = pci_raw_config32(who, 0);
		other = pci_raw_config32(up, 0);
	} while (id != RETRY_ID && model_power() != MODEL_UP && since_ms(start) < DELAY_MS);
	check_eq(id, RETRY_ID, "%s: id of %s", when, who->name);
	if (who != up)
		check_eq(other, pci_id(up), "%s: id of %s", when, up->name);
	check_eq(pci_raw_config32(who, PCI_COMMAND), ALL_ONES, "%s: command of %s", when,
		 who->name);
	while (model_power() != MODEL_UP && since_ms(start) < WAKE_ASKS_MS)
		sleep_ms(1);
	ms = since_ms(start);
	check(ms > DELAY_MS / 2 && ms < DELAY_MS * 3, "%s: up after %ld ms", when, ms);
	wake_end(pid, start, when);
	model_clear();
	check_ids(true, when);
	fall_asleep(p, when);
}

static void swapped(struct power *p)
{
	const struct pci_fn *pf = &rig.fn[0];

	model_fault_at(pf, MODEL_SWAPPED, 0);
	wake("swapped");
	check_id(up, pci_id(up), "swapped");
	check_id(down, pci_id(down), "swapped");
	check_id(pf, MODEL_SWAPPED_ID, "swapped");
	model_clear();
	wake_recover(p, "swapped, recovered");
	wake("swapped, recovered");
	check_ids(true, "swapped, recovered");
	fall_asleep(p, "swapped, recovered");
}

static unsigned int link_of(const struct pci_fn *pf)
{
	return pci_raw_exp16(pf, PCI_EXP_LNKSTA) & (PCI_EXP_LNKSTA_CLS | PCI_EXP_LNKSTA_NLW);
}

/* Only in the slot: the links of the switch are as they were. */
static void slow_link(struct power *p)
{
	unsigned int good = PCI_EXP_LNKSTA_CLS_5_0GB | PCI_EXP_LNKSTA_NLW_X4, below;

	wake("link");
	below = link_of(down);
	check_eq(link_of(up), good, "link: of %s", up->name);
	fall_asleep(p, "link");
	model_fault(MODEL_SLOW_LINK, 0);
	wake("slow link");
	check_eq(link_of(up), PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1,
		 "slow link: of %s", up->name);
	check_eq(link_of(&port), link_of(up), "slow link: of %s", port.name);
	check_eq(link_of(down), below, "slow link: of %s", down->name);
	model_clear();
	fall_asleep(p, "slow link");
	wake("link again");
	check_eq(link_of(up), good, "link again: of %s", up->name);
	fall_asleep(p, "link again");
}

RIG_TEST(model_switch, "the power model with a switch below port 1")
{
	struct power p;

	if (!model_present() || rig.nr_bridges < 2)
		die("a machine with the power model and a switch");
	up = &rig.bridge[0];
	down = &rig.bridge[1];
	rig_load();
	equipment();
	check_bind_asleep(&p, "bind");
	normal(&p);
	cut(&p);
	bus_reset(&p);
	d3hot(&p);
	dead(&p, up, "dead upstream port");
	dead(&p, down, "dead downstream port");
	dead(&p, &rig.fn[0], "dead function");
	not_ready(&p, up, "upstream port not ready");
	not_ready(&p, &rig.fn[0], "function not ready");
	swapped(&p);
	slow_link(&p);
}
