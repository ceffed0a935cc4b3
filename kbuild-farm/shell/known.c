/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/known.h"

#include "base/buf.h"
#include "shell/builtin.h"
#include "shell/parse.h"
#include "shell/signals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Traps in traps. */
#define DEPTH_MAX 3

struct check {
	struct arena *arena;
	const struct shell_vars *vars;
	enum shell_why why;
	unsigned depth;
	unsigned redirected; /* how many redirected commands it is in */
	unsigned apart; /* how many pipes, subshells and $() it is in */
};

static const struct shell_builtin *builtin_of(const struct shell_node *n)
{
	return n->words && n->words->literal ?
		       shell_builtin_find(n->words->literal) :
		       NULL;
}

static bool is_list_pure(const struct shell_node *n)
{
	for (; n; n = n->next) {
		if (!shell_known_pure(n))
			return false;
	}
	return true;
}

/* ${x=word} changes a variable. */
static bool are_words_pure(const struct shell_word *w)
{
	for (; w; w = w->next) {
		for (const struct shell_part *p = w->parts; p; p = p->next) {
			if (p->kind != SHELL_PARAM)
				continue;
			if (p->op == SHELL_ASSIGN || !are_words_pure(p->word))
				return false;
		}
	}
	return true;
}

static bool are_redirs_pure(const struct shell_redir *r)
{
	for (; r; r = r->next) {
		if (r->word && !are_words_pure(r->word))
			return false;
	}
	return true;
}

static bool is_simple_pure(const struct shell_node *n)
{
	const struct shell_builtin *b = builtin_of(n);

	if (!n->words || !n->words->literal || !are_words_pure(n->words))
		return false;
	for (const struct shell_assign *a = n->assigns; a; a = a->next) {
		if (!are_words_pure(a->value))
			return false;
	}
	return !b || (b->pure && !(b->special && n->assigns));
}

static bool are_items_pure(const struct shell_item *i)
{
	for (; i; i = i->next) {
		if (!are_words_pure(i->patterns) ||
		    (i->body && !shell_known_pure(i->body)))
			return false;
	}
	return true;
}

bool shell_known_pure(const struct shell_node *n)
{
	if (!are_redirs_pure(n->redirs))
		return false;
	switch (n->kind) {
	case SHELL_SIMPLE:
		return is_simple_pure(n);
	case SHELL_PIPE:
	case SHELL_SUBSHELL:
		return true; /* what is in it has subshells of its own */
	case SHELL_LIST:
		return is_list_pure(n->list);
	case SHELL_NOT:
	case SHELL_REDIRECTED:
		return shell_known_pure(n->left);
	case SHELL_AND:
	case SHELL_OR:
		return shell_known_pure(n->left) && shell_known_pure(n->right);
	case SHELL_IF:
		return shell_known_pure(n->test) && shell_known_pure(n->left) &&
		       (!n->right || shell_known_pure(n->right));
	case SHELL_CASE:
		return are_words_pure(n->words) && are_items_pure(n->items);
	case SHELL_WHILE:
	case SHELL_UNTIL:
		return shell_known_pure(n->test) && shell_known_pure(n->left);
	case SHELL_FOR:
		break;
	}
	return false;
}

/* Opening a pipe by its name waits for the other end, which may come later. */
static bool may_block(const struct shell_redir *r)
{
	struct stat st;

	for (; r; r = r->next) {
		if (r->kind == SHELL_DUP || r->kind == SHELL_HERE)
			continue;
		if (!r->word->literal ||
		    (!stat(r->word->literal, &st) && S_ISFIFO(st.st_mode)))
			return true;
	}
	return false;
}

bool shell_known_program(const struct shell_node *n)
{
	return n->kind == SHELL_SIMPLE && n->words && n->words->literal &&
	       !builtin_of(n) && shell_known_pure(n) && !may_block(n->redirs);
}

