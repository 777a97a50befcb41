// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the PCI core does when somebody writes to unbind and drivers_probe, on a tree of
 * files: the files are pipes, read here. A device goes to the driver in driver_override,
 * or else to that in .default; a driver with a file "refuse" takes none.
 *
 * usage: fakekernel ROOT; ends when its standard input does
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BDF_LEN	12
#define DRIVERS	16

static const char *root;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_pipe(const char *path)
{
	int fd;

	unlink(path);
	if (mkfifo(path, 0600))
		die(path);
	/* Also as a writer: then it has no end. */
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die(path);

	return fd;
}

static void read_word(const char *bdf, const char *file, char *word, size_t size)
{
	char path[PATH_MAX];
	FILE *in;

	*word = '\0';
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/%s", root, bdf, file);
	in = fopen(path, "r");
	if (!in)
		return;
	if (!fgets(word, size, in))
		*word = '\0';
	fclose(in);
	word[strcspn(word, "\n")] = '\0';
	if (!strcmp(word, "(null)"))
		*word = '\0';
}

static void move(const char *bdf, const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];

	snprintf(a, sizeof(a), "%s/sys/bus/pci/devices/%s/%s", root, bdf, from);
	snprintf(b, sizeof(b), "%s/sys/bus/pci/devices/%s/%s", root, bdf, to);
	rename(a, b);
}

static void unbind(const char *bdf)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", root, bdf);
	unlink(path);
	move(bdf, "rtd3", ".rtd3");
}

static void probe(const char *bdf)
{
	char driver[64], path[PATH_MAX], target[PATH_MAX], refuse[PATH_MAX];

	read_word(bdf, "driver_override", driver, sizeof(driver));
	if (!*driver)
		read_word(bdf, ".default", driver, sizeof(driver));
	snprintf(target, sizeof(target), "%s/sys/bus/pci/drivers/%s", root, driver);
	snprintf(refuse, sizeof(refuse), "%s/sys/bus/pci/drivers/%.64s/refuse", root, driver);
	if (!*driver || access(target, F_OK) || !access(refuse, F_OK))
		return;
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", root, bdf);
	if (!access(path, F_OK))
		return;
	if (!strcmp(driver, "rtd3_vfio_pci"))
		move(bdf, ".rtd3", "rtd3");
	if (symlink(target, path))
		die(path);
}

static void serve(int fd, void (*what)(const char *bdf))
{
	char bdf[BDF_LEN + 1] = "";

	while (read(fd, bdf, BDF_LEN) == BDF_LEN)
		what(bdf);
}

int main(int argc, char **argv)
{
	struct pollfd fds[DRIVERS + 2] = { };
	char path[PATH_MAX], byte;
	struct dirent *entry;
	nfds_t nr = 2, i;
	DIR *dir;

	if (argc != 2)
		return 2;
	root = argv[1];
	fds[0].fd = STDIN_FILENO;
	snprintf(path, sizeof(path), "%s/sys/bus/pci/drivers_probe", root);
	fds[1].fd = open_pipe(path);
	snprintf(path, sizeof(path), "%s/sys/bus/pci/drivers", root);
	dir = opendir(path);
	while (dir && nr < DRIVERS + 2 && (entry = readdir(dir)) != NULL) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/sys/bus/pci/drivers/%s/unbind", root,
			 entry->d_name);
		fds[nr++].fd = open_pipe(path);
	}
	if (dir)
		closedir(dir);
	for (i = 0; i < nr; i++)
		fds[i].events = POLLIN;
	puts("ready");
	fflush(stdout);

	while (poll(fds, nr, -1) > 0) {
		for (i = 2; i < nr; i++)
			serve(fds[i].fd, unbind);
		serve(fds[1].fd, probe);
		if (fds[0].revents && read(STDIN_FILENO, &byte, 1) <= 0)
			break;
	}

	return 0;
}
