/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts about the machine that decide whether devices can sleep. */
#ifndef RTD3CTL_HOST_H
#define RTD3CTL_HOST_H

#include <stdbool.h>
#include <stddef.h>

#define HOST_VERSION(a, b, c)	((a) * 1000000 + (b) * 1000 + (c))

bool host_cmdline_has(const char *word);
int host_bios_year(void);
const char *host_release(void);
int host_kernel(void);
bool host_parameter_on(const char *module, const char *parameter);

#endif /* RTD3CTL_HOST_H */
