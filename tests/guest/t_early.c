// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets a device at boot, in an initramfs that the packages' hooks have a part in: this is
 * run when udev has done all that it does there (see tests/rig/packaged).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dut.h"
#include "kmsg.h"
#include "pci.h"
#include "power.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

#define OURS	"rtd3_vfio_pci"

/* What a host driver says of a device that it has had: it names itself and the device. */
static bool had(const struct pci_fn *pf)
{
	const char *driver = dut_of(pf)->native;
	char line[512], text[64];
	bool found = false;
	int fd = kmsg_open_all();

	snprintf(text, sizeof(text), "%s", pf->name);
	while (kmsg_next(fd, line, sizeof(line)))
		if (!strncmp(line, driver, strlen(driver)) && strstr(line, text)) {
			diag("%s", line);
			found = true;
		}
	close(fd);
	return found;
}

/* Without it nothing would be shown: who is to come too late has to come. */
static void check_rival(void)
{
	check_str(pci_driver(&rig.other), dut_of(&rig.other)->native, "driver of %s",
		  rig.other.name);
	check(had(&rig.other), "which says so");
}

RIG_TEST(early, "a device that /etc/rtd3/bind names, in the initramfs")
{
	struct power p = power_get(1);

	check_rival();
	for (int i = 0; i < rig.nr_fns; i++) {
		const struct pci_fn *pf = &rig.fn[i];

		check_str(pci_driver(pf), OURS, "driver of %s", pf->name);
		check(!had(pf), "%s has never had %s", dut_of(pf)->native, pf->name);
	}
	check_asleep(&rig.fn[0], &p, "in the initramfs");
}

RIG_TEST(early_none, "the same where nothing names it")
{
	check_rival();
	for (int i = 0; i < rig.nr_fns; i++)
		check_str(pci_driver(&rig.fn[i]), dut_of(&rig.fn[i])->native, "driver of %s",
			  rig.fn[i].name);
	check(!rig_module_loaded(OURS), OURS " is not loaded");
}
