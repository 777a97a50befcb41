// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system's sleep. Then the runtime PM callbacks do not run: the PCI core brings a
 * device back by itself, and believes that it is there.
 */

#include <linux/suspend.h>

#include "core.h"
#include "device.h"
#include "sleep.h"
#include "verify.h"

/* The system goes to sleep: its resume knows only the PCI core's own wait. */
static int rtd3_sleep_prepare(struct device *dev)
{
	struct rtd3_device *rdev = rtd3_from_dev(dev);

	/* Tasks are frozen by now: there is time again. */
	WRITE_ONCE(rtd3_freeze_by, 0);
	rtd3_resume_take_delay(rdev, false);
	rdev->context_lost = false;

	return dev->bus->pm->prepare(dev);
}

static int rtd3_sleep_suspend_noirq(struct device *dev)
{
	int ret = dev->bus->pm->suspend_noirq(dev);

	rtd3_resume_check_saved(rtd3_from_dev(dev));

	return ret;
}

static int rtd3_sleep_freeze_noirq(struct device *dev)
{
	int ret = dev->bus->pm->freeze_noirq(dev);

	rtd3_resume_check_saved(rtd3_from_dev(dev));

	return ret;
}

static int rtd3_sleep_poweroff_noirq(struct device *dev)
{
	int ret = dev->bus->pm->poweroff_noirq(dev);

	rtd3_resume_check_saved(rtd3_from_dev(dev));

	return ret;
}

static int rtd3_sleep_resume_noirq(struct device *dev)
{
	struct rtd3_device *rdev = rtd3_from_dev(dev);
	pci_power_t state = rdev->core.pdev->current_state;

	/* Firmware has had the machine, or the way back leads through a reset. */
	rdev->context_lost = pm_resume_via_firmware() || state == PCI_D3cold ||
				(state == PCI_D3hot && rdev->core.needs_pm_restore);
	if (rdev->context_lost)
		rtd3_resume_has_power(rdev);

	return dev->bus->pm->resume_noirq(dev);
}

static int rtd3_sleep_restore_noirq(struct device *dev)
{
	rtd3_from_dev(dev)->context_lost = true;
	rtd3_resume_has_power(rtd3_from_dev(dev));

	return dev->bus->pm->restore_noirq(dev);
}

/*
 * The system is awake again. The PCI core has brought the device back without a look
 * at it, if it had not slept on. Its user is told of what it has lost, unless it had
 * put the device into low power.
 */
static void rtd3_sleep_complete(struct device *dev)
{
	struct rtd3_device *rdev = rtd3_from_dev(dev);
	bool in_use = rdev->open && !rtd3_lowpower_idle(rdev);

	/* The other callbacks are left out where it slept on. */
	if (pm_resume_via_firmware())
		rtd3_resume_has_power(rdev);
	dev->bus->pm->complete(dev);
	rtd3_resume_take_delay_asleep(rdev);
	if (!pm_runtime_active(dev) || !rtd3_health_usable(rdev))
		return;

	if (!rtd3_resume_intact(rdev))
		rtd3_health_lost(rdev);
	else if (in_use && rdev->context_lost)
		vfio_pci_core_aer_err_detected(rdev->core.pdev,
					       pci_channel_io_frozen);
}

/**
 * rtd3_sleep_set_ops - put our callbacks for the system's sleep around the PCI bus's
 * @domain: with a copy of the bus's
 */
void rtd3_sleep_set_ops(struct dev_pm_domain *domain)
{
	domain->ops.prepare = rtd3_sleep_prepare;
	domain->ops.suspend_noirq = rtd3_sleep_suspend_noirq;
	domain->ops.freeze_noirq = rtd3_sleep_freeze_noirq;
	domain->ops.poweroff_noirq = rtd3_sleep_poweroff_noirq;
	domain->ops.resume_noirq = rtd3_sleep_resume_noirq;
	domain->ops.restore_noirq = rtd3_sleep_restore_noirq;
	domain->ops.complete = rtd3_sleep_complete;
}
