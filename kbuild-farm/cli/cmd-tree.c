/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/url.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "conf/conf.h"
#include "kernel/outdir.h"
#include "tree/add.h"
#include "tree/datadir.h"
#include "tree/state.h"
#include "tree/update.h"
#include "tree/url.h"
#include "tree/worker.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* The command line of `kfarm tree VERB`. */
struct tree_request {
	const char *verb;
	struct strv words; /* arguments after the verb */
	struct strv branches;
	const char *depth, *timeout;
	bool in_place, json;
};

/* A running operation on one tree, with its progress display. */
struct tree_operation {
	struct tree_observer watch;
	struct progress *progress;
	size_t row;
	struct strv notes; /* printed after the progress table is removed */
};

/*
 * `kfarm tree list` reads only two small files per tree: state.json of the last
 * update and metadata.json of the last build.  It does not open the repository,
 * which can have 100,000 references.
 */

#define ABBREVIATED 12

struct last_build {
	char *status; /* NULL without a build */
	char *revision, *arch, *output;
	long long time_s; /* end of the build, seconds since 1970 */
};

/* One tree of the listing. */
struct listed {
	char *name, *url;
	bool exists; /* false: the tree is only in the configuration */
	struct tree_state state;
	const struct tree_state *known; /* &state; NULL if it cannot be read */
	struct last_build build;
};

static char *json_text_in(const json_t *root, const char *group,
			  const char *key)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(root, group), key));

	return text ? xstrdup(text) : NULL;
}

/* Read the metadata of the last build in the tree's directory `dir`. */
static void read_last_build(struct last_build *b, const char *dir)
{
	char *link = xasprintf("%s/last-build", dir);
	char *path = xasprintf("%s/metadata.json", link);
	json_t *root = kernel_outdir_read_metadata(link);
	struct stat st;

	if (root && !stat(path, &st)) {
		b->status = json_text_in(root, "results", "status");
		b->revision = json_text_in(root, "git", "git_describe");
		if (!b->revision)
			b->revision = json_text_in(root, "source",
						   "kernelrelease");
		b->arch = json_text_in(root, "build", "target_arch");
		b->output = realpath(link, NULL);
		b->time_s = st.st_mtime;
	}
	json_decref(root);
	free(path);
	free(link);
}

/* Read configuration, state and last build of a tree. */
static void read_listed(struct listed *l, const char *name,
			const struct conf *conf)
{
	char *top = tree_datadir_top(), *dir = xasprintf("%s/%s", top, name);
	const char *url = conf_get(conf, "tree", name, "url");
	struct err err = { 0 };

	l->name = xstrdup(name);
	l->exists = fs_is_dir(dir);
	if (l->exists && !tree_state_read(&l->state, dir, &err))
		l->known = &l->state;
	if (l->exists && !l->known)
		log_warning("%s; run `kfarm tree update %s` to rewrite it",
			    err.text, name);
	/*
	 * A change of the URL in the configuration affects only a clone.  Any
	 * other tree retains its recorded source.
	 */
	if (!url || (l->state.source && l->state.kind != TREE_KIND_CLONE))
		url = l->state.source;
	l->url = url ? url_redact(url) : NULL;
	if (l->exists)
		read_last_build(&l->build, dir);
	free(dir);
	free(top);
}

/* Format a time as local time.  Returns NULL for 0. */
static char *date_text(int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[20];
	struct tm tm;

	if (!seconds || !localtime_r(&t, &tm))
		return NULL;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	return xstrdup(text);
}

static char *tree_size_text(int64_t bytes)
{
	double mib = (double)bytes / (1 << 20);

	return mib >= 1024 ? xasprintf("%.1f GiB", mib / 1024) :
			     xasprintf("%.1f MiB", mib);
}

/*
 * Format HEAD as "BRANCH COMMIT".  For a missing tree, return the command that
 * clones it.
 */
