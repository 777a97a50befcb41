// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fault table: every fault of power and link at one moment of a device's life, which the name
 * of the test says. For our driver each cell is checked. For stock vfio-pci each is measured, to
 * show beside it: there a device is healed by remove and rescan, and a call that does not end
 * within STOCK_MS is released by giving the device its power back.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dut.h"
#include "fault.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

/*
 * A wake of ours waits 1 s, as the PCI core's port does, and an access 2 s more; the machines that
 * run beside this one take their time, too.
 */
#define ACCESS_MS	5000
#define LEAVE_MS	5000
#define LADDER_MS	15000
#define HEAL_MS		3000
#define AT_ONCE_MS	500
#define STOCK_MS	10000

/**
 * struct cell - one fault at one moment
 * @f: the fault
 * @name: of fault and moment
 * @d: the device of a moment at which it is open
 * @map: a page of it
 * @efd: its error eventfd
 * @is_open: whether it is
 * @ret: of the call during which the fault struck
 * @ms: how long that took
 */
static struct cell {
	const struct fault *f;
	char name[64];
	struct vfio_dev d;
	void *map;
	int efd;
	bool is_open;
	int ret;
	long ms;
} cell;

static const struct pci_fn *pf;
static uint32_t good_header[16];

/*
 * Moments. begin() is called with the device asleep, or in D0 for a fault that needs that; strike()
 * is the call during which the fault strikes.
 */
static void begin_nothing(void)
{
}

static int strike_idle(void)
{
	uint64_t start = now_us();
	int ret = 0;

	if (cell.f->when == FAULT_NOW && rig.ours) {
		/* Nobody touches it. It is found out when it is to sleep. */
		ret = __pci_set(pf, "rtd3/policy", "d3cold");
		while (!strcmp(pci_get(pf, "rtd3/health"), "ok") && since_ms(start) < ACCESS_MS)
			sleep_ms(10);
		return ret;
	}
	/* What lspci does. For the host a dead device reads as ones. */
	pci_sysfs_config32(pf, PCI_VENDOR_ID);
	return 0;
}

static void begin_open(void)
{
	vfio_open(&cell.d, pf);
	cell.is_open = true;
	cell.efd = vfio_eventfd();
	if (__vfio_irq_trigger(&cell.d, VFIO_PCI_ERR_IRQ_INDEX, 1, &cell.efd))
		diag("%s: no error eventfd", cell.name);
	cell.map = dut_map(&cell.d, &dut_locate(&cell.d)->known);
	if (cell.f->when != FAULT_NOW)
		vfio_entry(&cell.d);
}

static int strike_access(void)
{
	uint64_t id = 0;
	int ret = __vfio_read(&cell.d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &id, 4);

	if (!rig.ours)
		return ret;
	check(ret || id == pci_id(pf), "%s: what is read is the id (%08llx)", cell.name,
	      (unsigned long long)id);
	return ret;
}

static int strike_open(void)
{
	int ret = __vfio_open(&cell.d, pf);

	cell.is_open = !ret;
	return ret;
}

static void end_use(void)
{
	if (cell.map)
		munmap(cell.map, DUT_PAGE);
	cell.map = NULL;
	if (cell.efd >= 0)
		close(cell.efd);
	cell.efd = -1;
	if (cell.is_open)
		vfio_close(&cell.d);
	cell.is_open = false;
}

static int strike_close(void)
{
	end_use();
	return 0;
}

static int strike_hot_reset(void)
{
	return __vfio_hot_reset(&cell.d, 1, &cell.d.group->fd);
}

static int strike_unbind(void)
{
	return __pci_unbind(pf);
}

static int strike_unload(void)
{
	return rig_modprobe_remove(rig.driver) ? -EBUSY : 0;
}

/* What strike() does: reports a device that does not work, is an ioctl, takes the driver away. */
#define FAILS	1
#define IOCTL	2
#define LEAVES	4

