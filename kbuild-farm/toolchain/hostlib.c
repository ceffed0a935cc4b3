/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/hostlib.h"

#include "base/elf.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/find.h"
#include "compiler/host.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static bool equal_elf_strings(const char *a, const char *b)
{
	return a && b ? str_equal(a, b) : a == b;
}

/*
 * Check that the patched file `file` differs from the old file only in its
 * library path, which must be `path`.
 */
static int check_patched(const struct elf_program *old, const char *file,
			 const char *path, struct err *err)
{
	struct elf_program now;
	int ret = elf_program_read(&now, file, err);

	if (!ret &&
	    (!elf_program_is_compatible(old, &now) ||
	     !equal_elf_strings(old->interpreter, now.interpreter) ||
	     !equal_elf_strings(old->soname, now.soname) ||
	     !strv_equal(&old->needed, &now.needed) ||
	     !equal_elf_strings(now.runpath ? now.runpath : now.rpath, path)))
		ret = err_set(err, ENOEXEC,
			      "patchelf changed more than the library path");
	elf_program_release(&now);
	return ret;
}

static int run_patchelf(const char *patchelf, const char *file,
			const char *path, bool rpath, const char *out,
			struct err *err)
{
	const char *argv[] = { patchelf,
			       "--output",
			       out,
			       "--set-rpath",
			       path,
			       rpath ? "--force-rpath" : file,
			       rpath ? file : NULL,
			       NULL };
	char *env[] = { (char *)"LC_ALL=C", NULL };
	struct buf output = { 0 };
	int ret = capture_run(NULL, "/", (char *const *)argv, env, &output,
			      &output, err);

	if (ret && output.len)
		err_set(err, ENOEXEC, "%.*s",
			(int)strcspn(buf_str(&output), "\n"), buf_str(&output));
	if (ret)
		ret = -ENOEXEC;
	buf_release(&output);
	return ret;
}

static int patch_file(const char *file, const struct elf_program *elf,
		      const char *element, struct toolchain_runpath_change *out,
		      struct err *err)
{
	char *patchelf = which("patchelf", getenv("PATH"));
	const char *old = elf->runpath ? elf->runpath : elf->rpath;
	char *path = xasprintf("%s%s%s", old ? old : "", old && *old ? ":" : "",
			       element);
	char *made = xasprintf("%s.kfarm.%d", file, (int)getpid());
	struct timespec times[2];
	struct stat st;
	int ret;

	if (!patchelf) {
		ret = err_set(err, ENOPKG,
			      "cannot set the library path: patchelf: command "
			      "not found; install the package patchelf");
		goto out;
	}
	ret = stat(file, &st) ? err_errno(err, "stat") : 0;
	if (ret)
		goto out;
	ret = digest_file(file, &out->before, err);
	if (ret)
		goto out;
	ret = run_patchelf(patchelf, file, path, !elf->runpath && elf->rpath,
			   made, err);
	if (ret)
		goto out;
	ret = check_patched(elf, made, path, err);
	if (ret)
		goto out;
	ret = digest_file(made, &out->after, err);
	if (ret)
		goto out;

	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (chmod(made, st.st_mode & 07777) ||
	    utimensat(AT_FDCWD, made, times, 0) || rename(made, file))
		ret = err_errno(err, "%s", made);
out:
	if (ret)
		unlink(made);
	free(made);
	free(path);
	free(patchelf);
	return ret;
}

int toolchain_runpath_add(const char *file, const char *element,
			  struct toolchain_runpath_change *out, struct err *err)
{
	struct elf_program elf;
	int ret = elf_program_read(&elf, file, err);

	*out = (struct toolchain_runpath_change){ 0 };
	if (ret)
		return ret;
	if (!str_list_has(elf.runpath ? elf.runpath : elf.rpath, ':',
			  element)) {
		ret = patch_file(file, &elf, element, out, err);
		out->changed = !ret;
	}
	elf_program_release(&elf);
	if (ret)
		err_wrap(err, "%s", file);
	return ret;
}

