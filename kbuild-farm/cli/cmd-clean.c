/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/clean.h"

#include "base/buf.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "cli/cmd.h"
#include "cli/history.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "kernel/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KEPT_MAX 1000000

/* The command line. */
struct clean_options {
	const char *builds, *build_dirs; /* NULL: not given */
	bool all, dry_run, force;
};

#define AT(member) offsetof(struct clean_options, member)

static const struct args_option options[] = {
	{ 0, "builds", "KEEP", "output directories except the newest KEEP",
	  args_text, AT(builds), 0 },
	{ 0, "build-dirs", "AGE",
	  "build directories and worktrees not used for AGE: 12h, 30d, 2w",
	  args_text, AT(build_dirs), 0 },
	{ 0, "all", NULL,
	  "all output and build directories, worktrees and caches", args_flag,
	  AT(all), 0 },
	{ 'n', "dry-run", NULL, "print what would be removed", args_flag,
	  AT(dry_run), 0 },
	{ 'f', "force", NULL, "do not ask before --all removes", args_flag,
	  AT(force), 0 },
	{ 0 },
};

/* Read the setting builds.keep, which applies if no option is given. */
static int read_kept_builds(struct kernel_cleanup_request *r, struct err *err)
{
	struct node_roster none = { .remote_disabled = true };
	struct conf *conf = NULL;
	int ret = settings_load_conf(&conf, &none, err);
	unsigned n_kept = ret ? 0 : settings_kept_builds(conf);

	if (n_kept)
		r->n_kept_builds = n_kept;
	conf_free(conf);
	return ret;
}

/* Parse the command line into the selection of directories. */
static int parse_clean(struct clean_options *o,
		       struct kernel_cleanup_request *r, char *const *argv,
		       struct err *err)
{
	int64_t now_s = (int64_t)time(NULL);
	struct args args;
	long n;
	int ret;

	*r = (struct kernel_cleanup_request){
		.n_kept_builds = KERNEL_CLEANUP_KEEP_ALL
	};
	args_init(&args, options, argv);
	ret = args_read(&args, o, err);
	if (ret > 0)
		return err_set(err, EINVAL, "unexpected argument \"%s\"",
			       args.value);
	if (ret)
		return ret;
	if (o->all && (o->builds || o->build_dirs))
		return err_set(err, EINVAL,
			       "--all and %s are mutually exclusive",
			       o->builds ? "--builds" : "--build-dirs");
	if (o->builds && str_parse_number(o->builds, 0, KEPT_MAX, &n))
		return err_set(err, EINVAL,
			       "--builds %s: not a number from 0 to %d",
			       o->builds, KEPT_MAX);
	if (o->builds)
		r->n_kept_builds = (size_t)n;
	if (o->build_dirs &&
	    !history_parse_age(o->build_dirs, now_s, &r->unused_since_s))
		return err_set(err, EINVAL,
			       "--build-dirs %s: expected an age such as 12h, "
			       "30d or 2w",
			       o->build_dirs);
	if (o->all) {
		r->n_kept_builds = 0;
		r->unused_since_s = INT64_MAX;
		r->caches = true;
	}
	if (!o->all && !o->builds && !o->build_dirs)
		ret = read_kept_builds(r, err);
	return ret;
}

/* The items to remove, and the progress of measuring or removing them. */
struct cleaning {
	struct kernel_cleanup found;
	struct progress *progress;
	const char *verb; /* "measuring" or "removing" */
	/* for each item: whether it was removed, and the error, if any */
	bool *removed;
	struct err *errors;
};

static void on_clean_tick(void *ctx)
{
	progress_tick(((struct cleaning *)ctx)->progress);
}

static void measure(void *ctx, size_t i)
{
	struct cleaning *c = ctx;

	progress_count(c->progress, 0, c->verb, i, c->found.n_items);
	kernel_cleanup_measure(&c->found.items[i]);
}

static void remove_one(void *ctx, size_t i)
{
	struct cleaning *c = ctx;

	progress_count(c->progress, 0, c->verb, i, c->found.n_items);
	c->removed[i] = !settings_is_interrupted() &&
			!kernel_cleanup_remove(&c->found.items[i],
					       &c->errors[i]);
}

/* Call `fn` for each item and show the progress. */
static void each_item(struct cleaning *c, const char *verb,
		      void (*fn)(void *ctx, size_t i))
{
	c->verb = verb;
	c->progress = progress_new();
	progress_add(c->progress, "directories");
	task_each(1, c->found.n_items, fn, on_clean_tick, c);
	progress_free(c->progress);
}

static void print_item(const char *verb, const struct kernel_cleanup_item *item)
{
	struct buf size = { 0 }, path = { 0 };

	format_bytes(&size, item->size_bytes);
	fs_add_display_path(&path, item->path);
	printf("%s %10s  %s\n", verb, buf_str(&size), buf_str(&path));
	buf_release(&path);
	buf_release(&size);
}

/*
 * Append the number and the total size of the items for which `wanted` is true,
 * such as "3 items, 1.2 GiB".  If `wanted` is NULL, include all items.
 */
static void add_sum(struct buf *out, const struct cleaning *c,
		    const bool *wanted)
{
	uint64_t bytes = 0;
	size_t n = 0;

	for (size_t i = 0; i < c->found.n_items; i++) {
		if (wanted && !wanted[i])
			continue;
		bytes += c->found.items[i].size_bytes;
		n++;
	}
	buf_printf(out, "%zu %s, ", n, n == 1 ? "item" : "items");
	format_bytes(out, bytes);
}

/*
 * Ask the user on the terminal whether to remove all items.  Returns 1 for
 * consent, 0 for a refusal, or -EPERM with `err` set if stdin or stderr is not
 * a terminal.
 */
