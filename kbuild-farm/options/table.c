/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/table.h"

#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* What values may be made of; see options_value_ok(). */
#define DIGITS   "0-9"
#define LEVEL    "a-z0-9"
#define NONE     ""
#define PARAM    "a-z0-9=-"
#define STANDARD "a-z0-9+:"
#define SYMBOL   "a-zA-Z0-9_.$"
#define PATHNAME TEXT
#define TEXT     " -~\x80-\xff"
#define WARNING  "a-zA-Z0-9+=:_.-"
#define WORD     "a-zA-Z0-9_.+-"
#define WORDS    "a-zA-Z0-9_.,:+=-"

#define OPT(name, form, use, charset, scan) \
	{ name,                             \
	  OPTIONS_##form,                   \
	  OPTIONS_USE_##use,                \
	  OPTIONS_SCAN_##scan,              \
	  OPTIONS_SIDE_NONE,                \
	  REASON_NONE,                      \
	  charset },
#define LOCAL(name, form, why, scan) \
	{ name,                      \
	  OPTIONS_##form,            \
	  OPTIONS_USE_LOCAL,         \
	  OPTIONS_SCAN_##scan,       \
	  OPTIONS_SIDE_NONE,         \
	  REASON_##why,              \
	  NULL },
/* Code that is written beside the object, or because of which something is. */
#define SIDE(name, form, side, charset, scan) \
	{ name,                               \
	  OPTIONS_##form,                     \
	  OPTIONS_USE_CODE,                   \
	  OPTIONS_SCAN_##scan,                \
	  OPTIONS_SIDE_##side,                \
	  REASON_NONE,                        \
	  charset },

static const struct options_entry table[] = {
#include "options/table.inc"
};

static const struct options_entry values[] = {
#include "options/code-value.inc"
};

static const struct options_entry clang[] = {
#include "options/clang.inc"

#include "options/clang-m.inc"
};

#undef OPT
#undef LOCAL
#undef SIDE

/* Flags without a value: all code, FLAG_BUT() those that scan/ must know. */
#define CODE(name, scan)       \
	{ name,                \
	  OPTIONS_ALONE,       \
	  OPTIONS_USE_CODE,    \
	  OPTIONS_SCAN_##scan, \
	  OPTIONS_SIDE_NONE,   \
	  REASON_NONE,         \
	  NULL },

#define FLAG(name)              CODE("-f" name, ASK)
#define FLAG_BUT(name, yes, no) CODE("-f" name, yes)
static const struct options_entry f[] = {
#include "options/code-f.inc"
};
#undef FLAG
#undef FLAG_BUT

#define FLAG(name)              CODE("-fno-" name, ASK)
#define FLAG_BUT(name, yes, no) CODE("-fno-" name, no)
static const struct options_entry fno[] = {
#include "options/code-f.inc"
};
#undef FLAG
#undef FLAG_BUT

#define FLAG(name) CODE("-m" name, ASK)
static const struct options_entry m[] = {
#include "options/code-m.inc"
};
#undef FLAG

#define FLAG(name) CODE("-mno-" name, ASK)
static const struct options_entry mno[] = {
#include "options/code-m.inc"
};
#undef FLAG

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* Each sorted by name.  Of two equal names the one further up counts. */
static const struct group {
	const char *prefix;
	const struct options_entry *v;
	size_t n;
} groups[] = {
	{ "-", table, LENGTH(table) }, { "-", values, LENGTH(values) },
	{ "-f", f, LENGTH(f) },        { "-fno-", fno, LENGTH(fno) },
	{ "-m", m, LENGTH(m) },        { "-mno-", mno, LENGTH(mno) },
	{ "-", clang, LENGTH(clang) },
};

/* As strcmp(name, word), had the word only `len` bytes. */
static int compare_word(const char *name, const char *word, size_t len)
{
	int diff = strncmp(name, word, len);

	return diff ? diff : name[len] != '\0';
}

