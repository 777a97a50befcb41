/* SPDX-License-Identifier: GPL-2.0-only */
/* The file of udev rules that keeps settings. */
#ifndef RTD3CTL_RULE_H
#define RTD3CTL_RULE_H

#include <stdbool.h>

#include "dev.h"
#include "key.h"

#define RULE_FILE	"/etc/udev/rules.d/79-rtd3.rules"
#define RULE_LEARNT	"learnt"	/* as a key: what the fallback has learnt */

/**
 * struct rule - one line of the file
 * @raw: a line that is not ours, kept as it is; NULL: it is
 * @bdf: address of the device
 * @vendor: its ids: a setting is for that card, not for what comes into its slot
 * @device:
 * @key: name of the setting, or RULE_LEARNT
 * @value: of the setting; of RULE_LEARNT: off or d3hot
 */
struct rule {
	char *raw;
	char bdf[DEV_BDF];
	unsigned int vendor;
	unsigned int device;
	const char *key;
	char value[KEY_VALUE];
};

struct rules {
	struct rule *rule;
	size_t nr;
};

int rules_load(struct rules *rules);
int rules_save(const struct rules *rules);
int rules_parse(struct rules *rules, const char *text);
char *rules_print(const struct rules *rules);
void rules_free(struct rules *rules);
int rules_set(struct rules *rules, const struct dev *dev, const char *key, const char *value);
size_t rules_forget(struct rules *rules, const char *bdf, const char *key);
const char *rules_get(const struct rules *rules, const char *bdf, const char *key);
const char *rules_shallower(const char *a, const char *b);

#endif /* RTD3CTL_RULE_H */