static const struct moment {
	const char *name;
	void (*begin)(void);
	int (*strike)(void);
	long limit_ms;
	int flags;
} moments[] = {
	{ "idle", begin_nothing, strike_idle, ACCESS_MS, 0 },
	{ "engaged", begin_open, strike_access, ACCESS_MS, FAILS },
	{ "open", begin_nothing, strike_open, ACCESS_MS, FAILS },
	{ "close", begin_open, strike_close, LEAVE_MS, 0 },
	{ "hotreset", begin_open, strike_hot_reset, ACCESS_MS, FAILS | IOCTL },
	{ "unbind", begin_nothing, strike_unbind, LEAVE_MS, LEAVES },
	{ "unload", begin_nothing, strike_unload, LEAVE_MS, LEAVES },
};

static const struct moment *moment_of(const char *test)
{
	const char *name = strchr(test, '-');

	for (size_t i = 0; name && i < sizeof(moments) / sizeof(moments[0]); i++)
		if (!strcmp(moments[i].name, name + 1))
			return &moments[i];
	die("a moment in the name of the test: %s", test);
}

static void read_header(uint32_t *header)
{
	for (int i = 0; i < 16; i++)
		header[i] = pci_sysfs_config32(pf, i * 4);
	/* Not the status register, and not what a user may have written. */
	header[1] &= PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	header[3] &= 0x00ff0000;
	header[15] &= 0xffffff00;
}

static void check_header(void)
{
	uint32_t header[16];
	int bad = 0;

	read_header(header);
	for (int i = 0; i < 16; i++)
		if (header[i] != good_header[i]) {
			diag("%s: config %#x is %08x, was %08x", cell.name, i * 4, header[i],
			     good_header[i]);
			bad++;
		}
	check(!bad, "%s: the configuration is as before", cell.name);
}

static void check_other(void)
{
	if (!rig.has_other)
		return;
	check(pci_sysfs_config32(&rig.other, 0) == pci_id(&rig.other),
	      "%s: the device on the other port answers", cell.name);
}

/* What everybody gets from a device that has failed. */
static void check_shut(void)
{
	struct rtd3_region r;
	struct rtd3_info info;
	uint64_t start, val;
	int status;
	pid_t pid;

	check(strstr(cell.f->reasons, pci_get(pf, "rtd3/health_reason")),
	      "%s: rtd3/health_reason: %s", cell.name, pci_get(pf, "rtd3/health_reason"));
	if (!cell.is_open) {
		start = now_us();
		check_err(strike_open(), -EIO, "%s: failed: open", cell.name);
		check(since_ms(start) < AT_ONCE_MS, "%s: failed: open returns at once (%ld ms)",
		      cell.name, since_ms(start));
		return;
	}

	start = now_us();
	check_err(__vfio_read(&cell.d, VFIO_PCI_CONFIG_REGION_INDEX, 0, &val, 4), -EIO,
		  "%s: failed: config read", cell.name);
	check_err(__vfio_write(&cell.d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, 0, 2), -EIO,
		  "%s: failed: config write", cell.name);
	check_err(__dut_read(&cell.d, &dut_of(pf)->known, &val), -EIO, "%s: failed: BAR read",
		  cell.name);
	check_err(__vfio_exit(&cell.d), -EIO, "%s: failed: EXIT", cell.name);
	check_err(__vfio_reset(&cell.d), -EIO, "%s: failed: RESET", cell.name);
	check(since_ms(start) < AT_ONCE_MS, "%s: failed: all of them at once (%ld ms)", cell.name,
	      since_ms(start));
	check(vfio_eventfd_count(cell.efd, 1000) >= 1, "%s: failed: error eventfd", cell.name);
	rtd3_region_find(&cell.d, &r);
	rtd3_region_info(&cell.d, &r, &info);
	check_eq(info.health, RTD3_HEALTH_FAILED, "%s: failed: rtd3_info.health", cell.name);

	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		dut_load(cell.map, &dut_of(pf)->known);
		_exit(0);
	}
	check(!wait_child(pid, 2000, &status) && WIFSIGNALED(status) &&
	      WTERMSIG(status) == SIGBUS, "%s: failed: SIGBUS from the mapping", cell.name);
}

