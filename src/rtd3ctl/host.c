// SPDX-License-Identifier: GPL-2.0-only
/* Facts about the machine that decide whether devices can sleep. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "sys.h"

/**
 * host_cmdline_has - is this on the kernel's command line?
 * @word: a parameter with its value; one that ends in = or . stands for all that begin so
 */
bool host_cmdline_has(const char *word)
{
	char path[PATH_MAX], line[SYS_TEXT], *save, *part;
	size_t len = strlen(word);

	sys_path(path, "/proc/cmdline");
	sys_read(path, line, sizeof(line));
	for (part = strtok_r(line, " \t\n", &save); part; part = strtok_r(NULL, " \t\n", &save)) {
		if (!strcmp(part, word))
			return true;
		if (len && strchr("=.", word[len - 1]) && !strncmp(part, word, len))
			return true;
	}

	return false;
}

/* From a date that ends in the year, 04/01/2014; 0 if unknown. */
int host_bios_year(void)
{
	char path[PATH_MAX], date[64];
	const char *slash;

	sys_path(path, "/sys/class/dmi/id/bios_date");
	sys_read(path, date, sizeof(date));
	slash = strrchr(date, '/');

	return slash ? atoi(slash + 1) : 0;
}

/* The running kernel's release, as uname -r says it. */
const char *host_release(void)
{
	static char release[128];
	char path[PATH_MAX];

	sys_path(path, "/proc/sys/kernel/osrelease");
	sys_read_word(path, release, sizeof(release));

	return release;
}

/* Its version, to be compared with HOST_VERSION(); 0 if unknown. */
int host_kernel(void)
{
	unsigned int major = 0, minor = 0, patch = 0;

	if (sscanf(host_release(), "%3u.%3u.%3u", &major, &minor, &patch) < 2)
		return 0;

	return HOST_VERSION(major, minor, patch);
}

bool host_parameter_on(const char *module, const char *parameter)
{
	char path[PATH_MAX], value[16];

	sys_path(path, "/sys/module/%s/parameters/%s", module, parameter);
	sys_read(path, value, sizeof(value));

	return *value == 'Y' || *value == '1';
}
