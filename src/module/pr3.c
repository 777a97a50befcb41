// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual _PR3: a vendor-specific capability in the virtual configuration space,
 * by which the ACPI methods of a guest turn the device's power off and on. Laid
 * out in linux/rtd3_vfio_pci.h, driven by src/acpi/rtd3-pr3.asl.
 *
 * It is made of nothing but bytes that neither the device nor the core uses, and
 * a guest can reach no more with it than with PMCSR: its own device's low power.
 */

#include <linux/bitmap.h>
#include <linux/pci.h>

#include "device.h"
#include "piece.h"
#include "pr3.h"

#define RTD3_PR3_STEP	4	/* capabilities begin at dwords */

/* Marks what belongs to capabilities, also to those that the core hides. */
static void rtd3_pr3_mark_caps(struct pci_dev *pdev, unsigned long *used)
{
	DECLARE_BITMAP(starts, PCI_CFG_SPACE_SIZE) = { };
	unsigned int loops = PCI_CFG_SPACE_SIZE / RTD3_PR3_STEP;
	unsigned int start, end;
	u8 pos;

	pci_read_config_byte(pdev, PCI_CAPABILITY_LIST, &pos);
	while (pos >= PCI_STD_HEADER_SIZEOF && loops--) {
		__set_bit(pos, starts);
		pci_read_config_byte(pdev, pos + PCI_CAP_LIST_NEXT, &pos);
	}

	for_each_set_bit(start, starts, PCI_CFG_SPACE_SIZE) {
		end = find_next_bit(starts, PCI_CFG_SPACE_SIZE, start + 1);
		/* Of one that is hidden the length is not known. */
		if (!test_bit(start, used))
			bitmap_set(used, start, end - start);
	}
}

static void rtd3_pr3_mark(struct rtd3_device *rdev, unsigned long *used)
{
	const u8 *map = rdev->core.pci_config_map;
	struct pci_dev *pdev = rdev->core.pdev;
	unsigned int pos;
	u16 status;
	u8 value;

	for (pos = 0; pos < PCI_CFG_SPACE_SIZE; pos++)
		if (map[pos] != 0xff)
			__set_bit(pos, used);
	pci_read_config_word(pdev, PCI_STATUS, &status);
	if (status & PCI_STATUS_CAP_LIST)
		rtd3_pr3_mark_caps(pdev, used);
	/* A register of the device's own shows as such where it is not zero. */
	for (pos = PCI_STD_HEADER_SIZEOF; pos < PCI_CFG_SPACE_SIZE; pos++) {
		pci_read_config_byte(pdev, pos, &value);
		if (value)
			__set_bit(pos, used);
	}
}

/* The last free place: devices' own registers tend to be at the front. */
static unsigned int rtd3_pr3_find(struct rtd3_device *rdev)
{
	DECLARE_BITMAP(used, PCI_CFG_SPACE_SIZE) = { };
	unsigned int pos = PCI_CFG_SPACE_SIZE - RTD3_PR3_SIZE;

	rtd3_pr3_mark(rdev, used);
	for (; pos >= PCI_STD_HEADER_SIZEOF; pos -= RTD3_PR3_STEP)
		if (find_next_bit(used, PCI_CFG_SPACE_SIZE, pos) >=
		    pos + RTD3_PR3_SIZE)
			return pos;

	return 0;
}

/**
 * rtd3_pr3_open - give a device that is being opened the capability
 * @rdev: device, after vfio_pci_core_enable(), held awake
 *
 * Where there is no room for it the device goes without, after a message.
 */
void rtd3_pr3_open(struct rtd3_device *rdev)
{
	struct rtd3_pr3 *pr3 = &rdev->config.pr3;
	u8 *vconfig = rdev->core.vconfig;
	__le16 *status = (__le16 *)&vconfig[PCI_STATUS];

	*pr3 = (struct rtd3_pr3) { };
	if (!READ_ONCE(rdev->config.virtual_pr3))
		return;

	pr3->pos = rtd3_pr3_find(rdev);
	if (!pr3->pos) {
		pci_warn(rdev->core.pdev,
			 "no virtual _PR3: no %u free bytes in its configuration space\n",
			 RTD3_PR3_SIZE);
		return;
	}
	if (*status & cpu_to_le16(PCI_STATUS_CAP_LIST))
		pr3->next = vconfig[PCI_CAPABILITY_LIST];
	*status |= cpu_to_le16(PCI_STATUS_CAP_LIST);
	vconfig[PCI_CAPABILITY_LIST] = pr3->pos;
}

/**
 * rtd3_pr3_owns - is this byte the capability's?
 * @rdev: device, open
 * @pos: in configuration space
 */
