/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/digest.h"
#include "base/elf.h"
#include "base/fs.h"
#include "toolchain/builtin.h"
#include "toolchain/hostlib.h"
#include "toolchain/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Maximum number of rounds in which libraries are provided.  Each further round
 * provides the libraries that libraries of the previous round need, so this is
 * also the maximum length of a chain of missing libraries.
 */
#define ROUNDS_MAX 8

/* A toolchain whose missing libraries are provided. */
struct hostlib_request {
	/*
	 * The toolchain's directory, resolved by realpath(3) for comparison
	 * with toolchain_missing_library.users.
	 */
	char *dir;
	char *prefix; /* the directory above the toolchain's bin */
	char *hostlib_dir; /* PREFIX/hostlib */
	char *debs_dir; /* package `debs`[i] is unpacked in debs_dir/i */
	const struct toolchain_release *release;
	const struct strv *files, *debs;
	struct compiler_library_search search;
	struct strv *log;
	struct strv changed; /* paths of patched files */
};

/* Find the quirk of p->release whose missing_library is `library`, or NULL. */
static const struct toolchain_quirk *find_library_quirk(
	const struct hostlib_request *p, const char *library)
{
	const struct toolchain_quirk **all = NULL, *found = NULL;
	size_t n = p->release ? toolchain_builtin_list_quirks(p->release, NULL,
							      NULL, &all) :
				0;

	for (size_t i = 0; i < n && !found; i++) {
		if (all[i]->missing_library &&
		    str_equal(all[i]->missing_library, library))
			found = all[i];
	}
	free(all);
	return found;
}

/* Return true if `name` is the file name or the DT_SONAME of library `file`. */
static bool is_library_named(const char *file, const char *name)
{
	struct elf_program elf;
	struct err ignored;
	bool is = str_equal(str_base(file), name);

	if (elf_program_read(&elf, file, &ignored))
		return false;
	is = is || (elf.soname && str_equal(elf.soname, name));
	elf_program_release(&elf);
	return is;
}

/*
 * Find library `name` among the user's files and packages, and describe its
 * origin in `from`.  Returns NULL if neither contains the library.
 */
static char *find_library_as(const struct hostlib_request *p, const char *name,
			     char **from)
{
	char *path = NULL;

	for (size_t i = 0; i < p->files->n; i++) {
		if (is_library_named(p->files->v[i], name)) {
			path = realpath(p->files->v[i], NULL);
			break;
		}
	}
	if (path) {
		*from = xasprintf("file %s", path);
		return path;
	}
	for (size_t i = 0; i < p->debs->n && !path; i++) {
		char *file = xasprintf("%s/%zu/%s", p->debs_dir, i, name);

		path = realpath(file, NULL);
		free(file);
		if (path)
			*from = xasprintf("%s of package %s", str_base(path),
					  p->debs->v[i]);
	}
	return path;
}

static char *find_library_source(const struct hostlib_request *p,
				 const char *name, const char *user,
				 char **from)
{
	const struct toolchain_quirk *q = find_library_quirk(p, name);
	char *path = find_library_as(p, name, from), *real;

	for (size_t i = 0; q && !path && i < q->compatible.n; i++)
		path = find_library_as(p, q->compatible.v[i], from);
	for (size_t i = 0; q && !path && i < q->compatible.n; i++) {
		path = compiler_library_find(q->compatible.v[i], user,
					     &p->search);
		if (path)
			*from = xasprintf("system library %s", path);
	}
	real = path ? realpath(path, NULL) : NULL;
	free(path);
	return real;
}

/*
 * Return the part of `path` below `dir`, such as "hostlib/libmpfr.so.4", or
 * `path` if it is outside `dir`.  The result is borrowed.
 */
static const char *path_in_toolchain(const char *dir, const char *path)
{
	const char *rest = str_skip_dir(path, dir);

	return rest ? rest : path;
}

/*
 * Install library `m` into hostlib_dir, unless it is already there.  Returns 1
 * if hostlib_dir contains the library afterwards, 0 if no file, package or
 * system library provides it, or a negative errno.
 */
static int install_library(struct hostlib_request *p,
			   const struct toolchain_missing_library *m,
			   struct err *err)
{
	char *to = xasprintf("%s/%s", p->hostlib_dir, m->library);
	struct elf_program library = { 0 }, user = { 0 };
	char *from = NULL, *source = NULL;
	char hex[DIGEST_HEX];
	struct digest d;
	int ret = 0;

