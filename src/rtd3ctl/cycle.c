// SPDX-License-Identifier: GPL-2.0-only
/*
 * One power cycle of an idle power set, and whether all came back as it was: wait until
 * each function is in D3cold, wake it by a read of its configuration space, and compare
 * what it says and what the driver counted.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "cycle.h"
#include "stop.h"
#include "sys.h"

#define CYCLE_POLL_MS	10
#define CYCLE_USAGE_MS	2000	/* so long may others hold what sleeps */
#define CYCLE_SLABS	(4 << 20)

/**
 * cycle_bad - note what is wrong
 * @cycle: power set
 * @member: with which of it
 * @id: stable name of what
 * @fmt: as printf()'s: in words
 *
 * Return: CYCLE_BAD.
 */
enum cycle_result cycle_bad(struct cycle *cycle, const struct cycle_dev *member, const char *id,
			    const char *fmt, ...)
{
	va_list args;

	cycle->bad_id = id;
	memcpy(cycle->bad_device, member->dev.bdf, sizeof(cycle->bad_device));
	va_start(args, fmt);
	vsnprintf(cycle->bad_text, sizeof(cycle->bad_text), fmt, args);
	va_end(args);

	return CYCLE_BAD;
}

static void cycle_add(struct cycle *cycle, const struct dev *dev)
{
	struct cycle_dev *member = &cycle->member[cycle->nr++];

	member->dev = *dev;
	member->bridge = dev_is_bridge(dev);
	member->usage = -1;
	member->first = dev_number(dev, "rtd3/stats/resumes", 0);
	dev_attr(dev, "power/autosuspend_delay_ms", member->delay, sizeof(member->delay));
}

/**
 * cycle_init - make a power set ready for cycles
 * @cycle: filled; freed with cycle_free()
 * @set: power set
 * @dev: which of it is woken first
 *
 * Return: 0 or -ENOMEM.
 */
int cycle_init(struct cycle *cycle, const struct set *set, const struct dev *dev)
{
	size_t i;

	memset(cycle, 0, sizeof(*cycle));
	cycle->slab = -1;
	cycle->member = calloc(set->nr + 1, sizeof(*cycle->member));
	if (!cycle->member)
		return -ENOMEM;
	cycle_add(cycle, dev);
	for (i = 0; i < set->nr; i++)
		if (strcmp(set->dev[i].bdf, dev->bdf))
			cycle_add(cycle, &set->dev[i]);

	return 0;
}

void cycle_free(struct cycle *cycle)
{
	free(cycle->member);
	cycle->member = NULL;
	hist_free(&cycle->wake);
	hist_free(&cycle->resume);
}

/**
 * cycle_hurry - let the functions sleep soon after they were woken
 * @cycle: power set
 *
 * Return: 0 or a negative error; cycle_calm() is called in any case.
 */
int cycle_hurry(struct cycle *cycle)
{
	struct cycle_dev *member;
	char text[16];
	long long was;
	int ret;
	size_t i;

	snprintf(text, sizeof(text), "%d", CYCLE_DELAY_MS);
	for (i = 0; i < cycle->nr; i++) {
		member = &cycle->member[i];
		was = dev_number(&member->dev, "power/autosuspend_delay_ms", -1);
		if (member->bridge || !*member->delay || (was >= 0 && was <= CYCLE_DELAY_MS))
			continue;
		/* From before it is written: half a write is put right, too. */
		member->lowered = true;
		ret = dev_set_attr(&member->dev, "power/autosuspend_delay_ms", text);
		if (ret)
			return ret;
	}

	return 0;
}

/* One of the functions back to what it was. */
static int cycle_calm_one(struct cycle_dev *member)
{
	int ret = 0, one;

	if (member->limited) {
		ret = dev_set_attr(&member->dev, "rtd3/policy",
				   rtd3_policy_names[RTD3_POWER_D3COLD]);
		member->limited = ret;
	}
	if (member->lowered) {
		one = dev_set_attr(&member->dev, "power/autosuspend_delay_ms", member->delay);
		member->lowered = one;
		ret = ret ? ret : one;
	}

	return ret;
}

