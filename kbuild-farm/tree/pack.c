/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/pack.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/task.h"
#include "tree/git.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define HEADER_SIZE 12
#define BLOCK       (1u << 20)
#define THREADS     4
#define SHA1_SIZE   20

/* An object that is in the pack. */
struct packed {
	struct map_node node;
	git_oid id;
};

struct tree_pack {
	char *dir; /* REPOSITORY/objects/pack */
	int fd; /* the pack without its trailer; a file without a name */
	struct map all;
};

/* One object on its way into the pack. */
struct deflating {
	struct tree_pack_object *object;
	struct buf out;
	bool failed;
};

int tree_pack_new(struct tree_pack **out, const char *repository,
		  struct err *err)
{
	static const uint8_t header[HEADER_SIZE];
	struct tree_pack *p = xcalloc(1, sizeof(*p));
	int ret = 0;

	p->dir = xasprintf("%s/objects/pack", repository);
	p->fd = open(p->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (p->fd < 0)
		ret = err_errno(err, "%s", p->dir);
	if (!ret)
		ret = fs_write_all(p->fd, bytes_of(header, sizeof(header)));
	if (!ret) {
		*out = p;
		return 0;
	}
	if (p->fd >= 0)
		err_set(err, -ret, "%s: %s", p->dir, strerror(-ret));
	tree_pack_free(p);
	return ret;
}

void tree_pack_free(struct tree_pack *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	map_release_all(&p->all, NULL);
	free(p->dir);
	free(p);
}

/* Type and size: 4 bits of the size, then 7 in each byte that follows. */
static void put_header(struct buf *out, git_object_t type, size_t size)
{
	uint8_t byte = (uint8_t)(type << 4 | (size & 15));

	for (size >>= 4; size; size >>= 7) {
		buf_put_u8(out, byte | 128);
		byte = size & 127;
	}
	buf_put_u8(out, byte);
}

static void deflate_one(void *ctx, size_t i)
{
	struct deflating *d = (struct deflating *)ctx + i;
	struct tree_pack_object *o = d->object;
	uLongf n = compressBound(o->content.len);

	d->failed = git_odb_hash(&o->id, o->content.data, o->content.len,
				 o->type) != 0;
	put_header(&d->out, o->type, o->content.len);
	if (d->failed || buf_reserve(&d->out, n) ||
	    compress2(d->out.data + d->out.len, &n, o->content.data,
		      o->content.len, Z_BEST_SPEED) != Z_OK)
		d->failed = true;
	else
		d->out.len += n;
}

static bool add_new(struct tree_pack *p, const git_oid *id)
{
	uint64_t hash = get_le64(id->id);
	struct map_node *n = map_find(&p->all, hash);
	struct packed *new;

	while (n && !git_oid_equal(&((struct packed *)n)->id, id))
		n = map_again(n);
	if (n)
		return false;
	new = xcalloc(1, sizeof(*new));
	new->id = *id;
	map_add(&p->all, &new->node, hash);
	return true;
}

int tree_pack_add(struct tree_pack *p, struct tree_pack_object *v, size_t n,
		  struct err *err)
{
	struct deflating *d = xcalloc(n ? n : 1, sizeof(*d));
	int ret = 0;

	for (size_t i = 0; i < n; i++)
		d[i].object = &v[i];
	if (n > 1)
		task_each(THREADS, n, deflate_one, NULL, d);
	else if (n)
		deflate_one(d, 0);
	for (size_t i = 0; i < n; i++) {
		if (!ret && d[i].failed)
			ret = err_set(err, ENOMEM, "pack: not enough memory");
		if (!ret && add_new(p, &v[i].id)) {
			ret = fs_write_all(p->fd, buf_bytes(&d[i].out));
			if (ret)
				err_set(err, -ret, "%s: %s", p->dir,
					strerror(-ret));
		}
		buf_release(&d[i].out);
	}
	free(d);
	return ret;
}

/* ---- the end ---- */

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* What tree_pack_end() was called with. */
struct ending {
	void (*progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;
	const atomic_bool *stop;
};

static int on_indexed(const git_indexer_progress *at, void *ctx)
{
	const struct ending *e = ctx;

	if (e->progress && at->received_objects % 1000 == 0)
		e->progress(e->ctx, at->indexed_objects, at->total_objects);
	return e->stop && atomic_load(e->stop) ? GIT_EUSER : 0;
}

static int feed_block(git_indexer *to, const void *data, size_t n,
		      git_indexer_progress *at, struct err *err)
{
	int ret = git_indexer_append(to, data, n, at);

	if (ret == GIT_EUSER)
		return err_set(err, ECANCELED, "interrupted");
	return ret ? tree_git_failed(err, ret, "pack") : 0;
}

static int feed_indexer(struct tree_pack *p, git_indexer *to, EVP_MD_CTX *sha1,
			struct err *err)
{
	uint8_t *block = xmalloc(BLOCK), sum[EVP_MAX_MD_SIZE];
	git_indexer_progress at = { 0 };
	ssize_t n;
	int ret = 0;

	EVP_DigestInit_ex(sha1, EVP_sha1(), NULL);
	for (off_t pos = 0; !ret; pos += n) {
		n = pread(p->fd, block, BLOCK, pos);
		if (n <= 0)
			break;
		EVP_DigestUpdate(sha1, block, (size_t)n);
		ret = feed_block(to, block, (size_t)n, &at, err);
	}
	if (!ret && n < 0)
		ret = err_errno(err, "%s", p->dir);
	EVP_DigestFinal_ex(sha1, sum, NULL);
	if (!ret)
		ret = feed_block(to, sum, SHA1_SIZE, &at, err);
	if (!ret && git_indexer_commit(to, &at))
		ret = tree_git_failed(err, -1, "%s", p->dir);
	free(block);
	return ret;
}

int tree_pack_end(struct tree_pack *p,
		  void (*progress)(void *ctx, uint64_t done, uint64_t all),
		  void *ctx, const atomic_bool *stop, struct err *err)
{
	git_indexer_options options;
	struct ending e = { progress, ctx, stop };
	EVP_MD_CTX *sha1 = EVP_MD_CTX_new();
	git_indexer *to = NULL;
	uint8_t header[HEADER_SIZE] = "PACK";
	int ret = 0;

	git_indexer_options_init(&options, GIT_INDEXER_OPTIONS_VERSION);
	put_be32(header + 4, 2);
	put_be32(header + 8, (uint32_t)p->all.n);
	options.progress_cb = on_indexed;
	options.progress_cb_payload = &e;
	if (!sha1)
		str_out_of_memory();
	if (pwrite(p->fd, header, sizeof(header), 0) != sizeof(header))
		ret = err_errno(err, "%s", p->dir);
	if (!ret && git_indexer_new(&to, p->dir, 0, NULL, &options))
		ret = tree_git_failed(err, -1, "%s", p->dir);
	if (!ret)
		ret = feed_indexer(p, to, sha1, err);
	git_indexer_free(to);
	EVP_MD_CTX_free(sha1);
	return ret;
}
