// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints rtd3:*, as trace-cmd and perf see them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define TRACEFS		"/sys/kernel/tracing"
#define LOG_SIZE	65536

static char log_text[LOG_SIZE];

static int put(const char *name, const char *text)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), TRACEFS "/%s", name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* What is in the buffer now; then it is empty. */
static void take_log(void)
{
	size_t len = 0;
	ssize_t n;
	int fd;

	fd = open(TRACEFS "/trace", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(TRACEFS "/trace: %s", strerror(errno));
	while (len < sizeof(log_text) - 1) {
		n = read(fd, log_text + len, sizeof(log_text) - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	log_text[len] = '\0';
	close(fd);
	put("trace", "");
}

/* How many lines have both; the last one goes to @line. */
static int events(const char *event, const char *part, char *line, size_t size)
{
	char want[40];
	int n = 0;

	snprintf(want, sizeof(want), " %s: ", event);
	for (const char *at = log_text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		char text[512];

		snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\n"), at);
		if (text[0] == '#' || !strstr(text, want) || !strstr(text, part))
			continue;
		snprintf(line, size, "%s", strstr(text, want) + 1);
		n++;
	}
	return n;
}

/* One event for the device, with these words in it. */
static bool check_event(const struct pci_fn *pf, const char *event, int count, const char *words,
			const char *when)
{
	char line[512] = "", list[200], *rest = list, *word;
	int n = events(event, pf->name, line, sizeof(line));
	bool good = check(n == count, "%s: %s for %s %d times (%d)", when, event, pf->name, count,
			  n);

	snprintf(list, sizeof(list), "%s", words);
	while ((word = strsep(&rest, " ")))
		if (*word)
			good &= check(!!strstr(line, word), "%s: %s: %s", when, line, word);
	return good;
}

static void check_latency(const char *event, const char *when)
{
	char line[512] = "", *at;
	unsigned long us = 0;

	events(event, "", line, sizeof(line));
	at = strstr(line, "latency_us=");
	if (at)
		us = strtoul(at + 11, NULL, 10);
	check(us > 0 && us < 10000000, "%s: %s took %lu us", when, event, us);
}

static void story(const struct pci_fn *pf)
{
	struct power p = power_get(1);
	char line[512] = "";
	struct vfio_dev d;

	pci_bind(pf, rig.driver);
	check_asleep(pf, &p, "bind");
	take_log();
	check_event(pf, "rtd3_suspend", 1, "state= latency_us=", "bind");
	check_latency("rtd3_suspend", "bind");
	check_event(pf, "rtd3_resume", 0, "", "bind");

	vfio_open(&d, pf);
	take_log();
	check_event(pf, "rtd3_resume", 1, "state=D3cold cause=open latency_us= present=1", "open");
	/* Once with power, and once more if it is in D3hot then, as some of QEMU's are. */
	check(events("rtd3_ready", "answers=1 waited_us=", line, sizeof(line)) >= 1 &&
	      !events("rtd3_ready", "answers=0", line, sizeof(line)), "open: %s", line);
	check_event(pf, "rtd3_ask", 1, "rule=time waited_us=", "open");
	check_latency("rtd3_resume", "open");
	check_event(pf, "rtd3_entry", 0, "", "open");

	p = power_get(1);
	vfio_entry(&d);
	check_asleep(pf, &p, "ENTRY");
	take_log();
	check_event(pf, "rtd3_entry", 1, "D3cold", "ENTRY");
	check_event(pf, "rtd3_suspend", 1, "latency_us=", "ENTRY");

	check_eq(vfio_cfg(&d, 0, 4), pci_id(pf), "config read in low power");
	check_asleep(pf, &p, "config read");
	take_log();
	check_event(pf, "rtd3_resume", 1, "state=D3cold cause=config latency_us=", "config read");
	check_event(pf, "rtd3_exit", 0, "", "config read");

	vfio_exit(&d);
	take_log();
	check_event(pf, "rtd3_exit", 1, "", "EXIT");
	check_event(pf, "rtd3_resume", 1, "state=D3cold latency_us=", "EXIT");

	p = power_get(1);
	check_err(__rtd3_enter(&d, RTD3_STATE_D3HOT), 0, "entry with D3hot");
	check_hot(pf, &p, "entry with D3hot");
	check_err(__rtd3_exit(&d), 0, "EXIT");
	take_log();
	check_event(pf, "rtd3_entry", 1, "D3hot", "entry with D3hot");
	check_event(pf, "rtd3_resume", 1, "state=D3hot latency_us=", "entry with D3hot");
	check_event(pf, "rtd3_exit", 1, "", "entry with D3hot");

	vfio_close(&d);
	check_asleep(pf, &p, "close");
	take_log();
	check_event(pf, "rtd3_suspend", 1, "latency_us=", "close");

	/* Nothing was wrong, so nothing is done about it. */
	check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "recover");
	take_log();
	check_event(pf, "rtd3_recover", 0, "", "recover");
	check_event(pf, "rtd3_ready", 0, "", "recover");

	pci_sysfs_config32(pf, 0);
	take_log();
	check_event(pf, "rtd3_resume", 1, "state=D3cold", "the host looks");
}

RIG_TEST(trace, "tracepoints")
{
	const struct pci_fn *pf = &rig.fn[0];
	static const char *const names[] = {
		"rtd3_entry", "rtd3_exit", "rtd3_suspend", "rtd3_resume", "rtd3_wake", "rtd3_ready",
		"rtd3_recover", "rtd3_ask",
	};
	struct power p = power_get(1);
	char path[128];

	if (mount("tracefs", TRACEFS, "tracefs", 0, NULL) && errno != EBUSY)
		die("tracefs: %s", strerror(errno));
	rig_load();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), TRACEFS "/events/rtd3/%s/format", names[i]);
		check(!access(path, R_OK), "%s", path);
	}
	check_err(put("events/rtd3/enable", "1"), 0, "events/rtd3/enable");
	take_log();
	story(pf);
	check_err(put("events/rtd3/enable", "0"), 0, "events/rtd3/enable, off");

	/* Unloading takes the events away and leaves nothing behind. */
	check(!rig_modprobe_remove(rig.driver), "unload");
	check(access(TRACEFS "/events/rtd3", F_OK) != 0, "no events/rtd3 after unload");
	check_woken(pf, &p, "unload");
}
