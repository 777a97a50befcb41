// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#include "rig.h"
#include "tap.h"
#include "touch.h"

#define CHILD_MS	20000

static __thread sigjmp_buf touch_jump;

/**
 * zap_races() - may munmap() not run against an entry into low power?
 *
 * Before 6.10 the core goes by a list of mappings, and finds some that munmap() has detached and is
 * just taking apart. With any driver the kernel then warns in untrack_pfn(), now and then.
 */
bool zap_races(void)
{
	return rig.major == 6 && rig.minor < 10;
}

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(touch_jump, 1);
}

/** touch_setup() - let touch_*() survive SIGBUS, in all threads and children */
void touch_setup(void)
{
	struct sigaction sa = { .sa_handler = on_bus };

	sigaction(SIGBUS, &sa, NULL);
}

/**
 * touch_read() - read a register through a map that may not be there
 * @page: from dut_map()
 * @r: the register
 * @val: its value
 *
 * Return: false on SIGBUS.
 */
bool touch_read(const void *page, const struct dut_reg *r, uint64_t *val)
{
	if (sigsetjmp(touch_jump, 1))
		return false;
	*val = dut_load(page, r);
	return true;
}

/** touch_write() - write a register through a map; as touch_read() */
bool touch_write(void *page, const struct dut_reg *r, uint64_t val)
{
	volatile uint8_t *p = (volatile uint8_t *)page + (r->off & (DUT_PAGE - 1));

	if (sigsetjmp(touch_jump, 1))
		return false;
	switch (r->width) {
	case 1:
		*p = val;
		break;
	case 2:
		*(volatile uint16_t *)p = val;
		break;
	default:
		*(volatile uint32_t *)p = val;
	}
	return true;
}

struct place {
	const void *page;
	const struct dut_reg *r;
};

static int load(void *arg)
{
	const struct place *what = arg;

	signal(SIGBUS, SIG_DFL);
	dut_load(what->page, what->r);
	return 0;
}

/**
 * touch_signal() - what a process without a handler dies of when it reads through a map
 * @page: from dut_map(), by the way of fork()
 * @r: the register
 *
 * Return: the signal, or 0.
 */
int touch_signal(const void *page, const struct dut_reg *r)
{
	struct place what = { page, r };
	int status;

	if (wait_child(rig_child(load, &what), CHILD_MS, &status))
		die("a process that reads through a map ends");
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/** reg_ones() - what a register reads as when nothing answers */
uint64_t reg_ones(const struct dut_reg *r)
{
	return r->mask & ~0ull >> (64 - 8 * r->width);
}
