/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/config.h"

#include "base/fs.h"
#include "kernel/config-stamp.h"
#include "kernel/config-text.h"
#include "kernel/missed.h"
#include "kernel/phase.h"
#include "kernel/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MAX 700 /* of the settings in one error */
#define TOLD     10 /* settings that are warned of */

bool kernel_config_is_done(const struct kernel_plan *p)
{
	struct kernel_config_stamp s;
	bool done = kernel_kconfig_nothing(&p->kconfig);

	if (done)
		return true;
	done = kernel_config_stamp_read(&s, p) &&
	       (!s.missed.n || p->request->allow_mismatch);
	kernel_config_stamp_release(&s);
	return done;
}

void kernel_config_keep_edited(const struct kernel_plan *p, const char *target)
{
	struct kernel_config_stamp s;

	if (kernel_kconfig_nothing(&p->kconfig))
		return;
	/* What was left as it was is as it was asked for. */
	if (!kernel_config_stamp_read(&s, p)) {
		kernel_config_stamp_release(&s);
		s.edited = xstrdup(target);
		kernel_config_stamp_write(&s, p);
	}
	kernel_config_stamp_release(&s);
}

char *kernel_config_edited(const struct kernel_plan *p)
{
	return kernel_kconfig_nothing(&p->kconfig) ?
		       NULL :
		       kernel_config_stamp_edited(p);
}

static int run_target(struct kernel_run *run, const char *target,
		      struct err *err)
{
	char *jobs = xasprintf("-j%u", run->farm.local_slots);
	char *const options[] = { jobs, NULL };
	char *const targets[] = { (char *)target, NULL };
	int ret = kernel_run_make(run, options, targets, err);

	free(jobs);
	return ret;
}

static int write_base(struct kernel_run *run, struct err *err)
{
	const struct kernel_kconfig *k = &run->plan->kconfig;
	char *path;
	int ret;

	if (k->base == KERNEL_CONFIG_KEEP)
		return 0;
	if (k->base == KERNEL_CONFIG_TARGET)
		return run_target(run, k->target, err);
	path = kernel_plan_path(run->plan, ".config");
	ret = fs_write(path, bytes_str(k->text), 0644, err);
	free(path);
	return ret;
}

static int merge_fragments(struct kernel_run *run, struct err *err)
{
	char *path = kernel_plan_path(run->plan, ".config"), *merged = NULL;
	struct buf base = { 0 };
	int ret = fs_read(path, KERNEL_CONFIG_MAX, &base, err);

	if (!ret) {
		merged = kernel_kconfig_merge(&run->plan->kconfig,
					      buf_str(&base));
		ret = fs_write(path, bytes_str(merged), 0644, err);
	}
	free(merged);
	buf_release(&base);
	free(path);
	return ret;
}

static int refuse_missed(const struct strv *lines, const char *config,
			 struct err *err)
{
	const char *between = lines->n > 1 ? "\n  " : " ";
	struct buf list = { 0 };
	size_t i;

	for (i = 0; i < lines->n && list.len + strlen(lines->v[i]) < TEXT_MAX;
	     i++)
		buf_printf(&list, "%s%s", between, lines->v[i]);
	if (i < lines->n)
		buf_printf(&list, "%sand %zu more", between, lines->n - i);
	err_set(err, EINVAL,
		"Kconfig did not take over what -K asks:%s%s"
		"--allow-config-mismatch builds it all the same; the .config "
		"that was made stays: %s",
		buf_str(&list), lines->n > 1 ? "\n  " : "; ", config);
	buf_release(&list);
	return -EINVAL;
}

/* Finds what of the fragments is not in the .config that was made. */
static int find_missed(struct kernel_run *run, struct err *err)
{
	const struct kernel_plan *p = run->plan;
	char *path = kernel_plan_path(p, ".config");
	struct kernel_missed_of of = { &p->kconfig, p->tree, p->arch.srcarch,
				       NULL };
	struct kernel_missed *missed = NULL;
	struct strv replaced = { 0 };
	struct buf config = { 0 };
	size_t n = 0;
	int ret = fs_read(path, KERNEL_CONFIG_MAX, &config, err);

	of.config = buf_str(&config);
	if (!ret)
		kernel_kconfig_missed(&p->kconfig, of.config, &missed, &n);
	if (n)
		kernel_missed_lines(missed, n, &of, &run->config.missed,
				    &replaced);
	for (size_t i = 0; i < replaced.n; i++)
		kernel_run_note(run, "%s", replaced.v[i]);
	kernel_kconfig_missed_free(missed, n);
	strv_release(&replaced);
	buf_release(&config);
	free(path);
	return ret;
}

