/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/table.h"

#include "base/str.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* Character sets of values; see options_table_is_value_allowed(). */
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
	  OPTIONS_FORM_##form,              \
	  OPTIONS_USE_##use,                \
	  OPTIONS_SCAN_##scan,              \
	  OPTIONS_SIDE_NONE,                \
	  REASON_NONE,                      \
	  charset },
#define LOCAL(name, form, why, scan) \
	{ name,                      \
	  OPTIONS_FORM_##form,       \
	  OPTIONS_USE_LOCAL,         \
	  OPTIONS_SCAN_##scan,       \
	  OPTIONS_SIDE_NONE,         \
	  REASON_##why,              \
	  NULL },
/* Options of OPTIONS_USE_CODE that cause a side output. */
#define SIDE(name, form, side, charset, scan) \
	{ name,                               \
	  OPTIONS_FORM_##form,                \
	  OPTIONS_USE_CODE,                   \
	  OPTIONS_SCAN_##scan,                \
	  OPTIONS_SIDE_##side,                \
	  REASON_NONE,                        \
	  charset },

static const struct options_entry main_entries[] = {
#include "options/table.inc"
};

static const struct options_entry value_entries[] = {
#include "options/code-value.inc"
};

static const struct options_entry clang_entries[] = {
#include "options/clang.inc"

#include "options/clang-m.inc"
};

#undef OPT
#undef LOCAL
#undef SIDE

/*
 * Flags without a value.  All are OPTIONS_USE_CODE.  FLAG_BUT() also states the
 * effects of -fNAME and -fno-NAME on the dependency scanner.
 */
#define CODE(name, scan)       \
	{ name,                \
	  OPTIONS_FORM_ALONE,  \
	  OPTIONS_USE_CODE,    \
	  OPTIONS_SCAN_##scan, \
	  OPTIONS_SIDE_NONE,   \
	  REASON_NONE,         \
	  NULL },

#define FLAG(name)              CODE("-f" name, ASK)
#define FLAG_BUT(name, yes, no) CODE("-f" name, yes)
static const struct options_entry f_entries[] = {
#include "options/code-f.inc"
};
#undef FLAG
#undef FLAG_BUT

#define FLAG(name)              CODE("-fno-" name, ASK)
#define FLAG_BUT(name, yes, no) CODE("-fno-" name, no)
static const struct options_entry fno_entries[] = {
#include "options/code-f.inc"
};
#undef FLAG
#undef FLAG_BUT

#define FLAG(name) CODE("-m" name, ASK)
static const struct options_entry m_entries[] = {
#include "options/code-m.inc"
};
#undef FLAG

#define FLAG(name) CODE("-mno-" name, ASK)
static const struct options_entry mno_entries[] = {
#include "options/code-m.inc"
};
#undef FLAG

/*
 * Each group is sorted by name.  If two groups have an entry of the same name,
 * the entry of the first group is used.
 */
static const struct entry_group {
	const char *prefix;
	const struct options_entry *v;
	size_t n;
} entry_groups[] = {
	{ "-", main_entries, ARRAY_SIZE(main_entries) },
	{ "-", value_entries, ARRAY_SIZE(value_entries) },
	{ "-f", f_entries, ARRAY_SIZE(f_entries) },
	{ "-fno-", fno_entries, ARRAY_SIZE(fno_entries) },
	{ "-m", m_entries, ARRAY_SIZE(m_entries) },
	{ "-mno-", mno_entries, ARRAY_SIZE(mno_entries) },
	{ "-", clang_entries, ARRAY_SIZE(clang_entries) },
};

/*
 * Return the last entry whose name does not sort after the first `len` bytes of
 * `word`, or NULL.
 */
static const struct options_entry *find_floor_entry(const struct entry_group *g,
						    const char *word,
						    size_t len)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const char *name = g->v[mid].name;
		int diff = strncmp(name, word, len);

		if (diff < 0 || (!diff && !name[len]))
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &g->v[low - 1] : NULL;
}

