/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/links.h"

#include "base/fs.h"
#include "base/which.h"
#include "compiler/find.h"
#include "compiler/plugins.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRAPPER "kfarm-cc"

char *kernel_links_wrapper(void)
{
	static const char *const beside[] = { "", "/../libexec/kfarm",
					      "/../lib/kfarm" };
	char *self = realpath("/proc/self/exe", NULL);
	char *dir = str_dir(self ? self : "/usr/bin/kfarm");
	char *found = NULL;

	for (int i = 0; !found && i < 3; i++) {
		char *file = xasprintf("%s%s/" WRAPPER, dir, beside[i]);

		if (!access(file, X_OK))
			found = realpath(file, NULL);
		free(file);
	}
	free(dir);
	free(self);
	return found ? found : which(WRAPPER, getenv("PATH"));
}

int kernel_links_make(const char *dir, const char *wrapper, const char *path,
		      struct strv *skipped, struct err *err)
{
	struct compiler_list all = { 0 };
	int ret = 0;

	compiler_find(&all, path);
	for (size_t i = 0; !ret && i < all.n; i++) {
		char *link = xasprintf("%s/%s", dir, all.v[i].name);

		if (!all.v[i].is_elf)
			strv_add(skipped, all.v[i].name);
		else if (symlink(wrapper, link))
			ret = err_errno(err, "%s", link);
		free(link);
	}
	compiler_list_release(&all);
	return ret;
}

/* Of one directory of PATH; only the first of a name on PATH counts. */
static int copy_dir_tools(const char *dir, const char *from, struct strv *seen,
			  struct err *err)
{
	struct strv names = { 0 };
	int n = 0, ret = 0;

	fs_list(from, &names);
	for (size_t i = 0; ret >= 0 && i < names.n; i++) {
		const char *name = names.v[i];
		char *tool;

		if (!compiler_plugins_tool(name) || strv_has(seen, name))
			continue;
		tool = xasprintf("%s/%s", from, name);
		if (!access(tool, X_OK)) {
			strv_add(seen, name);
			ret = compiler_plugins_take(dir, tool, name, err);
			n += ret > 0;
		}
		free(tool);
	}
	strv_release(&names);
	return ret < 0 ? ret : n;
}

int kernel_links_tools(const char *dir, const char *path, struct err *err)
{
	struct strv seen = { 0 };
	int n = 0, ret = 0;

	while (ret >= 0 && *path) {
		size_t len = strcspn(path, ":");
		char *from = len ? xstrndup(path, len) : xstrdup(".");

		ret = copy_dir_tools(dir, from, &seen, err);
		n += ret > 0 ? ret : 0;
		free(from);
		path += len + (path[len] == ':');
	}
	strv_release(&seen);
	return ret < 0 ? ret : n;
}
