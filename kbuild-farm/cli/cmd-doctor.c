/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each check of `kfarm doctor` adds a finding for each object that it examines,
 * even if the object is in order, so that --json lists everything.  Checks
 * change nothing.  Some checks run a program to measure its CPU time.
 */
#include "base/format.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/printable.h"
#include "base/process.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "base/which.h"
#include "cli/cmd.h"
#include "cli/table.h"
#include "compiler/bfd-plugins.h"
#include "compiler/find.h"
#include "conf/conf.h"
#include "kernel/capacity.h"
#include "kernel/masquerade.h"
#include "kernel/shell.h"
#include "node/own-key.h"
#include "node/roster.h"
#include "peer/survey.h"
#include "tls/key.h"
#include "toolchain/hostlib.h"
#include "toolchain/installed.h"
#include "toolchain/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define DAY_S          86400
#define EXTRA_JOBS     64 /* remote jobs that the resource limits must allow */
#define BENCHMARK_RUNS 9 /* runs of each program */
#define MEDIAN         4 /* index of the median in sorted times */
#define TOOLS          6 /* maximum number of nm programs that are checked */
#define GIB            (UINT64_C(1) << 30)
#define ANSWER_MS      20000 /* maximum time until a local kfarmd answers */

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE, /* information about a state that is not a fault */
	DOCTOR_SLOW, /* builds take longer than necessary */
	DOCTOR_BROKEN, /* a feature of kfarm does not work */
};

struct doctor_finding {
	const char *check; /* "nm", "space" */
	enum doctor_state state;
	char *text;
	char *advice; /* NULL: nothing to do */
};

struct doctor {
	const char *path; /* value of PATH */
	char *data_dir; /* fs_data_home() */
	char *tmp_dir; /* private directory, for copies of tools */
	struct doctor_finding *findings;
	size_t n_findings;
};

/*
 * Add a finding with a formatted text.  `advice` is copied; it is NULL if the
 * user has nothing to do.
 */
