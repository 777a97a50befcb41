// SPDX-License-Identifier: GPL-2.0-only
/*
 * The power state that the guest has put the device in.
 *
 * Three things are apart: G, the guest's state of the device, which is what
 * PMCSR reads as; U, the user's low power entry (lowpower.c); and P, a low power
 * entry for the guest, made here: the promotion. The device may be suspended
 * while U or P is held.
 *
 *	              PMCSR D3hot, not promoted              request D3cold
 *	      +------------------------------> D3hot ----------------------+
 *	      |                                  |                         |
 *	      |              PMCSR D3hot, may be |                         |
 *	      |               promoted by now    v                         v
 *	D0 ---+------------------------------> D3hot P --------------> D3cold P
 *	^ ^   |  PMCSR D3hot, promoted           | |  request D3cold     ^ |
 *	| |   +----------------------------------|-|---------------------+ |
 *	| |              request D3cold          | |                       |
 *	| +--------------------------------------+ | mmio=wake: D3hot, no P|
 *	|      PMCSR D0, from any D3hot            +------> D3hot          |
 *	+------------------------------------------------------------------+
 *	       request D0; PMCSR D0; mmio=wake
 *
 *	RESET, hot reset, FLR, close: to D0 from anywhere, P ends
 *	PMCSR D1, D2: as the device does it, from D0; ignored from D3hot and D3cold
 *	other configuration writes: ignored in D3cold
 *	a wake that fails: nothing changes, -EIO
 *
 * U comes and goes in all of these states, and changes none of them.
 *
 * Which D3hot is promoted says rtd3/promote; D3cold, which the guest asks for by
 * the virtual _PR3 (pr3.c), always is. A D3hot that is not promoted leaves the
 * device awake for the host, and with power.
 */

#include <linux/pm_runtime.h>

#include "device.h"

unsigned int rtd3_default_promote = RTD3_PROMOTE_SAFE;

static void rtd3_guest_set_state(struct rtd3_device *rdev,
				 enum rtd3_guest_state state)
{
	lockdep_assert_held(&rdev->config.lock);

	WRITE_ONCE(rdev->config.state, state);
}

static void rtd3_guest_promote(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;

	lockdep_assert_held(&config->lock);

	if (config->promoted || rtd3_lowpower_hold(rdev, RTD3_HELD_GUEST))
		return;
	config->promoted = true;
	config->promotions++;
}

static void rtd3_guest_demote(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;

	lockdep_assert_held(&config->lock);

	if (config->promoted)
		rtd3_lowpower_release(rdev, RTD3_HELD_GUEST);
	config->promoted = false;
}

/**
 * rtd3_guest_reset - the device is in D0, whoever has brought it there
 * @rdev: device, open, held awake
 *
 * Context: rtd3_config.lock held.
 */
void rtd3_guest_reset(struct rtd3_device *rdev)
{
	lockdep_assert_held(&rdev->config.lock);

	rtd3_guest_demote(rdev);
	rdev->config.pr3.off = false;
	rtd3_guest_set_state(rdev, RTD3_GUEST_D0);
}

static bool rtd3_guest_may_promote(struct rtd3_device *rdev)
{
	switch (READ_ONCE(rdev->config.promote)) {
	case RTD3_PROMOTE_ALWAYS:
		return true;
	case RTD3_PROMOTE_SAFE:
		/* No_Soft_Reset is clear; the core has read it at probe. */
		return rdev->core.needs_pm_restore;
	default:
		return false;
	}
}

/*
 * The core puts the device into D3hot, and takes the mappings away. It may be
 * promoted if it got there: not every device of which PMCSR says so can.
 */
static int rtd3_guest_to_d3hot(struct rtd3_device *rdev,
			       struct rtd3_config_write *wr)
{
	bool promote = rtd3_guest_may_promote(rdev);
	struct pci_dev *pdev = rdev->core.pdev;
	struct rtd3_waker waker;
	int ret;

