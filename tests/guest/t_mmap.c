// SPDX-License-Identifier: GPL-2.0-only
/* A mapped BAR: SIGBUS from ENTRY to EXIT, without waking the device, and works again then. */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

static sigjmp_buf bus_jump;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(bus_jump, 1);
}

/* Whether a read, or a write of what is there, raises SIGBUS. */
static bool faults(void *page, const struct dut_reg *r, bool write, uint64_t *val)
{
	if (sigsetjmp(bus_jump, 1))
		return true;
	if (write)
		*((volatile uint8_t *)page + (r->off & (DUT_PAGE - 1))) = 1;
	else
		*val = dut_load(page, r);
	return false;
}

/* A process that has the map by fork(), and no handler, dies of it. */
static int signal_of_child(void *page, const struct dut_reg *r)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		dut_load(page, r);
		_exit(0);
	}
	if (wait_child(pid, 20000, &status))
		die("child that touches a mapped BAR ends");
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void one_round(struct vfio_dev *d, void *page, struct power *p)
{
	const struct dut *t = dut_of(d->pf);
	uint64_t val = 0;

	check(!faults(page, &t->known, false, &val), "map: no SIGBUS before ENTRY");
	check_eq(val, t->known_val, "map: %s before ENTRY", t->known.what);
	check_eq(signal_of_child(page, &t->known), 0, "map: a forked child reads it");

	*p = power_get(1);
	vfio_entry(d);
	check(faults(page, &t->known, false, &val), "map: SIGBUS right after ENTRY");
	wait_asleep(d->pf, p);
	check(faults(page, &t->known, false, &val), "map: SIGBUS on read in D3cold");
	check(faults(page, &t->loses, true, &val), "map: SIGBUS on write in D3cold");
	check_eq(signal_of_child(page, &t->known), SIGBUS, "map: signal of a child in D3cold");
	check_no_on(p, 500, "map touched in D3cold");
	check_eq(power_cfg(d->pf, 0), ALL_ONES, "map touched in D3cold: id from outside");

	/* A new map in low power is no way around it. */
	{
		void *other = vfio_mmap(d, t->known.bar, t->known.off & ~(DUT_PAGE - 1), DUT_PAGE);

		if (other != MAP_FAILED) {
			check(faults(other, &t->known, false, &val),
			      "map made in low power: SIGBUS");
			munmap(other, DUT_PAGE);
		} else {
			check(true, "map in low power is refused");
		}
	}

	vfio_exit(d);
	val = 0;
	check(!faults(page, &t->known, false, &val), "map: no SIGBUS after EXIT");
	check_eq(val, t->known_val, "map: %s after EXIT", t->known.what);
	check(!faults(page, &t->loses, true, &val), "map: no SIGBUS on write after EXIT");
	check_eq(signal_of_child(page, &t->known), 0, "map: a forked child reads it after EXIT");
}

RIG_TEST(mmap, "mapped BARs in low power")
{
	struct sigaction sa = { .sa_handler = on_bus };
	const struct dut *t;
	struct vfio_dev d;
	struct power p;
	void *page;

	rig_load();
	rig_bind_all();
	vfio_open(&d, &rig.fn[0]);
	t = dut_locate(&d);
	check(d.region[t->known.bar].flags & VFIO_REGION_INFO_FLAG_MMAP, "region %d can be mapped",
	      t->known.bar);
	sigaction(SIGBUS, &sa, NULL);
	page = dut_map(&d, &t->known);
	for (int i = 0; i < 3; i++)
		one_round(&d, page, &p);

	/* The fd goes first, the map last: the device stays open until both are gone. */
	p = power_get(1);
	vfio_close(&d);
	check_no_off(&p, 1000, "fd closed, still mapped");
	munmap(page, DUT_PAGE);
	check_asleep(&rig.fn[0], &p, "unmapped");
	signal(SIGBUS, SIG_DFL);
	vfio_open(&d, &rig.fn[0]);
	check_known(&d, "opened again");
	vfio_close(&d);
}
