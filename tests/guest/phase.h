/* SPDX-License-Identifier: GPL-2.0-only */
/* The moments of a device's life at which a fault strikes, for t_faults.c and t_gone.c. */
#ifndef RIGTEST_MOMENT_H
#define RIGTEST_MOMENT_H

#include <stdbool.h>

#include "power.h"
#include "vfio.h"

/*
 * A wake of ours waits 1 s, as the PCI core's port does, and an access 2 s more; the machines that
 * run beside this one take their time, too.
 */
#define MOMENT_MS	5000
/* After that a call of stock vfio-pci's is released. */
#define STOCK_MS	10000

/**
 * struct cell - one fault at one moment
 * @name: of fault and moment
 * @awake: the fault strikes a device in D0, else one in D3cold
 * @refused: its _OFF does nothing
 * @d: the device of a moment at which it is open
 * @map: a page of it
 * @efd: its error eventfd
 * @is_open: whether it is
 * @ret: of the call during which the fault struck
 * @ms: how long that took
 */
struct cell {
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

extern struct cell cell;

/* What the call of a moment does. */
#define MOMENT_FAILS	1	/* reports a device that does not work */
#define MOMENT_IOCTL	2	/* is an ioctl */
#define MOMENT_LEAVES	4	/* takes the driver away */

/**
 * struct moment - one of them
 * @name: of it
 * @begin: what comes before the fault; the device is asleep, or awake if the cell says so
 * @strike: the call during which the fault strikes
 * @flags: MOMENT_*
 */
struct moment {
	const char *name;
	void (*begin)(void);
	int (*strike)(void);
	int flags;
};

extern const struct moment moments[];
extern const int nr_moments;

const struct moment *moment_of(const char *name);
bool moment_asleep(const struct power *before);
int moment_look(void);
int moment_open(void);
void moment_new(const struct moment *m, const char *fault, bool awake);
void moment_strike(int (*strike)(void));
void moment_strike_stock(int (*strike)(void), void (*release)(void));
void moment_end(void);

#endif
