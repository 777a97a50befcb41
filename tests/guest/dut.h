/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known about the devices that QEMU puts under test. */
#ifndef RIGTEST_DUT_H
#define RIGTEST_DUT_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio.h"

/**
 * struct dut_reg - a register
 * @what: its name
 * @bar: region
 * @off: in the region
 * @width: bytes
 * @mask: the bits that count
 */
struct dut_reg {
	const char *what;
	int bar;
	uint64_t off;
	int width;
	uint64_t mask;
};

/**
 * struct dut - a kind of device
 * @name: as in rig.devs
 * @known: a register whose value is known
 * @known_val: its value
 * @loses: a register that a power cycle sets back
 * @loses_val: a value to write that is not the reset value
 * @reset_val: its reset value
 * @native: the host's own driver
 * @native_module: the module of @native
 */
struct dut {
	const char *name;
	struct dut_reg known;
	uint64_t known_val;
	struct dut_reg loses;
	uint64_t loses_val;
	uint64_t reset_val;
	const char *native;
	const char *native_module;
};

/* As in tests/rig/qemu-model/rig_gpu.c. */
#define RIG_GPU_ID		0x47474952
#define RIG_GPU_REG_ID		0x00
#define RIG_GPU_REG_SCRATCH	0x04
#define RIG_GPU_REG_RESETS	0x08
#define RIG_GPU_REG_POWER_ONS	0x0c
#define RIG_GPU_REG_D3HOTS	0x10
#define RIG_GPU_REG_EARLY	0x14
#define RIG_GPU_REG_FIRMWARE	0x18
#define RIG_GPU_REG_IRQ		0x1c
#define RIG_GPU_REG_READY	0x20
#define RIG_GPU_REG_PROMISE	0x24
#define RIG_GPU_REG_FIRST	0x28
#define RIG_GPU_REG_FIRST_D0	0x2c
#define RIG_GPU_REG_READY_D0	0x30
#define RIG_GPU_PROMISE_STATUS	0x1u
#define RIG_GPU_PROMISE_PMC	0x2u
#define RIG_GPU_PROMISE_DRS	0x4u
#define RIG_GPU_PROMISE_TIMES	0x8u
#define RIG_GPU_PROMISE_MS	16

const struct dut *dut_of(const struct pci_fn *pf);
void dut_prepare(struct vfio_dev *d);
const struct dut *dut_locate(struct vfio_dev *d);
uint64_t dut_read(struct vfio_dev *d, const struct dut_reg *r);
int __dut_read(struct vfio_dev *d, const struct dut_reg *r, uint64_t *val);
int dut_works(struct vfio_dev *d);
void dut_mark(struct vfio_dev *d);
bool check_mark_gone(struct vfio_dev *d, const char *when);
uint64_t dut_mmap_read(struct vfio_dev *d, const struct dut_reg *r);
uint64_t dut_load(const void *page, const struct dut_reg *r);
void *dut_map(struct vfio_dev *d, const struct dut_reg *r);
void check_known(struct vfio_dev *d, const char *when);

#define DUT_PAGE	4096ul

#endif
