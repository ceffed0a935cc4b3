/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/spellcheck.h - Search for the candidate most similar to a misspelled
 * word.
 *
 * Similarity is the Damerau-Levenshtein distance (optimal string alignment):
 * the number of inserted, deleted, substituted and transposed letters.  A
 * distance of 1 is similar, and in words of four letters or more also a
 * distance of 2.
 */
#ifndef BASE_SPELLCHECK_H
#define BASE_SPELLCHECK_H

#include <stddef.h>

struct spellcheck {
	const char *word; /* the misspelled word */
	const char *best; /* the most similar candidate so far, or NULL */
	/* distance of `best`, or the smallest distance that is too large */
	size_t distance;
};

/* Start a search for `word`, which is borrowed. */
void spellcheck_init(struct spellcheck *n, const char *word);
/* Compare the word with a candidate, a correct word, which is borrowed. */
void spellcheck_add(struct spellcheck *n, const char *candidate);

/*
 * Return "; did you mean \"PREFIXbest\"?", or `fallback` if no candidate is
 * similar.  The caller frees it.
 */
char *spellcheck_suggestion(const struct spellcheck *n, const char *prefix,
			    const char *fallback);

#endif
