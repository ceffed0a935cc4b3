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
#include "node/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int nodes_set_no_ssh(const struct node_entry *e, int code, struct err *err)
{
	return err_set(err, code,
		       "node %s: no ssh address is configured; set "
		       "`ssh = [USER@]HOST` in [node \"%s\"]",
		       e->name, e->name);
}

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

/*
 * Find a node by its name.  For `check`, also find members of pools; the name
 * of a pool then selects its first member.
 */
static const struct node_entry *find_named(const struct nodes_request *r,
					   const char *name)
{
	const struct node_pool *p;

	if (strcmp(r->verb, "check") != 0)
		return node_roster_get(&r->roster, name);
	p = node_roster_get_pool(&r->roster, name);
	return p ? &p->members[0] : node_roster_find(&r->roster, name);
}

int nodes_select(const struct nodes_request *r, const struct node_entry ***out,
		 size_t *n, struct err *err)
{
	size_t most = r->words.n ? r->words.n : r->roster.n;
	const struct node_entry **list = xcalloc(most, sizeof(*list));
	int ret = 0;

	*n = 0;
	for (size_t i = 0; !ret && i < most; i++) {
		const struct node_entry *e = r->words.n ?
						     find_named(r,
								r->words.v[i]) :
						     &r->roster.v[i];
		size_t k = 0;

		/*
		 * List each named node only once, so that two scripts do not
		 * run on a node that was named twice.
		 */
		while (r->words.n && k < *n && list[k] != e)
			k++;
		if (!e)
			ret = node_roster_set_unknown(&r->roster, r->words.v[i],
						      err);
		else if (r->words.n && e->list &&
			 str_list_has("update rekey tune power", ' ', r->verb))
			ret = err_set(err, EPERM,
				      "node %s is in the imported list %s, "
				      "whose author administers the node",
				      e->name, e->list);
		else if (!r->words.n || k == *n)
			list[(*n)++] = e;
	}
	if (ret)
		free(list);
	else
		*out = list;
	return ret;
}

void nodes_print_if_empty(const struct nodes_request *r)
{
	char *file;

	if (r->roster.n || r->words.n || r->json)
		return;
	file = conf_user_path();
	if (!r->roster.n_pools)
		log_info("no nodes in %s yet; add one with "
			 "`kfarm nodes add NAME ssh:HOST`",
			 file);
	else if (!str_list_has("list limits", ' ', r->verb))
		log_info(
			"%s contains only pools, whose members start when a "
			"build needs them%s",
			file,
			strcmp(r->verb, "check") ?
				"" :
				"; `kfarm nodes check POOL` tests one of them");
	free(file);
}

/*
 * Exclude each node whose key is also the key of another machine.  If several
 * nodes are the same machine, exclude all of them except one.  The listings
 * contain the reason for an exclusion.  Log a warning if a node has a conflict
 * (node/duplicates.h) but is not excluded.
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

		/* Nodes that share an identity yield one text; log it once. */
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

#define NOTED_MEMBERS_MAX 20 /* members of a relay in the column NOTE */

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

/* Format a MAC address whose first byte is in bits 40 to 47. */
static void nodes_format_mac(char out[static NODES_MAC_BYTES], uint64_t mac)
{
	snprintf(out, NODES_MAC_BYTES, "%02x:%02x:%02x:%02x:%02x:%02x",
		 (unsigned)(mac >> 40) & 0xff, (unsigned)(mac >> 32) & 0xff,
		 (unsigned)(mac >> 24) & 0xff, (unsigned)(mac >> 16) & 0xff,
		 (unsigned)(mac >> 8) & 0xff, (unsigned)mac & 0xff);
}

/* Return the word of NODES_STATES for the node. */
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

/* Return why the node gets no jobs, or NULL if it gets jobs. */
static const char *nodes_reason(const struct peer_survey_node *p)
{
	if (!p->up)
		return p->why;
	if (p->excluded_reason)
		return p->excluded_reason;
	if (p->entry->drained)
		return "until `kfarm nodes resume`";
	return p->fit.usable ? NULL : p->fit.reason;
}

