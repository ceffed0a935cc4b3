/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top-builds.h"

#include "base/fs.h"
#include "base/list.h"
#include "base/str.h"
#include "events/client.h"
#include "kernel/rundir.h"

#include <stdlib.h>
#include <sys/stat.h>

struct build {
	TAILQ_ENTRY(build) link;
	struct top_builds *all;
	struct top_page *page; /* NULL: it ended */
	struct events_client *client; /* NULL: nothing more comes */
	/* One that ended is not looked at again; a name comes again. */
	char *name; /* of its directory */
	ino_t inode;
};

struct top_builds {
	struct top *top;
	char *dir;
	TAILQ_HEAD(, build) list;
	unsigned n_running;
};

static void on_told(void *ctx, const struct events_event *ev)
{
	struct build *b = ctx;

	top_tell(b->all->top, b->page, ev);
}

static void on_line(void *ctx, struct bytes line)
{
	struct build *b = ctx;

	top_line(b->all->top, b->page, line);
}

static void on_again(void *ctx)
{
	struct build *b = ctx;

	top_again(b->all->top, b->page);
}

static void end_build_page(struct build *b, const char *why)
{
	struct top_page *page = b->page;

	b->page = NULL;
	top_end(b->all->top, page, why);
}

/*
 * It is over without a last word: a kfarm that is killed leaves its socket, and
 * one that ends does not wait for who does not listen.
 */
static void judge_end(struct build *b)
{
	char *dir = xasprintf("%s/%s", b->all->dir, b->name);
	char *path = xasprintf("%s/events", dir);

	if (!fs_exists(path))
		end_build_page(b, "it ended while nobody listened here");
	else if (!kernel_rundir_runs(dir))
		end_build_page(b, "its kfarm was killed");
	free(path);
	free(dir);
}

static void on_ended(void *ctx, const char *why)
{
	struct build *b = ctx;

	b->all->n_running--;
	if (why || b->page->model.done)
		end_build_page(b, why);
	events_client_free(b->client);
	b->client = NULL;
}

static const struct events_client_ops client_ops = {
	.told = on_told,
	.line = on_line,
	.again = on_again,
	.ended = on_ended,
};

static void free_build(struct build *b)
{
	TAILQ_REMOVE(&b->all->list, b, link);
	events_client_free(b->client);
	free(b->name);
	free(b);
}

static struct build *find_build(const struct top_builds *all, const char *name)
{
	struct build *b;

	list_for_each(b, &all->list, link) {
		if (str_equal(b->name, name))
			return b;
	}
	return NULL;
}

static void connect_build(struct top_builds *all, const char *name,
			  const char *path, ino_t inode)
{
	struct build *b = xcalloc(1, sizeof(*b));
	struct err ignored;

	*b = (struct build){ .all = all, .inode = inode };
	/* A socket that nobody serves is left from a build that was killed. */
	if (events_client_new(&b->client, all->top->base, path, &client_ops, b,
			      &ignored)) {
		free(b);
		return;
	}
	b->name = xstrdup(name);
	top_remove_over(all->top);
	TAILQ_INSERT_TAIL(&all->list, b, link);
	all->n_running++;
	b->page = top_add(all->top, kernel_rundir_pid(name));
}

static void look_at_socket(struct top_builds *all, const char *name)
{
	struct build *b;
	struct stat st;
	char *path;

	if (!kernel_rundir_pid(name))
		return;
	path = xasprintf("%s/%s/events", all->dir, name);
	b = find_build(all, name);
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode) &&
	    (!b || (!b->page && b->inode != st.st_ino)) &&
	    all->n_running < TOP_BUILDS_MAX) {
		if (b)
			free_build(b);
		connect_build(all, name, path, st.st_ino);
	} else if (b && !b->page && !fs_exists(path)) {
		free_build(b);
	}
	free(path);
}

/* Those whose directories are gone. */
static void forget_ended(struct top_builds *all, const struct strv *names)
{
	struct build *b, *next;

	list_for_each_safe(b, &all->list, link, next) {
		if (!b->page && !strv_has(names, b->name))
			free_build(b);
	}
}

unsigned top_builds_look(struct top_builds *all)
{
	struct strv names = { 0 };
	struct build *b;

	list_for_each(b, &all->list, link) {
		if (b->page && !b->client)
			judge_end(b);
	}
	fs_list(all->dir, &names);
	for (size_t i = 0; i < names.n; i++)
		look_at_socket(all, names.v[i]);
	forget_ended(all, &names);
	strv_release(&names);
	return all->n_running;
}

int top_builds_new(struct top_builds **out, struct top *t, struct err *err)
{
	struct top_builds *all;
	char *dir;
	int ret = fs_runtime_dir(&dir, err);

	if (ret)
		return ret;
	*out = all = xcalloc(1, sizeof(*all));
	all->top = t;
	all->dir = dir;
	TAILQ_INIT(&all->list);
	return 0;
}

void top_builds_free(struct top_builds *all)
{
	if (!all)
		return;
	while (!TAILQ_EMPTY(&all->list))
		free_build(TAILQ_FIRST(&all->list));
	free(all->dir);
	free(all);
}
