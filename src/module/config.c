// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes of configuration space. Those of a sleeping device are answered
 * from shadow.c: while low power is held for the guest, and while the user's is with
 * RTD3_POWER_SHADOW, whether the device happens to be suspended or not, so that
 * there is nothing to race with. A write that has to reach the device wakes it, is
 * made, and the image is taken again. What a write does to the power state is in
 * guest.c.
 */

#include <linux/minmax.h>
#include <linux/pagemap.h>
#include <linux/pm_runtime.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "device.h"
#include "piece.h"

#define RTD3_COPY	64	/* bytes that a shadowed read handles at a time */
#define RTD3_FAULT_TRIES	16	/* user memory may be taken away again */

bool rtd3_default_virtual_pr3;

static bool rtd3_config_shadowed(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;

	lockdep_assert_held(&config->lock);

	if (!rtd3_health_usable(rdev))
		return false;

	return rtd3_lowpower_owned(rdev, RTD3_OWNER_GUEST) ||
	       (config->user_shadow && rtd3_lowpower_entered(rdev));
}

/* What neither the device nor the core shows as the guest has to see it. */
static bool rtd3_config_overlay(struct rtd3_device *rdev, unsigned int pos,
				u8 *value)
{
	struct rtd3_config *config = &rdev->config;
	u8 pm_cap = rdev->core.pdev->pm_cap;

	lockdep_assert_held(&config->lock);

	if (rtd3_pr3_owns(rdev, pos)) {
		*value = rtd3_pr3_byte(rdev, pos);
		return true;
	}
	if (pm_cap && pos == pm_cap + PCI_PM_CTRL) {
		*value &= ~PCI_PM_CTRL_STATE_MASK;
		*value |= min(config->state, RTD3_GUEST_D3HOT);
		/* Whoever may lose the context of a D3hot has to be told. */
		if (READ_ONCE(config->promote) == RTD3_PROMOTE_ALWAYS)
			*value &= ~PCI_PM_CTRL_NO_SOFT_RESET;
		return true;
	}

	return rtd3_shadow_patch(rdev, pos, value);
}

/* Is there a byte that rtd3_config_overlay() may change? Of all others it need not know. */
static bool rtd3_config_may_overlay(struct rtd3_device *rdev, unsigned int pos,
				    size_t count)
{
	struct pci_dev *pdev = rdev->core.pdev;
	unsigned int pr3 = rdev->config.pr3.pos;

	return pdev->pm_cap + PCI_PM_CTRL - pos < count ||
	       PCI_COMMAND - pos < count ||
	       pdev->msix_cap + PCI_MSIX_FLAGS + 1 - pos < count ||
	       (pr3 && pos < pr3 + RTD3_PR3_SIZE && pos + count > pr3);
}

/* Reads @count bytes from the image: 1, or 0: ask the device, or -EINTR. */
static int rtd3_config_read_shadow(struct rtd3_device *rdev, unsigned int pos,
				   u8 *data, size_t count)
{
	struct rtd3_config *config = &rdev->config;
	bool shadowed;
	size_t i;

	if (mutex_lock_killable(&config->lock))
		return -EINTR;
	shadowed = rtd3_config_shadowed(rdev);
	for (i = 0; i < count && shadowed; i++) {
		data[i] = rtd3_shadow_byte(rdev, pos + i);
		rtd3_config_overlay(rdev, pos + i, &data[i]);
	}
	config->shadow_reads += shadowed;
	mutex_unlock(&config->lock);

	return shadowed;
}

