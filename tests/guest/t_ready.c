// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a card is asked for the first time after its power came: the card itself measures. Nobody is
 * asked earlier than the specification allows it, and those that say that they are ready sooner are
 * asked sooner. A busy machine may ask later than it could: then it is tried again.
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "kmsg.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

/* The two functions of the card. */
#define NR		2
/* A unit of what the card reports: 32 to the power of 4, in ns. */
#define UNIT_US		1049ul
#define TIMES(ms)	(RIG_GPU_PROMISE_TIMES | (ms) << RIG_GPU_PROMISE_MS)
#define DRS(ms)		(RIG_GPU_PROMISE_DRS | (ms) << RIG_GPU_PROMISE_MS)
#define COLD_US		100000ul
#define HOT_US		10000ul
#define TRIES		10
#define LIE_MS		300
#define LATE_MS		150
#define LIED		"is not ready as soon as it says"
#define GEN2		2

enum sooner {
	NO_SOONER,
	SOONER,
	MAYBE,	/* it may be, but not by so much that a busy machine shows it */
};

/**
 * struct promise - what the card says of itself, and when it may be asked then
 * @when: for the results
 * @fn: RIG_GPU_REG_PROMISE of each function
 * @floor_us: not earlier
 * @sooner: is it asked earlier than others?
 */
struct promise {
	const char *when;
	uint32_t fn[NR];
	unsigned long floor_us;
	enum sooner sooner;
};

static const struct pci_fn port = { .name = RIG_PORT1, .dev = 4 };

static const struct promise after_power[] = {
	{ "says nothing", { 0, 0 }, COLD_US, NO_SOONER },
	{ "reports times", { TIMES(20), TIMES(30) }, 30 * UNIT_US, SOONER },
	{ "one reports nothing", { TIMES(20), 0 }, COLD_US, NO_SOONER },
	{ "immediate", { RIG_GPU_PROMISE_STATUS, RIG_GPU_PROMISE_STATUS }, 0, SOONER },
	{ "immediate and a time", { RIG_GPU_PROMISE_STATUS, TIMES(40) }, 40 * UNIT_US, SOONER },
	{ "one is immediate", { RIG_GPU_PROMISE_STATUS, 0 }, COLD_US, NO_SOONER },
	{ "sends a message", { DRS(40), 0 }, 40000, SOONER },
	{ "sends its message late", { DRS(0xffffu), 0 }, COLD_US, NO_SOONER },
};

static const struct promise from_d3hot[] = {
	{ "D3hot: says nothing", { 0, 0 }, HOT_US, NO_SOONER },
	{ "D3hot: reports times", { TIMES(4), 0 }, 4 * UNIT_US, MAYBE },
	{ "D3hot: immediate", { RIG_GPU_PROMISE_PMC, 0 }, 0, SOONER },
};

static uint32_t get(struct vfio_dev *d, unsigned int reg)
{
	return vfio_read(d, 0, reg, 4);
}

static void set(const struct pci_fn *pf, unsigned int reg, uint32_t val)
{
	struct vfio_dev d;

	vfio_open(&d, pf);
	dut_prepare(&d);
	vfio_write(&d, 0, reg, val, 4);
	check_eq(get(&d, reg), val, "%s: register %#x", pf->name, reg);
	vfio_close(&d);
}

static uint32_t read_once(const struct pci_fn *pf, unsigned int reg)
{
	struct vfio_dev d;
	uint32_t val;

	vfio_open(&d, pf);
	dut_prepare(&d);
	val = get(&d, reg);
	vfio_close(&d);
	return val;
}

/* What a device says is read when it is bound. */
static void bind_again(struct power *p, const char *when)
{
	for (int i = 0; i < NR; i++)
		pci_unbind(&rig.fn[i]);
	*p = power_get(1);
	for (int i = 0; i < NR; i++) {
		pci_bind(&rig.fn[i], rig.driver);
		pci_set(&rig.fn[i], "rtd3/reset_delay_ms", "0");
	}
	check_asleep(&rig.fn[0], p, when);
}

static void promise(const struct promise *s, struct power *p)
{
	for (int i = 0; i < NR; i++)
		set(&rig.fn[i], RIG_GPU_REG_PROMISE, s->fn[i]);
	bind_again(p, s->when);
}

/* Wakes the card; returns when it was asked for the first time. */
static unsigned long first(const struct promise *s, struct power *p)
{
	unsigned long us[NR];

	for (int i = 0; i < NR; i++)
		us[i] = read_once(&rig.fn[i], RIG_GPU_REG_FIRST);
	check_asleep(&rig.fn[0], p, s->when);
	return us[0] < us[1] ? us[0] : us[1];
}

