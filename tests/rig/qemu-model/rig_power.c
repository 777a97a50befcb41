// SPDX-License-Identifier: GPL-2.0-only
/*
 * rig-power: power and link of one root port, out of reach of its Slot Control, with faults.
 *
 *   -device rig-power,port=ID,iobase=0x4f0,log=FILE[,link-active=off][,inband-presence=on]
 *           [,native-pme=off][,port-ids=0xDDDDVVVV]
 *
 * The power is that of everything below the port: switches and what is behind them, too. The
 * option comes after all of these. A cut resets them and takes what can be written to their
 * configuration. A port in D3hot lets no configuration request through, as hardware.
 *
 * The port also gets what QEMU's lack: a PM capability, CRS Software Visibility, link state change
 * events, Device Readiness Status. It loses its slot's buttons and lamps, as the ports inside of a
 * computer have none. The ports of switches below get a PM capability and link active reporting.
 * With native-pme=off the firmware keeps PME to itself (_OSC), with port-ids the port is another
 * maker's.
 *
 * I/O ports, little endian:
 *   +0  8 bit  write: enum rig_switch; read: STATUS_*
 *   +1  8 bit  write: enum rig_fault, which takes its parameter from +2; read: the armed fault
 *   +2 16 bit  parameter; read: what is left of it
 *   +4 16 bit  how often the power went (read only)
 *   +6 16 bit  how often power was asked for with SWITCH_ON (read only)
 *   +8 16 bit  how often power came (read only)
 *   +10 16 bit RIG_MAGIC (read only)
 *   +12 16 bit whom the fault strikes: bus << 8 | device << 3 | function, as they were when there
 *              was power; 0 is the whole card
 *   +14 16 bit how often a bridge, or the port, has reset what is below it (read only)
 *
 * An armed fault shapes the next switching. FAULT_NONE disarms it, but what is bad already stays
 * so until power is switched off and on or forced on. A fault for somebody who is not there is not
 * armed.
 */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "exec/address-spaces.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_port.h"
#include "hw/qdev-properties.h"
#include "hw/pci/rig_power.h"
#include "system/reset.h"

#define TYPE_RIG_POWER	"rig-power"
OBJECT_DECLARE_SIMPLE_TYPE(RigPower, RIG_POWER);

#define IO_SIZE		16
#define RIG_MAGIC	0x4d52
#define FOREVER		0xffff
#define MAX_FNS		32
/* An id that no driver knows. */
#define SWAPPED_ID	0x0bad1b36

/* Native PME, in _OSC of a PCI Express root bridge. */
#define OSC_PME		0x4
/* PME from D0, D3hot and D3cold; version 3. */
#define PORT_PMC	0xc803

enum rig_switch {
	SWITCH_OFF = 0,		/* what _OFF writes; may meet a fault */
	SWITCH_ON = 1,		/* what _ON writes; may meet a fault */
	SWITCH_FORCE_ON = 2,	/* power comes back by itself, whatever the fault */
	SWITCH_CUT = 3,		/* power goes by itself */
};

#define STATUS_POWER	BIT(0)	/* as _STA says */
#define STATUS_LINK	BIT(1)
#define STATUS_ANSWERS	BIT(2)

enum rig_fault {
	FAULT_NONE = 0,
	FAULT_ON_IGNORED = 1,	/* the next N power-ons do nothing; FOREVER */
	FAULT_ON_LATE = 2,	/* power and link come N ms after _ON */
	FAULT_NOT_READY = 3,	/* asks to retry config cycles for N ms; FOREVER */
	FAULT_OFF_REFUSED = 4,	/* _OFF does nothing */
	FAULT_SWAPPED = 5,	/* comes back with another id */
	FAULT_SLOW_LINK = 6,	/* comes back with 2.5 GT/s and one lane in the slot */
	FAULT_DEAD_FN = 7,	/* comes back without whom it strikes, or without function N */
	FAULT_PULLED = 8,	/* pulled out of the slot N ms after it came back */
	FAULT_OFF_NOTHING = 9,	/* _OFF does nothing, and _STA says off */
	FAULT_OFF_PERST = 10,	/* _OFF resets and holds in reset, but the rail stays */
	FAULT_UNTIL_RESET = 11,	/* comes back dead, until a bridge above it resets it */
	FAULT_UNTIL_LINK = 12,	/* comes back without a link, until the port's is disabled */
	FAULT_GONE = 0x10,	/* at once, not armed: pulled out of the slot */
	FAULT_BACK = 0x11,	/* at once, not armed: put into the slot */
};

