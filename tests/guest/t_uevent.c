// SPDX-License-Identifier: GPL-2.0-only
/* Uevents that a manager of power would act on, as udev gets them. */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define EVENT_MS	2000
#define QUIET_MS	500
#define FLIPS		100

static int listen_uevents(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int size = 1 << 20;
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("uevent socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/* Is this one of ours, for this device? @limit gets its RTD3_LIMIT if it is about that. */
static bool is_ours(const char *msg, size_t len, const struct pci_fn *pf, char *limit,
		    size_t size)
{
	bool event = false, about_limit = false, subsystem = false, slot = false;
	char want[40];

	limit[0] = '\0';
	snprintf(want, sizeof(want), "PCI_SLOT_NAME=%s", pf->name);
	if (strncmp(msg, "change@", 7) || strlen(msg) < 12 ||
	    strcmp(msg + strlen(msg) - 12, pf->name))
		return false;
	for (size_t at = 0; at < len; at += strlen(msg + at) + 1) {
		event |= !strncmp(msg + at, "RTD3_EVENT=", 11);
		about_limit |= !strcmp(msg + at, "RTD3_EVENT=limit");
		subsystem |= !strcmp(msg + at, "SUBSYSTEM=pci");
		slot |= !strcmp(msg + at, want);
		if (!strncmp(msg + at, "RTD3_LIMIT=", 11))
			snprintf(limit, size, "%s", msg + at + 11);
	}
	if (!about_limit)
		limit[0] = '\0';
	return event && subsystem && slot;
}

/* How many come until there is silence; the last one's limit. */
static int events(int fd, const struct pci_fn *pf, int timeout_ms, char *limit, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char msg[4097], text[32];
	ssize_t len;
	int n = 0;

	limit[0] = '\0';
	while (poll(&pfd, 1, n ? QUIET_MS : timeout_ms) == 1) {
		len = recv(fd, msg, sizeof(msg) - 1, MSG_DONTWAIT);
		if (len <= 0)
			break;
		msg[len] = '\0';
		if (is_ours(msg, len, pf, text, sizeof(text))) {
			snprintf(limit, size, "%s", text);
			n++;
		}
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

void test_uevent(void)
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;
	char limit[32];
	int fd, n;

	rig_load();
	p = power_get(1);
	for (int i = 0; i < rig.nr_fns; i++)
		pci_bind(&rig.fn[i], rig.driver);
	check_asleep(pf, &p, "bind");
	fd = listen_uevents();
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
