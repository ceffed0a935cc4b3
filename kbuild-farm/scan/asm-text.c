/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts of a unit.  A source alone is run from its first line to its
 * last.  The texts of a C file are run over and over until they define
 * nothing new: a compiler reorders and doubles them, and drops some.
 */
#include "scan/asm-text.h"

#include "scan/asm.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define PASSES_MAX 8

struct text {
	struct map_node node;
	enum scan_asm_kind kind;
	struct buf text;
};

struct scan_asm_text {
	const struct scan_asm_syntax *syntax;
	bool alternate;
	struct text **text;
	size_t n, cap;
	struct map known; /* each text once */
};

struct scan_asm_text *scan_asm_new(const struct scan_asm_setup *setup)
{
	struct scan_asm_text *a = xcalloc(1, sizeof(*a));

	a->syntax = scan_asm_syntax(setup->architecture);
	a->alternate = setup->alternate;
	return a;
}

void scan_asm_free(struct scan_asm_text *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++) {
		buf_release(&a->text[i]->text);
		free(a->text[i]);
	}
	free(a->text);
	map_release(&a->known);
	free(a);
}

void scan_asm_add(struct scan_asm_text *a, const char *s, size_t len,
		  enum scan_asm_kind kind)
{
	uint64_t hash = map_hash(bytes_of(s, len)) + kind;
	struct map_node *n;
	struct text *t;

	for (n = map_find(&a->known, hash); n; n = map_again(n)) {
		t = (struct text *)n;
		if (t->kind == kind && t->text.len == len &&
		    !memcmp(buf_str(&t->text), s, len))
			return;
	}
	t = xcalloc(1, sizeof(*t));
	t->kind = kind;
	buf_add(&t->text, s, len);
	map_add(&a->known, &t->node, hash);
	a->text = vec_reserve(a->text, &a->cap, a->n, sizeof(*a->text));
	a->text[a->n++] = t;
}

/* The bytes by which we mean something else. */
static bool has_control(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if (b->data[i] == '\0' || b->data[i] == SCAN_ASM_OPERAND ||
		    b->data[i] == SCAN_ASM_DIGITS)
			return true;
	}
	return false;
}

/* One text of many, which must leave nothing behind that others see. */
static void run_one(struct scan_asm_run *run, const struct buf *text)
{
	bool alternate = run->d.alternate;

	run->bytes = 0;
	scan_asm_run(run, buf_str(text), text->len);
	if (run->loose && run->d.alternate != alternate)
		scan_asm_open(run, ".altmacro for what follows");
	run->d.alternate = alternate;
}

static void run_template(struct scan_asm_run *run, const struct buf *in)
{
	bool more = true;

	for (unsigned i = 0; more && i < 4; i++) {
		struct buf text = { 0 };
		const char *why;

		buf_add_str(&text, "\t");
		why = scan_asm_operands(run->d.syntax, buf_str(in), in->len, i,
					&text, &more);
		if (why)
			scan_asm_open(run, why);
		run_one(run, &text);
		buf_release(&text);
	}
}

/* Within a statement of the compiler's, within a string or not. */
static void run_raw(struct scan_asm_run *run, const struct buf *in)
{
	if (!memchr(buf_str(in), '\n', in->len) &&
	    !memchr(buf_str(in), ';', in->len))
		return;
	for (int quoted = 0; quoted < 2; quoted++) {
		struct buf text = { 0 };

		buf_add_str(&text, quoted ? "\t.section \"" : "\t.section ");
		buf_add_bytes(&text, buf_bytes(in));
		buf_add_str(&text, quoted ? "\" \1" : " \1");
		run_one(run, &text);
		buf_release(&text);
	}
}

static void run_part(struct scan_asm_run *run, const struct text *t)
{
	if (has_control(&t->text)) {
		scan_asm_open(run, "a control character in assembler text");
		return;
	}
	switch (t->kind) {
	case SCAN_ASM_SOURCE:
		if (str_starts(buf_str(&t->text), "#NO_APP"))
			scan_asm_open(run, "#NO_APP");
		run_one(run, &t->text);
		break;
	case SCAN_ASM_TEMPLATE:
		run_template(run, &t->text);
		break;
	case SCAN_ASM_BASIC:
		run_one(run, &t->text);
		break;
	case SCAN_ASM_RAW:
		run_raw(run, &t->text);
		break;
	}
}

/* What a compiler may call an instruction: letters, digits and dots. */
static bool is_mnemonic(const char *s)
{
	if (*s < 'a' || *s > 'z')
		return false;
	for (; *s; s++) {
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9') &&
		    *s != '.')
			return false;
	}
	return true;
}

/* The compiler's own instructions may be macros' names. */
static void run_compiled(struct scan_asm_run *run)
{
	struct map_node *node = NULL;
	struct buf text = { 0 };

	while ((node = map_next(&run->macros, node))) {
		const char *name = ((struct scan_asm_named *)node)->name;

		if (!is_mnemonic(name))
			continue;
		buf_printf(&text, "\t%s\n", name);
		for (int n = 1; n < 5; n++) {
			buf_printf(&text, "\t%s \1", name);
			for (int i = 1; i < n; i++)
				buf_add_str(&text, ", \1");
			buf_add_str(&text, "\n");
		}
	}
	run_one(run, &text);
	buf_release(&text);
}

static void value(void *ctx, struct scan_asm_part *in, struct buf *out)
{
	int64_t number;

	if (scan_asm_value(ctx, in, &number))
		buf_printf(out, "%lld", (long long)number);
	else
		buf_add_str(out, "\2");
}

static bool in_order(const struct scan_asm_text *a)
{
	return a->n == 1 && a->text[0]->kind == SCAN_ASM_SOURCE;
}

static void run_all(struct scan_asm_run *run, struct scan_asm_text *a)
{
	bool compiled = a->n && a->text[0]->kind != SCAN_ASM_SOURCE;
	uint64_t before;
	unsigned passes = 0;

	do {
		if (passes++ == PASSES_MAX)
			scan_asm_open(run, "macros that define ever more");
		before = run->changes;
		run->statements = 0;
		for (size_t i = 0; i < a->n && !run->out->open; i++)
			run_part(run, a->text[i]);
		if (compiled && !run->out->open)
			run_compiled(run);
	} while (run->loose && run->changes != before && !run->out->open);
}

void scan_asm_end(struct scan_asm_text *a, struct scan_asm_result *out)
{
	struct scan_asm_run run = {
		.d = { .syntax = a->syntax,
		       .alternate = a->alternate,
		       .value = value },
		.loose = !in_order(a),
		.out = out,
	};

	*out = (struct scan_asm_result){ 0 };
	run.d.ctx = &run;
	if (a->syntax)
		run_all(&run, a);
	else
		scan_asm_open(&run, "an architecture that we do not know");
	free(run.frame);
	scan_asm_macros_release(&run);
	scan_asm_symbols_release(&run);
}

void scan_asm_result_release(struct scan_asm_result *out)
{
	strv_release(&out->incbin);
	strv_release(&out->include);
	strv_release(&out->origin);
	free(out->open);
	*out = (struct scan_asm_result){ 0 };
}
