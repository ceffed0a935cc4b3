/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/complete.h - what may stand at a word of a command line, for the
 * completion of shells: made of the tables that --help is made of.
 *
 * It is asked on each press of a key: it reads a few files and directories,
 * writes nothing, waits for no lock, starts nothing, talks to nobody.  What
 * cannot be read is as if it were empty.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "base/buf.h"
#include "cli/cmd.h"

/* What the shell is to offer itself. */
enum complete_by_shell {
	COMPLETE_NOTHING,
	COMPLETE_FILES,
	COMPLETE_DIRS,
	COMPLETE_COMMAND, /* a command of others, from word `command_at` on */
};

struct complete {
	const struct cmd *const *commands; /* ends in NULL */

	/* Said by the words in front: */
	const struct cmd *cmd;
	const struct cmd_verb *verb;
	const struct args_option *pending; /* the word is its value */
	size_t n_before; /* words behind the command */
	size_t n_plain; /* plain ones of them, behind the verb if it has one */
	const char *first_plain; /* or NULL */
	bool only_words; /* behind "--" */
	const char *directory, *arch, *tree; /* -C, -a, --tree; or NULL */

	/* The word: what stays of it, as "--arch=arm64,", and what is to be
	   completed. */
	char *kept;
	const char *typed;

	/* The answer, each "WORD" or "WORD\tDESCRIPTION", sorted. */
	struct strv found;
	enum complete_by_shell by_shell;
	size_t command_at; /* "kfarm" is word 0 */
};

/*
 * `before`, a list that ends in NULL, are the words behind "kfarm" and before
 * `word`, without quotes.  All are borrowed for the life of `c`.
 */
void complete_word(struct complete *c, const struct cmd *const *commands,
		   char *const *before, const char *word);
void complete_release(struct complete *c);

/* For what offers: `word` if it begins as typed; `help` may be NULL. */
void complete_offer(struct complete *c, const char *word, const char *help);
/* Those that fit what the tables call `what`: "ARCH", "[=FILE]", "NAME". */
void complete_value(struct complete *c, const char *what);

/* A command line as bash has it, up to the cursor. */
struct complete_line {
	struct strv words; /* without quotes; the last is to be completed */
	char quote; /* that is open in it, ' or ", or 0 */
	size_t cut; /* so much of it readline leaves alone */
	size_t pieces; /* words that bash makes of all: "A=b" is three */
};

/* `breaks` is COMP_WORDBREAKS. */
void complete_line_read(struct complete_line *l, const char *text,
			const char *breaks);
void complete_line_release(struct complete_line *l);
/* The number in COMP_WORDS of word `at`. */
size_t complete_line_piece(const char *text, const char *breaks, size_t at);
/* Append `word`, from `cut` on and quoted, for COMPREPLY; false: it cannot be.
 */
bool complete_line_quote(const struct complete_line *l, const char *word,
			 struct buf *out);

/* `kfarm complete SHELL ...`, which the scripts run; templates/completion. */
int complete_main(const struct cmd *const *commands, char *const *argv);

#endif
