/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_MMIO_H
#define RTD3_MMIO_H

#include <linux/mm.h>
#include <linux/types.h>

/**
 * enum rtd3_mmio_mode - what an access to a BAR of a sleeping device gets
 * @RTD3_MMIO_SIGBUS: an error: SIGBUS, or EIO
 * @RTD3_MMIO_WAKE: the device: low power ends
 */
enum rtd3_mmio_mode {
	RTD3_MMIO_SIGBUS,
	RTD3_MMIO_WAKE,
	RTD3_MMIO_NR
};

/**
 * struct rtd3_mmio - BARs of an open device that sleeps
 * @mode: rtd3/mmio
 * @core_ops: the core's operations of a mapping; ours call them
 */
struct rtd3_mmio {
	enum rtd3_mmio_mode mode;
	const struct vm_operations_struct *core_ops;
};

struct rtd3_device;
struct vfio_device;

extern const char * const rtd3_mmio_names[RTD3_MMIO_NR];
extern unsigned int rtd3_default_mmio; /* enum rtd3_mmio_mode */

void rtd3_mmio_init(struct rtd3_device *rdev);
int rtd3_mmio_map(struct vfio_device *vdev, struct vm_area_struct *vma);
int rtd3_mmio_rw(struct rtd3_device *rdev, loff_t pos);

#endif /* RTD3_MMIO_H */