/* The device has answered into @buf: lay our bytes over. */
static int rtd3_config_patch(struct rtd3_device *rdev, unsigned int pos,
			     u8 __user *buf, size_t count)
{
	struct rtd3_config *config = &rdev->config;
	bool changed;
	size_t i;
	u8 value;

	if (!rtd3_config_may_overlay(rdev, pos, count))
		return 0;

	for (i = 0; i < count; i++) {
		if (!rtd3_config_may_overlay(rdev, pos + i, 1))
			continue;
		if (get_user(value, buf + i))
			return -EFAULT;
		mutex_lock(&config->lock);
		changed = rtd3_config_overlay(rdev, pos + i, &value);
		mutex_unlock(&config->lock);
		if (changed && put_user(value, buf + i))
			return -EFAULT;
	}

	return 0;
}

/* The device is awake, or the core wakes it. */
static ssize_t rtd3_config_read_awake(struct rtd3_device *rdev,
				      char __user *buf, size_t count,
				      loff_t *ppos)
{
	unsigned int pos = *ppos & VFIO_PCI_OFFSET_MASK;
	loff_t start = *ppos;
	ssize_t ret;

	ret = vfio_pci_core_read(&rdev->core.vdev, buf, count, ppos);
	if (ret > 0 && rtd3_health_check_read(rdev, buf, ret))
		ret = -EIO;
	if (ret > 0 && rtd3_config_patch(rdev, pos, buf, ret))
		ret = -EFAULT;
	if (ret < 0)
		*ppos = start;

	return ret;
}

static ssize_t rtd3_config_read_device(struct rtd3_device *rdev,
				       char __user *buf, size_t count,
				       loff_t *ppos)
{
	struct rtd3_waker waker;
	ssize_t ret;

	ret = rtd3_pm_access_checked(rdev, &waker, RTD3_WAKE_CONFIG);
	if (ret)
		return ret;
	ret = rtd3_config_read_awake(rdev, buf, count, ppos);
	rtd3_pm_access_end(rdev, &waker);

	return ret;
}

static bool rtd3_config_in_range(struct rtd3_device *rdev, loff_t pos,
				 size_t count)
{
	loff_t size = rdev->core.pdev->cfg_size;

	return pos < size && count <= size - pos;
}

/* Of a device that may be asleep. */
static noinline ssize_t rtd3_config_read_asleep(struct rtd3_device *rdev,
						char __user *buf, size_t count,
						loff_t *ppos)
{
	loff_t pos = *ppos & VFIO_PCI_OFFSET_MASK;
	u8 data[RTD3_COPY];
	size_t done = 0, len;
	int ret;

	if (!rtd3_config_in_range(rdev, pos, count))
		return -EFAULT;

	while (done < count) {
		len = min(count - done, sizeof(data));
		ret = rtd3_config_read_shadow(rdev, pos + done, data, len);
		if (ret < 0)
			return ret;
		if (!ret) {
			/* From the start: what is one read shall be of one kind. */
			if (done)
				*ppos -= done;
			return rtd3_config_read_device(rdev, buf, count, ppos);
		}
		if (copy_to_user(buf + done, data, len))
			return -EFAULT;
		*ppos += len;
		done += len;
	}

	return done;
}

/**
 * rtd3_config_read - read() of the configuration space
 * @rdev: device, open
 * @buf: user memory
 * @count: how much
 * @ppos: from where; moved on
 *
 * Context: process; takes rtd3_config.lock. Wakes the device, unless it is in
 * low power for the guest, or for a user who has asked for that.
 * Return: bytes read; -EFAULT out of range, or for bad memory; -EIO, -EINTR.
 */
ssize_t rtd3_config_read(struct rtd3_device *rdev, char __user *buf,
			 size_t count, loff_t *ppos)
{
	/* The core knows where it ends. */
	if (likely(rtd3_in_use(rdev)))
		return rtd3_config_read_awake(rdev, buf, count, ppos);

	return rtd3_config_read_asleep(rdev, buf, count, ppos);
}

