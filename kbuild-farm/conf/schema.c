/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/schema.h"

#include "base/buf.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Not all of these are read yet; kfarm.conf(5) tells which.  They are here
 * so that one file serves machines with different versions of kfarm.
 */
static const struct conf_key known[] = {
	{ "farm", false, "require-remote", CONF_NUMBER, 0, 100, NULL },
	{ "farm", false, "verify", CONF_NUMBER, 0, 100, NULL },
	{ "node", true, "address", CONF_TEXT, 0, 0, NULL },
	{ "node", true, "slots", CONF_NUMBER, 1, 1024, NULL },
	{ "node", true, "codec", CONF_WORD, 0, 0, "none lzo zstd" },
	{ "node", true, "key", CONF_TEXT, 0, 0, NULL },
	{ "node", true, "profile", CONF_TEXT, 0, 0, NULL },
	{ "node", true, "power", CONF_TEXT, 0, 0, NULL },
	{ "arch", true, "toolchain", CONF_TEXT, 0, 0, NULL },
	{ "toolchain", false, "mirror", CONF_TEXT, 0, 0, NULL },
	{ "toolchain", false, "ca-file", CONF_TEXT, 0, 0, NULL },
	{ "toolchain", false, "http", CONF_WORD, 0, 0, "true false" },
	{ "toolchain", false, "key-file", CONF_TEXT, 0, 0, NULL },
	{ "toolchain", false, "key-source", CONF_TEXT, 0, 0, NULL },
	{ "toolchain", false, "sums-key", CONF_HEX, 40, 40, NULL },
	{ "toolchain", false, "tar-key", CONF_HEX, 40, 40, NULL },
	{ "toolchain", false, "sync", CONF_WORD, 0, 0, "true false" },
	{ "toolchain", false, "strict", CONF_WORD, 0, 0, "true false" },
	{ "tree", true, "url", CONF_TEXT, 0, 0, NULL },
	{ "nightly", true, "tree", CONF_TEXT, 0, 0, NULL },
	{ "nightly", true, "rev", CONF_TEXT, 0, 0, NULL },
	{ "nightly", true, "arch", CONF_TEXT, 0, 0, NULL },
	{ "nightly", true, "toolchain", CONF_TEXT, 0, 0, NULL },
	{ "nightly", true, "kconfig", CONF_TEXT, 0, 0, NULL },
	{ "nightly", true, "kconfig-add", CONF_TEXT, 0, 0, NULL },
	{ "nightly", true, "target", CONF_TEXT, 0, 0, NULL },
	{ "nightly", true, "keep-days", CONF_NUMBER, 0, 36500, NULL },
	{ "nightly", true, "mail", CONF_TEXT, 0, 0, NULL },
	/* libgit2 follows these two itself. */
	{ "include", false, "path", CONF_TEXT, 0, 0, NULL },
	{ "includeif", true, "path", CONF_TEXT, 0, 0, NULL },
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
