/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's hands on an open device: PMCSR, through the fd of its VMM. */
#ifndef RIGTEST_GUEST_H
#define RIGTEST_GUEST_H

#include <stdbool.h>

#include "vfio.h"

enum { PCI_D0, PCI_D1, PCI_D2, PCI_D3HOT };

unsigned int guest_pmcsr(struct vfio_dev *d);
int __guest_set(struct vfio_dev *d, unsigned int state);
void guest_set(struct vfio_dev *d, unsigned int state);
unsigned int guest_get(struct vfio_dev *d);
bool check_guest(struct vfio_dev *d, unsigned int state, const char *when);
bool guest_loses(struct vfio_dev *d);
unsigned int guest_pr3(struct vfio_dev *d);

#endif
