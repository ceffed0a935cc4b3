/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/spellcheck.h - Search for the candidate most similar to a misspelled
 * word.
 *
 * Similarity is the Damerau-Levenshtein distance (optimal string alignment):
 * the number of inserted, deleted, substituted and transposed letters.  A
 * candidate is similar at a distance of 1 or less; for a misspelled word of
 * four letters or more, also at a distance of 2.  A word of one letter has no
 * similar candidate.
 */
#ifndef BASE_SPELLCHECK_H
#define BASE_SPELLCHECK_H

#include <stddef.h>

struct spellcheck {
	const char *word; /* the misspelled word */
	const char *best; /* the most similar candidate so far, or NULL */
	/*
	 * distance of `best`; if `best` is NULL, the smallest distance that is
	 * too large, or 0 if `word` is too short or too long for a search
	 */
	size_t distance;
};

/* Start a search for `word`, which is borrowed. */
void spellcheck_init(struct spellcheck *n, const char *word);
/* Compare the word with `candidate`, a correct word, which is borrowed. */
void spellcheck_add(struct spellcheck *n, const char *candidate);

/*
 * Return "; did you mean \"PREFIXbest\"?", or `fallback` if no candidate is
 * similar.  The caller frees it.
 */
char *spellcheck_suggestion(const struct spellcheck *n, const char *prefix,
			    const char *fallback);

#endif
