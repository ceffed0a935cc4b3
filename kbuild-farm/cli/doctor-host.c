/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "base/which.h"
#include "cli/doctor.h"
#include "compiler/bfd-plugins.h"
#include "compiler/find.h"
#include "conf/conf.h"
#include "kernel/masquerade.h"
#include "kernel/shell.h"
#include "peer/survey.h"
#include "toolchain/hostlib.h"
#include "toolchain/installed.h"
#include "toolchain/link.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BENCHMARK_RUNS 9 /* of each program */
#define MEDIAN         4 /* index of the median in sorted times */
#define TOOLS          6 /* maximum; PATH can contain dozens of nm programs */

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

/* Return the CPU time of `program on` in us, or 0 if it did not start. */
static uint64_t run_once(const char *program, const char *on)
{
	const char *argv[] = { program, on, NULL };
	struct spawn what = { .argv = (char *const *)argv,
			      .stdio_fds = { -1, -1, -1 } };
	uint64_t before = children_cpu_time_us();
	struct err ignored;
	pid_t pid;

	if (spawn_start(&what, &pid, &ignored))
		return 0;
	spawn_wait(pid);
	return children_cpu_time_us() - before;
}

/*
 * Measure the median CPU times of two programs in ms.  The runs alternate, so
 * that other load affects both programs alike.
 */
static void measure_median(const char *const program[2], const char *on,
			   double ms[2])
{
	uint64_t took[2][BENCHMARK_RUNS];

	for (int i = 0; i < BENCHMARK_RUNS; i++) {
		for (int k = 0; k < 2; k++)
			took[k][i] = run_once(program[k], on);
	}
	for (int k = 0; k < 2; k++) {
		qsort(took[k], BENCHMARK_RUNS, sizeof(took[k][0]), by_time);
		ms[k] = (double)took[k][MEDIAN] / 1000;
	}
}

/*
 * Measure the cost of the plugins in `foreign`, which `tool` loads although
 * they do not belong to its compiler.
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
		doctor_add_finding(
			d, "plugins", DOCTOR_SLOW,
			"kbuild runs nm for each object; kfarm and its "
			"normalized names avoid this cost; for plain make, "
			"remove the package of the plugin "
			"(llvm-*-linker-tools)",
			"%s loads %s: %.1f ms of CPU per run instead of %.1f",
			tool, names, ms[0], ms[1]);
	} else {
		doctor_add_finding(d, "plugins", DOCTOR_SLOW,
				   "remove the package of the plugin",
				   "%s loads %s, and kfarm cannot prevent "
				   "this%s%s",
				   tool, names, err.text[0] ? ": " : "",
				   err.text);
	}
	free(names);
	free(copy);
	free(dir);
}

/* Check one nm, unless its real path is in `seen`. */
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
		doctor_add_finding(d, "plugins", DOCTOR_OK, NULL,
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

void doctor_check_plugins(struct doctor *d)
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
 * Check that `link`, a normalized program name such as
 * aarch64-gcc1330-linux-gcc, leads to a program that has all libraries.
 */
static void check_toolchain_name(struct doctor *d, const char *link,
				 const struct compiler_library_search *search)
{
	char *real = realpath(link, NULL);
	struct compiler_missing_libraries needs = { 0 };
	struct err err = { 0 };

	if (!real)
		doctor_add_finding(d, "names", DOCTOR_BROKEN,
				   "remove the link, or install its toolchain "
				   "again",
				   "%s: dangling symbolic link", link);
	else if (!compiler_library_find_missing(&needs, real, NULL, search,
						&err) &&
		 needs.names.n)
		doctor_add_finding(d, "names", DOCTOR_BROKEN,
				   "if the system was upgraded, run `kfarm "
				   "toolchain adopt` again",
				   "%s does not run: missing %s, which %s "
				   "needs",
				   link, needs.names.v[0], needs.users.v[0]);
	compiler_library_missing_release(&needs);
	free(real);
}

/*
 * Check all normalized names, which are links to the programs of installed
 * toolchains.
 */
static void check_toolchain_names(struct doctor *d)
{
	char *dir = toolchain_link_dir(d->data_dir);
	struct compiler_library_search search;
	struct strv names = { 0 };
	struct err err = { 0 };

	if (!compiler_library_search_load(&search, NULL, &err))
		fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *link = xasprintf("%s/%s", dir, names.v[i]);

		if (names.v[i][0] != '.')
			check_toolchain_name(d, link, &search);
		free(link);
	}
	buf_release(&search.cache);
	strv_release(&names);
	free(dir);
}

/*
 * Check that PATH contains the directory of normalized names, so that a make
 * without kfarm finds the installed toolchains.
 */
