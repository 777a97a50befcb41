// SPDX-License-Identifier: GPL-2.0-only
/* Module parameters: defaults for new devices; bad values are refused with the good ones. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "kmsg.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "rtd3.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

static int load(const char *param)
{
	const char *const argv[] = { "modprobe", rig.driver, param, NULL };

	return rig_run(argv);
}

static void check_param(const char *name, const char *want, const char *when)
{
	char path[128], buf[64] = "";

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", rig.module, name);
	__rig_read(path, buf, sizeof(buf));
	check_str(buf, want, "%s: parameter %s", when, name);
}

static void unload(void)
{
	if (rig_modprobe_remove(rig.driver))
		die("modprobe -r %s", rig.driver);
}

/* Refused, and a line in the log has all of the words. */
static void refused(const char *param, const char *words)
{
	char line[1024], list[64], *rest, *word;
	bool found = false;
	int kmsg, ret;

	kmsg = kmsg_open();
	ret = load(param);
	check(ret && !rig_module_loaded(rig.module), "%s refused (modprobe: exit %d)", param, ret);
	while (!found && kmsg_next(kmsg, line, sizeof(line))) {
		if (!strstr(line, rig.module))
			continue;
		found = true;
		snprintf(list, sizeof(list), "%s", words);
		rest = list;
		while ((word = strsep(&rest, " ")))
			found = found && strstr(line, word);
	}
	if (check(found, "%s: a line in the log with '%s'", param, words))
		diag("%s", line);
	close(kmsg);
	if (!ret)
		unload();
}

static void bad_values(void)
{
	char room[1200] = "ids=";

	refused("policy=bogus", "off d3hot d3cold");
	refused("policy=D3COLD", "off d3hot d3cold");
	refused("policy=2", "off d3hot d3cold");
	refused("policy=", "off d3hot d3cold");
	refused("mmio=ones", "sigbus wake");
	refused("mmio=zero", "sigbus wake");
	refused("autosuspend_ms=-5", "autosuspend_ms");
	refused("autosuspend_ms=soon", "autosuspend_ms");
	refused("autosuspend_ms=4294967296", "autosuspend_ms");
	refused("wake_timeout_ms=99", "wake_timeout_ms 100 60000");
	refused("wake_timeout_ms=60001", "wake_timeout_ms 100 60000");
	refused("wake_timeout_ms=-1", "wake_timeout_ms 100 60000");
	refused("wake_timeout_ms=long", "wake_timeout_ms 100 60000");
	refused("wake_timeout_ms=4294967396", "wake_timeout_ms 100 60000");
	refused("wake_timeout_ms=", "wake_timeout_ms 100 60000");
	refused("fallback_cycles=-1", "fallback_cycles");
	refused("fallback_cycles=some", "fallback_cycles");
	refused("fallback_cycles=4294967296", "fallback_cycles");
	refused("ids=zz", "ids");
	refused("ids=1b36", "ids");
	refused("ids=1b36:", "ids");
	refused("ids=1b36:0010x", "ids");
	refused("ids=1b36:0010:", "ids");
	refused("ids=1b36:0010,zz", "ids");
	memset(room + 4, '1', sizeof(room) - 5);
	check(load(room), "ids of 1195 digits refused");
	check(!rig_module_loaded(rig.module), "nothing is loaded");
}

static void policy(const struct pci_fn *pf)
{
	struct power p = power_get(1);

	check(!load("policy=d3hot"), "policy=d3hot");
	pci_bind(pf, rig.driver);
	check_rtd3(pf, "policy", "d3hot", "policy=d3hot");
	check_hot(pf, &p, "policy=d3hot");
	pci_set(pf, "rtd3/policy", "d3cold");
	check_asleep(pf, &p, "policy=d3hot, then d3cold for this device");
	unload();

	p = power_get(1);
	check(!load("policy=off"), "policy=off");
	check_rtd3(pf, "policy", "off", "policy=off, bound by driver_override");
	check_up(pf, &p, "policy=off");
	unload();

	p = power_get(1);
	check(!load("policy=d3cold"), "policy=d3cold");
	check_rtd3(pf, "policy", "d3cold", "policy=d3cold");
	check_asleep(pf, &p, "policy=d3cold");
	unload();
}

static void autosuspend(const struct pci_fn *pf)
{
	struct power p = power_get(1);

	check(!load("autosuspend_ms=50"), "autosuspend_ms=50");
	check_str(pci_get(pf, "power/autosuspend_delay_ms"), "50",
		  "autosuspend_ms=50: power/autosuspend_delay_ms");
	check_asleep(pf, &p, "autosuspend_ms=50");
	/* The user's own value lasts, and only for this device. */
	pci_set(pf, "power/autosuspend_delay_ms", "70");
	check_str(pci_get(pf, "power/autosuspend_delay_ms"), "70", "the user's own value");
	pci_unbind(pf);
	pci_bind(pf, rig.driver);
	check_str(pci_get(pf, "power/autosuspend_delay_ms"), "50", "bound again");
	unload();
	check(!load("autosuspend_ms=0"), "autosuspend_ms=0");
	check_str(pci_get(pf, "power/autosuspend_delay_ms"), "0", "autosuspend_ms=0");
	p = power_get(1);
	unload();
	check(!rig_modprobe(rig.driver), "no parameter");
	check_str(pci_get(pf, "power/autosuspend_delay_ms"), "1000", "no parameter");
	unload();
}

