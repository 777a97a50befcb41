// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes with a device that does not come back, and with one that does late: the limit of its
 * sleep, uevents, eventfds, what its user may still do, what an administrator does with it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "dut.h"
#include "fault.h"
#include "kmsg.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "uevent.h"
#include "vfio.h"

#define RECOVERY_MS	15000
#define LEAVE_MS	5000
#define EVENT_MS	3000
#define FLIPS		20
#define STILL_MS	200
#define ALARM_US	300000

static void check_event(int fd, const struct pci_fn *pf, const char *want, const char *when)
{
	char text[128];

	uevent_next(fd, pf, EVENT_MS, text, sizeof(text));
	check_str(text, want, "%s: uevent", when);
}

static void asleep(const struct pci_fn *pf, const char *state, const char *when)
{
	pci_wait(pf, "rtd3/state", state, ASLEEP_TIMEOUT_MS);
	check_str(pci_get(pf, "rtd3/state"), state, "%s: asleep", when);
}

static void look(const struct pci_fn *pf)
{
	pci_sysfs_config32(pf, 0);
}

/* Nobody says that it sleeps, and no time is counted for that. */
static void check_unknown(const struct pci_fn *pf, const char *when)
{
	unsigned long long cold = rtd3_num(pf, "time_d3cold_ms");

	check_rtd3(pf, "state", "unknown", when);
	check_str(pci_get(pf, "power_state"), "unknown", "%s: power_state", when);
	sleep_ms(STILL_MS);
	check_eq(rtd3_num(pf, "time_d3cold_ms"), cold, "%s: rtd3/stats/time_d3cold_ms stands still",
		 when);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* It would take seconds. */
static void interrupted(const struct pci_fn *pf)
{
	const struct sigaction act = { .sa_handler = on_alarm };
	const struct itimerval soon = { .it_value.tv_usec = ALARM_US };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	check_err(__pci_set(pf, "rtd3/recover", "1"), -EINTR, "recover, and a signal comes");
	check_str(fault_health(pf, RECOVERY_MS), "failed", "recover interrupted: rtd3/health");
}

/* Fail, with nobody there; the limit drops by one state. */
static void falls_back(const struct pci_fn *pf, int fd)
{
	char last[512];
	int log = kmsg_open();

	asleep(pf, "D3cold", "dead in D3cold");
	model_fault(MODEL_ON_IGNORED, MODEL_FOREVER);
	look(pf);
	check_str(fault_health(pf, RECOVERY_MS), "failed", "dead in D3cold: rtd3/health");
	check_event(fd, pf, "RTD3_EVENT=limit RTD3_LIMIT=d3hot", "dead in D3cold");
	check_event(fd, pf, "RTD3_EVENT=health RTD3_HEALTH=failed RTD3_REASON=no-answer",
		    "dead in D3cold");
	check_eq(kmsg_count(log, "write 1 to rtd3/recover or open it again", last, sizeof(last)),
		 1, "dead in D3cold: lines in the log with the remedy");
	check(strstr(last, pf->name), "dead in D3cold: it names the device");
	check_rtd3(pf, "fallback", "d3hot", "dead in D3cold");
	check_rtd3(pf, "fallback_reason", "no-answer", "dead in D3cold");
	check_rtd3(pf, "limit", "d3hot", "dead in D3cold");
	check_rtd3(pf, "policy", "d3cold", "dead in D3cold");
	check(strstr(pci_get(pf, "rtd3/blockers"), "failed"), "dead in D3cold: rtd3/blockers: %s",
	      pci_get(pf, "rtd3/blockers"));
	check_unknown(pf, "dead in D3cold");
	check_err(__pci_set(pf, "rtd3/recover", "1"), -EIO, "dead in D3cold: recover");
	interrupted(pf);

	model_clear();
	check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "power works: recover");
	check_event(fd, pf, "RTD3_EVENT=health RTD3_HEALTH=ok RTD3_REASON=none", "power works");
	check_rtd3(pf, "stats/recoveries", "1", "power works");
	asleep(pf, "D3hot", "with the fallback");
	check(strstr(pci_get(pf, "rtd3/blockers"), "fallback-d3hot"),
	      "with the fallback: rtd3/blockers");
	close(log);
}

