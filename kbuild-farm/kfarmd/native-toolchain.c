/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/native-toolchain.h"

#include "base/list.h"
#include "base/str.h"
#include "compiler/collector.h"
#include "kfarmd/input-sink.h"
#include "kfarmd/input-update.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/run.h"

#include <elf.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The sandbox for driver queries contains copies of the toolchain files up to
 * this size.  Larger files are empty in the sandbox, because a driver does not
 * read them.
 */
#define SMALL_FILE_BYTES (64u << 10)

struct kfarmd_driver_query {
	char *toolchain_dir; /* directory of the toolchain */
	struct sandbox *sandbox;
	struct event_base *base; /* event loop of the calling thread */
	struct event *read_event;
	struct event *tick; /* checks the time limit of `run` */
	struct kfarmd_run *run; /* of the current query; else NULL */
	bool sandbox_lost;
	bool answered; /* the run of the current query has ended */
};

/*
 * Put an entry into the sandbox.  The bytes of a file are read from the node's
 * file `from`.
 */
static int put_from_file(struct sandbox *cell, const char *path,
			 const struct wire_inode *inode, const char *from,
			 struct err *err)
{
	int fd = -1, ret;

	if (inode->kind == WIRE_INODE_FILE) {
		fd = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return err_errno(err, "%s", from);
	}
	ret = kfarmd_entry_put(cell, path, inode, fd, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int fill_query_sandbox(struct kfarmd_driver_query *a,
			      const struct kfarmd_toolchain_lease *l,
			      const struct compiler_entries *program,
			      const char *driver, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < l->manifest.entries.n && !ret; i++) {
		const struct compiler_entry *e = &l->manifest.entries.v[i];
		bool small = e->size_bytes <= SMALL_FILE_BYTES;
		char *path = xasprintf("%s/%s", l->dir, e->path);
		struct wire_inode inode = kfarmd_entry_to_inode(e);

		if (!small)
			inode.size = 0;
		ret = put_from_file(a->sandbox, path, &inode,
				    small ? path : "/dev/null", err);
		free(path);
	}
	for (size_t i = 0; i < program->n && !ret; i++) {
		const struct compiler_entry *e = &program->v[i];
		struct wire_inode inode = kfarmd_entry_to_inode(e);

		ret = put_from_file(a->sandbox, e->path, &inode, e->path, err);
	}
	if (!ret)
		ret = sandbox_freeze(a->sandbox, driver, err);
	return ret;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_driver_query *a = arg;

	(void)fd;
	(void)what;
	sandbox_handle_messages(a->sandbox);
}

static void on_query_tick(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_driver_query *a = arg;

	(void)fd;
	(void)what;
	kfarmd_run_check_deadline(a->run);
}

static void on_lost(void *ctx, const char *why)
{
	struct kfarmd_driver_query *a = ctx;

	(void)why;
	a->sandbox_lost = true;
	if (a->read_event)
		event_del(a->read_event);
}

int kfarmd_driver_query_new(struct kfarmd_driver_query **out,
			    const struct kfarmd_toolchain_lease *lease,
			    const struct compiler_entries *program,
			    const char *driver,
			    const struct sandbox_limits *limits,
			    struct err *err)
{
	struct kfarmd_driver_query *a = xcalloc(1, sizeof(*a));
	struct sandbox_setup setup = { .limits = *limits,
				       .on_lost = on_lost,
				       .ctx = a };
	int ret = sandbox_new(&a->sandbox, &setup, err);

