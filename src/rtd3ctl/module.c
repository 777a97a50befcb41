// SPDX-License-Identifier: GPL-2.0-only
/* Modules of the running kernel, as libkmod knows them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libkmod.h>

#include "host.h"
#include "module.h"
#include "sys.h"

static struct kmod_ctx *module_kmod(void)
{
	static char etc[PATH_MAX], run[PATH_MAX], lib[PATH_MAX];
	const char *const paths[] = { etc, run, lib, NULL };
	char dir[PATH_MAX];

	sys_path(dir, "/lib/modules/%s", host_release());
	sys_path(etc, "/etc/modprobe.d");
	sys_path(run, "/run/modprobe.d");
	sys_path(lib, "/lib/modprobe.d");

	return kmod_new(dir, paths);
}

static void module_info(struct kmod_module *module, const char *key, char *value, size_t size)
{
	struct kmod_list *info = NULL, *one;

	if (kmod_module_get_info(module, &info) < 0)
		return;
	kmod_list_foreach(one, info)
		if (!strcmp(kmod_module_info_get_key(one), key))
			sys_text(value, size, "%s", kmod_module_info_get_value(one));
	kmod_module_info_free_list(info);
}

/**
 * module_load - look at a module
 * @module: filled
 * @name: with underscores
 */
void module_load(struct module *module, const char *name)
{
	struct kmod_ctx *kmod = module_kmod();
	struct kmod_list *list = NULL;
	struct kmod_module *found;
	char path[PATH_MAX];

	memset(module, 0, sizeof(*module));
	sys_path(path, "/sys/module/%s", name);
	module->loaded = sys_exists(path);
	if (kmod && !kmod_module_new_from_lookup(kmod, name, &list) && list) {
		found = kmod_module_get_module(list);
		if (kmod_module_get_path(found)) {
			sys_text(module->path, sizeof(module->path), "%s",
				 kmod_module_get_path(found));
			module_info(found, "signer", module->signer, sizeof(module->signer));
			module_info(found, "version", module->version, sizeof(module->version));
		} else {
			module->loaded = true;
		}
		kmod_module_unref(found);
	}
	kmod_module_unref_list(list);
	kmod_unref(kmod);
	sys_path(path, "/sys/module/%s/version", name);
	if (sys_exists(path))
		sys_read_word(path, module->version, sizeof(module->version));
}

/* Load it, with all that it needs. 0 or a negative error; -ENOENT: it is not installed. */
int module_insert(const char *name)
{
	struct kmod_module *module = NULL;
	struct kmod_ctx *kmod = module_kmod();
	int ret;

	ret = kmod ? kmod_module_new_from_name(kmod, name, &module) : -ENOMEM;
	if (!ret)
		ret = kmod_module_probe_insert_module(module, 0, NULL, NULL, NULL, NULL);
	kmod_module_unref(module);
	kmod_unref(kmod);

	return ret > 0 ? -EPERM : ret;
}

/* The same module: - and _ are one letter. */
static bool module_is(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;

	return *a == *b;
}

/**
 * module_option - an option of a module in modprobe.d
 * @name: module
 * @option: with an equals sign, "ids="
 * @value: filled, MODULE_OPTION bytes
 *
 * Return: is it there?
 */
bool module_option(const char *name, const char *option, char *value)
{
	struct kmod_ctx *kmod = module_kmod();
	struct kmod_config_iter *iter = kmod ? kmod_config_get_options(kmod) : NULL;
	bool found = false;
	const char *at;

	*value = '\0';
	while (iter && kmod_config_iter_next(iter)) {
		if (!module_is(kmod_config_iter_get_key(iter), name))
			continue;
		at = strstr(kmod_config_iter_get_value(iter), option);
		if (!at)
			continue;
		at += strlen(option);
		found = !sys_text(value, MODULE_OPTION, "%.*s", (int)strcspn(at, " \t"), at);
	}
	if (iter)
		kmod_config_iter_free_iter(iter);
	kmod_unref(kmod);

	return found;
}
