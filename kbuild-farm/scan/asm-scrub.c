/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Characters, as gas/app.c reads them: comments go, 'x is a number, and of
 * blanks one stays, but only behind the first two words of a statement and
 * between what would be one word without it.  That counts: operands of macros
 * are separated by blanks too.
 */
#include "scan/asm.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct scan_asm_syntax syntaxes[] = {
	{ .architecture = "x86", .macros = "__x86_64__ __i386__",
	  .comment = "#", .line_comment = "#/", .operand = "*%-([{}",
	  .name = "", .alternatives = true },
	{ .architecture = "aarch64", .macros = "__aarch64__",
	  .comment = "", .line_comment = "#", .operand = "", .name = "",
	  .slashes = true },
	{ .architecture = "arm", .macros = "__arm__",
	  .comment = "@", .line_comment = "#", .operand = "#[]{}", .name = "",
	  .slashes = true, .symver = true },
	{ .architecture = "powerpc", .macros = "__powerpc__ __PPC__",
	  .comment = "#", .line_comment = "#", .operand = "%[",
	  .name = "[]{}", .no_escapes = true, .alternatives = true },
	{ .architecture = "sparc", .macros = "__sparc__",
	  .comment = "!", .line_comment = "#", .operand = "", .name = "",
	  .alternatives = true },
	{ .architecture = "sh", .macros = "__sh__",
	  .comment = "!", .line_comment = "!#", .operand = "", .name = "" },
	{ .architecture = "m68k", .macros = "__m68k__",
	  .comment = "|", .line_comment = "#*", .operand = "", .name = "",
	  .alternatives = true },
	{ .architecture = "xtensa", .macros = "__xtensa__ __XTENSA__",
	  .comment = "#", .line_comment = "#", .operand = "", .name = "",
	  .slashes = true },
	{ .architecture = "csky", .macros = "__csky__ __CSKY__",
	  .comment = "#", .line_comment = "#", .operand = "", .name = "",
	  .slashes = true },
	/* riscv, mips, s390, loongarch and others of the common kind. */
	{ .architecture = "common",
	  .macros = "__riscv __mips__ __mips __s390__ __loongarch__ "
		    "__alpha__ __microblaze__ __nios2__ __or1k__ __OR1K__",
	  .comment = "#", .line_comment = "#", .operand = "", .name = "",
	  .alternatives = true },
};
/* clang-format on */

#define SYNTAXES (sizeof(syntaxes) / sizeof(syntaxes[0]))

const char *scan_asm_architecture(bool (*is_defined)(void *ctx,
						     const char *macro),
				  void *ctx)
{
	for (size_t i = 0; i < SYNTAXES; i++) {
		struct strv words = { 0 };
		bool found = false;

		strv_split(&words, syntaxes[i].macros, " ");
		for (size_t w = 0; w < words.n && !found; w++)
			found = is_defined(ctx, words.v[w]);
		strv_release(&words);
		if (found)
			return syntaxes[i].architecture;
	}
	return NULL;
}

const struct scan_asm_syntax *scan_asm_syntax(const char *architecture)
{
	for (size_t i = 0; architecture && i < SYNTAXES; i++) {
		if (!strcmp(syntaxes[i].architecture, architecture))
			return &syntaxes[i];
	}
	return NULL;
}

static bool is_suffix_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (uint8_t)c >= 128 || c == SCAN_ASM_OPERAND ||
	       c == SCAN_ASM_DIGITS;
}

static bool is_in_set(char c, const char *set)
{
	return c && strchr(set, c);
}

bool scan_asm_starts_name(const struct scan_asm_syntax *x, char c)
{
	return is_suffix_letter(c) || is_in_set(c, "._$") ||
	       is_in_set(c, x->name);
}

bool scan_asm_in_name(const struct scan_asm_syntax *x, char c)
{
	return scan_asm_starts_name(x, c) || (c >= '0' && c <= '9');
}

size_t scan_asm_name(const struct scan_asm_syntax *x, struct scan_asm_part *in)
{
	const char *from = in->p;

	if (in->p < in->end && scan_asm_starts_name(x, *in->p)) {
		while (in->p < in->end && scan_asm_in_name(x, *in->p))
			in->p++;
	}
	return (size_t)(in->p - from);
}

