/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recursive-descent parser with one token of lookahead: a token that belongs
 * to the caller is pushed back.  After a failure every token is TOKEN_END, so
 * the functions need not check for failures.
 */
#include "shell/parse.h"

#include "base/vec.h"
#include "shell/vars.h"
#include "shell/word.h"

#include <errno.h>
#include <string.h>

#define SCRIPT_BYTES_MAX (2 << 20)
#define CHAIN_MAX        1000

/* ------------------------------------------------------------------ tokens */

/* Flags of next_token(). */
enum {
	LEX_SKIP_NEWLINES = 1, /* newlines before the token are skipped */
	LEX_KEYWORDS = 2, /* the token can be a keyword */
};

static const struct {
	char word[6];
	uint8_t len;
	uint8_t token;
} keywords[] = {
	{ "!", 1, TOKEN_NOT },        { "case", 4, TOKEN_CASE },
	{ "do", 2, TOKEN_DO },        { "done", 4, TOKEN_DONE },
	{ "elif", 4, TOKEN_ELIF },    { "else", 4, TOKEN_ELSE },
	{ "esac", 4, TOKEN_ESAC },    { "fi", 2, TOKEN_FI },
	{ "for", 3, TOKEN_FOR },      { "if", 2, TOKEN_IF },
	{ "in", 2, TOKEN_IN },        { "then", 4, TOKEN_THEN },
	{ "until", 5, TOKEN_UNTIL },  { "while", 5, TOKEN_WHILE },
	{ "{", 1, TOKEN_BRACE_OPEN }, { "}", 1, TOKEN_BRACE_CLOSE },
};

/* Return the token of a keyword, or TOKEN_WORD for any other word. */
static enum shell_token keyword_token(const char *word, size_t len)
{
	if (len > 5)
		return TOKEN_WORD;
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (keywords[i].len == len &&
		    !memcmp(keywords[i].word, word, len))
			return keywords[i].token;
	}
	return TOKEN_WORD;
}

bool shell_parse_is_keyword(const char *word)
{
	return keyword_token(word, strlen(word)) != TOKEN_WORD;
}

/* Consume the next byte if it is `c`. */
static bool take_char_if(struct shell_lexer *lx, char c)
{
	if (shell_lexer_peek(lx) != c)
		return false;
	lx->p++;
	return true;
}

/*
 * Return true if the word is a descriptor: a single digit directly before a
 * redirection operator.
 */
static bool is_descriptor(const struct shell_lexer *lx,
			  const struct shell_lexed_word *word)
{
	return lx->p < lx->end && (*lx->p == '<' || *lx->p == '>') &&
	       !word->quoted && word->len == 1 && word->word->literal &&
	       word->text[0] >= '0' && word->text[0] <= '9';
}

/* Read the word that follows a redirection operator. */
static void read_redir_operand(struct shell_lexer *lx, bool mark,
			       struct shell_lexed_word *name)
{
	while (shell_lexer_peek(lx) == ' ' || shell_lexer_peek(lx) == '\t')
		lx->p++;
	shell_word_read(lx, mark, name);
	if (is_descriptor(lx, name))
		shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
}

static void add_pending_heredoc(struct shell_lexer *lx,
				struct shell_redir *redir)
{
	struct shell_heredoc *here = arena_alloc(lx->arena, sizeof(*here));
	struct shell_lexed_word mark;

	*here = (struct shell_heredoc){ .redir = redir,
					.strip_tabs = take_char_if(lx, '-') };
	read_redir_operand(lx, true, &mark);
	/*
	 * No line equals a delimiter that contains a newline, so dash would
	 * read to the end of the script.
	 */
	if (memchr(mark.text, '\n', mark.len))
		shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
	here->delimiter = bytes_of(mark.text, mark.len);
	here->quoted = mark.quoted;
	*lx->heredocs_tail = here;
	lx->heredocs_tail = &here->next;
}

static enum shell_redir_kind redir_kind(struct shell_lexer *lx, char first)
{
	if (take_char_if(lx, '&'))
		return SHELL_REDIR_DUP;
	if (first == '>')
		return take_char_if(lx, '>') ? SHELL_REDIR_APPEND :
		       take_char_if(lx, '|') ? SHELL_REDIR_CLOBBER :
					       SHELL_REDIR_OUTPUT;
	return take_char_if(lx, '<') ? SHELL_REDIR_HEREDOC :
	       take_char_if(lx, '>') ? SHELL_REDIR_READ_WRITE :
				       SHELL_REDIR_INPUT;
}

static enum shell_token redir_token(struct shell_lexer *lx, int fd)
{
	struct shell_redir *redir = arena_alloc(lx->arena, sizeof(*redir));
	struct shell_lexed_word name;
	char first = *lx->p++, c;

