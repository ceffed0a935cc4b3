/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/plugins.h"

#include "base/elf.h"
#include "base/fs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGINS     "bfd-plugins"
#define PROGRAM_MAX (64u << 20) /* of a binutils program; 1 to 3 MB */

/* Beside "bin": Debian's and binutils' own, and where Fedora has them. */
static const char *const homes[] = { "lib", "lib64" };
#define N_HOMES (sizeof(homes) / sizeof(*homes))

/* The compiler's or binutils' own, which cost next to nothing. */
static bool is_own_plugin(const char *name)
{
	return str_starts(name, "liblto_plugin.") ||
	       str_equal(name, "libdep.so");
}

/* Where the program `real` looks for plugins, the `i`th place. */
static char *plugin_dir(const char *real, size_t i)
{
	char *bin = str_dir(real);
	char *up = str_dir(bin);
	char *dir = xasprintf("%s/%s/" PLUGINS, up, homes[i]);

	free(up);
	free(bin);
	return dir;
}

static bool holds_text(const char *file, const char *text)
{
	struct buf bytes = { 0 };
	struct err ignored;
	bool found = !fs_read(file, PROGRAM_MAX, &bytes, &ignored) &&
		     memmem(bytes.data, bytes.len, text, strlen(text));

	buf_release(&bytes);
	return found;
}

/* Is it a program that uses libbfd, be it linked in? */
static bool uses_bfd(const char *real, struct elf_program *elf)
{
	struct err ignored;
	bool bfd = false;

	if (elf_program_read(elf, real, &ignored))
		return false;
	for (size_t i = 0; i < elf->needed.n; i++)
		bfd |= str_starts(elf->needed.v[i], "libbfd");
	return bfd || holds_text(real, "/" PLUGINS);
}

/* It finds its libraries from anywhere. */
static bool can_move(const struct elf_program *elf)
{
	return !(elf->runpath && strstr(elf->runpath, "ORIGIN")) &&
	       !(elf->rpath && strstr(elf->rpath, "ORIGIN"));
}

static void add_foreign(struct strv *out, const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (strstr(names.v[i], ".so") && !is_own_plugin(names.v[i]))
			strv_addf(out, "%s/%s", dir, names.v[i]);
	}
	strv_release(&names);
}

/* As compiler_plugins_foreign(), of a path without links. */
static bool has_foreign(const char *real, struct strv *out, bool *movable)
{
	struct elf_program elf = { 0 };
	size_t before = out->n;

	for (size_t i = 0; i < N_HOMES; i++) {
		char *dir = plugin_dir(real, i);

		add_foreign(out, dir);
		free(dir);
	}
	if (out->n > before && !uses_bfd(real, &elf)) {
		while (out->n > before)
			free(out->v[--out->n]);
		if (out->v)
			out->v[out->n] = NULL;
	}
	*movable = out->n > before && can_move(&elf);
	elf_program_release(&elf);
	return out->n > before;
}

/* Links to the compiler's own plugins of `from` in `to`. */
static int link_known(const char *to, const char *from, struct err *err)
{
	struct strv names = { 0 };
	int ret = 0;

	fs_list(from, &names);
	for (size_t i = 0; i < names.n && !ret; i++) {
		char *target = xasprintf("%s/%s", from, names.v[i]);
		char *link = xasprintf("%s/%s", to, names.v[i]);

		if (is_own_plugin(names.v[i]) && symlink(target, link) &&
		    errno != EEXIST)
			ret = err_errno(err, "%s", link);
		free(link);
		free(target);
	}
	strv_release(&names);
	return ret;
}

/* Where the copies in `dir` look for them. */
static int link_plugins(const char *dir, const char *real, struct err *err)
{
	char *up = str_dir(dir);
	char *to = xasprintf("%s/lib/" PLUGINS, up);
	int ret = fs_mkdirs(to, 0755, err);

	for (size_t i = 0; i < N_HOMES && !ret; i++) {
		char *from = plugin_dir(real, i);

		ret = link_known(to, from, err);
		free(from);
	}
	free(to);
	free(up);
	return ret;
}

bool compiler_plugins_tool(const char *name)
{
	static const char *const tools[] = { "nm", "ar", "ranlib" };
	const char *dash = strrchr(name, '-');
	const char *last = dash ? dash + 1 : name;

	if (dash && (str_starts(name, "llvm-") || strstr(name, "gcc-")))
		return false;
	for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++)
		if (str_equal(last, tools[i]))
			return true;
	return false;
}

bool compiler_plugins_foreign(const char *tool, struct strv *out)
{
	char *real = realpath(tool, NULL);
	bool movable, found = real && has_foreign(real, out, &movable);

	if (found)
		strv_sort(out);
	free(real);
	return found;
}

int compiler_plugins_take(const char *dir, const char *tool, const char *name,
			  struct err *err)
{
	char *copy = xasprintf("%s/%s", dir, name);
	char *real = realpath(tool, NULL);
	struct strv foreign = { 0 };
	bool movable;
	int ret = 0;

	if (!real || fs_exists(copy) || access(tool, X_OK) ||
	    !has_foreign(real, &foreign, &movable) || !movable)
		goto out;
	ret = link_plugins(dir, real, err);
	if (!ret)
		ret = fs_copy(real, copy, err);
	if (ret)
		goto out;
	ret = 1;
	/* A directory that is mounted noexec. */
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
