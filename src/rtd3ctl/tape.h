/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording: what devices did, as it was written down by rtd3ctl record. */
#ifndef RTD3CTL_TAPE_H
#define RTD3CTL_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "dev.h"

#define TAPE_VERSION	1	/* larger when a name changes its meaning or goes */
#define TAPE_BEGIN	"begin"
#define TAPE_PRESENT	"present"
#define TAPE_END	"end"

#define TAPE_DEVICES	256
#define TAPE_TASK	32
#define TAPE_NAME	96

enum tape_state {
	TAPE_UNKNOWN,
	TAPE_D0,
	TAPE_D3HOT,
	TAPE_D3COLD,
	TAPE_FAILED,
	TAPE_STATES,
};

/**
 * struct tape_band - a time in one state
 * @from: nanoseconds since boot
 * @to: the same
 * @state: which state
 */
struct tape_band {
	long long from;
	long long to;
	enum tape_state state;
};

/**
 * struct tape_wake - a wake
 * @time: when the device began to wake
 * @cause: word of the driver; empty if unknown
 * @task: who did it; empty if unknown
 */
struct tape_wake {
	long long time;
	char cause[TAPE_TASK];
	char task[TAPE_TASK];
};

/**
 * struct tape_dev - one device
 * @bdf: its address
 * @name: what it is; may be empty
 * @band: times in states, in order, without gaps
 * @nr_bands: how many
 * @wake: wakes, in order
 * @nr_wakes: how many
 */
struct tape_dev {
	char bdf[DEV_BDF];
	char name[TAPE_NAME];
	struct tape_band *band;
	size_t nr_bands;
	struct tape_wake *wake;
	size_t nr_wakes;
};

/**
 * struct tape - a recording
 * @from: when it begins, nanoseconds since boot
 * @to: when it ends
 * @wall: the wall clock, less the time since boot, in nanoseconds; 0 if unknown
 * @dev: devices, by address
 * @nr: how many
 * @skipped: so many lines were not understood
 * @lost: so many events were lost when it was made
 * @version: of its format; 0 if it does not say
 */
struct tape {
	long long from;
	long long to;
	long long wall;
	struct tape_dev *dev;
	size_t nr;
	size_t skipped;
	long long lost;
	long long version;
};

extern const char * const tape_state_names[TAPE_STATES];

int tape_read(struct tape *tape, FILE *in);
long long tape_time_in(const struct tape_dev *dev, enum tape_state state);
void tape_free(struct tape *tape);

#endif /* RTD3CTL_TAPE_H */
