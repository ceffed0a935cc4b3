/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/nearest.h"

#include "base/str.h"

#include <string.h>

#define LETTERS_MAX 48 /* longer words are not compared */

static size_t least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Row i of the table holds the distances of a's first i letters. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][LETTERS_MAX + 1], n = strlen(b);
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= n; j++)
		last[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			row[j] = least_of(last[j - 1] + (a[i - 1] != b[j - 1]),
					  least_of(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least_of(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[n];
}

void nearest_init(struct nearest *n, const char *word)
{
	size_t len = strlen(word);

	*n = (struct nearest){ .word = word };
	if (len > 1 && len <= LETTERS_MAX)
		n->slips = len < 4 ? 2 : 3;
}

void nearest_try(struct nearest *n, const char *known)
{
	size_t d;

	if (!n->slips || strlen(known) > LETTERS_MAX)
		return;
	d = distance(n->word, known);
	if (d < n->slips) {
		n->slips = d;
		n->best = known;
	}
}

char *nearest_question(const struct nearest *n, const char *prefix,
		       const char *otherwise)
{
	if (!n->best)
		return xstrdup(otherwise);
	return xasprintf("; did you mean \"%s%s\"?", prefix, n->best);
}