static void check_installed_path(struct doctor *d)
{
	char *dir = toolchain_link_dir(d->data_dir);
	char *todo = xasprintf("add it to PATH: export PATH=\"$PATH:%s\"", dir);

	if (!str_list_has(d->path, ':', dir))
		doctor_add_finding(
			d, "names", DOCTOR_NOTE, todo,
			"%s is not in PATH: kfarm finds the installed "
			"toolchains there, plain make does not",
			dir);
	free(todo);
	free(dir);
}

void doctor_check_toolchains(struct doctor *d)
{
	struct toolchain_installed_list list;
	struct err err = { 0 };

	if (toolchain_installed_list(d->data_dir, &list, &err)) {
		doctor_add_finding(d, "toolchains", DOCTOR_BROKEN, NULL, "%s",
				   err.text);
		return;
	}
	for (size_t i = 0; i < list.broken.n; i++)
		doctor_add_finding(d, "toolchains", DOCTOR_BROKEN,
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
			doctor_add_finding(d, "toolchains", DOCTOR_BROKEN, todo,
					   "%s: missing compiler %s", t->id,
					   driver);
		else
			doctor_add_finding(
				d, "toolchains",
				t->insecure ? DOCTOR_NOTE : DOCTOR_OK, NULL,
				"%s is installed%s", t->id,
				t->insecure ? ", but not verified" : "");
		free(todo);
		free(driver);
	}
	check_toolchain_names(d);
	if (list.n)
		check_installed_path(d);
	toolchain_installed_list_release(&list);
}

#define GIB       (UINT64_C(1) << 30)
#define ANSWER_MS 20000 /* timeout of the local kfarmd on a busy machine */

void doctor_add_finding(struct doctor *d, const char *check,
			enum doctor_state state, const char *advice,
			const char *fmt, ...)
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

/* Check that a program is in PATH; if not, the finding has state `missing`. */
static void check_program_exists(struct doctor *d, const char *name,
				 const char *why, enum doctor_state missing)
{
	char *path = which(name, d->path);
	char *todo = xasprintf("install the package %s", name);

	if (path)
		doctor_add_finding(d, "programs", DOCTOR_OK, NULL, "%s is %s",
				   name, path);
	else
		doctor_add_finding(d, "programs", missing, todo,
				   "%s is not in PATH, and %s needs it", name,
				   why);
	free(todo);
	free(path);
}

