/* SPDX-License-Identifier: GPL-2.0-only */
/* Sleep and wake of the card below port 1 as the tests of the power model need them. */
#ifndef RIGTEST_WAKE_H
#define RIGTEST_WAKE_H

#include <sys/types.h>

#include "model.h"
#include "power.h"

#define WAKE_ASKS_MS	20000

void fall_asleep(struct power *p, const char *when);
pid_t wake_begin(const struct model_counts *before, const char *when);
void wake_end(pid_t pid, uint64_t start, const char *when);
void wake(const char *when);
void wake_recover(struct power *p, const char *when);

#endif
