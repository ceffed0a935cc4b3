/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf/schema.h - The sections and keys of the configuration. */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum conf_type {
	CONF_TYPE_TEXT, /* any text; the caller of conf_get() checks it */
	CONF_TYPE_NUMBER, /* decimal, from `min` to `max` */
	CONF_TYPE_WORD, /* one word of `words` */
	CONF_TYPE_HEX, /* exactly `min` hexadecimal digits */
	/* a number and a unit of `words`, such as "10G" or "8h" */
	CONF_TYPE_AMOUNT,
};

/* Support for a key in this version. */
enum conf_use {
	CONF_USE_READ,
	CONF_USE_RESERVED, /* reserved for later versions */
};

struct conf_key {
	const char *section;
	bool has_subsection; /* [section "name"] instead of [section] */
	const char *key;
	enum conf_type type;
	/*
	 * Inclusive limits of a CONF_TYPE_NUMBER or a CONF_TYPE_AMOUNT.  For
	 * an amount, `min` is the lower limit of the number before the unit,
	 * and `max` is the upper limit of the amount, in the last and largest
	 * unit of `words`.
	 */
	long min, max;
	const char *words; /* allowed words or units, such as "none lzo" */
	enum conf_use use;
};

/* Return the entry of a key (section and key in lower case), or NULL. */
const struct conf_key *conf_schema_find(const char *section, const char *sub,
					const char *key);
/*
 * Return "; did you mean \"NAME\"?" for an unknown key, or "" if no name is
 * similar.  NAME is the most similar key of the section or, if the section is
 * unknown, the most similar section.  The caller frees the string.
 */
char *conf_schema_suggest(const char *section, const char *sub,
			  const char *key);
/*
 * Check a value; NULL means a key without "=".  Returns 0, or -EINVAL with
 * `err` naming the allowed values.
 */
int conf_schema_check(const struct conf_key *k, const char *value,
		      struct err *err);
/*
 * Convert an amount such as "10G" or "8h" to bytes or seconds.  Returns false
 * if the value is invalid for the key.
 */
bool conf_schema_parse_amount(const struct conf_key *k, const char *value,
			      uint64_t *out);

#endif
