/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `list` and `verify`: each toolchain on this machine and on each node.
 * `verify` hashes everything again.
 */
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/toolchain-nodes.h"
#include "cli/toolchain.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "toolchain/adopt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

struct survey {
	struct toolchain_request *r;
	bool verify;
	struct toolchain_installed_list list;
	char **wrong; /* of each: what is wrong with it here, or NULL */
	struct toolchain_nodes nodes;
	struct toolchain_node_cell *cells; /* list.n rows of nodes.n */
	struct err err;
};

/* ------------------------------------------------------- this machine */

struct check {
	const struct toolchain_installed *t;
	const atomic_bool *cancel;
	struct err err;
};

static int hash_again(void *arg)
{
	struct check *c = arg;

	if (c->t->adopted)
		return toolchain_adopt_check(c->t, environ, &c->err);
	return toolchain_installed_verify(c->t, c->cancel, &c->err);
}

/* Without hashing: is the compiler there at all? */
static int look_for_driver(const struct toolchain_installed *t, struct err *err)
{
	char *driver = toolchain_installed_driver(t);
	int ret = 0;

	if (!fs_exists(driver))
		ret = err_set(err, ENOENT, "%s is missing", driver);
	free(driver);
	return ret;
}

static int check_here(struct survey *s)
{
	s->wrong = xcalloc(s->list.n + 1, sizeof(*s->wrong));
	for (size_t i = 0; i < s->list.n; i++) {
		struct check c = { .t = &s->list.v[i],
				   .cancel = s->r->fetch.cancel };
		int ret = s->verify ? progress_run(c.t->id, "hashing",
						   hash_again, &c) :
				      look_for_driver(c.t, &c.err);

		if (settings_interrupted())
			return -ECANCELED;
		if (ret)
			s->wrong[i] = xstrdup(c.err.text);
	}
	return 0;
}

/* ---------------------------------------------------------- the nodes */

static int ask_what_they_hold(void *arg)
{
	struct survey *s = arg;
	const char *which = s->r->nodes ? s->r->nodes : "all";
	int ret = toolchain_nodes_ask(&s->nodes, &s->r->roster, which, &s->err);

	if (ret)
		return ret;
	s->cells = xcalloc(s->list.n * s->nodes.n + 1, sizeof(*s->cells));
	return toolchain_nodes_look(&s->nodes, &s->list, s->verify, s->cells,
				    &s->err);
}

static int look_at_nodes(struct survey *s)
{
	if (!s->r->roster.n || str_equal(s->r->nodes, "none"))
		return 0;
	return progress_run("nodes", s->verify ? "hashing" : "asking",
			    ask_what_they_hold, s);
}

/* ------------------------------------------------------------- output */

static const struct toolchain_node_cell *cell_at(const struct survey *s,
						 size_t i, size_t k)
{
	return &s->cells[i * s->nodes.n + k];
}

static void add_node_cell(struct table *t, const struct toolchain_node_cell *c)
{
	strv_addf(&t->cells, "%s%s%s", c->state, c->canary ? ", canary " : "",
		  c->canary ? c->canary : "");
}

/* "ok" or "damaged", and whether it was ever verified. */
static void add_here(struct table *t, const struct survey *s, size_t i)
{
	const struct toolchain_installed *have = &s->list.v[i];
	const char *kind = have->adopted  ? ", adopted" :
			   have->insecure ? ", unverified" :
					    "";

	strv_addf(&t->cells, "%s%s", s->wrong[i] ? "damaged" : "ok", kind);
}

/* What a table has no room for: a line for each thing that is wrong. */
static unsigned log_details(const struct survey *s)
{
	unsigned wrong = (unsigned)s->list.broken.n;

	for (size_t i = 0; i < s->list.n; i++) {
		if (s->wrong[i]) {
			log_error("%s: %s", s->list.v[i].id, s->wrong[i]);
			wrong++;
		}
		for (size_t k = 0; k < s->nodes.n; k++) {
			const struct toolchain_node_cell *c = cell_at(s, i, k);

			wrong += c->is_different;
			if (c->detail)
				log_warning(
					"%s on node %s: %s", s->list.v[i].id,
					s->nodes.v[k].entry->name, c->detail);
		}
	}
	for (size_t k = 0; k < s->nodes.n; k++) {
		if (s->nodes.v[k].up)
			continue;
		log_warning("node %s: %s", s->nodes.v[k].entry->name,
			    s->nodes.v[k].why);
		/* What was not looked at is not verified. */
		wrong += s->verify;
	}
	return wrong;
}

