// SPDX-License-Identifier: GPL-2.0-only
/*
 * Surprise removal from a hot-plug slot: told apart from a device without power, no attempt to get
 * it back, EIO for its user, and the driver lets it go. The next device in the slot works.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define ACCESS_MS	5000
#define GONE_MS		5000
#define BACK_MS		20000

static bool wait_there(const struct pci_fn *pf, bool there, long timeout_ms)
{
	uint64_t start = now_us();

	while (pci_has(pf, "vendor") != there) {
		if (since_ms(start) > timeout_ms)
			return false;
		sleep_ms(20);
	}
	return true;
}

/* A device is plugged in: the kernel finds it, and it works. */
static void check_back(const struct pci_fn *pf, const char *when)
{
	const struct pci_fn port = { .name = RIG_PORT1 };
	struct vfio_dev d;

	/* An empty slot sleeps, and the model has no PME to wake it. */
	pci_set(&port, "power/control", "on");
	model_back();
	if (!check(wait_there(pf, true, BACK_MS), "%s: found again when it is back", when))
		die("a device in the slot");
	pci_set(&port, "power/control", "auto");
	sleep_ms(200);
	pci_bind(pf, rig.driver);
	vfio_open(&d, pf);
	check_known(&d, when);
	vfio_close(&d);
	check_rtd3(pf, "health", "ok", when);
}

static void check_gone(const struct pci_fn *pf, const char *when)
{
	uint64_t start = now_us();

	check(wait_there(pf, false, GONE_MS), "%s: gone from sysfs after %ld ms", when,
	      since_ms(start));
	check(pci_sysfs_config32(&rig.other, 0) == pci_id(&rig.other),
	      "%s: the device on the other port answers", when);
}

static void start_asleep(const struct pci_fn *pf, const char *when)
{
	struct power p = power_get(1);

	check(__wait_asleep(pf, &p, ASLEEP_TIMEOUT_MS) >= 0, "%s: before: asleep", when);
}

static void gone_idle(const struct pci_fn *pf)
{
	uint64_t start;

	start_asleep(pf, "gone, asleep");
	model_gone();
	/* Nobody may have heard of it yet: the port sleeps, too. */
	start = now_us();
	pci_sysfs_config32(pf, 0);
	check(since_ms(start) < ACCESS_MS, "gone, asleep: a look at it ends (%ld ms)",
	      since_ms(start));
	check_gone(pf, "gone, asleep");
	check_back(pf, "gone, asleep");
}

static void gone_opening(const struct pci_fn *pf)
{
	struct vfio_dev d;
	uint64_t start;
	int ret;

	start_asleep(pf, "gone, then opened");
	model_gone();
	start = now_us();
	ret = __vfio_open(&d, pf);
	check(ret == -EIO || ret == -ENODEV, "gone, then opened: %s", strerrorname_np(-ret));
	check(since_ms(start) < ACCESS_MS, "gone, then opened: returns (%ld ms)", since_ms(start));
	if (!ret)
		vfio_close(&d);
	check_gone(pf, "gone, then opened");
	check_back(pf, "gone, then opened");
}

/* @engaged: in D3cold when it is taken, else in use. */
static void gone_open(const struct pci_fn *pf, bool engaged)
{
	const char *when = engaged ? "gone in low power" : "gone in use";
	struct rtd3_region r;
	struct rtd3_info info;
	struct vfio_dev d;
	uint64_t start, val = 0;
	int efd = vfio_eventfd();
	int ret;

	vfio_open(&d, pf);
	dut_prepare(&d);
	rtd3_region_find(&d, &r);
	check_err(__vfio_irq_trigger(&d, VFIO_PCI_ERR_IRQ_INDEX, 1, &efd), 0,
		  "%s: error eventfd", when);
	if (engaged) {
		struct power p = power_get(1);

		vfio_entry(&d);
		check(__wait_asleep(pf, &p, ASLEEP_TIMEOUT_MS) >= 0, "%s: before: asleep", when);
	}
	model_gone();
	start = now_us();
	ret = __vfio_read(&d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &val, 4);
	check_err(ret, -EIO, "%s: config read", when);
	check(since_ms(start) < ACCESS_MS, "%s: config read returns (%ld ms)", when,
	      since_ms(start));
	check_err(__dut_read(&d, &dut_of(pf)->known, &val), -EIO, "%s: BAR read", when);
	check(vfio_eventfd_count(efd, ACCESS_MS) >= 1, "%s: error eventfd signalled", when);
	/* The hot-plug driver is taking the device away: rtd3/ has gone already. */
	rtd3_region_info(&d, &r, &info);
	check_eq(info.health, RTD3_HEALTH_FAILED, "%s: rtd3_info.health", when);
	check_eq(info.reason, RTD3_REASON_REMOVED, "%s: rtd3_info.reason", when);
	close(efd);
	start = now_us();
	vfio_close(&d);
	check(since_ms(start) < GONE_MS, "%s: close returns (%ld ms)", when, since_ms(start));
	check_gone(pf, when);
	check_back(pf, when);
}

void test_gone(void)
{
	const struct pci_fn *pf = &rig.fn[0];

	if (!model_present())
		die("the power model");
	rig_load();
	pci_bind(pf, rig.driver);
	gone_idle(pf);
	gone_opening(pf);
	gone_open(pf, true);
	gone_open(pf, false);
}
