// SPDX-License-Identifier: GPL-2.0-only
/* rtd3ctl selftest: power cycles of an idle device, before somebody trusts it. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "busy.h"
#include "cycle.h"
#include "measure.h"
#include "out.h"
#include "remedy.h"
#include "snap.h"
#include "stop.h"
#include "sys.h"
#include "verb.h"
#include "view.h"

#define SELFTEST_CYCLES		10
#define SELFTEST_CYCLES_MAX	100000
#define SELFTEST_TIMEOUT	30
#define SELFTEST_TIMEOUT_MAX	3600
#define SELFTEST_MEASURE	60
#define SELFTEST_MEASURE_MIN	2
#define SELFTEST_MEASURE_MAX	3600

struct selftest_args {
	const char *bdf;
	unsigned int cycles;
	unsigned int timeout;
	const char *meter;
	unsigned int measure;
	bool json;
};

static const struct argp_option selftest_options[] = {
	{ .name = "cycles", .key = 'c', .arg = "N",
	  .doc = "So many power cycles, 1 to 100000 (10)" },
	{ .name = "timeout", .key = 't', .arg = "SECONDS",
	  .doc = "How long to wait each time until it sleeps, 1 to 3600 (30)" },
	{ .name = "meter", .key = 'm', .arg = "FILE|COMMAND",
	  .doc = "Then measure what is used in each state: a file of hwmon (powerN_input, "
		 "powerN_average, energyN_input), or a command that prints watts" },
	{ .name = "measure", .key = 's', .arg = "SECONDS",
	  .doc = "For so long in each state, 2 to 3600 (60)" },
	{ .name = "json", .key = 'j', .doc = "As JSON" },
	{ }
};

static error_t selftest_parse(int key, char *arg, struct argp_state *state)
{
	struct selftest_args *args = state->input;

	switch (key) {
	case 'c':
		return verb_number(arg, "cycles", 1, SELFTEST_CYCLES_MAX, &args->cycles);
	case 't':
		return verb_number(arg, "timeout", 1, SELFTEST_TIMEOUT_MAX, &args->timeout);
	case 'm':
		args->meter = arg;
		return 0;
	case 's':
		return verb_number(arg, "measure", SELFTEST_MEASURE_MIN, SELFTEST_MEASURE_MAX,
				   &args->measure);
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->bdf)
			return out_error(CTL_USAGE,
					 "selftest takes one device: its power set is tested with it");
		args->bdf = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return out_error(CTL_USAGE, "selftest of which device? rtd3ctl list shows them");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp selftest_argp = {
	.options = selftest_options,
	.parser = selftest_parse,
	.args_doc = "DEVICE",
	.doc = "Cut the power of an idle device and wake it, several times, and see whether it "
	       "comes back each time as it was, with all functions of its power set; with "
	       "--meter, what the machine uses in each state. Nothing is changed for good, "
	       "however it ends.",
};

/* That another function is awake passes: the test waits for that. */
static bool selftest_passes(const struct rtd3_blocker *blocker)
{
	return blocker->id == RTD3_BLOCKER_SIBLING_ACTIVE;
}

static int selftest_blocked(const struct dev *dev, const struct set *set)
{
	struct snap *snap = malloc(sizeof(*snap));
	const struct rtd3_blocker *blocker;
	char command[SYS_TEXT];
	int ret = 0;
	size_t i;

	if (!snap)
		return out_no_memory();
	snap_take(snap, dev, set);
	if (snap->nr_unknown)
		ret = out_error(CTL_REFUSED, "%s: %s", snap->unknown[0].device,
				snap->unknown[0].why);
	for (i = 0; i < snap->nr && !ret; i++) {
		blocker = &snap->list[i];
		if (selftest_passes(blocker))
			continue;
		remedy_command(blocker, command, sizeof(command));
		ret = out_error(CTL_REFUSED, "%s cannot reach D3cold: %s %s: %s", dev->bdf,
				rtd3_blocker_texts[blocker->id].token, blocker->device,
				*command ? command : remedy_advice(blocker->id));
	}
	free(snap);

	return ret;
}

