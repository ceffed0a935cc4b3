/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kfarmd-fixture.h - Messages of the client of kfarmd-client.h:
 * sandboxes, toolchains, files and jobs.
 */
#ifndef AGENT_PLAY_H
#define AGENT_PLAY_H

#include "kfarmd-client.h"

/* the client's tree, visible in its sandboxes */
#define ROOT "/home/kfarm-test/src"

/* Entries of a VIEW under construction. */
struct play_view {
	struct wire_entry *v;
	uint32_t n, cap;
};

static inline uint32_t play_path(struct client *c, const char *path)
{
	uint32_t number;

	ck_assert_int_eq(wire_paths_add(c->paths, path, &number), 0);
	return number;
}

static inline void play_send_paths(struct client *c)
{
	struct buf body = { 0 };

	while (wire_paths_put_new(c->paths, &body))
		client_send(c, WIRE_PATHS, &body);
}

static inline struct wire_entry *play_entry(struct client *c,
					    struct play_view *view,
					    const char *path,
					    enum wire_inode_kind kind)
{
	struct wire_entry *e;

	if (view->n == view->cap) {
		view->cap = view->cap ? 2 * view->cap : 64;
		view->v = xrealloc(view->v, view->cap * sizeof(*view->v));
	}
	e = &view->v[view->n++];
	*e = (struct wire_entry){ .path = play_path(c, path),
				  .inode.kind = (uint8_t)kind };
	return e;
}

/* Store `content`, so that the client can send it. */
static inline struct digest play_blob(struct bytes content)
{
	struct client_blob *b;
	struct digest d;

	digest_bytes(content, &d);
	for (size_t i = 0; i < client_n_blobs; i++) {
		if (digest_equal(&client_blobs[i].digest, &d))
			return d;
	}
	client_blobs = xrealloc(client_blobs,
				(client_n_blobs + 1) * sizeof(*client_blobs));
	b = &client_blobs[client_n_blobs++];
	*b = (struct client_blob){ .digest = d };
	buf_add_bytes(&b->content, content);
	return d;
}

static inline struct wire_entry *play_file(struct client *c,
					   struct play_view *view,
					   const char *path,
					   struct bytes content)
{
	struct wire_entry *e = play_entry(c, view, path, WIRE_INODE_FILE);

	e->inode.digest = play_blob(content);
	e->inode.size = content.len;
	e->inode.mtime_ns = 1700000000123456789;
	return e;
}

static inline void play_link(struct client *c, struct play_view *view,
			     const char *path, const char *target)
{
	play_entry(c, view, path, WIRE_INODE_SYMLINK)->inode.target = xstrdup(
		target);
}

/* Send it as the next VIEW of the sandbox, and empty it. */
static inline void play_send_view(struct client *c, unsigned cell,
				  enum wire_part part, struct play_view *view)
{
	struct wire_view m = { .cell = cell,
			       .view = ++c->last_view[cell],
			       .part = (uint8_t)part,
			       .n_entries = view->n,
			       .entries = view->v };
	struct sent_view *sent = &c->view[c->n_views++];
	struct buf body = { 0 };

	ck_assert_uint_lt(c->n_views, CLIENT_VIEWS);
	*sent = (struct sent_view){ .cell = cell,
				    .view = m.view,
				    .n = m.n_entries };
	sent->digest = xcalloc(m.n_entries + 1, sizeof(*sent->digest));
	for (uint32_t i = 0; i < m.n_entries; i++)
		sent->digest[i] = view->v[i].inode.digest;
	play_send_paths(c);
	wire_view_encode(&body, &m);
	client_send(c, WIRE_VIEW, &body);
	wire_view_release(&m);
	*view = (struct play_view){ 0 };
}

/* Send one file of the tree in its own VIEW. */
static inline void play_put(struct client *c, unsigned cell, const char *path,
			    const char *content)
{
	struct play_view view = { 0 };

	play_file(c, &view, path, bytes_str(content));
	play_send_view(c, cell, WIRE_PART_SOURCES, &view);
}

static inline void play_send_cell(struct client *c, unsigned cell,
				  const struct digest *id)
{
	struct wire_cell m = { .cell = cell,
			       .toolchain = *id,
			       .is_clang = client_gcc.is_clang,
			       .driver = client_gcc.driver };
	struct buf body = { 0 };

	strv_add(&m.client_roots, ROOT);
	wire_cell_encode(&body, &m);
	client_send(c, WIRE_CELL, &body);
	strv_release(&m.client_roots);
}

