/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results of whole headers are not memoized, because no single part of a warm
 * scan dominates: a third of the time is spent in stat(2), a tenth on the
 * command line, and the rest in the walk, the macro table and the header
 * search.  Memoized conditions, keyed by the definitions that they look up,
 * have removed most of the evaluation cost.  The result of a header search is
 * cached for one unit only.  A cache for all units would need the search path
 * in its key.  A defconfig build has hundreds of search paths, and with such a
 * key, the second half of the build took twice as long as the first half.
 *
 * Memory is charged with cpp_names_charge().  If the charged memory exceeds a
 * limit, all caches are dropped together before the next unit.
 *
 * The main cost of the stat cache is the number of stat(2) calls per unit.  A
 * file costs one call.  An absence costs one call for the deepest existing
 * directory of its path.  A name below a missing directory costs no call.  A
 * file that was checked recently costs no call if the caller verifies the file
 * later.  inotify would save a fifth of the calls, but inotify does not report
 * stores through mmap(2) or through hard links, writes by other NFS clients, or
 * changes below an overlay.  The inotify queue can also overflow.  A missed
 * change would give a wrong result without an error, which is not acceptable.
 * (Figures: tests/bench/FIGURES.md.)
 *
 * A line that is a directive in C can be text in a .S file.  Each pair of
 * working directory and mode therefore has its own stat cache.  If C and
 * assembler units shared a stat cache, assembler units would discard the lexed
 * texts of C units.
 */
#include "cpp/stat-cache.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"
#include "cpp/expr.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX  (INT64_C(256) << 20)
#define TRIES_MAX 5
#define BUCKETS   16384

/* A file's text in one mode. */
struct cached_text {
	struct map_entry entry;
	struct file_stamp id;
	struct cpp_text *text;
};

/* A file that a thread is reading in order to store it. */
struct read_in_progress {
	struct read_in_progress *next;
	const struct file_stamp *id;
	unsigned mode;
};

struct cpp_file_cache {
	pthread_mutex_t lock;
	pthread_cond_t ended; /* an entry of `reading` was removed */
	struct read_in_progress *reading;
	struct cpp_names *names;
	struct map entries;
	uint64_t n_lexed, n_reused;
};

/* The last assigned path_id.  All caches share it, so each id is unique. */
static atomic_uint last_path_id;

struct cpp_stat_cache {
	struct cpp_names *names;
	struct cpp_file_cache *store;
	char *cwd;
	uint32_t unit;
	unsigned mode;
	int64_t start_time_ns; /* of the current unit */
	/* stat(2) results of units that started since this time are reused */
	int64_t trusted_since_ns;
	struct buf scratch; /* an absolute path */
	uint32_t epoch;
	uint32_t n_dirs;
	uint64_t n_stats;
	struct arena arena;
	struct cpp_dir *dirs[BUCKETS];
	struct cpp_cached_file *files[BUCKETS];
	struct cpp_closure_entry *entries[BUCKETS];
	struct cpp_path_lookup *lookups[BUCKETS * 4];
};

struct cpp_file_cache *cpp_file_cache_new(struct cpp_names *names)
{
	struct cpp_file_cache *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->ended, NULL);
	s->names = names;
	return s;
}

/* Release a reference that get_cached_text() took; NULL is allowed. */
static void put_file_text(struct cpp_text *t)
{
	if (t && atomic_fetch_sub(&t->refs, 1) == 1)
		cpp_text_free(t);
}

static void entry_free(struct map_entry *e)
{
	put_file_text(((struct cached_text *)e)->text);
	free(e);
}

