// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of udev rules that keeps settings over rebind, reboot and module update: one
 * line for each setting of each device. Lines that are not ours stay as they are.
 *
 * The driver sends "bind" when it gets a device. What was bound in the initramfs is
 * seen again by udev as "add" when the system has started.
 *
 * What the fallback has learnt cannot be written to rtd3/fallback, which only takes
 * "none": it is kept as the policy, where that is not shallower anyway, and the line
 * says by ENV{RTD3_LEARNT} what it is.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule.h"
#include "sys.h"

#define RULE_FILE_MAX	(1 << 20)
#define RULE_LINE	512
#define RULE_PARTS	8

static const char rule_head[] =
	"# Settings of devices of rtd3_vfio_pci. Written by \"rtd3ctl set --persist\", one line\n"
	"# for each; \"rtd3ctl set DEVICE --forget\" takes them out. Lines of your own are kept.\n"
	"# Each is written when the driver gets the device: after a reboot, a rebind, an update\n"
	"# of the module. RTD3_LEARNT: the device did not come back from a deeper state;\n"
	"# \"rtd3ctl set DEVICE fallback=none --persist\" lets it try again.\n";

/* One KEY{attribute}=="value" of a line. */
struct rule_part {
	char *key;
	char *op;
	char *value;
};

/* Take one part off a line. NULL if it is not written as we write it. */
static char *rule_take_part(char *at, struct rule_part *part)
{
	char *end;

	part->key = at;
	at += strcspn(at, "=\"");
	if (*at != '=' || at == part->key)
		return NULL;
	*at++ = '\0';
	part->op = "=";
	if (*at == '=') {
		part->op = "==";
		at++;
	}
	if (*at++ != '"')
		return NULL;
	part->value = at;
	end = strchr(at, '"');
	if (!end)
		return NULL;
	*end++ = '\0';
	if (!strncmp(end, ", ", 2) && end[2])
		return end + 2;

	return *end ? NULL : end;
}

static int rule_split(char *line, struct rule_part *part)
{
	int nr = 0;

	while (*line) {
		if (nr == RULE_PARTS)
			return -EINVAL;
		line = rule_take_part(line, &part[nr++]);
		if (!line)
			return -EINVAL;
	}

	return nr;
}

static bool rule_part_is(const struct rule_part *part, const char *key, const char *op)
{
	return !strcmp(part->key, key) && !strcmp(part->op, op);
}

static int rule_id(const char *text, unsigned int *id)
{
	char end;

	return strlen(text) == 6 && sscanf(text, "0x%4x%c", id, &end) == 1 ? 0 : -EINVAL;
}

/* What the line is for: the parts before the setting. */
static int rule_match(struct rule *rule, const struct rule_part *part)
{
	if (!rule_part_is(&part[0], "ACTION", "==") || strcmp(part[0].value, "add|bind") ||
	    !rule_part_is(&part[1], "SUBSYSTEM", "==") || strcmp(part[1].value, "pci") ||
	    !rule_part_is(&part[2], "KERNEL", "==") ||
	    dev_parse_bdf(part[2].value, rule->bdf) || strcmp(part[2].value, rule->bdf) ||
	    !rule_part_is(&part[3], "ATTR{vendor}", "==") ||
	    rule_id(part[3].value, &rule->vendor) ||
	    !rule_part_is(&part[4], "ATTR{device}", "==") ||
	    rule_id(part[4].value, &rule->device) ||
	    !rule_part_is(&part[5], "DRIVER", "==") || strcmp(part[5].value, DEV_DRIVER))
		return -EINVAL;

	return 0;
}

static int rule_learnt(struct rule *rule, const struct rule_part *part)
{
	if (!rule_part_is(&part[0], "ENV{RTD3_LEARNT}", "=") ||
	    !rule_part_is(&part[1], "ATTR{rtd3/policy}", "=") ||
	    (strcmp(part[0].value, "off") && strcmp(part[0].value, "d3hot")))
		return -EINVAL;
	rule->key = RULE_LEARNT;

	return sys_text(rule->value, sizeof(rule->value), "%s", part[0].value);
}

