/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/format.h"
#include "base/json.h"
#include "base/log.h"
#include "base/terminal.h"
#include "base/version.h"
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "kernel/capacity.h"
#include "machine/machine.h"
#include "node/duplicates.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 80 /* columns of a table, unless the terminal is wider */

int nodes_log_error(const struct nodes_request *r, const struct err *err)
{
	log_error("nodes %s: %s", r->verb, err->text);
	return settings_is_interrupted() ? EXIT_INTERRUPTED : EXIT_USAGE;
}

int nodes_load(struct nodes_request *r, struct err *err)
{
	conf_free(r->conf);
	r->conf = NULL;
	node_roster_release(&r->roster);
	return settings_load_conf(&r->conf, &r->roster, err);
}

int nodes_select(const struct nodes_request *r, const struct node_entry ***out,
		 size_t *n, struct err *err)
{
	size_t most = r->words.n ? r->words.n : r->roster.n;
	const struct node_entry **list = xcalloc(most, sizeof(*list));

	for (*n = 0; *n < most; ++*n) {
		list[*n] = r->words.n ?
				   node_roster_get(&r->roster, r->words.v[*n]) :
				   &r->roster.v[*n];
		if (!list[*n]) {
			free(list);
			return node_roster_set_unknown(&r->roster,
						       r->words.v[*n], err);
		}
	}
	*out = list;
	return 0;
}

void nodes_print_if_empty(const struct nodes_request *r)
{
	char *file;

	if (r->roster.n || r->json)
		return;
	file = conf_user_path();
	log_info("no nodes in %s yet; add one with "
		 "`kfarm nodes add NAME ssh:HOST`",
		 file);
	free(file);
}

/*
 * Exclude each node whose key is also the key of another machine.  If several
 * nodes are the same machine, exclude all of them except one.  For each other
 * identity that nodes share, log a warning; the listings contain the reason for
 * an exclusion.
 */
static void nodes_mark_duplicates(struct peer_survey_node *nodes, size_t n)
{
	struct node_duplicates_identity *v = xcalloc(n + 1, sizeof(*v));
	size_t *index = xcalloc(n + 1, sizeof(*index)), up = 0;
	struct strv logged = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (!nodes[i].up)
			continue;
		index[up] = i;
		v[up++] = (struct node_duplicates_identity){
			.name = nodes[i].entry->name,
			.key = &nodes[i].entry->pin,
			.boot_id = nodes[i].hello.inventory.boot_id,
			.machine = &nodes[i].machine,
		};
	}
	for (size_t i = 0; i < up; i++) {
		bool bars;
		char *words = node_duplicates_find_worst(v, up, i, &bars);

		/* Two nodes that share an identity yield the same text. */
		if (words && !bars && !strv_has(&logged, words)) {
			log_warning("%s", words);
			strv_add(&logged, words);
		}
		if (bars)
			nodes[index[i]].excluded_reason = words;
		else
			free(words);
	}
	strv_release(&logged);
	free(index);
	free(v);
}

#define OWN_VERSION "kfarmd " KFARM_VERSION

/*
 * Log a line that lists the nodes whose kfarmd has another version than this
 * kfarm, and the command that updates them.
 */
static void nodes_print_versions(const struct nodes_survey *s)
{
	struct strv names = { 0 }, others = { 0 };
	char *list, *commanded, *versions;

	for (size_t i = 0; i < s->n_nodes; i++) {
		const char *software = s->nodes[i].hello.software;

		if (!software || str_equal(software, OWN_VERSION))
			continue;
		strv_add(&names, s->nodes[i].entry->name);
		strv_add(&others, software);
	}
	strv_sort_unique(&others);
	list = strv_join(&names, ", ");
	commanded = strv_join(&names, " ");
	versions = strv_join(&others, ", ");
	if (names.n)
		log_info("%s run%s %s, but this is kfarm " KFARM_VERSION
			 "; run `kfarm nodes update %s`",
			 list, names.n == 1 ? "s" : "", versions, commanded);
	free(versions);
	free(commanded);
	free(list);
	strv_release(&others);
	strv_release(&names);
}

