/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/manifest.h"

#include "base/elf.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/gather.h"
#include "compiler/library.h"
#include "compiler/manifest-id.h"
#include "compiler/parts.h"
#include "compiler/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* With each of these a driver runs other programs than it names when asked. */
static const char *const refused[] = {
	"CCC_OVERRIDE_OPTIONS",
	"COMPILER_PATH",
	"GCC_EXEC_PREFIX",
	"GCC_ROOT",
	"LD_AUDIT",
	"QA_OVERRIDE_GCC3_OPTIONS",
};

/* A library's name, of one loader, and the file that it is. */
struct named {
	char *key;
	char *real;
	bool linked; /* found through a link that only the manifest has */
};

/* A manifest under way. */
struct making {
	struct compiler_manifest *out;
	struct compiler_gather gather;
	struct compiler_search search;
	struct named *names;
	size_t n_names;
};

static int check_variables(char *const *env, struct err *err)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (str_env(env, refused[i]))
			return err_set(err, ENOTSUP, "%s is set", refused[i]);
	}
	return 0;
}

static int check_driver(struct compiler_manifest *m, struct err *err)
{
	struct elf_program elf;
	const char *host;
	int ret;

	if (m->driver[0] != '/')
		return err_set(err, EINVAL, "%s: not an absolute path",
			       m->driver);
	if (which_is_wrapper(m->driver))
		return err_set(err, ENOEXEC, "%s: leads to a compiler wrapper",
			       m->driver);
	ret = elf_program_read(&elf, m->driver, err);
	if (ret)
		return ret;
	host = compiler_host_name(&elf);
	if (host)
		m->host = xstrdup(host);
	else
		ret = err_set(err, ENOTSUP, "%s: made for an unknown machine",
			      m->driver);
	elf_program_release(&elf);
	return ret;
}

/* Two files of one name: a link for the one would hide the other. */
static int add_library_name(struct making *k, const char *loader,
			    const struct compiler_library *l, const char *real,
			    struct err *err)
{
	char *key = xasprintf("%s:%s", loader, l->name);
	int ret = 0;

	for (size_t i = 0; i < k->n_names && !ret; i++) {
		const struct named *n = &k->names[i];

		if (!strcmp(n->key, key) && strcmp(n->real, real) &&
		    (n->linked || !l->plain))
			ret = err_set(err, EEXIST,
				      "library %s is both %s and %s", l->name,
				      n->real, real);
	}
	*VEC_ADD(k->names, k->n_names) = (struct named){ key, xstrdup(real),
							 !l->plain };
	return ret;
}

static int add_library(struct making *k, const struct compiler_libraries *all,
		       const struct compiler_library *l, struct err *err)
{
	char *real, *link;
	int ret = compiler_gather_path(&k->gather, l->path, &real, err);

	if (!ret)
		ret = add_library_name(k, all->loader, l, real, err);
	if (!ret && !l->plain && !all->home)
		ret = err_set(err, ENOTSUP, "%s: searches no directory",
			      all->loader);
	if (!ret && !l->plain) {
		link = xasprintf("%s/%s", all->home, l->name);
		ret = compiler_gather_link(&k->gather, link, real, err);
		free(link);
	}
	free(real);
	return ret;
}

static int add_program(struct making *k, const char *program, struct err *err)
{
	struct compiler_libraries all = { 0 };
	char *real;
	int ret = compiler_gather_path(&k->gather, program, &real, err);

	if (!ret)
		ret = compiler_libraries_find(&all, real, &k->search, err);
	if (!ret && all.loader)
		ret = compiler_gather_path(&k->gather, all.loader, NULL, err);
	for (size_t i = 0; i < all.n && !ret; i++)
		ret = add_library(k, &all, &all.v[i], err);
	if (!ret)
		strv_add(&k->out->programs, real);
	compiler_libraries_release(&all);
	free(real);
	return ret;
}

static bool is_on_path(const char *file)
{
	char *dir = str_dir(file);
	bool is = str_list_has(TOOLCHAIN_PATH, ':', dir);

	free(dir);
	return is;
}

/* A program of another directory of PATH, where a node looks for it. */
static int link_program(struct making *k, const char *path, struct err *err)
{
	char *link;
	int ret;

	if (is_on_path(path))
		return 0;
	link = xasprintf("%.*s/%s", (int)strcspn(TOOLCHAIN_PATH, ":"),
			 TOOLCHAIN_PATH, str_base(path));
	ret = compiler_gather_link(&k->gather, link, path, err);
	free(link);
	return ret;
}

static int gather_parts(struct making *k, const struct compiler_parts *p,
			struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < p->programs.n && !ret; i++)
		ret = add_program(k, p->programs.v[i], err);
	for (size_t i = 0; i < p->found.n && !ret; i++)
		ret = link_program(k, p->found.v[i], err);
	for (size_t i = 0; i < p->files.n && !ret; i++)
		ret = compiler_gather_path(&k->gather, p->files.v[i], NULL,
					   err);
	for (size_t i = 0; i < p->dirs.n && !ret; i++)
		ret = compiler_gather_dir(&k->gather, p->dirs.v[i], err);
	return ret;
}

