// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user whose memory is not there when the kernel touches it: a userfaultfd page keeps the call
 * waiting for as long as the user likes. That is the user's own affair. Whoever reads or writes
 * sysfs, or uses another device, must not wait for it, and the user can be killed.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "trap.h"
#include "vfio.h"

#define CAUGHT_MS	10000
#define BOUND_MS	10000	/* for anybody else, on a busy machine */
#define CROSS_MS	90000	/* for all rounds, where none hangs */
#define LATE_US		20000	/* a wake from D3cold takes longer */
#define SOON_US		200
#define MAX_JOBS	96
#define ROUNDS		4

#define SET		VFIO_DEVICE_FEATURE_SET
#define GET		VFIO_DEVICE_FEATURE_GET

/* What the processes of this test tell each other. */
static struct {
	atomic_bool caught, over;
	atomic_int ret;
	atomic_int job;
	atomic_ullong since;
	atomic_int rounds, bad;
} *shared;

/* What others do meanwhile: read a file, write to one, or something else. */
static struct job {
	char name[64];
	const char *val;
	void (*run)(void);
} jobs[MAX_JOBS];

static int nr_jobs;

static struct job *add(const char *name)
{
	if (nr_jobs == MAX_JOBS)
		die("room for %s", name);
	snprintf(jobs[nr_jobs].name, sizeof(jobs[0].name), "%.63s", name);
	return &jobs[nr_jobs++];
}

static void read_config(void)
{
	uint32_t val;

	for (unsigned int i = 0; i < 64; i += 4)
		__pci_sysfs_config32(&rig.fn[0], i, &val);
}

static void use_other(void)
{
	struct vfio_dev d;

	if (__vfio_open(&d, &rig.other))
		return;
	vfio_cfg(&d, PCI_VENDOR_ID, 4);
	__vfio_entry(&d);
	__vfio_exit(&d);
	vfio_close(&d);
}

static void rebind_other(void)
{
	__pci_unbind(&rig.other);
	__pci_bind(&rig.other, rig.driver);
}

static void add_jobs(void)
{
	static const char * const reads[] = {
		"power/runtime_status", "power/runtime_usage", "power_state", "d3cold_allowed",
		"uevent",
	};
	static const char * const writes[][2] = {
		{ "power/control", "on" }, { "power/control", "auto" },
		{ "d3cold_allowed", "0" }, { "d3cold_allowed", "1" },
	};
	static const char * const our_writes[][2] = {
		{ "rtd3/policy", "d3hot" }, { "rtd3/policy", "off" }, { "rtd3/policy", "d3cold" },
		{ "rtd3/mmio", "sigbus" }, { "rtd3/fallback", "none" }, { "rtd3/promote", "safe" },
		{ "rtd3/settle_ms", "0" },
	};
	static struct rtd3_file files[MAX_JOBS];
	int n;

	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		add(reads[i]);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		add(writes[i][0])->val = writes[i][1];
	add("config of it")->run = read_config;
	add("use of another device")->run = use_other;
	add("bind of another device")->run = rebind_other;
	if (!rig.ours)
		return;
	n = rtd3_files(&rig.fn[0], files, MAX_JOBS);
	for (int i = 0; i < n; i++)
		if (strcmp(files[i].path, "rtd3/recover"))
			add(files[i].path);
	for (size_t i = 0; i < sizeof(our_writes) / sizeof(our_writes[0]); i++)
		add(our_writes[i][0])->val = our_writes[i][1];
}

static void do_jobs(int from)
{
	char text[4096];

	for (int i = from; i < nr_jobs; i++) {
		shared->since = now_us();
		shared->job = i;
		if (jobs[i].run)
			jobs[i].run();
		else if (jobs[i].val)
			__pci_set(&rig.fn[0], jobs[i].name, jobs[i].val);
		else
			__pci_get(&rig.fn[0], jobs[i].name, text, sizeof(text));
	}
	_exit(0);
}

/* Each job is over in time; one that is not is left behind, in @hung. */
static int others(pid_t *hung, char *names, size_t size)
{
	int n = 0, from = 0, status;
	pid_t pid;

	names[0] = '\0';
	while (from < nr_jobs) {
		shared->since = now_us();
		shared->job = from;
		pid = fork();
		if (!pid)
			do_jobs(from);
		while (waitpid(pid, &status, WNOHANG) != pid) {
			if (since_ms(shared->since) < BOUND_MS) {
				sleep_ms(2);
				continue;
			}
			from = shared->job;
			snprintf(names + strlen(names), size - strlen(names), " %s%s%s",
				 jobs[from].name, jobs[from].val ? "=" : "",
				 jobs[from].val ?: "");
			hung[n++] = pid;
			break;
		}
		if (n && hung[n - 1] == pid)
			from++;
		else
			from = nr_jobs;
	}
	return n;
}

