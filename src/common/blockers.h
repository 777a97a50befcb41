/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a device cannot reach D3cold: a pure function over a plain snapshot, so
 * that user space can test it and ask it. module/snapshot.c takes the snapshot.
 */
#ifndef RTD3_BLOCKERS_H
#define RTD3_BLOCKERS_H

#include "types.h"

/*
 * How much is looked at. A bus can have 256 functions; real GPUs have up to
 * four. What rtd3_blockers_predict() says stays right if a list is too short.
 */
#define RTD3_SNAP_SIBLINGS	16
#define RTD3_SNAP_BRIDGES	8
#define RTD3_SNAP_NAME		16
#define RTD3_BLOCKERS_MAX	64

/**
 * struct rtd3_snap_fn - one PCI function
 * @name: its address, 0000:01:00.0
 * @bound: it has a driver
 * @ours: that driver is this one
 * @control_on: power/control is "on"
 * @suspended: it is runtime suspended
 * @has_pm: it has a PCI PM capability, or the platform manages its power
 * @d3cold_allowed: the attribute of that name
 * @no_d3cold: a driver or a quirk forbids D3cold
 * @wakeup: device_may_wakeup()
 * @pme_d3cold: it can signal PME from D3cold
 * @elsewhere: it is not below the device's port, but another of the power set
 * @elsewhere_d3: bridge_d3 of that one
 */
struct rtd3_snap_fn {
	char name[RTD3_SNAP_NAME];
	bool bound;
	bool ours;
	bool control_on;
	bool suspended;
	bool has_pm;
	bool d3cold_allowed;
	bool no_d3cold;
	bool wakeup;
	bool pme_d3cold;
	bool elsewhere;
	bool elsewhere_d3;
};

/**
 * struct rtd3_snap_port - the port above the device, or another bridge of its power set
 * @name: its address
 * @present: there is one; a device on the root bus has none
 * @pcie: it is a PCI Express root port or switch port
 * @has_pr3: it has ACPI _PR3
 * @bridge_d3: the PCI core lets it go to D3 as things are
 * @control_on: power/control is "on"
 * @d3cold_allowed: the attribute of that name
 * @no_d3cold: a driver or a quirk forbids D3cold
 * @hotplug: it can hotplug
 * @native_hotplug: and Linux handles that itself
 * @native_pme: and its PME, too; or its slot is not the device's
 */
struct rtd3_snap_port {
	char name[RTD3_SNAP_NAME];
	bool present;
	bool pcie;
	bool has_pr3;
	bool bridge_d3;
	bool control_on;
	bool d3cold_allowed;
	bool no_d3cold;
	bool hotplug;
	bool native_hotplug;
	bool native_pme;
};

/**
 * struct rtd3_snapshot - all that decides how deep a device can sleep
 * @fn: the device; @fn.no_d3cold leaves out what this driver itself asked for
 * @port: the port above it
 * @policy: the host's limit
 * @fallback: the limit that the device has shown to need
 * @works: its health is ok or degraded
 * @entry_limit: the limit of the user's present low power entry, D3cold if none
 * @open: a user has it open
 * @engaged: and does not need it: low power of the user, or of his guest
 * @core_awake: the VFIO core holds it awake, whatever we do
 * @ats: it keeps translations of its user's, and cannot be told of changes asleep
 * @vfs: virtual functions enabled
 * @has_pr3: the device itself has ACPI _PR3
 * @not_cut: the last power-off that was asked for did not happen
 * @bios_year: year of the firmware, 0 if unknown
 * @nr_bridges: other bridges that lose power with the device, the power port included
 * @bridge: the first RTD3_SNAP_BRIDGES of them, each before those below it
 * @nr_siblings: other functions that lose power with the device
 * @sibling: the first RTD3_SNAP_SIBLINGS of them
 */
struct rtd3_snapshot {
	struct rtd3_snap_fn fn;
	struct rtd3_snap_port port;
	enum rtd3_depth policy;
	enum rtd3_depth fallback;
	bool works;
	enum rtd3_depth entry_limit;
	bool open;
	bool engaged;
	bool core_awake;
	bool ats;
	unsigned int vfs;
	bool has_pr3;
	bool not_cut;
	int bios_year;
	unsigned int nr_bridges;
	struct rtd3_snap_port bridge[RTD3_SNAP_BRIDGES];
	unsigned int nr_siblings;
	struct rtd3_snap_fn sibling[RTD3_SNAP_SIBLINGS];
};

