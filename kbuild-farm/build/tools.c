/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/tools.h"

#include "base/fs.h"
#include "toolchain/elf.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGINS "/lib/bfd-plugins"

/* GNU's: "nm", "aarch64-linux-gnu-nm", not "llvm-nm" or "gcc-nm". */
static bool is_tool(const char *name)
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

static bool is_own_plugin(const char *name)
{
	return str_starts(name, "liblto_plugin.");
}

/* The plugins that the program `real` loads, NULL: its directory has none. */
static char *plugin_dir(const char *real)
{
	char *bin = str_dir(real);
	char *up = str_dir(bin);
	char *dir = xasprintf("%s" PLUGINS, up);

	free(up);
	free(bin);
	if (fs_is_dir(dir))
		return dir;
	free(dir);
	return NULL;
}

static bool has_foreign(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d)))
		found = strstr(e->d_name, ".so") && !is_own_plugin(e->d_name);
	if (d)
		closedir(d);
	return found;
}

/* It uses libbfd, and finds it from anywhere. */
static bool can_move(const char *real)
{
	struct toolchain_elf elf;
	struct err err = { 0 };
	bool bfd = false;

	if (toolchain_elf_read(&elf, real, &err))
		return false;
	for (size_t i = 0; i < elf.needed.n; i++)
		bfd |= str_starts(elf.needed.v[i], "libbfd");
	if (!elf.loader)
		bfd = true;
	if ((elf.runpath && strstr(elf.runpath, "ORIGIN")) ||
	    (elf.rpath && strstr(elf.rpath, "ORIGIN")))
		bfd = false;
	toolchain_elf_release(&elf);
	return bfd;
}

/* Links to the compiler's own plugins, where the copies look for them. */
static int link_plugins(const char *dir, const char *from, struct err *err)
{
	char *up = str_dir(dir);
	char *to = xasprintf("%s" PLUGINS, up);
	int ret = fs_mkdirs(to, 0700, err);
	DIR *d = ret ? NULL : opendir(from);
	struct dirent *e;

	while (!ret && d && (e = readdir(d))) {
		char *target = xasprintf("%s/%s", from, e->d_name);
		char *link = xasprintf("%s/%s", to, e->d_name);

		if (is_own_plugin(e->d_name) && symlink(target, link) &&
		    errno != EEXIST)
			ret = err_errno(err, "%s", link);
		free(link);
		free(target);
	}
	if (d)
		closedir(d);
	free(to);
	free(up);
	return ret;
}

/* 1: copied, 0: it stays as it is. */
static int take(const char *dir, const char *tool, const char *name,
		struct err *err)
{
	char *copy = xasprintf("%s/%s", dir, name);
	char *real = realpath(tool, NULL), *plugins = NULL;
	int ret = 0;

	if (!real || fs_exists(copy) || access(tool, X_OK) || !can_move(real))
		goto out;
	plugins = plugin_dir(real);
	if (!plugins || !has_foreign(plugins))
		goto out;
	ret = link_plugins(dir, plugins, err);
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
	free(plugins);
	free(real);
	free(copy);
	return ret;
}

/* Of one directory of PATH; only the first of a name on PATH counts. */
static int take_all(const char *dir, const char *from, struct strv *seen,
		    struct err *err)
{
	DIR *d = opendir(from);
	struct dirent *e;
	int n = 0, ret = 0;

	while (d && ret >= 0 && (e = readdir(d))) {
		char *tool;

		if (!is_tool(e->d_name) || strv_has(seen, e->d_name))
			continue;
		tool = xasprintf("%s/%s", from, e->d_name);
		if (!access(tool, X_OK)) {
			strv_add(seen, e->d_name);
			ret = take(dir, tool, e->d_name, err);
			n += ret > 0;
		}
		free(tool);
	}
	if (d)
		closedir(d);
	return ret < 0 ? ret : n;
}

int build_tools_make(const char *dir, const char *path, struct err *err)
{
	struct strv seen = { 0 };
	int n = 0, ret = 0;

	while (ret >= 0 && *path) {
		size_t len = strcspn(path, ":");
		char *from = len ? xstrndup(path, len) : xstrdup(".");

		ret = take_all(dir, from, &seen, err);
		n += ret > 0 ? ret : 0;
		free(from);
		path += len + (path[len] == ':');
	}
	strv_release(&seen);
	return ret < 0 ? ret : n;
}
