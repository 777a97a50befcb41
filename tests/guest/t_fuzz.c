// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE with all kinds of arguments. A model says what each call must return;
 * nothing but a valid entry may change anything, and nothing may be said in the kernel log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dut.h"
#include "iommufd.h"
#include "kmsg.h"
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
#define UNKNOWN		(1u << 21)
#define HDR		sizeof(struct vfio_device_feature)
#define MAX_ARGSZ	4096
#define MAX_PAYLOAD	4096
#define STRIDE		61
#define CANARY		0xa5
#define SHOWN		10

enum kind { NONE, WAKEUP, POWER, INFO };

/**
 * struct feature - what is documented of a feature
 * @what: its name
 * @nr: its number
 * @known: whether there is such a feature for this device
 * @ops: GET, SET
 * @min: size of its payload
 * @enters: SET enters low power
 * @kind: of its payload
 */
static const struct feature {
	const char *what;
	uint32_t nr;
	bool known;
	uint32_t ops;
	size_t min;
	bool enters;
	enum kind kind;
} features[] = {
	{ "ENTRY", 3, true, SET, 0, true, NONE },
	{ "ENTRY_WITH_WAKEUP", 4, true, SET, 8, true, WAKEUP },
	{ "EXIT", 5, true, SET, 0, false, NONE },
	{ "POWER", RTD3_FEATURE_POWER, true, GET | SET, sizeof(struct rtd3_power), true, POWER },
	{ "INFO", RTD3_FEATURE_INFO, true, GET, sizeof(struct rtd3_info), false, INFO },
	{ "VF_TOKEN", 0, false, 0, 0, false, NONE },
	{ "0xf002", 0xf002, false, 0, 0, false, NONE },
	{ "0xffff", 0xffff, false, 0, 0, false, NONE },
};

#define FEATURES	(sizeof(features) / sizeof(features[0]))

/* Payloads, and what a SET with one of them has to return. */
struct payload {
	const char *what;
	union {
		struct rtd3_power power;
		struct vfio_device_low_power_entry_with_wakeup wakeup;
		uint8_t bytes[32];
	};
	int want;
	bool enters;
};

static struct fuzz {
	struct vfio_dev d;
	struct rtd3_region r;
	uint8_t *buf;
	unsigned long calls, bad, entered;
	bool engaged;
} fz;

static void complain(const struct feature *f, uint32_t flags, size_t argsz, const char *what,
		     int got, int want)
{
	if (fz.bad++ < SHOWN)
		diag("%s flags 0x%x argsz %zu, %s: got %d, want %d", f->what, flags >> 16, argsz,
		     what, got, want);
}

/* What is to be an eventfd, and is descriptor 0: that is none, if it is anything. */
static int zero_is_no_eventfd(void)
{
	return fcntl(0, F_GETFD) < 0 ? -EBADF : -EINVAL;
}

/* Up to where the payload is looked at; 1: it decides. */
static int expect(const struct feature *f, uint32_t flags, size_t argsz)
{
	if (argsz < HDR || flags & UNKNOWN)
		return -EINVAL;
	if (!(flags & PROBE) && flags & SET && flags & GET)
		return -EINVAL;
	if (!f->known)
		return -ENOTTY;
	if (flags & (GET | SET) & ~f->ops)
		return -EINVAL;
	if (flags & PROBE)
		return 0;
	if (!(flags & (GET | SET)) || argsz - HDR < f->min)
		return -EINVAL;
	return 1;
}

static int feature(void *arg)
{
	fz.calls++;
	return ioctl(fz.d.fd, VFIO_DEVICE_FEATURE, arg) < 0 ? -errno : 0;
}

/* The call is over: is low power as the model says? Leaves a fresh entry. */
static void look(const struct feature *f, uint32_t flags, size_t argsz, const char *what,
		 bool entered)
{
	bool is = rtd3_engaged(&fz.d, &fz.r);

	if (is != (fz.engaged || entered))
		complain(f, flags, argsz, "engaged", is, fz.engaged || entered);
	if (is == fz.engaged)
		return;
	fz.entered++;
	if (__vfio_exit(&fz.d) || rtd3_engaged(&fz.d, &fz.r))
		complain(f, flags, argsz, what, -1, 0);
}

