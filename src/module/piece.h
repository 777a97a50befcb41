/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_PIECE_H
#define RTD3_PIECE_H

#include <linux/types.h>

/**
 * struct rtd3_piece - one write of the user to configuration space, within a dword
 * @buf: user memory
 * @ppos: position in the device's file
 * @pos: in configuration space
 * @len: bytes
 * @data: what is decided by; the core copies @buf once more, and a user who
 *	changes it meanwhile gets a state that does not fit, of its own device
 */
struct rtd3_piece {
	const char __user *buf;
	loff_t ppos;
	unsigned int pos;
	size_t len;
	u8 data[4];
};

struct rtd3_device;

bool rtd3_piece_covers(const struct rtd3_piece *wr, unsigned int pos);
int rtd3_piece_forward(struct rtd3_device *rdev, const struct rtd3_piece *wr);

#endif /* RTD3_PIECE_H */