/* The clocks of both worlds may differ by some percents. */
static void check_floor(const struct promise *s, unsigned long us)
{
	check(us && us >= s->floor_us / 100 * 97, "%s: first asked after %lu us, not before %lu",
	      s->when, us, s->floor_us);
}

static void check_sooner(const struct promise *s, bool sooner)
{
	if (s->sooner != MAYBE)
		check(sooner == (s->sooner == SOONER), "%s: asked %s than others", s->when,
		      s->sooner == SOONER ? "sooner" : "no sooner");
}

static void after_power_on(const struct promise *s, struct power *p)
{
	unsigned long us;
	bool sooner = false;

	promise(s, p);
	for (int i = 0; !sooner && i < (s->sooner == SOONER ? TRIES : 2); i++) {
		us = first(s, p);
		check_floor(s, us);
		sooner = us < COLD_US / 100 * 97;
	}
	check_sooner(s, sooner);
	check_rtd3(&rig.fn[0], "health", "ok", s->when);
}

/* How often the log has said so since. */
static int said(int log)
{
	char line[256];

	return kmsg_count(log, LIED, line, sizeof(line));
}

/* It is waited for; then it is believed no more, until it is bound again. */
static void lies(struct power *p)
{
	const struct promise lie = { "lies", { TIMES(20), TIMES(30) }, 30 * UNIT_US, SOONER };
	const struct promise after = { "has lied", { 0, 0 }, COLD_US, NO_SOONER };
	struct vfio_dev d;
	int log;

	promise(&lie, p);
	/* It counts from power-on, and is not to stop it now. */
	vfio_open(&d, &rig.fn[0]);
	dut_prepare(&d);
	sleep_ms(LIE_MS);
	vfio_write(&d, 0, RIG_GPU_REG_READY, LIE_MS, 4);
	vfio_close(&d);
	check_asleep(&rig.fn[0], p, lie.when);
	log = kmsg_open();
	check_floor(&lie, first(&lie, p));
	check_rtd3(&rig.fn[0], "health", "ok", lie.when);
	check_eq(said(log), 1, "%s: lines in the log", lie.when);
	for (int i = 0; i < 2; i++)
		check_floor(&after, first(&after, p));
	check_eq(said(log), 0, "%s: lines in the log", after.when);
	for (int i = 0; i < NR; i++)
		check_eq(rtd3_num(&rig.fn[i], "failures"), 0, "%s: failures", after.when);
	close(log);
	set(&rig.fn[0], RIG_GPU_REG_READY, 0);
	after_power_on(&lie, p);
}

/* Below a fast port time counts from the link on, which may be late. */
static void late(struct power *p)
{
	const struct promise s = { "late link", { 0, 0 }, COLD_US, NO_SOONER };

	promise(&s, p);
	model_fault(MODEL_ON_LATE, LATE_MS);
	check_floor(&s, first(&s, p));
	model_clear();
}

static unsigned long first_hot(const struct promise *s)
{
	const struct pci_fn *pf = &rig.fn[0];

	check(pci_wait(pf, "power_state", "D3hot", ASLEEP_TIMEOUT_MS), "%s: sleeps", s->when);
	return read_once(pf, RIG_GPU_REG_FIRST_D0);
}

static void policy(const char *val)
{
	for (int i = 0; i < NR; i++)
		pci_set(&rig.fn[i], "rtd3/policy", val);
}

static void hot(const struct promise *s, struct power *p)
{
	bool sooner = false;
	unsigned long us;

	promise(s, p);
	policy("d3hot");
	for (int i = 0; !sooner && i < (s->sooner == SOONER ? TRIES : 2); i++) {
		us = first_hot(s);
		check_floor(s, us);
		sooner = us < HOT_US / 100 * 97;
	}
	check_sooner(s, sooner);
}

static void hot_lies(struct power *p)
{
	const struct promise lie = { "D3hot: lies", { RIG_GPU_PROMISE_PMC, 0 }, 0, SOONER };
	const struct promise after = { "D3hot: has lied", { 0, 0 }, HOT_US, NO_SOONER };
	int log;

	set(&rig.fn[0], RIG_GPU_REG_READY_D0, LIE_MS);
	promise(&lie, p);
	policy("d3hot");
	log = kmsg_open();
	check_floor(&lie, first_hot(&lie));
	check_rtd3(&rig.fn[0], "health", "ok", lie.when);
	check_eq(said(log), 1, "%s: lines in the log", lie.when);
	check_floor(&after, first_hot(&after));
	check_rtd3(&rig.fn[0], "health", "ok", after.when);
	close(log);
	policy("d3cold");
}

