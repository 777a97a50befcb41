/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * User API of the rtd3_vfio_pci driver.
 *
 * Numbers are never reused or changed; lists grow at the end.
 */
#ifndef _UAPI_LINUX_RTD3_VFIO_PCI_H
#define _UAPI_LINUX_RTD3_VFIO_PCI_H

#include <linux/types.h>

/*
 * Private features of VFIO_DEVICE_FEATURE. The payload is what follows struct
 * vfio_device_feature; argsz says how much of it there is. A payload may grow
 * at its end in later versions. One that is shorter than in the first version,
 * which is this, or longer than 4096 bytes is refused with EINVAL. Of one that
 * is longer than the driver knows the rest must be zero (SET), or is filled with
 * zero (GET).
 */
#define RTD3_FEATURE_POWER	0xf000	/* GET, SET; struct rtd3_power */
#define RTD3_FEATURE_INFO	0xf001	/* GET; struct rtd3_info */

/* Power states, and limits: a limit of D0 means that the device stays awake. */
#define RTD3_STATE_UNKNOWN	0
#define RTD3_STATE_D0		1
#define RTD3_STATE_D3HOT	2	/* context and video memory keep power */
#define RTD3_STATE_D3COLD	3	/* full off */

#define RTD3_LOW_POWER_EXIT	0
#define RTD3_LOW_POWER_ENTER	1

/* With ENTER: wakeup_eventfd is signalled when the device wakes, once. */
#define RTD3_POWER_WAKEUP	(1U << 0)
/*
 * With ENTER: until low power ends, reads of configuration space are answered
 * from an image taken by this call, and do not wake the device.
 */
#define RTD3_POWER_SHADOW	(1U << 1)

/**
 * struct rtd3_power - payload of RTD3_FEATURE_POWER
 * @low_power_state: RTD3_LOW_POWER_ENTER or RTD3_LOW_POWER_EXIT
 * @deepest_state: SET: how deep the device may go for this entry,
 *	RTD3_STATE_D3HOT or RTD3_STATE_D3COLD; must be 0 with EXIT. GET: the limit
 *	in force now, of the host's policy and of the present entry
 * @flags: SET: RTD3_POWER_WAKEUP, RTD3_POWER_SHADOW, both or 0; with EXIT 0.
 *	GET: 0
 * @reserved: must be 0
 * @wakeup_eventfd: SET: eventfd with RTD3_POWER_WAKEUP, else must be 0. GET: -1
 * @reserved2: must be 0
 *
 * SET enters or leaves low power as features 3, 4 and 5 of linux/vfio.h do. It
 * shares their state: an entry made through one can be left through the other,
 * ENTER while entered is EINVAL, EXIT while not entered succeeds. A device that
 * does not work gets EIO. EBADF and EINVAL are also what a wakeup_eventfd that is
 * none gets. As with every ioctl, the VFIO core wakes the device before the
 * request is looked at.
 */
struct rtd3_power {
	__u32 low_power_state;
	__u32 deepest_state;
	__u32 flags;
	__u32 reserved;
	__s32 wakeup_eventfd;
	__u32 reserved2;
};

/* rtd3_info.flags: what the device and the platform can do. */
#define RTD3_INFO_PR3_DEVICE	(1U << 0) /* the device itself has ACPI _PR3 */
#define RTD3_INFO_PR3_PORT	(1U << 1) /* the port above it has */
#define RTD3_INFO_NO_SOFT_RESET	(1U << 2) /* D3hot keeps the context (NoSoftRst+) */
#define RTD3_INFO_PME_D3HOT	(1U << 3)
#define RTD3_INFO_PME_D3COLD	(1U << 4)
#define RTD3_INFO_FIRMWARE_NODE	(1U << 5) /* the device has an ACPI companion */
#define RTD3_INFO_D3COLD	(1U << 6) /* nothing stands against D3cold now */
#define RTD3_INFO_ENGAGED	(1U << 7) /* the user has entered low power */
#define RTD3_INFO_PROMOTED	(1U << 8) /* the guest's D3hot has been made low power */

/* rtd3_info.blocked_by: who stands against D3cold now. */
#define RTD3_BLOCKED_BY_USER	(1U << 0) /* policy, control, d3cold_allowed */
#define RTD3_BLOCKED_BY_DRIVER	(1U << 1) /* the device is in use, or its own state */
#define RTD3_BLOCKED_BY_PORT	(1U << 2) /* the port, or another function below it */
#define RTD3_BLOCKED_BY_PLATFORM (1U << 3) /* firmware, kernel command line */

#define RTD3_INFO_WAKES		16

