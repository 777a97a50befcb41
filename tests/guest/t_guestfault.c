// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that does not come back when its guest needs it: the guest is told with an error, keeps
 * its state, and goes on from there once the device works again.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "fault.h"
#include "guest.h"
#include "kmsg.h"
#include "phase.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define RECOVERY_MS	15000
#define RECOVERIES	5

static void asleep(const struct pci_fn *pf, const char *when)
{
	pci_wait(pf, "rtd3/state", "D3cold", ASLEEP_TIMEOUT_MS);
	check_str(pci_get(pf, "rtd3/state"), "D3cold", "%s: asleep", when);
}

/* D0, by a driver that tries again if the machine was too slow to get the device back in time. */
static void wake(struct vfio_dev *d, const char *when)
{
	int log = kmsg_open(), ret = __guest_set(d, PCI_D0);

	if (ret == -EIO) {
		fault_health(d->pf, RECOVERY_MS);
		if (fault_outlasts_access(d->pf, log))
			ret = __guest_set(d, PCI_D0);
	}
	check_err(ret, 0, "%s: D0 written", when);
	close(log);
}

static void works(struct vfio_dev *d, const char *when)
{
	wake(d, when);
	check_guest(d, PCI_D0, when);
	check_rtd3(d->pf, "guest_state", "D0", when);
	dut_prepare(d);
	check_known(d, when);
}

/* Dead until somebody repairs it. */
static void dead(struct vfio_dev *d)
{
	uint64_t start;
	uint64_t val;

	guest_set(d, PCI_D3HOT);
	asleep(d->pf, "before it dies");
	check_eq(vfio_cfg(d, 0, 4), pci_id(d->pf), "before it dies: id from the image");
	model_fault(MODEL_ON_IGNORED, MODEL_FOREVER);
	start = now_us();
	check_err(__guest_set(d, PCI_D0), -EIO, "dead: D0 written");
	check(since_ms(start) < PHASE_MS, "dead: within %d ms", PHASE_MS);
	check_rtd3(d->pf, "guest_state", "D3hot", "dead");
	check_str(fault_health(d->pf, RECOVERY_MS), "failed", "dead: rtd3/health");
	start = now_us();
	check_err(__vfio_read(d, VFIO_PCI_CONFIG_REGION_INDEX, 0, &val, 4), -EIO,
		  "failed: no image of it is read");
	check_err(__guest_set(d, PCI_D0), -EIO, "failed: D0 written");
	check(since_ms(start) < PHASE_MS, "failed: within %d ms", PHASE_MS);

	model_clear();
	check_err(__pci_set(d->pf, "rtd3/recover", "1"), 0, "power works: recover");
	check_guest(d, PCI_D3HOT, "power works");
	works(d, "power works");
	pci_set(d->pf, "rtd3/fallback", "none");
}

/* A power-on that is late, or that has to be tried again: the guest only waits. */
static void late(struct vfio_dev *d, enum model_fault kind, unsigned int param, const char *when)
{
	guest_set(d, PCI_D3HOT);
	asleep(d->pf, when);
	model_fault(kind, param);
	works(d, when);
	model_clear();
	check_str(fault_health(d->pf, RECOVERY_MS), "ok", "%s: rtd3/health", when);
	pci_set(d->pf, "rtd3/fallback", "none");
}

/* It dies in D3hot with nobody there, and is repaired before the guest comes. */
static void meanwhile(struct vfio_dev *d)
{
	guest_set(d, PCI_D3HOT);
	asleep(d->pf, "meanwhile");
	model_fault(MODEL_ON_IGNORED, MODEL_FOREVER);
	pci_sysfs_config32(d->pf, 0);
	check_str(fault_health(d->pf, RECOVERY_MS), "failed", "meanwhile: rtd3/health");
	check_rtd3(d->pf, "guest_state", "D3hot", "meanwhile");
	model_clear();
	check_err(__pci_set(d->pf, "rtd3/recover", "1"), 0, "meanwhile: recover");
	pci_set(d->pf, "rtd3/fallback", "none");
	asleep(d->pf, "meanwhile, repaired");
	check_guest(d, PCI_D3HOT, "meanwhile, repaired");
	works(d, "meanwhile, repaired");
}

RIG_TEST(guestfault, "a device that does not come back to its guest")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;

	rig_load();
	if (!model_present())
		die("port 1 has the power model");
	pci_bind(pf, rig.driver);
	pci_set(pf, "rtd3/promote", "always");
	vfio_open(&d, pf);
	dut_prepare(&d);
	dead(&d);
	late(&d, MODEL_ON_LATE, 500, "late by 0.5 s");
	/* Whoever is let in has to find everything: the time after the recovery is short. */
	for (int i = 0; i < RECOVERIES; i++)
		late(&d, MODEL_ON_IGNORED, 1, "_ON ignored once");
	meanwhile(&d);
	dead(&d);
	vfio_close(&d);
	asleep(pf, "closed");
	pci_unbind(pf);
}
