/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libarchive's ARCHIVE_EXTRACT_SECURE flags stand for is not needed here,
 * as no name of the archive is ever opened or made: they become lines of a
 * tree, and tree/name.h says which may.
 */
#include "tree/intake.h"

#include "tree/name.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK      (1u << 18)
#define RATIO_MAX  100
#define RATIO_FREE (64ull << 20)

static int bad_archive(struct archive *a, struct err *err)
{
	const char *text = archive_error_string(a);

	return err_set(err, EBADMSG, "damaged, cut off or no archive: %s",
		       text ? text : "");
}

static int check_ratio(struct archive *a, uint64_t bytes, struct err *err)
{
	uint64_t came = (uint64_t)archive_filter_bytes(a, -1);

	if (bytes > RATIO_FREE && bytes - RATIO_FREE > came * RATIO_MAX)
		return err_set(err, E2BIG,
			       "unpacks to more than %d times its "
			       "size",
			       RATIO_MAX);
	return 0;
}

/* `size` is what the archive says, so how much is read at once. */
static int read_file_member(struct tree_intake *in, struct archive *a,
			    const char *path, la_int64_t size, struct buf *out,
			    struct err *err)
{
	size_t room = size > 0 && size < BLOCK ? (size_t)size + 1 : BLOCK;
	la_ssize_t n;
	int ret;

	do {
		if (buf_reserve(out, room))
			return err_set(err, E2BIG, "%s: too large", path);
		n = archive_read_data(a, out->data + out->len, room);
		if (n < 0)
			return bad_archive(a, err);
		out->len += (size_t)n;
		ret = check_ratio(a, in->bytes + out->len, err);
		if (!ret && out->len > TREE_FILE_MAX)
			ret = err_set(err, E2BIG, "%s: larger than %llu MiB",
				      path, TREE_FILE_MAX >> 20);
	} while (n && !ret);
	return ret;
}

static int take_file_member(struct tree_intake *in, struct archive *a,
			    struct archive_entry *e, const char *path,
			    struct err *err)
{
	struct buf content = { 0 };
	int ret = read_file_member(in, a, path, archive_entry_size(e), &content,
				   err);

	if (!ret)
		ret = tree_intake_add(in, path,
				      archive_entry_mode(e) & S_IXUSR ?
					      GIT_FILEMODE_BLOB_EXECUTABLE :
					      GIT_FILEMODE_BLOB,
				      archive_entry_mtime(e), &content, err);
	buf_release(&content);
	return ret;
}

static int take_hard_link(struct tree_intake *in, struct archive_entry *e,
			  const char *path, struct err *err)
{
	char *target = str_plain_path(archive_entry_hardlink(e));
	int ret;

	if (archive_entry_size_is_set(e) && archive_entry_size(e) > 0)
		ret = err_set(err, EINVAL, "%s: a hard link with content",
			      path);
	else
		ret = tree_intake_again(in, path, target, err);
	free(target);
	return ret;
}

static int take_symlink(struct tree_intake *in, struct archive_entry *e,
			const char *path, struct err *err)
{
	const char *target = archive_entry_symlink(e);
	struct buf content = { 0 };
	int ret;

	if (!target || !*target)
		return err_set(err, EINVAL, "%s: a link to nothing", path);
	buf_add_str(&content, target);
	ret = tree_intake_add(in, path, GIT_FILEMODE_LINK,
			      archive_entry_mtime(e), &content, err);
	buf_release(&content);
	return ret;
}

static int take_member(struct tree_intake *in, struct archive *a,
		       struct archive_entry *e, struct err *err)
{
	const char *name = archive_entry_pathname(e);
	mode_t type = archive_entry_filetype(e);
	char *path;
	int ret;

	if (!name)
		return err_set(err, EINVAL,
			       "the name of an entry cannot be read");
	path = str_plain_path(name);
	if (archive_entry_hardlink(e))
		ret = take_hard_link(in, e, path, err);
	else if (type == AE_IFLNK)
		ret = take_symlink(in, e, path, err);
	else if (type == AE_IFREG)
		ret = take_file_member(in, a, e, path, err);
	else if (type == AE_IFDIR)
		ret = *path ? tree_name_check_path(path, err) : 0;
	else
		ret = err_set(err, EINVAL,
			      "%.200s: neither file, link nor directory", path);
	free(path);
	return ret;
}

static int take_members(struct tree_intake *in, struct archive *a,
			struct err *err)
{
	struct archive_entry *e;
	int ret = 0;

	while (!ret) {
		ret = archive_read_next_header(a, &e);
		if (ret == ARCHIVE_EOF)
			return 0;
		if (ret < ARCHIVE_WARN)
			return bad_archive(a, err);
		ret = take_member(in, a, e, err);
	}
	return ret;
}

int tree_intake_tar(struct tree_intake *in, const char *file, struct err *err)
{
	struct archive *a = archive_read_new();
	int ret;

	if (!a)
		str_out_of_memory();
	/* Not all that there are: some are programs that would be run. */
	archive_read_support_filter_xz(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_tar(a);
	if (archive_read_open_filename(a, file, BLOCK))
		ret = bad_archive(a, err);
	else
		ret = take_members(in, a, err);
	archive_read_free(a);
	return ret;
}
