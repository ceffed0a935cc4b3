/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/link.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/find.h"
#include "toolchain/installed.h"
#include "toolchain/tool-name.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_LINK_PREFIX ".kfarm-link."

/* One call of toolchain_link_publish(). */
struct publication {
	const struct toolchain_link_request *request;
	struct strv links; /* paths of links that point to their tools */
	struct strv created; /* elements of `links` that this call created */
	struct strv *collisions;
	struct err *err;
};

char *toolchain_link_dir(const char *data)
{
	return xasprintf("%s/bin", data);
}

/* Return the text of a symbolic link, or NULL for any other file. */
static char *read_tool_link(const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof(text));

	return n > 0 && n < (ssize_t)sizeof(text) ? xstrndup(text, (size_t)n) :
						    NULL;
}

static bool is_link_into(const char *target, const char *dir)
{
	const char *rest = str_skip_dir(target, dir);

	return rest && !strstr(rest - 1, "/../");
}

/*
 * Return true if a link can be replaced: it points to a toolchain that was
 * removed, or to another tool of the toolchain that `w` links.  The tools of an
 * adopted toolchain are outside DATA/toolchains, among files that kfarm does
 * not manage, so a link to one of them is replaced only if it is recorded.
 */
static bool is_stale_link(const char *path, const char *target,
			  const struct toolchain_link_request *w)
{
	char *home = xasprintf("%s/toolchains", w->data_dir);
	bool same = is_link_into(target, w->bin_dir) ||
		    (w->copies_dir && is_link_into(target, w->copies_dir));
	bool yes = is_link_into(target, home) && (same || !fs_exists(path));

	free(home);
	return yes || (same && w->recorded && strv_has(w->recorded, path));
}

/* Replace a link atomically, through a temporary name. */
static int replace_link(const char *path, const char *target, struct err *err)
{
	static unsigned count;
	unsigned n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	char *dir = str_dir(path);
	char *aside = xasprintf("%s/" TEMP_LINK_PREFIX "%d.%u", dir,
				(int)getpid(), n);
	int ret = 0;

	unlink(aside);
	if (symlink(target, aside) || rename(aside, path)) {
		ret = err_errno(err, "%s", path);
		unlink(aside);
	}
	free(aside);
	free(dir);
	return ret;
}

/* Remove temporary links of processes that were killed in replace_link(). */
static void remove_temp_links(const char *path)
{
	struct strv names = { 0 };

	fs_list(path, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *file = xasprintf("%s/%s", path, names.v[i]);
		int pid = str_starts(names.v[i], TEMP_LINK_PREFIX) ?
				  atoi(names.v[i] + strlen(TEMP_LINK_PREFIX)) :
				  0;

		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			unlink(file);
		free(file);
	}
	strv_release(&names);
}

/* Link `name` in the link directory to the tool `file`. */
static int link_tool(struct publication *p, const char *file, const char *name)
{
	const struct toolchain_link_request *w = p->request;
	char *path = xasprintf("%s/%s", w->link_dir, name);
	char *target = w->copies_dir ? xasprintf("%s/%s", w->copies_dir, file) :
				       NULL;
	char *found = NULL;
	int ret = 0;

	if (!target || !which_is_executable(target)) {
		free(target);
		target = xasprintf("%s/%s", w->bin_dir, file);
	}
	/* symlink(2) never replaces a file, so no lock is needed. */
	if (!symlink(target, path)) {
		strv_add(&p->links, path);
		strv_add(&p->created, path);
		goto out;
	}
	if (errno != EEXIST) {
		ret = err_errno(p->err, "%s", path);
		goto out;
	}
	found = read_tool_link(path);
	if (str_equal(found, target)) {
		strv_add(&p->links, path);
	} else if (found && is_stale_link(path, found, w)) {
		ret = replace_link(path, target, p->err);
		if (!ret)
			strv_add(&p->links, path);
	} else if (found) {
		strv_addf(p->collisions, "%s links to %s", path, found);
	} else {
		strv_addf(p->collisions, "%s is a %s", path,
			  fs_is_dir(path) ? "directory" : "file");
	}
out:
	free(found);
	free(target);
	free(path);
	return ret;
}

/*
 * Return the name from which the normalized name of `file` is made, or NULL if
 * the file belongs to another release.  The caller frees the result.
 *
 * If the driver's name has a version, as in gcc-12, the directory may contain
 * several releases.  The driver's version is then removed from the names of the
 * tools, and a tool with another version is rejected.  A tool without a version
 * is rejected if the directory also contains this tool with a version.
 */
