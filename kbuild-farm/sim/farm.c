/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/farm.h"

#include "base/buf.h"
#include "base/vec.h"
#include "conf/locate.h"
#include "conf/scan.h"
#include "sim/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX     10000
#define CORES_MAX     1024
#define JOBS_MAX      1000000
#define TIME_MAX_MS   (100 * 3600 * 1000)
#define LOST_AFTER_MS 5000 /* until kfarm detects that a node has died */
/*
 * CPU time of the build host relative to the CPU time of the jobs, measured for
 * an arm64 tinyconfig: if all compiles run on nodes, the build host uses 15.8 s
 * of CPU time, compared with 141.2 s for a plain make (tests/bench/FIGURES.md).
 */
#define HOST_SHARE 0.11
/* after a gap of this length without an outstanding unit, a phase begins */
#define BARRIER_MS 250

/* ---- values ---- */

struct unit {
	const char *name;
	double factor;
};

static const struct unit no_units[] = { { "", 1 }, { 0 } };
static const struct unit times[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { 0 }
};
/* factors in bytes per ms */
static const struct unit rates[] = { { "Mbit/s", 125 },
				     { "Gbit/s", 125000 },
				     { 0 } };
static const struct unit sizes[] = {
	{ "B", 1 }, { "kB", 1000 }, { "MB", 1000000 }, { 0 }
};

/* A [node "NAME"] section of the file; it defines one or more equal nodes. */
struct node_section {
	struct sim_node_setup setup; /* the section owns `name` */
	unsigned count;
	unsigned line; /* line number of the section */
};

/* Type of the member that receives a number. */
enum number_type {
	NUMBER_UNSIGNED,
	NUMBER_UINT64,
	NUMBER_DOUBLE
};

struct number_key {
	const char *section, *key;
	const struct unit *units;
	/* limits of the number after multiplication by its unit's factor */
	double min, max;
	enum number_type type;
	size_t at; /* offset in struct sim_farm or in struct node_section */
};

#define NUMBER_AT(type, member)                          \
	_Generic(((struct type *)NULL)->member, uint64_t \
		 : NUMBER_UINT64, double                 \
		 : NUMBER_DOUBLE, default                \
		 : NUMBER_UNSIGNED),                     \
		offsetof(struct type, member)

static const struct number_key number_keys[] = {
	{ "host", "cores", no_units, 1, CORES_MAX,
	  NUMBER_AT(sim_farm, setup.n_host_cores) },
	{ "host", "speed", no_units, 0.001, 1000,
	  NUMBER_AT(sim_farm, host_speed) },
	{ "host", "slots", no_units, 1, CORES_MAX,
	  NUMBER_AT(sim_farm, setup.n_local_slots) },
	{ "host", "cpu", times, 0, 60000, NUMBER_AT(sim_farm, setup.host_ms) },
	{ "node", "count", no_units, 1, NODES_MAX,
	  NUMBER_AT(node_section, count) },
	{ "node", "slots", no_units, 1, CORES_MAX,
	  NUMBER_AT(node_section, setup.n_slots) },
	{ "node", "quota", no_units, 0.001, CORES_MAX,
	  NUMBER_AT(node_section, setup.quota) },
	{ "node", "rate", rates, 12.5, 12.5e6,
	  NUMBER_AT(node_section, setup.bytes_per_ms) },
	{ "node", "dies", times, 1, TIME_MAX_MS,
	  NUMBER_AT(node_section, setup.dies_ms) },
	{ "node", "returns", times, 1, TIME_MAX_MS,
	  NUMBER_AT(node_section, setup.returns_ms) },
	{ "jobs", "count", no_units, 1, JOBS_MAX,
	  NUMBER_AT(sim_farm, definition.count) },
	{ "jobs", "median", times, 1, 600000,
	  NUMBER_AT(sim_farm, definition.median_ms) },
	{ "jobs", "deviation", no_units, 0, 3,
	  NUMBER_AT(sim_farm, definition.deviation) },
	{ "jobs", "input", sizes, 0, 1e9,
	  NUMBER_AT(sim_farm, definition.in_bytes) },
	{ "jobs", "output", sizes, 0, 1e9,
	  NUMBER_AT(sim_farm, definition.out_bytes) },
	{ "jobs", "prepare", times, 0, TIME_MAX_MS,
	  NUMBER_AT(sim_farm, definition.prepare_ms) },
	{ "jobs", "link", times, 0, TIME_MAX_MS,
	  NUMBER_AT(sim_farm, definition.link_ms) },
	{ "jobs", "make-jobs", no_units, 1, JOBS_MAX,
	  NUMBER_AT(sim_farm, setup.n_make_jobs) },
	{ "jobs", "seed", no_units, 0, 1e9, NUMBER_AT(sim_farm, setup.seed) },
};
/* Keys that are not numbers. */
static const char *const other_keys[][2] = {
	{ "node", "cores" },
	{ "node", "pin" },
	{ "node", "throttle" },
	{ "jobs", "build" },
};

