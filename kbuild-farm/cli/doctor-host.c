/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include "base/fs.h"
#include "base/vec.h"
#include "base/which.h"
#include "compiler/find.h"
#include "conf/conf.h"
#include "kernel/links.h"
#include "kernel/shell.h"
#include "peer/tools.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define GIB       (UINT64_C(1) << 30)
#define ANSWER_MS 20000 /* of a kfarmd here; a busy machine takes its time */

/* ------------------------------------------------------------- programs */

void doctor_add(struct doctor *d, const char *check, enum doctor_state state,
		const char *todo, const char *fmt, ...)
{
	struct doctor_finding *f = VEC_ADD(d->v, d->n);
	va_list ap;

	va_start(ap, fmt);
	f->check = check;
	f->state = state;
	f->what = xvasprintf(fmt, ap);
	f->todo = todo ? xstrdup(todo) : NULL;
	va_end(ap);
}

static void look_for(struct doctor *d, const char *name, const char *why,
		     enum doctor_state missing)
{
	char *path = which(name, d->path);
	char *todo = xasprintf("install the package %s", name);

	if (path)
		doctor_add(d, "programs", DOCTOR_OK, NULL, "%s is %s", name,
			   path);
	else
		doctor_add(d, "programs", missing, todo,
			   "%s is not on PATH, and %s needs it", name, why);
	free(todo);
	free(path);
}

static void look_for_wrapper(struct doctor *d)
{
	char *path = kernel_links_wrapper();

	if (path && !access(path, X_OK))
		doctor_add(d, "wrapper", DOCTOR_OK, NULL, "kfarm-cc is %s",
			   path);
	else
		doctor_add(d, "wrapper", DOCTOR_WRONG,
			   "install kfarm again: without it nothing "
			   "is distributed",
			   "kfarm-cc is neither beside kfarm nor on PATH");
	free(path);
}

/* A compiler's name that means ccache or the like. */
static void look_for_cache(struct doctor *d, const char *name)
{
	char *path = which(name, d->path);
	char *behind = which_compiler(name, d->path, NULL);
	char *todo = path ? xasprintf("take %.*s out of PATH, so that plain "
				      "make and kfarm run the same",
				      (int)(str_base(path) - path - 1), path) :
			    NULL;

	if (path && which_is_wrapper(path) && behind)
		doctor_add(d, "ccache", DOCTOR_NOTE, todo,
			   "%s on PATH is %s, a compiler cache; kfarm passes "
			   "over it and runs %s",
			   name, path, behind);
	else if (path && which_is_wrapper(path))
		doctor_add(d, "ccache", DOCTOR_WRONG, todo,
			   "%s on PATH is %s, a compiler cache, and there is "
			   "no other",
			   name, path);
	free(todo);
	free(behind);
	free(path);
}

static void look_for_compilers(struct doctor *d)
{
	struct strv scripts = { 0 };
	struct compiler_list list;
	char *names;

	compiler_find(&list, d->path);
	for (size_t i = 0; i < list.n; i++) {
		if (!list.v[i].is_elf)
			strv_add(&scripts, list.v[i].path);
	}
	if (scripts.n) {
		names = strv_join(&scripts, ", ");
		doctor_add(d, "compilers", DOCTOR_NOTE, NULL,
			   "scripts: %s; what these compile stays on "
			   "this machine",
			   names);
		free(names);
	}
	if (list.n > scripts.n)
		doctor_add(d, "compilers", DOCTOR_OK, NULL,
			   "%zu compiler name%s on PATH", list.n - scripts.n,
			   list.n - scripts.n == 1 ? "" : "s");
	else
		doctor_add(d, "compilers", DOCTOR_WRONG,
			   "install gcc, and see `kfarm toolchain "
			   "search`",
			   "there is no compiler on PATH");
	strv_release(&scripts);
	compiler_list_release(&list);
}

void doctor_programs(struct doctor *d)
{
	static const char *const kernel[] = { "bc", "flex", "bison" };
	static const char *const cached[] = { "gcc", "cc", "clang" };

	look_for_wrapper(d);
	look_for(d, "make", "every build", DOCTOR_WRONG);
	for (size_t i = 0; i < sizeof(kernel) / sizeof(*kernel); i++)
		look_for(d, kernel[i], "a kernel", DOCTOR_WRONG);
	look_for(d, "gpg", "toolchain install", DOCTOR_NOTE);
	look_for(d, "gpgv", "toolchain install", DOCTOR_NOTE);
	look_for_compilers(d);
	for (size_t i = 0; i < sizeof(cached) / sizeof(*cached); i++)
		look_for_cache(d, cached[i]);
}

void doctor_shell(struct doctor *d)
{
	const char *why = kernel_shell_why_not_here();

	if (why)
		doctor_add(d, "shell", DOCTOR_SLOW,
			   "recipes take this machine's own shell, and all "
			   "that it starts, so they cost several times as "
			   "much CPU here; see The shell of make in kfarm(1)",
			   "%s", why);
	else
		doctor_add(d, "shell", DOCTOR_OK, NULL,
			   "builds give make kfarm's own, in place of dash");
}

/* ---------------------------------------------------------------- space */

/* The path or the nearest directory above it that exists. */
static char *existing_parent(const char *path)
{
	char *at = xstrdup(path), *up;

	while (!fs_is_dir(at) && strcmp(at, "/") && strcmp(at, ".")) {
		up = str_dir(at);
		free(at);
		at = up;
	}
	return at;
}

