/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/indent.h"

#include "agent/argv.h"
#include "base/buf.h"
#include "base/fs.h"
#include "options/typed.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAIN_FILE   "check.i"
#define LINES_LEAST 300 /* of a file, before another begins */

/* One -W option, in order: what it makes of the two states. */
static void walk_warning(const char *value, bool *all, int *itself)
{
	if (!strcmp(value, "all") || !strcmp(value, "error=all"))
		*all = true;
	else if (!strcmp(value, "no-all"))
		*all = false;
	else if (!strcmp(value, "misleading-indentation") ||
		 !strcmp(value, "error=misleading-indentation"))
		*itself = 1;
	else if (!strcmp(value, "no-misleading-indentation"))
		*itself = 0;
}

bool agent_indent_wanted(const struct wire_job *m)
{
	bool all = false;
	int itself = -1; /* -1: not named, then -Wall decides */

	if (m->lang != WIRE_LANG_C || !m->check_indent)
		return false;
	for (uint16_t i = 0; i < m->n_flags; i++) {
		const struct wire_flag *f = &m->flags[i];

		if (!strcmp(f->name, "-w"))
			return false;
		if (!strcmp(f->name, "-W") && f->value)
			walk_warning(f->value, &all, &itself);
	}
	return itself < 0 ? all : itself;
}

/* The text on its way into files. */
struct cut {
	const char *dir;
	const char *at, *end;
	struct buf part, main;
	unsigned n_parts, lines;
};

static const char *line_end(const struct cut *c, const char *p)
{
	const char *nl = memchr(p, '\n', (size_t)(c->end - p));

	return nl ? nl + 1 : c->end;
}

static bool is_marker(const struct cut *c, const char *p)
{
	return c->end - p > 2 && p[0] == '#' && p[1] == ' ' &&
	       isdigit((unsigned char)p[2]);
}

/* # N "NAME" 1 or 2: another file begins here, and no macro's argument. */
static bool is_border(const char *p, const char *end)
{
	const char *quote = memrchr(p, '"', (size_t)(end - p));

	return quote && end - quote > 2 && quote[1] == ' ' &&
	       (quote[2] == '1' || quote[2] == '2');
}

/* An indented line may belong to what stands above: no cut before it. */
static bool goes_on_indented(const struct cut *c, const char *p)
{
	while (p < c->end && (*p == '\n' || is_marker(c, p)))
		p = line_end(c, p);
	return p < c->end && (*p == ' ' || *p == '\t');
}

static int write_file(const struct cut *c, const char *name,
		      const struct buf *content, struct err *err)
{
	char *path = xasprintf("%s/%s", c->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), ret;

	if (fd < 0) {
		ret = err_errno(err, "make %s", path);
	} else {
		ret = fs_write_all(fd, buf_bytes(content));
		if (ret)
			err_set(err, -ret, "write %s: %s", path,
				strerror(-ret));
		close(fd);
	}
	free(path);
	return ret;
}

static int end_part(struct cut *c, struct err *err)
{
	char *name = xasprintf("c%u.i", c->n_parts++);
	int ret = write_file(c, name, &c->part, err);

	buf_printf(&c->main, "#include \"%s\"\n", name);
	buf_reset(&c->part);
	c->lines = 0;
	free(name);
	return ret;
}

static int cut_text(struct cut *c, struct err *err)
{
	int ret = 0;

	while (c->at < c->end && !ret) {
		const char *next = line_end(c, c->at);

		c->lines++;
		if (!is_marker(c, c->at)) {
			buf_add(&c->part, c->at, (size_t)(next - c->at));
		} else {
			buf_add(&c->part, "\n", 1);
			if (c->lines > LINES_LEAST && is_border(c->at, next) &&
			    !goes_on_indented(c, next))
				ret = end_part(c, err);
		}
		c->at = next;
	}
	if (!ret && c->part.len)
		ret = end_part(c, err);
	return ret ? ret : write_file(c, MAIN_FILE, &c->main, err);
}

static int map_text(const char *path, struct bytes *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), ret = 0;
	struct stat st = { 0 };
	void *at = NULL;

	if (fd < 0 || fstat(fd, &st))
		ret = err_errno(err, "open %s", path);
	else if (st.st_size)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			  0);
	if (at == MAP_FAILED)
		ret = err_errno(err, "map %s", path);
	if (fd >= 0)
		close(fd);
	if (!ret)
		*out = bytes_of(at, (size_t)st.st_size);
	return ret;
}

int agent_indent_prepare(const char *dir, const struct wire_job *m,
			 struct err *err)
{
	char *path = xasprintf("%s/%s", dir, agent_argv_text(m));
	struct cut c = { .dir = dir };
	struct bytes text;
	int ret = map_text(path, &text, err);

	free(path);
	if (ret)
		return ret;
	if (text.len) {
		c.at = (const char *)text.data;
		c.end = c.at + text.len;
	}
	ret = cut_text(&c, err);
	if (text.len)
		munmap((void *)text.data, text.len);
	buf_release(&c.part);
	buf_release(&c.main);
	return ret;
}

/*
 * No warnings but those that a gcc gives unasked, which the compile did not
 * give.  -w, which would silence these too, silences ours with them.
 */
static bool is_for_check(const struct wire_flag *f)
{
	if (!strcmp(f->name, "-W"))
		return f->value && str_starts(f->value, "no-");
	return !str_starts(f->name, "-pedantic") &&
	       !str_starts(f->name, "--pedantic") && strcmp(f->name, "-Wa,") &&
	       strcmp(f->name, "-Xassembler");
}

int agent_indent_argv(struct strv *argv, const char *driver,
		      const struct wire_job *m, struct err *err)
{
	static const char *const rest[] = {
		"-Wmisleading-indentation",
		"-fpreprocessed",
		"-fdirectives-only",
		"-x",
		"c",
		"-fsyntax-only",
		MAIN_FILE,
	};
	int ret = 0;

	strv_add(argv, driver);
	for (uint16_t i = 0; i < m->n_flags && !ret; i++) {
		if (is_for_check(&m->flags[i]))
			ret = options_typed_allow(argv, m->flags[i].name,
						  m->flags[i].value, err);
	}
	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
		strv_add(argv, rest[i]);
	return ret;
}
