/* SPDX-License-Identifier: GPL-2.0-only */
/* What a debug kernel has seen of a whole test. */
#ifndef RIGTEST_DEBUG_H
#define RIGTEST_DEBUG_H

void debug_leaks(void);
void debug_coverage(void);

#endif
