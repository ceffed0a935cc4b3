/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include "base/args.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/task.h"
#include "base/vec.h"
#include "cli/cmd.h"

#include <errno.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TICK_MS     200
#define PATIENCE_MS 2000 /* delay before progress is displayed */

static atomic_bool interrupted;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&interrupted, true);
}

static void catch_signals(struct sigaction before[3], bool on)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };

	for (int i = 0; i < 3; i++)
		sigaction(numbers[i], on ? &sa : &before[i],
			  on ? &before[i] : NULL);
}

/* ---- the units of a directory ---- */

/* Return "lib/foo.o" for BUILD/lib/.foo.o.cmd. */
static char *object_name(const char *build, const char *file)
{
	const char *base = str_base(file);
	/* NOLINT: `build` is a prefix of `file` */
	const char *dir = file + strlen(build) + 1;

	return xasprintf("%.*s%.*s", (int)(base - dir), dir,
			 (int)(strlen(base + 1) - strlen(".cmd")), base + 1);
}

static void add_unit(struct audit *a, const char *file)
{
	*VEC_ADD(a->units, a->n) = (struct audit_unit){
		.file = xstrdup(file),
		.name = object_name(a->what->build, file),
	};
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int find_all(struct audit *a, struct err *err)
{
	char *roots[] = { (char *)a->what->build, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;

	if (!walk)
		return err_errno(err, "%s", a->what->build);
	while ((e = fts_read(walk))) {
		if (e->fts_info == FTS_F && e->fts_name[0] == '.' &&
		    str_ends(e->fts_name, ".o.cmd"))
			add_unit(a, e->fts_path);
	}
	fts_close(walk);
	return a->n ? 0 :
		      err_set(err, ENOENT,
			      "no .cmd file of an object below %s: was "
			      "anything built there?",
			      a->what->build);
}

static int find_named(struct audit *a, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < a->what->names.n && !ret; i++) {
		char *file;

		ret = cli_scan_line_find(&file, a->what->build,
					 a->what->names.v[i], err);
		if (!ret)
			add_unit(a, file);
		free(file);
	}
	return ret;
}

/* ---- the first phase ---- */

static void keep_closure(struct audit *a, struct audit_unit *u,
			 const struct cpp_closure *c)
{
	char **names = xcalloc(c->n_files, sizeof(*names));

	for (size_t i = 0; i < c->n_files; i++) {
		if (c->files[i].kind == CPP_FILE_INPUT)
			u->n_inputs++;
		else
			names[u->n_ids++] = c->files[i].path;
	}
	u->ids = xcalloc(u->n_ids, sizeof(*u->ids));
	audit_paths_add(a->paths, names, u->n_ids, u->ids);
	free(names);
}

static void scan_line(struct audit *a, struct audit_unit *u,
		      const struct cli_scan_line *l,
		      const struct cli_scan_tool *tool)
{
	struct cpp_unit unit = { .cwd = l->cwd,
				 .compiler = tool->path,
				 .toolchain = &tool->id,
				 .command = &l->command,
				 .env = environ };
	uint64_t start = clock_us(), cpu = clock_cpu_us();
	struct cpp_closure c = { 0 };

	cpp_closure_find(a->scan, &unit, &c);
	u->us = clock_us() - start;
	u->cpu_us = clock_cpu_us() - cpu;
	u->state = c.reason ? AUDIT_NOT_SCANNABLE : AUDIT_SCANNED;
	u->why = reason_text(c.reason);
	u->detail = c.detail ? xstrdup(c.detail) : NULL;
	if (!c.reason)
		keep_closure(a, u, &c);
	cpp_closure_release(&c);
}

/*
 * Return true if the program is compiled for the build host, so that make can
 * run it.
 */
static bool is_host(const struct strv *argv)
{
	return !strv_has(argv, "-D__KERNEL__") && !strv_has(argv, "-nostdinc");
}

static void scan_one(struct audit *a, struct audit_marks *marks,
		     struct audit_unit *u)
{
	const struct cli_scan_tool *tool;
	struct cli_scan_line l;
	struct err err = { 0 };
	int ret = cli_scan_line_read(&l, a->what->build, u->file, &err);

	(void)marks;
	if (ret) {
		u->state = ret == -ENOMSG ? AUDIT_OTHER : AUDIT_BROKEN;
		u->detail = xstrdup(err.text);
		return;
	}
	/* -M does not list the files that the assembler reads. */
	if (l.command.lang == OPTIONS_LANG_ASM) {
		u->state = AUDIT_OTHER;
		u->detail = xstrdup("no preprocessor reads it");
		cli_scan_line_release(&l);
		return;
	}
	u->is_asm = str_ends(l.command.source, ".S");
	u->is_host = is_host(&l.argv);
	tool = cli_scan_tools_get(a->tools, l.cwd, l.argv.v[0]);
	if (tool->path) {
		scan_line(a, u, &l, tool);
	} else {
		u->state = AUDIT_BROKEN;
		u->detail = xstrdup(tool->error_text);
	}
	cli_scan_line_release(&l);
}

/* ---- a phase: all units, on several threads ---- */

struct phase {
	struct audit *a;
	void (*one)(struct audit *a, struct audit_marks *marks,
		    struct audit_unit *u);
	const char *did; /* past participle for messages: "scanned" */
	uint64_t start_ms, next_ms;
};

static void work(void *arg)
{
	struct phase *p = arg;
	struct audit_marks marks = { 0 };

	while (!atomic_load(p->a->stop)) {
		size_t i = atomic_fetch_add(&p->a->next, 1);

		if (i >= p->a->n)
			break;
		p->one(p->a, &marks, &p->a->units[i]);
		atomic_fetch_add(&p->a->done, 1);
	}
	free(marks.v);
}

/* On a terminal, rewrite one line; otherwise print a line now and then. */
static void show_progress(struct phase *p, bool terminal)
{
	uint64_t now = clock_ms(), spent = now - p->start_ms;
	size_t done = atomic_load(&p->a->done);
	uint64_t left = done ? spent * (p->a->n - done) / done / 1000 : 0;

	if (now < p->next_ms)
		return;
	if (terminal) {
		fprintf(stderr, "\r%zu of %zu units %s, %llu s left\033[K",
			done, p->a->n, p->did, (unsigned long long)left);
		p->next_ms = now;
		return;
	}
	log_info("%zu of %zu units %s, %llu s left", done, p->a->n, p->did,
		 (unsigned long long)left);
	p->next_ms = p->start_ms + (spent < 10000 ? 10000 :
				    spent < 30000 ? 30000 :
						    spent + 60000);
}

static void watch(struct phase *p, struct task *const *tasks, size_t n)
{
	struct pollfd *fds = xcalloc(n, sizeof(*fds));
	bool terminal = isatty(STDERR_FILENO);
	size_t running = n;

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ task_fd(tasks[i]), POLLIN, 0 };
	while (running) {
		if (poll(fds, n, TICK_MS) > 0) {
			for (size_t i = 0; i < n; i++) {
				if (fds[i].fd < 0 || !fds[i].revents)
					continue;
				fds[i].fd = -1;
				running--;
			}
		}
		show_progress(p, terminal);
	}
	if (terminal && clock_ms() - p->start_ms >= PATIENCE_MS)
		fputs("\r\033[K", stderr);
	free(fds);
}

