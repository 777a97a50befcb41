// SPDX-License-Identifier: GPL-2.0-only
/*
 * A healthy device: what rtd3/health and its like say, and take; what is done between one user and
 * the next (settle_ms, power_cycle_on_close).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "dut.h"
#include "kmsg.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define SETTLE		"1500"
#define SETTLE_MS	1500
#define LONG		"20000"		/* settle time, autosuspend delay: nobody waits for it */
#define PROMPT_MS	5000
#define OFF_MS		250		/* power is off in a power cycle */

static const struct {
	const char *attr;
	const char *val;
} defaults[] = {
	{ "rtd3/health", "ok" },
	{ "rtd3/health_reason", "none" },
	{ "rtd3/stats/recoveries", "0" },
	{ "rtd3/stats/failures", "0" },
	{ "rtd3/fallback", "none" },
	{ "rtd3/fallback_reason", "none" },
	{ "rtd3/wake_timeout_ms", "1000" },
	{ "rtd3/settle_ms", "0" },
	{ "rtd3/reset_delay_ms", "0" },
	{ "rtd3/power_cycle_on_close", "0" },
	{ "rtd3/power_cycle_on_failure", "0" },
	{ "rtd3/stats/power_cycles", "0" },
};

static void check_defaults(const struct pci_fn *pf, const char *when)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		check_str(pci_get(pf, defaults[i].attr), defaults[i].val, "%s: %s of %s", when,
			  defaults[i].attr, pf->name);
}

static void check_write(const struct pci_fn *pf, const char *attr, const char *val, int want)
{
	check_err(__pci_set(pf, attr, val), want, "%s '%s'", attr, val[0] == '\n' ? "\\n" : val);
}

static void refusals(const struct pci_fn *pf)
{
	static const char *const read_only[] = {
		"rtd3/health", "rtd3/health_reason", "rtd3/fallback_reason",
		"rtd3/stats/recoveries", "rtd3/stats/power_cycles",
		"rtd3/stats/ready_latency_us", "rtd3/stats/verify_latency_us",
	};
	static const struct {
		const char *attr;
		const char *val;
		int want;
	} bad[] = {
		{ "rtd3/recover", "0", -EINVAL },
		{ "rtd3/recover", "n", -EINVAL },
		{ "rtd3/recover", "2", -EINVAL },
		{ "rtd3/recover", "\n", -EINVAL },
		{ "rtd3/recover", "please", -EINVAL },
		{ "rtd3/fallback", "off", -EINVAL },
		{ "rtd3/fallback", "d3hot", -EINVAL },
		{ "rtd3/fallback", "d3cold", -EINVAL },
		{ "rtd3/fallback", "None", -EINVAL },
		{ "rtd3/fallback", "none d3hot", -EINVAL },
		{ "rtd3/fallback", "\n", -EINVAL },
		{ "rtd3/wake_timeout_ms", "0", -ERANGE },
		{ "rtd3/wake_timeout_ms", "99", -ERANGE },
		{ "rtd3/wake_timeout_ms", "60001", -ERANGE },
		{ "rtd3/wake_timeout_ms", "4294967396", -ERANGE },
		{ "rtd3/wake_timeout_ms", "-1000", -EINVAL },
		{ "rtd3/wake_timeout_ms", "0x3e8", -EINVAL },
		{ "rtd3/wake_timeout_ms", "1000 ms", -EINVAL },
		{ "rtd3/wake_timeout_ms", "\n", -EINVAL },
		{ "rtd3/settle_ms", "60001", -ERANGE },
		{ "rtd3/settle_ms", "4294967296", -ERANGE },
		{ "rtd3/settle_ms", "-1", -EINVAL },
		{ "rtd3/settle_ms", "1.5", -EINVAL },
		{ "rtd3/settle_ms", "\n", -EINVAL },
		{ "rtd3/reset_delay_ms", "60001", -ERANGE },
		{ "rtd3/reset_delay_ms", "4294967296", -ERANGE },
		{ "rtd3/reset_delay_ms", "-1", -EINVAL },
		{ "rtd3/reset_delay_ms", "soon", -EINVAL },
		{ "rtd3/reset_delay_ms", "\n", -EINVAL },
		{ "rtd3/power_cycle_on_close", "2", -EINVAL },
		{ "rtd3/power_cycle_on_close", "-1", -EINVAL },
		{ "rtd3/power_cycle_on_close", "maybe", -EINVAL },
		{ "rtd3/power_cycle_on_close", "\n", -EINVAL },
		{ "rtd3/power_cycle_on_failure", "2", -EINVAL },
		{ "rtd3/power_cycle_on_failure", "-1", -EINVAL },
		{ "rtd3/power_cycle_on_failure", "maybe", -EINVAL },
		{ "rtd3/power_cycle_on_failure", "\n", -EINVAL },
	};
	char buf[64];

	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		check_write(pf, read_only[i], "0", -EACCES);
	check_err(__pci_get(pf, "rtd3/recover", buf, sizeof(buf)), -EACCES, "read of rtd3/recover");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_write(pf, bad[i].attr, bad[i].val, bad[i].want);
	check_defaults(pf, "after refused values");
}

