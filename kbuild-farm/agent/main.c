/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/agent.h"
#include "agent/door.h"
#include "agent/foreign.h"
#include "agent/init.h"
#include "agent/listen.h"
#include "agent/session.h"
#include "agent/settings.h"
#include "agent/status.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "cell/user.h"
#include "compiler/host.h"
#include "node/inventory.h"
#include "store/store.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_MS     3000 /* for what we killed to go */
#define VIEW_LEAST (512ull << 20) /* bytes of files in a cell, where memory */
#define VIEW_MOST  (8ull << 30) /* allows: half of it */

static void set_up_process(void)
{
	struct rlimit none = { 0 }, files;

	umask(077);
	digest_without_settings();
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &none);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* What --check prints, for people: its exit status. */
static int print_check(void)
{
	struct cell_check check;

	cell_check(&check);
	printf("sandbox: %s\nlayers: %s\n", check.fit ? "ok" : "not possible",
	       check.layers);
	if (!check.fit)
		printf("missing: %s\n", check.why);
	return check.fit ? EXIT_SUCCESS : EXIT_FAILURE;
}

static char *store_path(const struct agent_settings *s)
{
	char *home = geteuid() ? fs_data_home() : xstrdup("/var/lib/kfarm");
	char *dir = s->store ? fs_absolute(s->store) :
			       xasprintf("%s/store", home);

	free(home);
	return dir;
}

static char *kept_path(const struct agent_settings *s, const char *store)
{
	char *up = str_dir(store);
	char *kept = s->toolchains ? fs_absolute(s->toolchains) :
				     xasprintf("%s/toolchains",
					       strcmp(up, "/") ? up : "");

	free(up);
	return kept;
}

