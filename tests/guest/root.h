/* SPDX-License-Identifier: GPL-2.0-only */
/* A Debian root file system that the host shares, and programs that run in it. */
#ifndef RIGTEST_ROOT_H
#define RIGTEST_ROOT_H

#include <stddef.h>
#include <sys/types.h>

#define ROOT_TAG	"root"
#define LAYER_TAG	"layer"
#define OUT_TAG		"out"

void root_mount(void);
void root_mount_bare(void);
void root_install(void);
void root_write(const char *path, const char *text);
long root_read(const char *path, char *buf, size_t size);
void root_remove(const char *path);
pid_t root_start(const char *const argv[]);
int root_run(char *out, size_t size, const char *const argv[]);

#endif
