// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtd3ctl - which devices of this machine can sleep, which do, why one does not.
 *
 * From those who ask to those who are asked: main.c - cmd_NAME.c, one for each verb -
 * what verbs share (verb, chart, view, remedy, busy, bind, check, cycle, tracer) - rule,
 * snap - set, cfg, host, key, tape - dev, hist - sys, out, stop. No file calls one further up.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "sys.h"
#include "verb.h"

static const struct verb verbs[] = {
	{ "doctor", "can this machine do it? If not, what is to be done", cmd_doctor },
	{ "list", "devices and how they sleep", cmd_list },
	{ "status", "all about one device", cmd_status },
	{ "bind", "give a device, and all that loses power with it, to the driver", cmd_bind },
	{ "unbind", "give it back to the driver that had it before", cmd_unbind },
	{ "set", "show or change settings of a device, and keep them", cmd_set },
	{ "wake", "wake a device, so that it is ready when somebody opens it", cmd_wake },
	{ "selftest", "power cycles of an idle device, before somebody trusts it", cmd_selftest },
	{ "watch", "what devices do, live", cmd_watch },
	{ "record", "write down what devices do, as lines of JSON", cmd_record },
	{ "timeline", "draw a recording: power states over time", cmd_timeline },
	{ "metrics", "numbers for Prometheus", cmd_metrics },
	{ }
};

enum {
	MAIN_ROOT = 0x100,
	MAIN_VERSION,
};

static const struct argp_option main_options[] = {
	{ .name = "version", .key = 'V', .doc = "Print the version" },
	{ .name = "root", .key = MAIN_ROOT, .arg = "DIR", .flags = OPTION_HIDDEN,
	  .doc = "Look at the file system below DIR" },
	{ }
};

static error_t main_parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'V':
		printf("rtd3ctl %s\n", RTD3CTL_VERSION);
		exit(CTL_OK);
	case MAIN_ROOT:
		sys_root = arg;
		return 0;
	case ARGP_KEY_ARG:
		/* The verb and its words are the verb's. */
		state->next--;
		*(int *)state->input = state->next;
		state->next = state->argc;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *main_help(int key, const char *text, void *input)
{
	const struct verb *verb;
	size_t size;
	char *help;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&help, &size);
	if (!out)
		return (char *)text;
	fputs("Verbs:\n\n", out);
	for (verb = verbs; verb->name; verb++)
		fprintf(out, "  %-10s %s\n", verb->name, verb->what);
	fputs("\nrtd3ctl VERB --help tells more, and so does rtd3ctl(8). "
	      "No verb but wake, bind, unbind, set and selftest wakes a device.\n", out);
	fclose(out);

	return help;
}

static const struct argp main_argp = {
	.options = main_options,
	.parser = main_parse,
	.args_doc = "VERB [WORD...]",
	.doc = "PCI devices that sleep: rtd3_vfio_pci and what stands in its way.\v",
	.help_filter = main_help,
};

static int main_run(int argc, char **argv)
{
	const struct verb *verb;
	char name[64];
	int ret;

	for (verb = verbs; verb->name && strcmp(verb->name, argv[0]); verb++)
		;
	if (!verb->name)
		return out_error(CTL_USAGE, "there is no verb '%s': rtd3ctl --help lists them",
				 argv[0]);
	snprintf(name, sizeof(name), "rtd3ctl %s", verb->name);
	argv[0] = name;
	ret = verb->run(argc, argv);
	dev_names_free();
	/* A full disk, or a reader that has gone, is no success. */
	if (fflush(stdout) && !ret)
		ret = out_error(CTL_FAILED, "cannot write the output: is the disk full?");

	return ret;
}

int main(int argc, char **argv)
{
	int at = argc, ret;

	out_init();
	argv[0] = (char *)"rtd3ctl";
	ret = verb_parse(&main_argp, argc, argv, ARGP_IN_ORDER, NULL, &at);
	if (ret)
		return ret;
	if (at >= argc)
		return out_error(CTL_USAGE, "what is to be done? rtd3ctl --help lists the verbs");

	return main_run(argc - at, argv + at);
}