static void load(struct power *p)
{
	if (!model_present() || rig.nr_fns != NR)
		die("a machine with the power model, and a card with %d functions", NR);
	rig_load();
	check_bind_asleep(p, "bind");
	for (int i = 0; i < NR; i++)
		pci_set(&rig.fn[i], "rtd3/reset_delay_ms", "0");
}

RIG_TEST(ready, "a card is asked when it may be, and no earlier")
{
	struct power p;

	load(&p);
	for (size_t i = 0; i < sizeof(after_power) / sizeof(after_power[0]); i++)
		after_power_on(&after_power[i], &p);
	lies(&p);
	if ((pci_raw_exp16(&port, PCI_EXP_LNKCAP) & PCI_EXP_LNKCAP_SLS) > GEN2)
		late(&p);
	for (size_t i = 0; i < sizeof(from_d3hot) / sizeof(from_d3hot[0]); i++)
		hot(&from_d3hot[i], &p);
	hot_lies(&p);
}

/* The counter of the card's resets, which survives everything, must have grown so much. */
static void check_resets(struct vfio_dev *d, uint32_t *resets, uint32_t more, const char *when)
{
	uint32_t now;

	dut_prepare(d);
	now = get(d, RIG_GPU_REG_RESETS);
	check_eq(now - *resets, more, "%s: resets", when);
	*resets = now;
}

static void awake(const struct pci_fn *pf, uint32_t *resets)
{
	struct vfio_dev d;

	pci_set(pf, "power/autosuspend_delay_ms", "3600000");
	vfio_open(&d, pf);
	check_resets(&d, resets, 0, "open from D3cold");
	check(d.flags & VFIO_DEVICE_FLAGS_RESET, "open from D3cold: can be reset");
	dut_mark(&d);
	check_err(__vfio_reset(&d), 0, "RESET");
	check_mark_gone(&d, "RESET");
	check_resets(&d, resets, 1, "RESET");
	vfio_close(&d);
	vfio_open(&d, pf);
	check_resets(&d, resets, 2, "close, and open of an awake device");
	vfio_close(&d);
	*resets += 1;
	pci_set(pf, "power/autosuspend_delay_ms", "200");
}

/* A user of sysfs has taken the methods away, or has put them into another order. */
static void methods(const struct pci_fn *pf, struct power *p, uint32_t *resets)
{
	char before[64], after[64];
	struct vfio_dev d;

	check_asleep(pf, p, "methods");
	snprintf(before, sizeof(before), "%s", pci_get(pf, "reset_method"));
	vfio_open(&d, pf);
	snprintf(after, sizeof(after), "%s", pci_get(pf, "reset_method"));
	check_str(after, before, "open from D3cold: reset_method");
	check_resets(&d, resets, 0, "methods");
	vfio_close(&d);
	*resets += 1;

	pci_set_reset(pf, "\n");
	check_asleep(pf, p, "no methods");
	vfio_open(&d, pf);
	check(!(d.flags & VFIO_DEVICE_FLAGS_RESET), "no methods: cannot be reset");
	check_str(pci_get(pf, "reset_method"), "", "no methods: reset_method");
	check_resets(&d, resets, 0, "no methods");
	pci_set_reset(pf, "default");
	vfio_close(&d);
}

RIG_TEST(one_reset, "what comes back from a power cut is not reset once more")
{
	const struct pci_fn *pf = &rig.fn[0];
	uint32_t resets;
	struct vfio_dev d;
	uint64_t start;
	struct power p;

	load(&p);
	resets = read_once(pf, RIG_GPU_REG_RESETS) + 1;
	check_asleep(pf, &p, "one reset");

	pci_set(pf, "rtd3/reset_delay_ms", "60000");
	start = now_us();
	vfio_open(&d, pf);
	check(since_ms(start) < 60000, "open from D3cold after %ld ms", since_ms(start));
	check_resets(&d, &resets, 0, "open with a reset delay");
	pci_set(pf, "rtd3/reset_delay_ms", "0");
	vfio_close(&d);
	resets += 1;

	check_asleep(pf, &p, "awake");
	awake(pf, &resets);
	methods(pf, &p, &resets);

	/* Who kept its power has to be reset. */
	check_asleep(pf, &p, "not cut");
	resets = read_once(pf, RIG_GPU_REG_RESETS) + 1;
	check_asleep(pf, &p, "not cut");
	vfio_open(&d, pf);
	check_resets(&d, &resets, 0, "before it is not cut");
	model_fault(MODEL_OFF_NOTHING, 0);
	vfio_close(&d);
	resets += 1;
	check_asleep(pf, &p, "off does nothing");
	vfio_open(&d, pf);
	check_resets(&d, &resets, 1, "off does nothing");
	model_clear();
	vfio_close(&d);
}
