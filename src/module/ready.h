/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_READY_H
#define RTD3_READY_H

#include <linux/ktime.h>
#include <linux/types.h>

#include "types.h"

#define RTD3_READY_UNKNOWN	U32_MAX

struct pci_dev;
struct rtd3_device;
struct rtd3_powerset;

/**
 * struct rtd3_ready - how soon a function is ready, as it says itself, see ready.c
 * @link_us: after its port has reported the link as active; RTD3_READY_UNKNOWN: it
 *	does not say, or needs no less than others
 * @d0_us: after it was told to leave D3hot; as @link_us
 * @message: its port can tell that it has sent its message
 * @functions: those of its card that are ours, a bit each
 * @card_us: the greatest @link_us of those
 *
 * @functions and @card_us are protected by a lock in ready.c; the others are constant
 * while the device is bound.
 */
struct rtd3_ready {
	u32 link_us;
	u32 d0_us;
	bool message;
	u8 functions;
	u32 card_us;
};

/**
 * struct rtd3_ready_wait - a wait after a power-on
 * @port: above the function
 * @since: when the power came, or later
 * @delay_ms: what the specification wants, or firmware; see pci_dev.d3cold_delay
 * @promised_us: as rtd3_ready.link_us
 * @message: as rtd3_ready.message
 * @link_ms: how long to wait for the link
 * @by: filled: when the function could have been asked in any case
 */
struct rtd3_ready_wait {
	struct pci_dev *port;
	ktime_t since;
	unsigned int delay_ms;
	u32 promised_us;
	bool message;
	unsigned int link_ms;
	ktime_t by;
};

void rtd3_ready_sleep_until(ktime_t when);
void rtd3_ready_read(struct pci_dev *pdev, struct rtd3_ready *ready);
void rtd3_ready_share(struct rtd3_powerset *set);
u32 rtd3_ready_promised_us(struct rtd3_device *rdev, u8 functions);
unsigned int rtd3_ready_d0_us(struct rtd3_device *rdev);
bool rtd3_ready_messages(struct rtd3_device *rdev);
void rtd3_ready_forget_message(struct rtd3_device *rdev);
void rtd3_ready_distrust(struct rtd3_device *rdev);
enum rtd3_ready_rule rtd3_ready_await(struct rtd3_ready_wait *wait);

#endif /* RTD3_READY_H */
