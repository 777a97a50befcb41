// SPDX-License-Identifier: GPL-2.0-only
/* rtd3/blockers and rtd3/predicted: every line is made to appear for real, and to go. */
#include <stdio.h>
#include <string.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define TEXT		4096
#define APPEAR_MS	3000

static const struct pci_fn port = { .name = RIG_PORT1 };
static int seen;

static bool is_name(const char *s, size_t len)
{
	unsigned int dom, bus, dev, fn;
	int end = 0;

	return len == 12 && sscanf(s, "%4x:%2x:%2x.%1x%n", &dom, &bus, &dev, &fn, &end) == 4 &&
	       end == 12;
}

/* token device */
static bool well_formed(const char *line)
{
	size_t token = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (!token || line[token] != ' ')
		return false;
	line += token + 1;
	return is_name(line, strlen(line));
}

/* Read the file, look at every line; is there one for this token and device? */
static int lines(const struct pci_fn *pf, const char *token, const char *device, int *odd)
{
	char text[TEXT], want[64], *rest = text, *line;
	int n = 0, found = 0;

	__pci_get(pf, "rtd3/blockers", text, sizeof(text));
	snprintf(want, sizeof(want), "%s %s", token, device);
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		n++;
		*odd += !well_formed(line);
		found += !strcmp(line, want);
	}
	return found ? n : -n;
}

static void say_lines(const struct pci_fn *pf)
{
	char text[TEXT], *rest = text, *line;

	__pci_get(pf, "rtd3/blockers", text, sizeof(text));
	while ((line = strsep(&rest, "\n")))
		if (*line)
			diag("| %s", line);
}

/* The line is there, with as many others as expected, and nothing else. */
static void check_line(const struct pci_fn *pf, const char *token, const struct pci_fn *on,
		       const char *predicted, int with)
{
	uint64_t start = now_us();
	int n, odd;

	do {
		odd = 0;
		n = lines(pf, token, on->name, &odd);
		/* What was just touched is awake for a moment, and is in the list for that. */
		if (n != 1 + with)
			sleep_ms(5);
	} while (n != 1 + with && since_ms(start) < APPEAR_MS);
	check(n == 1 + with, "%s %s: there%s (%d lines)", token, on->name,
	      with ? "" : ", and alone", n);
	check(!odd, "%s: 'token device' (%d odd lines)", token, odd);
	say_lines(pf);
	check_rtd3(pf, "predicted", predicted, token);
	seen += n > 0;
}

/* It has gone, nothing is left, and the prediction comes true. */
static void check_gone(const struct pci_fn *pf, const char *token, struct power *p)
{
	char when[64];
	uint64_t start = now_us();
	int n, odd = 0;

	snprintf(when, sizeof(when), "%s taken away", token);
	do {
		n = lines(pf, token, pf->name, &odd);
		if (n)
			sleep_ms(5);
	} while (n && since_ms(start) < APPEAR_MS);
	if (!check(!n, "%s: no lines", when))
		say_lines(pf);
	check_rtd3(pf, "predicted", "D3cold", when);
	check_asleep(pf, p, when);
}