/*
 * Parse a number with a unit.  Returns false if the text is invalid or the
 * number is not between `min` and `max`.
 */
static bool parse_quantity(const char *text, const struct unit *units,
			   double min, double max, double *out)
{
	size_t digits = strspn(text, "0123456789.");
	const char *unit = text + digits + strspn(text + digits, " ");
	char *end;

	if (!digits)
		return false;
	*out = strtod(text, &end);
	if (end != text + digits)
		return false;
	for (; units->name; units++) {
		if (strcmp(unit, units->name) != 0)
			continue;
		*out *= units->factor;
		return *out >= min && *out <= max;
	}
	return false;
}

static int set_number(const struct number_key *k, void *s, const char *value,
		      struct err *err)
{
	const struct unit *first = k->units, *last = first;
	void *at = (char *)s + k->at;
	double number;

	while (last[1].name)
		last++;
	if (!parse_quantity(value, k->units, k->min, k->max, &number))
		return err_set(err, EINVAL,
			       "invalid value \"%s\": expected %g%s%s to "
			       "%.12g%s%s",
			       value, k->min / first->factor,
			       *first->name ? " " : "", first->name,
			       k->max / last->factor, *last->name ? " " : "",
			       last->name);
	if (k->type == NUMBER_UNSIGNED)
		*(unsigned *)at = (unsigned)number;
	else if (k->type == NUMBER_UINT64)
		*(uint64_t *)at = (uint64_t)number;
	else
		*(double *)at = number;
	return 0;
}

/* Split "LEFT x RIGHT".  Returns false if the value has no right part. */
static bool split_product(char *value, char **right)
{
	*right = strstr(value, " x ");
	if (!*right)
		return false;
	**right = '\0';
	*right += strlen(" x ");
	return true;
}

static int add_class(struct sim_node_setup *n, const char *value,
		     struct err *err)
{
	char *left = xstrdup(value), *right;
	double cores = 0, speed = 1;
	bool valid = !split_product(left, &right) ||
		     parse_quantity(right, no_units, 0.001, 1000, &speed);

	valid = valid && parse_quantity(left, no_units, 1, CORES_MAX, &cores);
	free(left);
	if (!valid)
		return err_set(err, EINVAL,
			       "invalid value \"%s\": expected a number of "
			       "cores, or their number and speed as in "
			       "\"4 x 0.5\"",
			       value);
	if (n->n_classes == SIM_CLASSES_MAX)
		return err_set(err, EINVAL,
			       "more than %d classes of cores; merge classes "
			       "of similar speed",
			       SIM_CLASSES_MAX);
	n->classes[n->n_classes++] = (struct sim_class){ (unsigned)cores,
							 1 / speed };
	return 0;
}

static int add_throttle(struct sim_node_setup *n, const char *value,
			struct err *err)
{
	char *left = xstrdup(value), *right;
	double at_ms = 0, factor = 0;
	bool valid = split_product(left, &right) &&
		     parse_quantity(left, times, 0, TIME_MAX_MS, &at_ms) &&
		     parse_quantity(right, no_units, 0.001, 1000, &factor);

	free(left);
	if (!valid)
		return err_set(err, EINVAL,
			       "invalid value \"%s\": expected a time and the "
			       "speed from then on, as in \"60 s x 0.5\"",
			       value);
	if (n->n_throttles &&
	    (uint64_t)at_ms <= n->throttles[n->n_throttles - 1].at_ms)
		return err_set(
			err, EINVAL,
			"%s: the time must be later than that of the previous "
			"`throttle`; sort the lines by time",
			value);
	if (n->n_throttles == SIM_THROTTLES_MAX)
		return err_set(err, EINVAL,
			       "more than %d throttle lines; remove some",
			       SIM_THROTTLES_MAX);
	n->throttles[n->n_throttles++] = (struct sim_throttle){ (uint64_t)at_ms,
								factor };
	return 0;
}

