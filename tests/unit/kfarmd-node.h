/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kfarmd-node.h - A kfarmd for tests: the program $KFARMD
 * (build/kfarmd), with a store that already contains the toolchain.
 */
#ifndef AGENT_NODE_H
#define AGENT_NODE_H

#include "base/spawn.h"
#include "kfarmd-fixture.h"
#include "store/store.h"

#include "../lib/store-put.h"
#include "../lib/test.h"

#include <dirent.h>
#include <sys/socket.h>

/* A kfarmd with --stdio, its client, and a sandbox 0 in it. */
struct node {
	pid_t pid;
	struct client c;
};

static char *node_store; /* shared by all nodes of a program */

static inline char *node_dir(void)
{
	char *dir = xstrdup("/tmp/check_agent.XXXXXX");

	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

static inline void node_remove(char *dir)
{
	struct err err = { 0 };

	must(fs_remove(dir, &err));
	free(dir);
}

static inline const char *kfarmd_path(void)
{
	const char *path = getenv("KFARMD");

	return path ? path : "build/kfarmd";
}

/*
 * Start kfarmd with these words, preceded by --store unless `store` is NULL.
 * `fd` becomes its descriptors 0 and 1.
 */
static inline pid_t kfarmd_start(const char *store, int fd,
				 const char *const *words)
{
	struct strv argv = { 0 };
	struct spawn what = { .own_group = true,
			      .stdio_fds = { fd, fd, getenv("V") ? 2 : -1 } };
	struct err err = { 0 };
	pid_t pid = 0;

	strv_add(&argv, kfarmd_path());
	if (store) {
		strv_add(&argv, "--store");
		strv_add(&argv, store);
	}
	for (; *words; words++)
		strv_add(&argv, *words);
	what.argv = argv.v;
	must(spawn_start(&what, &pid, &err));
	strv_release(&argv);
	return pid;
}

/*
 * Start a node with --stdio and further arguments, if any; without a sandbox.
 */
static inline void node_start_bare(struct node *n, const char *store,
				   const char *const *more)
{
	struct strv words = { 0 };
	int fd[2];

	memset(n, 0, sizeof(*n));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd),
			 0);
	strv_add(&words, "--stdio");
	for (; more && *more; more++)
		strv_add(&words, *more);
	n->pid = kfarmd_start(store, fd[1], (const char *const *)words.v);
	strv_release(&words);
	close(fd[1]);
	client_attach(&n->c, fd[0]);
	client_greet(&n->c);
	client_wait(&n->c.has_fit);
}

static inline void node_start(struct node *n, const char *const *more)
{
	node_start_bare(n, node_store, more);
	ck_assert_msg(n->c.fit.usable, "not fit: %s", n->c.fit.reason);
	play_cell(&n->c, 0);
}

static inline pid_t parent_of(pid_t pid)
{
	char *path = xasprintf("/proc/%d/stat", (int)pid);
	struct buf stat = { 0 };
	struct err err;
	const char *at;
	pid_t parent = 0;

	if (!fs_read(path, 4096, &stat, &err)) {
		at = strrchr(buf_str(&stat), ')');
		parent = at && at[1] ? atoi(at + 3) : 0;
	}
	buf_release(&stat);
	free(path);
	return parent;
}

/* Return true if `pid` is at least `depth` generations below `top`. */
static inline bool is_below(pid_t pid, pid_t top, unsigned depth)
{
	for (unsigned i = 0; pid > 1; i++) {
		if (pid == top)
			return i >= depth;
		pid = parent_of(pid);
	}
	return false;
}

/* Count processes that many generations below kfarmd: 1 for sandbox inits. */
static inline unsigned count_below(pid_t top, unsigned depth)
{
	DIR *d = opendir("/proc");
	unsigned n = 0;
	struct dirent *e;

	while ((e = readdir(d))) {
		pid_t pid = atoi(e->d_name);

		n += pid > 1 && is_below(pid, top, depth);
	}
	closedir(d);
	return n;
}

/* Count the jobs' processes: the children of a sandbox init and theirs. */
static inline unsigned count_workers(const struct node *n)
{
	return count_below(n->pid, 2);
}

static inline void wait_workers(const struct node *n, bool some)
{
	uint64_t deadline = clock_ms() + CLIENT_MS;

	while ((count_workers(n) > 0) != some && clock_ms() < deadline)
		client_idle(10);
	ck_assert_int_eq((count_workers(n) > 0), some);
}

/* Count the entries below `dir` that are not directories. */
static inline unsigned count_files(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path;

		if (str_equal(e->d_name, ".") || str_equal(e->d_name, ".."))
			continue;
		path = xasprintf("%s/%s", dir, e->d_name);
		n += e->d_type == DT_DIR ? count_files(path) : 1;
		free(path);
	}
	if (d)
		closedir(d);
	return n;
}

/* kfarmd ends at the end of file, with status 0 and without remaining files. */
static inline void node_end(struct node *n)
{
	char *live = xasprintf("%s/live", node_store);

	client_release(&n->c);
	ck_assert_int_eq(spawn_wait(n->pid), 0);
	ck_assert_uint_eq(count_files(live), 0);
	free(live);
}

/* Return the output of `argv`. */
static inline struct buf output_of(char *const *argv)
{
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 64u << 20, 60000, &out, &status,
				  &err));
	ck_assert_int_eq(status, 0);
	return out;
}

static inline void node_fill_store(void)
{
	struct store *store;
	struct err err = { 0 };

	must(store_open(&store, node_store, 0, &err));
	for (size_t i = 0; i < client_gcc.entries.n; i++) {
		const struct compiler_entry *e = &client_gcc.entries.v[i];
		struct buf content = { 0 };

		if (e->kind != COMPILER_ENTRY_FILE)
			continue;
		must(fs_read(e->path, 1u << 30, &content, &err));
		ck_assert_int_eq(store_put(store, &e->digest,
					   buf_bytes(&content), false),
				 0);
		buf_release(&content);
	}
	store_free(store);
}

/* Unchecked fixtures, run once per program. */
static inline void node_set_up_all(void)
{
	static char *const env[] = { (char *)"PATH=/usr/bin:/bin", NULL };
	struct err err = { 0 };

	signal(SIGPIPE, SIG_IGN);
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	must(compiler_manifest_make(&client_gcc, GCC, env, &err));
	node_store = node_dir();
	node_fill_store();
}

static inline void node_tear_down_all(void)
{
	node_remove(node_store);
	compiler_manifest_release(&client_gcc);
}

/* Checked fixture, run for each test. */
static inline void client_set_up(void)
{
	client_base = event_base_new();
	ck_assert_ptr_nonnull(client_base);
}

static inline void client_tear_down(void)
{
	for (size_t i = 0; i < client_n_blobs; i++)
		buf_release(&client_blobs[i].content);
	free(client_blobs);
	client_blobs = NULL;
	client_n_blobs = 0;
	event_base_free(client_base);
}

#endif
