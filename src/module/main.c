// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtd3_vfio_pci: a vfio-pci variant driver that lets a device reach D3cold
 * whenever nobody needs it. This file is the PCI driver; vfio.c is the VFIO
 * device, pm.c its power management.
 */

#include <linux/module.h>
#include <linux/pci.h>

#include "device.h"
#include "learnt.h"
#include "param.h"
#include "sysfs.h"

static bool enable_sriov;
module_param(enable_sriov, bool, 0644);
MODULE_PARM_DESC(enable_sriov,
		 "Allow virtual functions to be enabled on bound devices (default: N)");

static int rtd3_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct rtd3_device *rdev;
	int ret;

	rdev = rtd3_device_alloc(pdev);
	if (IS_ERR(rdev))
		return PTR_ERR(rdev);

	/* The core finds its device here, and checks that it does. */
	pci_set_drvdata(pdev, &rdev->core);
	ret = rtd3_device_register(rdev);
	if (ret)
		goto out_put;
	ret = rtd3_sysfs_add(rdev);
	if (ret)
		goto out_unregister;

	return 0;

out_unregister:
	rtd3_device_unregister(rdev);
out_put:
	vfio_put_device(&rdev->core.vdev);
	return ret;
}

static void rtd3_remove(struct pci_dev *pdev)
{
	struct rtd3_device *rdev = rtd3_from_core(pci_get_drvdata(pdev));

	WRITE_ONCE(rdev->recovery.leaving, true);
	rtd3_sysfs_remove(rdev);
	rtd3_device_unregister(rdev);
	vfio_put_device(&rdev->core.vdev);
}

static int rtd3_sriov_configure(struct pci_dev *pdev, int nr_virtfn)
{
	if (!enable_sriov)
		return -ENOENT;

	return vfio_pci_core_sriov_configure(pci_get_drvdata(pdev), nr_virtfn);
}

/*
 * Display devices, for driver_override only. The class alone leaves six
 * wildcards in the module alias: libvirt and go-nvlib take the match with the
 * fewest, so this comes before vfio-pci's (seven) and after the variant driver
 * of any particular device. Everything else, the audio function of a GPU for
 * one, binds by driver_override and needs no entry.
 */
static const struct pci_device_id rtd3_ids[] = {
	{
		.vendor = PCI_ANY_ID,
		.device = PCI_ANY_ID,
		.subvendor = PCI_ANY_ID,
		.subdevice = PCI_ANY_ID,
		.class = PCI_BASE_CLASS_DISPLAY << 16,
		.class_mask = 0xff0000,
		.override_only = PCI_ID_F_VFIO_DRIVER_OVERRIDE,
	},
	{}
};
MODULE_DEVICE_TABLE(pci, rtd3_ids);

static struct pci_driver rtd3_driver = {
	.name = KBUILD_MODNAME,
	.id_table = rtd3_ids,
	.probe = rtd3_probe,
	.remove = rtd3_remove,
	.sriov_configure = rtd3_sriov_configure,
	.err_handler = &vfio_pci_core_err_handlers,
	.driver_managed_dma = true,
};

static int __init rtd3_init(void)
{
	int ret;

	ret = rtd3_param_check_ids();
	if (ret)
		return ret;

	ret = rtd3_health_module_init();
	if (ret)
		return ret;

	ret = pci_register_driver(&rtd3_driver);
	if (ret)
		goto out_health;

	ret = rtd3_param_add_ids(&rtd3_driver);
	if (ret)
		goto out_driver;

	return 0;

out_driver:
	pci_unregister_driver(&rtd3_driver);
out_health:
	rtd3_health_module_exit();
	return ret;
}
module_init(rtd3_init);

static void __exit rtd3_cleanup(void)
{
	pci_unregister_driver(&rtd3_driver);
	rtd3_learnt_module_exit();
	rtd3_health_module_exit();
}
module_exit(rtd3_cleanup);

MODULE_LICENSE("GPL");
MODULE_VERSION(RTD3_VERSION);
MODULE_AUTHOR("The rtd3_vfio_pci authors");
MODULE_DESCRIPTION("VFIO PCI variant driver that takes idle devices to D3cold");
