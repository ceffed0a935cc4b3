/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/shared.h"

#include "base/child.h"
#include "base/file-stamp.h"
#include "base/log.h"
#include "base/vec.h"
#include "node/pool.h"
#include "peer/neighbors.h"
#include "tls/session.h"

#include <stdlib.h>
#include <sys/stat.h>

#define COMMAND_EXIT_WAIT_MS 400 /* limit for transport commands to exit */
#define MEMBERS_NOTE_MS      1600 /* further time before kfarm logs the wait */

const struct inputs_entry *peer_shared_add_source(
	const struct peer_shared *shared, const char *path, struct bytes text)
{
	const struct inputs_entry *entry;
	struct store_file_digest id = { 0 };
	struct stat st;

	if (stat(path, &st))
		return NULL;
	file_stamp_from_stat(&id.stamp, &st);
	id.executable = st.st_mode & S_IXUSR;
	digest_bytes(text, &id.digest);
	inputs_paths_lock(shared->paths);
	entry = inputs_path_set_file(
		shared->paths, inputs_paths_get(shared->paths, path), &id);
	inputs_paths_unlock(shared->paths);
	return entry;
}

void peer_shared_add_toolchain(struct peer_shared *shared,
			       struct inputs_toolchain *tc)
{
	*VEC_ADD(shared->toolchains, shared->n_toolchains) = tc;
	peer_shared_wake(shared);
}

void peer_shared_release(struct peer_shared *shared)
{
	peer_neighbors_free(shared->neighbors);
	shared->neighbors = NULL;
	tls_context_free(shared->tls);
	shared->tls = NULL;
	strv_release(&shared->roots);
	free(shared->toolchains);
	shared->toolchains = NULL;
	shared->n_toolchains = 0;
}

void peer_shared_wait_for_commands(struct peer_shared *shared, bool has_members)
{
	bool ended = children_wait(shared->children, COMMAND_EXIT_WAIT_MS);

	if (!has_members || ended ||
	    children_wait(shared->children, MEMBERS_NOTE_MS))
		return;
	log_info("waiting for the members of the pools to end");
	children_wait(shared->children, NODE_POOL_KILL_MS);
}

void peer_shared_wake(const struct peer_shared *shared)
{
	shared->ops->on_wake_requested(shared->ctx);
}
