/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/inventory.h"

#include "base/fs.h"
#include "base/process.h"
#include "node/cgroup.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CORES_MOST 8192

/* The CPUs that the scheduler may use for us. */
static unsigned cores_allowed(void)
{
	size_t size = CPU_ALLOC_SIZE(CORES_MOST);
	cpu_set_t *set = CPU_ALLOC(CORES_MOST);
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	int n = 0;

	if (set && !sched_getaffinity(0, size, set))
		n = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	if (n < 1)
		n = online < 1 ? 1 : (int)online;
	return (unsigned)n;
}

/* A quota of 2.5 cores is two and a bit: round up, as nproc users do. */
static unsigned cores_within(unsigned cores, uint32_t cpu_milli)
{
	unsigned quota = cpu_milli / 1000 + (cpu_milli % 1000 != 0);

	return quota && quota < cores ? quota : cores;
}

/* The KiB that a line of /proc/meminfo gives. */
static uint64_t meminfo(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static uint32_t to_mib(uint64_t bytes)
{
	return bytes >> 20 > UINT32_MAX ? UINT32_MAX : (uint32_t)(bytes >> 20);
}

/* In bytes, the control groups' limits included. */
static void read_memory(const struct node_cgroup *cg, uint64_t *total,
			uint64_t *available)
{
	struct buf in = { 0 };
	struct err ignored;

	fs_read("/proc/meminfo", 1u << 16, &in, &ignored);
	*total = meminfo(buf_str(&in), "MemTotal:") << 10;
	*available = meminfo(buf_str(&in), "MemAvailable:") << 10;
	buf_release(&in);
	if (cg->memory && cg->memory < *total)
		*total = cg->memory;
	if (cg->memory && cg->memory_free < *available)
		*available = cg->memory_free;
}

static uint32_t load_average(void)
{
	struct buf in = { 0 };
	struct err ignored;
	double minute;

	fs_read("/proc/loadavg", 4096, &in, &ignored);
	minute = strtod(buf_str(&in), NULL);
	buf_release(&in);
	return minute > 0 && minute < 1e6 ? (uint32_t)(minute * 1000) : 0;
}

void node_inventory_collect(struct wire_inventory *inv)
{
	struct utsname name;
	struct node_cgroup cg;
	uint64_t total, available;

	uname(&name);
	node_cgroup_read(&cg, "");
	read_memory(&cg, &total, &available);
	*inv = (struct wire_inventory){
		.machine = xstrdup(name.machine),
		.host = xstrdup(name.nodename),
		.boot_id = process_boot(),
		.cores = (uint16_t)cores_within(cores_allowed(), cg.cpu_milli),
		.memory_mib = to_mib(total),
		.available_mib = to_mib(available),
		.load_milli = load_average(),
	};
}

void node_inventory_load(uint32_t *available_mib, uint32_t *load_milli)
{
	struct node_cgroup cg;
	uint64_t total, available;

	node_cgroup_read(&cg, "");
	read_memory(&cg, &total, &available);
	*available_mib = to_mib(available);
	*load_milli = load_average();
}