static void run_phase(struct phase *p)
{
	size_t most = (size_t)p->a->what->jobs, n = 0;
	struct task **tasks = xcalloc(most, sizeof(struct task *));

	atomic_store(&p->a->next, 0);
	atomic_store(&p->a->done, 0);
	p->start_ms = clock_ms();
	p->next_ms = p->start_ms + PATIENCE_MS;
	while (n < most && (tasks[n] = task_start(work, p)))
		n++;
	if (n)
		watch(p, tasks, n);
	else
		work(p);
	for (size_t i = 0; i < n; i++)
		task_join(tasks[i]);
	free(tasks);
}

static uint64_t children_cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* ru_maxrss is unsuitable: it starts with the parent's value at our exec. */
static long peak_kib(void)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	const char *at = NULL;
	long kib;

	if (!fs_read("/proc/self/status", 1 << 20, &text, &err))
		at = strstr(buf_str(&text), "\nVmHWM:");
	kib = at ? strtol(at + strlen("\nVmHWM:"), NULL, 10) : 0;
	buf_release(&text);
	return kib;
}

static void run_phases(struct audit *a)
{
	struct phase scans = { .a = a, .one = scan_one, .did = "scanned" };
	struct phase comparisons = { .a = a,
				     .one = a->what->tokens ? audit_tokens :
							      audit_compare,
				     .did = "compared with the compiler" };
	struct cpp_stats stats;

	run_phase(&scans);
	a->peak_kib = peak_kib();
	cpp_scanner_stats(a->scan, &stats);
	a->exact_looks = stats.n_preprocessed;
	a->cc_cpu_us = children_cpu_us();
	run_phase(&comparisons);
	if (a->what->tokens)
		a->peak_kib = peak_kib();
	a->cc_cpu_us = children_cpu_us() - a->cc_cpu_us;
}

