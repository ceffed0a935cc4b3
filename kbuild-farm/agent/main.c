/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/agent.h"
#include "agent/foreign.h"
#include "agent/listen.h"
#include "agent/session.h"
#include "agent/status.h"
#include "base/args.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "compiler/host.h"
#include "node/inventory.h"
#include "store/store.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_MS      3000 /* for what we killed to go */
#define SLOTS_MOST  4096
#define VIEW_LEAST  (512ull << 20) /* bytes of files in a cell, where memory */
#define VIEW_MOST   (8ull << 30) /* allows: half of it */
#define STORE_LEAST 1 /* MiB */
#define STORE_MOST  (16l << 20) /* MiB */

struct settings {
	bool stdio;
	const char *listen; /* the socket's path */
	const char *store; /* NULL: the default */
	uint64_t store_size; /* bytes; 0: the default */
	const char *toolchains; /* NULL: beside the store */
	struct strv hosts; /* beside the machine's own */
	bool check, status, json;
	uint16_t slots;
	bool version, help; /* that is all that is wanted */
};

static int take_listen(void *at, const struct args *a, struct err *err)
{
	if (!str_starts(a->value, "unix:") || !a->value[5])
		return err_set(err, EINVAL, "--listen %s: must be unix:PATH",
			       a->value);
	*(const char **)at = a->value + 5;
	return 0;
}

static int take_slots(void *at, const struct args *a, struct err *err)
{
	long n;

	if (str_number(a->value, 1, SLOTS_MOST, &n))
		return err_set(err, EINVAL,
			       "--slots %s: must be a number from 1 to %d",
			       a->value, SLOTS_MOST);
	*(uint16_t *)at = (uint16_t)n;
	return 0;
}

/* A number with a unit, of bytes. */
static int take_store_size(void *at, const struct args *a, struct err *err)
{
	const char *value = a->value;
	static const char units[] = "MGT";
	size_t len = strlen(value);
	const char *unit = len ? strchr(units, value[len - 1]) : NULL;
	char *digits = xstrndup(value, len ? len - 1 : 0);
	int shift = unit ? 10 * (int)(unit - units) : 0;
	long n = 0;
	int ret = unit ? str_number(digits, STORE_LEAST, STORE_MOST >> shift,
				    &n) :
			 -EINVAL;

	free(digits);
	if (ret)
		return err_set(err, EINVAL,
			       "--store-size %s: must be a size as 800M or 20G",
			       value);
	*(uint64_t *)at = (uint64_t)n << (20 + shift);
	return 0;
}

static int take_host(void *at, const struct args *a, struct err *err)
{
	const struct strv *hosts = at;

	if (!wire_host_ok(a->value))
		return err_set(err, EINVAL,
			       "--host %s: must be a name as arm64 or x86_64",
			       a->value);
	if (hosts->n >= WIRE_HOSTS - 1)
		return err_set(err, EINVAL, "--host: more than %d",
			       WIRE_HOSTS - 1);
	return args_list(at, a, err);
}

#define AT(member) offsetof(struct settings, member)

static const struct args_option options[] = {
	{ 0, "stdio", NULL, "talk to one kfarm on standard input and output",
	  args_flag, AT(stdio), 0 },
	{ 0, "listen", "unix:PATH", "talk to all that connect to this socket",
	  take_listen, AT(listen), 0 },
	{ 0, "slots", "N", "take N jobs at once instead of cores + cores / 4",
	  take_slots, AT(slots), 0 },
	{ 0, "store", "DIR",
	  "keep what kfarm sends (compilers, sources) in DIR", args_text,
	  AT(store), 0 },
	{ 0, "store-size", "SIZE",
	  "and no more than SIZE of it, as 800M or 20G", take_store_size,
	  AT(store_size), 0 },
	{ 0, "toolchains", "DIR",
	  "keep the toolchains for this machine that kfarm brings in DIR",
	  args_text, AT(toolchains), 0 },
	{ 0, "host", "HOST", "programs for HOST (as arm64, arm) run here, too",
	  take_host, AT(hosts), 0 },
	{ 0, "check", NULL, "say whether jobs can run here, and if not, why",
	  args_flag, AT(check), 0 },
	{ 0, "status", NULL, "say what the kfarmds of this machine do now",
	  args_flag, AT(status), 0 },
	{ 0, "json", NULL, "say it in JSON", args_flag, AT(json), 0 },
	{ 'V', "version", NULL, "print the version", args_flag, AT(version),
	  0 },
	{ 'h', "help", NULL, "print this", args_flag, AT(help), 0 },
	{ 0 },
};