/* Delays and policies as they were. Return: 0, or the first error. */
int cycle_calm(struct cycle *cycle)
{
	int ret = 0, one;
	size_t i;

	for (i = 0; i < cycle->nr; i++) {
		one = cycle_calm_one(&cycle->member[i]);
		ret = ret ? ret : one;
	}

	return ret;
}

/**
 * cycle_limit - let the functions go no deeper
 * @cycle: power set, whose policies were d3cold
 * @depth: than this
 */
enum cycle_result cycle_limit(struct cycle *cycle, enum rtd3_depth depth)
{
	struct cycle_dev *member;
	int ret;
	size_t i;

	for (i = 0; i < cycle->nr; i++) {
		member = &cycle->member[i];
		if (member->bridge)
			continue;
		member->limited = true;
		ret = dev_set_attr(&member->dev, "rtd3/policy", rtd3_policy_names[depth]);
		if (ret)
			return cycle_bad(cycle, member, "policy", "policy %s cannot be set: %s",
					 rtd3_policy_names[depth], strerror(-ret));
	}

	return CYCLE_GOOD;
}

/* A function that is in another state, which is filled in. */
static struct cycle_dev *cycle_elsewhere(struct cycle *cycle, enum rtd3_depth depth, char *state)
{
	size_t i;

	for (i = 0; i < cycle->nr; i++) {
		if (cycle->member[i].bridge)
			continue;
		dev_attr(&cycle->member[i].dev, "rtd3/state", state, DEV_WORD);
		if (strcmp(state, rtd3_power_names[depth]))
			return &cycle->member[i];
	}

	return NULL;
}

/* The driver's witness: it has asked the device itself whether it was without power. */
static bool cycle_not_cut(const struct dev *dev)
{
	char reason[DEV_WORD], blockers[SYS_TEXT];

	dev_attr(dev, "rtd3/health_reason", reason, sizeof(reason));
	dev_attr(dev, "rtd3/blockers", blockers, sizeof(blockers));

	return !strcmp(reason, "power-not-cut") || strstr(blockers, "power-not-cut ");
}

static enum cycle_result cycle_not_there(struct cycle *cycle, const struct cycle_dev *member,
					 enum rtd3_depth depth, const char *state)
{
	if (depth == RTD3_POWER_D3COLD && cycle_not_cut(&member->dev))
		return cycle_bad(cycle, member, "power-not-cut",
				 "its power was not cut, though all functions slept");

	return cycle_bad(cycle, member, "no-sleep", "it is in %s after %ld s, and not in %s",
			 *state ? state : "no state", cycle->timeout_ms / 1000,
			 rtd3_power_names[depth]);
}

/**
 * cycle_reach - wait until each function is in a state
 * @cycle: power set
 * @depth: state
 */
enum cycle_result cycle_reach(struct cycle *cycle, enum rtd3_depth depth)
{
	long long end = stop_now_us() + cycle->timeout_ms * 1000LL;
	struct cycle_dev *member;
	char state[DEV_WORD];

	while ((member = cycle_elsewhere(cycle, depth, state)) != NULL) {
		if (stop_wait(-1, CYCLE_POLL_MS))
			return CYCLE_STOPPED;
		if (stop_now_us() > end)
			return cycle_not_there(cycle, member, depth, state);
	}

	return stop_asked() ? CYCLE_STOPPED : CYCLE_GOOD;
}

/**
 * cycle_stays - have the functions been in a state all the time since cycle_count()?
 * @cycle: power set
 * @depth: state
 */
enum cycle_result cycle_stays(struct cycle *cycle, enum rtd3_depth depth)
{
	struct cycle_dev *member;
	char text[DEV_WORD];
	size_t i;

	for (i = 0; i < cycle->nr; i++) {
		member = &cycle->member[i];
		if (member->bridge ||
		    dev_number(&member->dev, "rtd3/stats/resumes", -1) == member->resumes)
			continue;
		dev_attr(&member->dev, "rtd3/last_wake", text, sizeof(text));
		return cycle_bad(cycle, member, "woken", "it was woken while it was measured: %s",
				 *text ? text : "by somebody");
	}
	member = cycle_elsewhere(cycle, depth, text);
	if (!member)
		return CYCLE_GOOD;

