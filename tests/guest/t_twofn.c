// SPDX-License-Identifier: GPL-2.0-only
/* Two functions on one port: power goes when both sleep, and comes back for both. */
#include <string.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define SUSPEND_MS	10000
#define LOOK_MS		1500

/* One function sleeps as deep as it can alone: D3hot, with the port and its sibling powered. */
static void check_alone(const struct pci_fn *pf, struct power *p, const char *when)
{
	check(pci_wait(pf, "power/runtime_status", "suspended", SUSPEND_MS),
	      "%s: %s is suspended", when, pf->name);
	check_str(pci_get(pf, "power_state"), "D3hot", "%s: %s", when, pf->name);
	check_rtd3(pf, "state", "D3hot", when);
	check_no_off(p, LOOK_MS, when);
	check_eq(power_cfg(pf, 0), pci_id(pf), "%s: id of %s from outside", when, pf->name);
}

static void check_both_cold(const struct pci_fn *a, const struct pci_fn *b, struct power *p,
			    const char *when)
{
	check_asleep(a, p, when);
	check_eq(power_cfg(b, 0), ALL_ONES, "%s: %s from outside", when, b->name);
	check_str(pci_get(a, "power_state"), "D3cold", "%s: %s", when, a->name);
	check_str(pci_get(b, "power_state"), "D3cold", "%s: %s", when, b->name);
	check_rtd3(a, "state", "D3cold", when);
	check_rtd3(b, "state", "D3cold", when);
}

static void open_one(const struct pci_fn *a, const struct pci_fn *b, struct power *p)
{
	struct vfio_dev d;

	vfio_open(&d, a);
	check_woken(a, p, "one opened");
	check_eq(power_cfg(b, 0), pci_id(b), "one opened: id of %s from outside", b->name);
	check_known(&d, "one opened");
	check_alone(b, p, "one opened");
	vfio_close(&d);
	check_both_cold(a, b, p, "closed");
}

static void low_power(const struct pci_fn *a, const struct pci_fn *b, struct power *p)
{
	struct vfio_group g;
	struct vfio_dev da, db;

	vfio_group_open(&g, pci_iommu_group(a));
	vfio_dev_open(&da, &g, a);
	vfio_dev_open(&db, &g, b);
	check_known(&da, "both open");
	check_known(&db, "both open");
	*p = power_get(1);
	vfio_entry(&da);
	check_alone(a, p, "ENTRY of one");
	vfio_entry(&db);
	check_both_cold(a, b, p, "ENTRY of both");

	/* One wakes: the other one keeps its low power, but has lost its state, too. */
	vfio_exit(&da);
	check_woken(a, p, "EXIT of one");
	check_known(&da, "EXIT of one");
	check_alone(b, p, "EXIT of one");
	check_eq(vfio_cfg(&db, 0, 4), pci_id(b), "access to the one in low power");
	vfio_exit(&db);
	check_known(&db, "EXIT of the other");
	check_no_off(p, LOOK_MS, "both awake");
	vfio_close(&da);
	vfio_close(&db);
	vfio_group_close(&g);
	check_both_cold(a, b, p, "both closed");
}

static void unbind_one(const struct pci_fn *a, const struct pci_fn *b, struct power *p)
{
	struct vfio_dev d;

	pci_unbind(a);
	check_woken(a, p, "one unbound");
	check_str(pci_get(a, "power/runtime_status"), "active", "one unbound: %s", a->name);
	check_alone(b, p, "one unbound");
	/* A group with an unbound function is viable: nobody else uses that one. */
	vfio_open(&d, b);
	check_known(&d, "sibling unbound");
	vfio_close(&d);
	check_no_off(p, LOOK_MS, "closed, sibling unbound");
	pci_bind(a, rig.driver);
	check_both_cold(a, b, p, "bound again");
}

RIG_TEST(twofn, "two functions on one port")
{
	const struct pci_fn *a = &rig.fn[0], *b = &rig.fn[1];
	struct power p;

	if (rig.nr_fns < 2)
		die("two functions below the port (%d)", rig.nr_fns);
	check(pci_iommu_group(a) == pci_iommu_group(b), "one IOMMU group (%d, %d)",
	      pci_iommu_group(a), pci_iommu_group(b));
	rig_load();
	p = power_get(1);
	pci_bind(a, rig.driver);
	check_alone(a, &p, "one bound");
	pci_bind(b, rig.driver);
	check_both_cold(a, b, &p, "both bound");
	open_one(a, b, &p);
	open_one(b, a, &p);
	low_power(a, b, &p);
	low_power(b, a, &p);
	unbind_one(a, b, &p);
	unbind_one(b, a, &p);
	pci_unbind(b);
	pci_unbind(a);
	check_woken(a, &p, "both unbound");
	check_eq(power_cfg(b, 0), pci_id(b), "both unbound: id of %s from outside", b->name);
}