static bool form_allows(const struct options_entry *e, const char *rest)
{
	switch (e->form) {
	case OPTIONS_FORM_ALONE:
	case OPTIONS_FORM_SEPARATE:
		return !*rest;
	case OPTIONS_FORM_JOINED:
		/* A name that ends in '=', such as "-std=", needs a value. */
		return *rest || rest[-1] != '=';
	}
	return true;
}

/*
 * Find the entry with the longest name that is a prefix of `word` and whose
 * form fits.  A name that is a prefix of `word` is also a prefix of all names
 * that sort between this name and `word`.  Therefore each step needs only the
 * last entry that does not sort after `word`.  If this entry does not fit, the
 * name that is sought is at most as long as the common prefix of the entry's
 * name and `word`.
 */
static const struct options_entry *find_in_group(const struct entry_group *g,
						 const char *word)
{
	size_t len = strlen(word);

	while (len) {
		const struct options_entry *e = find_floor_entry(g, word, len);
		size_t common = 0;

		if (!e)
			return NULL;
		while (common < len && e->name[common] &&
		       e->name[common] == word[common])
			common++;
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

static bool has_group_prefix(const struct entry_group *g, const char *word)
{
	return !strncmp(word, g->prefix, strlen(g->prefix));
}

const struct options_entry *options_entry(size_t i)
{
	for (size_t g = 0; g < ARRAY_SIZE(entry_groups); g++) {
		if (i < entry_groups[g].n)
			return &entry_groups[g].v[i];
		i -= entry_groups[g].n;
	}
	return NULL;
}

/* ---- index ---- */

/*
 * An index (a hash table of all names) makes a lookup ten times as fast.
 * Building the index takes as long as a hundred lookups without the index, so
 * only programs that parse many command lines use it.
 */
#define INDEX_SLOTS       8192 /* a power of two */
#define NUMBER_BITS       14
#define INDEX_MIN_LOOKUPS 256 /* lookups before the index is built */

static struct {
	pthread_once_t once;
	atomic_uint n_lookups; /* before the index was built */
	atomic_bool made;
	/* 18 bits of the hash, and the entry's number + 1; 0 if free */
	uint32_t slot[INDEX_SLOTS];
	const struct options_entry *entry[INDEX_SLOTS / 2];
	size_t longest; /* length of the longest name */
} name_index = { .once = PTHREAD_ONCE_INIT };

_Static_assert(ARRAY_SIZE(main_entries) + ARRAY_SIZE(value_entries) +
			       2 * ARRAY_SIZE(f_entries) +
			       2 * ARRAY_SIZE(m_entries) +
			       ARRAY_SIZE(clang_entries) <
		       INDEX_SLOTS / 2,
	       "the index has room");

static uint32_t hash_step(uint32_t h, char c)
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
			h = hash_step(h, e->name[len]);
		if (len > name_index.longest)
			name_index.longest = len;
		for (at = index_slot(h); name_index.slot[at];
		     at = index_slot(at + 1))
			;
		name_index.slot[at] = index_tag(h) | (i + 1);
		name_index.entry[i] = e;
	}
	atomic_store_explicit(&name_index.made, true, memory_order_release);
}

static bool has_index(void)
{
	if (atomic_load_explicit(&name_index.made, memory_order_acquire))
		return true;
	if (atomic_fetch_add(&name_index.n_lookups, 1) < INDEX_MIN_LOOKUPS)
		return false;
	pthread_once(&name_index.once, make_index);
	return true;
}

/* Return the entry whose name is the first `len` bytes of `word`, or NULL. */
static const struct options_entry *find_indexed(uint32_t hash, const char *word,
						size_t len)
{
	const uint32_t number = (1u << NUMBER_BITS) - 1;

	for (uint32_t at = index_slot(hash); name_index.slot[at];
	     at = index_slot(at + 1)) {
		const struct options_entry *e;

		if (index_tag(name_index.slot[at]) != index_tag(hash))
			continue;
		e = name_index.entry[(name_index.slot[at] & number) - 1];
		if (!strncmp(e->name, word, len) && !e->name[len])
			return e;
	}
	return NULL;
}

