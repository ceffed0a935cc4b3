/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/digest.h"
#include "base/elf.h"
#include "base/fs.h"
#include "toolchain/data.h"
#include "toolchain/deb.h"
#include "toolchain/hostlib.h"
#include "toolchain/patch.h"
#include "toolchain/smoke-test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROUNDS_MAX 8 /* libraries whose libraries are missing ... */

/* One toolchain whose libraries are being provided. */
struct provision {
	char *dir; /* without links, as users of libraries are named */
	char *prefix; /* the directory above its bin */
	char *home; /* hostlib in that */
	char *unpacked; /* of packages; its directories are called 0, 1 ... */
	const struct toolchain_release *release;
	const struct strv *files, *debs;
	struct compiler_search search;
	struct strv *log;
	struct strv changed; /* paths of patched files */
};

static bool is_plain_name(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/');
}

/* ------------------------------------------------------- which library */

/* What the data knows of a library of this release, or NULL. */
static const struct toolchain_quirk *quirk_of(const struct provision *p,
					      const char *library)
{
	const struct toolchain_quirk **all = NULL, *found = NULL;
	size_t n = p->release ?
			   toolchain_data_quirks(p->release, NULL, NULL, &all) :
			   0;

	for (size_t i = 0; i < n && !found; i++) {
		if (all[i]->library && str_equal(all[i]->library, library))
			found = all[i];
	}
	free(all);
	return found;
}

/* Does the file go by this name, or call itself so? */
static bool answers_to(const char *file, const char *name)
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

static char *find_given(const struct provision *p, const char *name)
{
	for (size_t i = 0; i < p->files->n; i++) {
		if (answers_to(p->files->v[i], name))
			return realpath(p->files->v[i], NULL);
	}
	return NULL;
}

static char *find_unpacked(const struct provision *p, const char *name,
			   const char **deb)
{
	for (size_t i = 0; i < p->debs->n; i++) {
		char *path = xasprintf("%s/%zu/%s", p->unpacked, i, name);
		char *real = realpath(path, NULL);

		free(path);
		if (real) {
			*deb = p->debs->v[i];
			return real;
		}
	}
	return NULL;
}

/* A file for `name`, and where it comes from in words; NULL: nowhere. */
static char *find_as(const struct provision *p, const char *name, char **from)
{
	const char *deb = NULL;
	char *path = find_given(p, name);

	if (path) {
		*from = xasprintf("file %s", path);
		return path;
	}
	path = find_unpacked(p, name, &deb);
	if (path)
		*from = xasprintf("%s of package %s", str_base(path), deb);
	return path;
}

