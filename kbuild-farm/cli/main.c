/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program kfarm.  See kfarm(1), and HACKING.md for the rooms (directories).
 *
 *	find_cmd()		finds the command (cli/cmd-*.c)
 *	cmd_environment()	adds the options of the variable KFARM
 *	cmd->run()		parses the arguments and does the work:
 *	  build, run		kernel/build.h plans the build and starts make,
 *				coord/coord.h serves its compiles on nodes
 *	  nodes, toolchain	peer/, admin/, toolchain/
 *	  tree, nightly		tree/, nightly/
 *	  top, history, report	events/, ui/, history/, report/
 *	  clean			kernel/cleanup.h
 *	  scan			cpp/cpp.h
 */
#include "cli/cmd.h"

#include "base/log.h"
#include "base/spawn.h"
#include "base/spellcheck.h"
#include "base/vec.h"
#include "base/version.h"
#include "cli/complete.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAN_MS 5000

static const struct cmd cmd_help;

/* All commands, in the order of `kfarm help`. */
static const struct cmd *const commands[] = {
	&cmd_build,   &cmd_run,    &cmd_tree,       &cmd_toolchain, &cmd_nodes,
	&cmd_nightly, &cmd_top,    &cmd_history,    &cmd_report,    &cmd_clean,
	&cmd_scan,    &cmd_doctor, &cmd_completion, &cmd_help,      NULL
};

static const struct cmd *find_cmd(const char *name)
{
	for (const struct cmd *const *c = commands; *c; c++) {
		if (!strcmp((*c)->name, name))
			return *c;
	}
	return NULL;
}

/*
 * Print an error that suggests a command.  The table `meant` maps verbs of
 * kfarm ("probe") and commands of other programs ("clone") to commands of
 * kfarm.  For any other word, suggest the command with the most similar name.
 * Returns the exit status.
 */
static int unknown_command(const char *name)
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
	struct spellcheck n;
	char *question;

	spellcheck_init(&n, name);
	if (name[0] == '-') {
		spellcheck_add(&n, "--help");
		spellcheck_add(&n, "--version");
		question = spellcheck_suggestion(
			&n, "", "; options follow the command");
		log_error("unknown option %s%s", name, question);
		free(question);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(meant); i++) {
		if (!strcmp(name, meant[i][0]))
			n.best = meant[i][1];
	}
	for (const struct cmd *const *c = commands; *c && !n.best; c++)
		spellcheck_add(&n, (*c)->name);
	question = spellcheck_suggestion(&n, "", "; see `kfarm help`");
	log_error("unknown command \"%s\"%s", name, question);
	free(question);
	return EXIT_USAGE;
}

/*
 * Replace this process by man(1) with the page of `c`.  Returns only if stdout
 * is not a terminal, or if man or the page is not installed.
 */
static void show_manual(const struct cmd *c)
{
	char *page = xasprintf("kfarm-%s", c->name);
	char *find[] = { "man", "-w", page, NULL };
	char *show[] = { "man", page, NULL };
	struct err ignored = { 0 };
	char *path = NULL;

	if (isatty(STDOUT_FILENO) &&
	    !spawn_first_line(find, environ, MAN_MS, &path, &ignored) && path) {
		signal(SIGPIPE, SIG_DFL);
		signal(SIGXFSZ, SIG_DFL);
		execvp(show[0], show);
		signal(SIGXFSZ, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
	}
	free(path);
	free(page);
}

/* Print an error that suggests a verb of `c`.  Returns the exit status. */
static int unknown_verb(const struct cmd *c, const char *name)
{
	char *question = cmd_verb_suggestion(c, name);

	log_error("help: unknown verb \"%s\" of kfarm %s%s", name, c->name,
		  question);
	free(question);
	return EXIT_USAGE;
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
		if (about && (verb || !about->verbs)) {
			log_error("help: expected a single command");
			return EXIT_USAGE;
		}
		if (about && !cmd_verb_find(about, args.value))
			return unknown_verb(about, args.value);
		if (about)
			verb = args.value;
		else
			about = find_cmd(args.value);
		if (!about)
			return unknown_command(args.value);
	}
	if (got < 0) {
		log_error("help: %s", err.text);
		return EXIT_USAGE;
	}
	if (about && !verb)
		show_manual(about);
	if (about)
		help_one(stdout, about, verb);
	else
		help_all(stdout, commands);
	return EXIT_OK;
}

static const struct cmd cmd_help = {
	.name = "help",
	.usage = "[COMMAND [VERB]]",
	.help = "describe the commands and their options",
	.run = help_main,
};

/*
 * Open /dev/null for each standard stream that is closed, because a file that
 * kfarm opens later would otherwise get its descriptor.
 */
static void open_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static bool is_help_option(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/*
 * Return -h or --help in the command line of `c`, or NULL.  Ignores the
 * arguments of a user's command.
 */
static const char *find_help_option(const struct cmd *c, char *const *argv)
{
	static const struct args_option none[] = { { 0 } };
	struct err ignored = { 0 };
	struct args args;
	int got = ARGS_OPTION;

	args_init(&args, c->options ? c->options : none, argv);
	while (got != ARGS_END && !args.options_ended) {
		if (!args.bundle && *args.argv && is_help_option(*args.argv))
			return *args.argv;
		got = args_next(&args, &ignored);
		if (got < 0)
			args.bundle = NULL;
		if (got == ARGS_WORD && c->takes_command)
			return NULL;
	}
	return NULL;
}

/*
 * Flush stdout and return the exit status.  SIGPIPE is ignored so that a lost
 * connection to a node does not end kfarm.  But if the reader of stdout has
 * closed the pipe (`kfarm nodes list | head`), end by SIGPIPE like other
 * programs.
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

/* Run the command that argv[0] names and return the exit status. */
static int run_command_line(char *const *argv)
{
	const char *name = argv[0], *option, *set;
	const struct cmd_verb *verb;
	struct strv words = { 0 };
	struct err err = { 0 };
	const struct cmd *c;
	int status;

	if (!name) {
		help_all(stderr, commands);
		return EXIT_USAGE;
	}
	if (!strcmp(name, "--version")) {
		printf("kfarm %s\n", KFARM_VERSION);
		return EXIT_OK;
	}
	if (is_help_option(name)) {
		help_all(stdout, commands);
		return EXIT_OK;
	}
	if (!strcmp(name, "complete"))
		return complete_main(commands, argv + 1);
	c = find_cmd(name);
	if (!c)
		return unknown_command(name);
	option = find_help_option(c, argv + 1);
	if (option) {
		verb = cmd_verb_find_first(c, argv + 1);
		if (!strcmp(option, "--help") && !verb)
			show_manual(c);
		help_one(stdout, c, verb ? verb->name : NULL);
		return EXIT_OK;
	}

	/* The options of $KFARM come before the arguments. */
	argv++;
	set = getenv("KFARM");
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

int main(int argc, char **argv)
{
	(void)argc;
	log_init("kfarm", LOG_INFO);
	open_standard_streams();
	signal(SIGPIPE, SIG_IGN);
	/* A write beyond `ulimit -f` then fails with EFBIG. */
	signal(SIGXFSZ, SIG_IGN);
	return flush_stdout(run_command_line(argv[0] ? argv + 1 : argv));
}