static char *name_without_version(const struct toolchain_link_request *w,
				  const struct strv *files, const char *file)
{
	const char *version = w->driver ? w->driver + compiler_find_stem_len(
							      w->driver) :
					  "";
	size_t stem = compiler_find_stem_len(file);

	if (!*version)
		return xstrdup(file);
	if (file[stem])
		return strcmp(file + stem, version) ? NULL :
						      xstrndup(file, stem);
	for (size_t i = 0; i < files->n; i++) {
		const char *other = files->v[i];

		if (!strncmp(other, file, stem) && other[stem] == '-' &&
		    compiler_find_stem_len(other) == stem)
			return NULL;
	}
	return xstrdup(file);
}

/*
 * Remove the recorded links in the link directory that are not in `links`, such
 * as links to tools of another release.
 */
static int remove_unpublished(const struct toolchain_link_request *w,
			      const struct strv *links, struct err *err)
{
	struct strv old = { 0 };
	int ret;

	for (size_t i = 0; w->recorded && i < w->recorded->n; i++) {
		const char *name = str_skip_dir(w->recorded->v[i], w->link_dir);

		if (name && !strchr(name, '/') &&
		    !strv_has(links, w->recorded->v[i]))
			strv_add(&old, w->recorded->v[i]);
	}
	ret = toolchain_link_unpublish(&old, w->bin_dir, err);
	if (!ret && w->copies_dir)
		ret = toolchain_link_unpublish(&old, w->copies_dir, err);
	strv_release(&old);
	return ret;
}

int toolchain_link_publish(const struct toolchain_link_request *w,
			   struct strv *links, struct strv *collisions,
			   struct err *err)
{
	struct publication p = { .request = w,
				 .collisions = collisions,
				 .err = err };
	struct strv files = { 0 };
	size_t n_tools = 0;
	struct err ignored;
	int ret = fs_list(w->bin_dir, &files);

	if (ret) {
		err_set(err, -ret, "%s: %s", w->bin_dir, strerror(-ret));
		goto out;
	}
	for (size_t i = 0; !ret && i < files.n; i++) {
		char *tool = name_without_version(w, &files, files.v[i]);
		char *name = tool ? toolchain_tool_name_normalize(
					    tool, w->triplet, w->release) :
				    NULL;
		char *path = xasprintf("%s/%s", w->bin_dir, files.v[i]);

		if (name && which_is_executable(path)) {
			if (!n_tools++) {
				ret = fs_mkdirs(w->link_dir, 0755, err);
				remove_temp_links(w->link_dir);
			}
			if (!ret)
				ret = link_tool(&p, files.v[i], name);
		}
		free(path);
		free(name);
		free(tool);
	}
	strv_release(&files);
	if (!ret && !n_tools)
		ret = err_set(err, ENOENT, "%s: no %s%s tools found",
			      w->bin_dir, w->triplet ? w->triplet : "clang",
			      w->triplet ? "-*" : "");
	if (!ret)
		ret = remove_unpublished(w, &p.links, err);
out:
	if (ret && w->copies_dir)
		toolchain_link_unpublish(&p.created, w->copies_dir, &ignored);
	if (ret)
		toolchain_link_unpublish(&p.created, w->bin_dir, &ignored);
	else
		strv_add_all(links, p.links.v);
	strv_sort(links);
	strv_release(&p.links);
	strv_release(&p.created);
	return ret;
}

int toolchain_link_unpublish(const struct strv *links, const char *bin_dir,
			     struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < links->n; i++) {
		const char *path = links->v[i];
		char *target = read_tool_link(path);

		if (target && is_link_into(target, bin_dir) && unlink(path) &&
		    errno != ENOENT && !ret)
			ret = err_errno(err, "%s", path);
		free(target);
	}
	return ret;
}

char *toolchain_link_copies_dir(const struct toolchain_installed *t)
{
	return t->adopted_from ? xasprintf("%s/bin", t->dir) : NULL;
}

int toolchain_link_unpublish_recorded(const struct toolchain_installed *t,
				      struct err *err)
{
	char *copies = toolchain_link_copies_dir(t);
	int ret = toolchain_link_unpublish(&t->links, t->bin, err);

	if (!ret && copies)
		ret = toolchain_link_unpublish(&t->links, copies, err);
	free(copies);
	return ret;
}

bool toolchain_link_leads_into(const char *dir, const char *name,
			       const char *bin_dir)
{
	char *path = xasprintf("%s/%s", dir, name);
	char *target = read_tool_link(path);
	bool yes = target && is_link_into(target, bin_dir) &&
		   !access(path, X_OK);

	free(target);
	free(path);
	return yes;
}

struct dedup_file {
	char *path;
	uint64_t size, dev, ino;
	int64_t mtime_ns;
	mode_t mode;
	bool shared; /* a file of the new toolchain is a link to this file */
};

