/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/history.h"
#include "cli/table.h"

#include "base/log.h"
#include "base/terminal.h"
#include "base/vec.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define USUALLY      20 /* builds */
#define MOST         1000000
#define COLUMNS      80
#define COLUMNS_MOST 200

/* The command line. */
struct request {
	struct history_filter filter;
	const char *state, *since;
	bool all, json;
};

#define AT(member) offsetof(struct request, member)

static const struct args_option options[] = {
	{ 'n', "number", "N", "so many builds at most (default: 20)",
	  args_number, AT(filter.most), MOST },
	{ 0, "all", NULL, "all builds", args_flag, AT(all), 0 },
	{ 0, "since", "WHEN", "begun since then: 12h, 7d, 2w, 2026-11-01",
	  args_text, AT(since), 0 },
	{ 0, "state", "STATE", "good, failed, stopped, killed or running",
	  args_text, AT(state), 0 },
	{ 0, "tree", "TREE", "of a managed tree, or of a directory", args_text,
	  AT(filter.tree), 0 },
	{ 'a', "arch", "ARCH", "for that ARCH", args_text, AT(filter.arch), 0 },
	{ 'k', "config", "KCONFIG", "with that -k", args_text,
	  AT(filter.config), 0 },
	{ 't', "toolchain", "TOOLCHAIN", "with that one: gcc-12, gcc-12.2.0",
	  args_text, AT(filter.toolchain), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0 },
};

static int check_state(struct request *r, struct err *err)
{
	r->filter.state = r->state ? history_state_parse(r->state) : -1;
	if (!r->state || r->filter.state >= 0)
		return 0;
	return err_set(err, EINVAL, "--state %s: allowed are " CMD_STATES,
		       r->state);
}

static int parse_history(struct request *r, char *const *argv, struct err *err)
{
	struct args args;
	int ret;

	args_init(&args, options, argv);
	ret = args_read(&args, r, err);
	if (ret > 0)
		return err_set(err, EINVAL,
			       "what is \"%s\"? `kfarm report %s` tells of one "
			       "build",
			       args.value, args.value);
	if (!ret)
		ret = check_state(r, err);
	if (!ret && r->since)
		ret = history_since(r->since, (int64_t)time(NULL),
				    &r->filter.since_s, err);
	if (!ret && r->all && r->filter.most)
		ret = err_set(err, EINVAL, "--all and -n contradict");
	if (!r->filter.most && !r->all)
		r->filter.most = USUALLY;
	return ret;
}

/* What the history has is the list's from now on. */
static int keep_build(void *ctx, const struct history_build *b)
{
	struct history_lines *l = ctx;

	history_build_copy(VEC_ADD(l->v, l->n), b);
	return 0;
}

/* -ENOENT: there is no history. */
static int read_builds(const struct request *r, struct history_lines *l,
		       struct err *err)
{
	struct history *h;
	int ret = history_open(&h, err);

	if (ret)
		return ret;
	ret = history_list(h, &r->filter, keep_build, l, err);
	history_close(h);
	return ret;
}

static bool asks_for_some(const struct request *r)
{
	const struct history_filter *f = &r->filter;

	return f->tree || f->arch || f->config || f->toolchain || r->state ||
	       r->since;
}

static void print_lines(const struct request *r, const struct history_lines *l,
			bool there)
{
	unsigned rows, columns = COLUMNS;

	if (r->json) {
		table_json(history_json(l));
		return;
	}
	if (!l->n && there && asks_for_some(r))
		log_info("no build in the history is as asked for");
	else if (!l->n)
		log_info("no build is in the history yet: `kfarm build` and "
			 "`kfarm run` add theirs");
	if (!l->n)
		return;
	if (!terminal_size(STDOUT_FILENO, &rows, &columns) || columns < COLUMNS)
		columns = COLUMNS;
	history_print(stdout, l,
		      columns > COLUMNS_MOST ? COLUMNS_MOST : columns);
}

static int history_main(char *const *argv)
{
	struct history_lines lines = { 0 };
	struct request r = { 0 };
	struct err err = { 0 };
	int ret = parse_history(&r, argv, &err);
	bool there = true;

	if (ret) {
		log_error("history: %s", err.text);
		return EXIT_USAGE;
	}
	ret = read_builds(&r, &lines, &err);
	if (ret == -ENOENT) {
		there = false;
		ret = 0;
	}
	if (ret)
		log_error("%s", err.text);
	else
		print_lines(&r, &lines, there);
	for (size_t i = 0; i < lines.n; i++)
		history_build_release(&lines.v[i]);
	free(lines.v);
	return ret ? EXIT_USAGE : EXIT_OK;
}

const struct cmd cmd_history = {
	.name = "history",
	.usage = "[OPTION]...",
	.help = "list the builds of before",
	.options = options,
	.more = "The last build comes last.  WARN counts all warnings, NEW those that "
		"an earlier\nbuild did not have.  `kfarm report BUILD` tells of one.\n",
	.run = history_main,
};
