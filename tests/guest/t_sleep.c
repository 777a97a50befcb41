// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host goes to sleep and comes back, with the device idle, open, in low power, promoted: it
 * works, sleeps again, and nobody was told of an error.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define ALARM		"+3"

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

static void check_ok(const char *when)
{
	check_rtd3(pf, "health", "ok", when);
	check_rtd3(pf, "failures", "0", when);
}

static void check_open(const char *when)
{
	check_known(&d, when);
	check_eq(vfio_eventfd_count(errors, 0), 0, "%s: error eventfd", when);
	check_ok(when);
}

static void open_it(void)
{
	vfio_open(&d, pf);
	dut_prepare(&d);
	errors = vfio_eventfd();
	if (__vfio_irq_trigger(&d, VFIO_PCI_ERR_IRQ_INDEX, 1, &errors))
		die("error eventfd");
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

	check_err(by_s3(), 0, "%s: the host sleeps and wakes", when);
	diag("%s: %ld ms", when, since_ms(start));
}

RIG_TEST(sleep_s3, "the host's S3: the device comes back and sleeps again")
{
	struct power p;

	rig_load();
	pf = &rig.fn[0];
	check_bind_asleep(&p, "bind");

	host_sleeps("idle");
	check_dark("idle");
	check_ok("idle");
	open_it();
	check_open("idle, then opened");
	close_it("idle, opened, closed");

	open_it();
	host_sleeps("open");
	check_open("open");
	close_it("open, closed");

	open_it();
	vfio_entry(&d);
	check_dark("low power, before");
	host_sleeps("low power");
	check_dark("low power");
	check_err(__vfio_exit(&d), 0, "low power: EXIT");
	check_open("low power, left");
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
	check_open("promoted, D0");
	close_it("promoted, closed");
}
