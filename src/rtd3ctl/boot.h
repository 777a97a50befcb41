/* SPDX-License-Identifier: GPL-2.0-only */
/* The file of devices that the driver gets at boot, which src/early/ goes by. */
#ifndef RTD3CTL_BOOT_H
#define RTD3CTL_BOOT_H

#include "dev.h"

#define BOOT_FILE	"/etc/rtd3/bind"

int boot_load(char **text);
int boot_save(const char *text);
int boot_add(char **text, const struct dev *dev);
bool boot_remove(char *text, const struct dev *dev);
bool boot_names(const char *line, size_t len, const struct dev *dev);

#endif /* RTD3CTL_BOOT_H */
