/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recursive-descent parser with one token of lookahead: a token that belongs
 * to the caller is pushed back.  After a failure every token is TOKEN_END, so
 * the functions need not check for failures.
 */
#include "shell/parse.h"

#include "shell/lex.h"

#include <errno.h>
#include <string.h>

#define SCRIPT_BYTES_MAX (2 << 20)
#define CHAIN_MAX        1000

/* Whether a list can be empty. */
enum list_form {
	LIST_BODY, /* body of a compound command: at least one command */
	LIST_OPTIONAL, /* $( ), the branch of a case, or the script */
};

static struct shell_ast_node *parse_list(struct shell_lexer *lx,
					 enum list_form form);

static void fail_syntax(struct shell_lexer *lx)
{
	shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
}

static void expect_token(struct shell_lexer *lx, enum shell_token token,
			 unsigned how)
{
	if (shell_lex_next(lx, how) != token)
		fail_syntax(lx);
}

/*
 * Limit a chain of elif, && or ||, because executing it recurses once per link.
 */
static bool is_chain_too_long(struct shell_lexer *lx, unsigned links)
{
	if (links < CHAIN_MAX)
		return false;
	shell_lexer_fail(lx, SHELL_FALLBACK_DEPTH);
	return true;
}

static struct shell_ast_node *new_ast_node(struct shell_lexer *lx,
					   enum shell_ast_kind kind,
					   unsigned line)
{
	struct shell_ast_node *node = arena_alloc(lx->arena, sizeof(*node));

	*node = (struct shell_ast_node){ .kind = kind, .line = line };
	return node;
}

/*
 * Turn the last word, which begins with NAME=, into an assignment.  The "=" is
 * overwritten to terminate the name.
 */
static struct shell_assign *new_assign(struct shell_lexer *lx)
{
	struct shell_assign *assign = arena_alloc(lx->arena, sizeof(*assign));
	struct shell_word *word = lx->last_word.word;
	size_t value = lx->last_word.value_offset;
	struct shell_part *part;

	*assign = (struct shell_assign){ .name = lx->last_word.text,
					 .value = word };
	lx->last_word.text[value - 1] = '\0';
	if (word->literal)
		word->literal += value;
	if (word->parts) {
		part = arena_alloc(lx->arena, sizeof(*part));
		*part = *word->parts;
		part->text += value;
		part->len -= value;
		/* an empty text part would denote a quote */
		word->parts = part->len ? part : part->next;
	}
	return assign;
}

static struct shell_ast_node *parse_simple(struct shell_lexer *lx)
{
	struct shell_ast_node *node = new_ast_node(lx, SHELL_AST_SIMPLE,
						   lx->line);
	const struct shell_assign **assigns = &node->assigns;
	const struct shell_word **words = &node->words;
	const struct shell_redir **redirs = &node->redirs;
	struct shell_assign *assign;

	for (;;) {
		switch (shell_lex_next(lx, 0)) {
		case TOKEN_WORD:
			if (words == &node->words &&
			    lx->last_word.value_offset) {
				assign = new_assign(lx);
				*assigns = assign;
				assigns = &assign->next;
			} else {
				*words = lx->last_word.word;
				words = &lx->last_word.word->next;
			}
			break;
		case TOKEN_REDIR:
			*redirs = lx->redir;
			redirs = &lx->redir->next;
			break;
		case TOKEN_PAREN_OPEN:
			shell_lexer_fail(lx, SHELL_FALLBACK_FUNCTION);
			/* fall through */
		default:
			shell_lex_push_back(lx);
			return node;
		}
	}
}

static void parse_if(struct shell_lexer *lx, struct shell_ast_node *node)
{
	struct shell_ast_node *more;

	for (unsigned n = 0;; n++) {
		node->test = parse_list(lx, LIST_BODY);
		expect_token(lx, TOKEN_THEN, 0);
		node->left = parse_list(lx, LIST_BODY);
		if (shell_lex_next(lx, 0) != TOKEN_ELIF ||
		    is_chain_too_long(lx, n))
			break;
		more = new_ast_node(lx, SHELL_AST_IF, lx->line);
		node->right = more;
		node = more;
	}
	if (lx->token == TOKEN_ELSE)
		node->right = parse_list(lx, LIST_BODY);
	else
		shell_lex_push_back(lx);
	expect_token(lx, TOKEN_FI, 0);
}

