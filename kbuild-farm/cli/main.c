/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/log.h"
#include "base/version.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cmd cmd_help;

/* In the order of `kfarm help`. */
static const struct cmd *const commands[] = { &cmd_build,     &cmd_run,
					      &cmd_toolchain, &cmd_nodes,
					      &cmd_scan,      &cmd_doctor,
					      &cmd_help,      NULL };

static const struct cmd *find_command(const char *name)
{
	for (const struct cmd *const *c = commands; *c; c++) {
		if (!strcmp((*c)->name, name))
			return *c;
	}
	return NULL;
}

static void help_all(FILE *out)
{
	fputs("usage: kfarm COMMAND [ARGUMENT]...\n\n", out);
	for (const struct cmd *const *c = commands; *c; c++)
		fprintf(out, "  %-9s %s\n", (*c)->name, (*c)->help);
	fputs("\n`kfarm help COMMAND` lists its options; kfarm(1) tells all.\n",
	      out);
}

static void help_one(FILE *out, const struct cmd *c)
{
	fprintf(out, "usage: kfarm %s %s\n\n%s\n", c->name, c->usage, c->help);
	if (c->options) {
		char *text = args_help(c->options);

		fprintf(out, "\n%s", text);
		free(text);
	}
	if (c->more)
		fprintf(out, "\n%s", c->more);
}

static int help_main(char *const *argv)
{
	static const struct args_option none[] = { { 0 } };
	const struct cmd *about = NULL;
	struct err err = { 0 };
	struct args args;
	int got;

	args_init(&args, none, argv);
	while ((got = args_next(&args, &err)) == ARGS_WORD) {
		const struct cmd *c = find_command(args.value);

		if (!c || about) {
			log_error(c ? "help is for one command at a time" :
				      "there is no command \"%s\"",
				  args.value);
			return EXIT_USAGE;
		}
		about = c;
	}
	if (got < 0) {
		log_error("help: %s", err.text);
		return EXIT_USAGE;
	}
	if (about)
		help_one(stdout, about);
	else
		help_all(stdout);
	return EXIT_OK;
}

static const struct cmd cmd_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.help = "what the commands and their options are",
	.run = help_main,
};

/* Levenshtein's distance, one row at a time; for short words. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], n = strlen(b);

	if (n >= sizeof(row) / sizeof(*row))
		return n;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0]++;

		for (size_t j = 0; j < n; j++) {
			size_t best = corner + (a[i] != b[j]);

			corner = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (corner + 1 < best)
				best = corner + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

/* The command that `name` may have meant, or NULL. */
static const char *nearest(const char *name)
{
	static const char *const meant[][2] = {
		{ "version", "--version" },
		{ "list", "nodes list" },
		{ "probe", "nodes probe" },
		{ "limits", "nodes limits" },
		{ "add", "nodes add" },
		{ "make", "build" },
		{ "install", "toolchain install" },
		{ "search", "toolchain search" },
	};
	const char *near = NULL;
	size_t least = 3;

	for (size_t i = 0; i < sizeof(meant) / sizeof(*meant); i++) {
		if (!strcmp(name, meant[i][0]))
			return meant[i][1];
	}
	for (const struct cmd *const *c = commands; *c; c++) {
		size_t d = distance(name, (*c)->name);

		if (d < least) {
			least = d;
			near = (*c)->name;
		}
	}
	return near;
}

static int unknown(const char *name)
{
	const char *near = nearest(name);

	if (name[0] == '-')
		log_error("unknown option %s; options follow the command",
			  name);
	else if (near)
		log_error("unknown command \"%s\"; did you mean \"%s\"?", name,
			  near);
	else
		log_error("unknown command \"%s\"; see `kfarm help`", name);
	return EXIT_USAGE;
}

/* A descriptor opened later must not become a standard stream. */
static void keep_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static bool asks_for_help(char *const *argv)
{
	for (; *argv && strcmp(*argv, "--"); argv++) {
		if (!strcmp(*argv, "--help"))
			return true;
	}
	return false;
}

static int run(const struct cmd *c, char *const *argv)
{
	const char *set = getenv("KFARM");
	struct strv words = { 0 };
	struct err err = { 0 };
	int status;

	if (set && cmd_environment(c, commands, set, &words, &err)) {
		log_error("KFARM: %s", err.text);
		strv_release(&words);
		return EXIT_USAGE;
	}
	strv_add_all(&words, argv);
	status = c->run(words.n ? words.v : argv);
	strv_release(&words);
	return status;
}

/*
 * SIGPIPE is ignored while nodes are talked to; a reader of our results that
 * left (`kfarm nodes list | head`) ends us as it ends others, silently.
 */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (errno == EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	log_error("stdout: %s", strerror(errno ? errno : EIO));
	return status ? status : EXIT_USAGE;
}

static int dispatch(char *const *argv)
{
	const char *name = argv[0];
	const struct cmd *c;

	if (!name) {
		help_all(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(name, "--version")) {
		printf("kfarm %s\n", KFARM_VERSION);
		return EXIT_OK;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		help_all(stdout);
		return EXIT_OK;
	}
	c = find_command(name);
	if (!c)
		return unknown(name);
	if (asks_for_help(argv + 1)) {
		help_one(stdout, c);
		return EXIT_OK;
	}
	return run(c, argv + 1);
}

int main(int argc, char **argv)
{
	(void)argc;
	log_init("kfarm", LOG_INFO);
	keep_standard_streams();
	signal(SIGPIPE, SIG_IGN);
	return finish(dispatch(argv[0] ? argv + 1 : argv));
}
