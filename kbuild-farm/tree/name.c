/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/name.h"

#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool tree_name_is_fine(const char *name)
{
	return name[0] && strlen(name) <= NAME_MAX && !strchr(name, '/') &&
	       strcmp(name, ".") && strcmp(name, "..") &&
	       strcasecmp(name, ".git") && strcasecmp(name, "git~1");
}

int tree_name_check_path(const char *path, struct err *err)
{
	bool fine = strlen(path) <= TREE_PATH_MAX;

	for (const char *at = path; fine;) {
		size_t n = strcspn(at, "/");
		char *name = xstrndup(at, n);

		fine = tree_name_is_fine(name);
		free(name);
		if (!at[n])
			break;
		at += n + 1;
	}
	return fine ? 0 :
		      err_set(err, EINVAL,
			      "\"%.200s\" is no path that may be in a tree",
			      path);
}
