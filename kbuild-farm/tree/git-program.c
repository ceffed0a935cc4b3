/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/git-program.h"

#include "base/buf.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/which.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_LENGTH_MAX 1000
#define SAID_MAX        600

/* What it prints on stderr: lines that end in \n, progress in \r. */
struct reading {
	struct tree_worker *worker;
	struct buf line, said;
};

static void take_progress(struct reading *r)
{
	static const struct {
		const char *word;
		enum tree_phase phase;
	} known[] = {
		{ "Receiving objects", TREE_RECEIVING },
		{ "Resolving deltas", TREE_RESOLVING },
		{ "Counting objects", TREE_COUNTING },
		{ "Compressing objects", TREE_COUNTING },
	};
	unsigned long long done = 0, total = 0;
	const char *line = buf_str(&r->line);
	const char *numbers = strchr(line, '(');

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!strstr(line, known[i].word))
			continue;
		if (numbers)
			sscanf(numbers, "(%llu/%llu", &done, &total);
		tree_worker_progress(r->worker, known[i].phase, done, total);
		return;
	}
	if (*line && r->said.len < SAID_MAX)
		buf_printf(&r->said, "%s%s", r->said.len ? "\n  " : "", line);
}

static void read_errors(struct reading *r, int fd)
{
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		tree_worker_alive(r->worker);
		for (ssize_t i = 0; i < n; i++) {
			if (block[i] != '\n' && block[i] != '\r') {
				if (r->line.len < LINE_LENGTH_MAX)
					buf_add(&r->line, &block[i], 1);
				continue;
			}
			take_progress(r);
			buf_reset(&r->line);
		}
	}
	if (r->line.len)
		take_progress(r);
}

/* Ours, without what names another repository (we may run in a hook). */
static void add_environment(struct strv *env)
{
	static const char *const others[] = {
		"GIT_DIR=",
		"GIT_WORK_TREE=",
		"GIT_OBJECT_DIRECTORY=",
		"GIT_COMMON_DIR=",
		"GIT_NAMESPACE=",
		"GIT_SHALLOW_FILE=",
		"GIT_ALTERNATE_OBJECT_DIRECTORIES=",
	};

	for (char **e = environ; *e; e++) {
		bool another = false;

		for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
			another = another || str_starts(*e, others[i]);
		if (!another)
			strv_add(env, *e);
	}
}

static int run_git(struct tree_worker *w, char *const *argv, struct err *err)
{
	struct reading r = { .worker = w };
	struct spawn what = { .argv = argv,
			      .fd = { -1, -1, -1 },
			      .dies_with_us = true };
	struct strv env = { 0 };
	int ends[2], ret, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, "pipe");
	/* The first of a name counts. */
	strv_add(&env, "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh");
	strv_add(&env, "LC_ALL=C");
	if (!isatty(STDIN_FILENO))
		strv_add(&env, "GIT_TERMINAL_PROMPT=0");
	add_environment(&env);
	what.env = env.v;
	what.fd[2] = ends[1];
	ret = spawn_start(&what, &pid, err);
	close(ends[1]);
	if (!ret) {
		read_errors(&r, ends[0]);
		status = spawn_wait(pid);
		if (status)
			ret = err_set(err, EIO, "git fetch: %s",
				      r.said.len ? buf_str(&r.said) : "failed");
	}
	close(ends[0]);
	buf_release(&r.line);
	buf_release(&r.said);
	strv_release(&env);
	return ret;
}

int tree_git_program_fetch(struct tree_worker *w, const char *path,
			   const char *remote, unsigned depth, struct err *err)
{
	char *program = which("git", getenv("PATH"));
	struct strv argv = { 0 };
	int ret;

	if (!program)
		return err_set(err, ENOENT,
			       "a part of the history (--depth) is fetched by "
			       "the program git, which is not in PATH; install "
			       "git, or add the tree without --depth");
	strv_add(&argv, "git");
	strv_addf(&argv, "--git-dir=%s", path);
	strv_add(&argv, "-c");
	strv_add(&argv, "core.sshCommand=ssh -oBatchMode=yes");
	strv_add(&argv, "fetch");
	strv_add(&argv, "--progress");
	strv_add(&argv, "--prune");
	strv_add(&argv, "--no-auto-maintenance");
	strv_add(&argv, "--no-recurse-submodules");
	strv_add(&argv, "--no-write-fetch-head");
	if (depth)
		strv_addf(&argv, "--depth=%u", depth);
	strv_add(&argv, "--");
	strv_add(&argv, remote);
	tree_worker_network(w, true);
	ret = run_git(w, argv.v, err);
	tree_worker_network(w, false);
	strv_release(&argv);
	free(program);
	return ret;
}
