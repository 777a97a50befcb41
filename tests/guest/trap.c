// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tap.h"
#include "trap.h"

/* Gives the page its content, and takes it away again when the one who waits has gone on. */
static void let_through(struct trap *t)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)t->page,
		.src = (uintptr_t)t->content,
		.len = TRAP_PAGE,
	};

	if (ioctl(t->fd, UFFDIO_COPY, &copy))
		die("UFFDIO_COPY: %s", strerror(errno));
	usleep(t->drop_us);
	if (madvise(t->page, TRAP_PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED: %s", strerror(errno));
}

static void *keeper(void *arg)
{
	struct trap *t = arg;

	for (int n = 0;; n++) {
		struct pollfd pfd = { .fd = t->fd, .events = POLLIN };
		struct uffd_msg msg;
		unsigned int at;

		if (poll(&pfd, 1, -1) != 1 || read(t->fd, &msg, sizeof(msg)) != sizeof(msg))
			die("userfaultfd: %s", strerror(errno));
		at = msg.arg.pagefault.address - (uintptr_t)t->page;
		if (t->at ? at == t->at : n >= t->lets)
			break;
		let_through(t);
	}
	*t->caught = true;
	return NULL;
}

/**
 * trap_set() - make the page, and watch it
 * @t: filled in but for @page and @fd; must stay where it is
 *
 * Only the end of the process releases those who are caught.
 */
void trap_set(struct trap *t)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_EXACT_ADDRESS };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;
	uint8_t *pages;

	t->fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (t->fd < 0 || ioctl(t->fd, UFFDIO_API, &api))
		die("userfaultfd: %s", strerror(errno));
	pages = mmap(NULL, 3 * TRAP_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (pages == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	memset(pages, 0, TRAP_PAGE);
	t->page = pages + TRAP_PAGE;
	reg.range.start = (uintptr_t)t->page;
	reg.range.len = TRAP_PAGE;
	if (ioctl(t->fd, UFFDIO_REGISTER, &reg) || pthread_create(&thread, NULL, keeper, t))
		die("UFFDIO_REGISTER: %s", strerror(errno));
}
