/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_SLEEP_H
#define RTD3_SLEEP_H

struct dev_pm_domain;

void rtd3_sleep_set_ops(struct dev_pm_domain *domain);

#endif /* RTD3_SLEEP_H */
