// SPDX-License-Identifier: GPL-2.0-only
/*
 * rig-gpu itself: each of its properties shows as on hardware, and the counters of its registers
 * tell a reset from a power cut. Power goes and comes past the kernel, and no driver is bound.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"
#include "wake.h"

/* As in tests/rig/cards.py. */
#define READY_MS	600
#define TRAIN_MS	3000
#define WEDGE_MS	4000
#define READINESS_MS	100
#define SUBSYSTEM	0x88881043u

#define MARK		0x5aa5c33cu
#define RETRY_ID	0xffff0001u
#define REGS_SIZE	0x10000
#define VRAM_BAR	2
#define VRAM_MIB	256
#define VRAM_LAST	((VRAM_MIB << 20) - 0x1000)
#define UNHIDE		0x488
#define UNHIDE_BIT	(1u << 25)
#define CAP_RTR		0x22
#define PME_D0_D3	0xc803

static const struct pci_fn port = { .name = RIG_PORT1, .dev = 4 };
static const struct pci_fn *pf;
static volatile uint32_t *regs;
static volatile uint32_t *vram;
static uint32_t bars[6];

static void *map_bar(int bar, size_t off, size_t len)
{
	char path[128];
	void *map;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource%d", pf->name, bar);
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);
	if (map == MAP_FAILED)
		die("%s: mmap of BAR %d", pf->name, bar);
	close(fd);
	return map;
}

static uint32_t reg(unsigned int off)
{
	return regs[off / 4];
}

