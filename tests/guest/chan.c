// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "chan.h"

#define REPLY_TIMEOUT_MS	30000

static int chan_fd = -1;
static bool spins;

/**
 * chan_open() - open the control channel
 * @tty: the serial line
 *
 * Return: 0 or -errno.
 */
int chan_open(const char *tty)
{
	struct termios t;

	chan_fd = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (chan_fd < 0)
		return -errno;
	if (tcgetattr(chan_fd, &t))
		return -errno;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(chan_fd, TCSANOW, &t))
		return -errno;
	return 0;
}

/**
 * chan_line() - send one line
 * @line: without the newline
 */
void chan_line(const char *line)
{
	char buf[768];
	size_t len, done = 0;

	if (chan_fd < 0)
		return;
	snprintf(buf, sizeof(buf) - 1, "%s", line);
	/* A newline in a text would break the protocol. */
	for (char *p = buf; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	strcat(buf, "\n");
	len = strlen(buf);
	while (done < len) {
		ssize_t n = write(chan_fd, buf + done, len - done);

		if (n < 0 && errno != EINTR)
			return;
		if (n > 0)
			done += n;
	}
}

/**
 * chan_spin() - from now on, work while the host makes up its answer
 *
 * The clock of a machine that counts instructions leaps to the next timer where nobody works.
 */
void chan_spin(void)
{
	spins = true;
}

static void chan_dead(const char *query)
{
	char text[256];

	snprintf(text, sizeof(text), "not ok - host answers '%s'", query);
	chan_line(text);
	exit(2);
}

/**
 * chan_query() - ask the host and wait for its line
 * @reply: where the answer goes, without the newline
 * @size: of @reply
 * @fmt: the question, without the leading Q
 *
 * Only one process and thread at a time may ask. Ends the test when the host does not answer.
 */
void chan_query(char *reply, size_t size, const char *fmt, ...)
{
	char query[200], line[210];
	size_t len = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(query, sizeof(query), fmt, ap);
	va_end(ap);
	tcflush(chan_fd, TCIFLUSH);
	snprintf(line, sizeof(line), "Q %s", query);
	chan_line(line);

	for (;;) {
		struct pollfd pfd = { .fd = chan_fd, .events = POLLIN };
		char c;

		while (spins && !poll(&pfd, 1, 0))
			;
		if (poll(&pfd, 1, REPLY_TIMEOUT_MS) != 1 || read(chan_fd, &c, 1) != 1)
			chan_dead(query);
		if (c == '\r')
			continue;
		if (c == '\n')
			break;
		if (len + 1 < size)
			reply[len++] = c;
	}
	reply[len] = '\0';
}

/**
 * chan_read() - wait for a line of the host's
 * @line: where it goes, without the newline
 * @size: of @line
 *
 * For a test that is asked instead of asking. Return: whether there is one.
 */
bool chan_read(char *line, size_t size)
{
	size_t len = 0;
	char c;

	for (;;) {
		ssize_t n = read(chan_fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n != 1)
			return false;
		if (c == '\r')
			continue;
		if (c == '\n')
			break;
		if (len + 1 < size)
			line[len++] = c;
	}
	line[len] = '\0';
	return true;
}

/** chan_drain() - wait until all was sent */
void chan_drain(void)
{
	if (chan_fd >= 0)
		tcdrain(chan_fd);
}
