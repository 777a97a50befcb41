// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the user of a sleeping device reads in its configuration space, and what
 * one finds there that has lost its context.
 *
 * The core answers each bit either from the device or from vconfig, its virtual
 * copy, by tables that it keeps to itself. Here the device's part is an image,
 * taken while it could still be read, and the tables are repeated in
 * rtd3_shadow_add_*(). A bit missing there shows as a difference between a read
 * before and a read during sleep; the test "shadow" compares every byte.
 */

#include <linux/pci.h>
#include <linux/slab.h>

#include "device.h"
#include "shadow.h"

#define RTD3_MAP_INVALID	0xff	/* pci_config_map: no capability's */
#define RTD3_MAP_VIRTUAL	0xfe	/* a variant driver's, in vconfig */

/**
 * struct rtd3_volatile - a register that changes by itself
 * @cap: capability that it is in; 0: the header
 * @offset: of the byte in the capability
 * @mask: bits that a sleeping device cannot have
 *
 * All other registers are shown as they were when the image was taken: nothing
 * that happens in a device without power can change them, and what happens to
 * it at wake (AER status, Link Status, PME_Status, which the core hides) is told
 * by the device itself, once it is awake.
 */
struct rtd3_volatile {
	u8 cap;
	u8 offset;
	u8 mask;
};

static const struct rtd3_volatile rtd3_volatiles[] = {
	/* An interrupt that was pending is lost with the context, and INTx is masked. */
	{ 0, PCI_STATUS, PCI_STATUS_INTERRUPT },
	/* A device may only enter D3 when its transactions have ended. */
	{ PCI_CAP_ID_EXP, PCI_EXP_DEVSTA, PCI_EXP_DEVSTA_TRPND },
};

static void rtd3_shadow_add(struct rtd3_shadow *shadow, unsigned int pos,
			    const u8 *bits, size_t len)
{
	memcpy(shadow->virt + pos, bits, len);
}

