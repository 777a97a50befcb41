// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtd3ctl wake: wake a device now, so that it is ready when somebody opens it.
 *
 * "on" in power/control wakes it, and the write returns when it is awake. It stays so
 * until "auto" is written, which is done here however this program ends, but for SIGKILL.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"
#include "stop.h"
#include "sys.h"
#include "verb.h"

#define WAKE_HOLD_MAX	3600

struct wake_args {
	const char *bdf;
	unsigned int hold;
	bool no_wait;
};

static const struct argp_option wake_options[] = {
	{ .name = "hold", .key = 'h', .arg = "SECONDS",
	  .doc = "Keep it awake for so long, 0 to 3600. Otherwise it sleeps again when it has "
		 "been idle for autosuspend_delay_ms" },
	{ .name = "no-wait", .key = 'n',
	  .doc = "Do not wait: go on in the background" },
	{ }
};

static error_t wake_parse(int key, char *arg, struct argp_state *state)
{
	struct wake_args *args = state->input;

	switch (key) {
	case 'h':
		return verb_number(arg, "hold", 0, WAKE_HOLD_MAX, &args->hold);
	case 'n':
		args->no_wait = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->bdf)
			return out_error(CTL_USAGE, "wake takes one device: use several commands");
		args->bdf = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return out_error(CTL_USAGE, "wake which device? rtd3ctl list shows them");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp wake_argp = {
	.options = wake_options,
	.parser = wake_parse,
	.args_doc = "DEVICE",
	.doc = "Wake a device now, so that it is ready when a virtual machine opens it.",
};

static int wake(const struct dev *dev, unsigned int seconds)
{
	long long start = stop_now_us();
	char health[DEV_WORD];
	int ret;

	/* What ends the program ends the wait, too: from before it is kept awake. */
	stop_catch();
	ret = dev_set_attr(dev, "power/control", "on");
	if (ret)
		return out_error(out_status(ret), "cannot wake %s: %s%s", dev->bdf, strerror(-ret),
				 out_status(ret) == CTL_PERMISSION ? ": use sudo" :
				 ": rtd3ctl status tells more");
	dev_attr(dev, "rtd3/health", health, sizeof(health));
	printf("%s woke in %lld ms, health %s\n", dev->bdf, (stop_now_us() - start) / 1000, health);
	fflush(stdout);
	stop_wait(-1, seconds * 1000L);
	/* Who had it on before keeps it on. */
	if (strcmp(dev->control, "on"))
		ret = dev_set_attr(dev, "power/control", "auto");
	if (ret)
		return out_error(out_status(ret),
				 "%s stays awake: write auto to its power/control: %s", dev->bdf,
				 strerror(-ret));
	if (strcmp(health, "ok") && strcmp(health, "degraded"))
		return out_error(CTL_FAILED, "%s is awake and does not work: rtd3ctl status %s",
				 dev->bdf, dev->bdf);

	return CTL_OK;
}

/* In the background: nobody waits for it, and no terminal ends it. */
static int wake_background(const struct dev *dev, unsigned int seconds)
{
	pid_t pid = fork();

	if (pid < 0)
		return out_error(CTL_FAILED, "cannot start a process: try without --no-wait");
	if (pid)
		return CTL_OK;
	setsid();
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		_exit(CTL_FAILED);
	_exit(wake(dev, seconds));
}

int cmd_wake(int argc, char **argv)
{
	struct wake_args args = { };
	char path[PATH_MAX];
	struct dev dev;
	int ret;

	ret = verb_parse(&wake_argp, argc, argv, 0, NULL, &args);
	if (!ret)
		ret = verb_own_device(args.bdf, &dev);
	if (ret)
		return ret;
	/* Said now: in the background nobody would hear it. */
	if (sys_text(path, sizeof(path), "%s/power/control", dev.dir) || access(path, W_OK))
		return out_error(CTL_PERMISSION, "only root may wake %s: use sudo", dev.bdf);

	return args.no_wait ? wake_background(&dev, args.hold) : wake(&dev, args.hold);
}