static void one(const struct feature *f, uint32_t flags, size_t argsz, const struct payload *p)
{
	struct vfio_device_feature *h = (void *)fz.buf;
	int want = expect(f, flags, argsz), ret;
	bool entered = false, written = false;
	size_t room = argsz > HDR ? argsz - HDR : 0;

	memset(fz.buf, 0, MAX_ARGSZ + 64);
	memset(fz.buf + (argsz > HDR ? argsz : HDR), CANARY, 64);
	h->argsz = argsz;
	h->flags = flags | f->nr;
	memcpy(h->data, p->bytes, room < sizeof(p->bytes) ? room : sizeof(p->bytes));
	if (want == 1) {
		written = flags & GET;
		want = flags & GET || f->kind == NONE ? 0 : p->want;
		entered = flags & SET && f->enters && !want && (f->kind == NONE || p->enters);
		/* Enter while entered; what is wrong in another way is so first. */
		if (entered && fz.engaged) {
			want = -EINVAL;
			entered = false;
		}
		/* A valid exit would end what the caller wants to keep. */
		if (flags & SET && !want && !entered && fz.engaged)
			return;
	}
	ret = feature(fz.buf);
	if (ret != want)
		complain(f, flags, argsz, p->what, ret, want);
	for (int i = 0; i < 64; i++)
		if (fz.buf[(argsz > HDR ? argsz : HDR) + i] != CANARY) {
			complain(f, flags, argsz, "wrote behind argsz", i, -1);
			break;
		}
	for (size_t i = written ? f->min : argsz; !ret && HDR + i < argsz; i++)
		if (h->data[i]) {
			complain(f, flags, argsz, "tail is not zero", i, -1);
			break;
		}
	look(f, flags, argsz, p->what, entered);
}