static int rule_setting(struct rule *rule, const struct rule_part *part)
{
	size_t len = strlen(part->key);
	const struct key *key;
	char attr[64];

	if (strncmp(part->key, "ATTR{", 5) || part->key[len - 1] != '}' ||
	    strcmp(part->op, "=") ||
	    sys_text(attr, sizeof(attr), "%.*s", (int)len - 6, part->key + 5))
		return -EINVAL;
	key = key_by_attr(attr);
	if (!key || key_check(key, part->value, rule->value))
		return -EINVAL;
	rule->key = key->name;

	return 0;
}

/* Is this a line that we have written? */
static int rule_parse(struct rule *rule, const char *text)
{
	struct rule_part part[RULE_PARTS] = { };
	char line[RULE_LINE];
	int nr;

	if (sys_text(line, sizeof(line), "%s", text))
		return -EINVAL;
	nr = rule_split(line, part);
	if (nr < 7 || rule_match(rule, part))
		return -EINVAL;

	return nr == 7 ? rule_setting(rule, &part[6]) : rule_learnt(rule, &part[6]);
}

static struct rule *rules_append(struct rules *rules)
{
	struct rule *more = realloc(rules->rule, (rules->nr + 1) * sizeof(*more));

	if (!more)
		return NULL;
	rules->rule = more;
	memset(&more[rules->nr], 0, sizeof(*more));

	return &more[rules->nr++];
}

static int rules_append_line(struct rules *rules, const char *line, size_t len, bool ours)
{
	struct rule *rule = rules_append(rules);
	char *text = rule ? strndup(line, len) : NULL;

	if (!text) {
		/* The entry stays, and is freed with the others. */
		return -ENOMEM;
	}
	if (ours && !rule_parse(rule, text)) {
		free(text);
		return 0;
	}
	memset(rule, 0, sizeof(*rule));
	rule->raw = text;

	return 0;
}

/**
 * rules_parse - the file's text
 * @rules: filled; freed with rules_free(), also after an error
 * @text: any text
 *
 * Return: 0 or -ENOMEM.
 */
int rules_parse(struct rules *rules, const char *text)
{
	bool goes_on = false;
	size_t len;
	int ret = 0;

	memset(rules, 0, sizeof(*rules));
	for (; *text && !ret; text += len + !!text[len]) {
		len = strcspn(text, "\n");
		/* A line that carries on the one before is a part of that. */
		ret = rules_append_line(rules, text, len, !goes_on);
		goes_on = len && text[len - 1] == '\\';
	}

	return ret;
}

/* The file's text, or what is to be there first. */
int rules_load(struct rules *rules)
{
	char path[PATH_MAX];
	char *text;
	size_t len;
	int ret;

	memset(rules, 0, sizeof(*rules));
	sys_path(path, RULE_FILE);
	if (!sys_exists(path))
		return rules_parse(rules, rule_head);
	text = sys_slurp(path, RULE_FILE_MAX, &len);
	if (!text)
		return errno ? -errno : -EIO;
	ret = len == RULE_FILE_MAX || strlen(text) != len ? -EINVAL : rules_parse(rules, text);
	free(text);

	return ret;
}

void rules_free(struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->nr; i++)
		free(rules->rule[i].raw);
	free(rules->rule);
	memset(rules, 0, sizeof(*rules));
}

/* Of two words of policy the one that allows less; NULL is no word. */
const char *rules_shallower(const char *a, const char *b)
{
	if (!a || !b)
		return a ?: b;
	if (!strcmp(a, "off") || !strcmp(b, "d3cold"))
		return a;
	if (!strcmp(b, "off") || !strcmp(a, "d3cold"))
		return b;

	return a;
}