static void rtd3_shadow_add_header(struct rtd3_shadow *shadow)
{
	memset(shadow->virt + PCI_VENDOR_ID, 0xff, 4);
	shadow->virt[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8;
	shadow->virt[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	memset(shadow->virt + PCI_BASE_ADDRESS_0, 0xff, 24);
	memset(shadow->virt + PCI_ROM_ADDRESS, 0xff, 4);
	shadow->virt[PCI_CAPABILITY_LIST] = 0xff;
	shadow->virt[PCI_INTERRUPT_LINE] = 0xff;
	shadow->virt[PCI_INTERRUPT_PIN] = 0xff;
}

/* MSI: low byte of the flags, address and data, but not mask and pending bits. */
static void rtd3_shadow_add_msi(struct rtd3_device *rdev, unsigned int pos)
{
	u8 flags = rdev->core.vconfig[pos + PCI_MSI_FLAGS];
	unsigned int end = flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 :
							 PCI_MSI_DATA_32;
	u8 *virt = rdev->config.shadow.virt + pos;

	virt[PCI_MSI_FLAGS] = 0xff;
	memset(virt + PCI_MSI_ADDRESS_LO, 0xff, end + 2 - PCI_MSI_ADDRESS_LO);
}

/* A capability of the first 256 bytes. */
static void rtd3_shadow_add_cap(struct rtd3_device *rdev, u8 cap, unsigned int pos)
{
	static const u8 pm[] = { 0, 0xff, 0, PCI_PM_CAP_PME_MASK >> 8, 0,
				 (PCI_PM_CTRL_PME_ENABLE |
				  PCI_PM_CTRL_PME_STATUS) >> 8 };
	static const u8 exp[] = { 0, 0xff, 0, 0, 0, 0, 0, 0,
				  PCI_EXP_DEVCTL_PAYLOAD,
				  (PCI_EXP_DEVCTL_BCR_FLR |
				   PCI_EXP_DEVCTL_READRQ) >> 8 };
	static const u8 vpd[] = { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const u8 af[] = { 0, 0xff, 0, 0, PCI_AF_CTRL_FLR };
	struct rtd3_shadow *shadow = &rdev->config.shadow;

	shadow->virt[pos + PCI_CAP_LIST_NEXT] = 0xff;
	switch (cap) {
	case PCI_CAP_ID_PM:
		rtd3_shadow_add(shadow, pos, pm, sizeof(pm));
		break;
	case PCI_CAP_ID_EXP:
		rtd3_shadow_add(shadow, pos, exp, sizeof(exp));
		break;
	case PCI_CAP_ID_VPD:
		rtd3_shadow_add(shadow, pos, vpd, sizeof(vpd));
		break;
	case PCI_CAP_ID_AF:
		rtd3_shadow_add(shadow, pos, af, sizeof(af));
		break;
	case PCI_CAP_ID_MSI:
		rtd3_shadow_add_msi(rdev, pos);
		break;
	}
}

/* Where a capability begins: the map has its id in each of its bytes. */
static bool rtd3_shadow_cap_starts(const u8 *map, unsigned int pos)
{
	return map[pos] != RTD3_MAP_INVALID && map[pos] != RTD3_MAP_VIRTUAL &&
	       map[pos] != map[pos - 1];
}

static void rtd3_shadow_add_all(struct rtd3_device *rdev)
{
	const u8 *map = rdev->core.pci_config_map;
	struct rtd3_shadow *shadow = &rdev->config.shadow;
	unsigned int pos;

	rtd3_shadow_add_header(shadow);
	for (pos = PCI_STD_HEADER_SIZEOF; pos < rdev->core.pdev->cfg_size; pos++) {
		if (map[pos] == RTD3_MAP_VIRTUAL)
			shadow->virt[pos] = 0xff;
		else if (pos < PCI_CFG_SPACE_SIZE && rtd3_shadow_cap_starts(map, pos))
			rtd3_shadow_add_cap(rdev, map[pos], pos);
		else if (pos >= PCI_CFG_SPACE_SIZE && !(pos % 4) &&
			 (pos == PCI_CFG_SPACE_SIZE ||
			  rtd3_shadow_cap_starts(map, pos)) &&
			 map[pos] != RTD3_MAP_INVALID)
			/* The list of these is in their first dword. */
			memset(shadow->virt + pos, 0xff, 4);
	}
}

/**
 * rtd3_shadow_alloc - prepare for a device that is being opened
 * @rdev: device, after vfio_pci_core_enable()
 *
 * Return: 0 or -ENOMEM.
 */
int rtd3_shadow_alloc(struct rtd3_device *rdev)
{
	struct rtd3_shadow *shadow = &rdev->config.shadow;
	size_t size = rdev->core.pdev->cfg_size;

	/* One allocation for both. */
	shadow->image = kzalloc(2 * size, GFP_KERNEL_ACCOUNT);
	if (!shadow->image)
		return -ENOMEM;
	shadow->virt = shadow->image + size;
	shadow->taken = false;
	shadow->msix_reset = false;
	shadow->command_reset = false;
	rtd3_shadow_add_all(rdev);

	return 0;
}

/**
 * rtd3_shadow_free - the opposite
 * @rdev: device that has no user any more
 */
void rtd3_shadow_free(struct rtd3_device *rdev)
{
	kfree(rdev->config.shadow.image);
	rdev->config.shadow.image = NULL;
}

static void rtd3_shadow_drop_volatile(struct rtd3_device *rdev)
{
	const struct rtd3_volatile *reg;
	unsigned int pos;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rtd3_volatiles); i++) {
		reg = &rtd3_volatiles[i];
		pos = reg->cap ? pci_find_capability(rdev->core.pdev, reg->cap) : 0;
		if (pos || !reg->cap)
			rdev->config.shadow.image[pos + reg->offset] &= ~reg->mask;
	}
}

/*
 * Is there something? What is no capability's, was 0 once, and was not written since, is
 * not. The user of a device that sleeps does not learn what such a register has come to be
 * by itself.
 */
static bool rtd3_shadow_is_live(struct rtd3_device *rdev, unsigned int pos)
{
	struct rtd3_shadow *shadow = &rdev->config.shadow;

	return !shadow->taken ||
	       rdev->core.pci_config_map[pos] != RTD3_MAP_INVALID ||
	       *(__le32 *)(shadow->image + pos);
}

/**
 * rtd3_shadow_take - ask the device for its part of the shadow
 * @rdev: device, held awake; it may be in D3hot
 *
 * Context: rtd3_config.lock held. One read for each dword that there is: a hundred,
 * but for the first time.
 */
void rtd3_shadow_take(struct rtd3_device *rdev)
{
	struct pci_dev *pdev = rdev->core.pdev;
	__le32 *image = (__le32 *)rdev->config.shadow.image;
	unsigned int pos;
	u32 value;

	lockdep_assert_held(&rdev->config.lock);

	for (pos = 0; pos < pdev->cfg_size; pos += 4) {
		if (!rtd3_shadow_is_live(rdev, pos))
			continue;
		pci_read_config_dword(pdev, pos, &value);
		image[pos / 4] = cpu_to_le32(value);
	}
	rdev->config.shadow.taken = true;
	rtd3_shadow_drop_volatile(rdev);
}

/**
 * rtd3_shadow_written - somebody has written to the device
 * @rdev: device, open
 * @pos: where
 *
 * Context: rtd3_config.lock held.
 */
void rtd3_shadow_written(struct rtd3_device *rdev, unsigned int pos)
{
	lockdep_assert_held(&rdev->config.lock);

	if (pos < rdev->core.pdev->cfg_size &&
	    rdev->core.pci_config_map[pos] == RTD3_MAP_INVALID)
		rdev->config.shadow.taken = false;
}

/* What the core does to a virtual BAR before anybody reads it again. */
static void rtd3_shadow_size_bars(struct rtd3_device *rdev)
{
	__le32 *bar = (__le32 *)&rdev->core.vconfig[PCI_BASE_ADDRESS_0];
	struct pci_dev *pdev = rdev->core.pdev;
	unsigned long flags;
	u64 mask;
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		if (!pci_resource_start(pdev, i)) {
			bar[i] = 0;
			continue;
		}
		flags = pci_resource_flags(pdev, i);
		mask = ~(pci_resource_len(pdev, i) - 1);
		bar[i] &= cpu_to_le32((u32)mask);
		if (flags & IORESOURCE_IO) {
			bar[i] |= cpu_to_le32(PCI_BASE_ADDRESS_SPACE_IO);
			continue;
		}
		if (flags & IORESOURCE_PREFETCH)
			bar[i] |= cpu_to_le32(PCI_BASE_ADDRESS_MEM_PREFETCH);
		if (flags & IORESOURCE_MEM_64) {
			bar[i] |= cpu_to_le32(PCI_BASE_ADDRESS_MEM_TYPE_64);
			i++;
			bar[i] &= cpu_to_le32((u32)(mask >> 32));
		}
	}

	bar = (__le32 *)&rdev->core.vconfig[PCI_ROM_ADDRESS];
	if (pci_resource_start(pdev, PCI_ROM_RESOURCE))
		*bar &= cpu_to_le32((u32)~(pci_resource_len(pdev, PCI_ROM_RESOURCE) - 1) |
				    PCI_ROM_ADDRESS_ENABLE);
	/* A ROM without a BAR: the core is left to size it at the next access. */
}