/* A function level reset by its register; the core has done it. */
static bool rtd3_config_is_flr(struct rtd3_device *rdev,
			       const struct rtd3_piece *wr)
{
	struct pci_dev *pdev = rdev->core.pdev;
	unsigned int exp = pdev->pcie_cap + PCI_EXP_DEVCTL + 1;
	unsigned int af = pci_find_capability(pdev, PCI_CAP_ID_AF);

	if (pdev->pcie_cap && rtd3_piece_covers(wr, exp))
		return pdev->devcap & PCI_EXP_DEVCAP_FLR &&
		       wr->data[exp - wr->pos] & (PCI_EXP_DEVCTL_BCR_FLR >> 8);
	if (af && rtd3_piece_covers(wr, af + PCI_AF_CTRL))
		return wr->data[af + PCI_AF_CTRL - wr->pos] & PCI_AF_CTRL_FLR;

	return false;
}

static bool rtd3_config_is_pmcsr(struct rtd3_device *rdev,
				 const struct rtd3_piece *wr)
{
	u8 pm_cap = rdev->core.pdev->pm_cap;

	return pm_cap && rtd3_piece_covers(wr, pm_cap + PCI_PM_CTRL);
}

static bool rtd3_config_is_virtual(struct rtd3_device *rdev,
				   const struct rtd3_piece *wr)
{
	return rtd3_config_shadowed(rdev) && rtd3_shadow_virtual(rdev, wr->pos);
}

/* Does a write, as things are, have to reach the device? */
static bool rtd3_config_needs_device(struct rtd3_device *rdev,
				     const struct rtd3_piece *wr)
{
	lockdep_assert_held(&rdev->config.lock);

	/* Then nobody is told that it was written. */
	if (!rtd3_health_ready(rdev))
		return true;
	if (rtd3_pr3_owns(rdev, wr->pos))
		return rtd3_pr3_needs_device(rdev, wr);
	if (rtd3_config_is_pmcsr(rdev, wr))
		return rtd3_guest_needs_device(rdev, wr);

	/* What is off takes no other write. */
	return rdev->config.state != RTD3_GUEST_D3COLD &&
	       !rtd3_config_is_virtual(rdev, wr);
}

/* Any register but PMCSR: while the device sleeps only what matters wakes it. */
static int rtd3_config_write_other(struct rtd3_device *rdev,
				   struct rtd3_piece *wr)
{
	struct rtd3_config *config = &rdev->config;
	size_t i;
	int ret;

	if (rtd3_config_is_virtual(rdev, wr)) {
		for (i = 0; i < wr->len; i++)
			if (rtd3_shadow_virtual(rdev, wr->pos + i))
				rtd3_shadow_write(rdev, wr->pos + i, wr->data[i]);
		return 0;
	}

	ret = rtd3_piece_forward(rdev, wr);
	rtd3_shadow_written(rdev, wr->pos);
	if (ret)
		return ret;
	if (rtd3_piece_covers(wr, PCI_COMMAND))
		config->shadow.command_reset = false;
	if (config->state != RTD3_GUEST_D0 && rtd3_config_is_flr(rdev, wr))
		rtd3_guest_reset(rdev);
	if (rtd3_config_shadowed(rdev))
		rtd3_shadow_take(rdev);

	return 0;
}

static int rtd3_config_write_one(struct rtd3_device *rdev,
				 struct rtd3_piece *wr)
{
	size_t i;
	int ret = 0;

	lockdep_assert_held(&rdev->config.lock);

	if (rtd3_pr3_owns(rdev, wr->pos)) {
		for (i = 0; i < wr->len && !ret; i++)
			ret = rtd3_pr3_write(rdev, wr->pos + i, wr->data[i]);
		return ret;
	}
	if (rtd3_config_is_pmcsr(rdev, wr))
		return rtd3_guest_write_pmcsr(rdev, wr);
	/* As to a device without power. */
	if (rdev->config.state == RTD3_GUEST_D3COLD)
		return 0;

	return rtd3_config_write_other(rdev, wr);
}

