// SPDX-License-Identifier: GPL-2.0-only
#include <linux/pci_regs.h>
#include <string.h>

#include "guest.h"
#include "power.h"
#include "rtd3.h"
#include "tap.h"

/** guest_pmcsr() - where PMCSR is; looked for once: a device that does not work cannot be asked */
unsigned int guest_pmcsr(struct vfio_dev *d)
{
	static const struct pci_fn *known;
	static unsigned int pm;

	if (known == d->pf)
		return pm + PCI_PM_CTRL;
	pm = vfio_find_cap(d, PCI_CAP_ID_PM, 0);
	if (!pm)
		die("%s: power management capability", d->pf->name);
	known = d->pf;
	return pm + PCI_PM_CTRL;
}

/** __guest_set() - write a power state to PMCSR; 0 or -errno */
int __guest_set(struct vfio_dev *d, unsigned int state)
{
	return __vfio_write(d, VFIO_PCI_CONFIG_REGION_INDEX, guest_pmcsr(d), state, 2);
}

/** guest_set() - __guest_set() that must work */
void guest_set(struct vfio_dev *d, unsigned int state)
{
	int ret = __guest_set(d, state);

	if (ret)
		die("%s: D%u written to PMCSR: %s", d->pf->name, state, strerror(-ret));
}

/** guest_get() - the power state that PMCSR reads as */
unsigned int guest_get(struct vfio_dev *d)
{
	return vfio_cfg(d, guest_pmcsr(d), 2) & PCI_PM_CTRL_STATE_MASK;
}

/** check_guest() - TAP result: that is the state */
bool check_guest(struct vfio_dev *d, unsigned int state, const char *when)
{
	return check_eq(guest_get(d), state, "%s: PMCSR", when);
}

/**
 * guest_loses() - whether D3hot to D0 loses the context: No_Soft_Reset is clear
 * @d: the device; it has power
 *
 * In the device itself: what its guest reads may say so for another reason.
 */
bool guest_loses(struct vfio_dev *d)
{
	return !(power_cfg(d->pf, guest_pmcsr(d)) & PCI_PM_CTRL_NO_SOFT_RESET);
}

/** guest_pr3() - find the capability of the virtual _PR3, as firmware does; 0: there is none */
unsigned int guest_pr3(struct vfio_dev *d)
{
	unsigned int cap = 0;

	while ((cap = vfio_find_cap(d, PCI_CAP_ID_VNDR, cap)))
		if (vfio_cfg(d, cap + 2, 1) == RTD3_PR3_SIZE &&
		    vfio_cfg(d, cap + 3, 1) == RTD3_PR3_VERSION &&
		    vfio_cfg(d, cap + 4, 4) == 0x33445452)
			return cap;
	return 0;
}