/* Both ends of each range, and back to the default. */
static void limits(const struct pci_fn *pf)
{
	static const struct {
		const char *attr;
		const char *write;
		const char *read;
	} good[] = {
		{ "rtd3/wake_timeout_ms", "100", "100" },
		{ "rtd3/wake_timeout_ms", "60000\n", "60000" },
		{ "rtd3/wake_timeout_ms", "1000", "1000" },
		{ "rtd3/settle_ms", "60000", "60000" },
		{ "rtd3/settle_ms", "1\n", "1" },
		{ "rtd3/settle_ms", "0", "0" },
		{ "rtd3/reset_delay_ms", "60000", "60000" },
		{ "rtd3/reset_delay_ms", "0\n", "0" },
		{ "rtd3/power_cycle_on_close", "1\n", "1" },
		{ "rtd3/power_cycle_on_close", "n", "0" },
		{ "rtd3/power_cycle_on_close", "on", "1" },
		{ "rtd3/power_cycle_on_close", "0", "0" },
		{ "rtd3/power_cycle_on_failure", "1\n", "1" },
		{ "rtd3/power_cycle_on_failure", "n", "0" },
		{ "rtd3/power_cycle_on_failure", "on", "1" },
		{ "rtd3/power_cycle_on_failure", "0", "0" },
		{ "rtd3/fallback", "none\n", "none" },
		{ "rtd3/fallback", "none", "none" },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		check_write(pf, good[i].attr, good[i].write, 0);
		check_str(pci_get(pf, good[i].attr), good[i].read, "%s", good[i].attr);
	}
	check_defaults(pf, "after all that");
}

/* The least time-out is enough for a device that answers. */
static void least_timeout(const struct pci_fn *pf, struct power *p)
{
	struct vfio_dev d;

	pci_set(pf, "rtd3/wake_timeout_ms", "100");
	vfio_open(&d, pf);
	check_woken(pf, p, "wake_timeout_ms 100");
	check_known(&d, "wake_timeout_ms 100");
	vfio_close(&d);
	check_asleep(pf, p, "wake_timeout_ms 100");
	pci_set(pf, "rtd3/wake_timeout_ms", "1000");
	check_defaults(pf, "wake_timeout_ms 100");
}

static void check_recover(const struct pci_fn *pf, const char *when)
{
	static const char *const yes[] = { "1", "1\n", "y", "on" };
	unsigned long long resumes = rtd3_num(pf, "resumes");
	uint64_t start = now_us();
	char state[16];

	snprintf(state, sizeof(state), "%s", pci_get(pf, "rtd3/state"));
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		check_err(__pci_set(pf, "rtd3/recover", yes[i]), 0, "%s: recover '%.3s'", when,
			  yes[i]);
	check(since_ms(start) < SETTLE_MS, "%s: recover takes no time (%ld ms)", when,
	      since_ms(start));
	check_rtd3(pf, "state", state, when);
	check_eq(rtd3_num(pf, "resumes"), resumes, "%s: resumes", when);
	check_defaults(pf, when);
}

