/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/module-build.h"

#include "base/fs.h"
#include "base/vec.h"
#include "kernel/progress.h"
#include "kernel/target-outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* name of the make target and of its entry in the archive cache */
#define PREPARE "modules_prepare"

/*
 * Add the localversion* files in `dir`.  kbuild appends their contents to the
 * kernel release.
 */
static void add_localversions(struct kernel_archive_inputs *s, const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]);

		if (str_starts(names.v[i], "localversion"))
			kernel_archive_add_file(s, path);
		free(path);
	}
	strv_release(&names);
}

static void add_release_variable(struct kernel_archive_inputs *s,
				 const struct kernel_plan *p, const char *name)
{
	const char *value = kernel_plan_find_setting(p, name);

	if (!value)
		value = str_find_env(p->env, name);
	kernel_archive_add_text(s, value ? value : "");
}

/*
 * Compute the digest of the inputs of modules_prepare: the release, the
 * configuration, the compiler, and the sources of the generated headers and of
 * the programs that build modules.  Returns false if the digest is unreliable.
 */
static bool preparation_digest(const struct kernel_plan *p, struct digest *out)
{
	static const char *const any[] = { "", NULL };
	static const char *const variables[] = { "LOCALVERSION",
						 "KERNELRELEASE",
						 "KERNELVERSION" };
	static const char *const sources[] = {
		"Kbuild",
		"Makefile",
		"include",
		"kernel/bounds.c",
		"kernel/time/timeconst.bc",
		"lib/vdso",
		"rust",
		"scripts",
		"tools/arch",
		"tools/bpf/resolve_btfids",
		"tools/build",
		"tools/include",
		"tools/lib",
		"tools/objtool",
		"tools/scripts",
	};
	char *arch = xasprintf("%s/arch/%s", p->tree, p->arch.srcarch);
	struct kernel_archive_inputs s = { 0 };
	int64_t now_ns = file_stamp_now_ns();
	struct err ignored;
	bool known;

	known = !kernel_plan_read_config(p, &s.text, &ignored);
	kernel_archive_add_text(&s, p->rev.commit ? p->rev.commit : "");
	kernel_archive_add_text(&s, p->compiler.version);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		add_release_variable(&s, p, variables[i]);
	add_localversions(&s, p->tree);
	add_localversions(&s, p->builddir.dir);
	kernel_archive_add_dir(&s, arch, any, false);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		char *path = xasprintf("%s/%s", p->tree, sources[i]);

		kernel_archive_add_dir(&s, path, any, false);
		free(path);
	}
	free(arch);
	return kernel_archive_finish_inputs(&s, now_ns, out) && known;
}

const char *const kernel_module_prepared_files[] = {
	"include/generated/autoconf.h",
	"include/generated/utsrelease.h",
	"scripts/mod/modpost",
	NULL,
};

/*
 * Return true if auto.conf is up to date and the files that modules need exist.
 * The files can be missing because `make mrproper` removes them.
 */
static bool has_prepared_files(const struct kernel_plan *p)
{
	const char *const *name = kernel_module_prepared_files;
	bool yes = kernel_config_is_synced(p);

	for (; yes && *name; name++) {
		char *path = kernel_plan_path(p, *name);

		yes = fs_exists(path);
		free(path);
	}
	return yes;
}

/*
 * Return true if the build directory is prepared.  In a directory of the user,
 * the presence of the files suffices: `make modules_prepare` could change the
 * release of a kernel that was built there, for instance because LOCALVERSION
 * differs, and the new modules would not fit that kernel.
 */
static bool is_prepared(struct kernel_build_state *run)
{
	const struct kernel_plan *p = run->plan;
	struct digest key;

	if (!has_prepared_files(p))
		return false;
	return p->builddir.kind != KERNEL_BUILDDIR_DEFAULT ||
	       (preparation_digest(p, &key) &&
		kernel_archive_cache_copy(&run->archive_cache, PREPARE, &key,
					  NULL, NULL));
}

bool kernel_module_can_prepare(const struct kernel_plan *p)
{
	char *source = xasprintf("%s/kernel/bounds.c", p->tree);
	bool yes = p->module.dir && fs_exists(source) &&
		   (!access(p->builddir.dir, W_OK) || errno == ENOENT);

	free(source);
	return yes;
}

int kernel_module_prepare(struct kernel_build_state *run, struct err *err)
{
	char *const targets[] = { (char[]){ PREPARE }, NULL };
	char *jobs;
	struct digest key;
	int ret;

	if (!kernel_module_can_prepare(run->plan) || is_prepared(run))
		return 0;
	jobs = xasprintf("-j%u", run->jobs);
	kernel_build_set_phase(run, KERNEL_PHASE_PREPARE, PREPARE);
	ret = kernel_build_run_make(run, (char *[]){ jobs, NULL }, targets,
				    err);
	/* Compute the digest after make, which may have updated .config. */
	if (!ret && preparation_digest(run->plan, &key))
		kernel_archive_cache_put(&run->archive_cache, PREPARE, &key,
					 NULL, json_true());
	free(jobs);
	return ret;
}

/* Add the module `path` if it exists. */
static void add_module(struct kernel_artifacts *out, const char *path)
{
	if (fs_exists(path))
		kernel_artifact_add_copy(out, "modules", path, str_base(path));
}

/*
 * Add the modules listed in modules.order of `dir`.  Depending on the version
 * of Linux, a line is "kernel/WITHIN/x.ko", "WITHIN/x.ko", "WITHIN/x.o" or
 * "x.o", where WITHIN is the value of M=.
 */
static void add_listed(struct kernel_artifacts *out, const char *dir,
		       const char *within)
{
	char *path = xasprintf("%s/modules.order", dir);
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err ignored;

	fs_read(path, KCONFIG_TEXT_MAX, &text, &ignored);
	strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i];
		size_t n;
		char *module;

		if (str_starts(line, "kernel/") &&
		    str_skip_dir(line + strlen("kernel/"), within))
			line += strlen("kernel/");
		if (within[0] != '/' && str_skip_dir(line, within))
			line = str_skip_dir(line, within);
		n = (size_t)(strrchr(str_base(line), '.') ?
				     strrchr(str_base(line), '.') - line :
				     (long)strlen(line));
		module = line[0] == '/' ?
				 xasprintf("%.*s.ko", (int)n, line) :
				 xasprintf("%s/%.*s.ko", dir, (int)n, line);
		add_module(out, module);
		free(module);
	}
	strv_release(&lines);
	buf_release(&text);
	free(path);
}

void kernel_module_add_artifacts(const struct kernel_build_state *run,
				 const struct strv *made,
				 struct kernel_artifacts *out)
{
	const struct kernel_module *m = &run->plan->module;
	const char *dir = m->output_dir ? m->output_dir : m->dir;

	if (kernel_target_outputs_is_default(made) || strv_has(made, "modules"))
		add_listed(out, dir, m->vars.v[0] + strlen("M="));
	for (size_t i = 0; i < made->n; i++) {
		char *path = xasprintf("%s/%s", dir, made->v[i]);

		if (str_ends(path, ".ko"))
			add_module(out, path);
		free(path);
	}
}
