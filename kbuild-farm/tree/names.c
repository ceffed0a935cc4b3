/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/names.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>

/* References below `kind` that begin so; a glob would take "*" of a name. */
static void list_kind(git_repository *repo, const char *kind,
		      const char *prefix, size_t most, struct strv *out)
{
	git_reference_iterator *refs = NULL;
	char *glob = xasprintf("%s*", kind);
	const char *name;
	size_t n = 0;

	if (!git_reference_iterator_glob_new(&refs, repo, glob)) {
		while (n < most && !git_reference_next_name(&name, refs)) {
			const char *word = name + strlen(kind);

			if (!str_starts(word, prefix) ||
			    str_ends(word, "/HEAD"))
				continue;
			strv_add(out, word);
			n++;
		}
	}
	git_reference_iterator_free(refs);
	free(glob);
}

void tree_names_list(const char *path, const char *prefix, size_t most,
		     struct strv *out)
{
	git_repository *repo = NULL;

	git_libgit2_init();
	/* Only names are read, so the owner does not matter. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	if (!git_repository_open_ext(&repo, path, GIT_REPOSITORY_OPEN_NO_SEARCH,
				     NULL)) {
		list_kind(repo, "refs/heads/", prefix, most, out);
		list_kind(repo, "refs/remotes/", prefix, most, out);
		list_kind(repo, "refs/tags/", prefix, most, out);
	}
	git_repository_free(repo);
	git_libgit2_shutdown();
}
