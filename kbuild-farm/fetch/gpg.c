/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/gpg.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define OUTPUT_MOST (64u << 20)
#define FIELDS      10 /* of a line of a listing */

static int home_make(char **home, struct err *err)
{
	*home = xstrdup("/tmp/kfarm-gpg.XXXXXX");
	if (mkdtemp(*home))
		return 0;
	free(*home);
	*home = NULL;
	return err_errno(err, "/tmp");
}

static void home_remove(char *home)
{
	struct err ignored;

	if (home)
		fs_remove(home, &ignored);
	free(home);
}

/* -EINVAL: it does not like what it was given. */
static int run_gpg(const char *home, const char *what, const char *which,
		   struct bytes in, struct buf *out, struct err *err)
{
	const char *path = getenv("PATH");
	char *env[] = { xasprintf("PATH=%s", path ? path : "/usr/bin:/bin"),
			xasprintf("HOME=%s", home), (char *)"LC_ALL=C", NULL };
	char *homedir = xasprintf("--homedir=%s", home);
	const char *const argv[] = {
		"gpg",
		"--no-options",
		"--batch",
		"--no-tty",
		"--quiet",
		"--no-autostart",
		"--lock-never",
		"--disable-dirmngr",
		"--no-auto-check-trustdb",
		homedir,
		"--with-colons",
		what,
		which,
		NULL,
	};
	struct spawn spawn = { .argv = (char *const *)argv,
			       .env = env,
			       .fd = { -1, -1, -1 },
			       .cpu_seconds = PATIENCE_MS / 1000,
			       .file_mib = OUTPUT_MOST >> 20,
			       .memory_mib = 1024 };
	int status = 0, ret;

	ret = fs_memory(in, &spawn.fd[0], err);
	if (!ret)
		ret = spawn_capture(&spawn, OUTPUT_MOST, PATIENCE_MS, out,
				    &status, err);
	if (ret == -ENOENT)
		ret = err_set(err, ENOPKG,
			      "gpg: not found; keys are read by the program "
			      "of the package gpg");
	else if (!ret && status)
		ret = err_set(err, EINVAL, "not a file of public keys");
	if (spawn.fd[0] >= 0)
		close(spawn.fd[0]);
	free(homedir);
	free(env[0]);
	free(env[1]);
	return ret;
}

int fetch_gpg_list(struct bytes file, struct buf *listing, struct err *err)
{
	char *home = NULL;
	int ret = home_make(&home, err);

	if (!ret)
		ret = run_gpg(home, "--show-keys", NULL, file, listing, err);
	home_remove(home);
	return ret;
}

/* The fields that a line has, at most FIELDS; the others are "". */
static void split_line(char *line, const char *field[static FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		char *word = strsep(&line, ":");

		field[i] = word ? word : "";
	}
}

/* A line that a key begins with: what it is, and what became of it. */
static bool read_key_record(const char *const *field, struct fetch_gpg_key *key)
{
	bool is_secret = str_equal(field[0], "sec") ||
			 str_equal(field[0], "ssb");
	bool is_primary = str_equal(field[0], "pub") ||
			  str_equal(field[0], "sec");

	if (!is_secret && !is_primary && !str_equal(field[0], "sub"))
		return false;
	*key = (struct fetch_gpg_key){
		.is_primary = is_primary,
		.is_secret = is_secret,
		.is_revoked = field[1][0] == 'r',
		.expires = strtoll(field[6], NULL, 10),
	};
	return true;
}

bool fetch_gpg_next(struct bytes *listing, struct fetch_gpg_key *out)
{
	struct fetch_gpg_key key;
	bool inside = false, found = false;

	while (listing->len && !found) {
		char *line = bytes_dup(bytes_line(listing));
		const char *field[FIELDS];

		split_line(line, field);
		if (read_key_record(field, &key)) {
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
	struct fetch_gpg_key key;

	while (fetch_gpg_next(&listing, &key)) {
		if (key.is_revoked && str_equal(key.fingerprint, fingerprint))
			return true;
	}
	return false;
}

bool fetch_gpg_forgets(struct bytes known, struct bytes other)
{
	struct fetch_gpg_key key;

	while (fetch_gpg_next(&known, &key)) {
		if (key.is_revoked && !is_revoked(other, key.fingerprint))
			return true;
	}
	return false;
}

/* Is the key among those that are listed, and all of them are public? */
static int check_listing(struct bytes listing, const char *fingerprint,
			 struct err *err)
{
	struct fetch_gpg_key key;
	bool found = false, any = false;

	while (fetch_gpg_next(&listing, &key)) {
		any = true;
		if (key.is_secret)
			return err_set(err, EINVAL,
				       "secret keys; give only the public one "
				       "(gpg --export)");
		found |= key.is_primary &&
			 str_equal(key.fingerprint, fingerprint);
	}
	if (!any)
		return err_set(err, EINVAL, "not a file of public keys");
	return found ? 0 : err_set(err, ENOKEY, "no key %s in it", fingerprint);
}

int fetch_gpg_extract(struct bytes file, const char *fingerprint,
		      struct buf *key, struct buf *listing, struct err *err)
{
	static const struct bytes nothing;
	struct buf ignored = { 0 };
	char *home = NULL;
	int ret = home_make(&home, err);

	if (!ret)
		ret = run_gpg(home, "--show-keys", NULL, file, listing, err);
	if (!ret)
		ret = check_listing(buf_bytes(listing), fingerprint, err);
	if (!ret) {
		ret = run_gpg(home, "--import", NULL, file, &ignored, err);
		/* gpg also fails when another key of the file is bad. */
		if (ret == -EINVAL)
			ret = 0;
	}
	if (!ret)
		ret = run_gpg(home, "--export", fingerprint, nothing, key, err);
	if (!ret && !key->len)
		ret = err_set(err, EINVAL, "gpg does not take the key %s",
			      fingerprint);
	buf_release(&ignored);
	home_remove(home);
	return ret;
}