/* May one of the power set be put through it? */
static int selftest_refuse(const struct dev *dev, const struct set *set)
{
	char text[DEV_WORD], why[BUSY_TEXT];

	if (!dev->ours)
		return out_error(CTL_REFUSED,
				 "%s loses power, too, and rtd3_vfio_pci has not got it: rtd3ctl bind %s",
				 dev->bdf, dev->bdf);
	if (busy_open(dev, why))
		return out_error(CTL_REFUSED, "%s is in use: %s", dev->bdf, why);
	dev_attr(dev, "rtd3/health", text, sizeof(text));
	if (strcmp(text, "ok"))
		return out_error(CTL_REFUSED,
				 "the health of %s is %s: rtd3ctl status %s tells more", dev->bdf,
				 *text ? text : "unknown", dev->bdf);
	dev_attr(dev, "rtd3/policy", text, sizeof(text));
	if (strcmp(text, "d3cold"))
		return out_error(CTL_REFUSED,
				 "the policy of %s is %s: rtd3ctl set %s policy=d3cold",
				 dev->bdf, *text ? text : "unknown", dev->bdf);

	return selftest_blocked(dev, set);
}

static int selftest_may(const struct dev *dev, const struct set *set)
{
	char path[PATH_MAX];
	int ret;
	size_t i;

	ret = selftest_refuse(dev, set);
	for (i = 0; i < set->nr && !ret; i++)
		if (!dev_is_bridge(&set->dev[i]) && strcmp(set->dev[i].bdf, dev->bdf))
			ret = selftest_refuse(&set->dev[i], set);
	if (ret)
		return ret;
	/* Anybody can wake it, but not let it sleep again so soon. */
	if (sys_text(path, sizeof(path), "%s/power/autosuspend_delay_ms", dev->dir) ||
	    access(path, W_OK))
		return out_error(CTL_PERMISSION, "only root may test %s: use sudo", dev->bdf);

	return bind_lock();
}

static int selftest_meter_named(struct selftest_args *args, struct meter *meter)
{
	if (!args->meter && args->measure)
		return out_error(CTL_USAGE, "--measure with which meter? Name one by --meter");
	if (!args->measure)
		args->measure = SELFTEST_MEASURE;
	if (!args->meter || !meter_init(meter, args->meter))
		return 0;

	return out_error(CTL_USAGE,
			 "'%s' is no meter: name a file of hwmon, powerN_input, powerN_average or energyN_input, or a command that prints watts",
			 args->meter);
}

/* Told before anything is changed. */
static int selftest_meter_works(struct meter *meter)
{
	double watts, weight;
	int ret = meter_start(meter);

	if (!ret)
		ret = meter_read(meter, &watts, &weight);

	return ret ? out_error(out_status(ret), "--meter: %s", meter->why) : 0;
}

/**
 * struct selftest - a test that runs
 * @args: what is wanted
 * @cycle: the power set
 * @meter: what tells watts, if any
 * @done: so many cycles were good
 * @others: wakes meanwhile that were not the test's
 * @start: when it began
 * @slab: bytes in slabs at the end; -1 if unknown
 * @measure: what was used in each state
 * @result: how it ended
 * @left: the first error of what could not be written as it was
 */
struct selftest {
	const struct selftest_args *args;
	struct cycle cycle;
	struct meter meter;
	unsigned int done;
	long long others;
	long long start;
	long long slab;
	struct measure measure[RTD3_POWER_NR];
	enum cycle_result result;
	int left;
};

