/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/install.h"

#include "base/fs.h"
#include "compiler/manifest.h"
#include "fetch/http.h"
#include "toolchain/archive.h"
#include "toolchain/data.h"
#include "toolchain/dedup.h"
#include "toolchain/hostlib.h"
#include "toolchain/place.h"
#include "toolchain/smoke-test.h"
#include "toolchain/unpack.h"
#include "toolchain/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ARCHIVE_MAX (4ull << 30)
#define POLL_MS     100
#define BLOCK       (1u << 18)
/*
 * How much larger than its archive a toolchain is taken to be, with room to
 * spare; one that grows more ends at a full disk, as any other program does.
 */
#define GROWS 7

/* An installation under way. */
struct job {
	const struct toolchain_order *o;
	const char *host;
	char *id;
	struct toolchain_place place;
	char *dir; /* private; becomes DATA/toolchains/ID */
	struct toolchain_verify verify;
	struct toolchain_unpack *unpack;
	struct toolchain_unpacked unpacked;
	char *part; /* what came, kept for a resume; or NULL */
	int no_room; /* -ENOSPC, once the archive's size is known */
	struct err why; /* of that */
	struct toolchain_installed t;
	struct err *err;
};

static void tell_stage(const struct job *j, enum toolchain_stage stage,
		       uint64_t done, uint64_t total)
{
	if (j->o->progress)
		j->o->progress(j->o->ctx, stage, done, total);
}

static int cancelled(struct err *err)
{
	return err_set(err, ECANCELED, "cancelled");
}

/* ---- the archive comes ---- */

static int check_room(const struct job *j, uint64_t total, struct err *err)
{
	uint64_t need = total * (1 + GROWS), have; /* and itself */
	struct statvfs fs;

	if (statvfs(j->place.path, &fs))
		return 0;
	have = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (have >= need)
		return 0;
	return err_set(err, ENOSPC,
		       "%s: %" PRIu64 " MiB are free, and some %" PRIu64
		       " MiB are needed",
		       j->place.path, have >> 20, (need >> 20) + 1);
}

static int on_tar(void *ctx, struct bytes b, struct err *err)
{
	struct job *j = ctx;

	return toolchain_verify_feed(&j->verify, b, err);
}

/* From the first byte, into an empty directory. */
static int begin_unpack(void *ctx, struct err *err)
{
	struct job *j = ctx;
	struct toolchain_unpack_setup setup = { .tar = on_tar, .ctx = j };
	int ret;

	toolchain_unpack_free(j->unpack);
	j->unpack = NULL;
	ret = fs_remove(j->dir, err);
	if (!ret)
		ret = fs_mkdirs(j->dir, 0755, err);
	if (!ret)
		ret = toolchain_verify_start(&j->verify, err);
	if (ret)
		return ret;
	setup.dir = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (setup.dir < 0)
		return err_errno(err, "%s", j->dir);
	j->unpack = toolchain_unpack_start(&setup, err);
	close(setup.dir);
	return j->unpack ? 0 : -EAGAIN;
}

static int on_data(void *ctx, struct bytes b, struct err *err)
{
	struct job *j = ctx;

	if (j->no_room) {
		*err = j->why;
		return j->no_room;
	}
	return toolchain_unpack_feed(j->unpack, b, err);
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct job *j = ctx;

	if (total && !j->no_room)
		j->no_room = check_room(j, total, &j->why);
	tell_stage(j, TOOLCHAIN_FETCHES, done, total);
}

static int fetch_archive(struct job *j)
{
	struct fetch_sink sink = { .data = on_data,
				   .restart = begin_unpack,
				   .progress = on_progress,
				   .ctx = j };
	const struct toolchain_order *o = j->o;
	struct strv urls = { 0 };
	int ret = fs_mkdirs(o->cache, 0755, j->err);

	if (ret)
		return ret;
	j->part = xasprintf("%s/%s", o->cache, str_base(o->path));
	toolchain_archive_urls(o->path, o->mirrors, &urls);
	ret = fetch_get((const char *const *)urls.v, j->part, ARCHIVE_MAX,
			o->fetch, &sink, &j->t.url, j->err);
	strv_release(&urls);
	/* Of a small one the size is known when all of it is there. */
	if (!ret && j->no_room) {
		*j->err = j->why;
		ret = j->no_room;
	}
	return ret;
}

