/* SPDX-License-Identifier: GPL-2.0-only */
/* The phases of a device's life in which a fault is injected, for t_faults.c and t_gone.c. */
#ifndef RIGTEST_PHASE_H
#define RIGTEST_PHASE_H

#include <stdbool.h>

#include "power.h"
#include "vfio.h"

/*
 * A wake of ours waits 1 s, as the PCI core's port does, and an access 2 s more; the machines that
 * run beside this one take their time, too.
 */
#define PHASE_MS	5000
/* After that a call of stock vfio-pci's is released. */
#define STOCK_MS	10000

/**
 * struct fault_case - one fault in one phase
 * @name: of fault and phase
 * @awake: the fault meets a device in D0, else one in D3cold
 * @refused: its _OFF does nothing
 * @d: the device of a phase in which it is open
 * @map: a page of it
 * @efd: its error eventfd
 * @is_open: whether it is
 * @ret: of the call during which the fault occurs
 * @ms: how long that took
 */
struct fault_case {
	char name[64];
	bool awake;
	bool refused;
	struct vfio_dev d;
	void *map;
	int efd;
	bool is_open;
	int ret;
	long ms;
};

extern struct fault_case fcase;

/* What the call of a phase does. */
#define PHASE_FAILS	1	/* reports a device that does not work */
#define PHASE_IOCTL	2	/* is an ioctl */
#define PHASE_LEAVES	4	/* takes the driver away */

/**
 * struct phase - one of them
 * @name: of it
 * @begin: what comes before the fault; the device is asleep, or awake if the case says so
 * @call: the call during which the fault occurs
 * @flags: PHASE_*
 */
struct phase {
	const char *name;
	void (*begin)(void);
	int (*call)(void);
	int flags;
};

extern const struct phase phases[];
extern const int nr_phases;

const struct phase *phase_of(const char *name);
bool phase_asleep(const struct power *before);
int phase_look(void);
int phase_open(void);
void phase_new(const struct phase *phase, const char *fault, bool awake);
void phase_call(int (*call)(void));
void phase_call_stock(int (*call)(void), void (*release)(void));
void phase_end(void);

#endif
