/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/pipe.h"

#include "shell/command.h"
#include "shell/known.h"
#include "shell/nm.h"
#include "shell/program.h"
#include "shell/redirect.h"
#include "shell/run.h"
#include "shell/shell.h"
#include "shell/signals.h"
#include "shell/step.h"
#include "shell/utility.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_SIZE 4096

/* One command of a pipeline. */
struct element {
	const struct shell_node *node;
	int in, out; /* -1: as they are */
	pid_t pid; /* 0: it is done */
	int status;
};

static void close_ends(struct element *e)
{
	if (e->in >= 0)
		close(e->in);
	if (e->out >= 0)
		close(e->out);
	e->in = e->out = -1;
}

/* Its ends of pipes become standard input and output, for now. */
static void connect_ends(struct element *e, struct shell_put_aside *aside)
{
	shell_put_aside_init(aside);
	if (e->in >= 0)
		shell_redirect_one(aside, STDIN_FILENO, e->in);
	if (e->out >= 0)
		shell_redirect_one(aside, STDOUT_FILENO, e->out);
	e->in = e->out = -1;
}

/* As the end of a subshell: nothing is passed over outside of it. */
static void start_element(struct shell *sh, struct element *e)
{
	struct shell_put_aside aside;

	connect_ends(e, &aside);
	e->status = shell_command(sh, e->node, 0, &e->pid);
	shell_redirect_undo(&aside, false);
	sh->skip = SHELL_GO_ON;
}

/*
 * `left`: the other end of its output, which only the next one may have; so it
 * is with the ends of `here`, which is still to come.
 */
static void start_child(struct shell *sh, struct element *e,
			struct element *here, int left, unsigned flags)
{
	shell_signals_expect();
	e->pid = fork();
	if (!e->pid) {
		struct shell_put_aside aside;

		if (left >= 0)
			close(left);
		if (here)
			close_ends(here);
		connect_ends(e, &aside);
		shell_redirect_undo(&aside, true);
		shell_run_in_child(sh, e->node, flags);
	}
	close_ends(e);
	if (e->pid < 0) {
		e->pid = 0;
		e->status = shell_fail(sh, "Cannot fork");
	}
}

static void run_here(struct shell *sh, struct element *e, unsigned flags)
{
	struct shell_put_aside aside;

	connect_ends(e, &aside);
	e->status = shell_run_contained(sh, e->node, flags);
	shell_redirect_undo(&aside, false);
}

/*
 * The one to be run by this process, NULL: none.  Best what would otherwise
 * take a fork, else a program that is in the shell itself.
 */
static struct element *choose_here(struct element *e, size_t n)
{
	if (shell_traps_of_signals())
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!shell_known_program(e[i].node) &&
		    shell_known_pure(e[i].node))
			return &e[i];
	}
	for (size_t i = 0; i < n; i++) {
		if (shell_known_program(e[i].node) &&
		    shell_utility_is(e[i].node->words->literal))
			return &e[i];
	}
	return NULL;
}

/* A script must not find it under a number that it knows. */
static int open_pipe(int ends[2])
{
	int low[2];

	if (pipe2(low, O_CLOEXEC))
		return -errno;
	ends[0] = shell_redirect_hide(low[0]);
	ends[1] = shell_redirect_hide(low[1]);
	if (ends[0] >= 0 && ends[1] >= 0)
		return 0;
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return -EMFILE;
}

/*
 * Start all, each with the reading end of the one before; the first one with
 * `before`, or -1.
 */
static int start_all(struct shell *sh, struct element *e, size_t n, int before,
		     struct element *here, unsigned flags)
{
	for (size_t i = 0; i < n; i++) {
		int ends[2] = { -1, -1 };

		if (i + 1 < n && open_pipe(ends)) {
			if (before >= 0)
				close(before);
			return shell_fail(sh, "Pipe call failed");
		}
		e[i].in = before;
		e[i].out = ends[1];
		before = ends[0];
		if (&e[i] == here)
			continue;
		if (shell_known_program(e[i].node))
			start_element(sh, &e[i]);
		else
			start_child(sh, &e[i], here, ends[0], flags);
	}
	return 0;
}

static int wait_for_all(struct element *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (e[i].pid)
			e[i].status = shell_program_wait(e[i].pid);
	}
	shell_signals_settle();
	return e[n - 1].status;
}

static struct element *list_elements(struct shell *sh,
				     const struct shell_node *n, size_t *count)
{
	struct element *out;
	size_t i = 0;

	*count = 0;
	for (const struct shell_node *m = n->list; m; m = m->next)
		(*count)++;
	out = arena_alloc(&sh->arena, *count * sizeof(*out));
	for (const struct shell_node *m = n->list; m; m = m->next)
		out[i++] = (struct element){ .node = m, .in = -1, .out = -1 };
	return out;
}

