// SPDX-License-Identifier: GPL-2.0-only
/*
 * rig-gpu: one function of a card that behaves in sleep and reset as GPUs do, and shows no picture.
 *
 *   -device rig-gpu,bus=B,addr=0.0,multifunction=on,vendor-id=0x10de,device-id=0x2684,vram=256M
 *   -device rig-gpu,bus=B,addr=0.1,class=0x0403,vendor-id=0x10de,device-id=0x22ba,hidden=on
 *
 * Each function has PM (version 3), PCI Express, MSI-X and AER capabilities, and by property:
 *   vendor-id, device-id, subsystem-vendor-id, subsystem-id, class	who it is
 *   pme		bits 0 to 4: PME from D0, D1, D2, D3hot, D3cold; D0, D3hot, D3cold if not given
 *   no-soft-reset	keeps its state from D3hot to D0; off: is reset by that
 *   flr		has Function Level Reset
 *   ats		has an ATS capability (see intel-iommu,device-iotlb=on)
 *   readiness-ms	has a Readiness Time Reporting capability that promises so many ms; what it
 *			promises can be changed by its REG_PROMISE
 *   vram		size of a prefetchable 64-bit BAR 2 of memory, with a Resizable BAR capability
 *			for half and twice of it; 0: none. D3hot and resets keep what is in it
 *   hidden		not there until bit 25 at 0x488 of function 0 is set, as NVIDIA's audio
 * and, of function 0, for the whole card:
 *   ready-ms		after power-on its firmware needs so long; until then configuration requests
 *			are answered with retry status
 *   early		or rather it answers them, and BAR 0 reads as garbage
 *   wedge-ms		a reset within so long after power-on wedges it until power is cut
 *   train-ms		after power-on its link has 2.5 GT/s for so long
 *   loses-ids		after power-on no function has subsystem ids until its REG_FIRMWARE is
 *			written
 * What the machine starts with has been on for long, and its firmware has run.
 *
 * It needs no rig-power: who loses power below a port that is switched by its Slot Control, or by
 * a port above that one, knows it as well.
 *
 * BAR 0, 32 bit registers, REG_*. The counters are for the tests and survive everything; they can
 * also be read from outside, as properties.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "exec/cpu-common.h"
#include "exec/memory.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pcie.h"
#include "hw/pci/rig_power.h"
#include "hw/qdev-properties.h"
#include "system/runstate.h"

#define TYPE_RIG_GPU	"rig-gpu"
OBJECT_DECLARE_SIMPLE_TYPE(RigGpu, RIG_GPU)

#define RIG_GPU_ID	0x47474952
#define GARBAGE		0xbadf5040
#define NR_VECTORS	4

#define REG_ID		0x00	/* RIG_GPU_ID */
#define REG_SCRATCH	0x04	/* keeps what is written until a reset */
#define REG_RESETS	0x08	/* counter: resets with power on */
#define REG_POWER_ONS	0x0c	/* counter */
#define REG_D3HOTS	0x10	/* counter: entries */
#define REG_EARLY	0x14	/* counter: configuration reads before it was ready */
#define REG_FIRMWARE	0x18	/* 1 once the firmware has run; write 1: run it */
#define REG_IRQ		0x1c	/* write: raise that vector */
#define REG_READY	0x20	/* ready-ms, of function 0 */
#define REG_PROMISE	0x24	/* PROMISE_*: when it says that it is ready */
#define REG_FIRST	0x28	/* from power-on to the first configuration request, in us */
#define REG_FIRST_D0	0x2c	/* the same, from D3hot to D0 */
#define REG_READY_D0	0x30	/* it needs so many ms from D3hot to D0 */
#define REGS_SIZE	(64 * KiB)

#define BAR_REGS	0
#define BAR_VRAM	2
#define BAR_MSIX	4

#define CAP_AER		0x100
#define CAP_ATS		0x150
#define CAP_REBAR	0x160
#define CAP_RTR		0x180
#define RTR_ID		0x22
#define RTR_VALID	BIT(31)
/* What is in REG_PROMISE. DRS is sent PROMISE_MS after power-on. */
#define PROMISE_STATUS	BIT(0)	/* Immediate Readiness */
#define PROMISE_PMC	BIT(1)	/* Immediate Readiness on Return to D0 */
#define PROMISE_DRS	BIT(2)	/* of function 0 */
#define PROMISE_TIMES	BIT(3)	/* the times of Readiness Time Reporting are valid */
#define PROMISE_MS	16	/* from this bit on: those times */
#define STATUS_READY	BIT(0)
#define PMC_READY	BIT(4)
/* NVIDIA's, which the kernel knows. */
#define UNHIDE		0x488
#define UNHIDE_BIT	BIT(25)

