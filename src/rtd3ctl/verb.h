/* SPDX-License-Identifier: GPL-2.0-only */
/* What a verb is. Each has a file of its own, cmd_NAME.c, and a line in main.c. */
#ifndef RTD3CTL_VERB_H
#define RTD3CTL_VERB_H

#include <argp.h>

#include "dev.h"

/**
 * struct verb - one thing to do
 * @name: what users write
 * @what: what it does, for --help
 * @run: does it; @argv[0] is the verb's full name; returns an exit status
 */
struct verb {
	const char *name;
	const char *what;
	int (*run)(int argc, char **argv);
};

int verb_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, int *end,
	       void *input);
int verb_number(const char *text, const char *option, unsigned int min, unsigned int max,
		unsigned int *value);
int verb_address(const char *text, char *bdf);
int verb_device(const char *text, struct dev *dev);
int verb_own_device(const char *text, struct dev *dev);

int cmd_bind(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_selftest(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_timeline(int argc, char **argv);
int cmd_unbind(int argc, char **argv);
int cmd_wake(int argc, char **argv);
int cmd_watch(int argc, char **argv);

#endif /* RTD3CTL_VERB_H */
