/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/pool.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/record.h"
#include "base/str.h"
#include "base/vec.h"
#include "conf/conf.h"
#include "node/entry.h"
#include "node/limits.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START_MS_DEFAULT     10000
#define MEMBER_SLOTS_DEFAULT 4
#define DAY_S                (24 * 60 * 60)
#define START_MS_MAX         (1000 * NODE_POOL_START_MAX_S)
#define LEARNED_MAX          1000 /* entries of pools.json */

/* ------------------------------------------------------ configuration */

/*
 * Prefix the error with "FILE:LINE: pool.NAME.KEY".  If the key is not set,
 * prefix it with "FILE:LINE" of the first key in the section, and "pool.NAME".
 */
static int wrap_pool_location(const struct node_pool *p, const struct conf *c,
			      const char *key, struct err *err)
{
	char *at = conf_get_origin(c, "pool", p->name, key), *first;

	if (at) {
		err_wrap(err, "%s: pool.%s.%s", at, p->name, key);
	} else {
		first = conf_get_section_origin(c, "pool", p->name);
		err_wrap(err, "%s: pool.%s", first ? first : "configuration",
			 p->name);
		free(first);
	}
	free(at);
	return -EINVAL;
}

static void make_members(struct node_pool *p)
{
	p->members = xcalloc(p->max, sizeof(*p->members));
	for (unsigned i = 0; i < p->max; i++)
		p->members[i] = (struct node_entry){
			.name = xasprintf("%s/%u", p->name, i + 1),
			.address_text = xasprintf("exec:%s", p->start),
			.address = { .kind = NODE_ADDRESS_EXEC,
				     .text = xstrdup(p->start) },
			.drained = p->drained,
			.slots = p->slots,
			.codec = WIRE_LZO,
			.pool = p->name,
		};
}

int node_pool_load(struct node_pool *p, const struct conf *c, const char *name,
		   struct err *err)
{
	const char *start = conf_get(c, "pool", name, "start");

	*p = (struct node_pool){
		.name = xstrdup(name),
		.start = start ? xstrdup(start) : NULL,
		.min = (unsigned)conf_get_number(c, "pool", name, "min", 0),
		.max = (unsigned)conf_get_number(c, "pool", name, "max", 0),
		.slots = (unsigned)conf_get_number(c, "pool", name, "slots", 0),
		.weight = (unsigned)conf_get_number(c, "pool", name, "weight",
						    1),
		.idle_ms = 1000 *
			   conf_get_amount(c, "pool", name, "idle", "5m"),
		.drained = str_equal(conf_get(c, "pool", name, "drain"),
				     "true"),
		.start_ms = START_MS_DEFAULT,
	};
	p->member_slots = p->slots ? p->slots : MEMBER_SLOTS_DEFAULT;
	if (node_entry_check_name(name, err))
		return wrap_pool_location(p, c, start ? "start" : "max", err);
	if (!start || !start[strspn(start, " \t")]) {
		err_set(err, EINVAL,
			"missing command; set `start = COMMAND`, such as "
			"`start = srun -N1 -u kfarmd --stdio`");
		return wrap_pool_location(p, c, "start", err);
	}
	if (!p->max) {
		err_set(err, EINVAL,
			"missing limit; set `max` to the number of members "
			"that a build may start");
		return wrap_pool_location(p, c, "max", err);
	}
	if (p->min > p->max) {
		err_set(err, EINVAL, "min is %u, but max is only %u", p->min,
			p->max);
		return wrap_pool_location(p, c, "min", err);
	}
	make_members(p);
	return 0;
}

void node_pool_release(struct node_pool *p)
{
	for (unsigned i = 0; p->members && i < p->max; i++)
		node_entry_release(&p->members[i]);
	free(p->members);
	free(p->name);
	free(p->start);
	*p = (struct node_pool){ 0 };
}

/* -------------------------------------------------------------- demand */