/**
 * struct rig_fn - something below the port
 * @d: the function or bridge
 * @bdf: its address when it had power last; without it the bridges have no bus numbers
 * @fresh: its configuration before anybody wrote to it
 * @id: its own
 * @swapped: it shows another one
 */
struct rig_fn {
	PCIDevice *d;
	uint16_t bdf;
	uint8_t *fresh;
	uint32_t id;
	bool swapped;
};

/**
 * struct RigPower - the model
 * @parent_obj: QEMU's
 * @port: the root port
 * @iobase: first I/O port
 * @link_active: the port reports an active link
 * @inband: the port takes an active link for presence
 * @native_pme: the firmware lets Linux have the PME of ports
 * @port_ids: device and vendor id of the port, or 0
 * @log_name: file for the log, or NULL
 * @log: that file
 * @io: the I/O ports
 * @nobody: answers below the port where no device does
 * @timer: ends FAULT_ON_LATE and FAULT_NOT_READY, brings on FAULT_PULLED
 * @fns: everything below the port, bridges before what is below them
 * @nr_fns: how many
 * @wanted: what the last switching asked for
 * @present: something is in the slot
 * @power: it has power, and the link is up
 * @link: what the port has been told about that
 * @pretends: _STA says off all the same
 * @perst: there is no link, but the rail has power
 * @effect: the fault that the last power-on met
 * @struck: by @effect; NULL is the whole card
 * @fault: armed
 * @param: of @fault
 * @target: of @fault, as written
 * @victim: of @fault, as found
 * @offs: counter
 * @requests: counter
 * @ons: counter
 * @resets: counter
 */
struct RigPower {
	DeviceState parent_obj;
	PCIESlot *port;
	uint32_t iobase;
	bool link_active;
	bool inband;
	bool native_pme;
	uint32_t port_ids;
	char *log_name;
	FILE *log;
	MemoryRegion io;
	MemoryRegion nobody;
	QEMUTimer *timer;
	struct rig_fn fns[MAX_FNS];
	int nr_fns;
	bool wanted;
	bool present;
	bool power;
	bool link;
	bool pretends;
	bool perst;
	enum rig_fault effect;
	PCIDevice *struck;
	uint8_t fault;
	uint16_t param;
	uint16_t target;
	PCIDevice *victim;
	uint16_t offs;
	uint16_t requests;
	uint16_t ons;
	uint16_t resets;
};

static RigPower *model;

static PCIDevice *port_of(const RigPower *s)
{
	return PCI_DEVICE(s->port);
}

static PCIBus *bus_of(const RigPower *s)
{
	return pci_bridge_get_sec_bus(PCI_BRIDGE(s->port));
}

static PCIDevice *parent_of(const PCIDevice *d)
{
	return pci_get_bus(d)->parent_dev;
}

static uint8_t *exp_of(PCIDevice *d)
{
	return d->config + d->exp.exp_cap;
}

/* Itself, or it is below whom the fault has struck. */
static bool is_struck(const RigPower *s, const PCIDevice *d)
{
	for (; d != port_of(s); d = parent_of(d))
		if (!s->struck || d == s->struck)
			return true;
	return false;
}

static bool is_waiting(const RigPower *s, const PCIDevice *d)
{
	return s->power && s->effect == FAULT_NOT_READY && is_struck(s, d);
}

/* With power, but without a link. */
static bool is_cut_off(const RigPower *s)
{
	return s->power && (s->effect == FAULT_UNTIL_LINK ||
			    pci_get_word(exp_of(port_of(s)) + PCI_EXP_LNKCTL) & PCI_EXP_LNKCTL_LD);
}

static bool is_alive(const RigPower *s, const PCIDevice *d)
{
	bool dead = s->effect == FAULT_DEAD_FN || s->effect == FAULT_NOT_READY ||
		    s->effect == FAULT_UNTIL_RESET;

	return s->power && !is_cut_off(s) && !(dead && is_struck(s, d));
}

