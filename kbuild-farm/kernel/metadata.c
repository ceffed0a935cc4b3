/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/metadata.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/version.h"
#include "kernel/tools.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define ANSWER_MAX      (1u << 16)
#define MIB             (UINT64_C(1) << 20)
#define DIAGNOSTICS_MAX 1000 /* of a list */

static void add_text(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_text(value));
}

/* Up to one of `ends`. */
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

/* Groups with nothing in them are left out. */
static void add_group(json_t *root, const char *name, json_t *group)
{
	if (json_object_size(group))
		json_object_set(root, name, group);
	json_decref(group);
}

static json_t *exports_group(const struct strv *exports)
{
	json_t *o = json_object();

	for (size_t i = 0; i < exports->n; i++) {
		size_t n = strcspn(exports->v[i], "=");
		char *name = xstrndup(exports->v[i], n);

		add_text(o, name, exports->v[i] + n + 1);
		free(name);
	}
	return o;
}

/* Those of a [config "NAME"] as well; and what of them Kconfig did not take. */
static void put_additions(json_t *o, const struct kernel_metadata *m)
{
	const struct kernel_kconfig *k = &m->plan->kconfig;
	json_t *names = json_array();

	if (m->plan->request->named)
		add_text(o, "kconfig_name", m->plan->request->kconfig);
	for (size_t i = 0; i < k->n_fragments; i++)
		json_array_append_new(names, json_text(k->fragment[i].name));
	json_object_set_new(o, "kconfig_add", names);
	if (m->mismatch)
		add_texts(o, "kconfig_mismatch", m->mismatch);
}

static json_t *build_group(const struct kernel_metadata *m)
{
	const struct kernel_plan *p = m->plan;
	json_t *o = json_object();
	char *toolchain = kernel_plan_compiler_text(p);

	json_object_set_new(o, "targets", json_texts(&p->request->targets));
	add_text(o, "target_arch", p->arch.arch);
	add_text(o, "toolchain", toolchain);
	add_text(o, "wrapper", "none");
	json_object_set_new(o, "environment", exports_group(&p->exports));
	json_object_set_new(o, "make_variables", json_texts(&p->vars));
	add_text(o, "kconfig",
		 p->kconfig.target ? p->kconfig.target :
		 p->kconfig.file   ? p->kconfig.file :
				     ".config");
	put_additions(o, m);
	add_integer(o, "jobs", m->jobs);
	add_text(o, "build_dir", p->place.dir);
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

		if (!one->there)
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
	const struct strv *asked = &m->plan->request->targets;
	json_t *each = json_object();

	for (size_t i = 0; i < m->run->goals.n; i++) {
		const struct kernel_goal *g = &m->run->goals.v[i];

		put_target(each, g->name, kernel_goal_word(g), g->ms,
			   g->reason);
	}
	/* Nothing was begun. */
	for (size_t i = 0; !m->run->goals.n && i < asked->n; i++)
		put_target(each, asked->v[i], "FAIL", 0, NULL);
	if (!asked->n)
		put_target(each, "default", m->passed ? "PASS" : "FAIL",
			   m->run->compile_ms, NULL);
	return each;
}

static bool has_warning(const struct kernel_goals *goals)
{
	for (size_t i = 0; i < goals->n; i++) {
		if (goals->v[i].status == KERNEL_GOAL_WARNING)
			return true;
	}
	return false;
}

static json_t *duration_group(const struct kernel_metadata *m)
{
	const struct kernel_run *r = m->run;

	return json_pack("{s:f,s:f,s:f,s:f,s:f}", "validate",
			 seconds((int64_t)r->start_ms), "prepare",
			 seconds((int64_t)r->prepare_ms), "build",
			 seconds((int64_t)r->compile_ms), "copy",
			 seconds((int64_t)r->artifacts_ms), "total",
			 seconds((int64_t)m->wall_ms));
}

/* How it stands to an earlier build, where there is one. */
static void put_change(json_t *o, const struct kernel_earlier *e)
{
	const struct diag_change *c = &e->change;

	if (!e->number)
		return;
	add_integer(o, "compared_with", e->number);
	add_integer(o, "new_errors", c->fresh[DIAG_ERROR]);
	add_integer(o, "new_warnings", c->fresh[DIAG_WARNING]);
	add_integer(o, "gone", c->gone[DIAG_ERROR] + c->gone[DIAG_WARNING]);
}

static json_t *diagnostic(const struct diag *d)
{
	json_t *o = json_object();

	add_text(o, "tool", diag_tool_word(d->tool));
	add_text(o, "severity", diag_severity_word(d->severity));
	add_text(o, "file", d->file);
	if (d->line)
		add_integer(o, "line", d->line);
	if (d->column)
		add_integer(o, "column", d->column);
	add_text(o, "flag", d->flag);
	add_text(o, "text", d->text);
	add_text(o, "object", d->object);
	return o;
}

