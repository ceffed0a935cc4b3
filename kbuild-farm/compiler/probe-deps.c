/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/probe-deps.h"

#include "base/elf.h"
#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/driver-parts.h"
#include "compiler/library.h"
#include "options/probe-stamps.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRIVER_SEARCH_BYTES_MAX (64u << 10)
#define DRIVER_SEARCH_MS        9000
#define LINKS_MAX               40
/* If a probe cache has this many files, the older half of them is removed. */
#define TRIM_THRESHOLD (OPTIONS_PROBE_ENTRIES_MAX / 4 * 3)

/* Files that the loader, the C library and all drivers read. */
static const char *const common_loader_files[] = {
	"/etc/ld.so.cache",
	"/etc/ld.so.preload",
	"/usr/lib/locale",
	"/usr/lib/locale/locale-archive",
};

/* A list, not yet written, of the files that probe results depend on. */
struct probe_deps_builder {
	struct options_probe_compiler compiler;
	struct compiler_library_search search;
	struct strv dep_paths;
	int64_t began_ns; /* start of the search, by file_stamp_now_ns() */
};

static void add_dep_path(struct probe_deps_builder *m, const char *path)
{
	if (path[0] == '/' && !strv_has(&m->dep_paths, path))
		strv_add(&m->dep_paths, path);
}

/* Return the absolute target of a link, which the caller frees, or NULL. */
static char *read_link_target(const char *path)
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

/*
 * Add `path` and, if it is a link, all files to which the chain of links leads.
 */
static void add_link_chain(struct probe_deps_builder *m, const char *path)
{
	char *at = xstrdup(path);

	for (unsigned i = 0; at && i < LINKS_MAX; i++) {
		char *next = read_link_target(at);

		add_dep_path(m, at);
		free(at);
		at = next;
	}
	free(at);
}

static int add_program_deps(struct probe_deps_builder *m, const char *program,
			    struct err *err)
{
	struct compiler_library_list all = { 0 };
	char *real = realpath(program, NULL);
	int ret;

	if (!real)
		return err_errno(err, "%s", program);
	add_link_chain(m, program);
	add_dep_path(m, real);
	ret = compiler_library_find_all(&all, real, &m->search, err);
	if (!ret && all.loader)
		add_link_chain(m, all.loader);
	for (size_t i = 0; i < all.n && !ret; i++)
		add_link_chain(m, all.v[i].path);
	compiler_library_list_release(&all);
	free(real);
	return ret;
}

static void add_dep_dirs(struct probe_deps_builder *m, const char *list)
{
	struct strv dirs = { 0 };

	strv_split(&dirs, list, ":");
	for (size_t i = 0; i < dirs.n; i++)
		add_dep_path(m, dirs.v[i]);
	strv_release(&dirs);
}

static int query_search_dirs(struct probe_deps_builder *m, struct err *err)
{
	const struct options_probe_compiler *c = &m->compiler;
	char *argv[] = { (char *)c->driver, "-print-search-dirs", NULL };
	struct strv env = { 0 }, lines = { 0 };
	struct buf out = { 0 };
	struct spawn ask = { .argv = argv,
			     .cwd = "/",
			     .stdio_fds = { -1, -1, -1 } };
	int status, ret;

	strv_add(&env, "LC_ALL=C");
	if (c->path)
		strv_addf(&env, "PATH=%s", c->path);
	if (c->ld_library_path)
		strv_addf(&env, "LD_LIBRARY_PATH=%s", c->ld_library_path);
	ask.env = env.v;
	ret = spawn_collect_stdout(&ask, DRIVER_SEARCH_BYTES_MAX,
				   DRIVER_SEARCH_MS, &out, &status, err);
	if (!ret && status)
		ret = err_set(err, EINVAL, "%s -print-search-dirs failed",
			      c->driver);
	/* Lines: "install: DIR", "programs: =DIR:DIR", "libraries: =DIR:DIR" */
	if (!ret)
		strv_split(&lines, buf_str(&out), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *list = strstr(lines.v[i], ": ");

		if (list)
			add_dep_dirs(m, list + 2 + (list[2] == '='));
	}
	strv_release(&lines);
	buf_release(&out);
	strv_release(&env);
	return ret;
}

/* clang depends on gcc installations and on files next to itself. */
static void add_clang_deps(struct probe_deps_builder *m)
{
	static const char *const patterns[] = {
		"/usr/lib/gcc", "/usr/lib/gcc/*", "/usr/lib/gcc-cross",
		"/usr/lib/gcc-cross/*", "/etc/clang"
	};
	char *real = realpath(m->compiler.driver, NULL), *dir;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found = { 0 };

		glob(patterns[i], GLOB_NOCHECK, NULL, &found);
		for (size_t j = 0; j < found.gl_pathc; j++)
			add_dep_path(m, found.gl_pathv[j]);
		globfree(&found);
	}
	dir = str_dir(real ? real : m->compiler.driver);
	add_dep_path(m, dir);
	free(dir);
	free(real);
}

