/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/fs.h"
#include "base/log.h"
#include "cli/table.h"
#include "report/html.h"
#include "report/json.h"
#include "report/text.h"
#include "report/trace.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

/* The command line. */
struct report_options {
	const char *build; /* NULL: the last */
	bool all, json, html, trace;
	const char *file; /* of the page or the trace; NULL: stdout */
};

#define AT(member) offsetof(struct report_options, member)

static int check_file_name(const char *option, const char *name,
			   struct err *err)
{
	return !name || *name ?
		       0 :
		       err_set(err, EINVAL,
			       "%s=: the name of a file is missing", option);
}

static int parse_html(void *at, const struct args *a, struct err *err)
{
	struct report_options *o = at;

	o->html = true;
	o->file = a->value;
	return check_file_name("--html", a->value, err);
}

static int parse_trace(void *at, const struct args *a, struct err *err)
{
	struct report_options *o = at;

	o->trace = true;
	o->file = a->value;
	return check_file_name("--trace", a->value, err);
}

static const struct args_option options[] = {
	{ 0, "all", NULL, "lists of any length", args_flag, AT(all), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "html", "[=FILE]", "one page with a timeline (else to stdout)",
	  parse_html, 0, 0 },
	{ 0, "trace", "[=FILE]", "a trace for ui.perfetto.dev (else to stdout)",
	  parse_trace, 0, 0 },
	{ 0 },
};

static int parse_report(struct report_options *o, char *const *argv,
			struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	while ((got = args_read(&args, o, err)) == ARGS_WORD) {
		if (o->build)
			return err_set(err, EINVAL,
				       "%s and %s: one build at a time",
				       o->build, args.value);
		o->build = args.value;
	}
	if (got)
		return got;
	if (o->json + o->html + o->trace > 1)
		return err_set(err, EINVAL,
			       "one of --json, --html and --trace at a time");
	if (o->all && (o->json || o->html || o->trace))
		return err_set(err, EINVAL, "--all is for the text");
	return 0;
}

/* ---------------------------------------------------------- which build */

static bool is_build_number(const char *word)
{
	while (isdigit((unsigned char)*word))
		word++;
	return !*word;
}

/* The directory that is meant, a file in it as well. */
static int find_output(const char *word, char **out, struct err *err)
{
	char *real = realpath(word, NULL), *dir;

	if (!real)
		return err_errno(err,
				 "%s: neither a build's number (kfarm history "
				 "lists them) nor an output directory",
				 word);
	dir = fs_is_dir(real) ? xstrdup(real) : str_dir(real);
	free(real);
	*out = dir;
	return 0;
}

/* Of another user's build, or one that the history has forgotten. */
static void point_to_page(const char *output, struct err *err)
{
	char *page = xasprintf("%s/report.html", output);

	if (fs_exists(page))
		err_set(err, ENOENT,
			"%s is of no build in the history; the page that was "
			"left there is %s",
			output, page);
	free(page);
}

static int read_build(struct report_data *d, struct history *h,
		      const char *word, struct err *err)
{
	char *output = NULL;
	long number = 0;
	int ret = 0;

	if (word && is_build_number(word) &&
	    str_number(word, 1, LONG_MAX, &number))
		return err_set(
			err, EINVAL,
			"\"%s\" is no number of a build; `kfarm history` lists them",
			word);
	if (word && !number)
		ret = find_output(word, &output, err);
	if (!ret)
		ret = report_data_read(d, h, number, output, err);
	if (ret == -ENOENT && output)
		point_to_page(output, err);
	free(output);
	return ret;
}

/* --------------------------------------------------------------- output */

static int put_made(struct buf *made, const char *file, struct err *err)
{
	if (file)
		return fs_write_named(file, buf_bytes(made), 0666, err);
	fwrite(made->data, 1, made->len, stdout);
	return 0;
}

static int print_report(const struct report_options *o,
			const struct report_data *d, struct err *err)
{
	struct buf made = { 0 };
	int ret = 0;

	if (o->json) {
		table_json(report_json(d));
		return 0;
	}
	if (o->html)
		report_html(&made, d);
	else if (o->trace)
		report_trace(&made, d);
	else
		report_text(&made, d, o->all);
	ret = put_made(&made, o->file, err);
	buf_release(&made);
	return ret;
}

static int run_report(const struct report_options *o, struct err *err)
{
	struct report_data d = { 0 };
	struct history *h = NULL;
	int ret = history_open(&h, err);

	if (ret == -ENOENT)
		err_set(err, ENOENT, "the history has no build yet");
	if (!ret)
		ret = read_build(&d, h, o->build, err);
	if (!ret)
		ret = print_report(o, &d, err);
	report_data_release(&d);
	history_close(h);
	return ret;
}

static int report_main(char *const *argv)
{
	struct report_options o = { 0 };
	struct err err = { 0 };
	int ret = parse_report(&o, argv, &err);

	if (!ret)
		ret = run_report(&o, &err);
	if (ret)
		log_error("report: %s", err.text);
	return ret ? EXIT_USAGE : EXIT_OK;
}

const struct cmd cmd_report = {
	.name = "report",
	.usage = "[OPTION]... [BUILD]",
	.help = "what a build did, where and how long: text, page, trace",
	.options = options,
	.more = "BUILD is a number of `kfarm history` or an output directory; "
		"without it, the\nlast build.\n",
	.run = report_main,
};
