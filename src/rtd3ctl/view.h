/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices as people and programs want to see them. */
#ifndef RTD3CTL_VIEW_H
#define RTD3CTL_VIEW_H

#include <json-c/json.h>

#include "set.h"
#include "snap.h"

/**
 * struct view_times - how long a device has been in which state since it was bound
 * @known: the driver counts it
 * @ms: by enum rtd3_depth
 * @total: all of it
 */
struct view_times {
	bool known;
	long long ms[RTD3_POWER_NR];
	long long total;
};

void view_times(const struct dev *dev, struct view_times *times);
int view_percent(const struct view_times *times, enum rtd3_depth depth);
long long view_stay(const struct dev *dev);
const char *view_state(const struct dev *dev);
void view_duration(long long ms, char *buf, size_t size);
struct json_object *view_device_json(const struct dev *dev);
struct json_object *view_set_json(const struct set *set);
void view_tree(const struct set *set, const struct dev *self, const char *indent);

#endif /* RTD3CTL_VIEW_H */
