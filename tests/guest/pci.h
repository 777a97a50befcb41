/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions through sysfs, and past it. foo() asserts, __foo() returns -errno. */
#ifndef RIGTEST_PCI_H
#define RIGTEST_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct pci_fn - one PCI function
 * @name: as in sysfs, with the domain
 * @bus: bus number
 * @dev: device number
 * @fn: function number
 * @vendor: vendor id
 * @device: device id
 * @class: class code, 24 bits
 */
struct pci_fn {
	char name[16];
	unsigned int bus;
	unsigned int dev;
	unsigned int fn;
	unsigned int vendor;
	unsigned int device;
	unsigned int class;
};

bool pci_is_bridge(const struct pci_fn *pf);
int pci_below(const char *port, struct pci_fn *fns, int max);
int pci_bridges_below(const char *port, struct pci_fn *fns, int max);
int pci_bound(const char *driver, struct pci_fn *fns, int max);
int __pci_get(const struct pci_fn *pf, const char *attr, char *buf, size_t size);
const char *pci_get(const struct pci_fn *pf, const char *attr);
bool pci_wait(const struct pci_fn *pf, const char *attr, const char *val, long timeout_ms);
unsigned long long pci_get_num(const struct pci_fn *pf, const char *attr);
int __pci_set(const struct pci_fn *pf, const char *attr, const char *val);
void pci_set(const struct pci_fn *pf, const char *attr, const char *val);
bool pci_has(const struct pci_fn *pf, const char *attr);
const char *pci_driver(const struct pci_fn *pf);
int pci_iommu_group(const struct pci_fn *pf);
int __pci_bind(const struct pci_fn *pf, const char *driver);
void pci_bind(const struct pci_fn *pf, const char *driver);
int __pci_unbind(const struct pci_fn *pf);
void pci_unbind(const struct pci_fn *pf);
int __pci_sysfs_config32(const struct pci_fn *pf, unsigned int off, uint32_t *val);
uint32_t pci_sysfs_config32(const struct pci_fn *pf, unsigned int off);
void pci_sysfs_config_write(const struct pci_fn *pf, unsigned int off, uint32_t val, int width);
uint32_t pci_raw_config32(const struct pci_fn *pf, unsigned int off);
unsigned int pci_raw_cap(const struct pci_fn *pf, unsigned int id);
unsigned int pci_raw_exp16(const struct pci_fn *pf, unsigned int reg);
void pci_set_reset(const struct pci_fn *pf, const char *methods);
uint32_t pci_id(const struct pci_fn *pf);

#endif
