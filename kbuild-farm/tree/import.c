/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/import.h"

#include "base/clock.h"
#include "base/fs.h"
#include "tree/git.h"
#include "tree/intake.h"
#include "tree/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BRANCH   "main"
#define WHO      "kfarm"
#define MAIL     "kfarm@localhost"
#define TELL_MS  200
#define MAKEFILE "Makefile"

struct importing {
	const struct tree_import *what;
	struct tree_intake in;
	uint64_t told_ms;
};

static int on_batch(void *ctx, struct err *err)
{
	struct importing *im = ctx;
	const struct tree_import *w = im->what;

	if (w->stop && atomic_load(w->stop))
		return err_set(err, ECANCELED, "interrupted");
	if (w->progress && clock_ms() - im->told_ms >= TELL_MS) {
		im->told_ms = clock_ms();
		w->progress(w->ctx, im->in.n, im->in.bytes, 0, 0);
	}
	return 0;
}

static void on_indexed(void *ctx, uint64_t done, uint64_t all)
{
	struct importing *im = ctx;
	const struct tree_import *w = im->what;

	if (!w->progress || clock_ms() - im->told_ms < TELL_MS)
		return;
	im->told_ms = clock_ms();
	w->progress(w->ctx, im->in.n, im->in.bytes, done, all);
}

/* A repository without a HEAD, which is none yet: from no template. */
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
		ret = tree_git_failed(err, ret, "%s", path);
	else if (unlink(head))
		ret = err_errno(err, "%s", head);
	free(head);
	return ret;
}

static int import_files(struct importing *im, git_oid *root, long long *date,
			struct err *err)
{
	const struct tree_import *w = im->what;
	bool dir = fs_is_dir(w->from);
	int ret = dir ? tree_intake_dir(&im->in, w->from, err) :
			tree_intake_tar(&im->in, w->from, err);

	if (!ret)
		ret = tree_intake_end(&im->in, !dir, root, date, err);
	if (!ret)
		ret = tree_pack_end(im->in.pack, on_indexed, im, w->stop, err);
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

/* "v6.12" of 6.12.0, as kernels are tagged; where git allows that name. */
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
		ret = git_signature_new(&who, WHO, MAIL, date, 0);
	}
	if (!ret)
		ret = git_commit_create(&id, repo, "refs/heads/" BRANCH, who,
					who, NULL, message, tree, 0, NULL);
	if (!ret && out->version)
		ret = add_tag(repo, out->version, who, &id);
	if (ret) {
		ret = tree_git_failed(err, ret, "commit");
	} else {
		git_oid_tostr(hex, sizeof(hex), &id);
		out->commit = xstrdup(hex);
	}
	git_signature_free(who);
	git_tree_free(tree);
	free(message);
	return ret;
}

/* Now it is one. */
static int write_head(const char *repository, struct err *err)
{
	char *head = xasprintf("%s/HEAD", repository);
	int ret = fs_write(head, bytes_str("ref: refs/heads/" BRANCH "\n"),
			   0666, err);

	free(head);
	return ret;
}

static int import_into(struct importing *im, git_repository *repo,
		       struct tree_imported *out, struct err *err)
{
	const char *path = im->what->repository;
	long long date = 0;
	git_odb *odb = NULL;
	git_oid root;
	int ret = tree_pack_new(&im->in.pack, path, err);

	if (!ret)
		ret = import_files(im, &root, &date, err);
	/* The pack came behind its back. */
	if (!ret && (git_repository_odb(&odb, repo) || git_odb_refresh(odb)))
		ret = tree_git_failed(err, -1, "%s", path);
	if (!ret)
		ret = commit_tree(repo, &root, date, out, err);
	if (!ret)
		ret = write_head(path, err);
	out->files = im->in.n;
	out->bytes = im->in.bytes;
	git_odb_free(odb);
	return ret;
}

int tree_import(const struct tree_import *what, struct tree_imported *out,
		struct err *err)
{
	struct importing im = { .what = what, .told_ms = clock_ms() };
	git_repository *repo = NULL;
	struct err ignored;
	struct stat st;
	int ret;

	*out = (struct tree_imported){ 0 };
	if (stat(what->from, &st))
		return err_errno(err, "import %s", what->from);
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	im.in.tick = on_batch;
	im.in.ctx = &im;
	ret = make_repository(&repo, what->repository, err);
	if (!ret)
		ret = import_into(&im, repo, out, err);
	if (ret)
		err_wrap(err, "import %s", what->from);
	if (ret && repo)
		fs_remove(what->repository, &ignored);
	git_repository_free(repo);
	tree_pack_free(im.in.pack);
	tree_intake_release(&im.in);
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
