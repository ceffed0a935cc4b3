/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/user-command.h"

#include "base/clock.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "base/which.h"
#include "coord/coord.h"
#include "kernel/environ.h"
#include "kernel/farm.h"
#include "kernel/key.h"
#include "kernel/summary.h"
#include "kernel/unseen.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* ms until compilers past kfarm are looked for; a tenth more each time. */
#define LOOK_MS     100
#define LOOK_MAX_MS 2000

struct run {
	const struct kernel_user_command *command;
	struct event_base *base;
	struct kernel_farm farm;
	struct strv env; /* the command's */
	int signals, pidfd;
	struct event *on_signals, *on_end, *on_look;
	struct kernel_unseen unseen;
	unsigned look_ms;
	pid_t pid; /* 0: not started */
	int stopped_by; /* a signal before that */
};

/* ---- decide ---- */

/* What `kfarm build` gives make as variables goes into the environment. */
static int choose_toolchain(struct kernel_user_command *c, struct strv *exports,
			    struct err *err)
{
	static const struct strv none;
	const struct kernel_user_command_request *w = c->request;
	struct kernel_compiler_request request = { .toolchain = w->toolchain,
						   .standard = w->standard,
						   .variables = &none,
						   .env = c->env.v };
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

static int find_program(struct kernel_user_command *c, struct err *err)
{
	const char *name = c->request->argv[0];
	const char *path = str_env(c->env.v, "PATH");
	char *file = which(name, path);
	int ret = 0;

	if (!file || access(file, F_OK))
		ret = err_set(err, ENOENT, "%s: not found", name);
	else if (access(file, X_OK))
		ret = err_errno(err, "%s", name);
	if (!ret) {
		c->program = file;
		return 0;
	}
	c->no_command = true;
	free(file);
	return ret;
}

int kernel_user_command_plan(struct kernel_user_command *c,
			     const struct kernel_user_command_request *request,
			     struct err *err)
{
	struct strv exports = { 0 }, env = { 0 };
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
	return ret ? ret : find_program(c, err);
}

void kernel_user_command_release(struct kernel_user_command *c)
{
	kernel_compiler_release(&c->compiler);
	strv_release(&c->env);
	free(c->program);
	*c = (struct kernel_user_command){ 0 };
}

bool kernel_user_command_is_inside(char *const *env)
{
	const char *path = str_env(env, "KFARM_SOCKET");
	struct err ignored;
	int fd = path ? socket_connect(path, &ignored) : -ENOENT;

	if (fd >= 0)
		close(fd);
	/* A full backlog: somebody is there, and busy. */
	return fd >= 0 || fd == -EAGAIN;
}

int kernel_user_command_become(const struct kernel_user_command *c,
			       struct err *err)
{
	char *path = kernel_environ_path(&c->compiler.dirs, c->env.v);
	struct strv ours = { 0 }, env = { 0 };

