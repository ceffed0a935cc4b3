/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "compiler/plugins.h"
#include "toolchain/hostlib.h"
#include "toolchain/installed.h"
#include "toolchain/link.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define RUNS   9 /* of each program; the median counts */
#define MEDIAN 4
#define TOOLS  6 /* that are measured: a machine may have dozens */

/* ------------------------------------------------------------------- nm */

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Microseconds of CPU of all children that have ended. */
static uint64_t children_us(void)
{
	struct rusage u = { 0 };

	getrusage(RUSAGE_CHILDREN, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Microseconds of one run, on the program's own file; 0: it did not start. */
static uint64_t run_once(const char *program, const char *on)
{
	const char *argv[] = { program, on, NULL };
	struct spawn what = { .argv = (char *const *)argv,
			      .fd = { -1, -1, -1 } };
	uint64_t before = children_us();
	struct err ignored;
	pid_t pid;

	if (spawn_start(&what, &pid, &ignored))
		return 0;
	spawn_wait(pid);
	return children_us() - before;
}

/* Medians of runs by turns, so that other load meets both. */
static void measure_median(const char *const program[2], const char *on,
			   double ms[2])
{
	uint64_t took[2][RUNS];

	for (int i = 0; i < RUNS; i++) {
		for (int k = 0; k < 2; k++)
			took[k][i] = run_once(program[k], on);
	}
	for (int k = 0; k < 2; k++) {
		qsort(took[k], RUNS, sizeof(took[k][0]), by_time);
		ms[k] = (double)took[k][MEDIAN] / 1000;
	}
}

static void add_cost(struct doctor *d, const char *tool, const char *real,
		     const struct strv *foreign)
{
	char *dir = xasprintf("%s/%zu/bin", d->tmp, d->n);
	char *copy = xasprintf("%s/%s", dir, str_base(tool));
	char *names = strv_join(foreign, ", ");
	const char *const both[] = { tool, copy };
	struct err err = { 0 };
	double ms[2];

	if (!fs_mkdirs(dir, 0700, &err) &&
	    compiler_plugins_take(dir, tool, str_base(tool), &err) > 0) {
		measure_median(both, real, ms);
		doctor_add(d, "plugins", DOCTOR_SLOW,
			   "a kernel's build runs nm for each object; kfarm "
			   "and its normalized names do not pay that; for "
			   "plain make, remove the package with that file "
			   "(llvm-*-linker-tools)",
			   "%s loads %s: %.1f ms of CPU a run instead of %.1f",
			   tool, names, ms[0], ms[1]);
	} else {
		doctor_add(d, "plugins", DOCTOR_SLOW,
			   "remove the package with that file",
			   "%s loads %s, and kfarm cannot keep it "
			   "from that%s%s",
			   tool, names, err.text[0] ? ": " : "", err.text);
	}
	free(names);
	free(copy);
	free(dir);
}

static void look_at_nm(struct doctor *d, const char *tool, struct strv *seen)
{
	char *real = realpath(tool, NULL);
	struct strv foreign = { 0 };

	if (!real || access(tool, X_OK) || strv_has(seen, real) ||
	    seen->n >= TOOLS) {
		free(real);
		return;
	}
	strv_own(seen, real);
	if (compiler_plugins_foreign(tool, &foreign))
		add_cost(d, tool, real, &foreign);
	else
		doctor_add(d, "plugins", DOCTOR_OK, NULL,
			   "%s loads no foreign plugin", tool);
	strv_release(&foreign);
}

static bool is_nm(const char *name)
{
	return compiler_plugins_tool(name) && str_ends(name, "nm");
}

static void look_in(struct doctor *d, const char *dir, struct strv *seen)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *tool = xasprintf("%s/%s", dir, names.v[i]);

		if (is_nm(names.v[i]))
			look_at_nm(d, tool, seen);
		free(tool);
	}
	strv_release(&names);
}

