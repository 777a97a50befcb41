// SPDX-License-Identifier: GPL-2.0-only
/* LOW_POWER_ENTRY_WITH_WAKEUP: any wake ends low power and tells the user once. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "dut.h"
#include "kmsg.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define AWAKE_MS	3000
#define SIGNAL_MS	5000
#define POLLS		15
#define TASK		"poller"

static void by_host(struct vfio_dev *d)
{
	check_eq(pci_sysfs_config32(d->pf, PCI_VENDOR_ID), pci_id(d->pf),
		 "wake by the host: id through sysfs");
}

static void by_config(struct vfio_dev *d)
{
	check_eq(vfio_cfg(d, PCI_VENDOR_ID, 4), pci_id(d->pf), "wake by config: id through vfio");
}

static void by_bar(struct vfio_dev *d)
{
	const struct dut *t = dut_of(d->pf);

	check_eq(dut_read(d, &t->known), t->known_val, "wake by bar: %s", t->known.what);
}

static void wake(struct vfio_dev *d, const char *cause, void (*touch)(struct vfio_dev *))
{
	struct power p = power_get(1);
	unsigned long long wakes = 0;
	int efd = vfio_eventfd();
	char when[32] = "wake by ", attr[32] = "wakes_";

	strcat(when, cause);
	strcat(attr, cause);
	if (rig.ours)
		wakes = rtd3_num(d->pf, attr);
	check_err(__vfio_entry_wakeup(d, efd), 0, "%s: ENTRY_WITH_WAKEUP", when);
	check_asleep(d->pf, &p, when);
	check_eq(vfio_eventfd_count(efd, 0), 0, "%s: eventfd while asleep", when);
	touch(d);
	check_woken(d->pf, &p, when);
	check_eq(vfio_eventfd_count(efd, SIGNAL_MS), 1, "%s: eventfd", when);
	check_last_wake(d->pf, cause, when);
	check_rtd3_grew(d->pf, attr, wakes, when);
	check_no_off(&p, AWAKE_MS, when);
	/* Low power is over, so nothing signals any more. */
	touch(d);
	check_err(__vfio_exit(d), 0, "%s: EXIT", when);
	check_no_off(&p, 1000, "after EXIT");
	check_eq(vfio_eventfd_count(efd, 0), 0, "%s: eventfd after that", when);
	check_known(d, when);
	close(efd);
}

static void errors(struct vfio_dev *d)
{
	struct vfio_device_low_power_entry_with_wakeup w = {};
	struct power p = power_get(1);
	int efd = vfio_eventfd(), null;
	const uint32_t set = VFIO_DEVICE_FEATURE_SET |
			     VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	check_err(__vfio_entry_wakeup(d, 1000), -EBADF, "fd that is not open");
	check_err(__vfio_entry_wakeup(d, null), -EINVAL, "fd that is no eventfd");
	check_err(__vfio_entry_wakeup(d, -1), -EINVAL, "negative fd");
	w.wakeup_eventfd = efd;
	check_err(__vfio_feature(d, set, &w, sizeof(w), 8), -EINVAL, "argsz of the header only");
	check_err(__vfio_feature(d, set, &w, sizeof(w), 12), -EINVAL, "argsz of half the struct");
	check_err(__vfio_feature(d, set, &w, sizeof(w), 15), -EINVAL, "argsz one short");
	check_err(__vfio_feature(d, set | 1u << 20, &w, sizeof(w), -1), -EINVAL, "unknown flag");
	check_err(__vfio_feature(d, set | VFIO_DEVICE_FEATURE_GET, &w, sizeof(w), -1), -EINVAL,
		  "GET and SET");
	check_no_off(&p, 1500, "after the refused entries");
	check_eq(vfio_eventfd_count(efd, 0), 0, "eventfd of the refused entries");
	close(null);
	close(efd);
}

static void twice(struct vfio_dev *d)
{
	struct power p = power_get(1);
	int a = vfio_eventfd(), b = vfio_eventfd();

	vfio_entry(d);
	check_err(__vfio_entry_wakeup(d, a), -EINVAL, "ENTRY_WITH_WAKEUP after ENTRY");
	wait_asleep(d->pf, &p);
	check_err(__vfio_exit(d), 0, "EXIT");
	check_eq(vfio_eventfd_count(a, 0), 0, "eventfd of the refused entry");

	/* The second call itself wakes the device, which ends the first entry. */
	p = power_get(1);
	check_err(__vfio_entry_wakeup(d, a), 0, "ENTRY_WITH_WAKEUP");
	wait_asleep(d->pf, &p);
	check_err(__vfio_entry_wakeup(d, b), 0, "ENTRY_WITH_WAKEUP again in D3cold");
	check_eq(vfio_eventfd_count(a, SIGNAL_MS), 1, "first eventfd");
	check_asleep(d->pf, &p, "second entry");
	check_eq(vfio_eventfd_count(b, 0), 0, "second eventfd while asleep");
	check_err(__vfio_exit(d), 0, "EXIT");
	check_eq(vfio_eventfd_count(b, SIGNAL_MS), 1, "second eventfd");
	check_eq(vfio_eventfd_count(a, 0), 0, "first eventfd after that");
	check_woken(d->pf, &p, "EXIT");
	close(a);
	close(b);
}

/* The user may close its end first: the kernel keeps what it needs. */
static void eventfd_closed(struct vfio_dev *d)
{
	struct power p = power_get(1);
	int efd = vfio_eventfd();

	check_err(__vfio_entry_wakeup(d, efd), 0, "entry, then the eventfd is closed");
	close(efd);
	wait_asleep(d->pf, &p);
	by_host(d);
	check_woken(d->pf, &p, "woken with the eventfd closed");
	check_err(__vfio_exit(d), 0, "EXIT with the eventfd closed");
}

/* Who wakes an idle device all the time is named, in sysfs and, once, in the log. */
static void polled(const struct pci_fn *pf)
{
	int log = kmsg_open();
	char want[64], line[512];
	struct power p;
	int named = 0;

	snprintf(want, sizeof(want), "host " TASK "[%d]", getpid());
	prctl(PR_SET_NAME, TASK);
	p = power_get(1);
	pci_set(pf, "power/autosuspend_delay_ms", "0");
	__wait_asleep(pf, &p, ASLEEP_TIMEOUT_MS);
	for (int i = 0; i < POLLS; i++) {
		p = power_get(1);
		pci_sysfs_config32(pf, 0);
		wait_asleep(pf, &p);
		named += !strcmp(pci_get(pf, "rtd3/last_wake"), want);
	}
	/* The port's work item, which wakes all below it, may have been faster. */
	check(named, "polled: rtd3/last_wake was %s %d of %d times", want, named, POLLS);
	check_eq(kmsg_count(log, "woken more than 10 times within a minute by the host, last by",
			    line, sizeof(line)), 1, "polled: lines in the log");
	check(strstr(line, pf->name), "polled: it names the device");
	pci_set(pf, "power/autosuspend_delay_ms", "200");
	close(log);
}

RIG_TEST(wakeup, "LOW_POWER_ENTRY_WITH_WAKEUP")
{
	struct vfio_dev d;

	rig_load();
	rig_bind_all();
	vfio_open(&d, &rig.fn[0]);
	check_known(&d, "start");
	errors(&d);
	wake(&d, "host", by_host);
	wake(&d, "config", by_config);
	wake(&d, "bar", by_bar);
	twice(&d);
	eventfd_closed(&d);
	check_known(&d, "end");
	vfio_close(&d);
	if (rig.ours)
		polled(&rig.fn[0]);
}
