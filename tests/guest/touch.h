/* SPDX-License-Identifier: GPL-2.0-only */
/* Mappings that may raise SIGBUS. */
#ifndef RIGTEST_TOUCH_H
#define RIGTEST_TOUCH_H

#include <stdbool.h>
#include <stdint.h>

#include "dut.h"

bool zap_races(void);
void touch_setup(void);
bool touch_read(const void *page, const struct dut_reg *r, uint64_t *val);
bool touch_write(void *page, const struct dut_reg *r, uint64_t val);
int touch_signal(const void *page, const struct dut_reg *r);
uint64_t reg_ones(const struct dut_reg *r);

#endif
