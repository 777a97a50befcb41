/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_KNOWN_H
#define RTD3_KNOWN_H

struct pci_dev;

const char *rtd3_known_bad(struct pci_dev *pdev);

#endif /* RTD3_KNOWN_H */