/* From D3hot it goes to off: the device stays awake. */
static void falls_further(const struct pci_fn *pf, int fd)
{
	struct power p;

	model_cut();
	/* A look at the configuration does not wake it in D3hot. */
	pci_set(pf, "power/control", "on");
	pci_set(pf, "power/control", "auto");
	fault_health(pf, RECOVERY_MS);
	check_event(fd, pf, "RTD3_EVENT=limit RTD3_LIMIT=off", "dead in D3hot");
	check_rtd3(pf, "fallback", "off", "dead in D3hot");
	/* _ON works: the power cycle of the recovery has brought it back. */
	check_str(fault_health(pf, RECOVERY_MS), "ok", "dead in D3hot: rtd3/health");
	check_event(fd, pf, "RTD3_EVENT=health RTD3_HEALTH=ok RTD3_REASON=none", "dead in D3hot");
	p = power_get(1);
	check_up(pf, &p, "fallback off");
	check(strstr(pci_get(pf, "rtd3/blockers"), "fallback-off"), "fallback off: rtd3/blockers");
	check_err(__pci_set(pf, "rtd3/fallback", "none"), 0, "fallback none");
	check_event(fd, pf, "RTD3_EVENT=limit RTD3_LIMIT=d3cold", "fallback none");
	check_rtd3(pf, "fallback_reason", "none", "fallback none");
	asleep(pf, "D3cold", "fallback none");
}

static void drain(const struct pci_fn *pf, int fd)
{
	char text[128];

	while (uevent_next(fd, pf, 500, text, sizeof(text)))
		;
}

static void clean_cycles(const struct pci_fn *pf, int fd)
{
	struct vfio_dev d;

	model_fault(MODEL_ON_IGNORED, 1);
	look(pf);
	check_str(fault_health(pf, RECOVERY_MS), "ok", "fallback_cycles: dead once: rtd3/health");
	check_rtd3(pf, "fallback", "d3hot", "fallback_cycles: dead once");
	rig_param_set("fallback_cycles", "3");
	for (int i = 0; i < 3; i++) {
		check_rtd3(pf, "fallback", "d3hot", "fallback_cycles: before the third clean wake");
		asleep(pf, "D3hot", "fallback_cycles");
		vfio_open(&d, pf);
		vfio_close(&d);
	}
	asleep(pf, "D3cold", "fallback_cycles: after it");
	check_rtd3(pf, "fallback", "none", "fallback_cycles: after it");
	rig_param_set("fallback_cycles", "0");
	drain(pf, fd);
}

/* An administrator who forbids D3cold has no power cut, unless asked for just that. */
static void policy_binds(const struct pci_fn *pf, int fd)
{
	struct model_counts before, after;

	pci_set(pf, "rtd3/policy", "d3hot");
	asleep(pf, "D3hot", "policy d3hot");
	model_cut();
	before = model_counts();
	pci_set(pf, "power/control", "on");
	check_str(fault_health(pf, RECOVERY_MS), "failed", "policy d3hot: dead: rtd3/health");
	check_err(__pci_set(pf, "rtd3/recover", "1"), -EIO, "policy d3hot: recover");
	after = model_counts();
	check_eq(after.requests, before.requests, "policy d3hot: _ON not called");
	check_eq(after.offs, before.offs, "policy d3hot: power not cut");
	pci_set(pf, "power/control", "auto");
	pci_set(pf, "rtd3/power_cycle_on_failure", "1");
	check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "power_cycle_on_failure: recover");
	check(model_counts().requests > after.requests, "power_cycle_on_failure: _ON called");
	pci_set(pf, "rtd3/power_cycle_on_failure", "0");
	pci_set(pf, "rtd3/policy", "d3cold");
	pci_set(pf, "rtd3/fallback", "none");
	asleep(pf, "D3cold", "policy d3cold again");
	drain(pf, fd);
}

