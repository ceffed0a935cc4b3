/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/bundle.h"

#include "base/str.h"
#include "inputs/toolchain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int take_files(struct peer_bundle *b,
		      const struct compiler_entries *files, struct err *err)
{
	for (size_t i = 0; i < files->n; i++) {
		const struct compiler_entry *e = &files->v[i];

		if (e->size > WIRE_BLOB_MAX)
			return err_set(err, EFBIG,
				       "%s/%s: too large for a node", b->dir,
				       e->path);
		b->bytes += e->size;
	}
	b->paths = inputs_paths_new();
	b->entry = inputs_toolchain_entries(b->paths, "/", files);
	b->n = files->n;
	toolchain_tree_digest(files, &b->tree);
	return 0;
}

/* The names that were published on this machine mean nothing to a node. */
static char *json_for_node(const struct toolchain_installed *tc)
{
	struct toolchain_installed copy = *tc;

	copy.links = (struct strv){ 0 };
	return toolchain_installed_encode(&copy);
}

int peer_bundle_read(struct peer_bundle *out,
		     const struct toolchain_installed *tc,
		     const struct digest *same_as, const atomic_bool *cancel,
		     struct err *err)
{
	struct peer_bundle b = { 0 };
	struct compiler_entries files;
	int ret;

	*out = b;
	if (tc->adopted)
		return err_set(err, EINVAL,
			       "%s is adopted: its files belong to something "
			       "else; install the release for nodes",
			       tc->id);
	ret = toolchain_tree_read(&files, tc->dir, cancel, err);
	if (ret)
		return ret;
	b.id = xstrdup(tc->id);
	b.host = xstrdup(tc->host);
	b.dir = xstrdup(tc->dir);
	b.json = json_for_node(tc);
	if (same_as)
		b.same_as = *same_as;
	ret = take_files(&b, &files, err);
	compiler_entries_release(&files);
	if (!ret && !digest_equal(&b.tree, &tc->tree))
		ret = err_set(err, EBADMSG,
			      "%s is not what was installed; `kfarm toolchain "
			      "remove %s`, then install it again",
			      tc->dir, tc->id);
	if (ret)
		peer_bundle_release(&b);
	else
		*out = b;
	return ret;
}

void peer_bundle_release(struct peer_bundle *b)
{
	free(b->id);
	free(b->host);
	free(b->dir);
	free(b->json);
	free(b->entry);
	inputs_paths_free(b->paths);
	*b = (struct peer_bundle){ 0 };
}

/* ---------------------------------------------------------- on its way */

int peer_delivery_start(struct peer_delivery *d,
			const struct peer_bundle *bundle,
			struct peer_link *link,
			const struct peer_ship_user *user, struct err *err)
{
	struct wire_bundle m = { .bundle = link->next_number++,
				 .id = bundle->id,
				 .host = bundle->host,
				 .tree = bundle->tree,
				 .same_as = bundle->same_as,
				 .json = bundle->json };
	struct buf body = { 0 };

	d->bundle = bundle;
	d->ship = link->ship;
	d->user = *user;
	d->user.top = bundle->dir;
	d->user.in_order = true;
	peer_views_init(&d->views, m.bundle);
	wire_bundle_encode(&body, &m);
	peer_link_send(link, WIRE_BUNDLE, &body, link->codec);
	if (!peer_views_send(&d->views, link, bundle->entry, bundle->n, true))
		return 0;
	wire_number_encode(&body, m.bundle);
	peer_link_send(link, WIRE_SHUT, &body, WIRE_PLAIN);
	peer_delivery_end(d);
	return err_set(err, ENOSPC, "this connection knows too many paths");
}

void peer_delivery_end(struct peer_delivery *d)
{
	if (!d->bundle)
		return;
	d->bundle = NULL;
	peer_views_release(&d->views);
	peer_ship_forget(d->ship, &d->user);
}

bool peer_delivery_is(const struct peer_delivery *d, uint32_t number)
{
	return d->bundle && d->views.number == number;
}

int peer_delivery_have(const struct peer_delivery *d, const struct wire_have *m,
		       struct err *err)
{
	char hex[DIGEST_HEX];

	digest_hex(&d->bundle->tree, hex);
	if (m->state != WIRE_HAVE_READY)
		return err_set(err, EPERM, "%s", m->detail);
	if (strcmp(m->detail, hex) != 0)
		return err_set(err, EPERM,
			       "it says that it holds something else now");
	return 0;
}
