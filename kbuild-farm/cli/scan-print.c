/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/scan.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void cli_scan_print_text(FILE *out, const struct cli_scan_result *r)
{
	for (size_t i = 0; i < r->closure->n_files; i++)
		fprintf(out, "%s\n", r->closure->files[i].path);
}

static json_t *file_json(const struct scan_file *f)
{
	static const char *const kinds[] = {
		[SCAN_SOURCE] = "source", [SCAN_HEADER] = "header",
		[SCAN_SYSTEM] = "system", [SCAN_INPUT] = "input",
		[SCAN_PROBED] = "probed",
	};
	json_t *made = json_object();

	json_object_set_new(made, "path", json_text(f->path));
	json_object_set_new(made, "kind", json_string(kinds[f->kind]));
	if (f->kind != SCAN_SOURCE) {
		json_object_set_new(made, "from",
				    json_integer((json_int_t)f->from));
		json_object_set_new(made, "line", json_integer(f->line));
	}
	return made;
}

static void add_closure(json_t *to, const struct scan_closure *c)
{
	json_t *files = json_array();

	for (size_t i = 0; i < c->n_files; i++)
		json_array_append_new(files, file_json(&c->files[i]));
	json_object_set_new(to, "files", files);
	json_object_set_new(to, "absent", json_texts(&c->absent));
	json_object_set_new(to, "dirs", json_texts(&c->dirs));
}

void cli_scan_print_json(FILE *out, const struct cli_scan_result *r)
{
	const struct scan_closure *c = r->closure;
	json_t *made = json_object();

	json_object_set_new(made, "unit", json_text(r->name));
	json_object_set_new(made, "cwd", json_text(r->cwd));
	json_object_set_new(made, "compiler", json_text(r->compiler));
	json_object_set_new(made, "ms", json_real((double)r->us / 1000));
	json_object_set_new(made, "scannable", json_boolean(!c->why));
	if (c->why) {
		json_object_set_new(made, "reason",
				    json_text(reason_words(c->why)));
		if (c->detail)
			json_object_set_new(made, "detail",
					    json_text(c->detail));
	} else {
		add_closure(made, c);
	}
	json_dumpf(made, out, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putc('\n', out);
	json_decref(made);
}

static bool is_same_file(const struct cli_scan_result *r, const char *path,
			 const struct stat *wanted)
{
	char *full = str_seen_from(r->cwd, path);
	struct stat st;
	bool is = !stat(full, &st) && st.st_dev == wanted->st_dev &&
		  st.st_ino == wanted->st_ino;

	free(full);
	return is;
}

static bool ends_with_path(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n > m && path[n - m - 1] == '/' && !strcmp(path + n - m, end);
}

static size_t find_in_closure(const struct cli_scan_result *r,
			      const char *header)
{
	const struct scan_closure *c = r->closure;
	struct stat st;

	for (size_t i = 0; i < c->n_files; i++) {
		if (!strcmp(c->files[i].path, header))
			return i;
	}
	if (!stat(header, &st)) {
		for (size_t i = 0; i < c->n_files; i++) {
			if (is_same_file(r, c->files[i].path, &st))
				return i;
		}
	}
	for (size_t i = 0; i < c->n_files; i++) {
		if (ends_with_path(c->files[i].path, header))
			return i;
	}
	return c->n_files;
}

/* From the unit down to `i`. */
static void print_chain(FILE *out, const struct scan_closure *c, size_t i)
{
	const struct scan_file *f = &c->files[i];

	/* Files come in the order they are opened: `from` is before. */
	if (f->from >= i)
		return;
	print_chain(out, c, f->from);
	if (f->line)
		fprintf(out, "%s:%u: %s\n", c->files[f->from].path, f->line,
			f->path);
	else
		fprintf(out, "the command line: %s\n", f->path);
}

int cli_scan_print_why(FILE *out, const struct cli_scan_result *r,
		       const char *header)
{
	size_t i = find_in_closure(r, header);

	if (i == r->closure->n_files)
		return -ENOENT;
	if (r->closure->files[i].kind == SCAN_SOURCE)
		fprintf(out, "%s is the unit itself\n", header);
	print_chain(out, r->closure, i);
	return 0;
}
