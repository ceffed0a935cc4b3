/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program kfarm.  See kfarm(1), and HACKING.md for the rooms (directories).
 *
 *	find_cmd()		finds the command (cli/cmd-*.c)
 *	read_environment()	adds the options of the variable KFARM
 *	cmd->run()		parses the arguments and does the work:
 *	  build, run		kernel/build.h plans the build and starts make,
 *				coord/coord.h serves its compiles on nodes
 *	  nodes, toolchain	peer/, admin/, toolchain/
 *	  tree, nightly		tree/, nightly/
 *	  top, history, report	events/, ui/, history/, report/
 *	  cache			cache/cache.h
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
#include "kernel/user-command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

#define MAN_MS 5000

static const struct cmd cmd_help;

/* All commands, in the order of `kfarm help`. */
static const struct cmd *const commands[] = {
	&cmd_build,  &cmd_run,        &cmd_tree,  &cmd_toolchain,
	&cmd_nodes,  &cmd_nightly,    &cmd_top,   &cmd_history,
	&cmd_report, &cmd_cache,      &cmd_clean, &cmd_scan,
	&cmd_doctor, &cmd_completion, &cmd_help,  NULL
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

/* Print one line for each command. */
static void print_help(FILE *out)
{
	fputs("usage: kfarm COMMAND [ARGUMENT]...\n\n", out);
	for (const struct cmd *const *c = commands; *c; c++)
		fprintf(out, "  %-10s %s\n", (*c)->name, (*c)->help);
	fputs("\n`kfarm help COMMAND` describes a command; kfarm(1) is the manual.\n",
	      out);
}

/* Print the options of a command, or of its verb `v` if `v` is not NULL. */
static void put_options(const struct cmd *c, const struct cmd_verb *v)
{
	for (const struct args_option *o = c->options; o && o->help; o++) {
		struct args_option shown = cmd_verb_option(c, v, o);
		struct strv takers = { 0 };
		char *entry, *names;

		if (v && !str_list_has(v->option_names, ' ', o->long_name))
			continue;
		for (const struct cmd_verb *i = v ? NULL : c->verbs;
		     i && i->name; i++) {
			if (str_list_has(i->option_names, ' ', o->long_name))
				strv_add(&takers, i->name);
		}
		names = strv_join(&takers, ", ");
		entry = args_help_option(&shown, c->verbs && !v ? names : NULL);
		fputs(entry, stdout);
		free(entry);
		free(names);
		strv_release(&takers);
	}
}

/*
 * Print the help of one command with its options and verbs.  If `verb` is not
 * NULL, print only the part for that verb.
 */
static void print_command_help(const struct cmd *c, const char *verb)
{
	const struct cmd_verb *v = cmd_verb_find(c, verb);

	printf("usage: kfarm %s %s%s%s\n\n%s\n", c->name,
	       v ? v->name : c->usage, v ? v->usage : "",
	       v && v->option_names[0] ? " [OPTION]..." : "",
	       v ? v->help : c->help);
	if (c->verbs && !v) {
		putchar('\n');
		for (const struct cmd_verb *i = c->verbs; i->name; i++) {
			char *words = xasprintf("%s%s", i->name, i->usage);
			char *entry = args_help_entry(words, i->help);

			fputs(entry, stdout);
			free(entry);
			free(words);
		}
	}
	if (c->options && (v ? v->option_names[0] : c->options->help != NULL)) {
		putchar('\n');
		put_options(c, v);
	}
	if (c->extra_help &&
	    (!v || !c->extra_help_verb || !strcmp(v->name, c->extra_help_verb)))
		printf("\n%s", c->extra_help);
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
		spawn_restore_file_limit();
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
		print_command_help(about, verb);
	else
		print_help(stdout);
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
 * Return the first option "-h" or "--help" in `argv`, the command line of `c`,
 * or NULL if `argv` contains neither option.  Ignores the arguments of a user's
 * command.
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
 * Return the verb of `c` whose name is the first word in `argv` that is not an
 * option, or NULL if `c` has no such verb.
 */
static const struct cmd_verb *find_first_verb(const struct cmd *c,
					      char *const *argv)
{
	struct err ignored = { 0 };
	struct args args;
	int got;

	if (!c->verbs)
		return NULL;
	args_init(&args, c->options, argv);
	while ((got = args_next(&args, &ignored)) != ARGS_END) {
		if (got == ARGS_WORD)
			return cmd_verb_find(c, args.value);
		if (got < 0)
			args.bundle = NULL;
	}
	return NULL;
}

/*
 * Return true if `argv` overrides the option `o` of $KFARM: `argv` has an
 * option that excludes `o`, or `o` is a list option with ARGS_REPLACE and
 * `argv` contains the same option.
 */
static bool is_overridden(const struct cmd *c, const struct args_option *o,
			  char *const *argv)
{
	/* --file and --triplet are options of `kfarm toolchain install`. */
	static const struct {
		const char *option, *by;
	} exclusions[] = {
		{ "ui", "once json quiet verbose" },
		{ "quiet", "verbose dry-run" },
		{ "verbose", "quiet" },
		{ "directory", "tree" },
		{ "tree", "directory" },
		{ "rev", "directory" },
		{ "no-remote", "require-remote" },
		{ "require-remote", "no-remote" },
		{ "all", "number" },
		{ "number", "all" },
		{ "arch", "arch file triplet" },
		{ "triplet", "file" },
		{ "host", "file" },
	};
	const char *by = o->n == ARGS_REPLACE ? o->long_name : NULL;
	struct err ignored = { 0 };
	struct args args;
	int got;

	for (size_t i = 0; i < ARRAY_SIZE(exclusions); i++) {
		if (str_equal(o->long_name, exclusions[i].option))
			by = exclusions[i].by;
	}
	if (!by)
		return false;
	args_init(&args, c->options, argv);
	args.variables_allowed = c->takes_variables;
	while ((got = args_next(&args, &ignored)) > 0) {
		if (got == ARGS_OPTION && args.last_option->long_name &&
		    str_list_has(by, ' ', args.last_option->long_name))
			return true;
	}
	return false;
}

/*
 * Return true if some command has an option with the name of `o` that takes the
 * next word as its value, such as "-n 5" of history.  `word` contains `o` as it
 * was typed: compare the long names if `word` begins with "--", otherwise the
 * short names.
 */
static bool takes_next_word(const struct args_option *o, const char *word)
{
	bool is_long = str_starts(word, "--");

	for (const struct cmd *const *c = commands; *c; c++) {
		const struct args_option *p = (*c)->options;

		for (; p && p->help; p++) {
			if (args_needs_value(p) &&
			    (is_long ? str_equal(p->long_name, o->long_name) :
				       p->short_name == o->short_name))
				return true;
		}
	}
	return false;
}

/* The `value_name` of each option that merge_value_kinds() has changed. */
static const char merged_value[] = "[=VALUE]";

/*
 * Options of different commands can have the same long name but differ in
 * whether they take or require a value, such as --json FILE of build and --json
 * of history.  Let each such option in `all` take an optional value.  However,
 * do not change an option of the current command (one of the first `n_own`) if
 * the option has a value.
 */
static void merge_value_kinds(struct args_option *all, size_t n, size_t n_own)
{
	for (size_t i = 0; i < n; i++) {
		struct args_option *o = &all[i];

		for (size_t k = 0; k < n; k++) {
			if ((i >= n_own || !o->value_name) &&
			    str_equal(o->long_name, all[k].long_name) &&
			    (!o->value_name != !all[k].value_name ||
			     args_needs_value(o) != args_needs_value(&all[k])))
				o->value_name = merged_value;
		}
	}
}

/*
 * Append to `out` the parts of `text`, the value of $KFARM, that `c` accepts:
 * options of its table, and VAR=VALUE if c->takes_variables is set.
 *
 * `text` is quoted as for a shell.  A list option with ARGS_REPLACE is omitted
 * if `argv` also contains it, because `argv` replaces the list.  An option is
 * also omitted if `argv` contains an option that excludes it.  Options of other
 * commands are ignored.  Returns 0, or -EINVAL with `err` set if `text`
 * contains anything else.
 */
static int read_environment(const struct cmd *c, const char *text,
			    char *const *argv, struct strv *out,
			    struct err *err)
{
	const struct cmd_verb *v = find_first_verb(c, argv);
	struct args_option *all = NULL;
	const struct args_option *o;
	struct strv words = { 0 };
	size_t n = 0, n_own;
	struct args args;
	bool is_own;
	int got = 0;
	int ret = cmd_split_words(text, &words, err);

	/* The options of all commands; those of `c` and its verb come first. */
	for (o = c->options; o && o->help; o++) {
		if (!c->verbs ||
		    (v && o->long_name &&
		     str_list_has(v->option_names, ' ', o->long_name)))
			*VEC_ADD(all, n) = *o;
	}
	n_own = n;
	for (const struct cmd *const *other = commands; *other; other++) {
		for (o = (*other)->options; o && o->help; o++)
			*VEC_ADD(all, n) = *o;
	}
	merge_value_kinds(all, n, n_own);
	(void)VEC_ADD(all, n);
	args_init(&args, all, strv_list(&words));
	args.variables_allowed = true;
	while (!ret && (got = args_next(&args, err)) > 0) {
		if (got == ARGS_WORD)
			ret = err_set(err, EINVAL, "\"%s\" is not an option",
				      args.value);
		if (got == ARGS_VARIABLE && c->takes_variables)
			strv_add(out, args.value);
		if (got != ARGS_OPTION)
			continue;
		o = args.last_option;
		is_own = o < all + n_own;
		/*
		 * An option with a value is meant for another command if `c`
		 * has no such option, or if the option of `c` takes no value.
		 * Skip the option and its value.
		 */
		if (!is_own || !o->value_name ||
		    o->value_name == merged_value) {
			if (args.value)
				continue;
			if (!args.bundle && *args.argv &&
			    ((*args.argv)[0] != '-' || !(*args.argv)[1]) &&
			    takes_next_word(o, args.argv[-1])) {
				args.argv++;
				continue;
			}
		}
		if (!is_own || is_overridden(c, o, argv))
			continue;
		if (o->long_name)
			strv_addf(out, args.value ? "--%s=%s" : "--%s",
				  o->long_name, args.value);
		else
			strv_addf(out, "-%c", o->short_name);
		if (!o->long_name && args.value)
			strv_add(out, args.value);
	}
	free(all);
	strv_release(&words);
	return ret ? ret : got;
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
	size_t n_set;
	int status;

	if (!name) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(name, "--version")) {
		printf("kfarm %s\n", KFARM_VERSION);
		return EXIT_OK;
	}
	if (is_help_option(name)) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (!strcmp(name, "complete"))
		return complete_main(commands, argv + 1);
	c = find_cmd(name);
	if (!c)
		return unknown_command(name);
	option = find_help_option(c, argv + 1);
	if (option) {
		verb = find_first_verb(c, argv + 1);
		if (!strcmp(option, "--help") && !verb)
			show_manual(c);
		print_command_help(c, verb ? verb->name : NULL);
		return EXIT_OK;
	}

	/* The options of $KFARM come before the arguments. */
	argv++;
	set = getenv("KFARM");
	/*
	 * Inside another kfarm, $KFARM contains options of the outer kfarm.
	 * `kfarm clean` ignores $KFARM, because an option that is meant for
	 * another command, such as --all of history, would select what is
	 * removed.
	 */
	if (c == &cmd_clean ||
	    (c == &cmd_run && kernel_user_command_is_nested(environ)))
		set = NULL;
	if (set && read_environment(c, set, argv, &words, &err)) {
		log_error("KFARM: %s", err.text);
		strv_release(&words);
		return EXIT_USAGE;
	}
	n_set = words.n;
	strv_add_all(&words, argv);
	args_set_variable("KFARM", words.v, n_set);
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
	/* With SIGXFSZ ignored, a write beyond `ulimit -f` fails with EFBIG. */
	signal(SIGXFSZ, SIG_IGN);
	/* If SIGCHLD was inherited as ignored, waitpid() reports no status. */
	signal(SIGCHLD, SIG_DFL);
	/* Each node and each job needs descriptors. */
	spawn_raise_file_limit();
	return flush_stdout(run_command_line(argv[0] ? argv + 1 : argv));
}
