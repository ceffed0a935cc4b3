/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/source.h"

#include "base/digest.h"
#include "base/fs.h"
#include "kernel/arch.h"
#include "kernel/environ.h"
#include "kernel/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGITS 8 /* of the digest at the end of a key */

/* As make is to see it: of its command line, else of the environment. */
static const char *make_variable(const struct kernel_request *r,
				 char *const *env, const char *name)
{
	const char *value = kernel_environ_value(strv_list(&r->variables),
						 name);

	value = value ? value : kernel_environ_value(env, name);
	return value ? value : "";
}

/* The job of --nightly; the caller frees it. */
static char *nightly_job_of(const struct kernel_request *r)
{
	return r->nightly ? xstrndup(r->nightly, strcspn(r->nightly, "/")) :
			    NULL;
}

/* The digits tell apart what the words do not. */
static char *configuration_key(const struct kernel_request *r, char *const *env)
{
	static const char *const names[] = { "CROSS_COMPILE", "LLVM", "CC" };
	const char *arch = r->arch ? r->arch : make_variable(r, env, "ARCH");
	char *job = nightly_job_of(r);
	struct buf words = { 0 }, name = { 0 };
	char host[32], hex[DIGEST_HEX];
	struct digest d;

	kernel_arch_host(host);
	buf_put_str(&words, *arch ? arch : host);
	buf_put_str(&words, r->toolchain ? r->toolchain : "");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		buf_put_str(&words, make_variable(r, env, names[i]));
	buf_put_str(&words, r->kconfig ? r->kconfig : "");
	for (size_t i = 0; i < r->kconfig_add.n; i++)
		buf_put_str(&words, r->kconfig_add.v[i]);
	if (job)
		buf_put_str(&words, job);
	digest_of(buf_bytes(&words), &d);
	digest_hex(&d, hex);

	kernel_place_add_name(&name, *arch ? arch : host);
	buf_add_str(&name, "-");
	kernel_place_add_config(&name, r);
	if (r->toolchain) {
		buf_add_str(&name, "-");
		kernel_place_add_name(&name, r->toolchain);
	}
	if (job)
		buf_printf(&name, "-%s", job);
	buf_printf(&name, "-%.*s", DIGITS, hex);
	buf_release(&words);
	free(job);
	return buf_steal(&name);
}

static int move_worktree(struct kernel_source *s,
			 const struct kernel_request *r, struct err *err)
{
	char *built = r->build_dir ? kernel_place_asked(r) :
				     xasprintf("%s/build", s->dir);
	struct tree_worktree_setup setup = {
		.repository = s->home.repository,
		.rev = r->rev,
		.dir = s->dir,
		.built = built,
		.progress = r->moving,
		.ctx = r->moving_ctx,
	};
	int ret = tree_worktree_move(&s->at, &setup, err);

	free(built);
	return ret;
}

int kernel_source_take(struct kernel_source *s, const struct kernel_request *r,
		       char *const *env, struct err *err)
{
	char *key;
	int ret;

	*s = (struct kernel_source){ .lock = { .fd = -1 } };
	ret = tree_home_open(&s->home, r->tree, TREE_READ, err);
	if (ret)
		return ret;
	key = configuration_key(r, env);
	s->dir = xasprintf("%s/worktrees/%s", s->home.dir, key);
	free(key);
	ret = fs_mkdirs(s->dir, 0777, err);
	if (!ret)
		ret = kernel_lock_take(&s->lock, s->dir, err);
	if (!ret)
		ret = move_worktree(s, r, err);
	if (ret)
		err_wrap(err, "tree %s", r->tree);
	return ret;
}

void kernel_source_release(struct kernel_source *s)
{
	if (s->dir)
		kernel_lock_release(&s->lock);
	tree_home_release(&s->home);
	tree_worktree_release(&s->at);
	free(s->dir);
	*s = (struct kernel_source){ 0 };
}

int kernel_source_built(const struct kernel_source *s, const char *output,
			struct err *err)
{
	char *link = xasprintf("%s/last-build", s->home.dir);
	char *part = xasprintf("%s.%d", link, (int)getpid());
	int ret = 0;

	unlink(part);
	if (symlink(output, part) || rename(part, link)) {
		ret = err_errno(err, "%s", link);
		unlink(part);
	}
	free(part);
	free(link);
	return ret;
}
