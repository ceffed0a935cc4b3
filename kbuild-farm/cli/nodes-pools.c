/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "base/format.h"
#include "base/list.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "cli/nodes.h"
#include "cli/table.h"
#include "cli/top-sources.h"
#include "conf/scan.h"
#include "conf/schema.h"
#include "node/pool.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* maximum wait until the running builds have sent their state */
#define BUILDS_WAIT_MS 2000

/* A member of a pool in a running build. */
struct pool_member {
	char *name, *state;
	int64_t pid; /* process id of the build's kfarm */
};

struct pool_row {
	const struct node_pool *pool;
	struct pool_member *members;
	size_t n_members;
};

/* ------------------------------------------------------------ listing */

static char *format_members(const void *row)
{
	const struct pool_row *r = row;
	struct strv list = { 0 };
	char *text;

	for (size_t i = 0; i < r->n_members; i++)
		strv_addf(&list, "%s %s", r->members[i].name,
			  r->members[i].state);
	if (!list.n)
		strv_add(&list, r->pool->drained ? "drained" : "none");
	text = strv_join(&list, ", ");
	strv_release(&list);
	return text;
}

static char *format_ms(int64_t ms)
{
	struct buf text = { 0 };

	format_duration_short(&text, (uint64_t)ms);
	return buf_steal(&text);
}

static const struct record_member member_members[] = {
	{ RECORD_VALUE("name", pool_member, name) },
	{ RECORD_VALUE("state", pool_member, state) },
	{ RECORD_VALUE("pid", pool_member, pid) },
};
static const struct record member_record = RECORD(pool_member, member_members);

#define POOL(name, member) \
	RECORD_VALUE(name, node_pool, member), RECORD_VIA(pool_row, pool)

static const struct record_member pool_members[] = {
	{ POOL("name", name), RECORD_COLUMN(1, "POOL") },
	{ POOL("start", start) },
	{ POOL("min", min), RECORD_COLUMN_RIGHT(2, "MIN") },
	{ POOL("max", max), RECORD_COLUMN_RIGHT(3, "MAX") },
	{ POOL("weight", weight) },
	{ POOL("drained", drained) },
	{ POOL("idle_seconds", idle_ms), .divisor = 1000 },
	{ POOL("member_slots", member_slots), RECORD_COLUMN_RIGHT(4, "SLOTS") },
	{ POOL("start_seconds", start_ms), .divisor = 1000,
	  RECORD_COLUMN_RIGHT(5, "START"), .format_number = format_ms },
	{ RECORD_LIST("members", pool_row, members, n_members, 1000,
		      &member_record) },
	{ RECORD_COLUMN(6, "MEMBERS"), .format = format_members },
};
const struct record nodes_pool_record = RECORD(pool_row, pool_members);

/* Add the pool members of a running build to the rows of their pools. */
static void add_running_members(struct nodes_pools *all,
				const struct top_page *p)
{
	for (size_t i = 0; i < p->model.n_nodes; i++) {
		const struct ui_node *n = p->model.nodes[i];

		for (size_t k = 0; k < all->n && n->pool; k++) {
			struct pool_row *row = &all->rows[k];

			if (strcmp(row->pool->name, n->pool) != 0 ||
			    !ui_node_is_present(n))
				continue;
			*VEC_ADD(row->members,
				 row->n_members) = (struct pool_member){
				.name = xstrdup(n->reported->name),
				.state = xstrdup(n->reported->state),
				.pid = p->pid,
			};
		}
	}
}

static void on_wait_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Query the running builds for their pool members. */
static void find_members(struct nodes_pools *all)
{
	static const struct timeval tick = { .tv_usec = 20000 };
	static const struct top_ops no_ops = { 0 };
	struct event_base *base = event_base_new();
	struct event *timer = NULL;
	uint64_t end_ms = clock_ms() + BUILDS_WAIT_MS;
	struct top_builds *builds = NULL;
	struct top_page *p;
	struct top top;
	struct err err;

	if (base)
		timer = event_new(base, -1, EV_PERSIST, on_wait_tick, NULL);
	if (!timer)
		str_out_of_memory();
	top_init(&top, base, &no_ops, NULL);
	event_add(timer, &tick);
	if (top_builds_new(&builds, &top, &err))
		log_debug("%s", err.text);
	else
		top_builds_refresh(builds);
	while (!top_is_complete(&top) && clock_ms() < end_ms)
		event_base_loop(base, EVLOOP_ONCE);
	list_for_each(p, &top.pages, entry)
		add_running_members(all, p);
	top_builds_free(builds);
	top_release(&top);
	event_free(timer);
	event_base_free(base);
}

void nodes_pools_collect(struct nodes_pools *all, const struct nodes_request *r)
{
	*all = (struct nodes_pools){ 0 };
	for (size_t i = 0; i < r->roster.n_pools; i++) {
		const struct node_pool *p = &r->roster.pools[i];

		if (nodes_filter_has_pool(r, p))
			*VEC_ADD(all->rows,
				 all->n) = (struct pool_row){ .pool = p };
	}
	if (all->n)
		find_members(all);
}