/**
 * struct wait - a call that touches the user's memory
 * @name: of it
 * @prepare: before the trap is set
 * @fill: the call's argument, and the trap's content
 * @call: made again and again until it is caught
 * @ours: there is none of it with stock vfio-pci
 * @once: what is in the trap's page is there at first, and is not looked at again
 */
struct wait {
	const char *name;
	void (*prepare)(struct vfio_dev *d);
	void (*fill)(struct vfio_dev *d, struct trap *t);
	int (*call)(struct vfio_dev *d, struct trap *t);
	bool ours;
	bool once;
};

/* The header of a feature is there, its payload is not. */
static struct vfio_device_feature *head(struct trap *t)
{
	return (void *)(t->page - sizeof(struct vfio_device_feature));
}

static int feature(struct vfio_dev *d, struct trap *t)
{
	return ioctl(d->fd, VFIO_DEVICE_FEATURE, head(t)) ? -errno : 0;
}

static int feature_in_page(struct vfio_dev *d, struct trap *t)
{
	return ioctl(d->fd, VFIO_DEVICE_FEATURE, t->page) ? -errno : 0;
}

static void fill_head(struct trap *t, uint32_t flags, size_t len)
{
	*head(t) = (struct vfio_device_feature){
		.argsz = sizeof(struct vfio_device_feature) + len,
		.flags = flags,
	};
}

static void fill_entry_wakeup(struct vfio_dev *d, struct trap *t)
{
	(void)d;
	fill_head(t, SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
		  sizeof(struct vfio_device_low_power_entry_with_wakeup));
}

static void fill_power_set(struct vfio_dev *d, struct trap *t)
{
	(void)d;
	fill_head(t, SET | RTD3_FEATURE_POWER, sizeof(struct rtd3_power));
}

/* The driver may look at the eventfd a second time, after its image was taken. */
static void fill_power_late(struct vfio_dev *d, struct trap *t)
{
	struct rtd3_power *power = (void *)t->content;

	fill_power_set(d, t);
	*power = (struct rtd3_power){
		.low_power_state = RTD3_LOW_POWER_ENTER,
		.deepest_state = RTD3_STATE_D3COLD,
		.flags = RTD3_POWER_WAKEUP | RTD3_POWER_SHADOW,
		.wakeup_eventfd = vfio_eventfd(),
	};
	t->at = offsetof(struct rtd3_power, wakeup_eventfd);
	t->drop_us = SOON_US;
}

static int power_late(struct vfio_dev *d, struct trap *t)
{
	int ret = feature(d, t);

	__vfio_exit(d);
	return ret;
}

static void fill_power_get(struct vfio_dev *d, struct trap *t)
{
	(void)d;
	fill_head(t, GET | RTD3_FEATURE_POWER, sizeof(struct rtd3_power));
}

static void fill_info(struct vfio_dev *d, struct trap *t)
{
	(void)d;
	fill_head(t, GET | RTD3_FEATURE_INFO, sizeof(struct rtd3_info));
}

static int config_read(struct vfio_dev *d, struct trap *t)
{
	off_t off = d->region[VFIO_PCI_CONFIG_REGION_INDEX].offset;

	return pread(d->fd, t->page, 64, off) < 0 ? -errno : 0;
}

static int config_write(struct vfio_dev *d, struct trap *t)
{
	off_t off = d->region[VFIO_PCI_CONFIG_REGION_INDEX].offset;

	return pwrite(d->fd, t->page, 4, off) < 0 ? -errno : 0;
}

static int pmcsr_write(struct vfio_dev *d, struct trap *t)
{
	off_t off = d->region[VFIO_PCI_CONFIG_REGION_INDEX].offset;

	off += vfio_find_cap(d, PCI_CAP_ID_PM, 0) + PCI_PM_CTRL;
	return pwrite(d->fd, t->page, 2, off) < 0 ? -errno : 0;
}

static void wait_suspended(const struct pci_fn *pf)
{
	uint64_t start = now_us();

	while (strcmp(pci_get(pf, "power/runtime_status"), "suspended")) {
		if (since_ms(start) > CAUGHT_MS)
			die("%s: asleep in low power", pf->name);
		sleep_ms(2);
	}
}

/* The device sleeps: the write has to wake it, and the memory goes meanwhile. */
static void fill_late(struct vfio_dev *d, struct trap *t)
{
	t->lets = 1;
	t->drop_us = LATE_US;
	vfio_entry(d);
	wait_suspended(d->pf);
}

