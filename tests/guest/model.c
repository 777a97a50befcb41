// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/io.h>

#include "model.h"
#include "rig.h"
#include "tap.h"

/* As in tests/rig/qemu-model/rig_power.c. */
#define IOBASE		0x4f0
#define IO_SWITCH	(IOBASE + 0)
#define IO_FAULT	(IOBASE + 1)
#define IO_PARAM	(IOBASE + 2)
#define IO_OFFS		(IOBASE + 4)
#define IO_REQUESTS	(IOBASE + 6)
#define IO_ONS		(IOBASE + 8)
#define IO_MAGIC	(IOBASE + 10)
#define IO_TARGET	(IOBASE + 12)
#define IO_RESETS	(IOBASE + 14)
#define IO_SIZE		16

#define MAGIC		0x4d52
#define SWITCH_FORCE_ON	2
#define SWITCH_CUT	3
#define FAULT_GONE	0x10
#define FAULT_BACK	0x11

static void need_io(void)
{
	if (ioperm(IOBASE, IO_SIZE, 1))
		die("ioperm: %s", strerror(errno));
}

/** model_present() - whether port 1 of this machine has the power model */
bool model_present(void)
{
	if (!rig.model)
		return false;
	need_io();
	if (inw(IO_MAGIC) != MAGIC)
		die("the power model at I/O port %#x", IOBASE);
	return true;
}

/**
 * model_fault() - what the next power-off or power-on is to meet
 * @kind: the fault
 * @param: see there
 *
 * Replaces the fault that was there. What is bad already stays so until the power is switched off
 * and on without the fault, or model_force_on().
 */
void model_fault(enum model_fault kind, uint16_t param)
{
	model_fault_at(NULL, kind, param);
}

/**
 * model_fault_at() - model_fault() for one function, or bridge with what is below it
 * @pf: what it affects; NULL for the whole card
 * @kind: the fault: MODEL_NOT_READY, MODEL_SWAPPED, MODEL_DEAD_FN or MODEL_UNTIL_RESET
 * @param: see there; MODEL_DEAD_FN needs none
 */
void model_fault_at(const struct pci_fn *pf, enum model_fault kind, uint16_t param)
{
	need_io();
	outw(pf ? pf->bus << 8 | pf->dev << 3 | pf->fn : 0, IO_TARGET);
	outw(param, IO_PARAM);
	outb(kind, IO_FAULT);
	if (inb(IO_FAULT) != kind)
		die("%s: something that the power model knows", pf ? pf->name : "its function");
}

/** model_clear() - no fault any more; heals nothing by itself */
void model_clear(void)
{
	model_fault(MODEL_NONE, 0);
}

/** model_force_on() - power, link and all functions come back by themselves, whatever the fault */
void model_force_on(void)
{
	need_io();
	outb(SWITCH_FORCE_ON, IO_SWITCH);
}

/** model_cut() - the power goes by itself, and the link with it */
void model_cut(void)
{
	need_io();
	outb(SWITCH_CUT, IO_SWITCH);
}

/** model_gone() - the device is pulled out of the slot */
void model_gone(void)
{
	need_io();
	outb(FAULT_GONE, IO_FAULT);
}

/** model_back() - the device is put into the slot; has power if the last switching was _ON */
void model_back(void)
{
	need_io();
	outb(FAULT_BACK, IO_FAULT);
}

/** model_power() - what is up below port 1: MODEL_POWER, MODEL_LINK, MODEL_ANSWERS */
unsigned int model_power(void)
{
	need_io();
	return inb(IO_SWITCH);
}

/** model_counts() - what the model has seen so far */
struct model_counts model_counts(void)
{
	need_io();
	return (struct model_counts){
		.offs = inw(IO_OFFS),
		.requests = inw(IO_REQUESTS),
		.ons = inw(IO_ONS),
		.resets = inw(IO_RESETS),
	};
}
