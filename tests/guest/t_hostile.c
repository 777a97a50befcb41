// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user that does anything with its device, at random, from several threads: it has to come back
 * for the next one, every call has to return what is documented, and nobody else may feel it. The
 * host's log is looked at by the rig.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "guest.h"
#include "iommufd.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "touch.h"
#include "vfio.h"

#define RUN_MS		10000
/* On a slow machine, longer, until every call was made. */
#define RUN_MAX_MS	120000
#define THREADS		4
#define ERRNOS		134
#define CFG		256
#define HANG_MS		60000
#define KEPT		4096
#define IOVA		0x10000000ull

enum op {
	CFG_READ, CFG_WRITE, CFG_PMCSR, CFG_PR3, CFG_COMMAND, CFG_BAR, BAR_READ, BAR_WRITE, TOUCH,
	MAP, ENTER, ENTER_WAKE, ENTER_SHADOW, EXIT, INFO, RESET, IRQS, SYSFS, HOST_READ, PAUSE,
	ATTACH, DMA, OPS
};

/*
 * struct op_info - what may be done, and what comes of it
 * @what: its name
 * @share: how often it is done
 * @ok: which errors are documented, 0 at the end
 */
static const struct op_info {
	const char *what;
	int share;
	int ok[4];
} ops[OPS] = {
	[CFG_READ] = { "config read", 20, { EIO } },
	[CFG_WRITE] = { "config write", 8, { EIO } },
	[CFG_PMCSR] = { "PMCSR write", 10, { EIO } },
	[CFG_PR3] = { "virtual _PR3 write", 8, { EIO } },
	[CFG_COMMAND] = { "COMMAND write", 6, { EIO } },
	[CFG_BAR] = { "BAR register write", 6, { EIO } },
	/* Decoding may be off, or the guest may have put it to sleep. */
	[BAR_READ] = { "BAR read", 8, { EIO } },
	[BAR_WRITE] = { "BAR write", 6, { EIO } },
	[TOUCH] = { "mapped access", 12, { 0 } },
	[MAP] = { "mmap, access, munmap", 4, { 0 } },
	/* In low power already. */
	[ENTER] = { "ENTRY", 6, { EINVAL, EIO } },
	[ENTER_WAKE] = { "ENTRY_WITH_WAKEUP", 4, { EINVAL, EIO } },
	[ENTER_SHADOW] = { "POWER, shadow", 6, { EINVAL, EIO } },
	[EXIT] = { "EXIT", 8, { EIO } },
	[INFO] = { "INFO", 2, { 0 } },
	/* Another reset is under way, or the host looks at the device. */
	[RESET] = { "RESET", 1, { EAGAIN, EIO } },
	/* The index is in use by another kind, or the device does not have it. */
	[IRQS] = { "SET_IRQS", 2, { EINVAL, EIO } },
	[SYSFS] = { "rtd3/ write", 6, { 0 } },
	[HOST_READ] = { "read by the host", 2, { 0 } },
	[PAUSE] = { "pause", 12, { 0 } },
	/* Only of a cdev. A device that is being reset takes no address space. */
	[ATTACH] = { "ATTACH or DETACH", 4, { EBUSY } },
	[DMA] = { "IOAS_MAP, IOAS_UNMAP", 4, { 0 } },
};

struct hostile {
	pthread_t thread;
	int nr;
	unsigned int seed;
	unsigned long calls[OPS];
	unsigned long err[OPS][ERRNOS];
	unsigned long bus;
	void *kept[KEPT];
	int nr_kept;
};

static struct vfio_dev dev;
static const struct dut *dut;
static unsigned int pmcsr, pr3;
static uint8_t *shared;
static struct iommufd io = { .fd = -1 };
static int efd;
static atomic_bool stop;
static uint8_t memory[DUT_PAGE] __attribute__((aligned(DUT_PAGE)));

static int result(long ret)
{
	return ret < 0 ? -errno : 0;
}

