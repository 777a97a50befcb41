/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI device as sysfs shows it. Only attributes are read that wake nobody: not
 * "config", "vpd", "*_link_*" and "*_bus_number", which do, and not
 * "driver_override" and "sriov_numvfs", which wait for the device's lock, for ever
 * if a driver hangs in it.
 */
#ifndef RTD3CTL_DEV_H
#define RTD3CTL_DEV_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define DEV_BDF		16	/* 10000:e1:00.0 */
#define DEV_WORD	64
#define DEV_DRIVER	"rtd3_vfio_pci"

#define DEV_CLASS_DISPLAY	0x03
#define DEV_CLASS_BRIDGE	0x0604

/**
 * struct dev - one PCI device
 * @bdf: its address
 * @dir: its folder in sysfs, without symbolic links
 * @vendor: id, and so on
 * @class: 24 bits
 * @driver: its driver, empty if it has none
 * @ours: that is rtd3_vfio_pci, and it shows rtd3/
 * @control: power/control
 * @runtime: power/runtime_status
 * @state: rtd3/state if it is ours, power_state otherwise; empty on kernels without
 * @group: number of its IOMMU group, empty if it has none
 * @pr3: the firmware can cut its power: it has ACPI _PR3
 */
struct dev {
	char bdf[DEV_BDF];
	char dir[PATH_MAX];
	unsigned int vendor;
	unsigned int device;
	unsigned int subvendor;
	unsigned int subdevice;
	unsigned int class;
	char driver[DEV_WORD];
	bool ours;
	char control[DEV_WORD];
	char runtime[DEV_WORD];
	char state[DEV_WORD];
	char group[DEV_WORD];
	bool pr3;
};

int dev_parse_bdf(const char *text, char *bdf);
int dev_load(struct dev *dev, const char *bdf);
int dev_attr(const struct dev *dev, const char *name, char *buf, size_t size);
long long dev_number(const struct dev *dev, const char *name, long long otherwise);
int dev_set_attr(const struct dev *dev, const char *name, const char *text);
bool dev_has(const struct dev *dev, const char *name);
bool dev_parent(const struct dev *dev, char *bdf);
int dev_all(struct dev **list, size_t *nr);
int dev_below(const struct dev *port, struct dev **list, size_t *nr);
bool dev_is_bridge(const struct dev *dev);
bool dev_is_display(const struct dev *dev);
bool dev_is_vfio_driver(const char *driver);
const char *dev_name(const struct dev *dev);
const char *dev_kind(const struct dev *dev);
void dev_names_free(void);

#endif /* RTD3CTL_DEV_H */
