/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/intern.h - Table of unique spellings, numbered from 0.
 *
 * Identifiers, numbers, strings and header names are interned, so that a token
 * has eight bytes and a macro table is an array.  All threads of a scanner
 * share the table.  A name lives as long as the table.
 */
#ifndef CPP_INTERN_H
#define CPP_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpp_name {
	uint32_t len;
	uint32_t hash;
	char s[]; /* terminated by a NUL that `len` excludes */
};

/* Names that the preprocessor compares have fixed numbers. */
#define CPP_WORDS(WORD)                                                        \
	WORD(NONE, "")                                                         \
	WORD(DEFINED, "defined")                                               \
	WORD(VA_ARGS, "__VA_ARGS__")                                           \
	WORD(VA_OPT, "__VA_OPT__")                                             \
	WORD(TRUE, "true")                                                     \
	WORD(FALSE, "false")                                                   \
	WORD(ONE, "1")                                                         \
	WORD(BUILTIN_FILE, "__builtin_FILE")                                   \
	/* All names from __FILE__ on are built-in macros or operators. */     \
	WORD(FILE, "__FILE__")                                                 \
	WORD(FILE_NAME, "__FILE_NAME__")                                       \
	WORD(MODULE, "__MODULE__")                                             \
	WORD(LINE, "__LINE__")                                                 \
	WORD(COUNTER, "__COUNTER__")                                           \
	WORD(DATE, "__DATE__")                                                 \
	WORD(TIME, "__TIME__")                                                 \
	WORD(TIMESTAMP, "__TIMESTAMP__")                                       \
	WORD(BASE_FILE, "__BASE_FILE__")                                       \
	WORD(INCLUDE_LEVEL, "__INCLUDE_LEVEL__")                               \
	WORD(PRAGMA, "_Pragma")                                                \
	WORD(MS_PRAGMA, "__pragma")                                            \
	WORD(MS_IDENTIFIER, "__identifier")                                    \
	WORD(HAS_INCLUDE, "__has_include")                                     \
	WORD(HAS_INCLUDE_NEXT, "__has_include_next")                           \
	WORD(HAS_EMBED, "__has_embed")                                         \
	/* Operators that only the compiler can evaluate. */                   \
	WORD(HAS_ATTRIBUTE, "__has_attribute")                                 \
	WORD(HAS_C_ATTRIBUTE, "__has_c_attribute")                             \
	WORD(HAS_CPP_ATTRIBUTE, "__has_cpp_attribute")                         \
	WORD(HAS_DECLSPEC_ATTRIBUTE, "__has_declspec_attribute")               \
	WORD(HAS_BUILTIN, "__has_builtin")                                     \
	WORD(HAS_CONSTEXPR_BUILTIN, "__has_constexpr_builtin")                 \
	WORD(HAS_FEATURE, "__has_feature")                                     \
	WORD(HAS_EXTENSION, "__has_extension")                                 \
	WORD(HAS_WARNING, "__has_warning")                                     \
	WORD(IS_IDENTIFIER, "__is_identifier")                                 \
	WORD(IS_TARGET_ARCH, "__is_target_arch")                               \
	WORD(IS_TARGET_VENDOR, "__is_target_vendor")                           \
	WORD(IS_TARGET_OS, "__is_target_os")                                   \
	WORD(IS_TARGET_ENVIRONMENT, "__is_target_environment")                 \
	WORD(IS_TARGET_VARIANT_OS, "__is_target_variant_os")                   \
	WORD(IS_TARGET_VARIANT_ENVIRONMENT, "__is_target_variant_environment") \
	WORD(BUILDING_MODULE, "__building_module")

enum cpp_word {
#define WORD(name, spelling) WORD_##name,
	CPP_WORDS(WORD)
#undef WORD
	WORDS
};

struct cpp_names;

/* Create a table with the names of enum cpp_word. */
struct cpp_names *cpp_names_new(void);
void cpp_names_free(struct cpp_names *n);

/* Make cpp_lex_file() record the words of texts; see cpp_words_add(). */
void cpp_names_record_words(struct cpp_names *n);
bool cpp_names_records_words(const struct cpp_names *n);

/*
 * Return the number that identifies a spelling.  A new spelling is added first.
 * Takes the lock.
 */
uint32_t cpp_names_intern(struct cpp_names *n, const char *s, size_t len);
/* Take and release the lock, for many calls of cpp_names_intern_locked(). */
void cpp_names_lock(struct cpp_names *n);
void cpp_names_unlock(struct cpp_names *n);
/* Like cpp_names_intern(), but the caller holds the lock. */
uint32_t cpp_names_intern_locked(struct cpp_names *n, const char *s,
				 size_t len);

/* Return the name with the number `id`.  Takes no lock. */
const struct cpp_name *cpp_names_get(const struct cpp_names *n, uint32_t id);
/*
 * Count `bytes` of data outside the table as memory of the table, because the
 * data refers to names of the table.  When the data is freed, the caller must
 * subtract the bytes with cpp_names_discharge().
 */
void cpp_names_charge(struct cpp_names *n, size_t bytes);
void cpp_names_discharge(struct cpp_names *n, size_t bytes);
/* Return the size of the table and all charged memory in bytes. */
size_t cpp_names_memory(struct cpp_names *n);

#endif
