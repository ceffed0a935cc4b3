/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/git-fetch.h"

#include "base/buf.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "tree/git.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_LENGTH_MAX  1000
#define GIT_MESSAGES_MAX 600 /* bytes of git's messages in an error */

/* Reader of git's stderr: messages end in \n, progress in \r. */
struct reading {
	struct tree_worker *worker;
	struct buf line, messages;
};

static void read_fetch_progress(struct reading *r)
{
	static const struct {
		const char *word;
		enum tree_phase phase;
	} known[] = {
		{ "Receiving objects", TREE_PHASE_RECEIVING },
		{ "Resolving deltas", TREE_PHASE_RESOLVING },
		{ "Counting objects", TREE_PHASE_COUNTING },
		{ "Compressing objects", TREE_PHASE_COUNTING },
	};
	unsigned long long done = 0, total = 0;
	const char *line = buf_str(&r->line);
	const char *numbers = strchr(line, '(');

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strstr(line, known[i].word))
			continue;
		if (numbers)
			sscanf(numbers, "(%llu/%llu", &done, &total);
		tree_worker_report_progress(r->worker, known[i].phase, done,
					    total);
		return;
	}
	if (*line && r->messages.len < GIT_MESSAGES_MAX)
		buf_printf(&r->messages, "%s%s", r->messages.len ? "\n  " : "",
			   line);
}

/*
 * Read the messages of the program `pid`.  If this process is interrupted, end
 * the program with SIGTERM.
 */
static void read_errors(struct reading *r, int fd, pid_t pid)
{
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (tree_worker_is_interrupted())
			kill(pid, SIGTERM);
		tree_worker_report_alive(r->worker);
		for (ssize_t i = 0; i < n; i++) {
			if (block[i] != '\n' && block[i] != '\r') {
				if (r->line.len < LINE_LENGTH_MAX)
					buf_add(&r->line, &block[i], 1);
				continue;
			}
			read_fetch_progress(r);
			buf_reset(&r->line);
		}
	}
	if (r->line.len)
		read_fetch_progress(r);
}

static int run_git(struct tree_worker *w, char *const *argv, struct err *err)
{
	struct reading r = { .worker = w };
	struct spawn what = { .argv = argv,
			      .stdio_fds = { -1, -1, -1 },
			      .terminated_with_parent = true };
	struct strv env = { 0 };
	int ends[2], ret, status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, "pipe");
	/* Put these first: getenv() returns the first value of a name. */
	strv_add(&env, "GIT_ALLOW_PROTOCOL=file:git:http:https:ssh");
	strv_add(&env, "LC_ALL=C");
	if (!isatty(STDIN_FILENO))
		strv_add(&env, "GIT_TERMINAL_PROMPT=0");
	tree_git_add_environment(&env);
	what.env = env.v;
	what.stdio_fds[2] = ends[1];
	ret = spawn_start(&what, &pid, err);
	close(ends[1]);
	if (!ret) {
		read_errors(&r, ends[0], pid);
		status = tree_git_wait(pid);
		if (status)
			ret = err_set(err, EIO, "git fetch: %s",
				      r.messages.len ? buf_str(&r.messages) :
						       "failed");
	}
	close(ends[0]);
	buf_release(&r.line);
	buf_release(&r.messages);
	strv_release(&env);
	return ret;
}

int tree_git_fetch(const struct tree_git_fetch *f, const struct strv *specs,
		   struct err *err)
{
	struct strv argv = { 0 };
	int ret;

	strv_add(&argv, "git");
	strv_addf(&argv, "--git-dir=%s", git_repository_path(f->repo));
	strv_add(&argv, "-c");
	strv_add(&argv, "core.sshCommand=ssh -oBatchMode=yes");
	strv_add(&argv, "fetch");
	strv_add(&argv, "--progress");
	strv_add(&argv, "--prune");
	strv_add(&argv, "--no-auto-maintenance");
	strv_add(&argv, "--no-recurse-submodules");
	strv_add(&argv, "--no-write-fetch-head");
	if (f->depth)
		strv_addf(&argv, "--depth=%u", f->depth);
	strv_add(&argv, "--");
	strv_add(&argv, f->remote);
	strv_add_all(&argv, strv_list(specs));
	tree_worker_set_network_wait(f->worker, true);
	ret = run_git(f->worker, argv.v, err);
	tree_worker_set_network_wait(f->worker, false);
	strv_release(&argv);
	return ret;
}
