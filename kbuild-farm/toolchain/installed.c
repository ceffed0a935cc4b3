/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/installed.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/record.h"
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

#define LIST_MAX 10000 /* elements of a list */

/* ---- toolchain.json ---- */

static const struct json_file file_format = {
	.file = { .max_bytes = 4u << 20, .mode = 0644, .durable = true },
	.dump_flags = JSON_INDENT(2),
	.ends_line = true,
};

static const char *const compiler_words[] = { "gcc", "clang" };

static const struct record_member verified_members[] = {
	{ RECORD_STRING("sums_key", toolchain_installed, sums_key) },
	{ RECORD_STRING("tar_key", toolchain_installed, tar_key) },
	{ RECORD_BOOL("sha256_given", toolchain_installed, sha256_given),
	  .required = true },
};
static const struct record verified_record = RECORD(toolchain_installed,
						    verified_members);

static bool is_adopted(const void *t)
{
	return ((const struct toolchain_installed *)t)->adopted_from;
}

static const struct record_member installed_members[] = {
	{ RECORD_STRING("id", toolchain_installed, id), .required = true },
	{ RECORD_STRING("release", toolchain_installed, release),
	  .required = true },
	{ RECORD_STRING("version", toolchain_installed, version),
	  .required = true },
	{ RECORD_WORD("kind", toolchain_installed, is_clang, compiler_words),
	  .required = true },
	{ RECORD_STRING("triplet", toolchain_installed, triplet) },
	{ RECORD_STRING("host", toolchain_installed, host), .required = true },
	{ RECORD_STRING("prefix", toolchain_installed, relative_prefix),
	  .required = true },
	{ RECORD_STRING("driver", toolchain_installed, driver),
	  .required = true },
	{ RECORD_STRING("url", toolchain_installed, url) },
	{ RECORD_DIGEST("archive_sha256", toolchain_installed,
			archive_digest) },
	{ RECORD_DIGEST("tree", toolchain_installed, dir_digest) },
	{ RECORD_DIGEST("content", toolchain_installed, manifest_id) },
	/* an object in the file; the C struct contains its members directly */
	{ .key = "verified",
	  .kind = RECORD_IS_OBJECT,
	  .of = &verified_record,
	  .required = true },
	{ RECORD_BOOL("insecure", toolchain_installed, insecure),
	  .required = true },
	{ RECORD_STRING("date", toolchain_installed, date) },
	{ RECORD_STRINGS("links", toolchain_installed, links, LIST_MAX) },
	{ RECORD_STRINGS("hostlibs", toolchain_installed, hostlibs, LIST_MAX) },
	{ RECORD_STRING("adopted", toolchain_installed, adopted_from) },
	{ RECORD_STRINGS("tools", toolchain_installed, tools, LIST_MAX),
	  .is_present = is_adopted },
};
static const struct record installed_record = RECORD(toolchain_installed,
						     installed_members);

char *toolchain_installed_encode(const struct toolchain_installed *t)
{
	return record_encode(&installed_record, t, &file_format);
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
	int ret = record_decode(&installed_record, out, in, err);
	const char *bad = ret ? NULL : invalid_member_error(out);

	if (!bad)
		return ret;
	toolchain_installed_release(out);
	return err_set(err, EINVAL, "missing or invalid \"%s\"", bad);
}

void toolchain_installed_release(struct toolchain_installed *t)
{
	free(t->dir);
	free(t->prefix);
	free(t->bin);
	record_release(&installed_record, t);
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
	int ret = state_file_read(&file_format.file, file, &text, err);

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
	int ret = record_write(&installed_record, t, &file_format, file, err);

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
	const struct toolchain_host *local = toolchain_builtin_local_host();
	const struct toolchain_installed *best = NULL;
	struct toolchain_release w;
	struct err ignored;

	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->v[i].id, wanted))
			return &l->v[i];
	if (toolchain_release_parse(wanted, &w, &ignored))
		return NULL;
	if (!host && local)
		host = local->name;
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
	} else if (!fs_is_open_as(fd, AT_FDCWD, dir, AT_SYMLINK_NOFOLLOW)) {
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
		"files changed since installation; remove and reinstall the toolchain");
}
