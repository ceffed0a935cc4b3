/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node */
#include "../lib/held-pool.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include "node/pool.h"

#include "base/pool.h"
#include "conf/conf.h"
#include "node/roster.h"

#include <event2/event.h>
#include <time.h>

static char dir[TEMPDIR_SIZE];
static struct node_roster roster;

static void set_up(void)
{
	tempdir_make(dir);
	ck_assert_int_eq(chdir(dir), 0);
	setenv("KFARM_CONFIG", "config", 1);
	setenv("XDG_CACHE_HOME", dir, 1);
}

static void tear_down(void)
{
	node_roster_release(&roster);
	tempdir_remove(dir);
}

static int load(const char *text, struct err *err)
{
	struct conf *c = NULL;
	int ret;

	node_roster_release(&roster);
	ck_assert_int_eq(fs_write("config", bytes_str(text), 0600, err), 0);
	ck_assert_int_eq(conf_load(&c, NULL, err), 0);
	ret = node_roster_load(&roster, c, err);
	conf_free(c);
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(a_pool_has_defaults_and_its_members_are_nodes)
{
	const struct node_pool *p;
	struct err err = { 0 };

	must(load("[pool \"cl\"]\nstart = srun kfarmd --stdio\nmax = 2\n",
		  &err));
	ck_assert_uint_eq(roster.n, 0);
	ck_assert_uint_eq(roster.n_pools, 1);
	ck_assert(node_roster_has_nodes(&roster));
	p = node_roster_get_pool(&roster, "cl");
	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->start, "srun kfarmd --stdio");
	ck_assert_uint_eq(p->min, 0);
	ck_assert_uint_eq(p->max, 2);
	ck_assert_uint_eq(p->idle_ms, 300000);
	ck_assert_uint_eq(p->weight, 1);
	ck_assert_uint_eq(p->slots, 0);
	ck_assert_uint_eq(p->member_slots, 4);
	ck_assert_uint_eq(p->start_ms, 10000);
	for (unsigned i = 0; i < 2; i++) {
		char name[] = "cl/1";
		const struct node_entry *e;

		name[3] += (char)i;
		e = node_roster_find(&roster, name);
		ck_assert_ptr_eq(e, &p->members[i]);
		ck_assert_str_eq(e->pool, "cl");
		ck_assert_int_eq(e->address.kind, NODE_ADDRESS_EXEC);
		ck_assert_str_eq(e->address.text, p->start);
		/* Commands that name nodes must not find the member. */
		ck_assert_ptr_null(node_roster_get(&roster, name));
	}
	ck_assert_ptr_null(node_roster_find(&roster, "cl/3"));
}

TEST(all_keys_are_read)
{
	const struct node_pool *p;
	struct err err = { 0 };

	must(load("[pool \"a\"]\nstart=x\nmax=9\nmin=3\nidle=90s\nslots=16\n"
		  "weight=5\n[pool \"b\"]\nstart=y\nmax=1\n",
		  &err));
	p = &roster.pools[0];
	ck_assert_uint_eq(p->min, 3);
	ck_assert_uint_eq(p->max, 9);
	ck_assert_uint_eq(p->idle_ms, 90000);
	ck_assert_uint_eq(p->slots, 16);
	ck_assert_uint_eq(p->member_slots, 16);
	ck_assert_uint_eq(p->members[8].slots, 16);
	ck_assert_uint_eq(p->weight, 5);
	ck_assert_str_eq(roster.pools[1].name, "b");
}

#define WITHOUT_START "[pool \"p\"]\nmax = 2\n"
#define WITHOUT_START_ERROR                                                           \
	"config:2: pool.p: missing command; set `start = COMMAND`, such as `start = " \
	"srun -N1 -u kfarmd --stdio`"

static const struct {
	const char *text, *error;
} invalid[] = {
	{ WITHOUT_START, WITHOUT_START_ERROR },
	{ "[pool \"p\"]\nstart = \" \"\nmax = 2\n",
	  "config:2: pool.p.start: missing command; set `start = COMMAND`, "
	  "such as `start = srun -N1 -u kfarmd --stdio`" },
	{ "[pool \"p\"]\nstart = x\n",
	  "config:2: pool.p: missing limit; set `max` to the number of members that a "
	  "build may start" },
	{ "[pool \"p\"]\nstart = x\nmax = 2\nmin = 3\n",
	  "config:4: pool.p.min: min is 3, but max is only 2" },
	{ "[pool \"a/b\"]\nstart = x\nmax = 2\n",
	  "config:2: pool.a/b.start: invalid node name \"a/b\": expected up to "
	  "63 letters, digits and . _ -, without a leading dash" },
	{ "[node \"p\"]\naddress = unix:/x\n[pool \"p\"]\nstart = x\nmax = 2\n",
	  "config:4: pool.p: a node has this name; choose another name for the pool" },
};

TEST_EACH(an_error_names_the_invalid_pool, invalid)
{
	struct err err = { 0 };

	err_is(load(row->text, &err), -EINVAL, row->error);
	ck_assert_uint_eq(roster.n_pools, 0);
}

