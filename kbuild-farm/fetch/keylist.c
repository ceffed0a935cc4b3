/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/keylist.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS 10

/* The fields that a line has, at most FIELDS; the others are "". */
static void split_line(char *line, const char *field[static FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		char *word = strsep(&line, ":");

		field[i] = word ? word : "";
	}
}

/* A line that a key begins with: what it is, and what became of it. */
static bool read_key(const char *const *field, struct fetch_keylist_key *key)
{
	bool is_secret = str_equal(field[0], "sec") ||
			 str_equal(field[0], "ssb");
	bool is_primary = str_equal(field[0], "pub") ||
			  str_equal(field[0], "sec");

	if (!is_secret && !is_primary && !str_equal(field[0], "sub"))
		return false;
	*key = (struct fetch_keylist_key){
		.is_primary = is_primary,
		.is_secret = is_secret,
		.is_revoked = field[1][0] == 'r',
		.expires = strtoll(field[6], NULL, 10),
	};
	return true;
}

bool fetch_keylist_next(struct bytes *listing, struct fetch_keylist_key *out)
{
	struct fetch_keylist_key key;
	bool inside = false, found = false;

	while (listing->len && !found) {
		char *line = bytes_dup(bytes_line(listing));
		const char *field[FIELDS];

		split_line(line, field);
		if (read_key(field, &key)) {
			inside = true;
		} else if (inside && str_equal(field[0], "fpr") &&
			   strlen(field[9]) == FETCH_FINGERPRINT - 1) {
			memcpy(key.fingerprint, field[9], FETCH_FINGERPRINT);
			*out = key;
			found = true;
		}
		free(line);
	}
	return found;
}

static bool is_revoked(struct bytes listing, const char *fingerprint)
{
	struct fetch_keylist_key key;

	while (fetch_keylist_next(&listing, &key)) {
		if (key.is_revoked && str_equal(key.fingerprint, fingerprint))
			return true;
	}
	return false;
}

bool fetch_keylist_forgets(struct bytes known, struct bytes other)
{
	struct fetch_keylist_key key;

	while (fetch_keylist_next(&known, &key)) {
		if (key.is_revoked && !is_revoked(other, key.fingerprint))
			return true;
	}
	return false;
}