static bool rtd3_shadow_is_bar(unsigned int pos)
{
	return (pos >= PCI_BASE_ADDRESS_0 && pos < PCI_BASE_ADDRESS_5 + 4) ||
	       (pos >= PCI_ROM_ADDRESS && pos < PCI_ROM_ADDRESS + 4);
}

/**
 * rtd3_shadow_byte - what the user of a sleeping device reads
 * @rdev: device, whose image has been taken
 * @pos: in configuration space
 *
 * Context: rtd3_config.lock held.
 */
u8 rtd3_shadow_byte(struct rtd3_device *rdev, unsigned int pos)
{
	struct rtd3_shadow *shadow = &rdev->config.shadow;
	u8 virt = shadow->virt[pos];

	lockdep_assert_held(&rdev->config.lock);

	if (rdev->core.bardirty && rtd3_shadow_is_bar(pos))
		rtd3_shadow_size_bars(rdev);

	return (shadow->image[pos] & ~virt) | (rdev->core.vconfig[pos] & virt);
}

/**
 * rtd3_shadow_virtual - does a write here reach no device?
 * @rdev: device
 * @pos: in configuration space
 */
bool rtd3_shadow_virtual(struct rtd3_device *rdev, unsigned int pos)
{
	return rtd3_shadow_is_bar(pos) || pos == PCI_INTERRUPT_LINE;
}

