/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a device cannot reach D3cold, on a host where the driver has it or has not. */
#ifndef RTD3CTL_SNAP_H
#define RTD3CTL_SNAP_H

#include "blockers.h"
#include "set.h"

#define SNAP_UNKNOWN_MAX	32

/**
 * struct snap_unknown - a fact that could not be seen, and was taken for good
 * @device: of which device
 * @fact: stable name
 * @why: why not
 */
struct snap_unknown {
	char device[DEV_BDF];
	const char *fact;
	const char *why;
};

/**
 * struct snap - what stands against D3cold
 * @shot: the snapshot that this is concluded from; not used if @from_driver
 * @from_driver: the driver has the device, and said it itself
 * @list: the reasons; they point into this structure
 * @nr: how many
 * @predicted: the deepest state they leave
 * @unknown: what could not be seen
 * @nr_unknown: how many
 */
struct snap {
	struct rtd3_snapshot shot;
	bool from_driver;
	struct rtd3_blocker list[RTD3_BLOCKERS_MAX];
	size_t nr;
	enum rtd3_depth predicted;
	struct snap_unknown unknown[SNAP_UNKNOWN_MAX];
	size_t nr_unknown;
	char names[RTD3_BLOCKERS_MAX][DEV_BDF];
};

void snap_take(struct snap *snap, const struct dev *dev, const struct set *set);
int snap_parse(struct snap *snap, char *text);
bool snap_is_hotplug(const struct dev *port);

#endif /* RTD3CTL_SNAP_H */