	ret = rtd3_pm_access_begin(rdev, &waker, RTD3_WAKE_CONFIG);
	if (ret)
		return ret;
	if (promote)
		rtd3_view_take(rdev);
	ret = rtd3_config_forward(rdev, wr);
	if (!ret && pdev->current_state == PCI_D3hot) {
		if (promote)
			rtd3_guest_promote(rdev);
		rtd3_guest_set_state(rdev, RTD3_GUEST_D3HOT);
	}
	rtd3_pm_access_drop(rdev, &waker);

	return ret;
}

/* Out of the D3hot that the guest has put the device in, if it is still there. */
static int rtd3_guest_leave_d3hot(struct rtd3_device *rdev)
{
	struct vfio_pci_core_device *core = &rdev->core;
	struct pci_dev *pdev = core->pdev;
	int ret;

	down_write(&core->memory_lock);
	ret = pci_set_power_state(pdev, PCI_D0);
	if (!ret && core->needs_pm_restore && core->pm_save) {
		pci_load_and_free_saved_state(pdev, &core->pm_save);
		pci_restore_state(pdev);
	}
	up_write(&core->memory_lock);

	return ret ? ret : rtd3_health_check(rdev);
}

/* How long it has been without power since it was bound. */
static u64 rtd3_guest_cold_ns(struct rtd3_device *rdev)
{
	struct rtd3_pm_stats stats;

	rtd3_pm_get_stats(rdev, &stats);

	return stats.time_ns[RTD3_POWER_D3COLD];
}

/*
 * The guest turns on what it has turned off. If the host had no occasion to cut
 * the power, a reset has to do what that would have done to the device.
 */
static int rtd3_guest_turn_on(struct rtd3_device *rdev)
{
	struct vfio_pci_core_device *core = &rdev->core;
	int ret;

	ret = rtd3_guest_leave_d3hot(rdev);
	if (ret || !core->reset_works ||
	    rtd3_guest_cold_ns(rdev) != rdev->config.pr3.cold_ns)
		return ret;

	down_write(&core->memory_lock);
	pci_try_reset_function(core->pdev);
	up_write(&core->memory_lock);

	return rtd3_health_check(rdev);
}

/*
 * To D0, from any state. @wr: the core is told, too; NULL: the request was made
 * by other means than PMCSR.
 */
static int rtd3_guest_to_d0(struct rtd3_device *rdev,
			    struct rtd3_config_write *wr, bool lost)
{
	struct rtd3_waker waker;
	int ret;

	lockdep_assert_held(&rdev->config.lock);

	ret = rtd3_pm_access_begin(rdev, &waker, RTD3_WAKE_CONFIG);
	if (ret)
		return ret;
	ret = wr ? rtd3_config_forward(rdev, wr) : rtd3_guest_turn_on(rdev);
	if (!ret) {
		if (lost)
			rtd3_view_reset(rdev);
		rtd3_guest_reset(rdev);
	}
	rtd3_pm_access_end(rdev, &waker);

	return ret;
}

/* The device may do D1 and D2, or not; the core finds out. */
static int rtd3_guest_to_other(struct rtd3_device *rdev,
			       struct rtd3_config_write *wr)
{
	struct rtd3_waker waker;
	int ret, state;

	ret = rtd3_pm_access_begin(rdev, &waker, RTD3_WAKE_CONFIG);
	if (ret)
		return ret;
	ret = rtd3_config_forward(rdev, wr);
	state = (__force int)rdev->core.pdev->current_state;
	if (!ret && state < RTD3_GUEST_D3HOT)
		rtd3_guest_set_state(rdev, state);
	rtd3_pm_access_end(rdev, &waker);

	return ret;
}

/**
 * rtd3_guest_power_off - the guest turns the power off
 * @rdev: device, open
 *
 * Context: rtd3_config.lock held.
 * Return: 0; -EIO, -EINTR.
 */
