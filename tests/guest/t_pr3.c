// SPDX-License-Identifier: GPL-2.0-only
/* The virtual _PR3: where its capability is, and what each request makes of the device. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
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

#define CFG		256
#define OFF		RTD3_PR3_D3COLD
#define QUIET_MS	300
#define CHILD_MS	30000
#define GUEST_BAR	0xe8000000u

static struct pr3 {
	struct vfio_dev d;
	const struct pci_fn *pf;
	const struct dut *t;
	unsigned int pmcsr, pos;
	bool keeps;
	struct power p;
} m;

static void read_config(uint8_t *to)
{
	if (pread(m.d.fd, to, CFG, m.d.region[VFIO_PCI_CONFIG_REGION_INDEX].offset) != CFG)
		die("read config space");
}

static void open_it(void)
{
	struct rtd3_info info;

	vfio_open(&m.d, m.pf);
	m.t = dut_locate(&m.d);
	m.pmcsr = guest_pmcsr(&m.d);
	m.pos = guest_pr3(&m.d);
	if (__rtd3_info(&m.d, &info))
		die("RTD3_FEATURE_INFO");
	m.keeps = info.flags & RTD3_INFO_NO_SOFT_RESET;
}

static int request(unsigned int what)
{
	return __vfio_write(&m.d, VFIO_PCI_CONFIG_REGION_INDEX, m.pos + RTD3_PR3_REQUEST, what, 1);
}

static unsigned int status(void)
{
	return vfio_cfg(&m.d, m.pos + RTD3_PR3_STATUS, 1);
}

/* The bytes of the request, the status and the count, and the states they go with. */
static void check_says(unsigned int state, unsigned int flags, const char *guest, const char *when)
{
	check_eq(vfio_cfg(&m.d, m.pos + RTD3_PR3_REQUEST, 4), state | (state | flags) << 8,
		 "%s: request and status", when);
	check_rtd3(m.pf, "guest_state", guest, when);
	check_eq(vfio_cfg(&m.d, m.pmcsr, 2) & PCI_PM_CTRL_STATE_MASK,
		 strcmp(guest, "D0") ? PCI_D3HOT : PCI_D0, "%s: PMCSR", when);
}

static void off(const char *when)
{
	m.p = power_get(1);
	check_err(request(OFF), 0, "%s: off", when);
	check_asleep(m.pf, &m.p, when);
	check_says(OFF, status() & (RTD3_PR3_WOKEN | RTD3_PR3_FAILED), "D3cold", when);
	check_no_on(&m.p, QUIET_MS, when);
}

static bool bars_zero(void)
{
	uint32_t any = 0;

	for (int i = 0; i < 6; i++) {
		uint32_t bar = vfio_cfg(&m.d, PCI_BASE_ADDRESS_0 + 4 * i, 4);

		any |= bar & ~(bar & 1 ? 0x3u : 0xfu);
	}
	return !any;
}

/* As firmware and driver do it: _ON, then what the device has lost. */
static void set_up(const char *when)
{
	check_eq(vfio_cfg(&m.d, PCI_COMMAND, 2) &
		 (PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER), 0,
		 "%s: COMMAND", when);
	check_eq(power_cfg(m.pf, PCI_COMMAND) & PCI_COMMAND_MASTER, 0,
		 "%s: it does not master the bus", when);
	check(bars_zero(), "%s: BARs have lost their addresses", when);
	vfio_cfg_write(&m.d, PCI_BASE_ADDRESS_0, GUEST_BAR, 4);
	check_eq(vfio_cfg(&m.d, PCI_BASE_ADDRESS_0, 4) & ~0xfu, GUEST_BAR, "%s: BAR0 placed", when);
	check_mark_gone(&m.d, when);
	check_known(&m.d, when);
}

static void on(const char *when)
{
	unsigned int flags = status() & RTD3_PR3_WOKEN;

	check_err(request(RTD3_PR3_D0), 0, "%s: on", when);
	check_woken(m.pf, &m.p, when);
	check_rtd3(m.pf, "state", "D0", when);
	check_says(RTD3_PR3_D0, flags, "D0", when);
	set_up(when);
	check_no_off(&m.p, 700, when);
}