static uint8_t status(const RigPower *s)
{
	uint8_t power = s->power && !s->pretends ? STATUS_POWER : 0;

	if (!s->power || is_cut_off(s))
		return power;
	return power | STATUS_LINK | (s->effect == FAULT_NOT_READY ? 0 : STATUS_ANSWERS);
}

static void note(RigPower *s, const char *what)
{
	int64_t real = g_get_real_time(), virt = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) / 1000;

	if (!s->log)
		return;
	fprintf(s->log, "%" PRId64 ".%06d guest %" PRId64 ".%06d %s: %s (status %u, fault %u/%u)\n",
		real / 1000000, (int)(real % 1000000), virt / 1000000, (int)(virt % 1000000),
		DEVICE(s->port)->id, what, status(s), s->fault, s->param);
	fflush(s->log);
}

static void show_link(PCIDevice *port, bool up)
{
	uint8_t *lnksta = exp_of(port) + PCI_EXP_LNKSTA;

	if (up && pci_get_long(exp_of(port) + PCI_EXP_LNKCAP) & PCI_EXP_LNKCAP_DLLLARC)
		pci_word_test_and_set_mask(lnksta, PCI_EXP_LNKSTA_DLLLA);
	else
		pci_word_test_and_clear_mask(lnksta, PCI_EXP_LNKSTA_DLLLA);
}

static void show_presence(RigPower *s)
{
	uint8_t *sltsta = exp_of(port_of(s)) + PCI_EXP_SLTSTA;

	if (s->inband ? s->link : s->present)
		pci_word_test_and_set_mask(sltsta, PCI_EXP_SLTSTA_PDS);
	else
		pci_word_test_and_clear_mask(sltsta, PCI_EXP_SLTSTA_PDS);
}

/* QEMU's resets leave some of it. */
static void forget(struct rig_fn *fn)
{
	PCIDevice *d = fn->d;

	for (unsigned int i = PCI_STD_HEADER_SIZEOF; i < pci_config_size(d); i++) {
		uint8_t mask = d->wmask[i] | d->w1cmask[i];

		d->config[i] = (d->config[i] & ~mask) | (fn->fresh[i] & mask);
	}
}

static void show_fn(RigPower *s, struct rig_fn *fn)
{
	PCIDevice *d = fn->d, *parent = parent_of(d);
	bool alive = is_alive(s, d);

	if (d->enabled && !alive) {
		pci_set_power(d, false);
		forget(fn);
	}
	pci_set_power(d, alive);
	/* Who asks for a retry has a link. */
	if (parent != port_of(s) && pcie_cap_get_type(parent) == PCI_EXP_TYPE_DOWNSTREAM)
		show_link(parent, alive || is_waiting(s, d));
}

/* Everything below the port, as the state is now. */
static void show(RigPower *s)
{
	PCIDevice *port = port_of(s);
	uint16_t events = PCI_EXP_SLTSTA_DLLSC;
	bool up = s->power && !is_cut_off(s);

	/* Nobody is without power below somebody who has it, so that each is reset once. */
	for (int i = 0; i < s->nr_fns; i++)
		show_fn(s, &s->fns[up ? i : s->nr_fns - 1 - i]);
	if (up == s->link)
		return;
	s->link = up;
	show_link(port, s->link);
	show_presence(s);
	if (s->inband)
		events |= PCI_EXP_SLTSTA_PDC;
	pcie_cap_slot_notify(port, events);
}

