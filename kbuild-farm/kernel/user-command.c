/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/user-command.h"

#include "base/fs.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/find.h"
#include "coord/coord.h"
#include "kernel/environ.h"
#include "kernel/offload.h"
#include "kernel/series-key.h"
#include "kernel/summary.h"
#include "options/command.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* interval of the bypass checks, which grows by a tenth each time */
#define BYPASS_POLL_MS     20
#define BYPASS_POLL_MAX_MS 2000
/* maximum size of a command line or an environment, in bytes */
#define WORDS_MAX (4 << 20)

struct run {
	const struct kernel_user_command *command;
	struct event_base *base;
	struct kernel_offload offload;
	struct strv env; /* environment of the command */
	int signal_fd, pidfd;
	struct event *signal_event, *end_event, *poll_event;
	struct kernel_bypass_check bypass_check;
	unsigned poll_ms;
	pid_t pid; /* process of the command; 0 before it starts */
	/* signal received before the command started or after its end, or 0 */
	int stop_signal;
};

/* ---- bypass check ---- */

/*
 * Append the NUL-terminated strings of a file in /proc/PID (proc(5)).  The
 * file is empty or missing if the process has ended.
 */
static void read_proc_strings(struct strv *out, int pid, const char *file)
{
	char *path = xasprintf("/proc/%d/%s", pid, file);
	struct buf text = { 0 };
	struct err ignored;
	const char *p, *end;

	if (!fs_read(path, WORDS_MAX, &text, &ignored)) {
		p = buf_str(&text);
		for (end = p + text.len; p < end; p += strlen(p) + 1)
			strv_add(out, p);
	}
	buf_release(&text);
	free(path);
}

/* Check only argv[0], because each scan checks every process of the user. */
static bool has_compiler_name(int pid)
{
	char path[64], head[PATH_MAX];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, head, sizeof(head) - 1);
		close(fd);
	}
	if (n <= 0)
		return false;
	head[n] = '\0';
	return compiler_find_is_driver_name(str_base(head));
}

/*
 * Read the path of the program that the process executes.  Returns false if the
 * path cannot be read, or if the program is kfarm-cc: such a process has the
 * name of a compiler, but only waits for a result.
 */
static bool read_exe(int pid, char exe[static PATH_MAX])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, PATH_MAX - 1);
	if (n < 0)
		return false;
	exe[n] = '\0';
	return strcmp(str_base(exe), "kfarm-cc") != 0;
}

static bool is_offloadable(const struct strv *words)
{
	struct options_command c;
	bool yes;

	options_command_parse(&c, strv_list(words));
	yes = c.class == OPTIONS_CLASS_REMOTE;
	options_command_release(&c);
	return yes;
}

/*
 * Read the path of the program both before and after reading the arguments and
 * the environment, because the process can execute kfarm-cc or a compiler in
 * between.
 */
static void check_process(struct kernel_bypass_check *u, int pid)
{
	char before[PATH_MAX], after[PATH_MAX];
	struct strv words = { 0 }, env = { 0 };

	if (!read_exe(pid, before))
		return;
	read_proc_strings(&words, pid, "cmdline");
	read_proc_strings(&env, pid, "environ");
	if (words.n && strv_has(&env, u->variable) && is_offloadable(&words) &&
	    read_exe(pid, after) && !strcmp(before, after) &&
	    !strv_has(&u->compilers, words.v[0]))
		strv_add(&u->compilers, words.v[0]);
	strv_release(&env);
	strv_release(&words);
}

void kernel_bypass_check_init(struct kernel_bypass_check *u, const char *socket)
{
	*u = (struct kernel_bypass_check){ .variable = xasprintf(
						   "KFARM_SOCKET=%s", socket) };
}

void kernel_bypass_check_scan(struct kernel_bypass_check *u)
{
	DIR *proc = u->variable ? opendir("/proc") : NULL;
	struct dirent *d;
	struct stat st;
	long pid;

	while (proc && u->compilers.n < KERNEL_BYPASS_CHECK_MAX &&
	       (d = readdir(proc)) != NULL) {
		if (!str_parse_number(d->d_name, 1, INT_MAX, &pid) &&
		    !fstatat(dirfd(proc), d->d_name, &st, 0) &&
		    st.st_uid == geteuid() && has_compiler_name((int)pid))
			check_process(u, (int)pid);
	}
	if (proc)
		closedir(proc);
}

