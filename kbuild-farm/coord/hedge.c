/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/hedge.h"

#include "base/child.h"
#include "base/fs.h"
#include "coord/internal.h"
#include "options/rewrite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEDGE_SUFFIX ".hedge"

struct coord_hedge {
	struct coord_hedge *next; /* next stopped hedge */
	struct coord *coord;
	struct coord_unit *unit; /* NULL: stopped */
	coord_hedge_done *on_done;
	struct child *child;
	char *object, *dep, *log; /* `dep` can be NULL */
};

/*
 * Remove the temporary files that a killed clang left behind.  clang writes
 * "DIR/x-0123abcd.hedge.tmp" and renames it to "DIR/x.hedge" when it has
 * finished (clang 14, lib/Frontend/CompilerInstance.cpp).
 */
static void remove_clang_temporaries(const char *object)
{
	char *dir = str_dir(object);
	const char *name = str_base(object);
	size_t stem = strlen(name) - strlen(HEDGE_SUFFIX);
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strncmp(e->d_name, name, stem) && e->d_name[stem] == '-' &&
		    str_ends(e->d_name, HEDGE_SUFFIX ".tmp"))
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
	free(dir);
}

static void remove_outputs(const struct coord_hedge *h)
{
	unlink(h->object);
	if (h->dep)
		unlink(h->dep);
	unlink(h->log);
}

static void free_hedge(struct coord_hedge *h)
{
	remove_outputs(h);
	free(h->object);
	free(h->dep);
	free(h->log);
	free(h);
}

/* Free a stopped hedge; its process must have exited. */
static void free_stopped(struct coord_hedge *h)
{
	struct coord_hedge **link = &h->coord->stopped_hedges;

	while (*link != h)
		link = &(*link)->next;
	*link = h->next;
	remove_clang_temporaries(h->object);
	free_hedge(h);
}

void coord_hedge_stop(struct coord_unit *u)
{
	struct coord_hedge *h = u->hedge;

	if (!h)
		return;
	u->hedge = NULL;
	if (!h->child) {
		free_hedge(h);
		return;
	}
	child_kill_notify(h->child);
	remove_outputs(h);
	h->unit = NULL;
	h->next = h->coord->stopped_hedges;
	h->coord->stopped_hedges = h;
}

void coord_hedge_release_all(struct coord *c)
{
	while (c->stopped_hedges)
		free_stopped(c->stopped_hedges);
}

/* Rename a finished output to the temporary name that the wrapper expects. */
static bool move_output(const struct coord_unit *u, const char *from,
			const char *to)
{
	char *full = str_join_path(u->request.cwd, to);
	bool ok = !rename(from, full);

	free(full);
	return ok;
}

/*
 * Return true if the wrapper can deliver the object.  The file has just been
 * written, so it is in memory and the read does not block.
 */
static bool is_deliverable(const struct coord_hedge *h)
{
	struct buf object = { 0 };
	struct err err;
	bool ok = !fs_read(h->object, wire_output_max(WIRE_OUTPUT_OBJECT),
			   &object, &err) &&
		  !coord_unit_names_work_dir(h->coord, buf_bytes(&object));

	buf_release(&object);
	return ok;
}

static void on_ended(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct coord_hedge *h = ctx;
	struct coord_unit *u = h->unit;
	coord_hedge_done *done = h->on_done;
	struct err err;
	bool good;

	(void)cpu_ms;
	if (!u) {
		free_stopped(h);
		return;
	}
	h->child = NULL;
	buf_reset(&u->diagnostics);
	/*
	 * If the diagnostics are too long, the hedge has failed, and the
	 * wrapper compiles the unit again.
	 */
	good = !wait_status &&
	       !fs_read(h->log, WIRE_CC_DIAG_MAX, &u->diagnostics, &err) &&
	       is_deliverable(h) &&
	       (!h->dep || move_output(u, h->dep, u->dep_tmp)) &&
	       move_output(u, h->object, u->object_tmp);
	coord_hedge_stop(u);
	done(u, good);
}

static char *hedge_path(const struct coord_unit *u, const char *path)
{
	char *full = str_join_path(u->request.cwd, path);
	char *tmp = xasprintf("%s" HEDGE_SUFFIX, full);

	free(full);
	return tmp;
}

int coord_hedge_start(struct coord_unit *u, coord_hedge_done *done,
		      struct err *err)
{
	struct coord *c = u->coord;
	struct coord_hedge *h = u->hedge = xcalloc(1, sizeof(*h));
	struct spawn what = { .cwd = u->request.cwd,
			      .stdio_fds = { -1, -1, -1 } };
	struct strv argv = { 0 }, env = { 0 };
	int log, ret;

	h->coord = c;
	h->unit = u;
	h->on_done = done;
	h->log = xasprintf("%s/hedge-%u.log", c->work_dir,
			   c->next_file_number++);
	h->object = hedge_path(u, u->object_tmp);
	h->dep = u->dep ? hedge_path(u, u->dep_tmp) : NULL;
	options_rewrite_outputs(&argv, &u->command, u->request.compiler,
				h->object, h->dep);
	coord_unit_make_local_env(u, &env);
	log = open(h->log, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	what.env = env.v;
	what.argv = argv.v;
	what.stdio_fds[1] = what.stdio_fds[2] = log;
	ret = log < 0 ? err_errno(err, "%s", h->log) :
			child_start(c->children, &what, on_ended, h, &h->child,
				    err);
	if (log >= 0)
		close(log);
	if (ret)
		coord_hedge_stop(u);
	strv_release(&argv);
	strv_release(&env);
	return ret;
}