__attribute__((format(printf, 5, 6))) static void add_finding(
	struct doctor *d, const char *check, enum doctor_state state,
	const char *advice, const char *fmt, ...)
{
	struct doctor_finding *f = VEC_ADD(d->findings, d->n_findings);
	va_list ap;

	va_start(ap, fmt);
	f->check = check;
	f->state = state;
	f->text = xvasprintf(fmt, ap);
	f->advice = advice ? xstrdup(advice) : NULL;
	va_end(ap);
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Return the CPU time of all children that have ended, in us. */
static uint64_t children_cpu_time_us(void)
{
	struct rusage u = { 0 };

	getrusage(RUSAGE_CHILDREN, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/*
 * Run two programs several times with the argument `on`, and store the median
 * CPU time of each in ms.  The runs alternate, so that other load affects both
 * programs alike.  A run that cannot be started counts as 0 ms.
 */
static void measure_median(const char *const program[2], const char *on,
			   double ms[2])
{
	uint64_t took[2][BENCHMARK_RUNS] = { 0 };

	for (int i = 0; i < BENCHMARK_RUNS; i++) {
		for (int k = 0; k < 2; k++) {
			const char *argv[] = { program[k], on, NULL };
			struct spawn what = { .argv = (char *const *)argv,
					      .stdio_fds = { -1, -1, -1 } };
			uint64_t before = children_cpu_time_us();
			struct err ignored;
			pid_t pid;

			if (spawn_start(&what, &pid, &ignored))
				continue;
			spawn_wait(pid);
			took[k][i] = children_cpu_time_us() - before;
		}
	}
	for (int k = 0; k < 2; k++) {
		qsort(took[k], BENCHMARK_RUNS, sizeof(took[k][0]), by_time);
		ms[k] = (double)took[k][MEDIAN] / 1000;
	}
}

/*
 * Add a finding with the CPU time of `tool` with and without the plugins in
 * `foreign`.  These plugins do not belong to the compiler of `tool`.
 */
static void add_cost(struct doctor *d, const char *tool, const char *real,
		     const struct strv *foreign)
{
	char *dir = xasprintf("%s/%zu/bin", d->tmp_dir, d->n_findings);
	char *copy = xasprintf("%s/%s", dir, str_base(tool));
	char *names = strv_join(foreign, ", ");
	const char *const both[] = { tool, copy };
	struct err err = { 0 };
	double ms[2];

	if (!fs_mkdirs(dir, 0700, &err) &&
	    compiler_bfd_plugins_copy_tool(dir, tool, str_base(tool), &err) >
		    0) {
		measure_median(both, real, ms);
		add_finding(
			d, "plugins", DOCTOR_SLOW,
			"kbuild runs nm for each object; kfarm and its "
			"normalized names avoid this cost; for plain make, "
			"remove the package of the plugin "
			"(llvm-*-linker-tools)",
			"%s loads %s: %.1f ms of CPU per run instead of %.1f",
			tool, names, ms[0], ms[1]);
	} else {
		add_finding(d, "plugins", DOCTOR_SLOW,
			    "remove the package of the plugin",
			    "%s loads %s, and kfarm cannot prevent "
			    "this%s%s",
			    tool, names, err.text[0] ? ": " : "", err.text);
	}
	free(names);
	free(copy);
	free(dir);
}

/*
 * Check one nm and add its real path to `seen`.  Does nothing if `seen` already
 * contains this path, or is full.
 */
static void check_nm_plugins(struct doctor *d, const char *tool,
			     struct strv *seen)
{
	char *real = realpath(tool, NULL);
	struct strv foreign = { 0 };

	if (!real || access(tool, X_OK) || strv_has(seen, real) ||
	    seen->n >= TOOLS) {
		free(real);
		return;
	}
	strv_own(seen, real);
	if (compiler_bfd_plugins_list_foreign(tool, &foreign))
		add_cost(d, tool, real, &foreign);
	else
		add_finding(d, "plugins", DOCTOR_OK, NULL,
			    "%s loads no foreign plugin", tool);
	strv_release(&foreign);
}

/* Check each nm in a directory. */
static void check_bin_dir(struct doctor *d, const char *dir, struct strv *seen)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *tool = xasprintf("%s/%s", dir, names.v[i]);

		if (compiler_bfd_plugins_is_loader_name(names.v[i]) &&
		    str_ends(names.v[i], "nm"))
			check_nm_plugins(d, tool, seen);
		free(tool);
	}
	strv_release(&names);
}

/*
 * Find plugins that nm loads although they do not belong to its compiler, and
 * measure their cost.
 */
static void check_plugins(struct doctor *d)
{
	char *names = toolchain_link_dir(d->data_dir);
	struct strv seen = { 0 };
	const char *path = d->path;

	check_bin_dir(d, names, &seen);
	while (*path) {
		size_t len = strcspn(path, ":");
		char *dir = len ? xstrndup(path, len) : xstrdup(".");

		check_bin_dir(d, dir, &seen);
		free(dir);
		path += len + (path[len] == ':');
	}
	strv_release(&seen);
	free(names);
}

/*
 * Check that each link with a normalized name, such as
 * aarch64-gcc1330-linux-gcc, leads to a program whose libraries are installed.
 * If `installed` is true, also check that PATH contains the directory of these
 * links, so that a make without kfarm finds the installed toolchains.
 */
static void check_tool_names(struct doctor *d, bool installed)
{
	char *dir = toolchain_link_dir(d->data_dir);
	char *todo = xasprintf("add it to PATH: export PATH=\"$PATH:%s\"", dir);
	struct compiler_library_search search;
	struct strv names = { 0 };
	struct err err = { 0 };

	if (!compiler_library_search_load(&search, NULL, &err))
		fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		struct compiler_missing_libraries needs = { 0 };
		char *link = xasprintf("%s/%s", dir, names.v[i]);
		char *real = realpath(link, NULL);

		if (names.v[i][0] == '.')
			;
		else if (!real)
			add_finding(d, "names", DOCTOR_BROKEN,
				    "remove the link, or install its toolchain "
				    "again",
				    "%s: dangling symbolic link", link);
		else if (!compiler_library_find_missing(&needs, real, NULL,
							&search, &err) &&
			 needs.names.n)
			add_finding(d, "names", DOCTOR_BROKEN,
				    "if the system was upgraded, run `kfarm "
				    "toolchain adopt` again",
				    "%s does not run: missing %s, which %s "
				    "needs",
				    link, needs.names.v[0], needs.users.v[0]);
		compiler_library_missing_release(&needs);
		free(real);
		free(link);
	}
	if (installed && !str_list_has(d->path, ':', dir))
		add_finding(d, "names", DOCTOR_NOTE, todo,
			    "%s is not in PATH: kfarm finds the installed "
			    "toolchains there, plain make does not",
			    dir);
	buf_release(&search.cache);
	strv_release(&names);
	free(todo);
	free(dir);
}