/* Check whether a compiler name in PATH is ccache or a similar wrapper. */
static void check_ccache(struct doctor *d, const char *name)
{
	char *path = which(name, d->path);
	char *behind = which_compiler(name, d->path, NULL);
	char *todo = path ? xasprintf("remove %.*s from PATH, so that plain "
				      "make and kfarm run the same compiler",
				      (int)(str_base(path) - path - 1), path) :
			    NULL;

	if (path && which_is_wrapper(path) && behind)
		doctor_add_finding(
			d, "ccache", DOCTOR_NOTE, todo,
			"%s in PATH is %s, a compiler cache; kfarm skips it "
			"and runs %s",
			name, path, behind);
	else if (path && which_is_wrapper(path))
		doctor_add_finding(
			d, "ccache", DOCTOR_BROKEN, todo,
			"%s in PATH is %s, a compiler cache, without a "
			"compiler behind it",
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
	char *names;

	compiler_find_all(&list, d->path);
	for (size_t i = 0; i < list.n; i++) {
		if (!list.v[i].is_elf)
			strv_add(&scripts, list.v[i].path);
	}
	if (scripts.n) {
		names = strv_join(&scripts, ", ");
		doctor_add_finding(d, "compilers", DOCTOR_NOTE, NULL,
				   "scripts: %s; these compile only on this "
				   "machine",
				   names);
		free(names);
	}
	if (list.n > scripts.n)
		doctor_add_finding(d, "compilers", DOCTOR_OK, NULL,
				   "%zu compiler name%s in PATH",
				   list.n - scripts.n,
				   list.n - scripts.n == 1 ? "" : "s");
	else
		doctor_add_finding(d, "compilers", DOCTOR_BROKEN,
				   "install gcc, or a toolchain that `kfarm "
				   "toolchain search` lists",
				   "no compiler in PATH");
	strv_release(&scripts);
	compiler_list_release(&list);
}

void doctor_check_programs(struct doctor *d)
{
	static const char *const kernel[] = { "bc", "flex", "bison" };
	static const char *const cached[] = { "gcc", "cc", "clang" };
	char *wrapper = kernel_masquerade_find_wrapper();

	if (wrapper && !access(wrapper, X_OK))
		doctor_add_finding(d, "wrapper", DOCTOR_OK, NULL,
				   "kfarm-cc is %s", wrapper);
	else
		doctor_add_finding(
			d, "wrapper", DOCTOR_BROKEN,
			"install kfarm again: without kfarm-cc, nothing is "
			"offloaded",
			"kfarm-cc is neither next to kfarm nor in PATH");
	free(wrapper);
	check_program_exists(d, "make", "every build", DOCTOR_BROKEN);
	for (size_t i = 0; i < sizeof(kernel) / sizeof(*kernel); i++)
		check_program_exists(d, kernel[i], "a kernel build",
				     DOCTOR_BROKEN);
	check_program_exists(d, "gpg", "toolchain install", DOCTOR_NOTE);
	check_program_exists(d, "gpgv", "toolchain install", DOCTOR_NOTE);
	check_compilers(d);
	for (size_t i = 0; i < sizeof(cached) / sizeof(*cached); i++)
		check_ccache(d, cached[i]);
}

void doctor_check_shell(struct doctor *d)
{
	const char *why = kernel_shell_unavailable_reason();

	if (why)
		doctor_add_finding(
			d, "shell", DOCTOR_SLOW,
			"recipes run in the system's shell, which takes "
			"several times as much CPU time; see THE RECIPE SHELL "
			"in kfarm-run(1)",
			"%s", why);
	else
		doctor_add_finding(
			d, "shell", DOCTOR_OK, NULL,
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
		doctor_add_finding(d, "space", DOCTOR_BROKEN, NULL,
				   "cannot determine the free space of %s, "
				   "for %s",
				   path, of);
	} else if (access(at, W_OK | X_OK)) {
		doctor_add_finding(d, "space", DOCTOR_BROKEN,
				   "make it writable, or set XDG_CACHE_HOME "
				   "and XDG_DATA_HOME",
				   "%s is not writable, but needed for %s", at,
				   of);
	} else {
		enum doctor_state state;

		gib = (double)st.f_bavail * (double)st.f_frsize / GIB;
		state = gib < 1 ? DOCTOR_BROKEN :
			gib < 5 ? DOCTOR_NOTE :
				  DOCTOR_OK;
		doctor_add_finding(d, "space", state,
				   state == DOCTOR_OK ?
					   NULL :
					   "a kernel build takes 1 to 20 GiB, "
					   "a toolchain 0.2 GiB",
				   "%.1f GiB free in %s, for %s", gib, at, of);
	}
	free(at);
}

void doctor_check_space(struct doctor *d)
{
	char *cache = fs_cache_home(), *run = NULL;
	struct err err = { 0 };
	struct statvfs st;

	check_dir_space(d, d->data_dir, "toolchains");
	check_dir_space(d, cache, "builds");
	if (fs_runtime_dir(&run, &err))
		doctor_add_finding(d, "space", DOCTOR_BROKEN,
				   "set XDG_RUNTIME_DIR to a directory that "
				   "you own",
				   "%s", err.text);
	else if (!statvfs(run, &st) && (st.f_flag & ST_NOEXEC))
		doctor_add_finding(d, "space", DOCTOR_SLOW,
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
	char *self = realpath("/proc/self/exe", NULL);
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

void doctor_check_sandbox(struct doctor *d)
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
		doctor_add_finding(d, "sandbox", DOCTOR_OK, NULL,
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
			doctor_add_finding(d, "sandbox", DOCTOR_OK, NULL,
					   "this machine can be a node (%s)",
					   p->fit.layers ? p->fit.layers : "");
		else
			doctor_add_finding(d, "sandbox", DOCTOR_NOTE, NULL,
					   "this machine cannot be a node: %s",
					   p->fit.reason ? p->fit.reason :
					   p->why        ? p->why :
						    "kfarmd does not answer");
		peer_survey_release(&probe);
	} else {
		doctor_add_finding(d, "sandbox", DOCTOR_NOTE, NULL, "%s",
				   err.text);
	}
	node_address_release(&entry.address);
	buf_release(&word);
	buf_release(&store);
	free(dir);
	free(text);
	free(daemon);
}

void doctor_check_nodes(struct doctor *d)
{
	struct strv warnings = { 0 };
	struct node_roster roster = { 0 };
	struct conf *conf = NULL;
	struct err err = { 0 };

	if (conf_load(&conf, &warnings, &err) ||
	    node_roster_load(&roster, conf, &err))
		doctor_add_finding(d, "nodes", DOCTOR_BROKEN, NULL, "%s",
				   err.text);
	else if (!roster.n)
		doctor_add_finding(d, "nodes", DOCTOR_NOTE,
				   "add one with `kfarm nodes add NAME "
				   "ADDRESS`; see `kfarm help nodes`",
				   "no node is configured");
	else
		doctor_add_finding(d, "nodes", DOCTOR_OK, NULL,
				   "%zu configured; `kfarm nodes check` tests "
				   "them",
				   roster.n);
	for (size_t i = 0; i < warnings.n; i++)
		doctor_add_finding(d, "nodes", DOCTOR_NOTE, NULL, "%s",
				   warnings.v[i]);
	node_roster_release(&roster);
	conf_free(conf);
	strv_release(&warnings);
}
