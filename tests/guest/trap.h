/* SPDX-License-Identifier: GPL-2.0-only */
/* A page that is not there when it is touched: userfaultfd. */
#ifndef RIGTEST_TRAP_H
#define RIGTEST_TRAP_H

#include <stdatomic.h>
#include <stdint.h>

#define TRAP_PAGE	4096

/**
 * struct trap - a page, right behind one that is there
 * @page: the page
 * @content: what it has where a touch is let through
 * @lets: how many touches are; the next is kept waiting, for ever
 * @at: if not 0, only a touch at this offset is kept waiting, and all others are let through
 * @drop_us: so long after each of them the page is taken away again
 * @caught: somebody is kept waiting
 * @fd: of the userfaultfd
 */
struct trap {
	uint8_t *page;
	uint8_t content[TRAP_PAGE] __attribute__((aligned(TRAP_PAGE)));
	int lets;
	unsigned int at;
	unsigned int drop_us;
	atomic_bool *caught;
	int fd;
};

void trap_set(struct trap *t);

#endif
