/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/import.h"

#include "base/clock.h"
#include "base/fs.h"
#include "tree/git.h"
#include "tree/tree-builder.h"
#include "tree/version.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 200 /* nested directories; each needs a descriptor */

static int read_whole(int fd, const char *path, off_t size, struct buf *out,
		      struct err *err)
{
	ssize_t n = 1;

	if (size > (off_t)TREE_FILE_MAX)
		return err_set(err, E2BIG, "%s: larger than %llu MiB", path,
			       TREE_FILE_MAX >> 20);
	while (n) {
		/*
		 * Reserve one byte more than the rest of the file, so that the
		 * last read, which returns 0, needs no further memory.
		 */
		size_t room = (size_t)size + 1 > out->len ?
				      (size_t)size + 1 - out->len :
				      1u << 16;

		if (out->len > TREE_FILE_MAX || buf_reserve(out, room))
			return err_set(err, E2BIG, "%s: too large", path);
		n = read(fd, out->data + out->len, room);
		if (n < 0)
			return err_errno(err, "%s", path);
		out->len += (size_t)n;
	}
	return 0;
}

static int add_regular(struct tree_builder *in, int dir, const char *path,
		       struct err *err)
{
	int fd = openat(dir, str_base(path),
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct buf content = { 0 };
	struct stat st;
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &st))
		ret = err_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		ret = err_set(err, EINVAL, "%s: changed during the import",
			      path);
	else
		ret = read_whole(fd, path, st.st_size, &content, err);
	if (!ret)
		ret = tree_builder_add(in, path,
				       st.st_mode & S_IXUSR ?
					       GIT_FILEMODE_BLOB_EXECUTABLE :
					       GIT_FILEMODE_BLOB,
				       st.st_mtime, &content, err);
	buf_release(&content);
	close(fd);
	return ret;
}

static int add_symlink(struct tree_builder *in, int dir, const char *path,
		       long long mtime, struct err *err)
{
	char to[PATH_MAX];
	ssize_t n = readlinkat(dir, str_base(path), to, sizeof(to));
	struct buf content = { 0 };
	int ret;

	if (n < 0)
		return err_errno(err, "%s", path);
	buf_add(&content, to, (size_t)n);
	ret = tree_builder_add(in, path, GIT_FILEMODE_LINK, mtime, &content,
			       err);
	buf_release(&content);
	return ret;
}

static int add_directory(struct tree_builder *in, int at, const char *path,
			 int depth, struct err *err);

static int add_dir_members(struct tree_builder *in, int dir, const char *prefix,
			   int depth, struct err *err)
{
	struct strv names = { 0 };
	int ret = fs_list_at(dir, ".", &names);
	struct stat st;

	if (ret)
		err_set(err, -ret, "%s: %s", prefix, strerror(-ret));
	for (size_t i = 0; i < names.n && !ret; i++) {
		char *path = xasprintf("%s%s", prefix, names.v[i]);

		if (fstatat(dir, str_base(path), &st, AT_SYMLINK_NOFOLLOW))
			ret = err_errno(err, "%s", path);
		else if (S_ISDIR(st.st_mode))
			ret = add_directory(in, dir, path, depth + 1, err);
		else if (S_ISREG(st.st_mode))
			ret = add_regular(in, dir, path, err);
		else if (S_ISLNK(st.st_mode))
			ret = add_symlink(in, dir, path, st.st_mtime, err);
		else
			ret = err_set(err, EINVAL,
				      "%s: not a file, symbolic link or "
				      "directory",
				      path);
		free(path);
	}
	strv_release(&names);
	return ret;
}

