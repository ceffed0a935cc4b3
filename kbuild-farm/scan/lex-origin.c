/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * #line 33 "gram.y" and # 33 "gram.y": gcc opens that file to show the line
 * that a diagnostic is about, and to see how it is indented.
 */
#include "scan/lexer.h"

static const uint8_t *blanks(const uint8_t *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Nothing more on this line; where a comment begins, the name may follow. */
static bool is_over(const uint8_t *p)
{
	return *p == '\n' || *p == '\r' || (*p == '/' && p[1] == '/');
}

static bool take_origin(struct scan_lexer *l, const uint8_t *p)
{
	const uint8_t *end;
	struct scan_directive *d;

	if (*p++ != '"')
		return is_over(p - 1);
	for (end = p; *end != '"'; end++) {
		if (*end == '\n' || *end == '\\' || *end == '?')
			return false;
	}
	/* "<built-in>" and the like. */
	if (end == p || *p == '<')
		return true;
	d = scan_lexer_add(l, SCAN_OP_ORIGIN);
	d->name = scan_name_id_locked(l->names, (const char *)p,
				      (size_t)(end - p));
	return true;
}

void scan_lexer_origin(struct scan_lexer *l)
{
	const uint8_t *p = blanks(l->p), *digits = p;

	l->t->marks |= SCAN_MARK_LINE;
	while (*p >= '0' && *p <= '9')
		p++;
	if (p == digits || !take_origin(l, blanks(p)))
		scan_lexer_unsupported(l, REASON_LINE_NAME);
}
