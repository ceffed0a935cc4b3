/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gpgv's exit status is not enough: it is 0 for revoked and expired keys and
 * for any key of the ring.  So: one signature, VALIDSIG of the pinned primary
 * key, and for an expired key a moment that is its own, since gpgv speaks of
 * every subkey's too.
 */
#include "fetch/status.h"

#include "base/spawn.h"
#include "base/str.h"
#include "fetch/gpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX "[GNUPG:] "
#define FIELDS 12

enum word {
	NEWSIG,
	PLAINTEXT,
	GOODSIG,
	EXPKEYSIG,
	REVKEYSIG,
	EXPSIG,
	BADSIG,
	ERRSIG,
	NO_PUBKEY,
	VALIDSIG,
	WORDS,
};

static const char *const words[WORDS] = {
	[NEWSIG] = "NEWSIG",       [PLAINTEXT] = "PLAINTEXT",
	[GOODSIG] = "GOODSIG",     [EXPKEYSIG] = "EXPKEYSIG",
	[REVKEYSIG] = "REVKEYSIG", [EXPSIG] = "EXPSIG",
	[BADSIG] = "BADSIG",       [ERRSIG] = "ERRSIG",
	[NO_PUBKEY] = "NO_PUBKEY", [VALIDSIG] = "VALIDSIG",
};

struct status {
	unsigned n[WORDS];
	char signer[FETCH_FINGERPRINT]; /* that gpgv has no key of */
	struct fetch_signature signature;
	bool valid; /* VALIDSIG could be read */
};

static bool is_hex_word(const char *s, size_t min, size_t max)
{
	size_t n = strspn(s, "0123456789ABCDEFabcdef");

	return !s[n] && n >= min && n <= max;
}

static void read_validsig(struct status *status, char *const *field, size_t n)
{
	struct fetch_signature *sig = &status->signature;
	long made;

	if (n < 11 || !is_hex_word(field[1], 40, 40) ||
	    !is_hex_word(field[10], 40, 40) ||
	    str_number(field[3], 0, 99999999999, &made))
		return;
	/* Over bytes or over text; anything else is about keys. */
	if (strcmp(field[9], "00") && strcmp(field[9], "01"))
		return;
	sig->made = made;
	memcpy(sig->key, field[1], FETCH_FINGERPRINT);
	memcpy(sig->fingerprint, field[10], FETCH_FINGERPRINT);
	status->valid = true;
}

static void read_status_line(struct status *status, char *line)
{
	char *field[FIELDS], *rest = line;
	size_t n = 0, word = 0;

	while (n < FIELDS && (field[n] = strsep(&rest, " ")) != NULL)
		n++;
	while (word < WORDS && strcmp(field[0], words[word]))
		word++;
	if (word == WORDS)
		return;

	status->n[word]++;
	if (word == VALIDSIG)
		read_validsig(status, field, n);
	else if (word == NO_PUBKEY && n > 1 && is_hex_word(field[1], 16, 40))
		memcpy(status->signer, field[1], strlen(field[1]) + 1);
}

static void read_lines(struct status *status, struct bytes lines)
{
	char *text = bytes_dup(lines), *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (str_starts(line, PREFIX))
			read_status_line(status, line + strlen(PREFIX));
	}
	free(text);
}

static int find_refusal(const struct status *status, struct err *err)
{
	const unsigned *n = status->n;

	if (n[NEWSIG] > 1 || n[VALIDSIG] > 1 || n[PLAINTEXT] > 1 ||
	    n[GOODSIG] + n[EXPKEYSIG] + n[REVKEYSIG] + n[EXPSIG] + n[BADSIG] +
			    n[ERRSIG] >
		    1)
		return err_set(err, EKEYREJECTED,
			       "several signatures, where one is expected");
	if (n[REVKEYSIG])
		return err_set(err, EKEYREVOKED,
			       "signed by a key that was revoked");
	if (n[EXPSIG])
		return err_set(err, EKEYEXPIRED, "the signature has expired");
	if (n[NO_PUBKEY])
		return err_set(err, ENOKEY, "signed by the unknown key %s",
			       status->signer);
	if (n[BADSIG])
		return err_set(err, EKEYREJECTED,
			       "the signature is for other content: this was "
			       "damaged or tampered with");
	if (n[ERRSIG])
		return err_set(err, EKEYREJECTED,
			       "the signature cannot be checked");
	return 0;
}

/*
 * gpgv says when keys expired, but not which, and does so for any that it
 * looks at.  So the moments are those of the keyring's listing, of the key
 * that signed and of its primary one: there must be one, and none passed.
 */
static int check_expiry(const struct fetch_signature *sig, struct bytes listing,
			struct err *err)
{
	struct fetch_gpg_key key;
	bool known = false;

	while (fetch_gpg_next(&listing, &key)) {
		if (key.expires <= 0 ||
		    (!str_equal(key.fingerprint, sig->key) &&
		     !str_equal(key.fingerprint, sig->fingerprint)))
			continue;
		known = true;
		if (sig->made >= key.expires)
			return err_set(err, EKEYEXPIRED,
				       "signed after the key %s expired",
				       key.fingerprint);
	}
	return known ? 0 :
		       err_set(err, EKEYEXPIRED,
			       "signed by the key %s, which has expired; when "
			       "is not known",
			       sig->key);
}

bool fetch_status_is_late(struct bytes lines)
{
	struct status status = { 0 };

	read_lines(&status, lines);
	return status.n[EXPKEYSIG] > 0;
}

int fetch_status_judge(struct bytes lines, int wait_status,
		       const char *fingerprint, struct bytes listing,
		       struct fetch_signature *out, struct err *err)
{
	struct status status = { 0 };
	int ret;

	read_lines(&status, lines);
	ret = find_refusal(&status, err);
	if (ret)
		return ret;
	if (!status.n[GOODSIG] && !status.n[EXPKEYSIG])
		return err_set(err, EKEYREJECTED, "no signature");
	if (wait_status || !status.valid) {
		char *end = spawn_status_text(wait_status);

		err_set(err, EKEYREJECTED,
			"gpgv is not content with the signature (%s)", end);
		free(end);
		return -EKEYREJECTED;
	}
	if (strcasecmp(status.signature.fingerprint, fingerprint))
		return err_set(err, EKEYREJECTED,
			       "signed by the key %s, not by %s",
			       status.signature.fingerprint, fingerprint);
	status.signature.key_expired = status.n[EXPKEYSIG];
	ret = status.signature.key_expired ?
		      check_expiry(&status.signature, listing, err) :
		      0;
	if (!ret)
		*out = status.signature;
	return ret;
}