/* ---- the records of the listings ---- */

/* A number that is null if the node did not report it. */
#define HEALTH(name, member, scale)                                           \
	RECORD_NUMBER(name, wire_health, member, 0, WIRE_HEALTH_UNKNOWN - 1), \
		.divisor = (scale)

static const struct record_member health_members[] = {
	{ HEALTH("celsius", temperature_mk, 1000),
	  .zero = WIRE_ZERO_CELSIUS_MK },
	{ HEALTH("speed", speed_milli, 1000) },
	{ HEALTH("usable", n_usable, 1) },
	{ HEALTH("throttled", n_throttled, 1) },
	{ HEALTH("cooling", cooling_milli, 1000) },
	{ HEALTH("foreign", foreign_milli, 1000) },
	{ HEALTH("psi_cpu", psi_cpu, 100) },
	{ HEALTH("psi_memory", psi_memory, 100) },
	{ HEALTH("psi_memory_full", psi_memory_full, 100) },
	{ HEALTH("psi_io", psi_io, 100) },
	{ HEALTH("swap_used_mib", swap_mib, 1) },
	{ HEALTH("store_free_mib", store_mib, 1) },
};
static const struct record health_record = RECORD(wire_health, health_members);

static const struct record_member class_members[] = {
	{ RECORD_VALUE("model", wire_core_class, model) },
	{ RECORD_VALUE("cpus", wire_core_class, n_cpus) },
	{ RECORD_VALUE("usable", wire_core_class, n_usable) },
	{ RECORD_VALUE("threads", wire_core_class, threads_per_core) },
	{ RECORD_VALUE("capacity", wire_core_class, capacity) },
	{ RECORD_VALUE("max_khz", wire_core_class, max_khz) },
	{ RECORD_VALUE("governor", wire_core_class, governor) },
};
static const struct record class_record = RECORD(wire_core_class,
						 class_members);

static json_t *macs_json(const void *machine)
{
	const struct wire_machine *m = machine;
	json_t *list = json_array();

	for (unsigned i = 0; i < m->n_macs; i++) {
		char text[NODES_MAC_BYTES];

		nodes_format_mac(text, m->macs[i].mac);
		json_array_append_new(list, json_text(text));
	}
	return list;
}

static const struct record_member machine_members[] = {
	{ RECORD_VALUE("model", wire_machine, model) },
	{ RECORD_VALUE("kernel", wire_machine, kernel) },
	{ RECORD_VALUE("id", wire_machine, machine_id) },
	{ RECORD_VALUE("abis", wire_machine, abis) },
	{ RECORD_LIST("classes", wire_machine, classes, n_classes, UINT8_MAX,
		      &class_record) },
	{ RECORD_COMPUTED("macs", macs_json) },
	{ RECORD_NUMBER("quota", wire_machine, cpu_milli, 1, UINT32_MAX),
	  .divisor = 1000 },
	{ RECORD_VALUE("memory_mib", wire_machine, memory_mib) },
	{ RECORD_NUMBER("memory_limit_mib", wire_machine, limit_mib, 1,
			UINT32_MAX) },
	{ RECORD_VALUE("swap_mib", wire_machine, swap_mib) },
	{ RECORD_VALUE("store_mib", wire_machine, store_mib) },
	{ RECORD_VALUE("toolchains", wire_machine, n_toolchains) },
	{ RECORD_NUMBER("passive_celsius", wire_machine, passive_mk, 0,
			WIRE_HEALTH_UNKNOWN - 1),
	  .divisor = 1000, .zero = WIRE_ZERO_CELSIUS_MK },
	{ RECORD_OBJECT("health", wire_machine, health, &health_record) },
};
static const struct record machine_record = RECORD(wire_machine,
						   machine_members);

