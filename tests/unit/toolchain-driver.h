/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/toolchain-driver.h - Fake drivers that answer as a test requires,
 * in the test's directory.
 */
#ifndef TESTS_TOOLCHAIN_DRIVER_H
#define TESTS_TOOLCHAIN_DRIVER_H

#include "../lib/test.h"
#include "toolchain-cell.h"

#define GCC "/usr/bin/gcc"

static char dir[] = "/tmp/check_toolchain.XXXXXX";
static struct err err;

/* Build a program whose main() has `body`, which answers each query. */
static inline char *build(const char *name, const char *text, const char *more,
			  const char *last)
{
	char *source = xasprintf("%s/%s.c", dir, str_base(name)), *out;
	char *argv[] = { (char *)GCC,  (char *)"-o", NULL, source,
			 (char *)more, (char *)last, NULL };
	struct buf output = { 0 };
	int status;

	out = xasprintf("%s/%s", dir, name);
	argv[2] = out;
	cell_parent(out);
	must(fs_write(source, bytes_str(text), 0600, &err));
	status = cell_run(NULL, dir, argv, environ, &output);
	ck_assert_msg(!status, "%s", buf_str(&output));
	buf_release(&output);
	free(source);
	return out;
}

/* Build a driver whose parts are in `dir`; `body` answers its queries. */
static inline char *make_driver(const char *name, const char *body,
				const char *more, const char *last)
{
	char *text = xasprintf(
		"#include <stdio.h>\n#include <string.h>\n"
		"#include <unistd.h>\n"
		"int foo(void);\n"
		"#define ASKED(s) (strstr(v[1], s) != NULL)\n"
		"int main(int c, char **v) { if (c < 2) { %s }\n"
		"if (ASKED(\"dump\")) puts(ASKED(\"machine\") ?"
		" \"some-linux\" : \"12.2.0\");\n"
		"else if (ASKED(\"=cc1\")) puts(\"%s/libexec/cc1\");\n"
		"%s\nelse puts(\"no\");\nreturn 0; }\n",
		last ? "return foo();" : "return 7;", dir, body);
	char *out = build(name, text, more, last);

	free(text);
	return out;
}

static const char *const as_here = "else if (ASKED(\"=as\")) puts(\"as\");";

/* Create a file "cc1", so that a fake driver has all its parts. */
static inline void make_cc1(void)
{
	char *cc1 = xasprintf("%s/libexec/cc1", dir);

	cell_parent(cc1);
	must(fs_copy("/bin/true", cc1, &err));
	free(cc1);
}

static inline void write_file(const char *in, const char *name,
			      const char *text)
{
	char *path = xasprintf("%s/%s", in, name);

	must(fs_write(path, bytes_str(text), 0644, &err));
	free(path);
}

static inline void copy_to(const char *from, const char *prefix,
			   const char *name)
{
	char *to = xasprintf("%s/%s", prefix, name);

	cell_parent(to);
	must(fs_copy(from, to, &err));
	free(to);
}

static inline void link_to(const char *target, const char *prefix,
			   const char *name)
{
	char *at = xasprintf("%s/%s", prefix, name);

	cell_parent(at);
	ck_assert_int_eq(symlink(target, at), 0);
	free(at);
}

#endif