/* Send all files of the toolchain in one VIEW. */
static inline void play_send_tools(struct client *c, unsigned cell)
{
	struct play_view view = { 0 };

	for (size_t i = 0; i < client_gcc.entries.n; i++) {
		const struct compiler_entry *t = &client_gcc.entries.v[i];
		struct wire_entry *e = play_entry(
			c, &view, t->path, (enum wire_inode_kind)t->kind);

		e->inode.executable = t->executable;
		e->inode.size = t->size_bytes;
		e->inode.mtime_ns = t->mtime_ns;
		e->inode.digest = t->digest;
		e->inode.target = t->target ? xstrdup(t->target) : NULL;
	}
	play_send_view(c, cell, WIRE_PART_TOOLCHAIN_END, &view);
}

/* Make a sandbox that is ready to compile. */
static inline void play_cell(struct client *c, unsigned cell)
{
	const struct wire_have *have;

	play_send_cell(c, cell, &client_gcc.id);
	play_send_tools(c, cell);
	have = client_wait_have(c, cell, 1);
	ck_assert_msg(have->state == WIRE_HAVE_READY, "refused: %s",
		      have->detail);
}

/* ---------------------------------------------------------------- jobs */

/* Parse the flags of a job: NAME, or NAME VALUE, separated by a blank. */
static inline struct wire_flag *play_flags(const char *const *flags, size_t *n)
{
	struct wire_flag *v = xcalloc(64, sizeof(*v));

	*n = 0;
	for (; flags && *flags; flags++) {
		const char *blank = strchr(*flags, ' ');

		v[*n].name = xstrndup(*flags, strcspn(*flags, " "));
		v[(*n)++].value = blank ? blank + 1 : NULL;
	}
	return v;
}

static inline void play_flags_release(struct wire_flag *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)v[i].name);
	free(v);
}

/* Make a JOB of sandbox 0 for play_send_job(), and send its flags. */
static inline struct wire_job play_job(struct client *c, unsigned number,
				       enum wire_lang lang,
				       const char *const *flags)
{
	struct wire_job m = { .job = number,
			      .view = c->last_view[0],
			      .lang = (uint8_t)lang,
			      .deadline_ms = 60000,
			      .cwd = play_path(c, ROOT),
			      .source = xstrdup("a.c"),
			      .object = xstrdup("a.o") };
	struct buf body = { 0 };
	struct wire_flag *v;
	size_t n;

	v = play_flags(flags, &n);
	ck_assert_int_eq(wire_flags_encode_job(c->flags, &m, v, n), 0);
	play_flags_release(v, n);
	play_send_paths(c);
	while (wire_flags_put_new(c->flags, &body))
		client_send(c, WIRE_FLAGS, &body);
	return m;
}

static inline void play_send_job(struct client *c, struct wire_job *m)
{
	struct buf body = { 0 };

	wire_job_encode_at(&body, m, client_version(c));
	client_send(c, WIRE_JOB, &body);
	wire_job_release(m);
}

/* Return the language of a source by its name. */
static inline enum wire_lang play_lang(const char *source)
{
	if (str_ends(source, ".s"))
		return WIRE_LANG_PLAIN_ASM;
	return str_ends(source, ".S") ? WIRE_LANG_ASM : WIRE_LANG_C;
}

/* Send a whole job for `source` in ROOT, with the existing files. */
static inline void play_remote(struct client *c, unsigned number,
			       const char *source, const char *const *flags)
{
	struct wire_job m = play_job(c, number, play_lang(source), flags);

	free(m.source);
	m.source = xstrdup(source);
	play_send_job(c, &m);
}

static inline void play_cancel(struct client *c, unsigned job)
{
	struct buf body = { 0 };

	wire_number_encode(&body, job);
	client_send(c, WIRE_CANCEL, &body);
}

/*
 * Return a C source without diagnostics.  For 2,000 lines, gcc -O2 takes about
 * a second.
 */
static inline struct buf slow_source_of(int lines)
{
	struct buf text = { 0 };

	buf_add_str(&text, "# 1 \"slow.c\"\nint f(int *p, int a)\n{\n");
	for (int i = 0; i < lines; i++)
		buf_printf(
			&text,
			"if (p[%d] > a) a += p[a & %d] * %d; else a ^= %d;\n",
			i, i * 7 + 3, i + 5, i * 3);
	buf_add_str(&text, "return a;\n}\n");
	return text;
}

/* Return a C source that takes gcc -O2 longer than any test waits. */
static inline struct buf slow_source(void)
{
	return slow_source_of(20000);
}

#endif
