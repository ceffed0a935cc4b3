/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By recursive descent, one token ahead: a token that belongs to the caller is
 * pushed back.  A failure shows as the end of all tokens, so that nothing
 * here needs to stop at it.
 */
#include "shell/parse.h"

#include "shell/lex.h"

#include <errno.h>
#include <string.h>

#define SCRIPT_MAX (2 << 20)
#define CHAIN_MAX  1000

/* Whether a list may have no command in it, and what it ends with. */
enum list_form {
	LIST_BODY, /* of a compound command: one at least */
	LIST_MAYBE, /* $( ), the branch of a case, the script */
};

static struct shell_node *parse_list(struct shell_lexer *lx,
				     enum list_form form);

static void fail(struct shell_lexer *lx)
{
	shell_lexer_fail(lx, SHELL_WHY_SYNTAX);
}

static void expect(struct shell_lexer *lx, enum shell_token token, unsigned how)
{
	if (shell_lex(lx, how) != token)
		fail(lx);
}

/* Whoever runs it goes as deep as a chain is long. */
static bool too_long(struct shell_lexer *lx, unsigned links)
{
	if (links < CHAIN_MAX)
		return false;
	shell_lexer_fail(lx, SHELL_WHY_DEPTH);
	return true;
}

static struct shell_node *grow_node(struct shell_lexer *lx,
				    enum shell_node_kind kind, unsigned line)
{
	struct shell_node *node = arena_alloc(lx->arena, sizeof(*node));

	*node = (struct shell_node){ .kind = kind, .line = line };
	return node;
}

/* NAME=value, taken apart: the name ends where the "=" was. */
static struct shell_assign *new_assign(struct shell_lexer *lx)
{
	struct shell_assign *assign = arena_alloc(lx->arena, sizeof(*assign));
	struct shell_word *word = lx->last.word;
	size_t value = lx->last.value;
	struct shell_part *part;

	*assign = (struct shell_assign){ .name = lx->last.text, .value = word };
	lx->last.text[value - 1] = '\0';
	if (word->literal)
		word->literal += value;
	if (word->parts) {
		part = arena_alloc(lx->arena, sizeof(*part));
		*part = *word->parts;
		part->text += value;
		part->len -= value;
		/* A text of no length would be a quote. */
		word->parts = part->len ? part : part->next;
	}
	return assign;
}

static struct shell_node *parse_simple(struct shell_lexer *lx)
{
	struct shell_node *node = grow_node(lx, SHELL_SIMPLE, lx->line);
	const struct shell_assign **assigns = &node->assigns;
	const struct shell_word **words = &node->words;
	const struct shell_redir **redirs = &node->redirs;
	struct shell_assign *assign;

	for (;;) {
		switch (shell_lex(lx, 0)) {
		case TOKEN_WORD:
			if (words == &node->words && lx->last.value) {
				assign = new_assign(lx);
				*assigns = assign;
				assigns = &assign->next;
			} else {
				*words = lx->last.word;
				words = &lx->last.word->next;
			}
			break;
		case TOKEN_REDIR:
			*redirs = lx->redir;
			redirs = &lx->redir->next;
			break;
		case TOKEN_OPEN:
			shell_lexer_fail(lx, SHELL_WHY_FUNCTION);
			/* fall through */
		default:
			shell_lex_push(lx);
			return node;
		}
	}
}

static void parse_if(struct shell_lexer *lx, struct shell_node *node)
{
	struct shell_node *more;

	for (unsigned n = 0;; n++) {
		node->test = parse_list(lx, LIST_BODY);
		expect(lx, TOKEN_THEN, 0);
		node->left = parse_list(lx, LIST_BODY);
		if (shell_lex(lx, 0) != TOKEN_ELIF || too_long(lx, n))
			break;
		more = grow_node(lx, SHELL_IF, lx->line);
		node->right = more;
		node = more;
	}
	if (lx->token == TOKEN_ELSE)
		node->right = parse_list(lx, LIST_BODY);
	else
		shell_lex_push(lx);
	expect(lx, TOKEN_FI, 0);
}

