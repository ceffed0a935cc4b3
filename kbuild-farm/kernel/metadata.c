/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/metadata.h"

#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "base/version.h"
#include "base/which.h"
#include "kernel/environ.h"
#include "kernel/outdir.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define ANSWER_MAX      (1u << 16)
#define ANSWER_MS       5000
#define MIB             (UINT64_C(1) << 20)
#define DIAGNOSTICS_MAX 1000 /* per list */

static const struct json_file tools_file = {
	.file = { .max_bytes = 1u << 20, .mode = 0666, .is_private = true },
	.dump_flags = JSON_COMPACT,
};

/*
 * Members of the group "tools" in metadata.json, in addition to the compiler's
 * programs and make; their programs, which the makefiles of Linux run; and the
 * options that print the versions (NULL: --version).
 */
static const struct {
	const char *name, *program, *option;
} build_tools[] = {
	{ "bc", "bc", NULL },
	{ "bindgen", "bindgen", NULL },
	{ "bison", "bison", NULL },
	{ "depmod", "depmod", "-V" },
	{ "flex", "flex", NULL },
	{ "lld", "ld.lld", NULL },
	{ "openssl", "openssl", "version" },
	{ "pahole", "pahole", NULL },
	{ "sphinx-build", "sphinx-build", NULL },
};

struct tool_query {
	const struct kernel_plan *p;
	char *path; /* PATH, and the directories of administrative programs */
	struct strv env;
	json_t *cached_answers; /* file name: [file stamp, version line] */
	json_t *out;
	bool changed; /* cached_answers must be written */
};

/*
 * Return the first line that the program `file` prints for `option`, or NULL.
 * Some programs, such as e2fsck, print their version on stderr, so stderr is
 * used if stdout is empty.  The caller frees the line.
 */
static char *query_tool(struct tool_query *a, const char *file,
			const char *option)
{
	char *argv[] = { (char *)file, (char *)(option ? option : "--version"),
			 NULL };
	const struct spawn what = { .argv = argv,
				    .env = a->env.v,
				    .stdio_fds = { -1, -1, -1 } };
	const struct spawn_limits limits = { .max_bytes = ANSWER_MAX,
					     .timeout_ms = ANSWER_MS };
	struct buf out = { 0 }, other = { 0 };
	struct err ignored;
	int status = 0;
	char *line = NULL;

	if (!spawn_collect(&what, &limits, &out, &other, &status, &ignored) &&
	    !status) {
		const char *text = out.len ? buf_str(&out) : buf_str(&other);

		line = xstrndup(text, strcspn(text, "\n"));
	}
	buf_release(&other);
	buf_release(&out);
	return line;
}

static void add_tool_version(struct tool_query *a, const char *name,
			     const char *program, const char *option)
{
	char *file = which(program, a->path), *stamp = NULL, *line = NULL;
	struct file_stamp s;
	const json_t *was;
	const char *text;
	struct stat st;

	if (!file)
		return;
	if (!stat(file, &st)) {
		file_stamp_from_stat(&s, &st);
		stamp = file_stamp_format(&s);
	}
	was = json_object_get(a->cached_answers, file);
	text = json_string_value(json_array_get(was, 0));
	if (stamp && text && !strcmp(text, stamp)) {
		text = json_string_value(json_array_get(was, 1));
	} else {
		text = line = query_tool(a, file, option);
		json_object_set_new(
			a->cached_answers, file,
			json_pack("[o,o]", json_text(stamp), json_text(line)));
		a->changed = true;
	}
	if (text && *text)
		json_object_set_new(a->out, name, json_text(text));
	free(line);
	free(stamp);
	free(file);
}

