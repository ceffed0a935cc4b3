/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/machine.h"

#include "agent/agent.h"
#include "base/clock.h"
#include "base/fs.h"
#include "node/machine.h"
#include "store/store.h"

#include <sys/statvfs.h>

static uint32_t blocks_in_mib(uint64_t blocks, uint64_t size)
{
	uint64_t mib = (uint64_t)((double)blocks * (double)size / (1 << 20));

	return mib < WIRE_HEALTH_UNKNOWN ? (uint32_t)mib :
					   WIRE_HEALTH_UNKNOWN - 1;
}

const struct wire_health *agent_machine_health(struct agent *a,
					       uint64_t ours_ms)
{
	struct statvfs fs;

	node_health_read(&a->health, clock_ms(), ours_ms, "");
	a->health.now.store_mib = WIRE_HEALTH_UNKNOWN;
	if (!fstatvfs(store_private_dir(a->store), &fs))
		a->health.now.store_mib = blocks_in_mib(fs.f_bavail,
							fs.f_frsize);
	return &a->health.now;
}

/* Each is a directory; what is about to come or go is in a hidden one. */
static uint16_t count_kept(const char *kept)
{
	struct strv names = { 0 };
	uint16_t n = 0;

	fs_list(kept, &names);
	for (size_t i = 0; i < names.n && n < UINT16_MAX; i++)
		n = (uint16_t)(n + (names.v[i][0] != '.'));
	strv_release(&names);
	return n;
}

void agent_machine_collect(struct wire_machine *m, struct node_cpus **cpus,
			   struct agent *a, uint64_t ours_ms)
{
	struct statvfs fs;

	node_machine_collect(m, cpus, "");
	if (!fstatvfs(store_private_dir(a->store), &fs))
		m->store_mib = blocks_in_mib(fs.f_blocks, fs.f_frsize);
	m->toolchains = count_kept(a->kept);
	m->health = *agent_machine_health(a, ours_ms);
}
