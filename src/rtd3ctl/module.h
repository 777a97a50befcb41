/* SPDX-License-Identifier: GPL-2.0-only */
/* Modules of the running kernel, as libkmod knows them. */
#ifndef RTD3CTL_MODULE_H
#define RTD3CTL_MODULE_H

#include <limits.h>
#include <stdbool.h>

/**
 * struct module - one module
 * @loaded: it is in the kernel, or built in
 * @path: its file; empty if there is none
 * @signer: whose signature it has; empty if it has none
 * @version: of the module that is loaded, or else of the file
 */
struct module {
	bool loaded;
	char path[PATH_MAX];
	char signer[128];
	char version[64];
};

void module_load(struct module *module, const char *name);
int module_insert(const char *name);
bool module_option(const char *name, const char *option, char *value);

#define MODULE_OPTION	256

#endif /* RTD3CTL_MODULE_H */
