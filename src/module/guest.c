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
 * device awake for the host, and with power. P is RTD3_OWNER_GUEST, and nothing else.
 */

#include <linux/delay.h>
#include <linux/pm_runtime.h>

#include "core.h"
#include "device.h"
#include "piece.h"

unsigned int rtd3_default_promote = RTD3_PROMOTE_SAFE;

static bool rtd3_guest_promoted(struct rtd3_device *rdev)
{
	return rtd3_lowpower_owned(rdev, RTD3_OWNER_GUEST);
}

static void rtd3_guest_set_state(struct rtd3_device *rdev,
				 enum rtd3_guest_state state)
{
	lockdep_assert_held(&rdev->config.lock);

	WRITE_ONCE(rdev->config.state, state);
}

/* How long it has been without power since it was bound. */
static u64 rtd3_guest_cold_ns(struct rtd3_device *rdev)
{
	struct rtd3_pm_stats stats;

	rtd3_pm_get_stats(rdev, &stats);

	return stats.time_ns[RTD3_POWER_D3COLD];
}

/* Has it been without power since low power was entered for the guest? */
static bool rtd3_guest_was_cold(struct rtd3_device *rdev)
{
	return rtd3_guest_cold_ns(rdev) > rdev->config.cold_ns;
}

static int rtd3_guest_promote(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;
	int ret;

	lockdep_assert_held(&config->lock);

	if (rtd3_guest_promoted(rdev))
		return 0;
	config->cold_ns = rtd3_guest_cold_ns(rdev);
	ret = rtd3_lowpower_get(rdev, RTD3_OWNER_GUEST);
	config->promotions += !ret;

	return ret;
}

static void rtd3_guest_demote(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;

	lockdep_assert_held(&config->lock);

	if (!rtd3_guest_promoted(rdev))
		return;
	config->lost |= rtd3_guest_was_cold(rdev);
	rtd3_lowpower_put(rdev, RTD3_OWNER_GUEST);
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
			       struct rtd3_piece *wr)
{
	bool promote = rtd3_guest_may_promote(rdev);
	int ret;

	if (promote)
		rtd3_shadow_take(rdev);
	ret = rtd3_piece_forward(rdev, wr);
	if (ret || rdev->core.pdev->current_state != PCI_D3hot)
		return ret;
	rdev->config.lost = false;
	if (promote)
		rtd3_guest_promote(rdev);
	rtd3_guest_set_state(rdev, RTD3_GUEST_D3HOT);

	return 0;
}

/* The PCI core calls a D0 that was not reached a success: look. */
static int rtd3_guest_check_d0(struct rtd3_device *rdev)
{
	if (rdev->core.pdev->current_state != PCI_D0)
		return -EIO;

	return rtd3_health_check(rdev);
}

/* Out of the D3hot that the guest has put the device in, if it is still there. */
static int rtd3_guest_leave_d3hot(struct rtd3_device *rdev)
{
	struct vfio_pci_core_device *core = &rdev->core;
	struct pci_dev *pdev = core->pdev;
	int ret;

	down_write(&core->memory_lock);
	ret = pci_set_power_state(pdev, PCI_D0);
	if (!ret)
		rtd3_core_restore_d3hot(core);
	up_write(&core->memory_lock);

	return ret ? -EIO : rtd3_guest_check_d0(rdev);
}

/*
 * The guest turns on what it has turned off, and gets it in its reset state. If the
 * host had no occasion to cut the power, a reset has to do what that would have done.
 */
static int rtd3_guest_turn_on(struct rtd3_device *rdev)
{
	struct vfio_pci_core_device *core = &rdev->core;
	int ret;

	ret = rtd3_guest_leave_d3hot(rdev);
	if (ret || rtd3_guest_was_cold(rdev))
		return ret;
	if (!rtd3_core_can_reset(core))
		return -EIO;

	msleep(rtd3_resume_reset_in_ms(rdev));
	down_write(&core->memory_lock);
	ret = pci_try_reset_function(core->pdev);
	up_write(&core->memory_lock);

	return ret ? -EIO : rtd3_health_check(rdev);
}

/* What the guest gets back is in D0; @lost: and has lost its context. */
static int rtd3_guest_to_d0(struct rtd3_device *rdev, int ret, bool lost)
{
	lockdep_assert_held(&rdev->config.lock);

	if (!ret)
		ret = rtd3_guest_check_d0(rdev);
	if (ret)
		return ret;
	if (lost)
		rtd3_shadow_reset(rdev);
	rtd3_guest_reset(rdev);

	return 0;
}

/* The device may do D1 and D2, or not; the core finds out. */
static int rtd3_guest_to_other(struct rtd3_device *rdev,
			       struct rtd3_piece *wr)
{
	int ret, state;

