/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/str.h - small allocations that cannot fail, strings, lists of strings.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Say so on stderr and end the program. */
void str_out_of_memory(void) __attribute__((noreturn));
/* As their namesakes; they end the program when memory is out. */
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
/* The last component of a path: "gcc" of "/usr/bin/gcc"; borrowed. */
const char *str_base(const char *path);
/* The directory of a path, "." where it has none; the caller frees it. */
char *str_dir(const char *path);
/* What is behind DIR/ in a path, or NULL; borrowed. */
const char *str_below(const char *path, const char *dir);
/* `path` as seen from the directory `cwd`; the caller frees it. */
char *str_seen_from(const char *cwd, const char *path);
/* "a/b" of "./a/b/", "" of "./" and ".": what tar calls files; the caller
 * frees it. */
char *str_plain_path(const char *path);
/* A decimal number from `min` to `max`: 0, or -EINVAL or -ERANGE. */
int str_number(const char *s, long min, long max, long *out);
/* A hexadecimal digit's value, of either case; -1: it is none. */
int str_hex_digit(char c);
/* The value of NAME=VALUE in an environment, or NULL; borrowed. */
const char *str_env(char *const *env, const char *name);

/* Has a list such as "a:b" this element?  No list (NULL) has any. */
bool str_list_has(const char *list, char separator, const char *element);

/* A list that ends in NULL, as argv does.  A zeroed one is empty. */
struct strv {
	char **v; /* NULL as long as nothing was added */
	size_t n;
	size_t cap;
};

void strv_release(struct strv *sv);
/* Appends a copy. */
void strv_add(struct strv *sv, const char *s);
void strv_addf(struct strv *sv, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends `s` itself, which the list then owns. */
void strv_own(struct strv *sv, char *s);
/* Its strings with NULL behind them, also where it never had one. */
char *const *strv_list(const struct strv *sv);
void strv_add_all(struct strv *sv, char *const *list);
/* Appends what is between `separators` in `list`, but nothing empty. */
void strv_split(struct strv *sv, const char *list, const char *separators);
bool strv_has(const struct strv *sv, const char *s);
/* The same strings in the same order? */
bool strv_equal(const struct strv *a, const struct strv *b);
void strv_sort(struct strv *sv);
/* The same, and of equal ones one stays. */
void strv_sort_unique(struct strv *sv);
/* "a, b" of { a, b } and ", "; the caller frees it. */
char *strv_join(const struct strv *sv, const char *separator);

#endif
