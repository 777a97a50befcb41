/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver's tracepoints, through an instance of tracefs that nobody else has. */
#ifndef RTD3CTL_TRACER_H
#define RTD3CTL_TRACER_H

#include <json-c/json.h>

struct tep_handle;
struct tracefs_instance;

/**
 * struct tracer - events that are followed
 * @instance: ours, removed in the end
 * @tep: what the events look like
 * @lost: so many came while nobody read, and the buffer was full
 * @event: called with each event, an object that it has to free
 * @arg: for @event
 */
struct tracer {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	long long lost;
	void (*event)(void *arg, struct json_object *line);
	void *arg;
};

int tracer_open(struct tracer *tracer, void (*event)(void *arg, struct json_object *line),
		void *arg);
int tracer_drain(struct tracer *tracer);
void tracer_close(struct tracer *tracer);

#endif /* RTD3CTL_TRACER_H */
