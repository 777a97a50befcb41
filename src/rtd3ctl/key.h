/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of a device: the files of rtd3/ that can be written. */
#ifndef RTD3CTL_KEY_H
#define RTD3CTL_KEY_H

#include <stddef.h>

#define KEY_VALUE	16

enum key_kind {
	KEY_WORD,
	KEY_NUMBER,
	KEY_BOOL,
};

/**
 * struct key - one setting
 * @name: as users write it
 * @attr: its file, below the device's folder
 * @kind: what it takes
 * @words: KEY_WORD: the words, ended by NULL
 * @min: KEY_NUMBER: the least
 * @max: KEY_NUMBER: the most
 * @what: what it is
 */
struct key {
	const char *name;
	const char *attr;
	enum key_kind kind;
	const char *words[4];
	long min;
	long max;
	const char *what;
};

extern const struct key keys[];

const struct key *key_find(const char *name);
const struct key *key_by_attr(const char *attr);
int key_check(const struct key *key, const char *text, char *value);
void key_values(const struct key *key, char *buf, size_t size);
int key_parse(const char *text, const struct key **key, char *value);

#endif /* RTD3CTL_KEY_H */