static void release(struct audit *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct audit_unit *u = &a->units[i];

		free(u->file);
		free(u->name);
		free(u->detail);
		free(u->ids);
		strv_release(&u->missed);
		strv_release(&u->extra);
	}
	free(a->units);
	audit_paths_free(a->paths);
	cli_scan_tools_free(a->tools);
	cpp_scanner_free(a->scan);
}

static void set_up(struct audit *a)
{
	char *home = fs_cache_home();
	char *dir = xasprintf("%s/scan", home);
	struct cpp_setup setup = { .query = capture_run,
				   .ctx = a->stop,
				   .cache_dir = dir };

	a->scan = cpp_scanner_new(&setup);
	a->tools = cli_scan_tools_new();
	a->paths = audit_paths_new();
	free(dir);
	free(home);
}

static int run_audit(const struct audit_request *what)
{
	struct audit a = { .what = what, .stop = &interrupted };
	struct sigaction before[3];
	struct err err = { 0 };
	int status = what->names.n ? find_named(&a, &err) : find_all(&a, &err);

	if (status) {
		log_error("%s", err.text);
		release(&a);
		return EXIT_USAGE;
	}
	set_up(&a);
	catch_signals(before, true);
	run_phases(&a);
	catch_signals(before, false);
	status = what->tokens ? audit_tokens_report(&a, stdout) :
				audit_report(&a, stdout);
	if (atomic_load(a.stop)) {
		log_error("interrupted");
		status = EXIT_INTERRUPTED;
	}
	release(&a);
	return status;
}

static int take_jobs(void *at, const struct args *a, struct err *err)
{
	if (!str_parse_number(a->value, 1, 1024, at))
		return 0;
	return err_set(err, EINVAL, "-j %s: 1 to 1024", a->value);
}

#define AT(member) offsetof(struct audit_request, member)

static const struct args_option options[] = {
	{ 'j', "jobs", "N", "audit N units at once", take_jobs, AT(jobs), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "tokens", NULL, "compare tokens with -E, not files with -M",
	  args_flag, AT(tokens), 0 },
	{ 0 },
};

static int read_words(struct audit_request *r, char *const *argv,
		      struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	while ((got = args_read(&args, r, err)) > 0) {
		if (!r->build)
			r->build = args.value;
		else
			strv_add(&r->names, args.value);
	}
	if (got)
		return got;
	if (!r->build)
		return err_set(
			err, EINVAL,
			"usage: audit [-j N] [--json | --tokens] DIR [FILE]...");
	return 0;
}

int main(int argc, char **argv)
{
	struct audit_request r = { .jobs = sysconf(_SC_NPROCESSORS_ONLN) };
	int status = EXIT_USAGE;
	struct err err = { 0 };
	char *build = NULL;

	(void)argc;
	log_init("audit", LOG_INFO);
	if (!read_words(&r, argv + 1, &err)) {
		build = realpath(r.build, NULL);
		if (!build || !fs_is_dir(build))
			err_set(&err, ENOENT, "%s is no directory", r.build);
	}
	if (err.text[0]) {
		log_error("%s", err.text);
	} else {
		r.build = build;
		status = run_audit(&r);
	}
	strv_release(&r.names);
	free(build);
	return status;
}
