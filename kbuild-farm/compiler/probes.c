/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/probes.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/which.h"
#include "compiler/library.h"
#include "compiler/parts.h"
#include "options/probe-list.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MAX (64u << 10)
#define ASK_MS     9000
#define LINKS_MAX  40
/* From so many on the older half goes. */
#define TRIM_FROM (OPTIONS_PROBE_FILES_MAX / 4 * 3)

/* What the loader, the C library and all drivers look at. */
static const char *const everywhere[] = {
	"/etc/ld.so.cache",
	"/etc/ld.so.preload",
	"/usr/lib/locale",
	"/usr/lib/locale/locale-archive",
};

/* A list under way. */
struct making {
	struct options_probe_compiler compiler;
	struct compiler_search search;
	struct strv paths;
};

static void note_one(struct making *m, const char *path)
{
	if (path[0] == '/' && !strv_has(&m->paths, path))
		strv_add(&m->paths, path);
}

/* Where the link at `path` leads to; NULL: it is none; the caller frees it. */
static char *behind_link(const char *path)
{
	char target[PATH_MAX], *dir, *out;
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return NULL;
	target[n] = '\0';
	if (target[0] == '/')
		return xstrdup(target);
	dir = str_dir(path);
	out = xasprintf("%s/%s", strcmp(dir, "/") ? dir : "", target);
	free(dir);
	return out;
}

/* A file with the links that its name leads through. */
static void note_chain(struct making *m, const char *path)
{
	char *at = xstrdup(path);

	for (unsigned i = 0; at && i < LINKS_MAX; i++) {
		char *next = behind_link(at);

		note_one(m, at);
		free(at);
		at = next;
	}
	free(at);
}

static int note_program(struct making *m, const char *program, struct err *err)
{
	struct compiler_libraries all = { 0 };
	char *real = realpath(program, NULL);
	int ret;

	if (!real)
		return err_errno(err, "%s", program);
	note_chain(m, program);
	note_one(m, real);
	ret = compiler_libraries_find(&all, real, &m->search, err);
	if (!ret && all.loader)
		note_chain(m, all.loader);
	for (size_t i = 0; i < all.n && !ret; i++)
		note_chain(m, all.v[i].path);
	compiler_libraries_release(&all);
	free(real);
	return ret;
}

static void note_dirs(struct making *m, const char *list)
{
	struct strv dirs = { 0 };

	strv_split(&dirs, list, ":");
	for (size_t i = 0; i < dirs.n; i++)
		note_one(m, dirs.v[i]);
	strv_release(&dirs);
}

/* "install: DIR", "programs: =DIR:DIR", "libraries: =DIR:DIR". */
static void note_search(struct making *m, const char *answer)
{
	struct strv lines = { 0 };

	strv_split(&lines, answer, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *list = strstr(lines.v[i], ": ");

		if (list)
			note_dirs(m, list + 2 + (list[2] == '='));
	}
	strv_release(&lines);
}

static int ask_search(struct making *m, struct err *err)
{
	const struct options_probe_compiler *c = &m->compiler;
	char *argv[] = { (char *)c->driver, "-print-search-dirs", NULL };
	struct strv env = { 0 };
	struct buf out = { 0 };
	struct spawn ask = { .argv = argv, .cwd = "/", .fd = { -1, -1, -1 } };
	int status, ret;

	strv_add(&env, "LC_ALL=C");
	if (c->path)
		strv_addf(&env, "PATH=%s", c->path);
	if (c->libraries)
		strv_addf(&env, "LD_LIBRARY_PATH=%s", c->libraries);
	ask.env = env.v;
	ret = spawn_capture(&ask, ANSWER_MAX, ASK_MS, &out, &status, err);
	if (!ret && status)
		ret = err_set(err, EINVAL, "%s -print-search-dirs failed",
			      c->driver);
	if (!ret)
		note_search(m, buf_str(&out));
	buf_release(&out);
	strv_release(&env);
	return ret;
}

/* clang takes defaults from any gcc that it finds, and files beside itself. */
static void note_of_clang(struct making *m)
{
	static const char *const patterns[] = {
		"/usr/lib/gcc", "/usr/lib/gcc/*", "/usr/lib/gcc-cross",
		"/usr/lib/gcc-cross/*", "/etc/clang"
	};
	char *real = realpath(m->compiler.driver, NULL), *dir;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		glob_t found = { 0 };

		glob(patterns[i], GLOB_NOCHECK, NULL, &found);
		for (size_t j = 0; j < found.gl_pathc; j++)
			note_one(m, found.gl_pathv[j]);
		globfree(&found);
	}
	dir = str_dir(real ? real : m->compiler.driver);
	note_one(m, dir);
	free(dir);
	free(real);
}

static int check_elf_driver(const char *driver, struct err *err)
{
	struct elf_program elf;
	int ret;

	if (which_is_wrapper(driver))
		return err_set(err, ENOEXEC, "%s: leads to a compiler wrapper",
			       driver);
	ret = elf_program_read(&elf, driver, err);
	if (!ret)
		elf_program_release(&elf);
	return ret;
}

