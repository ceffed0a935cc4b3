/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/state.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/vec.h"
#include "tree/git.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define STATE_MAX (1u << 20) /* bytes of state.json */

static const char *const kinds[] = {
	[TREE_KIND_CLONE] = "clone",
	[TREE_KIND_BORROWED] = "borrows",
	[TREE_KIND_IN_PLACE] = "in-place",
	[TREE_KIND_IMPORT] = "import",
};

const char *tree_state_kind_name(enum tree_kind kind)
{
	return kinds[kind];
}

static void read_branch(struct tree_branch *b, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	const char *commit = json_string_value(json_object_get(o, "commit"));

	if (!name || !commit)
		return;
	b->name = xstrdup(name);
	b->commit = xstrdup(commit);
	b->time_s = json_integer_value(json_object_get(o, "time"));
}

static json_t *branch_to_json(const struct tree_branch *b)
{
	if (!b->name)
		return json_null();
	return json_pack("{s:o,s:o,s:I}", "name", json_text(b->name), "commit",
			 json_text(b->commit), "time", (json_int_t)b->time_s);
}

static void fill_state(struct tree_state *s, const json_t *root)
{
	const char *kind = json_string_value(json_object_get(root, "kind"));
	const char *source = json_string_value(json_object_get(root, "source"));
	json_int_t size = json_integer_value(json_object_get(root, "size"));
	const json_t *list = json_object_get(root, "branches");

	for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kind, kinds[i]))
			s->kind = (enum tree_kind)i;
	}
	s->source = source ? xstrdup(source) : NULL;
	s->updated_s = json_integer_value(json_object_get(root, "updated"));
	s->size_bytes = size > 0 ? (uint64_t)size : 0;
	read_branch(&s->head, json_object_get(root, "head"));
	s->branches = xcalloc(TREE_BRANCHES_MAX, sizeof(*s->branches));
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (s->n_branches < TREE_BRANCHES_MAX)
			read_branch(&s->branches[s->n_branches],
				    json_array_get(list, i));
		if (s->n_branches < TREE_BRANCHES_MAX &&
		    s->branches[s->n_branches].name)
			s->n_branches++;
	}
}

int tree_state_read(struct tree_state *s, const char *dir, struct err *err)
{
	char *path = xasprintf("%s/state.json", dir);
	struct buf text = { 0 };
	json_t *root = NULL;
	json_error_t why;
	int ret = fs_read(path, STATE_MAX, &text, err);

	*s = (struct tree_state){ 0 };
	if (!ret) {
		root = json_loadb(buf_str(&text), text.len, 0, &why);
		if (!json_is_object(root))
			ret = err_set(err, EBADMSG, "%s: malformed tree state",
				      path);
		else
			fill_state(s, root);
	}
	json_decref(root);
	buf_release(&text);
	free(path);
	return ret;
}

int tree_state_write(const struct tree_state *s, const char *dir,
		     struct err *err)
{
	char *path = xasprintf("%s/state.json", dir), *text;
	json_t *list = json_array(), *root;
	int ret;

	for (size_t i = 0; i < s->n_branches; i++)
		json_array_append_new(list, branch_to_json(&s->branches[i]));
	root = json_pack("{s:s,s:o,s:I,s:I,s:o,s:o}", "kind", kinds[s->kind],
			 "source", json_text(s->source), "updated",
			 (json_int_t)s->updated_s, "size",
			 (json_int_t)s->size_bytes, "head",
			 branch_to_json(&s->head), "branches", list);
	text = json_dumps(root, JSON_INDENT(2));
	ret = fs_write(path, bytes_str(text), 0644, err);
	free(text);
	json_decref(root);
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

static void release_branch(struct tree_branch *b)
{
	free(b->name);
	free(b->commit);
	*b = (struct tree_branch){ 0 };
}

/*
 * Insert a branch into the sorted list of the newest branches if it is new
 * enough.
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
		release_branch(&s->branches[--s->n_branches]);
	memmove(&s->branches[at + 1], &s->branches[at],
		(s->n_branches - at) * sizeof(*s->branches));
	s->branches[at] = (struct tree_branch){
		.name = xstrdup(name),
		.commit = xstrdup(git_oid_tostr_s(id)),
		.time_s = when,
	};
	s->n_branches++;
}

/* Return the short name of `ref` if it is a branch to list, else NULL. */
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

	release_branch(&s->head);
	for (size_t i = 0; i < s->n_branches; i++)
		release_branch(&s->branches[i]);
	s->n_branches = 0;
	if (!s->branches)
		s->branches = xcalloc(TREE_BRANCHES_MAX, sizeof(*s->branches));
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
	release_branch(&s->head);
	for (size_t i = 0; i < s->n_branches; i++)
		release_branch(&s->branches[i]);
	free(s->branches);
	free(s->source);
	*s = (struct tree_state){ 0 };
}
