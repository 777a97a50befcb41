// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host goes to sleep and comes back, with the device idle, open, in low power, promoted: it
 * works and sleeps again. Whoever has it open, not in low power, is told that it was without power.
 *
 * By S3, in which QEMU resets the machine, and by suspend to idle, which leaves everything to the
 * kernel.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "dut.h"
#include "fault.h"
#include "guest.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"
#include "wake.h"

#define ALARM		"+3"
#define WELL_MS		10000	/* until what has failed is well again, or given up */
#define ACCESS_MS	5000	/* an access waits 2 s for that */

static const struct pci_fn *pf;
static struct vfio_dev d;
static int errors;

/*
 * Without power, and it stays so. By CF8/CFC: after S3 firmware has not given the host's own way
 * to config space its place back.
 */
static void check_dark(const char *when)
{
	uint64_t start = now_us();
	int seen = 0;

	while (seen < 20 && since_ms(start) < ASLEEP_TIMEOUT_MS) {
		seen = pci_raw_config32(pf, 0) == ALL_ONES &&
		       !strcmp(pci_get(pf, "power_state"), "D3cold") ? seen + 1 : 0;
		sleep_ms(10);
	}
	check(seen == 20, "%s: without power", when);
}

/* An alarm of the clock ends it. */
static int by_s3(void)
{
	__rig_write("/sys/class/rtc/rtc0/wakealarm", "0");
	if (__rig_write("/sys/class/rtc/rtc0/wakealarm", ALARM) ||
	    __rig_write("/sys/power/mem_sleep", "deep"))
		die("S3 and an alarm: %s", strerror(errno));
	return __rig_write("/sys/power/state", "mem");
}

/*
 * A power button does: the clock wakes no q35 from it. The host presses it when the console says
 * that the kernel has arrived there.
 */
static int by_s2idle(void)
{
	char reply[32];

	if (__rig_write("/sys/power/mem_sleep", "s2idle") ||
	    __rig_write("/sys/power/pm_debug_messages", "1") ||
	    __rig_write("/sys/module/printk/parameters/console_suspend", "N"))
		die("suspend to idle: %s", strerror(errno));
	/* Where it is built in there is nothing to load. */
	rig_modprobe("button");
	chan_query(reply, sizeof(reply), "powerbutton");
	if (strcmp(reply, "ok"))
		die("host answers: '%s'", reply);
	return __rig_write("/sys/power/state", "mem");
}

static int (*by)(void);

static void check_ok(const char *when)
{
	check_rtd3(pf, "health", "ok", when);
	check_rtd3(pf, "stats/failures", "0", when);
}

/* @told: the user has been told that what it had set is lost. */
static void check_open(bool told, const char *when)
{
	check_known(&d, when);
	check_eq(vfio_eventfd_count(errors, 0), told, "%s: error eventfd", when);
	check_ok(when);
}

static void open_it(void)
{
	vfio_open(&d, pf);
	dut_prepare(&d);
	errors = vfio_error_eventfd(&d);
}

static void close_it(const char *when)
{
	vfio_close(&d);
	close(errors);
	check_dark(when);
	check_ok(when);
}

static void host_sleeps(const char *when)
{
	uint64_t start = now_us();

	check_err(by(), 0, "%s: the host sleeps and wakes", when);
	diag("%s: %ld ms", when, since_ms(start));
}

static void sleeps(int (*how)(void))
{
	struct power p;

	by = how;
	rig_load();
	pf = &rig.fn[0];
	check_bind_asleep(&p, "bind");

	host_sleeps("idle");
	check_dark("idle");
	check_ok("idle");
	open_it();
	check_open(false, "idle, then opened");
	close_it("idle, opened, closed");

	open_it();
	host_sleeps("open");
	/* Stock vfio-pci tells nobody, though it has been without power. */
	check_open(rig.ours, "open");
	close_it("open, closed");

	open_it();
	vfio_entry(&d);
	check_dark("low power, before");
	host_sleeps("low power");
	check_dark("low power");
	check_err(__vfio_exit(&d), 0, "low power: EXIT");
	check_open(false, "low power, left");
	close_it("low power, closed");

	if (!rig.ours)
		return;
	pci_set(pf, "rtd3/promote", "always");
	open_it();
	guest_set(&d, PCI_D3HOT);
	check_dark("promoted, before");
	host_sleeps("promoted");
	check_dark("promoted");
	check_guest(&d, PCI_D3HOT, "promoted");
	guest_set(&d, PCI_D0);
	check_open(false, "promoted, D0");
	close_it("promoted, closed");
}

RIG_TEST(sleep_s3, "the host's S3: the device comes back and sleeps again")
{
	sleeps(by_s3);
}

RIG_TEST(sleep_s2idle, "the host's suspend to idle: the device comes back and sleeps again")
{
	sleeps(by_s2idle);
}

