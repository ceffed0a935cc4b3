/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/subset.h"

#include "base/buf.h"
#include "base/vec.h"
#include "shell/builtin.h"
#include "shell/parse.h"
#include "shell/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Limit on the nesting of trap actions. */
#define TRAP_DEPTH_MAX 3

struct subset_check {
	struct arena *arena;
	const struct shell_vars *vars;
	enum shell_fallback_reason reason;
	unsigned depth;
	unsigned redirect_depth; /* number of enclosing redirected commands */
	/* number of enclosing pipelines, subshells and $() */
	unsigned subshell_depth;
};

static const struct shell_builtin *find_literal_builtin(
	const struct shell_ast_node *n)
{
	return n->words && n->words->literal ?
		       shell_builtin_find(n->words->literal) :
		       NULL;
}

static bool are_literal_words(const struct shell_word *w)
{
	for (; w; w = w->next) {
		if (!w->literal)
			return false;
	}
	return true;
}

/* Return false if a word contains ${x=word}, which changes a variable. */
static bool are_words_pure(const struct shell_word *w)
{
	for (; w; w = w->next) {
		for (const struct shell_part *p = w->parts; p; p = p->next) {
			if (p->kind != SHELL_PART_PARAM)
				continue;
			if (p->op == SHELL_OP_ASSIGN ||
			    !are_words_pure(p->word))
				return false;
		}
	}
	return true;
}

static bool is_simple_pure(const struct shell_ast_node *n)
{
	const struct shell_builtin *b = find_literal_builtin(n);

	if (!n->words || !n->words->literal || !are_words_pure(n->words))
		return false;
	for (const struct shell_assign *a = n->assigns; a; a = a->next) {
		if (!are_words_pure(a->value))
			return false;
	}
	return !b || (b->pure && !(b->special && n->assigns));
}

bool shell_subset_is_pure(const struct shell_ast_node *n)
{
	for (const struct shell_redir *r = n->redirs; r; r = r->next) {
		if (r->word && !are_words_pure(r->word))
			return false;
	}
	switch (n->kind) {
	case SHELL_AST_SIMPLE:
		return is_simple_pure(n);
	case SHELL_AST_PIPELINE:
	case SHELL_AST_SUBSHELL:
		return true; /* the commands run in subshells anyway */
	case SHELL_AST_LIST:
		for (n = n->list; n; n = n->next) {
			if (!shell_subset_is_pure(n))
				return false;
		}
		return true;
	case SHELL_AST_NOT:
	case SHELL_AST_REDIRECTED:
		return shell_subset_is_pure(n->left);
	case SHELL_AST_AND:
	case SHELL_AST_OR:
		return shell_subset_is_pure(n->left) &&
		       shell_subset_is_pure(n->right);
	case SHELL_AST_IF:
		return shell_subset_is_pure(n->test) &&
		       shell_subset_is_pure(n->left) &&
		       (!n->right || shell_subset_is_pure(n->right));
	case SHELL_AST_CASE:
		if (!are_words_pure(n->words))
			return false;
		for (const struct shell_case_item *i = n->items; i;
		     i = i->next) {
			if (!are_words_pure(i->patterns) ||
			    (i->body && !shell_subset_is_pure(i->body)))
				return false;
		}
		return true;
	case SHELL_AST_WHILE:
	case SHELL_AST_UNTIL:
		return shell_subset_is_pure(n->test) &&
		       shell_subset_is_pure(n->left);
	case SHELL_AST_FOR:
		break;
	}
	return false;
}

bool shell_subset_is_literal(const struct shell_ast_node *n)
{
	return n->kind == SHELL_AST_SIMPLE && !n->assigns && n->words &&
	       are_literal_words(n->words);
}

bool shell_subset_is_program(const struct shell_ast_node *n)
{
	struct stat st;

	if (n->kind != SHELL_AST_SIMPLE || !n->words || !n->words->literal ||
	    find_literal_builtin(n) || !shell_subset_is_pure(n))
		return false;
	/*
	 * Opening a FIFO blocks until the other end is opened, possibly by a
	 * later command.  The shell itself must therefore not apply a
	 * redirection that can open a FIFO.
	 */
	for (const struct shell_redir *r = n->redirs; r; r = r->next) {
		if (r->kind == SHELL_REDIR_DUP ||
		    r->kind == SHELL_REDIR_HEREDOC)
			continue;
		if (!r->word->literal ||
		    (!stat(r->word->literal, &st) && S_ISFIFO(st.st_mode)))
			return false;
	}
	return true;
}