	if (fs_exists(to)) {
		ret = 1;
		goto out;
	}
	if (!m->library[0] || m->library[0] == '.' || strchr(m->library, '/'))
		goto out;
	source = find_library_source(p, m->library, m->users.v[0], &from);
	if (!source)
		goto out;
	ret = elf_program_read(&library, source, err);
	if (ret == -ENOEXEC)
		ret = -EINVAL;
	if (ret)
		goto out;
	ret = elf_program_read(&user, m->users.v[0], err);
	if (ret)
		goto out;
	if (!elf_program_is_compatible(&library, &user)) {
		ret = err_set(err, EINVAL,
			      "%s: built for a different architecture than %s",
			      source, m->users.v[0]);
		goto out;
	}

	ret = fs_mkdirs(p->hostlib_dir, 0755, err);
	if (ret)
		goto out;
	ret = fs_copy(source, to, err);
	if (ret)
		goto out;
	if (chmod(to, 0644)) {
		ret = err_errno(err, "%s", to);
		goto out;
	}
	ret = digest_file(to, &d, err);
	if (ret)
		goto out;
	digest_format(&d, hex);
	strv_addf(p->log, "library %s: %s, sha256 %s",
		  path_in_toolchain(p->dir, to), from, hex);
	ret = 1;
out:
	elf_program_release(&library);
	elf_program_release(&user);
	free(source);
	free(from);
	free(to);
	return ret;
}

/*
 * Return the DT_RUNPATH element for `user`, a program or library that needs the
 * missing library: the path from the directory of `user` to hostlib_dir, such
 * as "$ORIGIN/../../hostlib".
 */
static char *make_runpath_element(const struct hostlib_request *p,
				  const char *user)
{
	struct buf out = { 0 };
	const char *from = path_in_toolchain(p->prefix, user);
	const char *home = path_in_toolchain(p->prefix, p->hostlib_dir);

	/*
	 * If `user` is outside the prefix, make both paths relative to the
	 * toolchain's directory instead.
	 */
	if (from == user) {
		from = path_in_toolchain(p->dir, user);
		home = path_in_toolchain(p->dir, p->hostlib_dir);
	}
	if (str_skip_dir(user, p->hostlib_dir))
		return xstrdup("$ORIGIN");
	buf_add_str(&out, "$ORIGIN");
	for (const char *c = strchr(from, '/'); c; c = strchr(c + 1, '/'))
		buf_add_str(&out, "/..");
	buf_printf(&out, "/%s", home);
	return buf_steal(&out);
}

static int patch_program_runpath(struct hostlib_request *p, const char *user,
				 struct err *err)
{
	char before[DIGEST_HEX], after[DIGEST_HEX], *element;
	struct toolchain_runpath_change patch;
	int ret;

	if (path_in_toolchain(p->dir, user) == user)
		return err_set(err, ENOENT,
			       "%s: system library has a missing dependency",
			       user);
	element = make_runpath_element(p, user);
	ret = toolchain_runpath_add(user, element, &patch, err);
	if (!ret && patch.changed) {
		digest_format(&patch.before, before);
		digest_format(&patch.after, after);
		strv_addf(p->log,
			  "program %s: runpath %s, sha256 %s before, %s after",
			  path_in_toolchain(p->dir, user), element, before,
			  after);
		strv_add(&p->changed, user);
	}
	free(element);
	return ret;
}

/*
 * Try once to provide each library of `missing`.  Sets *progress if a library
 * was installed or the library path of a file was changed.
 */
static int provide_library_round(struct hostlib_request *p,
				 const struct toolchain_missing_list *missing,
				 bool *progress, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < missing->n && ret >= 0; i++) {
		const struct toolchain_missing_library *m = &missing->v[i];
		size_t before = p->log->n;

		ret = install_library(p, m, err);
		if (ret < 0 && !m->required)
			ret = 0;
		for (size_t k = 0; ret == 1 && k < m->users.n; k++) {
			const char *user = m->users.v[k];
			int bad = patch_program_runpath(p, user, err);

			/*
			 * Ignore the error for a program that no build needs,
			 * such as gdb.
			 */
			if (bad && m->required &&
			    (toolchain_hostlib_is_build_tool(user) ||
			     strstr(str_base(user), ".so")))
				ret = bad;
		}
		/*
		 * A longer log means progress: the log grows by a line for each
		 * installed library and changed file.
		 */
		*progress |= p->log->n > before;
	}
	return ret < 0 ? ret : 0;
}