static int read_local(struct job *j)
{
	const char *file = j->o->file;
	int fd = open(file, O_RDONLY | O_CLOEXEC), ret = 0;
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	uint8_t *block = xmalloc(BLOCK);
	uint64_t done = 0;
	ssize_t n = 1;

	if (fd < 0 || size < 0)
		ret = err_errno(j->err, "%s", file);
	else
		ret = check_room(j, (uint64_t)size, j->err);
	while (!ret && n > 0) {
		n = pread(fd, block, BLOCK, (off_t)done);
		if (n < 0)
			ret = err_errno(j->err, "%s", file);
		else
			ret = toolchain_unpack_feed(
				j->unpack, bytes_of(block, (size_t)n), j->err);
		if (!ret && fetch_cancelled(j->o->fetch))
			ret = cancelled(j->err);
		done += ret ? 0 : (uint64_t)n;
		tell_stage(j, TOOLCHAIN_FETCHES, done, (uint64_t)size);
	}
	j->t.url = fs_absolute(file);
	free(block);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* A download that is to blame for the failure is not kept. */
static bool is_bad(int ret)
{
	return ret == -EBADMSG || ret == -EINVAL || ret == -E2BIG ||
	       ret == -EKEYREJECTED || ret == -EKEYREVOKED ||
	       ret == -EKEYEXPIRED || ret == -ENOKEY || ret == -EFBIG;
}

static int get_archive(struct job *j)
{
	int ret = begin_unpack(j, j->err);

	tell_stage(j, TOOLCHAIN_FETCHES, 0, 0);
	if (!ret)
		ret = j->o->file ? read_local(j) : fetch_archive(j);
	if (!ret) {
		ret = toolchain_unpack_end(j->unpack, &j->unpacked, j->err);
		j->unpack = NULL;
	}
	if (!ret)
		ret = toolchain_verify_end(&j->verify, &j->unpacked.archive,
					   &j->t, j->err);
	if (j->part && is_bad(ret))
		fetch_forget(j->part);
	return ret;
}

/* ---- it is what it should be ---- */

static int provide_libraries(struct job *j)
{
	const struct toolchain_order *o = j->o;
	struct toolchain_missing_list missing = { 0 };
	static const struct strv none;
	int ret = toolchain_hostlibs_missing(j->dir, &missing, j->err);

	if (!ret && missing.n) {
		ret = toolchain_hostlibs_provide(
			j->dir, &o->release, &missing,
			o->library_files ? o->library_files : &none,
			o->library_debs ? o->library_debs : &none,
			&j->t.hostlibs, j->err);
		if (ret)
			ret = -ELIBACC;
		/* Files have changed. */
		compiler_entries_release(&j->unpacked.entries);
		if (!ret)
			ret = toolchain_tree_read(&j->unpacked.entries, j->dir,
						  NULL, j->err);
	}
	toolchain_hostlibs_release(&missing);
	return ret;
}

static int run_smoke_test(struct job *j, const char *driver)
{
	char *work = toolchain_place_private(&j->place, "smoke-test", j->err);
	struct toolchain_smoke_test test = {
		.driver = driver,
		.release = &j->o->release,
		.triplet = j->o->triplet,
		.host = j->host,
		.work = work,
		.cancel = j->o->fetch ? j->o->fetch->cancel : NULL,
	};
	/* Other variables concern builds, not what the compiler consists of. */
	const char *path = getenv("PATH");
	char *search = xasprintf("PATH=%s", path ? path : TOOLCHAIN_PATH);
	char *env[] = { search, NULL };
	struct compiler_manifest m = { 0 };
	bool ran = false;
	int ret = work ? fs_mkdirs(work, 0700, j->err) : -EIO;

	if (!ret)
		ret = toolchain_smoke_test(&test, &ran, j->err);
	if (!ret && ran) {
		ret = compiler_manifest_make(&m, driver, env, j->err);
		j->t.content = m.id;
		compiler_manifest_release(&m);
	} else if (!ret && j->o->notes) {
		strv_addf(j->o->notes,
			  "it runs on %s: not tried on this machine", j->host);
	}
	free(search);
	free(work);
	return ret;
}

static int check_unpacked(struct job *j)
{
	char *driver, *bin, *path;
	int ret;

	tell_stage(j, TOOLCHAIN_CHECKS, 0, 0);
	driver = toolchain_smoke_test_driver(&j->unpacked.entries,
					     j->o->triplet, j->err);
	if (!driver)
		return -ENOEXEC;
	ret = provide_libraries(j);
	path = xasprintf("%s/%s", j->dir, driver);
	if (!ret)
		ret = run_smoke_test(j, path);
	bin = str_dir(driver);
	j->t.within = str_dir(bin);
	j->t.driver = xstrdup(str_base(driver));
	if (!ret && !toolchain_tree_is_path(j->t.within))
		ret = err_set(j->err, ENOEXEC, "%s lies beside nothing", bin);
	free(bin);
	free(path);
	free(driver);
	return ret;
}

/* ---- it is put in place ---- */

static void describe_installed(struct job *j)
{
	struct toolchain_installed *t = &j->t;

	t->id = xstrdup(j->id);
	t->release = toolchain_release_text(&j->o->release);
	t->version = toolchain_release_version(&j->o->release);
	t->is_clang = j->o->release.is_clang;
	t->triplet = j->o->triplet ? xstrdup(j->o->triplet) : NULL;
	t->host = xstrdup(j->host);
	t->archive = j->unpacked.archive;
	toolchain_tree_digest(&j->unpacked.entries, &t->tree);
	t->date = toolchain_installed_now();
}

static int publish_installed(struct job *j)
{
	char *dir = xasprintf("%s/%s", j->place.path, j->id);
	int ret;

	tell_stage(j, TOOLCHAIN_PUBLISHES, 0, 0);
	describe_installed(j);
	toolchain_dedup(j->dir, j->place.path);
	toolchain_installed_place(&j->t, j->dir);
	ret = fetch_cancelled(j->o->fetch) ?
		      cancelled(j->err) :
		      toolchain_installed_write(&j->t, j->err);
	if (!ret)
		ret = toolchain_place_publish(&j->place, j->id, j->id, false,
					      j->err);
	if (!ret) {
		toolchain_installed_place(&j->t, dir);
		if (j->part)
			fetch_forget(j->part);
	}
	free(dir);
	return ret;
}

/* -EEXIST with j->t when it is there; -EINVAL for one that is broken. */
static int look_for_installed(struct job *j)
{
	char *dir = xasprintf("%s/%s", j->place.path, j->id);
	int ret = 0;

	if (fs_is_dir(dir)) {
		ret = toolchain_installed_read(j->o->data, j->id, &j->t,
					       j->err);
		if (ret)
			err_wrap(j->err, "installed, but broken; remove it");
		else
			ret = err_set(j->err, EEXIST, "%s is installed already",
				      j->id);
	}
	free(dir);
	return ret;
}

static int take_turn(struct job *j, int *lock)
{
	int ret = -EAGAIN;

	for (bool first = true; ret == -EAGAIN; first = false) {
		*lock = ret = toolchain_place_lock(&j->place, j->id, j->err);
		if (ret == -EAGAIN && first)
			tell_stage(j, TOOLCHAIN_WAITS, 0, 0);
		if (ret == -EAGAIN)
			poll(NULL, 0, POLL_MS);
		if (fetch_cancelled(j->o->fetch)) {
			if (ret >= 0)
				toolchain_place_unlock(&j->place, j->id, ret);
			*lock = -1;
			return cancelled(j->err);
		}
	}
	return ret < 0 ? ret : 0;
}

static int make_toolchain(struct job *j)
{
	int ret;

	tell_stage(j, TOOLCHAIN_ASKS, 0, 0);
	ret = toolchain_verify_begin(&j->verify, j->o, j->err);
	if (ret)
		return ret;
	j->dir = toolchain_place_private(&j->place, j->id, j->err);
	ret = j->dir ? get_archive(j) : -EIO;
	if (!ret)
		ret = check_unpacked(j);
	if (!ret)
		ret = publish_installed(j);
	return ret;
}

static int check_order(const struct job *j)
{
	const struct toolchain_order *o = j->o;
	bool whole = o->release.n == 3 && !o->triplet == o->release.is_clang;

	if (whole && toolchain_release_is_id(j->id) && j->host[0] &&
	    (o->file || (o->path && o->mirrors && o->mirrors->n && o->cache)))
		return 0;
	return err_set(j->err, EINVAL, "%s: this cannot be installed", j->id);
}

static void job_release(struct job *j, bool keep)
{
	toolchain_unpack_free(j->unpack);
	toolchain_unpacked_release(&j->unpacked);
	toolchain_verify_release(&j->verify);
	toolchain_place_close(&j->place);
	if (!keep)
		toolchain_installed_release(&j->t);
	free(j->part);
	free(j->dir);
	free(j->id);
}

int toolchain_install(const struct toolchain_order *o,
		      struct toolchain_installed *out, struct err *err)
{
	const struct toolchain_host *here = toolchain_data_this_host();
	struct job j = { .o = o, .err = err };
	bool is_here = !o->host || (here && str_equal(here->name, o->host));
	int lock = -1, ret;

	j.host = o->host ? o->host : here ? here->name : "";
	j.id = toolchain_release_id(&o->release, o->triplet,
				    is_here ? NULL : o->host);
	ret = check_order(&j);
	if (!ret)
		ret = toolchain_place_open(&j.place, o->data, err);
	if (!ret)
		ret = look_for_installed(&j);
	if (!ret)
		ret = take_turn(&j, &lock);
	/* Another may have made it meanwhile. */
	if (!ret)
		ret = look_for_installed(&j);
	if (!ret)
		ret = make_toolchain(&j);
	if (lock >= 0)
		toolchain_place_unlock(&j.place, j.id, lock);
	*out = (struct toolchain_installed){ 0 };
	if (!ret || ret == -EEXIST)
		*out = j.t;
	job_release(&j, !ret || ret == -EEXIST);
	return ret;
}

int toolchain_install_order(struct toolchain_order *order, struct strv *text,
			    const char *file, struct err *err)
{
	struct toolchain_archive a;

	if (!toolchain_archive_parse_name(&a, str_base(file)))
		return err_set(err, EINVAL,
			       "%s: the name says not what it is; as in "
			       "x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz, "
			       "or llvm-22.1.8-x86_64.tar.xz",
			       file);
	order->file = file;
	order->release = a.release;
	strv_add(text, a.host);
	order->host = text->v[text->n - 1];
	order->triplet = NULL;
	if (a.triplet) {
		strv_add(text, a.triplet);
		order->triplet = text->v[text->n - 1];
	}
	toolchain_archive_release(&a);
	return 0;
}
