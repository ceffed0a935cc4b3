/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads take a worker from the pool for each unit; what a worker keeps is
 * its own, so that a scan takes locks only for files and names that it meets
 * for the first time.  When all of it together is too much memory, it is
 * dropped as a whole: scans wait for that, and start with empty caches.
 */
#include "scan/deps.h"

#include "scan/walk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX ((size_t)192 << 20)

struct scan {
	pthread_rwlock_t running; /* read: a scan; write: dropping it all */
	pthread_mutex_t lock; /* of what follows */
	struct scan_worker *pool;
	size_t memory; /* of all workers, when each was idle last */
	uint64_t units, stats_done;
	uint64_t lexed, reused, asked; /* of stores that are gone */
	size_t memory_max;
	struct scan_common common;
};

static void common_init(struct scan_common *c)
{
	c->names = scan_names_new();
	c->store = scan_store_new(c->names);
	c->answers = scan_answers_new(&c->setup, c->names);
}

static void common_release(struct scan_common *c)
{
	scan_answers_free(c->answers);
	scan_store_free(c->store);
	scan_names_free(c->names);
}

struct scan *scan_new(const struct scan_setup *setup)
{
	struct scan *s = xcalloc(1, sizeof(*s));

	pthread_rwlock_init(&s->running, NULL);
	pthread_mutex_init(&s->lock, NULL);
	s->memory_max = setup->memory_max ? setup->memory_max : MEMORY_MAX;
	s->common.setup = *setup;
	if (setup->cache_dir)
		s->common.setup.cache_dir = xstrdup(setup->cache_dir);
	common_init(&s->common);
	return s;
}

static void free_pool(struct scan *s)
{
	while (s->pool) {
		struct scan_worker *w = s->pool;

		s->pool = w->next;
		scan_worker_free(w);
	}
	s->memory = 0;
}

