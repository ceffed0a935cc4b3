/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options-proof.h - Sources in a private directory, make's command lines and
 * the real compilers.  Other command lines must give byte-identical results.
 */
#ifndef OPTIONS_PROOF_H
#define OPTIONS_PROOF_H

#include "../lib/test.h"
#include "base/spawn.h"
#include "base/which.h"

struct proof_file {
	const char *name;
	const char *text;
};

static char *proof_dir;

/* Create the working directory with "h", "s" and "out", and those files. */
static inline void proof_setup(const struct proof_file *files, size_t n)
{
	char template[] = "/tmp/check-options-XXXXXX";
	struct err err;

	proof_dir = xstrdup(mkdtemp(template));
	ck_assert_int_eq(chdir(proof_dir), 0);
	ck_assert_int_eq(mkdir("h", 0700), 0);
	ck_assert_int_eq(mkdir("s", 0700), 0);
	ck_assert_int_eq(mkdir("out", 0700), 0);
	for (size_t i = 0; i < n; i++)
		must(fs_write(files[i].name, bytes_str(files[i].text), 0600,
			      &err));
}

static inline void proof_teardown(void)
{
	struct err err;

	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(proof_dir, &err));
	free(proof_dir);
}

/*
 * Run it in `cwd` (NULL: the current directory), with its descriptor `fd`
 * redirected to the file `out` (NULL: inherited).  Returns true if it exits
 * with 0.
 */
static inline bool proof_run(const struct strv *argv, const char *cwd, int fd,
			     const char *out)
{
	struct spawn what = { .argv = argv->v,
			      .cwd = cwd,
			      .stdio_fds = { -1, -1, -1 } };
	struct err err = { 0 };
	pid_t pid;
	int ret;

	if (out)
		what.stdio_fds[fd] = open(
			out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ret = spawn_start(&what, &pid, &err);
	if (out)
		close(what.stdio_fds[fd]);
	ck_assert_msg(!ret, "%s", err.text);
	return spawn_wait(pid) == 0;
}

static inline void proof_read(struct buf *b, const char *path)
{
	struct err err = { 0 };

	must(fs_read(path, 64 << 20, b, &err));
}

static inline void proof_same(const char *line, const char *what,
			      const char *want, const char *path)
{
	struct buf a = { 0 }, b = { 0 };

	proof_read(&a, want);
	proof_read(&b, path);
	ck_assert_msg(bytes_equal(buf_bytes(&a), buf_bytes(&b)),
		      "%s: %s differs: %s %s", line, what, want, path);
	buf_release(&a);
	buf_release(&b);
}

static inline char *proof_replace(const char *word, const char *mark,
				  const char *by)
{
	const char *at = strstr(word, mark);

	if (!at)
		return xstrdup(word);
	return xasprintf("%.*s%s%s", (int)(at - word), word, by, at + 2);
}

/* Split a line into words; "%o" becomes the object and "%d" the list's name. */
static inline void proof_split(struct strv *argv, const char *compiler,
			       const char *line, const char *object)
{
	char *copy = xstrdup(line), *save = NULL;

	strv_add(argv, compiler);
	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		char *a = proof_replace(w, "%o", object);
		char *b = proof_replace(a, "%d", "out/.x.o.d");

		strv_own(argv, b);
		free(a);
	}
	free(copy);
}

/* Return the compiler's path, or NULL, and mark the test as skipped. */
static inline char *find_compiler(const char *name)
{
	char *path = which_compiler(name, getenv("PATH"), NULL);

	if (!path)
		test_skip("no %s", name);
	return path;
}

#endif