const struct options_entry *options_table_find_word(const char *word)
{
	const struct options_entry *best = NULL, *e;
	uint32_t h = 0;

	if (has_index()) {
		for (size_t len = 0; len < name_index.longest && word[len];) {
			h = hash_step(h, word[len++]);
			e = find_indexed(h, word, len);
			if (e && form_allows(e, word + len))
				best = e;
		}
		return best;
	}
	for (size_t i = 0; i < ARRAY_SIZE(entry_groups); i++) {
		if (!has_group_prefix(&entry_groups[i], word))
			continue;
		e = find_in_group(&entry_groups[i], word);
		if (e && (!best || strlen(e->name) > strlen(best->name)))
			best = e;
	}
	return best;
}

const struct options_entry *options_table_find_name(const char *name)
{
	const struct options_entry *e;
	size_t len = 0;
	uint32_t h = 0;

	if (has_index()) {
		for (; name[len]; len++)
			h = hash_step(h, name[len]);
		return len ? find_indexed(h, name, len) : NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(entry_groups); i++) {
		if (!has_group_prefix(&entry_groups[i], name))
			continue;
		e = find_floor_entry(&entry_groups[i], name, strlen(name));
		if (e && !strcmp(e->name, name))
			return e;
	}
	return NULL;
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

bool options_table_is_in_charset(const char *set, const char *value, size_t len)
{
	if (len > OPTIONS_VALUE_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!in_charset(set, (unsigned char)value[i]))
			return false;
	}
	return true;
}

/*
 * Return true if `value` begins like an option of LLVM that Linux passes with
 * -mllvm: the options of the sanitizers, and two others.  The sanitizers'
 * options have numbers or names of symbols as values, and none names a file.
 */
static bool is_llvm_option_allowed(const char *value)
{
	static const char *const prefixes[] = {
		"-asan-", "-hexagon-cext=", "-hwasan-", "-max-store-memset=",
		"-msan-", "-tsan-",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (str_starts(value, prefixes[i]))
			return true;
	}
	return false;
}

bool options_table_is_value_allowed(const struct options_entry *e,
				    const char *value)
{
	bool is_llvm = !strcmp(e->name, "-mllvm");

	/*
	 * A separate value that starts with '-' would be read as an option.  A
	 * value that starts with '@' would be read as a response file, by the
	 * driver or by the assembler, which receives some values as separate
	 * words.
	 */
	if (!e->charset || *value == '@' ||
	    (e->form == OPTIONS_FORM_SEPARATE && *value == '-' && !is_llvm) ||
	    (is_llvm && !is_llvm_option_allowed(value)))
		return false;
	return options_table_is_in_charset(e->charset, value, strlen(value));
}

bool options_table_is_debug_allowed(const char *value)
{
	return str_list_has(
		",0,1,2,3,gdb,gdb0,gdb1,gdb2,gdb3,"
		"dwarf,dwarf-2,dwarf-3,dwarf-4,dwarf-5,strict-dwarf,"
		"no-strict-dwarf,column-info,no-column-info,inline-points,"
		"no-inline-points,line-tables-only,pubnames,no-pubnames,"
		"no-record-gcc-switches,statement-frontiers,"
		"no-statement-frontiers,variable-location-views,"
		"no-variable-location-views,"
		/* -gz selects the compression of debug information. */
		"z,z=none,z=zlib,z=zlib-gnu,z=zstd",
		',', value);
}

/* ---- lists of -Wp and -Wa ---- */

bool options_comma_list_next(const char **rest, struct options_comma_word *word)
{
	if (!*rest)
		return false;
	word->s = *rest;
	word->len = strcspn(*rest, ",");
	*rest = word->s[word->len] ? word->s + word->len + 1 : NULL;
	return true;
}

bool options_comma_word_equals(const struct options_comma_word *word,
			       const char *s)
{
	return strlen(s) == word->len && !memcmp(s, word->s, word->len);
}

