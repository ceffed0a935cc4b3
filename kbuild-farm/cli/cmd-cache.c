/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/spawn.h"
#include "cache/action.h"
#include "cache/cache.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/scan.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "conf/schema.h"
#include "history/read.h"
#include "options/allowlist.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUILDS_MAX 10 /* builds that `kfarm cache stats` lists */
#define SOURCE_MAX ((size_t)64 << 20) /* maximum bytes of a searched file */

struct cache_request {
	struct strv words;
	bool json;
	const char *build; /* build directory of `kfarm cache explain` */
	/* NULL for `kfarm cache stats` if the directory does not exist */
	struct cache *cache;
	const char *dir;
	uint64_t size_bytes; /* [cache] size */
};

/* The builds that used the cache, newest first. */
struct cached_builds {
	struct history *history;
	struct history_build v[BUILDS_MAX];
	int64_t n_missed[BUILDS_MAX][CACHE_N_MISSES]; /* misses, by cause */
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

/* Append a size in the units of [cache] size, which are powers of 1,024. */
static void add_binary_size(struct buf *out, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double n = (double)bytes / 1024;
	size_t unit = 0;

	while (n >= 1024) {
		n /= 1024;
		unit++;
	}
	if (bytes)
		buf_printf(out, "%.*f%c", n < 10, n, units[unit]);
	else
		buf_add_str(out, "0");
}

static void print_stats(const struct cache_request *r,
			const struct store_stats *s,
			const struct cached_builds *builds)
{
	struct buf used = { 0 }, limit = { 0 }, dir = { 0 };

	fs_add_display_path(&dir, r->dir);
	add_binary_size(&used, s->used_bytes);
	add_binary_size(&limit, s->limit_bytes);
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
		if (!b->has_units && b->n_jobs > b->n_cached)
			printf(", causes no longer available");
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
		log_error("%s: not all results are accessible: %s", r->dir,
			  strerror(-ret));
		return EXIT_USAGE;
	}
	store_stats(cache_store(r->cache), out);
	return EXIT_OK;
}

static int cache_stats_main(void *request)
{
	struct cache_request *r = request;
	struct cached_builds builds = { 0 };
	struct store_stats s = {
		.limit_bytes = r->size_bytes ? r->size_bytes :
					       CACHE_SIZE_DEFAULT,
	};
	struct err err;
	int status = EXIT_OK;

	/* With the target UINT64_MAX, collect() removes no result. */
	if (r->cache)
		status = collect(r, UINT64_MAX, &s);
	if (status != EXIT_OK)
		return status;
	/* Without the history, print the statistics of the cache itself. */
	if (read_builds(&builds, &err)) {
		log_error("%s", err.text);
		status = EXIT_USAGE;
	}
	if (r->json)
		table_print_json(stats_to_json(r, &s, &builds));
	else
		print_stats(r, &s, &builds);
	release_builds(&builds);
	return status;
}

/* A compile with its current command line and files. */
struct current_compile {
	struct cli_scan_line line;
	struct cpp_closure closure;
	struct options_flags flags;
	char *object;
	struct cache_action action;
};

static void release_current(struct current_compile *c)
{
	cache_action_release(&c->action);
	options_flags_release(&c->flags);
	cpp_closure_release(&c->closure);
	cli_scan_line_release(&c->line);
	free(c->object);
}

/*
 * Hash the files of the closure, and read their execute permissions.  Returns 0
 * or -errno with `err` set.
 */
static int digest_files(struct current_compile *c, struct err *err)
{
	struct cache_action *a = &c->action;
	int ret = 0;

	for (size_t i = 0; i < a->n_files && !ret; i++) {
		char *path = str_join_path(c->line.cwd,
					   c->closure.files[i].path);
		struct stat st;

		a->files[i].executable = !stat(path, &st) &&
					 (st.st_mode & S_IXUSR);
		ret = digest_file(path, &a->files[i].digest, err);
		free(path);
	}
	return ret;
}

