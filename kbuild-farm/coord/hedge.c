/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/hedge.h"

#include "base/child.h"
#include "base/fs.h"
#include "coord/state.h"
#include "options/rewrite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEDGE ".hedge"

struct coord_hedge {
	struct coord_hedge *next; /* of those that were stopped */
	struct coord *coord;
	struct coord_unit *unit; /* NULL: it was stopped */
	coord_hedge_done *done;
	struct child *child;
	char *object, *dep, *log; /* dep may be NULL */
};

/*
 * What clang writes until it renames it (clang 14, lib/Frontend/
 * CompilerInstance.cpp): "DIR/x-0123abcd.hedge.tmp" of "DIR/x.hedge".
 */
static void remove_unrenamed(const char *object)
{
	char *dir = str_dir(object);
	const char *name = str_base(object);
	size_t stem = strlen(name) - strlen(HEDGE);
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strncmp(e->d_name, name, stem) && e->d_name[stem] == '-' &&
		    str_ends(e->d_name, HEDGE ".tmp"))
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

/* It was stopped, and is gone now. */
static void free_stopped(struct coord_hedge *h)
{
	struct coord_hedge **link = &h->coord->stopped;

	while (*link != h)
		link = &(*link)->next;
	*link = h->next;
	remove_unrenamed(h->object);
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
	child_end(h->child);
	remove_outputs(h);
	h->unit = NULL;
	h->next = h->coord->stopped;
	h->coord->stopped = h;
}

void coord_hedges_release(struct coord *c)
{
	while (c->stopped)
		free_stopped(c->stopped);
}

/* Put a finished temporary where the wrapper expects one. */
static bool move_output(const struct coord_unit *u, const char *from,
			const char *to)
{
	char *full = str_seen_from(u->ask.cwd, to);
	bool ok = !rename(from, full);

	free(full);
	return ok;
}

static void on_ended(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct coord_hedge *h = ctx;
	struct coord_unit *u = h->unit;
	coord_hedge_done *done = h->done;
	struct err err;
	bool good;

	(void)cpu_ms;
	if (!u) {
		free_stopped(h);
		return;
	}
	h->child = NULL;
	buf_reset(&u->diagnostics);
	/* Diagnostics that do not fit: then the wrapper compiles it itself. */
	good = !wait_status &&
	       !fs_read(h->log, WIRE_CC_DIAG_MAX, &u->diagnostics, &err) &&
	       (!h->dep || move_output(u, h->dep, u->dep_tmp)) &&
	       move_output(u, h->object, u->object_tmp);
	coord_hedge_stop(u);
	done(u, good);
}

static char *temporary(const struct coord_unit *u, const char *path)
{
	char *full = str_seen_from(u->ask.cwd, path);
	char *tmp = xasprintf("%s" HEDGE, full);

	free(full);
	return tmp;
}

/* The driver's own temporaries stay behind when it is killed. */
static void hedge_env(struct strv *env, const struct coord_unit *u)
{
	for (char *const *e = coord_unit_env(u); *e; e++) {
		if (!str_starts(*e, "TMPDIR="))
			strv_add(env, *e);
	}
	strv_addf(env, "TMPDIR=%s", u->coord->work);
}

int coord_hedge_start(struct coord_unit *u, coord_hedge_done *done,
		      struct err *err)
{
	struct coord *c = u->coord;
	struct coord_hedge *h = u->hedge = xcalloc(1, sizeof(*h));
	struct spawn what = { .cwd = u->ask.cwd, .fd = { -1, -1, -1 } };
	struct strv argv = { 0 }, env = { 0 };
	int log, ret;

	h->coord = c;
	h->unit = u;
	h->done = done;
	h->log = xasprintf("%s/hedge-%u.log", c->work, c->next_work++);
	h->object = temporary(u, u->object_tmp);
	h->dep = u->dep ? temporary(u, u->dep_tmp) : NULL;
	options_rewrite_outputs(&argv, &u->command, u->ask.compiler, h->object,
				h->dep);
	hedge_env(&env, u);
	log = open(h->log, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	what.env = env.v;
	what.argv = argv.v;
	what.fd[1] = what.fd[2] = log;
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
