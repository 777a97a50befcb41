/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtual machine this runs in: command line, mounts, modules, devices under test. */
#ifndef RIGTEST_RIG_H
#define RIGTEST_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pci.h"

#define RIG_PORT1	"0000:00:04.0"
#define RIG_PORT2	"0000:00:05.0"
#define RIG_MAX_FNS	8
#define RIG_MAX_BRIDGES	8

/**
 * struct rig - what the host told us, and what was found
 * @test: name of the test to run
 * @driver: name of the vfio driver, as in sysfs
 * @module: name of its module, as in /sys/module
 * @ours: whether @driver is the project's
 * @iommu: intel, amd or virtio
 * @devs: what the host put below port 1
 * @model: port 1 has the power model, see model.h
 * @hotplug: port 1 has a hot-plug slot
 * @icount: this machine's clock counts instructions
 * @gdb: somebody wants to debug the driver once it is loaded
 * @cycles: how often a long test is to do its work, or 0, see rig_cycles()
 * @release: of the kernel
 * @version: of the kernel; Debian's has the patch level
 * @major: of @release
 * @minor: of @release
 * @fn: the functions below port 1, however deep
 * @nr_fns: how many
 * @bridge: the ports of switches below port 1
 * @nr_bridges: how many
 * @other: the device below port 2
 * @has_other: whether there is one
 */
struct rig {
	char test[32];
	char driver[32];
	char module[32];
	bool ours;
	char iommu[16];
	char devs[16];
	bool model;
	bool hotplug;
	bool icount;
	bool gdb;
	int cycles;
	char release[80];
	char version[80];
	int major;
	int minor;
	struct pci_fn fn[RIG_MAX_FNS];
	int nr_fns;
	struct pci_fn bridge[RIG_MAX_BRIDGES];
	int nr_bridges;
	struct pci_fn other;
	bool has_other;
};

extern struct rig rig;

void rig_mount(void);
void rig_cmdline(void);
int rig_cycles(int unasked);
void rig_setup(void);
void rig_rescan(void);
bool rig_find_vf(const struct pci_fn *pf, struct pci_fn *vf);
void rig_load(void);
void rig_bind_all(void);
bool rig_bind_new(long timeout_ms);
void rig_autosuspend(const char *delay_ms);
int __rig_read(const char *path, char *buf, size_t size);
int __rig_write(const char *path, const char *text);
int rig_run(const char *const argv[]);
int rig_modprobe(const char *module);
int rig_modprobe_remove(const char *module);
int __rig_param_set(const char *name, const char *val);
void rig_param_set(const char *name, const char *val);
bool rig_module_loaded(const char *module);
uint64_t now_us(void);
long since_ms(uint64_t start_us);
void sleep_ms(long ms);
pid_t rig_child(int (*run)(void *arg), void *arg);
pid_t rig_holder(int (*take)(void *arg), int (*then)(void *arg), void *arg);
bool rig_kill(pid_t pid, const char *when);
bool check_child(pid_t pid, long timeout_ms, const char *when);
bool child_in(pid_t pid, const char *function, long timeout_ms);
int wait_child(pid_t pid, long timeout_ms, int *status);

#endif
