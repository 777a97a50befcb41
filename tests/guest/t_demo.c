// SPDX-License-Identifier: GPL-2.0-only
/*
 * The story, with figures for the host to print. Keys, in order: device, driver, kernel, bound,
 * cfg_awake, asleep_ms, state_asleep, cfg_asleep, on_asleep, off_asleep, open_ms, cfg_open,
 * known_register, entry_us, entry_asleep_ms, cfg_entry, exit_ms, cfg_exit, close_asleep_ms,
 * on_total, off_total, unbound; with our driver also suspends, resumes, failures, last_wake,
 * suspend_latency_us, resume_latency_us, wake_latency_max_us, time_d3cold_ms.
 */
#include <stdio.h>
#include <string.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

static void our_figures(const struct pci_fn *pf)
{
	static const char *const attrs[] = {
		"rtd3/stats/suspends", "rtd3/stats/resumes", "rtd3/stats/failures",
		"rtd3/last_wake", "rtd3/stats/suspend_latency_us",
		"rtd3/stats/resume_latency_us", "rtd3/stats/wake_latency_max_us",
		"rtd3/stats/time_d3cold_ms",
	};
	char buf[64];

	if (!rig.ours)
		return;
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		if (__pci_get(pf, attrs[i], buf, sizeof(buf)) > 0)
			figure(strrchr(attrs[i], '/') + 1, "%s", buf);
}

RIG_TEST(demo, "the story, with figures")
{
	const struct pci_fn *pf = &rig.fn[0];
	struct power p, first;
	const struct dut *t;
	struct vfio_dev d;
	uint64_t start;

	figure("device", "%s %04x:%04x", pf->name, pf->vendor, pf->device);
	figure("driver", "%s", rig.driver);
	figure("kernel", "%s", rig.release);
	rig_load();
	first = power_get(1);
	p = first;
	figure("cfg_awake", "%08x", power_cfg(pf, 0));

	rig_bind_all();
	figure("bound", "%s", pci_driver(pf));
	figure("asleep_ms", "%ld", check_asleep(pf, &p, "bound and unused"));
	figure("state_asleep", "%s", pci_get(pf, "power_state"));
	figure("cfg_asleep", "%08x", power_cfg(pf, 0));
	figure("on_asleep", "%u", p.on - first.on);
	figure("off_asleep", "%u", p.off - first.off);

	start = now_us();
	vfio_open(&d, pf);
	figure("open_ms", "%ld", since_ms(start));
	check_woken(pf, &p, "opened by a VFIO user");
	figure("cfg_open", "%08x", power_cfg(pf, 0));
	t = dut_locate(&d);
	check_known(&d, "opened by a VFIO user");
	figure("known_register", "%s 0x%llx", t->known.what,
	       (unsigned long long)dut_read(&d, &t->known));

	start = now_us();
	vfio_entry(&d);
	figure("entry_us", "%llu", (unsigned long long)(now_us() - start));
	figure("entry_asleep_ms", "%ld", check_asleep(pf, &p, "LOW_POWER_ENTRY"));
	figure("cfg_entry", "%08x", power_cfg(pf, 0));
	start = now_us();
	vfio_exit(&d);
	figure("exit_ms", "%ld", since_ms(start));
	check_woken(pf, &p, "LOW_POWER_EXIT");
	figure("cfg_exit", "%08x", power_cfg(pf, 0));
	check_known(&d, "LOW_POWER_EXIT");

	vfio_close(&d);
	figure("close_asleep_ms", "%ld", check_asleep(pf, &p, "closed"));
	our_figures(pf);
	for (int i = 0; i < rig.nr_fns; i++)
		pci_unbind(&rig.fn[i]);
	check_woken(pf, &p, "unbound");
	figure("on_total", "%u", p.on - first.on);
	figure("off_total", "%u", p.off - first.off);
	figure("unbound", "%s", pci_get(pf, "power/runtime_status"));
}