static const struct {
	uint64_t cost_ms;
	unsigned n_units, n_slots;
	uint64_t start_ms;
	unsigned want;
} workloads[] = {
	/* no work, or less than the present slots complete during a start */
	{ 0, 0, 4, 10000, 0 },
	{ 40000, 100, 4, 10000, 0 },
	/* The members would be busy for less than their start takes. */
	{ 70000, 100, 4, 10000, 0 },
	/* 400 s: 40 s are done during the start, then 36 slots need 10 s */
	{ 400000, 1000, 4, 10000, 32 },
	/* a fast start: busy for at least 5 s */
	{ 100000, 1000, 4, 100, 15 },
	{ 100000, 1000, 0, 0, 20 },
	/* a slow start */
	{ 400000, 1000, 4, 60000, 0 },
	{ 3600000, 1000, 4, 60000, 52 },
	/* never more slots than units */
	{ 3600000, 7, 4, 1000, 7 },
	{ UINT64_MAX / 2, UINT32_MAX, 1, 1, UINT32_MAX },
};

TEST_EACH(the_wanted_slots_depend_on_work_and_start_time, workloads)
{
	const struct node_pool_work work = { .cost_ms = row->cost_ms,
					     .n_units = row->n_units,
					     .n_slots = row->n_slots };

	ck_assert_uint_eq(node_pool_wanted_slots(&work, row->start_ms),
			  row->want);
}

TEST(pools_share_the_work_by_weight_within_their_limits)
{
	struct node_pool v[] = {
		{ .max = 100, .weight = 3, .member_slots = 4, .start_ms = 1 },
		{ .max = 100, .weight = 1, .member_slots = 4, .start_ms = 1 },
		{ .min = 2,
		  .max = 2,
		  .weight = 9,
		  .member_slots = 8,
		  .start_ms = 1 },
		/* The start takes too long for this amount of work. */
		{ .max = 50,
		  .weight = 9,
		  .member_slots = 4,
		  .start_ms = 1000000 },
	};
	struct node_pool_work work = { .cost_ms = 480000, .n_units = 1000 };
	unsigned down[4] = { 0 }, n[4];

	/* 96 slots: 16 of the third pool, 60 and 20 of the first two */
	node_pool_distribute(v, 4, &work, down, n);
	ck_assert_uint_eq(n[0], 15);
	ck_assert_uint_eq(n[1], 5);
	ck_assert_uint_eq(n[2], 2);
	ck_assert_uint_eq(n[3], 0);

	/* The maximum of one pool leaves the rest to the other. */
	v[0].max = 3;
	node_pool_distribute(v, 4, &work, down, n);
	ck_assert_uint_eq(n[0], 3);
	ck_assert_uint_eq(n[1], 17);

	/* Members that are down do no work, and no others are started. */
	v[0].max = 100;
	down[0] = 2;
	node_pool_distribute(v, 4, &work, down, n);
	ck_assert_uint_eq(n[0], 2);
	ck_assert_uint_eq(n[1], 20);
	down[0] = 0;
	v[0].max = 3;

	/* A drained pool has no members. */
	v[2].drained = v[1].drained = true;
	node_pool_distribute(v, 4, &work, down, n);
	ck_assert_uint_eq(n[0], 3);
	ck_assert_uint_eq(n[1] + n[2] + n[3], 0);
	v[2].drained = v[1].drained = false;

	/* Without work, only the minimum number of members is started. */
	work.cost_ms = 0;
	node_pool_distribute(v, 4, &work, down, n);
	ck_assert_uint_eq(n[0] + n[1] + n[3], 0);
	ck_assert_uint_eq(n[2], 2);
}

#define TWO_POOLS                                               \
	"[pool \"a\"]\nstart=x\nmax=1\n[pool \"b\"]\nstart=y\n" \
	"max=1\nslots=3\n"

TEST(learned_start_times_and_slots_are_saved)
{
	struct err err = { 0 };

	must(load(TWO_POOLS, &err));
	node_pool_learn(&roster.pools[0], NULL, 30000, 16);
	node_pool_learn(&roster.pools[1], NULL, 600, 3);
	node_pool_learn(&roster.pools[1], NULL, 900, 3);
	ck_assert_uint_eq(roster.pools[1].start_ms, 700);

	must(load(TWO_POOLS, &err));
	ck_assert_uint_eq(roster.pools[0].start_ms, 30000);
	ck_assert_uint_eq(roster.pools[0].member_slots, 16);
	ck_assert_uint_eq(roster.pools[1].start_ms, 700);
	ck_assert_uint_eq(roster.pools[1].member_slots, 3);

	/* The start time of another command is unknown. */
	must(load("[pool \"a\"]\nstart=z\nmax=1\n", &err));
	ck_assert_uint_eq(roster.pools[0].start_ms, 10000);
	node_pool_learn(&roster.pools[0], NULL, 0, 1);
	ck_assert_uint_eq(roster.pools[0].start_ms, 1);
	node_pool_learn(&roster.pools[0], NULL, UINT64_MAX, 1);
	ck_assert_uint_eq(roster.pools[0].start_ms, 200001);
}