static size_t payloads(const struct feature *f, struct payload *p, int efd, int null)
{
	const struct rtd3_power enter = { RTD3_LOW_POWER_ENTER, RTD3_STATE_D3HOT, 0, 0, 0, 0 };
	const struct rtd3_power wake = {
		RTD3_LOW_POWER_ENTER, RTD3_STATE_D3COLD, RTD3_POWER_WAKEUP, 0, efd, 0
	};
	size_t n = 0;

	p[n++] = (struct payload){ .what = "zero", .want = 0 };
	if (f->kind == WAKEUP) {
		p[0].want = zero_is_no_eventfd();
		p[n++] = (struct payload){ .what = "valid", .wakeup = { efd, 0 }, .enters = true };
		p[n++] = (struct payload){ .what = "null", .wakeup = { null, 0 }, .want = -EINVAL };
		p[n++] = (struct payload){ .what = "closed", .wakeup = { 999, 0 }, .want = -EBADF };
		p[n++] = (struct payload){ .what = "-1", .wakeup = { -1, 0 }, .want = -EINVAL };
		p[n++] = (struct payload){
			.what = "lowest", .wakeup = { INT32_MIN, 0 }, .want = -EINVAL
		};
	}
	if (f->kind == POWER) {
#define BAD(base, member, value, err)						\
do {										\
	p[n] = (struct payload){ .what = #member " " #value, .want = (err) };	\
	p[n].power = (base);							\
	p[n++].power.member = (value);						\
} while (0)
		struct rtd3_power leave = {};

		p[n++] = (struct payload){ .what = "enter", .power = enter, .enters = true };
		p[n++] = (struct payload){ .what = "wakeup", .power = wake, .enters = true };
		p[n] = p[n - 2];
		p[n++].power.deepest_state = RTD3_STATE_D3COLD;
		BAD(enter, low_power_state, 2, -EINVAL);
		BAD(enter, low_power_state, 0x80000001, -EINVAL);
		BAD(enter, low_power_state, ~0u, -EINVAL);
		BAD(enter, deepest_state, RTD3_STATE_UNKNOWN, -EINVAL);
		BAD(enter, deepest_state, RTD3_STATE_D0, -EINVAL);
		BAD(enter, deepest_state, 4, -EINVAL);
		BAD(enter, deepest_state, ~0u, -EINVAL);
		BAD(enter, flags, 4, -EINVAL);
		BAD(enter, flags, 1u << 31, -EINVAL);
		BAD(enter, reserved, 1, -EINVAL);
		BAD(enter, reserved2, 1, -EINVAL);
		BAD(enter, reserved2, 1u << 31, -EINVAL);
		BAD(enter, wakeup_eventfd, efd, -EINVAL);
		BAD(enter, wakeup_eventfd, -1, -EINVAL);
		BAD(wake, flags, 5, -EINVAL);
		BAD(wake, reserved, 1u << 31, -EINVAL);
		BAD(wake, reserved2, 1, -EINVAL);
		BAD(wake, deepest_state, RTD3_STATE_D0, -EINVAL);
		BAD(wake, wakeup_eventfd, -1, -EINVAL);
		BAD(wake, wakeup_eventfd, null, -EINVAL);
		BAD(wake, wakeup_eventfd, 999, -EBADF);
		BAD(leave, deepest_state, RTD3_STATE_D3HOT, -EINVAL);
		BAD(leave, deepest_state, RTD3_STATE_D3COLD, -EINVAL);
		BAD(leave, flags, RTD3_POWER_WAKEUP, -EINVAL);
		BAD(leave, reserved, 1, -EINVAL);
		BAD(leave, reserved2, 1, -EINVAL);
		BAD(leave, wakeup_eventfd, efd, -EINVAL);
	}
	p[n] = (struct payload){ .what = "ones", .want = -EINVAL };
	memset(p[n++].bytes, 0xff, sizeof(p->bytes));
	return n;
}

static const uint32_t flag_sets[] = {
	0, GET, SET, GET | SET, PROBE, PROBE | GET, PROBE | SET, PROBE | GET | SET,
	UNKNOWN, UNKNOWN | GET, UNKNOWN | SET, UNKNOWN | GET | SET,
	UNKNOWN | PROBE, UNKNOWN | PROBE | GET, UNKNOWN | PROBE | SET, UNKNOWN | PROBE | GET | SET,
};

#define FLAG_SETS	(sizeof(flag_sets) / sizeof(flag_sets[0]))

static void sizes_and_flags(const struct feature *f, int efd, int null)
{
	struct payload p[40];
	size_t n = payloads(f, p, efd, null);
	unsigned long calls = fz.calls, bad = fz.bad;

	for (size_t k = 0; k < FLAG_SETS; k++) {
		/*
		 * Sizes with a payload that changes nothing, all of them where it may end, and
		 * around the edge with each.
		 */
		for (size_t argsz = 0; argsz <= MAX_ARGSZ; argsz++)
			if (argsz <= 128 || !(argsz % STRIDE) || argsz == MAX_ARGSZ)
				one(f, flag_sets[k], argsz, &p[0]);
		for (size_t i = 0; i < n; i++) {
			one(f, flag_sets[k], HDR + f->min, &p[i]);
			if (f->min)
				one(f, flag_sets[k], HDR + f->min - 1, &p[i]);
			if (memcmp(p[i].what, "ones", 4))
				one(f, flag_sets[k], HDR + sizeof(p->bytes) + 8, &p[i]);
			one(f, flag_sets[k], 0, &p[i]);
		}
	}
	check(fz.bad == bad, "%s: %lu calls, %lu bad", f->what, fz.calls - calls, fz.bad - bad);
}

/* A tail that is not zero asks for something that this version does not know. */
static void tails(const struct feature *f)
{
	struct vfio_device_feature *h = (void *)fz.buf;
	unsigned long bad = fz.bad;

	for (size_t at = f->min; HDR + at < MAX_ARGSZ; at += 1 + at / 16) {
		int ret;

		memset(fz.buf, 0, MAX_ARGSZ);
		h->argsz = MAX_ARGSZ;
		h->flags = SET | f->nr;
		h->data[at] = 1;
		ret = feature(fz.buf);
		if (ret != -EINVAL)
			complain(f, SET, MAX_ARGSZ, "a tail", ret, -EINVAL);
		look(f, SET, MAX_ARGSZ, "a tail", false);
	}
	check(fz.bad == bad, "%s: SET with anything in the tail: EINVAL", f->what);
}

static void memory_one(const struct feature *f, uint8_t *at, uint32_t flags, size_t argsz,
		       size_t there, int want)
{
	uint8_t raw[HDR + sizeof(struct rtd3_power)] = {};
	struct vfio_device_feature *h = (void *)raw;
	int ret;

	h->argsz = argsz;
	h->flags = flags | f->nr;
	memcpy(at, raw, there < sizeof(raw) ? there : sizeof(raw));
	ret = feature(at);
	if (ret != want)
		complain(f, flags, argsz, "end of memory", ret, want);
	look(f, flags, argsz, "end of memory", false);
}

/* Memory that ends before the request does, and memory that cannot be read or written. */
static void memory(const struct feature *f)
{
	unsigned long bad = fz.bad, calls = fz.calls;
	uint8_t *page, *end;

	page = mmap(NULL, 2 * DUT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (page == MAP_FAILED || munmap(page + DUT_PAGE, DUT_PAGE))
		die("mmap: %s", strerror(errno));
	end = page + DUT_PAGE;
	for (size_t k = 0; k < FLAG_SETS; k++) {
		for (size_t there = 1; there < HDR + f->min; there++) {
			int want = there < HDR ? -EFAULT : expect(f, flag_sets[k], HDR + f->min);

			/* Exit has no payload; all that is read of the others is cut. */
			if (want == 1)
				want = -EFAULT;
			memory_one(f, end - there, flag_sets[k], HDR + f->min, there, want);
		}
		/* The struct is there, but not all that argsz claims. */
		if (f->min && expect(f, flag_sets[k], MAX_ARGSZ) == 1 && f->kind != WAKEUP)
			memory_one(f, end - HDR - f->min, flag_sets[k], MAX_ARGSZ, HDR + f->min,
				   -EFAULT);
	}

	/* Zeroes: SET would be EXIT, or be refused for what is in it. */
	for (size_t k = 0; k < FLAG_SETS; k++) {
		struct vfio_device_feature *h = (void *)page;
		int want = expect(f, flag_sets[k], HDR + f->min), ret;

		if (f->enters && f->kind != POWER && want == 1)
			continue;
		if (want == 1)
			want = flag_sets[k] & GET ? -EFAULT : 0;
		memset(page, 0, HDR + f->min);
		h->argsz = HDR + f->min;
		h->flags = flag_sets[k] | f->nr;
		mprotect(page, DUT_PAGE, PROT_READ);
		ret = feature(page);
		if (ret != want)
			complain(f, flag_sets[k], h->argsz, "read only", ret, want);
		mprotect(page, DUT_PAGE, PROT_NONE);
		ret = feature(page);
		if (ret != -EFAULT)
			complain(f, flag_sets[k], 0, "no access", ret, -EFAULT);
		ret = feature(NULL);
		if (ret != -EFAULT)
			complain(f, flag_sets[k], 0, "NULL", ret, -EFAULT);
		mprotect(page, DUT_PAGE, PROT_READ | PROT_WRITE);
		look(f, flag_sets[k], 0, "no access", false);
	}
	munmap(page, DUT_PAGE);
	check(fz.bad == bad, "%s: %lu calls with bad memory, %lu bad", f->what, fz.calls - calls,
	      fz.bad - bad);
}

/* Sizes that nobody can mean. What has no payload does not look at them. */
static void huge(const struct feature *f)
{
	static const uint32_t sizes[] = {
		HDR + MAX_PAYLOAD + 1, 1u << 20, 0x7fffffff, 0x80000000, 0xfffffff8, ~0u
	};
	unsigned long bad = fz.bad;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < FLAG_SETS; k++) {
			struct vfio_device_feature *h = (void *)fz.buf;
			int want = expect(f, flag_sets[k], sizes[i]), ret;

			if (want == 1 && f->enters && f->kind == NONE)
				continue;
			memset(fz.buf, 0, MAX_ARGSZ);
			h->argsz = sizes[i];
			h->flags = flag_sets[k] | f->nr;
			ret = feature(fz.buf);
			if (want == 1)
				want = f->kind == NONE ? 0 :
				       f->kind == WAKEUP ? zero_is_no_eventfd() : -EINVAL;
			if (ret != want)
				complain(f, flag_sets[k], sizes[i], "huge", ret, want);
			look(f, flag_sets[k], sizes[i], "huge", false);
		}
	}
	check(fz.bad == bad, "%s: huge sizes, %lu bad", f->what, fz.bad - bad);
}