/* Add make, the compiler, and its ar, as and ld. */
static void add_compilers(struct tool_query *a)
{
	static const char *const names[] = { "ar", "as", "ld" };
	const struct kernel_compiler *c = &a->p->compiler;
	const char *prefix = kernel_plan_find_setting(a->p, "CROSS_COMPILE");
	const char *llvm = kernel_plan_find_setting(a->p, "LLVM");

	if (c->path && *c->path)
		add_tool_version(a, c->is_clang ? "clang" : "gcc", c->path,
				 NULL);
	if (!prefix)
		prefix = kernel_environ_value(a->p->env, "CROSS_COMPILE");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *program;

		if (!llvm || !*llvm)
			program = xasprintf("%s%s", prefix ? prefix : "",
					    names[i]);
		else if (!strcmp(names[i], "as")) /* part of clang */
			continue;
		else
			program = xasprintf("%s%s",
					    strcmp(names[i], "ld") ? "llvm-ar" :
								     "ld.lld",
					    *llvm == '-' ? llvm : "");
		add_tool_version(a, names[i], program, NULL);
		free(program);
	}
	add_tool_version(a, "make", a->p->make_path, NULL);
}

json_t *kernel_metadata_list_tools(const struct kernel_plan *p)
{
	struct tool_query a = { .p = p, .out = json_object() };
	char *path = kernel_environ_path(&p->compiler.path_dirs, p->env);
	char *dir = fs_cache_home(), *file = xasprintf("%s/tools.json", dir);
	struct err ignored;

	a.path = xasprintf("%s:/usr/sbin:/sbin", path);
	kernel_plan_env(p, &a.env, NULL, NULL);
	json_file_read(&tools_file, file, &a.cached_answers, &ignored);
	if (!json_is_object(a.cached_answers)) {
		json_decref(a.cached_answers);
		a.cached_answers = json_object();
	}
	add_compilers(&a);
	for (size_t i = 0; i < ARRAY_SIZE(build_tools); i++)
		add_tool_version(&a, build_tools[i].name,
				 build_tools[i].program, build_tools[i].option);
	if (a.changed && !fs_mkdirs(dir, 0777, &ignored))
		json_file_write(&tools_file, file, a.cached_answers, &ignored);
	strv_release(&a.env);
	json_decref(a.cached_answers);
	free(a.path);
	free(file);
	free(dir);
	free(path);
	return a.out;
}

static void add_text(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_text(value));
}

/* Add `value` up to the first character that is in `ends`. */
static void add_part(json_t *o, const char *key, const char *value,
		     const char *ends)
{
	char *part = xstrndup(value, strcspn(value, ends));

	add_text(o, key, part);
	free(part);
}

