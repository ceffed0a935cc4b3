/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/offload.h"

#include "../lib/test.h"
#include "coord/coord.h"
#include "kernel-tree.h"

#include <event2/event.h>
#include <poll.h>

static struct kernel_offload farm;
static struct node_roster no_nodes;
static struct event_base *base;
static struct events_hub *hub;
static struct err err;

static void set_up(void)
{
	tree_set_up();
	put_file("tools/kfarm-cc", "#!/bin/sh\nexec /usr/bin/gcc \"$@\"\n",
		 0755);
	put_file("tools/script-gcc", "#!/bin/sh\n", 0755);
	setenv("PATH", str_find_env(env.v, "PATH"), 1);
	base = event_base_new();
	hub = events_hub_new();
}

static const int not_stopped;

static void tear_down(void)
{
	kernel_offload_close(&farm, base, &not_stopped);
	kernel_offload_release(&farm);
	events_hub_free(hub);
	event_base_free(base);
	tree_tear_down();
}

FIXTURE(set_up, tear_down);

TEST(without_nodes_j_sets_the_number_of_local_slots)
{
	kernel_offload_init(&farm, &no_nodes, 0, hub);
	ck_assert_uint_ge(farm.local_slots, 1);
	ck_assert(!farm.has_nodes);
	kernel_offload_release(&farm);
	kernel_offload_init(&farm, &no_nodes, 500, hub);
	ck_assert_uint_eq(farm.local_slots, 500);
}

TEST(with_nodes_a_large_j_does_not_raise_the_local_slots)
{
	struct node_entry entry = { 0 };
	struct node_roster one_node = { .v = &entry, .n = 1 };
	unsigned default_slots;

	kernel_offload_init(&farm, &one_node, 0, hub);
	default_slots = farm.local_slots;
	ck_assert(farm.has_nodes);
	kernel_offload_release(&farm);
	kernel_offload_init(&farm, &one_node, 500, hub);
	ck_assert_uint_eq(farm.local_slots,
			  default_slots < 500 ? default_slots : 500);
	kernel_offload_release(&farm);
	kernel_offload_init(&farm, &one_node, 1, hub);
	ck_assert_uint_eq(farm.local_slots, 1);
}

TEST(open_creates_the_links_socket_and_environment_of_wrappers)
{
	struct kernel_offload_setup setup = { .base = base,
					      .path = getenv("PATH") };
	struct strv skipped = { 0 }, vars = { 0 };
	char *link, *dir;

	kernel_offload_init(&farm, &no_nodes, 2, hub);
	must(kernel_offload_make_dirs(&farm, &err));
	must(kernel_offload_open(&farm, &setup, &skipped, &err));
	link = xasprintf("%s/nice-gcc", farm.masquerade_dir);
	ck_assert(fs_exists(link));
	ck_assert(strv_has(&skipped, "script-gcc"));
	kernel_offload_add_env(&farm, &vars);
	ck_assert_str_eq(str_find_env(vars.v, "KFARM_SOCKET"),
			 farm.rundir.socket);
	ck_assert_str_eq(str_find_env(vars.v, "KFARM_LINKS"),
			 farm.masquerade_dir);
	ck_assert_str_eq(str_find_env(vars.v, "KFARM_SLOTS"),
			 farm.rundir.slots);
	ck_assert(fs_exists(farm.rundir.socket));
	ck_assert(fs_exists(farm.rundir.events));
	ck_assert_uint_eq(kernel_offload_nodes_up(&farm), 0);

	dir = xstrdup(farm.rundir.dir);
	kernel_offload_close(&farm, base, &not_stopped);
	kernel_offload_release(&farm);
	ck_assert(!fs_exists(dir));
	free(dir);
	free(link);
	strv_release(&skipped);
	strv_release(&vars);
}

TEST(the_jobserver_starts_with_a_token_for_a_waiting_recipe)
{
	struct pollfd p;

	kernel_offload_init(&farm, &no_nodes, 1, hub);
	farm.n_waiting = 1;
	must(kernel_offload_start_jobserver(&farm, 0, 0, &err));
	p = (struct pollfd){ .fd = farm.jobserver.make_fds[0],
			     .events = POLLIN };
	ck_assert_int_eq(poll(&p, 1, 20000), 1);
	kernel_offload_close(&farm, base, &not_stopped);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

TEST(the_reported_cpu_time_increases)
{
	volatile unsigned n = 0;
	int64_t before;

	kernel_offload_init(&farm, &no_nodes, 1, hub);
	kernel_offload_report_load(&farm);
	before = farm.totals.cpu_ms;
	for (; farm.totals.cpu_ms < before + 20; n++)
		kernel_offload_report_load(&farm);
	ck_assert_uint_gt(n, 0);
}
