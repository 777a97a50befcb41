// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm_operations_struct.huge_fault takes an order, and no enum page_entry_size. Not
 * in 6.1, in 6.12; upstream commit "mm: remove enum page_entry_size".
 */
#include <linux/mm.h>

vm_fault_t rtd3_probe(struct vm_fault *vmf, unsigned int order);

static const struct vm_operations_struct __maybe_unused ops = {
	.huge_fault = rtd3_probe,
};
