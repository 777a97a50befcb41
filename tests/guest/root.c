// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "root.h"
#include "tap.h"

#define BASE	"/tmp/root/"
#define LOWER	BASE "lower"
#define LAYER	BASE "layer"
/* Where make install has put rtd3ctl, see tests/rig/initramfs and packaged. */
#define TOOL	"/rtd3ctl"
#define ROOT	BASE "merged"

static void dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		die("mkdir %s: %s", path, strerror(errno));
}

static void mount_on(const char *from, const char *where, const char *type, unsigned long flags,
		     const char *options)
{
	dir(where);
	if (mount(from, where, type, flags, options))
		die("mount %s on %s: %s", from, where, strerror(errno));
}

static void share(const char *tag, const char *where, unsigned long flags)
{
	mount_on(tag, where, "9p", flags,
		 flags & MS_RDONLY ? "trans=virtio,version=9p2000.L,msize=524288,cache=loose" :
				     "trans=virtio,version=9p2000.L,msize=524288");
}

/* Layers of which the first is on top; what is written stays in memory. */
static void merge(const char *layers)
{
	static const char *const binds[] = { "/dev", "/proc", "/sys" };
	static int merged;
	char path[64], options[256];

	/* None that something else may still be on its way out of. */
	merged++;
	snprintf(options, sizeof(options), BASE "upper%d", merged);
	dir(options);
	snprintf(options, sizeof(options), BASE "work%d", merged);
	dir(options);
	snprintf(options, sizeof(options),
		 "lowerdir=%s,upperdir=" BASE "upper%d,workdir=" BASE "work%d", layers, merged,
		 merged);
	mount_on("overlay", ROOT, "overlay", 0, options);
	for (size_t i = 0; i < sizeof(binds) / sizeof(binds[0]); i++) {
		snprintf(path, sizeof(path), ROOT "%s", binds[i]);
		mount_on(binds[i], path, NULL, MS_BIND | MS_REC, NULL);
	}
	mount_on("tmpfs", ROOT "/run", "tmpfs", 0, "mode=755");
}

/**
 * root_mount_bare() - mount what the host shares, with the modules that it has itself
 *
 * What is written there stays in memory. It gets this machine's /dev, /proc and /sys, and has
 * rtd3ctl, not from a package.
 */
void root_mount_bare(void)
{
	static const char *const modules[] = { "virtio_pci", "9pnet_virtio", "9p", "overlay" };

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (rig_modprobe(modules[i]))
			die("modprobe %s", modules[i]);
	dir("/tmp/root");
	share(ROOT_TAG, LOWER, MS_RDONLY);
	merge(TOOL ":" LOWER);
}

/** root_mount() - the same, with the modules of the initramfs */
void root_mount(void)
{
	root_mount_bare();
	mount_on("/lib/modules", ROOT "/usr/lib/modules", NULL, MS_BIND, NULL);
}

/**
 * root_install() - install the packages: what that has changed elsewhere comes on top
 *
 * In place of root_mount_bare()'s; nothing that was done there stays. What is written to /out
 * is the host's to keep.
 */
void root_install(void)
{
	if (umount2(ROOT, MNT_DETACH))
		die("umount %s: %s", ROOT, strerror(errno));
	share(LAYER_TAG, LAYER, MS_RDONLY);
	merge(LAYER ":" LOWER);
	share(OUT_TAG, ROOT "/out", 0);
}

/** root_write() - write a file in the root file system */
void root_write(const char *path, const char *text)
{
	char full[128];
	FILE *f;

	snprintf(full, sizeof(full), ROOT "%s", path);
	f = fopen(full, "we");
	if (!f || fputs(text, f) < 0 || fclose(f))
		die("write %s: %s", full, strerror(errno));
}

/** root_read() - read a file of the root file system, up to @size - 1 bytes; how many, or -1 */
long root_read(const char *path, char *buf, size_t size)
{
	char full[128];
	size_t n;
	FILE *f;

	snprintf(full, sizeof(full), ROOT "%s", path);
	f = fopen(full, "re");
	if (!f)
		return -1;
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
	return n;
}

/** root_remove() - remove a file of the root file system, for this machine only */
void root_remove(const char *path)
{
	char full[128];

	snprintf(full, sizeof(full), ROOT "%s", path);
	if (unlink(full))
		die("remove %s: %s", full, strerror(errno));
}

static void enter(const char *const argv[])
{
	clearenv();
	setenv("LC_ALL", "C", 1);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	/* udevadm does nothing where it sees that it is in a chroot. */
	setenv("SYSTEMD_IGNORE_CHROOT", "1", 1);
	if (chroot(ROOT) || chdir("/"))
		_exit(126);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

/** root_start() - start a program in the root file system; its output goes to the console */
pid_t root_start(const char *const argv[])
{
	pid_t pid = fork();

	if (!pid)
		enter(argv);
	if (pid < 0)
		die("fork: %s", strerror(errno));
	return pid;
}

/**
 * root_run() - run a program in the root file system to its end
 * @out: gets what it says, without the last newlines
 * @size: of @out
 * @argv: NULL terminated
 *
 * Return: its exit status, or 255 when it did not exit by itself.
 */
int root_run(char *out, size_t size, const char *const argv[])
{
	size_t len = 0;
	int pipes[2], status;
	char rest[256];
	ssize_t n;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		enter(argv);
	}
	close(pipes[1]);
	while ((n = read(pipes[0], rest, sizeof(rest))) > 0) {
		if ((size_t)n > size - 1 - len)
			n = size - 1 - len;
		memcpy(out + len, rest, n);
		len += n;
	}
	close(pipes[0]);
	while (len && out[len - 1] == '\n')
		len--;
	out[len] = '\0';
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			pid = -1;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