/* QEMU's endpoints have the slowest link there is: let them have their port's. */
static void train(RigPower *s, PCIDevice *d)
{
	PCIDevice *parent = parent_of(d);
	uint8_t *port = exp_of(parent), *fn = exp_of(d);
	uint32_t speed_width = PCI_EXP_LNKCAP_SLS | PCI_EXP_LNKCAP_MLW;
	uint16_t link = pci_get_long(port + PCI_EXP_LNKCAP) & speed_width;

	if (!d->exp.exp_cap || pcie_cap_get_type(d) == PCI_EXP_TYPE_DOWNSTREAM)
		return;
	pci_set_long(fn + PCI_EXP_LNKCAP,
		     (pci_get_long(fn + PCI_EXP_LNKCAP) & ~speed_width) | link);
	pci_set_long(fn + PCI_EXP_LNKCAP2,
		     pci_get_long(port + PCI_EXP_LNKCAP2) & ~RIG_LNKCAP2_DRS);
	/* Capabilities and Status have the same layout there. */
	if (parent == port_of(s) && s->effect == FAULT_SLOW_LINK)
		link = PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1;
	pci_set_word(fn + PCI_EXP_LNKSTA,
		     (pci_get_word(fn + PCI_EXP_LNKSTA) & ~speed_width) | link);
}

static void swap(struct rig_fn *fn, bool swapped)
{
	if (fn->swapped == swapped)
		return;
	fn->swapped = swapped;
	if (swapped)
		fn->id = pci_get_long(fn->d->config);
	pci_set_long(fn->d->config, swapped ? SWAPPED_ID : fn->id);
}

static void power_off(RigPower *s, const char *why)
{
	timer_del(s->timer);
	for (int i = 0; s->power && i < s->nr_fns; i++)
		s->fns[i].bdf = pci_get_bdf(s->fns[i].d);
	if (s->power && !s->perst)
		s->offs++;
	s->power = false;
	s->pretends = false;
	s->effect = FAULT_NONE;
	note(s, why);
	show(s);
}

static void power_on(RigPower *s, const char *why)
{
	timer_del(s->timer);
	if (!s->power && !s->perst)
		s->ons++;
	s->power = true;
	s->pretends = false;
	s->perst = false;
	s->effect = s->fault;
	s->struck = s->victim;
	for (int i = 0; i < s->nr_fns; i++) {
		struct rig_fn *fn = &s->fns[i];

		swap(fn, s->effect == FAULT_SWAPPED && is_struck(s, fn->d));
		train(s, fn->d);
	}
	if (s->effect == FAULT_PULLED ||
	    (s->effect == FAULT_NOT_READY && s->param != FOREVER))
		timer_mod(s->timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + s->param);
	note(s, why);
	show(s);
}

/* By a bridge; that of the port strikes the whole card. */
static void was_reset(RigPower *s, PCIDevice *bridge)
{
	PCIDevice *d = s->struck ? parent_of(s->struck) : port_of(s);

	s->resets++;
	while (d != bridge && d != port_of(s))
		d = parent_of(d);
	if (s->effect == FAULT_UNTIL_RESET && d == bridge)
		s->effect = FAULT_NONE;
	note(s, d == bridge ? "reset" : "reset of others");
	show(s);
}

/* Past all faults, which stay armed. */
static void force_on(RigPower *s, const char *why)
{
	uint8_t fault = s->fault;

	s->fault = FAULT_NONE;
	power_on(s, why);
	s->fault = fault;
}

static void insert(RigPower *s, bool present)
{
	if (s->present == present)
		return;
	s->present = present;
	show_presence(s);
	if (!present)
		power_off(s, "gone");
	else if (s->wanted)
		power_on(s, "back");
	else
		note(s, "back, without power");
	if (!s->inband)
		pcie_cap_slot_notify(port_of(s), PCI_EXP_SLTSTA_PDC);
}

static void timer_cb(void *opaque)
{
	RigPower *s = opaque;

	if (!s->power) {
		power_on(s, "late");
	} else if (s->effect == FAULT_PULLED) {
		insert(s, false);
	} else {
		s->effect = FAULT_NONE;
		note(s, "ready");
		show(s);
	}
}

static void asked_off(RigPower *s)
{
	switch (s->fault) {
	case FAULT_OFF_REFUSED:
		note(s, "_OFF refused");
		return;
	case FAULT_OFF_NOTHING:
		s->wanted = false;
		s->pretends = true;
		note(s, "_OFF does nothing");
		return;
	case FAULT_OFF_PERST:
		s->perst = s->power;
		break;
	}
	s->wanted = false;
	power_off(s, s->perst ? "_OFF holds in reset" : "_OFF");
}