static void low_power(struct vfio_dev *d)
{
	vfio_entry(d);
}

static void low_power_shadow(struct vfio_dev *d)
{
	struct rtd3_power power = {
		.low_power_state = RTD3_LOW_POWER_ENTER,
		.deepest_state = RTD3_STATE_D3COLD,
		.flags = RTD3_POWER_SHADOW,
	};

	if (__rtd3_feature(d, SET | RTD3_FEATURE_POWER, &power, sizeof(power), -1))
		die("entry with an image");
}

static void low_power_mmio_wake(struct vfio_dev *d)
{
	pci_set(d->pf, "rtd3/mmio", "wake");
	vfio_entry(d);
}

static int bar_read(struct vfio_dev *d, struct trap *t)
{
	const struct dut_reg *k = &dut_of(d->pf)->known;

	return pread(d->fd, t->page, 4, d->region[k->bar].offset + k->off) < 0 ? -errno : 0;
}

static int bar_write(struct vfio_dev *d, struct trap *t)
{
	const struct dut_reg *k = &dut_of(d->pf)->known;

	return pwrite(d->fd, t->page, 4, d->region[k->bar].offset + k->off) < 0 ? -errno : 0;
}

static int region_read(struct vfio_dev *d, struct trap *t)
{
	struct rtd3_region r;

	rtd3_region_find(d, &r);
	return pread(d->fd, t->page, 64, r.offset) < 0 ? -errno : 0;
}