static int finish_manifest(struct making *k, struct err *err)
{
	struct compiler_manifest *m = k->out;
	int ret = compiler_gather_end(&k->gather, &m->entries, err);

	if (ret)
		return ret;
	m->watch = k->gather.watch;
	k->gather.watch = NULL;
	if (compiler_manifest_id(m->entries.v, m->entries.n, m->driver,
				 m->is_clang, &m->id, &m->prefix))
		return err_set(err, EINVAL,
			       "%s: its files do not lead to a program",
			       m->driver);
	if (compiler_watch_check(m->watch, err)) {
		err_wrap(err, "while %s was read", m->driver);
		return -EAGAIN;
	}
	return 0;
}

static int make_manifest(struct making *k, char *const *env,
			 const struct compiler_runner *runner, struct err *err)
{
	struct compiler_manifest *m = k->out;
	struct compiler_parts parts = { 0 };
	int ret = check_variables(env, err);

	if (!ret)
		ret = check_driver(m, err);
	if (!ret)
		ret = compiler_parts_ask(&parts, m->driver, env, runner, err);
	if (ret)
		return ret;
	m->is_clang = parts.is_clang;
	m->version = xstrdup(parts.version);
	m->machine = xstrdup(parts.machine);
	ret = compiler_search_load(&k->search, str_env(env, "LD_LIBRARY_PATH"),
				   err);
	if (!ret)
		ret = gather_parts(k, &parts, err);
	if (!ret)
		ret = finish_manifest(k, err);
	compiler_parts_release(&parts);
	return ret;
}

static void making_release(struct making *k)
{
	compiler_gather_release(&k->gather);
	buf_release(&k->search.cache);
	for (size_t i = 0; i < k->n_names; i++) {
		free(k->names[i].key);
		free(k->names[i].real);
	}
	free(k->names);
}

int compiler_manifest_make_by(struct compiler_manifest *out, const char *driver,
			      char *const *env,
			      const struct compiler_runner *runner,
			      struct err *err)
{
	struct making k = { .out = out, .gather.watch = compiler_watch_new() };
	int ret;

	*out = (struct compiler_manifest){ .driver = xstrdup(driver) };
	ret = make_manifest(&k, env, runner, err);
	making_release(&k);
	if (ret)
		compiler_manifest_release(out);
	return ret;
}

int compiler_manifest_make(struct compiler_manifest *out, const char *driver,
			   char *const *env, struct err *err)
{
	return compiler_manifest_make_by(out, driver, env, NULL, err);
}

int compiler_manifest_program(struct compiler_entries *out, const char *program,
			      char *const *env, struct err *err)
{
	struct compiler_manifest m = { 0 };
	struct making k = { .out = &m };
	int ret = compiler_search_load(&k.search,
				       str_env(env, "LD_LIBRARY_PATH"), err);

	*out = (struct compiler_entries){ 0 };
	if (!ret)
		ret = add_program(&k, program, err);
	if (!ret)
		ret = compiler_gather_end(&k.gather, out, err);
	making_release(&k);
	compiler_manifest_release(&m);
	return ret;
}

void compiler_manifest_release(struct compiler_manifest *m)
{
	free(m->driver);
	free(m->prefix);
	free(m->version);
	free(m->machine);
	free(m->host);
	compiler_entries_release(&m->entries);
	strv_release(&m->programs);
	compiler_watch_free(m->watch);
	*m = (struct compiler_manifest){ 0 };
}

int compiler_manifest_stamp(const struct compiler_manifest *m, struct err *err)
{
	return compiler_watch_check(m->watch, err);
}

bool compiler_manifest_glance(const struct compiler_manifest *m)
{
	return compiler_watch_glance(m->watch);
}

bool compiler_entry_same(const struct compiler_entry *a,
			 const struct compiler_entry *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == COMPILER_LINK)
		return !strcmp(a->target, b->target);
	return a->kind == COMPILER_DIR ||
	       (a->executable == b->executable &&
		digest_equal(&a->digest, &b->digest));
}

static bool same_entry(const struct compiler_entry *a,
		       const struct compiler_entry *b)
{
	return compiler_entry_same(a, b) && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && str_equal(a->path, b->path);
}

bool compiler_manifest_adopt(struct compiler_manifest *m,
			     struct compiler_manifest *again)
{
	struct compiler_watch *watch = m->watch;

	if (!digest_equal(&m->id, &again->id) ||
	    m->entries.n != again->entries.n)
		return false;
	for (size_t i = 0; i < m->entries.n; i++) {
		if (!same_entry(&m->entries.v[i], &again->entries.v[i]))
			return false;
	}
	m->watch = again->watch;
	again->watch = watch;
	return true;
}
