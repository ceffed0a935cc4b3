/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads take a worker from the pool for each unit; what a worker keeps is
 * its own, so that a scan takes locks only for files and names that it meets
 * for the first time.  When all of it together is too much memory, it is
 * dropped as a whole: scans wait for that, and start with empty caches.
 */
#include "scan/deps.h"

#include "scan/exact.h"
#include "scan/include.h"
#include "scan/list.h"
#include "scan/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX ((size_t)192 << 20)

struct scan {
	pthread_rwlock_t running; /* read: a scan; write: dropping it all */
	pthread_mutex_t lock; /* of what follows */
	struct scan_worker *pool;
	size_t memory; /* of all workers, when each was idle last */
	uint64_t units, exact, stats_done;
	uint64_t lexed, reused, asked; /* of stores that are gone */
	size_t memory_max;
	struct scan_common common;
};

static int on_operator(void *ctx, enum scan_word op, const char *text,
		       long long *value, enum reason *why)
{
	struct scan_worker *w = ctx;
	struct scan_walk *walk = w->walk;
	const struct scan_frame *f = scan_walk_top(walk);

	return scan_dialect_operator(w->common->answers, walk->dialect,
				     walk->unit, &walk->line, op, text,
				     f ? f->text : NULL, value, why);
}

static struct scan_worker *worker_new(struct scan_common *common)
{
	struct scan_worker *w = xcalloc(1, sizeof(*w));
	struct scan_host host = {
		.ctx = w,
		.has_include = scan_walk_has_include,
		.ask = on_operator,
		.more = scan_exact_more,
		.said = scan_exact_said,
		.file = scan_exact_file,
	};

	w->common = common;
	scan_cpp_init(&w->cpp, common->names, &host);
	return w;
}

static void worker_free(struct scan_worker *w)
{
	for (size_t i = 0; i < w->n_place; i++) {
		scan_search_free(w->place[i].search);
		scan_tree_free(w->place[i].tree);
	}
	for (size_t i = 0; i < SCAN_DEFINED_BUCKETS; i++) {
		while (w->defined[i]) {
			struct scan_defined *d = w->defined[i];

			w->defined[i] = d->next;
			scan_text_free(d->text);
			free(d->line);
			free(d);
		}
	}
	scan_lists_release(&w->lists);
	scan_cpp_release(&w->cpp);
	scan_run_release(&w->aside);
	arena_release(&w->arena);
	free(w);
}

static size_t worker_memory(const struct scan_worker *w)
{
	size_t size = sizeof(*w) + w->arena.memory +
		      w->cpp.n_slot * sizeof(struct scan_slot) +
		      w->cpp.run.arena.memory + w->aside.arena.memory;

	for (size_t i = 0; i < w->n_place; i++)
		size += scan_tree_memory(w->place[i].tree) +
			scan_search_memory(w->place[i].search);
	return size;
}

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
		worker_free(w);
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

static size_t scan_memory(struct scan *s)
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

static void start_unit(struct scan *s)
{
	pthread_rwlock_rdlock(&s->running);
	if (scan_memory(s) <= s->memory_max)
		return;
	pthread_rwlock_unlock(&s->running);
	pthread_rwlock_wrlock(&s->running);
	/* Another thread may have done it. */
	if (scan_memory(s) > s->memory_max)
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
	return w ? w : worker_new(&s->common);
}

static void give_worker(struct scan *s, struct scan_worker *w)
{
	size_t memory = worker_memory(w);
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
	s->exact += w->exact;
	w->exact = 0;
	s->stats_done += stats;
	pthread_mutex_unlock(&s->lock);
}

static struct strv pack_list(struct arena *a, const char *const *v, size_t n)
{
	struct strv out = { .n = n };

	out.v = arena_alloc(a, (n + 1) * sizeof(*out.v));
	for (size_t i = 0; i < n; i++)
		out.v[i] = arena_copy(a, v[i], strlen(v[i]));
	out.v[n] = NULL;
	return out;
}

static void pack(struct scan_closure *out, const struct scan_lists *l,
		 int64_t started)
{
	struct arena *a = xcalloc(1, sizeof(*a));

	out->memory = a;
	out->n_files = l->n_file;
	out->files = arena_alloc(a, l->n_file * sizeof(*out->files));
	for (size_t i = 0; i < l->n_file; i++) {
		const struct scan_listed *f = &l->file[i];

		out->files[i] = (struct scan_file){
			.path = arena_copy(a, f->path, strlen(f->path)),
			.number = f->node->entry->number,
			.kind = f->kind,
			.stamp = f->node->now,
			.settled = stamp_settled(&f->node->now, started),
			.from = f->from,
			.line = f->line,
		};
	}
	out->absent = pack_list(a, l->absent, l->n_absent);
	out->dirs = pack_list(a, l->dir, l->n_dir);
}

void scan_closure(struct scan *s, const struct scan_unit *unit,
		  struct scan_closure *out)
{
	struct scan_worker *w;
	struct scan_walk walk;

	*out = (struct scan_closure){ 0 };
	start_unit(s);
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
		if (walk.marks & SCAN_MARK_BASE)
			out->mentions |= SCAN_MENTIONS_BASE;
		if (walk.marks & SCAN_MARK_TREE)
			out->mentions |= SCAN_MENTIONS_TREE;
	}
	scan_walk_release(&walk);
	w->walk = NULL;
	give_worker(s, w);
	pthread_rwlock_unlock(&s->running);
}

void scan_closure_release(struct scan_closure *c)
{
	if (c->memory)
		arena_release(c->memory);
	free(c->memory);
	free(c->detail);
	*c = (struct scan_closure){ 0 };
}

void scan_stats(struct scan *s, struct scan_stats *out)
{
	struct scan_store_stats st;

	pthread_rwlock_rdlock(&s->running);
	scan_store_stats(s->common.store, &st);
	out->memory = scan_memory(s);
	pthread_mutex_lock(&s->lock);
	out->units = s->units;
	out->exact = s->exact;
	out->stats_done = s->stats_done;
	out->files_lexed = s->lexed + st.lexed;
	out->files_reused = s->reused + st.reused;
	out->asked = s->asked + scan_answers_asked(s->common.answers);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->running);
}
