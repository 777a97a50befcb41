// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chan.h"
#include "pci.h"
#include "rig.h"
#include "tap.h"

/* A killed process has what it held taken down by the kernel, a dead device and all. */
#define CHILD_MS	60000

struct rig rig = {
	.driver = "rtd3_vfio_pci",
	.iommu = "intel",
	.devs = "nvme",
};

/** rig_mount() - what an init has to mount before anything works */
void rig_mount(void)
{
	static const struct {
		const char *type, *where;
	} fs[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "tmpfs", "/tmp" },
	};

	for (size_t i = 0; i < sizeof(fs) / sizeof(fs[0]); i++) {
		mkdir(fs[i].where, 0755);
		/* devtmpfs may be there already, and debugfs may not be built. */
		mount(fs[i].type, fs[i].where, fs[i].type, 0, NULL);
	}
	setenv("PATH", "/sbin:/bin:/usr/sbin:/usr/bin", 1);
}

/** rig_cmdline() - read our keys from the kernel's command line */
void rig_cmdline(void)
{
	static char model[4], hotplug[4], gdb[4], cycles[8], icount[4];
	static const struct {
		const char *key;
		char *val;
		size_t size;
	} keys[] = {
		{ "rig.test=", rig.test, sizeof(rig.test) },
		{ "rig.driver=", rig.driver, sizeof(rig.driver) },
		{ "rig.iommu=", rig.iommu, sizeof(rig.iommu) },
		{ "rig.devs=", rig.devs, sizeof(rig.devs) },
		{ "rig.model=", model, sizeof(model) },
		{ "rig.hotplug=", hotplug, sizeof(hotplug) },
		{ "rig.icount=", icount, sizeof(icount) },
		{ "rig.gdb=", gdb, sizeof(gdb) },
		{ "rig.cycles=", cycles, sizeof(cycles) },
	};
	char buf[4096] = "";
	struct utsname u;
	FILE *f;

	f = fopen("/proc/cmdline", "re");
	if (f) {
		if (!fgets(buf, sizeof(buf), f))
			buf[0] = '\0';
		fclose(f);
	}
	for (char *w = strtok(buf, "\n "); w; w = strtok(NULL, "\n "))
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (!strncmp(w, keys[i].key, strlen(keys[i].key)))
				snprintf(keys[i].val, keys[i].size, "%s", w + strlen(keys[i].key));

	rig.model = !strcmp(model, "1");
	rig.hotplug = !strcmp(hotplug, "1");
	rig.icount = !strcmp(icount, "1");
	rig.gdb = !strcmp(gdb, "1");
	rig.cycles = atoi(cycles);
	rig.ours = strcmp(rig.driver, "vfio-pci");
	snprintf(rig.module, sizeof(rig.module), "%s", rig.driver);
	for (char *p = rig.module; *p; p++)
		if (*p == '-')
			*p = '_';
	if (!uname(&u)) {
		snprintf(rig.release, sizeof(rig.release), "%s", u.release);
		snprintf(rig.version, sizeof(rig.version), "%s", u.version);
		sscanf(u.release, "%d.%d", &rig.major, &rig.minor);
	}
}

/** rig_cycles() - how often a test is to do its work: so often, or as its caller says */
int rig_cycles(int unasked)
{
	return rig.cycles ? rig.cycles : unasked;
}

/* virtio-iommu is a module: it has to be there before a driver binds to what it translates. */
static void rig_load_iommu(void)
{
	if (strcmp(rig.iommu, "virtio"))
		return;
	rig_modprobe("virtio_pci");
	if (rig_modprobe("virtio_iommu"))
		die("virtio-iommu: this kernel is built without it");
}

/* Stock QEMU's ports have no PM capability, so the kernel starts them with d3cold_allowed=0. */
static void rig_find(void)
{
	rig.nr_fns = pci_below(RIG_PORT1, rig.fn, RIG_MAX_FNS);
	rig.nr_bridges = pci_bridges_below(RIG_PORT1, rig.bridge, RIG_MAX_BRIDGES);
	for (int i = 0; i < rig.nr_bridges; i++)
		pci_set(&rig.bridge[i], "d3cold_allowed", "1");
}

/**
 * rig_rescan() - remove what is below port 1 and find it again
 *
 * What a driver needs that cannot get a lost device back by itself.
 */
void rig_rescan(void)
{
	const struct pci_fn port1 = { .name = RIG_PORT1 };

	/* Those right below take what is behind them along. */
	for (int i = 0; i < rig.nr_bridges; i++)
		__pci_set(&rig.bridge[i], "remove", "1");
	for (int i = 0; i < rig.nr_fns; i++)
		__pci_set(&rig.fn[i], "remove", "1");
	pci_set(&port1, "rescan", "1");
	rig_find();
}

