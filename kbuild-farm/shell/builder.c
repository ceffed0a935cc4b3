/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/builder.h"

#include <string.h>

#define BOTH  (SHELL_STOP_PLAIN | SHELL_STOP_QUOTED)
#define MARKS (BOTH | SHELL_STOP_MARK)

const unsigned char shell_stops[256] = {
	[0] = MARKS,
	[0x81] = MARKS,
	[0x82] = MARKS,
	[0x83] = MARKS,
	[0x84] = MARKS,
	[0x85] = MARKS,
	[0x86] = MARKS,
	[0x87] = MARKS,
	[0x88] = MARKS,
	['\n'] = BOTH,
	['\\'] = BOTH,
	['"'] = BOTH,
	['`'] = BOTH,
	['$'] = BOTH,
	['}'] = BOTH,
	['\''] = SHELL_STOP_PLAIN,
	['<'] = SHELL_STOP_PLAIN,
	['>'] = SHELL_STOP_PLAIN,
	['('] = SHELL_STOP_PLAIN,
	[')'] = SHELL_STOP_PLAIN,
	[';'] = SHELL_STOP_PLAIN,
	['&'] = SHELL_STOP_PLAIN,
	['|'] = SHELL_STOP_PLAIN,
	[' '] = SHELL_STOP_PLAIN,
	['\t'] = SHELL_STOP_PLAIN,
	['~'] = SHELL_STOP_PLAIN,
	['*'] = SHELL_STOP_PLAIN,
	['?'] = SHELL_STOP_PLAIN,
	['['] = SHELL_STOP_PLAIN,
	[']'] = SHELL_STOP_PLAIN,
	['='] = SHELL_STOP_PLAIN,
};

void shell_builder_init(struct shell_builder *b, struct shell_lexer *lx,
			bool document)
{
	*b = (struct shell_builder){
		.lx = lx,
		.source = lx->p,
		.text = lx->text,
		.start = lx->text,
		.document = document,
	};
	b->tail = &b->parts;
}

struct shell_part *shell_builder_part(struct shell_builder *b,
				      enum shell_part_kind kind, bool quoted)
{
	struct shell_part *part = arena_alloc(b->lx->arena, sizeof(*part));

	*part = (struct shell_part){ .kind = kind, .quoted = quoted };
	*b->tail = part;
	b->tail = &part->next;
	return part;
}

static void append_text(struct shell_builder *b, const char *text, size_t len,
			bool quoted)
{
	struct shell_part *part = shell_builder_part(b, SHELL_TEXT, quoted);

	part->text = text;
	part->len = len;
}

/* The text so far becomes a part. */
void shell_builder_flush(struct shell_builder *b)
{
	char *end = b->lx->text;

	if (end > b->start)
		append_text(b, b->start, (size_t)(end - b->start),
			    b->start_quoted);
	b->start = end;
}

/* The text that follows is quoted, or not. */
static void set_quoted(struct shell_builder *b, bool quoted)
{
	if (b->start_quoted == quoted)
		return;
	shell_builder_flush(b);
	b->start_quoted = quoted;
}

/* Here a quote begins or ends, which makes a field even of nothing. */
void shell_builder_quote(struct shell_builder *b)
{
	b->quoted = true;
	if (b->document)
		return;
	shell_builder_flush(b);
	append_text(b, b->start, 0, true);
}

void shell_builder_put(struct shell_builder *b, int c, bool quoted)
{
	set_quoted(b, quoted);
	*b->lx->text++ = (char)c;
}

/* Take the bytes up to the next that may be more than itself. */
void shell_builder_run(struct shell_builder *b, unsigned char stop, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	const char *p = lx->p;
	size_t len;

	while (p < lx->end && !(shell_stops[(unsigned char)*p] & stop))
		p++;
	len = (size_t)(p - lx->p);
	if (!len)
		return;
	set_quoted(b, quoted);
	memcpy(lx->text, lx->p, len);
	lx->text += len;
	lx->p = p;
}

/* The next byte as itself, whatever it is. */
void shell_builder_byte(struct shell_builder *b, bool quoted)
{
	struct shell_lexer *lx = b->lx;
	unsigned char c = (unsigned char)*lx->p;

	if (shell_stops[c] & SHELL_STOP_MARK) {
		shell_lexer_fail(lx, SHELL_WHY_CHARACTER);
		return;
	}
	if (c == '\n')
		lx->line++;
	shell_builder_put(b, c, quoted);
	lx->p++;
}

struct shell_word *shell_builder_end(struct shell_builder *b)
{
	struct shell_word *word = arena_alloc(b->lx->arena, sizeof(*word));

	*word = (struct shell_word){ .assignment = b->value > 0 };
	if (!b->live)
		word->literal = b->text;
	if (b->live || b->quoted)
		shell_builder_flush(b);
	word->parts = b->parts;
	*b->lx->text++ = '\0';
	return word;
}
