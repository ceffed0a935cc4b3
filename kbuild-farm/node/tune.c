/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/tune.h"

#include "base/vec.h"
#include "node/tune-result.h"
#include "node/tune-state.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS   "/sys/devices/system/cpu/"
#define MEMORY "/sys/class/devfreq/"
#define ZONES  "/sys/class/thermal/"

__asm__(".section .rodata\n"
	".global node_tune_script\n"
	".hidden node_tune_script\n"
	"node_tune_script:\n"
	".incbin \"templates/tune/node.sh\"\n"
	".byte 0\n"
	".text\n");
extern const char node_tune_script[] __attribute__((visibility("hidden")));

/* The plan that is being made, and of what. */
struct making {
	struct node_tune *t;
	const struct node_profile *p;
	const struct tune_state *s;
};

/* ------------------------------------------------------------------ items */

/* One more item for a file, whose name in prose is `what`. */
static struct node_tune_item *plan_item(const struct making *m, char *what,
					char *path)
{
	const struct tune_file *f = tune_state_get(m->s, path);
	struct node_tune_item *item = VEC_ADD(m->t->v, m->t->n);

	item->what = what;
	item->path = path;
	item->now = f ? xstrdup(f->value) : NULL;
	if (f && !f->writable)
		item->skip = xstrdup("this kernel does not let it be changed");
	return item;
}

/* It stays as it is, unless there is a reason already. */
__attribute__((format(printf, 2, 3))) static void skip_setting(
	struct node_tune_item *item, const char *fmt, ...)
{
	va_list ap;

	if (item->skip)
		return;
	va_start(ap, fmt);
	item->skip = xvasprintf(fmt, ap);
	va_end(ap);
}

/* What a file beside this one holds, or NULL. */
static const char *file_beside(const struct making *m, const char *path,
			       const char *name)
{
	char *dir = str_dir(path), *at = xasprintf("%s/%s", dir, name);
	const struct tune_file *f = tune_state_get(m->s, at);

	free(dir);
	free(at);
	return f ? f->value : NULL;
}

static void want_governor(const struct making *m, struct node_tune_item *item,
			  const char *governor, const char *list)
{
	const char *offered = file_beside(m, item->path, list);

	item->wanted = xstrdup(governor);
	if (!item->now)
		skip_setting(item, "there is no such file");
	else if (offered && !str_list_has(offered, ' ', governor))
		skip_setting(item, "not offered, but %s", offered);
}

/* The largest of "408000 600000 ", 0 of none. */
static uint64_t largest(const char *list)
{
	uint64_t most = 0;

	while (list && *list) {
		char *end;
		uint64_t n = strtoull(list, &end, 10);

		if (end == list)
			break;
		most = n > most ? n : most;
		list = end;
	}
	return most;
}

static void want_number(struct node_tune_item *item, uint64_t n)
{
	free(item->wanted);
	item->wanted = xasprintf("%llu", (unsigned long long)n);
}

/*
 * `wanted` of what the lists offer (either may be NULL), or where there are
 * none, of what is at most `most`, 0: not known.
 */
static void want_clock(struct node_tune_item *item, uint64_t wanted,
		       const char *list, const char *boosted, uint64_t most)
{
	char *word, *offer;
	uint64_t top = largest(list), top_boosted = largest(boosted);

	top = top_boosted > top ? top_boosted : top ? top : most;
	if (wanted == NODE_PROFILE_HIGHEST)
		wanted = top;
	want_number(item, wanted);
	if (!item->now || !top) {
		skip_setting(item, item->now ?
					   "the kernel does not say what it "
					   "offers" :
					   "there is no such file");
		return;
	}
	word = item->wanted;
	if (list || boosted ? str_list_has(list, ' ', word) ||
				      str_list_has(boosted, ' ', word) :
			      wanted <= most)
		return;
	word = xasprintf("%llu", (unsigned long long)top);
	offer = node_tune_text(item->path, word);
	skip_setting(item, "not offered: %s is the highest", offer);
	free(offer);
	free(word);
}

/* -------------------------------------------------------------------- CPUs */