/* Attributes of the device and of its port. */
static void attributes(const struct pci_fn *pf, struct power *p)
{
	const struct {
		const char *token;
		const struct pci_fn *on;
		const char *attr;
		const char *set;
		const char *back;
		const char *predicted;
	} rows[] = {
		{ "control-on", pf, "power/control", "on", "auto", "D0" },
		{ "d3cold-not-allowed", pf, "d3cold_allowed", "0", "1", "D3hot" },
		{ "policy-off", pf, "rtd3/policy", "off", "d3cold", "D0" },
		{ "policy-d3hot", pf, "rtd3/policy", "d3hot", "d3cold", "D3hot" },
		{ "port-control-on", &port, "power/control", "on", "auto", "D3hot" },
		{ "port-d3cold-not-allowed", &port, "d3cold_allowed", "0", "1", "D3hot" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pci_set(rows[i].on, rows[i].attr, rows[i].set);
		check_line(pf, rows[i].token, rows[i].on, rows[i].predicted, 0);
		/* The prediction comes true. */
		if (strcmp(rows[i].predicted, "D0")) {
			check_woken(pf, p, rows[i].token);
			check_hot(pf, p, rows[i].token);
		} else {
			check_woken(pf, p, rows[i].token);
			check_up(pf, p, rows[i].token);
		}
		check_line(pf, rows[i].token, rows[i].on, rows[i].predicted, 0);
		pci_set(rows[i].on, rows[i].attr, rows[i].back);
		check_gone(pf, rows[i].token, p);
	}

	/* All that can be at once. */
	pci_set(pf, "power/control", "on");
	set_d3cold_allowed(pf, "0");
	pci_set(pf, "rtd3/policy", "off");
	pci_set(&port, "d3cold_allowed", "0");
	check_line(pf, "control-on", pf, "D0", 3);
	check_line(pf, "d3cold-not-allowed", pf, "D0", 3);
	check_line(pf, "policy-off", pf, "D0", 3);
	check_line(pf, "port-d3cold-not-allowed", &port, "D0", 3);
	pci_set(pf, "rtd3/policy", "d3hot");
	pci_set(pf, "power/control", "auto");
	check_line(pf, "policy-d3hot", pf, "D3hot", 2);
	pci_set(pf, "rtd3/policy", "d3cold");
	set_d3cold_allowed(pf, "1");
	*p = power_get(1);
	pci_set(&port, "d3cold_allowed", "1");
	check_gone(pf, "all at once", p);
}

static void in_use(const struct pci_fn *pf, struct power *p)
{
	struct vfio_dev d;

	vfio_open(&d, pf);
	check_line(pf, "in-use", pf, "D0", 0);
	*p = power_get(1);
	vfio_entry(&d);
	check_gone(pf, "in-use", p);
	vfio_exit(&d);
	check_line(pf, "in-use", pf, "D0", 0);
	*p = power_get(1);
	if (__rtd3_enter(&d, RTD3_STATE_D3HOT))
		die("entry with D3hot");
	check_line(pf, "entry-d3hot", pf, "D3hot", 0);
	check_hot(pf, p, "entry-d3hot");
	check_line(pf, "entry-d3hot", pf, "D3hot", 0);
	if (__rtd3_exit(&d))
		die("exit");
	check_line(pf, "in-use", pf, "D0", 0);
	vfio_close(&d);
	check_gone(pf, "in-use and entry-d3hot", p);
}

/* Only reading, in the deepest state, many times. */
static void reading(const struct pci_fn *pf, struct power *p)
{
	int odd = 0, n = 0;

	for (int i = 0; i < 200; i++) {
		n += lines(pf, "none", pf->name, &odd) != 0;
		n += strcmp(pci_get(pf, "rtd3/predicted"), "D3cold") != 0;
	}
	check(!n, "read 200 times while asleep: empty, D3cold (%d times not)", n);
	check_no_on(p, 500, "after reading 200 times");
}

static void siblings(const struct pci_fn *pf, const struct pci_fn *sib, struct power *p)
{
	const struct dut *t = dut_of(sib);
	struct vfio_dev d;

	pci_set(sib, "power/control", "on");
	check_line(pf, "sibling-control-on", sib, "D3hot", 0);
	*p = power_get(1);
	pci_set(sib, "power/control", "auto");
	check_gone(pf, "sibling-control-on", p);

	set_d3cold_allowed(sib, "0");
	check_line(pf, "sibling-d3cold-not-allowed", sib, "D3hot", 0);
	*p = power_get(1);
	set_d3cold_allowed(sib, "1");
	check_gone(pf, "sibling-d3cold-not-allowed", p);

	vfio_open(&d, sib);
	check_line(pf, "sibling-active", sib, "D3hot", 0);
	check_line(sib, "in-use", sib, "D0", 0);
	*p = power_get(1);
	check_hot(pf, p, "sibling-active");
	vfio_close(&d);
	check_gone(pf, "sibling-active", p);

	/* Its own policy stands against ours, too. */
	pci_set(sib, "rtd3/policy", "d3hot");
	check_line(pf, "sibling-no-d3cold", sib, "D3hot", 0);
	*p = power_get(1);
	pci_set(sib, "rtd3/policy", "d3cold");
	check_gone(pf, "sibling-no-d3cold", p);

	pci_unbind(sib);
	check_line(pf, "sibling-unbound", sib, "D3hot", 0);
	*p = power_get(1);
	check_hot(pf, p, "sibling-unbound");
	rig_modprobe(t->native_module);
	pci_bind(sib, t->native);
	/* A network driver arms wake-on-LAN, which is for another check. */
	if (!strcmp(pci_get(sib, "power/wakeup"), "enabled"))
		pci_set(sib, "power/wakeup", "disabled");
	check_line(pf, "sibling-other-driver", sib, "D3hot", 0);
	check_hot(pf, p, "sibling-other-driver");
	pci_unbind(sib);
	if (!strcmp(pci_get(sib, "power/wakeup"), "enabled"))
		pci_set(sib, "power/wakeup", "disabled");
	*p = power_get(1);
	pci_bind(sib, rig.driver);
	check_gone(pf, "sibling-unbound", p);
}

/* Whatever is predicted for a sleeping device, that is what a fresh suspend reaches. */
static void check_true(const struct pci_fn *pf, const char *when)
{
	struct vfio_dev d;
	struct power p;
	bool cold;

	vfio_open(&d, pf);
	p = power_get(1);
	vfio_close(&d);
	/* A sibling was woken with the port, and stands against D3cold until it sleeps again. */
	for (int i = 0; i < rig.nr_fns; i++)
		pci_wait(&rig.fn[i], "power/runtime_status", "suspended", APPEAR_MS);
	cold = !strcmp(pci_get(pf, "rtd3/predicted"), "D3cold");
	if (!cold)
		check_rtd3(pf, "predicted", "D3hot", when);
	say_lines(pf);
	if (cold)
		check_asleep(pf, &p, when);
	else
		check_hot(pf, &p, when);
}

/*
 * Wakeup without PME from D3cold. The PCI core looks at this only when somebody changes
 * d3cold_allowed, so the list must not believe what is in power/wakeup alone.
 */
static void wakeup(const struct pci_fn *pf, const struct pci_fn *arm, struct power *p)
{
	const char *when = pf == arm ? "wakeup" : "wakeup of a sibling";
	int odd = 0;

	if (!check_str(pci_get(arm, "power/wakeup"), "disabled", "%s: %s can wake", when,
		       arm->name))
		return;
	pci_set(arm, "power/wakeup", "enabled");
	check_true(pf, "wakeup enabled");
	set_d3cold_allowed(arm, "0");
	set_d3cold_allowed(arm, "1");
	check_line(pf, pf == arm ? "wakeup-armed" : "sibling-wakeup-armed", arm, "D3hot", 0);
	check_true(pf, "wakeup enabled, d3cold_allowed written");
	pci_set(arm, "power/wakeup", "disabled");
	check_true(pf, "wakeup disabled");
	/* Until somebody does, the port stays as it is, and that is nobody else's fault. */
	check(lines(pf, "port-no-d3", port.name, &odd) == 1 && !odd,
	      "wakeup disabled: the port does not know it yet");
	set_d3cold_allowed(arm, "0");
	*p = power_get(1);
	set_d3cold_allowed(arm, "1");
	check_gone(pf, when, p);
}

RIG_TEST(blockers, "rtd3/blockers, rtd3/predicted")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p;

	rig_load();
	p = power_get(1);
	rig_bind_all();
	check_gone(pf, "nothing", &p);
	reading(pf, &p);
	if (rig.nr_fns == 1) {
		attributes(pf, &p);
		in_use(pf, &p);
		check(seen >= 8, "%d lines were there", seen);
		return;
	}
	siblings(pf, &rig.fn[1], &p);
	siblings(&rig.fn[1], pf, &p);
	wakeup(pf, &rig.fn[1], &p);
	wakeup(&rig.fn[1], &rig.fn[1], &p);
	check_eq(rtd3_num(pf, "failures"), 0, "rtd3/stats/failures");
}

