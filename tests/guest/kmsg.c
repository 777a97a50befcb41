// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"
#include "tap.h"

#define RECORD	1024

/** kmsg_open_all() - the kernel log, all that it has */
int kmsg_open_all(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		die("/dev/kmsg: %s", strerror(errno));
	return fd;
}

/** kmsg_open() - the kernel log from now on */
int kmsg_open(void)
{
	int fd = kmsg_open_all();

	if (lseek(fd, 0, SEEK_END) < 0)
		die("/dev/kmsg: %s", strerror(errno));
	return fd;
}

/**
 * kmsg_next() - the next line, if there is one
 * @fd: from kmsg_open()
 * @line: its text
 * @size: of @line
 */
bool kmsg_next(int fd, char *line, size_t size)
{
	char buf[RECORD], *text;
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf) - 1);
	} while (n < 0 && (errno == EINTR || errno == EPIPE));
	if (n <= 0)
		return false;
	buf[n] = '\0';
	/* prefix;text, then lines with details */
	text = strchr(buf, ';');
	text = text ? text + 1 : buf;
	text[strcspn(text, "\n")] = '\0';
	snprintf(line, size, "%s", text);
	return true;
}

/**
 * kmsg_count() - how many lines have a word in them
 * @fd: from kmsg_open(); read to the end
 * @word: what to look for
 * @last: the last such line, or ""
 * @size: of @last
 */
int kmsg_count(int fd, const char *word, char *last, size_t size)
{
	char line[RECORD];
	int n = 0;

	last[0] = '\0';
	while (kmsg_next(fd, line, sizeof(line))) {
		if (!strstr(line, word))
			continue;
		snprintf(last, size, "%s", line);
		n++;
	}
	return n;
}
