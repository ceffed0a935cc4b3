/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/schema.h"

#include "base/buf.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * What is not read yet, see kfarm.conf(5), is here so that one file serves
 * machines with different versions of kfarm.
 */
static const struct conf_key known[] = {
	{ "farm", false, "require-remote", CONF_NUMBER, 0, 100, NULL,
	  CONF_READ },
	{ "farm", false, "verify", CONF_NUMBER, 0, 100, NULL, CONF_UNREAD },
	{ "node", true, "address", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "node", true, "slots", CONF_NUMBER, 1, 1024, NULL, CONF_READ },
	{ "node", true, "codec", CONF_WORD, 0, 0, "none lzo zstd", CONF_READ },
	{ "node", true, "key", CONF_TEXT, 0, 0, NULL, CONF_UNREAD },
	{ "node", true, "profile", CONF_TEXT, 0, 0, NULL, CONF_UNREAD },
	{ "node", true, "power", CONF_TEXT, 0, 0, NULL, CONF_UNREAD },
	{ "arch", true, "toolchain", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "toolchain", false, "mirror", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "toolchain", false, "ca-file", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "toolchain", false, "http", CONF_WORD, 0, 0, "true false",
	  CONF_READ },
	{ "toolchain", false, "key-file", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "toolchain", false, "key-source", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "toolchain", false, "sums-key", CONF_HEX, 40, 40, NULL, CONF_READ },
	{ "toolchain", false, "tar-key", CONF_HEX, 40, 40, NULL, CONF_READ },
	{ "toolchain", false, "sync", CONF_WORD, 0, 0, "true false",
	  CONF_READ },
	{ "toolchain", false, "strict", CONF_WORD, 0, 0, "true false",
	  CONF_READ },
	{ "config", true, "kconfig", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "config", true, "kconfig-add", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "tree", true, "url", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "nightly", true, "tree", CONF_TEXT, 0, 0, NULL, CONF_SECTION_UNREAD },
	{ "nightly", true, "rev", CONF_TEXT, 0, 0, NULL, CONF_SECTION_UNREAD },
	{ "nightly", true, "arch", CONF_TEXT, 0, 0, NULL, CONF_SECTION_UNREAD },
	{ "nightly", true, "toolchain", CONF_TEXT, 0, 0, NULL,
	  CONF_SECTION_UNREAD },
	{ "nightly", true, "kconfig", CONF_TEXT, 0, 0, NULL,
	  CONF_SECTION_UNREAD },
	{ "nightly", true, "kconfig-add", CONF_TEXT, 0, 0, NULL,
	  CONF_SECTION_UNREAD },
	{ "nightly", true, "target", CONF_TEXT, 0, 0, NULL,
	  CONF_SECTION_UNREAD },
	{ "nightly", true, "keep-days", CONF_NUMBER, 0, 36500, NULL,
	  CONF_SECTION_UNREAD },
	{ "nightly", true, "mail", CONF_TEXT, 0, 0, NULL, CONF_SECTION_UNREAD },
	/* libgit2 follows these two itself. */
	{ "include", false, "path", CONF_TEXT, 0, 0, NULL, CONF_READ },
	{ "includeif", true, "path", CONF_TEXT, 0, 0, NULL, CONF_READ },
};

const struct conf_key *conf_schema_find(const char *section, const char *sub,
					const char *key)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const struct conf_key *k = &known[i];

		if (k->named == (sub != NULL) && !strcmp(k->section, section) &&
		    !strcmp(k->key, key))
			return k;
	}
	return NULL;
}

static bool is_hex_of_length(const char *value, size_t n)
{
	return strlen(value) == n &&
	       strspn(value, "0123456789abcdefABCDEF") == n;
}

/* "none, lzo or zstd" of "none lzo zstd". */
static char *words_in_prose(const char *words)
{
	struct buf out = { 0 };

	for (const char *w = words; *w; w++) {
		if (*w != ' ')
			buf_printf(&out, "%c", *w);
		else
			buf_add_str(&out, strchr(w + 1, ' ') ? ", " : " or ");
	}
	return buf_steal(&out);
}

int conf_schema_check(const struct conf_key *k, const char *value,
		      struct err *err)
{
	char *words;
	long n;

	if (!value)
		return err_set(err, EINVAL, "needs a value");
	if (k->type == CONF_NUMBER && str_number(value, k->min, k->max, &n))
		return err_set(err, EINVAL,
			       "\"%s\" is not a number from %ld to %ld", value,
			       k->min, k->max);
	if (k->type == CONF_HEX && !is_hex_of_length(value, (size_t)k->min))
		return err_set(err, EINVAL,
			       "\"%s\" is not %ld hexadecimal digits", value,
			       k->min);
	if (k->type == CONF_WORD && !str_list_has(k->words, ' ', value)) {
		words = words_in_prose(k->words);
		err_set(err, EINVAL, "\"%s\" is not %s", value, words);
		free(words);
		return -EINVAL;
	}
	return 0;
}