/* All that loses power with the device counts, bridges and functions below another one included. */
RIG_TEST(blockers_set, "rtd3/blockers of a card with a switch on it")
{
	const struct pci_fn *pf = &rig.fn[0], *other = &rig.fn[1];
	struct power p = power_get(1);

	if (rig.nr_fns < 2 || rig.nr_bridges < 3)
		die("two functions below two ports of a switch");
	rig_load();
	rig_bind_all();
	check_gone(pf, "nothing", &p);
	for (int i = 0; i < rig.nr_bridges; i++) {
		const struct pci_fn *bridge = &rig.bridge[i];

		pci_set(bridge, "power/control", "on");
		check_line(pf, "port-control-on", bridge, "D3hot", 0);
		p = power_get(1);
		pci_set(bridge, "power/control", "auto");
		check_gone(pf, "port-control-on", &p);

		set_d3cold_allowed(bridge, "0");
		check_line(pf, "port-d3cold-not-allowed", bridge, "D3hot", 0);
		p = power_get(1);
		set_d3cold_allowed(bridge, "1");
		check_gone(pf, "port-d3cold-not-allowed", &p);
	}
	pci_set(other, "power/control", "on");
	check_line(pf, "sibling-control-on", other, "D3hot", 0);
	p = power_get(1);
	pci_set(other, "power/control", "auto");
	check_gone(pf, "sibling-control-on", &p);
	pci_unbind(other);
	check_line(pf, "sibling-unbound", other, "D3hot", 0);
	p = power_get(1);
	pci_bind(other, rig.driver);
	check_gone(pf, "sibling-unbound", &p);
}
