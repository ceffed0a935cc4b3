/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/install.h"

#include "base/fs.h"
#include "base/url.h"
#include "compiler/manifest.h"
#include "fetch/download.h"
#include "toolchain/archive.h"
#include "toolchain/builtin.h"
#include "toolchain/hostlib.h"
#include "toolchain/install-dir.h"
#include "toolchain/link.h"
#include "toolchain/unpack.h"
#include "toolchain/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ARCHIVE_MAX (4ull << 30)
#define POLL_MS     100
#define BLOCK       (1u << 18)
/*
 * Assumed size of a toolchain relative to its archive, with a margin.  If a
 * toolchain is larger and the disk becomes full, its installation fails with
 * ENOSPC.
 */
#define UNPACKED_SIZE_FACTOR 7

/* An installation in progress. */
struct install_job {
	const struct toolchain_install_request *request;
	const char *host;
	char *id;
	struct toolchain_install_dir install_dir;
	char *dir; /* scratch directory; becomes DATA/toolchains/ID */
	struct toolchain_verify verify;
	struct toolchain_unpack *unpack;
	struct toolchain_unpacked unpacked;
	char *partial_path; /* part file of the download, or NULL */
	uint64_t free_bytes; /* free disk space before anything is unpacked */
	int space_error; /* -ENOSPC if the disk is too small */
	struct err space_error_text;
	struct toolchain_installed installed;
	struct err *err;
};

static void report_install_stage(const struct install_job *j,
				 enum toolchain_install_stage stage,
				 uint64_t done, uint64_t total)
{
	if (j->request->on_progress)
		j->request->on_progress(j->request->ctx, stage, done, total);
}

static void measure_disk_space(struct install_job *j)
{
	struct statvfs fs;

	j->free_bytes = UINT64_MAX;
	if (!statvfs(j->install_dir.path, &fs))
		j->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
}

/*
 * Check that the disk has room for the unpacked toolchain and for the `missing`
 * bytes of its archive, which are not downloaded yet.  `size` is the size of
 * the archive.  j->free_bytes was measured before the download, because the
 * archive is unpacked as it arrives.
 */
static int check_disk_space(const struct install_job *j, uint64_t size,
			    uint64_t missing, struct err *err)
{
	uint64_t need = size * UNPACKED_SIZE_FACTOR + missing;

	if (j->free_bytes >= need)
		return 0;
	return err_set(err, ENOSPC,
		       "%s: not enough disk space: %" PRIu64
		       " MiB free, about %" PRIu64 " MiB needed",
		       j->install_dir.path, j->free_bytes >> 20,
		       (need >> 20) + 1);
}

static int on_tar(void *ctx, struct bytes b, struct err *err)
{
	struct install_job *j = ctx;

	return toolchain_verify_stream_feed(&j->verify, b, err);
}

/* Start, or restart, unpacking into an empty directory. */
static int start_unpack(void *ctx, struct err *err)
{
	struct install_job *j = ctx;
	struct toolchain_unpack_setup setup = { .on_tar_data = on_tar,
						.ctx = j };
	int ret;

	toolchain_unpack_free(j->unpack);
	j->unpack = NULL;
	ret = fs_remove(j->dir, err);
	if (!ret)
		ret = fs_mkdirs(j->dir, 0755, err);
	if (!ret)
		ret = toolchain_verify_stream_start(&j->verify, err);
	if (ret)
		return ret;
	setup.dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (setup.dir_fd < 0)
		return err_errno(err, "%s", j->dir);
	j->unpack = toolchain_unpack_start(&setup, err);
	close(setup.dir_fd);
	return j->unpack ? 0 : -EAGAIN;
}

static int on_archive_data(void *ctx, struct bytes b, struct err *err)
{
	struct install_job *j = ctx;

	if (j->space_error) {
		*err = j->space_error_text;
		return j->space_error;
	}
	return toolchain_unpack_feed(j->unpack, b, err);
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct install_job *j = ctx;

	if (total && !j->space_error)
		j->space_error = check_disk_space(
			j, total, total > done ? total - done : 0,
			&j->space_error_text);
	report_install_stage(j, TOOLCHAIN_STAGE_FETCH, done, total);
}

