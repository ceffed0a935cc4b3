/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fetch/gpgv.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "fetch/key.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * gpgv's exit status is not sufficient: it is 0 for revoked and expired keys
 * and for any key of the keyring.  The status lines must report one signature
 * and VALIDSIG of the pinned primary key.  gpgv reports the expiry of all keys
 * without their names, so the expiry of the signing key is taken from the
 * keyring's listing (fetch/key.h).
 */

#define PREFIX "[GNUPG:] "
#define FIELDS 12

enum gpgv_keyword {
	GPGV_NEWSIG,
	GPGV_PLAINTEXT,
	GPGV_GOODSIG,
	GPGV_EXPKEYSIG,
	GPGV_REVKEYSIG,
	GPGV_EXPSIG,
	GPGV_BADSIG,
	GPGV_ERRSIG,
	GPGV_NO_PUBKEY,
	GPGV_VALIDSIG,
	N_GPGV_KEYWORDS,
};

static const char *const gpgv_keywords[N_GPGV_KEYWORDS] = {
	[GPGV_NEWSIG] = "NEWSIG",       [GPGV_PLAINTEXT] = "PLAINTEXT",
	[GPGV_GOODSIG] = "GOODSIG",     [GPGV_EXPKEYSIG] = "EXPKEYSIG",
	[GPGV_REVKEYSIG] = "REVKEYSIG", [GPGV_EXPSIG] = "EXPSIG",
	[GPGV_BADSIG] = "BADSIG",       [GPGV_ERRSIG] = "ERRSIG",
	[GPGV_NO_PUBKEY] = "NO_PUBKEY", [GPGV_VALIDSIG] = "VALIDSIG",
};

struct gpgv_status {
	unsigned n_lines[N_GPGV_KEYWORDS];
	char unknown_signer[FETCH_FINGERPRINT_SIZE]; /* key id from NO_PUBKEY */
	struct fetch_signature signature;
	bool valid; /* `signature` was set by VALIDSIG */
};

static bool is_hex_word(const char *s, size_t min, size_t max)
{
	size_t n = strspn(s, "0123456789ABCDEFabcdef");

	return !s[n] && n >= min && n <= max;
}

static void read_validsig(struct gpgv_status *status, char *const *field,
			  size_t n)
{
	struct fetch_signature *sig = &status->signature;
	long made;

	if (n < 11 || !is_hex_word(field[1], 40, 40) ||
	    !is_hex_word(field[10], 40, 40) ||
	    str_parse_number(field[3], 0, 99999999999, &made))
		return;
	/* 00 and 01 are the signature classes of binary and text documents. */
	if (strcmp(field[9], "00") && strcmp(field[9], "01"))
		return;
	sig->made_s = made;
	memcpy(sig->signing_key, field[1], FETCH_FINGERPRINT_SIZE);
	memcpy(sig->fingerprint, field[10], FETCH_FINGERPRINT_SIZE);
	status->valid = true;
}

static void read_status_lines(struct gpgv_status *status, struct bytes lines)
{
	char *text = bytes_dup(lines), *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *field[FIELDS], *words;
		size_t n = 0, word = 0;

		if (!str_starts(line, PREFIX))
			continue;
		words = line + strlen(PREFIX);
		while (n < FIELDS && (field[n] = strsep(&words, " ")) != NULL)
			n++;
		while (word < N_GPGV_KEYWORDS &&
		       strcmp(field[0], gpgv_keywords[word]))
			word++;
		if (word == N_GPGV_KEYWORDS)
			continue;

		status->n_lines[word]++;
		if (word == GPGV_VALIDSIG)
			read_validsig(status, field, n);
		else if (word == GPGV_NO_PUBKEY && n > 1 &&
			 is_hex_word(field[1], 16, 40))
			memcpy(status->unknown_signer, field[1],
			       strlen(field[1]) + 1);
	}
	free(text);
}

static int find_signature_error(const struct gpgv_status *status,
				struct err *err)
{
	const unsigned *n = status->n_lines;

