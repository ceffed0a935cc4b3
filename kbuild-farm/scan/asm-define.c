/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .macro and .purgem, and where the bodies of macros and repetitions end. */
#include "scan/asm.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool scan_asm_may_be(const char *text, const char *name)
{
	for (; *text; text++, name++) {
		if (*text == SCAN_ASM_OPERAND || *text == SCAN_ASM_DIGITS) {
			bool digits = *text == SCAN_ASM_DIGITS;

			for (; *name; name++) {
				if (digits &&
				    !strchr("0123456789abcdef", *name))
					return false;
				if (scan_asm_may_be(text + 1, name + 1))
					return true;
			}
			return false;
		}
		if (*text != *name)
			return false;
	}
	return !*name;
}

struct scan_asm_named *scan_asm_find(struct scan_asm_run *run, const char *name)
{
	uint64_t hash = map_hash(bytes_of(name, strlen(name)));
	struct map_node *n;

	for (n = map_find(&run->macros, hash); n; n = map_again(n)) {
		if (!strcmp(((struct scan_asm_named *)n)->name, name))
			return (struct scan_asm_named *)n;
	}
	return NULL;
}

static char *lower(const char *s, size_t len)
{
	char *copy = xstrndup(s, len);

	for (char *c = copy; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c |= 32;
	}
	return copy;
}

static bool is_same_macro(const struct scan_asm_macro *a,
			  const struct scan_asm_macro *b)
{
	return a->alternate == b->alternate &&
	       !strcmp(a->operands, b->operands) && !strcmp(a->body, b->body);
}

/* A macro whose name is `owned`. */
static void add_macro(struct scan_asm_run *run, char *owned,
		      struct scan_asm_macro *m)
{
	struct scan_asm_named *n = scan_asm_find(run, owned);

	if (!n) {
		n = xcalloc(1, sizeof(*n));
		n->name = xstrdup(owned);
		map_add(&run->macros, &n->node,
			map_hash(bytes_of(owned, strlen(owned))));
	}
	free(owned);
	for (struct scan_asm_macro *old = n->macro; old; old = old->next) {
		if (is_same_macro(old, m)) {
			scan_asm_macro_free(m);
			return;
		}
	}
	m->next = n->macro;
	n->macro = m;
	run->changes++;
}

void scan_asm_define(struct scan_asm_run *run, struct scan_asm_part label,
		     struct scan_asm_part operands, struct scan_asm_part body)
{
	struct scan_asm_macro *m;
	size_t len;

	scan_asm_blanks(&operands);
	if (label.p == label.end) {
		label.p = operands.p;
		scan_asm_name(run->d.syntax, &operands);
		label.end = operands.p;
		if (run->d.alternate && operands.p < operands.end &&
		    *operands.p == '&')
			operands.p++;
	}
	len = (size_t)(label.end - label.p);
	if (memchr(label.p, SCAN_ASM_OPERAND, len) ||
	    memchr(label.p, SCAN_ASM_DIGITS, len)) {
		scan_asm_open(run, "a .macro whose name is made");
		return;
	}
	m = scan_asm_macro_new(&run->d, operands, body);
	if (!len || m->bad) {
		char *words = xasprintf("operands of .macro %.*s %s", (int)len,
					label.p, m->operands);

		scan_asm_open(run, words);
		scan_asm_macro_free(m);
		free(words);
		return;
	}
	add_macro(run, lower(label.p, len), m);
}

void scan_asm_purge(struct scan_asm_run *run, struct scan_asm_part in)
{
	/* What is gone, perhaps, is there, perhaps. */
	if (run->loose || run->unsure)
		return;
	for (;;) {
		struct scan_asm_named *n;
		const char *s;
		char *name;
		size_t len;

		scan_asm_blanks(&in);
		s = in.p;
		len = scan_asm_name(run->d.syntax, &in);
		if (!len)
			return;
		name = lower(s, len);
		n = scan_asm_find(run, name);
		free(name);
		while (n && n->macro) {
			struct scan_asm_macro *m = n->macro;

			n->macro = m->next;
			m->next = run->purged;
			run->purged = m;
			run->changes++;
		}
		scan_asm_blanks(&in);
		if (in.p == in.end || *in.p++ != ',')
			return;
	}
}

/* Over the labels in front of a statement; *label is behind the last. */
static struct scan_asm_part behind_labels(const struct scan_asm_syntax *x,
					  struct scan_asm_part line,
					  const char **label)
{
	struct scan_asm_part in = line;

	*label = line.p;
	for (;;) {
		scan_asm_blanks(&in);
		if (!scan_asm_name(x, &in))
			break;
		scan_asm_blanks(&in);
		if (in.p == in.end || *in.p != ':')
			break;
		in.p++;
		*label = in.p;
	}
	in.p = *label;
	scan_asm_blanks(&in);
	return in;
}

/* Is it .NAME, in any case of letters? */
static bool is_directive(const struct scan_asm_syntax *x,
			 struct scan_asm_part in, const char *name)
{
	size_t n = strlen(name);

	return in.end - in.p > (ptrdiff_t)n && *in.p == '.' &&
	       !strncasecmp(in.p + 1, name, n) &&
	       (in.end == in.p + 1 + n || !scan_asm_in_name(x, in.p[1 + n]));
}

static bool opens_body(const struct scan_asm_syntax *x, const char *from,
		       struct scan_asm_part in)
{
	static const char *const repeats[] = { "irepc", "irep", "irpc",
					       "rept",  "irp",  "rep" };

	if (!strcmp(from, "macro"))
		return is_directive(x, in, from);
	for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++) {
		if (is_directive(x, in, repeats[i]))
			return true;
	}
	return false;
}

bool scan_asm_body(const struct scan_asm_syntax *x, const char *from,
		   struct scan_asm_part *in, struct scan_asm_part *body)
{
	const char *to = !strcmp(from, "macro") ? "endm" : "endr";
	unsigned depth = 1;

	body->p = in->p;
	while (in->p < in->end) {
		const char *eol = scan_asm_statement_end(in->p, in->end);
		struct scan_asm_part first, line = { in->p, eol };
		const char *label;

		in->p = eol + (eol < in->end);
		first = behind_labels(x, line, &label);
		if (opens_body(x, from, first)) {
			depth++;
		} else if (is_directive(x, first, to) && !--depth) {
			body->end = label;
			return true;
		}
	}
	body->end = in->end;
	return false;
}

static void free_named(struct map_node *node)
{
	struct scan_asm_named *n = (struct scan_asm_named *)node;

	while (n->macro) {
		struct scan_asm_macro *m = n->macro;

		n->macro = m->next;
		scan_asm_macro_free(m);
	}
	free(n->name);
	free(n);
}

void scan_asm_macros_release(struct scan_asm_run *run)
{
	map_release_all(&run->macros, free_named);
	while (run->purged) {
		struct scan_asm_macro *m = run->purged;

		run->purged = m->next;
		scan_asm_macro_free(m);
	}
}
