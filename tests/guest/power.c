// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "power.h"
#include "rig.h"
#include "tap.h"

#define POLL_MS		2
#define SETTLE_MS	2000

/**
 * power_get() - how often a port's power was turned on and off
 * @port: 1 or 2
 */
struct power power_get(int port)
{
	struct power p;
	char reply[64];

	chan_query(reply, sizeof(reply), port == 2 ? "power2" : "power");
	if (sscanf(reply, "on=%u off=%u", &p.on, &p.off) != 2)
		die("host answers a power query: '%s'", reply);
	return p;
}

/** power_cfg() - a word of config space as the hypervisor itself reads it */
uint32_t power_cfg(const struct pci_fn *pf, unsigned int off)
{
	char reply[64], *end;
	uint32_t val;

	/* The host knows no domains. */
	chan_query(reply, sizeof(reply), "cfg %s 0x%x", pf->name + 5, off);
	val = strtoul(reply, &end, 16);
	if (end != reply + 8)
		die("host answers a config query: '%s'", reply);
	return val;
}

/**
 * __wait_asleep() - wait until the power of a function on port 1 is really cut
 * @pf: the function
 * @before: the counts before what is to put it to sleep
 * @timeout_ms: how long
 *
 * Return: milliseconds it took, -1 on time-out.
 */
long __wait_asleep(const struct pci_fn *pf, const struct power *before, long timeout_ms)
{
	uint64_t start = now_us();

	do {
		if (power_get(1).off > before->off && power_cfg(pf, 0) == ALL_ONES)
			return since_ms(start);
		sleep_ms(POLL_MS);
	} while (since_ms(start) < timeout_ms);
	return -1;
}

/** wait_asleep() - __wait_asleep() that must happen; updates the counts */
void wait_asleep(const struct pci_fn *pf, struct power *before)
{
	if (__wait_asleep(pf, before, ASLEEP_TIMEOUT_MS) < 0)
		die("%s: D3cold within %d ms (%s, %s)", pf->name, ASLEEP_TIMEOUT_MS,
		    pci_get(pf, "power_state"), pci_driver(pf));
	*before = power_get(1);
}

/* The host sees _OFF before the kernel has finished with the port and written down the state. */
static void settle(void)
{
	const struct pci_fn port = { .name = RIG_PORT1 };

	pci_wait(&port, "power/runtime_status", "suspended", SETTLE_MS);
}

/**
 * check_asleep() - TAP result: the power was cut
 * @pf: the function
 * @before: the counts before; updated
 * @when: after what
 *
 * Return: milliseconds it took, -1 when it did not.
 */
long check_asleep(const struct pci_fn *pf, struct power *before, const char *when)
{
	long ms = __wait_asleep(pf, before, ASLEEP_TIMEOUT_MS);
	struct power p = power_get(1);

	check(ms >= 0, "%s: _OFF called, config space of %s all ones from outside", when, pf->name);
	if (ms >= 0) {
		settle();
		diag("%s: asleep after %ld ms", when, ms);
	} else {
		diag("%s: off %u -> %u, cfg %08x", when, before->off, p.off, power_cfg(pf, 0));
		diag("control %s", pci_get(pf, "power/control"));
		diag("runtime_status %s", pci_get(pf, "power/runtime_status"));
	}
	*before = p;
	return ms;
}

/**
 * check_bind_asleep() - TAP result: bound, and used by nobody, the first function goes to sleep
 * @counts: set to those after it
 * @when: for the result
 *
 * Return: milliseconds it took, -1 when it did not.
 */
long check_bind_asleep(struct power *counts, const char *when)
{
	*counts = power_get(1);
	rig_bind_all();
	return check_asleep(&rig.fn[0], counts, when);
}

/**
 * check_woken() - TAP result: power came back and the function answers
 * @pf: the function
 * @before: the counts while it slept; updated
 * @when: after what
 */
bool check_woken(const struct pci_fn *pf, struct power *before, const char *when)
{
	struct power p = power_get(1);
	uint32_t id = power_cfg(pf, 0);
	bool good = p.on > before->on && id == pci_id(pf);

	check(good, "%s: _ON called, %s answers", when, pf->name);
	if (!good)
		diag("%s: on %u -> %u, off %u -> %u, cfg %08x", when, before->on, p.on,
		     before->off, p.off, id);
	*before = p;
	return good;
}

/**
 * check_no_off() - TAP result: port 1 keeps its power
 * @before: the counts before; updated
 * @ms: how long to look
 * @when: after what
 */
bool check_no_off(struct power *before, long ms, const char *when)
{
	struct power p;

	sleep_ms(ms);
	p = power_get(1);
	check(p.off == before->off, "%s: no _OFF in %ld ms (%u -> %u)", when, ms,
	      before->off, p.off);
	ms = p.off == before->off;
	*before = p;
	return ms;
}

/**
 * check_no_on() - TAP result: port 1 stays without power
 * @before: the counts before; updated
 * @ms: how long to look
 * @when: after what
 */
bool check_no_on(struct power *before, long ms, const char *when)
{
	struct power p;

	sleep_ms(ms);
	p = power_get(1);
	check(p.on == before->on, "%s: no _ON in %ld ms (%u -> %u)", when, ms, before->on, p.on);
	ms = p.on == before->on;
	*before = p;
	return ms;
}

/** rtd3_num() - a counter of our driver, by its name in rtd3/stats/ */
unsigned long long rtd3_num(const struct pci_fn *pf, const char *attr)
{
	char path[64];

	snprintf(path, sizeof(path), "rtd3/stats/%s", attr);
	return pci_get_num(pf, path);
}

/**
 * check_rtd3() - TAP result: an attribute of our driver's sysfs group
 * @pf: the function
 * @attr: below rtd3/
 * @want: its text
 * @when: after what
 *
 * No result at all with another driver.
 */
void check_rtd3(const struct pci_fn *pf, const char *attr, const char *want, const char *when)
{
	char path[64], buf[64];

	if (!rig.ours)
		return;
	snprintf(path, sizeof(path), "rtd3/%s", attr);
	__pci_get(pf, path, buf, sizeof(buf));
	check_str(buf, want, "%s: %s", when, path);
}

/**
 * check_last_wake() - check_rtd3() of last_wake; "host" may be followed by a task
 * @pf: the function
 * @cause: what it has to be
 * @when: after what
 */
void check_last_wake(const struct pci_fn *pf, const char *cause, const char *when)
{
	char buf[64];

	if (!rig.ours)
		return;
	__pci_get(pf, "rtd3/last_wake", buf, sizeof(buf));
	if (!strcmp(cause, "host"))
		buf[strcspn(buf, " ")] = '\0';
	check_str(buf, cause, "%s: rtd3/last_wake", when);
}

/**
 * check_rtd3_grew() - TAP result: a counter of our driver has grown
 * @pf: the function
 * @attr: below rtd3/stats/
 * @before: its value before
 * @when: after what
 */
void check_rtd3_grew(const struct pci_fn *pf, const char *attr, unsigned long long before,
		     const char *when)
{
	unsigned long long now;

	if (!rig.ours)
		return;
	now = rtd3_num(pf, attr);
	check(now > before, "%s: rtd3/stats/%s grew (%llu -> %llu)", when, attr, before, now);
}
