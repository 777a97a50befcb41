// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power sets: as vfio's dev_set is what is reset together, this is what loses power
 * together, the power port and all below it. There is one object for each, with a
 * lock of its own: what is done about one card never delays another.
 */

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "device.h"
#include "powerset.h"
#include "ready.h"

#define RTD3_POLL_MS	20
#define RTD3_IDLE_MS	500	/* until nobody holds it awake; siblings may be about to sleep */
#define RTD3_OFF_MS	250	/* power stays off in a power cycle */

/*
 * Protects the list of power sets and their counts of users. Innermost, nothing is
 * waited for under it.
 */
static DEFINE_MUTEX(rtd3_powersets_lock);
static LIST_HEAD(rtd3_powersets);

/* Where the power is cut, and if it is not, what is nearest to that. */
static struct pci_dev *rtd3_powerset_port(struct pci_dev *pdev)
{
	struct pci_dev *up;

	for (up = pdev; up; up = pci_upstream_bridge(up))
		if (pci_pr3_present(up))
			return up;

	return pci_upstream_bridge(pdev) ?: pdev;
}

/**
 * rtd3_powerset_get - find or make a device's power set
 * @rdev: device
 *
 * Its power port is the nearest device, upwards and beginning with itself, whose power
 * the platform can cut (_PR3); without one, the port above it.
 *
 * Context: probe, device_lock held.
 * Return: 0 or -ENOMEM.
 */
int rtd3_powerset_get(struct rtd3_device *rdev)
{
	struct pci_dev *port = rtd3_powerset_port(rdev->core.pdev);
	struct rtd3_powerset *set, *new = kzalloc(sizeof(*new), GFP_KERNEL);

	if (!new)
		return -ENOMEM;
	mutex_init(&new->lock);
	mutex_init(&new->path_lock);
	INIT_LIST_HEAD(&new->members);

	mutex_lock(&rtd3_powersets_lock);
	list_for_each_entry(set, &rtd3_powersets, node) {
		if (set->port != port)
			continue;
		kfree(new);
		goto out_found;
	}
	set = new;
	set->port = pci_dev_get(port);
	list_add(&set->node, &rtd3_powersets);
out_found:
	set->users++;
	mutex_unlock(&rtd3_powersets_lock);
	rdev->member.set = set;

	return 0;
}

/**
 * rtd3_powerset_put - the opposite of rtd3_powerset_get()
 * @rdev: device
 */
void rtd3_powerset_put(struct rtd3_device *rdev)
{
	struct rtd3_powerset *set = rdev->member.set;
	bool last;

	mutex_lock(&rtd3_powersets_lock);
	last = !--set->users;
	if (last)
		list_del(&set->node);
	mutex_unlock(&rtd3_powersets_lock);
	if (!last)
		return;
	pci_dev_put(set->port);
	kfree(set);
}

/**
 * rtd3_powerset_join - power cycles may take a device along from now on
 * @rdev: device
 *
 * Context: probe, device_lock held; takes rtd3_powerset.lock.
 */
void rtd3_powerset_join(struct rtd3_device *rdev)
{
	struct rtd3_member *member = &rdev->member;

	mutex_lock(&member->set->lock);
	list_add_tail(&member->node, &member->set->members);
	rtd3_ready_share(member->set);
	mutex_unlock(&member->set->lock);
}

/**
 * rtd3_powerset_leave - and not any more
 * @rdev: device
 *
 * Context: probe or remove, device_lock held; takes rtd3_powerset.lock: waits for a
 * power cycle that has taken the device along.
 */
void rtd3_powerset_leave(struct rtd3_device *rdev)
{
	struct rtd3_member *member = &rdev->member;

	mutex_lock(&member->set->lock);
	list_del(&member->node);
	rtd3_ready_share(member->set);
	mutex_unlock(&member->set->lock);
}

/**
 * rtd3_powerset_hold - have a device that nobody has
 * @rdev: device
 * @holder: who wants it
 *
 * Context: any; rtd3_powerset.lock held for RTD3_HELD_BY_RESET.
 * Return: whether it is had now.
 */
bool rtd3_powerset_hold(struct rtd3_device *rdev, enum rtd3_holder holder)
{
	return cmpxchg(&rdev->member.holder, RTD3_HELD_BY_NOBODY, holder) ==
	       RTD3_HELD_BY_NOBODY;
}

/**
 * rtd3_powerset_let_go - the opposite
 * @rdev: device
 */
