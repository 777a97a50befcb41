// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording: what devices did. Lines that are not understood are skipped and counted:
 * the last one of a machine that lost its power is half a line.
 *
 * A suspend says D3hot, as the port has not suspended yet; what the device reached is in
 * the resume that ends it, and, at the end of the recording, in how it is then.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "sys.h"
#include "tape.h"

#define TAPE_TIME_MAX	(1LL << 60)	/* 36 years: sums of two do not overflow */
#define TAPE_LINE	65536		/* what is longer is no line of a recording */

const char * const tape_state_names[TAPE_STATES] = {
	[TAPE_UNKNOWN] = "unknown",
	[TAPE_D0] = "D0",
	[TAPE_D3HOT] = "D3hot",
	[TAPE_D3COLD] = "D3cold",
	[TAPE_FAILED] = "failed",
};

enum tape_kind {
	TAPE_IS,	/* it is in this state, and may have been for long */
	TAPE_SLEEPS,
	TAPE_WAKES,
	TAPE_CLAIMED,	/* the last wake was this one's */
	TAPE_RECOVERED,
};

/**
 * struct tape_event - one line that matters
 * @time: when
 * @order: in the recording: of two at the same time the first is the first
 * @dev: index of its device
 * @kind: what happened
 * @state: TAPE_IS, TAPE_SLEEPS: which; TAPE_WAKES: from which
 * @good: TAPE_WAKES, TAPE_RECOVERED: it works
 * @latency: TAPE_WAKES: how long that took
 * @cause: TAPE_WAKES, TAPE_CLAIMED
 * @task: the same
 */
struct tape_event {
	long long time;
	size_t order;
	size_t dev;
	enum tape_kind kind;
	enum tape_state state;
	bool good;
	long long latency;
	char cause[TAPE_TASK];
	char task[TAPE_TASK];
};

struct tape_events {
	struct tape_event *event;
	size_t nr;
	size_t room;
};

/* Room for one more in an array that doubles. */
static void *tape_grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;

	return realloc(array, (nr ? 2 * nr : 1) * size);
}

/* A word that can be shown: no bytes that terminals and fonts do not know. */
static void tape_word(struct json_object *line, const char *key, char *buf, size_t size)
{
	struct json_object *value;
	const char *from = "";
	size_t len = 0;

	if (json_object_object_get_ex(line, key, &value) &&
	    json_object_is_type(value, json_type_string))
		from = json_object_get_string(value);
	for (; from[len] && len + 1 < size; len++)
		buf[len] = from[len] < ' ' || from[len] > '~' ? '?' : from[len];
	buf[len] = '\0';
}

