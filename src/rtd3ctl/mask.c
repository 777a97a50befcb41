// SPDX-License-Identifier: GPL-2.0-only
/* What is nobody's business, taken out of texts that are sent to others. */

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "mask.h"

#define MASK_RUN	12	/* so many digits and letters name something: a serial, a key */
#define MASK_DIGITS	5	/* if so many of them are digits; words have fewer */
#define MASK_PAIRS	6	/* of a hardware address */

static size_t mask_hex(const char *text)
{
	size_t len = 0;

	while (isxdigit((unsigned char)text[len]))
		len++;

	return len;
}

/* 8-4-4-4-12 digits */
static size_t mask_uuid(const char *text)
{
	static const size_t part[] = { 8, 4, 4, 4, 12 };
	size_t at = 0, i;

	for (i = 0; i < sizeof(part) / sizeof(*part); i++) {
		if (i && text[at++] != '-')
			return 0;
		if (mask_hex(text + at) != part[i])
			return 0;
		at += part[i];
	}

	return at;
}

/* 00:11:22:33:44:55; a PCI address has fewer parts */
static size_t mask_mac(const char *text)
{
	size_t at = 0, i;

	for (i = 0; i < MASK_PAIRS; i++) {
		if (i && text[at++] != ':')
			return 0;
		if (mask_hex(text + at) != 2)
			return 0;
		at += 2;
	}

	return at;
}

/* A word with many digits. */
static size_t mask_serial(const char *text)
{
	size_t len, digits = 0;

	for (len = 0; isalnum((unsigned char)text[len]); len++)
		digits += !!isdigit((unsigned char)text[len]);

	return len >= MASK_RUN && digits >= MASK_DIGITS ? len : 0;
}

static size_t mask_length(const char *text)
{
	size_t len = mask_uuid(text);

	if (!len)
		len = mask_mac(text);
	if (!len)
		len = mask_serial(text);

	return len;
}

/**
 * mask_text - make UUIDs, hardware addresses and serial numbers unreadable
 * @text: changed, its length stays
 */
void mask_text(char *text)
{
	size_t len;

	while (*text) {
		len = mask_length(text);
		memset(text, 'x', len);
		text += len;
		/* Begin at the beginning of a word only. */
		if (!len && isalnum((unsigned char)*text))
			while (isalnum((unsigned char)*text))
				text++;
		else if (!len)
			text++;
	}
}

/**
 * mask_word - make a word unreadable: a host's name
 * @text: changed, its length stays
 * @word: wherever it stands alone
 */
void mask_word(char *text, const char *word)
{
	size_t len = strlen(word);
	char *at = text;

	while (len && (at = strstr(at, word))) {
		if ((at == text || !isalnum((unsigned char)at[-1])) &&
		    !isalnum((unsigned char)at[len]))
			memset(at, 'x', len);
		at += len;
	}
}