void rtd3_powerset_let_go(struct rtd3_device *rdev)
{
	/* Who has it next, by cmpxchg, sees what was done with it. */
	smp_store_release(&rdev->member.holder, RTD3_HELD_BY_NOBODY);
}

/**
 * rtd3_powerset_hold_for_user - nobody else's recovery resets the device from now on
 * @rdev: device that is going to be opened
 *
 * Context: open, dev_set->lock held; takes rtd3_powerset.lock where a reset is under way.
 * Return: 0 or -EINTR.
 */
int rtd3_powerset_hold_for_user(struct rtd3_device *rdev)
{
	struct mutex *lock = &rdev->member.set->lock;

	while (!rtd3_powerset_hold(rdev, RTD3_HELD_BY_USER)) {
		if (mutex_lock_killable(lock))
			return -EINTR;
		mutex_unlock(lock);
	}

	return 0;
}

/**
 * rtd3_powerset_can_cut - is there a port or a device whose power can be cut?
 * @rdev: device
 *
 * Context: any.
 */
bool rtd3_powerset_can_cut(struct rtd3_device *rdev)
{
	return pci_pr3_present(rdev->member.set->port);
}

/**
 * rtd3_powerset_top - the highest bridge above a device that has to do with its power
 * @rdev: device
 *
 * Return: the power port; of a device that is that itself, the port above it, if there
 * is one.
 */
struct pci_dev *rtd3_powerset_top(struct rtd3_device *rdev)
{
	struct pci_dev *port = rdev->member.set->port;

	return port == rdev->core.pdev ? pci_upstream_bridge(port) : port;
}

/**
 * rtd3_powerset_leads_to - is a device, or what it is a function of, below a bridge?
 * @bridge: bridge, or the device itself
 * @pdev: device
 */
bool rtd3_powerset_leads_to(struct pci_dev *bridge, struct pci_dev *pdev)
{
	while (pdev && pdev != bridge)
		pdev = pci_upstream_bridge(pdev);

	return pdev;
}

/**
 * rtd3_powerset_hotplug - is there a hot-plug port between the device and where its power is cut?
 * @rdev: device
 *
 * Context: any.
 */
bool rtd3_powerset_hotplug(struct rtd3_device *rdev)
{
	struct pci_dev *up = pci_upstream_bridge(rdev->core.pdev);
	struct pci_dev *top = rtd3_powerset_top(rdev);

	for (; up; up = up == top ? NULL : pci_upstream_bridge(up))
		if (up->is_hotplug_bridge)
			return true;

	return false;
}

/* The device, and each bridge up to where the power is cut. */
static bool rtd3_powerset_suspend(struct rtd3_device *rdev)
{
	struct pci_dev *port = rdev->member.set->port;
	struct pci_dev *up = rdev->core.pdev;

	while (pm_runtime_suspend(&up->dev) >= 0) {
		if (up == port)
			return true;
		up = pci_upstream_bridge(up);
		if (!up)
			return true;
	}

	return false;
}

static bool rtd3_powerset_suspend_all(struct rtd3_device * const *devs,
				      unsigned int nr)
{
	unsigned int i;
	bool all = true;

	/* Those first that a bridge may wait for. */
	for (i = 0; i < nr; i++)
		pm_runtime_suspend(&devs[i]->core.pdev->dev);
	for (i = 0; i < nr; i++)
		all = rtd3_powerset_suspend(devs[i]) && all;

	return all;
}

/**
 * rtd3_powerset_cut - cut the power, and leave it off for as long as it takes to drain
 * @devs: devices of one set that nobody of ours holds awake
 * @nr: how many
 * @stop: asked now and then whether there is no time for this; NULL: there is
 *
 * All others below the power port have to be asleep, or about to sleep. The next
 * resume brings the power back.
 *
 * Context: process, sleeps for up to a second; rtd3_powerset.lock held where there is
 * more than one, or they do not work.
 * Return: was the power cut?
 */
bool rtd3_powerset_cut(struct rtd3_device * const *devs, unsigned int nr,
		       bool (*stop)(struct rtd3_device *rdev))
{
	ktime_t end = ktime_add_ms(ktime_get(), RTD3_IDLE_MS);

	while (!rtd3_powerset_suspend_all(devs, nr)) {
		if ((stop && stop(devs[0])) || ktime_after(ktime_get(), end))
			return false;
		msleep(RTD3_POLL_MS);
	}
	msleep(RTD3_OFF_MS);

	return devs[0]->core.pdev->current_state == PCI_D3cold;
}
