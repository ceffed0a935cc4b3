/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/config.h"

#include "base/fs.h"
#include "kernel/missed.h"
#include "kernel/phase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX  (16u << 20)
#define STAMP_DIGIT 24
#define TEXT_MAX    700 /* of the settings in one error */

/* What is remembered of a build directory; the caller frees the path. */
static char *stamp_path(const struct kernel_plan *p)
{
	char hex[DIGEST_HEX], *cache = fs_cache_home(), *path;
	struct digest d;

	digest_of(bytes_str(p->place.dir), &d);
	digest_hex(&d, hex);
	path = xasprintf("%s/config/%.*s", cache, STAMP_DIGIT, hex);
	free(cache);
	return path;
}

/*
 * Digests of the request and of the .config that it led to; more may stand
 * behind them.
 */
static int stamp_text(const struct kernel_plan *p, char **out, struct err *err)
{
	char request[DIGEST_HEX], config[DIGEST_HEX];
	char *path = kernel_plan_path(p, ".config");
	struct buf all = { 0 };
	struct digest d;
	int ret;

	kernel_kconfig_digest(&p->kconfig, &d);
	buf_add(&all, d.b, sizeof(d.b));
	for (size_t i = 0; i < p->settings.n; i++)
		buf_put_str(&all, p->settings.v[i]);
	buf_put_str(&all, p->tree);
	buf_put_str(&all, p->compiler.version);
	digest_of(buf_bytes(&all), &d);
	digest_hex(&d, request);
	ret = digest_file(path, &d, err);
	if (!ret) {
		digest_hex(&d, config);
		*out = xasprintf("%s %s ", request, config);
	}
	buf_release(&all);
	free(path);
	return ret;
}

/*
 * Was the .config that stands made from this request?  Then *edited (may be
 * NULL) is the target that changed it afterwards, or "".
 */
static bool matches_stamp(const struct kernel_plan *p, char **edited)
{
	char *path = stamp_path(p), *now = NULL;
	struct buf was = { 0 };
	struct err ignored;
	bool same = !fs_read(path, 4096, &was, &ignored) &&
		    !stamp_text(p, &now, &ignored) &&
		    str_starts(buf_str(&was), now);

	if (same && edited) {
		const char *rest = buf_str(&was) + strlen(now);

		*edited = xstrndup(rest, strcspn(rest, "\n"));
	}
	buf_release(&was);
	free(now);
	free(path);
	return same;
}

static void write_stamp(const struct kernel_plan *p, const char *edited)
{
	char *path = stamp_path(p), *dir = str_dir(path), *now = NULL, *text;
	struct err ignored;

	/* Without the stamp the next build merely makes its .config again. */
	if (!stamp_text(p, &now, &ignored) && !fs_mkdirs(dir, 0777, &ignored)) {
		text = xasprintf("%s%s\n", now, edited);
		fs_write(path, bytes_str(text), 0666, &ignored);
		free(text);
	}
	free(now);
	free(dir);
	free(path);
}

bool kernel_config_is_done(const struct kernel_plan *p)
{
	return kernel_kconfig_nothing(&p->kconfig) || matches_stamp(p, NULL);
}

void kernel_config_keep_edited(const struct kernel_plan *p, const char *target)
{
	if (!kernel_kconfig_nothing(&p->kconfig))
		write_stamp(p, target);
}

char *kernel_config_edited(const struct kernel_plan *p)
{
	char *edited = NULL;

	if (kernel_kconfig_nothing(&p->kconfig) || !matches_stamp(p, &edited))
		return NULL;
	if (*edited)
		return edited;
	free(edited);
	return NULL;
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

/* In `scratch`, as the tree's script leaves temporaries where it runs. */
static int run_merge(struct kernel_run *run, const char *scratch,
		     struct err *err)
{
	const struct kernel_kconfig *k = &run->plan->kconfig;
	struct strv argv = { 0 };
	int ret = 0;

	strv_add(&argv, "/bin/sh");
	strv_addf(&argv, "%s/scripts/kconfig/merge_config.sh", run->plan->tree);
	strv_add(&argv, "-m");
	strv_add(&argv, "-O");
	strv_add(&argv, scratch);
	strv_add(&argv, "base");
	for (size_t i = 0; !ret && i < k->n_fragments; i++) {
		char *path = xasprintf("%s/%zu", scratch, i);

		strv_add(&argv, str_base(path));
		ret = fs_write(path, bytes_str(k->fragment[i].text), 0644, err);
		free(path);
	}
	if (!ret)
		ret = kernel_run_program(run, argv.v, scratch, err);
	if (ret > 0)
		ret = err_set(err, EINVAL,
			      "merge_config.sh failed; see build.log");
	strv_release(&argv);
	return ret;
}

static int merge_fragments(struct kernel_run *run, struct err *err)
{
	char *config = kernel_plan_path(run->plan, ".config");
	char *scratch = xasprintf("%s/merge", run->farm.rundir.dir);
	char *base = xasprintf("%s/base", scratch);
	char *merged = xasprintf("%s/.config", scratch);
	int ret;

	ret = fs_mkdirs(scratch, 0700, err);
	if (!ret)
		ret = fs_copy(config, base, err);
	if (!ret)
		ret = run_merge(run, scratch, err);
	if (!ret)
		ret = fs_copy(merged, config, err);
	free(merged);
	free(base);
	free(scratch);
	free(config);
	return ret;
}

static int refuse_missed(const struct strv *lines, const char *config,
			 struct err *err)
{
	const char *between = lines->n > 1 ? "\n  " : " ";
	struct buf list = { 0 };
	size_t i;
	int ret;

	for (i = 0; i < lines->n && list.len + strlen(lines->v[i]) < TEXT_MAX;
	     i++)
		buf_printf(&list, "%s%s", between, lines->v[i]);
	if (i < lines->n)
		buf_printf(&list, "%sand %zu more", between, lines->n - i);
	ret = err_set(err, EINVAL,
		      "Kconfig did not take over what -K asks:%s%sthe .config "
		      "that was made stays: %s",
		      buf_str(&list), lines->n > 1 ? "\n  " : "; ", config);
	buf_release(&list);
	return ret;
}

static int check_config(const struct kernel_plan *p, struct err *err)
{
	char *path = kernel_plan_path(p, ".config");
	struct kernel_missed *missed = NULL;
	struct buf config = { 0 };
	struct strv lines = { 0 };
	size_t n = 0;
	int ret = fs_read(path, CONFIG_MAX, &config, err);

	if (!ret)
		kernel_kconfig_missed(&p->kconfig, buf_str(&config), &missed,
				      &n);
	if (n) {
		kernel_missed_lines(missed, n, p->tree, p->arch.srcarch,
				    buf_str(&config), &lines);
		ret = refuse_missed(&lines, path, err);
	}
	kernel_kconfig_missed_free(missed, n);
	strv_release(&lines);
	buf_release(&config);
	free(path);
	return ret;
}

int kernel_config_apply(struct kernel_run *run, struct err *err)
{
	const struct kernel_kconfig *k = &run->plan->kconfig;
	int ret;

	if (kernel_config_is_done(run->plan))
		return 0;
	kernel_run_phase(run, KERNEL_PHASE_CONFIG);
	ret = write_base(run, err);
	if (!ret && k->n_fragments)
		ret = merge_fragments(run, err);
	if (!ret && (k->n_fragments || k->base == KERNEL_CONFIG_FILE))
		ret = run_target(run, "olddefconfig", err);
	if (!ret)
		ret = check_config(run->plan, err);
	if (!ret)
		write_stamp(run->plan, "");
	return ret;
}
