/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/schema.h - the sections and keys that a configuration may hold.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum conf_type {
	CONF_TEXT, /* anything; who reads it knows */
	CONF_NUMBER, /* decimal, min to max */
	CONF_WORD, /* one of `words` */
	CONF_HEX, /* `min` digits */
	CONF_AMOUNT, /* "10G", "8h": a number and one of the units `words` */
};

/* Who reads a key: some are of versions of kfarm to come. */
enum conf_reader {
	CONF_READ,
	CONF_UNREAD, /* nobody, in this version */
};

struct conf_key {
	const char *section;
	bool named; /* in [section "name"], else in [section] */
	const char *key;
	enum conf_type type;
	long min, max; /* max of an amount in its largest unit */
	const char *words; /* "none lzo zstd" */
	enum conf_reader reader;
};

/* The entry of a key (section and key in lower case), or NULL. */
const struct conf_key *conf_schema_find(const char *section, const char *sub,
					const char *key);
/* 0, or -EINVAL with `err` saying what is allowed; value NULL: without "=". */
int conf_schema_check(const struct conf_key *k, const char *value,
		      struct err *err);
/*
 * The amount that `value` is, in bytes or seconds: false where it is none that
 * the key may have.
 */
bool conf_schema_amount(const struct conf_key *k, const char *value,
			uint64_t *out);

#endif
