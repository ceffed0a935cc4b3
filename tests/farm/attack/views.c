/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/views.c - False messages about files: views, blobs, paths and indexes.
 * The node ends the session, refuses the sandbox or fails the job.  It neither
 * crashes nor goes silent, and the false content never becomes a file.
 */
#include "client.h"

#include "base/fs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct lie {
	struct scene *s;
	struct node *n;
	uint32_t cell;
	const char *name;
};

static struct bytes text(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

/* Return true if the node still runs or has exited regularly. */
static bool lives(struct node *n)
{
	int status;

	if (waitpid(n->pid, &status, WNOHANG) == 0)
		return true;
	return WIFEXITED(status); /* it sent BYE and exited */
}

static void begin(struct lie *l, const char *name)
{
	l->name = name;
	l->n = node_start(l->s->kfarmd);
	l->cell = node_cell(l->n, &l->s->gcc, "/tree");
}

/* End a case: the session, the sandbox or the job must have failed. */
static void end(struct lie *l, bool refused)
{
	if (!refused)
		refused = node_wait(l->n, node_is_over, 3000) ||
			  (l->n->has_have &&
			   l->n->have.state != WIRE_HAVE_READY);
	scene_result(l->s, l->name, refused && lives(l->n) && !l->n->silent,
		     "%s%s", refused ? "refused" : "taken",
		     l->n->silent ? ", and the node was silent" : "");
	node_stop(l->n);
}

/* Return true if a job in that sandbox fails. */
static bool job_fails(struct lie *l, uint32_t view)
{
	struct wire_flag f = { "-O", "2" };
	struct order o = { .cell = l->cell,
			   .view = view,
			   .cwd = "/tree",
			   .source = "x.c",
			   .object = "x.o",
			   .flags = &f,
			   .n_flags = 1,
			   .deadline_ms = 8000 };
	struct answer a;
	bool fails;

	node_job(l->n, &o, 20000, &a);
	fails = !a.done || a.failed || a.status != 0;
	answer_release(&a);
	return fails;
}

static void view_lie(struct scene *s, const char *name, const struct file *f,
		     size_t n)
{
	struct lie l = { .s = s };

	begin(&l, name);
	node_view(l.n, l.cell, 2, WIRE_PART_SOURCES, f, n);
	end(&l, l.n->over || job_fails(&l, 2));
}

/* A valid view is accepted, and its job succeeds. */
static void controls(struct scene *s)
{
	struct file f = { .path = "/tree/x.c", .content = text("int x;\n") };
	struct lie l = { .s = s };

	scene_control(s);
	view_lie(s, "view: the truth", &f, 1);
	scene_control_end(s, "a view that is taken");
	scene_control(s);
	begin(&l, "view: a node that dies");
	kill(l.n->pid, SIGKILL);
	node_wait(l.n, node_is_over, 5000);
	usleep(100000);
	end(&l, true);
	scene_control_end(s, "a node that dies");
}

static void odd_views(struct scene *s)
{
	struct file both[] = {
		{ .path = "/tree/x.c", .content = text("int x;\n") },
		{ .path = "/tree/a", .content = text("1") },
		{ .path = "/tree/a/b", .content = text("2") },
	};
	struct file through[] = {
		{ .path = "/tree/x.c", .content = text("int x;\n") },
		{ .path = "/tree/l",
		  .kind = WIRE_INODE_SYMLINK,
		  .target = "/" },
		{ .path = "/tree/l/etc/passwd", .content = text("x") },
	};
	struct file device[] = { { .path = "/dev/null",
				   .content = text("x") } };
	struct file place[] = { { .path = "/.kfarm/out/x",
				  .content = text("x") } };
	struct file tool[] = { { .path = s->gcc.driver,
				 .content = text("x") } };
	struct file gone[] = { { .path = "/usr", .kind = WIRE_INODE_ABSENT } };
	struct file link[] = { { .path = "/usr",
				 .kind = WIRE_INODE_SYMLINK,
				 .target = "/tree" } };

	view_lie(s, "view: a file below a file", both, 3);
	view_lie(s, "view: a file through a link", through, 3);
	view_lie(s, "view: a device as a file", device, 1);
	view_lie(s, "view: a file in the jobs' own place", place, 1);
	view_lie(s, "view: another compiler", tool, 1);
	view_lie(s, "view: the toolchain removed", gone, 1);
	view_lie(s, "view: the toolchain's directory a link", link, 1);
}

/*
 * Send a body that the encoders never produce.  `may`: it can pass as a late
 * message about something that has ended, and then has no effect.
 */
static void raw_lie(struct scene *s, const char *name, uint16_t type,
		    struct buf *body, bool may)
{
	struct lie l = { .s = s };

	begin(&l, name);
	node_send(l.n, type, buf_bytes(body));
	buf_release(body);
	if (may)
		node_wait(l.n, node_is_over, 500);
	end(&l, may);
}

static void raw_paths(struct scene *s)
{
	static const char *const paths[] = {
		"/../etc/passwd", "/a/../../etc", "etc/passwd", "/a//b",
		"/a/./b",         "/a/",          "/",          "",
		"/a/..",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct buf b = { 0 };
		char *name = xasprintf("path: \"%s\"", paths[i]);

		/*
		 * The next index is known, because sandboxes send no paths
		 * before.
		 */
		buf_put_u32(&b, 0);
		buf_put_u32(&b, 1);
		buf_put_u16(&b, 0);
		buf_put_str(&b, paths[i]);
		raw_lie(s, name, WIRE_PATHS, &b, false);
		free(name);
	}
}

static void raw_numbers(struct scene *s)
{
	static const uint8_t noise[64] = { 1, 2, 3 };
	struct wire_view v = { .cell = 77, .view = 1 };
	struct wire_cell c = { .cell = 1, .driver = (char *)"/usr/bin/gcc" };
	struct buf b = { 0 };

	wire_view_encode(&b, &v);
	raw_lie(s, "numbers: a view of no cell", WIRE_VIEW, &b, true);
	v = (struct wire_view){ .cell = 1, .view = 7 };
	wire_view_encode(&b, &v);
	raw_lie(s, "numbers: a view out of order", WIRE_VIEW, &b, false);
	wire_cell_encode(&b, &c);
	raw_lie(s, "numbers: a cell twice", WIRE_CELL, &b, false);
	for (uint16_t type = 0; type < 24; type++) {
		char *name = xasprintf("noise as message %u", type);

		buf_add(&b, noise, sizeof(noise));
		raw_lie(s, name, type, &b, false);
		free(name);
	}
}

/* ---------------------------------------------------------------- blobs */

static void wrong_digest(struct scene *s)
{
	struct lie l = { .s = s };
	struct file f = { .path = "/tree/x.c", .content = text("int x;\n") };
	struct wire_entry e;
	struct wire_view v = {
		.cell = 1, .view = 2, .n_entries = 1, .entries = &e
	};
	struct wire_blob m = { .size = 7, .data = text("int y;\n") };
	struct buf b = { 0 };

	begin(&l, "blob: another content than its digest says");
	/* The store must not have the blob yet. */
	f.content = text("int x; /* wrong */\n");
	file_entry(l.n, &f, &e);
	node_path(l.n, "/tree/x.c");
	v.cell = l.cell;
	wire_view_encode(&b, &v);
	wire_have_release(&l.n->have);
	l.n->has_have = l.n->needed = false;
	node_send(l.n, WIRE_VIEW, buf_bytes(&b));
	node_wait(l.n, node_has_need, 10000);
	m.digest = e.inode.digest;
	m.size = e.inode.size;
	m.data = text("int y; /* wrong */\n");
	buf_reset(&b);
	wire_blob_encode(&b, &m);
	node_send(l.n, WIRE_BLOB, buf_bytes(&b));
	buf_release(&b);
	end(&l, false);
}

/* A size of 1 GiB, for each of 60,000 files: 60 TiB. */
static void bomb(struct scene *s)
{
	enum {
		FILES = 60000
	};
	struct lie l = { .s = s };
	struct wire_entry *e = xcalloc(FILES, sizeof(*e));
	struct wire_view v = { .view = 2, .n_entries = FILES, .entries = e };
	struct buf b = { 0 };

	begin(&l, "blob: 60,000 files of 1 GiB");
	for (uint32_t i = 0; i < FILES; i++) {
		char *path = xasprintf("/tree/bomb/%u", i);

		wire_paths_add(l.n->paths, path, &e[i].path);
		e[i].inode.size = 1ull << 30;
		memcpy(e[i].inode.digest.b, &i, sizeof(i));
		free(path);
	}
	node_path(l.n, "/tree/bomb/end");
	v.cell = l.cell;
	wire_view_encode(&b, &v);
	node_send(l.n, WIRE_VIEW, buf_bytes(&b));
	buf_release(&b);
	free(e);
	/*
	 * The node can wait for the first of them, but stores nothing and sends
	 * heartbeats.
	 */
	node_wait(l.n, node_is_over, 3000);
	end(&l, true);
}

/* Many directories: the node keeps sending heartbeats while it creates them. */
static void many(struct scene *s, unsigned views, unsigned each)
{
	struct lie l = { .s = s };
	struct wire_entry *e = xcalloc(each, sizeof(*e));
	char *name = xasprintf("view: %u directories", views * each);
	struct buf b = { 0 };

	begin(&l, name);
	for (unsigned k = 0; k < views && !l.n->over; k++) {
		struct wire_view v = { .cell = l.cell,
				       .view = 2 + k,
				       .n_entries = each,
				       .entries = e };

		for (uint32_t i = 0; i < each; i++) {
			char *path = xasprintf("/tree/%u/%u/%u/x", k, i % 500,
					       i);

			e[i] = (struct wire_entry){
				.inode.kind = WIRE_INODE_DIR
			};
			wire_paths_add(l.n->paths, path, &e[i].path);
			free(path);
		}
		node_path(l.n, "/tree");
		buf_reset(&b);
		wire_view_encode(&b, &v);
		node_send(l.n, WIRE_VIEW, buf_bytes(&b));
	}
	node_wait(l.n, node_is_over, 8000);
	end(&l, true);
	buf_release(&b);
	free(name);
	free(e);
}

static void floods(struct scene *s)
{
	struct lie l = { .s = s };
	struct wire_cell c = { .driver = (char *)"/bin/x" };
	struct buf b = { 0 };

	begin(&l, "flood: 5,000 cells");
	for (uint32_t i = 0; i < 5000 && !l.n->over; i++) {
		c.cell = 1000 + i;
		buf_reset(&b);
		wire_cell_encode(&b, &c);
		node_send(l.n, WIRE_CELL, buf_bytes(&b));
	}
	node_wait(l.n, node_is_over, 3000);
	end(&l, true);
	begin(&l, "flood: 20,000 jobs");
	for (uint32_t i = 0; i < 20000 && !l.n->over; i++) {
		struct wire_flag f = { "-O", "2" };
		struct order o = { .cell = l.cell,
				   .view = 1,
				   .cwd = "/tree",
				   .source = "x.c",
				   .object = "x.o",
				   .flags = &f,
				   .n_flags = 1 };

		node_job_send(l.n, &o);
	}
	node_wait(l.n, node_is_over, 3000);
	end(&l, true);
	buf_release(&b);
}

/* A toolchain that does not match its identity. */
static void identity(struct scene *s)
{
	struct lie l = { .s = s,
			 .name = "toolchain: another identity",
			 .n = node_start(s->kfarmd),
			 .cell = 5 };
	struct wire_cell c = { .cell = 5,
			       .driver = (char *)"/bin/x",
			       .toolchain = s->gcc.id };
	struct file f = { .path = "/bin/x",
			  .executable = true,
			  .from = s->evil };
	struct buf b = { 0 };

	wire_cell_encode(&b, &c);
	node_send(l.n, WIRE_CELL, buf_bytes(&b));
	buf_release(&b);
	node_view(l.n, 5, 1, WIRE_PART_TOOLCHAIN_END, &f, 1);
	node_wait(l.n, node_has_have, 10000);
	end(&l, false);
}

void attack_views(struct scene *s)
{
	controls(s);
	odd_views(s);
	raw_paths(s);
	raw_numbers(s);
	wrong_digest(s);
	bomb(s);
	identity(s);
	floods(s);
	many(s, 2, 50000);
	many(s, 16, 60000);
}
