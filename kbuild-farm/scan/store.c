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

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX  (INT64_C(256) << 20)
#define TRIES_MAX 5

struct entry {
	struct stamp id;
	struct scan_text *text; /* NULL: free */
};

struct scan_store {
	pthread_mutex_t lock;
	struct scan_names *names;
	struct entry *table; /* open addressing */
	size_t n, mask;
	uint64_t lexed, reused;
};

struct scan_store *scan_store_new(struct scan_names *names)
{
	struct scan_store *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	s->names = names;
	s->mask = 1023;
	s->table = xcalloc(s->mask + 1, sizeof(*s->table));
	return s;
}

void scan_text_put(struct scan_text *t)
{
	if (t && atomic_fetch_sub(&t->refs, 1) == 1)
		scan_text_free(t);
}

void scan_store_free(struct scan_store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i <= s->mask; i++)
		scan_text_put(s->table[i].text);
	free(s->table);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static size_t place_of(const struct scan_store *s, const struct stamp *id,
		       unsigned mode)
{
	return (size_t)(stamp_hash(id) ^ mode) & s->mask;
}

/* Where this file is, or the free place where it belongs. */
static struct entry *find(const struct scan_store *s, const struct stamp *id,
			  unsigned mode)
{
	size_t i = place_of(s, id, mode);

	for (; s->table[i].text; i = (i + 1) & s->mask) {
		if (s->table[i].text->mode == mode &&
		    stamp_equal(&s->table[i].id, id))
			break;
	}
	return &s->table[i];
}

static void grow(struct scan_store *s)
{
	struct entry *old = s->table;
	size_t n = s->mask + 1;

	s->mask = s->mask * 2 + 1;
	s->table = xcalloc(s->mask + 1, sizeof(*s->table));
	for (size_t i = 0; i < n; i++) {
		if (old[i].text)
			*find(s, &old[i].id, old[i].text->mode) = old[i];
	}
	free(old);
}

static struct scan_text *known(struct scan_store *s, const struct stamp *id,
			       unsigned mode)
{
	struct scan_text *t;

	pthread_mutex_lock(&s->lock);
	t = find(s, id, mode)->text;
	if (t) {
		atomic_fetch_add(&t->refs, 1);
		s->reused++;
	}
	pthread_mutex_unlock(&s->lock);
	return t;
}

/* Keep it for others; another thread may have been faster. */
static struct scan_text *keep(struct scan_store *s, const struct stamp *id,
			      struct scan_text *t)
{
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	s->lexed++;
	e = find(s, id, t->mode);
	if (e->text) {
		scan_text_free(t);
		t = e->text;
	} else {
		e->id = *id;
		e->text = t;
		atomic_store(&t->refs, 1);
		if (++s->n > s->mask / 2)
			grow(s);
	}
	atomic_fetch_add(&t->refs, 1);
	pthread_mutex_unlock(&s->lock);
	return t;
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
static int read_text(struct scan_store *s, int fd, const struct stamp *id,
		     unsigned mode, struct scan_text **out)
{
	struct buf in = { 0 };
	struct stamp after = { 0 };
	int ret;

	ret = id->size > FILE_MAX ? -EFBIG : read_all(fd, id->size, &in);
	if (!ret)
		ret = identify(fd, &after);
	if (!ret && !stamp_equal(id, &after))
		ret = -EAGAIN;
	if (!ret)
		*out = scan_lex(s->names, &in, mode);
	buf_release(&in);
	return ret;
}

static int get(struct scan_store *s, const char *path, unsigned mode,
	       int64_t since, struct scan_text **out, struct stamp *id)
{
	bool settled;
	int fd, ret = 0;

	settled = id->ino && stamp_settled(id, since);
	*out = settled ? known(s, id, mode) : NULL;
	if (*out)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (!id->ino)
		ret = identify(fd, id);
	settled = !ret && stamp_settled(id, since);
	if (!ret)
		ret = read_text(s, fd, id, mode, out);
	if (!ret && settled)
		*out = keep(s, id, *out);
	else if (!ret)
		atomic_store(&(*out)->refs, 1);
	close(fd);
	return ret;
}

int scan_store_get(struct scan_store *s, const char *path, unsigned mode,
		   int64_t since, struct scan_text **out, struct stamp *id)
{
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++) {
		if (i) {
			since = stamp_now();
			*id = (struct stamp){ 0 };
		}
		ret = get(s, path, mode, since, out, id);
	}
	return ret;
}

void scan_store_stats(struct scan_store *s, struct scan_store_stats *out)
{
	pthread_mutex_lock(&s->lock);
	*out = (struct scan_store_stats){ s->lexed, s->reused,
					  (s->mask + 1) * sizeof(*s->table) };
	pthread_mutex_unlock(&s->lock);
}
