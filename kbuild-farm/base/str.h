/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/str.h - Infallible allocation, strings and lists of strings. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Print "out of memory" on stderr and end the program. */
void str_out_of_memory(void) __attribute__((noreturn));
/* Like their libc counterparts, but end the program if memory runs out. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_equal(const char *a, const char *b);
/* Return the last component of a path: "gcc" for "/usr/bin/gcc". Borrowed. */
const char *str_base(const char *path);
/*
 * Return the directory of a path, or "." if it has none.  The caller frees it.
 */
char *str_dir(const char *path);
/* Return the part of `path` after DIR/, or NULL. Borrowed. */
const char *str_skip_dir(const char *path, const char *dir);
/*
 * Return CWD/PATH, or a copy of `path` if it is absolute.  The caller frees it.
 */
char *str_join_path(const char *cwd, const char *path);
/*
 * Normalize the name of a tar entry: remove a leading "./" and trailing
 * slashes.  Returns "a/b" for "./a/b/", "" for "./" and ".".  The caller frees
 * it.
 */
char *str_trim_path(const char *path);
/* Parse a decimal number from `min` to `max`. Returns 0, -EINVAL or -ERANGE. */
int str_parse_number(const char *s, long min, long max, long *out);
/* Return the value of a hexadecimal digit of either case, or -1. */
int str_hex_digit(char c);
/* Return the value of NAME=VALUE in an environment, or NULL. Borrowed. */
const char *str_find_env(char *const *env, const char *name);

/*
 * Return true if a list such as "a:b" has this element.  A NULL list has no
 * element.
 */
bool str_list_has(const char *list, char separator, const char *element);

/* A NULL-terminated list like argv. A zeroed struct is an empty list. */
struct strv {
	char **v; /* NULL until the first addition */
	size_t n;
	size_t cap;
};

void strv_release(struct strv *sv);
/* Append a copy. */
void strv_add(struct strv *sv, const char *s);
void strv_addf(struct strv *sv, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Append `s` itself and take ownership. */
void strv_own(struct strv *sv, char *s);
/* Return the strings followed by NULL, also for an empty list. Borrowed. */
char *const *strv_list(const struct strv *sv);
void strv_add_all(struct strv *sv, char *const *list);
/* Append the non-empty parts of `list` between `separators`. */
void strv_split(struct strv *sv, const char *list, const char *separators);
bool strv_has(const struct strv *sv, const char *s);
/* Return true if both lists have the same strings in the same order. */
bool strv_equal(const struct strv *a, const struct strv *b);
void strv_sort(struct strv *sv);
/* Sort and remove duplicates. */
void strv_sort_unique(struct strv *sv);
/* Remove duplicates, but keep the order of the first occurrences. */
void strv_unique(struct strv *sv);
/*
 * Return the strings with `separator` between them, such as "a, b" for the
 * separator ", ".  The caller frees the text.
 */
char *strv_join(const struct strv *sv, const char *separator);

#endif
