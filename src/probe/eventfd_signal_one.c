// SPDX-License-Identifier: GPL-2.0-only
/*
 * eventfd_signal() takes the context alone, and adds one. Not in 6.1, in 6.12;
 * upstream commit "eventfd: simplify eventfd_signal()".
 */
#include <linux/eventfd.h>

void rtd3_probe(struct eventfd_ctx *ctx);
void rtd3_probe(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
