/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/metadata.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/version.h"
#include "kernel/system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_text(value));
}

static void put_number(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

/* Groups with nothing in them are left out. */
static void put_group(json_t *root, const char *name, json_t *group)
{
	if (json_object_size(group))
		json_object_set_new(root, name, group);
	else
		json_decref(group);
}

static json_t *environment(const struct strv *exports)
{
	json_t *o = json_object();

	for (size_t i = 0; i < exports->n; i++) {
		size_t n = strcspn(exports->v[i], "=");
		char *name = xstrndup(exports->v[i], n);

		put(o, name, exports->v[i] + n + 1);
		free(name);
	}
	return o;
}

static const struct strv *targets_of(const struct kernel_metadata *m)
{
	return m->targets ? m->targets : &m->plan->request->targets;
}

static json_t *build_group(const struct kernel_metadata *m)
{
	const struct kernel_plan *p = m->plan;
	json_t *o = json_object();
	char *toolchain = kernel_plan_compiler_text(p);

	json_object_set_new(o, "targets", json_texts(targets_of(m)));
	put(o, "target_arch", p->arch.arch);
	put(o, "toolchain", toolchain);
	put(o, "wrapper", "none");
	json_object_set_new(o, "environment", environment(&p->exports));
	json_object_set_new(o, "make_variables", json_texts(&p->vars));
	put(o, "kconfig",
	    p->kconfig.target ? p->kconfig.target :
	    p->kconfig.file   ? p->kconfig.file :
				".config");
	json_object_set_new(o, "kconfig_add",
			    json_texts(&p->request->kconfig_add));
	put_number(o, "jobs", m->jobs);
	put(o, "build_dir", p->place.dir);
	json_object_set_new(o, "reproducer_cmdline",
			    json_pack("[s,s]", "sh", "reproducer.sh"));
	put(o, "runtime", "null");
	free(toolchain);
	return o;
}

static json_t *artifact_lists(const struct kernel_artifacts *a)
{
	json_t *o = json_object();

	json_object_set_new(o, "config", json_texts(&a->config));
	if (a->images.n || a->kernel.n) {
		json_t *kernel = json_texts(&a->images);
		json_t *rest = json_texts(&a->kernel);

		json_array_extend(kernel, rest);
		json_decref(rest);
		json_object_set_new(o, "kernel", kernel);
	}
	if (a->modules.n)
		json_object_set_new(o, "modules", json_texts(&a->modules));
	if (a->dtbs.n)
		json_object_set_new(o, "dtbs", json_texts(&a->dtbs));
	json_object_set_new(o, "log", json_pack("[s]", "build.log"));
	return o;
}

static json_t *results_group(const struct kernel_metadata *m)
{
	const char *status = m->passed ? "PASS" : "FAIL";
	const struct strv *targets = targets_of(m);
	json_t *o = json_object(), *each = json_object();

	put(o, "status", status);
	for (size_t i = 0; i < targets->n; i++) {
		json_t *one = json_object();

		put(one, "status", status);
		json_object_set_new(one, "duration",
				    json_real(m->compile_seconds));
		json_object_set_new(each, targets->v[i], one);
	}
	json_object_set_new(o, "targets", each);
	if (m->artifacts)
		json_object_set_new(o, "artifacts",
				    artifact_lists(m->artifacts));
	put_number(o, "errors", m->errors);
	put_number(o, "warnings", m->warnings);
	json_object_set_new(o, "duration",
			    json_pack("{s:f,s:f}", "build", m->compile_seconds,
				      "total", m->seconds));
	return o;
}

static void put_tree(json_t *root, const struct kernel_metadata *m)
{
	const struct tree_rev *rev = &m->plan->rev;
	json_t *source = json_object(), *git = json_object();

	put(source, "kernelrelease", m->kernelrelease);
	put(source, "kernelversion", m->plan->version);
	put(source, "tree", m->plan->tree);
	put_group(root, "source", source);
	put(git, "git_describe", rev->describe);
	put(git, "git_branch", rev->branch);
	put(git, "git_commit", rev->commit);
	put(git, "git_url", rev->url);
	put_group(root, "git", git);
}

static void put_tools(json_t *root, const struct kernel_plan *p)
{
	json_t *compiler = json_object(), *tools = json_object();
	char *full = kernel_system_first_line(p, p->compiler.path);
	char *make = kernel_system_first_line(p, p->make);
	char *ld = kernel_system_linker(p);

	put(compiler, "name", p->compiler.is_clang ? "clang" : "gcc");
	put(compiler, "version", p->compiler.version);
	put(compiler, "version_full", full);
	put_group(root, "compiler", compiler);
	put(tools, p->compiler.is_clang ? "clang" : "gcc", full);
	put(tools, "ld", ld);
	put(tools, "make", make);
	put_group(root, "tools", tools);
	free(full);
	free(make);
	free(ld);
}

static void put_results(json_t *root, const struct kernel_artifacts *a)
{
	json_t *files = json_object(), *map = json_object();

	if (a->module_names.n)
		json_object_set_new(files, "modules",
				    json_texts(&a->module_names));
	if (a->dtb_names.n)
		json_object_set_new(files, "dtbs", json_texts(&a->dtb_names));
	put_group(root, "artifacts", files);
	if (a->vmlinux.file) {
		json_t *o = json_object();

		put_number(o, "text_size", a->vmlinux.text);
		put_number(o, "data_size", a->vmlinux.data);
		put_number(o, "bss_size", a->vmlinux.bss);
		put_number(o, "file_size", a->vmlinux.file);
		put_group(root, "vmlinux", o);
	}
	put(map, "text_offset", a->text_offset);
	put_group(root, "system_map", map);
	json_object_set_new(root, "resources",
			    json_pack("{s:I}", "disk_space",
				      (json_int_t)a->build_dir_bytes));
}

static void put_machine(json_t *root)
{
	struct kernel_system s;
	json_t *o;

	kernel_system_read(&s);
	o = json_object();
	put_number(o, "cores", s.cores);
	put_number(o, "ram", s.ram_mib);
	put_number(o, "free_disk_space", s.disk_mib);
	put_group(root, "hardware", o);
	o = json_object();
	put(o, "name", s.os_name);
	put(o, "version", s.os_version);
	put_group(root, "os", o);
	o = json_object();
	put(o, "kernel", s.uname.sysname);
	put(o, "kernel_release", s.uname.release);
	put(o, "kernel_version", s.uname.version);
	put(o, "machine", s.uname.machine);
	put(o, "operating_system", "GNU/Linux");
	put_group(root, "uname", o);
	kernel_system_release(&s);
}

static json_t *node_group(const struct coord_node_stats *n)
{
	json_t *o = json_object();

	put(o, "state", n->state);
	put(o, "detail", n->detail);
	put_number(o, "slots", n->slots);
	put_number(o, "jobs", n->jobs);
	json_object_set_new(o, "seconds", json_real((double)n->busy_ms / 1000));
	put_number(o, "sent", n->sent);
	put_number(o, "received", n->received);
	put_number(o, "retries", n->retries);
	put_number(o, "errors", n->errors);
	return o;
}

static void put_farm(json_t *root, const struct kernel_metadata *m)
{
	const struct coord_stats *f = m->farm;
	json_t *o = json_object(), *reasons = json_object();
	json_t *nodes = json_object();
	uint64_t sent = 0, received = 0;

	for (size_t i = 0; i < f->n_reasons; i++)
		put_number(reasons, f->reasons[i].why, f->reasons[i].n);
	for (size_t i = 0; i < f->n_nodes; i++) {
		json_object_set_new(nodes, f->nodes[i].name,
				    node_group(&f->nodes[i]));
		sent += f->nodes[i].sent;
		received += f->nodes[i].received;
	}
	put_number(o, "remote", f->remote);
	put_number(o, "local", f->local);
	put_number(o, "retried", f->retried);
	put_number(o, "duplicated", f->duplicated);
	json_object_set_new(o, "reasons", reasons);
	json_object_set_new(o, "scan_seconds",
			    json_real((double)f->scan_us / 1e6));
	put_number(o, "sent", sent);
	put_number(o, "received", received);
	json_object_set_new(o, "cpu_seconds", json_real(m->cpu_seconds));
	json_object_set_new(root, "farm", o);
	json_object_set_new(root, "nodes", nodes);
}

int kernel_metadata_write(const char *path, const struct kernel_metadata *m,
			  struct err *err)
{
	json_t *root = json_object();
	char *out;
	int ret;

	json_object_set_new(root, "build", build_group(m));
	json_object_set_new(root, "results", results_group(m));
	put_tree(root, m);
	put_tools(root, m->plan);
	if (m->artifacts)
		put_results(root, m->artifacts);
	put_machine(root);
	json_object_set_new(root, "kfarm",
			    json_pack("{s:s}", "version", KFARM_VERSION));
	if (m->farm)
		put_farm(root, m);
	out = json_dumps(root, JSON_INDENT(4) | JSON_PRESERVE_ORDER |
				       JSON_REAL_PRECISION(12));
	if (!out) {
		ret = err_set(err, ENOMEM, "%s: out of memory", path);
	} else {
		struct buf text_out = { 0 };

		buf_printf(&text_out, "%s\n", out);
		ret = fs_write(path, buf_bytes(&text_out), 0666, err);
		buf_release(&text_out);
	}
	free(out);
	json_decref(root);
	return ret;
}