/* Check the installed toolchains and the links to their programs. */
static void check_toolchains(struct doctor *d)
{
	struct toolchain_installed_list list;
	struct err err = { 0 };

	if (toolchain_installed_list(d->data_dir, &list, &err)) {
		add_finding(d, "toolchains", DOCTOR_BROKEN, NULL, "%s",
			    err.text);
		return;
	}
	for (size_t i = 0; i < list.broken.n; i++)
		add_finding(d, "toolchains", DOCTOR_BROKEN,
			    "remove the directory, and install the "
			    "toolchain again",
			    "%s", list.broken.v[i]);
	for (size_t i = 0; i < list.n; i++) {
		const struct toolchain_installed *t = &list.v[i];
		char *driver = toolchain_installed_driver_path(t);
		char *todo = xasprintf("run `kfarm toolchain remove %s`, and "
				       "install or adopt it again",
				       t->id);

		if (access(driver, X_OK))
			add_finding(d, "toolchains", DOCTOR_BROKEN, todo,
				    "%s: missing compiler %s", t->id, driver);
		else
			add_finding(d, "toolchains",
				    t->insecure ? DOCTOR_NOTE : DOCTOR_OK, NULL,
				    "%s is installed%s", t->id,
				    t->insecure ? ", but not verified" : "");
		free(todo);
		free(driver);
	}
	check_tool_names(d, list.n > 0);
	toolchain_installed_list_release(&list);
}

/* Check that a program is in PATH; if not, the finding has state `missing`. */
static void check_program_exists(struct doctor *d, const char *name,
				 const char *why, enum doctor_state missing)
{
	char *path = which(name, d->path);
	char *todo = xasprintf("install the package %s", name);

	if (path)
		add_finding(d, "programs", DOCTOR_OK, NULL, "%s is %s", name,
			    path);
	else
		add_finding(d, "programs", missing, todo,
			    "%s is not in PATH, and %s needs it", name, why);
	free(todo);
	free(path);
}

/*
 * Check whether the name of a compiler in PATH leads to ccache or a similar
 * wrapper.
 */
static void check_ccache(struct doctor *d, const char *name)
{
	char *path = which(name, d->path);
	char *behind = which_compiler(name, d->path, NULL);
	char *todo = path ? xasprintf("remove %.*s from PATH, so that plain "
				      "make and kfarm run the same compiler",
				      (int)(str_base(path) - path - 1), path) :
			    NULL;

	if (path && which_is_wrapper(path) && behind)
		add_finding(
			d, "ccache", DOCTOR_NOTE, todo,
			"%s in PATH is %s, a compiler cache; kfarm skips it "
			"and runs %s",
			name, path, behind);
	else if (path && which_is_wrapper(path))
		add_finding(
			d, "ccache", DOCTOR_BROKEN, todo,
			"%s in PATH is %s, a compiler cache, but PATH contains "
			"no compiler for it",
			name, path);
	free(todo);
	free(behind);
	free(path);
}

/*
 * Check the compilers in PATH.  A compiler that is a script can compile only on
 * the build host.
 */
