/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/catalog.h"

#include "base/format.h"
#include "base/fs.h"
#include "base/record.h"
#include "base/task.h"
#include "base/url.h"
#include "base/vec.h"
#include "fetch/dir-listing.h"
#include "toolchain/builtin.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMAT             1
#define THREADS            8
#define NEAR_VERSIONS_MAX  4 /* versions named in a message */
#define NAMED_TRIPLETS_MAX 8 /* triplets named in a message */
/* After this number of failures, kfarm requests no further listing. */
#define SERVER_FAILURES_MAX 4

void toolchain_catalog_release(struct toolchain_catalog *c)
{
	for (size_t i = 0; i < c->n_archives; i++)
		toolchain_archive_release(&c->archives[i]);
	free(c->archives);
	free(c->refresh_error);
	strv_release(&c->failed_dirs);
	strv_release(&c->warnings);
	*c = (struct toolchain_catalog){ 0 };
}

char *toolchain_catalog_default_path(void)
{
	char *home = fs_cache_home();
	char *file = xasprintf("%s/catalog", home);

	free(home);
	return file;
}

/* Append the archive at `path`.  A path that is not an archive is ignored. */
static void add_archive_path(struct toolchain_catalog *c, const char *path)
{
	struct toolchain_archive a;

	if (c->n_archives >= TOOLCHAIN_CATALOG_ARCHIVES_MAX ||
	    !toolchain_archive_parse_path(&a, path))
		return;
	*VEC_ADD(c->archives, c->n_archives) = a;
}

