/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that knows that kernels differ. Kbuild defines RTD3_HAVE_name
 * where src/probe/name.c compiles; each probe says what it looks for. A stable
 * update may bring it early, but from the version here on every kernel has it: a
 * probe that does not compile there is broken, and so would be the driver.
 */
#ifndef RTD3_COMPAT_H
#define RTD3_COMPAT_H

#include <linux/eventfd.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/version.h>
#include <linux/vfio_pci_core.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "rtd3_vfio_pci needs Linux 6.1 or later"
#endif

/*
 * Members of struct vfio_device_ops that not every kernel has. Each expands to
 * whole initialisers with their commas, or to nothing.
 */
#ifdef RTD3_HAVE_iommufd_bind
#define RTD3_OPS_IOMMUFD						\
	.bind_iommufd = vfio_iommufd_physical_bind,			\
	.unbind_iommufd = vfio_iommufd_physical_unbind,			\
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#error "src/probe/iommufd_bind.c does not compile"
#else
#define RTD3_OPS_IOMMUFD
#endif

#ifdef RTD3_HAVE_iommufd_detach
#define RTD3_OPS_DETACH							\
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#error "src/probe/iommufd_detach.c does not compile"
#else
#define RTD3_OPS_DETACH
#endif

#ifdef RTD3_HAVE_iommufd_pasid
#define RTD3_OPS_PASID							\
	.pasid_attach_ioas = vfio_iommufd_physical_pasid_attach_ioas,	\
	.pasid_detach_ioas = vfio_iommufd_physical_pasid_detach_ioas,
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#error "src/probe/iommufd_pasid.c does not compile"
#else
#define RTD3_OPS_PASID
#endif

#ifdef RTD3_HAVE_match_token_uuid
#define RTD3_OPS_MATCH_TOKEN						\
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#error "src/probe/match_token_uuid.c does not compile"
#else
#define RTD3_OPS_MATCH_TOKEN
#endif

#ifdef RTD3_HAVE_region_info_caps
#define RTD3_OPS_REGION_INFO						\
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
#error "src/probe/region_info_caps.c does not compile"
#else
#define RTD3_OPS_REGION_INFO
#endif

#ifdef RTD3_HAVE_dmabuf_ops
static inline void
rtd3_compat_set_dmabuf_ops(struct vfio_pci_core_device *core)
{
	static const struct vfio_pci_device_ops ops = {
		.get_dmabuf_phys = vfio_pci_core_get_dmabuf_phys,
	};

	core->pci_ops = &ops;
}
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
#error "src/probe/dmabuf_ops.c does not compile"
#else
static inline void
rtd3_compat_set_dmabuf_ops(struct vfio_pci_core_device *core)
{
}
#endif

/*
 * vfio-pci's disable_idle_d3 is global on the kernels where the core copies it
 * into every device: it must not decide for ours.
 */
#ifdef RTD3_HAVE_vdev_idle_d3
static inline void rtd3_compat_allow_idle_d3(struct vfio_pci_core_device *core)
{
	core->disable_idle_d3 = false;
}
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 4)
#error "src/probe/vdev_idle_d3.c does not compile"
#else
static inline void rtd3_compat_allow_idle_d3(struct vfio_pci_core_device *core)
{
}
#endif

/*
 * vfio-pci's nointxmask and disable_vga are ours, too, on the kernels where they are
 * the core's. On the others there are two parameters of our own.
 */
#ifdef RTD3_HAVE_vdev_params
extern bool rtd3_nointxmask;
extern bool rtd3_disable_vga;

#define RTD3_VDEV_PARAM(name, desc)					\
	bool rtd3_##name;						\
	module_param_named(name, rtd3_##name, bool, 0644);		\
	MODULE_PARM_DESC(name, desc)

static inline void rtd3_compat_set_params(struct vfio_pci_core_device *core)
{
	core->nointxmask = rtd3_nointxmask;
	core->disable_vga = rtd3_disable_vga;
}
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 4)
#error "src/probe/vdev_params.c does not compile"
#else
#define RTD3_VDEV_PARAM(name, desc) static_assert(true)

static inline void rtd3_compat_set_params(struct vfio_pci_core_device *core)
{
}
#endif

#ifdef RTD3_HAVE_eventfd_signal_one
static inline void rtd3_compat_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#error "src/probe/eventfd_signal_one.c does not compile"
#else
static inline void rtd3_compat_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#endif

/*
 * Block a device's translations, whoever has them. Where that cannot be done it has to
 * stay awake.
 */
#ifdef RTD3_HAVE_iommu_block
static inline int rtd3_compat_block_iommu(struct pci_dev *pdev)
{
	return pci_dev_reset_iommu_prepare(pdev);
}

static inline void rtd3_compat_unblock_iommu(struct pci_dev *pdev)
{
	pci_dev_reset_iommu_done(pdev);
}
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 4)
#error "src/probe/iommu_block.c does not compile"
#else
static inline int rtd3_compat_block_iommu(struct pci_dev *pdev)
{
	return -EBUSY;
}

static inline void rtd3_compat_unblock_iommu(struct pci_dev *pdev)
{
}
#endif

#ifdef RTD3_HAVE_iommufd_detach
/* Does @other belong to the iommufd that @vdev is bound to? */
static inline bool rtd3_compat_same_iommufd(struct vfio_device *vdev,
					    struct vfio_device *other)
{
	struct iommufd_ctx *ctx = vfio_iommufd_device_ictx(vdev);
	int id = ctx ? vfio_iommufd_get_dev_id(other, ctx) : 0;

	/* -ENOENT: it is not bound, but of a group that belongs to it. */
	return id > 0 || id == -ENOENT;
}
#else
static inline bool rtd3_compat_same_iommufd(struct vfio_device *vdev,
					    struct vfio_device *other)
{
	return false;
}
#endif

/* Does a request of VFIO_DEVICE_FEATURE export BARs as a dma-buf? */
static inline bool rtd3_compat_exports(u32 flags)
{
#ifdef RTD3_HAVE_dmabuf_ops
	return (flags & ~VFIO_DEVICE_FEATURE_SET) ==
	       (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF);
#else
	return false;
#endif
}

/* Take all pages out of a mapping of a device. */
static inline void rtd3_compat_zap(struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start;

#ifdef RTD3_HAVE_zap_special_vma
	zap_special_vma_range(vma, vma->vm_start, size);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
#error "src/probe/zap_special_vma.c does not compile"
#else
	zap_vma_ptes(vma, vma->vm_start, size);
#endif
}

/* No core maps a BAR with a large page before. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define RTD3_VM_OPS_HUGE_FAULT(fn)	.huge_fault = fn,
#else
#define RTD3_VM_OPS_HUGE_FAULT(fn)
#endif

/* For trace.h: assign a __string() field. */
#ifdef RTD3_HAVE_assign_str_one
#define rtd3_assign_str(field, value) __assign_str(field)
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#error "src/probe/assign_str_one.c does not compile"
#else
#define rtd3_assign_str(field, value) __assign_str(field, value)
#endif

#endif /* RTD3_COMPAT_H */