	a->toolchain_dir = xstrdup(lease->dir);
	if (!ret)
		ret = fill_query_sandbox(a, lease, program, driver, err);
	if (ret) {
		kfarmd_driver_query_free(a);
		*out = NULL;
		return ret;
	}
	a->base = event_base_new();
	if (!a->base)
		str_out_of_memory();
	a->read_event = event_new(a->base, sandbox_fd(a->sandbox),
				  EV_READ | EV_PERSIST, on_readable, a);
	a->tick = event_new(a->base, -1, EV_PERSIST, on_query_tick, a);
	if (!a->read_event || !a->tick || event_add(a->read_event, NULL))
		str_out_of_memory();
	*out = a;
	return 0;
}

void kfarmd_driver_query_free(struct kfarmd_driver_query *a)
{
	if (!a)
		return;
	sandbox_free(a->sandbox);
	if (a->base) {
		event_free(a->read_event);
		event_free(a->tick);
		event_base_free(a->base);
	}
	free(a->toolchain_dir);
	free(a);
}

static void on_query_done(void *ctx)
{
	struct kfarmd_driver_query *a = ctx;

	a->answered = true;
	event_base_loopbreak(a->base);
}

static int run_driver_query(void *ctx, char *const *argv, char *const *env,
			    size_t max, unsigned timeout_ms, struct buf *out,
			    int *status, struct err *err)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct kfarmd_driver_query *a = ctx;
	struct sandbox_job job = { .argv = argv,
				   .cwd = SANDBOX_TMP_DIR,
				   .deadline_ms = timeout_ms,
				   .stdin_fd = -1 };
	struct strv with = { 0 };
	const struct sandbox_end *end;
	struct kfarmd_run *run;
	int ret;

	if (a->sandbox_lost)
		return err_set(err, EIO, "%s: sandbox lost", argv[0]);
	strv_add_all(&with, env);
	strv_add(&with, "TMPDIR=" SANDBOX_TMP_DIR);
	job.env = with.v;
	a->answered = false;
	ret = kfarmd_run_start(&run, a->base, a->sandbox, &job, NULL,
			       on_query_done, a, err);
	strv_release(&with);
	if (ret)
		return ret;
	a->run = run;
	event_add(a->tick, &second);
	event_base_dispatch(a->base);
	event_del(a->tick);
	a->run = NULL;
	end = &run->end;
	if (!a->answered || end->cause == SANDBOX_END_DEADLINE) {
		ret = err_set(err, ETIMEDOUT, "%s: %s", argv[0],
			      strerror(ETIMEDOUT));
	} else if (run->overflowed || run->output[0].len > max) {
		ret = err_set(err, EMSGSIZE, "%s: %s", argv[0],
			      strerror(EMSGSIZE));
	} else if (end->cause == SANDBOX_END_NOT_STARTED) {
		ret = err_set(err, end->error ? end->error : EIO,
			      "cannot run %s: %s", argv[0], end->detail);
	} else if (end->cause != SANDBOX_END_EXITED) {
		ret = err_set(err, EIO, "%s: sandbox lost", argv[0]);
	} else {
		buf_add_bytes(out, buf_bytes(&run->output[0]));
		*status = end->status;
	}
	kfarmd_run_free(run);
	return ret;
}

struct compiler_runner kfarmd_driver_query_runner(struct kfarmd_driver_query *a)
{
	return (struct compiler_runner){ .run = run_driver_query,
					 .ctx = a,
					 .allowed_dir = a->toolchain_dir };
}

#define CACHED_MANIFESTS_MAX 16

/* A cached manifest; several threads can use it concurrently. */
struct cached_manifest {
	TAILQ_ENTRY(cached_manifest) entry;
	char *cache_key;
	struct compiler_manifest manifest;
	unsigned n_users;
	bool stale; /* freed when its last user releases it */
};

struct kfarmd_native_toolchain_cache {
	/* protects everything except the content of the manifests */
	pthread_mutex_t lock;
	TAILQ_HEAD(, cached_manifest) manifests; /* least recently used first */
	unsigned n_manifests;
};

struct kfarmd_native_toolchain_cache *kfarmd_native_toolchain_cache_new(void)
{
	struct kfarmd_native_toolchain_cache *o = xcalloc(1, sizeof(*o));

	pthread_mutex_init(&o->lock, NULL);
	TAILQ_INIT(&o->manifests);
	return o;
}

static void free_cached_manifest(struct cached_manifest *l)
{
	compiler_manifest_release(&l->manifest);
	free(l->cache_key);
	free(l);
}

static void remove_cached_manifest(struct kfarmd_native_toolchain_cache *o,
				   struct cached_manifest *l)
{
	TAILQ_REMOVE(&o->manifests, l, entry);
	o->n_manifests--;
	free_cached_manifest(l);
}

