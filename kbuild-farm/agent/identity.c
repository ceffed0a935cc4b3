/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/identity.h"

#include "agent/inode.h"
#include "base/str.h"
#include "compiler/manifest-id.h"

#include <errno.h>
#include <stdlib.h>

/* A toolchain only adds: nothing of it is GONE. */
static bool gather(const struct agent_view_queue *views,
		   struct compiler_entry *out)
{
	const struct agent_view *v;
	bool good = true;

	list_for_each(v, views, link) {
		for (uint32_t i = 0; i < v->m.n; i++) {
			good &= v->m.entries[i].inode.kind != WIRE_GONE;
			*out++ = agent_inode_entry(v->entries[i].path,
						   &v->m.entries[i].inode);
		}
	}
	return good;
}

static size_t count(const struct agent_view_queue *views)
{
	const struct agent_view *v;
	size_t n = 0;

	list_for_each(v, views, link)
		n += v->m.n;
	return n;
}

char *agent_identity_driver(const struct agent_view_queue *views,
			    const struct wire_cell *m)
{
	size_t n = count(views);
	struct compiler_entry *all = xcalloc(n + 1, sizeof(*all));
	char *driver;

	gather(views, all);
	driver = compiler_manifest_resolve(all, n, m->driver);
	free(all);
	return driver;
}

int agent_identity_check(const struct agent_view_queue *views,
			 const struct wire_cell *m, struct err *err)
{
	size_t n = count(views);
	struct compiler_entry *all = xcalloc(n + 1, sizeof(*all));
	struct digest id;
	int ret = -EINVAL;

	if (gather(views, all))
		ret = compiler_manifest_id(all, n, m->driver, m->is_clang, &id);
	free(all);
	if (ret)
		return err_set(err, EINVAL, "its toolchain makes no sense");
	if (!digest_equal(&id, &m->toolchain))
		return err_set(err, EINVAL,
			       "its toolchain is another than it says");
	return 0;
}