/**
 * struct RigGpu - a function
 * @parent_obj: QEMU's
 * @vendor: property vendor-id
 * @device: property device-id
 * @sub_vendor: property subsystem-vendor-id
 * @sub_device: property subsystem-id
 * @class: property
 * @pme: property
 * @no_soft_reset: property
 * @flr: property
 * @ats: property
 * @hidden: property
 * @readiness_ms: property readiness-ms
 * @vram_size: property vram
 * @ready_ms: property ready-ms
 * @early: property
 * @wedge_ms: property wedge-ms
 * @train_ms: property train-ms
 * @loses_ids: property loses-ids
 * @regs: BAR 0
 * @vram: BAR 2, of its present size
 * @memory: what is in it, of its largest size
 * @scratch: REG_SCRATCH
 * @firmware: REG_FIRMWARE
 * @resets: counter
 * @power_ons: counter
 * @d3hots: counter
 * @early_reads: counter
 * @promise: REG_PROMISE
 * @ready_d0_ms: REG_READY_D0
 * @first_us: REG_FIRST
 * @first_d0_us: REG_FIRST_D0
 * @powered: as when it was reset last
 * @waking: is reset by itself on its way from D3hot to D0
 * @wedged: until it loses power; of function 0
 * @on_since: when power came, in ns; 0 is long ago
 * @d0_since: when it was told to leave D3hot last, in ns
 * @drs: sends a DRS message
 */
struct RigGpu {
	PCIDevice parent_obj;
	uint16_t vendor;
	uint16_t device;
	uint16_t sub_vendor;
	uint16_t sub_device;
	uint16_t class;
	uint8_t pme;
	bool no_soft_reset;
	bool flr;
	bool ats;
	bool hidden;
	uint16_t readiness_ms;
	uint64_t vram_size;
	uint32_t ready_ms;
	bool early;
	uint32_t wedge_ms;
	uint32_t train_ms;
	bool loses_ids;
	MemoryRegion regs;
	MemoryRegion vram;
	MemoryRegion memory;
	uint32_t scratch;
	uint32_t firmware;
	uint32_t resets;
	uint32_t power_ons;
	uint32_t d3hots;
	uint32_t early_reads;
	uint32_t promise;
	uint32_t ready_d0_ms;
	uint32_t first_us;
	uint32_t first_d0_us;
	bool powered;
	bool waking;
	bool wedged;
	int64_t on_since;
	int64_t d0_since;
	QEMUTimer *drs;
};

/* Function 0, where the state of the card is. */
static RigGpu *card_of(RigGpu *s)
{
	PCIDevice *d = PCI_DEVICE(s);
	PCIDevice *first = pci_get_bus(d)->devices[PCI_DEVFN(PCI_SLOT(d->devfn), 0)];

	return first && object_dynamic_cast(OBJECT(first), TYPE_RIG_GPU) ? RIG_GPU(first) : s;
}

static bool is_since(int64_t since, uint32_t ms)
{
	return since && qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - since < ms * SCALE_MS;
}

static bool is_within(const RigGpu *card, uint32_t ms)
{
	return is_since(card->on_since, ms);
}

/* The first request since then, if nobody has come yet. */
static void note_request(int64_t since, uint32_t *first_us)
{
	if (since && !*first_us)
		*first_us = MAX(1, (qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - since) / SCALE_US);
}

static void note_requests(RigGpu *s)
{
	note_request(s->on_since, &s->first_us);
	note_request(s->d0_since, &s->first_d0_us);
}

static bool is_hidden(RigGpu *s)
{
	PCIDevice *first = PCI_DEVICE(card_of(s));

	return s->hidden && !(pci_get_long(first->config + UNHIDE) & UNHIDE_BIT);
}

/* Without another function to be seen it says that it has one only. */
static bool is_single(RigGpu *s)
{
	PCIDevice *d = PCI_DEVICE(s);

	for (int fn = 1; fn < PCI_FUNC_MAX; fn++) {
		PCIDevice *other = pci_get_bus(d)->devices[PCI_DEVFN(PCI_SLOT(d->devfn), fn)];

		if (other && other != d && !(object_dynamic_cast(OBJECT(other), TYPE_RIG_GPU) &&
					     is_hidden(RIG_GPU(other))))
			return false;
	}
	return true;
}

