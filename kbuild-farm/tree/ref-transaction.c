/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/ref-transaction.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/replace.h"
#include "base/str.h"
#include "base/vec.h"
#include "tree/git.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/refdb_backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKED_MAX      (1u << 30) /* bytes of packed-refs */
#define NAME_LENGTH_MAX 1000
/*
 * The trait "peeled" is omitted, because tags are written without peeled
 * values.
 */
#define HEADER "# pack-refs with: sorted \n"

static int compare_ref_names(const void *a, const void *b)
{
	const struct tree_ref *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/*
 * Of two references with the same name, sort the update before the previous
 * value.
 */
static int compare_ref_priority(const void *a, const void *b)
{
	const struct tree_ref *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)y->added - (int)x->added;
}

/* Add the reference of a line "OID NAME"; skip comments and peeled values. */
static int read_packed_line(struct tree_ref_transaction *s, const char *line,
			    size_t n)
{
	struct tree_ref *r;
	git_oid id;

	if (!n || *line == '#' || *line == '^')
		return 0;
	if (n < GIT_OID_HEXSZ + 2 || line[GIT_OID_HEXSZ] != ' ' ||
	    git_oid_fromstrn(&id, line, GIT_OID_HEXSZ))
		return -EBADMSG;
	r = VEC_ADD(s->refs, s->n_refs);
	r->name = xstrndup(line + GIT_OID_HEXSZ + 1, n - GIT_OID_HEXSZ - 1);
	r->id = id;
	r->retained = true;
	return 0;
}

static int read_packed(struct tree_ref_transaction *s, git_repository *repo,
		       struct err *err)
{
	char *path = xasprintf("%spacked-refs", git_repository_path(repo));
	struct buf text = { 0 };
	const char *line, *end;
	int ret = fs_exists(path) ? fs_read(path, PACKED_MAX, &text, err) : 0;

	*s = (struct tree_ref_transaction){ 0 };
	line = buf_str(&text);
	end = line + text.len;
	while (!ret && line < end) {
		size_t n = strcspn(line, "\n");

		ret = read_packed_line(s, line, n);
		if (ret)
			err_set(err, EBADMSG, "%s: damaged", path);
		line += n + 1;
	}
	if (s->n_refs)
		qsort(s->refs, s->n_refs, sizeof(*s->refs), compare_ref_names);
	s->n_initial = s->n_refs;
	buf_release(&text);
	free(path);
	return ret;
}

int tree_ref_transaction_pack(git_repository *repo, struct err *err)
{
	git_refdb *refs = NULL;
	int ret = git_repository_refdb(&refs, repo);

	if (!ret)
		ret = git_refdb_compress(refs);
	git_refdb_free(refs);
	return ret ? tree_git_set_error(err, -1, "%s",
					git_repository_path(repo)) :
		     0;
}

int tree_ref_transaction_read(struct tree_ref_transaction *s,
			      git_repository *repo, struct err *err)
{
	int ret = tree_ref_transaction_pack(repo, err);

	*s = (struct tree_ref_transaction){ 0 };
	return ret ? ret : read_packed(s, repo, err);
}

struct tree_ref *tree_ref_transaction_find(const struct tree_ref_transaction *s,
					   const char *name)
{
	const struct tree_ref key = { .name = (char *)name };

	return s->n_initial ? bsearch(&key, s->refs, s->n_initial, sizeof(key),
				      compare_ref_names) :
			      NULL;
}

void tree_ref_transaction_update(struct tree_ref_transaction *s,
				 const char *name, const git_oid *id)
{
	/* `id` can point into s->refs, which VEC_ADD() can move. */
	struct tree_ref added = { .id = *id, .added = true };
	int valid = 0;

	if (git_reference_name_is_valid(&valid, name) || !valid ||
	    strlen(name) > NAME_LENGTH_MAX)
		return;
	added.name = xstrdup(name);
	*VEC_ADD(s->refs, s->n_refs) = added;
}

/*
 * Return true if one of the `n` sorted references in `v` is named like a parent
 * directory of `name`.
 */
static bool is_below_another(const struct tree_ref *v, size_t n,
			     const char *name)
{
	char *above = xstrdup(name), *slash;
	struct tree_ref key = { .name = above };
	bool is = false;

	while (!is && (slash = strrchr(above, '/'))) {
		*slash = '\0';
		is = bsearch(&key, v, n, sizeof(key), compare_ref_names) !=
		     NULL;
	}
	free(above);
	return is;
}

/*
 * Count the change of one reference.  `was` is the previous value of the
 * reference, or NULL if the reference is new.  `wanted` is its update, or NULL
 * if the transaction does not update the reference.  Without an update, the
 * reference is removed, unless was->retained is true.
 */
static void count_change(struct tree_ref_changes *c,
			 const struct tree_ref *wanted,
			 const struct tree_ref *was)
{
	if (wanted && was && git_oid_equal(&wanted->id, &was->id))
		return;
	if (!wanted)
		c->n_branches_pruned += was && !was->retained;
	else if (str_starts(wanted->name, "refs/tags/"))
		c->n_tags++;
	else if (was)
		c->n_branches_moved++;
	else
		c->n_branches_added++;
}

/*
 * Reduce the references of each name to at most one: the update or, without an
 * update, the previous value if it is `retained`.  The remaining references
 * move to the front of s->refs.  Returns their number.
 */
