/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/step.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/stamp.h"
#include "kernel/phase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (16u << 20)

struct stepper {
	struct kernel_run *run;
	struct kernel_artifacts *artifacts;
	struct kernel_goal *goal;
	struct err *err;
};

/* A make that may compile shares the farm's jobserver. */
static int make_step(struct stepper *s)
{
	char *jobs = xasprintf("-j%u", s->run->jobs);
	char *const options[] = { jobs, NULL };
	char *const targets[] = { s->goal->name, NULL };
	int ret;

	ret = kernel_run_make(s->run,
			      s->run->farm.jobserver.broker ? NULL : options,
			      targets, s->err);
	free(jobs);
	return ret;
}

/* ---- packages ---- */

/* The build directory's parent, where dpkg leaves its packages. */
static char *parent_dir(const struct kernel_plan *p)
{
	char *real = realpath(p->place.dir, NULL);
	char *up = str_dir(real ? real : p->place.dir);

	free(real);
	return up;
}

/* Nobody looks for packages among kfarm's own build directories. */
static void take(struct stepper *s, const char *path)
{
	kernel_artifact_copy(s->artifacts, s->goal->name, path, str_base(path));
	if (s->run->plan->place.kind == KERNEL_CHOSEN)
		kernel_artifact_move_last(s->artifacts);
}

/* X.buildinfo, and X.changes beside it. */
static void remove_listings(const char *path)
{
	char *changes = xasprintf("%.*s.changes",
				  (int)(strrchr(path, '.') - path), path);

	unlink(path);
	unlink(changes);
	free(changes);
}

/* debian/files has a line for each: "NAME SECTION PRIORITY". */
static void take_debs(struct stepper *s)
{
	const struct kernel_plan *p = s->run->plan;
	char *list = kernel_plan_path(p, "debian/files");
	char *dir = parent_dir(p);
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err ignored;

	fs_read(list, TEXT_MAX, &text, &ignored);
	strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i];
		char *path = xasprintf("%s/%.*s", dir, (int)strcspn(line, " "),
				       line);

		if (str_ends(path, ".deb") && fs_exists(path))
			take(s, path);
		else if (p->place.kind == KERNEL_CHOSEN &&
			 str_ends(path, ".buildinfo"))
			remove_listings(path);
		free(path);
	}
	strv_release(&lines);
	buf_release(&text);
	free(dir);
	free(list);
}

/* rpmbuild tells where: "Wrote: /home/a/rpmbuild/RPMS/x86_64/kernel.rpm". */
static void take_rpms(struct stepper *s, off_t from)
{
	char *path = kernel_output_path(&s->run->output, "build.log");
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err ignored;

	if (!fs_read(path, SIZE_MAX, &text, &ignored) &&
	    (size_t)from < text.len)
		strv_split(&lines, buf_str(&text) + from, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		static const char mark[] = "Wrote: ";

		if (str_starts(lines.v[i], mark) &&
		    str_ends(lines.v[i], ".rpm"))
			take(s, lines.v[i] + sizeof(mark) - 1);
	}
	strv_release(&lines);
	buf_release(&text);
	free(path);
}

/* linux-RELEASE-ARCH.tar.gz in the build directory. */
static void take_tarballs(struct stepper *s, int64_t since)
{
	const struct kernel_plan *p = s->run->plan;
	struct strv names = { 0 };

	fs_list(p->place.dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = kernel_plan_path(p, names.v[i]);
		struct stamp stamp;
		struct stat st;

		if (str_starts(names.v[i], "linux-") &&
		    strstr(names.v[i], ".tar") && !stat(path, &st)) {
			stamp_of(&stamp, &st);
			if (S_ISREG(st.st_mode) && stamp.mtime_ns >= since)
				take(s, path);
		}
		free(path);
	}
	strv_release(&names);
}

static int make_package(struct stepper *s)
{
	const char *name = s->goal->name;
	size_t before = s->artifacts->n;
	int64_t since = stamp_now();
	struct stat log = { 0 };
	int ret;

	fstat(s->run->output.log, &log);
	ret = make_step(s);
	if (ret)
		return ret;
	if (strstr(name, "deb-"))
		take_debs(s);
	else if (strstr(name, "rpm-"))
		take_rpms(s, log.st_size);
	else
		take_tarballs(s, since);
	if (s->artifacts->n == before && strcmp(name, "dir-pkg"))
		kernel_run_note(s->run,
				"%s left no package where kfarm looks; "
				"build.log tells where it is",
				name);
	return 0;
}

/* ---- tools ---- */

/* Where a tool's objects go, NULL: into the tree, as all others. */
static char *tool_objects(const struct kernel_plan *p,
			  const struct kernel_recipe *r)
{
	if (p->place.kind == KERNEL_IN_TREE)
		return NULL;
	/* The selftests make a directory of their own there. */
	return strcmp(r->into, "DESTDIR") ? xstrdup(p->place.dir) :
					    kernel_plan_path(p, r->dir);
}

