/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results of whole headers are not memoized, because no single part of a warm
 * scan dominates: a third of the time is spent in stat(2), a tenth on the
 * command line, and the rest in the walk, the macro table and the header
 * search.  Memoized conditions, keyed by the definitions that they look up,
 * have removed most of the evaluation cost.  The search for a header is cached
 * for one unit only: a defconfig has hundreds of search paths, and when the
 * search path was part of the key, the second half of a build took twice as
 * long as the first.
 *
 * Memory is charged with cpp_names_charge().  Above a limit all caches are
 * dropped together, between units.
 */
#include "cpp/file-cache.h"

#include "base/map.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX  (INT64_C(256) << 20)
#define TRIES_MAX 5

/* A file's text in one mode. */
struct cached_text {
	struct map_entry node;
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

struct cpp_file_cache *cpp_file_cache_new(struct cpp_names *names)
{
	struct cpp_file_cache *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->ended, NULL);
	s->names = names;
	return s;
}

void cpp_text_put(struct cpp_text *t)
{
	if (t && atomic_fetch_sub(&t->refs, 1) == 1)
		cpp_text_free(t);
}

static void entry_free(struct map_entry *node)
{
	cpp_text_put(((struct cached_text *)node)->text);
	free(node);
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
 * Take a reference to the stored text of a file and return the text.  If no
 * text is stored, add `r` to `reading` and return NULL: the caller must read
 * the file and then remove `r`.  If another thread is reading the file, wait
 * until it has finished, because units that start together need the same
 * headers.
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
 * stored the file meanwhile, free `t` and return the stored text instead.
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
		map_add(&s->entries, &e->node, file_stamp_hash(id) ^ t->mode);
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

/* Read a file.  Returns -EAGAIN if it changes while it is read. */
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

static int read_and_lex(struct cpp_file_cache *s, const char *path,
			unsigned mode, bool full, int64_t since,
			struct cpp_text **out, struct file_stamp *id)
{
	struct buf in = { 0 };
	int fd = open_file(path), ret = 0;
	bool reliable;

	if (fd < 0)
		return fd;
	if (!id->ino)
		ret = identify(fd, id);
	reliable = !ret && file_stamp_is_reliable(id, since);
	if (!ret)
		ret = read_unchanged(fd, id, &in);
	if (!ret)
		*out = cpp_lex_file(s->names, &in, mode, full);
	if (!ret && reliable)
		*out = add_stored(s, id, *out);
	else if (!ret)
		atomic_store(&(*out)->refs, 1);
	close(fd);
	buf_release(&in);
	return ret;
}

static int get_cached_text(struct cpp_file_cache *s, const char *path,
			   unsigned mode, bool full, int64_t since,
			   struct cpp_text **out, struct file_stamp *id)
{
	const struct file_stamp known = *id;
	struct read_in_progress r = { .id = &known, .mode = mode };
	struct read_in_progress **at;
	int ret;

	if (!known.ino || !file_stamp_is_reliable(&known, since))
		return read_and_lex(s, path, mode, full, since, out, id);
	*out = find_or_claim_text(s, &r);
	if (*out)
		return 0;
	ret = read_and_lex(s, path, mode, full, since, out, id);
	pthread_mutex_lock(&s->lock);
	for (at = &s->reading; *at != &r; at = &(*at)->next)
		;
	*at = r.next;
	pthread_cond_broadcast(&s->ended);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int cpp_file_cache_load_full(struct cpp_text *t, const char *path,
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

int cpp_file_cache_get(struct cpp_file_cache *s, const char *path,
		       unsigned mode, bool full, int64_t since,
		       struct cpp_text **out, struct file_stamp *id)
{
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++) {
		if (i) {
			since = file_stamp_now_ns();
			*id = (struct file_stamp){ 0 };
		}
		ret = get_cached_text(s, path, mode, full, since, out, id);
	}
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