static void check_compilers(struct doctor *d)
{
	struct strv scripts = { 0 };
	struct compiler_list list;
	size_t n_posix = 0, n_elf;
	char *names;

	compiler_find_all(&list, d->path);
	for (size_t i = 0; i < list.n; i++) {
		/* Debian's gcc includes these scripts; no kernel needs them. */
		if (str_list_has("c89-gcc c99-gcc", ' ',
				 str_base(list.v[i].path)))
			n_posix++;
		else if (!list.v[i].is_elf)
			strv_add(&scripts, list.v[i].path);
	}
	if (scripts.n) {
		names = strv_join(&scripts, ", ");
		add_finding(d, "compilers", DOCTOR_NOTE, NULL,
			    "these scripts cannot run on nodes: %s", names);
		free(names);
	}
	n_elf = list.n - scripts.n - n_posix;
	if (n_elf)
		add_finding(d, "compilers", DOCTOR_OK, NULL,
			    "%zu compiler name%s in PATH", n_elf,
			    format_plural(n_elf));
	else
		add_finding(d, "compilers", DOCTOR_BROKEN,
			    "install gcc, or a toolchain that `kfarm "
			    "toolchain search` lists",
			    "no compiler in PATH");
	strv_release(&scripts);
	compiler_list_release(&list);
}

/* Check the wrapper kfarm-cc, make, other programs, compilers and ccache. */
static void check_programs(struct doctor *d)
{
	static const char *const kernel[] = { "bc", "flex", "bison" };
	static const char *const cached[] = { "gcc", "cc", "clang" };
	char *wrapper = kernel_masquerade_find_wrapper();

	if (wrapper && !access(wrapper, X_OK))
		add_finding(d, "wrapper", DOCTOR_OK, NULL, "kfarm-cc is %s",
			    wrapper);
	else
		add_finding(d, "wrapper", DOCTOR_BROKEN,
			    "install kfarm again: without kfarm-cc, nothing is "
			    "offloaded",
			    "kfarm-cc is neither next to kfarm nor in PATH");
	free(wrapper);
	check_program_exists(d, "make", "every build", DOCTOR_BROKEN);
	for (size_t i = 0; i < ARRAY_SIZE(kernel); i++)
		check_program_exists(d, kernel[i], "a kernel build",
				     DOCTOR_BROKEN);
	check_program_exists(d, "gpg", "toolchain install", DOCTOR_NOTE);
	check_program_exists(d, "gpgv", "toolchain install", DOCTOR_NOTE);
	check_compilers(d);
	for (size_t i = 0; i < ARRAY_SIZE(cached); i++)
		check_ccache(d, cached[i]);
}

/* Check that builds can use kfarm's recipe shell. */
static void check_shell(struct doctor *d)
{
	const char *why = kernel_shell_unavailable_reason();

	if (why)
		add_finding(
			d, "shell", DOCTOR_SLOW,
			"recipes run in the system's shell, which takes "
			"several times as much CPU time; see THE RECIPE SHELL "
			"in kfarm-run(1)",
			"%s", why);
	else
		add_finding(d, "shell", DOCTOR_OK, NULL,
			    "builds use kfarm's recipe shell instead of dash");
}

/*
 * Check free space and write permission of a directory, or of the nearest
 * existing directory above it.
 */
static void check_dir_space(struct doctor *d, const char *path, const char *of)
{
	char *at = xstrdup(path);
	struct statvfs st;
	double gib;

	while (!fs_is_dir(at) && strcmp(at, "/") && strcmp(at, ".")) {
		char *up = str_dir(at);

		free(at);
		at = up;
	}
	if (statvfs(at, &st)) {
		add_finding(d, "space", DOCTOR_BROKEN, NULL,
			    "cannot determine the free space of %s, which is "
			    "needed for %s",
			    path, of);
	} else if (access(at, W_OK | X_OK)) {
		add_finding(d, "space", DOCTOR_BROKEN,
			    "make it writable, or set XDG_CACHE_HOME "
			    "and XDG_DATA_HOME",
			    "%s is not writable, but needed for %s", at, of);
	} else {
		enum doctor_state state;

		gib = (double)st.f_bavail * (double)st.f_frsize / GIB;
		state = gib < 1 ? DOCTOR_BROKEN :
			gib < 5 ? DOCTOR_NOTE :
				  DOCTOR_OK;
		add_finding(d, "space", state,
			    state == DOCTOR_OK ?
				    NULL :
				    "a kernel build takes 1 to 20 GiB, "
				    "a toolchain 0.2 GiB",
			    "%.1f GiB free in %s, for %s", gib, at, of);
	}
	free(at);
}

