/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_SNAPSHOT_H
#define RTD3_SNAPSHOT_H

#include "blockers.h"

/**
 * struct rtd3_prediction - what stands against D3cold now
 * @snap: what was seen
 * @list: the reasons; their names point into @snap
 * @nr: how many
 */
struct rtd3_prediction {
	struct rtd3_snapshot snap;
	struct rtd3_blocker list[RTD3_BLOCKERS_MAX];
	size_t nr;
};

struct rtd3_device;

struct rtd3_prediction *rtd3_predict(struct rtd3_device *rdev);

#endif /* RTD3_SNAPSHOT_H */
