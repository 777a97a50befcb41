// SPDX-License-Identifier: GPL-2.0-only
/*
 * A card whose firmware is touchy: reset too soon after power-on it hangs until its power is cut,
 * and its subsystem ids are gone until its driver has set it up.
 */
#include "dut.h"
#include "fault.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

/* As in tests/rig/cards.py. */
#define WEDGE_MS	4000
#define DELAY		"4500"
#define DISPLAY		"2100"
#define WELL_MS		40000

static void set_delay(const char *val)
{
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "rtd3/reset_delay_ms", val);
}

static void check_defaults(void)
{
	for (int i = 0; i < rig.nr_fns; i++) {
		pci_unbind(&rig.fn[i]);
		pci_bind(&rig.fn[i], rig.driver);
		check_str(pci_get(&rig.fn[i], "rtd3/reset_delay_ms"),
			  rig.fn[i].class >> 16 == 0x03 ? DISPLAY : "0",
			  "rtd3/reset_delay_ms of %s", rig.fn[i].name);
	}
}

/* What it has lost is said, and does not make another device of it. */
static void check_degraded(const struct pci_fn *pf, const char *when)
{
	check_rtd3(pf, "health", "degraded", when);
	check_rtd3(pf, "health_reason", "ids-lost", when);
}

/* Nobody is reset too soon: not by open, by RESET after low power, by close. */
static void in_time(const struct pci_fn *pf, struct power *p)
{
	const char *when = "in time";
	uint64_t start;
	uint16_t offs;
	struct vfio_dev d;
	int ret;

	ret = __vfio_open(&d, pf);
	check_err(ret, 0, "%s: open", when);
	if (ret)
		return;
	check_known(&d, when);
	check_degraded(pf, when);

	*p = power_get(1);
	vfio_entry(&d);
	check_asleep(pf, p, when);
	start = now_us();
	vfio_exit(&d);
	check_err(__vfio_reset(&d), 0, "%s: RESET after low power", when);
	check(since_ms(start) >= WEDGE_MS, "%s: EXIT and RESET take %ld ms", when,
	      since_ms(start));
	check_known(&d, when);

	*p = power_get(1);
	vfio_entry(&d);
	check_asleep(pf, p, when);
	offs = model_counts().offs;
	start = now_us();
	vfio_close(&d);
	check(since_ms(start) >= WEDGE_MS, "%s: close takes %ld ms", when, since_ms(start));
	check_asleep(pf, p, "closed");
	check_eq(model_counts().offs, offs + 1, "closed: power-offs");
	check_eq(rtd3_num(pf, "failures"), 0, "%s: rtd3/stats/failures", when);
}

/* Else it hangs, and the PCI core waits a minute for it: what is shown above not to happen. */
static void too_soon(const struct pci_fn *pf)
{
	const char *when = "too soon";
	struct vfio_dev d;

	set_delay("0");
	vfio_open(&d, pf);
	check(__vfio_reset(&d) < 0, "%s: RESET fails", when);
	check_str(fault_health(pf, WELL_MS), "degraded", "%s: its power is cut: rtd3/health", when);
	/* That has a reset, too. */
	set_delay(DELAY);
	vfio_close(&d);
	check_degraded(pf, when);
}

RIG_TEST(firmware, "a card that must not be reset too soon")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p;

	if (!model_present())
		die("a machine with the power model");
	rig_load();
	check_bind_asleep(&p, "bind");
	check_defaults();
	p = power_get(1);
	set_delay(DELAY);
	check_asleep(pf, &p, "bound again");
	in_time(pf, &p);
	too_soon(pf);
}
