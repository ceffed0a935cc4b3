/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/masquerade.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/process.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/bfd-plugins.h"
#include "compiler/find.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRAPPER       "kfarm-cc"
#define DIGEST_DIGITS 16 /* number of digits of KEY in DATA/links/KEY */

char *kernel_masquerade_find_wrapper(void)
{
	char *self = process_program_path();
	char *dir = str_dir(self ? self : "/usr/bin/kfarm");
	char *file = xasprintf("%s/" WRAPPER, dir);
	char *found = access(file, X_OK) ? which(WRAPPER, getenv("PATH")) :
					   realpath(file, NULL);

	free(file);
	free(dir);
	free(self);
	return found;
}

static bool is_link_to(const char *link, const char *to)
{
	char at[PATH_MAX];
	ssize_t n = readlink(link, at, sizeof(at));

	return n == (ssize_t)strlen(to) && !memcmp(at, to, (size_t)n);
}

/* Create a link.  Retry, because another run may create it concurrently. */
static int ensure_link(const char *to, const char *dir, const char *name,
		       struct err *err)
{
	char *link = xasprintf("%s/%s", dir, name);
	int ret = 0;

	for (int i = 0; !is_link_to(link, to); i++) {
		unlink(link);
		if (symlink(to, link) && (errno != EEXIST || i > 2)) {
			ret = err_errno(err, "%s", link);
			break;
		}
	}
	free(link);
	return ret;
}

/*
 * List the compilers on `path`, and the launchers that kfarm replaces.  A
 * launcher that is not installed gets no link, so that a command fails as it
 * would without kfarm.
 */
static void find_programs(struct compiler_list *out, const char *path)
{
	static const char *const launchers[] = { "ccache", "distcc", "icecc",
						 "sccache" };

	compiler_find_all(out, path);
	for (size_t i = 0; i < ARRAY_SIZE(launchers); i++) {
		char *file = which(launchers[i], path);

		if (file)
			*VEC_ADD(out->v, out->n) = (struct compiler_program){
				.name = xstrdup(launchers[i]),
				.path = file,
				.is_elf = true,
			};
	}
}

static int link_compilers(const char *dir, const char *wrapper,
			  const struct compiler_list *all, struct strv *skipped,
			  struct err *err)
{
	char *bin = xasprintf("%s/bin", dir), *real = xasprintf("%s/real", dir);
	int ret = fs_mkdirs(bin, 0755, err);

	if (!ret)
		ret = fs_mkdirs(real, 0755, err);
	for (size_t i = 0; !ret && i < all->n; i++) {
		const char *name = all->v[i].name;
		char *path = fs_make_absolute(all->v[i].path);

		if (!all->v[i].is_elf)
			strv_add(skipped, name);
		else
			ret = ensure_link(path, real, name, err);
		if (!ret && all->v[i].is_elf)
			ret = ensure_link(wrapper, bin, name, err);
		free(path);
	}
	free(real);
	free(bin);
	return ret;
}

int kernel_masquerade_make(const char *dir, const char *wrapper,
			   const char *path, struct strv *skipped,
			   struct err *err)
{
	struct compiler_list all = { 0 };
	int ret;

	find_programs(&all, path);
	ret = link_compilers(dir, wrapper, &all, skipped, err);
	compiler_list_release(&all);
	return ret;
}

/*
 * Copy the wrapper to `dir` unless an equal copy exists.  If the file system of
 * `dir` is mounted noexec, create a symbolic link to `wrapper` instead.
 */
static int install_wrapper(const char *dir, const char *wrapper,
			   struct err *err)
{
	char *copy = xasprintf("%s/" WRAPPER, dir);
	struct digest a, b;
	struct err ignored;
	int ret = 0;

	if (access(copy, X_OK) || digest_file(copy, &a, &ignored) ||
	    digest_file(wrapper, &b, &ignored) || !digest_equal(&a, &b)) {
		ret = fs_copy(wrapper, copy, err);
		if (!ret && access(copy, X_OK))
			ret = ensure_link(wrapper, dir, WRAPPER, err);
	}
	free(copy);
	return ret;
}

int kernel_masquerade_make_permanent(char **bin, const char *wrapper,
				     const char *path, struct strv *skipped,
				     struct err *err)
{
	char *home = fs_data_home(), *top = xasprintf("%s/links", home), *dir;
	struct digest_ctx *ctx = digest_new();
	struct compiler_list all = { 0 };
	char key[DIGEST_HEX];
	struct digest digest;
	int ret;

	find_programs(&all, path);
	/*
	 * KEY, the name of the directory, is a digest of the compilers' names
	 * and paths.  The list has a fixed order, so equal sets of compilers
	 * have equal keys.
	 */
	for (size_t i = 0; i < all.n; i++) {
		const char *name = all.v[i].name;
		char *file = fs_make_absolute(all.v[i].path);

		if (all.v[i].is_elf) {
			digest_add(ctx, bytes_of(name, strlen(name) + 1));
			digest_add(ctx, bytes_of(file, strlen(file) + 1));
		}
		free(file);
	}
	digest_finish(ctx, &digest);
	digest_format(&digest, key);
	dir = xasprintf("%s/%.*s", top, DIGEST_DIGITS, key);
	ret = fs_mkdirs(top, 0755, err);
	if (!ret)
		ret = install_wrapper(top, wrapper, err);
	if (!ret)
		ret = link_compilers(dir, "../../" WRAPPER, &all, skipped, err);
	if (!ret)
		*bin = xasprintf("%s/bin", dir);
	else
		err_wrap(err,
			 "cannot create links from compiler names to kfarm-cc "
			 "(XDG_DATA_HOME selects their directory)");
	compiler_list_release(&all);
	free(dir);
	free(top);
	free(home);
	return ret;
}

/*
 * Copy the tools of `from`, a directory of PATH, except tools whose names are
 * in `seen`.  Returns 0 or a negative errno with `err` set.
 */
static int copy_dir_tools(const char *dir, const char *from, struct strv *seen,
			  struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	fs_list(from, &names);
	for (size_t i = 0; ret >= 0 && i < names.n; i++) {
		const char *name = names.v[i];
		char *tool;

		if (!compiler_bfd_plugins_is_loader_name(name) ||
		    strv_has(seen, name))
			continue;
		tool = xasprintf("%s/%s", from, name);
		if (!access(tool, X_OK)) {
			strv_add(seen, name);
			ret = compiler_bfd_plugins_copy_tool(dir, tool, name,
							     err);
		}
		free(tool);
	}
	strv_release(&names);
	return ret < 0 ? ret : 0;
}

int kernel_masquerade_copy_tools(const char *dir, const char *path,
				 struct err *err)
{
	struct strv seen = { 0 };
	int ret = 0;

	while (!ret && *path) {
		size_t len = strcspn(path, ":");
		char *from = len ? xstrndup(path, len) : xstrdup(".");

		ret = copy_dir_tools(dir, from, &seen, err);
		free(from);
		path += len + (path[len] == ':');
	}
	strv_release(&seen);
	return ret;
}
