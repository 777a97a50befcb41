// SPDX-License-Identifier: GPL-2.0-only
/* Settings of a device: the files of rtd3/ that can be written. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"
#include "sys.h"

const struct key keys[] = {
	{ .name = "policy", .attr = "rtd3/policy", .words = { "off", "d3hot", "d3cold" },
	  .what = "how deep it may sleep" },
	{ .name = "fallback", .attr = "rtd3/fallback", .words = { "none" },
	  .what = "limit that it has shown to need; none lifts it" },
	{ .name = "promote", .attr = "rtd3/promote", .words = { "never", "safe", "always" },
	  .what = "may the host cut the power when the guest puts it into D3hot" },
	{ .name = "mmio", .attr = "rtd3/mmio", .words = { "sigbus", "wake" },
	  .what = "what an access to a BAR gets while it sleeps" },
	{ .name = "virtual_pr3", .attr = "rtd3/virtual_pr3", .kind = KEY_BOOL,
	  .what = "the guest's firmware can turn it off" },
	{ .name = "wake_timeout_ms", .attr = "rtd3/wake_timeout_ms", .kind = KEY_NUMBER,
	  .min = 100, .max = 60000, .what = "how long a wake waits for it" },
	{ .name = "reset_delay_ms", .attr = "rtd3/reset_delay_ms", .kind = KEY_NUMBER,
	  .max = 60000, .what = "how long after power-on it is not reset" },
	{ .name = "settle_ms", .attr = "rtd3/settle_ms", .kind = KEY_NUMBER,
	  .max = 60000, .what = "how long it is left alone after its user" },
	{ .name = "power_cycle_on_close", .attr = "rtd3/power_cycle_on_close", .kind = KEY_BOOL,
	  .what = "cut its power after its user, if it has no reset" },
	{ .name = "power_cycle_on_failure", .attr = "rtd3/power_cycle_on_failure",
	  .kind = KEY_BOOL, .what = "cut its power to get it back, whatever policy says" },
	{ .name = "autosuspend_delay_ms", .attr = "power/autosuspend_delay_ms",
	  .kind = KEY_NUMBER, .max = 3600000, .what = "how long it is idle before it sleeps" },
	{ }
};

const struct key *key_find(const char *name)
{
	const struct key *key;

	for (key = keys; key->name; key++)
		if (!strcmp(key->name, name))
			return key;

	return NULL;
}

const struct key *key_by_attr(const char *attr)
{
	const struct key *key;

	for (key = keys; key->name; key++)
		if (!strcmp(key->attr, attr))
			return key;

	return NULL;
}

static int key_check_word(const struct key *key, const char *text, char *value)
{
	const char * const *word;

	for (word = key->words; *word; word++)
		if (!strcmp(*word, text))
			return sys_text(value, KEY_VALUE, "%s", text);

	return -EINVAL;
}

static int key_check_number(const struct key *key, const char *text, char *value)
{
	char *end;
	long number;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || *end || number < key->min || number > key->max)
		return -EINVAL;

	return sys_text(value, KEY_VALUE, "%ld", number);
}

static int key_check_bool(const char *text, char *value)
{
	static const char * const yes[] = { "1", "y", "yes", "on", NULL };
	static const char * const no[] = { "0", "n", "no", "off", NULL };
	const char * const *word;

	for (word = yes; *word; word++)
		if (!strcmp(*word, text))
			return sys_text(value, KEY_VALUE, "1");
	for (word = no; *word; word++)
		if (!strcmp(*word, text))
			return sys_text(value, KEY_VALUE, "0");

	return -EINVAL;
}

/**
 * key_check - may this be written?
 * @key: setting
 * @text: value as somebody wrote it
 * @value: KEY_VALUE bytes, filled with it as the kernel takes it
 *
 * Return: 0 or -EINVAL; key_values() tells what is allowed.
 */
int key_check(const struct key *key, const char *text, char *value)
{
	switch (key->kind) {
	case KEY_WORD:
		return key_check_word(key, text, value);
	case KEY_NUMBER:
		return key_check_number(key, text, value);
	case KEY_BOOL:
		return key_check_bool(text, value);
	}

	return -EINVAL;
}

/* What a setting takes, in words. */
void key_values(const struct key *key, char *buf, size_t size)
{
	switch (key->kind) {
	case KEY_WORD:
		sys_text(buf, size, "%s%s%s%s%s", key->words[0], key->words[1] ? ", " : "",
			 key->words[1] ?: "", key->words[2] ? ", " : "", key->words[2] ?: "");
		break;
	case KEY_NUMBER:
		sys_text(buf, size, "%ld to %ld", key->min, key->max);
		break;
	case KEY_BOOL:
		sys_text(buf, size, "0, 1");
		break;
	}
}

/**
 * key_parse - key=value
 * @text: what somebody wrote
 * @key: filled; NULL if there is no such setting
 * @value: KEY_VALUE bytes, filled
 *
 * Return: 0 or -EINVAL.
 */
int key_parse(const char *text, const struct key **key, char *value)
{
	const char *equals = strchr(text, '=');
	char name[32];

	*key = NULL;
	if (!equals || sys_text(name, sizeof(name), "%.*s", (int)(equals - text), text))
		return -EINVAL;
	*key = key_find(name);

	return *key ? key_check(*key, equals + 1, value) : -EINVAL;
}
