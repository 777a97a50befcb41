// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs of others, and what they say. Each has a process group of its own, so that
 * all of it ends where it takes too long, or somebody stops rtd3ctl.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "stop.h"

#define RUN_POLL_MS	10

/* In the new process: what it says goes to @out, what it complains of to nobody. */
static void run_exec(const char *const argv[], int out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setpgid(0, 0);
	stop_release();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		_exit(126);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

/* Wait, unless it is told to stop, or the time is over. */
static int run_wait(int fd, long long end)
{
	long long left = (end - stop_now_us()) / 1000;

	if (left <= 0)
		return -ETIMEDOUT;

	return stop_wait(fd, fd < 0 && left > RUN_POLL_MS ? RUN_POLL_MS : left) ? -EINTR : 0;
}

/* All that it says, of which what is too long for @said is lost. */
static int run_read(int fd, char *said, size_t size, long long end)
{
	char lost[256];
	size_t len = 0;
	ssize_t got;
	int ret;

	for (;;) {
		if (len + 1 < size)
			got = read(fd, said + len, size - 1 - len);
		else
			got = read(fd, lost, sizeof(lost));
		if (!got)
			break;
		if (got > 0) {
			len += len + 1 < size ? got : 0;
			if (stop_asked())
				return -EINTR;
			if (stop_now_us() > end)
				return -ETIMEDOUT;
			continue;
		}
		if (errno != EAGAIN)
			return -errno;
		ret = run_wait(fd, end);
		if (ret)
			return ret;
	}
	if (size)
		said[len] = '\0';

	return 0;
}

static int run_finish(pid_t pid, int fd, char *said, size_t size, long long end)
{
	int ret = run_read(fd, said, size, end), status;

	while (!ret && !waitpid(pid, &status, WNOHANG))
		ret = run_wait(-1, end);
	if (ret) {
		kill(-pid, SIGKILL);
		/* Also where it has no group yet. */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return ret;
	}

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/**
 * run_program - let a program run to its end
 * @argv: its path and its words, ended by NULL
 * @said: filled with what it writes to standard output, as much of it as there is room for
 * @size: of @said; may be 0
 * @ms: how long it may take
 *
 * Return: its exit status, 128 and more if a signal ended it; -ETIMEDOUT or -EINTR if it
 * took too long or somebody stopped rtd3ctl, and it was killed for that; another error.
 */
int run_program(const char *const argv[], char *said, size_t size, long ms)
{
	long long end = stop_now_us() + ms * 1000LL;
	int fds[2], ret;
	pid_t pid;

	if (size)
		*said = '\0';
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (!pid)
		run_exec(argv, fds[1]);
	ret = -errno;
	close(fds[1]);
	if (pid > 0)
		ret = run_finish(pid, fds[0], said, size, end);
	close(fds[0]);

	return ret;
}
