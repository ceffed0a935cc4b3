/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of an asm statement with operands: a compiler puts something in
 * place of %0, and of {a|b} it takes what is for its dialect.
 */
#include "scan/asm.h"

#include <string.h>

static bool is_ascii_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_decimal(char c)
{
	return c >= '0' && c <= '9';
}

static void put_char(struct buf *out, char c)
{
	buf_add(out, &c, 1);
}

/* Behind a %: what comes instead. */
static const char *percent(struct scan_asm_part *in, struct buf *out)
{
	if (in->p == in->end)
		return "a % at the end of an asm statement";
	if (strchr("%{|}", *in->p)) {
		put_char(out, *in->p++);
		return NULL;
	}
	if (*in->p == '=') {
		in->p++;
		put_char(out, SCAN_ASM_DIGITS);
		return NULL;
	}
	/* One letter, or in clang ${0:abc}, says how. */
	if (is_ascii_letter(*in->p))
		in->p++;
	put_char(out, SCAN_ASM_OPERAND);
	if (in->p < in->end && *in->p == '[') {
		const char *close = memchr(in->p, ']',
					   (size_t)(in->end - in->p));

		in->p = close ? close + 1 : in->end;
		return close ? NULL : "%[ without ] in an asm statement";
	}
	if (in->p == in->end || !is_decimal(*in->p)) {
		/* %_ and the like: one letter more at most. */
		if (in->p < in->end && !is_ascii_letter(in->p[-1]))
			return "a % of the compiler's in an asm statement";
		return NULL;
	}
	while (in->p < in->end && is_decimal(*in->p))
		in->p++;
	return NULL;
}

/* {a|b|c}: copy the one that is wanted; the others are skipped. */
struct choice {
	unsigned wanted, at;
	bool open;
};

static bool choose(struct choice *c, char ch, bool *more)
{
	if (ch == '{' && !c->open) {
		*c = (struct choice){ .wanted = c->wanted, .open = true };
		*more |= !c->wanted;
		return true;
	}
	if (!c->open || (ch != '|' && ch != '}'))
		return false;
	if (ch == '}') {
		c->open = false;
		c->at = 0;
	} else {
		c->at++;
		*more |= c->at > c->wanted;
	}
	return true;
}

const char *scan_asm_operands(const struct scan_asm_syntax *x, const char *s,
			      size_t len, unsigned alternative, struct buf *out,
			      bool *more)
{
	struct scan_asm_part in = { s, s + len };
	struct choice c = { .wanted = alternative };
	struct buf skipped = { 0 };
	const char *why = NULL;

	*more = false;
	while (in.p < in.end && !why) {
		struct buf *to = c.open && c.at != c.wanted ? &skipped : out;
		char ch = *in.p++;

		if (x->alternatives && choose(&c, ch, more))
			continue;
		if (ch == '%')
			why = percent(&in, to);
		else
			put_char(to, ch);
	}
	buf_release(&skipped);
	return why;
}
