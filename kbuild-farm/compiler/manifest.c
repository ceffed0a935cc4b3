/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/manifest.h"

#include "base/buf.h"
#include "base/elf.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/collector.h"
#include "compiler/driver-parts.h"
#include "compiler/library.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_RESOLVED_MAX 40 /* on one path, as in the kernel */

struct link_resolver {
	const struct compiler_entry **v; /* sorted by compare_paths() */
	size_t n;
	/* for each entry: true if it is a link on the way to the driver */
	bool *on_driver_path;
};

/* Compare like strcmp(), but order '/' first: "a" < "a/b" < "a-b". */
static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (!*a || !*b)
		return (*a != '\0') - (*b != '\0');
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a - (unsigned char)*b;
}

static int by_entry_path_depth(const void *a, const void *b)
{
	const struct compiler_entry *const *x = a, *const *y = b;

	return compare_paths((*x)->path, (*y)->path);
}

static int compare_path_to_entry(const void *path, const void *entry)
{
	const struct compiler_entry *const *e = entry;

	return compare_paths(path, (*e)->path);
}

/* Return the index of an entry, or SIZE_MAX. */
static size_t find_entry(const struct link_resolver *l, const char *path)
{
	const struct compiler_entry **e = bsearch(
		path, l->v, l->n, sizeof(*l->v), compare_path_to_entry);

	return e ? (size_t)(e - l->v) : SIZE_MAX;
}

/*
 * Return true if each path is absolute and not "/", and no path occurs twice or
 * is below a FILE or SYMLINK.
 */
static bool has_valid_nesting(const struct link_resolver *l)
{
	const char *leaf = NULL;

	for (size_t i = 0; i < l->n; i++) {
		const struct compiler_entry *e = l->v[i];

		if (e->path[0] != '/' || !e->path[1])
			return false;
		if (i && !strcmp(l->v[i - 1]->path, e->path))
			return false;
		if (leaf && str_skip_dir(e->path, leaf))
			return false;
		if (e->kind != COMPILER_ENTRY_DIR)
			leaf = e->path;
	}
	return true;
}

/*
 * Append the component `name` to the path `at`.  If the result is a link,
 * remove the component again and insert the target of the link before *rest.
 */
static void resolve_component(struct link_resolver *l, struct buf *at,
			      char **rest, char *name, unsigned *links)
{
	size_t before = at->len, i;
	char *more;

	if (!strcmp(name, "."))
		return;
	if (!strcmp(name, "..")) {
		while (at->data && at->len && at->data[--at->len] != '/')
			;
		return;
	}
	buf_printf(at, "/%s", name);
	i = find_entry(l, buf_str(at));
	if (i == SIZE_MAX || l->v[i]->kind != COMPILER_ENTRY_SYMLINK)
		return;
	l->on_driver_path[i] = true;
	++*links;
	at->len = l->v[i]->target[0] == '/' ? 0 : before;
	more = xasprintf("%s/%s", l->v[i]->target, *rest);
	free(*rest);
	*rest = more;
}

/*
 * Return `driver` with all links resolved, or "" on failure.  The caller frees
 * the result.
 */
static char *resolve_path(struct link_resolver *l, const char *driver)
{
	struct buf at = { 0 };
	char *rest = xstrdup(driver), *out;
	unsigned links = 0;

	while (links <= LINKS_RESOLVED_MAX && strlen(rest) <= PATH_MAX) {
		size_t skip = strspn(rest, "/");
		size_t len = strcspn(rest + skip, "/");
		char *name;

		if (!len) {
			rest[0] = '\0';
			break;
		}
		name = xstrndup(rest + skip, len);
		memmove(rest, rest + skip + len, strlen(rest + skip + len) + 1);
		resolve_component(l, &at, &rest, name, &links);
		free(name);
		if (at.data)
			at.data[at.len] = '\0';
	}
	out = rest[0] ? xstrdup("") : bytes_dup(buf_bytes(&at));
	free(rest);
	buf_release(&at);
	return out;
}

/*
 * Return the form of `path` that the digest covers.  A path below the
 * toolchain's prefix is relative to the prefix ("" for the prefix itself); any
 * other path is unchanged.  A prefix "/" is not stripped.
 */
static const char *strip_prefix(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (len > 1 && !strncmp(path, prefix, len) &&
	    (path[len] == '/' || !path[len]))
		return path[len] ? path + len + 1 : "";
	return path;
}

struct digest_line {
	const char *path;
	const struct compiler_entry *entry;
};