static void print_survey(const struct survey *s)
{
	size_t columns = 3 + s->nodes.n;
	char *align = xmalloc(columns + 1);
	struct table t = { .align = align };

	memset(align, 'l', columns);
	align[columns] = '\0';
	strv_add(&t.cells, "TOOLCHAIN");
	strv_add(&t.cells, "MAKE");
	strv_add(&t.cells, "HERE");
	for (size_t k = 0; k < s->nodes.n; k++)
		strv_add(&t.cells, s->nodes.v[k].entry->name);
	for (size_t i = 0; i < s->list.n; i++) {
		char *use = toolchain_show_make(&s->list.v[i]);

		strv_add(&t.cells, s->list.v[i].id);
		strv_own(&t.cells, use ? use : xstrdup("-"));
		add_here(&t, s, i);
		for (size_t k = 0; k < s->nodes.n; k++)
			add_node_cell(&t, cell_at(s, i, k));
	}
	table_print(stdout, &t);
	free(align);
}

static json_t *cell_json(const struct survey *s, size_t i, size_t k)
{
	const struct toolchain_node_cell *c = cell_at(s, i, k);
	json_t *o = json_object();

	json_object_set_new(o, "node", json_text(s->nodes.v[k].entry->name));
	json_object_set_new(o, "state", json_text(c->state));
	json_object_set_new(o, "canary", json_text(c->canary));
	json_object_set_new(o, "detail", json_text(c->detail));
	return o;
}

static void print_survey_json(const struct survey *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->list.n; i++) {
		json_t *o = toolchain_show_json(&s->list.v[i]);
		json_t *nodes = json_array();
		const char *state = s->wrong[i] ? "damaged" : "ok";

		json_object_set_new(o, "state", json_text(state));
		json_object_set_new(o, "detail", json_text(s->wrong[i]));
		for (size_t k = 0; k < s->nodes.n; k++)
			json_array_append_new(nodes, cell_json(s, i, k));
		json_object_set_new(o, "nodes", nodes);
		json_array_append_new(list, o);
	}
	table_json(json_pack("{s:o, s:o}", "toolchains", list, "broken",
			     json_texts(&s->list.broken)));
}

/* Only those that are named. */
static int keep_named(struct survey *s)
{
	struct strv ids = { 0 };
	size_t n = 0;
	int ret = 0;

	for (size_t i = 0; !ret && i < s->r->words.n; i++) {
		const struct toolchain_installed *t;

		ret = toolchain_settings_find(&s->list, s->r->words.v[i], &t,
					      &s->err);
		if (!ret)
			strv_add(&ids, t->id);
	}
	for (size_t i = 0; !ret && ids.n && i < s->list.n; i++) {
		if (strv_has(&ids, s->list.v[i].id))
			s->list.v[n++] = s->list.v[i];
		else
			toolchain_installed_release(&s->list.v[i]);
	}
	if (!ret && ids.n)
		s->list.n = n;
	strv_release(&ids);
	return ret;
}

static int show_survey(struct survey *s)
{
	unsigned wrong;

	if (s->r->json)
		print_survey_json(s);
	else if (s->list.n)
		print_survey(s);
	else
		log_info("no toolchain is installed; `kfarm toolchain search` "
			 "shows what there is");
	wrong = log_details(s);
	return wrong ? EXIT_USAGE : EXIT_OK;
}

static void survey_release(struct survey *s)
{
	for (size_t i = 0; s->cells && i < s->list.n * s->nodes.n; i++)
		free(s->cells[i].detail);
	for (size_t i = 0; s->wrong && i < s->list.n; i++)
		free(s->wrong[i]);
	free(s->wrong);
	free(s->cells);
	toolchain_nodes_release(&s->nodes);
	toolchain_installed_list_release(&s->list);
}

static int survey_main(struct toolchain_request *r, bool verify)
{
	struct survey s = { .r = r, .verify = verify };
	int ret = toolchain_settings_installed(r, &s.list, &s.err);
	int status;

	if (!ret)
		ret = keep_named(&s);
	if (!ret)
		ret = check_here(&s);
	if (!ret)
		ret = look_at_nodes(&s);
	if (ret == -ECANCELED)
		err_set(&s.err, ECANCELED, "interrupted");
	status = ret ? toolchain_failed(r, ret, &s.err) : show_survey(&s);
	survey_release(&s);
	return status;
}

int toolchain_list_main(struct toolchain_request *r)
{
	return survey_main(r, false);
}

int toolchain_verify_main(struct toolchain_request *r)
{
	return survey_main(r, true);
}