static int describe_compile(struct current_compile *c,
			    const struct cli_scan_tool *tool,
			    struct cpp_scanner *scan,
			    const struct cache_roots *roots, struct err *err)
{
	struct options_side_outputs side_outputs;
	struct cache_located_compile located = {
		.roots = roots,
		.is_c = c->line.command.lang == OPTIONS_LANG_C,
		.cwd = c->line.cwd,
		.source = c->line.command.source,
		.flags = &c->flags,
		.closure = &c->closure,
	};
	struct cpp_unit unit = { .cwd = c->line.cwd,
				 .compiler = tool->path,
				 .toolchain = &tool->id,
				 .command = &c->line.command,
				 .env = environ };
	struct cpp_closure full;
	int ret;

	if (!tool->path)
		return err_set(err, ENOENT, "%s", tool->error_text);
	ret = options_allowlist_make_flags(&c->flags, &c->line.command, err);
	if (ret)
		return ret;
	cpp_closure_find(scan, &unit, &c->closure);
	if (c->closure.reason)
		return err_set(err, ENOTSUP, "not cached: %s%s%s",
			       reason_text(c->closure.reason),
			       c->closure.detail ? ": " : "",
			       c->closure.detail ? c->closure.detail : "");
	located.object = c->object = options_output_object_path(
		&c->line.command);
	options_output_side_outputs(&side_outputs, &c->line.command);
	located.has_side_outputs = side_outputs.name_in_object;
	options_side_outputs_release(&side_outputs);
	if (cache_roots_needs_preprocessing(&located)) {
		unit.full = true;
		cpp_closure_find(scan, &unit, &full);
		if (!full.reason) {
			cpp_closure_release(&c->closure);
			c->closure = full;
		} else {
			cpp_closure_release(&full);
		}
	}
	cache_action_init(&c->action, &located);
	cache_action_set_toolchain(&c->action, tool->is_clang, tool->version,
				   &tool->id);
	return digest_files(c, err);
}

static bool continues_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '_';
}

/* Return the first position of `word` as a whole word, or NULL. */
static const char *find_whole_word(const char *line, const char *end,
				   const char *word)
{
	size_t len = strlen(word);
	const char *at = line;

	while ((at = memmem(at, (size_t)(end - at), word, len))) {
		bool starts = at == line || !continues_word(at[-1]);
		bool ends = at + len == end || !continues_word(at[len]);

		if (starts && ends)
			return at;
		at += len;
	}
	return NULL;
}

/*
 * Return the number of the first directive line that contains the word.  If no
 * directive contains the word, return the number of the first line that
 * contains the word, or 0 if no line contains it.
 */
static unsigned find_line(const char *text, const char *word)
{
	unsigned first = 0;

	for (unsigned number = 1; *text; number++) {
		const char *end = strchrnul(text, '\n');

		if (find_whole_word(text, end, word)) {
			if (text[strspn(text, " \t")] == '#')
				return number;
			first = first ? first : number;
		}
		text = *end ? end + 1 : end;
	}
	return first;
}

/*
 * Append the position of the first use of the macro `name` in the closure.  If
 * no file contains the name, append a note that the ## operator can form it.
 */
static void add_first_use(struct buf *out, const struct current_compile *c,
			  const char *name)
{
	struct err err;

	for (size_t i = 0; i < c->closure.n_files; i++) {
		const struct cpp_file *f = &c->closure.files[i];
		char *path = str_join_path(c->line.cwd, f->path);
		struct buf text = { 0 };
		unsigned line = 0;

		if (!f->definitions && !fs_read(path, SOURCE_MAX, &text, &err))
			line = find_line(buf_str(&text), name);
		buf_release(&text);
		free(path);
		if (line) {
			buf_printf(out, ", looked up by %s:%u", f->path, line);
			return;
		}
	}
	buf_add_str(out, ", which ## can form");
}

/*
 * Return the text for the value of a macro: the value, "undefined", "empty", or
 * "y" for a CONFIG_ macro with the value 1.
 */
static const char *show_value(const char *name, const char *value)
{
	if (!value)
		return "undefined";
	if (!strcmp(value, "1") && str_starts(name, "CONFIG_"))
		return "y";
	return *value ? value : "empty";
}

/* Print a change.  File names and flags can contain control characters. */
static void print_change(const struct current_compile *c,
			 const struct cache_change *change)
{
	const char *name = change->name;
	struct buf line = { 0 };
	char *safe;

	switch (change->kind) {
	case CACHE_MISS_DEFINITION:
		buf_printf(&line, "%s: %s -> %s", name,
			   show_value(name, change->before),
			   show_value(name, change->after));
		add_first_use(&line, c, name);
		break;
	case CACHE_MISS_FILE:
		buf_printf(&line, "file %s %s", name,
			   change->before ? "has changed" : "is new");
		break;
	default:
		if (!change->before)
			buf_printf(&line, "%s %s was added", name,
				   change->after);
		else if (!change->after)
			buf_printf(&line, "%s %s was removed", name,
				   change->before);
		else
			buf_printf(&line, "%s %s -> %s", name, change->before,
				   change->after);
	}
	safe = printable_escape(buf_str(&line));
	printf("  %s\n", safe);
	free(safe);
	buf_release(&line);
}

static void print_time(int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;
	char text[32];

	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s", text);
}