	*redir = (struct shell_redir){ .fd = fd };
	if (fd < 0)
		redir->fd = first == '>';
	redir->kind = redir_kind(lx, first);
	if (redir->kind == SHELL_REDIR_HEREDOC) {
		add_pending_heredoc(lx, redir);
	} else {
		read_redir_operand(lx, false, &name);
		redir->word = name.word;
		c = name.text[0];
		/*
		 * A literal digit or "-" is the source of a DUP.  Any other
		 * word is expanded when the command runs.
		 */
		if (redir->kind == SHELL_REDIR_DUP && !name.quoted &&
		    name.len == 1 && name.word->literal &&
		    (c == '-' || (c >= '0' && c <= '9'))) {
			redir->source_fd = c == '-' ? SHELL_REDIR_CLOSE_FD :
						      c - '0';
			redir->word = NULL;
		}
	}
	/*
	 * Set lx->redir after reading the operand: commands in the operand can
	 * contain redirections, which overwrite lx->redir.
	 */
	lx->redir = redir;
	return TOKEN_REDIR;
}

static enum shell_token read_shell_token(struct shell_lexer *lx)
{
	struct shell_lexed_word word;
	const char *newline;

	for (;;) {
		switch (shell_lexer_peek(lx)) {
		case -1:
			return TOKEN_END;
		case ' ':
		case '\t':
			lx->p++;
			continue;
		case '#':
			newline = memchr(lx->p, '\n',
					 (size_t)(lx->end - lx->p));
			lx->p = newline ? newline : lx->end;
			continue;
		case '\n':
			lx->p++;
			lx->line++;
			return TOKEN_NEWLINE;
		case '&':
			lx->p++;
			return take_char_if(lx, '&') ? TOKEN_AND :
						       TOKEN_BACKGROUND;
		case '|':
			lx->p++;
			return take_char_if(lx, '|') ? TOKEN_OR : TOKEN_PIPE;
		case ';':
			lx->p++;
			return take_char_if(lx, ';') ? TOKEN_DOUBLE_SEMI :
						       TOKEN_SEMI;
		case '(':
			lx->p++;
			return TOKEN_PAREN_OPEN;
		case ')':
			lx->p++;
			return TOKEN_PAREN_CLOSE;
		case '<':
		case '>':
			return redir_token(lx, -1);
		default:
			/*
			 * Set lx->last_word after shell_word_read(): commands
			 * in the word contain words, which overwrite
			 * lx->last_word.
			 */
			shell_word_read(lx, false, &word);
			if (is_descriptor(lx, &word))
				return redir_token(lx, word.text[0] - '0');
			lx->last_word = word;
			return TOKEN_WORD;
		}
	}
}

/*
 * Read the next token with the given flags (LEX_...).  Returns the token, which
 * is also stored in lx->token.
 */
static enum shell_token next_token(struct shell_lexer *lx, unsigned how)
{
	const struct shell_lexed_word *word = &lx->last_word;
	struct shell_heredoc *here;

	for (;;) {
		if (!lx->pushed_back)
			lx->token = read_shell_token(lx);
		lx->pushed_back = false;
		if (!(how & LEX_SKIP_NEWLINES) || lx->token != TOKEN_NEWLINE)
			break;
		/* Read the here-documents announced on the line that ended. */
		here = lx->heredocs;
		lx->heredocs = NULL;
		lx->heredocs_tail = &lx->heredocs;
		for (; here && !lx->fallback_reason; here = here->next)
			here->redir->word = shell_word_read_heredoc(lx, here);
	}
	if ((how & LEX_KEYWORDS) && lx->token == TOKEN_WORD && !word->quoted &&
	    word->word->literal)
		lx->token = keyword_token(word->text, word->len);
	if (lx->fallback_reason)
		lx->token = TOKEN_END;
	return lx->token;
}

static void push_back(struct shell_lexer *lx)
{
	lx->pushed_back = true;
}

/* ----------------------------------------------------------------- grammar */

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
	if (next_token(lx, how) != token)
		fail_syntax(lx);
}

/*
 * Limit the length of a chain of elif, && or ||, because its execution recurses
 * once per element.  Returns true if the chain is too long.
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
		/* Drop an empty text part, which would mark a quote. */
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
		switch (next_token(lx, 0)) {
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
			push_back(lx);
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
		if (next_token(lx, 0) != TOKEN_ELIF || is_chain_too_long(lx, n))
			break;
		more = new_ast_node(lx, SHELL_AST_IF, lx->line);
		node->right = more;
		node = more;
	}
	if (lx->token == TOKEN_ELSE)
		node->right = parse_list(lx, LIST_BODY);
	else
		push_back(lx);
	expect_token(lx, TOKEN_FI, 0);
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