/* With all ports above it. */
static bool has_power(PCIDevice *d)
{
	for (; d; d = pci_get_bus(d)->parent_dev)
		if (!d->enabled)
			return false;
	return true;
}

static void show_ids(RigGpu *s)
{
	bool known = s->firmware || !card_of(s)->loses_ids;
	uint8_t *config = PCI_DEVICE(s)->config;

	pci_set_word(config + PCI_SUBSYSTEM_VENDOR_ID, known ? s->sub_vendor : 0);
	pci_set_word(config + PCI_SUBSYSTEM_ID, known ? s->sub_device : 0);
}

/* Resizable BAR counts sizes from 1 MiB, which is 0. */
static void set_default_size(RigGpu *s)
{
	pci_set_long(PCI_DEVICE(s)->config + CAP_REBAR + PCI_REBAR_CTRL, BAR_VRAM |
		     1 << PCI_REBAR_CTRL_NBAR_SHIFT |
		     ctz64(s->vram_size / MiB) << PCI_REBAR_CTRL_BAR_SHIFT);
}

static void resize(RigGpu *s)
{
	PCIDevice *d = PCI_DEVICE(s);
	uint32_t ctrl = pci_get_long(d->config + CAP_REBAR + PCI_REBAR_CTRL);
	uint64_t size = MiB << ((ctrl & PCI_REBAR_CTRL_BAR_SIZE) >> PCI_REBAR_CTRL_BAR_SHIFT);
	uint8_t *bar = d->config + PCI_BASE_ADDRESS_0 + 4 * BAR_VRAM;

	if (size == d->io_regions[BAR_VRAM].size)
		return;
	d->io_regions[BAR_VRAM].size = size;
	pci_set_quad(d->wmask + PCI_BASE_ADDRESS_0 + 4 * BAR_VRAM, ~(size - 1));
	pci_set_quad(bar, pci_get_quad(bar) & (~(size - 1) | 0xf));
	memory_region_set_size(&s->vram, size);
}

/* Function 0 speaks for all. The port keeps it until somebody clears it. */
static void send_drs(void *opaque)
{
	PCIDevice *port = pci_get_bus(PCI_DEVICE(opaque))->parent_dev;
	uint8_t *exp = port->config + port->exp.exp_cap;

	if (pci_get_long(exp + PCI_EXP_LNKCAP2) & RIG_LNKCAP2_DRS)
		pci_word_test_and_set_mask(exp + PCI_EXP_LNKSTA2, RIG_LNKSTA2_DRS);
}

static void lose_power(RigGpu *s)
{
	timer_del(s->drs);
	s->d0_since = 0;
	s->powered = false;
	s->firmware = 0;
	if (rig_power_keeps_rail())
		return;
	s->wedged = false;
	if (s->vram_size)
		ram_block_discard_range(s->memory.ram_block, 0, memory_region_size(&s->memory));
}

static void get_power(RigGpu *s)
{
	s->powered = true;
	s->power_ons++;
	s->on_since = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
	s->first_us = 0;
	if (s->promise & PROMISE_DRS)
		timer_mod(s->drs, s->on_since + (s->promise >> PROMISE_MS) * SCALE_MS);
}

static void reset(DeviceState *dev)
{
	RigGpu *s = RIG_GPU(dev), *card = card_of(s);
	PCIDevice *d = PCI_DEVICE(s);

	s->scratch = 0;
	pci_set_long(d->config + UNHIDE, 0);
	if (s->vram_size) {
		set_default_size(s);
		resize(s);
	}
	if (!runstate_is_running()) {
		/* The machine starts. */
		s->powered = true;
		s->firmware = 1;
	} else if (!has_power(d)) {
		lose_power(s);
	} else if (!s->powered) {
		get_power(s);
	} else if (!s->waking) {
		s->resets++;
		card->wedged = card->wedged || is_within(card, card->wedge_ms);
	}
	show_ids(s);
}

