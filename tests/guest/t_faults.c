// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fault table: every fault of power and link in one phase of a device's life, which the name
 * of the test says. For our driver each case is checked. For stock vfio-pci each is measured, to
 * show beside it; what is checked there is that remove and rescan heal a device that has power.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "fault.h"
#include "kmsg.h"
#include "phase.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "touch.h"
#include "vfio.h"

/*
 * A device that asks for a retry gets a minute, and who opens it waits for that. Behind a switch
 * the PCI core waits as long in the resume of the port above it, so that everybody does.
 */
#define RETRY_MS	75000
#define RECOVERY_MS	(15000 + RETRY_MS)
#define HEAL_MS		3000
#define AT_ONCE_MS	500
#define POWER_MS	1000
#define TRIES		3

/* What is injected in the present case. */
static const struct fault *fault;
static const struct pci_fn *pf;
/* Of each function, before the first fault, and before each. */
static uint32_t good_header[RIG_MAX_FNS][16];
static struct count {
	unsigned long long failures, resumes;
} count[RIG_MAX_FNS];

/* Nobody touches a device that loses its power in D0: it is found out when it is to sleep. */
static int call_unseen(void)
{
	uint64_t start = now_us();
	int ret = 0;

	/* The kernel keeps a GPU awake for its audio function. */
	for (int i = rig.nr_fns; i--;)
		ret = __pci_set(&rig.fn[i], "rtd3/policy", "d3cold");
	while (!strcmp(pci_get(pf, "rtd3/health"), "ok") && since_ms(start) < PHASE_MS)
		sleep_ms(10);
	return ret;
}

static void read_header(const struct pci_fn *fn, uint32_t *header)
{
	for (int i = 0; i < 16; i++)
		header[i] = pci_sysfs_config32(fn, i * 4);
	/* Not the status register, and not what a user may have written. */
	header[1] &= PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	header[3] &= 0x00ff0000;
	header[15] &= 0xffffff00;
}

static void check_header(int nr)
{
	const struct pci_fn *fn = &rig.fn[nr];
	uint32_t header[16];
	int bad = 0;

	read_header(fn, header);
	for (int i = 0; i < 16; i++)
		if (header[i] != good_header[nr][i]) {
			diag("%s: config %#x of %s is %08x, was %08x", fcase.name, i * 4, fn->name,
			     header[i], good_header[nr][i]);
			bad++;
		}
	check(!bad, "%s: the configuration of %s is as before", fcase.name, fn->name);
}

static void check_other(void)
{
	if (!rig.has_other)
		return;
	check(pci_sysfs_config32(&rig.other, 0) == pci_id(&rig.other),
	      "%s: the device on the other port answers", fcase.name);
}

/* What everybody gets from a device that has failed. */
static void check_shut(void)
{
	struct rtd3_region r;
	struct rtd3_info info;
	uint64_t start, val;

	check(strstr(fault->reasons, pci_get(pf, "rtd3/health_reason")),
	      "%s: rtd3/health_reason: %s", fcase.name, pci_get(pf, "rtd3/health_reason"));
	if (!fcase.is_open) {
		start = now_us();
		check_err(phase_open(), -EIO, "%s: failed: open", fcase.name);
		check(since_ms(start) < AT_ONCE_MS, "%s: failed: open returns at once (%ld ms)",
		      fcase.name, since_ms(start));
		return;
	}

	start = now_us();
	check_err(__vfio_read(&fcase.d, VFIO_PCI_CONFIG_REGION_INDEX, 0, &val, 4), -EIO,
		  "%s: failed: config read", fcase.name);
	check_err(__vfio_write(&fcase.d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, 0, 2), -EIO,
		  "%s: failed: config write", fcase.name);
	check_err(__dut_read(&fcase.d, &dut_of(pf)->known, &val), -EIO, "%s: failed: BAR read",
		  fcase.name);
	check_err(__vfio_exit(&fcase.d), -EIO, "%s: failed: EXIT", fcase.name);
	check_err(__vfio_reset(&fcase.d), -EIO, "%s: failed: RESET", fcase.name);
	check(since_ms(start) < AT_ONCE_MS, "%s: failed: all of them at once (%ld ms)", fcase.name,
	      since_ms(start));
	check(vfio_eventfd_count(fcase.efd, 1000) >= 1, "%s: failed: error eventfd", fcase.name);
	rtd3_region_find(&fcase.d, &r);
	rtd3_region_info(&fcase.d, &r, &info);
	check_eq(info.health, RTD3_HEALTH_FAILED, "%s: failed: rtd3_info.health", fcase.name);

	check(!touch_read(fcase.map, &dut_of(pf)->known, &val),
	      "%s: failed: SIGBUS from the mapping", fcase.name);
}

