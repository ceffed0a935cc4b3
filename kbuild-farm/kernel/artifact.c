/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/artifact.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/task.h"
#include "base/vec.h"
#include "kernel/archive.h"
#include "kernel/phase.h"
#include "kernel/tar.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_SPACE "disk space" /* what is kept besides archives */

/* What the thread that copies and packs works on. */
struct collector {
	struct kernel_artifacts *out;
	struct kernel_run *run;
	const struct kernel_wants *wants;
	atomic_bool cancel;
	bool done; /* the thread has finished */
	struct err *err;
	int ret;
};

/* ---- what is to come ---- */

static struct kernel_artifact *add(struct kernel_artifacts *a, const char *goal,
				   const char *from, const char *file)
{
	struct kernel_artifact *new = VEC_ADD(a->v, a->n);

	new->goal = xstrdup(goal);
	new->from = xstrdup(from);
	new->file = xstrdup(file);
	return new;
}

void kernel_artifact_copy(struct kernel_artifacts *a, const char *goal,
			  const char *from, const char *file)
{
	add(a, goal, from, file);
}

void kernel_artifact_move_last(struct kernel_artifacts *a)
{
	a->v[a->n - 1].moved = true;
}

void kernel_artifact_pack(struct kernel_artifacts *a, const char *goal,
			  const char *dir, const char *top, const char *file)
{
	add(a, goal, dir, file)->top = xstrdup(top);
}

char *kernel_artifact_stage(const struct kernel_run *run, const char *goal)
{
	char *all = kernel_output_path(&run->output, KERNEL_OUTPUT_STAGE);
	char *dir = xasprintf("%s/%s", all, goal);

	free(all);
	return dir;
}

static void want_copy(struct collector *c, const char *goal, const char *name,
		      const char *as)
{
	char *from = kernel_plan_path(c->run->plan, name);

	if (fs_exists(from))
		kernel_artifact_copy(c->out, goal, from, as);
	free(from);
}

static void want_kernel(struct collector *c)
{
	const struct strv *images = &c->wants->images;

	want_copy(c, "config", ".config", "config");
	for (size_t i = 0; i < images->n; i++) {
		if (strcmp(str_base(images->v[i]), "vmlinux"))
			want_copy(c, "kernel", images->v[i],
				  str_base(images->v[i]));
	}
	if (!c->wants->kernel)
		return;
	want_copy(c, "debugkernel", "System.map", "System.map");
	if (!c->run->plan->request->no_vmlinux)
		want_copy(c, "debugkernel", "vmlinux", "vmlinux");
}

/* ---- archives of what make installs ---- */

static int run_install(struct kernel_run *run, const struct kernel_archive *a,
		       const char *dir, struct err *err)
{
	char *jobs = xasprintf("-j%u", run->farm.local_slots);
	char *setting = xasprintf("%s=%s", a->variable, dir);
	char *const options[] = { (char[]){ "-s" }, jobs, NULL };
	char *const targets[] = { setting, (char *)a->target, NULL };
	int ret = fs_mkdirs(dir, 0777, err);

	if (!ret)
		ret = kernel_run_make(run, options, targets, err);
	free(setting);
	free(jobs);
	return ret;
}

static void names_from(struct strv *names, const json_t *about)
{
	const json_t *list = json_object_get(about, "names");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name)
			strv_add(names, name);
	}
}

static bool take_kept(struct collector *c, const struct kernel_archive *a,
		      const struct digest *key)
{
	char *to = kernel_output_path(&c->run->output, a->file);
	const json_t *about = NULL;
	bool yes = kernel_kept_take(&c->run->kept, a->file, key, to, &about);

	if (yes) {
		struct kernel_artifact *new = add(c->out, a->goal, "", a->file);

		new->there = true;
		names_from(&new->names, about);
		c->out->kept++;
	}
	free(to);
	return yes;
}

static int install(struct collector *c, const char *goal, struct digest *key,
		   struct err *err)
{
	const struct kernel_archive *a = kernel_archive_find(goal);
	char *stage, *dir;
	int ret;

	if (!kernel_archive_key(a, c->run, key))
		*key = (struct digest){ 0 };
	else if (take_kept(c, a, key))
		return 0;
	stage = kernel_artifact_stage(c->run, goal);
	dir = xasprintf("%s%s", stage, a->below);
	ret = run_install(c->run, a, dir, err);
	if (!ret)
		kernel_artifact_pack(c->out, goal, stage, a->top, a->file);
	free(dir);
	free(stage);
	return ret;
}

