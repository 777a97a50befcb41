// SPDX-License-Identifier: GPL-2.0-only
/*
 * rigtest: the init of the rig's virtual machine. Runs one test in a child, so that a crash of the
 * test is a verdict and not a dead machine, and then powers off.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chan.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

/* Nothing but a boot: the host asks with it whether an accelerator runs a guest. */
static void test_none(void)
{
	check(true, "boots");
}

/* For the rig's own tests: a dead test program must be seen as a failure. */
static void test_crash(void)
{
	abort();
}

static const struct {
	const char *name;
	void (*run)(void);
	const char *what;
} tests[] = {
	{ "none", test_none, "boots and powers off" },
	{ "crash", test_crash, "dies; must be a failure of the run" },
	{ "bind", test_bind, "bind, unbind, reload, in every power state" },
	{ "idle", test_idle, "bound and unused: D3cold; open wakes it" },
	{ "lowpower", test_lowpower, "LOW_POWER_ENTRY, D3cold, EXIT with the fd open" },
	{ "guest", test_guest, "D3hot and D0 of a guest, through PMCSR" },
	{ "guestfault", test_guestfault, "a device that does not come back to its guest" },
	{ "holders", test_holders, "low power of the user and of his guest" },
	{ "shadow", test_shadow, "configuration reads of a sleeping device" },
	{ "wakeup", test_wakeup, "LOW_POWER_ENTRY_WITH_WAKEUP" },
	{ "mmap", test_mmap, "mapped BARs in low power" },
	{ "close", test_close, "close and kill -9 in low power" },
	{ "reset", test_reset, "function reset and hot reset with suspended members" },
	{ "irq", test_irq, "INTx, MSI and MSI-X over a D3cold cycle" },
	{ "race", test_race, "accesses against ENTRY and EXIT" },
	{ "twofn", test_twofn, "two functions on one port" },
	{ "sriov", test_sriov, "virtual functions" },
	{ "churn", test_churn, "load, bind and open against each other" },
	{ "policy", test_policy, "rtd3/policy, idle and in low power" },
	{ "power", test_power, "RTD3_FEATURE_POWER and the limit of an entry" },
	{ "info", test_info, "RTD3_FEATURE_INFO, its region, rtd3/" },
	{ "blockers", test_blockers, "rtd3/blockers, rtd3/predicted" },
	{ "fuzz", test_fuzz, "VFIO_DEVICE_FEATURE with all kinds of arguments" },
	{ "flip", test_flip, "policy against ENTRY, EXIT, open and close" },
	{ "trace", test_trace, "tracepoints" },
	{ "params", test_params, "module parameters" },
	{ "uevent", test_uevent, "uevents of the policy" },
	{ "model", test_model, "the power model itself: faults of port 1" },
	{ "faults-idle", test_faults, "faults of power and link: device not open" },
	{ "faults-engaged", test_faults, "faults of power and link: device in low power" },
	{ "faults-open", test_faults, "faults of power and link: while it is opened" },
	{ "faults-close", test_faults, "faults of power and link: while it is closed" },
	{ "faults-hotreset", test_faults, "faults of power and link: while it is reset" },
	{ "faults-unbind", test_faults, "faults of power and link: while it is unbound" },
	{ "faults-unload", test_faults, "faults of power and link: while the module goes" },
	{ "ladder", test_ladder, "what goes with a device that does not come back" },
	{ "gone", test_gone, "surprise removal from a hot-plug slot" },
	{ "health", test_health, "health of a healthy device, what is done after a close" },
	{ "libvirt", test_libvirt, "the drivers that libvirt picks, its domains" },
	{ "mmio", test_mmio, "rtd3/mmio: accesses to a sleeping BAR" },
	{ "mmio-maps", test_mmio_maps, "mappings of a sleeping BAR, copied, moved and as buffers" },
	{ "mmio-race", test_mmio_race, "accesses to BARs against sleep, wake and rtd3/mmio" },
	{ "pr3", test_pr3, "virtual _PR3: the capability and its requests" },
	{ "hostile", test_hostile, "anything, at random, from several threads" },
	{ "smoke", test_smoke, "a short run through everything" },
	{ "bench", test_bench, "times, with stock vfio-pci beside them" },
	{ "nested", test_nested, "a guest of a guest puts its devices to sleep" },
	{ "nested-long", test_nested_long, "the same many times, shutdown and kill in each state" },
	{ "inner", test_inner, "what that guest runs" },
	{ "demo", test_demo, "the story, with figures" },
};

static void run_test(void)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(tests[i].name, rig.test))
			continue;
		diag("%s: %s", tests[i].name, tests[i].what);
		rig_setup();
		tests[i].run();
		exit(tap_failures() ? 1 : 0);
	}
	die("a test of the name '%s'", rig.test);
}

int main(void)
{
	int ret, status = 0;
	pid_t pid, got;

	if (getpid() != 1) {
		fprintf(stderr, "rigtest: the init of a virtual machine, see tests/rig\n");
		return 1;
	}
	rig_mount();
	rig_cmdline();
	ret = chan_open("/dev/ttyS1");
	if (ret)
		printf("rigtest: /dev/ttyS1: %s\n", strerror(-ret));

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
	tap_done();
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