static int add_directory(struct tree_builder *in, int at, const char *path,
			 int depth, struct err *err)
{
	int fd = openat(at, str_base(path),
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char *prefix;
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	prefix = xasprintf("%s/", path);
	if (depth > DEPTH_MAX)
		ret = err_set(err, ELOOP, "%s: nested too deeply", path);
	else
		ret = add_dir_members(in, fd, prefix, depth, err);
	free(prefix);
	close(fd);
	return ret;
}

static int import_dir(struct tree_builder *in, const char *dir, struct err *err)
{
	static const char *const build_files[] = { ".config",
						   "include/config" };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return err_errno(err, "%s", dir);
	/* Reject a built tree: its objects would become part of the commit. */
	for (size_t i = 0;
	     !ret && i < sizeof(build_files) / sizeof(*build_files); i++) {
		if (!faccessat(fd, build_files[i], F_OK, 0))
			ret = err_set(err, EINVAL,
				      "the source tree is not clean: %s "
				      "exists; run `make mrproper` there first",
				      build_files[i]);
	}
	if (!ret)
		ret = add_dir_members(in, fd, "", 0, err);
	close(fd);
	return ret;
}

/*
 * libarchive's ARCHIVE_EXTRACT_SECURE flags are not needed, because no path of
 * the archive is opened or created.  The paths become tree entries, which
 * tree_path_check() restricts.
 */

#define BLOCK              (1u << 18)
#define RATIO_MAX          100
#define RATIO_EXEMPT_BYTES (64ull << 20)

static int bad_archive(struct archive *a, struct err *err)
{
	const char *text = archive_error_string(a);

	return err_set(err, EBADMSG, "damaged, truncated or not an archive: %s",
		       text ? text : "");
}

/*
 * Read a file of the archive.  `size` is from the archive and may be wrong, so
 * it only limits the length of a single read.
 */
static int read_file_member(struct tree_builder *in, struct archive *a,
			    const char *path, la_int64_t size, struct buf *out,
			    struct err *err)
{
	size_t room = size > 0 && size < BLOCK ? (size_t)size + 1 : BLOCK;
	uint64_t bytes, compressed;
	la_ssize_t n;

	do {
		if (buf_reserve(out, room))
			return err_set(err, E2BIG, "%s: too large", path);
		n = archive_read_data(a, out->data + out->len, room);
		if (n < 0)
			return bad_archive(a, err);
		out->len += (size_t)n;
		bytes = in->total_bytes + out->len;
		compressed = (uint64_t)archive_filter_bytes(a, -1);
		if (bytes > RATIO_EXEMPT_BYTES &&
		    bytes - RATIO_EXEMPT_BYTES > compressed * RATIO_MAX)
			return err_set(err, E2BIG,
				       "unpacks to more than %d times its size",
				       RATIO_MAX);
		if (out->len > TREE_FILE_MAX)
			return err_set(err, E2BIG, "%s: larger than %llu MiB",
				       path, TREE_FILE_MAX >> 20);
	} while (n);
	return 0;
}

static int import_file(struct tree_builder *in, struct archive *a,
		       struct archive_entry *e, const char *path,
		       struct err *err)
{
	struct buf content = { 0 };
	int ret = read_file_member(in, a, path, archive_entry_size(e), &content,
				   err);

	if (!ret)
		ret = tree_builder_add(in, path,
				       archive_entry_mode(e) & S_IXUSR ?
					       GIT_FILEMODE_BLOB_EXECUTABLE :
					       GIT_FILEMODE_BLOB,
				       archive_entry_mtime(e), &content, err);
	buf_release(&content);
	return ret;
}

static int import_hard_link(struct tree_builder *in, struct archive_entry *e,
			    const char *path, struct err *err)
{
	char *target = str_trim_path(archive_entry_hardlink(e));
	int ret;

	if (archive_entry_size_is_set(e) && archive_entry_size(e) > 0)
		ret = err_set(err, EINVAL, "%s: hard link with data", path);
	else
		ret = tree_builder_add_hard_link(in, path, target, err);
	free(target);
	return ret;
}

static int import_symlink(struct tree_builder *in, struct archive_entry *e,
			  const char *path, struct err *err)
{
	const char *target = archive_entry_symlink(e);
	struct buf content = { 0 };
	int ret;

	if (!target || !*target)
		return err_set(err, EINVAL,
			       "%s: symbolic link without a target", path);
	buf_add_str(&content, target);
	ret = tree_builder_add(in, path, GIT_FILEMODE_LINK,
			       archive_entry_mtime(e), &content, err);
	buf_release(&content);
	return ret;
}

static int import_member(struct tree_builder *in, struct archive *a,
			 struct archive_entry *e, struct err *err)
{
	const char *name = archive_entry_pathname(e);
	mode_t type = archive_entry_filetype(e);
	char *path;
	int ret;

	if (!name)
		return err_set(err, EINVAL,
			       "cannot decode the name of an entry");
	path = str_trim_path(name);
	if (archive_entry_hardlink(e))
		ret = import_hard_link(in, e, path, err);
	else if (type == AE_IFLNK)
		ret = import_symlink(in, e, path, err);
	else if (type == AE_IFREG)
		ret = import_file(in, a, e, path, err);
	else if (type == AE_IFDIR)
		ret = *path ? tree_path_check(path, err) : 0;
	else
		ret = err_set(err, EINVAL,
			      "%.200s: not a file, symbolic link or directory",
			      path);
	free(path);
	return ret;
}

static int import_tar(struct tree_builder *in, const char *file,
		      struct err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int ret, next;

	if (!a)
		str_out_of_memory();
	/* Enable no further filters, because some run external programs. */
	archive_read_support_filter_xz(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_tar(a);
	ret = archive_read_open_filename(a, file, BLOCK) ? bad_archive(a, err) :
							   0;
	while (!ret && (next = archive_read_next_header(a, &e)) != ARCHIVE_EOF)
		ret = next < ARCHIVE_WARN ? bad_archive(a, err) :
					    import_member(in, a, e, err);
	archive_read_free(a);
	return ret;
}

#define BRANCH             "main"
#define AUTHOR_NAME        "kfarm"
#define AUTHOR_EMAIL       "kfarm@localhost"
#define REPORT_INTERVAL_MS 200
#define MAKEFILE           "Makefile"

struct import_state {
	const struct tree_import *import;
	struct tree_builder builder;
	uint64_t reported_ms;
};

static int on_batch(void *ctx, struct err *err)
{
	struct import_state *im = ctx;
	const struct tree_import *w = im->import;

	if (w->stop && atomic_load(w->stop))
		return err_set(err, ECANCELED, "interrupted");
	if (w->on_progress &&
	    clock_ms() - im->reported_ms >= REPORT_INTERVAL_MS) {
		im->reported_ms = clock_ms();
		w->on_progress(w->ctx, im->builder.n_entries,
			       im->builder.total_bytes, 0, 0);
	}
	return 0;
}

static void on_indexed(void *ctx, uint64_t done, uint64_t all)
{
	struct import_state *im = ctx;
	const struct tree_import *w = im->import;

	if (!w->on_progress ||
	    clock_ms() - im->reported_ms < REPORT_INTERVAL_MS)
		return;
	im->reported_ms = clock_ms();
	w->on_progress(w->ctx, im->builder.n_entries, im->builder.total_bytes,
		       done, all);
}

/*
 * Create a repository without a HEAD, so that it is not recognized as one
 * before the import is complete.  Templates, which may contain hooks, are not
 * copied.
 */
static int make_repository(git_repository **out, const char *path,
			   struct err *err)
{
	git_repository_init_options o;
	char *head = xasprintf("%s/HEAD", path);
	int ret;

	git_repository_init_options_init(&o,
					 GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	o.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR |
		  GIT_REPOSITORY_INIT_NO_REINIT;
	o.initial_head = BRANCH;
	ret = git_repository_init_ext(out, path, &o);
	if (ret)
		ret = tree_git_set_error(err, ret, "%s", path);
	else if (unlink(head))
		ret = err_errno(err, "%s", head);
	free(head);
	return ret;
}

static char *version_of(git_repository *repo, const git_tree *tree)
{
	const git_tree_entry *e = git_tree_entry_byname(tree, MAKEFILE);
	git_blob *blob = NULL;
	char *text, *out = NULL;

	if (!e || git_tree_entry_type(e) != GIT_OBJECT_BLOB ||
	    git_blob_lookup(&blob, repo, git_tree_entry_id(e)))
		return NULL;
	text = xstrndup(git_blob_rawcontent(blob),
			(size_t)git_blob_rawsize(blob));
	out = tree_version_read(text);
	free(text);
	git_blob_free(blob);
	return out;
}

/* Kernels are tagged "v6.12", not "v6.12.0".  Skip a name that git rejects. */
static int add_tag(git_repository *repo, const char *version,
		   const git_signature *who, const git_oid *commit)
{
	size_t n = strlen(version) - (str_ends(version, ".0") ? 2 : 0);
	char *name = xasprintf("v%.*s", (int)n, version);
	char *ref = xasprintf("refs/tags/%s", name);
	git_object *at = NULL;
	int valid = 0, ret = 0;
	git_oid id;

	if (!git_reference_name_is_valid(&valid, ref) && valid)
		ret = git_object_lookup(&at, repo, commit, GIT_OBJECT_COMMIT);
	if (at)
		ret = git_tag_create(&id, repo, name, at, who, version, 0);
	git_object_free(at);
	free(ref);
	free(name);
	return ret;
}

static int commit_tree(git_repository *repo, const git_oid *root,
		       long long date, struct tree_imported *out,
		       struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1], *message = NULL;
	git_signature *who = NULL;
	git_tree *tree = NULL;
	git_oid id;
	int ret = git_tree_lookup(&tree, repo, root);

	if (!ret) {
		out->version = version_of(repo, tree);
		message = xasprintf("Import%s%s\n", out->version ? " of " : "",
				    out->version ? out->version : "");
		ret = git_signature_new(&who, AUTHOR_NAME, AUTHOR_EMAIL, date,
					0);
	}
	if (!ret)
		ret = git_commit_create(&id, repo, "refs/heads/" BRANCH, who,
					who, NULL, message, tree, 0, NULL);
	if (!ret && out->version)
		ret = add_tag(repo, out->version, who, &id);
	if (ret) {
		ret = tree_git_set_error(err, ret, "commit");
	} else {
		git_oid_tostr(hex, sizeof(hex), &id);
		out->commit = xstrdup(hex);
	}
	git_signature_free(who);
	git_tree_free(tree);
	free(message);
	return ret;
}

static int import_into(struct import_state *im, git_repository *repo,
		       struct tree_imported *out, struct err *err)
{
	const struct tree_import *w = im->import;
	char *head = xasprintf("%s/HEAD", w->repository);
	long long date = 0;
	git_odb *odb = NULL;
	git_oid root;
	bool dir;
	int ret = tree_pack_new(&im->builder.pack, w->repository, err);

	if (ret)
		goto out;
	dir = fs_is_dir(w->source);
	ret = dir ? import_dir(&im->builder, w->source, err) :
		    import_tar(&im->builder, w->source, err);
	if (ret)
		goto out;
	ret = tree_builder_finish(&im->builder, !dir, &root, &date, err);
	if (ret)
		goto out;
	ret = tree_pack_finish(im->builder.pack, on_indexed, im, w->stop, err);
	if (ret)
		goto out;
	/* Make libgit2 notice the new pack. */
	if (git_repository_odb(&odb, repo) || git_odb_refresh(odb)) {
		ret = tree_git_set_error(err, -1, "%s", w->repository);
		goto out;
	}
	ret = commit_tree(repo, &root, date, out, err);
	if (ret)
		goto out;
	/* HEAD makes the directory a repository. */
	ret = fs_write(head, bytes_str("ref: refs/heads/" BRANCH "\n"), 0666,
		       err);
out:
	out->n_files = im->builder.n_entries;
	out->size_bytes = im->builder.total_bytes;
	git_odb_free(odb);
	free(head);
	return ret;
}

int tree_import(const struct tree_import *import, struct tree_imported *out,
		struct err *err)
{
	struct import_state im = { .import = import,
				   .reported_ms = clock_ms() };
	git_repository *repo = NULL;
	struct err ignored;
	struct stat st;
	int ret;

	*out = (struct tree_imported){ 0 };
	if (stat(import->source, &st))
		return err_errno(err, "import %s", import->source);
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	im.builder.on_batch_added = on_batch;
	im.builder.ctx = &im;
	ret = make_repository(&repo, import->repository, err);
	if (!ret)
		ret = import_into(&im, repo, out, err);
	if (ret)
		err_wrap(err, "import %s", import->source);
	if (ret && repo)
		fs_remove(import->repository, &ignored);
	git_repository_free(repo);
	tree_pack_free(im.builder.pack);
	tree_builder_release(&im.builder);
	git_libgit2_shutdown();
	if (ret)
		tree_imported_release(out);
	return ret;
}

void tree_imported_release(struct tree_imported *out)
{
	free(out->commit);
	free(out->version);
	*out = (struct tree_imported){ 0 };
}
