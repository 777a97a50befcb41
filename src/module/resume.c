// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bring a device back to D0, and believe it only when it has shown that it is
 * there. The PCI core's resume callback ignores a failed power-up: it writes
 * the saved configuration into nothing and reports success. So all that can go
 * wrong is looked at before that callback, and vfio_pci_core behind it, hear of
 * the wake:
 *
 *	the port is in D0, its power is on
 *	path	each bridge down to the device, see path.c
 *	wait	link active, then the delay of PCI Express 6.0, 6.6.1, or less where the
 *		device says so, see ready.c; then until configuration reads are
 *		answered, no longer than wake_timeout_ms
 *	check	the same vendor and device
 *	D0	PMCSR, the platform's methods
 *	restore	our own copy of the saved state, from when the device was well
 *	check	ids, class, BARs, command
 *	then	the bus's callback: quirks, INTx unmasked
 *	check	link width; siblings, which such a quirk may have to wake
 *
 * The PCI core has a wait of its own in the port's resume. It is of up to 60 s,
 * it holds up everything below the port, and where it fails it marks all devices
 * there as disconnected for ever. It is as long as the greatest d3cold_delay
 * below the port, and none if that is 0: so our devices have 0 while they sleep
 * (as those have whose firmware says so by _DSM), and wait by themselves. With a
 * function of another driver on the same port the core waits as ever, and we do
 * after it: to find out whether there is one takes pci_bus_sem, which no runtime PM
 * callback may take, as AER holds it while it waits for resumes. Nor does a device in a
 * hot-plug slot: pciehp looks in the same resume of the port whether the slot has a
 * card, and takes a link that is not up yet for an empty one.
 */

#include <linux/acpi.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "core.h"
#include "device.h"
#include "path.h"
#include "ready.h"
#include "resume.h"
#include "trace.h"
#include "verify.h"

/* PCI Express 6.0, 6.6.1: a link that has not come up by then is broken. */
#define RTD3_LINK_TIMEOUT_MS	1000
#define RTD3_NEXT_MS		100	/* a function of the same card, after the last one */

/*
 * NVIDIA's firmware needs up to 2.05 s after power-on, and a reset meanwhile can hang the
 * card until its power is cut.
 */
#define RTD3_DISPLAY_RESET_DELAY_MS	2100

unsigned int rtd3_default_wake_timeout_ms = 1000;

/**
 * rtd3_resume_has_power - the power of the device's set has just come back
 * @rdev: device
 *
 * Context: as rtd3_resume_bring_up(), or system sleep, before anybody uses it.
 */
void rtd3_resume_has_power(struct rtd3_device *rdev)
{
	WRITE_ONCE(rdev->member.set->powered, ktime_get());
}

/**
 * rtd3_resume_was_reset - has the device just been reset, by a power cut?
 * @rdev: device, held awake
 * @since: not earlier than that
 *
 * It came back in D0, without its addresses, and what it was bound with has been
 * restored: no reset does more.
 *
 * Context: open, dev_set->lock held.
 */
bool rtd3_resume_was_reset(struct rtd3_device *rdev, ktime_t since)
{
	return rdev->resume.reset && !ktime_before(rdev->resume.reset, since);
}

/**
 * rtd3_resume_reset_in_ms - how long must a reset wait?
 * @rdev: device; it, or another one of its power set, is held awake
 *
 * Context: any.
 * Return: milliseconds; 0: it may be reset.
 */
unsigned int rtd3_resume_reset_in_ms(struct rtd3_device *rdev)
{
	s64 ms = READ_ONCE(rdev->resume.reset_delay_ms) -
		 ktime_ms_delta(ktime_get(),
				READ_ONCE(rdev->member.set->powered));

	return max(ms, 0LL);
}

/**
 * rtd3_resume_answers - does the device answer now?
 * @rdev: device; its port is in D0
 *
 * Context: any.
 */
