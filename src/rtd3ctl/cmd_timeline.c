// SPDX-License-Identifier: GPL-2.0-only
/* rtd3ctl timeline: a recording as a picture, SVG or PNG. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cairo-svg.h>
#include <cairo.h>

#include "chart.h"
#include "out.h"
#include "sys.h"
#include "tape.h"
#include "verb.h"

#define TIMELINE_SCALE	2	/* a PNG has so many dots for each of an SVG */

struct timeline_args {
	const char *tape;
	const char *output;
	char name[PATH_MAX];
};

static const struct argp_option timeline_options[] = {
	{ .name = "output", .key = 'o', .arg = "FILE",
	  .doc = "Write there: a name that ends in .svg or .png. Without it, beside the "
		 "recording, as SVG" },
	{ }
};

static error_t timeline_parse(int key, char *arg, struct argp_state *state)
{
	struct timeline_args *args = state->input;

	switch (key) {
	case 'o':
		args->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (args->tape)
			return out_error(CTL_USAGE,
					 "timeline takes one recording: use several commands");
		args->tape = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		return out_error(CTL_USAGE,
				 "timeline of which recording? rtd3ctl record -o FILE makes one");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp timeline_argp = {
	.options = timeline_options,
	.parser = timeline_parse,
	.args_doc = "RECORDING",
	.doc = "Draw the power states of devices over time, with who woke them, from a "
	       "recording of rtd3ctl record; - is standard input.",
};

static bool timeline_ends(const char *name, const char *end)
{
	size_t len = strlen(name), cut = strlen(end);

	return len > cut && !strcasecmp(name + len - cut, end);
}

/* Where the picture goes. */
static int timeline_name(struct timeline_args *args)
{
	const char *slash, *dot;
	size_t len;

	if (args->output && !timeline_ends(args->output, ".svg") &&
	    !timeline_ends(args->output, ".png"))
		return out_error(CTL_USAGE,
				 "'%s' is no name of a picture: let it end in .svg or .png",
				 args->output);
	if (args->output)
		return 0;
	if (!strcmp(args->tape, "-"))
		return out_error(CTL_USAGE, "where to? Standard input has no name: use --output");
	slash = strrchr(args->tape, '/');
	dot = strrchr(args->tape, '.');
	len = dot && dot > (slash ? slash + 1 : args->tape) ? (size_t)(dot - args->tape) :
		strlen(args->tape);
	if (sys_text(args->name, sizeof(args->name), "%.*s.svg", (int)len, args->tape))
		return out_error(CTL_USAGE, "the recording's name is too long: use --output");
	args->output = args->name;
	if (!strcmp(args->output, args->tape))
		return out_error(CTL_USAGE,
				 "the picture would replace the recording: use --output");

	return 0;
}

static int timeline_load(const struct timeline_args *args, struct tape *tape)
{
	FILE *in = strcmp(args->tape, "-") ? fopen(args->tape, "re") : stdin;
	int ret;

	memset(tape, 0, sizeof(*tape));
	if (!in)
		return out_error(out_status(-errno), "cannot read %s: %s: rtd3ctl record makes one",
				 args->tape, strerror(errno));
	ret = tape_read(tape, in);
	if (in != stdin)
		fclose(in);
	if (ret)
		return out_error(CTL_FAILED, "cannot read %s: %s: rtd3ctl record makes one",
				 args->tape, strerror(-ret));
	if (tape->version > TAPE_VERSION)
		return out_error(CTL_FAILED, "%s is of a newer rtd3ctl: update this one",
				 args->tape);
	if (!tape->nr)
		return out_error(CTL_FAILED,
				 "%s has no device in it (%zu lines were not understood): rtd3ctl record makes one",
				 args->tape, tape->skipped);

	return 0;
}

static cairo_status_t timeline_write(void *out, const unsigned char *data, unsigned int len)
{
	return fwrite(data, 1, len, out) == len ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_status_t timeline_paint(FILE *out, const struct tape *tape, bool png)
{
	double width = chart_width(), height = chart_height(tape);
	cairo_surface_t *surface;
	cairo_status_t status;
	cairo_t *cr;

	if (png)
		surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width * TIMELINE_SCALE,
						     height * TIMELINE_SCALE);
	else
		surface = cairo_svg_surface_create_for_stream(timeline_write, out, width, height);
	cr = cairo_create(surface);
	if (png)
		cairo_scale(cr, TIMELINE_SCALE, TIMELINE_SCALE);
	chart_draw(cr, tape);
	status = cairo_status(cr);
	cairo_destroy(cr);
	if (!status && png)
		status = cairo_surface_write_to_png_stream(surface, timeline_write, out);
	cairo_surface_finish(surface);
	status = status ? status : cairo_surface_status(surface);
	cairo_surface_destroy(surface);

	return status;
}

/* Into a file beside it first: a picture that was good is not lost for one that is not. */
static int timeline_draw(const struct timeline_args *args, const struct tape *tape)
{
	cairo_status_t status;
	char tmp[PATH_MAX];
	FILE *out;
	int ret = 0;

	if (sys_text(tmp, sizeof(tmp), "%s.new", args->output))
		return out_error(CTL_USAGE, "the picture's name is too long: use a shorter one");
	out = fopen(tmp, "we");
	if (!out)
		return out_error(out_status(-errno), "cannot write %s: %s: does its folder exist?",
				 args->output, strerror(errno));
	status = timeline_paint(out, tape, timeline_ends(args->output, ".png"));
	if (fclose(out) || status)
		ret = out_error(CTL_FAILED, "cannot draw %s: %s: is the disk full?", args->output,
				status ? cairo_status_to_string(status) : strerror(errno));
	else if (rename(tmp, args->output))
		ret = out_error(out_status(-errno), "cannot write %s: %s: is it a folder?",
				args->output, strerror(errno));
	if (ret)
		unlink(tmp);

	return ret;
}

int cmd_timeline(int argc, char **argv)
{
	struct timeline_args args = { };
	struct tape tape;
	int ret;

	ret = verb_parse(&timeline_argp, argc, argv, 0, NULL, &args);
	if (!ret)
		ret = timeline_name(&args);
	if (ret)
		return ret;
	ret = timeline_load(&args, &tape);
	if (!ret)
		ret = timeline_draw(&args, &tape);
	if (!ret)
		printf("%s: %zu device%s, %zu line%s not understood\n", args.output, tape.nr,
		       tape.nr == 1 ? "" : "s", tape.skipped, tape.skipped == 1 ? "" : "s");
	tape_free(&tape);

	return ret;
}
