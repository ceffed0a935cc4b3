/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node machine */
/*
 * /proc and /sys of other machines, written according to the kernel's
 * documentation.
 */
#include "machine/health.h"

#include "../lib/board.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "wire/limits.h"

#define CPUFREQ "sys/devices/system/cpu/cpufreq/"
#define THERMAL "sys/class/thermal/"

static char dir[TEMPDIR_SIZE];
static struct machine_health h;

static void set_up(void)
{
	tempdir_make(dir);
	h = (struct machine_health){ 0 };
}

static void tear_down(void)
{
	machine_health_release(&h);
	tempdir_remove(dir);
}

static void put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name), *parent = str_dir(path);
	struct err err;

	must(fs_mkdirs(parent, 0700, &err));
	must(fs_write(path, bytes_str(text), 0600, &err));
	free(parent);
	free(path);
}

/* An RK3399: two clusters, two zones; the large cores are throttled. */
static void put_rk3399(void)
{
	put(THERMAL "thermal_zone0/type", "cpu-thermal\n");
	put(THERMAL "thermal_zone0/temp", "84444\n");
	put(THERMAL "thermal_zone1/type", "gpu-thermal\n");
	put(THERMAL "thermal_zone1/temp", "79375\n");
	put("sys/devices/system/cpu/online", "0-5\n");
	put(CPUFREQ "policy0/cpuinfo_max_freq", "1416000\n");
	put(CPUFREQ "policy0/scaling_max_freq", "1416000\n");
	put(CPUFREQ "policy4/cpuinfo_max_freq", "1800000\n");
	put(CPUFREQ "policy4/scaling_max_freq", "1200000\n");
	put("proc/stat", "cpu  1000 0 500 9000 100 10 20 0 0 0\n"
			 "cpu0 1000 0 500 9000 100 10 20 0 0 0\n");
}

FIXTURE(set_up, tear_down);

TEST(health_reports_the_hottest_zone_and_the_slowest_cluster)
{
	put_rk3399();
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.temperature_mk, 273150 + 84444);
	ck_assert_uint_eq(h.current.speed_milli, 666);
	ck_assert_uint_eq(h.current.foreign_milli, WIRE_HEALTH_UNKNOWN);
}

/* kfarmd can use only some of the CPUs of the second cluster, or none. */
static const struct {
	const char *allowed;
	uint32_t speed_milli, n_throttled;
} affinities[] = {
	{ "0-5", 666, 2 },
	{ "0-4", 666, 1 },
	{ "0-3", 1000, 0 },
};

TEST_EACH(cpus_that_kfarmd_cannot_use_do_not_count_as_throttled, affinities)
{
	char *status = xasprintf("Cpus_allowed_list:\t%s\n", row->allowed);

	put_rk3399();
	put(CPUFREQ "policy4/affected_cpus", "4 5\n");
	put("proc/self/status", status);
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.speed_milli, row->speed_milli);
	ck_assert_uint_eq(h.current.n_throttled, row->n_throttled);
	free(status);
}

TEST(heat_is_reported_by_cpu_class_and_by_zone)
{
	struct machine_cpus cpus[3];
	struct wire_heat heat;

	put_rk3399();
	put(CPUFREQ "policy0/affected_cpus", "0 1 2 3\n");
	put(CPUFREQ "policy4/affected_cpus", "4 5\n");
	machine_cpus_parse(&cpus[0], "4-5");
	machine_cpus_parse(&cpus[1], "0-3");
	machine_cpus_parse(&cpus[2], "6");
	machine_health_read(&h, 5000, 0, dir);
	machine_health_read_heat(&h, &heat, cpus, 3, dir);
	ck_assert_uint_eq(h.current.n_throttled, 2);
	ck_assert_uint_eq(heat.n_classes, 3);
	ck_assert_uint_eq(heat.classes[0].speed_milli, 666);
	ck_assert_uint_eq(heat.classes[0].n_throttled, 2);
	ck_assert_uint_eq(heat.classes[1].speed_milli, 1000);
	ck_assert_uint_eq(heat.classes[1].n_throttled, 0);
	ck_assert_uint_eq(heat.classes[2].speed_milli, WIRE_HEALTH_UNKNOWN);
	ck_assert_uint_eq(heat.classes[2].n_throttled, WIRE_HEALTH_UNKNOWN);
	ck_assert_uint_eq(heat.n_zones, 2);
	ck_assert_str_eq(heat.zones[0].name, "cpu-thermal");
	ck_assert_uint_eq(heat.zones[0].temperature_mk, 273150 + 84444);
	ck_assert_str_eq(heat.zones[1].name, "gpu-thermal");
	wire_heat_release(&heat);
	/* A policy without a list of CPUs has the CPU in its name. */
	put(CPUFREQ "policy4/affected_cpus", "\n");
	machine_health_read_heat(&h, &heat, cpus, 1, dir);
	ck_assert_uint_eq(heat.classes[0].n_throttled, 1);
	wire_heat_release(&heat);
}

