/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/probe-list.h"

#include "base/stamp.h"
#include "base/str.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE "kfarm-probes 1"
/* Two hashes of other beginnings are one of twice the length. */
#define SEED UINT64_C(0x9e3779b97f4a7c15)

struct options_probe_compiler options_probe_compiler_of(const char *driver,
							char *const *env)
{
	return (struct options_probe_compiler){
		.driver = driver,
		.path = str_env(env, "PATH"),
		.libraries = str_env(env, "LD_LIBRARY_PATH"),
	};
}

/* All of it absolute; an empty element is the working directory. */
static bool is_absolute_list(const char *list)
{
	while (*list == '/') {
		list += strcspn(list, ":");
		if (!*list)
			return true;
		list++;
	}
	return false;
}

static bool is_usable_list(const char *value)
{
	return !value || (is_absolute_list(value) && !strchr(value, '\n'));
}

char *options_probe_list_path(const char *dir, bool want,
			      const struct options_probe_compiler *c)
{
	struct buf whose = { 0 };
	char *path;

	if (c->driver[0] != '/' || strchr(c->driver, '\n') ||
	    !is_usable_list(c->path) || !is_usable_list(c->libraries))
		return NULL;
	options_probe_list_begin(&whose, c);
	path = xasprintf("%s/%s-%016" PRIx64, dir, want ? "want" : "list",
			 bytes_hash(buf_bytes(&whose), 0));
	buf_release(&whose);
	return path;
}

static void put_variable(struct buf *out, const char *value)
{
	buf_add_str(out, value ? "=" : "-");
	buf_add_str(out, value ? value : "");
	buf_add_str(out, "\n");
}

void options_probe_list_begin(struct buf *out,
			      const struct options_probe_compiler *c)
{
	buf_add_str(out, TITLE "\n");
	buf_add_str(out, c->driver);
	buf_add_str(out, "\n");
	put_variable(out, c->path);
	put_variable(out, c->libraries);
}

/* What is not there is "-"; the caller frees it. */
static char *stamp_at(const char *path, bool *settled)
{
	int64_t now = stamp_now();
	struct stamp stamp;
	struct stat st;

	*settled = true;
	if (lstat(path, &st))
		return xstrdup("-");
	stamp_of(&stamp, &st);
	*settled = stamp_settled(&stamp, now);
	return stamp_string(&stamp);
}

bool options_probe_list_add(struct buf *out, const char *path)
{
	bool settled;
	char *stamp;

	if (path[0] != '/' || strchr(path, '\n') || strlen(path) >= PATH_MAX)
		return false;
	stamp = stamp_at(path, &settled);
	buf_add_str(out, stamp);
	buf_add_str(out, " ");
	buf_add_str(out, path);
	buf_add_str(out, "\n");
	free(stamp);
	return settled;
}

void options_probe_list_end(struct buf *out)
{
	uint64_t sum = bytes_hash(buf_bytes(out), 0);

	buf_printf(out, "end %016" PRIx64 "\n", sum);
}

/* Without the last line; false where that is not what it has to be. */
static bool take_end(struct bytes *text)
{
	static const size_t len = sizeof("end 0123456789abcdef");
	char end[32];

	if (text->len < len || text->len > OPTIONS_PROBE_LIST_MAX)
		return false;
	text->len -= len;
	snprintf(end, sizeof(end), "end %016" PRIx64 "\n",
		 bytes_hash(*text, 0));
	return !memcmp(text->data + text->len, end, len);
}

/* A line of STAMP PATH, without its end. */
static bool line_holds(struct bytes line)
{
	const uint8_t *space = memchr(line.data, ' ', line.len);
	size_t stamp_len, path_len;
	char path[PATH_MAX], *stamp;
	bool settled, same;

	if (!space)
		return false;
	stamp_len = (size_t)(space - line.data);
	path_len = line.len - stamp_len - 1;
	if (path_len >= sizeof(path))
		return false;
	memcpy(path, space + 1, path_len);
	path[path_len] = '\0';
	stamp = stamp_at(path, &settled);
	same = strlen(stamp) == stamp_len &&
	       !memcmp(stamp, line.data, stamp_len);
	free(stamp);
	return same;
}

static bool lines_hold(struct bytes text)
{
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		if (!end || !line_holds(bytes_of(text.data, len)))
			return false;
		text = bytes_of(end + 1, text.len - len - 1);
	}
	return true;
}

bool options_probe_list_holds(struct bytes list,
			      const struct options_probe_compiler *c,
			      uint64_t id[static 2])
{
	struct buf whose = { 0 };
	size_t len;
	bool is;

	if (!take_end(&list))
		return false;
	options_probe_list_begin(&whose, c);
	len = whose.len;
	is = list.len >= len && !memcmp(list.data, whose.data, len);
	buf_release(&whose);
	if (!is || !lines_hold(bytes_of(list.data + len, list.len - len)))
		return false;
	id[0] = bytes_hash(list, 0);
	id[1] = bytes_hash(list, SEED);
	return true;
}

/* The line at *at, which is cut off; NULL: there is none. */
static char *cut_text_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return line;
}

static bool cut_variable(char **at, const char **value)
{
	char *line = cut_text_line(at);

	if (!line || (line[0] != '=' && strcmp(line, "-")))
		return false;
	*value = line[0] == '=' ? line + 1 : NULL;
	return true;
}

bool options_probe_list_wanted(struct buf *text,
			       struct options_probe_compiler *c)
{
	struct bytes all = buf_bytes(text);
	char *at, *title;

	if (!take_end(&all) || memchr(all.data, '\0', all.len))
		return false;
	text->data[all.len] = '\0';
	at = (char *)text->data;
	title = cut_text_line(&at);
	if (!title || strcmp(title, TITLE))
		return false;
	c->driver = cut_text_line(&at);
	return c->driver && cut_variable(&at, &c->path) &&
	       cut_variable(&at, &c->libraries) && !*at;
}
