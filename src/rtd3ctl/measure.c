// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a meter says while all functions of a power set are in one state, in which they are
 * held by their policies. Where one leaves it there is no result, rather than a wrong one.
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "measure.h"
#include "stop.h"
#include "sys.h"

#define MEASURE_EACH_MS	1000	/* no meter that people have tells something new sooner */
#define MEASURE_SETTLE	4	/* before: a part of the time, for what was before */
#define MEASURE_LEAST	2	/* one reading has no spread */

/* Sums over the readings, with their weights. */
struct measure_sums {
	double weight;
	double watts;
	double squares;
};

static void measure_add(struct measure *measure, struct measure_sums *sums, double watts,
			double weight)
{
	if (!measure->nr || watts < measure->low)
		measure->low = watts;
	if (!measure->nr || watts > measure->high)
		measure->high = watts;
	measure->nr++;
	sums->weight += weight;
	sums->watts += weight * watts;
	sums->squares += weight * watts * watts;
}

static void measure_finish(struct measure *measure, const struct measure_sums *sums)
{
	double variance;

	measure->mean = sums->watts / sums->weight;
	variance = sums->squares / sums->weight - measure->mean * measure->mean;
	measure->deviation = variance > 0 ? sqrt(variance) : 0;
}

static enum cycle_result measure_unread(struct cycle *cycle, const struct meter *meter, int error)
{
	if (error == -EINTR && stop_asked())
		return CYCLE_STOPPED;

	return cycle_bad(cycle, cycle->member, "meter", "%s", meter->why);
}

static enum cycle_result measure_readings(struct measure *measure, struct cycle *cycle,
					  struct meter *meter, unsigned int seconds)
{
	long long start = stop_now_us(), end = start + seconds * 1000000LL, next = start, now;
	struct measure_sums sums = { };
	double watts, weight;
	int ret;

	ret = meter_start(meter);
	while (!ret && (next < end || measure->nr < MEASURE_LEAST)) {
		/* A meter that is slow is asked less often. */
		now = stop_now_us();
		do
			next += MEASURE_EACH_MS * 1000LL;
		while (next < now);
		if (stop_wait(-1, (next - now) / 1000))
			return CYCLE_STOPPED;
		ret = meter_read(meter, &watts, &weight);
		if (!ret)
			measure_add(measure, &sums, watts, weight);
	}
	if (ret)
		return measure_unread(cycle, meter, ret);
	/* Of energy the time that its average is of. */
	measure->ms = meter->kind == METER_ENERGY ? llround(sums.weight * 1000) :
		      (stop_now_us() - start) / 1000;
	measure_finish(measure, &sums);

	return CYCLE_GOOD;
}

static enum cycle_result measure_held(struct measure *measure, struct cycle *cycle,
				      struct meter *meter, unsigned int seconds)
{
	enum cycle_result result;

	if (stop_wait(-1, seconds * 1000L / MEASURE_SETTLE))
		return CYCLE_STOPPED;
	cycle_count(cycle);
	result = cycle_stays(cycle, measure->depth);
	if (!result)
		result = measure_readings(measure, cycle, meter, seconds);
	if (!result)
		result = cycle_stays(cycle, measure->depth);

	return result;
}

/**
 * measure_state - what is used in a state
 * @measure: filled; its @depth is the state
 * @cycle: power set
 * @meter: asked each second
 * @seconds: for so long
 *
 * A state that is not reached is no failure but for D3cold: not each device has a D3hot.
 */
enum cycle_result measure_state(struct measure *measure, struct cycle *cycle,
				struct meter *meter, unsigned int seconds)
{
	enum cycle_result result = cycle_limit(cycle, measure->depth);
	bool reached;

	if (!result)
		result = cycle_reach(cycle, measure->depth);
	reached = !result;
	if (reached)
		result = measure_held(measure, cycle, meter, seconds);
	if (!result)
		return CYCLE_GOOD;
	measure->nr = 0;
	if (result == CYCLE_STOPPED)
		return result;
	memcpy(measure->why, cycle->bad_text, sizeof(measure->why));
	if (reached || measure->depth != RTD3_POWER_D3HOT || strcmp(cycle->bad_id, "no-sleep"))
		return result;
	cycle->bad_id = NULL;

	return CYCLE_GOOD;
}