/*
 * Return true if the arguments of test can contain -t, whose result is wrong
 * while a buffer replaces stdout.
 */
static bool has_terminal_test(const struct shell_word *w)
{
	for (; w; w = w->next) {
		if (!w->literal || !strcmp(w->literal, "-t"))
			return true;
	}
	return false;
}

bool shell_subset_is_print_only(const struct shell_ast_node *n)
{
	const struct shell_builtin *b;

	switch (n->kind) {
	case SHELL_AST_SIMPLE:
		b = find_literal_builtin(n);
		return b && b->pure && !n->redirs && shell_subset_is_pure(n) &&
		       (b->id != SHELL_BUILTIN_TEST ||
			!has_terminal_test(n->words));
	case SHELL_AST_LIST:
		for (n = n->list; n; n = n->next) {
			if (!shell_subset_is_print_only(n))
				return false;
		}
		return true;
	case SHELL_AST_AND:
	case SHELL_AST_OR:
		return shell_subset_is_print_only(n->left) &&
		       shell_subset_is_print_only(n->right);
	default:
		return false;
	}
}

/* ------------------------------------------------ check before execution */

static int check_command(struct subset_check *c,
			 const struct shell_ast_node *n);

static int set_fallback(struct subset_check *c, enum shell_fallback_reason why)
{
	c->reason = why;
	return -ENOTSUP;
}

/*
 * Return true for a variable that changes the behavior of dash, and for
 * MAKEFILES, which selects make's shell (shell/make-env.h).
 */
static bool is_unsupported_variable(const char *name, size_t len)
{
	static const char *const odd[] = { "OPTIND",    "CDPATH",   "LINENO",
					   "MAIL",      "MAILPATH", "PS4",
					   "MAKEFILES", "PPID" };

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		if (strlen(odd[i]) == len && !memcmp(name, odd[i], len))
			return true;
	}
	return false;
}

static int check_words(struct subset_check *c, const struct shell_word *w)
{
	for (; w; w = w->next) {
		for (const struct shell_part *p = w->parts; p; p = p->next) {
			int ret = 0;

			if (p->kind == SHELL_PART_PARAM &&
			    p->op == SHELL_OP_ASSIGN &&
			    is_unsupported_variable(p->name, strlen(p->name)))
				return set_fallback(c, SHELL_FALLBACK_OTHER);
			if (p->kind == SHELL_PART_PARAM) {
				ret = check_words(c, p->word);
			} else if (p->kind == SHELL_PART_COMMANDS && p->list) {
				c->subshell_depth++;
				ret = check_command(c, p->list);
				c->subshell_depth--;
			}
			if (ret)
				return ret;
		}
	}
	return 0;
}

static const char *literal_or_empty(const struct shell_word *w)
{
	return w && w->literal ? w->literal : "";
}

static bool is_pid(const struct shell_part *p)
{
	return p->kind == SHELL_PART_PARAM && p->op == SHELL_OP_VALUE &&
	       !strcmp(p->name, "$");
}

/* Return true if the only word is $$ without quotes. */
static bool is_pid_word(const struct shell_word *w)
{
	const struct shell_part *p = w ? w->parts : NULL;

	return p && !p->next && !w->next && is_pid(p);
}

/* Supported: kill [-s NAME | -NAME] $$ */
static bool supports_kill(const struct shell_word *w)
{
	const char *option = literal_or_empty(w);
	int sig = SIGTERM;

	if (!strcmp(option, "-s")) {
		w = w->next;
		sig = shell_signals_trap_number(literal_or_empty(w));
	} else if (*option == '-') {
		sig = shell_signals_trap_number(option + 1);
	} else {
		return is_pid_word(w);
	}
	return sig > 0 && w && is_pid_word(w->next);
}

static bool supports_set(const struct shell_word *w)
{
	if (!w)
		return false;
	for (; w; w = w->next) {
		const char *s = literal_or_empty(w);

		if (!strcmp(s, "--"))
			return true;
		if (!w->literal)
			return false;
		if (*s != '-' && *s != '+')
			return are_literal_words(w);
		if (!s[1] || s[1 + strspn(s + 1, "ef")])
			return false;
	}
	return true;
}

