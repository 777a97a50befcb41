// SPDX-License-Identifier: GPL-2.0-only
/* doctor's look at the machine: processor, firmware, kernel, module, configuration. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host.h"
#include "module.h"
#include "out.h"
#include "sys.h"

#define HOST_FILE_MAX	(1 << 20)
#define HOST_EFI_VAR	"8be4df61-93ca-11d2-aa0d-00e098032b8c"

static bool host_file_has(const char *file, const char *text)
{
	char path[PATH_MAX];
	char *all;
	bool has;

	sys_path(path, "%s", file);
	all = sys_slurp(path, HOST_FILE_MAX, NULL);
	has = all && strstr(all, text);
	free(all);

	return has;
}

/* Of a configuration file: a line that is no comment. */
static bool host_config_has(const char *file, const char *text)
{
	char path[PATH_MAX];
	char *all, *line, *save;
	bool has = false;

	sys_path(path, "%s", file);
	all = sys_slurp(path, HOST_FILE_MAX, NULL);
	for (line = all ? strtok_r(all, "\n", &save) : NULL; line && !has;
	     line = strtok_r(NULL, "\n", &save))
		has = line[strspn(line, " \t")] != '#' && strstr(line, text);
	free(all);

	return has;
}

static bool host_any(const char *folder)
{
	char path[PATH_MAX];
	char **names;
	bool any;

	sys_path(path, "%s", folder);
	names = sys_list(path);
	any = names && *names;
	sys_list_free(names);

	return any;
}

static void check_cpu(FILE *out)
{
	if (host_file_has("/proc/cpuinfo", " vmx") || host_file_has("/proc/cpuinfo", " svm"))
		check_say(out, "cpu", NULL, CHECK_PASS, NULL,
			  "the processor runs virtual machines");
	else if (host_file_has("/proc/cpuinfo", "flags\t"))
		check_say(out, "cpu", NULL, CHECK_WARN, NULL,
			  "the processor shows no VT-x and no AMD-V: turn it on in the firmware's setup, or this is a virtual machine without it");
	else
		check_say(out, "cpu", NULL, CHECK_UNKNOWN, NULL,
			  "the processor does not say whether it runs virtual machines");
}

static void check_iommu(FILE *out)
{
	if (host_any("/sys/kernel/iommu_groups"))
		check_say(out, "iommu", NULL, CHECK_PASS, NULL, "the IOMMU is on");
	else
		check_say(out, "iommu", NULL, CHECK_FAIL, NULL,
			  "no IOMMU: turn on VT-d or AMD-Vi in the firmware's setup, and on Intel add intel_iommu=on to the kernel's command line");
}

static void check_acpi(FILE *out)
{
	char path[PATH_MAX];

	sys_path(path, "/sys/firmware/acpi/tables");
	if (sys_exists(path) && !host_cmdline_has("acpi=off"))
		check_say(out, "acpi", NULL, CHECK_PASS, NULL, "the firmware has ACPI");
	else
		check_say(out, "acpi", NULL, CHECK_FAIL, NULL,
			  "no ACPI: power is cut by its methods; remove acpi=off, or use another machine");
}

static void check_firmware_year(FILE *out)
{
	int year = host_bios_year();

	if (!year)
		check_say(out, "firmware-year", NULL, CHECK_UNKNOWN, NULL,
			  "the firmware does not say how old it is");
	else if (year < 2015)
		check_say(out, "firmware-year", NULL, CHECK_FAIL, NULL,
			  "the firmware is of %d, and the kernel trusts no port of firmware older than 2015: update it, or try pcie_port_pm=force",
			  year);
	else
		check_say(out, "firmware-year", NULL, CHECK_PASS, NULL, "the firmware is of %d",
			  year);
}

/* What sysfs shows of _PR3 decides; nothing else can stand for it. */
static void check_pr3(FILE *out)
{
	size_t nr, i, with = 0;
	struct dev *dev;

	if (dev_all(&dev, &nr))
		return;
	for (i = 0; i < nr; i++)
		with += dev[i].pr3;
	free(dev);
	if (with)
		check_say(out, "pr3", NULL, CHECK_PASS, NULL,
			  "the firmware can cut the power of %zu device%s or port%s (_PR3)", with,
			  with > 1 ? "s" : "", with > 1 ? "s" : "");
	else
		check_say(out, "pr3", NULL, CHECK_FAIL, NULL,
			  "the firmware cannot cut the power of any PCI device (no _PR3): D3hot is the deepest here; look for a firmware update or a setting like \"D3cold\" or \"RTD3\"");
}