	if (n[GPGV_NEWSIG] > 1 || n[GPGV_VALIDSIG] > 1 ||
	    n[GPGV_PLAINTEXT] > 1 ||
	    n[GPGV_GOODSIG] + n[GPGV_EXPKEYSIG] + n[GPGV_REVKEYSIG] +
			    n[GPGV_EXPSIG] + n[GPGV_BADSIG] + n[GPGV_ERRSIG] >
		    1)
		return err_set(err, EKEYREJECTED,
			       "expected one signature, got several");
	if (n[GPGV_REVKEYSIG])
		return err_set(err, EKEYREVOKED, "signed by a revoked key");
	if (n[GPGV_EXPSIG])
		return err_set(err, EKEYEXPIRED, "the signature has expired");
	if (n[GPGV_NO_PUBKEY])
		return err_set(err, ENOKEY, "signed by an unknown key: %s",
			       status->unknown_signer);
	if (n[GPGV_BADSIG])
		return err_set(err, EKEYREJECTED,
			       "bad signature: the signed content was damaged "
			       "or modified");
	if (n[GPGV_ERRSIG])
		return err_set(err, EKEYREJECTED, "cannot check the signature");
	return 0;
}

/*
 * Check that the signature was made before its key expired.  gpgv reports the
 * expiry times of all keys that it reads, but not the key of each time.  The
 * listing of the keyring therefore provides the expiry of the signing key and
 * of its primary key.
 */
static int check_expiry(const struct fetch_signature *sig, struct bytes listing,
			struct err *err)
{
	struct fetch_key key;
	bool known = false;

	while (fetch_key_next(&listing, &key)) {
		if (key.expires_s <= 0 ||
		    (!str_equal(key.fingerprint, sig->signing_key) &&
		     !str_equal(key.fingerprint, sig->fingerprint)))
			continue;
		known = true;
		if (sig->made_s >= key.expires_s)
			return err_set(err, EKEYEXPIRED,
				       "signed after the key %s expired",
				       key.fingerprint);
	}
	return known ? 0 :
		       err_set(err, EKEYEXPIRED,
			       "signed by the expired key %s: expiry date "
			       "unknown",
			       sig->signing_key);
}

bool fetch_gpgv_status_key_expired(struct bytes lines)
{
	struct gpgv_status status = { 0 };

	read_status_lines(&status, lines);
	return status.n_lines[GPGV_EXPKEYSIG] > 0;
}

int fetch_gpgv_status_check(struct bytes lines, int wait_status,
			    const char *fingerprint, struct bytes listing,
			    struct fetch_signature *out, struct err *err)
{
	struct gpgv_status status = { 0 };
	int ret;

	read_status_lines(&status, lines);
	ret = find_signature_error(&status, err);
	if (ret)
		return ret;
	if (!status.n_lines[GPGV_GOODSIG] && !status.n_lines[GPGV_EXPKEYSIG])
		return err_set(err, EKEYREJECTED, "no signature");
	if (wait_status || !status.valid) {
		char *end = spawn_status_text(wait_status);

		err_set(err, EKEYREJECTED, "gpgv rejected the signature (%s)",
			end);
		free(end);
		return -EKEYREJECTED;
	}
	if (strcasecmp(status.signature.fingerprint, fingerprint))
		return err_set(err, EKEYREJECTED,
			       "signed by the key %s, expected %s",
			       status.signature.fingerprint, fingerprint);
	status.signature.key_expired = status.n_lines[GPGV_EXPKEYSIG];
	ret = status.signature.key_expired ?
		      check_expiry(&status.signature, listing, err) :
		      0;
	if (!ret)
		*out = status.signature;
	return ret;
}

/*
 * Except for streamed input, gpgv reads and writes files in memory (memfd).  So
 * gpgv never blocks on output while the caller blocks on gpgv's input.
 */

#define GPGV_TIMEOUT_MS       120000
#define GPGV_STATUS_BYTES_MAX (1u << 20)

/* A run of gpgv. */
struct gpgv_process {
	char *fingerprint;
	struct buf keyring; /* content of the keyring file */
	int input_fd, output_fd, status_fd; /* files of gpgv; -1: none */
	int signature_fd;
	pid_t pid; /* 0: not running */
	int wait_status;
};

