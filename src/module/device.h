/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_DEVICE_H
#define RTD3_DEVICE_H

#include <linux/vfio_pci_core.h>

#include "ats.h"
#include "close.h"
#include "config.h"
#include "event.h"
#include "health.h"
#include "lowpower.h"
#include "path.h"
#include "bar.h"
#include "pm.h"
#include "policy.h"
#include "powerset.h"
#include "ready.h"
#include "recovery.h"
#include "resume.h"

struct rtd3_sysfs;

/**
 * struct rtd3_device - one bound PCI function
 * @core: what vfio_pci_core knows of it; drvdata points here, the core insists
 * @pm: runtime power management, see pm.h
 * @policy: how deep it may sleep, see policy.h
 * @lowpower: who wants it to sleep while it is open, see lowpower.h
 * @ats: translations that it keeps, see ats.h
 * @config: what its user sees of it meanwhile, see config.h
 * @bar: what its user's accesses to BARs get then, see bar.h
 * @ready: how soon it may be asked then, see ready.h
 * @resume: how it is brought back, see resume.h
 * @member: what it loses power with, see powerset.h
 * @path: the bridges that lose power with it, see path.h
 * @recovery: whether it is well, see recovery.h
 * @close: between two users, see close.h
 * @events: what it tells managers, see event.h
 * @sysfs: its files, see sysfs.c
 * @open: a user has the device open; written under dev_set->lock while the device
 *	is held awake, so that runtime PM callbacks can rely on it; read by
 *	observers without
 * @resettable: the core's reset has worked when it was last tried, at an open
 * @core_awake: the core has kept a reference when it was bound, and it has not slept
 *	since
 * @context_lost: the system's sleep has taken what the device knew; its callbacks'
 * @info_region: index of the info region while it is
 */
struct rtd3_device {
	struct vfio_pci_core_device core;
	struct rtd3_pm pm;
	struct rtd3_policy policy;
	struct rtd3_lowpower lowpower;
	struct rtd3_ats ats;
	struct rtd3_config config;
	struct rtd3_bar bar;
	struct rtd3_ready ready;
	struct rtd3_resume resume;
	struct rtd3_member member;
	struct rtd3_path path;
	struct rtd3_recovery recovery;
	struct rtd3_close close;
	struct rtd3_events events;
	struct rtd3_sysfs *sysfs;
	bool open;
	bool resettable;
	bool core_awake;
	bool context_lost;
	unsigned int info_region;
};

static inline struct rtd3_device *
rtd3_from_core(struct vfio_pci_core_device *core)
{
	return container_of(core, struct rtd3_device, core);
}

/* Of a device that is bound: its PM domain is ours. */
static inline struct rtd3_device *rtd3_from_dev(struct device *dev)
{
	return container_of(dev->pm_domain, struct rtd3_device, pm.domain);
}

static inline struct rtd3_device *rtd3_from_vfio(struct vfio_device *vdev)
{
	return rtd3_from_core(container_of(vdev, struct vfio_pci_core_device,
					   vdev));
}

/**
 * rtd3_health_usable - does the device work?
 * @rdev: device
 *
 * Context: any.
 */
static inline bool rtd3_health_usable(const struct rtd3_device *rdev)
{
	return READ_ONCE(rdev->recovery.health) <= RTD3_HEALTH_DEGRADED;
}

/**
 * rtd3_health_ready - may its user touch it?
 * @rdev: device
 *
 * It works, and if it did not, what that had brought about is undone.
 *
 * Context: any.
 */
static inline bool rtd3_health_ready(const struct rtd3_device *rdev)
{
	return rtd3_health_usable(rdev) && !READ_ONCE(rdev->recovery.unfinished);
}

/**
 * rtd3_in_use - does an open device work, awake, with nothing of ours before it?
 * @rdev: device, open
 *
 * The core holds it awake from open to close, but for the time of an entry. So its
 * accesses need neither a reference nor an account of who has woken it. One that races
 * with an entry of the same user is woken by the core, as the host's.
 *
 * Context: any; the user and its guest do not change it under rtd3_config.lock.
 */
static inline bool rtd3_in_use(const struct rtd3_device *rdev)
{
	return !READ_ONCE(rdev->lowpower.owners) &&
	       READ_ONCE(rdev->config.state) == RTD3_GUEST_D0 &&
	       rtd3_health_ready(rdev);
}

struct rtd3_device *rtd3_device_alloc(struct pci_dev *pdev);
int rtd3_device_register(struct rtd3_device *rdev);
void rtd3_device_unregister(struct rtd3_device *rdev);

#endif /* RTD3_DEVICE_H */