static int find_parts(struct making *m, struct err *err)
{
	const struct options_probe_compiler *c = &m->compiler;
	char *path = xasprintf("PATH=%s", c->path ? c->path : "");
	char *libraries = xasprintf("LD_LIBRARY_PATH=%s",
				    c->libraries ? c->libraries : "");
	char *env[] = { c->path ? path : libraries,
			c->path && c->libraries ? libraries : NULL, NULL };
	struct compiler_parts parts = { 0 };
	int ret;

	if (!c->path && !c->libraries)
		env[0] = NULL;
	ret = compiler_parts_ask(&parts, c->driver, env, NULL, err);
	if (!ret)
		ret = compiler_search_load(&m->search, c->libraries, err);
	for (size_t i = 0; i < parts.programs.n && !ret; i++)
		ret = note_program(m, parts.programs.v[i], err);
	for (size_t i = 0; i < parts.files.n && !ret; i++)
		note_chain(m, parts.files.v[i]);
	if (!ret)
		ret = ask_search(m, err);
	if (!ret && parts.is_clang)
		note_of_clang(m);
	compiler_parts_release(&parts);
	free(libraries);
	free(path);
	return ret;
}

/* The stamps are of a moment after all was found, and hold for that. */
static int write_list(const struct making *m, const char *file, struct err *err)
{
	struct buf out = { 0 };
	int ret = 0;

	options_probe_list_begin(&out, &m->compiler);
	for (size_t i = 0; i < m->paths.n && !ret; i++) {
		if (!options_probe_list_add(&out, m->paths.v[i]))
			ret = err_set(err, EAGAIN, "%s has just changed",
				      m->paths.v[i]);
	}
	options_probe_list_end(&out);
	if (!ret && out.len > OPTIONS_PROBE_LIST_MAX)
		ret = err_set(err, EFBIG, "%s: too many files",
			      m->compiler.driver);
	if (!ret)
		ret = fs_write(file, buf_bytes(&out), 0600, err);
	buf_release(&out);
	return ret;
}

static int compose_list(const struct options_probe_compiler *c,
			const char *file, struct err *err)
{
	struct making m = { .compiler = *c };
	int ret = check_elf_driver(c->driver, err);

	if (!ret)
		ret = find_parts(&m, err);
	for (size_t i = 0; i < sizeof(everywhere) / sizeof(*everywhere); i++)
		note_one(&m, everywhere[i]);
	if (c->path)
		note_dirs(&m, c->path);
	if (c->libraries)
		note_dirs(&m, c->libraries);
	if (!ret)
		ret = write_list(&m, file, err);
	buf_release(&m.search.cache);
	strv_release(&m.paths);
	return ret;
}

static bool list_holds(const struct options_probe_compiler *c, const char *file)
{
	struct buf text = { 0 };
	uint64_t id[2];
	struct err err;
	bool is = !fs_read(file, OPTIONS_PROBE_LIST_MAX, &text, &err) &&
		  options_probe_list_holds(buf_bytes(&text), c, id);

	buf_release(&text);
	return is;
}

static int see_to(const char *dir, const struct options_probe_compiler *c,
		  struct err *err)
{
	char *file = options_probe_list_path(dir, false, c);
	int ret = 0;

	if (!file)
		return err_set(err, ENOTSUP,
			       "%s: PATH depends on where it is "
			       "run",
			       c->driver);
	if (!list_holds(c, file))
		ret = compose_list(c, file, err);
	free(file);
	return ret;
}

int compiler_probes_list(const char *dir, const char *driver, char *const *env,
			 struct err *err)
{
	struct options_probe_compiler c = options_probe_compiler_of(driver,
								    env);

	return see_to(dir, &c, err);
}

static void see_to_wish(const char *dir, const char *file)
{
	struct options_probe_compiler c;
	struct buf text = { 0 };
	struct err err;

	if (!fs_read(file, OPTIONS_PROBE_LIST_MAX, &text, &err) &&
	    options_probe_list_wanted(&text, &c) && see_to(dir, &c, &err))
		log_debug("answers are not remembered: %s", err.text);
	buf_release(&text);
	unlink(file);
}

void compiler_probes_wanted(const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *file = xasprintf("%s/%s", dir, names.v[i]);

		if (str_starts(names.v[i], "want-"))
			see_to_wish(dir, file);
		free(file);
	}
	strv_release(&names);
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* When each was written; what is gone came before all. */
static int64_t *times_of(const char *dir, const struct strv *names)
{
	int64_t *times = xcalloc(names->n, sizeof(*times));

	for (size_t i = 0; i < names->n; i++) {
		char *file = xasprintf("%s/%s", dir, names->v[i]);
		struct stat st;

		if (!lstat(file, &st))
			times[i] = st.st_mtim.tv_sec * INT64_C(1000000000) +
				   st.st_mtim.tv_nsec;
		free(file);
	}
	return times;
}

static void remove_older(const char *dir, const struct strv *names)
{
	int64_t *times = times_of(dir, names), *sorted, middle;

	sorted = memcpy(xcalloc(names->n, sizeof(*times)), times,
			names->n * sizeof(*times));
	qsort(sorted, names->n, sizeof(*sorted), compare_times);
	middle = sorted[names->n / 2];
	for (size_t i = 0; i < names->n; i++) {
		char *file = xasprintf("%s/%s", dir, names->v[i]);

		if (times[i] <= middle)
			unlink(file);
		free(file);
	}
	free(sorted);
	free(times);
}

void compiler_probes_trim(const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	if (names.n >= TRIM_FROM)
		remove_older(dir, &names);
	strv_release(&names);
}