static void add_integer(json_t *o, const char *key, int64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static void add_texts(json_t *o, const char *key, const struct strv *list)
{
	if (list->n)
		json_object_set_new(o, key, json_texts(list));
}

/* Add `group` unless it is empty; takes the reference. */
static void add_group(json_t *root, const char *name, json_t *group)
{
	if (json_object_size(group))
		json_object_set(root, name, group);
	json_decref(group);
}

static json_t *build_group(const struct kernel_metadata *m)
{
	const struct kernel_plan *p = m->plan;
	const struct kconfig_spec *k = &p->kconfig;
	json_t *o = json_object(), *exports = json_object();
	json_t *fragments = json_array();
	char *toolchain = kernel_plan_compiler_name(p);

	json_object_set_new(o, "targets", json_texts(&p->request->targets));
	add_text(o, "target_arch", p->arch.arch);
	add_text(o, "toolchain", toolchain);
	add_text(o, "wrapper", "none");
	for (size_t i = 0; i < p->exports.n; i++) {
		size_t n = strcspn(p->exports.v[i], "=");
		char *name = xstrndup(p->exports.v[i], n);

		add_text(exports, name, p->exports.v[i] + n + 1);
		free(name);
	}
	json_object_set_new(o, "environment", exports);
	json_object_set_new(o, "make_variables", json_texts(&p->vars));
	add_text(o, "kconfig",
		 k->target    ? k->target :
		 k->file_name ? k->file_name :
				".config");
	if (p->request->named_config)
		add_text(o, "kconfig_name", p->request->kconfig);
	for (size_t i = 0; i < k->n_fragments; i++)
		json_array_append_new(fragments,
				      json_text(k->fragments[i].name));
	json_object_set_new(o, "kconfig_add", fragments);
	if (m->rejected)
		add_texts(o, "kconfig_mismatch", m->rejected);
	add_integer(o, "jobs", m->jobs);
	add_text(o, "build_dir", p->builddir.dir);
	json_object_set_new(o, "reproducer_cmdline",
			    json_pack("[s,s]", "sh", "reproducer.sh"));
	add_text(o, "runtime", "null");
	json_object_set_new(o, "verbose", json_boolean(p->request->verbose));
	free(toolchain);
	return o;
}

static json_t *artifact_lists(const struct kernel_artifacts *a)
{
	json_t *o = json_object();

	for (size_t i = 0; i < a->n; i++) {
		const struct kernel_artifact *one = &a->v[i];
		json_t *list = json_object_get(o, one->goal);

		if (!one->present)
			continue;
		if (!list) {
			list = json_array();
			json_object_set_new(o, one->goal, list);
		}
		json_array_append_new(list, json_text(one->file));
	}
	json_object_set_new(o, "log", json_pack("[s]", "build.log"));
	return o;
}

static void put_target(json_t *each, const char *name, const char *status,
		       uint64_t ms, const char *reason)
{
	json_t *o = json_pack("{s:s,s:f}", "status", status, "duration",
			      seconds((int64_t)ms));

	add_text(o, "reason", reason);
	json_object_set_new(each, name, o);
}

static json_t *goals_group(const struct kernel_metadata *m)
{
	/* A goal that is still pending was never started: report a failure. */
	static const char *const status_names[] = {
		[KERNEL_GOAL_PENDING] = "FAIL",    [KERNEL_GOAL_PASS] = "PASS",
		[KERNEL_GOAL_FAIL] = "FAIL",       [KERNEL_GOAL_SKIP] = "SKIP",
		[KERNEL_GOAL_WARNING] = "WARNING",
	};
	const struct strv *asked = &m->plan->request->targets;
	json_t *each = json_object();

	for (size_t i = 0; i < m->run->goals.n; i++) {
		const struct kernel_goal *g = &m->run->goals.v[i];

		put_target(each, g->name, status_names[g->status],
			   g->elapsed_ms, g->skip_reason);
	}
	/* If there are no goals, the build failed before it created them. */
	for (size_t i = 0; !m->run->goals.n && i < asked->n; i++)
		put_target(each, asked->v[i], "FAIL", 0, NULL);
	if (!asked->n)
		put_target(each, "default", m->passed ? "PASS" : "FAIL",
			   m->run->times.compile_ms, NULL);
	return each;
}

static void put_diagnostics_by_state(json_t *o, const char *key,
				     const struct diag_set *set,
				     enum diag_status status)
{
	json_t *list = json_array();

	for (size_t i = 0; i < set->n_entries; i++) {
		const struct diag *d = &set->entries[i]->diag;
		json_t *one;

		if (set->entries[i]->status != status ||
		    json_array_size(list) >= DIAGNOSTICS_MAX)
			continue;
		one = json_object();
		add_text(one, "tool", diag_tool_name(d->tool));
		add_text(one, "severity", diag_severity_name(d->severity));
		add_text(one, "file", d->file);
		if (d->line)
			add_integer(one, "line", d->line);
		if (d->column)
			add_integer(one, "column", d->column);
		add_text(one, "flag", d->flag);
		add_text(one, "text", d->text);
		add_text(one, "object", d->object);
		json_array_append_new(list, one);
	}
	if (json_array_size(list))
		json_object_set(o, key, list);
	json_decref(list);
}

/*
 * Each list is cut to DIAGNOSTICS_MAX entries; the group "results" has the
 * full counts.
 */
static void put_diagnostics_lists(json_t *root,
				  const struct kernel_build_state *run)
{
	const struct diag_set *found = &run->log.found;
	json_t *o = json_object();

	put_diagnostics_by_state(o, "new", found, DIAG_STATUS_NEW);
	put_diagnostics_by_state(o, "same", found, DIAG_STATUS_SAME);
	put_diagnostics_by_state(o, "carried", found, DIAG_STATUS_CARRIED);
	put_diagnostics_by_state(o, "found", found, DIAG_N_STATUSES);
	put_diagnostics_by_state(o, "gone", &run->baseline.diags,
				 DIAG_STATUS_REMOVED);
	add_group(root, "diagnostics", o);
}

static json_t *results_group(const struct kernel_metadata *m)
{
	const struct kernel_build_state *run = m->run;
	const struct kernel_build_times *t = &run->times;
	const struct diag_change *c = &run->baseline.change;
	const char *status = m->passed ? "PASS" : "FAIL";
	json_t *o = json_object();

	for (size_t i = 0; m->passed && i < run->goals.n; i++) {
		if (run->goals.v[i].status == KERNEL_GOAL_WARNING)
			status = "WARNING";
	}
	add_text(o, "status", status);
	json_object_set_new(o, "targets", goals_group(m));
	json_object_set_new(o, "artifacts",
			    m->artifacts ? artifact_lists(m->artifacts) :
					   json_object());
	add_integer(o, "errors", m->totals->n_errors);
	add_integer(o, "warnings", m->totals->n_warnings);
	if (run->baseline.build_number) {
		add_integer(o, "compared_with", run->baseline.build_number);
		add_integer(o, "new_errors", c->n_new[DIAG_SEV_ERROR]);
		add_integer(o, "new_warnings", c->n_new[DIAG_SEV_WARNING]);
		add_integer(o, "gone",
			    c->n_removed[DIAG_SEV_ERROR] +
				    c->n_removed[DIAG_SEV_WARNING]);
	}
	json_object_set_new(o, "duration",
			    json_pack("{s:f,s:f,s:f,s:f,s:f}", "validate",
				      seconds((int64_t)t->setup_ms), "prepare",
				      seconds((int64_t)t->prepare_ms), "build",
				      seconds((int64_t)t->compile_ms), "copy",
				      seconds((int64_t)t->artifacts_ms),
				      "total", seconds((int64_t)m->wall_ms)));
	return o;
}

static void put_tree(json_t *root, const struct kernel_metadata *m)
{
	const struct kernel_plan *p = m->plan;
	const struct tree_dirty *d = &m->run->dirty_check.result;
	json_t *source = json_object(), *git = json_object();
	char *path = kernel_plan_path(p, "include/config/kernel.release");
	struct buf release = { 0 };
	char hex[DIGEST_HEX];
	struct err ignored;

	if (m->passed && !fs_read(path, ANSWER_MAX, &release, &ignored))
		add_part(source, "kernelrelease", buf_str(&release), "\n");
	add_text(source, "kernelversion", p->version);
	add_text(source, "tree", p->tree);
	add_group(root, "source", source);
	add_text(git, "git_describe", p->rev.describe);
	add_text(git, "git_branch", p->rev.branch);
	add_text(git, "git_commit", p->rev.commit);
	add_text(git, "git_url", p->rev.url);
	if (d->valid)
		json_object_set_new(git, "dirty", json_boolean(d->n_files > 0));
	if (d->valid && d->n_files) {
		digest_format(&d->digest, hex);
		add_integer(git, "dirty_files", (int64_t)d->n_files);
		add_text(git, "dirty_digest", hex);
	}
	add_text(git, "tree", p->request->tree);
	add_text(git, "rev", p->request->rev);
	add_group(root, "git", git);
	buf_release(&release);
	free(path);
}

static void put_tools(json_t *root, const struct kernel_metadata *m)
{
	const struct kernel_plan *p = m->plan;
	json_t *compiler = json_object(), *tools = NULL;
	const char *kind = p->compiler.is_clang ? "clang" : "gcc";

	if (m->artifacts)
		tools = kernel_metadata_list_tools(p);
	add_text(compiler, "name", kind);
	add_text(compiler, "version", p->compiler.version);
	add_text(compiler, "version_full",
		 json_string_value(json_object_get(tools, kind)));
	add_group(root, "compiler", compiler);
	add_group(root, "tools", tools);
}

static void put_results(json_t *root, const struct kernel_artifacts *a)
{
	const struct kernel_elfsize *v = kernel_artifact_find_size(a,
								   "vmlinux");
	json_t *contents = json_object(), *vmlinux = json_object();
	json_t *sizes = json_object(), *map = json_object();
	json_t *disk = json_object();

	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].present)
			add_texts(contents, a->v[i].goal,
				  &a->v[i].archive_names);
	}
	add_group(root, "artifacts", contents);
	if (v) {
		add_integer(vmlinux, "text_size", (int64_t)v->text_bytes);
		add_integer(vmlinux, "data_size", (int64_t)v->data_bytes);
		add_integer(vmlinux, "bss_size", (int64_t)v->bss_bytes);
		add_integer(vmlinux, "file_size", (int64_t)v->file_bytes);
	}
	add_group(root, "vmlinux", vmlinux);
	for (size_t i = 0; i < a->n_sizes; i++) {
		const struct kernel_elfsize *s = &a->sizes[i].size;
		json_t *one = json_object();

		if (s->text_bytes || s->data_bytes || s->bss_bytes) {
			add_integer(one, "text", (int64_t)s->text_bytes);
			add_integer(one, "data", (int64_t)s->data_bytes);
			add_integer(one, "bss", (int64_t)s->bss_bytes);
		}
		add_integer(one, "file", (int64_t)s->file_bytes);
		json_object_set_new(sizes, a->sizes[i].name, one);
	}
	add_group(root, "sizes", sizes);
	add_text(map, "text_offset", a->text_offset);
	add_group(root, "system_map", map);
	/* Write MiB, rounded up, like du -sm, which tuxmake uses. */
	if (a->build_dir_bytes)
		add_integer(disk, "disk_space",
			    (int64_t)((a->build_dir_bytes + MIB - 1) / MIB));
	add_group(root, "resources", disk);
}

