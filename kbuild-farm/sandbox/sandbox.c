/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/sandbox.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "sandbox/init.h"
#include "sandbox/internal.h"

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

#define MESSAGES_PER_READ 64 /* limit on the messages handled per call */
#define SEND_WAIT_MS      500 /* send_to_init() repeats this wait */

/*
 * Return true if RLIMIT_NPROC counts the processes of each user namespace
 * separately.  Before Linux 5.14, it counts all processes of a user in all user
 * namespaces, so unrelated processes would count towards the limit.
 */
static bool has_nproc_per_userns(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 5 || (major == 5 && minor >= 14);
}

/* Return the smaller of `most` and the machine's memory divided by `parts`. */
static uint64_t limit_to_memory(uint64_t most, unsigned parts)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	uint64_t part;

	if (pages <= 0 || size <= 0)
		return most;
	part = (uint64_t)pages * (uint64_t)size / parts;
	return part < most ? part : most;
}

static int fill_init_setup(struct sandbox_init_setup *plan, int sock,
			   const struct sandbox_limits *l, struct err *err)
{
	int n = sandbox_confine_build_seccomp(plan->filter);

	if (n < 0)
		return err_set(err, -n,
			       "no sandbox: seccomp: unsupported architecture");
	plan->sock = sock;
	plan->n_filter = (size_t)n;
	plan->namespace_limits = (struct sandbox_user_limits){
		.input_root_bytes = l->input_root_bytes ?
					    l->input_root_bytes :
					    limit_to_memory(8 * GIB, 2),
		.input_root_files = l->input_root_files ? l->input_root_files :
							  1 << 20,
	};
	plan->job_limits = (struct sandbox_job_exec_limits){
		.job_bytes = l->job_bytes ? l->job_bytes :
					    limit_to_memory(GIB, 8),
		.job_files = l->job_files ? l->job_files : 4096,
		.file_bytes = l->file_bytes ? l->file_bytes : 256 * MIB,
		.memory_bytes = l->memory_bytes ? l->memory_bytes : 8 * GIB,
		.max_processes = l->max_processes ? l->max_processes : 64,
	};
	plan->nproc_per_userns = has_nproc_per_userns();
	return 0;
}

/*
 * Fork the sandbox init.  Returns 0 once the intermediate process has exited,
 * even if it failed; the process reports its failure on the socket.
 */
static int fork_init(const struct sandbox_init_setup *plan, struct err *err)
{
	sigset_t all, before;
	pid_t pid;

	/* Block signals: no handler of this program may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (!pid)
		sandbox_init_main(plan);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return err_errno(err, "no sandbox: fork");
	/* Ignore ECHILD: another waitpid() may have reaped the child. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/*
 * Wait for READY or SETUP_FAILED.  The wait has no time limit: if the sandbox
 * init dies, the socket is closed, and on a busy machine a sandbox init that
 * makes progress can take long.
 */
static int wait_for_init(int sock, struct sandbox_msg *m,
			 struct sandbox_msg_ancillary *extra)
{
	for (;;) {
		struct pollfd p = { .fd = sock, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, -1) <= 0)
			continue;
		n = sandbox_msg_receive(sock, m, NULL, 0, extra, MSG_DONTWAIT);
		if (n != -EAGAIN)
			return n < 0 ? (int)n : 0;
	}
}

/* Return the number in a file of /proc/sys, or -1. */
static long read_sysctl(const char *root, const char *name)
{
	char *path = xasprintf("%s/proc/sys/%s", root, name);
	struct err err = { 0 };
	struct buf b = { 0 };
	long value = -1;

	if (!fs_read(path, 64, &b, &err) && b.len)
		value = strtol(buf_str(&b), NULL, 10);
	buf_release(&b);
	free(path);
	return value;
}

/*
 * Return advice if a sysctl disables user namespaces, otherwise NULL.  The
 * sysctl of AppArmor does not apply to a process that is confined by an
 * AppArmor profile (`confined`).
 */