static void check_caps(void)
{
	uint8_t without[CFG], with[CFG], used[CFG] = { 0 };
	const struct pci_fn *pf = m.pf;
	unsigned int pos, last = 0, n = 0;
	static const uint8_t fixed[] = { PCI_CAP_ID_VNDR, 0, 16, 1, 'R', 'T', 'D', '3' };

	check_rtd3(pf, "virtual_pr3", "0", "by default");
	open_it();
	check_eq(guest_pr3(&m.d), 0, "by default: no capability");
	read_config(without);
	check_err(__pci_set(pf, "rtd3/virtual_pr3", "2"), -EINVAL, "virtual_pr3: 2");
	pci_set(pf, "rtd3/virtual_pr3", "1");
	check_eq(guest_pr3(&m.d), 0, "not before the next open");
	vfio_close(&m.d);
	open_it();
	read_config(with);
	if (!check(m.pos, "the capability is found (0x%x)", m.pos))
		die("a virtual _PR3");

	check_eq(with[PCI_STATUS] & PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST, "has capabilities");
	for (pos = with[PCI_CAPABILITY_LIST]; pos && n < 48; n++, pos = with[pos + 1]) {
		used[pos] = 1;
		if (pos > last && pos < m.pos)
			last = pos;
	}
	check(n < 48, "the list ends after %u capabilities", n);
	for (pos = without[PCI_CAPABILITY_LIST], n = 0; pos && n < 48; n++, pos = without[pos + 1])
		check(used[pos], "capability %02x at 0x%02x is in both lists", without[pos], pos);
	for (n = 0, pos = 0; pos < CFG; pos++)
		if ((pos < m.pos || pos >= m.pos + RTD3_PR3_SIZE) && pos != PCI_CAPABILITY_LIST)
			n += with[pos] != without[pos];
	check(!n, "%u bytes differ elsewhere", n);
	for (n = 0, pos = m.pos; pos < m.pos + RTD3_PR3_SIZE; pos++)
		n += without[pos] != 0 || (pos != m.pos && used[pos]);
	check(!n && !(m.pos & 3) && m.pos >= 0x40 && m.pos <= CFG - RTD3_PR3_SIZE,
	      "0x%02x is a free place (%u bytes in use)", m.pos, n);
	/* The one before it, by position, ends before it. */
	switch (with[last]) {
	case PCI_CAP_ID_EXP:
		check(last + PCI_CAP_EXP_ENDPOINT_SIZEOF_V2 <= m.pos, "behind PCI Express");
		break;
	case PCI_CAP_ID_PM:
		check(last + PCI_PM_SIZEOF <= m.pos, "behind power management");
		break;
	default:
		check(last + PCI_CAP_MSIX_SIZEOF <= m.pos, "behind %02x", with[last]);
	}
	for (n = 0, pos = 0; pos < RTD3_PR3_SIZE; pos++)
		if (pos != 1)
			n += with[m.pos + pos] != (pos < sizeof(fixed) ? fixed[pos] : 0);
	check(!n, "its bytes are as documented (%u are not)", n);
}

