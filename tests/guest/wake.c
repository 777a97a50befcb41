// SPDX-License-Identifier: GPL-2.0-only
#include "pci.h"
#include "rig.h"
#include "tap.h"
#include "wake.h"

#define WAKE_MS		90000

static void all_control(const char *val)
{
	for (int i = 0; i < rig.nr_fns; i++)
		__pci_set(&rig.fn[i], "power/control", val);
}

/** fall_asleep() - TAP result: allow sleep after wake(), which forbids it */
void fall_asleep(struct power *p, const char *when)
{
	*p = power_get(1);
	all_control("auto");
	check_asleep(&rig.fn[0], p, when);
}

static int all_on(void *arg)
{
	(void)arg;
	all_control("on");
	return 0;
}

/**
 * wake_begin() - begin a wake of the card that may take as long as it likes
 * @before: what the model had counted before
 * @when: for the results
 *
 * Return: for wake_end(); _ON has been called by now.
 */
pid_t wake_begin(const struct model_counts *before, const char *when)
{
	uint64_t start = now_us();
	pid_t pid = rig_child(all_on, NULL);

	while (model_counts().requests == before->requests && since_ms(start) < WAKE_ASKS_MS)
		sleep_ms(1);
	check_eq((uint16_t)(model_counts().requests - before->requests), 1, "%s: _ON asks", when);
	return pid;
}

/** wake_end() - TAP result: the wake has an end, good or bad */
void wake_end(pid_t pid, uint64_t start, const char *when)
{
	char state[16];

	check_err(wait_child(pid, WAKE_MS, NULL), 0, "%s: the wake ends", when);
	__pci_get(&rig.fn[0], "power_state", state, sizeof(state));
	diag("%s: woken or given up after %ld ms, %s", when, since_ms(start),
	     *state ? state : "and gone");
}

/** wake() - both of them */
void wake(const char *when)
{
	struct model_counts before = model_counts();
	uint64_t start = now_us();

	wake_end(wake_begin(&before, when), start, when);
}

/** wake_recover() - what stock drivers need after a wake that failed; asleep in the end */
void wake_recover(struct power *p, const char *when)
{
	int nr = rig.nr_fns;

	model_force_on();
	rig_rescan();
	if (rig.nr_fns != nr)
		die("%s: the devices after remove and rescan", when);
	check_bind_asleep(p, when);
}
