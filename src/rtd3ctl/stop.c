// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verbs that run for long, and leave all as it was when they are told to stop: Ctrl-C,
 * kill, a terminal that goes. Signals are blocked but in stop_wait(), so that nothing
 * is interrupted halfway, and none is lost between a look and a wait.
 */

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "stop.h"

static bool stop_came;	/* written where a signal is taken: only atomically */
static sigset_t stop_before;

static void stop_signal(int signal)
{
	(void)signal;
	__atomic_store_n(&stop_came, true, __ATOMIC_RELAXED);
}

/* From now on signals are taken in stop_wait() only, and a reader that goes is no signal. */
void stop_catch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = stop_signal };
	sigset_t block;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&block);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		sigaction(signals[i], &action, NULL);
		sigaddset(&block, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &block, &stop_before);
	/* Whoever started this may have blocked them, too: then nothing would stop it. */
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigdelset(&stop_before, signals[i]);
}

/* In a child: signals as they were, for the program that it becomes. */
void stop_release(void)
{
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &stop_before, NULL);
}

/**
 * stop_wait - wait, unless told to stop
 * @fd: something that can be read ends the wait, too; -1: nothing does
 * @ms: how long
 *
 * Return: true if told to stop.
 */
bool stop_wait(int fd, long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	struct pollfd input = { .fd = fd, .events = POLLIN };

	/* Also where it has been told before, or for no time: what came meanwhile is taken. */
	if (!__atomic_load_n(&stop_came, __ATOMIC_RELAXED))
		ppoll(&input, 1, &left, &stop_before);

	return __atomic_load_n(&stop_came, __ATOMIC_RELAXED);
}

bool stop_asked(void)
{
	return stop_wait(-1, 0);
}

/* Has nobody the other end of this pipe any more? Who writes seldom would not notice. */
bool stop_reader_gone(int fd)
{
	struct pollfd output = { .fd = fd };

	return poll(&output, 1, 0) > 0 && output.revents & POLLERR;
}

/* A clock that nobody sets. */
long long stop_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}