const char *scan_asm_statement_end(const char *p, const char *end)
{
	bool quoted = false, escaped = false;

	for (; p < end && *p != '\n' && *p; p++) {
		if (*p == ';' && !quoted)
			break;
		if (escaped)
			escaped = false;
		else if (*p == '\\')
			escaped = true;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

/* Where in a line: what a blank means there. */
enum place {
	AT_START,
	BEHIND_BLANK, /* the first of the line */
	IN_FIRST, /* word, a blank before it */
	IN_OPERANDS,
	IN_SYMBOL, /* of the operands */
	BEHIND_SYMBOL, /* and a blank */
	IN_LABEL, /* a first word without a blank before it */
};

struct scrub {
	const struct scan_asm_syntax *x;
	const char *p, *end;
	struct buf *out;
	enum place at;
};

static void emit_char(struct scrub *s, char c)
{
	buf_add(s->out, &c, 1);
}

static bool is_white(char c)
{
	return scan_asm_is_blank(c) || c == '\r';
}

static bool is_symbol(const struct scrub *s, char c)
{
	return is_suffix_letter(c) || is_in_set(c, "._$") ||
	       (c >= '0' && c <= '9') || is_in_set(c, s->x->operand);
}

static void skip_to_newline(struct scrub *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

/* A comment that starts anywhere ends its line. */
static void comment_to_end(struct scrub *s)
{
	skip_to_newline(s);
	s->p += s->p < s->end;
	s->at = AT_START;
	emit_char(s, '\n');
}

/* One blank or a comment was taken. */
static void blank(struct scrub *s)
{
	while (s->p < s->end && is_white(*s->p))
		s->p++;
	if (s->p == s->end)
		return;
	if (s->at == AT_START) {
		s->at = BEHIND_BLANK;
		emit_char(s, ' ');
		return;
	}
	if (*s->p == ';' || (is_in_set(*s->p, s->x->comment) &&
			     !is_in_set(*s->p, s->x->line_comment)))
		return;
	if (*s->p == ':' && (s->at == IN_FIRST || s->at == IN_LABEL)) {
		s->at = BEHIND_BLANK;
		emit_char(s, *s->p++);
	} else if (s->at == IN_FIRST || s->at == IN_LABEL) {
		s->at = IN_OPERANDS;
		emit_char(s, ' ');
	} else if (s->at == IN_SYMBOL) {
		s->at = BEHIND_SYMBOL;
	}
}

/* Behind the start of a comment; `lines`: those inside it count. */
static void long_comment(struct scrub *s, bool lines)
{
	const char *end = memmem(s->p, (size_t)(s->end - s->p), "*/", 2);
	const char *stop = end ? end : s->end;

	for (; lines && s->p < stop; s->p++) {
		if (*s->p == '\n')
			emit_char(s, '\n');
	}
	s->p = end ? end + 2 : s->end;
	blank(s);
}

static void slash(struct scrub *s)
{
	char next = s->p < s->end ? *s->p : '\0';

	if (next == '*') {
		s->p++;
		long_comment(s, false);
	} else if (next == '/' && s->x->slashes) {
		comment_to_end(s);
	} else {
		if (s->at == IN_SYMBOL || s->at == BEHIND_SYMBOL)
			s->at = IN_OPERANDS;
		emit_char(s, '/');
	}
}

/* A string goes over lines; its inside stays as it is. */
static void scrub_string(struct scrub *s)
{
	if (s->at == BEHIND_SYMBOL)
		emit_char(s, ' ');
	emit_char(s, '"');
	while (s->p < s->end && *s->p != '"') {
		char c = *s->p++;

		emit_char(s, c);
		if (c != '\\' || s->x->no_escapes || s->p == s->end)
			continue;
		emit_char(s, *s->p == '\n' ? 'n' : *s->p);
		s->p++;
	}
	emit_char(s, '"');
	s->p += s->p < s->end;
	if (s->at == BEHIND_SYMBOL || s->at == IN_OPERANDS)
		s->at = IN_SYMBOL;
}

static void scrub_character(struct scrub *s)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *name;
	char number[8];
	char c = '\0';

	if (s->at == BEHIND_SYMBOL) {
		emit_char(s, ' ');
		s->at = IN_OPERANDS;
	}
	if (s->p < s->end)
		c = *s->p++;
	if (c == '\\' && s->p < s->end) {
		c = *s->p++;
		name = c ? strchr(names, c) : NULL;
		if (name)
			c = values[name - names];
	}
	if (s->p < s->end && *s->p == '\'')
		s->p++;
	snprintf(number, sizeof(number), "%u", (unsigned)(uint8_t)c);
	if (s->at == IN_SYMBOL && number[1])
		s->at = IN_OPERANDS;
	buf_add_str(s->out, number);
}

/* Any other character. */
static void scrub_plain(struct scrub *s, char c)
{
	if (is_symbol(s, c) &&
	    (s->at == BEHIND_SYMBOL || s->at == IN_OPERANDS)) {
		if (s->at == BEHIND_SYMBOL)
			emit_char(s, ' ');
		s->at = IN_SYMBOL;
	} else if (s->at == BEHIND_SYMBOL) {
		/* A parameter of a macro may begin here. */
		if (c == '\\')
			emit_char(s, ' ');
		s->at = IN_OPERANDS;
	} else if (s->at == IN_SYMBOL && !is_symbol(s, c)) {
		s->at = IN_OPERANDS;
	} else if (s->at == AT_START) {
		s->at = IN_LABEL;
	} else if (s->at == BEHIND_BLANK) {
		s->at = IN_FIRST;
	}
	emit_char(s, c);
}

/* # 12 "x.S" is .linefile, whose operands are as others. */
static void scrub_line_comment(struct scrub *s, char c)
{
	bool first = s->at == AT_START;

	while (s->p < s->end && is_white(*s->p))
		s->p++;
	if (c == '#' && first && s->p < s->end && *s->p >= '0' &&
	    *s->p <= '9') {
		buf_add_str(s->out, "\t.linefile ");
		s->at = IN_OPERANDS;
		return;
	}
	skip_to_newline(s);
	s->at = AT_START;
}

/* Is this line one of .symver, and escaped is what would be a comment? */
static bool is_no_comment(const struct scrub *s)
{
	const char *out = (const char *)s->out->data, *line;
	size_t len = s->out->len;

	if (len && out[len - 1] == '\\')
		return true;
	if (!s->x->symver || !len)
		return false;
	line = memrchr(out, '\n', len);
	line = line ? line + 1 : out;
	return memmem(line, (size_t)(out + len - line), ".symver", 7);
}

static void scrub_comment(struct scrub *s, char c)
{
	if (is_in_set(c, s->x->line_comment)) {
		if (c == '/' && s->p < s->end && *s->p == '*') {
			s->p++;
			s->at = IN_OPERANDS;
			long_comment(s, true);
			return;
		}
		if (s->at == AT_START || s->at == BEHIND_BLANK) {
			scrub_line_comment(s, c);
			return;
		}
	}
	if (!is_in_set(c, s->x->comment) || is_no_comment(s))
		scrub_plain(s, c);
	else
		comment_to_end(s);
}

static void colon(struct scrub *s)
{
	s->at = s->at == IN_SYMBOL || s->at == BEHIND_SYMBOL ||
				s->at == IN_OPERANDS ?
			IN_OPERANDS :
			BEHIND_BLANK;
	emit_char(s, ':');
}

void scan_asm_scrub(const struct scan_asm_syntax *x, const char *text,
		    size_t len, struct buf *out)
{
	struct scrub s = { .x = x, .p = text, .end = text + len, .out = out };

	while (s.p < s.end) {
		char c = *s.p++;

		if (is_white(c))
			blank(&s);
		else if (is_in_set(c, x->comment) ||
			 is_in_set(c, x->line_comment))
			scrub_comment(&s, c);
		else if (c == '/')
			slash(&s);
		else if (c == '"')
			scrub_string(&s);
		else if (c == '\'')
			scrub_character(&s);
		else if (c == ':')
			colon(&s);
		else if (c == '\n' || c == ';') {
			s.at = AT_START;
			emit_char(&s, c);
		} else
			scrub_plain(&s, c);
	}
	if (!out->len || out->data[out->len - 1] != '\n')
		emit_char(&s, '\n');
}
