/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node machine */
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include "machine/machine.h"

#include <sched.h>

static struct wire_inventory inv;

static void tear_down(void)
{
	wire_inventory_release(&inv);
}

FIXTURE(NULL, tear_down);

static void put_meminfo(const char *root, const char *text)
{
	char *proc = xasprintf("%s/proc", root);
	char *path = xasprintf("%s/meminfo", proc);
	struct err err;

	must(fs_mkdirs(proc, 0700, &err));
	must(fs_write(path, bytes_str(text), 0600, &err));
	free(path);
	free(proc);
}

TEST(the_inventory_describes_this_machine)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	machine_inventory_collect(&inv, "");
	ck_assert_uint_ge(strlen(inv.machine), 3);
	ck_assert_uint_ge(strlen(inv.host), 1);
	ck_assert_uint_eq(strlen(inv.boot_id), 36);
	ck_assert_uint_ge(inv.cores, 1);
	ck_assert_int_le(inv.cores, online);
	ck_assert_uint_gt(inv.memory_mib, 16);
	ck_assert_uint_gt(inv.available_mib, 0);
	ck_assert_uint_le(inv.available_mib, inv.memory_mib);
	ck_assert_uint_eq(inv.slots, 0);
	ck_assert_uint_eq(inv.compilers.n, 0);
}

TEST(only_cores_in_the_affinity_mask_count)
{
	cpu_set_t all, one;
	int cpu = 0;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	machine_inventory_collect(&inv, "");
	ck_assert_uint_eq(inv.cores, 1);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(all), &all), 0);
}

TEST(memory_and_load_can_be_read_separately)
{
	uint32_t available = 0, load = UINT32_MAX;

	ck_assert(machine_inventory_read_load(&available, &load, ""));
	ck_assert_uint_gt(available, 0);
	ck_assert_uint_lt(load, 1000000);
}

TEST(memory_and_load_are_read_once_a_second)
{
	struct machine_load load = { 0 };
	char root[TEMPDIR_SIZE];

	tempdir_make(root);
	put_meminfo(root, "MemTotal: 4096 kB\nMemAvailable: 2048 kB\n");
	machine_load_update(&load, 1000, root);
	ck_assert_uint_eq(load.available_mib, 2);
	put_meminfo(root, "MemTotal: 4096 kB\nMemAvailable: 1024 kB\n");
	machine_load_update(&load, 1899, root);
	ck_assert_uint_eq(load.available_mib, 2);
	machine_load_update(&load, 1900, root);
	ck_assert_uint_eq(load.available_mib, 1);
	tempdir_remove(root);
}

TEST(memory_that_cannot_be_read_keeps_its_value)
{
	struct machine_load load = { 0 };
	char root[TEMPDIR_SIZE];
	char *path;

	tempdir_make(root);
	put_meminfo(root, "MemTotal: 4096 kB\nMemAvailable: 2048 kB\n");
	machine_load_update(&load, 1000, root);
	path = xasprintf("%s/proc/meminfo", root);
	ck_assert_int_eq(unlink(path), 0);
	machine_load_update(&load, 2000, root);
	ck_assert_uint_eq(load.available_mib, 2);
	free(path);
	tempdir_remove(root);
}
