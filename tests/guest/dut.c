// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "dut.h"
#include "tap.h"

/*
 * For nvme: the version, and the queue entry sizes in the controller's configuration, not enabled.
 * For the network chips: the low half of the MAC address 52:54:00:12:34:56, and the first word of
 * the multicast table. virtio's common registers are found by capability (dut_locate()): it has
 * two queues, and its status is 0 after a reset.
 */
static struct dut duts[] = {
	{
		.name = "nvme",
		.known = { "nvme VS", 0, 0x08, 4, 0xffff00ff }, .known_val = 0x00010000,
		.loses = { "nvme CC", 0, 0x14, 4, 0xffffffff }, .loses_val = 0x00460000,
		.native = "nvme", .native_module = "nvme",
	}, {
		.name = "e1000e",
		.known = { "e1000e RAL0", 0, 0x5400, 4, 0xffffffff }, .known_val = 0x12005452,
		.loses = { "e1000e MTA0", 0, 0x5200, 4, 0xffffffff }, .loses_val = 0x5aa5c33c,
		.native = "e1000e", .native_module = "e1000e",
	}, {
		.name = "igb",
		.known = { "igb RAL0", 0, 0x5400, 4, 0xffffffff }, .known_val = 0x12005452,
		.loses = { "igb MTA0", 0, 0x5200, 4, 0xffffffff }, .loses_val = 0x5aa5c33c,
		.native = "igb", .native_module = "igb",
	}, {
		.name = "gpu",
		.known = {
			"virtio num_queues", -1, offsetof(struct virtio_pci_common_cfg, num_queues),
			2, 0xffff
		},
		.known_val = 2,
		.loses = {
			"virtio device_status", -1,
			offsetof(struct virtio_pci_common_cfg, device_status), 1, 0xff
		},
		.loses_val = 0x03,
		.native = "virtio-pci", .native_module = "virtio_pci",
	}, {
		.name = "rig-gpu",
		.known = { "rig-gpu ID", 0, RIG_GPU_REG_ID, 4, 0xffffffff },
		.known_val = RIG_GPU_ID,
		.loses = { "rig-gpu SCRATCH", 0, RIG_GPU_REG_SCRATCH, 4, 0xffffffff },
		.loses_val = 0x5aa5c33c,
	},
};

static struct dut *find(const char *name)
{
	for (size_t i = 0; i < sizeof(duts) / sizeof(duts[0]); i++)
		if (!strcmp(duts[i].name, name))
			return &duts[i];
	return NULL;
}

static struct dut *dut_find(const struct pci_fn *pf)
{
	switch (pf->device << 16 | pf->vendor) {
	case 0x00101b36:
		return find("nvme");
	case 0x10d38086:
		return find("e1000e");
	case 0x10c98086:
		return find("igb");
	case 0x10501af4:
		return find("gpu");
	case 0x1e8710de:
	case 0x10f810de:
	case 0x1ad810de:
	case 0x1ad910de:
	case 0x73bf1002:
	case 0xab281002:
	case 0x56a08086:
	case 0x4f908086:
		return find("rig-gpu");
	}
	die("%s: a device that the tests know (%04x:%04x)", pf->name, pf->vendor, pf->device);
}

/** dut_of() - what is known of a function; its registers may not be located yet */
const struct dut *dut_of(const struct pci_fn *pf)
{
	return dut_find(pf);
}