/* The device is bound and has its power: bring it to health if it is not, and use it. */
static void check_heals(void)
{
	uint64_t start = now_us();

	if (cell.f->heal == FAULT_BY_RECOVER)
		check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "%s: healed: rtd3/recover",
			  cell.name);
	if (!cell.is_open)
		check_err(strike_open(), 0, "%s: healed: open", cell.name);
	else if (cell.f->heal == FAULT_BY_OPEN)
		/* It is open: there is nobody who would look, but somebody who writes. */
		check_err(__pci_set(pf, "rtd3/recover", "1"), 0, "%s: healed: rtd3/recover",
			  cell.name);
	check(since_ms(start) < HEAL_MS, "%s: healed: works within %d ms (%ld ms)", cell.name,
	      HEAL_MS, since_ms(start));
	if (!cell.is_open)
		return;
	check_str(fault_health(pf, LADDER_MS), cell.f->degraded ? "degraded" : "ok",
		  "%s: healed: rtd3/health", cell.name);
	check_err(__vfio_exit(&cell.d), 0, "%s: healed: EXIT", cell.name);
	check_known(&cell.d, cell.name);
	figure("heal_ms", "%s %ld", cell.name, since_ms(start));
}

static void check_cell(const struct moment *m)
{
	const char *health;
	int want = 0;

	check(cell.ms < m->limit_ms, "%s: returns within %ld ms (%ld ms)", cell.name, m->limit_ms,
	      cell.ms);
	if ((m->flags & FAILS) && (!cell.f->first || (cell.f->cycle && m->flags & IOCTL)))
		want = -EIO;
	/* After a first access that failed the ladder may have been quick. */
	check(cell.ret == want || (want && !cell.ret && cell.f->heal == FAULT_BY_ITSELF),
	      "%s: %s, want %s", cell.name, cell.ret ? strerrorname_np(-cell.ret) : "0",
	      want ? strerrorname_np(-want) : "0");
	check_other();
	if (m->flags & LEAVES) {
		figure("cell", "%s %s ms=%ld health=-", cell.name,
		       cell.ret ? strerrorname_np(-cell.ret) : "0", cell.ms);
		fault_power_works(cell.f);
		model_force_on();
		return;
	}

	health = fault_health(pf, LADDER_MS);
	figure("cell", "%s %s ms=%ld health=%s/%s", cell.name,
	       cell.ret ? strerrorname_np(-cell.ret) : "0", cell.ms, health,
	       pci_get(pf, "rtd3/health_reason"));
	if (cell.f->heal == FAULT_BY_ITSELF) {
		check_str(health, cell.f->degraded ? "degraded" : "ok", "%s: rtd3/health",
			  cell.name);
		if (cell.f->degraded)
			check_str(pci_get(pf, "rtd3/health_reason"), cell.f->degraded,
				  "%s: rtd3/health_reason", cell.name);
	} else if (check_str(health, "failed", "%s: rtd3/health", cell.name)) {
		check_shut();
	}
	fault_power_works(cell.f);
	check_heals();
}

static void bind_all(void)
{
	rig_load();
	for (int i = 0; i < rig.nr_fns; i++)
		if (strcmp(pci_driver(&rig.fn[i]), rig.driver))
			pci_bind(&rig.fn[i], rig.driver);
}

/* As a new day: everything bound, well, and asleep; awake if the fault needs that. */
static void start_fresh(void)
{
	struct power p = power_get(1);
	long ms;

	bind_all();
	for (int i = 0; rig.ours && i < rig.nr_fns; i++) {
		check_str(fault_health(&rig.fn[i], LADDER_MS), "ok",
			  "%s: before: rtd3/health of %s", cell.name, rig.fn[i].name);
		pci_set(&rig.fn[i], "rtd3/fallback", "none");
		pci_set(&rig.fn[i], "rtd3/policy",
			cell.f->when == FAULT_NOW ? "off" : "d3cold");
	}
	if (cell.f->when != FAULT_ASLEEP)
		return;
	ms = __wait_asleep(pf, &p, ASLEEP_TIMEOUT_MS);
	if (rig.ours)
		check(ms >= 0, "%s: before: asleep", cell.name);
}

static void *stock_watch(void *arg)
{
	int *left = arg;

	for (; *(volatile int *)left > 0; *left -= 100)
		sleep_ms(100);
	if (!*(volatile int *)left) {
		model_clear();
		model_force_on();
	}
	return NULL;
}