/* Check free space and permissions of the directories that kfarm writes. */
static void check_free_space(struct doctor *d)
{
	char *cache = fs_cache_home(), *run = NULL;
	struct err err = { 0 };
	struct statvfs st;

	check_dir_space(d, d->data_dir, "toolchains");
	check_dir_space(d, cache, "builds");
	if (fs_runtime_dir(&run, &err))
		add_finding(d, "space", DOCTOR_BROKEN,
			    "set XDG_RUNTIME_DIR to a directory that "
			    "you own",
			    "%s", err.text);
	else if (!statvfs(run, &st) && (st.f_flag & ST_NOEXEC))
		add_finding(d, "space", DOCTOR_SLOW,
			    "set XDG_RUNTIME_DIR to another directory",
			    "%s is mounted noexec, so the binutils of "
			    "a build load all plugins",
			    run);
	free(run);
	free(cache);
}

/* Return the path of kfarmd next to kfarm or in PATH, or NULL. */
static char *daemon_path(const struct doctor *d)
{
	char *self = process_program_path();
	char *dir = self ? str_dir(self) : xstrdup(".");
	char *path = xasprintf("%s/kfarmd", dir);

	if (access(path, X_OK)) {
		free(path);
		path = which("kfarmd", d->path);
	}
	free(dir);
	free(self);
	return path;
}

/* Start a local kfarmd to check that the build host can be a node. */
static void check_sandbox(struct doctor *d)
{
	char *daemon = daemon_path(d);
	struct node_entry entry = { .name = (char *)"here" };
	struct peer_survey_node probe = { .entry = &entry };
	struct peer_survey_setup setup = { .nodes = &probe,
					   .n = 1,
					   .identify_only = true,
					   .hello_timeout_ms = ANSWER_MS };
	struct err err = { 0 };
	struct buf word = { 0 }, store = { 0 };
	char *text, *dir;

	if (!daemon) {
		add_finding(d, "sandbox", DOCTOR_OK, NULL,
			    "kfarmd is not installed, so this machine "
			    "is not a node");
		return;
	}
	dir = xasprintf("%s/store", d->tmp_dir);
	buf_add_shell_word(&word, daemon);
	buf_add_shell_word(&store, dir);
	text = xasprintf("exec:%s --stdio --store %s", buf_str(&word),
			 buf_str(&store));
	entry.address_text = text;
	if (!node_address_parse(&entry.address, text, &err) &&
	    !peer_survey_run(&setup, NULL, &err)) {
		const struct peer_survey_node *p = &probe;

		if (p->fit.usable)
			add_finding(d, "sandbox", DOCTOR_OK, NULL,
				    "this machine can be a node (%s)",
				    p->fit.layers ? p->fit.layers : "");
		else
			add_finding(d, "sandbox", DOCTOR_NOTE, NULL,
				    "this machine cannot be a node: %s",
				    p->fit.reason ? p->fit.reason :
				    p->why        ? p->why :
						    "kfarmd does not answer");
		peer_survey_release(&probe);
	} else {
		add_finding(d, "sandbox", DOCTOR_NOTE, NULL, "%s", err.text);
	}
	node_address_release(&entry.address);
	buf_release(&word);
	buf_release(&store);
	free(dir);
	free(text);
	free(daemon);
}