static void check_kernel(FILE *out)
{
	int version = host_kernel();

	if (!version)
		check_say(out, "kernel", NULL, CHECK_UNKNOWN, NULL,
			  "the kernel does not say its version");
	else if (version < HOST_VERSION(6, 1, 0))
		check_say(out, "kernel", NULL, CHECK_FAIL, NULL,
			  "Linux %s is too old: 6.1 is the first that works", host_release());
	else
		check_say(out, "kernel", NULL, CHECK_PASS, NULL, "Linux %s", host_release());

	if (host_cmdline_has("pcie_port_pm=off"))
		check_say(out, "pcie-port-pm", NULL, CHECK_FAIL, NULL,
			  "pcie_port_pm=off is on the kernel's command line: no port sleeps, so no power is cut; remove it");
	else if (host_cmdline_has("pcie_port_pm=force"))
		check_say(out, "pcie-port-pm", NULL, CHECK_WARN, NULL,
			  "pcie_port_pm=force is on the kernel's command line: ports sleep that the kernel would not trust");
	else
		check_say(out, "pcie-port-pm", NULL, CHECK_PASS, NULL,
			  "the kernel's command line leaves ports alone");
}

static void check_vfio(FILE *out)
{
	struct module core;

	module_load(&core, "vfio_pci_core");
	if (core.loaded || *core.path)
		check_say(out, "vfio", NULL, CHECK_PASS, NULL, "the kernel has vfio-pci-core");
	else
		check_say(out, "vfio", NULL, CHECK_FAIL, NULL,
			  "the kernel has no module vfio-pci-core: use one with CONFIG_VFIO_PCI");
}

static bool host_has_headers(void)
{
	char path[PATH_MAX];

	sys_path(path, "/lib/modules/%s/build", host_release());

	return sys_exists(path);
}

static void check_headers(FILE *out, const struct module *module)
{
	char command[256];

	if (host_has_headers()) {
		check_say(out, "headers", NULL, CHECK_PASS, NULL, "the kernel's headers are there");
		return;
	}
	sys_text(command, sizeof(command), "apt-get install linux-headers-%s", host_release());
	check_say(out, "headers", NULL,
		  *module->path || module->loaded ? CHECK_PASS : CHECK_WARN,
		  *module->path || module->loaded ? NULL : command,
		  "the headers of this kernel are not there: to build the module takes them");
}

static void check_installed(FILE *out, const struct module *module)
{
	if (module->loaded || *module->path)
		check_say(out, "module-installed", NULL, CHECK_PASS, NULL,
			  "the module is built for this kernel%s%s", *module->version ? ": " : "",
			  module->version);
	else if (host_any("/var/lib/dkms/" DEV_DRIVER))
		check_say(out, "module-installed", NULL, CHECK_FAIL, "dkms autoinstall",
			  "DKMS has the module, and has not built it for this kernel");
	else
		check_say(out, "module-installed", NULL, CHECK_WARN,
			  "make dkms-install", "the module is not installed");
}

static bool host_secure_boot(bool *known)
{
	char path[PATH_MAX];
	char *value;
	size_t len;
	bool on;

	*known = true;
	sys_path(path, "/sys/firmware/efi");
	if (!sys_exists(path))
		return false;
	sys_path(path, "/sys/firmware/efi/efivars/SecureBoot-" HOST_EFI_VAR);
	/* Four bytes of attributes, then the value. */
	value = sys_slurp(path, SYS_TEXT, &len);
	*known = value;
	on = value && len >= 5 && value[4] == 1;
	free(value);

	return on;
}

static void check_enrolled(FILE *out, const struct module *module)
{
	if (host_file_has("/proc/keys", module->signer))
		check_say(out, "module-enrolled", NULL, CHECK_PASS, NULL,
			  "the kernel knows the key that the module is signed with");
	else if (module->loaded)
		check_say(out, "module-enrolled", NULL, CHECK_PASS, NULL,
			  "the kernel has taken the module");
	else
		check_say(out, "module-enrolled", NULL, CHECK_UNKNOWN,
			  "mokutil --import /var/lib/dkms/mok.pub",
			  "the key \"%s\" is not among those that can be seen here: if the module does not load, enrol it and reboot",
			  module->signer);
}

static void check_signed(FILE *out, const struct module *module)
{
	bool known, secure = host_secure_boot(&known);

	if (!known) {
		check_say(out, "module-signed", NULL, CHECK_UNKNOWN, NULL,
			  "whether Secure Boot is on cannot be seen");
	} else if (!secure) {
		check_say(out, "module-signed", NULL, CHECK_PASS, NULL,
			  "Secure Boot is off: no signature is asked for");
	} else if (!*module->path) {
		check_say(out, "module-signed", NULL, CHECK_WARN, NULL,
			  "Secure Boot is on: the module has to be signed; DKMS does that with a key of its own, which the firmware has to know");
	} else if (!*module->signer) {
		check_say(out, "module-signed", NULL, CHECK_FAIL,
			  "dkms remove " DEV_DRIVER " --all; make dkms-install",
			  "Secure Boot is on, and the module has no signature");
	} else {
		check_say(out, "module-signed", NULL, CHECK_PASS, NULL,
			  "Secure Boot is on, and the module is signed: %s", module->signer);
		check_enrolled(out, module);
	}
}

