// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fault table: every fault of power and link at one moment of a device's life, which the name
 * of the test says. For our driver each cell is checked. For stock vfio-pci each is measured, to
 * show beside it: there a device is healed by remove and rescan.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dut.h"
#include "fault.h"
#include "moment.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define LADDER_MS	15000
#define HEAL_MS		3000
#define AT_ONCE_MS	500

/* What strikes in the present cell. */
static const struct fault *fault;
static const struct pci_fn *pf;
static uint32_t good_header[16];

/* Nobody touches a device that loses its power in D0: it is found out when it is to sleep. */
static int strike_unseen(void)
{
	uint64_t start = now_us();
	int ret = __pci_set(pf, "rtd3/policy", "d3cold");

	while (!strcmp(pci_get(pf, "rtd3/health"), "ok") && since_ms(start) < MOMENT_MS)
		sleep_ms(10);
	return ret;
}

static void read_header(uint32_t *header)
{
	for (int i = 0; i < 16; i++)
		header[i] = pci_sysfs_config32(pf, i * 4);
	/* Not the status register, and not what a user may have written. */
	header[1] &= PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	header[3] &= 0x00ff0000;
	header[15] &= 0xffffff00;
}

static void check_header(void)
{
	uint32_t header[16];
	int bad = 0;

	read_header(header);
	for (int i = 0; i < 16; i++)
		if (header[i] != good_header[i]) {
			diag("%s: config %#x is %08x, was %08x", cell.name, i * 4, header[i],
			     good_header[i]);
			bad++;
		}
	check(!bad, "%s: the configuration is as before", cell.name);
}

static void check_other(void)
{
	if (!rig.has_other)
		return;
	check(pci_sysfs_config32(&rig.other, 0) == pci_id(&rig.other),
	      "%s: the device on the other port answers", cell.name);
}

/* What everybody gets from a device that has failed. */
static void check_shut(void)
{
	struct rtd3_region r;
	struct rtd3_info info;
	uint64_t start, val;
	int status;
	pid_t pid;

	check(strstr(fault->reasons, pci_get(pf, "rtd3/health_reason")),
	      "%s: rtd3/health_reason: %s", cell.name, pci_get(pf, "rtd3/health_reason"));
	if (!cell.is_open) {
		start = now_us();
		check_err(moment_open(), -EIO, "%s: failed: open", cell.name);
		check(since_ms(start) < AT_ONCE_MS, "%s: failed: open returns at once (%ld ms)",
		      cell.name, since_ms(start));
		return;
	}

	start = now_us();
	check_err(__vfio_read(&cell.d, VFIO_PCI_CONFIG_REGION_INDEX, 0, &val, 4), -EIO,
		  "%s: failed: config read", cell.name);
	check_err(__vfio_write(&cell.d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, 0, 2), -EIO,
		  "%s: failed: config write", cell.name);
	check_err(__dut_read(&cell.d, &dut_of(pf)->known, &val), -EIO, "%s: failed: BAR read",
		  cell.name);
	check_err(__vfio_exit(&cell.d), -EIO, "%s: failed: EXIT", cell.name);
	check_err(__vfio_reset(&cell.d), -EIO, "%s: failed: RESET", cell.name);
	check(since_ms(start) < AT_ONCE_MS, "%s: failed: all of them at once (%ld ms)", cell.name,
	      since_ms(start));
	check(vfio_eventfd_count(cell.efd, 1000) >= 1, "%s: failed: error eventfd", cell.name);
	rtd3_region_find(&cell.d, &r);
	rtd3_region_info(&cell.d, &r, &info);
	check_eq(info.health, RTD3_HEALTH_FAILED, "%s: failed: rtd3_info.health", cell.name);

	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		dut_load(cell.map, &dut_of(pf)->known);
		_exit(0);
	}
	check(!wait_child(pid, 2000, &status) && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGBUS, "%s: failed: SIGBUS from the mapping", cell.name);
}

