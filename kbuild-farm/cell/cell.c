/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/cell.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "cell/keeper.h"
#include "cell/remedy.h"
#include "cell/state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIB (1ull << 30)
#define MIB (1ull << 20)

#define PATIENCE_MS 10000 /* for a cell to be made */
#define SEND_S      2 /* for the keeper to take a message */
#define READ_MOST   64 /* messages at a time */

/* --------------------------------------------------------------- the plan */

/*
 * Before Linux 5.14 a limit of processes counts all of a user's, whatever
 * user namespace they are in: it would hit the innocent.
 */
static bool counts_per_job(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 5 || (major == 5 && minor >= 14);
}

/* `most`, or 1/parts of this machine's memory where that is less. */
static uint64_t at_most(uint64_t most, unsigned parts)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	uint64_t part;

	if (pages <= 0 || size <= 0)
		return most;
	part = (uint64_t)pages * (uint64_t)size / parts;
	return part < most ? part : most;
}

static int plan_keeper(struct cell_keeper_plan *plan, int sock,
		       const struct cell_limits *l, struct err *err)
{
	int n = cell_seccomp_make(plan->filter);

	if (n < 0)
		return err_set(err, -n,
			       "no sandbox: seccomp: no filter for "
			       "this processor architecture");
	plan->sock = sock;
	plan->filter_n = (size_t)n;
	plan->space = (struct cell_space_limits){
		.view_bytes = l->view_bytes ? l->view_bytes :
					      at_most(8 * GIB, 2),
		.view_files = l->view_files ? l->view_files : 1 << 20,
	};
	plan->job = (struct cell_jail_limits){
		.job_bytes = l->job_bytes ? l->job_bytes : at_most(GIB, 8),
		.job_files = l->job_files ? l->job_files : 4096,
		.file_bytes = l->file_bytes ? l->file_bytes : 256 * MIB,
		.memory_bytes = l->memory_bytes ? l->memory_bytes : 8 * GIB,
		.processes = l->processes ? l->processes : 64,
	};
	plan->counts = counts_per_job();
	return 0;
}

/* ------------------------------------------------------------------ birth */

/* Fork the keeper: 0 when its maker has exited, whether it could or not. */
static int fork_keeper(const struct cell_keeper_plan *plan, struct err *err)
{
	sigset_t all, before;
	pid_t pid;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (!pid)
		cell_keeper_main(plan);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return err_errno(err, "no sandbox: fork");
	/* Somebody else may have collected it. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* Wait for READY or BROKEN. */
static int await_keeper(int sock, struct cell_msg *m,
			struct cell_msg_extra *extra)
{
	uint64_t deadline = clock_ms() + PATIENCE_MS;

	for (;;) {
		struct pollfd p = { .fd = sock, .events = POLLIN };
		uint64_t now = clock_ms();
		ssize_t n;

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(deadline - now)) <= 0)
			continue;
		n = cell_msg_receive(sock, m, NULL, 0, extra, MSG_DONTWAIT);
		if (n != -EAGAIN)
			return n < 0 ? (int)n : 0;
	}
}

static void name_layers(struct cell *cell, const struct cell_msg *m)
{
	struct buf b = { 0 };

	buf_add_str(&b, m->own_uid ? "uid" : "user");
	buf_add_str(&b, " mount pid ipc uts net pivot_root capabilities "
			"no_new_privs seccomp rlimits");
	if (m->own_user)
		buf_add_str(&b, " job-user");
	if (m->landlock)
		buf_printf(&b, " landlock-%u", m->landlock);
	cell->layers = buf_steal(&b);
}

/* Let the keeper build, and take what it hands over. */
static int meet_keeper(struct cell *cell, struct err *err)
{
	const struct cell_msg go = { .type = CELL_MSG_GO };
	struct cell_msg_extra extra = { 0 };
	struct cell_msg m = { 0 };
	int ret;

	/* It may be gone already, having said why. */
	cell_msg_send(cell->sock, &go, NULL, 0, NULL, 0);
	ret = await_keeper(cell->sock, &m, &extra);
	if (!ret && m.type == CELL_MSG_BROKEN)
		ret = cell_remedy(err, "", m.layer, m.what, m.error);
	else if (!ret && (m.type != CELL_MSG_READY || extra.n != 2))
		ret = err_set(err, EPROTO, "no sandbox: the cell is broken");
	else if (ret)
		err_set(err, -ret, "no sandbox: the cell does not come: %s",
			strerror(-ret));
	if (ret) {
		cell_msg_close(&extra);
		return ret;
	}
	cell->keeper = pidfd_open(extra.pid, 0);
	cell_view_init(&cell->view, extra.fd[0], extra.fd[1], extra.uid,
		       extra.gid);
	name_layers(cell, &m);
	return 0;
}

