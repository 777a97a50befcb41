// SPDX-License-Identifier: GPL-2.0-only
/*
 * An idle device sleeps again, whatever woke it: each kind of wake, many times. The kernel drops
 * the idle check of a device that is resumed again before it has run, and whoever resumes it
 * without a reference asks for no other. Stock vfio-pci, whose wakes take longer in other places,
 * stays awake after a rescan now and then, so it is no measure here.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pci.h"
#include "power.h"
#include "rest.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define ROUNDS		6
#define DELAY		"20"
#define WORK_MS		30
#define HANG_MS		30000

static const struct pci_fn port = { .name = RIG_PORT1 };

static void no_d3cold(const struct pci_fn *pf)
{
	pci_set(pf, "d3cold_allowed", "0");
}

static void d3cold(const struct pci_fn *pf)
{
	pci_set(pf, "d3cold_allowed", "1");
}

static void config(const struct pci_fn *pf)
{
	pci_sysfs_config32(pf, PCI_VENDOR_ID);
}

static void port_config(const struct pci_fn *pf)
{
	(void)pf;
	pci_sysfs_config32(&port, PCI_VENDOR_ID);
}

/* Resumes it, and lets it go again. */
static void control(const struct pci_fn *pf)
{
	pci_set(pf, "power/control", "on");
	pci_set(pf, "power/control", "auto");
}

static void port_control(const struct pci_fn *pf)
{
	(void)pf;
	control(&port);
}

static void no_autosuspend(const struct pci_fn *pf)
{
	pci_set(pf, "power/autosuspend_delay_ms", "-1");
	pci_set(pf, "power/autosuspend_delay_ms", DELAY);
}

static void rescan(const struct pci_fn *pf)
{
	(void)pf;
	pci_set(&port, "rescan", "1");
}

static void user(const struct pci_fn *pf)
{
	struct vfio_dev d;

	vfio_open(&d, pf);
	vfio_close(&d);
}

static void low_power(const struct pci_fn *pf)
{
	struct vfio_dev d;

	vfio_open(&d, pf);
	vfio_entry(&d);
	vfio_close(&d);
}

static void policy(const struct pci_fn *pf)
{
	pci_set(pf, "rtd3/policy", "d3hot");
	pci_set(pf, "rtd3/policy", "d3cold");
}

static void policy_off(const struct pci_fn *pf)
{
	pci_set(pf, "rtd3/policy", "off");
	pci_set(pf, "rtd3/policy", "d3cold");
}

/* The read queues the idle check, and the write drops it: nobody gets the CPU between them. */
static void config_then_d3cold(const struct pci_fn *pf)
{
	const struct sched_param fifo = { .sched_priority = 1 }, other = { 0 };

	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		die("SCHED_FIFO: %s", strerror(errno));
	config(pf);
	d3cold(pf);
	sched_setscheduler(0, SCHED_OTHER, &other);
}

static void at_once(const struct pci_fn *pf)
{
	void (*const wake[])(const struct pci_fn *) = { config, port_config, d3cold, control };
	pid_t pids[sizeof(wake) / sizeof(wake[0])];

	for (size_t i = 0; i < sizeof(wake) / sizeof(wake[0]); i++) {
		pids[i] = fork();
		if (!pids[i]) {
			wake[i](pf);
			_exit(0);
		}
	}
	for (size_t i = 0; i < sizeof(wake) / sizeof(wake[0]); i++)
		if (wait_child(pids[i], HANG_MS, NULL))
			die("a wake is over within %d ms", HANG_MS);
}

static const struct wake {
	const char *what;
	void (*wake)(const struct pci_fn *pf);
} wakes[] = {
	{ "d3cold_allowed written 0", no_d3cold },
	{ "d3cold_allowed written 1", d3cold },
	{ "config read by the host", config },
	{ "config read of its port", port_config },
	{ "power/control written on, auto", control },
	{ "power/control of its port written on, auto", port_control },
	{ "rescan of its bus", rescan },
	{ "opened and closed", user },
	{ "low power, closed", low_power },
	{ "four wakes at once", at_once },
	{ "config read, then d3cold_allowed written", config_then_d3cold },
	{ "autosuspend_delay_ms written -1", no_autosuspend },
	{ "policy written d3hot, d3cold", policy },
	{ "policy written off, d3cold", policy_off },
};

/* If so, wake it as the one who finds it would: the next round begins with a sleeping device. */
static bool lost(const struct pci_fn *pf)
{
	if (__wait_rest(pf) >= 0)
		return false;
	for (int i = 0; i < 3; i++) {
		control(pf);
		if (__wait_rest(pf) >= 0)
			return true;
	}
	die("%s: asleep after power/control was written", pf->name);
}

static void one_kind(const struct wake *w, const struct pci_fn *pf)
{
	int dev_lost = 0, port_lost = 0;

	for (int i = 0; i < ROUNDS; i++) {
		w->wake(pf);
		/* Some of it is done by work items. */
		sleep_ms(WORK_MS);
		for (int j = 0; j < rig.nr_fns; j++)
			dev_lost += lost(&rig.fn[j]);
		/* It has nothing to wait for once they sleep. */
		port_lost += port_may_rest(&port) && lost(&port);
	}
	check(!dev_lost, "%s %s: sleeps again %d times (%d times not)", pf->name, w->what, ROUNDS,
	      dev_lost);
	check(!port_lost, "%s %s: its port, too (%d times not)", pf->name, w->what, port_lost);
	/* One kind takes it. */
	d3cold(pf);
	lost(pf);
}

RIG_TEST(lost_idle, "an idle device sleeps again, whatever woke it")
{
	struct power p;

	rig_load();
	check_bind_asleep(&p, "bind");
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "power/autosuspend_delay_ms", DELAY);
	for (size_t i = 0; i < sizeof(wakes) / sizeof(wakes[0]); i++)
		for (int j = 0; j < rig.nr_fns; j++)
			one_kind(&wakes[i], &rig.fn[j]);
	p = power_get(1);
	pci_sysfs_config32(&rig.fn[0], PCI_VENDOR_ID);
	check_asleep(&rig.fn[0], &p, "at the end");
}