unsigned node_pool_wanted_slots(const struct node_pool_work *work,
				uint64_t start_ms)
{
	uint64_t run_ms = start_ms > NODE_POOL_RUN_MS ? start_ms :
							NODE_POOL_RUN_MS;
	uint64_t done_ms = work->n_slots * start_ms, slots;

	if (work->cost_ms <= done_ms)
		return 0;
	slots = (work->cost_ms - done_ms) / run_ms;
	slots = slots > work->n_slots ? slots - work->n_slots : 0;
	return slots < work->n_units ? (unsigned)slots : work->n_units;
}

void node_pool_distribute(const struct node_pool *v, size_t n,
			  const struct node_pool_work *work,
			  const unsigned *n_down, unsigned *counts)
{
	uint64_t slots = 0;

	for (size_t i = 0; i < n; i++) {
		counts[i] = v[i].drained ? 0 : v[i].min;
		if (!v[i].drained && n_down[i] > v[i].min)
			counts[i] = n_down[i] < v[i].max ? n_down[i] : v[i].max;
		if (counts[i] > n_down[i])
			slots += (uint64_t)(counts[i] - n_down[i]) *
				 v[i].member_slots;
	}
	for (;;) {
		size_t best = n;
		double least = 0;

		for (size_t i = 0; i < n; i++) {
			double share = (double)counts[i] * v[i].member_slots /
				       v[i].weight;

			if (v[i].drained || n_down[i] ||
			    counts[i] == v[i].max ||
			    slots >= node_pool_wanted_slots(work,
							    v[i].start_ms) ||
			    (best < n && share >= least))
				continue;
			best = i;
			least = share;
		}
		if (best == n)
			return;
		counts[best]++;
		slots += v[best].member_slots;
	}
}

/* ------------------------------------------------------------ averages */

/* The learned values of one pool: an element of "pools" in pools.json. */
struct learned_pool {
	char *name, *start;
	uint64_t start_ms;
	unsigned member_slots;
	int64_t time_s; /* time of the last start */
};

struct learned_pools {
	struct learned_pool *v;
	size_t n;
};

static const struct record_member learned_members[] = {
	{ RECORD_STRING("name", learned_pool, name), .required = true },
	{ RECORD_STRING("start", learned_pool, start), .required = true },
	{ RECORD_NUMBER("start_ms", learned_pool, start_ms, 1, START_MS_MAX),
	  .required = true },
	{ RECORD_NUMBER("slots", learned_pool, member_slots, 1, NODE_SLOTS_MAX),
	  .required = true },
	{ RECORD_NUMBER("time", learned_pool, time_s, 0, INT64_MAX) },
};
static const struct record learned = RECORD(learned_pool, learned_members);
static const struct record_member file_members[] = {
	{ RECORD_LIST("pools", learned_pools, v, n, LEARNED_MAX, &learned) },
};
static const struct record file_record = RECORD(learned_pools, file_members);

static const struct json_file pools_file = {
	.file = { .max_bytes = 1u << 20, .mode = 0600, .is_private = true },
	.dump_flags = JSON_INDENT(1),
	.ends_line = true,
};

static char *pools_path(void)
{
	char *cache = fs_cache_home(),
	     *path = xasprintf("%s/pools.json", cache);

	free(cache);
	return path;
}

/*
 * Read the file.  Returns 0 or an error of record_read(), after which `out` is
 * empty.
 */
static int read_learned(const char *path, struct learned_pools *out)
{
	struct err err;
	int ret = record_read(&file_record, out, &pools_file, path, &err);

	if (ret)
		*out = (struct learned_pools){ 0 };
	if (ret && ret != -ENOENT)
		log_debug("%s", err.text);
	return ret;
}

static struct learned_pool *find_learned(const struct learned_pools *all,
					 const struct node_pool *p)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!strcmp(all->v[i].name, p->name) &&
		    !strcmp(all->v[i].start, p->start))
			return &all->v[i];
	}
	return NULL;
}

