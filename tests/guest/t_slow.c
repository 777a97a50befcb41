// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that takes its time, and says so: it asks for a retry. It is waited for, its power is
 * not cut, and nothing is learnt against it.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <unistd.h>

#include "dut.h"
#include "fault.h"
#include "kmsg.h"
#include "model.h"
#include "pci.h"
#include "phase.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define SLOW_MS		3000
#define SLOWER_MS	30000
#define WELL_MS		60000
#define LOOK_MS		4000

/* Afterwards it is as if nothing had been. */
static void check_unharmed(const struct pci_fn *pf, uint16_t offs, const char *when)
{
	check_str(fault_health(pf, WELL_MS), "ok", "%s: rtd3/health", when);
	check_rtd3(pf, "fallback", "none", when);
	check_rtd3(pf, "limit", "d3cold", when);
	check_eq(model_counts().offs, offs, "%s: power-offs", when);
}

static void asleep(const struct pci_fn *pf, struct power *p, uint16_t *offs, const char *when)
{
	check_asleep(pf, p, when);
	*offs = model_counts().offs;
}

static void opened(const struct pci_fn *pf, struct power *p)
{
	const char *when = "opened, 3 s";
	uint64_t start = now_us();
	struct vfio_dev d;
	uint16_t offs;
	int ret;

	asleep(pf, p, &offs, when);
	model_fault(MODEL_NOT_READY, SLOW_MS);
	ret = __vfio_open(&d, pf);
	check_err(ret, 0, "%s: open", when);
	if (ret)
		return;
	check(since_ms(start) > SLOW_MS / 2, "%s: after %ld ms", when, since_ms(start));
	check_known(&d, when);
	check_unharmed(pf, offs, when);
	model_clear();
	*p = power_get(1);
	vfio_close(&d);
}

/* An access waits as long as for any recovery, not longer; the device comes back all the same. */
static void accessed(const struct pci_fn *pf, struct power *p)
{
	const char *when = "accessed, 30 s";
	struct vfio_dev d;
	uint64_t start, id;
	uint16_t offs;
	char last[512];
	int log;

	asleep(pf, p, &offs, when);
	vfio_open(&d, pf);
	*p = power_get(1);
	vfio_entry(&d);
	asleep(pf, p, &offs, when);
	/* It shall not sleep again before its power-offs have been counted. */
	pci_set(pf, "power/autosuspend_delay_ms", "60000");
	log = kmsg_open();
	model_fault(MODEL_NOT_READY, SLOWER_MS);
	start = now_us();
	check_err(__vfio_read(&d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &id, 4), -EIO,
		  "%s: config read", when);
	/* It takes its 30 s all the same, but not the next time. */
	model_clear();
	check(since_ms(start) < PHASE_MS, "%s: returns within %d ms (%ld ms)", when, PHASE_MS,
	      since_ms(start));
	check_rtd3(pf, "health", "recovering", when);
	check_rtd3(pf, "health_reason", "not-ready", when);
	check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "%s: recover waits, too", when);
	check_unharmed(pf, offs, when);
	check(kmsg_count(log, "alive, but not ready after", last, sizeof(last)) >= 1,
	      "%s: the log tells of progress", when);
	close(log);
	pci_set(pf, "power/autosuspend_delay_ms", "200");
	check_err(__vfio_exit(&d), 0, "%s: EXIT", when);
	check_known(&d, when);
	*p = power_get(1);
	vfio_close(&d);
}

static int open_it(void *arg)
{
	struct vfio_dev d;

	return __vfio_open(&d, arg);
}

static void killed(const struct pci_fn *pf, struct power *p)
{
	const char *when = "killed";
	uint16_t offs;
	pid_t pid;

	asleep(pf, p, &offs, when);
	model_fault(MODEL_NOT_READY, MODEL_FOREVER);
	pid = rig_child(open_it, (void *)pf);
	pci_wait(pf, "rtd3/health", "recovering", WELL_MS);
	sleep_ms(LOOK_MS);
	check_rtd3(pf, "health", "recovering", when);
	rig_kill(pid, "open of a device that is not ready");
	check_eq(model_counts().offs, offs, "%s: power-offs", when);
	model_clear();
	model_force_on();
	check_str(fault_health(pf, WELL_MS), "ok", "%s: ready: rtd3/health", when);
}

static int recover_it(void *arg)
{
	__pci_set(arg, "rtd3/recover", "1");
	return 0;
}

/* Nor does it keep anybody from taking the driver away. */
static void unbound(const struct pci_fn *pf, struct power *p)
{
	const char *when = "unbound";
	uint64_t start;
	uint16_t offs;
	pid_t pid;

	asleep(pf, p, &offs, when);
	model_fault(MODEL_NOT_READY, MODEL_FOREVER);
	pci_sysfs_config32(pf, 0);
	pid = rig_child(recover_it, (void *)pf);
	sleep_ms(LOOK_MS / 2);
	check_rtd3(pf, "health", "recovering", when);
	start = now_us();
	pci_unbind(pf);
	check(since_ms(start) < PHASE_MS, "%s: after %ld ms", when, since_ms(start));
	check_child(pid, PHASE_MS, "recover");
	model_clear();
	model_force_on();
	pci_bind(pf, rig.driver);
	check_rtd3(pf, "health", "ok", when);
}

RIG_TEST(slow, "a device that asks for a retry for seconds")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p = power_get(1);

	if (!model_present())
		die("a machine with the power model");
	rig_load();
	rig_bind_all();
	opened(pf, &p);
	accessed(pf, &p);
	killed(pf, &p);
	p = power_get(1);
	unbound(pf, &p);
}
