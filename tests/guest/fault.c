// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "kmsg.h"
#include "rig.h"

#define ACCESS_MS	2000	/* an access waits for the recovery */

/*
 * A wake waits one second and a bit for the device, an access as long again for the recovery steps,
 * and these cut the power twice: three power-ons without effect are too many.
 */
const struct fault faults[] = {
	{ .name = "on-dead-once", .kind = MODEL_ON_IGNORED, .param = 1, .first = true,
	  .cycle = true },
	{ .name = "on-dead-3-times", .kind = MODEL_ON_IGNORED, .param = 3,
	  .heal = FAULT_BY_RECOVER, .reasons = "no-answer link-down" },
	{ .name = "on-dead", .kind = MODEL_ON_IGNORED, .param = MODEL_FOREVER,
	  .heal = FAULT_BY_RECOVER, .reasons = "no-answer link-down" },
	{ .name = "on-dead-healed", .kind = MODEL_ON_IGNORED, .param = MODEL_FOREVER,
	  .heal = FAULT_BY_OPEN, .reasons = "no-answer link-down" },
	{ .name = "on-0.5s-late", .kind = MODEL_ON_LATE, .param = 500, .first = true },
	{ .name = "on-2s-late", .kind = MODEL_ON_LATE, .param = 2000, .first = true },
	{ .name = "on-30s-late", .kind = MODEL_ON_LATE, .param = 30000,
	  .heal = FAULT_BY_RECOVER, .reasons = "no-answer link-down" },
	{ .name = "retry-0.5s", .kind = MODEL_NOT_READY, .param = 500, .first = true },
	{ .name = "retry-for-ever", .kind = MODEL_NOT_READY, .param = MODEL_FOREVER,
	  .heal = FAULT_BY_RECOVER, .reasons = "not-ready no-answer" },
	{ .name = "off-refused", .kind = MODEL_OFF_REFUSED, .when = FAULT_AWAKE, .first = true,
	  .degraded = "power-not-cut" },
	{ .name = "swapped", .kind = MODEL_SWAPPED, .heal = FAULT_BY_RECOVER,
	  .reasons = "replaced" },
	{ .name = "slow-link", .kind = MODEL_SLOW_LINK, .first = true,
	  .degraded = "link-slower" },
	{ .name = "sibling-dead", .kind = MODEL_DEAD_FN, .first = true, .cycle = true,
	  .degraded = "sibling-dead", .two = true },
	{ .name = "power-lost-in-D0", .when = FAULT_NOW },
};

const int nr_faults = sizeof(faults) / sizeof(faults[0]);

/** fault_set() - let it happen */
void fault_set(const struct fault *f)
{
	if (f->when == FAULT_NOW)
		model_cut();
	else
		model_fault_at(f->two ? &rig.fn[1] : NULL, f->kind, f->param);
}

/** fault_power_works() - the fault is over, as it would be for a repaired machine */
void fault_power_works(const struct fault *f)
{
	model_clear();
	if (f->heal == FAULT_BY_OPEN)
		model_force_on();
}

/**
 * fault_outlasts_access() - did it take longer to get the device back than an access waits?
 * @pf: the function, which works again
 * @log: from kmsg_open() before the fault
 *
 * Then the access got EIO, and rightly so, on a machine that is too slow for the recovery. By the
 * driver's own count, which begins before the wait of the access and ends when it may end.
 */
bool fault_outlasts_access(const struct pci_fn *pf, int log)
{
	char line[512], *at;
	long ms = 0;

	while (kmsg_next(log, line, sizeof(line))) {
		at = strstr(line, "works again after ");
		if (at && strstr(line, pf->name))
			sscanf(at, "works again after %ld", &ms);
	}
	return ms >= ACCESS_MS;
}

/**
 * fault_health() - rtd3/health, once the driver has stopped to try
 * @pf: the function, bound to our driver
 * @timeout_ms: how long to wait for that
 */
const char *fault_health(const struct pci_fn *pf, long timeout_ms)
{
	static char health[64];
	uint64_t start = now_us();

	do {
		snprintf(health, sizeof(health), "%s", pci_get(pf, "rtd3/health"));
		if (strcmp(health, "recovering"))
			break;
		sleep_ms(20);
	} while (since_ms(start) < timeout_ms);
	return health;
}
