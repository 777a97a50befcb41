// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's tracepoints, through an instance of tracefs of its own: buffer, clock and
 * what is switched on there is nobody else's, and goes with it.
 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event-parse.h>
#include <tracefs.h>

#include "out.h"
#include "sys.h"
#include "tracer.h"
#include "types.h"

#define TRACER_SYSTEM	"rtd3"
#define TRACER_PREFIX	"rtd3_"
#define TRACER_NAME	"rtd3ctl-"

enum tracer_kind {
	TRACER_PLAIN,
	TRACER_BOOL,
	TRACER_POWER,
	TRACER_CAUSE,
	TRACER_RULE,
	TRACER_US,
};

/* Fields as they are in the kernel and here; any other stays what it is. */
static const struct tracer_name {
	const char *event;
	const char *field;
	const char *name;
	enum tracer_kind kind;
} tracer_names[] = {
	{ NULL, "power", "state", TRACER_POWER },
	{ NULL, "limit", "limit", TRACER_POWER },
	{ NULL, "cause", "cause", TRACER_CAUSE },
	{ NULL, "rule", "rule", TRACER_RULE },
	{ "ask", "ns", "waited_us", TRACER_US },
	{ "ready", "ns", "waited_us", TRACER_US },
	{ NULL, "ns", "latency_us", TRACER_US },
	{ NULL, "wakeup", "wakeup", TRACER_BOOL },
	{ NULL, "engaged", "engaged", TRACER_BOOL },
	{ NULL, "present", "present", TRACER_BOOL },
	{ NULL, "answers", "answers", TRACER_BOOL },
	{ NULL, "good", "good", TRACER_BOOL },
	{ }
};

static const struct tracer_name *tracer_name(const char *event, const char *field)
{
	const struct tracer_name *name;

	for (name = tracer_names; name->field; name++)
		if (!strcmp(name->field, field) && (!name->event || !strcmp(name->event, event)))
			return name;

	return NULL;
}

static void tracer_number(struct json_object *line, const struct tracer_name *name,
			  const char *field, unsigned long long value)
{
	switch (name ? name->kind : TRACER_PLAIN) {
	case TRACER_BOOL:
		out_put_bool(line, name->name, value);
		break;
	case TRACER_US:
		out_put_number(line, name->name, value / 1000);
		break;
	case TRACER_POWER:
		out_put(line, name->name,
			value < RTD3_POWER_NR ? rtd3_power_names[value] : "unknown");
		break;
	case TRACER_CAUSE:
		/* Nobody yet: a "wake" may follow. */
		out_put(line, name->name, value == RTD3_WAKE_NONE ? "unclaimed" :
			value < RTD3_WAKE_NR ? rtd3_cause_names[value] : "unknown");
		break;
	case TRACER_RULE:
		out_put(line, name->name,
			value < RTD3_READY_NR ? rtd3_ready_names[value] : "unknown");
		break;
	case TRACER_PLAIN:
		out_put_number(line, field, value);
	}
}

static void tracer_string(struct json_object *line, struct tep_event *event,
			  struct tep_record *record, struct tep_format_field *field)
{
	char text[256] = "";
	const char *raw;
	int len = 0;