static const char *userns_remedy(const char *root, bool confined)
{
	if (read_sysctl(root, "kernel/unprivileged_userns_clone") == 0)
		return "set the sysctl kernel.unprivileged_userns_clone to 1";
	if (read_sysctl(root, "user/max_user_namespaces") == 0)
		return "set the sysctl user.max_user_namespaces to 10000 or "
		       "more";
	if (!confined &&
	    read_sysctl(root, "kernel/apparmor_restrict_unprivileged_userns") ==
		    1)
		return "set the sysctl "
		       "kernel.apparmor_restrict_unprivileged_userns to 0, or "
		       "give kfarmd an AppArmor profile with `userns,`";
	return NULL;
}

/*
 * Return advice if the confinement of a container can be the cause of EPERM or
 * EACCES, otherwise NULL.  `label` is the content of attr/current of this
 * process.  The seccomp filter of a container denies a call with EPERM; a
 * security module denies mount(2) with EACCES.
 */
static const char *container_remedy(const char *root, const char *label,
				    const char *what, int error)
{
	char *path = xasprintf("%s/proc/self/status", root);
	struct buf status = { 0 };
	struct err ignored;
	bool filtered = !fs_read(path, 64 << 10, &status, &ignored) &&
			strstr(buf_str(&status), "\nSeccomp:\t2");

	buf_release(&status);
	free(path);
	/* Root needs CAP_SETUID and CAP_SETGID to map an id other than 0. */
	if (!strcmp(what, "setgroups") || !strcmp(what, "id maps"))
		return "root lacks CAP_SETUID or CAP_SETGID: use --user 1000 "
		       "(podman, docker) or runAsUser: 1000 (Kubernetes)";
	if (error == EPERM && filtered)
		return "a seccomp filter denies it: use --security-opt "
		       "seccomp=unconfined (podman, docker) or "
		       "seccompProfile.type: Unconfined (Kubernetes)";
	if (strstr(label, "(enforce)"))
		return "AppArmor denies it: use --security-opt "
		       "apparmor=unconfined (podman, docker) or "
		       "appArmorProfile.type: Unconfined (Kubernetes)";
	if (strstr(label, ":container_t:"))
		return "SELinux denies it: use --security-opt label=disable "
		       "(podman, docker) or seLinuxOptions.type: spc_t "
		       "(Kubernetes)";
	return NULL;
}

/*
 * Return advice, which the caller frees, if the kernel lacks the namespaces of
 * a layer or their limit is reached; otherwise NULL.
 */
static char *namespace_remedy(const char *layer, int error)
{
	static const char *const names[][3] = {
		{ "user", "user", "CONFIG_USER_NS" },
		{ "mount", "mnt", "CONFIG_NAMESPACES" },
		{ "pid", "pid", "CONFIG_PID_NS" },
		{ "ipc", "ipc", "CONFIG_IPC_NS" },
		{ "uts", "uts", "CONFIG_UTS_NS" },
		{ "net", "net", "CONFIG_NET_NS" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(layer, names[i][0]))
			continue;
		if (error == ENOSPC || error == EUSERS)
			return xasprintf("raise the sysctl "
					 "user.max_%s_namespaces",
					 names[i][1]);
		if (error == EINVAL || error == ENOSYS)
			return xasprintf("the kernel needs %s=y", names[i][2]);
	}
	return NULL;
}

/*
 * Return advice, which the caller frees, for a failed layer, or NULL.  Sets
 * *or_root to true if a kfarmd that runs as root could create the sandbox.
 */
static char *find_remedy(const char *root, const char *layer, const char *what,
			 int error, bool *or_root)
{
	bool refused = error == EPERM || error == EACCES;
	char *path = xasprintf("%s/proc/self/attr/current", root);
	const char *label, *user, *container;
	char *space = namespace_remedy(layer, error);
	struct buf text = { 0 };
	struct err ignored;

	/* Without a security module, the file cannot be read. */
	label = fs_read(path, 4096, &text, &ignored) ? "" : buf_str(&text);
	user = userns_remedy(root, strstr(label, "(enforce)"));
	container = refused ? container_remedy(root, label, what, error) : NULL;
	buf_release(&text);
	free(path);
	*or_root = !strcmp(layer, "user") && (user || !container);
	/*
	 * AppArmor permits the creation of a user namespace and then denies its
	 * use, so a failure of another layer can have this cause.
	 */
	if (user && (refused || !strcmp(layer, "user"))) {
		free(space);
		return xstrdup(user);
	}
	if (space)
		return space;
	if (!strcmp(layer, "seccomp"))
		return xstrdup("the kernel needs CONFIG_SECCOMP_FILTER=y");
	if (container)
		return xstrdup(container);
	if (refused)
		return xstrdup(
			"denied by a container or security module: allow the "
			"operation there, or start kfarmd outside the "
			"container");
	return NULL;
}

