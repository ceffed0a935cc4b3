/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The assembler embeds the scripts in templates/completion.  Their paths are
 * relative to the working directory of make, and the Makefile lists them as
 * prerequisites of this object.
 */
#include "base/buf.h"
#include "cli/complete.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_MAX 1 /* maximum duration of one completion */

#define EMBED(shell, name)                                      \
	__asm__(".pushsection .rodata\n"                        \
		"completion_" #shell "_begin:\n"                \
		"\t.incbin \"templates/completion/" name "\"\n" \
		"completion_" #shell "_end:\n"                  \
		"\t.popsection\n");                             \
	extern const char completion_##shell##_begin[]          \
		__attribute__((visibility("hidden")));          \
	extern const char completion_##shell##_end[]            \
		__attribute__((visibility("hidden")));

EMBED(bash, "kfarm.bash")
EMBED(zsh, "_kfarm")
EMBED(fish, "kfarm.fish")

static const struct cmd_verb shells[] = {
	{ "bash", "", "", 0, 0,
	  "source it, or copy it to ~/.local/share/bash-completion/completions",
	  NULL },
	{ "zsh", "", "", 0, 0, "copy it to a directory of $fpath as _kfarm",
	  NULL },
	{ "fish", "", "", 0, 0, "copy it to ~/.config/fish/completions", NULL },
	{ 0 },
};

/* The scripts in the order of `shells`. */
static const struct {
	const char *begin, *end;
} scripts[] = {
	{ completion_bash_begin, completion_bash_end },
	{ completion_zsh_begin, completion_zsh_end },
	{ completion_fish_begin, completion_fish_end },
};

static int completion_main(char *const *argv)
{
	struct strv words = { 0 };
	const struct cmd_verb *shell;
	const char *begin, *end;

	shell = cmd_verb_parse(&cmd_completion, argv, NULL, &words);
	strv_release(&words);
	if (!shell)
		return EXIT_USAGE;
	begin = scripts[shell - shells].begin;
	end = scripts[shell - shells].end;
	fwrite(begin, 1, (size_t)(end - begin), stdout);
	return EXIT_OK;
}

static const struct args_option options[] = { { 0 } };

const struct cmd cmd_completion = {
	.name = "completion",
	.usage = "SHELL",
	.help = "print a shell's completion script for kfarm",
	.options = options,
	.verbs = shells,
	.extra_help = "`make install` installs all three scripts.\n",
	.run = completion_main,
};

/*
 * Print a directive, which names the kind of candidates that the shell script
 * must add itself, such as files.
 */
static void print_directive(const struct complete *c)
{
	switch (c->fallback) {
	case COMPLETE_FALLBACK_NONE:
		puts(":");
		break;
	case COMPLETE_FALLBACK_FILES:
		puts(":files");
		break;
	case COMPLETE_FALLBACK_DIRS:
		puts(":dirs");
		break;
	case COMPLETE_FALLBACK_COMMAND:
		printf(":command %zu\n", c->command_index);
		break;
	}
}

/* Complete the arguments "WORDBREAKS LINE"; LINE ends at the cursor. */
static void complete_for_bash(const struct cmd *const *commands,
			      char *const *argv)
{
	struct complete_line l;
	struct complete c;
	char *last;

	complete_line_parse(&l, argv[1], argv[0]);
	last = l.words.v[--l.words.n];
	l.words.v[l.words.n] = NULL;
	complete_command_line(&c, commands,
			      l.words.n ? l.words.v + 1 : l.words.v, last);
	c.command_index = complete_line_word_index(argv[1], argv[0],
						   c.command_index);
	print_directive(&c);
	for (size_t i = 0; i < c.candidates.n; i++) {
		char *word = c.candidates.v[i];
		struct buf out = { 0 };
		size_t n = strcspn(word, "\t");
		/*
		 * Append a space to a complete word.  Inside an open quote,
		 * readline closes the quote and appends the space.
		 */
		bool whole = n && !strchr("/=:", word[n - 1]) && !l.quote;

		word[n] = '\0';
		if (n >= l.cut_bytes && complete_line_quote(&l, word, &out))
			printf("%s%s\n", buf_str(&out), whole ? " " : "");
		buf_release(&out);
	}
	complete_release(&c);
	l.words.v[l.words.n++] = last;
	complete_line_release(&l);
}

/*
 * Complete the last of the arguments, which are the words after "kfarm" up to
 * the cursor.
 */
static void complete_for_words(const struct cmd *const *commands,
			       char *const *argv)
{
	struct strv before = { 0 };
	struct complete c;

	for (; argv[0] && argv[1]; argv++)
		strv_add(&before, argv[0]);
	complete_command_line(&c, commands, strv_list(&before),
			      argv[0] ? *argv : "");
	print_directive(&c);
	for (size_t i = 0; i < c.candidates.n; i++)
		puts(c.candidates.v[i]);
	complete_release(&c);
	strv_release(&before);
}

static void exit_quietly(int number)
{
	(void)number;
	_exit(EXIT_OK);
}

int complete_main(const struct cmd *const *commands, char *const *argv)
{
	const char *shell = argv[0];

	/* An unresponsive network file system must not block the shell. */
	signal(SIGALRM, exit_quietly);
	alarm(SECONDS_MAX);
	if (str_equal(shell, "bash") && argv[1] && argv[2])
		complete_for_bash(commands, argv + 1);
	else if (str_equal(shell, "zsh") || str_equal(shell, "fish"))
		complete_for_words(commands, argv + 1);
	else
		return EXIT_USAGE;
	return EXIT_OK;
}
