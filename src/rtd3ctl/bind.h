/* SPDX-License-Identifier: GPL-2.0-only */
/* Which driver has a device. */
#ifndef RTD3CTL_BIND_H
#define RTD3CTL_BIND_H

#include <argp.h>

#include "dev.h"

#define BIND_ARGS	32

/**
 * struct bind_args - the words of bind and unbind, taken by bind_parse()
 * @bdf: addresses of devices
 * @nr: how many
 * @only: these alone
 * @force: whatever stands against it
 * @dry: only say what would be done
 * @persist: at boot, too
 * @missing: what to say where no device is named
 */
struct bind_args {
	char *bdf[BIND_ARGS];
	unsigned int nr;
	bool only;
	bool force;
	bool dry;
	bool persist;
	const char *missing;
};

/**
 * struct bind_list - devices that go from driver to driver together
 * @dev: devices
 * @nr: how many
 */
struct bind_list {
	struct dev *dev;
	size_t nr;
};

error_t bind_parse(int key, char *arg, struct argp_state *state);
int bind_lock(void);
int bind_list(struct bind_list *list, char * const *bdf, unsigned int nr, bool only);
void bind_list_free(struct bind_list *list);
bool bind_is_done(const struct dev *dev);
bool bind_is_saved(const struct dev *dev);
int bind_module(void);
int bind_take(const struct dev *dev);
int bind_give_back(const struct dev *dev);
void bind_before(const struct dev *dev, char *override, char *driver);

#endif /* RTD3CTL_BIND_H */
