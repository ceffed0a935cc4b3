/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/scan.h"

#include "base/capture.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "options/command.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
	struct strv files;
	char *const *line; /* the compile line after "--", or NULL */
	const char *build, *why;
	bool json;
};

#define AT(member) offsetof(struct request, member)

static const struct args_option options[] = {
	{ 'b', "build-dir", "DIR", "where it is built (or O=DIR; else .)",
	  args_text, AT(build), 0 },
	{ 'w', "why", "HEADER", "only the includes that lead to it", args_text,
	  AT(why), 0 },
	{ 0, "json", NULL, "print JSON, a line for each unit", args_flag,
	  AT(json), 0 },
	{ 0 },
};

/* What is shared by the units of one command. */
struct session {
	const struct request *r;
	char *build; /* absolute */
	struct cli_scan_tools *tools;
	struct scan *scan;
};

static int check_usage(const struct request *r, struct err *err)
{
	if (r->json && r->why)
		return err_set(err, EINVAL,
			       "--json and --why do not go together");
	if (!r->line && !r->files.n)
		return err_set(err, EINVAL, "which file?");
	if (r->line && !r->line[0])
		return err_set(err, EINVAL, "no compile line after --");
	return 0;
}

/* `words` becomes the words in front of "--"; the rest is a compile line. */
static int parse_scan_line(struct request *r, struct strv *words,
			   char *const *argv, struct err *err)
{
	struct args args;
	int got;

	for (; *argv && strcmp(*argv, "--"); argv++)
		strv_add(words, *argv);
	if (*argv)
		r->line = argv + 1;
	args_init(&args, options, strv_list(words));
	args.variables = true;
	while ((got = args_read(&args, r, err)) > 0) {
		if (got == ARGS_WORD)
			strv_add(&r->files, args.value);
		/* Others are make's: $KFARM may hold them. */
		else if (str_starts(args.value, "O=") && !r->build)
			r->build = args.value + 2;
	}
	if (got)
		return got;
	if (!r->build)
		r->build = getenv("KBUILD_OUTPUT");
	return check_usage(r, err);
}

static int init_session(struct session *s, const struct request *r,
			struct err *err)
{
	char *cache = fs_cache_home();
	char *dir = xasprintf("%s/scan", cache);
	const char *build = r->build && *r->build ? r->build : ".";

	*s = (struct session){ .r = r, .build = realpath(build, NULL) };
	if (s->build && fs_is_dir(s->build)) {
		struct scan_setup setup = { .ask = capture_run,
					    .cache_dir = dir };

		s->tools = cli_scan_tools_new();
		s->scan = scan_new(&setup);
	} else {
		err_set(err, ENOENT, "%s is no directory", build);
	}
	free(dir);
	free(cache);
	return s->scan ? 0 : -ENOENT;
}

static void release_session(struct session *s)
{
	scan_free(s->scan);
	cli_scan_tools_free(s->tools);
	free(s->build);
}

static int show_closure(const struct cli_scan_result *r,
			const struct request *req)
{
	const struct scan_closure *c = r->closure;

	if (req->json)
		cli_scan_print_json(stdout, r);
	if (c->why) {
		log_error("scan: %s: not scannable: %s%s%s", r->name,
			  reason_words(c->why), c->detail ? ": " : "",
			  c->detail ? c->detail : "");
		return EXIT_BUILD;
	}
	if (req->json)
		return EXIT_OK;
	if (req->why && cli_scan_print_why(stdout, r, req->why)) {
		log_error("scan: %s does not read %s", r->name, req->why);
		return EXIT_USAGE;
	}
	if (!req->why && req->files.n > 1)
		printf("%s:\n", r->name);
	if (!req->why)
		cli_scan_print_text(stdout, r);
	return EXIT_OK;
}

static int scan_line(struct session *s, const struct cli_scan_line *l,
		     const char *name, struct err *err)
{
	const struct cli_scan_tool *tool = cli_scan_tools_get(s->tools, l->cwd,
							      l->argv.v[0]);
	struct scan_unit unit = { .cwd = l->cwd,
				  .compiler = tool->path,
				  .toolchain = &tool->id,
				  .command = &l->command,
				  .env = environ };
	struct scan_closure closure = { 0 };
	struct cli_scan_result r = { .name = name,
				     .cwd = l->cwd,
				     .compiler = tool->path,
				     .closure = &closure };
	int status;

	if (!tool->path)
		return err_set(err, ENOENT, "%s", tool->why);
	r.us = clock_us();
	scan_closure(s->scan, &unit, &closure);
	r.us = clock_us() - r.us;
	status = show_closure(&r, s->r);
	scan_closure_release(&closure);
	return status;
}

/* One unit: an exit status, or a negative errno with `err` set. */
static int scan_built(struct session *s, const char *name, struct err *err)
{
	struct cli_scan_line l;
	char *file;
	int ret = cli_scan_line_find(&file, s->build, name, err);

	if (ret)
		return ret;
	ret = cli_scan_line_read(&l, s->build, file, err);
	if (!ret) {
		ret = scan_line(s, &l, name, err);
		cli_scan_line_release(&l);
	}
	free(file);
	return ret;
}

/* The line given, with `name` in it; NULL: it has its source already. */
static int scan_given(struct session *s, const char *name, struct err *err)
{
	struct cli_scan_line l = { .cwd = s->build };
	int ret;

	strv_add_all(&l.argv, s->r->line);
	if (name && !strv_has(&l.argv, name))
		strv_add(&l.argv, name);
	options_command_parse(&l.command, l.argv.v);
	if (!name)
		name = l.command.source ? l.command.source :
					  l.argv.v[l.argv.n - 1];
	ret = scan_line(s, &l, name, err);
	options_command_release(&l.command);
	strv_release(&l.argv);
	return ret;
}

/* The worst status of all files. */
static int scan_files(struct session *s)
{
	const struct request *r = s->r;
	size_t n = r->files.n ? r->files.n : 1;
	int worst = EXIT_OK;

	for (size_t i = 0; i < n; i++) {
		const char *name = r->files.n ? r->files.v[i] : NULL;
		struct err err = { 0 };
		int status = r->line ? scan_given(s, name, &err) :
				       scan_built(s, name, &err);

		if (status < 0) {
			log_error("scan: %s", err.text);
			status = EXIT_USAGE;
		}
		if (status > worst)
			worst = status;
	}
	return worst;
}

static int run_files(const struct request *r, struct err *err)
{
	struct session s;
	int ret = init_session(&s, r, err);

	if (!ret)
		ret = scan_files(&s);
	release_session(&s);
	return ret;
}

static int scan_main(char *const *argv)
{
	struct request r = { 0 };
	struct strv words = { 0 };
	struct err err = { 0 };
	int status = parse_scan_line(&r, &words, argv, &err);

	if (!status)
		status = run_files(&r, &err);
	if (status < 0) {
		log_error("scan: %s", err.text);
		status = EXIT_USAGE;
	}
	strv_release(&r.files);
	strv_release(&words);
	return status;
}

const struct cmd cmd_scan = {
	.name = "scan",
	.usage = "[-b DIR] [--json | --why HEADER] FILE... |\n"
		 "                  [-b DIR] [--json | --why HEADER] [FILE]... "
		 "-- COMPILER ARGUMENT...",
	.help = "the files that a compile reads, without the compiler",
	.options = options,
	.variables = true,
	.more = "FILE is a source or an object; its compile line is the one "
		"that kbuild kept.\n",
	.run = scan_main,
};