static void check_health(const char *want, const char *when)
{
	check_str(fault_health(pf, WELL_MS), want, "%s: rtd3/health", when);
}

static void check_told(const char *when)
{
	check_eq(vfio_eventfd_count(errors, WELL_MS), 1, "%s: error eventfd", when);
}

static void check_works(const char *when)
{
	check_err(d.fd < 0 ? -ENODEV : dut_works(&d), 0, "%s: it works", when);
}

static void leave(void)
{
	if (d.fd < 0)
		return;
	vfio_close(&d);
	close(errors);
}

static void open_anew(const char *when)
{
	leave();
	errors = vfio_eventfd();
	check_err(__vfio_open(&d, pf), 0, "%s: opened anew", when);
	if (d.fd < 0)
		close(errors);
}

/* Of the device that is open now, and of what the kernel keeps of it while it sleeps. */
static void check_whole(const char *when)
{
	struct power p = power_get(1);

	check_works(when);
	leave();
	check_asleep(pf, &p, when);
	open_anew(when);
	check_works(when);
	leave();
}

static void sleeps_with(uint16_t dead_ons, const char *when)
{
	struct power before = power_get(1);

	model_fault(MODEL_ON_IGNORED, dead_ons);
	host_sleeps(when);
	diag("%s: _ON %u, _OFF %u times", when, power_get(1).on - before.on,
	     power_get(1).off - before.off);
}

static void power_works(void)
{
	model_clear();
	model_force_on();
}

static void dead_idle(const char *when)
{
	sleeps_with(1, when);
	open_anew(when);
}

/* What the user had set is lost, so it is told. */
static void dead_once(const char *when)
{
	open_it();
	sleeps_with(1, when);
	check_told(when);
	check_health("ok", when);
}

static void dead_recovered(const char *when)
{
	uint64_t start, id = 0;

	open_it();
	sleeps_with(MODEL_FOREVER, when);
	start = now_us();
	check_err(__vfio_read(&d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &id, 4), -EIO,
		  "%s: read", when);
	check(since_ms(start) < ACCESS_MS, "%s: it took %ld ms", when, since_ms(start));
	check_told(when);
	check_health("failed", when);
	power_works();
	__pci_set(pf, "rtd3/recover", "1");
	check_health("ok", when);
}

/* The power is back before anybody has looked: the next user must not get what was read without. */
static void dead_unseen(const char *when)
{
	open_it();
	sleeps_with(MODEL_FOREVER, when);
	power_works();
	leave();
	sleep_ms(WELL_MS / 10);
	open_anew(when);
}

static void dead_low_power(const char *when)
{
	struct power p = power_get(1);

	open_it();
	vfio_entry(&d);
	wait_asleep(pf, &p);
	sleeps_with(1, when);
	check_err(__vfio_exit(&d), 0, "%s: EXIT", when);
}

static int look(void *arg)
{
	(void)arg;
	pci_sysfs_config32(pf, 0);
	return 0;
}

/* Somebody waits for it, for longer than the kernel lets anybody keep it awake. */
static void dead_awaited(const char *when)
{
	pid_t pid;

	pci_set(pf, "rtd3/wake_timeout_ms", "60000");
	model_fault(MODEL_ON_IGNORED, MODEL_FOREVER);
	pid = rig_child(look, NULL);
	check(pci_wait(pf, "power/runtime_status", "resuming", WELL_MS), "%s: is waited for", when);
	host_sleeps(when);
	power_works();
	check_child(pid, WELL_MS, when);
	pci_set(pf, "rtd3/wake_timeout_ms", "1000");
	__pci_set(pf, "rtd3/recover", "1");
	check_health("ok", when);
	/* Its time was too short to say anything about it. */
	check_rtd3(pf, "fallback", "none", when);
	open_anew(when);
}

static const struct {
	const char *when;
	void (*run)(const char *when);
} deaths[] = {
	{ "idle, dead once", dead_idle },
	{ "idle, dead and waited for", dead_awaited },
	{ "low power, dead once", dead_low_power },
	{ "open, dead once", dead_once },
	{ "open, dead until recovered", dead_recovered },
	{ "open, dead for a while", dead_unseen },
};

RIG_TEST(sleep_dead, "the device has no power when the host comes back from suspend to idle")
{
	struct power p = power_get(1);

	if (!model_present())
		die("the power model");
	by = by_s2idle;
	rig_load();
	rig_bind_all();
	pf = &rig.fn[0];
	check_asleep(pf, &p, "bind");
	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
		int failures = tap_failures();

		deaths[i].run(deaths[i].when);
		check_whole(deaths[i].when);
		power_works();
		if (tap_failures() != failures)
			wake_recover(&p, deaths[i].when);
		else
			check_dark(deaths[i].when);
	}
}