static char *find_source(const struct provision *p, const char *name,
			 const char *user, char **from)
{
	const struct toolchain_quirk *q = quirk_of(p, name);
	char *path = find_as(p, name, from), *real;

	for (size_t i = 0; q && !path && i < q->compatible.n; i++)
		path = find_as(p, q->compatible.v[i], from);
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

static int check_alike(const char *library, const char *user, struct err *err)
{
	struct elf_program a, b = { 0 };
	int ret = elf_program_read(&a, library, err);

	if (ret)
		return err_set(err, EINVAL, "%s: not an ELF file", library);
	ret = elf_program_read(&b, user, err);
	if (!ret && !elf_program_alike(&a, &b))
		ret = err_set(err, EINVAL, "%s is for another machine than %s",
			      library, user);
	elf_program_release(&a);
	elf_program_release(&b);
	return ret;
}

/* --------------------------------------------------------- in its place */

/* "hostlib/libmpfr.so.4" of a path in the toolchain; borrowed. */
static const char *below(const char *dir, const char *path)
{
	const char *rest = str_below(path, dir);

	return rest ? rest : path;
}

static int note_library(struct provision *p, const char *path, const char *from,
			struct err *err)
{
	struct digest d;
	char hex[DIGEST_HEX];
	int ret = digest_file(path, &d, err);

	if (ret)
		return ret;
	digest_hex(&d, hex);
	strv_addf(p->log, "library %s: %s, sha256 %s", below(p->dir, path),
		  from, hex);
	return 0;
}

/* 1: it is there now (or was); 0: it is nowhere. */
static int put_library(struct provision *p, const struct toolchain_missing *m,
		       struct err *err)
{
	char *to = xasprintf("%s/%s", p->home, m->library);
	char *from = NULL, *source = NULL;
	int ret = 0;

	if (fs_exists(to)) {
		ret = 1;
		goto out;
	}
	if (!is_plain_name(m->library))
		goto out;
	source = find_source(p, m->library, m->users.v[0], &from);
	if (!source)
		goto out;
	ret = check_alike(source, m->users.v[0], err);
	if (!ret)
		ret = fs_mkdirs(p->home, 0755, err);
	if (!ret)
		ret = fs_copy(source, to, err);
	if (!ret && chmod(to, 0644))
		ret = err_errno(err, "%s", to);
	if (!ret)
		ret = note_library(p, to, from, err);
	if (!ret)
		ret = 1;
out:
	free(source);
	free(from);
	free(to);
	return ret;
}

/* "$ORIGIN/../../hostlib" for a file of the toolchain. */
static char *element_for(const struct provision *p, const char *user)
{
	struct buf out = { 0 };
	const char *from = below(p->prefix, user);
	const char *home = below(p->prefix, p->home);

	/* Beside the prefix, not in it: from the top. */
	if (from == user) {
		from = below(p->dir, user);
		home = below(p->dir, p->home);
	}
	if (str_below(user, p->home))
		return xstrdup("$ORIGIN");
	buf_add_str(&out, "$ORIGIN");
	for (const char *c = strchr(from, '/'); c; c = strchr(c + 1, '/'))
		buf_add_str(&out, "/..");
	buf_printf(&out, "/%s", home);
	return buf_steal(&out);
}

static int change(struct provision *p, const char *user, struct err *err)
{
	char before[DIGEST_HEX], after[DIGEST_HEX], *element;
	struct toolchain_patch patch;
	int ret;

	if (below(p->dir, user) == user)
		return err_set(err, ENOENT,
			       "%s of this system lacks a library itself",
			       user);
	element = element_for(p, user);
	ret = toolchain_patch_runpath(user, element, &patch, err);
	if (!ret && patch.done) {
		digest_hex(&patch.before, before);
		digest_hex(&patch.after, after);
		strv_addf(p->log,
			  "program %s: runpath %s, sha256 %s before, %s after",
			  below(p->dir, user), element, before, after);
		strv_add(&p->changed, user);
	}
	free(element);
	return ret;
}

/* All that are to be had, once; *progress: something is other than before. */
static int provide_round(struct provision *p,
			 const struct toolchain_missing_list *missing,
			 bool *progress, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < missing->n && ret >= 0; i++) {
		const struct toolchain_missing *m = &missing->v[i];
		size_t before = p->changed.n;

		ret = put_library(p, m, err);
		if (ret < 0 && !m->required)
			ret = 0;
		for (size_t k = 0; ret == 1 && k < m->users.n; k++) {
			const char *user = m->users.v[k];
			int bad = change(p, user, err);

			/* gdb may stay as it is. */
			if (bad && m->required &&
			    (toolchain_hostlib_required(user) ||
			     strstr(str_base(user), ".so")))
				ret = bad;
		}
		*progress |= p->changed.n > before;
	}
	return ret < 0 ? ret : 0;
}

/* ---------------------------------------------------------- the messages */

static char *users_text(const struct toolchain_missing *m)
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

static int say_missing(const struct provision *p,
		       const struct toolchain_missing *m, struct err *err)
{
	const struct toolchain_quirk *q = quirk_of(p, m->library);
	char *users = users_text(m), *instead = NULL, *remedy = NULL;

	if (m->library[0] == '/') {
		err_set(err, ENOENT,
			"the loader %s, which %s needs, is not on this "
			"system: install the C library of that machine",
			m->library, users);
		free(users);
		return -ENOENT;
	}
	if (q && q->instead.n) {
		instead = strv_join(&q->instead, ", ");
		remedy = xasprintf("; take another (%s and newer need none)",
				   instead);
	}
	err_set(err, ENOENT,
		"library %s, which %s needs, is not on this system%s, or give "
		"it with --library FILE, or a package that has it with --deb "
		"FILE",
		m->library, users,
		remedy ? remedy : "; install the package that has it");
	free(remedy);
	free(instead);
	free(users);
	return -ENOENT;
}

static int report_left(const struct provision *p,
		       const struct toolchain_missing_list *left,
		       struct err *err)
{
	for (size_t i = 0; i < left->n; i++) {
		const struct toolchain_missing *m = &left->v[i];
		char *users;

		if (m->required)
			return say_missing(p, m, err);
		users = users_text(m);
		strv_addf(p->log, "without %s: %s", m->library, users);
		free(users);
	}
	return 0;
}

/* ------------------------------------------------------------- the check */

static bool is_driver(const char *name)
{
	return str_ends(name, "-gcc") || str_equal(name, "gcc") ||
	       str_equal(name, "clang");
}

static bool has_isl(const struct provision *p)
{
	for (size_t i = 0; i < p->log->n; i++) {
		if (strstr(p->log->v[i], "/libisl.so"))
			return true;
	}
	return false;
}

/* It has the compiler fold numbers, which is what libmpfr and libmpc are for.
 */
static const char unit[] =
	"double f(void);\nint g(int *v, int n);\n"
	"double f(void)\n{\n"
	"\treturn __builtin_sin(1.25) * __builtin_pow(2.5, 0.5) +\n"
	"\t       __builtin_lgamma(0.75);\n}\n"
	"int g(int *v, int n)\n{\n\tint s = 0;\n\n"
	"\tfor (int i = 0; i < n; i++)\n"
	"\t\tfor (int k = 0; k < n; k++)\n\t\t\ts += v[i * n + k];\n"
	"\treturn s;\n}\n";