/** rig_setup() - find the devices under test and allow their ports to sleep */
void rig_setup(void)
{
	const struct pci_fn port1 = { .name = RIG_PORT1 }, port2 = { .name = RIG_PORT2 };

	rig_load_iommu();
	rig_find();
	if (rig.nr_fns < 1)
		die("a device below port %s", RIG_PORT1);
	rig.has_other = pci_below(RIG_PORT2, &rig.other, 1) == 1;

	pci_set(&port1, "d3cold_allowed", "1");
	if (rig.has_other)
		pci_set(&port2, "d3cold_allowed", "1");
	for (int i = 0; i < rig.nr_bridges; i++)
		diag("%s %04x:%04x, a bridge in between", rig.bridge[i].name,
		     rig.bridge[i].vendor, rig.bridge[i].device);
	for (int i = 0; i < rig.nr_fns; i++)
		diag("%s %04x:%04x class %06x, driver %s, kernel %s, %s", rig.fn[i].name,
		     rig.fn[i].vendor, rig.fn[i].device, rig.fn[i].class, rig.driver, rig.release,
		     rig.version);
}

/* The host knows where the module is on disk, and stops the machine. */
static void rig_stop_for_gdb(void)
{
	static const char * const names[] = { ".text", ".data", ".bss" };
	char path[128], sections[3][32] = { "0", "0", "0" }, reply[16];
	FILE *f;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/sections/%s", rig.module, names[i]);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%31s", sections[i]) != 1)
			diag("%s is empty", path);
		fclose(f);
	}
	chan_query(reply, sizeof(reply), "gdb %s %s %s", sections[0], sections[1], sections[2]);
}

/**
 * rig_load() - load the vfio modules and the driver under test
 *
 * virtio-iommu remaps no interrupts, and 7.x does not believe QEMU's amd-iommu that it does.
 */
void rig_load(void)
{
	bool lax = !strcmp(rig.iommu, "virtio") || (!strcmp(rig.iommu, "amd") && rig.major >= 7);
	const char *const strict_argv[] = { "modprobe", "vfio_iommu_type1", NULL };
	const char *const lax_argv[] = {
		"modprobe", "vfio_iommu_type1", "allow_unsafe_interrupts=1", NULL
	};
	/* Nobody has the time for the default. */
	const char *const ours_argv[] = { "modprobe", rig.driver, "autosuspend_ms=200", NULL };
	int ret;

	ret = rig_run(lax ? lax_argv : strict_argv);
	if (ret)
		die("modprobe vfio_iommu_type1: exit %d", ret);
	ret = rig.ours ? rig_run(ours_argv) : rig_modprobe(rig.driver);
	if (ret)
		die("modprobe %s: exit %d", rig.driver, ret);
	if (rig.gdb)
		rig_stop_for_gdb();
	rig.gdb = false;
}

/**
 * rig_bind_all() - bind every function below port 1 to the driver under test
 *
 * Firmware that is touchy has a test of its own (t_firmware.c): elsewhere nobody waits for it.
 */
void rig_bind_all(void)
{
	for (int i = 0; i < rig.nr_fns; i++) {
		pci_bind(&rig.fn[i], rig.driver);
		if (rig.ours)
			pci_set(&rig.fn[i], "rtd3/reset_delay_ms", "0");
	}
}

/**
 * rig_bind_new() - rig_bind_all() for a device that has just been plugged in
 * @timeout_ms: how long to try; it is in sysfs some time before a driver can have it
 *
 * Return: whether all are bound.
 */
bool rig_bind_new(long timeout_ms)
{
	uint64_t start = now_us();

	for (int i = 0; i < rig.nr_fns; i++)
		while (__pci_bind(&rig.fn[i], rig.driver)) {
			if (since_ms(start) > timeout_ms)
				return false;
			sleep_ms(10);
		}
	return true;
}

/**
 * rig_autosuspend() - how soon the functions below port 1 sleep, and the port right after them
 * @delay_ms: for a function; stock vfio-pci has no delay
 */
void rig_autosuspend(const char *delay_ms)
{
	const struct pci_fn port = { .name = RIG_PORT1 };

	for (int i = 0; rig.ours && i < rig.nr_fns; i++)
		pci_set(&rig.fn[i], "power/autosuspend_delay_ms", delay_ms);
	pci_set(&port, "power/autosuspend_delay_ms", "0");
}

/** __rig_write() - write a text to a file of the kernel's; 0 or -errno */
int __rig_write(const char *path, const char *text)
{
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/** __rig_read() - read what fits, without white space at its end; its length or -errno */
int __rig_read(const char *path, char *buf, size_t size)
{
	int fd, n, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	err = errno;
	close(fd);
	if (n < 0)
		return -err;
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == ' '))
		n--;
	buf[n] = '\0';
	return n;
}

/**
 * rig_run() - run a program to its end
 * @argv: NULL terminated
 *
 * Return: its exit status, or 255 when it did not exit by itself.
 */
int rig_run(const char *const argv[])
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0)
		return 255;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/** rig_modprobe() - load a module; exit status of modprobe */
int rig_modprobe(const char *module)
{
	const char *const argv[] = { "modprobe", module, NULL };

	return rig_run(argv);
}

