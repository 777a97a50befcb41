// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtd3ctl watch: what devices do, live: states, how long they were in each, who woke
 * them. It looks at rtd3/ twice a second, as any user may, and wakes nothing.
 */

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "out.h"
#include "stop.h"
#include "sys.h"
#include "verb.h"
#include "view.h"

#define WATCH_MS	500
#define WATCH_BAR	20
#define WATCH_DEVICES	64
#define WATCH_WAKES	256
#define WATCH_LINE	512
#define WATCH_COLUMNS	100	/* where no terminal says */
#define WATCH_ROWS	40

struct watch_args {
	char **bdf;
	unsigned int nr;
	bool once;
};

static const struct argp_option watch_options[] = {
	{ .name = "once", .key = '1', .doc = "Show it once, and end; needs no terminal" },
	{ }
};

static error_t watch_parse(int key, char *arg, struct argp_state *state)
{
	struct watch_args *args = state->input;

	(void)arg;
	switch (key) {
	case '1':
		args->once = true;
		return 0;
	case ARGP_KEY_ARGS:
		args->bdf = state->argv + state->next;
		args->nr = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp watch_argp = {
	.options = watch_options,
	.parser = watch_parse,
	.args_doc = "[DEVICE...]",
	.doc = "Show what the driver's devices do, or those that are named, twice a second: "
	       "state, how long they were in which, who woke them. q or Ctrl-C ends it. No "
	       "device is woken for this.",
};

/**
 * struct watch_count - what was counted for a device the last time
 * @bdf: which
 * @resumes: its wakes
 */
struct watch_count {
	char bdf[DEV_BDF];
	long long resumes;
};

/**
 * struct watch - what is shown
 * @args: what is wanted
 * @count: devices seen the last time
 * @nr_counts: how many
 * @wake: the last wakes, as lines; the newest is @nr_wakes - 1, modulo WATCH_WAKES
 * @nr_wakes: how many there were
 * @columns: of the terminal
 * @rows: the same
 * @part: a bar's parts, by state
 * @clear: what ends each line
 */
struct watch {
	const struct watch_args *args;
	struct watch_count count[WATCH_DEVICES];
	size_t nr_counts;
	char wake[WATCH_WAKES][128];
	size_t nr_wakes;
	unsigned int columns;
	unsigned int rows;
	const char *part[RTD3_POWER_NR];
	const char *clear;
};

static void watch_size(struct watch *watch)
{
	struct winsize size;

	watch->columns = WATCH_COLUMNS;
	watch->rows = WATCH_ROWS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		return;
	watch->columns = size.ws_col;
	watch->rows = size.ws_row;
}

static bool watch_wants(const struct watch *watch, const struct dev *dev)
{
	char bdf[DEV_BDF];
	unsigned int i;

	for (i = 0; i < watch->args->nr; i++)
		if (!dev_parse_bdf(watch->args->bdf[i], bdf) && !strcmp(bdf, dev->bdf))
			return true;

	return dev->ours && !watch->args->nr;
}

static struct watch_count *watch_count(struct watch *watch, const char *bdf)
{
	size_t i;

	for (i = 0; i < watch->nr_counts; i++)
		if (!strcmp(watch->count[i].bdf, bdf))
			return &watch->count[i];

	return NULL;
}

static void watch_note(struct watch *watch, const struct dev *dev, long long more)
{
	char *line = watch->wake[watch->nr_wakes++ % WATCH_WAKES], clock[16] = "";
	char cause[DEV_WORD], times[48] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	dev_attr(dev, "rtd3/last_wake", cause, sizeof(cause));
	if (more > 1)
		snprintf(times, sizeof(times), " (the last of %lld)", more);
	snprintf(line, sizeof(watch->wake[0]), "%s  %-13s %.40s%.30s", clock, dev->bdf, cause,
		 times);
}

/* Has it been woken since the last time? */
static void watch_compare(struct watch *watch, const struct dev *dev)
{
	long long resumes = dev_number(dev, "rtd3/stats/resumes", -1);
	struct watch_count *count = watch_count(watch, dev->bdf);

	if (resumes < 0)
		return;
	if (!count) {
		if (watch->nr_counts == WATCH_DEVICES)
			return;
		count = &watch->count[watch->nr_counts++];
		memcpy(count->bdf, dev->bdf, sizeof(count->bdf));
	} else if (resumes > count->resumes) {
		watch_note(watch, dev, resumes - count->resumes);
	}
	count->resumes = resumes;
}

/* A line of no more than the terminal's width; colours take none of it. */
static void watch_line(const struct watch *watch, enum out_colour colour, const char *text)
{
	printf("%s%.*s%s%s\n", out_on(colour), (int)watch->columns - 1, text, out_off(),
	       watch->clear);
}

static enum out_colour watch_colour(const char *state)
{
	if (!strcmp(state, "D3cold"))
		return OUT_GREEN;
	if (!strcmp(state, "D3hot"))
		return OUT_BLUE;

	return *state == 'D' ? OUT_YELLOW : OUT_RED;
}

/* How long in which state, since the driver has it: the deepest first. */
static void watch_bar(const struct watch *watch, const struct view_times *times)
{
	int depth, cells, shown = 0, i;
	long long sum = 0;

	for (depth = RTD3_POWER_NR; depth--;) {
		sum += times->ms[depth];
		cells = times->known && times->total ? sum * WATCH_BAR / times->total : 0;
		fputs(out_on(watch_colour(rtd3_power_names[depth])), stdout);
		for (i = shown; i < cells; i++)
			fputs(watch->part[depth], stdout);
		fputs(out_off(), stdout);
		shown = cells > shown ? cells : shown;
	}
	printf("%*s", WATCH_BAR - shown, "");
}

static void watch_device(const struct watch *watch, const struct dev *dev)
{
	int room = (int)watch->columns - 1 - 13 - 1 - 8 - 1 - WATCH_BAR - 1;
	char rest[WATCH_LINE], wake[DEV_WORD], health[DEV_WORD];
	struct view_times times;

	view_times(dev, &times);
	dev_attr(dev, "rtd3/last_wake", wake, sizeof(wake));
	dev_attr(dev, "rtd3/health", health, sizeof(health));
	snprintf(rest, sizeof(rest), "%3d%% %6lld  %-9s %-22s %s",
		 view_percent(&times, RTD3_POWER_D3COLD),
		 dev_number(dev, "rtd3/stats/resumes", 0), *health ? health : "-",
		 *wake ? wake : "-", dev_name(dev));
	if (room < 0) {
		snprintf(rest, sizeof(rest), "%s %s", dev->bdf, view_state(dev));
		watch_line(watch, watch_colour(view_state(dev)), rest);
		return;
	}
	printf("%-13s %s%-8s%s ", dev->bdf, out_on(watch_colour(view_state(dev))),
	       view_state(dev), out_off());
	watch_bar(watch, &times);
	printf(" %.*s%s\n", room, rest, watch->clear);
}

static void watch_head(const struct watch *watch)
{
	char line[WATCH_LINE];

	snprintf(line, sizeof(line), "%-13s %-8s %-*s %4s %6s  %-9s %-22s %s", "DEVICE", "STATE",
		 WATCH_BAR, "TIME IN STATES", "COLD", "WAKES", "HEALTH", "LAST WAKE", "NAME");
	watch_line(watch, OUT_BOLD, line);
}

/* As many of the last wakes as there is room for. */
static void watch_wakes(const struct watch *watch, size_t used)
{
	size_t room = watch->rows > used + 3 ? watch->rows - used - 3 : 0, i;
	size_t kept = watch->nr_wakes < WATCH_WAKES ? watch->nr_wakes : WATCH_WAKES;

	if (!room || !kept)
		return;
	watch_line(watch, OUT_PLAIN, "");
	watch_line(watch, OUT_BOLD, "WAKES SINCE YOU LOOK");
	for (i = 0; i < kept && i + 1 < room; i++)
		watch_line(watch, OUT_PLAIN,
			   watch->wake[(watch->nr_wakes - 1 - i) % WATCH_WAKES]);
}

static int watch_frame(struct watch *watch)
{
	struct dev *dev;
	size_t nr, i, shown = 0;

	watch_size(watch);
	if (dev_all(&dev, &nr))
		return out_error(CTL_FAILED, "cannot list devices: is /sys mounted?");
	watch_head(watch);
	for (i = 0; i < nr; i++) {
		if (!watch_wants(watch, &dev[i]))
			continue;
		watch_compare(watch, &dev[i]);
		/* The last line is the terminal's: it would scroll. */
		if (watch->args->once || shown + 2 < watch->rows)
			watch_device(watch, &dev[i]);
		shown++;
	}
	free(dev);
	if (!shown)
		watch_line(watch, OUT_PLAIN,
			   "rtd3_vfio_pci has no device: rtd3ctl bind gives it one");
	watch_wakes(watch, shown + 1);

	return 0;
}

static bool watch_quit(void)
{
	char keys[16];
	ssize_t len = read(STDIN_FILENO, keys, sizeof(keys));

	/* An error: its terminal is gone. */
	return len < 0 || memchr(keys, 'q', len) || memchr(keys, 'Q', len);
}

/* Keys at once and unseen, another screen; what was there comes back with watch_leave(). */
static void watch_enter(struct termios *before)
{
	struct termios keys = *before;

	keys.c_lflag &= ~(ICANON | ECHO);
	keys.c_cc[VMIN] = 0;
	keys.c_cc[VTIME] = 0;
	/* On the other screen a shell would be lost. */
	signal(SIGTSTP, SIG_IGN);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys);
	fputs("\033[?1049h\033[?25l", stdout);
}

static void watch_leave(const struct termios *before)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
}