void kfarmd_native_toolchain_cache_free(struct kfarmd_native_toolchain_cache *o)
{
	if (!o)
		return;
	while (!TAILQ_EMPTY(&o->manifests))
		remove_cached_manifest(o, TAILQ_FIRST(&o->manifests));
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/*
 * Return the cached manifest with this key, or NULL.  The caller becomes a user
 * of the manifest and calls put_cached_manifest().
 */
static struct cached_manifest *find_cached_manifest(
	struct kfarmd_native_toolchain_cache *o, const char *key)
{
	struct cached_manifest *l, *found = NULL;

	pthread_mutex_lock(&o->lock);
	list_for_each(l, &o->manifests, entry) {
		if (!l->stale && !strcmp(l->cache_key, key)) {
			found = l;
			l->n_users++;
			TAILQ_REMOVE(&o->manifests, l, entry);
			TAILQ_INSERT_TAIL(&o->manifests, l, entry);
			break;
		}
	}
	pthread_mutex_unlock(&o->lock);
	return found;
}

static void put_cached_manifest(struct kfarmd_native_toolchain_cache *o,
				struct cached_manifest *l, bool stale)
{
	pthread_mutex_lock(&o->lock);
	l->stale |= stale;
	if (!--l->n_users && l->stale)
		remove_cached_manifest(o, l);
	pthread_mutex_unlock(&o->lock);
}

static void add_cached_manifest(struct kfarmd_native_toolchain_cache *o,
				struct cached_manifest *l)
{
	struct cached_manifest *old, *next;

	pthread_mutex_lock(&o->lock);
	l->n_users = 1;
	TAILQ_INSERT_TAIL(&o->manifests, l, entry);
	o->n_manifests++;
	list_for_each_safe(old, &o->manifests, entry, next) {
		if (old != l && !old->n_users &&
		    o->n_manifests > CACHED_MANIFESTS_MAX)
			remove_cached_manifest(o, old);
	}
	pthread_mutex_unlock(&o->lock);
}

/*
 * Check that a file outside the toolchain is an ELF executable or library.  The
 * driver names such files in its replies, and kfarmd puts them into the
 * client's sandbox.  Without the check, a malicious driver could disclose any
 * file of the node.
 */
static int check_system_file(const struct compiler_entry *e,
			     const struct kfarmd_toolchain_lease *l,
			     struct err *err)
{
	int fd = open(e->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint8_t head[EI_NIDENT + 2] = { 0 };
	bool is = fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head) &&
		  !memcmp(head, ELFMAG, SELFMAG);
	int type = head[EI_NIDENT + (head[EI_DATA] == ELFDATA2MSB)];

	if (fd >= 0)
		close(fd);
	if (is && (type == ET_DYN || type == ET_EXEC))
		return 0;
	return err_set(
		err, EPERM,
		"%s: system file %s is not an executable or shared library",
		l->manifest.id, e->path);
}

/*
 * Compare the files of the toolchain in `list` with the manifest of the lease,
 * and check the files outside the toolchain with check_system_file().
 * Directories are not compared, because the manifest omits some of them.
 */
static int check_manifest_entries(const struct compiler_entries *list,
				  const struct kfarmd_toolchain_lease *l,
				  struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct compiler_entry *e = &list->v[i], *was;
		const char *path = str_skip_dir(e->path, l->dir);
		int ret = 0;

		if (!path && e->kind == COMPILER_ENTRY_FILE)
			ret = check_system_file(e, l, err);
		if (ret)
			return ret;
		if (!path || e->kind == COMPILER_ENTRY_DIR)
			continue;
		was = compiler_entries_find(&l->manifest.entries, path);
		if (was && compiler_entry_equal_content(e, was))
			continue;
		err_set(err, EBADMSG, "%s: %s: %s", l->manifest.id, path,
			was ? "modified" : "not in the manifest");
		kfarmd_toolchains_mark_damaged(l, err->text);
		return -EBADMSG;
	}
	return 0;
}

static int make_driver_manifest(const struct kfarmd *a,
				const struct kfarmd_toolchain_lease *l,
				const char *driver,
				struct compiler_manifest *out, struct err *err)
{
	static char *const env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH,
				     NULL };
	struct compiler_entries program;
	struct compiler_runner runner;
	struct kfarmd_driver_query *ask = NULL;
	int ret = compiler_manifest_list_program(&program, driver, env, err);

	if (ret)
		goto out;
	/* Verify the files before executing the driver for a query. */
	ret = check_manifest_entries(&program, l, err);
	if (ret)
		goto out;
	ret = kfarmd_driver_query_new(&ask, l, &program, driver,
				      &a->sandbox_limits, err);
	if (ret)
		goto out;
	runner = kfarmd_driver_query_runner(ask);
	ret = compiler_manifest_make_with(out, driver, env, &runner, err);
	if (ret)
		goto out;
	ret = check_manifest_entries(&out->entries, l, err);
	if (ret)
		compiler_manifest_release(out);
