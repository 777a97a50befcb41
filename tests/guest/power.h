/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Power as the hypervisor sees it: calls of _ON and _OFF, config space from outside. The host's
 * word decides; what the kernel believes (power_state, rtd3/) is compared with it.
 */
#ifndef RIGTEST_POWER_H
#define RIGTEST_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "pci.h"

#define ASLEEP_TIMEOUT_MS	10000
#define ALL_ONES		0xffffffffu

/**
 * struct power - calls of a port's power resource since power on
 * @on: _ON
 * @off: _OFF
 */
struct power {
	unsigned int on;
	unsigned int off;
};

struct power power_get(int port);
uint32_t power_cfg(const struct pci_fn *pf, unsigned int off);
long __wait_asleep(const struct pci_fn *pf, const struct power *before, long timeout_ms);
void wait_asleep(const struct pci_fn *pf, struct power *before);
long check_asleep(const struct pci_fn *pf, struct power *before, const char *when);
long check_bind_asleep(struct power *counts, const char *when);
bool check_woken(const struct pci_fn *pf, struct power *before, const char *when);
bool check_no_off(struct power *before, long ms, const char *when);
bool check_no_on(struct power *before, long ms, const char *when);

unsigned long long rtd3_num(const struct pci_fn *pf, const char *attr);
void check_rtd3(const struct pci_fn *pf, const char *attr, const char *want, const char *when);
void check_last_wake(const struct pci_fn *pf, const char *cause, const char *when);
void check_rtd3_grew(const struct pci_fn *pf, const char *attr, unsigned long long before,
		     const char *when);

#endif
