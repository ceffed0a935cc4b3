/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/name.h - every spelling that matters, once, as a small number.
 *
 * Identifiers, numbers, strings, header names: all are interned, so that a
 * token is eight bytes and a macro table is an array.  Shared by all threads
 * of one struct scan; a name lives as long as the table.
 */
#ifndef SCAN_NAME_H
#define SCAN_NAME_H

#include <stddef.h>
#include <stdint.h>

struct scan_name {
	uint32_t len;
	uint32_t hash;
	char s[]; /* with a NUL behind it */
};

/* The names that the preprocessor itself looks for: fixed numbers. */
enum scan_word {
	WORD_NONE,
	WORD_DEFINED,
	WORD_VA_ARGS,
	WORD_VA_OPT,
	WORD_TRUE,
	WORD_FALSE,
	WORD_ONE, /* the number 1 */
	/* From here on: macros that are built in. */
	WORD_FILE,
	WORD_FILE_NAME,
	WORD_MODULE,
	WORD_LINE,
	WORD_COUNTER,
	WORD_DATE,
	WORD_TIME,
	WORD_TIMESTAMP,
	WORD_BASE_FILE,
	WORD_INCLUDE_LEVEL,
	WORD_PRAGMA,
	WORD_MS_PRAGMA,
	WORD_MS_IDENTIFIER,
	WORD_HAS_INCLUDE,
	WORD_HAS_INCLUDE_NEXT,
	WORD_HAS_EMBED,
	/* The compiler has to be asked about these. */
	WORD_HAS_ATTRIBUTE,
	WORD_HAS_C_ATTRIBUTE,
	WORD_HAS_CPP_ATTRIBUTE,
	WORD_HAS_DECLSPEC_ATTRIBUTE,
	WORD_HAS_BUILTIN,
	WORD_HAS_CONSTEXPR_BUILTIN,
	WORD_HAS_FEATURE,
	WORD_HAS_EXTENSION,
	WORD_HAS_WARNING,
	WORD_IS_IDENTIFIER,
	WORD_IS_TARGET_ARCH,
	WORD_IS_TARGET_VENDOR,
	WORD_IS_TARGET_OS,
	WORD_IS_TARGET_ENVIRONMENT,
	WORD_IS_TARGET_VARIANT_OS,
	WORD_IS_TARGET_VARIANT_ENVIRONMENT,
	WORD_BUILDING_MODULE,
	WORDS
};

struct scan_names;

struct scan_names *scan_names_new(void);
void scan_names_free(struct scan_names *n);

/* The number of a spelling; new ones get the next.  Takes the lock. */
uint32_t scan_name_id(struct scan_names *n, const char *s, size_t len);
/* The same for whoever asks often: between _lock and _unlock. */
void scan_names_lock(struct scan_names *n);
void scan_names_unlock(struct scan_names *n);
uint32_t scan_name_id_locked(struct scan_names *n, const char *s, size_t len);

/* What a number stands for; no lock. */
const struct scan_name *scan_name(const struct scan_names *n, uint32_t id);
/* Memory of what is made of names counts with them, until it is freed. */
void scan_names_charge(struct scan_names *n, size_t bytes);
void scan_names_discharge(struct scan_names *n, size_t bytes);
size_t scan_names_memory(struct scan_names *n);

#endif
