/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/store.c - A store that is damaged while its node is stopped or
 * running, and nodes that are killed.  The object is correct nevertheless.
 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char source[] =
	"#include \"x.h\"\nint f(int a) { return a * N; }\n";
static const char header[] = "#define N 42\n";

static struct file tree[] = {
	{ .path = "/tree/x.c",
	  .content = { (const uint8_t *)source, sizeof(source) - 1 } },
	{ .path = "/tree/x.h",
	  .content = { (const uint8_t *)header, sizeof(header) - 1 } },
};

static void compile(struct node *n, uint32_t cell, uint32_t view,
		    struct buf *object)
{
	struct wire_flag f = { "-O", "2" };
	struct order o = { .cell = cell,
			   .view = view,
			   .cwd = "/tree",
			   .source = "x.c",
			   .object = "x.o",
			   .flags = &f,
			   .n_flags = 1 };
	struct answer a;

	node_job(n, &o, 60000, &a);
	buf_reset(object);
	if (a.done && !a.failed && a.status == 0)
		buf_add_bytes(object, buf_bytes(&a.stream[WIRE_OUTPUT_OBJECT]));
	else
		fprintf(stderr, "no object: %s\n", a.reason ? a.reason : "");
	answer_release(&a);
}

/* Run a node from its start: sandbox, view, object. */
static void run(struct scene *s, struct buf *object)
{
	struct node *n = node_start(s->kfarmd);
	uint32_t cell = node_cell(n, &s->gcc, "/tree");

	if (node_view(n, cell, 2, WIRE_PART_SOURCES, tree, 2))
		compile(n, cell, 2, object);
	node_stop(n);
}

/* ------------------------------------------------------------ damage */

static int how;
static const char *canary;
static unsigned spoiled;

static int spoil(const char *path, const struct stat *st, int flag,
		 struct FTW *ftw)
{
	int fd;

	(void)ftw;
	/* The file name of a blob is its digest, or the end of it. */
	if (flag != FTW_F || strlen(strrchr(path, '/') + 1) < 60)
		return 0;
	spoiled++;
	chmod(path, 0644);
	fd = open(path, O_RDWR);
	switch (how) {
	case 0: /* one byte in the middle */
		if (pwrite(fd, "\x55", 1, st->st_size / 2) != 1)
			perror(path);
		break;
	case 1:
		if (ftruncate(fd, st->st_size / 2))
			perror(path);
		break;
	case 2:
		if (ftruncate(fd, 0))
			perror(path);
		break;
	case 3:
		unlink(path);
		if (symlink(canary, path))
			perror(path);
		break;
	case 4:
		unlink(path);
		mkdir(path, 0755);
		break;
	case 5:
		unlink(path);
		break;
	case 6:
		unlink(path);
		mkfifo(path, 0644);
		break;
	}
	close(fd);
	return 0;
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len && a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static void between(struct scene *s, const struct buf *right)
{
	static const char *const ways[] = {
		"one byte",    "cut in half", "empty",  "a link to the canary",
		"a directory", "removed",     "a fifo",
	};
	struct buf object = { 0 };

	canary = s->canary;
	for (how = 0; how < 7; how++) {
		char *name = xasprintf("store: each blob %s, then a new node",
				       ways[how]);

		spoiled = 0;
		nftw(s->store, spoil, 20, FTW_PHYS);
		run(s, &object);
		scene_result(s, name, spoiled > 10 && same(right, &object),
			     "%u blobs, %zu bytes of an object", spoiled,
			     object.len);
		free(name);
	}
	buf_release(&object);
}

/* Damage the blobs of a node with a sandbox, then request another sandbox. */
static void under(struct scene *s, const struct buf *right)
{
	struct node *n = node_start(s->kfarmd);
	uint32_t one = node_cell(n, &s->gcc, "/tree"), two;
	struct buf object = { 0 };

	node_view(n, one, 2, WIRE_PART_SOURCES, tree, 2);
	how = 0;
	nftw(s->store, spoil, 20, FTW_PHYS);
	compile(n, one, 2, &object);
	scene_result(s, "store: spoiled under a cell", same(right, &object),
		     "another object, or none");
	two = node_cell(n, &s->gcc, "/tree");
	node_view(n, two, 2, WIRE_PART_SOURCES, tree, 2);
	compile(n, two, 2, &object);
	scene_result(s, "store: spoiled, and a second cell",
		     same(right, &object), "another object, or none");
	node_stop(n);
	buf_release(&object);
}

/* Kill the node at several times during the toolchain upload. */
static void killed(struct scene *s, const struct buf *right)
{
	struct buf object = { 0 };

	for (unsigned ms = 1; ms < 400; ms *= 3) {
		char *name = xasprintf("store: killed after %u ms", ms);
		pid_t pid;

		how = 5;
		nftw(s->store, spoil, 20, FTW_PHYS);
		pid = fork();
		if (pid == 0) {
			struct node *n = node_start(s->kfarmd);

			if (fork() == 0) {
				usleep(ms * 1000);
				kill(n->pid, SIGKILL);
				_exit(0);
			}
			if (!freopen("/dev/null", "w", stderr))
				_exit(1);
			node_cell(n, &s->gcc, "/tree");
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		run(s, &object);
		scene_result(s, name, same(right, &object),
			     "another object, or none");
		free(name);
	}
	buf_release(&object);
}

/* The comparison detects the object of another header. */
static void controls(struct scene *s, const struct buf *right)
{
	struct bytes honest = tree[1].content;
	struct buf object = { 0 };

	scene_control(s);
	tree[1].content = bytes_str("#define N 43\n");
	run(s, &object);
	tree[1].content = honest;
	scene_result(s, "store: another header", same(right, &object),
		     "differs");
	scene_control_end(s, "another object");
	buf_release(&object);
}

void attack_store(struct scene *s)
{
	struct buf right = { 0 };

	run(s, &right);
	scene_result(s, "store: the object", right.len > 0, "there is none");
	controls(s, &right);
	between(s, &right);
	under(s, &right);
	killed(s, &right);
	buf_release(&right);
}
