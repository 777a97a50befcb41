// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors that a port or a device reports (AER), made by the hypervisor: whoever has the device
 * open is told of those that are not correctable, it works afterwards, and sleeps again.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chan.h"
#include "dut.h"
#include "kmsg.h"
#include "model.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define SEEN_MS		10000
#define QUIET_MS	500
#define ROUNDS		30

/* What QEMU calls them; the severity is the one that they have after a reset. */
static const struct error {
	const char *what;
	const char *name;
	bool recovers;	/* the kernel runs its recovery */
	bool fatal;	/* with a reset of all below the port */
} errors[] = {
	{ "correctable", "BAD_TLP", .recovers = false },
	{ "non-fatal", "COMP_TIME", .recovers = true },
	{ "fatal", "MALF_TLP", .recovers = true, .fatal = true },
};

/* Who reports it: the port, or the first function below it. */
static const char * const sources[] = { "port", "device" };

enum state { IDLE, OPEN, LOW_POWER };

static const char * const states[] = { "idle", "open", "low power" };

static const struct pci_fn *pf;
static struct vfio_dev d;
static int log_fd, told;
static char when[96];

static void inject(const char *source, const struct error *e)
{
	char reply[96];

	if (strcmp(source, "port"))
		chan_query(reply, sizeof(reply), "aer rp1f%u %s", pf->fn, e->name);
	else
		chan_query(reply, sizeof(reply), "aer rp1 %s", e->name);
	if (strcmp(reply, "ok"))
		die("host answers: '%s'", reply);
}

/* How often the port was told of something, of whatever severity. */
static unsigned long long reports(void)
{
	static const char * const kinds[] = { "cor", "nonfatal", "fatal" };
	const struct pci_fn port = { .name = RIG_PORT1 };
	unsigned long long n = 0;
	char attr[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(attr, sizeof(attr), "aer_rootport_total_err_%s", kinds[i]);
		n += pci_get_num(&port, attr);
	}
	return n;
}

/* The kernel's recovery has ended, one way or the other. */
static bool recovered(char *line, size_t size, long timeout_ms)
{
	uint64_t start = now_us();

	do {
		while (kmsg_next(log_fd, line, size))
			if (strstr(line, "device recovery "))
				return true;
		sleep_ms(10);
	} while (since_ms(start) < timeout_ms);
	line[0] = '\0';
	return false;
}

/* 6.1 lets only ports report what they see. */
static void let_report(void)
{
	unsigned int at = pci_raw_cap(pf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	pci_sysfs_config_write(pf, at, pci_raw_exp16(pf, PCI_EXP_DEVCTL) | PCI_EXP_DEVCTL_CERE |
			       PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE, 2);
}

static void open_it(void)
{
	vfio_open(&d, pf);
	dut_prepare(&d);
	told = vfio_error_eventfd(&d);
	let_report();
}

static void close_it(void)
{
	struct power p = power_get(1);

	vfio_close(&d);
	close(told);
	check_asleep(pf, &p, when);
}

static void reopen(void)
{
	char before[96];

	snprintf(before, sizeof(before), "%s", when);
	snprintf(when, sizeof(when), "%.80s, opened anew", before);
	open_it();
	check_known(&d, when);
	check_rtd3(pf, "health", "ok", when);
	check_rtd3(pf, "stats/failures", "0", when);
	close_it();
}

static void begin(enum state state)
{
	struct power p = power_get(1);

	if (state == IDLE)
		return;
	open_it();
	if (state == OPEN)
		return;
	vfio_entry(&d);
	wait_asleep(pf, &p);
}

/* Nobody sends a message without power, and nobody is woken by one that was not sent. */
static void from_the_dark(const struct error *e)
{
	unsigned long long before = reports();
	struct power p = power_get(1);

	inject("device", e);
	check_no_on(&p, QUIET_MS, when);
	check_eq(reports(), before, "%s: nothing is reported", when);
}

static void from_the_light(const char *source, const struct error *e)
{
	unsigned long long before = reports();
	uint64_t start = now_us();
	char line[160];

	inject(source, e);
	while (reports() == before && since_ms(start) < SEEN_MS)
		sleep_ms(10);
	check(reports() > before, "%s: the port is told", when);
	if (!e->recovers)
		return;
	check(recovered(line, sizeof(line), SEEN_MS), "%s: the kernel's recovery ends", when);
	diag("%s: after %ld ms: %s", when, since_ms(start), line);
}

/* The reset that comes with a fatal one has taken what the user had set. */
static void check_user(enum state state, const struct error *e, bool sent)
{
	bool must = sent && e->recovers;
	uint64_t n = vfio_eventfd_count(told, must ? SEEN_MS : 0);

	check(must ? n > 0 : !n, "%s: its user is %stold (%llu)", when, must ? "" : "not ",
	      (unsigned long long)n);
	if (state == LOW_POWER)
		check_err(__vfio_exit(&d), 0, "%s: EXIT", when);
	if (!sent || !e->fatal)
		check_known(&d, when);
	close_it();
}

/* Stock drivers sleep with what the reset has left, and get that back for ever. */
static bool stock_loses(const struct error *e, bool sent)
{
	return !rig.ours && sent && e->fatal;
}

/* What one error has broken for good is no finding about the next one. */
static void heal(void)
{
	struct power p = power_get(1);

	diag("%s: removed and found anew", when);
	rig_rescan();
	pf = &rig.fn[0];
	rig_bind_all();
	wait_asleep(pf, &p);
}

static void one(const char *source, const struct error *e, enum state state)
{
	/* In low power it is the port's affair alone. */
	bool dark = state != OPEN && !strcmp(source, "device");
	int failures = tap_failures();

	snprintf(when, sizeof(when), "%s, %s error of the %s", states[state], e->what, source);
	begin(state);
	if (dark)
		from_the_dark(e);
	else
		from_the_light(source, e);
	if (state != IDLE)
		check_user(state, e, !dark);
	else
		check(pci_wait(pf, "power_state", "D3cold", ASLEEP_TIMEOUT_MS),
		      "%s: in D3cold afterwards", when);
	if (!stock_loses(e, !dark))
		reopen();
	if (stock_loses(e, !dark) || tap_failures() != failures)
		heal();
}

static void setup(void)
{
	struct power p = power_get(1);

	rig_load();
	pf = &rig.fn[0];
	rig_bind_all();
	log_fd = kmsg_open();
	check_asleep(pf, &p, "bind");
}

RIG_TEST(aer, "errors that port and device report, with the device idle, open, in low power")
{
	setup();
	for (size_t s = 0; s < sizeof(sources) / sizeof(sources[0]); s++)
		for (int state = IDLE; state <= LOW_POWER; state++)
			for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++)
				one(sources[s], &errors[e], state);
}

