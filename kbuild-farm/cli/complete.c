/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/complete.h"

#include "base/buf.h"
#include "base/printable.h"
#include "base/vec.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void complete_add_candidate(struct complete *c, const char *word,
			    const char *help)
{
	if (!str_starts(word, c->typed) ||
	    !printable_is_safe(bytes_str(word), 0))
		return;
	if (help && !printable_is_safe(bytes_str(help), 0))
		help = NULL;
	strv_addf(&c->candidates, "%s%s%s%s", c->fixed_prefix, word,
		  help ? "\t" : "", help ? help : "");
}

/*
 * Parse one word at `*at` without expansion, so that a command substitution on
 * the line has no effect.  `breaks` contains the characters that separate
 * pieces of a word (COMP_WORDBREAKS).
 */
static void read_line_word(struct complete_line *l, const char **at,
			   const char *breaks)
{
	struct buf word = { 0 };
	const char *p = *at;
	/* current piece: 1: break characters, 0: other text, -1: no piece */
	int kind = -1;

	l->quote = '\0';
	l->cut_bytes = 0;
	for (; *p && (l->quote || !isspace((unsigned char)*p)); p++) {
		bool breaks_here = !l->quote && strchr(":=@<>;|&(", *p) &&
				   strchr(breaks, *p);

		l->n_pieces += kind != breaks_here;
		kind = breaks_here;
		if (l->quote ? *p == l->quote : strchr("\"'", *p) != NULL) {
			l->quote = l->quote ? '\0' : *p;
			l->cut_bytes = word.len;
		} else if (*p == '\\' && l->quote != '\'' && p[1]) {
			buf_add(&word, ++p, 1);
		} else {
			buf_add(&word, p, 1);
			if (breaks_here)
				l->cut_bytes = word.len;
		}
	}
	*at = p;
	strv_own(&l->words, buf_steal(&word));
}

void complete_line_parse(struct complete_line *l, const char *text,
			 const char *breaks)
{
	*l = (struct complete_line){ 0 };
	do {
		text += strspn(text, " \t\n");
		read_line_word(l, &text, breaks);
	} while (*text);
	/* If `text` ends in a blank, the loop has added an empty last word. */
}

size_t complete_line_word_index(const char *text, const char *breaks, size_t at)
{
	struct complete_line l = { 0 };
	size_t pieces;

	while (at-- && *text) {
		text += strspn(text, " \t\n");
		read_line_word(&l, &text, breaks);
	}
	pieces = l.n_pieces;
	complete_line_release(&l);
	return pieces;
}

void complete_line_release(struct complete_line *l)
{
	strv_release(&l->words);
	*l = (struct complete_line){ 0 };
}

bool complete_line_quote(const struct complete_line *l, const char *word,
			 struct buf *out)
{
	const char *special = l->quote == '"' ? "\"$`\\" :
						"|&;()<>*?[]{}#~!$`\\\"' \t";

	/*
	 * No escape exists for ' inside single quotes, or for ! inside double
	 * quotes.
	 */
	if ((l->quote == '\'' && strchr(word, '\'')) ||
	    (l->quote == '"' && strchr(word, '!')))
		return false;
	for (const char *p = word + l->cut_bytes; *p; p++) {
		if (l->quote != '\'' && strchr(special, *p))
			buf_add_str(out, "\\");
		buf_add(out, p, 1);
	}
	return true;
}

static const struct args_option none[] = { { 0 } };

static const struct args_option *find_option_table(const struct cmd *c)
{
	return c->options ? c->options : none;
}

/* Record the value of an option that affects later candidates. */
static void apply_option(struct complete *c, const struct args_option *o,
			 const char *value)
{
	const struct {
		const char *word;
		const char **into;
	} known[] = { { "directory", &c->directory },
		      { "arch", &c->arch },
		      { "tree", &c->tree } };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (str_equal(o->long_name, known[i].word))
			*known[i].into = value;
	}
}

/*
 * Process a word that is not an option.  If the command has verbs, the first
 * such word is the verb.  Count all other words, and an unknown verb, in
 * c->n_plain.
 */
static void apply_word(struct complete *c, const char *word)
{
	if (c->cmd->verbs && !c->verb && !c->n_plain) {
		c->verb = cmd_verb_find(c->cmd, word);
		c->n_plain = !c->verb;
		return;
	}
	if (!c->n_plain++)
		c->first_plain = word;
}

/* Let the shell complete a command that begins `at` words after c->cmd. */
static void begin_command(struct complete *c, size_t at)
{
	c->fallback = COMPLETE_FALLBACK_COMMAND;
	c->command_index = at + 2;
}

