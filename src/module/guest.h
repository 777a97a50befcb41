/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_GUEST_H
#define RTD3_GUEST_H

#include <linux/types.h>

/**
 * enum rtd3_promote - when a guest's D3hot becomes low power
 * @RTD3_PROMOTE_NEVER: never
 * @RTD3_PROMOTE_SAFE: if the device loses its context in D3hot: whoever puts it
 *	there expects that
 * @RTD3_PROMOTE_ALWAYS: always
 */
enum rtd3_promote {
	RTD3_PROMOTE_NEVER,
	RTD3_PROMOTE_SAFE,
	RTD3_PROMOTE_ALWAYS,
	RTD3_PROMOTE_NR
};

/**
 * enum rtd3_guest_state - the power state that the guest has put the device in
 * @RTD3_GUEST_D0: as PMCSR has it, and so are the next three
 * @RTD3_GUEST_D1:
 * @RTD3_GUEST_D2:
 * @RTD3_GUEST_D3HOT:
 * @RTD3_GUEST_D3COLD: turned off by the virtual _PR3
 */
enum rtd3_guest_state {
	RTD3_GUEST_D0 = 0,
	RTD3_GUEST_D1 = 1,
	RTD3_GUEST_D2 = 2,
	RTD3_GUEST_D3HOT = 3,
	RTD3_GUEST_D3COLD = 4,
	RTD3_GUEST_NR
};

struct rtd3_config_write;
struct rtd3_device;

extern const char * const rtd3_promote_names[RTD3_PROMOTE_NR];
extern const char * const rtd3_guest_names[RTD3_GUEST_NR];
extern unsigned int rtd3_default_promote; /* enum rtd3_promote */

int rtd3_guest_write_pmcsr(struct rtd3_device *rdev,
			   struct rtd3_config_write *wr);
int rtd3_guest_power_off(struct rtd3_device *rdev);
int rtd3_guest_power_on(struct rtd3_device *rdev);
int rtd3_guest_wake(struct rtd3_device *rdev);
void rtd3_guest_reset(struct rtd3_device *rdev);
void rtd3_guest_was_reset(struct rtd3_device *rdev);
bool rtd3_guest_asleep(struct rtd3_device *rdev);

#endif /* RTD3_GUEST_H */
