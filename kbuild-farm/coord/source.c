/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/source.h"

#include "base/fs.h"
#include "base/str.h"
#include "coord/indent.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

/* A larger header is no header: such a unit stays here. */
#define SOURCE_MAX (64u << 20)

struct source {
	UT_hash_handle hh;
	char *path;
	struct stat st; /* of the version that was searched */
	bool searched;
	const char *why;
	bool suspect; /* coord/indent.h */
	uint32_t unit; /* that looked at it last */
};

struct coord_sources {
	struct source *by_path;
};

struct coord_sources *coord_sources_new(void)
{
	return xcalloc(1, sizeof(struct coord_sources));
}

void coord_sources_free(struct coord_sources *all)
{
	struct source *s, *next;

	if (!all)
		return;
	HASH_ITER(hh, all->by_path, s, next)
	{
		HASH_DEL(all->by_path, s);
		free(s->path);
		free(s);
	}
	free(all);
}

/* Over blanks, continued lines and comments. */
static const char *skip_blanks(const char *p)
{
	for (;;) {
		const char *end;

		p += strspn(p, " \t\r\v\f");
		if (p[0] == '\\' && p[1] == '\n') {
			p += 2;
		} else if (p[0] == '/' && p[1] == '*') {
			end = strstr(p + 2, "*/");
			if (!end)
				return p;
			p = end + 2;
		} else {
			return p;
		}
	}
}

static bool take_word(const char **p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*p, word, n) || isalnum((unsigned char)(*p)[n]) ||
	    (*p)[n] == '_')
		return false;
	*p = skip_blanks(*p + n);
	return true;
}

/*
 * `p` is behind "pragma" or "_Pragma".  Those that gcc -E acts on are gone
 * from its output (poison, push_macro, message ...); target and optimize
 * change macros, and diagnostics of #if, that gcc -E decides without them.
 */
static const char *forbidden_pragma(const char *p)
{
	static const char *const words[] = {
		"poison",   "push_macro",       "pop_macro",
		"message",  "redefine_extname", "target",
		"optimize", "pch_preprocess",   "push_options",
	};

	p = skip_blanks(p);
	if (*p == '(')
		p = skip_blanks(p + 1);
	if (*p == '"')
		p = skip_blanks(p + 1);
	take_word(&p, "GCC");
	if (take_word(&p, "diagnostic") &&
	    (take_word(&p, "warning") || take_word(&p, "error")))
		return "pragma of the preprocessor";
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (take_word(&p, words[i]))
			return "pragma of the preprocessor";
	}
	return NULL;
}

/* GCC target("avx2") and the like, for a macro that makes a pragma of it. */
static bool names_options(const char *text, size_t len)
{
	static const char *const words[] = { "target", "optimize",
					     "push_options" };
	const char *p = text, *end = text + len;

	while ((p = memmem(p, (size_t)(end - p), "GCC", 3))) {
		p = skip_blanks(p + 3);
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			if (take_word(&p, words[i]))
				return true;
		}
	}
	return false;
}

const char *coord_source_forbidden(const char *text, size_t len)
{
	static const char *const anywhere[] = { "push_macro", "pop_macro",
						"redefine_extname" };
	const char *p = text, *end = text + len, *why;

	while ((p = memmem(p, (size_t)(end - p), "ragma", 5))) {
		p += 5;
		why = forbidden_pragma(p);
		if (why)
			return why;
	}
	/* Put together by a macro, at worst. */
	for (size_t i = 0; i < sizeof(anywhere) / sizeof(*anywhere); i++) {
		if (memmem(text, len, anywhere[i], strlen(anywhere[i])))
			return "pragma of the preprocessor";
	}
	return names_options(text, len) ? "pragma of the preprocessor" : NULL;
}

static bool same_version(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void search(struct source *s)
{
	struct buf content = { 0 };
	struct err err;

	s->why = "source that cannot be read";
	s->suspect = true;
	if (!fs_read(s->path, SOURCE_MAX, &content, &err)) {
		s->why = coord_source_forbidden(buf_str(&content), content.len);
		s->suspect = coord_indent_suspect(buf_str(&content),
						  content.len);
	}
	buf_release(&content);
}

/* gcc -E reads the text, but its compile what stands beside it. */
static bool is_precompiled(const struct source *s)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s.gch", s->path) < PATH_MAX &&
	       !access(path, F_OK);
}

static const char *look_at(struct source *s)
{
	struct stat st;

	/* #line may name what is not there, or is not called so here. */
	if (stat(s->path, &st))
		return NULL;
	if (str_starts(s->path, "/dev/") || str_starts(s->path, "/proc/") ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return "reads what is no plain file";
	if (S_ISDIR(st.st_mode))
		return NULL;
	if (!s->searched || !same_version(&s->st, &st)) {
		s->st = st;
		s->searched = true;
		search(s);
	}
	if (is_precompiled(s))
		return "precompiled header";
	return s->why;
}

static struct source *find(struct coord_sources *all, const char *path)
{
	struct source *s;

	HASH_FIND_STR(all->by_path, path, s);
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->path = xstrdup(path);
		HASH_ADD_KEYPTR(hh, all->by_path, s->path, strlen(s->path), s);
	}
	return s;
}

/*
 * The name in `# 12 "dir/na\"me.h" 1`, which cpp writes as a C string.
 * Returns false when the line is no linemarker or names no file.
 */
static bool marker_name(const char *line, const char *end, struct buf *name)
{
	const char *p = line + 2;

	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (end - p < 3 || p[0] != ' ' || p[1] != '"' || p[2] == '<')
		return false;
	for (p += 2; p < end && *p != '"'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\\' && end - p > 3 && p[1] >= '0' && p[1] <= '3') {
			c = (unsigned char)((p[1] - '0') << 6 |
					    (p[2] - '0') << 3 | (p[3] - '0'));
			p += 3;
		} else if (c == '\\' && end - p > 1) {
			c = (unsigned char)*++p;
		}
		buf_add(name, &c, 1);
	}
	return p < end && name->len;
}

static const char *check_line(struct coord_sources *all, uint32_t unit,
			      struct buf *name, size_t cwd_len,
			      const char *line, const char *end, bool *suspect)
{
	const char *path, *why;
	struct source *s;

	/* `name` holds "CWD/"; what the marker names goes behind it. */
	name->len = cwd_len;
	if (!marker_name(line, end, name) || name->len == cwd_len)
		return NULL;
	path = buf_str(name);
	if (path[cwd_len] == '/')
		path += cwd_len;
	s = find(all, path);
	if (s->unit == unit)
		return s->why;
	s->unit = unit;
	why = look_at(s);
	*suspect = *suspect || s->suspect;
	return why;
}

const char *coord_sources_check(struct coord_sources *all, uint32_t unit,
				const char *cwd, struct bytes text,
				bool *suspect)
{
	const char *p = (const char *)text.data, *end = p + text.len, *eol;
	const char *why = NULL;
	struct buf name = { 0 };
	size_t cwd_len;

	buf_printf(&name, "%s/", cwd);
	cwd_len = name.len;
	for (; !why && p < end && (eol = memchr(p, '\n', (size_t)(end - p)));
	     p = eol + 1) {
		if (eol - p > 4 && p[0] == '#' && p[1] == ' ' &&
		    isdigit((unsigned char)p[2]))
			why = check_line(all, unit, &name, cwd_len, p, eol,
					 suspect);
	}
	buf_release(&name);
	return why;
}