	raw = tep_get_field_raw(NULL, event, field->name, record, &len, 0);
	if (!raw || len <= 0)
		return;
	if ((size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(text, raw, len);
	out_put(line, field->name, text);
}

static int tracer_record(struct tep_event *event, struct tep_record *record, int cpu, void *arg)
{
	struct json_object *line = json_object_new_object();
	struct tracer *tracer = arg;
	struct tep_format_field *field;
	const char *name = event->name;
	unsigned long long value;

	(void)cpu;
	if (!strncmp(name, TRACER_PREFIX, strlen(TRACER_PREFIX)))
		name += strlen(TRACER_PREFIX);
	out_put_number(line, "time", record->ts);
	out_put(line, "event", name);
	for (field = event->format.fields; field; field = field->next) {
		/* Those of probes, not of tracepoints. */
		if (!strncmp(field->name, "__", 2))
			continue;
		if (field->flags & TEP_FIELD_IS_STRING)
			tracer_string(line, event, record, field);
		else if (!tep_read_number_field(field, record->data, &value))
			tracer_number(line, tracer_name(name, field->name), field->name, value);
	}
	out_put_number(line, "pid", tep_data_pid(tracer->tep, record));
	tracer->event(tracer->arg, line);

	return 0;
}

static int tracer_missed(struct tep_event *event, struct tep_record *record, int cpu, void *arg)
{
	struct tracer *tracer = arg;

	(void)event;
	(void)cpu;
	/* It can be known that, and not how many. */
	tracer->lost += record->missed_events > 0 ? record->missed_events : 1;

	return 0;
}

/* What one that was killed has left. */
static void tracer_sweep(void)
{
	char **names = tracefs_instances(NULL), **name;
	struct tracefs_instance *instance;
	pid_t pid;

	for (name = names; name && *name; name++) {
		if (strncmp(*name, TRACER_NAME, strlen(TRACER_NAME)))
			continue;
		pid = atoi(*name + strlen(TRACER_NAME));
		if (pid <= 0 || !kill(pid, 0) || errno != ESRCH)
			continue;
		instance = tracefs_instance_alloc(NULL, *name);
		if (!instance)
			continue;
		tracefs_instance_destroy(instance);
		tracefs_instance_free(instance);
	}
	tracefs_list_free(names);
}

static int tracer_has_events(void)
{
	char *path = tracefs_get_tracing_file("events/" TRACER_SYSTEM);
	int ret = 0;

	if (!path)
		return -ENOENT;
	if (access(path, F_OK))
		ret = errno == ENOENT ? -ENODEV : -errno;
	tracefs_put_tracing_file(path);

	return ret;
}

static int tracer_start(struct tracer *tracer)
{
	static const char * const systems[] = { TRACER_SYSTEM, NULL };

	tracer->tep = tracefs_local_events_system(NULL, systems);
	if (!tracer->tep)
		return -ENODEV;
	if (tracefs_instance_file_write(tracer->instance, "trace_clock", "boot") < 0 ||
	    tracefs_follow_missed_events(tracer->instance, tracer_missed, tracer) < 0 ||
	    tracefs_event_enable(tracer->instance, TRACER_SYSTEM, NULL) < 0)
		return errno ? -errno : -EIO;

	return 0;
}

/**
 * tracer_open - follow the driver's events
 * @tracer: filled; closed with tracer_close(), also after an error
 * @event: called with each event by tracer_drain(); frees it
 * @arg: for @event
 *
 * Return: 0; -ENOENT without tracefs, -ENODEV if the driver is not loaded, or another
 * negative error.
 */
int tracer_open(struct tracer *tracer, void (*event)(void *arg, struct json_object *line),
		void *arg)
{
	char name[32];
	int ret;

	memset(tracer, 0, sizeof(*tracer));
	tracer->event = event;
	tracer->arg = arg;
	tracefs_set_loglevel(TEP_LOG_NONE);
	if (!tracefs_tracing_dir())
		return geteuid() ? -EACCES : -ENOENT;
	ret = tracer_has_events();
	if (ret)
		return ret;
	tracer_sweep();
	sys_text(name, sizeof(name), TRACER_NAME "%d", getpid());
	errno = 0;
	tracer->instance = tracefs_instance_create(name);
	if (!tracer->instance)
		return errno ? -errno : -EIO;

	return tracer_start(tracer);
}

/* Call back with each event that came. Return: 0 or a negative error. */
int tracer_drain(struct tracer *tracer)
{
	errno = 0;
	if (tracefs_iterate_raw_events(tracer->tep, tracer->instance, NULL, 0, tracer_record,
				       tracer) < 0)
		return errno ? -errno : -EIO;

	return 0;
}

void tracer_close(struct tracer *tracer)
{
	if (tracer->instance) {
		tracefs_event_disable(tracer->instance, TRACER_SYSTEM, NULL);
		tracefs_instance_destroy(tracer->instance);
		tracefs_instance_free(tracer->instance);
	}
	if (tracer->tep)
		tep_free(tracer->tep);
	tracer->instance = NULL;
	tracer->tep = NULL;
}