/*
 * Parse the words in front of the word to complete and ignore errors.  If the
 * last of these words is an option that lacks its value, it becomes c->pending.
 */
static void read_words_before(struct complete *c, char *const *before)
{
	struct err ignored = { 0 };
	struct args a;
	int got;

	args_init(&a, find_option_table(c->cmd), before);
	a.variables_allowed = c->cmd->takes_variables;
	for (;;) {
		a.last_option = a.bundle ? a.last_option : NULL;
		got = args_next(&a, &ignored);
		if (got == ARGS_END)
			break;
		if (got == ARGS_OPTION)
			apply_option(c, a.last_option, a.value);
		else if (got == ARGS_VARIABLE && str_starts(a.value, "ARCH="))
			c->arch = a.value + strlen("ARCH=");
		else if (got == ARGS_WORD && c->cmd->takes_command)
			begin_command(c, (size_t)(a.argv - before) - 1);
		else if (got == ARGS_WORD)
			apply_word(c, a.value);
		else if (got < 0 && !*a.argv && a.last_option &&
			 args_needs_value(a.last_option))
			c->pending = a.last_option;
		if (got < 0)
			a.bundle = NULL;
		if (c->fallback == COMPLETE_FALLBACK_COMMAND)
			return;
	}
	c->options_ended = a.options_ended;
	c->n_before = (size_t)(a.argv - before);
	if (c->cmd->takes_command && c->options_ended)
		begin_command(c, c->n_before);
}

/* Split `word` after `n` bytes into fixed_prefix and typed. */
static void split_fixed_prefix(struct complete *c, const char *word, size_t n)
{
	free(c->fixed_prefix);
	c->fixed_prefix = xstrndup(word, n);
	c->typed = word + n;
}

static bool is_option_of_verb(const struct complete *c,
			      const struct args_option *o)
{
	return !c->verb ||
	       str_list_has(c->verb->option_names, ' ', o->long_name);
}

/* Add the long and short options that the command and its verb accept. */
static void offer_options(struct complete *c)
{
	const struct args_option *o = find_option_table(c->cmd);

	for (; o->help; o++) {
		struct args_option shown = cmd_verb_option(c->cmd, c->verb, o);
		char letter[3] = { '-', o->short_name, '\0' };
		char *word = xasprintf("--%s",
				       o->long_name ? o->long_name : "");

		if (o->long_name && is_option_of_verb(c, o))
			complete_add_candidate(c, word, shown.help);
		if (o->short_name && is_option_of_verb(c, o))
			complete_add_candidate(c, letter, shown.help);
		free(word);
	}
	complete_add_candidate(c, "--help", "describe this command");
}

/* Find an option by its letter, or by its long name if `letter` is 0. */
static const struct args_option *find_option(const struct complete *c,
					     const char *name, size_t n,
					     char letter)
{
	const struct args_option *o = find_option_table(c->cmd);

	for (; o->help; o++) {
		if (letter ?
			    o->short_name == letter :
			    name && o->long_name && strlen(o->long_name) == n &&
				    !memcmp(o->long_name, name, n))
			return o;
	}
	return NULL;
}

/* Complete an option's name, or a value, as in "--arch=ar" or "-aar". */
static void complete_option(struct complete *c, const char *word)
{
	const char *equals = strchr(word, '=');
	const struct args_option *o = NULL;
	size_t n = 0;

	if (word[1] == '-' && equals) {
		n = (size_t)(equals - word) + 1;
		o = find_option(c, word + 2, n - 3, '\0');
	} else if (word[1] != '-' && word[1] && word[2]) {
		n = 2;
		o = find_option(c, NULL, 0, word[1]);
		o = o && args_needs_value(o) ? o : NULL;
	} else {
		offer_options(c);
	}
	if (o && o->value_name) {
		split_fixed_prefix(c, word, n);
		complete_option_value(c, o->value_name);
	}
}

/*
 * Return the name of argument number `at` in a usage such as
 * "[OPTION]... [NAME=VALUE]... NAME [ID]...": "NAME" for 0, "ID" for all higher
 * numbers.  OPTION and words with "=" are not counted.  Returns NULL if the
 * command accepts fewer arguments.  The caller frees the result.
 */
