/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/toolchain-rpc.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "kfarmd/kfarmd.h"
#include "store/scratch-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SCRATCH_SUBDIR "/.live"
/* upper bound of a file's size on disk beyond its bytes */
#define BLOCK_SIZE 4096

struct kfarmd_toolchain_stage {
	const char *toolchains_dir;
	int scratch_root_fd; /* DIR/.live */
	/* name of a directory in DIR/.live, locked by lock_fd */
	char scratch_name[STORE_SCRATCH_NAME_MAX];
	int lock_fd;
	char *new_dir; /* DIR/.live/NAME/new */
	/* DIR/.live/NAME/old: a toolchain that was replaced or removed */
	char *old_dir;
	/* most recently created directory, to skip repeated mkdirs */
	char *last_made_dir;
};

static int open_scratch_root(const char *kept, struct err *err)
{
	char *path = xasprintf("%s" SCRATCH_SUBDIR, kept);
	int fd = -1, ret = fs_mkdirs(path, 0700, err);

	if (!ret) {
		fd = open(path,
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			ret = err_errno(err, "%s", path);
	}
	free(path);
	return ret ? ret : fd;
}

static int check_space(const char *kept, uint64_t bytes, size_t files,
		       struct err *err)
{
	uint64_t need = bytes + (uint64_t)files * BLOCK_SIZE, has;
	struct statvfs fs;

	if (statvfs(kept, &fs))
		return err_errno(err, "%s", kept);
	has = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (need > has)
		return err_set(
			err, ENOSPC,
			"%s: no space left: %llu MiB needed, %llu MiB free; "
			"free some space or see --toolchains in kfarmd(8)",
			kept, (unsigned long long)(need >> 20) + 1,
			(unsigned long long)(has >> 20));
	return 0;
}

/* Create a locked private directory for the new and the old toolchain. */
static int init_stage(const char *kept, struct kfarmd_toolchain_stage *n,
		      struct err *err)
{
	int ret;

	n->toolchains_dir = kept;
	n->lock_fd = -1;
	n->scratch_root_fd = open_scratch_root(kept, err);
	if (n->scratch_root_fd < 0)
		return n->scratch_root_fd;
	store_scratch_dir_prune(n->scratch_root_fd);
	n->lock_fd = store_scratch_dir_make(n->scratch_root_fd, n->scratch_name,
					    err);
	if (n->lock_fd < 0)
		return n->lock_fd;
	n->new_dir = xasprintf("%s" SCRATCH_SUBDIR "/%s/new", kept,
			       n->scratch_name);
	n->old_dir = xasprintf("%s" SCRATCH_SUBDIR "/%s/old", kept,
			       n->scratch_name);
	ret = mkdir(n->new_dir, 0700) ? err_errno(err, "%s", n->new_dir) : 0;
	return ret;
}

int kfarmd_toolchain_stage_new(const char *kept,
			       struct kfarmd_toolchain_stage **out,
			       uint64_t bytes, size_t files, struct err *err)
{
	struct kfarmd_toolchain_stage *n = xcalloc(1, sizeof(*n));
	int ret = init_stage(kept, n, err);

	if (!ret)
		ret = check_space(kept, bytes, files, err);
	if (ret) {
		kfarmd_toolchain_stage_free(n);
		n = NULL;
	}
	*out = n;
	return ret;
}

void kfarmd_toolchain_stage_free(struct kfarmd_toolchain_stage *n)
{
	if (!n)
		return;
	if (n->lock_fd >= 0) {
		fs_remove_at(n->scratch_root_fd, n->scratch_name);
		close(n->lock_fd);
	}
	if (n->scratch_root_fd >= 0)
		close(n->scratch_root_fd);
	free(n->new_dir);
	free(n->old_dir);
	free(n->last_made_dir);
	free(n);
}

int kfarmd_toolchain_stage_put(void *stage, const char *path,
			       const struct wire_inode *inode, int fd,
			       struct err *err)
{
	struct kfarmd_toolchain_stage *n = stage;
	char *full = xasprintf("%s%s", n->new_dir, path), *dir = str_dir(full);
	int ret = 0;

	if (!n->last_made_dir || strcmp(n->last_made_dir, dir)) {
		ret = fs_mkdirs(dir, 0700, err);
		free(n->last_made_dir);
		n->last_made_dir = ret ? NULL : xstrdup(dir);
	}
	free(dir);
	if (ret) {
		free(full);
		return -EIO;
	}
	if (inode->kind == WIRE_INODE_FILE)
		ret = fs_create_at(AT_FDCWD, full, fd, inode->size,
				   inode->executable ? 0555 : 0444,
				   inode->mtime_ns);
	else if (inode->kind == WIRE_INODE_SYMLINK)
		ret = symlink(inode->target, full) ? -errno : 0;
	else if (inode->kind == WIRE_INODE_DIR)
		ret = mkdir(full, 0700) && errno != EEXIST ? -errno : 0;
	else
		ret = -EINVAL;
	if (ret)
		err_set(err, -ret, "%s: %s", full, strerror(-ret));
	free(full);
	return ret;
}

static int write_stage_manifest(struct kfarmd_toolchain_stage *n,
				const struct kfarmd_manifest *r,
				const char *json, const atomic_bool *stop,
				struct err *err)
{
	char *path = xasprintf("%s/" TOOLCHAIN_JSON, n->new_dir);
	int ret = kfarmd_manifest_verify(r, n->new_dir, stop, err);

	if (!ret)
		ret = fs_write(path, bytes_str(json), 0644, err);
	if (!ret)
		ret = kfarmd_manifest_write(r, n->new_dir, err);
	free(path);
	return ret;
}

/*
 * Set `err` for a toolchain that is in use (-EBUSY) or a path that cannot be
 * replaced.  Returns `ret`.
 */
static int set_busy_error(const char *path, int ret, struct err *err)
{
	if (ret == -EBUSY)
		return err_set(
			err, EBUSY,
			"%s: in use by a build; try again when the build has "
			"ended",
			str_base(path));
	return err_set(err, -ret, "%s: %s", path, strerror(-ret));
}

/*
 * Rename `path` to `old` under an exclusive lock.  A process that waits for the
 * lock then finds that `path` no longer names this directory.
 */
static int move_toolchain_away(const char *path, const char *old,
			       struct err *err)
{
	int fd = kfarmd_toolchains_lock_dir(path, LOCK_EX | LOCK_NB), ret = 0;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return set_busy_error(path, fd, err);
	if (rename(path, old))
		ret = err_errno(err, "%s", path);
	close(fd);
	return ret;
}

static int replace_toolchain(struct kfarmd_toolchain_stage *n, const char *path,
			     struct err *err)
{
	int fd = kfarmd_toolchains_lock_dir(path, LOCK_EX | LOCK_NB), ret = 0;

	if (fd < 0 && fd != -ENOENT)
		return set_busy_error(path, fd, err);
	/*
	 * Exchange both atomically: readers see the old toolchain or the new
	 * one.
	 */
	if (fd >= 0 &&
	    !renameat2(AT_FDCWD, n->new_dir, AT_FDCWD, path, RENAME_EXCHANGE)) {
		close(fd);
		return 0;
	}
	if (fd >= 0) {
		close(fd);
		ret = move_toolchain_away(path, n->old_dir, err);
	}
	if (!ret && rename(n->new_dir, path))
		ret = set_busy_error(
			path,
			errno == ENOTEMPTY || errno == EEXIST ? -EBUSY : -errno,
			err);
	return ret;
}

int kfarmd_toolchain_stage_publish(struct kfarmd_toolchain_stage *n,
				   const struct kfarmd_manifest *r,
				   const char *json, const atomic_bool *stop,
				   struct err *err)
{
	char *path = kfarmd_toolchains_path(n->toolchains_dir, r->id);
	int ret = write_stage_manifest(n, r, json, stop, err);

	if (!ret)
		ret = replace_toolchain(n, path, err);
	free(path);
	return ret;
}

int kfarmd_toolchain_stage_remove(const char *kept, const char *id,
				  struct err *err)
{
	struct kfarmd_toolchain_stage *n;
	char *path = kfarmd_toolchains_path(kept, id);
	int ret = 0;

	if (!fs_is_dir(path))
		ret = err_set(err, ENOENT, "%s: not installed", id);
	if (!ret)
		ret = kfarmd_toolchain_stage_new(kept, &n, 0, 0, err);
	if (!ret) {
		ret = move_toolchain_away(path, n->old_dir, err);
		kfarmd_toolchain_stage_free(n);
	}
	free(path);
	return ret;
}

struct kfarmd_toolchain_rpc {
	struct kfarmd *agent;
	const struct kfarmd_toolchain_rpc_ops *ops;
	void *ctx;
	bool closed;
	atomic_bool stop_requested;

	uint32_t request_id;
	char *drop_id; /* NULL: list all toolchains */
	bool verify;
	struct wire_held toolchains;
	int ret;
	struct err err;
};

/* Send the list in one or more messages. */
static void send_held_list(struct kfarmd_toolchain_rpc *c)
{
	uint32_t at = 0;

	if (c->ret)
		log_warning("toolchains: %s", c->err.text);
	do {
		uint32_t left = c->toolchains.n_toolchains - at;
		struct wire_held m = { .request_id = c->request_id,
				       .last = left <= WIRE_HELD_MAX,
				       .n_toolchains = left <= WIRE_HELD_MAX ?
							       left :
							       WIRE_HELD_MAX,
				       .toolchains = c->toolchains.toolchains +
						     at };
		struct buf body = { 0 };

		wire_held_encode(&body, &m);
		c->ops->send(c->ctx, WIRE_HELD, &body);
		at += m.n_toolchains;
	} while (at < c->toolchains.n_toolchains && !c->closed);
}

static void on_task(void *arg)
{
	struct kfarmd_toolchain_rpc *c = arg;
	struct wire_dropped m = { .request_id = c->request_id,
				  .state = c->ret != 0,
				  .detail = c->ret ? c->err.text : (char *)"" };
	struct buf body = { 0 };

	if (!c->closed && c->drop_id) {
		wire_dropped_encode(&body, &m);
		c->ops->send(c->ctx, WIRE_DROPPED, &body);
	} else if (!c->closed) {
		send_held_list(c);
	}
	c->agent->n_active--;
	c->ops->on_freed(c->ctx, c);
	wire_held_release(&c->toolchains);
	free(c->drop_id);
	free(c);
}

static void run_rpc(void *arg)
{
	struct kfarmd_toolchain_rpc *c = arg;

	c->ret = c->drop_id ?
			 kfarmd_toolchain_stage_remove(c->agent->toolchains_dir,
						       c->drop_id, &c->err) :
			 kfarmd_toolchains_list(c->agent->toolchains_dir,
						c->verify, &c->stop_requested,
						&c->toolchains, &c->err);
}

struct kfarmd_toolchain_rpc *kfarmd_toolchain_rpc_new(
	struct kfarmd *a, uint32_t request_id, const char *drop_id, bool verify,
	const struct kfarmd_toolchain_rpc_ops *ops, void *ctx)
{
	struct kfarmd_toolchain_rpc *c = xcalloc(1, sizeof(*c));

	c->agent = a;
	c->request_id = request_id;
	c->drop_id = drop_id ? xstrdup(drop_id) : NULL;
	c->verify = verify;
	c->ops = ops;
	c->ctx = ctx;
	if (!task_start_notify(a->base, run_rpc, on_task, c)) {
		free(c->drop_id);
		free(c);
		return NULL;
	}
	/* n_active makes kfarmd wait for this request before it exits. */
	a->n_active++;
	return c;
}

void kfarmd_toolchain_rpc_close(struct kfarmd_toolchain_rpc *c)
{
	c->closed = true;
	atomic_store(&c->stop_requested, true);
}

struct kfarmd_bundle {
	struct kfarmd_input_sink sink;
	struct kfarmd_manifest manifest;
	char *metadata;
	/* the toolchain is already installed, nothing is written */
	bool installed;
	/* index of the files of all installed toolchains */
	struct kfarmd_toolchains_index *index;
	/* NULL: not begun, published, or failed */
	struct kfarmd_toolchain_stage *stage;
};

static struct kfarmd_bundle *to_bundle(struct kfarmd_input_sink *p)
{
	/* `sink` is the first member. */
	return (struct kfarmd_bundle *)(void *)p;
}

static int open_bundle(struct kfarmd_input_sink *p, struct err *err)
{
	struct kfarmd_bundle *b = to_bundle(p);

	(void)err;
	b->installed = kfarmd_toolchains_has(p->daemon->toolchains_dir,
					     b->manifest.id,
					     &b->manifest.dir_digest);
	b->index = kfarmd_toolchains_index(p->daemon->toolchains_dir);
	return 0;
}

static int add_to_manifest(struct kfarmd_input_sink *p,
			   const struct kfarmd_input_update *v, struct err *err)
{
	struct kfarmd_manifest *r = &to_bundle(p)->manifest;
	int ret = 0;

	if (v->m.part == WIRE_PART_SOURCES)
		return err_set(err, EINVAL, "%s: unexpected source files",
			       r->id);
	/* Skip the leading slash. */
	for (uint32_t i = 0; i < v->m.n_entries && !ret; i++)
		ret = kfarmd_manifest_add(r, v->entries[i].path + 1,
					  &v->m.entries[i].inode, err);
	return ret;
}

/* Validate the manifest and check for free space. */
static int check_bundle_manifest(struct kfarmd_input_sink *p, struct err *err)
{
	struct kfarmd_bundle *b = to_bundle(p);
	int ret = kfarmd_manifest_validate(&b->manifest, err);

	if (ret || b->installed)
		return ret;
	return kfarmd_toolchain_stage_new(p->daemon->toolchains_dir, &b->stage,
					  b->manifest.total_bytes,
					  b->manifest.entries.n, err);
}

/*
 * Pin the blobs in the store.  A blob that the store lacks is copied from an
 * installed toolchain; it is missing only if no toolchain has it.
 */
static int pin_bundle_blobs(struct kfarmd_input_sink *p,
			    struct kfarmd_input_update *v, struct err *err)
{
	const struct kfarmd_bundle *b = to_bundle(p);
	int ret;

	if (b->installed) {
		v->blobs_pinned = true;
		return 0;
	}
	ret = kfarmd_input_update_pin_blobs(v, err);
	for (uint32_t i = 0; i < v->m.n_entries && !ret; i++) {
		struct kfarmd_input_update_entry *e = &v->entries[i];

		if (!e->missing)
			continue;
		if (atomic_load(&p->stop_requested))
			return err_set(err, ECANCELED, "cancelled");
		e->pinned = !kfarmd_toolchains_copy_to_store(
			b->index, p->daemon->store,
			&v->m.entries[i].inode.digest,
			v->m.entries[i].inode.size);
		e->missing = !e->pinned;
	}
	return ret;
}

static int write_bundle_files(struct kfarmd_input_sink *p,
			      struct kfarmd_input_update *v, struct err *err)
{
	struct kfarmd_bundle *b = to_bundle(p);
	int ret;

	if (b->installed) {
		v->next_entry = v->m.n_entries;
		return 0;
	}
	ret = kfarmd_input_update_apply(v, kfarmd_toolchain_stage_put, b->stage,
					err);
	if (ret && ret != -EBADMSG) {
		kfarmd_toolchain_stage_free(b->stage);
		b->stage = NULL;
	}
	return ret;
}

static int publish_bundle(struct kfarmd_input_sink *p, struct err *err)
{
	struct kfarmd_bundle *b = to_bundle(p);
	int ret = 0;

	if (!b->installed)
		ret = kfarmd_toolchain_stage_publish(b->stage, &b->manifest,
						     b->metadata,
						     &p->stop_requested, err);
	kfarmd_toolchain_stage_free(b->stage);
	b->stage = NULL;
	digest_format(&b->manifest.dir_digest, p->detail);
	if (!ret)
		log_info("toolchain %s: installed", b->manifest.id);
	return ret;
}

static void free_bundle(struct kfarmd_input_sink *p)
{
	struct kfarmd_bundle *b = to_bundle(p);

	kfarmd_toolchains_index_free(b->index);
	kfarmd_toolchain_stage_free(b->stage);
	kfarmd_manifest_release(&b->manifest);
	free(b->metadata);
	free(b);
}

static const struct kfarmd_input_sink_type bundle_sink_type = {
	.name = "bundle",
	.all_or_nothing = true,
	.open = open_bundle,
	.accept = add_to_manifest,
	.validate = check_bundle_manifest,
	.pin_blobs = pin_bundle_blobs,
	.apply = write_bundle_files,
	.finish = publish_bundle,
	.free = free_bundle,
};

struct kfarmd_input_sink *kfarmd_bundle_new(
	struct kfarmd *a, struct wire_bundle *m, struct kfarmd_blobs *blobs,
	const struct kfarmd_input_sink_ops *ops, void *ctx)
{
	struct kfarmd_bundle *b = xcalloc(1, sizeof(*b));

	b->manifest.id = m->id;
	b->manifest.host = m->host;
	b->manifest.dir_digest = m->dir_digest;
	b->manifest.equivalent_id = m->equivalent_id;
	b->metadata = m->metadata;
	m->id = m->host = m->metadata = NULL;
	kfarmd_input_sink_init(&b->sink, &bundle_sink_type, a, m->bundle, blobs,
			       ops, ctx);
	return &b->sink;
}
