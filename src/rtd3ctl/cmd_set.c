// SPDX-License-Identifier: GPL-2.0-only
/* rtd3ctl set: show or change settings of a device, and keep them over a reboot. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keep.h"
#include "out.h"
#include "sys.h"
#include "verb.h"

#define SET_MAX	16

struct set_args {
	const char *bdf;
	char *word[SET_MAX];
	unsigned int nr;
	bool persist;
	bool forget;
	bool remember;
	bool json;
};

/* One key=value of the command line. */
struct set_change {
	const struct key *key;
	char value[KEY_VALUE];
};

enum {
	SET_FORGET = 0x100,
	SET_REMEMBER,
};

static const struct argp_option set_options[] = {
	{ .name = "persist", .key = 'p', .doc = "Keep it over rebind, reboot and module update" },
	{ .name = "forget", .key = SET_FORGET,
	  .doc = "Keep these settings no longer; without a KEY: none of them" },
	{ .name = "remember", .key = SET_REMEMBER, .flags = OPTION_HIDDEN,
	  .doc = "Keep what the fallback has learnt; udev calls this" },
	{ .name = "json", .key = 'j', .doc = "List as JSON" },
	{ }
};

static int set_parse_word(struct set_args *args, char *arg)
{
	if (!args->bdf) {
		args->bdf = arg;
		return 0;
	}
	if (args->nr == SET_MAX)
		return out_error(CTL_USAGE, "too many settings: use several commands");
	args->word[args->nr++] = arg;

	return 0;
}

static error_t set_parse(int key, char *arg, struct argp_state *state)
{
	struct set_args *args = state->input;

	switch (key) {
	case 'p':
		args->persist = true;
		return 0;
	case SET_FORGET:
		args->forget = true;
		return 0;
	case SET_REMEMBER:
		args->remember = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		return set_parse_word(args, arg);
	case ARGP_KEY_NO_ARGS:
		return out_error(CTL_USAGE, "set what? rtd3ctl set DEVICE lists its settings");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The keys, and what they take: from the table, so that none is left out. */
static char *set_help(int key, const char *text, void *input)
{
	const struct key *setting;
	char values[64];
	char *help;
	size_t size;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&help, &size);
	if (!out)
		return (char *)text;
	fputs("Settings:\n", out);
	for (setting = keys; setting->name; setting++) {
		key_values(setting, values, sizeof(values));
		fprintf(out, "\n  %s=...  %s: %s", setting->name, values, setting->what);
	}
	fputc('\n', out);
	fclose(out);

	return help;
}

static const struct argp set_argp = {
	.options = set_options,
	.parser = set_parse,
	.args_doc = "DEVICE [KEY=VALUE...]\nDEVICE --forget [KEY...]",
	.doc = "Show or change the settings of a device. What is kept is in " RULE_FILE ".\v",
	.help_filter = set_help,
};

static void set_list_line(const struct key *key, const char *value, const char *kept)
{
	printf("%-24s %-8s %s%s%s\n", key->name, *value ? value : "-", key->what,
	       kept ? "; kept: " : "", kept ?: "");
}

static int set_list(const struct dev *dev, bool as_json)
{
	struct json_object *json = out_json(), *list = json_object_new_object(), *one;
	const struct key *key;
	char value[DEV_WORD];
	struct rules rules;
	const char *kept;
	int ret;

	ret = keep_load(&rules);
	for (key = keys; !ret && key->name; key++) {
		*value = '\0';
		if (dev->ours)
			dev_attr(dev, key->attr, value, sizeof(value));
		kept = rules_get(&rules, dev->bdf, key->name);
		if (!as_json)
			set_list_line(key, value, kept);
		one = json_object_new_object();
		out_put(one, "value", value);
		out_put(one, "kept", kept);
		json_object_object_add(list, key->name, one);
	}
	kept = ret ? NULL : rules_get(&rules, dev->bdf, RULE_LEARNT);
	if (kept && !as_json)
		printf("%-24s %-8s it did not come back from deeper: lift it by fallback=none -p\n",
		       "(" RULE_LEARNT ")", kept);
	out_put(list, RULE_LEARNT, kept);
	if (!ret && as_json) {
		out_put(json, "address", dev->bdf);
		json_object_object_add(json, "settings", list);
		out_print_json(json);
	} else {
		json_object_put(list);
		json_object_put(json);
	}
	rules_free(&rules);

	return ret;
}

static int set_parse_change(const char *text, struct set_change *change)
{
	char values[64];

	if (!key_parse(text, &change->key, change->value))
		return 0;
	if (!change->key)
		return out_error(CTL_USAGE,
				 "'%s' is no setting: rtd3ctl set --help lists KEY=VALUE", text);
	key_values(change->key, values, sizeof(values));

	return out_error(CTL_USAGE, "'%s' is no value for %s: it takes %s", strchr(text, '=') + 1,
			 change->key->name, values);
}

static int set_write(const struct dev *dev, const struct set_change *change)
{
	int ret = dev_set_attr(dev, change->key->attr, change->value);

	if (!ret)
		return 0;
	if (out_status(ret) == CTL_PERMISSION)
		return out_error(CTL_PERMISSION, "only root may set %s: use sudo",
				 change->key->name);

	return out_error(out_status(ret), "%s: the driver refuses %s=%s: %s: rtd3ctl status %s",
			 dev->bdf, change->key->name, change->value, strerror(-ret), dev->bdf);
}

/*
 * What was learnt is kept as a policy: who lifts it wants the policy back that there
 * would be without, which is the one that is kept, or else the module's default.
 */
static int set_lift(const struct dev *dev, struct rules *rules)
{
	const char *policy = rules_get(rules, dev->bdf, "policy");
	struct set_change change = { .key = key_find("policy") };
	char path[PATH_MAX], preset[DEV_WORD];

	if (!rules_forget(rules, dev->bdf, RULE_LEARNT) || !dev->ours)
		return 0;
	sys_path(path, "/sys/module/%s/parameters/policy", DEV_DRIVER);
	sys_read_word(path, preset, sizeof(preset));
	if (key_check(change.key, policy ?: preset, change.value))
		key_check(change.key, "d3cold", change.value);

	return set_write(dev, &change);
}

static int set_keep(const struct dev *dev, const struct set_change *change, unsigned int nr)
{
	struct rules rules;
	unsigned int i;
	int ret;

	ret = keep_load(&rules);
	for (i = 0; i < nr && !ret; i++) {
		if (!strcmp(change[i].key->name, "fallback"))
			ret = set_lift(dev, &rules);
		else
			ret = rules_set(&rules, dev, change[i].key->name, change[i].value);
	}
	if (!ret)
		ret = keep_save(&rules);
	rules_free(&rules);

	return ret < 0 ? out_no_memory() : ret;
}

static int set_change(const struct dev *dev, const struct set_args *args)
{
	struct set_change change[SET_MAX];
	unsigned int i;
	int ret = 0;

	/* All of it is right, or nothing is done. */
	for (i = 0; i < args->nr && !ret; i++)
		ret = set_parse_change(args->word[i], &change[i]);
	if (ret)
		return ret;
	if (!dev->ours && !args->persist)
		return out_error(CTL_NODEV,
				 "rtd3_vfio_pci has not got %s: rtd3ctl bind %s, or --persist to set it for then",
				 dev->bdf, dev->bdf);
	for (i = 0; i < args->nr && dev->ours && !ret; i++)
		ret = set_write(dev, &change[i]);

	return ret || !args->persist ? ret : set_keep(dev, change, args->nr);
}

/* Also of a device that is not there any more. */
static int set_forget(const char *bdf, const struct set_args *args)
{
	struct rules rules;
	size_t nr = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < args->nr; i++)
		if (!key_find(args->word[i]) && strcmp(args->word[i], RULE_LEARNT))
			return out_error(CTL_USAGE,
					 "'%s' is no setting: rtd3ctl set %s lists them",
					 args->word[i], bdf);
	ret = keep_load(&rules);
	if (ret)
		return ret;
	if (!args->nr)
		nr = rules_forget(&rules, bdf, NULL);
	for (i = 0; i < args->nr; i++)
		nr += rules_forget(&rules, bdf, args->word[i]);
	if (nr)
		ret = keep_save(&rules);
	if (!ret)
		printf("%zu forgotten; what is in force stays until %s is bound again\n", nr, bdf);
	rules_free(&rules);

	return ret;
}