TEST(foreign_load_excludes_the_cpu_time_of_jobs)
{
	long hz = sysconf(_SC_CLK_TCK);
	char *text;

	put_rk3399();
	machine_health_read(&h, 5000, 1000, dir);
	/* 3 s of CPU time in 2 s, of which jobs of kfarmd used 2.5 s. */
	text = xasprintf("cpu  %ld 0 500 9000 100 10 20 0 0 0\n",
			 1000 + 3 * hz);
	put("proc/stat", text);
	free(text);
	machine_health_read(&h, 7000, 3500, dir);
	ck_assert_uint_eq(h.current.foreign_milli, 250);
	/* The CPU time of jobs exceeds the busy time: no foreign load. */
	machine_health_read(&h, 8000, 4500, dir);
	ck_assert_uint_eq(h.current.foreign_milli, 0);
	/* The counter was reset, so the load is unknown. */
	put("proc/stat", "cpu  1 0 0 0 0 0 0 0 0 0\n");
	machine_health_read(&h, 9000, 4500, dir);
	ck_assert_uint_eq(h.current.foreign_milli, WIRE_HEALTH_UNKNOWN);
}

/* Set the time that the first `n` of 8 CPUs were busy since the boot. */
static void put_busy_cpus(int n, long s)
{
	long ticks = s * sysconf(_SC_CLK_TCK);
	struct buf text = { 0 };

	buf_printf(&text, "cpu  %ld 0 0 9000 0 0 0 0 0 0\n", n * ticks);
	for (int i = 0; i < 8; i++) {
		buf_printf(&text, "cpu%d %ld 0 0 9000 7 0 0 0 0 0\n", i,
			   i < n ? ticks : 0);
	}
	buf_add_str(&text, "intr 1 2 3\n");
	put("proc/stat", buf_str(&text));
	buf_release(&text);
}

/* In each row, CPUs 0 to 2 are busy. */
static const struct {
	const char *allowed;
	uint32_t foreign_milli;
} busy[] = {
	{ "0-7", 3000 },
	{ "2-5", 1000 },
	{ "4-7", 0 },
	{ "1", 1000 },
};

TEST_EACH(foreign_load_is_that_of_the_usable_cpus, busy)
{
	char *status = xasprintf("Cpus_allowed_list:\t%s\n", row->allowed);

	put("sys/devices/system/cpu/online", "0-7\n");
	put("proc/self/status", status);
	put_busy_cpus(0, 0);
	machine_health_read(&h, 5000, 0, dir);
	put_busy_cpus(3, 2);
	machine_health_read(&h, 7000, 0, dir);
	ck_assert_uint_eq(h.current.foreign_milli, row->foreign_milli);
	free(status);
}