static uint32_t config_read(PCIDevice *d, uint32_t addr, int len)
{
	RigGpu *s = RIG_GPU(d), *card = card_of(s);
	uint32_t lnksta = d->exp.exp_cap + PCI_EXP_LNKSTA;
	uint32_t val;

	if (card->wedged || is_hidden(s))
		return ~0u;
	if (addr != lnksta)
		note_requests(s);
	if (is_since(s->d0_since, s->ready_d0_ms))
		return rig_power_retry(d, addr, len);
	if (is_within(card, card->ready_ms)) {
		/* The port above asks for the state of its link in this way. */
		s->early_reads += addr != lnksta;
		if (!card->early)
			return rig_power_retry(d, addr, len);
	}
	val = pci_default_read_config(d, addr, len);
	if (range_covers_byte(addr, len, PCI_HEADER_TYPE) && is_single(s))
		val &= ~(PCI_HEADER_TYPE_MULTI_FUNCTION << (PCI_HEADER_TYPE - addr) * 8);
	if (range_covers_byte(addr, len, lnksta) && is_within(card, card->train_ms)) {
		val &= ~(PCI_EXP_LNKSTA_CLS << (lnksta - addr) * 8);
		val |= PCI_EXP_LNKSTA_CLS_2_5GB << (lnksta - addr) * 8;
	}
	return val;
}