static void look_at_dir(struct doctor *d, const char *path, const char *of)
{
	char *at = existing_parent(path);
	struct statvfs st;
	double gib;

	if (statvfs(at, &st)) {
		doctor_add(d, "space", DOCTOR_WRONG, NULL,
			   "%s, %s, cannot be looked at", path, of);
	} else if (access(at, W_OK | X_OK)) {
		doctor_add(d, "space", DOCTOR_WRONG,
			   "make it yours, or set XDG_CACHE_HOME and "
			   "XDG_DATA_HOME",
			   "%s cannot be written, for %s", at, of);
	} else {
		enum doctor_state state;

		gib = (double)st.f_bavail * (double)st.f_frsize / GIB;
		state = gib < 1 ? DOCTOR_WRONG :
			gib < 5 ? DOCTOR_NOTE :
				  DOCTOR_OK;
		doctor_add(d, "space", state,
			   state == DOCTOR_OK ? NULL :
						"a kernel's build takes 1 to "
						"20 GiB, a toolchain 0.2",
			   "%.1f GiB are free in %s, for %s", gib, at, of);
	}
	free(at);
}

void doctor_space(struct doctor *d)
{
	char *cache = fs_cache_home(), *run = NULL;
	struct err err = { 0 };
	struct statvfs st;

	look_at_dir(d, d->data, "toolchains");
	look_at_dir(d, cache, "builds");
	if (fs_runtime_dir(&run, &err))
		doctor_add(d, "space", DOCTOR_WRONG,
			   "set XDG_RUNTIME_DIR to a directory of "
			   "yours",
			   "%s", err.text);
	else if (!statvfs(run, &st) && (st.f_flag & ST_NOEXEC))
		doctor_add(d, "space", DOCTOR_SLOW,
			   "set XDG_RUNTIME_DIR to another directory",
			   "%s is mounted noexec, so binutils of a "
			   "build load every plugin",
			   run);
	free(run);
	free(cache);
}

/* -------------------------------------------------------------- sandbox */

static char *daemon_path(const struct doctor *d)
{
	char *self = realpath("/proc/self/exe", NULL);
	char *dir = self ? str_dir(self) : xstrdup(".");
	char *path = xasprintf("%s/kfarmd", dir);

	if (access(path, X_OK)) {
		free(path);
		path = which("kfarmd", d->path);
	}
	free(dir);
	free(self);
	return path;
}

static void add_probe(struct doctor *d, const struct peer_tools_node *p)
{
	if (p->fit.fit)
		doctor_add(d, "sandbox", DOCTOR_OK, NULL,
			   "jobs of others could run here (%s)",
			   p->fit.layers ? p->fit.layers : "");
	else
		doctor_add(d, "sandbox", DOCTOR_NOTE, NULL,
			   "this machine cannot be a node: %s",
			   p->fit.why ? p->fit.why :
			   p->why     ? p->why :
					"its kfarmd does not answer");
}

void doctor_sandbox(struct doctor *d)
{
	char *daemon = daemon_path(d);
	struct node_entry entry = { .name = (char *)"here" };
	struct peer_tools_node probe = { .entry = &entry };
	struct peer_tools_setup setup = {
		.nodes = &probe, .n = 1, .survey = true, .hello_ms = ANSWER_MS
	};
	struct err err = { 0 };
	struct buf word = { 0 }, store = { 0 };
	char *text, *dir;

	if (!daemon) {
		doctor_add(d, "sandbox", DOCTOR_OK, NULL,
			   "there is no kfarmd, so this machine is no "
			   "node");
		return;
	}
	dir = xasprintf("%s/store", d->tmp);
	buf_add_shell_word(&word, daemon);
	buf_add_shell_word(&store, dir);
	text = xasprintf("exec:%s --stdio --store %s", buf_str(&word),
			 buf_str(&store));
	entry.address_text = text;
	if (!node_address_parse(&entry.address, text, &err) &&
	    !peer_tools_run(&setup, NULL, &err)) {
		add_probe(d, &probe);
		peer_tools_release(&probe);
	} else {
		doctor_add(d, "sandbox", DOCTOR_NOTE, NULL, "%s", err.text);
	}
	node_address_release(&entry.address);
	buf_release(&word);
	buf_release(&store);
	free(dir);
	free(text);
	free(daemon);
}

/* ---------------------------------------------------------------- nodes */

void doctor_nodes(struct doctor *d)
{
	struct strv warnings = { 0 };
	struct node_roster roster = { 0 };
	struct conf *conf = NULL;
	struct err err = { 0 };

	if (conf_load(&conf, &warnings, &err) ||
	    node_roster_load(&roster, conf, &err))
		doctor_add(d, "nodes", DOCTOR_WRONG, NULL, "%s", err.text);
	else if (!roster.n)
		doctor_add(d, "nodes", DOCTOR_NOTE,
			   "see `kfarm help nodes` for `kfarm nodes "
			   "add NAME ADDRESS`",
			   "no node is configured");
	else
		doctor_add(d, "nodes", DOCTOR_OK, NULL,
			   "%zu configured; `kfarm nodes check` says "
			   "whether they work",
			   roster.n);
	for (size_t i = 0; i < warnings.n; i++)
		doctor_add(d, "nodes", DOCTOR_NOTE, NULL, "%s", warnings.v[i]);
	node_roster_release(&roster);
	conf_free(conf);
	strv_release(&warnings);
}
