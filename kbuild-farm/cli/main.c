/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/log.h"
#include "base/nearest.h"
#include "base/version.h"
#include "cli/complete.h"
#include "cli/help.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cmd cmd_help;

/* In the order of `kfarm help`. */
static const struct cmd *const commands[] = {
	&cmd_build,  &cmd_run,     &cmd_tree,   &cmd_toolchain,
	&cmd_nodes,  &cmd_nightly, &cmd_top,    &cmd_history,
	&cmd_report, &cmd_scan,    &cmd_doctor, &cmd_completion,
	&cmd_help,   NULL
};

static const struct cmd *command_named(const char *name)
{
	for (const struct cmd *const *c = commands; *c; c++) {
		if (!strcmp((*c)->name, name))
			return *c;
	}
	return NULL;
}

/* What is meant by a word that some other program has as a command. */
static const char *known_elsewhere(const char *name)
{
	static const char *const meant[][2] = {
		{ "version", "--version" },
		{ "list", "nodes list" },
		{ "probe", "nodes probe" },
		{ "limits", "nodes limits" },
		{ "add", "nodes add" },
		{ "make", "build" },
		{ "clone", "tree add" },
		{ "fetch", "tree update" },
		{ "update", "tree update" },
		{ "install", "toolchain install" },
		{ "search", "toolchain search" },
	};

	for (size_t i = 0; i < sizeof(meant) / sizeof(*meant); i++) {
		if (!strcmp(name, meant[i][0]))
			return meant[i][1];
	}
	return NULL;
}

static int unknown_command(const char *name)
{
	struct nearest n;
	char *question;

	if (name[0] == '-') {
		log_error("unknown option %s; options follow the command",
			  name);
		return EXIT_USAGE;
	}
	nearest_init(&n, name);
	n.best = known_elsewhere(name);
	for (const struct cmd *const *c = commands; *c && !n.best; c++)
		nearest_try(&n, (*c)->name);
	question = nearest_question(&n, "", "; see `kfarm help`");
	log_error("unknown command \"%s\"%s", name, question);
	free(question);
	return EXIT_USAGE;
}

static bool has_verb(const struct cmd *c, const char *name)
{
	return c->verb && cmd_verb_find(c, name);
}

static int help_main(char *const *argv)
{
	static const struct args_option none[] = { { 0 } };
	const struct cmd *about = NULL;
	const char *verb = NULL;
	struct err err = { 0 };
	struct args args;
	int got;

	args_init(&args, none, argv);
	while ((got = args_next(&args, &err)) == ARGS_WORD) {
		if (about && (verb || !has_verb(about, args.value))) {
			log_error("help is for one command at a time");
			return EXIT_USAGE;
		}
		if (about)
			verb = args.value;
		else
			about = command_named(args.value);
		if (!about)
			return unknown_command(args.value);
	}
	if (got < 0) {
		log_error("help: %s", err.text);
		return EXIT_USAGE;
	}
	if (about)
		help_one(stdout, about, verb);
	else
		help_all(stdout, commands);
	return EXIT_OK;
}

static const struct cmd cmd_help = {
	.name = "help",
	.usage = "[COMMAND [VERB]]",
	.help = "what the commands and their options are",
	.run = help_main,
};

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

static bool means_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* --help where an option may stand, and of the command's verbs the first. */
static bool asks_for_help(const struct cmd *c, char *const *argv,
			  const char **verb)
{
	static const struct args_option none[] = { { 0 } };
	struct err ignored = { 0 };
	struct args args;
	int got = ARGS_OPTION;

	*verb = NULL;
	args_init(&args, c->options ? c->options : none, argv);
	while (got != ARGS_END && !args.only_words) {
		if (!args.bundle && *args.argv && means_help(*args.argv))
			return true;
		got = args_next(&args, &ignored);
		if (got < 0)
			args.bundle = NULL;
		if (got != ARGS_WORD)
			continue;
		if (c->takes_command)
			return false;
		if (!*verb && has_verb(c, args.value))
			*verb = args.value;
	}
	return false;
}

static int run_with_environment(const struct cmd *c, char *const *argv)
{
	const char *set = getenv("KFARM");
	struct strv words = { 0 };
	struct err err = { 0 };
	int status;

	if (set && cmd_environment(c, commands, set, argv, &words, &err)) {
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
static int flush_stdout(int status)
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

static int run_command_line(char *const *argv)
{
	const char *name = argv[0], *verb;
	const struct cmd *c;

	if (!name) {
		help_all(stderr, commands);
		return EXIT_USAGE;
	}
	if (!strcmp(name, "--version")) {
		printf("kfarm %s\n", KFARM_VERSION);
		return EXIT_OK;
	}
	if (means_help(name)) {
		help_all(stdout, commands);
		return EXIT_OK;
	}
	if (!strcmp(name, "complete"))
		return complete_main(commands, argv + 1);
	c = command_named(name);
	if (!c)
		return unknown_command(name);
	if (asks_for_help(c, argv + 1, &verb)) {
		help_one(stdout, c, verb);
		return EXIT_OK;
	}
	return run_with_environment(c, argv + 1);
}

int main(int argc, char **argv)
{
	(void)argc;
	log_init("kfarm", LOG_INFO);
	keep_standard_streams();
	signal(SIGPIPE, SIG_IGN);
	return flush_stdout(run_command_line(argv[0] ? argv + 1 : argv));
}
