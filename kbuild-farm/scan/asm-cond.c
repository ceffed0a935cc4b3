/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * .if and its like.  What is below one that cannot be evaluated is read, and
 * so is what is below its .else.
 */
#include "scan/asm.h"

#include <stdlib.h>
#include <string.h>

enum answer {
	NO,
	YES,
	PERHAPS,
};

bool scan_asm_ignoring(const struct scan_asm_run *run)
{
	return run->n_frame && run->frame[run->n_frame - 1].ignoring;
}

static bool has_unknown_char(const char *s, size_t len)
{
	return memchr(s, SCAN_ASM_OPERAND, len) ||
	       memchr(s, SCAN_ASM_DIGITS, len);
}

static enum answer compare_with_zero(struct scan_asm_run *run, const char *how,
				     struct scan_asm_part in)
{
	int64_t v = 0;

	if (!scan_asm_value(run, &in, &v))
		return PERHAPS;
	scan_asm_blanks(&in);
	if (in.p < in.end)
		return PERHAPS;
	if (!strcmp(how, "eq"))
		return v == 0;
	if (!strcmp(how, "ge"))
		return v >= 0;
	if (!strcmp(how, "gt"))
		return v > 0;
	if (!strcmp(how, "le"))
		return v <= 0;
	if (!strcmp(how, "lt"))
		return v < 0;
	return v != 0;
}

static enum answer is_blank_operand(struct scan_asm_part in)
{
	scan_asm_blanks(&in);
	if (in.p == in.end)
		return YES;
	/* Of an operand we know that it is something. */
	return NO;
}

/* A word of .ifc, in single quotes or up to `stop`, without blanks around. */
static struct scan_asm_part word_of(struct scan_asm_part *in, char stop)
{
	struct scan_asm_part word;

	scan_asm_blanks(in);
	word = (struct scan_asm_part){ in->p, in->p };
	while (in->p < in->end && *in->p != stop)
		in->p++;
	word.end = in->p;
	while (word.end > word.p && scan_asm_is_blank(word.end[-1]))
		word.end--;
	return word;
}

/* .ifc A,B and .ifeqs "A","B". */
static enum answer are_equal(struct scan_asm_part in)
{
	size_t len = (size_t)(in.end - in.p);
	struct scan_asm_part a, b;

	/* Strings with escapes, and with a comma, are read in another way. */
	if (has_unknown_char(in.p, len) || memchr(in.p, '\\', len) ||
	    memchr(in.p, '\'', len))
		return PERHAPS;
	a = word_of(&in, ',');
	if (in.p == in.end)
		return PERHAPS;
	in.p++;
	if (memchr(in.p, ',', (size_t)(in.end - in.p)) &&
	    memchr(a.p, '"', (size_t)(in.end - a.p)))
		return PERHAPS;
	b = word_of(&in, ';');
	return a.end - a.p == b.end - b.p &&
	       !memcmp(a.p, b.p, (size_t)(a.end - a.p));
}

static enum answer not(enum answer a) {
	return a == PERHAPS ? PERHAPS : a == NO ? YES : NO;
}

/* "A","B", and nothing else: what else there is may be no .if at all. */
static bool is_two_strings(struct scan_asm_part in)
{
	for (int i = 0; i < 2; i++) {
		const char *close;

		scan_asm_blanks(&in);
		if (in.p == in.end || *in.p != '"')
			return false;
		close = memchr(in.p + 1, '"', (size_t)(in.end - in.p - 1));
		if (!close)
			return false;
		in.p = close + 1;
		scan_asm_blanks(&in);
		if (!i && (in.p == in.end || *in.p++ != ','))
			return false;
	}
	return in.p == in.end;
}

static enum answer are_equal_strings(struct scan_asm_run *run,
				     struct scan_asm_part in)
{
	if (is_two_strings(in))
		return are_equal(in);
	scan_asm_open(run, "operands of .ifeqs");
	return PERHAPS;
}

static enum answer ask_ifdef(struct scan_asm_run *run, struct scan_asm_part in)
{
	scan_asm_blanks(&in);
	if (in.p == in.end || !scan_asm_starts_name(run->d.syntax, *in.p))
		scan_asm_open(run, "operands of .ifdef");
	return PERHAPS;
}

