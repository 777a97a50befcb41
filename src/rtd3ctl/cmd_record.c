// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtd3ctl record: what devices do, as lines of JSON. The manual page describes them;
 * timeline draws them.
 */

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "out.h"
#include "stop.h"
#include "sys.h"
#include "tape.h"
#include "tracer.h"
#include "verb.h"
#include "view.h"

#define RECORD_POLL_MS		100
#define RECORD_SECONDS_MAX	31536000

struct record_args {
	char **bdf;
	unsigned int nr;
	const char *output;
	unsigned int seconds;
};

static const struct argp_option record_options[] = {
	{ .name = "output", .key = 'o', .arg = "FILE", .doc = "Write there" },
	{ .name = "seconds", .key = 's', .arg = "N", .doc = "End after so many seconds" },
	{ }
};

static error_t record_parse(int key, char *arg, struct argp_state *state)
{
	struct record_args *args = state->input;

	switch (key) {
	case 'o':
		args->output = arg;
		return 0;
	case 's':
		return verb_number(arg, "seconds", 1, RECORD_SECONDS_MAX, &args->seconds);
	case ARGP_KEY_ARGS:
		args->bdf = state->argv + state->next;
		args->nr = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp record_argp = {
	.options = record_options,
	.parser = record_parse,
	.args_doc = "[DEVICE...]",
	.doc = "Write down what the driver's devices do, or those that are named: a line of JSON "
	       "for each sleep, wake and recovery, until Ctrl-C. No device is woken for this.",
};

/**
 * struct record - a recording that is made
 * @args: what is wanted
 * @bdf: addresses of @args, as the driver writes them; none: all
 * @out: where to
 * @failed: it could not be written
 */
struct record {
	const struct record_args *args;
	char (*bdf)[DEV_BDF];
	FILE *out;
	int failed;
};

static long long record_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);

	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Each line at once: who reads along sees it, and what ends the machine loses little. */
static void record_line(struct record *record, struct json_object *line)
{
	const char *text = json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE);

	errno = 0;
	if ((fprintf(record->out, "%s\n", text) < 0 || fflush(record->out)) && !record->failed)
		record->failed = errno ? -errno : -EIO;
	json_object_put(line);
}

static struct json_object *record_new(const char *event)
{
	struct json_object *line = json_object_new_object();

	out_put_number(line, "time", record_now(CLOCK_BOOTTIME));
	out_put(line, "event", event);

	return line;
}

static void record_begin(struct record *record)
{
	struct json_object *line = record_new(TAPE_BEGIN);

	out_put_number(line, "version", TAPE_VERSION);
	out_put(line, "clock", "boot");
	out_put_number(line, "wall", record_now(CLOCK_REALTIME));
	out_put(line, "kernel", host_release());
	record_line(record, line);
}

static bool record_wants(const struct record *record, const char *bdf)
{
	unsigned int i;

	for (i = 0; i < record->args->nr; i++)
		if (!strcmp(record->bdf[i], bdf))
			return true;

	return !record->args->nr;
}

/* How each device is now. */
static void record_present(struct record *record)
{
	struct json_object *line;
	char health[DEV_WORD];
	struct dev *dev, now;
	const char *name;
	size_t nr, i;

	if (dev_all(&dev, &nr))
		return;
	for (i = 0; i < nr; i++) {
		if (!dev[i].ours || !record_wants(record, dev[i].bdf))
			continue;
		/* The first name takes its time: look again, for the state of the line's time. */
		name = dev_name(&dev[i]);
		if (dev_load(&now, dev[i].bdf))
			continue;
		line = record_new(TAPE_PRESENT);
		out_put(line, "device", now.bdf);
		out_put(line, "state", view_state(&now));
		dev_attr(&now, "rtd3/health", health, sizeof(health));
		out_put(line, "health", health);
		out_put(line, "name", name);
		record_line(record, line);
	}
	free(dev);
}

/* "host lspci[1234]" is about this process: the driver has its name, even if it is gone. */
static bool record_last_wake(const char *bdf, int pid, char *task)
{
	char wake[DEV_WORD], end[16];
	struct dev dev;
	size_t len, cut;

	if (dev_load(&dev, bdf) || dev_attr(&dev, "rtd3/last_wake", wake, sizeof(wake)) <= 0)
		return false;
	sys_text(end, sizeof(end), "[%d]", pid);
	len = strlen(wake);
	cut = strlen(end);
	if (len <= cut || strcmp(wake + len - cut, end) || !strchr(wake, ' '))
		return false;
	wake[len - cut] = '\0';

	return !sys_text(task, DEV_WORD, "%s", strchr(wake, ' ') + 1);
}

