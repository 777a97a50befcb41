// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are known not to come back from D3cold in their place, and by whom. No
 * entry without a source; none where the kernel itself keeps the port awake, as its
 * quirks and bridge_d3_blacklist[] do for any driver.
 */

#include <linux/dmi.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "known.h"

/**
 * struct rtd3_known - an entry
 * @port: vendor and device id of the port right above the device; 0: any
 * @vendor: of the device
 * @device: of the device, with @mask
 * @mask: bits of @device that count
 * @product: a part of the machine's product name (DMI); NULL: any
 * @source: who says so
 */
struct rtd3_known {
	u32 port;
	u16 vendor;
	u16 device;
	u16 mask;
	const char *product;
	const char *source;
};

static const struct rtd3_known rtd3_known[] = {
	/*
	 * quirk_broken_nv_runpm() of nouveau, commit 434fdb51513b: GPUs of notebooks do
	 * not come back from D3cold below this port of Intel's if they were in D3hot before.
	 */
	{
		.port = 0x19018086, .vendor = PCI_VENDOR_ID_NVIDIA,
		.source = "bugzilla.kernel.org 205623",
	},
	/* vram_threshold_value() of xe, commit bb36170d959f: Battlemage in this NUC. */
	{
		.vendor = PCI_VENDOR_ID_INTEL, .device = 0xe200, .mask = 0xff00,
		.product = "NUC13RNG",
		.source = "Linux commit bb36170d959f",
	},
};

static bool rtd3_known_fits(const struct rtd3_known *known, struct pci_dev *pdev)
{
	struct pci_dev *port = pci_upstream_bridge(pdev);
	const char *product = dmi_get_system_info(DMI_PRODUCT_NAME);

	if (pdev->vendor != known->vendor ||
	    (pdev->device & known->mask) != known->device)
		return false;
	if (known->port &&
	    (!port || known->port != ((u32)port->device << 16 | port->vendor)))
		return false;

	return !known->product || (product && strstr(product, known->product));
}

/**
 * rtd3_known_bad - is a device known not to come back from D3cold where it is?
 * @pdev: PCI device
 *
 * Context: any.
 * Return: who says so, or NULL.
 */
const char *rtd3_known_bad(struct pci_dev *pdev)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rtd3_known); i++)
		if (rtd3_known_fits(&rtd3_known[i], pdev))
			return rtd3_known[i].source;

	return NULL;
}
