// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power that is said to be off and is not: the device comes back with what it had. Who has looked
 * knows that, says so, and counts no time in D3cold.
 */
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "kmsg.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define COLD_MS		10000
#define LOOK_MS		1500

/* What the kernel believes. */
static bool wait_cold(const struct pci_fn *pf)
{
	uint64_t start = now_us();

	while (strcmp(pci_get(pf, "power_state"), "D3cold") && since_ms(start) < COLD_MS)
		sleep_ms(10);
	return !strcmp(pci_get(pf, "power_state"), "D3cold");
}

static void low_power(struct vfio_dev *d, const char *when)
{
	const struct pci_fn *pf = d->pf;
	uint16_t offs = model_counts().offs;
	const struct dut *t = dut_locate(d);
	unsigned long long cold = 0;

	dut_mark(d);
	if (rig.ours)
		cold = rtd3_num(pf, "time_d3cold_ms");
	vfio_entry(d);
	check(wait_cold(pf), "%s: the kernel says D3cold", when);
	sleep_ms(LOOK_MS);
	check_eq(model_counts().offs, offs, "%s: power-offs", when);
	vfio_exit(d);
	check_eq(dut_read(d, &t->loses), t->loses_val, "%s: %s as before", when, t->loses.what);
	if (!rig.ours)
		return;
	check(strstr(pci_get(pf, "rtd3/blockers"), "power-not-cut"),
	      "%s: rtd3/blockers names power-not-cut", when);
	check_eq(rtd3_num(pf, "time_d3cold_ms"), cold, "%s: rtd3/stats/time_d3cold_ms", when);
	check_rtd3(pf, "last_state", "D3hot", when);
	check_rtd3(pf, "health", "degraded", when);
	check_rtd3(pf, "health_reason", "power-not-cut", when);

	/* Asleep again, it is known from the beginning. */
	vfio_entry(d);
	check(wait_cold(pf), "%s: again: the kernel says D3cold", when);
	sleep_ms(LOOK_MS);
	check_rtd3(pf, "state", "D3hot", when);
	check_rtd3(pf, "predicted", "D3hot", when);
	check_eq(rtd3_num(pf, "time_d3cold_ms"), cold, "%s: again: rtd3/stats/time_d3cold_ms",
		 when);
	vfio_exit(d);
}

/* What has kept its power is no device in its reset state. */
static void no_reset(const char *when)
{
	const struct pci_fn *pf = &rig.fn[0];
	int kmsg = kmsg_open();
	struct vfio_dev d;
	char line[1024];

	pci_set_reset(pf, "\n");
	pci_set(pf, "rtd3/power_cycle_on_close", "1");
	vfio_open(&d, pf);
	dut_mark(&d);
	vfio_close(&d);
	check_eq(rtd3_num(pf, "power_cycles"), 0, "%s: closed: rtd3/stats/power_cycles", when);
	check_eq(kmsg_count(kmsg, "no power cycle: its power was not cut", line, sizeof(line)), 1,
		 "%s: closed: lines in the log that say so", when);
	close(kmsg);
	pci_set(pf, "rtd3/power_cycle_on_close", "0");
	pci_set_reset(pf, "default");
}

/* A power-off that works takes all that back. */
static void cut(const char *when)
{
	const struct pci_fn *pf = &rig.fn[0];
	unsigned long long cold = rtd3_num(pf, "time_d3cold_ms");
	struct power p = power_get(1);
	struct vfio_dev d;

	vfio_open(&d, pf);
	p = power_get(1);
	vfio_entry(&d);
	check_asleep(pf, &p, when);
	sleep_ms(LOOK_MS);
	vfio_exit(&d);
	check(!strstr(pci_get(pf, "rtd3/blockers"), "power-not-cut"),
	      "%s: cut: rtd3/blockers does not name power-not-cut", when);
	check(rtd3_num(pf, "time_d3cold_ms") > cold, "%s: cut: rtd3/stats/time_d3cold_ms", when);
	check_rtd3(pf, "last_state", "D3cold", when);
	check_rtd3(pf, "health", "ok", when);
	vfio_close(&d);
}

static void run(enum model_fault fault, const char *when)
{
	struct vfio_dev d;

	if (!model_present())
		die("a machine with the power model");
	rig_load();
	rig_bind_all();
	vfio_open(&d, &rig.fn[0]);
	model_fault(fault, 0);
	low_power(&d, when);
	vfio_close(&d);
	if (rig.ours)
		no_reset(when);
	model_clear();
	if (rig.ours && fault)
		cut(when);
}

/* What a driver has learnt from one of them may change what it does with the next. */
RIG_TEST(witness_refused, "a power-off that is refused")
{
	run(MODEL_OFF_REFUSED, "refused");
}

RIG_TEST(witness_nothing, "a power-off that does nothing, while _STA says off")
{
	run(MODEL_OFF_NOTHING, "does nothing");
}

/* The port of the other device, which is awake, has the same power resource. */
RIG_TEST(witness_shared, "power that another slot needs, too")
{
	struct power p = power_get(1);

	if (!rig.has_other)
		die("a device below the other port");
	pci_set(&rig.other, "power/control", "on");
	run(MODEL_NONE, "shared");
	check_eq(power_get(1).off, p.off, "shared: calls of _OFF");
}