static void rule_print(FILE *out, const struct rules *rules, const struct rule *rule)
{
	const struct key *key;

	if (rule->raw) {
		fprintf(out, "%s\n", rule->raw);
		return;
	}
	if (!rule->key)
		return;
	fprintf(out, "ACTION==\"add|bind\", SUBSYSTEM==\"pci\", KERNEL==\"%s\", "
		"ATTR{vendor}==\"0x%04x\", ATTR{device}==\"0x%04x\", DRIVER==\"%s\", ",
		rule->bdf, rule->vendor, rule->device, DEV_DRIVER);
	key = key_find(rule->key);
	if (key)
		fprintf(out, "ATTR{%s}=\"%s\"\n", key->attr, rule->value);
	else
		fprintf(out, "ENV{RTD3_LEARNT}=\"%s\", ATTR{rtd3/policy}=\"%s\"\n", rule->value,
			rules_shallower(rules_get(rules, rule->bdf, "policy"), rule->value));
}

/**
 * rules_print - the file's text
 * @rules: lines
 *
 * Return: the text, freed with free(), or NULL without memory.
 */
char *rules_print(const struct rules *rules)
{
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);
	int learnt;

	if (!out)
		return NULL;
	/* What was learnt comes last: of two lines for one file the last one counts. */
	for (learnt = 0; learnt <= 1; learnt++)
		for (i = 0; i < rules->nr; i++)
			if (learnt == (!rules->rule[i].raw && rules->rule[i].key &&
				       !strcmp(rules->rule[i].key, RULE_LEARNT)))
				rule_print(out, rules, &rules->rule[i]);
	if (fclose(out)) {
		free(text);
		return NULL;
	}

	return text;
}

/**
 * rules_save - write the file
 * @rules: lines
 *
 * Return: 0 or a negative error.
 */
int rules_save(const struct rules *rules)
{
	char path[PATH_MAX], dir[PATH_MAX];
	char *text = rules_print(rules);
	int ret;

	if (!text)
		return -ENOMEM;
	sys_path(dir, "/etc/udev/rules.d");
	sys_path(path, RULE_FILE);
	ret = sys_mkdir(dir);
	if (!ret)
		ret = sys_replace(path, text);
	free(text);

	return ret;
}

static bool rule_is(const struct rule *rule, const char *bdf, const char *key)
{
	return !rule->raw && rule->key && !strcmp(rule->bdf, bdf) &&
	       (!key || !strcmp(rule->key, key));
}

/**
 * rules_set - keep a setting
 * @rules: lines
 * @dev: of which device
 * @key: setting, or RULE_LEARNT
 * @value: checked
 *
 * Return: 0 or a negative error.
 */
int rules_set(struct rules *rules, const struct dev *dev, const char *key, const char *value)
{
	struct rule *rule = NULL;
	size_t i;

	for (i = 0; i < rules->nr && !rule; i++)
		if (rule_is(&rules->rule[i], dev->bdf, key))
			rule = &rules->rule[i];
	if (!rule)
		rule = rules_append(rules);
	if (!rule)
		return -ENOMEM;
	memcpy(rule->bdf, dev->bdf, sizeof(rule->bdf));
	rule->vendor = dev->vendor;
	rule->device = dev->device;
	rule->key = key_find(key) ? key_find(key)->name : RULE_LEARNT;

	return sys_text(rule->value, sizeof(rule->value), "%s", value);
}

/**
 * rules_forget - keep a setting no longer
 * @rules: lines
 * @bdf: of which device
 * @key: which; NULL: all
 *
 * Return: how many there were.
 */
size_t rules_forget(struct rules *rules, const char *bdf, const char *key)
{
	size_t from, to = 0, forgotten;

	for (from = 0; from < rules->nr; from++)
		if (!rule_is(&rules->rule[from], bdf, key))
			rules->rule[to++] = rules->rule[from];
	forgotten = rules->nr - to;
	rules->nr = to;

	return forgotten;
}

/* The value that is kept, or NULL. */
const char *rules_get(const struct rules *rules, const char *bdf, const char *key)
{
	size_t i;

	for (i = 0; i < rules->nr; i++)
		if (rule_is(&rules->rule[i], bdf, key))
			return rules->rule[i].value;

	return NULL;
}
