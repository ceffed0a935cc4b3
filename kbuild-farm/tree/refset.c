/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/refset.h"

#include "base/buf.h"
#include "base/fs.h"
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

#define PACKED_MAX      (1u << 30) /* bytes of the file */
#define NAME_LENGTH_MAX 1000
/* Without "peeled", which git adds when it packs them itself. */
#define HEADER "# pack-refs with: sorted \n"

static int by_ref_name(const void *a, const void *b)
{
	const struct tree_ref *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* What is wanted comes in front of what was there. */
static int by_name_and_wish(const void *a, const void *b)
{
	const struct tree_ref *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)y->wanted - (int)x->wanted;
}

/* ---------------------------------------------------------------- reading */

/* "OID NAME"; comments and peeled values are passed over. */
static int read_packed_line(struct tree_refset *s, const char *line, size_t n)
{
	struct tree_ref *r;
	git_oid id;

	if (!n || *line == '#' || *line == '^')
		return 0;
	if (n < GIT_OID_HEXSZ + 2 || line[GIT_OID_HEXSZ] != ' ' ||
	    git_oid_fromstrn(&id, line, GIT_OID_HEXSZ))
		return -EBADMSG;
	r = VEC_ADD(s->v, s->n);
	r->name = xstrndup(line + GIT_OID_HEXSZ + 1, n - GIT_OID_HEXSZ - 1);
	r->id = id;
	r->keep = true;
	return 0;
}

static int read_packed(struct tree_refset *s, const char *path, struct err *err)
{
	struct buf text = { 0 };
	const char *line, *end;
	int ret = fs_exists(path) ? fs_read(path, PACKED_MAX, &text, err) : 0;

	line = buf_str(&text);
	end = line + text.len;
	while (!ret && line < end) {
		size_t n = strcspn(line, "\n");

		ret = read_packed_line(s, line, n);
		if (ret)
			err_set(err, EBADMSG, "%s: damaged", path);
		line += n + 1;
	}
	buf_release(&text);
	return ret;
}

int tree_refset_pack(git_repository *repo, struct err *err)
{
	git_refdb *refs = NULL;
	int ret = git_repository_refdb(&refs, repo);

	if (!ret)
		ret = git_refdb_compress(refs);
	git_refdb_free(refs);
	return ret ? tree_git_failed(err, -1, "%s", git_repository_path(repo)) :
		     0;
}

static int read_as_packed(struct tree_refset *s, git_repository *repo,
			  struct err *err)
{
	char *path = xasprintf("%spacked-refs", git_repository_path(repo));
	int ret;

	*s = (struct tree_refset){ 0 };
	ret = read_packed(s, path, err);
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_ref_name);
	s->were = s->n;
	free(path);
	return ret;
}

int tree_refset_read(struct tree_refset *s, git_repository *repo,
		     struct err *err)
{
	int ret = tree_refset_pack(repo, err);

	*s = (struct tree_refset){ 0 };
	return ret ? ret : read_as_packed(s, repo, err);
}

struct tree_ref *tree_refset_find(const struct tree_refset *s, const char *name)
{
	const struct tree_ref key = { .name = (char *)name };

	return s->were ?
		       bsearch(&key, s->v, s->were, sizeof(key), by_ref_name) :
		       NULL;
}

void tree_refset_put(struct tree_refset *s, const char *name, const git_oid *id)
{
	struct tree_ref *r;
	int valid = 0;

	if (git_reference_name_is_valid(&valid, name) || !valid ||
	    strlen(name) > NAME_LENGTH_MAX)
		return;
	r = VEC_ADD(s->v, s->n);
	r->name = xstrdup(name);
	r->id = *id;
	r->wanted = true;
}

/* ---------------------------------------------------------------- writing */

/* Is a directory of `name` a reference among the first `n`, sorted? */
static bool is_below_another(const struct tree_ref *v, size_t n,
			     const char *name)
{
	char *above = xstrdup(name), *slash;
	struct tree_ref key = { .name = above };
	bool is = false;

	while (!is && (slash = strrchr(above, '/'))) {
		*slash = '\0';
		is = bsearch(&key, v, n, sizeof(key), by_ref_name) != NULL;
	}
	free(above);
	return is;
}

static bool is_tag(const char *name)
{
	return str_starts(name, "refs/tags/");
}

/* One name, as it is wanted (or NULL) and as it was (or NULL). */
static void count_change(struct tree_changes *c, const struct tree_ref *wanted,
			 const struct tree_ref *was)
{
	if (wanted && was && git_oid_equal(&wanted->id, &was->id))
		return;
	if (!wanted)
		c->gone += was && !was->keep;
	else if (is_tag(wanted->name))
		c->tags++;
	else if (was)
		c->moved++;
	else
		c->branches++;
}