static bool is_loop_variable(const struct shell_lexed_word *word)
{
	const char *p = word->text;

	if (word->quoted || !word->word->literal || !word->len ||
	    (*p >= '0' && *p <= '9'))
		return false;
	return strspn(p, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == word->len;
}

/* Return the word "$@", the default list of `for x`. */
static const struct shell_word *new_list_word(struct shell_lexer *lx)
{
	struct shell_word *word = arena_alloc(lx->arena, sizeof(*word));
	struct shell_part *part = arena_alloc(lx->arena, sizeof(*part));

	*part = (struct shell_part){ .kind = SHELL_PART_PARAM,
				     .quoted = true,
				     .name = "@" };
	*word = (struct shell_word){ .parts = part };
	return word;
}

static void parse_for_words(struct shell_lexer *lx, struct shell_ast_node *node)
{
	const struct shell_word **words = &node->words;

	if (shell_lex_next(lx, SHELL_LEX_SKIP_NEWLINES | SHELL_LEX_KEYWORDS) !=
	    TOKEN_IN) {
		node->words = new_list_word(lx);
		if (lx->token != TOKEN_SEMI)
			shell_lex_push_back(lx);
		return;
	}
	while (shell_lex_next(lx, 0) == TOKEN_WORD) {
		*words = lx->last_word.word;
		words = &lx->last_word.word->next;
	}
	/*
	 * dash does not read here-documents at the end of this line, so a
	 * pending here-document is rejected
	 */
	if (lx->token != TOKEN_SEMI &&
	    (lx->token != TOKEN_NEWLINE || lx->heredocs))
		fail_syntax(lx);
}

static void parse_for(struct shell_lexer *lx, struct shell_ast_node *node)
{
	if (shell_lex_next(lx, 0) != TOKEN_WORD ||
	    !is_loop_variable(&lx->last_word)) {
		fail_syntax(lx);
		return;
	}
	node->name = lx->last_word.word->literal;
	parse_for_words(lx, node);
	expect_token(lx, TOKEN_DO,
		     SHELL_LEX_SKIP_NEWLINES | SHELL_LEX_KEYWORDS);
	node->left = parse_list(lx, LIST_BODY);
	expect_token(lx, TOKEN_DONE, 0);
}

/*
 * Parse a branch of a case.  lx->token is its first pattern, or the parenthesis
 * before the pattern.
 */
static struct shell_case_item *parse_branch(struct shell_lexer *lx)
{
	struct shell_case_item *item = arena_alloc(lx->arena, sizeof(*item));
	const struct shell_word **patterns = &item->patterns;

	*item = (struct shell_case_item){ 0 };
	if (lx->token == TOKEN_PAREN_OPEN)
		shell_lex_next(lx, 0);
	for (;;) {
		/* a keyword is an ordinary word in a pattern */
		if (lx->token < TOKEN_WORD) {
			fail_syntax(lx);
			return item;
		}
		*patterns = lx->last_word.word;
		patterns = &lx->last_word.word->next;
		if (shell_lex_next(lx, 0) != TOKEN_PIPE)
			break;
		shell_lex_next(lx, 0);
	}
	if (lx->token != TOKEN_PAREN_CLOSE)
		fail_syntax(lx);
	item->body = parse_list(lx, LIST_OPTIONAL);
	return item;
}

static void parse_case(struct shell_lexer *lx, struct shell_ast_node *node)
{
	const unsigned how = SHELL_LEX_SKIP_NEWLINES | SHELL_LEX_KEYWORDS;
	const struct shell_case_item **items = &node->items;
	struct shell_case_item *item;

	if (shell_lex_next(lx, 0) != TOKEN_WORD) {
		fail_syntax(lx);
		return;
	}
	node->words = lx->last_word.word;
	expect_token(lx, TOKEN_IN, how);
	while (shell_lex_next(lx, how) != TOKEN_ESAC && !lx->fallback_reason) {
		item = parse_branch(lx);
		*items = item;
		items = &item->next;
		if (shell_lex_next(lx, how) == TOKEN_ESAC)
			return;
		if (lx->token != TOKEN_DOUBLE_SEMI)
			fail_syntax(lx);
	}
}

/* Parse the redirections after a compound command. */
static struct shell_ast_node *parse_redirs(struct shell_lexer *lx,
					   struct shell_ast_node *node,
					   unsigned line)
{
	const struct shell_redir *first = NULL, **redirs = &first;
	struct shell_ast_node *outer = node;

	while (shell_lex_next(lx, SHELL_LEX_KEYWORDS) == TOKEN_REDIR) {
		*redirs = lx->redir;
		redirs = &lx->redir->next;
	}
	shell_lex_push_back(lx);
	if (!first)
		return node;
	if (node->kind != SHELL_AST_SUBSHELL) {
		outer = new_ast_node(lx, SHELL_AST_REDIRECTED, line);
		outer->left = node;
	}
	outer->redirs = first;
	return outer;
}

static struct shell_ast_node *parse_compound(struct shell_lexer *lx,
					     unsigned line)
{
	struct shell_ast_node *node;

	switch (lx->token) {
	case TOKEN_IF:
		node = new_ast_node(lx, SHELL_AST_IF, line);
		parse_if(lx, node);
		break;
	case TOKEN_WHILE:
	case TOKEN_UNTIL:
		node = new_ast_node(lx,
				    lx->token == TOKEN_WHILE ? SHELL_AST_WHILE :
							       SHELL_AST_UNTIL,
				    line);
		node->test = parse_list(lx, LIST_BODY);
		expect_token(lx, TOKEN_DO, 0);
		node->left = parse_list(lx, LIST_BODY);
		expect_token(lx, TOKEN_DONE, 0);
		break;
	case TOKEN_FOR:
		node = new_ast_node(lx, SHELL_AST_FOR, line);
		parse_for(lx, node);
		break;
	case TOKEN_CASE:
		node = new_ast_node(lx, SHELL_AST_CASE, line);
		parse_case(lx, node);
		break;
	case TOKEN_PAREN_OPEN:
		node = new_ast_node(lx, SHELL_AST_SUBSHELL, line);
		node->left = parse_list(lx, LIST_BODY);
		expect_token(lx, TOKEN_PAREN_CLOSE, 0);
		break;
	default: /* TOKEN_BRACE_OPEN */
		node = parse_list(lx, LIST_BODY);
		expect_token(lx, TOKEN_BRACE_CLOSE, 0);
	}
	return parse_redirs(lx, node, line);
}

static struct shell_ast_node *parse_command(struct shell_lexer *lx,
					    unsigned how)
{
	unsigned line = lx->line;
	struct shell_ast_node *node;

	switch (shell_lex_next(lx, how)) {
	case TOKEN_WORD:
	case TOKEN_REDIR:
		shell_lex_push_back(lx);
		return parse_simple(lx);
	case TOKEN_IF:
	case TOKEN_WHILE:
	case TOKEN_UNTIL:
	case TOKEN_FOR:
	case TOKEN_CASE:
	case TOKEN_PAREN_OPEN:
	case TOKEN_BRACE_OPEN:
		break;
	default:
		fail_syntax(lx);
		return new_ast_node(lx, SHELL_AST_SIMPLE, line);
	}
	if (lx->depth >= SHELL_LEXER_DEPTH_MAX) {
		shell_lexer_fail(lx, SHELL_FALLBACK_DEPTH);
		return new_ast_node(lx, SHELL_AST_SIMPLE, line);
	}
	lx->depth++;
	node = parse_compound(lx, line);
	lx->depth--;
	return node;
}

/* Parse a pipeline.  `how` applies to its first token. */
static struct shell_ast_node *parse_pipe(struct shell_lexer *lx, unsigned how)
{
	struct shell_ast_node *pipe, *node, *not = NULL;

	if (shell_lex_next(lx, how) == TOKEN_NOT) {
		not = new_ast_node(lx, SHELL_AST_NOT, lx->line);
		how = SHELL_LEX_KEYWORDS;
	} else {
		shell_lex_push_back(lx);
		how = 0;
	}
	node = parse_command(lx, how);
	if (shell_lex_next(lx, 0) == TOKEN_PIPE) {
		pipe = new_ast_node(lx, SHELL_AST_PIPELINE, node->line);
		pipe->list = node;
		do {
			node->next = parse_command(lx,
						   SHELL_LEX_SKIP_NEWLINES |
							   SHELL_LEX_KEYWORDS);
			node = (struct shell_ast_node *)node->next;
		} while (shell_lex_next(lx, 0) == TOKEN_PIPE);
		node = pipe;
	}
	shell_lex_push_back(lx);
	if (!not )
		return node;
	not ->left = node;
	return not ;
}

static struct shell_ast_node *parse_and_or(struct shell_lexer *lx)
{
	struct shell_ast_node *node = parse_pipe(lx, 0), *both;

	for (unsigned n = 0; !is_chain_too_long(lx, n); n++) {
		shell_lex_next(lx, 0);
		if (lx->token != TOKEN_AND && lx->token != TOKEN_OR)
			break;
		both = new_ast_node(lx,
				    lx->token == TOKEN_AND ? SHELL_AST_AND :
							     SHELL_AST_OR,
				    node->line);
		both->left = node;
		both->right = parse_pipe(lx, SHELL_LEX_SKIP_NEWLINES |
						     SHELL_LEX_KEYWORDS);
		node = both;
	}
	shell_lex_push_back(lx);
	return node;
}

/* Return true if the token can end a list. */
static bool ends_list(enum shell_token token)
{
	switch (token) {
	case TOKEN_END:
	case TOKEN_PAREN_CLOSE:
	case TOKEN_DOUBLE_SEMI:
	case TOKEN_DO:
	case TOKEN_DONE:
	case TOKEN_ELIF:
	case TOKEN_ELSE:
	case TOKEN_ESAC:
	case TOKEN_FI:
	case TOKEN_THEN:
	case TOKEN_BRACE_CLOSE:
		return true;
	default:
		return false;
	}
}

/* Append a command to a list; two or more commands form a LIST node. */
static struct shell_ast_node *add_to_list(struct shell_lexer *lx,
					  struct shell_ast_node *list,
					  struct shell_ast_node **last,
					  struct shell_ast_node *node)
{
	struct shell_ast_node *all = list;

	if (!list) {
		*last = node;
		return node;
	}
	if (list == *last) {
		all = new_ast_node(lx, SHELL_AST_LIST, list->line);
		all->list = list;
	}
	(*last)->next = node;
	*last = node;
	return all;
}

/* Parse a list up to a token that cannot belong to it, which is pushed back. */
static struct shell_ast_node *parse_list(struct shell_lexer *lx,
					 enum list_form form)
{
	struct shell_ast_node *list = NULL, *last = NULL;

	for (;;) {
		shell_lex_next(lx,
			       SHELL_LEX_SKIP_NEWLINES | SHELL_LEX_KEYWORDS);
		shell_lex_push_back(lx);
		if (lx->token == TOKEN_END ||
		    (ends_list(lx->token) && (list || form == LIST_OPTIONAL)))
			return list;
		list = add_to_list(lx, list, &last, parse_and_or(lx));
		switch (shell_lex_next(lx, 0)) {
		case TOKEN_SEMI:
			break;
		case TOKEN_BACKGROUND:
			shell_lexer_fail(lx, SHELL_FALLBACK_BACKGROUND);
			break;
		case TOKEN_NEWLINE:
		default:
			shell_lex_push_back(lx);
			if (lx->token != TOKEN_NEWLINE)
				return list;
		}
	}
}

/* Parse the commands of a substitution, or of the whole script. */
static const struct shell_ast_node *parse_commands(struct shell_lexer *lx,
						   enum shell_token until)
{
	const struct shell_ast_node *list = parse_list(lx, LIST_OPTIONAL);

	expect_token(lx, until, 0);
	/*
	 * reject a pending here-document, which dash replaces by an empty one
	 */
	if (lx->heredocs)
		fail_syntax(lx);
	return list;
}

int shell_parse_script(struct arena *a, struct bytes text,
		       const struct shell_ast_node **out,
		       enum shell_fallback_reason *why)
{
	struct shell_lexer lx;
	const struct shell_ast_node *list;

	if (text.len > SCRIPT_BYTES_MAX) {
		*why = SHELL_FALLBACK_SIZE;
		return -ENOTSUP;
	}
	shell_lexer_init(&lx, a, text);
	lx.parse_commands = parse_commands;
	list = parse_commands(&lx, TOKEN_END);
	if (lx.fallback_reason) {
		*why = lx.fallback_reason;
		return -ENOTSUP;
	}
	*out = list;
	return 0;
}
