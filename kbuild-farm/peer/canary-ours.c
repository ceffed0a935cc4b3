/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/canary-ours.h"

#include "base/capture.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/task.h"
#include "peer/canary-data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECT_MAX (4u << 20)
/* A canary of fewer units shows nothing. */
#define LEAST 8

static char *in_dir(const struct peer_canary *c, const char *name)
{
	return xasprintf("%s/%s", c->dir, name);
}

static char *object_name(const char *source)
{
	return xasprintf("%.*s.o", (int)(strrchr(source, '.') - source),
			 source);
}

static void make_command(const struct peer_canary *c,
			 struct peer_canary_unit *u)
{
	const struct compiler_manifest *m = &c->toolchain->manifest;
	struct options_command compile;
	struct err err;

	strv_add(&u->argv, c->toolchain->driver);
	peer_canary_flags(&u->argv, m->is_clang ? "clang" : m->machine,
			  u->name);
	strv_add(&u->argv, "-c");
	strv_add(&u->argv, "-o");
	strv_add(&u->argv, u->object_name);
	strv_add(&u->argv, u->name);
	options_command_parse(&compile, u->argv.v);
	if (compile.verdict != OPTIONS_REMOTE ||
	    options_typed_from(&u->flags, &compile, &err))
		u->skipped = true;
	options_command_release(&compile);
}

static int write_canary(struct peer_canary *c, struct peer_canary_unit *u,
			struct bytes text)
{
	char *path = in_dir(c, u->name);
	struct err err;

	if (!fs_write(path, text, 0600, &err))
		u->entry = peer_farm_enter(c->farm, path, text);
	free(path);
	return u->entry ? 0 : -1;
}

static int make_dir(struct peer_canary *c)
{
	char *name = xasprintf("%s/canary-%u", c->farm->work, c->number);
	struct err err;

	if (!fs_mkdirs(name, 0700, &err))
		c->dir = realpath(name, NULL);
	free(name);
	if (!c->dir)
		return -1;
	inputs_paths_lock(c->farm->paths);
	c->cwd = inputs_paths_get(c->farm->paths, c->dir);
	inputs_paths_unlock(c->farm->paths);
	return 0;
}

static int make_unit(struct peer_canary *c, struct peer_canary_unit *u,
		     const struct peer_canary_source *source)
{
	u->name = source->name;
	u->is_asm = str_ends(u->name, ".S");
	u->object_name = object_name(u->name);
	make_command(c, u);
	return write_canary(c, u, source->text);
}

static int compile_canary(struct peer_canary *c, struct peer_canary_unit *u,
			  char *const *env)
{
	char *object = in_dir(c, u->object_name);
	struct err err;
	int ret = capture_run(&c->stop, c->dir, u->argv.v, env, &u->diagnostics,
			      &u->diagnostics, &err);

	u->skipped = ret || fs_read(object, OBJECT_MAX, &u->object, &err);
	unlink(object);
	free(object);
	return ret == -EINVAL ? 0 : ret;
}

static int compile_units(struct peer_canary *c)
{
	struct strv env = { 0 };
	int ret = 0;

	strv_add_all(&env, c->toolchain->env.v);
	strv_addf(&env, "TMPDIR=%s", c->dir);
	strv_add(&env, "LC_ALL=C");
	for (size_t i = 0; i < c->n && !ret; i++) {
		if (!c->unit[i].skipped)
			ret = compile_canary(c, &c->unit[i], env.v);
		c->n_good += !c->unit[i].skipped;
	}
	strv_release(&env);
	return ret;
}

/* On a thread of its own. */
static void make_canary(void *arg)
{
	struct peer_canary *c = arg;
	const struct peer_canary_source *v = peer_canary_sources(&c->n);
	int ret;

	c->unit = xcalloc(c->n, sizeof(*c->unit));
	ret = make_dir(c);
	for (size_t i = 0; i < c->n && !ret; i++)
		ret = make_unit(c, &c->unit[i], &v[i]);
	if (ret) {
		c->why = "the canary could not be written to the work "
			 "directory";
		return;
	}
	ret = compile_units(c);
	if (ret == -ETIMEDOUT)
		c->why = "this compiler hangs on the canary";
	else if (ret)
		c->why = "the canary could not be compiled here";
	else if (c->n_good < LEAST)
		c->why = "this compiler takes too little of the canary";
}

static void on_made(void *arg)
{
	struct peer_canary *c = arg;

	c->task = NULL;
	c->state = c->why ? INPUTS_BAD : INPUTS_READY;
	if (c->why)
		log_warning("%s: %s", c->toolchain->driver, c->why);
	peer_farm_wake(c->farm);
}

struct peer_canary *peer_canary_of(struct peer_farm *farm,
				   const struct inputs_toolchain *tc)
{
	struct peer_canary *c;

	list_for_each(c, &farm->canaries, link) {
		if (c->toolchain == tc)
			return c;
	}
	c = xcalloc(1, sizeof(*c));
	c->farm = farm;
	c->toolchain = tc;
	c->number = farm->n_canaries++;
	TAILQ_INSERT_TAIL(&farm->canaries, c, link);
	c->task = task_start_then(farm->base, make_canary, on_made, c);
	if (!c->task) {
		c->state = INPUTS_BAD;
		c->why = "no thread for the canary";
	}
	return c;
}

static void canary_free(struct peer_canary *c)
{
	atomic_store(&c->stop, true);
	if (c->task)
		task_join(c->task);
	for (size_t i = 0; c->unit && i < c->n; i++) {
		struct peer_canary_unit *u = &c->unit[i];

		free(u->object_name);
		strv_release(&u->argv);
		options_flags_release(&u->flags);
		buf_release(&u->object);
		buf_release(&u->diagnostics);
	}
	free(c->unit);
	free(c->dir);
	free(c);
}

void peer_canary_free_all(struct peer_farm *farm)
{
	struct peer_canary *c;

	while ((c = TAILQ_FIRST(&farm->canaries))) {
		TAILQ_REMOVE(&farm->canaries, c, link);
		canary_free(c);
	}
}
