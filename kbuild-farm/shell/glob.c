/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/glob.h"

#include "base/buf.h"
#include "base/vec.h"
#include "shell/match.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct glob {
	struct arena *arena;
	struct buf path; /* of the directory looked into, with its slash */
	char **v;
	size_t n, cap;
};

static void add_match(struct glob *g)
{
	g->v = vec_reserve(g->v, &g->cap, g->n, sizeof(*g->v));
	g->v[g->n++] = arena_copy(g->arena, buf_str(&g->path), g->path.len);
}

/* The pattern's text as a name. */
static void add_plain(struct buf *path, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		buf_add(path, p, 1);
	}
}

/* Is the "[" that `p` is behind closed in this part of the path? */
static bool has_closing(const char *p)
{
	if (*p == '!')
		p++;
	for (;;) {
		if (*p == '\\')
			p++;
		if (!*p || *p == '/')
			return false;
		if (*++p == ']')
			return true;
	}
}

/*
 * The first part of the path that is a pattern: from *start up to what is
 * returned, a slash (or its backslash) or the end; NULL: there is none.
 */
static const char *find_special(const char *pattern, const char **start)
{
	bool special = false;
	const char *p;
	int escape;

	*start = pattern;
	for (p = pattern; *p; p += escape + 1) {
		escape = *p == '\\' && p[1];
		if (*p == '*' || *p == '?' || (*p == '[' && has_closing(p + 1)))
			special = true;
		if (p[escape] != '/')
			continue;
		if (special)
			return p;
		*start = p + escape + 1;
	}
	return special ? p : NULL;
}

static void match_directory(struct glob *g, const char *pattern);

static void match_entries(struct glob *g, DIR *dir, const char *special,
			  const char *rest)
{
	bool hidden = special[special[0] == '\\'] == '.';
	size_t len = g->path.len;
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if ((entry->d_name[0] == '.' && !hidden) ||
		    !shell_match(special, entry->d_name))
			continue;
		buf_add_str(&g->path, entry->d_name);
		if (rest) {
			buf_add_str(&g->path, "/");
			match_directory(g, rest);
		} else {
			add_match(g);
		}
		g->path.len = len;
		g->path.data[len] = '\0';
	}
}

static void match_directory(struct glob *g, const char *pattern)
{
	const char *start, *end = find_special(pattern, &start);
	const char *rest = NULL;
	struct stat st;
	char *special;
	DIR *dir;

	if (!end) {
		/* Nothing was special in all of it: no names. */
		if (!g->path.len)
			return;
		add_plain(&g->path, pattern, pattern + strlen(pattern));
		if (!lstat(buf_str(&g->path), &st))
			add_match(g);
		return;
	}
	add_plain(&g->path, pattern, start);
	dir = opendir(g->path.len ? buf_str(&g->path) : ".");
	if (!dir)
		return;
	if (*end)
		rest = end + 1 + (*end == '\\');
	special = arena_copy(g->arena, start, (size_t)(end - start));
	match_entries(g, dir, special, rest);
	closedir(dir);
}

static int by_name_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t shell_glob(struct arena *a, const char *pattern, char ***v)
{
	struct glob g = { .arena = a };

	match_directory(&g, pattern);
	if (g.n)
		qsort(g.v, g.n, sizeof(*g.v), by_name_bytes);
	*v = arena_alloc(a, (g.n + 1) * sizeof(**v));
	if (g.n)
		memcpy(*v, g.v, g.n * sizeof(**v));
	free(g.v);
	buf_release(&g.path);
	return g.n;
}
