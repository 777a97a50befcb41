// SPDX-License-Identifier: GPL-2.0-only
/* What verbs share: their command lines. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "verb.h"

#define VERB_HELP	"help"

/* Shown with each verb's options; seen before argp sees it. */
static const struct argp_option verb_help_options[] = {
	{ .name = VERB_HELP, .key = '?', .doc = "Give this help list", .group = -1 },
	{ }
};

static const struct argp verb_help_argp = { .options = verb_help_options };

static bool verb_wants_help(int argc, char **argv, bool in_order)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--" VERB_HELP) || !strcmp(argv[i], "-?"))
			return true;
		if (in_order && *argv[i] != '-')
			return false;
	}

	return false;
}

/**
 * verb_parse - take a command line apart
 * @argp: its grammar; a parser that returns an error has said why, by out_error()
 * @argc: number of words
 * @argv: words
 * @flags: ARGP_IN_ORDER: stop at the first word that is no option
 * @end: filled with the index of the first word that was not looked at; may be NULL
 * @input: for the grammar's parser
 *
 * argp says in two lines what is wrong with an option; here it is one.
 *
 * Return: 0 or an exit status. Does not return if help was asked for.
 */
int verb_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, int *end,
	       void *input)
{
	const struct argp_child children[] = { { .argp = &verb_help_argp }, { } };
	struct argp whole = *argp;
	int index = 0, ret;

	whole.children = children;
	if (verb_wants_help(argc, argv, flags & ARGP_IN_ORDER)) {
		argp_help(&whole, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, argv[0]);
		exit(CTL_OK);
	}
	ret = argp_parse(argp, argc, argv, flags | ARGP_NO_ERRS | ARGP_NO_HELP, &index, input);
	if (end)
		*end = index;
	if (ret == EINVAL || ret == ARGP_ERR_UNKNOWN)
		return out_error(CTL_USAGE, "'%s' is not understood: see %s --help",
				 argv[index > 0 && index <= argc ? index - 1 : argc - 1], argv[0]);

	/* What the parser returned, which has said why. */
	return ret;
}

/**
 * verb_number - what an option takes
 * @text: as it was written
 * @option: its name
 * @min: the least that it takes
 * @max: the most
 * @value: filled
 *
 * Return: 0 or an exit status, after a message.
 */
int verb_number(const char *text, const char *option, unsigned int min, unsigned int max,
		unsigned int *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < min || number > max)
		return out_error(CTL_USAGE, "'%s' is no number for --%s: it takes %u to %u", text,
				 option, min, max);
	*value = number;

	return 0;
}

/**
 * verb_address - the address of a device, which may not be there
 * @text: as it was written
 * @bdf: filled, of DEV_BDF bytes
 *
 * Return: 0 or an exit status, after a message.
 */
int verb_address(const char *text, char *bdf)
{
	if (!dev_parse_bdf(text, bdf))
		return 0;

	return out_error(CTL_USAGE,
			 "'%s' is no PCI address: write it as lspci does, 0000:01:00.0", text);
}

/**
 * verb_device - a device that somebody named
 * @text: its address
 * @dev: filled
 *
 * Return: 0 or an exit status, after a message.
 */
int verb_device(const char *text, struct dev *dev)
{
	char bdf[DEV_BDF];
	int ret = verb_address(text, bdf);

	if (!ret && dev_load(dev, bdf))
		ret = out_error(CTL_NODEV, "there is no device %s: rtd3ctl list --all shows them",
				bdf);

	return ret;
}

/**
 * verb_own_device - verb_device() of one that the driver has
 * @text: its address
 * @dev: filled
 *
 * Return: 0 or an exit status, after a message.
 */
int verb_own_device(const char *text, struct dev *dev)
{
	int ret = verb_device(text, dev);

	if (ret || dev->ours)
		return ret;

	return out_error(CTL_NODEV, DEV_DRIVER " has not got %s: rtd3ctl bind %s", dev->bdf,
			 dev->bdf);
}
