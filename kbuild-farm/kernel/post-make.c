/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/post-make.h"

#include "base/clock.h"
#include "base/file-stamp.h"
#include "base/fs.h"
#include "kernel/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (16u << 20)

struct post_make_context {
	struct kernel_build_state *run;
	struct kernel_artifacts *artifacts;
	struct kernel_goal *goal;
	struct err *err;
};

/* make may compile, so it uses kfarm's jobserver if one runs. */
static int run_make_goal(struct post_make_context *s)
{
	char *jobs = xasprintf("-j%u", s->run->jobs);
	char *const options[] = { jobs, NULL };
	char *const names[] = { s->goal->name, NULL };
	struct strv targets = { 0 };
	int ret;

	kernel_plan_add_goals(s->run->plan, &targets, names);
	ret = kernel_build_run_make(
		s->run, s->run->offload.jobserver.broker_pid ? NULL : options,
		targets.v, s->err);
	strv_release(&targets);
	free(jobs);
	return ret;
}

static off_t log_size(const struct post_make_context *s)
{
	struct stat log = { 0 };

	fstat(s->run->outdir.log_fd, &log);
	return log.st_size;
}

/*
 * Read the lines of the log after the offset `from`.  A program may print a
 * NUL, which would end the text, so replace it.
 */
static void read_log_lines(const struct post_make_context *s, off_t from,
			   struct strv *lines)
{
	char *path = kernel_outdir_path(&s->run->outdir, "build.log");
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(path, SIZE_MAX, &text, &ignored) &&
	    (size_t)from < text.len) {
		for (size_t i = (size_t)from; i < text.len; i++)
			text.data[i] = text.data[i] ? text.data[i] : ' ';
		strv_split(lines, buf_str(&text) + from, "\n");
	}
	buf_release(&text);
	free(path);
}

/* ---- packages ---- */

/*
 * Add a package to the artifacts.  It is moved if the build directory is a
 * default directory, else copied.
 */
static void add_made_file(struct post_make_context *s, const char *path)
{
	kernel_artifact_add_copy(s->artifacts, s->goal->name, path,
				 str_base(path));
	if (s->run->plan->builddir.kind == KERNEL_BUILDDIR_DEFAULT)
		kernel_artifact_mark_moved(s->artifacts);
}

/*
 * Collect the packages that dpkg wrote to the parent of the build directory.
 * debian/files has a line for each package: "NAME SECTION PRIORITY".
 */
static void collect_debs(struct post_make_context *s)
{
	const struct kernel_plan *p = s->run->plan;
	char *list = kernel_plan_path(p, "debian/files");
	char *real = realpath(p->builddir.dir, NULL);
	char *dir = str_dir(real ? real : p->builddir.dir), *changes;
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err ignored;

	fs_read(list, TEXT_MAX, &text, &ignored);
	strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i];
		char *path = xasprintf("%s/%.*s", dir, (int)strcspn(line, " "),
				       line);

		if (str_ends(path, ".deb") && fs_exists(path)) {
			add_made_file(s, path);
		} else if (p->builddir.kind == KERNEL_BUILDDIR_DEFAULT &&
			   str_ends(path, ".buildinfo")) {
			changes = xasprintf("%.*s.changes",
					    (int)(strrchr(path, '.') - path),
					    path);
			unlink(path);
			unlink(changes);
			free(changes);
		}
		free(path);
	}
	strv_release(&lines);
	buf_release(&text);
	free(dir);
	free(real);
	free(list);
}

/*
 * Collect the packages from the lines that rpmbuild printed after the offset
 * `from` of the log: "Wrote: /home/a/rpmbuild/RPMS/x86_64/kernel.rpm".
 */
static void collect_rpms(struct post_make_context *s, off_t from)
{
	struct strv lines = { 0 };

	read_log_lines(s, from, &lines);
	for (size_t i = 0; i < lines.n; i++) {
		static const char mark[] = "Wrote: ";

		if (str_starts(lines.v[i], mark) &&
		    str_ends(lines.v[i], ".rpm"))
			add_made_file(s, lines.v[i] + sizeof(mark) - 1);
	}
	strv_release(&lines);
}

