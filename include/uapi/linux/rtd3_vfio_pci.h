/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * User API of the rtd3_vfio_pci driver.
 *
 * Numbers are never reused or changed; lists grow at the end.
 */
#ifndef _UAPI_LINUX_RTD3_VFIO_PCI_H
#define _UAPI_LINUX_RTD3_VFIO_PCI_H

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

#endif /* _UAPI_LINUX_RTD3_VFIO_PCI_H */
