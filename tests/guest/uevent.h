/* SPDX-License-Identifier: GPL-2.0-only */
/* Uevents of our driver, as udev gets them. */
#ifndef RIGTEST_UEVENT_H
#define RIGTEST_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "pci.h"

int uevent_open(void);
bool uevent_next(int fd, const struct pci_fn *pf, int timeout_ms, char *text, size_t size);

#endif