/* The device is bound and has its power: bring it to health if it is not, and use it. */
static void check_heals(void)
{
	uint64_t start = now_us();

	if (fault->heal == FAULT_BY_RECOVER)
		check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "%s: healed: rtd3/recover",
			  cell.name);
	if (!cell.is_open)
		check_err(moment_open(), 0, "%s: healed: open", cell.name);
	else if (fault->heal == FAULT_BY_OPEN)
		/* It is open: there is nobody who would look, but somebody who writes. */
		check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "%s: healed: rtd3/recover",
			  cell.name);
	check(since_ms(start) < HEAL_MS, "%s: healed: works within %d ms (%ld ms)", cell.name,
	      HEAL_MS, since_ms(start));
	if (!cell.is_open)
		return;
	check_str(fault_health(pf, LADDER_MS), fault->degraded ? "degraded" : "ok",
		  "%s: healed: rtd3/health", cell.name);
	check_err(__vfio_exit(&cell.d), 0, "%s: healed: EXIT", cell.name);
	check_known(&cell.d, cell.name);
	figure("heal_ms", "%s %ld", cell.name, since_ms(start));
}

static void check_cell(const struct moment *m)
{
	bool cycle = fault->cycle && m->flags & MOMENT_IOCTL;
	const char *health;
	int want = 0;

	check(cell.ms < MOMENT_MS, "%s: returns within %d ms (%ld ms)", cell.name, MOMENT_MS,
	      cell.ms);
	if (m->flags & MOMENT_FAILS && (!fault->first || cycle))
		want = -EIO;
	/* After a first access that failed the ladder may have been quick; or not so. */
	check(cell.ret == want || (want && !cell.ret && fault->heal == FAULT_BY_ITSELF) ||
	      (!want && cell.ret == -EIO && cell.ms >= GATE_MS),
	      "%s: %s, want %s", cell.name, cell.ret ? strerrorname_np(-cell.ret) : "0",
	      want ? strerrorname_np(-want) : "0");
	check_other();
	if (m->flags & MOMENT_LEAVES) {
		figure("cell", "%s %s ms=%ld health=-", cell.name,
		       cell.ret ? strerrorname_np(-cell.ret) : "0", cell.ms);
		fault_power_works(fault);
		model_force_on();
		return;
	}

	health = fault_health(pf, LADDER_MS);
	figure("cell", "%s %s ms=%ld health=%s/%s", cell.name,
	       cell.ret ? strerrorname_np(-cell.ret) : "0", cell.ms, health,
	       pci_get(pf, "rtd3/health_reason"));
	if (fault->heal == FAULT_BY_ITSELF) {
		check_str(health, fault->degraded ? "degraded" : "ok", "%s: rtd3/health",
			  cell.name);
		if (fault->degraded)
			check_str(pci_get(pf, "rtd3/health_reason"), fault->degraded,
				  "%s: rtd3/health_reason", cell.name);
	} else if (check_str(health, "failed", "%s: rtd3/health", cell.name)) {
		check_shut();
	}
	fault_power_works(fault);
	check_heals();
}

static void bind_all(void)
{
	rig_load();
	for (int i = 0; i < rig.nr_fns; i++)
		if (strcmp(pci_driver(&rig.fn[i]), rig.driver))
			pci_bind(&rig.fn[i], rig.driver);
}

/* As a new day: everything bound, well, and asleep; awake if the fault needs that. */
static void start_fresh(void)
{
	struct power p = power_get(1);
	long ms;

	bind_all();
	for (int i = 0; rig.ours && i < rig.nr_fns; i++) {
		check_str(fault_health(&rig.fn[i], LADDER_MS), "ok",
			  "%s: before: rtd3/health of %s", cell.name, rig.fn[i].name);
		pci_set(&rig.fn[i], "rtd3/fallback", "none");
		pci_set(&rig.fn[i], "rtd3/policy",
			fault->when == FAULT_NOW ? "off" : "d3cold");
	}
	if (fault->when != FAULT_ASLEEP)
		return;
	ms = __wait_asleep(pf, &p, ASLEEP_TIMEOUT_MS);
	if (rig.ours)
		check(ms >= 0, "%s: before: asleep", cell.name);
}