/* Device trees of a kernel before Linux 3.15, as tuxmake takes them. */
static int copy_dtbs(struct collector *c, struct err *err)
{
	char *name = xasprintf("arch/%s/boot/dts", c->run->plan->arch.srcarch);
	char *from = kernel_plan_path(c->run->plan, name);
	char *stage = kernel_artifact_stage(c->run, "dtbs-legacy");
	char *const tops[] = { from, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *at;
	int ret = tree ? 0 : err_errno(err, "%s", from);

	while (!ret && (at = fts_read(tree)) != NULL) {
		char *to, *dir;

		if (at->fts_info != FTS_F || !str_ends(at->fts_name, ".dtb"))
			continue;
		to = xasprintf("%s/dtbs%s", stage, at->fts_path + strlen(from));
		dir = str_dir(to);
		ret = fs_mkdirs(dir, 0777, err);
		if (!ret)
			ret = fs_copy(at->fts_path, to, err);
		free(dir);
		free(to);
	}
	if (tree)
		fts_close(tree);
	if (!ret)
		kernel_artifact_pack(c->out, "dtbs-legacy", stage, "dtbs",
				     "dtbs.tar.xz");
	free(stage);
	free(from);
	free(name);
	return ret;
}

/* The keys that were, for after the packing. */
struct keys {
	struct digest modules, dtbs, headers;
};

static int install_all(struct collector *c, struct keys *keys, struct err *err)
{
	int ret = 0;

	if (c->wants->modules)
		ret = install(c, "modules", &keys->modules, err);
	if (!ret && c->wants->dtbs)
		ret = install(c, "dtbs", &keys->dtbs, err);
	if (!ret && c->wants->dtbs_legacy)
		ret = copy_dtbs(c, err);
	if (!ret && c->wants->headers)
		ret = install(c, "headers", &keys->headers, err);
	return ret;
}

/* What was made from the same as when that was begun, and from what is now. */
static void keep(struct collector *c, const char *goal,
		 const struct digest *before)
{
	const struct kernel_archive *a = kernel_archive_find(goal);
	struct digest now;

	for (size_t i = 0; i < c->out->n; i++) {
		const struct kernel_artifact *made = &c->out->v[i];
		char *path;

		if (strcmp(made->goal, goal) || !made->top || !made->there ||
		    !digest_is_known(before) ||
		    !kernel_archive_key(a, c->run, &now) ||
		    !digest_equal(before, &now))
			continue;
		path = kernel_output_path(&c->run->output, made->file);
		kernel_kept_put(
			&c->run->kept, a->file, before, path,
			json_pack("{s:o}", "names", json_texts(&made->names)));
		free(path);
	}
}

/* ---- sizes ---- */

/* The disk space of a directory. */
static uint64_t measure_dir(const char *dir)
{
	char *const tops[] = { (char *)dir, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	uint64_t bytes = 0;
	FTSENT *at;

	while (tree && (at = fts_read(tree)) != NULL) {
		if (at->fts_info != FTS_DP && at->fts_info != FTS_NS)
			bytes += (uint64_t)at->fts_statp->st_blocks * 512;
	}
	if (tree)
		fts_close(tree);
	return bytes;
}

/* A build that compiled and packed nothing leaves it as it was. */
static void measure_disk(struct collector *c)
{
	static const struct digest any = { { 1 } };
	const struct events_tally *t = &c->run->farm.tally;
	struct kernel_kept *kept = &c->run->kept;
	const json_t *known = NULL;

	if (!t->remote && !t->local && !c->out->packed)
		kernel_kept_take(kept, DISK_SPACE, &any, NULL, &known);
	if (known) {
		c->out->build_dir_bytes = (uint64_t)json_integer_value(known);
		return;
	}
	c->out->build_dir_bytes = measure_dir(c->run->plan->place.dir);
	kernel_kept_put(kept, DISK_SPACE, &any, NULL,
			json_integer((json_int_t)c->out->build_dir_bytes));
}

static char *read_text_offset(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512], address[32], name[32], *out = NULL;

	while (f && !out && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%31s %*c %31s", address, name) == 2 &&
		    !strcmp(name, "_text"))
			out = xasprintf("0x%s", address);
	}
	if (f)
		fclose(f);
	return out;
}

static void add_size(struct collector *c, const char *name, bool elf)
{
	char *path = kernel_plan_path(c->run->plan, name);
	struct kernel_elfsize size = { 0 };
	struct stat st;

	if (elf)
		kernel_elfsize_read(&size, path);
	else if (!stat(path, &st))
		size.file = (uint64_t)st.st_size;
	if (size.file) {
		struct kernel_size *new = VEC_ADD(c->out->sizes,
						  c->out->n_sizes);

		new->name = xstrdup(name);
		new->size = size;
	}
	free(path);
}

