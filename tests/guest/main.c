// SPDX-License-Identifier: GPL-2.0-only
/*
 * rigtest: the init of the rig's virtual machine. Runs one test in a child, so that a crash of the
 * test is a verdict and not a dead machine, and then powers off.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chan.h"
#include "debug.h"
#include "rest.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

#define END_MS		10000	/* a busy machine closes slowly */

/* Of the chipset: both bits, and the machine starts anew. */
#define RESET_CONTROL	0xcf9
#define RESET_HARD	0x06

/* The host asks with it whether an accelerator runs a guest. */
RIG_TEST(none, "boots and powers off")
{
	check_eq(getppid(), 1, "boots, and runs a child of init");
}

/* For the rig's own tests: a dead test program must be seen as a failure. */
RIG_TEST(crash, "dies; must be a failure of the run")
{
	abort();
}

RIG_TEST(shell, "a prompt, for a person")
{
	const char *const install[] = { "busybox", "--install", "-s", "/bin", NULL };
	/* The console itself cannot be a controlling terminal. */
	const char *const prompt[] = { "busybox", "setsid", "busybox", "cttyhack", "sh", NULL };

	rig_load();
	rig_bind_all();
	check_eq(rig_run(install), 0, "busybox --install");
	for (int i = 0; i < rig.nr_fns; i++)
		printf("/sys/bus/pci/devices/%s is bound to %s\n", rig.fn[i].name, rig.driver);
	printf("The machine ends with 'exit'.\n");
	check(rig_run(prompt) < 126, "the shell ran");
}

static struct rig_test *tests;

/** rig_test_register() - what RIG_TEST() does before main() */
void rig_test_register(struct rig_test *t)
{
	t->next = tests;
	tests = t;
}

/* A name on the command line has dashes where an identifier cannot. */
static bool same_name(const char *id, const char *name)
{
	for (; *id && (*id == *name || (*id == '_' && *name == '-')); id++)
		name++;
	return *id == *name;
}

/* What the test has left behind ends, and closes what it had open; false: it cannot. */
static bool end_rest(void)
{
	uint64_t start = now_us();

	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) >= 0 || errno == EINTR) {
		if (since_ms(start) > END_MS) {
			check(false, "all that the test has started can be killed");
			return false;
		}
		sleep_ms(5);
	}
	return true;
}

/* For a kernel that cannot end by itself; QEMU ends by this, too. */
static void pull_the_plug(void)
{
	if (!ioperm(RESET_CONTROL, 1, 1))
		outb(RESET_HARD, RESET_CONTROL);
}

/* Has the machine been in S3? */
static bool slept(void)
{
	FILE *f = fopen("/sys/power/suspend_stats/success", "re");
	int n = 0;

	if (f) {
		if (fscanf(f, "%d", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static void run_test(void)
{
	for (struct rig_test *t = tests; t; t = t->next) {
		if (!same_name(t->id, rig.test))
			continue;
		diag("%s: %s", rig.test, t->what);
		rig_setup();
		t->run();
		exit(tap_failures() ? 1 : 0);
	}
	die("a test of the name '%s'", rig.test);
}

int main(void)
{
	int ret, status = 0;
	pid_t pid, got;
	bool ended;

	if (getpid() != 1) {
		fprintf(stderr, "rigtest: the init of a virtual machine, see tests/rig\n");
		return 1;
	}
	rig_mount();
	rig_cmdline();
	ret = chan_open("/dev/ttyS1");
	if (ret)
		printf("rigtest: /dev/ttyS1: %s\n", strerror(-ret));
	if (rig.icount)
		chan_spin();

	pid = fork();
	if (!pid)
		run_test();
	/* Also reaps what the test left behind. */
	do {
		got = waitpid(-1, &status, 0);
	} while (got != pid && (got > 0 || errno == EINTR));

	/* A test that exits has said itself what was wrong. */
	if (pid < 0 || got != pid)
		check(false, "test program started");
	else if (WIFSIGNALED(status))
		check(false, "test program died: signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) > 1)
		diag("the test ended early");
	ended = end_rest();
	check_rest();
	debug_leaks();
	debug_coverage();
	tap_done();
	sync();
	if (!ended)
		pull_the_plug();
	/* After S3 this firmware leaves ACPI's registers unset; QEMU ends by a reboot, too. */
	reboot(slept() ? RB_AUTOBOOT : RB_POWER_OFF);
	for (;;)
		pause();
}