static void put_diagnostics_that(json_t *o, const char *key,
				 const struct diag_set *set, enum diag_how how)
{
	json_t *list = json_array();

	for (size_t i = 0; i < set->n; i++) {
		if (set->v[i]->how == how &&
		    json_array_size(list) < DIAGNOSTICS_MAX)
			json_array_append_new(list, diagnostic(&set->v[i]->d));
	}
	if (json_array_size(list))
		json_object_set(o, key, list);
	json_decref(list);
}

/* Each list with the first of them; counts are among the results. */
static void put_diagnostics_lists(json_t *root, const struct kernel_run *run)
{
	const struct diag_set *found = &run->joblog.found;
	json_t *o = json_object();

	put_diagnostics_that(o, "new", found, DIAG_NEW);
	put_diagnostics_that(o, "same", found, DIAG_SAME);
	put_diagnostics_that(o, "carried", found, DIAG_CARRIED);
	put_diagnostics_that(o, "found", found, DIAG_HOWS);
	put_diagnostics_that(o, "gone", &run->earlier.standing, DIAG_GONE);
	add_group(root, "diagnostics", o);
}

static json_t *results_group(const struct kernel_metadata *m)
{
	json_t *o = json_object();

	add_text(o, "status",
		 !m->passed                  ? "FAIL" :
		 has_warning(&m->run->goals) ? "WARNING" :
					       "PASS");
	json_object_set_new(o, "targets", goals_group(m));
	json_object_set_new(o, "artifacts",
			    m->artifacts ? artifact_lists(m->artifacts) :
					   json_object());
	add_integer(o, "errors", m->tally->errors);
	add_integer(o, "warnings", m->tally->warnings);
	put_change(o, &m->run->earlier);
	json_object_set_new(o, "duration", duration_group(m));
	return o;
}

static void put_release(json_t *source, const struct kernel_plan *p)
{
	char *path = kernel_plan_path(p, "include/config/kernel.release");
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(path, ANSWER_MAX, &text, &ignored))
		add_part(source, "kernelrelease", buf_str(&text), "\n");
	buf_release(&text);
	free(path);
}

static void put_changes(json_t *git, const struct tree_dirty *d)
{
	char hex[DIGEST_HEX];

	if (!d->known)
		return;
	json_object_set_new(git, "dirty", json_boolean(d->n > 0));
	if (!d->n)
		return;
	digest_hex(&d->digest, hex);
	add_integer(git, "dirty_files", (int64_t)d->n);
	add_text(git, "dirty_digest", hex);
}

static void put_tree(json_t *root, const struct kernel_metadata *m)
{
	const struct tree_rev *rev = &m->plan->rev;
	json_t *source = json_object(), *git = json_object();

	if (m->passed)
		put_release(source, m->plan);
	add_text(source, "kernelversion", m->plan->version);
	add_text(source, "tree", m->plan->tree);
	add_group(root, "source", source);
	add_text(git, "git_describe", rev->describe);
	add_text(git, "git_branch", rev->branch);
	add_text(git, "git_commit", rev->commit);
	add_text(git, "git_url", rev->url);
	put_changes(git, &m->run->dirty.is);
	add_text(git, "tree", m->plan->request->tree);
	add_text(git, "rev", m->plan->request->rev);
	add_group(root, "git", git);
}

static void put_tools(json_t *root, const struct kernel_plan *p)
{
	json_t *compiler = json_object(), *tools = kernel_tools_list(p);
	const char *kind = p->compiler.is_clang ? "clang" : "gcc";

	add_text(compiler, "name", kind);
	add_text(compiler, "version", p->compiler.version);
	add_text(compiler, "version_full",
		 json_string_value(json_object_get(tools, kind)));
	add_group(root, "compiler", compiler);
	add_group(root, "tools", tools);
}

static void put_sizes(json_t *root, const struct kernel_artifacts *a)
{
	const struct kernel_elfsize *v = kernel_artifact_size(a, "vmlinux");
	json_t *o = json_object(), *all = json_object();

	if (v) {
		add_integer(o, "text_size", (int64_t)v->text);
		add_integer(o, "data_size", (int64_t)v->data);
		add_integer(o, "bss_size", (int64_t)v->bss);
		add_integer(o, "file_size", (int64_t)v->file);
	}
	add_group(root, "vmlinux", o);
	for (size_t i = 0; i < a->n_sizes; i++) {
		const struct kernel_elfsize *s = &a->sizes[i].size;
		json_t *one = json_object();

		if (s->text || s->data || s->bss) {
			add_integer(one, "text", (int64_t)s->text);
			add_integer(one, "data", (int64_t)s->data);
			add_integer(one, "bss", (int64_t)s->bss);
		}
		add_integer(one, "file", (int64_t)s->file);
		json_object_set_new(all, a->sizes[i].name, one);
	}
	add_group(root, "sizes", all);
}

/* What archives hold, by target. */
static void put_contents(json_t *root, const struct kernel_artifacts *a)
{
	json_t *o = json_object();

	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].there)
			add_texts(o, a->v[i].goal, &a->v[i].names);
	}
	add_group(root, "artifacts", o);
}