/** dut_prepare() - turn on memory decoding and bus mastering, as any driver does first */
void dut_prepare(struct vfio_dev *d)
{
	uint32_t cmd = vfio_cfg(d, PCI_COMMAND, 2);

	vfio_cfg_write(d, PCI_COMMAND, cmd | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

/**
 * dut_locate() - what is known of an open device, with its registers located
 * @d: the device; memory decoding gets turned on
 */
const struct dut *dut_locate(struct vfio_dev *d)
{
	struct dut *t = dut_find(d->pf);

	dut_prepare(d);
	if (t->known.bar >= 0)
		return t;
	for (unsigned int cap = vfio_find_cap(d, PCI_CAP_ID_VNDR, 0); cap;
	     cap = vfio_find_cap(d, PCI_CAP_ID_VNDR, cap)) {
		uint32_t base;

		if (vfio_cfg(d, cap + offsetof(struct virtio_pci_cap, cfg_type), 1) !=
		    VIRTIO_PCI_CAP_COMMON_CFG)
			continue;
		base = vfio_cfg(d, cap + offsetof(struct virtio_pci_cap, offset), 4);
		t->known.bar = vfio_cfg(d, cap + offsetof(struct virtio_pci_cap, bar), 1);
		t->loses.bar = t->known.bar;
		t->known.off += base;
		t->loses.off += base;
		return t;
	}
	die("%s: virtio common configuration capability", d->pf->name);
}

/** __dut_read() - read a register through read(); 0 or -errno */
int __dut_read(struct vfio_dev *d, const struct dut_reg *r, uint64_t *val)
{
	int ret = __vfio_read(d, r->bar, r->off, val, r->width);

	*val &= r->mask;
	return ret;
}

/** dut_read() - __dut_read() that must work */
uint64_t dut_read(struct vfio_dev *d, const struct dut_reg *r)
{
	return vfio_read(d, r->bar, r->off, r->width) & r->mask;
}

/** dut_works() - 0 if a device that may be dead does what it shall; -errno, -EIO for nonsense */
int dut_works(struct vfio_dev *d)
{
	const struct dut *t;
	uint64_t val = 0;
	int ret;

	ret = __vfio_read(d, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &val, 2);
	/* With all ones there a register cannot be looked for. */
	if (ret || (val & 0xffff) == 0xffff)
		return ret ? ret : -EIO;
	t = dut_locate(d);
	ret = __dut_read(d, &t->known, &val);
	return ret || val == t->known_val ? ret : -EIO;
}

/** dut_mark() - leave a mark that a reset, or a power cycle, must remove */
void dut_mark(struct vfio_dev *d)
{
	const struct dut *t = dut_locate(d);

	vfio_write(d, t->loses.bar, t->loses.off, t->loses_val, t->loses.width);
	if (dut_read(d, &t->loses) != t->loses_val)
		die("%s: set %s", d->pf->name, t->loses.what);
}

/**
 * check_mark_gone() - TAP result: what dut_mark() has left is not there any more
 * @d: the device, awake
 * @when: after what
 */
bool check_mark_gone(struct vfio_dev *d, const char *when)
{
	const struct dut *t = dut_locate(d);

	return check_eq(dut_read(d, &t->loses), t->reset_val, "%s: %s", when, t->loses.what);
}

/** dut_map() - map the page that a register is in */
void *dut_map(struct vfio_dev *d, const struct dut_reg *r)
{
	void *page = vfio_mmap(d, r->bar, r->off & ~(DUT_PAGE - 1), DUT_PAGE);

	if (page == MAP_FAILED)
		die("%s: mmap of region %d: %s", d->pf->name, r->bar, strerror(errno));
	return page;
}

/** dut_load() - read a register through a map from dut_map() */
uint64_t dut_load(const void *page, const struct dut_reg *r)
{
	const volatile uint8_t *p = (const volatile uint8_t *)page + (r->off & (DUT_PAGE - 1));

	switch (r->width) {
	case 1:
		return *p & r->mask;
	case 2:
		return *(const volatile uint16_t *)p & r->mask;
	default:
		return *(const volatile uint32_t *)p & r->mask;
	}
}

/** dut_mmap_read() - read a register through a map made for it */
uint64_t dut_mmap_read(struct vfio_dev *d, const struct dut_reg *r)
{
	void *page = dut_map(d, r);
	uint64_t val = dut_load(page, r);

	munmap(page, DUT_PAGE);
	return val;
}

/**
 * check_known() - TAP results: id and known register, through read() and through mmap()
 * @d: the device, awake
 * @when: after what
 */
void check_known(struct vfio_dev *d, const char *when)
{
	const struct dut *t = dut_locate(d);

	check_eq(vfio_cfg(d, PCI_VENDOR_ID, 4), pci_id(d->pf), "%s: id through vfio", when);
	check_eq(dut_read(d, &t->known), t->known_val, "%s: %s through read()", when,
		 t->known.what);
	check_eq(dut_mmap_read(d, &t->known), t->known_val, "%s: %s through mmap()", when,
		 t->known.what);
}