/* The device is bound and has its power: bring it to health if it is not, and use it. */
static void check_heals(void)
{
	uint64_t start = now_us();
	char health[32];
	bool degraded;

	if (fault->heal == FAULT_BY_RECOVER)
		check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "%s: healed: rtd3/recover",
			  fcase.name);
	if (!fcase.is_open)
		check_err(phase_open(), 0, "%s: healed: open", fcase.name);
	else if (fault->heal == FAULT_BY_OPEN)
		/* It is open: there is nobody who would look, but somebody who writes. */
		check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "%s: healed: rtd3/recover",
			  fcase.name);
	check(since_ms(start) < HEAL_MS, "%s: healed: works within %d ms (%ld ms)", fcase.name,
	      HEAL_MS, since_ms(start));
	if (!fcase.is_open)
		return;
	snprintf(health, sizeof(health), "%s", fault_health(pf, RECOVERY_MS));
	/* On a slow machine it may have slept since, and woken without the fault. */
	degraded = fault->degraded &&
		   (strcmp(health, "ok") || rtd3_num(pf, "resumes") - count[0].resumes < 2);
	check_str(health, degraded ? "degraded" : "ok", "%s: healed: rtd3/health", fcase.name);
	if (!check_err(__vfio_exit(&fcase.d), 0, "%s: healed: EXIT", fcase.name))
		return;
	check_known(&fcase.d, fcase.name);
	figure("heal_ms", "%s %ld", fcase.name, since_ms(start));
}

/* Neither falling asleep nor waking. */
static bool steady(const struct pci_fn *fn)
{
	return !strstr(pci_get(fn, "power/runtime_status"), "ing");
}

static struct count get_count(const struct pci_fn *fn)
{
	return (struct count){ rtd3_num(fn, "failures"), rtd3_num(fn, "resumes") };
}

/* rtd3/health, and the counts that go with it. */
static const char *health_and_count(const struct pci_fn *fn, struct count *now)
{
	uint64_t start = now_us();
	const char *health;
	struct count again;
	bool good;

	do {
		*now = get_count(fn);
		good = steady(fn);
		health = fault_health(fn, RECOVERY_MS);
		again = get_count(fn);
		good &= !memcmp(&again, now, sizeof(again)) && steady(fn);
	} while (!good && since_ms(start) < RECOVERY_MS);
	return health;
}

/*
 * The other functions, before anybody repairs them. They are woken with their port, or not, as the
 * kernel likes; the counts tell. Who was not woken is as before. A function without a driver has
 * its power: what only a power cycle heals fails then.
 */
static void check_siblings(const struct phase *phase)
{
	bool fails = fault->two || fault->heal != FAULT_BY_ITSELF ||
		     (fault->cycle && phase->flags & PHASE_LEAVES);
	const char *reasons = fault->reasons ?: "no-answer";

	for (int i = 1; i < rig.nr_fns; i++) {
		const struct pci_fn *sib = &rig.fn[i];
		const char *health, *want = "ok";
		struct count now;

		/* Unloaded with the module. */
		if (strcmp(pci_driver(sib), rig.driver))
			continue;
		health = health_and_count(sib, &now);
		if (now.failures != count[i].failures) {
			if (fails)
				want = "failed";
		} else if (fault->degraded && !(fault->two && i == 1) &&
			   now.resumes != count[i].resumes) {
			want = "degraded";
		}
		if (check_str(health, want, "%s: rtd3/health of %s", fcase.name, sib->name) &&
		    !strcmp(want, "failed"))
			check(strstr(reasons, pci_get(sib, "rtd3/health_reason")),
			      "%s: rtd3/health_reason of %s: %s", fcase.name, sib->name,
			      pci_get(sib, "rtd3/health_reason"));
	}
}

