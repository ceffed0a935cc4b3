/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/canary-ours.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "peer/canary-data.h"
#include "peer/canary.h"
#include "peer/peer.h"

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

static void make_line(const struct peer_canary *c, struct peer_canary_unit *u)
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

/* Its version in the table of paths, as nodes are told of it. */
static int enter(struct peer_canary *c, struct peer_canary_unit *u,
		 struct bytes text)
{
	struct inputs_paths *paths = c->toolchain->coord->inputs.paths;
	struct store_identity id = { 0 };
	char *path = in_dir(c, u->name);
	struct stat st;
	struct err err;
	int ret = fs_write(path, text, 0600, &err);

	if (!ret && stat(path, &st))
		ret = -1;
	if (!ret) {
		stamp_of(&id.stamp, &st);
		digest_of(text, &id.digest);
		inputs_paths_lock(paths);
		u->entry = inputs_paths_file(
			paths, inputs_paths_get(paths, path), &id);
		inputs_paths_unlock(paths);
	}
	free(path);
	return ret;
}

static int make_dir(struct peer_canary *c)
{
	struct coord *coord = c->toolchain->coord;
	char *name = xasprintf("%s/canary-%u", coord->work, coord->next_work++);
	struct err err;
	int ret = fs_mkdirs(name, 0700, &err);

	if (!ret)
		c->dir = realpath(name, NULL);
	free(name);
	if (!c->dir)
		return -1;
	inputs_paths_lock(coord->inputs.paths);
	c->cwd = inputs_paths_get(coord->inputs.paths, c->dir);
	inputs_paths_unlock(coord->inputs.paths);
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
		if (enter(c, u, v[i].text))
			return -1;
		make_line(c, u);
	}
	return 0;
}

static void bad(struct peer_canary *c, const char *why)
{
	log_warning("%s: %s", c->toolchain->driver, why);
	c->state = INPUTS_BAD;
	c->why = why;
}

static void tell_all(const struct peer_canary *c)
{
	struct coord *coord = c->toolchain->coord;

	for (size_t i = 0; i < coord->n_peers; i++)
		peer_canary_watch(coord->peers[i], clock_ms());
	coord_kick(coord);
}

static void next_unit(struct peer_canary *c);

static void take_outputs(struct peer_canary *c, struct peer_canary_unit *u)
{
	char *object = in_dir(c, u->object_name), *said = in_dir(c, "said");
	struct err err;

	if (fs_read(object, OBJECT_MAX, &u->object, &err) ||
	    fs_read(said, OBJECT_MAX, &u->said, &err))
		u->skipped = true;
	unlink(object);
	free(object);
	free(said);
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

static int start(struct peer_canary *c, struct peer_canary_unit *u)
{
	struct spawn what = { .argv = u->argv.v,
			      .cwd = c->dir,
			      .fd = { -1, -1, -1 } };
	struct strv env = { 0 };
	char *said = in_dir(c, "said");
	int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
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
		       child_start(c->toolchain->coord->children, &what,
				   on_compiled, c, &c->child, &err);
	if (fd >= 0)
		close(fd);
	strv_release(&env);
	free(said);
	return ret;
}

static void finish(struct peer_canary *c)
{
	size_t good = 0;

	for (size_t i = 0; i < c->n; i++)
		good += !c->unit[i].skipped;
	if (good < LEAST)
		bad(c, "this compiler takes too little of the canary");
	else
		c->state = INPUTS_READY;
	tell_all(c);
}

static void next_unit(struct peer_canary *c)
{
	while (c->at < c->n && c->unit[c->at].skipped)
		c->at++;
	if (c->at == c->n) {
		finish(c);
	} else if (start(c, &c->unit[c->at])) {
		bad(c, "the canary could not be compiled here");
		tell_all(c);
	}
}

void peer_canary_prepare(struct inputs_toolchain *tc)
{
	struct peer_canary *c = tc->canary;

	if (c)
		return;
	tc->canary = c = xcalloc(1, sizeof(*c));
	c->toolchain = tc;
	if (make_units(c))
		bad(c, "the canary could not be written to the work directory");
	else
		next_unit(c);
}

void peer_canary_check(struct peer_canary *c)
{
	if (!c || !c->child || clock_ms() < c->since_ms + UNIT_MS)
		return;
	child_kill(c->child);
	c->child = NULL;
	bad(c, "this compiler hangs on the canary");
	tell_all(c);
}

void peer_canary_free(struct peer_canary *c)
{
	if (!c)
		return;
	if (c->child)
		child_kill(c->child);
	for (size_t i = 0; c->unit && i < c->n; i++) {
		struct peer_canary_unit *u = &c->unit[i];

		free(u->object_name);
		strv_release(&u->argv);
		options_flags_release(&u->flags);
		buf_release(&u->object);
		buf_release(&u->said);
	}
	free(c->unit);
	free(c->dir);
	free(c);
}
