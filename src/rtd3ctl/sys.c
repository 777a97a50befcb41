// SPDX-License-Identifier: GPL-2.0-only
/* Small files of sysfs, procfs and /etc, below a root that tests move elsewhere. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

const char *sys_root = "";

static int sys_vtext(char *buf, size_t size, const char *fmt, va_list args)
{
	int len = vsnprintf(buf, size, fmt, args);

	if (len >= 0 && (size_t)len < size)
		return 0;
	/* Half a path is another file's path: none is better. */
	if (size)
		*buf = '\0';
	return -ENAMETOOLONG;
}

/**
 * sys_text - snprintf() that leaves nothing rather than half a text
 * @buf: filled
 * @size: of @buf
 * @fmt: as printf()'s
 *
 * Return: 0 or -ENAMETOOLONG.
 */
int sys_text(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = sys_vtext(buf, size, fmt, args);
	va_end(args);

	return ret;
}

/**
 * sys_path - a path below the root
 * @buf: of PATH_MAX bytes
 * @fmt: as printf()'s; the path, beginning with /
 *
 * Return: 0 or -ENAMETOOLONG, with an empty path, which no file has.
 */
int sys_path(char *buf, const char *fmt, ...)
{
	size_t len = strlen(sys_root);
	va_list args;
	int ret;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(buf, sys_root, len);
	va_start(args, fmt);
	ret = sys_vtext(buf + len, PATH_MAX - len, fmt, args);
	va_end(args);
	if (ret)
		*buf = '\0';

	return ret;
}

/**
 * sys_read - what a file says, without the white space at its end
 * @path: file
 * @buf: filled; empty if the file cannot be read
 * @size: of @buf
 *
 * Return: the length, or a negative error.
 */
int sys_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0, got;

	*buf = '\0';
	if (fd < 0)
		return -errno;
	while ((size_t)len + 1 < size && (got = read(fd, buf + len, size - 1 - len)) != 0) {
		if (got < 0) {
			got = -errno;
			close(fd);
			*buf = '\0';
			return got;
		}
		len += got;
	}
	close(fd);
	while (len && strchr(" \t\n", buf[len - 1]))
		len--;
	buf[len] = '\0';

	return len;
}

/* The same, of a file that holds one word: what follows a line end is cut off. */
int sys_read_word(const char *path, char *buf, size_t size)
{
	int ret = sys_read(path, buf, size);

	if (ret < 0)
		return ret;
	buf[strcspn(buf, "\n")] = '\0';
	return strlen(buf);
}

/* A number, decimal or with 0x; @otherwise where there is none. */
long long sys_read_number(const char *path, long long otherwise)
{
	char buf[64], *end;
	long long value;

	if (sys_read(path, buf, sizeof(buf)) <= 0)
		return otherwise;
	errno = 0;
	value = strtoll(buf, &end, 0);

	return errno || end == buf || *end ? otherwise : value;
}

/**
 * sys_write - one write to a file that exists
 * @path: file
 * @text: what
 *
 * Return: 0 or a negative error, which is the kernel's answer.
 */
int sys_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t len = strlen(text);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		ret = errno ? -errno : -EIO;
	if (close(fd) && !ret)
		ret = -errno;

	return ret;
}

/**
 * sys_replace - a whole file anew: readers see the old one or the new one
 * @path: file
 * @text: all of it
 *
 * Return: 0 or a negative error.
 */
int sys_replace(const char *path, const char *text)
{
	size_t len = strlen(text);
	char tmp[PATH_MAX];
	int fd, ret;

	ret = sys_text(tmp, sizeof(tmp), "%s.XXXXXX", path);
	if (ret)
		return ret;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fchmod(fd, 0644) || fsync(fd))
		ret = errno ? -errno : -EIO;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret)
		unlink(tmp);

	return ret;
}

/* The last part of what a symbolic link points to; empty and an error if it is none. */
int sys_link(const char *path, char *buf, size_t size)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	*buf = '\0';
	if (len < 0)
		return -errno;
	target[len] = '\0';
	slash = strrchr(target, '/');

	return sys_text(buf, size, "%s", slash ? slash + 1 : target);
}

bool sys_exists(const char *path)
{
	return *path && !access(path, F_OK);
}

/**
 * sys_slurp - a file of any length
 * @path: file
 * @max: what is longer is cut off there
 * @len: its length; may be NULL
 *
 * Return: its bytes and a NUL, freed with free(), or NULL.
 */
char *sys_slurp(const char *path, size_t max, size_t *len)
{
	FILE *file = fopen(path, "re");
	char *buf = NULL, *more;
	size_t size = 0, used = 0, got;

	if (!file)
		return NULL;
	do {
		if (size - used < 2) {
			size = size ? 2 * size : SYS_TEXT;
			more = realloc(buf, size);
			if (!more)
				goto out_fail;
			buf = more;
		}
		got = fread(buf + used, 1, size - used - 1, file);
		used += got;
	} while (got && used < max);
	if (ferror(file))
		goto out_fail;
	fclose(file);
	if (used > max)
		used = max;
	buf[used] = '\0';
	if (len)
		*len = used;

	return buf;

out_fail:
	fclose(file);
	free(buf);
	return NULL;
}

static int sys_not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/**
 * sys_list - the names in a folder, in order
 * @path: folder
 *
 * Return: an array that a NULL ends, freed with sys_list_free(); NULL where there is
 * no such folder.
 */
char **sys_list(const char *path)
{
	struct dirent **entries;
	char **list;
	int nr, i;

	nr = *path ? scandir(path, &entries, sys_not_dots, alphasort) : -1;
	if (nr < 0)
		return NULL;
	list = calloc(nr + 1, sizeof(*list));
	for (i = 0; i < nr; i++) {
		if (list)
			list[i] = strdup(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);

	return list;
}

void sys_list_free(char **list)
{
	char **name;

	for (name = list; name && *name; name++)
		free(*name);
	free(list);
}

/* A folder, and those above it. */
int sys_mkdir(const char *path)
{
	char part[PATH_MAX];
	char *slash;

	if (sys_text(part, sizeof(part), "%s", path))
		return -ENAMETOOLONG;
	for (slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}

	return mkdir(part, 0755) && errno != EEXIST ? -errno : 0;
}