static void asked_on(RigPower *s)
{
	s->requests++;
	s->wanted = true;
	s->pretends = false;
	if (!s->present || s->power || timer_pending(s->timer)) {
		note(s, "_ON changes nothing");
	} else if (s->fault == FAULT_ON_IGNORED && s->param) {
		s->param -= s->param != FOREVER;
		note(s, "_ON ignored");
	} else if (s->fault == FAULT_ON_LATE) {
		timer_mod(s->timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + s->param);
		note(s, "_ON will be late");
	} else {
		power_on(s, "_ON");
	}
}

static void turn(RigPower *s, uint8_t to)
{
	switch (to) {
	case SWITCH_OFF:
		asked_off(s);
		break;
	case SWITCH_ON:
		asked_on(s);
		break;
	case SWITCH_FORCE_ON:
		s->wanted = true;
		if (s->present)
			force_on(s, "forced on");
		break;
	case SWITCH_CUT:
		power_off(s, "cut");
		break;
	}
}

/* False when nobody is there; @who is NULL for the whole card. */
static bool find_victim(RigPower *s, uint8_t fault, PCIDevice **who)
{
	bool by_fn = fault == FAULT_DEAD_FN && !s->target;

	*who = NULL;
	if (!s->target && !by_fn)
		return true;
	for (int i = 0; !*who && i < s->nr_fns; i++) {
		PCIDevice *d = s->fns[i].d;
		uint16_t bdf = s->power ? pci_get_bdf(d) : s->fns[i].bdf;

		if (by_fn ? parent_of(d) == port_of(s) && d->devfn == s->param : bdf == s->target)
			*who = d;
	}
	return *who;
}

static void set_fault(RigPower *s, uint8_t fault)
{
	switch (fault) {
	case FAULT_GONE:
	case FAULT_BACK:
		insert(s, fault == FAULT_BACK);
		break;
	default:
		s->fault = find_victim(s, fault, &s->victim) ? fault : FAULT_NONE;
		note(s, s->fault == fault ? "fault set" : "fault for nobody");
	}
}

static void io_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
	RigPower *s = opaque;

	switch (addr) {
	case 0:
		turn(s, val);
		break;
	case 1:
		set_fault(s, val);
		break;
	case 2:
		s->param = (s->param & 0xff00) | val;
		break;
	case 3:
		s->param = (s->param & 0x00ff) | val << 8;
		break;
	case 12:
		s->target = (s->target & 0xff00) | val;
		break;
	case 13:
		s->target = (s->target & 0x00ff) | val << 8;
		break;
	}
}

static uint64_t io_read(void *opaque, hwaddr addr, unsigned int size)
{
	RigPower *s = opaque;
	uint16_t words[IO_SIZE / 2] = {
		status(s) | s->fault << 8, s->param, s->offs, s->requests, s->ons, RIG_MAGIC,
		s->target, s->resets,
	};

	return words[addr / 2] >> (addr % 2 * 8) & 0xff;
}

static const MemoryRegionOps io_ops = {
	.read = io_read,
	.write = io_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 4 },
	.impl = { .min_access_size = 1, .max_access_size = 1 },
};

/* QEMU's own answer to a read that nobody takes is 0, a root port's is all ones. */
static uint64_t nobody_read(void *opaque, hwaddr addr, unsigned int size)
{
	return ~0ull;
}

static void nobody_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
}