#define BLOCK (64u << 10)

/* A Debian package: `inner` reads data.tar.* out of the ar archive `outer`. */
struct package {
	const char *file;
	const char *dir;
	struct archive *outer, *inner;
	uint8_t block[BLOCK];
	uint64_t n_bytes;
	int n_entries;
	struct err *err;
};

static int reject_package(struct package *p, struct archive *a,
			  const char *what)
{
	const char *why = a ? archive_error_string(a) : NULL;

	return err_set(p->err, EINVAL, "%s: %s%s%s", p->file, what,
		       why ? ": " : "", why ? why : "");
}

static la_ssize_t read_data_member(struct archive *a, void *ctx,
				   const void **out)
{
	struct package *p = ctx;
	la_ssize_t n = archive_read_data(p->outer, p->block, BLOCK);

	*out = p->block;
	if (n < 0) {
		archive_set_error(a, EIO, "%s", archive_error_string(p->outer));
		return -1;
	}
	return n;
}

/* Return true for a name like "libz.so.1" without a directory. */
static bool is_library(const char *name)
{
	const char *so = strstr(name, ".so");

	return name[0] && name[0] != '.' && strlen(name) < 200 && so &&
	       (so[3] == '\0' || so[3] == '.') && !strchr(name, '/');
}

static int extract_deb_entry(struct package *p, struct archive_entry *e)
{
	const char *path = archive_entry_pathname(e);
	const char *name = path ? str_base(path) : "";
	const char *link = archive_entry_symlink(e);
	char *out;
	int fd, ret = 0;

	/* Skipped entries count too, because they must be decompressed. */
	p->n_bytes += (uint64_t)archive_entry_size(e);
	if (archive_entry_size(e) < 0 ||
	    archive_entry_size(e) > TOOLCHAIN_DEB_BYTES_MAX ||
	    p->n_bytes > TOOLCHAIN_DEB_BYTES_MAX)
		return err_set(p->err, E2BIG, "%s: unpacks to more than %u MiB",
			       p->file, TOOLCHAIN_DEB_BYTES_MAX >> 20);
	if (!is_library(name))
		return 0;
	if (p->n_entries >= TOOLCHAIN_DEB_FILES_MAX)
		return err_set(p->err, E2BIG,
			       "%s: contains more than %d libraries", p->file,
			       TOOLCHAIN_DEB_FILES_MAX);
	if (!link)
		link = archive_entry_hardlink(e);
	if (link)
		link = str_base(link);
	if (!link && archive_entry_filetype(e) != AE_IFREG)
		return 0;
	/* Omit a link to a file that is not a library, and a link to itself. */
	if (link && (!is_library(link) || str_equal(link, name)))
		return 0;
	out = xasprintf("%s/%s", p->dir, name);
	if (link) {
		if (!symlink(link, out))
			p->n_entries++;
		else if (errno != EEXIST)
			ret = err_errno(p->err, "%s", out);
		free(out);
		return ret;
	}
	fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0) {
		if (archive_read_data_into_fd(p->inner, fd) != ARCHIVE_OK)
			ret = reject_package(p, p->inner, "damaged package");
		if (close(fd) && !ret)
			ret = err_errno(p->err, "%s", out);
		p->n_entries++;
	} else if (errno != EEXIST) {
		ret = err_errno(p->err, "%s", out);
	}
	free(out);
	return ret;
}

int toolchain_hostlib_extract_deb(const char *file, const char *dir,
				  struct err *err)
{
	struct package *p = xcalloc(1, sizeof(*p));
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct archive_entry *e;
	const char *name;
	int code, ret = 0;

