/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/format.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/terminal.h"
#include "base/text-width.h"
#include "base/vec.h"
#include "cli/cmd.h"
#include "cli/history.h"
#include "cli/table.h"
#include "events/totals.h"
#include "report/json.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AGE_MAX 100000 /* maximum number in an age such as "12h" */

bool history_parse_age(const char *text, int64_t now_s, int64_t *out)
{
	size_t n = strlen(text);
	char *number = xstrndup(text, n ? n - 1 : 0);
	int64_t unit = 0;
	long count;
	bool is;

	switch (n ? text[n - 1] : '\0') {
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	case 'w':
		unit = 7 * 86400;
		break;
	}
	is = unit && !str_parse_number(number, 0, AGE_MAX, &count);
	if (is)
		*out = now_s - count * unit;
	free(number);
	return is;
}

/*
 * Parse a local date in a format of strptime(3) that starts with a year.  The
 * year must have four digits.
 */
static bool parse_date(const char *text, const char *format, int64_t *out)
{
	struct tm tm = { .tm_isdst = -1 }, utc;
	const char *end = strptime(text, format, &tm);
	time_t at;

	if (!end || *end || strspn(text, "0123456789") != 4)
		return false;
	/* strptime() accepts February 30, which timegm() makes March 2. */
	utc = tm;
	timegm(&utc);
	if (utc.tm_mday != tm.tm_mday)
		return false;
	at = mktime(&tm);
	*out = (int64_t)at;
	return at != (time_t)-1;
}

int history_parse_since(const char *text, int64_t now_s, int64_t *out,
			struct err *err)
{
	if (history_parse_age(text, now_s, out) ||
	    parse_date(text, "%Y-%m-%d", out) ||
	    parse_date(text, "%Y-%m-%d %H:%M", out) ||
	    parse_date(text, "%Y-%m-%dT%H:%M", out))
		return 0;
	return err_set(err, EINVAL,
		       "--since %s: expected a time such as 12h, 7d, 2w, "
		       "2026-11-01 or \"2026-11-01 02:30\"",
		       text);
}

#define LEAST      6 /* minimum width of the column CONFIG */
#define INDENT     7 /* columns before the second line of a build */
#define WHAT_LEAST 8 /* minimum width of the targets in the second line */

/* Add printable text of at most `most` columns, or "-" if it is empty. */
static void add_text_cell(struct table *t, const char *text, unsigned most)
{
	char *shown = events_totals_sanitize(text && *text ? text : "-",
					     EVENTS_NAME_MAX, 0);
	struct buf cell = { 0 };

	text_width_elide(&cell, shown, most);
	strv_own(&t->fields, buf_steal(&cell));
	free(shown);
}

/* Return true if the build is no longer running and was not killed. */
static bool build_has_ended(const struct history_build *b)
{
	return b->state != HISTORY_STATE_RUNNING &&
	       b->state != HISTORY_STATE_KILLED;
}

/*
 * Add the row of a build.  The column CONFIG is cut to `most` columns.  If
 * `tight` is true, ARCH and TOOLCHAIN are cut to a smaller width.
 */
static void add_build_row(struct table *t, const struct history_build *b,
			  unsigned most, bool tight)
{
	bool ended = build_has_ended(b);
	char number[32], began[32] = "-", warnings[32] = "", new[32] = "";
	time_t at = (time_t)b->start_s, today = time(NULL);
	struct buf took = { 0 };
	struct tm tm, now;

	snprintf(number, sizeof(number), "%lld", (long long)b->number);
	/* If the build began in another year, print the year, but no time. */
	if (localtime_r(&at, &tm) && localtime_r(&today, &now))
		strftime(began, sizeof(began),
			 tm.tm_year == now.tm_year ? "%m-%d %H:%M" : "%Y-%m-%d",
			 &tm);
	if (ended)
		format_duration(&took, (uint64_t)b->wall_ms);
	if (ended && history_has_log(b))
		snprintf(warnings, sizeof(warnings), "%lld",
			 (long long)b->n_warnings);
	if (ended && b->n_new_warnings >= 0)
		snprintf(new, sizeof(new), "%lld",
			 (long long)b->n_new_warnings);

	add_text_cell(t, number, 19);
	add_text_cell(t, began, 11);
	add_text_cell(t, buf_str(&took), 9);
	add_text_cell(t, history_state_word(b->state), 7);
	add_text_cell(t, b->arch, tight ? 7 : 9);
	add_text_cell(t, b->config, most);
	add_text_cell(t, b->toolchain, tight ? 9 : 12);
	add_text_cell(t, warnings, 5);
	add_text_cell(t, new, 5);
	buf_release(&took);
}