static char *usage_at(const char *usage, size_t at)
{
	char *last = NULL;
	bool many = false;

	for (size_t n = 0; *usage; usage += strcspn(usage, " ")) {
		struct buf text = { 0 };
		size_t len;
		char *word;

		/* Drop brackets and dots: "ID" for "[ID]...". */
		usage += strspn(usage, " ");
		len = strcspn(usage, " ");
		many = memmem(usage, len, "...", 3) != NULL;
		for (size_t i = 0; i < len; i++) {
			if (isalpha((unsigned char)usage[i]) ||
			    strchr("_=|", usage[i]))
				buf_add(&text, usage + i, 1);
		}
		word = buf_steal(&text);
		if (!*word || !strcmp(word, "OPTION") || strchr(word, '=')) {
			free(word);
			many = false;
			continue;
		}
		free(last);
		last = word;
		if (n++ == at)
			return last;
	}
	if (last && many)
		return last;
	free(last);
	return NULL;
}

/* Complete a verb, a variable ("ARCH=ar", "O=DIR") or a plain word. */
static void complete_plain(struct complete *c, const char *word)
{
	const char *usage = c->verb ? c->verb->usage : c->cmd->usage;
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : 0;
	const struct cmd_verb *v;
	char *what;

	if (c->cmd->verbs && !c->verb) {
		for (v = c->cmd->verbs; !c->n_plain && v->name; v++)
			complete_add_candidate(c, v->name, v->help);
		return;
	}
	if (c->cmd->takes_command)
		begin_command(c, c->n_before);
	if (c->cmd->takes_variables && n) {
		char *name = xstrndup(word, n);

		split_fixed_prefix(c, word, n + 1);
		complete_option_value(
			c, !strcmp(name, "ARCH") ? "ARCH" :
			   str_list_has("O KBUILD_OUTPUT", ' ', name) ?
						   "DIR" :
						   "VALUE");
		free(name);
		return;
	}
	what = usage ? usage_at(usage, c->n_plain) : NULL;
	if (what)
		complete_option_value(c, what);
	free(what);
}

/* Sort the candidates and retain one description per word. */
static void sort_found(struct complete *c)
{
	struct strv once = { 0 };
	size_t before = 0;

	strv_sort_unique(&c->candidates);
	for (size_t i = 0; i < c->candidates.n; i++) {
		const char *word = c->candidates.v[i];
		size_t n = strcspn(word, "\t");

		if (once.n && n == before &&
		    !strncmp(once.v[once.n - 1], word, n))
			continue;
		strv_add(&once, word);
		before = n;
	}
	strv_release(&c->candidates);
	c->candidates = once;
}

void complete_command_line(struct complete *c,
			   const struct cmd *const *commands,
			   char *const *before, const char *word)
{
	*c = (struct complete){ .commands = commands, .typed = word };
	c->fixed_prefix = xstrdup("");
	for (; before[0] && *commands && !c->cmd; commands++) {
		if (!strcmp((*commands)->name, before[0]))
			c->cmd = *commands;
	}
	if (c->cmd)
		read_words_before(c, before + 1);
	if (!before[0]) {
		for (commands = c->commands; *commands; commands++)
			complete_add_candidate(c, (*commands)->name,
					       (*commands)->help);
		if (word[0] == '-') {
			complete_add_candidate(c, "--help",
					       "list the commands");
			complete_add_candidate(c, "--version",
					       "print the version");
		}
	} else if (!c->cmd || c->fallback == COMPLETE_FALLBACK_COMMAND) {
		return;
	} else if (c->pending) {
		complete_option_value(c, c->pending->value_name);
	} else if (word[0] == '-' && !c->options_ended) {
		complete_option(c, word);
	} else {
		complete_plain(c, word);
	}
	sort_found(c);
}

void complete_release(struct complete *c)
{
	strv_release(&c->candidates);
	free(c->fixed_prefix);
	*c = (struct complete){ 0 };
}

#define SECONDS_MAX 1 /* maximum duration of one completion */

/*
 * The assembler embeds the scripts in templates/completion.  Their paths are
 * relative to the working directory of make, and the Makefile lists them as
 * prerequisites of this object.
 */
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

const struct cmd cmd_completion = {
	.name = "completion",
	.usage = "SHELL",
	.help = "print a shell's completion script for kfarm",
	.options = none,
	.verbs = shells,
	.extra_help = "`make install` installs all three scripts.\n",
	.run = completion_main,
};

/*
 * Print the directive for c->fallback, which names the kind of candidates that
 * the shell script adds itself, such as files.
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

/*
 * Complete the last word of LINE, which ends at the cursor.  `argv` is
 * { WORDBREAKS, LINE }, where WORDBREAKS is the value of COMP_WORDBREAKS.
 */
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