TEST(foreign_load_is_unknown_after_a_change_of_the_usable_cpus)
{
	put("sys/devices/system/cpu/online", "0-7\n");
	put("proc/self/status", "Cpus_allowed_list:\t4-7\n");
	put_busy_cpus(3, 2);
	machine_health_read(&h, 5000, 0, dir);
	put("proc/self/status", "Cpus_allowed_list:\t0-3\n");
	machine_health_read(&h, 6000, 0, dir);
	ck_assert_uint_eq(h.current.foreign_milli, WIRE_HEALTH_UNKNOWN);
	put_busy_cpus(3, 3);
	machine_health_read(&h, 7000, 0, dir);
	ck_assert_uint_eq(h.current.foreign_milli, 3000);
}

/* A container has these CPUs, but its /proc/stat numbers them from 0 to 7. */
static const char *const container_cpus[] = { "8-11", "6-9" };

TEST_EACH(foreign_load_is_that_of_all_cpus_if_a_usable_cpu_is_not_listed,
	  container_cpus)
{
	char *status = xasprintf("Cpus_allowed_list:\t%s\n", *row);

	put("sys/devices/system/cpu/online", "0-15\n");
	put("proc/self/status", status);
	free(status);
	put_busy_cpus(0, 0);
	machine_health_read(&h, 5000, 0, dir);
	put_busy_cpus(2, 1);
	machine_health_read(&h, 6000, 0, dir);
	ck_assert_uint_eq(h.current.foreign_milli, 2000);
}

TEST(health_is_read_at_most_once_a_second)
{
	put_rk3399();
	machine_health_read(&h, 5000, 0, dir);
	put(THERMAL "thermal_zone0/temp", "20000\n");
	put(THERMAL "thermal_zone1/temp", "20000\n");
	machine_health_read(&h, 5800, 0, dir);
	ck_assert_uint_eq(h.current.temperature_mk, 273150 + 84444);
	machine_health_read(&h, 5901, 0, dir);
	ck_assert_uint_eq(h.current.temperature_mk, 273150 + 20000);
}

TEST(a_hot_board_reports_throttling_cooling_and_pressure)
{
	board_unpack("s912-hot", dir);
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.temperature_mk, 273150 + 83000);
	ck_assert_uint_eq(h.current.n_usable, 8);
	ck_assert_uint_eq(h.current.n_throttled, 8);
	ck_assert_uint_eq(h.current.speed_milli, 667);
	/* The second of four steps, and the second of six. */
	ck_assert_uint_eq(h.current.cooling_milli, 500);
	ck_assert_uint_eq(h.current.psi_cpu, 120);
	ck_assert_uint_eq(h.current.psi_memory, 0);
	ck_assert_uint_eq(h.current.psi_memory_full, 0);
	ck_assert_uint_eq(h.current.psi_io, 31);
	ck_assert_uint_eq(h.current.swap_mib, 0);
	ck_assert_uint_eq(h.current.store_mib, WIRE_HEALTH_UNKNOWN);
}

/* Whole degrees, a core taken offline, no cpufreq policies, no pressure. */
TEST(an_old_vendor_kernel_is_supported)
{
	board_unpack("s905x-hot", dir);
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.temperature_mk, 273150 + 87000);
	ck_assert_uint_eq(h.current.n_usable, 3);
	ck_assert_uint_eq(h.current.n_throttled, WIRE_HEALTH_UNKNOWN);
	ck_assert_uint_eq(h.current.cooling_milli, 500);
	ck_assert_uint_eq(h.current.psi_memory, WIRE_HEALTH_UNKNOWN);
}

static void add_cooler(const char *type)
{
	static const char *const files[] = { "type", "cur_state", "max_state" };
	const char *values[] = { type, "50", "100" };
	char *place = xasprintf("%s/sys/class/thermal/cooling_device9", dir);
	struct err err;

	must(fs_mkdirs(place, 0700, &err));
	for (size_t i = 0; i < 3; i++) {
		char *path = xasprintf("%s/%s", place, files[i]);

		must(fs_write(path, bytes_str(values[i]), 0600, &err));
		free(path);
	}
	free(place);
}

/* CONFIG_CPU_IDLE_THERMAL: the names of Linux 5.8 and of Linux 6.1. */
TEST_RANGE(idle_injection_counts_as_cpu_cooling, 0, 2)
{
	static const char *const types[] = { "thermal-idle-4", "idle-cpu4" };

	board_unpack("rk3399", dir);
	add_cooler(types[_i]);
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.cooling_milli, 500);
}

