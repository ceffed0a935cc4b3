/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/probe-stamps.h"

#include "base/file-stamp.h"
#include "base/str.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAMPS_TITLE "kfarm-probes 1"
/* Two hashes with different seeds form a hash of twice the length. */
#define SECOND_HASH_SEED UINT64_C(0x9e3779b97f4a7c15)

const struct state_file options_probe_stamps_file = {
	.max_bytes = OPTIONS_PROBE_STAMPS_MAX_BYTES,
	.mode = 0600,
	.is_private = true,
};

struct options_probe_compiler options_probe_compiler_from_env(
	const char *driver, char *const *env)
{
	return (struct options_probe_compiler){
		.driver = driver,
		.path = str_find_env(env, "PATH"),
		.ld_library_path = str_find_env(env, "LD_LIBRARY_PATH"),
	};
}

/*
 * Return true if all elements of a search path such as PATH are absolute.  An
 * empty element means the working directory and is not absolute.
 */
static bool is_search_path_usable(const char *value)
{
	if (!value)
		return true;
	if (strchr(value, '\n'))
		return false;
	while (*value == '/') {
		value += strcspn(value, ":");
		if (!*value)
			return true;
		value++;
	}
	return false;
}

char *options_probe_stamps_path(const char *dir, bool request,
				const struct options_probe_compiler *c)
{
	struct buf whose = { 0 };
	char *path;

	if (c->driver[0] != '/' || strchr(c->driver, '\n') ||
	    !is_search_path_usable(c->path) ||
	    !is_search_path_usable(c->ld_library_path))
		return NULL;
	options_probe_stamps_begin(&whose, c);
	path = xasprintf("%s/%s-%016" PRIx64, dir, request ? "want" : "list",
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

void options_probe_stamps_begin(struct buf *out,
				const struct options_probe_compiler *c)
{
	buf_add_str(out, STAMPS_TITLE "\n");
	buf_add_str(out, c->driver);
	buf_add_str(out, "\n");
	put_variable(out, c->path);
	put_variable(out, c->ld_library_path);
}

/* Return the stamp, or "-" for a missing file; the caller frees it. */
static char *stat_to_string(const char *path, struct file_stamp *stamp)
{
	struct stat st;

	*stamp = (struct file_stamp){ 0 };
	if (lstat(path, &st))
		return xstrdup("-");
	file_stamp_from_stat(stamp, &st);
	return file_stamp_format(stamp);
}

bool options_probe_stamps_add_file(struct buf *out, const char *path,
				   int64_t since_ns)
{
	struct file_stamp stamp;
	char *text;

	if (path[0] != '/' || strchr(path, '\n') || strlen(path) >= PATH_MAX)
		return false;
	text = stat_to_string(path, &stamp);
	buf_add_str(out, text);
	buf_add_str(out, " ");
	buf_add_str(out, path);
	buf_add_str(out, "\n");
	free(text);
	return file_stamp_is_reliable(&stamp, since_ns);
}

void options_probe_stamps_end(struct buf *out)
{
	uint64_t sum = bytes_hash(buf_bytes(out), 0);

	buf_printf(out, "end %016" PRIx64 "\n", sum);
}

/* Remove the last line.  Returns false if it is not the hash of all others. */
static bool check_end_line(struct bytes *text)
{
	static const size_t len = sizeof("end 0123456789abcdef");
	char end[32];

	if (text->len < len || text->len > OPTIONS_PROBE_STAMPS_MAX_BYTES)
		return false;
	text->len -= len;
	snprintf(end, sizeof(end), "end %016" PRIx64 "\n",
		 bytes_hash(*text, 0));
	return !memcmp(text->data + text->len, end, len);
}

/* Return true if a line "STAMP PATH" has the current stamp of its file. */
static bool is_line_current(struct bytes line)
{
	const uint8_t *space = memchr(line.data, ' ', line.len);
	size_t stamp_len, path_len;
	char path[PATH_MAX], *text;
	struct file_stamp stamp;
	bool same;

	if (!space)
		return false;
	stamp_len = (size_t)(space - line.data);
	path_len = line.len - stamp_len - 1;
	if (path_len >= sizeof(path))
		return false;
	memcpy(path, space + 1, path_len);
	path[path_len] = '\0';
	text = stat_to_string(path, &stamp);
	same = strlen(text) == stamp_len && !memcmp(text, line.data, stamp_len);
	free(text);
	return same;
}

bool options_probe_stamps_is_current(struct bytes list,
				     const struct options_probe_compiler *c,
				     uint64_t id[static 2])
{
	struct buf whose = { 0 };
	struct bytes rest;
	size_t len;
	bool is;

	if (!check_end_line(&list))
		return false;
	options_probe_stamps_begin(&whose, c);
	len = whose.len;
	is = list.len >= len && !memcmp(list.data, whose.data, len);
	buf_release(&whose);
	if (!is)
		return false;
	for (rest = bytes_of(list.data + len, list.len - len); rest.len;
	     rest = bytes_of(rest.data + len + 1, rest.len - len - 1)) {
		const uint8_t *end = memchr(rest.data, '\n', rest.len);

		if (!end)
			return false;
		len = (size_t)(end - rest.data);
		if (!is_line_current(bytes_of(rest.data, len)))
			return false;
	}
	id[0] = bytes_hash(list, 0);
	id[1] = bytes_hash(list, SECOND_HASH_SEED);
	return true;
}

/* Return the line at *at and move *at past it; NULL if no line is left. */
static char *split_text_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return line;
}

static bool split_variable_line(char **at, const char **value)
{
	char *line = split_text_line(at);

	if (!line || (line[0] != '=' && strcmp(line, "-")))
		return false;
	*value = line[0] == '=' ? line + 1 : NULL;
	return true;
}

bool options_probe_stamps_read_request(struct buf *text,
				       struct options_probe_compiler *c)
{
	struct bytes all = buf_bytes(text);
	char *at, *title;

	if (!check_end_line(&all) || memchr(all.data, '\0', all.len))
		return false;
	text->data[all.len] = '\0';
	at = (char *)text->data;
	title = split_text_line(&at);
	if (!title || strcmp(title, STAMPS_TITLE))
		return false;
	c->driver = split_text_line(&at);
	return c->driver && split_variable_line(&at, &c->path) &&
	       split_variable_line(&at, &c->ld_library_path) && !*at;
}
