/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/catalog.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/task.h"
#include "base/vec.h"
#include "fetch/listing.h"
#include "toolchain/data.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMAT   1
#define FILE_MAX (32u << 20)
#define THREADS  8
/* A server that failed so often is not asked any more. */
#define PATIENCE 4

void toolchain_catalog_release(struct toolchain_catalog *c)
{
	for (size_t i = 0; i < c->n; i++)
		toolchain_archive_release(&c->v[i]);
	free(c->v);
	free(c->stale);
	strv_release(&c->failed);
	strv_release(&c->warnings);
	*c = (struct toolchain_catalog){ 0 };
}

char *toolchain_catalog_file(void)
{
	char *home = fs_cache_home();
	char *file = xasprintf("%s/catalog", home);

	free(home);
	return file;
}

void toolchain_catalog_add(struct toolchain_catalog *c, const char *path)
{
	struct toolchain_archive a;

	if (c->n >= TOOLCHAIN_CATALOG_MAX || !toolchain_archive_parse(&a, path))
		return;
	*VEC_ADD(c->v, c->n) = a;
}

/* By what it is; then .xz before .gz, - before _. */
static int same_order(const struct toolchain_archive *a,
		      const struct toolchain_archive *b)
{
	int order;

	if (a->release.is_clang != b->release.is_clang)
		return a->release.is_clang - b->release.is_clang;
	order = toolchain_release_compare(&b->release, &a->release);
	if (!order)
		order = strcmp(a->host, b->host);
	if (!order && a->triplet && b->triplet)
		order = strcmp(a->triplet, b->triplet);
	return order;
}

static int by_preference(const void *x, const void *y)
{
	const struct toolchain_archive *a = x, *b = y;
	int same = same_order(a, b);

	if (!same)
		same = str_ends(a->path, ".gz") - str_ends(b->path, ".gz");
	return same ? same : strcmp(a->path, b->path);
}

void toolchain_catalog_sort(struct toolchain_catalog *c)
{
	size_t n = 0;

	if (!c->n)
		return;
	qsort(c->v, c->n, sizeof(*c->v), by_preference);
	for (size_t i = 1; i < c->n; i++) {
		if (same_order(&c->v[n], &c->v[i]))
			c->v[++n] = c->v[i];
		else
			toolchain_archive_release(&c->v[i]);
	}
	c->n = n + 1;
}

/* ------------------------------------------------------------ the cache */

char *toolchain_catalog_encode(const struct toolchain_catalog *c,
			       const struct strv *mirrors)
{
	json_t *archives = json_array(), *o;
	char *text;

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(archives, json_text(c->v[i].path));
	o = json_pack("{s:i, s:I, s:o, s:o, s:o}", "format", FORMAT, "fetched",
		      (json_int_t)c->fetched, "mirrors", json_texts(mirrors),
		      "failed", json_texts(&c->failed), "archives", archives);
	text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;
	json_decref(o);
	if (!text)
		str_out_of_memory();
	return text;
}

static void strings_of(json_t *array, struct strv *out)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s)
			strv_add(out, s);
	}
}

int toolchain_catalog_decode(struct toolchain_catalog *out, struct bytes text,
			     struct strv *mirrors, struct err *err)
{
	struct toolchain_catalog c = { 0 };
	json_error_t at;
	json_t *o = json_loadb((const char *)text.data, text.len, 0, &at);
	json_t *archives = json_object_get(o, "archives");

	if (!json_is_array(archives) ||
	    !json_is_integer(json_object_get(o, "fetched")) ||
	    json_integer_value(json_object_get(o, "format")) != FORMAT ||
	    json_array_size(archives) > TOOLCHAIN_CATALOG_MAX) {
		json_decref(o);
		return err_set(err, EINVAL, "no catalog of toolchains");
	}
	c.fetched = json_integer_value(json_object_get(o, "fetched"));
	strings_of(json_object_get(o, "failed"), &c.failed);
	if (mirrors)
		strings_of(json_object_get(o, "mirrors"), mirrors);
	for (size_t i = 0; i < json_array_size(archives); i++) {
		const char *s = json_string_value(json_array_get(archives, i));

		if (s)
			toolchain_catalog_add(&c, s);
	}
	json_decref(o);
	toolchain_catalog_sort(&c);
	*out = c;
	return 0;
}