	p->file = file;
	p->dir = dir;
	p->err = err;
	p->outer = archive_read_new();
	p->inner = archive_read_new();
	if (!p->outer || !p->inner)
		str_out_of_memory();
	archive_read_support_format_ar(p->outer);
	if (fd < 0) {
		ret = err_errno(err, "%s", file);
		goto out;
	}
	if (archive_read_open_fd(p->outer, fd, BLOCK) != ARCHIVE_OK) {
		ret = reject_package(p, p->outer, "not a Debian package");
		goto out;
	}
	do {
		code = archive_read_next_header(p->outer, &e);
		name = code == ARCHIVE_OK ? archive_entry_pathname(e) : NULL;
	} while (code == ARCHIVE_OK && !(name && str_starts(name, "data.tar")));
	if (code != ARCHIVE_OK) {
		ret = reject_package(p, code == ARCHIVE_EOF ? NULL : p->outer,
				     "not a Debian package");
		goto out;
	}

	archive_read_support_format_tar(p->inner);
	archive_read_support_filter_xz(p->inner);
	archive_read_support_filter_gzip(p->inner);
	archive_read_support_filter_zstd(p->inner);
	archive_read_support_filter_bzip2(p->inner);
	archive_read_support_filter_lzma(p->inner);
	if (archive_read_open(p->inner, p, NULL, read_data_member, NULL) !=
	    ARCHIVE_OK) {
		ret = reject_package(p, p->inner, "damaged package");
		goto out;
	}
	while (!ret &&
	       (code = archive_read_next_header(p->inner, &e)) == ARCHIVE_OK)
		ret = extract_deb_entry(p, e);
	if (!ret && code != ARCHIVE_EOF)
		ret = reject_package(p, p->inner, "damaged package");
	if (!ret)
		ret = p->n_entries;
out:
	archive_read_free(p->inner);
	archive_read_free(p->outer);
	if (fd >= 0)
		close(fd);
	free(p);
	return ret;
}

struct program_walk {
	struct utsname machine;
	struct strv *programs, *plugins;
};

/*
 * Return true for the LTO plugin.  Every build needs the plugin, because ld
 * loads it by default.
 */
static bool is_plugin(const char *name)
{
	return str_starts(name, "liblto_plugin.so");
}

/*
 * Add the file `path` to the programs if its ELF header names a loader, or else
 * to the plugins if it is a plugin.  Files for other machines are ignored.
 */
static void add_native_program(struct program_walk *w, const char *path)
{
	bool plugin = is_plugin(str_base(path));
	struct elf_program elf;
	struct err ignored;

	/*
	 * Ignore a damaged program, because the damage matters only if the
	 * program is started.
	 */
	if (!elf_has_magic(path) || elf_program_read(&elf, path, &ignored))
		return;
	if (compiler_host_can_execute(&elf, w->machine.machine)) {
		if (elf.interpreter)
			strv_add(w->programs, path);
		else if (plugin)
			strv_add(w->plugins, path);
	}
	elf_program_release(&elf);
}

int toolchain_hostlib_list_programs(const char *dir, struct strv *programs,
				    struct strv *plugins, struct err *err)
{
	struct program_walk w = { .programs = programs, .plugins = plugins };
	char *root = xstrdup(dir), *roots[] = { root, NULL };
	int ret = uname(&w.machine) ? err_errno(err, "uname") : 0;
	FTS *fts = NULL;
	FTSENT *e;

	if (!ret) {
		fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
		ret = fts ? 0 : err_errno(err, "%s", dir);
	}
	while (!ret && (e = fts_read(fts))) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
		    e->fts_info == FTS_NS)
			ret = err_set(err, e->fts_errno, "%s: %s", e->fts_path,
				      strerror(e->fts_errno));
		else if (e->fts_info == FTS_F &&
			 ((e->fts_statp->st_mode & 0111) ||
			  is_plugin(e->fts_name)))
			add_native_program(&w, e->fts_path);
	}
	if (fts)
		fts_close(fts);
	free(root);
	strv_sort(programs);
	strv_sort(plugins);
	return ret;
}

/*
 * Return true if the first `n` bytes of `name` are `word`, with or without a
 * triplet in front.
 */
static bool is_program_named(const char *name, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && !strncmp(name + n - len, word, len) &&
	       (n == len || name[n - len - 1] == '-');
}