/* ---- sections ---- */

struct farm_parser {
	struct sim_farm *f;
	struct node_section *nodes;
	size_t n_nodes;
	struct err *err;
};

/* Return the section of a node.  If it does not exist, add it. */
static struct node_section *find_node_section(struct farm_parser *p,
					      const struct conf_item *item)
{
	struct node_section *n;

	for (size_t i = 0; i < p->n_nodes; i++) {
		if (!strcmp(p->nodes[i].setup.name, item->sub))
			return &p->nodes[i];
	}
	n = VEC_ADD(p->nodes, p->n_nodes);
	*n = (struct node_section){
		.setup = { .name = xstrdup(item->sub),
			   .can_pin = true,
			   .bytes_per_ms = 125000,
			   .lost_after_ms = LOST_AFTER_MS },
		.count = 1,
		.line = item->line,
	};
	return n;
}

static int set_unknown_key(const struct conf_item *item, struct err *err)
{
	struct strv keys = { 0 };
	char *all;

	for (size_t i = 0; i < ARRAY_SIZE(number_keys); i++) {
		if (!strcmp(number_keys[i].section, item->section))
			strv_add(&keys, number_keys[i].key);
	}
	for (size_t i = 0; i < ARRAY_SIZE(other_keys); i++) {
		if (!strcmp(other_keys[i][0], item->section))
			strv_add(&keys, other_keys[i][1]);
	}
	strv_sort_unique(&keys);
	all = strv_join(&keys, ", ");
	err_set(err, EINVAL, "unknown key; expected one of: %s", all);
	free(all);
	strv_release(&keys);
	return -EINVAL;
}

static int read_farm_key(struct farm_parser *p, struct node_section *node,
			 const struct conf_item *item)
{
	void *s = node ? (void *)node : (void *)p->f;

	for (size_t i = 0; i < ARRAY_SIZE(number_keys); i++) {
		if (!strcmp(number_keys[i].section, item->section) &&
		    !strcmp(number_keys[i].key, item->key))
			return set_number(&number_keys[i], s, item->value,
					  p->err);
	}
	if (node && !strcmp(item->key, "cores"))
		return add_class(&node->setup, item->value, p->err);
	if (node && !strcmp(item->key, "throttle"))
		return add_throttle(&node->setup, item->value, p->err);
	if (node && !strcmp(item->key, "pin")) {
		node->setup.can_pin = !strcmp(item->value, "yes");
		return node->setup.can_pin || !strcmp(item->value, "no") ?
			       0 :
			       err_set(p->err, EINVAL,
				       "invalid value \"%s\": expected yes or "
				       "no",
				       item->value);
	}
	if (!strcmp(item->section, "jobs") && !strcmp(item->key, "build")) {
		free(p->f->definition.build);
		p->f->definition.build = xstrdup(item->value);
		return 0;
	}
	return set_unknown_key(item, p->err);
}

static int read_farm_item(void *ctx, const struct conf_item *item)
{
	struct farm_parser *p = ctx;
	struct node_section *node = NULL;
	int ret;

	if (strcmp(item->section, "host") != 0 &&
	    strcmp(item->section, "node") != 0 &&
	    strcmp(item->section, "jobs") != 0)
		return err_set(p->err, EINVAL,
			       "[%s]: unknown section; expected host, node or "
			       "jobs",
			       item->section);
	if (!strcmp(item->section, "node")) {
		if (!item->sub || !*item->sub)
			return err_set(p->err, EINVAL,
				       "[node]: missing name; write "
				       "[node \"NAME\"]");
		node = find_node_section(p, item);
	}
	if (!item->key)
		return 0;
	ret = item->value ?
		      read_farm_key(p, node, item) :
		      err_set(p->err, EINVAL, "missing value; write %s = VALUE",
			      item->key);
	if (ret)
		err_wrap(p->err, "%s.%s", item->section, item->key);
	return ret;
}

