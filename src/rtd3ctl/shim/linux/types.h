/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's header of that name has, and user space's has not. */
#ifndef RTD3CTL_LINUX_TYPES_H
#define RTD3CTL_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include_next <linux/types.h>

#endif
