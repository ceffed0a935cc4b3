/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/tools.h"

#include "compiler/plugins.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of one directory of PATH; only the first of a name on PATH counts. */
static int take_all(const char *dir, const char *from, struct strv *seen,
		    struct err *err)
{
	DIR *d = opendir(from);
	struct dirent *e;
	int n = 0, ret = 0;

	while (d && ret >= 0 && (e = readdir(d))) {
		char *tool;

		if (!compiler_plugins_tool(e->d_name) ||
		    strv_has(seen, e->d_name))
			continue;
		tool = xasprintf("%s/%s", from, e->d_name);
		if (!access(tool, X_OK)) {
			strv_add(seen, e->d_name);
			ret = compiler_plugins_take(dir, tool, e->d_name, err);
			n += ret > 0;
		}
		free(tool);
	}
	if (d)
		closedir(d);
	return ret < 0 ? ret : n;
}

int kernel_tools_make(const char *dir, const char *path, struct err *err)
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