	ret = rtd3_piece_forward(rdev, wr);
	state = (__force int)rdev->core.pdev->current_state;
	if (!ret && state < RTD3_GUEST_D3HOT)
		rtd3_guest_set_state(rdev, state);

	return ret;
}

/**
 * rtd3_guest_power_off - the guest turns the power off
 * @rdev: device, open; held awake, unless low power is held for the guest already
 *
 * Context: rtd3_config.lock held.
 * Return: 0 or -EIO.
 */
int rtd3_guest_power_off(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;

	lockdep_assert_held(&config->lock);

	if (config->state == RTD3_GUEST_D3COLD)
		return 0;
	if (!rtd3_guest_promoted(rdev)) {
		rtd3_shadow_take(rdev);
		if (rtd3_guest_promote(rdev))
			return -EIO;
		/* The power may go later, or not at all: its DMA ends now. */
		pci_clear_master(rdev->core.pdev);
	}
	/* What it has lost before does not count as what it is turned off for. */
	config->cold_ns = rtd3_guest_cold_ns(rdev);
	rtd3_guest_set_state(rdev, RTD3_GUEST_D3COLD);

	return 0;
}

/**
 * rtd3_guest_power_on - the guest turns the power on
 * @rdev: device, open; held awake if it was off
 *
 * Context: rtd3_config.lock held.
 * Return: 0: the device is in D0, has been verified, and has lost its context;
 * -EIO: nothing has changed: it does not work, or cannot be reset although its
 * power was not cut.
 */
int rtd3_guest_power_on(struct rtd3_device *rdev)
{
	lockdep_assert_held(&rdev->config.lock);

	if (rdev->config.state != RTD3_GUEST_D3COLD)
		return 0;

	return rtd3_guest_to_d0(rdev, rtd3_guest_turn_on(rdev), true);
}

static enum rtd3_guest_state rtd3_guest_asked(struct rtd3_device *rdev,
					      const struct rtd3_piece *wr)
{
	unsigned int index = rdev->core.pdev->pm_cap + PCI_PM_CTRL - wr->pos;

	return wr->data[index] & PCI_PM_CTRL_STATE_MASK;
}

/**
 * rtd3_guest_needs_device - does a write to PMCSR, as things are, reach the device?
 * @rdev: device, open
 * @wr: the write; it covers the byte with the power state
 *
 * Context: rtd3_config.lock held.
 */
bool rtd3_guest_needs_device(struct rtd3_device *rdev,
			     const struct rtd3_piece *wr)
{
	enum rtd3_guest_state asked = rtd3_guest_asked(rdev, wr);

	lockdep_assert_held(&rdev->config.lock);

	switch (rdev->config.state) {
	case RTD3_GUEST_D3COLD:
		/* Only a D0 is heard: VMMs write it before they reset. */
		return asked == RTD3_GUEST_D0;
	case RTD3_GUEST_D3HOT:
		return asked == RTD3_GUEST_D0 ||
		       (asked == RTD3_GUEST_D3HOT && !rtd3_guest_promoted(rdev));
	default:
		return true;
	}
}

/**
 * rtd3_guest_write_pmcsr - the guest writes to PMCSR
 * @rdev: device, open; held awake if rtd3_guest_needs_device()
 * @wr: the write; it covers the byte with the power state
 *
 * Context: rtd3_config.lock held, page faults disabled.
 * Return: 0; -EIO, -EFAULT: nothing has changed.
 */
int rtd3_guest_write_pmcsr(struct rtd3_device *rdev,
			   struct rtd3_piece *wr)
{
	enum rtd3_guest_state asked = rtd3_guest_asked(rdev, wr);
	bool lost;

	if (!rtd3_guest_needs_device(rdev, wr))
		return 0;
	if (rdev->config.state == RTD3_GUEST_D3COLD)
		return rtd3_guest_power_on(rdev);
	if (asked == RTD3_GUEST_D3HOT)
		return rtd3_guest_to_d3hot(rdev, wr);
	if (rdev->config.state != RTD3_GUEST_D3HOT)
		return rtd3_guest_to_other(rdev, wr);

	lost = rdev->core.needs_pm_restore || rdev->config.lost ||
	       (rtd3_guest_promoted(rdev) && rtd3_guest_was_cold(rdev));

	return rtd3_guest_to_d0(rdev, rtd3_piece_forward(rdev, wr), lost);
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
 * Return: 0; -EINTR, -EIO.
 */
int rtd3_guest_wake(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;
	int ret;

	if (mutex_lock_killable(&config->lock))
		return -EINTR;
	if (config->state == RTD3_GUEST_D3COLD)
		ret = rtd3_guest_power_on(rdev);
	else
		ret = rtd3_guest_leave_d3hot(rdev);
	if (!ret) {
		rtd3_guest_demote(rdev);
		rtd3_lowpower_refresh(rdev);
	}
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