static int confirm_removal(const struct cleaning *c, struct err *err)
{
	struct buf sum = { 0 };
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int ret;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return err_set(err, EPERM,
			       "nothing was removed: without a terminal, --all "
			       "requires --force");
	add_sum(&sum, c, NULL);
	fprintf(stderr, "Remove %s? [y/N] ", buf_str(&sum));
	n = getline(&line, &size, stdin);
	ret = n > 0 && (line[0] == 'y' || line[0] == 'Y');
	if (!ret)
		log_info("nothing was removed");
	free(line);
	buf_release(&sum);
	return ret;
}

/* Remove all items, print them and the errors, and return the exit status. */
static int remove_all(struct cleaning *c)
{
	struct buf sum = { 0 };
	int status = EXIT_OK;

	settings_catch_signals();
	each_item(c, "removing", remove_one);
	for (size_t i = 0; i < c->found.n_items; i++) {
		if (c->removed[i]) {
			print_item("removed", &c->found.items[i]);
		} else if (c->errors[i].text[0]) {
			log_error("clean: %s", c->errors[i].text);
			status = EXIT_USAGE;
		}
	}
	add_sum(&sum, c, c->removed);
	printf("removed %s\n", buf_str(&sum));
	buf_release(&sum);
	if (settings_is_interrupted())
		status = EXIT_INTERRUPTED;
	return status;
}

/* Print the items and their sum, without removing anything. */
static void print_all(const struct cleaning *c)
{
	struct buf sum = { 0 };

	for (size_t i = 0; i < c->found.n_items; i++)
		print_item("would remove", &c->found.items[i]);
	add_sum(&sum, c, NULL);
	printf("would remove %s\n", buf_str(&sum));
	buf_release(&sum);
}

static int clean(const struct clean_options *o,
		 const struct kernel_cleanup_request *r)
{
	struct cleaning c = { 0 };
	struct err err = { 0 };
	int status = EXIT_OK, consent = 1;

	kernel_cleanup_find(&c.found, r);
	for (size_t i = 0; i < c.found.busy.n; i++)
		log_info("%s", c.found.busy.v[i]);
	if (c.found.caches_busy)
		log_info("a build is running, so the caches remain");
	if (!c.found.n_items) {
		log_info("nothing to remove");
		goto out;
	}
	c.removed = xcalloc(c.found.n_items, sizeof(*c.removed));
	c.errors = xcalloc(c.found.n_items, sizeof(*c.errors));
	each_item(&c, "measuring", measure);
	if (o->dry_run) {
		print_all(&c);
		goto out;
	}
	if (o->all && !o->force)
		consent = confirm_removal(&c, &err);
	if (consent < 0) {
		log_error("clean: %s", err.text);
		status = EXIT_USAGE;
	} else if (consent) {
		status = remove_all(&c);
	}
out:
	free(c.errors);
	free(c.removed);
	kernel_cleanup_release(&c.found);
	return status;
}

static int clean_main(char *const *argv)
{
	struct clean_options o = { 0 };
	struct kernel_cleanup_request r;
	struct err err = { 0 };

	if (parse_clean(&o, &r, argv, &err)) {
		log_error("clean: %s", err.text);
		return EXIT_USAGE;
	}
	return clean(&o, &r);
}

/*
 * Append the numbers of the output directories that `removed` marks, such as
 * "1, 4-7, 9".
 */
static void add_numbers(struct buf *out, const struct kernel_cleanup *c,
			const bool *removed)
{
	int64_t first = 0, last = 0;

	for (size_t i = 0; i <= c->n_items; i++) {
		int64_t number = i < c->n_items ? c->items[i].number : 0;

		if (i < c->n_items && !removed[i])
			continue;
		if (last && number == last + 1) {
			last = number;
			continue;
		}
		if (last)
			buf_printf(out, "%s%" PRId64, out->len ? ", " : "",
				   first);
		if (last > first)
			buf_printf(out, "-%" PRId64, last);
		first = last = number;
	}
}

void clean_old_outputs(unsigned n_kept, int64_t first, bool quiet)
{
	const struct kernel_cleanup_request r = { .n_kept_builds = n_kept,
						  .first_kept_build = first };
	struct kernel_cleanup found;
	struct buf numbers = { 0 };
	unsigned n_removed = 0;
	bool *removed;

	kernel_cleanup_find(&found, &r);
	removed = xcalloc(found.n_items + 1, sizeof(*removed));
	for (size_t i = 0; i < found.n_items; i++) {
		struct err err = { 0 };
		int ret = kernel_cleanup_remove(&found.items[i], &err);

		removed[i] = !ret && found.items[i].number;
		n_removed += removed[i];
		if (ret && ret != -EBUSY)
			log_warning("%s", err.text);
	}
	add_numbers(&numbers, &found, removed);
	if (n_removed > 1 && !quiet)
		log_info("removed %u old output directories (%s); `keep` in "
			 "[builds] is %u, see kfarm.conf(5)",
			 n_removed, buf_str(&numbers), n_kept);
	free(removed);
	buf_release(&numbers);
	kernel_cleanup_release(&found);
}

const struct cmd cmd_clean = {
	.name = "clean",
	.usage = "[OPTION]...",
	.help = "remove old output and build directories, and caches",
	.options = options,
	.extra_help =
		"--builds keeps KEEP directories with artifacts and KEEP "
		"without.\nWithout an option, only output directories beyond "
		"[builds] keep are removed.\nDirectories that the user named "
		"(-o, -b, O=) and directories in use remain.\n",
	.run = clean_main,
};