static int watch_live(struct watch *watch)
{
	struct termios before;
	long long next;
	bool over = false;
	int ret = 0;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before))
		return out_error(CTL_USAGE, "watch needs a terminal: --once shows it once");
	watch->clear = "\033[K";
	stop_catch();
	watch_enter(&before);
	while (!over && !ret) {
		fputs("\033[H", stdout);
		ret = watch_frame(watch);
		fputs("\033[J", stdout);
		fflush(stdout);
		/* A key that means nothing ends no wait. */
		next = stop_now_us() + WATCH_MS * 1000;
		while (!over && stop_now_us() < next) {
			over = stop_wait(STDIN_FILENO, (next - stop_now_us()) / 1000 + 1);
			if (!over && stop_now_us() < next)
				over = watch_quit();
		}
	}
	watch_leave(&before);

	return ret;
}

/* Blocks where the terminal has them, and where it has not, letters. */
static void watch_parts(struct watch *watch)
{
	bool utf8;

	setlocale(LC_CTYPE, "");
	utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	setlocale(LC_CTYPE, "C");
	watch->part[RTD3_POWER_D3COLD] = utf8 ? "\u2588" : "#";
	watch->part[RTD3_POWER_D3HOT] = utf8 ? "\u2592" : "=";
	watch->part[RTD3_POWER_D0] = utf8 ? "\u00b7" : ".";
}

int cmd_watch(int argc, char **argv)
{
	struct watch_args args = { };
	struct watch *watch;
	struct dev dev;
	unsigned int i;
	int ret;

	ret = verb_parse(&watch_argp, argc, argv, 0, NULL, &args);
	for (i = 0; i < args.nr && !ret; i++)
		ret = verb_own_device(args.bdf[i], &dev);
	if (ret)
		return ret;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return out_no_memory();
	watch->args = &args;
	watch->clear = "";
	watch_parts(watch);
	ret = args.once ? watch_frame(watch) : watch_live(watch);
	free(watch);

	return ret;
}