/*
 * Of each name one stays, at the front of `v`: how many.  The others' strings
 * are freed.
 */
static size_t settle(struct tree_refset *s, struct tree_changes *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n;) {
		struct tree_ref *first = &s->v[i], *was = NULL;
		size_t end = i + 1;

		while (end < s->n && !strcmp(s->v[end].name, first->name))
			end++;
		if (!s->v[end - 1].wanted)
			was = &s->v[end - 1];
		count_change(c, first->wanted ? first : NULL, was);
		for (size_t k = i + 1; k < end; k++)
			free(s->v[k].name);
		if (first->wanted || first->keep)
			s->v[kept++] = *first;
		else
			free(first->name);
		i = end;
	}
	return kept;
}

static void drop_impossible(struct tree_refset *s)
{
	bool *bad = xcalloc(s->n + 1, sizeof(*bad));
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		bad[i] = is_below_another(s->v, s->n, s->v[i].name);
	for (size_t i = 0; i < s->n; i++) {
		if (bad[i])
			free(s->v[i].name);
		else
			s->v[kept++] = s->v[i];
	}
	s->n = kept;
	free(bad);
}

static int check_objects(const struct tree_refset *s, git_repository *repo,
			 struct err *err)
{
	git_odb *odb = NULL;
	int ret = git_repository_odb(&odb, repo);

	if (ret)
		return tree_git_failed(err, ret, "%s",
				       git_repository_path(repo));
	for (size_t i = 0; !ret && i < s->n; i++) {
		const struct tree_ref *r = &s->v[i];

		if (r->wanted && (!i || !git_oid_equal(&r->id, &r[-1].id)) &&
		    !git_odb_exists(odb, &r->id))
			ret = err_set(err, EBADMSG,
				      "%s is to be %.12s, which was not sent",
				      r->name, git_oid_tostr_s(&r->id));
	}
	git_odb_free(odb);
	return ret;
}

static int write_packed(const struct tree_refset *s, git_repository *repo,
			struct err *err)
{
	char *path = xasprintf("%spacked-refs", git_repository_path(repo));
	char *lock = xasprintf("%s.lock", path);
	int fd = open(lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	char hex[GIT_OID_HEXSZ + 1];
	struct buf text = { 0 };
	int ret = fd < 0 ? err_errno(err, "%s", lock) : 0;

	buf_add_str(&text, HEADER);
	for (size_t i = 0; !ret && i < s->n; i++)
		buf_printf(&text, "%s %s\n",
			   git_oid_tostr(hex, sizeof(hex), &s->v[i].id),
			   s->v[i].name);
	if (!ret)
		ret = fs_write_all(fd, buf_bytes(&text));
	if (!ret && fsync(fd))
		ret = -errno;
	if (fd >= 0 && close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(lock, path))
		ret = -errno;
	if (ret && fd >= 0) {
		unlink(lock);
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	}
	buf_release(&text);
	free(lock);
	free(path);
	return ret;
}

int tree_refset_write(struct tree_refset *s, git_repository *repo,
		      struct tree_changes *changes, struct err *err)
{
	struct tree_changes c = { 0 };
	int ret;

	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_name_and_wish);
	s->n = settle(s, &c);
	s->were = 0;
	drop_impossible(s);
	ret = check_objects(s, repo, err);
	if (!ret && (c.branches || c.moved || c.gone || c.tags))
		ret = write_packed(s, repo, err);
	if (ret)
		return ret;
	changes->branches += c.branches;
	changes->moved += c.moved;
	changes->gone += c.gone;
	changes->tags += c.tags;
	return 0;
}

void tree_refset_release(struct tree_refset *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].name);
	free(s->v);
	*s = (struct tree_refset){ 0 };
}

/* ------------------------------------------------------- what was lost */

/* Those in files of their own. */
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
	return ret ? tree_git_failed(err, ret, "%s",
				     git_repository_path(repo)) :
		     0;
}

int tree_refset_drop_missing(git_repository *repo, unsigned *n, struct err *err)
{
	struct tree_changes c = { 0 };
	struct tree_refset s;
	git_odb *odb = NULL;
	int ret = read_as_packed(&s, repo, err);

	if (!ret && git_repository_odb(&odb, repo))
		ret = tree_git_failed(err, -1, "%s", git_repository_path(repo));
	for (size_t i = 0; !ret && i < s.n; i++)
		s.v[i].keep = git_odb_exists_ext(odb, &s.v[i].id,
						 GIT_ODB_LOOKUP_NO_REFRESH);
	if (!ret)
		ret = tree_refset_write(&s, repo, &c, err);
	*n = c.gone;
	if (!ret)
		ret = drop_missing_files(repo, odb, err);
	git_odb_free(odb);
	tree_refset_release(&s);
	return ret;
}
