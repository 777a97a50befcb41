/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_BUSRESET_H
#define RTD3_BUSRESET_H

#include <linux/types.h>

struct pci_dev;
struct rtd3_device;

bool rtd3_busreset_bus(struct rtd3_device *rdev, struct pci_dev *bridge);
bool rtd3_busreset_link(struct rtd3_device *rdev, struct pci_dev *bridge);

#endif /* RTD3_BUSRESET_H */
