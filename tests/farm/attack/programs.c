/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/programs.c - A client whose "toolchain" is evil.c: its attacks fail,
 * other sandboxes keep working, and the node stays up.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const ways[] = {
	"read.c",       "descriptors.c", "climb.c",          "write.c",
	"flood-out.c",  "flood-tmp.c",   "flood-slashtmp.c", "out-link.c",
	"out-canary.c", "out-fifo.c",    "out-dir.c",        "out-hard.c",
	"out-socket.c", "out-sparse.c",  "out-holes.c",      "sockets.c",
	"processes.c",  "calls.c",       "forks.c",          "memory.c",
	"daemon.c",     "talk.c",        "neighbours.c",     "neighbours.c",
	"sleep.c",      "spin.c",        "stop.c",
};

/* Open an abstract socket of this machine, which no job must reach. */
static int abstract_socket(void)
{
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(u.sun_path, "\0kfarm-attack", 13);
	if (bind(fd, (void *)&u, 2 + 13) == 0)
		listen(fd, 1);
	return fd;
}

/* Return true if a valid job in another sandbox of the node still succeeds. */
static bool honest(struct scene *s, struct node *n, uint32_t gcc)
{
	struct wire_flag f = { "-O", "2" };
	struct order o = { .cell = gcc,
			   .view = 2,
			   .cwd = "/tree",
			   .source = "x.c",
			   .object = "x.o",
			   .flags = &f,
			   .n_flags = 1 };
	struct answer a;
	bool good;

	if (s->control)
		o.source = "nosuch.c";
	node_job(n, &o, 60000, &a);
	good = a.done && !a.failed && a.status == 0 &&
	       a.stream[WIRE_OUTPUT_OBJECT].len > 100;
	answer_release(&a);
	return good;
}

static void one(struct scene *s, struct node *n, uint32_t evil, uint32_t gcc,
		const char *way)
{
	struct wire_flag f = { "-O", "2" };
	struct order o = { .cell = evil,
			   .view = 2,
			   .cwd = "/tree",
			   .source = way,
			   .object = "x.o",
			   .flags = &f,
			   .n_flags = 1,
			   .deadline_ms = 8000 };
	char *name = xasprintf("program: %s", way);
	const char *what;
	struct answer a;

	node_job(n, &o, 90000, &a);
	what = a.stream[WIRE_OUTPUT_STDERR].len ?
		       strstr(buf_str(&a.stream[WIRE_OUTPUT_STDERR]), "GOT ") :
		       NULL;
	if (!scene_leaks(s, name, n, &a))
		scene_result(s, name, a.done && !n->over && !what, "%.60s",
			     what    ? what :
			     n->over ? "the node is gone" :
				       "no answer");
	if (what && !s->control) {
		fwrite(a.stream[WIRE_OUTPUT_STDERR].data, 1,
		       a.stream[WIRE_OUTPUT_STDERR].len < 4096 ?
			       a.stream[WIRE_OUTPUT_STDERR].len :
			       4096,
		       stdout);
		s->leaks++;
	}
	answer_release(&a);
	free(name);
	if (n->over || s->control)
		return;
	name = xasprintf("program: a job after %s", way);
	scene_result(s, name, honest(s, n, gcc), "it is not done");
	free(name);
}

static void controls(struct scene *s, struct node *n, uint32_t evil,
		     uint32_t gcc)
{
	static const char *const leaks[][2] = {
		{ "leak-words.c", "a program that says GOT" },
		{ "leak-stderr.c", "a secret in what a program says" },
		{ "leak-object.c", "a secret in an object" },
	};

	for (size_t i = 0; i < sizeof(leaks) / sizeof(*leaks); i++) {
		scene_control(s);
		one(s, n, evil, gcc, leaks[i][0]);
		scene_control_end(s, leaks[i][1]);
	}
	scene_control(s);
	scene_result(s, "program: an honest job", honest(s, n, gcc), "none");
	scene_control_end(s, "a neighbour's job that fails");
}

/* A job is cancelled while it sleeps, or the client disconnects. */
static void cancelled(struct scene *s, struct node *n, uint32_t evil)
{
	struct wire_flag f = { "-O", "2" };
	struct order o = { .cell = evil,
			   .view = 2,
			   .cwd = "/tree",
			   .source = "sleep.c",
			   .object = "x.o",
			   .flags = &f,
			   .n_flags = 1 };
	struct buf b = { 0 };
	uint32_t job = node_job_send(n, &o);

	node_wait(n, NULL, 500);
	wire_number_encode(&b, job);
	node_send(n, WIRE_CANCEL, buf_bytes(&b));
	buf_release(&b);
	node_wait(n, NULL, 300);
	scene_result(s, "program: cancelled in its sleep", !n->over,
		     "the node is gone");
}

void attack_programs(struct scene *s)
{
	static const char source[] = "int x;\n";
	struct node *n = node_start(s->kfarmd);
	uint32_t evil = node_cell_of(n, "/tool/bin/evil", s->evil, "/tree");
	uint32_t gcc = node_cell(n, &s->gcc, "/tree");
	struct file files[] = {
		{ .path = "/tree/other.c",
		  .content = { (const uint8_t *)source, 7 } },
		{ .path = "/tree/to-canary",
		  .kind = WIRE_INODE_SYMLINK,
		  .target = s->canary },
		{ .path = "/tree/x.c",
		  .content = { (const uint8_t *)source, 7 } },
		{ .path = "/tree/planted",
		  .content = { (const uint8_t *)s->secret,
			       strlen(s->secret) } },
	};
	int fd = abstract_socket();

	node_view(n, evil, 2, WIRE_PART_SOURCES, files, 4);
	node_view(n, gcc, 2, WIRE_PART_SOURCES, files, 3);
	scene_result(s, "program: an honest job before", honest(s, n, gcc),
		     "it is not done");
	controls(s, n, evil, gcc);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways) && !n->over; i++)
		one(s, n, evil, gcc, ways[i]);
	if (!n->over)
		cancelled(s, n, evil);
	close(fd);
	node_stop(n);
}