out:
	kfarmd_driver_query_free(ask);
	compiler_entries_release(&program);
	return ret;
}

/*
 * Look up or make the manifest of a driver.  On success, the caller becomes a
 * user of *out and calls put_cached_manifest().
 */
static int get_driver_manifest(const struct kfarmd *a,
			       const struct kfarmd_toolchain_lease *l,
			       const char *driver, struct cached_manifest **out,
			       struct err *err)
{
	char hex[DIGEST_HEX], *key;
	struct err ignored;
	int ret;

	digest_format(&l->manifest.dir_digest, hex);
	key = xasprintf("%s %s", hex, driver);
	*out = find_cached_manifest(a->native_toolchains, key);
	if (*out &&
	    compiler_manifest_check_unchanged(&(*out)->manifest, &ignored)) {
		put_cached_manifest(a->native_toolchains, *out, true);
		*out = NULL;
	}
	if (*out) {
		free(key);
		return 0;
	}
	*out = xcalloc(1, sizeof(**out));
	(*out)->cache_key = key;
	ret = make_driver_manifest(a, l, driver, &(*out)->manifest, err);
	if (ret)
		free_cached_manifest(*out);
	else
		add_cached_manifest(a->native_toolchains, *out);
	return ret;
}

char *kfarmd_native_toolchain_map_path(const char *path, const char *node_dir,
				       const char *client_dir)
{
	const char *rest = str_skip_dir(path, node_dir);

	if (rest)
		return xasprintf("%s/%s", client_dir, rest);
	if (strcmp(path, node_dir) != 0 || !*client_dir)
		return xstrdup(path);
	return xstrdup(client_dir);
}

/* Remove the last component.  Returns false if `path` has no slash. */
static bool strip_last_path_part(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

bool kfarmd_native_toolchain_find_prefixes(const char *dir,
					   const char *driver_path,
					   const char *driver, char **node_dir,
					   char **client_dir)
{
	char *a = xasprintf("/%s", driver_path), *b = xstrdup(driver);
	bool is = strip_last_path_part(a) && strip_last_path_part(b) &&
		  str_ends(a, "/bin") && str_ends(b, "/bin");

	/* Strip "bin", then the last components while they are equal. */
	for (bool more = is; more;) {
		strip_last_path_part(a);
		strip_last_path_part(b);
		more = *a && *b && !strcmp(str_base(a), str_base(b));
	}
	*node_dir = is ? xasprintf("%s%s", dir, a) : NULL;
	*client_dir = is ? xstrdup(b) : NULL;
	free(a);
	free(b);
	return is;
}

/*
 * Resolve the relative target of a link at `path` lexically; the caller frees
 * the result.
 */
static char *resolve_relative_target(const char *path, const char *target)
{
	char *at = str_dir(path), *next;

	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && !strncmp(target, "..", 2)) {
			strip_last_path_part(at);
		} else if (n && !(n == 1 && *target == '.')) {
			next = xasprintf("%s/%.*s", strcmp(at, "/") ? at : "",
					 (int)n, target);
			free(at);
			at = next;
		}
		target += n;
		target += *target == '/';
	}
	return at;
}

/*
 * Translate the target of a link from the node's `node_dir` to the client's
 * `client_dir`.  The caller frees the result.
 */
static char *map_symlink_target(const struct compiler_entry *e,
				const char *node_dir, const char *client_dir)
{
	char *to, *out;

	if (e->target[0] == '/')
		return kfarmd_native_toolchain_map_path(e->target, node_dir,
							client_dir);
	to = resolve_relative_target(e->path, e->target);
	/*
	 * The relative target remains valid if the link and its target are both
	 * in `node_dir` or both outside it.
	 */
	if (!str_skip_dir(e->path, node_dir) == !str_skip_dir(to, node_dir))
		out = xstrdup(e->target);
	else
		out = kfarmd_native_toolchain_map_path(to, node_dir,
						       client_dir);
	free(to);
	return out;
}

