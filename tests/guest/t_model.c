// SPDX-License-Identifier: GPL-2.0-only
/* The power model itself: each fault does what it says, and the kernel sees it as hardware. */
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "kmsg.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"
#include "wake.h"

#define DELAY_MS	500
#define LOOK_MS		1500
#define RETRY_ID	0xffff0001u
/* PME from D0, D3hot and D3cold, version 3. */
#define PORT_PMC	0xc803

static const struct pci_fn port = { .name = RIG_PORT1, .dev = 4 };

static bool link_active(void)
{
	return pci_raw_exp16(&port, PCI_EXP_LNKSTA) & PCI_EXP_LNKSTA_DLLLA;
}

/* What is up, in all the places where it shows. */
static void check_state(unsigned int want, const char *when)
{
	const struct pci_fn *pf = &rig.fn[0];
	uint32_t id = want & MODEL_ANSWERS ? pci_id(pf) : ALL_ONES;

	check_eq(model_power(), want, "%s: power, link, answers", when);
	check_eq(link_active(), !!(want & MODEL_LINK), "%s: Link Active", when);
	if (want == MODEL_UP || !want) {
		check_eq(pci_raw_config32(pf, 0), id, "%s: id by CF8/CFC", when);
		check_eq(power_cfg(pf, 0), id, "%s: id from outside", when);
	}
}

static void equipment(void)
{
	unsigned int pm = pci_raw_cap(&port, PCI_CAP_ID_PM);

	check_eq(pci_raw_config32(&port, pm) >> 16, PORT_PMC, "PM capabilities of the port");
	check(pci_raw_exp16(&port, PCI_EXP_RTCAP) & PCI_EXP_RTCAP_CRSVIS, "CRS visibility: can");
	check(pci_raw_exp16(&port, PCI_EXP_RTCTL) & PCI_EXP_RTCTL_CRSSVE, "CRS visibility: is on");
	check(pci_raw_exp16(&port, PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS, "presence");
	check_eq(pci_raw_exp16(&port, PCI_EXP_SLTCTL) & PCI_EXP_SLTCTL_PCC, 0,
		 "no power controller");
	check_state(MODEL_UP, "boot");
}

/* A cycle without a fault: power and link go and come, and the device forgets. */
static void normal(struct power *p)
{
	const struct pci_fn *pf = &rig.fn[0];
	struct model_counts was, now;
	const struct dut *t;
	struct vfio_dev d;

	vfio_open(&d, pf);
	t = dut_locate(&d);
	vfio_write(&d, t->loses.bar, t->loses.off, t->loses_val, t->loses.width);
	check_eq(dut_read(&d, &t->loses), t->loses_val, "awake: %s", t->loses.what);
	was = model_counts();
	*p = power_get(1);
	vfio_entry(&d);
	check_asleep(pf, p, "normal");
	check_state(0, "normal, asleep");
	vfio_exit(&d);
	check_woken(pf, p, "normal");
	check_state(MODEL_UP, "normal, awake");
	now = model_counts();
	check(now.offs - was.offs == 1 && now.requests - was.requests == 1 &&
	      now.ons - was.ons == 1, "normal: off %d, asked %d, on %d", now.offs - was.offs,
	      now.requests - was.requests, now.ons - was.ons);
	check_eq(dut_read(&d, &t->loses), t->reset_val, "normal: %s", t->loses.what);
	check_known(&d, "normal");
	*p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, p, "normal, closed");
}