int sandbox_explain(struct err *err, const char *root, const char *layer,
		    const char *what, int error)
{
	bool or_root;
	char *todo = find_remedy(root, layer, what, error, &or_root);

	/* A kfarmd that runs as root works without user namespaces. */
	err_set(err, error, "no sandbox: %s: %s: %s%s%s%s", layer, what,
		strerror(error), todo ? "; " : "", todo ? todo : "",
		geteuid() && or_root ?
			"; or start kfarmd as root, which needs no user "
			"namespace" :
			"");
	free(todo);
	return -error;
}

/*
 * Send SET_UP, wait until the sandbox init has built the sandbox, and take the
 * descriptors of the input root from the message READY.
 */
static int start_init(struct sandbox *cell, struct err *err)
{
	const struct sandbox_msg go = { .type = SANDBOX_MSG_SET_UP };
	struct sandbox_msg_ancillary extra = { 0 };
	struct sandbox_msg m = { 0 };
	struct buf layers = { 0 };
	int ret;

	/*
	 * Ignore an error: a sandbox init that has exited has already sent the
	 * reason.
	 */
	sandbox_msg_send(cell->sock, &go, NULL, 0, NULL, 0);
	ret = wait_for_init(cell->sock, &m, &extra);
	if (!ret && m.type == SANDBOX_MSG_SETUP_FAILED)
		ret = sandbox_explain(err, "", m.layer, m.operation, m.error);
	else if (!ret && (m.type != SANDBOX_MSG_READY || extra.n_fds != 2))
		ret = err_set(
			err, EPROTO,
			"no sandbox: unexpected message from sandbox init");
	else if (ret)
		err_set(err, -ret, "no sandbox: no reply from sandbox init: %s",
			strerror(-ret));
	if (ret) {
		sandbox_msg_close_fds(&extra);
		return ret;
	}
	cell->init_pid = extra.pid;
	cell->init_pidfd = pidfd_open(extra.pid, 0);
	sandbox_input_root_init(&cell->input_root, extra.fds[0], extra.fds[1],
				extra.uid, extra.gid);
	buf_add_str(&layers, m.job_uid ? "uid" : "user");
	buf_add_str(&layers, " mount pid ipc ");
	buf_add_str(&layers, m.hostname_hidden ? "uts " : "");
	buf_add_str(&layers, "net pivot_root capabilities no_new_privs seccomp "
			     "rlimits");
	if (m.proc)
		buf_add_str(&layers, " proc");
	if (m.job_userns)
		buf_add_str(&layers, " job-user");
	if (m.landlock_abi)
		buf_printf(&layers, " landlock-%u", m.landlock_abi);
	cell->layers = buf_steal(&layers);
	return 0;
}

static int open_init_socket(struct sandbox *cell, int *init_sock,
			    struct err *err)
{
	const struct timeval patience = { .tv_usec = SEND_WAIT_MS * 1000 };
	const int on = 1, room = 2 * SANDBOX_ARGS_MAX;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_errno(err, "no sandbox: socketpair");
	cell->sock = pair[0];
	*init_sock = pair[1];
	setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience,
		   sizeof(patience));
	return 0;
}

static int check_client_roots(const char *const *roots, struct err *err)
{
	size_t n = 0;

	for (; roots && roots[n]; n++) {
		if (n == SANDBOX_ROOTS_MAX ||
		    !sandbox_input_root_is_normal(roots[n]))
			return err_set(err, EINVAL, "sandbox: invalid root %s",
				       roots[n]);
	}
	return 0;
}

int sandbox_new(struct sandbox **out, const struct sandbox_setup *setup,
		struct err *err)
{
	struct sandbox_init_setup *plan = xcalloc(1, sizeof(*plan));
	struct sandbox *cell = xcalloc(1, sizeof(*cell));
	const char *const *root = setup->client_roots;
	int init_sock = -1, ret;

	cell->sock = cell->init_pidfd = -1;
	sandbox_input_root_init(&cell->input_root, -1, -1, 0, 0);
	TAILQ_INIT(&cell->runs);
	cell->on_lost = setup->on_lost;
	cell->ctx = setup->ctx;

