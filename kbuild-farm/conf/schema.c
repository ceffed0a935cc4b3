/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conf/schema.h"

#include "base/buf.h"
#include "base/spellcheck.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The units of an amount in ascending order, and their factors. */
static const char bytes[] = "K M G T", seconds[] = "s m h d";
static const struct unit {
	char letter;
	int64_t worth;
} units[] = {
	{ 'K', INT64_C(1) << 10 },
	{ 'M', INT64_C(1) << 20 },
	{ 'G', INT64_C(1) << 30 },
	{ 'T', INT64_C(1) << 40 },
	{ 's', 1 },
	{ 'm', 60 },
	{ 'h', 3600 },
	{ 'd', 86400 },
};

/*
 * All known keys, including the reserved keys of kfarm.conf(5), so that
 * machines with different versions of kfarm can share a file.
 */
static const struct conf_key known[] = {
	{ "farm", false, "compile-locally", CONF_TYPE_WORD, 0, 0,
	  "when-busy when-necessary", CONF_USE_READ },
	{ "farm", false, "remember-probes", CONF_TYPE_WORD, 0, 0, "yes no",
	  CONF_USE_READ },
	{ "farm", false, "require-remote", CONF_TYPE_NUMBER, 0, 100, NULL,
	  CONF_USE_READ },
	{ "farm", false, "shell", CONF_TYPE_WORD, 0, 0, "kfarm system",
	  CONF_USE_READ },
	{ "farm", false, "steps", CONF_TYPE_WORD, 0, 0, "yes no",
	  CONF_USE_READ },
	{ "farm", false, "verify", CONF_TYPE_NUMBER, 0, 100, NULL,
	  CONF_USE_RESERVED },
	{ "farm", false, "weight", CONF_TYPE_NUMBER, 1, 100, NULL,
	  CONF_USE_READ },
	{ "cache", false, "enabled", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "cache", false, "size", CONF_TYPE_AMOUNT, 0, 1024, bytes,
	  CONF_USE_READ },
	{ "cache", false, "remote", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "cache", false, "remote-timeout", CONF_TYPE_AMOUNT, 1, 7, seconds,
	  CONF_USE_READ },
	{ "cache", false, "remote-write", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "cache", false, "remote-ca-file", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "cache", false, "remote-certificate", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "cache", false, "remote-key", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "cache", false, "remote-header-file", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "cache", false, "trust", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "builds", false, "keep", CONF_TYPE_NUMBER, 0, 1000000, NULL,
	  CONF_USE_READ },
	{ "node", true, "address", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "node", true, "slots", CONF_TYPE_NUMBER, 1, 1024, NULL,
	  CONF_USE_READ },
	{ "node", true, "codec", CONF_TYPE_WORD, 0, 0, "none lzo zstd",
	  CONF_USE_READ },
	{ "node", true, "key", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "node", true, "drain", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "node", true, "ssh", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "node", true, "profile", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "node", true, "site", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "node", true, "power", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "import", true, "url", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "import", true, "key", CONF_TYPE_HEX, 40, 40, NULL, CONF_USE_READ },
	{ "import", true, "drain", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "pool", true, "start", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "pool", true, "min", CONF_TYPE_NUMBER, 0, 1000, NULL, CONF_USE_READ },
	{ "pool", true, "max", CONF_TYPE_NUMBER, 1, 1000, NULL, CONF_USE_READ },
	{ "pool", true, "idle", CONF_TYPE_AMOUNT, 1, 7, seconds,
	  CONF_USE_READ },
	{ "pool", true, "slots", CONF_TYPE_NUMBER, 1, 1024, NULL,
	  CONF_USE_READ },
	{ "pool", true, "drain", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "pool", true, "weight", CONF_TYPE_NUMBER, 1, 1000, NULL,
	  CONF_USE_READ },
	{ "arch", true, "toolchain", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "toolchain", false, "mirror", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "toolchain", false, "ca-file", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "toolchain", false, "http", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "toolchain", false, "key-file", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "toolchain", false, "key-source", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "toolchain", false, "sums-key", CONF_TYPE_HEX, 40, 40, NULL,
	  CONF_USE_READ },
	{ "toolchain", false, "tar-key", CONF_TYPE_HEX, 40, 40, NULL,
	  CONF_USE_READ },
	{ "toolchain", false, "sync", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "toolchain", false, "strict", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "config", true, "kconfig", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "config", true, "kconfig-add", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "tree", true, "url", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "nightly", false, "metrics", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "tree", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "nightly", true, "rev", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "nightly", true, "arch", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "nightly", true, "toolchain", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "kconfig", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "kconfig-add", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "target", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "variable", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "options", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "keep-days", CONF_TYPE_NUMBER, 0, 36500, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "keep-last", CONF_TYPE_NUMBER, 1, 36500, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "keep-failures", CONF_TYPE_NUMBER, 0, 36500, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "keep-free", CONF_TYPE_AMOUNT, 0, 1024, bytes,
	  CONF_USE_READ },
	{ "nightly", true, "timeout", CONF_TYPE_AMOUNT, 1, 7, seconds,
	  CONF_USE_READ },
	{ "nightly", true, "bisect", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "nightly", true, "bisect-builds", CONF_TYPE_NUMBER, 1, 1000, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "bisect-time", CONF_TYPE_AMOUNT, 1, 7, seconds,
	  CONF_USE_READ },
	{ "nightly", true, "warnings", CONF_TYPE_WORD, 0, 0, "true false",
	  CONF_USE_READ },
	{ "nightly", true, "mail", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
	{ "nightly", true, "mail-from", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	{ "nightly", true, "command", CONF_TYPE_TEXT, 0, 0, NULL,
	  CONF_USE_READ },
	/*
	 * libgit2 evaluates [include].  The table lacks [includeIf], which
	 * libgit2 evaluates only in the configuration of a repository.
	 */
	{ "include", false, "path", CONF_TYPE_TEXT, 0, 0, NULL, CONF_USE_READ },
};

const struct conf_key *conf_schema_find(const char *section, const char *sub,
					const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct conf_key *k = &known[i];

		if (k->has_subsection == (sub != NULL) &&
		    !strcmp(k->section, section) && !strcmp(k->key, key))
			return k;
	}
	return NULL;
}

char *conf_schema_suggest(const char *section, const char *sub, const char *key)
{
	struct spellcheck keys, sections;
	bool has_section = false;

	spellcheck_init(&keys, key);
	spellcheck_init(&sections, section);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		bool is_here = !strcmp(known[i].section, section);

		has_section = has_section || is_here;
		spellcheck_add(&sections, known[i].section);
		if (is_here && known[i].has_subsection == (sub != NULL))
			spellcheck_add(&keys, known[i].key);
	}
	return spellcheck_suggestion(has_section ? &keys : &sections, "", "");
}