void nodes_pools_release(struct nodes_pools *all)
{
	for (size_t i = 0; i < all->n; i++) {
		for (size_t k = 0; k < all->rows[i].n_members; k++) {
			free(all->rows[i].members[k].name);
			free(all->rows[i].members[k].state);
		}
		free(all->rows[i].members);
	}
	free(all->rows);
	*all = (struct nodes_pools){ 0 };
}

void nodes_print_pools(FILE *out, const struct nodes_pools *all)
{
	struct table t = { .wrap_columns = NODES_TABLE_COLUMNS };

	for (size_t i = 0; i < all->n; i++)
		table_add_record(&t, &nodes_pool_record, &all->rows[i]);
	if (all->n)
		table_print(out, &t);
}

json_t *nodes_json_pools(const struct nodes_pools *all)
{
	return record_array_to_json(&nodes_pool_record, all->rows, all->n);
}

/* ---------------------------------------------------- nodes add --pool */

/* Embed the templates.  The paths are relative to make's working directory. */
#define TEXT(name)                                                    \
	".global pool_template_" name "\n.hidden pool_template_" name \
	"\npool_template_" name ":\n.incbin \"templates/pool/" name   \
	".conf\"\n.byte 0\n"
__asm__(".section .rodata\n" TEXT("docker") TEXT("kubernetes") TEXT("nomad")
		TEXT("podman") TEXT("slurm") TEXT("ssh") ".text\n");
#define TEMPLATE(name)                           \
	extern const char pool_template_##name[] \
		__attribute__((visibility("hidden")));
#define TEMPLATES X(docker) X(kubernetes) X(nomad) X(podman) X(slurm) X(ssh)
#define X(name)   TEMPLATE(name)
TEMPLATES
#undef X

static const struct {
	const char *engine, *text;
} templates[] = {
#define X(name) { #name, pool_template_##name },
	TEMPLATES
#undef X
};

/* The settings of a template. */
struct pool_settings {
	struct strv strings; /* keys and values */
	struct conf_pair *pairs;
	size_t n;
};

static int add_template_setting(void *ctx, const struct conf_item *item)
{
	struct pool_settings *s = ctx;
	struct buf value = { 0 };

	if (!item->key || !item->value)
		return 0;
	/* Drop the tabs of continued lines, which the parser retains. */
	for (const char *c = item->value; *c; c++) {
		if (*c != '\t')
			buf_add(&value, c, 1);
	}
	strv_add(&s->strings, item->key);
	strv_own(&s->strings, buf_steal(&value));
	return 0;
}

/* Print the comment at the top of a template, which explains its settings. */
static void print_comment(const char *text)
{
	while (*text == '#') {
		size_t len = strcspn(text, "\n");

		printf("%.*s\n", (int)(len > 1 ? len - 2 : 0),
		       text + (len > 1 ? 2 : 1));
		text += len + 1;
	}
}

int nodes_add_pool(struct nodes_request *r, struct err *err)
{
	const char *name = r->words.n ? r->words.v[0] : r->pool, *text = NULL;
	struct pool_settings s = { 0 };
	char *file = conf_user_path();
	struct strv known = { 0 };
	unsigned line;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(templates); i++) {
		strv_add(&known, templates[i].engine);
		if (!strcmp(templates[i].engine, r->pool))
			text = templates[i].text;
	}
	if (!text) {
		char *list = strv_join(&known, ", ");

		ret = err_set(err, EINVAL,
			      "--pool %s: unknown engine; expected one of %s",
			      r->pool, list);
		free(list);
		goto out;
	}
	if (r->codec || r->key || r->port || r->ssh_only || r->manual)
		ret = err_set(err, EINVAL,
			      "--pool cannot be combined with --codec, --key, "
			      "--port, --ssh or --manual");
	else
		ret = node_entry_check_name(name, err);
	if (!ret && (node_roster_get(&r->roster, name) ||
		     node_roster_get_pool(&r->roster, name)))
		ret = err_set(err, EEXIST,
			      "%s is already configured; choose another name",
			      name);
	if (!ret)
		ret = conf_scan(bytes_of(text, strlen(text)),
				add_template_setting, &s, &line, err);
	if (!ret && r->slots) {
		ret = conf_schema_check(conf_schema_find("pool", "", "slots"),
					r->slots, err);
		if (ret)
			err_wrap(err, "--slots");
	}
	for (size_t i = 0; !ret && i < s.strings.n; i += 2) {
		const char *key = s.strings.v[i], *value = s.strings.v[i + 1];

		if (r->slots && !strcmp(key, "slots"))
			value = r->slots;
		*VEC_ADD(s.pairs, s.n) = (struct conf_pair){ key, value };
	}
	if (!ret)
		ret = conf_set_all("pool", name, s.pairs, s.n, err);
	if (!ret) {
		log_info("pool %s was added to %s; adapt its command and "
			 "limits, then run `kfarm nodes check %s`",
			 name, file, name);
		print_comment(text);
	}
out:
	strv_release(&known);
	strv_release(&s.strings);
	free(s.pairs);
	free(file);
	return ret;
}