/* Format the usable cores: "2+4" or "1+2+3" by class, otherwise "6". */
static char *format_cores(const void *node)
{
	const struct peer_survey_node *p = node;
	const struct wire_machine *m = &p->machine;
	unsigned cores = p->hello.inventory.cores, sum = 0;
	struct strv each = { 0 };
	char *text;

	for (unsigned k = 0; k < m->n_classes; k++) {
		sum += m->classes[k].n_usable;
		if (m->classes[k].n_usable)
			strv_addf(&each, "%u", m->classes[k].n_usable);
	}
	/* Under a CPU quota the classes of usable cores are unknown. */
	if (each.n > 1 && each.n < 4 && sum == cores)
		text = strv_join(&each, "+");
	else
		text = xasprintf("%u", cores);
	strv_release(&each);
	return text;
}

/* Format a size as "512 MiB" or "3.8 GiB".  The caller frees the result. */
static char *nodes_format_memory(int64_t mib)
{
	return mib < 1024 ? xasprintf("%lld MiB", (long long)mib) :
			    xasprintf("%.1f GiB", (double)mib / 1024);
}

char *nodes_format_celsius(int64_t mk)
{
	if (mk == WIRE_HEALTH_UNKNOWN)
		return NULL;
	return xasprintf("%d C", ((int)mk - WIRE_ZERO_CELSIUS_MK) / 1000);
}

static char *format_slots(const void *row)
{
	const struct nodes_row *r = row;

	if (!r->answer)
		return NULL;
	return r->limit_reason ?
		       xasprintf("%u/%u", r->slots, r->max_limit.slots) :
		       xasprintf("%u", r->slots);
}

/* Append the members of a relay, such as "relay to a, b". */
static void add_relay_members(struct buf *out, const struct peer_survey_node *p)
{
	const struct strv *members = &p->members;

	buf_add_str(out, "relay to ");
	for (size_t i = 0; i < members->n && i < NOTED_MEMBERS_MAX; i++)
		buf_printf(out, "%s%s", i ? ", " : "", members->v[i]);
	if (members->n > NOTED_MEMBERS_MAX)
		buf_printf(out, " and %zu more",
			   members->n - NOTED_MEMBERS_MAX);
	else if (!members->n)
		buf_add_str(out, "no node");
	if (p->fit.reason && *p->fit.reason)
		buf_printf(out, "; not usable: %s", p->fit.reason);
}

static char *format_note(const void *row)
{
	const struct nodes_row *r = row;
	unsigned version = r->node->hello.version_max;
	struct buf note = { 0 };

	if (!strcmp(r->state, "drained"))
		return NULL;
	if (r->reason)
		return xasprintf("%s%s",
				 r->node->entry->drained ? "drained; " : "",
				 r->reason);
	if (version && version != WIRE_VERSION)
		buf_printf(&note, "protocol %u", version);
	if (r->node->is_relay) {
		buf_add_str(&note, note.len ? ", " : "");
		add_relay_members(&note, r->node);
	}
	if (r->limit_reason)
		buf_printf(&note, "%ssee limits", note.len ? ", " : "");
	if (!note.len)
		buf_add_str(&note, "ok");
	return buf_steal(&note);
}

static bool has_machine(const void *row)
{
	return ((const struct nodes_row *)row)->node->machine.kernel;
}

static bool has_members(const void *row)
{
	return ((const struct nodes_row *)row)->node->is_relay;
}

/* Name, state and limits, which all listings contain. */
static const struct record_member common_members[] = {
	{ RECORD_VALUE("name", node_entry, name), RECORD_VIA(nodes_row, entry),
	  RECORD_COLUMN(1, "NODE") },
	{ RECORD_VALUE("address", node_entry, address_text),
	  RECORD_VIA(nodes_row, entry) },
	{ RECORD_VALUE("site", node_entry, site),
	  RECORD_VIA(nodes_row, entry) },
	{ RECORD_VALUE("list", node_entry, list),
	  RECORD_VIA(nodes_row, entry) },
	{ RECORD_VALUE("state", nodes_row, state), RECORD_COLUMN(2, "STATE") },
	{ RECORD_VALUE("reason", nodes_row, reason) },
	{ RECORD_VALUE("slots", nodes_row, slots),
	  RECORD_COLUMN_RIGHT(6, "SLOTS"), .format = format_slots },
	{ RECORD_VALUE("why", nodes_row, max_limit.reason) },
	{ RECORD_VALUE("full_slots", nodes_row, max_limit.slots) },
	{ RECORD_VALUE("in_way", nodes_row, limit_reason) },
};
static const struct record common_record = RECORD(nodes_row, common_members);