static int compare_archive_kind(const struct toolchain_archive *a,
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

/*
 * Order archives by compare_archive_kind().  Of several archives of the same
 * compiler, .xz precedes .gz, and then '-' precedes '_' in the name.
 */
static int by_archive_preference(const void *x, const void *y)
{
	const struct toolchain_archive *a = x, *b = y;
	int same = compare_archive_kind(a, b);

	if (!same)
		same = str_ends(a->mirror_path, ".gz") -
		       str_ends(b->mirror_path, ".gz");
	return same ? same : strcmp(a->mirror_path, b->mirror_path);
}

/* Sort the archives and remove duplicates. */
static void sort_archives(struct toolchain_catalog *c)
{
	size_t n = 0;

	if (!c->n_archives)
		return;
	qsort(c->archives, c->n_archives, sizeof(*c->archives),
	      by_archive_preference);
	for (size_t i = 1; i < c->n_archives; i++) {
		if (compare_archive_kind(&c->archives[n], &c->archives[i]))
			c->archives[++n] = c->archives[i];
		else
			toolchain_archive_release(&c->archives[i]);
	}
	c->n_archives = n + 1;
}

/* The decoded content of the cache file. */
struct catalog_file {
	int64_t format, fetched_s;
	struct strv mirrors, failed_dirs, archives;
};

static const struct json_file file_format = {
	/* The URL of a mirror can contain a password. */
	.file = { .max_bytes = 32u << 20, .mode = 0600 },
	.dump_flags = JSON_INDENT(1),
};

static const struct record_member file_members[] = {
	{ RECORD_NUMBER("format", catalog_file, format, FORMAT, FORMAT),
	  .required = true },
	{ RECORD_NUMBER("fetched", catalog_file, fetched_s, 0, INT64_MAX),
	  .required = true },
	{ RECORD_STRINGS("mirrors", catalog_file, mirrors, UINT16_MAX) },
	{ RECORD_STRINGS("failed", catalog_file, failed_dirs, UINT16_MAX) },
	{ RECORD_STRINGS("archives", catalog_file, archives,
			 TOOLCHAIN_CATALOG_ARCHIVES_MAX),
	  .required = true },
};
static const struct record file_record = RECORD(catalog_file, file_members);

char *toolchain_catalog_encode(const struct toolchain_catalog *c,
			       const struct strv *mirrors)
{
	struct catalog_file file = { .format = FORMAT,
				     .fetched_s = c->fetched_s,
				     .mirrors = *mirrors,
				     .failed_dirs = c->failed_dirs };
	char *text;

	for (size_t i = 0; i < c->n_archives; i++)
		strv_add(&file.archives, c->archives[i].mirror_path);
	text = record_encode(&file_record, &file, &file_format);
	strv_release(&file.archives);
	return text;
}

int toolchain_catalog_decode(struct toolchain_catalog *out, struct bytes text,
			     struct strv *mirrors, struct err *err)
{
	struct catalog_file file;
	int ret = record_decode(&file_record, &file, text, err);

	if (ret)
		return ret;
	*out = (struct toolchain_catalog){ .fetched_s = file.fetched_s,
					   .failed_dirs = file.failed_dirs };
	file.failed_dirs = (struct strv){ 0 };
	for (size_t i = 0; i < file.archives.n; i++)
		add_archive_path(out, file.archives.v[i]);
	sort_archives(out);
	if (mirrors) {
		*mirrors = file.mirrors;
		file.mirrors = (struct strv){ 0 };
	}
	record_release(&file_record, &file);
	return 0;
}

/*
 * Read the cache.  Returns false if it is missing or invalid, or if it was made
 * from other mirrors.
 */
static bool read_cache(struct toolchain_catalog *out,
		       const struct toolchain_catalog_setup *setup)
{
	struct strv mirrors = { 0 };
	struct err ignored = { 0 };
	struct buf text = { 0 };
	bool good;

	good = !state_file_read(&file_format.file, setup->cache_path, &text,
				&ignored) &&
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

enum listing_level {
	LISTING_HOSTS, /* crosstool/files/bin/ */
	LISTING_VERSIONS, /* ... HOST/ */
	LISTING_ARCHIVES, /* ... VERSION/, and llvm/files/ */
};

struct server_listing {
	char *path; /* path below a mirror, with a trailing slash */
	enum listing_level level;
	bool requested;
};

/* State shared by the threads.  `lock` protects all members after it. */
struct catalog_refresh {
	const struct toolchain_catalog_setup *setup;
	pthread_mutex_t lock;
	struct server_listing *listings; /* grows as listings are parsed */
	size_t n_listings, n_completed;
	/*
	 * Index of the first listing of the current round.  A round fetches
	 * all listings that the previous round has added to `listings`.
	 */
	size_t first_of_round;
	unsigned n_failures;
	struct toolchain_catalog *out;
	/*
	 * The first failure, preferably one that concerns the requested
	 * compiler.
	 */
	struct err first_error;
	bool first_relevant; /* `first_error` concerns the requested compiler */
	int status;
};

static void add_listing(struct catalog_refresh *s, const char *dir,
			const char *name, enum listing_level level)
{
	*VEC_ADD(s->listings, s->n_listings) = (struct server_listing){
		.path = xasprintf("%s%s/", dir, name), .level = level
	};
}

static int newest_first(const void *x, const void *y)
{
	return toolchain_release_compare(y, x);
}

static void add_versions(struct catalog_refresh *s, const char *dir,
			 const struct strv *names)
{
	struct toolchain_release *r = xcalloc(names->n + 1, sizeof(*r));
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++)
		n += toolchain_archive_parse_version(false, names->v[i], &r[n]);
	qsort(r, n, sizeof(*r), newest_first);
	if (n > TOOLCHAIN_CATALOG_VERSIONS_MAX) {
		strv_addf(
			&s->out->warnings,
			"%s lists %zu versions; only the newest %d are queried",
			dir, n, TOOLCHAIN_CATALOG_VERSIONS_MAX);
		n = TOOLCHAIN_CATALOG_VERSIONS_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		char *version = toolchain_release_format_version(&r[i]);

		add_listing(s, dir, version, LISTING_ARCHIVES);
		free(version);
	}
	free(r);
}

static void note_failure(struct catalog_refresh *s, const char *dir, int ret,
			 const struct err *err)
{
	bool counts = str_starts(
		dir, toolchain_builtin_mirror_dir(s->setup->for_clang));

	if (!s->status || (counts && !s->first_relevant)) {
		s->status = ret;
		s->first_error = *err;
		s->first_relevant = counts;
	}
	/*
	 * -ENOENT and -ECANCELED are not failures of the server: a directory
	 * that exists on no mirror counts as empty, and the user can cancel a
	 * download.
	 */
	if (ret == -ENOENT || ret == -ECANCELED)
		return;
	s->n_failures++;
	strv_add(&s->out->failed_dirs, dir);
	strv_add(&s->out->warnings, err->text);
}

static void fetch_listing(void *ctx, size_t i)
{
	struct catalog_refresh *s = ctx;
	struct strv names = { 0 }, urls = { 0 };
	struct buf html = { 0 };
	struct err err = { 0 };
	struct server_listing *l, copy;
	int ret;

	pthread_mutex_lock(&s->lock);
	l = &s->listings[s->first_of_round + i];
	l->requested = s->n_failures < SERVER_FAILURES_MAX &&
		       !fetch_download_is_cancelled(s->setup->fetch);
	copy = *l;
	pthread_mutex_unlock(&s->lock);
	if (!copy.requested)
		return;
	toolchain_archive_list_urls(copy.path, s->setup->mirrors, &urls);
	ret = fetch_download_text((const char *const *)urls.v,
				  FETCH_DIR_LISTING_BYTES_MAX, s->setup->fetch,
				  &html, &err);
	if (!ret)
		ret = fetch_dir_listing_parse(buf_bytes(&html), &names, &err);
	buf_release(&html);
	strv_release(&urls);

	pthread_mutex_lock(&s->lock);
	s->n_completed++;
	if (ret)
		note_failure(s, copy.path, ret, &err);
	else if (copy.level == LISTING_VERSIONS)
		add_versions(s, copy.path, &names);
	for (size_t k = 0; !ret && k < names.n; k++) {
		char *path = xasprintf("%s%s", copy.path, names.v[k]);

		if (copy.level == LISTING_ARCHIVES)
			add_archive_path(s->out, path);
		else if (copy.level == LISTING_HOSTS &&
			 toolchain_builtin_find_host(names.v[k]))
			add_listing(s, copy.path, names.v[k], LISTING_VERSIONS);
		free(path);
	}
	pthread_mutex_unlock(&s->lock);
	strv_release(&names);
}

static void report_listing_progress(void *ctx)
{
	struct catalog_refresh *s = ctx;
	unsigned through, total;

	pthread_mutex_lock(&s->lock);
	through = (unsigned)s->n_completed;
	total = (unsigned)s->n_listings;
	pthread_mutex_unlock(&s->lock);
	if (s->setup->on_progress)
		s->setup->on_progress(s->setup->ctx, through, total);
}

/*
 * Collect all archives that the servers list, unsorted: fetch the listings of
 * hosts, then of their versions, then of archives.
 */
static int refresh_catalog(struct toolchain_catalog *c,
			   const struct toolchain_catalog_setup *setup,
			   struct err *err)
{
	struct catalog_refresh s = { .setup = setup,
				     .lock = PTHREAD_MUTEX_INITIALIZER,
				     .out = c };
	size_t end, left = 0;
	char *shown;
	int ret = 0;

	add_listing(&s, "", toolchain_builtin_mirror_dir(false), LISTING_HOSTS);
	add_listing(&s, "", toolchain_builtin_mirror_dir(true),
		    LISTING_ARCHIVES);
	for (; s.first_of_round < s.n_listings; s.first_of_round = end) {
		end = s.n_listings;
		task_each(THREADS, end - s.first_of_round, fetch_listing,
			  report_listing_progress, &s);
	}
	/* A listing that was not requested counts as failed. */
	for (size_t i = 0; i < s.n_listings; i++) {
		if (s.listings[i].requested)
			continue;
		strv_add(&c->failed_dirs, s.listings[i].path);
		left++;
	}
	if (left)
		strv_addf(
			&c->warnings,
			"cannot list %u director%s; %zu more were not queried",
			s.n_failures, s.n_failures == 1 ? "y" : "ies", left);
	if (fetch_download_is_cancelled(setup->fetch)) {
		ret = err_set(err, ECANCELED, "interrupted");
	} else if (!c->n_archives && !s.status) {
		shown = url_redact(setup->mirrors->v[0]);
		ret = err_set(err, ENOENT, "%s lists no compilers", shown);
		free(shown);
	} else if (!c->n_archives) {
		*err = s.first_error;
		ret = s.status;
	}
	for (size_t i = 0; i < s.n_listings; i++)
		free(s.listings[i].path);
	free(s.listings);
	return ret;
}

int toolchain_catalog_load(struct toolchain_catalog *out,
			   const struct toolchain_catalog_setup *setup,
			   struct err *err)
{
	struct toolchain_catalog old = { 0 };
	bool cached = read_cache(&old, setup);
	int64_t now = time(NULL);
	char *text, *dir;
	struct err bad;
	int ret;

	if (cached && !setup->refresh && !old.failed_dirs.n &&
	    old.fetched_s <= now &&
	    now - old.fetched_s < TOOLCHAIN_CATALOG_MAX_AGE_S) {
		*out = old;
		return 0;
	}
	*out = (struct toolchain_catalog){ .fetched_s = now };
	ret = refresh_catalog(out, setup, err);
	if (!ret) {
		/* Use the cached archives of the failed directories. */
		for (size_t k = 0; k < out->failed_dirs.n; k++) {
			for (size_t i = 0; i < old.n_archives; i++) {
				const char *path = old.archives[i].mirror_path;

				if (str_starts(path, out->failed_dirs.v[k]))
					add_archive_path(out, path);
			}
		}
		sort_archives(out);
		text = toolchain_catalog_encode(out, setup->mirrors);
		dir = str_dir(setup->cache_path);
		if (fs_mkdirs(dir, 0777, &bad) ||
		    state_file_write(&file_format.file, setup->cache_path,
				     bytes_str(text), &bad))
			strv_add(&out->warnings, bad.text);
		free(dir);
		free(text);
	} else if (cached && ret != -ECANCELED) {
		toolchain_catalog_release(out);
		*out = old;
		out->refresh_error = xstrdup(err->text);
		return 0;
	}
	toolchain_catalog_release(&old);
	return ret;
}

/* ---- search ---- */

/*
 * Return the index of the archive's triplet in the list (0 is the best rank),
 * or SIZE_MAX if it is not listed.  Returns 0 for clang, or if there is no
 * list.
 */
static size_t rank(const struct toolchain_archive *a,
		   const struct strv *triplets)
{
	if (!a->triplet || !triplets)
		return 0;
	for (size_t i = 0; i < triplets->n; i++) {
		if (!strcmp(triplets->v[i], a->triplet))
			return i;
	}
	return SIZE_MAX;
}

static bool is_for_host(const struct toolchain_archive *a, bool is_clang,
			const char *host)
{
	return a->release.is_clang == is_clang && !strcmp(a->host, host);
}

/*
 * Return the distance between two versions.  The first number of a version has
 * the most weight.
 */
static unsigned long distance_to(const struct toolchain_release *wanted,
				 const struct toolchain_release *r)
{
	static const unsigned long weight[] = { 1000000, 1000, 1 };
	unsigned long sum = 0;

	for (unsigned i = 0; i < wanted->n_parts && i < 3; i++) {
		unsigned a = wanted->parts[i], b = r->parts[i];
		unsigned long d = a > b ? a - b : b - a;

		sum += (d > 999 ? 999 : d) * weight[i];
	}
	return sum;
}

struct near_version {
	struct toolchain_release release;
	unsigned long distance;
};

/*
 * Insert a release into a list of the nearest releases, without duplicates.  Of
 * releases at the same distance, the one that was inserted first comes first.
 */
static void insert_near_version(struct near_version *list, size_t *n,
				struct near_version new)
{
	size_t at = *n;

	for (size_t i = 0; i < *n; i++) {
		if (!toolchain_release_compare(&list[i].release, &new.release))
			return;
	}
	while (at && list[at - 1].distance > new.distance)
		at--;
	if (at == NEAR_VERSIONS_MAX)
		return;
	if (*n < NEAR_VERSIONS_MAX)
		++*n;
	memmove(&list[at + 1], &list[at], (*n - at - 1) * sizeof(*list));
	list[at] = new;
}

static char *near_versions(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const struct strv *triplets, const char *host)
{
	struct near_version list[NEAR_VERSIONS_MAX];
	struct strv names = { 0 };
	size_t n = 0;
	char *text;

	for (size_t i = 0; i < c->n_archives; i++) {
		const struct toolchain_archive *a = &c->archives[i];

		if (is_for_host(a, wanted->is_clang, host) &&
		    rank(a, triplets) != SIZE_MAX)
			insert_near_version(
				list, &n,
				(struct near_version){
					a->release,
					distance_to(wanted, &a->release) });
	}
	for (size_t i = 0; i < n; i++)
		strv_own(&names, toolchain_release_format(&list[i].release));
	text = n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return text;
}

/*
 * Return the targets of the newest matching release as text, and store that
 * release in *found.  Returns NULL if no release matches.
 */
static char *triplets_text(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const char *host, struct toolchain_release *found)
{
	struct strv names = { 0 };
	char *text = NULL;

	for (size_t i = 0; i < c->n_archives; i++) {
		const struct toolchain_archive *a = &c->archives[i];

		if (!is_for_host(a, wanted->is_clang, host) || !a->triplet ||
		    !toolchain_release_matches(wanted, &a->release))
			continue;
		if (!names.n)
			*found = a->release;
		if (!toolchain_release_compare(found, &a->release))
			strv_add(&names, a->triplet);
	}
	if (names.n > NAMED_TRIPLETS_MAX) {
		for (size_t i = NAMED_TRIPLETS_MAX; i < names.n; i++)
			free(names.v[i]);
		names.n = NAMED_TRIPLETS_MAX;
		strv_add(&names, "...");
	}
	if (names.n)
		text = strv_join(&names, ", ");
	strv_release(&names);
	return text;
}

static char *hosts_text(const struct toolchain_catalog *c, bool is_clang)
{
	struct strv names = { 0 };
	char *text;

	for (size_t i = 0; i < c->n_archives; i++) {
		if (c->archives[i].release.is_clang == is_clang &&
		    !strv_has(&names, c->archives[i].host))
			strv_add(&names, c->archives[i].host);
	}
	text = names.n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return text;
}

static int report_missing_archive(const struct toolchain_catalog *c,
				  const struct toolchain_release *wanted,
				  const struct strv *triplets, const char *host,
				  struct err *err)
{
	const char *kind = wanted->is_clang ? "clang" : "gcc";
	char *name = toolchain_release_format(wanted);
	char *target = triplets && !wanted->is_clang ?
			       strv_join(triplets, " or ") :
			       xstrdup("any target");
	char *near = near_versions(c, wanted, triplets, host);
	struct toolchain_release found = { 0 };
	char *others = triplets_text(c, wanted, host, &found);
	char *full = others ? toolchain_release_format(&found) : NULL;
	char *hosts = hosts_text(c, wanted->is_clang);

	if (near && others)
		err_set(err, ENOENT,
			"no %s for %s on host %s; releases for that target: "
			"%s; targets of %s: %s",
			name, target, host, near, full, others);
	else if (near)
		err_set(err, ENOENT,
			"no %s on host %s%s%s; available releases: %s", name,
			host, wanted->is_clang ? "" : " for ",
			wanted->is_clang ? "" : target, near);
	else if (others)
		err_set(err, ENOENT,
			"no %s for %s on host %s; targets of %s: %s", kind,
			target, host, full, others);
	else
		err_set(err, ENOENT,
			"no %s for %s on host %s; available hosts: %s", kind,
			target, host, hosts ? hosts : "none");
	free(name);
	free(target);
	free(near);
	free(others);
	free(full);
	free(hosts);
	return -ENOENT;
}

int toolchain_catalog_find(const struct toolchain_catalog *c,
			   const struct toolchain_release *wanted,
			   const struct strv *triplets, const char *host,
			   const struct toolchain_archive **out,
			   struct err *err)
{
	const struct toolchain_archive *best = NULL;

	for (size_t i = 0; i < c->n_archives; i++) {
		const struct toolchain_archive *a = &c->archives[i];

		if (!is_for_host(a, wanted->is_clang, host) ||
		    !toolchain_release_matches(wanted, &a->release) ||
		    rank(a, triplets) == SIZE_MAX)
			continue;
		/*
		 * Releases are sorted in descending order: stop after the
		 * archives of the newest matching release.
		 */
		if (best &&
		    toolchain_release_compare(&best->release, &a->release))
			break;
		if (!best || rank(a, triplets) < rank(best, triplets))
			best = a;
	}
	if (!best)
		return report_missing_archive(c, wanted, triplets, host, err);
	*out = best;
	return 0;
}