/* Add the heading and all builds, the newest last. */
static void add_build_rows(struct table *t, const struct history_listing *l,
			   unsigned most, bool tight)
{
	strv_split(&t->fields,
		   "BUILD STARTED TIME STATE ARCH CONFIG TOOLCHAIN WARN NEW",
		   " ");
	for (size_t i = l->n_builds; i > 0; i--)
		add_build_row(t, &l->builds[i - 1], most, tight);
}

/* Append a path, with ~ for $HOME, after removing control characters. */
static void add_shown_path(struct buf *out, const char *path)
{
	char *shown = events_totals_sanitize(path, EVENTS_NAME_MAX, 0);

	fs_add_display_path(out, shown);
	free(shown);
}

/*
 * Format the second line of a build: "TREE: TARGETS, 1 error, output DIR", with
 * the cause of the failure instead of the errors if kfarm has recorded it, or
 * "DIR: COMMAND" for a `kfarm run`.  The text after the indentation has at most
 * `columns` columns.  If it is too long, elide the middle of the targets.  If
 * it is still too long, elide the middle of the whole text.
 */
static char *format_details(const struct history_build *b, unsigned columns)
{
	const char *where = b->tree ? b->tree : b->dir;
	char *what = events_totals_sanitize(b->command ? b->command : "-",
					    EVENTS_NAME_MAX, 0);
	struct buf before = { 0 }, after = { 0 }, all = { 0 }, out = { 0 };
	unsigned used;

	buf_printf(&out, "%*s", INDENT, "");
	if (where) {
		add_shown_path(&before, where);
		buf_add_str(&before, ": ");
	}
	if (b->cause) {
		/* Omit the advice of the message. */
		char *cause = events_totals_sanitize(b->cause, EVENTS_NAME_MAX,
						     0);

		buf_printf(&after, ", %.*s", (int)strcspn(cause, ";"), cause);
		free(cause);
	} else if (build_has_ended(b) && b->n_errors > 0) {
		buf_printf(&after, ", %lld error%s", (long long)b->n_errors,
			   format_plural((unsigned long long)b->n_errors));
	}
	if (b->output) {
		buf_add_str(&after, ", output ");
		add_shown_path(&after, b->output);
		history_output_add_note(&after, b);
	}
	used = text_width(buf_str(&before)) + text_width(buf_str(&after));
	buf_add_str(&all, buf_str(&before));
	text_width_elide(&all, what,
			 columns > used + WHAT_LEAST ? columns - used :
						       WHAT_LEAST);
	buf_add_str(&all, buf_str(&after));
	text_width_elide(&out, buf_str(&all), columns);
	buf_release(&all);
	buf_release(&after);
	buf_release(&before);
	free(what);
	return buf_steal(&out);
}

void history_print(FILE *out, const struct history_listing *l, unsigned columns)
{
	struct table t = { .align = "rrrllllrr" };
	unsigned least;

	/* Measure the table while CONFIG is only as wide as its heading. */
	add_build_rows(&t, l, 1, false);
	least = table_width(&t);
	strv_release(&t.fields);
	/* If CONFIG cannot grow by 5 columns, also cut ARCH and TOOLCHAIN. */
	add_build_rows(&t, l, LEAST + (columns > least ? columns - least : 0),
		       least + LEAST - 1 > columns);
	for (size_t i = l->n_builds; i > 0; i--)
		strv_own(&t.below,
			 format_details(&l->builds[i - 1], columns - INDENT));
	table_print(out, &t);
}

json_t *history_json(const struct history_listing *l)
{
	json_t *list = json_array();

	for (size_t i = l->n_builds; i > 0; i--)
		json_array_append_new(list,
				      report_json_build(&l->builds[i - 1]));
	return json_pack("{s:o}", "builds", list);
}

#define DEFAULT_BUILDS 20 /* without -n and --all */
#define BUILDS_MAX     1000000
#define COLUMNS        80 /* minimum width of the table on a terminal */
#define COLUMNS_MOST   200

/* The command line. */
struct request {
	struct history_filter filter;
	const char *state, *since;
	bool all, json;
};

#define AT(member) offsetof(struct request, member)

