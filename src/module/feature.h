/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_FEATURE_H
#define RTD3_FEATURE_H

#include <linux/vfio.h>

/* A payload of ours is never longer: bounds the work for its unknown rest. */
#define RTD3_PAYLOAD_MAX 4096

int rtd3_device_feature(struct vfio_device *vdev, u32 flags, void __user *arg,
			size_t argsz);

#endif /* RTD3_FEATURE_H */