static void member_number(json_t *o, const char *key, int64_t n)
{
	json_object_set_new(o, key, json_integer(n));
}

static void member_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_text(text));
}

/* Set `key` to n / scale - less, or to null if the node did not report `n`. */
static void member_known(json_t *o, const char *key, uint32_t n, double scale,
			 double less)
{
	json_object_set_new(o, key,
			    n == WIRE_HEALTH_UNKNOWN ?
				    json_null() :
				    json_real(n / scale - less));
}

/* Return the core classes of a machine as JSON. */
static json_t *classes_json(const struct wire_machine *m)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < m->n_classes; i++) {
		const struct wire_core_class *c = &m->classes[i];
		json_t *o = json_object();

		member_text(o, "model", c->model);
		member_number(o, "cpus", c->n_cpus);
		member_number(o, "usable", c->n_usable);
		member_number(o, "threads", c->threads_per_core);
		member_number(o, "capacity", c->capacity);
		member_number(o, "max_khz", c->max_khz);
		member_text(o, "governor", c->governor);
		json_array_append_new(list, o);
	}
	return list;
}

/* Format a MAC address whose first byte is in bits 40 to 47. */
static void nodes_format_mac(char out[static NODES_MAC_BYTES], uint64_t mac)
{
	snprintf(out, NODES_MAC_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x",
		 (unsigned)(mac >> 40) & 0xff, (unsigned)(mac >> 32) & 0xff,
		 (unsigned)(mac >> 24) & 0xff, (unsigned)(mac >> 16) & 0xff,
		 (unsigned)(mac >> 8) & 0xff, (unsigned)mac & 0xff);
}

/* Return the hardware of a node and its latest health report as JSON. */
static json_t *machine_json(const struct wire_machine *m)
{
	const struct wire_health *h = &m->health;
	char id[DIGEST_HEX] = "";
	json_t *o = json_object(), *health = json_object();
	json_t *abis = json_array(), *macs = json_array();

	if (digest_is_set(&m->machine_id))
		digest_format(&m->machine_id, id);
	for (size_t i = 0; i < m->abis.n; i++)
		json_array_append_new(abis, json_text(m->abis.v[i]));
	for (unsigned i = 0; i < m->n_macs; i++) {
		char text[NODES_MAC_BYTES];

		nodes_format_mac(text, m->macs[i].mac);
		json_array_append_new(macs, json_text(text));
	}
	member_text(o, "model", m->model);
	member_text(o, "kernel", m->kernel);
	member_text(o, "id", *id ? id : NULL);
	json_object_set_new(o, "abis", abis);
	json_object_set_new(o, "classes", classes_json(m));
	json_object_set_new(o, "macs", macs);
	json_object_set_new(o, "quota",
			    m->cpu_milli ? json_real(m->cpu_milli / 1000.0) :
					   json_null());
	member_number(o, "memory_mib", m->memory_mib);
	json_object_set_new(o, "memory_limit_mib",
			    m->limit_mib ? json_integer(m->limit_mib) :
					   json_null());
	member_number(o, "swap_mib", m->swap_mib);
	member_number(o, "store_mib", m->store_mib);
	member_number(o, "toolchains", m->n_toolchains);
	member_known(o, "passive_celsius", m->passive_mk, 1000,
		     WIRE_ZERO_CELSIUS_MK / 1000.0);
	member_known(health, "celsius", h->temperature_mk, 1000,
		     WIRE_ZERO_CELSIUS_MK / 1000.0);
	member_known(health, "speed", h->speed_milli, 1000, 0);
	member_known(health, "usable", h->n_usable, 1, 0);
	member_known(health, "throttled", h->n_throttled, 1, 0);
	member_known(health, "cooling", h->cooling_milli, 1000, 0);
	member_known(health, "foreign", h->foreign_milli, 1000, 0);
	member_known(health, "psi_cpu", h->psi_cpu, 100, 0);
	member_known(health, "psi_memory", h->psi_memory, 100, 0);
	member_known(health, "psi_memory_full", h->psi_memory_full, 100, 0);
	member_known(health, "psi_io", h->psi_io, 100, 0);
	member_known(health, "swap_used_mib", h->swap_mib, 1, 0);
	member_known(health, "store_free_mib", h->store_mib, 1, 0);
	json_object_set_new(o, "health", health);
	return o;
}

