/* SPDX-License-Identifier: GPL-2.0-only */
/* A meter that somebody names: a file of hwmon, or a command. */
#ifndef RTD3CTL_METER_H
#define RTD3CTL_METER_H

#include <stdbool.h>

#define METER_TEXT	512

enum meter_kind {
	METER_COMMAND,
	METER_POWER,
	METER_ENERGY,
};

/**
 * struct meter - what tells watts
 * @source: as it was named
 * @kind: what that is
 * @joules: METER_ENERGY: the last reading
 * @when_us: and when that was
 * @why: in words, why it cannot be read
 */
struct meter {
	const char *source;
	enum meter_kind kind;
	double joules;
	long long when_us;
	char why[METER_TEXT];
};

int meter_init(struct meter *meter, const char *source);
int meter_start(struct meter *meter);
int meter_read(struct meter *meter, double *watts, double *weight);

#endif /* RTD3CTL_METER_H */
