/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The power model of port 1 (tests/rig/qemu-model): faults of power and link. The registers are
 * out of reach of the kernel, so nothing here wakes or tells it anything.
 */
#ifndef RIGTEST_MODEL_H
#define RIGTEST_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "pci.h"

/* What _STA says; the other two are true whatever it says. */
#define MODEL_POWER	0x1
#define MODEL_LINK	0x2
#define MODEL_ANSWERS	0x4
#define MODEL_UP	(MODEL_POWER | MODEL_LINK | MODEL_ANSWERS)

#define MODEL_FOREVER	0xffff
/* The first config word of a device with MODEL_SWAPPED. */
#define MODEL_SWAPPED_ID	0x0bad1b36

/* What the next _OFF and _ON meet, with the meaning of the parameter. */
enum model_fault {
	MODEL_NONE = 0,
	MODEL_ON_IGNORED = 1,	/* so many power-ons do nothing; or MODEL_FOREVER */
	MODEL_ON_LATE = 2,	/* power and link come so many ms after _ON */
	MODEL_NOT_READY = 3,	/* asks to retry config reads for so many ms; or MODEL_FOREVER */
	MODEL_OFF_REFUSED = 4,	/* _OFF does nothing */
	MODEL_SWAPPED = 5,	/* comes back with another id */
	MODEL_SLOW_LINK = 6,	/* comes back with 2.5 GT/s and one lane */
	MODEL_DEAD_FN = 7,	/* comes back without this function of the card */
	MODEL_PULLED = 8,	/* is pulled out of the slot so many ms after it came back */
	MODEL_OFF_NOTHING = 9,	/* _OFF does nothing, and _STA says off */
	MODEL_OFF_PERST = 10,	/* _OFF holds in reset, and the rail keeps its power */
	MODEL_UNTIL_RESET = 11,	/* comes back dead, until a bridge above resets it */
	MODEL_UNTIL_LINK = 12,	/* comes back without a link, until the port's is disabled */
};

/**
 * struct model_counts - since power on of the machine, modulo 65536
 * @offs: how often the power went, for whatever reason
 * @requests: how often _ON asked for it
 * @ons: how often it came, for whatever reason
 * @resets: how often a bridge has reset what is below it
 */
struct model_counts {
	uint16_t offs;
	uint16_t requests;
	uint16_t ons;
	uint16_t resets;
};

bool model_present(void);
void model_fault(enum model_fault kind, uint16_t param);
void model_fault_at(const struct pci_fn *pf, enum model_fault kind, uint16_t param);
void model_clear(void);
void model_force_on(void);
void model_cut(void);
void model_gone(void);
void model_back(void);
unsigned int model_power(void);
struct model_counts model_counts(void);

#endif