/* What has forgotten its BARs gets them again. */
static void decode(void)
{
	for (int i = 0; i < 6; i++)
		pci_sysfs_config_write(pf, PCI_BASE_ADDRESS_0 + 4 * i, bars[i], 4);
	pci_sysfs_config_write(pf, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}

static unsigned int ext_cap(const struct pci_fn *fn, unsigned int id)
{
	unsigned int pos = 0x100;

	for (int i = 0; pos && i < 64; i++) {
		uint32_t head = pci_sysfs_config32(fn, pos);

		if ((head & 0xffff) == id)
			return pos;
		pos = head >> 20;
	}
	return 0;
}

static void set_state(unsigned int state)
{
	unsigned int pm = pci_raw_cap(pf, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	pci_sysfs_config_write(pf, pm, state, 2);
	sleep_ms(20);
}

/* Returns when it has power and its firmware is ready. */
static void power_cycle(void)
{
	model_cut();
	model_force_on();
	while (pci_raw_config32(pf, 0) != pci_id(pf))
		sleep_ms(10);
}

static void function_reset(void)
{
	unsigned int ctl = pci_raw_cap(pf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	pci_sysfs_config_write(pf, ctl, PCI_EXP_DEVCTL_BCR_FLR, 2);
	sleep_ms(100);
}

static void bus_reset(void)
{
	unsigned int ctl = pci_sysfs_config32(&port, PCI_BRIDGE_CONTROL & ~3) >> 16;

	pci_sysfs_config_write(&port, PCI_BRIDGE_CONTROL, ctl | PCI_BRIDGE_CTL_BUS_RESET, 2);
	sleep_ms(2);
	pci_sysfs_config_write(&port, PCI_BRIDGE_CONTROL, ctl, 2);
	sleep_ms(100);
}

static void mark(void)
{
	regs[RIG_GPU_REG_SCRATCH / 4] = MARK;
	vram[0] = MARK;
	check_eq(reg(RIG_GPU_REG_SCRATCH), MARK, "SCRATCH keeps what is written");
	check_eq(vram[0], MARK, "memory keeps what is written");
}

static void check_marks(bool scratch, bool memory, const char *when)
{
	check_eq(reg(RIG_GPU_REG_SCRATCH), scratch ? MARK : 0, "%s: SCRATCH", when);
	check_eq(vram[0], memory ? MARK : 0, "%s: memory", when);
}

/* Looks at the counters, and remembers them. */
static void check_counts(int resets, int power_ons, int d3hots, const char *when)
{
	static uint32_t was[3];
	const int want[3] = { resets, power_ons, d3hots };
	const uint32_t now[3] = {
		reg(RIG_GPU_REG_RESETS), reg(RIG_GPU_REG_POWER_ONS), reg(RIG_GPU_REG_D3HOTS)
	};
	static const char *const what[3] = { "resets", "power-ons", "entries to D3hot" };

	for (int i = 0; i < 3; i++) {
		if (want[i] >= 0)
			check_eq(now[i] - was[i], want[i], "%s: %s", when, what[i]);
		was[i] = now[i];
	}
}

static void setup(void)
{
	if (!model_present())
		die("a machine with the power model");
	pf = &rig.fn[0];
	for (int i = 0; i < 6; i++)
		bars[i] = pci_sysfs_config32(pf, PCI_BASE_ADDRESS_0 + 4 * i);
	decode();
	regs = map_bar(0, 0, REGS_SIZE);
	vram = map_bar(VRAM_BAR, VRAM_LAST, 0x1000);
	check_eq(reg(RIG_GPU_REG_ID), RIG_GPU_ID, "ID");
	check_counts(-1, -1, -1, "start");
}

static void capabilities(void)
{
	static const unsigned int class[] = { 0x030000, 0x040300, 0x0c0330, 0x0c8000 };
	unsigned int rebar = ext_cap(pf, PCI_EXT_CAP_ID_REBAR);

	for (int i = 0; i < rig.nr_fns; i++) {
		const struct pci_fn *fn = &rig.fn[i];

		check_eq(fn->class, class[i], "%s: class", fn->name);
		check_eq(pci_raw_config32(fn, pci_raw_cap(fn, PCI_CAP_ID_PM)) >> 16, PME_D0_D3,
			 "%s: PM capabilities", fn->name);
		check(pci_raw_cap(fn, PCI_CAP_ID_MSIX), "%s: MSI-X", fn->name);
		check(!ext_cap(fn, PCI_EXT_CAP_ID_ATS), "%s: no ATS", fn->name);
		check(ext_cap(fn, PCI_EXT_CAP_ID_ERR), "%s: AER", fn->name);
	}
	/* Half of it, all of it, twice; 1 MiB is bit 4. */
	check_eq(pci_sysfs_config32(pf, rebar + PCI_REBAR_CAP), 7 << (7 + 4), "sizes of BAR 2");
	check_eq(pci_sysfs_config32(pf, rebar + PCI_REBAR_CTRL), 8 << 8 | 1 << 5 | VRAM_BAR,
		 "size of BAR 2");
}

/* A reset, a power cut and D3hot differ in what is lost. */
static void losses(void)
{
	mark();
	set_state(3);
	check_eq(reg(RIG_GPU_REG_ID), ALL_ONES, "D3hot: BAR 0 does not answer");
	check_eq(pci_raw_config32(pf, 0), pci_id(pf), "D3hot: configuration does");
	set_state(0);
	check_marks(true, true, "D3hot and D0");
	check_counts(0, 0, 1, "D3hot and D0");
	bus_reset();
	check_eq(reg(RIG_GPU_REG_ID), ALL_ONES, "bus reset: BAR 0 is lost");
	decode();
	check_marks(false, true, "bus reset");
	check_counts(1, 0, 0, "bus reset");
	mark();
	power_cycle();
	decode();
	check_marks(false, false, "power cut");
	check_counts(0, 1, 0, "power cut");
}

static unsigned long long bar_size(void)
{
	unsigned long long start, end;
	char text[256], *line = text;

	if (__pci_get(pf, "resource", text, sizeof(text)) < 0)
		die("%s: resources", pf->name);
	for (int i = 0; i < VRAM_BAR; i++)
		line = strchr(line, '\n') + 1;
	if (sscanf(line, "%llx %llx", &start, &end) != 2)
		die("%s: resource %d", pf->name, VRAM_BAR);
	return end - start + 1;
}

static void resize(void)
{
	unsigned int rebar = ext_cap(pf, PCI_EXT_CAP_ID_REBAR);

	munmap((void *)vram, 0x1000);
	munmap((void *)regs, REGS_SIZE);
	check_eq(bar_size(), (uint64_t)VRAM_MIB << 20, "size of BAR 2");
	pci_sysfs_config_write(pf, PCI_COMMAND, 0, 2);
	check_err(__pci_set(pf, "resource2_resize", "7"), 0, "resource2_resize");
	check_eq(bar_size(), (uint64_t)VRAM_MIB << 19, "size of BAR 2, resized");
	pci_sysfs_config_write(pf, PCI_BASE_ADDRESS_2, ALL_ONES, 4);
	check_eq(pci_raw_config32(pf, PCI_BASE_ADDRESS_2) & ~0xfu, ~0u << 27,
		 "BAR 2 sized, resized");
	check_err(__pci_set(pf, "resource2_resize", "8"), 0, "resource2_resize back");
	check_eq(bar_size(), (uint64_t)VRAM_MIB << 20, "size of BAR 2, back");

	pci_sysfs_config_write(pf, rebar + PCI_REBAR_CTRL, 7 << 8, 4);
	check_eq(pci_sysfs_config32(pf, rebar + PCI_REBAR_CTRL) >> 8, 7, "BAR 2 before a cut");
	power_cycle();
	check_eq(pci_sysfs_config32(pf, rebar + PCI_REBAR_CTRL) >> 8, 8, "BAR 2 after a cut");
}

/* As a driver sees it: what low power loses, and what a mere reset instead of it does not. */
static void low_power(void)
{
	static const struct {
		enum model_fault fault;
		uint32_t memory;
		const char *when;
	} rows[] = {
		{ MODEL_NONE, 0, "low power" },
		{ MODEL_OFF_PERST, MARK, "held in reset" },
		{ MODEL_OFF_NOTHING, MARK, "off does nothing" },
	};
	volatile uint32_t *mem;
	struct vfio_dev d;
	struct power p;

	rig_load();
	rig_bind_all();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vfio_open(&d, pf);
		dut_prepare(&d);
		mem = vfio_mmap(&d, VRAM_BAR, 0, 0x1000);
		if (mem == MAP_FAILED)
			die("mmap of BAR %d", VRAM_BAR);
		*mem = MARK;
		model_fault(rows[i].fault, 0);
		p = power_get(1);
		vfio_entry(&d);
		check_asleep(pf, &p, rows[i].when);
		model_clear();
		vfio_exit(&d);
		check_eq(*mem, rows[i].memory, "%s: memory", rows[i].when);
		munmap((void *)mem, 0x1000);
		vfio_close(&d);
	}
}

RIG_TEST(card, "rig-gpu: what it loses, and when")
{
	setup();
	capabilities();
	losses();
	resize();
	rig_rescan();
	pf = &rig.fn[0];
	low_power();
}

static unsigned int raw_speed(const struct pci_fn *fn)
{
	return pci_raw_exp16(fn, PCI_EXP_LNKSTA) & PCI_EXP_LNKSTA_CLS;
}

/* Not ready, and says so. */
static void ready(void)
{
	uint64_t start = now_us();
	long ms;

	model_cut();
	model_force_on();
	for (int i = 0; i < rig.nr_fns; i++)
		if (pci_has(&rig.fn[i], "vendor"))
			check_eq(pci_raw_config32(&rig.fn[i], 0), RETRY_ID, "not ready: id of %s",
				 rig.fn[i].name);
	check_eq(pci_raw_config32(pf, PCI_COMMAND), ALL_ONES, "not ready: command");
	while (pci_raw_config32(pf, 0) == RETRY_ID && since_ms(start) < 10 * READY_MS)
		sleep_ms(1);
	ms = since_ms(start);
	check(ms > READY_MS / 2 && ms < READY_MS * 2, "ready after %ld ms", ms);
	check_eq(pci_raw_config32(pf, 0), pci_id(pf), "ready: id");
	check_eq(raw_speed(pf), PCI_EXP_LNKSTA_CLS_2_5GB, "ready: link speed");
	check_eq(raw_speed(&port), PCI_EXP_LNKSTA_CLS_2_5GB, "ready: link speed of the port");
	check_eq(pci_raw_config32(pf, PCI_SUBSYSTEM_VENDOR_ID), 0, "ready: subsystem ids");
	decode();
	check(reg(RIG_GPU_REG_EARLY) > (uint32_t)rig.nr_fns, "ready: %u early reads",
	      reg(RIG_GPU_REG_EARLY));
	regs[RIG_GPU_REG_FIRMWARE / 4] = 1;
	check_eq(pci_raw_config32(pf, PCI_SUBSYSTEM_VENDOR_ID), SUBSYSTEM,
		 "firmware: subsystem ids");
	while (since_ms(start) < TRAIN_MS + 100)
		sleep_ms(10);
	check_eq(raw_speed(pf), PCI_EXP_LNKSTA_CLS_5_0GB, "trained: link speed");
	check_eq(raw_speed(&port), PCI_EXP_LNKSTA_CLS_5_0GB, "trained: link speed of the port");
}

/* Only power heals it; later the same reset does no harm. */
static void wedge(void)
{
	uint64_t start;

	check_counts(0, 1, 0, "firmware");
	power_cycle();
	start = now_us();
	function_reset();
	for (int i = 0; i < rig.nr_fns; i++)
		check_eq(pci_raw_config32(&rig.fn[i], 0), ALL_ONES, "wedged: id of %s",
			 rig.fn[i].name);
	bus_reset();
	check_eq(pci_raw_config32(pf, 0), ALL_ONES, "wedged, reset: id");
	while (since_ms(start) < WEDGE_MS)
		sleep_ms(10);
	check_eq(pci_raw_config32(pf, 0), ALL_ONES, "wedged, later: id");
	power_cycle();
	decode();
	check_eq(reg(RIG_GPU_REG_ID), RIG_GPU_ID, "power cycled: ID");
	check_counts(2, 2, 0, "power cycled");
	sleep_ms(WEDGE_MS);
	function_reset();
	check_eq(pci_raw_config32(pf, 0), pci_id(pf), "reset in time: id");
	decode();
	check_counts(1, 0, 0, "reset in time");
}

/* Without No_Soft_Reset the way to D0 is a reset, of which the configuration tells, too. */
static void soft_reset(void)
{
	mark();
	set_state(3);
	set_state(0);
	check_eq(pci_raw_config32(pf, PCI_BASE_ADDRESS_0), 0, "soft reset: BAR 0");
	decode();
	check_marks(false, true, "soft reset");
	check_counts(0, 0, 1, "soft reset");
}

RIG_TEST(card_firmware, "rig-gpu: firmware that takes its time and can be wedged")
{
	unsigned int rtr;

	setup();
	rtr = ext_cap(pf, CAP_RTR);
	check(ext_cap(pf, PCI_EXT_CAP_ID_ATS), "ATS");
	check(rtr, "Readiness Time Reporting");
	check_eq(pci_sysfs_config32(pf, rtr + 4), 1u << 31 | (4 << 9 | READINESS_MS) * 0x1001,
		 "readiness time");
	soft_reset();
	ready();
	wedge();
	rig_rescan();
}

/* It answers before it is ready, and has no audio at first. */
RIG_TEST(card_early, "rig-gpu: answers too early, hides its audio")
{
	const struct pci_fn *audio = &rig.fn[1];
	uint64_t start;

	if (rig.nr_fns != 2)
		die("a display, and an audio function which the kernel has found");
	setup();
	start = now_us();
	model_cut();
	model_force_on();
	check_eq(pci_raw_config32(pf, 0), pci_id(pf), "early: id");
	decode();
	check(reg(RIG_GPU_REG_ID) != RIG_GPU_ID && reg(RIG_GPU_REG_ID) != ALL_ONES,
	      "early: ID is garbage (%08x)", reg(RIG_GPU_REG_ID));
	while (reg(RIG_GPU_REG_ID) != RIG_GPU_ID && since_ms(start) < 10 * READY_MS)
		sleep_ms(1);
	check(since_ms(start) > READY_MS / 2 && since_ms(start) < READY_MS * 2,
	      "ID after %ld ms", since_ms(start));

	check_eq(pci_raw_config32(audio, 0), ALL_ONES, "hidden: id of %s", audio->name);
	check_eq(pci_raw_config32(pf, PCI_CACHE_LINE_SIZE) >> 16 & 0x80, 0,
		 "hidden: a single function");
	pci_sysfs_config_write(pf, UNHIDE, UNHIDE_BIT, 4);
	check_eq(pci_raw_config32(audio, 0), pci_id(audio), "unhidden: id of %s", audio->name);
	check_eq(pci_raw_config32(pf, PCI_CACHE_LINE_SIZE) >> 16 & 0x80, 0x80,
		 "unhidden: several functions");
	rig_rescan();
	check_eq(rig.nr_fns, 2, "functions after remove and rescan");
}