/* A terminal is another thing for test than what takes the place of one. */
static bool asks_terminal(const struct shell_word *w)
{
	for (; w; w = w->next) {
		if (!w->literal || !strcmp(w->literal, "-t"))
			return true;
	}
	return false;
}

bool shell_known_prints(const struct shell_node *n)
{
	const struct shell_builtin *b;

	switch (n->kind) {
	case SHELL_SIMPLE:
		b = builtin_of(n);
		return b && b->pure && !n->redirs && shell_known_pure(n) &&
		       (b->run != shell_test || !asks_terminal(n->words));
	case SHELL_LIST:
		for (n = n->list; n; n = n->next) {
			if (!shell_known_prints(n))
				return false;
		}
		return true;
	case SHELL_AND:
	case SHELL_OR:
		return shell_known_prints(n->left) &&
		       shell_known_prints(n->right);
	default:
		return false;
	}
}

/* ------------------------------------------------ before anything is done */

static int check_command(struct check *c, const struct shell_node *n);
static int check_words(struct check *c, const struct shell_word *w);

static int check_apart(struct check *c, const struct shell_node *n)
{
	int ret;

	c->apart++;
	ret = check_command(c, n);
	c->apart--;
	return ret;
}

static int hand_on(struct check *c, enum shell_why why)
{
	c->why = why;
	return -ENOTSUP;
}

/* Variables that change what dash itself does, or where make finds us. */
static bool is_odd_variable(const char *name, size_t len)
{
	static const char *const odd[] = { "OPTIND",    "CDPATH",   "LINENO",
					   "MAIL",      "MAILPATH", "PS4",
					   "MAKEFILES", "PPID" };

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		if (strlen(odd[i]) == len && !memcmp(name, odd[i], len))
			return true;
	}
	return false;
}

static int check_parts(struct check *c, const struct shell_part *p)
{
	int ret = 0;

	for (; p && !ret; p = p->next) {
		if (p->kind == SHELL_PARAM && p->op == SHELL_ASSIGN &&
		    is_odd_variable(p->name, strlen(p->name)))
			return hand_on(c, SHELL_WHY_OTHER);
		if (p->kind == SHELL_PARAM)
			ret = check_words(c, p->word);
		else if (p->kind == SHELL_COMMANDS && p->list)
			ret = check_apart(c, p->list);
	}
	return ret;
}

static int check_words(struct check *c, const struct shell_word *w)
{
	int ret = 0;

	for (; w && !ret; w = w->next)
		ret = check_parts(c, w->parts);
	return ret;
}

static bool are_literal(const struct shell_word *w)
{
	for (; w; w = w->next) {
		if (!w->literal)
			return false;
	}
	return true;
}

static const char *literal_of(const struct shell_word *w)
{
	return w && w->literal ? w->literal : "";
}

static bool is_pid(const struct shell_part *p)
{
	return p->kind == SHELL_PARAM && p->op == SHELL_VALUE &&
	       !strcmp(p->name, "$");
}

/* `$$`, or quoted, and nothing else. */
static bool is_own_pid(const struct shell_word *w)
{
	const struct shell_part *p = w ? w->parts : NULL;

	return p && !p->next && !w->next && is_pid(p);
}

/* kill [-s NAME | -NAME] $$ */
static bool knows_kill(const struct shell_word *w)
{
	const char *option = literal_of(w);
	int sig = SIGTERM;

	if (!strcmp(option, "-s")) {
		w = w->next;
		sig = shell_trap_number(literal_of(w));
	} else if (*option == '-') {
		sig = shell_trap_number(option + 1);
	} else {
		return is_own_pid(w);
	}
	return sig > 0 && w && is_own_pid(w->next);
}

static bool knows_set(const struct shell_word *w)
{
	if (!w)
		return false;
	for (; w; w = w->next) {
		const char *s = literal_of(w);

		if (!strcmp(s, "--"))
			return true;
		if (!w->literal)
			return false;
		if (*s != '-' && *s != '+')
			return are_literal(w);
		if (!s[1] || s[1 + strspn(s + 1, "ef")])
			return false;
	}
	return true;
}

