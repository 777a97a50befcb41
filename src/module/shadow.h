/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_SHADOW_H
#define RTD3_SHADOW_H

#include <linux/types.h>

/**
 * struct rtd3_shadow - the configuration space of a sleeping device
 * @image: what the device answered when it was last asked, cfg_size bytes; NULL
 *	while the device is not open
 * @virt: which of its bits the core keeps in vconfig, and not in the device
 * @taken: @image is what the device has answered
 * @msix_reset: MSI-X Message Control reads as after a reset
 * @command_reset: so does the command register, until it is written
 *
 * Protected by rtd3_config.lock.
 */
struct rtd3_shadow {
	u8 *image;
	u8 *virt;
	bool taken;
	bool msix_reset;
	bool command_reset;
};

struct rtd3_device;

int rtd3_shadow_alloc(struct rtd3_device *rdev);
void rtd3_shadow_free(struct rtd3_device *rdev);
void rtd3_shadow_take(struct rtd3_device *rdev);
void rtd3_shadow_written(struct rtd3_device *rdev, unsigned int pos);
u8 rtd3_shadow_byte(struct rtd3_device *rdev, unsigned int pos);
bool rtd3_shadow_virtual(struct rtd3_device *rdev, unsigned int pos);
void rtd3_shadow_write(struct rtd3_device *rdev, unsigned int pos, u8 value);
bool rtd3_shadow_patch(struct rtd3_device *rdev, unsigned int pos, u8 *value);
void rtd3_shadow_reset(struct rtd3_device *rdev);

#endif /* RTD3_SHADOW_H */