static bool supports_export(const struct shell_word *w)
{
	if (!w)
		return false;
	for (; w; w = w->next) {
		const char *s = w->literal;

		if (!s && w->assignment && w->parts->kind == SHELL_PART_TEXT)
			s = w->parts->text;
		if (!s || *s == '-' ||
		    is_unsupported_variable(s, strcspn(s, "=")))
			return false;
	}
	return true;
}

static bool supports_unset(const struct shell_word *w)
{
	for (; w; w = w->next) {
		const char *s = literal_or_empty(w);

		if (!*s || *s == '-' || is_unsupported_variable(s, strlen(s)))
			return false;
	}
	return true;
}

static int check_trap_action(struct subset_check *c, const char *action)
{
	struct arena_mark mark = arena_mark(c->arena);
	const struct shell_ast_node *list;
	int ret;

	if (!strcmp(action, "-") || !*action)
		return 0;
	if (c->depth == TRAP_DEPTH_MAX)
		return set_fallback(c, SHELL_FALLBACK_DEPTH);
	c->depth++;
	ret = shell_parse_script(c->arena, bytes_str(action), &list,
				 &c->reason);
	if (!ret)
		ret = check_command(c, list);
	c->depth--;
	arena_rewind(c->arena, mark);
	return ret;
}

/*
 * Return the text of a trap's action.  An action that must be expanded may
 * consist only of quoted text and quoted $$; the returned text contains 1 in
 * place of each $$.  Returns NULL for any other action.
 */
static const char *trap_action_text(struct buf *out, const struct shell_word *w)
{
	if (w->literal)
		return w->literal;
	for (const struct shell_part *p = w->parts; p; p = p->next) {
		if (p->kind == SHELL_PART_TEXT && p->quoted)
			buf_add(out, p->text, p->len);
		else if (p->quoted && is_pid(p))
			buf_add(out, "1", 1);
		else
			return NULL;
	}
	buf_add(out, "", 1);
	return (const char *)out->data;
}

static int check_trap(struct subset_check *c, const struct shell_word *w)
{
	struct buf text = { 0 };
	const char *action;
	int ret = 0;

	if (!w || !w->next || !are_literal_words(w->next))
		return set_fallback(c, SHELL_FALLBACK_OPTION);
	action = trap_action_text(&text, w);
	if (!action || (*action == '-' && action[1]) ||
	    (*action >= '0' && *action <= '9'))
		ret = set_fallback(c, SHELL_FALLBACK_OPTION);
	for (w = w->next; w && !ret; w = w->next) {
		if (shell_signals_trap_number(w->literal) < 0)
			ret = set_fallback(c, SHELL_FALLBACK_OPTION);
	}
	if (!ret)
		ret = check_trap_action(c, action);
	buf_release(&text);
	return ret;
}

/* Return true if the word yields a field even if its expansions are empty. */
static bool is_field(const struct shell_word *w)
{
	const struct shell_part *p = w->parts;

	while (p && p->kind != SHELL_PART_TEXT)
		p = p->next;
	return w->literal || p;
}

/*
 * If the last argument of `test` is -a or -o, dash reads memory behind the
 * arguments, so the result depends on earlier commands.  The last argument of [
 * is always ].
 */
static bool supports_test(const struct shell_word *w)
{
	const char *last = "";
	bool bracket = w->literal[0] == '[';

	for (w = w->next; w; w = w->next) {
		if (is_field(w))
			last = literal_or_empty(w);
	}
	return bracket || (strcmp(last, "-a") != 0 && strcmp(last, "-o") != 0);
}