/**
 * rtd3_shadow_write - write such a register
 * @rdev: device
 * @pos: in configuration space
 * @value: the new one
 *
 * Context: rtd3_config.lock held.
 */
void rtd3_shadow_write(struct rtd3_device *rdev, unsigned int pos, u8 value)
{
	lockdep_assert_held(&rdev->config.lock);

	rdev->core.vconfig[pos] = value;
	if (rtd3_shadow_is_bar(pos))
		rdev->core.bardirty = true;
}

/**
 * rtd3_shadow_patch - what hardware would show and the device does not
 * @rdev: device
 * @pos: in configuration space
 * @value: what the device shows there; changed
 *
 * The host has set up MSI-X and decoding again before the guest knows that they
 * were lost.
 *
 * Context: rtd3_config.lock held.
 * Return: was it changed?
 */
bool rtd3_shadow_patch(struct rtd3_device *rdev, unsigned int pos, u8 *value)
{
	const struct rtd3_shadow *shadow = &rdev->config.shadow;
	struct pci_dev *pdev = rdev->core.pdev;

	lockdep_assert_held(&rdev->config.lock);

	if (shadow->msix_reset && pdev->msix_cap &&
	    pos == pdev->msix_cap + PCI_MSIX_FLAGS + 1) {
		*value &= ~((PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8);
		return true;
	}
	if (shadow->command_reset && pos == PCI_COMMAND) {
		/* Functions without the bit decode always, and the core shows it. */
		*value &= pdev->no_command_memory ? PCI_COMMAND_MEMORY : 0;
		return true;
	}

	return false;
}

/**
 * rtd3_shadow_reset - let the user see a device that has lost its context
 * @rdev: device, held awake, in D0
 *
 * PCI Bus Power Management 1.2, 5.4.1: out of D3hot without No_Soft_Reset, and
 * out of D3cold, a function is uninitialised. The host has brought the device
 * back as it was, and keeps its BARs and interrupts; what is the guest's to set
 * up again reads as after a reset. It does not master the bus until the guest says
 * so. It decodes, whatever the command register reads as: a VMM goes by what its
 * guest has written there, and may map the BARs for DMA as soon as PMCSR is in D0.
 *
 * Context: rtd3_config.lock held; takes memory_lock.
 */
void rtd3_shadow_reset(struct rtd3_device *rdev)
{
	struct vfio_pci_core_device *core = &rdev->core;
	struct pci_dev *pdev = core->pdev;
	u8 *vconfig = core->vconfig;
	u16 command;

	lockdep_assert_held(&rdev->config.lock);

	down_write(&core->memory_lock);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	/* The core masks INTx with one of these. */
	command &= PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_IO |
		   PCI_COMMAND_MEMORY;
	pci_write_config_word(pdev, PCI_COMMAND, command);
	*(__le16 *)&vconfig[PCI_COMMAND] &=
		cpu_to_le16(PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	rdev->config.shadow.command_reset = true;
	memset(vconfig + PCI_BASE_ADDRESS_0, 0, 24);
	memset(vconfig + PCI_ROM_ADDRESS, 0, 4);
	core->bardirty = true;
	vconfig[PCI_INTERRUPT_LINE] = 0;
	if (pdev->msi_cap) {
		u8 *msi = vconfig + pdev->msi_cap;
		bool wide = msi[PCI_MSI_FLAGS] & PCI_MSI_FLAGS_64BIT;

		msi[PCI_MSI_FLAGS] &= ~(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
		memset(msi + PCI_MSI_ADDRESS_LO, 0,
		       (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32) + 2 -
		       PCI_MSI_ADDRESS_LO);
	}
	rdev->config.shadow.msix_reset = true;
	up_write(&core->memory_lock);
}
