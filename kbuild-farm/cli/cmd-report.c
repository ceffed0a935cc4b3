/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/fs.h"
#include "base/log.h"
#include "cli/table.h"
#include "kernel/outdir.h"
#include "report/html.h"
#include "report/json.h"
#include "report/text.h"
#include "report/trace.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The command line. */
struct report_options {
	const char *build; /* NULL: the last build */
	bool all, json, html, trace;
	const char *file; /* output file of --html or --trace; NULL: stdout */
};

#define AT(member) offsetof(struct report_options, member)

static int check_file_name(const char *option, const char *name,
			   struct err *err)
{
	return !name || *name ?
		       0 :
		       err_set(err, EINVAL, "%s=: missing file name", option);
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
	{ 0, "all", NULL, "do not shorten lists", args_flag, AT(all), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "html", "[=FILE]",
	  "write an HTML page with a timeline (default: stdout)", parse_html, 0,
	  0 },
	{ 0, "trace", "[=FILE]",
	  "write a trace for ui.perfetto.dev (default: stdout)", parse_trace, 0,
	  0 },
	{ 0 },
};

/*
 * Reject the second of two arguments that name a build.  With --html or
 * --trace, one of the arguments is probably meant as the output file.
 */
static int reject_second_build(const struct report_options *o,
			       const char *second, struct err *err)
{
	bool is_number = !o->build[strspn(o->build, "0123456789")];

	if ((o->html || o->trace) && !o->file)
		return err_set(err, EINVAL,
			       "%s and %s: expected a single build; to write "
			       "the report of a build to a file, use --%s=%s",
			       o->build, second, o->html ? "html" : "trace",
			       is_number ? second : o->build);
	return err_set(err, EINVAL, "%s and %s: expected a single build",
		       o->build, second);
}

/* Parse the command line and reject options that exclude each other. */
static int parse_report(struct report_options *o, char *const *argv,
			struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	while ((got = args_read(&args, o, err)) == ARGS_WORD) {
		if (o->build)
			return reject_second_build(o, args.value, err);
		o->build = args.value;
	}
	if (got)
		return got;
	if (o->json + o->html + o->trace > 1)
		return err_set(err, EINVAL,
			       "--json, --html and --trace are mutually "
			       "exclusive");
	if (o->all && (o->json || o->html || o->trace))
		return err_set(err, EINVAL,
			       "--all cannot be used with --json, --html or "
			       "--trace");
	return 0;
}

/*
 * Called if the build `number` is not in the history.  If the default output
 * directory of this build exists, replace `err` with an error that names the
 * directory.
 */
static void add_unrecorded_output(long number, struct err *err)
{
	char *top = kernel_outdir_top();
	char *dir = xasprintf("%s/%ld", top, number);

	if (fs_is_dir(dir))
		err_set(err, ENOENT,
			"build %ld is not in the history; its output directory is "
			"%s",
			number, dir);
	free(dir);
	free(top);
}

/*
 * Read the build whose number or output directory is o->build, or the last
 * build if o->build is NULL.
 */
static int read_build(struct report_data *d, struct history *h,
		      const struct report_options *o, struct err *err)
{
	const char *word = o->build;
	char *output = NULL, *page, *real, *path;
	long number = 0;
	int ret;

	if (word && !word[strspn(word, "0123456789")] &&
	    str_parse_number(word, 1, LONG_MAX, &number))
		return err_set(
			err, EINVAL,
			"\"%s\" is not a build number; `kfarm history` lists them",
			word);
	if (word && !number) {
		real = realpath(word, NULL);
		if (!real)
			return err_set(
				err, errno,
				"%s: %s; the argument must be a build number "
				"(see `kfarm history`) or an output "
				"directory%s",
				word, strerror(errno),
				o->file  ? "" :
				o->html  ? "; write a file with --html=FILE" :
				o->trace ? "; write a file with --trace=FILE" :
					   "");
		/* `word` is an output directory or a file in it. */
		path = fs_make_absolute(word);
		output = fs_is_dir(real) ? str_trim_path(path) : str_dir(real);
		free(path);
		free(real);
	}
	ret = report_data_read(d, h, number, output, err);
	if (ret == -ENOENT && output) {
		/*
		 * The history lacks the build, because another user ran it or
		 * it was deleted.  The output directory can still contain the
		 * report page.
		 */
		page = xasprintf("%s/report.html", output);
		if (fs_exists(page))
			err_set(err, ENOENT,
				"%s: no build in the history has this output "
				"directory; its report page is %s",
				output, page);
		free(page);
	}
	if (ret == -ENOENT && number)
		add_unrecorded_output(number, err);
	free(output);
	return ret;
}

/* Print the report, or write it to the file of --html or --trace. */
static int print_report(const struct report_options *o,
			const struct report_data *d, struct err *err)
{
	struct buf made = { 0 };
	int ret = 0;

	if (o->json) {
		table_print_json(report_json(d));
		return 0;
	}
	if (o->html)
		report_html(&made, d);
	else if (o->trace)
		report_trace(&made, d);
	else
		report_text(&made, d, o->all);
	if (o->file)
		ret = fs_write_follow(o->file, buf_bytes(&made), err);
	else
		fwrite(made.data, 1, made.len, stdout);
	buf_release(&made);
	return ret;
}

static int report_main(char *const *argv)
{
	struct report_options o = { 0 };
	struct report_data d = { 0 };
	struct history *h = NULL;
	struct err err = { 0 };
	int ret = parse_report(&o, argv, &err);

	if (!ret) {
		ret = history_db_open(&h, &err);
		if (ret == -ENOENT)
			err_set(&err, ENOENT, "the history has no builds yet");
	}
	if (!ret)
		ret = read_build(&d, h, &o, &err);
	if (!ret)
		ret = print_report(&o, &d, &err);
	report_data_release(&d);
	history_db_close(h);
	if (ret)
		log_error("report: %s", err.text);
	return ret ? EXIT_USAGE : EXIT_OK;
}

const struct cmd cmd_report = {
	.name = "report",
	.usage = "[OPTION]... [BUILD]",
	.help = "describe a build as text, HTML page or trace",
	.options = options,
	.extra_help =
		"BUILD is a number from `kfarm history` or an output directory (default: the\nlast build).\n",
	.run = report_main,
};
