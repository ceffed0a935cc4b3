/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/link.h"

#include "base/fs.h"
#include "base/which.h"
#include "toolchain/name.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASIDE ".kfarm-link."

char *toolchain_link_dir(const char *data)
{
	return xasprintf("%s/bin", data);
}

/* Where a link leads, as it says; NULL for what is no link. */
static char *target_of(const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof(text));

	return n > 0 && n < (ssize_t)sizeof(text) ? xstrndup(text, (size_t)n) :
						    NULL;
}

static bool leads_into(const char *target, const char *dir)
{
	const char *rest = str_below(target, dir);

	return rest && !strstr(rest - 1, "/../");
}

/*
 * A link of a toolchain that is no longer there, or of this one to another of
 * its tools.  One that was adopted lies among files of others.
 */
static bool is_stale_link(const char *path, const char *target,
			  const struct toolchain_link_request *w)
{
	char *home = xasprintf("%s/toolchains", w->data);
	bool same = leads_into(target, w->bin) ||
		    (w->copies && leads_into(target, w->copies));
	bool yes = leads_into(target, home) && (same || !fs_exists(path));

	free(home);
	return yes;
}

static void add_collision(struct strv *collisions, const char *path,
			  const char *target)
{
	if (target)
		strv_addf(collisions, "%s leads to %s", path, target);
	else if (fs_is_dir(path))
		strv_addf(collisions, "%s is a directory", path);
	else
		strv_addf(collisions, "%s is a file", path);
}

/* In one step over a link of ours. */
static int replace_link(const char *path, const char *target, struct err *err)
{
	static unsigned count;
	unsigned n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	char *dir = str_dir(path);
	char *aside = xasprintf("%s/" ASIDE "%d.%u", dir, (int)getpid(), n);
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

/* What a process left behind that was killed in between. */
static void remove_leftovers(const char *path)
{
	struct strv names = { 0 };

	fs_list(path, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *file = xasprintf("%s/%s", path, names.v[i]);
		int pid = str_starts(names.v[i], ASIDE) ?
				  atoi(names.v[i] + strlen(ASIDE)) :
				  0;

		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			unlink(file);
		free(file);
	}
	strv_release(&names);
}

/* Returns 1 when the link was made, 0 when it was there or is taken. */
static int make_link(const struct toolchain_link_request *w, const char *path,
		     const char *target, struct strv *links,
		     struct strv *collisions, struct err *err)
{
	char *found = NULL;
	int ret = 0;

	/* symlink(2) never replaces anything, so no lock is needed. */
	if (!symlink(target, path)) {
		strv_add(links, path);
		return 1;
	}
	if (errno != EEXIST)
		return err_errno(err, "%s", path);
	found = target_of(path);
	if (str_equal(found, target)) {
		strv_add(links, path);
	} else if (found && is_stale_link(path, found, w)) {
		ret = replace_link(path, target, err);
		if (!ret)
			strv_add(links, path);
	} else {
		add_collision(collisions, path, found);
	}
	free(found);
	return ret;
}

static char *target_for(const struct toolchain_link_request *w,
			const char *tool)
{
	char *copy = w->copies ? xasprintf("%s/%s", w->copies, tool) : NULL;

	if (copy && which_is_program(copy))
		return copy;
	free(copy);
	return xasprintf("%s/%s", w->bin, tool);
}

static int link_file(const struct toolchain_link_request *w, const char *file,
		     const char *name, struct strv *made, struct strv *links,
		     struct strv *collisions, struct err *err)
{
	char *path = xasprintf("%s/%s", w->dir, name);
	char *target = target_for(w, file);
	int ret = make_link(w, path, target, links, collisions, err);

	if (ret > 0)
		strv_add(made, path);
	free(target);
	free(path);
	return ret < 0 ? ret : 0;
}

static int link_all(const struct toolchain_link_request *w, struct strv *made,
		    struct strv *links, struct strv *collisions,
		    struct err *err)
{
	struct strv files = { 0 };
	size_t tools = 0;
	int ret = fs_list(w->bin, &files);

	if (ret)
		return err_set(err, -ret, "%s: %s", w->bin, strerror(-ret));
	for (size_t i = 0; !ret && i < files.n; i++) {
		char *name = toolchain_name(files.v[i], w->triplet, w->release);
		char *path = xasprintf("%s/%s", w->bin, files.v[i]);

		if (name && which_is_program(path)) {
			if (!tools++)
				ret = fs_mkdirs(w->dir, 0755, err);
			if (tools == 1)
				remove_leftovers(w->dir);
			if (!ret)
				ret = link_file(w, files.v[i], name, made,
						links, collisions, err);
		}
		free(path);
		free(name);
	}
	strv_release(&files);
	if (ret || tools)
		return ret;
	return err_set(err, ENOENT, "%s: no tool %s%s in it", w->bin,
		       w->triplet ? w->triplet : "of clang",
		       w->triplet ? "-*" : "");
}

int toolchain_link_publish(const struct toolchain_link_request *w,
			   struct strv *links, struct strv *collisions,
			   struct err *err)
{
	struct strv made = { 0 }, ours = { 0 };
	struct err ignored;
	int ret = link_all(w, &made, &ours, collisions, err);

	if (ret)
		toolchain_link_remove(&made, w->bin, &ignored);
	else
		strv_add_all(links, ours.v);
	strv_sort(links);
	strv_release(&ours);
	strv_release(&made);
	return ret;
}

int toolchain_link_remove(const struct strv *links, const char *bin,
			  struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < links->n; i++) {
		const char *path = links->v[i];
		char *target = target_of(path);

		if (target && leads_into(target, bin) && unlink(path) &&
		    errno != ENOENT && !ret)
			ret = err_errno(err, "%s", path);
		free(target);
	}
	return ret;
}

bool toolchain_link_is(const char *dir, const char *name, const char *bin)
{
	char *path = xasprintf("%s/%s", dir, name);
	char *target = target_of(path);
	bool yes = target && leads_into(target, bin) && !access(path, X_OK);

	free(target);
	free(path);
	return yes;
}
