// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checks of a wake. They cost some 30 configuration reads, microseconds in a
 * wake of a tenth of a second.
 */

#include <linux/delay.h>
#include <linux/ktime.h>

#include "core.h"
#include "device.h"
#include "trace.h"
#include "verify.h"

/* What the root port makes of a device that asks for a retry: PCI Express 6.0, 2.3.2. */
#define RTD3_ID_RETRY		0x0001

#define RTD3_SIBLING_TRIES	5
#define RTD3_SIBLING_MS		20
#define RTD3_POLL_US		1000
#define RTD3_POLL_MAX_US	50000
#define RTD3_WAITING_MS		1000	/* say so when it takes longer */

ktime_t rtd3_freeze_by;

/**
 * rtd3_verify_read_id - vendor and device id, from the device
 * @pdev: PCI device
 *
 * Past the PCI core's mark for disconnected devices, which may be our own.
 */
u32 rtd3_verify_read_id(struct pci_dev *pdev)
{
	u32 id;

	if (pci_bus_read_config_dword(pdev->bus, pdev->devfn, PCI_VENDOR_ID,
				      &id))
		return ~0U;

	return id;
}

/**
 * rtd3_verify_is_answer - is that the id of a device, or what a port says?
 * @id: from rtd3_verify_read_id()
 */
bool rtd3_verify_is_answer(u32 id)
{
	switch (id & 0xffff) {
	case 0:
	case 0xffff:
	case RTD3_ID_RETRY:
		return false;
	default:
		return true;
	}
}

/**
 * rtd3_verify_answers - does a device answer now?
 * @pdev: PCI device; all above it is in D0
 *
 * One configuration read. A virtual function has no id to read; it is there as long
 * as its physical function is.
 *
 * Context: any.
 */
bool rtd3_verify_answers(struct pci_dev *pdev)
{
	return rtd3_verify_is_answer(rtd3_verify_read_id(pci_physfn(pdev)));
}

/**
 * rtd3_verify_asks_retry - is a device alive, but not ready yet?
 * @pdev: PCI device; all above it is in D0
 *
 * Not where the root port cannot tell (Configuration RRS Software Visibility): it is
 * silent then.
 *
 * Context: any.
 */
bool rtd3_verify_asks_retry(struct pci_dev *pdev)
{
	return (rtd3_verify_read_id(pci_physfn(pdev)) & 0xffff) == RTD3_ID_RETRY;
}

/**
 * rtd3_verify_slot_empty - is the device gone from its slot, and not just silent?
 * @pdev: PCI device
 *
 * Only a hot-plug slot can tell.
 */
bool rtd3_verify_slot_empty(struct pci_dev *pdev)
{
	struct pci_dev *port = pci_upstream_bridge(pdev);
	u16 status;

	while (port && !port->is_hotplug_bridge)
		port = pci_upstream_bridge(port);
	if (!port || !pci_is_pcie(port) ||
	    pcie_capability_read_word(port, PCI_EXP_SLTSTA, &status))
		return false;

	return !(status & PCI_EXP_SLTSTA_PDS);
}

/* A wait this long is somebody's time: tell. */
static void rtd3_verify_tell(struct pci_dev *pdev, ktime_t start, bool *told,
			     unsigned int timeout_ms)
{
	s64 ms = ktime_ms_delta(ktime_get(), start);

	if (*told || ms < RTD3_WAITING_MS)
		return;
	*told = true;
	pci_info(pdev, "no answer after %lld ms; waiting up to %u ms\n", ms,
		 timeout_ms);
}

/* No longer than an eighth of what it has taken so far. */
static void rtd3_verify_pause(ktime_t start)
{
	s64 us = ktime_us_delta(ktime_get(), start) / 8;

	us = clamp_t(s64, us, RTD3_POLL_US, RTD3_POLL_MAX_US);
	usleep_range(us, us + us / 4);
}

/**
 * rtd3_verify_poll - wait until a device answers
 * @pdev: PCI device; all above it is in D0
 * @timeout_ms: no longer than this
 *
 * Context: process, sleeps.
 * Return: does it answer?
 */