static void heal_siblings(void)
{
	for (int i = 1; i < rig.nr_fns; i++)
		if (!strcmp(fault_health(&rig.fn[i], RECOVERY_MS), "failed"))
			check_err(__pci_set(&rig.fn[i], "rtd3/recover", "1"), 0,
				  "%s: healed: rtd3/recover of %s", fcase.name, rig.fn[i].name);
}

/* Whoever opens them gets something that works. */
static void check_sibling_users(void)
{
	struct vfio_dev d;
	char when[96];

	for (int i = 1; i < rig.nr_fns; i++) {
		snprintf(when, sizeof(when), "%s: next user of %s", fcase.name, rig.fn[i].name);
		if (!check_err(__vfio_open(&d, &rig.fn[i]), 0, "%s: open", when))
			continue;
		check_known(&d, when);
		vfio_close(&d);
	}
}

/* Returns whether it says nothing, and may be tried again. */
static bool check_case(const struct phase *phase, int log, bool last)
{
	bool cycle = fault->cycle && phase->flags & PHASE_IOCTL, again = false;
	int waits = (phase->call == phase_open) + (rig.nr_bridges > 0);
	long limit = PHASE_MS + (fault->kind == MODEL_NOT_READY ? waits * RETRY_MS : 0);
	const char *health;
	int want = 0;

	check(fcase.ms < limit, "%s: returns within %ld ms (%ld ms)", fcase.name, limit, fcase.ms);
	if (phase->flags & PHASE_FAILS && (!fault->first || cycle))
		want = -EIO;
	check_other();
	if (phase->flags & PHASE_LEAVES) {
		check_err(fcase.ret, want, "%s", fcase.name);
		figure("case", "%s %s ms=%ld health=-", fcase.name,
		       fcase.ret ? strerrorname_np(-fcase.ret) : "0", fcase.ms);
		check_siblings(phase);
		fault_power_works(fault);
		model_force_on();
		return false;
	}

	health = fault_health(pf, RECOVERY_MS);
	again = !want && fcase.ret == -EIO && fault_outlasts_access(pf, log) && !last;
	if (again)
		diag("%s: this machine was too slow", fcase.name);
	else
		check_err(fcase.ret, want, "%s", fcase.name);
	figure("case", "%s %s ms=%ld health=%s/%s", fcase.name,
	       fcase.ret ? strerrorname_np(-fcase.ret) : "0", fcase.ms, health,
	       pci_get(pf, "rtd3/health_reason"));
	if (fault->heal == FAULT_BY_ITSELF) {
		check_str(health, fault->degraded ? "degraded" : "ok", "%s: rtd3/health",
			  fcase.name);
		if (fault->degraded)
			check_str(pci_get(pf, "rtd3/health_reason"), fault->degraded,
				  "%s: rtd3/health_reason", fcase.name);
	} else if (check_str(health, "failed", "%s: rtd3/health", fcase.name)) {
		check_shut();
	}
	check_siblings(phase);
	fault_power_works(fault);
	check_heals();
	return again;
}

static void bind_all(void)
{
	rig_load();
	rig_bind_all();
}

static void all_control(const char *val)
{
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "power/control", val);
}

static void power_back(void)
{
	uint64_t start = now_us();

	model_clear();
	model_force_on();
	while (model_power() != MODEL_UP && since_ms(start) < POWER_MS)
		sleep_ms(1);
}

/* Of devices that were just found: they are enabled by their first user, not by firmware. */
static void learn_headers(void)
{
	for (int i = 0; i < rig.nr_fns; i++) {
		struct vfio_dev d;

		vfio_open(&d, &rig.fn[i]);
		vfio_close(&d);
		read_header(&rig.fn[i], good_header[i]);
	}
}

