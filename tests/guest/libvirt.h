/* SPDX-License-Identifier: GPL-2.0-only */
/* libvirt, its daemon and domains, in a Debian root file system (root.h). */
#ifndef RIGTEST_LIBVIRT_H
#define RIGTEST_LIBVIRT_H

#include <stdbool.h>
#include <sys/types.h>

#include "pci.h"

bool libvirt_picks_ours(const struct pci_fn *pf);
pid_t libvirt_start(void);
void libvirt_define(const char *name, const char *managed, const char *model);
void libvirt_run(const char *name);
int __virsh(const char *command, const char *a, const char *b, const char *c);
void virsh(const char *command, const char *a, const char *b, const char *c);

#endif