bool rtd3_resume_answers(struct rtd3_device *rdev)
{
	return rtd3_verify_answers(rdev->core.pdev);
}

/**
 * rtd3_resume_poll - wait until the device answers
 * @rdev: device; its port is in D0
 * @timeout_ms: no longer than this
 *
 * Context: process, sleeps.
 * Return: does it answer?
 */
bool rtd3_resume_poll(struct rtd3_device *rdev, unsigned int timeout_ms)
{
	return rtd3_verify_poll(pci_physfn(rdev->core.pdev), timeout_ms);
}

/* After power-on: until the device may be asked for the first time. Is there a link? */
static bool rtd3_resume_wait_link(struct rtd3_device *rdev, ktime_t since,
				  unsigned int timeout_ms,
				  struct rtd3_resume_result *result)
{
	struct pci_dev *pdev = rdev->core.pdev;
	u8 functions = pdev->multifunction ? rdev->resume.functions : 0;
	struct rtd3_ready_wait wait = {
		.port = pci_upstream_bridge(pdev),
		.since = since,
		.delay_ms = rdev->resume.core_delay,
		.promised_us = rtd3_ready_promised_us(rdev, functions),
		.message = rtd3_ready_messages(rdev),
		.link_ms = timeout_ms ? RTD3_LINK_TIMEOUT_MS : 0,
	};
	enum rtd3_ready_rule rule;

	/* The core has waited. */
	if (!wait.port || rdev->resume.hotplug)
		return true;

	rule = rtd3_ready_await(&wait);
	trace_rtd3_ask(pdev, rule, ktime_to_ns(ktime_sub(ktime_get(), since)));
	result->early = rule != RTD3_READY_BY_TIME && rule != RTD3_READY_NEVER;
	result->by = wait.by;

	return rule != RTD3_READY_NEVER;
}

/* It was not ready as soon as it had said: it gets what it would have had, beside its timeout. */
static unsigned int rtd3_resume_make_up(struct rtd3_device *rdev,
					struct rtd3_resume_result *result)
{
	rtd3_ready_distrust(rdev);
	result->early = false;

	return max(ktime_ms_delta(result->by, ktime_get()) + 1, 0LL);
}

static struct rtd3_resume_state *rtd3_resume_expected(struct rtd3_device *rdev)
{
	struct rtd3_resume *resume = &rdev->resume;

	return rdev->open && resume->user.known ? &resume->user : &resume->idle;
}

/**
 * rtd3_resume_mark - nothing in the kernel shall wait for the device
 * @rdev: device that has failed
 *
 * Context: rtd3_recovery.attempt held, or as rtd3_resume_bring_up().
 */
void rtd3_resume_mark(struct rtd3_device *rdev)
{
	if (rtd3_core_mark(rdev->core.pdev))
		rdev->resume.marked = true;
	/* The PCI core takes what does not answer for D3cold, in a reset for one. */
	rtd3_core_set_state(rdev->core.pdev, PCI_UNKNOWN);
}

/**
 * rtd3_resume_unmark - the opposite of rtd3_resume_mark()
 * @rdev: device
 *
 * Context: as rtd3_resume_mark().
 * Return: whether the kernel lets us reach the device now.
 */
bool rtd3_resume_unmark(struct rtd3_device *rdev)
{
	bool ours = rdev->resume.marked;

	rdev->resume.marked = false;

	return rtd3_core_unmark(rdev->core.pdev,
				ours || !rtd3_verify_slot_empty(rdev->core.pdev));
}

/*
 * The command register of an open device is its user's. A suspend saves it; if
 * the power was lost without one, the virtual register still knows. @header gets
 * what the header has to be now.
 */