/* One to eight bytes at any place; PCI_EXP_DEVCTL and the like is the core's to guard. */
static int config(struct hostile *h, unsigned int pos, bool write)
{
	uint64_t base = dev.region[VFIO_PCI_CONFIG_REGION_INDEX].offset;
	uint8_t buf[8];
	size_t len = 1 + rand_r(&h->seed) % 8;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = rand_r(&h->seed) >> 7;
	if (pos + len > CFG)
		len = CFG - pos;
	return result(write ? pwrite(dev.fd, buf, len, base + pos) :
			      pread(dev.fd, buf, len, base + pos));
}

static int bar(struct hostile *h, bool write)
{
	uint64_t off = rand_r(&h->seed) % dev.region[dut->known.bar].size & ~3ull;
	uint32_t val = rand_r(&h->seed);

	off += dev.region[dut->known.bar].offset;
	return result(write ? pwrite(dev.fd, &val, 4, off) : pread(dev.fd, &val, 4, off));
}

static void touch(struct hostile *h, void *page)
{
	struct dut_reg r = dut->known;
	uint64_t val;
	bool got;

	r.off = rand_r(&h->seed) % DUT_PAGE & ~3u;
	if (rand_r(&h->seed) % 3)
		got = touch_read(page, &r, &val);
	else
		got = touch_write(page, &r, rand_r(&h->seed));
	h->bus += !got;
}

static int map(struct hostile *h)
{
	void *page = vfio_mmap(&dev, dut->known.bar, 0, DUT_PAGE);

	if (page == MAP_FAILED)
		return -errno;
	touch(h, page);
	if (!zap_races())
		munmap(page, DUT_PAGE);
	else if (h->nr_kept < KEPT)
		h->kept[h->nr_kept++] = page;
	return 0;
}

static int enter_shadow(struct hostile *h)
{
	unsigned int r = rand_r(&h->seed);
	struct rtd3_power set = {
		.low_power_state = RTD3_LOW_POWER_ENTER,
		.deepest_state = r & 4 ? RTD3_STATE_D3HOT : RTD3_STATE_D3COLD,
		.flags = r & (RTD3_POWER_WAKEUP | RTD3_POWER_SHADOW),
		.wakeup_eventfd = r & RTD3_POWER_WAKEUP ? efd : 0,
	};

	return __rtd3_feature(&dev, VFIO_DEVICE_FEATURE_SET | RTD3_FEATURE_POWER, &set,
			      sizeof(set), -1);
}

static int irqs(struct hostile *h)
{
	int index = rand_r(&h->seed) % 3;

	if (rand_r(&h->seed) % 2)
		return __vfio_irq_disable(&dev, index);
	return __vfio_irq_trigger(&dev, index, 1, &efd);
}

static int sysfs(struct hostile *h)
{
	static const char * const writes[][2] = {
		{ "rtd3/promote", "never" }, { "rtd3/promote", "safe" },
		{ "rtd3/promote", "always" }, { "rtd3/promote", "always" },
		{ "rtd3/mmio", "sigbus" }, { "rtd3/mmio", "wake" },
		{ "rtd3/virtual_pr3", "1" }, { "rtd3/policy", "d3cold" },
	};
	int i = rand_r(&h->seed) % (sizeof(writes) / sizeof(writes[0]));

	return __pci_set(dev.pf, writes[i][0], writes[i][1]);
}

static int share(enum op op)
{
	return op < ATTACH || io.fd >= 0 ? ops[op].share : 0;
}

static int attach(struct hostile *h)
{
	uint32_t pt = io.ioas;

	return rand_r(&h->seed) % 2 ? __cdev_attach(&dev, &pt) : __cdev_detach(&dev);
}

static int dma(struct hostile *h)
{
	uint64_t iova = IOVA + h->nr * DUT_PAGE;

	return __ioas_map(&io, memory, DUT_PAGE, iova) ?: __ioas_unmap(&io, iova, DUT_PAGE);
}

static unsigned int random_pos(struct hostile *h)
{
	return rand_r(&h->seed) % CFG;
}

