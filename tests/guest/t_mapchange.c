// SPDX-License-Identifier: GPL-2.0-only
/*
 * Not of the driver but of the machine: one CPU takes a device out of the memory map and puts it
 * back, while another one reads a register further up. QEMU 10.0 without tlb-sections.patch sends
 * some of these accesses to a wrong device, and in one of two runs dies of it. Where it does not,
 * and the access was the end of an interrupt, that CPU gets no timer any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

#define RUN_MS		10000
#define RUN_MAX_MS	60000
#define MIN_CHANGES	4000
#define MIN_READS	100000
#define PAUSE		300
#define NVME_VS		0x08

static atomic_bool stop;
static atomic_ulong reads, wrong;
static volatile const uint32_t *reg;

static void *reader(void *arg)
{
	const uint32_t want = *(uint32_t *)arg;

	while (!stop) {
		wrong += *reg != want;
		reads++;
		/* Be elsewhere, and not waiting for a lock of QEMU's, when the map changes. */
		for (volatile int i = 0; i < PAUSE; i++)
			;
	}
	return NULL;
}

static int open_attr(const struct pci_fn *pf, const char *attr)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", pf->name, attr);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

static void set_memory(int config, uint16_t command)
{
	if (pwrite(config, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		die("write config: %s", strerror(errno));
}

static bool enough(unsigned long changes)
{
	return changes >= MIN_CHANGES && reads >= MIN_READS;
}

RIG_TEST(mapchange, "accesses of a CPU while another one changes the memory map")
{
	unsigned long changes = 0;
	pthread_t thread;
	uint64_t start;
	uint32_t want;
	void *bar;
	int config;

	set_memory(open_attr(&rig.other, "config"), PCI_COMMAND_MEMORY);
	bar = mmap(NULL, getpagesize(), PROT_READ, MAP_SHARED, open_attr(&rig.other, "resource0"),
		   0);
	if (bar == MAP_FAILED)
		die("%s: mmap: %s", rig.other.name, strerror(errno));
	reg = (const uint32_t *)((const char *)bar + NVME_VS);
	want = *reg;
	check(want && want != UINT32_MAX, "%s: a register: %#x", rig.other.name, want);
	if (pthread_create(&thread, NULL, reader, &want))
		die("start a thread");
	config = open_attr(&rig.fn[0], "config");
	start = now_us();
	while (since_ms(start) < (enough(changes) ? RUN_MS : RUN_MAX_MS)) {
		set_memory(config, PCI_COMMAND_MEMORY);
		set_memory(config, 0);
		changes += 2;
	}
	stop = true;
	pthread_join(thread, NULL);
	check(enough(changes), "%lu changes, %lu reads", changes, reads);
	check(!wrong, "%lu of the reads wrong", wrong);
}
