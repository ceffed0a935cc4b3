/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/farm.h"

#include "base/stamp.h"
#include "base/vec.h"
#include "tls/context.h"

#include <stdlib.h>
#include <sys/stat.h>

const struct inputs_entry *peer_farm_enter(const struct peer_farm *farm,
					   const char *path, struct bytes text)
{
	const struct inputs_entry *entry;
	struct store_identity id = { 0 };
	struct stat st;

	if (stat(path, &st))
		return NULL;
	stamp_of(&id.stamp, &st);
	id.executable = st.st_mode & S_IXUSR;
	digest_of(text, &id.digest);
	inputs_paths_lock(farm->paths);
	entry = inputs_paths_file(farm->paths,
				  inputs_paths_get(farm->paths, path), &id);
	inputs_paths_unlock(farm->paths);
	return entry;
}

void peer_farm_add(struct peer_farm *farm, struct inputs_toolchain *tc)
{
	*VEC_ADD(farm->toolchain, farm->n_toolchains) = tc;
	peer_farm_wake(farm);
}

void peer_farm_release(struct peer_farm *farm)
{
	tls_context_free(farm->tls);
	farm->tls = NULL;
	strv_release(&farm->roots);
	free(farm->toolchain);
	farm->toolchain = NULL;
	farm->n_toolchains = 0;
}

void peer_farm_wake(const struct peer_farm *farm)
{
	farm->ops->wake(farm->ctx);
}