static int collect_probe_deps(struct probe_deps_builder *m, struct err *err)
{
	const struct options_probe_compiler *c = &m->compiler;
	char *path = xasprintf("PATH=%s", c->path ? c->path : "");
	char *libraries = xasprintf("LD_LIBRARY_PATH=%s",
				    c->ld_library_path ? c->ld_library_path :
							 "");
	char *env[] = { c->path ? path : libraries,
			c->path && c->ld_library_path ? libraries : NULL,
			NULL };
	struct compiler_driver_parts parts = { 0 };
	int ret;

	if (!c->path && !c->ld_library_path)
		env[0] = NULL;
	ret = compiler_driver_parts_query(&parts, c->driver, env, NULL, err);
	if (!ret)
		ret = compiler_library_search_load(&m->search,
						   c->ld_library_path, err);
	for (size_t i = 0; i < parts.programs.n && !ret; i++)
		ret = add_program_deps(m, parts.programs.v[i], err);
	for (size_t i = 0; i < parts.files.n && !ret; i++)
		add_link_chain(m, parts.files.v[i]);
	if (!ret)
		ret = query_search_dirs(m, err);
	if (!ret && parts.is_clang)
		add_clang_deps(m);
	compiler_driver_parts_release(&parts);
	free(libraries);
	free(path);
	return ret;
}

/*
 * Write the list with the current file stamps.  Fail if a file may have changed
 * since the search began.
 */
static int write_list(const struct probe_deps_builder *m, const char *file,
		      struct err *err)
{
	struct buf out = { 0 };
	int ret = 0;

	options_probe_stamps_begin(&out, &m->compiler);
	for (size_t i = 0; i < m->dep_paths.n && !ret; i++) {
		if (!options_probe_stamps_add_file(&out, m->dep_paths.v[i],
						   m->began_ns))
			ret = err_set(err, EAGAIN, "%s has just changed",
				      m->dep_paths.v[i]);
	}
	options_probe_stamps_end(&out);
	if (!ret && out.len > OPTIONS_PROBE_STAMPS_MAX_BYTES)
		ret = err_set(err, EFBIG, "%s: too many files",
			      m->compiler.driver);
	if (!ret)
		ret = state_file_write(&options_probe_stamps_file, file,
				       buf_bytes(&out), err);
	buf_release(&out);
	return ret;
}

static int update_dep_list(const struct options_probe_compiler *c,
			   const char *file, struct err *err)
{
	struct probe_deps_builder m = { .compiler = *c,
					.began_ns = file_stamp_now_ns() };
	struct elf_program elf;
	int ret;

	if (which_is_wrapper(c->driver))
		ret = err_set(
			err, ENOEXEC,
			"%s: is or links to a compiler wrapper such as ccache",
			c->driver);
	else
		ret = elf_program_read(&elf, c->driver, err);
	if (!ret) {
		elf_program_release(&elf);
		ret = collect_probe_deps(&m, err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(common_loader_files); i++)
		add_dep_path(&m, common_loader_files[i]);
	if (c->path)
		add_dep_dirs(&m, c->path);
	if (c->ld_library_path)
		add_dep_dirs(&m, c->ld_library_path);
	if (!ret)
		ret = write_list(&m, file, err);
	buf_release(&m.search.cache);
	strv_release(&m.dep_paths);
	return ret;
}

static int ensure_dep_list(const char *dir,
			   const struct options_probe_compiler *c,
			   struct err *err)
{
	char *file = options_probe_stamps_path(dir, false, c);
	struct buf text = { 0 };
	struct err ignored;
	uint64_t id[2];
	int ret = 0;

	if (!file)
		return err_set(err, ENOTSUP,
			       "%s: path or search path depends on the working "
			       "directory",
			       c->driver);
	if (state_file_read(&options_probe_stamps_file, file, &text,
			    &ignored) ||
	    !options_probe_stamps_is_current(buf_bytes(&text), c, id))
		ret = update_dep_list(c, file, err);
	buf_release(&text);
	free(file);
	return ret;
}

int compiler_probe_deps_update(const char *dir, const char *driver,
			       char *const *env, struct err *err)
{
	struct options_probe_compiler c = options_probe_compiler_from_env(
		driver, env);

	return ensure_dep_list(dir, &c, err);
}

void compiler_probe_deps_update_requested(const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *file = xasprintf("%s/%s", dir, names.v[i]);
		struct options_probe_compiler c;
		struct buf text = { 0 };
		struct err err;

		if (str_starts(names.v[i], "want-")) {
			if (!state_file_read(&options_probe_stamps_file, file,
					     &text, &err) &&
			    options_probe_stamps_read_request(&text, &c) &&
			    ensure_dep_list(dir, &c, &err))
				log_debug("probe results not cached: %s",
					  err.text);
			buf_release(&text);
			unlink(file);
		}
		free(file);
	}
	strv_release(&names);
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void compiler_probe_deps_trim(const char *dir)
{
	int64_t *times, *sorted, middle;
	struct strv names = { 0 };

	fs_list(dir, &names);
	if (names.n < TRIM_THRESHOLD) {
		strv_release(&names);
		return;
	}
	/* A file that was removed in the meantime has time 0. */
	times = xcalloc(names.n, sizeof(*times));
	for (size_t i = 0; i < names.n; i++) {
		char *file = xasprintf("%s/%s", dir, names.v[i]);
		struct stat st;

		if (!lstat(file, &st))
			times[i] = st.st_mtim.tv_sec * INT64_C(1000000000) +
				   st.st_mtim.tv_nsec;
		free(file);
	}
	sorted = memcpy(xcalloc(names.n, sizeof(*times)), times,
			names.n * sizeof(*times));
	qsort(sorted, names.n, sizeof(*sorted), compare_times);
	middle = sorted[names.n / 2];
	for (size_t i = 0; i < names.n; i++) {
		char *file = xasprintf("%s/%s", dir, names.v[i]);

		if (times[i] <= middle)
			unlink(file);
		free(file);
	}
	free(sorted);
	free(times);
	strv_release(&names);
}