TEST(cooling_devices_of_other_components_are_ignored)
{
	board_unpack("rk3399", dir);
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.cooling_milli, 0);
	ck_assert_uint_eq(h.current.n_throttled, 0);
	ck_assert_uint_eq(h.current.speed_milli, 1000);
}

TEST(swap_in_use_is_reported)
{
	board_unpack("container", dir);
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.swap_mib, (8388604 - 8001200) / 1024);
	ck_assert_uint_eq(h.current.n_usable, 4);
	ck_assert_uint_eq(h.current.psi_cpu, 1225);
	ck_assert_uint_eq(h.current.cooling_milli, WIRE_HEALTH_UNKNOWN);
}

/* Load before a long idle period must not count as current load. */
TEST(foreign_load_is_unknown_after_more_than_10_s_without_a_reading)
{
	board_unpack("rk3399", dir);
	machine_health_read(&h, 5000, 0, dir);
	machine_health_read(&h, 15000, 0, dir);
	ck_assert_uint_eq(h.current.foreign_milli, 0);
	machine_health_read(&h, 25001, 0, dir);
	ck_assert_uint_eq(h.current.foreign_milli, WIRE_HEALTH_UNKNOWN);
	machine_health_read(&h, 26001, 0, dir);
	ck_assert_uint_eq(h.current.foreign_milli, 0);
}

TEST(health_is_unknown_without_proc_and_sysfs)
{
	for (int i = 0; i < 3; i++) {
		machine_health_read(&h, 5000 + 1000 * (uint64_t)i, 0, dir);
		ck_assert_uint_eq(h.current.temperature_mk,
				  WIRE_HEALTH_UNKNOWN);
		ck_assert_uint_eq(h.current.speed_milli, WIRE_HEALTH_UNKNOWN);
		ck_assert_uint_eq(h.current.foreign_milli, WIRE_HEALTH_UNKNOWN);
	}
}

TEST(implausible_sensor_values_are_ignored)
{
	put(THERMAL "thermal_zone0/temp", "-273200\n");
	put(THERMAL "thermal_zone1/temp", "2147483647\n");
	put(THERMAL "thermal_zone2/temp", "N/A\n");
	put(THERMAL "thermal_zone3/temp", "-5000\n");
	put(CPUFREQ "policy0/cpuinfo_max_freq", "0\n");
	put(CPUFREQ "policy0/scaling_max_freq", "1000\n");
	put(CPUFREQ "policy1/cpuinfo_max_freq", "1000000\n");
	put("proc/stat", "cpu  none\n");
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.temperature_mk, 273150 - 5000);
	ck_assert_uint_eq(h.current.speed_milli, WIRE_HEALTH_UNKNOWN);
	ck_assert_uint_eq(h.current.foreign_milli, WIRE_HEALTH_UNKNOWN);
}

/* The CPU is temporarily overclocked. */
TEST(a_clock_above_the_maximum_counts_as_full_speed)
{
	put(CPUFREQ "policy0/cpuinfo_max_freq", "1000000\n");
	put(CPUFREQ "policy0/scaling_max_freq", "1200000\n");
	machine_health_read(&h, 5000, 0, dir);
	ck_assert_uint_eq(h.current.speed_milli, 1000);
}

TEST(the_health_of_this_machine_can_be_encoded_and_decoded)
{
	struct wire_health got;
	struct buf body = { 0 };

	machine_health_read(&h, 5000, 0, "");
	machine_health_read(&h, 6000, 0, "");
	ck_assert_uint_ne(h.current.foreign_milli, WIRE_HEALTH_UNKNOWN);
	wire_health_encode_at(&body, &h.current, WIRE_VERSION);
	ck_assert_int_eq(
		wire_health_decode_at(&got, buf_bytes(&body), WIRE_VERSION), 0);
	buf_release(&body);
}
