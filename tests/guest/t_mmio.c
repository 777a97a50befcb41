// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtd3/mmio: what an access to a BAR gets, mapped or by read() and write(), while the device is in
 * the user's low power, in the D3hot of its guest, promoted or not; and what it leaves behind.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "touch.h"
#include "vfio.h"

#define QUIET_MS	300
#define STAY_MS		700
#define ARRIVE_MS	3000

/* How the device got to sleep. */
enum how { USER, WAKEUP, GUEST, HOT, HOWS };

static const char * const how_names[HOWS] = {
	"low power", "low power with wakeup", "promoted D3hot", "D3hot",
};

/* Nothing: ones are read, or a write is lost. That is documented nowhere. */
enum result { BUS, REFUSED, NOTHING, REAL };

static const char * const result_names[] = { "SIGBUS", "EIO", "nothing", "the device" };

enum access { MAP_LOAD, MAP_STORE, READ, WRITE, ACCESSES };

static const char * const access_names[ACCESSES] = { "load", "store", "read()", "write()" };

/**
 * struct row - what is documented
 * @mode: rtd3/mmio
 * @map: what a mapping gets, in every way to sleep
 * @rw: what read() and write() get
 * @ends: an access that reaches the device ends low power of any kind
 */
static const struct row {
	const char *mode;
	enum result map;
	enum result rw[HOWS];
	bool ends;
} rows[] = {
	{ "sigbus", BUS, { REAL, REAL, REFUSED, REFUSED }, false },
	{ "wake", REAL, { REAL, REAL, REAL, REAL }, true },
};

static struct mmio {
	struct vfio_dev d;
	struct rtd3_region r;
	const struct dut *t;
	void *page;
	unsigned int pmcsr;
	int efd;
	struct power p;
} m;

static bool is_guest(enum how how)
{
	return how == GUEST || how == HOT;
}

static uint32_t flags(void)
{
	struct rtd3_info info;

	rtd3_region_info(&m.d, &m.r, &info);
	return info.flags & (RTD3_INFO_ENGAGED | RTD3_INFO_PROMOTED);
}

static void go(enum how how)
{
	m.p = power_get(1);
	switch (how) {
	case USER:
		vfio_entry(&m.d);
		break;
	case WAKEUP:
		if (__vfio_entry_wakeup(&m.d, m.efd))
			die("LOW_POWER_ENTRY_WITH_WAKEUP");
		break;
	case GUEST:
		pci_set(m.d.pf, "rtd3/promote", "always");
		guest_set(&m.d, PCI_D3HOT);
		break;
	default:
		pci_set(m.d.pf, "rtd3/promote", "never");
		guest_set(&m.d, PCI_D3HOT);
	}
	if (how != HOT)
		wait_asleep(m.d.pf, &m.p);
	else if ((power_cfg(m.d.pf, m.pmcsr) & PCI_PM_CTRL_STATE_MASK) != PCI_D3HOT)
		die("%s: in D3hot", m.d.pf->name);
}

/* What a guest gets back may have lost its context. */
static void back(enum how how, const char *when)
{
	uint64_t val = 0;

	if (is_guest(how))
		guest_set(&m.d, PCI_D0);
	else
		vfio_exit(&m.d);
	check_rtd3(m.d.pf, "guest_state", "D0", when);
	dut_prepare(&m.d);
	check_eq(flags(), 0, "%s, back: neither engaged nor promoted", when);
	check(touch_read(m.page, &m.t->known, &val) && val == m.t->known_val,
	      "%s, back: %s through the old mapping (0x%llx)", when, m.t->known.what,
	      (unsigned long long)val);
	check_eq(dut_read(&m.d, &m.t->known), m.t->known_val, "%s, back: %s", when,
		 m.t->known.what);
	vfio_eventfd_count(m.efd, 0);
}

static enum result sort_out(int ret, uint64_t val, const struct dut_reg *r)
{
	if (ret == -EIO)
		return REFUSED;
	if (ret)
		die("an access returns %s", strerror(-ret));
	return val == reg_ones(r) ? NOTHING : REAL;
}

static enum result do_access(enum access a)
{
	const struct dut_reg *k = &m.t->known, *l = &m.t->loses;
	uint64_t val = 0;
	void *page;
	bool good;
	int ret;

