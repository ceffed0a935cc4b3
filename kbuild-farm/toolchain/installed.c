/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/installed.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/vec.h"
#include "toolchain/builtin.h"
#include "toolchain/install-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX (4u << 20)
#define LIST_MAX 10000 /* elements of a list */

/* ---- toolchain.json ---- */

enum member_kind {
	MEMBER_TEXT, /* a text or null */
	MEMBER_REQUIRED_TEXT,
	MEMBER_BOOL,
	MEMBER_DIGEST, /* a digest; null stands for the zero digest */
	MEMBER_LIST, /* a list of texts */
	MEMBER_TOOLS, /* a list; only adopted toolchains have it */
	MEMBER_COMPILER, /* "gcc" or "clang" */
	MEMBER_VERIFIED, /* an object with verified_members */
};

struct json_member {
	const char *key;
	enum member_kind kind;
	size_t offset;
};

#define INSTALLED_OFFSET(member) offsetof(struct toolchain_installed, member)

static const struct json_member verified_members[] = {
	{ "sums_key", MEMBER_TEXT, INSTALLED_OFFSET(sums_key) },
	{ "tar_key", MEMBER_TEXT, INSTALLED_OFFSET(tar_key) },
	{ "sha256_given", MEMBER_BOOL, INSTALLED_OFFSET(sha256_given) },
	{ 0 },
};

/* The members of toolchain.json, in the order of the file. */
static const struct json_member installed_members[] = {
	{ "id", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(id) },
	{ "release", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(release) },
	{ "version", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(version) },
	{ "kind", MEMBER_COMPILER, INSTALLED_OFFSET(is_clang) },
	{ "triplet", MEMBER_TEXT, INSTALLED_OFFSET(triplet) },
	{ "host", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(host) },
	{ "prefix", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(relative_prefix) },
	{ "driver", MEMBER_REQUIRED_TEXT, INSTALLED_OFFSET(driver) },
	{ "url", MEMBER_TEXT, INSTALLED_OFFSET(url) },
	{ "archive_sha256", MEMBER_DIGEST, INSTALLED_OFFSET(archive_digest) },
	{ "tree", MEMBER_DIGEST, INSTALLED_OFFSET(dir_digest) },
	{ "content", MEMBER_DIGEST, INSTALLED_OFFSET(manifest_id) },
	{ "verified", MEMBER_VERIFIED, 0 },
	{ "insecure", MEMBER_BOOL, INSTALLED_OFFSET(insecure) },
	{ "date", MEMBER_TEXT, INSTALLED_OFFSET(date) },
	{ "links", MEMBER_LIST, INSTALLED_OFFSET(links) },
	{ "hostlibs", MEMBER_LIST, INSTALLED_OFFSET(hostlibs) },
	{ "adopted", MEMBER_TEXT, INSTALLED_OFFSET(adopted_from) },
	{ "tools", MEMBER_TOOLS, INSTALLED_OFFSET(tools) },
	{ 0 },
};

static json_t *fields_json(const struct json_member *f,
			   const struct toolchain_installed *t);

static json_t *field_json(const struct json_member *f,
			  const struct toolchain_installed *t)
{
	const void *at = (const char *)t + f->offset;
	char hex[DIGEST_HEX];

	switch (f->kind) {
	case MEMBER_TEXT:
	case MEMBER_REQUIRED_TEXT:
		return json_text(*(char *const *)at);
	case MEMBER_BOOL:
		return json_boolean(*(const bool *)at);
	case MEMBER_DIGEST:
		digest_format(at, hex);
		return json_text(digest_is_set(at) ? hex : NULL);
	case MEMBER_LIST:
	case MEMBER_TOOLS:
		return json_texts(at);
	case MEMBER_COMPILER:
		return json_text(t->is_clang ? "clang" : "gcc");
	case MEMBER_VERIFIED:
		break;
	}
	return fields_json(verified_members, t);
}

static json_t *fields_json(const struct json_member *f,
			   const struct toolchain_installed *t)
{
	json_t *o = json_object();

	for (; f->key; f++) {
		if (f->kind != MEMBER_TOOLS || t->adopted_from)
			json_object_set_new(o, f->key, field_json(f, t));
	}
	return o;
}

