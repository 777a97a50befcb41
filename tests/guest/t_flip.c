// SPDX-License-Identifier: GPL-2.0-only
/*
 * Four threads change the policy, two enter and leave low power and read, and the device goes
 * from one process to another and back, all at once. Then all must work as ever.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define RUN_MS		10000
/* On a slow machine, longer, until what is to be seen was. */
#define RUN_MAX_MS	120000
#define END_MS		60000
#define FLIPPERS	4
#define USERS		2
#define FLIP_PAUSE_MS	300
#define LOW_MS		250
#define TURN_MS		400
#define MIN_TURNS	3
#define MIN_CYCLES	3

struct worker {
	pthread_t thread;
	unsigned int seed;
	atomic_ulong good;
	unsigned long refused, bad, wrong, reads;
	int last_error;
};

static atomic_bool stop;
static atomic_int running;
static const struct pci_fn *pf;
static struct vfio_dev dev;
static uint32_t exp_off, exp_val;
/*
 * Whoever uses the device holds it for reading; the one that gives it away, for writing, and
 * before any new reader.
 */
static pthread_rwlock_t turn = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

static void *flipper(void *arg)
{
	static const char *const policies[] = { "off", "d3hot", "d3cold" };
	struct worker *w = arg;

	while (!stop) {
		int ret = __pci_set(pf, "rtd3/policy", policies[rand_r(&w->seed) % 3]);

		w->good += !ret;
		w->bad += !!ret;
		if (ret)
			w->last_error = ret;
		sleep_ms(rand_r(&w->seed) % FLIP_PAUSE_MS);
	}
	running--;
	return NULL;
}

static void look(struct worker *w, int ret, uint64_t val, uint64_t want)
{
	w->reads++;
	w->wrong += !ret && val != want;
	w->bad += !!ret;
	if (ret)
		w->last_error = ret;
}

static void read_all(struct worker *w, struct vfio_dev *d)
{
	const struct dut *t = dut_of(pf);
	uint64_t val;
	int ret;

	ret = __vfio_read(d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, &val, 4);
	look(w, ret, val, pci_id(pf));
	ret = __vfio_read(d, VFIO_PCI_CONFIG_REGION_INDEX, exp_off, &val, 4);
	look(w, ret, val, exp_val);
	ret = __dut_read(d, &t->known, &val);
	look(w, ret, val, t->known_val);
}

static int enter(struct vfio_dev *d, unsigned int *seed)
{
	switch (rand_r(seed) % 3) {
	case 0:
		return __vfio_entry(d);
	case 1:
		return __rtd3_enter(d, RTD3_STATE_D3HOT);
	default:
		return __rtd3_enter(d, RTD3_STATE_D3COLD);
	}
}

static void *user(void *arg)
{
	struct worker *w = arg;

	while (!stop) {
		int ret;

		pthread_rwlock_rdlock(&turn);
		ret = enter(&dev, &w->seed);
		/* The other user may have entered already. */
		w->good += !ret;
		w->refused += ret == -EINVAL;
		w->bad += ret && ret != -EINVAL;
		sleep_ms(rand_r(&w->seed) % LOW_MS);
		read_all(w, &dev);
		sleep_ms(rand_r(&w->seed) % LOW_MS);
		ret = rand_r(&w->seed) % 2 ? __vfio_exit(&dev) : __rtd3_exit(&dev);
		w->bad += !!ret;
		if (ret)
			w->last_error = ret;
		read_all(w, &dev);
		pthread_rwlock_unlock(&turn);
		sleep_ms(rand_r(&w->seed) % 20);
	}
	running--;
	return NULL;
}

/* To the other process, and from it. */
struct pipes {
	int to[2];
	int from[2];
};

/* The other process: opens when told, uses, closes, says so. */
static int other_process(void *arg)
{
	const struct pipes *pipes = arg;
	unsigned int seed = 99;
	char c;

	close(pipes->to[1]);
	while (read(pipes->to[0], &c, 1) == 1) {
		struct worker w = {};
		struct vfio_dev d;

		if (__vfio_open(&d, pf)) {
			w.bad++;
		} else {
			dut_prepare(&d);
			read_all(&w, &d);
			if (rand_r(&seed) % 2)
				w.bad += enter(&d, &seed) != 0;
			sleep_ms(rand_r(&seed) % TURN_MS);
			vfio_close(&d);
		}
		c = w.wrong ? 'w' : w.bad ? 'b' : 'g';
		if (write(pipes->from[1], &c, 1) != 1)
			return 1;
	}
	return 0;
}

struct turns {
	unsigned long good, bad, wrong;
};

static void one_turn(int to, int from, struct turns *t)
{
	char c = 'o';

	pthread_rwlock_wrlock(&turn);
	vfio_close(&dev);
	if (write(to, "o", 1) != 1 || read(from, &c, 1) != 1)
		c = 'b';
	t->good += c == 'g';
	t->bad += c == 'b';
	t->wrong += c == 'w';
	if (__vfio_open(&dev, pf))
		die("open in the middle of it");
	dut_prepare(&dev);
	pthread_rwlock_unlock(&turn);
}

