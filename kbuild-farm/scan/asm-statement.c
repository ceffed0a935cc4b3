/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a statement. */
#include "scan/asm.h"

#include <stdlib.h>
#include <string.h>

void scan_asm_lower(struct buf *out, struct scan_asm_part name)
{
	buf_reset(out);
	for (; name.p < name.end; name.p++) {
		char c = *name.p;

		if (c >= 'A' && c <= 'Z')
			c |= 32;
		buf_add(out, &c, 1);
	}
}

static const struct {
	const char *name;
	enum scan_asm_directive is;
} directives[] = {
	{ "altmacro", SCAN_ASM_ALTMACRO },
	{ "ascii", SCAN_ASM_STRINGS },
	{ "asciz", SCAN_ASM_STRINGS },
	{ "equ", SCAN_ASM_SET },
	{ "equiv", SCAN_ASM_SET },
	{ "eqv", SCAN_ASM_EQV },
	{ "error", SCAN_ASM_STRINGS },
	{ "exitm", SCAN_ASM_EXITM },
	{ "file", SCAN_ASM_FILE },
	{ "ident", SCAN_ASM_STRINGS },
	{ "incbin", SCAN_ASM_INCBIN },
	{ "include", SCAN_ASM_INCLUDE },
	{ "irep", SCAN_ASM_IRP },
	{ "irepc", SCAN_ASM_IRPC },
	{ "irp", SCAN_ASM_IRP },
	{ "irpc", SCAN_ASM_IRPC },
	{ "macro", SCAN_ASM_MACRO },
	{ "mexit", SCAN_ASM_EXITM },
	{ "mri", SCAN_ASM_MRI },
	{ "noaltmacro", SCAN_ASM_NOALTMACRO },
	{ "print", SCAN_ASM_STRINGS },
	{ "purgem", SCAN_ASM_PURGEM },
	{ "pushsection", SCAN_ASM_STRINGS },
	{ "rep", SCAN_ASM_REPT },
	{ "rept", SCAN_ASM_REPT },
	{ "section", SCAN_ASM_STRINGS },
	{ "set", SCAN_ASM_SET },
	{ "string", SCAN_ASM_STRINGS },
	{ "string16", SCAN_ASM_STRINGS },
	{ "string32", SCAN_ASM_STRINGS },
	{ "string64", SCAN_ASM_STRINGS },
	{ "string8", SCAN_ASM_STRINGS },
	{ "warning", SCAN_ASM_STRINGS },
};

#define DIRECTIVES (sizeof(directives) / sizeof(directives[0]))

bool scan_asm_may_be_directive(const char *name)
{
	for (size_t i = 0; i < DIRECTIVES; i++) {
		if (directives[i].is != SCAN_ASM_STRINGS &&
		    directives[i].is != SCAN_ASM_FILE &&
		    scan_asm_may_be(name, directives[i].name))
			return true;
	}
	/* .if and its like decide about others. */
	return scan_asm_may_be(name, "if") || scan_asm_may_be(name, "else") ||
	       scan_asm_may_be(name, "endif");
}

enum scan_asm_directive scan_asm_directive(const char *name)
{
	for (size_t i = 0; i < DIRECTIVES; i++) {
		if (!strcmp(directives[i].name, name))
			return directives[i].is;
	}
	return SCAN_ASM_NONE;
}

void scan_asm_file(struct scan_asm_run *run, struct strv *list,
		   struct scan_asm_part in, const char *words)
{
	bool escapes = !run->d.syntax->no_escapes;
	struct buf name = { 0 };

	scan_asm_blanks(&in);
	if (in.p == in.end || *in.p != '"') {
		/* It is refused, or has its end in a string. */
		if (memchr(in.p, SCAN_ASM_OPERAND, (size_t)(in.end - in.p)) ||
		    memchr(in.p, ';', (size_t)(in.end - in.p)))
			scan_asm_open(run, words);
		return;
	}
	for (in.p++; in.p < in.end && *in.p != '"'; in.p++) {
		char c = *in.p;

		if (c == '\\' && escapes && in.p + 1 < in.end)
			c = *++in.p;
		if (c == SCAN_ASM_OPERAND || c == SCAN_ASM_DIGITS ||
		    (*in.p != '\\' && *in.p != '"' && in.p[-1] == '\\' &&
		     escapes)) {
			scan_asm_open(run, words);
			break;
		}
		buf_add(&name, &c, 1);
	}
	if (in.p == in.end)
		scan_asm_open(run, words);
	else if (*in.p == '"' && name.len && !strv_has(list, buf_str(&name)))
		strv_add(list, buf_str(&name));
	buf_release(&name);
}

void scan_asm_origin(struct scan_asm_run *run, struct scan_asm_part in)
{
	const char *from, *to;
	char *name;

	scan_asm_blanks(&in);
	from = in.p + 1;
	if (in.p == in.end || *in.p != '"')
		return;
	to = memchr(from, '"', (size_t)(in.end - from));
	/* Escaped, or made of what is not known: then it is in no list. */
	if (!to || memchr(from, '\\', (size_t)(to - from)) ||
	    memchr(from, SCAN_ASM_OPERAND, (size_t)(to - from)) ||
	    memchr(from, SCAN_ASM_DIGITS, (size_t)(to - from)))
		return;
	name = xstrndup(from, (size_t)(to - from));
	if (*name && !strv_has(&run->out->origin, name))
		strv_add(&run->out->origin, name);
	free(name);
}

bool scan_asm_take_name(struct scan_asm_run *run, struct scan_asm_part *in,
			struct scan_asm_part *name)
{
	name->p = in->p;
	if (in->p == in->end || *in->p != '"') {
		bool any = scan_asm_name(run->d.syntax, in);

		name->end = in->p;
		return any;
	}
	name->p++;
	for (in->p++; in->p < in->end && *in->p != '"';)
		in->p++;
	name->end = in->p;
	in->p += in->p < in->end;
	if (memchr(name->p, '\\', (size_t)(name->end - name->p)) ||
	    (in->p < in->end && *in->p == '"'))
		scan_asm_open(run, "a name in quotes");
	return true;
}

bool scan_asm_take_equals(struct scan_asm_part *in, bool *later)
{
	const char *p = in->p;

	p += p < in->end && scan_asm_is_blank(*p);
	if (p == in->end || *p != '=')
		return false;
	*later = p + 1 < in->end && p[1] == '=';
	in->p = p + 1 + *later;
	return true;
}

bool scan_asm_take_local_label(struct scan_asm_part *in)
{
	const char *p = in->p;

	while (p < in->end && *p >= '0' && *p <= '9')
		p++;
	if (p == in->p)
		return false;
	p += p < in->end && *p == '$';
	if (p == in->end || *p != ':')
		return false;
	in->p = p + 1;
	return true;
}

void scan_asm_start_blanks(struct scan_asm_part *in)
{
	while (in->p < in->end && (scan_asm_is_blank(*in->p) || *in->p == '\f'))
		in->p++;
}
