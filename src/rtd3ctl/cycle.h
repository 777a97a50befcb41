/* SPDX-License-Identifier: GPL-2.0-only */
/* One power cycle of an idle power set, and whether all came back as it was. */
#ifndef RTD3CTL_CYCLE_H
#define RTD3CTL_CYCLE_H

#include "hist.h"
#include "set.h"
#include "types.h"

#define CYCLE_DELAY_MS	100	/* idle before it sleeps, during the test */
#define CYCLE_TEXT	256

enum cycle_result {
	CYCLE_GOOD,
	CYCLE_BAD,
	CYCLE_STOPPED,
};

/**
 * struct cycle_dev - one of the power set
 * @dev: as it was when the test began
 * @bridge: it is woken with those below it, and not looked at
 * @delay: its power/autosuspend_delay_ms before the test
 * @lowered: it has another one now
 * @limited: its policy is not d3cold now
 * @resumes: its counters, from just before it is woken or measured
 * @failures: the same
 * @first: @resumes, when the test began
 * @error: of the read that woke it
 * @ids: what it read: vendor, and device in the upper half
 * @woken: when that was
 * @usage: its usage count while it sleeps; -1 if the kernel does not show it
 */
struct cycle_dev {
	struct dev dev;
	bool bridge;
	char delay[DEV_WORD];
	bool lowered;
	bool limited;
	long long resumes;
	long long failures;
	long long first;
	int error;
	unsigned int ids;
	long long woken;
	long long usage;
};

/**
 * struct cycle - a power set under test
 * @member: all of it, the device itself first
 * @nr: how many
 * @timeout_ms: how long to wait until they sleep
 * @tries: how often the device was woken for this
 * @wake: what a read of configuration space that wakes the device takes
 * @resume: what the driver needed for the device itself
 * @slab: bytes in the kernel's slabs when the test began; -1 if unknown
 * @bad_id: stable name of what was wrong; NULL if nothing was
 * @bad_device: with which device
 * @bad_text: in words
 */
struct cycle {
	struct cycle_dev *member;
	size_t nr;
	long timeout_ms;
	long long tries;
	struct hist wake;
	struct hist resume;
	long long slab;
	const char *bad_id;
	char bad_device[DEV_BDF];
	char bad_text[CYCLE_TEXT];
};

enum cycle_result cycle_bad(struct cycle *cycle, const struct cycle_dev *member, const char *id,
			    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int cycle_init(struct cycle *cycle, const struct set *set, const struct dev *dev);
void cycle_free(struct cycle *cycle);
int cycle_hurry(struct cycle *cycle);
int cycle_calm(struct cycle *cycle);
enum cycle_result cycle_limit(struct cycle *cycle, enum rtd3_depth depth);
enum cycle_result cycle_reach(struct cycle *cycle, enum rtd3_depth depth);
enum cycle_result cycle_stays(struct cycle *cycle, enum rtd3_depth depth);
enum cycle_result cycle_wake(struct cycle *cycle);
void cycle_count(struct cycle *cycle);
void cycle_base(struct cycle *cycle);
enum cycle_result cycle_compare(struct cycle *cycle);
long long cycle_slab(void);

#endif /* RTD3CTL_CYCLE_H */
