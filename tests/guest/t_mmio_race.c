// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to BARs against everything that opens and closes the way to them, in each mode of
 * rtd3/mmio and while that changes: each access gets the device or an error, never anything else,
 * and a device that its user has woken gives no error.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "touch.h"
#include "vfio.h"

#define ROUND_MS	3500
#define LOW_MS		90
#define UP_MS		20
#define MIN_SLEEPS	3
#define HANG_MS		20000

enum mode { SIGBUS_MODE, WAKE_MODE, ALL_MODES, MODES };

static const char * const modes[MODES] = { "sigbus", "wake", "changing" };

static struct race {
	struct vfio_dev d;
	const struct dut *t;
	void *page;
	enum mode mode;
	atomic_bool stop;
	pthread_barrier_t end;
	atomic_ulong real, bus, eio, odd;
	atomic_ullong odd_val;
} m;

static void odd(uint64_t val)
{
	m.odd++;
	m.odd_val = val;
}

static void count(bool got, uint64_t val)
{
	if (!got)
		m.bus++;
	else if (val == m.t->known_val)
		m.real++;
	else
		odd(val);
}

/* By the mapping of all, by one of its own, and by read(). */
static void *toucher(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	const struct dut_reg *k = &m.t->known;

	void *page = dut_map(&m.d, k);

	while (!m.stop) {
		uint64_t val = 0;
		bool got;
		int ret;

		for (int i = rand_r(&seed) % 40; i && !m.stop; i--) {
			got = touch_read(rand_r(&seed) % 2 ? page : m.page, k, &val);
			count(got, val);
			if (m.mode == WAKE_MODE)
				sleep_ms(rand_r(&seed) % 120);
			else if (!(rand_r(&seed) % 8))
				sleep_ms(rand_r(&seed) % 8);
		}
		if (!zap_races()) {
			munmap(page, DUT_PAGE);
			page = dut_map(&m.d, k);
		}
		/* In mode sigbus it wakes the device, which shall sleep, too. */
		if (m.mode != WAKE_MODE && rand_r(&seed) % 8)
			continue;
		/* What the guest puts to sleep cannot be read; all else can. */
		ret = __dut_read(&m.d, k, &val);
		if (ret == -EIO && m.mode != WAKE_MODE)
			m.eio++;
		else
			count(!ret, val);
	}
	/* At the end nobody enters low power. */
	pthread_barrier_wait(&m.end);
	munmap(page, DUT_PAGE);
	return NULL;
}

static int one_look(void *arg)
{
	uint64_t val = 0;
	bool got = touch_read(m.page, &m.t->known, &val);

	(void)arg;
	return got && val != m.t->known_val;
}

/* Children that begin and end with copies of the mapping. */
static void *forker(void *arg)
{
	int status;

	(void)arg;
	while (!m.stop) {
		if (wait_child(rig_child(one_look, NULL), HANG_MS, &status) || status)
			odd(0xf0f0f0f0);
		sleep_ms(60);
	}
	return NULL;
}

static void one_turn(unsigned int *seed, bool guest)
{
	const struct dut_reg *k = &m.t->known;
	uint64_t val = 0;
	int ret;

	/* In mode wake it would hardly ever fall asleep among all those accesses. */
	if (m.mode == ALL_MODES)
		pci_set(m.d.pf, "rtd3/mmio", "sigbus");
	ret = guest ? __guest_set(&m.d, PCI_D3HOT) : __vfio_entry(&m.d);
	if (ret)
		odd(-ret);
	if (m.mode == ALL_MODES)
		sleep_ms(LOW_MS);
	for (int i = rand_r(seed) % 3; i >= 0; i--) {
		if (m.mode == ALL_MODES)
			pci_set(m.d.pf, "rtd3/mmio", modes[rand_r(seed) % ALL_MODES]);
		sleep_ms(rand_r(seed) % LOW_MS);
	}
	ret = guest ? __guest_set(&m.d, PCI_D0) : __vfio_exit(&m.d);
	if (ret)
		odd(-ret);
	/* From now on it is awake, by its user's word: the device, and nothing else. */
	dut_prepare(&m.d);
	if (!touch_read(m.page, k, &val) || val != m.t->known_val)
		odd(val);
	sleep_ms(rand_r(seed) % UP_MS);
}

static void one_round(enum mode mode)
{
	unsigned int seed = mode + 1, turns = 0;
	struct power first = power_get(1), last;
	pthread_t threads[3];
	uint64_t start;

	m.mode = mode;
	m.stop = false;
	m.real = 0;
	m.bus = 0;
	m.eio = 0;
	m.odd = 0;
	if (mode != ALL_MODES)
		pci_set(m.d.pf, "rtd3/mmio", modes[mode]);
	if (pthread_create(&threads[0], NULL, toucher, (void *)1ul) ||
	    pthread_create(&threads[1], NULL, toucher, (void *)2ul) ||
	    pthread_create(&threads[2], NULL, forker, NULL))
		die("start a thread");
	for (start = now_us(); since_ms(start) < ROUND_MS; turns++)
		one_turn(&seed, rand_r(&seed) % 2);
	m.stop = true;
	pthread_barrier_wait(&m.end);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	last = power_get(1);
	diag("%s: %u turns, %u _OFF: %lu real, %lu SIGBUS, %lu EIO", modes[mode], turns,
	     last.off - first.off, m.real, m.bus, m.eio);
	check(!m.odd, "%s: every access gets what it may get (%lu do not, 0x%llx)", modes[mode],
	      m.odd, (unsigned long long)m.odd_val);
	check(last.off - first.off >= MIN_SLEEPS, "%s: it really slept", modes[mode]);
	check(m.real, "%s: the device was reached", modes[mode]);
	if (mode == SIGBUS_MODE)
		check(m.bus, "%s: SIGBUS", modes[mode]);
}

RIG_TEST(mmio_race, "accesses to BARs against sleep, wake and rtd3/mmio")
{
	rig_load();
	rig_bind_all();
	rig_autosuspend("0");
	pci_set(&rig.fn[0], "rtd3/promote", "always");
	vfio_open(&m.d, &rig.fn[0]);
	m.t = dut_locate(&m.d);
	touch_setup();
	pthread_barrier_init(&m.end, NULL, 3);
	m.page = dut_map(&m.d, &m.t->known);
	for (enum mode mode = 0; mode < MODES; mode++)
		one_round(mode);
	munmap(m.page, DUT_PAGE);
	check_known(&m.d, "after the rounds");
	vfio_close(&m.d);
}