void cpp_file_cache_free(struct cpp_file_cache *s)
{
	if (!s)
		return;
	map_release_entries(&s->entries, entry_free);
	pthread_cond_destroy(&s->ended);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct cached_text *find_stored(const struct cpp_file_cache *s,
				       const struct file_stamp *id,
				       unsigned mode)
{
	struct map_entry *n = map_find(&s->entries, file_stamp_hash(id) ^ mode);
	struct cached_text *e;

	for (; (e = (struct cached_text *)n); n = map_next_match(n)) {
		if (e->text->mode == mode && file_stamp_equal(&e->id, id))
			break;
	}
	return e;
}

/* Return true if another thread is reading this file. */
static bool is_being_read(const struct cpp_file_cache *s,
			  const struct file_stamp *id, unsigned mode)
{
	for (const struct read_in_progress *r = s->reading; r; r = r->next) {
		if (r->mode == mode && file_stamp_equal(r->id, id))
			return true;
	}
	return false;
}

/*
 * Take a reference to the stored text of a file and return the text.  If
 * another thread is already reading the file, first wait for its result:
 * units that start together need the same headers, and a file need not be read
 * twice.  If no text is stored, add `r` to `reading` and return NULL; the
 * caller must then read the file and remove `r`.
 */
static struct cpp_text *find_or_claim_text(struct cpp_file_cache *s,
					   struct read_in_progress *r)
{
	struct cpp_text *t = NULL;
	struct cached_text *e;

	pthread_mutex_lock(&s->lock);
	while (!(e = find_stored(s, r->id, r->mode)) &&
	       is_being_read(s, r->id, r->mode))
		pthread_cond_wait(&s->ended, &s->lock);
	if (e) {
		t = e->text;
		atomic_fetch_add(&t->refs, 1);
		s->n_reused++;
	} else {
		r->next = s->reading;
		s->reading = r;
	}
	pthread_mutex_unlock(&s->lock);
	return t;
}

/*
 * Store `t`, take a reference to it and return it.  If another thread has
 * stored the file first, free `t` and return the stored text instead.
 */
static struct cpp_text *add_stored(struct cpp_file_cache *s,
				   const struct file_stamp *id,
				   struct cpp_text *t)
{
	struct cached_text *e;

	pthread_mutex_lock(&s->lock);
	s->n_lexed++;
	e = find_stored(s, id, t->mode);
	if (e) {
		cpp_text_free(t);
	} else {
		e = xcalloc(1, sizeof(*e));
		e->id = *id;
		e->text = t;
		atomic_store(&t->refs, 1);
		map_add(&s->entries, &e->entry, file_stamp_hash(id) ^ t->mode);
	}
	atomic_fetch_add(&e->text->refs, 1);
	pthread_mutex_unlock(&s->lock);
	return e->text;
}

/* Get the stamp of a regular file. */
static int identify(int fd, struct file_stamp *id)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	file_stamp_from_stat(id, &st);
	return 0;
}