static void measure_sizes(struct collector *c)
{
	const struct strv *images = &c->wants->images;
	struct strv modules = { 0 };
	char *map = kernel_plan_path(c->run->plan, "System.map");

	if (c->wants->kernel) {
		add_size(c, "vmlinux", true);
		c->out->text_offset = read_text_offset(map);
	}
	for (size_t i = 0; i < images->n; i++) {
		if (strcmp(images->v[i], "vmlinux"))
			add_size(c, images->v[i], false);
	}
	if (c->wants->modules)
		kernel_archive_modules(c->run->plan, &modules);
	for (size_t i = 0; i < modules.n; i++)
		add_size(c, modules.v[i], true);
	strv_release(&modules);
	free(map);
}

const struct kernel_elfsize *kernel_artifact_size(
	const struct kernel_artifacts *a, const char *name)
{
	for (size_t i = 0; i < a->n_sizes; i++) {
		if (!strcmp(a->sizes[i].name, name))
			return &a->sizes[i].size;
	}
	return NULL;
}

/* ---- all of it ---- */

static int make_one(struct collector *c, struct kernel_artifact *a)
{
	char *to = kernel_output_path(&c->run->output, a->file);
	char *top = a->top ? xasprintf("%s/%s", a->from, a->top) : NULL;
	int ret = 0;

	if (atomic_load(&c->cancel)) {
		ret = -ECANCELED;
	} else if (!a->top) {
		ret = fs_copy(a->from, to, c->err);
		a->there = !ret;
		if (!ret && a->moved)
			unlink(a->from);
	} else if (fs_is_dir(top)) {
		ret = kernel_tar_xz(a->from, a->top,
				    kernel_archive_time(c->run->plan), to,
				    &a->names, &c->cancel, c->err);
		a->there = !ret;
		c->out->packed++;
	}
	free(top);
	free(to);
	return ret;
}

static void copy_and_pack(void *arg)
{
	struct collector *c = arg;

	for (size_t i = 0; !c->ret && i < c->out->n; i++) {
		if (!c->out->v[i].there)
			c->ret = make_one(c, &c->out->v[i]);
	}
	if (!c->ret)
		measure_sizes(c);
	if (!c->ret)
		measure_disk(c);
}

static void on_done(void *arg)
{
	struct collector *c = arg;

	c->done = true;
}

/* A big vmlinux takes seconds, and Ctrl-C must work meanwhile. */
static int collect_in_thread(struct collector *c)
{
	struct task *task = task_start_then(c->run->base, copy_and_pack,
					    on_done, c);
	int ret;

	if (!task) {
		copy_and_pack(c);
		return c->ret;
	}
	ret = kernel_maker_wait(&c->run->maker, &c->done);
	if (ret)
		atomic_store(&c->cancel, true);
	if (!c->done)
		task_join(task);
	return ret ? ret : c->ret;
}

int kernel_artifact_collect(struct kernel_artifacts *out,
			    struct kernel_run *run,
			    const struct kernel_wants *w, struct err *err)
{
	struct collector c = { .out = out, .run = run, .wants = w, .err = err };
	char *stage = kernel_output_path(&run->output, KERNEL_OUTPUT_STAGE);
	uint64_t began = clock_ms();
	struct keys keys = { 0 };
	struct err ignored;
	int ret;

	kernel_run_phase(run, KERNEL_PHASE_ARTIFACTS);
	want_kernel(&c);
	ret = install_all(&c, &keys, err);
	if (!ret)
		ret = collect_in_thread(&c);
	if (!ret) {
		keep(&c, "modules", &keys.modules);
		keep(&c, "dtbs", &keys.dtbs);
		keep(&c, "headers", &keys.headers);
	}
	fs_remove(stage, &ignored);
	run->artifacts_ms += clock_ms() - began;
	free(stage);
	return ret;
}

void kernel_artifacts_release(struct kernel_artifacts *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].goal);
		free(a->v[i].file);
		free(a->v[i].from);
		free(a->v[i].top);
		strv_release(&a->v[i].names);
	}
	for (size_t i = 0; i < a->n_sizes; i++)
		free(a->sizes[i].name);
	free(a->v);
	free(a->sizes);
	free(a->text_offset);
	*a = (struct kernel_artifacts){ 0 };
}
