/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/manifest-id.h"

#include "base/buf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 40 /* on one path, as the kernel has it */

/* The entries in order, and what the way to the driver goes through. */
struct look {
	const struct compiler_entry **v;
	size_t n;
	bool *on_way;
};

/* As strcmp(), but what is below a directory follows it at once. */
static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (!*a || !*b)
		return (*a != '\0') - (*b != '\0');
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a - (unsigned char)*b;
}

static int by_tree_order(const void *a, const void *b)
{
	const struct compiler_entry *const *x = a, *const *y = b;

	return compare_paths((*x)->path, (*y)->path);
}

static int at_path(const void *path, const void *entry)
{
	const struct compiler_entry *const *e = entry;

	return compare_paths(path, (*e)->path);
}

/* Its place in the list; SIZE_MAX: it is not there. */
static size_t find_entry(const struct look *l, const char *path)
{
	const struct compiler_entry **e = bsearch(path, l->v, l->n,
						  sizeof(*l->v), at_path);

	return e ? (size_t)(e - l->v) : SIZE_MAX;
}

/* No path twice, and none below what is no directory. */
static bool is_tree(const struct look *l)
{
	const char *leaf = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct compiler_entry *e = l->v[i];

		if (e->path[0] != '/' || !e->path[1])
			return false;
		if (i && !strcmp(l->v[i - 1]->path, e->path))
			return false;
		if (leaf && str_below(e->path, leaf))
			return false;
		if (e->kind != COMPILER_DIR)
			leaf = e->path;
	}
	return true;
}

/* `at` one component further: into, up, or to where a link leads. */
static void enter_component(struct look *l, struct buf *at, char **rest,
			    char *name, unsigned *links)
{
	size_t before = at->len, i;
	char *more;

	if (!strcmp(name, "."))
		return;
	if (!strcmp(name, "..")) {
		while (at->data && at->len && at->data[--at->len] != '/')
			;
		return;
	}
	buf_printf(at, "/%s", name);
	i = find_entry(l, buf_str(at));
	if (i == SIZE_MAX || l->v[i]->kind != COMPILER_LINK)
		return;
	l->on_way[i] = true;
	++*links;
	at->len = l->v[i]->target[0] == '/' ? 0 : before;
	more = xasprintf("%s/%s", l->v[i]->target, *rest);
	free(*rest);
	*rest = more;
}

/* Where `driver` leads, "" for nowhere; the caller frees it. */
static char *resolve_path(struct look *l, const char *driver)
{
	struct buf at = { 0 };
	char *rest = xstrdup(driver), *out;
	unsigned links = 0;

	while (links <= LINKS_MAX && strlen(rest) <= PATH_MAX) {
		size_t skip = strspn(rest, "/");
		size_t len = strcspn(rest + skip, "/");
		char *name;

		if (!len) {
			rest[0] = '\0';
			break;
		}
		name = xstrndup(rest + skip, len);
		memmove(rest, rest + skip + len, strlen(rest + skip + len) + 1);
		enter_component(l, &at, &rest, name, &links);
		free(name);
		if (at.data)
			at.data[at.len] = '\0';
	}
	out = rest[0] ? xstrdup("") : bytes_dup(buf_bytes(&at));
	free(rest);
	buf_release(&at);
	return out;
}

static char *prefix_of(const char *driver)
{
	char *dir = str_dir(driver), *up;

	if (strcmp(str_base(dir), "bin"))
		return dir;
	up = str_dir(dir);
	free(dir);
	return up;
}

/*
 * A path as it enters: without the prefix, which is never empty; "/" alone
 * as a prefix takes nothing off.  The first character tells both kinds apart.
 */
static const char *shorten(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (len > 1 && !strncmp(path, prefix, len) &&
	    (path[len] == '/' || !path[len]))
		return path[len] ? path + len + 1 : "";
	return path;
}

struct line {
	const char *path;
	const struct compiler_entry *e;
};

static int by_line(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void put_line(struct buf *out, const struct line *line,
		     const char *prefix)
{
	const struct compiler_entry *e = line->e;

	buf_put_u8(out, (uint8_t)e->kind);
	buf_put_str(out, line->path);
	if (e->kind == COMPILER_FILE) {
		buf_put_u8(out, e->executable);
		buf_add(out, e->digest.b, sizeof(e->digest.b));
	} else if (e->kind == COMPILER_LINK) {
		const char *target = shorten(e->target, prefix);

		/* An absolute one stays apart from a relative one. */
		buf_put_u8(out, target != e->target);
		buf_put_str(out, target);
	}
}

static void digest_all(const struct look *l, const char *prefix,
		       const char *driver, bool is_clang, struct digest *out)
{
	struct line *lines = xcalloc(l->n + 1, sizeof(*lines));
	struct buf all = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!l->on_way[i])
			lines[n++] = (struct line){
				shorten(l->v[i]->path, prefix), l->v[i]
			};
	}
	qsort(lines, n, sizeof(*lines), by_line);
	buf_put_u8(&all, is_clang);
	buf_put_str(&all, is_clang ? str_base(driver) : "");
	for (size_t i = 0; i < n; i++)
		put_line(&all, &lines[i], prefix);
	digest_of(buf_bytes(&all), out);
	buf_release(&all);
	free(lines);
}

static void init_look(struct look *l, const struct compiler_entry *v, size_t n)
{
	*l = (struct look){ .v = xcalloc(n + 1, sizeof(*l->v)),
			    .n = n,
			    .on_way = xcalloc(n + 1, sizeof(bool)) };
	for (size_t i = 0; i < n; i++)
		l->v[i] = &v[i];
	qsort(l->v, n, sizeof(*l->v), by_tree_order);
}

static void look_release(struct look *l)
{
	free(l->v);
	free(l->on_way);
}

int compiler_manifest_id(const struct compiler_entry *v, size_t n,
			 const char *driver, bool is_clang, struct digest *out,
			 char **prefix)
{
	struct look l;
	char *real = NULL, *up = NULL;
	size_t at = SIZE_MAX;
	int ret = -EINVAL;

	init_look(&l, v, n);
	if (is_tree(&l)) {
		real = resolve_path(&l, driver);
		at = find_entry(&l, real);
	}
	if (at != SIZE_MAX && l.v[at]->kind == COMPILER_FILE &&
	    l.v[at]->executable) {
		up = prefix_of(real);
		digest_all(&l, up, driver, is_clang, out);
		ret = 0;
	}
	if (prefix)
		*prefix = up;
	else
		free(up);
	free(real);
	look_release(&l);
	return ret;
}

char *compiler_manifest_resolve(const struct compiler_entry *v, size_t n,
				const char *path)
{
	struct look l;
	char *real;

	init_look(&l, v, n);
	real = resolve_path(&l, path);
	look_release(&l);
	return real;
}