void doctor_plugins(struct doctor *d)
{
	char *names = toolchain_link_dir(d->data);
	struct strv seen = { 0 };
	const char *path = d->path;

	look_in(d, names, &seen);
	while (*path) {
		size_t len = strcspn(path, ":");
		char *dir = len ? xstrndup(path, len) : xstrdup(".");

		look_in(d, dir, &seen);
		free(dir);
		path += len + (path[len] == ':');
	}
	strv_release(&seen);
	free(names);
}

/* ----------------------------------------------------------- toolchains */

/* Is the program of a name still there, with all its libraries? */
static void look_at_name(struct doctor *d, const char *link,
			 const struct compiler_search *search)
{
	char *real = realpath(link, NULL);
	struct compiler_needs needs = { 0 };
	struct err err = { 0 };

	if (!real)
		doctor_add(d, "names", DOCTOR_WRONG,
			   "its toolchain is gone: remove the link, or "
			   "install it again",
			   "%s leads nowhere", link);
	else if (!compiler_libraries_missing(&needs, real, NULL, search,
					     &err) &&
		 needs.names.n)
		doctor_add(d, "names", DOCTOR_WRONG,
			   "after an upgrade of the system: `kfarm "
			   "toolchain adopt` it again",
			   "%s does not run: %s, which %s needs, is "
			   "not there",
			   link, needs.names.v[0], needs.users.v[0]);
	compiler_needs_release(&needs);
	free(real);
}

static void look_at_names(struct doctor *d)
{
	char *dir = toolchain_link_dir(d->data);
	struct compiler_search search;
	struct strv names = { 0 };
	struct err err = { 0 };

	if (!compiler_search_load(&search, NULL, &err))
		fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *link = xasprintf("%s/%s", dir, names.v[i]);

		if (names.v[i][0] != '.')
			look_at_name(d, link, &search);
		free(link);
	}
	buf_release(&search.cache);
	strv_release(&names);
	free(dir);
}

/* Do the names work for plain make? */
static void look_at_path(struct doctor *d)
{
	char *dir = toolchain_link_dir(d->data);
	char *todo = xasprintf("put it on PATH: export PATH=\"$PATH:%s\"", dir);

	if (!str_list_has(d->path, ':', dir))
		doctor_add(d, "names", DOCTOR_NOTE, todo,
			   "%s is not on PATH: kfarm finds the installed "
			   "toolchains there, plain make does not",
			   dir);
	free(todo);
	free(dir);
}

static void look_at_driver(struct doctor *d,
			   const struct toolchain_installed *t)
{
	char *driver = toolchain_installed_driver(t);
	char *todo = xasprintf("`kfarm toolchain remove %s`, and install or "
			       "adopt it again",
			       t->id);

	if (access(driver, X_OK))
		doctor_add(d, "toolchains", DOCTOR_WRONG, todo,
			   "%s: its compiler %s is not there", t->id, driver);
	else
		doctor_add(d, "toolchains",
			   t->insecure ? DOCTOR_NOTE : DOCTOR_OK, NULL,
			   "%s is installed%s", t->id,
			   t->insecure ? ", and nothing vouched "
					 "for it" :
					 "");
	free(todo);
	free(driver);
}

void doctor_toolchains(struct doctor *d)
{
	struct toolchain_installed_list list;
	struct err err = { 0 };

	if (toolchain_installed_list(d->data, &list, &err)) {
		doctor_add(d, "toolchains", DOCTOR_WRONG, NULL, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < list.broken.n; i++)
		doctor_add(d, "toolchains", DOCTOR_WRONG,
			   "remove that directory, and install it "
			   "again",
			   "%s", list.broken.v[i]);
	for (size_t i = 0; i < list.n; i++)
		look_at_driver(d, &list.v[i]);
	look_at_names(d);
	if (list.n)
		look_at_path(d);
	toolchain_installed_list_release(&list);
}
