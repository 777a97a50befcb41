// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a function may be asked for the first time, and not earlier; PCI Express 6.0:
 *
 *	after power-on (6.6.1)
 *		100 ms after that, or below a port that is faster than 5 GT/s, after
 *		its link has come up. Firmware may know better (_DSM 8 and 9), which
 *		the PCI core has asked.
 *	from D3hot to D0 (5.9)
 *		10 ms; quirks know of those that need more.
 *
 * Less only for a reason of the function's own:
 *
 *	Immediate Readiness in Status (7.5.1.1.4)
 *		after any reset, at once: as soon as there is a link.
 *	Immediate_Readiness_on_Return_to_D0 (7.5.2.1)
 *		from D3hot, at once.
 *	Readiness Time Reporting (7.9.16)
 *		DL_Up Time after the port above has reported the link as active, and
 *		D3hot to D0 Time. Where Valid is clear there are none.
 *	Device Readiness Status (6.22.1)
 *		once the port has had the device's message. It speaks for all functions
 *		but virtual ones, and devices may send it that do not say so before.
 *		The port keeps it until the link goes down (7.5.3.20); to be sure it is
 *		cleared before the device sleeps.
 *
 * All of these but D3hot's count from the link on, so they are good for nothing below a
 * port that does not report it. Who looks at a function after a wake looks at its
 * siblings, too: so the slowest decides, and one of another driver, of which we know
 * nothing, has the time of the specification.
 *
 * Functions say it while they are awake, and are believed until one of the power set is
 * not ready when it was to be.
 */

#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/spinlock.h>

#include "core.h"
#include "device.h"
#include "ready.h"

/* Names that not every kernel has. */
#define RTD3_EXT_CAP_RTR	0x22
#define RTD3_RTR_1		0x04
#define RTD3_RTR_1_DL_UP	GENMASK(23, 12)
#define RTD3_RTR_1_VALID	BIT(31)
#define RTD3_RTR_2		0x08
#define RTD3_RTR_2_D3HOT_D0	GENMASK(23, 12)
#define RTD3_RTR_VALUE		GENMASK(8, 0)
#define RTD3_RTR_SCALE		GENMASK(11, 9)
#define RTD3_RTR_SCALE_MAX	5
#define RTD3_PMC_READY		BIT(4)
#define RTD3_LNKCAP2_DRS	BIT(31)
#define RTD3_LNKSTA2_DRS	BIT(15)

/* The PCI core's, PCI_PM_D3HOT_WAIT: more is a quirk's. */
#define RTD3_D3HOT_MS		10
#define RTD3_POLL_US		1000
#define RTD3_SLACK_US		200
/* A link that nobody reports has come up by then: PCI Express 6.0, 6.6.1. */
#define RTD3_BLIND_MS		1000

/* Protects rtd3_ready.functions and .card_us of all devices. Innermost. */
static DEFINE_SPINLOCK(rtd3_ready_lock);

/**
 * rtd3_ready_sleep_until - not a tick longer
 * @when: until then
 *
 * Context: process.
 */
void rtd3_ready_sleep_until(ktime_t when)
{
	s64 us = ktime_us_delta(when, ktime_get()) + 1;

	if (us > 0)
		usleep_range(us, us + RTD3_SLACK_US);
}

/* 7.9.16: so many times 32 to the power of the scale, in ns; rounded up. */
static u32 rtd3_ready_decode(u32 field)
{
	u32 scale = FIELD_GET(RTD3_RTR_SCALE, field);
	u64 ns = (u64)FIELD_GET(RTD3_RTR_VALUE, field) << 5 * scale;

	return scale > RTD3_RTR_SCALE_MAX ? RTD3_READY_UNKNOWN :
					    DIV_ROUND_UP_ULL(ns, NSEC_PER_USEC);
}

static void rtd3_ready_read_times(struct pci_dev *pdev, struct rtd3_ready *ready)
{
	u16 cap = pci_find_ext_capability(pdev, RTD3_EXT_CAP_RTR);
	u32 one, two;

	if (!cap)
		return;
	pci_read_config_dword(pdev, cap + RTD3_RTR_1, &one);
	pci_read_config_dword(pdev, cap + RTD3_RTR_2, &two);
	if (PCI_POSSIBLE_ERROR(one) || PCI_POSSIBLE_ERROR(two) || !(one & RTD3_RTR_1_VALID))
		return;
	ready->link_us = rtd3_ready_decode(FIELD_GET(RTD3_RTR_1_DL_UP, one));
	ready->d0_us = rtd3_ready_decode(FIELD_GET(RTD3_RTR_2_D3HOT_D0, two));
}

