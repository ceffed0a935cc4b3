/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gas/gas.h"

#include "base/vec.h"
#include "gas/internal.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct gas_syntax arch_syntaxes[] = {
	{ .architecture = "x86", .macros = "__x86_64__ __i386__",
	  .comment = "#", .line_comment = "#/", .operand_chars = "*%-([{}",
	  .name_chars = "", .alternatives = true },
	{ .architecture = "aarch64", .macros = "__aarch64__",
	  .comment = "", .line_comment = "#", .operand_chars = "", .name_chars = "",
	  .slash_comments = true },
	{ .architecture = "arm", .macros = "__arm__",
	  .comment = "@", .line_comment = "#", .operand_chars = "#[]{}", .name_chars = "",
	  .slash_comments = true, .symver_literal = true },
	{ .architecture = "powerpc", .macros = "__powerpc__ __PPC__",
	  .comment = "#", .line_comment = "#", .operand_chars = "%[",
	  .name_chars = "[]{}", .no_escapes = true, .alternatives = true },
	{ .architecture = "sparc", .macros = "__sparc__",
	  .comment = "!", .line_comment = "#", .operand_chars = "", .name_chars = "",
	  .alternatives = true },
	{ .architecture = "sh", .macros = "__sh__",
	  .comment = "!", .line_comment = "!#", .operand_chars = "", .name_chars = "" },
	{ .architecture = "m68k", .macros = "__m68k__",
	  .comment = "|", .line_comment = "#*", .operand_chars = "", .name_chars = "",
	  .alternatives = true },
	{ .architecture = "xtensa", .macros = "__xtensa__ __XTENSA__",
	  .comment = "#", .line_comment = "#", .operand_chars = "", .name_chars = "",
	  .slash_comments = true },
	{ .architecture = "csky", .macros = "__csky__ __CSKY__",
	  .comment = "#", .line_comment = "#", .operand_chars = "", .name_chars = "",
	  .slash_comments = true },
	/* Architectures that share one syntax: riscv, mips, s390, ... */
	{ .architecture = "common",
	  .macros = "__riscv __mips__ __mips __s390__ __loongarch__ "
		    "__alpha__ __microblaze__ __nios2__ __or1k__ __OR1K__",
	  .comment = "#", .line_comment = "#", .operand_chars = "", .name_chars = "",
	  .alternatives = true },
};
/* clang-format on */

const char *gas_scrub_detect_arch(bool (*is_defined)(void *ctx,
						     const char *macro),
				  void *ctx)
{
	for (size_t i = 0; i < ARRAY_SIZE(arch_syntaxes); i++) {
		struct strv words = { 0 };
		bool found = false;

		strv_split(&words, arch_syntaxes[i].macros, " ");
		for (size_t w = 0; w < words.n && !found; w++)
			found = is_defined(ctx, words.v[w]);
		strv_release(&words);
		if (found)
			return arch_syntaxes[i].architecture;
	}
	return NULL;
}

/* Return the syntax of an architecture, or NULL if it is unknown. */
static const struct gas_syntax *find_syntax(const char *architecture)
{
	for (size_t i = 0; architecture && i < ARRAY_SIZE(arch_syntaxes); i++) {
		if (!strcmp(arch_syntaxes[i].architecture, architecture))
			return &arch_syntaxes[i];
	}
	return NULL;
}

/*
 * Templates of asm statements with operands.  The compiler replaces %0 and
 * selects the alternative of {a|b} for its dialect.
 */

static bool is_ascii_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_decimal(char c)
{
	return c >= '0' && c <= '9';
}

/* Expand a % escape.  Return NULL, or a description if it is not supported. */
static const char *expand_percent(struct gas_span *in, struct buf *out)
{
	if (in->p == in->end)
		return "% at the end of an asm statement";
	if (strchr("%{|}", *in->p)) {
		gas_append_char(out, *in->p++);
		return NULL;
	}
	if (*in->p == '=') {
		in->p++;
		gas_append_char(out, GAS_UNKNOWN_DIGITS);
		return NULL;
	}
	/* A letter in front of the operand selects its format. */
	if (is_ascii_letter(*in->p))
		in->p++;
	gas_append_char(out, GAS_UNKNOWN_OPERAND);
	if (in->p < in->end && *in->p == '[') {
		const char *close = memchr(in->p, ']',
					   (size_t)(in->end - in->p));

		in->p = close ? close + 1 : in->end;
		return close ? NULL : "%[ without ] in an asm statement";
	}
	if (in->p == in->end || !is_decimal(*in->p)) {
		/* Without an operand number, a letter must follow the %. */
		if (in->p < in->end && !is_ascii_letter(in->p[-1]))
			return "unknown % escape in an asm statement";
		return NULL;
	}
	while (in->p < in->end && is_decimal(*in->p))
		in->p++;
	return NULL;
}