static int fetch_archive(struct install_job *j)
{
	struct fetch_sink sink = { .on_data = on_archive_data,
				   .on_restart = start_unpack,
				   .on_progress = on_progress,
				   .ctx = j };
	const struct toolchain_install_request *o = j->request;
	struct strv urls = { 0 };
	char *url = NULL;
	int ret = fs_mkdirs(o->cache_dir, 0755, j->err);

	if (ret)
		return ret;
	j->partial_path = xasprintf("%s/%s", o->cache_dir,
				    str_base(o->mirror_path));
	toolchain_archive_list_urls(o->mirror_path, o->mirrors, &urls);
	ret = fetch_download_file((const char *const *)urls.v, j->partial_path,
				  ARCHIVE_MAX, o->fetch_options, &sink, &url,
				  j->err);
	strv_release(&urls);
	if (url)
		j->installed.url = url_redact(url);
	free(url);
	/*
	 * on_progress() checks the disk space.  If the archive is small,
	 * on_archive_data() may not be called after this check and thus cannot
	 * report the error.
	 */
	if (!ret && j->space_error) {
		*j->err = j->space_error_text;
		ret = j->space_error;
	}
	return ret;
}

static int read_local(struct install_job *j)
{
	const char *file = j->request->archive_path;
	/* Without O_NONBLOCK, open() would wait for the writer of a pipe. */
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC), ret = 0;
	struct stat st = { 0 };
	uint8_t *block = xmalloc(BLOCK);
	uint64_t done = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st))
		ret = err_errno(j->err, "%s", file);
	else if (!S_ISREG(st.st_mode))
		ret = err_set(j->err, EINVAL, "%s: not a regular file", file);
	else
		ret = check_disk_space(j, (uint64_t)st.st_size, 0, j->err);
	while (!ret && n > 0) {
		n = pread(fd, block, BLOCK, (off_t)done);
		if (n < 0)
			ret = err_errno(j->err, "%s", file);
		else
			ret = toolchain_unpack_feed(
				j->unpack, bytes_of(block, (size_t)n), j->err);
		if (!ret &&
		    fetch_download_is_cancelled(j->request->fetch_options))
			ret = err_set(j->err, ECANCELED, "cancelled");
		done += ret ? 0 : (uint64_t)n;
		report_install_stage(j, TOOLCHAIN_STAGE_FETCH, done,
				     (uint64_t)st.st_size);
	}
	j->installed.url = fs_make_absolute(file);
	free(block);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int obtain_archive(struct install_job *j)
{
	int ret;

	measure_disk_space(j);
	ret = start_unpack(j, j->err);
	report_install_stage(j, TOOLCHAIN_STAGE_FETCH, 0, 0);
	if (!ret)
		ret = j->request->archive_path ? read_local(j) :
						 fetch_archive(j);
	if (!ret) {
		ret = toolchain_unpack_finish(j->unpack, &j->unpacked, j->err);
		j->unpack = NULL;
	}
	if (!ret)
		ret = toolchain_verify_finish(&j->verify,
					      &j->unpacked.archive_digest,
					      &j->installed, j->err);
	if (!j->partial_path)
		return ret;
	switch (-ret) {
	case EBADMSG:
	case EINVAL:
	case E2BIG:
	case EFBIG:
	case EKEYREJECTED:
	case EKEYREVOKED:
	case EKEYEXPIRED:
	case ENOKEY:
		/* The archive was rejected, so do not resume its part file. */
		fetch_partial_remove(j->partial_path);
	}
	return ret;
}

static int provide_libraries(struct install_job *j)
{
	const struct toolchain_install_request *o = j->request;
	struct toolchain_missing_list missing = { 0 };
	static const struct strv none;
	int ret = toolchain_hostlib_list_missing(j->dir, &missing, j->err);

	if (!ret && missing.n) {
		ret = toolchain_hostlib_provide(
			j->dir, &o->release, &missing,
			o->library_files ? o->library_files : &none,
			o->library_debs ? o->library_debs : &none,
			&j->installed.hostlibs, j->err);
		if (ret == -ENOENT || ret == -ENOPKG)
			ret = -ELIBACC;
		/* The entries are stale because programs were changed. */
		compiler_entries_release(&j->unpacked.entries);
		if (!ret)
			ret = toolchain_dir_digest_read(&j->unpacked.entries,
							j->dir, NULL, j->err);
	}
	toolchain_hostlib_missing_release(&missing);
	return ret;
}