	ret = check_client_roots(setup->client_roots, err);
	if (!ret)
		ret = open_init_socket(cell, &init_sock, err);
	if (!ret)
		ret = fill_init_setup(plan, init_sock, &setup->limits, err);
	if (!ret)
		ret = fork_init(plan, err);
	if (init_sock >= 0)
		close(init_sock);
	free(plan);
	if (!ret)
		ret = start_init(cell, err);
	for (; !ret && root && *root; root++)
		ret = sandbox_put_dir(cell, *root, err);
	if (ret) {
		sandbox_free(cell);
		return ret;
	}
	*out = cell;
	return 0;
}

static void destroy_sandbox(struct sandbox *cell)
{
	struct sandbox_run *run;

	while ((run = TAILQ_FIRST(&cell->runs))) {
		TAILQ_REMOVE(&cell->runs, run, entry);
		run->sandbox = NULL;
		sandbox_run_free(run);
	}
	/*
	 * Close the descriptors of the input root first.  The sandbox init then
	 * holds the last reference to the tmpfs, so the kernel frees the pages
	 * of the tmpfs during the exit of the sandbox init and not in this
	 * process.
	 */
	sandbox_input_root_release(&cell->input_root);
	if (cell->init_pidfd >= 0) {
		pidfd_send_signal(cell->init_pidfd, SIGKILL, NULL, 0);
		close(cell->init_pidfd);
	}
	if (cell->sock >= 0)
		close(cell->sock);
	free(cell->layers);
	free(cell);
}

void sandbox_free(struct sandbox *cell)
{
	if (!cell)
		return;
	if (cell->in_handler)
		cell->free_pending = true;
	else
		destroy_sandbox(cell);
}

const char *sandbox_layers(const struct sandbox *cell)
{
	return cell->layers;
}

int sandbox_fd(const struct sandbox *cell)
{
	return cell->sock;
}

/*
 * Finish a run whose job has ended.  on_done() may free the run and the
 * sandbox.
 */
static void finish_sandbox_run(struct sandbox_run *run)
{
	TAILQ_REMOVE(&run->sandbox->runs, run, entry);
	run->sandbox = NULL;
	run->pid = 0;
	run->on_done(run->ctx, run, &run->end);
}

/* Update a run according to a message of its job or of the sandbox init. */
static void on_message(struct sandbox *cell, const struct sandbox_msg *m,
		       struct sandbox_msg_ancillary *extra)
{
	bool shot = WIFSIGNALED(m->status) && WTERMSIG(m->status) == SIGKILL;
	struct sandbox_run *run = TAILQ_FIRST(&cell->runs);
	bool same;

	while (run && run->id != m->id)
		run = TAILQ_NEXT(run, entry);
	if (!run)
		return;
	if (m->type == SANDBOX_MSG_STARTED) {
		run->pid = extra->pid;
		if (extra->n_fds && run->out_dir_fd < 0)
			run->out_dir_fd = extra->fds[--extra->n_fds];
	} else if (m->type == SANDBOX_MSG_START_FAILED) {
		same = !strcmp(m->layer, m->operation);
		run->start_failed = true;
		run->end.error = m->error;
		snprintf(run->end.detail, sizeof(run->end.detail), "%s%s%s: %s",
			 m->layer, same ? "" : " ", same ? "" : m->operation,
			 strerror(m->error));
	} else if (m->type == SANDBOX_MSG_ENDED) {
		run->end.status = m->status;
		run->end.cpu_ms = m->cpu_ms;
		run->end.wall_ms = m->wall_ms;
		run->end.peak_kib = m->peak_kib;
		if (run->start_failed)
			run->end.cause = SANDBOX_END_NOT_STARTED;
		else if (run->timed_out && shot)
			run->end.cause = SANDBOX_END_DEADLINE;
		else if (run->killed && shot)
			run->end.cause = SANDBOX_END_CANCELLED;
		finish_sandbox_run(run);
	}
}

static void handle_init_lost(struct sandbox *cell)
{
	struct sandbox_run *run;

	if (cell->lost)
		return;
	cell->lost = true;
	while (!cell->free_pending && (run = TAILQ_FIRST(&cell->runs))) {
		run->end.cause = SANDBOX_END_LOST;
		finish_sandbox_run(run);
	}
	if (!cell->free_pending && cell->on_lost)
		cell->on_lost(cell->ctx, "sandbox init died");
}