static struct {
	atomic_int rounds;
} *shared;

/* What waits for the list of devices to be its own, again and again. */
static int rescan(void *arg)
{
	const struct pci_fn port2 = { .name = RIG_PORT2 };

	(void)arg;
	for (;;) {
		if (__pci_set(&rig.other, "remove", "1") < 0 ||
		    __pci_set(&port2, "rescan", "1") < 0)
			return 1;
		atomic_fetch_add(&shared->rounds, 1);
	}
	return 0;
}

static bool rescans_go_on(void)
{
	int before = atomic_load(&shared->rounds);
	uint64_t start = now_us();

	while (atomic_load(&shared->rounds) == before && since_ms(start) < SEEN_MS)
		sleep_ms(10);
	return atomic_load(&shared->rounds) != before;
}

static int take(void *arg)
{
	(void)arg;
	open_it();
	return 0;
}

/*
 * The other function does not come back, and is waited for, when the kernel wakes all functions to
 * tell them of an error: that is no reason to give the first one up.
 */
RIG_TEST(aer_dead, "an error of one function while the other one fails to wake")
{
	const struct error *e = &errors[1];
	char line[160];
	unsigned long long failures;

	if (!model_present())
		die("the power model");
	setup();
	pci_set(&rig.fn[1], "rtd3/wake_timeout_ms", "5000");
	model_fault_at(&rig.fn[1], MODEL_DEAD_FN, 0);
	open_it();
	check(pci_wait(&rig.fn[1], "power/runtime_status", "resuming", ASLEEP_TIMEOUT_MS),
	      "the other function is waited for");
	failures = rtd3_num(&rig.fn[1], "failures");
	inject("device", e);
	check(recovered(line, sizeof(line), 2 * SEEN_MS), "the kernel's recovery ends");
	check(strstr(line, "successful"), "and gives nobody up: %s", line);
	check(rtd3_num(&rig.fn[1], "failures") > failures, "the other function has failed to wake");
	check_eq(vfio_eventfd_count(told, SEEN_MS), 1, "the first one's user is told");
	check_known(&d, "the first one");
	snprintf(when, sizeof(when), "in the end");
	vfio_close(&d);
	close(told);
	model_clear();
	model_force_on();
}

/*
 * The kernel walks the bus to wake all functions, and must not find in their drivers somebody who
 * walks it, too, while a third one waits to change it. What may hang is done by children.
 */
RIG_TEST(aer_rescan, "an error of one function while the other sleeps, beside remove and rescan")
{
	pid_t holder, scanner;
	bool good = true;
	char line[160];
	int round;

	setup();
	shared = mmap(NULL, DUT_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || rig.nr_fns < 2 || !rig.has_other)
		die("memory, two functions and another device");
	holder = rig_holder(take, NULL, NULL);
	scanner = rig_child(rescan, NULL);
	for (round = 0; good && round < ROUNDS; round++) {
		check(pci_wait(&rig.fn[1], "power/runtime_status", "suspended",
			       ASLEEP_TIMEOUT_MS), "round %d: the other function sleeps", round);
		good = rescans_go_on();
		inject("device", &errors[1]);
		good = good && recovered(line, sizeof(line), SEEN_MS);
	}
	check(good, "the kernel's recovery ends, %d times (%d)", ROUNDS, round);
	check(rescans_go_on(), "others remove and find devices");
	/* What hangs by now would take this process along. */
	if (!good)
		return;
	rig_kill(scanner, "remove and rescan");
	rig_kill(holder, "the device's user");
	snprintf(when, sizeof(when), "in the end");
	reopen();
}