/**
 * struct rtd3_info - payload of RTD3_FEATURE_INFO, and content of the region
 * @size: bytes that this driver fills
 * @flags: RTD3_INFO_*
 * @blocked_by: RTD3_BLOCKED_BY_*
 * @policy: the host's limit, RTD3_STATE_D0, D3HOT or D3COLD
 * @limit: the limit in force, with the fallback and that of the present entry
 * @predicted: deepest state that the device can reach as things are now
 * @state: the state now
 * @last_state: what the last completed suspend had reached; UNKNOWN: none yet
 * @last_wake: enum rtd3_wake_cause
 * @reserved: 0
 * @entries: successful entries into low power, whatever the feature
 * @exits: how often low power was left on request
 * @suspends: runtime suspends
 * @resumes: runtime resumes that succeeded, be it in the end
 * @failures: attempts to bring it to D0 after which it did not work
 * @wakes: resumes by enum rtd3_wake_cause; they add up to @resumes
 * @time_d0_ns: time awake since the device was bound, monotonic clock
 * @time_d3hot_ns: time suspended with power
 * @time_d3cold_ns: time suspended without power
 * @suspend_ns: duration of the last suspend of the device itself
 * @resume_ns: duration of the last resume of the device itself
 * @resume_max_ns: the longest one
 * @wake_ns: how long the last access that woke the device had to wait
 * @wake_max_ns: the longest such wait
 * @ready_ns: how long the last resume waited for an answer of the device, beyond
 *	what the specification allows it
 * @verify_ns: what the checks of the last resume cost
 * @recoveries: how often the device came back after it had not
 * @health: enum rtd3_health
 * @reason: enum rtd3_reason: why, if health is not RTD3_HEALTH_OK
 * @fallback: the limit that the device has shown to need: RTD3_STATE_D3COLD while
 *	it always came back
 * @fallback_reason: enum rtd3_reason: what was wrong then
 *
 * All counters are of one moment. Nothing here is about any other device.
 *
 * The VFIO core wakes a device for every ioctl, before the driver is asked, and
 * so for this feature, too. Who must not wake it reads the same structure from
 * the device's region of type RTD3_REGION_TYPE, subtype RTD3_REGION_SUBTYPE_INFO:
 * read() of that region never wakes the device, at any offset and size.
 */
struct rtd3_info {
	__u32 size;
	__u32 flags;
	__u32 blocked_by;
	__u32 policy;
	__u32 limit;
	__u32 predicted;
	__u32 state;
	__u32 last_state;
	__u32 last_wake;
	__u32 reserved;
	__u64 entries;
	__u64 exits;
	__u64 suspends;
	__u64 resumes;
	__u64 failures;
	__u64 wakes[RTD3_INFO_WAKES];
	__u64 time_d0_ns;
	__u64 time_d3hot_ns;
	__u64 time_d3cold_ns;
	__u64 suspend_ns;
	__u64 resume_ns;
	__u64 resume_max_ns;
	__u64 wake_ns;
	__u64 wake_max_ns;
	__u64 ready_ns;
	__u64 verify_ns;
	__u64 recoveries;
	__u32 health;
	__u32 reason;
	__u32 fallback;
	__u32 fallback_reason;
};

/*
 * The capability of the virtual _PR3, in the configuration space of a device
 * whose rtd3/virtual_pr3 was 1 when it was opened: vendor-specific (09h), found
 * in the list of capabilities by its length, version and name. For the firmware
 * of guests.
 *
 *	byte	content
 *	0	09h
 *	1	next capability
 *	2	length, 16
 *	3	version, 1
 *	4-7	"RTD3"
 *	8	request, read and write: RTD3_PR3_D0, RTD3_PR3_D3COLD. A write
 *		returns when the device works, or may be turned off. Other values
 *		change nothing, and set RTD3_PR3_FAILED
 *	9	status: bits 1:0 the state last reached by request,
 *		RTD3_PR3_FAILED, RTD3_PR3_WOKEN (write 1 to clear)
 *	10-11	0
 *	12-15	how often somebody else than the guest woke the device while it
 *		was off, little-endian
 *
 * While it is off PMCSR reads as D3hot. A write of D0 there turns it on, too; other
 * writes to configuration space are ignored. A device that was turned on has lost
 * its context. Firmware should write D0 to PMCSR after it has turned the device on:
 * some VMMs (QEMU since 10.0) map its BARs only then.
 */
#define RTD3_PR3_SIZE		16
#define RTD3_PR3_VERSION	1
#define RTD3_PR3_REQUEST	8
#define RTD3_PR3_STATUS		9
#define RTD3_PR3_WAKES		12
#define RTD3_PR3_D0		0
#define RTD3_PR3_D3COLD		3
#define RTD3_PR3_FAILED		(1U << 6) /* the last request did not succeed */
#define RTD3_PR3_WOKEN		(1U << 7) /* somebody else has woken the device */

