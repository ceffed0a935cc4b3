/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kfarmd-bundle.h - Toolchains for the tests of installation on a
 * node: a small one of a few files, and a relocatable gcc.
 */
#ifndef AGENT_BUNDLE_TEST_H
#define AGENT_BUNDLE_TEST_H

#include "../lib/test.h"
#include "kfarmd-node.h"
#include "toolchain/dir-digest.h"

#define KEEP_JSON "{\"id\": \"test\"}\n"

/* A toolchain that can be sent. */
struct bundle {
	const char *id;
	char *host;
	struct compiler_entries entries;
	struct digest tree;
};

static inline void bundle_release(struct bundle *g)
{
	free(g->host);
	compiler_entries_release(&g->entries);
	*g = (struct bundle){ 0 };
}

/* Make a bundle of a directory, whose files can be sent from now on. */
static inline struct bundle bundle_of(const char *id, const char *host,
				      const char *dir)
{
	struct bundle g = { .id = id, .host = xstrdup(host) };
	struct err err;

	must(toolchain_dir_digest_read(&g.entries, dir, NULL, &err));
	for (size_t i = 0; i < g.entries.n; i++) {
		const struct compiler_entry *e = &g.entries.v[i];
		char *path = xasprintf("%s/%s", dir, e->path);
		struct buf content = { 0 };

		if (e->kind == COMPILER_ENTRY_FILE) {
			must(fs_read(path, 1u << 30, &content, &err));
			play_blob(buf_bytes(&content));
		}
		buf_release(&content);
		free(path);
	}
	toolchain_dir_digest_compute(&g.entries, &g.tree);
	return g;
}

static inline struct compiler_entry *bundle_file(struct bundle *g,
						 const char *path,
						 const char *content)
{
	struct compiler_entry *e = toolchain_dir_digest_add_entry(&g->entries,
								  path);

	e->kind = COMPILER_ENTRY_FILE;
	e->size_bytes = strlen(content);
	e->mtime_ns = 1600000000123456789;
	e->digest = play_blob(bytes_str(content));
	return e;
}

static inline void bundle_link(struct bundle *g, const char *path,
			       const char *target)
{
	struct compiler_entry *e = toolchain_dir_digest_add_entry(&g->entries,
								  path);

	e->kind = COMPILER_ENTRY_SYMLINK;
	e->target = xstrdup(target);
}

/* Make a bundle of a few files; `word` changes its content. */
static inline struct bundle bundle_small(const char *id, const char *host,
					 const char *word)
{
	struct bundle g = { .id = id, .host = xstrdup(host) };

	bundle_file(&g, "t/bin/x-gcc", word)->executable = true;
	bundle_link(&g, "t/bin/x-cc", "x-gcc");
	bundle_file(&g, "t/include/a.h", "int a;\n");
	bundle_file(&g, "t/include/empty.h", "");
	toolchain_dir_digest_add_entry(&g.entries, "t/tmp")->kind =
		COMPILER_ENTRY_DIR;
	toolchain_dir_digest_sort_entries(&g.entries);
	toolchain_dir_digest_compute(&g.entries, &g.tree);
	return g;
}

/* Send only BUNDLE. */
static inline void bundle_open(struct client *c, const struct bundle *g,
			       unsigned number)
{
	struct wire_bundle m = { .bundle = number,
				 .id = (char *)g->id,
				 .host = g->host,
				 .dir_digest = g->tree,
				 .metadata = (char *)KEEP_JSON };
	struct buf body = { 0 };

	wire_bundle_encode(&body, &m);
	client_send(c, WIRE_BUNDLE, &body);
}

/* Send one VIEW with these entries, unchanged. */
static inline void bundle_send_some(struct client *c, const struct bundle *g,
				    unsigned number, size_t at, size_t n,
				    bool last)
{
	struct play_view view = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct compiler_entry *e = &g->entries.v[at + i];
		char *path = xasprintf("/%s", e->path);
		struct wire_inode *inode =
			&play_entry(c, &view, path,
				    (enum wire_inode_kind)e->kind)
				 ->inode;

		inode->executable = e->executable;
		inode->size = e->size_bytes;
		inode->mtime_ns = e->mtime_ns;
		inode->digest = e->digest;
		inode->target = e->target ? xstrdup(e->target) : NULL;
		free(path);
	}
	play_send_view(c, number,
		       last ? WIRE_PART_TOOLCHAIN_END : WIRE_PART_TOOLCHAIN,
		       &view);
}

