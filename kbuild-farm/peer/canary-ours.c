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

#define OBJECT_MAX  (4u << 20)
#define DEADLINE_MS 60000
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

struct canary_work {
	struct peer_canary *canary;
	struct strv env;
	atomic_int ret; /* the first that failed */
};

static void compile_one(void *ctx, size_t i)
{
	struct canary_work *w = ctx;
	struct peer_canary *c = w->canary;
	int ret = 0;

	if (!c->unit[i].skipped && !atomic_load(&w->ret))
		ret = compile_canary(c, &c->unit[i], w->env.v);
	if (ret)
		atomic_store(&w->ret, ret);
	atomic_fetch_add(&c->n_tried, 1);
}

static int compile_units(struct peer_canary *c)
{
	struct canary_work w = { .canary = c };
	/* A canary is small, and the build that waits for it needs its cores.
	 */
	long threads = c->is_burn ? sysconf(_SC_NPROCESSORS_ONLN) : 1;

	strv_add_all(&w.env, c->toolchain->env.v);
	strv_addf(&w.env, "TMPDIR=%s", c->dir);
	strv_add(&w.env, "LC_ALL=C");
	task_each(threads < 1 ? 1 : (unsigned)threads, c->n, compile_one, NULL,
		  &w);
	for (size_t i = 0; i < c->n; i++)
		c->n_good += !c->unit[i].skipped;
	strv_release(&w.env);
	return atomic_load(&w.ret);
}

/* On a thread of its own. */
static void make_canary(void *arg)
{
	struct peer_canary *c = arg;
	const struct peer_canary_source *v = c->is_burn ?
						     peer_canary_burn_sources(
							     &c->n) :
						     peer_canary_sources(&c->n);
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
	else if (c->n_good < (c->is_burn ? 1 : LEAST))
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

static struct peer_canary *find_canary(struct peer_farm *farm,
				       const struct inputs_toolchain *tc,
				       bool is_burn)
{
	struct peer_canary *c;

	list_for_each(c, &farm->canaries, link) {
		if (c->toolchain == tc && c->is_burn == is_burn)
			return c;
	}
	c = xcalloc(1, sizeof(*c));
	c->farm = farm;
	c->toolchain = tc;
	c->is_burn = is_burn;
	c->number = farm->n_canaries++;
	TAILQ_INSERT_TAIL(&farm->canaries, c, link);
	c->task = task_start_then(farm->base, make_canary, on_made, c);
	if (!c->task) {
		c->state = INPUTS_BAD;
		c->why = "no thread for the canary";
	}
	return c;
}

struct peer_canary *peer_canary_of(struct peer_farm *farm,
				   const struct inputs_toolchain *tc)
{
	return find_canary(farm, tc, false);
}

struct peer_canary *peer_canary_burn(struct peer_farm *farm,
				     const struct inputs_toolchain *tc)
{
	return find_canary(farm, tc, true);
}

void peer_canary_ask(struct peer_question *q, const struct peer_canary_unit *u,
		     const struct inputs_path *cwd)
{
	static char lc_all[] = "LC_ALL=C", *env[] = { lc_all, NULL };

	*q = (struct peer_question){
		.lang = u->is_asm ? WIRE_LANG_ASM : WIRE_LANG_C,
		.deadline_ms = DEADLINE_MS,
		.cwd = cwd,
		.source = u->name,
		.object = u->object_name,
		.flags = &u->flags,
		.env = env,
		.entry = &u->entry,
		.n_entries = 1,
	};
}

bool peer_canary_is_equal(const struct peer_answer *a,
			  const struct peer_canary_unit *u)
{
	return !a->result.wait_status &&
	       bytes_equal(buf_bytes(&a->stream[WIRE_OBJECT]),
			   buf_bytes(&u->object)) &&
	       bytes_equal(buf_bytes(&a->stream[WIRE_STDERR]),
			   buf_bytes(&u->diagnostics)) &&
	       !a->stream[WIRE_STDOUT].len;
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
