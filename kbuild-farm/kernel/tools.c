/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/tools.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/stamp.h"
#include "base/which.h"
#include "kernel/environ.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ANSWER_MAX (1u << 16)
#define ANSWER_MS  5000
#define CACHE_MAX  (1u << 20)

/* A name, its program and the option; without one it is --version. */
static const struct {
	const char *name, *program, *option;
} tools[] = {
	{ "bc", "bc", NULL },
	{ "bindgen", "bindgen", NULL },
	{ "bison", "bison", NULL },
	{ "ccache", "ccache", NULL },
	{ "depmod", "depmod", "-V" },
	{ "e2fsck", "e2fsck", "-V" },
	{ "fdformat", "fdformat", NULL },
	{ "flex", "flex", NULL },
	{ "fsck.jfs", "fsck.jfs", "-V" },
	{ "grub", "grub-install", NULL },
	{ "iptables", "iptables", "-V" },
	{ "lld", "ld.lld", NULL },
	{ "mcelog", "mcelog", NULL },
	{ "mksquashfs", "mksquashfs", "-version" },
	{ "openssl", "openssl", "version" },
	{ "oprofiled", "oprofiled", NULL },
	{ "pahole", "pahole", NULL },
	{ "pccardctl", "pccardctl", "-V" },
	{ "pppd", "pppd", NULL },
	{ "ps", "ps", NULL },
	{ "quota", "quota", "-V" },
	{ "reiserfsck", "reiserfsck", "-V" },
	{ "sccache", "sccache", NULL },
	{ "showmount", "showmount", NULL },
	{ "sphinx-build", "sphinx-build", NULL },
	{ "udevd", "udevd", NULL },
	{ "xfs_db", "xfs_db", "-V" },
};

/* What was asked before, and is asked now. */
struct asker {
	const struct kernel_plan *p;
	char *path; /* PATH, and where administrators' programs are */
	struct strv env;
	json_t *known; /* by file: [stamp, line] */
	json_t *out;
	bool changed;
};

/* Some say it on stderr, as e2fsck does. */
static char *ask(struct asker *a, const char *file, const char *option)
{
	char *argv[] = { (char *)file, (char *)(option ? option : "--version"),
			 NULL };
	const struct spawn what = { .argv = argv,
				    .env = a->env.v,
				    .fd = { -1, -1, -1 } };
	const struct spawn_limits limits = { .max = ANSWER_MAX,
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

static char *stamp_of_program(const char *file)
{
	struct stamp s;
	struct stat st;

	if (stat(file, &st))
		return NULL;
	stamp_of(&s, &st);
	return stamp_string(&s);
}

static void ask_tool(struct asker *a, const char *name, const char *program,
		     const char *option)
{
	char *file = which(program, a->path), *stamp, *line = NULL;
	const json_t *was;
	const char *text;

	if (!file)
		return;
	stamp = stamp_of_program(file);
	was = json_object_get(a->known, file);
	text = json_string_value(json_array_get(was, 0));
	if (stamp && text && !strcmp(text, stamp)) {
		text = json_string_value(json_array_get(was, 1));
	} else {
		text = line = ask(a, file, option);
		json_object_set_new(
			a->known, file,
			json_pack("[o,o]", json_text(stamp), json_text(line)));
		a->changed = true;
	}
	if (text && *text)
		json_object_set_new(a->out, name, json_text(text));
	free(line);
	free(stamp);
	free(file);
}

/* ar, as and ld that belong to the compiler. */
static void add_binutils(struct asker *a)
{
	static const char *const names[] = { "ar", "as", "ld" };
	const char *prefix = kernel_plan_setting(a->p, "CROSS_COMPILE");
	const char *llvm = kernel_plan_setting(a->p, "LLVM");

	if (!prefix)
		prefix = kernel_environ_value(a->p->env, "CROSS_COMPILE");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *suffix = llvm && *llvm == '-' ? llvm : "";
		bool is_ld = !strcmp(names[i], "ld");
		char *program;

		if (llvm && *llvm)
			program = xasprintf(
				"%s%s", is_ld ? "ld.lld" : "llvm-ar", suffix);
		else
			program = xasprintf("%s%s", prefix ? prefix : "",
					    names[i]);
		if (!llvm || !*llvm || strcmp(names[i], "as"))
			ask_tool(a, names[i], program, NULL);
		free(program);
	}
}

static void add_compilers(struct asker *a)
{
	const struct kernel_compiler *c = &a->p->compiler;
	const char *other = c->is_clang ? "gcc" : "clang";

	if (c->path && *c->path)
		ask_tool(a, c->is_clang ? "clang" : "gcc", c->path, NULL);
	ask_tool(a, other, other, NULL);
	add_binutils(a);
	ask_tool(a, "make", a->p->make, NULL);
}

static char *cache_path(void)
{
	char *cache = fs_cache_home(), *out = xasprintf("%s/tools.json", cache);

	free(cache);
	return out;
}

static void load_answers(struct asker *a, const char *file)
{
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(file, CACHE_MAX, &text, &ignored))
		a->known = json_loads(buf_str(&text), 0, NULL);
	if (!json_is_object(a->known)) {
		json_decref(a->known);
		a->known = json_object();
	}
	buf_release(&text);
}

static void store_answers(struct asker *a, const char *file)
{
	char *text = json_dumps(a->known, JSON_COMPACT), *dir = str_dir(file);
	struct err ignored;

	if (text && !fs_mkdirs(dir, 0777, &ignored))
		fs_write(file, bytes_str(text), 0666, &ignored);
	free(dir);
	free(text);
}

json_t *kernel_tools_list(const struct kernel_plan *p)
{
	struct asker a = { .p = p, .out = json_object() };
	char *path = kernel_environ_path(&p->compiler.dirs, p->env);
	char *file = cache_path();

	a.path = xasprintf("%s:/usr/sbin:/sbin", path);
	kernel_plan_env(p, &a.env, NULL, NULL);
	load_answers(&a, file);
	add_compilers(&a);
	for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++)
		ask_tool(&a, tools[i].name, tools[i].program, tools[i].option);
	if (a.changed)
		store_answers(&a, file);
	strv_release(&a.env);
	json_decref(a.known);
	free(a.path);
	free(file);
	free(path);
	return a.out;
}
