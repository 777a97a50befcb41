/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_HEALTH_H
#define RTD3_HEALTH_H

#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

#include "types.h"

#define RTD3_GATE_MS	2000	/* an access waits for a recovery */
#define RTD3_RETRY_MS	60000	/* as the PCI core, for a device that asks for a retry */

struct rtd3_device;

/* After so many wakes without a failure the fallback limit is lifted by one state; 0: never. */
extern unsigned int rtd3_fallback_cycles;

int rtd3_health_module_init(void);
void rtd3_health_module_exit(void);
void rtd3_health_queue(struct rtd3_device *rdev);
void rtd3_health_queue_later(struct rtd3_device *rdev);
enum rtd3_health rtd3_health_get(struct rtd3_device *rdev,
				 enum rtd3_reason *reason);
void rtd3_health_report(struct rtd3_device *rdev, enum rtd3_reason reason,
			enum rtd3_depth from);
void rtd3_health_lost(struct rtd3_device *rdev);
void rtd3_health_well(struct rtd3_device *rdev, enum rtd3_reason degraded);
int rtd3_health_wait(struct rtd3_device *rdev, bool patient);
int rtd3_health_check(struct rtd3_device *rdev);
int rtd3_health_glance(struct rtd3_device *rdev);
int rtd3_health_check_read(struct rtd3_device *rdev, const char __user *buf,
			   size_t count);
int rtd3_health_enter(struct rtd3_device *rdev, unsigned int ms);

#endif /* RTD3_HEALTH_H */
