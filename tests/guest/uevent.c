// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "rig.h"
#include "tap.h"
#include "uevent.h"

/** uevent_open() - listen from now on */
int uevent_open(void)
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

/* Is this one of ours, for this device? @text gets its RTD3_ variables, with a space between. */
static bool is_ours(const char *msg, size_t len, const struct pci_fn *pf, char *text, size_t size)
{
	bool event = false, subsystem = false, slot = false;
	char want[40];

	text[0] = '\0';
	snprintf(want, sizeof(want), "PCI_SLOT_NAME=%s", pf->name);
	if (strncmp(msg, "change@", 7) || strlen(msg) < 12 ||
	    strcmp(msg + strlen(msg) - 12, pf->name))
		return false;
	for (size_t at = 0; at < len; at += strlen(msg + at) + 1) {
		size_t used = strlen(text);

		event |= !strncmp(msg + at, "RTD3_EVENT=", 11);
		subsystem |= !strcmp(msg + at, "SUBSYSTEM=pci");
		slot |= !strcmp(msg + at, want);
		if (!strncmp(msg + at, "RTD3_", 5))
			snprintf(text + used, size - used, "%s%s", used ? " " : "", msg + at);
	}
	return event && subsystem && slot;
}

/**
 * uevent_next() - the next uevent of ours
 * @fd: from uevent_open()
 * @pf: for this device
 * @timeout_ms: how long to wait for it
 * @text: its RTD3_ variables, with a space between
 * @size: of @text
 */
bool uevent_next(int fd, const struct pci_fn *pf, int timeout_ms, char *text, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t start = now_us();
	char msg[4097];
	ssize_t len;
	long left;

	while ((left = timeout_ms - since_ms(start)) > 0 && poll(&pfd, 1, left) == 1) {
		len = recv(fd, msg, sizeof(msg) - 1, MSG_DONTWAIT);
		if (len <= 0)
			break;
		msg[len] = '\0';
		if (is_ours(msg, len, pf, text, size))
			return true;
	}
	text[0] = '\0';
	return false;
}
