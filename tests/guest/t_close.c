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

enum hold { SLEEP, SLEEP_WAKEUP, READ_LOOP };

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

/*
 * Forks a user that holds the device in low power and then waits to be killed. With READ_LOOP it
 * reads config space once for each byte that it gets. The parent sees a byte once it is engaged.
 */
static pid_t holder(const struct pci_fn *pf, enum hold kind, int *to)
{
	int up[2], down[2], ret;
	struct vfio_dev d;
	char c = 0;
	pid_t pid;

	if (pipe(up) || pipe(down))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		close(up[0]);
		close(down[1]);
		if (__vfio_open(&d, pf))
			_exit(1);
		dut_prepare(&d);
		ret = kind == SLEEP_WAKEUP ? __vfio_entry_wakeup(&d, vfio_eventfd()) :
					    __vfio_entry(&d);
		if (ret)
			_exit(2);
		if (write(up[1], &c, 1) != 1)
			_exit(3);
		while (read(down[0], &c, 1) == 1 && kind == READ_LOOP)
			vfio_cfg(&d, 0, 4);
		for (;;)
			pause();
	}
	close(up[1]);
	close(down[0]);
	if (read(up[0], &c, 1) != 1)
		die("a process holds the device in low power");
	close(up[0]);
	*to = down[1];
	return pid;
}

static void kill_holder(pid_t pid, int to, const char *when)
{
	int status = 0, ret;

	kill(pid, SIGKILL);
	close(to);
	ret = wait_child(pid, 60000, &status);
	check(!ret && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: it died of it",
	      when);
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

static void kill_asleep(const struct pci_fn *pf, struct power *p, enum hold kind, const char *when)
{
	pid_t pid;
	int to;

	*p = power_get(1);
	pid = holder(pf, kind, &to);
	wait_asleep(pf, p);
	kill_holder(pid, to, when);
	check_asleep(pf, p, when);
	next_user(pf, p, when);
	check_asleep(pf, p, "after the next user");
}

/* The kill comes at another moment of the wake each time. */
static void kill_waking(const struct pci_fn *pf, struct power *p)
{
	struct power first = power_get(1);
	int bad = 0;

	for (int i = 0; i < KILLS; i++) {
		struct vfio_dev d;
		int to, status;
		pid_t pid;
		char c = 0;

		*p = power_get(1);
		pid = holder(pf, READ_LOOP, &to);
		wait_asleep(pf, p);
		if (write(to, &c, 1) != 1)
			die("pipe: %s", strerror(errno));
		sleep_ms(i * KILL_STEP_MS);
		kill(pid, SIGKILL);
		close(to);
		if (wait_child(pid, 60000, &status))
			die("killed while waking: process ends within 60 s");
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
	kill_asleep(pf, &p, SLEEP, "kill -9 in D3cold");
	kill_asleep(pf, &p, SLEEP_WAKEUP, "kill -9 in D3cold with wakeup");
	kill_waking(pf, &p);
}