#define INVENTORY(name, member) \
	RECORD_VALUE(name, peer_survey_node, hello.inventory.member)

/* Members from the node's messages HELLO, FIT and MACHINE. */
static const struct record_member answer_members[] = {
	{ RECORD_VALUE("rtt_ms", peer_survey_node, rtt_ms) },
	{ INVENTORY("host", host) },
	{ INVENTORY("machine", machine), RECORD_COLUMN(5, "ARCH") },
	{ INVENTORY("boot_id", boot_id) },
	{ INVENTORY("cores", cores), RECORD_COLUMN_RIGHT(3, "CORES"),
	  .format = format_cores },
	{ INVENTORY("memory_mib", memory_mib), RECORD_COLUMN_RIGHT(4, "MEMORY"),
	  .format_number = nodes_format_memory },
	{ INVENTORY("available_mib", available_mib) },
	{ INVENTORY("load", load_milli), .divisor = 1000, .decimals = 2,
	  RECORD_COLUMN_RIGHT(7, "LOAD") },
	{ RECORD_VALUE("sandbox", peer_survey_node, fit.layers) },
	{ RECORD_NUMBER(NULL, peer_survey_node, machine.health.temperature_mk,
			1, WIRE_HEALTH_UNKNOWN - 1),
	  RECORD_COLUMN_RIGHT(8, "TEMP"),
	  .format_number = nodes_format_celsius },
};
static const struct record answer_record = RECORD(peer_survey_node,
						  answer_members);

static const struct record_member list_members[] = {
	{ .kind = RECORD_IS_PART, .of = &common_record },
	{ RECORD_VALUE("software", peer_survey_node, hello.software),
	  RECORD_VIA(nodes_row, node) },
	{ RECORD_NUMBER("protocol", peer_survey_node, hello.version_max, 1,
			UINT16_MAX),
	  RECORD_VIA(nodes_row, node) },
	{ RECORD_PART_VIA(nodes_row, answer, &answer_record) },
	{ RECORD_OBJECT("hardware", peer_survey_node, machine, &machine_record),
	  RECORD_VIA(nodes_row, node), .is_present = has_machine },
	{ RECORD_VALUE("members", peer_survey_node, members),
	  RECORD_VIA(nodes_row, node), .is_present = has_members },
	{ RECORD_VALUE("unusable_members", peer_survey_node, fit.reason),
	  RECORD_VIA(nodes_row, node), .is_present = has_members },
	{ RECORD_COLUMN(9, "NOTE"), .format = format_note },
};
const struct record nodes_row_record = RECORD(nodes_row, list_members);

json_t *nodes_json_list(const struct nodes_survey *s)
{
	return json_pack(
		"{s:o}", "nodes",
		record_array_to_json(&nodes_row_record, s->rows, s->n_nodes));
}

static const struct record_member local_members[] = {
	{ RECORD_VALUE("slots", node_limit, slots) },
	{ RECORD_VALUE("why", node_limit, reason) },
};
static const struct record local_record = RECORD(node_limit, local_members);

/* Return the slots of the pool with all its members, or 0 if it is drained. */
static unsigned count_pool_slots(const struct node_pool *p)
{
	return p->drained ? 0 : p->max * p->member_slots;
}

/*
 * Return a JSON object with the slots of each node and of the build host, and
 * the resulting -j of make.
 */
static json_t *nodes_json_limits(const struct nodes_survey *s)
{
	json_t *list = record_array_to_json(&common_record, s->rows,
					    s->n_nodes);

	for (size_t i = 0; i < s->n_nodes; i++) {
		if (s->rows[i].reason)
			json_object_set_new(json_array_get(list, i), "slots",
					    json_integer(0));
	}
	return json_pack("{s:o, s:o, s:i}", "nodes", list, "local",
			 record_to_json(&local_record, &s->local_limit), "jobs",
			 (int)nodes_count_jobs(s));
}