/* Check the configuration and count its nodes. */
static void check_nodes(struct doctor *d)
{
	struct strv warnings = { 0 };
	struct node_roster roster = { 0 };
	struct conf *conf = NULL;
	struct err err = { 0 };
	int ret = conf_load(&conf, &warnings, &err);

	if (ret)
		add_finding(d, "configuration", DOCTOR_BROKEN, NULL, "%s",
			    err.text);
	else if (node_roster_load(&roster, conf, &err))
		add_finding(d, "nodes", DOCTOR_BROKEN, NULL, "%s", err.text);
	else if (!node_roster_has_nodes(&roster))
		add_finding(d, "nodes", DOCTOR_NOTE,
			    "add one with `kfarm nodes add NAME "
			    "ADDRESS`; see `kfarm help nodes`",
			    "no node is configured");
	if (roster.n)
		add_finding(d, "nodes", DOCTOR_OK, NULL,
			    "%zu configured; `kfarm nodes check` tests "
			    "them",
			    roster.n);
	if (roster.n_pools)
		add_finding(d, "pools", DOCTOR_OK, NULL,
			    "%zu configured; `kfarm nodes check POOL` "
			    "tests a member",
			    roster.n_pools);
	for (size_t i = 0; i < warnings.n; i++)
		add_finding(d, "configuration", DOCTOR_NOTE, NULL, "%s",
			    warnings.v[i]);
	for (size_t i = 0; i < roster.warnings.n; i++)
		add_finding(d, "nodes", DOCTOR_NOTE, NULL, "%s",
			    roster.warnings.v[i]);
	node_roster_release(&roster);
	conf_free(conf);
	strv_release(&warnings);
}

/* Load the nodes, or none if check_nodes() reports an error. */
static void load_nodes(struct node_roster *roster)
{
	struct conf *conf = NULL;
	struct err ignored;

	*roster = (struct node_roster){ 0 };
	if (!conf_load(&conf, NULL, &ignored))
		node_roster_load(roster, conf, &ignored);
	conf_free(conf);
}

/* Return the number of configured nodes with a tls: address. */
static unsigned count_tls_nodes(void)
{
	struct node_roster roster;
	unsigned n = 0;

	load_nodes(&roster);
	for (size_t i = 0; i < roster.n; i++)
		n += roster.v[i].address.kind == NODE_ADDRESS_TLS;
	node_roster_release(&roster);
	return n;
}

/* Check the key with which the build host authenticates to nodes. */
static void check_keys(struct doctor *d)
{
	char *path = node_own_key_path();
	char pin[TLS_KEY_FINGERPRINT_SIZE];
	struct tls_key *key = NULL;
	struct err err = { 0 };
	int ret = tls_key_load(&key, path, &err);
	unsigned n = ret == -ENOENT ? count_tls_nodes() : 0;

	if (!ret) {
		tls_key_format_fingerprint(tls_key_fingerprint(key), pin);
		add_finding(
			d, "keys", DOCTOR_OK, NULL,
			"this machine identifies itself to nodes by the key %s",
			pin);
	} else if (ret != -ENOENT) {
		add_finding(d, "keys", DOCTOR_BROKEN, NULL, "%s", err.text);
	} else if (n) {
		add_finding(
			d, "keys", DOCTOR_BROKEN,
			"restore the file, or run `kfarm nodes update`, which "
			"creates a key and registers it on the nodes",
			"missing %s: %u node%s with a tls: address expect%s "
			"its key",
			path, n, format_plural(n), n == 1 ? "s" : "");
	} else {
		add_finding(
			d, "keys", DOCTOR_OK, NULL,
			"%s does not exist yet; `kfarm nodes add` creates it",
			path);
	}
	tls_key_free(key);
	free(path);
}

/*
 * Check that the system time is not earlier than the installation of kfarm, and
 * that a time service synchronizes the clock.
 */