/* Every way to D3cold and out of it again. */
static void sequences(void)
{
	uint64_t val;

	dut_mark(&m.d);
	off("from D0");
	check_err(request(OFF), 0, "off, once more");
	guest_set(&m.d, PCI_D3HOT);
	guest_set(&m.d, PCI_D1);
	check_says(OFF, 0, "D3cold", "PMCSR written while off");
	check_err(__dut_read(&m.d, &m.t->known, &val), -EIO, "read() while off");
	check_no_on(&m.p, QUIET_MS, "PMCSR written while off");
	on("from D0");
	check_err(request(RTD3_PR3_D0), 0, "on, once more");
	check_known(&m.d, "on, once more");

	/* VMMs write D0 to PMCSR before they reset a device, and count on it. */
	off("before D0 by PMCSR");
	guest_set(&m.d, PCI_D0);
	check_woken(m.pf, &m.p, "D0 by PMCSR while off");
	check_says(RTD3_PR3_D0, 0, "D0", "D0 by PMCSR while off");
	dut_prepare(&m.d);
	check_known(&m.d, "D0 by PMCSR while off");

	pci_set(m.pf, "rtd3/promote", "never");
	dut_mark(&m.d);
	m.p = power_get(1);
	guest_set(&m.d, PCI_D3HOT);
	check_no_off(&m.p, 500, "D3hot, not promoted");
	check_says(RTD3_PR3_D0, 0, "D3hot", "D3hot, not promoted");
	/* Its requests are honoured whatever rtd3/promote says. */
	off("from D3hot");
	on("from D3hot");

	pci_set(m.pf, "rtd3/promote", "always");
	dut_mark(&m.d);
	m.p = power_get(1);
	guest_set(&m.d, PCI_D3HOT);
	check_asleep(m.pf, &m.p, "promoted");
	check_says(RTD3_PR3_D0, 0, "D3hot", "promoted");
	/* D3cold is what it is in already. */
	check_err(request(OFF), 0, "off, from promoted");
	check_says(OFF, 0, "D3cold", "off, from promoted");
	check_no_on(&m.p, QUIET_MS, "off, from promoted");
	on("from promoted");
	guest_set(&m.d, PCI_D0);
	check_known(&m.d, "PMCSR D0 after on");

	/* On is no way out of D3hot: the guest uses PMCSR for that. */
	m.p = power_get(1);
	guest_set(&m.d, PCI_D3HOT);
	wait_asleep(m.pf, &m.p);
	check_err(request(RTD3_PR3_D0), 0, "on in D3hot");
	check_says(RTD3_PR3_D0, 0, "D3hot", "on in D3hot");
	check_no_on(&m.p, QUIET_MS, "on in D3hot");
	guest_set(&m.d, PCI_D0);
	check_woken(m.pf, &m.p, "D0 after that");
	check_eq(vfio_cfg(&m.d, PCI_COMMAND, 2) & 6, m.keeps ? 6 : 0,
		 "D0 after that: COMMAND, No_Soft_Reset %d", m.keeps);
	check_known(&m.d, "D0 after that");
	pci_set(m.pf, "rtd3/promote", "safe");
}