void nodes_print_limits(FILE *out, const struct nodes_survey *s)
{
	struct table t = { .align = "lrl",
			   .wrap_columns = NODES_TABLE_COLUMNS };
	struct strv sum = { 0 };
	char *words;

	strv_split(&t.fields, "NODE JOBS REASON", " ");
	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct nodes_row *r = &s->rows[i];

		strv_add(&t.fields, r->entry->name);
		if (r->reason) {
			strv_add(&t.fields, "0");
			strv_addf(&t.fields, "%s: %s", r->state, r->reason);
			continue;
		}
		strv_addf(&t.fields, "%u", r->slots);
		if (r->limit_reason)
			strv_addf(&t.fields,
				  "currently %u: %s; otherwise %u: %s",
				  r->slots, r->limit_reason, r->max_limit.slots,
				  r->max_limit.reason);
		else
			strv_add(&t.fields, r->max_limit.reason);
		strv_addf(&sum, "%u", r->slots);
	}
	for (size_t i = 0; i < s->n_pools; i++) {
		const struct node_pool *p = &s->pools[i];

		strv_add(&t.fields, p->name);
		strv_addf(&t.fields, "%u", count_pool_slots(p));
		if (p->drained) {
			strv_add(&t.fields,
				 "drained: until `kfarm nodes resume`");
			continue;
		}
		strv_addf(&t.fields,
			  "at most %u member%s with %u slot%s each, started "
			  "while a build needs them",
			  p->max, format_plural(p->max), p->member_slots,
			  format_plural(p->member_slots));
		strv_addf(&sum, "%u", count_pool_slots(p));
	}

	/* -j is the sum of all slots, limited by the build host's capacity. */
	words = strv_join(&sum, " + ");
	strv_add(&t.fields, "local");
	strv_addf(&t.fields, "%u", s->local_limit.slots);
	strv_addf(&t.fields, "%s", s->local_limit.reason);
	strv_add(&t.fields, "-j");
	strv_addf(&t.fields, "%u", nodes_count_jobs(s));
	if (sum.n)
		strv_addf(&t.fields, "%s of the nodes%s + %u local%s%s", words,
			  s->n_pools ? " and pools" : "", s->local_limit.slots,
			  nodes_count_jobs(s) == s->capacity ? ", but " : "",
			  nodes_count_jobs(s) == s->capacity ?
				  s->capacity_reason :
				  "");
	else
		strv_addf(&t.fields, "local slots only: %s",
			  s->n_nodes + s->n_pools ? "no node gets jobs" :
						    "no nodes configured");
	table_print(out, &t);
	free(words);
	strv_release(&sum);
}

void nodes_print_list(FILE *out, const struct nodes_survey *s)
{
	struct table t = { 0 };
	struct strv notes = { 0 }, below = { 0 };
	unsigned rows, columns;

	if (!s->n_nodes)
		return;
	for (size_t i = 0; i < s->n_nodes; i++) {
		struct nodes_row r = s->rows[i];

		if (!r.node->up)
			r.answer = NULL;
		table_add_record(&t, &nodes_row_record, &r);
		strv_add(&notes, t.fields.v[t.fields.n - 1]);
	}
	if (!terminal_size(fileno(out), &rows, &columns) ||
	    columns < NODES_TABLE_COLUMNS)
		columns = NODES_TABLE_COLUMNS;
	table_replace_wide(&t, columns, "see below");
	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct nodes_row *r = &s->rows[i];
		const char *shown = t.fields.v[(i + 2) * strlen(t.align) - 1];

		if (!strcmp(notes.v[i], shown))
			continue;
		/*
		 * The reason for an exclusion contains the names of all
		 * affected nodes, so print it once and without a name in front.
		 */
		if (!r->reason || r->reason != r->node->excluded_reason)
			strv_addf(&below, "%s: %s", r->entry->name, notes.v[i]);
		else if (!strv_has(&below, r->reason))
			strv_add(&below, r->reason);
	}
	table_print(out, &t);
	for (size_t i = 0; i < below.n; i++)
		fprintf(out, "%s\n", below.v[i]);
	strv_release(&below);
	strv_release(&notes);
}

