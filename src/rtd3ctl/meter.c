// SPDX-License-Identifier: GPL-2.0-only
/*
 * A meter that somebody names. A file of hwmon has microwatts, or microjoules since some
 * time; a command, for all else (IPMI, a wall plug), prints watts.
 */

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter.h"
#include "run.h"
#include "stop.h"
#include "sys.h"

#define METER_COMMAND_MS	30000
#define METER_SAID		256
#define METER_MAX		1e6	/* watts; what says more is no meter of a machine */

static int meter_fail(struct meter *meter, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int meter_fail(struct meter *meter, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(meter->why, sizeof(meter->why), fmt, args);
	va_end(args);

	return error;
}

/* Is it a file of hwmon of this kind, power1_input for instance? */
static bool meter_is(const char *source, const char *kind, const char *what)
{
	const char *name = strrchr(source, '/');
	size_t len = strlen(kind), digits;

	if (*source != '/' || source[strcspn(source, " \t\n")] || strncmp(name + 1, kind, len))
		return false;
	name += 1 + len;
	digits = strspn(name, "0123456789");

	return digits && !strcmp(name + digits, what);
}

/**
 * meter_init - take a meter by its name
 * @meter: filled
 * @source: the path of a file of hwmon, or a command for the shell
 *
 * Return: 0 or -EINVAL.
 */
int meter_init(struct meter *meter, const char *source)
{
	char path[PATH_MAX];

	memset(meter, 0, sizeof(*meter));
	meter->source = source;
	if (meter_is(source, "power", "_input") || meter_is(source, "power", "_average"))
		meter->kind = METER_POWER;
	else if (meter_is(source, "energy", "_input"))
		meter->kind = METER_ENERGY;
	/* One that cannot be run is meant to be read. */
	else if (!*source || (*source == '/' && !sys_path(path, "%s", source) &&
			      sys_exists(path) && access(path, X_OK)))
		return -EINVAL;

	return 0;
}

static int meter_read_file(struct meter *meter, double *value)
{
	char path[PATH_MAX], said[METER_SAID];
	int ret = sys_path(path, "%s", meter->source);

	if (!ret)
		ret = sys_read(path, said, sizeof(said));
	if (ret < 0)
		return meter_fail(meter, ret, "cannot read %s: %s", meter->source,
				  strerror(-ret));
	if (!*said || said[strspn(said, "0123456789")])
		return meter_fail(meter, -EINVAL, "%s says '%s', which is no number",
				  meter->source, said);
	*value = atof(said) / 1e6;

	return 0;
}

static int meter_read_command(struct meter *meter, double *value)
{
	const char *const argv[] = { "/bin/sh", "-c", meter->source, NULL };
	char said[METER_SAID], *end;
	int ret = run_program(argv, said, sizeof(said), METER_COMMAND_MS);

	if (ret == -ETIMEDOUT)
		return meter_fail(meter, ret, "'%s' has not ended after %d s", meter->source,
				  METER_COMMAND_MS / 1000);
	if (ret < 0)
		return meter_fail(meter, ret, "cannot run '%s': %s", meter->source,
				  strerror(-ret));
	if (ret)
		return meter_fail(meter, -EIO,
				  "'%s' ends with status %d: run it by itself to see why",
				  meter->source, ret);
	*value = isdigit((unsigned char)*said) ? strtod(said, &end) : -1;
	if (*value < 0 || end[strspn(end, " \t\n")])
		return meter_fail(meter, -EINVAL,
				  "'%s' prints '%.*s': it has to print watts, one number",
				  meter->source, (int)strcspn(said, "\n"), said);

	return 0;
}

static int meter_read_value(struct meter *meter, double *value)
{
	int ret = meter->kind == METER_COMMAND ? meter_read_command(meter, value) :
						 meter_read_file(meter, value);

	if (!ret && meter->kind != METER_ENERGY && *value > METER_MAX)
		return meter_fail(meter, -ERANGE, "%s says %.0f watts, which is too much",
				  meter->source, *value);

	return ret;
}

/**
 * meter_start - begin to measure
 * @meter: meter
 *
 * Return: 0 or a negative error, of which @meter->why tells in words; -EINTR if somebody
 * stopped rtd3ctl.
 */
int meter_start(struct meter *meter)
{
	int ret;

	if (meter->kind != METER_ENERGY)
		return 0;
	/* Only a difference says anything. */
	ret = meter_read_value(meter, &meter->joules);
	meter->when_us = stop_now_us();

	return ret;
}

/**
 * meter_read - watts now, or since the last reading
 * @meter: meter, started
 * @watts: filled
 * @weight: filled with what it counts in an average: as much as all others, or the time
 *
 * Return: as of meter_start().
 */
int meter_read(struct meter *meter, double *watts, double *weight)
{
	long long before = meter->when_us;
	double joules = meter->joules;
	int ret;

	*weight = 1;
	if (meter->kind != METER_ENERGY)
		return meter_read_value(meter, watts);
	ret = meter_start(meter);
	if (ret)
		return ret;
	if (meter->joules < joules)
		return meter_fail(meter, -ERANGE,
				  "%s went down from %.6f to %.6f joules: try again",
				  meter->source, joules, meter->joules);
	*weight = (meter->when_us - before) / 1e6;
	*watts = *weight > 0 ? (meter->joules - joules) / *weight : 0;

	return 0;
}
