/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/format.h"
#include "base/fs.h"
#include "base/log.h"
#include "cache/action.h"
#include "cache/cache.h"
#include "cli/cache-explain.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "conf/schema.h"
#include "history/read.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BUILDS_MAX 10 /* builds that `kfarm cache stats` lists */

struct cache_request {
	struct strv words;
	bool json;
	const char *build; /* build directory of `kfarm cache explain` */
	struct cache *cache;
	const char *dir;
	uint64_t size_bytes; /* [cache] size */
};

/* The builds that used the cache, newest first. */
struct cached_builds {
	struct history *history;
	struct history_build v[BUILDS_MAX];
	int64_t n_missed[BUILDS_MAX][CACHE_N_MISSES]; /* jobs, by cause */
	size_t n;
};

static int add_cached_build(void *ctx, const struct history_build *b)
{
	struct cached_builds *builds = ctx;
	struct history_details details = { 0 };
	int64_t *n_missed = builds->n_missed[builds->n], n = 0;
	enum cache_miss cause;
	struct err err;
	int ret = history_read_units(builds->history, b->number, &details,
				     &err);

	for (size_t i = 0; i < details.n_units; i++) {
		const char *miss = details.units[i].miss;

		if (miss && cache_miss_parse(miss, &cause)) {
			n_missed[cause]++;
			n++;
		}
	}
	history_details_release(&details);
	if (!ret && (b->n_cached > 0 || n))
		history_build_copy(&builds->v[builds->n++], b);
	else
		memset(n_missed, 0, sizeof(*builds->n_missed));
	return ret ? ret : builds->n == BUILDS_MAX;
}

/*
 * Read the builds.  If no history exists, there are no builds.  Returns 0 or a
 * negative errno.
 */