/* Print why builds in other directories cannot use the result. */
static void print_obstacle(const struct cache_obstacle *o)
{
	struct buf text = { 0 };

	cache_obstacle_add_text(&text, o);
	if (o->kind)
		printf("  not shared with other directories: %s\n",
		       buf_str(&text));
	buf_release(&text);
}

static void print_difference(const struct current_compile *c, const char *name,
			     struct cache *cache)
{
	struct cache_difference d;
	bool equal;

	cache_action_compare(cache, &c->action, false, &d);
	equal = d.cause == CACHE_MISS_REMOVED;
	if (equal) {
		printf("%s: a result was stored ", name);
		print_time(d.time_s);
		putchar('\n');
		cache_difference_release(&d);
		cache_action_compare(cache, &c->action, true, &d);
	}
	if (d.cause == CACHE_MISS_NEW) {
		if (!equal)
			printf("%s: no compile is known\n", name);
		else
			printf("  no other compile is known\n");
	} else {
		printf("%s%s compile of ", equal ? "  " : name,
		       equal ? "differs from the" : ": differs from the");
		print_time(d.time_s);
		printf(" in:\n");
	}
	for (size_t i = 0; i < d.n_changes; i++)
		print_change(c, &d.changes[i]);
	if (d.n_files_gone)
		printf("  %u file%s no longer read\n", d.n_files_gone,
		       d.n_files_gone == 1 ? " is" : "s are");
	print_obstacle(&c->action.obstacle);
	cache_difference_release(&d);
}

static int explain_file(const char *build, const char *name,
			struct cli_scan_tools *tools, struct cpp_scanner *scan,
			struct cache *cache, struct err *err)
{
	struct current_compile c = { 0 };
	struct strv roots = { 0 };
	char *file, *source;
	int ret = cli_scan_line_find(&file, build, name, err);

	if (ret)
		return ret;
	ret = cli_scan_line_read(&c.line, build, file, err);
	if (!ret) {
		/*
		 * The path of the source is relative to the working directory
		 * of the compile.  For the programs in tools/, this directory
		 * is not the build directory.
		 */
		source = str_join_path(c.line.cwd, c.line.command.source);
		cache_roots_find(&roots, build, source, build);
		free(source);
		ret = describe_compile(
			&c,
			cli_scan_tools_get(tools, c.line.cwd, c.line.argv.v[0]),
			scan, &(struct cache_roots){ roots.v, roots.n }, err);
	}
	if (!ret)
		print_difference(&c, name, cache);
	release_current(&c);
	strv_release(&roots);
	free(file);
	return ret;
}

/*
 * For each source file or object in r->words, print whether the cache has a
 * result for its compile, and the differences from the most similar compile in
 * the cache.
 */
static int cache_explain_main(void *request)
{
	const struct cache_request *r = request;
	char *home = fs_cache_home(), *dir = xasprintf("%s/scan", home);
	const struct cpp_setup setup = { .query = capture_run,
					 .cache_dir = dir,
					 .selects_definitions = true };
	struct cli_scan_tools *tools = cli_scan_tools_new();
	struct cpp_scanner *scan = cpp_scanner_new(&setup);
	const char *build = r->build;
	int status = EXIT_OK;
	struct err err;
	char *abs;

	if (!build || !*build)
		build = getenv("KBUILD_OUTPUT");
	if (!build || !*build)
		build = ".";
	abs = realpath(build, NULL);
	for (size_t i = 0; i < r->words.n; i++) {
		int ret = abs ? explain_file(abs, r->words.v[i], tools, scan,
					     r->cache, &err) :
				err_errno(&err, "%s", build);

		if (ret) {
			log_error("cache explain: %s", err.text);
			status = EXIT_USAGE;
		}
	}
	cpp_scanner_free(scan);
	cli_scan_tools_free(tools);
	free(abs);
	free(dir);
	free(home);
	return status;
}

static int remove_results(struct cache_request *r, uint64_t target)
{
	struct buf freed = { 0 }, left = { 0 };
	struct store_stats s;
	int status = collect(r, target, &s);

	if (status != EXIT_OK)
		return status;
	add_binary_size(&freed, s.collected_bytes);
	add_binary_size(&left, s.used_bytes);
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
	{ 'b', "build-dir", "DIR",
	  "build directory (default: $KBUILD_OUTPUT or .)", args_text,
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
	/* `cache stats` prints 0 for a missing store and does not create it. */
	if (!ret && (verb->run != cache_stats_main || !access(dir, F_OK) ||
		     errno != ENOENT))
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
		"Builds use the cache unless --no-cache, CCACHE_DISABLE or\n"
		"[cache] enabled = false disables it.\n",
	.run = cache_main,
};
