/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/source.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/task.h"
#include "kernel/arch.h"
#include "kernel/builddir.h"
#include "kernel/environ.h"
#include "kernel/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGITS 8 /* digits of the digest at the end of a worktree name */

/*
 * Return the value of a variable from the command line, else from the
 * environment, or "".
 */
static const char *make_variable(const struct kconfig_request *r,
				 char *const *env, const char *name)
{
	const char *value = kernel_environ_value(strv_list(&r->variables),
						 name);

	value = value ? value : kernel_environ_value(env, name);
	return value ? value : "";
}

/*
 * The digits at the end of the name distinguish worktrees whose names are equal
 * otherwise.
 */
static char *worktree_name(const struct kconfig_request *r, char *const *env)
{
	static const char *const names[] = { "CROSS_COMPILE", "LLVM", "CC" };
	const char *arch = r->arch ? r->arch : make_variable(r, env, "ARCH");
	/* "JOB" and "JOB/bisect" share a worktree. */
	char *job = r->nightly ?
			    xstrndup(r->nightly, strcspn(r->nightly, "/")) :
			    NULL;
	struct buf words = { 0 }, name = { 0 };
	char host[32], hex[DIGEST_HEX];
	struct digest d;

	kernel_arch_host(host);
	buf_put_str(&words, *arch ? arch : host);
	buf_put_str(&words, r->toolchain ? r->toolchain : "");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		buf_put_str(&words, make_variable(r, env, names[i]));
	buf_put_str(&words, r->kconfig ? r->kconfig : "");
	for (size_t i = 0; i < r->fragments.n; i++)
		buf_put_str(&words, r->fragments.v[i]);
	if (job)
		buf_put_str(&words, job);
	digest_bytes(buf_bytes(&words), &d);
	digest_format(&d, hex);

	kernel_builddir_add_name(&name, *arch ? arch : host);
	buf_add_str(&name, "-");
	kernel_builddir_add_config(&name, r);
	if (r->toolchain) {
		buf_add_str(&name, "-");
		kernel_builddir_add_name(&name, r->toolchain);
	}
	if (job)
		buf_printf(&name, "-%s", job);
	buf_printf(&name, "-%.*s", DIGITS, hex);
	buf_release(&words);
	free(job);
	return buf_steal(&name);
}

int kernel_source_acquire(struct kernel_source *s,
			  const struct kconfig_request *r, char *const *env,
			  struct err *err)
{
	char *name, *build_dir;
	int ret;

	*s = (struct kernel_source){ .lock = { .fd = -1 } };
	ret = tree_datadir_open(&s->datadir, r->tree, TREE_LOCK_READ, err);
	if (ret)
		return ret;
	name = worktree_name(r, env);
	s->dir = xasprintf("%s/worktrees/%s", s->datadir.dir, name);
	free(name);
	ret = fs_mkdirs(s->dir, 0777, err);
	if (!ret)
		ret = kernel_lock_take(&s->lock, s->dir, err);
	if (!ret) {
		build_dir = r->build_dir ? kernel_builddir_requested(r) :
					   xasprintf("%s/build", s->dir);
		ret = tree_worktree_checkout(
			&s->worktree,
			&(struct tree_worktree_setup){
				.repository = s->datadir.repository,
				.rev = r->rev,
				.dir = s->dir,
				.build_dir = build_dir,
				.on_progress = r->on_checkout_progress,
				.ctx = r->checkout_ctx,
			},
			err);
		free(build_dir);
	}
	if (ret)
		err_wrap(err, "tree %s", r->tree);
	return ret;
}

void kernel_source_release(struct kernel_source *s)
{
	if (s->dir)
		kernel_lock_release(&s->lock);
	tree_datadir_release(&s->datadir);
	tree_worktree_release(&s->worktree);
	free(s->dir);
	*s = (struct kernel_source){ 0 };
}

int kernel_source_set_last_build(const struct kernel_source *s,
				 const char *output, struct err *err)
{
	char *link = xasprintf("%s/last-build", s->datadir.dir);
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

static void check_tree_dirty(void *arg)
{
	struct kernel_source_dirty_check *d = arg;

	d->ret = tree_dirty_read(&d->result, d->tree, &d->cancelled, &d->err);
}

void kernel_source_start_dirty_check(struct kernel_source_dirty_check *d,
				     const struct kernel_plan *plan)
{
	if (plan->source.dir) {
		d->result.valid = true;
		return;
	}
	if (!plan->rev.commit)
		return;
	d->tree = xstrdup(plan->tree);
	d->task = task_start(check_tree_dirty, d);
}

int kernel_source_end_dirty_check(struct kernel_source_dirty_check *d,
				  bool stop)
{
	if (!d->task)
		return d->ret;
	if (stop)
		atomic_store(&d->cancelled, true);
	task_join(d->task);
	d->task = NULL;
	free(d->tree);
	d->tree = NULL;
	return d->ret;
}
