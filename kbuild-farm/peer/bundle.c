/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/bundle.h"

#include "base/str.h"
#include "inputs/toolchain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int peer_bundle_read(struct peer_bundle *out,
		     const struct toolchain_installed *tc,
		     const struct digest *same_as, const atomic_bool *cancel,
		     struct err *err)
{
	struct peer_bundle b = { 0 };
	struct toolchain_installed copy = *tc;
	struct compiler_entries files;
	int ret;

	*out = b;
	if (tc->adopted_from)
		return err_set(err, EINVAL,
			       "%s: an adopted toolchain cannot be copied to a "
			       "node; install a released toolchain instead",
			       tc->id);
	ret = toolchain_dir_digest_read(&files, tc->dir, cancel, err);
	if (ret)
		return ret;
	b.id = xstrdup(tc->id);
	b.host = xstrdup(tc->host);
	b.dir = xstrdup(tc->dir);
	/* Only the build host has the symbolic links to the tools. */
	copy.links = (struct strv){ 0 };
	b.json = toolchain_installed_encode(&copy);
	if (same_as)
		b.equivalent_id = *same_as;
	for (size_t i = 0; i < files.n && !ret; i++) {
		const struct compiler_entry *e = &files.v[i];

		if (e->size_bytes > WIRE_BLOB_MAX)
			ret = err_set(err, EFBIG, "%s/%s: too large for a node",
				      b.dir, e->path);
		b.total_bytes += e->size_bytes;
	}
	b.paths = inputs_paths_new();
	b.entries = inputs_toolchain_make_entries(b.paths, "/", &files);
	b.n_entries = files.n;
	toolchain_dir_digest_compute(&files, &b.dir_digest);
	compiler_entries_release(&files);
	if (!ret && !digest_equal(&b.dir_digest, &tc->dir_digest))
		ret = err_set(err, EBADMSG,
			      "%s: modified since its installation; run `kfarm "
			      "toolchain remove %s` and install it again",
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
	free(b->entries);
	inputs_paths_free(b->paths);
	*b = (struct peer_bundle){ 0 };
}

/* ------------------------------------------------------------- upload */

int peer_bundle_upload_start(struct peer_bundle_upload *d,
			     const struct peer_bundle *bundle,
			     struct peer_conn *conn,
			     const struct peer_blob_upload_user *user,
			     struct err *err)
{
	struct wire_bundle m = { .bundle = conn->next_number++,
				 .id = bundle->id,
				 .host = bundle->host,
				 .dir_digest = bundle->dir_digest,
				 .equivalent_id = bundle->equivalent_id,
				 .metadata = bundle->json };
	struct buf body = { 0 };

	d->bundle = bundle;
	d->upload = conn->upload;
	d->user = *user;
	d->user.base_dir = bundle->dir;
	d->user.sequential = true;
	peer_input_updates_init(&d->updates, m.bundle, &d->user);
	wire_bundle_encode_at(&body, &m, conn->version);
	peer_conn_send(conn, WIRE_BUNDLE, &body, conn->codec);
	if (!peer_input_updates_send(&d->updates, conn, bundle->entries,
				     bundle->n_entries, true))
		return 0;
	wire_number_encode(&body, m.bundle);
	peer_conn_send(conn, WIRE_SHUT, &body, WIRE_PLAIN);
	peer_bundle_upload_stop(d);
	return err_set(err, ENOSPC, "too many paths in one session");
}

void peer_bundle_upload_stop(struct peer_bundle_upload *d)
{
	if (!d->bundle)
		return;
	d->bundle = NULL;
	peer_input_updates_release(&d->updates);
	peer_blob_upload_remove_user(d->upload, &d->user);
}

bool peer_bundle_upload_is_number(const struct peer_bundle_upload *d,
				  uint32_t number)
{
	return d->bundle && d->updates.number == number;
}

int peer_bundle_upload_check_have(const struct peer_bundle_upload *d,
				  const struct wire_have *m, struct err *err)
{
	char hex[DIGEST_HEX];

	digest_format(&d->bundle->dir_digest, hex);
	if (m->state != WIRE_HAVE_READY)
		return err_set(err, EPERM, "%s", m->detail);
	if (strcmp(m->detail, hex) != 0)
		return err_set(err, EPERM, "digest mismatch after the upload");
	return 0;
}
