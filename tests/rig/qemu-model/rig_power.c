// SPDX-License-Identifier: GPL-2.0-only
/*
 * rig-power: power and link of one root port, out of reach of its Slot Control, with faults.
 *
 *   -device rig-power,port=ID,iobase=0x4f0,log=FILE
 *
 * The port also gets what QEMU's lack: a PM capability, CRS Software Visibility, link state change
 * events. It loses its slot's buttons and lamps, as the ports inside of a computer have none.
 *
 * I/O ports, little endian:
 *   +0  8 bit  write: enum rig_switch; read: STATUS_*
 *   +1  8 bit  write: enum rig_fault, which takes its parameter from +2; read: the armed fault
 *   +2 16 bit  parameter; read: what is left of it
 *   +4 16 bit  how often the power went (read only)
 *   +6 16 bit  how often power was asked for with SWITCH_ON (read only)
 *   +8 16 bit  how often power came (read only)
 *   +10 16 bit RIG_MAGIC (read only)
 *
 * An armed fault shapes the next switching. FAULT_NONE disarms it, but what is bad already stays
 * so until power is switched off and on or forced on.
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
#if __has_include("system/reset.h")
#include "system/reset.h"	/* QEMU 10 */
#else
#include "sysemu/reset.h"
#endif

#define TYPE_RIG_POWER	"rig-power"
OBJECT_DECLARE_SIMPLE_TYPE(RigPower, RIG_POWER);

#define IO_SIZE		16
#define RIG_MAGIC	0x4d52
#define FOREVER		0xffff
#define NR_FNS		8
/* An id that no driver knows. */
#define SWAPPED_ID	0x0bad1b36

/* PME from D0, D3hot and D3cold; version 3. */
#define PORT_PMC	0xc803

enum rig_switch {
	SWITCH_OFF = 0,		/* what _OFF writes; may meet a fault */
	SWITCH_ON = 1,		/* what _ON writes; may meet a fault */
	SWITCH_FORCE_ON = 2,	/* power comes back by itself, whatever the fault */
	SWITCH_CUT = 3,		/* power goes by itself */
};

#define STATUS_POWER	BIT(0)
#define STATUS_LINK	BIT(1)
#define STATUS_ANSWERS	BIT(2)

enum rig_fault {
	FAULT_NONE = 0,
	FAULT_ON_IGNORED = 1,	/* the next N power-ons do nothing; FOREVER */
	FAULT_ON_LATE = 2,	/* power and link come N ms after _ON */
	FAULT_NOT_READY = 3,	/* asks to retry config cycles for N ms; FOREVER */
	FAULT_OFF_REFUSED = 4,	/* _OFF does nothing */
	FAULT_SWAPPED = 5,	/* comes back with another id */
	FAULT_SLOW_LINK = 6,	/* comes back with 2.5 GT/s and one lane */
	FAULT_DEAD_FN = 7,	/* comes back without function N */
	FAULT_PULLED = 8,	/* pulled out of the slot N ms after it came back */
	FAULT_GONE = 0x10,	/* at once, not armed: pulled out of the slot */
	FAULT_BACK = 0x11,	/* at once, not armed: put into the slot */
};

/**
 * struct RigPower - the model
 * @parent_obj: QEMU's
 * @port: the root port
 * @iobase: first I/O port
 * @log_name: file for the log, or NULL
 * @log: that file
 * @io: the I/O ports
 * @nobody: answers below the port where no device does
 * @timer: ends FAULT_ON_LATE and FAULT_NOT_READY, brings on FAULT_PULLED
 * @pulled: it is for that
 * @wanted: what the last switching asked for
 * @present: something is in the slot
 * @power: it has power, and the link is up
 * @ready: it answers config cycles
 * @dead_fn: a function that does not, or -1
 * @swapped: function ids are not their own
 * @ids: their own
 * @fault: armed
 * @param: of @fault
 * @offs: counter
 * @requests: counter
 * @ons: counter
 */
struct RigPower {
	DeviceState parent_obj;
	PCIESlot *port;
	uint32_t iobase;
	char *log_name;
	FILE *log;
	MemoryRegion io;
	MemoryRegion nobody;
	QEMUTimer *timer;
	bool pulled;
	bool wanted;
	bool present;
	bool power;
	bool ready;
	int dead_fn;
	bool swapped;
	uint32_t ids[NR_FNS];
	uint8_t fault;
	uint16_t param;
	uint16_t offs;
	uint16_t requests;
	uint16_t ons;
};

static RigPower *model;