static bool knows_export(const struct shell_word *w)
{
	if (!w)
		return false;
	for (; w; w = w->next) {
		const char *s = w->literal;

		if (!s && w->assignment && w->parts->kind == SHELL_TEXT)
			s = w->parts->text;
		if (!s || *s == '-' || is_odd_variable(s, strcspn(s, "=")))
			return false;
	}
	return true;
}

static bool knows_unset(const struct shell_word *w)
{
	for (; w; w = w->next) {
		const char *s = literal_of(w);

		if (!*s || *s == '-' || is_odd_variable(s, strlen(s)))
			return false;
	}
	return true;
}

/* command -v NAME */
static bool knows_command(const struct shell_word *w)
{
	if (strcmp(literal_of(w), "-v"))
		return false;
	w = w->next;
	return w && !w->next && *literal_of(w) && *w->literal != '-';
}

static int check_action(struct check *c, const char *action)
{
	struct arena_mark mark = arena_mark(c->arena);
	const struct shell_node *list;
	int ret;

	if (!strcmp(action, "-") || !*action)
		return 0;
	if (c->depth == DEPTH_MAX)
		return hand_on(c, SHELL_WHY_DEPTH);
	c->depth++;
	ret = shell_parse(c->arena, bytes_str(action), &list, &c->why);
	if (!ret)
		ret = check_command(c, list);
	c->depth--;
	arena_rewind(c->arena, mark);
	return ret;
}

/* A trap's text as it may be; NULL: more than $$ is expanded in it. */
static const char *action_of(struct buf *out, const struct shell_word *w)
{
	if (w->literal)
		return w->literal;
	for (const struct shell_part *p = w->parts; p; p = p->next) {
		if (p->kind == SHELL_TEXT && p->quoted)
			buf_add(out, p->text, p->len);
		else if (p->quoted && is_pid(p))
			buf_add(out, "1", 1);
		else
			return NULL;
	}
	buf_add(out, "", 1);
	return (const char *)out->data;
}

static int check_trap_of(struct check *c, const char *first,
			 const struct shell_word *signals)
{
	if (!first || !signals || !are_literal(signals))
		return hand_on(c, SHELL_WHY_OPTION);
	if ((*first == '-' && first[1]) || (*first >= '0' && *first <= '9'))
		return hand_on(c, SHELL_WHY_OPTION);
	for (; signals; signals = signals->next) {
		if (shell_trap_number(signals->literal) < 0)
			return hand_on(c, SHELL_WHY_OPTION);
	}
	return check_action(c, first);
}

static int check_trap(struct check *c, const struct shell_word *w)
{
	struct buf action = { 0 };
	int ret;

	if (!w)
		return hand_on(c, SHELL_WHY_OPTION);
	ret = check_trap_of(c, action_of(&action, w), w->next);
	buf_release(&action);
	return ret;
}

/* In an EXIT trap $? is all of it, elsewhere what wait() leaves. */
static bool knows_exit(const struct shell_word *w)
{
	return strlen(literal_of(w)) < 3 || atoi(w->literal) <= 255;
}

/*
 * What dash puts back, where the program or a redirection fails, depends on
 * what was put aside before.
 */
static bool knows_exec(const struct check *c, const struct shell_word *w,
		       const struct shell_redir *r)
{
	return w ? !r : c->redirected < 2 && !(r && r->next);
}

