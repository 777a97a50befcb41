/* SPDX-License-Identifier: GPL-2.0-only */
/* Stands for the kernel's header of that name; no system header includes it. */
#ifndef UNIT_LINUX_KERNEL_H
#define UNIT_LINUX_KERNEL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* As snprintf(), but returns what it has written, without the NUL. */
static inline __attribute__((format(printf, 3, 4))) int
scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf, size, fmt, args);
	va_end(args);
	if (!size)
		return 0;

	return (size_t)len < size ? len : (int)size - 1;
}

#endif