bool rtd3_pr3_owns(struct rtd3_device *rdev, unsigned int pos)
{
	const struct rtd3_pr3 *pr3 = &rdev->config.pr3;

	return pr3->pos && pos >= pr3->pos && pos < pr3->pos + RTD3_PR3_SIZE;
}

static bool rtd3_pr3_is_off(struct rtd3_device *rdev)
{
	return READ_ONCE(rdev->config.state) == RTD3_GUEST_D3COLD;
}

/**
 * rtd3_pr3_needs_device - does a write to the capability reach the device?
 * @rdev: device, open
 * @wr: the write, rtd3_pr3_owns() it
 *
 * Context: rtd3_config.lock held.
 */
bool rtd3_pr3_needs_device(struct rtd3_device *rdev,
			   const struct rtd3_piece *wr)
{
	unsigned int request = rdev->config.pr3.pos + RTD3_PR3_REQUEST;

	lockdep_assert_held(&rdev->config.lock);

	if (!rtd3_piece_covers(wr, request))
		return false;

	switch (wr->data[request - wr->pos]) {
	case RTD3_PR3_D3COLD:
		return !rtd3_lowpower_owned(rdev, RTD3_OWNER_GUEST);
	case RTD3_PR3_D0:
		return rtd3_pr3_is_off(rdev);
	default:
		return false;
	}
}

/* Wakes by others while the guest has turned the device off. */
static u32 rtd3_pr3_count(struct rtd3_device *rdev)
{
	unsigned int others = atomic_read(&rdev->pm.others);
	struct rtd3_pr3 *pr3 = &rdev->config.pr3;

	lockdep_assert_held(&rdev->config.lock);

	if (rtd3_pr3_is_off(rdev) && others != pr3->counted) {
		pr3->woken = true;
		pr3->wakes += others - pr3->counted;
	}
	pr3->counted = others;

	return pr3->wakes;
}

static u8 rtd3_pr3_status(struct rtd3_device *rdev)
{
	struct rtd3_pr3 *pr3 = &rdev->config.pr3;
	u8 status = rtd3_pr3_is_off(rdev) ? RTD3_PR3_D3COLD : RTD3_PR3_D0;

	if (pr3->failed)
		status |= RTD3_PR3_FAILED;
	if (pr3->woken)
		status |= RTD3_PR3_WOKEN;

	return status;
}

/**
 * rtd3_pr3_byte - read a byte of the capability
 * @rdev: device, open
 * @pos: in configuration space, rtd3_pr3_owns() it
 *
 * Context: rtd3_config.lock held.
 */
u8 rtd3_pr3_byte(struct rtd3_device *rdev, unsigned int pos)
{
	struct rtd3_pr3 *pr3 = &rdev->config.pr3;
	u32 wakes = rtd3_pr3_count(rdev);
	u8 bytes[RTD3_PR3_SIZE] = {
		PCI_CAP_ID_VNDR, pr3->next, RTD3_PR3_SIZE, RTD3_PR3_VERSION,
		'R', 'T', 'D', '3',
		[RTD3_PR3_REQUEST] = rtd3_pr3_is_off(rdev) ? RTD3_PR3_D3COLD :
							     RTD3_PR3_D0,
		[RTD3_PR3_STATUS] = rtd3_pr3_status(rdev),
		[RTD3_PR3_WAKES] = wakes, wakes >> 8, wakes >> 16, wakes >> 24,
	};

	lockdep_assert_held(&rdev->config.lock);

	return bytes[pos - pr3->pos];
}

/**
 * rtd3_pr3_write - write a byte of the capability
 * @rdev: device, open
 * @pos: in configuration space, rtd3_pr3_owns() it
 * @value: the new one; what is read-only is not changed
 *
 * Context: rtd3_config.lock held; the device held awake if the write needs it.
 * Return: 0; -EIO: the request has failed, which the status tells, too.
 */
int rtd3_pr3_write(struct rtd3_device *rdev, unsigned int pos, u8 value)
{
	struct rtd3_pr3 *pr3 = &rdev->config.pr3;
	int ret = 0;

	lockdep_assert_held(&rdev->config.lock);

	rtd3_pr3_count(rdev);
	switch (pos - pr3->pos) {
	case RTD3_PR3_REQUEST:
		if (value == RTD3_PR3_D3COLD)
			ret = rtd3_guest_power_off(rdev);
		else if (value == RTD3_PR3_D0)
			ret = rtd3_guest_power_on(rdev);
		pr3->failed = ret || (value != RTD3_PR3_D3COLD &&
				      value != RTD3_PR3_D0);
		break;
	case RTD3_PR3_STATUS:
		if (value & RTD3_PR3_WOKEN)
			pr3->woken = false;
		break;
	}

	return ret;
}
