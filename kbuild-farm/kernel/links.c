/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/links.h"

#include "base/fs.h"
#include "base/which.h"
#include "compiler/find.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
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
