/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/locale.h - names of locales: language[_TERRITORY][.CODESET][@MOD].
 */
#ifndef COMPILER_LOCALE_H
#define COMPILER_LOCALE_H

#include <stdbool.h>

/*
 * The locale that `env` sets for `category` ("LC_CTYPE"): LC_ALL, the
 * category, LANG, "C"; an empty value is none.  Borrowed.
 */
const char *compiler_locale_of(char *const *env, const char *category);
/* Is it C or POSIX, which is built in? */
bool compiler_locale_is_c(const char *name);
/* Does the name say UTF-8? */
bool compiler_locale_is_utf8(const char *name);
/*
 * Could a C library that looks for `name` take the directory `dir`?  True
 * when the language is the same and each further part is the same or is not
 * in `dir`; codesets are compared without case and punctuation.
 */
bool compiler_locale_serves(const char *dir, const char *name);
/*
 * What `name` stands for after `text` (of a locale.alias: two words a line,
 * "#" begins a comment), or NULL; the caller frees it.
 */
char *compiler_locale_alias(const char *text, const char *name);

#endif
