/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/complete.h - Completion candidates for a word of kfarm's command line.
 *
 * Completion runs on each press of the Tab key.  It reads a few files and
 * directories.  It writes no file, waits for no lock, starts no process and
 * opens no connection.  An unreadable file counts as empty.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "base/buf.h"
#include "cli/cmd.h"

/* Candidates that the shell must add itself. */
enum complete_fallback {
	COMPLETE_FALLBACK_NONE,
	COMPLETE_FALLBACK_FILES,
	COMPLETE_FALLBACK_DIRS,
	/* command line of another program, from word `command_index` on */
	COMPLETE_FALLBACK_COMMAND,
};

struct complete {
	const struct cmd *const *commands; /* ends in NULL */

	/* state after parsing the words in front of the word to complete: */
	const struct cmd *cmd;
	const struct cmd_verb *verb;
	const struct args_option *pending; /* option that lacks its value */
	size_t n_before; /* words between `cmd` and the word to complete */
	size_t n_plain; /* words that are neither an option nor the verb */
	/*
	 * first word counted in n_plain; NULL if n_plain is 0, or if this
	 * word is an unknown verb
	 */
	const char *first_plain;
	bool options_ended; /* "--" was found */
	const char *directory, *arch, *tree; /* -C, -a, --tree; or NULL */

	/* The word to complete consists of these two parts. */
	char *fixed_prefix; /* part before the candidate: "--arch=arm64," */
	const char *typed; /* rest; each candidate begins with this text */

	/* result: sorted lines "WORD" or "WORD\tDESCRIPTION" */
	struct strv candidates;
	enum complete_fallback fallback;
	/*
	 * for COMPLETE_FALLBACK_COMMAND: index of the first word of another
	 * program's command line; the word "kfarm" has the index 0
	 */
	size_t command_index;
};

/*
 * Compute the candidates for `word`.  `before` contains the words between
 * "kfarm" and `word`, without quotes, and ends in NULL.  All arguments are
 * borrowed until complete_release().
 */
void complete_command_line(struct complete *c,
			   const struct cmd *const *commands,
			   char *const *before, const char *word);
void complete_release(struct complete *c);

/* Add `word` if it begins with c->typed.  `help` can be NULL. */
void complete_add_candidate(struct complete *c, const char *word,
			    const char *help);
/*
 * Add the candidates for a value that the option and verb tables call `what`,
 * such as "ARCH", "[=FILE]" or "NAME".
 */
void complete_option_value(struct complete *c, const char *what);

/*
 * The command line of bash up to the cursor.  bash passes the line as it was
 * typed, and replaces only a part of the last word: the part after the last
 * character of COMP_WORDBREAKS or after a quote.
 */
struct complete_line {
	struct strv words; /* without quotes; the last one is completed */
	char quote; /* open quote in the last word, ' or ", or 0 */
	/* number of leading bytes of the last word that bash keeps */
	size_t cut_bytes;
	size_t n_pieces; /* number of words in COMP_WORDS; "A=b" counts as 3 */
};

/*
 * Parse a command line without expanding anything.  `breaks` is the variable
 * COMP_WORDBREAKS of bash.
 */
void complete_line_parse(struct complete_line *l, const char *text,
			 const char *breaks);
void complete_line_release(struct complete_line *l);
/* Convert an index in complete_line.words into an index in COMP_WORDS. */
size_t complete_line_word_index(const char *text, const char *breaks,
				size_t at);
/*
 * Append `word` without its first l->cut_bytes bytes, quoted for COMPREPLY.
 * Returns false if the word cannot be written inside the open quote.
 */
bool complete_line_quote(const struct complete_line *l, const char *word,
			 struct buf *out);

/*
 * Run `kfarm complete SHELL ...`, which the scripts in templates/completion
 * call.  Returns the exit status.
 */
int complete_main(const struct cmd *const *commands, char *const *argv);

#endif