/* Read a file.  Returns -EAGAIN if the file changes while it is read. */
static int read_unchanged(int fd, const struct file_stamp *id, struct buf *in)
{
	struct file_stamp after = { 0 };
	int ret;

	if (id->size > FILE_MAX)
		return -EFBIG;
	ret = buf_reserve(in, (size_t)id->size + 4);
	if (ret)
		return ret;
	while (in->len < (size_t)id->size) {
		ssize_t n = pread(fd, in->data + in->len,
				  (size_t)id->size - in->len, (off_t)in->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EAGAIN;
		in->len += (size_t)n;
	}
	ret = identify(fd, &after);
	if (!ret && !file_stamp_equal(id, &after))
		ret = -EAGAIN;
	return ret;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

/*
 * Read and lex a file.  On entry, n->stamp is the file's stamp, read after the
 * time `since`, or zero if the stamp is unknown.  On return, n->stamp is the
 * stamp of the file that was read.
 */
static int read_and_lex(struct cpp_stat_cache *t, struct cpp_cached_file *n,
			bool full, int64_t since)
{
	struct buf in = { 0 };
	int fd = open_file(n->abs), ret = 0;
	bool reliable;

	if (fd < 0)
		return fd;
	if (!n->stamp.ino)
		ret = identify(fd, &n->stamp);
	reliable = !ret && file_stamp_is_reliable(&n->stamp, since);
	if (!ret)
		ret = read_unchanged(fd, &n->stamp, &in);
	if (!ret)
		n->text = cpp_lex_file(t->store->names, &in, t->mode, full);
	if (!ret && reliable)
		n->text = add_stored(t->store, &n->stamp, n->text);
	else if (!ret)
		atomic_store(&n->text->refs, 1);
	close(fd);
	buf_release(&in);
	return ret;
}

/*
 * Set n->text to the directives of a file.  n->stamp and `since` have the same
 * meaning as in read_and_lex().  If the stamp is known and reliable and the
 * file cache has the file, the file is not opened.  If the file must be read
 * and `full` is true, the text between its directives is lexed too.
 *
 * Returns 0, -EAGAIN if the file has changed, or another negative errno such as
 * -ENOENT, -EISDIR or -EFBIG.
 */
static int get_cached_text(struct cpp_stat_cache *t, struct cpp_cached_file *n,
			   bool full, int64_t since)
{
	const struct file_stamp known = n->stamp;
	struct read_in_progress r = { .id = &known, .mode = t->mode };
	struct cpp_file_cache *s = t->store;
	struct read_in_progress **at;
	int ret;

	if (!known.ino || !file_stamp_is_reliable(&known, since))
		return read_and_lex(t, n, full, since);
	n->text = find_or_claim_text(s, &r);
	if (n->text)
		return 0;
	ret = read_and_lex(t, n, full, since);
	pthread_mutex_lock(&s->lock);
	for (at = &s->reading; *at != &r; at = &(*at)->next)
		;
	*at = r.next;
	pthread_cond_broadcast(&s->ended);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

/*
 * Add the text tokens to `t`, which holds the directives of the file at `path`.
 * `id` is the stamp of the file when `t` was lexed.  Returns 0, -EAGAIN if the
 * file has changed since then, or another negative errno.
 */
static int load_full_text(struct cpp_text *t, const char *path,
			  const struct file_stamp *id)
{
	struct buf in = { 0 };
	struct file_stamp now = { 0 };
	int fd, ret;

	if (atomic_load(&t->full))
		return 0;
	fd = open_file(path);
	if (fd < 0)
		return fd;
	ret = identify(fd, &now);
	if (!ret && !file_stamp_equal(&now, id))
		ret = -EAGAIN;
	if (!ret)
		ret = read_unchanged(fd, id, &in);
	if (!ret) {
		struct cpp_text *again = cpp_lex_file(t->names, &in, t->mode,
						      true);
		struct cpp_full_text *full = atomic_load(&again->full);
		struct cpp_full_text *none = NULL;

		/* Add the tokens unless another thread has added them. */
		if (atomic_compare_exchange_strong(&t->full, &none, full))
			atomic_store(&again->full, NULL);
		cpp_text_free(again);
	}
	close(fd);
	buf_release(&in);
	return ret;
}

void cpp_file_cache_stats(struct cpp_file_cache *s,
			  struct cpp_file_cache_stats *out)
{
	pthread_mutex_lock(&s->lock);
	*out = (struct cpp_file_cache_stats){
		s->n_lexed, s->n_reused,
		s->entries.n_entries * sizeof(struct cached_text)
	};
	pthread_mutex_unlock(&s->lock);
}

struct cpp_stat_cache *cpp_stat_cache_new(struct cpp_names *names,
					  struct cpp_file_cache *store,
					  const char *cwd, unsigned mode)
{
	struct cpp_stat_cache *t = xcalloc(1, sizeof(*t));

	t->names = names;
	t->store = store;
	t->cwd = xstrdup(cwd);
	t->mode = mode;
	return t;
}

static void drop_text(struct cpp_stat_cache *t, struct cpp_cached_file *n)
{
	if (!n->text)
		return;
	cpp_expr_free_memos(n->memos, n->text->n_expr_texts, t->names);
	n->memos = NULL;
	put_file_text(n->text);
	n->text = NULL;
	t->epoch++;
}

void cpp_stat_cache_free(struct cpp_stat_cache *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct cpp_cached_file *n = t->files[i]; n; n = n->next)
			drop_text(t, n);
	}
	arena_release(&t->arena);
	buf_release(&t->scratch);
	free(t->cwd);
	free(t);
}

bool cpp_stat_cache_matches(const struct cpp_stat_cache *t, const char *cwd,
			    unsigned mode)
{
	return t->mode == mode && !strcmp(t->cwd, cwd);
}

int64_t cpp_stat_cache_start_time(const struct cpp_stat_cache *t)
{
	return t->start_time_ns;
}

void cpp_stat_cache_begin_unit(struct cpp_stat_cache *t, uint32_t unit,
			       int64_t stat_max_age_ns)
{
	t->unit = unit;
	t->start_time_ns = file_stamp_now_ns();
	t->trusted_since_ns = stat_max_age_ns ?
				      t->start_time_ns - stat_max_age_ns :
				      INT64_MAX;
}

static size_t bucket_of(const char *s)
{
	uint64_t h = 14695981039346656037u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return (size_t)(h ^ h >> 29) & (BUCKETS - 1);
}

static char *copy_to_arena(struct cpp_stat_cache *t, const char *s)
{
	return arena_copy(&t->arena, s, strlen(s));
}

static char *join_cwd(struct cpp_stat_cache *t, const char *path)
{
	size_t a = strlen(t->cwd), b = strlen(path);
	char *abs;

	if (*path == '/')
		return copy_to_arena(t, path);
	abs = arena_alloc(&t->arena, a + b + 2);
	memcpy(abs, t->cwd, a);
	abs[a] = b ? '/' : '\0';
	memcpy(abs + a + 1, path, b + 1);
	return abs;
}

static int stat_counted(struct cpp_stat_cache *t, const char *abs,
			struct stat *st)
{
	t->n_stats++;
	return stat(abs, st) ? -errno : 0;
}

/* Return 0 if stat(2) succeeded or the path is missing, else the error. */
static int error_of(int ret)
{
	return ret == -ENOENT || ret == -ENOTDIR ? 0 : ret;
}

static bool is_missing(const struct cpp_dir *d)
{
	return !d->exists && !d->error;
}

/* Return true if the path is missing and not even a dangling link. */
static bool is_absent(struct cpp_stat_cache *t, const char *abs)
{
	struct stat st;

	t->n_stats++;
	return lstat(abs, &st) && errno == ENOENT;
}

/* Return the directory named by the first `len` bytes of `path`. */
static struct cpp_dir *find_dir_prefix(struct cpp_stat_cache *t,
				       const char *path, size_t len)
{
	char *name = xstrndup(path, len);
	struct cpp_dir *d = cpp_stat_cache_dir(t, name);

	free(name);
	return d;
}

static size_t trimmed_length(const char *path, size_t len)
{
	while (len > 1 && path[len - 1] == '/')
		len--;
	return len;
}

/*
 * Find the guard of a missing directory: the deepest existing directory of its
 * path.  While the version of the guard is unchanged, the directory is still
 * missing.
 */
static void guard_dir(struct cpp_stat_cache *t, struct cpp_dir *d)
{
	size_t len = strlen(d->path), plain = trimmed_length(d->path, len);
	size_t up = plain;
	struct cpp_dir *above = NULL;

	/* "" and "/" have no parent; "" is the parent of "a", "/" of "/a". */
	if (plain > 1 || (plain && *d->path != '/')) {
		while (up && d->path[up - 1] != '/')
			up--;
		above = find_dir_prefix(t, d->path,
					trimmed_length(d->path, up));
	}
	d->missing = plain < len ? find_dir_prefix(t, d->path, plain) : d;
	if (!above)
		return;
	if (!above->exists) {
		d->missing = above->missing;
		d->guard = above->guard;
		d->guard_version = above->guard_version;
	} else if (is_absent(t, d->missing->abs)) {
		d->guard = above;
		d->guard_version = above->version;
	}
}

static void check_dir(struct cpp_stat_cache *t, struct cpp_dir *d)
{
	struct file_stamp now = { 0 };
	struct stat st;
	bool exists;
	int ret;

	if (d->checked_unit == t->unit)
		return;
	d->checked_unit = t->unit;
	if (!d->exists && d->guard) {
		check_dir(t, d->guard);
		if (d->guard->version == d->guard_version)
			return;
	}
	ret = stat_counted(t, d->abs, &st);
	d->error = error_of(ret);
	exists = !ret && S_ISDIR(st.st_mode);
	d->is_file = !ret && !exists;
	if (exists)
		file_stamp_from_stat(&now, &st);
	if (exists != d->exists || !d->stamp_reliable ||
	    !file_stamp_equal(&now, &d->stamp))
		d->version++;
	d->exists = exists;
	d->stamp = now;
	d->stamp_reliable = exists &&
			    file_stamp_is_reliable(&now, t->start_time_ns);
	d->guard = NULL;
	if (is_missing(d))
		guard_dir(t, d);
}

struct cpp_dir *cpp_stat_cache_dir(struct cpp_stat_cache *t, const char *path)
{
	size_t h = bucket_of(path);
	struct cpp_dir *d;

	for (d = t->dirs[h]; d; d = d->next) {
		if (!strcmp(d->path, path))
			break;
	}
	if (!d) {
		d = arena_alloc(&t->arena, sizeof(*d));
		*d = (struct cpp_dir){ .id = t->n_dirs++, .next = t->dirs[h] };
		d->path = copy_to_arena(t, path);
		d->abs = join_cwd(t, path);
		t->dirs[h] = d;
	}
	check_dir(t, d);
	return d;
}

static struct cpp_closure_entry *entry_of(struct cpp_stat_cache *t,
					  const char *path)
{
	struct cpp_closure_entry *e;
	size_t h;

	while (path[0] == '.' && path[1] == '/') {
		for (path += 2; *path == '/'; path++)
			;
	}
	h = bucket_of(path);
	for (e = t->entries[h]; e; e = e->next) {
		if (!strcmp(e->path, path))
			return e;
	}
	e = arena_alloc(&t->arena, sizeof(*e));
	*e = (struct cpp_closure_entry){
		.path = copy_to_arena(t, path),
		.path_id = atomic_fetch_add(&last_path_id, 1) + 1,
		.has_dotdot = strstr(path, "/.."),
		.next = t->entries[h]
	};
	t->entries[h] = e;
	return e;
}

/*
 * Return the directory of a file: "a/b" for "a/b/c.h", "a//" for "a//c.h", ""
 * for "c.h".
 */
static struct cpp_dir *dir_of_file(struct cpp_stat_cache *t, const char *path)
{
	size_t len = (size_t)(str_base(path) - path);

	if (len > 1 && path[len - 2] != '/')
		len--;
	return find_dir_prefix(t, path, len);
}

/* Update `n` with the result of a stat(2) call for the current unit. */
static void update_file(struct cpp_stat_cache *t, struct cpp_cached_file *n,
			int ret, const struct stat *st)
{
	struct file_stamp now = { 0 };

	n->checked_unit = t->unit;
	n->is_dir = !ret && S_ISDIR(st->st_mode);
	n->exists = !ret && !n->is_dir;
	n->regular = n->exists && S_ISREG(st->st_mode);
	n->error = error_of(ret);
	if (n->exists)
		file_stamp_from_stat(&now, st);
	if (n->text && (!n->exists || !n->stamp_reliable ||
			!file_stamp_equal(&now, &n->stamp)))
		drop_text(t, n);
	n->stamp = now;
	n->stat_time_ns = n->exists && file_stamp_is_reliable(
					       &now, t->start_time_ns) ?
				  t->start_time_ns :
				  INT64_MIN;
}

static void check_cached_file(struct cpp_stat_cache *t,
			      struct cpp_cached_file *n)
{
	struct stat st;
	int ret;

	if (n->checked_unit == t->unit)
		return;
	/*
	 * If the time of the result is later than the start time of this unit,
	 * the clock was set back.  The age of the result is then unknown, so
	 * the result is not reused.
	 */
	if (n->stat_time_ns >= t->trusted_since_ns &&
	    n->stat_time_ns <= t->start_time_ns) {
		n->checked_unit = t->unit;
		return;
	}
	ret = stat_counted(t, n->abs, &st);
	update_file(t, n, ret, &st);
}

static struct cpp_cached_file *find_file_stat(const struct cpp_stat_cache *t,
					      const char *path)
{
	struct cpp_cached_file *n = t->files[bucket_of(path)];

	while (n && strcmp(n->path, path))
		n = n->next;
	return n;
}

static struct cpp_cached_file *add_file_stat(struct cpp_stat_cache *t,
					     const char *path)
{
	struct cpp_cached_file *n = arena_alloc(&t->arena, sizeof(*n));
	size_t h = bucket_of(path);

	*n = (struct cpp_cached_file){ .stat_time_ns = INT64_MIN,
				       .next = t->files[h] };
	n->path = copy_to_arena(t, path);
	n->abs = join_cwd(t, path);
	n->dir = dir_of_file(t, path);
	n->entry = entry_of(t, path);
	t->files[h] = n;
	return n;
}

struct cpp_cached_file *cpp_stat_cache_file(struct cpp_stat_cache *t,
					    const char *path)
{
	struct cpp_cached_file *n = find_file_stat(t, path);

	if (!n)
		n = add_file_stat(t, path);
	check_cached_file(t, n);
	return n;
}

int cpp_stat_cache_read(struct cpp_stat_cache *t, struct cpp_cached_file *n,
			bool full)
{
	int64_t since = t->start_time_ns;
	int ret = -EAGAIN;

	/* Opening and closing a FIFO would discard the data of its writer. */
	if (!n->regular)
		return -ENOTSUP;
	if (!n->text) {
		for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++) {
			if (i) {
				since = file_stamp_now_ns();
				n->stamp = (struct file_stamp){ 0 };
			}
			ret = get_cached_text(t, n, full, since);
		}
		n->stamp_reliable = file_stamp_is_reliable(&n->stamp,
							   t->start_time_ns);
		if (!n->stamp_reliable)
			n->stat_time_ns = INT64_MIN;
		if (ret)
			return ret;
		n->memos = xcalloc(n->text->n_expr_texts + 1,
				   sizeof(*n->memos));
	}
	return full ? load_full_text(n->text, n->abs, &n->stamp) : 0;
}

