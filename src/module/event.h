/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_EVENT_H
#define RTD3_EVENT_H

#include <linux/rtd3_vfio_pci.h>

#include "blockers.h"

struct rtd3_device;

void rtd3_event_init(struct rtd3_device *rdev);
void rtd3_event_limit(struct rtd3_device *rdev, enum rtd3_depth limit);
void rtd3_event_health(struct rtd3_device *rdev, enum rtd3_health health,
		       enum rtd3_reason reason);

#endif /* RTD3_EVENT_H */
