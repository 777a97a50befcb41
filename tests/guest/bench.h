/* SPDX-License-Identifier: GPL-2.0-only */
/* What the measurements have in common: both drivers, figures, what the kernel's memory holds. */
#ifndef RIGTEST_BENCH_H
#define RIGTEST_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "pci.h"

/**
 * struct bench_driver - one of the two
 * @name: in sysfs
 * @who: in figures
 * @ours: it is not stock vfio-pci
 */
struct bench_driver {
	const char *name;
	const char *who;
	bool ours;
};

#define BENCH_DRIVERS	2
extern const struct bench_driver bench_drivers[BENCH_DRIVERS];

void bench_load(void);
void bench_bind(const struct pci_fn *pf, const struct bench_driver *by, const char *delay_ms);
void bench_ports_at_once(void);
void bench_figure(const struct bench_driver *by, const char *what, uint64_t value);
void bench_phase(void);
uint64_t bench_off(void);
uint64_t now_ns(void);
void sleep_us(long us);
long slab_bytes(void);

#endif