/*
 * One try, which is not made if the device is needed and not held: -EAGAIN. User
 * memory that is not there is not waited for under the lock: -EFAULT, and the next
 * try may find it. @sleeps: one write is no sign that a sleeping device is needed.
 */
static int rtd3_config_try_write(struct rtd3_device *rdev,
				 struct rtd3_piece *wr, bool held,
				 bool *sleeps)
{
	struct rtd3_config *config = &rdev->config;
	int ret = -EAGAIN;

	if (mutex_lock_killable(&config->lock))
		return -EINTR;
	if (held || !rtd3_config_needs_device(rdev, wr)) {
		pagefault_disable();
		ret = rtd3_config_write_one(rdev, wr);
		pagefault_enable();
		*sleeps = rtd3_guest_asleep(rdev) || rtd3_config_shadowed(rdev);
	}
	mutex_unlock(&config->lock);

	return ret;
}

static int rtd3_config_write_piece(struct rtd3_device *rdev,
				   struct rtd3_piece *wr)
{
	unsigned int tries = 0;
	struct rtd3_waker waker;
	bool sleeps = true;
	bool held = false;
	int ret;

	do {
		ret = rtd3_config_try_write(rdev, wr, held, &sleeps);
		if (ret == -EAGAIN && !held) {
			ret = rtd3_pm_access_begin(rdev, &waker,
						   RTD3_WAKE_CONFIG);
			if (ret)
				break;
			held = true;
			ret = rtd3_config_try_write(rdev, wr, held, &sleeps);
		}
	} while (ret == -EFAULT && tries++ < RTD3_FAULT_TRIES &&
		 !fatal_signal_pending(current) &&
		 !fault_in_readable(wr->buf, wr->len));

	if (held && sleeps)
		rtd3_pm_access_drop(rdev, &waker);
	else if (held)
		rtd3_pm_access_end(rdev, &waker);

	return ret;
}

/* Each dword by itself, as the core does it. */
static noinline ssize_t rtd3_config_write_pieces(struct rtd3_device *rdev,
						 const char __user *buf,
						 size_t count, loff_t *ppos)
{
	struct rtd3_piece wr;
	size_t done;
	int ret;

	if (!rtd3_config_in_range(rdev, *ppos & VFIO_PCI_OFFSET_MASK, count))
		return -EFAULT;

	for (done = 0; done < count; done += wr.len) {
		wr.buf = buf + done;
		wr.ppos = *ppos + done;
		wr.pos = wr.ppos & VFIO_PCI_OFFSET_MASK;
		wr.len = min_t(size_t, count - done, 4 - wr.pos % 4);
		if (copy_from_user(wr.data, wr.buf, wr.len))
			return -EFAULT;
		ret = rtd3_config_write_piece(rdev, &wr);
		if (ret)
			return ret;
	}
	*ppos += done;

	return done;
}

/* Nothing that we have a part in? Then the core may have it while the device is in use. */
static bool rtd3_config_is_plain(struct rtd3_device *rdev, unsigned int pos,
				 size_t count)
{
	return count <= 4 - pos % 4 && !rtd3_config_may_overlay(rdev, pos, count);
}

/* One try: -EFAULT, -EAGAIN: it was not made. */
static ssize_t rtd3_config_write_awake(struct rtd3_device *rdev,
				       const char __user *buf, size_t count,
				       loff_t *ppos)
{
	struct rtd3_config *config = &rdev->config;
	ssize_t ret = -EAGAIN;
	unsigned int pos;

	if (mutex_lock_killable(&config->lock))
		return -EINTR;
	/* Its user does not change that under the lock. */
	if (rtd3_in_use(rdev)) {
		pos = *ppos & VFIO_PCI_OFFSET_MASK;
		pagefault_disable();
		ret = vfio_pci_core_write(&rdev->core.vdev, buf, count, ppos);
		pagefault_enable();
		rtd3_shadow_written(rdev, pos);
	}
	mutex_unlock(&config->lock);

	return ret;
}