enum options_use options_comma_list_wp_use(
	const struct options_comma_word *word)
{
	if (options_comma_word_equals(word, "-MD") ||
	    options_comma_word_equals(word, "-MMD"))
		return OPTIONS_USE_MAKE_DEPS;
	if (options_comma_word_equals(word, "-MT") ||
	    options_comma_word_equals(word, "-MQ"))
		return OPTIONS_USE_DEP_TARGET;
	if (options_comma_word_equals(word, "-MP"))
		return OPTIONS_USE_DEP_PHONY;
	if (word->len > 2 && word->s[0] == '-' && memchr("DUI", word->s[1], 3))
		return OPTIONS_USE_CPP;
	return OPTIONS_USE_LOCAL;
}

/* gas options without a value.  A word must equal one of them. */
static const char *const allowed_as_options[] = {
	"--32",
	"--64",
	"--compress-debug-sections",
	"--compress-debug-sections=none",
	"--compress-debug-sections=zlib",
	"--compress-debug-sections=zlib-gabi",
	"--compress-debug-sections=zlib-gnu",
	"--compress-debug-sections=zstd",
	"--divide",
	"--execstack",
	"--fatal-warnings",
	"--keep-locals",
	"--no-pad-sections",
	"--no-warn",
	"--nocompress-debug-sections",
	"--noexecstack",
	"--reduce-memory-overheads",
	"--strip-local-absolute",
	"--traditional-format",
	"--trap",
	"--undeclared-regs",
	"--warn",
	"--x32",
	"-32",
	"-64",
	"-EB",
	"-EL",
	"-KPIC",
	"-KPIE",
	"-L",
	"-O",
	"-O0",
	"-O1",
	"-O2",
	"-Os",
	"-R",
	"-W",
	"-fatal-warnings",
	"-n32",
	"-no-undeclared-regs",
};

/* Prefixes of gas options with a value, for one target or for all targets. */
static const char *const allowed_as_prefixes[] = {
	"--elf-stt-common=",
	"--generate-missing-build-notes=",
	"--size-check=",
	"-A", /* sparc: -Av9a */
	"-isa=", /* sh */
	"-m", /* -march= -mcpu= -mfpu= -mrelax-relocations= -many ... */
};

static bool matches_option_family(const char *word, size_t len,
				  const char *name)
{
	size_t n = strlen(name);

	/*
	 * Reject upper case as the first letter of the value: gas reads -MD as
	 * --MD, which writes a file.
	 */
	return len > n && !memcmp(word, name, n) &&
	       options_table_is_in_charset("a-z0-9", word + n, 1) &&
	       options_table_is_in_charset("a-zA-Z0-9_.+=-", word + n, len - n);
}

bool options_comma_list_is_as_allowed(const char *s, size_t len)
{
	struct options_comma_word word = { s, len };

	for (size_t i = 0; i < ARRAY_SIZE(allowed_as_options); i++) {
		if (options_comma_word_equals(&word, allowed_as_options[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(allowed_as_prefixes); i++) {
		if (matches_option_family(s, len, allowed_as_prefixes[i]))
			return true;
	}
	return false;
}

static bool is_debug_word(const struct options_comma_word *word)
{
	static const char *const words[] = {
		"-g",         "--gen-debug", "--gdwarf-2", "--gdwarf-3",
		"--gdwarf-4", "--gdwarf-5",  "-gdwarf-2",  "-gdwarf-3",
		"-gdwarf-4",  "-gdwarf-5",   "-gdwarf2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (options_comma_word_equals(word, words[i]))
			return true;
	}
	return false;
}

bool options_comma_list_is_wa_allowed(const char *list)
{
	const char *rest = list;
	struct options_comma_word word;

	while (options_comma_list_next(&rest, &word)) {
		if (!is_debug_word(&word) &&
		    !options_comma_list_is_as_allowed(word.s, word.len))
			return false;
	}
	return true;
}