void kernel_bypass_check_release(struct kernel_bypass_check *u)
{
	free(u->variable);
	strv_release(&u->compilers);
	*u = (struct kernel_bypass_check){ 0 };
}

/* ---- preparation ---- */

/*
 * Choose the toolchain.  Append to `exports` the variables that `kfarm build`
 * passes to make for this choice.
 */
static int choose_toolchain(struct kernel_user_command *c, struct strv *exports,
			    struct err *err)
{
	static const struct strv none;
	const struct kernel_user_command_request *w = c->request;
	struct kernel_compiler_request request = {
		.toolchain = w->toolchain,
		.default_toolchains = w->default_toolchains,
		.variables = &none,
		.env = c->env.v
	};
	struct kernel_arch arch;
	char host[32];
	int ret;

	kernel_arch_host(host);
	ret = kernel_arch_find(&arch, NULL, w->arch ? w->arch : host, err);
	arch.guessed = !w->arch;
	if (!ret)
		ret = kernel_compiler_choose(&c->compiler, &arch, &request,
					     err);
	if (ret)
		return ret;
	if (w->arch)
		strv_addf(exports, "ARCH=%s", arch.arch);
	strv_add_all(exports, c->compiler.vars.v);
	return 0;
}

int kernel_user_command_prepare(
	struct kernel_user_command *c,
	const struct kernel_user_command_request *request, struct err *err)
{
	struct strv exports = { 0 }, env = { 0 };
	const char *name = request->argv[0];
	char *file;
	int ret;

	*c = (struct kernel_user_command){ .request = request };
	ret = kernel_environ_check(request->environment, err);
	if (ret)
		return ret;
	kernel_environ_overlay(&c->env, request->env, request->environment);
	if (request->arch || request->toolchain)
		ret = choose_toolchain(c, &exports, err);
	kernel_environ_overlay(&env, c->env.v, &exports);
	strv_release(&c->env);
	strv_release(&exports);
	c->env = env;
	if (ret)
		return ret;

	file = which(name, str_find_env(c->env.v, "PATH"));
	if (!file || access(file, F_OK))
		ret = err_set(err, ENOENT, "%s: not found", name);
	else if (access(file, X_OK))
		ret = err_errno(err, "%s", name);
	if (ret) {
		c->command_unusable = true;
		free(file);
		return ret;
	}
	c->program = file;
	return 0;
}

void kernel_user_command_release(struct kernel_user_command *c)
{
	kernel_compiler_release(&c->compiler);
	strv_release(&c->env);
	free(c->program);
	*c = (struct kernel_user_command){ 0 };
}

bool kernel_user_command_is_nested(char *const *env)
{
	const char *path = str_find_env(env, "KFARM_SOCKET");
	struct err ignored;
	int fd = path ? socket_connect(path, &ignored) : -ENOENT;

	if (fd >= 0)
		close(fd);
	/* EAGAIN: the coordinator exists, but its backlog is full. */
	return fd >= 0 || fd == -EAGAIN;
}

int kernel_user_command_exec(const struct kernel_user_command *c,
			     struct err *err)
{
	char *path = kernel_environ_path(&c->compiler.path_dirs, c->env.v);
	struct strv overrides = { 0 }, env = { 0 };

