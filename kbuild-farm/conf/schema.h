/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/schema.h - the sections and keys that a configuration may hold.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "base/err.h"

#include <stdbool.h>

enum conf_type {
	CONF_TEXT, /* anything; who reads it knows */
	CONF_NUMBER, /* decimal, min to max */
	CONF_WORD, /* one of `words` */
	CONF_HEX, /* `min` digits */
};

/* Who reads a key: some are of versions of kfarm to come. */
enum conf_reader {
	CONF_READ,
	CONF_UNREAD, /* nobody, in this version */
	CONF_SECTION_UNREAD, /* and neither any other of its section */
};

struct conf_key {
	const char *section;
	bool named; /* in [section "name"], else in [section] */
	const char *key;
	enum conf_type type;
	long min, max;
	const char *words; /* "none lzo zstd" */
	enum conf_reader reader;
};

/* The entry of a key (section and key in lower case), or NULL. */
const struct conf_key *conf_schema_find(const char *section, const char *sub,
					const char *key);
/* 0, or -EINVAL with `err` saying what is allowed; value NULL: without "=". */
int conf_schema_check(const struct conf_key *k, const char *value,
		      struct err *err);

#endif