static void selftest_progress(const struct selftest *test)
{
	long long each = (stop_now_us() - test->start) / 1000 / test->done;
	bool live = isatty(test->args->json ? STDERR_FILENO : STDOUT_FILENO);
	FILE *out = test->args->json ? stderr : stdout;
	char eta[64];

	if (test->args->json && !live)
		return;
	view_duration(each * (test->args->cycles - test->done), eta, sizeof(eta));
	fprintf(out, "%scycle %u of %u: good, woke in %lld ms, %s to go%s", live ? "\r" : "",
		test->done, test->args->cycles, test->cycle.wake.us[test->done - 1] / 1000, eta,
		live ? "\033[K" : "\n");
	if (live && test->done == test->args->cycles)
		fputs("\r\033[K", out);
	fflush(out);
}

/* Wakes that were not the test's. */
static long long selftest_others(const struct selftest *test)
{
	const struct cycle_dev *self = test->cycle.member;
	long long now = dev_number(&self->dev, "rtd3/stats/resumes", 0);
	long long others = now - self->first - test->cycle.tries;

	return others > 0 ? others : 0;
}

static enum cycle_result selftest_cycles(struct selftest *test)
{
	struct cycle *cycle = &test->cycle;
	enum cycle_result result = cycle_reach(cycle, RTD3_POWER_D3COLD);

	cycle_base(cycle);
	while (!result && test->done < test->args->cycles) {
		result = cycle_wake(cycle);
		if (result)
			break;
		test->done++;
		selftest_progress(test);
		/* That it sleeps again, and is asleep as it was, is a part of the cycle. */
		result = cycle_reach(cycle, RTD3_POWER_D3COLD);
	}
	if (!result)
		result = cycle_compare(cycle);
	test->slab = cycle_slab();
	test->others = selftest_others(test);

	return result;
}

/* From the deepest, in which it is: a shallower policy counts at once. */
static enum cycle_result selftest_measure(struct selftest *test)
{
	enum cycle_result result = CYCLE_GOOD;
	struct measure *measure;
	int depth;

	for (depth = RTD3_POWER_NR - 1; depth >= 0 && !result; depth--) {
		measure = &test->measure[depth];
		measure->depth = depth;
		if (!test->args->json) {
			printf("measuring for %u s in %s\n", test->args->measure,
			       rtd3_power_names[depth]);
			fflush(stdout);
		}
		result = measure_state(measure, &test->cycle, &test->meter, test->args->measure);
	}

	return result;
}

static int selftest_run(struct selftest *test)
{
	int ret;

	test->start = stop_now_us();
	ret = cycle_hurry(&test->cycle);
	if (!ret)
		test->result = selftest_cycles(test);
	if (!ret && !test->result && test->args->meter)
		test->result = selftest_measure(test);
	test->left = cycle_calm(&test->cycle);
	if (ret)
		return out_error(out_status(ret), "cannot set power/autosuspend_delay_ms: %s%s",
				 strerror(-ret),
				 out_status(ret) == CTL_PERMISSION ? ": use sudo" :
				 ": rtd3ctl status tells more");
	hist_sort(&test->cycle.wake);
	hist_sort(&test->cycle.resume);

	return 0;
}

static const char *selftest_verdict(const struct selftest *test)
{
	static const char * const words[] = {
		[CYCLE_GOOD] = "pass",
		[CYCLE_BAD] = "fail",
		[CYCLE_STOPPED] = "interrupted",
	};

	return words[test->result];
}

static bool selftest_counts_usage(const struct selftest *test)
{
	size_t i;

	for (i = 0; i < test->cycle.nr; i++)
		if (test->cycle.member[i].usage >= 0)
			return true;

	return false;
}

static struct json_object *selftest_set_json(const struct cycle *cycle)
{
	struct json_object *list = json_object_new_array(), *one;
	const struct cycle_dev *member;
	size_t i;

	for (i = 0; i < cycle->nr; i++) {
		member = &cycle->member[i];
		one = json_object_new_object();
		out_put(one, "address", member->dev.bdf);
		out_put_bool(one, "bridge", member->bridge);
		if (member->usage >= 0) {
			out_put_number(one, "usage_before", member->usage);
			out_put_number(one, "usage_after",
				       dev_number(&member->dev, "power/runtime_usage", -1));
		}
		json_object_array_add(list, one);
	}

