/* SPDX-License-Identifier: GPL-2.0-only */
/* Configuration space, of devices that are awake anyway. */
#ifndef RTD3CTL_CFG_H
#define RTD3CTL_CFG_H

#include "dev.h"

#define CFG_SIZE	4096

/**
 * struct cfg - what capabilities say
 * @pm: it has the PM capability
 * @pme_d3cold: and can signal PME from D3cold
 * @pcie: it has the PCI Express capability
 * @type: its device/port type
 * @hotplug: its slot can hot-plug
 * @ats: it has ATS
 */
struct cfg {
	bool pm;
	bool pme_d3cold;
	bool pcie;
	unsigned int type;
	bool hotplug;
	bool ats;
};

void cfg_parse(const unsigned char *space, size_t len, struct cfg *cfg);
const char *cfg_read(const struct dev *dev, struct cfg *cfg);
bool cfg_is_port(const struct cfg *cfg);

#endif /* RTD3CTL_CFG_H */
