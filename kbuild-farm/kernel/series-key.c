/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/series-key.h"

#include "base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_DIGITS 12

static void hash_key_text(struct buf *all, char out[static DIGEST_HEX])
{
	struct digest d;

	digest_bytes(buf_bytes(all), &d);
	digest_format(&d, out);
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

void kernel_series_key_of_plan(const struct kernel_plan *p,
			       const char *toolchain_id,
			       char out[static DIGEST_HEX])
{
	char *tree = fs_canonical_path(p->tree);
	char *dir = fs_canonical_path(p->builddir.dir);
	const struct kconfig_request *r = p->request;
	struct strv settings = { 0 };
	struct buf all = { 0 };
	struct digest d;

	buf_put_str(&all, "build");
	buf_put_str(&all, r->tree ? r->tree : tree);
	buf_put_str(&all, p->arch.arch);
	buf_put_str(&all, toolchain_id);
	if (r->kconfig) {
		kconfig_digest(&p->kconfig, &d);
		buf_put_bytes(&all, bytes_of(d.b, sizeof(d.b)));
	} else {
		/*
		 * Without -k, the first build in a directory makes the
		 * configuration and later builds use it, so the directory
		 * identifies the configuration.  The path of a default
		 * directory follows from the other parts of the key and is left
		 * out.
		 */
		buf_put_str(&all, p->builddir.kind == KERNEL_BUILDDIR_DEFAULT ?
					  "" :
					  dir);
		for (size_t i = 0; i < p->kconfig.n_fragments; i++)
			buf_put_str(&all, p->kconfig.fragments[i].text);
	}
	put_list(&all, &r->targets);
	for (size_t i = 0; i < p->settings.n; i++) {
		const char *setting = p->settings.v[i];

		/* V= and KBUILD_VERBOSE= change only the output of make. */
		if (!str_starts(setting, "V=") &&
		    !str_starts(setting, "KBUILD_VERBOSE="))
			strv_add(&settings, setting);
	}
	strv_add_all(&settings, r->environment.v);
	strv_sort(&settings);
	put_list(&all, &settings);
	put_or_empty(&all, r->nightly);
	hash_key_text(&all, out);
	strv_release(&settings);
	free(dir);
	free(tree);
}

void kernel_series_key_of_command(const struct kernel_user_command *c,
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
	hash_key_text(&all, out);
	strv_release(&words);
	free(cwd);
}

char *kernel_plan_toolchain_id(const struct kernel_plan *p)
{
	const struct kernel_compiler *c = &p->compiler;
	const struct toolchain_installed *t = kernel_toolchains_find_owner(
		&c->toolchains, c->name, c->path);
	char *text, *id, hex[DIGEST_HEX];
	struct err ignored;
	struct digest d;

	if (t)
		return xstrdup(t->id);
	text = kernel_plan_compiler_name(p);
	if (!*c->path || digest_file(c->path, &d, &ignored))
		return text;
	digest_format(&d, hex);
	id = xasprintf("%s-%.*s", text, ID_DIGITS, hex);
	free(text);
	return id;
}