char *toolchain_installed_encode(const struct toolchain_installed *t)
{
	json_t *o = fields_json(installed_members, t);
	char *line = json_dumps(o, JSON_INDENT(2)), *out;

	if (!line)
		str_out_of_memory();
	out = xasprintf("%s\n", line);
	free(line);
	json_decref(o);
	return out;
}

static bool read_list(json_t *a, struct strv *out)
{
	json_t *j;
	size_t i;

	if (a && (!json_is_array(a) || json_array_size(a) > LIST_MAX))
		return false;
	json_array_foreach(a, i, j)
	{
		if (!json_is_string(j))
			return false;
		strv_add(out, json_string_value(j));
	}
	return true;
}

/* Read all members.  Returns the first invalid key, or NULL. */
static const char *read_fields(json_t *o, const struct json_member *f,
			       struct toolchain_installed *t)
{
	bool good = true;

	for (; f->key; f++) {
		json_t *j = json_object_get(o, f->key);
		const char *text = json_string_value(j), *bad;
		void *at = (char *)t + f->offset;

		switch (f->kind) {
		case MEMBER_TEXT:
		case MEMBER_REQUIRED_TEXT:
			if (text)
				*(char **)at = xstrdup(text);
			good = text || (f->kind == MEMBER_TEXT &&
					(!j || json_is_null(j)));
			break;
		case MEMBER_BOOL:
			good = json_is_boolean(j);
			*(bool *)at = json_is_true(j);
			break;
		case MEMBER_DIGEST:
			good = text ? digest_parse(at, text) :
				      !j || json_is_null(j);
			break;
		case MEMBER_LIST:
		case MEMBER_TOOLS:
			good = read_list(j, at);
			break;
		case MEMBER_COMPILER:
			t->is_clang = text && !strcmp(text, "clang");
			good = t->is_clang || (text && !strcmp(text, "gcc"));
			break;
		case MEMBER_VERIFIED:
			good = json_is_object(j);
			bad = good ? read_fields(j, verified_members, t) : NULL;
			if (bad)
				return bad;
		}
		if (!good)
			return f->key;
	}
	return NULL;
}

/*
 * Check that the members are consistent and safe as parts of paths.  Returns
 * the key of an invalid member, or NULL.
 */
static const char *invalid_member_error(const struct toolchain_installed *t)
{
	struct toolchain_release r;
	struct err ignored;

	if (!toolchain_release_is_id(t->id))
		return "id";
	if (toolchain_release_parse(t->release, &r, &ignored) ||
	    r.is_clang != t->is_clang)
		return "release";
	if (!t->is_clang && !t->triplet)
		return "triplet";
	if (t->adopted_from ?
		    t->relative_prefix[0] != '/' :
		    !toolchain_dir_digest_is_valid_path(t->relative_prefix))
		return "prefix";
	if (!toolchain_dir_digest_is_valid_path(t->driver) ||
	    strchr(t->driver, '/'))
		return "driver";
	return NULL;
}

int toolchain_installed_decode(struct toolchain_installed *out, struct bytes in,
			       struct err *err)
{
	const char *bad = "id";
	json_error_t why;
	json_t *o;

	*out = (struct toolchain_installed){ 0 };
	o = json_loadb((const char *)in.data, in.len, JSON_REJECT_DUPLICATES,
		       &why);
	if (!o)
		return err_set(err, EINVAL, "line %d: %s", why.line, why.text);
	if (json_is_object(o))
		bad = read_fields(o, installed_members, out);
	if (!bad)
		bad = invalid_member_error(out);
	json_decref(o);
	if (!bad)
		return 0;
	toolchain_installed_release(out);
	return err_set(err, EINVAL, "missing or invalid \"%s\"", bad);
}

static void release_fields(const struct json_member *f,
			   struct toolchain_installed *t)
{
	for (; f->key; f++) {
		void *at = (char *)t + f->offset;

		if (f->kind == MEMBER_TEXT || f->kind == MEMBER_REQUIRED_TEXT)
			free(*(char **)at);
		else if (f->kind == MEMBER_LIST || f->kind == MEMBER_TOOLS)
			strv_release(at);
	}
}