/* _OFF does less than it should: the rail has power all the time. */
static void off_fault(struct power *p, enum model_fault kind, unsigned int status,
		      const char *when)
{
	const struct pci_fn *pf = &rig.fn[0];
	struct model_counts was;
	const struct dut *t;
	struct vfio_dev d;
	uint64_t start;

	vfio_open(&d, pf);
	t = dut_locate(&d);
	vfio_write(&d, t->loses.bar, t->loses.off, t->loses_val, t->loses.width);
	was = model_counts();
	*p = power_get(1);
	model_fault(kind, 0);
	start = now_us();
	vfio_entry(&d);
	while (power_get(1).off == p->off && since_ms(start) < WAKE_ASKS_MS)
		sleep_ms(5);
	check_eq(power_get(1).off, p->off + 1, "%s: _OFF called", when);
	check_eq(model_power(), status, "%s: power as _STA says, link, answers", when);
	check_eq(link_active(), !!(status & MODEL_LINK), "%s: Link Active", when);
	check_eq(pci_raw_config32(pf, 0), ALL_ONES, "%s: nothing gets through a port in D3hot",
		 when);
	check_eq(model_counts().offs, was.offs, "%s: power-offs", when);
	model_clear();
	vfio_exit(&d);
	check_state(MODEL_UP, when);
	check_eq(dut_read(&d, &t->loses), status & MODEL_LINK ? t->loses_val : t->reset_val,
		 "%s: %s", when, t->loses.what);
	*p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, p, when);
}

/* Some kernels would wait for a minute, others have given up when the power comes. */
static void on_ignored(struct power *p)
{
	struct model_counts was = model_counts();
	uint64_t start = now_us();
	pid_t pid;

	model_fault(MODEL_ON_IGNORED, 1);
	pid = wake_begin(&was, "on ignored");
	sleep_ms(LOOK_MS);
	check_state(0, "on ignored");
	check_eq(model_counts().ons, was.ons, "on ignored: power-ons");
	model_force_on();
	check_state(MODEL_UP, "on ignored, forced on");
	wake_end(pid, start, "on ignored");
	wake_recover(p, "on ignored, recovered");

	/* Once means once: the fault is still set. */
	wake("on ignored, used up");
	check_state(MODEL_UP, "on ignored, used up");
	model_clear();
	fall_asleep(p, "on ignored, used up");
}

/* For a while not up, then up, and the kernel has waited for it. */
static void patience(struct power *p, enum model_fault fault, unsigned int meanwhile,
		     const char *when)
{
	const struct pci_fn *pf = &rig.fn[0];
	struct model_counts was = model_counts();
	uint64_t start;
	uint32_t id;
	pid_t pid;
	long ms;

	model_fault(fault, DELAY_MS);
	pid = wake_begin(&was, when);
	start = now_us();
	check_state(meanwhile, when);
	/* The power comes first, and nothing gets through a port that is not in D0 yet. */
	do {
		id = pci_raw_config32(pf, 0);
	} while (fault == MODEL_NOT_READY && id == ALL_ONES && since_ms(start) < DELAY_MS / 2);
	check_eq(id, fault == MODEL_NOT_READY ? RETRY_ID : ALL_ONES, "%s: id meanwhile", when);
	check_eq(pci_raw_config32(pf, PCI_COMMAND), ALL_ONES, "%s: command meanwhile", when);
	while (model_power() != MODEL_UP && since_ms(start) < WAKE_ASKS_MS)
		sleep_ms(1);
	ms = since_ms(start);
	check(ms > DELAY_MS / 2 && ms < DELAY_MS * 2, "%s: up after %ld ms", when, ms);
	wake_end(pid, start, when);
	check_state(MODEL_UP, when);
	check_str(pci_get(pf, "power_state"), "D0", "%s: power_state", when);
	model_clear();
	fall_asleep(p, when);
}

static void not_ready_for_ever(struct power *p)
{
	struct model_counts was = model_counts();
	const char *when = "not ready for ever";
	uint64_t start;
	pid_t pid;

	model_fault(MODEL_NOT_READY, MODEL_FOREVER);
	start = now_us();
	pid = wake_begin(&was, when);
	sleep_ms(LOOK_MS);
	check_state(MODEL_POWER | MODEL_LINK, when);
	check_eq(pci_raw_config32(&rig.fn[0], 0), RETRY_ID, "%s: id", when);
	model_clear();
	check_state(MODEL_POWER | MODEL_LINK, "cleared only");
	model_force_on();
	wake_end(pid, start, when);
	check_state(MODEL_UP, when);
	fall_asleep(p, when);
}