/* Add the value of `name` ("\nNAME=") in os-release(5), without its quotes. */
static void put_os(json_t *o, const char *key, const char *text,
		   const char *name)
{
	const char *at = strstr(text, name);

	if (at)
		add_part(o, key,
			 at + strlen(name) + strspn(at + strlen(name), "\"'"),
			 "\"'\n");
}

static void put_machine(json_t *root, const struct kernel_build_state *run)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	json_t *hardware = json_object(), *os = json_object();
	json_t *name = json_object();
	struct buf text = { 0 };
	struct err ignored;
	struct utsname u;

	uname(&u);
	add_integer(hardware, "cores", cores > 0 ? (uint64_t)cores : 1);
	add_integer(hardware, "ram",
		    pages > 0 && page > 0 ?
			    (uint64_t)pages * (uint64_t)page >> 20 :
			    0);
	add_integer(hardware, "free_disk_space",
		    (int64_t)(run->free_bytes / MIB));
	add_group(root, "hardware", hardware);
	buf_add_str(&text, "\n");
	if (!fs_read("/etc/os-release", ANSWER_MAX, &text, &ignored)) {
		put_os(os, "name", buf_str(&text), "\nNAME=");
		put_os(os, "version", buf_str(&text), "\nVERSION_ID=");
	}
	add_group(root, "os", os);
	add_text(name, "kernel", u.sysname);
	add_text(name, "kernel_release", u.release);
	add_text(name, "kernel_version", u.version);
	add_text(name, "machine", u.machine);
	add_text(name, "operating_system", "GNU/Linux");
	add_group(root, "uname", name);
	buf_release(&text);
}