/* Return "up", "down", "unfit", "drained" or "cloned". */
static const char *nodes_state(const struct peer_survey_node *p)
{
	if (!p->up)
		return "down";
	if (p->excluded_reason)
		return "cloned";
	if (p->entry->drained)
		return "drained";
	return p->fit.usable ? "up" : "unfit";
}

/* Return name, state and limits of node `i`, which all listings contain. */
static json_t *node_json(const struct nodes_survey *s, size_t i)
{
	const struct peer_survey_node *p = &s->nodes[i];
	const struct nodes_limit *l = &s->limits[i];
	json_t *o = json_object();

	member_text(o, "name", p->entry->name);
	member_text(o, "address", p->entry->address_text);
	member_text(o, "state", nodes_state(p));
	member_text(o, "reason", nodes_reason(p));
	member_number(o, "slots", l->current);
	member_text(o, "why", l->max_limit.reason);
	member_number(o, "full_slots", l->max_limit.slots);
	member_text(o, "in_way", l->reason);
	return o;
}

json_t *nodes_json_list(const struct nodes_survey *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct peer_survey_node *p = &s->nodes[i];
		json_t *o = node_json(s, i);

		member_text(o, "software", p->hello.software);
		if (p->hello.software) {
			const struct wire_inventory *inv = &p->hello.inventory;

			member_number(o, "rtt_ms", p->rtt_ms);
			member_text(o, "host", inv->host);
			member_text(o, "machine", inv->machine);
			member_text(o, "boot_id", inv->boot_id);
			member_number(o, "cores", inv->cores);
			member_number(o, "memory_mib", inv->memory_mib);
			member_number(o, "available_mib", inv->available_mib);
			json_object_set_new(
				o, "load", json_real(inv->load_milli / 1000.0));
			member_text(o, "sandbox", p->fit.layers);
		}
		if (p->machine.kernel)
			json_object_set_new(o, "hardware",
					    machine_json(&p->machine));
		json_array_append_new(list, o);
	}
	return json_pack("{s:o}", "nodes", list);
}

/*
 * Return as JSON the slots of each node and of the build host, and the
 * resulting -j of make.
 */
static json_t *nodes_json_limits(const struct nodes_survey *s)
{
	json_t *list = json_array();
	json_t *local = json_object();

	for (size_t i = 0; i < s->n_nodes; i++) {
		json_t *o = node_json(s, i);

		if (nodes_reason(&s->nodes[i]))
			member_number(o, "slots", 0);
		json_array_append_new(list, o);
	}
	member_number(local, "slots", s->local_limit.slots);
	member_text(local, "why", s->local_limit.reason);
	return json_pack("{s:o, s:o, s:i}", "nodes", list, "local", local,
			 "jobs", (int)nodes_count_jobs(s));
}

