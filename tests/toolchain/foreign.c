/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client that installs a toolchain on a node and compiles with it.
 *
 *	foreign TREE ID HOST DRIVER SOURCE OBJECT KFARMD...
 *
 * TREE is the toolchain's directory, DRIVER a path below it, HOST the machine
 * that it runs on.  The client's path of the toolchain is /client/tools.
 * SOURCE is compiled with -O2 -g, and the node's object is written to OBJECT.
 */
#include "../farm/attack/client.h"

#include "base/fs.h"
#include "toolchain/dir-digest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void fail(const struct node *n, const char *what, const char *why)
{
	fprintf(stderr, "foreign: %s: %s\n", what,
		n && n->bye ? n->bye :
		why         ? why :
			      "no answer");
	exit(1);
}

static void keep(struct node *n, const char *tree, const char *id,
		 const char *host)
{
	struct compiler_entries all;
	struct err err = { 0 };
	struct file *files;
	struct bundle g = { .id = id, .host = host };

	if (toolchain_dir_digest_read(&all, tree, NULL, &err))
		fail(NULL, tree, err.text);
	files = xcalloc(all.n, sizeof(*files));
	for (size_t i = 0; i < all.n; i++) {
		const struct compiler_entry *e = &all.v[i];

		files[i] = (struct file){
			.path = e->path,
			.kind = (enum wire_inode_kind)e->kind,
			.executable = e->executable,
			.from = e->kind == COMPILER_ENTRY_FILE ?
					xasprintf("%s/%s", tree, e->path) :
					NULL,
			.target = e->target,
		};
	}
	g.files = files;
	g.n = all.n;
	node_bundle(n, &g);
	if (!node_wait(n, node_has_have, 300000) ||
	    n->have.state != WIRE_HAVE_READY)
		fail(n, "not kept", n->has_have ? n->have.detail : NULL);
	printf("kept %zu files\n", all.n);
}

static void compile(struct node *n, uint32_t cell, const char *source,
		    const char *object)
{
	static const struct wire_flag flags[] = { { "-O", "2" },
						  { "-g", NULL } };
	struct file f = { .path = "/tree/x.c", .from = source };
	struct order o = { .cell = cell,
			   .view = 2,
			   .cwd = "/tree",
			   .source = "x.c",
			   .object = "x.o",
			   .flags = flags,
			   .n_flags = 2 };
	struct answer a;
	struct err err = { 0 };

	if (!node_view(n, cell, 2, WIRE_PART_SOURCES, &f, 1))
		fail(n, "no view", NULL);
	node_job(n, &o, 300000, &a);
	if (!a.done || a.failed || a.status)
		fail(n, "no object",
		     a.reason ? a.reason :
				buf_str(&a.stream[WIRE_OUTPUT_STDERR]));
	if (fs_write(object, buf_bytes(&a.stream[WIRE_OUTPUT_OBJECT]), 0600,
		     &err))
		fail(NULL, object, err.text);
	printf("%s", buf_str(&a.stream[WIRE_OUTPUT_DEPS]));
	answer_release(&a);
}

int main(int argc, char **argv)
{
	struct node *n;
	uint32_t cell;
	char *driver;

	if (argc < 8)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	n = node_start(argv + 7);
	keep(n, argv[1], argv[2], argv[3]);
	driver = xasprintf("/client/tools/%s", argv[4]);
	if (!node_cell_kept(n, driver, argv[2], "/tree", &cell))
		fail(n, "no cell", n->has_have ? n->have.detail : NULL);
	printf("content %s\n", n->have.detail);
	compile(n, cell, argv[5], argv[6]);
	free(driver);
	node_stop(n);
	return 0;
}
