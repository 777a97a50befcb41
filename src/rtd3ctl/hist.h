/* SPDX-License-Identifier: GPL-2.0-only */
/* How long something took, many times. */
#ifndef RTD3CTL_HIST_H
#define RTD3CTL_HIST_H

#include <stddef.h>
#include <stdio.h>

#include <json-c/json.h>

/**
 * struct hist - a distribution of times
 * @us: all of them, in microseconds; in order after hist_sort()
 * @nr: how many
 * @room: for how many there is room
 */
struct hist {
	long long *us;
	size_t nr;
	size_t room;
};

int hist_add(struct hist *hist, long long us);
void hist_sort(struct hist *hist);
long long hist_percentile(const struct hist *hist, unsigned int percent);
void hist_print(const struct hist *hist, FILE *out, const char *indent);
struct json_object *hist_json(const struct hist *hist);
void hist_free(struct hist *hist);

#endif /* RTD3CTL_HIST_H */
