/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nodes-check.h"

#include "base/format.h"
#include "base/str.h"
#include "cli/table.h"
#include "conf/schema.h"

#include <stdlib.h>

uint64_t nodes_burn_time(const char *text)
{
	static const struct conf_key time = {
		.type = CONF_AMOUNT, .min = 1, .max = 7, .words = "s m h d"
	};
	uint64_t seconds;

	return conf_schema_amount(&time, text, &seconds) ? seconds * 1000 : 0;
}

static unsigned other_faults(const struct peer_trial_count *c)
{
	return c->damaged + c->failed;
}

static char *heat_text(const struct peer_trial_node *n)
{
	if (n->hottest_mk == WIRE_HEALTH_UNKNOWN)
		return xstrdup("-");
	return xasprintf("%d C",
			 ((int)n->hottest_mk - WIRE_HEALTH_ZERO) / 1000);
}

char *nodes_burn_live(const struct peer_trial_node *n)
{
	const struct peer_trial_count *c = &n->burn;
	char *heat = heat_text(n);
	char *text = xasprintf("%u right, %u wrong, %u crashed%s%s", c->right,
			       c->wrong, c->crashed + other_faults(c),
			       n->hottest_mk == WIRE_HEALTH_UNKNOWN ? "" : ", ",
			       n->hottest_mk == WIRE_HEALTH_UNKNOWN ? "" :
								      heat);

	free(heat);
	return text;
}

static void add_clock(struct table *t, uint32_t milli)
{
	if (milli == WIRE_HEALTH_UNKNOWN)
		strv_add(&t->cells, "-");
	else
		strv_addf(&t->cells, "%u %%", milli / 10);
}

/* From CORES to FAILED. */
static void add_counts(struct table *t, unsigned cores,
		       const struct peer_trial_count *c)
{
	strv_addf(&t->cells, "%u", cores);
	strv_addf(&t->cells, "%u", c->right);
	strv_addf(&t->cells, "%u", c->wrong);
	strv_addf(&t->cells, "%u", c->crashed);
	strv_addf(&t->cells, "%u", other_faults(c));
}

static void add_cpu(struct table *t, uint64_t ms)
{
	struct buf cpu = { 0 };

	format_span(&cpu, ms);
	strv_add(&t->cells, buf_str(&cpu));
	buf_release(&cpu);
}

/* A class has no conversation, and no sensor that is known to be its own. */
static void add_class_row(struct table *t, const struct peer_trial_class *c)
{
	char *name = xasprintf("  %s", c->name);

	strv_own(&t->cells, nodes_check_name(name));
	add_counts(t, c->cpus, &c->burn);
	strv_add(&t->cells, "");
	add_cpu(t, c->cpu_ms);
	strv_add(&t->cells, "");
	add_clock(t, c->slowest_milli);
	free(name);
}

static void add_burn_rows(struct table *t, const struct peer_trial_node *n)
{
	strv_own(&t->cells, nodes_check_name(n->entry->name));
	add_counts(t, n->cores, &n->burn);
	strv_addf(&t->cells, "%u", n->lost);
	add_cpu(t, n->cpu_ms);
	strv_own(&t->cells, heat_text(n));
	add_clock(t, n->slowest_milli);
	for (unsigned i = 0; i < n->n_classes; i++) {
		if (peer_trial_classes(n) > 1 && n->class[i].cpus)
			add_class_row(t, &n->class[i]);
	}
}

static void print_burn_table(FILE *out, const struct nodes_check *c)
{
	static const char *const head[] = { "NODE",  "CORES",   "RIGHT",
					    "WRONG", "CRASHED", "FAILED",
					    "LOST",  "CPU",     "HEAT",
					    "CLOCK" };
	struct table t = { .align = "lrrrrrrrrr" };

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.cells, head[i]);
	for (size_t i = 0; i < c->trial->n; i++) {
		if (c->trial->nodes[i].burn.asked)
			add_burn_rows(&t, &c->trial->nodes[i]);
	}
	table_print(out, &t);
}

/* What the cores are, how many of them were slowed down at once, and heat. */
static void print_cores(FILE *out, const struct peer_trial_node *n)
{
	struct buf text = { 0 };

	buf_printf(&text, "%s: %s", n->entry->name, n->classes);
	if (n->throttled)
		buf_printf(&text, "; up to %u of them slowed down",
			   n->throttled);
	for (unsigned i = 0; i < n->n_zones; i++)
		buf_printf(&text, "%s %s %d C", i ? "," : "; at most",
			   n->zone[i].name,
			   ((int)n->zone[i].hottest_mk - WIRE_HEALTH_ZERO) /
				   1000);
	nodes_check_line(out, buf_str(&text));
	buf_release(&text);
}

static void print_classes(FILE *out, const struct nodes_check *c)
{
	for (size_t i = 0; i < c->trial->n; i++) {
		const struct peer_trial_node *n = &c->trial->nodes[i];
		char *text;

		if (n->burn.asked && n->classes)
			print_cores(out, n);
		if (!n->burn.asked || !n->is_whole)
			continue;
		text = xasprintf("%s: its kfarmd cannot keep jobs to one kind "
				 "of core, so it is counted as a whole; `kfarm "
				 "nodes update %s` brings one that can",
				 n->entry->name, n->entry->name);
		nodes_check_line(out, text);
		free(text);
	}
}

static void print_odd_unit(FILE *out, const struct nodes_check *c)
{
	int unit = peer_verdict_odd_unit(c->trial->nodes, c->trial->n);

	if (unit >= 0)
		nodes_check_finding(
			out, "this machine", "burn-in",
			"all nodes agree on one answer, and it is another than "
			"what was compiled here: it may be this machine that "
			"computes wrongly",
			"take back what raises its clock or its memory's, and "
			"do it again");
}

void nodes_burn_text(FILE *out, const struct nodes_check *c)
{
	struct buf took = { 0 };

	if (!c->trial->burnt_ms)
		return;
	format_duration(&took, c->trial->burnt_ms);
	fprintf(out, "\nburn-in of %s with %s%s\n", buf_str(&took), c->compiler,
		c->trial->cancelled ? ", until it was interrupted" : "");
	buf_release(&took);
	print_burn_table(out, c);
	print_classes(out, c);
	print_odd_unit(out, c);
	for (size_t i = 0; i < c->trial->n; i++) {
		const struct peer_verdict *v =
			&c->verdict[i][PEER_VERDICT_BURN];

		if (v->what)
			nodes_check_finding(out, c->trial->nodes[i].entry->name,
					    "burn-in", v->what, v->todo);
	}
}