static void rtd3_resume_restore(struct rtd3_device *rdev, bool suspended,
				const struct rtd3_resume_state *expected,
				u32 *header)
{
	const u16 bits = PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			 PCI_COMMAND_MASTER;
	struct vfio_pci_core_device *core = &rdev->core;
	u32 *command = &header[PCI_COMMAND / 4];

	if (expected->saved)
		pci_load_saved_state(core->pdev, expected->saved);
	pci_restore_state(core->pdev);
	memcpy(header, expected->header, sizeof(expected->header));

	if (suspended || !rdev->open)
		return;
	*command &= ~(u32)bits;
	*command |= le16_to_cpup((__le16 *)&core->vconfig[PCI_COMMAND]) & bits;
	pci_write_config_word(core->pdev, PCI_COMMAND, *command & 0xffff);
}

/*
 * Audio and USB functions of GPUs come after those (device links): what a GPU was waited
 * for in vain has been time enough for them.
 */
static unsigned int rtd3_resume_timeout_ms(struct rtd3_device *rdev)
{
	struct rtd3_powerset *set = rdev->member.set;
	unsigned int ms = READ_ONCE(rdev->resume.timeout_ms);
	unsigned int waited = 0;

	if (ktime_ms_delta(ktime_get(), READ_ONCE(set->silent)) < RTD3_NEXT_MS)
		waited = READ_ONCE(set->waited_ms);

	return ms - min(ms, waited);
}

static void rtd3_resume_note_silence(struct rtd3_device *rdev, ktime_t since)
{
	struct rtd3_powerset *set = rdev->member.set;
	ktime_t now = ktime_get();

	WRITE_ONCE(set->waited_ms, ktime_ms_delta(now, since));
	WRITE_ONCE(set->silent, now);
}

static enum rtd3_reason rtd3_resume_wait(struct rtd3_device *rdev,
					 enum rtd3_depth from,
					 struct rtd3_resume_result *result)
{
	unsigned int timeout_ms = rtd3_resume_timeout_ms(rdev);
	struct pci_dev *pdev = rdev->core.pdev;
	acpi_handle handle = ACPI_HANDLE(&pdev->dev);
	enum rtd3_reason reason;
	ktime_t start, since;
	unsigned int more_ms = 0;

	/* What firmware does for the device itself; the port has power already. */
	if (acpi_bus_power_manageable(handle) && !acpi_has_method(handle, "_EJ0"))
		acpi_bus_set_power(handle, ACPI_STATE_D0);
	if (from == RTD3_POWER_D3COLD) {
		start = ktime_get();
		reason = rtd3_path_up(rdev, timeout_ms);
		/* Of a link below a switch nobody knows since when it could come up. */
		since = rdev->path.nr ? ktime_get() : start;
		if (!reason && !rtd3_resume_wait_link(rdev, since, timeout_ms, result))
			reason = RTD3_REASON_LINK_DOWN;
		if (reason && timeout_ms)
			rtd3_resume_note_silence(rdev, start);
		if (reason)
			return rtd3_verify_slot_empty(pdev) ?
			       RTD3_REASON_REMOVED : reason;
	}

	start = ktime_get();
	if (result->early && !rtd3_verify_answers(pdev))
		more_ms = rtd3_resume_make_up(rdev, result);
	reason = rtd3_verify_await(pci_physfn(pdev), timeout_ms + more_ms);
	result->ready_ns = ktime_to_ns(ktime_sub(ktime_get(), start));
	if (reason == RTD3_REASON_ABSENT && timeout_ms)
		rtd3_resume_note_silence(rdev, start);

	return reason && rtd3_verify_slot_empty(pdev) ? RTD3_REASON_REMOVED :
							reason;
}

/* Has the device forgotten what the kernel has assigned to it? */
static bool rtd3_resume_bars_lost(struct pci_dev *pdev)
{
	struct pci_bus_region region;
	struct resource *res;
	u32 value, mask;
	int i;

	if (pdev->is_virtfn)
		return false;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		res = &pdev->resource[i];
		if (!res->flags || !res->start ||
		    res->flags & (IORESOURCE_UNSET | IORESOURCE_PCI_FIXED))
			continue;
		mask = res->flags & IORESOURCE_IO ?
		       (u32)PCI_BASE_ADDRESS_IO_MASK :
		       (u32)PCI_BASE_ADDRESS_MEM_MASK;
		pcibios_resource_to_bus(pdev->bus, &region, res);
		pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0 + i * 4, &value);
		if ((value ^ region.start) & mask)
			return true;
	}

	return false;
}