static void plan_boost(const struct making *m)
{
	const char *path = CPUS "cpufreq/boost";
	bool inverted = false;
	struct node_tune_item *item;

	if (!m->p->has_boost)
		return;
	if (!tune_state_get(m->s, path) &&
	    tune_state_get(m->s, CPUS "intel_pstate/no_turbo")) {
		path = CPUS "intel_pstate/no_turbo";
		inverted = true;
	}
	item = plan_item(m, xstrdup("boost"), xstrdup(path));
	want_number(item, m->p->boost != inverted);
	if (!item->now)
		skip_setting(item, "this board has none");
}

/* What the profile says of the clock of these CPUs ("0 1 2 3"). */
static struct node_profile_clock wish_for(const struct node_profile *p,
					  const char *cpus)
{
	struct node_profile_clock wish = { .cpu = -1 };

	for (size_t i = 0; i < p->n_cpus; i++) {
		const struct node_profile_clock *c = &p->cpus[i];
		char *number = xasprintf("%d", c->cpu);
		bool named = c->cpu >= 0 && str_list_has(cpus, ' ', number);

		free(number);
		if (!named && c->cpu >= 0)
			continue;
		if (c->governor && (named || !wish.governor))
			wish.governor = c->governor;
		if (c->hz && (named || !wish.hz))
			wish.hz = c->hz;
		if (named)
			wish.cpu = c->cpu;
	}
	return wish;
}

/* "CPUs 0-3" of "0 1 2 3". */
static char *cpus_in_prose(const char *cpus)
{
	const char *last = strrchr(cpus, ' ');

	if (!last)
		return xasprintf("CPU %s", cpus);
	return xasprintf("CPUs %.*s-%s", (int)strcspn(cpus, " "), cpus,
			 last + 1);
}

/* `dir`: of the first CPU that has this clock. */
static void plan_clock(const struct making *m, const char *dir,
		       const char *cpus)
{
	struct node_profile_clock wish = wish_for(m->p, cpus);
	char *who = cpus_in_prose(cpus);
	struct node_tune_item *item;
	const char *most;

	if (wish.governor) {
		item = plan_item(m, xasprintf("governor of %s", who),
				 xasprintf("%s/scaling_governor", dir));
		want_governor(m, item, wish.governor,
			      "scaling_available_governors");
	}
	if (wish.hz) {
		item = plan_item(m, xasprintf("max-frequency of %s", who),
				 xasprintf("%s/scaling_max_freq", dir));
		most = file_beside(m, item->path, "cpuinfo_max_freq");
		want_clock(item,
			   wish.hz == NODE_PROFILE_HIGHEST ? wish.hz :
							     wish.hz / 1000,
			   file_beside(m, item->path,
				       "scaling_available_frequencies"),
			   m->p->has_boost && !m->p->boost ?
				   NULL :
				   file_beside(m, item->path,
					       "scaling_boost_frequencies"),
			   largest(most));
	}
	free(who);
}

/* The CPUs that are named and have no clock of that name. */
static void plan_absent_cpus(const struct making *m, const struct strv *seen)
{
	for (size_t i = 0; i < m->p->n_cpus; i++) {
		int cpu = m->p->cpus[i].cpu;
		char *number = xasprintf("%d", cpu);
		bool found = cpu < 0 && seen->n;

		for (size_t k = 0; !found && k < seen->n; k++)
			found = str_list_has(seen->v[k], ' ', number);
		if (!found)
			skip_setting(plan_item(m,
					       cpu < 0 ?
						       xstrdup("CPUs") :
						       xasprintf("CPU %d", cpu),
					       xasprintf(CPUS "cpu%d/cpufreq",
							 cpu < 0 ? 0 : cpu)),
				     "there is no clock to set");
		free(number);
	}
}

static void plan_cpus(const struct making *m)
{
	struct strv seen = { 0 };

	for (size_t i = 0; i < m->s->n; i++) {
		const struct tune_file *f = &m->s->v[i];
		const char *cpus;
		char *dir;

		if (fnmatch(CPUS "cpu[0-9]*/cpufreq/scaling_governor", f->path,
			    0))
			continue;
		cpus = file_beside(m, f->path, "related_cpus");
		if (!cpus)
			cpus = file_beside(m, f->path, "affected_cpus");
		if (!cpus || !*cpus)
			continue;
		dir = str_dir(f->path);
		plan_clock(m, dir, cpus);
		strv_add(&seen, cpus);
		free(dir);
	}
	plan_absent_cpus(m, &seen);
	strv_release(&seen);
}