/* VFIO_REGION_TYPE_PCI_VENDOR_TYPE with 0xffff, which is no vendor's id. */
#define RTD3_REGION_TYPE		((1U << 31) | 0xffff)
#define RTD3_REGION_SUBTYPE_INFO	1

/**
 * enum rtd3_wake_cause - who made the device leave runtime suspend
 * @RTD3_WAKE_NONE: it has not been suspended yet
 * @RTD3_WAKE_OPEN: a user opened the device
 * @RTD3_WAKE_EXIT: VFIO_DEVICE_FEATURE_LOW_POWER_EXIT
 * @RTD3_WAKE_CONFIG: read() or write() of the config space region
 * @RTD3_WAKE_BAR: read() or write() of any other region
 * @RTD3_WAKE_IOCTL: any ioctl that has no cause of its own
 * @RTD3_WAKE_RESET: VFIO_DEVICE_RESET or VFIO_DEVICE_PCI_HOT_RESET
 * @RTD3_WAKE_CLOSE: the last user closed the device
 * @RTD3_WAKE_HOST: nothing that came through the device's own file: lspci,
 *	sysfs, another function behind the same port, a PME
 */
enum rtd3_wake_cause {
	RTD3_WAKE_NONE = 0,
	RTD3_WAKE_OPEN = 1,
	RTD3_WAKE_EXIT = 2,
	RTD3_WAKE_CONFIG = 3,
	RTD3_WAKE_BAR = 4,
	RTD3_WAKE_IOCTL = 5,
	RTD3_WAKE_RESET = 6,
	RTD3_WAKE_CLOSE = 7,
	RTD3_WAKE_HOST = 8,
};

/**
 * enum rtd3_health - may the device be used?
 * @RTD3_HEALTH_OK: yes
 * @RTD3_HEALTH_DEGRADED: yes, but something is worse than before the last sleep
 * @RTD3_HEALTH_RECOVERING: it did not answer; the driver is trying to get it
 *	back. Accesses wait for that, no longer than two seconds, or get EIO; mmaps
 *	get SIGBUS
 * @RTD3_HEALTH_FAILED: it does not work. Accesses get EIO, mmaps SIGBUS
 */
enum rtd3_health {
	RTD3_HEALTH_OK = 0,
	RTD3_HEALTH_DEGRADED = 1,
	RTD3_HEALTH_RECOVERING = 2,
	RTD3_HEALTH_FAILED = 3,
};

/**
 * enum rtd3_reason - why the device is not well
 * @RTD3_REASON_NONE: it is
 * @RTD3_REASON_LINK_DOWN: the link did not come up
 * @RTD3_REASON_ABSENT: it does not answer configuration reads
 * @RTD3_REASON_NOT_READY: it answers that it is not ready
 * @RTD3_REASON_REPLACED: another device answers in its place
 * @RTD3_REASON_POWER_STATE: it does not reach D0
 * @RTD3_REASON_CONFIG: BARs or command cannot be restored
 * @RTD3_REASON_LOST: it stopped to answer while it was in D0
 * @RTD3_REASON_REMOVED: its slot is empty
 * @RTD3_REASON_LINK: the link is narrower than before (degraded)
 * @RTD3_REASON_SIBLING: another function of the device is silent (degraded)
 * @RTD3_REASON_NOT_CUT: its power was not cut when it should have been in D3cold
 *	(degraded)
 * @RTD3_REASON_IDS: class, revision or subsystem ids are not what they were (degraded)
 * @RTD3_REASON_KNOWN_BAD: others have seen that it does not come back (fallback only)
 */
enum rtd3_reason {
	RTD3_REASON_NONE = 0,
	RTD3_REASON_LINK_DOWN = 1,
	RTD3_REASON_ABSENT = 2,
	RTD3_REASON_NOT_READY = 3,
	RTD3_REASON_REPLACED = 4,
	RTD3_REASON_POWER_STATE = 5,
	RTD3_REASON_CONFIG = 6,
	RTD3_REASON_LOST = 7,
	RTD3_REASON_REMOVED = 8,
	RTD3_REASON_LINK = 9,
	RTD3_REASON_SIBLING = 10,
	RTD3_REASON_NOT_CUT = 11,
	RTD3_REASON_IDS = 12,
	RTD3_REASON_KNOWN_BAD = 13,
};

#endif /* _UAPI_LINUX_RTD3_VFIO_PCI_H */
