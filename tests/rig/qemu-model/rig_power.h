/* SPDX-License-Identifier: GPL-2.0-only */
/* The power model's hooks in QEMU; see rig_power.c. */
#ifndef RIG_POWER_H
#define RIG_POWER_H

#include "hw/pci/pci.h"

/* Device Readiness Status, of ports: PCI Express 6.0, 7.5.3.18 and 7.5.3.20. */
#define RIG_LNKCAP2_DRS	BIT(31)
#define RIG_LNKSTA2_DRS	BIT(15)

bool rig_power_owns(const PCIDevice *port);
bool rig_power_keeps_rail(void);
uint32_t rig_power_retry(const PCIDevice *d, uint32_t addr, uint32_t len);
uint32_t rig_power_osc(void);
void rig_power_wrote(PCIDevice *d, uint32_t addr, uint32_t len);
bool rig_power_takes(const PCIDevice *d, uint32_t addr, uint32_t len, uint32_t *val);

#endif
