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
#define FLIPS		100

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

RIG_TEST(uevent, "uevents of the policy")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;
	char limit[32];
	int fd, n;

	rig_load();
	p = power_get(1);
	rig_bind_all();
	check_asleep(pf, &p, "bind");
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

	/* The device is held awake, so this takes no time. */
	for (int i = 0; i < FLIPS; i++)
		pci_set(pf, "rtd3/policy", i % 2 ? "d3cold" : "d3hot");
	n = events(fd, pf, EVENT_MS, limit, sizeof(limit));
	check(n >= 1 && n <= FLIPS / 4, "%d changes at once: %d uevents", FLIPS, n);
	vfio_close(&d);
	check_asleep(pf, &p, "close");
	close(fd);
}