static int by_digest_line(const void *a, const void *b)
{
	const struct digest_line *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void digest_entries(const struct link_resolver *l, const char *prefix,
			   const char *driver, bool is_clang,
			   struct digest *out)
{
	struct digest_line *lines = xcalloc(l->n + 1, sizeof(*lines));
	struct buf all = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!l->on_driver_path[i])
			lines[n++] = (struct digest_line){
				strip_prefix(l->v[i]->path, prefix), l->v[i]
			};
	}
	qsort(lines, n, sizeof(*lines), by_digest_line);
	buf_put_u8(&all, is_clang);
	buf_put_str(&all, is_clang ? str_base(driver) : "");
	for (size_t i = 0; i < n; i++) {
		const struct compiler_entry *e = lines[i].entry;
		const char *target;

		buf_put_u8(&all, (uint8_t)e->kind);
		buf_put_str(&all, lines[i].path);
		if (e->kind == COMPILER_ENTRY_FILE) {
			buf_put_u8(&all, e->executable);
			buf_add(&all, e->digest.b, sizeof(e->digest.b));
		} else if (e->kind == COMPILER_ENTRY_SYMLINK) {
			/*
			 * A stripped target can equal a relative target, so
			 * record whether the target was stripped.
			 */
			target = strip_prefix(e->target, prefix);
			buf_put_u8(&all, target != e->target);
			buf_put_str(&all, target);
		}
	}
	digest_bytes(buf_bytes(&all), out);
	buf_release(&all);
	free(lines);
}

static void init_link_resolver(struct link_resolver *l,
			       const struct compiler_entry *v, size_t n)
{
	*l = (struct link_resolver){ .v = xcalloc(n + 1, sizeof(*l->v)),
				     .n = n,
				     .on_driver_path = xcalloc(n + 1,
							       sizeof(bool)) };
	for (size_t i = 0; i < n; i++)
		l->v[i] = &v[i];
	qsort(l->v, n, sizeof(*l->v), by_entry_path_depth);
}

static void link_resolver_release(struct link_resolver *l)
{
	free(l->v);
	free(l->on_driver_path);
}

int compiler_manifest_id(const struct compiler_entry *v, size_t n,
			 const char *driver, bool is_clang, struct digest *out)
{
	struct link_resolver l;
	char *real = NULL, *prefix, *dir;
	size_t at = SIZE_MAX;
	int ret = -EINVAL;

	init_link_resolver(&l, v, n);
	if (has_valid_nesting(&l)) {
		real = resolve_path(&l, driver);
		at = find_entry(&l, real);
	}
	if (at != SIZE_MAX && l.v[at]->kind == COMPILER_ENTRY_FILE &&
	    l.v[at]->executable) {
		dir = str_dir(real);
		prefix = strcmp(str_base(dir), "bin") ? xstrdup(dir) :
							str_dir(dir);
		digest_entries(&l, prefix, driver, is_clang, out);
		free(prefix);
		free(dir);
		ret = 0;
	}
	free(real);
	link_resolver_release(&l);
	return ret;
}

char *compiler_manifest_resolve(const struct compiler_entry *v, size_t n,
				const char *path)
{
	struct link_resolver l;
	char *real;

	init_link_resolver(&l, v, n);
	real = resolve_path(&l, path);
	link_resolver_release(&l);
	return real;
}

/*
 * If one of these variables is set, a driver can run programs that it does not
 * report, or a program can load files that the driver does not report.
 */
static const char *const unsupported_variables[] = {
	"BINUTILS_ROOT",
	"CCC_OVERRIDE_OPTIONS",
	"COMPILER_PATH",
	"GCC_EXEC_PREFIX",
	"GCC_ROOT",
	"LD_AUDIT",
	"QA_OVERRIDE_GCC3_OPTIONS",
	"XTENSA_GNU_CONFIG",
};

/* The file that a loader uses for a library name. */
struct library_symlink {
	char *soname_key; /* "LOADER:NAME" */
	char *target;
	bool via_symlink; /* found by a link that exists only in the manifest */
};

/* A manifest that is being built. */
struct manifest_builder {
	struct compiler_collector collector;
	struct compiler_library_search search;
	struct library_symlink *library_symlinks;
	size_t n_library_symlinks;
};

static int check_driver(struct compiler_manifest *m, struct err *err)
{
	struct elf_program elf;
	const char *host;
	int ret;

	if (m->driver[0] != '/')
		return err_set(err, EINVAL, "%s: not an absolute path",
			       m->driver);
	if (which_is_wrapper(m->driver))
		return err_set(
			err, ENOEXEC,
			"%s: is or links to a compiler wrapper such as ccache",
			m->driver);
	ret = elf_program_read(&elf, m->driver, err);
	if (ret)
		return ret;
	host = compiler_host_from_elf(&elf);
	if (host)
		m->host = xstrdup(host);
	else
		ret = err_set(err, ENOTSUP,
			      "%s: built for an unknown architecture",
			      m->driver);
	elf_program_release(&elf);
	return ret;
}