/* Append the nodes of a section to the farm. */
static int add_section_nodes(struct sim_farm *f, const char *file,
			     const struct node_section *s, struct err *err)
{
	if (!s->setup.n_classes)
		return err_set(err, EINVAL,
			       "%s:%u: [node \"%s\"]: no cores; set `cores = "
			       "NUMBER`",
			       file, s->line, s->setup.name);
	if (s->setup.returns_ms && !s->setup.dies_ms)
		return err_set(
			err, EINVAL,
			"%s:%u: [node \"%s\"]: `returns` without `dies`; "
			"set `dies = TIME`",
			file, s->line, s->setup.name);
	if (s->setup.returns_ms &&
	    s->setup.returns_ms <= s->setup.dies_ms + LOST_AFTER_MS)
		return err_set(err, EINVAL,
			       "%s:%u: [node \"%s\"]: the node returns before "
			       "kfarm detects its failure; set `returns` to at "
			       "least %d s after `dies`",
			       file, s->line, s->setup.name,
			       LOST_AFTER_MS / 1000 + 1);
	if (f->setup.n_nodes + s->count > NODES_MAX)
		return err_set(err, EINVAL,
			       "%s:%u: more than %d nodes; reduce `count`",
			       file, s->line, NODES_MAX);
	for (unsigned i = 0; i < s->count; i++) {
		struct sim_node_setup *n = VEC_ADD(f->nodes, f->setup.n_nodes);

		*n = s->setup;
		if (s->count > 1)
			strv_addf(&f->names, "%s-%u", s->setup.name, i + 1);
		else
			strv_add(&f->names, s->setup.name);
		n->name = f->names.v[f->names.n - 1];
	}
	return 0;
}

int sim_farm_parse(struct sim_farm *f, const char *file, struct bytes text,
		   struct err *err)
{
	struct farm_parser p = { .f = f, .err = err };
	unsigned line = 0;
	int ret;

	*f = (struct sim_farm){
		.setup = { .n_host_cores = 4,
			   .host_ms = -1,
			   .total_known = true,
			   .scan_ms = 5,
			   .verify_ms = 3,
			   .seed = 1 },
		.definition = { .deviation = 0.8,
				.in_bytes = 30000,
				.out_bytes = 20000 },
		.host_speed = 1,
	};
	ret = conf_scan(text, read_farm_item, &p, &line, err);
	if (ret)
		err_wrap(err, "%s:%u", file, line);
	for (size_t i = 0; !ret && i < p.n_nodes; i++)
		ret = add_section_nodes(f, file, &p.nodes[i], err);
	if (!ret && !p.n_nodes)
		ret = err_set(err, EINVAL,
			      "%s: no nodes; add a section [node \"NAME\"]",
			      file);
	f->setup.nodes = f->nodes;
	f->setup.local_slowness = 1 / f->host_speed;
	for (size_t i = 0; i < p.n_nodes; i++)
		free((char *)p.nodes[i].setup.name);
	free(p.nodes);
	return ret;
}

int sim_farm_read(struct sim_farm *f, const char *path, struct err *err)
{
	struct buf text = { 0 };
	int ret = conf_locate_read(path, &text, err);

	*f = (struct sim_farm){ 0 };
	if (!ret)
		ret = sim_farm_parse(f, path, buf_bytes(&text), err);
	buf_release(&text);
	return ret;
}

/* ---- jobs ---- */

/* Complete the setup after the costs of all jobs have been set. */
static void complete_jobs(struct sim_farm *f, size_t n)
{
	double sum_ms = 0;
	uint64_t state = f->setup.seed;

	sim_jobs_set_predictions(f->jobs, n, &state);
	f->setup.jobs = f->jobs;
	f->setup.n_jobs = n;
	f->setup.serial_ms = f->serial_ms;
	for (size_t i = 0; i < n; i++)
		sum_ms += f->jobs[i].cost_ms;
	if (f->setup.host_ms < 0)
		f->setup.host_ms = HOST_SHARE * sum_ms / (double)n /
				   f->host_speed;
}

int sim_farm_generate_jobs(struct sim_farm *f, struct err *err)
{
	const struct sim_farm_jobs *d = &f->definition;
	uint64_t state = f->setup.seed;

	if (!d->count || d->median_ms <= 0)
		return err_set(err, EINVAL,
			       "no jobs; set `count = NUMBER` and `median = "
			       "TIME`, or `build = latest`, in [jobs]");
	f->jobs = xcalloc(d->count, sizeof(*f->jobs));
	f->serial_ms = xcalloc(1, sizeof(*f->serial_ms));
	f->serial_ms[0] = d->prepare_ms;
	f->setup.end_ms = d->link_ms;
	sim_jobs_set_costs(f->jobs, d->count, d->median_ms, d->deviation,
			   &state);
	for (unsigned i = 0; i < d->count; i++) {
		f->jobs[i].in_bytes = d->in_bytes;
		f->jobs[i].out_bytes = d->out_bytes;
	}
	complete_jobs(f, d->count);
	return 0;
}