static void record_task(struct json_object *line, const char *bdf)
{
	struct json_object *pid;
	char path[PATH_MAX], task[DEV_WORD];

	if (!json_object_object_get_ex(line, "pid", &pid))
		return;
	if (!record_last_wake(bdf, json_object_get_int(pid), task)) {
		sys_path(path, "/proc/%d/comm", json_object_get_int(pid));
		sys_read_word(path, task, sizeof(task));
	}
	out_put(line, "task", task);
}

static void record_event(void *arg, struct json_object *line)
{
	struct record *record = arg;
	struct json_object *device;
	const char *bdf = "";

	if (json_object_object_get_ex(line, "device", &device))
		bdf = json_object_get_string(device);
	if (!record_wants(record, bdf)) {
		json_object_put(line);
		return;
	}
	record_task(line, bdf);
	record_line(record, line);
}

static void record_end(struct record *record, const struct tracer *tracer)
{
	struct json_object *line;

	record_present(record);
	line = record_new(TAPE_END);
	out_put_number(line, "lost", tracer->lost);
	record_line(record, line);
}

static int record_open_error(int error)
{
	switch (error) {
	case -ENOENT:
		return out_error(CTL_FAILED,
				 "tracefs is not mounted: mount -t tracefs nodev /sys/kernel/tracing");
	case -ENODEV:
		return out_error(CTL_NODEV, "rtd3_vfio_pci is not loaded: modprobe rtd3_vfio_pci");
	default:
		return out_error(out_status(error), "cannot use tracefs: %s%s", strerror(-error),
				 out_status(error) == CTL_PERMISSION ? ": use sudo" :
				 ": see /sys/kernel/tracing");
	}
}

static int record_follow(struct record *record, struct tracer *tracer)
{
	long long end = stop_now_us() + record->args->seconds * 1000000LL;
	bool over = false;
	int ret = 0;

	record_begin(record);
	record_present(record);
	/* Once more after the end: what came until then belongs to it. */
	while (!ret && !record->failed && !over) {
		over = stop_wait(-1, RECORD_POLL_MS) ||
		       (record->args->seconds && stop_now_us() >= end);
		ret = tracer_drain(tracer);
		if (stop_reader_gone(fileno(record->out)))
			record->failed = -EPIPE;
	}
	if (!ret && !record->failed)
		record_end(record, tracer);

	return ret;
}

static int record_run(struct record *record)
{
	struct tracer tracer;
	int ret;

	stop_catch();
	ret = tracer_open(&tracer, record_event, record);
	if (ret) {
		tracer_close(&tracer);
		return record_open_error(ret);
	}
	if (record->args->output)
		record->out = fopen(record->args->output, "we");
	if (!record->out)
		ret = out_error(out_status(-errno), "cannot write %s: %s: does its folder exist?",
				record->args->output, strerror(errno));
	else
		ret = record_follow(record, &tracer);
	tracer_close(&tracer);
	if (ret < 0)
		return out_error(CTL_FAILED, "cannot read events: %s: see /sys/kernel/tracing",
				 strerror(-ret));
	if (tracer.lost)
		out_error(CTL_OK, "%lld events or more were lost: the recording has gaps",
			  tracer.lost);

	return ret;
}

static int record_devices(struct record *record)
{
	struct dev dev;
	unsigned int i;
	int ret;

	record->bdf = calloc(record->args->nr + 1, sizeof(*record->bdf));
	if (!record->bdf)
		return out_no_memory();
	for (i = 0; i < record->args->nr; i++) {
		ret = verb_device(record->args->bdf[i], &dev);
		if (ret)
			return ret;
		if (!dev.ours)
			return out_error(CTL_NODEV, "rtd3_vfio_pci has not got %s: rtd3ctl bind %s",
					 dev.bdf, dev.bdf);
		memcpy(record->bdf[i], dev.bdf, DEV_BDF);
	}

	return 0;
}

int cmd_record(int argc, char **argv)
{
	struct record_args args = { };
	struct record record = { .args = &args, .out = stdout };
	int ret;

	ret = verb_parse(&record_argp, argc, argv, 0, NULL, &args);
	if (!ret)
		ret = record_devices(&record);
	if (!ret)
		ret = record_run(&record);
	free(record.bdf);
	if (record.out && record.out != stdout && fclose(record.out) && !record.failed)
		record.failed = -errno;
	/* A reader that goes has seen enough: what was for him is thrown away. */
	if (record.failed == -EPIPE)
		__fpurge(stdout);
	else if (record.failed)
		ret = out_error(CTL_FAILED, "cannot write the recording: %s: is the disk full?",
				strerror(-record.failed));

	return ret;
}