static void power_back(void)
{
	model_clear();
	model_force_on();
}

/* Only remove and rescan make a device work again that stock vfio-pci has lost. */
static void stock_heal(void)
{
	const struct pci_fn bus = { .name = RIG_PORT1 };

	moment_end();
	power_back();
	sleep_ms(200);
	for (int i = 0; i < rig.nr_fns; i++)
		__pci_set(&rig.fn[i], "remove", "1");
	__pci_set(&bus, "rescan", "1");
	sleep_ms(500);
	rig.nr_fns = pci_below(RIG_PORT1, rig.fn, RIG_MAX_FNS);
	if (rig.nr_fns < 1)
		die("%s: a device after remove and rescan", cell.name);
}

static void stock_cell(const struct moment *m)
{
	uint32_t id;
	int again;

	moment_strike_stock(m->strike, power_back);
	id = pci_raw_config32(pf, 0);

	/* With power back, does it work for the next user? */
	moment_end();
	power_back();
	sleep_ms(300);
	if (m->flags & MOMENT_LEAVES)
		bind_all();
	again = moment_open();
	if (!again)
		again = moment_stock_works();
	figure("cell", "%s %s%s ms=%ld health=%s again=%s", cell.name,
	       cell.ret ? strerrorname_np(-cell.ret) : "0",
	       cell.ms >= STOCK_MS ? " released" : "", cell.ms,
	       id == pci_id(pf) ? "answers" : id == ALL_ONES ? "dead" : "other-device",
	       again ? strerrorname_np(-again) : "0");
	check(true, "%s: measured", cell.name);
	stock_heal();
}

static void run_cell(const struct moment *m)
{
	moment_new(m, fault->name, fault->when == FAULT_NOW);
	model_clear();
	start_fresh();
	if (fault->when == FAULT_AWAKE)
		fault_set(fault);
	m->begin();
	if (fault->when != FAULT_AWAKE)
		fault_set(fault);

	if (!rig.ours) {
		stock_cell(m);
		return;
	}
	moment_strike(cell.awake && m->strike == moment_look ? strike_unseen : m->strike);
	check_cell(m);
	moment_end();
	model_clear();
	if (m->flags & MOMENT_LEAVES)
		bind_all();
	/* A sibling has to be asked for on its own; its wake may still wait for it. */
	if (fault->two)
		sleep_ms(2000);
	for (int i = 1; i < rig.nr_fns; i++)
		if (strcmp(fault_health(&rig.fn[i], LADDER_MS), "ok"))
			check_err(__pci_set(&rig.fn[i], "rtd3/recover", "1"), 0,
				  "%s: healed: rtd3/recover of %s", cell.name, rig.fn[i].name);
	/* A degraded device is well again after a sleep and a wake without a fault. */
	if (fault->degraded) {
		struct power p = power_get(1);

		__wait_asleep(pf, &p, 2000);
		moment_open();
		moment_end();
	}
	check_header();
}

static void run_all(const char *moment)
{
	const struct moment *m = moment_of(moment);

	if (!model_present())
		die("the power model");
	pf = &rig.fn[0];
	read_header(good_header);
	for (int i = 0; i < nr_faults; i++) {
		fault = &faults[i];
		if (!fault->two || rig.nr_fns > 1)
			run_cell(m);
	}
}

RIG_TEST(faults_idle, "faults of power and link: device not open")
{
	run_all("idle");
}

RIG_TEST(faults_engaged, "faults of power and link: device in low power")
{
	run_all("engaged");
}

RIG_TEST(faults_open, "faults of power and link: while it is opened")
{
	run_all("open");
}

RIG_TEST(faults_close, "faults of power and link: while it is closed")
{
	run_all("close");
}

RIG_TEST(faults_hotreset, "faults of power and link: while it is reset")
{
	run_all("hotreset");
}

RIG_TEST(faults_unbind, "faults of power and link: while it is unbound")
{
	run_all("unbind");
}

RIG_TEST(faults_unload, "faults of power and link: while the module goes")
{
	run_all("unload");
}