/** rig_find_vf() - the function below port 1 that is not @pf */
bool rig_find_vf(const struct pci_fn *pf, struct pci_fn *vf)
{
	struct pci_fn fns[RIG_MAX_FNS];
	int n = pci_below(RIG_PORT1, fns, RIG_MAX_FNS);

	for (int i = 0; i < n; i++) {
		if (!strcmp(fns[i].name, pf->name))
			continue;
		*vf = fns[i];
		return true;
	}
	return false;
}

/** rig_modprobe_remove() - unload a module; exit status of modprobe -r */
int rig_modprobe_remove(const char *module)
{
	const char *const argv[] = { "modprobe", "-r", module, NULL };

	return rig_run(argv);
}

/** __rig_param_set() - write a parameter of the driver's module; 0 or -errno */
int __rig_param_set(const char *name, const char *val)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", rig.module, name);
	return __rig_write(path, val);
}

/** rig_param_set() - write a parameter that must be writable */
void rig_param_set(const char *name, const char *val)
{
	int ret = __rig_param_set(name, val);

	if (ret)
		die("write '%s' to %s of %s: %s", val, name, rig.module, strerror(-ret));
}

/** rig_module_loaded() - whether a module is there, by its name with underscores */
bool rig_module_loaded(const char *module)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
}

/** now_us() - monotonic time of the guest */
uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/** since_ms() - milliseconds since @start_us */
long since_ms(uint64_t start_us)
{
	return (long)((now_us() - start_us) / 1000);
}

/** sleep_ms() - sleep, whatever signals come */
void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/**
 * rig_child() - run a function in a process of its own
 * @run: the function; what it returns is the exit status
 * @arg: for it
 */
pid_t rig_child(int (*run)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (!pid)
		_exit(run(arg));
	if (pid < 0)
		die("fork: %s", strerror(errno));
	return pid;
}

/**
 * rig_holder() - a process that has got something, and stays
 * @take: gets it; 0, or the exit status
 * @then: what it does afterwards, as in rig_child(); NULL: it waits to be killed
 * @arg: for both
 *
 * Returns when the process has it.
 */
pid_t rig_holder(int (*take)(void *arg), int (*then)(void *arg), void *arg)
{
	int ready[2], status = 0;
	char c = 0;
	pid_t pid;

	if (pipe(ready))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		close(ready[0]);
		status = take(arg);
		if (status || write(ready[1], &c, 1) != 1)
			_exit(status);
		close(ready[1]);
		while (!then)
			pause();
		_exit(then(arg));
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		die("a process that holds something");
	close(ready[0]);
	return pid;
}

/**
 * rig_kill() - TAP result: kill -9 ends a process
 * @pid: the process
 * @when: while it does what
 */
bool rig_kill(pid_t pid, const char *when)
{
	int status = 0, ret;

	kill(pid, SIGKILL);
	ret = wait_child(pid, CHILD_MS, &status);
	return check(!ret && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		     "%s: kill -9 ends the process (status 0x%x)", when, status);
}

/**
 * check_child() - TAP result: a process ends by itself, with 0
 * @pid: the process
 * @timeout_ms: how long it may take
 * @when: what it does
 */
bool check_child(pid_t pid, long timeout_ms, const char *when)
{
	int status = 0, ret = wait_child(pid, timeout_ms, &status);

	return check(!ret && !status, "%s: the process ends (%s, status 0x%x)", when,
		     ret ? strerrorname_np(-ret) : "by itself", status);
}

/**
 * child_in() - wait until a process is in a function of the kernel
 * @pid: the process
 * @function: its name
 * @timeout_ms: how long
 *
 * Return: whether it is.
 */
bool child_in(pid_t pid, const char *function, long timeout_ms)
{
	uint64_t start = now_us();
	bool found = false;
	char path[64], line[160];

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	do {
		FILE *f = fopen(path, "re");

		while (f && !found && fgets(line, sizeof(line), f))
			found = strstr(line, function);
		if (f)
			fclose(f);
		if (!found)
			sleep_ms(5);
	} while (!found && since_ms(start) < timeout_ms);
	return found;
}

/**
 * wait_child() - wait for a child, but not for ever
 * @pid: the child
 * @timeout_ms: how long
 * @status: as from waitpid(), or NULL
 *
 * Return: 0, or -ETIMEDOUT with a diagnostic of where the child hangs in the kernel.
 */
int wait_child(pid_t pid, long timeout_ms, int *status)
{
	uint64_t start = now_us();
	char path[64], line[160];
	int st;
	FILE *f;

	while (since_ms(start) < timeout_ms) {
		pid_t got = waitpid(pid, &st, WNOHANG);

		if (got == pid) {
			if (status)
				*status = st;
			return 0;
		}
		if (got < 0 && errno != EINTR)
			return -errno;
		sleep_ms(2);
	}
	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		diag("pid %d: %s", pid, line);
	if (f)
		fclose(f);
	return -ETIMEDOUT;
}
