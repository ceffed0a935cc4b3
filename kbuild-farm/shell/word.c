/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/word.h"

#include <string.h>

struct word_builder {
	struct shell_lexer *lx;
	const char *source; /* start of the word in the script */
	const struct shell_part *parts, **tail;
	/* complete text of the word, valid unless `has_expansion` */
	char *text;
	char *pending_text; /* start of the text that belongs to no part yet */
	bool pending_quoted; /* the pending text is quoted */
	bool quoted; /* the word contains a quote or a backslash */
	/* inside the operand of a quoted ${...}, but not inside quotes there */
	bool in_quoted_operand;
	bool has_expansion; /* part of the word must be expanded */
	bool has_bracket; /* the word contains an unquoted [ */
	bool in_heredoc; /* inside a here-document */
	/* in the delimiter of a here-document, where $ and ` are literal */
	bool in_delimiter;
	size_t value_offset; /* offset after NAME=, or 0 */
};

/*
 * Bytes that are special outside quotes (PLAIN) and inside "" (QUOTED).
 */
#define STOP_PLAIN  1
#define STOP_QUOTED 2
/* Bytes that dash uses internally as markers, and NUL. */
#define STOP_MARK 4

#define STOP_PLAIN_QUOTED (STOP_PLAIN | STOP_QUOTED)
#define STOP_ALL          (STOP_PLAIN_QUOTED | STOP_MARK)

static const unsigned char stop_flags[256] = {
	[0] = STOP_ALL,
	[0x81 ... 0x88] = STOP_ALL,
	['\n'] = STOP_PLAIN_QUOTED,
	['\\'] = STOP_PLAIN_QUOTED,
	['"'] = STOP_PLAIN_QUOTED,
	['`'] = STOP_PLAIN_QUOTED,
	['$'] = STOP_PLAIN_QUOTED,
	['}'] = STOP_PLAIN_QUOTED,
	['\''] = STOP_PLAIN,
	['<'] = STOP_PLAIN,
	['>'] = STOP_PLAIN,
	['('] = STOP_PLAIN,
	[')'] = STOP_PLAIN,
	[';'] = STOP_PLAIN,
	['&'] = STOP_PLAIN,
	['|'] = STOP_PLAIN,
	[' '] = STOP_PLAIN,
	['\t'] = STOP_PLAIN,
	['~'] = STOP_PLAIN,
	['*'] = STOP_PLAIN,
	['?'] = STOP_PLAIN,
	['['] = STOP_PLAIN,
	[']'] = STOP_PLAIN,
	['='] = STOP_PLAIN,
};