static int compile_unit(const char *driver, const char *dir,
			const char *const *flags, struct err *err)
{
	struct toolchain_smoke_test t = { .driver = driver,
					  .work = dir,
					  .bind_now = true };
	int ret = toolchain_smoke_test_compile(&t, "unit.c", unit, flags, err);

	if (ret)
		err_wrap(err, "%s", driver);
	return ret;
}

/* Every driver in bin compiles. */
static int check_drivers(struct provision *p, const struct strv *programs,
			 struct err *err)
{
	static const char *const isl[] = { "-floop-nest-optimize", "-O3",
					   NULL };
	char *bin = xasprintf("%s/bin/", p->prefix);
	char *tmp = xasprintf("%s/.check", p->dir);
	struct err ignored;
	int ret = fs_mkdirs(tmp, 0700, err);

	for (size_t i = 0; i < programs->n && !ret; i++) {
		const char *path = programs->v[i];

		if (str_starts(path, bin) && is_driver(str_base(path)))
			ret = compile_unit(path, tmp, has_isl(p) ? isl : NULL,
					   err);
	}
	fs_remove(tmp, &ignored);
	free(tmp);
	free(bin);
	return ret;
}

static int check_changed(struct provision *p, struct err *err)
{
	struct strv programs = { 0 }, plugins = { 0 };
	int ret = toolchain_hostlib_programs(p->dir, &programs, &plugins, err);

	for (size_t i = 0; i < programs.n && !ret; i++) {
		const char *path = programs.v[i];

		if (!strv_has(&p->changed, path))
			continue;
		ret = toolchain_smoke_test_loads(path, err);
		if (ret && !toolchain_hostlib_required(path)) {
			strv_addf(p->log, "without all symbols: %s",
				  below(p->dir, path));
			ret = 0;
		}
	}
	if (!ret)
		ret = check_drivers(p, &programs, err);
	if (ret)
		err_wrap(err, "with the libraries provided");
	strv_release(&plugins);
	strv_release(&programs);
	return ret;
}

/* ------------------------------------------------------------- the whole */

/* The directory that has a bin and is nearest to the top. */
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

static int unpack_debs(struct provision *p, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < p->debs->n && ret >= 0; i++) {
		char *dir = xasprintf("%s/%zu", p->unpacked, i);

		ret = fs_mkdirs(dir, 0700, err);
		if (!ret)
			ret = toolchain_deb_libraries(p->debs->v[i], dir, err);
		if (!ret)
			ret = err_set(err, EINVAL,
				      "%s: no shared library is in it",
				      p->debs->v[i]);
		free(dir);
	}
	return ret < 0 ? ret : 0;
}

static int check_files(const struct provision *p, struct err *err)
{
	for (size_t i = 0; i < p->files->n; i++) {
		struct elf_program elf;
		int ret = elf_program_read(&elf, p->files->v[i], err);

		elf_program_release(&elf);
		if (ret)
			return ret == -ENOEXEC ? -EINVAL : ret;
	}
	return 0;
}

/* Round for round, as a library may lack libraries itself. */
static int provide(struct provision *p,
		   const struct toolchain_missing_list *missing,
		   struct err *err)
{
	struct toolchain_missing_list left = { 0 };
	bool progress = missing->n > 0;
	int ret = check_files(p, err);

	if (!ret)
		ret = unpack_debs(p, err);
	for (int round = 0; progress && !ret && round < ROUNDS_MAX; round++) {
		progress = false;
		ret = provide_round(p, round ? &left : missing, &progress, err);
		toolchain_hostlibs_release(&left);
		if (!ret)
			ret = toolchain_hostlibs_missing(p->dir, &left, err);
	}
	if (!ret)
		ret = report_left(p, &left, err);
	toolchain_hostlibs_release(&left);
	return ret;
}

int toolchain_hostlibs_provide(const char *dir,
			       const struct toolchain_release *release,
			       const struct toolchain_missing_list *missing,
			       const struct strv *files,
			       const struct strv *debs, struct strv *log,
			       struct err *err)
{
	struct provision p = {
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
	p.home = xasprintf("%s/hostlib", p.prefix);
	p.unpacked = xasprintf("%s/.packages", p.dir);
	ret = compiler_search_load(&p.search, NULL, err);
	if (!ret)
		ret = provide(&p, missing, err);
	fs_remove(p.unpacked, &ignored);
	if (!ret && p.changed.n)
		ret = check_changed(&p, err);
	buf_release(&p.search.cache);
	strv_release(&p.changed);
	free(p.unpacked);
	free(p.home);
	free(p.prefix);
	free(p.dir);
	return ret;
}
