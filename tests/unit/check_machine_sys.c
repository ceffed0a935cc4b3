/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node machine */
/* The sysfs reader, and the inventory of recorded boards. */
#include "machine/sys.h"

#include "../lib/board.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "machine/machine.h"
#include "wire/limits.h"

static char dir[TEMPDIR_SIZE], top[4096];

static void save_top(void)
{
	ck_assert_ptr_nonnull(getcwd(top, sizeof(top)));
}
static struct wire_machine m;

static void set_up(void)
{
	tempdir_make(dir);
	m = (struct wire_machine){ 0 };
}

static void tear_down(void)
{
	wire_machine_release(&m);
	tempdir_remove(dir);
	ck_assert_int_eq(chdir(top), 0);
}

static const struct {
	const char *text;
	bool is_list;
	unsigned n, first, last;
} lists[] = {
	{ "0", true, 1, 0, 0 },
	{ "0-3", true, 4, 0, 3 },
	{ "0-3,8", true, 5, 0, 8 },
	{ "2,4-5\n", true, 3, 2, 5 },
	{ "7-4", true, 0, 0, 0 },
	{ "", false, 0, 0, 0 },
	{ "a", false, 0, 0, 0 },
	{ "1-", false, 1, 0, 0 },
	{ "1 2", false, 1, 0, 0 },
	{ "-3", false, 0, 0, 0 },
	{ "8191-99999999", true, 1, 0, 0 },
	{ "99999999", true, 0, 0, 0 },
	{ "0-18446744073709551615", true, MACHINE_CPUS_MAX, 0, 8191 },
};

FIXTURE_ONCE(save_top, NULL);
FIXTURE(set_up, tear_down);

TEST_EACH(cpu_lists_are_parsed, lists)
{
	struct machine_cpus set;

	ck_assert_int_eq(machine_cpus_parse(&set, row->text), row->is_list);
	if (!row->is_list)
		return;
	ck_assert_uint_eq(machine_cpus_count(&set), row->n);
	if (row->last) {
		ck_assert(machine_cpus_has(&set, row->first));
		ck_assert(machine_cpus_has(&set, row->last));
	}
	ck_assert(!machine_cpus_has(&set, MACHINE_CPUS_MAX));
}

TEST(missing_or_malformed_files_leave_values_unknown)
{
	struct strv names = { 0 };
	int64_t n = 42;

	ck_assert_ptr_null(machine_sys_read_text(dir, "/nowhere"));
	ck_assert(!machine_sys_read_number(dir, &n, "/nowhere"));
	board_append(dir, "/empty", "");
	board_append(dir, "/words", "N/A\n");
	board_append(dir, "/long", "99999999999999999999999\n");
	ck_assert(!machine_sys_read_number(dir, &n, "/empty"));
	ck_assert(!machine_sys_read_number(dir, &n, "/words"));
	ck_assert(!machine_sys_read_number(dir, &n, "/long"));
	ck_assert_int_eq(n, 42);
	machine_sys_list_dir(dir, "/none", "", &names);
	ck_assert_uint_eq(names.n, 0);
	machine_collect(&m, NULL, dir);
	ck_assert_str_eq(m.model, "");
	ck_assert_str_eq(m.kernel, "");
	ck_assert_uint_eq(m.n_classes, 1);
	ck_assert_uint_eq(m.classes[0].n_cpus, 1);
	ck_assert_uint_eq(m.n_macs, 0);
	ck_assert(!digest_is_set(&m.machine_id));
	ck_assert_uint_eq(m.passive_mk, WIRE_HEALTH_UNKNOWN);
}

TEST(a_path_that_is_too_long_counts_as_missing)
{
	char name[1000];

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	ck_assert_ptr_null(machine_sys_read_text(dir, "/%s", name));
	ck_assert(!machine_sys_exists(dir, "/%s", name));
}

TEST(each_cpu_class_has_its_own_cpus)
{
	struct machine_cpus *cpus;

	board_unpack("rk3399", dir);
	machine_collect(&m, &cpus, dir);
	ck_assert_uint_eq(machine_cpus_count(&cpus[0]), 2);
	ck_assert(machine_cpus_has(&cpus[0], 4) &&
		  machine_cpus_has(&cpus[0], 5));
	ck_assert_uint_eq(machine_cpus_count(&cpus[1]), 4);
	ck_assert(machine_cpus_has(&cpus[1], 0) &&
		  machine_cpus_has(&cpus[1], 3));
	machine_cpus_intersect(&cpus[1], &cpus[0]);
	ck_assert_uint_eq(machine_cpus_count(&cpus[1]), 0);
	free(cpus);
}

TEST(a_big_little_board_has_two_cpu_classes)
{
	board_unpack("rk3399", dir);
	machine_collect(&m, NULL, dir);
	ck_assert_uint_eq(m.n_classes, 2);
	ck_assert_str_eq(m.classes[0].model, "Cortex-A72");
	ck_assert_uint_eq(m.classes[0].n_cpus, 2);
	ck_assert_uint_eq(m.classes[0].capacity, 1024);
	ck_assert_str_eq(m.classes[1].model, "Cortex-A53");
	ck_assert_uint_eq(m.classes[1].n_cpus, 4);
	ck_assert_uint_eq(m.classes[1].max_khz, 1416000);
	ck_assert_uint_eq(m.n_macs, 1);
	ck_assert_uint_eq(m.macs[0].mac, 0x5a1301020304);
	ck_assert_uint_eq(m.passive_mk, 273150 + 70000);
	ck_assert(digest_is_set(&m.machine_id));
}