static bool is_name_start(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_special(int c)
{
	return c > 0 && strchr("#?$!-*@", c);
}

/* Start a word at lx->p, before any of its bytes is consumed. */
static void builder_init(struct word_builder *b, struct shell_lexer *lx,
			 bool document)
{
	*b = (struct word_builder){
		.lx = lx,
		.source = lx->p,
		.text = lx->text,
		.pending_text = lx->text,
		.in_heredoc = document,
	};
	b->tail = &b->parts;
}

/* Append an empty part.  Pending text must have been flushed before. */
static struct shell_part *builder_add_part(struct word_builder *b,
					   enum shell_part_kind kind,
					   bool quoted)
{
	struct shell_part *part = arena_alloc(b->lx->arena, sizeof(*part));

	*part = (struct shell_part){
		.kind = kind,
		.quoted = quoted &&
			  (kind == SHELL_PART_TEXT || !b->in_quoted_operand),
	};
	*b->tail = part;
	b->tail = &part->next;
	return part;
}

static void append_text_part(struct word_builder *b, const char *text,
			     size_t len, bool quoted)
{
	struct shell_part *part = builder_add_part(b, SHELL_PART_TEXT, quoted);

	part->text = text;
	part->len = len;
}

/* Turn the pending text into a part. */
static void builder_flush(struct word_builder *b)
{
	char *end = b->lx->text;

	if (end > b->pending_text)
		append_text_part(b, b->pending_text,
				 (size_t)(end - b->pending_text),
				 b->pending_quoted);
	b->pending_text = end;
}

/* Set whether the text that follows is quoted. */
static void set_pending_quoted(struct word_builder *b, bool quoted)
{
	if (b->pending_quoted == quoted)
		return;
	builder_flush(b);
	b->pending_quoted = quoted;
}

/*
 * Record an opening or closing quote, because a quoted empty string is a field.
 */
static void builder_add_quote(struct word_builder *b)
{
	b->quoted = true;
	if (b->in_heredoc)
		return;
	builder_flush(b);
	append_text_part(b, b->pending_text, 0, true);
}

static void builder_add_byte(struct word_builder *b, int c, bool quoted)
{
	set_pending_quoted(b, quoted);
	*b->lx->text++ = (char)c;
}

/* Consume all bytes before the next byte that has any of the flags `stop`. */
static void builder_add_run(struct word_builder *b, unsigned char stop,
			    bool quoted)
{
	struct shell_lexer *lx = b->lx;
	const char *p = lx->p;
	size_t len;

	while (p < lx->end && !(stop_flags[(unsigned char)*p] & stop))
		p++;
	len = (size_t)(p - lx->p);
	if (!len)
		return;
	set_pending_quoted(b, quoted);
	memcpy(lx->text, lx->p, len);
	lx->text += len;
	lx->p = p;
}

/* Consume the next byte as literal text. */
static void builder_take_byte(struct word_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	unsigned char c = (unsigned char)*lx->p;

	if (stop_flags[c] & STOP_MARK) {
		shell_lexer_fail(lx, SHELL_FALLBACK_CHARACTER);
		return;
	}
	if (c == '\n')
		lx->line++;
	builder_add_byte(b, c, quoted);
	lx->p++;
}

/* Complete the word.  Its text is terminated by NUL. */
static struct shell_word *builder_finish(struct word_builder *b)
{
	struct shell_word *word = arena_alloc(b->lx->arena, sizeof(*word));

	*word = (struct shell_word){ .assignment = b->value_offset > 0 };
	if (!b->has_expansion)
		word->literal = b->text;
	if (b->has_expansion || b->quoted)
		builder_flush(b);
	word->parts = b->parts;
	*b->lx->text++ = '\0';
	return word;
}

/*
 * Consume the name of a parameter.  The name of a positional parameter has one
 * digit unless `many_digits` is set: $12 is $1 followed by the text "2".
 * Returns the NUL-terminated name in the lexer's text, or "" if there is no
 * name.
 */
static char *read_param_name(struct shell_lexer *lx, bool many_digits)
{
	char *name = lx->text;
	int c = shell_lexer_peek(lx);

	if (is_name_start(c)) {
		do {
			*lx->text++ = (char)c;
			lx->p++;
			c = shell_lexer_peek(lx);
		} while (is_name_start(c) || is_digit(c));
	} else if (is_digit(c)) {
		do {
			*lx->text++ = (char)c;
			lx->p++;
			c = shell_lexer_peek(lx);
		} while (many_digits && is_digit(c));
	} else if (is_special(c)) {
		*lx->text++ = (char)c;
		lx->p++;
	}
	*lx->text++ = '\0';
	return name;
}

static enum shell_param_op param_operator(struct shell_lexer *lx,
					  struct shell_part *part)
{
	int c = shell_lexer_peek(lx);
	bool twice;

	if (c == ':') {
		part->colon = true;
		lx->p++;
		c = shell_lexer_peek(lx);
	}
	lx->p += c >= 0;
	if (c == '-')
		return SHELL_OP_DEFAULT;
	if (c == '=')
		return SHELL_OP_ASSIGN;
	if (c == '?')
		return SHELL_OP_ERROR;
	if (c == '+')
		return SHELL_OP_ALTERNATIVE;
	if ((c != '%' && c != '#') || part->colon)
		return SHELL_OP_VALUE;
	twice = shell_lexer_peek(lx) == c;
	lx->p += twice;
	if (c == '%')
		return twice ? SHELL_OP_REMOVE_LONG_SUFFIX :
			       SHELL_OP_REMOVE_SUFFIX;
	return twice ? SHELL_OP_REMOVE_LONG_PREFIX : SHELL_OP_REMOVE_PREFIX;
}

/*
 * Return true if the # of ${#...} at lx->p is the length operator, because a
 * name follows, and false if it is the parameter $#.
 */
static bool is_length(struct shell_lexer *lx)
{
	struct shell_lexer ahead = *lx;
	int c;

	ahead.p++;
	c = shell_lexer_peek(&ahead);
	if (is_name_start(c) || is_digit(c))
		return true;
	if (!is_special(c))
		return false;
	ahead.p++;
	return shell_lexer_peek(&ahead) == '}';
}

static bool has_unsupported_operand(const struct shell_part *part)
{
	char c = part->name[0];

	if (part->op == SHELL_OP_ASSIGN)
		return !is_name_start(c);
	/* The result of a pattern operator for $@ and $* is unspecified. */
	return part->op >= SHELL_OP_REMOVE_SUFFIX && (c == '@' || c == '*');
}

/*
 * Read ${...} after the opening brace.  If the name is followed by an operator
 * with an operand, returns true with lx->p before the operand.  Otherwise
 * returns false with lx->p after the closing brace.  Forms that dash rejects,
 * while parsing or during execution, cause a fallback with the reason SYNTAX.
 */
static bool read_param(struct shell_lexer *lx, struct shell_part *part)
{
	if (shell_lexer_peek(lx) == '#' && is_length(lx)) {
		lx->p++;
		part->op = SHELL_OP_LENGTH;
	}
	part->name = read_param_name(lx, true);
	if (part->name[0] && shell_lexer_peek(lx) == '}') {
		lx->p++;
		return false;
	}
	if (part->name[0] && part->op != SHELL_OP_LENGTH) {
		part->op = param_operator(lx, part);
		if (part->op >= SHELL_OP_DEFAULT &&
		    !has_unsupported_operand(part))
			return true;
	}
	shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
	return false;
}

/*
 * The context decides where a word ends and which quotes are special.  The
 * contexts are: text outside quotes; text inside ""; the operand of ${x-word},
 * which can be inside ""; the pattern of ${x%pattern}, where quotes are special
 * even inside ""; and a here-document.
 */

static void read_single_quotes(struct word_builder *b)
{
	struct shell_lexer *lx = b->lx;

	lx->p++;
	builder_add_quote(b);
	while (lx->p < lx->end && *lx->p != '\'')
		builder_take_byte(b, true);
	if (lx->p >= lx->end) {
		shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
		return;
	}
	lx->p++;
	builder_add_quote(b);
}

static bool enter_nesting(struct shell_lexer *lx)
{
	if (lx->depth >= SHELL_LEXER_DEPTH_MAX) {
		shell_lexer_fail(lx, SHELL_FALLBACK_DEPTH);
		return false;
	}
	lx->depth++;
	return true;
}

static void add_commands_part(struct word_builder *b, bool quoted,
			      const struct shell_ast_node *list)
{
	b->pending_text = b->lx->text;
	b->has_expansion = true;
	builder_add_part(b, SHELL_PART_COMMANDS, quoted)->list = list;
}

/* Read $(...) after the opening parenthesis. */
static void read_commands(struct word_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	struct shell_heredoc *heres = lx->heredocs,
			     **heres_end = lx->heredocs_tail;
	const struct shell_ast_node *list;

	if (shell_lexer_peek(lx) == '(') {
		shell_lexer_fail(lx, SHELL_FALLBACK_ARITHMETIC);
		return;
	}
	if (!enter_nesting(lx))
		return;
	lx->heredocs = NULL;
	lx->heredocs_tail = &lx->heredocs;
	list = lx->parse_commands(lx, TOKEN_PAREN_CLOSE);
	lx->heredocs = heres;
	lx->heredocs_tail = heres ? heres_end : &lx->heredocs;
	lx->depth--;
	add_commands_part(b, quoted, list);
}

/*
 * Return the text between backquotes, without the backslashes that nesting
 * requires.
 */
static struct bytes unescape_backquoted(struct shell_lexer *lx, bool quoted)
{
	const char *p = lx->p;
	char *text, *out;
	int c;

	while (p < lx->end && *p != '`')
		p += *p == '\\' && p + 1 < lx->end ? 2 : 1;
	text = out = arena_alloc(lx->arena, (size_t)(p - lx->p) + 1);
	while ((c = shell_lexer_peek(lx)) != '`' && c >= 0) {
		if (c == '\\' && lx->p + 1 < lx->end) {
			c = (unsigned char)*++lx->p;
			if (c != '\\' && c != '`' && c != '$' &&
			    !(quoted && c == '"'))
				*out++ = '\\';
		}
		lx->line += c == '\n';
		*out++ = (char)c;
		lx->p++;
	}
	if (c < 0)
		shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
	else
		lx->p++;
	return bytes_of(text, (size_t)(out - text));
}

static void read_backquote(struct word_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx, inner;
	const struct shell_ast_node *list;
	struct bytes text;

	builder_flush(b);
	lx->p++;
	text = unescape_backquoted(lx, quoted);
	if (lx->fallback_reason || !enter_nesting(lx))
		return;
	shell_lexer_init(&inner, lx->arena, text);
	inner.parse_commands = lx->parse_commands;
	inner.depth = lx->depth;
	list = lx->parse_commands(&inner, TOKEN_END);
	if (inner.fallback_reason)
		shell_lexer_fail(lx, inner.fallback_reason);
	lx->depth--;
	add_commands_part(b, quoted, list);
}

static void read_unquoted_part(struct word_builder *b, bool braces);
static void read_quoted_part(struct word_builder *b, bool in_braces,
			     bool is_word);

/* Read the operand of a parameter operator and the closing brace. */
static const struct shell_word *read_operand(struct word_builder *b,
					     bool quoted)
{
	struct shell_lexer *lx = b->lx;
	const struct shell_word *word;
	struct word_builder inner;

	if (!enter_nesting(lx))
		return NULL;
	builder_init(&inner, lx, b->in_heredoc);
	inner.quoted = quoted;
	inner.in_quoted_operand = quoted;
	if (quoted)
		read_quoted_part(&inner, true, true);
	else
		read_unquoted_part(&inner, true);
	if (shell_lexer_peek(lx) != '}')
		shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
	else
		lx->p++;
	word = builder_finish(&inner);
	lx->depth--;
	return word;
}

/* Read ${...} after the opening brace. */
static void read_braces(struct word_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	struct shell_part *part = builder_add_part(b, SHELL_PART_PARAM, quoted);

	b->has_expansion = true;
	/* The pattern of ${x%pattern} is read as unquoted, even inside "". */
	if (read_param(lx, part))
		part->word = read_operand(
			b, quoted && part->op < SHELL_OP_REMOVE_SUFFIX);
	b->pending_text = lx->text;
}

static void read_dollar(struct word_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	int c;

	lx->p++;
	c = shell_lexer_peek(lx);
	if (b->in_delimiter || (!is_name_start(c) && !is_digit(c) &&
				!is_special(c) && c != '(' && c != '{')) {
		builder_add_byte(b, '$', quoted);
		return;
	}
	builder_flush(b);
	if (c == '(') {
		lx->p++;
		read_commands(b, quoted);
	} else if (c == '{') {
		lx->p++;
		read_braces(b, quoted);
	} else {
		b->has_expansion = true;
		builder_add_part(b, SHELL_PART_PARAM, quoted)->name =
			read_param_name(lx, false);
		b->pending_text = lx->text;
	}
}

/* In "" and here-documents, a backslash escapes only a few bytes. */
static void read_quoted_backslash(struct word_builder *b, bool in_braces)
{
	struct shell_lexer *lx = b->lx;
	int c;

	lx->p++;
	b->quoted = true;
	c = lx->p < lx->end ? *lx->p : -1;
	if (c < 0 || !strchr("\\`$", c)) {
		if (!(c == '"' && (in_braces || !b->in_heredoc)) &&
		    !(c == '}' && in_braces))
			builder_add_byte(b, '\\', true);
	}
	if (c >= 0)
		builder_take_byte(b, true);
}

/*
 * Return true if $@ is the only content after the opening quote `quote`.
 * Quotes that contain only $@ produce no field if there are no parameters.
 */
static bool is_args_list_only(const struct word_builder *b,
			      const struct shell_part *quote)
{
	const struct shell_part *list = quote->next;

	return list && list->kind == SHELL_PART_PARAM && !list->next &&
	       list->op == SHELL_OP_VALUE && list->name[0] == '@' &&
	       b->lx->text == b->pending_text;
}

/* Read "..." starting at the opening quote. */
static void read_double_quotes(struct word_builder *b, bool in_braces)
{
	struct shell_lexer *lx = b->lx;
	bool in_quoted_operand = b->in_quoted_operand;
	const struct shell_part **tail;

	lx->p++;
	builder_flush(b);
	tail = b->tail;
	builder_add_quote(b);
	b->in_quoted_operand = false;
	read_quoted_part(b, in_braces, false);
	b->in_quoted_operand = in_quoted_operand;
	if (lx->fallback_reason)
		return;
	lx->p++;
	if (!b->in_heredoc && is_args_list_only(b, *tail)) {
		*tail = (*tail)->next;
		b->tail = &((struct shell_part *)*tail)->next;
		return;
	}
	builder_add_quote(b);
}

/*
 * Read the text inside "" up to the closing quote.  With `is_word`, read the
 * operand of a parameter operator inside "" up to the closing brace.
 */
static void read_quoted_part(struct word_builder *b, bool in_braces,
			     bool is_word)
{
	struct shell_lexer *lx = b->lx;

	for (;;) {
		builder_add_run(b, STOP_QUOTED, true);
		switch (shell_lexer_peek(lx)) {
		case -1:
			shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
			return;
		case '$':
			read_dollar(b, true);
			break;
		case '`':
			if (b->in_delimiter)
				builder_take_byte(b, true);
			else
				read_backquote(b, true);
			break;
		case '\\':
			read_quoted_backslash(b, in_braces);
			break;
		case '"':
			if (!is_word)
				return;
			read_double_quotes(b, true);
			break;
		case '}':
			if (is_word)
				return;
			builder_take_byte(b, true);
			break;
		case '\n':
			/*
			 * The next line could be the delimiter that ends the
			 * document.
			 */
			if (b->in_heredoc)
				shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
			/* fall through */
		default:
			if (lx->p < lx->end)
				builder_take_byte(b, true);
		}
	}
}

/*
 * Mark the word for expansion if the unquoted tilde at lx->p can begin a tilde
 * prefix.  ~user causes a fallback, because the shell does not read the user
 * database.
 */
static void mark_tilde(struct word_builder *b)
{
	const struct shell_lexer *lx = b->lx;
	const char *next = lx->p + 1;

	if (lx->p > b->source && !strchr(":=\n", lx->p[-1]))
		return;
	b->has_expansion = true;
	if (next < lx->end && (!strchr("/: \t\n;&|<>()}\"'$`\\", *next) ||
			       (lx->end - next > 1 && !memcmp(next, "${", 2))))
		shell_lexer_fail(b->lx, SHELL_FALLBACK_TILDE);
}

/*
 * Record an assignment if the text before the unquoted "=" at lx->p is a
 * variable name.
 */
static void mark_assignment(struct word_builder *b)
{
	const char *end = b->lx->text;

	if (b->value_offset || b->parts || b->quoted || end == b->text ||
	    !is_name_start(b->text[0]))
		return;
	for (const char *p = b->text; p < end; p++) {
		if (!is_name_start(*p) && !is_digit(*p))
			return;
	}
	b->value_offset = (size_t)(end - b->text) + 1;
}

/*
 * Consume one byte that is special outside quotes.  Returns false if the
 * byte ends the word.
 */
static bool read_special_byte(struct word_builder *b, int c, bool braces)
{
	struct shell_lexer *lx = b->lx;

	switch (c) {
	case '\'':
		read_single_quotes(b);
		return true;
	case '"':
		read_double_quotes(b, braces);
		return true;
	case '\\':
		lx->p++;
		b->quoted = true;
		if (lx->p < lx->end)
			builder_take_byte(b, true);
		else
			builder_add_byte(b, '\\', true);
		return true;
	case '$':
		read_dollar(b, false);
		return true;
	case '`':
		if (b->in_delimiter)
			break;
		read_backquote(b, false);
		return true;
	case '}':
		if (braces)
			return false;
		break;
	case '~':
		mark_tilde(b);
		break;
	case '*':
	case '?':
		b->has_expansion = true;
		break;
	case '[':
		b->has_bracket = true;
		break;
	case ']':
		b->has_expansion |= b->has_bracket;
		break;
	case '=':
		if (!braces)
			mark_assignment(b);
		break;
	case '\n':
		if (b->in_heredoc)
			shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
		/* fall through */
	default:
		if (!braces && !(stop_flags[c] & STOP_MARK))
			return false;
	}
	if (lx->p < lx->end)
		builder_take_byte(b, false);
	return true;
}

/* Read text outside quotes; with `braces`, up to the closing brace. */
static void read_unquoted_part(struct word_builder *b, bool braces)
{
	struct shell_lexer *lx = b->lx;
	int c;

	do {
		builder_add_run(b, STOP_PLAIN, false);
		c = shell_lexer_peek(lx);
		/* `c` can be an ordinary byte after a line continuation. */
	} while (c >= 0 && (!stop_flags[c] || read_special_byte(b, c, braces)));
}

void shell_word_read(struct shell_lexer *lx, bool mark,
		     struct shell_lexed_word *out)
{
	const char *start = lx->p;
	struct word_builder b;

	builder_init(&b, lx, false);
	b.in_delimiter = mark;
	if (lx->p < lx->end && *lx->p != '#')
		read_unquoted_part(&b, false);
	if (lx->p == start)
		shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
	out->text = b.text;
	out->len = (size_t)(lx->text - b.text);
	out->quoted = b.quoted;
	out->value_offset = b.value_offset;
	out->word = builder_finish(&b);
}

/*
 * Return true if the here-document ends at lx->p, and consume the line that
 * ends it.  For <<-, leading tabs are consumed in any case.
 */
static bool take_heredoc_end(struct shell_lexer *lx,
			     const struct shell_heredoc *here)
{
	const char *p = lx->p;

	if (!here->quoted) {
		shell_lexer_peek(lx);
		p = lx->p;
	}
	if (here->strip_tabs) {
		while (p < lx->end && *p == '\t')
			p++;
		/*
		 * After the stripped tabs, dash does not remove a line
		 * continuation, but shell_lexer_peek() would.
		 */
		if (p > lx->p && !here->quoted && lx->end - p >= 2 &&
		    p[0] == '\\' && p[1] == '\n') {
			shell_lexer_fail(lx, SHELL_FALLBACK_SYNTAX);
			return true;
		}
		lx->p = p;
	}
	if ((size_t)(lx->end - p) < here->delimiter.len ||
	    memcmp(p, here->delimiter.data, here->delimiter.len) != 0)
		return p == lx->end;
	p += here->delimiter.len;
	if (p < lx->end && *p != '\n')
		return false;
	lx->line += p < lx->end;
	lx->p = p < lx->end ? p + 1 : p;
	return true;
}

static void read_heredoc_line(struct word_builder *b)
{
	struct shell_lexer *lx = b->lx;
	int c;

	do {
		builder_add_run(b, STOP_QUOTED, true);
		c = shell_lexer_peek(lx);
		if (c == '$')
			read_dollar(b, true);
		else if (c == '`')
			read_backquote(b, true);
		else if (c == '\\')
			read_quoted_backslash(b, false);
		else if (c >= 0)
			builder_take_byte(b, true);
	} while (c >= 0 && c != '\n');
}

const struct shell_word *shell_word_read_heredoc(
	struct shell_lexer *lx, const struct shell_heredoc *here)
{
	struct word_builder b;

	builder_init(&b, lx, true);
	while (!take_heredoc_end(lx, here)) {
		if (!here->quoted) {
			read_heredoc_line(&b);
			continue;
		}
		while (lx->p < lx->end && *lx->p != '\n')
			builder_take_byte(&b, true);
		if (lx->p < lx->end)
			builder_take_byte(&b, true);
	}
	return builder_finish(&b);
}