static char *library_users_text(const struct toolchain_missing_library *m)
{
	struct strv names = { 0 };
	char *text;

	for (size_t i = 0; i < m->users.n && names.n < 4; i++) {
		const char *name = str_base(m->users.v[i]);

		if (!strv_has(&names, name))
			strv_add(&names, name);
	}
	if (m->users.n > names.n)
		strv_add(&names, "...");
	text = strv_join(&names, ", ");
	strv_release(&names);
	return text;
}

static int report_still_missing(const struct hostlib_request *p,
				const struct toolchain_missing_list *left,
				struct err *err)
{
	for (size_t i = 0; i < left->n; i++) {
		const struct toolchain_missing_library *m = &left->v[i];
		const struct toolchain_quirk *q;
		char *users = library_users_text(m);
		char *instead = NULL, *remedy = NULL;

		if (!m->required) {
			strv_addf(p->log, "without %s: %s", m->library, users);
			free(users);
			continue;
		}
		if (m->library[0] == '/') {
			err_set(err, ENOENT,
				"loader %s (needed by %s) not found; install "
				"the C library for that architecture",
				m->library, users);
			free(users);
			return -ENOENT;
		}
		q = find_library_quirk(p, m->library);
		if (q && q->unaffected.n) {
			instead = strv_join(&q->unaffected, ", ");
			remedy = xasprintf(
				"; use another release (%s and newer do not "
				"need it)",
				instead);
		}
		err_set(err, ENOENT,
			"library %s (needed by %s) not found%s, or provide it "
			"with --library FILE or its package with --deb FILE",
			m->library, users,
			remedy ? remedy :
				 "; install the package that contains it");
		free(remedy);
		free(instead);
		free(users);
		return -ENOENT;
	}
	return 0;
}

/*
 * A source file in which gcc must fold constants.  The folding requires libmpfr
 * and libmpc.
 */
static const char numeric_test_source[] =
	"double f(void);\nint g(int *v, int n);\n"
	"double f(void)\n{\n"
	"\treturn __builtin_sin(1.25) * __builtin_pow(2.5, 0.5) +\n"
	"\t       __builtin_lgamma(0.75);\n}\n"
	"int g(int *v, int n)\n{\n\tint s = 0;\n\n"
	"\tfor (int i = 0; i < n; i++)\n"
	"\t\tfor (int k = 0; k < n; k++)\n\t\t\ts += v[i * n + k];\n"
	"\treturn s;\n}\n";

/* Compile the test source with every driver in bin. */
static int check_drivers(struct hostlib_request *p, const struct strv *programs,
			 struct err *err)
{
	static const char *const isl_flags[] = { "-floop-nest-optimize", "-O3",
						 NULL };
	char *bin = xasprintf("%s/bin/", p->prefix);
	char *tmp = xasprintf("%s/.check", p->dir);
	struct toolchain_smoke_test t = { .work_dir = tmp, .bind_now = true };
	bool has_isl = false;
	struct err ignored;
	int ret = fs_mkdirs(tmp, 0700, err);

	for (size_t i = 0; i < p->log->n; i++)
		has_isl |= strstr(p->log->v[i], "/libisl.so") != NULL;
	for (size_t i = 0; i < programs->n && !ret; i++) {
		const char *name = str_base(programs->v[i]);

		if (!str_starts(programs->v[i], bin) ||
		    (!str_ends(name, "-gcc") && !str_equal(name, "gcc") &&
		     !str_equal(name, "clang")))
			continue;
		t.driver = programs->v[i];
		ret = toolchain_verify_compile(&t, "unit.c",
					       numeric_test_source,
					       has_isl ? isl_flags : NULL, err);
		if (ret)
			err_wrap(err, "%s", t.driver);
	}
	fs_remove(tmp, &ignored);
	free(tmp);
	free(bin);
	return ret;
}