static bool knows_words(const struct check *c, const struct shell_builtin *b,
			const struct shell_node *n)
{
	const struct shell_word *w = n->words->next;

	/* In dash the shell hears it while others go on. */
	if (b->run == shell_kill)
		return !c->apart && knows_kill(w);
	if (b->run == shell_set)
		return knows_set(w);
	if (b->run == shell_export)
		return knows_export(w);
	if (b->run == shell_unset)
		return knows_unset(w);
	if (b->run == shell_command_v)
		return knows_command(w);
	if (b->run == shell_cd)
		return !shell_vars_get(c->vars, "CDPATH");
	if (b->run == shell_printf)
		return w && w->literal && *w->literal != '-' &&
		       shell_printf_knows(w->literal);
	if (b->run == shell_pwd || !strcmp(b->name, "wait"))
		return !w;
	if (b->run == shell_exit)
		return knows_exit(w);
	if (!strcmp(b->name, "exec"))
		return knows_exec(c, w, n->redirs);
	return true;
}

static int check_simple(struct check *c, const struct shell_node *n)
{
	const struct shell_builtin *b = builtin_of(n);

	for (const struct shell_assign *a = n->assigns; a; a = a->next) {
		if (is_odd_variable(a->name, strlen(a->name)))
			return hand_on(c, SHELL_WHY_OTHER);
		if (check_words(c, a->value))
			return -ENOTSUP;
	}
	if (n->words && !n->words->literal)
		return hand_on(c, SHELL_WHY_BUILTIN); /* it may become any */
	if (check_words(c, n->words))
		return -ENOTSUP;
	if (!b || !n->words)
		return 0;
	if (!b->run)
		return hand_on(c, SHELL_WHY_BUILTIN);
	if (b->run == shell_trap)
		return check_trap(c, n->words->next);
	return knows_words(c, b, n) ? 0 : hand_on(c, SHELL_WHY_OPTION);
}

/* What dash could not write it tries again, now and then. */
static bool closes_output(const struct shell_redir *r)
{
	return r->from == SHELL_CLOSE &&
	       (r->fd == STDOUT_FILENO || r->fd == STDERR_FILENO);
}

static int check_redirs(struct check *c, const struct shell_redir *r)
{
	for (; r; r = r->next) {
		if (r->kind == SHELL_DUP && (r->word || closes_output(r)))
			return hand_on(c, SHELL_WHY_OTHER);
		if (check_words(c, r->word))
			return -ENOTSUP;
	}
	return 0;
}

static int check_items(struct check *c, const struct shell_item *i)
{
	int ret = 0;

	for (; i && !ret; i = i->next) {
		ret = check_words(c, i->patterns);
		if (!ret && i->body)
			ret = check_command(c, i->body);
	}
	return ret;
}

static int check_below(struct check *c, const struct shell_node *n)
{
	const struct shell_node *below[] = { n->test, n->left, n->right };
	bool apart = n->kind == SHELL_PIPE || n->kind == SHELL_SUBSHELL;
	bool redirected = n->redirs != NULL;
	int ret = 0;

	c->redirected += redirected;
	c->apart += apart;
	for (size_t i = 0; i < sizeof(below) / sizeof(*below) && !ret; i++)
		ret = below[i] ? check_command(c, below[i]) : 0;
	for (n = n->list; n && !ret; n = n->next)
		ret = check_command(c, n);
	c->apart -= apart;
	c->redirected -= redirected;
	return ret;
}

static int check_command(struct check *c, const struct shell_node *n)
{
	int ret;

	if (!n)
		return 0;
	ret = check_redirs(c, n->redirs);
	if (!ret && n->kind == SHELL_SIMPLE)
		return check_simple(c, n);
	if (!ret && n->kind == SHELL_FOR &&
	    is_odd_variable(n->name, strlen(n->name)))
		ret = hand_on(c, SHELL_WHY_OTHER);
	if (!ret)
		ret = check_words(c, n->words);
	if (!ret)
		ret = check_items(c, n->items);
	return ret ? ret : check_below(c, n);
}

int shell_known_check(struct arena *a, const struct shell_vars *vars,
		      const struct shell_node *list, enum shell_why *why)
{
	struct check c = { .arena = a, .vars = vars };
	int ret = check_command(&c, list);

	*why = c.why;
	return ret;
}