	return list;
}

static struct json_object *selftest_problem_json(const struct cycle *cycle)
{
	struct json_object *problem = json_object_new_object();

	out_put(problem, "id", cycle->bad_id);
	out_put(problem, "device", cycle->bad_device);
	out_put(problem, "text", cycle->bad_text);

	return problem;
}

static long long selftest_mw(double watts)
{
	return llround(watts * 1000);
}

static struct json_object *selftest_watts_json(const struct selftest *test)
{
	struct json_object *list = json_object_new_array(), *one;
	const struct measure *measure;
	int depth;

	for (depth = 0; depth < RTD3_POWER_NR; depth++) {
		measure = &test->measure[depth];
		if (!measure->nr && !*measure->why)
			continue;
		one = json_object_new_object();
		out_put(one, "state", rtd3_power_names[depth]);
		out_put(one, "why", measure->why);
		if (measure->nr) {
			out_put_number(one, "samples", measure->nr);
			out_put_number(one, "duration_ms", measure->ms);
			out_put_number(one, "average_mw", selftest_mw(measure->mean));
			out_put_number(one, "min_mw", selftest_mw(measure->low));
			out_put_number(one, "max_mw", selftest_mw(measure->high));
			out_put_number(one, "deviation_mw", selftest_mw(measure->deviation));
		}
		json_object_array_add(list, one);
	}

	return list;
}

static void selftest_json(const struct selftest *test)
{
	struct json_object *json = out_json(), *to = json_object_new_object();
	const struct cycle *cycle = &test->cycle;

	out_put(to, "address", cycle->member->dev.bdf);
	out_put(to, "verdict", selftest_verdict(test));
	out_put_number(to, "cycles_wanted", test->args->cycles);
	out_put_number(to, "cycles_good", test->done);
	if (cycle->bad_id)
		json_object_object_add(to, "problem", selftest_problem_json(cycle));
	json_object_object_add(to, "wake", hist_json(&cycle->wake));
	json_object_object_add(to, "resume", hist_json(&cycle->resume));
	out_put_number(to, "other_wakes", test->others);
	if (cycle->slab >= 0 && test->slab >= 0)
		out_put_number(to, "slab_growth_bytes", test->slab - cycle->slab);
	if (test->args->meter)
		json_object_object_add(to, "power", selftest_watts_json(test));
	out_put_number(to, "duration_ms", (stop_now_us() - test->start) / 1000);
	json_object_object_add(to, "power_set", selftest_set_json(cycle));
	json_object_object_add(json, "selftest", to);
	out_print_json(json);
}

static void selftest_times(const char *what, const struct hist *hist)
{
	if (!hist->nr)
		return;
	printf("%s: half of them in %.1f ms, 99%% in %.1f ms, the longest %.1f ms\n", what,
	       hist_percentile(hist, 50) / 1e3, hist_percentile(hist, 99) / 1e3,
	       hist_percentile(hist, 100) / 1e3);
	hist_print(hist, stdout, "  ");
}

static void selftest_counts(const struct selftest *test)
{
	if (test->others)
		printf("Somebody else woke it, too: %lld times\n", test->others);
	if (!selftest_counts_usage(test))
		puts("Usage counts: this kernel does not show them (CONFIG_PM_ADVANCED_DEBUG)");
	else if (!test->result)
		puts("Usage counts: as before");
	if (test->cycle.slab >= 0 && test->slab >= 0)
		printf("Slabs of the whole kernel: %+lld KiB\n",
		       (test->slab - test->cycle.slab) / 1024);
}