/*
 * The selection in {a|b|c}: one alternative is copied, the others are skipped.
 */
struct alternative_choice {
	unsigned wanted, at;
	bool open;
};

/*
 * Process `ch` if it is the '{', '|' or '}' of an {a|b}.  Return false for any
 * other character.
 */
static bool take_alternative(struct alternative_choice *c, char ch, bool *more)
{
	if (ch == '{' && !c->open) {
		*c = (struct alternative_choice){ .wanted = c->wanted,
						  .open = true };
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

/*
 * Expand a template as the compiler does, with alternative number `alternative`
 * of each {a|b}.
 *
 * Returns NULL, or the reason why the result is unknown.  Sets `more` if the
 * template has further alternatives.
 */
static const char *expand_template(const struct gas_syntax *x, const char *s,
				   size_t len, unsigned alternative,
				   struct buf *out, bool *more)
{
	struct gas_span in = { s, s + len };
	struct alternative_choice c = { .wanted = alternative };
	struct buf skipped = { 0 };
	const char *why = NULL;

	*more = false;
	while (in.p < in.end && !why) {
		struct buf *to = c.open && c.at != c.wanted ? &skipped : out;
		char ch = *in.p++;

		if (x->alternatives && take_alternative(&c, ch, more))
			continue;
		if (ch == '%')
			why = expand_percent(&in, to);
		else
			gas_append_char(to, ch);
	}
	buf_release(&skipped);
	return why;
}

/*
 * The assembler code of a unit.  An assembler source is one text, which is
 * interpreted once.  In a C source, each asm() string is a separate text.  The
 * compiler can reorder, duplicate or drop asm() statements, so these texts have
 * no order.  They are interpreted in several passes, each over all texts, until
 * a pass changes no definition.
 */

#define PASSES_MAX 8

struct source_text {
	struct map_entry entry;
	enum gas_text_kind kind;
	struct buf text;
};

struct gas_scanner {
	const struct gas_syntax *syntax;
	bool alternate;
	struct source_text **texts;
	size_t n_texts, cap_texts;
	struct map by_hash; /* finds duplicates */
};

struct gas_scanner *gas_scanner_new(const struct gas_setup *setup)
{
	struct gas_scanner *a = xcalloc(1, sizeof(*a));

	a->syntax = find_syntax(setup->architecture);
	a->alternate = setup->alternate;
	return a;
}

void gas_scanner_free(struct gas_scanner *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_texts; i++) {
		buf_release(&a->texts[i]->text);
		free(a->texts[i]);
	}
	free(a->texts);
	map_release(&a->by_hash);
	free(a);
}

void gas_scanner_add_text(struct gas_scanner *a, const char *s, size_t len,
			  enum gas_text_kind kind)
{
	uint64_t hash = map_hash(bytes_of(s, len)) + kind;
	struct map_entry *n;
	struct source_text *t;

	for (n = map_find(&a->by_hash, hash); n; n = map_next_match(n)) {
		t = (struct source_text *)n;
		if (t->kind == kind && t->text.len == len &&
		    !memcmp(buf_str(&t->text), s, len))
			return;
	}
	t = xcalloc(1, sizeof(*t));
	t->kind = kind;
	buf_add(&t->text, s, len);
	map_add(&a->by_hash, &t->entry, hash);
	a->texts = vec_reserve(a->texts, &a->cap_texts, a->n_texts,
			       sizeof(*a->texts));
	a->texts[a->n_texts++] = t;
}

/*
 * Execute one text.  Conditionals and .altmacro in the text must not affect
 * other texts.
 */
static void run_single_text(struct gas_state *run, const struct buf *text)
{
	bool alternate = run->dialect.alternate;
	struct buf scrubbed = { 0 };

	run->expanded_bytes = 0;
	gas_scrub_text(run->dialect.syntax, buf_str(text), text->len,
		       &scrubbed);
	gas_run_text(run,
		     (struct gas_span){ buf_str(&scrubbed),
					buf_str(&scrubbed) + scrubbed.len });
	buf_release(&scrubbed);
	if (run->unordered && run->dialect.alternate != alternate)
		gas_symbol_set_undecided(run, ".altmacro in effect at the end");
	run->dialect.alternate = alternate;
}

/* Execute an asm template with each of the first 4 alternatives of {a|b}. */
static void run_template(struct gas_state *run, const struct buf *in)
{
	bool more = true;

	for (unsigned i = 0; more && i < 4; i++) {
		struct buf text = { 0 };
		const char *why;

		buf_add_str(&text, "\t");
		why = expand_template(run->dialect.syntax, buf_str(in), in->len,
				      i, &text, &more);
		if (why)
			gas_symbol_set_undecided(run, why);
		run_single_text(run, &text);
		buf_release(&text);
	}
}

/*
 * Execute a GAS_TEXT_RAW as an operand.  Ignore text without a newline or ';',
 * because it cannot start another statement.  Execute the text with and without
 * quotes, because the compiler can emit either form.
 */
static void run_raw(struct gas_state *run, const struct buf *in)
{
	if (!memchr(buf_str(in), '\n', in->len) &&
	    !memchr(buf_str(in), ';', in->len))
		return;
	for (int quoted = 0; quoted < 2; quoted++) {
		struct buf text = { 0 };

		buf_add_str(&text, quoted ? "\t.section \"" : "\t.section ");
		buf_add_bytes(&text, buf_bytes(in));
		buf_add_str(&text, quoted ? "\" \1" : " \1");
		run_single_text(run, &text);
		buf_release(&text);
	}
}

static void run_text_kind(struct gas_state *run, const struct source_text *t)
{
	const char *s = buf_str(&t->text);

	/* Control characters would be read as placeholders for unknown text. */
	if (memchr(s, '\0', t->text.len) ||
	    gas_has_unknown_text((struct gas_span){ s, s + t->text.len })) {
		gas_symbol_set_undecided(run,
					 "control character in assembler text");
		return;
	}
	switch (t->kind) {
	case GAS_TEXT_SOURCE:
		if (str_starts(s, "#NO_APP"))
			gas_symbol_set_undecided(run, "#NO_APP");
		run_single_text(run, &t->text);
		break;
	case GAS_TEXT_TEMPLATE:
		run_template(run, &t->text);
		break;
	case GAS_TEXT_BASIC:
		run_single_text(run, &t->text);
		break;
	case GAS_TEXT_RAW:
		run_raw(run, &t->text);
		break;
	}
}

/* Return true if a compiler could emit `s` as an instruction. */
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

/* Call each macro whose name the compiler could emit as an instruction. */
static void run_compiler_mnemonics(struct gas_state *run)
{
	struct map_entry *e = NULL;
	struct buf text = { 0 };

	while ((e = map_next(&run->macros, e))) {
		const char *name = ((struct gas_macro_entry *)e)->name;

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
	run_single_text(run, &text);
	buf_release(&text);
}

/* Callback: append the value at `in`, or GAS_UNKNOWN_DIGITS if unknown. */
static void append_value(void *ctx, struct gas_span *in, struct buf *out)
{
	int64_t number;

	if (gas_symbol_eval(ctx, in, &number))
		buf_printf(out, "%lld", (long long)number);
	else
		buf_add_str(out, "\2");
}

void gas_scanner_find_files(struct gas_scanner *a, struct gas_result *out)
{
	struct gas_state run = {
		.dialect = { .syntax = a->syntax,
			     .alternate = a->alternate,
			     .eval = append_value },
		.unordered = a->n_texts != 1 ||
			     a->texts[0]->kind != GAS_TEXT_SOURCE,
		.out = out,
	};
	bool compiled = a->n_texts && a->texts[0]->kind != GAS_TEXT_SOURCE;
	unsigned passes = 0;

	*out = (struct gas_result){ 0 };
	run.dialect.ctx = &run;
	if (!a->syntax)
		gas_symbol_set_undecided(&run, "unknown architecture");
	/* Execute unordered texts again until a pass changes no definition. */
	while (!out->undecided) {
		uint64_t before = run.n_changes;

		if (passes++ == PASSES_MAX)
			gas_symbol_set_undecided(
				&run, "too many passes over macro definitions");
		run.n_statements = 0;
		for (size_t i = 0; i < a->n_texts && !out->undecided; i++)
			run_text_kind(&run, a->texts[i]);
		if (compiled && !out->undecided)
			run_compiler_mnemonics(&run);
		if (!run.unordered || run.n_changes == before)
			break;
	}
	free(run.frames);
	gas_define_release_all(&run);
	gas_symbol_release_all(&run);
}

void gas_result_release(struct gas_result *out)
{
	strv_release(&out->incbins);
	strv_release(&out->includes);
	strv_release(&out->source_names);
	free(out->undecided);
	*out = (struct gas_result){ 0 };
}