/* The last entry whose name is not above the first `len` bytes of `word`. */
static const struct options_entry *floor_of(const struct group *g,
					    const char *word, size_t len)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_word(g->v[mid].name, word, len) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &g->v[low - 1] : NULL;
}

static size_t common_length(const char *a, const char *b, size_t most)
{
	size_t n = 0;

	while (n < most && a[n] && a[n] == b[n])
		n++;
	return n;
}

static bool form_allows(const struct options_entry *e, const char *rest)
{
	switch (e->form) {
	case OPTIONS_ALONE:
	case OPTIONS_SEPARATE:
		return !*rest;
	case OPTIONS_JOINED:
		/* "-std=" with nothing behind it is an error of the user. */
		return *rest || rest[-1] != '=';
	}
	return true;
}

/*
 * Every name that `word` starts with is also the start of each entry between
 * that name and the word; so a look at the floor either finds it, or tells
 * how much of the word still counts.
 */
static const struct options_entry *find_in(const struct group *g,
					   const char *word)
{
	size_t len = strlen(word);

	while (len) {
		const struct options_entry *e = floor_of(g, word, len);
		size_t common;

		if (!e)
			return NULL;
		common = common_length(e->name, word, len);
		if (e->name[common]) {
			len = common;
		} else {
			if (form_allows(e, word + common))
				return e;
			len = common - 1;
		}
	}
	return NULL;
}

static bool in_group(const struct group *g, const char *word)
{
	return !strncmp(word, g->prefix, strlen(g->prefix));
}

static const struct options_entry *find_sorted(const char *word)
{
	const struct options_entry *best = NULL;

	for (size_t i = 0; i < LENGTH(groups); i++) {
		const struct options_entry *e;

		if (!in_group(&groups[i], word))
			continue;
		e = find_in(&groups[i], word);
		if (e && (!best || strlen(e->name) > strlen(best->name)))
			best = e;
	}
	return best;
}

static const struct options_entry *named_sorted(const char *name)
{
	for (size_t i = 0; i < LENGTH(groups); i++) {
		const struct options_entry *e;

		if (!in_group(&groups[i], name))
			continue;
		e = floor_of(&groups[i], name, strlen(name));
		if (e && !strcmp(e->name, name))
			return e;
	}
	return NULL;
}

const struct options_entry *options_entry(size_t i)
{
	for (size_t g = 0; g < LENGTH(groups); g++) {
		if (i < groups[g].n)
			return &groups[g].v[i];
		i -= groups[g].n;
	}
	return NULL;
}

/* ---------------------------------------------------------------- the index */

/*
 * All names by their hash: a word takes a tenth of the time.  It takes as long
 * to make as a hundred words without it, so it is for programs that read more
 * than a command line or two.
 */
#define INDEX_SLOTS 8192 /* a power of two */
#define NUMBER_BITS 14
#define INDEX_FROM  256 /* questions, before it is made */

static struct {
	pthread_once_t once;
	atomic_uint asked;
	atomic_bool made;
	uint32_t slot[INDEX_SLOTS]; /* 18 bits of the hash, number + 1; 0: free
				     */
	const struct options_entry *entry[INDEX_SLOTS / 2];
	size_t longest; /* of the names */
} names = { .once = PTHREAD_ONCE_INIT };

_Static_assert(LENGTH(table) + LENGTH(values) + 2 * LENGTH(f) + 2 * LENGTH(m) +
			       LENGTH(clang) <
		       INDEX_SLOTS / 2,
	       "the index has room");

static uint32_t hash_more(uint32_t h, char c)
{
	h = (h ^ (unsigned char)c) * 0x01000193u;
	return h ^ h >> 15;
}

static uint32_t index_slot(uint32_t hash)
{
	return hash & (INDEX_SLOTS - 1);
}

static uint32_t index_tag(uint32_t hash)
{
	return hash >> NUMBER_BITS << NUMBER_BITS;
}