/* Only what was measured; what a difference is worth is up to whoever reads it. */
static void selftest_watts(const struct selftest *test)
{
	const struct measure *measure;
	int depth;

	for (depth = 0; depth < RTD3_POWER_NR; depth++) {
		measure = &test->measure[depth];
		if (measure->nr)
			printf("%-6s %.2f W on average of %u readings, "
			       "%.2f to %.2f, deviation %.2f\n", rtd3_power_names[depth],
			       measure->mean, measure->nr, measure->low, measure->high,
			       measure->deviation);
		else if (*measure->why)
			printf("%-6s not measured: %s\n", rtd3_power_names[depth], measure->why);
	}
}

static void selftest_text(const struct selftest *test)
{
	const struct cycle *cycle = &test->cycle;

	if (test->done && test->done < test->args->cycles && isatty(STDOUT_FILENO))
		putchar('\n');
	selftest_times("Wakes, as a read of configuration space sees them", &cycle->wake);
	selftest_times("Of that the resume of the device itself", &cycle->resume);
	selftest_counts(test);
	selftest_watts(test);
	switch (test->result) {
	case CYCLE_GOOD:
		printf("%spass%s: %u power cycles, and each time all came back as it was\n",
		       out_on(OUT_GREEN), out_off(), test->done);
		break;
	case CYCLE_BAD:
		printf("%sfail%s: after %u good power cycles: %s: %s: %s\n", out_on(OUT_RED),
		       out_off(), test->done, cycle->bad_id, cycle->bad_device, cycle->bad_text);
		break;
	case CYCLE_STOPPED:
		printf("%sinterrupted%s: after %u good power cycles of %u\n", out_on(OUT_YELLOW),
		       out_off(), test->done, test->args->cycles);
	}
}

/* What could not be put right has to be, by somebody. */
static int selftest_left(const struct selftest *test)
{
	const struct cycle_dev *member = test->cycle.member;

	while (!member->lowered && !member->limited)
		member++;
	if (member->limited)
		return out_error(CTL_FAILED,
				 "cannot write the policy as it was: %s: rtd3ctl set %s policy=d3cold",
				 strerror(-test->left), member->dev.bdf);

	return out_error(CTL_FAILED,
			 "cannot write the autosuspend delay as it was: %s: rtd3ctl set %s autosuspend_delay_ms=%s",
			 strerror(-test->left), member->dev.bdf, member->delay);
}

static int selftest(const struct selftest_args *args, const struct meter *meter,
		    const struct dev *dev, const struct set *set)
{
	struct selftest test = { .args = args, .meter = *meter, .slab = -1 };
	int ret;

	if (cycle_init(&test.cycle, set, dev))
		return out_no_memory();
	test.cycle.timeout_ms = args->timeout * 1000L;
	ret = selftest_run(&test);
	if (!ret && args->json)
		selftest_json(&test);
	else if (!ret)
		selftest_text(&test);
	if (!ret && test.result)
		ret = CTL_FAILED;
	if (test.left)
		ret = selftest_left(&test);
	cycle_free(&test.cycle);

	return ret;
}

int cmd_selftest(int argc, char **argv)
{
	struct selftest_args args = { .cycles = SELFTEST_CYCLES, .timeout = SELFTEST_TIMEOUT };
	struct meter meter = { };
	struct dev dev;
	struct set set;
	int ret;

	ret = verb_parse(&selftest_argp, argc, argv, 0, NULL, &args);
	if (!ret)
		ret = selftest_meter_named(&args, &meter);
	if (!ret)
		ret = verb_own_device(args.bdf, &dev);
	if (ret)
		return ret;
	if (set_load(&set, &dev)) {
		set_free(&set);
		return out_no_memory();
	}
	ret = selftest_may(&dev, &set);
	/* What is begun is ended in order, the meter too. */
	stop_catch();
	if (!ret && args.meter)
		ret = selftest_meter_works(&meter);
	if (!ret)
		ret = selftest(&args, &meter, &dev, &set);
	set_free(&set);

	return ret;
}
