/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/nearest.h - "did you mean": the known word that an unknown one is like.
 *
 * Likeness is the Damerau-Levenshtein distance (optimal string alignment): how
 * many letters were put in, left out, exchanged for another or swapped with
 * their neighbour.  One slip makes two words alike, in words of four letters
 * and more two do.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word; /* what was written */
	const char *best; /* the nearest that is alike, or NULL */
	size_t slips; /* how far that is; first what is too far */
};

/* Look for what is like `word`, which is borrowed. */
void nearest_init(struct nearest *n, const char *word);
/* `known` is a word that would have been right; it is borrowed. */
void nearest_try(struct nearest *n, const char *known);

/*
 * "; did you mean \"PREFIXbest\"?", or `otherwise` where nothing is like it;
 * the caller frees it.
 */
char *nearest_question(const struct nearest *n, const char *prefix,
		       const char *otherwise);

#endif