/* Statistics of the recipe shells, with the reasons for fallbacks. */
static json_t *shell_group(const struct kernel_metadata *m)
{
	const struct events_totals *t = m->totals;
	json_t *o = json_object(), *reasons = json_object();
	json_t *steps = json_object();
	uint64_t n[SHELL_FALLBACK_N_REASONS];

	kernel_shell_fallback_counts(&m->run->offload.shell, n);
	for (int i = 0; i < SHELL_FALLBACK_N_REASONS; i++) {
		if (n[i])
			add_integer(reasons,
				    shell_stats_fallback_reason_text(i),
				    (int64_t)n[i]);
	}
	add_integer(o, "lines", t->n_shell_lines);
	add_integer(o, "handed", t->n_shell_fallbacks);
	json_object_set_new(o, "reasons", reasons);
	add_integer(o, "compiles", t->n_shell_compiles);
	add_integer(o, "fixdeps", t->n_shell_fixdeps);
	add_integer(o, "steps", events_totals_node_steps(t));
	add_integer(o, "steps_here", events_totals_local_steps(t));
	for (size_t i = 0; i < t->n_step_reasons; i++)
		add_integer(steps, t->step_reasons[i].text,
			    t->step_reasons[i].n_jobs);
	json_object_set_new(o, "step_reasons", steps);
	return o;
}