static unsigned int pm_state(PCIDevice *d)
{
	return pci_get_word(d->config + d->pm_cap + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK;
}

static void config_write(PCIDevice *d, uint32_t addr, uint32_t val, int len)
{
	RigGpu *s = RIG_GPU(d), *card = card_of(s);
	uint32_t rebar = pci_get_long(d->config + CAP_REBAR + PCI_REBAR_CTRL);
	unsigned int was = pm_state(d);

	if (card->wedged || is_hidden(s))
		return;
	note_requests(s);
	if ((is_within(card, card->ready_ms) && !card->early) ||
	    is_since(s->d0_since, s->ready_d0_ms))
		return;
	pci_default_write_config(d, addr, val, len);
	pcie_aer_write_config(d, addr, val, len);
	pcie_cap_flr_write_config(d, addr, val, len);
	if (s->vram_size && ranges_overlap(addr, len, CAP_REBAR + PCI_REBAR_CTRL, 4)) {
		uint32_t now = pci_get_long(d->config + CAP_REBAR + PCI_REBAR_CTRL);
		uint32_t code = (now & PCI_REBAR_CTRL_BAR_SIZE) >> PCI_REBAR_CTRL_BAR_SHIFT;

		if (!(pci_get_long(d->config + CAP_REBAR + PCI_REBAR_CAP) & BIT(code + 4)))
			pci_set_long(d->config + CAP_REBAR + PCI_REBAR_CTRL, rebar);
		resize(s);
	}
	if (!was && pm_state(d) == 3)
		s->d3hots++;
	if (was == 3 && !pm_state(d)) {
		s->d0_since = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
		s->first_d0_us = 0;
	}
	if (was == 3 && !pm_state(d) && !s->no_soft_reset) {
		s->waking = true;
		pci_device_reset(d);
		s->waking = false;
	}
}

static void set_bits(uint8_t *reg, uint16_t bits, bool set)
{
	pci_set_word(reg, (pci_get_word(reg) & ~bits) | (set ? bits : 0));
}

static void make_promise(RigGpu *s, uint32_t promise)
{
	PCIDevice *d = PCI_DEVICE(s);
	/* A field has a value of 9 bits in units of 1 ns << 5 * scale: 1.05 ms here. */
	uint32_t time = 4 << 9 | MIN(promise >> PROMISE_MS, 0x1ff);

	s->promise = promise;
	set_bits(d->config + PCI_STATUS, STATUS_READY, promise & PROMISE_STATUS);
	set_bits(d->config + d->pm_cap + PCI_PM_PMC, PMC_READY, promise & PROMISE_PMC);
	if (!s->readiness_ms)
		return;
	pci_set_long(d->config + CAP_RTR + 4,
		     (promise & PROMISE_TIMES ? RTR_VALID : 0) | time << 12 | time);
	pci_set_long(d->config + CAP_RTR + 8, time << 12 | time);
}

static uint64_t regs_read(void *opaque, hwaddr addr, unsigned int size)
{
	RigGpu *s = opaque, *card = card_of(s);

	if (card->wedged)
		return ~0u;
	if (is_within(card, card->ready_ms))
		return GARBAGE ^ addr;
	switch (addr) {
	case REG_ID:
		return RIG_GPU_ID;
	case REG_SCRATCH:
		return s->scratch;
	case REG_RESETS:
		return s->resets;
	case REG_POWER_ONS:
		return s->power_ons;
	case REG_D3HOTS:
		return s->d3hots;
	case REG_EARLY:
		return s->early_reads;
	case REG_FIRMWARE:
		return s->firmware;
	case REG_READY:
		return card->ready_ms;
	case REG_PROMISE:
		return s->promise;
	case REG_FIRST:
		return s->first_us;
	case REG_FIRST_D0:
		return s->first_d0_us;
	case REG_READY_D0:
		return s->ready_d0_ms;
	default:
		return 0;
	}
}

static void regs_write(void *opaque, hwaddr addr, uint64_t val, unsigned int size)
{
	RigGpu *s = opaque, *card = card_of(s);

	if (card->wedged || is_within(card, card->ready_ms))
		return;
	switch (addr) {
	case REG_SCRATCH:
		s->scratch = val;
		break;
	case REG_FIRMWARE:
		s->firmware = 1;
		show_ids(s);
		break;
	case REG_READY:
		card->ready_ms = val;
		break;
	case REG_PROMISE:
		make_promise(s, val);
		break;
	case REG_READY_D0:
		s->ready_d0_ms = val;
		break;
	case REG_IRQ:
		if (val < NR_VECTORS && msix_enabled(PCI_DEVICE(s)))
			msix_notify(PCI_DEVICE(s), val);
		break;
	}
}

static const MemoryRegionOps regs_ops = {
	.read = regs_read,
	.write = regs_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

static void add_pm(RigGpu *s, Error **errp)
{
	PCIDevice *d = PCI_DEVICE(s);
	int pm = pci_pm_init(d, 0, errp);

	if (pm < 0)
		return;
	pci_set_word(d->config + pm + PCI_PM_PMC, 3 | s->pme << PCI_PM_CAP_PME_SHIFT);
	pci_set_word(d->config + pm + PCI_PM_CTRL,
		     s->no_soft_reset ? PCI_PM_CTRL_NO_SOFT_RESET : 0);
	pci_set_word(d->wmask + pm + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	pci_set_word(d->w1cmask + pm + PCI_PM_CTRL, PCI_PM_CTRL_PME_STATUS);
}

static bool add_vram(RigGpu *s, Error **errp)
{
	PCIDevice *d = PCI_DEVICE(s);

	if (!is_power_of_2(s->vram_size) || s->vram_size < 2 * MiB) {
		error_setg(errp, "vram is no power of two");
		return false;
	}
	memory_region_init(&s->vram, OBJECT(s), "rig-gpu-vram", s->vram_size);
	if (!memory_region_init_ram(&s->memory, OBJECT(s), "rig-gpu-memory", 2 * s->vram_size,
				    errp))
		return false;
	memory_region_add_subregion(&s->vram, 0, &s->memory);
	pci_register_bar(d, BAR_VRAM, PCI_BASE_ADDRESS_SPACE_MEMORY |
			 PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH, &s->vram);

	pcie_add_capability(d, PCI_EXT_CAP_ID_REBAR, 1, CAP_REBAR, 12);
	pci_set_long(d->config + CAP_REBAR + PCI_REBAR_CAP,
		     7 << (ctz64(s->vram_size / MiB) - 1 + 4));
	set_default_size(s);
	pci_set_long(d->wmask + CAP_REBAR + PCI_REBAR_CTRL, PCI_REBAR_CTRL_BAR_SIZE);
	return true;
}

static void realize(PCIDevice *d, Error **errp)
{
	RigGpu *s = RIG_GPU(d);
	Error *err = NULL;

	pci_set_word(d->config + PCI_VENDOR_ID, s->vendor);
	pci_set_word(d->config + PCI_DEVICE_ID, s->device);
	pci_config_set_class(d->config, s->class);
	/* Only xHCI has a programming interface here. */
	pci_config_set_prog_interface(d->config, s->class == PCI_CLASS_SERIAL_USB ? 0x30 : 0);
	pci_config_set_interrupt_pin(d->config, 1);

	add_pm(s, &err);
	if (!err && pcie_endpoint_cap_init(d, 0) < 0)
		error_setg(&err, "PCI Express capability");
	if (!err)
		pcie_aer_init(d, PCI_ERR_VER, CAP_AER, PCI_ERR_SIZEOF, &err);
	if (!err)
		msix_init_exclusive_bar(d, NR_VECTORS, BAR_MSIX, &err);
	if (err) {
		error_propagate(errp, err);
		return;
	}
	pcie_cap_deverr_init(d);
	if (s->flr)
		pcie_cap_flr_init(d);
	if (s->ats)
		pcie_ats_init(d, CAP_ATS, true);
	if (s->readiness_ms) {
		pcie_add_capability(d, RTR_ID, 1, CAP_RTR, 12);
		make_promise(s, PROMISE_TIMES | s->readiness_ms << PROMISE_MS);
	}
	s->drs = timer_new_ns(QEMU_CLOCK_VIRTUAL, send_drs, s);
	pci_set_long(d->wmask + UNHIDE, UNHIDE_BIT);
	memory_region_init_io(&s->regs, OBJECT(s), &regs_ops, s, "rig-gpu-regs", REGS_SIZE);
	pci_register_bar(d, BAR_REGS, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->regs);
	if (s->vram_size)
		add_vram(s, errp);
}

static void exit_gpu(PCIDevice *d)
{
	timer_free(RIG_GPU(d)->drs);
	msix_uninit_exclusive_bar(d);
	pcie_aer_exit(d);
	pcie_cap_exit(d);
}

static void init(Object *obj)
{
	RigGpu *s = RIG_GPU(obj);

	object_property_add_uint32_ptr(obj, "resets", &s->resets, OBJ_PROP_FLAG_READ);
	object_property_add_uint32_ptr(obj, "power-ons", &s->power_ons, OBJ_PROP_FLAG_READ);
	object_property_add_uint32_ptr(obj, "d3hots", &s->d3hots, OBJ_PROP_FLAG_READ);
	object_property_add_uint32_ptr(obj, "early-reads", &s->early_reads, OBJ_PROP_FLAG_READ);
}

static const Property props[] = {
	DEFINE_PROP_UINT16("vendor-id", RigGpu, vendor, PCI_VENDOR_ID_REDHAT),
	DEFINE_PROP_UINT16("device-id", RigGpu, device, 0x0fee),
	DEFINE_PROP_UINT16("subsystem-vendor-id", RigGpu, sub_vendor, 0x1043),
	DEFINE_PROP_UINT16("subsystem-id", RigGpu, sub_device, 0x8888),
	DEFINE_PROP_UINT16("class", RigGpu, class, PCI_CLASS_DISPLAY_VGA),
	DEFINE_PROP_UINT8("pme", RigGpu, pme, 0x19),
	DEFINE_PROP_BOOL("no-soft-reset", RigGpu, no_soft_reset, true),
	DEFINE_PROP_BOOL("flr", RigGpu, flr, false),
	DEFINE_PROP_BOOL("ats", RigGpu, ats, false),
	DEFINE_PROP_BOOL("hidden", RigGpu, hidden, false),
	DEFINE_PROP_UINT16("readiness-ms", RigGpu, readiness_ms, 0),
	DEFINE_PROP_SIZE("vram", RigGpu, vram_size, 0),
	DEFINE_PROP_UINT32("ready-ms", RigGpu, ready_ms, 0),
	DEFINE_PROP_BOOL("early", RigGpu, early, false),
	DEFINE_PROP_UINT32("wedge-ms", RigGpu, wedge_ms, 0),
	DEFINE_PROP_UINT32("train-ms", RigGpu, train_ms, 0),
	DEFINE_PROP_BOOL("loses-ids", RigGpu, loses_ids, false),
};

static void class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);
	PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

	k->realize = realize;
	k->exit = exit_gpu;
	k->config_read = config_read;
	k->config_write = config_write;
	k->class_id = PCI_CLASS_OTHERS;
	dc->desc = "Function of a card that sleeps and resets as GPUs do";
	device_class_set_legacy_reset(dc, reset);
	device_class_set_props(dc, props);
	set_bit(DEVICE_CATEGORY_DISPLAY, dc->categories);
}

static const TypeInfo info = {
	.name = TYPE_RIG_GPU,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(RigGpu),
	.instance_init = init,
	.class_init = class_init,
	.interfaces = (InterfaceInfo[]) {
		{ INTERFACE_PCIE_DEVICE },
		{ },
	},
};

static void register_types(void)
{
	type_register_static(&info);
}

type_init(register_types)
