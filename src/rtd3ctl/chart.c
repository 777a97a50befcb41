// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording as a picture: for each device a lane with its power states over time. A
 * band is the higher the more power the state has, and has a colour that is told from
 * the others also by who sees colours differently (Okabe and Ito), or prints in grey.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chart.h"
#include "sys.h"
#include "view.h"

#define CHART_WIDTH	1200.0
#define CHART_MARGIN	36.0
#define CHART_EDGE	8.0	/* nothing is written beyond */
#define CHART_HEAD	92.0	/* title and legend */
#define CHART_LANE	112.0
#define CHART_BAND	40.0	/* of the state with all power */
#define CHART_BAND_TOP	58.0	/* below the top of the lane: text and marks */
#define CHART_FOOT	64.0	/* axis */
#define CHART_FONT	"sans-serif"
#define CHART_TICKS	9
#define CHART_NS	1000000000LL
#define CHART_TEXT	160

static const struct chart_style {
	double red, green, blue;
	double height;
	const char *text;
} chart_styles[TAPE_STATES] = {
	[TAPE_UNKNOWN] = { 0.88, 0.88, 0.88, 1.0, "unknown" },
	[TAPE_D0] = { 0.902, 0.624, 0.0, 1.0, "D0: awake" },
	[TAPE_D3HOT] = { 0.337, 0.706, 0.914, 0.62, "D3hot: asleep, with power" },
	[TAPE_D3COLD] = { 0.0, 0.447, 0.698, 0.3, "D3cold: asleep, power cut" },
	[TAPE_FAILED] = { 0.35, 0.0, 0.2, 1.0, "does not work" },
};

/* Order in the legend. */
static const enum tape_state chart_legend[] = {
	TAPE_D0, TAPE_D3HOT, TAPE_D3COLD, TAPE_FAILED, TAPE_UNKNOWN,
};

double chart_width(void)
{
	return CHART_WIDTH;
}

double chart_height(const struct tape *tape)
{
	return CHART_HEAD + tape->nr * CHART_LANE + CHART_FOOT;
}

static void chart_ink(cairo_t *cr, double grey)
{
	cairo_set_source_rgb(cr, grey, grey, grey);
}

static void chart_font(cairo_t *cr, double size, bool bold)
{
	cairo_select_font_face(cr, CHART_FONT, CAIRO_FONT_SLANT_NORMAL,
			       bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, size);
}

static double chart_text_width(cairo_t *cr, const char *text)
{
	cairo_text_extents_t extents;

	cairo_text_extents(cr, text, &extents);

	return extents.x_advance;
}

/* @anchor: 0: the text begins at @x, 0.5: it is around it, 1: it ends there */
static void chart_text(cairo_t *cr, double x, double y, double anchor, const char *text)
{
	cairo_move_to(cr, x - anchor * chart_text_width(cr, text), y);
	cairo_show_text(cr, text);
}

static void chart_colour(cairo_t *cr, enum tape_state state)
{
	const struct chart_style *style = &chart_styles[state];

	cairo_set_source_rgb(cr, style->red, style->green, style->blue);
}

static double chart_x(const struct tape *tape, long long time)
{
	double span = tape->to > tape->from ? tape->to - tape->from : 1;

	return CHART_MARGIN + (CHART_WIDTH - 2 * CHART_MARGIN) * ((time - tape->from) / span);
}

/* Steps of the axis that people count in, in seconds. */
static long long chart_step(double seconds)
{
	static const long long steps[] = {
		1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600,
		43200, 86400, 172800, 604800, 2592000, 31536000,
	};
	size_t i;

	for (i = 0; i + 1 < sizeof(steps) / sizeof(*steps); i++)
		if (seconds / steps[i] <= CHART_TICKS)
			break;
	if (seconds / steps[i] > CHART_TICKS)
		return ceil(seconds / CHART_TICKS / steps[i]) * steps[i];

	return steps[i];
}

/* The same for recordings of less than some seconds, in nanoseconds. */
static long long chart_step_ns(long long span)
{
	long long step = 1;

	if (span > 4 * CHART_NS)
		return chart_step((double)span / CHART_NS) * CHART_NS;
	while (span / step > CHART_TICKS) {
		if (span / (2 * step) <= CHART_TICKS)
			return 2 * step;
		if (span / (5 * step) <= CHART_TICKS)
			return 5 * step;
		step *= 10;
	}

	return step;
}