/* Only remove and rescan make a device work again that stock vfio-pci has lost. */
static void stock_heal(void)
{
	const struct pci_fn bus = { .name = RIG_PORT1 };

	end_use();
	model_clear();
	model_force_on();
	sleep_ms(200);
	for (int i = 0; i < rig.nr_fns; i++)
		__pci_set(&rig.fn[i], "remove", "1");
	__pci_set(&bus, "rescan", "1");
	sleep_ms(500);
	rig.nr_fns = pci_below(RIG_PORT1, rig.fn, RIG_MAX_FNS);
	if (rig.nr_fns < 1)
		die("%s: a device after remove and rescan", cell.name);
}

/* 0 if an open device does what it shall, else -errno; -EIO for nonsense. */
static int stock_works(void)
{
	const struct dut *t;
	uint64_t val = 0;
	int ret;

	ret = __vfio_read(&cell.d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &val, 2);
	/* With all ones there a register cannot be looked for. */
	if (ret || (val & 0xffff) == 0xffff)
		return ret ? ret : -EIO;
	t = dut_locate(&cell.d);
	ret = __dut_read(&cell.d, &t->known, &val);
	return ret || val == t->known_val ? ret : -EIO;
}

static void stock_cell(const struct moment *m)
{
	int left = STOCK_MS;
	pthread_t watch;
	uint64_t start;
	uint32_t id;
	int again;

	pthread_create(&watch, NULL, stock_watch, &left);
	start = now_us();
	cell.ret = m->strike();
	cell.ms = since_ms(start);
	left = -1;
	pthread_join(watch, NULL);
	id = pci_raw_config32(pf, 0);

	/* With power back, does it work for the next user? */
	end_use();
	model_clear();
	model_force_on();
	sleep_ms(300);
	if (m->flags & LEAVES)
		bind_all();
	again = strike_open();
	if (!again)
		again = stock_works();
	figure("cell", "%s %s%s ms=%ld health=%s again=%s", cell.name,
	       cell.ret ? strerrorname_np(-cell.ret) : "0",
	       cell.ms >= STOCK_MS ? " released" : "", cell.ms,
	       id == pci_id(pf) ? "answers" : id == ALL_ONES ? "dead" : "other-device",
	       again ? strerrorname_np(-again) : "0");
	check(true, "%s: measured", cell.name);
	stock_heal();
}

static void run_cell(const struct moment *m, const struct fault *f)
{
	uint64_t start;

	cell = (struct cell){ .f = f, .efd = -1 };
	snprintf(cell.name, sizeof(cell.name), "%s %s", f->name, m->name);
	model_clear();
	start_fresh();
	if (f->when == FAULT_AWAKE)
		fault_set(f);
	m->begin();
	if (m->begin == begin_open && f->when != FAULT_NOW)
		sleep_ms(1000);
	if (f->when != FAULT_AWAKE)
		fault_set(f);

	if (!rig.ours) {
		stock_cell(m);
		return;
	}
	start = now_us();
	cell.ret = m->strike();
	cell.ms = since_ms(start);
	check_cell(m);
	end_use();
	model_clear();
	if (m->flags & LEAVES)
		bind_all();
	/* A sibling has to be asked for on its own; its wake may still wait for it. */
	if (f->two)
		sleep_ms(2000);
	for (int i = 1; i < rig.nr_fns; i++)
		if (strcmp(fault_health(&rig.fn[i], LADDER_MS), "ok"))
			check_err(__pci_set(&rig.fn[i], "rtd3/recover", "1"), 0,
				  "%s: healed: rtd3/recover of %s", cell.name, rig.fn[i].name);
	/* A degraded device is well again after a sleep and a wake without a fault. */
	if (f->degraded) {
		struct power p = power_get(1);

		__wait_asleep(pf, &p, 2000);
		strike_open();
		end_use();
	}
	check_header();
}

void test_faults(void)
{
	const struct moment *m = moment_of(rig.test);

	if (!model_present())
		die("the power model");
	pf = &rig.fn[0];
	read_header(good_header);
	for (int i = 0; i < nr_faults; i++)
		if (!faults[i].two || rig.nr_fns > 1)
			run_cell(m, &faults[i]);
}