	switch (a) {
	case MAP_LOAD:
		return touch_read(m.page, k, &val) ? sort_out(0, val, k) : BUS;
	case MAP_STORE:
		/* A mapping of its own, made asleep, is no way around anything. */
		page = dut_map(&m.d, l);
		good = touch_write(page, l, m.t->loses_val) && touch_read(page, l, &val);
		munmap(page, DUT_PAGE);
		if (!good)
			return BUS;
		if (val != m.t->loses_val)
			die("a store is read back: 0x%llx", (unsigned long long)val);
		return power_cfg(m.d.pf, 0) == ALL_ONES ? NOTHING : REAL;
	case READ:
		ret = __dut_read(&m.d, k, &val);
		return sort_out(ret, val, k);
	default:
		ret = __vfio_write(&m.d, l->bar, l->off, m.t->loses_val, l->width);
		if (ret)
			return sort_out(ret, 0, l);
		return power_cfg(m.d.pf, 0) == ALL_ONES ||
		       (power_cfg(m.d.pf, m.pmcsr) & PCI_PM_CTRL_STATE_MASK) == PCI_D3HOT ?
		       NOTHING : REAL;
	}
}

/* The device has answered an access: what came of low power? */
static void check_reached(const struct row *row, enum how how, enum access a, const char *when)
{
	struct rtd3_power get;

	/* At once: it may sleep again, and lose it. */
	if (a == WRITE || a == MAP_STORE)
		check_eq(dut_read(&m.d, &m.t->loses), m.t->loses_val, "%s: %s has the value", when,
			 m.t->loses.what);
	if (how != HOT)
		check_woken(m.d.pf, &m.p, when);
	if (how == WAKEUP)
		check_eq(vfio_eventfd_count(m.efd, 1000), 1, "%s: eventfd", when);
	if (!row->ends) {
		check_eq(flags(), how == USER ? RTD3_INFO_ENGAGED : 0, "%s: engaged", when);
		if (how == USER)
			check_asleep(m.d.pf, &m.p, when);
		return;
	}
	check_eq(flags(), 0, "%s: neither engaged nor promoted", when);
	check_rtd3(m.d.pf, "guest_state", is_guest(how) ? "D3hot" : "D0", when);
	check_eq(vfio_cfg(&m.d, m.pmcsr, 2) & PCI_PM_CTRL_STATE_MASK,
		 is_guest(how) ? PCI_D3HOT : PCI_D0, "%s: PMCSR as the guest left it", when);
	if (!is_guest(how)) {
		rtd3_power_get(&m.d, &get);
		check_eq(get.low_power_state, RTD3_LOW_POWER_EXIT, "%s: low_power_state", when);
	}
	/* Its user has shown that it is needed. */
	m.p = power_get(1);
	check_no_off(&m.p, STAY_MS, when);
}

static void one_way(const struct row *row, enum how how)
{
	bool asleep = false;
	enum result got, want;
	char when[96];

	for (enum access a = 0; a < ACCESSES; a++) {
		snprintf(when, sizeof(when), "%s, %s, %s", row->mode, how_names[how],
			 access_names[a]);
		want = a <= MAP_STORE ? row->map : row->rw[how];
		if (!asleep)
			go(how);
		asleep = true;
		got = do_access(a);
		check(got == want, "%s: %s (%s)", when, result_names[want], result_names[got]);
		if (got != REAL)
			continue;
		check_reached(row, how, a, when);
		back(how, when);
		asleep = false;
	}
	if (!asleep)
		return;
	snprintf(when, sizeof(when), "%s, %s", row->mode, how_names[how]);
	if (how == HOT)
		check_eq(power_cfg(m.d.pf, m.pmcsr) & PCI_PM_CTRL_STATE_MASK, PCI_D3HOT,
			 "%s: D3hot from outside", when);
	else
		check_no_on(&m.p, QUIET_MS, when);
	back(how, when);
}