void nodes_print_limits(FILE *out, const struct nodes_survey *s)
{
	struct table t = { .align = "lrl", .wrap_columns = WIDTH };
	struct strv sum = { 0 };
	char *words;

	strv_split(&t.fields, "NODE JOBS REASON", " ");
	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct peer_survey_node *p = &s->nodes[i];
		const struct nodes_limit *l = &s->limits[i];
		const char *reason = nodes_reason(p);

		strv_add(&t.fields, p->entry->name);
		if (reason) {
			strv_add(&t.fields, "0");
			strv_addf(&t.fields, "%s: %s", nodes_state(p), reason);
			continue;
		}
		strv_addf(&t.fields, "%u", l->current);
		if (l->reason)
			strv_addf(&t.fields,
				  "currently %u: %s; otherwise %u: %s",
				  l->current, l->reason, l->max_limit.slots,
				  l->max_limit.reason);
		else
			strv_add(&t.fields, l->max_limit.reason);
		strv_addf(&sum, "%u", l->current);
	}

	/* -j is the sum of all slots, limited by the build host's capacity. */
	words = strv_join(&sum, " + ");
	strv_add(&t.fields, "local");
	strv_addf(&t.fields, "%u", s->local_limit.slots);
	strv_addf(&t.fields, "%s", s->local_limit.reason);
	strv_add(&t.fields, "-j");
	strv_addf(&t.fields, "%u", nodes_count_jobs(s));
	if (sum.n)
		strv_addf(&t.fields, "%s of the nodes + %u local%s%s", words,
			  s->local_limit.slots,
			  nodes_count_jobs(s) == s->capacity ? ", but " : "",
			  nodes_count_jobs(s) == s->capacity ?
				  s->capacity_reason :
				  "");
	else
		strv_addf(&t.fields, "local slots only: %s",
			  s->n_nodes ? "no node gets jobs" :
				       "no nodes configured");
	table_print(out, &t);
	free(words);
	strv_release(&sum);
}

/*
 * Format a temperature in millikelvin as "48 C".  Returns NULL if it is
 * unknown.  The caller frees the result.
 */
static char *nodes_format_celsius(uint32_t mk)
{
	if (mk == WIRE_HEALTH_UNKNOWN)
		return NULL;
	return xasprintf("%d C", ((int)mk - WIRE_ZERO_CELSIUS_MK) / 1000);
}

/* Format a size as "512 MiB" or "3.8 GiB".  The caller frees the result. */
static char *nodes_format_memory(unsigned mib)
{
	return mib < 1024 ? xasprintf("%u MiB", mib) :
			    xasprintf("%.1f GiB", mib / 1024.0);
}

/* Add a row of `kfarm nodes list`: nine fields. */
static void add_list_row(struct table *t, const struct nodes_survey *s,
			 size_t i)
{
	const struct peer_survey_node *p = &s->nodes[i];
	const struct wire_inventory *inv = &p->hello.inventory;
	const char *reason = nodes_reason(p);

	strv_add(&t->fields, p->entry->name);
	strv_add(&t->fields, nodes_state(p));
	if (p->up) {
		const struct wire_machine *m = &p->machine;
		struct strv each = { 0 };
		char *celsius = NULL;
		unsigned sum = 0;

		/* Cores: "2+4" or "1+2+3" for 2 or 3 classes, otherwise "6". */
		for (unsigned k = 0; k < m->n_classes; k++) {
			sum += m->classes[k].n_usable;
			if (m->classes[k].n_usable)
				strv_addf(&each, "%u", m->classes[k].n_usable);
		}
		/* Under a CPU quota the classes of usable cores are unknown. */
		if (each.n > 1 && each.n < 4 && sum == inv->cores)
			strv_own(&t->fields, strv_join(&each, "+"));
		else
			strv_addf(&t->fields, "%u", inv->cores);
		strv_release(&each);
		strv_own(&t->fields, nodes_format_memory(inv->memory_mib));
		strv_add(&t->fields, inv->machine);
		if (s->limits[i].reason)
			strv_addf(&t->fields, "%u/%u", s->limits[i].current,
				  s->limits[i].max_limit.slots);
		else
			strv_addf(&t->fields, "%u", s->limits[i].current);
		strv_addf(&t->fields, "%.2f", inv->load_milli / 1000.0);
		if (p->machine.kernel)
			celsius = nodes_format_celsius(
				p->machine.health.temperature_mk);
		strv_own(&t->fields, celsius ? celsius : xstrdup("-"));
	} else {
		for (int k = 0; k < 6; k++)
			strv_add(&t->fields, "-");
	}
	if (!reason)
		reason = s->limits[i].reason ? "see limits" : "ok";
	strv_add(&t->fields, reason);
}

