// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole chain: this machine runs an unmodified QEMU whose guest lets its devices sleep, and
 * the host's count of _ON and _OFF says whether that cuts their power. The guest's driver decides
 * by itself, seconds after the cable is pulled.
 *
 * Device A is behind a port to which src/acpi/rtd3-pr3.asl gives _PR3, with rtd3/virtual_pr3 set
 * and promotion off: it loses power by the guest's _OFF. Device B is behind a port without: it
 * loses power by promotion of the guest's write of D3hot. With the stock driver, and with a driver
 * of ours that can do neither, the same guest must work as well, and power stays on.
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "nested.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

#define LOOK_MS		2000
#define POLL_MS		5

/* A device under test: the two ways to D3cold differ in what the inner guest calls its states. */
struct side {
	char letter;
	int port;
	const struct pci_fn *pf;
	const char *state;
	const char *port_state;
	unsigned int pmcsr;
	struct power p;
};

static struct side a = {
	.letter = 'A', .port = 1, .pf = &rig.fn[0], .state = "D3cold", .port_state = "D3cold"
};

static struct side b = {
	.letter = 'B', .port = 2, .pf = &rig.other, .state = "D3hot", .port_state = "D0"
};

/* Whether power is to be cut while the inner guest runs. */
static bool deep;

static void link_set(const struct side *s, bool up)
{
	char reply[64];

	chan_query(reply, sizeof(reply), "link rp%d %s", s->port, up ? "on" : "off");
	if (strcmp(reply, "ok"))
		die("host sets the link of port %d: %s", s->port, reply);
}

/* The offset of PMCSR, found from outside while the device is awake. */
static unsigned int find_pmcsr(const struct pci_fn *pf)
{
	unsigned int cap = power_cfg(pf, PCI_CAPABILITY_LIST) & 0xfc;

	for (int i = 0; cap && i < 48; i++) {
		uint32_t head = power_cfg(pf, cap);

		if ((head & 0xff) == PCI_CAP_ID_PM)
			return cap + PCI_PM_CTRL;
		cap = head >> 8 & 0xfc;
	}
	die("%s: PM capability seen from outside", pf->name);
}

static long wait_off(const struct side *s)
{
	uint64_t start = now_us();

	do {
		if (power_get(s->port).off > s->p.off && power_cfg(s->pf, 0) == ALL_ONES)
			return since_ms(start);
		sleep_ms(POLL_MS);
	} while (since_ms(start) < ASLEEP_TIMEOUT_MS);
	return -1;
}

static void check_off(struct side *s, const char *when)
{
	long ms = wait_off(s);
	struct power p = power_get(s->port);

	check(ms >= 0 && p.off == s->p.off + 1 && p.on == s->p.on,
	      "%c: %s: power is cut, once (%ld ms, on %u -> %u, off %u -> %u, cfg %08x)",
	      s->letter, when, ms, s->p.on, p.on, s->p.off, p.off, power_cfg(s->pf, 0));
	s->p = p;
}

static void check_on(struct side *s, const char *when)
{
	struct power p = power_get(s->port);
	uint32_t id = power_cfg(s->pf, 0);

	check(p.on == s->p.on + 1 && p.off == s->p.off && id == pci_id(s->pf),
	      "%c: %s: power is back, once (on %u -> %u, off %u -> %u, cfg %08x)",
	      s->letter, when, s->p.on, p.on, s->p.off, p.off, id);
	s->p = p;
}

static void check_same(struct side *s, const char *when)
{
	struct power p = power_get(s->port);

	check(p.on == s->p.on && p.off == s->p.off,
	      "%c: %s: power was not touched (on %u -> %u, off %u -> %u)", s->letter, when,
	      s->p.on, p.on, s->p.off, p.off);
	s->p = p;
}

/* However often power was turned on and off, it is on. */
static void check_powered(struct side *s, const char *when)
{
	struct power p = power_get(s->port);
	uint32_t id = power_cfg(s->pf, 0);

	check(p.on == p.off + 1 && id == pci_id(s->pf),
	      "%c: %s: it has power (on %u -> %u, off %u -> %u, cfg %08x)", s->letter, when,
	      s->p.on, p.on, s->p.off, p.off, id);
	s->p = p;
}

static void check_echo(struct inner *g, const struct side *s, const char *when)
{
	char reply[200];
	bool good = inner_ask(g, reply, sizeof(reply), "echo %c", s->letter);

	check(good, "%c: %s: a frame comes back as it was sent: %s", s->letter, when, reply);
}

