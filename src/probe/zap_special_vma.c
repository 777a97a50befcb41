// SPDX-License-Identifier: GPL-2.0-only
/* zap_special_vma_range(), as zap_vma_ptes() is called since. Not in 6.12, in 7.3. */
#include <linux/mm.h>

void rtd3_probe(struct vm_area_struct *vma);
void rtd3_probe(struct vm_area_struct *vma)
{
	zap_special_vma_range(vma, vma->vm_start, vma->vm_end - vma->vm_start);
}