/*
 * Run the first command alone: a file with what it printed, to be read from its
 * beginning, or -1 where there can be none, and nothing was run.
 */
static int keep_first(struct shell *sh, const struct shell_node *n,
		      unsigned flags)
{
	struct element e = { .node = n->list, .in = -1 };
	int fd = shell_redirect_hide(memfd_create("text", MFD_CLOEXEC));

	e.out = fd < 0 ? -1 : shell_redirect_hide(dup(fd));
	if (e.out < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	flags &= SHELL_TESTED;
	if (choose_here(&e, 1))
		run_here(sh, &e, flags);
	else
		start_child(sh, &e, NULL, -1, flags);
	wait_for_all(&e, 1);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* `text`: what the first command printed, which was run then; else -1. */
static int run_pipe(struct shell *sh, const struct shell_node *n, int text,
		    unsigned flags)
{
	struct element *e, *here;
	size_t count;
	int ret;

	if (text < 0 && shell_nm_pipe(sh, n, &ret))
		return ret;
	e = list_elements(sh, n, &count);
	if (text >= 0) {
		e++;
		count--;
	}
	here = choose_here(e, count);

	flags &= SHELL_TESTED;
	ret = start_all(sh, e, count, text, here, flags);
	if (here && !ret)
		run_here(sh, here, flags);
	if (here)
		close_ends(here);
	wait_for_all(e, count);
	return ret ? ret : e[count - 1].status;
}

int shell_pipe(struct shell *sh, const struct shell_node *n, unsigned flags)
{
	struct shell_step_held held;
	int status, text = -1;

	if (shell_step_wants_text(sh, n))
		text = keep_first(sh, n, flags);
	if (shell_step_symbols(sh, n, text, &status, &held)) {
		if (text >= 0)
			close(text);
		return status;
	}
	status = run_pipe(sh, n, text, flags);
	shell_step_release(&held);
	return status;
}

static void read_to_end(int fd, struct buf *out)
{
	ssize_t n;

	do {
		if (buf_reserve(out, READ_SIZE))
			break;
		n = read(fd, out->data + out->len, READ_SIZE);
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
}

/* Programs alone, a pipeline or one of them: nothing of it is run here. */
static bool are_programs(const struct shell_node *n)
{
	if (n->kind != SHELL_PIPE)
		return shell_known_program(n);
	for (n = n->list; n; n = n->next) {
		if (!shell_known_program(n))
			return false;
	}
	return true;
}

static int substitute_programs(struct shell *sh, const struct shell_node *n,
			       const int ends[2], struct buf *out)
{
	struct element one = { .node = n, .in = -1, .out = -1 }, *e = &one;
	struct shell_put_aside aside;
	size_t count = 1;

	if (n->kind == SHELL_PIPE)
		e = list_elements(sh, n, &count);
	shell_put_aside_init(&aside);
	shell_redirect_one(&aside, STDOUT_FILENO, ends[1]);
	start_all(sh, e, count, -1, NULL, 0);
	shell_redirect_undo(&aside, false);
	read_to_end(ends[0], out);
	return wait_for_all(e, count);
}

static int substitute_child(struct shell *sh, const struct shell_node *n,
			    const int ends[2], struct buf *out)
{
	struct element e = { .node = n, .in = -1, .out = ends[1] };

	start_child(sh, &e, NULL, ends[0], 0);
	read_to_end(ends[0], out);
	return wait_for_all(&e, 1);
}

/* Builtins alone, which print nowhere else. */
static int substitute_here(struct shell *sh, const struct shell_node *n,
			   struct buf *out)
{
	struct buf *before = sh->capture;
	int status;

	sh->capture = out;
	status = shell_run_contained(sh, n, 0);
	sh->capture = before;
	return status;
}

static int run_substitution(struct shell *sh, const struct shell_node *n,
			    struct buf *out)
{
	int ends[2] = { -1, -1 }, status;

	if (shell_known_prints(n))
		return substitute_here(sh, n, out);
	if (open_pipe(ends))
		return shell_fail(sh, "Pipe call failed");
	if (are_programs(n))
		status = substitute_programs(sh, n, ends, out);
	else
		status = substitute_child(sh, n, ends, out);
	close(ends[0]);
	return status;
}

int shell_pipe_substitute(void *at, const struct shell_node *list,
			  struct buf *out)
{
	struct shell *sh = at;
	unsigned line = sh->line;
	int before = sh->status, status;

	if (!list)
		return 0;
	status = run_substitution(sh, list, out);
	if (sh->skip)
		return -ECANCELED;
	sh->line = line;
	sh->status = before;
	sh->substituted = status;
	return 0;
}