/*
 * Collect the tarballs linux-*.tar* in the build directory that were modified
 * at or after `since`, a result of file_stamp_now_ns().
 */
static void collect_tarballs(struct post_make_context *s, int64_t since)
{
	const struct kernel_plan *p = s->run->plan;
	struct strv names = { 0 };

	fs_list(p->builddir.dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = kernel_plan_path(p, names.v[i]);
		struct file_stamp stamp;
		struct stat st;

		if (str_starts(names.v[i], "linux-") &&
		    strstr(names.v[i], ".tar") && !stat(path, &st)) {
			file_stamp_from_stat(&stamp, &st);
			if (S_ISREG(st.st_mode) && stamp.mtime_ns >= since)
				add_made_file(s, path);
		}
		free(path);
	}
	strv_release(&names);
}

static int make_package(struct post_make_context *s)
{
	const char *name = s->goal->name;
	size_t before = s->artifacts->n;
	int64_t since = file_stamp_now_ns();
	off_t from = log_size(s);
	int ret = run_make_goal(s);

	if (ret)
		return ret;
	if (strstr(name, "deb-"))
		collect_debs(s);
	else if (strstr(name, "rpm-"))
		collect_rpms(s, from);
	else
		collect_tarballs(s, since);
	if (s->artifacts->n == before && strcmp(name, "dir-pkg"))
		kernel_build_note(
			s->run,
			"%s: package not found; see build.log for its location",
			name);
	return 0;
}

/* ---- tools ---- */

/*
 * Return the directory for a tool's objects, or NULL for a build in the tree.
 * The caller frees it.
 */
static char *tool_objects(const struct kernel_plan *p,
			  const struct kernel_goal_recipe *r)
{
	if (p->builddir.kind == KERNEL_BUILDDIR_IN_TREE)
		return NULL;
	/* The selftests create a subdirectory of O= themselves. */
	return strcmp(r->install_variable, "DESTDIR") ?
		       xstrdup(p->builddir.dir) :
		       kernel_plan_path(p, r->dir);
}

void kernel_post_make_tool_argv(const struct kernel_plan *p,
				const struct kernel_goal_recipe *r,
				const char *option, const char *target,
				const char *into, struct strv *out)
{
	char *objects = tool_objects(p, r);

	strv_add(out, "make");
	if (option)
		strv_add(out, option);
	/*
	 * As in tuxmake, ignore errors of the installation, because some
	 * selftests cannot be built everywhere.
	 */
	if (r->may_fail && !strcmp(target, r->install_target))
		strv_add(out, "-i");
	strv_add(out, "-C");
	strv_add(out, r->dir);
	if (objects)
		strv_addf(out, "O=%s", objects);
	strv_add_all(out, p->vars.v);
	strv_split(out, r->settings ? r->settings : "", " ");
	if (r->may_fail) {
		strv_addf(out, "KDIR=%s", p->builddir.dir);
		strv_addf(out, "VMLINUX_BTF=%s/vmlinux", p->builddir.dir);
	}
	if (into)
		strv_addf(out, "%s=%s", r->install_variable, into);
	if (*target)
		strv_add(out, target);
	free(objects);
}

static int make_tool(struct post_make_context *s, const char *target,
		     const char *into)
{
	const struct kernel_plan *p = s->run->plan;
	const struct kernel_goal_recipe *r = s->goal->recipe;
	char *jobs = xasprintf("-j%u", s->run->jobs);
	char *objects = tool_objects(p, r);
	struct strv argv = { 0 };
	int ret = objects ? fs_mkdirs(objects, 0777, s->err) : 0;

	kernel_post_make_tool_argv(
		p, r, s->run->offload.jobserver.broker_pid ? NULL : jobs,
		target, into, &argv);
	if (!ret)
		ret = kernel_build_run_program(s->run, argv.v, p->tree, s->err);
	strv_release(&argv);
	free(objects);
	free(jobs);
	return ret;
}

