/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bash gives its command line as it is typed, and puts what it gets in the
 * place of a part of a word: that behind the last of COMP_WORDBREAKS, or behind
 * a quote.  Nothing is expanded, so nothing that stands there can do anything.
 */
#include "base/buf.h"
#include "cli/complete.h"

#include <ctype.h>
#include <string.h>

/* One word from `*at` on. */
static void read_line_word(struct complete_line *l, const char **at,
			   const char *breaks)
{
	struct buf word = { 0 };
	const char *p = *at;
	int kind = -1; /* of a piece: is it made of breaks? */

	l->quote = '\0';
	l->cut = 0;
	for (; *p && (l->quote || !isspace((unsigned char)*p)); p++) {
		bool breaks_here = !l->quote && strchr(":=@<>;|&(", *p) &&
				   strchr(breaks, *p);

		l->pieces += kind != breaks_here;
		kind = breaks_here;
		if (l->quote ? *p == l->quote : strchr("\"'", *p) != NULL) {
			l->quote = l->quote ? '\0' : *p;
			l->cut = word.len;
		} else if (*p == '\\' && l->quote != '\'' && p[1]) {
			buf_add(&word, ++p, 1);
		} else {
			buf_add(&word, p, 1);
			if (breaks_here)
				l->cut = word.len;
		}
	}
	*at = p;
	strv_own(&l->words, buf_steal(&word));
}

void complete_line_read(struct complete_line *l, const char *text,
			const char *breaks)
{
	*l = (struct complete_line){ 0 };
	do {
		text += strspn(text, " \t\n");
		read_line_word(l, &text, breaks);
	} while (*text);
	/* A space behind the last word begins an empty one. */
}

size_t complete_line_piece(const char *text, const char *breaks, size_t at)
{
	struct complete_line l = { 0 };
	size_t pieces;

	while (at-- && *text) {
		text += strspn(text, " \t\n");
		read_line_word(&l, &text, breaks);
	}
	pieces = l.pieces;
	complete_line_release(&l);
	return pieces;
}

void complete_line_release(struct complete_line *l)
{
	strv_release(&l->words);
	*l = (struct complete_line){ 0 };
}

bool complete_line_quote(const struct complete_line *l, const char *word,
			 struct buf *out)
{
	const char *special = l->quote == '"' ? "\"$`\\" :
						"|&;()<>*?[]{}#~!$`\\\"' \t";

	/* In such quotes nothing can be done about these. */
	if ((l->quote == '\'' && strchr(word, '\'')) ||
	    (l->quote == '"' && strchr(word, '!')))
		return false;
	for (const char *p = word + l->cut; *p; p++) {
		if (l->quote != '\'' && strchr(special, *p))
			buf_add_str(out, "\\");
		buf_add(out, p, 1);
	}
	return true;
}