	if (c->compiler.dirs.n)
		strv_addf(&ours, "PATH=%s", path);
	kernel_environ_overlay(&env, c->env.v, &ours);
	for (size_t i = 0; i < c->compiler.n_leases; i++)
		fcntl(c->compiler.lease[i], F_SETFD, 0);
	signal(SIGPIPE, SIG_DFL);
	execve(c->program, c->request->argv, env.v);
	signal(SIGPIPE, SIG_IGN);
	strv_release(&env);
	strv_release(&ours);
	free(path);
	return err_errno(err, "%s", c->program);
}

/* ---- the jobserver ---- */

static bool is_make_program(const char *name)
{
	const char *base = str_base(name);

	return !strcmp(base, "make") || !strcmp(base, "gmake");
}

/* Is there a -j among make's words?  It would start a jobserver. */
static bool has_jobs_option(char *const *argv)
{
	while (*argv && *++argv && strcmp(*argv, "--")) {
		const char *p = *argv;

		if (str_starts(p, "--jobs"))
			return true;
		if (*p++ != '-' || *p == '-')
			continue;
		/* Letters that are followed by a value end a bundle. */
		while (*p && *p != 'j' && !strchr("CEfIloOW", *p))
			p++;
		if (*p == 'j')
			return true;
		if (*p && strchr("CEfIoW", *p) && !p[1] && argv[1])
			argv++;
	}
	return false;
}

static bool wants_tokens(const struct run *run)
{
	const struct kernel_user_command *c = run->command;
	bool make = is_make_program(c->request->argv[0]), fits;
	char *file;

	if (c->request->no_jobserver ||
	    (make && has_jobs_option(c->request->argv)) || c->request->offered)
		return false;
	file = make ? xstrdup(c->program) :
		      which("make", str_env(c->env.v, "PATH"));
	fits = file && kernel_jobserver_fits(file, c->env.v);
	free(file);
	return fits;
}

/* ---- run ---- */

/*
 * Ctrl-C reaches the command by itself, as it is in kfarm's process group; what
 * was sent to kfarm alone is passed on.
 */
static void on_signals(evutil_socket_t fd, short what, void *ctx)
{
	struct signalfd_siginfo si;
	struct run *run = ctx;

	(void)what;
	while (read(fd, &si, sizeof(si)) == sizeof(si)) {
		if (!run->pid && !spawn_ignores((int)si.ssi_signo))
			run->stopped_by = (int)si.ssi_signo;
		else if (run->pid && si.ssi_code != SI_KERNEL)
			kill(run->pid, (int)si.ssi_signo);
	}
}

/* It only wakes the loop. */
static void on_end(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct run *run = ctx;
	struct timeval next;

	(void)fd;
	(void)what;
	kernel_unseen_look(&run->unseen);
	run->look_ms += run->look_ms / 10;
	if (run->look_ms > LOOK_MAX_MS)
		run->look_ms = LOOK_MAX_MS;
	next = (struct timeval){ .tv_sec = run->look_ms / 1000,
				 .tv_usec = run->look_ms % 1000 * 1000 };
	event_add(run->on_look, &next);
}

static void look_for_unseen(struct run *run)
{
	static const struct timeval first = { .tv_usec = LOOK_MS * 1000 };

	kernel_unseen_init(&run->unseen, run->farm.rundir.socket);
	run->look_ms = LOOK_MS;
	run->on_look = event_new(run->base, -1, 0, on_look, run);
	if (!run->on_look || event_add(run->on_look, &first))
		str_out_of_memory();
}

static int block_signals(struct run *run, struct err *err)
{
	static const int caught[] = { SIGHUP,  SIGINT,  SIGQUIT,
				      SIGTERM, SIGUSR1, SIGUSR2 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaddset(&set, caught[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signals < 0)
		return err_errno(err, "signals");
	run->on_signals = event_new(run->base, run->signals,
				    EV_READ | EV_PERSIST, on_signals, run);
	if (!run->on_signals || event_add(run->on_signals, NULL))
		return err_set(err, ENOMEM, "event loop: no signals");
	return 0;
}

/*
 * ccache knows a compiler by the size and the time of its file, and all links
 * are one file: it would take one compiler's object for another's.
 */
static void identify_compilers(struct strv *ours, char *const *env)
{
	if (!str_env(env, "CCACHE_COMPILERCHECK"))
		strv_add(ours, "CCACHE_COMPILERCHECK=%compiler% -v");
}

static bool wants_shell_of_ours(const struct run *run)
{
	const struct kernel_user_command *c = run->command;

	return c->request->shell &&
	       !kernel_shell_is_users(c->request->argv, c->request->environment,
				      str_env(c->env.v, "MAKEFLAGS"));
}

static int open_farm(struct run *run, struct err *err)
{
	const struct kernel_user_command *c = run->command;
	char *path = kernel_environ_path(&c->compiler.dirs, c->env.v);
	struct kernel_farm_setup setup = {
		.base = run->base,
		.path = path,
		.lasting = true,
		.shell = wants_shell_of_ours(run),
		.forget_probes = c->request->forget_probes,
	};
	struct strv skipped = { 0 }, ours = { 0 };
	int ret = kernel_farm_dirs(&run->farm, err);

	if (!ret)
		ret = kernel_farm_open(&run->farm, &setup, &skipped, err);
	if (!ret && wants_tokens(run))
		ret = kernel_farm_tokens(&run->farm, c->request->jobs, err);
	if (!ret) {
		kernel_farm_env(&run->farm, &ours);
		kernel_shell_env(&run->farm.shell, &ours, c->env.v);
		strv_addf(&ours, "PATH=%s:%s", run->farm.links, path);
		identify_compilers(&ours, c->env.v);
	}
	kernel_farm_offer(&run->farm, &ours, c->env.v);
	kernel_environ_overlay(&run->env, c->env.v, &ours);
	strv_release(&skipped);
	strv_release(&ours);
	free(path);
	return ret;
}

static void emit_command(struct run *run)
{
	const struct kernel_user_command_request *w = run->command->request;
	struct events_event ev = events_new(EVENTS_BUILD);
	struct strv words = { 0 };
	char *text, *cwd = getcwd(NULL, 0), key[DIGEST_HEX];

	strv_add_all(&words, w->argv);
	text = strv_join(&words, " ");
	kernel_user_command_key(run->command, key);
	ev.key = key;
	ev.what = text;
	ev.dir = cwd;
	ev.arch = w->arch;
	ev.toolchain = w->toolchain;
	ev.jobs = kernel_farm_jobs(&run->farm, w->jobs);
	ev.local_slots = kernel_farm_local(&run->farm);
	kernel_farm_tell_build(&run->farm, &ev);
	free(cwd);
	free(text);
	strv_release(&words);
}

static int run_command(struct run *run, int *status, struct err *err)
{
	struct spawn what = {
		.argv = run->command->request->argv,
		.env = run->env.v,
		.fd = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
		.as_we_were = true,
	};
	int ret;

	if (run->farm.jobserver.broker)
		what.pass = run->farm.jobserver.fd;
	ret = spawn_start(&what, &run->pid, err);
	if (ret)
		return ret;
	*status = 127 << 8;
	look_for_unseen(run);
	run->pidfd = pidfd_open(run->pid, 0);
	if (run->pidfd >= 0)
		run->on_end = event_new(run->base, run->pidfd, EV_READ, on_end,
					run);
	if (!run->on_end || event_add(run->on_end, NULL))
		str_out_of_memory();
	while (waitpid(run->pid, status, WNOHANG) == 0) {
		if (event_base_loop(run->base, EVLOOP_ONCE) < 0)
			break;
	}
	/* Count the last compiles, which ended before it did. */
	for (int i = 0; i < 3; i++)
		event_base_loop(run->base, EVLOOP_NONBLOCK);
	return 0;
}

/* ---- afterwards ---- */

static int shell_status(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) :
					128 + WTERMSIG(wait_status);
}

/* A share of the jobs is none of the compiles, then. */
static bool ran_unseen(const struct run *run, struct err *err)
{
	int want = run->command->request->require_remote;
	char *compilers;

	if (!want || !run->unseen.compilers.n)
		return false;
	compilers = strv_join(&run->unseen.compilers, ", ");
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
	char *how = out->wait_status ? spawn_status_text(out->wait_status) :
				       NULL;
	struct buf text = { 0 };
	const struct events_tally *tally = &run->farm.tally;
	struct events_event done = events_new(EVENTS_DONE);

	kernel_farm_tell_figures(&run->farm);
	kernel_summary_user_command(&text, str_base(w->argv[0]), how,
				    clock_ms() - run->farm.began_ms, tally);
	kernel_summary_advice(&text, tally, &run->unseen.compilers);
	out->too_few = !out->wait_status &&
		       (kernel_summary_too_few(tally, w->require_remote, err) ||
			ran_unseen(run, err));
	done.status = out->too_few ? 125 : shell_status(out->wait_status);
	kernel_farm_tell_done(&run->farm, &done, NULL);
	if (w->shell && run->farm.shell.why_not)
		buf_printf(&text, "kfarm: make had its own shell: %s\n",
			   run->farm.shell.why_not);
	/* No view shows what was told. */
	for (size_t i = 0; i < run->farm.notes.n; i++)
		buf_printf(&text, "kfarm: %s\n", run->farm.notes.v[i]);
	out->summary = buf_steal(&text);
	free(how);
}

static void release_run(struct run *run, const sigset_t *before)
{
	kernel_farm_close(&run->farm);
	if (run->on_look)
		event_free(run->on_look);
	if (run->on_end)
		event_free(run->on_end);
	if (run->on_signals)
		event_free(run->on_signals);
	if (run->base)
		event_base_free(run->base);
	if (run->pidfd >= 0)
		close(run->pidfd);
	if (run->signals >= 0)
		close(run->signals);
	kernel_farm_release(&run->farm);
	kernel_unseen_release(&run->unseen);
	strv_release(&run->env);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

int kernel_user_command_run(struct kernel_user_command_result *out,
			    const struct kernel_user_command *c,
			    struct err *err)
{
	struct run run = { .command = c,
			   .base = event_base_new(),
			   .signals = -1,
			   .pidfd = -1 };
	sigset_t before;
	int ret;

	pthread_sigmask(SIG_BLOCK, NULL, &before);
	*out = (struct kernel_user_command_result){ 0 };
	kernel_farm_init(&run.farm, c->request->roster, c->request->jobs,
			 c->request->hub);
	ret = run.base ? block_signals(&run, err) :
			 err_set(err, ENOMEM, "no event loop");
	if (!ret)
		events_hub_start(run.farm.hub, run.base);
	if (!ret)
		ret = open_farm(&run, err);
	/* So that the first jobs can go to nodes. */
	if (!ret && kernel_farm_await(&run.farm, run.base, &run.stopped_by))
		out->signal = run.stopped_by;
	if (!ret && !out->signal) {
		emit_command(&run);
		ret = run_command(&run, &out->wait_status, err);
		if (!ret)
			report_result(out, &run, err);
	}
	release_run(&run, &before);
	return ret;
}
