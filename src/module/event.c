// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uevents for managers: few, and only what one would act on. Of each kind no more
 * than RTD3_EVENT_BURST are sent in any RTD3_EVENT_INTERVAL; where there are more,
 * the newest one comes as soon as it may, so that what was heard last is true.
 */

#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/pci.h>

#include "device.h"
#include "event.h"

#define RTD3_EVENT_INTERVAL	(10 * HZ)

/* May one be sent now? If not, the work is going to. */
static bool rtd3_event_may_send(struct rtd3_event *event)
{
	unsigned long *oldest = &event->at[event->sent % RTD3_EVENT_BURST];
	unsigned long now = jiffies;

	lockdep_assert_held(&event->lock);

	if (event->sent >= RTD3_EVENT_BURST &&
	    time_before(now, *oldest + RTD3_EVENT_INTERVAL)) {
		schedule_delayed_work(&event->work,
				      *oldest + RTD3_EVENT_INTERVAL - now);
		return false;
	}
	*oldest = now;
	event->sent++;

	return true;
}

/* @text: what is new; NULL: the newest, which was held back. */
static void rtd3_event_send(struct rtd3_events *events,
			    enum rtd3_event_kind kind,
			    const char (*text)[RTD3_EVENT_TEXT])
{
	struct rtd3_event *event = &events->kind[kind];
	char *env[RTD3_EVENT_VARS + 1] = { };
	unsigned int i;

	mutex_lock(&event->lock);
	if (text)
		memcpy(event->text, text, sizeof(event->text));
	for (i = 0; i < RTD3_EVENT_VARS && *event->text[i]; i++)
		env[i] = event->text[i];
	if (text || event->held) {
		event->held = !rtd3_event_may_send(event);
		if (!event->held)
			kobject_uevent_env(&events->pdev->dev.kobj, KOBJ_CHANGE,
					   env);
	}
	mutex_unlock(&event->lock);
}

static void rtd3_event_limit_work(struct work_struct *work)
{
	rtd3_event_send(container_of(to_delayed_work(work), struct rtd3_events,
				     kind[RTD3_EVENT_LIMIT].work),
			RTD3_EVENT_LIMIT, NULL);
}

static void rtd3_event_health_work(struct work_struct *work)
{
	rtd3_event_send(container_of(to_delayed_work(work), struct rtd3_events,
				     kind[RTD3_EVENT_HEALTH].work),
			RTD3_EVENT_HEALTH, NULL);
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
	char text[RTD3_EVENT_VARS][RTD3_EVENT_TEXT] = { "RTD3_EVENT=limit" };

	scnprintf(text[1], sizeof(text[1]), "RTD3_LIMIT=%s",
		  rtd3_policy_names[limit]);
	rtd3_event_send(&rdev->events, RTD3_EVENT_LIMIT, text);
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
	char text[RTD3_EVENT_VARS][RTD3_EVENT_TEXT] = { "RTD3_EVENT=health" };

	scnprintf(text[1], sizeof(text[1]), "RTD3_HEALTH=%s",
		  rtd3_health_names[health]);
	scnprintf(text[2], sizeof(text[2]), "RTD3_REASON=%s",
		  rtd3_reason_names[reason]);
	rtd3_event_send(&rdev->events, RTD3_EVENT_HEALTH, text);
}

/**
 * rtd3_event_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_event_init(struct rtd3_device *rdev)
{
	struct rtd3_event *kind = rdev->events.kind;
	unsigned int i;

	rdev->events.pdev = rdev->core.pdev;
	for (i = 0; i < RTD3_EVENT_KINDS; i++)
		mutex_init(&kind[i].lock);
	INIT_DELAYED_WORK(&kind[RTD3_EVENT_LIMIT].work, rtd3_event_limit_work);
	INIT_DELAYED_WORK(&kind[RTD3_EVENT_HEALTH].work, rtd3_event_health_work);
}

/**
 * rtd3_event_stop - the device is being unbound: what was held back is not sent
 * @rdev: device of which nobody has anything to say any more
 */
void rtd3_event_stop(struct rtd3_device *rdev)
{
	unsigned int i;

	for (i = 0; i < RTD3_EVENT_KINDS; i++)
		cancel_delayed_work_sync(&rdev->events.kind[i].work);
}
