/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probes.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/task.h"
#include "compiler/probes.h"

#include <stdlib.h>
#include <unistd.h>

/* On a thread of its own. */
static void see_to_lists(void *arg)
{
	struct kernel_probes *p = arg;
	struct err err;

	for (size_t i = 0; i < p->drivers.n; i++) {
		if (compiler_probes_list(p->dir, p->drivers.v[i],
					 strv_list(&p->env), &err))
			log_debug("answers are not remembered: %s", err.text);
	}
	compiler_probes_wanted(p->dir);
	compiler_probes_trim(p->dir);
}

void kernel_probes_open(struct kernel_probes *p, char *const *drivers,
			char *const *env)
{
	char *cache = fs_cache_home(), *dir = xasprintf("%s/probes", cache);
	struct err err;

	free(cache);
	if (fs_mkdirs(dir, 0700, &err) || access(dir, W_OK)) {
		free(dir);
		return;
	}
	p->dir = dir;
	strv_add_all(&p->drivers, drivers);
	strv_add_all(&p->env, env);
	p->task = task_start(see_to_lists, p);
}

void kernel_probes_release(struct kernel_probes *p)
{
	if (p->task)
		task_join(p->task);
	strv_release(&p->drivers);
	strv_release(&p->env);
	free(p->dir);
	*p = (struct kernel_probes){ 0 };
}