/* Print a list of words such as "a, b and c". */
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
static void print_probe(FILE *out, const struct nodes_row *r)
{
	const struct peer_survey_node *p = r->node;
	const struct wire_inventory *inv = &p->hello.inventory;
	char *all = nodes_format_memory(inv->memory_mib);
	char *left = nodes_format_memory(inv->available_mib);
	struct buf members = { 0 };
	struct strv macs = { 0 };

	fprintf(out, "%s: %s, %s, answered in %u ms\n", r->entry->name,
		r->state, p->hello.software, p->rtt_ms);
	if (r->reason)
		fprintf(out, "  gets no jobs: %s\n", r->reason);
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
	if (p->is_relay) {
		add_relay_members(&members, p);
		fprintf(out, "  %s\n", buf_str(&members));
	}
	buf_release(&members);
	if (macs.n) {
		fprintf(out, "  network: ");
		print_words(out, &macs);
		fputc('\n', out);
	}
	strv_release(&macs);
	fprintf(out, "  %u slot%s: %s\n", r->max_limit.slots,
		format_plural(r->max_limit.slots), r->max_limit.reason);
	if (r->limit_reason)
		fprintf(out, "  currently %u: %s\n", r->slots, r->limit_reason);
	fprintf(out, "  sandbox: %s\n",
		*p->fit.layers ? p->fit.layers : "none");
	free(left);
	free(all);
}

void nodes_print_probe(FILE *out, const struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		if (s->nodes[i].up)
			print_probe(out, &s->rows[i]);
		else
			fprintf(out, "%s does not answer: %s\n",
				s->nodes[i].entry->name, s->nodes[i].why);
	}
}

void nodes_survey_limits(struct nodes_survey *s)
{
	unsigned fed = 0;

	for (size_t i = 0; i < s->n_nodes; i++) {
		const struct peer_survey_node *p = &s->nodes[i];
		const struct wire_inventory *inv = &p->hello.inventory;
		struct nodes_row *r = &s->rows[i];

		*r = (struct nodes_row){
			.entry = p->entry,
			.node = p,
			.answer = p->hello.software ? p : NULL,
			.state = nodes_state(p),
			.reason = nodes_reason(p),
		};
		if (p->up) {
			/*
			 * Before protocol version 8, a node sends its health
			 * only in BEAT, not in MACHINE.
			 */
			const struct wire_health *h =
				p->machine.kernel ? &p->machine.health :
						    &wire_health_unknown;

			node_limit(&r->max_limit, inv, &p->machine,
				   p->entry->slots);
			r->slots = node_limit_now(r->max_limit.slots, inv, h, 0,
						  &r->limit_reason);
		}
		if (!r->reason)
			fed += node_limit_counted_cores(s->local.cores,
							inv->cores);
	}
	node_limit_local(&s->local_limit, &s->local, fed);
}

int nodes_survey(struct nodes_survey *s, const struct node_entry *const *nodes,
		 size_t n, const atomic_bool *cancel, struct err *err)
{
	struct peer_survey_setup setup = { .n = n,
					   .identify_only = true,
					   .cancel = cancel };
	size_t n_files = 0;
	int ret;

	*s = (struct nodes_survey){ .n_nodes = n };
	s->nodes = setup.nodes = xcalloc(n, sizeof(*s->nodes));
	for (size_t i = 0; i < n; i++) {
		peer_survey_init(&s->nodes[i], nodes[i]);
		n_files += node_address_count_files(&nodes[i]->address);
	}
	s->rows = xcalloc(n, sizeof(*s->rows));
	machine_inventory_collect(&s->local, "");
	s->capacity = kernel_capacity(&s->capacity_reason, "", n_files);
	ret = peer_survey_run(&setup, NULL, err);
	if (!ret)
		nodes_mark_duplicates(s->nodes, n);
	nodes_survey_limits(s);
	if (ret)
		nodes_survey_release(s);
	return ret;
}

static void release_node(struct nodes_survey *s, size_t i)
{
	peer_survey_release(&s->nodes[i]);
	free(s->rows[i].max_limit.reason);
	free(s->rows[i].limit_reason);
}