void kernel_step_tool_argv(const struct kernel_plan *p,
			   const struct kernel_recipe *r, const char *option,
			   const char *target, const char *into,
			   struct strv *out)
{
	char *objects = tool_objects(p, r);

	strv_add(out, "make");
	if (option)
		strv_add(out, option);
	/* tuxmake's: some selftests cannot be built everywhere. */
	if (r->may_fail && !strcmp(target, r->install))
		strv_add(out, "-i");
	strv_add(out, "-C");
	strv_add(out, r->dir);
	if (objects)
		strv_addf(out, "O=%s", objects);
	strv_add_all(out, p->vars.v);
	strv_split(out, r->settings ? r->settings : "", " ");
	if (r->may_fail) {
		strv_addf(out, "KDIR=%s", p->place.dir);
		strv_addf(out, "VMLINUX_BTF=%s/vmlinux", p->place.dir);
	}
	if (into)
		strv_addf(out, "%s=%s", r->into, into);
	if (*target)
		strv_add(out, target);
	free(objects);
}

static int make_tool(struct stepper *s, const char *target, const char *into)
{
	const struct kernel_plan *p = s->run->plan;
	const struct kernel_recipe *r = s->goal->recipe;
	char *jobs = xasprintf("-j%u", s->run->jobs);
	char *objects = tool_objects(p, r);
	struct strv argv = { 0 };
	int ret = objects ? fs_mkdirs(objects, 0777, s->err) : 0;

	kernel_step_tool_argv(p, r, s->run->farm.jobserver.broker ? NULL : jobs,
			      target, into, &argv);
	if (!ret)
		ret = kernel_run_program(s->run, argv.v, p->tree, s->err);
	strv_release(&argv);
	free(objects);
	free(jobs);
	return ret;
}

static int install_tool(struct stepper *s)
{
	const struct kernel_recipe *r = s->goal->recipe;
	char *into = kernel_artifact_stage(s->run, r->name);
	int ret = fs_mkdirs(into, 0777, s->err), failed = 0;

	if (!ret)
		ret = failed = make_tool(s, r->build, into);
	/* What could be built is worth something, where not all has to be. */
	if (!ret || (ret > 0 && r->may_fail))
		ret = make_tool(s, r->install, into);
	if (!ret)
		kernel_artifact_pack(s->artifacts, r->name, into, ".", r->file);
	free(into);
	return ret ? ret : failed;
}

static int run_script(struct stepper *s)
{
	const struct kernel_plan *p = s->run->plan;
	const struct kernel_recipe *r = s->goal->recipe;
	char *file = kernel_plan_path(p, r->file);
	char *const argv[] = {
		(char[]){ "/bin/sh" }, (char[]){ "-c" }, (char *)r->script,
		(char[]){ "sh" },      p->tree,          NULL
	};
	int ret = kernel_run_program(s->run, argv, p->place.dir, s->err);

	if (!ret)
		kernel_artifact_copy(s->artifacts, r->name, file, r->file);
	free(file);
	return ret;
}

/* ---- all ---- */

static int run_step(struct stepper *s)
{
	switch (s->goal->recipe->step) {
	case KERNEL_STEP_PACKAGE:
		return make_package(s);
	case KERNEL_STEP_TOOL:
		return install_tool(s);
	case KERNEL_STEP_SCRIPT:
		return run_script(s);
	default:
		return make_step(s);
	}
}

static int run_and_judge(struct stepper *s)
{
	const struct kernel_recipe *r = s->goal->recipe;
	uint64_t began = clock_ms();
	int ret;

	kernel_run_phase(s->run, r->step == KERNEL_STEP_INSTALL ?
					 KERNEL_PHASE_INSTALL :
					 KERNEL_PHASE_PACKAGE);
	ret = run_step(s);
	s->goal->ms = clock_ms() - began;
	if (ret > 0 && r->may_fail) {
		s->goal->status = KERNEL_GOAL_WARNING;
		kernel_run_note(s->run, "%s is not complete: see build.log",
				r->name);
		return 0;
	}
	s->goal->status = ret ? KERNEL_GOAL_FAIL : KERNEL_GOAL_PASS;
	return ret;
}

int kernel_step_run_all(struct kernel_run *run,
			struct kernel_artifacts *artifacts, struct err *err)
{
	int failed = 0, ret;

	for (size_t i = 0; i < run->goals.n; i++) {
		struct stepper s = { run, artifacts, &run->goals.v[i], err };

		if (s.goal->status != KERNEL_GOAL_OPEN ||
		    !kernel_goal_is_step(s.goal))
			continue;
		if (failed && run->plan->request->fail_fast) {
			kernel_goal_skip(s.goal, "one before it failed");
			continue;
		}
		ret = run_and_judge(&s);
		if (ret < 0)
			return ret;
		if (!failed)
			failed = ret;
	}
	return failed;
}