static char *head_text(const void *listed)
{
	const struct listed *l = listed;
	const struct tree_branch *h = &l->state.head;
	char *name, *out;

	if (!l->exists)
		return xasprintf("not cloned: kfarm tree update %s", l->name);
	if (!h->name)
		return NULL;
	name = printable_escape(h->name);
	out = xasprintf("%s %.*s", name, ABBREVIATED, h->commit);
	free(name);
	return out;
}

/* Format the last build: status, revision and time. */
static char *build_text(const void *listed)
{
	const struct last_build *b = &((const struct listed *)listed)->build;
	char *when, *text, *out;

	if (!b->status)
		return NULL;
	when = date_text(b->time_s);
	text = xasprintf("%s %s %s", b->status, b->revision ? b->revision : "-",
			 when ? when : "-");
	out = printable_escape(text);
	free(text);
	free(when);
	return out;
}

static const struct record_member last_build_members[] = {
	{ RECORD_VALUE("status", last_build, status) },
	{ RECORD_VALUE("revision", last_build, revision) },
	{ RECORD_VALUE("arch", last_build, arch) },
	{ RECORD_VALUE("time", last_build, time_s) },
	{ RECORD_VALUE("output", last_build, output) },
};
static const struct record last_build_record = RECORD(last_build,
						      last_build_members);

#define KNOWN RECORD_VIA(listed, known)

static const struct record_member tree_members[] = {
	{ RECORD_VALUE("name", listed, name), RECORD_COLUMN(1, "NAME") },
	{ RECORD_VALUE("url", listed, url), RECORD_COLUMN(6, "FROM") },
	{ RECORD_VALUE("cloned", listed, exists) },
	{ RECORD_WORD("kind", tree_state, kind, tree_kinds), KNOWN },
	{ RECORD_OBJECT("head", listed, state.head, &tree_branch_record),
	  RECORD_COLUMN(2, "HEAD"), .format = head_text },
	{ RECORD_LIST("branches", listed, state.branches, state.n_branches,
		      TREE_BRANCHES_MAX, &tree_branch_record) },
	{ RECORD_VALUE("size", tree_state, size_bytes), KNOWN,
	  RECORD_COLUMN_RIGHT(4, "SIZE"), .format_number = tree_size_text },
	{ RECORD_VALUE("updated", tree_state, updated_s), KNOWN,
	  RECORD_COLUMN(3, "UPDATED"), .format_number = date_text },
	{ RECORD_OBJECT("last_build", listed, build, &last_build_record),
	  RECORD_COLUMN(5, "LAST BUILD"), .format = build_text },
};
const struct record tree_listed_record = RECORD(listed, tree_members);

/* Print the table of trees with the newest branches of each tree. */
static void print_trees(const struct listed *v, size_t n)
{
	struct table t = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct tree_state *s = &v[i].state;
		struct buf newest = { 0 };

		for (size_t k = 0; k < s->n_branches; k++) {
			buf_add_str(&newest, k ? ", " : "    newest: ");
			printable_add_escaped(
				&newest, bytes_str(s->branches[k].name), 0);
		}
		table_add_record(&t, &tree_listed_record, &v[i]);
		strv_own(&t.below, buf_steal(&newest));
	}
	table_print(stdout, &t);
}

/*
 * List the trees in the data directory and those in the configuration, sorted
 * and without duplicates.  The caller frees *conf, also after an error.
 */
static int all_trees(struct strv *names, struct conf **conf, struct err *err)
{
	int ret = tree_datadir_list_names(names, err);

	if (!ret)
		ret = conf_load(conf, NULL, err);
	if (!ret)
		conf_list_subsections(*conf, "tree", names);
	strv_sort_unique(names);
	return ret;
}

static int tree_list_main(void *request)
{
	struct tree_request *r = request;
	struct strv names = { 0 };
	struct listed *v = NULL;
	struct conf *conf = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int ret = all_trees(&names, &conf, &err);

	if (ret) {
		log_error("tree list: %s", err.text);
		goto out;
	}
	v = xcalloc(names.n + 1, sizeof(*v));
	for (size_t i = 0; i < names.n; i++)
		read_listed(&v[n++], names.v[i], conf);
	if (r->json)
		table_print_json(json_pack(
			"{s:o}", "trees",
			record_array_to_json(&tree_listed_record, v, n)));
	else if (n)
		print_trees(v, n);
	else
		log_info(
			"no trees yet; add one with `kfarm tree add NAME URL`");
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].url);
		tree_state_release(&v[i].state);
		free(v[i].build.status);
		free(v[i].build.revision);
		free(v[i].build.arch);
		free(v[i].build.output);
	}