/* What stands behind "if". */
static bool is_known(const char *how)
{
	static const char *const all[] = { "",    "eq",  "ge",   "gt",
					   "le",  "lt",  "ne",   "b",
					   "nb",  "c",   "nc",   "eqs",
					   "nes", "def", "ndef", "notdef" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!strcmp(how, all[i]))
			return true;
	}
	return false;
}

static enum answer ask_condition(struct scan_asm_run *run, const char *how,
				 struct scan_asm_part in)
{
	if (!strcmp(how, "b"))
		return is_blank_operand(in);
	if (!strcmp(how, "nb"))
		return not(is_blank_operand(in));
	if (!strcmp(how, "c"))
		return are_equal(in);
	if (!strcmp(how, "nc"))
		return not(are_equal(in));
	if (!strcmp(how, "eqs"))
		return are_equal_strings(run, in);
	if (!strcmp(how, "nes"))
		return not(are_equal_strings(run, in));
	if (strstr(how, "def"))
		return ask_ifdef(run, in);
	return compare_with_zero(run, how, in);
}

/* The branch that starts here is taken, not taken, or who knows. */
static void branch(struct scan_asm_run *run, struct scan_asm_frame *f,
		   enum answer answer)
{
	if (f->unsure)
		scan_asm_surely(run, f->alternate);
	/* One that is taken, perhaps, leaves the others as they are. */
	f->ignoring = f->dead || answer == NO;
	if (!f->ignoring && answer == YES)
		f->dead = true;
	f->unsure = f->unsure || answer == PERHAPS;
	if (f->unsure)
		f->alternate = scan_asm_perhaps(run);
}

static void open_frame(struct scan_asm_run *run, const char *how,
		       struct scan_asm_part in)
{
	struct scan_asm_frame f = { .dead = scan_asm_ignoring(run) };
	enum answer answer = NO;

	if (!f.dead)
		answer = ask_condition(run, how, in);
	run->frame = xrealloc(run->frame,
			      (run->n_frame + 1) * sizeof(*run->frame));
	run->frame[run->n_frame] = f;
	branch(run, &run->frame[run->n_frame++], answer);
}

void scan_asm_leave(struct scan_asm_run *run, size_t n)
{
	while (run->n_frame > n) {
		run->n_frame--;
		if (run->frame[run->n_frame].unsure)
			scan_asm_surely(run,
					run->frame[run->n_frame].alternate);
	}
}

bool scan_asm_condition(struct scan_asm_run *run, const char *name,
			struct scan_asm_part in)
{
	struct scan_asm_frame *f;

	if (!strncmp(name, "if", 2)) {
		if (!is_known(name + 2))
			return false;
		open_frame(run, name + 2, in);
		return true;
	}
	f = run->n_frame ? &run->frame[run->n_frame - 1] : NULL;
	if (!strcmp(name, "endif") || !strcmp(name, "endc")) {
		if (f)
			scan_asm_leave(run, run->n_frame - 1);
	} else if (!strcmp(name, "else") || !strcmp(name, "elsec")) {
		if (f && !f->last)
			branch(run, f, YES);
		if (f)
			f->last = true;
	} else if (!strcmp(name, "elseif")) {
		if (f && !f->last)
			branch(run, f,
			       f->dead ? NO : compare_with_zero(run, "ne", in));
	} else {
		return false;
	}
	return true;
}

/* The name of the directive that a statement starts with. */
static void directive_name(const struct scan_asm_syntax *x,
			   struct scan_asm_part in, struct buf *out)
{
	struct scan_asm_part name;

	buf_reset(out);
	scan_asm_start_blanks(&in);
	if (in.p == in.end || *in.p != '.')
		return;
	name.p = in.p + 1;
	scan_asm_name(x, &in);
	name.end = in.p;
	scan_asm_lower(out, name);
}

bool scan_asm_is_balanced(const struct scan_asm_syntax *x,
			  struct scan_asm_part in)
{
	struct buf name = { 0 };
	bool balanced = true;
	int depth = 0;

	while (in.p < in.end && balanced) {
		struct scan_asm_part line = in;
		const char *s;

		line.end = scan_asm_statement_end(line.p, line.end);
		in.p = line.end + (line.end < in.end);
		directive_name(x, line, &name);
		s = buf_str(&name);
		if (str_starts(s, "if"))
			depth++;
		else if (!strcmp(s, "endif") || !strcmp(s, "endc"))
			balanced = --depth >= 0;
		else if (str_starts(s, "else"))
			balanced = depth > 0;
	}
	buf_release(&name);
	return balanced && !depth;
}