static size_t merge_duplicate_refs(struct tree_ref_transaction *s,
				   struct tree_ref_changes *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_refs;) {
		struct tree_ref *first = &s->refs[i], *was = NULL;
		size_t end = i + 1;

		while (end < s->n_refs &&
		       !strcmp(s->refs[end].name, first->name))
			end++;
		if (!s->refs[end - 1].added)
			was = &s->refs[end - 1];
		count_change(c, first->added ? first : NULL, was);
		for (size_t k = i + 1; k < end; k++)
			free(s->refs[k].name);
		if (first->added || first->retained)
			s->refs[kept++] = *first;
		else
			free(first->name);
		i = end;
	}
	return kept;
}

static void drop_conflicting(struct tree_ref_transaction *s)
{
	bool *bad = xcalloc(s->n_refs + 1, sizeof(*bad));
	size_t kept = 0;

	for (size_t i = 0; i < s->n_refs; i++)
		bad[i] = is_below_another(s->refs, s->n_refs, s->refs[i].name);
	for (size_t i = 0; i < s->n_refs; i++) {
		if (bad[i])
			free(s->refs[i].name);
		else
			s->refs[kept++] = s->refs[i];
	}
	s->n_refs = kept;
	free(bad);
}

static int check_objects(const struct tree_ref_transaction *s,
			 git_repository *repo, struct err *err)
{
	git_odb *odb = NULL;
	int ret = git_repository_odb(&odb, repo);

	if (ret)
		return tree_git_set_error(err, ret, "%s",
					  git_repository_path(repo));
	for (size_t i = 0; !ret && i < s->n_refs; i++) {
		const struct tree_ref *r = &s->refs[i];

		if (r->added && (!i || !git_oid_equal(&r->id, &r[-1].id)) &&
		    !git_odb_exists(odb, &r->id))
			ret = err_set(err, EBADMSG, "%s: missing object %.12s",
				      r->name, git_oid_tostr_s(&r->id));
	}
	git_odb_free(odb);
	return ret;
}

static int write_packed(const struct tree_ref_transaction *s,
			git_repository *repo, struct err *err)
{
	char *path = xasprintf("%spacked-refs", git_repository_path(repo));
	char hex[GIT_OID_HEXSZ + 1];
	struct buf text = { 0 };
	struct replace r;
	int ret = replace_open_lock(&r, path, 0644, err);

	buf_add_str(&text, HEADER);
	for (size_t i = 0; !ret && i < s->n_refs; i++)
		buf_printf(&text, "%s %s\n",
			   git_oid_tostr(hex, sizeof(hex), &s->refs[i].id),
			   s->refs[i].name);
	if (!ret) {
		r.durable = true;
		ret = replace_close(&r, bytes_write(r.fd, buf_bytes(&text)),
				    err);
	}
	buf_release(&text);
	free(path);
	return ret;
}

int tree_ref_transaction_commit(struct tree_ref_transaction *s,
				git_repository *repo,
				struct tree_ref_changes *changes,
				struct err *err)
{
	struct tree_ref_changes c = { 0 };
	int ret;

	if (s->n_refs)
		qsort(s->refs, s->n_refs, sizeof(*s->refs),
		      compare_ref_priority);
	s->n_refs = merge_duplicate_refs(s, &c);
	s->n_initial = 0;
	drop_conflicting(s);
	ret = check_objects(s, repo, err);
	if (!ret && (c.n_branches_added || c.n_branches_moved ||
		     c.n_branches_pruned || c.n_tags))
		ret = write_packed(s, repo, err);
	if (ret)
		return ret;
	changes->n_branches_added += c.n_branches_added;
	changes->n_branches_moved += c.n_branches_moved;
	changes->n_branches_pruned += c.n_branches_pruned;
	changes->n_tags += c.n_tags;
	return 0;
}

void tree_ref_transaction_release(struct tree_ref_transaction *s)
{
	for (size_t i = 0; i < s->n_refs; i++)
		free(s->refs[i].name);
	free(s->refs);
	*s = (struct tree_ref_transaction){ 0 };
}

/* Remove loose references to missing objects. */
static int drop_missing_files(git_repository *repo, git_odb *odb,
			      struct err *err)
{
	git_reference_iterator *all = NULL;
	struct strv gone = { 0 };
	git_reference *ref;
	int ret = git_reference_iterator_new(&all, repo);

	while (!ret && !git_reference_next(&ref, all)) {
		const git_oid *id = git_reference_target(ref);

		if (id &&
		    !git_odb_exists_ext(odb, id, GIT_ODB_LOOKUP_NO_REFRESH))
			strv_add(&gone, git_reference_name(ref));
		git_reference_free(ref);
	}
	git_reference_iterator_free(all);
	for (size_t i = 0; !ret && i < gone.n; i++)
		ret = git_reference_remove(repo, gone.v[i]);
	strv_release(&gone);
	return ret ? tree_git_set_error(err, ret, "%s",
					git_repository_path(repo)) :
		     0;
}

int tree_ref_transaction_drop_missing(git_repository *repo, unsigned *n,
				      struct err *err)
{
	struct tree_ref_changes c = { 0 };
	struct tree_ref_transaction s;
	git_odb *odb = NULL;
	int ret = read_packed(&s, repo, err);

	if (!ret && git_repository_odb(&odb, repo))
		ret = tree_git_set_error(err, -1, "%s",
					 git_repository_path(repo));
	for (size_t i = 0; !ret && i < s.n_refs; i++)
		s.refs[i].retained = git_odb_exists_ext(
			odb, &s.refs[i].id, GIT_ODB_LOOKUP_NO_REFRESH);
	if (!ret)
		ret = tree_ref_transaction_commit(&s, repo, &c, err);
	*n = c.n_branches_pruned;
	if (!ret)
		ret = drop_missing_files(repo, odb, err);
	git_odb_free(odb);
	tree_ref_transaction_release(&s);
	return ret;
}