out:
	free(v);
	conf_free(conf);
	strv_release(&names);
	return ret ? EXIT_USAGE : EXIT_OK;
}

#define DEPTH_MAX   1000000
#define TIMEOUT_MAX 86400

static void on_progress(void *ctx, const char *word, uint64_t done,
			uint64_t total)
{
	struct tree_operation *s = ctx;

	progress_count(s->progress, s->row, word, done, total);
}

static void on_tick(void *ctx)
{
	progress_tick(((struct tree_operation *)ctx)->progress);
}

/* Save a note, because printing it now would disturb the progress table. */
static void on_note(void *ctx, const char *text)
{
	strv_add(&((struct tree_operation *)ctx)->notes, text);
}

/*
 * Set up the observer and the progress display of an operation.  The operation
 * fails if a server sends nothing for `silence_s` seconds.  If `silence_s` is
 * 0, the default time applies.
 */
static void begin_operation(struct tree_operation *s, const char *name,
			    unsigned silence_s)
{
	*s = (struct tree_operation){
		.watch = { .on_progress = on_progress,
			   .on_tick = on_tick,
			   .on_note = on_note,
			   .ctx = s,
			   .cancel = settings_catch_signals(),
			   .max_silence_s = silence_s },
		.progress = progress_new(),
	};
	s->row = progress_add(s->progress, name);
}

/* Remove the progress display and print the notes. */
static void end_operation(struct tree_operation *s)
{
	progress_free(s->progress);
	for (size_t i = 0; i < s->notes.n; i++)
		log_info("%s", s->notes.v[i]);
	strv_release(&s->notes);
}

/* Print the error of an operation and return the exit status. */
static int tree_failed(const struct tree_request *r, int ret, const char *name,
		       const struct err *err)
{
	if (ret == -ECANCELED)
		log_error(
			"tree %s: %s: interrupted; run the same command again to continue",
			r->verb, name);
	else
		log_error("tree %s: %s: %s", r->verb, name, err->text);
	return ret == -ECANCELED ? EXIT_INTERRUPTED : EXIT_USAGE;
}

/*
 * Parse the value of --OPTION, from 1 to `most`.  *out is 0 if `text` is NULL.
 */
static int parse_number(const char *option, const char *text, long most,
			unsigned *out, struct err *err)
{
	long n = 0;

	if (text && str_parse_number(text, 1, most, &n))
		return err_set(err, EINVAL,
			       "--%s: \"%s\" is not a number from 1 to %ld",
			       option, text, most);
	*out = (unsigned)n;
	return 0;
}

/*
 * Check that the configuration can be read and has no other URL for a tree that
 * `kfarm tree add` is about to add.
 */
static int check_configuration(const char *name, const char *source,
			       struct err *err)
{
	struct conf *conf = NULL;
	const char *url;
	char *file = conf_user_path(), *path = NULL, *at, *shown;
	int ret = conf_load(&conf, NULL, err);

	/* KFARM_CONFIG can name a missing file, which this command creates. */
	if (ret == -ENOENT && !fs_exists(file))
		ret = 0;
	url = conf ? conf_get(conf, "tree", name, "url") : NULL;
	if (url)
		path = realpath(source, NULL);
	if (!ret && url && strcmp(url, source) != 0 && !str_equal(url, path)) {
		at = conf_get_origin(conf, "tree", name, "url");
		shown = url_redact(url);
		ret = err_set(err, EEXIST,
			      "%s: already configured with the URL %s; run "
			      "`kfarm tree update %s` to clone it, or `kfarm "
			      "tree remove %s` to remove it",
			      at, shown, name, name);
		free(shown);
		free(at);
	}
	free(path);
	free(file);
	conf_free(conf);
	return ret;
}