void sandbox_handle_messages(struct sandbox *cell)
{
	struct sandbox_msg_ancillary extra;
	struct sandbox_msg m;

	cell->in_handler = true;
	for (int i = 0; i < MESSAGES_PER_READ && !cell->free_pending; i++) {
		ssize_t n = sandbox_msg_receive(cell->sock, &m, NULL, 0, &extra,
						MSG_DONTWAIT);

		if (n == -EAGAIN)
			break;
		if (n < 0) {
			handle_init_lost(cell);
			break;
		}
		on_message(cell, &m, &extra);
		sandbox_msg_close_fds(&extra);
	}
	cell->in_handler = false;
	if (cell->free_pending)
		destroy_sandbox(cell);
}

#define SELFTEST_TIMEOUT_MS 10000
#define SELFTEST_POLL_MS    500

struct selftest_outcome {
	struct sandbox_end end;
	bool done;
};

static void on_done(void *ctx, struct sandbox_run *run,
		    const struct sandbox_end *end)
{
	struct selftest_outcome *o = ctx;

	(void)run;
	o->end = *end;
	o->done = true;
}

/*
 * Return 0 if the last check ended the self-test by SIGSYS; otherwise a
 * negative errno with `err` set.  If a layer is known to be ineffective, `err`
 * names it.
 */
static int check_selftest_end(const struct sandbox_end *end, struct err *err)
{
	const char *layer = NULL;
	char *text;

	if (end->cause == SANDBOX_END_NOT_STARTED)
		return err_set(err, end->error, "no sandbox: %.150s",
			       end->detail);
	if (end->cause != SANDBOX_END_EXITED)
		return err_set(err, EIO, "no sandbox: self-test: sandbox lost");
	if (WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGSYS)
		return 0;
	if (WIFEXITED(end->status))
		layer = sandbox_init_layer_name(WEXITSTATUS(end->status));
	if (layer)
		return err_set(err, EPERM, "no sandbox: %s: self-test failed",
			       layer);
	text = spawn_status_text(end->status);
	err_set(err, EIO, "no sandbox: self-test: %s", text);
	free(text);
	return -EIO;
}

static int run_selftest(struct sandbox *cell, struct err *err)
{
	char *argv[] = { "selftest", NULL }, *env[] = { NULL };
	struct selftest_outcome o = { 0 };
	struct sandbox_job job = {
		.argv = argv,
		.env = env,
		.cwd = SANDBOX_TMP_DIR,
		.stdin_fd = -1,
		.deadline_ms = SELFTEST_TIMEOUT_MS,
		.on_done = on_done,
		.ctx = &o,
	};
	struct pollfd p = { .fd = sandbox_fd(cell), .events = POLLIN };
	struct sandbox_run *run = NULL;
	int ret;

	cell->self_test = true;
	ret = sandbox_start_job(cell, &job, &run, err);
	if (ret)
		return ret;
	while (!o.done) {
		if (poll(&p, 1, SELFTEST_POLL_MS) > 0)
			sandbox_handle_messages(cell);
		sandbox_run_check_deadline(run);
	}
	sandbox_run_free(run);
	if (o.end.cause == SANDBOX_END_DEADLINE)
		return err_set(err, ETIMEDOUT,
			       "no sandbox: self-test timed out");
	return check_selftest_end(&o.end, err);
}

void sandbox_check(struct sandbox_check *out)
{
	const struct sandbox_setup setup = {
		.limits = { .input_root_bytes = 1 << 20,
			    .input_root_files = 64 },
	};
	struct sandbox *cell = NULL;
	struct err err = { 0 };
	int ret = sandbox_new(&cell, &setup, &err);

	*out = (struct sandbox_check){ 0 };
	if (!ret)
		ret = run_selftest(cell, &err);
	out->usable = !ret;
	if (ret)
		snprintf(out->reason, sizeof(out->reason), "%.*s",
			 (int)sizeof(out->reason) - 1, err.text);
	else
		snprintf(out->layers, sizeof(out->layers), "%s",
			 sandbox_layers(cell));
	sandbox_free(cell);
}
