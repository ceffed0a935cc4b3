/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/verify.h"

#include "base/fs.h"
#include "fetch/http.h"
#include "fetch/key.h"
#include "fetch/sums.h"
#include "toolchain/archive.h"
#include "toolchain/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SUMS     "sha256sums.asc"
#define SUMS_MAX (16u << 20)
#define SIGN_MAX (64u << 10)

/* A key, and where it may come from. */
struct pin {
	const struct toolchain_order *order;
	const char *fingerprint;
	struct strv sources;
	char *keyring;
};

static void pin_init(struct pin *p, const struct toolchain_order *o,
		     const char *given, const struct toolchain_key *data)
{
	*p = (struct pin){ .order = o,
			   .fingerprint = given ? given : data->fingerprint };
	if (o->key_sources)
		strv_add_all(&p->sources, o->key_sources->v);
	strv_add_all(&p->sources, data->sources.v);
}

static void pin_release(struct pin *p)
{
	strv_release(&p->sources);
	free(p->keyring);
}

static int get_key(struct pin *p, bool anew, struct err *err)
{
	const struct toolchain_order *o = p->order;
	char *keyring;
	int ret = fetch_key_get(o->data, p->fingerprint, o->key_files,
				&p->sources, o->fetch, anew, &keyring, err);

	if (ret)
		return ret;
	free(p->keyring);
	p->keyring = keyring;
	return 0;
}

/*
 * What `check` says with the pinned key; when it does not know who signed, the
 * key may have got new subkeys.  -ENOENT: there is no such key.
 */
static int check_by(struct pin *p,
		    int (*check)(void *ctx, const struct pin *p,
				 struct err *err),
		    void *ctx, struct err *err)
{
	struct err ignored;
	int ret = get_key(p, false, err);

	if (ret)
		return ret == -ENOKEY ? -ENOENT : ret;
	ret = check(ctx, p, err);
	if (ret == -ENOKEY && !get_key(p, true, &ignored))
		ret = check(ctx, p, err);
	return ret;
}

/* A file beside the archive: -ENOENT when there is none. */
static int get_beside(const struct toolchain_order *o, const char *path,
		      size_t most, struct buf *out, struct err *err)
{
	struct strv urls = { 0 };
	int ret;

	if (o->file)
		return fs_exists(path) ? fs_read(path, most, out, err) :
					 err_set(err, ENOENT, "%s: none", path);
	toolchain_archive_urls(path, o->mirrors, &urls);
	ret = fetch_text((const char *const *)urls.v, most, o->fetch, out, err);
	strv_release(&urls);
	return ret;
}

struct signed_list {
	struct buf text, verified;
	struct fetch_signature by;
};

static int check_list(void *ctx, const struct pin *p, struct err *err)
{
	struct signed_list *l = ctx;

	return fetch_gpgv_text(p->keyring, p->fingerprint, buf_bytes(&l->text),
			       &l->verified, &l->by, err);
}

static void note_expired(const struct toolchain_order *o, const char *what,
			 const struct fetch_signature *by)
{
	if (o->notes && by->key_expired)
		strv_addf(o->notes,
			  "%s: signed by %s, a key that has expired since then",
			  what, by->fingerprint);
}

/* -ENOENT: the server's list says nothing of it. */
static int find_sum(struct toolchain_verify *v, const char *path,
		    struct err *err)
{
	const struct toolchain_order *o = v->order;
	char *dir = str_dir(path), *file = xasprintf("%s/" SUMS, dir);
	struct signed_list list = { 0 };
	struct pin pin;
	int ret = get_beside(o, file, SUMS_MAX, &list.text, err);

	pin_init(&pin, o, o->sums_key, toolchain_data_sums_key());
	if (!ret)
		ret = check_by(&pin, check_list, &list, err);
	if (!ret)
		ret = fetch_sums_find(buf_bytes(&list.verified), str_base(path),
				      &v->sum, err);
	if (!ret) {
		v->has_sum = true;
		v->sums_key = xstrdup(list.by.fingerprint);
		note_expired(o, SUMS, &list.by);
	} else {
		err_wrap(err, SUMS);
	}
	pin_release(&pin);
	buf_release(&list.text);
	buf_release(&list.verified);
	free(file);
	free(dir);
	return ret;
}

/*
 * Is the signature by a key of this ring?  Of no bytes it is a bad one, but
 * gpgv says first when it does not know the key.
 */
static int try_key(void *ctx, const struct pin *p, struct err *err)
{
	struct toolchain_verify *v = ctx;
	struct fetch_gpgv_stream *stream;
	struct fetch_signature by;
	int ret = fetch_gpgv_start(&stream, p->keyring, p->fingerprint,
				   buf_bytes(&v->sign), err);

	if (ret)
		return ret;
	ret = fetch_gpgv_end(stream, &by, err);
	fetch_gpgv_free(stream);
	return ret == -ENOKEY || ret == -ENOPKG ? ret : 0;
}

