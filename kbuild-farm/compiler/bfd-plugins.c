/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/bfd-plugins.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/vec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGINS "bfd-plugins"
/* Maximum size of a binutils program, which usually has 1 to 3 MB. */
#define BINUTILS_PROGRAM_BYTES_MAX (64u << 20)

/* Directories next to "bin" with plugins; Fedora uses lib64. */
static const char *const homes[] = { "lib", "lib64" };

/*
 * Return true for a plugin of the compiler or of binutils, which loads in
 * negligible time.
 */
static bool is_own_plugin(const char *name)
{
	return str_starts(name, "liblto_plugin.") ||
	       str_equal(name, "libdep.so");
}

/* Return the i-th directory in which the program `real` looks for plugins. */
static char *plugin_dir(const char *real, size_t i)
{
	char *bin = str_dir(real);
	char *up = str_dir(bin);
	char *dir = xasprintf("%s/%s/" PLUGINS, up, homes[i]);

	free(up);
	free(bin);
	return dir;
}

/*
 * Return true for a program that uses libbfd.  If libbfd is linked statically,
 * the program contains the name of the plugin directory.
 */
static bool uses_bfd(const char *real, struct elf_program *elf)
{
	struct buf bytes = { 0 };
	struct err ignored;
	bool bfd = false;

	if (elf_program_read(elf, real, &ignored))
		return false;
	for (size_t i = 0; i < elf->needed.n; i++)
		bfd |= str_starts(elf->needed.v[i], "libbfd");
	if (bfd)
		return true;
	bfd = !fs_read(real, BINUTILS_PROGRAM_BYTES_MAX, &bytes, &ignored) &&
	      memmem(bytes.data, bytes.len, "/" PLUGINS, strlen("/" PLUGINS));
	buf_release(&bytes);
	return bfd;
}

static void add_foreign_plugins(struct strv *out, const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (strstr(names.v[i], ".so") && !is_own_plugin(names.v[i]))
			strv_addf(out, "%s/%s", dir, names.v[i]);
	}
	strv_release(&names);
}

/*
 * List the foreign plugins (neither the compiler's nor binutils' own) of the
 * program at `real`, a path without links.  Returns true if the program has
 * such plugins.  *is_relocatable is set to true if a copy of the program in
 * another directory would find its libraries.
 */
static bool find_foreign_plugins(const char *real, struct strv *out,
				 bool *is_relocatable)
{
	struct elf_program elf = { 0 };
	size_t before = out->n;

	for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
		char *dir = plugin_dir(real, i);

		add_foreign_plugins(out, dir);
		free(dir);
	}
	if (out->n > before && !uses_bfd(real, &elf)) {
		while (out->n > before)
			free(out->v[--out->n]);
		if (out->v)
			out->v[out->n] = NULL;
	}
	*is_relocatable = out->n > before &&
			  !(elf.runpath && strstr(elf.runpath, "ORIGIN")) &&
			  !(elf.rpath && strstr(elf.rpath, "ORIGIN"));
	elf_program_release(&elf);
	return out->n > before;
}

/* Link the compiler's plugins into the plugin directory of `dir`. */
static int symlink_own_plugins(const char *dir, const char *real,
			       struct err *err)
{
	char *up = str_dir(dir);
	char *to = xasprintf("%s/lib/" PLUGINS, up);
	int ret = fs_mkdirs(to, 0755, err);

	for (size_t i = 0; i < ARRAY_SIZE(homes) && !ret; i++) {
		char *from = plugin_dir(real, i);
		struct strv names = { 0 };

		fs_list(from, &names);
		for (size_t k = 0; k < names.n && !ret; k++) {
			char *target = xasprintf("%s/%s", from, names.v[k]);
			char *link = xasprintf("%s/%s", to, names.v[k]);

			if (is_own_plugin(names.v[k]) &&
			    symlink(target, link) && errno != EEXIST)
				ret = err_errno(err, "%s", link);
			free(link);
			free(target);
		}
		strv_release(&names);
		free(from);
	}
	free(to);
	free(up);
	return ret;
}

bool compiler_bfd_plugins_is_loader_name(const char *name)
{
	const char *dash = strrchr(name, '-');
	const char *last = dash ? dash + 1 : name;

	if (dash && (str_starts(name, "llvm-") || strstr(name, "gcc-")))
		return false;
	return str_list_has("nm,ar,ranlib", ',', last);
}

bool compiler_bfd_plugins_list_foreign(const char *tool, struct strv *out)
{
	char *real = realpath(tool, NULL);
	bool movable, found = real && find_foreign_plugins(real, out, &movable);

	if (found)
		strv_sort(out);
	free(real);
	return found;
}

int compiler_bfd_plugins_copy_tool(const char *dir, const char *tool,
				   const char *name, struct err *err)
{
	char *copy = xasprintf("%s/%s", dir, name);
	char *real = realpath(tool, NULL);
	struct strv foreign = { 0 };
	bool movable;
	int ret = 0;

	if (!real || fs_exists(copy) || access(tool, X_OK) ||
	    !find_foreign_plugins(real, &foreign, &movable) || !movable)
		goto out;
	ret = symlink_own_plugins(dir, real, err);
	if (!ret)
		ret = fs_copy(real, copy, err);
	if (ret)
		goto out;
	ret = 1;
	/* Remove a copy that cannot run: `dir` can be mounted noexec. */
	if (access(copy, X_OK)) {
		unlink(copy);
		ret = 0;
	}
out:
	strv_release(&foreign);
	free(real);
	free(copy);
	return ret;
}