static int set_irqs(struct vfio_dev *d, struct trap *t)
{
	struct vfio_irq_set *set = (void *)(t->page - sizeof(*set));

	*set = (struct vfio_irq_set){
		.argsz = sizeof(*set) + sizeof(int),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = 1,
	};
	return ioctl(d->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

static int hot_reset(struct vfio_dev *d, struct trap *t)
{
	struct vfio_pci_hot_reset *reset = (void *)(t->page - sizeof(*reset));

	*reset = (struct vfio_pci_hot_reset){
		.argsz = sizeof(*reset) + sizeof(int),
		.count = 1,
	};
	return ioctl(d->fd, VFIO_DEVICE_PCI_HOT_RESET, reset) ? -errno : 0;
}

static const struct wait waits[] = {
	{ .name = "feature 4", .fill = fill_entry_wakeup, .call = feature },
	{ .name = "feature 4, its header", .call = feature_in_page },
	{ .name = "config read", .call = config_read },
	{ .name = "config read in low power", .prepare = low_power, .call = config_read },
	{ .name = "config write", .call = config_write },
	{ .name = "config write that wakes", .fill = fill_late, .call = config_write },
	{ .name = "PMCSR write that wakes", .fill = fill_late, .call = pmcsr_write },
	{ .name = "BAR read", .call = bar_read },
	{ .name = "BAR read in low power", .prepare = low_power, .call = bar_read },
	{ .name = "BAR write", .call = bar_write },
	{ .name = "SET_IRQS", .call = set_irqs },
	{ .name = "hot reset", .call = hot_reset },
	{ .name = "POWER set", .fill = fill_power_set, .call = feature, .ours = true },
	{ .name = "POWER set, its eventfd", .fill = fill_power_late, .call = power_late,
	  .ours = true, .once = true },
	{ .name = "POWER get", .fill = fill_power_get, .call = feature, .ours = true },
	{ .name = "INFO get", .fill = fill_info, .call = feature, .ours = true },
	{ .name = "region read", .call = region_read, .ours = true },
	{ .name = "config read from the image", .prepare = low_power_shadow, .call = config_read,
	  .ours = true },
	{ .name = "BAR read with mmio=wake", .prepare = low_power_mmio_wake, .call = bar_read,
	  .ours = true },
};

static void holder(const struct wait *w)
{
	static struct trap trap;
	struct vfio_dev d;
	uint64_t start;

	vfio_open(&d, &rig.fn[0]);
	dut_prepare(&d);
	if (w->prepare)
		w->prepare(&d);
	trap.caught = &shared->caught;
	trap_set(&trap);
	if (w->fill)
		w->fill(&d, &trap);
	for (start = now_us(); since_ms(start) < CAUGHT_MS;)
		shared->ret = w->call(&d, &trap);
	shared->over = true;
	for (;;)
		pause();
}

static void one_wait(const struct wait *w, struct power *p)
{
	char names[300];
	pid_t pid, hung[MAX_JOBS];
	int n = 0, left = 0;
	uint64_t start = now_us();

	shared->caught = false;
	shared->over = false;
	pid = fork();
	if (!pid)
		holder(w);
	while (!shared->caught && !shared->over && since_ms(start) < 3 * CAUGHT_MS)
		sleep_ms(2);
	if (w->once)
		check(!shared->caught && shared->over, "%s: is read once (%d)", w->name,
		      shared->ret);
	else
		check(shared->caught && !shared->over, "%s: waits for its memory (%d)", w->name,
		      shared->ret);
	n = others(hung, names, sizeof(names));
	check(!n, "%s: nobody else waits (%d do:%s)", w->name, n, names);
	kill(pid, SIGKILL);
	check(!wait_child(pid, BOUND_MS, NULL), "%s: can be killed", w->name);
	for (int i = 0; i < n; i++)
		left += !!wait_child(hung[i], BOUND_MS, NULL);
	check(!left, "%s: then nobody waits any more (%d do)", w->name, left);
	if (rig.ours)
		pci_set(&rig.fn[0], "rtd3/mmio", "sigbus");
	check_asleep(&rig.fn[0], p, w->name);
}

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
}

static void setup(void)
{
	rig_load();
	rig_bind_all();
	if (!rig.has_other)
		die("a device below port 2");
	pci_bind(&rig.other, rig.driver);
	share();
}

RIG_TEST(hung_reader, "a user's missing memory keeps nobody else waiting")
{
	struct power p = power_get(1);

	setup();
	add_jobs();
	check_asleep(&rig.fn[0], &p, "bind");
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		if (rig.ours || !waits[i].ours)
			one_wait(&waits[i], &p);
}

/* Two devices in low power; each is written from memory that becomes the BAR of the other. */
static struct cross {
	struct vfio_dev d;
	void *page;
	pthread_t thread;
	int ret;
} cross[2];

static void *cross_write(void *arg)
{
	struct cross *c = arg;
	off_t off = c->d.region[VFIO_PCI_CONFIG_REGION_INDEX].offset;

	/* The vendor's id: nothing comes of it. */
	c->ret = pwrite(c->d.fd, c->page, 4, off) < 0 ? -errno : 0;
	return NULL;
}

static void map_over(void *page, int flags, int fd, off_t off)
{
	if (mmap(page, DUT_PAGE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, off) != page)
		die("mmap: %s", strerror(errno));
}

static void cross_round(void)
{
	for (int i = 0; i < 2; i++) {
		map_over(cross[i].page, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		vfio_entry(&cross[i].d);
	}
	for (int i = 0; i < 2; i++)
		wait_suspended(cross[i].d.pf);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&cross[i].thread, NULL, cross_write, &cross[i]))
			die("start a thread");
	/* Both have seen the memory, and wake their devices. */
	usleep(LATE_US);
	for (int i = 0; i < 2; i++) {
		const struct dut_reg *k = &dut_of(cross[!i].d.pf)->known;

		map_over(cross[i].page, MAP_SHARED, cross[!i].d.fd,
			 cross[!i].d.region[k->bar].offset + (k->off & ~(DUT_PAGE - 1)));
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(cross[i].thread, NULL);
		shared->bad += !!cross[i].ret;
		if (cross[i].ret)
			shared->ret = cross[i].ret;
	}
	for (int i = 0; i < 2; i++)
		__vfio_exit(&cross[i].d);
	shared->rounds++;
}

static void cross_all(void)
{
	const struct pci_fn *pf[2] = { &rig.fn[0], &rig.other };

	for (int i = 0; i < 2; i++) {
		pci_set(pf[i], "rtd3/mmio", "wake");
		vfio_open(&cross[i].d, pf[i]);
		dut_locate(&cross[i].d);
		cross[i].page = mmap(NULL, DUT_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	for (int i = 0; i < ROUNDS; i++)
		cross_round();
	_exit(0);
}

RIG_TEST(hung_bars, "config writes from the other device's BAR, both with mmio=wake: no deadlock")
{
	struct power p = power_get(1);
	int status = -1;
	pid_t pid;

	setup();
	check_asleep(&rig.fn[0], &p, "bind");
	pid = fork();
	if (!pid)
		cross_all();
	check(!wait_child(pid, CROSS_MS, &status) && !status,
	      "two devices, each written from the BAR of the other: both go on (round %d of %d)",
	      shared->rounds, ROUNDS);
	if (shared->rounds)
		check(!shared->bad, "all writes are made (%d not, %d)", shared->bad, shared->ret);
	if (status == -1) {
		kill(pid, SIGKILL);
		check(!wait_child(pid, 3 * BOUND_MS, NULL), "whoever waits can be killed");
	}
	check_asleep(&rig.fn[0], &p, "at the end");
}