static int run_smoke_test(struct install_job *j, const char *driver)
{
	char *work = toolchain_install_dir_scratch_path(&j->install_dir,
							"smoke-test", j->err);
	struct toolchain_smoke_test test = {
		.driver = driver,
		.release = &j->request->release,
		.triplet = j->request->triplet,
		.host = j->host,
		.work_dir = work,
		.cancelled = j->request->fetch_options ?
				     j->request->fetch_options->cancelled :
				     NULL,
	};
	/* PATH is the only variable that the compiler's manifest depends on. */
	const char *path = getenv("PATH");
	char *search = xasprintf("PATH=%s",
				 path ? path : COMPILER_TOOLCHAIN_PATH);
	char *env[] = { search, NULL };
	struct compiler_manifest m = { 0 };
	bool ran = false;
	int ret = work ? fs_mkdirs(work, 0700, j->err) : -EIO;

	if (!ret)
		ret = toolchain_smoke_test(&test, &ran, j->err);
	if (!ret && ran) {
		ret = compiler_manifest_make(&m, driver, env, j->err);
		j->installed.manifest_id = m.id;
		compiler_manifest_release(&m);
	} else if (!ret && j->request->notes) {
		strv_addf(j->request->notes,
			  "compiler runs only on %s, so it was not tested on "
			  "this machine",
			  j->host);
	}
	free(search);
	free(work);
	return ret;
}

static int check_unpacked(struct install_job *j)
{
	char *driver, *bin, *path;
	int ret;

	report_install_stage(j, TOOLCHAIN_STAGE_CHECK, 0, 0);
	driver = toolchain_verify_find_driver(&j->unpacked.entries,
					      j->request->triplet, j->err);
	if (!driver)
		return -ENOEXEC;
	ret = provide_libraries(j);
	path = xasprintf("%s/%s", j->dir, driver);
	if (!ret)
		ret = run_smoke_test(j, path);
	bin = str_dir(driver);
	j->installed.relative_prefix = str_dir(bin);
	j->installed.driver = xstrdup(str_base(driver));
	if (!ret &&
	    !toolchain_dir_digest_is_valid_path(j->installed.relative_prefix))
		ret = err_set(j->err, ENOEXEC,
			      "%s: expected the compiler of the archive in "
			      "DIRECTORY/bin",
			      bin);
	free(bin);
	free(path);
	free(driver);
	return ret;
}

static int publish_installed(struct install_job *j)
{
	const struct toolchain_install_request *o = j->request;
	char *dir = xasprintf("%s/%s", j->install_dir.path, j->id);
	struct toolchain_installed *t = &j->installed;
	int ret;

	report_install_stage(j, TOOLCHAIN_STAGE_PUBLISH, 0, 0);
	t->id = xstrdup(j->id);
	t->release = toolchain_release_format(&o->release);
	t->version = toolchain_release_format_version(&o->release);
	t->is_clang = o->release.is_clang;
	t->triplet = o->triplet ? xstrdup(o->triplet) : NULL;
	t->host = xstrdup(j->host);
	t->archive_digest = j->unpacked.archive_digest;
	toolchain_dir_digest_compute(&j->unpacked.entries, &t->dir_digest);
	t->date = toolchain_installed_format_now();

	toolchain_link_dedup(j->dir, j->install_dir.path);
	toolchain_installed_set_dir(t, j->dir);
	ret = fetch_download_is_cancelled(o->fetch_options) ?
		      err_set(j->err, ECANCELED, "cancelled") :
		      toolchain_installed_write(t, j->err);
	if (!ret)
		ret = toolchain_install_dir_publish(&j->install_dir, j->id,
						    j->id, false, j->err);
	if (!ret) {
		toolchain_installed_set_dir(t, dir);
		if (j->partial_path)
			fetch_partial_remove(j->partial_path);
	}
	free(dir);
	return ret;
}

/*
 * Check whether the toolchain is installed.  Returns 0 if it is not installed,
 * -EEXIST with j->installed set if it is installed, or another negative errno
 * if its toolchain.json cannot be read.
 */
static int find_existing_install(struct install_job *j)
{
	char *dir = xasprintf("%s/%s", j->install_dir.path, j->id);
	int ret = 0;

	if (fs_is_dir(dir)) {
		struct err why;

		ret = toolchain_installed_read(j->request->data_dir, j->id,
					       &j->installed, &why);
		if (ret)
			err_set(j->err, -ret,
				"already installed, but damaged: %s; remove "
				"the toolchain first",
				why.text);
		else
			ret = err_set(j->err, EEXIST, "%s is already installed",
				      j->id);
	}
	free(dir);
	return ret;
}