/*
 * Nobody but the cut has set it back: it has forgotten its addresses, and firmware has no
 * method that could have asked it for D0 before us.
 */
static bool rtd3_resume_reset_by_cut(struct pci_dev *pdev)
{
	return !acpi_has_method(ACPI_HANDLE(&pdev->dev), "_PS0") &&
	       rtd3_resume_bars_lost(pdev);
}

/* It answers, and nobody has asked it for D0 yet: has it been without power? */
static void rtd3_resume_hear_witness(struct rtd3_device *rdev)
{
	struct rtd3_powerset *set = rdev->member.set;
	bool not_cut;

	if (!rdev->resume.witness)
		return;
	rdev->resume.witness = false;
	not_cut = rtd3_verify_in_d3(rdev->core.pdev);
	if (not_cut && !READ_ONCE(set->not_cut))
		pci_warn(rdev->core.pdev,
			 "kept its power in D3cold; see rtd3/blockers\n");
	WRITE_ONCE(set->not_cut, not_cut);
	if (!not_cut && rtd3_resume_reset_by_cut(rdev->core.pdev))
		rdev->resume.reset = ktime_get();
}

static enum rtd3_reason rtd3_resume_up(struct rtd3_device *rdev, bool cold,
				       bool suspended,
				       struct rtd3_resume_result *result)
{
	struct rtd3_resume_state *expected = rtd3_resume_expected(rdev);
	struct pci_dev *pdev = rdev->core.pdev;
	struct device *dev = &pdev->dev;
	u32 header[RTD3_RESUME_HEADER];
	unsigned int d0_us = rtd3_ready_d0_us(rdev);
	enum rtd3_reason reason;
	bool late = false;
	ktime_t start;

	if (!pdev->is_virtfn && rtd3_verify_read_id(pdev) != expected->header[0])
		return RTD3_REASON_REPLACED;

	/* It answers: take back our mark, or the core's from a wait of its own. */
	if (!rtd3_resume_unmark(rdev))
		return RTD3_REASON_REMOVED;
	if (suspended && cold)
		rtd3_resume_hear_witness(rdev);
	reason = rtd3_verify_to_d0(pdev, d0_us, READ_ONCE(rdev->resume.timeout_ms), &late);
	if (late && d0_us < pdev->d3hot_delay * USEC_PER_MSEC)
		rtd3_ready_distrust(rdev);
	if (reason)
		return reason;
	rtd3_resume_restore(rdev, suspended, expected, header);

	start = ktime_get();
	reason = rtd3_verify_header(pdev, header, &result->degraded);
	result->verify_ns = ktime_to_ns(ktime_sub(ktime_get(), start));
	rdev->resume.ids_lost = result->degraded;
	if (!reason && suspended && dev->bus->pm->runtime_resume(dev))
		reason = RTD3_REASON_POWER_STATE;
	if (reason)
		return reason;

	start = ktime_get();
	if (!result->degraded)
		result->degraded = rtd3_verify_link_and_functions(rdev);
	if (!result->degraded && READ_ONCE(rdev->member.set->not_cut))
		result->degraded = RTD3_REASON_NOT_CUT;
	result->verify_ns += ktime_to_ns(ktime_sub(ktime_get(), start));

	return RTD3_REASON_NONE;
}

/* What it has answered so soon was wrong: once more, when the specification wants it right. */
static void rtd3_resume_up_again(struct rtd3_device *rdev, bool cold, bool suspended,
				 struct rtd3_resume_result *result)
{
	unsigned int ms = rtd3_resume_make_up(rdev, result);

