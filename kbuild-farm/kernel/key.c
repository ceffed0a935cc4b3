/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/key.h"

#include "base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_DIGITS 12

static void hash_of(struct buf *all, char out[static DIGEST_HEX])
{
	struct digest d;

	digest_of(buf_bytes(all), &d);
	digest_hex(&d, out);
	buf_release(all);
}

static void put_or_empty(struct buf *all, const char *text)
{
	buf_put_str(all, text ? text : "");
}

static void put_list(struct buf *all, const struct strv *list)
{
	buf_put_u32(all, (uint32_t)list->n);
	for (size_t i = 0; i < list->n; i++)
		buf_put_str(all, list->v[i]);
}

/*
 * Without -k the first build of a directory makes a configuration, and those
 * after it keep that one: they are builds of the same.
 */
static void put_config_asked(struct buf *all, const struct kernel_plan *p)
{
	const struct kernel_kconfig *k = &p->kconfig;
	struct digest d;

	if (p->request->kconfig) {
		kernel_kconfig_digest(k, &d);
		buf_put_bytes(all, bytes_of(d.b, sizeof(d.b)));
		return;
	}
	buf_put_str(all, p->place.kind == KERNEL_CHOSEN ? "" : p->place.dir);
	for (size_t i = 0; i < k->n_fragments; i++)
		buf_put_str(all, k->fragment[i].text);
}

/* They change what make prints, not what it makes. */
static bool only_shows(const char *setting)
{
	return str_starts(setting, "V=") ||
	       str_starts(setting, "KBUILD_VERBOSE=");
}

static void put_settings(struct buf *all, const struct kernel_plan *p)
{
	struct strv list = { 0 };

	for (size_t i = 0; i < p->settings.n; i++) {
		if (!only_shows(p->settings.v[i]))
			strv_add(&list, p->settings.v[i]);
	}
	strv_add_all(&list, p->request->environment.v);
	strv_sort(&list);
	put_list(all, &list);
	strv_release(&list);
}

void kernel_plan_key(const struct kernel_plan *p, char out[static DIGEST_HEX])
{
	char *toolchain = kernel_plan_toolchain_id(p);
	struct buf all = { 0 };

	buf_put_str(&all, "build");
	buf_put_str(&all, p->request->tree ? p->request->tree : p->tree);
	buf_put_str(&all, p->arch.arch);
	buf_put_str(&all, toolchain);
	put_config_asked(&all, p);
	put_list(&all, &p->request->targets);
	put_settings(&all, p);
	put_or_empty(&all, p->request->nightly);
	hash_of(&all, out);
	free(toolchain);
}

void kernel_user_command_key(const struct kernel_user_command *c,
			     char out[static DIGEST_HEX])
{
	const struct kernel_user_command_request *r = c->request;
	char *cwd = getcwd(NULL, 0);
	struct strv words = { 0 };
	struct buf all = { 0 };

	strv_add_all(&words, r->argv);
	buf_put_str(&all, "run");
	put_or_empty(&all, cwd);
	put_list(&all, &words);
	put_or_empty(&all, r->arch);
	put_or_empty(&all, r->toolchain);
	hash_of(&all, out);
	strv_release(&words);
	free(cwd);
}

char *kernel_plan_toolchain_id(const struct kernel_plan *p)
{
	const struct kernel_compiler *c = &p->compiler;
	const struct toolchain_installed *t = kernel_installed_owner(
		&c->installed, c->name, c->path);
	char *text, *id, hex[DIGEST_HEX];
	struct err ignored;
	struct digest d;

	if (t)
		return xstrdup(t->id);
	text = kernel_plan_compiler_text(p);
	if (!*c->path || digest_file(c->path, &d, &ignored))
		return text;
	digest_hex(&d, hex);
	id = xasprintf("%s-%.*s", text, ID_DIGITS, hex);
	free(text);
	return id;
}

/* Configuring compiles too, below scripts/. */
static bool holds_objects(const char *dir)
{
	struct strv names = { 0 };
	bool found = false;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n && !found; i++)
		found = str_ends(names.v[i], ".o") ||
			str_ends(names.v[i], ".s") ||
			str_ends(names.v[i], ".a");
	strv_release(&names);
	return found;
}

bool kernel_plan_is_fresh(const struct kernel_plan *p)
{
	static const char others[] = "scripts tools source Documentation";
	struct strv names = { 0 };
	bool fresh = true;

	fs_list(p->place.dir, &names);
	for (size_t i = 0; i < names.n && fresh; i++) {
		char *path = kernel_plan_path(p, names.v[i]);

		fresh = str_list_has(others, ' ', names.v[i]) ||
			!(fs_is_dir(path) ? holds_objects(path) :
					    !strcmp(names.v[i], "vmlinux"));
		free(path);
	}
	strv_release(&names);
	return fresh;
}