/* ------------------------------------------------------------------ memory */

static void plan_device(const struct making *m, const char *dir)
{
	const struct node_profile_clock *wish = &m->p->memory;
	struct node_tune_item *item;

	if (wish->governor) {
		item = plan_item(m, xstrdup("governor of the memory"),
				 xasprintf("%s/governor", dir));
		want_governor(m, item, wish->governor, "available_governors");
	}
	if (wish->hz) {
		item = plan_item(m, xstrdup("max-frequency of the memory"),
				 xasprintf("%s/max_freq", dir));
		want_clock(item, wish->hz,
			   file_beside(m, item->path, "available_frequencies"),
			   NULL, 0);
	}
}

static bool matches_one(const struct strv *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->n; i++) {
		if (!fnmatch(patterns->v[i], name, 0))
			return true;
	}
	return false;
}

static void plan_memory(const struct making *m)
{
	bool found = false;
	char *names;

	if (!m->p->memory.governor && !m->p->memory.hz)
		return;
	for (size_t i = 0; i < m->s->n; i++) {
		char *dir = str_dir(m->s->v[i].path);

		if (!fnmatch(MEMORY "*/governor", m->s->v[i].path, 0) &&
		    matches_one(&m->p->devices, str_base(dir))) {
			plan_device(m, dir);
			found = true;
		}
		free(dir);
	}
	if (found)
		return;
	names = strv_join(&m->p->devices, " or ");
	skip_setting(plan_item(m, xstrdup("memory"), xstrdup(MEMORY)),
		     "this kernel has no %s there", names);
	free(names);
}

/* ----------------------------------------------------------------- thermal */

/* Millidegrees at which the zone in `dir` ends it all; 0: it does not say. */
static uint64_t critical_point(const struct making *m, const char *dir)
{
	char *pattern = xasprintf("%s/trip_point_[0-9]*_type", dir);
	uint64_t least = 0;

	for (size_t i = 0; i < m->s->n; i++) {
		const struct tune_file *f = &m->s->v[i];
		char name[64];
		uint64_t at;

		if (fnmatch(pattern, f->path, 0) ||
		    strcmp(f->value, "critical"))
			continue;
		snprintf(name, sizeof(name), "trip_point_%lu_temp",
			 strtoul(str_base(f->path) + strlen("trip_point_"),
				 NULL, 10));
		at = largest(file_beside(m, f->path, name));
		if (at && (!least || at < least))
			least = at;
	}
	free(pattern);
	return least;
}

static void plan_point(const struct making *m, const char *dir,
		       const char *type, unsigned long point)
{
	uint64_t critical = critical_point(m, dir);
	struct node_tune_item *item = plan_item(
		m, xasprintf("passive trip point %lu of %s", point, type),
		xasprintf("%s/trip_point_%lu_temp", dir, point));

	want_number(item, UINT64_C(1000) * m->p->passive);
	if (!item->now)
		skip_setting(item, "there is no such file");
	if (critical && UINT64_C(1000) * m->p->passive >= critical)
		skip_setting(item, "the board turns itself off at %llu C",
			     (unsigned long long)critical / 1000);
}

/* The points of a zone at which it slows down: how many. */
static size_t plan_zone(const struct making *m, const struct tune_file *zone)
{
	char *dir = str_dir(zone->path);
	char *pattern = xasprintf("%s/trip_point_[0-9]*_type", dir);
	size_t n = 0;

	for (size_t i = 0; i < m->s->n; i++) {
		const struct tune_file *f = &m->s->v[i];

		if (fnmatch(pattern, f->path, 0) || strcmp(f->value, "passive"))
			continue;
		plan_point(m, dir, zone->value,
			   strtoul(str_base(f->path) + strlen("trip_point_"),
				   NULL, 10));
		n++;
	}
	free(pattern);
	free(dir);
	return n;
}