static void check_clock(struct doctor *d)
{
	struct timex state = { 0 };
	time_t now = time(NULL), installed;
	struct stat st;
	struct tm tm;
	char date[32] = "?";

	if (gmtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	installed = stat("/proc/self/exe", &st) ? 0 : st.st_mtime;
	if (now + DAY_S < installed)
		add_finding(d, "clock", DOCTOR_BROKEN,
			    "enable NTP with `timedatectl set-ntp true`, or "
			    "install a package such as chrony",
			    "%s is before kfarm was installed: make treats new "
			    "files as old, and downloads fail",
			    date);
	else if (adjtimex(&state) < 0 || !(state.status & STA_UNSYNC))
		add_finding(d, "clock", DOCTOR_OK, NULL, "%s, synchronized",
			    date);
	else
		add_finding(d, "clock", DOCTOR_NOTE,
			    "enable NTP with `timedatectl set-ntp true`, or "
			    "install a package such as chrony",
			    "%s, not synchronized", date);
}

/* Check for the headers with which kernel builds compile host programs. */
static void check_packages(struct doctor *d)
{
	static const struct {
		const char *header, *package, *for_what;
	} wanted[] = {
		{ "/usr/include/gelf.h", "libelf-dev",
		  "objtool (x86) and BTF" },
		{ "/usr/include/openssl/opensslv.h", "libssl-dev",
		  "signed modules and certificates" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const char *name = wanted[i].package;
		char *todo = xasprintf("install %s, or the equivalent package "
				       "of this distribution",
				       name);

		if (access(wanted[i].header, R_OK))
			add_finding(d, "packages", DOCTOR_NOTE, todo,
				    "missing %s: many kernels need it for %s",
				    wanted[i].header, wanted[i].for_what);
		else
			add_finding(d, "packages", DOCTOR_OK, NULL,
				    "%s is installed", name);
		free(todo);
	}
}

/* Check how many jobs the limits on open files and processes allow. */
static void check_limits(struct doctor *d)
{
	static const char todo[] = "raise the limit: `ulimit -n`, `ulimit "
				   "-u`, limits.conf(5), or LimitNOFILE=, "
				   "LimitNPROC= and TasksMax= of the systemd "
				   "unit";
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned own = cores < 1 ? 1 : (unsigned)cores;
	struct node_roster roster;
	char *why = NULL;
	unsigned jobs;

	load_nodes(&roster);
	jobs = kernel_capacity(&why, "", node_roster_count_files(&roster));
	node_roster_release(&roster);
	if (jobs < own + EXTRA_JOBS)
		add_finding(
			d, "limits", jobs < own ? DOCTOR_BROKEN : DOCTOR_SLOW,
			todo,
			"at most %u concurrent job%s on this machine and all "
			"nodes together: %s",
			jobs, format_plural(jobs), why ? why : "?");
	else if (why)
		add_finding(
			d, "limits", DOCTOR_OK, NULL,
			"open files and processes suffice for %u concurrent "
			"jobs",
			jobs);
	else
		add_finding(d, "limits", DOCTOR_OK, NULL,
			    "open files and processes are not limited");
	free(why);
}

/* The command line. */
struct request {
	bool json, verbose;
};

#define AT(member) offsetof(struct request, member)

static const struct args_option options[] = {
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 'v', "verbose", NULL, "also print checks that passed", args_flag,
	  AT(verbose), 0 },
	{ 0 },
};

static const char *const states[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_SLOW] = "slow",
	[DOCTOR_BROKEN] = "wrong",
};

/* Return the number of findings in a state. */
static size_t count_findings(const struct doctor *d, enum doctor_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_findings; i++)
		n += d->findings[i].state == state;
	return n;
}

/*
 * Replace control characters and invalid UTF-8, which paths can contain, so
 * that a finding is one line and valid in JSON.
 */
static void clean_text(char *text)
{
	if (text)
		printable_replace(text, strlen(text), 0, '?');
}

/* Count the findings in [from, to) with the check, state and advice of `f`. */
static size_t count_similar(const struct doctor *d, size_t from, size_t to,
			    const struct doctor_finding *f)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		const struct doctor_finding *o = &d->findings[i];

		n += o->state == f->state && o->advice && f->advice &&
		     !strcmp(o->check, f->check) &&
		     !strcmp(o->advice, f->advice);
	}
	return n;
}

/*
 * Print the findings, the worst first, and a summary.  Findings are similar if
 * they have the same check, state and advice.
 *
 * If `all` is true, print all findings, but print the advice of similar
 * findings only once, with the last of them.  If `all` is false, omit findings
 * in the state DOCTOR_OK, and print only the first of several similar findings,
 * with the number of the others.
 */
