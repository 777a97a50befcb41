// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the inner guest of the nested tests runs (see t_nested.c). It does what a guest's user
 * would and says what it saw: commands come over the control channel, each with the letter of a
 * device (A below port 1, B below port 2), each is answered by one line that begins with "R".
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chan.h"
#include "pci.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

#define ETHER_TYPE	0x88b5
#define FRAME		1514
#define TRIES		5
#define ECHO_MS		2000
#define LINK_MS		30000
#define SLEEP_MS	60000
#define PORT_MS		5000

/* One network device. */
struct nic {
	const struct pci_fn *pf;
	struct pci_fn port;
	char name[IFNAMSIZ];
	int index;
	uint8_t mac[ETH_ALEN];
	int sock;
	unsigned int seq;
};

static void reply(const char *fmt, ...) __printf(1, 2);

static void reply(const char *fmt, ...)
{
	char line[200] = "R ";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + 2, sizeof(line) - 2, fmt, ap);
	va_end(ap);
	chan_line(line);
}

/* The attribute of a function becomes some text; whether it did. */
static bool wait_attr(const struct pci_fn *pf, const char *attr, const char *want, long ms)
{
	uint64_t start = now_us();

	while (strcmp(pci_get(pf, attr), want)) {
		if (since_ms(start) > ms)
			return false;
		sleep_ms(20);
	}
	return true;
}

static void nic_name(struct nic *n)
{
	uint64_t start = now_us();
	char path[80];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net", n->pf->name);
	while (!n->name[0]) {
		DIR *dir = opendir(path);
		struct dirent *e;

		while (dir && (e = readdir(dir)))
			if (e->d_name[0] != '.')
				snprintf(n->name, sizeof(n->name), "%.15s", e->d_name);
		if (dir)
			closedir(dir);
		if (since_ms(start) > LINK_MS)
			die("inner guest: a network device for %s", n->pf->name);
		sleep_ms(20);
	}
}

static void nic_init(struct nic *n, const struct pci_fn *pf, const char *port)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETHER_TYPE) };
	struct ifreq req = {};

	*n = (struct nic){ .pf = pf };
	snprintf(n->port.name, sizeof(n->port.name), "%s", port);
	nic_name(n);
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", n->name);
	n->sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETHER_TYPE));
	if (n->sock < 0 || ioctl(n->sock, SIOCGIFINDEX, &req))
		die("inner guest: %s: %s", n->name, strerror(errno));
	n->index = req.ifr_ifindex;
	if (ioctl(n->sock, SIOCGIFHWADDR, &req))
		die("inner guest: %s: address: %s", n->name, strerror(errno));
	memcpy(n->mac, req.ifr_hwaddr.sa_data, ETH_ALEN);
	req.ifr_flags = IFF_UP;
	if (ioctl(n->sock, SIOCSIFFLAGS, &req))
		die("inner guest: %s: up: %s", n->name, strerror(errno));
	addr.sll_ifindex = n->index;
	if (bind(n->sock, (struct sockaddr *)&addr, sizeof(addr)))
		die("inner guest: %s: bind: %s", n->name, strerror(errno));
}

static void frame_fill(struct nic *n, uint8_t *f)
{
	uint32_t x = ++n->seq * 2654435761u;

	memset(f, 0xff, ETH_ALEN);
	f[0] = 0x02;	/* the echo takes any address, this one is nobody's */
	memcpy(f + ETH_ALEN, n->mac, ETH_ALEN);
	f[12] = ETHER_TYPE >> 8;
	f[13] = ETHER_TYPE & 0xff;
	for (int i = ETH_HLEN; i < FRAME; i++) {
		x = x * 1664525 + 1013904223;
		f[i] = x >> 24;
	}
}

/* Whether a frame goes out and comes back as it was, with the addresses swapped. */
static bool echo_once(struct nic *n)
{
	struct pollfd pfd = { .fd = n->sock, .events = POLLIN };
	uint8_t out[FRAME], in[FRAME + 16];
	uint64_t start = now_us();
	long left;

	frame_fill(n, out);
	if (write(n->sock, out, sizeof(out)) != sizeof(out))
		return false;
	while ((left = ECHO_MS - since_ms(start)) > 0 && poll(&pfd, 1, left) == 1) {
		ssize_t len = read(n->sock, in, sizeof(in));

		if (len == FRAME && !memcmp(in, out + ETH_ALEN, ETH_ALEN) &&
		    !memcmp(in + ETH_ALEN, out, ETH_ALEN) &&
		    !memcmp(in + 12, out + 12, FRAME - 12))
			return true;
	}
	return false;
}