static bool rtd3_ready_port_hears(struct pci_dev *port)
{
	u32 cap;

	return port && pci_is_pcie(port) &&
	       !pcie_capability_read_dword(port, PCI_EXP_LNKCAP2, &cap) &&
	       cap & RTD3_LNKCAP2_DRS;
}

/**
 * rtd3_ready_read - what a function says about its readiness
 * @pdev: function that answers, awake
 * @ready: filled, but for what its siblings say
 *
 * Context: probe, device_lock held.
 */
void rtd3_ready_read(struct pci_dev *pdev, struct rtd3_ready *ready)
{
	u16 status, pmc = 0;

	ready->link_us = RTD3_READY_UNKNOWN;
	ready->d0_us = RTD3_READY_UNKNOWN;
	ready->card_us = RTD3_READY_UNKNOWN;
	if (pdev->is_virtfn)
		return;
	rtd3_ready_read_times(pdev, ready);
	pci_read_config_word(pdev, PCI_STATUS, &status);
	if (!PCI_POSSIBLE_ERROR(status) && status & PCI_STATUS_IMM_READY)
		ready->link_us = 0;
	if (pdev->pm_cap)
		pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_PMC, &pmc);
	/* The bit was another one's before version 3. */
	if (!PCI_POSSIBLE_ERROR(pmc) && pci_is_pcie(pdev) &&
	    (pmc & PCI_PM_CAP_VER_MASK) >= 3 && pmc & RTD3_PMC_READY)
		ready->d0_us = 0;
	ready->message = rtd3_ready_port_hears(pci_upstream_bridge(pdev));
}

static bool rtd3_ready_is_sibling(struct pci_dev *one, struct pci_dev *other)
{
	return one->bus == other->bus && PCI_SLOT(one->devfn) == PCI_SLOT(other->devfn) &&
	       !other->is_virtfn;
}

/**
 * rtd3_ready_share - the functions of a card share what they say
 * @set: whose members have changed
 *
 * Context: rtd3_powerset.lock held.
 */
void rtd3_ready_share(struct rtd3_powerset *set)
{
	struct rtd3_device *rdev, *other;

	lockdep_assert_held(&set->lock);

	spin_lock(&rtd3_ready_lock);
	list_for_each_entry(rdev, &set->members, member.node) {
		rdev->ready.functions = 0;
		rdev->ready.card_us = 0;
		list_for_each_entry(other, &set->members, member.node) {
			if (!rtd3_ready_is_sibling(rdev->core.pdev, other->core.pdev))
				continue;
			rdev->ready.functions |= BIT(PCI_FUNC(other->core.pdev->devfn));
			rdev->ready.card_us = max(rdev->ready.card_us,
						  other->ready.link_us);
		}
	}
	spin_unlock(&rtd3_ready_lock);
}

/**
 * rtd3_ready_promised_us - how soon after its link has a device said to be ready?
 * @rdev: device
 * @functions: of the same card, those that have been seen, a bit each
 *
 * Context: any.
 * Return: microseconds, or RTD3_READY_UNKNOWN.
 */
u32 rtd3_ready_promised_us(struct rtd3_device *rdev, u8 functions)
{
	u32 us;

	if (rdev->core.pdev->is_virtfn || READ_ONCE(rdev->member.set->lied))
		return RTD3_READY_UNKNOWN;

	spin_lock(&rtd3_ready_lock);
	us = functions & ~rdev->ready.functions ? RTD3_READY_UNKNOWN :
						  rdev->ready.card_us;
	spin_unlock(&rtd3_ready_lock);

	return us;
}

/**
 * rtd3_ready_d0_us - how long may a device take from D3hot to D0?
 * @rdev: device
 *
 * Context: any.
 */
unsigned int rtd3_ready_d0_us(struct rtd3_device *rdev)
{
	unsigned int ms = rdev->core.pdev->d3hot_delay;

	if (ms > RTD3_D3HOT_MS || READ_ONCE(rdev->member.set->lied))
		return ms * USEC_PER_MSEC;

	return min_t(u32, ms * USEC_PER_MSEC, rdev->ready.d0_us);
}