static void parse_while(struct shell_lexer *lx, struct shell_node *node)
{
	node->test = parse_list(lx, LIST_BODY);
	expect(lx, TOKEN_DO, 0);
	node->left = parse_list(lx, LIST_BODY);
	expect(lx, TOKEN_DONE, 0);
}

static bool is_loop_variable(const struct shell_lexed *word)
{
	const char *p = word->text;

	if (word->quoted || !word->word->literal || !word->len ||
	    (*p >= '0' && *p <= '9'))
		return false;
	return strspn(p, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == word->len;
}

/* "$@", which is what `for x` goes over. */
static const struct shell_word *new_list_word(struct shell_lexer *lx)
{
	struct shell_word *word = arena_alloc(lx->arena, sizeof(*word));
	struct shell_part *part = arena_alloc(lx->arena, sizeof(*part));

	*part = (struct shell_part){ .kind = SHELL_PARAM,
				     .quoted = true,
				     .name = "@" };
	*word = (struct shell_word){ .parts = part };
	return word;
}

static void parse_for_words(struct shell_lexer *lx, struct shell_node *node)
{
	const struct shell_word **words = &node->words;

	if (shell_lex(lx, TOKENS_LINES | TOKENS_KEYWORD) != TOKEN_IN) {
		node->words = new_list_word(lx);
		if (lx->token != TOKEN_SEMI)
			shell_lex_push(lx);
		return;
	}
	while (shell_lex(lx, 0) == TOKEN_WORD) {
		*words = lx->last.word;
		words = &lx->last.word->next;
	}
	/* dash does not read here-documents at the end of this line. */
	if (lx->token != TOKEN_SEMI &&
	    (lx->token != TOKEN_NEWLINE || lx->heres))
		fail(lx);
}

static void parse_for(struct shell_lexer *lx, struct shell_node *node)
{
	if (shell_lex(lx, 0) != TOKEN_WORD || !is_loop_variable(&lx->last)) {
		fail(lx);
		return;
	}
	node->name = lx->last.word->literal;
	parse_for_words(lx, node);
	expect(lx, TOKEN_DO, TOKENS_LINES | TOKENS_KEYWORD);
	node->left = parse_list(lx, LIST_BODY);
	expect(lx, TOKEN_DONE, 0);
}

/* The last token is the first pattern, or the parenthesis in front of it. */
static struct shell_item *parse_branch(struct shell_lexer *lx)
{
	struct shell_item *item = arena_alloc(lx->arena, sizeof(*item));
	const struct shell_word **patterns = &item->patterns;

	*item = (struct shell_item){ 0 };
	if (lx->token == TOKEN_OPEN)
		shell_lex(lx, 0);
	for (;;) {
		/* A keyword is a pattern as any word is. */
		if (lx->token < TOKEN_WORD) {
			fail(lx);
			return item;
		}
		*patterns = lx->last.word;
		patterns = &lx->last.word->next;
		if (shell_lex(lx, 0) != TOKEN_PIPE)
			break;
		shell_lex(lx, 0);
	}
	if (lx->token != TOKEN_CLOSE)
		fail(lx);
	item->body = parse_list(lx, LIST_MAYBE);
	return item;
}

static void parse_case(struct shell_lexer *lx, struct shell_node *node)
{
	const unsigned how = TOKENS_LINES | TOKENS_KEYWORD;
	const struct shell_item **items = &node->items;
	struct shell_item *item;

	if (shell_lex(lx, 0) != TOKEN_WORD) {
		fail(lx);
		return;
	}
	node->words = lx->last.word;
	expect(lx, TOKEN_IN, how);
	while (shell_lex(lx, how) != TOKEN_ESAC && !lx->why) {
		item = parse_branch(lx);
		*items = item;
		items = &item->next;
		if (shell_lex(lx, how) == TOKEN_ESAC)
			return;
		if (lx->token != TOKEN_BREAK)
			fail(lx);
	}
}

/* The redirections behind a compound command. */
static struct shell_node *parse_redirs(struct shell_lexer *lx,
				       struct shell_node *node, unsigned line)
{
	const struct shell_redir *first = NULL, **redirs = &first;
	struct shell_node *outer = node;

	while (shell_lex(lx, TOKENS_KEYWORD) == TOKEN_REDIR) {
		*redirs = lx->redir;
		redirs = &lx->redir->next;
	}
	shell_lex_push(lx);
	if (!first)
		return node;
	if (node->kind != SHELL_SUBSHELL) {
		outer = grow_node(lx, SHELL_REDIRECTED, line);
		outer->left = node;
	}
	outer->redirs = first;
	return outer;
}

static struct shell_node *parse_compound(struct shell_lexer *lx, unsigned line)
{
	struct shell_node *node;

	switch (lx->token) {
	case TOKEN_IF:
		node = grow_node(lx, SHELL_IF, line);
		parse_if(lx, node);
		break;
	case TOKEN_WHILE:
	case TOKEN_UNTIL:
		node = grow_node(lx,
				 lx->token == TOKEN_WHILE ? SHELL_WHILE :
							    SHELL_UNTIL,
				 line);
		parse_while(lx, node);
		break;
	case TOKEN_FOR:
		node = grow_node(lx, SHELL_FOR, line);
		parse_for(lx, node);
		break;
	case TOKEN_CASE:
		node = grow_node(lx, SHELL_CASE, line);
		parse_case(lx, node);
		break;
	case TOKEN_OPEN:
		node = grow_node(lx, SHELL_SUBSHELL, line);
		node->left = parse_list(lx, LIST_BODY);
		expect(lx, TOKEN_CLOSE, 0);
		break;
	default: /* TOKEN_BEGIN */
		node = parse_list(lx, LIST_BODY);
		expect(lx, TOKEN_DONE_GROUP, 0);
	}
	return parse_redirs(lx, node, line);
}

static struct shell_node *parse_command(struct shell_lexer *lx, unsigned how)
{
	unsigned line = lx->line;
	struct shell_node *node;

	switch (shell_lex(lx, how)) {
	case TOKEN_WORD:
	case TOKEN_REDIR:
		shell_lex_push(lx);
		return parse_simple(lx);
	case TOKEN_IF:
	case TOKEN_WHILE:
	case TOKEN_UNTIL:
	case TOKEN_FOR:
	case TOKEN_CASE:
	case TOKEN_OPEN:
	case TOKEN_BEGIN:
		break;
	default:
		fail(lx);
		return grow_node(lx, SHELL_SIMPLE, line);
	}
	if (lx->depth >= SHELL_DEPTH_MAX) {
		shell_lexer_fail(lx, SHELL_WHY_DEPTH);
		return grow_node(lx, SHELL_SIMPLE, line);
	}
	lx->depth++;
	node = parse_compound(lx, line);
	lx->depth--;
	return node;
}

/* `how` is how its first token is read. */
static struct shell_node *parse_pipe(struct shell_lexer *lx, unsigned how)
{
	struct shell_node *pipe, *node, *not = NULL;

	if (shell_lex(lx, how) == TOKEN_NOT) {
		not = grow_node(lx, SHELL_NOT, lx->line);
		how = TOKENS_KEYWORD;
	} else {
		shell_lex_push(lx);
		how = 0;
	}
	node = parse_command(lx, how);
	if (shell_lex(lx, 0) == TOKEN_PIPE) {
		pipe = grow_node(lx, SHELL_PIPE, node->line);
		pipe->list = node;
		do {
			node->next = parse_command(lx, TOKENS_LINES |
							       TOKENS_KEYWORD);
			node = (struct shell_node *)node->next;
		} while (shell_lex(lx, 0) == TOKEN_PIPE);
		node = pipe;
	}
	shell_lex_push(lx);
	if (!not )
		return node;
	not ->left = node;
	return not ;
}

static struct shell_node *parse_and_or(struct shell_lexer *lx)
{
	struct shell_node *node = parse_pipe(lx, 0), *both;

	for (unsigned n = 0; !too_long(lx, n); n++) {
		shell_lex(lx, 0);
		if (lx->token != TOKEN_AND && lx->token != TOKEN_OR)
			break;
		both = grow_node(lx,
				 lx->token == TOKEN_AND ? SHELL_AND : SHELL_OR,
				 node->line);
		both->left = node;
		both->right = parse_pipe(lx, TOKENS_LINES | TOKENS_KEYWORD);
		node = both;
	}
	shell_lex_push(lx);
	return node;
}

/* Can a list end with it? */
static bool ends_list(enum shell_token token)
{
	switch (token) {
	case TOKEN_END:
	case TOKEN_CLOSE:
	case TOKEN_BREAK:
	case TOKEN_DO:
	case TOKEN_DONE:
	case TOKEN_ELIF:
	case TOKEN_ELSE:
	case TOKEN_ESAC:
	case TOKEN_FI:
	case TOKEN_THEN:
	case TOKEN_DONE_GROUP:
		return true;
	default:
		return false;
	}
}

/* What was read so far, and one more: two and more are a LIST. */
static struct shell_node *add_to_list(struct shell_lexer *lx,
				      struct shell_node *list,
				      struct shell_node **last,
				      struct shell_node *node)
{
	struct shell_node *all = list;

	if (!list) {
		*last = node;
		return node;
	}
	if (list == *last) {
		all = grow_node(lx, SHELL_LIST, list->line);
		all->list = list;
	}
	(*last)->next = node;
	*last = node;
	return all;
}

/* Up to a token that is none of its own, which is pushed back. */
static struct shell_node *parse_list(struct shell_lexer *lx,
				     enum list_form form)
{
	struct shell_node *list = NULL, *last = NULL;

	for (;;) {
		shell_lex(lx, TOKENS_LINES | TOKENS_KEYWORD);
		shell_lex_push(lx);
		if (lx->token == TOKEN_END ||
		    (ends_list(lx->token) && (list || form == LIST_MAYBE)))
			return list;
		list = add_to_list(lx, list, &last, parse_and_or(lx));
		switch (shell_lex(lx, 0)) {
		case TOKEN_SEMI:
			break;
		case TOKEN_BACKGROUND:
			shell_lexer_fail(lx, SHELL_WHY_BACKGROUND);
			break;
		case TOKEN_NEWLINE:
		default:
			shell_lex_push(lx);
			if (lx->token != TOKEN_NEWLINE)
				return list;
		}
	}
}

/* What words have in them. */
static const struct shell_node *parse_commands(struct shell_lexer *lx,
					       enum shell_token until)
{
	const struct shell_node *list = parse_list(lx, LIST_MAYBE);

	expect(lx, until, 0);
	/* Of a document that has not begun dash makes an empty one. */
	if (lx->heres)
		fail(lx);
	return list;
}

int shell_parse(struct arena *a, struct bytes text,
		const struct shell_node **out, enum shell_why *why)
{
	struct shell_lexer lx;
	const struct shell_node *list;

	if (text.len > SCRIPT_MAX) {
		*why = SHELL_WHY_SIZE;
		return -ENOTSUP;
	}
	shell_lexer_init(&lx, a, text);
	lx.commands = parse_commands;
	list = parse_commands(&lx, TOKEN_END);
	if (lx.why) {
		*why = lx.why;
		return -ENOTSUP;
	}
	*out = list;
	return 0;
}