static bool all_good(const struct worker *w, int nr)
{
	for (int i = 0; i < nr; i++)
		if (!w[i].good)
			return false;
	return true;
}

/* Has all been seen that is checked at the end? */
static bool enough(const struct turns *t, const struct worker *flippers,
		   const struct worker *users, const struct power *first)
{
	struct power p = power_get(1);

	return t->good >= MIN_TURNS && all_good(flippers, FLIPPERS) && all_good(users, USERS) &&
	       p.off - first->off >= MIN_CYCLES && p.on - first->on >= MIN_CYCLES;
}

static void report(const char *what, const struct worker *w)
{
	check(w->good && !w->bad, "%s: %lu times, %lu refused, %lu bad (last %d)", what, w->good,
	      w->refused, w->bad, w->last_error);
	check(!w->wrong, "%s: %lu of %lu reads wrong", what, w->wrong, w->reads);
}

static void finish(struct worker *flippers, struct worker *users, struct turns *t)
{
	uint64_t start = now_us();

	stop = true;
	while (running && since_ms(start) < END_MS)
		sleep_ms(10);
	if (!check(!running, "all threads end (%d do not)", running))
		die("a thread hangs");
	for (int i = 0; i < FLIPPERS; i++) {
		pthread_join(flippers[i].thread, NULL);
		report("policy", &flippers[i]);
	}
	for (int i = 0; i < USERS; i++) {
		pthread_join(users[i].thread, NULL);
		report("ENTRY and EXIT", &users[i]);
	}
	check(t->good >= MIN_TURNS && !t->bad && !t->wrong,
	      "%lu turns of the other process, %lu bad, %lu wrong", t->good, t->bad, t->wrong);
}

RIG_TEST(flip, "policy against ENTRY, EXIT, open and close")
{
	struct worker flippers[FLIPPERS] = {}, users[USERS] = {};
	struct pipes pipes;
	int bad = 0;
	struct power first, last;
	struct turns turns = {};
	unsigned int cap;
	uint64_t start;
	pid_t pid;

	pf = &rig.fn[0];
	rig_load();
	rig_bind_all();
	rig_autosuspend("0");
	vfio_open(&dev, pf);
	check_known(&dev, "before");
	cap = vfio_find_cap(&dev, PCI_CAP_ID_EXP, 0);
	if (!cap)
		die("a PCI Express capability");
	exp_off = cap + PCI_EXP_DEVCAP;
	exp_val = vfio_cfg(&dev, exp_off, 4);
	vfio_close(&dev);

	/* Before there are threads, and while nothing is open that it would hold. */
	if (pipe(pipes.to) || pipe(pipes.from))
		die("pipe: %s", strerror(errno));
	pid = rig_child(other_process, &pipes);
	vfio_open(&dev, pf);
	dut_prepare(&dev);
	first = power_get(1);
	running = FLIPPERS + USERS;
	for (int i = 0; i < FLIPPERS; i++) {
		flippers[i].seed = i + 1;
		bad += pthread_create(&flippers[i].thread, NULL, flipper, &flippers[i]);
	}
	for (int i = 0; i < USERS; i++) {
		users[i].seed = i + 11;
		bad += pthread_create(&users[i].thread, NULL, user, &users[i]);
	}
	if (bad)
		die("start the threads");
	start = now_us();
	while (since_ms(start) < (enough(&turns, flippers, users, &first) ? RUN_MS : RUN_MAX_MS)) {
		one_turn(pipes.to[1], pipes.from[0], &turns);
		sleep_ms(TURN_MS);
	}
	finish(flippers, users, &turns);
	close(pipes.to[1]);
	check_child(pid, END_MS, "the other process");
	last = power_get(1);
	check(last.off - first.off >= MIN_CYCLES && last.on - first.on >= MIN_CYCLES,
	      "power really went: %u _OFF, %u _ON", last.off - first.off, last.on - first.on);
	figure("flip_power_cycles", "%u", last.off - first.off);

	vfio_close(&dev);
	pci_set(pf, "rtd3/policy", "off");
	/* The close may have let it fall asleep first. */
	last = power_get(1);
	check_up(pf, &last, "off at the end");
	pci_set(pf, "rtd3/policy", "d3hot");
	check_hot(pf, &last, "d3hot at the end");
	pci_set(pf, "rtd3/policy", "d3cold");
	check_asleep(pf, &last, "d3cold at the end");
	vfio_open(&dev, pf);
	check_woken(pf, &last, "open at the end");
	check_known(&dev, "open at the end");
	check_no_off(&last, 1500, "open at the end");
	vfio_entry(&dev);
	check_asleep(pf, &last, "ENTRY at the end");
	vfio_close(&dev);
	last = power_get(1);
	check_eq(rtd3_num(pf, "failures"), 0, "rtd3/stats/failures");
}