static bool supports_builtin_args(const struct subset_check *c,
				  const struct shell_builtin *b,
				  const struct shell_ast_node *n)
{
	const struct shell_word *w = n->words->next;

	switch (b->id) {
	case SHELL_BUILTIN_KILL:
		/*
		 * kill in a pipeline or subshell causes a fallback: in dash the
		 * shell receives the signal while other processes of the
		 * pipeline or subshell continue.
		 */
		return !c->subshell_depth && supports_kill(w);
	case SHELL_BUILTIN_TEST:
		return supports_test(n->words);
	case SHELL_BUILTIN_SET:
		return supports_set(w);
	case SHELL_BUILTIN_EXPORT:
		return supports_export(w);
	case SHELL_BUILTIN_UNSET:
		return supports_unset(w);
	case SHELL_BUILTIN_COMMAND:
		/* Only command -v NAME is supported. */
		if (strcmp(literal_or_empty(w), "-v"))
			return false;
		w = w->next;
		return w && !w->next && *literal_or_empty(w) &&
		       *w->literal != '-';
	case SHELL_BUILTIN_CD:
		return !shell_vars_get(c->vars, "CDPATH");
	case SHELL_BUILTIN_PRINTF:
		return w && w->literal && *w->literal != '-' &&
		       shell_builtin_printf_supports(w->literal);
	case SHELL_BUILTIN_PWD:
	case SHELL_BUILTIN_WAIT:
		return !w;
	case SHELL_BUILTIN_EXEC:
		/*
		 * If exec fails, the descriptors that dash restores depend on
		 * the redirections before the failure.  Therefore exec of a
		 * program must have no redirection.  exec without a program can
		 * have one redirection, and at most one of the commands around
		 * it can have redirections.
		 */
		return w ? !n->redirs :
			   c->redirect_depth < 2 &&
				       !(n->redirs && n->redirs->next);
	default:
		return true;
	}
}

static int check_simple(struct subset_check *c, const struct shell_ast_node *n)
{
	const struct shell_builtin *b = find_literal_builtin(n);

	for (const struct shell_assign *a = n->assigns; a; a = a->next) {
		if (is_unsupported_variable(a->name, strlen(a->name)))
			return set_fallback(c, SHELL_FALLBACK_OTHER);
		if (check_words(c, a->value))
			return -ENOTSUP;
	}
	/* The expanded word can be any builtin. */
	if (n->words && !n->words->literal)
		return set_fallback(c, SHELL_FALLBACK_BUILTIN);
	if (check_words(c, n->words))
		return -ENOTSUP;
	if (!b || !n->words)
		return 0;
	if (!b->run)
		return set_fallback(c, SHELL_FALLBACK_BUILTIN);
	if (b->id == SHELL_BUILTIN_TRAP)
		return check_trap(c, n->words->next);
	return supports_builtin_args(c, b, n) ?
		       0 :
		       set_fallback(c, SHELL_FALLBACK_OPTION);
}

static int check_command(struct subset_check *c, const struct shell_ast_node *n)
{
	const struct shell_ast_node *below[3];
	bool apart, redirected;
	int ret;

	if (!n)
		return 0;
	for (const struct shell_redir *r = n->redirs; r; r = r->next) {
		/*
		 * Closing stdout or stderr causes a fallback, because dash
		 * retries a failed write later, at varying times.
		 */
		bool closes_output = r->source_fd == SHELL_REDIR_CLOSE_FD &&
				     (r->fd == STDOUT_FILENO ||
				      r->fd == STDERR_FILENO);

		if (r->kind == SHELL_REDIR_DUP && (r->word || closes_output))
			return set_fallback(c, SHELL_FALLBACK_OTHER);
		if (check_words(c, r->word))
			return -ENOTSUP;
	}
	if (n->kind == SHELL_AST_SIMPLE)
		return check_simple(c, n);
	if (n->kind == SHELL_AST_FOR &&
	    is_unsupported_variable(n->name, strlen(n->name)))
		return set_fallback(c, SHELL_FALLBACK_OTHER);
	ret = check_words(c, n->words);
	for (const struct shell_case_item *i = n->items; i && !ret;
	     i = i->next) {
		ret = check_words(c, i->patterns);
		if (!ret && i->body)
			ret = check_command(c, i->body);
	}
	if (ret)
		return ret;

	below[0] = n->test;
	below[1] = n->left;
	below[2] = n->right;
	apart = n->kind == SHELL_AST_PIPELINE || n->kind == SHELL_AST_SUBSHELL;
	redirected = n->redirs != NULL;
	c->redirect_depth += redirected;
	c->subshell_depth += apart;
	for (size_t i = 0; i < ARRAY_SIZE(below) && !ret; i++)
		ret = below[i] ? check_command(c, below[i]) : 0;
	for (n = n->list; n && !ret; n = n->next)
		ret = check_command(c, n);
	c->subshell_depth -= apart;
	c->redirect_depth -= redirected;
	return ret;
}

int shell_subset_check(struct arena *a, const struct shell_vars *vars,
		       const struct shell_ast_node *list,
		       enum shell_fallback_reason *why)
{
	struct subset_check c = { .arena = a, .vars = vars };
	int ret = check_command(&c, list);

	*why = c.reason;
	return ret;
}