static bool tape_number(struct json_object *line, const char *key, long long *number)
{
	struct json_object *value;

	if (!json_object_object_get_ex(line, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	*number = json_object_get_int64(value);

	return *number >= 0 && *number <= TAPE_TIME_MAX;
}

static bool tape_flag(struct json_object *line, const char *key, bool otherwise)
{
	struct json_object *value;

	if (!json_object_object_get_ex(line, key, &value))
		return otherwise;

	return json_object_get_boolean(value);
}

static enum tape_state tape_state(struct json_object *line)
{
	char word[TAPE_TASK];
	int state;

	tape_word(line, "state", word, sizeof(word));
	for (state = TAPE_D0; state <= TAPE_D3COLD; state++)
		if (!strcmp(word, tape_state_names[state]))
			return state;
	/* Awake, as far as runtime power management goes. */
	if (!strcmp(word, "D1") || !strcmp(word, "D2"))
		return TAPE_D0;

	return TAPE_UNKNOWN;
}

/* Index of a device, which is new if it has not been seen; -1 if there can be no more. */
static int tape_device(struct tape *tape, const char *bdf)
{
	struct tape_dev *more;
	size_t i;

	for (i = 0; i < tape->nr; i++)
		if (!strcmp(tape->dev[i].bdf, bdf))
			return i;
	if (tape->nr == TAPE_DEVICES)
		return -1;
	more = tape_grow(tape->dev, tape->nr, sizeof(*more));
	if (!more)
		return -1;
	tape->dev = more;
	memset(&more[i], 0, sizeof(*more));
	memcpy(more[i].bdf, bdf, DEV_BDF);
	tape->nr++;

	return i;
}

static bool tape_fill(struct tape_event *event, const char *word, struct json_object *line)
{
	char health[TAPE_TASK];

	event->state = tape_state(line);
	event->good = true;
	if (!strcmp(word, TAPE_PRESENT)) {
		event->kind = TAPE_IS;
		tape_word(line, "health", health, sizeof(health));
		if (!strcmp(health, "failed") || !strcmp(health, "recovering"))
			event->state = TAPE_FAILED;
	} else if (!strcmp(word, "suspend")) {
		event->kind = TAPE_SLEEPS;
	} else if (!strcmp(word, "resume")) {
		event->kind = TAPE_WAKES;
		event->good = tape_flag(line, "present", true);
		if (tape_number(line, "latency_us", &event->latency))
			event->latency = event->latency < TAPE_TIME_MAX / 1000 ?
				event->latency * 1000 : TAPE_TIME_MAX;
		else
			event->latency = 0;
	} else if (!strcmp(word, "wake")) {
		event->kind = TAPE_CLAIMED;
	} else if (!strcmp(word, "recover")) {
		event->kind = TAPE_RECOVERED;
		event->good = tape_flag(line, "good", false);
	} else {
		/* Nothing that changes a state. */
		return false;
	}
	tape_word(line, "cause", event->cause, sizeof(event->cause));
	tape_word(line, "task", event->task, sizeof(event->task));

	return true;
}

static void tape_begin(struct tape *tape, struct json_object *line, long long time)
{
	struct json_object *value;
	long long wall;

	if (tape_number(line, "version", &tape->version) && !tape->version)
		tape->version = 1;
	/* Until 2116, so that a time since boot can be added to it. */
	if (json_object_object_get_ex(line, "wall", &value) &&
	    json_object_is_type(value, json_type_int)) {
		wall = json_object_get_int64(value);
		if (wall > time && wall < 1LL << 62)
			tape->wall = wall - time;
	}
}

static int tape_add(struct tape *tape, struct tape_events *events, const char *word,
		    struct json_object *line, long long time)
{
	char text[TAPE_TASK], bdf[DEV_BDF], name[TAPE_NAME];
	struct tape_event *more;
	int dev;

	tape_word(line, "device", text, sizeof(text));
	if (dev_parse_bdf(text, bdf))
		return -EINVAL;
	dev = tape_device(tape, bdf);
	if (dev < 0)
		return -EINVAL;
	more = tape_grow(events->event, events->nr, sizeof(*more));
	if (!more)
		return -ENOMEM;
	events->event = more;
	more += events->nr;
	memset(more, 0, sizeof(*more));
	more->time = time;
	more->order = events->nr;
	more->dev = dev;
	events->nr += tape_fill(more, word, line);
	tape_word(line, "name", name, sizeof(name));
	if (*name)
		memcpy(tape->dev[dev].name, name, sizeof(name));

	return 0;
}

static int tape_object(struct tape *tape, struct tape_events *events, struct json_object *line)
{
	char word[TAPE_TASK];
	long long time;

	if (!json_object_is_type(line, json_type_object) || !tape_number(line, "time", &time))
		return -EINVAL;
	tape_word(line, "event", word, sizeof(word));
	if (!*word)
		return -EINVAL;
	if (tape->to < tape->from || time < tape->from)
		tape->from = time;
	if (time > tape->to)
		tape->to = time;
	if (!strcmp(word, TAPE_BEGIN)) {
		tape_begin(tape, line, time);
		return 0;
	}
	if (!strcmp(word, TAPE_END)) {
		tape_number(line, "lost", &tape->lost);
		return 0;
	}

	return tape_add(tape, events, word, line, time);
}

static int tape_line(struct tape *tape, struct tape_events *events, const char *text, size_t len)
{
	struct json_tokener *tokener;
	struct json_object *line;
	int ret = -EINVAL;

	if (len > TAPE_LINE)
		return -EINVAL;
	tokener = json_tokener_new();
	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	line = json_tokener_parse_ex(tokener, text, len);
	if (line && json_tokener_get_error(tokener) == json_tokener_success)
		ret = tape_object(tape, events, line);
	json_object_put(line);
	json_tokener_free(tokener);

	return ret;
}

static int tape_compare(const void *a, const void *b)
{
	const struct tape_event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;

	return (x->order > y->order) - (x->order < y->order);
}

/* The state from @time on; what it was before ends there. */
static int tape_turn(struct tape_dev *dev, long long time, enum tape_state state)
{
	struct tape_band *last = dev->nr_bands ? &dev->band[dev->nr_bands - 1] : NULL, *more;

	if (last && time < last->from)
		time = last->from;
	if (last && last->state == state)
		return 0;
	if (last)
		last->to = time;
	more = tape_grow(dev->band, dev->nr_bands, sizeof(*more));
	if (!more)
		return -ENOMEM;
	dev->band = more;
	more[dev->nr_bands].from = time;
	more[dev->nr_bands].to = time;
	more[dev->nr_bands].state = state;
	dev->nr_bands++;

	return 0;
}

/* How deep the sleep that is going on is: the driver counts all of it as that, too. */
static void tape_deepen(struct tape_dev *dev, enum tape_state state)
{
	struct tape_band *last = dev->nr_bands ? &dev->band[dev->nr_bands - 1] : NULL;

	if (last && (last->state == TAPE_D3HOT || last->state == TAPE_D3COLD) &&
	    (state == TAPE_D3HOT || state == TAPE_D3COLD))
		last->state = state;
}

static int tape_wakes(const struct tape *tape, struct tape_dev *dev,
		      const struct tape_event *event)
{
	long long time = event->time - event->latency;
	struct tape_wake *more;

	if (time < tape->from)
		time = tape->from;
	/* One that slept before the recording began, or before it was heard of. */
	if (!dev->nr_bands && event->state != TAPE_UNKNOWN &&
	    tape_turn(dev, tape->from, event->state))
		return -ENOMEM;
	tape_deepen(dev, event->state);
	more = tape_grow(dev->wake, dev->nr_wakes, sizeof(*more));
	if (!more)
		return -ENOMEM;
	dev->wake = more;
	more += dev->nr_wakes++;
	more->time = time;
	memcpy(more->cause, event->cause, sizeof(more->cause));
	memcpy(more->task, event->task, sizeof(more->task));

	return tape_turn(dev, time, event->good ? TAPE_D0 : TAPE_FAILED);
}

static int tape_play(struct tape *tape, const struct tape_event *event)
{
	struct tape_dev *dev = &tape->dev[event->dev];

	switch (event->kind) {
	case TAPE_IS:
		tape_deepen(dev, event->state);
		return tape_turn(dev, event->time, event->state);
	case TAPE_SLEEPS:
		/* It was awake until then. */
		if (!dev->nr_bands && tape_turn(dev, tape->from, TAPE_D0))
			return -ENOMEM;
		return tape_turn(dev, event->time, event->state);
	case TAPE_WAKES:
		return tape_wakes(tape, dev, event);
	case TAPE_CLAIMED:
		if (dev->nr_wakes) {
			memcpy(dev->wake[dev->nr_wakes - 1].cause, event->cause, TAPE_TASK);
			memcpy(dev->wake[dev->nr_wakes - 1].task, event->task, TAPE_TASK);
		}
		return 0;
	case TAPE_RECOVERED:
		return tape_turn(dev, event->time, event->good ? TAPE_D0 : TAPE_FAILED);
	}

	return 0;
}

static int tape_by_address(const void *a, const void *b)
{
	return strcmp(((const struct tape_dev *)a)->bdf, ((const struct tape_dev *)b)->bdf);
}

static int tape_finish(struct tape *tape, struct tape_events *events)
{
	size_t i;
	int ret = 0;

	if (events->nr)
		qsort(events->event, events->nr, sizeof(*events->event), tape_compare);
	for (i = 0; i < events->nr && !ret; i++)
		ret = tape_play(tape, &events->event[i]);
	for (i = 0; i < tape->nr; i++)
		if (tape->dev[i].nr_bands)
			tape->dev[i].band[tape->dev[i].nr_bands - 1].to = tape->to;
	if (tape->nr)
		qsort(tape->dev, tape->nr, sizeof(*tape->dev), tape_by_address);

	return ret;
}

/**
 * tape_read - a recording
 * @tape: filled; freed with tape_free(), also after an error
 * @in: lines of JSON
 *
 * Return: 0, also if no line was understood, or a negative error.
 */
int tape_read(struct tape *tape, FILE *in)
{
	struct tape_events events = { };
	char *text = NULL;
	size_t size = 0;
	int ret = 0;
	ssize_t len;

	memset(tape, 0, sizeof(*tape));
	tape->from = 1;
	while (ret != -ENOMEM && (len = getline(&text, &size, in)) > 0) {
		if (text[len - 1] == '\n')
			len--;
		if (!len)
			continue;
		ret = tape_line(tape, &events, text, len);
		tape->skipped += ret == -EINVAL;
	}
	if (ret != -ENOMEM)
		ret = ferror(in) ? -EIO : tape_finish(tape, &events);
	if (tape->to < tape->from)
		tape->from = tape->to;
	free(text);
	free(events.event);

	return ret;
}

/* Nanoseconds in a state. */
long long tape_time_in(const struct tape_dev *dev, enum tape_state state)
{
	long long sum = 0;
	size_t i;

	for (i = 0; i < dev->nr_bands; i++)
		if (dev->band[i].state == state)
			sum += dev->band[i].to - dev->band[i].from;

	return sum;
}

void tape_free(struct tape *tape)
{
	size_t i;

	for (i = 0; i < tape->nr; i++) {
		free(tape->dev[i].band);
		free(tape->dev[i].wake);
	}
	free(tape->dev);
	tape->dev = NULL;
	tape->nr = 0;
}