/* What the cache holds of the same mirrors; a bad or no cache is none. */
static bool read_cache(struct toolchain_catalog *out,
		       const struct toolchain_catalog_setup *setup)
{
	struct strv mirrors = { 0 };
	struct err ignored = { 0 };
	struct buf text = { 0 };
	bool good;

	good = !fs_read(setup->file, FILE_MAX, &text, &ignored) &&
	       !toolchain_catalog_decode(out, buf_bytes(&text), &mirrors,
					 &ignored);
	if (good && !strv_equal(&mirrors, setup->mirrors)) {
		toolchain_catalog_release(out);
		good = false;
	}
	strv_release(&mirrors);
	buf_release(&text);
	return good;
}

static void write_cache(struct toolchain_catalog *c,
			const struct toolchain_catalog_setup *setup)
{
	char *text = toolchain_catalog_encode(c, setup->mirrors);
	char *dir = str_dir(setup->file);
	struct err err = { 0 };
	int ret = fs_mkdirs(dir, 0777, &err);

	if (!ret)
		ret = fs_write(setup->file, bytes_str(text), 0666, &err);
	if (ret)
		strv_add(&c->warnings, err.text);
	free(dir);
	free(text);
}

static bool is_fresh(const struct toolchain_catalog *c, int64_t now)
{
	return !c->failed.n && c->fetched <= now &&
	       now - c->fetched < TOOLCHAIN_CATALOG_DAY;
}

/* Of what could not be listed now: what it held when it could. */
static void keep_failed(struct toolchain_catalog *c,
			const struct toolchain_catalog *old)
{
	for (size_t k = 0; k < c->failed.n; k++) {
		for (size_t i = 0; i < old->n; i++) {
			if (str_starts(old->v[i].path, c->failed.v[k]))
				toolchain_catalog_add(c, old->v[i].path);
		}
	}
}

/* ---------------------------------------------------------- the servers */

enum level {
	HOSTS, /* crosstool/files/bin/ */
	VERSIONS, /* ... HOST/ */
	ARCHIVES, /* ... VERSION/, and llvm/files/ */
};

struct listing {
	char *path; /* below a mirror, with a slash at its end */
	enum level level;
	bool asked;
};

/* What the threads share; all under the lock. */
struct survey {
	const struct toolchain_catalog_setup *setup;
	pthread_mutex_t lock;
	struct listing *v; /* those that the first of them name come behind */
	size_t n, through;
	size_t round; /* v[round] is the first that is asked for now */
	unsigned failures;
	struct toolchain_catalog *out;
	struct err first; /* failure, of what is asked for if of anything */
	bool first_counts; /* it is of that */
	int status;
};

static void add_listing(struct survey *s, const char *dir, const char *name,
			enum level level)
{
	*VEC_ADD(s->v, s->n) = (struct listing){
		.path = xasprintf("%s%s/", dir, name), .level = level
	};
}

static int newest_first(const void *x, const void *y)
{
	return toolchain_release_compare(y, x);
}

static void add_versions(struct survey *s, const char *dir,
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
		strv_addf(&s->out->warnings,
			  "%s lists %zu versions; the newest %d are asked for",
			  dir, n, TOOLCHAIN_VERSIONS_MAX);
		n = TOOLCHAIN_VERSIONS_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		char *version = toolchain_release_version(&r[i]);

		add_listing(s, dir, version, ARCHIVES);
		free(version);
	}
	free(r);
}

static void add_names(struct survey *s, const struct listing *l,
		      const struct strv *names)
{
	if (l->level == VERSIONS)
		add_versions(s, l->path, names);
	for (size_t i = 0; i < names->n; i++) {
		char *path = xasprintf("%s%s", l->path, names->v[i]);

		if (l->level == ARCHIVES)
			toolchain_catalog_add(s->out, path);
		else if (l->level == HOSTS && toolchain_data_host(names->v[i]))
			add_listing(s, l->path, names->v[i], VERSIONS);
		free(path);
	}
}

static int fetch_names(const struct survey *s, const char *dir,
		       struct strv *names, struct err *err)
{
	struct strv urls = { 0 };
	struct buf html = { 0 };
	int ret;

	toolchain_archive_urls(dir, s->setup->mirrors, &urls);
	ret = fetch_text((const char *const *)urls.v, FETCH_LISTING_MAX,
			 s->setup->fetch, &html, err);
	if (!ret)
		ret = fetch_listing_parse(buf_bytes(&html), names, err);
	buf_release(&html);
	strv_release(&urls);
	return ret;
}