	result->degraded = RTD3_REASON_NONE;
	rdev->resume.reset = 0;
	rtd3_ready_sleep_until(result->by);
	ms = max(ms, READ_ONCE(rdev->resume.timeout_ms));
	result->reason = rtd3_verify_await(rdev->core.pdev, ms);
	if (!result->reason)
		result->reason = rtd3_resume_up(rdev, cold, suspended, result);
}

/**
 * rtd3_resume_bring_up - one attempt to get the device back to D0
 * @rdev: device; its port is in D0
 * @from: state that it is in
 * @suspended: the bus's suspend callback has run, and its resume callback has to
 * @result: filled
 *
 * A device that works has lost the PCI core's mark for disconnected ones; one that
 * does not has it if it had it before.
 *
 * Context: runtime PM callback of the device, or anything that keeps those away;
 * sleeps.
 */
void rtd3_resume_bring_up(struct rtd3_device *rdev, enum rtd3_depth from,
			  bool suspended, struct rtd3_resume_result *result)
{
	bool marked = rdev->resume.marked;
	/* Not just unknown: what has failed may be anywhere. */
	bool cold = rdev->core.pdev->current_state == PCI_D3cold;

	if (from == RTD3_POWER_D3COLD)
		rtd3_resume_has_power(rdev);
	*result = (struct rtd3_resume_result) { };
	rtd3_resume_take_delay(rdev, false);

	result->reason = rtd3_resume_wait(rdev, from, result);
	if (!result->reason)
		result->reason = rtd3_resume_up(rdev, cold, suspended, result);
	if (result->reason && result->early)
		rtd3_resume_up_again(rdev, cold, suspended, result);
	/* Next time it gets the time to find its ids. */
	if (result->early && result->degraded == RTD3_REASON_IDS)
		rtd3_ready_distrust(rdev);
	if (!result->reason)
		return;
	rtd3_core_set_state(rdev->core.pdev, PCI_UNKNOWN);
	if (marked)
		rtd3_resume_mark(rdev);
}

static void rtd3_resume_set_delay(struct rtd3_device *rdev, bool own)
{
	struct pci_dev *pdev = rdev->core.pdev;
	struct rtd3_resume *resume = &rdev->resume;

	lockdep_assert_held(&resume->lock);

	if (own == resume->delay_taken || resume->hotplug)
		return;

	if (own) {
		resume->core_delay = rtd3_core_delay(pdev);
		rtd3_core_set_delay(pdev, 0);
	} else {
		rtd3_core_set_delay(pdev, resume->core_delay);
	}
	resume->delay_taken = own;
}

/**
 * rtd3_resume_take_delay - who waits when the port powers up, we or the PCI core?
 * @rdev: device
 * @own: we; only while the device sleeps, as bus resets rely on that wait, too
 *
 * Context: as rtd3_resume_bring_up(), or system sleep, with user space frozen.
 */
void rtd3_resume_take_delay(struct rtd3_device *rdev, bool own)
{
	if (own)
		rtd3_ready_forget_message(rdev);
	spin_lock(&rdev->resume.lock);
	rtd3_resume_set_delay(rdev, own);
	spin_unlock(&rdev->resume.lock);
}

/**
 * rtd3_resume_take_delay_asleep - the device has slept through the system's sleep
 * @rdev: device, which may be about to be resumed
 *
 * Takes back what rtd3_resume_take_delay() had given for it. A resume that begins
 * meanwhile gives it away after this, as it is no longer suspended by then.
 *
 * Context: process.
 */
void rtd3_resume_take_delay_asleep(struct rtd3_device *rdev)
{
	spin_lock(&rdev->resume.lock);
	if (pm_runtime_status_suspended(&rdev->core.pdev->dev))
		rtd3_resume_set_delay(rdev, true);
	spin_unlock(&rdev->resume.lock);
}

