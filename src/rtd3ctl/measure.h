/* SPDX-License-Identifier: GPL-2.0-only */
/* What a meter says while a power set is in one state. */
#ifndef RTD3CTL_MEASURE_H
#define RTD3CTL_MEASURE_H

#include "cycle.h"
#include "meter.h"

/**
 * struct measure - watts in one state
 * @depth: state
 * @nr: number of readings; 0: it was not measured
 * @ms: the time that they took
 * @mean: watts on average
 * @low: the least
 * @high: the most
 * @deviation: standard deviation of the readings
 * @why: why it was not measured; empty if nobody has tried
 */
struct measure {
	enum rtd3_depth depth;
	unsigned int nr;
	long long ms;
	double mean;
	double low;
	double high;
	double deviation;
	char why[CYCLE_TEXT];
};

enum cycle_result measure_state(struct measure *measure, struct cycle *cycle,
				struct meter *meter, unsigned int seconds);

#endif /* RTD3CTL_MEASURE_H */
