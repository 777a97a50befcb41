/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_PR3_H
#define RTD3_PR3_H

#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

/**
 * struct rtd3_pr3 - the virtual _PR3 of an open device
 * @pos: where its capability is in configuration space; 0: there is none
 * @next: the capability behind it
 * @failed: the last request has not succeeded
 * @woken: somebody else has woken the device while it was off
 * @wakes: how often
 * @counted: of rtd3_pm.others, what is in @wakes, or was before it was off
 *
 * Protected by rtd3_config.lock.
 */
struct rtd3_pr3 {
	u8 pos;
	u8 next;
	bool failed;
	bool woken;
	u32 wakes;
	unsigned int counted;
};

struct rtd3_piece;
struct rtd3_device;

void rtd3_pr3_open(struct rtd3_device *rdev);
bool rtd3_pr3_owns(struct rtd3_device *rdev, unsigned int pos);
bool rtd3_pr3_needs_device(struct rtd3_device *rdev,
			   const struct rtd3_piece *wr);
u8 rtd3_pr3_byte(struct rtd3_device *rdev, unsigned int pos);
int rtd3_pr3_write(struct rtd3_device *rdev, unsigned int pos, u8 value);

#endif /* RTD3_PR3_H */