/* Both have _PR3, and whoever turns the power off or on does it for both. */
static void check_acpi(struct inner *g, const struct side *s, const char *want, const char *when)
{
	char reply[200];

	if (s->letter != 'A' || !deep)
		return;
	inner_ask(g, reply, sizeof(reply), "acpi A");
	check_str(reply, want, "A: %s: real_power_state", when);
}

static void put_to_sleep(struct inner *g, struct side *s)
{
	struct inner_state st;

	link_set(s, false);
	if (!inner_state(g, &st, "sleep", s->letter))
		return;
	check(!strcmp(st.status, "suspended") && !strcmp(st.power, s->state) &&
	      !strcmp(st.port, s->port_state),
	      "%c: the guest's driver lets it sleep: %s, %s, port %s, %s, after %ld ms", s->letter,
	      st.status, st.power, st.port_status, st.port, st.value);
	if (st.value)
		figure(s->letter == 'A' ? "asleep_a_ms" : "asleep_b_ms", "%ld", st.value);
	if (deep) {
		check_off(s, "asleep");
		check_acpi(g, s, "device=D3cold port=D3cold", "asleep");
		return;
	}
	sleep_ms(LOOK_MS);
	check_same(s, "asleep without promotion");
	check_eq(power_cfg(s->pf, s->pmcsr) & PCI_PM_CTRL_STATE_MASK, 3,
		 "%c: asleep: state in PMCSR from outside", s->letter);
}

static void wake_up(struct inner *g, struct side *s)
{
	struct inner_state st;

	link_set(s, true);
	if (!inner_state(g, &st, "wake", s->letter))
		return;
	check(!strcmp(st.status, "active") && !strcmp(st.power, "D0"),
	      "%c: the guest wakes it: %s, %s, after %ld ms", s->letter, st.status, st.power,
	      st.value / 1000);
	figure(s->letter == 'A' ? "wake_a_ms" : "wake_b_ms", "%ld", st.value / 1000);
	check_acpi(g, s, "device=D0 port=D0", "awake");
	if (deep)
		check_on(s, "awake");
	else
		check_same(s, "awake");
	check_eq(power_cfg(s->pf, s->pmcsr) & PCI_PM_CTRL_STATE_MASK, 0,
		 "%c: awake: state in PMCSR from outside", s->letter);
}

static void one_side(struct inner *g, struct side *s, struct side *other)
{
	uint64_t start = now_us();
	struct inner_state st;

	put_to_sleep(g, s);
	check_echo(g, other, "while the other one sleeps");
	check_same(other, "while the other one sleeps");
	if (inner_state(g, &st, "state", s->letter))
		check_str(st.power, s->state, "%c: still asleep", s->letter);
	check_same(s, "left alone");
	wake_up(g, s);
	check_echo(g, s, "after its sleep");
	figure(s->letter == 'A' ? "cycle_a_ms" : "cycle_b_ms", "%ld", since_ms(start));
}

/* At once, so that the driver's seconds pass for both. */
static void both_to_sleep(struct inner *g, struct side *first, struct side *second)
{
	char reply[64];

	link_set(second, false);
	inner_ask(g, reply, sizeof(reply), "allow %c", second->letter);
	put_to_sleep(g, first);
	put_to_sleep(g, second);
}

/* The guest is reset without a word to its devices; what it boots finds them as they should be. */
static bool reset_asleep(struct inner *g)
{
	char reply[64];

	link_set(&a, true);
	link_set(&b, true);
	check(inner_ask(g, reply, sizeof(reply), "crash A"), "the guest resets itself: %s", reply);
	if (!inner_reboots(g))
		return false;
	check_powered(&a, "reset while it slept");
	check_powered(&b, "reset while it slept");
	check_echo(g, &a, "reset while it slept");
	check_echo(g, &b, "reset while it slept");
	return true;
}

static void set_up(struct side *s)
{
	s->pmcsr = find_pmcsr(s->pf);
	s->p = power_get(s->port);
	pci_bind(s->pf, rig.driver);
	check_off(s, "bound and unused");
}

/* Binds both devices, and lets them be promoted where the driver can. */
static void set_up_both(void)
{
	if (!rig.has_other)
		die("a second device below %s", RIG_PORT2);
	rig_load();
	set_up(&a);
	set_up(&b);
	deep = rig.ours && pci_has(a.pf, "rtd3/promote") && pci_has(a.pf, "rtd3/virtual_pr3");
	if (!deep)
		return;
	pci_set(a.pf, "rtd3/promote", "never");
	pci_set(a.pf, "rtd3/virtual_pr3", "1");
	pci_set(b.pf, "rtd3/promote", "always");
	check_same(&a, "settings");
	check_same(&b, "settings");
}

