/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int list(struct peer_bundle *g, struct err *err)
{
	g->n = g->files.n;
	g->entry = xcalloc(g->n + 1, sizeof(*g->entry));
	for (size_t i = 0; i < g->n; i++) {
		const struct compiler_entry *e = &g->files.v[i];

		if (e->size > WIRE_BLOB_MAX)
			return err_set(err, EFBIG,
				       "%s/%s: too large for a node", g->dir,
				       e->path);
		g->entry[i] = (struct wire_keep_entry){
			.path = e->path,
			.inode.kind = (uint8_t)e->kind,
			.inode.executable = e->executable,
			.inode.size = e->size,
			.inode.mtime_ns = e->mtime_ns,
			.inode.digest = e->digest,
			.inode.target = e->target,
		};
		g->bytes += e->size;
	}
	return 0;
}

/* The names that were published on this machine are nothing to a node. */
static char *json_for_node(const struct toolchain_installed *tc)
{
	struct toolchain_installed copy = *tc;

	copy.links = (struct strv){ 0 };
	return toolchain_installed_encode(&copy);
}

int peer_bundle_read(struct peer_bundle *out,
		     const struct toolchain_installed *tc,
		     const struct digest *twin, const atomic_bool *cancel,
		     struct err *err)
{
	struct peer_bundle g = { 0 };
	int ret;

	*out = g;
	if (tc->adopted)
		return err_set(err, EINVAL,
			       "%s is adopted: its files belong to something "
			       "else; install the release for nodes",
			       tc->id);
	ret = toolchain_tree_read(&g.files, tc->dir, cancel, err);
	if (ret)
		return ret;
	g.id = xstrdup(tc->id);
	g.host = xstrdup(tc->host);
	g.dir = xstrdup(tc->dir);
	g.json = json_for_node(tc);
	if (twin)
		g.twin = *twin;
	toolchain_tree_digest(&g.files, &g.tree);
	ret = list(&g, err);
	if (!ret && !digest_equal(&g.tree, &tc->tree))
		ret = err_set(err, EBADMSG,
			      "%s is not what was installed; `kfarm toolchain "
			      "remove %s`, then install it again",
			      tc->dir, tc->id);
	if (ret)
		peer_bundle_release(&g);
	else
		*out = g;
	return ret;
}

void peer_bundle_release(struct peer_bundle *g)
{
	free(g->id);
	free(g->host);
	free(g->dir);
	free(g->json);
	free(g->entry);
	compiler_entries_release(&g->files);
	*g = (struct peer_bundle){ 0 };
}