/**
 * rtd3_config_write - write() of the configuration space
 * @rdev: device, open
 * @buf: user memory
 * @count: how much
 * @ppos: where; moved on
 *
 * A write of D0 to PMCSR returns when the device is awake and has been verified.
 *
 * Context: process; takes rtd3_config.lock.
 * Return: bytes written; -EFAULT out of range, or for bad memory; -EIO, -EINTR.
 */
ssize_t rtd3_config_write(struct rtd3_device *rdev, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	unsigned int pos = *ppos & VFIO_PCI_OFFSET_MASK;
	loff_t start = *ppos;
	ssize_t ret;

	if (!rtd3_config_is_plain(rdev, pos, count))
		return rtd3_config_write_pieces(rdev, buf, count, ppos);

	ret = rtd3_config_write_awake(rdev, buf, count, ppos);
	if (ret == -EAGAIN || ret == -EFAULT)
		return rtd3_config_write_pieces(rdev, buf, count, ppos);
	if (ret > 0 && rtd3_health_glance(rdev)) {
		*ppos = start;
		ret = -EIO;
	}

	return ret;
}

/**
 * rtd3_config_irqs_set - the user has set up interrupts
 * @rdev: device
 *
 * From here on MSI-X is what he has made of it.
 *
 * Context: process; takes rtd3_config.lock.
 */
void rtd3_config_irqs_set(struct rtd3_device *rdev)
{
	mutex_lock(&rdev->config.lock);
	rdev->config.shadow.msix_reset = false;
	mutex_unlock(&rdev->config.lock);
}

/**
 * rtd3_config_enter - the user enters low power, with or without an image
 * @rdev: device, awake for the ioctl
 * @wakeup: as for rtd3_lowpower_enter()
 * @limit: as there
 * @shadow: reads of configuration space shall not wake the device
 *
 * Context: process; takes rtd3_config.lock.
 * Return: as rtd3_lowpower_enter(), or -EINTR.
 */
int rtd3_config_enter(struct rtd3_device *rdev, struct eventfd_ctx *wakeup,
		      enum rtd3_depth limit, bool shadow)
{
	struct rtd3_config *config = &rdev->config;
	int ret;

	if (mutex_lock_killable(&config->lock))
		return -EINTR;
	if (shadow && !rtd3_config_shadowed(rdev))
		rtd3_shadow_take(rdev);
	ret = rtd3_lowpower_enter(rdev, wakeup, limit);
	if (!ret)
		config->user_shadow = shadow;
	mutex_unlock(&config->lock);

	return ret;
}

/**
 * rtd3_config_init - prepare a device that is not registered yet
 * @rdev: device
 */
void rtd3_config_init(struct rtd3_device *rdev)
{
	mutex_init(&rdev->config.lock);
	rdev->config.promote = READ_ONCE(rtd3_default_promote);
	rdev->config.virtual_pr3 = READ_ONCE(rtd3_default_virtual_pr3);
}

/**
 * rtd3_config_open - the device is being opened
 * @rdev: device, after vfio_pci_core_enable(), held awake
 *
 * Return: 0 or -ENOMEM.
 */
int rtd3_config_open(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;
	int ret;

	ret = rtd3_shadow_alloc(rdev);
	if (ret)
		return ret;
	config->state = RTD3_GUEST_D0;
	config->user_shadow = false;
	rtd3_pr3_open(rdev);

	return 0;
}

/**
 * rtd3_config_close - the last user has closed the device
 * @rdev: device
 */
void rtd3_config_close(struct rtd3_device *rdev)
{
	struct rtd3_config *config = &rdev->config;

	/* Against a reset of the whole set, and against observers. */
	mutex_lock(&config->lock);
	WRITE_ONCE(config->state, RTD3_GUEST_D0);
	rtd3_shadow_free(rdev);
	mutex_unlock(&config->lock);
}
