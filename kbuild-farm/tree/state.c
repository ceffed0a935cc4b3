/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/state.h"

#include "base/fs.h"
#include "base/vec.h"
#include "tree/git.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const tree_kinds[TREE_KIND_IMPORT + 1] = {
	[TREE_KIND_CLONE] = "clone",
	[TREE_KIND_BORROWED] = "borrows",
	[TREE_KIND_IN_PLACE] = "in-place",
	[TREE_KIND_IMPORT] = "import",
};

static const struct json_file file_format = {
	.file = { .max_bytes = 1u << 20, .mode = 0644, .durable = true },
	.dump_flags = JSON_INDENT(2),
};

static const struct record_member branch_members[] = {
	{ RECORD_STRING("name", tree_branch, name), .required = true },
	{ RECORD_STRING("commit", tree_branch, commit), .required = true },
	{ RECORD_NUMBER("time", tree_branch, time_s, INT64_MIN, INT64_MAX) },
};
const struct record tree_branch_record = RECORD(tree_branch, branch_members);

static const struct record_member state_members[] = {
	{ RECORD_WORD("kind", tree_state, kind, tree_kinds), .required = true },
	{ RECORD_STRING("source", tree_state, source) },
	{ RECORD_NUMBER("updated", tree_state, updated_s, INT64_MIN,
			INT64_MAX) },
	{ RECORD_NUMBER("size", tree_state, size_bytes, 0, INT64_MAX) },
	{ RECORD_OBJECT("head", tree_state, head, &tree_branch_record) },
	{ RECORD_LIST("branches", tree_state, branches, n_branches,
		      TREE_BRANCHES_MAX, &tree_branch_record) },
};
static const struct record state_record = RECORD(tree_state, state_members);

int tree_state_read(struct tree_state *s, const char *dir, struct err *err)
{
	char *path = xasprintf("%s/state.json", dir);
	int ret = record_read(&state_record, s, &file_format, path, err);

	free(path);
	return ret;
}

int tree_state_write(const struct tree_state *s, const char *dir,
		     struct err *err)
{
	char *path = xasprintf("%s/state.json", dir);
	int ret = record_write(&state_record, s, &file_format, path, err);

	free(path);
	return ret;
}

static int commit_time_s(git_repository *repo, const git_oid *id,
			 long long *out)
{
	git_object *object = NULL, *commit = NULL;
	int ret = git_object_lookup(&object, repo, id, GIT_OBJECT_ANY);

	if (!ret)
		ret = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	if (!ret)
		*out = git_commit_time((git_commit *)commit);
	git_object_free(commit);
	git_object_free(object);
	return ret;
}

/*
 * Insert a branch into s->branches, which is sorted by time, newest first.
 * Only the newest TREE_BRANCHES_MAX branches remain in the list.
 */
static void insert_newest(struct tree_state *s, const char *name,
			  const git_oid *id, long long when)
{
	size_t at = s->n_branches;

	while (at && s->branches[at - 1].time_s < when)
		at--;
	if (at == TREE_BRANCHES_MAX)
		return;
	if (s->n_branches == TREE_BRANCHES_MAX)
		record_release(&tree_branch_record,
			       &s->branches[s->n_branches - 1]);
	else
		(void)VEC_ADD(s->branches, s->n_branches);
	memmove(&s->branches[at + 1], &s->branches[at],
		(s->n_branches - 1 - at) * sizeof(*s->branches));
	s->branches[at] = (struct tree_branch){
		.name = xstrdup(name),
		.commit = xstrdup(git_oid_tostr_s(id)),
		.time_s = when,
	};
}

/* Return the short name of `ref` if state.json can list it, else NULL. */
static const char *branch_name(const struct tree_state *s, const char *ref)
{
	if (str_starts(ref, "refs/remotes/"))
		return ref + strlen("refs/remotes/");
	if (s->kind != TREE_KIND_CLONE && str_starts(ref, "refs/heads/"))
		return ref + strlen("refs/heads/");
	return NULL;
}

int tree_state_refresh(struct tree_state *s, git_repository *repo,
		       struct err *err)
{
	git_reference_iterator *all = NULL;
	git_reference *head = NULL, *ref;
	const git_oid *id;
	int ret;

	record_release(&tree_branch_record, &s->head);
	for (size_t i = 0; i < s->n_branches; i++)
		record_release(&tree_branch_record, &s->branches[i]);
	s->n_branches = 0;
	if (!git_repository_head(&head, repo) &&
	    (id = git_reference_target(head)) &&
	    !commit_time_s(repo, id, &s->head.time_s)) {
		s->head.name = xstrdup(git_reference_shorthand(head));
		s->head.commit = xstrdup(git_oid_tostr_s(id));
	}
	git_reference_free(head);
	ret = git_reference_iterator_new(&all, repo);
	while (!ret && !(ret = git_reference_next(&ref, all))) {
		const char *name = branch_name(s, git_reference_name(ref));
		long long when;

		id = git_reference_target(ref);
		if (name && id && !commit_time_s(repo, id, &when))
			insert_newest(s, name, id, when);
		git_reference_free(ref);
	}
	git_reference_iterator_free(all);
	if (ret != GIT_ITEROVER)
		return tree_git_set_error(err, -1,
					  "%s: cannot list the branches",
					  git_repository_path(repo));
	s->size_bytes = fs_disk_usage(git_repository_commondir(repo));
	s->updated_s = time(NULL);
	return 0;
}

void tree_state_release(struct tree_state *s)
{
	record_release(&state_record, s);
}
