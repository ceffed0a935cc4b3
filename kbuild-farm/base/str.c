/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void str_out_of_memory(void)
{
	static const char text[] = "kfarm: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	_exit(1);
}

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		str_out_of_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		str_out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);

	if (!q)
		str_out_of_memory();
	return q;
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = xmalloc(len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xvasprintf(const char *fmt, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return xstrdup("");
	s = xmalloc((size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

bool str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}

bool str_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

const char *str_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *str_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *str_skip_dir(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return str_starts(path, dir) && path[n] == '/' ? path + n + 1 : NULL;
}

char *str_join_path(const char *cwd, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", cwd, path);
}

char *str_trim_path(const char *path)
{
	size_t len;

	while (path[0] == '.' && path[1] == '/')
		for (path++; *path == '/'; path++)
			;
	if (!strcmp(path, "."))
		path++;
	len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	return xstrndup(path, len);
}

int str_parse_number(const char *s, long min, long max, long *out)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (end == s || *end || isspace((unsigned char)s[0]) || s[0] == '+')
		return -EINVAL;
	if (errno || n < min || n > max)
		return -ERANGE;
	*out = n;
	return 0;
}

int str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

const char *str_find_env(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++) {
		if (!strncmp(*env, name, n) && (*env)[n] == '=')
			return *env + n + 1;
	}
	return NULL;
}

bool str_list_has(const char *list, char separator, const char *element)
{
	size_t n = strlen(element);

	while (list) {
		const char *end = strchrnul(list, separator);

		if ((size_t)(end - list) == n && !memcmp(list, element, n))
			return true;
		list = *end ? end + 1 : NULL;
	}
	return false;
}

void strv_release(struct strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	*sv = (struct strv){ 0 };
}

char *const *strv_list(const struct strv *sv)
{
	static char *const none[] = { NULL };

	return sv->v ? sv->v : none;
}

void strv_own(struct strv *sv, char *s)
{
	if (sv->n + 1 >= sv->cap) {
		sv->cap = sv->cap ? sv->cap * 2 : 8;
		sv->v = xrealloc(sv->v, sv->cap * sizeof(*sv->v));
	}
	sv->v[sv->n++] = s;
	sv->v[sv->n] = NULL;
}

void strv_add(struct strv *sv, const char *s)
{
	strv_own(sv, xstrdup(s));
}

void strv_addf(struct strv *sv, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_own(sv, xvasprintf(fmt, ap));
	va_end(ap);
}

void strv_add_all(struct strv *sv, char *const *list)
{
	for (; list && *list; list++)
		strv_add(sv, *list);
}

void strv_split(struct strv *sv, const char *list, const char *separators)
{
	while (*list) {
		size_t n = strcspn(list, separators);

		if (n)
			strv_own(sv, xstrndup(list, n));
		list += n + (list[n] != '\0');
	}
}

bool strv_has(const struct strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++) {
		if (!strcmp(sv->v[i], s))
			return true;
	}
	return false;
}

bool strv_equal(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->v[i], b->v[i]))
			return false;
	}
	return true;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *sv)
{
	if (sv->n > 1)
		qsort(sv->v, sv->n, sizeof(*sv->v), by_bytes);
}

void strv_sort_unique(struct strv *sv)
{
	size_t n = 0;

	strv_sort(sv);
	for (size_t i = 0; i < sv->n; i++) {
		if (n && !strcmp(sv->v[n - 1], sv->v[i]))
			free(sv->v[i]);
		else
			sv->v[n++] = sv->v[i];
	}
	sv->n = n;
	if (sv->v)
		sv->v[n] = NULL;
}

void strv_unique(struct strv *sv)
{
	struct strv all = *sv;

	*sv = (struct strv){ 0 };
	for (size_t i = 0; i < all.n; i++) {
		if (!strv_has(sv, all.v[i]))
			strv_add(sv, all.v[i]);
	}
	strv_release(&all);
}

char *strv_join(const struct strv *sv, const char *separator)
{
	size_t step = strlen(separator), len = 0;
	char *s, *p;

	for (size_t i = 0; i < sv->n; i++)
		len += strlen(sv->v[i]) + step;
	p = s = xmalloc(len + 1);
	*p = '\0';
	for (size_t i = 0; i < sv->n; i++)
		p = stpcpy(stpcpy(p, i ? separator : ""), sv->v[i]);
	return s;
}
