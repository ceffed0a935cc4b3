/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/agent.h"
#include "agent/listen.h"
#include "agent/probe.h"
#include "agent/reaper.h"
#include "agent/session.h"
#include "agent/work.h"
#include "base/args.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "node/inventory.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_MS     300 /* for what we killed to go */
#define SLOTS_MOST 4096

static const char job_path[] = "/usr/local/bin:/usr/bin:/bin";

enum {
	OPT_STDIO = 1,
	OPT_LISTEN,
	OPT_SLOTS,
	OPT_WORK,
	OPT_TOOLCHAIN,
	OPT_VERSION,
	OPT_HELP
};

static const struct args_option options[] = {
	{ OPT_STDIO, 0, "stdio", NULL,
	  "talk to one kfarm on standard input and output" },
	{ OPT_LISTEN, 0, "listen", "unix:PATH",
	  "talk to all that connect to this socket" },
	{ OPT_SLOTS, 0, "slots", "N",
	  "take N jobs at once instead of cores + cores / 4" },
	{ OPT_WORK, 0, "work", "DIR",
	  "keep the jobs' files below DIR instead of /dev/shm" },
	{ OPT_TOOLCHAIN, 0, "toolchain", "PATH",
	  "a compiler, or a directory of some, besides those on PATH" },
	{ OPT_VERSION, 'V', "version", NULL, "print the version" },
	{ OPT_HELP, 'h', "help", NULL, "print this" },
	{ 0 },
};

struct settings {
	bool stdio;
	const char *listen; /* the socket's path */
	const char *work;
	uint16_t slots;
	struct strv toolchains;
	char *path; /* PATH as we found it */
	bool done; /* --help or --version did it all */
};

static void print_help(void)
{
	char *lines = args_help(options);

	printf("usage: kfarmd --stdio | --listen unix:PATH [--slots N]"
	       " [--work DIR]\n"
	       "              [--toolchain PATH]...\n%s",
	       lines);
	free(lines);
}

static int set_listen(struct settings *s, const char *value, struct err *err)
{
	if (!str_starts(value, "unix:") || !value[5])
		return err_set(err, EINVAL, "--listen %s: must be unix:PATH",
			       value);
	s->listen = value + 5;
	return 0;
}

static int set_slots(struct settings *s, const char *value, struct err *err)
{
	long n;

	if (str_number(value, 1, SLOTS_MOST, &n))
		return err_set(err, EINVAL,
			       "--slots %s: must be a number from 1 to %d",
			       value, SLOTS_MOST);
	s->slots = (uint16_t)n;
	return 0;
}

static int take_option(struct settings *s, int key, const char *value,
		       struct err *err)
{
	switch (key) {
	case OPT_STDIO:
		s->stdio = true;
		return 0;
	case OPT_LISTEN:
		return set_listen(s, value, err);
	case OPT_SLOTS:
		return set_slots(s, value, err);
	case OPT_WORK:
		s->work = value;
		return 0;
	case OPT_TOOLCHAIN:
		strv_add(&s->toolchains, value);
		return 0;
	case OPT_VERSION:
		puts(AGENT_SOFTWARE);
		s->done = true;
		return 0;
	case OPT_HELP:
		print_help();
		s->done = true;
		return 0;
	case ARGS_WORD:
		return err_set(err, EINVAL, "%s: not an option", value);
	default:
		return key;
	}
}

static int parse(struct settings *s, char *const *argv, struct err *err)
{
	struct args args;
	int key, ret = 0;

	args_init(&args, options, argv);
	while (!ret && !s->done && (key = args_next(&args, err)) != ARGS_END)
		ret = take_option(s, key, args.value, err);
	if (ret || s->done)
		return ret;
	if (s->stdio == (s->listen != NULL))
		return err_set(err, EINVAL,
			       "one of --stdio and --listen is needed");
	if (s->stdio && isatty(STDIN_FILENO))
		return err_set(err, EINVAL,
			       "--stdio is for a kfarm at the other end,"
			       " not for a terminal");
	return 0;
}