/*
 * Return true if `make -i` ignored an error after the offset `from` of the log:
 * "make[1]: [../lib.mk:113: install] Error 127 (ignored)".
 */
static bool has_ignored_error(const struct post_make_context *s, off_t from)
{
	struct strv lines = { 0 };
	bool has = false;

	read_log_lines(s, from, &lines);
	for (size_t i = 0; i < lines.n && !has; i++)
		has = str_starts(lines.v[i], "make") &&
		      strstr(lines.v[i], "] Error ") &&
		      str_ends(lines.v[i], " (ignored)");
	strv_release(&lines);
	return has;
}

static int install_tool(struct post_make_context *s)
{
	const struct kernel_goal_recipe *r = s->goal->recipe;
	char *into = kernel_artifact_stage_dir(s->run, r->name);
	int ret = fs_mkdirs(into, 0777, s->err), failed = 0;
	off_t from;

	if (!ret)
		ret = failed = make_tool(s, r->build_target, into);
	/* If the recipe may fail, install the tools that could be built. */
	from = log_size(s);
	if (!ret || (ret > 0 && r->may_fail))
		ret = make_tool(s, r->install_target, into);
	if (!ret && r->may_fail && has_ignored_error(s, from))
		failed = 2; /* the status of make without -i */
	if (!ret)
		kernel_artifact_add_archive(s->artifacts, r->name, into, ".",
					    r->output_name);
	free(into);
	return ret ? ret : failed;
}

static int run_script(struct post_make_context *s)
{
	const struct kernel_plan *p = s->run->plan;
	const struct kernel_goal_recipe *r = s->goal->recipe;
	char *file = kernel_plan_path(p, r->output_name);
	char *const argv[] = {
		(char[]){ "/bin/sh" }, (char[]){ "-c" }, (char *)r->script,
		(char[]){ "sh" },      p->tree,          NULL
	};
	int ret = kernel_build_run_program(s->run, argv, p->builddir.dir,
					   s->err);

	if (!ret)
		kernel_artifact_add_copy(s->artifacts, r->name, file,
					 r->output_name);
	free(file);
	return ret;
}

/* ---- all actions ---- */

int kernel_post_make_run_all(struct kernel_build_state *run,
			     struct kernel_artifacts *artifacts,
			     struct err *err)
{
	int failed = 0, ret;

	for (size_t i = 0; i < run->goals.n; i++) {
		struct post_make_context s = { run, artifacts, &run->goals.v[i],
					       err };
		const struct kernel_goal_recipe *r = s.goal->recipe;
		uint64_t began = clock_ms();

		if (s.goal->status != KERNEL_GOAL_PENDING ||
		    !kernel_goal_is_post_make(s.goal))
			continue;
		if (failed && run->plan->request->fail_fast) {
			kernel_goal_skip(s.goal, "an earlier goal failed");
			continue;
		}
		kernel_build_set_phase(
			run,
			r->post_make == KERNEL_POST_MAKE_INSTALL ?
				KERNEL_PHASE_INSTALL :
				KERNEL_PHASE_PACKAGE,
			s.goal->name);
		if (r->post_make == KERNEL_POST_MAKE_PACKAGE)
			ret = make_package(&s);
		else if (r->post_make == KERNEL_POST_MAKE_TOOL)
			ret = install_tool(&s);
		else if (r->post_make == KERNEL_POST_MAKE_SCRIPT)
			ret = run_script(&s);
		else
			ret = run_make_goal(&s);
		s.goal->elapsed_ms = clock_ms() - began;
		if (ret > 0 && r->may_fail) {
			s.goal->status = KERNEL_GOAL_WARNING;
			kernel_build_note(run,
					  "%s is incomplete; see build.log",
					  r->name);
			continue;
		}
		s.goal->status = ret ? KERNEL_GOAL_FAIL : KERNEL_GOAL_PASS;
		if (ret < 0)
			return ret;
		if (!failed)
			failed = ret;
	}
	return failed;
}
