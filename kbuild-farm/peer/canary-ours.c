/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/canary-ours.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "peer/canary-data.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT_MS    60000
#define OBJECT_MAX (4u << 20)
/* With less than this a compiler has shown nothing. */
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
	struct options_compile compile;
	struct err err;

	strv_add(&u->argv, c->toolchain->driver);
	peer_canary_flags(&u->argv, m->is_clang ? "clang" : m->machine,
			  u->name);
	strv_add(&u->argv, "-c");
	strv_add(&u->argv, "-o");
	strv_add(&u->argv, u->object_name);
	strv_add(&u->argv, u->name);
	options_compile_parse(&compile, u->argv.v);
	if (compile.verdict != OPTIONS_AWAY ||
	    options_typed_from(&u->flags, u->argv.v, &compile, &err))
		u->skipped = true;
}

static int write_source(struct peer_canary *c, struct peer_canary_unit *u,
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
	struct peer_farm *farm = c->farm;
	char *name = xasprintf("%s/canary-%u", farm->work, farm->dirs++);
	struct err err;
	int ret = fs_mkdirs(name, 0700, &err);

	if (!ret)
		c->dir = realpath(name, NULL);
	free(name);
	if (!c->dir)
		return -1;
	inputs_paths_lock(farm->paths);
	c->cwd = inputs_paths_get(farm->paths, c->dir);
	inputs_paths_unlock(farm->paths);
	return 0;
}

static int make_units(struct peer_canary *c)
{
	const struct peer_canary_source *v = peer_canary_sources(&c->n);

	c->unit = xcalloc(c->n, sizeof(*c->unit));
	if (make_dir(c))
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		struct peer_canary_unit *u = &c->unit[i];

		u->name = v[i].name;
		u->is_asm = str_ends(u->name, ".S");
		u->object_name = object_name(u->name);
		if (write_source(c, u, v[i].text))
			return -1;
		make_command(c, u);
	}
	return 0;
}

static void give_up(struct peer_canary *c, const char *why)
{
	log_warning("%s: %s", c->toolchain->driver, why);
	c->state = INPUTS_BAD;
	c->why = why;
	peer_farm_wake(c->farm);
}

static void next_unit(struct peer_canary *c);

static void take_outputs(struct peer_canary *c, struct peer_canary_unit *u)
{
	char *object = in_dir(c, u->object_name), *log = in_dir(c, "log");
	struct err err;

	if (fs_read(object, OBJECT_MAX, &u->object, &err) ||
	    fs_read(log, OBJECT_MAX, &u->diagnostics, &err))
		u->skipped = true;
	unlink(object);
	free(object);
	free(log);
}

static void on_compiled(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct peer_canary *c = ctx;
	struct peer_canary_unit *u = &c->unit[c->at++];

	(void)cpu_ms;
	c->child = NULL;
	if (wait_status)
		u->skipped = true;
	else
		take_outputs(c, u);
	next_unit(c);
}

static int compile_unit(struct peer_canary *c, struct peer_canary_unit *u)
{
	struct spawn what = { .argv = u->argv.v,
			      .cwd = c->dir,
			      .fd = { -1, -1, -1 } };
	struct strv env = { 0 };
	char *log = in_dir(c, "log");
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err err;
	int ret;

	if (c->toolchain->env.v)
		strv_add_all(&env, c->toolchain->env.v);
	strv_addf(&env, "TMPDIR=%s", c->dir);
	strv_add(&env, "LC_ALL=C");
	what.env = env.v;
	what.fd[1] = what.fd[2] = fd;
	c->since_ms = clock_ms();
	ret = fd < 0 ? -1 :
		       child_start(c->farm->children, &what, on_compiled, c,
				   &c->child, &err);
	if (fd >= 0)
		close(fd);
	strv_release(&env);
	free(log);
	return ret;
}

static void count_good(struct peer_canary *c)
{
	size_t good = 0;

	for (size_t i = 0; i < c->n; i++)
		good += !c->unit[i].skipped;
	if (good < LEAST)
		give_up(c, "this compiler takes too little of the canary");
	else
		c->state = INPUTS_READY;
	peer_farm_wake(c->farm);
}

static void next_unit(struct peer_canary *c)
{
	while (c->at < c->n && c->unit[c->at].skipped)
		c->at++;
	if (c->at == c->n) {
		count_good(c);
	} else if (compile_unit(c, &c->unit[c->at])) {
		give_up(c, "the canary could not be compiled here");
	}
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
	TAILQ_INSERT_TAIL(&farm->canaries, c, link);
	if (make_units(c))
		give_up(c, "the canary could not be written to the work "
			   "directory");
	else
		next_unit(c);
	return c;
}

void peer_canary_check_all(struct peer_farm *farm)
{
	struct peer_canary *c;

	list_for_each(c, &farm->canaries, link) {
		if (!c->child || clock_ms() < c->since_ms + UNIT_MS)
			continue;
		child_kill(c->child);
		c->child = NULL;
		give_up(c, "this compiler hangs on the canary");
	}
}

static void canary_free(struct peer_canary *c)
{
	if (c->child)
		child_kill(c->child);
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
