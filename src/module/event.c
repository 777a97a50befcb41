// SPDX-License-Identifier: GPL-2.0-only
/* Uevents for managers: few, and only what one would act on. */

#include <linux/kobject.h>
#include <linux/ratelimit.h>

#include "device.h"
#include "event.h"
#include "policy.h"

#define RTD3_EVENT_INTERVAL	(10 * HZ)
#define RTD3_EVENT_BURST	10

static void rtd3_event(struct rtd3_device *rdev, char *event, char *what,
		       char *more)
{
	char *env[4] = { event, what, more };

	if (__ratelimit(&rdev->event_limit))
		kobject_uevent_env(&rdev->core.pdev->dev.kobj, KOBJ_CHANGE, env);
}

/**
 * rtd3_event_limit - the host's limit has changed
 * @rdev: device
 * @limit: the new one
 *
 * Context: process, may sleep.
 */
void rtd3_event_limit(struct rtd3_device *rdev, enum rtd3_depth limit)
{
	char more[32];

	scnprintf(more, sizeof(more), "RTD3_LIMIT=%s", rtd3_policy_names[limit]);
	rtd3_event(rdev, "RTD3_EVENT=limit", more, NULL);
}

/**
 * rtd3_event_health - the device has failed, works again, or works worse
 * @rdev: device
 * @health: how it is
 * @reason: why
 *
 * Context: process, may sleep.
 */
void rtd3_event_health(struct rtd3_device *rdev, enum rtd3_health health,
		       enum rtd3_reason reason)
{
	char name[32], why[32];

	scnprintf(name, sizeof(name), "RTD3_HEALTH=%s",
		  rtd3_health_names[health]);
	scnprintf(why, sizeof(why), "RTD3_REASON=%s", rtd3_reason_names[reason]);
	rtd3_event(rdev, "RTD3_EVENT=health", name, why);
}

/**
 * rtd3_event_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_event_init(struct rtd3_device *rdev)
{
	ratelimit_state_init(&rdev->event_limit, RTD3_EVENT_INTERVAL,
			     RTD3_EVENT_BURST);
	/* Nobody needs to read in the log that events were left out. */
	ratelimit_set_flags(&rdev->event_limit, RATELIMIT_MSG_ON_RELEASE);
}