/* There is nothing to recover: no wake, no reset, low power goes on. */
static void recover(const struct pci_fn *pf, struct power *p)
{
	struct rtd3_region r;
	struct vfio_dev d;

	check_recover(pf, "recover while asleep");
	check_no_on(p, 500, "recover while asleep");

	vfio_open(&d, pf);
	rtd3_region_find(&d, &r);
	dut_mark(&d);
	*p = power_get(1);
	check_recover(pf, "recover while open");
	check_no_off(p, 500, "recover while open");
	check_eq(dut_read(&d, &dut_of(pf)->loses), dut_of(pf)->loses_val,
		 "recover while open: %s", dut_of(pf)->loses.what);

	vfio_entry(&d);
	check_asleep(pf, p, "ENTRY");
	check_recover(pf, "recover in low power");
	check_no_on(p, 500, "recover in low power");
	check(rtd3_engaged(&d, &r), "recover in low power: still engaged");
	vfio_exit(&d);
	check_known(&d, "EXIT after recover");
	*p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, p, "close after recover");
}

static void open_and_close(const struct pci_fn *pf)
{
	struct vfio_dev d;

	vfio_open(&d, pf);
	vfio_close(&d);
}

/* Both times are taken from before the close, so that they are not shorter than the truth. */
static void settle(const struct pci_fn *pf, struct power *p)
{
	struct vfio_dev d;
	uint64_t start;
	long ms;

	pci_set(pf, "rtd3/settle_ms", SETTLE);
	vfio_open(&d, pf);
	check_known(&d, "settle_ms " SETTLE);
	*p = power_get(1);
	start = now_us();
	vfio_close(&d);
	sleep_ms(SETTLE_MS / 2);
	check_str(pci_get(pf, "power/runtime_status"), "active", "settle_ms " SETTLE
		  ": runtime_status after %ld ms", since_ms(start));
	check_asleep(pf, p, "settle_ms " SETTLE);
	ms = since_ms(start);
	check(ms >= SETTLE_MS, "settle_ms " SETTLE ": asleep after %ld ms", ms);

	/* Once closed, the time is what it was then. */
	vfio_open(&d, pf);
	start = now_us();
	vfio_close(&d);
	pci_set(pf, "rtd3/settle_ms", "0");
	vfio_open(&d, pf);
	ms = since_ms(start);
	check(ms >= SETTLE_MS, "settle_ms " SETTLE ": opened again after %ld ms", ms);
	check_known(&d, "opened after the settle time");
	/* When the time is over it may go to sleep first, or be opened first. */
	*p = power_get(1);
	vfio_close(&d);
	ms = check_asleep(pf, p, "settle_ms 0");
	check(ms >= 0 && ms < SETTLE_MS, "settle_ms 0: asleep after %ld ms", ms);

	open_and_close(pf);
	start = now_us();
	vfio_open(&d, pf);
	check(since_ms(start) < SETTLE_MS, "settle_ms 0: opened again after %ld ms",
	      since_ms(start));
	*p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, p, "settle_ms 0, opened again");
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Who does not want to wait for it need not. */
static void settle_interrupted(const struct pci_fn *pf, struct power *p)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 300000 } };
	const struct sigaction sa = { .sa_handler = on_alarm };
	struct vfio_dev d;
	uint64_t start;
	int ret;

	pci_set(pf, "rtd3/settle_ms", LONG);
	open_and_close(pf);
	sigaction(SIGALRM, &sa, NULL);
	start = now_us();
	setitimer(ITIMER_REAL, &soon, NULL);
	ret = __vfio_open(&d, pf);
	check_err(ret, -EINTR, "settle_ms " LONG ": open, and a signal");
	check(since_ms(start) < PROMPT_MS, "settle_ms " LONG ": it ends the open, after %ld ms",
	      since_ms(start));
	if (!ret)
		vfio_close(&d);

	*p = power_get(1);
	start = now_us();
	pci_unbind(pf);
	check(since_ms(start) < PROMPT_MS, "settle_ms " LONG ": unbound after %ld ms",
	      since_ms(start));
	check_str(pci_get(pf, "power/runtime_status"), "active", "unbound: runtime_status");
	check_no_off(p, 500, "unbound");
	pci_bind(pf, rig.driver);
	check_asleep(pf, p, "bound again");
	check_defaults(pf, "bound again");
	start = now_us();
	vfio_open(&d, pf);
	check(since_ms(start) < PROMPT_MS, "bound again: opened after %ld ms", since_ms(start));
	vfio_close(&d);
	check_asleep(pf, p, "bound again, closed");
}