void toolchain_installed_release(struct toolchain_installed *t)
{
	release_fields(installed_members, t);
	release_fields(verified_members, t);
	free(t->dir);
	free(t->prefix);
	free(t->bin);
	*t = (struct toolchain_installed){ 0 };
}

char *toolchain_installed_format_now(void)
{
	time_t now = time(NULL);
	struct tm tm = { 0 };
	char text[32];

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return xstrdup(text);
}

/* ---- installed toolchains ---- */

void toolchain_installed_set_dir(struct toolchain_installed *t, const char *dir)
{
	free(t->dir);
	free(t->prefix);
	free(t->bin);
	t->dir = xstrdup(dir);
	t->bin = t->adopted_from ?
			 xstrdup(t->relative_prefix) :
			 xasprintf("%s/%s/bin", dir, t->relative_prefix);
	t->prefix = str_dir(t->bin);
}

static int read_dir(struct toolchain_installed *out, const char *dir,
		    struct err *err)
{
	char *file = xasprintf("%s/" TOOLCHAIN_JSON, dir);
	struct buf text = { 0 };
	int ret = fs_read(file, FILE_MAX, &text, err);

	*out = (struct toolchain_installed){ 0 };
	if (!ret) {
		ret = toolchain_installed_decode(out, buf_bytes(&text), err);
		if (ret)
			err_wrap(err, "%s", file);
	}
	if (!ret && strcmp(out->id, str_base(dir))) {
		ret = err_set(err, EINVAL,
			      "%s: belongs to another toolchain: %s", file,
			      out->id);
		toolchain_installed_release(out);
	}
	if (!ret)
		toolchain_installed_set_dir(out, dir);
	buf_release(&text);
	free(file);
	return ret;
}

int toolchain_installed_read(const char *data, const char *id,
			     struct toolchain_installed *out, struct err *err)
{
	char *dir = xasprintf("%s/toolchains/%s", data, id);
	int ret;

	*out = (struct toolchain_installed){ 0 };
	if (!toolchain_release_is_id(id) || !fs_is_dir(dir))
		ret = err_set(err, ENOENT, "%s: not installed", id);
	else
		ret = read_dir(out, dir, err);
	free(dir);
	return ret;
}

int toolchain_installed_write(const struct toolchain_installed *t,
			      struct err *err)
{
	char *file = xasprintf("%s/" TOOLCHAIN_JSON, t->dir);
	char *text = toolchain_installed_encode(t);
	int ret = fs_write(file, bytes_str(text), 0644, err);

	free(text);
	free(file);
	return ret;
}

static void parse_installed_release(const struct toolchain_installed *t,
				    struct toolchain_release *r)
{
	struct err ignored;

	*r = (struct toolchain_release){ 0 };
	toolchain_release_parse(t->release, r, &ignored);
}

static int by_installed_release(const void *a, const void *b)
{
	const struct toolchain_installed *x = a, *y = b;
	struct toolchain_release r, s;
	int order;

	parse_installed_release(x, &r);
	parse_installed_release(y, &s);
	order = toolchain_release_compare(&r, &s);
	if (!order)
		order = !!x->adopted_from - !!y->adopted_from;
	return order ? order : strcmp(x->id, y->id);
}

int toolchain_installed_list(const char *data,
			     struct toolchain_installed_list *out,
			     struct err *err)
{
	char *path = xasprintf("%s/toolchains", data);
	struct strv names = { 0 };
	int ret = fs_list(path, &names);

	*out = (struct toolchain_installed_list){ 0 };
	if (ret == -ENOENT)
		ret = 0;
	else if (ret)
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	for (size_t i = 0; i < names.n; i++) {
		char *dir = xasprintf("%s/%s", path, names.v[i]);
		struct toolchain_installed t;
		struct err bad;

		if (toolchain_release_is_id(names.v[i])) {
			if (!read_dir(&t, dir, &bad))
				*VEC_ADD(out->v, out->n) = t;
			else if (fs_is_dir(dir)) /* not removed concurrently */
				strv_add(&out->broken, bad.text);
		}
		free(dir);
	}
	strv_release(&names);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_installed_release);
	strv_sort(&out->broken);
	free(path);
	return ret;
}