	return cycle_bad(cycle, member, "no-sleep", "it went to %s while it was measured",
			 *text ? text : "no state");
}

static int cycle_read_ids(const struct dev *dev, unsigned int *ids)
{
	unsigned char space[PCI_STD_HEADER_SIZEOF];
	char path[PATH_MAX];
	ssize_t len = 0, got;
	int fd, ret;

	if (sys_text(path, sizeof(path), "%s/config", dev->dir))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		got = read(fd, space + len, sizeof(space) - len);
		len += got > 0 ? got : 0;
	} while (got > 0 && (size_t)len < sizeof(space));
	ret = got < 0 ? -errno : (size_t)len == sizeof(space) ? 0 : -EIO;
	close(fd);
	*ids = ret ? 0 : space[0] | space[1] << 8 | space[2] << 16 | (unsigned int)space[3] << 24;

	return ret;
}

static enum cycle_result cycle_check_ids(struct cycle *cycle, const struct cycle_dev *member)
{
	unsigned int vendor = member->ids & 0xffff, device = member->ids >> 16;

	if (member->error)
		return cycle_bad(cycle, member, "no-read",
				 "its configuration space cannot be read: %s",
				 strerror(-member->error));
	if (vendor == member->dev.vendor && device == member->dev.device)
		return CYCLE_GOOD;

	return cycle_bad(cycle, member, "wrong-ids", "it woke as %04x:%04x, and is %04x:%04x",
			 vendor, device, member->dev.vendor, member->dev.device);
}

static enum cycle_result cycle_check_health(struct cycle *cycle, const struct cycle_dev *member)
{
	char health[DEV_WORD], reason[DEV_WORD];

	if (cycle_not_cut(&member->dev))
		return cycle_bad(cycle, member, "power-not-cut",
				 "its power was not cut, though it was in D3cold");
	dev_attr(&member->dev, "rtd3/health", health, sizeof(health));
	dev_attr(&member->dev, "rtd3/health_reason", reason, sizeof(reason));
	if (strcmp(health, "ok"))
		return cycle_bad(cycle, member, "health", "its health is %s: %s",
				 *health ? health : "unknown", *reason ? reason : "unknown");

	return CYCLE_GOOD;
}

static enum cycle_result cycle_check_counters(struct cycle *cycle,
					      const struct cycle_dev *member)
{
	long long resumes = dev_number(&member->dev, "rtd3/stats/resumes", -1);
	long long failures = dev_number(&member->dev, "rtd3/stats/failures", -1);
	char last[DEV_WORD];

	if (failures != member->failures)
		return cycle_bad(cycle, member, "failures",
				 "the driver counts %lld failures, and had counted %lld",
				 failures, member->failures);
	if (resumes <= member->resumes)
		return cycle_bad(cycle, member, "not-counted",
				 "the driver counts %lld wakes, and had counted %lld", resumes,
				 member->resumes);
	/*
	 * More than one: it was woken with the device, slept again while that one was waited
	 * for, and its power was on, then.
	 */
	dev_attr(&member->dev, "rtd3/last_state", last, sizeof(last));
	if (resumes == member->resumes + 1 && strcmp(last, "D3cold"))
		return cycle_bad(cycle, member, "not-cold", "it woke from %s, and not from D3cold",
				 *last ? last : "no state");

	return CYCLE_GOOD;
}

/* Soon after it was woken; later it may sleep again, and rightly so. */
static enum cycle_result cycle_check_state(struct cycle *cycle, const struct cycle_dev *member)
{
	long long delay = dev_number(&member->dev, "power/autosuspend_delay_ms", 0);
	char state[DEV_WORD];

	dev_attr(&member->dev, "rtd3/state", state, sizeof(state));
	/* Its own clock began earlier than this one: half of the time is safe. */
	if (!strcmp(state, "D0") || stop_now_us() - member->woken >= delay * 1000 / 2)
		return CYCLE_GOOD;

	return cycle_bad(cycle, member, "not-awake", "it is in %s after it was woken",
			 *state ? state : "no state");
}