static void rtd3_resume_keep(struct rtd3_device *rdev,
			     struct rtd3_resume_state *state)
{
	struct rtd3_resume *resume = &rdev->resume;
	struct pci_dev *pdev = rdev->core.pdev;
	u32 class = resume->idle.header[PCI_CLASS_REVISION / 4];
	u32 subsystem = resume->idle.header[PCI_SUBSYSTEM_VENDOR_ID / 4];

	kfree(state->saved);
	state->saved = pci_store_saved_state(pdev);
	memcpy(state->header, rtd3_core_saved_header(pdev), sizeof(state->header));
	if (resume->ids_lost) {
		state->header[PCI_CLASS_REVISION / 4] = class;
		state->header[PCI_SUBSYSTEM_VENDOR_ID / 4] = subsystem;
	}
	state->known = true;
}

/**
 * rtd3_resume_remember - what the device looks like now is how it shall come back
 * @rdev: device, just suspended: the PCI core has saved its configuration
 *
 * Context: runtime suspend callback.
 */
void rtd3_resume_remember(struct rtd3_device *rdev)
{
	struct rtd3_resume *resume = &rdev->resume;
	pci_power_t state = rdev->core.pdev->current_state;

	resume->witness = rdev->core.pdev->pm_cap && !rdev->core.pdev->is_virtfn &&
			  (state == PCI_D3hot || state == PCI_D3cold);
	rtd3_resume_keep(rdev, rdev->open ? &resume->user : &resume->idle);
	if (rdev->core.pdev->multifunction)
		resume->functions |= rtd3_verify_functions(rdev->core.pdev,
							   ~resume->functions);
	/* A link that came back worse is no measure for the next time. */
	if (!rtd3_verify_link_narrower(rdev))
		resume->link_width = rtd3_verify_link_width(rdev);
}

/**
 * rtd3_resume_forget_user - the user has closed the device
 * @rdev: device
 *
 * Context: close, the device held awake.
 */
void rtd3_resume_forget_user(struct rtd3_device *rdev)
{
	kfree(rdev->resume.user.saved);
	rdev->resume.user.saved = NULL;
	rdev->resume.user.known = false;
}

/**
 * rtd3_resume_intact - is the device, which is awake, what it was?
 * @rdev: device
 *
 * It answers, and knows where the kernel has put it.
 *
 * Context: any.
 */
bool rtd3_resume_intact(struct rtd3_device *rdev)
{
	return rtd3_resume_answers(rdev) && !rtd3_resume_bars_lost(rdev->core.pdev);
}

/**
 * rtd3_resume_repair - give a device back what it has lost while it was awake
 * @rdev: device that answers, awake
 *
 * A reset that AER has made, or a moment without power: nobody has told us.
 *
 * Context: process; nobody else uses the device.
 */
void rtd3_resume_repair(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	u32 header[RTD3_RESUME_HEADER];

	if (!rtd3_resume_bars_lost(pdev))
		return;
	pci_warn(pdev, "has lost its configuration while it was awake; restored\n");
	rtd3_resume_restore(rdev, false, rtd3_resume_expected(rdev), header);
}

/**
 * rtd3_resume_give_back - restore a device that has been reset for another's sake
 * @rdev: device that answers, awake
 *
 * Context: as rtd3_resume_repair().
 * Return: is it what it was?
 */
bool rtd3_resume_give_back(struct rtd3_device *rdev)
{
	enum rtd3_reason degraded = RTD3_REASON_NONE;
	u32 header[RTD3_RESUME_HEADER];

	rtd3_resume_restore(rdev, false, rtd3_resume_expected(rdev), header);

	return !rtd3_verify_header(rdev->core.pdev, header, &degraded);
}

/**
 * rtd3_resume_check_saved - what has been saved of a dead device is not kept
 * @rdev: device; the PCI core has just saved its configuration
 *
 * Context: any.
 */
