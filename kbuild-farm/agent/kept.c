/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/kept.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "store/live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAMAGE_MAX 4096

char *agent_kept_path(const char *kept, const char *id)
{
	return xasprintf("%s/%s", kept, id);
}

int agent_kept_lock(const char *path, int how)
{
	int fd;

	do
		fd = fs_lock(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, how);
	while (fd == -EAGAIN);
	return fd;
}

/* ---------------------------------------------------------------- lease */

/* Damage that an earlier check found: -EBADMSG naming it. */
static int check_damage(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/" AGENT_DAMAGE, dir);
	struct buf text = { 0 };
	struct err ignored;
	int ret = 0;

	if (fs_exists(path)) {
		fs_read(path, DAMAGE_MAX, &text, &ignored);
		ret = err_set(err, EBADMSG, "%s",
			      text.len ? buf_str(&text) : "damaged");
	}
	buf_release(&text);
	free(path);
	return ret;
}

static void mark_damaged(const char *dir, const char *what)
{
	char *path = xasprintf("%s/" AGENT_DAMAGE, dir);
	struct err err;

	log_warning("%s is damaged: %s", dir, what);
	if (fs_write(path, bytes_str(what), 0600, &err))
		log_warning("%s", err.text);
	free(path);
}

static void unmark_damaged(const char *dir)
{
	char *path = xasprintf("%s/" AGENT_DAMAGE, dir);

	unlink(path);
	free(path);
}

static int read_record(struct agent_record *out, const char *dir,
		       const char *id, struct err *err)
{
	int ret = agent_record_read(out, dir, err);

	if (!ret && strcmp(out->id, id)) {
		agent_record_release(out);
		ret = err_set(err, EBADMSG, "%s: the record of another one",
			      dir);
	}
	if (ret && ret != -EBADMSG) {
		err_wrap(err, "damaged");
		ret = -EBADMSG;
	}
	return ret;
}

int agent_kept_lease(const char *kept, const char *id, struct agent_lease *out,
		     struct err *err)
{
	char *dir = agent_kept_path(kept, id);
	int fd = agent_kept_lock(dir, LOCK_SH), ret = 0;

	*out = (struct agent_lease){ .fd = fd, .dir = dir };
	if (fd == -ENOENT)
		ret = err_set(err, ENOENT,
			      "%s is not held here: `kfarm toolchain install`"
			      " with --nodes brings it",
			      id);
	else if (fd < 0)
		ret = err_set(err, -fd, "%s: %s", dir, strerror(-fd));
	if (!ret)
		ret = check_damage(dir, err);
	if (!ret)
		ret = read_record(&out->record, dir, id, err);
	if (!ret)
		ret = agent_record_glance(&out->record, dir, err);
	if (ret)
		agent_lease_release(out);
	return ret;
}

void agent_lease_release(struct agent_lease *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->dir);
	agent_record_release(&l->record);
	*l = (struct agent_lease){ .fd = -1 };
}

void agent_lease_spoil(const struct agent_lease *l, const char *what)
{
	mark_damaged(l->dir, what);
}

bool agent_kept_has(const char *kept, const char *id, const struct digest *tree)
{
	struct agent_lease l;
	struct err ignored;
	bool has;

	if (agent_kept_lease(kept, id, &l, &ignored))
		return false;
	has = digest_equal(&l.record.tree, tree);
	agent_lease_release(&l);
	return has;
}

/* ---------------------------------------------------------------- list */

static bool is_in_use(const char *dir)
{
	int fd = agent_kept_lock(dir, LOCK_EX | LOCK_NB);

	if (fd >= 0)
		close(fd);
	return fd == -EBUSY;
}

/* What is wrong with it, -EBADMSG; or 0. */
static int judge_one(const struct agent_record *r, const char *dir, bool verify,
		     const atomic_bool *stop, struct err *err)
{
	int ret;

	if (!verify) {
		ret = check_damage(dir, err);
		return ret ? ret : agent_record_glance(r, dir, err);
	}
	ret = agent_record_verify(r, dir, stop, err);
	if (!ret)
		unmark_damaged(dir);
	else if (ret == -EBADMSG)
		mark_damaged(dir, err->text);
	return ret;
}

static int list_one(const char *kept, const char *id, bool verify,
		    const atomic_bool *stop, struct wire_held_one *out,
		    struct err *err)
{
	char *dir = agent_kept_path(kept, id);
	struct agent_record r = { 0 };
	int ret = read_record(&r, dir, id, err);