/* As a new day: everything bound, well, and asleep; awake if the fault needs that. */
static void start_fresh(void)
{
	struct power p;

	bind_all();
	/* What an earlier case has lost, and said so, is none of this one's. */
	for (int i = 0; rig.ours && i < rig.nr_fns; i++)
		if (!strcmp(fault_health(&rig.fn[i], RECOVERY_MS), "failed")) {
			power_back();
			rig_rescan();
			bind_all();
			learn_headers();
			break;
		}
	/* It must not fall asleep before that can be told. */
	all_control("on");
	for (int i = 0; rig.ours && i < rig.nr_fns; i++) {
		check_str(fault_health(&rig.fn[i], RECOVERY_MS), "ok",
			  "%s: before: rtd3/health of %s", fcase.name, rig.fn[i].name);
		pci_set(&rig.fn[i], "rtd3/fallback", "none");
		pci_set(&rig.fn[i], "rtd3/policy",
			fault->when == FAULT_NOW ? "off" : "d3cold");
		/* That policy is only to keep it awake. */
		pci_set(&rig.fn[i], "rtd3/power_cycle_on_failure",
			fault->when == FAULT_NOW ? "1" : "0");
		count[i] = get_count(&rig.fn[i]);
	}
	if (fault->when == FAULT_NOW) {
		check_eq(power_cfg(pf, 0), pci_id(pf), "%s: before: awake", fcase.name);
		/* With our driver the policy keeps it so. */
		if (rig.ours)
			all_control("auto");
		return;
	}
	if (fault->when == FAULT_AWAKE)
		fault_set(fault);
	p = power_get(1);
	all_control("auto");
	phase_asleep(&p);
}

/* Only remove and rescan make a device work again that stock vfio-pci has lost; and they do. */
static void stock_heal(void)
{
	phase_end();
	power_back();
	rig_rescan();
	if (rig.nr_fns < 1)
		die("%s: a device after remove and rescan", fcase.name);
	bind_all();
	check_err(phase_open(), 0, "%s: after remove and rescan: open", fcase.name);
	if (fcase.is_open)
		check_err(dut_works(&fcase.d), 0, "%s: after remove and rescan: it works",
			  fcase.name);
	phase_end();
}

static void stock_case(const struct phase *phase)
{
	uint32_t id;
	int again;

	phase_call_stock(phase->call, power_back);
	id = pci_raw_config32(pf, 0);

	/* With power back, does it work for the next user? */
	phase_end();
	power_back();
	if (phase->flags & PHASE_LEAVES)
		bind_all();
	again = phase_open();
	if (!again)
		again = dut_works(&fcase.d);
	figure("case", "%s %s%s ms=%ld health=%s again=%s", fcase.name,
	       fcase.ret ? strerrorname_np(-fcase.ret) : "0",
	       fcase.ms >= STOCK_MS ? " released" : "", fcase.ms,
	       id == pci_id(pf) ? "answers" : id == ALL_ONES ? "dead" : "other-device",
	       again ? strerrorname_np(-again) : "0");
	stock_heal();
}

/* Returns whether the case says nothing, and may be tried again. */
static bool run_case(const struct phase *phase, bool last)
{
	bool again;
	int log;

	phase_new(phase, fault->name, fault->when == FAULT_NOW);
	fcase.refused = fault->kind == MODEL_OFF_REFUSED;
	model_clear();
	start_fresh();
	phase->begin();
	if (fault->when != FAULT_AWAKE)
		fault_set(fault);

	if (!rig.ours) {
		stock_case(phase);
		return false;
	}
	log = kmsg_open();
	phase_call(fcase.awake && phase->call == phase_look ? call_unseen : phase->call);
	again = check_case(phase, log, last);
	close(log);
	phase_end();
	model_clear();
	if (phase->flags & PHASE_LEAVES)
		bind_all();
	heal_siblings();
	/* A degraded device is well again after a sleep and a wake without a fault. */
	if (fault->degraded) {
		struct power p = power_get(1);

		__wait_asleep(pf, &p, 2000);
		phase_open();
		phase_end();
	}
	check_sibling_users();
	for (int i = 0; i < rig.nr_fns; i++)
		check_header(i);
	return again;
}

static void run_all(const char *name)
{
	const struct phase *phase = phase_of(name);

	if (!model_present())
		die("the power model");
	touch_setup();
	pf = &rig.fn[0];
	for (int i = 0; i < rig.nr_fns; i++)
		read_header(&rig.fn[i], good_header[i]);
	for (int i = 0; i < nr_faults; i++) {
		fault = &faults[i];
		if (fault->two && rig.nr_fns < 2)
			continue;
		for (int try = 1; run_case(phase, try == TRIES); try++)
			;
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