struct dedup_files {
	struct dedup_file *v;
	size_t n;
};

static void release_files(struct dedup_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].path);
	free(f->v);
}

static void collect_files(struct dedup_files *f, char *dir)
{
	char *roots[] = { dir, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	while (walk && (e = fts_read(walk)) != NULL) {
		const struct stat *st = e->fts_statp;

		if (e->fts_info != FTS_F || !st->st_size ||
		    !S_ISREG(st->st_mode) ||
		    !strcmp(e->fts_name, TOOLCHAIN_JSON))
			continue;
		*VEC_ADD(f->v, f->n) = (struct dedup_file){
			.path = xstrdup(e->fts_path),
			.size = (uint64_t)st->st_size,
			.dev = st->st_dev,
			.ino = st->st_ino,
			.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
				    st->st_mtim.tv_nsec,
			.mode = st->st_mode,
		};
	}
	if (walk)
		fts_close(walk);
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Order by the properties that two files must have in common to be linked. */
static int by_metadata(const struct dedup_file *x, const struct dedup_file *y)
{
	int order = compare_u64(x->size, y->size);

	if (!order)
		order = compare_u64((uint64_t)x->mtime_ns,
				    (uint64_t)y->mtime_ns);
	if (!order)
		order = compare_u64(x->mode, y->mode);
	return order ? order : compare_u64(x->dev, y->dev);
}

static int by_inode_then_path(const void *a, const void *b)
{
	const struct dedup_file *x = a, *y = b;
	int order = by_metadata(x, y);

	if (!order)
		order = compare_u64(x->ino, y->ino);
	return order ? order : strcmp(x->path, y->path);
}

/*
 * Find an installed file that has the metadata and the content of `added` and
 * is not `shared` yet.  Of several hard links to the file, the first in the
 * list is returned.  Returns NULL if there is no such file.
 */
static struct dedup_file *find_equal(struct dedup_files *installed,
				     const struct dedup_file *added)
{
	size_t low = 0, high = installed->n;
	struct digest x, y;
	struct err ignored;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_metadata(&installed->v[middle], added) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < installed->n && !by_metadata(&installed->v[low], added);
	     low++) {
		struct dedup_file *t = &installed->v[low];

		/*
		 * The names of one inode are adjacent in the list, so comparing
		 * the first name of each inode suffices.
		 */
		if (t->shared ||
		    (low && t[-1].ino == t->ino && t[-1].dev == t->dev))
			continue;
		if (!digest_file(t->path, &x, &ignored) &&
		    !digest_file(added->path, &y, &ignored) &&
		    digest_equal(&x, &y))
			return t;
	}
	return NULL;
}

static bool replace_by_hard_link(const char *from, const char *to)
{
	char *part = xasprintf("%s.dedup", to);
	bool done = !link(from, part);

	if (done && rename(part, to)) {
		unlink(part);
		done = false;
	}
	free(part);
	return done;
}

/*
 * If an installed file has the same content as a new file, replace the new file
 * by hard links to the installed file.  The names of the new file are v[0] to
 * v[n - 1].  Returns the number of replaced names.
 */
static size_t share_file(struct dedup_files *installed,
			 const struct dedup_file *v, size_t n)
{
	struct dedup_file *t = find_equal(installed, v);
	size_t done = 0;

	if (!t || t->ino == v->ino)
		return 0;
	t->shared = true;
	if (!replace_by_hard_link(t->path, v->path))
		return 0;
	/* Link the other names to the first, so that all remain one file. */
	for (done = 1; done < n; done++)
		if (!replace_by_hard_link(v->path, v[done].path))
			break;
	return done;
}

size_t toolchain_link_dedup(const char *dir, const char *toolchains_dir)
{
	struct dedup_files added = { 0 }, installed = { 0 };
	struct strv names = { 0 };
	char *root = xstrdup(dir);
	size_t done = 0, n;

	fs_list(toolchains_dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", toolchains_dir, names.v[i]);

		if (toolchain_release_is_id(names.v[i]) &&
		    !str_equal(path, dir))
			collect_files(&installed, path);
		free(path);
	}
	strv_release(&names);
	if (installed.n) {
		collect_files(&added, root);
		qsort(installed.v, installed.n, sizeof(*installed.v),
		      by_inode_then_path);
	}
	if (added.n)
		qsort(added.v, added.n, sizeof(*added.v), by_inode_then_path);
	for (size_t i = 0; i < added.n; i += n) {
		for (n = 1;
		     i + n < added.n && added.v[i + n].ino == added.v[i].ino;
		     n++)
			;
		done += share_file(&installed, &added.v[i], n);
	}
	release_files(&added);
	release_files(&installed);
	free(root);
	return done;
}
