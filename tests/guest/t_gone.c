// SPDX-License-Identifier: GPL-2.0-only
/*
 * Surprise removal from a hot-plug slot, in each phase of a device's life: told apart from a
 * device without power, no attempt to get it back, an error for its user, and the driver lets it
 * go. The next device in the slot works. With stock vfio-pci all but that last thing is measured.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "dut.h"
#include "model.h"
#include "phase.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define GONE_MS		5000
#define CORE_MS		75000
#define BACK_MS		20000
/* Within the time that a device has after its power came back. */
#define PULLED_MS	50

/* When the device is pulled out. */
static const struct way {
	const char *name;
	bool awake;
	unsigned int after_wake_ms;
} ways[] = {
	{ .name = "gone-asleep" },
	{ .name = "gone-resuming", .after_wake_ms = PULLED_MS },
	{ .name = "gone-in-use", .awake = true },
};

static const struct pci_fn port = { .name = RIG_PORT1 };

/* All functions of the device are in sysfs, or none is. */
static bool wait_there(bool there, long timeout_ms)
{
	uint64_t start = now_us();

	for (int i = 0; i < rig.nr_fns; i++)
		while (pci_has(&rig.fn[i], "vendor") != there) {
			if (since_ms(start) > timeout_ms)
				return false;
			sleep_ms(20);
		}
	return true;
}

/* Everything bound and well; awake or asleep as the case needs it. */
static void start_fresh(void)
{
	struct power p;

	rig_load();
	/* It must not fall asleep before that can be told. */
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "power/control", "on");
	p = power_get(1);
	rig_bind_all();
	if (fcase.awake)
		return;
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "power/control", "auto");
	phase_asleep(&p);
}

static void pull(const struct way *w)
{
	if (w->after_wake_ms)
		model_fault(MODEL_PULLED, w->after_wake_ms);
	else
		model_gone();
}

static void put_back(void)
{
	model_clear();
	/* An empty slot sleeps, and the model has no PME to wake it. */
	pci_set(&port, "power/control", "on");
	model_back();
}

/* A device is plugged in: the kernel finds it, and the driver takes it. */
static bool found_again(void)
{
	bool found;

	put_back();
	found = wait_there(true, BACK_MS);
	pci_set(&port, "power/control", "auto");
	if (!found)
		return false;
	rig_load();
	return rig_bind_new(BACK_MS);
}

/*
 * What the call has to return. Who has the device open gets the driver's EIO. Who looks for it may
 * come after the hot-plug driver: then it really is on its way out.
 */
static bool documented(const struct phase *phase)
{
	switch (-fcase.ret) {
	case 0:
		return !(phase->flags & PHASE_FAILS);
	case EIO:
		return phase->flags & PHASE_FAILS;
	case ENODEV:
	case ENOENT:
	case EINVAL:
		return !fcase.is_open && strcmp(pci_driver(&rig.fn[0]), rig.driver);
	default:
		return false;
	}
}

/* What its user gets, as long as it holds on to it. */
static void check_user(void)
{
	const struct dut_reg *known = &dut_of(&rig.fn[0])->known;
	struct rtd3_region r;
	struct rtd3_info info;
	uint64_t start = now_us(), val = 0;

	check_err(__vfio_read(&fcase.d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &val, 4), -EIO,
		  "%s: config read", fcase.name);
	check_err(__dut_read(&fcase.d, known, &val), -EIO, "%s: BAR read", fcase.name);
	check(since_ms(start) < PHASE_MS, "%s: both return (%ld ms)", fcase.name,
	      since_ms(start));
	check(vfio_eventfd_count(fcase.efd, PHASE_MS) >= 1, "%s: error eventfd", fcase.name);
	/* The hot-plug driver is taking the device away: rtd3/ may have gone already. */
	rtd3_region_find(&fcase.d, &r);
	rtd3_region_info(&fcase.d, &r, &info);
	check_eq(info.health, RTD3_HEALTH_FAILED, "%s: rtd3_info.health", fcase.name);
	check_eq(info.reason, RTD3_REASON_REMOVED, "%s: rtd3_info.reason", fcase.name);
	start = now_us();
	phase_end();
	check(since_ms(start) < GONE_MS, "%s: close returns (%ld ms)", fcase.name,
	      since_ms(start));
}

static void check_case(const struct phase *phase)
{
	/* In a hot-plug slot the PCI core waits, and old ones for a minute for what has no link. */
	bool waits = rig.major == 6 && rig.minor < 5;
	/* Twice: a busy machine with the debug kernel has taken more than once. */
	long limit = 2 * PHASE_MS + (waits ? CORE_MS : 0);
	uint64_t start;

	check(documented(phase), "%s: %s", fcase.name,
	      fcase.ret ? strerrorname_np(-fcase.ret) : "0");
	check(fcase.ms < limit, "%s: returns within %ld ms (%ld ms)", fcase.name, limit, fcase.ms);
	figure("case", "%s %s ms=%ld health=gone", fcase.name,
	       fcase.ret ? strerrorname_np(-fcase.ret) : "0", fcase.ms);
	if (fcase.is_open)
		check_user();
	start = now_us();
	check(wait_there(false, GONE_MS), "%s: gone from sysfs (%ld ms)", fcase.name,
	      since_ms(start));
	check(pci_sysfs_config32(&rig.other, 0) == pci_id(&rig.other),
	      "%s: the device on the other port answers", fcase.name);

	if (!check(found_again(), "%s: found when it is back", fcase.name))
		die("%s: a device in the slot", fcase.name);
	check_err(phase_open(), 0, "%s: back: open", fcase.name);
	check_known(&fcase.d, fcase.name);
	check_rtd3(&rig.fn[0], "health", "ok", fcase.name);
	phase_end();
}

static void stock_case(const struct phase *phase)
{
	const char *left;
	int again = -ENODEV;

	phase_call_stock(phase->call, put_back);
	phase_end();
	left = wait_there(false, GONE_MS) ? "gone" : "still-there";
	if (found_again())
		again = phase_open();
	if (!again)
		again = dut_works(&fcase.d);
	phase_end();
	figure("case", "%s %s%s ms=%ld health=%s again=%s", fcase.name,
	       fcase.ret ? strerrorname_np(-fcase.ret) : "0",
	       fcase.ms >= STOCK_MS ? " released" : "", fcase.ms, left,
	       again ? strerrorname_np(-again) : "0");
	check_err(again, 0, "%s: the device that is put there works", fcase.name);
}

static void run_case(const struct phase *phase, const struct way *w)
{
	phase_new(phase, w->name, w->awake);
	start_fresh();
	phase->begin();
	pull(w);
	if (!rig.ours) {
		stock_case(phase);
		return;
	}
	phase_call(phase->call);
	check_case(phase);
}

RIG_TEST(gone, "surprise removal from a hot-plug slot")
{
	if (!model_present() || !rig.hotplug)
		die("the power model, and a hot-plug slot");
	for (int i = 0; i < nr_phases; i++)
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
			run_case(&phases[i], &ways[w]);
}