void nodes_print_list(FILE *out, const struct nodes_survey *s)
{
	struct table t = { .align = "llrrlrrrl" };
	const size_t n_columns = strlen(t.align);
	struct strv cut = { 0 };
	unsigned rows, columns;

	if (!s->n_nodes)
		return;
	strv_split(&t.fields,
		   "NODE STATE CORES MEMORY ARCH SLOTS LOAD TEMP NOTE", " ");
	for (size_t i = 0; i < s->n_nodes; i++)
		add_list_row(&t, s, i);
	if (!terminal_size(fileno(out), &rows, &columns) || columns < WIDTH)
		columns = WIDTH;
	table_shorten(&t, columns);
	/* Below the table, print in full each reason that was shortened. */
	for (size_t i = 0; i < s->n_nodes; i++) {
		const char *reason = nodes_reason(&s->nodes[i]);
		const char *shown = t.fields.v[(i + 2) * n_columns - 1];

		if (!reason || !strcmp(reason, shown))
			continue;
		/* The reason for an exclusion names the nodes it concerns. */
		if (reason != s->nodes[i].excluded_reason)
			strv_addf(&cut, "%s: %s", s->nodes[i].entry->name,
				  reason);
		else if (!strv_has(&cut, reason))
			strv_add(&cut, reason);
	}
	table_print(out, &t);
	for (size_t i = 0; i < cut.n; i++)
		fprintf(out, "%s\n", cut.v[i]);
	strv_release(&cut);
}

/* Print "a, b and c". */
static void print_words(FILE *out, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++)
		fprintf(out, "%s%s",
			!i               ? "" :
			i + 1 < words->n ? ", " :
					   " and ",
			words->v[i]);
}

/* Print the model, kernel and ABIs, the core classes and the cgroup limits. */
static void print_board(FILE *out, const struct wire_machine *m)
{
	fprintf(out, "  %s%sLinux %s, runs ", m->model, *m->model ? ", " : "",
		m->kernel);
	print_words(out, &m->abis);
	fputc('\n', out);
	for (unsigned i = 0; i < m->n_classes; i++) {
		const struct wire_core_class *c = &m->classes[i];

		fprintf(out, "    %u x %s", c->n_cpus,
			*c->model ? c->model : "unknown core");
		if (c->threads_per_core > 1)
			fprintf(out, ", %u threads a core",
				c->threads_per_core);
		if (c->max_khz)
			fprintf(out, ", %u MHz", c->max_khz / 1000);
		if (c->capacity)
			fprintf(out, ", capacity %u", c->capacity);
		if (*c->governor)
			fprintf(out, ", %s", c->governor);
		if (c->n_usable < c->n_cpus)
			fprintf(out, ", %u usable", c->n_usable);
		fputc('\n', out);
	}
	if (m->cpu_milli)
		fprintf(out, "    cgroup quota: %.4g cores\n",
			m->cpu_milli / 1000.0);
	if (m->limit_mib)
		fprintf(out, "    cgroup memory limit: %u of %u MiB\n",
			m->limit_mib, m->memory_mib);
}

static bool is_health_known(uint32_t n)
{
	return n != WIRE_HEALTH_UNKNOWN;
}

/*
 * Print the temperature, whether cooling throttles the node, and the limit of
 * the clock rate.  The limit is printed separately, because an administrator
 * can also limit the clock rate.
 */
static void print_temperature(FILE *out, const struct wire_machine *m)
{
	const struct wire_health *h = &m->health;
	char *now = nodes_format_celsius(h->temperature_mk);
	char *passive = nodes_format_celsius(m->passive_mk);

	if (now)
		fprintf(out, "  %s", now);
	else
		fprintf(out, "  no temperature sensor");
	if (passive)
		fprintf(out, ", passive cooling starts at %s", passive);
	if (is_health_known(h->cooling_milli) && h->cooling_milli)
		fprintf(out, ", throttled by cooling");
	if (is_health_known(h->speed_milli) && h->speed_milli < 1000)
		fprintf(out, ", clock limited to %u %%", h->speed_milli / 10);
	fputc('\n', out);
	free(passive);
	free(now);
}

