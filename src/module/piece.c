// SPDX-License-Identifier: GPL-2.0-only
/* A write to configuration space on its way to the core. */

#include "device.h"
#include "piece.h"

/**
 * rtd3_piece_covers - does a write touch this byte?
 * @wr: the write
 * @pos: in configuration space
 */
bool rtd3_piece_covers(const struct rtd3_piece *wr, unsigned int pos)
{
	return pos >= wr->pos && pos < wr->pos + wr->len;
}

/**
 * rtd3_piece_forward - let the core make a write
 * @rdev: device, held awake
 * @wr: the write
 *
 * Context: rtd3_config.lock held, page faults disabled.
 * Return: 0; -EIO: the device does not work; -EFAULT: user memory is not there; or
 * another error of the core.
 */
int rtd3_piece_forward(struct rtd3_device *rdev, const struct rtd3_piece *wr)
{
	loff_t pos = wr->ppos;
	ssize_t ret;

	lockdep_assert_held(&rdev->config.lock);

	ret = vfio_pci_core_write(&rdev->core.vdev, wr->buf, wr->len, &pos);
	/* Whatever came of it, the core may have given dma-bufs back. */
	if (rtd3_lowpower_owned(rdev, ~0U))
		rtd3_lowpower_refresh(rdev);
	if (ret < 0)
		return ret;

	return rtd3_health_check(rdev);
}
