/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/catalog-ask.h"

#include "base/vec.h"
#include "fetch/listing.h"
#include "toolchain/data.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 8
/* A server that failed so often is not asked any more. */
#define PATIENCE 4

enum level {
	HOSTS, /* crosstool/files/bin/ */
	VERSIONS, /* ... HOST/ */
	ARCHIVES, /* ... VERSION/, and llvm/files/ */
};

struct listing {
	char *path; /* below a mirror, with a slash at its end */
	enum level level;
};

/* What the threads share; all under the lock. */
struct ask {
	const struct toolchain_catalog_setup *setup;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct listing *v;
	size_t n, next; /* v[next .. n-1] are to be asked for */
	unsigned active, failures;
	struct toolchain_catalog *out;
	struct err first; /* failure */
	int status;
};

static void push(struct ask *a, const char *dir, const char *name,
		 enum level level)
{
	*VEC_ADD(a->v, a->n) = (struct listing){ xasprintf("%s%s/", dir, name),
						 level };
}

static bool cancelled(const struct ask *a)
{
	const struct fetch_options *fetch = a->setup->fetch;

	return fetch && fetch->cancel && atomic_load(fetch->cancel);
}

static void add_hosts(struct ask *a, const char *dir, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++) {
		if (toolchain_data_host(names->v[i]))
			push(a, dir, names->v[i], VERSIONS);
	}
}

static int newest_first(const void *x, const void *y)
{
	return toolchain_release_compare(y, x);
}

static void add_versions(struct ask *a, const char *dir,
			 const struct strv *names)
{
	struct toolchain_release *r = xcalloc(names->n + 1, sizeof(*r));
	struct err ignored = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		if (toolchain_archive_is_version(names->v[i]) &&
		    !toolchain_release_of(false, names->v[i], &r[n], &ignored))
			n++;
	}
	qsort(r, n, sizeof(*r), newest_first);
	if (n > TOOLCHAIN_VERSIONS_MAX) {
		strv_addf(&a->out->warnings,
			  "%s lists %zu versions; the newest %d are asked for",
			  dir, n, TOOLCHAIN_VERSIONS_MAX);
		n = TOOLCHAIN_VERSIONS_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		char *version = toolchain_release_version(&r[i]);

		push(a, dir, version, ARCHIVES);
		free(version);
	}
	free(r);
}

static void add_archives(struct ask *a, const char *dir,
			 const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++) {
		char *path = xasprintf("%s%s", dir, names->v[i]);

		toolchain_catalog_add(a->out, path);
		free(path);
	}
}

static int fetch_names(const struct ask *a, const char *dir, struct strv *names,
		       struct err *err)
{
	struct strv urls = { 0 };
	struct buf html = { 0 };
	int ret;

	toolchain_archive_urls(dir, a->setup->mirrors, &urls);
	ret = fetch_text((const char *const *)urls.v, TOOLCHAIN_LISTING_MAX,
			 a->setup->fetch, &html, NULL, err);
	if (!ret)
		ret = fetch_listing_parse(buf_bytes(&html), names, err);
	buf_release(&html);
	strv_release(&urls);
	return ret;
}

static void note_failure(struct ask *a, const char *dir, int ret,
			 const struct err *err)
{
	/* What no mirror has is empty. */
	if (!a->status) {
		a->status = ret;
		a->first = *err;
	}
	if (ret == -ENOENT || ret == -ECANCELED)
		return;
	a->failures++;
	strv_add(&a->out->failed, dir);
	strv_add(&a->out->warnings, err->text);
}

/* Called and left with the lock held. */
static void ask_one(struct ask *a, size_t i)
{
	char *dir = xstrdup(a->v[i].path);
	enum level level = a->v[i].level;
	struct strv names = { 0 };
	struct err err = { 0 };
	int ret;

	a->active++;
	pthread_mutex_unlock(&a->lock);
	ret = fetch_names(a, dir, &names, &err);
	pthread_mutex_lock(&a->lock);
	a->active--;
	if (ret)
		note_failure(a, dir, ret, &err);
	else if (level == HOSTS)
		add_hosts(a, dir, &names);
	else if (level == VERSIONS)
		add_versions(a, dir, &names);
	else
		add_archives(a, dir, &names);
	strv_release(&names);
	free(dir);
}

static bool given_up(const struct ask *a)
{
	return a->failures >= PATIENCE || cancelled(a);
}

static void *work(void *arg)
{
	struct ask *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!given_up(a) && (a->next < a->n || a->active)) {
		if (a->next < a->n)
			ask_one(a, a->next++);
		else
			pthread_cond_wait(&a->news, &a->lock);
		pthread_cond_broadcast(&a->news);
	}
	pthread_cond_broadcast(&a->news);
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* A quarter of a second, or until there is news. */
static void wait_for_news(struct ask *a)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 250000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&a->news, &a->lock, &until);
}

static void watch(struct ask *a)
{
	const struct toolchain_catalog_setup *s = a->setup;

	pthread_mutex_lock(&a->lock);
	while (a->active || (a->next < a->n && !given_up(a))) {
		unsigned done = (unsigned)a->next - a->active;
		unsigned total = (unsigned)a->n;

		wait_for_news(a);
		if (!s->progress)
			continue;
		pthread_mutex_unlock(&a->lock);
		s->progress(s->ctx, done, total);
		pthread_mutex_lock(&a->lock);
	}
	pthread_mutex_unlock(&a->lock);
}

static void ask_all(struct ask *a)
{
	pthread_t thread[THREADS];
	unsigned n = 0;

	while (n < THREADS && !pthread_create(&thread[n], NULL, work, a))
		n++;
	if (n)
		watch(a);
	else
		work(a);
	while (n)
		pthread_join(thread[--n], NULL);
}

static void init(struct ask *a)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->news, &attr);
	pthread_condattr_destroy(&attr);
	push(a, "", toolchain_data_place(false), HOSTS);
	push(a, "", toolchain_data_place(true), ARCHIVES);
}

/* What was not asked for is as good as failed. */
static void leave_the_rest(struct ask *a)
{
	if (a->next == a->n)
		return;
	strv_addf(&a->out->warnings,
		  "%zu more directories were not asked for, after %u failures",
		  a->n - a->next, a->failures);
	for (size_t i = a->next; i < a->n; i++)
		strv_add(&a->out->failed, a->v[i].path);
}

static int verdict(struct ask *a, struct err *err)
{
	if (cancelled(a))
		return err_set(err, ECANCELED, "interrupted");
	if (a->out->n)
		return 0;
	if (!a->status)
		return err_set(err, ENOENT, "%s lists no compilers",
			       a->setup->mirrors->v[0]);
	*err = a->first;
	return a->status;
}

int toolchain_catalog_ask(struct toolchain_catalog *c,
			  const struct toolchain_catalog_setup *setup,
			  struct err *err)
{
	struct ask a = { .setup = setup, .out = c };
	int ret;

	init(&a);
	ask_all(&a);
	leave_the_rest(&a);
	ret = verdict(&a, err);
	for (size_t i = 0; i < a.n; i++)
		free(a.v[i].path);
	free(a.v);
	pthread_cond_destroy(&a.news);
	pthread_mutex_destroy(&a.lock);
	return ret;
}