	if (c->compiler.path_dirs.n)
		strv_addf(&overrides, "PATH=%s", path);
	kernel_environ_overlay(&env, c->env.v, &overrides);
	for (size_t i = 0; i < c->compiler.n_leases; i++)
		fcntl(c->compiler.lease_fds[i], F_SETFD, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	spawn_restore_file_limit();
	execve(c->program, c->request->argv, env.v);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	strv_release(&env);
	strv_release(&overrides);
	free(path);
	return err_errno(err, "%s", c->program);
}

/* ---- the jobserver ---- */

/* Return true if make's words contain -j, which starts a jobserver. */
static bool has_jobs_option(char *const *argv)
{
	while (*argv && *++argv && strcmp(*argv, "--")) {
		const char *p = *argv;

		if (str_starts(p, "--jobs"))
			return true;
		if (*p++ != '-' || *p == '-')
			continue;
		/*
		 * After one of these letters, the rest of the word is the
		 * argument of the option.
		 */
		while (*p && *p != 'j' && !strchr("CEfIloOW", *p))
			p++;
		if (*p == 'j')
			return true;
		if (*p && strchr("CEfIoW", *p) && !p[1] && argv[1])
			argv++;
	}
	return false;
}

/* Return the release of the make that needs a jobserver, or 0. */
static unsigned find_jobserver_user(const struct run *run)
{
	const struct kernel_user_command *c = run->command;
	const char *base = str_base(c->request->argv[0]);
	bool make = !strcmp(base, "make") || !strcmp(base, "gmake");
	unsigned release;
	char *file;

	if (c->request->no_jobserver ||
	    (make && has_jobs_option(c->request->argv)) ||
	    c->request->jobserver_inherited)
		return 0;
	file = make ? xstrdup(c->program) :
		      which("make", str_find_env(c->env.v, "PATH"));
	release = file ? kernel_jobserver_make_release(file, c->env.v) : 0;
	free(file);
	return release;
}

/* ---- execution ---- */

/*
 * The command is in kfarm's process group, so Ctrl-C reaches it directly.
 * Forward only signals that a process sent to kfarm.
 */
static void on_signals(evutil_socket_t fd, short what, void *ctx)
{
	struct signalfd_siginfo si;
	struct run *run = ctx;

	(void)what;
	while (read(fd, &si, sizeof(si)) == sizeof(si)) {
		if (!run->pid && !spawn_is_ignored((int)si.ssi_signo))
			run->stop_signal = (int)si.ssi_signo;
		else if (run->pid && si.ssi_code != SI_KERNEL)
			kill(run->pid, (int)si.ssi_signo);
	}
}

/* Wakes the event loop. */
static void on_end(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

static void on_bypass_poll(evutil_socket_t fd, short what, void *ctx)
{
	struct run *run = ctx;
	struct timeval next;

	(void)fd;
	(void)what;
	kernel_bypass_check_scan(&run->bypass_check);
	run->poll_ms += run->poll_ms / 10;
	if (run->poll_ms > BYPASS_POLL_MAX_MS)
		run->poll_ms = BYPASS_POLL_MAX_MS;
	next = (struct timeval){ .tv_sec = run->poll_ms / 1000,
				 .tv_usec = run->poll_ms % 1000 * 1000 };
	event_add(run->poll_event, &next);
}

static int block_signals(struct run *run, struct err *err)
{
	static const int caught[] = { SIGHUP,  SIGINT,  SIGQUIT,
				      SIGTERM, SIGUSR1, SIGUSR2 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		sigaddset(&set, caught[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signal_fd < 0)
		return err_errno(err, "cannot create signalfd");
	run->signal_event = event_new(run->base, run->signal_fd,
				      EV_READ | EV_PERSIST, on_signals, run);
	if (!run->signal_event || event_add(run->signal_event, NULL))
		return err_set(err, ENOMEM, "cannot watch signals");
	return 0;
}

/*
 * Return the value of CC or HOSTCC, from make's arguments or from the
 * environment, if the value begins with ccache or a similar program, else NULL.
 */
static const char *find_launched(const struct kernel_user_command *c)
{
	static const char *const names[] = { "CC", "HOSTCC" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = str_find_env(c->request->argv, names[i]);

		if (!value)
			value = str_find_env(c->env.v, names[i]);
		if (value && which_skip_wrappers(value) != value)
			return value;
	}
	return NULL;
}

static int open_offload(struct run *run, struct err *err)
{
	const struct kernel_user_command *c = run->command;
	const char *launched = find_launched(c);
	char *path = kernel_environ_path(&c->compiler.path_dirs, c->env.v);
	struct kernel_offload_setup setup = {
		.base = run->base,
		.path = path,
		.permanent = true,
		/*
		 * Only the recipe shell can skip a launcher that is called by
		 * path.
		 */
		.shell_enabled = (c->request->shell_enabled ||
				  (launched && strchr(launched, '/'))) &&
				 !kernel_shell_is_user_set(
					 c->request->argv,
					 c->request->environment,
					 str_find_env(c->env.v, "MAKEFLAGS")),
		.no_probe_cache = c->request->no_probe_cache,
		.cache = c->request->cache,
		.launched = launched,
		.nodes_required = c->request->min_remote_percent > 0,
	};
	struct strv skipped = { 0 }, vars = { 0 };
	unsigned release;
	int ret = kernel_offload_make_dirs(&run->offload, err);

	if (!ret)
		ret = kernel_offload_open(&run->offload, &setup, &skipped, err);
	release = ret ? 0 : find_jobserver_user(run);
	if (release)
		ret = kernel_offload_start_jobserver(
			&run->offload, c->request->jobs, release, err);
	if (!ret) {
		kernel_offload_add_env(&run->offload, &vars);
		kernel_shell_env(&run->offload.shell, &vars, c->env.v);
		strv_addf(&vars, "PATH=%s:%s", run->offload.masquerade_dir,
			  path);
		/*
		 * By default ccache identifies a compiler by the size and mtime
		 * of its file.  All masquerade links point to the same file, so
		 * ccache would confuse the objects of different compilers.
		 */
		if (!str_find_env(c->env.v, "CCACHE_COMPILERCHECK"))
			strv_add(&vars, "CCACHE_COMPILERCHECK=%compiler% -v");
	}
	kernel_offload_add_makeflags(&run->offload, &vars, c->env.v);
	kernel_environ_overlay(&run->env, c->env.v, &vars);
	strv_release(&skipped);
	strv_release(&vars);
	free(path);
	return ret;
}

static void report_command(struct run *run)
{
	const struct kernel_user_command_request *w = run->command->request;
	struct events_event ev = events_event_make(EVENTS_KIND_BUILD);
	int64_t number = kernel_outdir_reserve_number();
	struct strv words = { 0 };
	char *text, *cwd = getcwd(NULL, 0), key[DIGEST_HEX];

	if (number)
		ev.history_id = number;
	strv_add_all(&words, w->argv);
	text = strv_join(&words, " ");
	kernel_series_key_of_command(run->command, key);
	ev.series_key = key;
	ev.command = text;
	ev.dir = cwd;
	ev.arch = w->arch;
	ev.toolchain = w->toolchain;
	ev.make_jobs = kernel_offload_job_limit(&run->offload, w->jobs);
	ev.n_local_slots = kernel_offload_local_slots(&run->offload);
	kernel_offload_report_start(&run->offload, &ev);
	free(cwd);
	free(text);
	strv_release(&words);
}

static int run_command(struct kernel_user_command_result *out, struct run *run,
		       struct err *err)
{
	static const struct timeval first = { .tv_usec = BYPASS_POLL_MS *
							 1000 };
	struct spawn what = {
		.argv = run->command->request->argv,
		.env = run->env.v,
		.stdio_fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
		.transparent = true,
	};
	pid_t pid;
	int ret;

	if (run->offload.jobserver.broker_pid)
		what.passed_fds = run->offload.jobserver.make_fds;
	ret = spawn_start(&what, &pid, err);
	out->command_unusable = ret != 0;
	if (ret)
		return ret;
	/*
	 * A signal that kfarm received before the start of the command has not
	 * reached the command, so send it.  A signal that the terminal sent
	 * between the start and this point reaches the command twice.
	 */
	event_base_loop(run->base, EVLOOP_NONBLOCK);
	run->pid = pid;
	if (run->stop_signal)
		kill(pid, run->stop_signal);
	run->stop_signal = 0;
	kernel_rundir_note_make(&run->offload.rundir, run->pid);
	out->wait_status = 127 << 8;
	kernel_bypass_check_init(&run->bypass_check,
				 run->offload.rundir.socket);
	run->poll_ms = BYPASS_POLL_MS;
	run->poll_event = event_new(run->base, -1, 0, on_bypass_poll, run);
	if (!run->poll_event || event_add(run->poll_event, &first))
		str_out_of_memory();
	run->pidfd = pidfd_open(run->pid, 0);
	/*
	 * Without the pidfd, the loop below notices the end of the command at
	 * the next bypass check.
	 */
	if (run->pidfd >= 0) {
		run->end_event = event_new(run->base, run->pidfd, EV_READ,
					   on_end, run);
		if (!run->end_event || event_add(run->end_event, NULL))
			str_out_of_memory();
	}
	while (waitpid(run->pid, &out->wait_status, WNOHANG) == 0) {
		if (event_base_loop(run->base, EVLOOP_ONCE) < 0)
			break;
	}
	run->pid = 0;
	/*
	 * Handle the pending events of compiles that ended before the command,
	 * so that these compiles are counted.
	 */
	for (int i = 0; i < 3; i++)
		event_base_loop(run->base, EVLOOP_NONBLOCK);
	return 0;
}

/* ---- result ---- */

/*
 * Return true, with `err` set, if the user requires a share of remote jobs, but
 * some compiles have bypassed kfarm.  The measured share does not include these
 * compiles.
 */
static bool has_bypassed(const struct run *run, struct err *err)
{
	int want = run->command->request->min_remote_percent;
	char *compilers;

	if (!want || !run->bypass_check.compilers.n)
		return false;
	compilers = strv_join(&run->bypass_check.compilers, ", ");
	err_set(err, EREMOTE,
		"%d %% of the jobs are required to run on nodes, but kfarm did "
		"not see the compiles by %s",
		want, compilers);
	free(compilers);
	return true;
}

static void report_result(struct kernel_user_command_result *out,
			  struct run *run, struct err *err)
{
	const struct kernel_user_command_request *w = run->command->request;
	int status = out->signal ? out->signal : out->wait_status;
	char *how = status ? spawn_status_text(status) : NULL;
	struct buf text = { 0 };
	const struct events_totals *totals = &run->offload.totals;
	struct events_event done = events_event_make(EVENTS_KIND_DONE);

	kernel_offload_report_load(&run->offload);
	kernel_summary_user_command(&text, str_base(w->argv[0]), how,
				    events_hub_elapsed_ms(run->offload.hub),
				    totals);
	kernel_summary_advice(&text, totals, &run->bypass_check.compilers,
			      status ? 0 : w->min_remote_percent);
	out->remote_too_low = !status &&
			      (kernel_summary_is_remote_low(
				       totals, w->min_remote_percent, err) ||
			       has_bypassed(run, err));
	done.status = out->remote_too_low ? 125 :
		      WIFEXITED(status)   ? WEXITSTATUS(status) :
					    128 + WTERMSIG(status);
	kernel_offload_report_end(&run->offload, &done, NULL);
	if (w->shell_enabled && run->offload.shell.unused_reason)
		buf_printf(&text, "kfarm: recipe shell not used: %s\n",
			   run->offload.shell.unused_reason);
	/*
	 * `kfarm run` has no view that shows notes, so list the notes in the
	 * summary.
	 */
	for (size_t i = 0; i < run->offload.notes.n; i++)
		buf_printf(&text, "kfarm: %s\n", run->offload.notes.v[i]);
	out->summary = buf_steal(&text);
	free(how);
}

int kernel_user_command_run(struct kernel_user_command_result *out,
			    const struct kernel_user_command *c,
			    struct err *err)
{
	struct run run = { .command = c,
			   .base = event_base_new(),
			   .signal_fd = -1,
			   .pidfd = -1 };
	sigset_t before;
	int ret;

	pthread_sigmask(SIG_BLOCK, NULL, &before);
	*out = (struct kernel_user_command_result){ 0 };
	kernel_offload_init(&run.offload, c->request->roster, c->request->jobs,
			    c->request->hub);
	ret = run.base ? block_signals(&run, err) :
			 err_set(err, ENOMEM, "cannot create event loop");
	if (!ret)
		events_hub_start(run.offload.hub, run.base);
	if (!ret)
		ret = open_offload(&run, err);
	/* Wait so that the first jobs can go to nodes. */
	if (!ret &&
	    kernel_offload_wait_nodes(&run.offload, run.base, &run.stop_signal))
		out->signal = run.stop_signal;
	if (!ret && !out->signal) {
		report_command(&run);
		/*
		 * report_command() may have waited for the lock of the history,
		 * so handle the signals that have arrived since.
		 */
		event_base_loop(run.base, EVLOOP_NONBLOCK);
		out->signal = run.stop_signal;
		if (!out->signal)
			ret = run_command(out, &run, err);
		if (!ret)
			report_result(out, &run, err);
	}
	kernel_offload_close(&run.offload, run.base, &run.stop_signal);
	if (run.poll_event)
		event_free(run.poll_event);
	if (run.end_event)
		event_free(run.end_event);
	if (run.signal_event)
		event_free(run.signal_event);
	if (run.base)
		event_base_free(run.base);
	if (run.pidfd >= 0)
		close(run.pidfd);
	if (run.signal_fd >= 0)
		close(run.signal_fd);
	kernel_offload_release(&run.offload);
	kernel_bypass_check_release(&run.bypass_check);
	strv_release(&run.env);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}