/*
 * For udev, when the driver says that a limit has changed. What was learnt only becomes
 * more: after a reboot the driver knows nothing of it, and that is no reason to forget.
 */
static int set_remember(const struct dev *dev)
{
	char fallback[DEV_WORD];
	struct rules rules;
	const char *known;
	int ret;

	if (!dev->ours || dev_attr(dev, "rtd3/fallback", fallback, sizeof(fallback)) <= 0)
		return CTL_OK;
	if (strcmp(fallback, "off") && strcmp(fallback, "d3hot"))
		return CTL_OK;
	ret = keep_load(&rules);
	if (ret)
		return ret;
	known = rules_get(&rules, dev->bdf, RULE_LEARNT);
	if (!known || strcmp(known, rules_shallower(known, fallback))) {
		ret = rules_set(&rules, dev, RULE_LEARNT, fallback);
		ret = ret ? out_no_memory() : keep_save(&rules);
	}
	rules_free(&rules);

	return ret;
}

static int set_check(const struct set_args *args, char *bdf)
{
	int ret = verb_address(args->bdf, bdf);

	if (ret)
		return ret;
	if (args->forget && args->persist)
		return out_error(CTL_USAGE, "keep or forget? Use --persist or --forget");
	if (args->persist && !args->nr)
		return out_error(CTL_USAGE, "keep what? rtd3ctl set %s KEY=VALUE --persist", bdf);

	return 0;
}

int cmd_set(int argc, char **argv)
{
	struct set_args args = { };
	char bdf[DEV_BDF];
	struct dev dev;
	int ret;

	ret = verb_parse(&set_argp, argc, argv, 0, NULL, &args);
	if (!ret)
		ret = set_check(&args, bdf);
	if (!ret && args.forget)
		return set_forget(bdf, &args);
	if (!ret)
		ret = verb_device(bdf, &dev);
	if (ret)
		return ret;

	if (args.remember)
		return set_remember(&dev);

	return args.nr ? set_change(&dev, &args) : set_list(&dev, args.json);
}