static void widths(void)
{
	const int cfg = VFIO_PCI_CONFIG_REGION_INDEX;
	uint8_t all[RTD3_PR3_SIZE + 8], now[RTD3_PR3_SIZE];
	uint64_t base = m.d.region[cfg].offset;

	m.p = power_get(1);
	for (unsigned int i = 1; i < 256; i++) {
		if (i == OFF)
			continue;
		if (request(i) || status() != RTD3_PR3_FAILED)
			check(false, "request %u fails: 0x%x", i, status());
	}
	check_says(RTD3_PR3_D0, RTD3_PR3_FAILED, "D0", "requests that there are not");
	check_no_off(&m.p, 700, "requests that there are not");
	check_err(request(RTD3_PR3_D0), 0, "on while on");
	check_says(RTD3_PR3_D0, 0, "D0", "on while on");

	/* Whatever is read-only stays, in every width. */
	for (unsigned int i = 0; i < RTD3_PR3_SIZE; i++)
		if (i != RTD3_PR3_REQUEST)
			__vfio_write(&m.d, cfg, m.pos + i, 0xff, 1);
	__vfio_write(&m.d, cfg, m.pos, ~0ull, 4);
	__vfio_write(&m.d, cfg, m.pos + 12, ~0ull, 4);
	__vfio_write(&m.d, cfg, m.pos + 5, 0x0303, 2);
	check_says(RTD3_PR3_D0, 0, "D0", "read-only bytes written");
	check_eq(guest_pr3(&m.d), m.pos, "read-only bytes written: still found");

	/* Each of these covers the request byte with 3, and others with what they are. */
	static const struct {
		const char *what;
		int off, len;
	} wr[] = {
		{ "word", 8, 2 }, { "dword", 8, 4 }, { "unaligned dword", 6, 4 },
		{ "odd word", 7, 2 }, { "seven bytes", 5, 7 }, { "the whole", 0, 16 },
		{ "qword", 8, 8 }, { "from before to behind", -4, 24 },
	};
	for (size_t i = 0; i < sizeof(wr) / sizeof(wr[0]); i++) {
		uint64_t at = base + m.pos + wr[i].off;

		if (m.pos + wr[i].off + wr[i].len > CFG)
			continue;
		m.p = power_get(1);
		if (pread(m.d.fd, all, wr[i].len, at) != wr[i].len)
			die("read around the capability");
		all[RTD3_PR3_REQUEST - wr[i].off] = OFF;
		check_eq(pwrite(m.d.fd, all, wr[i].len, at), wr[i].len, "%s: off", wr[i].what);
		check_rtd3(m.pf, "guest_state", "D3cold", wr[i].what);
		check_asleep(m.pf, &m.p, wr[i].what);
		all[RTD3_PR3_REQUEST - wr[i].off] = RTD3_PR3_D0;
		check_eq(pwrite(m.d.fd, all, wr[i].len, at), wr[i].len, "%s: on", wr[i].what);
		check_rtd3(m.pf, "guest_state", "D0", wr[i].what);
		if (pread(m.d.fd, now, RTD3_PR3_SIZE, base + m.pos) != RTD3_PR3_SIZE)
			die("read the capability");
		check(now[0] == PCI_CAP_ID_VNDR && now[8] == 0 && (now[9] & 3) == 0,
		      "%s: the capability is whole", wr[i].what);
		dut_prepare(&m.d);
	}
	/* Only the whole one may have woken it with what it wrote elsewhere. */
	__vfio_write(&m.d, cfg, m.pos + RTD3_PR3_STATUS, RTD3_PR3_WOKEN, 1);
}

static void woken(void)
{
	uint32_t wakes = vfio_cfg(&m.d, m.pos + RTD3_PR3_WAKES, 4);
	char buf[4096];

	off("woken");
	for (int i = 1; i <= 2; i++) {
		check_eq(pci_sysfs_config32(m.pf, 0), pci_id(m.pf), "the host reads its config");
		check_eq(vfio_cfg(&m.d, m.pos + RTD3_PR3_WAKES, 4), wakes + i, "wakes");
		check_says(OFF, RTD3_PR3_WOKEN, "D3cold", "woken by the host");
		check_asleep(m.pf, &m.p, "woken by the host, and idle again");
		check_eq(status(), OFF | RTD3_PR3_WOKEN, "still said");
		vfio_cfg_write(&m.d, m.pos + RTD3_PR3_STATUS, 0x7f, 1);
		check_eq(status(), OFF | RTD3_PR3_WOKEN, "not cleared by zero");
		vfio_cfg_write(&m.d, m.pos + RTD3_PR3_STATUS, RTD3_PR3_WOKEN, 1);
		check_eq(status(), OFF, "cleared by one");
	}
	check(__pci_get(m.pf, "rtd3/guest_state", buf, sizeof(buf)) > 0, "rtd3/ is read");
	check_no_on(&m.p, QUIET_MS, "its flag read and cleared");
	on("woken");
	check_eq(vfio_cfg(&m.d, m.pos + RTD3_PR3_WAKES, 4), wakes + 2, "on is no such wake");
	pci_sysfs_config32(m.pf, 0);
	check_eq(status(), 0, "the host reads its config while on");
}