/* Format a list such as "none lzo zstd" as "none, lzo or zstd". */
static char *format_word_list(const char *words)
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

/* Return the factor of a unit, or 0 if the key does not allow it. */
static int64_t unit_factor(const struct conf_key *k, const char *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].letter == *unit &&
		    str_list_has(k->words, ' ', unit))
			return units[i].worth;
	}
	return 0;
}

bool conf_schema_parse_amount(const struct conf_key *k, const char *value,
			      uint64_t *out)
{
	size_t digits = strspn(value, "0123456789");
	char *number = xstrndup(value, digits);
	const char *largest = k->words + strlen(k->words) - 1;
	int64_t worth = unit_factor(k, value + digits);
	int64_t most = k->max * unit_factor(k, largest);
	long n = 0;
	bool good = worth && !str_parse_number(number, 0, LONG_MAX, &n) &&
		    n <= most / worth && n >= k->min;

	*out = good ? (uint64_t)(n * worth) : 0;
	free(number);
	return good;
}

int conf_schema_check(const struct conf_key *k, const char *value,
		      struct err *err)
{
	uint64_t amount;
	char *words;
	long n;

	if (!value)
		return err_set(err, EINVAL, "missing value");
	if (k->type == CONF_TYPE_NUMBER &&
	    str_parse_number(value, k->min, k->max, &n))
		return err_set(err, EINVAL,
			       "\"%s\" is not a number from %ld to %ld", value,
			       k->min, k->max);
	if (k->type == CONF_TYPE_AMOUNT &&
	    !conf_schema_parse_amount(k, value, &amount)) {
		words = format_word_list(k->words);
		err_set(err, EINVAL,
			"\"%s\" is out of range or is not a number followed "
			"by %s",
			value, words);
		free(words);
		return -EINVAL;
	}
	if (k->type == CONF_TYPE_HEX &&
	    (strlen(value) != (size_t)k->min ||
	     value[strspn(value, "0123456789abcdefABCDEF")]))
		return err_set(err, EINVAL,
			       "\"%s\" is not %ld hexadecimal digits", value,
			       k->min);
	if (k->type == CONF_TYPE_WORD && !str_list_has(k->words, ' ', value)) {
		words = format_word_list(k->words);
		err_set(err, EINVAL, "invalid value \"%s\": expected %s", value,
			words);
		free(words);
		return -EINVAL;
	}
	return 0;
}
