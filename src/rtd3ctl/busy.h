/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a device should not be taken from the driver that has it. */
#ifndef RTD3CTL_BUSY_H
#define RTD3CTL_BUSY_H

#include "set.h"

#define BUSY_TEXT	256

bool busy_console(const struct dev *dev, char *why);
bool busy_open(const struct dev *dev, char *why);
bool busy_mounted(const struct dev *dev, char *why);
bool busy_network(const struct dev *dev, char *why);
bool busy_group(const struct dev *dev, const struct dev *with, size_t nr, char *why);

#endif /* RTD3CTL_BUSY_H */
