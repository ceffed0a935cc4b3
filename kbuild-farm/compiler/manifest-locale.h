/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/manifest-locale.h - Locale names and the files of a locale.
 *
 * A locale name has the form language[_TERRITORY][.CODESET][@MODIFIER].
 * compiler_manifest_list_locale() (compiler/manifest.h) lists the files.
 */
#ifndef COMPILER_MANIFEST_LOCALE_H
#define COMPILER_MANIFEST_LOCALE_H

#include <stdbool.h>

/*
 * Return the locale that `env` sets for `category` ("LC_CTYPE"): the first
 * nonempty value of the variables LC_ALL, `category` and LANG, or else "C".
 * The result is borrowed.
 */
const char *compiler_locale_from_env(char *const *env, const char *category);

/* Return true for C and POSIX, which are built into the C library. */
bool compiler_locale_is_c(const char *name);

/* Return true if the codeset of `name` is UTF-8. */
bool compiler_locale_is_utf8(const char *name);

/*
 * Return true if a C library that looks for `name` may use the directory `dir`:
 * the languages are equal, and each further part of `dir` is equal to the same
 * part of `name`.  Case and punctuation of codesets are ignored.
 */
bool compiler_locale_matches_dir(const char *dir, const char *name);

/*
 * Return the locale that `name` stands for according to `text` (the content of
 * a locale.alias: two words per line, "#" begins a comment), or NULL.  The
 * caller frees the result.
 */
char *compiler_locale_resolve_alias(const char *text, const char *name);

#endif