static const MemoryRegionOps nobody_ops = {
	.read = nobody_read,
	.write = nobody_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static bool is_below(const PCIDevice *d)
{
	while (d && d != port_of(model))
		d = parent_of(d);
	return d;
}

/**
 * rig_power_owns() - whether the model switches what is below a port, and nothing else may
 * @port: the port
 */
bool rig_power_owns(const PCIDevice *port)
{
	return model && is_below(port);
}

/**
 * rig_power_keeps_rail() - whether who is without link now is only held in reset
 */
bool rig_power_keeps_rail(void)
{
	return model && (model->perst || is_cut_off(model));
}

/**
 * rig_power_osc() - which of what Linux asks for the firmware gives it: a mask for _OSC
 */
uint32_t rig_power_osc(void)
{
	return model && !model->native_pme ? ~OSC_PME : ~0u;
}

static bool in_d3hot(const PCIDevice *d)
{
	return d->cap_present & QEMU_PCI_CAP_PM &&
	       pci_get_word(d->config + d->pm_cap + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK;
}

/**
 * rig_power_retry() - what a config read gives that is answered with retry status
 * @d: the function that answers so
 * @addr: register
 * @len: bytes
 *
 * With CRS Software Visibility the root port makes a vendor id of it, and all ones without, as of
 * every other register.
 */
uint32_t rig_power_retry(const PCIDevice *d, uint32_t addr, uint32_t len)
{
	PCIDevice *root = parent_of(d);

	while (root && parent_of(root))
		root = parent_of(root);
	if (root && addr == PCI_VENDOR_ID && len >= 2 &&
	    pci_get_word(exp_of(root) + PCI_EXP_RTCTL) & PCI_EXP_RTCTL_CRSSVE)
		return 0xffff0001;
	return ~0u;
}

/**
 * rig_power_takes() - a config request that does not get to a function
 * @d: the function
 * @addr: register
 * @len: bytes
 * @val: what a read gives
 *
 * Return: false when it gets there.
 */
bool rig_power_takes(const PCIDevice *d, uint32_t addr, uint32_t len, uint32_t *val)
{
	const PCIDevice *up;

	if (!model || d == port_of(model) || !is_below(d))
		return false;
	*val = ~0u;
	for (up = parent_of(d); up != parent_of(port_of(model)); up = parent_of(up))
		if (in_d3hot(up))
			return true;
	if (!is_waiting(model, d))
		return false;
	*val = rig_power_retry(d, addr, len);
	return true;
}

/**
 * rig_power_wrote() - a config write has got to a function
 * @d: the function
 * @addr: register
 * @len: bytes
 */
void rig_power_wrote(PCIDevice *d, uint32_t addr, uint32_t len)
{
	uint32_t lnkctl = d->exp.exp_cap + PCI_EXP_LNKCTL;

	if (!model || !is_below(d) || !IS_PCI_BRIDGE(d))
		return;
	if (ranges_overlap(addr, len, PCI_BRIDGE_CONTROL, 2) &&
	    pci_get_word(d->config + PCI_BRIDGE_CONTROL) & PCI_BRIDGE_CTL_BUS_RESET)
		was_reset(model, d);
	if (d != port_of(model) || !ranges_overlap(addr, len, lnkctl, 2))
		return;
	if (model->effect == FAULT_UNTIL_LINK &&
	    pci_get_word(d->config + lnkctl) & PCI_EXP_LNKCTL_LD) {
		model->effect = FAULT_NONE;
		note(model, "its link is disabled");
	}
	show(model);
}

static void reset(void *opaque)
{
	RigPower *s = opaque;

	s->present = true;
	s->fault = FAULT_NONE;
	s->victim = NULL;
	s->wanted = true;
	power_on(s, "reset");
	/* Without QEMU's hot-plug for PCI Express nobody else has said so. */
	show_presence(s);
}

static bool add_pm(PCIDevice *d, Error **errp)
{
	int pm = pci_pm_init(d, 0, errp);

	if (pm < 0)
		return false;
	pci_set_word(d->config + pm + PCI_PM_PMC, PORT_PMC);
	pci_set_word(d->config + pm + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	pci_set_word(d->wmask + pm + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	return true;
}

/* The ports of switches, too; afterwards all that is below is known. */
static bool equip_below(RigPower *s, PCIBus *bus, Error **errp)
{
	for (int i = 0; i < ARRAY_SIZE(bus->devices); i++) {
		PCIDevice *d = bus->devices[i];

		if (!d || pci_is_vf(d))
			continue;
		if (s->nr_fns == MAX_FNS) {
			error_setg(errp, "more than %d functions", MAX_FNS);
			return false;
		}
		if (IS_PCI_BRIDGE(d)) {
			if (!add_pm(d, errp))
				return false;
			if (pcie_cap_get_type(d) == PCI_EXP_TYPE_DOWNSTREAM)
				pci_long_test_and_set_mask(exp_of(d) + PCI_EXP_LNKCAP,
							   PCI_EXP_LNKCAP_DLLLARC);
		}
		s->fns[s->nr_fns++] = (struct rig_fn){
			.d = d,
			.fresh = g_memdup2(d->config, pci_config_size(d)),
		};
		if (IS_PCI_BRIDGE(d) &&
		    !equip_below(s, pci_bridge_get_sec_bus(PCI_BRIDGE(d)), errp))
			return false;
	}
	return true;
}

static bool equip_port(RigPower *s, Error **errp)
{
	PCIDevice *port = port_of(s);
	uint8_t *exp = exp_of(port), *wmask = port->wmask + port->exp.exp_cap;

	if (!add_pm(port, errp))
		return false;

	if (s->port_ids)
		pci_set_long(port->config, s->port_ids);
	pci_word_test_and_set_mask(wmask + PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);
	pci_word_test_and_set_mask(exp + PCI_EXP_RTCAP, PCI_EXP_RTCAP_CRSVIS);
	pci_word_test_and_set_mask(wmask + PCI_EXP_RTCTL, PCI_EXP_RTCTL_CRSSVE);
	pci_long_test_and_set_mask(exp + PCI_EXP_LNKCAP2, RIG_LNKCAP2_DRS);
	pci_word_test_and_set_mask(port->w1cmask + port->exp.exp_cap + PCI_EXP_LNKSTA2,
				   RIG_LNKSTA2_DRS);

	if (s->link_active)
		pci_long_test_and_set_mask(exp + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_DLLLARC);
	else
		pci_long_test_and_clear_mask(exp + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_DLLLARC);
	pci_long_test_and_clear_mask(exp + PCI_EXP_SLTCAP, PCI_EXP_SLTCAP_ABP |
				     PCI_EXP_SLTCAP_AIP | PCI_EXP_SLTCAP_PIP | PCI_EXP_SLTCAP_EIP);
	pci_word_test_and_set_mask(wmask + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_DLLSCE);
	pci_word_test_and_set_mask(port->w1cmask + port->exp.exp_cap + PCI_EXP_SLTSTA,
				   PCI_EXP_SLTSTA_DLLSC);
	return true;
}

static void realize(DeviceState *dev, Error **errp)
{
	RigPower *s = RIG_POWER(dev);

	if (!s->port || model) {
		error_setg(errp, s->port ? "there is one already" : "needs port=ID");
		return;
	}
	if (s->log_name) {
		s->log = fopen(s->log_name, "a");
		if (!s->log) {
			error_setg_file_open(errp, errno, s->log_name);
			return;
		}
	}
	if (!equip_port(s, errp) || !equip_below(s, bus_of(s), errp))
		return;
	s->timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, timer_cb, s);
	memory_region_init_io(&s->io, OBJECT(s), &io_ops, s, TYPE_RIG_POWER, IO_SIZE);
	memory_region_add_subregion(get_system_io(), s->iobase, &s->io);
	memory_region_init_io(&s->nobody, OBJECT(s), &nobody_ops, s, "rig-nobody", UINT64_MAX);
	memory_region_add_subregion_overlap(bus_of(s)->address_space_mem, 0, &s->nobody, -1);
	model = s;
	qemu_register_reset(reset, s);
}

/* QEMU 10 counts them, and wants them constant for that. */
static const Property props[] = {
	DEFINE_PROP_LINK("port", RigPower, port, TYPE_PCIE_SLOT, PCIESlot *),
	DEFINE_PROP_UINT32("iobase", RigPower, iobase, 0x4f0),
	DEFINE_PROP_BOOL("link-active", RigPower, link_active, true),
	DEFINE_PROP_BOOL("inband-presence", RigPower, inband, false),
	DEFINE_PROP_BOOL("native-pme", RigPower, native_pme, true),
	DEFINE_PROP_UINT32("port-ids", RigPower, port_ids, 0),
	DEFINE_PROP_STRING("log", RigPower, log_name),
};

static void class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);

	dc->desc = "Power and link of a root port, with faults";
	dc->realize = realize;
	dc->hotpluggable = false;
	device_class_set_props(dc, props);
	set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo info = {
	.name = TYPE_RIG_POWER,
	.parent = TYPE_DEVICE,
	.instance_size = sizeof(RigPower),
	.class_init = class_init,
};

static void register_types(void)
{
	type_register_static(&info);
}

type_init(register_types)