static int open_socket(struct cell *cell, int *keeper_sock, struct err *err)
{
	const struct timeval patience = { .tv_sec = SEND_S };
	const int on = 1, room = 2 * CELL_ARGS_MAX;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_errno(err, "no sandbox: socketpair");
	cell->sock = pair[0];
	*keeper_sock = pair[1];
	setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience,
		   sizeof(patience));
	return 0;
}

static int check_roots(const char *const *roots, struct err *err)
{
	size_t n = 0;

	for (; roots && roots[n]; n++) {
		if (n == CELL_ROOTS_MAX || !cell_view_normal(roots[n]))
			return err_set(err, EINVAL, "cell: root %s", roots[n]);
	}
	return 0;
}

static int make_roots(struct cell *cell, const char *const *roots,
		      struct err *err)
{
	int ret = 0;

	for (; !ret && roots && *roots; roots++)
		ret = cell_put_dir(cell, *roots, err);
	return ret;
}

static struct cell *empty_cell(const struct cell_setup *setup)
{
	struct cell *cell = xcalloc(1, sizeof(*cell));

	cell->sock = cell->keeper = -1;
	cell_view_init(&cell->view, -1, -1, 0, 0);
	TAILQ_INIT(&cell->runs);
	cell->on_lost = setup->lost;
	cell->ctx = setup->ctx;
	return cell;
}

int cell_new(struct cell **out, const struct cell_setup *setup, struct err *err)
{
	struct cell_keeper_plan *plan = xcalloc(1, sizeof(*plan));
	struct cell *cell = empty_cell(setup);
	int keeper_sock = -1;
	int ret = check_roots(setup->roots, err);

	if (!ret)
		ret = open_socket(cell, &keeper_sock, err);
	if (!ret)
		ret = plan_keeper(plan, keeper_sock, &setup->limits, err);
	if (!ret)
		ret = fork_keeper(plan, err);
	if (keeper_sock >= 0)
		close(keeper_sock);
	free(plan);
	if (!ret)
		ret = meet_keeper(cell, err);
	if (!ret)
		ret = make_roots(cell, setup->roots, err);
	if (ret) {
		cell_free(cell);
		return ret;
	}
	*out = cell;
	return 0;
}

/* -------------------------------------------------------------------- end */

static void release_cell(struct cell *cell)
{
	struct cell_run *run;

	while ((run = TAILQ_FIRST(&cell->runs))) {
		TAILQ_REMOVE(&cell->runs, run, link);
		run->cell = NULL;
		cell_run_free(run);
	}
	/*
	 * Our descriptors first: so it is not we who drop the last use of the
	 * tmpfs and have to free its pages, but the keeper's end.
	 */
	cell_view_release(&cell->view);
	if (cell->keeper >= 0) {
		pidfd_send_signal(cell->keeper, SIGKILL, NULL, 0);
		close(cell->keeper);
	}
	if (cell->sock >= 0)
		close(cell->sock);
	free(cell->layers);
	free(cell);
}

void cell_free(struct cell *cell)
{
	if (!cell)
		return;
	if (cell->reading)
		cell->doomed = true;
	else
		release_cell(cell);
}

/* --------------------------------------------------------------- messages */

const char *cell_layers(const struct cell *cell)
{
	return cell->layers;
}

int cell_fd(const struct cell *cell)
{
	return cell->sock;
}

static struct cell_run *find_run(struct cell *cell, uint32_t id)
{
	struct cell_run *run;

	TAILQ_FOREACH(run, &cell->runs, link)
	{
		if (run->id == id)
			return run;
	}
	return NULL;
}

static void on_message(struct cell *cell, const struct cell_msg *m,
		       struct cell_msg_extra *extra)
{
	struct cell_run *run = find_run(cell, m->id);

	if (!run)
		return;
	if (m->type == CELL_MSG_STARTED)
		cell_run_started(run, extra);
	else if (m->type == CELL_MSG_FAILED)
		cell_run_failed(run, m);
	else if (m->type == CELL_MSG_ENDED)
		cell_run_ended(run, m);
}

static void lose_keeper(struct cell *cell)
{
	struct cell_run *run;

	if (cell->lost)
		return;
	cell->lost = true;
	while (!cell->doomed && (run = TAILQ_FIRST(&cell->runs)))
		cell_run_lost(run);
	if (!cell->doomed && cell->on_lost)
		cell->on_lost(cell->ctx, "the keeper of the cell is gone");
}

void cell_read(struct cell *cell)
{
	struct cell_msg_extra extra;
	struct cell_msg m;

	cell->reading = true;
	for (int i = 0; i < READ_MOST && !cell->doomed; i++) {
		ssize_t n = cell_msg_receive(cell->sock, &m, NULL, 0, &extra,
					     MSG_DONTWAIT);

		if (n == -EAGAIN)
			break;
		if (n < 0) {
			lose_keeper(cell);
			break;
		}
		on_message(cell, &m, &extra);
		cell_msg_close(&extra);
	}
	cell->reading = false;
	if (cell->doomed)
		release_cell(cell);
}