static void print_psi(FILE *out, const char *what, uint32_t psi)
{
	if (is_health_known(psi))
		fprintf(out, "%s %.2f %%", what, psi / 100.0);
}

/* Print the pressure stall figures, the swap and the blob store of a node. */
static void print_disk_space(FILE *out, const struct wire_machine *m)
{
	const struct wire_health *h = &m->health;

	if (is_health_known(h->psi_cpu)) {
		print_psi(out, "  waiting for cores", h->psi_cpu);
		print_psi(out, ", memory", h->psi_memory);
		print_psi(out, ", disk", h->psi_io);
		fputc('\n', out);
	}
	if (m->swap_mib)
		fprintf(out, "  swap: %u of %u MiB used\n",
			is_health_known(h->swap_mib) ? h->swap_mib : 0,
			m->swap_mib);
	if (m->store_mib && is_health_known(h->store_mib)) {
		char *left = nodes_format_memory(h->store_mib);
		char *all = nodes_format_memory(m->store_mib);

		fprintf(out,
			"  store: %s of %s free, %u toolchain%s installed\n",
			left, all, m->n_toolchains,
			format_plural(m->n_toolchains));
		free(all);
		free(left);
	}
}

/* Print the probe report of a node that is up. */
static void print_probe(FILE *out, const struct nodes_survey *s, size_t i)
{
	const struct peer_survey_node *p = &s->nodes[i];
	const struct wire_inventory *inv = &p->hello.inventory;
	const struct nodes_limit *l = &s->limits[i];
	char *all = nodes_format_memory(inv->memory_mib);
	char *left = nodes_format_memory(inv->available_mib);
	const char *reason = nodes_reason(p);
	struct strv macs = { 0 };

	fprintf(out, "%s: %s, %s, answered in %u ms\n", p->entry->name,
		nodes_state(p), p->hello.software, p->rtt_ms);
	if (reason)
		fprintf(out, "  gets no jobs: %s\n", reason);
	fprintf(out, "  %s, %s, %u core%s, %s memory (%s free), load %.2f\n",
		inv->host, inv->machine, inv->cores, format_plural(inv->cores),
		all, left, inv->load_milli / 1000.0);
	/* A node with a protocol version below 8 sends no MACHINE message. */
	if (p->machine.kernel) {
		print_board(out, &p->machine);
		print_temperature(out, &p->machine);
		print_disk_space(out, &p->machine);
	}
	for (unsigned k = 0; k < p->machine.n_macs; k++) {
		char text[NODES_MAC_BYTES];

		nodes_format_mac(text, p->machine.macs[k].mac);
		strv_add(&macs, text);
	}
	if (macs.n) {
		fprintf(out, "  network: ");
		print_words(out, &macs);
		fputc('\n', out);
	}
	strv_release(&macs);
	fprintf(out, "  %u slot%s: %s\n", l->max_limit.slots,
		format_plural(l->max_limit.slots), l->max_limit.reason);
	if (l->reason)
		fprintf(out, "  currently %u: %s\n", l->current, l->reason);
	fprintf(out, "  sandbox: %s\n",
		*p->fit.layers ? p->fit.layers : "none");
	free(left);
	free(all);
}

void nodes_print_probe(FILE *out, const struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		if (s->nodes[i].up)
			print_probe(out, s, i);
		else
			fprintf(out, "%s: down: %s\n", s->nodes[i].entry->name,
				s->nodes[i].why);
	}
}

