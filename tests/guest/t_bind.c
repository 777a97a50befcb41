// SPDX-License-Identifier: GPL-2.0-only
/* Bind, unbind and reload, with the device awake and without power. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"
#include "vfio.h"

#define CYCLES		20
#define NATIVE_MS	20000

static void check_alias(void)
{
	char path[160], want[160], line[512];
	bool found = false;
	FILE *f;

	snprintf(want, sizeof(want), "alias vfio_pci:v*d*sv*sd*bc%ssc*i* %s\n",
		 rig.ours ? "03" : "*", rig.module);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.alias", rig.release);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = !strcmp(line, want);
	if (f)
		fclose(f);
	want[strlen(want) - 1] = '\0';
	check(found, "modules.alias has '%s'", want);
}

static bool group_node(int group)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	return !access(path, F_OK);
}

/* What vfio-pci leaves behind after unbind, and so must we. */
static void check_left(const struct pci_fn *pf, const char *override, const char *when)
{
	char buf[64];

	check_str(pci_driver(pf), "", "%s: driver", when);
	check_str(pci_get(pf, "driver_override"), override, "%s: driver_override", when);
	check_str(pci_get(pf, "power/control"), "on", "%s: power/control", when);
	check_str(pci_get(pf, "power/runtime_status"), "active", "%s: runtime_status", when);
	/* The attribute is readable only while autosuspend is in use. */
	check_err(__pci_get(pf, "power/autosuspend_delay_ms", buf, sizeof(buf)), -EIO,
		  "%s: autosuspend_delay_ms", when);
	check_eq(power_cfg(pf, 0), pci_id(pf), "%s: id as the hypervisor reads it", when);
	check(!group_node(pci_iommu_group(pf)), "%s: no vfio group", when);
	check(!pci_has(pf, "rtd3"), "%s: no rtd3 folder", when);
}

static void check_bound(const struct pci_fn *pf, int group, const char *when)
{
	check_str(pci_driver(pf), rig.driver, "%s: driver", when);
	check(group_node(group), "%s: /dev/vfio/%d", when, group);
	check(pci_iommu_group(pf) == group, "%s: IOMMU group %d", when, group);
	check_str(pci_get(pf, "power/control"), "auto", "%s: power/control", when);
	if (rig.ours)
		check(pci_has(pf, "rtd3/state"), "%s: rtd3 folder", when);
}

static void cycles(const struct pci_fn *pf)
{
	struct power before, p = power_get(1), first = p;
	int bad = 0, asleep = 0;

	for (int i = 0; i < CYCLES; i++) {
		before = p;
		pci_bind(pf, rig.driver);
		/* Every state in between: right after bind, while falling asleep, asleep. */
		if (i % 4 == 3)
			asleep += __wait_asleep(pf, &before, ASLEEP_TIMEOUT_MS) >= 0;
		else
			sleep_ms(i % 4 * 60);
		pci_unbind(pf);
		bad += power_cfg(pf, 0) != pci_id(pf);
		bad += strcmp(pci_get(pf, "power/runtime_status"), "active") != 0;
		p = power_get(1);
	}
	check(!bad, "%d times bind and unbind: in D0 after each (%d were not)", CYCLES, bad);
	check(asleep == CYCLES / 4, "%d of them in D3cold at unbind", asleep);
	check(p.on > first.on && p.off > first.off, "_ON and _OFF called (%u, %u times)",
	      p.on - first.on, p.off - first.off);
}

static void unload(const struct pci_fn *pf, struct power *p)
{
	int ret;

	pci_bind(pf, rig.driver);
	wait_asleep(pf, p);
	ret = rig_modprobe_remove(rig.driver);
	check(!ret, "modprobe -r while bound and in D3cold: exit %d", ret);
	check(!rig_module_loaded(rig.module), "/sys/module/%s is gone", rig.module);
	check_left(pf, rig.driver, "after modprobe -r");

	/* driver_override still names the driver: loading it binds the device again. */
	*p = power_get(1);
	ret = rig_modprobe(rig.driver);
	check(!ret, "modprobe again: exit %d", ret);
	check_str(pci_driver(pf), rig.driver, "after loading again: driver by driver_override");
	check_asleep(pf, p, "after loading again");
}

