// SPDX-License-Identifier: GPL-2.0-only
/*
 * An idle device of ours sleeps again, whatever woke it. Only files of power/ are read and what
 * the kernel has cached: none of that wakes a device, or keeps it awake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest.h"
#include "rig.h"
#include "tap.h"

#define POLL_MS		5
#define REST_MS		1000	/* after the autosuspend delay */
#define MAX_FNS		32

/* A number of power/; one that is not there is 0. */
static long number(const struct pci_fn *pf, const char *attr)
{
	char text[32];

	return __pci_get(pf, attr, text, sizeof(text)) > 0 ? atol(text) : 0;
}

static bool is(const struct pci_fn *pf, const char *attr, const char *want)
{
	char text[64];

	return __pci_get(pf, attr, text, sizeof(text)) >= 0 && !strcmp(text, want);
}

/* Not asleep, and nobody has said that it has to be. */
static bool unused(const struct pci_fn *pf)
{
	return !is(pf, "power/runtime_status", "suspended") && !number(pf, "power/runtime_usage") &&
	       !number(pf, "power/runtime_active_kids");
}

/**
 * __wait_rest() - wait until a function is asleep, or somebody uses it
 * @pf: the function
 *
 * Return: milliseconds it took, -1 when it is still neither after the autosuspend delay and a
 * second, nor after as long again: a busy machine is not taken for a device that stays awake.
 */
long __wait_rest(const struct pci_fn *pf)
{
	long limit = number(pf, "power/autosuspend_delay_ms") + REST_MS;
	uint64_t start = now_us();

	while (unused(pf)) {
		if (since_ms(start) > 2 * limit)
			return -1;
		sleep_ms(POLL_MS);
	}
	if (since_ms(start) > limit)
		diag("%s: in use or asleep after %ld ms, not %ld", pf->name, since_ms(start),
		     limit);
	return since_ms(start);
}

/* Its port may cut the power, as far as this function has a say. */
static bool lets_port_rest(const struct pci_fn *pf)
{
	char limit[16];

	if (strcmp(pci_driver(pf), rig.driver) || !is(pf, "power/runtime_status", "suspended") ||
	    !number(pf, "d3cold_allowed") || is(pf, "power/wakeup", "enabled"))
		return false;
	return __pci_get(pf, "rtd3/limit", limit, sizeof(limit)) < 0 || !strcmp(limit, "D3cold");
}

/** port_may_rest() - whether all below a port is ours, asleep and ready for D3cold */
bool port_may_rest(const struct pci_fn *port)
{
	struct pci_fn below[MAX_FNS];
	int n = pci_bridges_below(port->name, below, MAX_FNS);

	while (n--)
		if (!number(&below[n], "d3cold_allowed"))
			return false;
	n = pci_below(port->name, below, MAX_FNS);
	if (!n || !number(port, "d3cold_allowed"))
		return false;
	while (n--)
		if (!lets_port_rest(&below[n]))
			return false;
	return true;
}

static int lost(const struct pci_fn *pf)
{
	if (__wait_rest(pf) >= 0)
		return 0;
	diag("%s: awake and unused; power/control %s", pf->name, pci_get(pf, "power/control"));
	return 1;
}

/** check_rest() - TAP result: no device of ours is awake for nobody, and no port of one */
void check_rest(void)
{
	struct pci_fn fns[MAX_FNS], ports[MAX_FNS];
	int n = pci_bound(rig.driver, fns, MAX_FNS), bad = 0;
	int nr_ports = pci_bound("pcieport", ports, MAX_FNS);

	if (!rig.ours || !n)
		return;
	for (int i = 0; i < n; i++)
		bad += lost(&fns[i]);
	for (int i = 0; i < nr_ports; i++)
		if (port_may_rest(&ports[i]))
			bad += lost(&ports[i]);
	check(!bad, "at the end nothing is awake for nobody (%d devices, %d bad)", n, bad);
}