bool rtd3_verify_poll(struct pci_dev *pdev, unsigned int timeout_ms)
{
	ktime_t start = ktime_get();
	ktime_t end = ktime_add_ms(start, timeout_ms);
	bool told = false;
	bool answers;

	while (!(answers = rtd3_verify_answers(pdev))) {
		ktime_t by = READ_ONCE(rtd3_freeze_by);

		if (ktime_after(ktime_get(), by ? min(by, end) : end))
			break;
		rtd3_verify_tell(pdev, start, &told, timeout_ms);
		rtd3_verify_pause(start);
	}
	trace_rtd3_ready(pdev, answers,
			 ktime_to_ns(ktime_sub(ktime_get(), start)));

	return answers;
}

/**
 * rtd3_verify_await - rtd3_verify_poll(), with what is wrong if it does not answer
 * @pdev: PCI device; all above it is in D0
 * @timeout_ms: no longer than this
 *
 * Context: process, sleeps.
 * Return: RTD3_REASON_NONE, RTD3_REASON_NOT_READY or RTD3_REASON_ABSENT.
 */
enum rtd3_reason rtd3_verify_await(struct pci_dev *pdev, unsigned int timeout_ms)
{
	if (rtd3_verify_poll(pdev, timeout_ms))
		return RTD3_REASON_NONE;

	return rtd3_verify_asks_retry(pdev) ? RTD3_REASON_NOT_READY :
					      RTD3_REASON_ABSENT;
}

/**
 * rtd3_verify_in_d3 - is that the state that a device's PMCSR says?
 * @pdev: PCI device that answers, and has a PM capability
 *
 * PCI Express 6.0, 5.3.1.4: who has been without power is in D0.
 *
 * Context: any.
 */
bool rtd3_verify_in_d3(struct pci_dev *pdev)
{
	u16 pmcsr;

	pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &pmcsr);

	return !PCI_POSSIBLE_ERROR(pmcsr) &&
	       (pmcsr & PCI_PM_CTRL_STATE_MASK) == (__force u16)PCI_D3hot;
}

/**
 * rtd3_verify_to_d0 - let a device leave the state that its PMCSR says
 * @pdev: PCI device that answers; a virtual function has no say
 * @delay_us: how long nobody may ask it then
 * @timeout_ms: how long it may be silent after that
 * @late: set if it is
 *
 * By ourselves: where the context is lost on the way, the PCI core would wait for the
 * device for up to 60 s. Its own pci_power_up() then finds D0, as pci_dev.current_state
 * says.
 *
 * Context: process, sleeps.
 * Return: RTD3_REASON_NONE, RTD3_REASON_ABSENT, RTD3_REASON_NOT_READY or
 * RTD3_REASON_POWER_STATE.
 */
enum rtd3_reason rtd3_verify_to_d0(struct pci_dev *pdev, unsigned int delay_us,
				   unsigned int timeout_ms, bool *late)
{
	enum rtd3_reason reason;
	u16 pmcsr = 0;

	if (pdev->pm_cap && !pdev->is_virtfn)
		pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &pmcsr);
	if (PCI_POSSIBLE_ERROR(pmcsr))
		return RTD3_REASON_ABSENT;
	if (pmcsr & PCI_PM_CTRL_STATE_MASK) {
		pci_write_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, 0);
		if (delay_us)
			usleep_range(delay_us, delay_us * 5 / 4);
		*late = !rtd3_verify_answers(pdev);
		reason = rtd3_verify_await(pdev, timeout_ms);
		if (reason)
			return reason;
		pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &pmcsr);
	}
	if (pmcsr & PCI_PM_CTRL_STATE_MASK)
		return RTD3_REASON_POWER_STATE;
	rtd3_core_set_state(pdev, PCI_D0);

	return RTD3_REASON_NONE;
}

/**
 * rtd3_verify_header - the header after the restore, against what it was
 * @pdev: PCI device in D0
 * @header: what it was
 * @degraded: set if it works, but is not what it was
 *
 * Vendor and device id say what it is; class, revision and subsystem ids may be its
 * firmware's to set. A virtual function has none of this, its physical function's ids
 * and the kernel's addresses: it shows its PCI Express capability, or is not there.
 *
 * Return: RTD3_REASON_NONE, or what is wrong.
 */
enum rtd3_reason rtd3_verify_header(struct pci_dev *pdev, const u32 *header,
				    enum rtd3_reason *degraded)
{
	/* INTx disable goes with MSI, which the kernel keeps apart. */
	const u32 command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			    PCI_COMMAND_MASTER;
	unsigned int i;
	u32 value;

