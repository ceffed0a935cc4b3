/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/indent.h"

#include "base/buf.h"
#include "base/fs.h"
#include "options/typed.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool agent_indent_wanted(const struct agent_compile *c)
{
	bool all = false;
	int itself = -1; /* -1: not named, then -Wall decides */

	if (c->m->lang != WIRE_LANG_C || !c->m->check_indent)
		return false;
	for (size_t i = 0; i < c->n_flags; i++) {
		const struct wire_flag *f = &c->flags[i];

		if (!strcmp(f->name, "-w"))
			return false;
		if (!strcmp(f->name, "-W") && f->value)
			walk_warning(f->value, &all, &itself);
	}
	return itself < 0 ? all : itself;
}

static bool is_marker(const char *p, const char *end)
{
	return end - p > 2 && p[0] == '#' && p[1] == ' ' &&
	       isdigit((unsigned char)p[2]);
}

static void blank_markers(struct buf *out, struct bytes text)
{
	const char *p = (const char *)text.data, *end = p + text.len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *next = nl ? nl + 1 : end;

		if (is_marker(p, end))
			buf_add(out, "\n", 1);
		else
			buf_add(out, p, (size_t)(next - p));
		p = next;
	}
}

static int write_text(const struct buf *text, int *out, struct err *err)
{
	int fd = memfd_create("check", MFD_CLOEXEC), ret;

	if (fd < 0)
		return err_errno(err, "memory for a text");
	ret = fs_write_all(fd, buf_bytes(text));
	if (ret) {
		close(fd);
		return err_set(err, -ret, "memory for a text: %s",
			       strerror(-ret));
	}
	*out = fd;
	return 0;
}

int agent_indent_prepare(int text_fd, int *out, struct err *err)
{
	struct buf text = { 0 };
	struct stat st;
	void *at;
	int ret;

	if (fstat(text_fd, &st))
		return err_errno(err, "a text");
	if (!st.st_size)
		return write_text(&text, out, err);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, text_fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, "map a text");
	blank_markers(&text, bytes_of(at, (size_t)st.st_size));
	munmap(at, (size_t)st.st_size);
	ret = write_text(&text, out, err);
	buf_release(&text);
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

int agent_indent_argv(struct strv *argv, const struct agent_compile *c,
		      struct err *err)
{
	static const char *const rest[] = {
		"-Wmisleading-indentation",
		"-fpreprocessed",
		"-fdirectives-only",
		"-x",
		"c",
		"-fsyntax-only",
		"-c", /* or the driver looks for a linker's plugin */
		AGENT_INDENT_FILE,
	};
	int ret = 0;

	strv_add(argv, c->driver);
	for (size_t i = 0; i < c->n_flags && !ret; i++) {
		if (is_for_check(&c->flags[i]))
			ret = options_typed_allow(argv, c->flags[i].name,
						  c->flags[i].value, err);
	}
	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
		strv_add(argv, rest[i]);
	return ret;
}