/* A new inner guest, with both its devices at work. */
static bool boot(struct inner *g)
{
	uint64_t start = now_us();

	if (!inner_boot(g))
		return false;
	figure("inner_boot_ms", "%ld", since_ms(start));
	check_on(&a, "the guest has booted");
	check_on(&b, "the guest has booted");
	check_echo(g, &a, "the guest has booted");
	check_echo(g, &b, "the guest has booted");
	return true;
}

/* Power may be turned on for what has to be done at a close, but must be off after it. */
static void check_left_off(struct side *s, const char *when)
{
	uint64_t start = now_us();
	struct power p;
	bool off;

	do {
		sleep_ms(100);
		p = power_get(s->port);
		off = p.on == p.off && power_cfg(s->pf, 0) == ALL_ONES;
	} while (!off && since_ms(start) < ASLEEP_TIMEOUT_MS);
	check(off, "%c: %s: without power (on %u -> %u, off %u -> %u, cfg %08x)", s->letter, when,
	      s->p.on, p.on, s->p.off, p.off, power_cfg(s->pf, 0));
	s->p = p;
}

static void check_health(const struct side *s)
{
	check_eq(rtd3_num(s->pf, "failures"), 0, "%c: rtd3/stats/failures", s->letter);
	diag("%c: %llu promotions, %llu reads answered from the image, longest wake %llu us",
	     s->letter, rtd3_num(s->pf, "promotions"), rtd3_num(s->pf, "shadow_reads"),
	     rtd3_num(s->pf, "wake_latency_max_us"));
}

static void finish(struct inner *g)
{
	inner_poweroff(g);
	check_inner_log();
	/* A guest's driver may have written D3hot as its last act. */
	check_left_off(&a, "the guest has gone");
	check_left_off(&b, "the guest has gone");
	if (rig.ours) {
		check_health(&a);
		check_health(&b);
	}
	if (tap_failures())
		inner_show_logs();
}

RIG_TEST(nested, "a guest of a guest puts its devices to sleep")
{
	struct inner g = {};
	char why[160];

	set_up_both();
	if (!inner_kvm(why, sizeof(why))) {
		skip(why, "the inner guest: in TCG within TCG it takes half an hour");
		return;
	}
	if (!boot(&g))
		return;
	one_side(&g, &a, &b);
	one_side(&g, &b, &a);

	both_to_sleep(&g, &a, &b);
	wake_up(&g, &b);
	check_echo(&g, &b, "after both slept");
	wake_up(&g, &a);
	check_echo(&g, &a, "after both slept");

	both_to_sleep(&g, &b, &a);
	if (reset_asleep(&g))
		finish(&g);
}

/* Both at once, as often as the host says. */
static void many_cycles(struct inner *g)
{
	int cycles = rig_cycles(100);

	for (int i = 1; i <= cycles; i++) {
		uint64_t start = now_us();
		struct side *first = i & 1 ? &a : &b, *second = i & 1 ? &b : &a;

		both_to_sleep(g, first, second);
		wake_up(g, first);
		wake_up(g, second);
		check_echo(g, first, "after its sleep");
		check_echo(g, second, "after its sleep");
		figure("cycle_ms", "%ld (%d of %d)", since_ms(start), i, cycles);
		/* One that went wrong makes all others fail: the first says why. */
		if (tap_failures())
			return;
	}
}

/* The guest goes, with its word or without, while its devices are in some state. */
static bool leave_in(const char *state, bool a_sleeps, bool b_sleeps, bool killed)
{
	uint64_t start;
	struct inner g = {};
	char when[48];

	snprintf(when, sizeof(when), "%s with %s", killed ? "killed" : "shut down", state);
	if (!boot(&g))
		return false;
	if (a_sleeps)
		put_to_sleep(&g, &a);
	if (b_sleeps)
		put_to_sleep(&g, &b);
	start = now_us();
	if (killed)
		inner_kill(&g);
	else
		inner_poweroff(&g);
	figure(killed ? "kill_ms" : "shutdown_ms", "%ld (%s)", since_ms(start), when);
	check_left_off(&a, when);
	check_left_off(&b, when);
	link_set(&a, true);
	link_set(&b, true);
	if (tap_failures())
		inner_show_logs();
	return !tap_failures();
}

RIG_TEST(nested_long, "the same many times, shutdown and kill in each state")
{
	struct inner g = {};
	bool good = true;
	char why[160];

	set_up_both();
	inner_kvm(why, sizeof(why));
	for (int killed = 0; killed < 2; killed++) {
		good = good && leave_in("both awake", false, false, killed) &&
		       leave_in("A asleep", true, false, killed) &&
		       leave_in("B asleep", false, true, killed) &&
		       leave_in("both asleep", true, true, killed);
	}
	if (!good || !boot(&g))
		return;
	many_cycles(&g);
	finish(&g);
}