static int one_op(struct hostile *h, enum op op)
{
	struct rtd3_info info;

	switch (op) {
	case CFG_READ:
		return config(h, random_pos(h), false);
	case CFG_WRITE:
		return config(h, random_pos(h), true);
	case CFG_PMCSR:
		/* Mostly what drivers write. */
		if (rand_r(&h->seed) % 4)
			return __guest_set(&dev, rand_r(&h->seed) % 2 * 3);
		return config(h, pmcsr, true);
	case CFG_PR3:
		if (rand_r(&h->seed) % 4)
			return __vfio_write(&dev, VFIO_PCI_CONFIG_REGION_INDEX,
					    pr3 + RTD3_PR3_REQUEST, rand_r(&h->seed) % 2 * 3, 1);
		return config(h, pr3 + rand_r(&h->seed) % RTD3_PR3_SIZE, true);
	case CFG_COMMAND:
		if (rand_r(&h->seed) % 3)
			return __vfio_write(&dev, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND,
					    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
		return config(h, PCI_COMMAND, true);
	case CFG_BAR:
		return config(h, PCI_BASE_ADDRESS_0 + rand_r(&h->seed) % 24, true);
	case BAR_READ:
		return bar(h, false);
	case BAR_WRITE:
		return bar(h, true);
	case TOUCH:
		touch(h, shared);
		return 0;
	case MAP:
		return map(h);
	case ENTER:
		return __vfio_entry(&dev);
	case ENTER_WAKE:
		return __vfio_entry_wakeup(&dev, efd);
	case ENTER_SHADOW:
		return enter_shadow(h);
	case EXIT:
		return rand_r(&h->seed) % 2 ? __vfio_exit(&dev) : __rtd3_exit(&dev);
	case INFO:
		return __rtd3_info(&dev, &info);
	case RESET:
		return __vfio_reset(&dev);
	case IRQS:
		return irqs(h);
	case SYSFS:
		return sysfs(h);
	case HOST_READ:
		pci_sysfs_config32(dev.pf, 0);
		return 0;
	case ATTACH:
		return attach(h);
	case DMA:
		return dma(h);
	default:
		sleep_ms(rand_r(&h->seed) % 60);
		return 0;
	}
}

static void *hostile_main(void *arg)
{
	struct hostile *h = arg;
	int all = 0;

	for (int op = 0; op < OPS; op++)
		all += share(op);
	while (!stop) {
		int at = rand_r(&h->seed) % all, ret;
		enum op op = 0;

		while (at >= share(op))
			at -= share(op++);
		ret = one_op(h, op);
		h->calls[op]++;
		/* Fewer vectors than asked for is no error. */
		if (ret < 0 && -ret < ERRNOS)
			h->err[op][-ret]++;
	}
	return NULL;
}

static bool documented(enum op op, int err)
{
	for (size_t i = 0; i < sizeof(ops[op].ok) / sizeof(ops[op].ok[0]); i++)
		if (ops[op].ok[i] == err)
			return true;
	return false;
}

/* Those that nobody is to make are none. */
static bool all_called(const struct hostile *h)
{
	for (int op = 0; op < OPS; op++) {
		unsigned long calls = 0;

		for (int i = 0; i < THREADS; i++)
			calls += h[i].calls[op];
		if (!calls && share(op))
			return false;
	}
	return true;
}

static void tell(const struct hostile *h, int n)
{
	unsigned long bus = 0;
	char text[200];

	for (enum op op = 0; op < OPS; op++) {
		unsigned long calls = 0, bad = 0;
		int len = 0;

		if (!share(op))
			continue;
		text[0] = '\0';
		for (int i = 0; i < n; i++)
			calls += h[i].calls[op];
		for (int err = 1; err < ERRNOS; err++) {
			unsigned long times = 0;

			for (int i = 0; i < n; i++)
				times += h[i].err[op][err];
			if (!times)
				continue;
			if (!documented(op, err))
				bad += times;
			if (len < (int)sizeof(text) - 40)
				len += snprintf(text + len, sizeof(text) - len, ", %s %lu",
						strerrorname_np(err), times);
		}
		check(!bad && calls, "%s: %lu calls%s", ops[op].what, calls, text);
	}
	for (int i = 0; i < n; i++)
		bus += h[i].bus;
	diag("%lu SIGBUS", bus);
}

static void snapshot(const struct pci_fn *pf, uint32_t *to)
{
	for (unsigned int i = 0; i < CFG / 4; i++)
		to[i] = power_cfg(pf, 4 * i);
}

static void after(const struct pci_fn *pf, const char *when)
{
	struct vfio_dev d;
	struct power p;

	check_rtd3(pf, "health", "ok", when);
	check_rtd3(pf, "guest_state", "D0", when);
	vfio_open(&d, pf);
	check_known(&d, when);
	p = power_get(1);
	vfio_entry(&d);
	check_asleep(pf, &p, when);
	vfio_exit(&d);
	check_known(&d, when);
	vfio_close(&d);
}

static void hostile(bool cdev)
{
	const struct pci_fn *pf = &rig.fn[0];
	static struct hostile h[THREADS];
	uint32_t other[CFG / 4], now[CFG / 4];
	struct power first, last, power2 = power_get(2);
	unsigned int seed = now_us();
	uint64_t start;

	rig_load();
	rig_bind_all();
	rig_autosuspend("0");
	pci_set(pf, "rtd3/virtual_pr3", "1");
	diag("seed %u", seed);
	if (rig.has_other)
		snapshot(&rig.other, other);
	if (cdev) {
		iommufd_open(&io);
		iommufd_dev_open(&dev, &io, pf);
	} else {
		vfio_open(&dev, pf);
	}
	dut = dut_locate(&dev);
	pmcsr = guest_pmcsr(&dev);
	pr3 = guest_pr3(&dev);
	if (!pr3)
		die("a virtual _PR3");
	efd = vfio_eventfd();
	touch_setup();
	shared = vfio_mmap(&dev, dut->known.bar, 0, DUT_PAGE);
	if (shared == MAP_FAILED)
		die("map a BAR: %s", strerror(errno));
	first = power_get(1);

	for (int i = 0; i < THREADS; i++) {
		h[i].seed = seed + i;
		h[i].nr = i;
		if (pthread_create(&h[i].thread, NULL, hostile_main, &h[i]))
			die("start a thread");
	}
	start = now_us();
	sleep_ms(RUN_MS);
	while (!all_called(h) && since_ms(start) < RUN_MAX_MS)
		sleep_ms(100);
	stop = true;
	for (int i = 0; i < THREADS; i++) {
		struct timespec limit;

		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_sec += HANG_MS / 1000;
		if (pthread_timedjoin_np(h[i].thread, NULL, &limit))
			die("thread %d ends", i);
	}
	last = power_get(1);
	diag("%ld ms, %u _OFF, %u _ON", since_ms(start), last.off - first.off, last.on - first.on);
	tell(h, THREADS);
	check(last.off > first.off, "it really slept");
	check_rtd3(pf, "health", "ok", "still open");

	munmap(shared, DUT_PAGE);
	for (int i = 0; i < THREADS; i++)
		while (h[i].nr_kept)
			munmap(h[i].kept[--h[i].nr_kept], DUT_PAGE);
	vfio_close(&dev);
	after(pf, "the next user");
	check_asleep(pf, &last, "nobody uses it");
	if (!rig.has_other)
		return;
	snapshot(&rig.other, now);
	check(!memcmp(other, now, sizeof(now)), "config space of %s is as it was", rig.other.name);
	last = power_get(2);
	check(last.on == power2.on && last.off == power2.off, "its power, too");
}

RIG_TEST(hostile, "anything, at random, from several threads")
{
	hostile(false);
}

RIG_TEST(hostile_cdev, "anything to a cdev, at random, from several threads")
{
	hostile(true);
}