/*
 * Check that no two entries have the same path: a translated path of the
 * toolchain can equal the path of a library of the node.
 */
static int check_unique_paths(const struct strv *places, struct err *err)
{
	struct strv all = { 0 };
	int ret = 0;

	strv_add_all(&all, places->v);
	strv_sort(&all);
	for (size_t i = 1; i < all.n && !ret; i++) {
		if (!strcmp(all.v[i - 1], all.v[i]))
			ret = err_set(
				err, EEXIST,
				"%s: path used by both the toolchain on the "
				"build host and the system of the node",
				all.v[i]);
	}
	strv_release(&all);
	return ret;
}

static int put_manifest_entries(const struct compiler_manifest *m,
				const char *node_dir, const char *client_dir,
				struct kfarmd_sandbox *c, struct err *err)
{
	struct strv places = { 0 };
	uint64_t bytes = 0;
	int ret;

	for (size_t i = 0; i < m->entries.n; i++) {
		bytes += m->entries.v[i].size_bytes;
		strv_own(&places,
			 kfarmd_native_toolchain_map_path(
				 m->entries.v[i].path, node_dir, client_dir));
	}
	ret = check_unique_paths(&places, err);
	if (!ret)
		ret = kfarmd_input_update_check_memory(
			bytes, &c->unchecked_bytes, "", err);
	for (size_t i = 0; i < m->entries.n && !ret; i++) {
		const struct compiler_entry *e = &m->entries.v[i];
		struct wire_inode inode = kfarmd_entry_to_inode(e);

		if (e->kind == COMPILER_ENTRY_SYMLINK)
			inode.target = map_symlink_target(e, node_dir,
							  client_dir);
		ret = put_from_file(c->sandbox, places.v[i], &inode, e->path,
				    err);
		if (e->kind == COMPILER_ENTRY_SYMLINK)
			free(inode.target);
	}
	strv_release(&places);
	return ret;
}

int kfarmd_native_toolchain_put(struct kfarmd_sandbox *c, const char *driver,
				struct digest *id, struct err *err)
{
	const struct kfarmd *a = c->sink.daemon;
	const struct wire_cell *m = &c->request;
	struct kfarmd_toolchain_lease *lease = &c->lease;
	char *path = NULL, *node_dir = NULL, *client_dir = NULL;
	struct cached_manifest *list = NULL;
	const struct compiler_entry *e;
	struct kfarmd_manifest *r;
	int ret = kfarmd_toolchains_lease(a->toolchains_dir, m->installed_id,
					  lease, err);

	if (ret)
		return ret;
	r = &lease->manifest;
	e = kfarmd_manifest_find_driver(r, str_base(driver));
	if (!*driver)
		ret = err_set(err, ENOENT, "%s: cannot resolve compiler path",
			      m->driver);
	else if (!strv_has(&a->hosts, r->host))
		ret = err_set(err, ENOEXEC,
			      "%s: built for %s, which this node cannot run",
			      r->id, r->host);
	else if (!e)
		ret = err_set(err, ENOENT, "%s: no such compiler: %s", r->id,
			      str_base(driver));
	else if (!kfarmd_native_toolchain_find_prefixes(
			 lease->dir, e->path, driver, &node_dir, &client_dir))
		ret = err_set(err, EINVAL, "%s: not in a bin directory",
			      driver);
	if (ret || !e || !node_dir)
		goto out;
	path = xasprintf("%s/%s", lease->dir, e->path);
	ret = get_driver_manifest(a, lease, path, &list, err);
	if (ret)
		goto out;
	*id = list->manifest.id;
	if (list->manifest.is_clang != m->is_clang)
		ret = err_set(err, EINVAL, "%s: expected %s", m->installed_id,
			      m->is_clang ? "clang, got another compiler" :
					    "another compiler, got clang");
	if (!ret)
		ret = put_manifest_entries(&list->manifest, node_dir,
					   client_dir, c, err);
	if (!ret)
		ret = compiler_manifest_check_unchanged(&list->manifest, err);
	put_cached_manifest(a->native_toolchains, list, ret == -ESTALE);
out:
	free(path);
	free(node_dir);
	free(client_dir);
	if (ret)
		kfarmd_toolchains_release_lease(lease);
	return ret;
}