/* A change of the mode wakes nothing, and counts from the next access on. */
static void changes(enum how how)
{
	static const char * const modes[] = { "wake", "sigbus", "sigbus", "wake" };
	const struct dut_reg *k = &m.t->known;
	char when[64];
	uint64_t val;

	pci_set(m.d.pf, "rtd3/mmio", "sigbus");
	go(how);
	check(!touch_read(m.page, k, &val), "%s, asleep: SIGBUS", how_names[how]);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		snprintf(when, sizeof(when), "%s, asleep: mode is now %s", how_names[how],
			 modes[i]);
		pci_set(m.d.pf, "rtd3/mmio", modes[i]);
		if (!strcmp(modes[i], "sigbus"))
			check(!touch_read(m.page, k, &val), "%s: SIGBUS", when);
	}
	check_no_on(&m.p, QUIET_MS, when);
	val = 0;
	check(touch_read(m.page, k, &val) && val == m.t->known_val, "%s: wakes", when);
	check_woken(m.d.pf, &m.p, when);
	back(how, when);
}

/*
 * What KVM triggers for a guest's write past the VMM. The core drops it while the device is not in
 * D0, and nothing wakes; it is not made up for later.
 */
static void ioeventfd(enum how how)
{
	const struct dut_reg *l = &m.t->loses;
	struct vfio_device_ioeventfd io = {
		.argsz = sizeof(io),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = m.d.region[l->bar].offset + l->off,
		.data = m.t->loses_val,
		.fd = vfio_eventfd(),
	};
	uint64_t one = 1, start = now_us();

	vfio_write(&m.d, l->bar, l->off, 0, l->width);
	if (ioctl(m.d.fd, VFIO_DEVICE_IOEVENTFD, &io))
		die("VFIO_DEVICE_IOEVENTFD: %s", strerror(errno));
	if (write(io.fd, &one, sizeof(one)) != sizeof(one))
		die("write to an eventfd");
	while (dut_read(&m.d, l) != m.t->loses_val && since_ms(start) < ARRIVE_MS)
		sleep_ms(2);
	check_eq(dut_read(&m.d, l), m.t->loses_val, "ioeventfd awake: %s", l->what);
	vfio_write(&m.d, l->bar, l->off, 0, l->width);

	go(how);
	if (write(io.fd, &one, sizeof(one)) != sizeof(one))
		die("write to an eventfd");
	if (how == HOT)
		sleep_ms(QUIET_MS);
	else
		check_no_on(&m.p, QUIET_MS, "ioeventfd asleep");
	back(how, "ioeventfd asleep");
	check_eq(dut_read(&m.d, l), m.t->reset_val, "ioeventfd asleep, %s: %s after it",
		 how_names[how], l->what);
	io.fd = -1;
	ioctl(m.d.fd, VFIO_DEVICE_IOEVENTFD, &io);
}

RIG_TEST(mmio, "rtd3/mmio: accesses to a sleeping BAR")
{
	static const char * const bad[] = { "ones", "zero", "Wake", "wake sigbus" };
	const struct pci_fn *pf = &rig.fn[0];

	rig_load();
	rig_bind_all();
	/* Long enough to look at what was written. */
	rig_autosuspend("500");
	check_rtd3(pf, "mmio", "sigbus", "by default");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_err(__pci_set(pf, "rtd3/mmio", bad[i]), -EINVAL, "rtd3/mmio: '%s'", bad[i]);
	check_rtd3(pf, "mmio", "sigbus", "after refused values");
	vfio_open(&m.d, pf);
	m.t = dut_locate(&m.d);
	m.pmcsr = guest_pmcsr(&m.d);
	m.efd = vfio_eventfd();
	rtd3_region_find(&m.d, &m.r);
	touch_setup();
	m.page = dut_map(&m.d, &m.t->known);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pci_set(pf, "rtd3/mmio", rows[i].mode);
		for (enum how how = 0; how < HOWS; how++)
			one_way(&rows[i], how);
	}
	pci_set(pf, "rtd3/mmio", "sigbus");
	ioeventfd(USER);
	ioeventfd(GUEST);
	pci_set(pf, "rtd3/mmio", "wake");
	ioeventfd(GUEST);
	changes(USER);
	changes(GUEST);
	munmap(m.page, DUT_PAGE);
	check_known(&m.d, "at the end");
	vfio_close(&m.d);
}
