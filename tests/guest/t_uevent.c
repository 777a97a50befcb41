// SPDX-License-Identifier: GPL-2.0-only
/* Uevents that a manager of power would act on, as udev gets them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "uevent.h"
#include "vfio.h"

#define EVENT_MS	2000
#define QUIET_MS	500
#define PERIOD_MS	10000
#define PER_PERIOD	10
/* Changes of a burst, and how far apart: it lasts for two seconds at least. */
#define FLIPS		100
#define FLIP_MS		20
#define BEFORE_MS	9000
/* Between an event and its being seen. */
#define LATE_MS		500

/* How many come until there is silence; the last one's limit, if it is about that. */
static int events(int fd, const struct pci_fn *pf, int timeout_ms, char *limit, size_t size)
{
	char text[128];
	int n = 0;

	limit[0] = '\0';
	while (uevent_next(fd, pf, n ? QUIET_MS : timeout_ms, text, sizeof(text))) {
		if (strncmp(text, "RTD3_EVENT=limit RTD3_LIMIT=", 28))
			snprintf(limit, size, "not a limit");
		else
			snprintf(limit, size, "%.31s", text + 28);
		n++;
	}
	return n;
}

static void one(int fd, const struct pci_fn *pf, const char *policy)
{
	char limit[32];
	int n;

	pci_set(pf, "rtd3/policy", policy);
	n = events(fd, pf, EVENT_MS, limit, sizeof(limit));
	check_eq(n, 1, "policy %s: change uevents of ours", policy);
	check_str(limit, policy, "policy %s: RTD3_LIMIT", policy);
}

/*
 * An event, and a burst around the end of the ten seconds that it begins: at most ten events in any
 * ten seconds. None but the last change is to off, and whoever listens ends up with that.
 */
static void burst(int fd, const struct pci_fn *pf)
{
	uint64_t at[FLIPS + 2], shortest = UINT64_MAX;
	char text[128] = "", last[128] = "";
	int n = 0;

	/* What came before is no part of it. */
	sleep_ms(PERIOD_MS);
	for (int i = 0; i <= FLIPS; i++) {
		pci_set(pf, "rtd3/policy", i == FLIPS ? "off" : i % 2 ? "d3cold" : "d3hot");
		while (n < FLIPS + 2 &&
		       uevent_next(fd, pf, i == FLIPS ? PERIOD_MS + EVENT_MS : FLIP_MS, text,
				   sizeof(text))) {
			at[n++] = now_us();
			memcpy(last, text, sizeof(last));
		}
		if (!i)
			sleep_ms(BEFORE_MS);
	}
	for (int i = PER_PERIOD; i < n; i++)
		if (at[i] - at[i - PER_PERIOD] < shortest)
			shortest = at[i] - at[i - PER_PERIOD];
	diag("burst: %d changes, %d uevents", FLIPS + 1, n);
	check(n <= PER_PERIOD || shortest / 1000 >= PERIOD_MS - LATE_MS,
	      "burst: no more than %d uevents in %d ms", PER_PERIOD, PERIOD_MS);
	check(!strcmp(last, "RTD3_EVENT=limit RTD3_LIMIT=off"), "burst: the last one arrives (%s)",
	      last);
}

RIG_TEST(uevent, "uevents of the policy")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;
	char limit[32];
	int fd;

	rig_load();
	check_bind_asleep(&p, "bind");
	fd = uevent_open();
	check_eq(events(fd, pf, QUIET_MS, limit, sizeof(limit)), 0, "uevents before");
	one(fd, pf, "d3hot");
	one(fd, pf, "off");
	p = power_get(1);
	one(fd, pf, "d3cold");
	check_asleep(pf, &p, "d3cold again");
	pci_set(pf, "rtd3/policy", "d3cold");
	check_eq(events(fd, pf, QUIET_MS, limit, sizeof(limit)), 0, "uevents of no change");
	pci_set(pf, "rtd3/fallback", "none");
	pci_set(pf, "rtd3/recover", "1");
	check_eq(events(fd, pf, QUIET_MS, limit, sizeof(limit)), 0,
		 "uevents of nothing to lift, nothing to recover");
	check_err(__pci_set(pf, "rtd3/policy", "bogus"), -EINVAL, "policy bogus");
	check_eq(events(fd, pf, QUIET_MS, limit, sizeof(limit)), 0, "uevents of a refused value");
	/* Sleep and wake are no news. */
	vfio_open(&d, pf);
	p = power_get(1);
	vfio_entry(&d);
	check_asleep(pf, &p, "ENTRY");
	vfio_exit(&d);
	check_eq(events(fd, pf, QUIET_MS, limit, sizeof(limit)), 0, "uevents of ENTRY and EXIT");

	/* The device is held awake, so a change takes no time. */
	burst(fd, pf);
	pci_set(pf, "rtd3/policy", "d3cold");
	p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, &p, "close");
	close(fd);
}