static void swapped(struct power *p)
{
	const struct pci_fn *pf = &rig.fn[0];

	model_fault(MODEL_SWAPPED, 0);
	wake("swapped");
	check_eq(pci_raw_config32(pf, 0), MODEL_SWAPPED_ID, "swapped: id by CF8/CFC");
	check_eq(power_cfg(pf, 0), MODEL_SWAPPED_ID, "swapped: id from outside");
	model_clear();
	check_eq(pci_raw_config32(pf, 0), MODEL_SWAPPED_ID, "swapped, cleared only: id");
	wake_recover(p, "swapped, recovered");
	wake("swapped, recovered");
	check_state(MODEL_UP, "swapped, recovered");
	fall_asleep(p, "swapped, recovered");
}

static void check_link(const char *speed, const char *width, unsigned int lnksta,
		       const char *when)
{
	const struct pci_fn *pf = &rig.fn[0];
	const unsigned int mask = PCI_EXP_LNKSTA_CLS | PCI_EXP_LNKSTA_NLW;

	check_str(pci_get(pf, "current_link_speed"), speed, "%s: current_link_speed", when);
	check_str(pci_get(pf, "current_link_width"), width, "%s: current_link_width", when);
	check_eq(pci_raw_exp16(pf, PCI_EXP_LNKSTA) & mask, lnksta, "%s: Link Status of the device",
		 when);
	check_eq(pci_raw_exp16(&port, PCI_EXP_LNKSTA) & mask, lnksta, "%s: Link Status of the port",
		 when);
}

static void slow_link(struct power *p)
{
	model_fault(MODEL_SLOW_LINK, 0);
	wake("slow link");
	check_state(MODEL_UP, "slow link");
	check_link("2.5 GT/s PCIe", "1", PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1,
		   "slow link");
	model_clear();
	fall_asleep(p, "slow link, cleared");
	wake("slow link, cleared");
	check_link("5.0 GT/s PCIe", "4", PCI_EXP_LNKSTA_CLS_5_0GB | PCI_EXP_LNKSTA_NLW_X4,
		   "slow link, cleared");
	fall_asleep(p, "slow link, cleared");
}

static void dead_fn(struct power *p)
{
	const struct pci_fn *a = &rig.fn[0], *b = &rig.fn[1];

	model_fault(MODEL_DEAD_FN, b->fn);
	wake("dead function");
	check_state(MODEL_UP, "dead function");
	check_eq(pci_raw_config32(b, 0), ALL_ONES, "dead function: id of %s", b->name);
	model_force_on();
	check_eq(pci_raw_config32(b, 0), pci_id(b), "forced on: id of %s", b->name);
	model_clear();
	wake_recover(p, "dead function, recovered");
	wake("dead function, recovered");
	check_eq(pci_raw_config32(a, 0), pci_id(a), "recovered: id of %s", a->name);
	check_eq(pci_raw_config32(b, 0), pci_id(b), "recovered: id of %s", b->name);
	fall_asleep(p, "dead function, recovered");
}

/* The power goes while the device is in use, with its registers mapped. */
static void cut(struct power *p)
{
	const struct pci_fn *pf = &rig.fn[0];
	const struct dut *t;
	struct vfio_dev d;

	vfio_open(&d, pf);
	t = dut_locate(&d);
	check_known(&d, "before the cut");
	model_cut();
	check_state(0, "cut");
	check_eq(dut_mmap_read(&d, &t->known), t->known.mask, "cut: %s through mmap()",
		 t->known.what);
	check_eq(dut_read(&d, &t->known), t->known.mask, "cut: %s through read()", t->known.what);
	model_force_on();
	check_state(MODEL_UP, "forced on");
	check_eq(pci_raw_config32(pf, PCI_COMMAND) & PCI_COMMAND_MEMORY, 0,
		 "forced on: the device has forgotten its memory decoding");
	vfio_close(&d);
	wake_recover(p, "cut, recovered");
}

