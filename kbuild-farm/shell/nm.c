/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of nm's is a value, a letter and a name, or for what is not defined
 * white space, a letter and a name: what has "__" in it is in the name, and
 * what has a blank in front as well begins it.
 */
#include "shell/nm.h"

#include "base/str.h"
#include "shell/object.h"
#include "shell/program.h"
#include "shell/shell.h"
#include "shell/utility.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT "scripts/check-local-export"
/* Of the script: its length, and its FNV-1a of 64 bits. */
#define SCRIPT_SIZE 1778
#define SCRIPT_HASH UINT64_C(0x939142d14b95294c)

/* ---------------------------------------------------------------- programs */

static bool is_elf(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[4];
	bool is;

	is = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	     !memcmp(magic, "\177ELF", sizeof(magic));
	if (fd >= 0)
		close(fd);
	return is;
}

/* One of binutils or LLVM by its name, and no script in its place. */
static bool is_known_nm(struct shell *sh, const char *name)
{
	const char *base = str_base(name);
	struct shell_program p;

	return (!strcmp(base, "nm") || str_ends(base, "-nm")) &&
	       !shell_program_find(sh, name, &p) && is_elf(p.path);
}

static bool is_grep(struct shell *sh, const char *name)
{
	struct shell_program p;

	return !strcmp(name, "grep") && !shell_program_find(sh, name, &p) &&
	       shell_utility_is_of_system(p.path, name);
}

/* Any of the alternatives. */
static bool is_awk(struct shell *sh, const char *name)
{
	struct shell_program p;

	return !strcmp(name, "awk") && !shell_program_find(sh, name, &p) &&
	       (!strcmp(p.path, "/usr/bin/awk") || !strcmp(p.path, "/bin/awk"));
}

/* A word that a script need not quote, and no option. */
static bool is_simple_word(const char *word)
{
	return word && *word && !strchr("-@", *word) &&
	       !strpbrk(word, " \t\n*?[\\");
}

/* ---------------------------------------------------------- nm FILE | grep */

/* Its words are as they will be; `redir`: it has that only. */
static bool has_plain_words(const struct shell_node *n,
			    const struct shell_redir *redir)
{
	if (n->kind != SHELL_SIMPLE || n->assigns || n->redirs != redir)
		return false;
	for (const struct shell_word *w = n->words; w; w = w->next) {
		if (!w->literal)
			return false;
	}
	return n->words;
}

static bool hides_errors(const struct shell_redir *r)
{
	return r && !r->next && r->kind == SHELL_TO && r->fd == STDERR_FILENO &&
	       r->word->literal && !strcmp(r->word->literal, "/dev/null");
}

/* The word behind these; NULL: there is none, or more than one. */
static const char *only_word(const struct shell_word *w, const char *option)
{
	w = w->next;
	if (option) {
		if (!w || strcmp(w->literal, option))
			return NULL;
		w = w->next;
	}
	/* @FILE is more words to nm. */
	return w && !w->next && !strchr("-@", *w->literal) ? w->literal : NULL;
}

static bool is_of_a_name(const char *pattern)
{
	const char *p = pattern + (*pattern == ' ');

	if (!strstr(p, "__"))
		return false;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return !*p;
}

bool shell_nm_pipe(struct shell *sh, const struct shell_node *pipe, int *status)
{
	const struct shell_node *nm = pipe->list, *grep = nm->next;
	const char *file, *pattern;
	enum shell_answer answer;

	if (!hides_errors(nm->redirs) || !has_plain_words(nm, nm->redirs) ||
	    !grep || grep->next || !has_plain_words(grep, NULL))
		return false;
	file = only_word(nm->words, NULL);
	pattern = only_word(grep->words, "-q");
	if (!file || !pattern || !is_of_a_name(pattern) ||
	    shell_utility_is_watched(sh) ||
	    !is_known_nm(sh, nm->words->literal) ||
	    !is_grep(sh, grep->words->literal))
		return false;
	answer = shell_object_names(file, pattern + (*pattern == ' '),
				    *pattern == ' ');
	*status = answer == SHELL_NO;
	return answer != SHELL_UNKNOWN;
}

/* --------------------------------------------------- check-local-export */

static bool is_known_script(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	uint8_t text[SCRIPT_SIZE + 1];
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n != SCRIPT_SIZE)
		return false;
	for (ssize_t i = 0; i < n; i++)
		hash = (hash ^ text[i]) * UINT64_C(0x100000001b3);
	return hash == SCRIPT_HASH && !access(path, X_OK);
}

bool shell_nm_script(struct shell *sh, char *const *argv, int *status)
{
	char *const *env;
	const char *nm, *awk;

	if (!str_ends(argv[0], "/" SCRIPT) || !argv[1] || argv[2])
		return false;
	env = shell_program_environment(sh, argv[0]);
	nm = str_env(env, "NM");
	awk = str_env(env, "AWK");
	if (!is_simple_word(argv[1]) || !is_simple_word(nm) || !awk ||
	    shell_utility_is_watched(sh) || !is_known_nm(sh, nm) ||
	    !is_awk(sh, awk) || !is_known_script(argv[0]) ||
	    shell_object_exports_global(argv[1]) != SHELL_YES)
		return false;
	*status = 0;
	return true;
}
