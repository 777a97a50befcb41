/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing that nobody needs is awake. */
#ifndef RIGTEST_REST_H
#define RIGTEST_REST_H

#include <stdbool.h>

#include "pci.h"

long __wait_rest(const struct pci_fn *pf);
bool port_may_rest(const struct pci_fn *port);
void check_rest(void);

#endif