void rtd3_resume_check_saved(struct rtd3_device *rdev)
{
	struct rtd3_resume_state *expected = rtd3_resume_expected(rdev);
	struct pci_dev *pdev = rdev->core.pdev;

	if (!pdev->is_virtfn && expected->saved &&
	    rtd3_core_saved_header(pdev)[0] != expected->header[0])
		pci_load_saved_state(pdev, expected->saved);
}

/*
 * It has failed under its last driver, see rtd3_resume_release(). Or it had none when the
 * power went, and the core has given it up with somebody else on its bus: then what the
 * core has saved is still there, though it was restored into nothing.
 */
static void rtd3_resume_find(struct pci_dev *pdev)
{
	struct pci_saved_state *saved;

	if (!rtd3_resume_bars_lost(pdev) ||
	    rtd3_core_saved_header(pdev)[0] != rtd3_verify_read_id(pdev))
		return;
	saved = rtd3_core_store_saved(pdev);
	if (!saved)
		return;
	pci_load_saved_state(pdev, saved);
	pci_restore_state(pdev);
	kfree(saved);
	if (!rtd3_resume_bars_lost(pdev))
		pci_info(pdev, "had lost its configuration; restored\n");
}

/**
 * rtd3_resume_init - look at a device that is going to be managed
 * @rdev: device, held awake
 *
 * Context: probe, device_lock held.
 * Return: 0; -ENODEV, after a message, if it does not answer, or is not where the kernel
 * has put it.
 */
int rtd3_resume_init(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	u32 *subsystem = &rdev->resume.idle.header[PCI_SUBSYSTEM_VENDOR_ID / 4];
	u32 ids = (u32)pdev->subsystem_device << 16 | pdev->subsystem_vendor;

	device_lock_assert(&pdev->dev);

	spin_lock_init(&rdev->resume.lock);
	rdev->resume.timeout_ms = READ_ONCE(rtd3_default_wake_timeout_ms);
	rtd3_path_init(rdev, rdev->resume.timeout_ms);
	if (!rtd3_resume_answers(rdev) || !rtd3_resume_unmark(rdev)) {
		pci_err(pdev,
			"does not answer; restore its power, then write 1 to remove and to its bus's rescan\n");
		rtd3_path_release(rdev);
		return -ENODEV;
	}
	rtd3_resume_find(pdev);
	if (rtd3_resume_bars_lost(pdev)) {
		pci_err(pdev,
			"has lost its configuration; write 1 to remove and to its bus's rescan\n");
		rtd3_path_release(rdev);
		return -ENODEV;
	}

	rtd3_ready_read(pdev, &rdev->ready);
	rdev->resume.core_delay = rtd3_core_delay(pdev);
	rdev->resume.hotplug = rtd3_powerset_hotplug(rdev);
	if (pdev->class >> 16 == PCI_BASE_CLASS_DISPLAY)
		rdev->resume.reset_delay_ms = RTD3_DISPLAY_RESET_DELAY_MS;
	pci_save_state(pdev);
	rtd3_resume_keep(rdev, &rdev->resume.idle);
	/* It may have lost them under an earlier driver. */
	rdev->resume.ids_lost = *subsystem != ids;
	*subsystem = ids;
	rtd3_core_forget_saved(pdev);
	/* Nobody knows since when. */
	rtd3_resume_has_power(rdev);
	rdev->resume.link_width = rtd3_verify_link_width(rdev);

	return 0;
}

/**
 * rtd3_resume_release - give the device back as it was
 * @rdev: device, no runtime PM callback can run any more
 * @works: it does
 *
 * For one that does not answer that is a saved state, to be restored by whoever
 * finds it well again.
 */
void rtd3_resume_release(struct rtd3_device *rdev, bool works)
{
	if (!works)
		pci_load_saved_state(rdev->core.pdev, rdev->resume.idle.saved);
	rtd3_resume_take_delay(rdev, false);
	rtd3_resume_forget_user(rdev);
	kfree(rdev->resume.idle.saved);
	rdev->resume.idle.saved = NULL;
	rtd3_path_release(rdev);
}