/* Close a device that has a mark. The power has to be cut by the close itself, or not to be. */
static void close_marked(struct vfio_dev *d, bool cut, unsigned int cycles, const char *when)
{
	const struct pci_fn *pf = d->pf;
	int kmsg = kmsg_open();
	struct power p, now;
	char line[1024];
	uint64_t start;
	long ms;

	dut_mark(d);
	p = power_get(1);
	start = now_us();
	vfio_close(d);
	ms = since_ms(start);
	now = power_get(1);
	/* Woken again, to see that it has been without power. */
	check(now.off - p.off == cut && now.on - p.on == cut, "%s: close: %u _OFF, %u _ON", when,
	      now.off - p.off, now.on - p.on);
	check_eq(power_cfg(pf, 0), pci_id(pf), "%s: id from outside", when);
	check_eq(rtd3_num(pf, "power_cycles"), cycles, "%s: power_cycles", when);
	check_eq(kmsg_count(kmsg, "reset by a power cycle", line, sizeof(line)), cut,
		 "%s: lines in the log that tell of it", when);
	check(ms < PROMPT_MS && (!cut || ms >= OFF_MS), "%s: close takes %ld ms", when, ms);
	close(kmsg);
}

/* As close_marked() of a device that stays powered, but should not have. */
static void close_warned(struct vfio_dev *d, unsigned int cycles, const char *when)
{
	int kmsg = kmsg_open();
	char line[1024];

	close_marked(d, false, cycles, when);
	check_eq(kmsg_count(kmsg, "no power cycle: its power cannot be cut", line, sizeof(line)), 1,
		 "%s: lines in the log that say so", when);
	check(strstr(line, d->pf->name), "%s: '%s'", when, line);
	close(kmsg);
}

/* The next user; @gone: it does not find what the last one has left. */
static void next_user(const struct pci_fn *pf, bool gone, const char *when)
{
	const struct dut *t = dut_of(pf);
	struct vfio_dev d;

	vfio_open(&d, pf);
	check_known(&d, when);
	if (gone)
		check_mark_gone(&d, when);
	else
		check_eq(dut_read(&d, &t->loses), t->loses_val, "%s: %s", when, t->loses.what);
	vfio_close(&d);
}

static void cycle(const struct pci_fn *pf, bool cut, unsigned int cycles, const char *when)
{
	struct vfio_dev d;

	vfio_open(&d, pf);
	close_marked(&d, cut, cycles, when);
}

static void cycle_in_low_power(const struct pci_fn *pf, unsigned int cycles)
{
	const char *when = "closed in D3cold";
	unsigned long long wakes = rtd3_num(pf, "wakes_close");
	struct power p = power_get(1), now;
	struct vfio_dev d;

	vfio_open(&d, pf);
	dut_mark(&d);
	p = power_get(1);
	pci_set(pf, "power/autosuspend_delay_ms", "0");
	vfio_entry(&d);
	wait_asleep(pf, &p);
	pci_set(pf, "power/autosuspend_delay_ms", LONG);
	vfio_close(&d);
	now = power_get(1);
	check(now.on - p.on == 2 && now.off - p.off == 1, "%s: %u _ON, %u _OFF", when,
	      now.on - p.on, now.off - p.off);
	check_eq(rtd3_num(pf, "power_cycles"), cycles, "%s: power_cycles", when);
	check_eq(rtd3_num(pf, "wakes_close"), wakes + 2, "%s: wakes_close", when);
}