/* A device that is known to be slow gets its time, and that is no failure. */
static void slow(const struct pci_fn *pf)
{
	unsigned long long before = rtd3_num(pf, "failures");
	char last[512];
	struct vfio_dev d;
	int log;

	pci_set(pf, "rtd3/wake_timeout_ms", "5000");
	model_fault(MODEL_ON_LATE, 3000);
	log = kmsg_open();
	check_err(__vfio_open(&d, pf), 0, "3 s late, wake_timeout_ms 5000: open");
	check_known(&d, "3 s late, wake_timeout_ms 5000");
	vfio_close(&d);
	check(kmsg_count(log, "waiting up to 5000 ms", last, sizeof(last)) == 1,
	      "3 s late, wake_timeout_ms 5000: the log: %s", last);
	check_eq(rtd3_num(pf, "failures"), before, "3 s late, wake_timeout_ms 5000: failures");
	check(rtd3_num(pf, "ready_latency_us") > 2000000,
	      "3 s late, wake_timeout_ms 5000: ready_latency_us: %llu",
	      rtd3_num(pf, "ready_latency_us"));
	check_rtd3(pf, "fallback", "none", "3 s late, wake_timeout_ms 5000");
	pci_set(pf, "rtd3/wake_timeout_ms", "1000");
	close(log);
	model_clear();
}

/* What is done for a minute to get one card back keeps no other waiting. */
static void beside(const struct pci_fn *pf)
{
	uint64_t start = now_us();
	struct vfio_dev d;
	uint16_t requests;

	model_fault(MODEL_ON_IGNORED, MODEL_FOREVER);
	requests = model_counts().requests;
	look(pf);
	pci_set(pf, "rtd3/wake_timeout_ms", "60000");
	/* The first one is the wake's, the next one a power cycle's. */
	while ((uint16_t)(model_counts().requests - requests) < 2 && since_ms(start) < RECOVERY_MS)
		sleep_ms(10);
	check_str(pci_get(pf, "rtd3/health"), "recovering", "dead for a minute: rtd3/health");
	pci_bind(&rig.other, rig.driver);
	vfio_open(&d, &rig.other);
	check_eq(pci_sysfs_config32(&rig.other, 0), pci_id(&rig.other),
		 "dead for a minute: the other card answers");
	vfio_close(&d);
	pci_unbind(&rig.other);
	check_str(pci_get(pf, "rtd3/health"), "recovering",
		  "dead for a minute, another card was used meanwhile: rtd3/health");
	model_clear();
	model_force_on();
	check_str(fault_health(pf, RECOVERY_MS), "ok",
		  "dead for a minute, power back: rtd3/health");
	pci_set(pf, "rtd3/wake_timeout_ms", "1000");
	pci_set(pf, "rtd3/fallback", "none");
	asleep(pf, "D3cold", "after that minute");
}

/* What a user who has entered low power with a wakeup eventfd gets. */
static void user(const struct pci_fn *pf)
{
	int wake = vfio_eventfd(), err = vfio_eventfd(), irq = vfio_eventfd();
	struct rtd3_info info;
	struct rtd3_power get;
	struct vfio_dev d;
	uint64_t start;

	vfio_open(&d, pf);
	dut_prepare(&d);
	check_err(__vfio_irq_trigger(&d, VFIO_PCI_ERR_IRQ_INDEX, 1, &err), 0, "error eventfd");
	check_err(__vfio_irq_trigger(&d, VFIO_PCI_MSIX_IRQ_INDEX, 1, &irq), 0, "MSI-X");
	check_err(__vfio_entry_wakeup(&d, wake), 0, "ENTRY_WITH_WAKEUP");
	asleep(pf, "D3cold", "ENTRY_WITH_WAKEUP");
	model_fault(MODEL_ON_IGNORED, MODEL_FOREVER);
	check_err(__vfio_exit(&d), -EIO, "dead: EXIT");
	check_str(fault_health(pf, RECOVERY_MS), "failed", "dead: rtd3/health");
	check_eq(vfio_eventfd_count(wake, EVENT_MS), 1, "dead: wakeup eventfd");
	check(vfio_eventfd_count(err, EVENT_MS) >= 1, "dead: error eventfd");
	check_err(__vfio_entry(&d), -EIO, "dead: ENTRY");
	check_err(__rtd3_enter(&d, RTD3_STATE_D3HOT), -EIO, "dead: RTD3_POWER ENTER");
	rtd3_power_get(&d, &get);
	check_err(__rtd3_info(&d, &info), 0, "dead: RTD3_INFO");
	check_eq(info.health, RTD3_HEALTH_FAILED, "dead: rtd3_info.health");
	check_eq(info.reason, RTD3_REASON_ABSENT, "dead: rtd3_info.reason");
	check_eq(info.fallback, RTD3_STATE_D3HOT, "dead: rtd3_info.fallback");
	check_eq(info.limit, RTD3_STATE_D3HOT, "dead: rtd3_info.limit");
	check_err(__vfio_irq_trigger(&d, VFIO_PCI_MSIX_IRQ_INDEX, 1, &irq), -EIO,
		  "dead: MSI-X set up");
	check_err(__vfio_irq_disable(&d, VFIO_PCI_MSIX_IRQ_INDEX), 0, "dead: MSI-X taken down");
	start = now_us();
	vfio_close(&d);
	check(since_ms(start) < LEAVE_MS, "dead: close takes %ld ms", since_ms(start));
	close(wake);
	close(err);
	close(irq);
}

