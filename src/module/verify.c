// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checks of a wake. They cost some 30 configuration reads, microseconds in a
 * wake of a tenth of a second.
 */

#include <linux/delay.h>

#include "device.h"
#include "verify.h"

#define RTD3_SIBLING_TRIES	5
#define RTD3_SIBLING_MS		20

/**
 * rtd3_verify_read_id - vendor and device id, from the device
 * @pdev: PCI device
 *
 * Past the PCI core's mark for disconnected devices, which may be our own.
 */
u32 rtd3_verify_read_id(struct pci_dev *pdev)
{
	u32 id;

	if (pci_bus_read_config_dword(pdev->bus, pdev->devfn, PCI_VENDOR_ID,
				      &id))
		return ~0U;

	return id;
}

/**
 * rtd3_verify_is_answer - is that the id of a device, or what a port says?
 * @id: from rtd3_verify_read_id()
 */
bool rtd3_verify_is_answer(u32 id)
{
	switch (id & 0xffff) {
	case 0:
	case 0xffff:
	case RTD3_ID_RETRY:
		return false;
	default:
		return true;
	}
}

/**
 * rtd3_verify_header - the header after the restore, against what it was
 * @pdev: PCI device in D0
 * @header: what it was
 *
 * Return: RTD3_REASON_NONE, or what is wrong.
 */
enum rtd3_reason rtd3_verify_header(struct pci_dev *pdev, const u32 *header)
{
	/* INTx disable goes with MSI, which the kernel keeps apart. */
	const u32 command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			    PCI_COMMAND_MASTER;
	unsigned int i;
	u32 value;

	/* A virtual function's header is its physical function's business. */
	if (pdev->is_virtfn)
		return RTD3_REASON_NONE;

	for (i = 0; i < RTD3_RESUME_HEADER; i++) {
		bool identity = false;
		u32 mask = 0;

		switch (i * 4) {
		case PCI_VENDOR_ID:
		case PCI_CLASS_REVISION:
		case PCI_SUBSYSTEM_VENDOR_ID:
			identity = true;
			mask = ~0U;
			break;
		case PCI_BASE_ADDRESS_0 ... PCI_BASE_ADDRESS_5:
			mask = ~0U;
			break;
		case PCI_COMMAND:
			mask = command;
			break;
		}
		if (!mask)
			continue;
		pci_read_config_dword(pdev, i * 4, &value);
		if (PCI_POSSIBLE_ERROR(value) &&
		    !rtd3_verify_is_answer(rtd3_verify_read_id(pdev)))
			return RTD3_REASON_ABSENT;
		if ((value ^ header[i]) & mask) {
			pci_warn(pdev,
				 "configuration register %#x is %#x after the wake, was %#x\n",
				 i * 4, value, header[i]);
			return identity ? RTD3_REASON_REPLACED :
					  RTD3_REASON_CONFIG;
		}
	}

	return RTD3_REASON_NONE;
}

/**
 * rtd3_verify_read_link - speed and width of the port's link, 0 if unknown
 * @pdev: PCI device below the port
 */
u16 rtd3_verify_read_link(struct pci_dev *pdev)
{
	struct pci_dev *port = pci_upstream_bridge(pdev);
	u16 status;

	if (!port || !pci_is_pcie(port) ||
	    pcie_capability_read_word(port, PCI_EXP_LNKSTA, &status))
		return 0;

	return status & (PCI_EXP_LNKSTA_CLS | PCI_EXP_LNKSTA_NLW);
}

/**
 * rtd3_verify_link_worse - is the link slower or narrower than it was?
 * @rdev: device
 */
bool rtd3_verify_link_worse(struct rtd3_device *rdev)
{
	u16 old = rdev->resume.link;
	u16 now = rtd3_verify_read_link(rdev->core.pdev);

	return (now & PCI_EXP_LNKSTA_CLS) < (old & PCI_EXP_LNKSTA_CLS) ||
	       (now & PCI_EXP_LNKSTA_NLW) < (old & PCI_EXP_LNKSTA_NLW);
}

/**
 * rtd3_verify_functions - the functions of the device that answer, a bit each
 * @pdev: one of them
 *
 * Virtual functions have no id of their own to answer with. Past the kernel's list of
 * devices: to walk that takes a lock that no runtime PM callback may take.
 */
u8 rtd3_verify_functions(struct pci_dev *pdev)
{
	unsigned int slot = PCI_SLOT(pdev->devfn);
	unsigned int fn;
	u8 mask = 0;
	u32 id;

	for (fn = 0; fn < 8; fn++)
		if (!pci_bus_read_config_dword(pdev->bus, PCI_DEVFN(slot, fn),
					       PCI_VENDOR_ID, &id) &&
		    rtd3_verify_is_answer(id))
			mask |= BIT(fn);

	return mask;
}

/**
 * rtd3_verify_link_and_functions - the link, and the other functions of the device
 * @rdev: device in D0
 *
 * Return: RTD3_REASON_NONE, RTD3_REASON_LINK or RTD3_REASON_SIBLING.
 */
enum rtd3_reason rtd3_verify_link_and_functions(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	unsigned int tries = pdev->multifunction ? RTD3_SIBLING_TRIES : 0;

	if (pdev->is_virtfn)
		return RTD3_REASON_NONE;
	if (rtd3_verify_link_worse(rdev))
		return RTD3_REASON_LINK;

	/* Functions of one device need not be ready at one time. */
	for (; tries; tries--) {
		if (!(rdev->resume.functions & ~rtd3_verify_functions(pdev)))
			return RTD3_REASON_NONE;
		msleep(RTD3_SIBLING_MS);
	}

	return pdev->multifunction ? RTD3_REASON_SIBLING : RTD3_REASON_NONE;
}