/* The .config as it was; no text: there was none. */
struct config_before {
	char *path;
	struct buf text;
	struct stat st;
};

static void look_before(struct config_before *b, const struct kernel_plan *p)
{
	struct err ignored;

	*b = (struct config_before){ .path = kernel_plan_path(p, ".config") };
	if (stat(b->path, &b->st) ||
	    fs_read(b->path, KERNEL_CONFIG_MAX, &b->text, &ignored))
		buf_reset(&b->text);
}

/* One that came out as it was gets its time back: make has nothing to do. */
static void look_after(struct config_before *b)
{
	struct buf now = { 0 };
	struct err ignored;

	if (b->text.len &&
	    !fs_read(b->path, KERNEL_CONFIG_MAX, &now, &ignored) &&
	    bytes_equal(buf_bytes(&now), buf_bytes(&b->text))) {
		const struct timespec times[] = { b->st.st_atim,
						  b->st.st_mtim };

		utimensat(AT_FDCWD, b->path, times, 0);
	}
	buf_release(&now);
	buf_release(&b->text);
	free(b->path);
}

static int make_as_asked(struct kernel_run *run, struct err *err)
{
	const struct kernel_kconfig *k = &run->plan->kconfig;
	struct config_before before;
	int ret;

	kernel_run_phase(run, KERNEL_PHASE_CONFIG);
	look_before(&before, run->plan);
	ret = write_base(run, err);
	if (!ret && k->n_fragments)
		ret = merge_fragments(run, err);
	if (!ret && (k->n_fragments || k->base == KERNEL_CONFIG_FILE))
		ret = run_target(run, "olddefconfig", err);
	look_after(&before);
	return ret;
}

/* When it was changed last, in ns since 1970; 0: it is not there. */
static int64_t config_time(const struct kernel_plan *p)
{
	char *path = kernel_plan_path(p, ".config");
	struct stat st;
	int64_t ns = 0;

	if (!stat(path, &st))
		ns = st.st_mtim.tv_sec * INT64_C(1000000000) +
		     st.st_mtim.tv_nsec;
	free(path);
	return ns;
}

static void warn_missed(struct kernel_run *run)
{
	const struct strv *lines = &run->config.missed;

	for (size_t i = 0; i < lines->n && i < TOLD; i++)
		kernel_run_note(run, "%s", lines->v[i]);
	if (lines->n > TOLD)
		kernel_run_note(run,
				"and %zu more settings that Kconfig did not "
				"take over",
				lines->n - TOLD);
}

int kernel_config_apply(struct kernel_run *run, struct err *err)
{
	const struct kernel_plan *p = run->plan;
	struct kernel_config_stamp *s = &run->config;
	bool made = false;
	char *path;
	int ret = 0;

	if (kernel_kconfig_nothing(&p->kconfig))
		return 0;
	kernel_config_stamp_release(s);
	if (!kernel_config_stamp_read(s, p)) {
		kernel_config_stamp_release(s);
		ret = make_as_asked(run, err);
		if (!ret)
			ret = find_missed(run, err);
		made = !ret;
	}
	if (!ret && s->missed.n && !p->request->allow_mismatch) {
		path = kernel_plan_path(p, ".config");
		ret = refuse_missed(&s->missed, path, err);
		free(path);
	}
	if (ret)
		return ret;
	warn_missed(run);
	if (made)
		kernel_config_stamp_write(s, p);
	run->config_time = config_time(p);
	return 0;
}

void kernel_config_settle(struct kernel_run *run)
{
	struct kernel_config_stamp now;

	/* What is newer than what make made of it was changed by hand. */
	if (kernel_kconfig_nothing(&run->plan->kconfig) ||
	    !kernel_target_is_synced(run->plan) ||
	    config_time(run->plan) == run->config_time)
		return;
	if (!kernel_config_stamp_read(&now, run->plan))
		kernel_config_stamp_write(&run->config, run->plan);
	kernel_config_stamp_release(&now);
}