/*
 * Record the file that `loader` finds for the name of the library `l`.  For two
 * programs, the loader can find different files for one name.  In this case,
 * fail if at least one of the files needs a link in the manifest, because both
 * programs would find the link.
 */
static int add_library_name(struct manifest_builder *k, const char *loader,
			    const struct compiler_library *l, const char *real,
			    struct err *err)
{
	char *key = xasprintf("%s:%s", loader, l->name);
	int ret = 0;

	for (size_t i = 0; i < k->n_library_symlinks && !ret; i++) {
		const struct library_symlink *n = &k->library_symlinks[i];

		if (!strcmp(n->soname_key, key) && strcmp(n->target, real) &&
		    (n->via_symlink || !l->found_by_default))
			ret = err_set(err, EEXIST,
				      "library %s resolves to both %s and %s",
				      l->name, n->target, real);
	}
	*VEC_ADD(k->library_symlinks,
		 k->n_library_symlinks) = (struct library_symlink){
		key, xstrdup(real), !l->found_by_default
	};
	return ret;
}

static int add_library(struct manifest_builder *k,
		       const struct compiler_library_list *all,
		       const struct compiler_library *l, struct err *err)
{
	char *real, *link;
	int ret = compiler_collector_add_path(&k->collector, l->path, &real,
					      err);

	if (!ret)
		ret = add_library_name(k, all->loader, l, real, err);
	if (!ret && !l->found_by_default && !all->default_dir)
		ret = err_set(err, ENOTSUP, "%s: no default library directory",
			      all->loader);
	if (!ret && !l->found_by_default) {
		link = xasprintf("%s/%s", all->default_dir, l->name);
		ret = compiler_collector_add_symlink(&k->collector, link, real,
						     err);
		free(link);
	}
	free(real);
	return ret;
}

static int add_program(struct manifest_builder *k, const char *program,
		       struct err *err)
{
	struct compiler_library_list all = { 0 };
	char *real;
	int ret = compiler_collector_add_path(&k->collector, program, &real,
					      err);

	if (!ret)
		ret = compiler_library_find_all(&all, real, &k->search, err);
	if (!ret && all.loader)
		ret = compiler_collector_add_path(&k->collector, all.loader,
						  NULL, err);
	for (size_t i = 0; i < all.n && !ret; i++)
		ret = add_library(k, &all, &all.v[i], err);
	compiler_library_list_release(&all);
	free(real);
	return ret;
}

/*
 * A sandbox searches only COMPILER_TOOLCHAIN_PATH.  If the program that the
 * build host's PATH finds is in another directory, add a link to the program in
 * the first directory of COMPILER_TOOLCHAIN_PATH.
 */
static int add_program_symlink(struct manifest_builder *k, const char *path,
			       struct err *err)
{
	char *dir = str_dir(path), *link;
	bool on_path = str_list_has(COMPILER_TOOLCHAIN_PATH, ':', dir);
	int ret;

	free(dir);
	if (on_path)
		return 0;
	link = xasprintf("%.*s/%s", (int)strcspn(COMPILER_TOOLCHAIN_PATH, ":"),
			 COMPILER_TOOLCHAIN_PATH, str_base(path));
	ret = compiler_collector_add_symlink(&k->collector, link, path, err);
	free(link);
	return ret;
}

static int add_driver_parts(struct manifest_builder *k,
			    const struct compiler_driver_parts *p,
			    struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < p->programs.n && !ret; i++)
		ret = add_program(k, p->programs.v[i], err);
	for (size_t i = 0; i < p->path_programs.n && !ret; i++)
		ret = add_program_symlink(k, p->path_programs.v[i], err);
	for (size_t i = 0; i < p->files.n && !ret; i++)
		ret = compiler_collector_add_path(&k->collector, p->files.v[i],
						  NULL, err);
	/*
	 * Mark only the files added so far, not the headers that follow: each
	 * compile verifies the headers that it read.
	 */
	compiler_stat_watch_mark_written(k->collector.watch);
	for (size_t i = 0; i < p->dirs.n && !ret; i++)
		ret = compiler_collector_add_dir(&k->collector, p->dirs.v[i],
						 err);
	for (size_t i = 0; i < p->absent.n && !ret; i++)
		compiler_stat_watch_add_absent(k->collector.watch,
					       p->absent.v[i]);
	return ret;
}

static void manifest_builder_release(struct manifest_builder *k)
{
	compiler_collector_release(&k->collector);
	buf_release(&k->search.cache);
	for (size_t i = 0; i < k->n_library_symlinks; i++) {
		free(k->library_symlinks[i].soname_key);
		free(k->library_symlinks[i].target);
	}
	free(k->library_symlinks);
}

int compiler_manifest_make_with(struct compiler_manifest *out,
				const char *driver, char *const *env,
				const struct compiler_runner *runner,
				struct err *err)
{
	struct manifest_builder k = {
		.collector.watch = compiler_stat_watch_new()
	};
	struct compiler_driver_parts parts = { 0 };
	int ret;

