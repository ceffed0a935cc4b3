/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/bisect.h"

#include "base/fs.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>

/* refs/bisect is a work tree's own: "good-COMMIT", "bad", "skip-COMMIT". */
static void list_good(git_repository *repo, struct strv *good)
{
	char *dir = xasprintf("%srefs/bisect", git_repository_path(repo));
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		/* `git bisect terms` may call it otherwise. */
		const char *dash = strrchr(names.v[i], '-');

		if (dash && !str_starts(names.v[i], "skip-"))
			strv_add(good, dash + 1);
	}
	strv_release(&names);
	free(dir);
}

static bool ask_bisect(const char *dir, unsigned flags, struct strv *good)
{
	git_repository *repo = NULL;
	bool yes;

	git_libgit2_init();
	/* Only the state is read, so the owner does not matter. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	yes = !git_repository_open_ext(&repo, dir, flags, NULL) &&
	      git_repository_state(repo) == GIT_REPOSITORY_STATE_BISECT;
	if (yes && good)
		list_good(repo, good);
	git_repository_free(repo);
	git_libgit2_shutdown();
	return yes;
}

bool tree_is_bisected(const char *dir)
{
	return ask_bisect(dir, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
}

bool tree_bisect_good(const char *dir, struct strv *good)
{
	return ask_bisect(dir, 0, good);
}