	if (pdev->is_virtfn) {
		pci_read_config_dword(pdev, pdev->pcie_cap, &value);
		return (value & 0xff) == PCI_CAP_ID_EXP ? RTD3_REASON_NONE :
							  RTD3_REASON_ABSENT;
	}

	for (i = 0; i < RTD3_RESUME_HEADER; i++) {
		bool identity = false;
		u32 mask = 0;

		switch (i * 4) {
		case PCI_CLASS_REVISION:
		case PCI_SUBSYSTEM_VENDOR_ID:
			identity = true;
			/* Ids may come, when the firmware has run. */
			mask = header[i] ? ~0U : 0;
			break;
		case PCI_VENDOR_ID:
			mask = ~0U;
			break;
		case PCI_BASE_ADDRESS_0 ... PCI_BASE_ADDRESS_5:
			mask = ~0U;
			break;
		case PCI_COMMAND:
			mask = command;
			break;
		}
		if (!mask)
			continue;
		pci_read_config_dword(pdev, i * 4, &value);
		if (PCI_POSSIBLE_ERROR(value) &&
		    !rtd3_verify_is_answer(rtd3_verify_read_id(pdev)))
			return RTD3_REASON_ABSENT;
		if (!((value ^ header[i]) & mask))
			continue;
		if (identity) {
			*degraded = RTD3_REASON_IDS;
			continue;
		}
		pci_warn(pdev,
			 "configuration register %#x is %#x after the wake, was %#x\n",
			 i * 4, value, header[i]);
		return i ? RTD3_REASON_CONFIG : RTD3_REASON_REPLACED;
	}

	return RTD3_REASON_NONE;
}

/**
 * rtd3_verify_link_width - lanes of the slot's link, as Link Status has them; 0: unknown
 * @rdev: device; of a card with a switch on it, any
 */
u16 rtd3_verify_link_width(struct rtd3_device *rdev)
{
	struct pci_dev *port = rdev->member.set->port;
	u16 status;

	if (port == rdev->core.pdev)
		port = pci_upstream_bridge(port);

	if (!port || !pci_is_pcie(port) ||
	    pcie_capability_read_word(port, PCI_EXP_LNKSTA, &status))
		return 0;

	return status & PCI_EXP_LNKSTA_NLW;
}

/**
 * rtd3_verify_link_narrower - has the link fewer lanes than it had?
 * @rdev: device
 *
 * Its speed is no defect: GPUs come up, and idle, with the lowest.
 */
bool rtd3_verify_link_narrower(struct rtd3_device *rdev)
{
	return rtd3_verify_link_width(rdev) < rdev->resume.link_width;
}

/**
 * rtd3_verify_functions - the functions of the device that answer, a bit each
 * @pdev: one of them
 * @asked: whom to ask
 *
 * Virtual functions have no id of their own to answer with. Past the kernel's list of
 * devices: to walk that takes a lock that no runtime PM callback may take.
 */
u8 rtd3_verify_functions(struct pci_dev *pdev, u8 asked)
{
	unsigned int slot = PCI_SLOT(pdev->devfn);
	unsigned int fn;
	u8 mask = 0;
	u32 id;

	for (fn = 0; fn < 8; fn++)
		if (asked & BIT(fn) &&
		    !pci_bus_read_config_dword(pdev->bus, PCI_DEVFN(slot, fn),
					       PCI_VENDOR_ID, &id) &&
		    rtd3_verify_is_answer(id))
			mask |= BIT(fn);

	return mask;
}

/**
 * rtd3_verify_link_and_functions - the link, and the other functions of the device
 * @rdev: device in D0
 *
 * Return: RTD3_REASON_NONE, RTD3_REASON_LINK or RTD3_REASON_SIBLING.
 */
enum rtd3_reason rtd3_verify_link_and_functions(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	unsigned int tries = pdev->multifunction ? RTD3_SIBLING_TRIES : 0;
	u8 functions = rdev->resume.functions;

	if (pdev->is_virtfn)
		return RTD3_REASON_NONE;
	if (rtd3_verify_link_narrower(rdev))
		return RTD3_REASON_LINK;

	/* Functions of one device need not be ready at one time. */
	for (; tries; tries--) {
		if (rtd3_verify_functions(pdev, functions) == functions)
			return RTD3_REASON_NONE;
		msleep(RTD3_SIBLING_MS);
	}

	return pdev->multifunction ? RTD3_REASON_SIBLING : RTD3_REASON_NONE;
}