	*out = (struct compiler_manifest){ .driver = xstrdup(driver) };
	for (size_t i = 0; i < ARRAY_SIZE(unsupported_variables); i++) {
		if (str_find_env(env, unsupported_variables[i])) {
			ret = err_set(err, ENOTSUP, "%s is set",
				      unsupported_variables[i]);
			goto out;
		}
	}
	ret = check_driver(out, err);
	if (ret)
		goto out;
	ret = compiler_driver_parts_query(&parts, driver, env, runner, err);
	if (ret)
		goto out;
	out->is_clang = parts.is_clang;
	out->version = xstrdup(parts.version);
	out->machine = xstrdup(parts.machine);
	ret = compiler_library_search_load(
		&k.search, str_find_env(env, "LD_LIBRARY_PATH"), err);
	if (ret)
		goto out;
	ret = add_driver_parts(&k, &parts, err);
	if (ret)
		goto out;
	ret = compiler_collector_finish(&k.collector, &out->entries, err);
	if (ret)
		goto out;
	out->watch = k.collector.watch;
	k.collector.watch = NULL;
	if (compiler_manifest_id(out->entries.v, out->entries.n, driver,
				 out->is_clang, &out->id)) {
		ret = err_set(err, EINVAL,
			      "%s: does not resolve to an executable", driver);
	} else if (compiler_stat_watch_check(out->watch, err)) {
		err_wrap(err, "while reading %s", driver);
		ret = -EAGAIN;
	}
out:
	compiler_driver_parts_release(&parts);
	manifest_builder_release(&k);
	if (ret)
		compiler_manifest_release(out);
	return ret;
}

int compiler_manifest_make(struct compiler_manifest *out, const char *driver,
			   char *const *env, struct err *err)
{
	return compiler_manifest_make_with(out, driver, env, NULL, err);
}

int compiler_manifest_list_program(struct compiler_entries *out,
				   const char *program, char *const *env,
				   struct err *err)
{
	struct manifest_builder k = { 0 };
	int ret = compiler_library_search_load(
		&k.search, str_find_env(env, "LD_LIBRARY_PATH"), err);

	*out = (struct compiler_entries){ 0 };
	if (!ret)
		ret = add_program(&k, program, err);
	if (!ret)
		ret = compiler_collector_finish(&k.collector, out, err);
	manifest_builder_release(&k);
	return ret;
}

void compiler_manifest_release(struct compiler_manifest *m)
{
	free(m->driver);
	free(m->version);
	free(m->machine);
	free(m->host);
	compiler_entries_release(&m->entries);
	compiler_stat_watch_free(m->watch);
	*m = (struct compiler_manifest){ 0 };
}

/*
 * Protects the stat watches of all manifests.  A full check writes to the
 * watch, and compiler_manifest_take_stamps() replaces the watch.
 */
static pthread_mutex_t watches = PTHREAD_MUTEX_INITIALIZER;

int compiler_manifest_check_unchanged(const struct compiler_manifest *m,
				      struct err *err)
{
	int ret;

	pthread_mutex_lock(&watches);
	ret = compiler_stat_watch_check(m->watch, err);
	pthread_mutex_unlock(&watches);
	return ret;
}

bool compiler_manifest_check_quick(const struct compiler_manifest *m)
{
	bool unchanged;

	pthread_mutex_lock(&watches);
	unchanged = compiler_stat_watch_check_quick(m->watch);
	pthread_mutex_unlock(&watches);
	return unchanged;
}

bool compiler_entry_equal_content(const struct compiler_entry *a,
				  const struct compiler_entry *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == COMPILER_ENTRY_SYMLINK)
		return !strcmp(a->target, b->target);
	return a->kind == COMPILER_ENTRY_DIR ||
	       (a->executable == b->executable &&
		digest_equal(&a->digest, &b->digest));
}

bool compiler_manifest_take_stamps(struct compiler_manifest *m,
				   struct compiler_manifest *newer)
{
	struct compiler_stat_watch *watch;

	if (!digest_equal(&m->id, &newer->id) ||
	    m->entries.n != newer->entries.n)
		return false;
	for (size_t i = 0; i < m->entries.n; i++) {
		const struct compiler_entry *a = &m->entries.v[i];
		const struct compiler_entry *b = &newer->entries.v[i];

		if (!compiler_entry_equal_content(a, b) ||
		    a->size_bytes != b->size_bytes ||
		    a->mtime_ns != b->mtime_ns || !str_equal(a->path, b->path))
			return false;
	}
	pthread_mutex_lock(&watches);
	watch = m->watch;
	m->watch = newer->watch;
	pthread_mutex_unlock(&watches);
	newer->watch = watch;
	return true;
}