static int read_builds(struct cached_builds *out, struct err *err)
{
	static const struct history_filter all = { .state = -1 };
	int ret = history_db_open(&out->history, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = history_build_list(out->history, &all, add_cached_build, out,
				 err);
	history_db_close(out->history);
	return ret > 0 ? 0 : ret;
}

static void release_builds(struct cached_builds *builds)
{
	for (size_t i = 0; i < builds->n; i++)
		history_build_release(&builds->v[i]);
}

static void print_stats(const struct cache_request *r,
			const struct store_stats *s,
			const struct cached_builds *builds)
{
	struct buf used = { 0 }, limit = { 0 }, dir = { 0 };

	fs_add_display_path(&dir, r->dir);
	format_bytes(&used, s->used_bytes);
	format_bytes(&limit, s->limit_bytes);
	printf("directory  %s\n"
	       "results    %" PRIu64 "\n"
	       "size       %s of at most %s\n",
	       buf_str(&dir), s->n_records[STORE_RECORD_ACTION], buf_str(&used),
	       buf_str(&limit));
	for (size_t i = 0; i < builds->n; i++) {
		const struct history_build *b = &builds->v[i];
		int64_t permille = b->n_cached * 1000 / b->n_jobs;

		printf("build %-4" PRId64 " %" PRId64 " of %" PRId64
		       " jobs cached (%" PRId64 ".%" PRId64 " %%",
		       b->number, b->n_cached, b->n_jobs, permille / 10,
		       permille % 10);
		if (b->n_cached_remote)
			printf(", %" PRId64 " from the server",
			       b->n_cached_remote);
		putchar(')');
		for (int k = 0; k < CACHE_N_MISSES; k++) {
			if (builds->n_missed[i][k])
				printf(", %" PRId64 " %s",
				       builds->n_missed[i][k],
				       cache_miss_text((enum cache_miss)k));
		}
		putchar('\n');
	}
	buf_release(&dir);
	buf_release(&used);
	buf_release(&limit);
}

static json_t *stats_to_json(const struct cache_request *r,
			     const struct store_stats *s,
			     const struct cached_builds *builds)
{
	json_t *list = json_array();

	for (size_t i = 0; i < builds->n; i++) {
		json_t *missed = json_object();

		for (int k = 0; k < CACHE_N_MISSES; k++)
			json_object_set_new(
				missed, cache_miss_text((enum cache_miss)k),
				json_integer(builds->n_missed[i][k]));
		json_array_append_new(
			list,
			json_pack("{s:I, s:I, s:I, s:I, s:o}", "number",
				  (json_int_t)builds->v[i].number, "jobs",
				  (json_int_t)builds->v[i].n_jobs, "cached",
				  (json_int_t)builds->v[i].n_cached,
				  "cached_remote",
				  (json_int_t)builds->v[i].n_cached_remote,
				  "missed", missed));
	}
	return json_pack("{s:s, s:I, s:I, s:I, s:o}", "directory", r->dir,
			 "results",
			 (json_int_t)s->n_records[STORE_RECORD_ACTION], "bytes",
			 (json_int_t)s->used_bytes, "limit",
			 (json_int_t)s->limit_bytes, "builds", list);
}

/*
 * Remove results until at most `target` bytes are left, and store the new
 * statistics in `out`.  Returns the exit status.
 */
static int collect(const struct cache_request *r, uint64_t target,
		   struct store_stats *out)
{
	int ret = store_gc(cache_store(r->cache), target);

	if (ret) {
		log_error("%s: %s", r->dir, strerror(-ret));
		return EXIT_USAGE;
	}
	store_stats(cache_store(r->cache), out);
	return EXIT_OK;
}

static int cache_stats_main(void *request)
{
	struct cache_request *r = request;
	struct cached_builds builds = { 0 };
	struct store_stats s;
	struct err err;
	/* Only read the statistics: this target removes no result. */
	int status = collect(r, UINT64_MAX, &s);

	if (status == EXIT_OK && read_builds(&builds, &err)) {
		log_error("%s", err.text);
		status = EXIT_USAGE;
	}
	if (status == EXIT_OK && r->json)
		table_print_json(stats_to_json(r, &s, &builds));
	else if (status == EXIT_OK)
		print_stats(r, &s, &builds);
	release_builds(&builds);
	return status;
}

static int cache_explain_main(void *request)
{
	const struct cache_request *r = request;
	const char *build = r->build;

	if (!build || !*build)
		build = getenv("KBUILD_OUTPUT");
	return cli_cache_explain(r->cache, build && *build ? build : ".",
				 strv_list(&r->words));
}

static int remove_results(struct cache_request *r, uint64_t target)
{
	struct buf freed = { 0 }, left = { 0 };
	struct store_stats s;
	int status = collect(r, target, &s);

	if (status != EXIT_OK)
		return status;
	format_bytes(&freed, s.collected_bytes);
	format_bytes(&left, s.used_bytes);
	printf("removed %s, %s left\n", buf_str(&freed), buf_str(&left));
	buf_release(&freed);
	buf_release(&left);
	return EXIT_OK;
}

static int cache_clear_main(void *request)
{
	/* Pass 1, because 0 selects the default limits of store_gc(). */
	return remove_results(request, 1);
}

static int cache_trim_main(void *request)
{
	struct cache_request *r = request;
	const struct conf_key *key = conf_schema_find("cache", NULL, "size");
	uint64_t target = r->size_bytes ? r->size_bytes : CACHE_SIZE_DEFAULT;

	if (r->words.n &&
	    (!conf_schema_parse_amount(key, r->words.v[0], &target) ||
	     !target)) {
		log_error("cache trim: \"%s\": not a size such as 500M or 2G",
			  r->words.v[0]);
		return EXIT_USAGE;
	}
	return remove_results(r, target);
}

#define AT(member) offsetof(struct cache_request, member)

static const struct args_option options[] = {
	{ 'b', "build-dir", "DIR", "build directory (default: .)", args_text,
	  AT(build), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0 },
};

static const struct cmd_verb verbs[] = {
	{ "stats", "", "json", 0, 0,
	  "print the size of the cache and the hits of the last builds",
	  cache_stats_main },
	{ "explain", " FILE...", "build-dir", 1, SIZE_MAX,
	  "print what differs from the nearest earlier compile of FILE",
	  cache_explain_main },
	{ "trim", " [SIZE]", "", 0, 1,
	  "remove the least recently used results beyond SIZE",
	  cache_trim_main },
	{ "clear", "", "", 0, 0, "remove all results", cache_clear_main },
	{ 0 },
};

/* Open the cache and run the verb. */
static int run_verb(const struct cmd_verb *verb, struct cache_request *r)
{
	struct node_roster none = { .remote_disabled = true };
	struct cache_setup setup = { 0 };
	char *dir = cache_default_dir();
	struct conf *conf = NULL;
	struct err err;
	int ret = settings_load_conf(&conf, &none, &err);
	int status = EXIT_USAGE;

	r->dir = dir;
	if (!ret)
		r->size_bytes = setup.size_bytes = settings_cache_size(conf);
	if (!ret)
		ret = cache_open(&r->cache, &setup, &err);
	if (ret)
		log_error("cache %s: %s", verb->name, err.text);
	else
		status = verb->run(r);
	cache_free(r->cache);
	conf_free(conf);
	free(dir);
	return status;
}

static int cache_main(char *const *argv)
{
	struct cache_request r = { 0 };
	const struct cmd_verb *verb;
	int status = EXIT_USAGE;

	verb = cmd_verb_parse(&cmd_cache, argv, &r, &r.words);
	if (verb)
		status = run_verb(verb, &r);
	strv_release(&r.words);
	return status;
}

const struct cmd cmd_cache = {
	.name = "cache",
	.usage = "VERB [OPTION]... [ARGUMENT]...",
	.help = "show, explain, trim and clear the cache of compile results",
	.options = options,
	.verbs = verbs,
	.extra_help =
		"Builds use the cache with --cache, or if [cache] enabled "
		"is true.\n",
	.run = cache_main,
};
