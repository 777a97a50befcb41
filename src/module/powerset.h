/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_POWERSET_H
#define RTD3_POWERSET_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct pci_dev;
struct rtd3_device;

/**
 * struct rtd3_powerset - what loses power together, as far as it is ours
 * @node: in the list of all, see powerset.c
 * @users: how many devices have it; protected as @node is
 * @port: the power port, see rtd3_powerset_get(); the set keeps a reference
 * @lock: protects @members, and keeps those that do not work from being brought up
 *	where they are while a power cycle or a reset takes them along. Order:
 *	rtd3_recovery.attempt -> this -> rtd3_policy.lock. Held over runtime PM calls,
 *	each of which can wait for rtd3/wake_timeout_ms, but only if one of the set
 *	does not work, or is power-cycled.
 * @members: struct rtd3_member.node
 * @path_lock: one at a time brings bridges up. Innermost; held over waits for them.
 *	Runtime PM callbacks take it
 * @powered: when it got its power back, or the last of the set was bound; as @not_cut
 * @silent: when one of the set has been waited for in vain last; as @not_cut
 * @waited_ms: and for how long
 * @not_cut: the last of the set that came back from D3cold had kept its power all
 *	the time, see rtd3_resume.witness. Written by resumes, read by anyone
 * @lied: one of the set was not ready when it had said, see ready.c; as @not_cut
 */
struct rtd3_powerset {
	struct list_head node;
	unsigned int users;
	struct pci_dev *port;
	struct mutex lock; /* see above */
	struct list_head members;
	struct mutex path_lock; /* see above */
	ktime_t powered;
	ktime_t silent;
	unsigned int waited_ms;
	bool not_cut;
	bool lied;
};

/* Who has a device: a user has it open, or a sibling's recovery is resetting it. */
enum rtd3_holder {
	RTD3_HELD_BY_NOBODY,
	RTD3_HELD_BY_USER,
	RTD3_HELD_BY_RESET,
};

/**
 * struct rtd3_member - a device's place in its power set
 * @set: the set, from rtd3_powerset_get() until rtd3_powerset_put()
 * @node: in rtd3_powerset.members
 * @holder: who has it, by cmpxchg; RTD3_HELD_BY_RESET only under rtd3_powerset.lock
 */
struct rtd3_member {
	struct rtd3_powerset *set;
	struct list_head node;
	enum rtd3_holder holder;
};

int rtd3_powerset_get(struct rtd3_device *rdev);
void rtd3_powerset_put(struct rtd3_device *rdev);
void rtd3_powerset_join(struct rtd3_device *rdev);
void rtd3_powerset_leave(struct rtd3_device *rdev);
bool rtd3_powerset_hold(struct rtd3_device *rdev, enum rtd3_holder holder);
void rtd3_powerset_let_go(struct rtd3_device *rdev);
int rtd3_powerset_hold_for_user(struct rtd3_device *rdev);
bool rtd3_powerset_can_cut(struct rtd3_device *rdev);
bool rtd3_powerset_hotplug(struct rtd3_device *rdev);
struct pci_dev *rtd3_powerset_top(struct rtd3_device *rdev);
bool rtd3_powerset_leads_to(struct pci_dev *bridge, struct pci_dev *pdev);
bool rtd3_powerset_cut(struct rtd3_device * const *devs, unsigned int nr,
		       bool (*stop)(struct rtd3_device *rdev));

#endif /* RTD3_POWERSET_H */