static void put_results(json_t *root, const struct kernel_artifacts *a)
{
	json_t *map = json_object(), *disk = json_object();

	put_contents(root, a);
	put_sizes(root, a);
	add_text(map, "text_offset", a->text_offset);
	add_group(root, "system_map", map);
	/* tuxmake's is that of du -sm. */
	if (a->build_dir_bytes)
		add_integer(disk, "disk_space",
			    (int64_t)((a->build_dir_bytes + MIB - 1) / MIB));
	add_group(root, "resources", disk);
}

/* The value of NAME= in os-release(5), without its quotes. */
static void put_os(json_t *o, const char *key, const char *text,
		   const char *name)
{
	const char *at = strstr(text, name);

	if (at)
		add_part(o, key,
			 at + strlen(name) + strspn(at + strlen(name), "\"'"),
			 "\"'\n");
}

static void put_machine(json_t *root, const struct kernel_run *run)
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

static json_t *node_group(const struct events_node *n)
{
	json_t *o = json_object();

	add_text(o, "state", n->state);
	add_text(o, "detail", events_node_is_up(n) ? NULL : n->reason);
	add_integer(o, "slots", n->slots > 0 ? n->slots : 0);
	add_integer(o, "jobs", n->jobs);
	json_object_set_new(o, "seconds", json_real(seconds(n->cpu_ms)));
	add_integer(o, "sent", n->sent);
	add_integer(o, "received", n->received);
	add_integer(o, "retries", n->retries);
	add_integer(o, "errors", n->failed);
	return o;
}

/* What make's shells did, and why they handed lines on. */
static json_t *shell_group(const struct kernel_metadata *m)
{
	const struct events_tally *t = m->tally;
	json_t *o = json_object(), *reasons = json_object();
	json_t *steps = json_object();
	uint64_t n[SHELL_WHY_COUNT];

	kernel_shell_reasons(&m->run->farm.shell, n);
	for (int i = 0; i < SHELL_WHY_COUNT; i++) {
		if (n[i])
			add_integer(reasons, shell_why_words(i), (int64_t)n[i]);
	}
	add_integer(o, "lines", t->shell_lines);
	add_integer(o, "handed", t->shell_handed);
	json_object_set_new(o, "reasons", reasons);
	add_integer(o, "compiles", t->shell_compiles);
	add_integer(o, "fixdeps", t->shell_fixdeps);
	add_integer(o, "steps", t->shell_steps);
	add_integer(o, "steps_here", t->shell_steps_here);
	for (size_t i = 0; i < t->n_step_reasons; i++)
		add_integer(steps, t->step_reason[i].text,
			    t->step_reason[i].jobs);
	json_object_set_new(o, "step_reasons", steps);
	return o;
}

static void put_farm(json_t *root, const struct kernel_metadata *m)
{
	const struct events_tally *t = m->tally;
	json_t *o = json_object(), *reasons = json_object();
	json_t *nodes = json_object();
	int64_t sent = 0, received = 0;

	for (size_t i = 0; i < t->n_reasons; i++)
		add_integer(reasons, t->reason[i].text, t->reason[i].jobs);
	for (size_t i = 0; i < t->n_nodes; i++) {
		const struct events_node *n = t->node[i];

		if (events_node_is_local(n))
			continue;
		json_object_set_new(nodes, n->name, node_group(n));
		sent += n->sent;
		received += n->received;
	}
	add_integer(o, "remote", t->remote);
	add_integer(o, "local", t->local);
	add_integer(o, "retried", t->retried);
	add_integer(o, "duplicated", t->beside);
	json_object_set_new(o, "reasons", reasons);
	json_object_set_new(o, "scan_seconds", json_real(seconds(t->scan_ms)));
	add_integer(o, "sent", sent);
	add_integer(o, "received", received);
	json_object_set_new(o, "cpu_seconds", json_real(seconds(t->cpu_ms)));
	if (t->shell_lines)
		json_object_set_new(o, "shell", shell_group(m));
	json_object_set_new(root, "farm", o);
	json_object_set_new(root, "nodes", nodes);
}

int kernel_metadata_write(const char *path, const struct kernel_metadata *m,
			  struct err *err)
{
	json_t *root = json_object();
	char *text, *out;
	int ret;

	json_object_set_new(root, "build", build_group(m));
	json_object_set_new(root, "results", results_group(m));
	put_diagnostics_lists(root, m->run);
	put_tree(root, m);
	put_tools(root, m->plan);
	if (m->artifacts)
		put_results(root, m->artifacts);
	put_machine(root, m->run);
	json_object_set_new(root, "kfarm",
			    json_pack("{s:s}", "version", KFARM_VERSION));
	if (m->has_farm)
		put_farm(root, m);
	text = json_dumps(root, JSON_INDENT(4) | JSON_PRESERVE_ORDER |
					JSON_REAL_PRECISION(12));
	if (!text)
		str_out_of_memory();
	out = xasprintf("%s\n", text);
	ret = fs_write(path, bytes_str(out), 0666, err);
	free(out);
	free(text);
	json_decref(root);
	return ret;
}