static void print_findings(const struct doctor *d, bool all)
{
	size_t n_lines[DOCTOR_BROKEN + 1] = { 0 }, sum = 0;

	for (int state = DOCTOR_BROKEN; state >= DOCTOR_OK; state--) {
		for (size_t i = 0; i < d->n_findings; i++) {
			const struct doctor_finding *f = &d->findings[i];
			size_t before = count_similar(d, 0, i, f);
			size_t after = count_similar(d, i + 1, d->n_findings,
						     f);
			bool last = f->advice && (!all || !after);

			if ((int)f->state != state || (before && !all))
				continue;
			n_lines[state]++;
			if (state == DOCTOR_OK && !all)
				continue;
			printf("%-5s  %s: %s", states[state], f->check,
			       f->text);
			if (after && !all)
				printf("; and %zu more like it (-v lists %s)",
				       after, after == 1 ? "it" : "them");
			printf("%s%s\n", last ? "; " : "",
			       last ? f->advice : "");
		}
	}
	/* Without `all`, similar findings count as one. */
	for (int state = DOCTOR_OK; state <= DOCTOR_BROKEN; state++)
		sum += n_lines[state];
	printf("%zu finding%s: %zu wrong, %zu slow, %zu note%s, %zu ok\n", sum,
	       format_plural(sum), n_lines[DOCTOR_BROKEN], n_lines[DOCTOR_SLOW],
	       n_lines[DOCTOR_NOTE], format_plural(n_lines[DOCTOR_NOTE]),
	       n_lines[DOCTOR_OK]);
}

static const struct record_member finding_members[] = {
	{ RECORD_VALUE("check", doctor_finding, check) },
	{ RECORD_WORD("state", doctor_finding, state, states) },
	{ RECORD_VALUE("what", doctor_finding, text) },
	{ RECORD_VALUE("todo", doctor_finding, advice) },
};
const struct record doctor_finding_record = RECORD(doctor_finding,
						   finding_members);

/*
 * Run all checks with a temporary directory, which is removed afterwards.
 * Returns 0, or a negative errno if the directory cannot be created.
 */
static int run_checks(struct doctor *d, struct err *err)
{
	const char *place = getenv("TMPDIR");
	char *tmp = xasprintf("%s/kfarm-doctor.XXXXXX",
			      place && *place ? place : "/tmp");
	struct err remains;

	if (!mkdtemp(tmp)) {
		int ret = err_errno(err, "%s", tmp);

		free(tmp);
		return ret;
	}
	d->tmp_dir = tmp;
	check_programs(d);
	check_shell(d);
	check_free_space(d);
	check_packages(d);
	check_limits(d);
	check_clock(d);
	check_nodes(d);
	check_keys(d);
	check_toolchains(d);
	check_plugins(d);
	check_sandbox(d);
	d->tmp_dir = NULL;
	if (fs_remove(tmp, &remains))
		log_warning("%s", remains.text);
	free(tmp);
	return 0;
}

static int doctor_main(char *const *argv)
{
	const char *path = getenv("PATH");
	struct doctor d = { .path = path ? path : "/usr/bin:/bin",
			    .data_dir = fs_data_home() };
	struct request r = { 0 };
	struct err err = { 0 };
	struct args args;
	int status = EXIT_USAGE, got;

	args_init(&args, options, argv);
	got = args_read(&args, &r, &err);
	if (got > 0)
		err_set(&err, EINVAL, "unexpected argument \"%s\"", args.value);
	if (got || run_checks(&d, &err)) {
		log_error("doctor: %s", err.text);
		goto out;
	}
	for (size_t i = 0; i < d.n_findings; i++) {
		clean_text(d.findings[i].text);
		clean_text(d.findings[i].advice);
	}
	if (r.json)
		table_print_json(record_array_to_json(
			&doctor_finding_record, d.findings, d.n_findings));
	else
		print_findings(&d, r.verbose);
	status = count_findings(&d, DOCTOR_BROKEN) ? EXIT_USAGE : EXIT_OK;
out:
	for (size_t i = 0; i < d.n_findings; i++) {
		free(d.findings[i].text);
		free(d.findings[i].advice);
	}
	free(d.findings);
	free(d.data_dir);
	return status;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.usage = "[--json] [-v]",
	.help = "check this machine for problems and suggest remedies",
	.options = options,
	.extra_help =
		"Prints a line for each problem (wrong), each waste of time (slow) and each note,\nwith a remedy.  Changes nothing.  Exit status: 0, or 1 if something is wrong.\n",
	.run = doctor_main,
};