static void print_help(void)
{
	char *lines = args_help(options);

	printf("usage: kfarmd --stdio | --listen unix:PATH [--slots N]"
	       " [--store DIR]\n"
	       "              [--store-size SIZE] [--toolchains DIR]"
	       " [--host HOST]...\n"
	       "       kfarmd --status [--json] [--store DIR]"
	       " [--toolchains DIR]\n"
	       "       kfarmd --check\n%s",
	       lines);
	free(lines);
}

static int parse_args(struct settings *s, char *const *argv, struct err *err)
{
	struct args args;
	int got, ret = 0;

	args_init(&args, options, argv);
	while (!ret && !s->version && !s->help &&
	       (got = args_next(&args, err)) != ARGS_END)
		ret = got < 0 ? got :
		      got == ARGS_OPTION ?
				args_store(&args, s, err) :
				err_set(err, EINVAL, "%s: not an option",
					args.value);
	if (ret || s->version || s->help || s->check)
		return ret;
	if (s->json && !s->status)
		return err_set(err, EINVAL, "--json is for --status");
	if (s->status)
		return s->stdio || s->listen ?
			       err_set(err, EINVAL,
				       "--status is not for one that works") :
			       0;
	if (s->stdio == (s->listen != NULL))
		return err_set(err, EINVAL,
			       "one of --stdio and --listen is needed");
	if (s->stdio && isatty(STDIN_FILENO))
		return err_set(err, EINVAL,
			       "--stdio is for a kfarm at the other end,"
			       " not for a terminal");
	return 0;
}

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

static char *store_path(const struct settings *s)
{
	char *home = geteuid() ? fs_data_home() : xstrdup("/var/lib/kfarm");
	char *dir = s->store ? fs_absolute(s->store) :
			       xasprintf("%s/store", home);

	free(home);
	return dir;
}

static char *kept_path(const struct settings *s, const char *store)
{
	char *up = str_dir(store);
	char *kept = s->toolchains ? fs_absolute(s->toolchains) :
				     xasprintf("%s/toolchains",
					       strcmp(up, "/") ? up : "");

	free(up);
	return kept;
}

/* What --status prints: its exit status. */
static int print_status(const struct settings *s)
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

/* Nothing but messages may reach the peer: stdout becomes stderr. */
static int start_stdio(struct agent *a, struct err *err)
{
	int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (in < 0 || out < 0 || none < 0 || dup2(none, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_errno(err, "standard input and output");
	close(none);
	a->on_idle = stop;
	agent_session_start(a, in, out);
	return 0;
}

static void set_hosts(struct agent *a, const struct settings *s,
		      const char *machine)
{
	const char *host = compiler_host_published(machine);

	strv_add(&a->hosts, wire_host_ok(host) ? host : "unknown");
	for (size_t i = 0; i < s->hosts.n; i++) {
		if (!strv_has(&a->hosts, s->hosts.v[i]))
			strv_add(&a->hosts, s->hosts.v[i]);
	}
}

static int open_store(struct agent *a, const struct settings *s,
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

static int set_up_agent(struct agent *a, const struct settings *s,
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
	a->listen = s->listen;
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

static int run_loop(struct agent *a, const struct settings *s, struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *ends[3];
	struct agent_listen *l = NULL;
	int ret;

	for (int i = 0; i < 3; i++) {
		ends[i] = evsignal_new(a->base, signals[i], on_signal, a->base);
		if (!ends[i] || event_add(ends[i], NULL))
			str_out_of_memory();
	}
	ret = s->stdio ? start_stdio(a, err) :
			 agent_listen_new(&l, a, s->listen, err);
	if (!ret && l)
		log_info("listening at %s", s->listen);
	if (!ret)
		event_base_dispatch(a->base);
	if (l)
		agent_listen_free(l);
	for (int i = 0; i < 3; i++)
		event_free(ends[i]);
	return ret;
}

/* libevent's own messages are of use only for finding a fault. */
static void on_event_log(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

static int run_agent(const struct settings *s, struct err *err)
{
	struct agent a = { 0 };
	int ret;

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

int main(int argc, char **argv)
{
	struct settings s = { 0 };
	struct err err = { 0 };
	int ret;

	(void)argc;
	log_init("kfarmd", LOG_WARNING);
	ret = parse_args(&s, argv + 1, &err);
	if (!ret && s.listen)
		log_init("kfarmd", LOG_INFO);
	if (!ret && s.version) {
		puts(AGENT_SOFTWARE);
	} else if (!ret && s.help) {
		print_help();
	} else if (!ret) {
		set_up_process();
		if (s.check)
			return print_check();
		if (s.status)
			return print_status(&s);
		ret = run_agent(&s, &err);
	}
	strv_release(&s.hosts);
	if (ret)
		log_error("%s", err.text);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
