/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_BAR_H
#define RTD3_BAR_H

#include <linux/mm.h>

#include "types.h"

/**
 * struct rtd3_bar - BARs of an open device that sleeps
 * @mode: rtd3/mmio
 * @error: the last wake for a mapping has failed
 * @core_ops: the core's operations of a mapping; ours call them
 */
struct rtd3_bar {
	enum rtd3_bar_mode mode;
	bool error;
	const struct vm_operations_struct *core_ops;
};

struct rtd3_device;
struct vfio_device;

extern unsigned int rtd3_default_bar_mode; /* enum rtd3_bar_mode */

void rtd3_bar_init(struct rtd3_device *rdev);
int rtd3_bar_map(struct vfio_device *vdev, struct vm_area_struct *vma);
int rtd3_bar_rw(struct rtd3_device *rdev, loff_t pos);

#endif /* RTD3_BAR_H */
