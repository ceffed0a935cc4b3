/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/cpp-compare.h - Comparison of the scanner with the real compilers on a
 * directory of headers.
 */
#ifndef SCAN_COMPARE_H
#define SCAN_COMPARE_H

#include "base/spawn.h"
#include "base/which.h"
#include "cpp/cpp.h"

#include "../lib/scan-tokens.h"
#include "../lib/test.h"

#include <sys/mman.h>

extern char **environ;

static char compare_dir[64];

/*
 * The scanner's cache of compiler properties.  All tests of a program share it,
 * although each runs in its own process, because starting a compiler takes
 * longer than a scan.
 */
static char compare_cache[64];
static pid_t compare_cache_owner;

__attribute__((constructor)) static void compare_make_cache(void)
{
	strcpy(compare_cache, "/tmp/check-scan-XXXXXX");
	if (!mkdtemp(compare_cache))
		abort();
	compare_cache_owner = getpid();
}

__attribute__((destructor)) static void compare_remove_cache(void)
{
	struct err err;

	if (getpid() == compare_cache_owner)
		fs_remove(compare_cache, &err);
}

static inline void compare_setup(void)
{
	struct err err;

	strcpy(compare_dir, "/tmp/check-scan-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(compare_dir));
	must(fs_remove(compare_dir, &err));
	must(fs_mkdirs(compare_dir, 0755, &err));
}

static inline void compare_teardown(void)
{
	struct err err;

	must(fs_remove(compare_dir, &err));
}

/* Write a file below the directory, in place as an editor does. */
static inline void compare_file(const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", compare_dir, name);
	char *dir = str_dir(path);
	struct err err;
	FILE *f;

	f = fopen(path, "w");
	if (!f) {
		must(fs_mkdirs(dir, 0755, &err));
		f = fopen(path, "w");
	}
	ck_assert_ptr_nonnull(f);
	fputs(content, f);
	ck_assert_int_eq(fclose(f), 0);
	free(dir);
	free(path);
}

/* Run a shell command in the directory. */
static inline void compare_shell(const char *shell)
{
	char *command = xasprintf("cd %s && %s", compare_dir, shell);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

static inline void compare_take(int fd, struct buf *out)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(buf_reserve(out, (size_t)st.st_size + 1), 0);
	ck_assert_int_eq(pread(fd, out->data, (size_t)st.st_size, 0),
			 st.st_size);
	out->len = (size_t)st.st_size;
	out->data[out->len] = '\0';
	close(fd);
}

/* Run a compiler and return its wait status. */
static inline int compare_run(const char *cwd, char *const *argv,
			      char *const *env, struct buf *out,
			      struct buf *err_out)
{
	struct spawn what = { .argv = argv, .env = env, .cwd = cwd };
	struct err err;
	pid_t pid;
	int status;

	what.stdio_fds[0] = -1;
	what.stdio_fds[1] = memfd_create("out", MFD_CLOEXEC);
	what.stdio_fds[2] = memfd_create("err", MFD_CLOEXEC);
	must(spawn_start(&what, &pid, &err));
	status = spawn_wait(pid);
	compare_take(what.stdio_fds[1], out);
	compare_take(what.stdio_fds[2], err_out);
	return status;
}

static inline int compare_ask(void *ctx, const char *cwd, char *const *argv,
			      char *const *env, struct buf *out,
			      struct buf *err_out, struct err *err)
{
	(void)ctx;
	if (compare_run(cwd, argv, env, out, err_out))
		return err_set(err, 5, "%s", buf_str(err_out));
	return 0;
}

static inline struct cpp_scanner *compare_scan(void)
{
	struct cpp_setup setup = { .query = compare_ask,
				   .cache_dir = compare_cache };

	return cpp_scanner_new(&setup);
}

/* Return the compiler's absolute path, or NULL, and mark the test as skipped.
 */
static inline char *compare_compiler(const char *name)
{
	const char *path = getenv("PATH");
	char *dir = xstrdup(path ? path : "/usr/bin"), *rest = dir, *one;
	char *found = NULL;

	while (!found && (one = strsep(&rest, ":"))) {
		found = xasprintf("%s/%s", one, name);
		if (access(found, X_OK)) {
			free(found);
			found = NULL;
		}
	}
	free(dir);
	if (!found)
		test_skip("no %s", name);
	return found;
}

/*
 * Store the compiler's text and the files that it reads.  Returns false if it
 * fails.  gcc's -M would skip text, and with it the effects of _Pragma.
 */
static inline bool compare_dash_e(const char *cc, char *const *argv,
				  struct buf *text, struct strv *files)
{
	static const char *const option[] = { "-E", "-P", "-MD", "-MF" };
	char *path = xasprintf("%s/.deps", compare_dir);
	struct strv with_e = { 0 };
	struct buf err_out = { 0 }, deps = { 0 };
	char *s, *rest, *word;
	struct err err;
	int status;

	strv_add(&with_e, cc);
	for (size_t i = 0; i < sizeof(option) / sizeof(option[0]); i++)
		strv_add(&with_e, option[i]);
	strv_add(&with_e, path);
	strv_add(&with_e, "-w");
	for (size_t i = 1; argv[i]; i++) {
		if (strcmp(argv[i], "-c"))
			strv_add(&with_e, argv[i]);
	}
	status = compare_run(compare_dir, with_e.v, environ, text, &err_out);
	if (!status) {
		must(fs_read(path, 1 << 20, &deps, &err));
		s = strstr(buf_str(&deps), ":");
		ck_assert_ptr_nonnull(s);
		for (rest = s + 1; (word = strsep(&rest, " \n"));) {
			if (*word && strcmp(word, "\\"))
				strv_add(files, word);
		}
	}
	if (status && getenv("SCAN_PROPERTY_VERBOSE"))
		fprintf(stderr, "%s\n", buf_str(&err_out));
	strv_release(&with_e);
	buf_release(&err_out);
	buf_release(&deps);
	unlink(path);
	free(path);
	return !status;
}

/*
 * Sort the list and remove duplicates.  `real`: a file counts once for all
 * spellings, as for clang.
 */
static inline char *compare_normal(struct strv *files, bool real)
{
	struct strv once = { 0 };
	char *s;

	for (size_t i = 0; real && i < files->n; i++) {
		char *path = *files->v[i] == '/' ?
				     xstrdup(files->v[i]) :
				     xasprintf("%s/%s", compare_dir,
					       files->v[i]);

		free(files->v[i]);
		files->v[i] = realpath(path, NULL);
		if (!files->v[i])
			files->v[i] = xstrdup(path);
		free(path);
	}
	strv_sort(files);
	for (size_t i = 0; i < files->n; i++) {
		if (!i || strcmp(files->v[i], files->v[i - 1]))
			strv_add(&once, files->v[i]);
	}
	s = once.n ? strv_join(&once, "\n") : xstrdup("");
	strv_release(&once);
	return s;
}

/* Scan the unit that `cc` would compile with these words in the directory. */
static inline void compare_closure(struct cpp_scanner *s, const char *cc,
				   char *const *argv, struct cpp_closure *c)
{
	struct options_command command;
	struct cpp_unit unit = { .cwd = compare_dir,
				 .compiler = cc,
				 .command = &command,
				 .env = environ };

	options_command_parse(&command, argv);
	cpp_closure_find(s, &unit, c);
	options_command_release(&command);
}

enum compare_result {
	COMPARE_EQUAL,
	COMPARE_DIFFERENT,
	COMPARE_REFUSED, /* the compiler accepts it, the scanner does not */
	COMPARE_BROKEN, /* the compiler fails */
};

/*
 * Preprocess a unit fully and compare its tokens with `want`, the compiler's
 * text (NULL: it failed), which is modified.  *text describes the difference
 * (NULL: none); the caller frees it.
 */
static inline enum compare_result compare_text(struct cpp_scanner *s,
					       const char *cc,
					       char *const *argv,
					       struct buf *want, char **text)
{
	struct tokens ours = { 0 }, theirs = { 0 };
	struct cpp_output output = { &ours, tokens_take };
	unsigned mode = tokens_mode(argv, cc);
	enum compare_result result = COMPARE_BROKEN;
	struct options_command command;
	struct cpp_unit unit = { .cwd = compare_dir,
				 .compiler = cc,
				 .command = &command,
				 .env = environ,
				 .output = &output };
	struct cpp_closure c;

	*text = NULL;
	ours.lines = theirs.lines = mode & CPP_MODE_ASM;
	options_command_parse(&command, argv);
	cpp_closure_find(s, &unit, &c);
	options_command_release(&command);
	if (want && c.reason) {
		result = COMPARE_REFUSED;
		*text = xasprintf("%s: %s", reason_text(c.reason),
				  c.detail ? c.detail : "");
	} else if (want) {
		theirs.glued = strstr(cc, "clang");
		tokens_split(&theirs, want, mode);
		*text = tokens_differ(&ours, &theirs);
		result = *text ? COMPARE_DIFFERENT : COMPARE_EQUAL;
	}
	cpp_closure_release(&c);
	buf_release(&ours.text);
	buf_release(&theirs.text);
	return result;
}

/*
 * Describe the difference between the scanner's and the compiler's tokens.
 * Returns a string that the caller frees; NULL if they are equal or the
 * compiler fails.
 */
static inline char *compare_tokens(struct cpp_scanner *s, const char *cc,
				   char *const *argv, bool *broken)
{
	struct buf want = { 0 };
	struct strv files = { 0 };
	char *text;

	*broken = !compare_dash_e(cc, argv, &want, &files);
	compare_text(s, cc, argv, *broken ? NULL : &want, &text);
	buf_release(&want);
	strv_release(&files);
	return text;
}

/*
 * Scan a unit and compare its files with the compiler's (NULL: it failed).
 * *text describes the result; the caller frees it.
 */
static inline enum compare_result compare_files(struct cpp_scanner *s,
						const char *cc,
						char *const *argv,
						struct strv *theirs,
						char **text)
{
	struct strv ours = { 0 };
	struct cpp_closure c;
	enum compare_result result;
	char *a, *b;

	compare_closure(s, cc, argv, &c);
	for (size_t i = 0; i < c.n_files; i++) {
		if (c.files[i].kind != CPP_FILE_INPUT &&
		    (c.files[i].kind != CPP_FILE_PROBED || strstr(cc, "clang")))
			strv_add(&ours, c.files[i].path);
	}
	if (!theirs)
		result = COMPARE_BROKEN;
	else if (c.reason)
		result = COMPARE_REFUSED;
	else
		result = COMPARE_EQUAL;
	a = compare_normal(&ours, strstr(cc, "clang"));
	b = theirs ? compare_normal(theirs, strstr(cc, "clang")) : xstrdup("");
	if (result == COMPARE_EQUAL && strcmp(a, b))
		result = COMPARE_DIFFERENT;
	*text = xasprintf("scanned (%s, %s):\n%s\ncompiler:\n%s\n",
			  reason_text(c.reason), c.detail ? c.detail : "", a,
			  b);
	free(a);
	free(b);
	strv_release(&ours);
	cpp_closure_release(&c);
	return result;
}

/* Scan and compare.  *text describes the difference; the caller frees it. */
static inline enum compare_result compare_unit(struct cpp_scanner *s,
					       const char *cc,
					       char *const *argv, char **text)
{
	struct buf ignored = { 0 };
	struct strv theirs = { 0 };
	bool good = compare_dash_e(cc, argv, &ignored, &theirs);
	enum compare_result result;

	result = compare_files(s, cc, argv, good ? &theirs : NULL, text);
	buf_release(&ignored);
	strv_release(&theirs);
	return result;
}

#endif
