/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_LEARNT_H
#define RTD3_LEARNT_H

#include <linux/rtd3_vfio_pci.h>

#include "types.h"

struct pci_dev;

enum rtd3_depth rtd3_learnt_get(struct pci_dev *pdev, enum rtd3_reason *reason);
void rtd3_learnt_put(struct pci_dev *pdev, enum rtd3_depth limit,
		     enum rtd3_reason reason);
void rtd3_learnt_module_exit(void);

#endif /* RTD3_LEARNT_H */
