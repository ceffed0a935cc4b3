/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include "base/clock.h"
#include "base/depfile.h"
#include "base/spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The context of one unit's comparison. */
struct comparison {
	struct audit *a;
	struct audit_marks *marks;
	struct audit_unit *u;
	const char *cwd;
};

/*
 * Marks for the current unit: in the closure, and also listed by the compiler.
 */
static uint32_t in_closure(const struct audit_marks *m)
{
	return m->stamp;
}

static uint32_t in_both(const struct audit_marks *m)
{
	return m->stamp + 1;
}

static uint32_t *mark(struct audit_marks *m, uint32_t id)
{
	if (id >= m->n) {
		size_t n = (size_t)id * 2 + 1024;

		m->v = xrealloc(m->v, n * sizeof(*m->v));
		memset(m->v + m->n, 0, (n - m->n) * sizeof(*m->v));
		m->n = n;
	}
	return &m->v[id];
}

static void mark_closure(struct comparison *c)
{
	c->marks->stamp += 2;
	for (size_t i = 0; i < c->u->n_ids; i++)
		*mark(c->marks, c->u->ids[i]) = in_closure(c->marks);
}

/* Find the entries of `names` whose path is not in the closure. */
static void find_leftover(struct comparison *c, const struct strv *names,
			  struct strv *out)
{
	uint32_t *ids = xcalloc(names->n, sizeof(*ids));

	audit_paths_add(c->a->paths, names->v, names->n, ids);
	for (size_t i = 0; i < names->n; i++) {
		uint32_t *m = mark(c->marks, ids[i]);

		if (*m == in_closure(c->marks) || *m == in_both(c->marks))
			*m = in_both(c->marks);
		else
			strv_add(out, names->v[i]);
	}
	free(ids);
}

/* Identity of a file; a zeroed struct is not a file. */
struct identity {
	dev_t dev;
	ino_t ino;
};

static struct identity identify(const char *cwd, const char *path)
{
	char *full = path[0] == '/' ? xstrdup(path) :
				      xasprintf("%s/%s", cwd, path);
	struct identity id = { 0 };
	struct stat st;

	if (!stat(full, &st))
		id = (struct identity){ st.st_dev, st.st_ino };
	free(full);
	return id;
}

static bool has_identity(const struct identity *v, size_t n,
			 struct identity wanted)
{
	for (size_t i = 0; i < n && wanted.ino; i++) {
		if (v[i].ino == wanted.ino && v[i].dev == wanted.dev)
			return true;
	}
	return false;
}

static struct identity *identify_closure(const struct comparison *c)
{
	struct identity *v = xcalloc(c->u->n_ids, sizeof(*v));

	for (size_t i = 0; i < c->u->n_ids; i++)
		v[i] = identify(c->cwd,
				audit_paths_get(c->a->paths, c->u->ids[i]));
	return v;
}

/*
 * Remove entries of `names` that the closure has under another path.  Returns
 * their number.
 */
static size_t drop_respelled(const struct comparison *c, struct strv *names)
{
	struct identity *have = names->n ? identify_closure(c) : NULL;
	struct strv kept = { 0 };
	size_t dropped;

	for (size_t i = 0; i < names->n; i++) {
		struct identity id = identify(c->cwd, names->v[i]);

		if (!has_identity(have, c->u->n_ids, id))
			strv_add(&kept, names->v[i]);
	}
	dropped = names->n - kept.n;
	strv_release(names);
	*names = kept;
	free(have);
	return dropped;
}

/*
 * Find files of the closure that `names` lacks, by path and then by identity.
 */
static void find_extra(struct comparison *c, const struct strv *names)
{
	struct identity *have = NULL;

	for (size_t i = 0; i < c->u->n_ids; i++) {
		uint32_t *m = mark(c->marks, c->u->ids[i]);
		const char *path;

		if (*m != in_closure(c->marks))
			continue;
		*m = in_both(c->marks);
		if (!have) {
			have = xcalloc(names->n + 1, sizeof(*have));
			for (size_t j = 0; j < names->n; j++)
				have[j] = identify(c->cwd, names->v[j]);
		}
		path = audit_paths_get(c->a->paths, c->u->ids[i]);
		if (!has_identity(have, names->n, identify(c->cwd, path)))
			strv_add(&c->u->extra, path);
	}
	free(have);
}

/* Returns 0 and the files of -M, or an error and the compiler's first line. */
static int ask_compiler(struct audit *a, struct audit_unit *u,
			const struct cli_scan_line *l, struct strv *names)
{
	const struct cli_scan_tool *tool = cli_scan_tools_get(a->tools, l->cwd,
							      l->argv.v[0]);
	struct buf out = { 0 }, said = { 0 };
	struct strv argv = { 0 };
	struct err err = { 0 };
	uint64_t start;
	int ret;

	audit_rule_argv(&argv, l->argv.v, tool->path, "-M");
	start = clock_us();
	ret = capture_run(a->stop, l->cwd, argv.v, environ, &out, &said, &err);
	u->cc_us = clock_us() - start;
	if (!ret && depfile_parse(names, buf_bytes(&out)))
		ret = err_set(&err, EBADMSG, "no make rule");
	if (ret) {
		const char *text = said.len ? buf_str(&said) : err.text;

		free(u->detail);
		u->detail = xstrndup(text, strcspn(text, "\n"));
	}
	strv_release(&argv);
	buf_release(&out);
	buf_release(&said);
	return ret;
}

/*
 * The list of the .cmd file omits what -MMD or fixdep leave out, and can be
 * older than the sources: only files that the compiler certainly reads count as
 * missed.
 */
static void compare_listed(struct comparison *c, const struct strv *listed,
			   bool trusted)
{
	struct strv names = { 0 };

	find_leftover(c, listed, &names);
	drop_respelled(c, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (strv_has(&c->u->missed, names.v[i]))
			continue;
		if (trusted)
			strv_add(&c->u->missed, names.v[i]);
		else
			c->u->old++;
	}
	strv_release(&names);
}

void audit_compare(struct audit *a, struct audit_marks *marks,
		   struct audit_unit *u)
{
	struct comparison c = { a, marks, u, NULL };
	struct strv names = { 0 }, listed = { 0 };
	struct cli_scan_line l;
	struct err err = { 0 };
	bool answered;

	if (u->state != AUDIT_SCANNED)
		return;
	if (cli_scan_line_read(&l, a->what->build, u->file, &err)) {
		u->state = AUDIT_BROKEN;
		u->detail = xstrdup(err.text);
		return;
	}
	c.cwd = l.cwd;
	audit_listed(&listed, u->file);
	answered = !ask_compiler(a, u, &l, &names);
	/* An interrupted compiler gives no result for the unit. */
	if (!atomic_load(a->stop)) {
		mark_closure(&c);
		if (answered) {
			find_leftover(&c, &names, &u->missed);
			find_extra(&c, &names);
			u->respelled = drop_respelled(&c, &u->missed);
		}
		compare_listed(&c, &listed, !answered);
		u->state = answered ? AUDIT_COMPARED :
			   listed.n ? AUDIT_LISTED :
				      AUDIT_REFUSED;
	}
	strv_release(&listed);
	strv_release(&names);
	cli_scan_line_release(&l);
}