int rtd3_guest_power_off(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;
	struct rtd3_waker waker;
	int ret = 0;

	lockdep_assert_held(&config->lock);

	if (config->state == RTD3_GUEST_D3COLD)
		return 0;
	if (!config->promoted) {
		ret = rtd3_pm_access_begin(rdev, &waker, RTD3_WAKE_CONFIG);
		if (ret)
			return ret;
		rtd3_view_take(rdev);
		rtd3_guest_promote(rdev);
		/* The power may go later, or not at all: its DMA ends now. */
		if (config->promoted)
			pci_clear_master(rdev->core.pdev);
		rtd3_pm_access_drop(rdev, &waker);
	}
	if (!config->promoted)
		return -EIO;
	config->pr3.cold_ns = rtd3_guest_cold_ns(rdev);
	WRITE_ONCE(config->pr3.off, true);
	rtd3_guest_set_state(rdev, RTD3_GUEST_D3COLD);

	return 0;
}

/**
 * rtd3_guest_power_on - the guest turns the power on
 * @rdev: device, open
 *
 * Context: rtd3_config.lock held.
 * Return: 0: the device is in D0, has been verified, and has lost its context;
 * -EIO, -EINTR: nothing has changed.
 */
int rtd3_guest_power_on(struct rtd3_device *rdev)
{
	lockdep_assert_held(&rdev->config.lock);

	if (rdev->config.state != RTD3_GUEST_D3COLD)
		return 0;

	return rtd3_guest_to_d0(rdev, NULL, true);
}

/**
 * rtd3_guest_write_pmcsr - the guest writes to PMCSR
 * @rdev: device, open
 * @wr: the write; it covers the byte with the power state
 *
 * Context: rtd3_config.lock held; sleeps over a wake of the device.
 * Return: 0; -EIO, -EINTR, -EFAULT: nothing has changed.
 */
int rtd3_guest_write_pmcsr(struct rtd3_device *rdev,
			   struct rtd3_config_write *wr)
{
	struct rtd3_config *config = &rdev->config;
	unsigned int index = rdev->core.pdev->pm_cap + PCI_PM_CTRL - wr->pos;
	enum rtd3_guest_state state = wr->data[index] & PCI_PM_CTRL_STATE_MASK;

	lockdep_assert_held(&config->lock);

	/* Only a D0 is heard by who is off: VMMs write it before they reset. */
	if (config->state == RTD3_GUEST_D3COLD)
		return state == RTD3_GUEST_D0 ? rtd3_guest_power_on(rdev) : 0;
	if (state == RTD3_GUEST_D3HOT)
		return config->promoted ? 0 : rtd3_guest_to_d3hot(rdev, wr);
	if (config->state == RTD3_GUEST_D3HOT)
		return state == RTD3_GUEST_D0 ?
		       rtd3_guest_to_d0(rdev, wr, rdev->core.needs_pm_restore) :
		       0;

	return rtd3_guest_to_other(rdev, wr);
}

/**
 * rtd3_guest_was_reset - the device has been reset through the user's fd
 * @rdev: device, held awake; it need not be open
 *
 * Context: process; takes rtd3_config.lock.
 */
void rtd3_guest_was_reset(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->config.lock);
	if (rdev->config.state != RTD3_GUEST_D0)
		rtd3_guest_reset(rdev);
	mutex_unlock(&rdev->config.lock);
}

/**
 * rtd3_guest_wake - somebody needs a BAR of a device that the guest lets sleep
 * @rdev: device, open; held awake
 *
 * In PMCSR it stays in D3hot until the guest leaves that; what was turned off is
 * turned on.
 *
 * Context: process; takes rtd3_config.lock, unless a fatal signal comes.
 * Return: 0; -EINTR, -EIO; -EDEADLK: the caller has the lock.
 */
int rtd3_guest_wake(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;
	int ret;

	if (READ_ONCE(config->owner) == current)
		return -EDEADLK;
	if (mutex_lock_killable(&config->lock))
		return -EINTR;
	if (config->state == RTD3_GUEST_D3COLD)
		ret = rtd3_guest_power_on(rdev);
	else
		ret = rtd3_guest_leave_d3hot(rdev);
	if (!ret)
		rtd3_guest_demote(rdev);
	mutex_unlock(&config->lock);

	return ret;
}

/**
 * rtd3_guest_asleep - has the guest put the device where no BAR answers?
 * @rdev: device, open
 *
 * Context: any.
 */
bool rtd3_guest_asleep(struct rtd3_device *rdev)
{
	return READ_ONCE(rdev->config.state) >= RTD3_GUEST_D3HOT;
}