static int check_patched_files(struct hostlib_request *p, struct err *err)
{
	struct strv programs = { 0 }, plugins = { 0 };
	int ret = toolchain_hostlib_list_programs(p->dir, &programs, &plugins,
						  err);

	for (size_t i = 0; i < programs.n && !ret; i++) {
		const char *path = programs.v[i];

		if (!strv_has(&p->changed, path))
			continue;
		ret = toolchain_verify_libraries(path, err);
		if (ret && !toolchain_hostlib_is_build_tool(path)) {
			strv_addf(p->log, "without all symbols: %s",
				  path_in_toolchain(p->dir, path));
			ret = 0;
		}
	}
	if (!ret)
		ret = check_drivers(p, &programs, err);
	if (ret)
		err_wrap(err, "the check of the toolchain with the provided "
			      "libraries failed");
	strv_release(&plugins);
	strv_release(&programs);
	return ret;
}

/* Find the first directory with a bin, at most `depth` levels below `dir`. */
static char *find_prefix(const char *dir, int depth)
{
	char *bin = xasprintf("%s/bin", dir), *found = NULL;
	struct strv names = { 0 };

	if (fs_is_dir(bin))
		found = xstrdup(dir);
	else if (depth)
		fs_list(dir, &names);
	for (size_t i = 0; !found && i < names.n; i++) {
		char *sub = xasprintf("%s/%s", dir, names.v[i]);
		struct stat st;

		if (names.v[i][0] != '.' && !lstat(sub, &st) &&
		    S_ISDIR(st.st_mode))
			found = find_prefix(sub, depth - 1);
		free(sub);
	}
	strv_release(&names);
	free(bin);
	return found;
}

/*
 * Provide libraries until nothing changes, because a provided library can lack
 * libraries itself.
 */
static int provide_libraries_in_rounds(
	struct hostlib_request *p, const struct toolchain_missing_list *missing,
	struct err *err)
{
	struct toolchain_missing_list left = { 0 };
	bool progress = missing->n > 0;
	int ret;

	for (size_t i = 0; i < p->files->n; i++) {
		struct elf_program elf;

		ret = elf_program_read(&elf, p->files->v[i], err);
		elf_program_release(&elf);
		if (ret)
			return ret == -ENOEXEC ? -EINVAL : ret;
	}
	for (size_t i = 0; i < p->debs->n; i++) {
		char *dir = xasprintf("%s/%zu", p->debs_dir, i);

		ret = fs_mkdirs(dir, 0700, err);
		if (!ret)
			ret = toolchain_hostlib_extract_deb(p->debs->v[i], dir,
							    err);
		free(dir);
		if (ret < 0)
			return ret;
		if (!ret)
			return err_set(err, EINVAL,
				       "%s: contains no shared library",
				       p->debs->v[i]);
	}

	for (int round = 0; progress && round < ROUNDS_MAX; round++) {
		progress = false;
		ret = provide_library_round(p, round ? &left : missing,
					    &progress, err);
		toolchain_hostlib_missing_release(&left);
		if (ret)
			return ret;
		ret = toolchain_hostlib_list_missing(p->dir, &left, err);
		if (ret)
			return ret;
	}
	ret = report_still_missing(p, &left, err);
	toolchain_hostlib_missing_release(&left);
	return ret;
}

int toolchain_hostlib_provide(const char *dir,
			      const struct toolchain_release *release,
			      const struct toolchain_missing_list *missing,
			      const struct strv *files, const struct strv *debs,
			      struct strv *log, struct err *err)
{
	struct hostlib_request p = {
		.release = release, .files = files, .debs = debs, .log = log
	};
	struct err ignored;
	int ret;

	if (!missing->n)
		return 0;
	p.dir = realpath(dir, NULL);
	if (!p.dir)
		return err_errno(err, "%s", dir);
	p.prefix = find_prefix(p.dir, 4);
	if (!p.prefix)
		p.prefix = xstrdup(p.dir);
	p.hostlib_dir = xasprintf("%s/hostlib", p.prefix);
	p.debs_dir = xasprintf("%s/.packages", p.dir);
	ret = compiler_library_search_load(&p.search, NULL, err);
	if (!ret)
		ret = provide_libraries_in_rounds(&p, missing, err);
	fs_remove(p.debs_dir, &ignored);
	if (!ret && p.changed.n)
		ret = check_patched_files(&p, err);
	buf_release(&p.search.cache);
	strv_release(&p.changed);
	free(p.debs_dir);
	free(p.hostlib_dir);
	free(p.prefix);
	free(p.dir);
	return ret;
}