static void note_failure(struct survey *s, const char *dir, int ret,
			 const struct err *err)
{
	bool counts = str_starts(dir, toolchain_data_place(s->setup->clang));

	if (!s->status || (counts && !s->first_counts)) {
		s->status = ret;
		s->first = *err;
		s->first_counts = counts;
	}
	/* What no mirror has is empty. */
	if (ret == -ENOENT || ret == -ECANCELED)
		return;
	s->failures++;
	strv_add(&s->out->failed, dir);
	strv_add(&s->out->warnings, err->text);
}

static void ask_listing(void *ctx, size_t i)
{
	struct survey *s = ctx;
	struct strv names = { 0 };
	struct err err = { 0 };
	struct listing *l, copy;
	int ret;

	pthread_mutex_lock(&s->lock);
	l = &s->v[s->round + i];
	l->asked = s->failures < PATIENCE && !fetch_cancelled(s->setup->fetch);
	copy = *l;
	pthread_mutex_unlock(&s->lock);
	if (!copy.asked)
		return;
	ret = fetch_names(s, copy.path, &names, &err);
	pthread_mutex_lock(&s->lock);
	s->through++;
	if (ret)
		note_failure(s, copy.path, ret, &err);
	else
		add_names(s, &copy, &names);
	pthread_mutex_unlock(&s->lock);
	strv_release(&names);
}

static void tell_progress(void *ctx)
{
	struct survey *s = ctx;
	unsigned through, total;

	pthread_mutex_lock(&s->lock);
	through = (unsigned)s->through;
	total = (unsigned)s->n;
	pthread_mutex_unlock(&s->lock);
	if (s->setup->progress)
		s->setup->progress(s->setup->ctx, through, total);
}

/* Hosts, then their versions, then what these have. */
static void ask_listings(struct survey *s)
{
	size_t end, left = 0;

	for (; s->round < s->n; s->round = end) {
		end = s->n;
		task_each(THREADS, end - s->round, ask_listing, tell_progress,
			  s);
	}
	/* What was not asked for is as good as failed. */
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].asked)
			continue;
		strv_add(&s->out->failed, s->v[i].path);
		left++;
	}
	if (left)
		strv_addf(&s->out->warnings,
			  "%zu more directories were not asked for, after %u "
			  "failures",
			  left, s->failures);
}

static int judge_survey(const struct survey *s, struct err *err)
{
	if (fetch_cancelled(s->setup->fetch))
		return err_set(err, ECANCELED, "interrupted");
	if (s->out->n)
		return 0;
	if (!s->status)
		return err_set(err, ENOENT, "%s lists no compilers",
			       s->setup->mirrors->v[0]);
	*err = s->first;
	return s->status;
}

/* All archives that the servers list, unsorted. */
static int ask_servers(struct toolchain_catalog *c,
		       const struct toolchain_catalog_setup *setup,
		       struct err *err)
{
	struct survey s = { .setup = setup,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .out = c };
	int ret;

	add_listing(&s, "", toolchain_data_place(false), HOSTS);
	add_listing(&s, "", toolchain_data_place(true), ARCHIVES);
	ask_listings(&s);
	ret = judge_survey(&s, err);
	for (size_t i = 0; i < s.n; i++)
		free(s.v[i].path);
	free(s.v);
	return ret;
}

int toolchain_catalog_load(struct toolchain_catalog *out,
			   const struct toolchain_catalog_setup *setup,
			   struct err *err)
{
	struct toolchain_catalog old = { 0 };
	bool cached = read_cache(&old, setup);
	int64_t now = time(NULL);
	int ret;

	if (cached && !setup->refresh && is_fresh(&old, now)) {
		*out = old;
		return 0;
	}
	*out = (struct toolchain_catalog){ .fetched = now };
	ret = ask_servers(out, setup, err);
	if (!ret) {
		keep_failed(out, &old);
		toolchain_catalog_sort(out);
		write_cache(out, setup);
	} else if (cached && ret != -ECANCELED) {
		toolchain_catalog_release(out);
		*out = old;
		out->stale = xstrdup(err->text);
		return 0;
	}
	toolchain_catalog_release(&old);
	return ret;
}
