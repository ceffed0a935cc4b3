/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node machine */
#include "machine/cgroup.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#define MIB (1ull << 20)

static char root[TEMPDIR_SIZE];
static struct machine_cgroup cg;

static void set_up(void)
{
	tempdir_make(root);
}

static void tear_down(void)
{
	tempdir_remove(root);
}

static void put(const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", root, name), *dir = str_dir(path);
	struct err err;

	must(fs_mkdirs(dir, 0700, &err));
	must(fs_write(path, bytes_str(content), 0600, &err));
	free(dir);
	free(path);
}

static void expect(uint32_t cpu_milli, uint64_t memory, uint64_t memory_free)
{
	machine_cgroup_read(&cg, root);
	ck_assert_uint_eq(cg.cpu_milli, cpu_milli);
	ck_assert_uint_eq(cg.memory_bytes, memory);
	ck_assert_uint_eq(cg.free_bytes, memory_free);
}

FIXTURE(set_up, tear_down);

TEST(without_cgroups_there_are_no_limits)
{
	expect(0, 0, 0);
	put("proc/self/cgroup", "0::/\n");
	expect(0, 0, 0);
}

TEST(the_tightest_limit_of_all_ancestor_cgroups_applies)
{
	put("proc/self/cgroup", "0::/a/b\n");
	put("sys/fs/cgroup/cpu.max", "max 100000\n");
	put("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
	put("sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
	put("sys/fs/cgroup/a/memory.max", "1073741824\n");
	put("sys/fs/cgroup/a/memory.current", "536870912\n");
	put("sys/fs/cgroup/a/memory.stat",
	    "anon 1\ninactive_file 268435456\nfile 3\n");
	put("sys/fs/cgroup/a/b/memory.max", "max\n");
	expect(1500, 1024 * MIB, 768 * MIB);
}

TEST(limits_of_cgroup_version_1_are_read)
{
	put("proc/self/cgroup", "12:memory:/x\n5:cpu,cpuacct:/x\n1:name=s:/\n");
	put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "50000\n");
	put("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/memory/memory.limit_in_bytes",
	    "9223372036854771712\n");
	put("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "104857600\n");
	put("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "209715200\n");
	expect(500, 100 * MIB, 0);
}

static const char *const invalid_cgroups[] = {
	"",
	"\n",
	"0",
	"0:",
	"0::",
	"::::\n",
	"0::/../../..\n",
	"memory\n",
	"1:cpu,memory\n",
	"9:cpu:x\n",
};

TEST_EACH(invalid_cgroup_files_set_no_limits, invalid_cgroups)
{
	put("proc/self/cgroup", *row);
	put("sys/fs/cgroup/cpu.max", "0 0\n");
	put("sys/fs/cgroup/memory.max", "-5 x\n");
	expect(0, 0, 0);
}
