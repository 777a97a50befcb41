// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no wait and no power cycle heals: a device that wants a reset by the bridge above it, or
 * by one further up, or its link turned off and on. It gets that where nobody else is struck who
 * uses his device, or is another driver's.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "fault.h"
#include "kmsg.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define WELL_MS		30000

static void all_asleep(const char *when)
{
	struct power p = power_get(1);

	model_clear();
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "rtd3/fallback", "none");
	for (int i = 0; i < rig.nr_fns; i++)
		pci_wait(&rig.fn[i], "rtd3/state", "D3cold", ASLEEP_TIMEOUT_MS);
	check_asleep(&rig.fn[0], &p, when);
}

static void check_all_well(const char *when)
{
	/* Who has come back before another one misses that one until it sleeps again. */
	for (int i = 0; i < rig.nr_fns; i++) {
		const char *health = fault_health(&rig.fn[i], WELL_MS);

		if (!strcmp(health, "degraded"))
			check_rtd3(&rig.fn[i], "health_reason", "sibling-dead", when);
		else
			check_str(health, "ok", "%s: rtd3/health of %s", when, rig.fn[i].name);
	}
	for (int i = 0; i < rig.nr_fns; i++) {
		struct vfio_dev d;

		vfio_open(&d, &rig.fn[i]);
		check_known(&d, when);
		vfio_close(&d);
	}
}

/* @struck comes back so, again and again, until @step. */
static void heals(const struct pci_fn *struck, enum model_fault kind, const char *step,
		  const char *what)
{
	char text[64], last[512];
	uint16_t resets;
	int log;

	all_asleep(what);
	log = kmsg_open();
	resets = model_counts().resets;
	model_fault_at(struck, kind, 0);
	for (int i = 0; i < rig.nr_fns; i++)
		pci_sysfs_config32(&rig.fn[i], 0);
	for (int i = 0; i < rig.nr_fns; i++)
		fault_health(&rig.fn[i], WELL_MS);
	snprintf(text, sizeof(text), " ms (%s)", step);
	check(kmsg_count(log, text, last, sizeof(last)) >= 1, "%s: by %s: %s", what, step, last);
	/* The nearest bridge that can does it at once; who else was struck waits for that. */
	if (kind == MODEL_UNTIL_RESET)
		check_eq((uint16_t)(model_counts().resets - resets), 1, "%s: resets", what);
	model_clear();
	check_all_well(what);
	close(log);
}

/* The first function is dead, the second one is in use: it stays so. */
static void spares_user(const struct pci_fn *dead, const struct pci_fn *used)
{
	const char *when = "another function in use";
	uint32_t bar = pci_sysfs_config32(used, PCI_BASE_ADDRESS_0);
	struct vfio_dev d;
	char last[512];
	uint16_t resets;
	int log;

	all_asleep(when);
	resets = model_counts().resets;
	model_fault_at(dead, MODEL_UNTIL_RESET, 0);
	vfio_open(&d, used);
	dut_mark(&d);
	check_str(fault_health(dead, WELL_MS), "failed", "%s: rtd3/health", when);
	check_err(__pci_set(dead, "rtd3/recover", "1"), -EIO, "%s: recover", when);
	check_known(&d, when);
	check_eq(model_counts().resets, resets, "%s: resets", when);
	/* Now nobody uses it, and the core resets the bus. */
	vfio_close(&d);
	check_err(__pci_set(dead, "rtd3/recover", "1"), 0, "closed: recover");

	/* Awake, but closed: it is struck, and gets back what it had. */
	when = "another function awake";
	all_asleep(when);
	resets = model_counts().resets;
	log = kmsg_open();
	model_fault_at(dead, MODEL_UNTIL_RESET, 0);
	pci_set(used, "power/control", "on");
	pci_sysfs_config32(dead, 0);
	check_str(fault_health(dead, WELL_MS), "ok", "%s: rtd3/health", when);
	check_eq(kmsg_count(log, " ms (reset)", last, sizeof(last)), 1, "%s: by reset", when);
	check_eq((uint16_t)(model_counts().resets - resets), 1, "%s: resets", when);
	check_eq(pci_sysfs_config32(used, PCI_BASE_ADDRESS_0), bar, "%s: its BAR", when);
	pci_set(used, "power/control", "auto");
	model_clear();
	check_all_well(when);
	close(log);
}

/* Nobody knows what a function without a driver, or with another one, is good for. */
static void spares_foreign(const struct pci_fn *dead, const struct pci_fn *foreign)
{
	const char *when = "another function that is not ours";
	uint16_t resets;

	all_asleep(when);
	pci_unbind(foreign);
	pci_set(foreign, "power/control", "auto");
	resets = model_counts().resets;
	model_fault_at(dead, MODEL_UNTIL_RESET, 0);
	check(pci_wait(dead, "rtd3/state", "D3cold", ASLEEP_TIMEOUT_MS), "%s: asleep", when);
	pci_sysfs_config32(dead, 0);
	check_str(fault_health(dead, WELL_MS), "failed", "%s: rtd3/health", when);
	check_err(__pci_set(dead, "rtd3/recover", "1"), -EIO, "%s: recover", when);
	check_eq(model_counts().resets, resets, "%s: resets", when);
	pci_bind(foreign, rig.driver);
	check_err(__pci_set(dead, "rtd3/recover", "1"), 0, "%s, bound again: recover", when);
	model_clear();
	check_all_well("bound again");
}

RIG_TEST(heal, "a reset, or a link turned off and on, brings back what no power cycle does")
{
	bool same_bus = rig.nr_fns > 1 && rig.fn[0].bus == rig.fn[1].bus;

	if (!model_present())
		die("the power model");
	rig_load();
	rig_bind_all();
	rig_autosuspend("200");

	heals(&rig.fn[0], MODEL_UNTIL_RESET, "reset", "the device wants a reset");
	for (int i = 0; i < rig.nr_bridges; i++)
		heals(&rig.bridge[i], MODEL_UNTIL_RESET, "reset", rig.bridge[i].name);
	heals(NULL, MODEL_UNTIL_LINK, "link", "the link wants a restart");
	if (same_bus) {
		spares_user(&rig.fn[0], &rig.fn[1]);
		spares_foreign(&rig.fn[0], &rig.fn[1]);
	}
}
