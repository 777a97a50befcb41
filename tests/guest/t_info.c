// SPDX-License-Identifier: GPL-2.0-only
/* RTD3_FEATURE_INFO, the region of the same content and rtd3/: one truth, seen without a wake. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define GET		VFIO_DEVICE_FEATURE_GET
#define SET		VFIO_DEVICE_FEATURE_SET
#define PROBE		VFIO_DEVICE_FEATURE_PROBE
#define ROUNDS		4
#define CLOCK_MS	2000

static const char *const state_names[] = { "unknown", "D0", "D3hot", "D3cold" };
static const char *const policy_names[] = { "", "off", "d3hot", "d3cold" };
static const char *const wake_names[] = {
	"none", "open", "exit", "config", "bar", "ioctl", "reset", "close", "host",
};

static const char *const health_names[] = { "ok", "degraded", "recovering", "failed" };
static const char *const fallback_names[] = { "", "off", "d3hot", "none" };
static const char *const reason_names[] = {
	"none", "link-down", "no-answer", "not-ready", "replaced", "power-state", "config-lost",
	"power-lost", "removed", "link-slower", "sibling-dead", "power-not-cut",
	"ids-lost",
};

static const char *name_of(const char *const *names, size_t nr, uint32_t val)
{
	return val < nr ? names[val] : "(invalid)";
}

#define NAME(names, val) name_of(names, sizeof(names) / sizeof(names[0]), val)

static uint64_t time_sum(const struct rtd3_info *i)
{
	return i->time_d0_ns + i->time_d3hot_ns + i->time_d3cold_ns;
}

static void check_consistent(const struct rtd3_info *i, const char *when)
{
	uint64_t wakes = 0, beyond = 0;

	for (int k = 0; k < RTD3_INFO_WAKES; k++) {
		wakes += i->wakes[k];
		if (k > RTD3_WAKE_HOST)
			beyond += i->wakes[k];
	}
	check_eq(i->size, sizeof(*i), "%s: size", when);
	check_eq(i->reserved, 0, "%s: reserved", when);
	check_eq(wakes, i->resumes, "%s: wakes add up to the resumes", when);
	check_eq(i->wakes[RTD3_WAKE_NONE] + beyond, 0, "%s: no wakes without a cause", when);
	check(i->suspends - i->resumes <= 1, "%s: %llu suspends, %llu resumes", when,
	      (unsigned long long)i->suspends, (unsigned long long)i->resumes);
	check(i->exits <= i->entries, "%s: %llu entries, %llu exits", when,
	      (unsigned long long)i->entries, (unsigned long long)i->exits);
	check_eq(i->failures, 0, "%s: failures", when);
	check_eq(i->recoveries, 0, "%s: recoveries", when);
	check_eq(i->health, RTD3_HEALTH_OK, "%s: health", when);
	check_eq(i->reason, RTD3_REASON_NONE, "%s: reason", when);
	check_eq(i->fallback, RTD3_STATE_D3COLD, "%s: fallback", when);
	check_eq(i->fallback_reason, RTD3_REASON_NONE, "%s: fallback_reason", when);
	check(i->ready_ns + i->verify_ns <= i->resume_ns, "%s: parts of a resume are no longer",
	      when);
	check(i->resume_ns <= i->resume_max_ns && i->wake_ns <= i->wake_max_ns,
	      "%s: the longest is the longest", when);
	check(!(i->flags & ~0xffu) && !(i->blocked_by & ~0xfu), "%s: flags 0x%x, blocked by 0x%x",
	      when, i->flags, i->blocked_by);
}

/* Nothing may change while this looks: no wake, no sleep. */
static void check_sysfs(const struct pci_fn *pf, const struct rtd3_info *i, const char *when)
{
	static const struct {
		const char *attr;
		size_t off;
		unsigned int unit;
	} nums[] = {
		{ "entries", offsetof(struct rtd3_info, entries), 1 },
		{ "suspends", offsetof(struct rtd3_info, suspends), 1 },
		{ "resumes", offsetof(struct rtd3_info, resumes), 1 },
		{ "failures", offsetof(struct rtd3_info, failures), 1 },
		{ "recoveries", offsetof(struct rtd3_info, recoveries), 1 },
		{ "suspend_latency_us", offsetof(struct rtd3_info, suspend_ns), 1000 },
		{ "resume_latency_us", offsetof(struct rtd3_info, resume_ns), 1000 },
		{ "resume_latency_max_us", offsetof(struct rtd3_info, resume_max_ns), 1000 },
		{ "wake_latency_us", offsetof(struct rtd3_info, wake_ns), 1000 },
		{ "wake_latency_max_us", offsetof(struct rtd3_info, wake_max_ns), 1000 },
		{ "ready_latency_us", offsetof(struct rtd3_info, ready_ns), 1000 },
		{ "verify_latency_us", offsetof(struct rtd3_info, verify_ns), 1000 },
	};
	char attr[32];

	for (size_t k = 0; k < sizeof(nums) / sizeof(nums[0]); k++) {
		uint64_t val;

		memcpy(&val, (const char *)i + nums[k].off, sizeof(val));
		check_eq(rtd3_num(pf, nums[k].attr), val / nums[k].unit, "%s: rtd3/stats/%s",
			 when, nums[k].attr);
	}
	for (int k = RTD3_WAKE_OPEN; k <= RTD3_WAKE_HOST; k++) {
		snprintf(attr, sizeof(attr), "wakes_%s", wake_names[k]);
		check_eq(rtd3_num(pf, attr), i->wakes[k], "%s: rtd3/stats/%s", when, attr);
	}
	check_rtd3(pf, "policy", NAME(policy_names, i->policy), when);
	check_rtd3(pf, "predicted", NAME(state_names, i->predicted), when);
	check_rtd3(pf, "state", NAME(state_names, i->state), when);
	check_last_wake(pf, NAME(wake_names, i->last_wake), when);
	check_rtd3(pf, "health", NAME(health_names, i->health), when);
	check_rtd3(pf, "health_reason", NAME(reason_names, i->reason), when);
	check_rtd3(pf, "fallback", NAME(fallback_names, i->fallback), when);
	check_rtd3(pf, "fallback_reason", NAME(reason_names, i->fallback_reason), when);
	if (i->last_state)
		check_rtd3(pf, "last_state", NAME(state_names, i->last_state), when);
	check(rtd3_num(pf, "time_d0_ms") + 1 >= i->time_d0_ns / 1000000 &&
	      rtd3_num(pf, "time_d3cold_ms") + 1 >= i->time_d3cold_ns / 1000000,
	      "%s: rtd3/stats/time_* not behind", when);
}