/* Set the URL of a tree unless the configuration already has this value. */
static int write_configuration(const char *name, const char *url,
			       struct err *err)
{
	struct conf *conf = NULL;
	const char *now = NULL;
	int ret = 0;

	if (!conf_load(&conf, NULL, err))
		now = conf_get(conf, "tree", name, "url");
	if (!str_equal(now, url))
		ret = conf_set("tree", name, "url", url, err);
	if (ret)
		err_wrap(err,
			 "the tree exists, but is not in the configuration");
	conf_free(conf);
	return ret;
}

static int tree_add_main(void *request)
{
	struct tree_request *r = request;
	const char *name = r->words.v[0];
	struct tree_add a = { .name = name,
			      .source = r->words.v[1],
			      .in_place = r->in_place,
			      .branches = r->branches };
	struct err err = { 0 };
	struct tree_operation show;
	unsigned silence_s = 0;
	char *url = NULL, *shown;
	int ret;

	ret = parse_number("depth", r->depth, DEPTH_MAX, &a.depth, &err);
	if (!ret)
		ret = parse_number("timeout", r->timeout, TIMEOUT_MAX,
				   &silence_s, &err);
	if (!ret)
		ret = tree_datadir_check_name(name, &err);
	if (!ret)
		ret = check_configuration(name, a.source, &err);
	if (ret)
		return tree_failed(r, ret, name, &err);
	begin_operation(&show, name, silence_s);
	a.watch = &show.watch;
	ret = tree_add(&a, &url, &err);
	end_operation(&show);
	if (!ret)
		ret = write_configuration(name, url, &err);
	if (!ret) {
		shown = url_redact(url);
		printf("added %s from %s\n", name, shown);
		free(shown);
	}
	free(url);
	return ret ? tree_failed(r, ret, name, &err) : EXIT_OK;
}

static int tree_update_main(void *request)
{
	struct tree_request *r = request;
	struct strv names = { 0 };
	struct conf *conf = NULL;
	struct err err = { 0 };
	unsigned silence_s = 0;
	int status = EXIT_OK;
	int ret = parse_number("timeout", r->timeout, TIMEOUT_MAX, &silence_s,
			       &err);

	strv_add_all(&names, strv_list(&r->words));
	if (!ret && !names.n)
		ret = all_trees(&names, &conf, &err);
	conf_free(conf);
	if (ret) {
		log_error("tree update: %s", err.text);
		strv_release(&names);
		return EXIT_USAGE;
	}
	if (!names.n)
		log_info("no trees yet; add one with `kfarm tree add`");
	for (size_t i = 0; i < names.n && status != EXIT_INTERRUPTED; i++) {
		struct tree_operation show;

		err = (struct err){ 0 };
		begin_operation(&show, names.v[i], silence_s);
		ret = tree_update(names.v[i], &show.watch, &err);
		end_operation(&show);
		if (ret)
			status = tree_failed(r, ret, names.v[i], &err);
	}
	strv_release(&names);
	return status;
}

/* Arguments and result of run_removal(), which runs on another thread. */
struct removal {
	const char *name;
	char *what; /* description of the removed files */
	struct err err;
};

static int run_removal(void *arg)
{
	struct removal *r = arg;

	return tree_remove(r->name, &r->what, &r->err);
}

/*
 * Remove the section of a tree from the user's configuration file.  Returns 0;
 * -ENOENT if no file has the section; -EPERM if another configuration file has
 * it; or another negative errno.
 */
static int remove_configured(const char *name, struct err *err)
{
	struct conf *conf = NULL;
	struct err ignored;
	char *at = NULL;
	int ret = conf_remove_section("tree", name, err);

	if (ret == -ENOENT && !conf_load(&conf, NULL, &ignored))
		at = conf_get_origin(conf, "tree", name, "url");
	if (at)
		ret = err_set(
			err, EPERM,
			"still configured in %s; remove the section from that "
			"file",
			at);
	free(at);
	conf_free(conf);
	return ret;
}

/*
 * Fail with -EBUSY if a nightly job builds from the tree.  A configuration that
 * cannot be read does not prevent the removal.
 */