void scan_free(struct scan *s)
{
	if (!s)
		return;
	free_pool(s);
	common_release(&s->common);
	free((char *)s->common.setup.cache_dir);
	pthread_rwlock_destroy(&s->running);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static size_t memory_of(struct scan *s)
{
	struct scan_store_stats st;
	size_t size;

	scan_store_stats(s->common.store, &st);
	pthread_mutex_lock(&s->lock);
	size = s->memory;
	pthread_mutex_unlock(&s->lock);
	return size + st.memory + scan_names_memory(s->common.names);
}

/* Drop everything; nobody scans. */
static void drop_all(struct scan *s)
{
	struct scan_store_stats st;

	scan_store_stats(s->common.store, &st);
	s->lexed += st.lexed;
	s->reused += st.reused;
	s->asked += scan_answers_asked(s->common.answers);
	free_pool(s);
	common_release(&s->common);
	common_init(&s->common);
}

static void start(struct scan *s)
{
	pthread_rwlock_rdlock(&s->running);
	if (memory_of(s) <= s->memory_max)
		return;
	pthread_rwlock_unlock(&s->running);
	pthread_rwlock_wrlock(&s->running);
	/* Another thread may have done it. */
	if (memory_of(s) > s->memory_max)
		drop_all(s);
	pthread_rwlock_unlock(&s->running);
	pthread_rwlock_rdlock(&s->running);
}

static struct scan_worker *take_worker(struct scan *s)
{
	struct scan_worker *w;

	pthread_mutex_lock(&s->lock);
	w = s->pool;
	if (w)
		s->pool = w->next;
	pthread_mutex_unlock(&s->lock);
	return w ? w : scan_worker_new(&s->common);
}

static void give_worker(struct scan *s, struct scan_worker *w)
{
	size_t memory = scan_worker_memory(w);
	uint64_t stats = w->stats;

	for (size_t i = 0; i < w->n_place; i++)
		stats += scan_tree_stats_take(w->place[i].tree);
	w->stats = 0;
	pthread_mutex_lock(&s->lock);
	w->next = s->pool;
	s->pool = w;
	s->memory += memory - w->counted;
	w->counted = memory;
	s->units++;
	s->stats_done += stats;
	pthread_mutex_unlock(&s->lock);
}

/* One block for all strings and lists of an answer. */
struct block {
	char *p;
};

static void *take(struct block *b, size_t n)
{
	void *p = b->p;

	b->p += (n + 7) & ~(size_t)7;
	return p;
}

static char *copy(struct block *b, const char *s)
{
	size_t len = strlen(s) + 1;
	char *p = b->p;

	memcpy(p, s, len);
	b->p += len;
	return p;
}

static size_t lengths(const char *const *v, size_t n)
{
	size_t size = (n + 1) * sizeof(*v) + 8;

	for (size_t i = 0; i < n; i++)
		size += strlen(v[i]) + 1;
	return size;
}

/* The lists first, so that they are aligned; then the strings. */
static void pack(struct scan_closure *out, const struct scan_lists *l,
		 int64_t started)
{
	size_t size = (l->n_file + 1) * sizeof(*out->files) +
		      lengths(l->absent, l->n_absent) +
		      lengths(l->dir, l->n_dir);
	struct block b;

	for (size_t i = 0; i < l->n_file; i++)
		size += strlen(l->file[i].path) + 1;
	out->memory = b.p = xmalloc(size);
	out->n_files = l->n_file;
	out->files = take(&b, l->n_file * sizeof(*out->files));
	out->absent.v = take(&b, (l->n_absent + 1) * sizeof(char *));
	out->dirs.v = take(&b, (l->n_dir + 1) * sizeof(char *));
	for (size_t i = 0; i < l->n_file; i++)
		out->files[i] = (struct scan_file){
			.path = copy(&b, l->file[i].path),
			.kind = l->file[i].kind,
			.stamp = l->file[i].node->now,
			.settled = stamp_settled(&l->file[i].node->now,
						 started),
			.from = l->file[i].from,
			.line = l->file[i].line,
		};
	for (size_t i = 0; i < l->n_absent; i++)
		out->absent.v[i] = copy(&b, l->absent[i]);
	for (size_t i = 0; i < l->n_dir; i++)
		out->dirs.v[i] = copy(&b, l->dir[i]);
	out->absent.n = l->n_absent;
	out->dirs.n = l->n_dir;
	out->absent.v[l->n_absent] = out->dirs.v[l->n_dir] = NULL;
}

void scan_closure(struct scan *s, const struct scan_unit *unit,
		  struct scan_closure *out)
{
	struct scan_worker *w;
	struct scan_walk walk;

	*out = (struct scan_closure){ 0 };
	start(s);
	w = take_worker(s);
	scan_walk_unit(&walk, w, unit);
	if (walk.why) {
		out->why = walk.why;
		out->detail = walk.detail;
		walk.detail = NULL;
	} else {
		pack(out, &w->lists, scan_tree_started(walk.place->tree));
		if (walk.marks & SCAN_MARK_TIME)
			out->mentions |= SCAN_MENTIONS_TIME;
		if (walk.marks & SCAN_MARK_COUNTER)
			out->mentions |= SCAN_MENTIONS_COUNTER;
	}
	scan_walk_release(&walk);
	w->walk = NULL;
	give_worker(s, w);
	pthread_rwlock_unlock(&s->running);
}

void scan_closure_release(struct scan_closure *c)
{
	free(c->memory);
	free(c->detail);
	*c = (struct scan_closure){ 0 };
}

void scan_stats(struct scan *s, struct scan_stats *out)
{
	struct scan_store_stats st;

	pthread_rwlock_rdlock(&s->running);
	scan_store_stats(s->common.store, &st);
	out->memory = memory_of(s);
	pthread_mutex_lock(&s->lock);
	out->units = s->units;
	out->stats_done = s->stats_done;
	out->files_lexed = s->lexed + st.lexed;
	out->files_reused = s->reused + st.reused;
	out->asked = s->asked + scan_answers_asked(s->common.answers);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->running);
}
