/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files are read as they are (gitrepository-layout(5)): libgit2 takes 0.2 s
 * to open 10^5 packed references, and this is for somebody who pressed a key.
 */
#include "tree/names.h"

#include "base/fs.h"

#include <stdlib.h>
#include <string.h>

#define PACKED_MAX (256u << 20)
#define DEEPEST    8 /* directories in a name */

static const char *const kinds[] = { "refs/heads/", "refs/remotes/",
				     "refs/tags/" };
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

struct search {
	const char *prefix;
	size_t prefix_len, most;
	struct strv *out;
};

/* The name of a reference as --rev takes it. */
static void add_if_begun(const struct search *s, const char *name, size_t len)
{
	if (s->out->n >= s->most || len < s->prefix_len ||
	    memcmp(name, s->prefix, s->prefix_len) ||
	    (len >= 5 && !memcmp(name + len - 5, "/HEAD", 5)))
		return;
	strv_own(s->out, xstrndup(name, len));
}

/* A line "DIGITS refs/tags/v6.1"; comments and peeled tags have no such name.
 */
static void match_packed_line(const struct search *s, const char *line,
			      size_t len)
{
	const char *name = memchr(line, ' ', len);

	if (!name || line[0] == '#')
		return;
	name++;
	len -= (size_t)(name - line);
	for (size_t i = 0; i < N_KINDS; i++) {
		size_t n = strlen(kinds[i]);

		if (len > n && !memcmp(name, kinds[i], n))
			add_if_begun(s, name + n, len - n);
	}
}

static void list_packed(const struct search *s, const char *path)
{
	char *file = xasprintf("%s/packed-refs", path);
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(file, PACKED_MAX, &text, &ignored)) {
		const char *line = buf_str(&text), *end = line + text.len;

		while (line < end) {
			const char *stop = memchr(line, '\n',
						  (size_t)(end - line));
			size_t n = (size_t)((stop ? stop : end) - line);

			match_packed_line(s, line, n);
			line += n + 1;
		}
	}
	buf_release(&text);
	free(file);
}

/* Can a name that begins with `name` still begin with the prefix? */
static bool may_lead_there(const struct search *s, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(name, s->prefix, n < s->prefix_len ? n : s->prefix_len);
}

/* Those that are a file each; `name` is what of it is known, with a slash. */
static void list_loose(const struct search *s, const char *dir,
		       const char *name, int depth)
{
	char *path = xasprintf("%s%s", dir, name);
	struct strv entries = { 0 };

	fs_list(path, &entries);
	for (size_t i = 0; i < entries.n && s->out->n < s->most; i++) {
		char *whole = xasprintf("%s%s", name, entries.v[i]);
		char *entry = xasprintf("%s%s", dir, whole);
		char *below = xasprintf("%s/", whole);

		if (!may_lead_there(s, whole))
			;
		else if (!fs_is_dir(entry))
			add_if_begun(s, whole, strlen(whole));
		else if (depth < DEEPEST)
			list_loose(s, dir, below, depth + 1);
		free(below);
		free(entry);
		free(whole);
	}
	strv_release(&entries);
	free(path);
}

void tree_names_list(const char *path, const char *prefix, size_t most,
		     struct strv *out)
{
	struct search s = { prefix, strlen(prefix), out->n + most, out };

	for (size_t i = 0; i < N_KINDS; i++) {
		char *dir = xasprintf("%s/%s", path, kinds[i]);

		list_loose(&s, dir, "", 0);
		free(dir);
	}
	list_packed(&s, path);
}
