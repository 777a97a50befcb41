/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inner guest: a virtual machine that an unmodified QEMU runs inside this one, with both
 * devices under test passed through. tests/rig/nested packs what it boots; t_inner.c is what it
 * runs.
 */
#ifndef RIGTEST_NESTED_H
#define RIGTEST_NESTED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * struct inner - the inner guest
 * @pid: of its QEMU, 0 without one
 * @fd: its control channel
 */
struct inner {
	pid_t pid;
	int fd;
};

/**
 * struct inner_state - what the inner guest says of a device
 * @value: a time, in what the command measures
 * @power: its power_state
 * @status: its power/runtime_status
 * @port: power_state of the port above it
 * @port_status: power/runtime_status of the port above it
 */
struct inner_state {
	long value;
	char power[16];
	char status[16];
	char port[16];
	char port_status[16];
};

bool inner_kvm(char *why, size_t size);
bool inner_boot(struct inner *g);
bool inner_reboots(struct inner *g);
bool inner_ask(struct inner *g, char *reply, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool inner_state(struct inner *g, struct inner_state *s, const char *command, char which);
void inner_poweroff(struct inner *g);
void inner_kill(struct inner *g);
void inner_show_logs(void);
void check_inner_log(void);

#endif