static PCIDevice *port_of(RigPower *s)
{
	return PCI_DEVICE(s->port);
}

static PCIBus *bus_of(RigPower *s)
{
	return pci_bridge_get_sec_bus(PCI_BRIDGE(s->port));
}

static uint8_t *exp_of(PCIDevice *d)
{
	return d->config + d->exp.exp_cap;
}

static uint8_t status(const RigPower *s)
{
	return (s->power ? STATUS_POWER | STATUS_LINK : 0) |
	       (s->power && s->ready ? STATUS_ANSWERS : 0);
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

/* Everything below the port, as the state is now. */
static void show_fn(PCIBus *bus, PCIDevice *d, void *opaque)
{
	RigPower *s = opaque;

	pci_set_power(d, s->power && s->ready && d->devfn != s->dead_fn);
}

static void show(RigPower *s)
{
	PCIDevice *port = port_of(s);
	uint8_t *lnksta = exp_of(port) + PCI_EXP_LNKSTA;
	bool was = pci_get_word(lnksta) & PCI_EXP_LNKSTA_DLLLA;

	pci_for_each_device(bus_of(s), pci_bus_num(bus_of(s)), show_fn, s);
	if (s->power == was)
		return;
	if (s->power)
		pci_word_test_and_set_mask(lnksta, PCI_EXP_LNKSTA_DLLLA);
	else
		pci_word_test_and_clear_mask(lnksta, PCI_EXP_LNKSTA_DLLLA);
	pcie_cap_slot_notify(port, PCI_EXP_SLTSTA_DLLSC);
}

/* QEMU's endpoints have the slowest link there is: let them have the port's. */
static void train_fn(PCIBus *bus, PCIDevice *d, void *opaque)
{
	RigPower *s = opaque;
	uint8_t *port = exp_of(port_of(s)), *fn = exp_of(d);
	uint32_t speed_width = PCI_EXP_LNKCAP_SLS | PCI_EXP_LNKCAP_MLW;
	uint16_t link = pci_get_long(port + PCI_EXP_LNKCAP) & speed_width;

	if (!d->exp.exp_cap || pci_is_vf(d))
		return;
	pci_set_long(fn + PCI_EXP_LNKCAP,
		     (pci_get_long(fn + PCI_EXP_LNKCAP) & ~speed_width) | link);
	pci_set_long(fn + PCI_EXP_LNKCAP2, pci_get_long(port + PCI_EXP_LNKCAP2));
	/* Capabilities and Status have the same layout there. */
	if (s->fault == FAULT_SLOW_LINK)
		link = PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1;
	pci_set_word(fn + PCI_EXP_LNKSTA,
		     (pci_get_word(fn + PCI_EXP_LNKSTA) & ~speed_width) | link);
}

static void swap_fn(PCIBus *bus, PCIDevice *d, void *opaque)
{
	RigPower *s = opaque;

	if (d->devfn >= NR_FNS)
		return;
	if (s->swapped) {
		s->ids[d->devfn] = pci_get_long(d->config);
		pci_set_long(d->config, SWAPPED_ID);
	} else {
		pci_set_long(d->config, s->ids[d->devfn]);
	}
}

static void all_fns(RigPower *s, pci_bus_dev_fn f)
{
	pci_for_each_device(bus_of(s), pci_bus_num(bus_of(s)), f, s);
}

static void power_off(RigPower *s, const char *why)
{
	timer_del(s->timer);
	s->pulled = false;
	if (s->power)
		s->offs++;
	s->power = false;
	note(s, why);
	show(s);
}

static void power_on(RigPower *s, const char *why)
{
	bool swap = s->fault == FAULT_SWAPPED;

	timer_del(s->timer);
	if (!s->power)
		s->ons++;
	s->power = true;
	s->ready = s->fault != FAULT_NOT_READY;
	s->dead_fn = s->fault == FAULT_DEAD_FN ? s->param : -1;
	if (s->swapped != swap) {
		s->swapped = swap;
		all_fns(s, swap_fn);
	}
	all_fns(s, train_fn);
	s->pulled = s->fault == FAULT_PULLED;
	if (s->pulled || (!s->ready && s->param != FOREVER))
		timer_mod(s->timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + s->param);
	note(s, why);
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
	uint8_t *sltsta = exp_of(port_of(s)) + PCI_EXP_SLTSTA;

	if (s->present == present)
		return;
	s->present = present;
	if (present) {
		pci_word_test_and_set_mask(sltsta, PCI_EXP_SLTSTA_PDS);
		if (s->wanted)
			power_on(s, "back");
		else
			note(s, "back, without power");
	} else {
		pci_word_test_and_clear_mask(sltsta, PCI_EXP_SLTSTA_PDS);
		power_off(s, "gone");
	}
	pcie_cap_slot_notify(port_of(s), PCI_EXP_SLTSTA_PDC);
}

static void timer_cb(void *opaque)
{
	RigPower *s = opaque;

	if (s->pulled) {
		insert(s, false);
		return;
	}
	if (!s->power) {
		power_on(s, "late");
		return;
	}
	s->ready = true;
	note(s, "ready");
	show(s);
}

static void asked_off(RigPower *s)
{
	if (s->fault == FAULT_OFF_REFUSED) {
		note(s, "_OFF refused");
		return;
	}
	s->wanted = false;
	power_off(s, "_OFF");
}

static void asked_on(RigPower *s)
{
	s->requests++;
	s->wanted = true;
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

static void set_fault(RigPower *s, uint8_t fault)
{
	switch (fault) {
	case FAULT_GONE:
	case FAULT_BACK:
		insert(s, fault == FAULT_BACK);
		break;
	default:
		s->fault = fault;
		note(s, "fault set");
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
	}
}

static uint64_t io_read(void *opaque, hwaddr addr, unsigned int size)
{
	RigPower *s = opaque;
	uint16_t words[IO_SIZE / 2] = {
		status(s) | s->fault << 8, s->param, s->offs, s->requests, s->ons, RIG_MAGIC,
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

/**
 * rig_power_owns() - whether the model switches a port, and nothing else may
 * @port: the port
 */
bool rig_power_owns(const PCIDevice *port)
{
	return model && port == port_of(model);
}

/**
 * rig_power_retries() - answer a config read for a function that is not ready
 * @d: the function
 * @addr: register
 * @len: bytes
 * @val: the answer
 *
 * With CRS Software Visibility the root port makes a vendor id of a completion with retry status,
 * and all ones of it without, as of every other register.
 *
 * Return: false when this is not for the model to answer.
 */
bool rig_power_retries(PCIDevice *d, uint32_t addr, uint32_t len, uint32_t *val)
{
	uint8_t *rtctl;

	if (!model || pci_get_bus(d) != bus_of(model) || !model->power || model->ready)
		return false;
	rtctl = exp_of(port_of(model)) + PCI_EXP_RTCTL;
	*val = ~0u;
	if (addr == PCI_VENDOR_ID && len >= 2 && pci_get_word(rtctl) & PCI_EXP_RTCTL_CRSSVE)
		*val = 0xffff0001;
	return true;
}

static void reset(void *opaque)
{
	RigPower *s = opaque;

	/* Without QEMU's hot-plug for PCI Express nobody else has said so. */
	pci_word_test_and_set_mask(exp_of(port_of(s)) + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS);
	s->present = true;
	s->fault = FAULT_NONE;
	s->wanted = true;
	power_on(s, "reset");
}

static bool equip_port(RigPower *s, Error **errp)
{
	PCIDevice *port = port_of(s);
	uint8_t *exp = exp_of(port), *wmask = port->wmask + port->exp.exp_cap;
	int pm;

	pm = pci_add_capability(port, PCI_CAP_ID_PM, 0, PCI_PM_SIZEOF, errp);
	if (pm < 0)
		return false;
	pci_set_word(port->config + pm + PCI_PM_PMC, PORT_PMC);
	pci_set_word(port->config + pm + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	pci_set_word(port->wmask + pm + PCI_PM_CTRL,
		     PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);

	pci_word_test_and_set_mask(exp + PCI_EXP_RTCAP, PCI_EXP_RTCAP_CRSVIS);
	pci_word_test_and_set_mask(wmask + PCI_EXP_RTCTL, PCI_EXP_RTCTL_CRSSVE);

	pci_long_test_and_set_mask(exp + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_DLLLARC);
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
	if (!equip_port(s, errp))
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
#ifdef DEFINE_PROP_END_OF_LIST
static Property props[] = {
#else
static const Property props[] = {
#endif
	DEFINE_PROP_LINK("port", RigPower, port, TYPE_PCIE_SLOT, PCIESlot *),
	DEFINE_PROP_UINT32("iobase", RigPower, iobase, 0x4f0),
	DEFINE_PROP_STRING("log", RigPower, log_name),
#ifdef DEFINE_PROP_END_OF_LIST
	DEFINE_PROP_END_OF_LIST(),
#endif
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
