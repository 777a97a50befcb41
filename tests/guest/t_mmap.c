// SPDX-License-Identifier: GPL-2.0-only
/* A mapped BAR: SIGBUS from ENTRY to EXIT, without waking the device, and works again then. */
#include <signal.h>
#include <sys/mman.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "touch.h"
#include "vfio.h"

static void one_round(struct vfio_dev *d, void *page, struct power *p)
{
	const struct dut *t = dut_of(d->pf);
	uint64_t val = 0;
	void *other;

	check(touch_read(page, &t->known, &val), "map: no SIGBUS before ENTRY");
	check_eq(val, t->known_val, "map: %s before ENTRY", t->known.what);
	check_eq(touch_signal(page, &t->known), 0, "map: a forked child reads it");

	*p = power_get(1);
	vfio_entry(d);
	check(!touch_read(page, &t->known, &val), "map: SIGBUS right after ENTRY");
	wait_asleep(d->pf, p);
	check(!touch_read(page, &t->known, &val), "map: SIGBUS on read in D3cold");
	check(!touch_write(page, &t->loses, t->loses_val), "map: SIGBUS on write in D3cold");
	check_eq(touch_signal(page, &t->known), SIGBUS, "map: signal of a child in D3cold");
	check_no_on(p, 500, "map touched in D3cold");
	check_eq(power_cfg(d->pf, 0), ALL_ONES, "map touched in D3cold: id from outside");

	/* A new map in low power is no way around it. */
	other = dut_map(d, &t->known);
	check(!touch_read(other, &t->known, &val), "map made in low power: SIGBUS");
	munmap(other, DUT_PAGE);

	vfio_exit(d);
	val = 0;
	check(touch_read(page, &t->known, &val), "map: no SIGBUS after EXIT");
	check_eq(val, t->known_val, "map: %s after EXIT", t->known.what);
	check(touch_write(page, &t->loses, t->loses_val), "map: no SIGBUS on write after EXIT");
	check_eq(touch_signal(page, &t->known), 0, "map: a forked child reads it after EXIT");
}

RIG_TEST(mmap, "mapped BARs in low power")
{
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
	touch_setup();
	page = dut_map(&d, &t->known);
	for (int i = 0; i < 3; i++)
		one_round(&d, page, &p);

	/* The fd goes first, the map last: the device stays open until both are gone. */
	p = power_get(1);
	vfio_close(&d);
	check_no_off(&p, 1000, "fd closed, still mapped");
	munmap(page, DUT_PAGE);
	check_asleep(&rig.fn[0], &p, "unmapped");
	vfio_open(&d, &rig.fn[0]);
	check_known(&d, "opened again");
	vfio_close(&d);
}