static void do_echo(struct nic *n)
{
	uint64_t start = now_us();
	char attr[32];

	snprintf(attr, sizeof(attr), "net/%s/carrier", n->name);
	if (!wait_attr(n->pf, attr, "1", LINK_MS)) {
		reply("bad: no link in %d ms", LINK_MS);
		return;
	}
	for (int i = 1; i <= TRIES; i++) {
		if (echo_once(n)) {
			reply("ok ms=%ld tries=%d", since_ms(start), i);
			return;
		}
	}
	reply("bad: no echo of %d frames", TRIES);
}

static void do_state(struct nic *n, const char *word, long value)
{
	char power[16], status[16], port_power[16], port_status[16];

	__pci_get(n->pf, "power_state", power, sizeof(power));
	__pci_get(n->pf, "power/runtime_status", status, sizeof(status));
	__pci_get(&n->port, "power_state", port_power, sizeof(port_power));
	__pci_get(&n->port, "power/runtime_status", port_status, sizeof(port_status));
	reply("%s=%ld power=%s status=%s port=%s port_status=%s", word, value, power, status,
	      port_power, port_status);
}

/* The device may sleep, without waiting for it. */
static void do_allow(struct nic *n)
{
	pci_set(n->pf, "power/control", "auto");
	reply("ok");
}

/* The driver does it by itself when nothing is plugged in; how long that takes. */
static void do_sleep(struct nic *n)
{
	uint64_t start = now_us();
	long ms;

	pci_set(n->pf, "power/control", "auto");
	wait_attr(n->pf, "power/runtime_status", "suspended", SLEEP_MS);
	ms = since_ms(start);
	wait_attr(&n->port, "power/runtime_status", "suspended", PORT_MS);
	do_state(n, "ms", ms);
}

/*
 * By a question that ethtool asks, which the driver must be awake to answer. Not by power/control:
 * igb of 6.1 takes it for granted that it is woken under the lock that such a question holds.
 */
static void do_wake(struct nic *n)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq req = { .ifr_data = (char *)&link };
	uint64_t start = now_us();
	long us;

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", n->name);
	if (ioctl(n->sock, SIOCETHTOOL, &req)) {
		reply("bad: ethtool: %s", strerror(errno));
		return;
	}
	us = now_us() - start;
	pci_set(n->pf, "power/control", "on");
	do_state(n, "us", us);
}

/* As after a kernel panic, or when somebody pushes the button: no driver hears of it. */
static void do_crash(struct nic *n)
{
	FILE *f = fopen("/proc/sysrq-trigger", "we");

	reply("ok");
	chan_drain();
	if (f) {
		fputs("b", f);
		fclose(f);
	}
	reply("bad: %s is still there", n->name);
}

static void do_look(struct nic *n)
{
	do_state(n, "ms", (long)(now_us() / 1000));
}

/* What ACPI itself finds, asking each power resource. */
static void do_acpi(struct nic *n)
{
	char device[16], port[16];

	__pci_get(n->pf, "firmware_node/real_power_state", device, sizeof(device));
	__pci_get(&n->port, "firmware_node/real_power_state", port, sizeof(port));
	reply("device=%s port=%s", device, port);
}

static const struct {
	const char *name;
	void (*run)(struct nic *n);
} commands[] = {
	{ "acpi", do_acpi },
	{ "echo", do_echo },
	{ "allow", do_allow },
	{ "sleep", do_sleep },
	{ "wake", do_wake },
	{ "state", do_look },
	{ "crash", do_crash },
};

static bool command(struct nic *nic, const char *name, char which)
{
	if (which != 'A' && which != 'B')
		return false;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name)) {
			commands[i].run(&nic[which - 'A']);
			return true;
		}
	return false;
}

RIG_TEST(inner, "what that guest runs")
{
	struct nic nic[2];
	char line[64];

	if (!rig.has_other)
		die("inner guest: two devices");
	if (rig_modprobe("igb"))
		die("inner guest: modprobe igb");
	nic_init(&nic[0], &rig.fn[0], RIG_PORT1);
	nic_init(&nic[1], &rig.other, RIG_PORT2);
	reply("ready ms=%ld", (long)(now_us() / 1000));

	while (chan_read(line, sizeof(line))) {
		char name[16] = "", which = 0;

		sscanf(line, "%15s %c", name, &which);
		if (!strcmp(name, "poweroff"))
			return;
		if (!command(nic, name, which))
			reply("bad: no command '%s'", line);
	}
}