/* What the driver says tells more than what follows from it: it goes first. */
static enum cycle_result cycle_check(struct cycle *cycle, const struct cycle_dev *member)
{
	enum cycle_result result = cycle_check_health(cycle, member);

	if (!result)
		result = cycle_check_counters(cycle, member);
	if (!result)
		result = cycle_check_ids(cycle, member);

	return result ? result : cycle_check_state(cycle, member);
}

/* What is compared later: counters as they are now. */
void cycle_count(struct cycle *cycle)
{
	struct cycle_dev *member;
	size_t i;

	for (i = 0; i < cycle->nr; i++) {
		member = &cycle->member[i];
		member->resumes = dev_number(&member->dev, "rtd3/stats/resumes", -1);
		member->failures = dev_number(&member->dev, "rtd3/stats/failures", -1);
	}
}

static enum cycle_result cycle_note(struct cycle *cycle, long long wake)
{
	const struct cycle_dev *self = cycle->member;
	long long resume = dev_number(&self->dev, "rtd3/stats/resume_latency_us", 0);

	if (hist_add(&cycle->wake, wake) || hist_add(&cycle->resume, resume))
		return cycle_bad(cycle, self, "memory", "there is no memory for more times");

	return CYCLE_GOOD;
}

/**
 * cycle_wake - wake each function, and look at it
 * @cycle: power set, in D3cold
 *
 * All are woken before one is looked at: they sleep again soon.
 */
enum cycle_result cycle_wake(struct cycle *cycle)
{
	enum cycle_result result = CYCLE_GOOD;
	struct cycle_dev *member;
	long long start;
	size_t i;

	cycle_count(cycle);
	cycle->tries++;
	start = stop_now_us();
	for (i = 0; i < cycle->nr; i++) {
		member = &cycle->member[i];
		if (member->bridge)
			continue;
		member->error = cycle_read_ids(&member->dev, &member->ids);
		member->woken = stop_now_us();
	}
	for (i = 0; i < cycle->nr && !result; i++)
		if (!cycle->member[i].bridge)
			result = cycle_check(cycle, &cycle->member[i]);

	return result ? result : cycle_note(cycle, cycle->member->woken - start);
}

/* Bytes in the kernel's slabs; -1 if the kernel does not tell. */
long long cycle_slab(void)
{
	unsigned long long active, size;
	long long sum = 0;
	char path[PATH_MAX], *text, *line, *save;

	sys_path(path, "/proc/slabinfo");
	text = sys_slurp(path, CYCLE_SLABS, NULL);
	if (!text)
		return -1;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%*s %12llu %*u %9llu", &active, &size) == 2)
			sum += active * size;
	free(text);

	return sum ? sum : -1;
}

/* What is compared at the end: of the power set asleep. */
void cycle_base(struct cycle *cycle)
{
	size_t i;

	for (i = 0; i < cycle->nr; i++)
		cycle->member[i].usage = dev_number(&cycle->member[i].dev, "power/runtime_usage",
						    -1);
	cycle->slab = cycle_slab();
}

static struct cycle_dev *cycle_used(struct cycle *cycle, long long *usage)
{
	size_t i;

	for (i = 0; i < cycle->nr; i++) {
		if (cycle->member[i].usage < 0)
			continue;
		*usage = dev_number(&cycle->member[i].dev, "power/runtime_usage", -1);
		if (*usage != cycle->member[i].usage)
			return &cycle->member[i];
	}

	return NULL;
}

/**
 * cycle_compare - are the usage counts what they were?
 * @cycle: power set, in D3cold
 *
 * Somebody else may use one of it for a moment: that is waited for.
 */
enum cycle_result cycle_compare(struct cycle *cycle)
{
	long long end = stop_now_us() + CYCLE_USAGE_MS * 1000LL, usage;
	struct cycle_dev *used;

	while ((used = cycle_used(cycle, &usage)) != NULL) {
		if (stop_wait(-1, CYCLE_POLL_MS))
			return CYCLE_STOPPED;
		if (stop_now_us() > end)
			return cycle_bad(cycle, used, "usage",
					 "its usage count was %lld, and is %lld", used->usage,
					 usage);
	}

	return CYCLE_GOOD;
}