static void check_flags(struct vfio_dev *d, const struct rtd3_info *i)
{
	unsigned int cap = vfio_find_cap(d, PCI_CAP_ID_PM, 0);
	uint32_t pmc, ctrl;

	check(i->flags & RTD3_INFO_PR3_PORT, "PR3_PORT");
	check(!(i->flags & RTD3_INFO_PR3_DEVICE), "no PR3_DEVICE");
	if (!cap)
		die("a PM capability");
	pmc = power_cfg(d->pf, cap) >> 16;
	ctrl = power_cfg(d->pf, cap + PCI_PM_CTRL);
	check_eq(!!(i->flags & RTD3_INFO_NO_SOFT_RESET), !!(ctrl & PCI_PM_CTRL_NO_SOFT_RESET),
		 "NO_SOFT_RESET as in PMCSR");
	check_eq(!!(i->flags & RTD3_INFO_PME_D3HOT), !!(pmc & PCI_PM_CAP_PME_D3hot),
		 "PME_D3HOT as in PMC");
	check_eq(!!(i->flags & RTD3_INFO_PME_D3COLD), !!(pmc & PCI_PM_CAP_PME_D3cold),
		 "PME_D3COLD as in PMC");
}

/* What GET says while awake, and of what argsz it takes. */
static void requests(struct vfio_dev *d)
{
	struct {
		struct rtd3_info info;
		uint8_t tail[256];
	} big;
	struct rtd3_info info;
	int bad = 0;

	check_err(__rtd3_info(d, &info), 0, "INFO GET");
	check_consistent(&info, "open");
	check_flags(d, &info);
	check_eq(info.state, RTD3_STATE_D0, "open: state");
	check_eq(info.predicted, RTD3_STATE_D0, "open: predicted");
	check_eq(info.policy, RTD3_STATE_D3COLD, "open: policy");
	check_eq(info.limit, RTD3_STATE_D3COLD, "open: limit");
	check_eq(info.blocked_by, RTD3_BLOCKED_BY_DRIVER, "open: blocked by the driver only");
	check(!(info.flags & (RTD3_INFO_ENGAGED | RTD3_INFO_D3COLD)),
	      "open: neither ENGAGED nor D3COLD");

	check_err(__vfio_feature(d, PROBE | RTD3_FEATURE_INFO, NULL, 0, -1), 0, "PROBE");
	check_err(__vfio_feature(d, PROBE | GET | RTD3_FEATURE_INFO, NULL, 0, -1), 0, "PROBE|GET");
	check_err(__vfio_feature(d, PROBE | SET | RTD3_FEATURE_INFO, NULL, 0, -1), -EINVAL,
		  "PROBE|SET");
	check_err(__rtd3_feature(d, SET | RTD3_FEATURE_INFO, &info, sizeof(info), -1), -EINVAL,
		  "SET");
	check_err(__rtd3_feature(d, RTD3_FEATURE_INFO, &info, sizeof(info), -1), -EINVAL,
		  "neither GET nor SET");
	for (size_t n = 0; n < sizeof(info); n++) {
		memset(&info, 0x5a, sizeof(info));
		bad += __rtd3_feature(d, GET | RTD3_FEATURE_INFO, &info, sizeof(info), 8 + n) !=
		       -EINVAL;
		bad += info.size != 0x5a5a5a5a;
	}
	check(!bad, "argsz of less than the struct: EINVAL, nothing written (%d bad)", bad);

	memset(&big, 0x5a, sizeof(big));
	check_err(__rtd3_feature(d, GET | RTD3_FEATURE_INFO, &big, sizeof(big),
				 8 + sizeof(big) - 56), 0, "argsz of 200 more");
	check_eq(big.info.size, sizeof(info), "argsz of 200 more: size");
	bad = 0;
	for (size_t i = 0; i < sizeof(big.tail); i++)
		bad += big.tail[i] != (i < 200 ? 0 : 0x5a);
	check(!bad, "argsz of 200 more: 200 bytes of zero, and not one more (%d bad)", bad);
}