static int check_no_nightly_job(const char *name, struct err *err)
{
	struct strv jobs = { 0 };
	struct conf *conf = NULL;
	struct err ignored;
	int ret = 0;

	if (conf_load(&conf, NULL, &ignored))
		return 0;
	conf_list_subsections(conf, "nightly", &jobs);
	for (size_t i = 0; !ret && i < jobs.n; i++) {
		const char *job = jobs.v[i];
		char *at;

		if (!str_equal(conf_get(conf, "nightly", job, "tree"), name))
			continue;
		at = conf_get_origin(conf, "nightly", job, "tree");
		ret = err_set(err, EBUSY,
			      "%s: the nightly job \"%s\" builds from this "
			      "tree; remove the job or change its tree first",
			      at, job);
		free(at);
	}
	strv_release(&jobs);
	conf_free(conf);
	return ret;
}

static int tree_remove_main(void *request)
{
	struct tree_request *r = request;
	int status = EXIT_OK;

	for (size_t i = 0; i < r->words.n; i++) {
		struct removal one = { .name = r->words.v[i] };
		struct err err = { 0 };
		int ret = check_no_nightly_job(one.name, &err);
		int other;

		if (ret) {
			status = tree_failed(r, ret, one.name, &err);
			continue;
		}
		ret = other = progress_run(one.name, "removing", run_removal,
					   &one);
		/* A tree that was never cloned is only in the configuration. */
		if (!ret || ret == -ENOENT)
			other = remove_configured(one.name, &err);
		if (ret == -ENOENT && !other)
			printf("%s: removed from the configuration\n",
			       one.name);
		else if (!ret)
			printf("%s\n", one.what);
		if (ret == -ENOENT && other != -ENOENT)
			ret = other;
		else if (ret)
			err = one.err;
		else if (other != -ENOENT)
			ret = other;
		free(one.what);
		if (ret)
			status = tree_failed(r, ret, one.name, &err);
	}
	return status;
}

#define AT(member) offsetof(struct tree_request, member)

static const struct args_option options[] = {
	{ 0, "branch", "BRANCH", "fetch only this branch; repeatable",
	  args_list, AT(branches), 0 },
	{ 0, "depth", "N", "fetch N commits of a branch (by git)", args_text,
	  AT(depth), 0 },
	{ 0, "in-place", NULL, "use the clone itself; updates modify it",
	  args_flag, AT(in_place), 0 },
	{ 0, "timeout", "SECONDS",
	  "give up if the server is silent that long (default: 60)", args_text,
	  AT(timeout), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0 },
};

static const struct cmd_verb verbs[] = {
	{ "add", " NAME URL|DIR|TARBALL", "branch depth in-place timeout", 2, 2,
	  "clone a tree, adopt a clone, or import files", tree_add_main },
	{ "update", " [NAME]...", "timeout", 0, 1000,
	  "fetch all remotes of these trees, or of all", tree_update_main },
	{ "list", "", "json", 0, 0,
	  "list the trees, their last updates and builds", tree_list_main },
	{ "remove", " NAME...", "", 1, 1000,
	  "remove trees, but not adopted clones", tree_remove_main },
	{ 0 },
};

static int tree_main(char *const *argv)
{
	struct tree_request r = { 0 };
	const struct cmd_verb *verb;
	int status = EXIT_USAGE;

	verb = cmd_verb_parse(&cmd_tree, argv, &r, &r.words);
	if (verb) {
		r.verb = verb->name;
		status = verb->run(&r);
	}
	strv_release(&r.words);
	strv_release(&r.branches);
	return status;
}

const struct cmd cmd_tree = {
	.name = "tree",
	.usage = "VERB [OPTION]... [ARGUMENT]...",
	.help = "add, update, list and remove kernel trees to build from",
	.options = options,
	.verbs = verbs,
	.extra_help = "URL is http, https, ssh, git or file, or HOST:PATH.  "
		      "`kfarm build --tree NAME`\nbuilds from a tree.\n",
	.extra_help_verb = "add",
	.run = tree_main,
};
