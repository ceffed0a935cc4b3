/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/installed.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/vec.h"
#include "toolchain/builtin.h"
#include "toolchain/install-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4u << 20)

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
			else if (fs_is_dir(dir)) /* it still exists */
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
		who = errno == EWOULDBLOCK ? lock_holders(fd) : NULL;
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