static bool native_works(const struct pci_fn *pf, const struct dut *t)
{
	uint64_t start = now_us();
	char path[128];

	do {
		struct dirent *e;
		DIR *d;

		if (!strcmp(t->name, "nvme"))
			snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/nvme", pf->name);
		else if (!strcmp(t->name, "gpu"))
			snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", pf->name);
		else
			snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net", pf->name);
		d = opendir(path);
		while (d && (e = readdir(d))) {
			char mac[32] = "", attr[300];

			if (!strcmp(t->name, "gpu") && !strncmp(e->d_name, "virtio", 6)) {
				closedir(d);
				return true;
			}
			if (e->d_name[0] == '.' || !strcmp(t->name, "gpu"))
				continue;
			if (!strcmp(t->name, "nvme")) {
				/* The namespace appears once the controller has answered. */
				snprintf(attr, sizeof(attr), "/sys/block/%.16sn1", e->d_name);
				if (access(attr, F_OK))
					continue;
				closedir(d);
				diag("native driver: %s", attr);
				return true;
			}
			snprintf(attr, sizeof(attr), "net/%.16s/address", e->d_name);
			__pci_get(pf, attr, mac, sizeof(mac));
			closedir(d);
			diag("native driver: %.16s %s", e->d_name, mac);
			return !strcmp(mac, "52:54:00:12:34:56");
		}
		if (d)
			closedir(d);
		sleep_ms(20);
	} while (since_ms(start) < NATIVE_MS);
	return false;
}

static void native(const struct pci_fn *pf, struct power *p)
{
	const struct dut *t = dut_of(pf);
	struct vfio_dev d;
	int ret;

	pci_unbind(pf);
	pci_set(pf, "driver_override", "\n");
	check_str(pci_get(pf, "driver_override"), "(null)", "driver_override taken back");
	rig_modprobe(t->native_module);
	ret = __pci_bind(pf, t->native);
	check_err(ret, 0, "native driver %s takes the device after D3cold", t->native);
	check(native_works(pf, t), "native driver %s works", t->native);

	pci_unbind(pf);
	*p = power_get(1);
	pci_bind(pf, rig.driver);
	check_asleep(pf, p, "bound again after the native driver");
	vfio_open(&d, pf);
	check_known(&d, "opened after the native driver");
	*p = power_get(1);
	vfio_close(&d);
	check_asleep(pf, p, "closed after the native driver");
}

RIG_TEST(bind, "bind, unbind, reload, in every power state")
{
	const struct pci_fn *pf = &rig.fn[0];
	int group = pci_iommu_group(pf);
	struct power p;
	char path[64];

	rig_load();
	check(rig_module_loaded(rig.module), "/sys/module/%s", rig.module);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", rig.driver);
	check(!access(path, F_OK), "%s", path);
	check_alias();
	check(group >= 0, "%s is in an IOMMU group (%d)", pf->name, group);
	if (*pci_driver(pf))
		pci_unbind(pf);
	check(!group_node(group), "no vfio group before bind");

	p = power_get(1);
	pci_bind(pf, rig.driver);
	check_bound(pf, group, "bound");
	check_asleep(pf, &p, "bound");
	check_str(pci_get(pf, "power_state"), "D3cold", "asleep: power_state");
	pci_unbind(pf);
	check_woken(pf, &p, "unbound in D3cold");
	check_left(pf, rig.driver, "unbound in D3cold");

	p = power_get(1);
	pci_bind(pf, rig.driver);
	pci_unbind(pf);
	check_left(pf, rig.driver, "unbound right after bind");
	cycles(pf);

	p = power_get(1);
	unload(pf, &p);
	native(pf, &p);
}
