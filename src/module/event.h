/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_EVENT_H
#define RTD3_EVENT_H

#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <linux/rtd3_vfio_pci.h>

#include "types.h"

#define RTD3_EVENT_TEXT		32
#define RTD3_EVENT_VARS		3
#define RTD3_EVENT_BURST	10

/* Each kind has a bucket of its own: a burst of one does not swallow another. */
enum rtd3_event_kind {
	RTD3_EVENT_LIMIT,
	RTD3_EVENT_HEALTH,
	RTD3_EVENT_KINDS,
};

/**
 * struct rtd3_event - uevents of one kind
 * @lock: protects all below, and keeps what is sent in order. Innermost, but for what
 *	sending a uevent takes
 * @work: sends the last one of a burst
 * @text: the newest one's variables
 * @at: when the last ones were sent, jiffies; the oldest is the next to be replaced
 * @sent: how many were
 * @held: the newest one is not sent yet
 */
struct rtd3_event {
	struct mutex lock; /* see above */
	struct delayed_work work;
	char text[RTD3_EVENT_VARS][RTD3_EVENT_TEXT];
	unsigned long at[RTD3_EVENT_BURST];
	unsigned int sent;
	bool held;
};

/**
 * struct rtd3_events - uevents of one device
 * @pdev: whose they are
 * @kind: each kind of them
 */
struct rtd3_events {
	struct pci_dev *pdev;
	struct rtd3_event kind[RTD3_EVENT_KINDS];
};

struct rtd3_device;

void rtd3_event_init(struct rtd3_device *rdev);
void rtd3_event_stop(struct rtd3_device *rdev);
void rtd3_event_limit(struct rtd3_device *rdev, enum rtd3_depth limit);
void rtd3_event_health(struct rtd3_device *rdev, enum rtd3_health health,
		       enum rtd3_reason reason);

#endif /* RTD3_EVENT_H */