/*
 * Shorten the path of a file in a system directory like gcc's
 * maybe_shorter_path().
 */
static struct cpp_cached_file *shorten_path(struct cpp_stat_cache *t,
					    struct cpp_cached_file *n)
{
	char *real = realpath(n->abs, NULL);

	if (real && strlen(real) < strlen(n->path))
		n = cpp_stat_cache_file(t, real);
	free(real);
	return n;
}

/* Add a path that is not in the cache.  Return NULL if it does not exist. */
static struct cpp_cached_file *stat_new_file(struct cpp_stat_cache *t,
					     const char *path)
{
	struct cpp_cached_file *n;
	struct stat st;
	int ret;

	buf_reset(&t->scratch);
	if (*path != '/')
		buf_printf(&t->scratch, "%s/", t->cwd);
	buf_add_str(&t->scratch, path);
	t->n_stats++;
	ret = lstat(buf_str(&t->scratch), &st) ? -errno : 0;
	if (ret == -ENOENT)
		return NULL;
	n = add_file_stat(t, path);
	if (!ret && S_ISREG(st.st_mode))
		update_file(t, n, 0, &st);
	return n;
}

static void refresh_lookup(struct cpp_stat_cache *t, struct cpp_path_lookup *p)
{
	struct cpp_cached_file *n;

	p->file = p->long_file = NULL;
	p->absence_guarded = p->is_dir = false;
	if (!p->parent)
		p->parent = dir_of_file(t, p->path);
	check_dir(t, p->parent);
	p->version = p->parent->version;
	if (is_missing(p->parent))
		return;
	n = find_file_stat(t, p->path);
	if (n)
		n->stat_time_ns = INT64_MIN;
	else
		n = stat_new_file(t, p->path);
	if (n)
		check_cached_file(t, n);
	p->is_dir = n && n->is_dir;
	if (!n)
		p->absence_guarded = true;
	else if (n->exists || n->error)
		p->file = p->system ? shorten_path(t, n) : n;
	else
		p->absence_guarded = is_absent(t, n->abs);
	if (p->file && p->file != n)
		p->long_file = n;
}

