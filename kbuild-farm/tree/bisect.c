/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/bisect.h"

#include <git2.h>
#include <stddef.h>

bool tree_is_bisected(const char *dir)
{
	git_repository *repo = NULL;
	bool yes;

	git_libgit2_init();
	/* Only the state is read, so the owner does not matter. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	yes = !git_repository_open_ext(&repo, dir,
				       GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) &&
	      git_repository_state(repo) == GIT_REPOSITORY_STATE_BISECT;
	git_repository_free(repo);
	git_libgit2_shutdown();
	return yes;
}
