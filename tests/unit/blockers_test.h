/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of blockers_test share. */
#ifndef BLOCKERS_TEST_H
#define BLOCKERS_TEST_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/rtd3_vfio_pci.h>

#include "blockers.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* More than any snapshot has reasons. */
#define LIST_MAX	160

#define USER		RTD3_BLOCKED_BY_USER
#define DRIVER		RTD3_BLOCKED_BY_DRIVER
#define PORT		RTD3_BLOCKED_BY_PORT
#define PLATFORM	RTD3_BLOCKED_BY_PLATFORM

/* The device of ideal(), the port above it, the other function. */
#define SELF	"0000:01:00.0"
#define ABOVE	"0000:00:02.0"
#define OTHER	"0000:01:00.1"
/* A bridge of the card between the root port and a second port of its switch. */
#define MIDDLE	"0000:02:00.0"

struct found {
	struct rtd3_blocker list[LIST_MAX];
	size_t nr;
};

/* A case: how a reason comes about alone, and what it has to look like then. */
struct reason {
	enum rtd3_blocker_id id;
	const char *token;
	const char *device;
	enum rtd3_depth allows;
	unsigned int party;
	void (*break_it)(struct rtd3_snapshot *snap);
};

/* support.c */

/* Print the line of one check, and count it; returns cond. */
__attribute__((format(printf, 2, 3)))
bool check(bool cond, const char *fmt, ...);

/* Print the plan; returns the exit status. */
int finish(void);

/* Print a list as comments. */
void show(const struct found *found);

/* Get all reasons of a snapshot. */
void find(const struct rtd3_snapshot *snap, struct found *found);

/* Is this reason in the list, about this device? */
bool has(const struct found *found, enum rtd3_blocker_id id,
	 const char *device);

/* Is it exactly this one reason? */
bool is_only(const struct found *found, enum rtd3_blocker_id id,
	     const char *device);

/* Are both the same reason, about the same device? */
bool same(const struct rtd3_blocker *a, const struct rtd3_blocker *b);

/* A GPU with an audio function below a root port that can cut the power. */
struct rtd3_snapshot ideal(void);

/* Give a snapshot that many bridges more, all of them ideal. */
void bridges(struct rtd3_snapshot *snap, unsigned int nr);

/* Give a snapshot that many siblings, all of them ideal. */
void siblings(struct rtd3_snapshot *snap, unsigned int nr);

/* reasons.c */

/* All cases, in the order of enum rtd3_blocker_id, and how many they are. */
extern const struct reason reasons[];
extern const unsigned int nr_reasons;

/* The first case of a reason. */
const struct reason *reason_of(enum rtd3_blocker_id id);

/* Do what the remedies of all reasons in the list say. */
void fix_all(struct rtd3_snapshot *snap, const struct found *found);

/* The policy is D0. */
void policy_off(struct rtd3_snapshot *snap);

/* The device does not work. */
void failed(struct rtd3_snapshot *snap);

/* The device did not come back from D3hot. */
void fallback_off(struct rtd3_snapshot *snap);

/* The user entered low power, but not deeper than D3hot. */
void entry_d3hot(struct rtd3_snapshot *snap);

/* The device is open, and not in low power. */
void in_use(struct rtd3_snapshot *snap);

/* The VFIO core holds the device awake. */
void core_awake(struct rtd3_snapshot *snap);

/* The device keeps translations. */
void ats(struct rtd3_snapshot *snap);

/* Virtual functions are enabled. */
void vfs(struct rtd3_snapshot *snap);

/* The device's power/control is on. */
void control(struct rtd3_snapshot *snap);

/* The device has no PM capability. */
void no_pm(struct rtd3_snapshot *snap);

/* The device's d3cold_allowed is 0. */
void not_allowed(struct rtd3_snapshot *snap);

/* A driver or quirk set no_d3cold. */
void no_d3cold(struct rtd3_snapshot *snap);

/* Wakeup is armed, without PME from D3cold. */
void wakeup(struct rtd3_snapshot *snap);

/* The port has no _PR3. */
void no_pr3(struct rtd3_snapshot *snap);

/* The power was not cut the last time. */
void not_cut(struct rtd3_snapshot *snap);

/* The port's power/control is on. */
void port_control(struct rtd3_snapshot *snap);

/* The port's d3cold_allowed is 0. */
void port_not_allowed(struct rtd3_snapshot *snap);

/* The port has no_d3cold set. */
void port_no_d3cold(struct rtd3_snapshot *snap);

/* The port is not PCIe. */
void port_not_pcie(struct rtd3_snapshot *snap);

/* The port does hotplug, by firmware. */
void port_hotplug(struct rtd3_snapshot *snap);

/* The port does native hotplug, and the core does not let it sleep. */
void port_native_hotplug(struct rtd3_snapshot *snap);

/* The core does not let the port sleep, without another cause. */
void port_no_d3(struct rtd3_snapshot *snap);

/* The sibling has no driver, and its power/control is on. */
void sibling_unbound(struct rtd3_snapshot *snap);

/* t_single.c */

/* The table of texts: complete and well-formed. */
void test_texts(void);

/* What is no reason. */
void test_none(void);

/* One case alone: its line, depth and party, and that its remedy helps. */
void test_alone(const struct reason *reason);

/* _PR3 of the device's own: the port and siblings do not count. */
void test_own_pr3(void);

/* A device without a port. */
void test_no_port(void);

/* What explains a clear bridge_d3, and what does not. */
void test_explained(void);

/* Any two cases together. */
void test_pairs(void);

/* Everything is wrong. */
void test_all_at_once(void);

/* t_list.c */

/* As many siblings as a snapshot holds, and more. */
void test_many_siblings(void);

/* Lists too short for all reasons. */
void test_short_list(void);

/* Buffers of all sizes. */
void test_print(void);

/* t_search.c */

/* Every state of the device, of the port, of two siblings. */
void test_exhaustive(void);

/* Random snapshots. */
void test_random(void);

#endif /* BLOCKERS_TEST_H */