static const struct args_option options[] = {
	{ 'n', "number", "N", "maximum number of builds (default: 20)",
	  args_number, AT(filter.max_builds), BUILDS_MAX },
	{ 0, "all", NULL, "all builds", args_flag, AT(all), 0 },
	{ 0, "since", "WHEN", "builds since WHEN: 12h, 7d, 2w, 2026-11-01",
	  args_text, AT(since), 0 },
	{ 0, "state", "STATE", "good, failed, stopped, killed or running",
	  args_text, AT(state), 0 },
	{ 0, "tree", "TREE", "builds of a managed tree or a directory",
	  args_text, AT(filter.tree), 0 },
	{ 'a', "arch", "ARCH", "builds for ARCH", args_text, AT(filter.arch),
	  0 },
	{ 'k', "kconfig", "KCONFIG", "builds with -k KCONFIG", args_text,
	  AT(filter.config), 0 },
	{ 't', "toolchain", "TOOLCHAIN",
	  "builds with TOOLCHAIN: gcc-12, gcc-12.2.0", args_text,
	  AT(filter.toolchain), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0 },
};

/* Parse the command line into the filter of the history. */
static int parse_history(struct request *r, char *const *argv, struct err *err)
{
	struct args args;
	int ret;

	args_init(&args, options, argv);
	ret = args_read(&args, r, err);
	if (ret > 0)
		return err_set(err, EINVAL,
			       "unexpected argument \"%s\"; `kfarm report %s` "
			       "describes a build",
			       args.value, args.value);
	r->filter.state = r->state ? history_state_parse(r->state) : -1;
	if (!ret && r->state && r->filter.state < 0)
		ret = err_set(err, EINVAL,
			      "--state %s: expected one of " CMD_STATES,
			      r->state);
	if (!ret && r->since)
		ret = history_parse_since(r->since, (int64_t)time(NULL),
					  &r->filter.since_s, err);
	if (!ret && r->all && r->filter.max_builds)
		ret = err_set(err, EINVAL,
			      "--all and -n are mutually exclusive");
	if (!r->filter.max_builds && !r->all)
		r->filter.max_builds = DEFAULT_BUILDS;
	return ret;
}

/* Append a copy of a build to the listing `ctx`. */
static int add_history_build(void *ctx, const struct history_build *b)
{
	struct history_listing *l = ctx;

	history_build_copy(VEC_ADD(l->builds, l->n_builds), b);
	return 0;
}

/* Print the builds; `there` is false if no history database exists. */
static void print_lines(const struct request *r,
			const struct history_listing *l, bool there)
{
	const struct history_filter *f = &r->filter;
	bool filtered = f->tree || f->arch || f->config || f->toolchain ||
			r->state || r->since;
	unsigned rows, columns;

	if (r->json) {
		table_print_json(history_json(l));
		return;
	}
	if (!l->n_builds && there && filtered)
		log_info("no build in the history matches the given options");
	else if (!l->n_builds)
		log_info(
			"the history has no builds yet; `kfarm build` and `kfarm run` add them");
	if (!l->n_builds)
		return;
	terminal_size(STDOUT_FILENO, &rows, &columns);
	if (!isatty(STDOUT_FILENO))
		columns = UINT_MAX;
	else if (columns < COLUMNS)
		columns = COLUMNS;
	else if (columns > COLUMNS_MOST)
		columns = COLUMNS_MOST;
	history_print(stdout, l, columns);
}

static int history_main(char *const *argv)
{
	struct history_listing lines = { 0 };
	struct history *h = NULL;
	struct request r = { 0 };
	struct err err = { 0 };
	int ret = parse_history(&r, argv, &err);
	bool there = true;

	if (ret) {
		log_error("history: %s", err.text);
		return EXIT_USAGE;
	}
	ret = history_db_open(&h, &err);
	if (!ret) {
		ret = history_build_list(h, &r.filter, add_history_build,
					 &lines, &err);
		history_db_close(h);
	}
	if (ret == -ENOENT) {
		there = false;
		ret = 0;
	}
	if (ret)
		log_error("%s", err.text);
	else
		print_lines(&r, &lines, there);
	for (size_t i = 0; i < lines.n_builds; i++)
		history_build_release(&lines.builds[i]);
	free(lines.builds);
	return ret ? EXIT_USAGE : EXIT_OK;
}

const struct cmd cmd_history = {
	.name = "history",
	.usage = "[OPTION]...",
	.help = "list previous builds",
	.options = options,
	.extra_help =
		"The newest build comes last.  WARN counts all warnings, NEW "
		"those that the\nprevious build did not have.  The second line "
		"of a build names its tree, targets\nand output directory, and "
		"counts its errors.  `kfarm report BUILD` describes a\nbuild.\n",
	.run = history_main,
};