/**
 * rtd3_ready_messages - is the message of a device worth waiting for?
 * @rdev: device
 *
 * Context: any.
 */
bool rtd3_ready_messages(struct rtd3_device *rdev)
{
	return rdev->ready.message && !rdev->core.pdev->is_virtfn &&
	       !READ_ONCE(rdev->member.set->lied);
}

/**
 * rtd3_ready_forget_message - the message from the last time is none for the next
 * @rdev: device that is about to sleep; its port is in D0
 *
 * Context: runtime suspend callback.
 */
void rtd3_ready_forget_message(struct rtd3_device *rdev)
{
	/* The other bits that a write clears are left alone. */
	if (rdev->ready.message)
		pcie_capability_write_word(pci_upstream_bridge(rdev->core.pdev),
					   PCI_EXP_LNKSTA2, RTD3_LNKSTA2_DRS);
}

/**
 * rtd3_ready_distrust - it was not ready when it was to be
 * @rdev: device
 *
 * It, and whoever loses power with it, has the time of the specification from now on.
 *
 * Context: any.
 */
void rtd3_ready_distrust(struct rtd3_device *rdev)
{
	struct rtd3_powerset *set = rdev->member.set;

	if (READ_ONCE(set->lied))
		return;
	WRITE_ONCE(set->lied, true);
	pci_warn(rdev->core.pdev,
		 "is not ready as soon as it says; given the specification's time from now on\n");
}

static bool rtd3_ready_link_up(struct pci_dev *port)
{
	u16 status;

	return !pcie_capability_read_word(port, PCI_EXP_LNKSTA, &status) &&
	       !PCI_POSSIBLE_ERROR(status) && status & PCI_EXP_LNKSTA_DLLLA;
}

static bool rtd3_ready_heard(struct pci_dev *port)
{
	u16 status;

	return !pcie_capability_read_word(port, PCI_EXP_LNKSTA2, &status) &&
	       !PCI_POSSIBLE_ERROR(status) && status & RTD3_LNKSTA2_DRS;
}

/**
 * rtd3_ready_await - after power-on: until a function may be asked for the first time
 * @wait: for what
 *
 * Looks at the port alone.
 *
 * Context: process, sleeps.
 * Return: why it may be asked now, or RTD3_READY_NEVER.
 */
enum rtd3_ready_rule rtd3_ready_await(struct rtd3_ready_wait *wait)
{
	struct pci_dev *port = wait->port;
	bool fast = pci_is_pcie(port) && pcie_get_speed_cap(port) > PCIE_SPEED_5_0GT;
	bool reports = pci_is_pcie(port) && rtd3_core_link_reports(port);
	bool looks = reports && (fast || wait->message ||
				 wait->promised_us != RTD3_READY_UNKNOWN);
	ktime_t end = ktime_add_ms(wait->since, wait->link_ms);
	ktime_t now, next, soon = KTIME_MAX;
	bool up = false;

	wait->by = ktime_add_ms(wait->since, wait->delay_ms);
	if (fast)
		wait->by = reports ? KTIME_MAX : ktime_add_ms(wait->by, RTD3_BLIND_MS);

	for (;;) {
		if (looks && !up && rtd3_ready_link_up(port)) {
			up = true;
			now = ktime_get();
			if (fast)
				wait->by = ktime_add_ms(now, wait->delay_ms);
			if (wait->promised_us != RTD3_READY_UNKNOWN)
				soon = ktime_add_us(now, wait->promised_us);
		}
		now = ktime_get();
		if (!ktime_before(now, wait->by))
			return RTD3_READY_BY_TIME;
		if (!ktime_before(now, soon))
			return wait->promised_us ? RTD3_READY_BY_REPORT :
						   RTD3_READY_AT_ONCE;
		if (up && wait->message && rtd3_ready_heard(port))
			return RTD3_READY_BY_MESSAGE;
		if (fast && reports && !up && ktime_after(now, end))
			return RTD3_READY_NEVER;

		next = min(wait->by, soon);
		if (looks && (!up || wait->message))
			next = min(next, ktime_add_us(now, RTD3_POLL_US));
		rtd3_ready_sleep_until(next);
	}
}
