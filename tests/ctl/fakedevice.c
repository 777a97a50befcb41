// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel and the driver do with idle devices, on a tree of files: they sleep
 * when they have been idle for power/autosuspend_delay_ms, as deep as the policies of all
 * allow, and wake, all together, when somebody reads the configuration space of one, or
 * when a policy asks for it: "config" is a pipe, whose reader waits until the counters say
 * what happened.
 *
 * usage: fakedevice ROOT FAULT AT VICTIM BDF...
 * With the AT-th wake VICTIM has the FAULT; "none" is none. Ends when its standard
 * input does.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEVICES		4
#define SPACE		64
#define WAKE_US		2000	/* what the power and the link take */
#define POLL_MS		5

static struct device {
	const char *bdf;
	unsigned int resumes;
	unsigned char space[SPACE];
} devices[DEVICES];
static int nr;
static const char *root, *fault, *victim;
static unsigned int at, wakes;
static bool asleep = true, insomnia;
static unsigned int unread;	/* since it woke for the first of those who read */
static enum { OFF, D3HOT, D3COLD } limit = D3COLD;
static long long busy_ms;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void path_of(const struct device *device, const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s/sys/bus/pci/devices/%s/%s", root, device->bdf, name);
}

/* As a whole: nobody sees half of it. */
static void put(const struct device *device, const char *name, const char *fmt, ...)
{
	char path[PATH_MAX], tmp[PATH_MAX + 8];
	va_list args;
	FILE *out;

	path_of(device, name, path);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	out = fopen(tmp, "w");
	if (!out)
		die(tmp);
	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fclose(out);
	if (rename(tmp, path))
		die(path);
}

static long number(const struct device *device, const char *name, long otherwise)
{
	char path[PATH_MAX];
	long value;
	FILE *in;

	path_of(device, name, path);
	in = fopen(path, "r");
	if (!in)
		return otherwise;
	if (fscanf(in, "%li", &value) != 1)
		value = otherwise;
	fclose(in);

	return value;
}

/* The shallowest policy. One that is just being written is as it was. */
static int policies(void)
{
	static const char * const words[] = { "off", "d3hot", "d3cold" };
	char path[PATH_MAX], word[16];
	int i, k, least = D3COLD;
	FILE *in;

	for (i = 0; i < nr; i++) {
		path_of(&devices[i], "rtd3/policy", path);
		in = fopen(path, "r");
		if (!in)
			die(path);
		if (fscanf(in, "%15s", word) != 1)
			snprintf(word, sizeof(word), "%s", words[limit]);
		fclose(in);
		for (k = 0; k < least; k++)
			if (!strcmp(word, words[k]))
				least = k;
	}

	return least;
}

static bool is_fault(const struct device *device, const char *name)
{
	return wakes >= at && !strcmp(fault, name) && !strcmp(device->bdf, victim);
}

static void wake(struct device *device)
{
	if (!is_fault(device, "uncounted"))
		device->resumes++;
	if (wakes == at && is_fault(device, "twice"))
		device->resumes++;
	put(device, "rtd3/stats/resumes", "%u", device->resumes);
	put(device, "rtd3/stats/resume_latency_us", "%u", wakes * 1000);
	put(device, "rtd3/last_state", is_fault(device, "hot") || is_fault(device, "not-cut") ?
	    "D3hot" : "D3cold");
	put(device, "rtd3/state", is_fault(device, "stuck") ? "D3cold" : "D0");
	put(device, "power/runtime_status", "active");
	if (is_fault(device, "failed")) {
		put(device, "rtd3/stats/failures", "1");
		put(device, "rtd3/health", "failed");
		put(device, "rtd3/health_reason", "no-answer");
	}
	if (is_fault(device, "counts-failure"))
		put(device, "rtd3/stats/failures", "1");
	if (is_fault(device, "not-cut")) {
		put(device, "rtd3/health", "degraded");
		put(device, "rtd3/health_reason", "power-not-cut");
		put(device, "rtd3/blockers", "power-not-cut %s\n", device->bdf);
	}
	if (is_fault(device, "usage"))
		put(device, "power/runtime_usage", "1");
	if (is_fault(device, "ids"))
		device->space[2] ^= 1;
	if (is_fault(device, "silent"))
		memset(device->space, 0xff, SPACE);
	if (is_fault(device, "insomnia"))
		insomnia = true;
}

static void wake_all(void)
{
	int i;

	usleep(WAKE_US);
	wakes++;
	for (i = 0; i < nr; i++)
		wake(&devices[i]);
	asleep = false;
}

static void obey(void)
{
	int want = policies();

	if (want < (int)limit && asleep) {
		wake_all();
		busy_ms = now_ms();
	}
	limit = want;
}

static void sleep_all(void)
{
	long delay = 0, one;
	int i;

	/* A busy machine does not cut in two what is done to all of them. */
	if (unread)
		return;
	if (limit == OFF || (limit == D3HOT && !strcmp(fault, "no-hot")))
		return;

	for (i = 0; i < nr; i++) {
		one = number(&devices[i], "power/autosuspend_delay_ms", 1000);
		delay = one > delay ? one : delay;
	}
	if (asleep || insomnia || now_ms() - busy_ms < delay)
		return;
	for (i = 0; i < nr; i++) {
		put(&devices[i], "power/runtime_status", "suspended");
		put(&devices[i], "rtd3/state", limit == D3HOT ? "D3hot" : "D3cold");
	}
	asleep = true;
}

/* The next reader gets another pipe, not what is left of this one. */
static void renew(const char *path)
{
	if (unlink(path) || mkfifo(path, 0600))
		die(path);
}

static void *serve(void *arg)
{
	struct device *device = arg;
	char path[PATH_MAX];
	int fd;

	path_of(device, "config", path);
	for (;;) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			die(path);
		pthread_mutex_lock(&lock);
		if (asleep) {
			wake_all();
			unread = (1U << nr) - 1;
		}
		unread &= ~(1U << (device - devices));
		busy_ms = now_ms();
		renew(path);
		if (write(fd, device->space, SPACE) < 0)
			die(path);
		close(fd);
		pthread_mutex_unlock(&lock);
	}

	return NULL;
}

static void add(const char *bdf)
{
	struct device *device = &devices[nr++];
	unsigned int vendor, id;
	char path[PATH_MAX];
	pthread_t thread;

	device->bdf = bdf;
	device->resumes = number(device, "rtd3/stats/resumes", 0);
	vendor = number(device, "vendor", 0);
	id = number(device, "device", 0);
	device->space[0] = vendor;
	device->space[1] = vendor >> 8;
	device->space[2] = id;
	device->space[3] = id >> 8;
	path_of(device, "config", path);
	renew(path);
	if (pthread_create(&thread, NULL, serve, device))
		die("pthread_create");
}

int main(int argc, char **argv)
{
	struct pollfd input = { .events = POLLIN };
	int i;

	if (argc < 6 || argc > 5 + DEVICES)
		return 2;
	root = argv[1];
	fault = argv[2];
	at = atoi(argv[3]);
	victim = argv[4];
	for (i = 5; i < argc; i++)
		add(argv[i]);
	puts("ready");
	fflush(stdout);
	while (!poll(&input, 1, POLL_MS)) {
		pthread_mutex_lock(&lock);
		obey();
		sleep_all();
		pthread_mutex_unlock(&lock);
	}

	/* The threads wait for readers, who will not come. */
	_exit(0);
}
