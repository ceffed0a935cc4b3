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

/* The names that the preprocessor itself looks for have fixed numbers. */
#define SCAN_WORDS(WORD)                                                       \
	WORD(NONE, "")                                                         \
	WORD(DEFINED, "defined")                                               \
	WORD(VA_ARGS, "__VA_ARGS__")                                           \
	WORD(VA_OPT, "__VA_OPT__")                                             \
	WORD(TRUE, "true")                                                     \
	WORD(FALSE, "false")                                                   \
	WORD(ONE, "1")                                                         \
	/* From here on: macros that are built in. */                          \
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
	/* The compiler has to be asked about these. */                        \
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

enum scan_word {
#define WORD(name, spelling) WORD_##name,
	SCAN_WORDS(WORD)
#undef WORD
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