TEST(a_thread_saves_the_learned_values)
{
	struct event_base *base = event_base_new();
	struct pool *threads = pool_new(base, 1);
	struct err err = { 0 };

	must(load(TWO_POOLS, &err));
	held_pool_hold(threads);
	node_pool_learn(&roster.pools[0], threads, 30000, 16);
	node_pool_learn(&roster.pools[1], threads, 600, 3);
	ck_assert_uint_eq(roster.pools[0].start_ms, 30000);
	ck_assert(!fs_exists("kfarm/pools.json"));
	held_pool_release();
	do {
		event_base_loop(base, EVLOOP_NONBLOCK);
		must(load(TWO_POOLS, &err));
	} while (roster.pools[1].start_ms != 600);
	ck_assert_uint_eq(roster.pools[0].start_ms, 30000);
	pool_free(threads);
	event_base_free(base);
}

TEST(a_pool_whose_command_is_removed_is_an_error)
{
	struct err err = { 0 };

	must(load("[pool \"p\"]\nstart = x\nmax = 2\n", &err));
	node_pool_learn(&roster.pools[0], NULL, 5000, 2);
	err_is(load(WITHOUT_START, &err), -EINVAL, WITHOUT_START_ERROR);
}

TEST(a_learned_slow_start_time_decays_with_age)
{
	struct err err = { 0 };
	struct buf text = { 0 };

	must(fs_mkdirs("kfarm", 0700, &err));
	buf_printf(&text,
		   "{\"pools\": [{\"name\": \"a\", \"start\": \"x\", "
		   "\"start_ms\": 90000, \"slots\": 1, \"time\": %lld}, "
		   "{\"name\": \"b\", \"start\": \"y\", \"start_ms\": 90000, "
		   "\"slots\": 1}]}",
		   (long long)time(NULL) - 3 * 86400 - 60);
	must(fs_write("kfarm/pools.json", buf_bytes(&text), 0600, &err));
	must(load(TWO_POOLS, &err));
	ck_assert_uint_eq(roster.pools[0].start_ms, 20000);
	ck_assert_uint_eq(roster.pools[1].start_ms, 10000);
	buf_release(&text);
}

static const char *const damaged[] = {
	"",
	"[]",
	"{\"pools\": 3}",
	"{\"pools\": [{\"name\": \"a\", \"start\": \"x\", \"start_ms\": 0, "
	"\"slots\": 1}]}",
	"{\"pools\": [{\"name\": \"a\", \"start\": \"x\", \"start_ms\": 1e99, "
	"\"slots\": 1}]}",
};

TEST_EACH(a_damaged_file_is_ignored_and_replaced, damaged)
{
	struct err err = { 0 };

	must(fs_mkdirs("kfarm", 0700, &err));
	must(fs_write("kfarm/pools.json", bytes_str(*row), 0600, &err));
	must(load(TWO_POOLS, &err));
	ck_assert_uint_eq(roster.pools[0].start_ms, 10000);
	node_pool_learn(&roster.pools[0], NULL, 5000, 2);
	must(load(TWO_POOLS, &err));
	ck_assert_uint_eq(roster.pools[0].start_ms, 5000);
}

/* A symbolic link stands for any file that cannot be read. */
TEST(a_file_that_cannot_be_read_is_not_replaced)
{
	struct err err = { 0 };
	char target[8];

	must(load(TWO_POOLS, &err));
	must(fs_mkdirs("kfarm", 0700, &err));
	ck_assert_int_eq(symlink("real", "kfarm/pools.json"), 0);
	node_pool_learn(&roster.pools[1], NULL, 600, 3);
	ck_assert_uint_eq(roster.pools[1].start_ms, 600);
	ck_assert_int_eq(readlink("kfarm/pools.json", target, sizeof(target)),
			 4);
}

TEST(a_new_entry_replaces_the_oldest_of_a_full_file)
{
	struct err err = { 0 };
	struct buf text = { 0 };

	must(fs_mkdirs("kfarm", 0700, &err));
	buf_printf(&text, "{\"pools\": [");
	for (int i = 0; i < 1000; i++)
		buf_printf(&text,
			   "%s{\"name\": \"%s\", \"start\": \"x%d\", "
			   "\"start_ms\": 7000, \"slots\": 1, "
			   "\"time\": %d}",
			   i ? ", " : "", i == 400 ? "a" : "c", i,
			   i == 600 ? 5 : 10 + i);
	buf_printf(&text, "]}");
	must(fs_write("kfarm/pools.json", buf_bytes(&text), 0600, &err));
	buf_release(&text);
	must(load("[pool \"b\"]\nstart=y\nmax=1\n", &err));
	node_pool_learn(&roster.pools[0], NULL, 600, 3);

	must(load("[pool \"a\"]\nstart=x400\nmax=1\n"
		  "[pool \"b\"]\nstart=y\nmax=1\n"
		  "[pool \"c\"]\nstart=x600\nmax=1\n",
		  &err));
	ck_assert_uint_eq(roster.pools[0].start_ms, 7000);
	ck_assert_uint_eq(roster.pools[1].start_ms, 600);
	ck_assert_uint_eq(roster.pools[2].start_ms, 10000);
}