static void parse_for(struct shell_lexer *lx, struct shell_ast_node *node)
{
	const unsigned how = LEX_SKIP_NEWLINES | LEX_KEYWORDS;
	const struct shell_word **words = &node->words;
	const struct shell_lexed_word *name = &lx->last_word;

	if (next_token(lx, 0) != TOKEN_WORD || name->quoted || !name->len ||
	    !name->word->literal ||
	    shell_vars_name_length(name->text) != name->len) {
		fail_syntax(lx);
		return;
	}
	node->name = name->word->literal;
	if (next_token(lx, how) == TOKEN_IN) {
		while (next_token(lx, 0) == TOKEN_WORD) {
			*words = lx->last_word.word;
			words = &lx->last_word.word->next;
		}
		/*
		 * dash does not read here-documents at the end of this line, so
		 * a pending here-document is rejected.
		 */
		if (lx->token != TOKEN_SEMI &&
		    (lx->token != TOKEN_NEWLINE || lx->heredocs))
			fail_syntax(lx);
	} else {
		node->words = new_list_word(lx);
		if (lx->token != TOKEN_SEMI)
			push_back(lx);
	}
	expect_token(lx, TOKEN_DO, how);
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
		next_token(lx, 0);
	for (;;) {
		/* A keyword is an ordinary word in a pattern. */
		if (lx->token < TOKEN_WORD) {
			fail_syntax(lx);
			return item;
		}
		*patterns = lx->last_word.word;
		patterns = &lx->last_word.word->next;
		if (next_token(lx, 0) != TOKEN_PIPE)
			break;
		next_token(lx, 0);
	}
	if (lx->token != TOKEN_PAREN_CLOSE)
		fail_syntax(lx);
	item->body = parse_list(lx, LIST_OPTIONAL);
	return item;
}

static void parse_case(struct shell_lexer *lx, struct shell_ast_node *node)
{
	const unsigned how = LEX_SKIP_NEWLINES | LEX_KEYWORDS;
	const struct shell_case_item **items = &node->items;
	struct shell_case_item *item;

	if (next_token(lx, 0) != TOKEN_WORD) {
		fail_syntax(lx);
		return;
	}
	node->words = lx->last_word.word;
	expect_token(lx, TOKEN_IN, how);
	while (next_token(lx, how) != TOKEN_ESAC && !lx->fallback_reason) {
		item = parse_branch(lx);
		*items = item;
		items = &item->next;
		if (next_token(lx, how) == TOKEN_ESAC)
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
	unsigned how = LEX_KEYWORDS;

	while (next_token(lx, how) == TOKEN_REDIR) {
		/* dash recognizes no keyword after a redirection. */
		how = 0;
		*redirs = lx->redir;
		redirs = &lx->redir->next;
	}
	push_back(lx);
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

	switch (next_token(lx, how)) {
	case TOKEN_WORD:
	case TOKEN_REDIR:
		push_back(lx);
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

/* Parse a pipeline.  `how` holds the flags for its first token. */
static struct shell_ast_node *parse_pipe(struct shell_lexer *lx, unsigned how)
{
	struct shell_ast_node *pipe, *node, *negation = NULL;

	if (next_token(lx, how) == TOKEN_NOT) {
		negation = new_ast_node(lx, SHELL_AST_NOT, lx->line);
		how = LEX_KEYWORDS;
	} else {
		push_back(lx);
		how = 0;
	}
	node = parse_command(lx, how);
	if (next_token(lx, 0) == TOKEN_PIPE) {
		pipe = new_ast_node(lx, SHELL_AST_PIPELINE, node->line);
		pipe->list = node;
		do {
			node->next = parse_command(lx, LEX_SKIP_NEWLINES |
							       LEX_KEYWORDS);
			node = (struct shell_ast_node *)node->next;
		} while (next_token(lx, 0) == TOKEN_PIPE);
		node = pipe;
	}
	push_back(lx);
	if (!negation)
		return node;
	negation->left = node;
	return negation;
}

static struct shell_ast_node *parse_and_or(struct shell_lexer *lx)
{
	struct shell_ast_node *node = parse_pipe(lx, 0), *both;

	for (unsigned n = 0; !is_chain_too_long(lx, n); n++) {
		next_token(lx, 0);
		if (lx->token != TOKEN_AND && lx->token != TOKEN_OR)
			break;
		both = new_ast_node(lx,
				    lx->token == TOKEN_AND ? SHELL_AST_AND :
							     SHELL_AST_OR,
				    node->line);
		both->left = node;
		both->right = parse_pipe(lx, LEX_SKIP_NEWLINES | LEX_KEYWORDS);
		node = both;
	}
	push_back(lx);
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

/*
 * Parse a list and push back the first token that cannot belong to it.  Two or
 * more commands form a LIST node.
 */
static struct shell_ast_node *parse_list(struct shell_lexer *lx,
					 enum list_form form)
{
	struct shell_ast_node *list = NULL, *last = NULL, *node, *all;

	for (;;) {
		next_token(lx, LEX_SKIP_NEWLINES | LEX_KEYWORDS);
		push_back(lx);
		if (lx->token == TOKEN_END ||
		    (ends_list(lx->token) && (list || form == LIST_OPTIONAL)))
			return list;
		node = parse_and_or(lx);
		if (list && list == last) {
			all = new_ast_node(lx, SHELL_AST_LIST, list->line);
			all->list = list;
			list = all;
		}
		if (list)
			last->next = node;
		else
			list = node;
		last = node;
		switch (next_token(lx, 0)) {
		case TOKEN_SEMI:
			break;
		case TOKEN_BACKGROUND:
			shell_lexer_fail(lx, SHELL_FALLBACK_BACKGROUND);
			break;
		case TOKEN_NEWLINE:
		default:
			push_back(lx);
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
	 * Reject a pending here-document, which dash replaces by an empty one.
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
