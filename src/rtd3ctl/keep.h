/* SPDX-License-Identifier: GPL-2.0-only */
/* What verbs keep over a reboot, with the messages for when that does not work. */
#ifndef RTD3CTL_KEEP_H
#define RTD3CTL_KEEP_H

#include "rule.h"

int keep_load(struct rules *rules);
int keep_save(const struct rules *rules);
int keep_can_bind(void);
int keep_bound(const struct dev *dev, size_t nr, bool bound);

#endif /* RTD3CTL_KEEP_H */