/* A default for devices that are bound later, as autosuspend_ms. */
static void wake_timeout(const struct pci_fn *pf)
{
	static const char *const bad[] = { "99", "60001", "-1", "soon" };
	struct power p = power_get(1);

	check(!load("wake_timeout_ms=100"), "wake_timeout_ms=100");
	check_rtd3(pf, "wake_timeout_ms", "100", "wake_timeout_ms=100");
	check_asleep(pf, &p, "wake_timeout_ms=100");
	pci_set(pf, "rtd3/wake_timeout_ms", "150");
	check_err(__rig_param_set("wake_timeout_ms", "60000"), 0, "wake_timeout_ms 60000, loaded");
	check_rtd3(pf, "wake_timeout_ms", "150", "the parameter changed: a bound device");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_err(__rig_param_set("wake_timeout_ms", bad[i]), -EINVAL,
			  "wake_timeout_ms %s, loaded", bad[i]);
	pci_unbind(pf);
	pci_bind(pf, rig.driver);
	check_rtd3(pf, "wake_timeout_ms", "60000", "bound again");
	unload();
	check(!load("wake_timeout_ms=60000"), "wake_timeout_ms=60000");
	check_rtd3(pf, "wake_timeout_ms", "60000", "wake_timeout_ms=60000");
	unload();
	check(!rig_modprobe(rig.driver), "no parameter");
	check_rtd3(pf, "wake_timeout_ms", "1000", "no parameter");
	unload();
}

/* For all devices, at any time. */
static void fallback_cycles(const struct pci_fn *pf)
{
	struct power p;
	struct vfio_dev d;

	check(!rig_modprobe(rig.driver), "no parameter");
	check_param("fallback_cycles", "0", "no parameter");
	unload();
	check(!load("fallback_cycles=4294967295"), "fallback_cycles=4294967295");
	check_param("fallback_cycles", "4294967295", "fallback_cycles=4294967295");
	unload();
	p = power_get(1);
	check(!load("fallback_cycles=1"), "fallback_cycles=1");
	check_param("fallback_cycles", "1", "fallback_cycles=1");
	check_asleep(pf, &p, "fallback_cycles=1");
	/* Nothing to lift: the wake that would have done it changes nothing. */
	vfio_open(&d, pf);
	check_known(&d, "fallback_cycles=1");
	vfio_close(&d);
	check_asleep(pf, &p, "fallback_cycles=1, a wake later");
	check_rtd3(pf, "fallback", "none", "fallback_cycles=1, a wake later");
	check_rtd3(pf, "limit", "d3cold", "fallback_cycles=1, a wake later");
	check_err(__rig_param_set("fallback_cycles", "x"), -EINVAL, "fallback_cycles x, loaded");
	check_err(__rig_param_set("fallback_cycles", "-1"), -EINVAL, "fallback_cycles -1, loaded");
	check_err(__rig_param_set("fallback_cycles", "4294967296"), -ERANGE,
		  "fallback_cycles 4294967296, loaded");
	check_param("fallback_cycles", "1", "after refused values");
	check_err(__rig_param_set("fallback_cycles", "0"), 0, "fallback_cycles 0, loaded");
	check_param("fallback_cycles", "0", "fallback_cycles 0, loaded");
	unload();
}

static void ids(const struct pci_fn *pf)
{
	struct power p = power_get(1);
	struct vfio_dev d;
	char param[64];

	pci_set(pf, "driver_override", "\n");
	check(!rig_modprobe(rig.driver), "no parameter");
	check_str(pci_driver(pf), "", "neither ids nor driver_override");
	unload();

	check(!load("ids=ffff:0001"), "ids of another device");
	check_str(pci_driver(pf), "", "ids of another device: driver");
	unload();

	snprintf(param, sizeof(param), "ids=ffff:0001,%04x:%04x", pf->vendor, pf->device);
	check(!load(param), "%s", param);
	check_str(pci_driver(pf), rig.driver, "%s: driver", param);
	if (rig.has_other && rig.other.device == pf->device)
		check_str(pci_driver(&rig.other), rig.driver, "%s: the other one's driver", param);
	check_asleep(pf, &p, param);
	vfio_open(&d, pf);
	check_known(&d, param);
	vfio_close(&d);
	unload();

	/* All fields, with PCI_ANY_ID as vfio-pci's users write it, and one that does not fit. */
	snprintf(param, sizeof(param), "ids=%04X:%04X:ffffffff:ffffffff:%06x:ffffff", pf->vendor,
		 pf->device, pf->class);
	check(!load(param), "%s", param);
	check_str(pci_driver(pf), rig.driver, "%s: driver", param);
	unload();
	snprintf(param, sizeof(param), "ids=%04x:%04x:1234", pf->vendor, pf->device);
	check(!load(param), "%s", param);
	check_str(pci_driver(pf), "", "%s: driver", param);
	unload();
}

RIG_TEST(params, "module parameters")
{
	const struct pci_fn *pf = &rig.fn[0];

	/* The other modules stay, so that only ours comes and goes. */
	rig_load();
	unload();
	rig_modprobe("vfio-pci");
	if (*pci_driver(pf))
		pci_unbind(pf);
	bad_values();
	policy(pf);
	autosuspend(pf);
	wake_timeout(pf);
	fallback_cycles(pf);
	ids(pf);
	check(!load("policy=d3cold"), "load at the end");
}