/* read() at any offset and size gives the same bytes as one read of all. */
static int partial(struct vfio_dev *d, const struct rtd3_region *r)
{
	/* Up to here nothing changes while the device sleeps. */
	const size_t still = offsetof(struct rtd3_info, time_d0_ns);
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 13, 64, 199 };
	uint8_t part[256], *all;
	struct rtd3_info info;
	int bad = 0;

	rtd3_region_info(d, r, &info);
	all = (uint8_t *)&info;
	for (size_t off = 0; off < sizeof(info); off++) {
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			size_t want = sizes[k], left = sizeof(info) - off, same;
			ssize_t n;

			memset(part, 0x5a, sizeof(part));
			n = pread(d->fd, part, want, r->offset + off);
			bad += n != (ssize_t)(want < left ? want : left) || part[want] != 0x5a;
			same = n < 0 || off >= still ? 0 : still - off;
			if (same > (size_t)n)
				same = n;
			bad += memcmp(part, all + off, same) != 0;
		}
	}
	return bad;
}

static void region_edges(struct vfio_dev *d, const struct rtd3_region *r)
{
	const uint64_t end = r->offset + r->size;
	uint8_t buf[4096] = {}, *ro;
	ssize_t n;

	n = pread(d->fd, buf, sizeof(buf), r->offset);
	check_eq(n, sizeof(struct rtd3_info), "read of 4096 bytes ends with the struct");
	n = pread(d->fd, buf, 16, end - 4);
	check_eq(n, 4, "read over the end is short");
	n = pread(d->fd, buf, 4, end);
	check_err(n < 0 ? -errno : n, -EINVAL, "read at the end");
	n = pread(d->fd, buf, 4, end + 0x10000);
	check_err(n < 0 ? -errno : n, -EINVAL, "read far behind the end");
	n = pread(d->fd, buf, 0, r->offset);
	check_eq(n, 0, "read of nothing");
	ro = mmap(NULL, DUT_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	n = pread(d->fd, ro, 8, r->offset);
	check_err(n < 0 ? -errno : 0, -EFAULT, "read to where nothing can be written");
	munmap(ro, DUT_PAGE);
	n = pwrite(d->fd, buf, 4, r->offset);
	check_err(n < 0 ? -errno : 0, -EINVAL, "write");
	n = pwrite(d->fd, buf, 1, r->offset + 3);
	check_err(n < 0 ? -errno : 0, -EINVAL, "write of one byte");
	n = pwrite(d->fd, buf, 8, end + 8);
	check_err(n < 0 ? -errno : 0, -EINVAL, "write behind the end");
}

/* What it costs to look at a device after a wake, against the wake itself. */
static void check_cost(const struct rtd3_info *i)
{
	figure("resume_us", "%llu", (unsigned long long)i->resume_ns / 1000);
	figure("ready_us", "%llu", (unsigned long long)i->ready_ns / 1000);
	figure("verify_us", "%llu", (unsigned long long)i->verify_ns / 1000);
	check(i->verify_ns > 0 && i->verify_ns * 100 < i->resume_ns,
	      "checks cost less than 1 %% of a resume: %llu of %llu ns",
	      (unsigned long long)i->verify_ns, (unsigned long long)i->resume_ns);
}

static void asleep(struct vfio_dev *d, const struct rtd3_region *r, struct power *p)
{
	struct rtd3_info a, b, got;
	uint64_t sum;

	rtd3_region_info(d, r, &a);
	check_consistent(&a, "asleep");
	check_sysfs(d->pf, &a, "asleep");
	check_eq(a.state, RTD3_STATE_D3COLD, "asleep: state");
	check_eq(a.predicted, RTD3_STATE_D3COLD, "asleep: predicted");
	check_eq(a.blocked_by, 0, "asleep: blocked by nobody");
	check_eq(a.flags & (RTD3_INFO_ENGAGED | RTD3_INFO_D3COLD),
		 RTD3_INFO_ENGAGED | RTD3_INFO_D3COLD, "asleep: ENGAGED and D3COLD");
	check_eq(partial(d, r), 0, "asleep: reads at every offset, in ten sizes: bad ones");
	region_edges(d, r);
	check_no_on(p, 500, "after all those reads and writes");
	rtd3_region_info(d, r, &b);
	check_eq(b.resumes, a.resumes, "resumes after those");
	check_eq(b.entries, a.entries, "entries after those");
	sum = time_sum(&b);
	check(sum > time_sum(&a) && b.time_d0_ns == a.time_d0_ns &&
	      b.time_d3hot_ns == a.time_d3hot_ns, "only the time in D3cold goes on");

	/* The feature itself is an ioctl, and those wake. */
	check_err(__rtd3_info(d, &got), 0, "INFO GET while asleep");
	check_woken(d->pf, p, "INFO GET while asleep");
	check_consistent(&got, "INFO GET while asleep");
	check_eq(got.wakes[RTD3_WAKE_IOCTL], b.wakes[RTD3_WAKE_IOCTL] + 1, "its own wake counted");
	check_eq(got.last_wake, RTD3_WAKE_IOCTL, "last wake");
	check_eq(got.last_state, RTD3_STATE_D3COLD, "last state");
	check_cost(&got);
	check_eq(got.state, RTD3_STATE_D0, "state");
	check_eq(got.flags & RTD3_INFO_ENGAGED, RTD3_INFO_ENGAGED, "still ENGAGED");
	check_asleep(d->pf, p, "after INFO GET");
}

/* Time goes on in one state or another, and never back. */
static void the_clock(struct vfio_dev *d, const struct rtd3_region *r)
{
	struct rtd3_info first, last, now;
	uint64_t start = now_us(), ms, sum;
	int back = 0, reads = 0, odd = 0;

	rtd3_region_info(d, r, &first);
	last = first;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t wait = now_us();

		while (since_ms(wait) < CLOCK_MS / ROUNDS) {
			uint64_t wakes = 0;

			rtd3_region_info(d, r, &now);
			for (int k = 0; k < RTD3_INFO_WAKES; k++)
				wakes += now.wakes[k];
			odd += wakes != now.resumes || now.suspends - now.resumes > 1;
			back += time_sum(&now) < time_sum(&last) ||
				now.time_d0_ns < last.time_d0_ns ||
				now.time_d3hot_ns < last.time_d3hot_ns ||
				now.time_d3cold_ns < last.time_d3cold_ns;
			last = now;
			reads++;
		}
		vfio_cfg(d, PCI_VENDOR_ID, 4);
	}
	rtd3_region_info(d, r, &now);
	ms = since_ms(start);
	sum = (time_sum(&now) - time_sum(&first)) / 1000000;
	check(!back, "%d reads: no time goes back (%d did)", reads, back);
	check(!odd, "%d reads: counters add up in each (%d did not)", reads, odd);
	check(sum * 10 >= ms * 9 && sum * 10 <= ms * 11,
	      "times grow by %llu ms in %llu ms", (unsigned long long)sum, (unsigned long long)ms);
}

RIG_TEST(info, "RTD3_FEATURE_INFO, its region, rtd3/")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct rtd3_region r;
	struct vfio_dev d;
	struct power p;

	rig_load();
	check_bind_asleep(&p, "bind");
	check_reads(pf, &p, "all of rtd3/ read");
	vfio_open(&d, pf);
	rtd3_region_find(&d, &r);
	check_eq(r.size, sizeof(struct rtd3_info), "size of the region");
	check_eq(r.flags & (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
			    VFIO_REGION_INFO_FLAG_MMAP), VFIO_REGION_INFO_FLAG_READ,
		 "the region can be read only");
	check(mmap(NULL, DUT_PAGE, PROT_READ, MAP_SHARED, d.fd, r.offset) == MAP_FAILED,
	      "the region cannot be mapped");
	requests(&d);
	p = power_get(1);
	vfio_entry(&d);
	check_asleep(pf, &p, "ENTRY");
	asleep(&d, &r, &p);
	check_reads(pf, &p, "open, all of rtd3/ read");
	the_clock(&d, &r);
	vfio_exit(&d);
	check_known(&d, "EXIT");
	p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, &p, "close");
}
