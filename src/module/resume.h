/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_RESUME_H
#define RTD3_RESUME_H

#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

#include "blockers.h"

#define RTD3_RESUME_HEADER	16	/* dwords of a configuration header */

#define RTD3_RESUME_TIMEOUT_MIN_MS	100
#define RTD3_RESUME_TIMEOUT_MAX_MS	60000
#define RTD3_RESET_DELAY_MAX_MS		60000

/**
 * struct rtd3_resume_state - what a device looked like when it was last seen well
 * @header: the standard configuration header
 * @saved: the PCI core's copy of what it restores; NULL: there was no memory for one,
 *	and what the core itself has saved has to do
 * @known: it was seen
 */
struct rtd3_resume_state {
	u32 header[RTD3_RESUME_HEADER];
	struct pci_saved_state *saved;
	bool known;
};

/**
 * struct rtd3_resume - how one device is brought back to D0, and checked
 * @idle: the device while nobody has it open; from probe on
 * @user: the device as its present user left it at the last suspend
 * @link_width: lanes of the slot's link that a wake must reach, as Link Status has
 *	them; 0: unknown
 * @functions: of the same device, those that have answered, a bit each
 * @witness: it has been put into D3hot. Who loses power there comes back in D0, so
 *	that its PMCSR tells of D3cold whether there has been one; a card that was
 *	held in reset with its power on cannot be told apart
 * @ids_lost: it came back without some of its ids: they are kept from before
 * @marked: the PCI core's mark for disconnected devices is there, and it is ours
 * @reset: when it was last seen to come back from a power cut, as from a reset; or 0
 * @lock: protects @core_delay and @delay_taken. Innermost
 * @core_delay: the device's d3cold_delay while we hold it at 0, see resume.c
 * @delay_taken: we do
 * @hotplug: we never do, see resume.c
 * @timeout_ms: rtd3/wake_timeout_ms: how long a resume waits for an answer
 * @reset_delay_ms: rtd3/reset_delay_ms: no reset for so long after power-on
 *
 * Written by runtime PM callbacks, which the PM core runs one at a time, by
 * rtd3_pm_wake() in their place while rtd3_recovery.pinned keeps them away, and
 * by open and close, while the device is awake. @timeout_ms is the user's.
 */
struct rtd3_resume {
	struct rtd3_resume_state idle;
	struct rtd3_resume_state user;
	u16 link_width;
	u8 functions;
	bool witness;
	bool ids_lost;
	bool marked;
	ktime_t reset;
	spinlock_t lock; /* see above */
	unsigned int core_delay;
	bool delay_taken;
	bool hotplug;
	unsigned int timeout_ms;
	unsigned int reset_delay_ms;
};

/**
 * struct rtd3_resume_result - how an attempt went
 * @reason: RTD3_REASON_NONE if the device works
 * @degraded: what is worse than before, though it works
 * @ready_ns: how long it let us wait, beyond what the specification allows it
 * @verify_ns: what the checks cost
 * @early: it was asked as soon as it had said, and not after the specification's time
 * @by: when that would have been over
 */
struct rtd3_resume_result {
	enum rtd3_reason reason;
	enum rtd3_reason degraded;
	u64 ready_ns;
	u64 verify_ns;
	bool early;
	ktime_t by;
};

struct rtd3_device;

extern unsigned int rtd3_default_wake_timeout_ms;

int rtd3_resume_init(struct rtd3_device *rdev);
void rtd3_resume_release(struct rtd3_device *rdev, bool works);
void rtd3_resume_remember(struct rtd3_device *rdev);
void rtd3_resume_forget_user(struct rtd3_device *rdev);
void rtd3_resume_take_delay(struct rtd3_device *rdev, bool own);
void rtd3_resume_take_delay_asleep(struct rtd3_device *rdev);
void rtd3_resume_mark(struct rtd3_device *rdev);
bool rtd3_resume_unmark(struct rtd3_device *rdev);
bool rtd3_resume_intact(struct rtd3_device *rdev);
void rtd3_resume_repair(struct rtd3_device *rdev);
bool rtd3_resume_give_back(struct rtd3_device *rdev);
void rtd3_resume_check_saved(struct rtd3_device *rdev);
void rtd3_resume_has_power(struct rtd3_device *rdev);
bool rtd3_resume_was_reset(struct rtd3_device *rdev, ktime_t since);
unsigned int rtd3_resume_reset_in_ms(struct rtd3_device *rdev);
bool rtd3_resume_answers(struct rtd3_device *rdev);
bool rtd3_resume_poll(struct rtd3_device *rdev, unsigned int timeout_ms);
void rtd3_resume_bring_up(struct rtd3_device *rdev, enum rtd3_depth from,
			  bool suspended, struct rtd3_resume_result *result);

#endif /* RTD3_RESUME_H */