static void make_index(void)
{
	const struct options_entry *e;

	for (uint32_t i = 0; (e = options_entry(i)); i++) {
		uint32_t h = 0, at;
		size_t len = 0;

		for (; e->name[len]; len++)
			h = hash_more(h, e->name[len]);
		if (len > names.longest)
			names.longest = len;
		for (at = index_slot(h); names.slot[at];
		     at = index_slot(at + 1))
			;
		names.slot[at] = index_tag(h) | (i + 1);
		names.entry[i] = e;
	}
	atomic_store_explicit(&names.made, true, memory_order_release);
}

static bool has_index(void)
{
	if (atomic_load_explicit(&names.made, memory_order_acquire))
		return true;
	if (atomic_fetch_add(&names.asked, 1) < INDEX_FROM)
		return false;
	pthread_once(&names.once, make_index);
	return true;
}

static bool is_start(const struct options_entry *e, const char *word,
		     size_t len)
{
	return !memcmp(e->name, word, len) && !e->name[len];
}

/* The entry that is called by the first `len` bytes of `word`. */
static const struct options_entry *find_indexed(uint32_t hash, const char *word,
						size_t len)
{
	const uint32_t number = (1u << NUMBER_BITS) - 1;

	for (uint32_t at = index_slot(hash); names.slot[at];
	     at = index_slot(at + 1)) {
		const struct options_entry *e;

		if (index_tag(names.slot[at]) != index_tag(hash))
			continue;
		e = names.entry[(names.slot[at] & number) - 1];
		if (is_start(e, word, len))
			return e;
	}
	return NULL;
}

const struct options_entry *options_find(const char *word)
{
	const struct options_entry *best = NULL, *e;
	uint32_t h = 0;

	if (!has_index())
		return find_sorted(word);
	for (size_t len = 0; len < names.longest && word[len];) {
		h = hash_more(h, word[len++]);
		e = find_indexed(h, word, len);
		if (e && form_allows(e, word + len))
			best = e;
	}
	return best;
}

const struct options_entry *options_named(const char *name)
{
	size_t len = 0;
	uint32_t h = 0;

	if (!has_index())
		return named_sorted(name);
	for (; name[len]; len++)
		h = hash_more(h, name[len]);
	return len ? find_indexed(h, name, len) : NULL;
}

static bool in_charset(const char *set, unsigned char c)
{
	const unsigned char *s = (const unsigned char *)set;

	for (; *s; s++) {
		if (s[1] == '-' && s[2]) {
			if (c >= s[0] && c <= s[2])
				return true;
			s += 2;
		} else if (c == *s) {
			return true;
		}
	}
	return false;
}

bool options_charset_ok(const char *set, const char *value, size_t len)
{
	if (len > OPTIONS_VALUE_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!in_charset(set, (unsigned char)value[i]))
			return false;
	}
	return true;
}

bool options_value_ok(const struct options_entry *e, const char *value)
{
	/*
	 * A word of its own that starts with '-' reads as an option.  One that
	 * starts with '@' names a file of more words, for the driver and for
	 * the assembler, which gets some values as words of their own.
	 */
	if (!e->charset || *value == '@' ||
	    (e->form == OPTIONS_SEPARATE && *value == '-'))
		return false;
	return options_charset_ok(e->charset, value, strlen(value));
}

bool options_debug_ok(const char *value)
{
	return str_list_has(
		",0,1,2,3,gdb,gdb0,gdb1,gdb2,gdb3,"
		"dwarf,dwarf-2,dwarf-3,dwarf-4,dwarf-5,strict-dwarf,"
		"no-strict-dwarf,column-info,no-column-info,inline-points,"
		"no-inline-points,line-tables-only,pubnames,no-pubnames,"
		"no-record-gcc-switches,statement-frontiers,"
		"no-statement-frontiers,variable-location-views,"
		"no-variable-location-views",
		',', value);
}
