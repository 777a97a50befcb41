// SPDX-License-Identifier: GPL-2.0-only
/* A user that goes away in low power, by close or by force: the next one gets a device. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define KILLS		8
#define KILL_STEP_MS	25

/* @p gets the counts before the close lets it fall asleep. */
static void next_user(const struct pci_fn *pf, struct power *p, const char *when)
{
	struct vfio_dev d;
	int ret = __vfio_open(&d, pf);

	check_err(ret, 0, "%s: next open", when);
	if (ret)
		return;
	check_known(&d, when);
	*p = power_get(1);
	vfio_close(&d);
}

/* A user that holds the device in low power until it is killed. */
static struct holder {
	const struct pci_fn *pf;
	bool wakeup;
	int tell[2];
	struct vfio_dev d;
} holder;

static int hold(void *arg)
{
	struct holder *h = arg;

	if (__vfio_open(&h->d, h->pf))
		return 1;
	dut_prepare(&h->d);
	return h->wakeup ? __vfio_entry_wakeup(&h->d, vfio_eventfd()) : __vfio_entry(&h->d);
}

/* Once it is told to, it reads config space. */
static int read_when_told(void *arg)
{
	struct holder *h = arg;
	char c;

	while (read(h->tell[0], &c, 1) == 1)
		vfio_cfg(&h->d, 0, 4);
	return 0;
}

static void close_in_low_power(const struct pci_fn *pf, struct power *p)
{
	unsigned long long wakes = rig.ours ? rtd3_num(pf, "wakes_close") : 0;
	struct vfio_dev d;

	vfio_open(&d, pf);
	dut_prepare(&d);
	*p = power_get(1);
	vfio_entry(&d);
	wait_asleep(pf, p);
	vfio_close(&d);
	check(power_get(1).on > p->on, "close in D3cold: _ON called");
	check_rtd3(pf, "last_wake", "close", "close in D3cold");
	check_rtd3_grew(pf, "wakes_close", wakes, "close in D3cold");
	check_asleep(pf, p, "after close in D3cold");
	next_user(pf, p, "after close in D3cold");

	/* Closed before the device had time to fall asleep. */
	vfio_open(&d, pf);
	dut_prepare(&d);
	vfio_entry(&d);
	vfio_close(&d);
	next_user(pf, p, "after close right after ENTRY");
	check_asleep(pf, p, "after close right after ENTRY");
}

static void kill_asleep(const struct pci_fn *pf, struct power *p, bool wakeup, const char *when)
{
	pid_t pid;

	*p = power_get(1);
	holder = (struct holder){ .pf = pf, .wakeup = wakeup };
	pid = rig_holder(hold, NULL, &holder);
	wait_asleep(pf, p);
	rig_kill(pid, when);
	check_asleep(pf, p, when);
	next_user(pf, p, when);
	check_asleep(pf, p, "after the next user");
}

/* The kill comes at another point of the wake each time. */
static void kill_waking(const struct pci_fn *pf, struct power *p)
{
	struct power first = power_get(1);
	int bad = 0;

	for (int i = 0; i < KILLS; i++) {
		struct vfio_dev d;
		pid_t pid;

		*p = power_get(1);
		holder = (struct holder){ .pf = pf };
		if (pipe(holder.tell))
			die("pipe: %s", strerror(errno));
		pid = rig_holder(hold, read_when_told, &holder);
		wait_asleep(pf, p);
		if (write(holder.tell[1], "", 1) != 1)
			die("pipe: %s", strerror(errno));
		sleep_ms(i * KILL_STEP_MS);
		rig_kill(pid, "killed while waking");
		close(holder.tell[0]);
		close(holder.tell[1]);
		if (__vfio_open(&d, pf)) {
			bad++;
			continue;
		}
		dut_locate(&d);
		bad += vfio_cfg(&d, 0, 4) != pci_id(pf);
		bad += dut_read(&d, &dut_of(pf)->known) != dut_of(pf)->known_val;
		vfio_close(&d);
	}
	*p = power_get(1);
	check(!bad, "%d times killed while waking: next open works (%d did not)", KILLS, bad);
	check(p->off - first.off >= KILLS, "killed while waking: %u _OFF, %u _ON",
	      p->off - first.off, p->on - first.on);
	next_user(pf, p, "after all kills");
	check_asleep(pf, p, "after all kills");
}

RIG_TEST(close, "close and kill -9 in low power")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct vfio_dev d;
	struct power p;

	rig_load();
	rig_bind_all();
	/* So that the registers are located before the children need them. */
	vfio_open(&d, pf);
	check_known(&d, "first user");
	vfio_close(&d);
	close_in_low_power(pf, &p);
	kill_asleep(pf, &p, false, "kill -9 in D3cold");
	kill_asleep(pf, &p, true, "kill -9 in D3cold with wakeup");
	kill_waking(pf, &p);
}