static void check_module(FILE *out)
{
	struct module module;

	module_load(&module, DEV_DRIVER);
	check_headers(out, &module);
	check_installed(out, &module);
	check_signed(out, &module);
	if (module.loaded)
		check_say(out, "module-loaded", NULL, CHECK_PASS, NULL, "the module is loaded");
	else
		check_say(out, "module-loaded", NULL, CHECK_WARN,
			  *module.path ? "modprobe " DEV_DRIVER : NULL,
			  "the module is not loaded; rtd3ctl bind loads it");
	if (*module.version && strcmp(module.version, RTD3CTL_VERSION))
		check_say(out, "module-version", NULL, CHECK_WARN, NULL,
			  "the module is version %s and rtd3ctl " RTD3CTL_VERSION
			  ": install both from one release", module.version);
}

static void check_disable_idle_d3(FILE *out)
{
	bool global = host_kernel() < HOST_VERSION(7, 2, 12);
	char value[MODULE_OPTION];
	bool set;

	set = host_parameter_on("vfio_pci", "disable_idle_d3") ||
	      host_parameter_on("vfio_pci_core", "disable_idle_d3") ||
	      host_cmdline_has("vfio-pci.disable_idle_d3=1") ||
	      host_cmdline_has("vfio_pci.disable_idle_d3=1") ||
	      (module_option("vfio_pci", "disable_idle_d3=", value) &&
	       strchr("1yY", *value) && *value);
	if (!set)
		check_say(out, "disable-idle-d3", NULL, CHECK_PASS, NULL,
			  "vfio-pci lets devices sleep");
	else
		check_say(out, "disable-idle-d3", NULL, global ? CHECK_FAIL : CHECK_WARN,
			  "sed -i s/disable_idle_d3=[1yY]// /etc/modprobe.d/*.conf; update-initramfs -u",
			  "disable_idle_d3 is set for vfio-pci: %s", global ?
			  "on this kernel no device of VFIO sleeps then, whatever its driver" :
			  "devices of vfio-pci do not sleep, those of this driver do");
}

static void check_initramfs(FILE *out)
{
	static const char * const files[] = {
		"/etc/initramfs-tools/modules", "/etc/mkinitcpio.conf", "/etc/dracut.conf",
		"/etc/modules", "/etc/modules-load.d/vfio.conf", "/etc/dracut.conf.d/vfio.conf",
		"/etc/modules-load.d/modules.conf",
	};
	const char *found = NULL;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files) && !found; i++)
		if (host_config_has(files[i], "vfio"))
			found = files[i];
	if (found)
		check_say(out, "initramfs", NULL, CHECK_WARN, NULL,
			  "%s loads vfio-pci early: it may have the device before rtd3_vfio_pci can; name rtd3_vfio_pci there, too",
			  found);
	else
		check_say(out, "initramfs", NULL, CHECK_PASS, NULL,
			  "nothing loads vfio-pci early");
}

static void check_proxmox(FILE *out)
{
	char path[PATH_MAX], other[PATH_MAX];

	sys_path(path, "/usr/bin/pveversion");
	sys_path(other, "/etc/pve");
	if (sys_exists(path) || sys_exists(other))
		check_say(out, "proxmox", NULL, CHECK_WARN, NULL,
			  "this is Proxmox VE: its hostpci entries take a device to the driver named vfio-pci, whatever had it; bind the device with rtd3ctl, and add driver=keep to the hostpci entry (qemu-server 9.0.25 and later) or give it to the VM by \"args: -device vfio-pci,host=ADDRESS\"");
}

/* Programs that look at sleeping devices again and again, or keep them open. */
static void check_monitors(FILE *out)
{
	static const char * const monitors[] = {
		"nvidia-smi", "nvidia-persistenced", "nv-hostengine", "dcgm-exporter", "nvtop",
		"radeontop", "intel_gpu_top", "lact", "corectrl", "coolercontrold", "hwinfo",
		"lshw", "lspci", "powertop",
	};
	char path[PATH_MAX], name[64];
	char **pids, **pid;
	size_t i;
	int nr = 0;

	sys_path(path, "/proc");
	pids = sys_list(path);
	for (pid = pids; pid && *pid; pid++) {
		if (!isdigit((unsigned char)**pid))
			continue;
		sys_path(path, "/proc/%s/comm", *pid);
		sys_read_word(path, name, sizeof(name));
		for (i = 0; i < sizeof(monitors) / sizeof(*monitors); i++) {
			/* The kernel keeps 15 characters. */
			if (!*name || strncmp(name, monitors[i], 15))
				continue;
			check_say(out, "monitor", NULL, CHECK_WARN, NULL,
				  "%s[%s] runs: it can wake devices, or keep their driver busy; stop it while they are to sleep",
				  name, *pid);
			nr++;
		}
	}
	sys_list_free(pids);
	if (!nr)
		check_say(out, "monitor", NULL, CHECK_PASS, NULL,
			  "no program runs that is known to wake devices");
}

/**
 * check_host - all there is to say about the machine
 * @out: where to
 */
void check_host(FILE *out)
{
	check_cpu(out);
	check_acpi(out);
	check_firmware_year(out);
	check_iommu(out);
	check_kernel(out);
	check_vfio(out);
	check_module(out);
	check_disable_idle_d3(out);
	check_initramfs(out);
	check_proxmox(out);
	check_monitors(out);
	/* Last: it looks at devices, of which one may not answer. */
	check_pr3(out);
}