static void cycle_and_settle(const struct pci_fn *pf, unsigned int cycles)
{
	struct vfio_dev d;
	uint64_t start;

	pci_set(pf, "rtd3/settle_ms", SETTLE);
	start = now_us();
	cycle(pf, true, cycles, "with settle_ms " SETTLE);
	vfio_open(&d, pf);
	check(since_ms(start) >= SETTLE_MS, "with settle_ms " SETTLE ": opened after %ld ms",
	      since_ms(start));
	check_mark_gone(&d, "with settle_ms " SETTLE);
	pci_set(pf, "rtd3/settle_ms", "0");
	close_marked(&d, true, cycles + 1, "with settle_ms 0 again");
}

/* What stands against D3cold stands against a power cycle. */
static void cycle_blocked(const struct pci_fn *pf, struct power *p, unsigned int cycles)
{
	struct vfio_dev d;

	pci_set(pf, "rtd3/policy", "d3hot");
	vfio_open(&d, pf);
	close_warned(&d, cycles, "policy d3hot");
	check_rtd3(pf, "state", "D3hot", "policy d3hot");
	pci_set(pf, "rtd3/policy", "off");
	vfio_open(&d, pf);
	close_warned(&d, cycles, "policy off");
	check_rtd3(pf, "state", "D0", "policy off");
	pci_set(pf, "rtd3/policy", "d3cold");

	pci_set(pf, "power/control", "on");
	vfio_open(&d, pf);
	close_warned(&d, cycles, "power/control on");
	*p = power_get(1);
	pci_set(pf, "power/control", "auto");
	pci_set(pf, "power/autosuspend_delay_ms", "200");
	check_asleep(pf, p, "nothing in the way again");
	pci_set(pf, "power/autosuspend_delay_ms", LONG);
}

/* The autosuspend delay keeps the device awake: its power goes only if a close cuts it. */
static void power_cycle(const struct pci_fn *pf, struct power *p)
{
	pci_set(pf, "power/autosuspend_delay_ms", LONG);
	pci_set_reset(pf, "\n");
	cycle(pf, false, 0, "power_cycle_on_close 0");

	pci_set(pf, "rtd3/power_cycle_on_close", "1");
	cycle(pf, true, 1, "power_cycle_on_close 1");
	check_rtd3(pf, "state", "D0", "power_cycle_on_close 1");
	cycle(pf, true, 2, "power_cycle_on_close 1, again");
	cycle_in_low_power(pf, 3);
	cycle_and_settle(pf, 4);
	cycle_blocked(pf, p, 5);

	pci_set_reset(pf, "default");
	cycle(pf, false, 5, "a device that can be reset");
	next_user(pf, true, "a device that can be reset");
	pci_set(pf, "rtd3/power_cycle_on_close", "0");
	*p = power_get(1);
	pci_set(pf, "power/autosuspend_delay_ms", "200");
	check_asleep(pf, p, "power_cycle_on_close 0 again");
	check_eq(rtd3_num(pf, "failures"), 0, "rtd3/stats/failures");
}

static void each_its_own(const struct pci_fn *pf, const struct pci_fn *sib)
{
	pci_set(pf, "rtd3/wake_timeout_ms", "5000");
	pci_set(pf, "rtd3/settle_ms", "1");
	pci_set(pf, "rtd3/power_cycle_on_close", "1");
	pci_set(pf, "rtd3/power_cycle_on_failure", "1");
	check_defaults(sib, "the other one's changed");
	pci_set(pf, "rtd3/wake_timeout_ms", "1000");
	pci_set(pf, "rtd3/settle_ms", "0");
	pci_set(pf, "rtd3/power_cycle_on_close", "0");
	pci_set(pf, "rtd3/power_cycle_on_failure", "0");
	check_defaults(pf, "changed back");
}