/* What our compilers inherit, besides what agent/run.c sets. */
static void set_up_process(struct settings *s)
{
	struct rlimit none = { 0 }, files;
	const char *path = getenv("PATH");

	s->path = xstrdup(path ? path : job_path);
	/* Compilers are identified with the assembler that jobs will find. */
	setenv("PATH", job_path, 1);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &none);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
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

/* A quarter of what is free may hold texts; the rest is for compilers. */
static uint64_t text_budget(const struct agent_work *w)
{
	uint64_t room = agent_work_room(w), memory;
	uint32_t available, load;

	node_inventory_load(&available, &load);
	memory = (uint64_t)available << 20;
	if (agent_work_in_memory(w) && memory < room)
		room = memory;
	return room / 4;
}

static int set_up(struct agent *a, const struct settings *s, struct err *err)
{
	struct wire_inventory inv;
	int ret;

	TAILQ_INIT(&a->sessions);
	a->slots_given = s->slots;
	ret = agent_probe_new(&a->probe, a->base, s->path, &s->toolchains, err);
	if (ret)
		return ret;
	ret = agent_work_new(&a->work, s->work, err);
	if (ret)
		return ret;
	node_inventory_collect(&inv);
	agent_slots_init(&a->slots, inv.cores, s->slots, text_budget(a->work));
	wire_inventory_release(&inv);
	a->reaper = agent_reaper_new(a->base);
	return 0;
}

/* Dropped jobs go as soon as their processes have gone. */
static void wait_for_jobs(struct agent *a)
{
	struct timeval tick = { .tv_usec = 5000 };
	uint64_t deadline = clock_ms() + END_MS;

	while (a->slots.held && clock_ms() < deadline) {
		event_base_loopexit(a->base, &tick);
		event_base_loop(a->base, EVLOOP_ONCE);
	}
}

static void tear_down(struct agent *a)
{
	if (a->reaper) {
		agent_session_end_all(a, "this kfarmd ends");
		wait_for_jobs(a);
		agent_reaper_end(a->reaper, END_MS);
		agent_reaper_free(a->reaper);
	}
	if (a->work)
		agent_work_free(a->work);
}

static int serve(struct agent *a, const struct settings *s, struct err *err)
{
	struct event *term = evsignal_new(a->base, SIGTERM, on_signal, a->base);
	struct event *intr = evsignal_new(a->base, SIGINT, on_signal, a->base);
	struct event *hup = evsignal_new(a->base, SIGHUP, on_signal, a->base);
	struct agent_listen *l = NULL;
	int ret;

	if (!term || !intr || !hup || event_add(term, NULL) ||
	    event_add(intr, NULL) || event_add(hup, NULL))
		str_out_of_memory();
	ret = s->stdio ? start_stdio(a, err) :
			 agent_listen_new(&l, a, s->listen, err);
	if (!ret && l)
		log_info("listening at %s, jobs in %s", s->listen,
			 agent_work_path(a->work));
	if (!ret)
		event_base_dispatch(a->base);
	if (l)
		agent_listen_free(l);
	event_free(term);
	event_free(intr);
	event_free(hup);
	return ret;
}

/* Its warnings are ours to word; at most they help to find a fault. */
static void on_event_log(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

static int run(struct settings *s, struct err *err)
{
	struct agent a = { 0 };
	int ret;

	event_set_log_callback(on_event_log);
	a.base = event_base_new();
	if (!a.base)
		return err_set(err, EIO, "no event loop");
	ret = set_up(&a, s, err);
	if (!ret)
		ret = serve(&a, s, err);
	tear_down(&a);
	if (a.probe && !agent_probe_free(a.probe)) {
		if (ret)
			log_error("%s", err->text);
		_exit(ret ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	event_base_free(a.base);
	return ret;
}

int main(int argc, char **argv)
{
	struct settings s = { 0 };
	struct err err = { 0 };
	int ret;

	(void)argc;
	log_init("kfarmd", LOG_WARNING);
	ret = parse(&s, argv + 1, &err);
	if (!ret && s.listen)
		log_init("kfarmd", LOG_INFO);
	if (!ret && !s.done) {
		set_up_process(&s);
		ret = run(&s, &err);
	}
	if (ret)
		log_error("%s", err.text);
	strv_release(&s.toolchains);
	free(s.path);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
