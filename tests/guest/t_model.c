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

#define DELAY_MS	500
#define LOOK_MS		1500
#define STEP_MS		20000
#define WAKE_MS		90000
#define RETRY_ID	0xffff0001u
/* PME from D0, D3hot and D3cold, version 3. */
#define PORT_PMC	0xc803

static const struct pci_fn port = { .name = RIG_PORT1, .dev = 4 };

/* Past the kernel, which is asleep and may not be woken. */
static unsigned int raw_cap(const struct pci_fn *pf, unsigned int id)
{
	unsigned int pos = pci_raw_config32(pf, PCI_CAPABILITY_LIST) & 0xfc;

	for (int i = 0; pos && i < 48; i++) {
		uint32_t head = pci_raw_config32(pf, pos);

		if ((head & 0xff) == id)
			return pos;
		pos = head >> 8 & 0xfc;
	}
	die("%s: capability %#x", pf->name, id);
}

static unsigned int raw_exp16(const struct pci_fn *pf, unsigned int reg)
{
	unsigned int off = raw_cap(pf, PCI_CAP_ID_EXP) + reg;

	return pci_raw_config32(pf, off & ~3u) >> (off & 2) * 8 & 0xffff;
}

static bool link_active(void)
{
	return raw_exp16(&port, PCI_EXP_LNKSTA) & PCI_EXP_LNKSTA_DLLLA;
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

static void all_control(const char *val)
{
	for (int i = 0; i < rig.nr_fns; i++)
		__pci_set(&rig.fn[i], "power/control", val);
}

/* After wake(), which forbids it. */
static void fall_asleep(struct power *p, const char *when)
{
	*p = power_get(1);
	all_control("auto");
	check_asleep(&rig.fn[0], p, when);
}

static int all_on(void *arg)
{
	(void)arg;
	all_control("on");
	return 0;
}

/* A wake of the device that may take as long as it likes. */
static pid_t wake_begin(const struct model_counts *before, const char *when)
{
	uint64_t start = now_us();
	pid_t pid = rig_child(all_on, NULL);

	while (model_counts().requests == before->requests && since_ms(start) < STEP_MS)
		sleep_ms(1);
	check_eq((uint16_t)(model_counts().requests - before->requests), 1, "%s: _ON asks", when);
	return pid;
}

static void wake_end(pid_t pid, uint64_t start, const char *when)
{
	char state[16];

	check_err(wait_child(pid, WAKE_MS, NULL), 0, "%s: the wake ends", when);
	__pci_get(&rig.fn[0], "power_state", state, sizeof(state));
	diag("%s: woken or given up after %ld ms, %s", when, since_ms(start),
	     *state ? state : "and gone");
}

static void wake(const char *when)
{
	struct model_counts before = model_counts();
	uint64_t start = now_us();

	wake_end(wake_begin(&before, when), start, when);
}

/* What stock drivers need after a wake that failed. */
static void recover(struct power *p, const char *when)
{
	struct pci_fn fn[RIG_MAX_FNS];

	model_force_on();
	for (int i = 0; i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "remove", "1");
	pci_set(&port, "rescan", "1");
	if (pci_below(RIG_PORT1, fn, RIG_MAX_FNS) != rig.nr_fns)
		die("%s: the devices after remove and rescan", when);
	*p = power_get(1);
	rig_bind_all();
	check_asleep(&rig.fn[0], p, when);
}

static void equipment(void)
{
	unsigned int pm = raw_cap(&port, PCI_CAP_ID_PM);

	check_eq(pci_raw_config32(&port, pm) >> 16, PORT_PMC, "PM capabilities of the port");
	check(raw_exp16(&port, PCI_EXP_RTCAP) & PCI_EXP_RTCAP_CRSVIS, "CRS visibility: can");
	check(raw_exp16(&port, PCI_EXP_RTCTL) & PCI_EXP_RTCTL_CRSSVE, "CRS visibility: is on");
	check(raw_exp16(&port, PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS, "presence");
	check_eq(raw_exp16(&port, PCI_EXP_SLTCTL) & PCI_EXP_SLTCTL_PCC, 0, "no power controller");
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

static void off_refused(struct power *p)
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
	model_fault(MODEL_OFF_REFUSED, 0);
	start = now_us();
	vfio_entry(&d);
	while (power_get(1).off == p->off && since_ms(start) < STEP_MS)
		sleep_ms(5);
	check_eq(power_get(1).off, p->off + 1, "off refused: _OFF called");
	check_state(MODEL_UP, "off refused");
	check_eq(model_counts().offs, was.offs, "off refused: power-offs");
	model_clear();
	vfio_exit(&d);
	check_eq(dut_read(&d, &t->loses), t->loses_val, "off refused: %s", t->loses.what);
	*p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, p, "off refused, cleared");
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
	recover(p, "on ignored, recovered");

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
	id = pci_raw_config32(pf, 0);
	check_eq(id, fault == MODEL_NOT_READY ? RETRY_ID : ALL_ONES, "%s: id meanwhile", when);
	check_eq(pci_raw_config32(pf, PCI_COMMAND), ALL_ONES, "%s: command meanwhile", when);
	while (model_power() != MODEL_UP && since_ms(start) < STEP_MS)
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
	recover(p, "swapped, recovered");
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
	check_eq(raw_exp16(pf, PCI_EXP_LNKSTA) & mask, lnksta, "%s: Link Status of the device",
		 when);
	check_eq(raw_exp16(&port, PCI_EXP_LNKSTA) & mask, lnksta, "%s: Link Status of the port",
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
	recover(p, "dead function, recovered");
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
	recover(p, "cut, recovered");
}

static void gone_unnoticed(struct power *p)
{
	wake("gone");
	model_gone();
	check_state(0, "gone");
	check_eq(raw_exp16(&port, PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS, 0, "gone: presence");
	model_force_on();
	check_state(0, "gone, forced on");
	model_back();
	check_state(MODEL_UP, "back");
	check(raw_exp16(&port, PCI_EXP_SLTSTA) & PCI_EXP_SLTSTA_PDS, "back: presence");
	recover(p, "back, recovered");
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

	while (known_fns() != want && since_ms(start) < STEP_MS)
		sleep_ms(10);
	check_eq(known_fns(), want, "%s: functions that the kernel knows", when);
	while (kmsg_next(log, line, sizeof(line)))
		if (strstr(line, "pciehp"))
			diag("%s: %s", when, line);
}

static void bind_new(struct power *p, const char *when)
{
	*p = power_get(1);
	check(rig_bind_new(STEP_MS), "%s: %s takes it", when, rig.driver);
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
	p = power_get(1);
	rig_bind_all();
	check_asleep(&rig.fn[0], &p, "bind");
	normal(&p);
	if (rig.hotplug) {
		hot_plug(&p);
		return;
	}
	off_refused(&p);
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
