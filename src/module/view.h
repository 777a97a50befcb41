/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_VIEW_H
#define RTD3_VIEW_H

#include <linux/types.h>

/**
 * struct rtd3_view - the configuration space of a sleeping device
 * @image: what the device answered when it was last asked, cfg_size bytes; NULL
 *	while the device is not open
 * @virt: which of its bits the core keeps in vconfig, and not in the device
 * @msix_reset: MSI-X Message Control reads as after a reset
 * @command_reset: so does the command register, until it is written
 *
 * Protected by rtd3_config.lock.
 */
struct rtd3_view {
	u8 *image;
	u8 *virt;
	bool msix_reset;
	bool command_reset;
};

struct rtd3_device;

int rtd3_view_alloc(struct rtd3_device *rdev);
void rtd3_view_free(struct rtd3_device *rdev);
void rtd3_view_take(struct rtd3_device *rdev);
u8 rtd3_view_byte(struct rtd3_device *rdev, unsigned int pos);
bool rtd3_view_virtual(struct rtd3_device *rdev, unsigned int pos);
void rtd3_view_write(struct rtd3_device *rdev, unsigned int pos, u8 value);
bool rtd3_view_patch(struct rtd3_device *rdev, unsigned int pos, u8 *value);
void rtd3_view_reset(struct rtd3_device *rdev);

#endif /* RTD3_VIEW_H */