	*out = (struct wire_held_one){ .id = xstrdup(id) };
	if (!ret) {
		out->tree = r.tree;
		ret = judge_one(&r, dir, verify, stop, err);
	}
	out->host = xstrdup(r.host ? r.host : "unknown");
	out->detail = xstrdup(ret ? err->text : "");
	if (ret)
		out->state = WIRE_HELD_DAMAGED;
	else if (is_in_use(dir))
		out->state = WIRE_HELD_IN_USE;
	agent_record_release(&r);
	free(dir);
	return ret == -ECANCELED ? ret : 0;
}

/* The names of all that may be one, sorted. */
static int list_ids(const char *kept, struct strv *out, struct err *err)
{
	struct strv names = { 0 };
	int ret = fs_list(kept, &names);

	for (size_t i = 0; i < names.n; i++) {
		char *path = agent_kept_path(kept, names.v[i]);

		if (wire_id_ok(names.v[i]) && fs_is_dir(path))
			strv_add(out, names.v[i]);
		free(path);
	}
	strv_release(&names);
	return !ret || ret == -ENOENT ?
		       0 :
		       err_set(err, -ret, "%s: %s", kept, strerror(-ret));
}

int agent_kept_list(const char *kept, bool verify, const atomic_bool *stop,
		    struct wire_held *out, struct err *err)
{
	struct strv ids = { 0 };
	int ret = list_ids(kept, &ids, err);

	*out = (struct wire_held){ 0 };
	out->all = xcalloc(ids.n + 1, sizeof(*out->all));
	for (size_t i = 0; i < ids.n && !ret; i++)
		ret = list_one(kept, ids.v[i], verify, stop,
			       &out->all[out->n++], err);
	strv_release(&ids);
	if (ret)
		wire_held_release(out);
	return ret;
}

/* --------------------------------------------------------------- reuse */

struct place {
	struct digest digest;
	uint64_t size;
	char *path;
};

struct agent_kept_index {
	struct place *v;
	size_t n;
};

static void index_one(struct agent_kept_index *x, const struct agent_record *r,
		      const char *dir)
{
	x->v = xrealloc(x->v, (x->n + r->entries.n + 1) * sizeof(*x->v));
	for (size_t i = 0; i < r->entries.n; i++) {
		const struct compiler_entry *e = &r->entries.v[i];

		if (e->kind == COMPILER_FILE)
			x->v[x->n++] = (struct place){ e->digest, e->size,
						       xasprintf("%s/%s", dir,
								 e->path) };
	}
}

struct agent_kept_index *agent_kept_index(const char *kept)
{
	struct agent_kept_index *x = xcalloc(1, sizeof(*x));
	struct strv ids = { 0 };
	struct err ignored;

	list_ids(kept, &ids, &ignored);
	for (size_t i = 0; i < ids.n; i++) {
		char *dir = agent_kept_path(kept, ids.v[i]);
		struct agent_record r;

		if (!agent_record_read(&r, dir, &ignored)) {
			index_one(x, &r, dir);
			agent_record_release(&r);
		}
		free(dir);
	}
	strv_release(&ids);
	if (x->n)
		qsort(x->v, x->n, sizeof(*x->v), digest_compare);
	return x;
}

void agent_kept_index_free(struct agent_kept_index *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n; i++)
		free(x->v[i].path);
	free(x->v);
	free(x);
}

/* The store hashes what passes. */
static int put_in_store(struct store *store, const struct digest *d,
			uint64_t size, int fd)
{
	uint8_t *block = xmalloc(WIRE_CHUNK_MAX);
	struct store_in *in;
	ssize_t n = 1;
	int ret = store_in_begin(&in, store, d, size, true);

	if (ret) {
		free(block);
		return ret;
	}
	while (!ret && n) {
		n = read(fd, block, WIRE_CHUNK_MAX);
		if (n > 0)
			ret = store_in_add(in, bytes_of(block, (size_t)n));
		else if (n < 0 && errno != EINTR)
			ret = -errno;
	}
	free(block);
	if (!ret)
		return store_in_end(in);
	store_in_abort(in);
	return ret;
}

int agent_kept_supply(const struct agent_kept_index *x, struct store *store,
		      const struct digest *d, uint64_t size)
{
	const struct place *p = NULL;
	int fd, ret;

	if (x->n)
		p = bsearch(d, x->v, x->n, sizeof(*x->v), digest_compare);
	if (!p || p->size != size)
		return -ENOENT;
	fd = open(p->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -ENOENT;
	ret = put_in_store(store, d, size, fd);
	close(fd);
	/* Whatever is wrong with that file, the client has another one. */
	return ret == -EBADMSG || ret == -EMSGSIZE || ret == -EISDIR ? -ENOENT :
								       ret;
}
