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
/* Where make install has put rtd3ctl, see tests/rig/initramfs. */
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

/**
 * root_mount() - mount what the host shares; what is written there stays in memory
 *
 * It gets this machine's /dev, /proc, /sys and modules, and has rtd3ctl.
 */
void root_mount(void)
{
	static const char *const modules[] = { "virtio_pci", "9pnet_virtio", "9p", "overlay" };
	static const char *const binds[] = { "/dev", "/proc", "/sys" };
	char path[64];

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (rig_modprobe(modules[i]))
			die("modprobe %s", modules[i]);
	dir("/tmp/root");
	mount_on(ROOT_TAG, LOWER, "9p", MS_RDONLY,
		 "trans=virtio,version=9p2000.L,msize=524288,cache=loose");
	dir(BASE "upper");
	dir(BASE "work");
	mount_on("overlay", ROOT, "overlay", 0,
		 "lowerdir=" TOOL ":" LOWER ",upperdir=" BASE "upper,workdir=" BASE "work");
	for (size_t i = 0; i < sizeof(binds) / sizeof(binds[0]); i++) {
		snprintf(path, sizeof(path), ROOT "%s", binds[i]);
		mount_on(binds[i], path, NULL, MS_BIND | MS_REC, NULL);
	}
	mount_on("tmpfs", ROOT "/run", "tmpfs", 0, "mode=755");
	mount_on("/lib/modules", ROOT "/usr/lib/modules", NULL, MS_BIND, NULL);
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