/* The power is never cut below somebody who uses it. */
static void sibling_open(const struct pci_fn *pf, const struct pci_fn *sib)
{
	struct vfio_dev d, s;
	struct vfio_group g;

	pci_set(pf, "rtd3/power_cycle_on_close", "1");
	vfio_group_open(&g, pci_iommu_group(pf));
	vfio_dev_open(&s, &g, sib);
	dut_mark(&s);
	vfio_dev_open(&d, &g, pf);
	close_warned(&d, 0, "sibling open");
	check_eq(dut_read(&s, &dut_of(sib)->loses), dut_of(sib)->loses_val,
		 "sibling open: its %s", dut_of(sib)->loses.what);
	check_known(&s, "sibling open");
	vfio_close(&s);
	vfio_group_close(&g);
	check_eq(rtd3_num(sib, "power_cycles"), 0, "sibling open: its power_cycles");
}

/* It loses its power with the device, which is told to nobody but its own account. */
static void sibling_asleep(const struct pci_fn *pf, const struct pci_fn *sib)
{
	cycle(pf, true, 1, "sibling unused");
	next_user(sib, true, "sibling unused: its next user");
	next_user(pf, true, "sibling unused: the next user");
	check_eq(rtd3_num(pf, "power_cycles"), 2, "sibling unused: power_cycles");
	check_eq(rtd3_num(sib, "power_cycles"), 0, "sibling unused: its power_cycles");
}

/* Without the sibling the core can reset nothing: only the power cycle is left. */
static void sibling_unbound(const struct pci_fn *pf, const struct pci_fn *sib, struct power *p)
{
	struct vfio_dev d;

	pci_unbind(sib);
	pci_set(pf, "rtd3/power_cycle_on_close", "0");
	cycle(pf, false, 2, "power_cycle_on_close 0, sibling unbound");
	next_user(pf, false, "power_cycle_on_close 0, sibling unbound");

	pci_set(pf, "rtd3/power_cycle_on_close", "1");
	vfio_open(&d, pf);
	close_warned(&d, 2, "sibling unbound and held awake");
	pci_set(sib, "power/control", "auto");
	cycle(pf, true, 3, "sibling unbound");
	pci_set(pf, "rtd3/power_cycle_on_close", "0");
	next_user(pf, true, "sibling unbound");
	*p = power_get(1);
	pci_set(pf, "power/autosuspend_delay_ms", "200");
	check_asleep(pf, p, "power_cycle_on_close 0");
	pci_bind(sib, rig.driver);
}

static void one_function(const struct pci_fn *pf)
{
	struct power p = power_get(1);

	check_defaults(pf, "bound");
	refusals(pf);
	limits(pf);
	check_no_on(&p, 500, "after all those reads and writes");
	least_timeout(pf, &p);
	recover(pf, &p);
	settle(pf, &p);
	settle_interrupted(pf, &p);
	power_cycle(pf, &p);
	check_str(pci_get(pf, "rtd3/health"), "ok", "at the end: rtd3/health");
}

static void two_functions(const struct pci_fn *pf, const struct pci_fn *sib)
{
	struct power p = power_get(1);

	each_its_own(pf, sib);
	each_its_own(sib, pf);
	check_no_on(&p, 500, "after all those reads and writes");
	pci_set(pf, "power/autosuspend_delay_ms", LONG);
	pci_set_reset(pf, "\n");
	sibling_open(pf, sib);
	sibling_asleep(pf, sib);
	sibling_unbound(pf, sib, &p);
	for (int i = 0; i < rig.nr_fns; i++) {
		check_str(pci_get(&rig.fn[i], "rtd3/health"), "ok", "at the end: rtd3/health");
		check_eq(rtd3_num(&rig.fn[i], "failures"), 0, "at the end: rtd3/stats/failures");
	}
}

RIG_TEST(health, "health of a healthy device, what is done after a close")
{
	struct power p;

	rig_load();
	check_bind_asleep(&p, "bind");
	if (rig.nr_fns == 1)
		one_function(&rig.fn[0]);
	else
		two_functions(&rig.fn[1], &rig.fn[0]);
}