/* What the guest, or the VMM for it, does to a device that is off is nobody else's wake. */
static void own_wakes(void)
{
	uint32_t wakes = vfio_cfg(&m.d, m.pos + RTD3_PR3_WAKES, 4);
	void *page;
	uint64_t val = 0;

	off("own write");
	vfio_cfg_write(&m.d, PCI_CACHE_LINE_SIZE, 0x10, 1);
	check_no_on(&m.p, QUIET_MS, "own write");
	check_says(OFF, 0, "D3cold", "own write");
	check_eq(vfio_cfg(&m.d, m.pos + RTD3_PR3_WAKES, 4), wakes, "own write: wakes");
	on("own write");

	/* What was turned off is turned on. */
	page = dut_map(&m.d, &m.t->known);
	pci_set(m.pf, "rtd3/mmio", "wake");
	dut_mark(&m.d);
	off("own access");
	check(touch_read(page, &m.t->known, &val), "own access: no SIGBUS");
	check_eq(val & m.t->known.mask, m.t->known_val, "own access: %s", m.t->known.what);
	check_woken(m.pf, &m.p, "own access");
	check_says(RTD3_PR3_D0, 0, "D0", "own access");
	check_eq(vfio_cfg(&m.d, m.pos + RTD3_PR3_WAKES, 4), wakes, "own access: wakes");
	set_up("own access");
	check(touch_read(page, &m.t->known, &val) && val == m.t->known_val,
	      "own access: the mapping works again");
	pci_set(m.pf, "rtd3/mmio", "sigbus");
	munmap(page, DUT_PAGE);
	vfio_cfg_write(&m.d, m.pos + RTD3_PR3_STATUS, RTD3_PR3_WOKEN, 1);
}

static int open_and_off(void *arg)
{
	(void)arg;
	open_it();
	return !m.pos || request(OFF);
}

/* With nothing of the device's held by itself. */
static int unbind(void *arg)
{
	(void)arg;
	close(m.d.fd);
	close(m.d.own.fd);
	close(m.d.own.container);
	return -__pci_unbind(m.pf);
}

static void ends(void)
{
	pid_t pid;

	off("RESET");
	check_err(__vfio_reset(&m.d), 0, "RESET while off");
	check_eq(vfio_cfg(&m.d, m.pos + RTD3_PR3_REQUEST, 1), RTD3_PR3_D0, "RESET: request");
	check_rtd3(m.pf, "guest_state", "D0", "RESET while off");
	check_known(&m.d, "RESET while off");
	m.p = power_get(1);
	check_no_off(&m.p, 700, "RESET while off");

	off("close");
	vfio_close(&m.d);
	check_rtd3(m.pf, "guest_state", "D0", "closed while off");
	check_asleep(m.pf, &m.p, "closed while off");
	open_it();
	check_says(RTD3_PR3_D0, 0, "D0", "closed while off, opened");
	check_known(&m.d, "closed while off, opened");
	vfio_close(&m.d);

	m.p = power_get(1);
	pid = rig_holder(open_and_off, NULL, NULL);
	wait_asleep(m.pf, &m.p);
	check_rtd3(m.pf, "guest_state", "D3cold", "kill -9, before");
	rig_kill(pid, "while off");
	check_asleep(m.pf, &m.p, "kill -9 while off");
	open_it();
	check_says(RTD3_PR3_D0, 0, "D0", "kill -9, opened");
	check_known(&m.d, "kill -9, opened");

	/* Unbinding waits for the user. */
	off("unbind");
	pid = rig_child(unbind, NULL);
	check(child_in(pid, "vfio_unregister_group_dev", CHILD_MS), "unbind waits");
	check_eq(vfio_cfg(&m.d, m.pos, 1), PCI_CAP_ID_VNDR, "unbind waits, config is answered");
	vfio_close(&m.d);
	check_child(pid, CHILD_MS, "unbind while off");
	pci_bind(m.pf, rig.driver);
	check_rtd3(m.pf, "virtual_pr3", "0", "bound again");
	open_it();
	check_eq(m.pos, 0, "bound again: no capability");
	check_known(&m.d, "bound again");
	vfio_close(&m.d);
}

RIG_TEST(pr3, "virtual _PR3: the capability and its requests")
{
	m.pf = &rig.fn[0];
	rig_load();
	rig_bind_all();
	rig_autosuspend("50");
	touch_setup();
	check_caps();
	sequences();
	widths();
	woken();
	own_wakes();
	ends();
}