static void plan_thermal(const struct making *m)
{
	size_t points = 0;
	char *names;

	if (!m->p->passive)
		return;
	for (size_t i = 0; i < m->s->n; i++) {
		const struct tune_file *f = &m->s->v[i];

		if (!fnmatch(ZONES "thermal_zone[0-9]*/type", f->path, 0) &&
		    matches_one(&m->p->zones, f->value))
			points += plan_zone(m, f);
	}
	if (points)
		return;
	names = strv_join(&m->p->zones, " or ");
	skip_setting(plan_item(m, xstrdup("trip points"), xstrdup(ZONES)),
		     "no zone of type %s has a passive one", names);
	free(names);
}

/* ---------------------------------------------------------------- services */

static void plan_services(const struct making *m)
{
	for (size_t i = 0; i < m->s->n_services; i++) {
		const struct tune_service *s = &m->s->services[i];
		struct node_tune_item *item = VEC_ADD(m->t->v, m->t->n);

		*item = (struct node_tune_item){
			.what = xasprintf("service %s", s->name),
			.path = xstrdup(s->unit ? s->unit : s->name),
			.now = s->unit ? xstrdup(s->state) : NULL,
			.wanted = xstrdup("stopped"),
			.service = true,
		};
		if (!s->unit)
			skip_setting(item, "it is not installed");
	}
}

static void compare_model(const struct making *m)
{
	char *names;

	for (size_t i = 0; i < m->p->models.n; i++) {
		if (m->t->model && strstr(m->t->model, m->p->models.v[i]))
			return;
	}
	if (!m->p->models.n)
		return;
	names = strv_join(&m->p->models, " or ");
	m->t->warning = m->t->model ?
				xasprintf("the profile is for %s, this node "
					  "says it is %s",
					  names, m->t->model) :
				xasprintf("the profile is for %s, this node "
					  "does not say what it is",
					  names);
	free(names);
}

int node_tune_plan(struct node_tune *t, const struct node_profile *p,
		   struct bytes said, struct err *err)
{
	struct tune_state s;
	const struct making m = { t, p, &s };
	int ret;

	*t = (struct node_tune){ 0 };
	ret = tune_state_read(&s, said, err);
	if (ret)
		return ret;
	t->model = s.model ? xstrdup(s.model) : NULL;
	t->kernel = s.kernel ? xstrdup(s.kernel) : NULL;
	t->start = xstrdup(s.start ? s.start : "none");
	plan_boost(&m);
	plan_cpus(&m);
	plan_memory(&m);
	plan_thermal(&m);
	plan_services(&m);
	compare_model(&m);
	for (size_t i = 0; i < s.n_before; i++) {
		const struct tune_file *f = &s.before[i];
		const struct tune_file *now = tune_state_get(&s, f->path);
		struct node_tune_item *item = VEC_ADD(t->before, t->n_before);

		item->path = xstrdup(f->path);
		item->now = now ? xstrdup(now->value) : NULL;
		item->wanted = xstrdup(f->value);
		item->service = f->path[0] != '/';
	}
	tune_state_release(&s);
	return 0;
}

static void release_items(struct node_tune_item *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].what);
		free(v[i].path);
		free(v[i].now);
		free(v[i].wanted);
		free(v[i].skip);
	}
	free(v);
}

void node_tune_release(struct node_tune *t)
{
	free(t->model);
	free(t->kernel);
	free(t->warning);
	free(t->start);
	release_items(t->v, t->n);
	release_items(t->before, t->n_before);
	*t = (struct node_tune){ 0 };
}

/* ----------------------------------------------------------------- scripts */

size_t node_tune_count(const struct node_tune *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += !t->v[i].skip;
	return n;
}

void node_tune_look(const struct node_profile *p, struct buf *out)
{
	buf_add_str(out, node_tune_script);
	buf_add_str(out, "tune_look");
	for (size_t i = 0; i < p->stop.n; i++)
		buf_printf(out, " %s", p->stop.v[i]);
	buf_add_str(out, "\n");
}

void node_tune_apply(const struct node_tune *t, struct buf *script,
		     struct buf *input)
{
	buf_printf(script, "%stune_apply\n", node_tune_script);
	for (size_t i = 0; i < t->n; i++) {
		const struct node_tune_item *item = &t->v[i];

		if (!item->skip)
			buf_printf(input, "%s %s %s\n",
				   item->service ? "stop" : "file", item->path,
				   item->wanted);
	}
}

void node_tune_revert(struct buf *script)
{
	buf_printf(script, "%stune_revert\n", node_tune_script);
}
