/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/dirty.h"

#include "base/task.h"

#include <stdlib.h>

static void look_at_tree(void *arg)
{
	struct kernel_dirty *d = arg;

	d->ret = tree_dirty_read(&d->is, d->tree, &d->stop, &d->err);
}

void kernel_dirty_begin(struct kernel_dirty *d, const struct kernel_plan *plan)
{
	if (plan->source.dir) {
		d->is.known = true;
		return;
	}
	if (!plan->rev.commit)
		return;
	d->tree = xstrdup(plan->tree);
	d->task = task_start(look_at_tree, d);
}

int kernel_dirty_end(struct kernel_dirty *d, bool stop)
{
	if (!d->task)
		return d->ret;
	if (stop)
		atomic_store(&d->stop, true);
	task_join(d->task);
	d->task = NULL;
	free(d->tree);
	d->tree = NULL;
	return d->ret;
}
