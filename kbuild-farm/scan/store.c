/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * There is no memo of whole headers: of a warm unit a third is stat(2), a tenth
 * the command line, the rest is spread over the walk, the macro table and the
 * search.  Memos of conditions, keyed by the definitions that they looked at,
 * took most of what evaluation cost.  A name's search is kept for one unit
 * only: keyed by the chain of directories, of which a defconfig has hundreds,
 * the second half of a run took twice as long as the first.
 *
 * Memory is counted where it is charged (scan_names_charge()); above a limit
 * all caches go at once, between units.
 */
#include "scan/store.h"

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
struct entry {
	struct map_node node;
	struct stamp id;
	struct scan_text *text;
};

/* A file that a thread is reading, to be kept. */
struct reading {
	struct reading *next;
	const struct stamp *id;
	unsigned mode;
};

struct scan_store {
	pthread_mutex_t lock;
	pthread_cond_t ended; /* one of `reading` */
	struct reading *reading;
	struct scan_names *names;
	struct map entries;
	uint64_t lexed, reused;
};

struct scan_store *scan_store_new(struct scan_names *names)
{
	struct scan_store *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->ended, NULL);
	s->names = names;
	return s;
}

void scan_text_put(struct scan_text *t)
{
	if (t && atomic_fetch_sub(&t->refs, 1) == 1)
		scan_text_free(t);
}

static void entry_free(struct map_node *node)
{
	scan_text_put(((struct entry *)node)->text);
	free(node);
}

void scan_store_free(struct scan_store *s)
{
	if (!s)
		return;
	map_release_all(&s->entries, entry_free);
	pthread_cond_destroy(&s->ended);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct entry *find_stored(const struct scan_store *s,
				 const struct stamp *id, unsigned mode)
{
	struct map_node *n = map_find(&s->entries, stamp_hash(id) ^ mode);
	struct entry *e;

	for (; (e = (struct entry *)n); n = map_again(n)) {
		if (e->text->mode == mode && stamp_equal(&e->id, id))
			break;
	}
	return e;
}

/* Does another thread read this very file? */
static bool is_being_read(const struct scan_store *s, const struct stamp *id,
			  unsigned mode)
{
	for (const struct reading *r = s->reading; r; r = r->next) {
		if (r->mode == mode && stamp_equal(r->id, id))
			return true;
	}
	return false;
}

/*
 * The text, or NULL: then it is for this thread to read it, and to call
 * end_reading().  Units that come together meet the same headers at the same
 * moment: who is second waits for what the first one makes.
 */
static struct scan_text *known_text(struct scan_store *s, struct reading *r)
{
	struct scan_text *t = NULL;
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	while (!(e = find_stored(s, r->id, r->mode)) &&
	       is_being_read(s, r->id, r->mode))
		pthread_cond_wait(&s->ended, &s->lock);
	if (e) {
		t = e->text;
		atomic_fetch_add(&t->refs, 1);
		s->reused++;
	} else {
		r->next = s->reading;
		s->reading = r;
	}
	pthread_mutex_unlock(&s->lock);
	return t;
}

static void end_reading(struct scan_store *s, struct reading *r)
{
	struct reading **at = &s->reading;

	pthread_mutex_lock(&s->lock);
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	pthread_cond_broadcast(&s->ended);
	pthread_mutex_unlock(&s->lock);
}

/* Keep it for others; another thread may have been faster. */
static struct scan_text *keep_stored(struct scan_store *s,
				     const struct stamp *id,
				     struct scan_text *t)
{
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	s->lexed++;
	e = find_stored(s, id, t->mode);
	if (e) {
		scan_text_free(t);
	} else {
		e = xcalloc(1, sizeof(*e));
		e->id = *id;
		e->text = t;
		atomic_store(&t->refs, 1);
		map_add(&s->entries, &e->node, stamp_hash(id) ^ t->mode);
	}
	atomic_fetch_add(&e->text->refs, 1);
	pthread_mutex_unlock(&s->lock);
	return e->text;
}

static int read_all(int fd, int64_t size, struct buf *out)
{
	int ret = buf_reserve(out, (size_t)size + 4);

	if (ret)
		return ret;
	while (out->len < (size_t)size) {
		ssize_t n = pread(fd, out->data + out->len,
				  (size_t)size - out->len, (off_t)out->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EAGAIN;
		out->len += (size_t)n;
	}
	return 0;
}

static int identify(int fd, struct stamp *id)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	stamp_of(id, &st);
	return 0;
}

/* Read the file in `fd`; -EAGAIN: it was changed meanwhile. */
static int read_unchanged(int fd, const struct stamp *id, struct buf *in)
{
	struct stamp after = { 0 };
	int ret;

	ret = id->size > FILE_MAX ? -EFBIG : read_all(fd, id->size, in);
	if (!ret)
		ret = identify(fd, &after);
	if (!ret && !stamp_equal(id, &after))
		ret = -EAGAIN;
	return ret;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static int read_and_lex(struct scan_store *s, const char *path, unsigned mode,
			bool full, int64_t since, struct scan_text **out,
			struct stamp *id)
{
	struct buf in = { 0 };
	int fd = open_file(path), ret = 0;
	bool settled;

	if (fd < 0)
		return fd;
	if (!id->ino)
		ret = identify(fd, id);
	settled = !ret && stamp_settled(id, since);
	if (!ret)
		ret = read_unchanged(fd, id, &in);
	if (!ret)
		*out = scan_lex(s->names, &in, mode, full);
	if (!ret && settled)
		*out = keep_stored(s, id, *out);
	else if (!ret)
		atomic_store(&(*out)->refs, 1);
	close(fd);
	buf_release(&in);
	return ret;
}

static int get(struct scan_store *s, const char *path, unsigned mode, bool full,
	       int64_t since, struct scan_text **out, struct stamp *id)
{
	const struct stamp known = *id;
	struct reading r = { .id = &known, .mode = mode };
	int ret;

	if (!known.ino || !stamp_settled(&known, since))
		return read_and_lex(s, path, mode, full, since, out, id);
	*out = known_text(s, &r);
	if (*out)
		return 0;
	ret = read_and_lex(s, path, mode, full, since, out, id);
	end_reading(s, &r);
	return ret;
}

int scan_store_full(struct scan_text *t, const char *path,
		    const struct stamp *id)
{
	struct buf in = { 0 };
	struct stamp now = { 0 };
	int fd, ret;

	if (atomic_load(&t->full))
		return 0;
	fd = open_file(path);
	if (fd < 0)
		return fd;
	ret = identify(fd, &now);
	if (!ret && !stamp_equal(&now, id))
		ret = -EAGAIN;
	if (!ret)
		ret = read_unchanged(fd, id, &in);
	if (!ret)
		scan_lex_full(t, &in);
	close(fd);
	buf_release(&in);
	return ret;
}

int scan_store_get(struct scan_store *s, const char *path, unsigned mode,
		   bool full, int64_t since, struct scan_text **out,
		   struct stamp *id)
{
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++) {
		if (i) {
			since = stamp_now();
			*id = (struct stamp){ 0 };
		}
		ret = get(s, path, mode, full, since, out, id);
	}
	return ret;
}

void scan_store_stats(struct scan_store *s, struct scan_store_stats *out)
{
	pthread_mutex_lock(&s->lock);
	*out = (struct scan_store_stats){ s->lexed, s->reused,
					  s->entries.n * sizeof(struct entry) };
	pthread_mutex_unlock(&s->lock);
}