/* "x.tar.sign" of "x.tar.xz"; NULL for a name without ".tar". */
static char *sign_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (str_ends(path, ".tar"))
		return xasprintf("%s.sign", path);
	if (!dot || dot - path < 4 || strncmp(dot - 4, ".tar", 4) != 0)
		return NULL;
	return xasprintf("%.*s.sign", (int)(dot - path), path);
}

/* -ENOENT: there is no signature, or no key to check it with. */
static int find_sign(struct toolchain_verify *v, const char *path,
		     struct err *err)
{
	const struct toolchain_order *o = v->order;
	char *file = sign_of(path);
	struct pin pin;
	int ret = file ? get_beside(o, file, SIGN_MAX, &v->sign, err) :
			 err_set(err, ENOENT, "%s: no .tar", path);

	pin_init(&pin, o, o->tar_key, toolchain_data_tar_key());
	if (!ret) {
		ret = check_by(&pin, try_key, v, err);
		if (ret == -ENOENT && o->notes)
			strv_addf(o->notes, "%s was not checked: %s",
				  str_base(file), err->text);
	}
	if (!ret) {
		v->tar_key = xstrdup(pin.fingerprint);
		v->keyring = pin.keyring;
		pin.keyring = NULL;
	} else {
		err_wrap(err, "%s", file ? str_base(file) : "signature");
		buf_reset(&v->sign);
	}
	pin_release(&pin);
	free(file);
	return ret;
}

/* Nothing was found that contradicts; is what was found enough? */
static int judge_found(const struct toolchain_verify *v,
		       const struct err *no_sum, const struct err *no_sign,
		       struct err *err)
{
	const struct toolchain_order *o = v->order;

	if (o->strict && !v->tar_key)
		return err_set(err, EKEYREJECTED,
			       "strict, but %s; without strict a signed list "
			       "of sums is enough",
			       no_sign->text);
	if (v->has_sum || v->tar_key || o->insecure)
		return 0;
	return err_set(err, EKEYREJECTED,
		       "nothing vouches for it (%.400s; %.400s); give "
		       "--sha256, or --insecure to have it all the same",
		       no_sum->text, no_sign->text);
}

int toolchain_verify_begin(struct toolchain_verify *v,
			   const struct toolchain_order *o, struct err *err)
{
	const char *path = o->file ? o->file : o->path;
	struct err no_sum = { 0 }, no_sign = { 0 };
	int ret = 0;

	*v = (struct toolchain_verify){ .order = o };
	if (o->sha256) {
		v->has_sum = true;
		v->sum = *o->sha256;
	} else {
		ret = find_sum(v, path, &no_sum);
		if (ret == -ENOENT)
			ret = 0;
		else if (ret)
			*err = no_sum;
	}
	if (ret)
		return ret;
	ret = find_sign(v, path, &no_sign);
	if (ret && ret != -ENOENT) {
		*err = no_sign;
		return ret;
	}
	return judge_found(v, &no_sum, &no_sign, err);
}

void toolchain_verify_release(struct toolchain_verify *v)
{
	fetch_gpgv_free(v->stream);
	free(v->sums_key);
	free(v->tar_key);
	free(v->keyring);
	buf_release(&v->sign);
	*v = (struct toolchain_verify){ 0 };
}

int toolchain_verify_start(struct toolchain_verify *v, struct err *err)
{
	fetch_gpgv_free(v->stream);
	v->stream = NULL;
	if (!v->tar_key)
		return 0;
	return fetch_gpgv_start(&v->stream, v->keyring, v->tar_key,
				buf_bytes(&v->sign), err);
}

int toolchain_verify_feed(struct toolchain_verify *v, struct bytes b,
			  struct err *err)
{
	int ret = v->stream ? fetch_gpgv_feed(v->stream, b, err) : 0;

	if (ret)
		err_wrap(err, ".tar.sign");
	return ret;
}

static int check_sum(const struct toolchain_verify *v,
		     const struct digest *archive, struct err *err)
{
	char is[DIGEST_HEX], should[DIGEST_HEX];

	if (!v->has_sum || digest_equal(&v->sum, archive))
		return 0;
	digest_hex(archive, is);
	digest_hex(&v->sum, should);
	return err_set(err, EKEYREJECTED,
		       "its SHA-256 is %s, but %s says %s; it was thrown away",
		       is, v->sums_key ? "the signed " SUMS : "--sha256",
		       should);
}

int toolchain_verify_end(struct toolchain_verify *v,
			 const struct digest *archive,
			 struct toolchain_installed *t, struct err *err)
{
	struct fetch_signature by = { 0 };
	int ret = check_sum(v, archive, err);

	if (!ret && v->stream) {
		ret = fetch_gpgv_end(v->stream, &by, err);
		if (ret)
			err_wrap(err, ".tar.sign");
		else
			note_expired(v->order, ".tar.sign", &by);
	}
	if (ret)
		return ret;
	t->sums_key = v->sums_key;
	v->sums_key = NULL;
	t->tar_key = v->tar_key;
	v->tar_key = NULL;
	t->sha256_given = v->order->sha256 != NULL;
	t->insecure = !t->sums_key && !t->tar_key && !t->sha256_given;
	return 0;
}
