/* SPDX-License-Identifier: GPL-2.0-only */
/* The link of a slot, of devices that are awake anyway. */
#ifndef RTD3CTL_SLOT_H
#define RTD3CTL_SLOT_H

#include "set.h"

/**
 * struct slot - the link between a power set's slot and what is in it
 * @port: the bridge above it
 * @width: lanes in use
 * @speed: of each, in MT/s
 * @max_width: what both ends can
 * @max_speed: what both ends can
 */
struct slot {
	char port[DEV_BDF];
	long width;
	long speed;
	long max_width;
	long max_speed;
};

bool slot_load(struct slot *slot, const struct dev *dev, const struct set *set);

#endif /* RTD3CTL_SLOT_H */