static void put_farm(json_t *root, const struct kernel_metadata *m)
{
	const struct events_totals *t = m->totals;
	json_t *o = json_object(), *reasons = json_object();
	json_t *nodes = json_object(), *disabled = json_array();
	int64_t sent = 0, received = 0;

	for (size_t i = 0; i < t->n_reasons; i++)
		add_integer(reasons, t->reasons[i].text, t->reasons[i].n_jobs);
	for (size_t i = 0; i < t->n_nodes; i++) {
		const struct events_node *n = t->nodes[i];
		json_t *one;

		if (events_node_is_local(n))
			continue;
		one = json_object();
		add_text(one, "state", n->state);
		add_text(one, "detail",
			 events_node_is_up(n) ? NULL : n->reason);
		add_integer(one, "slots", n->n_slots > 0 ? n->n_slots : 0);
		add_integer(one, "jobs", n->n_jobs);
		json_object_set_new(one, "seconds",
				    json_real(seconds(n->cpu_ms)));
		add_integer(one, "sent", n->sent_bytes);
		add_integer(one, "received", n->received_bytes);
		add_integer(one, "retries", n->n_retries);
		add_integer(one, "errors", n->n_failed);
		json_object_set_new(nodes, n->name, one);
		sent += n->sent_bytes;
		received += n->received_bytes;
	}
	add_integer(o, "remote", t->n_remote);
	add_integer(o, "local", t->n_local);
	add_integer(o, "cached", t->n_cached);
	add_integer(o, "cached_remote", t->n_cached_remote);
	add_integer(o, "retried", t->n_retried);
	add_integer(o, "duplicated", t->n_hedged);
	json_object_set_new(o, "reasons", reasons);
	for (size_t i = 0; i < t->n_disabled; i++) {
		const struct events_disabled *d = &t->disabled[i];
		json_t *one = json_object();

		add_text(one, "tool", d->tool);
		add_text(one, "node", d->node);
		add_integer(one, "failures", d->n_failures);
		add_text(one, "text", d->text);
		json_array_append_new(disabled, one);
	}
	json_object_set_new(o, "disabled", disabled);
	json_object_set_new(o, "scan_seconds", json_real(seconds(t->scan_ms)));
	add_integer(o, "sent", sent);
	add_integer(o, "received", received);
	json_object_set_new(o, "cpu_seconds", json_real(seconds(t->cpu_ms)));
	if (t->n_shell_lines)
		json_object_set_new(o, "shell", shell_group(m));
	json_object_set_new(root, "farm", o);
	json_object_set_new(root, "nodes", nodes);
}

int kernel_metadata_write(const char *path, const struct kernel_metadata *m,
			  struct err *err)
{
	json_t *kfarm = json_pack("{s:s}", "version", KFARM_VERSION);
	json_t *root = json_object();
	int ret;

	json_object_set_new(root, "build", build_group(m));
	json_object_set_new(root, "results", results_group(m));
	put_diagnostics_lists(root, m->run);
	put_tree(root, m);
	put_tools(root, m);
	if (m->artifacts)
		put_results(root, m->artifacts);
	put_machine(root, m->run);
	json_object_set_new(root, "kfarm", kfarm);
	if (kernel_build_number(m->run))
		add_integer(kfarm, "build", kernel_build_number(m->run));
	if (m->has_totals)
		put_farm(root, m);
	ret = json_file_write(&kernel_outdir_metadata, path, root, err);
	json_decref(root);
	return ret;
}