static int wait_for_install_lock(struct install_job *j, int *lock)
{
	int ret = -EAGAIN;

	for (bool first = true; ret == -EAGAIN; first = false) {
		*lock = ret = toolchain_install_dir_lock(&j->install_dir, j->id,
							 j->err);
		if (ret == -EAGAIN && first)
			report_install_stage(j, TOOLCHAIN_STAGE_WAIT, 0, 0);
		if (ret == -EAGAIN)
			poll(NULL, 0, POLL_MS);
		if (fetch_download_is_cancelled(j->request->fetch_options)) {
			if (ret >= 0)
				toolchain_install_dir_unlock(&j->install_dir,
							     j->id, ret);
			*lock = -1;
			return err_set(j->err, ECANCELED, "cancelled");
		}
	}
	return ret < 0 ? ret : 0;
}

int toolchain_install(const struct toolchain_install_request *o,
		      struct toolchain_installed *out, struct err *err)
{
	const struct toolchain_host *local = toolchain_builtin_local_host();
	struct install_job j = { .request = o, .err = err };
	bool is_local = !o->host || (local && str_equal(local->name, o->host));
	int lock = -1, ret;

	*out = (struct toolchain_installed){ 0 };
	j.host = o->host ? o->host : local ? local->name : "";
	j.id = toolchain_release_id(&o->release, o->triplet,
				    is_local ? NULL : o->host);
	if (o->release.n_parts != 3 || !o->triplet != o->release.is_clang ||
	    !toolchain_release_is_id(j.id) || !j.host[0] ||
	    (!o->archive_path && (!o->mirror_path || !o->mirrors ||
				  !o->mirrors->n || !o->cache_dir))) {
		ret = err_set(err, EINVAL,
			      "%s: invalid release, target, host or source",
			      j.id);
		goto out;
	}
	ret = toolchain_install_dir_open(&j.install_dir, o->data_dir, err);
	if (ret)
		goto out;
	ret = find_existing_install(&j);
	if (ret)
		goto out;
	ret = wait_for_install_lock(&j, &lock);
	if (ret)
		goto out;
	/*
	 * Another process may have installed the toolchain while this process
	 * waited for the lock.
	 */
	ret = find_existing_install(&j);
	if (ret)
		goto out;

	report_install_stage(&j, TOOLCHAIN_STAGE_LOOKUP, 0, 0);
	ret = toolchain_verify_prepare(&j.verify, o, err);
	if (ret)
		goto out;
	j.dir = toolchain_install_dir_scratch_path(&j.install_dir, j.id, err);
	ret = j.dir ? obtain_archive(&j) : -EIO;
	if (ret)
		goto out;
	ret = check_unpacked(&j);
	/*
	 * compiler_manifest_make() can fail with -EEXIST, and kfarm then cannot
	 * use the compiler.  Replace this error, because -EEXIST would mean to
	 * the caller that the toolchain is installed already.
	 */
	if (ret == -EEXIST)
		ret = -ENOEXEC;
	if (!ret)
		ret = publish_installed(&j);
out:
	if (lock >= 0)
		toolchain_install_dir_unlock(&j.install_dir, j.id, lock);
	toolchain_unpack_free(j.unpack);
	toolchain_unpacked_release(&j.unpacked);
	toolchain_verify_release(&j.verify);
	toolchain_install_dir_close(&j.install_dir);
	if (!ret || ret == -EEXIST)
		*out = j.installed;
	else
		toolchain_installed_release(&j.installed);
	free(j.partial_path);
	free(j.dir);
	free(j.id);
	return ret;
}

int toolchain_install_parse_file(struct toolchain_install_request *request,
				 struct strv *strings, const char *file,
				 struct err *err)
{
	struct toolchain_archive a;

	if (!toolchain_archive_parse_name(&a, str_base(file)))
		return err_set(
			err, EINVAL,
			"%s: unrecognized archive name; expected a name like "
			"x86_64-gcc-13.3.0-nolibc-aarch64-linux.tar.xz or "
			"llvm-22.1.8-x86_64.tar.xz",
			file);
	request->archive_path = file;
	request->release = a.release;
	strv_add(strings, a.host);
	request->host = strings->v[strings->n - 1];
	request->triplet = NULL;
	if (a.triplet) {
		strv_add(strings, a.triplet);
		request->triplet = strings->v[strings->n - 1];
	}
	toolchain_archive_release(&a);
	return 0;
}