/* Send all entries, in VIEWs of at most `most` entries. */
static inline void bundle_send(struct client *c, const struct bundle *g,
			       unsigned number, size_t most)
{
	size_t at = 0;

	bundle_open(c, g, number);
	do {
		size_t n = g->entries.n - at;

		if (n > most)
			n = most;
		bundle_send_some(c, g, number, at, n, at + n == g->entries.n);
		at += n;
	} while (at < g->entries.n);
}

/* Check that the node installs it. */
static inline void bundle_is_kept(struct client *c, const struct bundle *g,
				  unsigned number)
{
	const struct wire_have *have = client_wait_have(c, number, 1);
	char hex[DIGEST_HEX];

	ck_assert_msg(have->state == WIRE_HAVE_READY, "%s", have->detail);
	digest_format(&g->tree, hex);
	ck_assert_str_eq(have->detail, hex);
}

static inline void bundle_deliver(struct client *c, const struct bundle *g,
				  unsigned number)
{
	bundle_send(c, g, number, 1000);
	bundle_is_kept(c, g, number);
}

static inline void bundle_refused(struct client *c, unsigned number,
				  const char *word)
{
	const struct wire_have *have = client_wait_have(c, number, 1);

	ck_assert_uint_eq(have->state, WIRE_HAVE_REFUSED);
	ck_assert_msg(strstr(have->detail, word), "it said: %s", have->detail);
}

static inline const struct wire_held *tools_ask(struct client *c, bool verify)
{
	struct wire_tools m = { .request_id = 77, .verify = verify };
	struct buf body = { 0 };

	c->has_held = false;
	wire_tools_encode(&body, &m);
	client_send(c, WIRE_TOOLS, &body);
	client_wait(&c->has_held);
	ck_assert_uint_eq(c->held.request_id, 77);
	return &c->held;
}

static inline const struct wire_dropped *tools_drop(struct client *c,
						    unsigned ask,
						    const char *id)
{
	struct wire_drop m = { .request_id = ask, .id = (char *)id };
	struct buf body = { 0 };

	wire_drop_encode(&body, &m);
	client_send(c, WIRE_DROP, &body);
	client_wait(&c->has_dropped[ask]);
	return &c->dropped[ask];
}

/* ------------------------------------------------------------ a real gcc */

static inline char *gcc_says(const char *word)
{
	char *argv[] = { (char *)GCC, (char *)word, NULL };
	struct buf out = output_of(argv);

	while (out.len && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	return buf_steal(&out);
}

/*
 * Copy this machine's gcc, cc1, its headers and as to DIR/t in the layout of
 * published compilers: x-gcc finds its parts relative to itself.
 */
static inline void gcc_copy(const char *dir)
{
	char *cc1 = gcc_says("-print-prog-name=cc1"), *lib = str_dir(cc1);
	char *include = gcc_says("-print-file-name=include");
	char *machine = gcc_says("-dumpmachine");
	/*
	 * /usr/lib/gcc/MACHINE/12 becomes lib/gcc/MACHINE/12 below the prefix.
	 */
	char *line = xasprintf(
		"set -e; cd '%s'; mkdir -p t/bin t/%s/bin \"t/${1#/usr/}\"; "
		"cp \"$(readlink -f %s)\" t/bin/x-gcc; ln -s x-gcc t/bin/x-cc; "
		"cp -L \"$(command -v as)\" t/%s/bin/as; "
		"cp '%s' \"t/${1#/usr/}/\"; "
		"cp -rL '%s' \"t/${1#/usr/}/include\"",
		dir, machine, GCC, machine, cc1, include);
	char *argv[] = { (char *)"sh", (char *)"-c", line,
			 (char *)"sh", lib,          NULL };
	struct buf out = output_of(argv);

	buf_release(&out);
	free(line);
	free(machine);
	free(include);
	free(lib);
	free(cc1);
}

#endif
