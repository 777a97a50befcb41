/* SPDX-License-Identifier: GPL-2.0-only */
/* Power sets: what loses power together. */
#ifndef RTD3CTL_SET_H
#define RTD3CTL_SET_H

#include "dev.h"

/**
 * struct set - a power set
 * @port: where the power is cut; without _PR3, the port above the device
 * @has_port: false: the device is on a root bus, or cuts its own power
 * @dev: all of it: @port first if there is one, each bridge before what is below it
 * @nr: how many
 */
struct set {
	struct dev port;
	bool has_port;
	struct dev *dev;
	size_t nr;
};

int set_load(struct set *set, const struct dev *dev);
void set_free(struct set *set);
unsigned int set_level(const struct set *set, const struct dev *dev);

#endif /* RTD3CTL_SET_H */