static int by_queued_time(const void *a, const void *b)
{
	const struct history_unit *x = *(struct history_unit *const *)a,
				  *y = *(struct history_unit *const *)b;

	if (x->queued_ms != y->queued_ms)
		return x->queued_ms < y->queued_ms ? -1 : 1;
	return x->job_number < y->job_number ? -1 : 1;
}

static uint32_t clamp_u32(int64_t n)
{
	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/*
 * Set the jobs of the farm to `units`, which must be in the order in which make
 * requested them.  If no unit is outstanding for BARRIER_MS or longer, the next
 * unit begins a new phase.  Returns the time in ms, since the start of the
 * build, at which the last unit ended.
 */
static int64_t set_recorded_jobs(struct sim_farm *f,
				 const struct history_unit *const *units,
				 size_t n)
{
	int64_t end_ms = 0; /* latest end of the units so far */
	size_t n_phases = 0;

	for (size_t i = 0; i < n; i++) {
		const struct history_unit *u = units[i];

		if (!i || u->queued_ms >= end_ms + BARRIER_MS)
			*VEC_ADD(f->serial_ms,
				 n_phases) = clamp_u32(u->queued_ms - end_ms);
		if (u->done_ms > end_ms)
			end_ms = u->done_ms;
		f->jobs[i] = (struct sim_job_setup){
			.name = u->object,
			.cost_ms = clamp_u32(u->cpu_ms ? u->cpu_ms : 1),
			.in_bytes = f->definition.in_bytes,
			.out_bytes = f->definition.out_bytes,
			.phase = (uint32_t)n_phases - 1,
		};
	}
	return end_ms;
}

/*
 * Set in_bytes and out_bytes of f->definition to the mean numbers of bytes that
 * the recorded build sent and received per remote unit.  set_recorded_jobs()
 * copies both values to each job.  Does nothing if the numbers are unknown.
 */
static void set_recorded_bytes(struct sim_farm *f,
			       const struct history_build *b,
			       const struct history_details *d)
{
	int64_t sent = 0, received = 0;

	for (size_t i = 0; i < d->n_nodes; i++) {
		sent += d->nodes[i].sent_bytes;
		received += d->nodes[i].received_bytes;
	}
	if (b->n_remote <= 0 || sent <= 0 || received <= 0)
		return;
	f->definition.in_bytes = clamp_u32(sent / b->n_remote);
	f->definition.out_bytes = clamp_u32(received / b->n_remote);
}

int sim_farm_set_build(struct sim_farm *f, const struct history_build *b,
		       const struct history_details *d, struct err *err)
{
	const struct history_unit **units;
	int64_t local_ms = 0, end_ms;
	size_t n = 0;

	units = xcalloc(d->n_units + 1, sizeof(*units));
	for (size_t i = 0; i < d->n_units; i++) {
		const struct history_unit *u = &d->units[i];

		if (u->queued_ms < 0 || u->done_ms < 0 || u->cpu_ms < 0)
			continue;
		units[n++] = u;
		local_ms += u->remote ? 0 : u->cpu_ms;
	}
	if (!n) {
		free(units);
		return err_set(err, ENODATA,
			       "build %lld: the history has no units of this "
			       "build; choose another build that `kfarm "
			       "history` lists",
			       (long long)b->number);
	}
	qsort(units, n, sizeof(*units), by_queued_time);
	set_recorded_bytes(f, b, d);
	f->jobs = xcalloc(n, sizeof(*f->jobs));
	end_ms = set_recorded_jobs(f, units, n);
	f->setup.end_ms = clamp_u32(b->wall_ms - end_ms);
	if (f->setup.host_ms < 0 && b->host_ms > local_ms)
		f->setup.host_ms = (double)(b->host_ms - local_ms) / (double)n;
	free(units);
	complete_jobs(f, n);
	return 0;
}

void sim_farm_release(struct sim_farm *f)
{
	free(f->definition.build);
	strv_release(&f->names);
	free(f->nodes);
	free(f->jobs);
	free(f->serial_ms);
	*f = (struct sim_farm){ 0 };
}