/* What --status prints: its exit status. */
static int print_status(const struct agent_settings *s)
{
	char *dir = store_path(s), *kept = kept_path(s, dir);
	struct err err;
	int n = agent_status_print(dir, kept, s->json, &err);

	if (n < 0)
		log_error("%s", err.text);
	else if (!n)
		log_error("no kfarmd runs here with the store %s", dir);
	free(kept);
	free(dir);
	return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static void stop(struct agent *a)
{
	event_base_loopbreak(a->base);
}

/* The address that sshd names, or who started us. */
static char *name_parent(void)
{
	const char *ssh = getenv("SSH_CONNECTION");

	if (ssh && *ssh)
		return xstrndup(ssh, strcspn(ssh, " "));
	return xasprintf("process %d", (int)getppid());
}

/* Nothing but messages may reach the peer: stdout becomes stderr. */
static int start_stdio(struct agent *a, struct err *err)
{
	int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *from;

	if (in < 0 || out < 0 || none < 0 || dup2(none, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_errno(err, "standard input and output");
	close(none);
	a->on_idle = stop;
	from = name_parent();
	agent_session_start(a, wire_io_of(in, out),
			    &(struct agent_caller){ .from = from });
	free(from);
	return 0;
}

static void set_hosts(struct agent *a, const struct agent_settings *s,
		      const char *machine)
{
	const char *host = compiler_host_published(machine);

	strv_add(&a->hosts, wire_host_ok(host) ? host : "unknown");
	for (size_t i = 0; i < s->hosts.n; i++) {
		if (!strv_has(&a->hosts, s->hosts.v[i]))
			strv_add(&a->hosts, s->hosts.v[i]);
	}
}

static int open_store(struct agent *a, const struct agent_settings *s,
		      struct err *err)
{
	char *dir = store_path(s);
	int ret = store_open(&a->store, dir, s->store_size, err);

	/* Nothing of what is kept is made, or looked at, before a kfarm asks.
	 */
	if (!ret) {
		a->kept = kept_path(s, dir);
		a->foreign = agent_foreign_new();
	}
	free(dir);
	return ret;
}

/* The files of a cell lie in memory, and compilers need some as well. */
static void limit_views(struct agent *a, const struct wire_inventory *inv)
{
	uint64_t half = ((uint64_t)inv->memory_mib << 20) / 2;

	if (half < VIEW_LEAST)
		half = VIEW_LEAST;
	a->limits.view_bytes = half < VIEW_MOST ? half : VIEW_MOST;
}

static int set_up_agent(struct agent *a, const struct agent_settings *s,
			struct err *err)
{
	struct wire_inventory inv;
	struct err status;
	int ret;

	TAILQ_INIT(&a->sessions);
	a->slots_given = s->slots;
	ret = open_store(a, s, err);
	if (ret)
		return ret;
	a->children = children_new(a->base);
	children_take_orphans(a->children);
	node_inventory_collect(&inv, "");
	agent_slots_init(&a->slots, inv.cores, s->slots);
	limit_views(a, &inv);
	set_hosts(a, s, inv.machine);
	wire_inventory_release(&inv);
	cell_check(&a->check);
	if (!a->check.fit)
		log_warning("no job can run here: %s", a->check.why);
	/* A file system without sockets makes a node that is as good. */
	if (agent_status_new(&a->status, a, &status))
		log_warning("--status will not know of it: %s", status.text);
	return 0;
}

/* Dropped jobs and cells go as soon as their threads are done. */
static void wait_for_cells(struct agent *a)
{
	struct timeval tick = { .tv_usec = 5000 };
	uint64_t deadline = clock_ms() + END_MS;

	while ((a->slots.held || a->n_cells) && clock_ms() < deadline) {
		event_base_loopexit(a->base, &tick);
		event_base_loop(a->base, EVLOOP_ONCE);
	}
}

/* False when a thread is still at work: then everything stays as it is. */
static bool tear_down_agent(struct agent *a)
{
	if (a->children) {
		agent_session_end_all(a, "this kfarmd ends");
		wait_for_cells(a);
		children_wait(a->children, END_MS);
	}
	if (a->slots.held || a->n_cells)
		return false;
	agent_status_free(a->status);
	children_free(a->children);
	node_health_release(&a->health);
	store_free(a->store);
	free(a->kept);
	agent_foreign_free(a->foreign);
	strv_release(&a->hosts);
	event_base_free(a->base);
	return true;
}

/* What takes conversations while the loop runs. */
struct listeners {
	struct agent_listen **unix_v;
	size_t n_unix;
	struct agent_door *door; /* NULL: none to the network */
	struct strv at; /* where, for people */
	char *all; /* the same in one */
};

static int listen_unix(struct agent *a, struct listeners *l, const char *path,
		       struct err *err)
{
	struct agent_listen *one;
	int ret = agent_listen_new(&one, a, path, err);

	if (ret)
		return ret;
	*VEC_ADD(l->unix_v, l->n_unix) = one;
	strv_add(&l->at, path);
	return 0;
}

static int start_listening(struct agent *a, struct listeners *l,
			   const struct agent_settings *s, struct err *err)
{
	struct strv ports = { 0 };
	int ret = 0;

	for (size_t i = 0; i < s->listen.n && !ret; i++) {
		const char *where = s->listen.v[i];

		if (str_starts(where, "unix:"))
			ret = listen_unix(a, l, where + strlen("unix:"), err);
		else
			strv_add(&ports, where);
	}
	if (!ret && ports.n)
		ret = agent_door_new(&l->door, a, &ports, agent_settings_dir(s),
				     &l->at, err);
	strv_release(&ports);
	if (!ret) {
		l->all = strv_join(&l->at, ", ");
		a->listen = l->all;
		log_info("listening at %s", l->all);
	}
	return ret;
}

/* Of the door nothing may go as long as sessions may ask for its list. */
static void stop_listening(struct agent *a, struct listeners *l)
{
	agent_session_end_all(a, "this kfarmd ends");
	for (size_t i = 0; i < l->n_unix; i++)
		agent_listen_free(l->unix_v[i]);
	free(l->unix_v);
	agent_door_free(l->door);
	strv_release(&l->at);
	a->listen = NULL;
	free(l->all);
}

static int run_loop(struct agent *a, const struct agent_settings *s,
		    struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *ends[3] = { 0 };
	struct listeners l = { 0 };
	int ret;

	for (int i = 0; i < 3; i++) {
		if (spawn_ignores(signals[i]))
			continue;
		ends[i] = evsignal_new(a->base, signals[i], on_signal, a->base);
		if (!ends[i] || event_add(ends[i], NULL))
			str_out_of_memory();
	}
	ret = s->stdio ? start_stdio(a, err) : start_listening(a, &l, s, err);
	if (!ret)
		event_base_dispatch(a->base);
	stop_listening(a, &l);
	for (int i = 0; i < 3; i++) {
		if (ends[i])
			event_free(ends[i]);
	}
	return ret;
}

/* libevent's own messages are of use only for finding a fault. */
static void on_event_log(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

/*
 * What strangers can reach must not have root's power over this machine.  Who
 * comes through ssh, or by a socket of root's own, has that anyway.
 */
static int limit_power(const struct agent_settings *s, struct err *err)
{
	bool network = false, low = false;
	int ret;

	for (size_t i = 0; i < s->listen.n && !s->stdio; i++) {
		const char *where = s->listen.v[i], *port;

		if (str_starts(where, "unix:"))
			continue;
		port = strrchr(where, ':');
		port = port ? port + 1 : where;
		network = true;
		low = low || (atoi(port) > 0 && atoi(port) < 1024);
	}
	ret = network ? cell_user_limit(low) : 0;
	return ret ? err_set(err, -ret, "capabilities cannot be dropped: %s",
			     strerror(-ret)) :
		     0;
}

static int run_agent(const struct agent_settings *s, struct err *err)
{
	struct agent a = { 0 };
	int ret;

	ret = limit_power(s, err);
	if (ret)
		return ret;
	event_set_log_callback(on_event_log);
	a.base = event_base_new();
	if (!a.base)
		return err_set(err, EIO, "no event loop");
	ret = set_up_agent(&a, s, err);
	if (!ret)
		ret = run_loop(&a, s, err);
	if (!tear_down_agent(&a)) {
		if (ret)
			log_error("%s", err->text);
		_exit(ret ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	return ret;
}

/* What is asked for, after a good command line: the exit status. */
static int run_settings(const struct agent_settings *s, struct err *err)
{
	int ret;

	if (s->init) {
		ret = agent_init(agent_settings_dir(s), err);
	} else {
		set_up_process();
		if (s->check)
			return print_check();
		if (s->status)
			return print_status(s);
		ret = run_agent(s, err);
	}
	if (ret)
		log_error("%s", err->text);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print_help(void)
{
	char *text = agent_settings_help();

	fputs(text, stdout);
	free(text);
}

int main(int argc, char **argv)
{
	struct agent_settings s = { 0 };
	struct err err = { 0 };
	int ret = EXIT_SUCCESS;

	(void)argc;
	log_init("kfarmd", LOG_WARNING);
	if (agent_settings_read(&s, argv + 1, &err)) {
		log_error("%s", err.text);
		ret = EXIT_FAILURE;
	} else if (s.version) {
		puts(AGENT_SOFTWARE);
	} else if (s.help) {
		print_help();
	} else {
		if (s.listen.n && !s.status)
			log_init("kfarmd", LOG_INFO);
		ret = run_settings(&s, &err);
	}
	agent_settings_release(&s);
	return ret;
}
