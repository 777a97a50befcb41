// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of devices that the driver gets at boot. Ours are the lines that are just
 * "ADDRESS VENDOR:DEVICE"; all else in it is the admin's, and stays as it is.
 */

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "sys.h"

#define BOOT_FILE_MAX	(1 << 20)
#define BOOT_LINE	64

/**
 * boot_load - the file's text
 * @text: set, freed with free(); empty where there is no such file
 *
 * Return: 0 or a negative error; -EINVAL: it is no text.
 */
int boot_load(char **text)
{
	char path[PATH_MAX];
	size_t len = 0;

	sys_path(path, BOOT_FILE);
	*text = sys_exists(path) ? sys_slurp(path, BOOT_FILE_MAX, &len) : strdup("");
	if (!*text)
		return errno ? -errno : -EIO;
	if (len < BOOT_FILE_MAX && strlen(*text) == len)
		return 0;
	free(*text);
	*text = NULL;

	return -EINVAL;
}

/* Write it. 0 or a negative error. */
int boot_save(const char *text)
{
	char path[PATH_MAX];
	int ret;

	sys_path(path, "/etc/rtd3");
	ret = sys_mkdir(path);
	sys_path(path, BOOT_FILE);

	return ret ?: sys_replace(path, text);
}

static void boot_line(const struct dev *dev, char *line)
{
	sys_text(line, BOOT_LINE, "%s %04x:%04x", dev->bdf, dev->vendor, dev->device);
}

/* Where our line for a device is, or NULL. */
static char *boot_find(char *text, const struct dev *dev)
{
	char line[BOOT_LINE], *at;

	boot_line(dev, line);
	for (at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && strchr("\n", at[strlen(line)]))
			return at;

	return NULL;
}

/**
 * boot_add - put a line for a device at the end, if there is none yet
 * @text: the file's, as boot_load() gives it
 * @dev: device
 *
 * Return: 1: it was put there, 0: there was one, or a negative error.
 */
int boot_add(char **text, const struct dev *dev)
{
	char line[BOOT_LINE], *more;
	size_t len = strlen(*text);

	if (boot_find(*text, dev))
		return 0;
	boot_line(dev, line);
	if (asprintf(&more, "%s%s%s\n", *text, len && (*text)[len - 1] != '\n' ? "\n" : "",
		     line) < 0)
		return -ENOMEM;
	free(*text);
	*text = more;

	return 1;
}

/* Take our lines for a device out. Is it another text now? */
bool boot_remove(char *text, const struct dev *dev)
{
	bool removed = false;
	char *at, *end;

	while ((at = boot_find(text, dev))) {
		end = at + strcspn(at, "\n");
		end += !!*end;
		memmove(at, end, strlen(end) + 1);
		removed = true;
	}

	return removed;
}

/* A word is a pattern for the address, with or without the domain 0000, or for the ids. */
static bool boot_word_is(const char *word, const struct dev *dev)
{
	char line[BOOT_LINE];

	boot_line(dev, line);

	return !fnmatch(word, dev->bdf, 0) || !fnmatch(word, strchr(line, ' ') + 1, 0) ||
	       (!strncmp(dev->bdf, "0000:", 5) && !fnmatch(word, dev->bdf + 5, 0));
}

/**
 * boot_names - is a line for the device? As rtd3-bind reads it
 * @line: without its end
 * @len: of it
 * @dev: device
 */
bool boot_names(const char *line, size_t len, const struct dev *dev)
{
	char *copy = strndup(line, len), *word, *save;
	bool named;

	if (!copy)
		return false;
	copy[strcspn(copy, "#")] = '\0';
	word = strtok_r(copy, " \t", &save);
	named = word;
	for (; word && named; word = strtok_r(NULL, " \t", &save))
		named = boot_word_is(word, dev);
	free(copy);

	return named;
}
