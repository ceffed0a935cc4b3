/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/hostlib.h"

#include "base/vec.h"
#include "compiler/find.h"
#include "compiler/host.h"

#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

struct walk {
	struct utsname machine;
	struct strv *programs, *plugins;
	struct err *err;
};

/* What ld loads by itself, so a link needs it as it needs ld. */
static bool is_plugin(const char *name)
{
	return str_starts(name, "liblto_plugin.so");
}

/* A program with a loader, or a plugin, that runs here. */
static void look_at_file(struct walk *w, const char *path)
{
	bool plugin = is_plugin(str_base(path));
	struct elf_program elf;
	struct err ignored;
	const char *host;

	/* A broken one fails when it is started. */
	if (!elf_is(path) || elf_program_read(&elf, path, &ignored))
		return;
	host = compiler_host_name(&elf);
	if (host && compiler_host_runs(host, w->machine.machine)) {
		if (elf.loader)
			strv_add(w->programs, path);
		else if (plugin)
			strv_add(w->plugins, path);
	}
	elf_program_release(&elf);
}

static int walk_dir(struct walk *w, const char *dir)
{
	char *root = xstrdup(dir), *roots[] = { root, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e = NULL;
	int ret = fts ? 0 : err_errno(w->err, "%s", dir);

	while (!ret && (e = fts_read(fts))) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
		    e->fts_info == FTS_NS)
			ret = err_set(w->err, e->fts_errno, "%s: %s",
				      e->fts_path, strerror(e->fts_errno));
		else if (e->fts_info == FTS_F &&
			 ((e->fts_statp->st_mode & 0111) ||
			  is_plugin(e->fts_name)))
			look_at_file(w, e->fts_path);
	}
	if (fts)
		fts_close(fts);
	free(root);
	return ret;
}

int toolchain_hostlib_programs(const char *dir, struct strv *programs,
			       struct strv *plugins, struct err *err)
{
	struct walk w = { .programs = programs,
			  .plugins = plugins,
			  .err = err };
	int ret = uname(&w.machine) ? err_errno(err, "uname") : 0;

	if (!ret)
		ret = walk_dir(&w, dir);
	strv_sort(programs);
	strv_sort(plugins);
	return ret;
}

/* Is `word` what `n` bytes of `name` say, behind a triplet or not? */
static bool is_called(const char *name, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && !strncmp(name + n - len, word, len) &&
	       (n == len || name[n - len - 1] == '-');
}

bool toolchain_hostlib_required(const char *path)
{
	static const char *const tools[] = {
		"gcc",   "cpp",     "cc1",     "collect2", "lto1",
		"as",    "ld",      "ld.bfd",  "ar",       "nm",
		"strip", "objcopy", "objdump", "readelf",  "ranlib",
		"lld",   "ld.lld",  "clang",   "gcc-ar",   "lto-wrapper",
	};
	const char *name = str_base(path);
	size_t stem = compiler_find_stem(name);

	for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++) {
		if (is_called(name, strlen(name), tools[i]))
			return true;
	}
	/* gcc-7.3.0, clang-14, llvm-nm */
	if (name[stem])
		return is_called(name, stem, "gcc") ||
		       is_called(name, stem, "clang");
	return is_plugin(name) || str_starts(name, "llvm-");
}

static struct toolchain_missing *find_missing(
	struct toolchain_missing_list *out, const char *library)
{
	for (size_t i = 0; i < out->n; i++) {
		if (!strcmp(out->v[i].library, library))
			return &out->v[i];
	}
	*VEC_ADD(out->v, out->n) = (struct toolchain_missing){
		.library = xstrdup(library)
	};
	return &out->v[out->n - 1];
}

static int add_missing(struct toolchain_missing_list *out, const char *path,
		       const char *loader, const struct compiler_search *search,
		       struct err *err)
{
	struct compiler_needs needs;
	int ret = compiler_libraries_missing(&needs, path, loader, search, err);

	for (size_t i = 0; i < needs.names.n && !ret; i++) {
		struct toolchain_missing *m = find_missing(out,
							   needs.names.v[i]);
		char *user = realpath(needs.users.v[i], NULL);

		m->required |= toolchain_hostlib_required(path);
		if (user && !strv_has(&m->users, user))
			strv_add(&m->users, user);
		free(user);
	}
	compiler_needs_release(&needs);
	/* What gdb searches is gdb's business. */
	return ret && !toolchain_hostlib_required(path) ? 0 : ret;
}

static int by_library(const void *a, const void *b)
{
	const struct toolchain_missing *x = a, *y = b;

	return strcmp(x->library, y->library);
}

static char *loader_of(const struct strv *programs)
{
	struct elf_program elf = { 0 };
	struct err ignored;
	char *loader = NULL;

	if (programs->n && !elf_program_read(&elf, programs->v[0], &ignored)) {
		loader = elf.loader;
		elf.loader = NULL;
	}
	elf_program_release(&elf);
	return loader;
}

int toolchain_hostlibs_missing(const char *dir,
			       struct toolchain_missing_list *out,
			       struct err *err)
{
	struct strv programs = { 0 }, plugins = { 0 };
	struct compiler_search search;
	char *loader = NULL;
	int ret = compiler_search_load(&search, NULL, err);

	*out = (struct toolchain_missing_list){ 0 };
	if (!ret)
		ret = toolchain_hostlib_programs(dir, &programs, &plugins, err);
	for (size_t i = 0; i < programs.n && !ret; i++)
		ret = add_missing(out, programs.v[i], NULL, &search, err);
	loader = loader_of(&programs);
	for (size_t i = 0; i < plugins.n && !ret && loader; i++)
		ret = add_missing(out, plugins.v[i], loader, &search, err);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_library);
	for (size_t i = 0; i < out->n; i++)
		strv_sort(&out->v[i].users);
	free(loader);
	buf_release(&search.cache);
	strv_release(&plugins);
	strv_release(&programs);
	if (ret)
		toolchain_hostlibs_release(out);
	return ret;
}

void toolchain_hostlibs_release(struct toolchain_missing_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].library);
		strv_release(&list->v[i].users);
	}
	free(list->v);
	*list = (struct toolchain_missing_list){ 0 };
}