/* The device is left as it was found: unbound without power, bound again with it. */
static void rebind(const struct pci_fn *pf)
{
	struct vfio_dev d;
	uint64_t start;

	check_rtd3(pf, "health", "failed", "before unbind");
	start = now_us();
	pci_unbind(pf);
	check(since_ms(start) < LEAVE_MS, "failed: unbind takes %ld ms", since_ms(start));
	check(__pci_bind(pf, rig.driver) < 0, "without power: bind is refused");
	model_clear();
	model_force_on();
	pci_bind(pf, rig.driver);
	vfio_open(&d, pf);
	check_known(&d, "bound again with power");
	vfio_close(&d);
	/* What it has shown counts whoever has had it meanwhile. */
	check_rtd3(pf, "fallback", "d3hot", "bound again");
	check_rtd3(pf, "fallback_reason", "no-answer", "bound again");
	asleep(pf, "D3hot", "bound again");
	pci_set(pf, "rtd3/fallback", "none");
	pci_unbind(pf);
	pci_bind(pf, rig.driver);
	check_rtd3(pf, "fallback", "none", "lifted, bound again");
	asleep(pf, "D3cold", "lifted, bound again");
}

/* A burst of the one kind says nothing about the other. */
static void kinds(const struct pci_fn *pf, int fd)
{
	const char *want = "RTD3_EVENT=health RTD3_HEALTH=degraded RTD3_REASON=link-slower";
	bool found = false;
	char text[128];

	pci_set(pf, "power/control", "on");
	for (int i = 0; i < FLIPS; i++)
		pci_set(pf, "rtd3/policy", i % 2 ? "d3cold" : "d3hot");
	pci_set(pf, "power/control", "auto");
	asleep(pf, "D3cold", "after many changes of the limit");
	model_fault(MODEL_SLOW_LINK, 0);
	look(pf);
	check_str(fault_health(pf, RECOVERY_MS), "degraded",
		  "after many changes of the limit: rtd3/health");
	while (!found && uevent_next(fd, pf, EVENT_MS, text, sizeof(text)))
		found = !strcmp(text, want);
	check(found, "after many changes of the limit: uevent of the health");
	model_clear();
}

RIG_TEST(recovery, "what goes with a device that does not come back")
{
	const struct pci_fn *pf = &rig.fn[0];
	int fd;

	if (!model_present())
		die("the power model");
	rig_load();
	rig_bind_all();
	fd = uevent_open();
	falls_back(pf, fd);
	falls_further(pf, fd);
	clean_cycles(pf, fd);
	policy_binds(pf, fd);
	slow(pf);
	asleep(pf, "D3cold", "before a minute");
	beside(pf);
	drain(pf, fd);
	asleep(pf, "D3cold", "before low power");
	user(pf);
	rebind(pf);
	kinds(pf, fd);
	close(fd);
}
