/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/spellcheck.h"

#include "base/str.h"

#include <string.h>

#define WORD_LEN_MAX 48 /* longer words are not compared */

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Row i of the distance matrix contains the distances from the first i letters
 * of `a` to the first 0, 1, ... letters of `b`.  Only three rows are stored.
 */
static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_LEN_MAX + 1], n = strlen(b);
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= n; j++)
		last[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			row[j] = min_size(last[j - 1] + (a[i - 1] != b[j - 1]),
					  min_size(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = min_size(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[n];
}

void spellcheck_init(struct spellcheck *n, const char *word)
{
	size_t len = strlen(word);

	*n = (struct spellcheck){ .word = word };
	if (len > 1 && len <= WORD_LEN_MAX)
		n->distance = len < 4 ? 2 : 3;
}

void spellcheck_add(struct spellcheck *n, const char *candidate)
{
	size_t d;

	if (!n->distance || strlen(candidate) > WORD_LEN_MAX)
		return;
	d = edit_distance(n->word, candidate);
	if (d < n->distance) {
		n->distance = d;
		n->best = candidate;
	}
}

char *spellcheck_suggestion(const struct spellcheck *n, const char *prefix,
			    const char *fallback)
{
	if (!n->best)
		return xstrdup(fallback);
	return xasprintf("; did you mean \"%s%s\"?", prefix, n->best);
}