/* Each machine-id has a different digest; "uninitialized" has none. */
TEST(the_machine_id_digest_differs_between_machines)
{
	static const char *const boards[] = { "rk3399", "pi4", "pi5" };
	struct digest ids[3], want;
	char *salted;

	for (int i = 0; i < 3; i++) {
		tempdir_remove(dir);
		ck_assert_int_eq(chdir(top), 0);
		tempdir_make(dir);
		board_unpack(boards[i], dir);
		wire_machine_release(&m);
		machine_collect(&m, NULL, dir);
		ids[i] = m.machine_id;
		for (int k = 0; k < i; k++)
			ck_assert(!digest_equal(&ids[k], &ids[i]));
	}
	salted = xstrdup("kfarm3d1a7f0c5b2e4a6f8d9c0b1a2e3f4d5c");
	digest_bytes(bytes_str(salted), &want);
	ck_assert(digest_equal(&ids[0], &want));
	free(salted);
	wire_machine_release(&m);
	board_unpack("s905x", dir);
	fs_remove(dir, &(struct err){ 0 });
	board_unpack("s905x", dir);
	machine_collect(&m, NULL, dir);
	ck_assert(!digest_is_set(&m.machine_id));
}

/* The files of a network card in sysfs, and its MAC; 0: ignored. */
static const struct {
	const char *address, *type;
	bool device;
	uint64_t mac;
} network_cards[] = {
	{ "dc:a6:32:aa:bb:cc", "1", true, 0xdca632aabbcc },
	{ "DC:A6:32:AA:BB:CC", "1", true, 0xdca632aabbcc },
	{ "dc:a6:32:aa:bb:cc", "1", false, 0 },
	{ "dc:a6:32:aa:bb:cc", "772", true, 0 },
	{ "00:00:00:00:00:00", "1", true, 0 },
	{ "01:00:5e:00:00:01", "1", true, 0 },
	{ "dc:a6:32:aa:bb", "1", true, 0 },
	{ "dc:a6:32:aa:bb:cc:dd", "1", true, 0 },
	{ "dc-a6-32-aa-bb-cc", "1", true, 0 },
	{ "", "1", true, 0 },
};

TEST_EACH(only_valid_macs_of_physical_ethernet_cards_count, network_cards)
{
	board_append(dir, "/sys/class/net/x/address", row->address);
	board_append(dir, "/sys/class/net/x/type", row->type);
	if (row->device)
		board_append(dir, "/sys/class/net/x/device/", "");
	machine_collect(&m, NULL, dir);
	ck_assert_uint_eq(m.n_macs, row->mac != 0);
	if (m.n_macs)
		ck_assert_uint_eq(m.macs[0].mac, row->mac);
}

TEST(macs_are_sorted_unique_and_limited)
{
	static const char *const of[] = { "02:00:00:00:00:09",
					  "02:00:00:00:00:01",
					  "02:00:00:00:00:09" };
	struct buf body = { 0 };
	struct wire_machine got;

	for (int i = 0; i < 100; i++) {
		char *at = xasprintf("/sys/class/net/e%d/", i);
		char *address = xasprintf("%saddress", at);
		char *type = xasprintf("%stype", at);
		char *device = xasprintf("%sdevice/", at);
		char *mac = i < 3 ? xstrdup(of[i]) :
				    xasprintf("02:00:00:00:01:%02x", i);

		board_append(dir, address, mac);
		board_append(dir, type, "1");
		board_append(dir, device, "");
		free(mac);
		free(device);
		free(type);
		free(address);
		free(at);
	}
	machine_collect(&m, NULL, dir);
	ck_assert_uint_eq(m.n_macs, WIRE_MACS_MAX);
	wire_machine_encode(&body, &m);
	ck_assert_int_eq(wire_machine_decode(&got, buf_bytes(&body)), 0);
	wire_machine_release(&got);
	buf_release(&body);
}

/* The machine has more CPU classes than a message holds. */
TEST(excess_cpu_classes_are_merged_without_losing_cpus)
{
	struct buf body = { 0 };
	struct wire_machine got;
	unsigned cpus = 0;

	board_append(dir, "/sys/devices/system/cpu/present", "0-99\n");
	board_append(dir, "/sys/devices/system/cpu/online", "0-99\n");
	board_put(dir, "/sys/devices/system/cpu/cpu{0-99}/cpu_capacity",
		  "{+1}\n");
	machine_collect(&m, NULL, dir);
	ck_assert_uint_eq(m.n_classes, WIRE_CLASSES_MAX);
	for (unsigned i = 0; i < m.n_classes; i++)
		cpus += m.classes[i].n_cpus;
	ck_assert_uint_eq(cpus, 100);
	wire_machine_encode(&body, &m);
	ck_assert_int_eq(wire_machine_decode(&got, buf_bytes(&body)), 0);
	wire_machine_release(&got);
	buf_release(&body);
}

TEST(the_description_of_this_machine_can_be_encoded_and_decoded)
{
	struct wire_machine got;
	struct buf body = { 0 };
	unsigned usable = 0;

	machine_collect(&m, NULL, "");
	wire_machine_encode(&body, &m);
	ck_assert_int_eq(wire_machine_decode(&got, buf_bytes(&body)), 0);
	for (unsigned i = 0; i < got.n_classes; i++)
		usable += got.classes[i].n_usable;
	ck_assert_int_le(usable, sysconf(_SC_NPROCESSORS_ONLN));
	ck_assert_uint_ge(usable, 1);
	ck_assert_uint_gt(got.memory_mib, 16);
	wire_machine_release(&got);
	buf_release(&body);
}
