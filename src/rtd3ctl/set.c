// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power sets: what loses power together, by the driver's own rule: the nearest device,
 * upwards and beginning with the function itself, whose power the firmware can cut,
 * and all below it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "set.h"

/* Where the power is cut, and if it is not, what is nearest to that. */
static void set_find_port(const struct dev *dev, struct dev *port)
{
	struct dev up = *dev, next;
	char bdf[DEV_BDF];

	for (;;) {
		if (up.pr3) {
			*port = up;
			return;
		}
		if (!dev_parent(&up, bdf) || dev_load(&next, bdf))
			break;
		up = next;
	}
	if (!dev_parent(dev, bdf) || dev_load(port, bdf))
		*port = *dev;
}

/**
 * set_load - a device's power set
 * @set: filled; freed with set_free(), also after an error
 * @dev: device
 *
 * Return: 0 or a negative error.
 */
int set_load(struct set *set, const struct dev *dev)
{
	memset(set, 0, sizeof(*set));
	set_find_port(dev, &set->port);
	set->has_port = strcmp(set->port.bdf, dev->bdf) || dev_is_bridge(dev);

	set->dev = malloc(sizeof(*set->dev));
	if (!set->dev)
		return -ENOMEM;
	set->dev[0] = set->port;
	set->nr = 1;

	return set->has_port ? dev_below(&set->port, &set->dev, &set->nr) : 0;
}

void set_free(struct set *set)
{
	free(set->dev);
	set->dev = NULL;
	set->nr = 0;
}

/* How many bridges of the set are above one of it. */
unsigned int set_level(const struct set *set, const struct dev *dev)
{
	const char *rest = dev->dir + strlen(set->port.dir);
	unsigned int level = 0;

	for (; *rest; rest++)
		level += *rest == '/';

	return level;
}
