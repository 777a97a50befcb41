/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_HEALTH_H
#define RTD3_HEALTH_H

#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

#include "blockers.h"

#define RTD3_HEALTH_NR	(RTD3_HEALTH_FAILED + 1)
#define RTD3_REASON_NR	(RTD3_REASON_SIBLING + 1)

#define RTD3_GATE_MS	2000	/* an access waits for a recovery */

struct rtd3_device;

extern const char * const rtd3_health_names[RTD3_HEALTH_NR];
extern const char * const rtd3_reason_names[RTD3_REASON_NR];

enum rtd3_health rtd3_health_get(struct rtd3_device *rdev,
				 enum rtd3_reason *reason);
bool rtd3_health_usable(struct rtd3_device *rdev);
bool rtd3_health_ready(struct rtd3_device *rdev);
void rtd3_health_report(struct rtd3_device *rdev, enum rtd3_reason reason,
			enum rtd3_depth from);
void rtd3_health_lost(struct rtd3_device *rdev);
void rtd3_health_well(struct rtd3_device *rdev, enum rtd3_reason degraded);
int rtd3_health_wait(struct rtd3_device *rdev);
int rtd3_health_check(struct rtd3_device *rdev);
int rtd3_health_enter(struct rtd3_device *rdev, unsigned int ms);

#endif /* RTD3_HEALTH_H */