/*
 * Return true if the previous result of the search `p` is still valid.  An
 * absence is checked without a stat(2) of its path.
 */
static bool is_lookup_current(struct cpp_stat_cache *t,
			      struct cpp_path_lookup *p)
{
	if (p->file && p->system)
		return false;
	if (p->file) {
		check_cached_file(t, p->file);
		return p->file->exists;
	}
	if (!p->parent)
		return false;
	check_dir(t, p->parent);
	return is_missing(p->parent) ||
	       (p->absence_guarded && p->parent->version == p->version);
}

const char *cpp_stat_cache_missing_dir(struct cpp_stat_cache *t,
				       struct cpp_dir *d)
{
	d = d->missing;
	if (d->listed_unit == t->unit)
		return NULL;
	d->listed_unit = t->unit;
	return d->path;
}

const char *cpp_stat_cache_absent_path(struct cpp_stat_cache *t,
				       struct cpp_path_lookup *p)
{
	if (is_missing(p->parent))
		return cpp_stat_cache_missing_dir(t, p->parent);
	if (p->listed_unit == t->unit)
		return NULL;
	p->listed_unit = t->unit;
	return p->path;
}

struct cpp_path_lookup *cpp_stat_cache_lookup(struct cpp_stat_cache *t,
					      struct cpp_dir *dir,
					      uint32_t name, bool system)
{
	uint64_t h = (name * UINT64_C(0x9e3779b97f4a7c15)) ^
		     (dir->id * UINT64_C(0xc2b2ae3d27d4eb4f)) ^ system;
	struct cpp_path_lookup **head, *p;
	const struct cpp_name *s;
	bool slash;
	size_t len;

	head = &t->lookups[(h >> 40 ^ h >> 20) & (BUCKETS * 4 - 1)];
	for (p = *head; p; p = p->next) {
		if (p->name == name && p->dir == dir && p->system == system)
			break;
	}
	if (!p) {
		p = arena_alloc(&t->arena, sizeof(*p));
		*p = (struct cpp_path_lookup){ .dir = dir,
					       .name = name,
					       .system = system,
					       .next = *head };
		s = cpp_names_get(t->names, name);
		len = strlen(dir->path);
		/* gcc adds a slash in the same cases. */
		slash = len && dir->path[len - 1] != '/';
		p->path = arena_alloc(&t->arena, len + s->len + 2);
		memcpy(p->path, dir->path, len);
		if (slash)
			p->path[len] = '/';
		memcpy(p->path + len + slash, s->s, s->len + 1);
		*head = p;
	}
	if (p->checked_unit != t->unit) {
		p->checked_unit = t->unit;
		if (!is_lookup_current(t, p))
			refresh_lookup(t, p);
	}
	return p;
}

bool cpp_stat_cache_is_occupied(struct cpp_stat_cache *t, struct cpp_dir *dir,
				uint32_t name)
{
	const struct cpp_path_lookup *p = cpp_stat_cache_lookup(t, dir, name,
								false);

	return p->file ||
	       (p->parent && !is_missing(p->parent) && !p->absence_guarded);
}

uint32_t cpp_stat_cache_epoch(const struct cpp_stat_cache *t)
{
	return t->epoch;
}

size_t cpp_stat_cache_memory(const struct cpp_stat_cache *t)
{
	return sizeof(*t) + t->arena.size_bytes;
}

uint64_t cpp_stat_cache_take_n_stats(struct cpp_stat_cache *t)
{
	uint64_t n = t->n_stats;

	t->n_stats = 0;
	return n;
}