void nodes_survey_limits(struct nodes_survey *s)
{
	unsigned fed = 0;

	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct peer_survey_node *p = &s->nodes[i];
		const struct wire_inventory *inv = &p->hello.inventory;
		struct nodes_limit *l = &s->limits[i];

		if (p->up) {
			/*
			 * Before protocol version 8, a node sends its health
			 * only in BEAT, not in MACHINE.
			 */
			const struct wire_health *h =
				p->machine.kernel ? &p->machine.health :
						    &wire_health_unknown;

			node_limit(&l->max_limit, inv, &p->machine,
				   p->entry->slots);
			l->current = node_limit_now(l->max_limit.slots, inv, h,
						    0, &l->reason);
		}
		if (!nodes_reason(p))
			fed += node_limit_counted_cores(s->local.cores,
							inv->cores);
	}
	node_limit_local(&s->local_limit, &s->local, fed);
}

int nodes_survey(struct nodes_survey *s, const struct node_entry *const *nodes,
		 size_t n, struct err *err)
{
	struct peer_survey_setup setup = { .n = n, .identify_only = true };
	int ret;

	*s = (struct nodes_survey){ .n_nodes = n };
	s->nodes = setup.nodes = xcalloc(n, sizeof(*s->nodes));
	for (size_t i = 0; i < n; i++)
		peer_survey_init(&s->nodes[i], nodes[i]);
	s->limits = xcalloc(n, sizeof(*s->limits));
	machine_inventory_collect(&s->local, "");
	s->capacity = kernel_capacity(&s->capacity_reason, "");
	ret = peer_survey_run(&setup, NULL, err);
	if (!ret)
		nodes_mark_duplicates(s->nodes, n);
	nodes_survey_limits(s);
	if (ret)
		nodes_survey_release(s);
	return ret;
}

void nodes_survey_release(struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		peer_survey_release(&s->nodes[i]);
		free(s->limits[i].max_limit.reason);
		free(s->limits[i].reason);
	}
	free(s->nodes);
	free(s->limits);
	wire_inventory_release(&s->local);
	free(s->local_limit.reason);
	free(s->capacity_reason);
	*s = (struct nodes_survey){ 0 };
}

const char *nodes_reason(const struct peer_survey_node *p)
{
	if (!p->up)
		return p->why;
	if (p->excluded_reason)
		return p->excluded_reason;
	if (p->entry->drained)
		return "until `kfarm nodes resume`";
	return p->fit.usable ? NULL : p->fit.reason;
}

unsigned nodes_count_jobs(const struct nodes_survey *s)
{
	unsigned sum = s->local_limit.slots;

	for (size_t i = 0; i < s->n_nodes; i++) {
		if (!nodes_reason(&s->nodes[i]))
			sum += s->limits[i].current;
	}
	return sum < s->capacity ? sum : s->capacity;
}

int nodes_survey_main(void *request)
{
	struct nodes_request *r = request;
	bool limits = !strcmp(r->verb, "limits");
	const struct node_entry **nodes = NULL;
	struct nodes_survey s;
	struct err err = { 0 };
	size_t n = 0;
	int status;

	if (nodes_load(r, &err) || nodes_select(r, &nodes, &n, &err))
		return nodes_log_error(r, &err);
	nodes_print_if_empty(r);
	status = nodes_survey(&s, nodes, n, &err);
	free(nodes);
	if (status)
		return nodes_log_error(r, &err);
	if (r->json)
		table_print_json(limits ? nodes_json_limits(&s) :
					  nodes_json_list(&s));
	else if (limits)
		nodes_print_limits(stdout, &s);
	else if (!strcmp(r->verb, "probe"))
		nodes_print_probe(stdout, &s);
	else
		nodes_print_list(stdout, &s);
	nodes_print_versions(&s);
	/* A drained node is not a failure, because the user drained it. */
	for (size_t i = 0; i < s.n_nodes; i++) {
		if (!s.nodes[i].fit.usable || s.nodes[i].excluded_reason)
			status = EXIT_USAGE;
	}
	nodes_survey_release(&s);
	return status;
}