static void gpgv_init(struct gpgv_process *g)
{
	*g = (struct gpgv_process){ .input_fd = -1,
				    .output_fd = -1,
				    .status_fd = -1,
				    .signature_fd = -1 };
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void gpgv_release(struct gpgv_process *g)
{
	if (g->pid) {
		kill(g->pid, SIGKILL);
		spawn_wait(g->pid);
	}
	close_fd(&g->input_fd);
	close_fd(&g->output_fd);
	close_fd(&g->status_fd);
	close_fd(&g->signature_fd);
	free(g->fingerprint);
	buf_release(&g->keyring);
	gpgv_init(g);
}

static int gpgv_prepare(struct gpgv_process *g, const char *keyring,
			const char *fingerprint, struct err *err)
{
	struct bytes none = { 0 };
	int ret;

	if (!fetch_key_is_fingerprint(fingerprint))
		return err_set(err, EINVAL, "invalid fingerprint \"%s\"",
			       fingerprint);
	g->fingerprint = xstrdup(fingerprint);
	ret = fs_read(keyring, FETCH_KEY_BYTES_MAX, &g->keyring, err);
	/* -ENOENT is reserved for a file that no server has. */
	if (ret == -ENOENT)
		ret = -EIO;
	if (!ret)
		ret = fs_memfd_new(none, &g->status_fd, err);
	return ret;
}

/* Start gpgv with `arguments`, which name the files to check. */
static int gpgv_start(struct gpgv_process *g, const char *keyring,
		      char *const *arguments, struct err *err)
{
	char *path = fs_make_absolute(keyring);
	int pass[] = { g->status_fd, g->signature_fd, -1 };
	struct spawn what = {
		.stdio_fds = { g->input_fd, g->output_fd, -1 },
		.passed_fds = pass,
		.own_group = true,
		.file_mib = (FETCH_SIGNED_TEXT_BYTES_MAX >> 20) + 1,
	};
	struct strv argv = { 0 };
	int ret;

	strv_add(&argv, "gpgv");
	strv_addf(&argv, "--status-fd=%d", g->status_fd);
	strv_addf(&argv, "--keyring=%s", path);
	strv_add_all(&argv, arguments);
	what.argv = argv.v;
	ret = spawn_start(&what, &g->pid, err);
	if (ret)
		g->pid = 0;
	if (ret == -ENOENT)
		ret = err_set(
			err, ENOPKG,
			"gpgv: command not found; install the package gpgv");
	close_fd(&g->input_fd);
	close_fd(&g->signature_fd);
	strv_release(&argv);
	free(path);
	return ret;
}

static int gpgv_wait(struct gpgv_process *g, struct err *err)
{
	struct pollfd p = { .fd = pidfd_open(g->pid, 0), .events = POLLIN };
	uint64_t deadline = clock_ms() + GPGV_TIMEOUT_MS, now;
	bool in_time = true;

	while (p.fd >= 0 && !p.revents && in_time) {
		now = clock_ms();
		in_time = now < deadline;
		if (in_time && poll(&p, 1, (int)(deadline - now)) < 0)
			p.revents = 0;
	}
	close_fd(&p.fd);
	if (!in_time)
		kill(g->pid, SIGKILL);
	g->wait_status = spawn_wait(g->pid);
	g->pid = 0;
	return in_time ? 0 : err_set(err, ETIMEDOUT, "gpgv: timed out");
}

static int check_gpgv_status(struct gpgv_process *g,
			     struct fetch_signature *out, struct err *err)
{
	struct fetch_signature signature = { 0 };
	struct buf lines = { 0 }, keys = { 0 };
	int ret = gpgv_wait(g, err);

	if (ret)
		return ret;
	ret = fs_memfd_read(g->status_fd, GPGV_STATUS_BYTES_MAX, &lines, err);
	if (ret)
		goto out;
	if (fetch_gpgv_status_key_expired(buf_bytes(&lines))) {
		ret = fetch_key_list(buf_bytes(&g->keyring), &keys, err);
		if (ret)
			goto out;
	}
	ret = fetch_gpgv_status_check(buf_bytes(&lines), g->wait_status,
				      g->fingerprint, buf_bytes(&keys),
				      &signature, err);
	if (!ret && out)
		*out = signature;
out:
	buf_release(&keys);
	buf_release(&lines);
	return ret;
}

int fetch_gpgv_verify_text(const char *keyring, const char *fingerprint,
			   struct bytes clearsigned, struct buf *verified,
			   struct fetch_signature *signature, struct err *err)
{
	static char *const arguments[] = { (char *)"--output=-", (char *)"--",
					   (char *)"-", NULL };
	struct fetch_signature got = { 0 };
	struct bytes none = { 0 };
	struct buf text = { 0 };
	struct gpgv_process g;
	int ret;

	if (clearsigned.len > FETCH_SIGNED_TEXT_BYTES_MAX)
		return err_set(err, EMSGSIZE, "signed text too large");
	gpgv_init(&g);
	ret = gpgv_prepare(&g, keyring, fingerprint, err);
	if (ret)
		goto out;
	ret = fs_memfd_new(clearsigned, &g.input_fd, err);
	if (ret)
		goto out;
	ret = fs_memfd_new(none, &g.output_fd, err);
	if (ret)
		goto out;
	ret = gpgv_start(&g, keyring, arguments, err);
	if (ret)
		goto out;
	ret = check_gpgv_status(&g, &got, err);
	if (ret)
		goto out;
	ret = fs_memfd_read(g.output_fd, FETCH_SIGNED_TEXT_BYTES_MAX, &text,
			    err);
	if (ret)
		goto out;
	buf_add_bytes(verified, buf_bytes(&text));
	if (signature)
		*signature = got;
out:
	buf_release(&text);
	gpgv_release(&g);
	return ret;
}

struct fetch_gpgv_stream {
	struct gpgv_process process;
	int input_fd; /* the writing end of gpgv's input */
	int error; /* return value of the first failure */
	struct err error_text;
};

int fetch_gpgv_stream_start(struct fetch_gpgv_stream **out, const char *keyring,
			    const char *fingerprint, struct bytes signature,
			    struct err *err)
{
	struct fetch_gpgv_stream *s = xcalloc(1, sizeof(*s));
	char *arguments[] = { (char *)"--enable-special-filenames",
			      (char *)"--", NULL, (char *)"-", NULL };
	int ends[2];
	int ret;

	*out = NULL;
	s->input_fd = -1;
	gpgv_init(&s->process);
	ret = gpgv_prepare(&s->process, keyring, fingerprint, err);
	if (ret)
		goto out;
	ret = fs_memfd_new(signature, &s->process.signature_fd, err);
	if (ret)
		goto out;
	/* Use a socket, because a write to a pipe can raise SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		ret = err_errno(err, "socketpair");
		goto out;
	}
	s->input_fd = ends[0];
	s->process.input_fd = ends[1];
	arguments[2] = xasprintf("-&%d", s->process.signature_fd);
	ret = gpgv_start(&s->process, keyring, arguments, err);
	free(arguments[2]);
out:
	if (ret)
		fetch_gpgv_stream_free(s);
	else
		*out = s;
	return ret;
}

/* Close gpgv's input and return its verdict. */
static int finish_gpgv(struct fetch_gpgv_stream *s, struct fetch_signature *out,
		       struct err *err)
{
	close_fd(&s->input_fd);
	return check_gpgv_status(&s->process, out, err);
}

static int save_stream_error(struct fetch_gpgv_stream *s, int ret,
			     struct err *err)
{
	s->error = ret;
	s->error_text = *err;
	return ret;
}

int fetch_gpgv_stream_feed(struct fetch_gpgv_stream *s, struct bytes in,
			   struct err *err)
{
	while (in.len && !s->error) {
		struct pollfd p = { .fd = s->input_fd, .events = POLLOUT };
		int ready = poll(&p, 1, GPGV_TIMEOUT_MS);
		ssize_t n;

		if (!ready) {
			kill(s->process.pid, SIGKILL);
			finish_gpgv(s, NULL, err);
			return save_stream_error(
				s,
				err_set(err, ETIMEDOUT,
					"gpgv: timed out while reading its "
					"input"),
				err);
		}
		n = send(s->input_fd, in.data, in.len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			in = bytes_of(in.data + n, in.len - (size_t)n);
		else if (errno == EPIPE || errno == ECONNRESET)
			break;
		else if (errno != EAGAIN && errno != EINTR)
			return save_stream_error(
				s, err_errno(err, "write to gpgv"), err);
	}
	if (in.len && !s->error) {
		/* gpgv closed its input early: the verification failed. */
		int ret = finish_gpgv(s, NULL, err);

		if (!ret)
			ret = err_set(
				err, EKEYREJECTED,
				"gpgv exited before it had read all input");
		return save_stream_error(s, ret, err);
	}
	if (s->error)
		*err = s->error_text;
	return s->error;
}

int fetch_gpgv_stream_finish(struct fetch_gpgv_stream *s,
			     struct fetch_signature *signature, struct err *err)
{
	if (s->error) {
		*err = s->error_text;
		return s->error;
	}
	return finish_gpgv(s, signature, err);
}

void fetch_gpgv_stream_free(struct fetch_gpgv_stream *s)
{
	if (!s)
		return;
	close_fd(&s->input_fd);
	gpgv_release(&s->process);
	free(s);
}