/* Reasons; the tokens that stand for them are stable. */
enum rtd3_blocker_id {
	RTD3_BLOCKER_POLICY_OFF,	/* policy-off */
	RTD3_BLOCKER_POLICY_D3HOT,	/* policy-d3hot */
	RTD3_BLOCKER_FAILED,		/* failed */
	RTD3_BLOCKER_FALLBACK_OFF,	/* fallback-off */
	RTD3_BLOCKER_FALLBACK_D3HOT,	/* fallback-d3hot */
	RTD3_BLOCKER_ENTRY_D3HOT,	/* entry-d3hot */
	RTD3_BLOCKER_IN_USE,		/* in-use */
	RTD3_BLOCKER_CORE_AWAKE,	/* disable-idle-d3 */
	RTD3_BLOCKER_ATS,		/* ats */
	RTD3_BLOCKER_VFS,		/* vfs-enabled */
	RTD3_BLOCKER_CONTROL,		/* control-on */
	RTD3_BLOCKER_NO_PM,		/* no-pm-capability */
	RTD3_BLOCKER_NOT_ALLOWED,	/* d3cold-not-allowed */
	RTD3_BLOCKER_NO_D3COLD,		/* no-d3cold */
	RTD3_BLOCKER_WAKEUP,		/* wakeup-armed */
	RTD3_BLOCKER_NO_PR3,		/* no-pr3 */
	RTD3_BLOCKER_NOT_CUT,		/* power-not-cut */
	RTD3_BLOCKER_PORT_CONTROL,	/* port-control-on */
	RTD3_BLOCKER_PORT_NOT_ALLOWED,	/* port-d3cold-not-allowed */
	RTD3_BLOCKER_PORT_NO_D3COLD,	/* port-no-d3cold */
	RTD3_BLOCKER_PORT_NOT_PCIE,	/* port-not-pcie */
	RTD3_BLOCKER_PORT_HOTPLUG,	/* port-hotplug */
	RTD3_BLOCKER_PORT_NO_PME,	/* port-no-native-pme */
	RTD3_BLOCKER_PORT_FIRMWARE,	/* port-old-firmware */
	RTD3_BLOCKER_PORT_NO_D3,	/* port-no-d3 */
	RTD3_BLOCKER_SIBLING_CONTROL,	/* sibling-control-on */
	RTD3_BLOCKER_SIBLING_UNBOUND,	/* sibling-unbound */
	RTD3_BLOCKER_SIBLING_DRIVER,	/* sibling-other-driver */
	RTD3_BLOCKER_SIBLING_ACTIVE,	/* sibling-active */
	RTD3_BLOCKER_SIBLING_NO_PM,	/* sibling-no-pm-capability */
	RTD3_BLOCKER_SIBLING_NOT_ALLOWED, /* sibling-d3cold-not-allowed */
	RTD3_BLOCKER_SIBLING_NO_D3COLD,	/* sibling-no-d3cold */
	RTD3_BLOCKER_SIBLING_WAKEUP,	/* sibling-wakeup-armed */
	RTD3_BLOCKER_NR,
};

/**
 * struct rtd3_blocker - one reason
 * @id: which
 * @device: name of the device that it concerns, inside the snapshot
 */
struct rtd3_blocker {
	enum rtd3_blocker_id id;
	const char *device;
};

/**
 * struct rtd3_blocker_text - what there is to say about a reason
 * @token: stable name
 * @allows: the deepest state it leaves to the device
 * @party: RTD3_BLOCKED_BY_*, see linux/rtd3_vfio_pci.h
 */
struct rtd3_blocker_text {
	const char *token;
	enum rtd3_depth allows;
	unsigned int party;
};

extern const struct rtd3_blocker_text rtd3_blocker_texts[RTD3_BLOCKER_NR];

size_t rtd3_blockers_find(const struct rtd3_snapshot *snap,
			  struct rtd3_blocker *list, size_t max);
enum rtd3_depth rtd3_blockers_predict(const struct rtd3_blocker *list,
				      size_t nr);
unsigned int rtd3_blockers_parties(const struct rtd3_blocker *list, size_t nr);
size_t rtd3_blockers_print(const struct rtd3_blocker *list, size_t nr, char *buf,
			   size_t size);

#endif /* RTD3_BLOCKERS_H */