static void chart_relative(long long ns, long long step, char *buf, size_t size)
{
	long long s = ns / CHART_NS;

	if (step < 1000000)
		sys_text(buf, size, "%.3f ms", ns / 1e6);
	else if (step < CHART_NS)
		sys_text(buf, size, "%.*f s", step < 10000000 ? 3 : step < 100000000 ? 2 : 1,
			 ns / 1e9);
	else if (s < 3600)
		sys_text(buf, size, "%lld:%02lld", s / 60, s % 60);
	else
		sys_text(buf, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

static void chart_wall(long long ns, const char *format, char *buf, size_t size)
{
	time_t seconds = ns / CHART_NS;
	struct tm tm;

	*buf = '\0';
	if (localtime_r(&seconds, &tm))
		strftime(buf, size, format, &tm);
}

static void chart_tick(const struct tape *tape, long long time, long long step, char *buf,
		       size_t size)
{
	if (!tape->wall || step < CHART_NS)
		chart_relative(time - tape->from, step, buf, size);
	else if (step >= 86400 * CHART_NS)
		chart_wall(tape->wall + time, "%d %b", buf, size);
	else
		chart_wall(tape->wall + time, step < 60 * CHART_NS ? "%H:%M:%S" : "%H:%M", buf,
			   size);
}

/* The first tick: on a round time of the clock on the wall, where there is one. */
static long long chart_first(const struct tape *tape, long long step)
{
	long long wall = tape->wall + tape->from, local = wall;
	time_t seconds = wall / CHART_NS;
	struct tm tm;

	if (!tape->wall || step < CHART_NS)
		return tape->from;
	/* Midnight is where people live, not in Greenwich. */
	if (localtime_r(&seconds, &tm))
		local += tm.tm_gmtoff * CHART_NS;

	return tape->from + (step - local % step) % step;
}

static void chart_axis(cairo_t *cr, const struct tape *tape)
{
	long long step = chart_step_ns(tape->to - tape->from), time;
	double bottom = CHART_HEAD + tape->nr * CHART_LANE, x, half;
	char text[CHART_TEXT];

	chart_font(cr, 13, false);
	cairo_set_line_width(cr, 1);
	for (time = chart_first(tape, step); time <= tape->to; time += step) {
		x = chart_x(tape, time);
		chart_ink(cr, 0.87);
		cairo_move_to(cr, x, CHART_HEAD);
		cairo_line_to(cr, x, bottom + 6);
		cairo_stroke(cr);
		chart_tick(tape, time, step, text, sizeof(text));
		chart_ink(cr, 0.25);
		/* Not beyond the edge. */
		half = chart_text_width(cr, text) / 2;
		x = fmin(fmax(x, half + CHART_EDGE), CHART_WIDTH - CHART_EDGE - half);
		chart_text(cr, x, bottom + 24, 0.5, text);
	}
	chart_ink(cr, 0.45);
	cairo_move_to(cr, CHART_MARGIN, bottom + 0.5);
	cairo_line_to(cr, CHART_WIDTH - CHART_MARGIN, bottom + 0.5);
	cairo_stroke(cr);
}

static void chart_foot(cairo_t *cr, const struct tape *tape)
{
	double y = CHART_HEAD + tape->nr * CHART_LANE + 48;
	char text[CHART_TEXT] = "";
	size_t len;

	chart_font(cr, 12, false);
	chart_ink(cr, 0.4);
	if (tape->wall)
		chart_text(cr, CHART_WIDTH - CHART_MARGIN, y, 1,
			   "local time; marks are wakes, with who caused them");
	else
		chart_text(cr, CHART_WIDTH - CHART_MARGIN, y, 1,
			   "since the recording began; marks are wakes, with who caused them");
	if (tape->skipped)
		sys_text(text, sizeof(text), "%zu lines were not understood", tape->skipped);
	len = strlen(text);
	if (tape->lost)
		sys_text(text + len, sizeof(text) - len, "%s%lld events or more were lost",
			 len ? ", " : "", tape->lost);
	chart_text(cr, CHART_MARGIN, y, 0, text);
}

static void chart_title(cairo_t *cr, const struct tape *tape)
{
	char from[CHART_TEXT], to[CHART_TEXT], span[64];

	chart_font(cr, 20, true);
	chart_ink(cr, 0.1);
	chart_text(cr, CHART_MARGIN, 38, 0, "Power states");
	view_duration((tape->to - tape->from) / 1000000, span, sizeof(span));
	chart_font(cr, 13, false);
	chart_ink(cr, 0.35);
	if (!tape->wall) {
		chart_text(cr, CHART_WIDTH - CHART_MARGIN, 38, 1, span);
		return;
	}
	chart_wall(tape->wall + tape->from, "%Y-%m-%d %H:%M:%S", from, sizeof(from));
	chart_wall(tape->wall + tape->to, "%Y-%m-%d %H:%M:%S %Z", to, sizeof(to));
	snprintf(from + strlen(from), sizeof(from) - strlen(from), " to %.64s, %s", to, span);
	chart_text(cr, CHART_WIDTH - CHART_MARGIN, 38, 1, from);
}

static bool chart_has(const struct tape *tape, enum tape_state state)
{
	size_t i;

	for (i = 0; i < tape->nr; i++)
		if (tape_time_in(&tape->dev[i], state) > 0)
			return true;

	return false;
}

/* The states that every picture has, and of the others those that this one has. */
static void chart_key(cairo_t *cr, const struct tape *tape)
{
	double x = CHART_MARGIN, height;
	enum tape_state state;
	size_t i;

	chart_font(cr, 13, false);
	for (i = 0; i < sizeof(chart_legend) / sizeof(*chart_legend); i++) {
		state = chart_legend[i];
		if ((state == TAPE_UNKNOWN || state == TAPE_FAILED) && !chart_has(tape, state))
			continue;
		height = 16 * chart_styles[state].height;
		chart_colour(cr, state);
		cairo_rectangle(cr, x, 70 - height, 26, height);
		cairo_fill(cr);
		chart_ink(cr, 0.2);
		chart_text(cr, x + 34, 68, 0, chart_styles[state].text);
		x += 34 + chart_text_width(cr, chart_styles[state].text) + 28;
	}
}

/**
 * struct chart_dot - short bands within one dot of the picture
 * @x: where that is
 * @width: all of them together
 * @nr: how many
 */
struct chart_dot {
	double x;
	double width;
	size_t nr;
};

/* One alone is seen, however short it is; of many as much as they are together. */
static void chart_flush(cairo_t *cr, struct chart_dot *dot, double base, double height)
{
	if (dot->nr)
		cairo_rectangle(cr, dot->x, base - height, dot->nr == 1 ? 1 : dot->width, height);
	dot->nr = 0;
	dot->width = 0;
}

static void chart_band(cairo_t *cr, const struct tape *tape, const struct tape_dev *dev,
		       enum tape_state state, double base)
{
	double height = CHART_BAND * chart_styles[state].height, left, right;
	struct chart_dot dot = { };
	size_t i;

	chart_colour(cr, state);
	for (i = 0; i < dev->nr_bands; i++) {
		if (dev->band[i].state != state)
			continue;
		left = chart_x(tape, dev->band[i].from);
		right = chart_x(tape, dev->band[i].to);
		if (right - left >= 1 || floor(left) != floor(dot.x))
			chart_flush(cr, &dot, base, height);
		if (right - left >= 1) {
			cairo_rectangle(cr, left, base - height, right - left, height);
			continue;
		}
		if (!dot.nr)
			dot.x = left;
		dot.width += right - left;
		dot.nr++;
	}
	chart_flush(cr, &dot, base, height);
	cairo_fill(cr);
}

/*
 * Who caused a wake: "host lspci", "open". One that nobody has claimed was the host's: of a
 * task, or in a work item of the port, which wakes all below it when one of them is woken.
 */
static void chart_cause(const struct tape_wake *wake, char *buf, size_t size)
{
	bool unclaimed = !strcmp(wake->cause, "unclaimed");
	bool host = unclaimed || !strcmp(wake->cause, "host");

	if (unclaimed && !strncmp(wake->task, "kworker/", 8))
		sys_text(buf, size, "with its port");
	else if (host)
		sys_text(buf, size, "host%s%s", *wake->task ? " " : "", wake->task);
	else
		sys_text(buf, size, "%s", *wake->cause ? wake->cause : "unknown");
}

static void chart_mark(cairo_t *cr, double x, double base)
{
	cairo_move_to(cr, x - 4.5, base - 7);
	cairo_line_to(cr, x + 4.5, base - 7);
	cairo_line_to(cr, x, base);
	cairo_close_path(cr);
	cairo_fill(cr);
}

/* Each wake has a mark where there is room, and its cause where that is. */
static void chart_wakes(cairo_t *cr, const struct tape *tape, const struct tape_dev *dev,
			double top)
{
	double x, width, left, marked = -100, written = -100;
	char text[CHART_TEXT];
	size_t i;

	chart_font(cr, 11.5, false);
	chart_ink(cr, 0.15);
	for (i = 0; i < dev->nr_wakes; i++) {
		x = chart_x(tape, dev->wake[i].time);
		if (x - marked < 1)
			continue;
		chart_mark(cr, x, top + CHART_BAND_TOP - 2);
		marked = x;
		chart_cause(&dev->wake[i], text, sizeof(text));
		width = chart_text_width(cr, text);
		left = fmin(fmax(x - width / 2, CHART_MARGIN), CHART_WIDTH - CHART_MARGIN - width);
		if (left < written + 10)
			continue;
		cairo_move_to(cr, left, top + CHART_BAND_TOP - 13);
		cairo_show_text(cr, text);
		written = left + width;
	}
}

/* "D3cold 75 %, D0 25 %; 5 wakes" */
static void chart_sum(const struct tape_dev *dev, char *buf, size_t size)
{
	static const enum tape_state order[] = { TAPE_D3COLD, TAPE_D3HOT, TAPE_D0, TAPE_FAILED };
	long long total = 0, part;
	size_t i, len = 0;

	for (i = 0; i < dev->nr_bands; i++)
		total += dev->band[i].to - dev->band[i].from;
	*buf = '\0';
	for (i = 0; i < sizeof(order) / sizeof(*order) && total > 0; i++) {
		part = tape_time_in(dev, order[i]);
		if (!part)
			continue;
		sys_text(buf + len, size - len, "%s %.1f %%, ", tape_state_names[order[i]],
			 part * 100.0 / total);
		len = strlen(buf);
	}
	sys_text(buf + len, size - len, "%zu wake%s", dev->nr_wakes,
		 dev->nr_wakes == 1 ? "" : "s");
}

/* As much of a name as there is room for. */
static void chart_name(cairo_t *cr, double left, double right, double y, const char *name)
{
	char text[CHART_TEXT];
	size_t len;

	sys_text(text, sizeof(text), "%s", name);
	for (len = strlen(text); len > 3 && left + chart_text_width(cr, text) > right; len--)
		strcpy(text + len - 4, "...");
	chart_text(cr, left, y, 0, text);
}

static void chart_lane(cairo_t *cr, const struct tape *tape, const struct tape_dev *dev,
		       double top)
{
	double base = top + CHART_BAND_TOP + CHART_BAND;
	char text[CHART_TEXT];

	chart_font(cr, 14, true);
	chart_ink(cr, 0.1);
	chart_text(cr, CHART_MARGIN, top + 24, 0, dev->bdf);
	chart_font(cr, 13, false);
	chart_ink(cr, 0.35);
	chart_sum(dev, text, sizeof(text));
	chart_text(cr, CHART_WIDTH - CHART_MARGIN, top + 24, 1, text);
	chart_name(cr, CHART_MARGIN + 122, CHART_WIDTH - CHART_MARGIN - 20 -
		   chart_text_width(cr, text), top + 24, dev->name);

	chart_ink(cr, 0.965);
	cairo_rectangle(cr, CHART_MARGIN, top + CHART_BAND_TOP, CHART_WIDTH - 2 * CHART_MARGIN,
			CHART_BAND);
	cairo_fill(cr);
	/* What is short and matters last: it is on top. */
	chart_band(cr, tape, dev, TAPE_UNKNOWN, base);
	chart_band(cr, tape, dev, TAPE_D3COLD, base);
	chart_band(cr, tape, dev, TAPE_D3HOT, base);
	chart_band(cr, tape, dev, TAPE_D0, base);
	chart_band(cr, tape, dev, TAPE_FAILED, base);
	chart_wakes(cr, tape, dev, top);
}

/**
 * chart_draw - the picture
 * @cr: where to, chart_width() wide and chart_height() high
 * @tape: recording
 */
void chart_draw(cairo_t *cr, const struct tape *tape)
{
	size_t i;

	cairo_set_source_rgb(cr, 1, 1, 1);
	cairo_paint(cr);
	chart_title(cr, tape);
	chart_key(cr, tape);
	chart_axis(cr, tape);
	for (i = 0; i < tape->nr; i++)
		chart_lane(cr, tape, &tape->dev[i], CHART_HEAD + i * CHART_LANE);
	chart_foot(cr, tape);
}
