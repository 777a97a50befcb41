/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RTD3_PATH_H
#define RTD3_PATH_H

#include <linux/types.h>

#include <linux/rtd3_vfio_pci.h>

#define RTD3_PATH_HOPS	6

struct pci_dev;
struct pci_saved_state;
struct rtd3_device;

/**
 * struct rtd3_hop - a bridge that loses its power with the device
 * @bridge: it
 * @id: its vendor and device id
 * @saved: the PCI core's copy of what it restores, from when it was well
 */
struct rtd3_hop {
	struct pci_dev *bridge;
	u32 id;
	struct pci_saved_state *saved;
};

/**
 * struct rtd3_path - the bridges between a power port and a device
 * @nr: how many; 0: the device is right below its port
 * @hop: from the port down
 *
 * Constant but for rtd3_hop.saved, which rtd3_powerset.path_lock protects.
 */
struct rtd3_path {
	unsigned int nr;
	struct rtd3_hop hop[RTD3_PATH_HOPS];
};

void rtd3_path_init(struct rtd3_device *rdev, unsigned int timeout_ms);
void rtd3_path_release(struct rtd3_device *rdev);
bool rtd3_path_reachable(struct rtd3_device *rdev);
bool rtd3_path_asks_retry(struct rtd3_device *rdev);
enum rtd3_reason rtd3_path_up(struct rtd3_device *rdev, unsigned int timeout_ms);

#endif /* RTD3_PATH_H */