/* Return a zeroed entry, which replaces the oldest if the list is full. */
static struct learned_pool *add_learned(struct learned_pools *all)
{
	struct learned_pool *oldest = all->v;

	if (all->n < LEARNED_MAX)
		return VEC_ADD(all->v, all->n);
	for (size_t i = 1; i < all->n; i++) {
		if (all->v[i].time_s < oldest->time_s)
			oldest = &all->v[i];
	}
	record_release(&learned, oldest);
	return oldest;
}

/*
 * Return the start time to expect for a pool.  If the recorded time is above
 * the default, its excess is halved for each day since the record was written.
 */
static uint64_t age_start_ms(const struct learned_pool *l, time_t now_s)
{
	uint64_t ms = l->start_ms;

	for (int64_t days = (now_s - l->time_s) / DAY_S;
	     days > 0 && ms > START_MS_DEFAULT; days--)
		ms = START_MS_DEFAULT + (ms - START_MS_DEFAULT) / 2;
	return ms;
}

void node_pool_read_learned(struct node_pool *v, size_t n)
{
	char *path = pools_path();
	time_t now_s = time(NULL);
	struct learned_pools all;

	read_learned(path, &all);
	for (size_t i = 0; i < n; i++) {
		const struct learned_pool *l = find_learned(&all, &v[i]);

		if (!l)
			continue;
		v[i].learned = true;
		v[i].start_ms = age_start_ms(l, now_s);
		if (!v[i].slots)
			v[i].member_slots = l->member_slots;
	}
	record_release(&file_record, &all);
	free(path);
}

/* A value that a thread writes to the file. */
struct saved_pool {
	struct pool_work work; /* first member */
	struct learned_pool value;
};

static void save_learned(struct pool_work *w)
{
	/* Two threads must not overwrite each other's values. */
	static pthread_mutex_t saving = PTHREAD_MUTEX_INITIALIZER;
	struct learned_pool *value = &((struct saved_pool *)(void *)w)->value;
	struct node_pool key = { .name = value->name, .start = value->start };
	char *path = pools_path(), *dir = str_dir(path);
	struct learned_pools all;
	struct learned_pool *l;
	struct err err;
	int ret;

	pthread_mutex_lock(&saving);
	ret = read_learned(path, &all);
	l = find_learned(&all, &key);
	if (l)
		record_release(&learned, l);
	else
		l = add_learned(&all);
	*l = *value;
	*value = (struct learned_pool){ 0 };
	if ((!ret || state_file_is_replaceable(ret)) &&
	    (fs_mkdirs(dir, 0700, &err) ||
	     record_write(&file_record, &all, &pools_file, path, &err)))
		log_debug("%s", err.text);
	pthread_mutex_unlock(&saving);
	record_release(&file_record, &all);
	free(dir);
	free(path);
}

static void free_saved(struct pool_work *w)
{
	record_release(&learned, &((struct saved_pool *)(void *)w)->value);
	free(w);
}

void node_pool_learn(struct node_pool *p, struct pool *threads,
		     uint64_t start_ms, unsigned slots)
{
	struct saved_pool *saved;

	if (!p)
		return;
	start_ms = start_ms < 1 ? 1 : start_ms;
	start_ms = start_ms > START_MS_MAX ? START_MS_MAX : start_ms;
	p->start_ms = p->learned ? (2 * p->start_ms + start_ms + 1) / 3 :
				   start_ms;
	p->learned = true;
	p->member_slots = slots;
	saved = xcalloc(1, sizeof(*saved));
	saved->work.run = save_learned;
	saved->work.on_done = free_saved;
	saved->value = (struct learned_pool){ .name = xstrdup(p->name),
					      .start = xstrdup(p->start),
					      .start_ms = p->start_ms,
					      .member_slots = slots,
					      .time_s = time(NULL) };
	if (threads) {
		pool_add(threads, &saved->work);
		return;
	}
	save_learned(&saved->work);
	free_saved(&saved->work);
}