void nodes_survey_release(struct nodes_survey *s)
{
	for (size_t i = 0; i < s->n_nodes; i++)
		release_node(s, i);
	free(s->nodes);
	free(s->rows);
	wire_inventory_release(&s->local);
	free(s->local_limit.reason);
	free(s->capacity_reason);
	*s = (struct nodes_survey){ 0 };
}

unsigned nodes_count_jobs(const struct nodes_survey *s)
{
	unsigned sum = s->local_limit.slots;

	for (size_t i = 0; i < s->n_nodes; i++) {
		if (!s->rows[i].reason)
			sum += s->rows[i].slots;
	}
	for (size_t i = 0; i < s->n_pools; i++)
		sum += count_pool_slots(&s->pools[i]);
	return sum < s->capacity ? sum : s->capacity;
}

/* Remove each node whose state is not in r->states from the survey. */
static void keep_states(const struct nodes_request *r, struct nodes_survey *s)
{
	size_t n = 0;

	if (!r->states.n)
		return;
	for (size_t i = 0; i < s->n_nodes; i++) {
		struct nodes_row row = s->rows[i];

		if (!strv_has(&r->states, row.state)) {
			release_node(s, i);
			continue;
		}
		s->nodes[n] = s->nodes[i];
		row.node = &s->nodes[n];
		row.answer = row.answer ? row.node : NULL;
		s->rows[n++] = row;
	}
	if (!n && s->n_nodes)
		log_info("no node matches --state (%zu checked)", s->n_nodes);
	s->n_nodes = n;
}

int nodes_survey_main(void *request)
{
	struct nodes_request *r = request;
	bool limits = !strcmp(r->verb, "limits");
	bool list_verb = !strcmp(r->verb, "list");
	const struct node_entry **nodes = NULL;
	struct nodes_pools pools = { 0 };
	struct nodes_survey s;
	struct err err = { 0 };
	size_t n = 0;
	json_t *list;
	int status;

	if (r->farm_file)
		return nodes_simulate_main(r);
	if (r->build || r->gantt_file) {
		err_set(&err, EINVAL, "--%s requires --simulate FARM",
			r->build ? "build" : "gantt");
		return nodes_log_error(r, &err);
	}
	status = nodes_load(r, &err);
	if (!status)
		status = list_verb ? nodes_filter_select(r, &nodes, &n, &err) :
				     nodes_select(r, &nodes, &n, &err);
	if (status)
		return nodes_log_error(r, &err);
	nodes_print_if_empty(r);
	status = nodes_survey(&s, nodes, n, NULL, &err);
	free(nodes);
	if (status)
		return nodes_log_error(r, &err);
	if (list_verb)
		keep_states(r, &s);
	/* `limits` prints the members of pools only as JSON. */
	if (list_verb || (limits && r->json))
		nodes_pools_collect(&pools, r);
	s.pools = r->roster.pools;
	s.n_pools = r->roster.n_pools;
	if (r->json) {
		list = limits ? nodes_json_limits(&s) : nodes_json_list(&s);
		if (pools.n)
			json_object_set_new(list, "pools",
					    nodes_json_pools(&pools));
		table_print_json(list);
	} else if (limits) {
		nodes_print_limits(stdout, &s);
	} else if (!strcmp(r->verb, "probe")) {
		nodes_print_probe(stdout, &s);
	} else {
		nodes_print_list(stdout, &s);
		if (s.n_nodes && pools.n)
			putchar('\n');
		nodes_print_pools(stdout, &pools);
	}
	nodes_pools_release(&pools);
	nodes_print_versions(&s);
	/*
	 * In a listing, a drained node is not a failure, even if the user has
	 * switched it off.
	 */
	for (size_t i = 0; i < s.n_nodes; i++) {
		if (s.nodes[i].entry->drained && strcmp(r->verb, "probe"))
			continue;
		if (!s.nodes[i].fit.usable || s.nodes[i].excluded_reason)
			status = EXIT_USAGE;
	}
	nodes_survey_release(&s);
	return status;
}
