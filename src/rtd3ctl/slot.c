// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link of a slot. To read it through sysfs wakes a device that sleeps: so it is read
 * only where both ends are awake.
 */

#include <stdlib.h>
#include <string.h>

#include "slot.h"

/*
 * Awake, and not about to sleep: one that is would be woken by a look that comes too late.
 * The driver knows that of its devices, and nobody of those of another VFIO driver.
 */
static bool slot_is_awake(const struct dev *dev)
{
	char text[DEV_WORD];

	/* Now, not when the device was looked at first. */
	dev_attr(dev, "power/runtime_status", text, sizeof(text));
	if (strcmp(text, "active"))
		return false;
	if (!dev->ours)
		return !dev_is_vfio_driver(dev->driver);
	dev_attr(dev, "rtd3/predicted", text, sizeof(text));

	return !strcmp(text, "D0") && !strcmp(dev->state, "D0");
}

/* Both ends of the link of the slot that a device is in, be it behind a switch. */
static bool slot_ends(const struct dev *dev, const struct set *set, struct dev *near,
		      struct dev *far)
{
	char bdf[DEV_BDF];

	for (*far = *dev; dev_parent(far, bdf) && !dev_load(near, bdf); *far = *near)
		/* Also where the card cuts its power itself. */
		if (!strcmp(near->bdf, set->port.bdf) || !strcmp(far->bdf, set->port.bdf))
			return true;

	return false;
}

/* "2.5 GT/s PCIe" in MT/s; 0 if it says something else. */
static long slot_speed(const struct dev *dev, const char *name)
{
	char text[DEV_WORD], *end;
	double speed;

	dev_attr(dev, name, text, sizeof(text));
	speed = strtod(text, &end);

	return !strncmp(end, " GT/s", 5) && speed > 0 && speed < 1000 ? speed * 1000 : 0;
}

static long slot_min(long a, long b)
{
	return a < b ? a : b;
}

/**
 * slot_load - the link of the slot that a device is in
 * @slot: filled
 * @dev: device
 * @set: its power set
 *
 * Return: false if it has none, or is not known to be awake.
 */
bool slot_load(struct slot *slot, const struct dev *dev, const struct set *set)
{
	struct dev near, far;

	if (!slot_is_awake(dev) || !slot_ends(dev, set, &near, &far) || !slot_is_awake(&near) ||
	    !slot_is_awake(&far))
		return false;
	memcpy(slot->port, near.bdf, sizeof(slot->port));
	slot->width = dev_number(&near, "current_link_width", 0);
	slot->speed = slot_speed(&near, "current_link_speed");
	slot->max_width = slot_min(dev_number(&near, "max_link_width", 0),
				   dev_number(&far, "max_link_width", 0));
	slot->max_speed = slot_min(slot_speed(&near, "max_link_speed"),
				   slot_speed(&far, "max_link_speed"));

	return slot->width > 0 && slot->speed && slot->max_width > 0 && slot->max_speed;
}
