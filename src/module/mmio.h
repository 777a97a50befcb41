/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_MMIO_H
#define RTD3_MMIO_H

#include <linux/mm.h>

#include "types.h"

/**
 * struct rtd3_mmio - BARs of an open device that sleeps
 * @mode: rtd3/mmio
 * @error: the last wake for a mapping has failed
 * @core_ops: the core's operations of a mapping; ours call them
 */
struct rtd3_mmio {
	enum rtd3_bar_mode mode;
	bool error;
	const struct vm_operations_struct *core_ops;
};

struct rtd3_device;
struct vfio_device;

extern unsigned int rtd3_default_mmio; /* enum rtd3_bar_mode */

void rtd3_mmio_init(struct rtd3_device *rdev);
int rtd3_mmio_map(struct vfio_device *vdev, struct vm_area_struct *vma);
int rtd3_mmio_rw(struct rtd3_device *rdev, loff_t pos);

#endif /* RTD3_MMIO_H */