static void gone_unnoticed(struct power *p)
{
	wake("gone");
	model_gone();
	check_state(0, "gone");
	check_eq(pci_raw_exp16(&port, PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS, 0, "gone: presence");
	model_force_on();
	check_state(0, "gone, forced on");
	model_back();
	check_state(MODEL_UP, "back");
	check(pci_raw_exp16(&port, PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS, "back: presence");
	wake_recover(p, "back, recovered");
}

static int known_fns(void)
{
	int n = 0;

	for (int i = 0; i < rig.nr_fns; i++)
		n += pci_has(&rig.fn[i], "vendor");
	return n;
}

/* Waits until the kernel's hot-plug driver has changed what is below the port. */
static void check_known_fns(int log, int want, const char *when)
{
	uint64_t start = now_us();
	char line[256];

	while (known_fns() != want && since_ms(start) < WAKE_ASKS_MS)
		sleep_ms(10);
	check_eq(known_fns(), want, "%s: functions that the kernel knows", when);
	while (kmsg_next(log, line, sizeof(line)))
		if (strstr(line, "pciehp"))
			diag("%s: %s", when, line);
}

static void bind_new(struct power *p, const char *when)
{
	*p = power_get(1);
	check(rig_bind_new(WAKE_ASKS_MS), "%s: %s takes it", when, rig.driver);
	check_asleep(&rig.fn[0], p, when);
}

/* An empty slot sleeps after a while, and the model has no PME to wake it: keep it awake. */
static void fill_slot(void (*fill)(void), int log, const char *when)
{
	const struct pci_fn port = { .name = RIG_PORT1 };

	pci_set(&port, "power/control", "on");
	fill();
	check_known_fns(log, rig.nr_fns, when);
	pci_set(&port, "power/control", "auto");
}

static void hot_plug(struct power *p)
{
	int log = kmsg_open();

	wake("hot plug");
	model_gone();
	check_state(0, "gone");
	check_known_fns(log, 0, "gone");
	fill_slot(model_back, log, "back");
	check_state(MODEL_UP, "back");
	bind_new(p, "back");

	wake("cut");
	model_cut();
	check_known_fns(log, 0, "cut");
	fill_slot(model_force_on, log, "forced on");
	check_state(MODEL_UP, "forced on");
	bind_new(p, "forced on");

	if (rig.major == 6 && rig.minor < 5) {
		skip("this kernel waits a minute for what has no link", "gone in D3cold");
		close(log);
		return;
	}
	/* A port without power tells nobody. */
	model_gone();
	sleep_ms(LOOK_MS);
	check_known_fns(log, rig.nr_fns, "gone in D3cold");
	wake("gone in D3cold");
	check_known_fns(log, 0, "gone in D3cold, woken");
	fill_slot(model_back, log, "back after D3cold");
	bind_new(p, "back after D3cold");
	close(log);
}

RIG_TEST(model, "the power model itself: faults of port 1")
{
	struct power p;

	if (!model_present())
		die("a machine with the power model");
	rig_load();
	equipment();
	check_bind_asleep(&p, "bind");
	normal(&p);
	if (rig.hotplug) {
		hot_plug(&p);
		return;
	}
	off_fault(&p, MODEL_OFF_REFUSED, MODEL_UP, "off refused");
	off_fault(&p, MODEL_OFF_NOTHING, MODEL_LINK | MODEL_ANSWERS, "off does nothing");
	off_fault(&p, MODEL_OFF_PERST, 0, "off is but a reset");
	on_ignored(&p);
	patience(&p, MODEL_ON_LATE, 0, "on late");
	patience(&p, MODEL_NOT_READY, MODEL_POWER | MODEL_LINK, "not ready");
	not_ready_for_ever(&p);
	swapped(&p);
	slow_link(&p);
	if (rig.nr_fns > 1)
		dead_fn(&p);
	cut(&p);
	gone_unnoticed(&p);
}