void toolchain_installed_list_release(struct toolchain_installed_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		toolchain_installed_release(&l->v[i]);
	free(l->v);
	strv_release(&l->broken);
	*l = (struct toolchain_installed_list){ 0 };
}

const struct toolchain_installed *toolchain_installed_find(
	const struct toolchain_installed_list *l, const char *wanted,
	const char *triplet, const char *host)
{
	const struct toolchain_host *here = toolchain_builtin_local_host();
	const struct toolchain_installed *best = NULL;
	struct toolchain_release w;
	struct err ignored;

	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->v[i].id, wanted))
			return &l->v[i];
	if (toolchain_release_parse(wanted, &w, &ignored))
		return NULL;
	if (!host && here)
		host = here->name;
	for (size_t i = 0; i < l->n; i++) {
		const struct toolchain_installed *t = &l->v[i];
		struct toolchain_release a, b;

		parse_installed_release(t, &a);
		if (!toolchain_release_matches(&w, &a) ||
		    (triplet && !t->is_clang &&
		     !str_equal(t->triplet, triplet)) ||
		    (host && !str_equal(t->host, host)))
			continue;
		if (best)
			parse_installed_release(best, &b);
		/* The list is sorted: the first of equal releases wins. */
		if (!best || toolchain_release_compare(&a, &b) > 0)
			best = t;
	}
	return best;
}

char *toolchain_installed_driver_path(const struct toolchain_installed *t)
{
	return xasprintf("%s/%s", t->bin, t->driver);
}

/*
 * Open and lock `dir`, and check that the name still belongs to the locked
 * directory.  Returns a descriptor or a negative errno.
 */
static int lock_dir(const char *dir, int how, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat a, b;
	char *who;
	int ret = 0;

	if (fd < 0)
		return err_errno(err, "%s", dir);
	if (flock(fd, how | LOCK_NB)) {
		who = errno == EWOULDBLOCK ? lock_holders(dir) : NULL;
		ret = who ? err_set(err, EBUSY, "%s: in use by process %s", dir,
				    who) :
			    err_errno(err, "lock %s", dir);
		free(who);
	} else if (fstat(fd, &a) || lstat(dir, &b) || a.st_ino != b.st_ino ||
		   a.st_dev != b.st_dev) {
		ret = err_set(err, ENOENT, "%s: was removed", dir);
	}
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

int toolchain_installed_lease(const char *dir, struct err *err)
{
	return lock_dir(dir, LOCK_SH, err);
}

int toolchain_installed_remove(const char *data, const char *id, bool force,
			       struct err *err)
{
	char *dir = xasprintf("%s/toolchains/%s", data, id);
	struct toolchain_install_dir place = { 0 };
	int fd = -1, ret = 0;

	if (!toolchain_release_is_id(id) || !fs_is_dir(dir))
		ret = err_set(err, ENOENT, "%s: not installed", id);
	else if (!force)
		fd = ret = lock_dir(dir, LOCK_EX, err);
	if (ret >= 0)
		ret = toolchain_install_dir_open(&place, data, err);
	if (!ret)
		ret = toolchain_install_dir_remove(&place, id, err);
	toolchain_install_dir_close(&place);
	if (fd >= 0)
		close(fd);
	free(dir);
	return ret;
}

int toolchain_installed_verify(const struct toolchain_installed *t,
			       const atomic_bool *cancel, struct err *err)
{
	struct compiler_entries e;
	struct digest tree;
	int ret;

	ret = toolchain_dir_digest_read(&e, t->dir, cancel, err);
	if (ret)
		return ret;
	toolchain_dir_digest_compute(&e, &tree);
	compiler_entries_release(&e);
	if (digest_equal(&tree, &t->dir_digest))
		return 0;
	return err_set(
		err, EBADMSG,
		"files changed since installation; remove and reinstall it");
}
