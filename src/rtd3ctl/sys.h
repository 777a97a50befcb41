/* SPDX-License-Identifier: GPL-2.0-only */
/* Small files of sysfs, procfs and /etc, below a root that tests move elsewhere. */
#ifndef RTD3CTL_SYS_H
#define RTD3CTL_SYS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define SYS_TEXT	4096	/* no attribute of sysfs is longer */

/* Put before each path; "" but in tests. */
extern const char *sys_root;

int sys_path(char *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int sys_text(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int sys_read(const char *path, char *buf, size_t size);
int sys_read_word(const char *path, char *buf, size_t size);
long long sys_read_number(const char *path, long long otherwise);
int sys_write(const char *path, const char *text);
int sys_replace(const char *path, const char *text);
int sys_link(const char *path, char *buf, size_t size);
bool sys_exists(const char *path);
char *sys_slurp(const char *path, size_t max, size_t *len);
char **sys_list(const char *path);
void sys_list_free(char **list);
int sys_mkdir(const char *path);

#endif /* RTD3CTL_SYS_H */