bool toolchain_hostlib_is_build_tool(const char *path)
{
	static const char *const tools[] = {
		"gcc",   "cpp",     "cc1",     "collect2", "lto1",
		"as",    "ld",      "ld.bfd",  "ar",       "nm",
		"strip", "objcopy", "objdump", "readelf",  "ranlib",
		"lld",   "ld.lld",  "clang",   "gcc-ar",   "lto-wrapper",
	};
	const char *name = str_base(path);
	size_t stem = compiler_find_stem_len(name);

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		if (is_program_named(name, strlen(name), tools[i]))
			return true;
	}
	/* A name with a version: gcc-7.3.0, clang-14. */
	if (name[stem])
		return is_program_named(name, stem, "gcc") ||
		       is_program_named(name, stem, "clang");
	return is_plugin(name) || str_starts(name, "llvm-");
}

static struct toolchain_missing_library *need_missing_library(
	struct toolchain_missing_list *out, const char *library)
{
	for (size_t i = 0; i < out->n; i++) {
		if (!strcmp(out->v[i].library, library))
			return &out->v[i];
	}
	*VEC_ADD(out->v, out->n) = (struct toolchain_missing_library){
		.library = xstrdup(library)
	};
	return &out->v[out->n - 1];
}

static int add_missing_of_file(struct toolchain_missing_list *out,
			       const char *path, const char *loader,
			       const struct compiler_library_search *search,
			       struct err *err)
{
	struct compiler_missing_libraries needs;
	int ret = compiler_library_find_missing(&needs, path, loader, search,
						err);

	for (size_t i = 0; i < needs.names.n && !ret; i++) {
		struct toolchain_missing_library *m = need_missing_library(
			out, needs.names.v[i]);
		char *user = realpath(needs.users.v[i], NULL);

		m->required |= toolchain_hostlib_is_build_tool(path);
		if (user && !strv_has(&m->users, user))
			strv_add(&m->users, user);
		free(user);
	}
	compiler_library_missing_release(&needs);
	/* A broken gdb or gcov does not prevent a build. */
	return ret && !toolchain_hostlib_is_build_tool(path) ? 0 : ret;
}

static int by_library_name(const void *a, const void *b)
{
	const struct toolchain_missing_library *x = a, *y = b;

	return strcmp(x->library, y->library);
}

int toolchain_hostlib_list_missing(const char *dir,
				   struct toolchain_missing_list *out,
				   struct err *err)
{
	struct strv programs = { 0 }, plugins = { 0 };
	struct compiler_library_search search;
	struct elf_program first = { 0 };
	struct err ignored;
	int ret = compiler_library_search_load(&search, NULL, err);

	*out = (struct toolchain_missing_list){ 0 };
	if (!ret)
		ret = toolchain_hostlib_list_programs(dir, &programs, &plugins,
						      err);
	for (size_t i = 0; i < programs.n && !ret; i++)
		ret = add_missing_of_file(out, programs.v[i], NULL, &search,
					  err);
	/*
	 * A plugin is loaded into a program, so it has no PT_INTERP segment
	 * that names a loader.  Assume that the program that loads the plugin
	 * has the same loader as the first program below `dir`.
	 */
	if (programs.n)
		elf_program_read(&first, programs.v[0], &ignored);
	for (size_t i = 0; i < plugins.n && !ret && first.interpreter; i++)
		ret = add_missing_of_file(out, plugins.v[i], first.interpreter,
					  &search, err);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_library_name);
	for (size_t i = 0; i < out->n; i++)
		strv_sort(&out->v[i].users);
	elf_program_release(&first);
	buf_release(&search.cache);
	strv_release(&plugins);
	strv_release(&programs);
	if (ret)
		toolchain_hostlib_missing_release(out);
	return ret;
}

void toolchain_hostlib_missing_release(struct toolchain_missing_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].library);
		strv_release(&list->v[i].users);
	}
	free(list->v);
	*list = (struct toolchain_missing_list){ 0 };
}
