/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States, causes and reasons, their names and their numbers in the user API. Like
 * all in this folder it needs neither the kernel nor a C library: the module, the
 * unit tests and tools are built from the same files.
 */
#ifndef RTD3_TYPES_H
#define RTD3_TYPES_H

#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

/* How many there are of what the user API lists. */
#define RTD3_WAKE_NR	(RTD3_WAKE_HOST + 1)
#define RTD3_HEALTH_NR	(RTD3_HEALTH_FAILED + 1)
#define RTD3_REASON_NR	(RTD3_REASON_KNOWN_BAD + 1)

/**
 * enum rtd3_depth - power states that limits and time are accounted for
 * @RTD3_POWER_D0: awake for the runtime PM core (the guest may have put the
 *	device into D3hot by itself; that does not count as ours)
 * @RTD3_POWER_D3HOT: suspended, the port still has power
 * @RTD3_POWER_D3COLD: suspended, the port has cut the power
 * @RTD3_POWER_NR: how many there are
 */
enum rtd3_depth {
	RTD3_POWER_D0,
	RTD3_POWER_D3HOT,
	RTD3_POWER_D3COLD,
	RTD3_POWER_NR,
};

/**
 * enum rtd3_promote - when a guest's D3hot becomes low power
 * @RTD3_PROMOTE_NEVER: never
 * @RTD3_PROMOTE_SAFE: if the device loses its context in D3hot: whoever puts it
 *	there expects that
 * @RTD3_PROMOTE_ALWAYS: always
 * @RTD3_PROMOTE_NR: how many there are
 */
enum rtd3_promote {
	RTD3_PROMOTE_NEVER,
	RTD3_PROMOTE_SAFE,
	RTD3_PROMOTE_ALWAYS,
	RTD3_PROMOTE_NR,
};

/**
 * enum rtd3_guest_state - the power state that the guest has put the device in
 * @RTD3_GUEST_D0: as PMCSR has it, and so are the next three
 * @RTD3_GUEST_D1:
 * @RTD3_GUEST_D2:
 * @RTD3_GUEST_D3HOT:
 * @RTD3_GUEST_D3COLD: turned off by the virtual _PR3
 * @RTD3_GUEST_NR: how many there are
 */
enum rtd3_guest_state {
	RTD3_GUEST_D0 = 0,
	RTD3_GUEST_D1 = 1,
	RTD3_GUEST_D2 = 2,
	RTD3_GUEST_D3HOT = 3,
	RTD3_GUEST_D3COLD = 4,
	RTD3_GUEST_NR,
};

/**
 * enum rtd3_bar_mode - what an access to a BAR of a sleeping device gets
 * @RTD3_BAR_SIGBUS: an error: SIGBUS, or EIO
 * @RTD3_BAR_WAKE: the device: low power ends
 * @RTD3_BAR_NR: how many there are
 */
enum rtd3_bar_mode {
	RTD3_BAR_SIGBUS,
	RTD3_BAR_WAKE,
	RTD3_BAR_NR,
};

/**
 * enum rtd3_ready_rule - why a function may be asked after a power-on
 * @RTD3_READY_BY_TIME: the time of the specification is over, or firmware's (_DSM)
 * @RTD3_READY_BY_REPORT: the time is over that it reports itself
 * @RTD3_READY_AT_ONCE: it says that it needs none
 * @RTD3_READY_BY_MESSAGE: it has sent its message
 * @RTD3_READY_NEVER: it may not, there is no link
 */
enum rtd3_ready_rule {
	RTD3_READY_BY_TIME,
	RTD3_READY_BY_REPORT,
	RTD3_READY_AT_ONCE,
	RTD3_READY_BY_MESSAGE,
	RTD3_READY_NEVER,
	RTD3_READY_NR,
};

extern const char * const rtd3_power_names[RTD3_POWER_NR];
extern const char * const rtd3_policy_names[RTD3_POWER_NR];
extern const char * const rtd3_promote_names[RTD3_PROMOTE_NR];
extern const char * const rtd3_guest_names[RTD3_GUEST_NR];
extern const char * const rtd3_bar_names[RTD3_BAR_NR];
extern const char * const rtd3_cause_names[RTD3_WAKE_NR];
extern const char * const rtd3_health_names[RTD3_HEALTH_NR];
extern const char * const rtd3_reason_names[RTD3_REASON_NR];
extern const char * const rtd3_ready_names[RTD3_READY_NR];

/**
 * rtd3_to_uapi - a depth as the user API numbers it
 * @depth: enum rtd3_depth
 *
 * Return: RTD3_STATE_D0, RTD3_STATE_D3HOT or RTD3_STATE_D3COLD.
 */
static inline __u32 rtd3_to_uapi(enum rtd3_depth depth)
{
	return RTD3_STATE_D0 + depth;
}

#endif /* RTD3_TYPES_H */
