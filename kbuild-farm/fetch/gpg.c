/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/gpg.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GPG_TIMEOUT_MS       60000
#define GPG_OUTPUT_BYTES_MAX (64u << 20)
#define FIELDS               10 /* of a line of a listing */

static int home_make(char **home, struct err *err)
{
	*home = xstrdup("/tmp/kfarm-gpg.XXXXXX");
	if (mkdtemp(*home))
		return 0;
	free(*home);
	*home = NULL;
	return err_errno(err, "create a directory in /tmp");
}

static void home_remove(char *home)
{
	struct err ignored;

	if (home)
		fs_remove(home, &ignored);
	free(home);
}

/*
 * Run gpg with the command `what` and the argument `which` (may be NULL) on the
 * input `in`.  Returns -EINVAL if gpg rejects the input.
 */
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
			       .stdio_fds = { -1, -1, -1 },
			       .cpu_s = GPG_TIMEOUT_MS / 1000,
			       .file_mib = GPG_OUTPUT_BYTES_MAX >> 20,
			       .memory_mib = 1024 };
	int status = 0, ret;

	ret = fs_memfd_new(in, &spawn.stdio_fds[0], err);
	if (!ret)
		ret = spawn_collect_stdout(&spawn, GPG_OUTPUT_BYTES_MAX,
					   GPG_TIMEOUT_MS, out, &status, err);
	if (ret == -ENOENT)
		ret = err_set(
			err, ENOPKG,
			"gpg: command not found; install the package gpg");
	else if (!ret && status)
		ret = err_set(err, EINVAL, "not an OpenPGP public key file");
	if (spawn.stdio_fds[0] >= 0)
		close(spawn.stdio_fds[0]);
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

/* Read the first line of a key or subkey; return false for other lines. */
static bool read_key_record(const char *const *field, struct fetch_gpg_key *key)
{
	bool is_secret = str_equal(field[0], "sec") ||
			 str_equal(field[0], "ssb");
	bool is_primary = str_equal(field[0], "pub") ||
			  str_equal(field[0], "sec");

	if (!is_secret && !is_primary && !str_equal(field[0], "sub"))
		return false;
	*key = (struct fetch_gpg_key){
		.primary = is_primary,
		.secret = is_secret,
		.revoked = field[1][0] == 'r',
		.expires_s = strtoll(field[6], NULL, 10),
	};
	return true;
}

bool fetch_gpg_next(struct bytes *listing, struct fetch_gpg_key *out)
{
	struct fetch_gpg_key key;
	bool inside = false, found = false;

	while (listing->len && !found) {
		char *line = bytes_dup(bytes_take_line(listing)), *rest = line;
		const char *field[FIELDS];

		for (size_t i = 0; i < FIELDS; i++) {
			field[i] = strsep(&rest, ":");
			if (!field[i])
				field[i] = "";
		}
		if (read_key_record(field, &key)) {
			inside = true;
		} else if (inside && str_equal(field[0], "fpr") &&
			   strlen(field[9]) == FETCH_FINGERPRINT_SIZE - 1) {
			memcpy(key.fingerprint, field[9],
			       FETCH_FINGERPRINT_SIZE);
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
		if (key.revoked && str_equal(key.fingerprint, fingerprint))
			return true;
	}
	return false;
}

bool fetch_gpg_lacks_revocation(struct bytes trusted, struct bytes other)
{
	struct fetch_gpg_key key;

	while (fetch_gpg_next(&trusted, &key)) {
		if (key.revoked && !is_revoked(other, key.fingerprint))
			return true;
	}
	return false;
}

/* Check that the key is listed and that all listed keys are public. */
static int check_listing(struct bytes listing, const char *fingerprint,
			 struct err *err)
{
	struct fetch_gpg_key key;
	bool found = false, any = false;

	while (fetch_gpg_next(&listing, &key)) {
		any = true;
		if (key.secret)
			return err_set(err, EINVAL,
				       "contains a secret key; provide only "
				       "the public key (gpg --export)");
		found |= key.primary && str_equal(key.fingerprint, fingerprint);
	}
	if (!any)
		return err_set(err, EINVAL, "not an OpenPGP public key file");
	return found ? 0 :
		       err_set(err, ENOKEY, "does not contain the key %s",
			       fingerprint);
}

int fetch_gpg_extract(struct bytes file, const char *fingerprint,
		      struct buf *key, struct buf *listing, struct err *err)
{
	static const struct bytes nothing;
	struct buf ignored = { 0 };
	char *home = NULL;
	int ret = home_make(&home, err);

	if (ret)
		return ret;
	ret = run_gpg(home, "--show-keys", NULL, file, listing, err);
	if (ret)
		goto out;
	ret = check_listing(buf_bytes(listing), fingerprint, err);
	if (ret)
		goto out;
	ret = run_gpg(home, "--import", NULL, file, &ignored, err);
	/* Continue after -EINVAL: another key of the file can be invalid. */
	if (ret && ret != -EINVAL)
		goto out;
	ret = run_gpg(home, "--export", fingerprint, nothing, key, err);
	if (!ret && !key->len)
		ret = err_set(err, EINVAL, "gpg rejected the key %s",
			      fingerprint);
out:
	buf_release(&ignored);
	home_remove(home);
	return ret;
}
