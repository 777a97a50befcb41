/* SPDX-License-Identifier: GPL-2.0-only */
/* What a reason against D3cold means, and a command against it. */
#ifndef RTD3CTL_REMEDY_H
#define RTD3CTL_REMEDY_H

#include "blockers.h"

/**
 * enum remedy_weight - how much of an obstacle a reason is
 * @REMEDY_PASSING: it is somebody's wish, or passes
 * @REMEDY_BIND: to bind the power set cures it
 * @REMEDY_COMMAND: a command cures it
 * @REMEDY_NONE: firmware, kernel or hardware have to change
 */
enum remedy_weight {
	REMEDY_PASSING,
	REMEDY_BIND,
	REMEDY_COMMAND,
	REMEDY_NONE,
};

enum remedy_weight remedy_weight(enum rtd3_blocker_id id);
const char *remedy_means(enum rtd3_blocker_id id);
const char *remedy_advice(enum rtd3_blocker_id id);
void remedy_command(const struct rtd3_blocker *blocker, char *buf, size_t size);

#endif /* RTD3CTL_REMEDY_H */
