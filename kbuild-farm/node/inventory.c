/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/inventory.h"

#include "node/cgroup.h"
#include "node/sys.h"

#include <stdlib.h>

/* A quota of 2.5 cores is two and a bit: round up, as nproc users do. */
static unsigned cores_within(unsigned cores, uint32_t cpu_milli)
{
	unsigned quota = cpu_milli / 1000 + (cpu_milli % 1000 != 0);

	return quota && quota < cores ? quota : cores;
}

static unsigned cores_usable(const char *root)
{
	struct node_cpus usable;
	unsigned n;

	node_cpus_usable(&usable, root);
	n = node_cpus_count(&usable);
	return n ? n : 1;
}

/* The KiB that a line of /proc/meminfo gives, in bytes. */
static uint64_t meminfo(const char *text, const char *name)
{
	const char *at = text ? node_sys_line(text, name) : NULL;

	return at ? strtoull(at, NULL, 10) << 10 : 0;
}

static uint32_t to_mib(uint64_t bytes)
{
	return bytes >> 20 > UINT32_MAX ? UINT32_MAX : (uint32_t)(bytes >> 20);
}

/*
 * In bytes, the control groups' limits included.  A kernel before 3.14 has no
 * MemAvailable: what is free, and files that are cached, come near to it.
 */
static void read_memory(const char *root, const struct node_cgroup *cg,
			uint64_t *total, uint64_t *available)
{
	char *text = node_sys_text(root, "/proc/meminfo");

	*total = meminfo(text, "MemTotal");
	*available = meminfo(text, "MemAvailable");
	if (!*available)
		*available = meminfo(text, "MemFree") + meminfo(text, "Cached");
	free(text);
	if (cg->memory && cg->memory < *total)
		*total = cg->memory;
	if (cg->memory && cg->memory_free < *available)
		*available = cg->memory_free;
}

static uint32_t load_average(const char *root)
{
	char *text = node_sys_text(root, "/proc/loadavg");
	double minute = text ? strtod(text, NULL) : 0;

	free(text);
	return minute > 0 && minute < 1e6 ? (uint32_t)(minute * 1000) : 0;
}

static char *read_boot(const char *root)
{
	char *text = node_sys_text(root, "/proc/sys/kernel/random/boot_id");

	return text ? text : xstrdup("");
}

void node_inventory_collect(struct wire_inventory *inv, const char *root)
{
	struct node_cgroup cg;
	uint64_t total, available;

	node_cgroup_read(&cg, root);
	read_memory(root, &cg, &total, &available);
	*inv = (struct wire_inventory){
		.machine = node_sys_name(root, "arch"),
		.host = node_sys_name(root, "hostname"),
		.boot_id = read_boot(root),
		.cores = (uint16_t)cores_within(cores_usable(root),
						cg.cpu_milli),
		.memory_mib = to_mib(total),
		.available_mib = to_mib(available),
		.load_milli = load_average(root),
	};
}

void node_inventory_load(uint32_t *available_mib, uint32_t *load_milli,
			 const char *root)
{
	struct node_cgroup cg;
	uint64_t total, available;

	node_cgroup_read(&cg, root);
	read_memory(root, &cg, &total, &available);
	*available_mib = to_mib(available);
	*load_milli = load_average(root);
}

uint32_t node_inventory_mib(const char *root, const char *name)
{
	char *text = node_sys_text(root, "/proc/meminfo");
	uint32_t mib = to_mib(meminfo(text, name));

	free(text);
	return mib;
}