static void random_calls(int count)
{
	unsigned long bad = 0;
	unsigned int seed = 7;

	for (int i = 0; i < count; i++) {
		struct vfio_device_feature *h = (void *)fz.buf;
		const struct feature *f = &features[rand_r(&seed) % FEATURES];
		int ret;

		for (int k = 0; k < 64; k++)
			fz.buf[k] = rand_r(&seed) % 4 ? 0 : rand_r(&seed);
		h->argsz = rand_r(&seed) % 80;
		h->flags = flag_sets[rand_r(&seed) % FLAG_SETS] | f->nr;
		ret = feature(fz.buf);
		bad += ret && ret != -EINVAL && ret != -ENOTTY && ret != -EBADF;
		if (rtd3_engaged(&fz.d, &fz.r))
			__vfio_exit(&fz.d);
	}
	check(!bad, "%d random calls: no other errno than EINVAL, ENOTTY, EBADF (%lu)", count, bad);
}

static void fuzz(bool cdev)
{
	const struct pci_fn *pf = &rig.fn[0];
	int kmsg, efd = vfio_eventfd(), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct rtd3_info before, after;
	struct iommufd io;
	char line[1024];
	struct power p;

	rig_load();
	rig_bind_all();
	fz.buf = malloc(MAX_ARGSZ + 128);
	if (!fz.buf || null < 0)
		die("memory and /dev/null");
	if (cdev) {
		iommufd_open(&io);
		iommufd_dev_open(&fz.d, &io, pf);
	} else {
		vfio_open(&fz.d, pf);
	}
	rtd3_region_find(&fz.d, &fz.r);
	/* An entry, which is valid, is not to become a power cycle, however slow the machine. */
	pci_set(pf, "power/autosuspend_delay_ms", "3600000");
	vfio_cfg(&fz.d, 0, 4);
	rtd3_region_info(&fz.d, &fz.r, &before);
	p = power_get(1);
	kmsg = kmsg_open();

	for (size_t i = 0; i < FEATURES; i++)
		sizes_and_flags(&features[i], efd, null);
	tails(&features[3]);
	for (size_t i = 0; i < FEATURES; i++)
		memory(&features[i]);
	for (size_t i = 0; i < FEATURES; i++)
		huge(&features[i]);
	random_calls(20000);

	/* Once more while low power is entered: nothing may leave it but a valid EXIT. */
	vfio_entry(&fz.d);
	fz.engaged = true;
	for (size_t i = 0; i < FEATURES; i++)
		sizes_and_flags(&features[i], efd, null);
	fz.engaged = false;
	check(rtd3_engaged(&fz.d, &fz.r), "low power stays entered");
	vfio_exit(&fz.d);

	check(!kmsg_count(kmsg, rig.module, line, sizeof(line)), "nothing in the kernel log %s",
	      line);
	rtd3_region_info(&fz.d, &fz.r, &after);
	check_eq(after.resumes, before.resumes, "resumes");
	check_eq(after.policy, before.policy, "policy");
	check_eq(after.limit, before.limit, "limit");
	check_eq(after.predicted, before.predicted, "predicted");
	check(fz.entered > 0 && after.entries - before.entries >= fz.entered,
	      "the valid entries among them did enter (%lu)", fz.entered);
	check(fz.calls > 30000, "%lu calls", fz.calls);
	figure("fuzz_calls", "%lu", fz.calls);

	/* Whatever counts references has them right. */
	pci_set(pf, "power/autosuspend_delay_ms", "0");
	check_no_off(&p, 1500, "after all those calls");
	check_known(&fz.d, "after all those calls");
	vfio_entry(&fz.d);
	check_asleep(pf, &p, "ENTRY after all those calls");
	vfio_exit(&fz.d);
	check_woken(pf, &p, "EXIT after all those calls");
	check_no_off(&p, 1500, "EXIT after all those calls");
	vfio_close(&fz.d);
	check_asleep(pf, &p, "close");
}

RIG_TEST(fuzz, "VFIO_DEVICE_FEATURE with all kinds of arguments")
{
	fuzz(false);
}

RIG_TEST(fuzz_cdev, "VFIO_DEVICE_FEATURE of a cdev with all kinds of arguments")
{
	fuzz(true);
}
