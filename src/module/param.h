/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_PARAM_H
#define RTD3_PARAM_H

struct pci_driver;

int rtd3_param_check_ids(void);
int rtd3_param_add_ids(struct pci_driver *driver);

#endif /* RTD3_PARAM_H */
