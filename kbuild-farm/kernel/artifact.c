/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/artifact.h"

#include "base/fs.h"
#include "base/task.h"
#include "kernel/phase.h"
#include "kernel/tar.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STAGE ".stage"

/* What the thread that copies and packs works on. */
struct collector {
	struct kernel_artifacts *out;
	struct kernel_run *run;
	const struct kernel_wants *wants;
	char *stage;
	atomic_bool cancel;
	bool done; /* the thread has finished */
	struct err *err;
	int ret;
};

static int copy_one(struct collector *c, const char *name, const char *as,
		    struct strv *list)
{
	char *from = kernel_plan_path(c->run->plan, name);
	char *to = kernel_output_path(&c->run->output, as);
	int ret = 0;

	if (atomic_load(&c->cancel))
		ret = -ECANCELED;
	else if (fs_exists(from) && !strv_has(list, as)) {
		ret = fs_copy(from, to, c->err);
		if (!ret)
			strv_add(list, as);
	}
	free(to);
	free(from);
	return ret;
}

static int copy_kernel(struct collector *c)
{
	struct kernel_artifacts *a = c->out;
	const struct strv *images = &c->wants->images;
	int ret = 0;

	for (size_t i = 0; !ret && i < images->n; i++) {
		const char *name = str_base(images->v[i]);

		if (strcmp(name, "vmlinux"))
			ret = copy_one(c, images->v[i], name, &a->kernel);
	}
	if (ret || !c->wants->kernel)
		return ret;
	ret = copy_one(c, "System.map", "System.map", &a->kernel);
	if (!ret && !c->run->plan->request->no_vmlinux)
		ret = copy_one(c, "vmlinux", "vmlinux", &a->kernel);
	return ret;
}

/*
 * The disk space of a directory; the names of its files with `suffix`, as
 * ".ko" and ".ko.xz", ".dtb" and ".dtbo", go to `names`.
 */
static uint64_t measure_dir(const char *dir, const char *suffix,
			    struct strv *names)
{
	char *const tops[] = { (char *)dir, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	uint64_t bytes = 0;
	FTSENT *at;

	while (tree && (at = fts_read(tree)) != NULL) {
		if (at->fts_info == FTS_DP || at->fts_info == FTS_NS)
			continue;
		bytes += (uint64_t)at->fts_statp->st_blocks * 512;
		if (names && at->fts_info == FTS_F &&
		    strstr(at->fts_name, suffix))
			strv_add(names, at->fts_name);
	}
	if (tree)
		fts_close(tree);
	if (names)
		strv_sort(names);
	return bytes;
}

static int pack_dir(struct collector *c, const char *name, const char *archive,
		    const char *suffix, struct strv *files, struct strv *names)
{
	char *dir = xasprintf("%s/%s", c->stage, name);
	char *to = kernel_output_path(&c->run->output, archive);
	int ret = 0;

	if (fs_is_dir(dir)) {
		measure_dir(dir, suffix, names);
		ret = kernel_tar_xz(c->stage, name, c->run->plan->rev.time, to,
				    &c->cancel, c->err);
		if (!ret)
			strv_add(files, archive);
	}
	free(to);
	free(dir);
	return ret;
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

static void measure_sizes(struct collector *c)
{
	const struct kernel_plan *p = c->run->plan;
	char *vmlinux = kernel_plan_path(p, "vmlinux");
	char *map = kernel_plan_path(p, "System.map");

	if (c->wants->kernel) {
		kernel_elfsize_read(&c->out->vmlinux, vmlinux);
		c->out->text_offset = read_text_offset(map);
	}
	c->out->build_dir_bytes = measure_dir(p->place.dir, NULL, NULL);
	free(map);
	free(vmlinux);
}

static void copy_and_pack(void *arg)
{
	struct collector *c = arg;
	struct kernel_artifacts *a = c->out;

	c->ret = copy_one(c, ".config", "config", &a->config);
	if (!c->ret)
		c->ret = copy_kernel(c);
	if (!c->ret && c->wants->modules)
		c->ret = pack_dir(c, "lib", "modules.tar.xz", ".ko",
				  &a->modules, &a->module_names);
	if (!c->ret && c->wants->dtbs)
		c->ret = pack_dir(c, "dtbs", "dtbs.tar.xz", ".dtb", &a->dtbs,
				  &a->dtb_names);
	if (!c->ret)
		measure_sizes(c);
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

static int make_install(struct kernel_run *run, const char *target,
			const char *variable, const char *dir, struct err *err)
{
	char *jobs = xasprintf("-j%u", run->farm.local_slots);
	char *setting = xasprintf("%s=%s", variable, dir);
	char *const options[] = { (char[]){ "-s" }, jobs, NULL };
	char *const targets[] = { setting, (char *)target, NULL };
	int ret;

	ret = fs_mkdirs(dir, 0777, err);
	if (!ret)
		ret = kernel_run_make(run, options, targets, err);
	free(setting);
	free(jobs);
	return ret;
}

static int install_all(struct collector *c, struct err *err)
{
	char *dtbs = xasprintf("%s/dtbs", c->stage);
	int ret = 0;

	if (c->wants->modules)
		ret = make_install(c->run, "modules_install",
				   "INSTALL_MOD_PATH", c->stage, err);
	if (!ret && c->wants->dtbs)
		ret = make_install(c->run, "dtbs_install", "INSTALL_DTBS_PATH",
				   dtbs, err);
	free(dtbs);
	return ret;
}

int kernel_artifact_collect(struct kernel_artifacts *out,
			    struct kernel_run *run,
			    const struct kernel_wants *w, struct err *err)
{
	struct collector c = { .out = out, .run = run, .wants = w, .err = err };
	struct err ignored;
	int ret;

	*out = (struct kernel_artifacts){ 0 };
	c.stage = kernel_output_path(&run->output, STAGE);
	ret = fs_remove(c.stage, err);
	kernel_run_phase(run, KERNEL_PHASE_ARTIFACTS);
	if (!ret)
		ret = install_all(&c, err);
	if (!ret)
		ret = collect_in_thread(&c);
	fs_remove(c.stage, &ignored);
	free(c.stage);
	return ret;
}

void kernel_artifacts_release(struct kernel_artifacts *a)
{
	strv_release(&a->config);
	strv_release(&a->kernel);
	strv_release(&a->modules);
	strv_release(&a->dtbs);
	strv_release(&a->module_names);
	strv_release(&a->dtb_names);
	free(a->text_offset);
	*a = (struct kernel_artifacts){ 0 };
}
