/* SPDX-License-Identifier: GPL-2.0-only */
/* The faults of power and link that the tests inject, and what has to come of each. */
#ifndef RIGTEST_FAULT_H
#define RIGTEST_FAULT_H

#include <stdbool.h>

#include "model.h"
#include "pci.h"

/* When a fault is set. */
enum fault_when {
	FAULT_ASLEEP,	/* in D3cold: it meets the wake */
	FAULT_AWAKE,	/* in D0, before the sleep */
	FAULT_NOW,	/* in D0: the power goes */
};

/* How the device comes back. */
enum fault_heal {
	FAULT_BY_ITSELF,	/* the wake succeeds, or a recovery step does */
	FAULT_BY_RECOVER,	/* it fails; then power works again, and rtd3/recover is written */
	FAULT_BY_OPEN,		/* it fails; then power is back, and it is opened */
};

/**
 * struct fault - one row of the fault table
 * @name: of it
 * @kind: what the model does
 * @param: with which parameter
 * @when: it is set
 * @heal: how the device comes back
 * @first: the first access succeeds, if it waits
 * @cycle: but not an ioctl: that prevents a power cycle, or needs every function
 * @reasons: what rtd3/health_reason may say once the device has failed
 * @degraded: it works with this reason, until the next sleep without a fault
 * @two: needs two functions
 */
struct fault {
	const char *name;
	enum model_fault kind;
	unsigned int param;
	enum fault_when when;
	enum fault_heal heal;
	bool first;
	bool cycle;
	const char *reasons;
	const char *degraded;
	bool two;
};

extern const struct fault faults[];
extern const int nr_faults;

void fault_set(const struct fault *f);
void fault_power_works(const struct fault *f);
bool fault_outlasts_access(const struct pci_fn *pf, int log);
const char *fault_health(const struct pci_fn *pf, long timeout_ms);

#endif
